/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The UDP sockets of the carriers, and what is sent by them.  A home agent has one for each port at
 * each address of its own; a mobile node has one, by which it sends from whatever care-of address
 * it has, to both ports.
 *
 * The kernel does what UDP needs: checksums, and fragments where a path takes less.  Filters in
 * front of the sockets (src/bpf/bub_filter.h) let nothing in but ESP with an SPI that this node
 * knows, so that what anybody can send costs no more than that look.
 */
#include <errno.h>
#include <linux/sock_diag.h>
#include <netinet/in.h>
#include <netinet/udp.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "base/addr.h"
#include "carrier.h"

#define UDP_RCVBUF (4 << 20)
#define UDP_SNDBUF (4 << 20)
#define UDP_TRIES 3 /* an error about an earlier packet is told at the next one */

/* ---- Opening ------------------------------------------------------------------------------- */

static int set_options(struct lnx *l, int fd)
{
	const int on = 1, off = 0, size = UDP_RCVBUF, out = UDP_SNDBUF;
	/* Whole where the path is known to take it, in fragments where not: what is larger than
	 * any tunnel has to take is refused to its sender by the MTU of the route. */
	const int want6 = IPV6_PMTUDISC_WANT, want4 = IP_PMTUDISC_WANT;
	const int filter = datapath_program_fd(l->dp, DATAPATH_CARRIER);

	if (setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof(off)) < 0 ||
	    setsockopt(fd, IPPROTO_IPV6, IPV6_RECVPKTINFO, &on, sizeof(on)) < 0 ||
	    setsockopt(fd, IPPROTO_IPV6, IPV6_RECVTCLASS, &on, sizeof(on)) < 0 ||
	    setsockopt(fd, IPPROTO_IP, IP_RECVTOS, &on, sizeof(on)) < 0 ||
	    setsockopt(fd, IPPROTO_IPV6, IPV6_RECVERR, &on, sizeof(on)) < 0 ||
	    setsockopt(fd, IPPROTO_IP, IP_RECVERR, &on, sizeof(on)) < 0 ||
	    setsockopt(fd, IPPROTO_IPV6, IPV6_FREEBIND, &on, sizeof(on)) < 0 ||
	    setsockopt(fd, IPPROTO_IPV6, IPV6_MTU_DISCOVER, &want6, sizeof(want6)) < 0 ||
	    setsockopt(fd, IPPROTO_IP, IP_MTU_DISCOVER, &want4, sizeof(want4)) < 0 ||
	    setsockopt(fd, SOL_SOCKET, SO_ATTACH_BPF, &filter, sizeof(filter)) < 0)
		return -errno;
	/* What comes in a row from one sender is read as one; kernels without it give one by one.
	 */
	(void)setsockopt(fd, SOL_UDP, UDP_GRO, &on, sizeof(on));
	(void)setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size));
	(void)setsockopt(fd, SOL_SOCKET, SO_SNDBUFFORCE, &out, sizeof(out));
	return 0;
}

/* @port 0: any. */
static int udp_open_one(struct lnx *l, const struct in6_addr *addr, uint16_t port,
			const struct carrier_socket *kind)
{
	struct sockaddr_in6 sa = {
		.sin6_family = AF_INET6,
		.sin6_port = htons(port),
		.sin6_addr = *addr,
	};
	struct carrier_socket *s = &l->carrier->sock[l->carrier->n_socks];
	struct epoll_event ev = {.events = EPOLLIN, .data.u32 = l->carrier->n_socks};
	int err = 0;

	*s = *kind;
	s->fd = socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (s->fd < 0)
		return -errno;
	l->carrier->n_socks++;
	err = set_options(l, s->fd);
	if (err == 0 && (bind(s->fd, (struct sockaddr *)&sa, sizeof(sa)) < 0 ||
			 epoll_ctl(l->fd[FD_CARRIER], EPOLL_CTL_ADD, s->fd, &ev) < 0))
		err = -errno;
	return err;
}

