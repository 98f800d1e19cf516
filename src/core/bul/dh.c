/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The Diffie-Hellman exchange that gives a pair its Kabm: SIGMA's four messages with Kbm as
 * pre-shared key (draft, 6 and appendix A; protocol.md, 4).
 *
 * Every message ends with a signature under Kbm and the BUB cookie, checked before anything that
 * costs more than a hash.  The initiator goes on to DH3 only when both copies of DH2, one through
 * the home agents and one direct, have come and are the same.
 *
 *   initiator   NONE -> SENT_1 -> SENT_3 -> DONE, and NONE again at once: it holds the key
 *   responder   NONE -> SENT_2 -> DONE, and NONE when no repetition of DH3 is expected any more
 *
 * The initiator repeats DH1 and DH3; the responder only answers, and forgets.  This file knows the
 * exchange alone: what an agreed key or a failure means to the session is for its caller.
 */
#include <string.h>

#include "bul/dh.h"
#include "mn/mn.h"

#define INFO_FORMAT 1
#define DH1_EVERY_MS 1000u /* a peer may make us respond to one new exchange in so long */

static void dh_set_state(struct bub_engine *eng, struct dh *d, const struct ends *ends,
			 enum dh_state to, const char *why)
{
	static const char *const name[] = {"none", "DH1 sent", "DH3 sent", "DH2 sent", "done"};

	if (d->state != to)
		ends_trace(eng, ends, "dh-exchange", name[d->state], name[to], why);
	d->state = to;
}

static struct dh_outcome goes_on(enum bub_drop drop)
{
	return (struct dh_outcome){.event = DH_GOES_ON, .drop = drop};
}

void dh_reset(struct bub_engine *eng, struct dh *d)
{
	struct bub_time worked_at = d->worked_at;
	struct timer resend, forget;

	core_timer_cancel(eng, &d->resend_timer);
	core_timer_cancel(eng, &d->forget_timer);
	resend = d->resend_timer;
	forget = d->forget_timer;
	bub_wipe(d, sizeof *d);
	d->resend_timer = resend;
	d->forget_timer = forget;
	d->worked_at = worked_at;
}

static struct bub_view dh_view(const uint8_t *data, size_t len)
{
	return (struct bub_view){data, len};
}

static bool dh_view_is(struct bub_view v, const uint8_t *data, size_t len)
{
	return v.len == len && memcmp(v.data, data, len) == 0;
}

/* ---- Sending ------------------------------------------------------------------------------- */

/* DH1, DH3: care-of address to the peer's home address.  DH4 the same the other way. */
static struct route route_to_home(const struct ends *ends)
{
	struct route r = route_as_known(ends->home, &ends->peer);

	r.via = "home agents";
	return r;
}

static void dh_send_stored(struct bub_engine *eng, struct dh *d, const struct route *r, unsigned i)
{
	const uint8_t *mh = d->message[i];

	core_send_built(eng, r, BUB_MH_DH, mh[6], mh, d->message_len[i]);
}

static void send_dh2(struct bub_engine *eng, struct dh *d, const struct ends *ends)
{
	struct route tunnelled = route_from_home(ends->home, &ends->peer);
	struct route direct = route_as_known(ends->home, &d->peer_care_of);

	tunnelled.via = "home agents";
	dh_send_stored(eng, d, &tunnelled, 0);
	direct.has_hao = true;
	direct.hao = ends->local;
	dh_send_stored(eng, d, &direct, 0);
}

static void dh_start_message(struct mh_out *out, const struct dh *d, uint8_t message)
{
	*out = (struct mh_out){
		.mh = {.kind = BUB_MH_DH},
		.key = &d->kbm,
		.bub_cookie = d->bub_cookie,
	};
	out->mh.u.dh.message = message;
	memcpy(out->mh.u.dh.sid1, d->sid1, BUB_DH_SID_LEN);
	if (message > 1)
		memcpy(out->mh.u.dh.sid2, d->sid2, BUB_DH_SID_LEN);
}

