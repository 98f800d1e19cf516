/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The engine: one allocation for a node's state, events to the roles, actions out, timers.
 *
 * What belongs to a role is in its folder (mn, bul, cn, ha, icmp); this file only dispatches,
 * queues and counts.
 */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "bul/peer.h"
#include "cn/binding.h"
#include "engine_state.h"
#include "ha/multicast.h"
#include "ha/stable.h"
#include "icmp/icmp.h"
#include "mn/keepalive.h"

void bub_config_init(struct bub_config *cfg)
{
	*cfg = (struct bub_config){
		.codepoints = BUB_CODEPOINTS_DEFAULT,
		.limit = {.bindings = 1024,
			  .peers = 256,
			  .clients = 0,
			  .policies = 64,
			  .memberships = 256},
		.direct_copy = true,
		.eager_bub = true,
		.ack_correspondents = true,
		.prefix_discovery = true,
		.refresh_unused = true,
		.accept_brr = true,
		.send_brr = true,
		.check_care_of = true,
		.kabm_lifetime_s = 86400,
		.static_after_s = 420,
		.bub_lifetime_s = 3600,
		.suite = {BUB_SUITE_SHA256_X25519, BUB_SUITE_SHA1_MODP2048},
		.n_suites = 2,
		.ha = {.lifetime_max_s = 3600,
		       .prefix_adverts = true,
		       .prefix_advert_min_s = 600,
		       .prefix_advert_max_s = 86400},
	};
	for (unsigned i = 0; i < BUB_HOMES_MAX; i++) {
		cfg->home[i].lifetime_s = 3600;
		cfg->home[i].first_timeout_ms = INITIAL_BINDACK_TIMEOUT_FIRST_REG_MS;
		cfg->home[i].prefix_len = 64;
		cfg->home[i].alternate_care_of = true;
	}
	for (unsigned i = 0; i < BUB_HA_PREFIXES_MAX; i++) {
		cfg->ha.prefix[i].valid_s = 2592000;    /* RFC 4861's AdvValidLifetime */
		cfg->ha.prefix[i].preferred_s = 604800; /* and AdvPreferredLifetime */
	}
}

static bool config_is_valid(const struct bub_config *cfg)
{
	const struct bub_codepoints *cp = &cfg->codepoints;

	/* Types 0 to 7 are RFC 6275's own. */
	if (cp->mh_bubc < 8 || cp->mh_dh < 8 || cp->mh_bubc == cp->mh_dh || cp->opt_bub < 6 ||
	    cp->opt_path_cookie < 6 || cp->opt_path_cookie == cp->opt_bub)
		return false;
	if (cfg->n_homes > BUB_HOMES_MAX || cfg->n_suites > BUB_SUITES_MAX)
		return false;
	for (unsigned i = 0; i < cfg->n_suites; i++)
		if (bub_suite_public_len(cfg->suite[i]) == 0)
			return false;
	for (unsigned i = 0; i < cfg->n_homes; i++)
		if (!bub_addr_is_routable(&cfg->home[i].address) ||
		    (!IN6_IS_ADDR_UNSPECIFIED(&cfg->home[i].home_agent) &&
		     !bub_addr_is_routable(&cfg->home[i].home_agent)) ||
		    cfg->home[i].lifetime_s < 4 || cfg->home[i].first_timeout_ms == 0)
			return false;
	if (cfg->ha.enabled &&
	    (cfg->ha.n_prefixes == 0 || cfg->ha.n_prefixes > BUB_HA_PREFIXES_MAX ||
	     !bub_addr_is_routable(&cfg->ha.address)))
		return false;
	return cfg->limit.bindings > 0 && (cfg->n_homes == 0 || cfg->limit.peers > 0);
}

/* Lays the tables out behind the engine; called twice, first to learn the size. */
static void lay_out(struct bub_engine *eng, struct arena *ar, const struct bub_config *cfg,
		    uint64_t seed)
{
	uint32_t peers = cfg->n_homes > 0 ? cfg->limit.peers : 0;
	uint32_t clients = cfg->ha.enabled ? cfg->limit.clients : 0;
	uint32_t members = cfg->ha.enabled && cfg->ha.multicast ? cfg->limit.memberships : 0;
	/* One timer for each binding and each membership, several for the others, and the home
	 * agent's own. */
	uint32_t timers = cfg->limit.bindings + PEER_TIMERS * peers + CLIENT_TIMERS * clients +
			  HOME_TIMERS * BUB_HOMES_MAX + members + 1;

	arena_take(ar, sizeof *eng);
	table_init(&eng->bindings, ar, cfg->limit.bindings, sizeof(struct binding), seed);
	table_init(&eng->peers, ar, peers, sizeof(struct peer), seed);
	table_init(&eng->clients, ar, clients, sizeof(struct client), seed);
	table_init(&eng->policies, ar, cfg->limit.policies, sizeof(struct policy_entry), seed);
	table_init(&eng->memberships, ar, members, sizeof(struct membership), seed);
	table_init(&eng->groups, ar, 2 * members, sizeof(struct group), seed);
	eng->timers = (struct timerq){.cap = timers};
	eng->timers.heap = arena_take(ar, timers * sizeof(struct timer *));
}

