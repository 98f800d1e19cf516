/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Home agent: the tunnel to each mobile node, interception, and the check of what comes back out of
 * the tunnel (RFC 6275, 10.4).
 *
 * The reverse tunnel takes packets from the home address (RFC 6275, 10.4.5) and, for BUB, mobility
 * messages from the registered care-of address that name the home address: so this home agent
 * vouches for the care-of address in a Binding Update (protocol.md, 9.1).
 */
#include <assert.h>
#include <string.h>

#include "base/ip6.h"
#include "ha/ipv4.h"
#include "ha/state.h"
#include "ha/tunnel.h"

void ha_lead_to(struct bub_engine *eng, struct mobile_node *c, const struct in6_addr *care_of)
{
	struct bub_action *act = core_action(eng, BUB_ACT_TUNNEL_SET);

	c->care_of = *care_of;
	act->u.tunnel = (struct bub_tunnel){
		.home = c->key.a,
		.local_outer = IN6_IS_ADDR_V4MAPPED(care_of) ? core_ha(eng)->cfg.ipv4_address
							     : core_ha(eng)->cfg.address,
		.remote_outer = *care_of,
	};
}

/* The tunnel follows the mobile node. */
static void ha_follow_nat(struct bub_engine *eng, struct mobile_node *c,
			  const struct in6_addr *care_of)
{
	core_trace_state(eng, "home-binding", "bound", "bound", "its NAT has another address",
			 &core_ha(eng)->cfg.address, &c->key.a);
	ha_lead_to(eng, c, care_of);
}

bool ha_admit(struct bub_engine *eng, const struct mobile_node *c, struct bub_view packet,
	      struct encap *ret_encap)
{
	return encap_admit(eng, packet, &core_ha(eng)->cfg.address, &c->care_of, ret_encap);
}

void ha_fill_tunnel(struct bub_engine *eng, const struct mobile_node *c, struct bub_view packet,
		    const struct encap *encap, struct bub_action *act)
{
	encap_fill(encap, act);
	act->u.send.data = packet;
	act->u.send.owner = c->key.a;
	act->u.send.merged = core_merged(eng);
	core_counters(eng)->tunnel_out += core_packets(eng);
}

void ha_tunnel(struct bub_engine *eng, const struct mobile_node *c, struct bub_view packet)
{
	struct encap encap;

	if (ha_admit(eng, c, packet, &encap))
		ha_fill_tunnel(eng, c, packet, &encap, core_action(eng, BUB_ACT_SEND));
}

/* Data of this node itself for a mobile node, which takes the direct path.  Mobility messages do
 * not (RFC 6275, 6.1), nor do packets with hop-by-hop options, which have to stay in front. */
static bool ha_is_own(const struct bub_engine *eng, struct bub_view packet)
{
	uint8_t next = packet.data[IP6_NEXT_AT];

	return core_ha(eng)->cfg.direct && next != BUB_NH_MH && next != BUB_NH_HOPOPTS &&
	       packet.len + BUB_RH2_HDR_LEN <= SCRATCH_MAX &&
	       memcmp(packet.data + IP6_SRC_AT, &core_ha(eng)->cfg.address,
		      sizeof core_ha(eng)->cfg.address) == 0;
}

/* RFC 6275, 9.3.2. */
static void ha_send_direct(struct bub_engine *eng, const struct mobile_node *c,
			   struct bub_view packet)
{
	struct bub_ip6_build b = {
		.src = core_ha(eng)->cfg.address,
		.dst = c->care_of,
		.rh2 = &c->key.a,
		.hop_limit = packet.data[IP6_HOP_LIMIT_AT],
		.upper_proto = packet.data[IP6_NEXT_AT],
		.upper_len = (uint16_t)(packet.len - BUB_IP6_HDR_LEN),
	};
	struct bub_action *act = core_action(eng, BUB_ACT_SEND);
	int at = bub_ip6_encode(&b, core_scratch(eng), SCRATCH_MAX);

	assert(at > 0);
	memcpy(core_scratch(eng), packet.data, 4); /* traffic class and flow label */
	memcpy(core_scratch(eng) + at, packet.data + BUB_IP6_HDR_LEN, packet.len - BUB_IP6_HDR_LEN);
	act->u.send.data = (struct bub_view){core_scratch(eng), (size_t)at + b.upper_len};
	act->u.send.egress = BUB_EGRESS_PLAIN;
	act->u.send.merged = core_merged(eng);
}