static void dh_store_message(struct bub_engine *eng, struct dh *d, const struct mh_out *out,
			     unsigned i)
{
	d->message_len[i] = (uint16_t)core_build(eng, out, d->message[i], sizeof d->message[i]);
}

static void dh_arm(struct bub_engine *eng, struct dh *d)
{
	d->sends = 1;
	d->interval_ms = INITIAL_BINDACK_TIMEOUT_MS;
	core_timer(eng, &d->resend_timer, d->interval_ms);
}

static struct dh_outcome dh_fail(struct bub_engine *eng, struct dh *d, const struct ends *ends,
				 const char *why)
{
	enum dh_purpose purpose = d->purpose;

	core_counters(eng)->dh_failed++;
	dh_set_state(eng, d, ends, DH_NONE, why);
	dh_reset(eng, d);
	return (struct dh_outcome){.event = DH_FAILED, .purpose = purpose, .why = why};
}

struct dh_outcome dh_resend(struct bub_engine *eng, struct dh *d, const struct ends *ends)
{
	struct route r = route_to_home(ends);

	if (d->unknown && d->state == DH_SENT_1)
		return dh_fail(eng, d, ends, "the peer does not know DH messages");
	if (d->sends >= DH_SENDS)
		return dh_fail(eng, d, ends, "no answer in the DH exchange");
	d->sends++;
	d->interval_ms *= 2;
	core_timer(eng, &d->resend_timer, d->interval_ms);
	dh_send_stored(eng, d, &r, d->state == DH_SENT_3);
	return goes_on(BUB_DROP_NONE);
}

void dh_forget(struct bub_engine *eng, struct dh *d, const struct ends *ends)
{
	dh_set_state(eng, d, ends, DH_NONE, "over");
	dh_reset(eng, d);
}

void dh_init(struct dh *d, void (*on_resend)(struct bub_engine *eng, void *owner),
	     void (*on_forget)(struct bub_engine *eng, void *owner), void *owner)
{
	timer_init(&d->resend_timer, on_resend, owner);
	timer_init(&d->forget_timer, on_forget, owner);
}

/* ---- Signatures ---------------------------------------------------------------------------- */

bool dh_is_signed(struct bub_engine *eng, const struct rx *rx, const struct bub_key *key,
		  const uint8_t bub_cookie[static BUB_COOKIE_LEN])
{
	const struct bub_dh *m = &rx->mh.u.dh;
	uint8_t sig[BUB_AUTH_LEN];

	bub_dh_signature(core_crypto(eng), key, rx->mh.raw.data, rx->mh.raw.len, m->signature_at,
			 bub_cookie, sig);
	return bub_equal_secret(sig, rx->mh.raw.data + m->signature_at, sizeof sig);
}

static bool signature_is_good(struct bub_engine *eng, const struct dh *d, const struct rx *rx)
{
	return dh_is_signed(eng, rx, &d->kbm, d->bub_cookie);
}

static unsigned suite_index(const struct bub_engine *eng, uint8_t suite)
{
	unsigned i;

	for (i = 0; i < core_config(eng)->n_suites; i++)
		if (core_config(eng)->suite[i] == suite)
			break;
	return i;
}

/* SIG and MAC of DH3 (@message 3, made by MN1) or DH4 (MN2), as appendix A has them. */
static void sig_and_mac(struct bub_engine *eng, const struct dh *d, const struct ends *ends,
			uint8_t message, uint8_t ret_sig[BUB_HASH_MAX],
			uint8_t ret_mac[BUB_HASH_MAX])
{
	bool first = message == 3;
	bool own = first == d->initiator;
	const uint8_t *pub = own ? d->pub[suite_index(eng, d->suite)] : d->peer_pub;
	struct bub_view value = dh_view(pub, bub_suite_public_len(d->suite));
	struct bub_view info1 = dh_view(d->info1, d->info1_len);
	struct bub_view info2 = dh_view(d->info2, d->info2_len);
	const struct in6_addr *identity = own ? &ends->local : &ends->peer;

	bub_dh_sig(core_crypto(eng), d->suite, &d->kbm, first ? d->n2 : d->n1,
		   first ? d->sid1 : d->sid2, value, first ? info1 : info2, first ? info2 : info1,
		   ret_sig);
	bub_dh_mac(core_crypto(eng), d->suite, &d->keys.km, identity, ret_mac);
}

