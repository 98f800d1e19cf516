/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Carries out what the link layer (src/link) gives out, in its order, and tells it the verdicts:
 * events go to the core, operations into the kernel, the rest to other files here.
 *
 * An event brings actions of the core, and those operations of the link layer: they are carried out
 * before the core's next action is, and so while the event is still being told.  No other event is
 * told meanwhile.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "xfrm.h"

/* ---- Lines for the operator ---------------------------------------------------------------- */

/* What there is no room for. */
static void say_full(struct lnx *l, const struct link_out *out)
{
	const struct in6_addr *addr = &out->u.say.addr, *other = &out->u.say.other;

	switch ((unsigned)out->u.say.what) {
	case LINK_SAY_MANY_IFACES:
		lnx_log(l, LNX_LOG_WARNING, "more than %d interfaces: the others are ignored",
			LINK_IFACES_MAX);
		break;
	case LINK_SAY_MANY_ADDRS:
		lnx_log(l, LNX_LOG_WARNING, "more than %d addresses: the others are ignored",
			LINK_ADDRS_MAX);
		break;
	case LINK_SAY_MANY_CARE_OFS:
		lnx_log(l, LNX_LOG_WARNING, "more than %d care-of addresses: %s is not used",
			LINK_CARE_OFS_MAX, lnx_ntop(addr));
		break;
	case LINK_SAY_MANY_TUNNELS:
		lnx_log(l, LNX_LOG_ERROR, "no room for the tunnel of %s (limit %u)", lnx_ntop(addr),
			l->cfg.max_tunnels);
		break;
	case LINK_SAY_MANY_PATHS:
		lnx_log(l, LNX_LOG_ERROR, "no room for the path from %s to %s (limit %u)",
			lnx_ntop(addr), lnx_ntop(other), l->cfg.max_paths);
		break;
	default:
		break;
	}
}

/* Who else has a home address, and what a home agent waits for. */
static void say_home(struct lnx *l, const struct link_out *out)
{
	const struct link_iface *ifc = link_iface(l->link, out->u.say.ifindex);
	const struct in6_addr *addr = &out->u.say.addr;

	switch ((unsigned)out->u.say.what) {
	case LINK_SAY_IN_USE:
		lnx_log(l, LNX_LOG_WARNING, "%s is in use on the home link", lnx_ntop(addr));
		break;
	case LINK_SAY_CLAIMED:
		lnx_log(l, LNX_LOG_WARNING,
			"somebody on the home link claims %s, which is registered", lnx_ntop(addr));
		break;
	case LINK_SAY_NO_HOME_LINK:
		lnx_log(l, LNX_LOG_WARNING, "the home link %s is gone: bubd waits for it",
			l->home_link);
		break;
	case LINK_SAY_DEFENDED:
		lnx_log(l, LNX_LOG_INFO,
			"%s: somebody answers for %s: a binding is left from before",
			ifc != NULL ? ifc->fact.name : "?", lnx_ntop(addr));
		break;
	case LINK_SAY_NO_PROXY:
		lnx_log(l, LNX_LOG_ERROR, "cannot defend %s on %s: %s", lnx_ntop(addr),
			l->home_link, strerror(-out->u.say.error));
		break;
	default:
		break;
	}
}

static void say_bypass(struct lnx *l, const struct link_out *out)
{
	const struct in6_addr *home = &out->u.say.addr;

	if (out->u.say.what == LINK_SAY_BYPASS)
		lnx_log(l, LNX_LOG_WARNING,
			"no answer from the home agent for %u s: programs that are not bound to %s "
			"get out directly, until it answers",
			out->u.say.seconds, lnx_ntop(home));
	else
		lnx_log(l, LNX_LOG_INFO, "programs have the home address %s again", lnx_ntop(home));
}

