/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Back on the home link while the home agent may still answer for the home address (RFC 6275,
 * 11.5.5).  Until it has acknowledged the deregistration the address is on bub's own interface
 * only, so that the kernel answers no solicitation for it, asks nobody from it and detects no
 * duplicate of it; solicitations are answered from here.  Where to send the Binding Update is known
 * from the home agent's advertisement, or asked for from ::.
 *
 * A node that starts on its home link does not know whether there is a binding left from before:
 * whoever answers for the address then is taken for the home agent.
 *
 * Not here: rules and routes (home.c), the advertisement that takes the address back (claim.c).
 */
#include <errno.h>
#include <string.h>

#include "base/ip6.h"
#include "link_internal.h"

#define ASK_MS 300     /* how long the Binding Update waits for the home agent's address */
#define DETECT_MS 1000 /* the owner of an address has so long (RFC 4862, 5.4: RetransTimer) */
#define PROBE_MS 1500  /* somebody who answers for the home address later has another reason */

/* ---- The home agent's link-layer address --------------------------------------------------- */

static void send_held(struct link *lk, struct home *h)
{
	size_t len = h->back.held_len;

	h->back.held_len = 0;
	h->back.ask_until = (struct bub_time){0};
	if (len > 0)
		link_put(lk, LINK_PACKET_SEND)->u.packet = (struct bub_view){h->back.held, len};
}

static void set_agent_mac(struct link *lk, struct home *h, uint32_t ifindex, const uint8_t mac[6])
{
	struct link_out *out = link_put(lk, LINK_NEIGH_SET); /* else the kernel asks */

	out->u.neigh.ifindex = ifindex;
	out->u.neigh.addr = h->back.agent;
	memcpy(out->u.neigh.mac, mac, sizeof(out->u.neigh.mac));
	send_held(lk, h);
}

bool link_hold(struct link *lk, struct bub_view packet)
{
	for (unsigned i = 0; packet.len >= BUB_IP6_HDR_LEN && i < BUB_HOMES_MAX; i++) {
		struct home *h = &lk->home[i];
		const struct in6_addr src = ip6_src(packet.data), dst = ip6_dst(packet.data);

		if (h->back.ask_until.ns == 0 || packet.len > sizeof(h->back.held) ||
		    !bub_addr_eq(&src, &h->addr) || !bub_addr_eq(&dst, &h->back.agent))
			continue;
		memcpy(h->back.held, packet.data, packet.len);
		h->back.held_len = packet.len;
		return true;
	}
	return false;
}

static void end_detection(struct link *lk, struct home *h, int error)
{
	link_verdict(lk, h->back.detect_id, error);
	h->back.detect_id = 0;
}

void homelink_expire(struct link *lk)
{
	for (unsigned i = 0; i < BUB_HOMES_MAX; i++) {
		struct home *h = &lk->home[i];

		if (h->back.detect_id != 0 && !bub_time_before(lk->now, h->back.detect_until))
			end_detection(lk, h, 0);
		if (h->back.ask_until.ns != 0 && !bub_time_before(lk->now, h->back.ask_until))
			send_held(lk, h);
	}
}

struct bub_time homelink_deadline(const struct link *lk)
{
	struct bub_time t = BUB_TIME_NEVER;

	for (unsigned i = 0; i < BUB_HOMES_MAX; i++) {
		const struct homelink *b = &lk->home[i].back;

		if (b->ask_until.ns != 0 && bub_time_before(b->ask_until, t))
			t = b->ask_until;
		if (b->detect_id != 0 && bub_time_before(b->detect_until, t))
			t = b->detect_until;
	}
	return t;
}

/* ---- Back, and at home --------------------------------------------------------------------- */

static void listen_for(struct link *lk, const struct home *h, enum link_out_type type)
{
	struct link_out *out = link_put(lk, type);

	out->u.group.ifindex = h->back.returning_on;
	out->u.group.addr = nd_solicited_node(&h->addr);
}

void homelink_return(struct link *lk, struct home *h, uint32_t ifindex,
		     const struct in6_addr *agent)
{
	uint8_t mac[6];

	homelink_leave(lk, h);
	h->back.agent = *agent;
	h->back.returning_on = ifindex;
	h->back.probe_until = (struct bub_time){0};
	listen_for(lk, h, LINK_LISTEN);
	/* The advertisement of the home agent names its own address (RFC 6275, 7.2). */
	if (link_router_mac(lk, ifindex, agent, mac)) {
		set_agent_mac(lk, h, ifindex, mac);
		return;
	}
	h->back.ask_until = bub_time_add_ms(lk->now, ASK_MS);
	send_probe(lk, ifindex, &h->addr);
}

