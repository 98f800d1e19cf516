/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Building, moving and watching the standard topology: see pair.h.  What spoils and makes up
 * messages is in forge.c.
 */
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pair_internal.h"

#define CORE_PREFIX "2001:db8:c::"

static struct in6_addr addr(const char *text)
{
	struct in6_addr a;

	assert_int_equal(inet_pton(AF_INET6, text, &a), 1);
	return a;
}

static struct in6_addr addr_of(const char *format, unsigned i)
{
	char text[64];

	/* The formats are literals of this file. */
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
	snprintf(text, sizeof text, format, i);
#pragma GCC diagnostic pop
	return addr(text);
}

/* ---- Watching ------------------------------------------------------------------------------ */

static int index_of(const struct pair *p, const struct node *n)
{
	return n == p->mn[0] ? 0 : n == p->mn[1] ? 1 : -1;
}

static void on_sent(void *ctx, struct node *n, const struct bub_action *act)
{
	struct pair *p = ctx;
	struct message *m;
	struct bub_mh_fault fault;

	if (p->quiet)
		return;
	if (p->n_messages == p->cap_messages) {
		p->cap_messages = p->cap_messages == 0 ? 64 : 2 * p->cap_messages;
		p->message = realloc(p->message, p->cap_messages * sizeof(struct message *));
		assert_non_null(p->message);
	}
	m = calloc(1, sizeof *m);
	assert_non_null(m);
	m->at_ns = world_now(p->w).ns;
	m->node = n;
	m->egress = act->u.send.egress;
	m->owner = act->u.send.owner;
	m->outer_src = act->u.send.outer_src;
	m->outer_dst = act->u.send.outer_dst;
	m->ifindex = act->u.send.ifindex;
	m->len = act->u.send.data.len;
	assert_true(m->len <= sizeof m->octets);
	memcpy(m->octets, act->u.send.data.data, m->len);
	if (!world_decode((struct bub_view){m->octets, m->len}, &m->ip)) {
		/* Somebody else's packet, which is only passed on. */
		assert_int_equal(act->u.send.egress, BUB_EGRESS_TUNNEL);
		free(m);
		return;
	}
	if (m->ip.upper_proto != BUB_NH_MH ||
	    bub_mh_decode(&m->ip, &n->cfg.codepoints, &m->mh, &fault) != 0) {
		assert_int_not_equal(m->ip.upper_proto, BUB_NH_MH); /* ours are well-formed */
		free(m);
		return;
	}
	if (m->mh.kind == BUB_MH_BUBC)
		memcpy(p->bub_cookie, m->mh.u.bubc.bub_cookie, sizeof p->bub_cookie);
	p->message[p->n_messages++] = m;
}

static void on_trace(void *ctx, struct node *n, const struct bub_trace *tr)
{
	struct pair *p = ctx;
	int i = index_of(p, n);
	struct key_seen *k;

	if (tr->type == BUB_TR_STATE && strcmp(tr->machine, "home-link") == 0)
		p->odd_links++;
	if (tr->type == BUB_TR_STATE && strcmp(tr->machine, "mode") == 0 &&
	    strcmp(tr->from, "bub") == 0)
		p->left_bub++;
	if (tr->type == BUB_TR_TROUBLE) {
		p->trouble = *tr;
		p->n_troubles++;
	}
	if (tr->type != BUB_TR_KEY || i < 0 || tr->secret.len > BUB_HASH_MAX)
		return;
	k = strcmp(tr->what, "Kabm") == 0  ? &p->kabm[i]
	    : strcmp(tr->what, "Kbm") == 0 ? &p->kbm[i]
					   : &p->kbm_responder[i];
	k->seen = true;
	k->key.len = (uint8_t)tr->secret.len;
	k->key.alg = tr->secret.len == 32 ? BUB_MAC_HMAC_SHA256 : BUB_MAC_HMAC_SHA1;
	memcpy(k->key.octets, tr->secret.data, tr->secret.len);
}

/* One more home address, which its home agent lets register. */
static void add_home(struct node *n, struct node *agent, const struct bub_action *act)
{
	n->cfg.home[n->cfg.n_homes++].address = act->u.home_add.home;
	assert_int_equal(bub_engine_add_client(agent->engine, &act->u.home_add.home), 0);
}

