/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Packets: whose they are, what all messages are checked for (RFC 6275, 9.2 and 9.3.1), and to
 * which role each goes.
 */
#include <string.h>

#include "answer.h"
#include "bul/bul.h"
#include "cn/cn.h"
#include "ha/ha.h"
#include "icmp/icmp.h"
#include "input.h"
#include "mn/mn.h"

static struct route route_back(struct bub_engine *eng, const struct rx *rx)
{
	struct route r = route_plain(&rx->ip->dst, &rx->ip->src);
	bool off_a_link =
		(rx->ingress == BUB_INGRESS_PLAIN || rx->ingress == BUB_INGRESS_ESP_TRANSPORT) &&
		!IN6_IS_ADDR_V4MAPPED(&rx->from);

	/* RFC 6275, 11.3.1.  What was sent to the care-of address is answered from there, whatever
	 * a routing header says. */
	if (rx->home != NULL && bub_addr_eq(&rx->ip->dst, home_address(rx->home)))
		return route_from_home(rx->home, &rx->ip->src);
	/* The sender is on its home link, with its home address.  The answer goes over that link,
	 * although the route to the address leads into the tunnel (RFC 6275, 10.3.2). */
	if (off_a_link && ha_mobile_node(eng, &rx->ip->src) != NULL)
		r.ifindex = rx->ifindex;
	return r;
}

/* Whose the packet is, and from whom. */
static void fill_rx(struct bub_engine *eng, struct rx *rx)
{
	rx->local = *bub_ip6_home_dst(rx->ip);
	rx->peer = *bub_ip6_home_src(rx->ip);
	rx->home = core_home_of(eng, &rx->local);
	rx->back = route_back(eng, rx);
}

/* RFC 6275, 6.1: only Binding Updates may carry a Home Address option and only Binding
 * Acknowledgements a type 2 routing header; BUB adds both to its own messages (protocol.md, 1.4),
 * and a Home Agent Switch goes as an acknowledgement does (P105).
 */
static enum bub_drop input_check_headers(struct bub_engine *eng, struct rx *rx)
{
	enum bub_mh_kind kind = rx->mh.kind;
	bool own =
		kind == BUB_MH_BU || kind == BUB_MH_BA || kind == BUB_MH_BUBC || kind == BUB_MH_DH;

	if (rx->ip->in_udp) /* which says nothing but whose home addresses those are */
		return rx->ip->has_rh2 && rx->home == NULL ? BUB_DROP_RH2_NOT_MY_HOME
							   : BUB_DROP_NONE;
	if (rx->ip->has_hao && (kind == BUB_MH_HOTI || kind == BUB_MH_COTI))
		return BUB_DROP_TEST_INIT_WITH_HAO;
	if (rx->ip->has_hao && !own)
		return BUB_DROP_HAO_FORBIDDEN;
	if (rx->ip->has_rh2) {
		/* RFC 6275, 6.4: one segment is left; nobody but the mobile node takes it away. */
		if (rx->ip->rh2_segments_left != 1)
			return BUB_DROP_RH2_MALFORMED;
		if (kind != BUB_MH_BA && kind != BUB_MH_BU && kind != BUB_MH_HA_SWITCH)
			return BUB_DROP_RH2_FORBIDDEN;
		if (core_home_of(eng, &rx->ip->rh2) == NULL)
			return BUB_DROP_RH2_NOT_MY_HOME;
	}
	if (!bub_addr_is_routable(&rx->ip->src))
		return BUB_DROP_MH_SOURCE_NOT_UNICAST;
	return BUB_DROP_NONE;
}

static void input_ba(struct bub_engine *eng, const struct rx *rx)
{
	struct home_registration *h = core_home_of(eng, &rx->local);
	struct bul_entry *p;

	if (h != NULL && bub_addr_eq(&rx->peer, home_agent_of(h))) {
		mn_on_home_ba(eng, h, rx);
		return;
	}
	p = bul_find(eng, &rx->local, &rx->peer);
	if (p == NULL) {
		core_drop(eng, BUB_DROP_BA_NO_MATCH, &rx->peer);
		return;
	}
	if (!probe_on_ba(eng, p, rx))
		reg_on_ba(eng, p, rx);
}

