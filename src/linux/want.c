/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The wishes of want.h, each in a table of its kind, and the requests that carry them out.
 *
 * A request is remembered by its number until its verdict has come.  A wish names the last request
 * that was made for it: verdicts of those before say nothing about it any more.
 */
#include "want.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/octets.h"
#include "linux.h"
#include "want_internal.h"

#define SYSCTLS_MAX 512 /* two for each interface that is known, and some */
#define PROGRAMS_MAX 64 /* DATAPATH_INTERFACES_MAX */
#define SETTLE_MS 5000

/* ---- Life ---------------------------------------------------------------------------------- */

static void want_lay_out(struct want *w, struct arena *ar)
{
	const uint32_t cap[WANT_KINDS] = {
		[WANT_SYSCTL] = SYSCTLS_MAX,    [WANT_TUN] = 1,
		[WANT_ADDR] = w->cfg.addrs,     [WANT_ROUTE] = w->cfg.routes,
		[WANT_RULE] = w->cfg.rules,     [WANT_PROXY] = w->cfg.proxies,
		[WANT_PROGRAMS] = PROGRAMS_MAX,
	};

	table_init(&w->question, ar, w->cfg.questions, sizeof(struct question), w->cfg.seed);
	/* Without a random seed: nobody but the operator chooses which addresses are wished for. */
	for (unsigned i = 0; i < WANT_KINDS; i++)
		table_init(&w->wish[i], ar, cap[i], sizeof(struct wish), 0);
}

int want_open(const struct want_config *cfg, struct want **ret_want)
{
	struct want *w = calloc(1, sizeof(*w));
	struct arena ar = {0};

	if (w == NULL)
		return -ENOMEM;
	w->cfg = *cfg;
	w->repair_due = BUB_TIME_NEVER;
	w->audit_due = bub_time_add_s(lnx_now(), WANT_AUDIT_S);
	want_lay_out(w, &ar);
	w->memory = calloc(1, ar.used);
	if (w->memory == NULL) {
		free(w);
		return -ENOMEM;
	}
	ar = (struct arena){.base = w->memory};
	want_lay_out(w, &ar);
	*ret_want = w;
	return 0;
}

static void want_set_sysctl(const char *path, int value, int *ret_error)
{
	char text[16];

	snprintf(text, sizeof(text), "%d", value);
	*ret_error = nl_sysctl_set(path, text);
}

void want_close(struct want *w)
{
	const struct wish *wish = NULL;
	int ignored;

	if (w == NULL)
		return;
	while ((wish = table_next(&w->wish[WANT_SYSCTL], wish)) != NULL) {
		if (wish->u.sysctl.before != wish->u.sysctl.value)
			want_set_sysctl(wish->u.sysctl.path, wish->u.sysctl.before, &ignored);
	}
	free(w->memory);
	free(w);
}

/* ---- Keys ---------------------------------------------------------------------------------- */

struct want_key want_route_key(uint32_t table, const struct in6_addr *dst, uint8_t dst_len)
{
	struct want_key key = {.a = *dst};

	set_be32(key.b.s6_addr, table);
	key.b.s6_addr[4] = dst_len;
	return key;
}

struct want_key want_rule_key(const struct nl_rule *r)
{
	struct want_key key = {0};

	if (r->from != NULL)
		key.a = *r->from;
	else if (r->to != NULL)
		key.a = *r->to;
	set_be32(key.b.s6_addr, r->priority);
	set_be32(key.b.s6_addr + 4, r->table);
	set_be32(key.b.s6_addr + 8, r->go_to);
	key.b.s6_addr[12] = r->from != NULL;
	key.b.s6_addr[13] = r->to_len;
	return key;
}

struct want_key want_on_key(uint32_t ifindex)
{
	struct want_key key = {0};

	set_be32(key.a.s6_addr, ifindex);
	return key;
}

struct want_key want_addr_key(uint32_t ifindex, const struct in6_addr *addr)
{
	struct want_key key = {.a = *addr};

	set_be32(key.b.s6_addr, ifindex);
	return key;
}

struct want_key want_proxy_key(const struct in6_addr *addr)
{
	return (struct want_key){.a = *addr};
}

struct wish *want_find(const struct want *w, enum want_kind kind, const struct want_key *key)
{
	return table_find(&w->wish[kind], &key->a, &key->b);
}

/* ---- Verdicts ------------------------------------------------------------------------------ */