/* Both ports at one of the home agent's addresses. */
static int open_agent(struct lnx *l, const struct in6_addr *addr, char *ret_error,
		      size_t error_size)
{
	const uint16_t port[] = {
		[CARRIER_MESSAGE] = l->cfg.udp_port,
		[CARRIER_DATA] = l->cfg.udp_esp_port,
	};
	int err = 0;

	for (unsigned i = 0; err == 0 && i < CARRIER_PORTS; i++) {
		const struct carrier_socket kind = {
			.port = (enum carrier_port)i,
			.ipv4 = IN6_IS_ADDR_V4MAPPED(addr),
		};

		err = udp_open_one(l, addr, port[i], &kind);
		if (err == -EADDRINUSE)
			snprintf(ret_error, error_size,
				 "UDP port %u of %s is in use, by an IKE daemon perhaps: set udp = "
				 "never, or other ports at both ends",
				 port[i], lnx_ntop(addr));
	}
	return err;
}

int carrier_udp_open(struct lnx *l, char *ret_error, size_t error_size)
{
	const struct carrier_socket own = {.own = true};
	const struct in6_addr agent[] = {l->cfg.home_agent_address, l->cfg.home_agent_ipv4};
	int err = 0;

	l->fd[FD_CARRIER] = epoll_create1(EPOLL_CLOEXEC);
	if (l->fd[FD_CARRIER] < 0)
		err = -errno;
	datapath_carrier_ports(l->dp, l->cfg.udp_port, l->cfg.udp_esp_port);
	if (err == 0 && l->cfg.udp != CARRIER_NEVER && l->cfg.n_homes > 0)
		err = udp_open_one(l, &in6addr_any, 0, &own);
	for (size_t i = 0; i < sizeof(agent) / sizeof(agent[0]); i++) {
		if (err == 0 && l->cfg.udp != CARRIER_NEVER && l->cfg.home_agent &&
		    !IN6_IS_ADDR_UNSPECIFIED(&agent[i]))
			err = open_agent(l, &agent[i], ret_error, error_size);
	}
	if (err < 0 && err != -EADDRINUSE)
		snprintf(ret_error, error_size, "cannot open a UDP socket: %s", strerror(-err));
	return err;
}

void carrier_udp_close(struct lnx *l)
{
	for (unsigned i = 0; i < l->carrier->n_socks; i++) {
		if (l->carrier->sock[i].fd >= 0)
			close(l->carrier->sock[i].fd);
	}
}

/* ---- Sending ------------------------------------------------------------------------------- */

struct udp_control {
	size_t used;
	union {
		struct cmsghdr align;
		uint8_t buf[CMSG_SPACE(sizeof(struct in6_pktinfo)) + 2 * CMSG_SPACE(sizeof(int)) +
			    CMSG_SPACE(sizeof(uint16_t))];
	} u;
};

static void control_add(struct udp_control *c, int level, int type, const void *value, size_t len)
{
	struct cmsghdr h = {.cmsg_len = CMSG_LEN(len), .cmsg_level = level, .cmsg_type = type};

	memcpy(c->u.buf + c->used, &h, sizeof(h));
	memcpy(c->u.buf + c->used + CMSG_LEN(0), value, len);
	c->used += CMSG_SPACE(len);
}

static void control_fill(const struct lnx *l, struct udp_control *c,
			 const struct carrier_datagram *d)
{
	struct in6_pktinfo info = {.ipi6_addr = d->src};
	const bool ipv4 = IN6_IS_ADDR_V4MAPPED(&d->dst);
	const int tclass = d->traffic_class, on = 1;
	struct link_care_of care_of;

	/* Care-of addresses of IPv4 have no rules of their own that lead to their router. */
	if (ipv4 && link_care_of(l->link, &d->src, &care_of))
		info.ipi6_ifindex = care_of.ifindex;

	if (!IN6_IS_ADDR_UNSPECIFIED(&d->src))
		control_add(c, IPPROTO_IPV6, IPV6_PKTINFO, &info, sizeof(info));
	control_add(c, ipv4 ? IPPROTO_IP : IPPROTO_IPV6, ipv4 ? IP_TOS : IPV6_TCLASS, &tclass,
		    sizeof(tclass));
	if (d->whole && !ipv4)
		control_add(c, IPPROTO_IPV6, IPV6_DONTFRAG, &on, sizeof(on));
}

