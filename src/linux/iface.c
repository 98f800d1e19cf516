/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the kernel has: interfaces, IPv6 addresses and default routes, read once and kept up to date
 * from rtnetlink's notifications.  Decides which interfaces are ours, puts the BPF programs on
 * them, and tells the packet filter which addresses are local.  Which address may serve as a
 * care-of address is movement.c's business.
 *
 * When the kernel has to drop notifications, everything is read again and compared.
 */
#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/filter.h>
#include <linux/if_addr.h>
#include <linux/if_link.h>
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

struct lnx_iface *iface_find(struct lnx *l, uint32_t ifindex)
{
	for (unsigned i = 0; ifindex != 0 && i < LNX_IFACES_MAX; i++) {
		if (l->iface[i].ifindex == ifindex)
			return &l->iface[i];
	}
	return NULL;
}

struct lnx_iface *iface_find_name(struct lnx *l, const char *name)
{
	for (unsigned i = 0; i < LNX_IFACES_MAX; i++) {
		if (l->iface[i].ifindex != 0 && strcmp(l->iface[i].name, name) == 0)
			return &l->iface[i];
	}
	return NULL;
}

bool iface_is_home(const struct lnx *l, const struct in6_addr *addr)
{
	for (unsigned i = 0; i < l->cfg.n_homes; i++) {
		if (bub_addr_eq(&l->home[i].addr, addr))
			return true;
	}
	return false;
}

uint32_t iface_mtu(const struct lnx_iface *ifc)
{
	return ifc->mtu6 >= BUB_MIN_MTU && ifc->mtu6 < ifc->mtu ? ifc->mtu6 : ifc->mtu;
}

/* ---- Interfaces ---------------------------------------------------------------------------- */

/* May signalling come in here?  Sets the preference as well. */
static bool is_ours(struct lnx *l, struct lnx_iface *ifc)
{
	ifc->preference = 0;
	ifc->optimistic = false;
	if (ifc->ifindex == l->tun_ifindex || (ifc->flags & IFF_LOOPBACK) || ifc->port)
		return false;
	if (l->cfg.home_link != NULL && strcmp(ifc->name, l->home_link) == 0)
		return true;
	for (unsigned i = 0; i < l->cfg.n_interfaces; i++) {
		if (strcmp(ifc->name, l->if_names[i]) == 0) {
			ifc->preference = l->cfg.preference[i];
			ifc->optimistic = l->cfg.optimistic[i];
			return true;
		}
	}
	return l->cfg.n_interfaces == 0;
}

static const char *const optimistic_sysctl[2] = {"optimistic_dad", "use_optimistic"};

/* The kernel makes optimistic addresses, and takes them for sources, only where it is told to. */
static void set_optimistic(struct lnx *l, struct lnx_iface *ifc)
{
	char path[64];

	for (unsigned i = 0; ifc->optimistic && i < 2; i++) {
		int before;

		if (ifc->sysctl_optimistic[i] != 0)
			continue;
		snprintf(path, sizeof(path), "conf/%s/%s", ifc->name, optimistic_sysctl[i]);
		before = nl_sysctl_get(path);
		if (before < 0 || nl_sysctl_set(path, "1") < 0) {
			lnx_log(l, LNX_LOG_WARNING,
				"%s: cannot set net.ipv6.conf.%s.%s: its addresses wait for "
				"duplicate detection",
				ifc->name, ifc->name, optimistic_sysctl[i]);
			return;
		}
		ifc->sysctl_optimistic[i] = before + 1;
	}
}

void iface_close(struct lnx *l)
{
	char path[64];

	for (unsigned i = 0; i < LNX_IFACES_MAX; i++) {
		const struct lnx_iface *ifc = &l->iface[i];

		for (unsigned k = 0; ifc->ifindex != 0 && k < 2; k++) {
			if (ifc->sysctl_optimistic[k] != 1)
				continue; /* not touched, or it was on before */
			snprintf(path, sizeof(path), "conf/%s/%s", ifc->name, optimistic_sysctl[k]);
			(void)nl_sysctl_set(path, "0");
		}
	}
}

static void attach(struct lnx *l, struct lnx_iface *ifc)
{
	int err;

	if (ifc->ours == ifc->attached)
		return;
	if (!ifc->ours) {
		datapath_detach(l->dp, ifc->ifindex);
		ifc->attached = false;
		return;
	}
	err = datapath_attach(l->dp, ifc->ifindex);
	if (err < 0) {
		lnx_log(l, LNX_LOG_ERROR, "cannot attach the BPF programs to %s: %s", ifc->name,
			strerror(-err));
		return;
	}
	ifc->attached = true;
}