int bub_engine_new(const struct bub_config *cfg, const struct bub_env *env, struct bub_time now,
		   struct bub_engine **ret_eng)
{
	struct arena ar = {0};
	struct bub_engine sizing = {0}, *eng;
	uint64_t seed;

	if (!config_is_valid(cfg))
		return BUB_ERR_INVALID;
	lay_out(&sizing, &ar, cfg, 0);
	eng = calloc(1, ar.used);
	if (eng == NULL)
		return BUB_ERR_NO_SPACE;
	eng->crypto = bub_crypto_new();
	if (eng->crypto == NULL) {
		free(eng);
		return BUB_ERR_CRYPTO;
	}
	env->random(env->ctx, (uint8_t *)&seed, sizeof seed);
	ar = (struct arena){.base = (uint8_t *)eng};
	lay_out(eng, &ar, cfg, seed);
	eng->cfg = *cfg;
	eng->env = *env;
	eng->now = now;
	eng->limit.seed = seed;
	nonce_init(eng);
	mn_init(eng);
	ha_init(eng);
	*ret_eng = eng;
	return 0;
}

void bub_engine_free(struct bub_engine *eng)
{
	struct arena ar = {0};
	struct bub_engine sizing = {0};

	if (eng == NULL)
		return;
	bub_crypto_free(eng->crypto);
	lay_out(&sizing, &ar, &eng->cfg, 0);
	bub_wipe(eng, ar.used);
	free(eng);
}

int bub_engine_add_client(struct bub_engine *eng, const struct in6_addr *home)
{
	struct client *c;

	if (!eng->cfg.ha.enabled)
		return BUB_ERR_INVALID;
	if (table_find(&eng->clients, home, &in6addr_any) != NULL)
		return BUB_ERR_EXISTS;
	c = table_add(&eng->clients, home, &in6addr_any);
	if (c == NULL)
		return BUB_ERR_NO_SPACE;
	ha_client_init(eng, c);
	return 0;
}

int bub_engine_restore(struct bub_engine *eng, struct bub_time now, const struct bub_stored *stored)
{
	assert(!bub_time_before(now, eng->now));
	assert(eng->next_action == eng->n_actions && eng->fan.next == NULL);
	eng->now = now;
	eng->n_actions = eng->next_action = 0;
	return stable_restore(eng, stored);
}

int bub_engine_remove_client(struct bub_engine *eng, struct bub_time now,
			     const struct in6_addr *home)
{
	struct client *c = ha_client(eng, home);

	assert(!bub_time_before(now, eng->now));
	assert(eng->next_action == eng->n_actions && eng->fan.next == NULL);
	eng->now = now;
	eng->n_actions = eng->next_action = 0;
	if (c == NULL)
		return BUB_ERR_INVALID;
	ha_remove_client(eng, c);
	return 0;
}

int bub_engine_set_policy(struct bub_engine *eng, const struct bub_peer_policy *policy)
{
	struct policy_entry *e = table_find(&eng->policies, &policy->peer, &in6addr_any);

	if (e == NULL)
		e = table_add(&eng->policies, &policy->peer, &in6addr_any);
	if (e == NULL)
		return BUB_ERR_NO_SPACE;
	e->policy = *policy;
	return 0;
}

/* ---- Services ------------------------------------------------------------------------------ */

static void trace(struct bub_engine *eng, const struct bub_trace *tr)
{
	if (eng->env.trace != NULL)
		eng->env.trace(eng->env.ctx, tr);
}

void core_drop(struct bub_engine *eng, enum bub_drop why, const struct in6_addr *peer)
{
	struct bub_trace tr = {.type = BUB_TR_DROP, .now = eng->now, .drop = why};

	assert(why > BUB_DROP_NONE && why < BUB_DROP_COUNT);
	eng->counters.drop[why]++;
	if (peer != NULL)
		tr.peer = *peer;
	trace(eng, &tr);
}