static void say(struct lnx *l, const struct link_out *out)
{
	const struct link_iface *ifc = link_iface(l->link, out->u.say.ifindex);
	const char *name = ifc != NULL ? ifc->fact.name : "?";
	const struct in6_addr *addr = &out->u.say.addr, *other = &out->u.say.other;

	switch (out->u.say.what) {
	case LINK_SAY_USABLE:
		lnx_log(l, LNX_LOG_INFO, "%s is usable on %s over %s", lnx_ntop(addr), name,
			lnx_ntop(other));
		break;
	case LINK_SAY_UNUSABLE:
		lnx_log(l, LNX_LOG_INFO, "%s is no longer usable", lnx_ntop(addr));
		break;
	case LINK_SAY_ON_HOME_LINK:
		lnx_log(l, LNX_LOG_INFO, "%s is on the home link of %s", name, lnx_ntop(addr));
		break;
	case LINK_SAY_OFF_HOME_LINK:
		lnx_log(l, LNX_LOG_INFO, "%s is no longer on the home link of %s", name,
			lnx_ntop(addr));
		break;
	case LINK_SAY_ROUTER_GONE:
		lnx_log(l, LNX_LOG_INFO, "the router %s on %s is gone", lnx_ntop(other), name);
		break;
	case LINK_SAY_CARRIER:
		lnx_log(l, LNX_LOG_INFO, "%s has a link", name);
		break;
	case LINK_SAY_NO_CARRIER:
		lnx_log(l, LNX_LOG_INFO, "%s has no link", name);
		break;
	case LINK_SAY_NO_ROUTE:
		lnx_log(l, LNX_LOG_ERROR, "cannot route from %s over %s on %s: %s", lnx_ntop(addr),
			lnx_ntop(other), name, strerror(-out->u.say.error));
		break;
	case LINK_SAY_PUT_BEHIND:
		lnx_log(l, LNX_LOG_WARNING,
			"no answer from the home agent by %s on %s: other addresses come first "
			"for %u s",
			lnx_ntop(addr), name, out->u.say.seconds);
		break;
	case LINK_SAY_BYPASS:
	case LINK_SAY_BYPASS_OVER:
		say_bypass(l, out);
		break;
	case LINK_SAY_MANY_IFACES:
	case LINK_SAY_MANY_ADDRS:
	case LINK_SAY_MANY_CARE_OFS:
	case LINK_SAY_MANY_TUNNELS:
	case LINK_SAY_MANY_PATHS:
		say_full(l, out);
		break;
	case LINK_SAY_IN_USE:
	case LINK_SAY_CLAIMED:
	case LINK_SAY_NO_HOME_LINK:
	case LINK_SAY_DEFENDED:
	case LINK_SAY_NO_PROXY:
		say_home(l, out);
		break;
	case LINK_SAY_NO_NEUTRAL:
		lnx_log(l, LNX_LOG_WARNING,
			"%s is used, without a checksum-neutral address: %s: %s", lnx_ntop(other),
			lnx_ntop(addr),
			out->u.say.error != 0 ? strerror(-out->u.say.error)
					      : "another host has it");
		break;
	case LINK_SAY_NO_PATH_ROUTE:
		lnx_log(l, LNX_LOG_DEBUG, "no direct route from %s to %s", lnx_ntop(addr),
			lnx_ntop(other));
		break;
	}
}

/* ---- Interfaces ---------------------------------------------------------------------------- */

/* What is kept of one: the entry of @ifindex, or a free one; NULL: full. */
static struct lnx_port *port_of(struct lnx *l, uint32_t ifindex)
{
	struct lnx_port *unused = NULL;

	for (unsigned i = 0; i < LINK_IFACES_MAX; i++) {
		struct lnx_port *p = &l->port[i];

		if (p->ifindex == ifindex)
			return p;
		if (unused == NULL && (p->ifindex == 0 || link_iface(l->link, p->ifindex) == NULL))
			unused = p;
	}
	if (unused != NULL)
		*unused = (struct lnx_port){.ifindex = ifindex};
	return unused;
}

static const char *const optimistic_sysctl[2] = {"optimistic_dad", "use_optimistic"};

/* The kernel makes optimistic addresses, and takes them for sources, only where it is told to. */
static void set_optimistic(struct lnx *l, uint32_t ifindex)
{
	const struct link_iface *ifc = link_iface(l->link, ifindex);
	char path[64];

	for (unsigned i = 0; ifc != NULL && i < 2; i++) {
		const char *name = ifc->fact.name;

		snprintf(path, sizeof(path), "conf/%s/%s", name, optimistic_sysctl[i]);
		if (want_sysctl(l->want, path, 1) < 0) {
			lnx_log(l, LNX_LOG_WARNING,
				"%s: cannot set net.ipv6.conf.%s.%s: its addresses wait for "
				"duplicate detection",
				name, name, optimistic_sysctl[i]);
			return;
		}
	}
}

static int sysctl_of(const char *interface, const char *name)
{
	char path[64];

	snprintf(path, sizeof(path), "conf/%s/%s", interface, name);
	return nl_sysctl_get(path);
}