static void del_home(struct node *n, const struct in6_addr *home)
{
	for (unsigned i = n->cfg.n_homes; i-- > 0;) {
		if (bub_addr_eq(&n->cfg.home[i].address, home))
			n->cfg.home[i] = n->cfg.home[--n->cfg.n_homes];
	}
}

static void on_action(void *ctx, struct node *n, const struct bub_action *act)
{
	struct pair *p = ctx;
	int i = index_of(p, n);

	if (p->on_action != NULL)
		p->on_action(p, n, act);
	if (act->type == BUB_ACT_HOME_ADD && i >= 0)
		add_home(n, p->ha[i], act);
	if (act->type == BUB_ACT_HOME_DEL && i >= 0)
		del_home(n, &act->u.home);

	if ((act->type == BUB_ACT_PATH_SET || act->type == BUB_ACT_PATH_DEL) && i >= 0)
		p->last_path[i] = act->u.path;
	if ((act->type == BUB_ACT_PATH_SET || act->type == BUB_ACT_PATH_DEL) && n == p->ha[0]) {
		p->ha_path = act->u.path;
		p->ha_path_set = act->type == BUB_ACT_PATH_SET;
	}
	if (act->type == BUB_ACT_TUNNEL_DEL)
		p->tunnel_dels++;
	if (act->type == BUB_ACT_DELIVER && act->u.send.data.len <= sizeof p->delivered.octets) {
		p->delivered.node = n;
		p->delivered.n++;
		p->delivered.len = act->u.send.data.len;
		memcpy(p->delivered.octets, act->u.send.data.data, p->delivered.len);
	}
	if ((act->type == BUB_ACT_DAD || act->type == BUB_ACT_PROXY_ADD ||
	     act->type == BUB_ACT_PROXY_DEL) &&
	    p->n_link_acts < LINK_ACTS_MAX) {
		p->link_act[p->n_link_acts].type = act->type;
		p->link_act[p->n_link_acts++].home = act->u.home;
	}
}

static void on_data(void *ctx, struct node *n, const struct bub_ip6 *ip, bool direct)
{
	struct pair *p = ctx;

	(void)direct;
	if (p->on_data != NULL)
		p->on_data(p, n, ip);
}

static int on_dad(void *ctx, struct node *n, const struct in6_addr *home, uint64_t *ret_ns)
{
	struct pair *p = ctx;

	(void)n;
	*ret_ns = p->dad_ns;
	if (!IN6_IS_ADDR_UNSPECIFIED(&p->dad_taken) && !bub_addr_eq(home, &p->dad_taken))
		return 0;
	return p->dad_error;
}

static void on_random(void *ctx, struct node *n, uint8_t *buf, size_t len)
{
	struct pair *p = ctx;

	p->random(p, n, buf, len);
}

static int on_store(void *ctx, struct node *n, const struct bub_stored *s, uint64_t *ret_ns)
{
	struct pair *p = ctx;

	(void)n;
	(void)s;
	*ret_ns = p->store_ns;
	return p->store_error;
}

/* ---- Building ------------------------------------------------------------------------------ */

void pair_init(struct pair *p)
{
	memset(p, 0, sizeof *p);
	p->seed = 1;
	for (unsigned i = 0; i < 2; i++) {
		struct bub_config *c = &p->mn_cfg[i];

		p->hoa[i] = addr_of("2001:db8:%u::10", i + 1);
		p->ha_addr[i] = addr_of("2001:db8:%u::1", i + 1);
		bub_config_init(c);
		c->limit.bindings = 8;
		c->limit.peers = 8;
		c->limit.policies = 4;
		c->home[0].address = p->hoa[i];
		c->home[0].home_agent = p->ha_addr[i];
		c->n_homes = 1;
		c->suite[0] = BUB_SUITE_SHA256_X25519;
		c->n_suites = 1;
		c = &p->ha_cfg[i];
		bub_config_init(c);
		c->limit.bindings = 4;
		c->limit.peers = 1;
		c->limit.policies = 1;
		c->limit.clients = 32;
		c->ha.enabled = true;
		c->ha.address = p->ha_addr[i];
		c->ha.prefix[0].prefix = addr_of("2001:db8:%u::", i + 1);
		c->ha.prefix[0].len = 64;
		c->ha.n_prefixes = 1;
		c->ha.physical_link = true;
	}
	bub_config_init(&p->cn_cfg);
	p->cn_cfg.limit.bindings = 4;
	p->cn_cfg.limit.policies = 4;
	p->cn_addr = addr("2001:db8:c::c");
}

