/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Oracles of the link layer.
 *
 *   usable      what is told as usable is an address that the kernel has told, not tentative, on an
 *               interface with a carrier, over a router that has announced itself there; its route
 *               and its rule stand, and its signalling is let in
 *   routes      routing tables and rules are those of care-of addresses, one each, and nothing is
 *               left of those that have gone; no rule leads around a prefix that is in use
 *   link        some time after the last trouble: what is told works, and what works is told
 *   flapping    no change of the care-of address when nothing has happened for so long
 *   verdict     a verdict that comes twice changes nothing the second time
 *   busy        time-outs do not come again and again at one instant
 */
#include <string.h>

#include "base/addr.h"
#include "base/octets.h"
#include "linkoracle.h"

#define BUSY_MAX 200
#define OPTION_SOURCE 1
#define OPTION_PREFIX 3
#define RA_FIXED 16

static const char *linkoracle_name_of(const struct mobile *m)
{
	return m->sn->plan->name;
}

/* ---- What it was told ---------------------------------------------------------------------- */

static struct link_addr_fact *linkoracle_find_addr(struct mobile *m, const struct in6_addr *addr)
{
	for (unsigned i = 0; i < WORLD_INTERFACES; i++)
		for (unsigned k = 0; k < 2 * KERNEL_ADDRS_MAX; k++) {
			struct link_addr_fact *a = &m->view[i].addr[k];

			if (a->ifindex != 0 && bub_addr_eq(&a->addr, addr))
				return a;
		}
	return NULL;
}

static void linkoracle_on_addr(struct mobile *m, const struct link_addr_fact *fact, bool there)
{
	struct mobile_view *v = &m->view[fact->ifindex - 1];
	struct link_addr_fact *a = linkoracle_find_addr(m, &fact->addr);

	for (unsigned i = 0; a == NULL && i < 2 * KERNEL_ADDRS_MAX; i++)
		if (v->addr[i].ifindex == 0)
			a = &v->addr[i];
	if (a == NULL)
		return;
	*a = *fact;
	v->seen[a - v->addr] = true;
	if (!there)
		a->ifindex = 0;
}

static struct mobile_router *linkoracle_router_of(struct mobile_view *v,
						  const struct in6_addr *address)
{
	for (unsigned i = 0; i < v->n_routers; i++)
		if (bub_addr_eq(&v->router[i].address, address))
			return &v->router[i];
	return NULL;
}

static void linkoracle_on_prefix(struct mobile_router *r, const uint8_t *option, bool alive)
{
	struct in6_addr whole = addr_at(option + 16), prefix = addr_prefix(&whole, 64);
	unsigned at = 0;

	while (at < r->n_prefixes && !bub_addr_eq(&r->prefix[at], &prefix))
		at++;
	alive = alive && be32(option + 4) > 0;
	if (alive && at == r->n_prefixes && at < sizeof r->prefix / sizeof r->prefix[0])
		r->prefix[r->n_prefixes++] = prefix;
	else if (!alive && at < r->n_prefixes)
		r->prefix[at] = r->prefix[--r->n_prefixes];
}

static void linkoracle_on_mac(struct mobile_router *r, const uint8_t *mac)
{
	if (r->has_mac && memcmp(r->mac, mac, sizeof r->mac) != 0)
		r->n_prefixes = 0; /* another router, on another link */
	r->has_mac = true;
	memcpy(r->mac, mac, sizeof r->mac);
}

static void linkoracle_on_advert(struct mobile *m, const struct link_fact *fact)
{
	struct mobile_view *v = &m->view[fact->u.nd.ifindex - 1];
	const uint8_t *msg = fact->u.nd.msg.data;
	struct mobile_router *r = linkoracle_router_of(v, &fact->u.nd.src);
	size_t len = fact->u.nd.msg.len;

	if (!v->running)
		return;
	if (r == NULL) {
		if (v->n_routers == MOBILE_ROUTERS_MAX)
			memmove(v->router, v->router + 1, --v->n_routers * sizeof v->router[0]);
		r = &v->router[v->n_routers++];
		*r = (struct mobile_router){.address = fact->u.nd.src};
	}
	for (unsigned pass = 0; pass < 2; pass++) /* who it is, then what it says */
		for (size_t at = RA_FIXED; at + 8 <= len; at += 8 * (size_t)msg[at + 1]) {
			if (pass == 0 && msg[at] == OPTION_SOURCE)
				linkoracle_on_mac(r, msg + at + 2);
			if (pass == 1 && msg[at] == OPTION_PREFIX)
				linkoracle_on_prefix(r, msg + at, be16(msg + 6) > 0);
		}
}

