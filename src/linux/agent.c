/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a home agent needs from the kernel besides tunnels: forwarding, proxy neighbour discovery on
 * a physical home link, or the route of a home prefix that exists on no link.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/addr.h"
#include "internal.h"
#include "linux_group.h"

/* Is the prefix, or part of it, on some link of this host? */
static bool on_a_link(const struct lnx *l, const struct in6_addr *prefix, uint8_t len)
{
	const struct link_addr_fact *a;
	unsigned at = 0;

	while ((a = link_addr_next(l->link, &at)) != NULL) {
		if (a->prefix_len < 128 &&
		    bub_addr_in_prefix(&a->addr, prefix, a->prefix_len < len ? a->prefix_len : len))
			return true;
	}
	return false;
}

static void route_prefix(struct lnx *l, unsigned index)
{
	const struct nl_route r = {
		.dst = l->cfg.ha_prefix[index],
		.dst_len = l->cfg.ha_prefix_len[index],
		.oif = l->tun_ifindex,
		.table = RT_TABLE_MAIN_ID,
	};

	want_route(l->want, &r, 0);
}

/* A virtual home link: everything for the prefix comes to us, with one route instead of one for
 * each mobile node.  What the core has no tunnel for is dropped there and counted. */
static void route_prefixes(struct lnx *l)
{
	for (unsigned i = 0; i < l->cfg.n_ha_prefixes; i++) {
		if (on_a_link(l, &l->cfg.ha_prefix[i], l->cfg.ha_prefix_len[i]))
			return;
	}
	for (unsigned i = 0; i < l->cfg.n_ha_prefixes; i++)
		route_prefix(l, i);
	l->prefix_routed = l->cfg.n_ha_prefixes > 0;
	if (l->prefix_routed)
		link_prefix_routed(l->link);
}

/* The home agents' anycast address of a prefix: requests for home agent address discovery go there
 * (RFC 6275, 10.5). */
static int join_anycast(struct lnx *l, const struct in6_addr *prefix)
{
	struct ipv6_mreq req = {addr_home_agents(prefix), l->home_link_ifindex};
	int err;

	if (req.ipv6mr_interface == 0)
		req.ipv6mr_interface = l->tun_ifindex;
	err = datapath_local_add(l->dp, &req.ipv6mr_multiaddr, false);
	if (err < 0)
		return err;
	if (setsockopt(l->fd[FD_ICMP6], IPPROTO_IPV6, IPV6_JOIN_ANYCAST, &req, sizeof(req)) < 0)
		return -errno;
	return 0;
}

static void leave_anycast(struct lnx *l, const struct in6_addr *prefix)
{
	struct ipv6_mreq req = {addr_home_agents(prefix), l->home_link_ifindex};

	if (req.ipv6mr_interface == 0)
		req.ipv6mr_interface = l->tun_ifindex;
	(void)datapath_local_del(l->dp, &req.ipv6mr_multiaddr);
	(void)setsockopt(l->fd[FD_ICMP6], IPPROTO_IPV6, IPV6_LEAVE_ANYCAST, &req, sizeof(req));
}

/* As a proxy (RFC 4605, 4.2): the link's routers see one listener, whoever of the mobile nodes it
 * is.  The packet socket gets what comes for the group. */
void agent_group(struct lnx *l, const struct in6_addr *group, bool join)
{
	struct ipv6_mreq req = {*group, l->home_link_ifindex};
	int err = join ? datapath_local_add(l->dp, group, false) : datapath_local_del(l->dp, group);

	if (err == 0 && l->cfg.home_link != NULL && l->home_link_ifindex == 0)
		err = -ENODEV;
	if (err == 0 &&
	    setsockopt(l->fd[FD_ICMP6], IPPROTO_IPV6, join ? IPV6_JOIN_GROUP : IPV6_LEAVE_GROUP,
		       &req, sizeof(req)) < 0)
		err = -errno;
	if (err < 0 && join)
		lnx_log(l, LNX_LOG_WARNING, "cannot join %s on %s: %s%s", lnx_ntop(group),
			l->home_link, strerror(-err),
			err == -ENOBUFS || err == -ENOMEM ? ": raise net.core.optmem_max" : "");
}

static void try_anycast(struct lnx *l, unsigned index)
{
	int err = l->aside ? 0 : join_anycast(l, &l->cfg.ha_prefix[index]);

	if (err < 0)
		lnx_log(l, LNX_LOG_WARNING, "no home agent address discovery for %s/%u: %s",
			lnx_ntop(&l->cfg.ha_prefix[index]), l->cfg.ha_prefix_len[index],
			strerror(-err));
}

/* The kernel's proxy answers solicitations, at once: the random delay of RFC 4861, 7.2.8 is for
 * several proxies of one address, and the mobile node's is the only one. */
int agent_home_link(struct lnx *l)
{
	char path[64];
	int err;

	snprintf(path, sizeof(path), "conf/%s/proxy_ndp", l->home_link);
	err = want_sysctl(l->want, path, 1);
	if (err < 0)
		return err;
	snprintf(path, sizeof(path), "neigh/%s/proxy_delay", l->home_link);
	err = want_sysctl(l->want, path, 0);
	if (err < 0)
		lnx_log(l, LNX_LOG_WARNING,
			"cannot set net.ipv6.neigh.%s.proxy_delay: %s; answers for mobile nodes "
			"come late",
			l->home_link, strerror(-err));
	for (unsigned i = 0; i < l->cfg.n_ha_prefixes; i++)
		try_anycast(l, i);
	return 0;
}

/* Only with this one does the kernel look at what it forwards: it answers solicitations sent to a
 * home address itself, by neighbours that ask again (RFC 4861, 7.3), and has packets to a
 * link-local one returned (RFC 6275, 10.4.2). */
