/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Correspondent node (RFC 6275, 9.4 and 9.5): answers to test messages, which keep no state, and
 * Binding Updates, signed with Kbm (return routability) or with Kabm (BUB mode; draft, 7).
 */
#include <assert.h>
#include <string.h>

#include "answer.h"
#include "bul/peer.h"
#include "cn/binding.h"
#include "cn/cn.h"
#include "cn/nonce.h"
#include "ha/client.h"
#include "mn/home.h"
#include "policy.h"

#define CHAIN_MAX 8     /* bindings from one to the next; more is taken for a circle */
#define REPETITION_S 32 /* MAX_BINDACK_TIMEOUT: a refresh comes later than a retransmission */

/* ---- Test messages ------------------------------------------------------------------------- */

/* The session that a test message belongs to: a CoTI names it in an option, since its source is
 * the care-of address (protocol.md, 3.2). */
static struct peer *session_of(struct bub_engine *eng, const struct rx *rx)
{
	const struct in6_addr *peer =
		rx->mh.opts.present & BUB_OPT_MN_ID ? &rx->mh.opts.mn_id : &rx->peer;

	for (unsigned i = 0; mn_home(eng, i) != NULL; i++) {
		struct home *h = mn_home(eng, i);

		if (!bub_addr_eq(&h->care_of, &rx->local) &&
		    !bub_addr_eq(&h->cfg.address, &rx->local))
			continue;
		/* Only with whom there is a session already: strangers get no state. */
		if (binding_active(eng, &h->cfg.address, peer) != NULL)
			return peer_get(eng, h, peer);
		if (peer_find(eng, &h->cfg.address, peer) != NULL)
			return peer_find(eng, &h->cfg.address, peer);
	}
	return NULL;
}

/* A CoTI whose sender goes by the draft alone does not name it: it is the one that is bound at the
 * care-of address that it comes from, if any is (protocol.md, P41). */
static struct peer *session_at(struct bub_engine *eng, const struct rx *rx)
{
	struct binding *b;

	for (b = binding_next(eng, NULL); b != NULL; b = binding_next(eng, b)) {
		struct home *h = core_home_of(eng, &b->key.a);

		if (b->active && h != NULL && bub_addr_eq(&b->care_of, &rx->ip->src) &&
		    (bub_addr_eq(&h->care_of, &rx->local) ||
		     bub_addr_eq(&h->cfg.address, &rx->local)))
			return peer_get(eng, h, &b->key.b);
	}
	return NULL;
}

/* CoTI signed with Kabm asks whether the direct path is open (draft, appendix A). */
static void on_signed_init(struct bub_engine *eng, const struct rx *rx, const struct route *r,
			   struct mh_out *out)
{
	struct peer *p = session_of(eng, rx);

	out->key = p != NULL ? kabm_signer(eng, &p->kabm, rx, &rx->ip->src, &p->key.a) : NULL;
	if (p == NULL || out->key == NULL) {
		core_drop(eng, BUB_DROP_CARE_OF_TEST_BAD_AUTH, &rx->peer);
		return;
	}
	out->mh.opts.present = BUB_OPT_AUTH;
	out->auth_care_of = rx->ip->src;
	out->auth_correspondent = p->key.a;
	core_send(eng, r, out); /* not limited: its question was signed */
}

void cn_on_test_init(struct bub_engine *eng, const struct rx *rx)
{
	bool care_of = rx->mh.kind == BUB_MH_COTI;
	struct mh_out out = {.mh = {.kind = care_of ? BUB_MH_COT : BUB_MH_HOT}};
	struct route r = rx->back;
	struct peer *p = NULL;

	nonce_token(eng, &rx->ip->src, care_of, &out.mh.u.test.nonce_index, out.mh.u.test.token);
	memcpy(out.mh.u.test.cookie, rx->mh.u.test_init.cookie, BUB_COOKIE_LEN);
	/* One that does not say whose it is is none of ours: the option is skipped. */
	if (rx->mh.opts.present & BUB_OPT_AUTH && rx->mh.opts.present & BUB_OPT_MN_ID) {
		on_signed_init(eng, rx, &r, &out);
		return;
	}
	if (rx->mh.opts.present & BUB_OPT_BUB) { /* Do BUB: the codec lets no other code through */
		bool named = !care_of || rx->mh.opts.present & BUB_OPT_MN_ID;

		p = named ? session_of(eng, rx) : session_at(eng, rx);
		if (p == NULL && !named) {
			/* Nobody's: as RFC 6275 has it. */
			(void)core_answer(eng, LIMIT_TEST, rx, &r, &out);
			return;
		}
		out.mh.opts.present = BUB_OPT_BUB;
		out.mh.opts.bub_code = bubresp_on_do(eng, rx, p, out.mh.u.test.nonce_index);
	}
	if (core_answer(eng, LIMIT_TEST, rx, &r, &out) && p != NULL &&
	    out.mh.opts.bub_code == BUB_CODE_ACK)
		bubresp_after_answer(eng, rx, p);
}

