/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The addresses that a home agent answers for on its home link (RFC 6275, 10.4.1).  The kernel's
 * proxy answers solicitations; here is what it has to answer for, and the advertisements that claim
 * an address.  An address that is still being probed for (dad.c) is not the kernel's, which would
 * answer others' probes as well: who asks is answered from here, and nothing is claimed (RFC 4429,
 * 3.3).  Who has asked a moment before would ask again only after a second (RFC 4861,
 * RetransTimer), so all are told once, without Override: it changes nothing for whoever knows a
 * neighbour with that address (RFC 4861, 7.2.5).
 *
 * The kernel forgets its proxy entries when the link loses its carrier, and a link that is made
 * anew has none: so all are given out again when the link is there.  There may be very many: an
 * expiry gives out a portion of them, and no more than a few are under way.
 */
#include <errno.h>

#include "agent_internal.h"
#include "link_internal.h"

#define CONTEST_MS 1000

static bool may_ask(const struct link *lk)
{
	return lk->agent.up_on != 0 && lk->agent.n_asked < PROXIES_ASKED_MAX;
}

static void ask(struct link *lk, struct proxy *p)
{
	struct agent *ag = &lk->agent;
	struct link_out *out;

	out = link_put_asked(lk, LINK_PROXY_ADD, &ag->asked[ag->n_asked].id);
	out->u.neigh.ifindex = ag->up_on;
	out->u.neigh.addr = p->entry.a;
	ag->asked[ag->n_asked].addr = p->entry.a;
	ag->n_asked++;
	p->given_out = true;
}

/* Now or when there is room. */
static void give_out(struct link *lk, struct proxy *p)
{
	if (p->tentative)
		return;
	if (may_ask(lk))
		ask(lk, p);
	else
		lk->agent.proxies_at = 0;
}

void link_proxy_add(struct link *lk, struct bub_time now, const struct in6_addr *addr)
{
	struct proxy *p;

	if (lk->cfg.home_link[0] == '\0')
		return;
	link_enter(lk, now);
	p = table_find(&lk->agent.proxies, addr, &in6addr_any);
	if (p == NULL)
		p = table_add(&lk->agent.proxies, addr, &in6addr_any);
	if (p == NULL) {
		link_say(lk, LINK_SAY_NO_PROXY, lk->home_link, addr, NULL)->u.say.error = -ENOSPC;
		return;
	}
	p->given_out = false;
	p->tentative = dad_is_on(lk, addr);
	if (p->tentative)
		send_presence(lk, lk->home_link, addr);
	give_out(lk, p);
}

void proxy_probed(struct link *lk, const struct in6_addr *addr)
{
	struct proxy *p = table_find(&lk->agent.proxies, addr, &in6addr_any);

	if (p == NULL || !p->tentative)
		return;
	p->tentative = false;
	give_out(lk, p);
}

void proxy_on_ns(struct link *lk, const struct in6_addr *src, const struct in6_addr *target)
{
	const struct proxy *p = table_find(&lk->agent.proxies, target, &in6addr_any);

	/* Who asks from :: wants it for itself: for dad.c to hear. */
	if (p != NULL && p->tentative && !IN6_IS_ADDR_UNSPECIFIED(src))
		send_optimistic(lk, lk->home_link, src, target);
}

void link_proxy_del(struct link *lk, struct bub_time now, const struct in6_addr *addr)
{
	struct proxy *p = table_find(&lk->agent.proxies, addr, &in6addr_any);
	struct link_out *out;

	if (p == NULL)
		return;
	link_enter(lk, now);
	claim_stop(lk, addr);
	if (lk->home_link != 0) {
		out = link_put(lk, LINK_PROXY_DEL);
		out->u.neigh.ifindex = lk->home_link;
		out->u.neigh.addr = *addr;
	}
	table_remove(&lk->agent.proxies, p);
}

/* It is claimed once the kernel answers for it. */
void proxy_done(struct link *lk, uint32_t id, int error)
{
	struct agent *ag = &lk->agent;
	struct in6_addr addr;
	unsigned i = 0;

	while (i < ag->n_asked && ag->asked[i].id != id)
		i++;
	if (i == ag->n_asked)
		return;
	addr = ag->asked[i].addr;
	ag->asked[i] = ag->asked[--ag->n_asked];
	if (table_find(&ag->proxies, &addr, &in6addr_any) == NULL)
		return;
	if (error == 0)
		claim_start(lk, ag->up_on, &addr, false);
	else
		link_say(lk, LINK_SAY_NO_PROXY, ag->up_on, &addr, NULL)->u.say.error = error;
}

/* At boot it may come later than bubd. */
static void tell_home_link(struct link *lk)
{
	if (lk->agent.link == lk->home_link)
		return;
	lk->agent.link = lk->home_link;
	if (lk->home_link != 0)
		link_put(lk, LINK_HOME_LINK)->u.iface.ifindex = lk->home_link;
	else
		link_say(lk, LINK_SAY_NO_HOME_LINK, 0, NULL, NULL);
}

void proxy_home_link(struct link *lk)
{
	const struct link_iface *ifc = link_iface(lk, lk->home_link);
	uint32_t up_on = ifc != NULL && ifc->carrier ? lk->home_link : 0;
	struct proxy *p = NULL;

	if (ifc == NULL)
		lk->home_link = 0;
	tell_home_link(lk);
	if (lk->agent.up_on == up_on)
		return;
	lk->agent.up_on = up_on;
	while ((p = table_next(&lk->agent.proxies, p)) != NULL)
		p->given_out = false;
	lk->agent.proxies_at = 0;
}

/* Somebody else says that a home address is its own while we answer for it: those who heard that
 * hear us again, at most once a second (RFC 6275, 10.4.1). */
void proxy_contest(struct link *lk, const struct in6_addr *target)
{
	struct proxy *p = table_find(&lk->agent.proxies, target, &in6addr_any);

	if (p == NULL || p->tentative || lk->agent.place != LINK_SERVING ||
	    !bub_addr_is_routable(target) || bub_time_before(lk->now, p->contest_due))
		return;
	p->contest_due = bub_time_add_ms(lk->now, CONTEST_MS);
	link_say(lk, LINK_SAY_CLAIMED, lk->home_link, target, NULL);
	claim_once(lk, lk->home_link, target);
}

void link_place(struct link *lk, enum link_place place)
{
	lk->agent.place = place;
	if (place != LINK_SERVING)
		claim_stop_others(lk);
}

/* ---- Time ---------------------------------------------------------------------------------- */

void proxy_expire(struct link *lk)
{
	struct agent *ag = &lk->agent;

	while (ag->proxies_at < ag->proxies.cap && may_ask(lk)) {
		struct proxy *p = table_from(&ag->proxies, &ag->proxies_at);

		if (p != NULL && !p->given_out && !p->tentative)
			ask(lk, p);
	}
}

struct bub_time proxy_deadline(const struct link *lk)
{
	const struct bub_time at_once = {0};
	bool due = lk->agent.proxies_at < lk->agent.proxies.cap && may_ask(lk);

	return due ? at_once : BUB_TIME_NEVER;
}
