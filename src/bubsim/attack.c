/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Attackers.  Each sits on one link and sees what passes it.  They do not know keys and cannot look
 * into or change ESP; all else they may read, keep, change, hold back, take away and make up, under
 * any source address.  What an attacker on both paths at once could compute (Kbm, from both tokens)
 * is the draft's stated limit and left out.
 */
#include <arpa/inet.h>
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "attack.h"

#define EVIL_NET 0xbad          /* third group of an attacker's addresses */
#define SEEN 16                 /* packets that an attacker remembers */
#define ATTACK_MS UINT64_C(700) /* an attacker's own deeds, on average */

struct sim_attacker {
	struct rng rng;
	struct flight *seen; /* SEEN of them */
	unsigned n_seen, next_seen;
	/* A flood of messages of one kind that is going on. */
	unsigned flood_left, flood_kind, flood_pair, flood_side;
	uint64_t flood_ms; /* from one to the next */
};

static bool can(const struct sim *s, unsigned attacker, enum plan_fault art)
{
	return plan_has(s->plan->attacker[attacker].arts, art);
}

static void did(struct sim *s, enum sim_feature what)
{
	s->result->attacks++;
	sim_did(s, what);
	sim_disturb(s);
}

static struct in6_addr evil_address(struct rng *r)
{
	struct in6_addr a = {.s6_addr = {0x20, 0x01, 0x0d, 0xb8, EVIL_NET >> 8, EVIL_NET & 0xff}};

	a.s6_addr[15] = (uint8_t)rng_between(r, 1, 8);
	return a;
}

/* ---- What passes --------------------------------------------------------------------------- */

static void remember(struct sim_attacker *a, const struct flight *f)
{
	struct flight *slot = &a->seen[a->next_seen];

	memcpy(slot, f, offsetof(struct flight, octets) + f->len);
	a->next_seen = (a->next_seen + 1) % SEEN;
	if (a->n_seen < SEEN)
		a->n_seen++;
}

/* Turns one bit, and in every other case mends the checksum, so that the change gets further. */
static void change(struct rng *r, struct flight *f)
{
	struct bub_ip6 ip;
	size_t at, len;
	uint8_t *mh, bit;

	if (bub_ip6_decode((struct bub_view){f->octets, f->len}, &ip) != BUB_DROP_NONE ||
	    ip.upper.len < 8)
		return;
	at = (size_t)(ip.upper.data - f->octets);
	len = ip.upper.len;
	mh = f->octets + at;
	if (rng_one_in(r, 4)) /* the source address, so that the answer comes here */
		at = 8;
	bit = (uint8_t)(1u << rng_below(r, 8));
	f->octets[at + rng_below(r, at == 8 ? 16 : len)] ^= bit;
	if (!rng_one_in(r, 2) ||
	    bub_ip6_decode((struct bub_view){f->octets, f->len}, &ip) != BUB_DROP_NONE ||
	    ip.upper_proto != BUB_NH_MH || ip.upper.data != mh)
		return;
	mh[4] = mh[5] = 0;
	bub_mh_finish(mh, len, bub_ip6_home_src(&ip), bub_ip6_home_dst(&ip));
}

static void forge(struct sim *s, struct sim_attacker *a, struct flight *f)
{
	struct flight copy;

	if (rng_one_in(&a->rng, 2)) { /* in its place */
		change(&a->rng, f);
	} else { /* ahead of it, or behind */
		memcpy(&copy, f, offsetof(struct flight, octets) + f->len);
		change(&a->rng, &copy);
		copy.at_ns += rng_below(&a->rng, 20 * BUB_NS_PER_MS);
		world_inject(s->world, &copy);
	}
	did(s, DID_FORGED);
}