static void want_answer(struct want *w, uint32_t id, int error)
{
	if (id == 0 && error < 0 && w->first_error == 0)
		w->first_error = error;
	if (id == 0)
		return;
	if (w->n_verdicts == WANT_VERDICTS) {
		w->cfg.log(w->cfg.ctx, true, "too many verdicts of the kernel are waiting");
		return;
	}
	w->verdict[(w->verdict_first + w->n_verdicts) % WANT_VERDICTS].id = id;
	w->verdict[(w->verdict_first + w->n_verdicts) % WANT_VERDICTS].error = error;
	w->n_verdicts++;
}

bool want_verdict(struct want *w, uint32_t *ret_id, int *ret_error)
{
	if (w->n_verdicts == 0)
		return false;
	*ret_id = w->verdict[w->verdict_first].id;
	*ret_error = w->verdict[w->verdict_first].error;
	w->verdict_first = (w->verdict_first + 1) % WANT_VERDICTS;
	w->n_verdicts--;
	return true;
}

void want_drop(struct want *w, struct wish *wish)
{
	repair_forget(w, wish);
	table_remove(&w->wish[wish->kind], wish);
}

static void want_judge(struct want *w, struct wish *wish, uint32_t id, int error)
{
	wish->seq = 0;
	want_answer(w, id, error);
	if (error == 0) {
		repair_stands(w, wish);
		return;
	}
	++*w->cfg.refused;
	if (id != 0 && wish->kind != WANT_PROGRAMS)
		want_drop(w, wish); /* whoever has asked knows, and decides */
	else
		repair_refused(w, wish, error);
}

/* Of what is to go, and is not there. */
static bool want_is_gone(int error)
{
	return error == -ESRCH || error == -ENOENT || error == -ENODEV || error == -EADDRNOTAVAIL ||
	       error == -ENXIO;
}

static void want_on_answer(void *ctx, uint32_t seq, int error)
{
	struct want *w = ctx;
	struct question *question;
	struct wish *wish;
	uint32_t id;

	if (seq == 0) { /* some are lost: the audit finds out how they went */
		w->audit_due = (struct bub_time){0};
		w->ask_again = true;
		return;
	}
	if (w->flight[seq % WANT_FLIGHTS].seq != seq)
		return;
	wish = w->flight[seq % WANT_FLIGHTS].wish;
	question = w->flight[seq % WANT_FLIGHTS].question;
	id = w->flight[seq % WANT_FLIGHTS].id;
	w->flight[seq % WANT_FLIGHTS].seq = 0;
	if (question != NULL)
		question_done(w, question, seq);
	else if (wish != NULL && wish->entry.used && wish->seq == seq)
		want_judge(w, wish, id, wish->kind == WANT_RULE && error == -EEXIST ? 0 : error);
	else if (wish != NULL || id != 0)
		want_answer(w, id, error); /* it has been wished otherwise meanwhile, or is none */
	else if (error < 0 && !want_is_gone(error))
		++*w->cfg.refused;
}

static void want_on_told(void *ctx, const struct nlmsghdr *nlh)
{
	const uint32_t slot = nlh->nlmsg_seq % WANT_FLIGHTS;
	struct want *w = ctx;

	if (w->flight[slot].seq == nlh->nlmsg_seq && w->flight[slot].question != NULL)
		question_told(w->flight[slot].question, nlh);
}

void want_answers(struct want *w)
{
	nl_answers(w->cfg.nl, want_on_answer, want_on_told, w);
}

/* The kernel carries a request out before sendmsg() returns, so most verdicts are there at once. */
void want_flush_soon(struct want *w)
{
	if (!nl_waits(w->cfg.nl, NL_SOON))
		return;
	nl_send(w->cfg.nl, NL_SOON, want_on_answer, w);
	want_answers(w);
}

void want_flush(struct want *w)
{
	want_flush_soon(w);
	if (!nl_waits(w->cfg.nl, NL_LATER))
		return;
	nl_send(w->cfg.nl, NL_LATER, want_on_answer, w);
	want_answers(w);
}

static bool want_is_under_way(const struct want *w)
{
	for (unsigned i = 0; i < WANT_FLIGHTS; i++) {
		if (w->flight[i].seq != 0)
			return true;
	}
	return false;
}

int want_settle(struct want *w)
{
	struct bub_time until = bub_time_add_ms(lnx_now(), SETTLE_MS);
	int error;

	want_flush(w);
	while (want_is_under_way(w) && bub_time_before(lnx_now(), until)) {
		struct pollfd p = {.fd = nl_fd(w->cfg.nl), .events = POLLIN};

		(void)poll(&p, 1, SETTLE_MS);
		want_answers(w);
	}
	error = want_is_under_way(w) && w->first_error == 0 ? -ETIMEDOUT : w->first_error;
	w->first_error = 0;
	return error;
}

