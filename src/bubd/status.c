/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Turns the engine's status structures and the kernel room's counters into JSON.  Owns the names of
 * the members, which are an interface: they are never renamed and never change their meaning.
 *
 * An address that there is none of is null, never "::".  Every number is an integer.
 */
#include "status.h"

#include <arpa/inet.h>
#include <stdio.h>

#define LNX_COUNTERS_MAX 128
#define WHY_MAX 512

static json_t *address(const struct in6_addr *addr)
{
	char text[INET6_ADDRSTRLEN];

	if (IN6_IS_ADDR_UNSPECIFIED(addr))
		return json_null();
	return json_string(inet_ntop(AF_INET6, addr, text, sizeof(text)));
}

static json_t *string(const char *text)
{
	return text != NULL ? json_string(text) : json_null();
}

static json_t *number(uint64_t n)
{
	/* JSON's numbers are signed here: a counter would need centuries to get there. */
	return json_integer(n > (uint64_t)INT64_MAX ? INT64_MAX : (json_int_t)n);
}

/* The setters of jansson take the value over and fail when it is NULL, so that one check of the
 * whole would not see a missing member: out of memory leaves a member out. */
static void set(json_t *object, const char *name, json_t *value)
{
	(void)json_object_set_new(object, name, value);
}

static json_t *roles(const struct bub_config *cfg)
{
	json_t *array = json_array();

	if (cfg->n_homes > 0)
		(void)json_array_append_new(array, json_string("mobile-node"));
	if (cfg->ha.enabled)
		(void)json_array_append_new(array, json_string("home-agent"));
	(void)json_array_append_new(array, json_string("correspondent"));
	return array;
}

/* The engine's reason, and from where the home agent was not reached. */
static json_t *why_home(const struct status_source *src, const struct bub_home_status *h)
{
	char text[WHY_MAX], addr[INET6_ADDRSTRLEN];
	struct lnx_failure failed;
	size_t len;

	len = (size_t)snprintf(text, sizeof(text), "%s", h->why != NULL ? h->why : "");
	if (IN6_IS_ADDR_UNSPECIFIED(&h->care_of))
		return string(h->why); /* at home, or nowhere */
	for (unsigned at = 0; len < sizeof(text) && lnx_failure_next(src->lnx, &at, &failed);)
		len += (size_t)snprintf(text + len, sizeof(text) - len, "; no answer by %s on %s",
					inet_ntop(AF_INET6, &failed.addr, addr, sizeof(addr)),
					failed.interface);
	return len > 0 ? json_string(text) : json_null();
}

static json_t *homes(const struct status_source *src)
{
	json_t *array = json_array();
	struct bub_home_status h;

	for (unsigned i = 0; bub_engine_home_status(src->engine, src->now, i, &h); i++) {
		json_t *o = json_object();

		set(o, "address", address(&h.address));
		set(o, "home_agent", address(&h.home_agent));
		set(o, "care_of", address(&h.care_of));
		set(o, "state", string(h.state));
		set(o, "why", why_home(src, &h));
		set(o, "lifetime_s", number(h.lifetime_s));
		set(o, "sequence", number(h.sequence));
		set(o, "prefix", string(h.prefix));
		set(o, "prefix_lifetime_s", number(h.prefix_lifetime_s));
		(void)json_array_append_new(array, o);
	}
	return array;
}

static json_t *peers(const struct status_source *src)
{
	json_t *array = json_array();
	struct bub_peer_status p;

	for (unsigned at = 0; bub_engine_peer_status(src->engine, src->now, &at, &p);) {
		json_t *o = json_object();

		set(o, "local", address(&p.local));
		set(o, "peer", address(&p.peer));
		set(o, "mode", string(bub_mode_name(p.mode)));
		set(o, "why", string(p.why));
		set(o, "test", string(p.test));
		set(o, "local_care_of", address(&p.local_care_of));
		set(o, "peer_care_of", address(&p.peer_care_of));
		set(o, "sequence_out", number(p.sequence_out));
		set(o, "sequence_in", number(p.sequence_in));
		set(o, "lifetime_s", number(p.lifetime_s));
		set(o, "peer_lifetime_s", number(p.peer_lifetime_s));
		set(o, "handovers", number(p.handovers));
		(void)json_array_append_new(array, o);
	}
	return array;
}

