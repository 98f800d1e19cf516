/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Correspondent node (RFC 6275, 9.4 and 9.5): answers to test messages, which keep no state, and
 * Binding Updates, signed with Kbm (return routability).  Those signed with Kabm are checked in
 * bul/update.c, and accepted here.
 */
#include <assert.h>
#include <string.h>

#include "answer.h"
#include "cn/binding.h"
#include "cn/nonce.h"
#include "mn/mn.h"
#include "policy.h"

#define CHAIN_MAX 8     /* bindings from one to the next; more is taken for a circle */
#define REPETITION_S 32 /* MAX_BINDACK_TIMEOUT: a refresh comes later than a retransmission */

/* ---- Test messages ------------------------------------------------------------------------- */

struct mh_out cn_test_answer(struct bub_engine *eng, const struct rx *rx)
{
	bool care_of = rx->mh.kind == BUB_MH_COTI;
	struct mh_out out = {.mh = {.kind = care_of ? BUB_MH_COT : BUB_MH_HOT}};

	nonce_token(eng, &rx->ip->src, care_of, &out.mh.u.test.nonce_index, out.mh.u.test.token);
	memcpy(out.mh.u.test.cookie, rx->mh.u.test_init.cookie, BUB_COOKIE_LEN);
	return out;
}

void cn_on_test_init(struct bub_engine *eng, const struct rx *rx)
{
	struct mh_out out = cn_test_answer(eng, rx);

	(void)core_answer(eng, LIMIT_TEST, rx, &rx->back, &out);
}

/* ---- Binding Updates ----------------------------------------------------------------------- */

/* What has come of the last update of @b on the direct path. */
static void fill_report(struct bub_engine *eng, const struct binding_cache_entry *b, uint8_t report,
			struct mh_out *out)
{
	out->mh.opts.present |= BUB_OPT_PATH_REPORT;
	out->mh.opts.report_port = core_config(eng)->udp_port;
	out->mh.opts.report = report | (b->proof.headers_came ? BUB_REPORT_CAME : 0) |
			      (proof_is_good(b) ? BUB_REPORT_COOKIE : 0);
}

/* Sends the acknowledgement to where the update came from, signed with the key of the update.  Its
 * routing header names the home address.  An update that came from the home address itself is
 * answered without one (RFC 6275, 9.5.4). */
static void cn_send_ro_ba(struct bub_engine *eng, const struct update *u, struct mh_out *out)
{
	const struct rx *rx = u->rx;
	struct route r = route_plain(&rx->local, &rx->ip->src);

	if (rx->home != NULL)
		r = u->straight ? route_as_known(rx->home, &rx->ip->src)
				: route_from_home(rx->home, &rx->ip->src);
	if (u->report != 0 && u->accepted && !u->deletes) /* a peer that has sent one knows them */
		fill_report(eng, u->binding, u->report, out);
	r.has_rh2 = !bub_addr_eq(&rx->peer, &rx->ip->src);
	r.rh2 = rx->peer;
	if (u->has_key)
		core_send(eng, &r, out);
	else /* no key: an expired nonce is told to anybody, within limits */
		(void)core_answer(eng, LIMIT_REFUSAL, rx, &r, out);
}

/* Sends the acknowledgement from care-of address to care-of address (draft, 7).  A repetition shows
 * that the first acknowledgement did not get through, so its answer goes through the home agents,
 * too (protocol.md, 5.4). */
static void cn_send_second(struct bub_engine *eng, const struct binding_cache_entry *b,
			   const struct home_registration *h, const struct in6_addr *peer,
			   const struct mh_out *out, uint8_t report)
{
	struct route r = route_from_home(h, peer);
	struct mh_out second = *out;

	r.via = "home agents";
	if (b != NULL && b->active)
		fill_report(eng, b, report, &second);
	core_send(eng, &r, &second);
}

static void cn_send_bub_ba(struct bub_engine *eng, const struct update *u, const struct mh_out *out,
			   bool both_ways)
{
	struct mh_out direct = *out;
	struct home_registration *h;
	struct route r;

	assert(u->rx->home != NULL); /* only the session of a home address has a Kabm */
	h = u->rx->home;
	if (home_state(h) == HOME_UNATTACHED)
		return; /* this node has no address now; the peer repeats its update */
	r = route_as_known(h, &u->care_of);
	r.has_rh2 = !u->deletes;
	r.rh2 = u->rx->peer;
	if (out->mh.u.ba.status == BUB_STATUS_ACCEPTED && !u->deletes)
		proof_ask(u->binding, &direct, u->udp_port != 0);
	r.udp_port = u->udp_port;
	core_send(eng, &r, &direct);
	if (both_ways)
		cn_send_second(eng, u->binding, h, &u->rx->peer, out, u->report);
}

