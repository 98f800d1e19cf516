/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Binding cache (RFC 6275, 9.1): where each peer is that has registered with this node.
 *
 *   no entry -> active     a Binding Update was accepted (cn.c)
 *   active ---> active     a later one was accepted: refreshed, or another care-of address
 *   active ---> deleted    by the mobile node, or by an operator's command
 *   active ---> deleted    the lifetime is over, or nobody gets through to the care-of address
 *   deleted --> active     a Binding Update with a greater number was accepted
 *   deleted --> no entry   MAX_NONCE_LIFETIME is over, or another entry needs the place
 *
 * A deleted entry is kept until every nonce that could have signed for it has expired: its sequence
 * number refuses the replay of an old Binding Update (RFC 6275, 5.2.8).
 *
 * Each entry has one timer.  In an active one it fires shortly before the end, when the mobile node
 * is asked to refresh the binding (RFC 6275, 9.5.5), and again at the end.  In a deleted one it
 * fires when the entry may be forgotten.
 *
 * Each change marks the pair, whose data path follows from the binding (path.c).  Whether data gets
 * through to the care-of address is another question: proof.c.
 */
#include <string.h>

#include "cn/state.h"
#include "mn/mn.h"

#define BINDINGS_FEW 64 /* nothing to share among sites */

struct cn *cn_lay_out(struct arena *ar, const struct bub_config *cfg, uint64_t seed)
{
	struct cn sizing, *cn = arena_take(ar, sizeof *cn);

	table_init(cn != NULL ? &cn->bindings : &sizing.bindings, ar, cfg->limit.bindings,
		   sizeof(struct binding_cache_entry), seed);
	return cn;
}

uint32_t cn_timers(const struct bub_config *cfg)
{
	return BINDING_TIMERS * cfg->limit.bindings;
}

struct binding_cache_entry *binding_from(const struct bub_engine *eng, unsigned *at)
{
	return table_from(&core_cn(eng)->bindings, at);
}

uint32_t cn_used(const struct bub_engine *eng)
{
	return core_cn(eng)->bindings.used;
}

struct binding_cache_entry *binding_next(const struct bub_engine *eng,
					 const struct binding_cache_entry *after)
{
	return table_next(&core_cn(eng)->bindings, after);
}

struct binding_cache_entry *binding_find(const struct bub_engine *eng, const struct in6_addr *local,
					 const struct in6_addr *home)
{
	return table_find(&core_cn(eng)->bindings, local, home);
}

struct binding_cache_entry *binding_active(const struct bub_engine *eng,
					   const struct in6_addr *local,
					   const struct in6_addr *home)
{
	struct binding_cache_entry *b = binding_find(eng, local, home);

	return b != NULL && b->active ? b : NULL;
}

bool binding_is_active(const struct binding_cache_entry *b)
{
	return b->active;
}

const struct in6_addr *binding_local(const struct binding_cache_entry *b)
{
	return &b->key.a;
}

const struct in6_addr *binding_home(const struct binding_cache_entry *b)
{
	return &b->key.b;
}

const struct in6_addr *binding_care_of(const struct binding_cache_entry *b)
{
	return &b->care_of;
}

bool binding_is_by_kabm(const struct binding_cache_entry *b)
{
	return b->bub;
}

const struct bub_key *binding_signer(const struct binding_cache_entry *b)
{
	return &b->signer;
}

struct recent *binding_sent_to(struct binding_cache_entry *b)
{
	return &b->sent_to;
}

void binding_fill_status(const struct binding_cache_entry *b, struct bub_time now,
			 struct bub_peer_status *ret)
{
	ret->peer_care_of = b->care_of;
	ret->sequence_in = b->sequence;
	ret->peer_lifetime_s = core_seconds_left(now, b->expires);
	ret->peer_kabm = b->bub;
}

/* Asks the mobile node to refresh a binding that is about to expire (RFC 6275, 9.5.5). */
static void binding_send_brr(struct bub_engine *eng, const struct binding_cache_entry *b)
{
	struct mh_out out = {.mh = {.kind = BUB_MH_BRR}};
	const struct home_registration *h = core_home_of(eng, &b->key.a);
	/* To the home address: the binding cache is not for mobility messages (RFC 6275, 6.1). */
	struct route r =
		h != NULL ? route_from_home(h, &b->key.b) : route_plain(&b->key.a, &b->key.b);

	/* The peer may have registered with a care-of address that this node has left since. */
	if (mn_has_address(eng, &b->key.a))
		core_send(eng, &r, &out);
}

static void binding_on_timer(struct bub_engine *eng, void *owner)
{
	struct binding_cache_entry *b = owner;

	if (b->active && !b->brr_sent) {
		b->brr_sent = true;
		core_timer_at(eng, &b->timer, b->expires);
		binding_send_brr(eng, b);
	} else if (b->active) {
		binding_delete(eng, b, "expired");
	} else {
		table_remove(&core_cn(eng)->bindings, b);
	}
}

/* Frees the deleted entry that ends first.  Its sequence number no longer refuses a replay.  So the
 * nonces are forgotten, without which no replay can be signed. */
static bool binding_push_out(struct bub_engine *eng)
{
	struct binding_cache_entry *b, *oldest = NULL;

	for (b = binding_next(eng, NULL); b != NULL; b = binding_next(eng, b))
		if (!b->active && (oldest == NULL ||
				   bub_time_before(timer_at(&b->timer), timer_at(&oldest->timer))))
			oldest = b;
	if (oldest == NULL)
		return false;
	core_timer_cancel(eng, &oldest->timer);
	table_remove(&core_cn(eng)->bindings, oldest);
	nonce_forget(eng);
	return true;
}

