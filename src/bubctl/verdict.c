/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * See verdict.h.  Owns what is understood of nft's JSON (libnftables-json(5)).  What is not is a
 * match that may hold or not, so that it never makes a verdict sure.
 */
#include "verdict.h"

#include <stdlib.h>
#include <string.h>

#define DEPTH_MAX 16 /* as many jumps as the kernel allows */

/* In ascending order: of several matches of a rule the least counts. */
enum holds { HOLDS_NOT, HOLDS_MAYBE, HOLDS };

enum outcome { GOES_ON, RETURNS, ACCEPTED, DROPPED };

struct verdict_walk {
	const json_t *rules;
	const struct verdict_flow *flow;
	struct verdict v;
	bool maybe_accepted;
	bool about; /* the rule at hand is about such packets */
};

static const char *vd_text(const json_t *object, const char *name)
{
	const char *text = json_string_value(json_object_get(object, name));

	return text != NULL ? text : "";
}

/* ---- Values -------------------------------------------------------------------------------- */

static unsigned protocol_number(const char *name)
{
	static const struct {
		const char *name;
		unsigned number;
	} known[] = {
		{"tcp", 6},        {"udp", 17},
		{"ipv6", 41},      {"esp", 50},
		{"ah", 51},        {"ipv6-icmp", 58},
		{"icmpv6", 58},    {"ipv6-route", 43},
		{"ipv6-opts", 60}, {"mobility-header", 135},
	};

	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if (strcmp(known[i].name, name) == 0)
			return known[i].number;
	return (unsigned)strtoul(name, NULL, 10);
}

typedef bool same_fn(const struct verdict_flow *flow, const json_t *value);

static bool same_protocol(const struct verdict_flow *flow, const json_t *value)
{
	const unsigned number = json_is_string(value) ? protocol_number(json_string_value(value))
						      : (unsigned)json_integer_value(value);

	return number == flow->protocol;
}

/* As a next header of the IPv6 header itself. */
static bool same_next_header(const struct verdict_flow *flow, const json_t *value)
{
	const char *name = json_string_value(value);
	const unsigned number =
		name != NULL ? protocol_number(name) : (unsigned)json_integer_value(value);

	return number == flow->protocol || (flow->mobility && (number == 60 || number == 43));
}

static bool same_icmp_type(const struct verdict_flow *flow, const json_t *value)
{
	return flow->icmp_type != NULL && json_is_string(value) &&
	       strcmp(json_string_value(value), flow->icmp_type) == 0;
}

static bool same_port(const struct verdict_flow *flow, const json_t *value)
{
	return (unsigned)json_integer_value(value) == flow->port;
}

static bool same_name(const char *name, const json_t *value)
{
	const char *pattern = json_string_value(value);
	size_t len = pattern != NULL ? strlen(pattern) : 0;

	if (len > 0 && pattern[len - 1] == '*')
		return strncmp(name, pattern, len - 1) == 0;
	return pattern != NULL && strcmp(name, pattern) == 0;
}

static bool same_in(const struct verdict_flow *flow, const json_t *value)
{
	return same_name(flow->in, value);
}

static bool same_out(const struct verdict_flow *flow, const json_t *value)
{
	return same_name(flow->out, value);
}

/* The first packet of a connection. */
static bool same_state(const struct verdict_flow *flow, const json_t *value)
{
	(void)flow;
	return json_is_string(value) && strcmp(json_string_value(value), "new") == 0;
}

static bool same_family(const struct verdict_flow *flow, const json_t *value)
{
	(void)flow;
	return json_is_string(value) && (strcmp(json_string_value(value), "ipv6") == 0 ||
					 strcmp(json_string_value(value), "ip6") == 0);
}

static bool same_true(const struct verdict_flow *flow, const json_t *value)
{
	(void)flow;
	return json_is_true(value) || json_integer_value(value) == 2; /* rt type 2 */
}

/* Compares with one value, a set, a list or a range. */
static enum holds among(const struct verdict_flow *flow, same_fn *same, const json_t *right)
{
	const json_t *set = json_object_get(right, "set");
	const json_t *list = json_is_array(right) ? right : set;
	const json_t *one = NULL;
	enum holds found = HOLDS_NOT;
	size_t i = 0;

	if (json_is_string(right) && json_string_value(right)[0] == '@')
		return HOLDS_MAYBE; /* a set with a name */
	if (list == NULL && json_is_object(right))
		return HOLDS_MAYBE; /* a range, a prefix, an expression */
	if (list == NULL)
		return same(flow, right) ? HOLDS : HOLDS_NOT;
	if (!json_is_array(list))
		return same(flow, list) ? HOLDS : HOLDS_NOT;
	json_array_foreach(list, i, one)
	{
		enum holds h = among(flow, same, one);

		found = h > found ? h : found;
	}
	return found;
}

/* ---- Matches ------------------------------------------------------------------------------- */

