/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The kernel of a mobile node, as far as its links go; see kernel.h.
 */
#include <stdio.h>
#include <string.h>

#include "base/addr.h"
#include "kernel.h"
#include "plan.h"

#define MS BUB_NS_PER_MS
#define TWO_HOURS_S 7200          /* RFC 4862, 5.5.3 e */
#define NETLINK_NS (20 * MS)      /* notifications are read so late, or less */
#define LINKWATCH_NS BUB_NS_PER_S /* no more often does Linux tell of a carrier that goes */
#define DAD_NS BUB_NS_PER_S       /* RetransTimer, after up to MAX_RTR_SOLICITATION_DELAY */
#define DHCP_NS (1500 * MS)       /* an exchange takes so long, or less */
#define MAIN_TABLE 254
#define RA_METRIC 1024
#define MTU 1500
#define NEIGHBOUR_ADVERT 136

static uint64_t kernel_now_of(const struct kernel *k)
{
	return world_now(k->world).ns;
}

static bool kernel_has_carrier(const struct kernel_iface *f)
{
	return f->up && f->lan != NULL;
}

/* ---- What it tells ------------------------------------------------------------------------- */

static void kernel_tell(struct kernel *k, const struct letter *letter)
{
	letters_put(&k->netlink, letter, kernel_now_of(k), rng_below(&k->rng, NETLINK_NS));
}

struct link_iface_fact kernel_iface_fact(const struct kernel *k, unsigned iface)
{
	const struct kernel_iface *f = &k->iface[iface];
	struct link_iface_fact fact = {
		.ifindex = iface + 1,
		.mtu = MTU,
		.mac = {2, 0, 0, (uint8_t)k->node->index, 0, (uint8_t)iface},
		.has_mac = true,
		.up = f->up,
		.running = f->up && f->running,
		.lower_up = k->counts_losses && kernel_has_carrier(f),
		.carrier_losses = k->counts_losses ? f->losses : 0,
	};

	snprintf(fact.name, sizeof fact.name, "eth%u", iface);
	return fact;
}

static void kernel_tell_iface(struct kernel *k, unsigned iface)
{
	struct letter l = {.fact.type = LINK_FACT_IFACE};

	l.fact.u.iface = kernel_iface_fact(k, iface);
	kernel_tell(k, &l);
}

static void kernel_tell_link_local(struct kernel *k, unsigned iface)
{
	struct letter l = {.fact.type = LINK_FACT_LINK_LOCAL};

	l.fact.u.addr.ifindex = iface + 1;
	if (k->iface[iface].up)
		l.fact.u.addr.addr = addr_link_local(&k->node->id);
	kernel_tell(k, &l);
}

static void kernel_tell_addr(struct kernel *k, const struct kernel_addr *a, bool there)
{
	struct letter l = {.fact.type = there ? LINK_FACT_ADDR : LINK_FACT_ADDR_GONE};

	l.fact.u.addr = a->fact;
	l.valid_ns = a->valid_ns;
	kernel_tell(k, &l);
}

static void kernel_tell_route(struct kernel *k, unsigned iface, const struct in6_addr *gateway,
			      bool there)
{
	struct letter l = {.fact.type = there ? LINK_FACT_ROUTE : LINK_FACT_ROUTE_GONE};

	l.fact.u.route = (struct link_default_route){
		.ifindex = iface + 1,
		.table = MAIN_TABLE,
		.metric = RA_METRIC,
		.gateway = *gateway,
		.from_ra = true,
	};
	kernel_tell(k, &l);
}

void kernel_dump(struct kernel *k)
{
	letters_clear(&k->netlink);
	kernel_tell(k, &(struct letter){.fact.type = LINK_FACT_DUMP});
	for (unsigned i = 0; i < WORLD_INTERFACES; i++) {
		const struct kernel_iface *f = &k->iface[i];

		kernel_tell_iface(k, i);
		kernel_tell_link_local(k, i);
		for (unsigned r = 0; r < KERNEL_ROUTES_MAX; r++)
			if (!IN6_IS_ADDR_UNSPECIFIED(&f->route[r].gateway))
				kernel_tell_route(k, i, &f->route[r].gateway, true);
		for (unsigned a = 0; a < KERNEL_ADDRS_MAX; a++)
			if (f->addr[a].fact.ifindex != 0)
				kernel_tell_addr(k, &f->addr[a], true);
	}
	kernel_tell(k, &(struct letter){.fact.type = LINK_FACT_DUMP_END});
}