static bool same_bits(const struct in6_addr *a, const struct in6_addr *b, size_t octets)
{
	return memcmp(a, b, octets) == 0;
}

/* One host has a prefix of 64 bits and, where a site gives it more, one of 48: return routability
 * proves any number of addresses in them. */
bool binding_has_room(const struct bub_engine *eng, const struct in6_addr *care_of)
{
	uint32_t link = 0, site = 0, cap = core_cn(eng)->bindings.cap;
	const struct binding_cache_entry *b;

	if (core_cn(eng)->bindings.used < cap / 2)
		return true;
	for (b = binding_next(eng, NULL); b != NULL; b = binding_next(eng, b)) {
		site += same_bits(&b->care_of, care_of, 6);
		link += same_bits(&b->care_of, care_of, 8);
	}
	return !limit_share_used(core_cn(eng)->bindings.used, cap, link) &&
	       (cap < BINDINGS_FEW || site < cap / 2);
}

struct binding_cache_entry *binding_get(struct bub_engine *eng, const struct in6_addr *local,
					const struct in6_addr *home)
{
	struct binding_cache_entry *b = binding_find(eng, local, home);

	if (b != NULL)
		return b;
	b = table_add(&core_cn(eng)->bindings, local, home);
	if (b == NULL && binding_push_out(eng))
		b = table_add(&core_cn(eng)->bindings, local, home);
	if (b != NULL) {
		timer_init(&b->timer, binding_on_timer, b);
		proof_init(b);
	}
	return b;
}

/* How long before the end of a binding its refresh is asked for.  Many bindings may end at once, so
 * it is not the same for all (RFC 6275, 9.5.5). */
static uint64_t brr_margin_ms(struct bub_engine *eng)
{
	uint32_t lot;

	core_random(eng, &lot, sizeof lot);
	return (uint64_t)BRR_MARGIN_S * 1000 + lot % BRR_SPREAD_MS;
}

void binding_set(struct bub_engine *eng, struct binding_cache_entry *b,
		 const struct in6_addr *care_of, uint32_t lifetime_s)
{
	if (!b->active)
		core_trace_state(eng, "binding", "none", "bound", b->bub ? "bub" : "ro", &b->key.a,
				 &b->key.b);
	b->active = true;
	b->unreachable = 0;
	if (b->asked.ns != 0)
		b->vouched = core_now(eng);
	b->asked = (struct bub_time){0};
	b->care_of = *care_of;
	b->updated = core_now(eng);
	b->expires = bub_time_add_s(core_now(eng), lifetime_s);
	/* No refresh is asked for under Kabm, where the operator wants none, and where the lifetime
	 * is short. */
	b->brr_sent = b->bub || !core_config(eng)->send_brr || lifetime_s <= 2 * BRR_MARGIN_S;
	core_timer(eng, &b->timer,
		   (uint64_t)lifetime_s * 1000 - (b->brr_sent ? 0 : brr_margin_ms(eng)));
	core_mark_path(eng, &b->key.a, &b->key.b);
}

void binding_unreachable(struct bub_engine *eng, struct binding_cache_entry *b)
{
	uint64_t ms = bub_time_ms_between(b->unreachable_since, core_now(eng));

	/* The mobile node was asked of late, and has confirmed its care-of address. */
	if (b->vouched.ns != 0 &&
	    bub_time_ms_between(b->vouched, core_now(eng)) < (uint64_t)UNREACHABLE_MAX_S * 1000)
		return;
	if (b->bub) /* the signed test of the direct path decides (draft, appendix A) */
		return;
	if (b->unreachable == 0 || ms > (uint64_t)UNREACHABLE_MAX_S * 1000) {
		b->unreachable = 0;
		b->unreachable_since = core_now(eng);
		b->asked = (struct bub_time){0};
		ms = 0;
	}
	b->unreachable++;
	if (b->unreachable < UNREACHABLE_ERRORS || ms < (uint64_t)UNREACHABLE_MIN_S * 1000)
		return;
	/* Nothing proves these errors, so the mobile node is asked first, through its home agent.
	 * A node that is where its binding says refreshes the binding then. */
	if (core_config(eng)->send_brr && b->asked.ns == 0) {
		b->asked = core_now(eng);
		binding_send_brr(eng, b);
	} else if (!core_config(eng)->send_brr || bub_time_ms_between(b->asked, core_now(eng)) >=
							  (uint64_t)UNREACHABLE_ASK_S * 1000) {
		binding_delete(eng, b, "its care-of address is unreachable");
	}
}

void binding_cap(struct bub_engine *eng, struct binding_cache_entry *b)
{
	struct bub_time until = bub_time_add_s(core_now(eng), MAX_RR_BINDING_LIFETIME_S);

	if (!bub_time_before(until, b->expires))
		return;
	b->expires = until;
	core_timer_at(eng, &b->timer, until);
}

void binding_delete(struct bub_engine *eng, struct binding_cache_entry *b, const char *why)
{
	if (b->active)
		core_trace_state(eng, "binding", "bound", "none", why, &b->key.a, &b->key.b);
	b->active = false;
	proof_end(eng, b);
	b->updated = core_now(eng);
	core_timer(eng, &b->timer, (uint64_t)MAX_NONCE_LIFETIME_S * 1000);
	core_mark_path(eng, &b->key.a, &b->key.b);
}
