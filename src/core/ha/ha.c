/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Home agent (RFC 6275, 10): registrations, the tunnel to each mobile node, interception, and the
 * check of what comes back out of the tunnel.
 *
 * The reverse tunnel takes packets from the home address (RFC 6275, 10.4.5) and, for BUB, mobility
 * messages from the registered care-of address that name the home address: so this home agent
 * vouches for the care-of address in a Binding Update (protocol.md, 9.1).  A mobility message that
 * overtakes the registration it belongs to is held for a moment instead of dropped.
 */
#include <assert.h>
#include <errno.h>
#include <string.h>

#include "answer.h"
#include "base/ip6.h"
#include "cn/cn.h"
#include "ha/careof.h"
#include "ha/ha.h"
#include "ha/stable.h"
#include "ha/state.h"
#include "mn/mn.h"

#define HELD_MS ((uint64_t)HELD_S * 1000)

struct client *ha_client(const struct bub_engine *eng, const struct in6_addr *home)
{
	return table_find(&core_ha(eng)->clients, home, &in6addr_any);
}

static uint32_t link_local_action(struct bub_engine *eng, enum bub_action_type type,
				  const struct client *c)
{
	struct bub_action *act = core_action(eng, type);

	act->u.home = addr_link_local(&c->key.a); /* RFC 6275, 6.1.7 */
	return act->id;
}

static uint32_t home_action(struct bub_engine *eng, enum bub_action_type type,
			    const struct client *c)
{
	struct bub_action *act = core_action(eng, type);

	act->u.home = c->key.a;
	return act->id;
}

/* L clear: nothing but the home address is defended (RFC 6275, 10.3.1). */
static void defend_link_local(struct bub_engine *eng, struct client *c, bool wanted)
{
	if (wanted != c->link_local)
		(void)link_local_action(eng, wanted ? BUB_ACT_PROXY_ADD : BUB_ACT_PROXY_DEL, c);
	c->link_local = wanted;
}

/* What passes between this node itself and a mobile node, where no ESP is asked for: with a Home
 * Address option and a type 2 routing header, as with any correspondent that has a binding (RFC
 * 6275, 9.3.1 and 9.3.2).  What leaves comes out of the TUN all the same (send_direct). */
static void own_path(struct bub_engine *eng, enum bub_action_type type, const struct client *c)
{
	struct bub_action *act;

	if (!core_ha(eng)->cfg.direct)
		return;
	act = core_action(eng, type);
	act->u.path = (struct bub_path){
		.local = core_ha(eng)->cfg.address,
		.peer = c->key.a,
		.out_src = core_ha(eng)->cfg.address,
		.out_dst = c->care_of,
		.in_care_of = c->care_of,
		.home_agent = true,
	};
}

bool ha_registered(struct bub_engine *eng, const struct in6_addr *local,
		   const struct in6_addr *home, const struct in6_addr *care_of)
{
	const struct client *c = ha_client(eng, home);

	return c != NULL && c->registered && bub_addr_eq(local, &core_ha(eng)->cfg.address) &&
	       bub_addr_eq(care_of, &c->care_of);
}

bool ha_serves(const struct bub_engine *eng, const struct in6_addr *local,
	       const struct in6_addr *home)
{
	const struct client *c = ha_client(eng, home);

	return c != NULL && c->registered && bub_addr_eq(local, &core_ha(eng)->cfg.address);
}

bool ha_covers(struct bub_engine *eng, const struct in6_addr *local, const struct in6_addr *home,
	       const struct in6_addr *care_of)
{
	return core_ha(eng)->cfg.direct && ha_registered(eng, local, home, care_of);
}

static void unregister(struct bub_engine *eng, struct client *c, const char *why)
{
	core_trace_state(eng, "home-binding", "bound", "none", why, &core_ha(eng)->cfg.address,
			 &c->key.a);
	core_timer_cancel(eng, &c->timer);
	prefixes_on_unregistered(eng, c);
	multicast_on_unregistered(eng, c);
	c->registered = c->defended = false;
	own_path(eng, BUB_ACT_PATH_DEL, c);
	(void)home_action(eng, BUB_ACT_TUNNEL_DEL, c);
	(void)home_action(eng, BUB_ACT_PROXY_DEL, c);
	defend_link_local(eng, c, false);
}

static void on_timer(struct bub_engine *eng, void *owner)
{
	struct client *c = owner;

	unregister(eng, c, "expired");
	if (c->store_id == 0) /* else a refresh is on its way to the disk */
		stable_forget(eng, c);
}

