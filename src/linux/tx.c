/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Sending: whole IPv6 packets through a raw socket.  The kernel routes by the destination on the
 * wire and, because the source is named as well, by the rules for it; so packets from a care-of
 * address leave by that address's router.  Puts ESP or an outer header on where asked.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/ip6.h"
#include "carrier.h"
#include "linux_esp.h"
#include "merged.h"

#define TX_SNDBUF (4 << 20)
#define FRAG_HDR_LEN 8
#define TX_BATCH 64 /* packets by one system call */

int tx_open(struct lnx *l, char *ret_error, size_t error_size)
{
	int on = 1, size = TX_SNDBUF;
	int fd = socket(AF_INET6, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, IPPROTO_RAW);

	l->fd_out = fd;
	/* A home agent passes on what a mobile node sent, and a care-of address may go before the
	 * last message from it has left: the source need not be on this host. */
	if (fd < 0 || setsockopt(fd, IPPROTO_IPV6, IPV6_HDRINCL, &on, sizeof(on)) < 0 ||
	    setsockopt(fd, IPPROTO_IPV6, IPV6_FREEBIND, &on, sizeof(on)) < 0) {
		int err = -errno;

		snprintf(ret_error, error_size, "cannot open a raw IPv6 socket: %s",
			 strerror(-err));
		return err;
	}
	(void)setsockopt(fd, SOL_SOCKET, SO_SNDBUFFORCE, &size, sizeof(size));
	return 0;
}

/* What goes with each packet: where from, or by which interface, and where to. */
struct tx_control {
	struct sockaddr_in6 to;
	union {
		struct cmsghdr align;
		uint8_t buf[CMSG_SPACE(sizeof(struct in6_pktinfo))];
	} u;
};

static struct msghdr tx_message(struct tx_control *control, uint32_t ifindex, const uint8_t *ip6,
				struct iovec *iov, size_t n_iov)
{
	struct in6_pktinfo info = {.ipi6_ifindex = ifindex};
	struct msghdr mh = {
		.msg_name = &control->to,
		.msg_namelen = sizeof(control->to),
		.msg_iov = iov,
		.msg_iovlen = n_iov,
		.msg_control = control->u.buf,
		.msg_controllen = sizeof(control->u.buf),
	};
	struct cmsghdr *c = CMSG_FIRSTHDR(&mh);

	*control = (struct tx_control){
		.to = {.sin6_family = AF_INET6,
		       .sin6_scope_id = ifindex,
		       .sin6_addr = ip6_dst(ip6)},
	};
	/* By a link of the caller's choice: with a source named, the kernel would take the best
	 * route whatever its link is, a home address's into the tunnel for one. */
	if (ifindex == 0)
		info.ipi6_addr = ip6_src(ip6);
	c->cmsg_level = IPPROTO_IPV6;
	c->cmsg_type = IPV6_PKTINFO;
	c->cmsg_len = CMSG_LEN(sizeof(info));
	memcpy(CMSG_DATA(c), &info, sizeof(info));
	return mh;
}

static int transmit(struct lnx *l, uint32_t ifindex, struct bub_view head, struct bub_view body)
{
	struct tx_control control;
	struct iovec iov[2] = {
		{(void *)(uintptr_t)head.data, head.len},
		{(void *)(uintptr_t)body.data, body.len},
	};
	struct msghdr mh;

	if (head.len < BUB_IP6_HDR_LEN)
		return -EINVAL;
	mh = tx_message(&control, ifindex, head.data, iov, body.len > 0 ? 2 : 1);
	want_flush_soon(l->want);
	if (sendmsg(l->fd_out, &mh, MSG_DONTWAIT) >= 0) {
		l->count[COUNT_TX_PACKETS]++;
		return 0;
	}
	return -errno;
}

unsigned tx_many(struct lnx *l, const uint32_t *ifindex, struct iovec *packet, unsigned n)
{
	struct mmsghdr msg[TX_BATCH] = {0};
	struct tx_control control[TX_BATCH];
	int sent;

	if (n > TX_BATCH)
		n = TX_BATCH;
	for (unsigned i = 0; i < n; i++)
		msg[i].msg_hdr =
			tx_message(&control[i], ifindex[i], packet[i].iov_base, &packet[i], 1);
	want_flush_soon(l->want);
	sent = sendmmsg(l->fd_out, msg, n, MSG_DONTWAIT);
	if (sent < 0)
		return 0;
	l->count[COUNT_TX_PACKETS] += (unsigned)sent;
	return (unsigned)sent;
}

static int counted(struct lnx *l, int err)
{
	if (err < 0)
		l->count[err == -EMSGSIZE ? COUNT_TX_TOO_BIG : COUNT_TX_FAILED]++;
	return err;
}

int tx_raw(struct lnx *l, uint32_t ifindex, struct bub_view head, struct bub_view body)
{
	return counted(l, transmit(l, ifindex, head, body));
}

