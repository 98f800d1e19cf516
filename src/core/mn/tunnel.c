/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Mobile node: packets through the tunnel with the home agent, in both directions (RFC 6275, 11.3.1
 * and 11.3.3).
 */
#include "encap.h"
#include "mn/keepalive.h"
#include "mn/multicast.h"
#include "policy.h"

static bool mn_is_mobility(struct bub_view packet)
{
	struct bub_ip6 ip;

	return bub_ip6_decode(packet, &ip) == BUB_DROP_NONE && ip.upper_proto == BUB_NH_MH;
}

/* A mobility message that the sender's home agent wrapped once more against ingress filters
 * (protocol.md, P32).  Anybody could put such a wrapper round a message that the sender's home
 * agent would not let pass: only where the operator wants it, and out of our own tunnel. */
static enum inner mn_unwrap(struct bub_engine *eng, const struct home_registration *h,
			    const struct bub_ip6 *outer, struct bub_ip6 *ret_ip)
{
	if (!core_config(eng)->accept_encapsulated) {
		core_drop(eng, BUB_DROP_WRAPPER_REFUSED, &outer->src);
		return INNER_DROPPED;
	}
	if (bub_ip6_decode(outer->upper, ret_ip) != BUB_DROP_NONE ||
	    ret_ip->upper_proto != BUB_NH_MH ||
	    !bub_addr_eq(bub_ip6_home_dst(ret_ip), &h->cfg.address)) {
		core_drop(eng, BUB_DROP_REVERSE_INNER_SOURCE, &outer->src);
		return INNER_DROPPED;
	}
	return INNER_MESSAGE;
}

void mn_refuse_wrapper(struct bub_engine *eng, const struct bub_event *ev)
{
	core_drop(eng,
		  mn_is_mobility(ev->u.packet.data) ? BUB_DROP_WRAPPER_REFUSED
						    : BUB_DROP_TUNNEL_NO_BINDING,
		  &ev->u.packet.outer_src);
}

enum inner mn_from_tunnel(struct bub_engine *eng, struct home_registration *h,
			  const struct bub_event *ev, struct bub_ip6 *ret_ip)
{
	struct bub_ip6 ip;
	enum bub_drop why;

	if (!bub_addr_eq(&ev->u.packet.outer_src, &h->cfg.home_agent) &&
	    !(IN6_IS_ADDR_V4MAPPED(&ev->u.packet.outer_src) &&
	      bub_addr_eq(&ev->u.packet.outer_src, &h->cfg.home_agent_ipv4))) {
		core_drop(eng, BUB_DROP_TUNNEL_NOT_FROM_HA, &ev->u.packet.outer_src);
		return INNER_DROPPED;
	}
	why = bub_ip6_decode(ev->u.packet.data, &ip);
	if (why != BUB_DROP_NONE) {
		core_drop(eng, why, &ev->u.packet.outer_src);
		return INNER_DROPPED;
	}
	core_counters(eng)->tunnel_in += core_packets(eng);
	if (ev->u.packet.ingress == BUB_INGRESS_ESP_TUNNEL)
		keepalive_heard(eng, h);
	if (ip.upper_proto == BUB_NH_IPV6 && bub_addr_eq(&ip.dst, &h->cfg.address) &&
	    mn_is_mobility(ip.upper))
		return mn_unwrap(eng, h, &ip, ret_ip);
	*ret_ip = ip;
	if (ip.upper_proto == BUB_NH_MH && bub_addr_eq(bub_ip6_home_dst(&ip), &h->cfg.address))
		return INNER_MESSAGE;
	if (IN6_IS_ADDR_MULTICAST(&ip.dst) && !multicast_from_home_agent(eng, h, &ip))
		return INNER_DROPPED;
	return INNER_DATA;
}

/* Route optimisation is required: direct or not at all (protocol.md, P22). */
static bool mn_has_to_go_direct(struct bub_engine *eng, const struct home_registration *h,
				const struct in6_addr *dst)
{
	enum bub_policy ro, bub;

	policy_of(eng, dst, &ro, &bub);
	return ro == BUB_POLICY_REQUIRE && !bub_addr_eq(dst, &h->cfg.home_agent) &&
	       core_home_of(eng, dst) == NULL;
}

/* Data right behind the first Binding Update may find the home agent ready.  When that update has
 * got no answer, or a refusal, the home agent would drop the data; so it would behind the Binding
 * Update that deletes the binding (RFC 5142, 6.1: a home agent that is left is not used). */
static bool mn_is_worth_tunnelling(const struct bub_engine *eng, const struct home_registration *h)
{
	return !h->refused && h->state != HOME_LEAVING &&
	       (h->sends <= 1 || bub_time_before(core_now(eng), h->bound_until));
}

void mn_tunnel(struct bub_engine *eng, const struct home_registration *h, struct bub_view packet)
{
	struct bub_action *act;
	struct encap encap;

	const struct in6_addr *src = home_is_ipv4(h) ? &h->cfg.address : &h->care_of;

	if (!encap_admit(eng, packet, src, &h->cfg.home_agent, &encap))
		return;
	act = core_action(eng, BUB_ACT_SEND);
	encap_fill(&encap, act);
	act->u.send.data = packet;
	act->u.send.owner = h->cfg.address;
	act->u.send.merged = core_merged(eng);
	core_counters(eng)->tunnel_out += core_packets(eng);
}

/* Link-local destinations stay on their link (RFC 6275, 11.3.1), and groups may go to the home
 * agent (11.3.4). */
static bool mn_leaves_its_link(const struct home_registration *h, const struct in6_addr *dst)
{
	return bub_addr_is_routable(dst) || (h->cfg.multicast && bub_group_is_global(dst));
}

bool mn_to_tunnel(struct bub_engine *eng, struct home_registration *h, const struct bub_ip6 *ip,
		  struct bub_view packet)
{
	if (!home_is_away(h)) {
		core_drop(eng, BUB_DROP_NO_CARE_OF, &ip->dst);
		return false;
	}
	if (!mn_leaves_its_link(h, &ip->dst)) {
		core_drop(eng, BUB_DROP_TUNNEL_NOT_FORWARDED, &ip->dst);
		return false;
	}
	if (!mn_is_worth_tunnelling(eng, h)) {
		core_drop(eng, BUB_DROP_TUNNEL_NO_BINDING, &ip->dst);
		return false;
	}
	if (mn_has_to_go_direct(eng, h, &ip->dst))
		core_drop(eng, BUB_DROP_POLICY_REQUIRE, &ip->dst);
	else
		mn_tunnel(eng, h, packet);
	return true;
}
