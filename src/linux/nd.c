/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The sockets of neighbour discovery: what comes is a fact for the link layer (src/link), which has
 * messages sent here.  A home agent with a home link overhears there what others send each other:
 * claims of home addresses, and who asks for one that is being probed for.  Answering solicitations
 * for an address that it claims itself is left to the kernel's proxy.
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
#define ND_READS 32
#define ND_PACKET_MAX 1500

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
	want_flush_soon(l->want);
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

/* The data path lets it pass: what the kernel asks about a home address by itself is stopped. */
static int send_marked(struct lnx *l, uint32_t ifindex, const struct in6_addr *dst, uint8_t *msg,
		       size_t len)
{
	int mark = BUB_BPF_OWN_MARK, none = 0, err;

	(void)setsockopt(l->fd_out, SOL_SOCKET, SO_MARK, &mark, sizeof(mark));
	err = send_unspecified(l, ifindex, dst, msg, len);
	(void)setsockopt(l->fd_out, SOL_SOCKET, SO_MARK, &none, sizeof(none));
	return err;
}

int nd_carry_out(struct lnx *l, const struct link_out *out)
{
	const struct in6_addr *src = &out->u.nd.src;
	struct bub_view msg = out->u.nd.long_msg;
	uint8_t copy[LINK_ND_MAX];
	int err;

	memcpy(copy, out->u.nd.msg, sizeof(copy));
	if (out->u.nd.probe) {
		err = send_marked(l, out->u.nd.ifindex, &out->u.nd.dst, copy, out->u.nd.len);
		if (err < 0)
			lnx_log(l, LNX_LOG_WARNING, "cannot ask for a home address's owner: %s",
				strerror(-err));
		return err;
	}
	if (msg.data == NULL)
		msg = (struct bub_view){out->u.nd.msg, out->u.nd.len};
	err = nd_send(l, out->u.nd.ifindex, IN6_IS_ADDR_UNSPECIFIED(src) ? NULL : src,
		      &out->u.nd.dst, msg.data, msg.len);
	if (err == 0 || !out->u.nd.or_unspecified)
		return err;
	return send_unspecified(l, out->u.nd.ifindex, &out->u.nd.dst, copy, ND_FIXED_LEN);
}

/* ---- What others send ------------------------------------------------------------------------ */

static void on_nd_message(struct lnx *l, const struct in6_addr *src, const struct in6_pktinfo *info,
			  struct bub_view msg)
{
	struct link_fact fact = {.type = LINK_FACT_ND};

	fact.u.nd.ifindex = info->ipi6_ifindex;
	fact.u.nd.src = *src;
	fact.u.nd.dst = info->ipi6_addr;
	fact.u.nd.msg = msg;
	/* It is of the present link only if that is the one which is known. */
	if (l->cfg.n_homes > 0 && msg.len > 0 && msg.data[0] == ND_TYPE_ROUTER_ADVERT)
		iface_ask(l, info->ipi6_ifindex);
	link_feed(l->link, lnx_now(), &fact);
	ops_tell(l);
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
			on_nd_message(l, &from.sin6_addr, &info, (struct bub_view){buf, (size_t)n});
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

int nd_group(struct lnx *l, uint32_t ifindex, const struct in6_addr *group, bool join)
{
	struct ipv6_mreq req = {*group, ifindex};

	if (setsockopt(l->fd[FD_ICMP6], IPPROTO_IPV6, join ? IPV6_JOIN_GROUP : IPV6_LEAVE_GROUP,
		       &req, sizeof(req)) < 0)
		return -errno;
	return 0;
}

int nd_listen(struct lnx *l, uint32_t ifindex, const struct in6_addr *group, bool on)
{
	l->n_listening += on ? 1 : -1u;
	(void)set_filter(l, l->n_listening > 0);
	return nd_group(l, ifindex, group, on);
}

static int open_icmp6(struct lnx *l)
{
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
	return 0;
}

/* ---- What is overheard --------------------------------------------------------------------- */

static void overheard(struct lnx *l, const struct bub_ip6 *ip)
{
	struct link_fact fact = {.type = LINK_FACT_OVERHEARD};

	if (ip->upper_proto != BUB_NH_ICMPV6 || ip->hop_limit != ND_HOP_LIMIT ||
	    bub_ip6_checksum(&ip->src, &ip->dst, BUB_NH_ICMPV6, ip->upper) != 0)
		return;
	fact.u.nd.ifindex = l->home_link_ifindex;
	fact.u.nd.src = ip->src;
	fact.u.nd.dst = ip->dst;
	fact.u.nd.msg = ip->upper;
	link_feed(l->link, lnx_now(), &fact);
	ops_tell(l);
}

void nd_overhear(struct lnx *l)
{
	for (unsigned i = 0; i < ND_READS; i++) {
		uint8_t buf[ND_PACKET_MAX];
		ssize_t n = recv(l->fd[FD_ND], buf, sizeof(buf), MSG_DONTWAIT);
		struct bub_ip6 ip;

		if (n < 0)
			return;
		if (bub_ip6_decode((struct bub_view){buf, (size_t)n}, &ip) == BUB_DROP_NONE)
			overheard(l, &ip);
	}
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
	int on = 1;
	/* Protocol 0: nothing is received before it is bound to the home link. */
	int fd = socket(AF_PACKET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	l->fd[FD_ND] = fd;
	if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &prog, sizeof(prog)) < 0 ||
	    setsockopt(fd, SOL_PACKET, PACKET_IGNORE_OUTGOING, &on, sizeof(on)) < 0)
		return -errno;
	return 0;
}

int nd_home_link(struct lnx *l)
{
	const struct ipv6_mreq routers = {all_routers, l->home_link_ifindex};
	const struct sockaddr_ll sa = {
		.sll_family = AF_PACKET,
		.sll_protocol = htons(ETH_P_IPV6),
		.sll_ifindex = (int)l->home_link_ifindex,
	};

	if (bind(l->fd[FD_ND], (const struct sockaddr *)&sa, sizeof(sa)) < 0)
		return -errno;
	/* Router solicitations. */
	if (l->cfg.advert.enabled && setsockopt(l->fd[FD_ICMP6], IPPROTO_IPV6, IPV6_JOIN_GROUP,
						&routers, sizeof(routers)) < 0)
		return -errno;
	return 0;
}

/* ---- Life ---------------------------------------------------------------------------------- */

int nd_open(struct lnx *l, char *ret_error, size_t error_size)
{
	int err = open_icmp6(l);

	if (err == 0 && l->cfg.home_link != NULL)
		err = open_nd(l);
	if (err == 0 && l->home_link_ifindex != 0)
		err = nd_home_link(l);
	if (err < 0)
		snprintf(ret_error, error_size, "cannot open a socket for ICMPv6: %s",
			 strerror(-err));
	return err;
}