void core_trace_state(struct bub_engine *eng, const char *machine, const char *from, const char *to,
		      const char *reason, const struct in6_addr *local, const struct in6_addr *peer)
{
	struct bub_trace tr = {
		.type = BUB_TR_STATE,
		.now = eng->now,
		.machine = machine,
		.from = from,
		.to = to,
		.what = reason,
		.local = *local,
		.peer = *peer,
	};

	trace(eng, &tr);
}

void core_trace_key(struct bub_engine *eng, const char *name, const struct in6_addr *local,
		    const struct in6_addr *peer, const uint8_t *octets, size_t len)
{
	struct bub_trace tr = {
		.type = BUB_TR_KEY,
		.now = eng->now,
		.what = name,
		.local = *local,
		.peer = *peer,
		.secret = {octets, len},
	};

	trace(eng, &tr);
}

static const char *message_name(enum bub_mh_kind kind, uint32_t number)
{
	static const char *const dh[] = {"DH", "DH1", "DH2", "DH3", "DH4"};

	return kind == BUB_MH_DH ? dh[number <= 4 ? number : 0] : bub_mh_kind_name(kind);
}

static const char *rx_via(const struct rx *rx)
{
	if (rx->way == BUB_WAY_ESP_TRANSPORT)
		return "home agent";
	return rx->tunnelled ? "home agents" : "direct";
}

void core_trace_received(struct bub_engine *eng, const struct rx *rx, uint32_t number)
{
	struct bub_trace tr = {
		.type = BUB_TR_RECEIVED,
		.now = eng->now,
		.what = message_name(rx->mh.kind, number),
		.via = rx_via(rx),
		.local = rx->local,
		.peer = rx->peer,
		.care_of = rx->ip->src,
		.number = number,
	};

	trace(eng, &tr);
}

void core_random(struct bub_engine *eng, void *buf, size_t len)
{
	eng->env.random(eng->env.ctx, buf, len);
}

struct bub_action *core_action(struct bub_engine *eng, enum bub_action_type type)
{
	struct bub_action *act;

	assert(eng->n_actions < BUB_ACTIONS_MAX);
	act = &eng->action[eng->n_actions++];
	*act = (struct bub_action){.type = type, .id = ++eng->last_id};
	return act;
}

void core_timer(struct bub_engine *eng, struct timer *t, uint64_t ms)
{
	timerq_set(&eng->timers, t, bub_time_add_ms(eng->now, ms));
}

uint64_t core_rate_wait(const struct bub_engine *eng, const struct rate *r)
{
	struct bub_time oldest = r->at[r->next];

	if (oldest.ns != 0 && bub_time_before(eng->now, bub_time_add_ms(oldest, 1000)))
		return 1000 - bub_time_ms_between(oldest, eng->now);
	return 0;
}

void core_rate_note(const struct bub_engine *eng, struct rate *r)
{
	r->at[r->next] = eng->now;
	r->next = (r->next + 1) % MAX_UPDATE_RATE;
}

void core_rate_later(const struct bub_engine *eng, struct rate *r)
{
	r->at[(r->next + MAX_UPDATE_RATE - 1) % MAX_UPDATE_RATE] = eng->now;
}

uint64_t core_rate_take(const struct bub_engine *eng, struct rate *r)
{
	uint64_t wait_ms = core_rate_wait(eng, r);

	if (wait_ms == 0)
		core_rate_note(eng, r);
	return wait_ms;
}

size_t core_build(struct bub_engine *eng, const struct mh_out *out, uint8_t *buf, size_t cap)
{
	struct bub_mh_layout at;
	int err = bub_mh_encode(&out->mh, &eng->cfg.codepoints, buf, cap, &at);

	assert(err == 0); /* the core encodes only what it has itself made up, and has room */
	if (at.auth_at != 0) {
		uint8_t auth[BUB_AUTH_LEN];

		assert(out->key != NULL);
		bub_authenticator(eng->crypto, out->key, &out->auth_care_of,
				  &out->auth_correspondent, buf, at.auth_at, auth);
		memcpy(buf + at.auth_at, auth, sizeof auth);
	}
	if (at.signature_at != 0) {
		uint8_t sig[BUB_AUTH_LEN];

		assert(out->key != NULL && out->bub_cookie != NULL);
		bub_dh_signature(eng->crypto, out->key, buf, at.len, at.signature_at,
				 out->bub_cookie, sig);
		memcpy(buf + at.signature_at, sig, sizeof sig);
	}
	return at.len;
}

