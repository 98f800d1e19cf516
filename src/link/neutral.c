/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Checksum-neutral care-of addresses (protocol.md, P110).
 *
 * On a direct path the checksums of TCP and UDP are over the home addresses (RFC 6275, 6.3
 * and 6.4), and in the IPv6 header are the care-of addresses.  Whoever looks at a packet before the
 * headers of mobility are off takes its checksum for wrong: above all the receiver's kernel, which
 * merges the packets of a stream (GRO) only where their checksums are right, and cards that do the
 * same.  Where both addresses have the same one's complement sum, the checksum is right with
 * either.
 *
 * So, where the operator wants it, each address that the kernel forms from an advertised prefix
 * gets one beside it that differs in 16 bits of its interface identifier, and that one is used.  It
 * lives as long as the first, and the kernel looks for duplicates of it as of all.  Where it cannot
 * be had, the first is used.
 */
#include "neutral.h"
#include "base/addr.h"
#include "link_internal.h"

/* Where the 16 bits are that are others.  Of an identifier made of a link-layer address it is the
 * first half of the ff:fe in the middle: the last three octets, which tell cards apart, stay. */
#define FREE_AT 10
#define SLACK_S 2
#define PREFIX_LEN 64 /* else the word would be the network's, or none of the identifier */

static uint32_t word_at(const struct in6_addr *a, size_t at)
{
	return (uint32_t)a->s6_addr[at] << 8 | a->s6_addr[at + 1];
}

static uint32_t fold(uint32_t sum)
{
	while (sum > 0xffff)
		sum = (sum & 0xffff) + (sum >> 16);
	return sum;
}

static uint32_t sum_of(const struct in6_addr *a)
{
	uint32_t sum = 0;

	for (size_t at = 0; at < sizeof(*a); at += 2)
		sum += word_at(a, at);
	return fold(sum);
}

struct in6_addr neutral_for(const struct in6_addr *addr, const struct in6_addr *home)
{
	uint32_t chosen = fold(word_at(addr, FREE_AT) + sum_of(home) + (0xffff - sum_of(addr)));
	struct in6_addr ret = *addr;

	if (chosen == 0xffff)
		chosen = 0; /* the same number, as RFC 6296, 3.2, has it */
	ret.s6_addr[FREE_AT] = (uint8_t)(chosen >> 8);
	ret.s6_addr[FREE_AT + 1] = (uint8_t)chosen;
	return ret;
}

/* Whose place @a takes; NULL: nobody's. */
static struct addr *origin_of(struct link *lk, const struct addr *a)
{
	for (unsigned i = 0; i < LINK_ADDRS_MAX; i++) {
		struct addr *o = &lk->addr[i];

		if (o->fact.ifindex == a->fact.ifindex && !o->gone &&
		    neutral_is_used(&o->neutral) && bub_addr_eq(&o->neutral.addr, &a->fact.addr))
			return o;
	}
	return NULL;
}

static void clear(struct link *lk, const struct addr *a)
{
	struct link_out *out;

	if (!neutral_is_used(&a->neutral))
		return;
	out = link_put(lk, LINK_ADDR_CLEAR);
	out->u.addr.ifindex = a->fact.ifindex;
	out->u.addr.addr = a->neutral.addr;
	out->u.addr.prefix_len = PREFIX_LEN;
}

static void neutral_fail(struct link *lk, struct addr *a, int error)
{
	a->neutral.state = NEUTRAL_FAILED;
	link_say(lk, LINK_SAY_NO_NEUTRAL, a->fact.ifindex, &a->neutral.addr, &a->fact.addr)
		->u.say.error = error;
}

static bool is_at_home(const struct link *lk, const struct in6_addr *addr)
{
	for (unsigned i = 0; i < BUB_HOMES_MAX; i++) {
		const struct home *h = &lk->home[i];

		if (!IN6_IS_ADDR_UNSPECIFIED(&h->addr) &&
		    bub_addr_in_prefix(addr, &h->addr, h->prefix_len))
			return true;
	}
	return false;
}

