/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Home agent (RFC 6275, 10): registrations, the tunnel to each mobile node, interception, and the
 * check of what comes back out of the tunnel.
 *
 * The reverse tunnel takes packets from the home address (RFC 6275, 10.4.5) and, for BUB, mobility
 * messages from the registered care-of address that name the home address: so this home agent
 * vouches for the care-of address in a Binding Update (protocol.md, 1).  A mobility message that
 * overtakes the registration it belongs to is held for a moment instead of dropped.
 */
#include <string.h>

#include "core.h"

struct client *ha_client(struct bub_engine *eng, const struct in6_addr *home)
{
	return table_find(&eng->clients, home, &in6addr_any);
}

/* The link-local address with the interface identifier of the home address (RFC 6275, 6.1.7). */
static struct in6_addr link_local_of(const struct in6_addr *home)
{
	struct in6_addr a = {.s6_addr = {0xfe, 0x80}};

	memcpy(a.s6_addr + 8, home->s6_addr + 8, 8);
	return a;
}

static void link_local_action(struct bub_engine *eng, enum bub_action_type type,
			      const struct client *c)
{
	struct bub_action *act = core_action(eng, type);

	act->u.home = link_local_of(&c->key.a);
}

static void home_action(struct bub_engine *eng, enum bub_action_type type, const struct client *c)
{
	struct bub_action *act = core_action(eng, type);

	act->u.home = c->key.a;
}

static void unregister(struct bub_engine *eng, struct client *c, const char *why)
{
	core_trace_state(eng, "home-binding", "bound", "none", why, &eng->cfg.ha.address,
			 &c->key.a);
	timerq_cancel(&eng->timers, &c->timer);
	prefixes_on_unregistered(eng, c);
	c->registered = c->defended = false;
	home_action(eng, BUB_ACT_TUNNEL_DEL, c);
	home_action(eng, BUB_ACT_PROXY_DEL, c);
	if (c->link_local)
		link_local_action(eng, BUB_ACT_PROXY_DEL, c);
	c->link_local = false;
}

static void on_timer(struct bub_engine *eng, void *owner)
{
	unregister(eng, owner, "expired");
}

void ha_client_init(struct bub_engine *eng, struct client *c)
{
	(void)eng;
	timer_init(&c->timer, on_timer, c);
	prefixes_client_init(c);
}

/* ---- Registration -------------------------------------------------------------------------- */

static void send_ba(struct bub_engine *eng, const struct in6_addr *home, const struct request *req,
		    uint8_t status, uint16_t sequence, uint32_t lifetime_s)
{
	struct mh_out out = {.mh = {.kind = BUB_MH_BA}};
	struct route r = route_plain(&eng->cfg.ha.address, &req->source);

	r.has_rh2 = req->has_hao;
	r.rh2 = *home;
	r.way = BUB_WAY_ESP_TRANSPORT;
	r.owner = *home;
	r.via = "home agent";
	out.mh.u.ba.status = status;
	out.mh.u.ba.sequence = sequence;
	out.mh.u.ba.lifetime_s = lifetime_s;
	core_send(eng, &r, &out);
}

static void forward(struct bub_engine *eng, const struct bub_ip6 *ip, bool vouched);

/* What arrived ahead of this registration, in the order of its slots. */
static void release_held(struct bub_engine *eng, const struct client *c)
{
	for (unsigned i = 0; i < HELD_PACKETS; i++) {
		struct held *h = &eng->held[i];
		struct bub_ip6 ip;

		if (h->len == 0 || !bub_addr_eq(&h->home, &c->key.a))
			continue;
		if (bub_addr_eq(&h->outer_src, &c->care_of) &&
		    bub_time_ms_between(h->at, eng->now) <= (uint64_t)HELD_S * 1000 &&
		    eng->n_actions + 4 < BUB_ACTIONS_MAX &&
		    bub_ip6_decode((struct bub_view){h->packet, h->len}, &ip) == BUB_DROP_NONE)
			forward(eng, &ip, !bub_addr_eq(&ip.src, &c->key.a));
		h->len = 0;
	}
}

