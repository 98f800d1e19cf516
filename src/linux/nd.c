/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The socket of neighbour discovery: what comes is a fact for the link layer (src/link), which has
 * solicitations sent here.  Besides, the unsolicited advertisements by which a home agent claims a
 * home address and a mobile node takes it back (RFC 6275, 10.4.1 and 11.5.5), and the home
 * agent's duplicate address detection (RFC 6275, 10.3.1; RFC 4862, 5.4).  Answering solicitations
 * for a claimed address is left to the kernel's proxy.
 */
#include <errno.h>
#include <linux/filter.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <netinet/icmp6.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "bub_bpf.h"
#include "internal.h"

#define ND_HOP_LIMIT 255 /* proves that the sender is on the link (RFC 4861, 11.2) */
#define ND_FIXED_LEN 8
#define DAD_MS 1000 /* DupAddrDetectTransmits (1) x RetransTimer (1 s): RFC 4862, 5.1 */
#define NA_COUNT 3  /* MAX_NEIGHBOR_ADVERTISEMENT (RFC 4861, 10) */
#define NA_INTERVAL_MS 1000
#define ND_READS 32
#define ND_PACKET_MAX 1500

static const struct in6_addr all_nodes = {{{0xff, 2, [15] = 1}}};
static const struct in6_addr all_routers = {{{0xff, 2, [15] = 2}}};

/* ---- Sending ------------------------------------------------------------------------------- */

/* Sends an ICMPv6 message through the kernel, which computes the checksum.  @src NULL: the kernel
 * chooses. */
static int nd_send(struct lnx *l, uint32_t ifindex, const struct in6_addr *src,
		   const struct in6_addr *dst, const uint8_t *msg, size_t len)
{
	union {
		struct cmsghdr align;
		uint8_t buf[CMSG_SPACE(sizeof(struct in6_pktinfo))];
	} control = {0};
	struct in6_pktinfo info = {.ipi6_ifindex = ifindex};
	struct sockaddr_in6 to = {
		.sin6_family = AF_INET6, .sin6_addr = *dst, .sin6_scope_id = ifindex};
	struct iovec iov = {(void *)(uintptr_t)msg, len};
	struct msghdr mh = {
		.msg_name = &to,
		.msg_namelen = sizeof(to),
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = control.buf,
		.msg_controllen = sizeof(control.buf),
	};
	struct cmsghdr *c = CMSG_FIRSTHDR(&mh);

	if (src != NULL)
		info.ipi6_addr = *src;
	c->cmsg_level = IPPROTO_IPV6;
	c->cmsg_type = IPV6_PKTINFO;
	c->cmsg_len = CMSG_LEN(sizeof(info));
	memcpy(CMSG_DATA(c), &info, sizeof(info));
	return sendmsg(l->fd[FD_ICMP6], &mh, MSG_DONTWAIT) < 0 ? -errno : 0;
}

/* The same from ::, which the kernel would not choose. */
static int send_unspecified(struct lnx *l, uint32_t ifindex, const struct in6_addr *dst,
			    uint8_t *msg, size_t len)
{
	const struct bub_view body = {msg, len};
	struct bub_ip6_build build = {
		.src = in6addr_any,
		.dst = *dst,
		.hop_limit = ND_HOP_LIMIT,
		.upper_proto = BUB_NH_ICMPV6,
		.upper_len = (uint16_t)len,
	};
	uint8_t head[BUB_IP6_HDR_LEN];
	uint16_t sum = bub_ip6_checksum(&in6addr_any, dst, BUB_NH_ICMPV6, body);

	msg[2] = (uint8_t)(sum >> 8);
	msg[3] = (uint8_t)sum;
	if (bub_ip6_encode(&build, head, sizeof(head)) != BUB_IP6_HDR_LEN)
		return -EINVAL;
	return tx_raw(l, ifindex, (struct bub_view){head, sizeof(head)}, body);
}

