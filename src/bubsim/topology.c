/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The topology file: one statement a line, '#' begins a comment; see docs/bubsim.md for all of it.
 *
 *   place NAME PREFIX/64 [delay T] [jitter T] [loss P [from T]] [dup P] [reorder P] [mtu N] [valid
 * T] agent NAME at PLACE [KEYWORD VALUE]... mobile NAME agent AGENT [at PLACE] [KEYWORD VALUE]...
 *   correspondent NAME at PLACE [KEYWORD VALUE]...
 *   pair NAME NAME [every T] [octets N] [expect MODE]
 *   attacker at PLACE ART[,ART...]
 *   at T move NAME PLACE [by N] | home NAME [by N] | leave NAME [by N] | withdraw NAME [by N] |
 *        pause NAME for T | forget NAME for T | cut PLACE for T | block PLACE PLACE for T |
 *        refresh NAME | bub NAME NAME
 *   seed N   time T   liveness T
 *
 * T is a number with us, ms, s (default), m or h; P a percentage.  Names are used after they were
 * made.  The first error ends the reading.
 */
#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "plan.h"

#define WORDS_MAX 64
#define LINE_MAX_LEN 1024
#define DELAY_MAX_US 60000000u

struct reader {
	struct plan *plan;
	const char *path;
	unsigned line;
	char *word[WORDS_MAX];
	unsigned n_words, at; /* at: the next one */
	bool failed;
};

/* ---- Words --------------------------------------------------------------------------------- */