static const struct carrier_socket *udp_socket_for(const struct lnx *l, bool own,
						   const struct carrier_datagram *d)
{
	const bool ipv4 = IN6_IS_ADDR_V4MAPPED(&d->dst);

	for (unsigned i = 0; i < l->carrier->n_socks; i++) {
		const struct carrier_socket *s = &l->carrier->sock[i];

		if (s->own == own && (own || (s->port == d->port && s->ipv4 == ipv4)))
			return s;
	}
	return NULL;
}

static struct msghdr udp_message(struct sockaddr_in6 *to, struct udp_control *control,
				 const struct carrier_datagram *d, struct iovec *iov, size_t n)
{
	*to = (struct sockaddr_in6){
		.sin6_family = AF_INET6,
		.sin6_port = htons(d->dst_port),
		.sin6_addr = d->dst,
	};
	return (struct msghdr){
		.msg_name = to,
		.msg_namelen = sizeof(*to),
		.msg_iov = iov,
		.msg_iovlen = n,
		.msg_control = control->u.buf,
		.msg_controllen = control->used,
	};
}

int carrier_udp_send(struct lnx *l, bool own, const struct carrier_datagram *d)
{
	const struct carrier_socket *s = udp_socket_for(l, own, d);
	struct udp_control control = {.used = 0};
	struct iovec iov = {(void *)(uintptr_t)d->payload.data, d->payload.len};
	struct sockaddr_in6 to;
	struct msghdr mh;
	int err = -EPROTONOSUPPORT;

	control_fill(l, &control, d);
	mh = udp_message(&to, &control, d, &iov, 1);
	want_flush_soon(l->want);
	for (unsigned i = 0; s != NULL && i < UDP_TRIES; i++) {
		if (sendmsg(s->fd, &mh, MSG_DONTWAIT) >= 0) {
			l->count[COUNT_UDP_OUT]++;
			return 0;
		}
		err = -errno;
	}
	if (err == -EMSGSIZE)
		l->count[d->whole ? COUNT_TX_NESTED_FRAGMENTS : COUNT_TX_TOO_BIG]++;
	else
		l->count[COUNT_TX_FAILED]++;
	return err;
}

bool carrier_udp_send_many(struct lnx *l, bool own, const struct carrier_datagram *d,
			   struct iovec *payload, unsigned n)
{
	const struct carrier_socket *s = udp_socket_for(l, own, d);
	const uint16_t size = (uint16_t)payload[0].iov_len;
	struct udp_control control = {.used = 0};
	struct sockaddr_in6 to;
	struct msghdr mh;

	control_fill(l, &control, d);
	control_add(&control, SOL_UDP, UDP_SEGMENT, &size, sizeof(size));
	mh = udp_message(&to, &control, d, payload, n);
	want_flush_soon(l->want);
	/* Whatever is wrong, each of them will say. */
	if (s == NULL || sendmsg(s->fd, &mh, MSG_DONTWAIT) < 0)
		return false;
	l->count[COUNT_UDP_OUT] += n;
	l->count[COUNT_UDP_OUT_MERGED]++;
	return true;
}

/* ---- What was lost ------------------------------------------------------------------------- */

void carrier_udp_count_lost(struct lnx *l)
{
	uint64_t dropped = 0, refused;

	for (unsigned i = 0; i < l->carrier->n_socks; i++) {
		uint32_t info[SK_MEMINFO_VARS] = {0};
		socklen_t size = sizeof(info);

		if (getsockopt(l->carrier->sock[i].fd, SOL_SOCKET, SO_MEMINFO, info, &size) == 0)
			dropped += info[SK_MEMINFO_DROPS];
	}
	/* Those that the filters have refused are among them, and have counters of their own. */
	refused = datapath_carrier_refused(l->dp);
	if (dropped > refused && dropped - refused > l->count[COUNT_UDP_LOST])
		l->count[COUNT_UDP_LOST] = dropped - refused;
}
