/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Requests to rtnetlink as octets (rtm.h), by libmnl.
 */
#include "rtm.h"

#include <libmnl/libmnl.h>
#include <linux/fib_rules.h>
#include <linux/if.h>
#include <linux/if_addr.h>
#include <linux/if_link.h>
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>
#include <string.h>
#include <sys/socket.h>

static struct nlmsghdr *rtm_begin(struct rtm *ret, uint16_t type, uint16_t flags)
{
	struct nlmsghdr *nlh;

	memset(ret, 0, sizeof(*ret));
	nlh = mnl_nlmsg_put_header(ret->octets);
	nlh->nlmsg_type = type;
	nlh->nlmsg_flags = (uint16_t)(NLM_F_REQUEST | NLM_F_ACK | flags);
	return nlh;
}

static void rtm_put_addr(struct nlmsghdr *nlh, uint16_t type, const struct in6_addr *a)
{
	mnl_attr_put(nlh, type, sizeof(*a), a);
}

struct nlmsghdr *rtm_addr(struct rtm *ret, bool add, uint32_t ifindex, const struct in6_addr *addr,
			  uint8_t prefix_len)
{
	struct nlmsghdr *nlh = rtm_begin(ret, add ? RTM_NEWADDR : RTM_DELADDR,
					 add ? NLM_F_CREATE | NLM_F_REPLACE : 0);
	struct ifaddrmsg *ifa = mnl_nlmsg_put_extra_header(nlh, sizeof(*ifa));

	ifa->ifa_family = AF_INET6;
	ifa->ifa_prefixlen = prefix_len;
	ifa->ifa_scope = RT_SCOPE_UNIVERSE;
	ifa->ifa_index = ifindex;
	rtm_put_addr(nlh, IFA_LOCAL, addr);
	rtm_put_addr(nlh, IFA_ADDRESS, addr);
	/* The address is the mobile node's wherever it is: nobody else can have it, so a second of
	 * duplicate detection at each handover would only be an outage (RFC 6275, 11.5.5). */
	if (add)
		mnl_attr_put_u32(nlh, IFA_FLAGS, IFA_F_NODAD | IFA_F_NOPREFIXROUTE);
	return nlh;
}

struct nlmsghdr *rtm_care_of(struct rtm *ret, uint32_t ifindex, const struct in6_addr *addr,
			     uint8_t prefix_len, uint32_t valid_s, bool deprecated, bool optimistic)
{
	const struct ifa_cacheinfo life = {
		.ifa_valid = valid_s,
		.ifa_prefered = deprecated ? 0 : valid_s,
	};
	struct nlmsghdr *nlh = rtm_begin(ret, RTM_NEWADDR, NLM_F_CREATE | NLM_F_REPLACE);
	struct ifaddrmsg *ifa = mnl_nlmsg_put_extra_header(nlh, sizeof(*ifa));

	ifa->ifa_family = AF_INET6;
	ifa->ifa_prefixlen = prefix_len;
	ifa->ifa_scope = RT_SCOPE_UNIVERSE;
	ifa->ifa_index = ifindex;
	rtm_put_addr(nlh, IFA_LOCAL, addr);
	rtm_put_addr(nlh, IFA_ADDRESS, addr);
	mnl_attr_put(nlh, IFA_CACHEINFO, sizeof(life), &life);
	mnl_attr_put_u32(nlh, IFA_FLAGS, IFA_F_NOPREFIXROUTE | (optimistic ? IFA_F_OPTIMISTIC : 0));
	return nlh;
}

struct nlmsghdr *rtm_route(struct rtm *ret, bool add, const struct nl_route *r)
{
	struct nlmsghdr *nlh = rtm_begin(ret, add ? RTM_NEWROUTE : RTM_DELROUTE,
					 add ? NLM_F_CREATE | NLM_F_REPLACE : 0);
	struct rtmsg *rtm = mnl_nlmsg_put_extra_header(nlh, sizeof(*rtm));

	rtm->rtm_family = AF_INET6;
	rtm->rtm_dst_len = r->dst_len;
	rtm->rtm_protocol = LNX_RTPROT;
	rtm->rtm_scope = RT_SCOPE_UNIVERSE;
	rtm->rtm_type = add ? RTN_UNICAST : RTN_UNSPEC;
	rtm->rtm_table = r->table < 256 ? (uint8_t)r->table : RT_TABLE_UNSPEC;
	mnl_attr_put_u32(nlh, RTA_TABLE, r->table);
	if (r->dst_len > 0)
		rtm_put_addr(nlh, RTA_DST, &r->dst);
	if (r->metric != 0)
		mnl_attr_put_u32(nlh, RTA_PRIORITY, r->metric);
	if (r->oif != 0)
		mnl_attr_put_u32(nlh, RTA_OIF, r->oif);
	if (!add)
		return nlh;

	if (!IN6_IS_ADDR_UNSPECIFIED(&r->gateway)) {
		rtm_put_addr(nlh, RTA_GATEWAY, &r->gateway);
		if (r->onlink)
			rtm->rtm_flags |= RTNH_F_ONLINK;
	}
	if (!IN6_IS_ADDR_UNSPECIFIED(&r->prefsrc))
		rtm_put_addr(nlh, RTA_PREFSRC, &r->prefsrc);
	if (r->mtu != 0) {
		struct nlattr *nest = mnl_attr_nest_start(nlh, RTA_METRICS);

		mnl_attr_put_u32(nlh, RTAX_MTU, r->mtu);
		mnl_attr_nest_end(nlh, nest);
	}
	return nlh;
}