int nd_carry_out(struct lnx *l, const struct link_out *out)
{
	const struct in6_addr *src = &out->u.nd.src;
	struct bub_view msg = out->u.nd.long_msg;
	uint8_t copy[LINK_ND_MAX];
	int err;

	if (msg.data == NULL)
		msg = (struct bub_view){out->u.nd.msg, out->u.nd.len};
	err = nd_send(l, out->u.nd.ifindex, IN6_IS_ADDR_UNSPECIFIED(src) ? NULL : src,
		      &out->u.nd.dst, msg.data, msg.len);
	if (err == 0 || !out->u.nd.or_unspecified)
		return err;
	memcpy(copy, out->u.nd.msg, sizeof(copy));
	return send_unspecified(l, out->u.nd.ifindex, &out->u.nd.dst, copy, ND_FIXED_LEN);
}

static const uint8_t *mac_of(const struct link_iface *ifc)
{
	return ifc->fact.has_mac ? ifc->fact.mac : NULL;
}

/* Asks a router for itself, and tells it our link-layer address on the way (RFC 4861, 7.2.2). */
void nd_send_ns(struct lnx *l, const struct link_iface *ifc, const struct in6_addr *src,
		const struct in6_addr *router)
{
	uint8_t msg[LINK_ND_MAX];
	size_t len;

	if (!ifc->fact.has_mac || IN6_IS_ADDR_UNSPECIFIED(router))
		return;
	len = nd_build(ND_TYPE_NEIGHBOUR_SOLICIT, 0, router, ND_OPTION_SOURCE, ifc->fact.mac, msg);
	(void)nd_send(l, ifc->fact.ifindex, src, router, msg, len);
}

void nd_send_probe(struct lnx *l, uint32_t ifindex, const struct in6_addr *target)
{
	const struct link_iface *ifc = link_iface(l->link, ifindex);
	struct in6_addr group = nd_solicited_node(target);
	int mark = BUB_BPF_OWN_MARK, none = 0;
	uint8_t msg[LINK_ND_MAX];
	size_t len;

	if (ifc == NULL || !ifc->fact.has_mac)
		return;
	len = nd_build(ND_TYPE_NEIGHBOUR_SOLICIT, 0, target, ND_OPTION_NONE, NULL, msg);
	(void)setsockopt(l->fd_out, SOL_SOCKET, SO_MARK, &mark, sizeof(mark));
	(void)send_unspecified(l, ifindex, &group, msg, len);
	(void)setsockopt(l->fd_out, SOL_SOCKET, SO_MARK, &none, sizeof(none));
}

/* Solicited, and override set: from the target itself (RFC 4861, 7.2.4). */
void nd_answer(struct lnx *l, const struct link_iface *ifc, const struct in6_addr *to,
	       const struct in6_addr *target)
{
	uint8_t msg[LINK_ND_MAX];
	size_t len = nd_build(ND_TYPE_NEIGHBOUR_ADVERT, ND_SOLICITED | ND_OVERRIDE, target,
			      ND_OPTION_TARGET, mac_of(ifc), msg);

	(void)nd_send(l, ifc->fact.ifindex, target, to, msg, len);
}

/* Unsolicited, to all nodes: override set, solicited and router clear (RFC 6275, 10.4.1). */
static void send_na(struct lnx *l, const struct link_iface *ifc, const struct in6_addr *src,
		    const struct in6_addr *target)
{
	uint8_t msg[LINK_ND_MAX];
	size_t len;

	if (!ifc->fact.has_mac)
		return;
	len = nd_build(ND_TYPE_NEIGHBOUR_ADVERT, ND_OVERRIDE, target, ND_OPTION_TARGET,
		       ifc->fact.mac, msg);
	(void)nd_send(l, ifc->fact.ifindex, src, &all_nodes, msg, len);
}

/* ---- What others send ------------------------------------------------------------------------ */

static void on_message(struct lnx *l, const struct in6_addr *src, const struct in6_pktinfo *info,
		       struct bub_view msg)
{
	struct link_fact fact = {.type = LINK_FACT_ND};
	struct nd_message m;

