/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What packets meet between two links: delay and jitter, loss, duplication, reordering, MTU, ways
 * that are blocked, attackers.  Cut-off links are the world's.
 */
#include <assert.h>

#include "attack.h"
#include "net.h"
#include "oracle.h"
#include "pcap.h"

#define LATE_NS (250 * BUB_NS_PER_MS) /* a reordered packet comes up to so much later */
#define ESP_TUNNEL_MAX 110            /* outer header, ESP, padding, ICV */
#define ESP_TRANSPORT_MAX 50
#define TIGHT 1200 /* octets that are close to the smallest MTU */

/* For the oracle that counts the messages of a handover. */
static void disturb(struct sim *s, const struct flight *f)
{
	if (sim_is_message(f))
		sim_disturb(s);
}

void net_lost(void *ctx, const struct flight *f)
{
	struct sim *s = ctx;
	const struct place *to = world_place_of(s->world, &f->dst);

	sim_mix(s, f->order);
	disturb(s, f);
	if ((f->left != NULL && f->left->cut) || (to != NULL && to->cut))
		sim_did(s, DID_CUT_OFF);
}

static bool is_blocked(const struct sim *s, const struct plan_place *a, const struct plan_place *b)
{
	for (unsigned i = 0; i < s->n_ends; i++) {
		const struct plan_event *e = &s->end[i].event;
		const struct plan_place *one, *other;

		if (e->what != PLAN_BLOCK)
			continue;
		one = &s->plan->place[e->who];
		other = &s->plan->place[e->where];
		if ((a == one && b == other) || (a == other && b == one))
			return true;
	}
	return false;
}

static bool is_of(unsigned filters, const struct bub_ip6 *ip)
{
	return ((filters & FILTER_RH2) != 0 && ip->has_rh2) ||
	       ((filters & FILTER_HAO) != 0 && ip->has_hao) ||
	       ((filters & FILTER_MH) != 0 && ip->upper_proto == BUB_NH_MH) ||
	       ((filters & FILTER_UDP) != 0 && ip->upper_proto == BUB_NH_UDP && ip->upper.len > 4 &&
		(ip->upper.data[2] << 8 | ip->upper.data[3]) == BUB_UDP_PORT);
}

/* A firewall that does not know what mobility puts into packets (RFC 7872).  It lets ESP through,
 * so that registrations with home agents get through. */
static bool is_filtered(struct sim *s, const struct flight *f, const struct plan_place *from,
			const struct plan_place *to)
{
	struct bub_ip6 ip;

	if (!(from->filters || to->filters) || f->egress != BUB_EGRESS_PLAIN ||
	    bub_ip6_decode((struct bub_view){f->octets, f->len}, &ip) != BUB_DROP_NONE ||
	    !is_of(from->filters | to->filters, &ip))
		return false;
	if (sim_is_message(f)) /* others have to repeat it: that is no trouble of the network's */
		s->disturbed_ns = sim_now(s);
	sim_did(s, DID_FILTERED);
	if (!s->opt->no_oracles && ip.has_rh2)
		oracle_filtered(s, f, &ip);
	return true;
}

/* Packets to one address that do not come in the order in which they were sent. */
static void note_order(struct sim *s, const struct flight *f)
{
	struct sim_node *n = &s->node[f->from->index];

	if (bub_addr_eq(&n->last_dst, &f->dst) && f->at_ns < n->last_arrival_ns)
		sim_did(s, DID_OVERTAKEN);
	n->last_dst = f->dst;
	n->last_arrival_ns = f->at_ns;
}

static bool is_lost(struct sim *s, const struct plan_place *place)
{
	return sim_now(s) >= place->loss_from_ms * BUB_NS_PER_MS + BUB_NS_PER_S &&
	       rng_hits(&s->rng[FAULT_LOSS], place->loss_ppm);
}

static enum fate draw_fate(struct sim *s, struct flight *f, const struct plan_place *from,
			   const struct plan_place *to)
{
	uint32_t jitter_us = from->jitter_us + to->jitter_us;
	bool esp = f->egress != BUB_EGRESS_PLAIN;

	if (jitter_us > 0)
		f->at_ns += rng_below(&s->rng[FAULT_JITTER], jitter_us * UINT64_C(1000) + 1);
	if (is_lost(s, from) || is_lost(s, to))
		return FATE_LOSE;
	if (rng_hits(&s->rng[FAULT_REORDER], to->reorder_ppm)) {
		f->at_ns += rng_below(&s->rng[FAULT_REORDER], LATE_NS);
		disturb(s, f);
	}
	note_order(s, f);
	/* ESP's replay window takes the second copy away. */
	if (rng_hits(&s->rng[FAULT_DUP], to->dup_ppm) && !esp) {
		disturb(s, f);
		sim_did(s, DID_DOUBLED);
		return FATE_TWICE;
	}
	return FATE_PASS;
}

/* Nobody may send what a link of the smallest MTU does not carry (RFC 8200, 5). */
static void check_size(struct sim *s, const struct flight *f, const struct plan_place *from,
		       const struct plan_place *to)
{
	size_t len = f->len;

	if (f->egress == BUB_EGRESS_TUNNEL)
		len += ESP_TUNNEL_MAX;
	else if (f->egress == BUB_EGRESS_TRANSPORT)
		len += ESP_TRANSPORT_MAX;
	if ((from->mtu != 0 || to->mtu != 0) && len > TIGHT)
		sim_did(s, DID_TIGHT);
	if ((from->mtu != 0 && len > from->mtu) || (to->mtu != 0 && len > to->mtu))
		sim_fail(s, "mtu", "%s sends a packet of %zu octets", f->from->name, len);
}

enum fate net_judge(void *ctx, struct world *w, struct flight *f)
{
	struct sim *s = ctx;
	const struct plan_place *to = sim_place_of(s, &f->dst), *from;
	enum fate fate;

	(void)w;
	assert(f->from != NULL && f->left != NULL); /* what attackers send is not judged */
	s->result->packets++;
	sim_mix(s, f->at_ns);
	sim_mix_octets(s, f->octets, f->len);
	from = sim_place_of(s, &f->left->prefix);
	assert(from != NULL); /* every link is a place of the plan */
	oracle_flight(s, f);
	if (IN6_IS_ADDR_V4MAPPED(&from->prefix) && !IN6_IS_ADDR_V4MAPPED(&f->inside) &&
	    !s->opt->no_oracles)
		sim_fail(s, "family", "%s sends IPv6 into a network of IPv4", f->from->name);
	if (s->pcap != NULL)
		pcap_write(s->pcap, sim_now(s), f);
	if (to == NULL)
		return FATE_LOSE;
	check_size(s, f, from, to);
	if (s->stopped)
		return FATE_PASS;
	if (f->egress == BUB_EGRESS_PLAIN && f->octets[6] == BUB_NH_IPV6)
		sim_did(s, DID_WRAPPED);
	if (is_filtered(s, f, from, to))
		return FATE_LOSE;
	if (is_blocked(s, from, to)) {
		fate = FATE_LOSE;
		sim_did(s, DID_BLOCKED);
	} else {
		fate = draw_fate(s, f, from, to);
		if (fate == FATE_LOSE)
			sim_did(s, DID_LOST);
	}
	if (fate != FATE_LOSE && s->plan->n_attackers > 0 && !attack_on(s, f))
		fate = FATE_LOSE;
	if (fate == FATE_LOSE)
		disturb(s, f);
	return fate;
}