static void input_dispatch_mh(struct bub_engine *eng, const struct rx *rx,
			      const struct bub_event *ev)
{
	switch (rx->mh.kind) {
	case BUB_MH_BRR:
		bul_on_brr(eng, rx);
		return;
	case BUB_MH_HOTI:
	case BUB_MH_COTI:
		if (rx->mh.opts.present & (BUB_OPT_AUTH | BUB_OPT_BUB))
			testinit_input(eng, rx);
		else
			cn_on_test_init(eng, rx);
		return;
	case BUB_MH_HOT:
		if (!keepalive_on_hot(eng, rx))
			message_hot(eng, rx);
		return;
	case BUB_MH_COT:
		if (!trouble_on_cot(eng, rx) && !others_on_cot(eng, rx))
			message_cot(eng, rx);
		return;
	case BUB_MH_BU:
		if (rx->mh.u.bu.flags & BUB_BU_HOME)
			ha_on_home_bu(eng, rx, ev);
		else
			update_input(eng, rx, ha_serves(eng, &rx->local, &rx->peer));
		return;
	case BUB_MH_BA:
		input_ba(eng, rx);
		return;
	case BUB_MH_BE:
		bul_on_be(eng, rx);
		return;
	case BUB_MH_BUBC:
		message_bubc(eng, rx);
		return;
	case BUB_MH_DH:
		message_dh(eng, rx);
		return;
	case BUB_MH_HA_SWITCH:
		mn_on_switch(eng, rx);
		return;
	}
}

static bool has_absurd_home(struct bub_engine *eng, const struct bub_ip6 *ip)
{
	if (!ip->has_hao || bub_addr_is_routable(&ip->hao))
		return false;
	core_drop(eng, BUB_DROP_HAO_NOT_UNICAST, &ip->src);
	return true;
}

/* A message of the BUBC's type is a BUBC only while a test waits for one (protocol.md, 3.4).
 * Another protocol has been given the same type, so at any other time the type counts as unknown.
 */
static struct bub_codepoints codepoints_for(const struct bub_engine *eng, const struct bub_ip6 *ip)
{
	struct bub_codepoints cp = core_config(eng)->codepoints;

	if (ip->upper.len > 2 && ip->upper.data[2] == cp.mh_bubc &&
	    !message_awaits_bubc(eng, &ip->src, &ip->dst))
		cp.mh_bubc = 0; /* the type of a BRR, which the decoder looks for first: nothing is
				   a BUBC */
	return cp;
}

static void input_mh(struct bub_engine *eng, const struct bub_ip6 *ip, const struct bub_event *ev,
		     bool tunnelled)
{
	struct rx rx = {.ip = ip,
			.ingress = ev->u.packet.ingress,
			.ifindex = ev->ifindex,
			.from = *core_from(ip, ev),
			.retry = ev->u.packet.retry,
			.tunnelled = tunnelled};
	struct bub_codepoints cp = codepoints_for(eng, ip);
	struct bub_mh_fault fault;
	enum bub_drop why;

	if (has_absurd_home(eng, ip))
		return;
	fill_rx(eng, &rx);
	if (bub_mh_decode(ip, &cp, &rx.mh, &fault) != 0) {
		if (fault.why == BUB_DROP_MH_UNKNOWN_TYPE &&
		    ip->upper.data[2] == core_config(eng)->codepoints.mh_bubc)
			fault.why = BUB_DROP_BUBC_NO_TEST;
		core_drop(eng, fault.why, &rx.peer);
		if (fault.binding_error)
			core_binding_error(eng, &rx, BUB_BE_UNKNOWN_MH);
		else if (fault.param_problem)
			core_param_problem(eng, &rx, fault.pointer);
		return;
	}
	if (rx.mh.opts.bub_skipped != BUB_DROP_NONE) /* the option only; the message goes on */
		core_drop(eng, rx.mh.opts.bub_skipped, &rx.peer);
	why = input_check_headers(eng, &rx);
	if (why != BUB_DROP_NONE) {
		core_drop(eng, why, &rx.peer);
		return;
	}
	core_counters(eng)->received[rx.mh.kind]++;
	if (rx.mh.kind == BUB_MH_DH && rx.mh.u.dh.message <= 4)
		core_counters(eng)->dh_received[rx.mh.u.dh.message]++;
	core_trace_received(eng, &rx, core_number(&rx.mh));
	input_dispatch_mh(eng, &rx, ev);
}

/* Whether a binding allows the Home Address option of @ip (RFC 6275, 9.3.1). */
static bool is_covered(struct bub_engine *eng, const struct bub_ip6 *ip, const struct bub_event *ev,
		       bool is_discovery)
{
	const struct in6_addr *local = bub_ip6_home_dst(ip);
	const struct binding_cache_entry *b = binding_active(eng, local, &ip->hao);

	if (b != NULL && bub_addr_eq(binding_care_of(b), &ip->src))
		return true;
	/* What concerns the home link goes between a mobile node and its home agent directly
	 * (RFC 6275, 6.7), other data only where that is wanted. */
	return is_discovery ? ha_registered(eng, local, &ip->hao, core_from(ip, ev))
			    : ha_covers(eng, local, &ip->hao, &ip->src);
}