/* ---- Binding Updates ----------------------------------------------------------------------- */

/* What a Binding Update asks for. */
struct update {
	const struct rx *rx;
	struct peer *peer;       /* session with the sender; NULL: none */
	struct binding *binding; /* NULL: none yet */
	struct in6_addr care_of; /* to register; the home address: delete */
	struct in6_addr covered; /* by the Authenticator, and by that of the answer */
	bool deletes;
	uint16_t last_sequence;       /* last one accepted, where this one is not greater */
	bool bub;                     /* signed with Kabm */
	const struct bub_key *signer; /* which of the session's; NULL: none */
	struct bub_key key;           /* that signed it */
	bool has_key;
};

/* Straight back, under the key of the update; from the home address itself there is no other to
 * name (RFC 6275, 9.5.4). */
static void send_ro_ba(struct bub_engine *eng, const struct update *u, struct mh_out *out)
{
	const struct rx *rx = u->rx;
	struct route r = route_plain(&rx->local, &rx->ip->src);

	if (rx->home != NULL)
		r = route_from_home(rx->home, &rx->ip->src);
	r.has_rh2 = !bub_addr_eq(&rx->peer, &rx->ip->src);
	r.rh2 = rx->peer;
	if (u->has_key)
		core_send(eng, &r, out);
	else /* that nonces have expired anybody may be told */
		(void)core_answer(eng, LIMIT_REFUSAL, rx, &r, out);
}

/* Care-of address to care-of address (draft, 7), and for a repetition also through the home
 * agents, since the acknowledgement on the direct path did not get through (protocol.md, 5.4). */
static void send_bub_ba(struct bub_engine *eng, const struct update *u, const struct mh_out *out,
			bool both_ways)
{
	struct mh_out direct = *out;
	struct home *h;
	struct route r;

	assert(u->peer != NULL); /* whose Kabm signed it */
	h = u->peer->home;
	r = route_plain(&h->cfg.address, &u->care_of);
	if (home_is_away(h)) {
		r.src = h->care_of;
		r.has_hao = true;
		r.hao = h->cfg.address;
	} else if (h->state == HOME_UNATTACHED) {
		return; /* no way out now; the peer will ask again */
	}
	r.has_rh2 = !u->deletes;
	r.rh2 = u->rx->peer;
	if (out->mh.u.ba.status == BUB_STATUS_ACCEPTED && !u->deletes)
		proof_ask(u->binding, &direct);
	core_send(eng, &r, &direct);
	if (!both_ways)
		return;
	r = route_from_home(h, &u->rx->peer);
	r.via = "home agents";
	core_send(eng, &r, out);
}

static void send_ba(struct bub_engine *eng, const struct update *u, uint8_t status,
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
		send_bub_ba(eng, u, &out, both_ways);
	else
		send_ro_ba(eng, u, &out);
}

static void refuse(struct bub_engine *eng, const struct update *u, uint8_t status,
		   enum bub_drop why)
{
	uint16_t sequence = u->rx->mh.u.bu.sequence;

	core_drop(eng, why, &u->rx->peer);
	if (status == BUB_STATUS_SEQUENCE)
		sequence = u->last_sequence; /* RFC 6275, 9.5.1 */
	send_ba(eng, u, status, 0, sequence, false);
}

/* The Authenticator of a deletion covers the home address (RFC 6275, 6.2.7).  Other stacks put the
 * source address there, as in any update.  That proves the same key, so it is taken, and answered
 * in the same form.  False: there is no other form to try. */