/* ---- Addresses ----------------------------------------------------------------------------- */

static struct kernel_addr *kernel_free_slot(struct kernel_iface *f)
{
	for (unsigned i = 0; i < KERNEL_ADDRS_MAX; i++)
		if (f->addr[i].fact.ifindex == 0)
			return &f->addr[i];
	return NULL;
}

/* Its identifier on this interface; another one after a duplicate, or for another lease. */
static struct in6_addr kernel_address_in(const struct kernel *k, unsigned iface,
					 const struct in6_addr *prefix, unsigned tries,
					 unsigned lease)
{
	struct in6_addr a = addr_prefix(prefix, 64);

	memcpy(a.s6_addr + 8, k->node->id.s6_addr + 8, 8);
	a.s6_addr[9] = (uint8_t)iface;
	a.s6_addr[10] = (uint8_t)tries;
	a.s6_addr[11] = (uint8_t)lease;
	return a;
}

static void kernel_start_dad(struct kernel *k, struct kernel_addr *a)
{
	a->fact.tentative = true;
	a->fact.optimistic = k->optimistic && a->fact.from_ra;
	a->dad_ns = kernel_now_of(k) + DAD_NS + rng_below(&k->rng, BUB_NS_PER_S);
	k->on_address(k->ctx, &a->fact.addr);
}

static void kernel_remove_addr(struct kernel *k, struct kernel_addr *a)
{
	kernel_tell_addr(k, a, false);
	*a = (struct kernel_addr){0};
	k->on_change(k->ctx);
}

static uint64_t kernel_end_ns(const struct kernel *k, uint32_t seconds)
{
	return kernel_now_of(k) + seconds * BUB_NS_PER_S;
}

static void kernel_make_addr(struct kernel *k, unsigned iface, const struct bub_prefix_info *p,
			     unsigned tries)
{
	struct kernel_addr *a = kernel_free_slot(&k->iface[iface]);

	if (a == NULL)
		return;
	*a = (struct kernel_addr){
		.preferred_ns = kernel_end_ns(k, p->preferred_s),
		.valid_ns = kernel_end_ns(k, p->valid_s),
		.tries = tries,
	};
	a->fact = (struct link_addr_fact){
		.addr = kernel_address_in(k, iface, &p->prefix, tries, 0),
		.ifindex = iface + 1,
		.prefix_len = 64,
		.deprecated = p->preferred_s == 0,
		.from_ra = true,
		.no_prefix_route = !p->on_link,
	};
	kernel_start_dad(k, a);
	kernel_tell_addr(k, a, true);
}

static void kernel_make_lease(struct kernel *k, unsigned iface)
{
	struct kernel_iface *f = &k->iface[iface];
	struct kernel_addr *a = kernel_free_slot(f);

	f->dhcp_ns = 0;
	if (a == NULL || !kernel_has_carrier(f) || !f->lan->dhcp)
		return;
	*a = (struct kernel_addr){
		.preferred_ns = kernel_end_ns(k, f->lan->lease_s),
		.valid_ns = kernel_end_ns(k, f->lan->lease_s),
		.renew_ns = kernel_end_ns(k, f->lan->lease_s / 2),
	};
	a->fact = (struct link_addr_fact){
		.addr = kernel_address_in(k, iface, &f->lan->prefix, 0, 1 + k->leases++ % 200),
		.ifindex = iface + 1,
		.prefix_len = 128,
		.no_prefix_route = true,
	};
	kernel_start_dad(k, a);
	kernel_tell_addr(k, a, true);
}

/* Somebody else has it: with stable identifiers (RFC 7217) another one is made. */
static void kernel_on_duplicate(struct kernel *k, unsigned iface, struct kernel_addr *a)
{
	struct bub_prefix_info p = {
		.prefix = addr_prefix(&a->fact.addr, 64),
		.preferred_s = (uint32_t)((a->preferred_ns - kernel_now_of(k)) / BUB_NS_PER_S),
		.valid_s = (uint32_t)((a->valid_ns - kernel_now_of(k)) / BUB_NS_PER_S),
		.on_link = !a->fact.no_prefix_route,
	};
	bool from_ra = a->fact.from_ra;
	unsigned tries = a->tries + 1;

	k->on_duplicate(k->ctx);
	a->fact.dad_failed = true;
	kernel_tell_addr(k, a, true);
	kernel_remove_addr(k, a);
	if (from_ra)
		kernel_make_addr(k, iface, &p, tries);
	else
		k->iface[iface].dhcp_ns = kernel_now_of(k) + rng_below(&k->rng, DHCP_NS);
}