static struct lnx_iface *iface_add(struct lnx *l, uint32_t ifindex)
{
	for (unsigned i = 0; i < LNX_IFACES_MAX; i++) {
		if (l->iface[i].ifindex != 0)
			continue;
		l->iface[i] = (struct lnx_iface){.ifindex = ifindex};
		return &l->iface[i];
	}
	if (!l->ifaces_full)
		lnx_log(l, LNX_LOG_WARNING, "more than %d interfaces: the others are ignored",
			LNX_IFACES_MAX);
	l->ifaces_full = true;
	return NULL;
}

/* IFLA_INET6_CONF is an array of 32-bit numbers by DEVCONF_*. */
static void read_mtu6(struct lnx_iface *ifc, const struct nlattr *inet6)
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

static void read_link(struct lnx_iface *ifc, const struct ifinfomsg *ifi,
		      const struct nlattr *const *tb)
{
	const struct nlattr *af[AF_INET6 + 1];

	uint32_t mtu_before = ifc->mtu;

	ifc->flags = ifi->ifi_flags;
	ifc->mtu = nl_u32(tb[IFLA_MTU], ifc->mtu);
	if (tb[IFLA_IFNAME] != NULL)
		snprintf(ifc->name, sizeof(ifc->name), "%.*s",
			 (int)mnl_attr_get_payload_len(tb[IFLA_IFNAME]),
			 (const char *)mnl_attr_get_payload(tb[IFLA_IFNAME]));
	ifc->has_mac = ifi->ifi_type == ARPHRD_ETHER && !(ifc->flags & IFF_NOARP) &&
		       tb[IFLA_ADDRESS] != NULL &&
		       mnl_attr_get_payload_len(tb[IFLA_ADDRESS]) == sizeof(ifc->mac);
	if (ifc->has_mac)
		memcpy(ifc->mac, mnl_attr_get_payload(tb[IFLA_ADDRESS]), sizeof(ifc->mac));
	ifc->port = is_port(tb[IFLA_LINKINFO]);
	if (tb[IFLA_AF_SPEC] != NULL) {
		nl_parse_nested(tb[IFLA_AF_SPEC], af, AF_INET6 + 1);
		read_mtu6(ifc, af[AF_INET6]);
	}
	/* A change resets that of IPv6, but only after this message was written. */
	if (ifc->mtu != mtu_before && mtu_before != 0)
		ifc->mtu6 = 0;
}

static void set_carrier(struct lnx *l, struct lnx_iface *ifc, bool carrier)
{
	if (carrier == ifc->carrier)
		return;
	ifc->carrier = carrier;
	if (carrier)
		movement_carrier_up(l, ifc);
	else
		movement_carrier_down(l, ifc);
	tun_fit(l);
}

static void mtu_changed(struct lnx *l)
{
	l->paths_dirty = true;
	tun_fit(l);
	tunnel_refresh(l);
}

void iface_read_mtu6(struct lnx *l, struct lnx_iface *ifc)
{
	uint32_t before = iface_mtu(ifc);
	char path[64];
	int mtu6;

	snprintf(path, sizeof(path), "conf/%s/mtu", ifc->name);
	mtu6 = nl_sysctl_get(path);
	if (mtu6 < 0)
		return;
	ifc->mtu6 = (uint32_t)mtu6;
	if (iface_mtu(ifc) != before)
		mtu_changed(l);
}

static void on_new_link(struct lnx *l, const struct nlmsghdr *nlh)
{
	const unsigned up = IFF_UP | IFF_RUNNING | IFF_LOWER_UP;
	const struct ifinfomsg *ifi = mnl_nlmsg_get_payload(nlh);
	const struct nlattr *tb[IFLA_MAX + 1];
	struct lnx_iface *ifc = iface_find(l, (uint32_t)ifi->ifi_index);
	uint32_t mtu;

	nl_parse(nlh, sizeof(*ifi), tb, IFLA_MAX + 1);
	if (ifi->ifi_family == AF_INET6) {
		mtu = ifc != NULL ? iface_mtu(ifc) : 0;
		if (ifc != NULL)
			read_mtu6(ifc, tb[IFLA_PROTINFO]);
		if (ifc != NULL && iface_mtu(ifc) != mtu)
			mtu_changed(l);
		return;
	}
	if (ifi->ifi_family != AF_UNSPEC)
		return; /* AF_BRIDGE speaks of ports */
	if (ifc == NULL)
		ifc = iface_add(l, (uint32_t)ifi->ifi_index);
	if (ifc == NULL)
		return;
	mtu = iface_mtu(ifc);
	read_link(ifc, ifi, tb);
	if (mtu != 0 && iface_mtu(ifc) != mtu)
		mtu_changed(l);
	ifc->seen = true;
	ifc->ours = is_ours(l, ifc);
	set_optimistic(l, ifc);
	if (l->cfg.home_link != NULL && strcmp(ifc->name, l->home_link) == 0)
		l->home_link_ifindex = ifc->ifindex;
	attach(l, ifc);
	set_carrier(l, ifc, ifc->ours && (ifc->flags & up) == up);
}

