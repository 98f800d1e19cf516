/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the kernel has: interfaces, IPv6 addresses and default routes, as the caller tells of them.
 * Decides which interfaces are ours, wants the programs of the data path on them, and says which
 * addresses the packet filter has to let signalling in for.  Which address may serve as a care-of
 * address is movement.c's business.
 */
#include <string.h>

#include "link_internal.h"

/* ---- Interfaces ---------------------------------------------------------------------------- */

/* May signalling come in here?  Sets what the configuration says of it as well. */
static bool is_ours(const struct link *lk, struct link_iface *ifc)
{
	ifc->preference = 0;
	ifc->optimistic = false;
	if (ifc->fact.own || ifc->fact.loopback || ifc->fact.port)
		return false;
	if (lk->cfg.home_link[0] != '\0' && lookup_same_name(ifc->fact.name, lk->cfg.home_link)) {
		ifc->roams = true;
		return true;
	}
	for (unsigned i = 0; i < lk->cfg.n_named; i++) {
		if (lookup_same_name(ifc->fact.name, lk->cfg.named[i].name)) {
			ifc->preference = lk->cfg.named[i].preference;
			ifc->optimistic = lk->cfg.named[i].optimistic;
			ifc->neutral = lk->cfg.named[i].neutral;
			ifc->roams = !lk->cfg.named[i].listen_only;
			return true;
		}
	}
	ifc->roams = lk->cfg.n_named == 0;
	return ifc->roams;
}

static void attach(struct link *lk, struct iface *ifc)
{
	uint32_t ifindex = ifc->view.fact.ifindex;

	if (ifc->view.ours == (ifc->view.attached || ifc->attach_id != 0))
		return;
	if (ifc->view.ours) {
		link_put_asked(lk, LINK_ATTACH, &ifc->attach_id)->u.iface.ifindex = ifindex;
		return;
	}
	link_put(lk, LINK_DETACH)->u.iface.ifindex = ifindex;
	ifc->view.attached = false;
	ifc->view.no_programs = false;
	ifc->attach_id = 0;
}

static void iface_gone(struct link *lk, struct iface *ifc);

/* One that nothing of ours depends on, for one that the configuration names. */
static struct iface *iface_evict(struct link *lk)
{
	for (unsigned i = LINK_IFACES_MAX; i-- > 0;) {
		struct iface *ifc = &lk->iface[i];

		if (ifc->view.ours || ifc->view.fact.own || ifc->view.fact.loopback)
			continue;
		iface_gone(lk, ifc);
		return ifc;
	}
	return NULL;
}

static struct iface *iface_free_slot(struct link *lk)
{
	for (unsigned i = 0; i < LINK_IFACES_MAX; i++) {
		if (lk->iface[i].view.fact.ifindex == 0)
			return &lk->iface[i];
	}
	return NULL;
}

static struct iface *iface_add(struct link *lk, const struct link_iface_fact *fact)
{
	struct link_iface view = {.fact = *fact};
	struct iface *ifc;

	ifc = iface_free_slot(lk);
	if (ifc == NULL) {
		if (!lk->ifaces_full)
			link_say(lk, LINK_SAY_MANY_IFACES, 0, NULL, NULL);
		lk->ifaces_full = true;
		ifc = lk->cfg.n_named > 0 && is_ours(lk, &view) ? iface_evict(lk) : NULL;
	}
	if (ifc == NULL)
		return NULL;
	ifc->view.fact.ifindex = fact->ifindex;
	if (lk->ifaces_end <= (unsigned)(ifc - lk->iface))
		lk->ifaces_end = (unsigned)(ifc - lk->iface) + 1;
	return ifc;
}

static void set_carrier(struct link *lk, struct iface *ifc, bool carrier)
{
	if (carrier == ifc->view.carrier)
		return;
	ifc->view.carrier = carrier;
	if (carrier)
		movement_carrier_up(lk, ifc);
	else
		movement_carrier_down(lk, ifc);
	tunnel_fit(lk);
}