void cn_report(struct bub_engine *eng, const struct binding_cache_entry *b,
	       const struct home_registration *h)
{
	struct mh_out out = {
		.mh = {.kind = BUB_MH_BA},
		.key = &b->signer,
		.auth_care_of = b->care_of,
		.auth_correspondent = b->key.a,
	};

	out.mh.u.ba.sequence = b->sequence;
	out.mh.u.ba.lifetime_s = core_seconds_left(core_now(eng), b->expires) & ~3u;
	out.mh.opts.present = BUB_OPT_AUTH;
	cn_send_second(eng, b, h, &b->key.b, &out, BUB_REPORT_WAITED);
}

static void cn_send_ba(struct bub_engine *eng, const struct update *u, uint8_t status,
		       uint32_t lifetime_s, uint16_t sequence, bool both_ways)
{
	struct mh_out out = {.mh = {.kind = BUB_MH_BA}};

	out.mh.u.ba.status = status;
	out.mh.u.ba.sequence = sequence;
	out.mh.u.ba.lifetime_s = lifetime_s;
	if (u->has_key) {
		out.mh.opts.present = BUB_OPT_AUTH;
		out.key = &u->key;
		out.auth_care_of = u->covered;
		out.auth_correspondent = u->rx->local;
	}
	if (u->bub)
		cn_send_bub_ba(eng, u, &out, both_ways);
	else
		cn_send_ro_ba(eng, u, &out);
}

void cn_refuse(struct bub_engine *eng, const struct update *u, uint8_t status, enum bub_drop why)
{
	uint16_t sequence = u->rx->mh.u.bu.sequence;

	core_drop(eng, why, &u->rx->peer);
	if (status == BUB_STATUS_SEQUENCE)
		sequence = u->last_sequence; /* RFC 6275, 9.5.1 */
	cn_send_ba(eng, u, status, 0, sequence, false);
}

void cn_refuse_sequence(struct bub_engine *eng, struct update *u, uint16_t last)
{
	u->last_sequence = last;
	cn_refuse(eng, u, BUB_STATUS_SEQUENCE, BUB_DROP_BU_SEQUENCE);
}

void cn_signed_by(struct update *u, const struct bub_key *kabm)
{
	u->bub = true;
	u->key = *kabm;
	u->has_key = true;
}

/* The Authenticator of a deletion covers the home address (RFC 6275, 6.2.7).  Other stacks put the
 * source address there, as in any update.  That proves the same key, so it is taken, and answered
 * in the same form.  False: there is no other form to try. */
bool cn_take_other_form(struct update *u)
{
	if (!u->deletes || bub_addr_eq(&u->covered, &u->rx->ip->src))
		return false;
	u->covered = u->rx->ip->src;
	return true;
}

static bool cn_is_signed(struct bub_engine *eng, struct update *u)
{
	const struct bub_mh *mh = &u->rx->mh;
	uint8_t auth[BUB_AUTH_LEN];

	do {
		bub_authenticator(core_crypto(eng), &u->key, &u->covered, &u->rx->local,
				  mh->raw.data, mh->opts.auth_at, auth);
		if (bub_equal_secret(auth, mh->raw.data + mh->opts.auth_at, sizeof auth))
			return true;
	} while (cn_take_other_form(u));
	return false;
}

bool cn_has_data_headers(const struct rx *rx)
{
	return rx->ip->has_rh2 && rx->ip->has_hao && !rx->tunnelled && !rx->ip->in_udp;
}

static bool cn_is_repetition(const struct bub_engine *eng, const struct update *u)
{
	const struct binding_cache_entry *b = u->binding;

	if (b == NULL || !b->bub || !u->bub || b->active == u->deletes)
		return false;
	return (u->deletes || bub_addr_eq(&b->care_of, &u->care_of)) &&
	       bub_time_ms_between(b->updated, core_now(eng)) < (uint64_t)REPETITION_S * 1000;
}

static bool is_same_key(const struct bub_key *a, const struct bub_key *b)
{
	return a->alg == b->alg && a->len == b->len &&
	       bub_equal_secret(a->octets, b->octets, a->len);
}

/* True when the mobile node repeats its last update because the acknowledgement has not come.  An
 * update after a renewal is told apart by its key, and a refresh by its time: it comes in the
 * second half of the lifetime.  Where the lifetime is so short that a repetition comes as late, the
 * pauses tell: those between repetitions double. */