/* ---- Requests ------------------------------------------------------------------------------ */

static uint32_t want_send(struct want *w, enum nl_lane lane, struct nlmsghdr *nlh,
			  struct wish *wish, uint32_t id)
{
	uint32_t seq = nl_queue(w->cfg.nl, lane, nlh);
	unsigned slot = seq % WANT_FLIGHTS;

	if (seq == 0) {
		want_flush(w);
		seq = nl_queue(w->cfg.nl, lane, nlh);
		slot = seq % WANT_FLIGHTS;
	}
	/* A thousand requests ago, and no verdict yet: there will be none. */
	if (w->flight[slot].seq != 0)
		want_on_answer(w, w->flight[slot].seq, -ETIMEDOUT);
	w->flight[slot].seq = seq;
	w->flight[slot].wish = wish;
	w->flight[slot].question = NULL;
	w->flight[slot].id = id;
	return seq;
}

uint32_t want_request(struct want *w, enum nl_lane lane, struct nlmsghdr *nlh)
{
	return want_send(w, lane, nlh, NULL, 0);
}

static const struct nl_rule *want_rule_of(struct wish *wish)
{
	struct nl_rule *r = &wish->u.rule.rule;

	r->from = r->from != NULL ? &wish->u.rule.from : NULL;
	r->to = r->to != NULL ? &wish->u.rule.to : NULL;
	return r;
}

/* NULL: of a kind that is no request. */
static struct nlmsghdr *want_message_of(struct rtm *octets, struct wish *wish, bool add)
{
	switch ((enum want_kind)wish->kind) {
	case WANT_ADDR:
		return rtm_addr(octets, add, wish->u.on.ifindex, &wish->entry.a, 128);
	case WANT_ROUTE:
		return rtm_route(octets, add, &wish->u.route);
	case WANT_RULE:
		return rtm_rule(octets, add, want_rule_of(wish));
	case WANT_PROXY:
		return rtm_proxy(octets, add, wish->u.on.ifindex, &wish->entry.a);
	case WANT_TUN:
		return rtm_link_up(octets, wish->u.on.ifindex, wish->u.on.mtu);
	case WANT_SYSCTL:
	case WANT_PROGRAMS:
	case WANT_KINDS:
		break;
	}
	return NULL;
}

static int want_carry_out(struct want *w, const struct wish *wish)
{
	int error = 0;

	if (wish->kind == WANT_PROGRAMS)
		return w->cfg.attach(w->cfg.ctx, wish->u.on.ifindex);
	want_set_sysctl(wish->u.sysctl.path, wish->u.sysctl.value, &error);
	return error;
}

void want_put(struct want *w, struct wish *wish, uint32_t id)
{
	struct rtm octets;
	struct nlmsghdr *nlh;

	wish->round = w->round;
	wish->put_at = lnx_now();
	if (wish->kind == WANT_TUN)
		want_request(w, NL_SOON, rtm_no_link_local(&octets, wish->u.on.ifindex));
	nlh = want_message_of(&octets, wish, true);
	if (nlh == NULL)
		want_judge(w, wish, id, want_carry_out(w, wish));
	else
		wish->seq = want_send(w, wish->later ? NL_LATER : NL_SOON, nlh, wish, id);
}

/* ---- Wishes -------------------------------------------------------------------------------- */

/* The wish of this key, old or new; NULL: the table is full, which is told. */
static struct wish *want_wish_for(struct want *w, enum want_kind kind, const struct want_key *key,
				  uint32_t id, bool *ret_new)
{
	struct wish *wish = want_find(w, kind, key);

	*ret_new = wish == NULL;
	if (wish != NULL)
		return wish;
	wish = table_add(&w->wish[kind], &key->a, &key->b);
	if (wish == NULL) {
		w->cfg.log(w->cfg.ctx, true, "no room for another route, rule or address");
		want_answer(w, id, -ENOSPC);
		return NULL;
	}
	wish->kind = (uint8_t)kind;
	return wish;
}

/* It stands, or is about to: nothing to do but to say so. */
static bool want_is_settled(struct want *w, const struct wish *wish, uint32_t id)
{
	if (wish->lost || wish->seq != 0)
		return false;
	want_answer(w, id, 0);
	return true;
}

static void want_take_back(struct want *w, enum want_kind kind, const struct want_key *key)
{
	struct wish *wish = want_find(w, kind, key);
	struct rtm octets;

	if (wish == NULL)
		return;
	want_request(w, wish->later ? NL_LATER : NL_SOON, want_message_of(&octets, wish, false));
	want_drop(w, wish);
}