static void count_sent(struct bub_engine *eng, enum bub_mh_kind kind, uint32_t number)
{
	eng->counters.sent[kind]++;
	if (kind == BUB_MH_DH && number <= 4)
		eng->counters.dh_sent[number]++;
}

void core_send_built(struct bub_engine *eng, const struct route *r, enum bub_mh_kind kind,
		     uint32_t number, const uint8_t *mh, size_t len)
{
	struct bub_action *act = core_action(eng, BUB_ACT_SEND);
	uint8_t *buf = eng->buffer[eng->n_actions - 1];
	struct bub_ip6_build b = {
		.src = r->src,
		.dst = r->dst,
		.hao = r->has_hao ? &r->hao : NULL,
		.rh2 = r->has_rh2 ? &r->rh2 : NULL,
		.upper_proto = BUB_NH_MH,
		.upper_len = (uint16_t)len,
	};
	struct bub_trace tr = {
		.type = BUB_TR_SENT,
		.now = eng->now,
		.what = message_name(kind, number),
		.via = r->via,
		.local = r->has_hao ? r->hao : r->src,
		.peer = r->has_rh2 ? r->rh2 : r->dst,
		.care_of = r->src,
		.number = number,
	};
	int at = bub_ip6_encode(&b, buf, PACKET_MAX);

	assert(at > 0 && (size_t)at + len <= PACKET_MAX);
	memcpy(buf + at, mh, len);
	bub_mh_finish(buf + at, len, r->has_hao ? &r->hao : &r->src,
		      r->has_rh2 ? &r->rh2 : &r->dst);
	act->u.send.data = (struct bub_view){buf, (size_t)at + len};
	act->u.send.way = r->way;
	act->u.send.owner = r->owner;
	act->u.send.ifindex = r->ifindex;
	count_sent(eng, kind, number);
	trace(eng, &tr);
}

static uint32_t number_of(const struct bub_mh *mh)
{
	switch (mh->kind) {
	case BUB_MH_BU:
		return mh->u.bu.sequence;
	case BUB_MH_BA:
		return mh->u.ba.sequence;
	case BUB_MH_BE:
		return mh->u.be.status;
	case BUB_MH_DH:
		return mh->u.dh.message;
	case BUB_MH_HOT:
	case BUB_MH_COT:
		return mh->u.test.nonce_index;
	case BUB_MH_BRR:
	case BUB_MH_HOTI:
	case BUB_MH_COTI:
	case BUB_MH_BUBC:
		break;
	}
	return 0;
}

void core_send(struct bub_engine *eng, const struct route *r, const struct mh_out *out)
{
	uint8_t mh[DH_MESSAGE_MAX];
	size_t len = core_build(eng, out, mh, sizeof mh);

	core_send_built(eng, r, out->mh.kind, number_of(&out->mh), mh, len);
}

struct route route_plain(const struct in6_addr *src, const struct in6_addr *dst)
{
	return (struct route){.src = *src, .dst = *dst, .way = BUB_WAY_PLAIN, .via = "direct"};
}

bool home_is_away(const struct home *h)
{
	return !IN6_IS_ADDR_UNSPECIFIED(&h->care_of);
}

struct in6_addr core_link_local(const struct in6_addr *a)
{
	struct in6_addr ll = {.s6_addr = {0xfe, 0x80}};

	memcpy(ll.s6_addr + 8, a->s6_addr + 8, 8);
	return ll;
}

struct route route_from_home(const struct home *h, const struct in6_addr *dst)
{
	struct route r = route_plain(&h->cfg.address, dst);

	if (h->state != HOME_AT_HOME && h->state != HOME_DEREGISTERING) {
		r.way = BUB_WAY_ESP_TUNNEL;
		r.owner = h->cfg.address;
		r.via = "home agents";
	}
	return r;
}

struct home *core_home_of(struct bub_engine *eng, const struct in6_addr *a)
{
	for (unsigned i = 0; i < eng->cfg.n_homes; i++)
		if (bub_addr_eq(&eng->home[i].cfg.address, a))
			return &eng->home[i];
	return NULL;
}

void core_policy(const struct bub_engine *eng, const struct in6_addr *peer, enum bub_policy *ret_ro,
		 enum bub_policy *ret_bub)
{
	const struct policy_entry *e = table_find(&eng->policies, peer, &in6addr_any);

	*ret_ro = e != NULL ? e->policy.route_optimisation : eng->cfg.route_optimisation;
	*ret_bub = e != NULL ? e->policy.bub : eng->cfg.bub;
	if (*ret_ro == BUB_POLICY_NEVER) /* BUB rides on return routability */
		*ret_bub = BUB_POLICY_NEVER;
}