	fact.u.nd.ifindex = info->ipi6_ifindex;
	fact.u.nd.src = *src;
	fact.u.nd.dst = info->ipi6_addr;
	fact.u.nd.msg = msg;
	link_feed(l->link, lnx_now(), &fact);
	ops_carry_out(l);
	if (!nd_parse(src, &info->ipi6_addr, msg, &m))
		return;
	switch (m.type) {
	case ND_TYPE_NEIGHBOUR_ADVERT:
		homelink_on_na(l, info->ipi6_ifindex, &m.target, m.has_mac ? m.mac : NULL);
		break;
	case ND_TYPE_NEIGHBOUR_SOLICIT:
		homelink_on_ns(l, info->ipi6_ifindex, src, &m.target);
		break;
	case ND_TYPE_ROUTER_SOLICIT:
	case ND_TYPE_ROUTER_ADVERT:
		break;
	}
}

void nd_icmp6_readable(struct lnx *l)
{
	for (unsigned i = 0; i < ND_READS; i++) {
		union {
			struct cmsghdr align;
			uint8_t buf[CMSG_SPACE(sizeof(struct in6_pktinfo)) +
				    CMSG_SPACE(sizeof(int))];
		} control;
		uint8_t buf[ND_PACKET_MAX];
		struct sockaddr_in6 from;
		struct iovec iov = {buf, sizeof(buf)};
		struct msghdr mh = {
			.msg_name = &from,
			.msg_namelen = sizeof(from),
			.msg_iov = &iov,
			.msg_iovlen = 1,
			.msg_control = control.buf,
			.msg_controllen = sizeof(control.buf),
		};
		struct in6_pktinfo info = {0};
		int hop_limit = -1;
		ssize_t n = recvmsg(l->fd[FD_ICMP6], &mh, MSG_DONTWAIT);

		if (n < 0)
			return;
		for (struct cmsghdr *c = CMSG_FIRSTHDR(&mh); c != NULL; c = CMSG_NXTHDR(&mh, c)) {
			if (c->cmsg_level != IPPROTO_IPV6)
				continue;
			if (c->cmsg_type == IPV6_PKTINFO)
				memcpy(&info, CMSG_DATA(c), sizeof(info));
			if (c->cmsg_type == IPV6_HOPLIMIT)
				memcpy(&hop_limit, CMSG_DATA(c), sizeof(hop_limit));
		}
		if (!(mh.msg_flags & MSG_TRUNC) && hop_limit == ND_HOP_LIMIT)
			on_message(l, &from.sin6_addr, &info, (struct bub_view){buf, (size_t)n});
	}
}

static int set_filter(const struct lnx *l, bool solicitations)
{
	struct icmp6_filter filter;

	ICMP6_FILTER_SETBLOCKALL(&filter);
	ICMP6_FILTER_SETPASS(ND_ROUTER_ADVERT, &filter);
	ICMP6_FILTER_SETPASS(ND_NEIGHBOR_ADVERT, &filter);
	if (solicitations)
		ICMP6_FILTER_SETPASS(ND_NEIGHBOR_SOLICIT, &filter);
	if (l->cfg.advert.enabled)
		ICMP6_FILTER_SETPASS(ND_ROUTER_SOLICIT, &filter);
	return setsockopt(l->fd[FD_ICMP6], IPPROTO_ICMPV6, ICMP6_FILTER, &filter, sizeof(filter));
}

void nd_listen(struct lnx *l, uint32_t ifindex, const struct in6_addr *target, bool on)
{
	struct ipv6_mreq req = {nd_solicited_node(target), ifindex};

	(void)setsockopt(l->fd[FD_ICMP6], IPPROTO_IPV6, on ? IPV6_JOIN_GROUP : IPV6_LEAVE_GROUP,
			 &req, sizeof(req));
	l->n_listening += on ? 1 : -1u;
	(void)set_filter(l, l->n_listening > 0);
}

