/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Receiving: packet sockets on all protocols, before the kernel's own stack and before the tc
 * programs, with the eBPF filters of src/bpf/bub_filter.h in front.  Puts fragments together, takes
 * apart what was merged, takes ESP and outer headers off and says by which way the packet came.
 * What a packet means is the core's business: malformed ones are handed on too, so that they are
 * counted by reason.
 *
 * Whoever has to do with this node has a socket that is read before that of strangers, and what any
 * of them had no room for is counted.
 *
 * The kernel has no receiver for mobility headers, ESP and encapsulated packets and would answer
 * with ICMPv6 errors: raw sockets whose filter drops everything keep it quiet.
 */
#include <errno.h>
#include <linux/filter.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <linux/virtio_net.h>
#include <stdio.h>
#include <string.h>

#include "base/ip6.h"
#include "base/octets.h"
#include "carrier.h"
#include "esp_many.h"
#include "merged.h"

#define RX_RCVBUF (8 << 20)
#define MERGED_BATCH 8 /* each is as many packets as one poll of a card brings, mostly below 64 */
#define LOST_LOG_S 60  /* between lines about what was lost */

/* What recvmmsg() is given for each packet. */
struct rx_slot {
	struct sockaddr_ll from;
	struct virtio_net_hdr vnet; /* FD_MERGED */
	struct iovec iov[2];
	union {
		struct cmsghdr align;
		uint8_t buf[CMSG_SPACE(sizeof(struct tpacket_auxdata))];
	} control;
};

/* ---- Opening ------------------------------------------------------------------------------- */

static int open_silent(struct lnx *l)
{
	static const int proto[] = {BUB_NH_MH, BUB_NH_ESP, BUB_NH_IPV6};
	struct sock_filter code[] = {BPF_STMT(BPF_RET | BPF_K, 0)};
	struct sock_fprog prog = {1, code};

	for (size_t i = 0; i < sizeof(proto) / sizeof(proto[0]); i++) {
		int fd = socket(AF_INET6, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, proto[i]);

		l->fd_silent[i] = fd;
		if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &prog, sizeof(prog)) < 0)
			return -errno;
	}
	return 0;
}

struct rx_socket {
	enum lnx_fd fd;
	int type;
	enum datapath_program filter;
	enum lnx_count lost;
};

/* The size of merged segments comes in front of a packet with its link-layer header only. */
static const struct rx_socket sockets[] = {
	{FD_KNOWN, SOCK_DGRAM, DATAPATH_KNOWN, COUNT_RX_KNOWN_LOST},
	{FD_STRANGERS, SOCK_DGRAM, DATAPATH_STRANGERS, COUNT_RX_STRANGERS_LOST},
	{FD_MERGED, SOCK_RAW, DATAPATH_MERGED, COUNT_RX_MERGED_LOST},
};

#define N_SOCKETS (sizeof(sockets) / sizeof(sockets[0]))

static int open_packet(struct lnx *l, const struct rx_socket *s)
{
	struct sockaddr_ll sa = {.sll_family = AF_PACKET, .sll_protocol = htons(ETH_P_ALL)};
	int filter = datapath_program_fd(l->dp, s->filter);
	int on = 1, size = RX_RCVBUF;
	/* Protocol 0: nothing is received before the filter is there. */
	int fd = socket(AF_PACKET, s->type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	l->fd[s->fd] = fd;
	if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_ATTACH_BPF, &filter, sizeof(filter)) < 0 ||
	    setsockopt(fd, SOL_PACKET, PACKET_IGNORE_OUTGOING, &on, sizeof(on)) < 0 ||
	    setsockopt(fd, SOL_PACKET, PACKET_AUXDATA, &on, sizeof(on)) < 0)
		return -errno;
	if (s->type == SOCK_RAW && setsockopt(fd, SOL_PACKET, PACKET_VNET_HDR, &on, sizeof(on)) < 0)
		return -errno;
	(void)setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size));
	if (bind(fd, (struct sockaddr *)&sa, sizeof(sa)) < 0)
		return -errno;
	return 0;
}