/* ---- Addresses ----------------------------------------------------------------------------- */

static struct lnx_addr *addr_find(struct lnx *l, uint32_t ifindex, const struct in6_addr *addr)
{
	for (unsigned i = 0; i < LNX_ADDRS_MAX; i++) {
		if (l->addr[i].ifindex == ifindex && bub_addr_eq(&l->addr[i].addr, addr))
			return &l->addr[i];
	}
	return NULL;
}

static struct lnx_addr *addr_add(struct lnx *l, uint32_t ifindex, const struct in6_addr *addr)
{
	for (unsigned i = 0; i < LNX_ADDRS_MAX; i++) {
		if (l->addr[i].ifindex != 0)
			continue;
		l->addr[i] = (struct lnx_addr){
			.addr = *addr,
			.ifindex = ifindex,
			.care_of = -1,
			.local_del_due = BUB_TIME_NEVER,
		};
		return &l->addr[i];
	}
	if (!l->addrs_full)
		lnx_log(l, LNX_LOG_WARNING, "more than %d addresses: the others are ignored",
			LNX_ADDRS_MAX);
	l->addrs_full = true;
	return NULL;
}

/* Not to be used yet, or never (RFC 6275, 11.5.3; RFC 4429, 3.3). */
bool iface_addr_is_tentative(const struct lnx_iface *ifc, const struct lnx_addr *a)
{
	if (a->flags & IFA_F_DADFAILED)
		return true;
	return (a->flags & IFA_F_TENTATIVE) && !(ifc->optimistic && (a->flags & IFA_F_OPTIMISTIC));
}

/* Lets signalling to the address pass the packet filter. */
static void local_add(struct lnx *l, const struct lnx_iface *ifc, struct lnx_addr *a)
{
	int err;

	a->local_del_due = BUB_TIME_NEVER;
	if (a->local || iface_addr_is_tentative(ifc, a))
		return;
	err = datapath_local_add(l->dp, &a->addr, false);
	if (err < 0)
		lnx_log(l, LNX_LOG_ERROR, "cannot receive signalling for %s: %s",
			lnx_ntop(&a->addr), strerror(-err));
	a->local = err == 0;
}

/* Frees the slot of an address that has left the kernel. */
static void addr_free(struct lnx *l, struct lnx_addr *a)
{
	bool elsewhere = bub_addr_eq(&a->addr, &l->cfg.home_agent_address) && l->cfg.home_agent;

	for (unsigned i = 0; i < LNX_ADDRS_MAX; i++) {
		const struct lnx_addr *o = &l->addr[i];

		if (o != a && o->ifindex != 0 && o->local && bub_addr_eq(&o->addr, &a->addr))
			elsewhere = true;
	}
	if (a->local && !elsewhere)
		datapath_local_del(l->dp, &a->addr);
	l->n_gone -= a->gone;
	*a = (struct lnx_addr){0};
}

/* The filter keeps the address for the grace period: packets are on their way to it. */
static void addr_gone(struct lnx *l, struct lnx_addr *a)
{
	const struct lnx_iface *ifc = iface_find(l, a->ifindex);

	movement_addr_gone(l, a);
	a->gone = true;
	l->n_gone++;
	if (!a->local || ifc == NULL || !(ifc->flags & IFF_UP)) {
		addr_free(l, a);
		return;
	}
	a->local_del_due = bub_time_add_ms(lnx_now(), DATAPATH_GRACE_MS);
}

void iface_local_expire(struct lnx *l, struct bub_time now)
{
	for (unsigned i = 0; l->n_gone > 0 && i < LNX_ADDRS_MAX; i++) {
		struct lnx_addr *a = &l->addr[i];

		if (a->ifindex != 0 && a->gone && !bub_time_before(now, a->local_del_due))
			addr_free(l, a);
	}
}