static int open_icmp6(struct lnx *l)
{
	struct ipv6_mreq routers = {all_routers, l->home_link_ifindex};
	int on = 1, off = 0, hops = ND_HOP_LIMIT;
	int fd = socket(AF_INET6, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, IPPROTO_ICMPV6);

	l->fd[FD_ICMP6] = fd;
	if (fd < 0 || set_filter(l, false) < 0 ||
	    setsockopt(fd, IPPROTO_IPV6, IPV6_RECVPKTINFO, &on, sizeof(on)) < 0 ||
	    setsockopt(fd, IPPROTO_IPV6, IPV6_RECVHOPLIMIT, &on, sizeof(on)) < 0 ||
	    setsockopt(fd, IPPROTO_IPV6, IPV6_UNICAST_HOPS, &hops, sizeof(hops)) < 0 ||
	    setsockopt(fd, IPPROTO_IPV6, IPV6_MULTICAST_HOPS, &hops, sizeof(hops)) < 0 ||
	    setsockopt(fd, IPPROTO_IPV6, IPV6_MULTICAST_LOOP, &off, sizeof(off)) < 0)
		return -errno;
	/* Router solicitations. */
	if (l->cfg.advert.enabled &&
	    setsockopt(fd, IPPROTO_IPV6, IPV6_JOIN_GROUP, &routers, sizeof(routers)) < 0)
		return -errno;
	return 0;
}

/* ---- Duplicate address detection ----------------------------------------------------------- */

static void group_change(struct lnx *l, int option, const struct in6_addr *addr)
{
	struct ipv6_mreq req = {nd_solicited_node(addr), l->home_link_ifindex};

	/* Without membership only the answer of an address's owner is heard, which is the case
	 * that matters: so a failure is no verdict. */
	(void)setsockopt(l->fd[FD_ICMP6], IPPROTO_IPV6, option, &req, sizeof(req));
}

void nd_dad_start(struct lnx *l, struct bub_time now, uint32_t id, const struct in6_addr *addr)
{
	const struct link_iface *ifc = link_iface(l->link, l->home_link_ifindex);
	struct in6_addr group = nd_solicited_node(addr);
	struct lnx_dad *dad = NULL;
	uint8_t msg[LINK_ND_MAX];
	size_t len;
	int err;

	/* A virtual home link: nobody else can be there. */
	if (l->cfg.home_link == NULL) {
		lnx_done_add(l, id, 0);
		return;
	}
	for (unsigned i = 0; dad == NULL && i < LNX_DAD_MAX; i++) {
		if (!l->dad[i].used)
			dad = &l->dad[i];
	}
	if (ifc == NULL || !ifc->carrier || dad == NULL) {
		lnx_done_add(l, id, dad == NULL ? -EBUSY : -ENETDOWN);
		return;
	}
	*dad = (struct lnx_dad){
		.addr = *addr, .id = id, .used = true, .due = bub_time_add_ms(now, DAD_MS)};
	l->n_dad++;
	group_change(l, IPV6_JOIN_GROUP, addr);
	len = nd_build(ND_TYPE_NEIGHBOUR_SOLICIT, 0, addr, ND_OPTION_NONE, NULL, msg);
	err = send_unspecified(l, ifc->fact.ifindex, &group, msg, len);
	if (err < 0)
		lnx_log(l, LNX_LOG_WARNING, "cannot probe for %s on %s: %s", lnx_ntop(addr),
			ifc->fact.name, strerror(-err));
}

static void contest(struct lnx *l, const struct in6_addr *target);