struct route core_route_back(struct bub_engine *eng, const struct rx *rx)
{
	struct route r = route_plain(&rx->ip->dst, &rx->ip->src);
	bool off_a_link = rx->way == BUB_WAY_PLAIN || rx->way == BUB_WAY_ESP_TRANSPORT;

	/* RFC 6275, 11.3.1.  What was sent to the care-of address goes back from there, whatever
	 * a routing header behind it says. */
	if (rx->home != NULL && bub_addr_eq(&rx->ip->dst, &rx->home->cfg.address))
		return route_from_home(rx->home, &rx->ip->src);
	/* From a home address on its home link, and back there although the route leads into the
	 * tunnel (RFC 6275, 10.3.2). */
	if (off_a_link && ha_client(eng, &rx->ip->src) != NULL)
		r.ifindex = rx->ifindex;
	return r;
}

bool core_answer(struct bub_engine *eng, enum limit_kind kind, const struct rx *rx,
		 const struct route *r, const struct mh_out *out)
{
	uint8_t mh[DH_MESSAGE_MAX];
	size_t len = core_build(eng, out, mh, sizeof mh);
	size_t octets = BUB_IP6_HDR_LEN + (r->has_hao ? BUB_HAO_HDR_LEN : 0u) +
			(r->has_rh2 ? BUB_RH2_HDR_LEN : 0u) + len;

	if (!limit_allow(eng, kind, &r->dst, rx->ip->packet.len, octets))
		return false;
	core_send_built(eng, r, out->mh.kind, number_of(&out->mh), mh, len);
	return true;
}

static struct mh_out binding_error(uint8_t status, const struct in6_addr *home)
{
	struct mh_out out = {.mh = {.kind = BUB_MH_BE}};

	out.mh.u.be.status = status;
	out.mh.u.be.home = *home;
	return out;
}

void core_send_binding_error(struct bub_engine *eng, const struct route *r, uint8_t status,
			     const struct in6_addr *home)
{
	struct mh_out out = binding_error(status, home);

	core_send(eng, r, &out);
}

/* RFC 6275, 9.3.3, and RFC 4443, 2.4 (e): never to multicast or for it. */
static bool may_complain(const struct rx *rx)
{
	return bub_addr_is_routable(&rx->ip->src) && !IN6_IS_ADDR_MULTICAST(&rx->ip->dst);
}

void core_binding_error(struct bub_engine *eng, const struct rx *rx, uint8_t status)
{
	struct route r = core_route_back(eng, rx);
	struct mh_out out = binding_error(status, rx->ip->has_hao ? &rx->ip->hao : &in6addr_any);

	if (may_complain(rx))
		(void)core_answer(eng, LIMIT_BINDING_ERROR, rx, &r, &out);
}

/* ---- Mobility messages --------------------------------------------------------------------- */

/* RFC 6275, 6.1: only Binding Updates may carry a Home Address option and only Binding
 * Acknowledgements a type 2 routing header; BUB adds both to its own messages (protocol.md, 1.4).
 */
static enum bub_drop check_headers(struct bub_engine *eng, struct rx *rx)
{
	enum bub_mh_kind kind = rx->mh.kind;
	bool own =
		kind == BUB_MH_BU || kind == BUB_MH_BA || kind == BUB_MH_BUBC || kind == BUB_MH_DH;

	if (rx->ip->has_hao && (kind == BUB_MH_HOTI || kind == BUB_MH_COTI))
		return BUB_DROP_TEST_INIT_WITH_HAO;
	if (rx->ip->has_hao && !own)
		return BUB_DROP_HAO_FORBIDDEN;
	if (rx->ip->has_rh2) {
		/* RFC 6275, 6.4: one segment is left; nobody but the mobile node takes it away. */
		if (rx->ip->rh2_segments_left != 1)
			return BUB_DROP_RH2_MALFORMED;
		if (kind != BUB_MH_BA && kind != BUB_MH_BU)
			return BUB_DROP_RH2_FORBIDDEN;
		if (core_home_of(eng, &rx->ip->rh2) == NULL)
			return BUB_DROP_RH2_NOT_MY_HOME;
	}
	if (!bub_addr_is_routable(&rx->ip->src))
		return BUB_DROP_MH_SOURCE_NOT_UNICAST;
	return BUB_DROP_NONE;
}