static void answer_forwarded(struct lnx *l)
{
	int err = want_sysctl(l->want, "conf/all/proxy_ndp", 1);

	if (err < 0)
		lnx_log(l, LNX_LOG_WARNING,
			"cannot set net.ipv6.conf.all.proxy_ndp: %s; neighbours that ask again get "
			"no answer for mobile nodes",
			strerror(-err));
}

static int open_home_link(struct lnx *l, char *ret_error, size_t error_size)
{
	int err;

	answer_forwarded(l);
	if (l->home_link_ifindex == 0) {
		lnx_log(l, LNX_LOG_WARNING,
			"the home link %s does not exist (yet): bubd waits for it", l->home_link);
		return 0;
	}
	err = agent_home_link(l);
	if (err < 0)
		snprintf(ret_error, error_size, "cannot set net.ipv6.conf.%s.proxy_ndp=1",
			 l->home_link);
	return err;
}

static bool knows_prefix(const struct lnx *l, const struct in6_addr *prefix, uint8_t len)
{
	for (unsigned i = 0; i < l->cfg.n_ha_prefixes; i++) {
		if (l->cfg.ha_prefix_len[i] == len &&
		    bub_addr_in_prefix(prefix, &l->cfg.ha_prefix[i], len))
			return true;
	}
	return false;
}

static void add_prefix(struct lnx *l, const struct in6_addr *prefix, uint8_t len)
{
	unsigned at = l->cfg.n_ha_prefixes;

	if (at == BUB_HA_PREFIXES_MAX) {
		lnx_log(l, LNX_LOG_ERROR, "no room for the home prefix %s/%u: restart bubd",
			lnx_ntop(prefix), len);
		return;
	}
	l->cfg.ha_prefix[at] = *prefix;
	l->cfg.ha_prefix_len[at] = len;
	l->cfg.n_ha_prefixes++;
	if (l->cfg.home_link == NULL || l->home_link_ifindex != 0)
		try_anycast(l, at);
	if (l->prefix_routed)
		route_prefix(l, at);
}

void lnx_home_prefixes(struct lnx *l, const struct bub_ha_prefix *prefix, unsigned n, bool managed,
		       bool other)
{
	for (unsigned i = 0; i < n; i++) {
		if (!knows_prefix(l, &prefix[i].prefix, prefix[i].len))
			add_prefix(l, &prefix[i].prefix, prefix[i].len);
	}
	link_home_prefixes(l->link, lnx_now(), prefix, n, managed, other);
}

bool lnx_has_agent(const struct lnx *l)
{
	const struct link_addr_fact *a;
	unsigned at = 0;

	while ((a = link_addr_next(l->link, &at)) != NULL) {
		if (bub_addr_eq(&a->addr, &l->cfg.home_agent_address))
			return true;
	}
	return false;
}

/* In a prefix that exists on no link the address may be on no interface either.  bub's own then has
 * it: home agents are pinged.  In a group another program says who has it. */
static void have_address(struct lnx *l)
{
	const struct in6_addr *address = &l->cfg.home_agent_address;

	if (l->cfg.in_group || lnx_has_agent(l))
		return;
	for (unsigned i = 0; l->prefix_routed && i < l->cfg.n_ha_prefixes; i++) {
		if (!bub_addr_in_prefix(address, &l->cfg.ha_prefix[i], l->cfg.ha_prefix_len[i]))
			continue;
		want_addr(l->want, l->tun_ifindex, address);
		return;
	}
	lnx_log(l, LNX_LOG_WARNING, "the home agent's address %s is on no interface (yet)",
		lnx_ntop(address));
}

void lnx_place(struct lnx *l, enum link_place place)
{
	const bool aside = place == LINK_ASIDE;

	link_place(l->link, place);
	if (aside == l->aside)
		return;
	l->aside = aside;
	for (unsigned i = 0; i < l->cfg.n_ha_prefixes; i++) {
		if (aside)
			leave_anycast(l, &l->cfg.ha_prefix[i]);
		else if (l->cfg.home_link == NULL || l->home_link_ifindex != 0)
			try_anycast(l, i);
	}
	if (!aside && datapath_local_add(l->dp, &l->cfg.home_agent_address, false) < 0)
		lnx_log(l, LNX_LOG_ERROR, "cannot receive signalling for %s",
			lnx_ntop(&l->cfg.home_agent_address));
	else if (aside && !lnx_has_agent(l))
		(void)datapath_local_del(l->dp, &l->cfg.home_agent_address);
}

int agent_open(struct lnx *l, char *ret_error, size_t error_size)
{
	char path[64] = "conf/all/forwarding";
	int err = 0;

	if (!l->cfg.home_agent)
		return 0;
	if (nl_sysctl_get(path) != 1) {
		snprintf(ret_error, error_size,
			 "a home agent forwards packets: set "
			 "net.ipv6.conf.all.forwarding=1");
		return -EINVAL;
	}
	l->aside = l->cfg.in_group;
	if (l->aside)
		link_place(l->link, LINK_ASIDE);
	else
		err = datapath_local_add(l->dp, &l->cfg.home_agent_address, false);
	if (err < 0) {
		snprintf(ret_error, error_size, "cannot receive signalling: %s", strerror(-err));
		return err;
	}
	if (l->cfg.home_link != NULL) {
		have_address(l);
		return open_home_link(l, ret_error, error_size);
	}
	for (unsigned i = 0; i < l->cfg.n_ha_prefixes; i++)
		try_anycast(l, i);
	route_prefixes(l);
	have_address(l);
	err = want_settle(l->want);
	if (err < 0)
		snprintf(ret_error, error_size, "cannot route the home prefix to %s: %s",
			 l->tun_name, strerror(-err));
	return err;
}