static void linkoracle_on_iface(struct mobile *m, const struct link_iface_fact *fact)
{
	struct mobile_view *v = &m->view[fact->ifindex - 1];

	bool lost = v->running && fact->carrier_losses != v->losses;

	v->losses = fact->carrier_losses;
	v->running = fact->up && (fact->running || fact->lower_up);
	if (v->running && !lost)
		return;
	v->n_routers = 0;
	v->trusted = false;
}

void linkoracle_fact(struct mobile *m, const struct link_fact *fact)
{
	switch ((unsigned)fact->type) {
	case LINK_FACT_IFACE:
		linkoracle_on_iface(m, &fact->u.iface);
		return;
	case LINK_FACT_ADDR:
	case LINK_FACT_ADDR_GONE:
		linkoracle_on_addr(m, &fact->u.addr, fact->type == LINK_FACT_ADDR);
		return;
	case LINK_FACT_ND:
		if (fact->u.nd.msg.data[0] == 134)
			linkoracle_on_advert(m, fact);
		return;
	case LINK_FACT_DUMP: /* what is not told again is gone at its end */
		for (unsigned i = 0; i < WORLD_INTERFACES; i++)
			memset(m->view[i].seen, 0, sizeof m->view[i].seen);
		return;
	case LINK_FACT_DUMP_END:
		for (unsigned i = 0; i < WORLD_INTERFACES; i++)
			for (unsigned k = 0; k < 2 * KERNEL_ADDRS_MAX; k++)
				if (!m->view[i].seen[k])
					m->view[i].addr[k].ifindex = 0;
		return;
	default:
		return;
	}
}

void linkoracle_restarted(struct mobile *m)
{
	memset(m->view, 0, sizeof m->view);
	memset(m->holder, 0, sizeof m->holder);
	for (unsigned i = 0; i < WORLD_INTERFACES; i++)
		m->view[i].trusted = true;
}

/* ---- Routes and rules ----------------------------------------------------------------------- */

static bool linkoracle_is_care_of_table(uint32_t table)
{
	return table >= MOBILE_TABLE && table < MOBILE_TABLE + LINK_CARE_OFS_MAX;
}

void linkoracle_operation(struct mobile *m, const struct link_out *out)
{
	const struct link_rule *r = &out->u.rule;
	struct in6_addr *holder;

	if ((out->type != LINK_RULE_ADD && out->type != LINK_RULE_DEL) ||
	    r->priority != MOBILE_RULE || !linkoracle_is_care_of_table(r->table))
		return;
	holder = &m->holder[r->table - MOBILE_TABLE];
	if (out->type == LINK_RULE_ADD && !IN6_IS_ADDR_UNSPECIFIED(holder) &&
	    !bub_addr_eq(holder, &r->from))
		sim_fail(m->s, "routes", "%s: two care-of addresses share table %u",
			 linkoracle_name_of(m), r->table);
	*holder = out->type == LINK_RULE_ADD ? r->from : in6addr_any;
}

/* The address has a table by right: the kernel has it, and its interface has a carrier. */
static bool linkoracle_may_have_table(struct mobile *m, const struct in6_addr *addr)
{
	const struct link_addr_fact *a = linkoracle_find_addr(m, addr);

	return a != NULL && m->view[a->ifindex - 1].running;
}

static void linkoracle_check_tables(struct mobile *m)
{
	char a[INET6_ADDRSTRLEN];

	for (unsigned i = 0; i < LINK_CARE_OFS_MAX; i++)
		if (!IN6_IS_ADDR_UNSPECIFIED(&m->holder[i]) &&
		    !linkoracle_may_have_table(m, &m->holder[i]))
			sim_fail(m->s, "routes", "%s keeps a rule for %s, which has gone",
				 linkoracle_name_of(m), sim_text(&m->holder[i], a));
	for (unsigned i = 0; i < m->fib.n_routes; i++) {
		const struct link_route *r = &m->fib.route[i];

		if (!linkoracle_is_care_of_table(r->table) ||
		    IN6_IS_ADDR_UNSPECIFIED(&m->holder[r->table - MOBILE_TABLE]))
			sim_fail(m->s, "routes", "%s leaves a route to %s in table %u, nobody's",
				 linkoracle_name_of(m), sim_text(&r->dst, a), r->table);
	}
}