static void kernel_end_dad(struct kernel *k, unsigned iface, struct kernel_addr *a)
{
	a->dad_ns = 0;
	if (a->preferred_ns > kernel_now_of(k) && rng_hits(&k->rng, k->duplicates_ppm)) {
		kernel_on_duplicate(k, iface, a);
		return;
	}
	a->fact.tentative = a->fact.optimistic = false;
	kernel_tell_addr(k, a, true);
	k->on_change(k->ctx);
}

static void kernel_renew(struct kernel *k, unsigned iface, struct kernel_addr *a)
{
	const struct kernel_iface *f = &k->iface[iface];

	a->renew_ns = 0;
	if (!kernel_has_carrier(f) || !f->lan->dhcp ||
	    !addr_in_prefix(&a->fact.addr, &f->lan->prefix, 64))
		return;
	a->preferred_ns = a->valid_ns = kernel_end_ns(k, f->lan->lease_s);
	a->renew_ns = kernel_end_ns(k, f->lan->lease_s / 2);
	kernel_tell_addr(k, a, true);
}

static void kernel_run_addr(struct kernel *k, unsigned iface, struct kernel_addr *a)
{
	uint64_t now_ns = kernel_now_of(k);

	if (a->fact.ifindex == 0)
		return;
	if (a->valid_ns <= now_ns) {
		kernel_remove_addr(k, a);
		return;
	}
	if (!a->fact.deprecated && a->preferred_ns <= now_ns) {
		a->fact.deprecated = true;
		kernel_tell_addr(k, a, true);
		k->on_change(k->ctx);
	}
	if (a->renew_ns != 0 && a->renew_ns <= now_ns)
		kernel_renew(k, iface, a);
	if (a->dad_ns != 0 && a->dad_ns <= now_ns)
		kernel_end_dad(k, iface, a);
}

/* ---- Router advertisements ------------------------------------------------------------------ */

static void kernel_on_prefix(struct kernel *k, unsigned iface, const struct bub_prefix_info *p)
{
	struct kernel_iface *f = &k->iface[iface];
	bool known = false;

	for (unsigned i = 0; i < KERNEL_ADDRS_MAX; i++) {
		struct kernel_addr *a = &f->addr[i];
		uint64_t valid_ns = kernel_end_ns(k, p->valid_s);

		if (a->fact.ifindex == 0 || !a->fact.from_ra ||
		    !addr_in_prefix(&a->fact.addr, &p->prefix, 64))
			continue;
		known = true;
		if (p->valid_s > TWO_HOURS_S || valid_ns > a->valid_ns)
			a->valid_ns = valid_ns;
		else if (a->valid_ns > kernel_end_ns(k, TWO_HOURS_S))
			a->valid_ns = kernel_end_ns(k, TWO_HOURS_S);
		a->preferred_ns = kernel_end_ns(k, p->preferred_s);
		a->fact.deprecated = p->preferred_s == 0;
		kernel_tell_addr(k, a, true);
	}
	if (!known && p->valid_s > 0)
		kernel_make_addr(k, iface, p, 0);
}

static void kernel_on_default_router(struct kernel *k, unsigned iface,
				     const struct lan_router *router)
{
	struct kernel_iface *f = &k->iface[iface];
	unsigned slot = KERNEL_ROUTES_MAX;

	for (unsigned i = KERNEL_ROUTES_MAX; i-- > 0;) {
		if (bub_addr_eq(&f->route[i].gateway, &router->address)) {
			f->route[i].until_ns = kernel_end_ns(k, router->lifetime_s);
			return;
		}
		if (IN6_IS_ADDR_UNSPECIFIED(&f->route[i].gateway))
			slot = i;
	}
	if (slot == KERNEL_ROUTES_MAX)
		return;
	f->route[slot].gateway = router->address;
	f->route[slot].until_ns = kernel_end_ns(k, router->lifetime_s);
	kernel_tell_route(k, iface, &router->address, true);
}

