/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The routers of each link: which prefixes they have announced since the carrier came up, whether
 * they are still there, and which one stands for an address (RFC 4861, 6.3; RFC 6275, 11.5.1).
 *
 * A link can change without losing its carrier (a bridge port, a Wi-Fi roam).  So when a router
 * announces itself, the others that addresses depend on are asked whether they are still there.
 */
#include <linux/rtnetlink.h>
#include <string.h>

#include "internal.h"

#define RS_COUNT 3          /* MAX_RTR_SOLICITATIONS (RFC 4861, 10) */
#define RS_INTERVAL_MS 4000 /* RTR_SOLICITATION_INTERVAL */
#define PROBE_COUNT 3       /* MAX_UNICAST_SOLICIT (RFC 4861, 10) */

/* Shorter than RetransTimer: the packets of a node that has moved are lost meanwhile. */
#define PROBE_INTERVAL_MS 300
#define PROBE_QUIET_MS 1000 /* heard from so lately: not asked again */

/* ---- Routers ------------------------------------------------------------------------------- */

const struct lnx_ra_prefix *router_prefix(const struct lnx_iface *ifc, const struct in6_addr *addr)
{
	for (unsigned i = 0; i < ifc->n_ra; i++) {
		if (bub_addr_in_prefix(addr, &ifc->ra[i].prefix, ifc->ra[i].len))
			return &ifc->ra[i];
	}
	return NULL;
}

static void ra_remove(struct lnx_iface *ifc, unsigned index)
{
	ifc->n_ra--;
	memmove(&ifc->ra[index], &ifc->ra[index + 1], (ifc->n_ra - index) * sizeof(ifc->ra[0]));
}