static void on_ba(struct bub_engine *eng, const struct rx *rx)
{
	struct home *h = core_home_of(eng, &rx->local);
	struct peer *p;

	if (h != NULL && bub_addr_eq(&rx->peer, &h->cfg.home_agent)) {
		mn_on_home_ba(eng, h, rx);
		return;
	}
	p = peer_find(eng, &rx->local, &rx->peer);
	if (p == NULL) {
		core_drop(eng, BUB_DROP_BA_NO_MATCH, &rx->peer);
		return;
	}
	peer_on_ba(eng, p, rx);
}

static void dispatch_mh(struct bub_engine *eng, const struct rx *rx, const struct bub_event *ev)
{
	switch (rx->mh.kind) {
	case BUB_MH_BRR:
		peer_on_brr(eng, rx);
		return;
	case BUB_MH_HOTI:
	case BUB_MH_COTI:
		cn_on_test_init(eng, rx);
		return;
	case BUB_MH_HOT:
		if (!keepalive_on_hot(eng, rx))
			rr_on_hot(eng, rx);
		return;
	case BUB_MH_COT:
		rr_on_cot(eng, rx);
		return;
	case BUB_MH_BU:
		if (rx->mh.u.bu.flags & BUB_BU_HOME)
			ha_on_home_bu(eng, rx, ev);
		else
			cn_on_bu(eng, rx);
		return;
	case BUB_MH_BA:
		on_ba(eng, rx);
		return;
	case BUB_MH_BE:
		peer_on_be(eng, rx);
		return;
	case BUB_MH_BUBC:
		bubtest_on_bubc(eng, rx);
		return;
	case BUB_MH_DH:
		dh_on_message(eng, rx);
		return;
	}
}

/* RFC 4443, 2.4 (c): what an error quotes, at most. */
#define ICMP6_QUOTED_MAX (BUB_MIN_MTU - BUB_IP6_HDR_LEN - 8)

/* RFC 6275, 9.2: an ICMPv6 Parameter Problem, code 0, that points at the octet at fault. */
static void param_problem(struct bub_engine *eng, const struct rx *rx, uint16_t pointer)
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
	struct route r = core_route_back(eng, rx);
	size_t quoted = icmp.quoted.len < ICMP6_QUOTED_MAX ? icmp.quoted.len : ICMP6_QUOTED_MAX;
	struct bub_action *act;
	uint8_t *buf;
	int len;

	/* RFC 4443, 2.4 (f). */
	if (!may_complain(rx) || !limit_allow(eng, LIMIT_ICMP_ERROR, &b.dst, rx->ip->packet.len,
					      BUB_IP6_HDR_LEN + 8 + quoted))
		return;
	act = core_action(eng, BUB_ACT_SEND);
	buf = eng->buffer[eng->n_actions - 1];
	len = bub_icmp6_encode(&icmp, &b.src, &b.dst, buf + BUB_IP6_HDR_LEN,
			       BUB_MIN_MTU - BUB_IP6_HDR_LEN);
	assert(len > 0);
	b.upper_len = (uint16_t)len;
	bub_ip6_encode(&b, buf, BUB_IP6_HDR_LEN);
	act->u.send.data = (struct bub_view){buf, BUB_IP6_HDR_LEN + (size_t)len};
	act->u.send.way = r.way;
	act->u.send.owner = r.owner;
	act->u.send.ifindex = r.ifindex;
}

bool core_has_absurd_home(struct bub_engine *eng, const struct bub_ip6 *ip)
{
	if (!ip->has_hao || bub_addr_is_routable(&ip->hao))
		return false;
	core_drop(eng, BUB_DROP_HAO_NOT_UNICAST, &ip->src);
	return true;
}

/* BUBC is one only for the test that waits for it (protocol.md, 3.4): its type is another
 * protocol's too, and is unknown here but for that. */
static struct bub_codepoints codepoints_for(const struct bub_engine *eng, const struct bub_ip6 *ip)
{
	struct bub_codepoints cp = eng->cfg.codepoints;

	if (ip->upper.len > 2 && ip->upper.data[2] == cp.mh_bubc &&
	    !bubtest_awaits_bubc(eng, &ip->src, &ip->dst))
		cp.mh_bubc = 0; /* BRR's, which goes first */
	return cp;
}

