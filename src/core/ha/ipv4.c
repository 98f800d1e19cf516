/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Home agent: mobile nodes in networks of IPv4 (RFC 5555): what a Binding Update says of them, what
 * its acknowledgement says of a NAT, and where that goes.
 *
 * Their care-of address is what the outer header of the Binding Update says: behind a NAT that is
 * the NAT's.  The port belongs to whoever carries packets; nothing here knows it.  IPv4 home
 * addresses are not given, which each answer to such a wish says.
 */
#include "ha/ipv4.h"
#include "base/octets.h"
#include "ha/mobile_node.h"
#include "ha/state.h"

/* Why there is no such home address (RFC 5555, 3.2.1). */
static uint8_t ipv4_refusal(const struct bub_mh_opts *o)
{
	const struct in6_addr *a = &o->ipv4_home.address;
	const bool any = IN6_IS_ADDR_V4MAPPED(a) && be32(a->s6_addr + 12) == 0;

	if (o->ipv4_home.prefix_len == 0 || o->ipv4_home.prefix_len > 32)
		return BUB_IPV4_INVALID;
	if (any)
		return o->ipv4_home.wants_prefix ? BUB_IPV4_NO_PREFIX : BUB_IPV4_NONE_TO_GIVE;
	return bub_addr_is_ipv4(a) ? BUB_IPV4_INCORRECT : BUB_IPV4_INVALID;
}

void ipv4_read(const struct rx *rx, const struct bub_event *ev, struct request *req)
{
	const struct bub_mh_opts *o = &rx->mh.opts;

	req->udp = IN6_IS_ADDR_V4MAPPED(&rx->from) || ev->u.packet.translated;
	req->nat = ev->u.packet.translated ||
		   (IN6_IS_ADDR_V4MAPPED(&rx->from) && !bub_addr_eq(&o->ipv4_care_of, &rx->from));
	if ((o->present & BUB_OPT_IPV4_HOME) == 0)
		return;
	req->ipv4_home = o->ipv4_home.address;
	req->ipv4_status = ipv4_refusal(o);
}

void ipv4_answer(const struct bub_engine *eng, const struct request *req, struct bub_mh_opts *opts)
{
	if (req->udp) {
		/* All that goes to and comes from IPv4 does so in UDP, with or without a NAT. */
		opts->present |= BUB_OPT_NAT;
		opts->nat.udp_forced = true;
		opts->nat.refresh_s =
			req->nat ? core_ha(eng)->cfg.nat_refresh_s : BUB_NAT_NO_REFRESH;
	}
	if (req->ipv4_status != 0) {
		opts->present |= BUB_OPT_IPV4_ACK;
		opts->ipv4_ack.status = req->ipv4_status;
		opts->ipv4_ack.address = req->ipv4_home;
	}
}

struct route ha_route_to(const struct bub_engine *eng, const struct in6_addr *home,
			 const struct in6_addr *at)
{
	const bool ipv4 = IN6_IS_ADDR_V4MAPPED(at);
	struct route r = route_plain(&core_ha(eng)->cfg.address, ipv4 ? home : at);

	r.has_rh2 = !ipv4 && !bub_addr_eq(at, home);
	r.rh2 = *home;
	r.egress = BUB_EGRESS_TRANSPORT;
	r.owner = *home;
	r.via = "home agent";
	if (ipv4) {
		r.outer_src = core_ha(eng)->cfg.ipv4_address;
		r.outer_dst = *at;
	}
	return r;
}

bool ipv4_moves_nat(const struct mobile_node *c, const struct bub_event *ev)
{
	const struct in6_addr *outer = &ev->u.packet.outer_src;

	return c->registered && c->nat && ev->u.packet.ingress == BUB_INGRESS_ESP_TUNNEL &&
	       ev->u.packet.newest && IN6_IS_ADDR_V4MAPPED(&c->care_of) &&
	       bub_addr_is_ipv4(outer) && !bub_addr_eq(outer, &c->care_of);
}
