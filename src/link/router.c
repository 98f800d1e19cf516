/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The routers of each link: which prefixes they have announced since the carrier came up, whether
 * they are still there, and which one stands for an address (RFC 4861, 6.3; RFC 6275, 11.5.1).
 *
 * When a router announces itself, the others that addresses depend on are asked whether they are
 * still there (probe.c).  The same router on another link shows by prefixes that it had not
 * announced, without those from before: these are doubtful then, and where it has told a global
 * address of theirs, that is asked for.
 */
#include <string.h>

#include "link_internal.h"
#include "link_nd.h"

#define RS_COUNT 3          /* MAX_RTR_SOLICITATIONS (RFC 4861, 10) */
#define RS_INTERVAL_MS 4000 /* RTR_SOLICITATION_INTERVAL */

static const struct in6_addr all_routers = {{{0xff, 2, [15] = 2}}};

/* ---- Routers ------------------------------------------------------------------------------- */

static void ra_remove(struct iface *ifc, unsigned index)
{
	ifc->n_ra--;
	memmove(&ifc->ra[index], &ifc->ra[index + 1], (ifc->n_ra - index) * sizeof(ifc->ra[0]));
}

static void ra_forget(struct iface *ifc, const struct in6_addr *router)
{
	for (unsigned i = ifc->n_ra; i-- > 0;) {
		if (bub_addr_eq(&ifc->ra[i].router, router))
			ra_remove(ifc, i);
	}
}

static void ra_read(struct ra_prefix *e, struct bub_time now, const struct bub_icmp6 *ra,
		    const struct bub_prefix_info *p)
{
	e->heard = now;
	e->doubtful = false;
	e->on_link = p->on_link;
	e->address = p->router_address ? p->prefix : in6addr_any;
	e->has_mac = ra->u.ra.has_source_ll;
	if (e->has_mac)
		memcpy(e->mac, ra->u.ra.source_ll, sizeof(e->mac));
}

/* The newest announcement of a prefix comes to stand behind the older ones, so that with two
 * routers alive the gateway does not flap; when the list is full the oldest goes.  True: the router
 * had not announced it before. */
static bool ra_note(struct iface *ifc, const struct in6_addr *router, struct bub_time now,
		    const struct bub_icmp6 *ra, const struct bub_prefix_info *p, bool alive)
{
	struct ra_prefix *e;

	for (unsigned i = 0; i < ifc->n_ra; i++) {
		e = &ifc->ra[i];
		if (e->len != p->prefix_len || !bub_addr_eq(&e->router, router) ||
		    !bub_addr_in_prefix(&p->prefix, &e->prefix, e->len))
			continue;
		if (!alive)
			ra_remove(ifc, i);
		else
			ra_read(e, now, ra, p);
		return false;
	}
	if (!alive)
		return false;
	if (ifc->n_ra == RA_PREFIXES_MAX)
		ra_remove(ifc, 0);
	e = &ifc->ra[ifc->n_ra++];
	*e = (struct ra_prefix){
		.prefix = p->prefix,
		.router = *router,
		.len = p->prefix_len,
	};
	ra_read(e, now, ra, p);
	return true;
}

/* The router announces something new: what it had announced and leaves out now is doubtful. */
static void ra_doubt(struct iface *ifc, const struct in6_addr *router, struct bub_time now)
{
	for (unsigned i = 0; i < ifc->n_ra; i++) {
		struct ra_prefix *e = &ifc->ra[i];

		if (bub_addr_eq(&e->router, router) && bub_time_before(e->heard, now))
			e->doubtful = true;
	}
}

/* True: something was doubtful. */
static bool ra_trust(struct iface *ifc, const struct in6_addr *router)
{
	bool doubtful = false;

	for (unsigned i = 0; i < ifc->n_ra; i++) {
		if (!bub_addr_eq(&ifc->ra[i].router, router))
			continue;
		doubtful |= ifc->ra[i].doubtful;
		ifc->ra[i].doubtful = false;
	}
	return doubtful;
}

/* A default route on the interface that a person or a program set; at start also one that the
 * kernel learned before anybody listened, if there is only one. */