static void log_failure(struct lnx *l, struct bub_view head, int err)
{
	struct in6_addr src, dst;

	if (err == 0 || head.len < BUB_IP6_HDR_LEN)
		return;
	src = ip6_src(head.data);
	dst = ip6_dst(head.data);
	lnx_log(l, LNX_LOG_DEBUG, "cannot send from %s to %s: %s", lnx_ntop(&src), lnx_ntop(&dst),
		strerror(-err));
}

int tx_plain(struct lnx *l, uint32_t ifindex, struct bub_view packet)
{
	int err;

	if (packet.len >= BUB_IP6_HDR_LEN && link_hold(l->link, packet))
		return 0;
	err = tx_raw(l, ifindex, packet, (struct bub_view){NULL, 0});
	log_failure(l, packet, err);
	return err;
}

/* An outer packet: the headers in front, and what is behind them. */
struct outer {
	uint8_t front[FRAG_FRONT_MAX];
	size_t front_len;
	size_t named_at; /* the next-header octet that names the body */
	struct bub_view body;
};

/* The header @ip6, and behind it the limit where @act has one (RFC 2473, 5.1).  It is in front of
 * the fragment header as well: each fragment goes through tunnels of its own. */
static void outer_front(struct outer *o, const uint8_t ip6[static BUB_IP6_HDR_LEN],
			const struct bub_action *act)
{
	size_t len = o->body.len;

	memcpy(o->front, ip6, BUB_IP6_HDR_LEN);
	o->front_len = BUB_IP6_HDR_LEN;
	o->named_at = IP6_NEXT_AT;
	if (!act->u.send.has_limit)
		return;
	bub_limit_encode(ip6[IP6_NEXT_AT], act->u.send.limit, o->front + BUB_IP6_HDR_LEN);
	o->front[IP6_NEXT_AT] = BUB_NH_DSTOPTS;
	len += BUB_LIMIT_HDR_LEN;
	ip6_set_len(o->front, IP6_HDR_LEN + len);
	o->front_len += BUB_LIMIT_HDR_LEN;
	o->named_at = BUB_IP6_HDR_LEN;
}

/* Fragments that fit any link, so no path has to be measured for them (RFC 8200, 5). */
static int send_fragments(struct lnx *l, uint32_t ifindex, const struct outer *o)
{
	const struct frag_front front = {o->front, o->front_len, o->named_at};
	const uint32_t id = l->frag_id++;
	uint8_t head[FRAG_HEAD_MAX];
	int err = 0;

	for (size_t at = 0, len; at < o->body.len && err == 0; at += len) {
		len = frag_cut(&front, o->body.len, at, id, head);
		err = transmit(l, ifindex, (struct bub_view){head, o->front_len + FRAG_HDR_LEN},
			       (struct bub_view){o->body.data + at, len});
	}
	if (err == 0)
		l->count[COUNT_TX_IN_FRAGMENTS]++;
	return err;
}

static int send_whole(struct lnx *l, uint32_t ifindex, const struct link_tunnel *t,
		      const struct outer *o)
{
	if (t->pmtu != 0 && o->front_len + o->body.len > t->pmtu)
		return -EMSGSIZE;
	/* Of the link, or by what the kernel has heard. */
	return transmit(l, ifindex, (struct bub_view){o->front, o->front_len}, o->body);
}

/*
 * The route into the tunnel lets no inner packet in that is too big for the path, but for those
 * that go through any tunnel, of 1280 octets: these are cut (RFC 2473, 7.1 (b); RFC 4303, 3.3.4).
 *
 * The MTU has no room for the limit.  Rather than to cut each full packet of a tunnel within this
 * one, it is left out where this node would begin to count: what does not fit the next tunnel ends
 * there.  A fragment of a tunnel is not cut again: in a loop, each round would double them.
 */
static void send_outer(struct lnx *l, uint32_t ifindex, const struct link_tunnel *t,
		       const uint8_t ip6[static BUB_IP6_HDR_LEN], struct bub_view body,
		       const struct bub_action *act)
{
	static const struct bub_action no_limit;
	struct outer o = {.body = body};
	int err;

	outer_front(&o, ip6, act);
	err = send_whole(l, ifindex, t, &o);
	if (err == -EMSGSIZE && act->u.send.has_limit && !act->u.send.limit_given) {
		struct outer bare = {.body = body};

		outer_front(&bare, ip6, &no_limit);
		err = send_whole(l, ifindex, t, &bare);
	}
	if (err == -EMSGSIZE && act->u.send.whole) {
		l->count[COUNT_TX_NESTED_FRAGMENTS]++;
		return;
	}
	if (err == -EMSGSIZE)
		err = send_fragments(l, ifindex, &o);
	log_failure(l, (struct bub_view){o.front, o.front_len}, counted(l, err));
}

