/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Safety.  After each event of each node its bindings are compared with what they were and with
 * what the simulator knows and the node cannot: where everybody really is, and who holds which key.
 *
 *   binding    no binding for a care-of address that the owner of the home address never had
 *   data       no data accepted from, or sent to, an address without a binding
 *   bombing    no more data than the credit to a care-of address that never answered
 *   hole       no data of a node at home into a network that drops its headers
 *   kabm       a binding under Kabm only with a key that both ends have agreed on
 *   sequence   numbers accepted never go backwards within a binding's life
 *   downgrade  no binding under Kbm while a live Kabm is in use
 *   handover   a movement in BUB mode costs one update a path and one answer, if nothing was lost
 *   rate       never more than MAX_UPDATE_RATE updates a second to one node (RFC 6275, 12)
 *   stateless  test messages from strangers change no table (RFC 6275, 5.2.3 and 9.4)
 */
#include <arpa/inet.h>
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "nat.h"
#include "oracle.h"

#define HOLE_NS (3 * BUB_NS_PER_S)      /* data may go into a filter for so long after a movement */
#define REPLAY_NS (200 * BUB_NS_PER_S)  /* a deleted binding stands against replay */
#define LEFT_NS (120 * BUB_NS_PER_S)    /* the other end learns that a Kabm is gone */
#define HANDOVER_NS (8 * BUB_NS_PER_S)  /* how long a movement is watched */
#define REFRESHED_S 32                  /* what lives shorter may be refreshed meanwhile */
#define QUIET_NS (3 * BUB_NS_PER_S)     /* and how quiet it has to be before */
#define TRIP_MAX_US 200000              /* no acknowledgement is waited for shorter than that */
#define SECOND_NS (980 * BUB_NS_PER_MS) /* a second on the fastest clock */
#define LIFETIME_SLACK_S 4              /* lifetimes are told in units of so much, clocks differ */
#define KEYS 3                          /* Kabms remembered of each node and peer */
#define AGENT_CLIENTS_MAX 64            /* home agents with more are not looked through */

/* What a node knows of a peer, as of the last look. */
struct watch {
	struct bub_peer_status seen; /* mode, sequence numbers, care-of addresses */
	bool bound;                  /* the peer has a binding here */
	bool looked;                 /* the engine knew it at the last look */
	struct in6_addr before;      /* care-of address that was bound before */
	uint64_t before_until_ns;
	uint8_t cookie[BUB_COOKIE_LEN]; /* that an acknowledgement took to it last */
	bool answered;                  /* the peer has shown that it is at the care-of address */
	uint32_t credit;                /* octets that may go there until it has */
	bool has_last;
	uint16_t last_sequence;  /* of a binding that was deleted */
	uint16_t heard_sequence; /* of the update that came last, in which event */
	uint64_t heard_event;
	uint64_t deleted_ns, bound_ns; /* bound_ns: at its care-of address since then */
	uint8_t key[KEYS][32];         /* Kabms agreed here, newest first */
	uint8_t key_len[KEYS];
	bool fresh_kabm;  /* of a new session, not used yet */
	uint64_t left_ns; /* when a Kabm was dropped; 0: never */
	/* Handover of this node towards the peer. */
	bool armed;
	unsigned n_direct, n_backhaul, n_answers;
	uint64_t bu_ns[4]; /* when the last Binding Updates with new numbers went out */
	uint16_t bu_last;
	unsigned bu_next;
};

static struct sim_node *sim_of(struct sim *s, const struct node *n)
{
	return &s->node[n->index];
}

/* What @n knows under the address @local of @peer.  A mobile node may be somebody's correspondent
 * under its care-of address too, so one peer can be there twice. */
static struct watch *watch_of(struct sim_node *n, const struct in6_addr *local,
			      const struct in6_addr *peer)
{
	struct watch *w;

	for (unsigned i = 0; i < n->n_watches; i++)
		if (bub_addr_eq(&n->watch[i].seen.peer, peer) &&
		    bub_addr_eq(&n->watch[i].seen.local, local))
			return &n->watch[i];
	if ((n->n_watches & (n->n_watches - 1)) == 0) {
		size_t cap = n->n_watches == 0 ? 1 : 2 * (size_t)n->n_watches;

		n->watch = realloc(n->watch, cap * sizeof *n->watch);
		assert(n->watch != NULL);
	}
	w = &n->watch[n->n_watches++];
	memset(w, 0, sizeof *w);
	w->seen.local = *local;
	w->seen.peer = *peer;
	return w;
}