static void dad_heard(struct lnx *l, const struct bub_ip6 *ip)
{
	struct nd_message m;
	bool asked = false;

	if (ip->upper_proto != BUB_NH_ICMPV6 || ip->hop_limit != ND_HOP_LIMIT ||
	    bub_ip6_checksum(&ip->src, &ip->dst, BUB_NH_ICMPV6, ip->upper) != 0 ||
	    !nd_parse(&ip->src, &ip->dst, ip->upper, &m))
		return;
	/* A solicitation with a source only asks; one without claims (RFC 4862, 5.4.3). */
	if (m.type == ND_TYPE_NEIGHBOUR_SOLICIT ? !IN6_IS_ADDR_UNSPECIFIED(&ip->src)
						: m.type != ND_TYPE_NEIGHBOUR_ADVERT)
		return;
	for (unsigned i = 0; i < LNX_DAD_MAX; i++) {
		struct lnx_dad *dad = &l->dad[i];

		if (!dad->used || !bub_addr_eq(&dad->addr, &m.target))
			continue;
		asked = dad->duplicate = true;
		dad->due = (struct bub_time){0};
	}
	if (!asked && m.type == ND_TYPE_NEIGHBOUR_ADVERT)
		contest(l, &m.target);
}

static void dad_expire(struct lnx *l, struct bub_time now)
{
	for (unsigned i = 0; l->n_dad > 0 && i < LNX_DAD_MAX; i++) {
		struct lnx_dad *dad = &l->dad[i];

		if (!dad->used || bub_time_before(now, dad->due))
			continue;
		dad->used = false;
		l->n_dad--;
		group_change(l, IPV6_LEAVE_GROUP, &dad->addr);
		if (dad->duplicate)
			lnx_log(l, LNX_LOG_WARNING, "%s is in use on the home link",
				lnx_ntop(&dad->addr));
		lnx_done_add(l, dad->id, dad->duplicate ? -EADDRINUSE : 0);
	}
}

void nd_dad_readable(struct lnx *l)
{
	for (unsigned i = 0; i < ND_READS; i++) {
		uint8_t buf[ND_PACKET_MAX];
		ssize_t n = recv(l->fd[FD_ND], buf, sizeof(buf), MSG_DONTWAIT);
		struct bub_ip6 ip;

		if (n < 0)
			break;
		if (bub_ip6_decode((struct bub_view){buf, (size_t)n}, &ip) == BUB_DROP_NONE)
			dad_heard(l, &ip);
	}
	dad_expire(l, (struct bub_time){0});
}

/* Neighbour solicitations and advertisements on the home link. */
static int open_nd(struct lnx *l)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_B | BPF_ABS, 6), /* next header */
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, BUB_NH_ICMPV6, 0, 4),
		BPF_STMT(BPF_LD | BPF_B | BPF_ABS, BUB_IP6_HDR_LEN),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, ND_NEIGHBOR_SOLICIT, 1, 0),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, ND_NEIGHBOR_ADVERT, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, ND_PACKET_MAX),
		BPF_STMT(BPF_RET | BPF_K, 0),
	};
	struct sock_fprog prog = {sizeof(code) / sizeof(code[0]), code};
	struct sockaddr_ll sa = {
		.sll_family = AF_PACKET,
		.sll_protocol = htons(ETH_P_IPV6),
		.sll_ifindex = (int)l->home_link_ifindex,
	};
	int on = 1;
	int fd = socket(AF_PACKET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	l->fd[FD_ND] = fd;
	if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &prog, sizeof(prog)) < 0 ||
	    setsockopt(fd, SOL_PACKET, PACKET_IGNORE_OUTGOING, &on, sizeof(on)) < 0 ||
	    bind(fd, (struct sockaddr *)&sa, sizeof(sa)) < 0)
		return -errno;
	return 0;
}

/* ---- Proxy --------------------------------------------------------------------------------- */

static struct lnx_na *na_at(struct lnx *l, unsigned index)
{
	return &l->na[(l->na_first + index) % LNX_NA_MAX];
}

/* All repetitions wait equally long, so the queue is in the order of their time.  When it is full,
 * the one that was sent must do. */