static void ra_read(struct lnx_ra_prefix *e, const struct bub_icmp6 *ra,
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
static void ra_note(struct lnx_iface *ifc, const struct in6_addr *router,
		    const struct bub_icmp6 *ra, const struct bub_prefix_info *p, bool alive)
{
	struct lnx_ra_prefix *e;

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
	if (ifc->n_ra == LNX_RA_PREFIXES_MAX)
		ra_remove(ifc, 0);
	e = &ifc->ra[ifc->n_ra++];
	*e = (struct lnx_ra_prefix){
		.prefix = p->prefix,
		.router = *router,
		.len = p->prefix_len,
	};
	ra_read(e, ra, p);
}

/* A default route on the interface that a person or a program set; at start also one that the
 * kernel learned before anybody listened, if there is only one. */
static const struct lnx_default_route *defroute_of(const struct lnx *l, const struct lnx_iface *ifc)
{
	const struct lnx_default_route *learned = NULL;
	unsigned n_learned = 0;

	for (unsigned i = 0; i < LNX_DEFAULT_ROUTES_MAX; i++) {
		const struct lnx_default_route *d = &l->defroute[i];

		if (d->ifindex != ifc->ifindex)
			continue;
		/* On a link with neighbours a route without a gateway leads nowhere. */
		if (ifc->has_mac && IN6_IS_ADDR_UNSPECIFIED(&d->gateway))
			continue;
		if (d->protocol != RTPROT_RA)
			return d;
		n_learned++;
		learned = d;
	}
	return ifc->trusted && n_learned == 1 ? learned : NULL;
}

bool router_for(struct lnx *l, struct lnx_iface *ifc, const struct in6_addr *addr,
		struct in6_addr *ret_router)
{
	const struct lnx_ra_prefix *ra = router_prefix(ifc, addr);
	const struct lnx_default_route *d;

	if (ra != NULL) {
		*ret_router = ra->router;
		return true;
	}
	d = defroute_of(l, ifc);
	if (d == NULL)
		return false;
	*ret_router = d->gateway;
	return true;
}

/* ---- Solicitation -------------------------------------------------------------------------- */

static void rs_send(struct lnx *l, struct lnx_iface *ifc, struct bub_time now)
{
	nd_send_rs(l, ifc);
	ifc->rs_left--;
	ifc->rs_due = bub_time_add_ms(now, RS_INTERVAL_MS);
}

/* The kernel solicits routers only when it sets the interface up, not at each new carrier; a host
 * that has moved need not delay the first one (RFC 4861, 6.3.7). */
void router_solicit(struct lnx *l, struct lnx_iface *ifc)
{
	ifc->rs_left = RS_COUNT;
	ifc->rs_due = lnx_now();
	l->router_timers = true;
	if (l->scanned)
		rs_send(l, ifc, ifc->rs_due);
}

void router_forget(struct lnx_iface *ifc)
{
	ifc->n_ra = 0;
	ifc->ra_prefixes_seen = false;
	ifc->rs_left = 0;
	memset(ifc->probe, 0, sizeof(ifc->probe));
}

/* ---- Probing ------------------------------------------------------------------------------- */

static struct lnx_probe *probe_find(struct lnx_iface *ifc, const struct in6_addr *router)
{
	for (unsigned i = 0; i < LNX_PROBES_MAX; i++) {
		if (bub_addr_eq(&ifc->probe[i].router, router))
			return &ifc->probe[i];
	}
	return NULL;
}

/* The entry of a router, or the one that has been heard least lately. */
static struct lnx_probe *probe_take(struct lnx_iface *ifc, const struct in6_addr *router)
{
	struct lnx_probe *p = probe_find(ifc, router);

	if (p != NULL)
		return p;
	p = &ifc->probe[0];
	for (unsigned i = 1; i < LNX_PROBES_MAX; i++) {
		if (bub_time_before(ifc->probe[i].heard, p->heard))
			p = &ifc->probe[i];
	}
	*p = (struct lnx_probe){.router = *router};
	return p;
}

void router_heard(struct lnx *l, uint32_t ifindex, const struct in6_addr *router)
{
	struct lnx_iface *ifc = iface_find(l, ifindex);
	struct lnx_probe *p = ifc != NULL ? probe_find(ifc, router) : NULL;

	if (p == NULL)
		return;
	p->heard = lnx_now();
	p->left = 0;
}

static void suspect(struct lnx *l, struct lnx_iface *ifc, const struct in6_addr *router,
		    struct bub_time now)
{
	struct lnx_probe *p;

	if (!ifc->has_mac || !IN6_IS_ADDR_LINKLOCAL(router))
		return;
	p = probe_take(ifc, router);
	if (p->left > 0 ||
	    (p->heard.ns != 0 && bub_time_ms_between(p->heard, now) < PROBE_QUIET_MS))
		return;
	/* The last one's answer is waited for as long as the others'. */
	p->left = PROBE_COUNT + 1;
	p->due = now;
	l->router_timers = true;
}

/* Another router than @alive that something of ours depends on may have gone. */
static void suspect_others(struct lnx *l, struct lnx_iface *ifc, const struct in6_addr *alive,
			   struct bub_time now)
{
	for (unsigned i = 0; i < LNX_ADDRS_MAX; i++) {
		const struct lnx_addr *a = &l->addr[i];

		if (a->ifindex == ifc->ifindex && a->reported && !bub_addr_eq(&a->gateway, alive))
			suspect(l, ifc, &a->gateway, now);
	}
	for (unsigned i = 0; i < ifc->n_ra; i++) {
		if (!bub_addr_eq(&ifc->ra[i].router, alive))
			suspect(l, ifc, &ifc->ra[i].router, now);
	}
}

static void lost(struct lnx *l, struct lnx_iface *ifc, const struct in6_addr *router)
{
	lnx_log(l, LNX_LOG_INFO, "the router %s on %s is gone", lnx_ntop(router), ifc->name);
	for (unsigned i = ifc->n_ra; i-- > 0;) {
		if (bub_addr_eq(&ifc->ra[i].router, router))
			ra_remove(ifc, i);
	}
	ifc->trusted = false;
	movement_router_lost(l, ifc, router);
}

static void probe_expire(struct lnx *l, struct lnx_iface *ifc, struct lnx_probe *p,
			 struct bub_time now)
{
	if (p->left == 0 || bub_time_before(now, p->due))
		return;
	p->left--;
	p->due = bub_time_add_ms(now, PROBE_INTERVAL_MS);
	if (p->left > 0) {
		nd_send_ns(l, ifc, NULL, &p->router);
	} else {
		const struct in6_addr router = p->router;

		*p = (struct lnx_probe){0};
		lost(l, ifc, &router);
	}
}

/* ---- Advertisements and time --------------------------------------------------------------- */

void router_on_ra(struct lnx *l, uint32_t ifindex, const struct in6_addr *router,
		  const struct bub_icmp6 *ra)
{
	struct lnx_iface *ifc = iface_find(l, ifindex);
	struct bub_time now = lnx_now();
	struct lnx_probe *self;

	if (ifc == NULL || !ifc->ours || !ifc->carrier || l->cfg.n_homes == 0)
		return;
	ifc->rs_left = 0;
	self = probe_take(ifc, router);
	self->heard = now;
	self->left = 0;
	for (unsigned i = 0; i < ra->n_prefixes; i++) {
		const struct bub_prefix_info *p = &ra->prefix[i];
		bool alive = ra->u.ra.lifetime_s > 0 && p->valid_s > 0;

		if (p->prefix_len > 128 || IN6_IS_ADDR_LINKLOCAL(&p->prefix))
			continue; /* RFC 4862, 5.5.3 b */
		ifc->ra_prefixes_seen = true;
		ra_note(ifc, router, ra, p, alive);
	}
	iface_read_mtu6(l, ifc);
	suspect_others(l, ifc, router, now);
	movement_evaluate(l, ifc);
	router_expire(l, now);
}

/* The next thing to do on an interface. */
static struct bub_time iface_due(const struct lnx_iface *ifc)
{
	struct bub_time t = ifc->rs_left > 0 ? ifc->rs_due : BUB_TIME_NEVER;

	for (unsigned i = 0; i < LNX_PROBES_MAX; i++) {
		if (ifc->probe[i].left > 0 && bub_time_before(ifc->probe[i].due, t))
			t = ifc->probe[i].due;
	}
	return t;
}

void router_expire(struct lnx *l, struct bub_time now)
{
	bool timers = false;

	if (!l->router_timers)
		return;
	for (unsigned i = 0; i < LNX_IFACES_MAX; i++) {
		struct lnx_iface *ifc = &l->iface[i];

		if (ifc->ifindex == 0)
			continue;
		if (ifc->rs_left > 0 && !bub_time_before(now, ifc->rs_due))
			rs_send(l, ifc, now);
		for (unsigned k = 0; k < LNX_PROBES_MAX; k++)
			probe_expire(l, ifc, &ifc->probe[k], now);
		timers |= !bub_time_is_never(iface_due(ifc));
	}
	l->router_timers = timers;
}

struct bub_time router_deadline(const struct lnx *l)
{
	struct bub_time t = BUB_TIME_NEVER;

	for (unsigned i = 0; l->router_timers && i < LNX_IFACES_MAX; i++) {
		if (l->iface[i].ifindex != 0 && bub_time_before(iface_due(&l->iface[i]), t))
			t = iface_due(&l->iface[i]);
	}
	return t;
}