struct bub_time iface_deadline(const struct lnx *l)
{
	struct bub_time t = BUB_TIME_NEVER;

	for (unsigned i = 0; l->n_gone > 0 && i < LNX_ADDRS_MAX; i++) {
		const struct lnx_addr *a = &l->addr[i];

		if (a->ifindex != 0 && a->gone && bub_time_before(a->local_del_due, t))
			t = a->local_del_due;
	}
	return t;
}

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

static void on_addr(struct lnx *l, const struct nlmsghdr *nlh)
{
	const struct ifaddrmsg *ifa = mnl_nlmsg_get_payload(nlh);
	const struct nlattr *tb[IFA_MAX + 1];
	struct lnx_iface *ifc = iface_find(l, ifa->ifa_index);
	struct in6_addr addr;
	struct lnx_addr *a;

	nl_parse(nlh, sizeof(*ifa), tb, IFA_MAX + 1);
	/* With a peer address, IFA_LOCAL is ours. */
	if (ifa->ifa_family != AF_INET6 ||
	    (!nl_addr(tb[IFA_LOCAL], &addr) && !nl_addr(tb[IFA_ADDRESS], &addr)))
		return;
	if (!bub_addr_is_routable(&addr) || ifa->ifa_index == l->tun_ifindex || ifc == NULL)
		return;
	if (iface_is_home(l, &addr)) {
		if (ifc->ours && nlh->nlmsg_type == RTM_NEWADDR)
			homelink_on_addr(l, ifc->ifindex, &addr, ifa->ifa_prefixlen,
					 nl_u32(tb[IFA_FLAGS], ifa->ifa_flags));
		return;
	}
	a = addr_find(l, ifa->ifa_index, &addr);
	if (nlh->nlmsg_type == RTM_DELADDR) {
		if (a != NULL && !a->gone)
			addr_gone(l, a);
		return;
	}
	if (a == NULL)
		a = addr_add(l, ifa->ifa_index, &addr);
	if (a == NULL)
		return;
	a->flags = nl_u32(tb[IFA_FLAGS], ifa->ifa_flags);
	a->prefix_len = ifa->ifa_prefixlen;
	a->proto = nl_u8(tb[IFA_PROTO], IFAPROT_UNSPEC);
	a->epoch = ifc->epoch;
	a->valid_until = valid_until(tb[IFA_CACHEINFO]);
	l->n_gone -= a->gone;
	a->gone = false;
	a->seen = true;
	local_add(l, ifc, a);
	movement_evaluate(l, ifc);
}

/* ---- Links that go -------------------------------------------------------------------------- */

static void link_gone(struct lnx *l, struct lnx_iface *ifc)
{
	uint32_t ifindex = ifc->ifindex;

	set_carrier(l, ifc, false);
	for (unsigned i = 0; i < LNX_ADDRS_MAX; i++) {
		if (l->addr[i].ifindex == ifindex && !l->addr[i].gone)
			addr_gone(l, &l->addr[i]);
	}
	if (ifc->attached)
		datapath_detach(l->dp, ifindex);
	*ifc = (struct lnx_iface){0};
}

static void on_del_link(struct lnx *l, const struct nlmsghdr *nlh)
{
	const struct ifinfomsg *ifi = mnl_nlmsg_get_payload(nlh);
	struct lnx_iface *ifc = iface_find(l, (uint32_t)ifi->ifi_index);

	if (ifi->ifi_family == AF_UNSPEC && ifc != NULL)
		link_gone(l, ifc);
}

/* ---- Default routes ------------------------------------------------------------------------ */

static struct lnx_default_route *defroute_find(struct lnx *l, const struct lnx_default_route *key)
{
	for (unsigned i = 0; i < LNX_DEFAULT_ROUTES_MAX; i++) {
		struct lnx_default_route *d = &l->defroute[i];

		if (d->ifindex == key->ifindex && d->table == key->table &&
		    d->metric == key->metric && bub_addr_eq(&d->gateway, &key->gateway))
			return d;
	}
	return NULL;
}