static bool meet(struct sim *s, unsigned i, struct flight *f)
{
	struct sim_attacker *a = &s->attacker[i];
	bool plain = f->egress == BUB_EGRESS_PLAIN, message = sim_is_message(f);

	if (!message)
		return true;
	if (can(s, i, FAULT_DROP) && rng_one_in(&a->rng, 6)) {
		did(s, DID_TAKEN);
		return false;
	}
	if (can(s, i, FAULT_DELAY) && rng_one_in(&a->rng, 6)) {
		f->at_ns += rng_below(&a->rng, 4 * BUB_NS_PER_S);
		did(s, DID_HELD_BACK);
	}
	if (plain && can(s, i, FAULT_REPLAY))
		remember(a, f);
	if (plain && can(s, i, FAULT_FORGE) && rng_one_in(&a->rng, 5))
		forge(s, a, f);
	return true;
}

bool attack_on(struct sim *s, struct flight *f)
{
	const struct plan_place *to = sim_place_of(s, &f->dst);
	const struct plan_place *from = sim_place_of(s, &f->left->prefix);

	for (unsigned i = 0; i < s->plan->n_attackers; i++) {
		const struct plan_place *at = &s->plan->place[s->plan->attacker[i].place];

		if ((at == from || at == to) && !meet(s, i, f))
			return false;
	}
	return true;
}

/* ---- What is made up ----------------------------------------------------------------------- */

/* The victim: one end of a pair, and the other end that the attacker pretends to be. */
struct victim {
	const struct sim_node *n, *peer;
	struct in6_addr at;    /* where it is reached directly */
	struct in6_addr agent; /* its home agent */
};

static struct in6_addr address_of(const struct sim_node *n)
{
	return n->plan->role == ROLE_MOBILE && n->node->place != NULL &&
			       !IN6_IS_ADDR_V4MAPPED(&n->node->address)
		       ? n->node->address
		       : n->plan->address;
}

static void junk(struct rng *r, void *buf, size_t len)
{
	uint8_t *p = buf;

	for (size_t i = 0; i < len; i++)
		p[i] = (uint8_t)rng_next(r);
}

struct spoof {
	struct in6_addr src, dst;
	bool has_hao;
	struct in6_addr hao;
	struct bub_mh mh;
};

static void spoof_update(struct rng *r, const struct victim *v, struct spoof *sp)
{
	sp->mh.kind = BUB_MH_BU;
	sp->mh.u.bu.sequence = (uint16_t)rng_next(r);
	sp->mh.u.bu.flags = rng_one_in(r, 4) ? BUB_BU_ACK | BUB_BU_HOME : BUB_BU_ACK;
	sp->mh.u.bu.lifetime_s = 4 * (uint32_t)rng_below(r, 100);
	sp->mh.opts.present = BUB_OPT_AUTH;
	if (rng_one_in(r, 2))
		sp->mh.opts.present |= BUB_OPT_NONCE_INDICES;
	if (rng_one_in(r, 4))
		sp->mh.opts.present |= BUB_OPT_ALT_CARE_OF;
	sp->mh.opts.alt_care_of = evil_address(r);
	sp->mh.opts.home_nonce = (uint16_t)rng_next(r);
	sp->has_hao = true;
	sp->hao = v->peer->plan->address;
}

static void spoof_answer(struct rng *r, const struct victim *v, struct spoof *sp)
{
	static const uint8_t status[] = {0, 1, 128, 129, 133, 135, 136, 137, 138, 174};

	sp->mh.kind = BUB_MH_BA;
	sp->mh.u.ba.status = status[rng_below(r, sizeof status)];
	sp->mh.u.ba.sequence = (uint16_t)rng_next(r);
	sp->mh.opts.present = rng_one_in(r, 2) ? BUB_OPT_AUTH : 0;
	if (rng_one_in(r, 4))
		sp->src = v->agent;
}

static void spoof_dh(struct rng *r, const struct victim *v, struct spoof *sp, uint8_t octets[64])
{
	struct bub_dh *dh = &sp->mh.u.dh;

	sp->mh.kind = BUB_MH_DH;
	dh->message = (uint8_t)rng_between(r, 1, 4);
	junk(r, dh->sid1, sizeof dh->sid1);
	if (dh->message > 1)
		junk(r, dh->sid2, sizeof dh->sid2);
	junk(r, octets, 64);
	octets[0] = 1; /* info: format, then a suite */
	octets[1] = 2;
	dh->nonce = (struct bub_view){octets + 2, BUB_DH_NONCE_LEN};
	dh->info = (struct bub_view){octets, 2};
	dh->share[0].suite = 2;
	dh->share[0].value = (struct bub_view){octets + 32, 32};
	dh->n_shares = dh->message <= 2;
	dh->has_identity = dh->message > 2;
	dh->identity = v->peer->plan->address;
	dh->sig = dh->mac = (struct bub_view){octets + 32, 32};
	if (dh->message > 2)
		dh->nonce.len = 0;
	else
		dh->sig.len = dh->mac.len = 0;
	if (dh->message == 3)
		dh->info.len = 0;
	sp->has_hao = rng_one_in(r, 2);
	sp->hao = v->peer->plan->address;
}

