/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What comes by the UDP sockets of the carriers: read in batches, told apart by port, and given on
 * as the packets that they would be without UDP (RFC 3948, 3.5).  And what comes by TCP, one by
 * one.
 */
#include <netinet/in.h>
#include <netinet/udp.h>
#include <string.h>
#include <sys/epoll.h>

#include "base/ip6.h"
#include "base/octets.h"
#include "carrier.h"

#define HOP_LIMIT 64
#define UDP_BATCHES 16
#define UDP_UNASKED 8 /* reads of one socket until the others are looked at */

/* What recvmmsg() is given for each datagram. */
struct udp_slot {
	struct sockaddr_in6 from;
	struct iovec iov;
	union {
		struct cmsghdr align;
		uint8_t buf[CMSG_SPACE(sizeof(struct in6_pktinfo)) + CMSG_SPACE(sizeof(int)) +
			    2 * CMSG_SPACE(sizeof(int))];
	} control;
};

/* What the control messages say. */
struct udp_said {
	struct in6_pktinfo info; /* where the datagram was sent to */
	uint8_t tclass;
	size_t size; /* it is several, of so many octets each but for the last; 0: it is one */
};

static void udp_control_read(struct msghdr *mh, struct udp_said *ret)
{
	for (struct cmsghdr *c = CMSG_FIRSTHDR(mh); c != NULL; c = CMSG_NXTHDR(mh, c)) {
		int value = 0;

		if (c->cmsg_level == IPPROTO_IPV6 && c->cmsg_type == IPV6_PKTINFO) {
			memcpy(&ret->info, CMSG_DATA(c), sizeof(ret->info));
		} else if (c->cmsg_level == IPPROTO_IPV6 && c->cmsg_type == IPV6_TCLASS) {
			memcpy(&value, CMSG_DATA(c), sizeof(value));
			ret->tclass = (uint8_t)value;
		} else if (c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_TOS) {
			ret->tclass = *CMSG_DATA(c);
		} else if (c->cmsg_level == SOL_UDP && c->cmsg_type == UDP_GRO) {
			memcpy(&value, CMSG_DATA(c), sizeof(value));
			ret->size = value > 0 ? (size_t)value : 0;
		}
	}
}

void carrier_put_outer(uint8_t *packet, size_t len, const struct in6_addr *src,
		       const struct in6_addr *dst, uint8_t tclass)
{
	memset(packet, 0, BUB_IP6_HDR_LEN);
	packet[0] = (uint8_t)(0x60 | tclass >> 4);
	packet[1] = (uint8_t)(tclass << 4);
	packet[IP6_NEXT_AT] = BUB_NH_ESP;
	packet[IP6_HOP_LIMIT_AT] = HOP_LIMIT;
	ip6_set_len(packet, BUB_IP6_HDR_LEN + len);
	memcpy(packet + IP6_SRC_AT, src, sizeof(*src));
	memcpy(packet + IP6_DST_AT, dst, sizeof(*dst));
}

/* Of what came to a mobile node the port that it came from tells. */
static bool udp_kind(const struct lnx *l, const struct carrier_socket *s, uint16_t from,
		     enum carrier_port *ret)
{
	*ret = s->port;
	if (!s->own)
		return true;
	*ret = from == l->cfg.udp_port ? CARRIER_MESSAGE : CARRIER_DATA;
	return from == l->cfg.udp_port || from == l->cfg.udp_esp_port;
}

/* What is no ESP begins with four octets of zero (RFC 3948, 2.2). */
static bool udp_is_hint(enum carrier_port port, const uint8_t *data, size_t len)
{
	return port == CARRIER_DATA && len == CARRIER_NO_ESP_LEN + LNX_HINT_LEN && be32(data) == 0;
}

static void udp_hint(struct lnx *l, const struct carrier_socket *s, const struct in6_addr *from,
		     const uint8_t *data)
{
	if (s->own && l->cb.hints != NULL)
		l->cb.hints->hint(l->cb.hints_ctx, from,
				  (struct bub_view){data + CARRIER_NO_ESP_LEN, LNX_HINT_LEN});
	else
		l->count[COUNT_UDP_NO_ESP]++;
}

/* One datagram of @len octets, with room for an IPv6 header in front. */
static void on_datagram(struct lnx *l, uint32_t ifindex, const struct carrier_end *from,
			const struct udp_said *said, enum carrier_port port, uint8_t *packet,
			size_t len)
{
	struct bub_ip6 ip;

	l->count[COUNT_UDP_IN]++;
	if (port == CARRIER_DATA) {
		packet -= BUB_IP6_HDR_LEN;
		carrier_put_outer(packet, len, &from->addr, &said->info.ipi6_addr, said->tclass);
		len += BUB_IP6_HDR_LEN;
	}
	if (bub_ip6_decode((struct bub_view){packet, len}, &ip) != BUB_DROP_NONE ||
	    ip.upper_proto != BUB_NH_ESP) {
		l->count[COUNT_UDP_NO_ESP]++;
		return;
	}
	carrier_take(l, ifindex, &ip, from, &said->info.ipi6_addr, port);
	ops_tell(l);
}