void tx_outer(struct lnx *l, const struct link_tunnel *t, struct bub_view outer,
	      const struct bub_action *act)
{
	send_outer(l, act->u.send.ifindex, t, outer.data,
		   (struct bub_view){outer.data + BUB_IP6_HDR_LEN, outer.len - BUB_IP6_HDR_LEN},
		   act);
}

/* The packet goes as it is, and may leave with others. */
static bool tunnel_may_wait(const struct lnx *l, const struct link_tunnel *t,
			    struct bub_view packet, const struct bub_action *act)
{
	const size_t len = BUB_IP6_HDR_LEN + packet.len;

	return !act->u.send.whole && !act->u.send.has_limit && (t->pmtu == 0 || len <= t->pmtu) &&
	       l->out_used + len <= LNX_OUT_SIZE;
}

static void tunnel_wait(struct lnx *l, const struct link_tunnel *t,
			const uint8_t head[static BUB_IP6_HDR_LEN], struct bub_view packet,
			const struct bub_action *act)
{
	uint8_t *out = l->out + l->out_used;
	const struct leave_way way = {
		.home = t->entry.a,
		.ifindex = act->u.send.ifindex,
		.to = {.src = t->local_outer, .dst = t->remote_outer},
	};

	memcpy(out, head, BUB_IP6_HDR_LEN);
	memcpy(out + BUB_IP6_HDR_LEN, packet.data, packet.len);
	leave_take(l, &way, (struct bub_view){out, BUB_IP6_HDR_LEN + packet.len});
}

static void send_tunnel(struct lnx *l, const struct bub_action *act)
{
	const struct bub_view packet = act->u.send.data;
	const struct link_tunnel *t = link_tunnel(l->link, &act->u.send.owner);
	struct bub_ip6_build build = {.upper_proto = BUB_NH_IPV6};
	uint8_t head[BUB_IP6_HDR_LEN];
	struct bub_view sealed;

	if (t == NULL) {
		l->count[COUNT_TX_NO_TUNNEL]++;
		return;
	}
	if (!link_clear_out(l->link, packet)) {
		if (lnx_esp_tunnel(l, t, packet, &sealed))
			carrier_send_data(l, t, sealed, act);
		return;
	}
	/* Without ESP there is no other carrier, and none over IPv4. */
	if (IN6_IS_ADDR_V4MAPPED(&t->remote_outer)) {
		l->count[COUNT_TX_NO_TUNNEL]++;
		return;
	}
	build.src = t->local_outer;
	build.dst = t->remote_outer;
	build.upper_len = (uint16_t)packet.len;
	if (packet.len > UINT16_MAX - BUB_LIMIT_HDR_LEN ||
	    bub_ip6_encode(&build, head, sizeof(head)) < 0) {
		l->count[COUNT_TX_FAILED]++;
		return;
	}
	if (tunnel_may_wait(l, t, packet, act))
		tunnel_wait(l, t, head, packet, act);
	else
		send_outer(l, act->u.send.ifindex, t, head, packet, act);
}

unsigned lnx_send_dummies(struct lnx *l)
{
	static const struct bub_action no_limit;
	const struct link_tunnel *t;
	struct bub_view sealed;
	unsigned at = 0, n = 0;

	while ((t = link_tunnel_next(l->link, &at)) != NULL) {
		if (!lnx_esp_dummy(l, t, 0, &sealed))
			continue;
		carrier_send_data(l, t, sealed, &no_limit);
		n++;
	}
	return n;
}

static void send_one(struct lnx *l, const struct bub_action *act)
{
	const struct bub_view data = act->u.send.data;
	struct bub_view sealed;

	switch (act->u.send.egress) {
	case BUB_EGRESS_PLAIN:
		(void)tx_plain(l, act->u.send.ifindex, data);
		break;
	case BUB_EGRESS_TRANSPORT:
		if (lnx_esp_transport(l, &act->u.send.owner, data, &sealed))
			carrier_send_message(l, act, sealed);
		break;
	case BUB_EGRESS_TUNNEL:
		send_tunnel(l, act);
		break;
	}
}

void tx_send(struct lnx *l, const struct bub_action *act)
{
	struct bub_action one = *act;
	struct merged m;
	size_t n;

	/* What was sent before is ahead of it. */
	if (act->u.send.egress == BUB_EGRESS_PLAIN)
		leave_flush(l);
	if (act->u.send.merged.n == 0) {
		send_one(l, act);
		return;
	}
	if (!merged_begin(&m, act->u.send.data.data, act->u.send.data.len,
			  act->u.send.merged.size)) {
		l->count[COUNT_TX_FAILED] += act->u.send.merged.n;
		return;
	}
	while ((n = merged_next(&m, l->segment)) > 0) {
		one.u.send.data = (struct bub_view){l->segment, n};
		send_one(l, &one);
	}
}