void pair_start(struct pair *p)
{
	struct world_hooks hooks = {
		.ctx = p,
		.judge = pair_judge,
		.trace = on_trace,
		.sent = on_sent,
		.action = on_action,
		.data = on_data,
		.dad = on_dad,
		.random = p->random != NULL ? on_random : NULL,
		.store = on_store,
	};
	char prefix[64];

	p->w = world_new(p->seed, &hooks);
	p->core = world_add_place(p->w, CORE_PREFIX, 5);
	for (unsigned i = 0; i < 2; i++) {
		snprintf(prefix, sizeof prefix, "2001:db8:%u::", i + 1);
		p->home[i] = world_add_place(p->w, prefix, 15);
		for (unsigned k = 0; k < ACCESS_LINKS; k++) {
			snprintf(prefix, sizeof prefix, "2001:db8:%u%c::", i + 1, (int)('a' + k));
			p->away[i][k] = world_add_place(p->w, prefix, 10);
		}
		inet_ntop(AF_INET6, &p->ha_addr[i], prefix, sizeof prefix);
		p->ha[i] = world_add_node(p->w, i == 0 ? "ha1" : "ha2", &p->ha_cfg[i], prefix,
					  p->home[i]);
	}
	for (unsigned i = 0; i < 2; i++)
		p->mn[i] = world_add_node(p->w, i == 0 ? "mn1" : "mn2", &p->mn_cfg[i], NULL, NULL);
	p->cn = world_add_node(p->w, "cn", &p->cn_cfg, "2001:db8:c::c", p->core);
	for (unsigned i = 0; i < 2; i++)
		world_attach(p->w, p->mn[i], p->home[i]);
	world_run(p->w, 100);
}

void pair_new(struct pair *p)
{
	pair_init(p);
	pair_start(p);
}

void pair_end(struct pair *p)
{
	world_free(p->w);
	for (size_t i = 0; i < p->n_messages; i++)
		free(p->message[i]);
	free(p->message);
}

void pair_new_without_copy(struct pair *p)
{
	pair_init(p);
	p->mn_cfg[0].direct_copy = p->mn_cfg[1].direct_copy = false;
	pair_start(p);
	pair_in_bub(p);
}

void pair_new_in_ro(struct pair *p)
{
	pair_init(p);
	p->mn_cfg[0].bub = p->mn_cfg[1].bub = BUB_POLICY_NEVER;
	pair_start(p);
	pair_both_away(p);
	pair_assert_settled(p, BUB_MODE_RO);
}

int pair_setup(void **state)
{
	struct pair *p = calloc(1, sizeof *p);

	assert_non_null(p);
	pair_new(p);
	*state = p;
	return 0;
}

int pair_setup_bub(void **state)
{
	int rc = pair_setup(state);

	pair_in_bub(*state);
	return rc;
}

int pair_teardown(void **state)
{
	pair_end(*state);
	free(*state);
	return 0;
}

/* ---- Moving -------------------------------------------------------------------------------- */

void pair_run(struct pair *p, uint64_t ms)
{
	world_run(p->w, ms);
}

void pair_go(struct pair *p, unsigned i, unsigned link)
{
	world_attach(p->w, p->mn[i], p->away[i][link]);
}

void pair_go_home(struct pair *p, unsigned i)
{
	world_attach(p->w, p->mn[i], p->home[i]);
}

void pair_data(struct pair *p, unsigned i)
{
	world_send_data(p->w, p->mn[i], &p->hoa[i], &p->hoa[1 - i]);
}

void pair_talk(struct pair *p, uint64_t ms)
{
	for (uint64_t t = 0; t < ms; t += 100) {
		pair_data(p, 0);
		pair_data(p, 1);
		world_run(p->w, 100);
	}
}

void pair_one_away(struct pair *p)
{
	pair_go(p, 0, 0);
	pair_run(p, 2000);
	pair_data(p, 0);
	pair_run(p, 2000);
}

void pair_both_away(struct pair *p)
{
	pair_go(p, 0, 0);
	pair_run(p, 2000);
	pair_data(p, 0);
	pair_run(p, 2000);
	pair_go(p, 1, 0);
	pair_run(p, 2000);
	pair_talk(p, 6000);
}

void pair_in_bub(struct pair *p)
{
	pair_both_away(p);
	pair_assert_settled(p, BUB_MODE_BUB);
}

/* ---- Looking ------------------------------------------------------------------------------- */