static bool dh_derive(struct bub_engine *eng, struct dh *d, const struct ends *ends)
{
	struct bub_dh_context ctx = {
		.suite = d->suite,
		.n1 = d->n1,
		.n2 = d->n2,
		.sid1 = d->sid1,
		.sid2 = d->sid2,
		.mn1 = d->initiator ? &ends->local : &ends->peer,
		.mn2 = d->initiator ? &ends->peer : &ends->local,
	};
	struct bub_view value = dh_view(d->peer_pub, bub_suite_public_len(d->suite));
	const unsigned i = suite_index(eng, d->suite);

	ctx.own_public = d->pub[i];
	return bub_dh_keys(core_crypto(eng), &ctx, d->priv[i], value, &d->keys) == 0;
}

static void build_closing(struct bub_engine *eng, struct dh *d, const struct ends *ends,
			  uint8_t message)
{
	uint8_t sig[BUB_HASH_MAX], mac[BUB_HASH_MAX];
	struct mh_out out;
	struct bub_dh *m = &out.mh.u.dh;
	size_t len = bub_suite_hash_len(d->suite);

	dh_start_message(&out, d, message);
	sig_and_mac(eng, d, ends, message, sig, mac);
	m->has_identity = true;
	m->identity = ends->local;
	m->sig = dh_view(sig, len);
	m->mac = dh_view(mac, len);
	if (message == 4)
		m->info = dh_view(d->info2, d->info2_len);
	dh_store_message(eng, d, &out, 1);
}

static bool is_of_session(const struct dh *d, const struct bub_dh *m)
{
	return memcmp(m->sid1, d->sid1, BUB_DH_SID_LEN) == 0 &&
	       memcmp(m->sid2, d->sid2, BUB_DH_SID_LEN) == 0;
}

/* The checks that DH3 and DH4 share; BUB_DROP_NONE: the peer is who it says. */
static enum bub_drop check_closing(struct bub_engine *eng, const struct dh *d,
				   const struct ends *ends, const struct bub_dh *m)
{
	uint8_t sig[BUB_HASH_MAX], mac[BUB_HASH_MAX];
	size_t len = bub_suite_hash_len(d->suite);

	if (!m->has_identity || !bub_addr_eq(&m->identity, &ends->peer))
		return BUB_DROP_DH_IDENTITY;
	sig_and_mac(eng, d, ends, m->message, sig, mac);
	if (m->sig.len != len || !bub_equal_secret(sig, m->sig.data, len))
		return BUB_DROP_DH_BAD_SIG;
	if (m->mac.len != len || !bub_equal_secret(mac, m->mac.data, len))
		return BUB_DROP_DH_BAD_MAC;
	return BUB_DROP_NONE;
}

static struct dh_outcome dh_agreed(struct bub_engine *eng, struct dh *d, const struct ends *ends,
				   const char *why)
{
	core_counters(eng)->dh_exchanges++;
	dh_set_state(eng, d, ends, DH_DONE, why);
	return (struct dh_outcome){.event = DH_AGREED, .purpose = d->purpose};
}

void dh_conclude(struct bub_engine *eng, struct dh *d)
{
	if (d->initiator) {
		dh_reset(eng, d);
		return;
	}
	/* DH4 is kept for a DH3 that comes again; Km and the private values are not. */
	bub_wipe(&d->keys, sizeof d->keys);
	bub_wipe(d->priv, sizeof d->priv);
}

/* ---- Initiator ----------------------------------------------------------------------------- */