/* A packet with a Home Address option that no binding covers; data got this far only because the
 * data path refused it (RFC 6275, 9.3.1). */
static void input_uncovered(struct bub_engine *eng, const struct bub_ip6 *ip,
			    const struct bub_event *ev)
{
	struct rx rx = {.ip = ip,
			.ingress = ev->u.packet.ingress,
			.ifindex = ev->ifindex,
			.from = *core_from(ip, ev)};

	fill_rx(eng, &rx);
	core_drop(eng, BUB_DROP_HAO_NO_BINDING, &rx.peer);
	if (!bub_icmp6_is_error(ip))
		core_binding_error(eng, &rx, BUB_BE_NO_BINDING);
}

/* ICMPv6 that a program sends, a ping for one: data like any other.  Errors, Router Advertisements
 * and discovery are icmp.c's. */
static bool is_icmp_data(const struct bub_ip6 *ip)
{
	uint8_t type = ip->upper.len > 0 ? ip->upper.data[0] : 0;

	return type >= 128 && type != BUB_ICMP6_ROUTER_ADVERT &&
	       (type < BUB_ICMP6_DHAAD_REQUEST || type > BUB_ICMP6_PREFIX_ADVERT);
}

static void input_plain(struct bub_engine *eng, const struct bub_event *ev)
{
	struct bub_ip6 ip, in_udp;
	enum bub_drop why = bub_ip6_decode(ev->u.packet.data, &ip);
	bool for_us;

	if (why != BUB_DROP_NONE) {
		core_drop(eng, why, NULL);
		return;
	}
	if (ip.upper_proto == BUB_NH_UDP &&
	    bub_ip6_in_udp(&ip, core_config(eng)->udp_port, &in_udp) &&
	    in_udp.upper_proto == BUB_NH_MH)
		ip = in_udp;
	if (ip.upper_proto == BUB_NH_MH) {
		input_mh(eng, &ip, ev, false);
		return;
	}
	for_us = ip.upper_proto == BUB_NH_ICMPV6 && !is_icmp_data(&ip);
	if (has_absurd_home(eng, &ip))
		return;
	if (ip.has_hao && !is_covered(eng, &ip, ev, for_us))
		input_uncovered(eng, &ip, ev);
	else if (for_us) /* else data whose binding has come since: this packet is lost, the next
			    will pass */
		icmp_input(eng, &ip, ev);
}

/*
 * Data with a Home Address option out of the tunnel: the peer is away and bound here, but knows
 * only our home address.  The data path in the kernel sees only packets off a link, so such a
 * packet is checked and turned back here (RFC 6275, 9.3.1).  False: dropped.
 */
static bool strip_hao(struct bub_engine *eng, const struct bub_ip6 *ip, struct bub_view *ret_packet)
{
	const struct binding_cache_entry *b = binding_active(eng, &ip->dst, &ip->hao);
	struct bub_ip6_build build = {
		.src = ip->hao,
		.dst = ip->dst,
		.hop_limit = ip->hop_limit,
		.upper_proto = ip->upper_proto,
		.upper_len = (uint16_t)ip->upper.len,
	};

	if (has_absurd_home(eng, ip))
		return false;
	if (b == NULL || !bub_addr_eq(binding_care_of(b), &ip->src)) {
		struct rx rx = {.ip = ip,
				.ingress = BUB_INGRESS_ESP_TUNNEL,
				.local = ip->dst,
				.peer = ip->hao};

		rx.home = core_home_of(eng, &ip->dst);
		rx.back = rx.home != NULL ? route_from_home(rx.home, &ip->src)
					  : route_plain(&ip->dst, &ip->src);
		core_drop(eng, BUB_DROP_HAO_NO_BINDING, &ip->hao);
		if (!bub_icmp6_is_error(ip))
			core_binding_error(eng, &rx, BUB_BE_NO_BINDING);
		return false;
	}
	if (ip->upper.len + BUB_IP6_HDR_LEN > SCRATCH_MAX) {
		core_drop(eng, BUB_DROP_EXT_MALFORMED, &ip->hao);
		return false;
	}
	bub_ip6_encode(&build, core_scratch(eng), BUB_IP6_HDR_LEN);
	memcpy(core_scratch(eng) + BUB_IP6_HDR_LEN, ip->upper.data, ip->upper.len);
	*ret_packet = (struct bub_view){core_scratch(eng), BUB_IP6_HDR_LEN + ip->upper.len};
	return true;
}