static void linkoracle_check_stale(struct mobile *m, const struct link_rule *r)
{
	char a[INET6_ADDRSTRLEN];
	bool covers = false;

	for (unsigned i = 0; i < MOBILE_USABLE_MAX; i++) {
		const struct in6_addr *usable = &m->usable[i].addr;
		const struct link_addr_fact *known;

		if (m->usable[i].ifindex == 0)
			continue;
		known = linkoracle_find_addr(m, usable);
		if (known != NULL && known->prefix_len == r->to_len &&
		    addr_in_prefix(usable, &r->to, r->to_len))
			sim_fail(m->s, "routes", "%s leads around the prefix of %s, in use",
				 linkoracle_name_of(m), sim_text(usable, a));
	}
	for (unsigned i = 0; i < WORLD_INTERFACES; i++)
		for (unsigned k = 0; k < 2 * KERNEL_ADDRS_MAX; k++)
			covers |= m->view[i].addr[k].ifindex != 0 &&
				  addr_in_prefix(&m->view[i].addr[k].addr, &r->to, r->to_len);
	if (!covers)
		sim_fail(m->s, "routes", "%s leads around %s, of which it has no address",
			 linkoracle_name_of(m), sim_text(&r->to, a));
}

/* Its route and its rule, and what comes to it is let in. */
static void linkoracle_check_usable(struct mobile *m, const struct in6_addr *addr)
{
	const struct link_route *way = fib_way_from(&m->fib, addr);
	const struct link_addr_fact *a = linkoracle_find_addr(m, addr);
	char text[INET6_ADDRSTRLEN];

	if (a == NULL || a->dad_failed || (a->tentative && !a->optimistic))
		sim_fail(m->s, "usable", "%s uses %s, which %s", linkoracle_name_of(m),
			 sim_text(addr, text),
			 a == NULL ? "the kernel does not have" : "is tentative");
	else if (!m->view[a->ifindex - 1].running)
		sim_fail(m->s, "usable", "%s uses %s, and there is no carrier",
			 linkoracle_name_of(m), sim_text(addr, text));
	else if (way == NULL || way->ifindex != a->ifindex)
		sim_fail(m->s, "usable", "%s uses %s, and no route leads out",
			 linkoracle_name_of(m), sim_text(addr, text));
	else if (addrmap_get(&m->local, addr) == NULL)
		sim_fail(m->s, "usable", "%s uses %s, and does not let its signalling in",
			 linkoracle_name_of(m), sim_text(addr, text));
}

void linkoracle_drained(struct mobile *m)
{
	linkoracle_check_tables(m);
	for (unsigned i = 0; i < m->fib.n_rules; i++)
		if (m->fib.rule[i].priority == MOBILE_STALE_RULE)
			linkoracle_check_stale(m, &m->fib.rule[i]);
	for (unsigned i = 0; i < MOBILE_USABLE_MAX; i++)
		if (m->usable[i].ifindex != 0)
			linkoracle_check_usable(m, &m->usable[i].addr);
}

/* ---- Events -------------------------------------------------------------------------------- */

static bool linkoracle_has_prefix(const struct mobile_router *r, const struct in6_addr *addr)
{
	for (unsigned i = 0; i < r->n_prefixes; i++)
		if (addr_in_prefix(addr, &r->prefix[i], 64))
			return true;
	return false;
}

/* A router that was heard of on this link stands for it; one that announces nothing, for what did
 * not come out of an advertisement. */
static bool linkoracle_has_router(const struct mobile *m, uint32_t ifindex,
				  const struct in6_addr *addr, bool from_ra)
{
	const struct mobile_view *v = &m->view[ifindex - 1];

	if (v->trusted)
		return true;
	for (unsigned i = 0; i < v->n_routers; i++)
		if (linkoracle_has_prefix(&v->router[i], addr) || !from_ra)
			return true;
	return false;
}

void linkoracle_event(struct mobile *m, const struct bub_event *ev)
{
	const struct in6_addr *addr = &ev->u.care_of.address;
	const struct link_addr_fact *a = linkoracle_find_addr(m, addr);
	bool home = bub_addr_eq(addr, &m->sn->plan->address);
	char text[INET6_ADDRSTRLEN];

	if (ev->type != BUB_EV_CARE_OF_NEW)
		return;
	if (ev->ifindex == 0 || ev->ifindex > WORLD_INTERFACES)
		sim_fail(m->s, "usable", "%s uses %s on no interface", linkoracle_name_of(m),
			 sim_text(addr, text));
	else if (!m->view[ev->ifindex - 1].running)
		sim_fail(m->s, "usable", "%s is told of %s, and there is no carrier",
			 linkoracle_name_of(m), sim_text(addr, text));
	else if (!linkoracle_has_router(m, ev->ifindex, addr, home || (a != NULL && a->from_ra)))
		sim_fail(m->s, "usable", "%s is told of %s, for which no router stands",
			 linkoracle_name_of(m), sim_text(addr, text));
}