static void on_datagrams(struct lnx *l, const struct carrier_socket *s, struct mmsghdr *m,
			 const struct udp_slot *slot)
{
	const struct carrier_end from = {
		.carrier = CARRIER_UDP,
		.addr = slot->from.sin6_addr,
		.port = ntohs(slot->from.sin6_port),
	};
	struct udp_said said = {0};
	uint8_t *packet = slot->iov.iov_base;
	const struct link_iface *ifc;
	enum carrier_port port;
	uint32_t ifindex;
	size_t len;

	udp_control_read(&m->msg_hdr, &said);
	ifc = link_iface(l->link, said.info.ipi6_ifindex);
	if (ifc == NULL || !ifc->ours) {
		l->count[COUNT_RX_OTHER_INTERFACE]++;
		return;
	}
	if ((m->msg_hdr.msg_flags & MSG_TRUNC) != 0) {
		l->count[COUNT_RX_TRUNCATED]++;
		return;
	}
	if (!udp_kind(l, s, from.port, &port)) {
		l->count[COUNT_UDP_WRONG_PORT]++;
		return;
	}
	if (udp_is_hint(port, packet, m->msg_len)) {
		l->count[COUNT_UDP_IN]++;
		udp_hint(l, s, &from.addr, packet);
		return;
	}
	ifindex = ifc->fact.ifindex; /* what comes in may change the table that it is in */
	/* The header that a datagram gets takes the place of the end of the one before. */
	for (size_t left = m->msg_len; left > 0; left -= len, packet += len) {
		len = said.size > 0 && said.size < left ? said.size : left;
		on_datagram(l, ifindex, &from, &said, port, packet, len);
	}
}

/* What was sent natively first is to be read first: of two copies of a message the first one
 * counts.  Of data there are none. */
static bool udp_has_message(const struct lnx *l, const struct carrier_socket *s,
			    const struct udp_slot *slot, int n)
{
	enum carrier_port port;

	for (int i = 0; i < n; i++) {
		if (udp_kind(l, s, ntohs(slot[i].from.sin6_port), &port) && port == CARRIER_MESSAGE)
			return true;
	}
	return false;
}

/* Reads once, and says how many there were. */
static int udp_read_batch(struct lnx *l, const struct carrier_socket *s)
{
	struct udp_slot slot[LNX_UDP_BATCH];
	struct mmsghdr msg[LNX_UDP_BATCH];
	int n;

	for (unsigned i = 0; i < LNX_UDP_BATCH; i++) {
		uint8_t *packet = l->rx + (size_t)(LNX_BATCH + i) * LNX_PACKET_MAX;

		/* Room in front for the header that bare ESP gets. */
		slot[i].iov.iov_base = packet + BUB_IP6_HDR_LEN;
		slot[i].iov.iov_len = LNX_PACKET_MAX - BUB_IP6_HDR_LEN;
		msg[i].msg_hdr = (struct msghdr){
			.msg_name = &slot[i].from,
			.msg_namelen = sizeof(slot[i].from),
			.msg_iov = &slot[i].iov,
			.msg_iovlen = 1,
			.msg_control = slot[i].control.buf,
			.msg_controllen = sizeof(slot[i].control.buf),
		};
	}
	n = recvmmsg(s->fd, msg, LNX_UDP_BATCH, MSG_DONTWAIT, NULL);
	if (udp_has_message(l, s, slot, n))
		rx_known(l);
	for (int i = 0; i < n; i++)
		on_datagrams(l, s, &msg[i], &slot[i]);
	return n;
}

/* False: there was nothing. */
static bool udp_read(struct lnx *l, unsigned index)
{
	int n = LNX_UDP_BATCH;
	bool any = false;

	for (unsigned k = 0; k < UDP_BATCHES && n == LNX_UDP_BATCH && bulk_may_read(l); k++) {
		n = udp_read_batch(l, &l->carrier->sock[index]);
		any |= n > 0;
	}
	l->carrier->last = index;
	return any;
}

/* Most of the time it is the same socket again, and asking which costs as much as reading it. */
static bool udp_read_last(struct lnx *l)
{
	struct carrier_state *c = l->carrier;

	return c->last < c->n_socks && c->n_last++ < UDP_UNASKED && udp_read(l, c->last);
}

void carrier_readable(struct lnx *l)
{
	struct epoll_event ev[UDP_SOCKETS_MAX];
	int n;

	if (udp_read_last(l))
		return;
	l->carrier->n_last = 0;
	n = epoll_wait(l->fd[FD_CARRIER], ev, UDP_SOCKETS_MAX, 0);
	for (int i = 0; i < n; i++) {
		if ((ev[i].events & EPOLLERR) != 0)
			carrier_errors(l, &l->carrier->sock[ev[i].data.u32]);
		(void)udp_read(l, ev[i].data.u32);
	}
}

/* ---- TCP ----------------------------------------------------------------------------------- */

void lnx_tcp_take(struct lnx *l, const struct lnx_tcp *from, struct bub_view packet)
{
	const struct carrier_end end = {
		.carrier = CARRIER_TCP,
		.addr = from->src,
		.port = from->port,
		.stream = from->stream,
	};
	const size_t room = from->message ? 0 : BUB_IP6_HDR_LEN;
	struct link_care_of care_of = {0};
	struct bub_ip6 ip;

	if (packet.len > LNX_TCP_PACKET_MAX)
		return;
	l->count[COUNT_TCP_IN]++;
	memcpy(l->rx + room, packet.data, packet.len);
	if (!from->message)
		carrier_put_outer(l->rx, packet.len, &from->src, &from->dst, 0);
	if (bub_ip6_decode((struct bub_view){l->rx, room + packet.len}, &ip) != BUB_DROP_NONE ||
	    ip.upper_proto != BUB_NH_ESP) {
		l->count[COUNT_TCP_NO_ESP]++;
		return;
	}
	(void)link_care_of(l->link, &from->dst, &care_of);
	carrier_take(l, care_of.ifindex, &ip, &end, &from->dst,
		     from->message ? CARRIER_MESSAGE : CARRIER_DATA);
	bulk_flush(l);
	ops_tell(l);
}