static const struct link_default_route *default_route_of(const struct link *lk,
							 const struct iface *ifc)
{
	const struct link_default_route *learned = NULL;
	unsigned n_learned = 0;

	for (unsigned i = 0; i < LINK_DEFAULT_ROUTES_MAX; i++) {
		const struct link_default_route *r = &lk->route[i].fact;

		if (r->ifindex != ifc->view.fact.ifindex || r->ipv4)
			continue;
		/* On a link with neighbours a route without a gateway leads nowhere. */
		if (ifc->view.fact.has_mac && IN6_IS_ADDR_UNSPECIFIED(&r->gateway))
			continue;
		if (!r->from_ra)
			return r;
		n_learned++;
		learned = r;
	}
	return ifc->trusted && n_learned == 1 ? learned : NULL;
}

bool router_for(const struct link *lk, const struct iface *ifc, const struct in6_addr *addr,
		struct in6_addr *ret_router)
{
	const struct ra_prefix *ra = lookup_prefix(ifc, addr);
	const struct link_default_route *r;

	if (ra != NULL) {
		*ret_router = ra->router;
		return true;
	}
	r = default_route_of(lk, ifc);
	if (r == NULL)
		return false;
	*ret_router = r->gateway;
	return true;
}

bool router_default(const struct link *lk, const struct iface *ifc, struct in6_addr *ret_router)
{
	for (unsigned i = 0; i < PROBES_MAX; i++) {
		const struct probe *p = &ifc->probe[i];

		if (!IN6_IS_ADDR_UNSPECIFIED(&p->router) &&
		    bub_time_before(lk->now, p->router_until)) {
			*ret_router = p->router;
			return true;
		}
	}
	return false;
}

bool link_router_for(const struct link *lk, uint32_t ifindex, const struct in6_addr *addr,
		     struct in6_addr *ret_router)
{
	const struct iface *ifc = lookup_iface_seen(lk, ifindex);

	return ifc != NULL && router_for(lk, ifc, addr, ret_router);
}

bool link_router_mac(const struct link *lk, uint32_t ifindex, const struct in6_addr *addr,
		     uint8_t ret_mac[6])
{
	const struct iface *ifc = lookup_iface_seen(lk, ifindex);

	for (unsigned i = 0; ifc != NULL && i < ifc->n_ra; i++) {
		if (!bub_addr_eq(&ifc->ra[i].address, addr))
			continue;
		if (ifc->ra[i].has_mac)
			memcpy(ret_mac, ifc->ra[i].mac, sizeof(ifc->ra[i].mac));
		return ifc->ra[i].has_mac;
	}
	return false;
}

/* ---- Solicitation -------------------------------------------------------------------------- */

static void rs_send(struct link *lk, struct iface *ifc)
{
	const struct link_iface_fact *f = &ifc->view.fact;
	struct link_out *out = link_put(lk, LINK_ND_SEND);

	out->u.nd.ifindex = f->ifindex;
	out->u.nd.dst = all_routers;
	/* No address that is not tentative: from ::, and then without the option (RFC 4861, 4.1).
	 */
	out->u.nd.or_unspecified = true;
	out->u.nd.len = (uint8_t)nd_build(ND_TYPE_ROUTER_SOLICIT, 0, NULL, ND_OPTION_SOURCE,
					  f->has_mac ? f->mac : NULL, out->u.nd.msg);
	ifc->rs_left--;
	ifc->rs_due = bub_time_add_ms(lk->now, RS_INTERVAL_MS);
}

/* The kernel solicits routers only when it sets the interface up, not at each new carrier; a host
 * that has moved need not delay the first one (RFC 4861, 6.3.7). */
void router_solicit(struct link *lk, struct iface *ifc)
{
	ifc->rs_left = RS_COUNT;
	ifc->rs_due = lk->now;
	lk->router_timers = true;
	if (lk->started)
		rs_send(lk, ifc);
}

void router_forget(struct iface *ifc)
{
	ifc->n_ra = 0;
	ifc->ra_prefixes_seen = false;
	ifc->rs_left = 0;
	memset(ifc->probe, 0, sizeof(ifc->probe));
}

/* ---- Questions ----------------------------------------------------------------------------- */

static void ask_global(struct link *lk, struct iface *ifc, const struct ra_prefix *e,
		       enum probe_when when)
{
	probe_ask(lk, ifc, &e->router, &e->address, when);
}

void router_ask(struct link *lk, struct iface *ifc, const struct addr *a, enum probe_when when)
{
	const struct ra_prefix *e = lookup_prefix(ifc, &a->fact.addr);
	bool tells = e != NULL && bub_addr_eq(&e->router, &a->router);

	if (ipv4_is(a)) /* neighbour discovery has no word for it */
		return;
	probe_ask(lk, ifc, &a->router, tells ? &e->address : &in6addr_any, when);
}