void ops_say_ignored(struct lnx *l, const struct link_iface *ifc)
{
	struct lnx_port *p = port_of(l, ifc->fact.ifindex);

	if (p == NULL || p->ignored)
		return;
	p->ignored = true;
	lnx_log(l, LNX_LOG_WARNING,
		"signalling comes in on %s, and is ignored: the interface is in neither "
		"interfaces nor listen-interfaces",
		ifc->fact.name);
}

void ops_check_deaf(struct lnx *l, uint32_t ifindex)
{
	const struct link_iface *ifc = link_iface(l->link, ifindex);
	struct lnx_port *p;
	const char *name;
	bool deaf;

	if (ifc == NULL || !ifc->ours || l->cfg.n_homes == 0)
		return;
	p = port_of(l, ifindex);
	if (p == NULL)
		return;
	name = ifc->fact.name;
	/* accept_ra=0 is what who reads router advertisements in the kernel's place has set. */
	deaf = sysctl_of(name, "forwarding") > 0 && sysctl_of(name, "accept_ra") == 1;
	if (deaf && !p->deaf)
		lnx_log(l, LNX_LOG_WARNING,
			"%s forwards, so the kernel is deaf to router advertisements there: set "
			"net.ipv6.conf.%s.accept_ra=2, or there is no care-of address by them",
			name, name);
	p->deaf = deaf;
}

int ops_attach(void *ctx, uint32_t ifindex)
{
	struct lnx *l = ctx;
	const struct link_iface *ifc = link_iface(l->link, ifindex);
	struct lnx_port *p = port_of(l, ifindex);
	int err = datapath_attach(l->dp, ifindex);

	if (err < 0 && (p == NULL || !p->no_programs))
		lnx_log(l, LNX_LOG_ERROR, "no data path on %s: %s",
			ifc != NULL ? ifc->fact.name : "?", datapath_last_error(l->dp));
	if (p != NULL)
		p->no_programs = err < 0;
	link_programs(l->link, lnx_now(), ifindex, err == 0);
	return err;
}

static void detach(struct lnx *l, uint32_t ifindex)
{
	unwant_programs(l->want, ifindex);
	(void)datapath_detach(l->dp, ifindex);
}

static int home_local_add(struct lnx *l, const struct in6_addr *addr)
{
	int err = datapath_local_add(l->dp, addr, true);

	if (err < 0)
		lnx_log(l, LNX_LOG_ERROR, "cannot set up the home address %s: %s", lnx_ntop(addr),
			strerror(-err));
	return err;
}

static int local_add(struct lnx *l, const struct in6_addr *addr)
{
	int err = datapath_local_add(l->dp, addr, false);

	if (err < 0)
		lnx_log(l, LNX_LOG_ERROR, "cannot receive signalling for %s: %s", lnx_ntop(addr),
			strerror(-err));
	return err;
}

/* ---- Routes and rules ---------------------------------------------------------------------- */

static void route(struct lnx *l, const struct link_route *r, enum link_out_type type, uint32_t id)
{
	const struct nl_route route = {
		.dst = r->dst,
		.dst_len = r->dst_len,
		.gateway = r->gateway,
		.prefsrc = r->prefsrc,
		.oif = r->ifindex != 0 ? r->ifindex : l->tun_ifindex,
		.table = r->table,
		.mtu = r->mtu,
		.onlink = !IN6_IS_ADDR_UNSPECIFIED(&r->gateway),
	};

	if (type == LINK_ROUTE_SET && r->data)
		want_route_later(l->want, &route);
	else if (type == LINK_ROUTE_SET)
		want_route(l->want, &route, id);
	else if (type == LINK_ROUTE_RENEW)
		want_route_anew(l->want, &route);
	else
		unwant_route(l->want, &route);
	l->route_goes = l->route_goes || type == LINK_ROUTE_DEL;
}

static void rule(struct lnx *l, const struct link_rule *r, bool add, uint32_t id)
{
	const struct nl_rule rule = {
		.from = IN6_IS_ADDR_UNSPECIFIED(&r->from) ? NULL : &r->from,
		.to = r->to_len > 0 ? &r->to : NULL,
		.to_len = r->to_len,
		.priority = r->priority,
		.table = r->table,
		.go_to = r->go_to,
		.nop = r->table == 0 && r->go_to == 0,
		.no_default = r->no_default,
	};

	if (add)
		want_rule(l->want, &rule, id);
	else
		unwant_rule(l->want, &rule);
}

