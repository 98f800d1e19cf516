/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Back on the home link while the home agent may still answer for the home address (RFC 6275,
 * 11.5.5).  Until it has acknowledged the deregistration the address is on bub's own interface
 * only, so that the kernel answers no solicitation for it, asks nobody from it and detects no
 * duplicate of it; solicitations are answered from here.  Where to send the
 * Binding Update is known from the home agent's advertisement, or asked for from ::.
 *
 * A node that starts on its home link does not know whether there is a binding left from before:
 * whoever answers for the address then is taken for the home agent.
 *
 * Not here: rules and routes (home.c), the advertisement that takes the address back (nd.c).
 */
#include <errno.h>
#include <linux/if_addr.h>
#include <netinet/icmp6.h>
#include <string.h>

#include "internal.h"

#define ASK_MS 300     /* how long the Binding Update waits for the home agent's address */
#define DETECT_MS 1000 /* the owner of an address has so long (RFC 4862, 5.4: RetransTimer) */
#define PROBE_MS 1500  /* somebody who answers for the home address later has another reason */

/* ---- The home agent's link-layer address --------------------------------------------------- */

static void send_held(struct lnx *l, struct lnx_home *h)
{
	size_t len = h->held_len;

	h->held_len = 0;
	h->ask_until = (struct bub_time){0};
	if (len > 0)
		(void)tx_raw(l, 0, (struct bub_view){h->held, len}, (struct bub_view){NULL, 0});
}

static void set_agent_mac(struct lnx *l, struct lnx_home *h, uint32_t ifindex, const uint8_t mac[6])
{
	want_neigh(l->want, ifindex, &h->agent, mac); /* else the kernel asks */
	send_held(l, h);
}

bool homelink_hold(struct lnx *l, struct bub_view packet)
{
	struct in6_addr src, dst;

	for (unsigned i = 0; i < l->cfg.n_homes; i++) {
		struct lnx_home *h = &l->home[i];

		if (h->ask_until.ns == 0 || packet.len > sizeof(h->held))
			continue;
		memcpy(&src, packet.data + 8, 16);
		memcpy(&dst, packet.data + 24, 16);
		if (!bub_addr_eq(&src, &h->addr) || !bub_addr_eq(&dst, &h->agent))
			continue;
		memcpy(h->held, packet.data, packet.len);
		h->held_len = packet.len;
		return true;
	}
	return false;
}

static void end_detection(struct lnx *l, struct lnx_home *h, int error)
{
	lnx_done_add(l, h->detect_id, error);
	h->detect_id = 0;
}

void homelink_expire(struct lnx *l, struct bub_time now)
{
	for (unsigned i = 0; i < l->cfg.n_homes; i++) {
		if (l->home[i].detect_id != 0 && !bub_time_before(now, l->home[i].detect_until))
			end_detection(l, &l->home[i], 0);
		if (l->home[i].ask_until.ns != 0 && !bub_time_before(now, l->home[i].ask_until))
			send_held(l, &l->home[i]);
	}
}

struct bub_time homelink_deadline(const struct lnx *l)
{
	struct bub_time t = BUB_TIME_NEVER;

	for (unsigned i = 0; i < l->cfg.n_homes; i++) {
		if (l->home[i].ask_until.ns != 0 && bub_time_before(l->home[i].ask_until, t))
			t = l->home[i].ask_until;
		if (l->home[i].detect_id != 0 && bub_time_before(l->home[i].detect_until, t))
			t = l->home[i].detect_until;
	}
	return t;
}

/* ---- Back, and at home --------------------------------------------------------------------- */

void homelink_return(struct lnx *l, struct bub_time now, struct lnx_home *h, uint32_t ifindex,
		     const struct in6_addr *agent)
{
	uint8_t mac[6];

	homelink_leave(l, h);
	h->agent = *agent;
	h->returning_on = ifindex;
	h->probe_until = (struct bub_time){0};
	nd_listen(l, ifindex, &h->addr, true);
	/* The advertisement of the home agent names its own address (RFC 6275, 7.2). */
	if (link_router_mac(l->link, ifindex, agent, mac)) {
		set_agent_mac(l, h, ifindex, mac);
		return;
	}
	h->ask_until = bub_time_add_ms(now, ASK_MS);
	nd_send_probe(l, ifindex, &h->addr);
}

