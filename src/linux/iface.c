/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the kernel has: interfaces, addresses and default routes, read once and kept up to date from
 * rtnetlink's notifications, as facts for the link layer (src/link).  Those of IPv4 are of interest
 * only to a mobile node whose home agent has an address of IPv4 (RFC 5555).
 *
 * When the kernel has to drop notifications, everything is read again and compared there.
 */
#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/filter.h>
#include <linux/if_addr.h>
#include <linux/if_link.h>
#include <linux/netconf.h>
#include <linux/rtnetlink.h>
#include <net/if_arp.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "internal.h"

#define MONITOR_RCVBUF (4 << 20)
#define MONITOR_READS 64 /* of one lnx_readable() */
#define DEVCONF_MTU6_INDEX 2
#define N_IPV4_GROUPS 2 /* of rtnetlink: at the end of the list */

bool iface_is_home(const struct lnx *l, const struct in6_addr *addr)
{
	return link_home(l->link, addr, NULL);
}

static bool iface_wants_ipv4(const struct lnx *l)
{
	for (unsigned i = 0; i < l->cfg.n_homes; i++) {
		if (!IN6_IS_ADDR_UNSPECIFIED(&l->cfg.home_agents_ipv4[i]))
			return true;
	}
	return false;
}

static void feed(struct lnx *l, const struct link_fact *fact)
{
	link_feed(l->link, lnx_now(), fact);
	ops_tell(l);
}

/* ---- Interfaces ---------------------------------------------------------------------------- */

/* IFLA_INET6_CONF is an array of 32-bit numbers by DEVCONF_*. */
static void read_mtu6(struct link_iface_fact *ifc, const struct nlattr *inet6)
{
	const struct nlattr *tb[IFLA_INET6_MAX + 1];
	uint32_t conf[DEVCONF_MTU6_INDEX + 1];

	if (inet6 == NULL)
		return;
	nl_parse_nested(inet6, tb, IFLA_INET6_MAX + 1);
	if (tb[IFLA_INET6_CONF] == NULL ||
	    mnl_attr_get_payload_len(tb[IFLA_INET6_CONF]) < sizeof(conf))
		return;
	memcpy(conf, mnl_attr_get_payload(tb[IFLA_INET6_CONF]), sizeof(conf));
	ifc->mtu6 = conf[DEVCONF_MTU6_INDEX];
}

/* Members of a bridge, bond or team hand their packets to the master, where we listen; else each
 * packet would be seen twice.  A VRF leaves its members their addresses. */
static bool is_port(const struct nlattr *linkinfo)
{
	const struct nlattr *tb[IFLA_INFO_MAX + 1];
	const struct nlattr *kind;

	if (linkinfo == NULL)
		return false;
	nl_parse_nested(linkinfo, tb, IFLA_INFO_MAX + 1);
	kind = tb[IFLA_INFO_SLAVE_KIND];
	return kind != NULL &&
	       strncmp(mnl_attr_get_payload(kind), "vrf", mnl_attr_get_payload_len(kind)) != 0;
}

/* A wireless event speaks of one thing only: what it leaves out is as it was. */
static void read_link(struct link_iface_fact *ifc, const struct ifinfomsg *ifi,
		      const struct nlattr *const *tb)
{
	const unsigned running = IFF_RUNNING | IFF_LOWER_UP;
	const struct nlattr *af[AF_INET6 + 1];

	ifc->up = (ifi->ifi_flags & IFF_UP) != 0;
	ifc->running = (ifi->ifi_flags & running) == running;
	ifc->lower_up = (ifi->ifi_flags & IFF_LOWER_UP) != 0 && !(ifi->ifi_flags & IFF_DORMANT);
	ifc->loopback = (ifi->ifi_flags & IFF_LOOPBACK) != 0;
	if (tb[IFLA_WIRELESS] != NULL)
		return;
	ifc->mtu = nl_u32(tb[IFLA_MTU], ifc->mtu);
	ifc->carrier_losses = nl_u32(tb[IFLA_CARRIER_DOWN_COUNT], ifc->carrier_losses);
	if (tb[IFLA_IFNAME] != NULL)
		snprintf(ifc->name, sizeof(ifc->name), "%.*s",
			 (int)mnl_attr_get_payload_len(tb[IFLA_IFNAME]),
			 (const char *)mnl_attr_get_payload(tb[IFLA_IFNAME]));
	ifc->has_mac = ifi->ifi_type == ARPHRD_ETHER && !(ifi->ifi_flags & IFF_NOARP) &&
		       tb[IFLA_ADDRESS] != NULL &&
		       mnl_attr_get_payload_len(tb[IFLA_ADDRESS]) == sizeof(ifc->mac);
	if (ifc->has_mac)
		memcpy(ifc->mac, mnl_attr_get_payload(tb[IFLA_ADDRESS]), sizeof(ifc->mac));
	ifc->port = is_port(tb[IFLA_LINKINFO]);
	if (tb[IFLA_AF_SPEC] != NULL) {
		nl_parse_nested(tb[IFLA_AF_SPEC], af, AF_INET6 + 1);
		read_mtu6(ifc, af[AF_INET6]);
	}
}

