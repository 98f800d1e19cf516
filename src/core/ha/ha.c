/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Home agent: registrations (RFC 6275, 10.3), and what they bring about: tunnel, defence of the
 * home address, data path.
 *
 *   none ---> bound   a Binding Update was accepted
 *   none ---> provisional ---> bound   the same, with data on its way ahead of the answer
 *   provisional ---> none   the probe found somebody, or the mobile node is back home
 *   bound --> bound   a later one was accepted: refreshed, or another care-of address
 *   bound --> none    the mobile node is back home, or the lifetime is over
 *   bound --> none    the prefix of the home address has gone, or another node has the address
 *   bound --> none    the mobile node is not served any more
 *
 * A Binding Update goes through up to two waits before it is accepted.  A first registration waits
 * for duplicate address detection on the home link (probing, pending): ha_on_dad() goes on.  Its
 * data does not wait (provisional; protocol.md, P86).  Where registrations outlive a restart, each
 * change waits for the disk (store_id, storing): ha_on_stored() goes on.  A later Binding Update of
 * the same mobile node takes the place of one that waits.
 *
 * When both are over ha_establish() sets up the tunnel and the defence of the home address, and the
 * acknowledgement goes out.  Messages that came ahead of the registration go on then (held.c).
 *
 * After a deletion the sequence number is kept for a while, so that an update which the deletion
 * has overtaken does not bring the binding back.
 */
#include <errno.h>
#include <stddef.h>

#include "answer.h"
#include "base/addr.h"
#include "cn/cn.h"
#include "ha/careof.h"
#include "ha/ha.h"
#include "ha/ipv4.h"
#include "ha/stable.h"
#include "ha/state.h"
#include "ha/tunnel.h"
#include "mn/mn.h"

/* Who begins to detect duplicates of an address needs so long (RFC 4862, 5.1: RetransTimer). */
#define WATCH_S 1u

#define HA_TIMERS 2u /* of all mobile nodes together: those held, and those sent away */

static uint32_t link_local_action(struct bub_engine *eng, enum bub_action_type type,
				  const struct mobile_node *c)
{
	struct bub_action *act = core_action(eng, type);

	act->u.home = addr_link_local(&c->key.a); /* RFC 6275, 6.1.7 */
	return act->id;
}

static uint32_t home_action(struct bub_engine *eng, enum bub_action_type type,
			    const struct mobile_node *c)
{
	struct bub_action *act = core_action(eng, type);

	act->u.home = c->key.a;
	return act->id;
}

/* L clear: nothing but the home address is defended (RFC 6275, 10.3.1). */
static void defend_link_local(struct bub_engine *eng, struct mobile_node *c, bool wanted)
{
	if (wanted != c->link_local)
		(void)link_local_action(eng, wanted ? BUB_ACT_PROXY_ADD : BUB_ACT_PROXY_DEL, c);
	c->link_local = wanted;
}

/* What passes between this node itself and a mobile node, where no ESP is asked for: with a Home
 * Address option and a type 2 routing header, as with any correspondent that has a binding (RFC
 * 6275, 9.3.1 and 9.3.2).  What leaves comes out of the TUN all the same (send_direct). */
