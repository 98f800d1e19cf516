/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A mobile node's link layer, played; see mobile.h.
 */
#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/addr.h"
#include "linkoracle.h"
#include "oracle.h"

#define FOR_KERNEL 1007
#define FOR_VERDICTS 1008
#define ANSWER_NS (30 * BUB_NS_PER_MS) /* of a router to a neighbour solicitation, at most */
#define PROMPT_NS (8 * BUB_NS_PER_MS)  /* without faults: less than link/probe.c waits */
#define LATE_NS (2 * BUB_NS_PER_S)     /* a verdict, at most */
#define LOST_PPM 150000                /* of neighbour discovery messages */
#define REFUSED_PPM 30000              /* of operations whose verdict is awaited */
#define GRACE_MS 1000
#define ROUTER_SOLICIT 133
#define ROUTER_ADVERT 134

static bool mobile_is_calm(const struct mobile *m)
{
	return m->s->stopped;
}

static bool mobile_is_lost(struct mobile *m)
{
	bool lost = rng_hits(&m->rng, LOST_PPM) && !mobile_is_calm(m);

	if (lost)
		sim_did(m->s, DID_ADVERT_LOST);
	return lost;
}

/* ---- What the world sees of it --------------------------------------------------------------- */

static const struct kernel_iface *mobile_home_iface(const struct mobile *m)
{
	for (unsigned i = 0; i < WORLD_INTERFACES; i++)
		if (m->kernel.iface[i].up && m->kernel.iface[i].where == m->sn->plan->home)
			return &m->kernel.iface[i];
	return NULL;
}

/* Packets come to what works, and to nothing else. */
static void mobile_set_owner(struct mobile *m)
{
	world_disown(m->s->world, m->node);
	for (unsigned i = 0; i < WORLD_INTERFACES; i++)
		for (unsigned k = 0; k < KERNEL_ADDRS_MAX; k++) {
			const struct kernel_addr *a = &m->kernel.iface[i].addr[k];

			if (a->fact.ifindex != 0 && kernel_works_on(&m->kernel, &a->fact.addr) == i)
				world_own(m->s->world, m->node, &a->fact.addr);
		}
	if (m->at_home && mobile_home_iface(m) != NULL)
		world_own(m->s->world, m->node, &m->sn->plan->address);
}

static struct place *mobile_place_of(const struct mobile *m, const struct kernel_iface *f)
{
	return f->up && f->lan != NULL ? m->s->place[f->where] : NULL;
}

/* Where the core has put the home address. */
static void mobile_set_place(struct mobile *m)
{
	const struct kernel_iface *home = mobile_home_iface(m);
	const struct kernel_addr *a = kernel_addr_of(&m->kernel, &m->care_of);

	m->node->place = NULL;
	if (m->at_home && home != NULL)
		m->node->place = mobile_place_of(m, home);
	else if (!m->at_home && a != NULL)
		m->node->place = mobile_place_of(m, &m->kernel.iface[a->fact.ifindex - 1]);
	m->node->address = m->at_home ? m->sn->plan->address : m->care_of;
	for (unsigned i = 0; i < WORLD_INTERFACES; i++)
		m->node->iface[i].place = mobile_place_of(m, &m->kernel.iface[i]);
}

static void mobile_on_change(void *ctx)
{
	struct mobile *m = ctx;

	m->cause_ns = sim_now(m->s);
	mobile_set_owner(m);
	mobile_set_place(m);
}

static void mobile_on_address(void *ctx, const struct in6_addr *address)
{
	struct mobile *m = ctx;
	const struct kernel_addr *a = kernel_addr_of(&m->kernel, address);

	addrmap_set(&m->s->stays, address, m->sn);
	if (a != NULL && !a->fact.from_ra)
		sim_did(m->s, DID_LEASED);
}

static void mobile_on_duplicate(void *ctx)
{
	struct mobile *m = ctx;

	sim_did(m->s, DID_DUPLICATE);
}

struct place *mobile_way_out(const struct mobile *m, const struct in6_addr *src)
{
	const struct kernel_iface *home = mobile_home_iface(m), *f;
	const struct link_route *way;