/* A DHCPv6 client that hears of a router after a loss of its carrier has what it was given
 * confirmed, and its lifetimes with it (RFC 8415, 18.2.12). */
static void kernel_on_managed(struct kernel *k, unsigned iface)
{
	struct kernel_iface *f = &k->iface[iface];
	bool leased = false;

	for (unsigned i = 0; i < KERNEL_ADDRS_MAX; i++) {
		struct kernel_addr *a = &f->addr[i];

		if (a->fact.ifindex == 0 || a->fact.from_ra)
			continue;
		if (!f->lan->dhcp || !addr_in_prefix(&a->fact.addr, &f->lan->prefix, 64)) {
			kernel_remove_addr(k, a);
			continue;
		}
		leased = true;
		if (f->confirm)
			a->renew_ns = kernel_now_of(k) + rng_below(&k->rng, DHCP_NS);
	}
	f->confirm = false;
	if (!leased && f->lan->dhcp && f->dhcp_ns == 0)
		f->dhcp_ns = kernel_now_of(k) + rng_below(&k->rng, DHCP_NS);
}

void kernel_on_advert(struct kernel *k, unsigned iface, const struct lan_router *router)
{
	struct letter l = {.fact.type = LINK_FACT_ND};

	if (!kernel_has_carrier(&k->iface[iface]))
		return;
	l.len = (uint16_t)lan_message(router, l.octets);
	l.fact.u.nd.ifindex = iface + 1;
	l.fact.u.nd.src = router->address;
	l.fact.u.nd.dst = (struct in6_addr){{{0xff, 2, [15] = 1}}};
	letters_put(&k->heard, &l, kernel_now_of(k), rng_below(&k->rng, NETLINK_NS));
	kernel_on_default_router(k, iface, router);
	for (unsigned i = 0; i < router->n_prefixes; i++)
		if (router->prefix[i].autonomous)
			kernel_on_prefix(k, iface, &router->prefix[i]);
	kernel_on_managed(k, iface);
}

void kernel_on_answer(struct kernel *k, unsigned iface, const struct lan_router *router,
		      const struct in6_addr *target, uint64_t takes_ns)
{
	struct letter l = {.fact.type = LINK_FACT_ND,
			   .len = 32,
			   .octets = {NEIGHBOUR_ADVERT, [4] = 0xe0, [24] = 2, [25] = 1}};

	memcpy(l.octets + 8, target, sizeof *target);
	memcpy(l.octets + 26, router->mac, sizeof router->mac);
	l.fact.u.nd.ifindex = iface + 1;
	l.fact.u.nd.src = *target;
	l.fact.u.nd.dst = addr_link_local(&k->node->id);
	letters_put(&k->heard, &l, kernel_now_of(k), takes_ns);
}

/* ---- Carriers ------------------------------------------------------------------------------ */

/* Linux tells of a carrier that comes at once, of one that goes at most once a second: of a loss
 * that was shorter than that it tells nothing but the state after it. */
static void kernel_watch_link(struct kernel *k, unsigned iface)
{
	struct kernel_iface *f = &k->iface[iface];
	uint64_t at_ns = kernel_now_of(k);

	if (f->lan == NULL && rng_one_in(&k->rng, 2))
		at_ns += rng_below(&k->rng, LINKWATCH_NS);
	if (f->tell_ns == 0 || at_ns < f->tell_ns)
		f->tell_ns = at_ns;
}

void kernel_plug(struct kernel *k, unsigned iface, uint32_t where, const struct lan *lan)
{
	struct kernel_iface *f = &k->iface[iface];

	f->losses += f->lan != NULL && lan == NULL;
	f->where = where;
	f->lan = lan;
	f->confirm = lan != NULL;
	kernel_watch_link(k, iface);
	k->on_change(k->ctx);
}

void kernel_set_up(struct kernel *k, unsigned iface, bool up)
{
	struct kernel_iface *f = &k->iface[iface];

	if (f->up == up)
		return;
	f->up = up;
	f->dhcp_ns = 0;
	kernel_tell_iface(k, iface);
	kernel_tell_link_local(k, iface);
	for (unsigned i = 0; !up && i < KERNEL_ADDRS_MAX; i++)
		if (f->addr[i].fact.ifindex != 0)
			kernel_remove_addr(k, &f->addr[i]);
	for (unsigned i = 0; !up && i < KERNEL_ROUTES_MAX; i++) {
		if (!IN6_IS_ADDR_UNSPECIFIED(&f->route[i].gateway))
			kernel_tell_route(k, iface, &f->route[i].gateway, false);
		f->route[i].gateway = in6addr_any;
	}
	k->on_change(k->ctx);
}