static json_t *clients(const struct status_source *src)
{
	json_t *array = json_array();
	struct bub_client_status c;

	for (unsigned at = 0; bub_engine_client_status(src->engine, src->now, &at, &c);) {
		json_t *o = json_object();

		set(o, "home", address(&c.home));
		set(o, "registered", json_boolean(c.registered));
		set(o, "care_of", address(&c.care_of));
		set(o, "lifetime_s", number(c.lifetime_s));
		set(o, "sequence", number(c.sequence));
		(void)json_array_append_new(array, o);
	}
	return array;
}

static json_t *memberships(const struct status_source *src)
{
	json_t *array = json_array();
	struct bub_membership_status m;

	for (unsigned at = 0; bub_engine_membership_status(src->engine, src->now, &at, &m);) {
		json_t *o = json_object();

		set(o, "group", address(&m.group));
		set(o, "home", address(&m.home));
		set(o, "lifetime_s", number(m.lifetime_s));
		(void)json_array_append_new(array, o);
	}
	return array;
}

static json_t *drops(const struct bub_counters *c)
{
	json_t *o = json_object();

	for (unsigned i = BUB_DROP_NONE + 1; i < BUB_DROP_COUNT; i++)
		set(o, bub_drop_name((enum bub_drop)i), number(c->drop[i]));
	return o;
}

/* Mobility messages by name: those of @kind by kind, the four DH messages apart. */
static json_t *messages(const uint64_t kind[static 16], const uint64_t dh[static 5])
{
	static const struct {
		const char *name;
		enum bub_mh_kind kind;
	} kinds[] = {
		{"brr", BUB_MH_BRR}, {"hoti", BUB_MH_HOTI}, {"coti", BUB_MH_COTI},
		{"hot", BUB_MH_HOT}, {"cot", BUB_MH_COT},   {"bu", BUB_MH_BU},
		{"ba", BUB_MH_BA},   {"be", BUB_MH_BE},     {"bubc", BUB_MH_BUBC},
	};
	static const char *const dh_names[] = {NULL, "dh1", "dh2", "dh3", "dh4"};
	json_t *o = json_object();

	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		set(o, kinds[i].name, number(kind[kinds[i].kind]));
	for (size_t i = 1; i < sizeof(dh_names) / sizeof(dh_names[0]); i++)
		set(o, dh_names[i], number(dh[i]));
	return o;
}

static json_t *engine_counters(const struct bub_counters *c)
{
	json_t *o = json_object();

	set(o, "handovers", number(c->handovers));
	set(o, "bub-tests", number(c->bub_tests));
	set(o, "bub-tests-failed", number(c->bub_tests_failed));
	set(o, "dh-exchanges", number(c->dh_exchanges));
	set(o, "dh-failed", number(c->dh_failed));
	set(o, "tunnel-in", number(c->tunnel_in));
	set(o, "tunnel-out", number(c->tunnel_out));
	return o;
}

static json_t *data_counters(struct lnx *lnx)
{
	struct lnx_counter c[LNX_COUNTERS_MAX];
	unsigned n = lnx_counters(lnx, c, LNX_COUNTERS_MAX);
	json_t *o = json_object();

	for (unsigned i = 0; i < n && i < LNX_COUNTERS_MAX; i++)
		set(o, c[i].name, number(c[i].value));
	return o;
}

json_t *status_counters(const struct status_source *src)
{
	const struct bub_counters *c = bub_engine_counters(src->engine);
	json_t *o = json_object();

	set(o, "drops", drops(c));
	set(o, "sent", messages(c->sent, c->dh_sent));
	set(o, "received", messages(c->received, c->dh_received));
	set(o, "engine", engine_counters(c));
	set(o, "data", data_counters(src->lnx));
	return o;
}

json_t *status_all(const struct status_source *src)
{
	json_t *o = json_object();

	set(o, "node", json_string(src->node));
	set(o, "roles", roles(src->cfg));
	set(o, "homes", homes(src));
	set(o, "peers", peers(src));
	set(o, "clients", clients(src));
	set(o, "memberships", memberships(src));
	set(o, "counters", status_counters(src));
	return o;
}