/* A Router Advertisement may have set it, of which the kernel sends no notification. */
void iface_read_mtu6(struct lnx *l, uint32_t ifindex)
{
	const struct link_iface *ifc = link_iface(l->link, ifindex);
	struct link_fact fact = {.type = LINK_FACT_MTU6};
	char path[64];
	int mtu6;

	if (ifc == NULL)
		return;
	snprintf(path, sizeof(path), "conf/%s/mtu", ifc->fact.name);
	mtu6 = nl_sysctl_get(path);
	if (mtu6 < 0)
		return;
	fact.u.iface.ifindex = ifindex;
	fact.u.iface.mtu6 = (uint32_t)mtu6;
	link_feed(l->link, lnx_now(), &fact); /* what it brings is carried out with the rest */
}

static void on_new_link(struct lnx *l, const struct nlmsghdr *nlh)
{
	const struct ifinfomsg *ifi = mnl_nlmsg_get_payload(nlh);
	const uint32_t ifindex = (uint32_t)ifi->ifi_index;
	const struct link_iface *known = link_iface(l->link, ifindex);
	const struct nlattr *tb[IFLA_MAX + 1];
	struct link_fact fact = {.type = LINK_FACT_IFACE};
	bool had_carrier;

	nl_parse(nlh, sizeof(*ifi), tb, IFLA_MAX + 1);
	if (known != NULL)
		fact.u.iface = known->fact;
	fact.u.iface.ifindex = ifindex;
	if (ifi->ifi_family == AF_INET6) {
		fact.type = LINK_FACT_MTU6;
		read_mtu6(&fact.u.iface, tb[IFLA_PROTINFO]);
		if (known != NULL)
			feed(l, &fact);
		return;
	}
	if (ifi->ifi_family != AF_UNSPEC || (known == NULL && tb[IFLA_WIRELESS] != NULL))
		return; /* AF_BRIDGE speaks of ports */
	had_carrier = known != NULL && known->fact.running;
	read_link(&fact.u.iface, ifi, tb);
	fact.u.iface.own = ifindex == l->tun_ifindex;
	if (l->cfg.home_link != NULL && strcmp(fact.u.iface.name, l->home_link) == 0) {
		l->home_link_ifindex = ifindex;
		want_proxies_on(l->want, ifindex);
	}
	feed(l, &fact);
	ops_check_deaf(l, ifindex);
	if (had_carrier != fact.u.iface.running)
		want_link(l->want, ifindex, fact.u.iface.running);
}

/* Forwarding was switched on or off. */
static void on_netconf(struct lnx *l, const struct nlmsghdr *nlh)
{
	const struct nlattr *tb[NETCONFA_MAX + 1];

	nl_parse(nlh, sizeof(struct netconfmsg), tb, NETCONFA_MAX + 1);
	ops_check_deaf(l, nl_u32(tb[NETCONFA_IFINDEX], 0));
}

static void on_del_link(struct lnx *l, const struct nlmsghdr *nlh)
{
	const struct ifinfomsg *ifi = mnl_nlmsg_get_payload(nlh);
	struct link_fact fact = {.type = LINK_FACT_IFACE_GONE};

	fact.u.iface.ifindex = (uint32_t)ifi->ifi_index;
	if (ifi->ifi_family != AF_UNSPEC)
		return;
	feed(l, &fact);
	want_link_gone(l->want, fact.u.iface.ifindex);
}

/* ---- Addresses ----------------------------------------------------------------------------- */

static struct bub_time valid_until(const struct nlattr *cacheinfo)
{
	struct ifa_cacheinfo info;

	if (cacheinfo == NULL || mnl_attr_get_payload_len(cacheinfo) < sizeof(info))
		return BUB_TIME_NEVER;
	memcpy(&info, mnl_attr_get_payload(cacheinfo), sizeof(info));
	if (info.ifa_valid == UINT32_MAX) /* RFC 4861, 4.6.2: for ever */
		return BUB_TIME_NEVER;
	return bub_time_add_s(lnx_now(), info.ifa_valid);
}