	if (bub_addr_eq(src, &m->sn->plan->address))
		return m->at_home && home != NULL ? mobile_place_of(m, home) : NULL;
	way = fib_way_from(&m->fib, src);
	if (way == NULL)
		return NULL;
	f = &m->kernel.iface[way->ifindex - 1];
	/* The router drops what has a source of another link (RFC 2827). */
	if (!f->up || f->lan == NULL || lan_router_at(f->lan, &way->gateway) == NULL ||
	    !lan_stands_for(f->lan, src))
		return NULL;
	return mobile_place_of(m, f);
}

/* ---- What the link layer gives out ------------------------------------------------------------
 */

static const char *mobile_note_of(enum bub_event_type type)
{
	switch ((unsigned)type) {
	case BUB_EV_CARE_OF_NEW:
		return "link: usable is";
	case BUB_EV_CARE_OF_CHANGED:
		return "link: changed is";
	case BUB_EV_CARE_OF_GONE:
		return "link: gone is";
	default:
		return "link: down is interface";
	}
}

static void mobile_usable_add(struct mobile *m, const struct bub_event *ev)
{
	unsigned at = MOBILE_USABLE_MAX;

	for (unsigned i = MOBILE_USABLE_MAX; i-- > 0;) {
		if (m->usable[i].ifindex == 0)
			at = i;
	}
	for (unsigned i = 0; i < MOBILE_USABLE_MAX; i++)
		if (m->usable[i].ifindex != 0 &&
		    bub_addr_eq(&m->usable[i].addr, &ev->u.care_of.address))
			at = i;
	assert(at < MOBILE_USABLE_MAX);
	m->usable[at].addr = ev->u.care_of.address;
	m->usable[at].ifindex = ev->ifindex;
	m->usable[at].deprecated = ev->u.care_of.deprecated;
}

/* With the address NULL all of the interface. */
static void mobile_usable_del(struct mobile *m, uint32_t ifindex, const struct in6_addr *addr)
{
	for (unsigned i = 0; i < MOBILE_USABLE_MAX; i++)
		if (m->usable[i].ifindex == ifindex &&
		    (addr == NULL || bub_addr_eq(&m->usable[i].addr, addr)))
			m->usable[i].ifindex = 0;
}

static void mobile_on_event(struct mobile *m, const struct bub_event *ev)
{
	const struct in6_addr *addr = &ev->u.care_of.address;

	sim_note_addr(m->s, m->node, mobile_note_of(ev->type), ev->ifindex, addr);
	if (!m->s->opt->no_oracles)
		linkoracle_event(m, ev);
	oracle_left(m->sn);
	m->sn->moved_ns = sim_now(m->s);
	if (ev->type == BUB_EV_LINK_DOWN)
		mobile_usable_del(m, ev->ifindex, NULL);
	else if (ev->type == BUB_EV_CARE_OF_GONE)
		mobile_usable_del(m, ev->ifindex, addr);
	else if (!bub_addr_eq(addr, &m->sn->plan->address))
		mobile_usable_add(m, ev);
	if (ev->u.care_of.deprecated)
		sim_did(m->s, DID_DEPRECATED);
	world_feed(m->node, ev);
}

/* The routers of the link hear it, or it gets lost. */
static void mobile_send_nd(struct mobile *m, const struct link_out *out)
{
	const struct kernel_iface *f = &m->kernel.iface[out->u.nd.ifindex - 1];
	struct lan *lan = f->lan != NULL ? m->s->lan[f->where] : NULL;
	const struct lan_router *r;
	struct in6_addr target;

	if (lan == NULL || !f->up || mobile_is_lost(m))
		return;
	if (out->u.nd.msg[0] == ROUTER_SOLICIT) {
		sim_did(m->s, DID_SOLICITED);
		lan_solicit(lan, sim_now(m->s));
		m->s->lans_changed = true;
		return;
	}
	sim_did(m->s, DID_PROBED);
	target = addr_at(out->u.nd.msg + 8);
	r = lan_router_at(lan, &target);
	if (r != NULL && !mobile_is_lost(m))
		kernel_on_answer(&m->kernel, out->u.nd.ifindex - 1, r, &target,
				 rng_below(&m->rng, mobile_is_calm(m) ? PROMPT_NS : ANSWER_NS));
}