int rx_open(struct lnx *l, char *ret_error, size_t error_size)
{
	int err = open_silent(l);

	for (size_t i = 0; err == 0 && i < N_SOCKETS; i++)
		err = open_packet(l, &sockets[i]);
	if (err < 0)
		snprintf(ret_error, error_size, "cannot open a packet socket: %s", strerror(-err));
	return err;
}

/* ---- One packet ---------------------------------------------------------------------------- */

static void emit(struct lnx *l, uint32_t ifindex, struct bub_view data, enum bub_ingress ingress)
{
	struct bub_event ev = {.type = BUB_EV_PACKET, .ifindex = ifindex};

	ev.u.packet.data = data;
	ev.u.packet.ingress = ingress;
	lnx_emit(l, &ev);
}

/* Data of @home came in @outer without ESP, and this node has it with. */
static void tell_data_fault(struct lnx *l, const struct in6_addr *home, const struct bub_ip6 *outer)
{
	const struct lnx_data_fault fault = {false, *home, outer->src, outer->dst};

	if (l->cb.data_fault != NULL)
		l->cb.data_fault(l->cb.ctx, &fault);
}

static void on_esp(struct lnx *l, uint32_t ifindex, const struct bub_ip6 *ip)
{
	const struct carrier_end from = {.carrier = CARRIER_NATIVE, .addr = ip->src};

	carrier_take(l, ifindex, ip, &from, &ip->dst, CARRIER_DATA);
}

/* As it came, or as if out of the SA that it needs none of here (lnx_config.unprotected). */
static void on_bare(struct lnx *l, uint32_t ifindex, const struct bub_ip6 *ip)
{
	struct bub_event ev = {.type = BUB_EV_PACKET, .ifindex = ifindex};

	ev.u.packet.data = ip->packet;
	ev.u.packet.ingress = BUB_INGRESS_PLAIN;
	if (link_clear_bare(l->link, ip, &ev.u.packet.owner) == LINK_CLEAR_OWNED)
		ev.u.packet.ingress = BUB_INGRESS_ESP_TRANSPORT;
	lnx_emit(l, &ev);
}

/* A packet for a group that mobile nodes listen to, on its way into their tunnels: a hop of it ends
 * here, as the kernel has it with what it routes there itself. */
static void on_group(struct lnx *l, uint32_t ifindex, uint8_t *packet, size_t len, bool partial)
{
	if (ifindex != l->home_link_ifindex || packet[IP6_HOP_LIMIT_AT] <= 1)
		return;
	if (partial)
		merged_checksum(packet, len);
	packet[IP6_HOP_LIMIT_AT]--;
	emit(l, ifindex, (struct bub_view){packet, len}, BUB_INGRESS_TUN);
}

/* Of a tunnel that there is: else a stranger has sent it. */
static void on_clear_data(struct lnx *l, const struct bub_ip6 *outer, const struct bub_ip6 *inner)
{
	const struct link_tunnel *t = link_tunnel(l->link, &inner->dst);

	if (t == NULL)
		t = link_tunnel(l->link, &inner->src);
	if (t != NULL && bub_addr_eq(&t->remote_outer, &outer->src) &&
	    esp_class_of(ESP_TUNNEL, inner->packet.data, inner->packet.len) == ESP_CLASS_PAYLOAD)
		tell_data_fault(l, &t->entry.a, outer);
}