static void read_addr(struct link_addr_fact *a, const struct ifaddrmsg *ifa,
		      const struct nlattr *const *tb)
{
	const uint32_t flags = nl_u32(tb[IFA_FLAGS], ifa->ifa_flags);

	a->ifindex = ifa->ifa_index;
	a->prefix_len = ifa->ifa_prefixlen;
	if (ifa->ifa_family == AF_INET)
		a->prefix_len = (uint8_t)(a->prefix_len + 96);
	a->tentative = (flags & IFA_F_TENTATIVE) != 0;
	a->optimistic = (flags & IFA_F_OPTIMISTIC) != 0;
	a->dad_failed = (flags & IFA_F_DADFAILED) != 0;
	a->deprecated = (flags & IFA_F_DEPRECATED) != 0;
	/* The same bit says of one of IPv4 that it is not the first of its prefix. */
	a->temporary = ifa->ifa_family == AF_INET6 && (flags & IFA_F_TEMPORARY) != 0;
	a->permanent = (flags & IFA_F_PERMANENT) != 0;
	a->from_ra = nl_u8(tb[IFA_PROTO], IFAPROT_UNSPEC) == IFAPROT_KERNEL_RA ||
		     (flags & IFA_F_MANAGETEMPADDR) != 0;
	a->no_prefix_route = (flags & IFA_F_NOPREFIXROUTE) != 0;
	a->valid_until = valid_until(tb[IFA_CACHEINFO]);
}

/* Told where it may be used, and where the one that was told may not any more. */
static void on_link_local(struct lnx *l, const struct link_iface *ifc, const struct in6_addr *addr,
			  uint32_t flags)
{
	struct link_fact fact = {.type = LINK_FACT_LINK_LOCAL};

	fact.u.addr.ifindex = ifc->fact.ifindex;
	if ((flags & (IFA_F_TENTATIVE | IFA_F_DADFAILED)) == 0)
		fact.u.addr.addr = *addr;
	else if (!bub_addr_eq(&ifc->link_local, addr))
		return;
	feed(l, &fact);
}

static void on_addr(struct lnx *l, const struct nlmsghdr *nlh)
{
	const struct ifaddrmsg *ifa = mnl_nlmsg_get_payload(nlh);
	const struct link_iface *ifc = link_iface(l->link, ifa->ifa_index);
	const bool there = nlh->nlmsg_type == RTM_NEWADDR;
	const struct nlattr *tb[IFA_MAX + 1];
	struct link_fact fact = {.type = there ? LINK_FACT_ADDR : LINK_FACT_ADDR_GONE};
	struct in6_addr addr;

	nl_parse(nlh, sizeof(*ifa), tb, IFA_MAX + 1);
	/* With a peer address, IFA_LOCAL is ours. */
	if ((ifa->ifa_family != AF_INET6 && ifa->ifa_family != AF_INET) ||
	    (!nl_addr(tb[IFA_LOCAL], &addr) && !nl_addr(tb[IFA_ADDRESS], &addr)))
		return;
	if (IN6_IS_ADDR_LINKLOCAL(&addr) && ifc != NULL) {
		on_link_local(l, ifc, &addr,
			      there ? nl_u32(tb[IFA_FLAGS], ifa->ifa_flags) : IFA_F_DADFAILED);
		return;
	}
	if ((!bub_addr_is_routable(&addr) && !bub_addr_is_ipv4(&addr)) ||
	    ifa->ifa_index == l->tun_ifindex || ifc == NULL)
		return;
	fact.u.addr.addr = addr;
	read_addr(&fact.u.addr, ifa, tb);
	feed(l, &fact);
}

/* ---- Default routes ------------------------------------------------------------------------ */

/* One of IPv4 may lead to a gateway of IPv6 (RFC 5549). */
static void read_gateway(struct link_default_route *r, const struct nlattr *const *tb)
{
	const struct rtvia *via;

	r->gateway = in6addr_any;
	if (nl_addr(tb[RTA_GATEWAY], &r->gateway) || tb[RTA_VIA] == NULL ||
	    mnl_attr_get_payload_len(tb[RTA_VIA]) < sizeof(*via) + sizeof(r->gateway))
		return;
	via = mnl_attr_get_payload(tb[RTA_VIA]);
	r->gateway = addr_at(via->rtvia_addr);
}