struct dh_outcome dh_start(struct bub_engine *eng, struct dh *d, const struct ends *ends,
			   enum dh_purpose purpose, const struct bub_key *kbm,
			   const uint8_t bub_cookie[static BUB_COOKIE_LEN])
{
	static const char *const reason[] = {"BUB test passed", "Kabm is to be renewed",
					     "with a static correspondent"};
	struct mh_out out;
	struct bub_dh *m = &out.mh.u.dh;
	struct route r = route_to_home(ends);

	dh_reset(eng, d);
	d->purpose = purpose;
	d->initiator = true;
	d->kbm = *kbm;
	memcpy(d->bub_cookie, bub_cookie, BUB_COOKIE_LEN);
	core_random(eng, d->sid1, sizeof d->sid1);
	core_random(eng, d->n1, sizeof d->n1);
	core_random(eng, d->priv, sizeof d->priv);
	d->info1[d->info1_len++] = INFO_FORMAT;
	dh_start_message(&out, d, 1);
	for (unsigned i = 0; i < core_config(eng)->n_suites; i++) {
		uint8_t suite = core_config(eng)->suite[i];
		int len = bub_dh_public(core_crypto(eng), suite, d->priv[i], d->pub[i]);

		if (len < 0)
			return dh_fail(eng, d, ends, "libcrypto refused to make a DH value");
		d->info1[d->info1_len++] = suite;
		m->share[m->n_shares].suite = suite;
		m->share[m->n_shares++].value = dh_view(d->pub[i], (size_t)len);
	}
	m->nonce = dh_view(d->n1, sizeof d->n1);
	m->info = dh_view(d->info1, d->info1_len);
	dh_store_message(eng, d, &out, 0);
	dh_set_state(eng, d, ends, DH_SENT_1, reason[purpose]);
	dh_send_stored(eng, d, &r, 0);
	dh_arm(eng, d);
	return goes_on(BUB_DROP_NONE);
}

bool dh_is_initiator(const struct dh *d)
{
	return d->initiator && d->state != DH_NONE;
}

bool dh_on_unknown(struct bub_engine *eng, struct dh *d, const struct ends *ends)
{
	/* After a BUB test, or under a Kabm, the peer is known to do better.  RFC 6275, 11.3.6:
	 * "cease the use of any extensions". */
	if (d->state != DH_SENT_1 || d->purpose != DH_FOR_STATIC || d->unknown)
		return false;
	d->unknown = true;
	ends_trace(eng, ends, "dh-exchange", "DH1 sent", "DH1 sent", "said to be unknown");
	return true;
}

/* Keeps the first copy of DH2.  NONE: this is the second one, and it is the same. */
static enum bub_drop collect_dh2(struct dh *d, const struct ends *ends, const struct rx *rx,
				 bool *ret_complete)
{
	uint8_t copy[DH_MESSAGE_MAX];
	bool direct = rx->ip->has_hao;

	/* The copy without a Home Address option must have come through our home agent. */
	if (!direct && !rx->tunnelled && home_is_away(ends->home))
		return BUB_DROP_DH_PATH;
	if (direct && (rx->tunnelled || !bub_addr_eq(&rx->ip->src, &ends->peer_at)))
		return BUB_DROP_DH_PATH;
	if (rx->mh.raw.len > sizeof copy)
		return BUB_DROP_DH_COPIES_DIFFER;
	memcpy(copy, rx->mh.raw.data, rx->mh.raw.len);
	copy[4] = copy[5] = 0; /* the checksums differ with the addresses */
	if (!d->dh2_tunnelled && !d->dh2_direct) {
		memcpy(d->dh2, copy, rx->mh.raw.len);
		d->dh2_len = (uint16_t)rx->mh.raw.len;
	} else if (d->dh2_len != rx->mh.raw.len || memcmp(d->dh2, copy, d->dh2_len) != 0) {
		return BUB_DROP_DH_COPIES_DIFFER;
	}
	if (direct)
		d->dh2_direct = true;
	else
		d->dh2_tunnelled = true;
	*ret_complete = d->dh2_direct && d->dh2_tunnelled;
	return BUB_DROP_NONE;
}