/* It came without ESP.  What then is nobody's, the core refuses. */
static void set_owner(struct lnx *l, const struct bub_ip6 *outer, const struct bub_ip6 *inner,
		      struct bub_event *ev)
{
	switch (link_clear_inner(l->link, inner, &ev->u.packet.outer_src, &ev->u.packet.owner)) {
	case LINK_CLEAR_OWNED:
	case LINK_CLEAR_PLAIN:
		break;
	case LINK_CLEAR_NEEDS_ESP:
		l->count[COUNT_CLEAR_NEEDS_ESP]++;
		on_clear_data(l, outer, inner);
		break;
	case LINK_CLEAR_NO_TUNNEL:
		l->count[COUNT_CLEAR_NO_TUNNEL]++;
		break;
	}
}

/* @inner came in @outer. */
static struct bub_event inner_event(struct lnx *l, uint32_t ifindex, const struct bub_ip6 *outer,
				    struct bub_view inner)
{
	struct bub_event ev = {.type = BUB_EV_PACKET, .ifindex = ifindex};
	struct bub_ip6 ip;

	ev.u.packet.data = inner;
	ev.u.packet.ingress = BUB_INGRESS_IP_TUNNEL;
	ev.u.packet.outer_src = outer->src;
	ev.u.packet.outer_dst = outer->dst;
	if (bub_ip6_decode(inner, &ip) == BUB_DROP_NONE)
		set_owner(l, outer, &ip, &ev);
	return ev;
}

/* It came out of a tunnel that there is, from where that leads to.  What a stranger sends is looked
 * at one by one, and each is counted. */
static bool is_of_tunnel(const struct lnx *l, const struct bub_event *ev)
{
	const struct link_tunnel *t = link_tunnel(l->link, &ev->u.packet.owner);

	return t != NULL && bub_addr_eq(&t->remote_outer, &ev->u.packet.outer_src);
}

static void on_encapsulated(struct lnx *l, uint32_t ifindex, const struct bub_ip6 *ip,
			    uint8_t *packet, bool partial)
{
	struct bub_event ev;

	if (partial)
		merged_checksum(packet + (ip->upper.data - ip->packet.data), ip->upper.len);
	ev = inner_event(l, ifindex, ip, ip->upper);
	if (is_of_tunnel(l, &ev))
		bulk_take(l, &ev, partial);
	else
		lnx_emit(l, &ev);
}

static bool is_group(const uint8_t *packet)
{
	return packet[IP6_DST_AT] == 0xff;
}

/* A packet that is many, in an outer one.  The core decides once for all of them; copies of what
 * goes to a group go into several tunnels, one by one. */
static void on_merged(struct lnx *l, uint32_t ifindex, const uint8_t *packet, size_t len,
		      const struct virtio_net_hdr *vnet)
{
	struct bub_event ev;
	struct merged m;
	struct bub_ip6 ip;
	size_t n;

	if (bub_ip6_decode((struct bub_view){packet, len}, &ip) != BUB_DROP_NONE ||
	    ip.upper_proto != BUB_NH_IPV6 ||
	    !merged_begin(&m, ip.upper.data, ip.upper.len, vnet->gso_size)) {
		l->count[COUNT_RX_MERGED_BAD]++;
		return;
	}
	l->count[COUNT_RX_MERGED]++;
	ev = inner_event(l, ifindex, &ip, ip.upper);
	if (merged_count(&m) > 1 && m.transport_at == IP6_HDR_LEN && !is_group(ip.upper.data) &&
	    is_of_tunnel(l, &ev)) {
		ev.u.packet.merged =
			(struct bub_merged){(uint16_t)merged_count(&m), vnet->gso_size};
		lnx_emit(l, &ev);
		return;
	}
	while ((n = merged_next(&m, l->in)) > 0) {
		ev = inner_event(l, ifindex, &ip, (struct bub_view){l->in, n});
		lnx_emit(l, &ev);
	}
}

/* True: it was about a packet of ours, and the core can tell the sockets. */
static bool on_too_big(struct lnx *l, const struct bub_icmp6 *icmp)
{
	const bool applied = link_too_big(l->link, lnx_now(), icmp);

	ops_carry_out(l);
	l->count[applied ? COUNT_PTB_APPLIED : COUNT_PTB_IGNORED]++;
	return applied;
}