/* ---- Time ---------------------------------------------------------------------------------- */

static void kernel_run_iface(struct kernel *k, unsigned iface)
{
	struct kernel_iface *f = &k->iface[iface];
	uint64_t now_ns = kernel_now_of(k);

	if (f->tell_ns != 0 && f->tell_ns <= now_ns) {
		f->tell_ns = 0;
		f->running = f->lan != NULL;
		kernel_tell_iface(k, iface);
	}
	if (f->dhcp_ns != 0 && f->dhcp_ns <= now_ns)
		kernel_make_lease(k, iface);
	for (unsigned i = 0; i < KERNEL_ADDRS_MAX; i++)
		kernel_run_addr(k, iface, &f->addr[i]);
	for (unsigned i = 0; i < KERNEL_ROUTES_MAX; i++) {
		if (IN6_IS_ADDR_UNSPECIFIED(&f->route[i].gateway) || f->route[i].until_ns > now_ns)
			continue;
		kernel_tell_route(k, iface, &f->route[i].gateway, false);
		f->route[i].gateway = in6addr_any;
	}
}

void kernel_run(struct kernel *k)
{
	for (unsigned i = 0; i < WORLD_INTERFACES; i++)
		kernel_run_iface(k, i);
}

static void kernel_sooner(uint64_t *due_ns, uint64_t at_ns)
{
	if (at_ns != 0 && at_ns < *due_ns)
		*due_ns = at_ns;
}

static void kernel_iface_due(const struct kernel_iface *f, uint64_t *due_ns)
{
	kernel_sooner(due_ns, f->tell_ns);
	kernel_sooner(due_ns, f->dhcp_ns);
	for (unsigned i = 0; i < KERNEL_ADDRS_MAX; i++) {
		const struct kernel_addr *a = &f->addr[i];

		if (a->fact.ifindex == 0)
			continue;
		kernel_sooner(due_ns, a->valid_ns);
		kernel_sooner(due_ns, a->fact.deprecated ? 0 : a->preferred_ns);
		kernel_sooner(due_ns, a->dad_ns);
		kernel_sooner(due_ns, a->renew_ns);
	}
	for (unsigned i = 0; i < KERNEL_ROUTES_MAX; i++)
		if (!IN6_IS_ADDR_UNSPECIFIED(&f->route[i].gateway))
			kernel_sooner(due_ns, f->route[i].until_ns);
}

uint64_t kernel_due(const struct kernel *k)
{
	uint64_t due_ns = UINT64_MAX;

	for (unsigned i = 0; i < WORLD_INTERFACES; i++)
		kernel_iface_due(&k->iface[i], &due_ns);
	return due_ns;
}

/* ---- Looking in ---------------------------------------------------------------------------- */

const struct kernel_addr *kernel_addr_of(const struct kernel *k, const struct in6_addr *address)
{
	for (unsigned i = 0; i < WORLD_INTERFACES; i++)
		for (unsigned a = 0; a < KERNEL_ADDRS_MAX; a++)
			if (k->iface[i].addr[a].fact.ifindex != 0 &&
			    bub_addr_eq(&k->iface[i].addr[a].fact.addr, address))
				return &k->iface[i].addr[a];
	return NULL;
}

unsigned kernel_works_on(const struct kernel *k, const struct in6_addr *address)
{
	const struct kernel_addr *a = kernel_addr_of(k, address);
	const struct kernel_iface *f = a != NULL ? &k->iface[a->fact.ifindex - 1] : NULL;

	if (f == NULL || (a->fact.tentative && !a->fact.optimistic) || a->fact.dad_failed ||
	    !kernel_has_carrier(f) || !lan_stands_for(f->lan, address))
		return WORLD_INTERFACES;
	return a->fact.ifindex - 1;
}

void kernel_done(struct kernel *k)
{
	letters_clear(&k->netlink);
	letters_clear(&k->heard);
}