static bool came_again(const struct bub_engine *eng, const struct update *u)
{
	const struct binding_cache_entry *b = u->binding;
	uint64_t gap_ms;

	/* What asks for the path under Kbm has a new number, too. */
	if (b == NULL || !b->active || u->deletes || b->bub != u->bub ||
	    (!u->bub && cn_has_data_headers(u->rx)) || !(u->rx->mh.u.bu.flags & BUB_BU_ACK) ||
	    !bub_addr_eq(&b->care_of, &u->care_of) || !is_same_key(&b->signer, &u->key))
		return false;
	gap_ms = bub_time_ms_between(b->updated, core_now(eng));
	return gap_ms < (uint64_t)REPETITION_S * 1000 &&
	       (2 * gap_ms < bub_time_ms_between(b->updated, b->expires) ||
		proof_pauses_grow(b, gap_ms));
}

/* The binding is counted for the prefix of @care_of already. */
static bool is_at(const struct binding_cache_entry *b, const struct in6_addr *care_of)
{
	return b != NULL && b->active && memcmp(&b->care_of, care_of, 8) == 0;
}

void cn_accept(struct bub_engine *eng, struct update *u)
{
	const struct bub_mh *mh = &u->rx->mh;
	uint32_t max_s =
		u->bub ? core_config(eng)->bub_lifetime_s & ~3u : MAX_RR_BINDING_LIFETIME_S;
	uint32_t lifetime_s = mh->u.bu.lifetime_s < max_s ? mh->u.bu.lifetime_s : max_s;
	bool repeated = cn_is_repetition(eng, u), again = came_again(eng, u);
	struct binding_cache_entry *b;

	if (!u->bub && !u->deletes && !is_at(u->binding, &u->care_of) &&
	    !binding_has_room(eng, &u->care_of)) {
		if (u->binding != NULL && u->binding->active)
			binding_delete(eng, u->binding, "no room for where it is now");
		cn_refuse(eng, u, BUB_STATUS_NO_RESOURCES, BUB_DROP_BU_SHARE);
		return;
	}
	if (u->binding == NULL)
		u->binding = binding_get(eng, &u->rx->local, &u->rx->peer);
	b = u->binding;
	if (b == NULL && u->deletes) { /* nothing to delete, so that it is done (RFC 6275, 9.5.3) */
		if (mh->u.bu.flags & BUB_BU_ACK)
			cn_send_ba(eng, u, BUB_STATUS_ACCEPTED, 0, mh->u.bu.sequence, false);
		return;
	}
	if (b == NULL) {
		cn_refuse(eng, u, BUB_STATUS_NO_RESOURCES, BUB_DROP_BU_TABLE_FULL);
		return;
	}
	u->accepted = true;
	u->fresh = !b->active;
	u->moved = u->fresh || !bub_addr_eq(&b->care_of, &u->care_of);
	b->sequence = mh->u.bu.sequence;
	b->bub = u->bub;
	b->signer = u->key;
	memcpy(b->last_auth, mh->raw.data + mh->opts.auth_at, sizeof b->last_auth);
	if (u->deletes) {
		lifetime_s = 0;
		binding_delete(eng, b, "by the mobile node");
	} else {
		proof_begin(eng, b, u->moved, again);
		binding_set(eng, b, &u->care_of, lifetime_s);
		if (cn_has_data_headers(u->rx))
			proof_note_headers(b, true);
	}
	if (mh->u.bu.flags & BUB_BU_ACK)
		cn_send_ba(eng, u, BUB_STATUS_ACCEPTED, lifetime_s, b->sequence,
			   repeated || (u->both_ways && !u->moved));
}

/* Kbm from the nonce indices (RFC 6275, 9.5.1).  Returns ACCEPTED, or which nonces expired. */
static uint8_t cn_make_kbm(struct bub_engine *eng, struct update *u)
{
	const struct bub_mh_opts *o = &u->rx->mh.opts;
	uint8_t home[BUB_TOKEN_LEN], care_of[BUB_TOKEN_LEN];
	bool home_ok = nonce_token_at(eng, &u->rx->peer, false, o->home_nonce, home);
	/* For deletion the care-of index is ignored (RFC 6275, 6.2.6). */
	bool care_of_ok =
		u->deletes || nonce_token_at(eng, &u->care_of, true, o->care_of_nonce, care_of);

	if (home_ok && care_of_ok) {
		bub_kbm(core_crypto(eng), home, u->deletes ? NULL : care_of, &u->key);
		return BUB_STATUS_ACCEPTED;
	}
	if (home_ok)
		return BUB_STATUS_CARE_OF_NONCE_EXPIRED;
	return care_of_ok ? BUB_STATUS_HOME_NONCE_EXPIRED : BUB_STATUS_NONCES_EXPIRED;
}