bool ha_intercept(struct bub_engine *eng, struct bub_view packet)
{
	const struct mobile_node *c;
	struct in6_addr dst;
	size_t len;

	if (packet.len < BUB_IP6_HDR_LEN || packet.data[0] >> 4 != 6)
		return false;
	len = ip6_len(packet.data);
	dst = ip6_dst(packet.data);
	if (packet.len < len)
		return false;
	if (IN6_IS_ADDR_MULTICAST(&dst))
		return multicast_intercept(eng, &dst, (struct bub_view){packet.data, len});
	c = ha_mobile_node(eng, &dst);
	if (c == NULL)
		return false;
	packet.len = len;
	if (!ha_has_tunnel(c))
		core_drop(eng, BUB_DROP_TUNNEL_NO_BINDING, &dst);
	else if (c->registered && !IN6_IS_ADDR_V4MAPPED(&c->care_of) && ha_is_own(eng, packet))
		ha_send_direct(eng, c, packet);
	else
		ha_tunnel(eng, c, packet);
	return true;
}

/* Out of one tunnel into another: this node is a hop on the way (RFC 2473, 3.1). */
static void tunnel_on(struct bub_engine *eng, const struct mobile_node *c, struct bub_view packet)
{
	uint8_t *copy = core_scratch(eng);

	if (packet.len <= PACKET_MAX)
		copy = core_next_buffer(eng); /* of the action to come */
	memcpy(copy, packet.data, packet.len);
	copy[IP6_HOP_LIMIT_AT]--;
	ha_tunnel(eng, c, (struct bub_view){copy, packet.len});
}

/* Wraps a vouched message, so that its foreign source address does not leave our site bare
 * (protocol.md, 9.3: backhaul = encapsulated). */
static void ha_send_encapsulated(struct bub_engine *eng, const struct bub_ip6 *ip)
{
	struct bub_ip6_build b = {
		.src = core_ha(eng)->cfg.address,
		.dst = ip->dst,
		.upper_proto = BUB_NH_IPV6,
		.upper_len = (uint16_t)ip->packet.len,
	};
	struct bub_action *act;
	uint8_t *buf;

	if (ip->packet.len + BUB_IP6_HDR_LEN > PACKET_MAX) {
		core_drop(eng, BUB_DROP_TUNNEL_NOT_FORWARDED, &ip->src);
		return;
	}
	act = core_action(eng, BUB_ACT_SEND);
	buf = core_buffer(eng);
	bub_ip6_encode(&b, buf, BUB_IP6_HDR_LEN);
	memcpy(buf + BUB_IP6_HDR_LEN, ip->packet.data, ip->packet.len);
	buf[BUB_IP6_HDR_LEN + IP6_HOP_LIMIT_AT]--;
	act->u.send.data = (struct bub_view){buf, BUB_IP6_HDR_LEN + ip->packet.len};
	act->u.send.egress = BUB_EGRESS_PLAIN;
}

/* True for a group that is not interface-local or link-local: where its packets go is for the
 * kernel's multicast routing to say, as for those of any host on the home link (RFC 4291, 2.7). */
static bool ha_leaves_its_link(const struct in6_addr *dst)
{
	return addr_group_scope(dst) > ADDR_SCOPE_LINK_LOCAL;
}

void ha_forward(struct bub_engine *eng, const struct bub_ip6 *ip, bool vouched)
{
	const struct mobile_node *c = ha_mobile_node(eng, &ip->dst);
	/* Other packets are the kernel's, which tells the sender (RFC 4443, 3.3). */
	bool may_go_on = ip->hop_limit > 1 && ip->packet.len <= SCRATCH_MAX;
	struct bub_action *act;

	if (!bub_addr_is_routable(&ip->dst) && (vouched || !ha_leaves_its_link(&ip->dst))) {
		core_drop(eng, BUB_DROP_TUNNEL_NOT_FORWARDED, &ip->src);
		return;
	}
	if (core_ha(eng)->cfg.multicast && may_go_on && bub_group_is_global(&ip->dst)) {
		multicast_forward(eng, ip);
		return;
	}
	/* Another of our mobile nodes: straight into its tunnel; the kernel would send a
	 * redirect for a packet that leaves as it came. */
	if (may_go_on && c != NULL && ha_has_tunnel(c)) {
		tunnel_on(eng, c, ip->packet);
	} else if (may_go_on && vouched &&
		   core_ha(eng)->cfg.backhaul == BUB_BACKHAUL_ENCAPSULATED) {
		ha_send_encapsulated(eng, ip);
	} else {
		act = core_action(eng, BUB_ACT_DELIVER);
		act->u.send.data = ip->packet;
		act->u.send.merged = core_merged(eng);
	}
}