/* A loss that was over before the kernel told of it shows in the count only. */
static void follow_carrier(struct link *lk, struct iface *ifc, uint32_t losses_before)
{
	const struct link_iface_fact *f = &ifc->view.fact;

	if (f->carrier_losses != losses_before || !f->lower_up)
		ifc->heard = false;
	if (f->carrier_losses != losses_before)
		set_carrier(lk, ifc, false);
	set_carrier(lk, ifc,
		    ifc->view.ours && f->up && (f->running || (f->lower_up && ifc->heard)));
}

void facts_heard(struct link *lk, uint32_t ifindex)
{
	struct iface *ifc = lookup_iface(lk, ifindex);

	if (ifc == NULL || !ifc->view.fact.lower_up)
		return;
	ifc->heard = true;
	follow_carrier(lk, ifc, ifc->view.fact.carrier_losses);
}

/* The interface's MTU was @before; 0: it was not known. */
static void check_mtu(struct link *lk, const struct iface *ifc, uint32_t before)
{
	if (before == 0 || link_mtu(&ifc->view) == before)
		return;
	path_routes_changed(lk);
	tunnel_fit(lk);
}

void facts_mtu6(struct link *lk, uint32_t ifindex, uint32_t mtu6)
{
	struct iface *ifc = lookup_iface(lk, ifindex);
	uint32_t before;

	if (ifc == NULL)
		return;
	before = link_mtu(&ifc->view);
	ifc->view.fact.mtu6 = mtu6;
	check_mtu(lk, ifc, before);
}

/* The kernel takes these away with the last address of IPv4, and with the interface, and tells
 * nobody of it. */
static void ipv4_routes_gone(struct link *lk, uint32_t ifindex)
{
	for (unsigned i = 0; i < LINK_DEFAULT_ROUTES_MAX; i++) {
		struct default_route *r = &lk->route[i];

		if (r->fact.ipv4 && r->fact.ifindex == ifindex)
			*r = (struct default_route){0};
	}
}

void facts_iface_new(struct link *lk, const struct link_iface_fact *fact)
{
	struct iface *ifc = lookup_iface(lk, fact->ifindex);
	uint32_t before, link_before, losses_before;

	if (ifc == NULL)
		ifc = iface_add(lk, fact);
	if (ifc == NULL)
		return;
	before = link_mtu(&ifc->view);
	link_before = ifc->view.fact.mtu;
	losses_before = ifc->view.fact.carrier_losses;
	ifc->view.fact = *fact;
	/* A change resets that of IPv6, but only after the kernel has told of it. */
	if (link_before != 0 && fact->mtu != link_before)
		ifc->view.fact.mtu6 = 0;
	check_mtu(lk, ifc, before);
	ifc->seen = true;
	if (lk->cfg.home_link[0] != '\0' && lookup_same_name(fact->name, lk->cfg.home_link))
		lk->home_link = fact->ifindex;
	ifc->view.ours = is_ours(lk, &ifc->view);
	if (ifc->view.optimistic)
		link_put(lk, LINK_OPTIMISTIC)->u.iface.ifindex = fact->ifindex;
	attach(lk, ifc);
	if (!fact->up)
		ipv4_routes_gone(lk, fact->ifindex);
	follow_carrier(lk, ifc, losses_before);
}

/* ---- Addresses ----------------------------------------------------------------------------- */

static struct addr *addr_find(struct link *lk, uint32_t ifindex, const struct in6_addr *addr)
{
	for (unsigned i = 0; ifindex != 0 && i < lk->addrs_end; i++) {
		if (lk->addr[i].fact.ifindex == ifindex &&
		    bub_addr_eq(&lk->addr[i].fact.addr, addr))
			return &lk->addr[i];
	}
	return NULL;
}