/* Which comparison a key needs.  NULL: *ret_else holds whatever the value is. */
static same_fn *meta_key(const struct verdict_walk *w, const char *key, enum holds *ret_else)
{
	*ret_else = HOLDS_MAYBE;
	if (strcmp(key, "l4proto") == 0)
		return same_protocol;
	if (strcmp(key, "nfproto") == 0 || strcmp(key, "protocol") == 0)
		return same_family;
	if (strncmp(key, "iif", 3) == 0 && w->flow->in != NULL)
		return same_in;
	if (strncmp(key, "oif", 3) == 0 && w->flow->out != NULL)
		return same_out;
	return NULL;
}

static same_fn *payload_key(struct verdict_walk *w, const json_t *payload, enum holds *ret_else)
{
	const char *protocol = vd_text(payload, "protocol"), *field = vd_text(payload, "field");

	*ret_else = HOLDS_MAYBE;
	if (strcmp(protocol, "ip6") == 0)
		return strcmp(field, "nexthdr") == 0 ? same_next_header : NULL;
	if (strcmp(field, "dport") == 0 && w->flow->port != 0 &&
	    (strcmp(protocol, "th") == 0 || protocol_number(protocol) == w->flow->protocol))
		return same_port;
	if (protocol[0] == '\0' || strcmp(protocol, "th") == 0 || strcmp(protocol, "ether") == 0)
		return NULL;
	if (protocol_number(protocol) != w->flow->protocol)
		*ret_else = HOLDS_NOT; /* a field of another protocol */
	else if (strcmp(protocol, "icmpv6") == 0 && strcmp(field, "type") == 0)
		return same_icmp_type;
	return NULL;
}

/* Extension headers: those of Mobile IPv6 may be there. */
static same_fn *exthdr_key(struct verdict_walk *w, const json_t *exthdr, enum holds *ret_else)
{
	const char *name = vd_text(exthdr, "name"), *field = vd_text(exthdr, "field");
	const bool routing = strncmp(name, "rt", 2) == 0;

	*ret_else = HOLDS_NOT;
	if (!w->flow->mobility)
		return NULL;
	if (strcmp(name, "mh") == 0)
		*ret_else = w->flow->protocol == 135 ? HOLDS_MAYBE : HOLDS_NOT;
	else if ((routing || strcmp(name, "dst") == 0) &&
		 (field[0] == '\0' || strcmp(field, "type") == 0))
		return same_true;
	else if (routing || strcmp(name, "dst") == 0)
		*ret_else = HOLDS_MAYBE;
	w->about |= *ret_else == HOLDS_MAYBE;
	return NULL;
}

/* The key on the left of a match or of a map. */
static same_fn *left_key(struct verdict_walk *w, const json_t *left, enum holds *ret_else)
{
	const json_t *part = json_object_get(left, "meta");
	same_fn *same = NULL;

	*ret_else = HOLDS_MAYBE;
	if (part != NULL)
		same = meta_key(w, vd_text(part, "key"), ret_else);
	else if ((part = json_object_get(left, "payload")) != NULL)
		same = payload_key(w, part, ret_else);
	else if ((part = json_object_get(left, "exthdr")) != NULL)
		same = exthdr_key(w, part, ret_else);
	else if ((part = json_object_get(left, "ct")) != NULL &&
		 strcmp(vd_text(part, "key"), "state") == 0)
		same = same_state;
	if (same == same_protocol || same == same_next_header || same == same_icmp_type ||
	    same == same_true || same == same_port)
		w->about = true;
	return same;
}

static enum holds match(struct verdict_walk *w, const json_t *m)
{
	const bool negated = strcmp(vd_text(m, "op"), "!=") == 0;
	enum holds held = HOLDS_MAYBE;
	const bool about = w->about;
	same_fn *same = left_key(w, json_object_get(m, "left"), &held);

	if (same != NULL)
		held = among(w->flow, same, json_object_get(m, "right"));
	/* Without the field there is nothing that could be unequal. */
	if (!negated || (same == NULL && held == HOLDS_NOT))
		return held;
	w->about = about; /* about all the others */
	return held == HOLDS ? HOLDS_NOT : held == HOLDS_NOT ? HOLDS : HOLDS_MAYBE;
}

/* Matches of iptables that nft does not show the inside of. */
static enum holds xt_match(struct verdict_walk *w, const char *name)
{
	static const char *const of_mobility[] = {"rt", "dst", "ipv6header", "mh"};

	if (strcmp(name, "comment") == 0)
		return HOLDS;
	for (size_t i = 0; i < sizeof(of_mobility) / sizeof(of_mobility[0]); i++)
		if (strcmp(of_mobility[i], name) == 0) {
			w->about = w->flow->mobility;
			return w->flow->mobility ? HOLDS_MAYBE : HOLDS_NOT;
		}
	return HOLDS_MAYBE;
}

/* ---- Rules --------------------------------------------------------------------------------- */

static enum outcome walk_chain(struct verdict_walk *w, const json_t *at, const char *name,
			       unsigned depth);

/* Where @says is a verdict, as it stands in a rule or a map: what comes of it.  @at is the rule. */
static bool vd_outcome(struct verdict_walk *w, const json_t *at, const json_t *says, unsigned depth,
		       enum outcome *ret_outcome)
{
	const json_t *to = NULL;