/* Binding Errors to a mobile node have a limit of their own, which nothing that strangers send uses
 * up.  Without ESP nobody knows whose a packet is: then the strangers' limit holds. */
static bool ha_may_tell(struct bub_engine *eng, struct mobile_node *c, const struct bub_event *ev,
			size_t len)
{
	const struct in6_addr *to = &ev->u.packet.outer_src;

	if (ev->u.packet.ingress == BUB_INGRESS_ESP_TUNNEL)
		return limit_allow_own(eng, LIMIT_BINDING_ERROR, &c->errors, to, len,
				       BINDING_ERROR_LEN);
	return limit_allow(eng, LIMIT_BINDING_ERROR, to, len, BINDING_ERROR_LEN);
}

/* Data comes from the registered care-of address, or from one whose registration is being stored:
 * the mobile node has moved there, and ESP proves that it is the sender (RFC 6275, 10.4.5).  While
 * the home link is probed it comes from where the Binding Update came from (protocol.md, P86).
 * Mobility messages wait for the registration, as they are vouched for (held.c). */
static bool ha_is_from_there(const struct mobile_node *c, const struct bub_event *ev,
			     const struct bub_ip6 *ip)
{
	const struct in6_addr *outer = &ev->u.packet.outer_src;
	const bool data = ip->upper_proto != BUB_NH_MH && bub_addr_eq(&ip->src, &c->key.a);

	if (!ha_has_tunnel(c))
		return false;
	if (bub_addr_eq(outer, &c->care_of))
		return c->registered || (data && !bub_mld_is(ip));
	return c->registered && c->store_id != 0 && c->more->storing.lifetime_s > 0 &&
	       bub_addr_eq(outer, &c->more->storing.care_of) && data &&
	       ev->u.packet.ingress == BUB_INGRESS_ESP_TUNNEL;
}

bool ha_from_tunnel(struct bub_engine *eng, struct mobile_node *c, const struct bub_event *ev,
		    struct bub_ip6 *ret_ip)
{
	const struct in6_addr *outer = &ev->u.packet.outer_src;
	struct bub_ip6 ip;
	bool from_home, vouched, reports;
	enum bub_drop why = bub_ip6_decode(ev->u.packet.data, &ip);

	if (why != BUB_DROP_NONE) {
		core_drop(eng, why, outer);
		return false;
	}
	from_home = bub_addr_eq(&ip.src, &c->key.a);
	vouched = bub_addr_eq(&ip.src, outer) && ip.has_hao && bub_addr_eq(&ip.hao, &c->key.a) &&
		  ip.upper_proto == BUB_NH_MH;
	reports = core_ha(eng)->cfg.multicast && bub_mld_is(&ip);
	if (!from_home && !vouched && !reports) {
		core_drop(eng, BUB_DROP_REVERSE_INNER_SOURCE, outer);
		return false;
	}
	/* The registration of the mobile node has been lost, by a restart perhaps: it should know
	 * (RFC 6275, 9.3.1).
	 */
	if (!c->registered && !c->probing && bub_addr_is_routable(outer) &&
	    ha_may_tell(eng, c, ev, ip.packet.len)) {
		struct route r = route_plain(&core_ha(eng)->cfg.address, outer);

		core_send_binding_error(eng, &r, BUB_BE_NO_BINDING, &c->key.a);
	}
	if (ipv4_moves_nat(c, ev))
		ha_follow_nat(eng, c, outer);
	if (!ha_is_from_there(c, ev, &ip)) {
		if (!held_add(eng, c, &ip, outer))
			core_drop(eng,
				  c->registered ? BUB_DROP_REVERSE_OUTER_SOURCE
						: BUB_DROP_TUNNEL_NO_BINDING,
				  outer);
		return false;
	}
	core_counters(eng)->tunnel_in += core_packets(eng);
	if (bub_addr_eq(&ip.dst, &core_ha(eng)->cfg.address) && ip.upper_proto == BUB_NH_MH) {
		*ret_ip = ip;
		return true;
	}
	if (reports)
		multicast_on_report(eng, c, &ip);
	else
		ha_forward(eng, &ip, vouched);
	return false;
}