static void addr_free(struct link *lk, struct addr *a);

/* One on an interface that is not ours, for one on an interface that is. */
static struct addr *addr_evict(struct link *lk)
{
	for (unsigned i = LINK_ADDRS_MAX; i-- > 0;) {
		struct addr *a = &lk->addr[i];
		const struct iface *ifc = lookup_iface(lk, a->fact.ifindex);

		if (ifc != NULL && (ifc->view.ours || ifc->view.fact.loopback))
			continue;
		addr_free(lk, a);
		return a;
	}
	return NULL;
}

static struct addr *addr_free_slot(struct link *lk)
{
	for (unsigned i = 0; i < LINK_ADDRS_MAX; i++) {
		if (lk->addr[i].fact.ifindex == 0)
			return &lk->addr[i];
	}
	return NULL;
}

static struct addr *addr_add(struct link *lk, const struct iface *ifc)
{
	static const struct addr fresh = {.table = -1, .local_del_due = BUB_TIME_NEVER};
	struct addr *a;

	a = addr_free_slot(lk);
	if (a == NULL) {
		if (!lk->addrs_full)
			link_say(lk, LINK_SAY_MANY_ADDRS, 0, NULL, NULL);
		lk->addrs_full = true;
		a = ifc->view.ours ? addr_evict(lk) : NULL;
	}
	if (a == NULL)
		return NULL;
	*a = fresh;
	if (lk->addrs_end <= (unsigned)(a - lk->addr))
		lk->addrs_end = (unsigned)(a - lk->addr) + 1;
	return a;
}

static void local_add(struct link *lk, const struct iface *ifc, struct addr *a)
{
	a->local_del_due = BUB_TIME_NEVER;
	if (a->local || a->local_id != 0 || lookup_is_tentative(ifc, a))
		return;
	link_put_asked(lk, LINK_LOCAL_ADD, &a->local_id)->u.local = a->fact.addr;
}

/* Frees the slot of an address that has left the kernel. */
static void addr_free(struct link *lk, struct addr *a)
{
	bool local = a->local || a->local_id != 0;
	bool elsewhere =
		bub_addr_eq(&a->fact.addr, &lk->cfg.home_agent) && lk->agent.place != LINK_ASIDE;

	for (unsigned i = 0; i < lk->addrs_end; i++) {
		const struct addr *o = &lk->addr[i];

		if (o != a && o->fact.ifindex != 0 && (o->local || o->local_id != 0) &&
		    bub_addr_eq(&o->fact.addr, &a->fact.addr))
			elsewhere = true;
	}
	if (local && !elsewhere)
		link_put(lk, LINK_LOCAL_DEL)->u.local = a->fact.addr;
	lk->n_gone -= a->gone;
	*a = (struct addr){0};
	while (lk->addrs_end > 0 && lk->addr[lk->addrs_end - 1].fact.ifindex == 0)
		lk->addrs_end--;
}

static bool has_ipv4(const struct link *lk, uint32_t ifindex)
{
	for (unsigned i = 0; i < lk->addrs_end; i++) {
		const struct addr *a = &lk->addr[i];

		if (a->fact.ifindex == ifindex && !a->gone && ipv4_is(a))
			return true;
	}
	return false;
}

/* The filter keeps the address for the grace period: packets are on their way to it. */
static void addr_gone(struct link *lk, struct addr *a)
{
	struct iface *ifc = lookup_iface(lk, a->fact.ifindex);
	bool replaced = neutral_gone(lk, a);

	/* The kernel takes one of its own making away when another host has it. */
	if (ifc != NULL && ifc->view.carrier && a->fact.tentative && !ipv4_is(a))
		ifc->duplicate = a->fact.addr;
	movement_addr_gone(lk, a);
	a->gone = true;
	lk->n_gone++;
	if (!(a->local || a->local_id != 0) || ifc == NULL || !ifc->view.fact.up)
		addr_free(lk, a);
	else
		a->local_del_due = bub_time_add_ms(lk->now, lk->cfg.grace_ms);
	if (replaced && ifc != NULL)
		movement_evaluate(lk, ifc);
}

