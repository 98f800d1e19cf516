/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A home agent's duplicate address detection for a home address, before it answers for it
 * (RFC 6275, 10.3.1; RFC 4862, 5.4): one solicitation from ::, and a second in which nobody may
 * answer, or ask for the same address.
 */
#include <errno.h>

#include "agent_internal.h"
#include "link_internal.h"

#define DAD_MS 1000 /* DupAddrDetectTransmits (1) x RetransTimer (1 s): RFC 4862, 5.1 */

/* Without membership only the answer of an address's owner is heard, which is the case that
 * matters: so whether the group can be joined is no verdict. */
static void dad_group(struct link *lk, enum link_out_type type, const struct in6_addr *addr)
{
	struct link_out *out = link_put(lk, type);

	out->u.group.ifindex = lk->home_link;
	out->u.group.addr = nd_solicited_node(addr);
}

static struct dad *dad_take(struct link *lk)
{
	for (unsigned i = 0; i < DADS_MAX; i++) {
		if (!lk->agent.dad[i].used)
			return &lk->agent.dad[i];
	}
	return NULL;
}

void link_dad(struct link *lk, struct bub_time now, uint32_t id, const struct in6_addr *addr)
{
	const struct link_iface *ifc = link_iface(lk, lk->home_link);
	struct home *home = lookup_home(lk, addr);
	struct dad *dad;

	link_enter(lk, now);
	if (home != NULL) {
		homelink_detect(lk, home, id);
		return;
	}
	if (lk->cfg.home_link[0] == '\0') {
		link_verdict(lk, id, 0);
		return;
	}
	if (ifc == NULL || !ifc->carrier) {
		link_verdict(lk, id, -ENETDOWN);
		return;
	}
	dad = dad_take(lk);
	if (dad == NULL) {
		link_verdict(lk, id, -EBUSY);
		return;
	}
	*dad = (struct dad){
		.addr = *addr, .id = id, .used = true, .due = bub_time_add_ms(now, DAD_MS)};
	lk->agent.n_dad++;
	dad_group(lk, LINK_GROUP_JOIN, addr);
	send_probe(lk, lk->home_link, addr);
}

bool dad_is_on(const struct link *lk, const struct in6_addr *addr)
{
	for (unsigned i = 0; lk->agent.n_dad > 0 && i < DADS_MAX; i++)
		if (lk->agent.dad[i].used && bub_addr_eq(&lk->agent.dad[i].addr, addr))
			return true;
	return false;
}

static void dad_end(struct link *lk, struct dad *dad, int error)
{
	dad->used = false;
	lk->agent.n_dad--;
	dad_group(lk, LINK_GROUP_LEAVE, &dad->addr);
	if (error != 0)
		link_say(lk, LINK_SAY_IN_USE, lk->home_link, &dad->addr, NULL);
	else if (!dad_is_on(lk, &dad->addr)) /* nor for a later registration of the same node */
		proxy_probed(lk, &dad->addr);
	link_verdict(lk, dad->id, error);
}

bool dad_heard(struct link *lk, const struct in6_addr *src, const struct nd_message *m)
{
	bool asked = false;

	/* A solicitation with a source only asks; one without claims (RFC 4862, 5.4.3). */
	if (m->type == ND_TYPE_NEIGHBOUR_SOLICIT ? !IN6_IS_ADDR_UNSPECIFIED(src)
						 : m->type != ND_TYPE_NEIGHBOUR_ADVERT)
		return false;
	for (unsigned i = 0; lk->agent.n_dad > 0 && i < DADS_MAX; i++) {
		struct dad *dad = &lk->agent.dad[i];

		if (!dad->used || !bub_addr_eq(&dad->addr, &m->target))
			continue;
		dad_end(lk, dad, -EADDRINUSE);
		asked = true;
	}
	return asked;
}

void dad_expire(struct link *lk)
{
	unsigned room = PORTION;

	for (unsigned i = 0; lk->agent.n_dad > 0 && room > 0 && i < DADS_MAX; i++) {
		struct dad *dad = &lk->agent.dad[i];

		if (!dad->used || bub_time_before(lk->now, dad->due))
			continue;
		dad_end(lk, dad, 0);
		room--;
	}
}

struct bub_time dad_deadline(const struct link *lk)
{
	struct bub_time t = BUB_TIME_NEVER;

	for (unsigned i = 0; lk->agent.n_dad > 0 && i < DADS_MAX; i++) {
		const struct dad *dad = &lk->agent.dad[i];

		if (dad->used && bub_time_before(dad->due, t))
			t = dad->due;
	}
	return t;
}