bool cn_is_genuine(struct bub_engine *eng, struct update *u)
{
	return cn_make_kbm(eng, u) == BUB_STATUS_ACCEPTED && cn_is_signed(eng, u);
}

void cn_on_update(struct bub_engine *eng, struct update *u)
{
	uint8_t status = cn_make_kbm(eng, u);
	bool genuine = status == BUB_STATUS_ACCEPTED && cn_is_signed(eng, u);
	enum bub_policy ro, bub;

	policy_of(eng, &u->rx->peer, &ro, &bub);
	if (status != BUB_STATUS_ACCEPTED) {
		cn_refuse(eng, u, status, BUB_DROP_BU_NONCE_EXPIRED);
		return;
	}
	if (!genuine) {
		core_drop(eng, BUB_DROP_BU_BAD_AUTH, &u->rx->peer); /* silently: 9.5.1 */
		return;
	}
	u->has_key = true;
	if (u->home_registered) {
		cn_refuse(eng, u, BUB_STATUS_REGISTRATION_TYPE, BUB_DROP_BU_TYPE_CHANGE);
		return;
	}
	if (ro == BUB_POLICY_NEVER) {
		cn_refuse(eng, u, BUB_STATUS_PROHIBITED, BUB_DROP_BU_POLICY);
		return;
	}
	if (u->binding != NULL && !bub_seq_greater(u->rx->mh.u.bu.sequence, u->binding->sequence)) {
		cn_refuse_sequence(eng, u, u->binding->sequence);
		return;
	}
	cn_accept(eng, u);
}

static void fill_update(struct bub_engine *eng, const struct rx *rx, struct update *ret)
{
	struct update u = {.rx = rx, .care_of = rx->ip->src};

	if (rx->mh.opts.present & BUB_OPT_ALT_CARE_OF)
		u.care_of = rx->mh.opts.alt_care_of;
	u.deletes = rx->mh.u.bu.lifetime_s == 0 || bub_addr_eq(&u.care_of, &rx->peer);
	if (u.deletes) /* what the Authenticator of a deletion covers: RFC 6275, 6.2.7 */
		u.care_of = rx->peer;
	u.covered = u.care_of;
	u.binding = binding_find(eng, &rx->local, &rx->peer);
	*ret = u;
}

/* True when bindings would make a circle: the care-of address of the update is a home address with
 * a binding here, whose care-of address may be a home address again, and so on, back to the home
 * address of the update (RFC 6275, 6.1.7). */
static bool cn_leads_back(const struct bub_engine *eng, const struct update *u)
{
	const struct in6_addr *at = &u->care_of;

	for (unsigned i = 0; i < CHAIN_MAX; i++) {
		const struct binding_cache_entry *b = binding_active(eng, &u->rx->local, at);

		if (b == NULL)
			return false;
		if (bub_addr_eq(&b->care_of, &u->rx->peer))
			return true;
		at = &b->care_of;
	}
	return true;
}

bool cn_take_update(struct bub_engine *eng, const struct rx *rx, struct update *ret)
{
	const struct bub_mh_opts *o = &rx->mh.opts;

	fill_update(eng, rx, ret);
	if (!bub_addr_is_routable(&ret->care_of)) { /* silently: 6.1.7 */
		core_drop(eng, BUB_DROP_BU_CARE_OF_NOT_UNICAST, &rx->peer);
		return false;
	}
	if (!ret->deletes && cn_leads_back(eng, ret)) {
		core_drop(eng, BUB_DROP_BU_CARE_OF_LOOP, &rx->peer);
		return false;
	}
	if (!(o->present & BUB_OPT_AUTH)) {
		core_drop(eng, BUB_DROP_BU_NO_AUTH, &rx->peer);
		return false;
	}
	/* The second copy of an update that was accepted: no error, and no second answer
	 * (protocol.md, 5.3). */
	if (ret->binding != NULL && ret->binding->bub &&
	    ret->binding->sequence == rx->mh.u.bu.sequence &&
	    memcmp(ret->binding->last_auth, rx->mh.raw.data + o->auth_at, BUB_AUTH_LEN) == 0) {
		if (cn_has_data_headers(rx))
			proof_note_headers(ret->binding, true);
		core_drop(eng, BUB_DROP_BUB_BU_COPY, &rx->peer);
		return false;
	}
	return true;
}