void facts_addr_gone(struct link *lk, uint32_t ifindex, const struct in6_addr *addr)
{
	struct addr *a = addr_find(lk, ifindex, addr);

	if (a == NULL || a->gone)
		return;
	addr_gone(lk, a);
	if (IN6_IS_ADDR_V4MAPPED(addr) && !has_ipv4(lk, ifindex))
		ipv4_routes_gone(lk, ifindex);
}

void facts_addr_new(struct link *lk, const struct link_addr_fact *fact)
{
	struct iface *ifc = lookup_iface(lk, fact->ifindex);
	struct addr *a = addr_find(lk, fact->ifindex, &fact->addr);

	if (ifc == NULL)
		return;
	if (a == NULL)
		a = addr_add(lk, ifc);
	if (a == NULL)
		return;
	a->fact = *fact;
	a->epoch = ifc->epoch;
	lk->n_gone -= a->gone;
	a->gone = false;
	a->seen = true;
	if (!a->fact.tentative && !a->fact.dad_failed)
		ifc->duplicate = in6addr_any;
	if (!ipv4_is(a)) /* what comes to IPv4 comes by a socket */
		local_add(lk, ifc, a);
	neutral_heard(lk, ifc, a);
	movement_evaluate(lk, ifc);
}

void facts_link_local(struct link *lk, uint32_t ifindex, const struct in6_addr *addr)
{
	struct iface *ifc = lookup_iface(lk, ifindex);

	if (ifc == NULL)
		return;
	ifc->view.link_local = *addr;
	ifc->link_local_seen = true;
}

/* ---- Links that go -------------------------------------------------------------------------- */

static void iface_gone(struct link *lk, struct iface *ifc)
{
	uint32_t ifindex = ifc->view.fact.ifindex;

	set_carrier(lk, ifc, false);
	for (unsigned i = 0; i < lk->addrs_end; i++) {
		if (lk->addr[i].fact.ifindex == ifindex && !lk->addr[i].gone)
			addr_gone(lk, &lk->addr[i]);
	}
	if (ifc->view.attached || ifc->attach_id != 0)
		link_put(lk, LINK_DETACH)->u.iface.ifindex = ifindex;
	*ifc = (struct iface){0};
	while (lk->ifaces_end > 0 && lk->iface[lk->ifaces_end - 1].view.fact.ifindex == 0)
		lk->ifaces_end--;
}

void facts_iface_gone(struct link *lk, uint32_t ifindex)
{
	struct iface *ifc = lookup_iface(lk, ifindex);

	if (ifc != NULL)
		iface_gone(lk, ifc);
}

/* ---- Default routes ------------------------------------------------------------------------ */

static struct default_route *route_find(struct link *lk, const struct link_default_route *key)
{
	for (unsigned i = 0; i < LINK_DEFAULT_ROUTES_MAX; i++) {
		const struct link_default_route *r = &lk->route[i].fact;

		if (r->ifindex == key->ifindex && r->table == key->table && r->ipv4 == key->ipv4 &&
		    r->metric == key->metric && bub_addr_eq(&r->gateway, &key->gateway))
			return &lk->route[i];
	}
	return NULL;
}

static struct default_route *route_take(struct link *lk)
{
	for (unsigned i = 0; i < LINK_DEFAULT_ROUTES_MAX; i++) {
		if (lk->route[i].fact.ifindex == 0)
			return &lk->route[i];
	}
	return NULL;
}