static void ha_own_path(struct bub_engine *eng, enum bub_action_type type,
			const struct mobile_node *c)
{
	struct bub_action *act;

	if (!core_ha(eng)->cfg.direct)
		return;
	if (IN6_IS_ADDR_V4MAPPED(&c->care_of)) /* nothing but the tunnel leads there */
		type = BUB_ACT_PATH_DEL;
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

static void ha_unregister(struct bub_engine *eng, struct mobile_node *c, const char *why)
{
	core_trace_state(eng, "home-binding", "bound", "none", why, &core_ha(eng)->cfg.address,
			 &c->key.a);
	core_timer_cancel(eng, &c->timer);
	switch_on_ended(eng, c);
	prefixes_on_unregistered(eng, c);
	multicast_on_unregistered(eng, c);
	core_ha(eng)->registered -= c->registered;
	c->registered = c->defended = false;
	c->watched_until = bub_time_add_s(core_now(eng), WATCH_S);
	ha_own_path(eng, BUB_ACT_PATH_DEL, c);
	(void)home_action(eng, BUB_ACT_TUNNEL_DEL, c);
	(void)home_action(eng, BUB_ACT_PROXY_DEL, c);
	defend_link_local(eng, c, false);
}

/* Data goes both ways from now on.  The home address is answered for as an optimistic one (RFC
 * 4429, 3.3), as long as it is being probed for. */
static void ha_begin(struct bub_engine *eng, struct mobile_node *c, const struct request *req)
{
	if (!c->provisional) {
		core_trace_state(eng, "home-binding", "none", "provisional",
				 "the home link is probed", &core_ha(eng)->cfg.address, &c->key.a);
		(void)home_action(eng, BUB_ACT_PROXY_ADD, c);
	}
	c->provisional = true;
	ha_lead_to(eng, c, &req->care_of);
	c->nat = req->nat;
}

/* Does nothing to a client that is not provisional. */
static void ha_withdraw(struct bub_engine *eng, struct mobile_node *c, const char *why)
{
	if (!c->provisional)
		return;
	core_trace_state(eng, "home-binding", "provisional", "none", why,
			 &core_ha(eng)->cfg.address, &c->key.a);
	c->provisional = false;
	(void)home_action(eng, BUB_ACT_TUNNEL_DEL, c);
	(void)home_action(eng, BUB_ACT_PROXY_DEL, c);
}

static void ha_on_timer(struct bub_engine *eng, void *owner)
{
	struct mobile_node *c = owner;

	ha_unregister(eng, c, "expired");
	if (c->store_id == 0) /* else a refresh is on its way to the disk */
		stable_forget(eng, c);
}

void ha_end_with_prefix(struct bub_engine *eng, struct mobile_node *c, uint32_t valid_s)
{
	struct bub_time end = bub_time_add_s(core_now(eng), valid_s);

	if (!bub_time_before(end, timer_at(&c->timer)))
		return;
	core_timer(eng, &c->timer, (uint64_t)valid_s * 1000);
}

static void init_client(struct bub_engine *eng, struct mobile_node *c)
{
	timer_init(&c->timer, ha_on_timer, c);
	prefixes_node_init(c);
	multicast_node_init(eng, c);
}

int ha_add_client(struct bub_engine *eng, const struct in6_addr *home)
{
	struct mobile_node *c;

	if (!core_ha(eng)->cfg.enabled)
		return BUB_ERR_INVALID;
	if (ha_mobile_node(eng, home) != NULL)
		return BUB_ERR_EXISTS;
	c = table_add(&core_ha(eng)->clients, home, &in6addr_any);
	if (c == NULL)
		return BUB_ERR_NO_SPACE;
	init_client(eng, c);
	return 0;
}

/* Does nothing to a client that is not probed for. */
static void ha_stop_probing(struct bub_engine *eng, struct mobile_node *c)
{
	if (!c->probing)
		return;
	*(c->more->probing_before != NULL ? &c->more->probing_before->more->probing_after
					  : &core_ha(eng)->probing_first) = c->more->probing_after;
	*(c->more->probing_after != NULL ? &c->more->probing_after->more->probing_before
					 : &core_ha(eng)->probing_last) = c->more->probing_before;
	c->probing = false;
}

static void ha_start_probing(struct bub_engine *eng, struct mobile_node *c)
{
	c->probing = true;
	c->more->probing_before = core_ha(eng)->probing_last;
	c->more->probing_after = NULL;
	*(core_ha(eng)->probing_last != NULL ? &core_ha(eng)->probing_last->more->probing_after
					     : &core_ha(eng)->probing_first) = c;
	core_ha(eng)->probing_last = c;
}

void ha_remove_client(struct bub_engine *eng, struct mobile_node *c)
{
	if (c->registered)
		ha_unregister(eng, c, "not served any more");
	ha_withdraw(eng, c, "not served any more");
	stable_forget(eng, c);
	ha_stop_probing(eng, c);
	core_timer_cancel(eng, &c->timer);
	core_timer_cancel(eng, &c->prefix_timer);
	held_forget(eng, c);
	table_remove(&core_ha(eng)->clients, c);
}

/* ---- Registration -------------------------------------------------------------------------- */

static void ha_send_ba(struct bub_engine *eng, const struct in6_addr *home,
		       const struct request *req, uint8_t status, uint16_t sequence,
		       uint32_t lifetime_s)
{
	struct mh_out out = {.mh = {.kind = BUB_MH_BA}};
	struct route r = ha_route_to(eng, home, &req->source);
	uint32_t advice_s = core_ha(eng)->cfg.refresh_advice_s & ~3u;

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
	ipv4_answer(eng, req, &out.mh.opts);
	core_send(eng, &r, &out);
}

void ha_establish(struct bub_engine *eng, struct mobile_node *c, const struct request *req,
		  uint32_t lifetime_s, const char *why)
{
	if (!c->registered) {
		core_trace_state(eng, "home-binding", c->provisional ? "provisional" : "none",
				 "bound", why, &core_ha(eng)->cfg.address, &c->key.a);
		switch_on_registered(eng, c);
	}
	ha_lead_to(eng, c, &req->care_of);
	c->nat = req->nat;
	c->sequence = req->sequence;
	core_timer(eng, &c->timer, (uint64_t)lifetime_s * 1000);
	ha_own_path(eng, BUB_ACT_PATH_SET, c);
	if (!ha_has_tunnel(c))
		(void)home_action(eng, BUB_ACT_PROXY_ADD, c);
	defend_link_local(eng, c, req->link_local);
	core_ha(eng)->registered += !c->registered;
	c->registered = c->defended = true;
	c->provisional = c->deleted = false;
}

/* Nothing keeps the registration from being accepted, nor from outliving a restart. */
static void accept_registration(struct bub_engine *eng, struct mobile_node *c,
				const struct request *req)
{
	uint8_t status;
	uint32_t lifetime_s = ha_grant(eng, &c->key.a, req->lifetime_s, &status);

	ha_establish(eng, c, req, lifetime_s, "registered");
	ha_send_ba(eng, &c->key.a, req, status, req->sequence, lifetime_s);
	prefixes_on_registered(eng, c);
	multicast_on_registered(eng, c);
	held_release(eng, c);
}

static void ha_complete(struct bub_engine *eng, struct mobile_node *c, const struct request *req)
{
	uint8_t status;

	if (!stable_keep(eng, c, req, ha_grant(eng, &c->key.a, req->lifetime_s, &status)))
		accept_registration(eng, c, req);
}

static void acknowledge_deletion(struct bub_engine *eng, const struct mobile_node *c,
				 const struct request *req)
{
	ha_send_ba(eng, &c->key.a, req,
		   c->was_registered ? BUB_STATUS_ACCEPTED : BUB_STATUS_NOT_HA_FOR_MN,
		   req->sequence, 0);
}

static void ha_deregister(struct bub_engine *eng, struct mobile_node *c, const struct request *req)
{
	const bool was_registered = c->registered;
	struct request deletion = *req;

	ha_stop_probing(eng, c);
	ha_withdraw(eng, c, "by the mobile node");
	/* First the tunnel, so that the answer finds the node on the home link. */
	if (was_registered)
		switch_on_deleted(eng, c);
	if (was_registered)
		ha_unregister(eng, c, "by the mobile node");
	/* Noted even where there is nothing to delete: an update that the deletion has overtaken
	 * may still come. */
	c->sequence = req->sequence;
	c->deleted = true;
	c->deleted_at = core_now(eng);
	/* A deletion may name the home address as care-of address instead. */
	deletion.lifetime_s = 0;
	c->was_registered = was_registered;
	if (!stable_keep(eng, c, &deletion, 0))
		acknowledge_deletion(eng, c, &deletion);
}

/* The home prefix has gone while the registration waited. */
static void refuse_prefix(struct bub_engine *eng, struct mobile_node *c, const struct request *req)
{
	ha_withdraw(eng, c, "its prefix has gone");
	ha_send_ba(eng, &c->key.a, req, BUB_STATUS_NOT_HOME_SUBNET, req->sequence, 0);
}

void ha_on_stored(struct bub_engine *eng, struct mobile_node *c, int error)
{
	const struct request now = c->more->storing, *req = &now;

	/* The address is the mobile node's own again, whatever the disk says. */
	if (req->lifetime_s == 0) {
		acknowledge_deletion(eng, c, req);
	} else if (error != 0) {
		core_drop(eng, BUB_DROP_HOME_BU_NOT_STORED, &c->key.a);
		ha_withdraw(eng, c, "it could not be stored");
		ha_send_ba(eng, &c->key.a, req, BUB_STATUS_NO_RESOURCES, req->sequence, 0);
	} else if (ha_prefix_of(eng, &c->key.a) == NULL) {
		stable_forget(eng, c);
		refuse_prefix(eng, c, req);
	} else {
		accept_registration(eng, c, req);
	}
}

/* An update that was overtaken by the deletion must not bring the binding back: the node is at
 * home, and ESP's window lets a late packet through. */
static bool ha_is_late(const struct bub_engine *eng, const struct mobile_node *c,
		       const struct request *req)
{
	return c->deleted && req->lifetime_s > 0 &&
	       bub_time_ms_between(c->deleted_at, core_now(eng)) <
		       (uint64_t)MAX_DELETE_BCE_TIMEOUT_S * 1000;
}

/* Asks the home link for the home address and, with L, for the link-local address of the same
 * identifier, each once in a round. */
static void ha_probe(struct bub_engine *eng, struct mobile_node *c, bool link_local)
{
	if (!c->probing) {
		c->more->dad_id[0] = home_action(eng, BUB_ACT_DAD, c);
		c->more->dad_id[1] = 0;
		c->more->probed_link_local = false;
		ha_start_probing(eng, c);
	}
	if (link_local && !c->more->probed_link_local) {
		c->more->dad_id[1] = link_local_action(eng, BUB_ACT_DAD, c);
		c->more->probed_link_local = true;
	}
	held_wait(eng, c);
}

/* This home agent answered for the address itself until a moment ago: who has begun to detect
 * duplicates since then is not through, and hears our claim (protocol.md, P86).  Nothing is known
 * of the link-local address. */
static bool ha_has_watched(const struct bub_engine *eng, const struct mobile_node *c,
			   const struct request *req)
{
	return core_ha(eng)->cfg.dad == BUB_DAD_WATCHED && !c->taken && !req->link_local &&
	       bub_time_before(core_now(eng), c->watched_until);
}

/* First registration: is the address in use on the link?  (RFC 6275, 10.3.1)  False: that is not
 * waited for. */
static bool ha_waits_for_probe(struct bub_engine *eng, struct mobile_node *c,
			       const struct request *req)
{
	const enum bub_dad dad = core_ha(eng)->cfg.dad;

	if (c->defended || !core_ha(eng)->cfg.physical_link || dad == BUB_DAD_NEVER ||
	    ha_has_watched(eng, c, req))
		return false;
	if (c->provisional && !c->probing) { /* it has passed, and the disk is waited for */
		ha_begin(eng, c, req);
		return false;
	}
	ha_probe(eng, c, req->link_local);
	c->more->pending = *req;
	if ((dad == BUB_DAD_OPTIMISTIC || dad == BUB_DAD_WATCHED) && !c->taken)
		ha_begin(eng, c, req);
	return dad != BUB_DAD_MEANWHILE;
}

/* The number that the next update has to be greater than; false: any will do. */
static bool ha_last_sequence(const struct bub_engine *eng, const struct mobile_node *c,
			     const struct request *req, uint16_t *ret_last)
{
	*ret_last = c->sequence;
	if (c->store_id != 0) /* an update that waits for the disk counts, too */
		*ret_last = c->more->storing.sequence;
	else if (c->provisional)
		*ret_last = c->more->pending.sequence;
	return c->registered || c->provisional || c->store_id != 0 || ha_is_late(eng, c, req);
}

/* It is to go to another home agent (RFC 5142, 5.3).  True: it was refused; else @req asks for what
 * it may get. */
static bool refuse_sent_away(struct bub_engine *eng, const struct mobile_node *c,
			     struct request *req)
{
	req->lifetime_s = switch_limit(eng, c, &req->care_of, req->lifetime_s);
	if (req->lifetime_s > 0)
		return false;
	core_drop(eng, BUB_DROP_HOME_BU_SENT_AWAY, &c->key.a);
	ha_send_ba(eng, &c->key.a, req, BUB_STATUS_PROHIBITED, req->sequence, 0);
	return true;
}

static void ha_process(struct bub_engine *eng, struct mobile_node *c, struct request *req)
{
	uint16_t last;

	if (ha_last_sequence(eng, c, req, &last) && !bub_seq_greater(req->sequence, last)) {
		core_drop(eng, BUB_DROP_BU_SEQUENCE, &c->key.a);
		ha_send_ba(eng, &c->key.a, req, BUB_STATUS_SEQUENCE, last, 0);
		return;
	}
	if (req->lifetime_s == 0 || bub_addr_eq(&req->care_of, &c->key.a)) {
		ha_deregister(eng, c, req);
		return;
	}
	if (!careof_is_unicast(eng, &req->care_of)) { /* silently: RFC 6275, 6.1.7 */
		core_drop(eng, BUB_DROP_BU_CARE_OF_NOT_UNICAST, &c->key.a);
		return;
	}
	if (careof_is_anycast(eng, &req->care_of)) {
		core_drop(eng, BUB_DROP_BU_CARE_OF_ANYCAST, &c->key.a);
		ha_send_ba(eng, &c->key.a, req, BUB_STATUS_INVALID_CARE_OF, req->sequence, 0);
		return;
	}
	if (careof_leads_back(eng, &req->care_of)) {
		core_drop(eng, BUB_DROP_BU_CARE_OF_LOOP, &c->key.a);
		ha_send_ba(eng, &c->key.a, req, BUB_STATUS_INVALID_CARE_OF, req->sequence, 0);
		return;
	}
	/* Nobody here sees who is at another address than the source: a third party, perhaps, which
	 * would get what the mobile node asks for (protocol.md, P33). */
	if (!core_ha(eng)->cfg.any_care_of && !bub_addr_eq(&req->care_of, &req->source)) {
		core_drop(eng, BUB_DROP_HOME_BU_ALT_CARE_OF, &c->key.a);
		ha_send_ba(eng, &c->key.a, req, BUB_STATUS_INVALID_CARE_OF, req->sequence, 0);
		return;
	}
	if (!refuse_sent_away(eng, c, req) && !ha_waits_for_probe(eng, c, req))
		ha_complete(eng, c, req);
}

/* Why an address that was probed for is not accepted: somebody has it, or there was no telling. */
static uint8_t dad_status(int error)
{
	if (error == -EADDRINUSE)
		return BUB_STATUS_DAD_FAILED;
	return error == -EBUSY ? BUB_STATUS_NO_RESOURCES : BUB_STATUS_UNSPECIFIED;
}

/* The client that waits for this verdict, which counts as heard from now on; NULL: nobody. */
static struct mobile_node *ha_take_verdict(struct bub_engine *eng, uint32_t id)
{
	for (struct mobile_node *c = core_ha(eng)->probing_first; c != NULL;
	     c = c->more->probing_after)
		for (unsigned i = 0; i < 2; i++)
			if (c->more->dad_id[i] == id) {
				c->more->dad_id[i] = 0;
				return c;
			}
	return NULL;
}

void ha_on_dad(struct bub_engine *eng, uint32_t id, int error)
{
	struct mobile_node *c = ha_take_verdict(eng, id);
	struct request req;
	bool accepted; /* BUB_DAD_MEANWHILE: carried out, or on its way to the disk */

	if (c == NULL || (error == 0 && (c->more->dad_id[0] != 0 || c->more->dad_id[1] != 0)))
		return;
	ha_stop_probing(eng, c);
	req = c->more->pending;
	if (error == 0 || error == -EADDRINUSE)
		c->taken = error != 0;
	accepted = c->registered || (c->store_id != 0 && c->more->storing.lifetime_s > 0);
	if (accepted && error != 0)
		stable_forget(eng, c);
	if (error != 0)
		ha_withdraw(eng, c, "the address is in use on the home link, or nobody could ask");
	if (c->registered && error != 0)
		ha_unregister(eng, c, "the address is in use on the home link");
	else if (error != 0)
		ha_send_ba(eng, &c->key.a, &req, dad_status(error), req.sequence, 0);
	else if (!accepted && ha_prefix_of(eng, &c->key.a) == NULL)
		refuse_prefix(eng, c, &req);
	else if (!accepted)
		ha_complete(eng, c, &req);
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

/* RFC 6275, 9.5.1 and 10.3.1, RFC 5555, 2.3.2.1: what keeps a Binding Update from being looked at.
 */
static enum bub_drop ha_why_not(const struct rx *rx, const struct bub_event *ev,
				const struct request *req)
{
	bool deletes = req->lifetime_s == 0 || bub_addr_eq(&req->care_of, &rx->peer);

	if (rx->ingress != BUB_INGRESS_ESP_TRANSPORT)
		return BUB_DROP_HOME_BU_NOT_PROTECTED;
	/* The SA is one mobile node's: it may speak for no other (RFC 4877, 6). */
	if (!bub_addr_eq(&ev->u.packet.owner, &rx->peer))
		return BUB_DROP_HOME_BU_WRONG_SA;
	if (rx->mh.opts.present & BUB_OPT_NONCE_INDICES)
		return BUB_DROP_HOME_BU_NONCE_INDICES;
	if (IN6_IS_ADDR_V4MAPPED(&rx->from))
		return rx->mh.opts.present & BUB_OPT_IPV4_CARE_OF
			       ? BUB_DROP_NONE
			       : BUB_DROP_HOME_BU_NO_IPV4_CARE_OF;
	if (!rx->ip->has_hao && !deletes)
		return BUB_DROP_HOME_BU_NO_HAO;
	return BUB_DROP_NONE;
}

void ha_on_home_bu(struct bub_engine *eng, const struct rx *rx, const struct bub_event *ev)
{
	struct request req = {
		.care_of = rx->from,
		.source = rx->from,
		.ifindex = ev->ifindex,
		.sequence = rx->mh.u.bu.sequence,
		.link_local = rx->mh.u.bu.flags & BUB_BU_LINK_LOCAL,
		.lifetime_s = rx->mh.u.bu.lifetime_s,
	};
	struct mobile_node *c = ha_mobile_node(eng, &rx->peer);
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
	ipv4_read(rx, ev, &req);
	why = ha_why_not(rx, ev, &req);
	if (why != BUB_DROP_NONE) {
		core_drop(eng, why, &rx->peer);
	} else if (ha_prefix_of(eng, &rx->peer) == NULL) {
		ha_send_ba(eng, &rx->peer, &req, BUB_STATUS_NOT_HOME_SUBNET, req.sequence, 0);
	} else if (c == NULL) { /* genuine, but nobody has permitted it to register here */
		core_drop(eng, BUB_DROP_HOME_BU_NOT_PERMITTED, &rx->peer);
		ha_send_ba(eng, &rx->peer, &req, BUB_STATUS_PROHIBITED, req.sequence, 0);
	} else if (binding_active(eng, &rx->local, &rx->peer) != NULL) {
		/* As a correspondent we have a binding: its type does not change (9.5.1). */
		core_drop(eng, BUB_DROP_BU_TYPE_CHANGE, &rx->peer);
		ha_send_ba(eng, &rx->peer, &req, BUB_STATUS_REGISTRATION_TYPE, req.sequence, 0);
	} else if (limit_allow_own(eng, LIMIT_REGISTRATION, &c->registrations, &rx->peer, 0, 0)) {
		ha_process(eng, c, &req);
	}
}

struct ha *ha_lay_out(struct arena *ar, const struct bub_config *cfg, uint64_t seed)
{
	uint32_t clients = cfg->ha.enabled ? cfg->limit.clients : 0;
	uint32_t members = cfg->ha.enabled && cfg->ha.multicast ? cfg->limit.memberships : 0;
	const size_t stride =
		offsetof(struct mobile_node, more) +
		(mobile_node_has_more(&cfg->ha) ? sizeof(struct mobile_node_more) : 0);
	struct ha sizing = {0}, *ha = arena_take(ar, sizeof *ha), *at = ha != NULL ? ha : &sizing;

	table_init(&at->clients, ar, clients, stride, seed);
	table_init(&at->memberships, ar, members, sizeof(struct membership), seed);
	table_init(&at->groups, ar, 2 * members, sizeof(struct group), seed);
	switch_lay_out(&at->switching, ar, clients);
	return ha;
}

uint32_t ha_timers(const struct bub_config *cfg)
{
	if (!cfg->ha.enabled)
		return HA_TIMERS;
	return MOBILE_NODE_TIMERS * cfg->limit.clients +
	       (cfg->ha.multicast ? cfg->limit.clients + cfg->limit.memberships : 0) + HA_TIMERS;
}

void ha_init(struct bub_engine *eng)
{
	core_ha(eng)->cfg = core_config(eng)->ha;
	held_init(eng);
	switch_init(eng);
}