static void carry_address(struct lnx *l, const struct link_out *out)
{
	uint32_t ifindex = out->u.addr.ifindex != 0 ? out->u.addr.ifindex : l->tun_ifindex;

	if (out->type == LINK_ADDR_ADD)
		want_addr(l->want, ifindex, &out->u.addr.addr);
	else if (out->type == LINK_ADDR_DEL)
		unwant_addr(l->want, ifindex, &out->u.addr.addr);
	else
		want_no_addr(l->want, ifindex, &out->u.addr.addr, out->u.addr.prefix_len);
}

/* A home link that comes after the start. */
static int home_link_there(struct lnx *l)
{
	int err;

	if (l->fd[FD_ICMP6] < 0)
		return 0; /* not opened yet */
	err = nd_home_link(l);
	if (err == 0)
		err = agent_home_link(l);
	if (err < 0)
		lnx_log(l, LNX_LOG_ERROR, "cannot serve the home link %s: %s", l->home_link,
			strerror(-err));
	else
		lnx_log(l, LNX_LOG_INFO, "the home link %s is there", l->home_link);
	return err;
}

/* ---- Data paths and tunnels ----------------------------------------------------------------- */

/* An entry is changed when the kernel has no route any more that goes. */
static void let_routes_go(struct lnx *l)
{
	if (l->route_goes)
		want_flush(l->want);
	l->route_goes = false;
}

static void set_path(struct lnx *l, const struct bub_path *path)
{
	int err;

	let_routes_go(l);
	xfrm_path(l, path, true);
	err = datapath_path_set(l->dp, path);
	if (err < 0)
		lnx_log(l, LNX_LOG_ERROR, "cannot set the data path from %s to %s: %s",
			lnx_ntop(&path->local), lnx_ntop(&path->peer), strerror(-err));
	link_path_done(l->link, lnx_now(), &path->local, &path->peer, err);
}

static void ask_hop(struct lnx *l, const struct link_hop_question *question)
{
	if (!want_ask(l->want, question))
		link_hop(l->link, lnx_now(), question, NULL);
}

static void del_path(struct lnx *l, const struct bub_path *path)
{
	want_ask_no_more(l->want, &path->local, &path->peer);
	let_routes_go(l);
	(void)datapath_path_del(l->dp, &path->local, &path->peer);
	xfrm_path(l, path, false);
}

/* What concerns them. */
static void operate_paths(struct lnx *l, const struct link_out *out)
{
	switch ((unsigned)out->type) {
	case LINK_PATH_SET:
		set_path(l, &out->u.path);
		break;
	case LINK_PATH_DEL:
		del_path(l, &out->u.path);
		break;
	case LINK_HOP_ASK:
		ask_hop(l, &out->u.question);
		break;
	case LINK_KNOWN_ADD:
		known_add(l, &out->u.local);
		break;
	case LINK_KNOWN_DEL:
		(void)datapath_known_del(l->dp, &out->u.local);
		break;
	case LINK_TUN_MTU:
		tun_set_mtu(l, out->u.mtu);
		break;
	default:
		break;
	}
}

/* ---- One by one ---------------------------------------------------------------------------- */

#define VERDICT_LATER 1 /* it comes by want_verdict() */

/* What is a wish from now on, or is none any more: want.h.  0 or VERDICT_LATER. */
static int operate_wishes(struct lnx *l, const struct link_out *out)
{
	switch ((unsigned)out->type) {
	case LINK_ROUTE_SET:
	case LINK_ROUTE_RENEW:
	case LINK_ROUTE_DEL:
		route(l, &out->u.route, out->type, out->id);
		return VERDICT_LATER;
	case LINK_RULE_ADD:
	case LINK_RULE_DEL:
		rule(l, &out->u.rule, out->type == LINK_RULE_ADD, out->id);
		return VERDICT_LATER;
	case LINK_NEIGH_FORGET:
		want_no_neighbours(l->want, out->u.neigh.ifindex, &out->u.neigh.addr);
		return 0;
	case LINK_ATTACH:
		want_programs(l->want, out->u.iface.ifindex, out->id);
		return VERDICT_LATER;
	case LINK_ADDR_ADD:
	case LINK_ADDR_DEL:
	case LINK_ADDR_CLEAR:
		carry_address(l, out);
		return 0;
	case LINK_ADDR_BESIDE:
		want_care_of(l->want, out);
		return VERDICT_LATER;
	case LINK_NEIGH_SET:
		want_neigh(l->want, out->u.neigh.ifindex, &out->u.neigh.addr, out->u.neigh.mac);
		return 0;
	case LINK_PROXY_ADD:
		want_proxy(l->want, out->u.neigh.ifindex, &out->u.neigh.addr, out->id);
		return VERDICT_LATER;
	case LINK_PROXY_DEL:
		unwant_proxy(l->want, &out->u.neigh.addr);
		return 0;
	default:
		return 0;
	}
}