void ha_end_with_prefix(struct bub_engine *eng, struct client *c, uint32_t valid_s)
{
	struct bub_time end = bub_time_add_s(core_now(eng), valid_s);

	if (!bub_time_before(end, c->expires))
		return;
	c->expires = end;
	core_timer(eng, &c->timer, (uint64_t)valid_s * 1000);
}

static void init_client(struct client *c)
{
	timer_init(&c->timer, on_timer, c);
	prefixes_client_init(c);
	multicast_client_init(c);
}

int ha_add_client(struct bub_engine *eng, const struct in6_addr *home)
{
	struct client *c;

	if (!core_ha(eng)->cfg.enabled)
		return BUB_ERR_INVALID;
	if (ha_client(eng, home) != NULL)
		return BUB_ERR_EXISTS;
	c = table_add(&core_ha(eng)->clients, home, &in6addr_any);
	if (c == NULL)
		return BUB_ERR_NO_SPACE;
	init_client(c);
	return 0;
}

/* Does nothing to a client that is not probed for. */
static void stop_probing(struct bub_engine *eng, struct client *c)
{
	if (!c->probing)
		return;
	*(c->probing_before != NULL ? &c->probing_before->probing_after
				    : &core_ha(eng)->probing_first) = c->probing_after;
	*(c->probing_after != NULL ? &c->probing_after->probing_before
				   : &core_ha(eng)->probing_last) = c->probing_before;
	c->probing = false;
}

static void start_probing(struct bub_engine *eng, struct client *c)
{
	c->probing = true;
	c->probing_before = core_ha(eng)->probing_last;
	c->probing_after = NULL;
	*(core_ha(eng)->probing_last != NULL ? &core_ha(eng)->probing_last->probing_after
					     : &core_ha(eng)->probing_first) = c;
	core_ha(eng)->probing_last = c;
}

static void held_release(struct bub_engine *eng, const struct client *c);
static void held_wait(struct bub_engine *eng, const struct client *c);

void ha_remove_client(struct bub_engine *eng, struct client *c)
{
	if (c->registered)
		unregister(eng, c, "not served any more");
	stable_forget(eng, c);
	stop_probing(eng, c);
	core_timer_cancel(eng, &c->timer);
	core_timer_cancel(eng, &c->prefix_timer);
	core_timer_cancel(eng, &c->query_timer);
	for (unsigned i = 0; i < HELD_PACKETS; i++)
		if (bub_addr_eq(&core_ha(eng)->held[i].home, &c->key.a))
			core_ha(eng)->held[i].len = 0;
	table_remove(&core_ha(eng)->clients, c);
}

/* ---- Registration -------------------------------------------------------------------------- */

static void send_ba(struct bub_engine *eng, const struct in6_addr *home, const struct request *req,
		    uint8_t status, uint16_t sequence, uint32_t lifetime_s)
{
	struct mh_out out = {.mh = {.kind = BUB_MH_BA}};
	struct route r = route_plain(&core_ha(eng)->cfg.address, &req->source);
	uint32_t advice_s = core_ha(eng)->cfg.refresh_advice_s & ~3u;

	r.has_rh2 = !bub_addr_eq(&req->source, home);
	r.rh2 = *home;
	r.way = BUB_WAY_ESP_TRANSPORT;
	r.owner = *home;
	r.via = "home agent";
	/* From the home link, and back there whatever the tunnel's route says (RFC 6275, 10.3.2).
	 */
	if (bub_addr_eq(&req->source, home))
		r.ifindex = req->ifindex;
	/* K stays clear: nothing here moves the endpoint of a key exchange (RFC 6275, 10.3.1). */
	out.mh.u.ba.status = status;
	out.mh.u.ba.sequence = sequence;
	out.mh.u.ba.lifetime_s = lifetime_s;
	/* A deletion has no advice, and no advice reaches the lifetime (RFC 6275, 10.3.1, 10.3.2).
	 * Where bindings outlive a restart there MUST be none (10.3.1). */
	if (advice_s > 0 && advice_s < lifetime_s && !core_ha(eng)->cfg.stable) {
		out.mh.opts.present = BUB_OPT_REFRESH_ADVICE;
		out.mh.opts.refresh_advice_s = advice_s;
	}
	core_send(eng, &r, &out);
}