static bool want_same_route(const struct nl_route *a, const struct nl_route *b)
{
	return bub_addr_eq(&a->gateway, &b->gateway) && bub_addr_eq(&a->prefsrc, &b->prefsrc) &&
	       a->oif == b->oif && a->metric == b->metric && a->mtu == b->mtu &&
	       a->onlink == b->onlink;
}

static struct wish *want_route_wish(struct want *w, const struct nl_route *r, uint32_t id,
				    bool *ret_same)
{
	const struct want_key key = want_route_key(r->table, &r->dst, r->dst_len);
	bool new;
	struct wish *wish = want_wish_for(w, WANT_ROUTE, &key, id, &new);

	if (wish == NULL)
		return NULL;
	*ret_same = !new &&want_same_route(&wish->u.route, r);
	wish->u.route = *r;
	return wish;
}

void want_route(struct want *w, const struct nl_route *r, uint32_t id)
{
	bool same;
	struct wish *wish = want_route_wish(w, r, id, &same);

	if (wish != NULL && !(same && want_is_settled(w, wish, id)))
		want_put(w, wish, id);
}

void want_route_later(struct want *w, const struct nl_route *r)
{
	bool same;
	struct wish *wish = want_route_wish(w, r, 0, &same);

	if (wish == NULL)
		return;
	wish->later = true;
	if (!(same && want_is_settled(w, wish, 0)))
		want_put(w, wish, 0);
}

void want_route_anew(struct want *w, const struct nl_route *r)
{
	bool same;
	struct wish *wish = want_route_wish(w, r, 0, &same);

	if (wish != NULL)
		want_put(w, wish, 0);
}

void unwant_route(struct want *w, const struct nl_route *r)
{
	const struct want_key key = want_route_key(r->table, &r->dst, r->dst_len);

	want_take_back(w, WANT_ROUTE, &key);
}

void want_rule(struct want *w, const struct nl_rule *r, uint32_t id)
{
	const struct want_key key = want_rule_key(r);
	bool new;
	struct wish *wish = want_wish_for(w, WANT_RULE, &key, id, &new);

	if (wish == NULL || (!new &&want_is_settled(w, wish, id)))
		return;
	wish->u.rule.rule = *r;
	if (r->from != NULL)
		wish->u.rule.from = *r->from;
	if (r->to != NULL)
		wish->u.rule.to = *r->to;
	want_put(w, wish, id);
}

void unwant_rule(struct want *w, const struct nl_rule *r)
{
	const struct want_key key = want_rule_key(r);

	want_take_back(w, WANT_RULE, &key);
}

static void want_on(struct want *w, enum want_kind kind, const struct want_key *key,
		    uint32_t ifindex, uint32_t mtu, uint32_t id)
{
	bool new;
	struct wish *wish = want_wish_for(w, kind, key, id, &new);

	if (wish == NULL || (!new && wish->u.on.ifindex == ifindex &&
			     wish->u.on.mtu == mtu &&want_is_settled(w, wish, id)))
		return;
	wish->u.on.ifindex = ifindex;
	wish->u.on.mtu = mtu;
	want_put(w, wish, id);
}

void want_addr(struct want *w, uint32_t ifindex, const struct in6_addr *addr)
{
	const struct want_key key = want_addr_key(ifindex, addr);

	want_on(w, WANT_ADDR, &key, ifindex, 0, 0);
}

void unwant_addr(struct want *w, uint32_t ifindex, const struct in6_addr *addr)
{
	const struct want_key key = want_addr_key(ifindex, addr);

	want_take_back(w, WANT_ADDR, &key);
}

void want_no_addr(struct want *w, uint32_t ifindex, const struct in6_addr *addr, uint8_t prefix_len)
{
	struct rtm octets;

	want_request(w, NL_SOON, rtm_addr(&octets, false, ifindex, addr, prefix_len));
}

void want_care_of(struct want *w, const struct link_out *out)
{
	struct rtm octets;

	want_send(w, NL_SOON,
		  rtm_care_of(&octets, out->u.addr.ifindex, &out->u.addr.addr,
			      out->u.addr.prefix_len, out->u.addr.valid_s, out->u.addr.deprecated,
			      out->u.addr.optimistic),
		  NULL, out->id);
}

void want_proxy(struct want *w, uint32_t ifindex, const struct in6_addr *addr, uint32_t id)
{
	const struct want_key key = want_proxy_key(addr);
	const struct wish *before = want_find(w, WANT_PROXY, &key);
	struct rtm octets;

	if (before != NULL && before->u.on.ifindex != ifindex)
		want_request(w, NL_SOON, rtm_proxy(&octets, false, before->u.on.ifindex, addr));
	want_on(w, WANT_PROXY, &key, ifindex, 0, id);
}

