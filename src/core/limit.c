/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What strangers may make this node send (protocol.md, P27): so many messages a second of each
 * kind, for one prefix of 64 bits and in all, and in sum no more octets than they have sent.
 *
 * An answer that is larger than its question, as a Home Test is by the formats of RFC 6275, comes
 * out of a small credit.  Whoever asks little never sees its end.  A flood pays for itself, since
 * questions without an answer count too, and pays back what it had on credit: with half of the
 * credit spent, an answer costs twice what it is larger by.
 *
 * Prefixes share a fixed number of buckets by a hash that nobody outside knows.  So there is no
 * table that could be filled, and nobody to push out of it.
 */
#include <string.h>

#include "core.h"
#include "limit.h"

/* Octets that are owed are forgiven over this time. */
#define CREDIT_S 60

/* In a table of fewer places there is nothing to share. */
#define SHARE_MIN 32u

struct quota {
	uint32_t per_s, burst; /* messages; 0: any number */
	uint32_t credit;       /* octets */
};

struct rule {
	struct quota prefix, all;
	enum bub_drop why;
};

/*
 * In all there is more room than for one prefix, so that one prefix, or one forger, does not stop
 * the others.  Tests have no limit in all: the answer costs who asks as much as us, and such a
 * limit would be a means to keep everybody from return routability.
 */
static const struct rule rules[LIMIT_KINDS] = {
	[LIMIT_TEST] = {{1000, 1000, 8192}, {0, 0, 65536}, BUB_DROP_TEST_LIMITED},
	[LIMIT_BINDING_ERROR] = {{10, 10, 1024}, {200, 200, 16384}, BUB_DROP_RATE_LIMITED},
	[LIMIT_ICMP_ERROR] = {{10, 10, 1024}, {200, 200, 16384}, BUB_DROP_ICMP6_LIMITED},
	[LIMIT_RELAYED] = {{100, 100, 1024}, {1000, 1000, 16384}, BUB_DROP_ICMP6_LIMITED},
	[LIMIT_REFUSAL] = {{10, 20, 1024}, {1000, 1000, 16384}, BUB_DROP_REFUSAL_LIMITED},
	[LIMIT_FLOW] = {{4, 8, 1024}, {10, 20, 8192}, BUB_DROP_FLOW_LIMITED},
	[LIMIT_REPLY] = {{4, 8, 1024}, {10, 20, 8192}, BUB_DROP_FLOW_LIMITED},
	[LIMIT_DISCOVERY] = {{5, 10, 4096}, {500, 500, 65536}, BUB_DROP_DHAAD_LIMITED},
	/* A mobile node sends three updates a second at most (RFC 6275, 12: MAX_UPDATE_RATE). */
	[LIMIT_REGISTRATION] = {{5, 20, 65536}, {0, 0, 65536}, BUB_DROP_HOME_BU_LIMITED},
	[LIMIT_REPORTS] = {{20, 100, 65536}, {0, 0, 65536}, BUB_DROP_MLD_LIMITED},
};

/* The bucket of the prefix; different kinds spread in different ways. */
static struct bucket *limit_bucket(struct limit *l, enum limit_kind kind,
				   const struct in6_addr *source)
{
	uint64_t prefix, h;

	memcpy(&prefix, source->s6_addr, sizeof prefix);
	h = (prefix ^ l->seed) * UINT64_C(0x9e3779b97f4a7c15);
	h = (h ^ (h >> 29) ^ kind) * UINT64_C(0xbf58476d1ce4e5b9);
	return &l->prefix[kind][(h >> 32) % LIMIT_SLOTS];
}

static uint64_t step_ns(const struct quota *q)
{
	return BUB_NS_PER_S / q->per_s;
}

static uint64_t octet_ns(const struct quota *q)
{
	return CREDIT_S * BUB_NS_PER_S / q->credit;
}

/* A bucket, and how much it holds. */
struct share {
	struct bucket *b;
	const struct quota *q;
};

static uint64_t share_owed_ns(const struct share *s, uint64_t now_ns)
{
	return s->b->octets_ns > now_ns ? s->b->octets_ns - now_ns : 0;
}

/* What an answer costs that is larger than its question by @octets. */
static uint64_t share_cost_ns(const struct share *s, uint64_t now_ns, size_t octets)
{
	uint64_t ns = octets * octet_ns(s->q);

	return share_owed_ns(s, now_ns) > CREDIT_S * BUB_NS_PER_S / 2 ? 2 * ns : ns;
}

/* One more message is within the burst, and @octets more are within the credit. */
static bool share_has_room(const struct share *s, uint64_t now_ns, size_t octets)
{
	if (s->q->per_s != 0 && s->b->messages_ns > now_ns + (s->q->burst - 1) * step_ns(s->q))
		return false;
	return octets == 0 || share_owed_ns(s, now_ns) + share_cost_ns(s, now_ns, octets) <=
				      CREDIT_S * BUB_NS_PER_S;
}

static void share_earn(const struct share *s, uint64_t now_ns, size_t octets)
{
	uint64_t paid_ns = octets * octet_ns(s->q);

	if (s->b->octets_ns <= now_ns || s->b->octets_ns - now_ns <= paid_ns)
		s->b->octets_ns = now_ns;
	else
		s->b->octets_ns -= paid_ns;
}

static void share_take(const struct share *s, uint64_t now_ns, size_t octets_in, size_t octets_out)
{
	struct bucket *b = s->b;

	if (s->q->per_s != 0)
		b->messages_ns =
			(b->messages_ns > now_ns ? b->messages_ns : now_ns) + step_ns(s->q);
	if (octets_out > octets_in)
		b->octets_ns = now_ns + share_owed_ns(s, now_ns) +
			       share_cost_ns(s, now_ns, octets_out - octets_in);
	else
		share_earn(s, now_ns, octets_in - octets_out);
}

/* Takes an answer out of all @n shares, if each has room; else out of none. */
static bool limit_take_all(struct bub_engine *eng, const struct share *share, unsigned n,
			   size_t octets_in, size_t octets_out)
{
	size_t more = octets_out > octets_in ? octets_out - octets_in : 0;
	uint64_t now_ns = core_now(eng).ns;
	bool room = true;

	for (unsigned i = 0; i < n; i++)
		room = room && share_has_room(&share[i], now_ns, more);
	for (unsigned i = 0; i < n; i++)
		if (room)
			share_take(&share[i], now_ns, octets_in, octets_out);
		else
			share_earn(&share[i], now_ns, octets_in);
	return room;
}

bool limit_allow(struct bub_engine *eng, enum limit_kind kind, const struct in6_addr *source,
		 size_t octets_in, size_t octets_out)
{
	const struct share share[] = {
		{limit_bucket(core_limit(eng), kind, source), &rules[kind].prefix},
		{&core_limit(eng)->all[kind], &rules[kind].all},
	};

	if (limit_take_all(eng, share, 2, octets_in, octets_out))
		return true;
	core_drop(eng, rules[kind].why, source);
	return false;
}

bool limit_allow_own(struct bub_engine *eng, enum limit_kind kind, struct bucket *own,
		     const struct in6_addr *source, size_t octets_in, size_t octets_out)
{
	const struct share share = {own, &rules[kind].prefix};

	if (limit_take_all(eng, &share, 1, octets_in, octets_out))
		return true;
	core_drop(eng, rules[kind].why, source);
	return false;
}

bool limit_share_used(uint32_t used, uint32_t cap, uint32_t mine)
{
	uint32_t share = cap / 8 > SHARE_MIN ? cap / 8 : SHARE_MIN;

	return used >= cap / 2 && mine >= share;
}