/* The home agent has no binding for the address, so nobody has defended it (RFC 6275, 11.5.5). */
void homelink_detect(struct lnx *l, struct bub_time now, struct lnx_home *h, uint32_t id)
{
	if (h->returning_on == 0) {
		lnx_done_add(l, id, -ENETDOWN);
		return;
	}
	h->detect_id = id;
	h->detect_until = bub_time_add_ms(now, DETECT_MS);
	nd_send_probe(l, h->returning_on, &h->addr);
}

void homelink_leave(struct lnx *l, struct lnx_home *h)
{
	h->detect_id = 0;
	if (h->returning_on != 0)
		nd_listen(l, h->returning_on, &h->addr, false);
	h->returning_on = 0;
	h->ask_until = (struct bub_time){0};
	h->held_len = 0;
}

void homelink_probe(struct lnx *l, struct bub_time now, struct lnx_home *h, uint32_t ifindex)
{
	h->probe_until = bub_time_add_ms(now, PROBE_MS);
	nd_send_probe(l, ifindex, &h->addr);
}

/* ---- Heard --------------------------------------------------------------------------------- */

/* Whoever asks is answered once the Binding Update is out: the home agent needs our link-layer
 * address for its acknowledgement, and cannot be told from others (RFC 6275, 11.5.5).  For a while
 * both speak for the address.  Who asks from :: wants it for itself: the home agent defends it yet.
 */
void homelink_on_ns(struct lnx *l, uint32_t ifindex, const struct in6_addr *src,
		    const struct in6_addr *target)
{
	const struct link_iface *ifc = link_iface(l->link, ifindex);

	for (unsigned i = 0; ifc != NULL && i < l->cfg.n_homes; i++) {
		const struct lnx_home *h = &l->home[i];

		if (h->returning_on == ifindex && h->ask_until.ns == 0 &&
		    bub_addr_eq(&h->addr, target) && !IN6_IS_ADDR_UNSPECIFIED(src))
			nd_answer(l, ifc, src, target);
	}
}

static void report_defended(struct lnx *l, struct lnx_home *h, const struct link_iface *ifc)
{
	struct bub_event ev = {.type = BUB_EV_CARE_OF_NEW, .ifindex = ifc->fact.ifindex};

	h->probe_until = (struct bub_time){0};
	lnx_log(l, LNX_LOG_INFO, "%s: somebody answers for %s: a binding is left from before",
		ifc->fact.name, lnx_ntop(&h->addr));
	ev.u.care_of.address = h->addr;
	ev.u.care_of.prefix_len = h->prefix_len;
	ev.u.care_of.preference = ifc->preference;
	ev.u.care_of.defended = true;
	lnx_emit(l, &ev);
}

void homelink_on_na(struct lnx *l, uint32_t ifindex, const struct in6_addr *target,
		    const uint8_t *mac)
{
	const struct link_iface *ifc = link_iface(l->link, ifindex);

	for (unsigned i = 0; ifc != NULL && mac != NULL && i < l->cfg.n_homes; i++) {
		struct lnx_home *h = &l->home[i];

		if (!bub_addr_eq(&h->addr, target) || memcmp(mac, ifc->fact.mac, 6) == 0)
			continue;
		if (h->returning_on == ifindex && h->detect_id != 0)
			end_detection(l, h, -EADDRINUSE);
		else if (h->returning_on == ifindex && h->ask_until.ns != 0)
			set_agent_mac(l, h, ifindex, mac);
		else if (h->placed_on == ifindex && bub_time_before(lnx_now(), h->probe_until))
			report_defended(l, h, ifc);
	}
}

/* The kernel has formed the home address by itself from the home link's prefix.  It has no business
 * there but where home.c has put it: its duplicate detection would find the home agent. */
void homelink_on_addr(struct lnx *l, uint32_t ifindex, const struct in6_addr *addr,
		      uint8_t prefix_len, uint32_t flags)
{
	const struct lnx_home *h = home_find(l, addr);

	if (h == NULL || h->placed_on == ifindex || (flags & IFA_F_PERMANENT))
		return;
	want_no_addr(l->want, ifindex, addr, prefix_len);
}