	if (json_object_get(says, "accept") != NULL) {
		*ret_outcome = ACCEPTED;
	} else if (json_object_get(says, "drop") != NULL ||
		   json_object_get(says, "reject") != NULL ||
		   strcmp(vd_text(json_object_get(says, "xt"), "name"), "REJECT") == 0) {
		*ret_outcome = DROPPED;
	} else if (json_object_get(says, "return") != NULL) {
		*ret_outcome = RETURNS;
	} else if ((to = json_object_get(says, "jump")) != NULL ||
		   (to = json_object_get(says, "goto")) != NULL) {
		*ret_outcome = walk_chain(w, at, vd_text(to, "target"), depth + 1);
		if (*ret_outcome == GOES_ON && json_object_get(says, "goto") != NULL)
			*ret_outcome = RETURNS;
	} else {
		return false;
	}
	return true;
}

/* A map from values to verdicts. */
static bool vmap_outcome(struct verdict_walk *w, const json_t *at, const json_t *vmap,
			 unsigned depth, enum holds *held, enum outcome *ret_outcome)
{
	const json_t *set = json_object_get(json_object_get(vmap, "data"), "set");
	const json_t *pair = NULL;
	enum holds or_else = HOLDS_MAYBE;
	same_fn *same = left_key(w, json_object_get(vmap, "key"), &or_else);
	size_t i = 0;

	json_array_foreach(set, i, pair)
	{
		enum holds h =
			same != NULL ? among(w->flow, same, json_array_get(pair, 0)) : or_else;

		if (h != HOLDS_NOT &&
		    vd_outcome(w, at, json_array_get(pair, 1), depth, ret_outcome)) {
			*held = h < *held ? h : *held;
			return true;
		}
	}
	return false;
}

static enum outcome walk_rule(struct verdict_walk *w, const json_t *rule, unsigned depth)
{
	enum holds held = HOLDS;
	enum outcome outcome = GOES_ON;
	const json_t *e = NULL, *xt = NULL;
	size_t i = 0;

	w->about = false;
	json_array_foreach(json_object_get(rule, "expr"), i, e)
	{
		enum holds h = HOLDS;

		if (json_object_get(e, "match") != NULL)
			h = match(w, json_object_get(e, "match"));
		else if ((xt = json_object_get(e, "xt")) != NULL &&
			 strcmp(vd_text(xt, "type"), "match") == 0)
			h = xt_match(w, vd_text(xt, "name"));
		else if (json_object_get(e, "limit") != NULL)
			h = HOLDS_MAYBE;
		held = h < held ? h : held;
		if (held == HOLDS_NOT)
			return GOES_ON;
		if (json_object_get(e, "vmap") != NULL
			    ? vmap_outcome(w, rule, json_object_get(e, "vmap"), depth, &held,
					   &outcome)
			    : vd_outcome(w, rule, e, depth, &outcome))
			break;
	}
	if (outcome == DROPPED && w->v.by == NULL && (held == HOLDS || w->about)) {
		w->v.by = rule;
		w->v.some = held != HOLDS;
	}
	if (held == HOLDS)
		return outcome;
	w->maybe_accepted |= outcome == ACCEPTED;
	return GOES_ON;
}

static bool vd_is_in(const json_t *object, const json_t *at, const char *chain)
{
	return strcmp(vd_text(object, "family"), vd_text(at, "family")) == 0 &&
	       strcmp(vd_text(object, "table"), vd_text(at, "table")) == 0 &&
	       strcmp(vd_text(object, "chain"), chain) == 0;
}

/* @at  a rule or a chain of the same table */
static enum outcome walk_chain(struct verdict_walk *w, const json_t *at, const char *name,
			       unsigned depth)
{
	const json_t *one = NULL;
	size_t i = 0;

	if (depth > DEPTH_MAX)
		return GOES_ON;
	json_array_foreach(w->rules, i, one)
	{
		const json_t *rule = json_object_get(one, "rule");
		enum outcome outcome = GOES_ON;

		if (rule == NULL || !vd_is_in(rule, at, name))
			continue;
		outcome = walk_rule(w, rule, depth);
		if (outcome == ACCEPTED || outcome == DROPPED)
			return outcome;
		if (outcome == RETURNS)
			break;
	}
	return GOES_ON;
}

struct verdict verdict_of(const json_t *rules, const json_t *chain, const struct verdict_flow *flow)
{
	struct verdict_walk w = {.rules = rules, .flow = flow};
	enum outcome outcome = walk_chain(&w, chain, vd_text(chain, "name"), 0);

	if (outcome == GOES_ON && strcmp(vd_text(chain, "policy"), "drop") == 0) {
		outcome = DROPPED;
		if (w.v.by == NULL)
			w.v.by = chain;
	}
	w.v.dropped = outcome == DROPPED;
	w.v.sure = w.v.dropped && !w.maybe_accepted;
	if (w.v.dropped)
		w.v.some = false;
	else if (!w.v.some)
		w.v.by = NULL;
	return w.v;
}
