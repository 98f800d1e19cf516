/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Losing, delaying and changing messages on their way, and messages that nobody sent: see pair.h.
 */
#include <string.h>

#include "pair_internal.h"

/* ---- Rules --------------------------------------------------------------------------------- */

static bool matches(const struct match *m, const struct flight *f, const struct bub_mh *mh)
{
	if (m->from != NULL && f->from != m->from)
		return false;
	if (m->kind >= 0 && (int)mh->kind != m->kind)
		return false;
	if (m->dh != 0 && mh->u.dh.message != m->dh)
		return false;
	if (m->tunnelled >= 0 && (f->egress == BUB_EGRESS_TUNNEL) != (m->tunnelled == 1))
		return false;
	return m->home_bit < 0 || mh->kind != BUB_MH_BU ||
	       ((mh->u.bu.flags & BUB_BU_HOME) != 0) == (m->home_bit == 1);
}

/* Two wrappers at most: backhaul = encapsulated puts one round the message. */
static bool decode(const struct pair *p, const struct flight *f, struct bub_ip6 *ret_ip,
		   struct bub_mh *ret_mh)
{
	struct bub_mh_fault fault;

	if (!world_decode((struct bub_view){f->octets, f->len}, ret_ip))
		return false;
	if (ret_ip->upper_proto == BUB_NH_IPV6 &&
	    bub_ip6_decode(ret_ip->upper, ret_ip) != BUB_DROP_NONE)
		return false;
	return ret_ip->upper_proto == BUB_NH_MH &&
	       bub_mh_decode(ret_ip, &p->mn_cfg[0].codepoints, ret_mh, &fault) == 0;
}

/* It does not look into tunnels. */
static bool is_dropped(const struct pair *p, const struct flight *f)
{
	struct bub_ip6 ip;

	return p->drops != NULL && f->egress == BUB_EGRESS_PLAIN &&
	       bub_ip6_decode((struct bub_view){f->octets, f->len}, &ip) == BUB_DROP_NONE &&
	       p->drops(p, &ip);
}

enum fate pair_judge(void *ctx, struct world *w, struct flight *f)
{
	struct pair *p = ctx;
	struct bub_ip6 ip;
	struct bub_mh mh;

	(void)w;
	if (p->on_flight != NULL)
		p->on_flight(p, f);
	if (is_dropped(p, f))
		return FATE_LOSE;
	if ((p->n_rules == 0 && p->judge == NULL) || !decode(p, f, &ip, &mh))
		return FATE_PASS;
	for (unsigned i = 0; i < p->n_rules; i++) {
		struct rule *r = &p->rule[i];

		if (!matches(&r->match, f, &mh) || r->hit == r->n || r->seen++ < r->skip)
			continue;
		r->hit++;
		f->at_ns += r->delay_ns;
		if (r->alter != NULL)
			r->alter(p, f, &ip, &mh);
		return r->fate;
	}
	return p->judge != NULL ? p->judge(p, f, &mh) : FATE_PASS;
}

struct rule *pair_rule(struct pair *p, const struct match *m, unsigned skip, unsigned n,
		       enum fate fate)
{
	struct rule *r = &p->rule[p->n_rules++];

	assert_true(p->n_rules <= RULES_MAX);
	*r = (struct rule){.match = *m, .skip = skip, .n = n, .fate = fate};
	return r;
}

struct rule *pair_lose(struct pair *p, const struct node *from, enum bub_mh_kind kind, unsigned n)
{
	struct match m = ANY_MESSAGE;

	m.from = from;
	m.kind = (int)kind;
	return pair_rule(p, &m, 0, n, FATE_LOSE);
}

struct rule *pair_lose_dh(struct pair *p, const struct node *from, unsigned dh, unsigned n)
{
	struct rule *r = pair_lose(p, from, BUB_MH_DH, n);

	r->match.dh = dh;
	return r;
}

void pair_no_rules(struct pair *p)
{
	p->n_rules = 0;
}

/* ---- Messages made up ---------------------------------------------------------------------- */

/* Signs and finishes the encoded message in @mh. */
static void finish(const struct forged *f, uint8_t *mh, const struct bub_mh_layout *at)
{
	struct bub_crypto *crypto = bub_crypto_new();
	uint8_t auth[BUB_AUTH_LEN];

	assert_non_null(crypto);
	if (at->auth_at != 0 && f->key != NULL) {
		bub_authenticator(crypto, f->key, &f->auth_care_of, &f->auth_correspondent, mh,
				  at->auth_at, auth);
		memcpy(mh + at->auth_at, auth, sizeof auth);
	}
	if (at->signature_at != 0 && f->key != NULL) {
		bub_dh_signature(crypto, f->key, mh, at->len, at->signature_at, f->bub_cookie,
				 auth);
		memcpy(mh + at->signature_at, auth, sizeof auth);
	}
	if (f->bad_auth)
		mh[at->len - 1] ^= 1;
	bub_crypto_free(crypto);
	bub_mh_finish(mh, at->len, f->hao != NULL ? f->hao : &f->src,
		      f->rh2 != NULL ? f->rh2 : &f->dst);
}

