/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The Diffie-Hellman exchange that gives a pair its Kabm: SIGMA's four messages with Kbm as
 * pre-shared key (draft, 6 and appendix A; protocol.md, 4).
 *
 * Every message ends with a signature under Kbm and the BUB cookie, checked before anything that
 * costs more than a hash.  The initiator goes on to DH3 only when both copies of DH2, one through
 * the home agents and one direct, have come and are the same.
 */
#include <string.h>

#include "bul/dh.h"
#include "bul/peer.h"
#include "cn/binding.h"
#include "mn/home.h"

#define INFO_FORMAT 1
#define DH1_EVERY_MS 1000u /* new exchanges that a peer may make us respond to */

static const char *dh_name(enum dh_state s)
{
	static const char *const name[] = {"none", "DH1 sent", "DH3 sent", "DH2 sent", "done"};

	return name[s];
}

static void set_state(struct bub_engine *eng, struct peer *p, enum dh_state to, const char *why)
{
	if (p->dh.state != to)
		core_trace_state(eng, "dh-exchange", dh_name(p->dh.state), dh_name(to), why,
				 &p->key.a, &p->key.b);
	p->dh.state = to;
}

void dh_reset(struct bub_engine *eng, struct peer *p)
{
	struct timer timer = p->dh.timer;

	core_timer_cancel(eng, &p->dh.timer);
	timer.place = 0;
	bub_wipe(&p->dh, sizeof p->dh);
	p->dh.timer = timer;
}

static struct bub_view view(const uint8_t *data, size_t len)
{
	return (struct bub_view){data, len};
}

static bool view_is(struct bub_view v, const uint8_t *data, size_t len)
{
	return v.len == len && memcmp(v.data, data, len) == 0;
}

/* ---- Sending ------------------------------------------------------------------------------- */

/* DH1, DH3: care-of address to the peer's home address.  DH4 the same the other way. */
static struct route route_to_home(const struct peer *p)
{
	bool away = home_is_away(p->home);
	struct route r = route_plain(away ? &p->home->care_of : &p->key.a, &p->key.b);

	r.has_hao = away;
	r.hao = p->key.a;
	r.via = "home agents";
	return r;
}

static void send_stored(struct bub_engine *eng, struct peer *p, const struct route *r, unsigned i)
{
	const uint8_t *mh = p->dh.message[i];

	core_send_built(eng, r, BUB_MH_DH, mh[6], mh, p->dh.message_len[i]);
}

static void send_dh2(struct bub_engine *eng, struct peer *p)
{
	struct route tunnelled = route_from_home(p->home, &p->key.b);
	struct route direct = route_plain(&p->home->care_of, &p->dh.peer_care_of);

	tunnelled.via = "home agents";
	send_stored(eng, p, &tunnelled, 0);
	if (!home_is_away(p->home))
		direct.src = p->key.a;
	direct.has_hao = true;
	direct.hao = p->key.a;
	send_stored(eng, p, &direct, 0);
}

static void start_message(struct mh_out *out, struct peer *p, uint8_t message)
{
	*out = (struct mh_out){
		.mh = {.kind = BUB_MH_DH},
		.key = &p->dh.kbm,
		.bub_cookie = p->dh.bub_cookie,
	};
	out->mh.u.dh.message = message;
	memcpy(out->mh.u.dh.sid1, p->dh.sid1, BUB_DH_SID_LEN);
	if (message > 1)
		memcpy(out->mh.u.dh.sid2, p->dh.sid2, BUB_DH_SID_LEN);
}

static void store_message(struct bub_engine *eng, struct peer *p, const struct mh_out *out,
			  unsigned i)
{
	p->dh.message_len[i] =
		(uint16_t)core_build(eng, out, p->dh.message[i], sizeof p->dh.message[i]);
}

static void arm(struct bub_engine *eng, struct peer *p)
{
	p->dh.sends = 1;
	p->dh.interval_ms = INITIAL_BINDACK_TIMEOUT_MS;
	core_timer(eng, &p->dh.timer, p->dh.interval_ms);
}

static void fail(struct bub_engine *eng, struct peer *p, const char *why)
{
	enum dh_purpose purpose = p->dh.purpose;

	core_counters(eng)->dh_failed++;
	set_state(eng, p, DH_NONE, why);
	if (purpose == DH_FOR_TEST)
		bubtest_fail(eng, p, TEST_FAILED, why); /* this initiator's failed test */
	else
		dh_reset(eng, p); /* a renewal is tried again; a static peer stays as it is */
}