static enum bub_drop accept_dh2(struct bub_engine *eng, struct dh *d, const struct ends *ends,
				const struct bub_dh *m)
{
	if (memcmp(m->sid1, m->sid2, BUB_DH_SID_LEN) == 0)
		return BUB_DROP_DH_SID;
	if (m->info.len != 2 || m->info.data[0] != INFO_FORMAT || m->n_shares != 1 ||
	    m->share[0].suite != m->info.data[1] ||
	    suite_index(eng, m->share[0].suite) == core_config(eng)->n_suites)
		return BUB_DROP_DH_SUITE;
	d->suite = m->share[0].suite;
	if (m->share[0].value.len != bub_suite_public_len(d->suite))
		return BUB_DROP_DH_PUBLIC_VALUE;
	memcpy(d->sid2, m->sid2, sizeof d->sid2);
	memcpy(d->n2, m->nonce.data, sizeof d->n2);
	memcpy(d->info2, m->info.data, m->info.len);
	d->info2_len = (uint8_t)m->info.len;
	memcpy(d->peer_pub, m->share[0].value.data, m->share[0].value.len);
	return dh_derive(eng, d, ends) ? BUB_DROP_NONE : BUB_DROP_DH_PUBLIC_VALUE;
}

static struct dh_outcome dh_on_dh2(struct bub_engine *eng, struct dh *d, const struct ends *ends,
				   const struct rx *rx)
{
	struct route r = route_to_home(ends);
	struct dh_outcome failed;
	bool complete = false;
	enum bub_drop why;

	if (d->state != DH_SENT_1)
		return goes_on(BUB_DROP_DH_STATE);
	if (memcmp(rx->mh.u.dh.sid1, d->sid1, BUB_DH_SID_LEN) != 0)
		return goes_on(BUB_DROP_DH_SID);
	if (!signature_is_good(eng, d, rx))
		return goes_on(BUB_DROP_DH_BAD_SIGNATURE);
	why = collect_dh2(d, ends, rx, &complete);
	if (why != BUB_DROP_NONE || !complete)
		return goes_on(why);
	why = accept_dh2(eng, d, ends, &rx->mh.u.dh);
	if (why != BUB_DROP_NONE) { /* properly signed, and yet of no use */
		failed = dh_fail(eng, d, ends, bub_drop_name(why));
		failed.drop = why;
		return failed;
	}
	build_closing(eng, d, ends, 3);
	dh_set_state(eng, d, ends, DH_SENT_3, "both copies of DH2 are the same");
	dh_send_stored(eng, d, &r, 1);
	dh_arm(eng, d);
	return goes_on(BUB_DROP_NONE);
}

static struct dh_outcome dh_on_dh4(struct bub_engine *eng, struct dh *d, const struct ends *ends,
				   const struct rx *rx)
{
	const struct bub_dh *m = &rx->mh.u.dh;
	enum bub_drop why;

	if (d->state != DH_SENT_3)
		return goes_on(BUB_DROP_DH_STATE);
	if (!is_of_session(d, m))
		return goes_on(BUB_DROP_DH_SID);
	if (!signature_is_good(eng, d, rx))
		return goes_on(BUB_DROP_DH_BAD_SIGNATURE);
	if (!rx->tunnelled && home_is_away(ends->home))
		return goes_on(BUB_DROP_DH_PATH);
	if (!dh_view_is(m->info, d->info2, d->info2_len))
		return goes_on(BUB_DROP_DH_SUITE);
	why = check_closing(eng, d, ends, m);
	return why == BUB_DROP_NONE ? dh_agreed(eng, d, ends, "DH4") : goes_on(why);
}

/* ---- Responder ----------------------------------------------------------------------------- */

/* Our first suite among those offered, as an index of @m's shares; false: none. */
static bool dh_choose(const struct bub_engine *eng, const struct bub_dh *m, unsigned *ret_share)
{
	for (unsigned i = 0; i < core_config(eng)->n_suites; i++)
		for (unsigned k = 0; k < m->n_shares; k++)
			if (m->share[k].suite == core_config(eng)->suite[i] &&
			    memchr(m->info.data + 1, m->share[k].suite, m->info.len - 1) != NULL) {
				*ret_share = k;
				return true;
			}
	return false;
}