/* True: the core is to see it too. */
static bool on_error(struct lnx *l, const struct bub_ip6 *ip, const struct bub_icmp6 *icmp)
{
	if (icmp->kind == BUB_ICMP6_TOO_BIG)
		return on_too_big(l, icmp);
	undelivered_on_error(l, &ip->src, icmp);
	return true;
}

/* An outer packet in fragments (RFC 2473, 7.1).  True when it is whole: *@packet and @ip are of it
 * from then on. */
static bool put_together(struct lnx *l, uint8_t **packet, struct bub_ip6 *ip)
{
	const struct frag_in f = {
		.packet = ip->packet.data,
		.len = ip->packet.len,
		.named_at = ip->upper_proto_at,
		.at = (size_t)(ip->upper.data - ip->packet.data),
	};
	enum frag_result r;
	size_t len;

	r = frag_take(l->frags, lnx_now().ns, &f, packet, &len);
	l->count[COUNT_FRAG_LOST] = frag_lost(l->frags);
	/* Fragments of fragments are nobody's idea of a tunnel. */
	if (r == FRAG_WHOLE &&
	    (bub_ip6_decode((struct bub_view){*packet, len}, ip) != BUB_DROP_NONE ||
	     ip->upper_proto == BUB_NH_FRAGMENT))
		r = FRAG_MALFORMED;
	if (r == FRAG_WHOLE)
		l->count[COUNT_RX_FROM_FRAGMENTS]++;
	else if (r != FRAG_WAITS)
		l->count[r == FRAG_OVERLAP ? COUNT_FRAG_OVERLAP : COUNT_FRAG_MALFORMED]++;
	return r == FRAG_WHOLE;
}

static bool is_global_group(const uint8_t *packet)
{
	const struct in6_addr dst = ip6_dst(packet);

	return addr_group_scope(&dst) >= ADDR_SCOPE_GLOBAL;
}

static void on_packet(struct lnx *l, uint32_t ifindex, uint8_t *packet, size_t len, bool partial)
{
	const struct bub_view whole = {packet, len};
	struct bub_icmp6 icmp;
	struct bub_ip6 ip;

	if (len >= BUB_IP6_HDR_LEN && is_global_group(packet)) {
		on_group(l, ifindex, packet, len, partial);
		return;
	}
	if (bub_ip6_decode(whole, &ip) != BUB_DROP_NONE) {
		l->count[COUNT_RX_MALFORMED]++;
		emit(l, ifindex, whole, BUB_INGRESS_PLAIN);
		return;
	}
	if (ip.upper_proto == BUB_NH_FRAGMENT && !put_together(l, &packet, &ip))
		return;
	if (ip.upper_proto == BUB_NH_ESP) {
		on_esp(l, ifindex, &ip);
		return;
	}
	if (ip.upper_proto == BUB_NH_IPV6) {
		on_encapsulated(l, ifindex, &ip, packet, partial);
		return;
	}
	if (ip.upper_proto == BUB_NH_ICMPV6 && ip.upper.len > 0) {
		/* nd.c hears those; a home agent learns from them who else serves its link
		 * (RFC 6275, 10.5.1). */
		if (ip.upper.data[0] == BUB_ICMP6_ROUTER_ADVERT &&
		    (!l->cfg.home_agent || ifindex != l->home_link_ifindex))
			return;
		if (ip.upper.data[0] <= BUB_ICMP6_PARAM_PROBLEM &&
		    bub_icmp6_decode(&ip, &icmp) == BUB_DROP_NONE && !on_error(l, &ip, &icmp))
			return;
	}
	on_bare(l, ifindex, &ip);
}

/* ---- Reading ------------------------------------------------------------------------------- */