static bool wants_one(const struct link *lk, const struct iface *ifc, const struct addr *a)
{
	return ifc->view.neutral && ifc->view.ours && ifc->view.roams && lk->n_homes > 0 &&
	       a->fact.from_ra && !a->fact.temporary && !a->fact.dad_failed && !ipv4_is(a) &&
	       a->fact.prefix_len == PREFIX_LEN &&
	       !IN6_IS_ADDR_UNSPECIFIED(&lk->home[lk->first_home].addr) &&
	       !is_at_home(lk, &a->fact.addr);
}

/* Again each time that the kernel speaks of @a: its lifetime is another one then. */
static void neutral_ask(struct link *lk, const struct iface *ifc, struct addr *a)
{
	const struct in6_addr addr = neutral_for(&a->fact.addr, &lk->home[lk->first_home].addr);
	uint64_t left_s = bub_time_ms_between(lk->now, a->fact.valid_until) / 1000;
	struct link_out *out;

	if (neutral_is_used(&a->neutral) && !bub_addr_eq(&a->neutral.addr, &addr)) {
		clear(lk, a);
		a->neutral = (struct neutral){0};
	}
	if (bub_addr_eq(&addr, &a->fact.addr) || a->neutral.id != 0 ||
	    (a->neutral.state == NEUTRAL_FAILED && a->neutral.epoch == ifc->epoch))
		return;
	out = link_put_asked(lk, LINK_ADDR_BESIDE, &a->neutral.id);
	out->u.addr.ifindex = a->fact.ifindex;
	out->u.addr.addr = addr;
	out->u.addr.prefix_len = PREFIX_LEN;
	out->u.addr.valid_s = UINT32_MAX;
	/* A little longer: what goes with @a is taken away. */
	if (!bub_time_is_never(a->fact.valid_until) && left_s + SLACK_S < UINT32_MAX)
		out->u.addr.valid_s = (uint32_t)left_s + SLACK_S;
	out->u.addr.deprecated = a->fact.deprecated;
	/* One that is there has been looked for already. */
	out->u.addr.optimistic = ifc->view.optimistic && a->neutral.state != NEUTRAL_THERE;
	a->neutral.addr = addr;
	a->neutral.epoch = ifc->epoch;
	if (a->neutral.state != NEUTRAL_THERE)
		a->neutral.state = NEUTRAL_ASKED;
}

void neutral_heard(struct link *lk, const struct iface *ifc, struct addr *a)
{
	struct addr *origin = origin_of(lk, a);

	if (origin != NULL && a->fact.dad_failed)
		neutral_fail(lk, origin, 0);
	else if (origin != NULL)
		origin->neutral.state = NEUTRAL_THERE;
	else if (wants_one(lk, ifc, a))
		neutral_ask(lk, ifc, a);
}

bool neutral_gone(struct link *lk, const struct addr *a)
{
	struct addr *origin = origin_of(lk, a);

	if (origin == NULL) {
		clear(lk, a);
		return false;
	}
	if (a->fact.tentative)
		neutral_fail(lk, origin,
			     0); /* that is how the kernel says that another host has it */
	origin->neutral.state = NEUTRAL_FAILED;
	return true;
}

bool neutral_done(struct link *lk, uint32_t id, int error)
{
	for (unsigned i = 0; i < LINK_ADDRS_MAX; i++) {
		struct addr *a = &lk->addr[i];
		struct iface *ifc = lookup_iface(lk, a->fact.ifindex);

		if (a->neutral.id != id)
			continue;
		a->neutral.id = 0;
		if (error == 0)
			return true;
		neutral_fail(lk, a, error);
		if (ifc != NULL)
			movement_evaluate(lk, ifc);
		return true;
	}
	return false;
}

void neutral_stop(struct link *lk)
{
	for (unsigned i = 0; i < LINK_ADDRS_MAX; i++) {
		if (lk->addr[i].fact.ifindex != 0 && !lk->addr[i].gone)
			clear(lk, &lk->addr[i]);
	}
}