struct nlmsghdr *rtm_rule(struct rtm *ret, bool add, const struct nl_rule *r)
{
	struct nlmsghdr *nlh = rtm_begin(ret, add ? RTM_NEWRULE : RTM_DELRULE,
					 add ? NLM_F_CREATE | NLM_F_EXCL : 0);
	struct fib_rule_hdr *frh = mnl_nlmsg_put_extra_header(nlh, sizeof(*frh));

	frh->family = AF_INET6;
	if (r->nop) {
		frh->action = FR_ACT_NOP;
	} else if (r->go_to != 0) {
		frh->action = FR_ACT_GOTO;
		mnl_attr_put_u32(nlh, FRA_GOTO, r->go_to);
	} else {
		frh->action = FR_ACT_TO_TBL;
		frh->table = r->table < 256 ? (uint8_t)r->table : RT_TABLE_UNSPEC;
		mnl_attr_put_u32(nlh, FRA_TABLE, r->table);
	}
	mnl_attr_put_u32(nlh, FRA_PRIORITY, r->priority);
	mnl_attr_put_u8(nlh, FRA_PROTOCOL, LNX_RTPROT);
	if (r->from != NULL) {
		frh->src_len = 128;
		rtm_put_addr(nlh, FRA_SRC, r->from);
	}
	if (r->to != NULL) {
		frh->dst_len = r->to_len;
		rtm_put_addr(nlh, FRA_DST, r->to);
	}
	if (r->no_default)
		mnl_attr_put_u32(nlh, FRA_SUPPRESS_PREFIXLEN, 0);
	return nlh;
}

struct nlmsghdr *rtm_proxy(struct rtm *ret, bool add, uint32_t ifindex, const struct in6_addr *addr)
{
	struct nlmsghdr *nlh = rtm_begin(ret, add ? RTM_NEWNEIGH : RTM_DELNEIGH,
					 add ? NLM_F_CREATE | NLM_F_REPLACE : 0);
	struct ndmsg *ndm = mnl_nlmsg_put_extra_header(nlh, sizeof(*ndm));

	ndm->ndm_family = AF_INET6;
	ndm->ndm_ifindex = (int)ifindex;
	/* Without NTF_ROUTER: the mobile node is no router (RFC 6275, 10.4.1). */
	ndm->ndm_flags = NTF_PROXY;
	rtm_put_addr(nlh, NDA_DST, addr);
	mnl_attr_put_u8(nlh, NDA_PROTOCOL, LNX_RTPROT);
	return nlh;
}

struct nlmsghdr *rtm_neigh(struct rtm *ret, uint32_t ifindex, const struct in6_addr *addr,
			   const uint8_t mac[static 6])
{
	struct nlmsghdr *nlh = rtm_begin(ret, RTM_NEWNEIGH, NLM_F_CREATE | NLM_F_REPLACE);
	struct ndmsg *ndm = mnl_nlmsg_put_extra_header(nlh, sizeof(*ndm));

	ndm->ndm_family = AF_INET6;
	ndm->ndm_ifindex = (int)ifindex;
	ndm->ndm_state = NUD_REACHABLE;
	rtm_put_addr(nlh, NDA_DST, addr);
	mnl_attr_put(nlh, NDA_LLADDR, 6, mac);
	return nlh;
}

struct nlmsghdr *rtm_no_link_local(struct rtm *ret, uint32_t ifindex)
{
	struct nlmsghdr *nlh = rtm_begin(ret, RTM_NEWLINK, 0);
	struct ifinfomsg *ifi = mnl_nlmsg_put_extra_header(nlh, sizeof(*ifi));
	struct nlattr *af_spec, *inet6;

	ifi->ifi_index = (int)ifindex;
	af_spec = mnl_attr_nest_start(nlh, IFLA_AF_SPEC);
	inet6 = mnl_attr_nest_start(nlh, AF_INET6);
	mnl_attr_put_u8(nlh, IFLA_INET6_ADDR_GEN_MODE, IN6_ADDR_GEN_MODE_NONE);
	mnl_attr_nest_end(nlh, inet6);
	mnl_attr_nest_end(nlh, af_spec);
	return nlh;
}

struct nlmsghdr *rtm_link_up(struct rtm *ret, uint32_t ifindex, uint32_t mtu)
{
	struct nlmsghdr *nlh = rtm_begin(ret, RTM_NEWLINK, 0);
	struct ifinfomsg *ifi = mnl_nlmsg_put_extra_header(nlh, sizeof(*ifi));

	ifi->ifi_index = (int)ifindex;
	ifi->ifi_flags = IFF_UP;
	ifi->ifi_change = IFF_UP | IFF_MULTICAST;
	mnl_attr_put_u32(nlh, IFLA_MTU, mtu);
	return nlh;
}

struct nlmsghdr *rtm_hop(struct rtm *ret, const struct in6_addr *dst, const struct in6_addr *src)
{
	struct nlmsghdr *nlh = rtm_begin(ret, RTM_GETROUTE, 0);
	struct rtmsg *rtm = mnl_nlmsg_put_extra_header(nlh, sizeof(*rtm));

	rtm->rtm_family = AF_INET6;
	rtm->rtm_dst_len = 128;
	rtm_put_addr(nlh, RTA_DST, dst);
	if (!IN6_IS_ADDR_UNSPECIFIED(src)) {
		rtm->rtm_src_len = 128;
		rtm_put_addr(nlh, RTA_SRC, src);
	}
	return nlh;
}

struct nlmsghdr *rtm_delete(struct rtm *ret, const struct nlmsghdr *told, uint16_t type)
{
	struct nlmsghdr *nlh = (struct nlmsghdr *)(void *)ret->octets;

	if (told->nlmsg_len > sizeof(ret->octets))
		return NULL;
	memcpy(ret->octets, told, told->nlmsg_len);
	nlh->nlmsg_type = type;
	nlh->nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK;
	nlh->nlmsg_pid = 0;
	return nlh;
}