/* Another router than @alive that something of ours depends on may have gone. */
static void suspect_others(struct link *lk, struct iface *ifc, const struct in6_addr *alive,
			   enum probe_when when)
{
	for (unsigned i = 0; i < lk->addrs_end; i++) {
		const struct addr *a = &lk->addr[i];

		if (a->fact.ifindex == ifc->view.fact.ifindex && a->reported &&
		    !bub_addr_eq(&a->router, alive))
			router_ask(lk, ifc, a, when);
	}
	for (unsigned i = 0; i < ifc->n_ra; i++) {
		if (!bub_addr_eq(&ifc->ra[i].router, alive))
			ask_global(lk, ifc, &ifc->ra[i], when);
	}
}

/* Where a router's own announcement leaves out what an address stands on. */
static void suspect_itself(struct link *lk, struct iface *ifc)
{
	for (unsigned i = 0; i < ifc->n_ra; i++) {
		const struct ra_prefix *e = &ifc->ra[i];

		if (e->doubtful && !IN6_IS_ADDR_UNSPECIFIED(&e->address))
			ask_global(lk, ifc, e, PROBE_NOW);
	}
}

/* The router itself speaks, but is not the one that had @target: another link's. */
static void forget_its_past(struct iface *ifc, struct probe *p)
{
	for (unsigned i = ifc->n_ra; i-- > 0;) {
		const struct ra_prefix *e = &ifc->ra[i];

		if (bub_addr_eq(&e->router, &p->router) &&
		    (e->doubtful || bub_addr_eq(&e->address, &p->target)))
			ra_remove(ifc, i);
	}
	p->missing = false;
}

static void router_lost(struct link *lk, struct iface *ifc, struct probe *p)
{
	const struct in6_addr router = p->router, target = p->target;

	if (bub_time_before(p->heard, p->asked)) {
		ra_forget(ifc, &router);
		*p = (struct probe){0};
	} else {
		forget_its_past(ifc, p);
	}
	link_say(lk, LINK_SAY_ROUTER_GONE, ifc->view.fact.ifindex, NULL, &target);
	ifc->trusted = false;
	movement_router_lost(lk, ifc, &router);
	movement_rank(lk);
}

void router_on_na(struct link *lk, uint32_t ifindex, const struct in6_addr *target,
		  const uint8_t *mac)
{
	struct iface *ifc = lookup_iface(lk, ifindex);
	struct probe *p = ifc != NULL ? probe_answered(ifc, target, mac) : NULL;
	bool changed;

	if (p == NULL)
		return;
	changed = probe_heard(lk, p);
	changed |= ra_trust(ifc, &p->router);
	if (changed)
		movement_rank(lk);
}

/* Many networks have a router at fe80::1.  One that has another link-layer address is another
 * router: then this is another link, and nothing that stood on the one before counts. */
static bool is_another(struct iface *ifc, struct probe *p, const struct bub_icmp6 *ra)
{
	const uint8_t *mac = ra->u.ra.source_ll;
	bool another =
		p->has_mac && ra->u.ra.has_source_ll && memcmp(p->mac, mac, sizeof(p->mac)) != 0;

	if (ra->u.ra.has_source_ll)
		memcpy(p->mac, mac, sizeof(p->mac));
	p->has_mac |= ra->u.ra.has_source_ll;
	if (!another)
		return false;
	ra_forget(ifc, &p->router);
	ifc->trusted = false;
	ifc->epoch++;
	return true;
}

/* What was found at the start counts until a router says which prefixes its link has. */
static bool ends_trust(struct iface *ifc, const struct bub_icmp6 *ra)
{
	if (!ifc->trusted || ra->n_prefixes == 0)
		return false;
	ifc->trusted = false;
	return true;
}

/* ---- Advertisements and time --------------------------------------------------------------- */