void core_input_mh(struct bub_engine *eng, const struct bub_ip6 *ip, const struct bub_event *ev,
		   bool tunnelled)
{
	struct rx rx = {
		.ip = ip, .way = ev->u.packet.way, .ifindex = ev->ifindex, .tunnelled = tunnelled};
	struct bub_codepoints cp = codepoints_for(eng, ip);
	struct bub_mh_fault fault;
	enum bub_drop why;

	if (core_has_absurd_home(eng, ip))
		return;
	rx.local = *bub_ip6_home_dst(ip);
	rx.peer = *bub_ip6_home_src(ip);
	rx.home = core_home_of(eng, &rx.local);
	if (bub_mh_decode(ip, &cp, &rx.mh, &fault) != 0) {
		if (fault.why == BUB_DROP_MH_UNKNOWN_TYPE &&
		    ip->upper.data[2] == eng->cfg.codepoints.mh_bubc)
			fault.why = BUB_DROP_BUBC_NO_TEST;
		core_drop(eng, fault.why, &rx.peer);
		if (fault.binding_error)
			core_binding_error(eng, &rx, BUB_BE_UNKNOWN_MH);
		else if (fault.param_problem)
			param_problem(eng, &rx, fault.pointer);
		return;
	}
	if (rx.mh.opts.bub_skipped != BUB_DROP_NONE) /* the option only; the message goes on */
		core_drop(eng, rx.mh.opts.bub_skipped, &rx.peer);
	why = check_headers(eng, &rx);
	if (why != BUB_DROP_NONE) {
		core_drop(eng, why, &rx.peer);
		return;
	}
	eng->counters.received[rx.mh.kind]++;
	if (rx.mh.kind == BUB_MH_DH && rx.mh.u.dh.message <= 4)
		eng->counters.dh_received[rx.mh.u.dh.message]++;
	core_trace_received(eng, &rx, number_of(&rx.mh));
	dispatch_mh(eng, &rx, ev);
}

/* Whether a binding allows the Home Address option of @ip (RFC 6275, 9.3.1). */
static bool is_covered(struct bub_engine *eng, const struct bub_ip6 *ip, bool is_discovery)
{
	const struct in6_addr *local = bub_ip6_home_dst(ip);
	const struct binding *b = binding_active(eng, local, &ip->hao);

	if (b != NULL && bub_addr_eq(&b->care_of, &ip->src))
		return true;
	/* What concerns the home link goes between a mobile node and its home agent directly
	 * (RFC 6275, 6.7), other data only where that is wanted. */
	return is_discovery ? ha_registered(eng, local, &ip->hao, &ip->src)
			    : ha_covers(eng, local, &ip->hao, &ip->src);
}

/* A packet with a Home Address option that no binding covers; data got this far only because the
 * data path refused it (RFC 6275, 9.3.1). */