/* What @n knows of @peer under their home addresses. */
static struct watch *watch_between(struct sim_node *n, const struct sim_node *peer)
{
	return watch_of(n, &n->plan->address, &peer->plan->address);
}

/* ---- Bindings ------------------------------------------------------------------------------ */

static void check_owner(struct sim *s, const struct sim_node *n, const struct in6_addr *home,
			const struct in6_addr *care_of)
{
	const struct sim_node *owner = sim_node_of(s, home);
	const struct in6_addr inside = nat_inside(care_of);
	const struct sim_node *had = addrmap_get(&s->stays, &inside);
	char a[INET6_ADDRSTRLEN], b[INET6_ADDRSTRLEN];

	if (owner == NULL || had != owner)
		sim_fail(s, "binding", "%s has a binding of %s for %s, which is not %s's",
			 n->plan->name, sim_text(home, a), sim_text(care_of, b),
			 owner != NULL ? owner->plan->name : "anybody");
}

static bool share_a_key(const struct watch *a, const struct watch *b)
{
	for (unsigned i = 0; i < KEYS; i++)
		for (unsigned k = 0; k < KEYS; k++)
			if (a->key_len[i] > 0 && a->key_len[i] == b->key_len[k] &&
			    memcmp(a->key[i], b->key[k], a->key_len[i]) == 0)
				return true;
	return false;
}

static void check_kabm(struct sim *s, struct sim_node *n, const struct watch *w)
{
	struct sim_node *peer = sim_node_of(s, &w->seen.peer);
	const struct watch *other;

	if (peer == NULL)
		return; /* check_owner() has said so */
	other = watch_between(peer, n);
	if (!share_a_key(w, other))
		sim_fail(s, "kabm", "%s has a binding of %s under a Kabm that %s never had",
			 n->plan->name, peer->plan->name, peer->plan->name);
	else if (!other->seen.kabm && peer->restarted_ns + LEFT_NS < sim_now(s) &&
		 other->left_ns + LEFT_NS < sim_now(s))
		sim_fail(s, "kabm", "%s has a binding of %s under a Kabm, %s has none",
			 n->plan->name, peer->plan->name, peer->plan->name);
}

static void check_sequence(struct sim *s, const struct sim_node *n, const struct watch *w,
			   const struct bub_peer_status *now)
{
	const struct sim_node *owner = sim_node_of(s, &now->peer);
	/* The first number under a new session's Kabm is the start (draft, 7). */
	bool start = now->peer_kabm && w->fresh_kabm;
	uint16_t last = w->bound ? w->seen.sequence_in : w->last_sequence;

	if (start || now->sequence_in == last || bub_seq_greater(now->sequence_in, last))
		return;
	if (!w->bound && (!w->has_last || w->deleted_ns + REPLAY_NS < sim_now(s) ||
			  (owner != NULL && owner->restarted_ns > w->deleted_ns)))
		return;
	sim_fail(s, "sequence", "%s accepted number %u of %s after %u", n->plan->name,
		 now->sequence_in, owner != NULL ? owner->plan->name : "a stranger", last);
}

static void check_accepted(struct sim *s, struct sim_node *n, struct watch *w,
			   const struct bub_peer_status *now)
{
	const struct sim_node *owner = sim_node_of(s, &now->peer);

	check_owner(s, n, &now->peer, &now->peer_care_of);
	check_sequence(s, n, w, now);
	sim_did(s, now->peer_kabm ? DID_BUB : DID_RO);
	if (now->peer_kabm)
		w->fresh_kabm = false;
	if (now->peer_kabm)
		check_kabm(s, n, w);
	else if (w->seen.kabm && w->seen.kabm_heard && now->kabm)
		sim_fail(s, "downgrade",
			 "%s accepted an update of %s under Kbm, with a Kabm in use", n->plan->name,
			 owner != NULL ? owner->plan->name : "a stranger");
}

/* A binding under Kabm has to be vouched for by the care-of address itself (protocol.md, P30). */
static void watch_credit(struct watch *w, const struct bub_peer_status *now, bool moved)
{
	if (!now->peer_kabm)
		w->answered = true; /* by return routability */
	else if (moved)
		w->answered = false;
	if (moved && w->credit < BUB_CREDIT_START)
		w->credit = BUB_CREDIT_START;
}