static bool read_auxdata(struct msghdr *mh, struct tpacket_auxdata *ret)
{
	for (struct cmsghdr *c = CMSG_FIRSTHDR(mh); c != NULL; c = CMSG_NXTHDR(mh, c)) {
		if (c->cmsg_level != SOL_PACKET || c->cmsg_type != PACKET_AUXDATA)
			continue;
		memcpy(ret, CMSG_DATA(c), sizeof(*ret));
		return true;
	}
	return false;
}

static void on_slot(struct lnx *l, enum lnx_fd which, struct mmsghdr *m, const struct rx_slot *slot)
{
	const struct link_iface *ifc = link_iface(l->link, (uint32_t)slot->from.sll_ifindex);
	struct tpacket_auxdata aux = {0};
	uint8_t *packet = slot->iov[1].iov_base;
	size_t len = m->msg_len;

	/* What is addressed to a bridge's member comes in on the bridge as well. */
	if (ifc != NULL && !ifc->ours && !ifc->fact.own && !ifc->fact.port && !ifc->fact.loopback &&
	    which != FD_MERGED && slot->from.sll_pkttype == PACKET_HOST)
		ops_say_ignored(l, ifc);
	if (ifc == NULL || !ifc->ours || slot->from.sll_pkttype == PACKET_OTHERHOST ||
	    slot->from.sll_protocol != htons(ETH_P_IPV6)) {
		l->count[COUNT_RX_OTHER_INTERFACE]++;
		return;
	}
	if (m->msg_hdr.msg_flags & MSG_TRUNC) {
		l->count[COUNT_RX_TRUNCATED]++;
		return;
	}
	/* A packet of a VLAN comes a second time, without its tag, on the VLAN's interface. */
	if (!read_auxdata(&m->msg_hdr, &aux) || (aux.tp_status & TP_STATUS_VLAN_VALID)) {
		l->count[COUNT_RX_OTHER_INTERFACE]++;
		return;
	}
	l->count[COUNT_RX_PACKETS]++;
	if (which != FD_MERGED)
		on_packet(l, ifc->fact.ifindex, packet, len,
			  (aux.tp_status & TP_STATUS_CSUMNOTREADY) != 0);
	else if (len > sizeof(slot->vnet) + aux.tp_net)
		on_merged(l, ifc->fact.ifindex, packet + aux.tp_net,
			  len - sizeof(slot->vnet) - aux.tp_net, &slot->vnet);
}

/* A registration in ESP, as mobile nodes send it; false: something else. */
static bool registration_of(const struct mmsghdr *msg, uint32_t *ret_spi, struct in6_addr *ret_home)
{
	const uint8_t *packet = msg->msg_hdr.msg_iov->iov_base;

	if (msg->msg_len < BUB_IP6_HDR_LEN + BUB_HAO_HDR_LEN + 4 ||
	    packet[IP6_NEXT_AT] != BUB_NH_DSTOPTS || packet[BUB_IP6_HDR_LEN] != BUB_NH_ESP ||
	    packet[BUB_IP6_HDR_LEN + 1] != BUB_HAO_HDR_LEN / 8 - 1)
		return false;
	memcpy(ret_home, packet + BUB_IP6_HDR_LEN + BUB_HAO_HDR_LEN - sizeof(*ret_home),
	       sizeof(*ret_home));
	*ret_spi = be32(packet + BUB_IP6_HDR_LEN + BUB_HAO_HDR_LEN);
	return true;
}

static void expect_sas(const struct lnx *l, const struct mmsghdr *msg, size_t n)
{
	struct in6_addr home;
	uint32_t spi;

	for (unsigned sas = 0; sas < 2; sas++)
		for (size_t i = 0; i < n; i++)
			if (registration_of(&msg[i], &spi, &home))
				esp_sad_expect(l->sad, spi, &home, sas != 0);
}