static int mobile_route_or_rule(struct mobile *m, const struct link_out *out)
{
	if (!m->s->opt->no_oracles)
		linkoracle_operation(m, out);
	if (out->id != 0 && rng_hits(&m->rng, REFUSED_PPM) && !mobile_is_calm(m)) {
		m->cause_ns = sim_now(m->s);
		sim_did(m->s, DID_REFUSED);
		return -ENOBUFS;
	}
	if (out->type == LINK_ROUTE_SET)
		return fib_route_set(&m->fib, &out->u.route);
	if (out->type == LINK_ROUTE_DEL)
		return fib_route_del(&m->fib, &out->u.route);
	if (out->type == LINK_RULE_ADD)
		return fib_rule_add(&m->fib, &out->u.rule);
	return fib_rule_del(&m->fib, &out->u.rule);
}

/* 0 or a negative errno. */
static int mobile_operate(struct mobile *m, const struct link_out *out)
{
	switch ((unsigned)out->type) {
	case LINK_EVENT:
		mobile_on_event(m, &out->u.event);
		return 0;
	case LINK_SAY:
		if (out->u.say.what == LINK_SAY_ROUTER_GONE)
			sim_did(m->s, DID_ROUTER_LOST);
		if (out->u.say.what == LINK_SAY_PUT_BEHIND)
			sim_did(m->s, DID_PUT_BEHIND);
		if (out->u.say.what == LINK_SAY_MANY_CARE_OFS)
			sim_did(m->s, DID_TABLES_FULL);
		return 0;
	case LINK_ROUTE_SET:
	case LINK_ROUTE_DEL:
	case LINK_RULE_ADD:
	case LINK_RULE_DEL:
		return mobile_route_or_rule(m, out);
	case LINK_ND_SEND:
		mobile_send_nd(m, out);
		return 0;
	case LINK_LOCAL_ADD:
		addrmap_set(&m->local, &out->u.local, m);
		return 0;
	case LINK_LOCAL_DEL:
		addrmap_del(&m->local, &out->u.local);
		return 0;
	default:
		return 0;
	}
}

static void mobile_drain(struct mobile *m)
{
	struct link_out out;

	while (link_next(m->link, &out) && !m->s->result->failed) {
		struct letter verdict = {.id = out.id, .error = mobile_operate(m, &out)};
		bool late = rng_one_in(&m->rng, 8) && !mobile_is_calm(m);

		if (out.id == 0)
			continue;
		if (late || m->verdicts.n > 0) { /* the kernel answers one after the other */
			sim_did(m->s, DID_LATE_VERDICT);
			letters_put(&m->verdicts, &verdict, sim_now(m->s),
				    late ? rng_below(&m->rng, LATE_NS) : 0);
		} else {
			link_done(m->link, world_clock(m->node), out.id, verdict.error);
		}
	}
	if (!m->s->opt->no_oracles && !m->s->result->failed)
		linkoracle_drained(m);
}

/* ---- What it is told ------------------------------------------------------------------------ */

static void mobile_deliver(struct mobile *m, struct letter *l)
{
	struct link_fact *f = &l->fact;

	if (f->type == LINK_FACT_ADDR) {
		uint64_t left_s =
			l->valid_ns > l->sent_ns ? (l->valid_ns - l->sent_ns) / BUB_NS_PER_S : 0;

		f->u.addr.valid_until = bub_time_add_s(world_clock(m->node), left_s);
	}
	if (!m->s->opt->no_oracles)
		linkoracle_fact(m, f);
	link_feed(m->link, world_clock(m->node), f);
	mobile_drain(m);
}

/* Before an advertisement is believed the kernel is asked how the interface is; the answer comes in
 * line with what it had to tell. */