/* ---- Some time later ------------------------------------------------------------------------ */

static bool linkoracle_is_settled(const struct mobile *m)
{
	uint64_t since_ns = m->cause_ns > m->s->stopped_ns ? m->cause_ns : m->s->stopped_ns;

	return m->s->stopped && !m->node->down && sim_now(m->s) > since_ns + LINK_SETTLED_NS;
}

void linkoracle_moved(struct mobile *m)
{
	struct link_behind behind;
	unsigned at = 0;

	/* An address that failed may be tried again. */
	if (linkoracle_is_settled(m) && m->registered && !link_behind_next(m->link, &at, &behind))
		sim_fail(m->s, "flapping", "%s goes to another care-of address, without a cause",
			 linkoracle_name_of(m));
}

static unsigned linkoracle_count_usable(const struct mobile *m)
{
	unsigned n = 0;

	for (unsigned i = 0; i < MOBILE_USABLE_MAX; i++)
		n += m->usable[i].ifindex != 0;
	return n;
}

static bool linkoracle_is_told(const struct mobile *m, const struct in6_addr *addr)
{
	for (unsigned i = 0; i < MOBILE_USABLE_MAX; i++)
		if (m->usable[i].ifindex != 0 && bub_addr_eq(&m->usable[i].addr, addr))
			return true;
	return false;
}

static void linkoracle_check_told(struct mobile *m)
{
	char text[INET6_ADDRSTRLEN];

	for (unsigned i = 0; i < MOBILE_USABLE_MAX; i++) {
		const struct in6_addr *addr = &m->usable[i].addr;
		const struct link_route *way = fib_way_from(&m->fib, addr);
		unsigned iface = kernel_works_on(&m->kernel, addr);

		if (m->usable[i].ifindex == 0 || m->usable[i].deprecated)
			continue;
		if (iface == WORLD_INTERFACES)
			sim_fail(m->s, "link", "%s still uses %s, which does not work",
				 linkoracle_name_of(m), sim_text(addr, text));
		else if (way == NULL ||
			 lan_router_at(m->kernel.iface[iface].lan, &way->gateway) == NULL)
			sim_fail(m->s, "link", "%s still sends from %s over a router that is gone",
				 linkoracle_name_of(m), sim_text(addr, text));
	}
}

/* Of each interface with an address that works, one is told. */
static void linkoracle_check_missing(struct mobile *m)
{
	char text[INET6_ADDRSTRLEN];

	for (unsigned i = 0; i < WORLD_INTERFACES; i++) {
		const struct in6_addr *missing = NULL;
		bool told = linkoracle_count_usable(m) >= LINK_CARE_OFS_MAX;

		for (unsigned k = 0; k < KERNEL_ADDRS_MAX; k++) {
			const struct kernel_addr *a = &m->kernel.iface[i].addr[k];

			if (a->fact.ifindex == 0 || a->fact.deprecated ||
			    kernel_works_on(&m->kernel, &a->fact.addr) != i)
				continue;
			missing = &a->fact.addr;
			told = told || linkoracle_is_told(m, missing);
		}
		if (missing != NULL && !told)
			sim_fail(m->s, "link", "%s could use %s, and is told of no address there",
				 linkoracle_name_of(m), sim_text(missing, text));
	}
}

void linkoracle_settled(struct mobile *m)
{
	if (!linkoracle_is_settled(m))
		return;
	sim_did(m->s, DID_LINK_SETTLED);
	linkoracle_check_told(m);
	linkoracle_check_missing(m);
}

void linkoracle_timeout(struct mobile *m)
{
	uint64_t now_ns = sim_now(m->s);

	m->n_busy = m->busy_ns == now_ns ? m->n_busy + 1 : 0;
	m->busy_ns = now_ns;
	if (m->n_busy > BUSY_MAX)
		sim_fail(m->s, "busy", "%s: a time-out that is due and stays due",
			 linkoracle_name_of(m));
}