enum bub_mode pair_mode(const struct pair *p, unsigned i)
{
	return world_mode(p->w, p->mn[i], &p->hoa[1 - i], NULL);
}

struct bub_peer_status pair_status(const struct pair *p, unsigned i)
{
	struct bub_peer_status s = {.why = "no entry", .test = "no entry"};

	world_mode(p->w, p->mn[i], &p->hoa[1 - i], &s);
	return s;
}

struct bub_home_status pair_home(const struct pair *p, unsigned i)
{
	struct bub_home_status s;

	assert_true(bub_engine_home_status(p->mn[i]->engine, world_now(p->w), 0, &s));
	return s;
}

const struct in6_addr *pair_at(const struct pair *p, unsigned i)
{
	return p->mn[i]->place == p->home[i] ? &p->hoa[i] : &p->mn[i]->address;
}

uint64_t pair_drops(const struct node *n, enum bub_drop why)
{
	return bub_engine_counters(n->engine)->drop[why];
}

uint64_t pair_now_ms(const struct pair *p)
{
	return world_now(p->w).ns / BUB_NS_PER_MS;
}

/* Node @i's word on itself and the other's word on it agree with where it is. */
static bool half_is_settled(const struct pair *p, unsigned i)
{
	bool away = p->mn[i]->place != p->home[i];
	struct bub_peer_status own = pair_status(p, i), other = pair_status(p, 1 - i);

	if (!away)
		return IN6_IS_ADDR_UNSPECIFIED(&own.local_care_of) &&
		       IN6_IS_ADDR_UNSPECIFIED(&other.peer_care_of);
	return bub_addr_eq(&own.local_care_of, pair_at(p, i)) &&
	       bub_addr_eq(&other.peer_care_of, pair_at(p, i)) && own.lifetime_s > 0 &&
	       other.peer_lifetime_s > 0;
}

bool pair_is_settled(const struct pair *p, enum bub_mode mode)
{
	return half_is_settled(p, 0) && half_is_settled(p, 1) && pair_mode(p, 0) == mode &&
	       pair_mode(p, 1) == mode;
}

void pair_assert_settled(const struct pair *p, enum bub_mode mode)
{
	for (unsigned i = 0; i < 2; i++)
		if (!half_is_settled(p, i) || pair_mode(p, i) != mode) {
			struct bub_peer_status s = pair_status(p, i);

			pair_dump(p, 0);
			print_message("mn%u: mode %s, %s; test %s; binding %u s, peer's %u s\n",
				      i + 1, bub_mode_name(s.mode), s.why, s.test, s.lifetime_s,
				      s.peer_lifetime_s);
		}
	assert_true(pair_is_settled(p, mode));
}

/* ---- Messages ------------------------------------------------------------------------------ */

size_t pair_mark(const struct pair *p)
{
	return p->n_messages;
}

static const char *name_of(const struct pair *p, const struct in6_addr *a, char buf[64])
{
	if (bub_addr_eq(a, &p->cn_addr))
		return "CN";
	for (unsigned i = 0; i < 2; i++) {
		if (bub_addr_eq(a, &p->hoa[i]))
			return i == 0 ? "HoA1" : "HoA2";
		if (bub_addr_eq(a, &p->ha_addr[i]))
			return i == 0 ? "HA1" : "HA2";
		for (unsigned k = 0; k < ACCESS_LINKS; k++)
			if (memcmp(a, &p->away[i][k]->prefix, 8) == 0) {
				snprintf(buf, 64, "%c%u", (int)('a' + k), i + 1);
				return buf;
			}
	}
	return inet_ntop(AF_INET6, a, buf, 64);
}

static void what_of(const struct message *m, char *buf, size_t cap)
{
	static const char *const name[] = {"BRR", "HoTI", "CoTI", "HoT",  "CoT",
					   "BU",  "BA",   "BE",   "BUBC", "DH"};
	static const char *const bub[] = {"+do", "+ack", "+nack"};
	const char *tail = "";

	if (m->mh.opts.present & BUB_OPT_BUB)
		tail = bub[m->mh.opts.bub_code];
	else if (m->mh.kind == BUB_MH_BU && m->mh.u.bu.lifetime_s == 0)
		tail = "-del";
	if (m->mh.kind == BUB_MH_DH)
		snprintf(buf, cap, "DH%u", (unsigned)m->mh.u.dh.message);
	else if (m->mh.kind == BUB_MH_BU && m->mh.u.bu.flags & BUB_BU_HOME)
		snprintf(buf, cap, "home-BU%s", tail);
	else if (m->mh.kind == BUB_MH_BA && m->mh.u.ba.status != 0)
		snprintf(buf, cap, "BA%u", (unsigned)m->mh.u.ba.status);
	else
		snprintf(buf, cap, "%s%s", name[m->mh.kind], tail);
}