const struct bub_ha_prefix *ha_prefix_of(const struct bub_engine *eng, const struct in6_addr *home)
{
	for (unsigned i = 0; i < core_ha(eng)->cfg.n_prefixes; i++) {
		const struct bub_ha_prefix *p = &core_ha(eng)->cfg.prefix[i];

		if (bub_addr_in_prefix(home, &p->prefix, p->len))
			return p->valid_s >= 4 ? p : NULL;
	}
	return NULL;
}

uint32_t ha_grant(const struct bub_engine *eng, const struct in6_addr *home, uint32_t asked_s,
		  uint8_t *ret_status)
{
	const struct bub_ha_prefix *p = ha_prefix_of(eng, home);
	uint32_t valid_s = p != NULL ? p->valid_s & ~3u : 0;
	uint32_t preferred_s = p != NULL ? p->preferred_s & ~3u : 0;
	uint32_t max_s = core_ha(eng)->cfg.lifetime_max_s & ~3u;
	uint32_t lifetime_s = asked_s < max_s ? asked_s : max_s;

	if (valid_s < lifetime_s)
		lifetime_s = valid_s;
	*ret_status = preferred_s < lifetime_s || valid_s == lifetime_s
			      ? BUB_STATUS_PREFIX_DISCOVERY
			      : BUB_STATUS_ACCEPTED;
	return lifetime_s;
}

void ha_establish(struct bub_engine *eng, struct client *c, const struct request *req,
		  uint32_t lifetime_s, const char *why)
{
	struct bub_action *act;

	if (!c->registered)
		core_trace_state(eng, "home-binding", "none", "bound", why,
				 &core_ha(eng)->cfg.address, &c->key.a);
	c->care_of = req->care_of;
	c->sequence = req->sequence;
	c->expires = bub_time_add_s(core_now(eng), lifetime_s);
	core_timer(eng, &c->timer, (uint64_t)lifetime_s * 1000);
	act = core_action(eng, BUB_ACT_TUNNEL_SET);
	act->u.tunnel = (struct bub_tunnel){
		.home = c->key.a,
		.local_outer = core_ha(eng)->cfg.address,
		.remote_outer = c->care_of,
	};
	own_path(eng, BUB_ACT_PATH_SET, c);
	if (!c->registered)
		(void)home_action(eng, BUB_ACT_PROXY_ADD, c);
	defend_link_local(eng, c, req->link_local);
	c->registered = c->defended = true;
	c->deleted = false;
}

/* Nothing keeps the registration from being accepted, nor from outliving a restart. */
static void accept_registration(struct bub_engine *eng, struct client *c)
{
	const struct request req = c->storing;
	uint8_t status;
	uint32_t lifetime_s = ha_grant(eng, &c->key.a, req.lifetime_s, &status);

	ha_establish(eng, c, &req, lifetime_s, "registered");
	send_ba(eng, &c->key.a, &req, status, req.sequence, lifetime_s);
	prefixes_on_registered(eng, c);
	multicast_on_registered(eng, c);
	held_release(eng, c);
}

static void complete(struct bub_engine *eng, struct client *c, const struct request *req)
{
	uint8_t status;

	c->storing = *req;
	if (!stable_keep(eng, c, ha_grant(eng, &c->key.a, req->lifetime_s, &status)))
		accept_registration(eng, c);
}

static void acknowledge_deletion(struct bub_engine *eng, const struct client *c)
{
	send_ba(eng, &c->key.a, &c->storing,
		c->was_registered ? BUB_STATUS_ACCEPTED : BUB_STATUS_NOT_HA_FOR_MN,
		c->storing.sequence, 0);
}

static void deregister(struct bub_engine *eng, struct client *c, const struct request *req)
{
	bool was_registered = c->registered;

	/* First the tunnel, so that the answer finds the node on the home link. */
	if (was_registered)
		unregister(eng, c, "by the mobile node");
	/* Where there is nothing to delete, too: the update that this overtook may come yet. */
	c->sequence = req->sequence;
	c->deleted = true;
	c->deleted_at = core_now(eng);
	c->storing = *req;
	c->storing.lifetime_s = 0; /* it may have named the home address instead */
	c->was_registered = was_registered;
	if (!stable_keep(eng, c, 0))
		acknowledge_deletion(eng, c);
}

void ha_on_stored(struct bub_engine *eng, struct client *c, int error)
{
	const struct request *req = &c->storing;

	/* The address is the mobile node's own again, whatever the disk says. */
	if (req->lifetime_s == 0) {
		acknowledge_deletion(eng, c);
	} else if (error != 0) {
		core_drop(eng, BUB_DROP_HOME_BU_NOT_STORED, &c->key.a);
		send_ba(eng, &c->key.a, req, BUB_STATUS_NO_RESOURCES, req->sequence, 0);
	} else if (ha_prefix_of(eng, &c->key.a) == NULL) { /* it has gone meanwhile */
		stable_forget(eng, c);
		send_ba(eng, &c->key.a, req, BUB_STATUS_NOT_HOME_SUBNET, req->sequence, 0);
	} else {
		accept_registration(eng, c);
	}
}