/* Where nothing else went wrong since the peer came there, it has repeated its Binding Update, and
 * said so in time (protocol.md, P35).  Without the A bit it would miss nothing. */
/* Under Kabm: both have been where they are for longer than it takes to find that out, and yet data
 * goes into the filter. */
static bool is_hole_of_bub(const struct sim *s, const struct sim_node *n, const struct watch *w,
			   const struct sim_node *peer, const struct bub_ip6 *ip)
{
	return w->seen.kabm && ip->has_hao && peer != NULL && n->node->cfg.direct_copy &&
	       peer->node->cfg.direct_copy && w->bound_ns + HOLE_NS < sim_now(s) &&
	       n->moved_ns + HOLE_NS < sim_now(s) && peer->moved_ns + HOLE_NS < sim_now(s);
}

void oracle_filtered(struct sim *s, const struct flight *f, const struct bub_ip6 *ip)
{
	struct sim_node *n = sim_of(s, f->from), *peer = sim_node_of(s, &ip->rh2);
	const struct watch *w = watch_of(n, bub_ip6_home_src(ip), &ip->rh2);
	char a[INET6_ADDRSTRLEN];

	if (ip->upper_proto == 17 && s->plan->n_attackers == 0 && s->n_ends == 0 &&
	    s->troubled_ns == 0 && n->node->cfg.check_care_of &&
	    world_node_at(s->world, &ip->dst) != NULL && is_hole_of_bub(s, n, w, peer, ip))
		sim_fail(s, "hole", "%s sends data to %s with headers that do not get there",
			 n->plan->name, sim_text(&ip->dst, a));
	if (ip->upper_proto != 17 || ip->has_hao || !w->bound || w->seen.kabm ||
	    s->plan->n_attackers > 0 || s->n_ends > 0 || s->troubled_ns >= w->bound_ns ||
	    !n->node->cfg.check_care_of || peer == NULL || peer->moved_ns >= w->bound_ns ||
	    n->moved_ns >= w->bound_ns || !peer->node->cfg.ack_correspondents ||
	    world_node_at(s->world, &ip->dst) != peer->node)
		return;
	sim_fail(s, "hole", "%s sends data to %s, where it has seen none get through",
		 n->plan->name, sim_text(&ip->dst, a));
}

static void compare(struct sim *s, struct sim_node *n, struct watch *w,
		    const struct bub_peer_status *now)
{
	bool bound = !IN6_IS_ADDR_UNSPECIFIED(&now->peer_care_of);
	bool moved = !bub_addr_eq(&now->peer_care_of, &w->seen.peer_care_of);

	if (bound && (!w->bound || moved || now->sequence_in != w->seen.sequence_in ||
		      now->peer_kabm != w->seen.peer_kabm))
		check_accepted(s, n, w, now);
	if (bound)
		watch_credit(w, now, moved);
	if (bound && moved)
		w->bound_ns = sim_now(s);
	if (w->bound && moved) {
		w->before = w->seen.peer_care_of;
		w->before_until_ns = sim_now(s) + BUB_NS_PER_S;
	}
	if (w->bound && !bound) {
		w->has_last = true;
		/* The one that deletes it leaves no other trace. */
		w->last_sequence =
			w->heard_event == s->n_events ? w->heard_sequence : w->seen.sequence_in;
		w->deleted_ns = sim_now(s);
	}
	if (w->seen.kabm && !now->kabm)
		w->left_ns = sim_now(s);
	w->bound = bound;
	w->seen = *now;
}

/* Every peer that the engine knows, then those that it has forgotten. */
static void look(struct sim *s, struct sim_node *n)
{
	struct bub_time now = world_clock(n->node);
	struct bub_peer_status st;

	for (unsigned i = 0; i < n->n_watches; i++)
		n->watch[i].looked = false;
	for (unsigned at = 0; bub_engine_peer_status(n->node->engine, now, &at, &st);) {
		struct watch *w = watch_of(n, &st.local, &st.peer);

		compare(s, n, w, &st);
		w->looked = true;
	}
	for (unsigned i = 0; i < n->n_watches; i++) {
		struct watch *w = &n->watch[i];
		struct bub_peer_status none = {
			.local = w->seen.local,
			.peer = w->seen.peer,
			.why = "",
			.test = "",
		};

		if (!w->looked)
			compare(s, n, w, &none);
	}
}