/* The checks of a DH1 that cost little; @ret_share: the share of the suite to use. */
static enum bub_drop check_dh1(const struct bub_engine *eng, const struct bub_dh *m,
			       unsigned *ret_share)
{
	if (m->info.len < 2 || m->info.len > BUB_DH_INFO_MAX || m->info.data[0] != INFO_FORMAT ||
	    !dh_choose(eng, m, ret_share))
		return BUB_DROP_DH_SUITE;
	if (m->share[*ret_share].value.len != bub_suite_public_len(m->share[*ret_share].suite))
		return BUB_DROP_DH_PUBLIC_VALUE;
	return BUB_DROP_NONE;
}

static enum bub_drop accept_dh1(struct bub_engine *eng, struct dh *d, const struct ends *ends,
				const struct bub_dh *m, unsigned share)
{
	unsigned i;

	d->suite = m->share[share].suite;
	i = suite_index(eng, d->suite);
	memcpy(d->sid1, m->sid1, sizeof d->sid1);
	memcpy(d->n1, m->nonce.data, sizeof d->n1);
	memcpy(d->info1, m->info.data, m->info.len);
	d->info1_len = (uint8_t)m->info.len;
	memcpy(d->peer_pub, m->share[share].value.data, m->share[share].value.len);
	core_random(eng, d->sid2, sizeof d->sid2);
	core_random(eng, d->n2, sizeof d->n2);
	core_random(eng, d->priv, sizeof d->priv);
	d->info2[0] = INFO_FORMAT;
	d->info2[1] = d->suite;
	d->info2_len = 2;
	if (bub_dh_public(core_crypto(eng), d->suite, d->priv[i], d->pub[i]) < 0)
		return BUB_DROP_DH_PUBLIC_VALUE;
	return dh_derive(eng, d, ends) ? BUB_DROP_NONE : BUB_DROP_DH_PUBLIC_VALUE;
}

static void build_dh2(struct bub_engine *eng, struct dh *d)
{
	struct mh_out out;
	struct bub_dh *m = &out.mh.u.dh;

	dh_start_message(&out, d, 2);
	m->nonce = dh_view(d->n2, sizeof d->n2);
	m->info = dh_view(d->info2, d->info2_len);
	m->n_shares = 1;
	m->share[0].suite = d->suite;
	m->share[0].value =
		dh_view(d->pub[suite_index(eng, d->suite)], bub_suite_public_len(d->suite));
	dh_store_message(eng, d, &out, 0);
}

/* DH1 and DH3 are sent to our home address: away from home they come out of the tunnel.  Only a
 * peer at home leaves the Home Address option out (draft, 6). */
static enum bub_drop check_responder_path(const struct ends *ends, const struct rx *rx)
{
	if (!bub_addr_eq(&rx->local, &ends->local) || (!rx->tunnelled && home_is_away(ends->home)))
		return BUB_DROP_DH_PATH;
	return rx->ip->has_hao || !ends->peer_away ? BUB_DROP_NONE : BUB_DROP_DH_PATH;
}

/* What is to be known before any public-key work is done for a DH1. */
static enum bub_drop check_new_dh1(const struct bub_engine *eng, const struct dh *d,
				   const struct ends *ends, const struct rx *rx,
				   unsigned *ret_share)
{
	enum bub_drop why = check_responder_path(ends, rx);

	if (why != BUB_DROP_NONE)
		return why;
	/* Two exchanges at once: that of the smaller home address goes on (protocol.md, P2). */
	if (dh_is_initiator(d) && memcmp(&ends->local, &ends->peer, sizeof ends->local) < 0)
		return BUB_DROP_DH_STATE;
	why = check_dh1(eng, &rx->mh.u.dh, ret_share);
	if (why != BUB_DROP_NONE)
		return why;
	return d->worked_at.ns != 0 &&
			       bub_time_ms_between(d->worked_at, core_now(eng)) < DH1_EVERY_MS
		       ? BUB_DROP_DH_RATE /* protocol.md, P42 */
		       : BUB_DROP_NONE;
}