/* An update that was overtaken by the deletion must not bring the binding back: the node is at
 * home, and ESP's window lets a late packet through. */
static bool is_late(const struct bub_engine *eng, const struct client *c, const struct request *req)
{
	return c->deleted && req->lifetime_s > 0 &&
	       bub_time_ms_between(c->deleted_at, core_now(eng)) <
		       (uint64_t)MAX_DELETE_BCE_TIMEOUT_S * 1000;
}

/* Asks the home link for the home address and, with L, for the link-local address of the same
 * identifier, each once in a round. */
static void probe(struct bub_engine *eng, struct client *c, bool link_local)
{
	if (!c->probing) {
		c->dad_id[0] = home_action(eng, BUB_ACT_DAD, c);
		c->dad_id[1] = 0;
		c->probed_link_local = false;
		start_probing(eng, c);
	}
	if (link_local && !c->probed_link_local) {
		c->dad_id[1] = link_local_action(eng, BUB_ACT_DAD, c);
		c->probed_link_local = true;
	}
	held_wait(eng, c);
}

static void process(struct bub_engine *eng, struct client *c, const struct request *req)
{
	/* One that waits for the disk is the last one, too. */
	const uint16_t last = c->store_id != 0 ? c->storing.sequence : c->sequence;

	if ((c->registered || c->store_id != 0 || is_late(eng, c, req)) &&
	    !bub_seq_greater(req->sequence, last)) {
		core_drop(eng, BUB_DROP_BU_SEQUENCE, &c->key.a);
		send_ba(eng, &c->key.a, req, BUB_STATUS_SEQUENCE, last, 0);
		return;
	}
	if (req->lifetime_s == 0 || bub_addr_eq(&req->care_of, &c->key.a)) {
		stop_probing(eng, c);
		deregister(eng, c, req);
		return;
	}
	if (!bub_addr_is_routable(&req->care_of)) { /* silently: RFC 6275, 6.1.7 */
		core_drop(eng, BUB_DROP_BU_CARE_OF_NOT_UNICAST, &c->key.a);
		return;
	}
	if (careof_is_anycast(eng, &req->care_of)) {
		core_drop(eng, BUB_DROP_BU_CARE_OF_ANYCAST, &c->key.a);
		send_ba(eng, &c->key.a, req, BUB_STATUS_INVALID_CARE_OF, req->sequence, 0);
		return;
	}
	if (careof_leads_back(eng, &req->care_of)) {
		core_drop(eng, BUB_DROP_BU_CARE_OF_LOOP, &c->key.a);
		send_ba(eng, &c->key.a, req, BUB_STATUS_INVALID_CARE_OF, req->sequence, 0);
		return;
	}
	/* Nobody here sees who is at another address than the source: a third party, perhaps, which
	 * would get what the mobile node asks for (protocol.md, P33). */
	if (!core_ha(eng)->cfg.any_care_of && !bub_addr_eq(&req->care_of, &req->source)) {
		core_drop(eng, BUB_DROP_HOME_BU_ALT_CARE_OF, &c->key.a);
		send_ba(eng, &c->key.a, req, BUB_STATUS_INVALID_CARE_OF, req->sequence, 0);
		return;
	}
	/* First registration: is the address in use on the link?  (RFC 6275, 10.3.1) */
	if (!c->defended && core_ha(eng)->cfg.physical_link &&
	    core_ha(eng)->cfg.dad != BUB_DAD_NEVER) {
		probe(eng, c, req->link_local);
		c->pending = *req;
		if (core_ha(eng)->cfg.dad == BUB_DAD_BEFORE)
			return;
	}
	complete(eng, c, req);
}

/* Why an address that was probed for is not accepted: somebody has it, or there was no telling. */
static uint8_t dad_status(int error)
{
	if (error == -EADDRINUSE)
		return BUB_STATUS_DAD_FAILED;
	return error == -EBUSY ? BUB_STATUS_NO_RESOURCES : BUB_STATUS_UNSPECIFIED;
}