/* The home agent has no binding for the address, so nobody has defended it (RFC 6275, 11.5.5). */
void homelink_detect(struct link *lk, struct home *h, uint32_t id)
{
	if (h->back.returning_on == 0) {
		link_verdict(lk, id, -ENETDOWN);
		return;
	}
	h->back.detect_id = id;
	h->back.detect_until = bub_time_add_ms(lk->now, DETECT_MS);
	send_probe(lk, h->back.returning_on, &h->addr);
}

void homelink_leave(struct link *lk, struct home *h)
{
	h->back.detect_id = 0;
	if (h->back.returning_on != 0)
		listen_for(lk, h, LINK_UNLISTEN);
	h->back.returning_on = 0;
	h->back.ask_until = (struct bub_time){0};
	h->back.held_len = 0;
}

void homelink_probe(struct link *lk, struct home *h, uint32_t ifindex)
{
	h->back.probe_until = bub_time_add_ms(lk->now, PROBE_MS);
	send_probe(lk, ifindex, &h->addr);
}

/* ---- Heard --------------------------------------------------------------------------------- */

/* Whoever asks is answered once the Binding Update is out: the home agent needs our link-layer
 * address for its acknowledgement, and cannot be told from others (RFC 6275, 11.5.5).  For a while
 * both speak for the address.  Who asks from :: wants it for itself: the home agent defends it yet.
 */
void homelink_on_ns(struct link *lk, uint32_t ifindex, const struct in6_addr *src,
		    const struct in6_addr *target)
{
	const struct home *h = lookup_home(lk, target);

	if (h != NULL && h->back.returning_on == ifindex && h->back.ask_until.ns == 0 &&
	    !IN6_IS_ADDR_UNSPECIFIED(src))
		send_answer(lk, ifindex, src, target);
}

static void report_defended(struct link *lk, struct home *h, const struct link_iface *ifc)
{
	struct bub_event *ev;

	h->back.probe_until = (struct bub_time){0};
	link_say(lk, LINK_SAY_DEFENDED, ifc->fact.ifindex, &h->addr, NULL);
	ev = &link_put(lk, LINK_EVENT)->u.event;
	ev->type = BUB_EV_CARE_OF_NEW;
	ev->ifindex = ifc->fact.ifindex;
	ev->u.care_of.address = h->addr;
	ev->u.care_of.prefix_len = h->prefix_len;
	ev->u.care_of.preference = ifc->preference;
	ev->u.care_of.defended = true;
}

void homelink_on_na(struct link *lk, uint32_t ifindex, const struct nd_message *na)
{
	const struct link_iface *ifc = link_iface(lk, ifindex);
	struct home *h = lookup_home(lk, &na->target);

	if (ifc == NULL || h == NULL || !na->has_mac ||
	    memcmp(na->mac, ifc->fact.mac, sizeof(na->mac)) == 0)
		return;
	if (h->back.returning_on == ifindex && h->back.detect_id != 0)
		end_detection(lk, h, -EADDRINUSE);
	else if (h->back.returning_on == ifindex && h->back.ask_until.ns != 0)
		set_agent_mac(lk, h, ifindex, na->mac);
	else if (h->placed_on == ifindex && bub_time_before(lk->now, h->back.probe_until))
		report_defended(lk, h, ifc);
}

/* The kernel has formed the home address by itself from the home link's prefix.  It has no business
 * there but where home.c has put it: its duplicate detection would find the home agent. */
void homelink_on_addr(struct link *lk, const struct link_addr_fact *fact)
{
	const struct link_iface *ifc = link_iface(lk, fact->ifindex);
	const struct home *h = lookup_home(lk, &fact->addr);
	struct link_out *out;

	if (ifc == NULL || !ifc->ours || h == NULL || h->placed_on == fact->ifindex ||
	    fact->permanent)
		return;
	out = link_put(lk, LINK_ADDR_CLEAR);
	out->u.addr.ifindex = fact->ifindex;
	out->u.addr.addr = fact->addr;
	out->u.addr.prefix_len = fact->prefix_len;
}