void pair_line(const struct pair *p, const struct message *m, char ret_line[LINE_MAX_LEN])
{
	static const char *const egress[] = {"plain", "transport", "tunnel"};
	char what[32], src[64], dst[64], hao[64], rh2[64];

	what_of(m, what, sizeof what);
	snprintf(ret_line, LINE_MAX_LEN, "%s %s %s>%s%s%s%s%s%s %s", m->node->name, what,
		 name_of(p, &m->ip.src, src), name_of(p, &m->ip.dst, dst),
		 m->ip.has_hao ? " hao=" : "", m->ip.has_hao ? name_of(p, &m->ip.hao, hao) : "",
		 m->ip.has_rh2 ? " rh2=" : "", m->ip.has_rh2 ? name_of(p, &m->ip.rh2, rh2) : "",
		 m->ip.in_udp ? " udp" : "", egress[m->egress]);
}

static bool is_among(const struct pair *p, const struct message *m, const struct node *n)
{
	return n != NULL ? m->node == n : index_of(p, m->node) >= 0;
}

void pair_dump(const struct pair *p, size_t mark)
{
	char line[LINE_MAX_LEN];

	for (size_t i = mark; i < p->n_messages; i++) {
		pair_line(p, p->message[i], line);
		print_message("%10.3f %s\n", (double)p->message[i]->at_ns / 1e9, line);
	}
}

static void assert_lines(const struct pair *p, size_t mark, const struct node *n, va_list ap)
{
	const char *want = va_arg(ap, const char *);
	char line[LINE_MAX_LEN];

	for (size_t i = mark; i < p->n_messages; i++) {
		if (!is_among(p, p->message[i], n))
			continue;
		pair_line(p, p->message[i], line);
		if (want == NULL || strcmp(line, want) != 0) {
			pair_dump(p, mark);
			fail_msg("sent \"%s\", expected %s", line, want != NULL ? want : "nothing");
		}
		want = va_arg(ap, const char *);
	}
	if (want != NULL) {
		pair_dump(p, mark);
		fail_msg("not sent: \"%s\"", want);
	}
}

void pair_assert_sent(const struct pair *p, size_t mark, ...)
{
	va_list ap;

	va_start(ap, mark);
	assert_lines(p, mark, NULL, ap);
	va_end(ap);
}

void pair_assert_node_sent(const struct pair *p, size_t mark, const struct node *n, ...)
{
	va_list ap;

	va_start(ap, n);
	assert_lines(p, mark, n, ap);
	va_end(ap);
}

unsigned pair_count(const struct pair *p, size_t mark, const struct node *n, enum bub_mh_kind kind)
{
	unsigned count = 0;

	for (size_t i = mark; i < p->n_messages; i++)
		if (is_among(p, p->message[i], n) && p->message[i]->mh.kind == kind)
			count++;
	return count;
}

unsigned pair_tries(const struct pair *p, size_t mark, unsigned i)
{
	unsigned n = 0;

	for (size_t k = mark; k < p->n_messages; k++)
		if (p->message[k]->node == p->mn[i] && p->message[k]->mh.kind == BUB_MH_HOTI &&
		    p->message[k]->mh.opts.present & BUB_OPT_BUB)
			n++;
	return n;
}

unsigned pair_count_dh(const struct pair *p, size_t mark, unsigned dh)
{
	unsigned count = 0;

	for (size_t i = mark; i < p->n_messages; i++)
		if (p->message[i]->mh.kind == BUB_MH_DH && p->message[i]->mh.u.dh.message == dh)
			count++;
	return count;
}

const struct message *pair_nth(const struct pair *p, size_t mark, const struct node *n,
			       enum bub_mh_kind kind, unsigned nth)
{
	for (size_t i = mark; i < p->n_messages; i++)
		if (is_among(p, p->message[i], n) && p->message[i]->mh.kind == kind && nth-- == 0)
			return p->message[i];
	pair_dump(p, mark);
	fail_msg("no such message: kind %d", (int)kind);
	return NULL;
}