static void spoof_test(struct rng *r, const struct victim *v, struct spoof *sp)
{
	sp->mh.kind = rng_one_in(r, 2) ? BUB_MH_HOTI : BUB_MH_COTI;
	junk(r, sp->mh.u.test_init.cookie, BUB_COOKIE_LEN);
	if (rng_one_in(r, 2)) {
		sp->mh.opts.present = BUB_OPT_BUB | BUB_OPT_MN_ID;
		sp->mh.opts.bub_code = BUB_CODE_DO;
		sp->mh.opts.mn_id = rng_one_in(r, 2) ? v->peer->plan->address : sp->src;
	} else if (rng_one_in(r, 4)) {
		sp->mh.opts.present = BUB_OPT_AUTH | BUB_OPT_MN_ID;
		sp->mh.opts.mn_id = v->peer->plan->address;
	}
}

static void spoof_rest(struct rng *r, const struct victim *v, struct spoof *sp)
{
	switch (rng_below(r, 4)) {
	case 0:
		sp->mh.kind = BUB_MH_BE;
		sp->mh.u.be.status = rng_one_in(r, 2) ? BUB_BE_NO_BINDING : BUB_BE_UNKNOWN_MH;
		sp->mh.u.be.home = v->n->plan->address;
		return;
	case 1:
		sp->mh.kind = BUB_MH_BRR;
		return;
	case 2:
		sp->mh.kind = rng_one_in(r, 2) ? BUB_MH_HOT : BUB_MH_COT;
		junk(r, &sp->mh.u.test, sizeof sp->mh.u.test);
		return;
	default:
		sp->mh.kind = BUB_MH_BUBC;
		junk(r, &sp->mh.u.bubc, sizeof sp->mh.u.bubc);
		sp->mh.opts.present = BUB_OPT_AUTH;
		sp->has_hao = true;
		sp->hao = v->peer->plan->address;
		return;
	}
}

static void attack_launch(struct sim *s, const struct spoof *sp, uint8_t proto,
			  const uint8_t *upper, size_t len)
{
	struct flight f = {.egress = BUB_EGRESS_PLAIN, .src = sp->src, .dst = sp->dst};
	struct bub_ip6_build b = {
		.src = sp->src,
		.dst = sp->dst,
		.hao = sp->has_hao ? &sp->hao : NULL,
		.upper_proto = proto,
		.upper_len = (uint16_t)len,
	};
	int at = bub_ip6_encode(&b, f.octets, sizeof f.octets);

	assert(at > 0 && (size_t)at + len <= sizeof f.octets);
	memcpy(f.octets + at, upper, len);
	f.len = (size_t)at + len;
	f.at_ns = sim_now(s) + BUB_NS_PER_MS;
	world_inject(s->world, &f);
	did(s, DID_MADE_UP);
}

static void launch_message(struct sim *s, struct rng *r, const struct victim *v,
			   const struct spoof *sp)
{
	uint8_t mh[1024];
	struct bub_mh_layout at;

	if (bub_mh_encode(&sp->mh, &v->n->node->cfg.codepoints, mh, sizeof mh, &at) != 0)
		return;
	if (at.auth_at != 0)
		junk(r, mh + at.auth_at, BUB_AUTH_LEN);
	if (at.signature_at != 0)
		junk(r, mh + at.signature_at, BUB_AUTH_LEN);
	bub_mh_finish(mh, at.len, sp->has_hao ? &sp->hao : &sp->src, &sp->dst);
	attack_launch(s, sp, BUB_NH_MH, mh, at.len);
}