static void look_at_clients(struct sim *s, struct sim_node *n)
{
	struct bub_client_status st;

	if (n->plan->cfg.limit.clients > AGENT_CLIENTS_MAX)
		return;
	for (unsigned at = 0;
	     bub_engine_client_status(n->node->engine, world_clock(n->node), &at, &st);) {
		struct watch *w = watch_of(n, &n->plan->address, &st.home);

		if (st.registered && w->bound && st.sequence != w->seen.sequence_in &&
		    !bub_seq_greater(st.sequence, w->seen.sequence_in))
			sim_fail(s, "sequence", "%s accepted number %u after %u", n->plan->name,
				 st.sequence, w->seen.sequence_in);
		w->bound = st.registered;
		w->seen.sequence_in = st.sequence;
		if (st.registered)
			check_owner(s, n, &st.home, &st.care_of);
	}
}

/* ---- Test messages ------------------------------------------------------------------------- */

static bool is_test_init(const struct bub_event *ev, struct bub_ip6 *ret_ip)
{
	return ev != NULL && ev->type == BUB_EV_PACKET && ev->u.packet.ingress != BUB_INGRESS_TUN &&
	       world_decode(ev->u.packet.data, ret_ip) && ret_ip->upper_proto == BUB_NH_MH &&
	       ret_ip->upper.len > 2 &&
	       (ret_ip->upper.data[2] == 1 || ret_ip->upper.data[2] == 2); /* HoTI, CoTI */
}

/* Nothing is known of the sender: neither under its address nor under the one that a mobile node
 * identifier option names. */
static bool is_stranger(const struct sim_node *n, const struct bub_ip6 *ip)
{
	struct bub_mh mh;
	struct bub_mh_fault fault;
	bool named = bub_mh_decode(ip, &n->node->cfg.codepoints, &mh, &fault) == 0 &&
		     (mh.opts.present & BUB_OPT_MN_ID) != 0;

	for (unsigned i = 0; i < n->n_watches; i++) {
		const struct watch *w = &n->watch[i];

		if (w->looked && (bub_addr_eq(&w->seen.peer, &ip->src) ||
				  (named && bub_addr_eq(&w->seen.peer, &mh.opts.mn_id))))
			return false;
	}
	return true;
}

/* A signed Care-of Test of whoever is bound here, or, where an attacker has changed its source, one
 * with what was sent to the care-of address and nowhere else. */
static void note_answer(struct sim *s, struct sim_node *n, const struct bub_event *ev)
{
	struct bub_mh_fault fault;
	struct bub_ip6 ip;
	struct bub_mh mh;

	if (ev == NULL || ev->type != BUB_EV_PACKET || ev->u.packet.ingress == BUB_INGRESS_TUN ||
	    !world_decode(ev->u.packet.data, &ip) || ip.upper_proto != BUB_NH_MH ||
	    bub_mh_decode(&ip, &n->node->cfg.codepoints, &mh, &fault) != 0 ||
	    mh.kind != BUB_MH_COT || !(mh.opts.present & BUB_OPT_AUTH))
		return;
	for (unsigned i = 0; i < n->n_watches; i++)
		if (addrmap_get(&s->stays, &ip.src) == sim_node_of(s, &n->watch[i].seen.peer) ||
		    memcmp(mh.u.test.cookie, n->watch[i].cookie, BUB_COOKIE_LEN) == 0)
			n->watch[i].answered = true;
}

void oracle_before(void *ctx, struct node *n, const struct bub_event *ev)
{
	struct sim *s = ctx;
	struct bub_ip6 ip;

	s->n_events++;
	note_answer(s, sim_of(s, n), ev);

	s->test_init = is_test_init(ev, &ip);
	if (!s->test_init)
		return;
	s->stranger = is_stranger(sim_of(s, n), &ip);
	bub_engine_table_use(n->engine, &s->use);
}

static void check_stateless(struct sim *s, const struct sim_node *n)
{
	struct bub_table_use use;

	bub_engine_table_use(n->node->engine, &use);
	if (use.bindings != s->use.bindings || use.clients != s->use.clients ||
	    (s->stranger && use.peers != s->use.peers))
		sim_fail(s, "stateless",
			 "%s keeps state for a test message (%u bindings, %u peers)", n->plan->name,
			 use.bindings, use.peers);
}