static size_t build(const struct bub_codepoints *cp, const struct forged *f, uint8_t *packet,
		    size_t cap)
{
	struct bub_ip6_build b = {
		.src = f->src,
		.dst = f->dst,
		.hao = f->hao,
		.rh2 = f->rh2,
		.udp_from = f->udp_port,
		.udp_to = f->udp_port,
		.upper_proto = BUB_NH_MH,
	};
	uint8_t mh[1024];
	struct bub_mh_layout at;
	int n;

	assert_int_equal(bub_mh_encode(&f->mh, cp, mh, sizeof mh, &at), 0);
	finish(f, mh, &at);
	b.upper_len = (uint16_t)at.len;
	n = bub_ip6_encode(&b, packet, cap);
	assert_true(n > 0 && (size_t)n + at.len <= cap);
	memcpy(packet + n, mh, at.len);
	return (size_t)n + at.len;
}

size_t pair_build(const struct pair *p, const struct forged *f, uint8_t *packet, size_t cap)
{
	return build(&p->mn_cfg[0].codepoints, f, packet, cap);
}

void pair_feed_raw(struct pair *p, struct node *to, const uint8_t *packet, size_t len,
		   enum bub_ingress ingress, const struct in6_addr *owner,
		   const struct in6_addr *outer_src)
{
	struct bub_event ev = {.type = BUB_EV_PACKET, .ifindex = 1};

	(void)p;
	ev.u.packet.data = (struct bub_view){packet, len};
	ev.u.packet.ingress = ingress;
	ev.u.packet.owner = *owner;
	ev.u.packet.outer_src = *outer_src;
	ev.u.packet.newest = ingress != BUB_INGRESS_PLAIN;
	world_feed(to, &ev);
}

void pair_feed(struct pair *p, struct node *to, const struct forged *f)
{
	uint8_t packet[1400];
	size_t len = build(&to->cfg.codepoints, f, packet, sizeof packet);

	pair_feed_raw(p, to, packet, len, f->ingress, &f->owner, &f->outer_src);
}

void pair_replay(struct pair *p, struct node *to, const struct message *m)
{
	int i = to == p->mn[0] ? 0 : to == p->mn[1] ? 1 : -1;
	/* What is addressed to a home address comes out of the tunnel. */
	bool tunnelled = i >= 0 && bub_addr_eq(&m->ip.dst, &p->hoa[i]) && to->place != p->home[i];
	enum bub_ingress ingress = tunnelled ? BUB_INGRESS_ESP_TUNNEL : world_ingress(m->egress);

	if (!tunnelled && ingress == BUB_INGRESS_ESP_TUNNEL)
		ingress = BUB_INGRESS_PLAIN;
	pair_feed_raw(p, to, m->octets, m->len, ingress, i >= 0 ? &p->hoa[i] : &m->owner,
		      i >= 0 ? &p->ha_addr[i] : &m->ip.src);
}

void pair_rewrite(struct pair *p, struct flight *f, const struct bub_ip6 *ip,
		  const struct bub_mh *mh, const struct bub_key *key, const uint8_t *bub_cookie)
{
	struct in6_addr hao = ip->hao, rh2 = ip->rh2;
	struct forged fo = {
		.src = ip->src,
		.dst = ip->dst,
		.hao = ip->has_hao ? &hao : NULL,
		.rh2 = ip->has_rh2 ? &rh2 : NULL,
		.mh = *mh,
		.key = key,
		.bub_cookie = bub_cookie,
	};
	uint8_t packet[1400];

	f->len = build(&p->mn_cfg[0].codepoints, &fo, packet, sizeof packet);
	memcpy(f->octets, packet, f->len);
}

bool pair_is_signed(const struct message *m, const struct bub_key *key,
		    const struct in6_addr *care_of, const struct in6_addr *correspondent)
{
	struct bub_crypto *crypto = bub_crypto_new();
	size_t at = m->mh.opts.auth_at;
	uint8_t auth[BUB_AUTH_LEN];

	assert_non_null(crypto);
	assert_true(m->mh.opts.present & BUB_OPT_AUTH);
	bub_authenticator(crypto, key, care_of, correspondent, m->mh.raw.data, at, auth);
	bub_crypto_free(crypto);
	return memcmp(auth, m->mh.raw.data + at, sizeof auth) == 0;
}
