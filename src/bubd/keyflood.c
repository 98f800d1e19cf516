/* SPDX-License-Identifier: BSD-2-Clause */
/* See keyflood.h.  RFC 4987, 3.6 and RFC 8446, 5.1 leave such limits to who serves. */
#include "keyflood.h"

#include <string.h>

#define MILLI 1000u

#define NETWORK_LEN 8

/* The network that is counted: 64 bits of IPv6, 24 of IPv4. */
static void network_of(const struct in6_addr *a, uint8_t ret[static NETWORK_LEN])
{
	memset(ret, 0, NETWORK_LEN);
	if (IN6_IS_ADDR_V4MAPPED(a))
		memcpy(ret + 4, a->s6_addr + 12, 3);
	else
		memcpy(ret, a->s6_addr, NETWORK_LEN);
}

static bool keyflood_same_prefix(const struct in6_addr *a, const struct in6_addr *b)
{
	uint8_t x[NETWORK_LEN], y[NETWORK_LEN];

	network_of(a, x);
	network_of(b, y);
	return memcmp(x, y, NETWORK_LEN) == 0;
}

/* The oldest that has not shown who it is, of @from's prefix or of all; KEYFLOOD_NONE: none. */
static uint32_t keyflood_oldest(const struct keyflood *f, const struct in6_addr *from)
{
	uint32_t oldest = KEYFLOOD_NONE;

	for (uint32_t i = 0; i < KEYFLOOD_MAX; i++) {
		const struct keyflood_slot *s = &f->slot[i];

		if (s->used && !s->proved &&
		    (from == NULL || keyflood_same_prefix(&s->from, from)) &&
		    (oldest == KEYFLOOD_NONE || s->order < f->slot[oldest].order))
			oldest = i;
	}
	return oldest;
}

/* How many are of @from's prefix, and the last free slot. */
static unsigned keyflood_count(const struct keyflood *f, const struct in6_addr *from,
			       uint32_t *ret_free)
{
	unsigned n = 0;

	*ret_free = KEYFLOOD_NONE;
	for (uint32_t i = 0; i < KEYFLOOD_MAX; i++) {
		if (!f->slot[i].used)
			*ret_free = i;
		else if (keyflood_same_prefix(&f->slot[i].from, from))
			n++;
	}
	return n;
}

bool keyflood_enter(struct keyflood *f, const struct in6_addr *from, uint32_t *ret_slot,
		    uint32_t *ret_gone)
{
	uint32_t slot, gone = KEYFLOOD_NONE;
	const unsigned n = keyflood_count(f, from, &slot);

	if (n >= KEYFLOOD_OF_PREFIX)
		slot = gone = keyflood_oldest(f, from);
	else if (slot == KEYFLOOD_NONE)
		slot = gone = keyflood_oldest(f, NULL);
	if (slot == KEYFLOOD_NONE)
		return false;
	f->slot[slot] = (struct keyflood_slot){.used = true, .from = *from, .order = f->order++};
	*ret_slot = slot;
	*ret_gone = gone;
	return true;
}

void keyflood_proved(struct keyflood *f, uint32_t slot)
{
	f->slot[slot].proved = true;
}

void keyflood_leave(struct keyflood *f, uint32_t slot)
{
	f->slot[slot] = (struct keyflood_slot){0};
}

static uint8_t *count_of_prefix(struct keyflood *f, const struct in6_addr *from,
				struct bub_time now)
{
	const uint64_t second = now.ns / BUB_NS_PER_S;
	uint8_t network[NETWORK_LEN];
	uint64_t h = f->seed;

	network_of(from, network);
	if (second != f->second)
		memset(f->of_prefix, 0, sizeof(f->of_prefix));
	f->second = second;
	for (unsigned i = 0; i < NETWORK_LEN; i++)
		h = (h ^ network[i]) * UINT64_C(0x100000001b3);
	h = (h ^ h >> 29) * UINT64_C(0xbf58476d1ce4e5b9);
	return &f->of_prefix[(h >> 32) % KEYFLOOD_PREFIXES];
}

bool keyflood_spend(struct keyflood *f, const struct in6_addr *from, struct bub_time now)
{
	const uint64_t back = bub_time_ms_between(f->since, now) * KEYFLOOD_PER_S;
	uint8_t *of_prefix = count_of_prefix(f, from, now);

	f->spent = f->spent > back ? f->spent - back : 0;
	f->since = now;
	if (*of_prefix >= KEYFLOOD_PREFIX_PER_S ||
	    f->spent + MILLI > (uint64_t)KEYFLOOD_PER_S * MILLI)
		return false;
	f->spent += MILLI;
	++*of_prefix;
	return true;
}
