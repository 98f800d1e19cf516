/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Data that has been sealed and is about to leave: packets of one tunnel wait for each other while
 * this instance still reads, and go by one system call.  In UDP that is one call for all that have
 * one size (UDP_SEGMENT), natively one for several packets (sendmmsg).
 *
 * They go as they were when they were sealed: to where their tunnel led then.  What cannot go so,
 * because the path is too small for one, goes by itself, as if it had never waited.
 */
#include <errno.h>
#include <stdlib.h>

#include "base/addr.h"
#include "base/ip6.h"
#include "carrier.h"

#define LEAVE_PACKETS 64        /* as many segments as every kernel takes in one call */
#define LEAVE_UDP_OCTETS 65000u /* of payload; with its headers it is one packet at first */

struct leave {
	bool waits; /* something is still read */
	bool ended; /* UDP: the last one was shorter */
	struct leave_way way;
	unsigned n;    /* packets that wait, */
	size_t octets; /* and their octets */
	struct iovec packet[LEAVE_PACKETS];
};

int leave_new(struct lnx *l)
{
	l->leave = calloc(1, sizeof(*l->leave));
	return l->leave != NULL ? 0 : -ENOMEM;
}

void leave_free(struct lnx *l)
{
	free(l->leave);
}

/* ---- Out ----------------------------------------------------------------------------------- */

static struct bub_view leave_packet(const struct leave *v, unsigned i)
{
	return (struct bub_view){v->packet[i].iov_base, v->packet[i].iov_len};
}

static void leave_by_udp(struct lnx *l, struct leave *v)
{
	struct carrier_datagram one = v->way.to;

	carriers_sent(l->carrier->choice, lnx_now(), &v->way.home);
	if (v->n > 1 && carrier_udp_send_many(l, v->way.own, &v->way.to, v->packet, v->n))
		return;
	for (unsigned i = 0; i < v->n; i++) {
		one.payload = leave_packet(v, i);
		(void)carrier_udp_send(l, v->way.own, &one);
	}
}

static void leave_natively(struct lnx *l, struct leave *v)
{
	const struct link_tunnel *t = link_tunnel(l->link, &v->way.home);
	const struct bub_action act = {
		.type = BUB_ACT_SEND,
		.u.send.ifindex = v->way.ifindex,
	};

	for (unsigned i = 0; i < v->n; i++) {
		i += tx_many(l, v->way.ifindex, v->packet + i, v->n - i);
		if (i < v->n && t == NULL)
			l->count[COUNT_TX_NO_TUNNEL]++;
		else if (i < v->n)
			tx_outer(l, t, leave_packet(v, i), &act);
	}
}

void leave_flush(struct lnx *l)
{
	struct leave *v = l->leave;

	if (v->n > 0 && v->way.udp)
		leave_by_udp(l, v);
	else if (v->n > 0)
		leave_natively(l, v);
	v->n = 0;
	v->octets = 0;
}

void leave_wait(struct lnx *l, bool waits)
{
	l->leave->waits = waits;
	leave_flush(l);
	l->out_used = 0;
}

/* ---- In ------------------------------------------------------------------------------------ */

static bool leave_same_way(const struct leave_way *a, const struct leave_way *b)
{
	return a->udp == b->udp && a->own == b->own && a->ifindex == b->ifindex &&
	       bub_addr_eq(&a->home, &b->home) && bub_addr_eq(&a->to.src, &b->to.src) &&
	       bub_addr_eq(&a->to.dst, &b->to.dst) && a->to.dst_port == b->to.dst_port &&
	       a->to.traffic_class == b->to.traffic_class;
}

/* All that go by one call in UDP have one size, but for the last. */
static bool leave_fits(const struct leave *v, const struct leave_way *way, size_t len)
{
	if (v->n == LEAVE_PACKETS || !leave_same_way(&v->way, way))
		return false;
	return !way->udp ||
	       (!v->ended && len <= v->packet[0].iov_len && v->octets + len <= LEAVE_UDP_OCTETS);
}

void leave_take(struct lnx *l, const struct leave_way *way, struct bub_view packet)
{
	struct leave *v = l->leave;

	if (v->n > 0 && !leave_fits(v, way, packet.len))
		leave_flush(l);
	v->way = *way;
	v->packet[v->n++] = (struct iovec){(void *)(uintptr_t)packet.data, packet.len};
	v->octets += packet.len;
	v->ended = packet.len < v->packet[0].iov_len;
	l->out_used = (size_t)(packet.data + packet.len - l->out);
	if (!v->waits || l->out_used > LNX_OUT_WAITS)
		leave_wait(l, v->waits);
}