static void on_timer(struct bub_engine *eng, void *owner)
{
	struct peer *p = owner;
	struct route r;

	switch (p->dh.state) {
	case DH_SENT_1:
	case DH_SENT_3:
		if (p->dh.unknown && p->dh.state == DH_SENT_1) {
			fail(eng, p, "the peer does not know DH messages");
			return;
		}
		if (p->dh.sends >= DH_SENDS) {
			fail(eng, p, "no answer in the DH exchange");
			return;
		}
		p->dh.sends++;
		p->dh.interval_ms *= 2;
		core_timer(eng, &p->dh.timer, p->dh.interval_ms);
		r = route_to_home(p);
		send_stored(eng, p, &r, p->dh.state == DH_SENT_3);
		return;
	case DH_NONE:
	case DH_SENT_2:
	case DH_DONE:
		set_state(eng, p, DH_NONE, "over");
		dh_reset(eng, p);
		bubmode_give_up_unheard(eng, p);
		/* The initiator may not try again, but we may (draft, 5.1). */
		bubtest_consider(eng, p);
		return;
	}
}

void dh_init(struct peer *p)
{
	timer_init(&p->dh.timer, on_timer, p);
}

/* ---- Signatures ---------------------------------------------------------------------------- */

static bool signed_with(struct bub_engine *eng, const struct rx *rx, const struct bub_key *key,
			const uint8_t bub_cookie[static BUB_COOKIE_LEN])
{
	const struct bub_dh *m = &rx->mh.u.dh;
	uint8_t sig[BUB_AUTH_LEN];

	bub_dh_signature(core_crypto(eng), key, rx->mh.raw.data, rx->mh.raw.len, m->signature_at,
			 bub_cookie, sig);
	return bub_equal_secret(sig, rx->mh.raw.data + m->signature_at, sizeof sig);
}