static void on_uncovered(struct bub_engine *eng, const struct bub_ip6 *ip,
			 const struct bub_event *ev)
{
	struct rx rx = {.ip = ip, .way = ev->u.packet.way, .ifindex = ev->ifindex};

	rx.local = *bub_ip6_home_dst(ip);
	rx.peer = *bub_ip6_home_src(ip);
	rx.home = core_home_of(eng, &rx.local);
	core_drop(eng, BUB_DROP_HAO_NO_BINDING, &rx.peer);
	if (!icmp_is_error(ip))
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

static void on_plain(struct bub_engine *eng, const struct bub_event *ev)
{
	struct bub_ip6 ip;
	enum bub_drop why = bub_ip6_decode(ev->u.packet.data, &ip);
	bool for_us;

	if (why != BUB_DROP_NONE) {
		core_drop(eng, why, NULL);
		return;
	}
	if (ip.upper_proto == BUB_NH_MH) {
		core_input_mh(eng, &ip, ev, false);
		return;
	}
	for_us = ip.upper_proto == BUB_NH_ICMPV6 && !is_icmp_data(&ip);
	if (core_has_absurd_home(eng, &ip))
		return;
	if (ip.has_hao && !is_covered(eng, &ip, for_us))
		on_uncovered(eng, &ip, ev);
	else if (for_us) /* other data has been bound since: it is lost, the next will pass */
		icmp_input(eng, &ip, ev);
}

static void on_tunnelled(struct bub_engine *eng, const struct bub_event *ev)
{
	struct client *c = ha_client(eng, &ev->u.packet.owner);
	struct home *h = core_home_of(eng, &ev->u.packet.owner);
	struct home *end = core_home_of(eng, &ev->u.packet.outer_dst);

	if (c != NULL)
		ha_from_tunnel(eng, c, ev);
	else if (h != NULL)
		mn_from_tunnel(eng, h, ev);
	else if (end != NULL && ev->u.packet.way == BUB_WAY_IP_TUNNEL)
		mn_refuse_wrapper(eng, ev);
	else
		core_drop(eng, BUB_DROP_TUNNEL_NO_BINDING, &ev->u.packet.outer_src);
}

static void on_tun(struct bub_engine *eng, const struct bub_event *ev)
{
	struct bub_ip6 ip;
	enum bub_drop why;
	struct home *h;

	if (ha_intercept(eng, ev->u.packet.data))
		return;
	why = bub_ip6_decode(ev->u.packet.data, &ip);
	if (why != BUB_DROP_NONE) {
		core_drop(eng, why, NULL);
		return;
	}
	h = core_home_of(eng, &ip.src);
	if (h != NULL)
		mn_to_tunnel(eng, h, &ip, ip.packet);
	else if (eng->cfg.n_homes > 0 && bub_mld_is(&ip))
		multicast_from_kernel(eng, &ip);
}

static void on_packet(struct bub_engine *eng, const struct bub_event *ev)
{
	switch (ev->u.packet.way) {
	case BUB_WAY_PLAIN:
	case BUB_WAY_ESP_TRANSPORT:
		on_plain(eng, ev);
		return;
	case BUB_WAY_ESP_TUNNEL:
	case BUB_WAY_IP_TUNNEL:
		on_tunnelled(eng, ev);
		return;
	case BUB_WAY_TUN:
		on_tun(eng, ev);
		return;
	}
}

static void on_command(struct bub_engine *eng, const struct bub_event *ev)
{
	struct peer *p = NULL;

	for (unsigned i = 0; i < eng->cfg.n_homes && p == NULL; i++)
		p = peer_find(eng, &eng->home[i].cfg.address, &ev->u.command.peer);
	switch (ev->u.command.what) {
	case BUB_CMD_SEND_BINDING_UPDATES:
		mn_refresh(eng);
		return;
	case BUB_CMD_START_BUB:
		if (bub_engine_bub_obstacle(eng, &ev->u.command.peer) == NULL)
			rr_start(eng, p, true);
		return;
	case BUB_CMD_FORGET_PEER:
		if (p != NULL)
			peer_forget(eng, p);
		return;
	}
}

void bub_engine_feed(struct bub_engine *eng, struct bub_time now, const struct bub_event *ev)
{
	struct home *h;

	assert(!bub_time_before(now, eng->now));
	assert(eng->next_action == eng->n_actions && eng->fan.next == NULL);
	eng->now = now;
	eng->n_actions = eng->next_action = 0;
	switch (ev->type) {
	case BUB_EV_PACKET:
		on_packet(eng, ev);
		return;
	case BUB_EV_CARE_OF_NEW:
		mn_care_of_new(eng, ev);
		return;
	case BUB_EV_CARE_OF_CHANGED:
		mn_care_of_changed(eng, ev);
		break;
	case BUB_EV_CARE_OF_GONE:
		mn_care_of_gone(eng, ev);
		return;
	case BUB_EV_LINK_DOWN:
		mn_link_down(eng, ev->ifindex);
		return;
	case BUB_EV_DONE:
		ha_on_dad(eng, ev->u.done.id, ev->u.done.error);
		mn_on_dad(eng, ev->u.done.id, ev->u.done.error);
		return;
	case BUB_EV_STORED:
		stable_on_verdict(eng, ev);
		return;
	case BUB_EV_FLOW:
		h = core_home_of(eng, &ev->u.flow.home);
		if (h != NULL)
			peer_on_flow(eng, h, &ev->u.flow.peer, 0);
		if (h != NULL && ev->u.flow.came)
			suspect_progress(eng, h, &ev->u.flow.peer);
		return;
	case BUB_EV_HOME_PREFIXES:
		prefixes_set(eng, ev);
		return;
	case BUB_EV_COMMAND:
		on_command(eng, ev);
		return;
	}
}

bool bub_engine_next_action(struct bub_engine *eng, struct bub_action *ret_action)
{
	if (eng->next_action == eng->n_actions)
		return multicast_next_action(eng, ret_action);
	*ret_action = eng->action[eng->next_action++];
	return true;
}

struct bub_time bub_engine_deadline(const struct bub_engine *eng)
{
	return timerq_deadline(&eng->timers);
}

void bub_engine_expire(struct bub_engine *eng, struct bub_time now)
{
	struct timer *t;

	assert(!bub_time_before(now, eng->now));
	assert(eng->next_action == eng->n_actions && eng->fan.next == NULL);
	eng->now = now;
	eng->n_actions = eng->next_action = 0;
	t = timerq_take_due(&eng->timers, now);
	if (t != NULL)
		t->fire(eng, t->owner);
}

const struct bub_counters *bub_engine_counters(const struct bub_engine *eng)
{
	return &eng->counters;
}
