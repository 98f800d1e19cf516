/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The unsolicited advertisements by which a home agent claims a home address, and a mobile node
 * takes it back (RFC 6275, 10.4.1 and 11.5.5): the first at once, two more a second apart.
 */
#include "agent_internal.h"
#include "link_internal.h"

#define COUNT 3 /* MAX_NEIGHBOR_ADVERTISEMENT (RFC 4861, 10) */
#define INTERVAL_MS 1000

static struct claim *claim_at(struct link *lk, unsigned index)
{
	return &lk->agent.claim[(lk->agent.claim_first + index) % CLAIMS_MAX];
}

/* All repetitions wait equally long, so the ring is in the order of their time.  When it is full,
 * the one that was sent must do. */
static void claim_send(struct link *lk, struct claim c)
{
	if (link_iface(lk, c.ifindex) == NULL)
		return;
	send_claim(lk, c.ifindex, c.own ? &c.target : NULL, &c.target);
	c.left--;
	if (c.left == 0 || lk->agent.n_claims == CLAIMS_MAX)
		return;
	c.due = bub_time_add_ms(lk->now, INTERVAL_MS);
	*claim_at(lk, lk->agent.n_claims) = c;
	lk->agent.n_claims++;
}

void claim_start(struct link *lk, uint32_t ifindex, const struct in6_addr *target, bool own)
{
	claim_stop(lk, target);
	claim_send(lk, (struct claim){
			       .target = *target, .ifindex = ifindex, .own = own, .left = COUNT});
}

void claim_once(struct link *lk, uint32_t ifindex, const struct in6_addr *target)
{
	claim_send(lk, (struct claim){.target = *target, .ifindex = ifindex, .left = 1});
}

void claim_stop(struct link *lk, const struct in6_addr *target)
{
	for (unsigned i = 0; i < lk->agent.n_claims; i++) {
		if (bub_addr_eq(&claim_at(lk, i)->target, target))
			claim_at(lk, i)->left = 0;
	}
}

void claim_stop_others(struct link *lk)
{
	for (unsigned i = 0; i < lk->agent.n_claims; i++) {
		if (!claim_at(lk, i)->own)
			claim_at(lk, i)->left = 0;
	}
}

void claim_expire(struct link *lk)
{
	for (unsigned room = PORTION; room > 0 && lk->agent.n_claims > 0;) {
		const struct claim c = *claim_at(lk, 0);

		if (bub_time_before(lk->now, c.due))
			return;
		lk->agent.claim_first = (lk->agent.claim_first + 1) % CLAIMS_MAX;
		lk->agent.n_claims--;
		if (c.left == 0)
			continue;
		claim_send(lk, c);
		room--;
	}
}

struct bub_time claim_deadline(const struct link *lk)
{
	return lk->agent.n_claims > 0 ? lk->agent.claim[lk->agent.claim_first].due : BUB_TIME_NEVER;
}