static bool signature_is_good(struct bub_engine *eng, const struct peer *p, const struct rx *rx)
{
	return signed_with(eng, rx, &p->dh.kbm, p->dh.bub_cookie);
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
static void sig_and_mac(struct bub_engine *eng, const struct peer *p, uint8_t message,
			uint8_t ret_sig[BUB_HASH_MAX], uint8_t ret_mac[BUB_HASH_MAX])
{
	const struct dh *d = &p->dh;
	bool first = message == 3;
	bool own = first == d->initiator;
	const uint8_t *pub = own ? d->pub[suite_index(eng, d->suite)] : d->peer_pub;
	struct bub_view value = view(pub, bub_suite_public_len(d->suite));
	struct bub_view info1 = view(d->info1, d->info1_len);
	struct bub_view info2 = view(d->info2, d->info2_len);
	const struct in6_addr *identity = own ? &p->key.a : &p->key.b;

	bub_dh_sig(core_crypto(eng), d->suite, &d->kbm, first ? d->n2 : d->n1,
		   first ? d->sid1 : d->sid2, value, first ? info1 : info2, first ? info2 : info1,
		   ret_sig);
	bub_dh_mac(core_crypto(eng), d->suite, &d->keys.km, identity, ret_mac);
}

static bool derive(struct bub_engine *eng, struct peer *p)
{
	struct dh *d = &p->dh;
	struct bub_dh_context ctx = {
		.suite = d->suite,
		.n1 = d->n1,
		.n2 = d->n2,
		.sid1 = d->sid1,
		.sid2 = d->sid2,
		.mn1 = d->initiator ? &p->key.a : &p->key.b,
		.mn2 = d->initiator ? &p->key.b : &p->key.a,
	};
	struct bub_view value = view(d->peer_pub, bub_suite_public_len(d->suite));

	return bub_dh_keys(core_crypto(eng), &ctx, d->priv[suite_index(eng, d->suite)], value,
			   &d->keys) == 0;
}

static void build_closing(struct bub_engine *eng, struct peer *p, uint8_t message)
{
	uint8_t sig[BUB_HASH_MAX], mac[BUB_HASH_MAX];
	struct mh_out out;
	struct bub_dh *m = &out.mh.u.dh;
	size_t len = bub_suite_hash_len(p->dh.suite);

	start_message(&out, p, message);
	sig_and_mac(eng, p, message, sig, mac);
	m->has_identity = true;
	m->identity = p->key.a;
	m->sig = view(sig, len);
	m->mac = view(mac, len);
	if (message == 4)
		m->info = view(p->dh.info2, p->dh.info2_len);
	store_message(eng, p, &out, 1);
}

/* The checks that DH3 and DH4 share; BUB_DROP_NONE: the peer is who it says. */
static enum bub_drop check_closing(struct bub_engine *eng, const struct peer *p,
				   const struct bub_dh *m)
{
	uint8_t sig[BUB_HASH_MAX], mac[BUB_HASH_MAX];
	size_t len = bub_suite_hash_len(p->dh.suite);

	if (!m->has_identity || !bub_addr_eq(&m->identity, &p->key.b))
		return BUB_DROP_DH_IDENTITY;
	sig_and_mac(eng, p, m->message, sig, mac);
	if (m->sig.len != len || !bub_equal_secret(sig, m->sig.data, len))
		return BUB_DROP_DH_BAD_SIG;
	if (m->mac.len != len || !bub_equal_secret(mac, m->mac.data, len))
		return BUB_DROP_DH_BAD_MAC;
	return BUB_DROP_NONE;
}

/* The exchange is through: Km dies, Kabm lives (protocol.md, 4.4). */
static void conclude(struct bub_engine *eng, struct peer *p)
{
	core_counters(eng)->dh_exchanges++;
	bubmode_agreed(eng, p, &p->dh.keys.kabm);
	bub_wipe(&p->dh.keys, sizeof p->dh.keys);
	bub_wipe(p->dh.priv, sizeof p->dh.priv);
}

/* ---- Initiator ----------------------------------------------------------------------------- */

void dh_start(struct bub_engine *eng, struct peer *p, enum dh_purpose purpose,
	      const struct bub_key *kbm, const uint8_t bub_cookie[static BUB_COOKIE_LEN])
{
	static const char *const reason[] = {"BUB test passed", "Kabm is to be renewed",
					     "with a static correspondent"};
	struct dh *d = &p->dh;
	struct mh_out out;
	struct bub_dh *m = &out.mh.u.dh;
	struct route r = route_to_home(p);

	dh_reset(eng, p);
	d->purpose = purpose;
	d->initiator = true;
	d->kbm = *kbm;
	memcpy(d->bub_cookie, bub_cookie, BUB_COOKIE_LEN);
	core_random(eng, d->sid1, sizeof d->sid1);
	core_random(eng, d->n1, sizeof d->n1);
	core_random(eng, d->priv, sizeof d->priv);
	d->info1[d->info1_len++] = INFO_FORMAT;
	start_message(&out, p, 1);
	for (unsigned i = 0; i < core_config(eng)->n_suites; i++) {
		uint8_t suite = core_config(eng)->suite[i];
		int len = bub_dh_public(core_crypto(eng), suite, d->priv[i], d->pub[i]);

		if (len < 0) {
			fail(eng, p, "libcrypto refused to make a DH value");
			return;
		}
		d->info1[d->info1_len++] = suite;
		m->share[m->n_shares].suite = suite;
		m->share[m->n_shares++].value = view(d->pub[i], (size_t)len);
	}
	m->nonce = view(d->n1, sizeof d->n1);
	m->info = view(d->info1, d->info1_len);
	store_message(eng, p, &out, 0);
	set_state(eng, p, DH_SENT_1, reason[purpose]);
	send_stored(eng, p, &r, 0);
	arm(eng, p);
}

bool dh_is_initiator(const struct peer *p)
{
	return p->dh.initiator && p->dh.state != DH_NONE;
}

bool dh_on_unknown(struct bub_engine *eng, struct peer *p)
{
	/* After a BUB test, or under a Kabm, the peer is known to do better.  RFC 6275, 11.3.6:
	 * "cease the use of any extensions". */
	if (p->dh.state != DH_SENT_1 || p->dh.purpose != DH_FOR_STATIC || p->dh.unknown)
		return false;
	p->dh.unknown = true;
	core_trace_state(eng, "dh-exchange", "DH1 sent", "DH1 sent", "said to be unknown",
			 &p->key.a, &p->key.b);
	return true;
}

/* Where the peer sends the direct copy from: its care-of address, at home its home address. */
static bool is_at(const struct bub_engine *eng, const struct peer *p, const struct in6_addr *src)
{
	const struct binding *b = binding_active(eng, &p->key.a, &p->key.b);

	return bub_addr_eq(src, b != NULL ? &b->care_of : &p->key.b);
}

/* Keeps the first copy of DH2.  NONE: this is the second one, and it is the same. */
static enum bub_drop collect_dh2(const struct bub_engine *eng, struct peer *p, const struct rx *rx,
				 bool *ret_complete)
{
	struct dh *d = &p->dh;
	uint8_t copy[DH_MESSAGE_MAX];
	bool direct = rx->ip->has_hao;

	/* The copy without a Home Address option must have come through our home agent. */
	if (!direct && !rx->tunnelled && home_is_away(p->home))
		return BUB_DROP_DH_PATH;
	if (direct && (rx->tunnelled || !is_at(eng, p, &rx->ip->src)))
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

static enum bub_drop accept_dh2(struct bub_engine *eng, struct peer *p, const struct bub_dh *m)
{
	struct dh *d = &p->dh;

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
	return derive(eng, p) ? BUB_DROP_NONE : BUB_DROP_DH_PUBLIC_VALUE;
}

static enum bub_drop on_dh2(struct bub_engine *eng, struct peer *p, const struct rx *rx)
{
	struct route r = route_to_home(p);
	bool complete = false;
	enum bub_drop why;

	if (p->dh.state != DH_SENT_1)
		return BUB_DROP_DH_STATE;
	if (memcmp(rx->mh.u.dh.sid1, p->dh.sid1, BUB_DH_SID_LEN) != 0)
		return BUB_DROP_DH_SID;
	if (!signature_is_good(eng, p, rx))
		return BUB_DROP_DH_BAD_SIGNATURE;
	why = collect_dh2(eng, p, rx, &complete);
	if (why != BUB_DROP_NONE || !complete)
		return why;
	why = accept_dh2(eng, p, &rx->mh.u.dh);
	if (why != BUB_DROP_NONE) {
		fail(eng, p, bub_drop_name(why)); /* properly signed, and yet of no use */
		return why;
	}
	build_closing(eng, p, 3);
	set_state(eng, p, DH_SENT_3, "both copies of DH2 are the same");
	send_stored(eng, p, &r, 1);
	arm(eng, p);
	return BUB_DROP_NONE;
}

static enum bub_drop on_dh4(struct bub_engine *eng, struct peer *p, const struct rx *rx)
{
	const struct bub_dh *m = &rx->mh.u.dh;
	enum bub_drop why;

	if (p->dh.state != DH_SENT_3)
		return BUB_DROP_DH_STATE;
	if (memcmp(m->sid1, p->dh.sid1, BUB_DH_SID_LEN) != 0 ||
	    memcmp(m->sid2, p->dh.sid2, BUB_DH_SID_LEN) != 0)
		return BUB_DROP_DH_SID;
	if (!signature_is_good(eng, p, rx))
		return BUB_DROP_DH_BAD_SIGNATURE;
	if (!rx->tunnelled && home_is_away(p->home))
		return BUB_DROP_DH_PATH;
	if (!view_is(m->info, p->dh.info2, p->dh.info2_len))
		return BUB_DROP_DH_SUITE;
	why = check_closing(eng, p, m);
	if (why != BUB_DROP_NONE)
		return why;
	conclude(eng, p);
	set_state(eng, p, DH_DONE, "DH4");
	dh_reset(eng, p);
	return BUB_DROP_NONE;
}

/* ---- Responder ----------------------------------------------------------------------------- */

/* Our first suite among those offered, as an index of @m's shares; false: none. */
static bool choose(const struct bub_engine *eng, const struct bub_dh *m, unsigned *ret_share)
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

/* What costs little to find out; @ret_share: the suite to use. */
static enum bub_drop check_dh1(const struct bub_engine *eng, const struct bub_dh *m,
			       unsigned *ret_share)
{
	if (m->info.len < 2 || m->info.len > BUB_DH_INFO_MAX || m->info.data[0] != INFO_FORMAT ||
	    !choose(eng, m, ret_share))
		return BUB_DROP_DH_SUITE;
	if (m->share[*ret_share].value.len != bub_suite_public_len(m->share[*ret_share].suite))
		return BUB_DROP_DH_PUBLIC_VALUE;
	return BUB_DROP_NONE;
}

static enum bub_drop accept_dh1(struct bub_engine *eng, struct peer *p, const struct bub_dh *m,
				unsigned share)
{
	struct dh *d = &p->dh;
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
	return derive(eng, p) ? BUB_DROP_NONE : BUB_DROP_DH_PUBLIC_VALUE;
}

static void build_dh2(struct bub_engine *eng, struct peer *p)
{
	struct dh *d = &p->dh;
	struct mh_out out;
	struct bub_dh *m = &out.mh.u.dh;

	start_message(&out, p, 2);
	m->nonce = view(d->n2, sizeof d->n2);
	m->info = view(d->info2, d->info2_len);
	m->n_shares = 1;
	m->share[0].suite = d->suite;
	m->share[0].value =
		view(d->pub[suite_index(eng, d->suite)], bub_suite_public_len(d->suite));
	store_message(eng, p, &out, 0);
}

/* DH1 and DH3 are sent to our home address: away from home they come out of the tunnel.  Only a
 * peer at home leaves the Home Address option out (draft, 6). */
static enum bub_drop check_responder_path(const struct bub_engine *eng, const struct peer *p,
					  const struct rx *rx)
{
	if (!bub_addr_eq(&rx->local, &p->key.a) || (!rx->tunnelled && home_is_away(p->home)))
		return BUB_DROP_DH_PATH;
	if (!rx->ip->has_hao && binding_active(eng, &p->key.a, &p->key.b) != NULL)
		return BUB_DROP_DH_PATH;
	return BUB_DROP_NONE;
}

/* What a DH1 is signed with, and what the exchange is for then. */
struct expected {
	enum dh_purpose purpose;
	struct bub_key key;
	uint8_t bub_cookie[BUB_COOKIE_LEN];
};

/*
 * DH1 that no BUB test went before: renewal under the Kabm in use, or a first exchange with a node
 * that does not move, under the Kbm of its last Binding Update (protocol.md, 5.9 and 6).
 */
static bool is_signed_without_test(struct bub_engine *eng, const struct peer *p,
				   const struct rx *rx, struct expected *ret)
{
	const struct binding *b = binding_active(eng, &p->key.a, &p->key.b);
	const struct bub_key *key = kabm_is_held(&p->kabm) ? &p->kabm.key
				    : b != NULL            ? &b->signer
							   : NULL;

	*ret = (struct expected){.purpose =
					 kabm_is_held(&p->kabm) ? DH_FOR_RENEWAL : DH_FOR_STATIC};
	if (key == NULL ||
	    (!kabm_is_held(&p->kabm) && (!core_config(eng)->static_kabm || home_is_away(p->home) ||
					 p->bub_policy == BUB_POLICY_NEVER)))
		return false;
	ret->key = *key;
	return signed_with(eng, rx, &ret->key, ret->bub_cookie);
}

/* NONE: @rx is signed with @ret. */
static enum bub_drop find_expected(struct bub_engine *eng, const struct peer *p,
				   const struct rx *rx, struct expected *ret)
{
	const struct question *q = NULL;
	bool any = false;

	while (!kabm_is_held(&p->kabm) && (q = bubresp_next(eng, p, q)) != NULL) {
		any = true;
		if (!signed_with(eng, rx, &q->kbm, q->bub_cookie))
			continue;
		*ret = (struct expected){.purpose = DH_FOR_TEST, .key = q->kbm};
		memcpy(ret->bub_cookie, q->bub_cookie, BUB_COOKIE_LEN);
		return BUB_DROP_NONE;
	}
	if (is_signed_without_test(eng, p, rx, ret))
		return BUB_DROP_NONE;
	return any ? BUB_DROP_DH_BAD_SIGNATURE : BUB_DROP_DH_STATE;
}

/* The peer's exchange in place of whatever of ours is under way. */
static void become_responder(struct bub_engine *eng, struct peer *p, const struct rx *rx,
			     const struct expected *e)
{
	if (p->test.state == TEST_RUNNING || p->test.state == TEST_WAIT_BUBC ||
	    (dh_is_initiator(p) && p->dh.purpose == DH_FOR_TEST))
		bubtest_yield(eng, p, "the peer's DH1 came first");
	dh_reset(eng, p);
	p->dh.purpose = e->purpose;
	p->dh.kbm = e->key;
	memcpy(p->dh.bub_cookie, e->bub_cookie, BUB_COOKIE_LEN);
	p->dh.peer_care_of = rx->ip->src;
	p->dh1_at = core_now(eng);
}

static enum bub_drop on_new_dh1(struct bub_engine *eng, struct peer *p, const struct rx *rx)
{
	enum bub_drop why;
	struct expected e;
	unsigned share;

	why = find_expected(eng, p, rx, &e);
	if (why == BUB_DROP_NONE)
		why = check_responder_path(eng, p, rx);
	/* Two exchanges at once: that of the smaller home address goes on (protocol.md, P2). */
	if (why == BUB_DROP_NONE && dh_is_initiator(p) &&
	    memcmp(&p->key.a, &p->key.b, sizeof p->key.a) < 0)
		why = BUB_DROP_DH_STATE;
	if (why == BUB_DROP_NONE)
		why = check_dh1(eng, &rx->mh.u.dh, &share);
	/* What follows is public-key work (protocol.md, P42). */
	if (why == BUB_DROP_NONE && p->dh1_at.ns != 0 &&
	    bub_time_ms_between(p->dh1_at, core_now(eng)) < DH1_EVERY_MS)
		why = BUB_DROP_DH_RATE;
	if (why == BUB_DROP_NONE) {
		become_responder(eng, p, rx, &e);
		why = accept_dh1(eng, p, &rx->mh.u.dh, share);
	}
	bub_wipe(&e, sizeof e);
	if (why != BUB_DROP_NONE)
		return why;
	build_dh2(eng, p);
	set_state(eng, p, DH_SENT_2, "DH1");
	return BUB_DROP_NONE;
}

static enum bub_drop on_dh1(struct bub_engine *eng, struct peer *p, const struct rx *rx)
{
	bool repeated = p->dh.state == DH_SENT_2 &&
			memcmp(p->dh.sid1, rx->mh.u.dh.sid1, BUB_DH_SID_LEN) == 0;
	enum bub_drop why;

	if (!repeated)
		why = on_new_dh1(eng, p, rx);
	else if (!signature_is_good(eng, p, rx))
		why = BUB_DROP_DH_BAD_SIGNATURE;
	else
		why = check_responder_path(eng, p, rx);
	if (why != BUB_DROP_NONE)
		return why;
	p->dh.peer_care_of = rx->ip->src;
	send_dh2(eng, p);
	core_timer(eng, &p->dh.timer, (uint64_t)RESPONDER_FORGETS_S * 1000);
	return BUB_DROP_NONE;
}

static enum bub_drop on_dh3(struct bub_engine *eng, struct peer *p, const struct rx *rx)
{
	const struct bub_dh *m = &rx->mh.u.dh;
	struct route r = route_to_home(p);
	enum bub_drop why = check_responder_path(eng, p, rx);
	bool repeated = p->dh.state == DH_DONE;

	if (p->dh.initiator || (p->dh.state != DH_SENT_2 && !repeated))
		return BUB_DROP_DH_STATE;
	if (memcmp(m->sid1, p->dh.sid1, BUB_DH_SID_LEN) != 0 ||
	    memcmp(m->sid2, p->dh.sid2, BUB_DH_SID_LEN) != 0)
		return BUB_DROP_DH_SID;
	if (!signature_is_good(eng, p, rx))
		return BUB_DROP_DH_BAD_SIGNATURE;
	if (why != BUB_DROP_NONE)
		return why;
	if (!repeated) {
		why = check_closing(eng, p, m);
		if (why != BUB_DROP_NONE)
			return why;
		build_closing(eng, p, 4);
	}
	send_stored(eng, p, &r, 1);
	if (!repeated) {
		conclude(eng, p);
		set_state(eng, p, DH_DONE, "DH3");
		core_timer(eng, &p->dh.timer, (uint64_t)RESPONDER_FORGETS_S * 1000);
	}
	return BUB_DROP_NONE;
}

/* ---- Dispatch ------------------------------------------------------------------------------ */

void dh_on_message(struct bub_engine *eng, const struct rx *rx)
{
	struct peer *p = peer_of(eng, rx);
	enum bub_drop why = BUB_DROP_DH_STATE;

	/* A node that does not move may have nothing but the binding (protocol.md, 6). */
	if (p == NULL && rx->home != NULL && core_config(eng)->static_kabm &&
	    binding_active(eng, &rx->local, &rx->peer) != NULL)
		p = peer_get(eng, rx->home, &rx->peer);
	if (p == NULL) {
		core_drop(eng, BUB_DROP_DH_NO_SESSION, &rx->peer);
		return;
	}
	switch (rx->mh.u.dh.message) {
	case 1:
		why = on_dh1(eng, p, rx);
		break;
	case 2:
		why = on_dh2(eng, p, rx);
		break;
	case 3:
		why = on_dh3(eng, p, rx);
		break;
	case 4:
		why = on_dh4(eng, p, rx);
		break;
	default: /* the codec lets no other number through */
		break;
	}
	if (why != BUB_DROP_NONE)
		core_drop(eng, why, &rx->peer);
}
