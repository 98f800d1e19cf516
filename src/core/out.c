/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Everything that leaves the engine: actions and the messages in them, timers, counters and traces.
 *
 * It knows no role.  What a message says is its role's; here it is encoded, signed, given its
 * headers and queued.
 */
#include <assert.h>
#include <string.h>

#include "core.h"
#include "engine_state.h"

struct bub_time core_now(const struct bub_engine *eng)
{
	return eng->now;
}

const struct bub_config *core_config(const struct bub_engine *eng)
{
	return &eng->cfg;
}

struct bub_crypto *core_crypto(const struct bub_engine *eng)
{
	return eng->crypto;
}

struct bub_counters *core_counters(struct bub_engine *eng)
{
	return &eng->counters;
}

struct limit *core_limit(struct bub_engine *eng)
{
	return &eng->limit;
}

uint8_t *core_scratch(struct bub_engine *eng)
{
	return eng->scratch;
}

struct bub_merged core_merged(const struct bub_engine *eng)
{
	return eng->merged;
}

unsigned core_packets(const struct bub_engine *eng)
{
	return eng->merged.n > 0 ? eng->merged.n : 1;
}

struct policies *core_policies(const struct bub_engine *eng)
{
	return eng->policies;
}

struct mn *core_mn(const struct bub_engine *eng)
{
	return eng->mn;
}

struct bul *core_bul(const struct bub_engine *eng)
{
	return eng->bul;
}

struct cn *core_cn(const struct bub_engine *eng)
{
	return eng->cn;
}

struct ha *core_ha(const struct bub_engine *eng)
{
	return eng->ha;
}

void core_trace(struct bub_engine *eng, const struct bub_trace *tr)
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
	core_trace(eng, &tr);
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

	core_trace(eng, &tr);
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

	core_trace(eng, &tr);
}

static const char *message_name(enum bub_mh_kind kind, uint32_t number)
{
	static const char *const dh[] = {"DH", "DH1", "DH2", "DH3", "DH4"};

	return kind == BUB_MH_DH ? dh[number <= 4 ? number : 0] : bub_mh_kind_name(kind);
}

static const char *rx_via(const struct rx *rx)
{
	if (rx->ingress == BUB_INGRESS_ESP_TRANSPORT)
		return "home agent";
	return rx->tunnelled ? "home agents" : "direct";
}