/* Data out of the tunnel from the home agent. */
static void input_deliver(struct bub_engine *eng, struct home_registration *h,
			  const struct bub_ip6 *ip)
{
	struct bub_view packet = ip->packet;
	struct bub_action *act;

	if (ip->has_hao && !strip_hao(eng, ip, &packet))
		return;
	act = core_action(eng, BUB_ACT_DELIVER);
	act->u.send.data = packet;
	act->u.send.merged = core_merged(eng);
	/* A packet that came through the home agent asks for route optimisation: 11.7.2.  An error
	 * is no reason to begin with that. */
	if (bub_addr_eq(&ip->dst, home_address(h)) && !ip->has_rh2 && !bub_icmp6_is_error(ip)) {
		bul_on_flow(eng, h, bub_ip6_home_src(ip), ip->packet.len);
		bul_on_tunnelled_data(eng, h, bub_ip6_home_src(ip));
	}
}

static void input_inner(struct bub_engine *eng, struct home_registration *h,
			const struct bub_event *ev)
{
	struct bub_ip6 ip;

	switch (mn_from_tunnel(eng, h, ev, &ip)) {
	case INNER_MESSAGE:
		input_mh(eng, &ip, ev, true);
		return;
	case INNER_DATA:
		input_deliver(eng, h, &ip);
		return;
	case INNER_DROPPED:
		return;
	}
}

static void input_tunnelled(struct bub_engine *eng, const struct bub_event *ev)
{
	struct mobile_node *c = ha_mobile_node(eng, &ev->u.packet.owner);
	struct home_registration *h = core_home_of(eng, &ev->u.packet.owner);
	struct home_registration *end = core_home_of(eng, &ev->u.packet.outer_dst);
	struct bub_ip6 ip;

	if (c != NULL) {
		if (ha_from_tunnel(eng, c, ev, &ip))
			input_mh(eng, &ip, ev, false);
	} else if (h != NULL) {
		input_inner(eng, h, ev);
	} else if (end != NULL && ev->u.packet.ingress == BUB_INGRESS_IP_TUNNEL) {
		mn_refuse_wrapper(eng, ev);
	} else {
		core_drop(eng, BUB_DROP_TUNNEL_NO_BINDING, &ev->u.packet.outer_src);
	}
}

static void input_tun(struct bub_engine *eng, const struct bub_event *ev)
{
	struct bub_ip6 ip;
	enum bub_drop why;
	struct home_registration *h;

	if (ha_intercept(eng, ev->u.packet.data))
		return;
	why = bub_ip6_decode(ev->u.packet.data, &ip);
	if (why != BUB_DROP_NONE) {
		core_drop(eng, why, NULL);
		return;
	}
	h = core_home_of(eng, &ip.src);
	if (h != NULL && mn_to_tunnel(eng, h, &ip, ip.packet))
		bul_on_flow(eng, h, &ip.dst, 0);
	else if (h == NULL && mn_home(eng, 0) != NULL && bub_mld_is(&ip))
		multicast_from_kernel(eng, &ip);
}

/* Looked up are the mobile node whose security association it is, which under ESP is known by the
 * Home Address option in front of that, and the source: is that a home address, too? */
void input_expect(const struct bub_engine *eng, const struct bub_event *ev, bool entry)
{
	const struct in6_addr *home = &ev->u.packet.owner;
	struct bub_ip6 ip;

	if (bub_ip6_decode(ev->u.packet.data, &ip) != BUB_DROP_NONE)
		return;
	if (IN6_IS_ADDR_UNSPECIFIED(home))
		home = bub_ip6_home_src(&ip);
	ha_expect(eng, home, entry);
	if (!entry && !bub_addr_eq(home, &ip.src))
		ha_expect(eng, &ip.src, false);
}

void input_packet(struct bub_engine *eng, const struct bub_event *ev)
{
	switch (ev->u.packet.ingress) {
	case BUB_INGRESS_PLAIN:
	case BUB_INGRESS_ESP_TRANSPORT:
		input_plain(eng, ev);
		return;
	case BUB_INGRESS_ESP_TUNNEL:
	case BUB_INGRESS_IP_TUNNEL:
		input_tunnelled(eng, ev);
		return;
	case BUB_INGRESS_TUN:
		input_tun(eng, ev);
		return;
	}
}