static void expect_batch(const struct lnx *l, const struct mmsghdr *msg, size_t n)
{
	struct bub_event ev[LNX_BATCH];

	expect_sas(l, msg, n);

	for (size_t i = 0; i < n; i++) {
		ev[i] = (struct bub_event){.type = BUB_EV_PACKET};
		ev[i].u.packet.data =
			(struct bub_view){msg[i].msg_hdr.msg_iov->iov_base, msg[i].msg_len};
	}
	bub_engine_expect(l->cb.engine, ev, n);
}

/* Reads once, and says whether there may be more. */
static bool read_batch(struct lnx *l, enum lnx_fd which)
{
	const unsigned batch = which == FD_MERGED ? MERGED_BATCH : LNX_BATCH;
	/* Nothing comes in front of a packet but for what was merged. */
	const unsigned first = which == FD_MERGED ? 0 : 1;
	struct rx_slot slot[LNX_BATCH];
	struct mmsghdr msg[LNX_BATCH];
	int n;

	for (unsigned i = 0; i < batch; i++) {
		slot[i].iov[0] = (struct iovec){&slot[i].vnet, sizeof(slot[i].vnet)};
		slot[i].iov[1] = (struct iovec){l->rx + (size_t)i * LNX_PACKET_MAX, LNX_PACKET_MAX};
		msg[i].msg_hdr = (struct msghdr){
			.msg_name = &slot[i].from,
			.msg_namelen = sizeof(slot[i].from),
			.msg_iov = &slot[i].iov[first],
			.msg_iovlen = 2 - first,
			.msg_control = slot[i].control.buf,
			.msg_controllen = sizeof(slot[i].control.buf),
		};
	}
	n = recvmmsg(l->fd[which], msg, batch, MSG_DONTWAIT, NULL);
	/* Merged in a way that this kernel has no word for: it is gone. */
	if (n < 0 && errno == EINVAL)
		l->count[COUNT_RX_MERGED_BAD]++;
	if (n > 1 && which != FD_MERGED && l->cb.engine != NULL)
		expect_batch(l, msg, (size_t)n);
	for (int i = 0; i < n; i++) {
		on_slot(l, which, &msg[i], &slot[i]);
		ops_tell(l);
	}
	return n == (int)batch;
}

void rx_known(struct lnx *l)
{
	(void)read_batch(l, FD_KNOWN);
}

void rx_readable(struct lnx *l, enum lnx_fd which)
{
	const unsigned batches = which == FD_MERGED ? 1 : LNX_BATCHES;

	for (unsigned i = 0; i < batches; i++) {
		if (which != FD_KNOWN)
			rx_known(l);
		if (!read_batch(l, which))
			return;
	}
	rx_count_lost(l); /* what is full may have been too full */
}

/* ---- What was lost ------------------------------------------------------------------------- */

void rx_count_lost(struct lnx *l)
{
	for (size_t i = 0; i < N_SOCKETS; i++) {
		struct tpacket_stats st = {0};
		socklen_t size = sizeof(st);

		/* Asking sets it back to zero. */
		if (getsockopt(l->fd[sockets[i].fd], SOL_PACKET, PACKET_STATISTICS, &st, &size) < 0)
			continue;
		l->count[sockets[i].lost] += st.tp_drops;
		l->rx_lost += st.tp_drops;
	}
}

struct bub_time rx_deadline(const struct lnx *l)
{
	return l->rx_lost > 0 ? l->rx_lost_due : BUB_TIME_NEVER;
}

void rx_expire(struct lnx *l, struct bub_time now)
{
	if (l->rx_lost == 0 || bub_time_before(now, l->rx_lost_due))
		return;
	lnx_log(l, LNX_LOG_WARNING,
		"%llu packets were lost before they could be read: more came than this machine "
		"can take; see `bubctl counters`",
		(unsigned long long)l->rx_lost);
	l->rx_lost = 0;
	l->rx_lost_due = bub_time_add_s(now, LOST_LOG_S);
}