/* 0, a negative errno or VERDICT_LATER. */
static int operate(struct lnx *l, const struct link_out *out)
{
	switch (out->type) {
	case LINK_ROUTE_SET:
	case LINK_ROUTE_RENEW:
	case LINK_ROUTE_DEL:
	case LINK_RULE_ADD:
	case LINK_RULE_DEL:
	case LINK_NEIGH_FORGET:
	case LINK_ATTACH:
	case LINK_ADDR_ADD:
	case LINK_ADDR_DEL:
	case LINK_ADDR_CLEAR:
	case LINK_ADDR_BESIDE:
	case LINK_NEIGH_SET:
	case LINK_PROXY_ADD:
	case LINK_PROXY_DEL:
		return operate_wishes(l, out);
	case LINK_ND_SEND:
		return nd_carry_out(l, out);
	case LINK_DETACH:
		detach(l, out->u.iface.ifindex);
		return 0;
	case LINK_OPTIMISTIC:
		set_optimistic(l, out->u.iface.ifindex);
		return 0;
	case LINK_LOCAL_ADD:
		return local_add(l, &out->u.local);
	case LINK_LOCAL_DEL:
		return datapath_local_del(l->dp, &out->u.local);
	case LINK_READ_MTU6:
		iface_read_mtu6(l, out->u.iface.ifindex);
		return 0;
	case LINK_HOME_LINK:
		return home_link_there(l);
	case LINK_GROUP_JOIN:
	case LINK_GROUP_LEAVE:
		return nd_group(l, out->u.group.ifindex, &out->u.group.addr,
				out->type == LINK_GROUP_JOIN);
	case LINK_LISTEN:
	case LINK_UNLISTEN:
		return nd_listen(l, out->u.group.ifindex, &out->u.group.addr,
				 out->type == LINK_LISTEN);
	case LINK_PACKET_SEND:
		return tx_raw(l, 0, out->u.packet, (struct bub_view){NULL, 0});
	case LINK_HOME_ADD:
		return home_local_add(l, &out->u.local);
	case LINK_HOME_DEL:
		return datapath_local_del(l->dp, &out->u.local);
	case LINK_EVENT:
		lnx_emit(l, &out->u.event);
		return 0;
	case LINK_SAY:
		say(l, out);
		return 0;
	case LINK_PATH_SET:
	case LINK_PATH_DEL:
	case LINK_HOP_ASK:
	case LINK_KNOWN_ADD:
	case LINK_KNOWN_DEL:
	case LINK_TUN_MTU:
		operate_paths(l, out);
		return 0;
	}
	return 0;
}

static void carry_out(struct lnx *l, const struct link_out *out)
{
	int err = operate(l, out);

	if (out->id != 0 && err != VERDICT_LATER)
		link_done(l->link, lnx_now(), out->id, err);
}

/* And the answers of questions.  False: there was none. */
static bool take_verdicts(struct lnx *l)
{
	struct link_hop_question question;
	struct link_hop hop;
	uint32_t id;
	bool any = false;
	int error;

	for (; want_verdict(l->want, &id, &error); any = true)
		link_done(l->link, lnx_now(), id, error);
	for (; want_told(l->want, &question, &hop); any = true)
		link_hop(l->link, lnx_now(), &question, hop.ifindex != 0 ? &hop : NULL);
	return any;
}

void ops_carry_out(struct lnx *l)
{
	struct link_out out;

	while (link_next_operation(l->link, &out))
		carry_out(l, &out);
}

void ops_tell(struct lnx *l)
{
	struct link_out out;

	if (l->telling) {
		ops_carry_out(l);
		return;
	}
	l->telling = true;
	do {
		while (link_next(l->link, &out))
			carry_out(l, &out);
		want_flush_soon(l->want);
	} while (take_verdicts(l)); /* they bring more */
	l->telling = false;
}
