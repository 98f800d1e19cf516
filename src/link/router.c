/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The routers of each link: which prefixes they have announced since the carrier came up, whether
 * they are still there, and which one stands for an address (RFC 4861, 6.3; RFC 6275, 11.5.1).
 *
 * A link can change without losing its carrier (a bridge port, a Wi-Fi roam).  So when a router
 * announces itself, the others that addresses depend on are asked whether they are still there.
 */
#include <string.h>

#include "link_internal.h"
#include "link_nd.h"

#define RS_COUNT 3          /* MAX_RTR_SOLICITATIONS (RFC 4861, 10) */
#define RS_INTERVAL_MS 4000 /* RTR_SOLICITATION_INTERVAL */
#define PROBE_COUNT 3       /* MAX_UNICAST_SOLICIT (RFC 4861, 10) */

/* Shorter than RetransTimer: the packets of a node that has moved are lost meanwhile. */
#define PROBE_INTERVAL_MS 300
#define PROBE_QUIET_MS 1000 /* heard from so lately: not asked again */

static const struct in6_addr all_routers = {{{0xff, 2, [15] = 2}}};

/* ---- Routers ------------------------------------------------------------------------------- */

const struct ra_prefix *router_prefix(const struct iface *ifc, const struct in6_addr *addr)
{
	for (unsigned i = 0; i < ifc->n_ra; i++) {
		if (bub_addr_in_prefix(addr, &ifc->ra[i].prefix, ifc->ra[i].len))
			return &ifc->ra[i];
	}
	return NULL;
}

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

static void ra_read(struct ra_prefix *e, const struct bub_icmp6 *ra,
		    const struct bub_prefix_info *p)
{
	e->on_link = p->on_link;
	e->address = p->router_address ? p->prefix : in6addr_any;
	e->has_mac = ra->u.ra.has_source_ll;
	if (e->has_mac)
		memcpy(e->mac, ra->u.ra.source_ll, sizeof(e->mac));
}

/* The newest announcement of a prefix comes to stand behind the older ones, so that with two
 * routers alive the gateway does not flap; when the list is full the oldest goes. */
static void ra_note(struct iface *ifc, const struct in6_addr *router, const struct bub_icmp6 *ra,
		    const struct bub_prefix_info *p, bool alive)
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
			ra_read(e, ra, p);
		return;
	}
	if (!alive)
		return;
	if (ifc->n_ra == RA_PREFIXES_MAX)
		ra_remove(ifc, 0);
	e = &ifc->ra[ifc->n_ra++];
	*e = (struct ra_prefix){
		.prefix = p->prefix,
		.router = *router,
		.len = p->prefix_len,
	};
	ra_read(e, ra, p);
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

		if (r->ifindex != ifc->view.fact.ifindex)
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
	const struct ra_prefix *ra = router_prefix(ifc, addr);
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

