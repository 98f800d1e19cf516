/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Answers to whoever asks, within what strangers may make this node send (limit.c).
 */
#include <assert.h>

#include "answer.h"

bool core_answer(struct bub_engine *eng, enum limit_kind kind, const struct rx *rx,
		 const struct route *r, const struct mh_out *out)
{
	uint8_t mh[DH_MESSAGE_MAX];
	size_t len = core_build(eng, out, mh, sizeof mh);
	size_t octets = BUB_IP6_HDR_LEN + (r->has_hao ? BUB_HAO_HDR_LEN : 0u) +
			(r->has_rh2 ? BUB_RH2_HDR_LEN : 0u) + len;

	if (!limit_allow(eng, kind, &r->dst, rx->ip->packet.len, octets))
		return false;
	core_send_built(eng, r, out->mh.kind, core_number(&out->mh), mh, len);
	return true;
}

static struct mh_out answer_binding_error(uint8_t status, const struct in6_addr *home)
{
	struct mh_out out = {.mh = {.kind = BUB_MH_BE}};

	out.mh.u.be.status = status;
	out.mh.u.be.home = *home;
	return out;
}

/* RFC 6275, 9.3.3, and RFC 4443, 2.4 (e): never to multicast or for it. */
static bool may_complain(const struct rx *rx)
{
	return bub_addr_is_routable(&rx->ip->src) && !IN6_IS_ADDR_MULTICAST(&rx->ip->dst);
}

void core_binding_error(struct bub_engine *eng, const struct rx *rx, uint8_t status)
{
	struct route r = rx->back;
	struct mh_out out =
		answer_binding_error(status, rx->ip->has_hao ? &rx->ip->hao : &in6addr_any);

	if (may_complain(rx))
		(void)core_answer(eng, LIMIT_BINDING_ERROR, rx, &r, &out);
}

/* RFC 4443, 2.4 (c): what an error quotes, at most. */
#define ICMP6_QUOTED_MAX (BUB_MIN_MTU - BUB_IP6_HDR_LEN - 8)

void core_param_problem(struct bub_engine *eng, const struct rx *rx, uint16_t pointer)
{
	struct bub_icmp6 icmp = {
		.kind = BUB_ICMP6_PARAM_PROBLEM,
		.u.param_problem.pointer = pointer,
		.quoted = rx->ip->packet,
	};
	struct bub_ip6_build b = {
		.src = rx->ip->dst,
		.dst = rx->ip->src,
		.upper_proto = BUB_NH_ICMPV6,
	};
	struct route r = rx->back;
	size_t quoted = icmp.quoted.len < ICMP6_QUOTED_MAX ? icmp.quoted.len : ICMP6_QUOTED_MAX;
	struct bub_action *act;
	uint8_t *buf;
	int len;

	/* RFC 4443, 2.4 (f). */
	if (!may_complain(rx) || !limit_allow(eng, LIMIT_ICMP_ERROR, &b.dst, rx->ip->packet.len,
					      BUB_IP6_HDR_LEN + 8 + quoted))
		return;
	act = core_action(eng, BUB_ACT_SEND);
	buf = core_buffer(eng);
	len = bub_icmp6_encode(&icmp, &b.src, &b.dst, buf + BUB_IP6_HDR_LEN,
			       BUB_MIN_MTU - BUB_IP6_HDR_LEN);
	assert(len > 0);
	b.upper_len = (uint16_t)len;
	bub_ip6_encode(&b, buf, BUB_IP6_HDR_LEN);
	act->u.send.data = (struct bub_view){buf, BUB_IP6_HDR_LEN + (size_t)len};
	act->u.send.egress = r.egress;
	act->u.send.owner = r.owner;
	act->u.send.ifindex = r.ifindex;
}