/* Of the prefix that @home belongs to; 0: none of ours. */
static uint32_t prefix_lifetime_s(const struct bub_engine *eng, const struct in6_addr *home)
{
	for (unsigned i = 0; i < eng->cfg.ha.n_prefixes; i++)
		if (bub_addr_in_prefix(home, &eng->cfg.ha.prefix[i].prefix,
				       eng->cfg.ha.prefix[i].len))
			return eng->cfg.ha.prefix[i].valid_s;
	return 0;
}

static void complete(struct bub_engine *eng, struct client *c, const struct request *req)
{
	uint32_t max_s = eng->cfg.ha.lifetime_max_s & ~3u;
	uint32_t lifetime_s = req->lifetime_s < max_s ? req->lifetime_s : max_s;
	uint32_t prefix_s = prefix_lifetime_s(eng, &c->key.a) & ~3u;
	uint8_t status = BUB_STATUS_ACCEPTED;
	struct bub_action *act;

	/* Never longer than the prefix of the home address (RFC 6275, 10.3.1). */
	if (prefix_s < lifetime_s) {
		lifetime_s = prefix_s;
		status = BUB_STATUS_PREFIX_DISCOVERY;
	}

	if (!c->registered)
		core_trace_state(eng, "home-binding", "none", "bound", "registered",
				 &eng->cfg.ha.address, &c->key.a);
	c->care_of = req->care_of;
	c->sequence = req->sequence;
	c->expires = bub_time_add_s(eng->now, lifetime_s);
	core_timer(eng, &c->timer, (uint64_t)lifetime_s * 1000);
	act = core_action(eng, BUB_ACT_TUNNEL_SET);
	act->u.tunnel = (struct bub_tunnel){
		.home = c->key.a,
		.local_outer = eng->cfg.ha.address,
		.remote_outer = c->care_of,
	};
	if (!c->registered)
		home_action(eng, BUB_ACT_PROXY_ADD, c);
	if (req->link_local && !c->link_local)
		link_local_action(eng, BUB_ACT_PROXY_ADD, c);
	c->link_local = c->link_local || req->link_local;
	c->registered = c->defended = true;
	c->deleted = false;
	send_ba(eng, &c->key.a, req, status, req->sequence, lifetime_s);
	prefixes_on_registered(eng, c);
	release_held(eng, c);
}

static void deregister(struct bub_engine *eng, struct client *c, const struct request *req)
{
	if (!c->registered) {
		send_ba(eng, &c->key.a, req, BUB_STATUS_NOT_HA_FOR_MN, req->sequence, 0);
		return;
	}
	/* First the tunnel, so that the answer finds the node on the home link. */
	unregister(eng, c, "by the mobile node");
	c->sequence = req->sequence;
	c->deleted = true;
	c->deleted_at = eng->now;
	send_ba(eng, &c->key.a, req, BUB_STATUS_ACCEPTED, req->sequence, 0);
}

/* An update that was overtaken by the deletion must not bring the binding back: the node is at
 * home, and ESP's window lets a late packet through. */
static bool is_late(const struct bub_engine *eng, const struct client *c, const struct request *req)
{
	return c->deleted && req->lifetime_s > 0 &&
	       bub_time_ms_between(c->deleted_at, eng->now) <
		       (uint64_t)MAX_DELETE_BCE_TIMEOUT_S * 1000;
}

static void process(struct bub_engine *eng, struct client *c, const struct request *req)
{
	if ((c->registered || is_late(eng, c, req)) &&
	    !bub_seq_greater(req->sequence, c->sequence)) {
		core_drop(eng, BUB_DROP_BU_SEQUENCE, &c->key.a);
		send_ba(eng, &c->key.a, req, BUB_STATUS_SEQUENCE, c->sequence, 0);
		return;
	}
	if (req->lifetime_s == 0 || bub_addr_eq(&req->care_of, &c->key.a)) {
		c->probing = false;
		deregister(eng, c, req);
		return;
	}
	if (!bub_addr_is_routable(&req->care_of)) {
		core_drop(eng, BUB_DROP_BU_CARE_OF_NOT_UNICAST, &c->key.a);
		send_ba(eng, &c->key.a, req, BUB_STATUS_INVALID_CARE_OF, req->sequence, 0);
		return;
	}
	/* First registration: is the home address in use on the link?  (RFC 6275, 10.3.1) */
	if (!c->defended && eng->cfg.ha.physical_link && eng->cfg.ha.dad != BUB_DAD_NEVER) {
		if (!c->probing) {
			home_action(eng, BUB_ACT_DAD, c);
			c->dad_id = eng->last_id;
		}
		c->probing = true;
		c->pending = *req;
		if (eng->cfg.ha.dad == BUB_DAD_BEFORE)
			return;
	}
	complete(eng, c, req);
}