/* The client that waits for this verdict, which counts as heard from now on; NULL: nobody. */
static struct client *take_verdict(struct bub_engine *eng, uint32_t id)
{
	for (struct client *c = core_ha(eng)->probing_first; c != NULL; c = c->probing_after)
		for (unsigned i = 0; i < 2; i++)
			if (c->dad_id[i] == id) {
				c->dad_id[i] = 0;
				return c;
			}
	return NULL;
}

void ha_on_dad(struct bub_engine *eng, uint32_t id, int error)
{
	struct client *c = take_verdict(eng, id);
	struct request req;
	bool accepted; /* BUB_DAD_MEANWHILE: carried out, or on its way to the disk */

	if (c == NULL || (error == 0 && (c->dad_id[0] != 0 || c->dad_id[1] != 0)))
		return;
	stop_probing(eng, c);
	req = c->pending;
	accepted = c->registered || (c->store_id != 0 && c->storing.lifetime_s > 0);
	if (accepted && error != 0)
		stable_forget(eng, c);
	if (c->registered && error != 0)
		unregister(eng, c, "the address is in use on the home link");
	else if (error != 0)
		send_ba(eng, &c->key.a, &req, dad_status(error), req.sequence, 0);
	else if (!accepted && ha_prefix_of(eng, &c->key.a) == NULL) /* it has gone meanwhile */
		send_ba(eng, &c->key.a, &req, BUB_STATUS_NOT_HOME_SUBNET, req.sequence, 0);
	else if (!accepted)
		complete(eng, c, &req);
}

/* RFC 6275, 9.5.1 and 10.3.1: a node that is no home agent says so, but first that the binding that
 * it has is of another type. */
static void refuse_as_correspondent(struct bub_engine *eng, const struct rx *rx)
{
	struct mh_out out = {.mh = {.kind = BUB_MH_BA}};
	struct route r = route_plain(&rx->local, &rx->ip->src);

	if (rx->home != NULL)
		r = route_from_home(rx->home, &rx->ip->src);
	r.has_rh2 = !bub_addr_eq(&rx->peer, &rx->ip->src);
	r.rh2 = rx->peer;
	out.mh.u.ba.status = binding_active(eng, &rx->local, &rx->peer) != NULL
				     ? BUB_STATUS_REGISTRATION_TYPE
				     : BUB_STATUS_HOME_NOT_SUPPORTED;
	out.mh.u.ba.sequence = rx->mh.u.bu.sequence;
	(void)core_answer(eng, LIMIT_REFUSAL, rx, &r, &out);
}

/* RFC 6275, 9.5.1 and 10.3.1: what keeps a Binding Update from being looked at. */
static enum bub_drop why_not(const struct rx *rx, const struct bub_event *ev,
			     const struct request *req)
{
	bool deletes = req->lifetime_s == 0 || bub_addr_eq(&req->care_of, &rx->peer);

	if (rx->way != BUB_WAY_ESP_TRANSPORT)
		return BUB_DROP_HOME_BU_NOT_PROTECTED;
	/* The SA is one mobile node's: it may speak for no other (RFC 4877, 6). */
	if (!bub_addr_eq(&ev->u.packet.owner, &rx->peer))
		return BUB_DROP_HOME_BU_WRONG_SA;
	if (rx->mh.opts.present & BUB_OPT_NONCE_INDICES)
		return BUB_DROP_HOME_BU_NONCE_INDICES;
	if (!rx->ip->has_hao && !deletes)
		return BUB_DROP_HOME_BU_NO_HAO;
	return BUB_DROP_NONE;
}

