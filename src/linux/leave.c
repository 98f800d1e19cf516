/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What has been sealed and is about to leave: packets wait for each other while this instance still
 * reads, and go by one system call.  In UDP that is one call for all of one tunnel that have one
 * size (UDP_SEGMENT), natively one for several packets (sendmmsg), wherever each of them goes:
 * data, and what a home agent answers to many mobile nodes.
 *
 * They go as they were when they were sealed: to where their tunnel led then.  What cannot go so,
 * because the path is too small for one, goes by itself, as if it had never waited.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/addr.h"
#include "base/ip6.h"
#include "carrier.h"
#include "linux_esp.h"

#define LEAVE_PACKETS 64        /* as many segments as every kernel takes in one call */
#define LEAVE_UDP_OCTETS 65000u /* of payload; with its headers it is one packet at first */

/* Natively: how one goes. */
struct leave_native {
	struct in6_addr home;
	uint32_t ifindex;
	bool message;
};

struct leave {
	bool waits;           /* something is still read */
	bool ended;           /* UDP: the last one was shorter */
	struct leave_way way; /* of the last one; in UDP of all */
	unsigned n;           /* packets that wait, */
	size_t octets;        /* and their octets */
	struct iovec packet[LEAVE_PACKETS];
	struct leave_native native[LEAVE_PACKETS];
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

/* One that did not go with the others: by itself, which tells why. */
static void leave_alone(struct lnx *l, const struct leave_native *how, struct bub_view packet)
{
	const struct link_tunnel *t = how->message ? NULL : link_tunnel(l->link, &how->home);
	const struct bub_action act = {
		.type = BUB_ACT_SEND,
		.u.send.ifindex = how->ifindex,
	};

	if (how->message)
		undelivered_note(l, &how->home, packet, tx_plain(l, how->ifindex, packet));
	else if (t != NULL)
		tx_outer(l, t, packet, &act);
	else
		l->count[COUNT_TX_NO_TUNNEL]++;
}

static void leave_natively(struct lnx *l, struct leave *v)
{
	uint32_t ifindex[LEAVE_PACKETS];

	for (unsigned i = 0; i < v->n; i++)
		ifindex[i] = v->native[i].ifindex;
	for (unsigned i = 0; i < v->n; i++) {
		i += tx_many(l, ifindex + i, v->packet + i, v->n - i);
		if (i < v->n)
			leave_alone(l, &v->native[i], leave_packet(v, i));
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

void lnx_wait(struct lnx *l, bool waits)
{
	leave_wait(l, waits);
}

/* ---- In ------------------------------------------------------------------------------------ */

static bool leave_same_way(const struct leave_way *a, const struct leave_way *b)
{
	return a->own == b->own && bub_addr_eq(&a->home, &b->home) &&
	       bub_addr_eq(&a->to.src, &b->to.src) && bub_addr_eq(&a->to.dst, &b->to.dst) &&
	       a->to.dst_port == b->to.dst_port && a->to.traffic_class == b->to.traffic_class;
}

/* All that go by one call in UDP have one size, but for the last. */
static bool leave_fits(const struct leave *v, const struct leave_way *way, size_t len)
{
	if (v->n == LEAVE_PACKETS || v->way.udp != way->udp)
		return false;
	return !way->udp || (leave_same_way(&v->way, way) && !v->ended &&
			     len <= v->packet[0].iov_len && v->octets + len <= LEAVE_UDP_OCTETS);
}

void leave_take_message(struct lnx *l, const struct in6_addr *home, uint32_t ifindex,
			struct bub_view packet)
{
	const struct leave_way way = {.home = *home, .ifindex = ifindex, .message = true};
	uint8_t *at = l->out + l->out_used;

	/* Without ESP it is the caller's; what is sealed is there already. */
	if (packet.data != at)
		memcpy(at, packet.data, packet.len);
	leave_take(l, &way, (struct bub_view){at, packet.len});
}

void leave_take(struct lnx *l, const struct leave_way *way, struct bub_view packet)
{
	struct leave *v = l->leave;

	if (v->n > 0 && !leave_fits(v, way, packet.len))
		leave_flush(l);
	v->way = *way;
	v->native[v->n] = (struct leave_native){way->home, way->ifindex, way->message};
	v->packet[v->n++] = (struct iovec){(void *)(uintptr_t)packet.data, packet.len};
	v->octets += packet.len;
	v->ended = packet.len < v->packet[0].iov_len;
	l->out_used = (size_t)(packet.data + packet.len - l->out);
	if (!v->waits || l->out_used > LNX_OUT_WAITS)
		leave_wait(l, v->waits);
}