void unwant_proxy(struct want *w, const struct in6_addr *addr)
{
	const struct want_key key = want_proxy_key(addr);

	want_take_back(w, WANT_PROXY, &key);
}

void want_proxies_on(struct want *w, uint32_t ifindex)
{
	const struct wish *wish = NULL;

	while ((wish = table_next(&w->wish[WANT_PROXY], wish)) != NULL) {
		if (wish->u.on.ifindex != ifindex)
			want_proxy(w, ifindex, &wish->entry.a, 0);
	}
}

void want_programs(struct want *w, uint32_t ifindex, uint32_t id)
{
	const struct want_key key = want_on_key(ifindex);

	want_on(w, WANT_PROGRAMS, &key, ifindex, 0, id);
}

void unwant_programs(struct want *w, uint32_t ifindex)
{
	const struct want_key key = want_on_key(ifindex);
	struct wish *wish = want_find(w, WANT_PROGRAMS, &key);

	if (wish != NULL)
		want_drop(w, wish);
}

void want_tun(struct want *w, uint32_t ifindex, uint32_t mtu)
{
	const struct want_key key = want_on_key(ifindex);

	want_on(w, WANT_TUN, &key, ifindex, mtu, 0);
}

static struct wish *want_find_sysctl(const struct want *w, const char *path)
{
	struct wish *wish = NULL;

	while ((wish = table_next(&w->wish[WANT_SYSCTL], wish)) != NULL) {
		if (strcmp(wish->u.sysctl.path, path) == 0)
			break;
	}
	return wish;
}

int want_sysctl(struct want *w, const char *path, int value)
{
	struct wish *wish = want_find_sysctl(w, path);
	int before = nl_sysctl_get(path);
	int err = 0;

	if (before < 0)
		return before;
	if (before != value)
		want_set_sysctl(path, value, &err);
	if (err < 0 || wish != NULL)
		return err;
	for (uint32_t i = 0; wish == NULL && i < SYSCTLS_MAX; i++) {
		const struct want_key key = want_on_key(i);

		if (want_find(w, WANT_SYSCTL, &key) == NULL)
			wish = table_add(&w->wish[WANT_SYSCTL], &key.a, &key.b);
	}
	if (wish == NULL)
		return 0; /* it is so, but nobody sees to it */
	wish->kind = WANT_SYSCTL;
	snprintf(wish->u.sysctl.path, sizeof(wish->u.sysctl.path), "%s", path);
	wish->u.sysctl.value = value;
	wish->u.sysctl.before = before;
	return 0;
}

void want_neigh(struct want *w, uint32_t ifindex, const struct in6_addr *addr,
		const uint8_t mac[static 6])
{
	struct rtm octets;

	want_request(w, NL_SOON, rtm_neigh(&octets, ifindex, addr, mac));
}

/* ---- Questions ----------------------------------------------------------------------------- */

static void want_ask_kernel(struct want *w, struct question *q)
{
	struct rtm octets;

	q->hop = (struct link_hop){0};
	q->seq = 0; /* the answer to the request before may come meanwhile */
	q->seq = want_request(w, NL_LATER, rtm_hop(&octets, &q->asked.dst, &q->asked.src));
	w->flight[q->seq % WANT_FLIGHTS].question = q;
}

bool want_ask(struct want *w, const struct link_hop_question *question)
{
	struct question *q = question_admit(w, question);

	if (q == NULL)
		return false;
	want_ask_kernel(w, q);
	return true;
}

/* What has no answer, where some are lost. */
static void want_ask_again(struct want *w)
{
	struct question *q = NULL;

	if (!w->ask_again)
		return;
	w->ask_again = false;
	while ((q = table_next(&w->question, q)) != NULL) {
		if (!q->told)
			want_ask_kernel(w, q);
	}
}

/* ---- Time ---------------------------------------------------------------------------------- */

struct bub_time want_deadline(const struct want *w)
{
	struct bub_time audit = audit_deadline(w);

	if (w->n_verdicts > 0 || w->n_told > 0 || w->ask_again || nl_waits(w->cfg.nl, NL_SOON) ||
	    nl_waits(w->cfg.nl, NL_LATER))
		return (struct bub_time){0};
	return w->n_lost > 0 && bub_time_before(w->repair_due, audit) ? w->repair_due : audit;
}

void want_expire(struct want *w, struct bub_time now)
{
	repair_expire(w, now);
	audit_expire(w, now);
	want_ask_again(w);
	want_flush(w);
}