static void answer_dh1(struct bub_engine *eng, struct dh *d, const struct ends *ends,
		       const struct rx *rx)
{
	d->peer_care_of = rx->ip->src;
	send_dh2(eng, d, ends);
	core_timer(eng, &d->forget_timer, (uint64_t)RESPONDER_FORGETS_S * 1000);
}

static struct dh_outcome on_new_dh1(struct bub_engine *eng, struct dh *d, const struct ends *ends,
				    const struct rx *rx, const struct dh_terms *terms)
{
	struct dh_outcome outcome = {.event = DH_TAKEN_OVER};
	unsigned share;

	outcome.drop = check_new_dh1(eng, d, ends, rx, &share);
	if (outcome.drop != BUB_DROP_NONE)
		return goes_on(outcome.drop);
	dh_reset(eng, d);
	d->purpose = terms->purpose;
	d->kbm = terms->key;
	memcpy(d->bub_cookie, terms->bub_cookie, BUB_COOKIE_LEN);
	d->worked_at = core_now(eng);
	outcome.drop = accept_dh1(eng, d, ends, &rx->mh.u.dh, share);
	if (outcome.drop == BUB_DROP_NONE) {
		build_dh2(eng, d);
		dh_set_state(eng, d, ends, DH_SENT_2, "DH1");
		answer_dh1(eng, d, ends, rx);
	}
	return outcome;
}

static struct dh_outcome on_repeated_dh1(struct bub_engine *eng, struct dh *d,
					 const struct ends *ends, const struct rx *rx)
{
	enum bub_drop why = check_responder_path(ends, rx);

	if (!signature_is_good(eng, d, rx))
		return goes_on(BUB_DROP_DH_BAD_SIGNATURE);
	if (why == BUB_DROP_NONE)
		answer_dh1(eng, d, ends, rx);
	return goes_on(why);
}

static struct dh_outcome dh_on_dh3(struct bub_engine *eng, struct dh *d, const struct ends *ends,
				   const struct rx *rx)
{
	const struct bub_dh *m = &rx->mh.u.dh;
	struct route r = route_to_home(ends);
	enum bub_drop why;
	bool repeated = d->state == DH_DONE;

	if (d->initiator || (d->state != DH_SENT_2 && !repeated))
		return goes_on(BUB_DROP_DH_STATE);
	if (!is_of_session(d, m))
		return goes_on(BUB_DROP_DH_SID);
	if (!signature_is_good(eng, d, rx))
		return goes_on(BUB_DROP_DH_BAD_SIGNATURE);
	why = check_responder_path(ends, rx);
	if (why == BUB_DROP_NONE && !repeated)
		why = check_closing(eng, d, ends, m);
	if (why != BUB_DROP_NONE)
		return goes_on(why);
	if (!repeated)
		build_closing(eng, d, ends, 4);
	dh_send_stored(eng, d, &r, 1);
	if (repeated)
		return goes_on(BUB_DROP_NONE);
	core_timer(eng, &d->forget_timer, (uint64_t)RESPONDER_FORGETS_S * 1000);
	return dh_agreed(eng, d, ends, "DH3");
}

/* ---- Dispatch ------------------------------------------------------------------------------ */

bool dh_is_new(const struct dh *d, const struct rx *rx)
{
	return rx->mh.u.dh.message == 1 &&
	       (d->state != DH_SENT_2 || memcmp(d->sid1, rx->mh.u.dh.sid1, BUB_DH_SID_LEN) != 0);
}

struct dh_outcome dh_on_message(struct bub_engine *eng, struct dh *d, const struct ends *ends,
				const struct rx *rx, const struct dh_terms *terms)
{
	switch (rx->mh.u.dh.message) {
	case 1:
		return dh_is_new(d, rx) ? on_new_dh1(eng, d, ends, rx, terms)
					: on_repeated_dh1(eng, d, ends, rx);
	case 2:
		return dh_on_dh2(eng, d, ends, rx);
	case 3:
		return dh_on_dh3(eng, d, ends, rx);
	case 4:
		return dh_on_dh4(eng, d, ends, rx);
	default: /* the codec lets no other number through */
		return goes_on(BUB_DROP_DH_STATE);
	}
}