/* Asks a router for itself, and tells it our link-layer address on the way (RFC 4861, 7.2.2). */
static void ns_send(struct link *lk, const struct iface *ifc, const struct in6_addr *router)
{
	struct link_out *out = link_put(lk, LINK_ND_SEND);

	out->u.nd.ifindex = ifc->view.fact.ifindex;
	out->u.nd.dst = *router;
	out->u.nd.len = (uint8_t)nd_build(ND_TYPE_NEIGHBOUR_SOLICIT, 0, router, ND_OPTION_SOURCE,
					  ifc->view.fact.mac, out->u.nd.msg);
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

/* ---- Probing ------------------------------------------------------------------------------- */

static struct probe *probe_find(struct iface *ifc, const struct in6_addr *router)
{
	for (unsigned i = 0; i < PROBES_MAX; i++) {
		if (bub_addr_eq(&ifc->probe[i].router, router))
			return &ifc->probe[i];
	}
	return NULL;
}

/* The entry of a router, or the one that has been heard least lately. */
static struct probe *probe_take(struct iface *ifc, const struct in6_addr *router)
{
	struct probe *p = probe_find(ifc, router);

	if (p != NULL)
		return p;
	p = &ifc->probe[0];
	for (unsigned i = 1; i < PROBES_MAX; i++) {
		if (bub_time_before(ifc->probe[i].heard, p->heard))
			p = &ifc->probe[i];
	}
	*p = (struct probe){.router = *router};
	return p;
}

void router_heard(struct link *lk, uint32_t ifindex, const struct in6_addr *router)
{
	struct iface *ifc = lookup_iface(lk, ifindex);
	struct probe *p = ifc != NULL ? probe_find(ifc, router) : NULL;

	if (p == NULL)
		return;
	p->heard = lk->now;
	p->left = 0;
}

static void suspect(struct link *lk, struct iface *ifc, const struct in6_addr *router)
{
	struct probe *p;

	if (!ifc->view.fact.has_mac || !IN6_IS_ADDR_LINKLOCAL(router))
		return;
	p = probe_take(ifc, router);
	if (p->left > 0 ||
	    (p->heard.ns != 0 && bub_time_ms_between(p->heard, lk->now) < PROBE_QUIET_MS))
		return;
	/* The last one's answer is waited for as long as the others'. */
	p->left = PROBE_COUNT + 1;
	p->due = lk->now;
	lk->router_timers = true;
}

/* Another router than @alive that something of ours depends on may have gone. */
static void suspect_others(struct link *lk, struct iface *ifc, const struct in6_addr *alive)
{
	for (unsigned i = 0; i < LINK_ADDRS_MAX; i++) {
		const struct addr *a = &lk->addr[i];

		if (a->fact.ifindex == ifc->view.fact.ifindex && a->reported &&
		    !bub_addr_eq(&a->router, alive))
			suspect(lk, ifc, &a->router);
	}
	for (unsigned i = 0; i < ifc->n_ra; i++) {
		if (!bub_addr_eq(&ifc->ra[i].router, alive))
			suspect(lk, ifc, &ifc->ra[i].router);
	}
}

static void lost(struct link *lk, struct iface *ifc, const struct in6_addr *router)
{
	link_say(lk, LINK_SAY_ROUTER_GONE, ifc->view.fact.ifindex, NULL, router);
	ra_forget(ifc, router);
	ifc->trusted = false;
	movement_router_lost(lk, ifc, router);
}

static void probe_expire(struct link *lk, struct iface *ifc, struct probe *p)
{
	if (p->left == 0 || bub_time_before(lk->now, p->due))
		return;
	p->left--;
	p->due = bub_time_add_ms(lk->now, PROBE_INTERVAL_MS);
	if (p->left > 0) {
		ns_send(lk, ifc, &p->router);
	} else {
		const struct in6_addr router = p->router;

		*p = (struct probe){0};
		lost(lk, ifc, &router);
	}
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

/* ---- Advertisements and time --------------------------------------------------------------- */

void router_on_ra(struct link *lk, uint32_t ifindex, const struct in6_addr *router,
		  const struct bub_icmp6 *ra)
{
	struct iface *ifc = lookup_iface(lk, ifindex);
	struct probe *self;
	bool moved;

	if (ifc == NULL || !ifc->view.ours || !ifc->view.carrier || lk->n_homes == 0)
		return;
	ifc->rs_left = 0;
	self = probe_take(ifc, router);
	self->heard = lk->now;
	self->left = 0;
	self->router_until = (struct bub_time){0};
	if (ra->u.ra.lifetime_s > 0)
		self->router_until = bub_time_add_s(lk->now, ra->u.ra.lifetime_s);
	moved = is_another(ifc, self, ra);
	for (unsigned i = 0; i < ra->n_prefixes; i++) {
		const struct bub_prefix_info *p = &ra->prefix[i];
		bool alive = ra->u.ra.lifetime_s > 0 && p->valid_s > 0;

		if (p->prefix_len > 128 || IN6_IS_ADDR_LINKLOCAL(&p->prefix))
			continue; /* RFC 4862, 5.5.3 b */
		ifc->ra_prefixes_seen = true;
		ra_note(ifc, router, ra, p, alive);
	}
	link_put(lk, LINK_READ_MTU6)->u.iface.ifindex = ifindex;
	suspect_others(lk, ifc, router);
	if (moved)
		movement_router_lost(lk, ifc, router); /* but for what it announces as well */
	else
		movement_evaluate(lk, ifc);
	router_expire(lk);
}

/* The next thing to do on an interface. */
static struct bub_time iface_due(const struct iface *ifc)
{
	struct bub_time t = ifc->rs_left > 0 ? ifc->rs_due : BUB_TIME_NEVER;

	for (unsigned i = 0; i < PROBES_MAX; i++) {
		if (ifc->probe[i].left > 0 && bub_time_before(ifc->probe[i].due, t))
			t = ifc->probe[i].due;
	}
	return t;
}

void router_expire(struct link *lk)
{
	bool timers = false;

	if (!lk->router_timers)
		return;
	for (unsigned i = 0; i < LINK_IFACES_MAX; i++) {
		struct iface *ifc = &lk->iface[i];

		if (ifc->view.fact.ifindex == 0)
			continue;
		if (ifc->rs_left > 0 && !bub_time_before(lk->now, ifc->rs_due))
			rs_send(lk, ifc);
		for (unsigned k = 0; k < PROBES_MAX; k++)
			probe_expire(lk, ifc, &ifc->probe[k]);
		timers |= !bub_time_is_never(iface_due(ifc));
	}
	lk->router_timers = timers;
}

struct bub_time router_deadline(const struct link *lk)
{
	struct bub_time t = BUB_TIME_NEVER;

	for (unsigned i = 0; lk->router_timers && i < LINK_IFACES_MAX; i++) {
		if (lk->iface[i].view.fact.ifindex != 0 &&
		    bub_time_before(iface_due(&lk->iface[i]), t))
			t = iface_due(&lk->iface[i]);
	}
	return t;
}