void facts_route_new(struct link *lk, const struct link_default_route *fact)
{
	struct iface *ifc = lookup_iface(lk, fact->ifindex);
	struct default_route *r;

	if (ifc == NULL || ifc->view.fact.own)
		return;
	if (!fact->ipv4)
		path_routes_changed(lk);
	r = route_find(lk, fact);
	if (r == NULL)
		r = route_take(lk);
	if (r == NULL)
		return; /* so many default routes: one of the others will do */
	*r = (struct default_route){.fact = *fact, .seen = true};
	movement_evaluate(lk, ifc);
}

void facts_route_gone(struct link *lk, const struct link_default_route *fact)
{
	struct default_route *r = route_find(lk, fact);

	if (!fact->ipv4)
		path_routes_changed(lk);
	if (r != NULL)
		*r = (struct default_route){0};
}

/* ---- Everything anew ----------------------------------------------------------------------- */

static void dump_begins(struct link *lk)
{
	for (unsigned i = 0; i < lk->ifaces_end; i++)
		lk->iface[i].seen = lk->iface[i].link_local_seen = false;
	for (unsigned i = 0; i < lk->addrs_end; i++)
		lk->addr[i].seen = false;
	for (unsigned i = 0; i < LINK_DEFAULT_ROUTES_MAX; i++)
		lk->route[i].seen = false;
}

void facts_dump(struct link *lk, bool begins)
{
	if (begins) {
		dump_begins(lk);
		return;
	}
	for (unsigned i = 0; i < lk->ifaces_end; i++) {
		if (lk->iface[i].view.fact.ifindex != 0 && !lk->iface[i].seen)
			iface_gone(lk, &lk->iface[i]);
		if (!lk->iface[i].link_local_seen)
			lk->iface[i].view.link_local = in6addr_any;
	}
	for (unsigned i = 0; i < lk->addrs_end; i++) {
		struct addr *a = &lk->addr[i];

		if (a->fact.ifindex != 0 && !a->seen && !a->gone)
			addr_gone(lk, a);
	}
	for (unsigned i = 0; i < LINK_DEFAULT_ROUTES_MAX; i++) {
		if (!lk->route[i].seen)
			lk->route[i] = (struct default_route){0};
	}
}

/* ---- Verdicts and time --------------------------------------------------------------------- */

void facts_programs(struct link *lk, uint32_t ifindex, bool attached)
{
	struct iface *ifc = lookup_iface(lk, ifindex);

	if (ifc == NULL || (ifc->view.attached == attached && ifc->view.no_programs == !attached))
		return;
	ifc->view.attached = attached;
	ifc->view.no_programs = !attached;
	path_routes_changed(lk);
	movement_evaluate(lk, ifc);
}

bool facts_done(struct link *lk, uint32_t id, int error)
{
	for (unsigned i = 0; i < lk->ifaces_end; i++) {
		struct iface *ifc = &lk->iface[i];

		if (ifc->attach_id != id)
			continue;
		ifc->attach_id = 0;
		facts_programs(lk, ifc->view.fact.ifindex, error == 0);
		return true;
	}
	for (unsigned i = 0; i < lk->addrs_end; i++) {
		struct addr *a = &lk->addr[i];

		if (a->local_id != id)
			continue;
		a->local_id = 0;
		a->local = error == 0;
		return true;
	}
	return false;
}

void facts_expire(struct link *lk)
{
	for (unsigned i = 0; lk->n_gone > 0 && i < lk->addrs_end; i++) {
		struct addr *a = &lk->addr[i];

		if (a->fact.ifindex != 0 && a->gone && !bub_time_before(lk->now, a->local_del_due))
			addr_free(lk, a);
	}
}

struct bub_time facts_deadline(const struct link *lk)
{
	struct bub_time t = BUB_TIME_NEVER;

	for (unsigned i = 0; lk->n_gone > 0 && i < lk->addrs_end; i++) {
		const struct addr *a = &lk->addr[i];

		if (a->fact.ifindex != 0 && a->gone && bub_time_before(a->local_del_due, t))
			t = a->local_del_due;
	}
	return t;
}