static void on_route(struct lnx *l, const struct nlmsghdr *nlh)
{
	const struct rtmsg *rtm = mnl_nlmsg_get_payload(nlh);
	const struct nlattr *tb[RTA_MAX + 1];
	struct lnx_default_route key = {0}, *d;
	struct lnx_iface *ifc;

	if (rtm->rtm_family != AF_INET6 || rtm->rtm_dst_len != 0 || rtm->rtm_type != RTN_UNICAST ||
	    rtm->rtm_protocol == LNX_RTPROT || (rtm->rtm_flags & RTM_F_CLONED))
		return;
	nl_parse(nlh, sizeof(*rtm), tb, RTA_MAX + 1);
	key.ifindex = nl_u32(tb[RTA_OIF], 0);
	key.table = nl_u32(tb[RTA_TABLE], rtm->rtm_table);
	key.metric = nl_u32(tb[RTA_PRIORITY], 0);
	key.protocol = rtm->rtm_protocol;
	key.seen = true;
	nl_addr(tb[RTA_GATEWAY], &key.gateway);
	ifc = iface_find(l, key.ifindex);
	if (ifc == NULL || key.ifindex == l->tun_ifindex)
		return;
	l->paths_dirty = true;
	d = defroute_find(l, &key);
	if (nlh->nlmsg_type == RTM_DELROUTE) {
		if (d != NULL)
			d->ifindex = 0;
		return;
	}
	if (d == NULL) {
		for (unsigned i = 0; d == NULL && i < LNX_DEFAULT_ROUTES_MAX; i++) {
			if (l->defroute[i].ifindex == 0)
				d = &l->defroute[i];
		}
	}
	if (d == NULL)
		return; /* 32 default routes: one of the others will do */
	*d = key;
	movement_evaluate(l, ifc);
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
	default:
		break;
	}
}

static int dump(struct lnx *l, uint16_t type)
{
	int err = -EINTR;

	/* The kernel says EINTR when the table changed while it was read. */
	for (unsigned tries = 0; err == -EINTR && tries < 4; tries++)
		err = nl_dump(l->nl, type, on_message, l);
	return err;
}

int iface_resync(struct lnx *l)
{
	int err;

	for (unsigned i = 0; i < LNX_IFACES_MAX; i++)
		l->iface[i].seen = false;
	for (unsigned i = 0; i < LNX_ADDRS_MAX; i++)
		l->addr[i].seen = false;
	for (unsigned i = 0; i < LNX_DEFAULT_ROUTES_MAX; i++)
		l->defroute[i].seen = false;

	err = dump(l, RTM_GETLINK);
	if (err == 0)
		err = dump(l, RTM_GETROUTE);
	if (err == 0)
		err = dump(l, RTM_GETADDR);
	if (err < 0)
		return err;

	for (unsigned i = 0; i < LNX_IFACES_MAX; i++) {
		if (l->iface[i].ifindex != 0 && !l->iface[i].seen)
			link_gone(l, &l->iface[i]);
	}
	for (unsigned i = 0; i < LNX_ADDRS_MAX; i++) {
		if (l->addr[i].ifindex != 0 && !l->addr[i].seen && !l->addr[i].gone)
			addr_gone(l, &l->addr[i]);
	}
	for (unsigned i = 0; i < LNX_DEFAULT_ROUTES_MAX; i++) {
		if (!l->defroute[i].seen)
			l->defroute[i].ifindex = 0;
	}
	return 0;
}

/* Of routes, only default ones are of interest: a home agent adds a route for each mobile node and
 * need not hear of them. */
static int filter_routes(int fd)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_H | BPF_ABS, 4), /* nlmsg_type, host order */
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, htons(RTM_NEWROUTE), 1, 0),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, htons(RTM_DELROUTE), 0, 2),
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
	static const int group[] = {RTNLGRP_LINK, RTNLGRP_IPV6_IFADDR, RTNLGRP_IPV6_ROUTE,
				    RTNLGRP_IPV6_IFINFO};
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
	for (size_t i = 0; err == 0 && i < sizeof(group) / sizeof(group[0]); i++) {
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
		ssize_t n = recv(l->fd[FD_MONITOR], buf, sizeof(buf), MSG_DONTWAIT);
		const struct nlmsghdr *nlh = (const struct nlmsghdr *)(const void *)buf;
		int left = (int)n;

		if (n < 0 && errno == ENOBUFS) {
			l->count[COUNT_NETLINK_OVERRUN]++;
			discard(l, buf, sizeof(buf));
			if (iface_resync(l) < 0)
				lnx_log(l, LNX_LOG_ERROR, "cannot read the network configuration");
			return;
		}
		if (n <= 0)
			return;
		for (; mnl_nlmsg_ok(nlh, left); nlh = mnl_nlmsg_next(nlh, &left))
			on_message(l, nlh);
	}
}