/* One route with several next hops is as many facts. */
static void on_next_hops(struct lnx *l, struct link_fact *fact, const struct nlattr *multipath)
{
	const struct rtnexthop *hop = mnl_attr_get_payload(multipath);
	int left = mnl_attr_get_payload_len(multipath);

	for (; left >= (int)sizeof(*hop) && RTNH_OK(hop, left); hop = RTNH_NEXT(hop)) {
		const struct nlattr *tb[RTA_MAX + 1];

		nl_parse_octets((const uint8_t *)hop + sizeof(*hop), hop->rtnh_len - sizeof(*hop),
				tb, RTA_MAX + 1);
		fact->u.route.ifindex = (uint32_t)hop->rtnh_ifindex;
		read_gateway(&fact->u.route, tb);
		feed(l, fact);
		left -= (int)NLMSG_ALIGN(hop->rtnh_len);
	}
}

static void on_route(struct lnx *l, const struct nlmsghdr *nlh)
{
	const struct rtmsg *rtm = mnl_nlmsg_get_payload(nlh);
	const struct nlattr *tb[RTA_MAX + 1];
	struct link_fact fact = {.type = nlh->nlmsg_type == RTM_NEWROUTE ? LINK_FACT_ROUTE
									 : LINK_FACT_ROUTE_GONE};

	if ((rtm->rtm_family != AF_INET6 && rtm->rtm_family != AF_INET) || rtm->rtm_dst_len != 0 ||
	    rtm->rtm_type != RTN_UNICAST || rtm->rtm_protocol == LNX_RTPROT ||
	    (rtm->rtm_flags & RTM_F_CLONED))
		return;
	nl_parse(nlh, sizeof(*rtm), tb, RTA_MAX + 1);
	fact.u.route.ifindex = nl_u32(tb[RTA_OIF], 0);
	fact.u.route.table = nl_u32(tb[RTA_TABLE], rtm->rtm_table);
	fact.u.route.metric = nl_u32(tb[RTA_PRIORITY], 0);
	fact.u.route.from_ra = rtm->rtm_protocol == RTPROT_RA;
	fact.u.route.ipv4 = rtm->rtm_family == AF_INET;
	if (tb[RTA_MULTIPATH] != NULL) {
		on_next_hops(l, &fact, tb[RTA_MULTIPATH]);
		return;
	}
	read_gateway(&fact.u.route, tb);
	feed(l, &fact);
}

/* ---- Reading ------------------------------------------------------------------------------- */

static void on_message(void *ctx, const struct nlmsghdr *nlh)
{
	struct lnx *l = ctx;

	switch (nlh->nlmsg_type) {
	case RTM_NEWLINK:
		on_new_link(l, nlh);
		break;
	case RTM_DELLINK:
		on_del_link(l, nlh);
		break;
	case RTM_NEWADDR:
	case RTM_DELADDR:
		on_addr(l, nlh);
		break;
	case RTM_NEWROUTE:
	case RTM_DELROUTE:
		on_route(l, nlh);
		break;
	case RTM_NEWNETCONF:
		on_netconf(l, nlh);
		break;
	default:
		break;
	}
}

/* @ret_whole is cleared where something may be missing: on a host of containers the table may
 * change each time that it is read. */
static int dump(struct lnx *l, uint16_t type, uint8_t family, bool *ret_whole)
{
	int err = nl_dump(l->nl, type, family, on_message, l);

	if (err != -EINTR)
		return err;
	*ret_whole = false;
	return 0;
}

/* What changes meanwhile is told by notifications, which are read after this.  So no harm is done
 * where a dump is not whole, but that what is missing must not be taken for gone. */
static int iface_resync(struct lnx *l)
{
	bool whole = true;
	int err;

	feed(l, &(struct link_fact){.type = LINK_FACT_DUMP});
	err = dump(l, RTM_GETLINK, AF_INET6, &whole);
	if (err == 0)
		err = dump(l, RTM_GETROUTE, AF_INET6, &whole);
	if (err == 0)
		err = dump(l, RTM_GETADDR, AF_INET6, &whole);
	if (err == 0 && iface_wants_ipv4(l))
		err = dump(l, RTM_GETROUTE, AF_INET, &whole);
	if (err == 0 && iface_wants_ipv4(l))
		err = dump(l, RTM_GETADDR, AF_INET, &whole);
	if (err == 0 && whole)
		feed(l, &(struct link_fact){.type = LINK_FACT_DUMP_END});
	return err;
}

/* Of routes, only default ones are of interest, and bub's own that have gone: a home agent adds a
 * route for each mobile node and need not hear of them.  Of traffic control, what has gone. */