void ha_on_dad(struct bub_engine *eng, uint32_t id, int error)
{
	struct client *c;
	struct request req;

	for (c = table_next(&eng->clients, NULL); c != NULL; c = table_next(&eng->clients, c))
		if (c->probing && c->dad_id == id)
			break;
	if (c == NULL)
		return;
	c->probing = false;
	req = c->pending;
	if (c->registered) { /* BUB_DAD_MEANWHILE */
		if (error != 0)
			unregister(eng, c, "the home address is in use on the home link");
		return;
	}
	if (error == 0)
		complete(eng, c, &req);
	else
		send_ba(eng, &c->key.a, &req, BUB_STATUS_DAD_FAILED, req.sequence, 0);
}

/* RFC 6275, 10.3.1: a node that is no home agent says so. */
static void refuse_as_correspondent(struct bub_engine *eng, const struct rx *rx)
{
	struct mh_out out = {.mh = {.kind = BUB_MH_BA}};
	struct route r = route_plain(&rx->local, &rx->ip->src);

	if (rx->home != NULL)
		r = route_from_home(rx->home, &rx->ip->src);
	r.has_rh2 = rx->ip->has_hao;
	r.rh2 = rx->peer;
	out.mh.u.ba.status = BUB_STATUS_HOME_NOT_SUPPORTED;
	out.mh.u.ba.sequence = rx->mh.u.bu.sequence;
	core_send(eng, &r, &out);
}

void ha_on_home_bu(struct bub_engine *eng, const struct rx *rx, const struct bub_event *ev)
{
	struct request req = {
		.care_of = rx->ip->src,
		.source = rx->ip->src,
		.has_hao = rx->ip->has_hao,
		.sequence = rx->mh.u.bu.sequence,
		.link_local = rx->mh.u.bu.flags & BUB_BU_LINK_LOCAL,
		.lifetime_s = rx->mh.u.bu.lifetime_s,
	};
	struct client *c;

	if (!eng->cfg.ha.enabled) {
		core_drop(eng, BUB_DROP_NOT_HOME_AGENT, &rx->peer);
		refuse_as_correspondent(eng, rx);
		return;
	}
	if (rx->way != BUB_WAY_ESP_TRANSPORT) {
		core_drop(eng, BUB_DROP_HOME_BU_NOT_PROTECTED, &rx->peer);
		return;
	}
	/* The SA is one mobile node's: it may speak for no other (RFC 4877, 6). */
	c = ha_client(eng, &ev->u.packet.owner);
	if (c == NULL || !bub_addr_eq(&c->key.a, &rx->peer)) {
		core_drop(eng, BUB_DROP_HOME_BU_WRONG_SA, &rx->peer);
		return;
	}
	if (rx->mh.opts.present & BUB_OPT_ALT_CARE_OF)
		req.care_of = rx->mh.opts.alt_care_of;
	if (prefix_lifetime_s(eng, &rx->peer) == 0) {
		send_ba(eng, &rx->peer, &req, BUB_STATUS_NOT_HOME_SUBNET, req.sequence, 0);
		return;
	}
	process(eng, c, &req);
}

/* ---- Tunnels ------------------------------------------------------------------------------- */

static void tunnel_to(struct bub_engine *eng, const struct client *c, struct bub_view packet)
{
	struct bub_action *act = core_action(eng, BUB_ACT_SEND);

	act->u.send.data = packet;
	act->u.send.way = BUB_WAY_ESP_TUNNEL;
	act->u.send.owner = c->key.a;
	eng->counters.tunnel_out++;
}

bool ha_intercept(struct bub_engine *eng, const struct bub_ip6 *ip, struct bub_view packet)
{
	const struct client *c = ha_client(eng, &ip->dst);

	if (c == NULL)
		return false;
	if (!c->registered)
		core_drop(eng, BUB_DROP_TUNNEL_NO_BINDING, &ip->dst);
	else
		tunnel_to(eng, c, packet);
	return true;
}