void oracle_after(void *ctx, struct node *n, const struct bub_event *ev)
{
	struct sim *s = ctx;
	struct sim_node *sn = sim_of(s, n);

	if (s->test_init)
		check_stateless(s, sn);
	if (sn->plan->role != ROLE_AGENT)
		look(s, sn);
	else if (ev == NULL || ev->type != BUB_EV_PACKET ||
		 ev->u.packet.ingress == BUB_INGRESS_ESP_TRANSPORT)
		look_at_clients(s, sn);
}

/* ---- Actions and packets ------------------------------------------------------------------- */

void oracle_action(void *ctx, struct node *n, const struct bub_action *act)
{
	struct sim *s = ctx;
	struct sim_node *sn = sim_of(s, n);

	if (act->type == BUB_ACT_TUNNEL_SET && sn->plan->role == ROLE_MOBILE &&
	    IN6_IS_ADDR_V4MAPPED(&act->u.tunnel.local_outer))
		sim_did(s, act->u.tunnel.keep_alive_s > 0 ? DID_NAT : DID_IPV4);
	if (act->type == BUB_ACT_TUNNEL_SET && sn->plan->role == ROLE_AGENT)
		check_owner(s, sn, &act->u.tunnel.home, &act->u.tunnel.remote_outer);
	if (act->type == BUB_ACT_PATH_SET && !IN6_IS_ADDR_UNSPECIFIED(&act->u.path.in_care_of))
		check_owner(s, sn, &act->u.path.peer, &act->u.path.in_care_of);
	if (act->type == BUB_ACT_HOME_AGENT) {
		sim_did(s, IN6_IS_ADDR_UNSPECIFIED(&sn->agent) ||
					   bub_addr_eq(&sn->agent, &act->u.agent.home_agent)
				   ? DID_FOUND_AGENT
				   : DID_OTHER_AGENT);
		sn->agent = act->u.agent.home_agent;
	}
}

static uint32_t worth(const struct bub_ip6 *ip)
{
	return (uint32_t)(BUB_IP6_HDR_LEN + ip->upper.len);
}

static void check_credit(struct sim *s, const struct sim_node *n, struct watch *w,
			 const struct bub_ip6 *ip)
{
	char a[INET6_ADDRSTRLEN];

	if (!ip->has_rh2 || w->answered || !n->node->cfg.check_care_of)
		return;
	if (worth(ip) > w->credit)
		sim_fail(s, "bombing", "%s sends more to %s than it may without an answer",
			 n->plan->name, sim_text(&ip->dst, a));
	else
		w->credit -= worth(ip);
}

static void check_out(struct sim *s, struct sim_node *n, const struct bub_ip6 *ip)
{
	const struct in6_addr *peer = bub_ip6_home_dst(ip);
	struct watch *w = watch_of(n, bub_ip6_home_src(ip), peer);
	char a[INET6_ADDRSTRLEN];

	check_credit(s, n, w, ip);

	if (ip->has_rh2 && (!w->bound || !bub_addr_eq(&w->seen.peer_care_of, &ip->dst)))
		sim_fail(s, "data", "%s sends data to %s, for which it has no binding",
			 n->plan->name, sim_text(&ip->dst, a));
	/* A kernel is told late that a link has gone. */
	if (ip->has_hao && ((n->mobile == NULL && world_node_at(s->world, &ip->src) != n->node) ||
			    !bub_addr_eq(&w->seen.local_care_of, &ip->src)))
		sim_fail(s, "data", "%s sends data from %s, which the peer did not acknowledge",
			 n->plan->name, sim_text(&ip->src, a));
}

/* A copy through the home agents may wait for its way, with the octets of the other one. */
static void check_lifetime(struct sim *s, const struct sim_node *n, const struct bub_ip6 *ip)
{
	const struct bub_codepoints *cp = &n->node->cfg.codepoints;
	struct bub_mh_fault fault;
	struct bub_mh mh;

	for (unsigned i = 0; i < WORLD_INTERFACES && n->mobile == NULL; i++) {
		const struct world_iface *f = &n->node->iface[i];
		uint64_t left_s;

		if (f->place == NULL || f->valid_until_ns == 0 ||
		    !bub_addr_eq(&f->address, &ip->src) ||
		    bub_mh_decode(ip, cp, &mh, &fault) != 0 || mh.kind != BUB_MH_BU)
			continue;
		left_s = (f->valid_until_ns - sim_now(s)) / BUB_NS_PER_S;
		if (mh.u.bu.lifetime_s > left_s + LIFETIME_SLACK_S)
			sim_fail(s, "lifetime", "%s asks for %u s with an address valid for %llu s",
				 n->plan->name, mh.u.bu.lifetime_s, (unsigned long long)left_s);
		if (mh.u.bu.lifetime_s + LIFETIME_SLACK_S > left_s)
			sim_did(s, DID_SHORT_LIVED);
	}
}