static void na_send(struct lnx *l, struct bub_time now, struct lnx_na na)
{
	const struct link_iface *ifc = link_iface(l->link, na.ifindex);

	if (na.left == 0 || ifc == NULL)
		return;
	send_na(l, ifc, na.own ? &na.target : NULL, &na.target);
	na.left--;
	if (na.left == 0 || l->n_na == LNX_NA_MAX)
		return;
	na.due = bub_time_add_ms(now, NA_INTERVAL_MS);
	*na_at(l, l->n_na) = na;
	l->n_na++;
}

/* Somebody else says that a home address is its own while we answer for it: those who heard that
 * hear us again, at most once a second (RFC 6275, 10.4.1). */
static void contest(struct lnx *l, const struct in6_addr *target)
{
	struct lnx_tunnel *t = tunnel_find(l, target);
	struct bub_time now = lnx_now();

	if (t == NULL || iface_is_home(l, target) || bub_time_before(now, t->contest_due))
		return;
	t->contest_due = bub_time_add_ms(now, NA_INTERVAL_MS);
	lnx_log(l, LNX_LOG_WARNING, "somebody on the home link claims %s, which is registered",
		lnx_ntop(target));
	na_send(l, now,
		(struct lnx_na){.target = *target, .ifindex = l->home_link_ifindex, .left = 1});
}

void nd_claim(struct lnx *l, struct bub_time now, uint32_t ifindex, const struct in6_addr *target,
	      bool own)
{
	nd_unclaim(l, target);
	na_send(l, now,
		(struct lnx_na){
			.target = *target, .ifindex = ifindex, .own = own, .left = NA_COUNT});
}

void nd_unclaim(struct lnx *l, const struct in6_addr *target)
{
	for (unsigned i = 0; i < l->n_na; i++) {
		if (bub_addr_eq(&na_at(l, i)->target, target))
			na_at(l, i)->left = 0;
	}
}

static void na_expire(struct lnx *l, struct bub_time now)
{
	while (l->n_na > 0 && !bub_time_before(now, na_at(l, 0)->due)) {
		struct lnx_na na = *na_at(l, 0);

		l->na_first = (l->na_first + 1) % LNX_NA_MAX;
		l->n_na--;
		na_send(l, now, na);
	}
}

void nd_proxy_add(struct lnx *l, struct bub_time now, const struct in6_addr *home)
{
	int err;

	if (l->cfg.home_link == NULL)
		return;
	err = nl_proxy_add(l->nl, l->home_link_ifindex, home);
	if (err < 0) {
		lnx_log(l, LNX_LOG_ERROR, "cannot defend %s on %s: %s", lnx_ntop(home),
			l->cfg.home_link, strerror(-err));
		return;
	}
	nd_claim(l, now, l->home_link_ifindex, home, false);
}

void nd_proxy_del(struct lnx *l, const struct in6_addr *home)
{
	if (l->cfg.home_link == NULL)
		return;
	nd_unclaim(l, home);
	(void)nl_proxy_del(l->nl, l->home_link_ifindex, home);
}

/* ---- Life ---------------------------------------------------------------------------------- */

int nd_open(struct lnx *l, char *ret_error, size_t error_size)
{
	int err = open_icmp6(l);

	if (err == 0 && l->cfg.home_link != NULL)
		err = open_nd(l);
	if (err < 0)
		snprintf(ret_error, error_size, "cannot open a socket for ICMPv6: %s",
			 strerror(-err));
	return err;
}

void nd_expire(struct lnx *l, struct bub_time now)
{
	dad_expire(l, now);
	na_expire(l, now);
}

struct bub_time nd_deadline(const struct lnx *l)
{
	struct bub_time t = BUB_TIME_NEVER;

	for (unsigned i = 0; l->n_dad > 0 && i < LNX_DAD_MAX; i++) {
		if (l->dad[i].used && bub_time_before(l->dad[i].due, t))
			t = l->dad[i].due;
	}
	if (l->n_na > 0 && bub_time_before(l->na[l->na_first].due, t))
		t = l->na[l->na_first].due;
	return t;
}