static void mobile_ask(struct mobile *m, const struct link_fact *advert)
{
	struct letter answer = {.fact.type = LINK_FACT_IFACE};
	struct letter *l;

	if (!m->kernel.counts_losses || advert->u.nd.msg.data[0] != ROUTER_ADVERT)
		return;
	while ((l = letters_take(&m->kernel.netlink, UINT64_MAX)) != NULL) {
		mobile_deliver(m, l);
		free(l);
	}
	answer.fact.u.iface = kernel_iface_fact(&m->kernel, advert->u.nd.ifindex - 1);
	mobile_deliver(m, &answer);
}

/* A verdict that comes once more, as if the kernel had said so twice, is to change nothing. */
static void mobile_settle(struct mobile *m, const struct letter *l)
{
	struct link_out out;

	link_done(m->link, world_clock(m->node), l->id, l->error);
	mobile_drain(m);
	link_done(m->link, world_clock(m->node), l->id, -EIO);
	if (!m->s->opt->no_oracles && link_next(m->link, &out))
		sim_fail(m->s, "verdict", "%s: a verdict counts twice", m->sn->plan->name);
}

static void mobile_start(struct mobile *m)
{
	struct link_config cfg = {.n_named = WORLD_INTERFACES, .n_homes = 1};
	struct letter *l;

	for (unsigned i = 0; i < WORLD_INTERFACES; i++) {
		snprintf(cfg.named[i].name, sizeof cfg.named[i].name, "eth%u", i);
		cfg.named[i].preference = m->sn->plan->preference[i];
		cfg.named[i].optimistic = m->kernel.optimistic;
	}
	cfg.homes[0] = m->sn->plan->address;
	cfg.home_prefix_len[0] = 64;
	cfg.home_agents[0] = m->sn->plan->cfg.home[0].home_agent;
	cfg.route_table = MOBILE_TABLE;
	cfg.care_of_rule = MOBILE_RULE;
	cfg.stale_rule = MOBILE_STALE_RULE;
	cfg.landing = MOBILE_STALE_RULE + 1;
	cfg.grace_ms = GRACE_MS;
	m->link = link_new(&cfg);
	assert(m->link != NULL);
	kernel_dump(&m->kernel);
	while ((l = letters_take(&m->kernel.netlink, UINT64_MAX)) != NULL) {
		mobile_deliver(m, l);
		free(l);
	}
	link_start(m->link, world_clock(m->node));
	mobile_drain(m);
}

/* ---- Time ---------------------------------------------------------------------------------- */