static void complain(struct reader *r, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

static void complain(struct reader *r, const char *format, ...)
{
	va_list ap;

	if (r->failed)
		return;
	r->failed = true;
	fprintf(stderr, "%s:%u: ", r->path, r->line);
	va_start(ap, format);
	vfprintf(stderr, format, ap);
	va_end(ap);
	fputc('\n', stderr);
}

/* Never NULL; "" past the end, which nothing accepts. */
static const char *next(struct reader *r, const char *what)
{
	const char *word = r->at < r->n_words ? r->word[r->at++] : NULL;

	if (word != NULL)
		return word;
	complain(r, "%s is missing", what);
	return "";
}

static bool more(const struct reader *r)
{
	return !r->failed && r->at < r->n_words;
}

/* Takes the next word if it is this one. */
static bool is_next(struct reader *r, const char *word)
{
	if (r->at >= r->n_words || strcmp(r->word[r->at], word) != 0)
		return false;
	r->at++;
	return true;
}

static void expect(struct reader *r, const char *word)
{
	if (!r->failed && !is_next(r, word))
		complain(r, "expected '%s'", word);
}

static double topology_number(struct reader *r, const char *what, const char **ret_tail)
{
	const char *text = next(r, what);
	char *end;
	double v;

	errno = 0;
	v = strtod(text, &end);
	if (!r->failed && (end == text || errno != 0 || !(v >= 0) || v > 1e12))
		complain(r, "%s: '%s' is not a number", what, text);
	*ret_tail = end;
	return r->failed ? 0 : v;
}

static uint64_t duration_us(struct reader *r, const char *what)
{
	static const struct {
		const char *unit;
		double us;
	} unit[] = {{"us", 1}, {"ms", 1e3}, {"s", 1e6}, {"", 1e6}, {"m", 6e7}, {"h", 3.6e9}};
	const char *tail;
	double v = topology_number(r, what, &tail);

	for (unsigned i = 0; !r->failed && i < sizeof unit / sizeof *unit; i++)
		if (strcmp(tail, unit[i].unit) == 0 && v * unit[i].us < 1e15)
			return (uint64_t)(v * unit[i].us);
	complain(r, "%s: us, ms, s, m or h, not '%s'", what, tail);
	return 0;
}

static uint32_t duration_ms(struct reader *r, const char *what)
{
	uint64_t ms = duration_us(r, what) / 1000;

	if (ms > UINT32_MAX / 4)
		complain(r, "%s: too long", what);
	return (uint32_t)ms;
}

static uint32_t delay_us(struct reader *r, const char *what)
{
	uint64_t us = duration_us(r, what);

	if (us > DELAY_MAX_US)
		complain(r, "%s: too long for a link", what);
	return (uint32_t)us;
}

static uint32_t whole(struct reader *r, const char *what, uint32_t min, uint32_t max)
{
	const char *tail;
	double v = topology_number(r, what, &tail);

	if (!r->failed && (*tail != '\0' || v < min || v > max || v != (double)(uint32_t)v))
		complain(r, "%s: a whole number from %u to %u", what, min, max);
	return r->failed ? min : (uint32_t)v;
}

static uint32_t ppm(struct reader *r, const char *what)
{
	const char *tail;
	double v = topology_number(r, what, &tail);

	if (!r->failed && ((*tail != '\0' && strcmp(tail, "%") != 0) || v > 100))
		complain(r, "%s: a percentage", what);
	return (uint32_t)(v * 10000);
}

static bool yes_or_no(struct reader *r)
{
	const char *text = next(r, "yes or no");

	if (!r->failed && strcmp(text, "yes") != 0 && strcmp(text, "no") != 0)
		complain(r, "yes or no, not '%s'", text);
	return strcmp(text, "yes") == 0;
}

static void name(struct reader *r, char ret_name[PLAN_NAME_MAX])
{
	const char *text = next(r, "a name");

	if (!r->failed && strlen(text) >= PLAN_NAME_MAX)
		complain(r, "a name has at most %d letters: '%s'", PLAN_NAME_MAX - 1, text);
	if (!r->failed)
		snprintf(ret_name, PLAN_NAME_MAX, "%s", text);
}

static uint32_t find_place(const struct plan *p, const char *text)
{
	for (uint32_t i = 0; i < p->n_places; i++)
		if (strcmp(p->place[i].name, text) == 0)
			return i;
	return PLAN_NOWHERE;
}

static uint32_t find_node(const struct plan *p, const char *text)
{
	for (uint32_t i = 0; i < p->n_nodes; i++)
		if (strcmp(p->node[i].name, text) == 0)
			return i;
	return PLAN_NOWHERE;
}

static uint32_t topology_place(struct reader *r)
{
	const char *text = next(r, "a place");
	uint32_t i = find_place(r->plan, text);

	if (i == PLAN_NOWHERE)
		complain(r, "no place '%s'", text);
	return r->failed ? 0 : i;
}

static uint32_t node(struct reader *r)
{
	const char *text = next(r, "a node");
	uint32_t i = find_node(r->plan, text);

	if (i == PLAN_NOWHERE)
		complain(r, "no node '%s'", text);
	return r->failed ? 0 : i;
}

static uint32_t mobile(struct reader *r)
{
	uint32_t i = node(r);

	if (!r->failed && r->plan->node[i].role != ROLE_MOBILE)
		complain(r, "'%s' does not move", r->plan->node[i].name);
	return i;
}

/* The host @host of the prefix of place @i. */
static struct in6_addr address_at(const struct plan *p, uint32_t i, uint32_t host)
{
	struct in6_addr a = p->place[i].prefix;

	for (unsigned k = 0; k < 4; k++)
		a.s6_addr[15 - k] = (uint8_t)(host >> 8 * k);
	return a;
}

/* ---- Places -------------------------------------------------------------------------------- */

static void prefix(struct reader *r, struct plan_place *p)
{
	const char *text = next(r, "a prefix");
	char buf[INET6_ADDRSTRLEN];
	size_t len = strcspn(text, "/");

	if (r->failed)
		return;
	if (len >= sizeof buf || strcmp(text + len, "/64") != 0) {
		complain(r, "a prefix of 64 bits, as 2001:db8:1::/64, not '%s'", text);
		return;
	}
	memcpy(buf, text, len);
	buf[len] = '\0';
	if (inet_pton(AF_INET6, buf, &p->prefix) != 1 ||
	    memcmp(p->prefix.s6_addr + 8, in6addr_any.s6_addr, 8) != 0 ||
	    !bub_addr_is_routable(&p->prefix))
		complain(r, "not a prefix for use here: '%s'", text);
}

static uint32_t lifetime_s(struct reader *r, const char *what)
{
	uint64_t s = duration_us(r, what) / 1000000;

	if (!r->failed && (s < 4 || s > BUB_LIFETIME_MAX_S))
		complain(r, "%s: from 4 s to %u s", what, BUB_LIFETIME_MAX_S);
	return (uint32_t)s;
}

static void read_loss(struct reader *r, struct plan_place *place)
{
	place->loss_ppm = ppm(r, "loss");
	if (more(r) && is_next(r, "from"))
		place->loss_from_ms = duration_us(r, "from") / 1000;
}

static void read_place(struct reader *r)
{
	struct plan_place p = {0};

	name(r, p.name);
	prefix(r, &p);
	while (more(r)) {
		if (is_next(r, "delay"))
			p.delay_us = delay_us(r, "delay");
		else if (is_next(r, "jitter"))
			p.jitter_us = delay_us(r, "jitter");
		else if (is_next(r, "loss"))
			read_loss(r, &p);
		else if (is_next(r, "dup"))
			p.dup_ppm = ppm(r, "dup");
		else if (is_next(r, "reorder"))
			p.reorder_ppm = ppm(r, "reorder");
		else if (is_next(r, "mtu"))
			p.mtu = whole(r, "mtu", BUB_MIN_MTU, 65535);
		else if (is_next(r, "valid"))
			p.valid_s = lifetime_s(r, "valid");
		else
			complain(r, "a place has no '%s'", r->word[r->at]);
	}
	if (!r->failed && find_place(r->plan, p.name) != PLAN_NOWHERE)
		complain(r, "there is a place '%s' already", p.name);
	for (unsigned i = 0; !r->failed && i < r->plan->n_places; i++)
		if (bub_addr_eq(&r->plan->place[i].prefix, &p.prefix))
			complain(r, "place '%s' has this prefix", r->plan->place[i].name);
	if (!r->failed)
		*plan_add_place(r->plan) = p;
}

/* ---- Nodes --------------------------------------------------------------------------------- */

static enum bub_policy policy(struct reader *r, const char *what)
{
	static const char *const word[] = {"allow", "never", "require"};
	const char *text = next(r, what);

	for (unsigned i = 0; i < sizeof word / sizeof *word; i++)
		if (strcmp(text, word[i]) == 0)
			return (enum bub_policy)i;
	complain(r, "%s: allow, never or require, not '%s'", what, text);
	return BUB_POLICY_ALLOW;
}

/* "2", "2,1" */
static void suites(struct reader *r, struct bub_config *c)
{
	const char *text = next(r, "suites");

	c->n_suites = 0;
	for (; !r->failed; text += 2) {
		if ((*text != '1' && *text != '2') || (text[1] != '\0' && text[1] != ',') ||
		    c->n_suites == BUB_SUITES_MAX) {
			complain(r, "suites: 1, 2 or both with a comma");
			return;
		}
		c->suite[c->n_suites++] = (uint8_t)(*text - '0');
		if (text[1] == '\0')
			return;
	}
}

struct flag {
	const char *keyword;
	size_t offset; /* of a bool in struct bub_config */
};

#define FLAG(keyword, field)                                                                       \
	{                                                                                          \
		keyword, offsetof(struct bub_config, field)                                        \
	}

static bool read_flag(struct reader *r, struct bub_config *c)
{
	static const struct flag flag[] = {
		FLAG("direct-copy", direct_copy),
		FLAG("eager", eager_bub),
		FLAG("ack-correspondents", ack_correspondents),
		FLAG("prefix-discovery", prefix_discovery),
		FLAG("accept-refresh-requests", accept_brr),
		FLAG("send-refresh-requests", send_brr),
		FLAG("static-correspondents", static_kabm),
		FLAG("refresh-unused", refresh_unused),
		FLAG("check-care-of", check_care_of),
		FLAG("physical-link", ha.physical_link),
		FLAG("stable-storage", ha.stable),
	};
	bool value;

	for (unsigned i = 0; i < sizeof flag / sizeof *flag; i++)
		if (is_next(r, flag[i].keyword)) {
			value = yes_or_no(r);
			memcpy((uint8_t *)c + flag[i].offset, &value, sizeof value);
			return true;
		}
	return false;
}

static void read_drift(struct reader *r, struct plan_node *n)
{
	const char *text = next(r, "drift");
	bool slow = *text == '-';
	char *end;
	unsigned long v = strtoul(text + slow, &end, 10);

	if (!r->failed && (end == text + slow || *end != '\0' || v > 100000))
		complain(r, "drift: parts per million, from -100000 to 100000");
	n->drift_ppm = slow ? -(int32_t)v : (int32_t)v;
}

static uint32_t prefix_lifetime_s(struct reader *r, const char *what)
{
	uint64_t s = duration_us(r, what) / 1000000;

	if (!r->failed && (s < 4 || s >= UINT32_MAX))
		complain(r, "%s: from 4 s to %u s", what, UINT32_MAX - 1);
	return (uint32_t)s;
}

/* What only home agents have. */
static bool read_agent_option(struct reader *r, struct plan_node *n)
{
	struct bub_ha_config *ha = &n->cfg.ha;

	if (n->role != ROLE_AGENT)
		return false;
	if (is_next(r, "lifetime-max"))
		ha->lifetime_max_s = lifetime_s(r, "lifetime-max");
	else if (is_next(r, "prefix-valid"))
		ha->prefix[0].valid_s = prefix_lifetime_s(r, "prefix-valid");
	else if (is_next(r, "prefix-preferred"))
		ha->prefix[0].preferred_s = prefix_lifetime_s(r, "prefix-preferred");
	else if (is_next(r, "preference"))
		ha->preference = (uint16_t)whole(r, "preference", 0, UINT16_MAX);
	else if (is_next(r, "backhaul"))
		ha->backhaul = is_next(r, "encapsulated")
				       ? BUB_BACKHAUL_ENCAPSULATED
				       : (expect(r, "plain"), BUB_BACKHAUL_PLAIN);
	else
		return false;
	return true;
}

/* What only mobile nodes have. */
static bool read_mobile_option(struct reader *r, struct plan_node *n)
{
	if (n->role != ROLE_MOBILE)
		return false;
	if (is_next(r, "alternate-care-of"))
		n->cfg.home[0].alternate_care_of = yes_or_no(r);
	else if (is_next(r, "lifetime"))
		n->cfg.home[0].lifetime_s = lifetime_s(r, "lifetime");
	else if (is_next(r, "discover"))
		n->discovers = yes_or_no(r);
	else if (is_next(r, "preferences"))
		for (unsigned i = 0; i < WORLD_INTERFACES; i++)
			n->preference[i] = (int32_t)whole(r, "preferences", 0, INT32_MAX);
	else
		return false;
	return true;
}

static void read_option(struct reader *r, struct plan_node *n)
{
	struct bub_config *c = &n->cfg;

	if (read_flag(r, c) || read_agent_option(r, n) || read_mobile_option(r, n))
		return;
	if (is_next(r, "route-optimisation"))
		c->route_optimisation = policy(r, "route-optimisation");
	else if (is_next(r, "bub"))
		c->bub = policy(r, "bub");
	else if (is_next(r, "suites"))
		suites(r, c);
	else if (is_next(r, "bub-lifetime"))
		c->bub_lifetime_s = lifetime_s(r, "bub-lifetime");
	else if (is_next(r, "kabm-lifetime"))
		c->kabm_lifetime_s = lifetime_s(r, "kabm-lifetime");
	else if (is_next(r, "static-after"))
		c->static_after_s = lifetime_s(r, "static-after");
	else if (is_next(r, "drift"))
		read_drift(r, n);
	else
		complain(r, "a node has no '%s'", r->word[r->at]);
}

/* Agents have the hosts 1, 2, ... of their link, others 1000, 1001, ... by their order. */
static struct in6_addr host_of(const struct plan *p, const struct plan_node *n)
{
	uint32_t host = n->role == ROLE_AGENT ? 1 : 0x1000 + p->n_nodes;

	if (n->role == ROLE_MOBILE)
		return address_at(p, p->node[n->agent].home, host);
	for (unsigned i = 0; i < p->n_nodes && n->role == ROLE_AGENT; i++)
		host += p->node[i].role == ROLE_AGENT && p->node[i].home == n->home;
	return address_at(p, n->at, host);
}

static void read_node(struct reader *r, enum plan_role role)
{
	struct plan_node n = {.role = role};

	plan_config(&n);
	name(r, n.name);
	if (!r->failed && find_node(r->plan, n.name) != PLAN_NOWHERE)
		complain(r, "there is a node '%s' already", n.name);
	if (role == ROLE_MOBILE) {
		expect(r, "agent");
		n.agent = node(r);
		if (!r->failed && r->plan->node[n.agent].role != ROLE_AGENT)
			complain(r, "'%s' is no home agent", r->plan->node[n.agent].name);
		if (is_next(r, "at"))
			n.at = topology_place(r);
	} else {
		expect(r, "at");
		n.at = topology_place(r);
		n.home = n.at;
	}
	while (more(r))
		read_option(r, &n);
	if (r->failed)
		return;
	n.address = host_of(r->plan, &n);
	*plan_add_node(r->plan) = n;
}

/* ---- Pairs, attackers, timetable ----------------------------------------------------------- */

static void read_expected(struct reader *r, struct plan_pair *p)
{
	const char *text = next(r, "a mode");

	for (unsigned i = BUB_MODE_PLAIN; i <= BUB_MODE_BUB; i++)
		if (strcmp(text, bub_mode_name((enum bub_mode)i)) == 0) {
			p->has_expected = true;
			p->expected = (enum bub_mode)i;
			return;
		}
	complain(r, "expect: plain, tunnel, ro or bub, not '%s'", text);
}

static void read_pair(struct reader *r)
{
	struct plan_pair p = {.every_ms = 1000, .octets = 64};

	p.node[0] = node(r);
	p.node[1] = node(r);
	for (unsigned i = 0; !r->failed && i < 2; i++)
		if (r->plan->node[p.node[i]].role == ROLE_AGENT)
			complain(r, "a home agent exchanges no data");
	if (!r->failed && p.node[0] == p.node[1])
		complain(r, "a pair is two nodes");
	while (more(r)) {
		if (is_next(r, "every"))
			p.every_ms = duration_ms(r, "every");
		else if (is_next(r, "octets"))
			p.octets = whole(r, "octets", 20, 1000);
		else if (is_next(r, "expect"))
			read_expected(r, &p);
		else
			complain(r, "a pair has no '%s'", r->word[r->at]);
	}
	if (!r->failed && p.every_ms == 0)
		complain(r, "every: at least 1 ms");
	if (!r->failed)
		*plan_add_pair(r->plan) = p;
}

static void read_attacker(struct reader *r)
{
	const uint32_t known = UINT32_C(1) << FAULT_REPLAY | UINT32_C(1) << FAULT_FORGE |
			       UINT32_C(1) << FAULT_DELAY | UINT32_C(1) << FAULT_DROP |
			       UINT32_C(1) << FAULT_SPOOF;
	struct plan_attacker a;
	const char *text;

	expect(r, "at");
	a.place = topology_place(r);
	text = next(r, "what the attacker does");
	if (!r->failed && (!plan_faults_parse(text, &a.arts) || (a.arts & ~known) != 0))
		complain(r, "an attacker can replay, forge, delay, drop, spoof, not '%s'", text);
	if (!r->failed)
		*plan_add_attacker(r->plan) = a;
}

static void read_for(struct reader *r, struct plan_event *e)
{
	expect(r, "for");
	e->for_ms = duration_ms(r, "for");
}

/* Interfaces are counted from 1 in files. */
static void read_interface(struct reader *r, struct plan_event *e)
{
	if (is_next(r, "by"))
		e->iface = whole(r, "by", 1, WORLD_INTERFACES) - 1;
}

static void read_what(struct reader *r, struct plan_event *e)
{
	if (is_next(r, "move")) {
		e->who = mobile(r);
		e->where = topology_place(r);
		read_interface(r, e);
	} else if (is_next(r, "leave") || is_next(r, "withdraw")) {
		e->what = strcmp(r->word[r->at - 1], "leave") == 0 ? PLAN_MOVE : PLAN_WITHDRAW;
		e->who = mobile(r);
		e->where = PLAN_NOWHERE;
		read_interface(r, e);
	} else if (is_next(r, "home")) {
		e->who = mobile(r);
		e->where = r->failed ? 0 : r->plan->node[r->plan->node[e->who].agent].home;
		read_interface(r, e);
	} else if (is_next(r, "pause") || is_next(r, "forget")) {
		e->what = strcmp(r->word[r->at - 1], "pause") == 0 ? PLAN_PAUSE : PLAN_FORGET;
		e->who = node(r);
		read_for(r, e);
	} else if (is_next(r, "cut")) {
		e->what = PLAN_CUT;
		e->where = topology_place(r);
		read_for(r, e);
	} else if (is_next(r, "block")) {
		e->what = PLAN_BLOCK;
		e->who = topology_place(r);
		e->where = topology_place(r);
		read_for(r, e);
	} else if (is_next(r, "refresh")) {
		e->what = PLAN_COMMAND;
		e->who = mobile(r);
		e->where = BUB_CMD_SEND_BINDING_UPDATES;
		e->other = PLAN_NOWHERE;
	} else if (is_next(r, "bub")) {
		e->what = PLAN_COMMAND;
		e->who = mobile(r);
		e->where = BUB_CMD_START_BUB;
		e->other = node(r);
	} else {
		complain(r, "what is to happen? '%s'", next(r, "what"));
	}
}

static void read_event(struct reader *r)
{
	struct plan_event e = {.at_ms = duration_us(r, "at") / 1000, .what = PLAN_MOVE};
	struct plan_event *slot;

	read_what(r, &e);
	if (r->failed)
		return;
	slot = plan_add_event(r->plan);
	e.order = slot->order;
	*slot = e;
}

/* ---- The file ------------------------------------------------------------------------------ */

static void read_statement(struct reader *r)
{
	if (is_next(r, "place"))
		read_place(r);
	else if (is_next(r, "agent"))
		read_node(r, ROLE_AGENT);
	else if (is_next(r, "mobile"))
		read_node(r, ROLE_MOBILE);
	else if (is_next(r, "correspondent"))
		read_node(r, ROLE_CORRESPONDENT);
	else if (is_next(r, "pair"))
		read_pair(r);
	else if (is_next(r, "attacker"))
		read_attacker(r);
	else if (is_next(r, "at"))
		read_event(r);
	else if (is_next(r, "seed"))
		r->plan->seed = whole(r, "seed", 0, UINT32_MAX);
	else if (is_next(r, "time"))
		r->plan->time_ms = duration_us(r, "time") / 1000;
	else if (is_next(r, "liveness"))
		r->plan->liveness_ms = duration_ms(r, "liveness");
	else
		complain(r, "no such statement: '%s'", r->word[r->at]);
	if (more(r))
		complain(r, "'%s' is too much", r->word[r->at]);
}

static void read_line(struct reader *r, char *line)
{
	char *save = NULL;

	line[strcspn(line, "#\n")] = '\0';
	r->n_words = r->at = 0;
	for (char *w = strtok_r(line, " \t\r", &save); w != NULL;
	     w = strtok_r(NULL, " \t\r", &save)) {
		if (r->n_words == WORDS_MAX) {
			complain(r, "at most %d words a line", WORDS_MAX);
			return;
		}
		r->word[r->n_words++] = w;
	}
	if (r->n_words > 0)
		read_statement(r);
}

/* Events past the end of the faults would never happen. */
static void check_times(struct reader *r)
{
	uint64_t last_ms = 0;

	for (unsigned i = 0; i < r->plan->n_events; i++)
		if (r->plan->event[i].at_ms > last_ms)
			last_ms = r->plan->event[i].at_ms;
	if (r->plan->time_ms == 0)
		r->plan->time_ms = last_ms + 10000;
	else if (last_ms > r->plan->time_ms)
		complain(r, "something happens after the end ('time')");
	if (r->plan->n_nodes == 0)
		complain(r, "no nodes");
}

bool topology_read(const char *path, struct plan *ret_plan)
{
	struct reader r = {.plan = ret_plan, .path = path};
	char line[LINE_MAX_LEN];
	FILE *f = fopen(path, "r");

	*ret_plan = (struct plan){.seed = 1};
	if (f == NULL) {
		fprintf(stderr, "bubsim: %s: %s\n", path, strerror(errno));
		return false;
	}
	while (!r.failed && fgets(line, sizeof line, f) != NULL) {
		r.line++;
		if (strchr(line, '\n') == NULL && !feof(f))
			complain(&r, "at most %d characters a line", LINE_MAX_LEN - 2);
		else
			read_line(&r, line);
	}
	fclose(f);
	check_times(&r);
	if (r.failed)
		plan_done(ret_plan);
	else
		plan_finish(ret_plan);
	return !r.failed;
}