void ha_on_home_bu(struct bub_engine *eng, const struct rx *rx, const struct bub_event *ev)
{
	struct request req = {
		.care_of = rx->ip->src,
		.source = rx->ip->src,
		.ifindex = ev->ifindex,
		.sequence = rx->mh.u.bu.sequence,
		.link_local = rx->mh.u.bu.flags & BUB_BU_LINK_LOCAL,
		.lifetime_s = rx->mh.u.bu.lifetime_s,
	};
	struct client *c = ha_client(eng, &rx->peer);
	enum bub_drop why;

	if (!core_ha(eng)->cfg.enabled && rx->mh.opts.present & BUB_OPT_NONCE_INDICES) {
		core_drop(eng, BUB_DROP_HOME_BU_NONCE_INDICES, &rx->peer);
		return;
	}
	if (!core_ha(eng)->cfg.enabled) {
		core_drop(eng, BUB_DROP_NOT_HOME_AGENT, &rx->peer);
		refuse_as_correspondent(eng, rx);
		return;
	}
	if (rx->mh.opts.present & BUB_OPT_ALT_CARE_OF)
		req.care_of = rx->mh.opts.alt_care_of;
	why = why_not(rx, ev, &req);
	if (why != BUB_DROP_NONE) {
		core_drop(eng, why, &rx->peer);
	} else if (ha_prefix_of(eng, &rx->peer) == NULL) {
		send_ba(eng, &rx->peer, &req, BUB_STATUS_NOT_HOME_SUBNET, req.sequence, 0);
	} else if (c == NULL) { /* genuine, but nobody has permitted it to register here */
		core_drop(eng, BUB_DROP_HOME_BU_NOT_PERMITTED, &rx->peer);
		send_ba(eng, &rx->peer, &req, BUB_STATUS_PROHIBITED, req.sequence, 0);
	} else if (binding_active(eng, &rx->local, &rx->peer) != NULL) {
		/* As a correspondent we have a binding: its type does not change (9.5.1). */
		core_drop(eng, BUB_DROP_BU_TYPE_CHANGE, &rx->peer);
		send_ba(eng, &rx->peer, &req, BUB_STATUS_REGISTRATION_TYPE, req.sequence, 0);
	} else if (limit_allow_own(eng, LIMIT_REGISTRATION, &c->registrations, &rx->peer, 0, 0)) {
		process(eng, c, &req);
	}
}

/* ---- Tunnels ------------------------------------------------------------------------------- */

bool ha_admit(struct bub_engine *eng, const struct client *c, struct bub_view packet,
	      struct encap *ret_encap)
{
	return encap_admit(eng, packet, &core_ha(eng)->cfg.address, &c->care_of, ret_encap);
}

void ha_fill_tunnel(struct bub_engine *eng, const struct client *c, struct bub_view packet,
		    const struct encap *encap, struct bub_action *act)
{
	encap_fill(encap, act);
	act->u.send.data = packet;
	act->u.send.owner = c->key.a;
	core_counters(eng)->tunnel_out++;
}

void ha_tunnel(struct bub_engine *eng, const struct client *c, struct bub_view packet)
{
	struct encap encap;

	if (ha_admit(eng, c, packet, &encap))
		ha_fill_tunnel(eng, c, packet, &encap, core_action(eng, BUB_ACT_SEND));
}

/* Our own data for a mobile node: not mobility messages (RFC 6275, 6.1), and a header that comes
 * first of all is better left where it is. */
static bool is_own(const struct bub_engine *eng, struct bub_view packet)
{
	uint8_t next = packet.data[IP6_NEXT_AT];

	return core_ha(eng)->cfg.direct && next != BUB_NH_MH && next != BUB_NH_HOPOPTS &&
	       packet.len + BUB_RH2_HDR_LEN <= SCRATCH_MAX &&
	       memcmp(packet.data + IP6_SRC_AT, &core_ha(eng)->cfg.address,
		      sizeof core_ha(eng)->cfg.address) == 0;
}

/* RFC 6275, 9.3.2. */
static void send_direct(struct bub_engine *eng, const struct client *c, struct bub_view packet)
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
	act->u.send.way = BUB_WAY_PLAIN;
}

bool ha_intercept(struct bub_engine *eng, struct bub_view packet)
{
	const struct client *c;
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
	c = ha_client(eng, &dst);
	if (c == NULL)
		return false;
	packet.len = len;
	if (!c->registered)
		core_drop(eng, BUB_DROP_TUNNEL_NO_BINDING, &dst);
	else if (is_own(eng, packet))
		send_direct(eng, c, packet);
	else
		ha_tunnel(eng, c, packet);
	return true;
}

/* Out of one tunnel into another: this node is a hop on the way (RFC 2473, 3.1). */
static void tunnel_on(struct bub_engine *eng, const struct client *c, struct bub_view packet)
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
static void send_encapsulated(struct bub_engine *eng, const struct bub_ip6 *ip)
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
	act->u.send.way = BUB_WAY_PLAIN;
}

/* True for a group that is not interface-local or link-local: where its packets go is for the
 * kernel's multicast routing to say, as for those of any host on the home link (RFC 4291, 2.7). */
static bool leaves_its_link(const struct in6_addr *dst)
{
	return addr_group_scope(dst) > ADDR_SCOPE_LINK_LOCAL;
}

