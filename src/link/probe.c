/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The question whether a router is still there (RFC 4861, 7.3; RFC 6275, 11.5.1).
 *
 * A link can change without losing its carrier (a bridge port, a Wi-Fi roam).  So a router that
 * addresses depend on is asked when another one announces itself: by a neighbour solicitation for
 * its link-local address, three times.  Two links may have routers that share their link-local and
 * link-layer addresses; no two have routers of one global address.  Where the router has told its
 * own (RFC 6275, 7.2), that is what it is asked for.
 *
 * A router that has not answered the first question within PROBE_PATIENCE_MS is missing: an address
 * of it is no longer preferred to others as good (choice.c).  One that has answered none is gone.
 *
 * Nothing here looks at addresses; what follows from an answer, or from none, is the caller's
 * business.
 */
#include <string.h>

#include "link_internal.h"
#include "link_nd.h"

#define PROBE_COUNT 3 /* MAX_UNICAST_SOLICIT (RFC 4861, 10) */

/* Shorter than RetransTimer: the packets of a node that has moved are lost meanwhile. */
#define PROBE_INTERVAL_MS 300
#define PROBE_QUIET_MS 1000  /* heard from so lately: not asked again */
#define PROBE_PATIENCE_MS 30 /* many times what a neighbour takes to answer */

static struct probe *probe_find(struct iface *ifc, const struct in6_addr *router)
{
	for (unsigned i = 0; i < PROBES_MAX; i++) {
		if (bub_addr_eq(&ifc->probe[i].router, router))
			return &ifc->probe[i];
	}
	return NULL;
}

/* One that is asked stays: it may be gone, and that has to be found out. */
static bool probe_goes_before(const struct probe *p, const struct probe *other)
{
	if ((p->left > 0) != (other->left > 0))
		return other->left > 0;
	return bub_time_before(p->heard, other->heard);
}

struct probe *probe_take(struct iface *ifc, const struct in6_addr *router)
{
	struct probe *p = probe_find(ifc, router);

	if (p != NULL)
		return p;
	p = &ifc->probe[0];
	for (unsigned i = 1; i < PROBES_MAX; i++) {
		if (probe_goes_before(&ifc->probe[i], p))
			p = &ifc->probe[i];
	}
	*p = (struct probe){.router = *router};
	return p;
}

/* ---- Questions ----------------------------------------------------------------------------- */

/* Asks for the router's address, and tells it our link-layer address on the way (RFC 4861, 7.2.2).
 * To a global address a route of the link before might lead: its group is on this link. */
static void probe_solicit(struct link *lk, const struct iface *ifc, const struct in6_addr *target)
{
	struct link_out *out = link_put(lk, LINK_ND_SEND);

	out->u.nd.ifindex = ifc->view.fact.ifindex;
	out->u.nd.dst = IN6_IS_ADDR_LINKLOCAL(target) ? *target : nd_solicited_node(target);
	out->u.nd.len = (uint8_t)nd_build(ND_TYPE_NEIGHBOUR_SOLICIT, 0, target, ND_OPTION_SOURCE,
					  ifc->view.fact.mac, out->u.nd.msg);
}

static bool probe_can_ask(const struct iface *ifc, const struct in6_addr *router)
{
	return ifc->view.fact.has_mac && IN6_IS_ADDR_LINKLOCAL(router);
}

void probe_ask(struct link *lk, struct iface *ifc, const struct in6_addr *router,
	       const struct in6_addr *global, enum probe_when when)
{
	struct probe *p;

	if (!probe_can_ask(ifc, router))
		return;
	p = probe_take(ifc, router);
	if (p->left > 0 || (when == PROBE_IF_QUIET && p->heard.ns != 0 &&
			    bub_time_ms_between(p->heard, lk->now) < PROBE_QUIET_MS))
		return;
	p->target = IN6_IS_ADDR_UNSPECIFIED(global) ? *router : *global;
	p->asked = lk->now;
	p->missing = false;
	p->patience = bub_time_add_ms(lk->now, PROBE_PATIENCE_MS);
	/* The last one's answer is waited for as long as the others'. */
	p->left = PROBE_COUNT + 1;
	p->due = lk->now;
	lk->router_timers = true;
}

bool probe_heard(struct link *lk, struct probe *p)
{
	bool missing = p->missing;

	p->heard = lk->now;
	p->left = 0;
	p->missing = false;
	return missing;
}

struct probe *probe_answered(struct iface *ifc, const struct in6_addr *target, const uint8_t *mac)
{
	for (unsigned i = 0; i < PROBES_MAX; i++) {
		struct probe *p = &ifc->probe[i];

		if (IN6_IS_ADDR_UNSPECIFIED(&p->router) ||
		    !bub_addr_eq(p->left > 0 ? &p->target : &p->router, target))
			continue;
		/* A router of another link may have the same address. */
		if (mac != NULL && p->has_mac && memcmp(mac, p->mac, sizeof(p->mac)) != 0)
			continue;
		return p;
	}
	return NULL;
}

bool probe_is_there(const struct iface *ifc, const struct in6_addr *router)
{
	if (!ifc->view.fact.has_mac)
		return true; /* a link of two ends: the carrier says it all */
	if (!probe_can_ask(ifc, router))
		return false;
	for (unsigned i = 0; i < PROBES_MAX; i++) {
		if (bub_addr_eq(&ifc->probe[i].router, router))
			return !ifc->probe[i].missing;
	}
	return true; /* nothing has made it doubtful */
}

/* ---- Time ---------------------------------------------------------------------------------- */

enum probe_step probe_expire(struct link *lk, const struct iface *ifc, struct probe *p)
{
	bool missing = p->missing;

	if (p->left == 0)
		return PROBE_NOTHING;
	p->missing |= !bub_time_before(lk->now, p->patience);
	if (!bub_time_before(lk->now, p->due)) {
		p->left--;
		p->due = bub_time_add_ms(lk->now, PROBE_INTERVAL_MS);
		if (p->left == 0)
			return PROBE_GONE;
		probe_solicit(lk, ifc, &p->target);
	}
	return p->missing && !missing ? PROBE_MISSING : PROBE_NOTHING;
}

struct bub_time probe_deadline(const struct probe *p)
{
	if (p->left == 0)
		return BUB_TIME_NEVER;
	return !p->missing && bub_time_before(p->patience, p->due) ? p->patience : p->due;
}