/* Data under the peer's name from elsewhere: what RFC 6275, 9.3.1 is for. */
static void launch_data(struct sim *s, const struct victim *v, struct spoof *sp)
{
	uint8_t udp[16] = {(SIM_DATA_PORT + 1) >> 8, (SIM_DATA_PORT + 1) & 0xff};

	udp[5] = sizeof udp;
	sp->has_hao = true;
	sp->hao = v->peer->plan->address;
	attack_launch(s, sp, 17, udp, sizeof udp);
}

/* "I do not know your messages": quotes one that was never sent. */
static void launch_error(struct sim *s, struct rng *r, const struct victim *v, struct spoof *sp)
{
	struct bub_ip6_build b = {
		.src = v->at,
		.dst = v->peer->plan->address,
		.upper_proto = BUB_NH_MH,
	};
	uint8_t quoted[BUB_IP6_HDR_LEN], upper[256];
	struct bub_icmp6 icmp = {
		.kind = BUB_ICMP6_PARAM_PROBLEM,
		.code = (uint8_t)rng_below(r, 3),
		.u.param_problem.pointer = BUB_IP6_HDR_LEN,
		.quoted = {quoted, sizeof quoted},
	};
	int len;

	bub_ip6_encode(&b, quoted, sizeof quoted);
	len = bub_icmp6_encode(&icmp, &sp->src, &sp->dst, upper, sizeof upper);
	assert(len > 0);
	attack_launch(s, sp, BUB_NH_ICMPV6, upper, (size_t)len);
}

static void make_up(struct sim *s, struct rng *r, const struct victim *v)
{
	struct spoof sp = {.dst = rng_one_in(r, 2) ? v->at : v->n->plan->address};
	uint8_t octets[64];

	/* Under the peer's address, its home address, or from nowhere. */
	sp.src = rng_one_in(r, 2)   ? evil_address(r)
		 : rng_one_in(r, 2) ? address_of(v->peer)
				    : v->peer->plan->address;
	switch (rng_below(r, 8)) {
	case 0:
	case 1:
		spoof_update(r, v, &sp);
		break;
	case 2:
		spoof_answer(r, v, &sp);
		break;
	case 3:
		spoof_dh(r, v, &sp, octets);
		break;
	case 4:
		spoof_test(r, v, &sp);
		break;
	case 5:
		sp.src = evil_address(r);
		sp.dst = v->at;
		launch_data(s, v, &sp);
		return;
	case 6:
		launch_error(s, r, v, &sp);
		return;
	default:
		spoof_rest(r, v, &sp);
		break;
	}
	launch_message(s, r, v, &sp);
}

/* ---- Floods -------------------------------------------------------------------------------- */

/* Messages that nobody signs, one kind after the other for a second or two, ten to fifty a second,
 * to one end of a pair in the name of the other: a path that works is to stay as it is, and a
 * session that begins to come as far (protocol.md, P40 and P41). */
enum flood_kind {
	FLOOD_NO_BINDING,
	FLOOD_UNKNOWN,
	FLOOD_REFRESH,
	FLOOD_HOME_INIT,    /* Do BUB */
	FLOOD_CARE_OF_INIT, /* the same, from addresses of the attacker's */
	FLOOD_INITIATOR,    /* the same, from the address of who is named */
	FLOOD_KINDS,
};

static void flood_message(struct rng *r, const struct victim *v, enum flood_kind kind,
			  struct spoof *sp)
{
	const bool inits = kind >= FLOOD_HOME_INIT;