/* Wraps a vouched message, so that its foreign source address does not leave our site bare
 * (protocol.md, 1: backhaul = encapsulated). */
static void send_encapsulated(struct bub_engine *eng, const struct bub_ip6 *ip)
{
	struct bub_ip6_build b = {
		.src = eng->cfg.ha.address,
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
	buf = eng->buffer[eng->n_actions - 1];
	bub_ip6_encode(&b, buf, BUB_IP6_HDR_LEN);
	memcpy(buf + BUB_IP6_HDR_LEN, ip->packet.data, ip->packet.len);
	act->u.send.data = (struct bub_view){buf, BUB_IP6_HDR_LEN + ip->packet.len};
	act->u.send.way = BUB_WAY_PLAIN;
}

/* A packet that passed the check of the reverse tunnel goes its way. */
static void forward(struct bub_engine *eng, const struct bub_ip6 *ip, bool vouched)
{
	const struct client *c = ha_client(eng, &ip->dst);
	struct bub_action *act;

	if (!bub_addr_is_routable(&ip->dst)) {
		core_drop(eng, BUB_DROP_TUNNEL_NOT_FORWARDED, &ip->src);
		return;
	}
	/* Another of our mobile nodes: straight into its tunnel; the kernel would send a
	 * redirect for a packet that leaves as it came. */
	if (c != NULL && c->registered) {
		tunnel_to(eng, c, ip->packet);
	} else if (vouched && eng->cfg.ha.backhaul == BUB_BACKHAUL_ENCAPSULATED) {
		send_encapsulated(eng, ip);
	} else {
		act = core_action(eng, BUB_ACT_DELIVER);
		act->u.send.data = ip->packet;
	}
}

/* Keeps a mobility message that overtook its registration; false: no room. */
static bool hold(struct bub_engine *eng, const struct client *c, const struct bub_ip6 *ip,
		 const struct in6_addr *outer_src)
{
	struct held *slot = NULL;

	if (ip->upper_proto != BUB_NH_MH || ip->packet.len > HELD_PACKET_MAX)
		return false;
	for (unsigned i = 0; i < HELD_PACKETS && slot == NULL; i++)
		if (eng->held[i].len == 0 ||
		    bub_time_ms_between(eng->held[i].at, eng->now) > (uint64_t)HELD_S * 1000)
			slot = &eng->held[i];
	if (slot == NULL)
		return false;
	slot->at = eng->now;
	slot->home = c->key.a;
	slot->outer_src = *outer_src;
	slot->len = ip->packet.len;
	memcpy(slot->packet, ip->packet.data, ip->packet.len);
	return true;
}

void ha_from_tunnel(struct bub_engine *eng, struct client *c, const struct bub_event *ev)
{
	const struct in6_addr *outer = &ev->u.packet.outer_src;
	struct bub_ip6 ip;
	bool from_home, vouched;
	enum bub_drop why = bub_ip6_decode(ev->u.packet.data, &ip);

	if (why != BUB_DROP_NONE) {
		core_drop(eng, why, outer);
		return;
	}
	from_home = bub_addr_eq(&ip.src, &c->key.a);
	vouched = bub_addr_eq(&ip.src, outer) && ip.has_hao && bub_addr_eq(&ip.hao, &c->key.a) &&
		  ip.upper_proto == BUB_NH_MH;
	if (!from_home && !vouched) {
		core_drop(eng, BUB_DROP_REVERSE_INNER_SOURCE, outer);
		return;
	}
	if (!c->registered || !bub_addr_eq(outer, &c->care_of)) {
		if (!hold(eng, c, &ip, outer))
			core_drop(eng,
				  c->registered ? BUB_DROP_REVERSE_OUTER_SOURCE
						: BUB_DROP_TUNNEL_NO_BINDING,
				  outer);
		return;
	}
	eng->counters.tunnel_in++;
	if (bub_addr_eq(&ip.dst, &eng->cfg.ha.address) && ip.upper_proto == BUB_NH_MH)
		core_input_mh(eng, &ip, ev, false);
	else
		forward(eng, &ip, vouched);
}