/* What an acknowledgement takes to a care-of address, to be sent back. */
static void note_cookie(struct sim_node *n, const struct bub_ip6 *ip)
{
	struct bub_mh_fault fault;
	struct bub_mh mh;

	if (bub_mh_decode(ip, &n->node->cfg.codepoints, &mh, &fault) == 0 &&
	    (mh.opts.present & BUB_OPT_PATH_COOKIE) != 0)
		memcpy(watch_of(n, bub_ip6_home_src(ip), bub_ip6_home_dst(ip))->cookie,
		       mh.opts.path_cookie, BUB_COOKIE_LEN);
}

void oracle_flight(struct sim *s, const struct flight *f)
{
	struct sim_node *n = sim_of(s, f->from);
	struct bub_ip6 ip;

	if (s->opt->no_oracles)
		return;
	if (f->egress == BUB_EGRESS_TUNNEL && n->plan->role == ROLE_AGENT)
		check_owner(s, n, &f->owner, &f->dst);
	if (f->egress == BUB_EGRESS_TUNNEL || n->plan->role == ROLE_AGENT ||
	    !world_decode((struct bub_view){f->octets, f->len}, &ip))
		return;
	if (ip.upper_proto == BUB_NH_MH)
		note_cookie(n, &ip);
	if (ip.upper_proto == BUB_NH_MH && ip.has_hao)
		check_lifetime(s, n, &ip);
	if (f->egress == BUB_EGRESS_TRANSPORT) {
		if (ip.upper_proto == BUB_NH_ICMPV6 && n->asked_ns == 0)
			n->asked_ns = sim_now(s);
		return;
	}
	if (ip.upper_proto == 17 && (ip.has_rh2 || ip.has_hao))
		check_out(s, n, &ip);
}

void oracle_data(struct sim *s, struct node *n, const struct bub_ip6 *ip, bool direct)
{
	struct sim_node *sn = sim_of(s, n);
	const struct in6_addr *to = bub_ip6_home_dst(ip);
	struct watch *w;
	char a[INET6_ADDRSTRLEN];

	if (!bub_addr_eq(to, &sn->plan->address) && !bub_addr_eq(to, &n->address)) {
		sim_fail(s, "data", "%s was given data for %s", sn->plan->name, sim_text(to, a));
		return;
	}
	if (!direct || !ip->has_hao)
		return;
	w = watch_of(sn, to, &ip->hao);
	w->credit = w->credit + worth(ip) < BUB_CREDIT_MAX ? w->credit + worth(ip) : BUB_CREDIT_MAX;
	if ((w->bound && bub_addr_eq(&w->seen.peer_care_of, &ip->src)) ||
	    (bub_addr_eq(&w->before, &ip->src) && sim_now(s) <= w->before_until_ns))
		return;
	sim_fail(s, "data", "%s accepted data from %s without a binding", sn->plan->name,
		 sim_text(&ip->src, a));
}

/* ---- Messages of a handover ---------------------------------------------------------------- */

static uint64_t trip_us(const struct sim *s, const struct sim_node *n, const struct plan_place *at)
{
	const struct plan_place *home = &s->plan->place[n->plan->home];

	return 2 * ((uint64_t)at->delay_us + at->jitter_us) +
	       2 * ((uint64_t)home->delay_us + home->jitter_us);
}

static bool is_in_bub(const struct watch *w)
{
	return w->seen.mode == BUB_MODE_BUB && w->seen.kabm_heard;
}

static bool is_quiet(const struct sim *s, const struct sim_node *n)
{
	uint64_t now_ns = sim_now(s);

	return n->node->place != NULL && n->moved_ns + QUIET_NS < now_ns && !n->node->down;
}

/* No update of its own accord was sent just before, whose copies may still be on their way. */
static bool is_settled(const struct sim *s, const struct watch *w)
{
	return w->bu_ns[(w->bu_next + 3) % 4] + QUIET_NS < sim_now(s);
}