	sp->src = kind == FLOOD_CARE_OF_INIT ? evil_address(r)
		  : kind == FLOOD_INITIATOR || (!inits && rng_one_in(r, 2))
			  ? address_of(v->peer)
			  : v->peer->plan->address;
	sp->dst = kind == FLOOD_HOME_INIT || kind == FLOOD_REFRESH ? v->n->plan->address : v->at;
	if (inits) {
		sp->mh.kind = kind == FLOOD_HOME_INIT ? BUB_MH_HOTI : BUB_MH_COTI;
		junk(r, sp->mh.u.test_init.cookie, BUB_COOKIE_LEN);
		sp->mh.opts.present =
			kind == FLOOD_HOME_INIT ? BUB_OPT_BUB : BUB_OPT_BUB | BUB_OPT_MN_ID;
		sp->mh.opts.bub_code = BUB_CODE_DO;
		sp->mh.opts.mn_id = v->peer->plan->address;
	} else if (kind == FLOOD_REFRESH) {
		sp->mh.kind = BUB_MH_BRR;
	} else {
		sp->mh.kind = BUB_MH_BE;
		sp->mh.u.be.status =
			kind == FLOOD_NO_BINDING ? BUB_BE_NO_BINDING : BUB_BE_UNKNOWN_MH;
		sp->mh.u.be.home = v->n->plan->address;
	}
}

static void flood(struct sim *s, struct sim_attacker *a, const struct victim *v)
{
	struct spoof sp = {0};

	a->flood_left--;
	flood_message(&a->rng, v, (enum flood_kind)a->flood_kind, &sp);
	launch_message(s, &a->rng, v, &sp);
	did(s, DID_FLOODED);
}

/* ---- Now and then -------------------------------------------------------------------------- */

static void replay(struct sim *s, struct sim_attacker *a)
{
	struct flight *f;

	if (a->n_seen == 0)
		return;
	f = &a->seen[rng_below(&a->rng, a->n_seen)];
	f->at_ns = sim_now(s);
	if (rng_one_in(&a->rng, 4)) { /* from another place */
		struct in6_addr evil = evil_address(&a->rng);

		memcpy(f->octets + 8, &evil, sizeof evil);
	}
	world_inject(s->world, f);
	did(s, DID_REPLAYED);
}

static struct victim victim_of(const struct sim *s, unsigned pair, unsigned side)
{
	const struct plan_pair *p = &s->plan->pair[pair];
	struct victim v = {.n = &s->node[p->node[side]], .peer = &s->node[p->node[1 - side]]};

	v.at = address_of(v.n);
	v.agent = v.n->plan->role == ROLE_MOBILE ? s->node[v.n->plan->agent].plan->address
						 : v.n->plan->address;
	return v;
}

uint64_t attack_tick(struct sim *s, unsigned attacker)
{
	struct sim_attacker *a = &s->attacker[attacker];
	struct victim v;

	if (a->flood_left > 0) {
		v = victim_of(s, a->flood_pair, a->flood_side);
		flood(s, a, &v);
		return a->flood_left > 0 ? a->flood_ms : rng_between(&a->rng, 1, 2 * ATTACK_MS);
	}
	if (can(s, attacker, FAULT_REPLAY))
		replay(s, a);
	if (can(s, attacker, FAULT_SPOOF) && s->plan->n_pairs > 0) {
		a->flood_pair = (unsigned)rng_below(&a->rng, s->plan->n_pairs);
		a->flood_side = (unsigned)rng_below(&a->rng, 2);
		v = victim_of(s, a->flood_pair, a->flood_side);
		make_up(s, &a->rng, &v);
		if (rng_one_in(&a->rng, 12)) {
			a->flood_kind = (unsigned)rng_below(&a->rng, FLOOD_KINDS);
			a->flood_left = (unsigned)rng_between(&a->rng, 10, 60);
			a->flood_ms = rng_between(&a->rng, 20, 100);
			return a->flood_ms;
		}
	}
	return rng_between(&a->rng, 1, 2 * ATTACK_MS);
}

void attack_start(struct sim *s)
{
	s->attacker = calloc(s->plan->n_attackers + 1, sizeof *s->attacker);
	assert(s->attacker != NULL);
	for (unsigned i = 0; i < s->plan->n_attackers; i++) {
		s->attacker[i].rng = rng_for(s->plan->seed, 1000, i);
		s->attacker[i].seen = malloc(SEEN * sizeof(struct flight));
		assert(s->attacker[i].seen != NULL);
	}
}

void attack_done(struct sim *s)
{
	for (unsigned i = 0; i < s->plan->n_attackers; i++)
		free(s->attacker[i].seen);
	free(s->attacker);
}