static int filter_routes(int fd)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_H | BPF_ABS, 4), /* nlmsg_type, host order */
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, htons(RTM_NEWQDISC), 9, 0),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, htons(RTM_NEWTFILTER), 8, 0),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, htons(RTM_NEWTCLASS), 7, 0),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, htons(RTM_NEWROUTE), 3, 0),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, htons(RTM_DELROUTE), 0, 4),
		BPF_STMT(BPF_LD | BPF_B | BPF_ABS, 21), /* rtm_protocol */
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, LNX_RTPROT, 2, 0),
		BPF_STMT(BPF_LD | BPF_B | BPF_ABS, 17), /* rtm_dst_len */
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 0, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, UINT32_MAX),
		BPF_STMT(BPF_RET | BPF_K, 0),
	};
	struct sock_fprog prog = {sizeof(code) / sizeof(code[0]), code};

	if (setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &prog, sizeof(prog)) < 0)
		return -errno;
	return 0;
}

int iface_open(struct lnx *l, char *ret_error, size_t error_size)
{
	static const int group[] = {RTNLGRP_LINK,        RTNLGRP_IPV6_IFADDR,  RTNLGRP_IPV6_ROUTE,
				    RTNLGRP_IPV6_IFINFO, RTNLGRP_IPV6_NETCONF, RTNLGRP_IPV6_RULE,
				    RTNLGRP_TC,          RTNLGRP_IPV4_IFADDR,  RTNLGRP_IPV4_ROUTE};
	const size_t n_groups =
		sizeof(group) / sizeof(group[0]) - (iface_wants_ipv4(l) ? 0 : N_IPV4_GROUPS);
	struct sockaddr_nl sa = {.nl_family = AF_NETLINK};
	int size = MONITOR_RCVBUF;
	int fd, err;

	fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_ROUTE);
	l->fd[FD_MONITOR] = fd;
	if (fd < 0 || bind(fd, (struct sockaddr *)&sa, sizeof(sa)) < 0) {
		snprintf(ret_error, error_size, "cannot watch the network configuration: %s",
			 strerror(errno));
		return -errno;
	}
	(void)setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size));
	err = filter_routes(fd);
	for (size_t i = 0; err == 0 && i < n_groups; i++) {
		if (setsockopt(fd, SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, &group[i],
			       sizeof(group[i])) < 0)
			err = -errno;
	}
	if (err == 0)
		err = iface_resync(l);
	if (err < 0)
		snprintf(ret_error, error_size, "cannot read the network configuration: %s",
			 strerror(-err));
	return err;
}

static void on_notice(struct lnx *l, const struct nlmsghdr *nlh)
{
	on_message(l, nlh);
	want_heard(l->want, nlh);
}

/* The kernel tells of a carrier up to a second late, and of a loss that is over by then not at all;
 * asked, it says how things are now.  The answer comes in line with the notifications. */
void iface_ask(struct lnx *l, uint32_t ifindex)
{
	const struct {
		struct nlmsghdr head;
		struct ifinfomsg ifi;
	} msg = {
		.head = {.nlmsg_len = sizeof(msg),
			 .nlmsg_type = RTM_GETLINK,
			 .nlmsg_flags = NLM_F_REQUEST},
		.ifi = {.ifi_family = AF_UNSPEC, .ifi_index = (int)ifindex},
	};

	/* Not sent: the notification will do. */
	if (send(l->fd[FD_MONITOR], &msg, sizeof(msg), MSG_DONTWAIT) == (ssize_t)sizeof(msg))
		iface_monitor_readable(l);
}

/* What is waiting is older than what a dump will say, and must not be believed after it. */
static void discard(struct lnx *l, uint8_t *buf, size_t size)
{
	while (recv(l->fd[FD_MONITOR], buf, size, MSG_DONTWAIT) >= 0 || errno == ENOBUFS)
		;
}

void iface_monitor_readable(struct lnx *l)
{
	uint8_t buf[32768];

	for (unsigned i = 0; i < MONITOR_READS; i++) {
		ssize_t n = nl_recv(l->fd[FD_MONITOR], buf, sizeof(buf), MSG_DONTWAIT,
				    &l->count[COUNT_NETLINK_FOREIGN]);
		const struct nlmsghdr *nlh = (const struct nlmsghdr *)(const void *)buf;
		int left = (int)n;

		if (n < 0 && errno == ENOBUFS) {
			l->count[COUNT_NETLINK_OVERRUN]++;
			discard(l, buf, sizeof(buf));
			if (iface_resync(l) < 0)
				lnx_log(l, LNX_LOG_ERROR, "cannot read the network configuration");
			want_missed(l->want);
			return;
		}
		if (n == 0)
			continue;
		if (n < 0)
			return;
		for (; mnl_nlmsg_ok(nlh, left); nlh = mnl_nlmsg_next(nlh, &left))
			on_notice(l, nlh);
	}
}