/* A packet that passed the check of the reverse tunnel goes its way. */
static void forward(struct bub_engine *eng, const struct bub_ip6 *ip, bool vouched)
{
	const struct client *c = ha_client(eng, &ip->dst);
	/* Else the kernel has it: it says so to the sender (RFC 4443, 3.3). */
	bool may_go_on = ip->hop_limit > 1 && ip->packet.len <= SCRATCH_MAX;
	struct bub_action *act;

	if (!bub_addr_is_routable(&ip->dst) && (vouched || !leaves_its_link(&ip->dst))) {
		core_drop(eng, BUB_DROP_TUNNEL_NOT_FORWARDED, &ip->src);
		return;
	}
	if (core_ha(eng)->cfg.multicast && may_go_on && bub_group_is_global(&ip->dst)) {
		multicast_forward(eng, ip);
		return;
	}
	/* Another of our mobile nodes: straight into its tunnel; the kernel would send a
	 * redirect for a packet that leaves as it came. */
	if (may_go_on && c != NULL && c->registered) {
		tunnel_on(eng, c, ip->packet);
	} else if (may_go_on && vouched &&
		   core_ha(eng)->cfg.backhaul == BUB_BACKHAUL_ENCAPSULATED) {
		send_encapsulated(eng, ip);
	} else {
		act = core_action(eng, BUB_ACT_DELIVER);
		act->u.send.data = ip->packet;
	}
}

/* ---- Messages that overtook their registration (protocol.md, P9) ---------------------------- */

/* When the time of a message begins: not while the registration is being looked into. */
static struct bub_time held_since(const struct bub_engine *eng, const struct client *c)
{
	return c->probing ? bub_time_add_s(core_now(eng), HELD_PROBE_S) : core_now(eng);
}

static void held_wait(struct bub_engine *eng, const struct client *c)
{
	for (unsigned i = 0; i < HELD_PACKETS; i++)
		if (core_ha(eng)->held[i].len != 0 &&
		    bub_addr_eq(&core_ha(eng)->held[i].home, &c->key.a))
			core_ha(eng)->held[i].at = held_since(eng, c);
}

static bool held_is_over(const struct bub_engine *eng, const struct held *h)
{
	return !bub_time_before(core_now(eng), bub_time_add_ms(h->at, HELD_MS));
}

/* Nothing came that vouches for what waited long enough. */
static void on_held_timer(struct bub_engine *eng, void *owner)
{
	struct bub_time next = BUB_TIME_NEVER;

	(void)owner;
	for (unsigned i = 0; i < HELD_PACKETS; i++) {
		struct held *h = &core_ha(eng)->held[i];

		if (h->len == 0)
			continue;
		if (held_is_over(eng, h)) {
			core_drop(eng, BUB_DROP_HELD_TIMEOUT, &h->home);
			h->len = 0;
		} else if (bub_time_before(bub_time_add_ms(h->at, HELD_MS), next)) {
			next = bub_time_add_ms(h->at, HELD_MS);
		}
	}
	if (!bub_time_is_never(next))
		core_timer_at(eng, &core_ha(eng)->held_timer, next);
}

struct ha *ha_lay_out(struct arena *ar, const struct bub_config *cfg, uint64_t seed)
{
	uint32_t clients = cfg->ha.enabled ? cfg->limit.clients : 0;
	uint32_t members = cfg->ha.enabled && cfg->ha.multicast ? cfg->limit.memberships : 0;
	struct ha sizing = {0}, *ha = arena_take(ar, sizeof *ha), *at = ha != NULL ? ha : &sizing;

	table_init(&at->clients, ar, clients, sizeof(struct client), seed);
	table_init(&at->memberships, ar, members, sizeof(struct membership), seed);
	table_init(&at->groups, ar, 2 * members, sizeof(struct group), seed);
	return ha;
}

uint32_t ha_timers(const struct bub_config *cfg)
{
	if (!cfg->ha.enabled)
		return 1;
	return CLIENT_TIMERS * cfg->limit.clients +
	       (cfg->ha.multicast ? cfg->limit.memberships : 0) + 1;
}

void ha_init(struct bub_engine *eng)
{
	core_ha(eng)->cfg = core_config(eng)->ha;
	timer_init(&core_ha(eng)->held_timer, on_held_timer, NULL);
}

static unsigned held_by(const struct bub_engine *eng, const struct in6_addr *home)
{
	unsigned n = 0;

	for (unsigned i = 0; i < HELD_PACKETS; i++)
		n += core_ha(eng)->held[i].len != 0 &&
		     bub_addr_eq(&core_ha(eng)->held[i].home, home);
	return n;
}

/* A free place; where there is none, the oldest one of those who have most, unless the newcomer has
 * as many. */