/* What the update will ask for is what the peer has: it cannot tell it from a repetition, which is
 * answered on both paths. */
static bool is_no_news(const struct sim_node *n, const struct in6_addr *care_of, uint32_t where,
		       const struct watch *other)
{
	if (where == n->plan->home)
		return !other->bound;
	return bub_addr_eq(care_of, &other->seen.peer_care_of);
}

void oracle_left(struct sim_node *n)
{
	for (unsigned i = 0; i < n->n_watches; i++)
		n->watch[i].armed = false;
}

/* A binding of @n for an address there has to be refreshed while the movement is watched. */
static bool is_short_lived(const struct sim_node *n, const struct plan_place *at)
{
	const struct bub_config *c = &n->plan->cfg;

	return (at->valid_s != 0 && at->valid_s < REFRESHED_S) || c->bub_lifetime_s < REFRESHED_S ||
	       c->home[0].lifetime_s < REFRESHED_S;
}

void oracle_moved(struct sim *s, struct sim_node *n, const struct in6_addr *care_of, uint32_t where)
{
	bool quiet = n->moved_ns + QUIET_NS < sim_now(s) && !n->node->down &&
		     s->disturbed_ns + QUIET_NS < sim_now(s) && s->n_ends == 0;
	bool was_here = n->moved_ns != 0;

	n->moved_ns = sim_now(s);
	for (unsigned i = 0; i < n->n_watches; i++) {
		struct watch *w = &n->watch[i], *other;
		struct sim_node *peer = sim_node_of(s, &w->seen.peer);

		w->armed = false;
		if (peer == NULL || !bub_addr_eq(&w->seen.local, &n->plan->address) ||
		    IN6_IS_ADDR_V4MAPPED(care_of)) /* it is as if the node went home */
			continue;
		other = watch_between(peer, n);
		other->armed = false;
		if (!quiet || !was_here || !is_quiet(s, peer) || !is_in_bub(w) ||
		    !is_settled(s, w) || !is_in_bub(other) ||
		    is_no_news(n, care_of, where, other) ||
		    is_short_lived(n, &s->plan->place[where]) ||
		    /* The one misses what the other one never sends, and says so. */
		    n->plan->cfg.direct_copy != peer->plan->cfg.direct_copy ||
		    trip_us(s, n, &s->plan->place[where]) +
				    trip_us(s, peer, sim_place_of(s, &peer->node->place->prefix)) >
			    TRIP_MAX_US)
			continue;
		w->armed = true;
		w->n_direct = w->n_backhaul = w->n_answers = 0;
		s->result->watched_handovers++;
	}
}

static void oracle_count(struct sim *s, const struct sim_node *mover, struct watch *w, unsigned *n,
			 const char *what)
{
	if (!w->armed)
		return;
	if (s->disturbed_ns >= mover->moved_ns || mover->moved_ns + HANDOVER_NS < sim_now(s)) {
		w->armed = false;
		return;
	}
	if (++*n > 1)
		sim_fail(s, "handover", "%s: a second %s for one movement, and nothing was lost",
			 mover->plan->name, what);
}

/* Distinct numbers within a second: the same one on two paths is one update. */
static void check_rate(struct sim *s, const struct sim_node *n, struct watch *w, uint16_t sequence)
{
	uint64_t now_ns = sim_now(s), *slot;

	if (w->bu_ns[(w->bu_next + 3) % 4] != 0 && sequence == w->bu_last)
		return;
	w->bu_last = sequence;
	slot = &w->bu_ns[w->bu_next];
	w->bu_next = (w->bu_next + 1) % 4;
	*slot = now_ns;
	/* The oldest of four. */
	if (w->bu_ns[w->bu_next] != 0 && w->bu_ns[w->bu_next] + SECOND_NS > now_ns)
		sim_fail(s, "rate", "%s sent four Binding Updates in a second", n->plan->name);
}