void core_trace_received(struct bub_engine *eng, const struct rx *rx, uint32_t number)
{
	struct bub_trace tr;

	if (eng->env.trace == NULL)
		return;
	tr = (struct bub_trace){
		.type = BUB_TR_RECEIVED,
		.now = eng->now,
		.what = message_name(rx->mh.kind, number),
		.via = rx_via(rx),
		.local = rx->local,
		.peer = rx->peer,
		.care_of = rx->from,
		.number = number,
	};
	core_trace(eng, &tr);
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

uint8_t *core_buffer(struct bub_engine *eng)
{
	assert(eng->n_actions > 0);
	return eng->buffer[eng->n_actions - 1];
}

uint8_t *core_next_buffer(struct bub_engine *eng)
{
	assert(eng->n_actions < BUB_ACTIONS_MAX);
	return eng->buffer[eng->n_actions];
}

bool core_is_full(const struct bub_engine *eng)
{
	return eng->n_actions + eng->n_marked == BUB_ACTIONS_MAX;
}

void core_mark_path(struct bub_engine *eng, const struct in6_addr *local,
		    const struct in6_addr *peer)
{
	for (unsigned i = 0; i < eng->n_marked; i++)
		if (bub_addr_eq(&eng->marked[i].local, local) &&
		    bub_addr_eq(&eng->marked[i].peer, peer))
			return;
	assert(eng->n_marked < BUB_ACTIONS_MAX);
	eng->marked[eng->n_marked++] = (struct pair){*local, *peer};
}

bool core_take_path(struct bub_engine *eng, struct in6_addr *ret_local, struct in6_addr *ret_peer)
{
	if (eng->next_marked == eng->n_marked) {
		eng->next_marked = eng->n_marked = 0;
		return false;
	}
	*ret_local = eng->marked[eng->next_marked].local;
	*ret_peer = eng->marked[eng->next_marked++].peer;
	return true;
}

void core_timer(struct bub_engine *eng, struct timer *t, uint64_t ms)
{
	timerq_set(&eng->timers, t, bub_time_add_ms(eng->now, ms));
}

void core_timer_at(struct bub_engine *eng, struct timer *t, struct bub_time at)
{
	timerq_set(&eng->timers, t, at);
}

void core_timer_cancel(struct bub_engine *eng, struct timer *t)
{
	timerq_cancel(&eng->timers, t);
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

/* The headers in front of @len octets of @upper_proto; they borrow the addresses of @r. */
static struct bub_ip6_build headers_of(const struct bub_engine *eng, const struct route *r,
				       uint8_t upper_proto, size_t len)
{
	return (struct bub_ip6_build){
		.src = r->src,
		.dst = r->dst,
		.hao = r->has_hao ? &r->hao : NULL,
		.rh2 = r->has_rh2 ? &r->rh2 : NULL,
		.udp_from = eng->cfg.udp_port,
		.udp_to = r->udp_port,
		.upper_proto = upper_proto,
		.upper_len = (uint16_t)len,
	};
}

void core_send_built(struct bub_engine *eng, const struct route *r, enum bub_mh_kind kind,
		     uint32_t number, const uint8_t *mh, size_t len)
{
	struct bub_action *act = core_action(eng, BUB_ACT_SEND);
	uint8_t *buf = core_buffer(eng);
	struct bub_ip6_build b = headers_of(eng, r, BUB_NH_MH, len);
	struct bub_trace tr = {
		.type = BUB_TR_SENT,
		.now = eng->now,
		.what = message_name(kind, number),
		.via = r->via,
		.local = r->has_hao ? r->hao : r->src,
		.peer = r->has_rh2 ? r->rh2 : r->dst,
		.care_of = IN6_IS_ADDR_UNSPECIFIED(&r->outer_src) ? r->src : r->outer_src,
		.number = number,
	};
	int at = bub_ip6_encode(&b, buf, PACKET_MAX);

	assert(at > 0 && (size_t)at + len <= PACKET_MAX);
	memcpy(buf + at, mh, len);
	bub_mh_finish(buf + at, len, r->has_hao ? &r->hao : &r->src,
		      r->has_rh2 ? &r->rh2 : &r->dst);
	act->u.send.data = (struct bub_view){buf, (size_t)at + len};
	act->u.send.egress = r->egress;
	act->u.send.owner = r->owner;
	act->u.send.ifindex = r->ifindex;
	act->u.send.outer_src = r->outer_src;
	act->u.send.outer_dst = r->outer_dst;
	count_sent(eng, kind, number);
	core_trace(eng, &tr);
}

uint32_t core_number(const struct bub_mh *mh)
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
	case BUB_MH_HA_SWITCH:
		return (uint32_t)(mh->u.ha_switch.agents.len / sizeof(struct in6_addr));
	}
	return 0;
}

void core_send(struct bub_engine *eng, const struct route *r, const struct mh_out *out)
{
	uint8_t mh[DH_MESSAGE_MAX];
	size_t len = core_build(eng, out, mh, sizeof mh);

	core_send_built(eng, r, out->mh.kind, core_number(&out->mh), mh, len);
}

struct route route_plain(const struct in6_addr *src, const struct in6_addr *dst)
{
	return (struct route){
		.src = *src, .dst = *dst, .egress = BUB_EGRESS_PLAIN, .via = "direct"};
}

void core_send_binding_error(struct bub_engine *eng, const struct route *r, uint8_t status,
			     const struct in6_addr *home)
{
	struct mh_out out = {.mh = {.kind = BUB_MH_BE}};

	out.mh.u.be.status = status;
	out.mh.u.be.home = *home;
	core_send(eng, r, &out);
}

void core_send_icmp6(struct bub_engine *eng, const struct route *r, const struct bub_icmp6 *icmp)
{
	struct bub_action *act = core_action(eng, BUB_ACT_SEND);
	uint8_t *buf = core_buffer(eng);
	struct bub_ip6_build b;
	int at = (r->has_hao ? BUB_HAO_HDR_LEN : 0) + (r->has_rh2 ? BUB_RH2_HDR_LEN : 0) +
		 BUB_IP6_HDR_LEN;
	int len = bub_icmp6_encode(icmp, r->has_hao ? &r->hao : &r->src,
				   r->has_rh2 ? &r->rh2 : &r->dst, buf + at,
				   (size_t)(PACKET_MAX - at));

	assert(len > 0);
	b = headers_of(eng, r, BUB_NH_ICMPV6, (size_t)len);
	bub_ip6_encode(&b, buf, (size_t)at);
	act->u.send.data = (struct bub_view){buf, (size_t)(at + len)};
	act->u.send.egress = r->egress;
	act->u.send.owner = r->owner;
	act->u.send.outer_src = r->outer_src;
	act->u.send.outer_dst = r->outer_dst;
}