static struct held *held_slot(struct bub_engine *eng, const struct in6_addr *home)
{
	struct held *slot = NULL;
	unsigned most = 0;

	for (unsigned i = 0; i < HELD_PACKETS; i++) {
		struct held *h = &core_ha(eng)->held[i];
		unsigned n;

		if (h->len == 0)
			return h;
		n = held_by(eng, &h->home);
		if (slot == NULL || n > most || (n == most && bub_time_before(h->at, slot->at))) {
			most = n;
			slot = h;
		}
	}
	if (most <= held_by(eng, home) + 1)
		return NULL;
	core_drop(eng, BUB_DROP_HELD_SHARE, &slot->home);
	return slot;
}

/* False: no room, or nothing to be held. */
static bool held_add(struct bub_engine *eng, const struct client *c, const struct bub_ip6 *ip,
		     const struct in6_addr *outer_src)
{
	struct held *slot;

	if (ip->upper_proto != BUB_NH_MH || ip->packet.len > HELD_PACKET_MAX ||
	    IN6_IS_ADDR_MULTICAST(&ip->dst))
		return false;
	slot = held_slot(eng, &c->key.a);
	if (slot == NULL)
		return false;
	slot->at = held_since(eng, c);
	slot->home = c->key.a;
	slot->outer_src = *outer_src;
	slot->len = ip->packet.len;
	memcpy(slot->packet, ip->packet.data, ip->packet.len);
	if (!timer_is_set(&core_ha(eng)->held_timer))
		core_timer(eng, &core_ha(eng)->held_timer, HELD_MS);
	return true;
}

/* What came ahead of this registration goes on, in the order of its slots.  What does not belong to
 * it, or finds no room among the actions, waits for the timer. */
static void held_release(struct bub_engine *eng, const struct client *c)
{
	for (unsigned i = 0; i < HELD_PACKETS; i++) {
		struct held *h = &core_ha(eng)->held[i];
		struct bub_ip6 ip;

		if (h->len == 0 || !bub_addr_eq(&h->home, &c->key.a))
			continue;
		if (bub_time_before(core_now(eng), h->at)) /* there is a verdict */
			h->at = core_now(eng);
		if (!bub_addr_eq(&h->outer_src, &c->care_of) || held_is_over(eng, h) ||
		    core_is_full(eng) ||
		    bub_ip6_decode((struct bub_view){h->packet, h->len}, &ip) != BUB_DROP_NONE)
			continue;
		forward(eng, &ip, !bub_addr_eq(&ip.src, &c->key.a));
		h->len = 0;
	}
}

/* ---- Out of the tunnel --------------------------------------------------------------------- */

/* Nothing that strangers send takes the Binding Errors of a mobile node away from it.  Without ESP
 * nobody knows whose a packet is. */
static bool may_tell(struct bub_engine *eng, struct client *c, const struct bub_event *ev,
		     size_t len)
{
	const struct in6_addr *to = &ev->u.packet.outer_src;

	if (ev->u.packet.way == BUB_WAY_ESP_TUNNEL)
		return limit_allow_own(eng, LIMIT_BINDING_ERROR, &c->errors, to, len,
				       BINDING_ERROR_LEN);
	return limit_allow(eng, LIMIT_BINDING_ERROR, to, len, BINDING_ERROR_LEN);
}

bool ha_from_tunnel(struct bub_engine *eng, struct client *c, const struct bub_event *ev,
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
	/* Its registration has been lost, by a restart perhaps: it should know (RFC 6275, 9.3.1).
	 */
	if (!c->registered && !c->probing && bub_addr_is_routable(outer) &&
	    may_tell(eng, c, ev, ip.packet.len)) {
		struct route r = route_plain(&core_ha(eng)->cfg.address, outer);

		core_send_binding_error(eng, &r, BUB_BE_NO_BINDING, &c->key.a);
	}
	if (!c->registered || !bub_addr_eq(outer, &c->care_of)) {
		if (!held_add(eng, c, &ip, outer))
			core_drop(eng,
				  c->registered ? BUB_DROP_REVERSE_OUTER_SOURCE
						: BUB_DROP_TUNNEL_NO_BINDING,
				  outer);
		return false;
	}
	core_counters(eng)->tunnel_in++;
	if (bub_addr_eq(&ip.dst, &core_ha(eng)->cfg.address) && ip.upper_proto == BUB_NH_MH) {
		*ret_ip = ip;
		return true;
	}
	if (reports)
		multicast_on_report(eng, c, &ip);
	else
		forward(eng, &ip, vouched);
	return false;
}