static void on_sent(struct sim *s, struct sim_node *n, const struct bub_trace *tr)
{
	struct sim_node *mover;
	struct watch *w;

	if (strcmp(tr->what, bub_mh_kind_name(BUB_MH_BRR)) == 0)
		sim_did(s, DID_BRR);
	if (strcmp(tr->what, bub_mh_kind_name(BUB_MH_BE)) == 0)
		sim_did(s, DID_BE);
	if (strcmp(tr->what, bub_mh_kind_name(BUB_MH_BU)) == 0 &&
	    strcmp(tr->via, "home agent") != 0) {
		w = watch_of(n, &tr->local, &tr->peer);
		check_rate(s, n, w, (uint16_t)tr->number);
		if (strcmp(tr->via, "direct") == 0)
			oracle_count(s, n, w, &w->n_direct, "update on the direct path");
		else
			oracle_count(s, n, w, &w->n_backhaul, "update through the home agents");
	} else if (strcmp(tr->what, bub_mh_kind_name(BUB_MH_BA)) == 0 &&
		   n->plan->role != ROLE_AGENT) {
		mover = sim_node_of(s, &tr->peer);
		if (mover == NULL)
			return;
		w = watch_between(mover, n);
		oracle_count(s, mover, w, &w->n_answers, "acknowledgement");
	}
}

static void on_key(struct sim_node *n, const struct bub_trace *tr)
{
	struct watch *w;

	if (strcmp(tr->what, "Kabm") != 0 || tr->secret.len > sizeof w->key[0])
		return;
	w = watch_of(n, &tr->local, &tr->peer);
	memmove(w->key[1], w->key[0], sizeof w->key - sizeof w->key[0]);
	memmove(w->key_len + 1, w->key_len, sizeof w->key_len - sizeof w->key_len[0]);
	memcpy(w->key[0], tr->secret.data, tr->secret.len);
	w->key_len[0] = (uint8_t)tr->secret.len;
	w->fresh_kabm = !w->seen.kabm; /* else it renews the one there is */
}

static void on_heard(const struct sim *s, struct sim_node *n, const struct bub_trace *tr)
{
	struct watch *w;

	if (n->plan->role == ROLE_AGENT || strcmp(tr->what, bub_mh_kind_name(BUB_MH_BU)) != 0)
		return;
	w = watch_of(n, &tr->local, &tr->peer);
	w->heard_sequence = (uint16_t)tr->number;
	w->heard_event = s->n_events;
}

void oracle_trace(struct sim *s, struct sim_node *n, const struct bub_trace *tr)
{
	switch (tr->type) {
	case BUB_TR_SENT:
		on_sent(s, n, tr);
		return;
	case BUB_TR_KEY:
		on_key(n, tr);
		/* A new key asks for an update of its own; a responder's Kbm does not. */
		if (strcmp(tr->what, "Kbm-responder") != 0)
			s->disturbed_ns = sim_now(s);
		return;
	case BUB_TR_STATE:
		if (strcmp(tr->machine, "home-prefix") == 0) {
			sim_did(s, DID_PREFIXES);
			n->asked_ns = 0;
			/* What was to last longer than the home address is asked for anew
			 * (RFC 6275, 11.4.3). */
			oracle_left(n);
		}
		if (strcmp(tr->machine, "home-binding") == 0 && strcmp(tr->from, tr->to) == 0)
			sim_did(s, DID_NAT_FOLLOWED);
		if (strcmp(tr->machine, "mode") == 0) /* a session ends or begins, with updates */
			s->disturbed_ns = sim_now(s);
		return;
	case BUB_TR_RECEIVED:
		on_heard(s, n, tr);
		return;
	case BUB_TR_DROP:
		/* By its configuration: what was in it is repeated, as if it had got lost. */
		if (tr->drop == BUB_DROP_WRAPPER_REFUSED)
			s->disturbed_ns = sim_now(s);
		return;
	case BUB_TR_TROUBLE:
		return;
	}
}

/* Its bindings are gone.  The keys stay known: what it signed before may still be on its way. */
void oracle_restarted(struct sim *s, struct sim_node *n)
{
	n->restarted_ns = sim_now(s);
	n->asked_ns = 0;
	for (unsigned i = 0; i < n->n_watches; i++) {
		struct watch *w = &n->watch[i], old = *w;

		memset(w, 0, sizeof *w);
		w->seen.local = old.seen.local;
		w->seen.peer = old.seen.peer;
		memcpy(w->key, old.key, sizeof w->key);
		memcpy(w->key_len, old.key_len, sizeof w->key_len);
	}
}

void oracle_done(struct sim *s)
{
	for (unsigned i = 0; i < s->plan->n_nodes; i++)
		free(s->node[i].watch);
}