static uint64_t mobile_earlier(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

static void mobile_set_due(struct mobile *m)
{
	uint64_t due_ns = kernel_due(&m->kernel);

	if (!m->node->down) {
		due_ns = mobile_earlier(due_ns, letters_due(&m->kernel.netlink));
		due_ns = mobile_earlier(due_ns, letters_due(&m->kernel.heard));
		due_ns = mobile_earlier(due_ns, letters_due(&m->verdicts));
		due_ns = mobile_earlier(due_ns, world_time_of(m->node, link_deadline(m->link)));
	}
	m->due_ns = m->s->result->failed ? UINT64_MAX : due_ns; /* then the run ends */
	world_reschedule(m->node);
}

static bool mobile_take(struct mobile *m, struct letters *q)
{
	struct letter *l = letters_take(q, sim_now(m->s));

	if (l == NULL)
		return false;
	if (l->fact.type == LINK_FACT_ND) {
		l->fact.u.nd.msg = (struct bub_view){l->octets, l->len};
		mobile_ask(m, &l->fact);
	}
	if (l->id != 0)
		mobile_settle(m, l);
	else
		mobile_deliver(m, l);
	free(l);
	return true;
}

static bool mobile_expire(struct mobile *m)
{
	struct bub_time now = world_clock(m->node);

	if (bub_time_before(now, link_deadline(m->link)))
		return false;
	if (!m->s->opt->no_oracles)
		linkoracle_timeout(m);
	link_expire(m->link, now);
	mobile_drain(m);
	return true;
}

void mobile_run(struct mobile *m)
{
	kernel_run(&m->kernel);
	while (!m->node->down && !m->s->result->failed) {
		bool more = mobile_take(m, &m->kernel.netlink);

		more = mobile_take(m, &m->kernel.heard) || more;
		more = mobile_take(m, &m->verdicts) || more;
		if (!mobile_expire(m) && !more)
			break;
	}
	mobile_set_due(m);
}

uint64_t mobile_due(const struct mobile *m)
{
	return m->due_ns;
}

/* ---- What happens to it --------------------------------------------------------------------- */

void mobile_plug(struct mobile *m, unsigned iface, uint32_t where)
{
	kernel_plug(&m->kernel, iface, where, where != PLAN_NOWHERE ? m->s->lan[where] : NULL);
	mobile_set_due(m);
}

void mobile_set_up(struct mobile *m, unsigned iface, bool up)
{
	kernel_set_up(&m->kernel, iface, up);
	mobile_set_due(m);
}

void mobile_on_advert(struct mobile *m, unsigned iface, const struct lan_router *router)
{
	if (mobile_is_lost(m))
		return;
	kernel_on_advert(&m->kernel, iface, router);
	mobile_set_due(m);
}

void mobile_look_at_link(struct mobile *m, uint32_t where)
{
	for (unsigned i = 0; i < WORLD_INTERFACES; i++)
		if (m->kernel.iface[i].where == where)
			mobile_on_change(m);
}

void mobile_attach(struct mobile *m, const struct bub_attach *at)
{
	bool moved = m->at_home != at->at_home || !bub_addr_eq(&m->care_of, &at->care_of);

	if (moved && !m->s->opt->no_oracles)
		linkoracle_moved(m);
	m->at_home = at->at_home;
	m->care_of = at->at_home ? in6addr_any : at->care_of;
	mobile_set_owner(m);
	mobile_set_place(m);
	link_attached(m->link, world_clock(m->node), &at->home, &m->care_of, &at->home_agent);
	mobile_set_due(m);
}

void mobile_registered(struct mobile *m, const struct bub_registration *r)
{
	m->registered = r->acknowledged;
	link_registered(m->link, world_clock(m->node), r);
	mobile_set_due(m);
}

void mobile_wake(struct mobile *m, bool forgetful)
{
	m->cause_ns = sim_now(m->s);
	letters_clear(&m->kernel.heard);
	if (!forgetful) { /* there was more to tell than the socket could hold */
		kernel_dump(&m->kernel);
		mobile_set_due(m);
		return;
	}
	link_free(m->link);
	letters_clear(&m->verdicts);
	memset(m->usable, 0, sizeof m->usable);
	m->fib.n_routes = m->fib.n_rules = 0; /* the daemon removes what the one before has left */
	addrmap_done(&m->local);
	m->at_home = false;
	m->care_of = in6addr_any;
	linkoracle_restarted(m);
	mobile_on_change(m);
	mobile_start(m);
	mobile_set_due(m);
}

struct mobile *mobile_new(struct sim *s, struct sim_node *sn)
{
	struct mobile *m = calloc(1, sizeof *m);

	assert(m != NULL);
	m->s = s;
	m->sn = sn;
	m->node = sn->node;
	m->rng = rng_for(s->plan->seed, FOR_VERDICTS, sn->node->index);
	m->kernel = (struct kernel){
		.world = s->world,
		.node = sn->node,
		.rng = rng_for(s->plan->seed, FOR_KERNEL, sn->node->index),
		.on_address = mobile_on_address,
		.on_change = mobile_on_change,
		.on_duplicate = mobile_on_duplicate,
		.ctx = m,
	};
	m->kernel.optimistic = rng_one_in(&m->kernel.rng, 3);
	m->kernel.counts_losses = !rng_one_in(&m->kernel.rng, 3);
	m->kernel.duplicates_ppm = rng_one_in(&m->kernel.rng, 4) ? 200000 : 0;
	for (unsigned i = 0; i < WORLD_INTERFACES; i++) {
		m->kernel.iface[i].up = true;
		m->kernel.iface[i].where = PLAN_NOWHERE;
	}
	sn->mobile = m;
	mobile_start(m);
	mobile_set_due(m);
	return m;
}

void mobile_free(struct mobile *m)
{
	if (m == NULL)
		return;
	link_free(m->link);
	kernel_done(&m->kernel);
	letters_clear(&m->verdicts);
	addrmap_done(&m->local);
	free(m);
}