/* It speaks.  Whether it is the one that had a certain address shows by that address only. */
static struct probe *self_heard(struct link *lk, struct iface *ifc, const struct in6_addr *router,
				const struct bub_icmp6 *ra)
{
	struct probe *self = probe_take(ifc, router);
	bool answers = self->left == 0 || bub_addr_eq(&self->target, router);

	for (unsigned i = 0; i < ra->n_prefixes; i++)
		answers |= ra->prefix[i].router_address &&
			   bub_addr_eq(&ra->prefix[i].prefix, &self->target);
	if (answers)
		(void)probe_heard(lk, self);
	self->heard = lk->now;
	self->router_until = (struct bub_time){0};
	if (ra->u.ra.lifetime_s > 0)
		self->router_until = bub_time_add_s(lk->now, ra->u.ra.lifetime_s);
	return self;
}

/* True: it announces something new. */
static bool note_prefixes(struct link *lk, struct iface *ifc, const struct in6_addr *router,
			  const struct bub_icmp6 *ra)
{
	bool fresh = false;

	for (unsigned i = 0; i < ra->n_prefixes; i++) {
		const struct bub_prefix_info *p = &ra->prefix[i];
		bool alive = ra->u.ra.lifetime_s > 0 && p->valid_s > 0;

		if (p->prefix_len > 128 || IN6_IS_ADDR_LINKLOCAL(&p->prefix))
			continue; /* RFC 4862, 5.5.3 b */
		ifc->ra_prefixes_seen = true;
		fresh |= ra_note(ifc, router, lk->now, ra, p, alive);
	}
	if (fresh)
		ra_doubt(ifc, router, lk->now);
	return fresh;
}

void router_on_ra(struct link *lk, uint32_t ifindex, const struct in6_addr *router,
		  const struct bub_icmp6 *ra)
{
	struct iface *ifc = lookup_iface(lk, ifindex);
	bool moved, fresh;

	if (ifc == NULL || !ifc->view.roams || !ifc->view.carrier || lk->n_homes == 0)
		return;
	ifc->rs_left = 0;
	moved = is_another(ifc, self_heard(lk, ifc, router, ra), ra);
	moved |= ends_trust(ifc, ra);
	moved |= movement_doubt(lk, ifc, router); /* its answers to probes say less: fe80::1 */
	fresh = note_prefixes(lk, ifc, router, ra);
	link_put(lk, LINK_READ_MTU6)->u.iface.ifindex = ifindex;
	suspect_others(lk, ifc, router, fresh ? PROBE_NOW : PROBE_IF_QUIET);
	suspect_itself(lk, ifc);
	/* One that is a router no more has said so itself (RFC 4861, 6.2.5). */
	if (moved || ra->u.ra.lifetime_s == 0)
		movement_router_lost(lk, ifc, router); /* but for what it announces as well */
	else
		movement_evaluate(lk, ifc);
	movement_rank(lk);
	router_expire(lk);
}

/* The next thing to do on an interface. */
static struct bub_time iface_due(const struct iface *ifc)
{
	struct bub_time t = ifc->rs_left > 0 ? ifc->rs_due : BUB_TIME_NEVER;

	for (unsigned i = 0; i < PROBES_MAX; i++) {
		if (bub_time_before(probe_deadline(&ifc->probe[i]), t))
			t = probe_deadline(&ifc->probe[i]);
	}
	return t;
}

static void router_step(struct link *lk, struct iface *ifc, struct probe *p)
{
	switch (probe_expire(lk, ifc, p)) {
	case PROBE_NOTHING:
		break;
	case PROBE_MISSING:
		movement_rank(lk);
		break;
	case PROBE_GONE:
		router_lost(lk, ifc, p);
		break;
	}
}

void router_expire(struct link *lk)
{
	bool timers = false;

	if (!lk->router_timers)
		return;
	for (unsigned i = 0; i < lk->ifaces_end; i++) {
		struct iface *ifc = &lk->iface[i];

		if (ifc->view.fact.ifindex == 0)
			continue;
		if (ifc->rs_left > 0 && !bub_time_before(lk->now, ifc->rs_due))
			rs_send(lk, ifc);
		for (unsigned k = 0; k < PROBES_MAX; k++)
			router_step(lk, ifc, &ifc->probe[k]);
		timers |= !bub_time_is_never(iface_due(ifc));
	}
	lk->router_timers = timers;
}

struct bub_time router_deadline(const struct link *lk)
{
	struct bub_time t = BUB_TIME_NEVER;

	for (unsigned i = 0; lk->router_timers && i < lk->ifaces_end; i++) {
		if (lk->iface[i].view.fact.ifindex != 0 &&
		    bub_time_before(iface_due(&lk->iface[i]), t))
			t = iface_due(&lk->iface[i]);
	}
	return t;
}