static bool take_other_form(struct update *u)
{
	if (!u->deletes || bub_addr_eq(&u->covered, &u->rx->ip->src))
		return false;
	u->covered = u->rx->ip->src;
	return true;
}

static bool is_signed(struct bub_engine *eng, struct update *u)
{
	const struct bub_mh *mh = &u->rx->mh;
	uint8_t auth[BUB_AUTH_LEN];

	do {
		bub_authenticator(core_crypto(eng), &u->key, &u->covered, &u->rx->local,
				  mh->raw.data, mh->opts.auth_at, auth);
		if (bub_equal_secret(auth, mh->raw.data + mh->opts.auth_at, sizeof auth))
			return true;
	} while (take_other_form(u));
	return false;
}

/* Which key of the session signed it; NULL: none. */
static const struct bub_key *find_signer(struct bub_engine *eng, struct update *u)
{
	const struct in6_addr first = u->covered;
	const struct bub_key *key;

	do {
		key = kabm_signer(eng, &u->peer->kabm, u->rx, &u->covered, &u->rx->local);
	} while (key == NULL && take_other_form(u));
	if (key == NULL)
		u->covered = first; /* Kbm may have signed it, in either form */
	return key;
}

static bool is_repetition(const struct bub_engine *eng, const struct update *u)
{
	const struct binding *b = u->binding;

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

/* The mobile node sends its last update again, since it has not got the acknowledgement.  A refresh
 * comes in the second half of the lifetime, and what a renewal brings has another key. */
static bool came_again(const struct bub_engine *eng, const struct update *u)
{
	const struct binding *b = u->binding;
	uint64_t gap_ms;

	if (b == NULL || !b->active || u->deletes || b->bub != u->bub ||
	    !(u->rx->mh.u.bu.flags & BUB_BU_ACK) || !bub_addr_eq(&b->care_of, &u->care_of) ||
	    !is_same_key(&b->signer, &u->key))
		return false;
	gap_ms = bub_time_ms_between(b->updated, core_now(eng));
	return gap_ms < (uint64_t)REPETITION_S * 1000 &&
	       2 * gap_ms < bub_time_ms_between(b->updated, b->expires);
}

/* The peer is known to be mobile now: what we owe it, and whether BUB is worth a test. */
static void after_accept(struct bub_engine *eng, const struct update *u)
{
	struct peer *p;

	if (u->deletes || u->rx->home == NULL || !home_is_away(u->rx->home))
		return;
	p = peer_get(eng, u->rx->home, &u->rx->peer);
	if (p == NULL)
		return;
	session_acquit(eng, p);
	if (p->reg.state == REG_NONE && !p->rr.active && !kabm_is_held(&p->kabm))
		peer_update(eng, p);
	else
		session_consider_test(eng, p);
}

static void after_bub_accept(struct bub_engine *eng, const struct update *u, bool moved)
{
	assert(u->peer != NULL); /* whose Kabm signed it */
	u->peer->kabm.has_sequence_in = true;
	u->peer->kabm.sequence_in = u->rx->mh.u.bu.sequence;
	kabm_count_in(eng, &u->peer->kabm, &u->peer->key, u->signer);
	session_heard(eng, u->peer, u->signer);
	if (u->deletes)
		return;
	if (moved)
		peer_has_moved(eng, u->peer);
	proof_watch(eng, u->peer, u->binding, moved);
}

/* It counts among those of this prefix already. */
static bool is_at(const struct binding *b, const struct in6_addr *care_of)
{
	return b != NULL && b->active && memcmp(&b->care_of, care_of, 8) == 0;
}

static void accept_update(struct bub_engine *eng, struct update *u)
{
	const struct bub_mh *mh = &u->rx->mh;
	uint32_t max_s =
		u->bub ? core_config(eng)->bub_lifetime_s & ~3u : MAX_RR_BINDING_LIFETIME_S;
	uint32_t lifetime_s = mh->u.bu.lifetime_s < max_s ? mh->u.bu.lifetime_s : max_s;
	bool moved, repeated = is_repetition(eng, u), again = came_again(eng, u);
	struct binding *b;

	if (!u->bub && !u->deletes && !is_at(u->binding, &u->care_of) &&
	    !binding_has_room(eng, &u->care_of)) {
		if (u->binding != NULL && u->binding->active)
			binding_delete(eng, u->binding, "no room for where it is now");
		refuse(eng, u, BUB_STATUS_NO_RESOURCES, BUB_DROP_BU_SHARE);
		return;
	}
	if (u->binding == NULL)
		u->binding = binding_get(eng, &u->rx->local, &u->rx->peer);
	b = u->binding;
	if (b == NULL && u->deletes) { /* of nothing: as good as done (RFC 6275, 9.5.3) */
		if (mh->u.bu.flags & BUB_BU_ACK)
			send_ba(eng, u, BUB_STATUS_ACCEPTED, 0, mh->u.bu.sequence, false);
		return;
	}
	if (b == NULL) {
		refuse(eng, u, BUB_STATUS_NO_RESOURCES, BUB_DROP_BU_TABLE_FULL);
		return;
	}
	if (!b->active && u->peer != NULL)
		session_begin(eng, u->peer);
	moved = !b->active || !bub_addr_eq(&b->care_of, &u->care_of);
	b->sequence = mh->u.bu.sequence;
	b->bub = u->bub;
	b->signer = u->key;
	memcpy(b->last_auth, mh->raw.data + mh->opts.auth_at, sizeof b->last_auth);
	if (u->deletes) {
		lifetime_s = 0;
		binding_delete(eng, b, "by the mobile node");
	} else {
		proof_begin(eng, b, moved, again);
		binding_set(eng, b, &u->care_of, lifetime_s);
	}
	if (mh->u.bu.flags & BUB_BU_ACK)
		send_ba(eng, u, BUB_STATUS_ACCEPTED, lifetime_s, b->sequence, repeated);
	if (u->bub)
		after_bub_accept(eng, u, moved);
	after_accept(eng, u);
}

/* The rules of the draft, 7, for an update whose signature under Kabm is right. */
static void on_bub_bu(struct bub_engine *eng, struct update *u)
{
	const struct bub_mh *mh = &u->rx->mh;
	enum bub_drop why = BUB_DROP_NONE;

	if (mh->opts.present & BUB_OPT_ALT_CARE_OF)
		why = BUB_DROP_BUB_BU_ALT_COA;
	else if (mh->opts.present & BUB_OPT_NONCE_INDICES)
		why = BUB_DROP_BUB_BU_NONCE_INDICES;
	else if (kabm_is_worn_in(&u->peer->kabm, u->signer))
		why = BUB_DROP_BUB_BU_KEY_WORN;
	if (why != BUB_DROP_NONE) {
		core_drop(eng, why, &u->rx->peer);
		return;
	}
	u->bub = true;
	u->key = *u->signer;
	u->has_key = true;
	/* The first number under a new Kabm is the start (draft, 7).  It outlives the binding: an
	 * old Binding Update is as well signed as ever. */
	if (u->peer->kabm.has_sequence_in &&
	    !bub_seq_greater(mh->u.bu.sequence, u->peer->kabm.sequence_in)) {
		u->last_sequence = u->peer->kabm.sequence_in;
		refuse(eng, u, BUB_STATUS_SEQUENCE, BUB_DROP_BU_SEQUENCE);
		return;
	}
	accept_update(eng, u);
}

/* Kbm from the nonce indices (RFC 6275, 9.5.1).  Returns ACCEPTED, or which nonces expired. */
static uint8_t make_kbm(struct bub_engine *eng, struct update *u)
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

/* The entry for this home address here is a home registration: its type does not change. */
static bool is_home_registered(struct bub_engine *eng, const struct rx *rx)
{
	const struct client *c = ha_client(eng, &rx->peer);

	return c != NULL && c->registered && bub_addr_eq(&rx->local, &core_config(eng)->ha.address);
}

static void on_ro_bu(struct bub_engine *eng, struct update *u)
{
	uint8_t status = make_kbm(eng, u);
	bool genuine = status == BUB_STATUS_ACCEPTED && is_signed(eng, u);
	enum bub_policy ro, bub;

	policy_of(eng, &u->rx->peer, &ro, &bub);
	/* Else whoever sits on the path could take the session back.  But a peer that restarted
	 * knows no better: does it still hold Kabm?  (protocol.md, 5.7) */
	if (u->peer != NULL && kabm_is_shared(&u->peer->kabm)) {
		core_drop(eng, BUB_DROP_BUB_BU_RR_SIGNED, &u->rx->peer);
		if (genuine)
			session_suspect(eng, u->peer, SUSPECT_KEY_LOST);
		return;
	}
	if (status != BUB_STATUS_ACCEPTED) {
		refuse(eng, u, status, BUB_DROP_BU_NONCE_EXPIRED);
		return;
	}
	if (!genuine) {
		core_drop(eng, BUB_DROP_BU_BAD_AUTH, &u->rx->peer); /* silently: 9.5.1 */
		return;
	}
	u->has_key = true;
	if (is_home_registered(eng, u->rx)) {
		refuse(eng, u, BUB_STATUS_REGISTRATION_TYPE, BUB_DROP_BU_TYPE_CHANGE);
		return;
	}
	if (ro == BUB_POLICY_NEVER) {
		refuse(eng, u, BUB_STATUS_PROHIBITED, BUB_DROP_BU_POLICY);
		return;
	}
	if (u->binding != NULL && !bub_seq_greater(u->rx->mh.u.bu.sequence, u->binding->sequence)) {
		u->last_sequence = u->binding->sequence;
		refuse(eng, u, BUB_STATUS_SEQUENCE, BUB_DROP_BU_SEQUENCE);
		return;
	}
	accept_update(eng, u);
}

static void fill_update(struct bub_engine *eng, const struct rx *rx, struct update *ret)
{
	struct update u = {.rx = rx, .care_of = rx->ip->src};

	if (rx->mh.opts.present & BUB_OPT_ALT_CARE_OF)
		u.care_of = rx->mh.opts.alt_care_of;
	u.deletes = rx->mh.u.bu.lifetime_s == 0 || bub_addr_eq(&u.care_of, &rx->peer);
	if (u.deletes) /* the address that the Authenticator covers then: RFC 6275, 6.2.7 */
		u.care_of = rx->peer;
	u.covered = u.care_of;
	if (rx->home != NULL)
		u.peer = peer_find(eng, &rx->local, &rx->peer);
	u.binding = binding_find(eng, &rx->local, &rx->peer);
	*ret = u;
}

/* The care-of address is a home address that has a binding here, from there on to the home address
 * of the update, over others perhaps: a circle (RFC 6275, 6.1.7). */
static bool leads_back(const struct bub_engine *eng, const struct update *u)
{
	const struct in6_addr *at = &u->care_of;

	for (unsigned i = 0; i < CHAIN_MAX; i++) {
		const struct binding *b = binding_active(eng, &u->rx->local, at);

		if (b == NULL)
			return false;
		if (bub_addr_eq(&b->care_of, &u->rx->peer))
			return true;
		at = &b->care_of;
	}
	return true;
}

void cn_on_bu(struct bub_engine *eng, const struct rx *rx)
{
	const struct bub_mh_opts *o = &rx->mh.opts;
	struct update u;

	fill_update(eng, rx, &u);
	if (!bub_addr_is_routable(&u.care_of)) { /* silently: 6.1.7 */
		core_drop(eng, BUB_DROP_BU_CARE_OF_NOT_UNICAST, &rx->peer);
		return;
	}
	if (!u.deletes && leads_back(eng, &u)) {
		core_drop(eng, BUB_DROP_BU_CARE_OF_LOOP, &rx->peer);
		return;
	}
	if (!(o->present & BUB_OPT_AUTH)) {
		core_drop(eng, BUB_DROP_BU_NO_AUTH, &rx->peer);
		return;
	}
	/* The second copy of one accepted before: no error, no second answer (protocol.md, 5.3). */
	if (u.binding != NULL && u.binding->bub && u.binding->sequence == rx->mh.u.bu.sequence &&
	    memcmp(u.binding->last_auth, rx->mh.raw.data + o->auth_at, BUB_AUTH_LEN) == 0) {
		core_drop(eng, BUB_DROP_BUB_BU_COPY, &rx->peer);
		return;
	}
	if (u.peer != NULL)
		u.signer = find_signer(eng, &u);
	if (u.signer != NULL)
		on_bub_bu(eng, &u);
	else if (o->present & BUB_OPT_NONCE_INDICES)
		on_ro_bu(eng, &u);
	else
		core_drop(eng, BUB_DROP_BU_BAD_AUTH, &rx->peer);
}
