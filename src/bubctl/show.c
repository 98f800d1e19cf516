/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Prints the answer to "show" for people: a block each for homes and a few peers, a table where
 * there are many.  Owns words, order and what is left out to fit a screen; scripts use --json.
 *
 * Nothing is invented: what the daemon does not say is left out, and a value of a kind that was not
 * expected shows as "?".
 */
#include <inttypes.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include "group.h"
#include "openmetrics.h"
#include "text.h"

#define LABEL_WIDTH 18
#define NOT_REGISTERED "not registered"
#define BLOCKS_MAX 3 /* peers; more of them are a table */
#define ROWS_MAX 12  /* where not asked for by name: the node is to fit a screen */

static void show_label(FILE *out, const char *name)
{
	(void)fprintf(out, "  %-*s", LABEL_WIDTH, name);
}

static void show_text(FILE *out, const struct ctl_options *opts, const char *name,
		      const char *value)
{
	const size_t at = 2 + LABEL_WIDTH;

	show_label(out, name);
	text_wrap(out, opts, at, at, value);
}

static bool show_is_whole(const struct ctl_options *opts)
{
	return opts->argument == NULL && (opts->set & (CTL_ALL | CTL_MODE | CTL_PARTS)) == 0;
}

static void show_more(FILE *out, const struct ctl_options *opts, size_t rows, const char *which)
{
	if (rows > ROWS_MAX && show_is_whole(opts))
		(void)fprintf(out, "  and %zu more: bubctl show --%s\n", rows - ROWS_MAX, which);
}

static size_t rows_shown(const struct ctl_options *opts, size_t rows)
{
	return rows > ROWS_MAX && show_is_whole(opts) ? ROWS_MAX : rows;
}

/* How long ago, who moved, how long no data came; "": there was no handover. */
struct text_handover {
	char s[128];
};

static struct text_handover text_of_handover(const json_t *owner)
{
	const json_t *h = json_object_get(owner, "last_handover");
	const json_t *gap = json_object_get(h, "gap_us");
	const char *result = text_of(h, "result", "?");
	struct text_handover t = {.s = ""};
	char ms[48] = "";

	if (!json_is_object(h))
		return t;
	if (json_is_integer(gap))
		(void)snprintf(ms, sizeof(ms), ", gap %" JSON_INTEGER_FORMAT " ms",
			       (json_integer_value(gap) + 500) / 1000);
	(void)snprintf(t.s, sizeof(t.s), "%s ago%s%s%s", text_duration(number_of(h, "age_s")).s, ms,
		       strcmp(result, "done") == 0 ? "" : ", ",
		       strcmp(result, "done") == 0 ? "" : result);
	return t;
}

static void show_handover(FILE *out, const struct ctl_options *opts, const json_t *owner)
{
	const struct text_handover t = text_of_handover(owner);

	if (t.s[0] != '\0')
		show_text(out, opts, "last handover", t.s);
}

/* ---- Homes --------------------------------------------------------------------------------- */

static enum text_colour colour_of_home(const json_t *h)
{
	if (openmetrics_home_is_served(h))
		return TEXT_GOOD;
	return number_of(h, "lifetime_s") > 0 ? TEXT_FAIR : TEXT_BAD;
}

/* Which keys ESP has with the home agent, and what is wrong with them. */
static void show_esp_keys(FILE *out, const struct ctl_options *opts, const json_t *keys)
{
	const char *algorithm = text_of(keys, "algorithm", NULL);
	char text[160];

	if (!json_is_object(keys))
		return;
	if (strcmp(text_of(keys, "kind", "?"), "agreed") != 0) {
		show_text(out, opts, "keys", text_of(keys, "kind", "?"));
		return;
	}
	if (algorithm == NULL) {
		show_label(out, "keys");
		text_paint(out, opts, TEXT_BAD, "not agreed on yet\n");
	} else {
		(void)snprintf(text, sizeof(text), "agreed, %s, %s old, renewed in %s", algorithm,
			       text_duration(number_of(keys, "age_s")).s,
			       text_duration(number_of(keys, "renews_in_s")).s);
		show_text(out, opts, "keys", text);
	}
	if (text_of(keys, "why", "")[0] != '\0')
		show_text(out, opts, "", text_of(keys, "why", ""));
	if (number_of(keys, "attempts") > 0) {
		(void)snprintf(text, sizeof(text),
			       "%" JSON_INTEGER_FORMAT " attempts failed, the next one in %s",
			       number_of(keys, "attempts"),
			       text_duration(number_of(keys, "next_attempt_s")).s);
		show_text(out, opts, "", text);
	}
}

static void show_carrier(FILE *out, const struct ctl_options *opts, const json_t *c)
{
	char text[160];

	if (!json_is_object(c))
		return;
	if (strcmp(text_of(c, "name", ""), "udp") == 0)
		(void)snprintf(
			text, sizeof(text), "ESP in UDP to %s, port %" JSON_INTEGER_FORMAT " (%s)",
			text_of(c, "address", "?"), number_of(c, "port"), text_of(c, "why", "?"));
	else if (strcmp(text_of(c, "name", ""), "tcp") == 0)
		(void)snprintf(text, sizeof(text),
			       "ESP in TLS to %s, TCP port %" JSON_INTEGER_FORMAT " (%s)",
			       text_of(c, "address", "?"), number_of(c, "port"),
			       text_of(c, "why", "?"));
	else
		(void)snprintf(text, sizeof(text), "native ESP (%s)", text_of(c, "why", "?"));
	show_text(out, opts, "carrier", text);
}

static void show_esp(FILE *out, const struct ctl_options *opts, const json_t *esp)
{
	char text[200];

	if (!json_is_object(esp))
		return;
	if (strcmp(text_of(esp, "by", ""), "kernel") == 0)
		(void)snprintf(text, sizeof(text),
			       "by the kernel, %" JSON_INTEGER_FORMAT
			       " packets in, %" JSON_INTEGER_FORMAT " out",
			       number_of(esp, "in_packets"), number_of(esp, "out_packets"));
	else
		(void)snprintf(text, sizeof(text), "by bubd (%s)", text_of(esp, "why", "?"));
	show_text(out, opts, "ESP of data", text);
}

static void show_home(FILE *out, const struct ctl_options *opts, const json_t *h)
{
	const char *interface = text_of(h, "interface", "");
	const char *care_of = text_of(h, "care_of", NULL);
	const char *name = text_of(h, "home_agent_name", "");
	char agent[512];

	(void)fputc('\n', out);
	text_paint(out, opts, TEXT_TITLE, "home address %s\n", text_of(h, "address", "none"));
	show_label(out, "state");
	text_paint(out, opts, colour_of_home(h), "%s\n", text_of(h, "state", "unknown"));
	if (text_of(h, "why", "")[0] != '\0')
		show_text(out, opts, "why", text_of(h, "why", ""));
	show_label(out, care_of != NULL ? "care-of address" : "where");
	(void)fprintf(out, "%s%s%s%s\n", care_of != NULL ? care_of : "",
		      interface[0] == '\0' ? care_of == NULL ? "on no link" : ""
		      : care_of != NULL    ? " on "
					   : "on the home link, ",
		      interface, number_of(h, "nat_refresh_s") > 0 ? ", behind a NAT" : "");
	(void)snprintf(agent, sizeof(agent), "%s%s%s", text_of(h, "home_agent", "none"),
		       name[0] != '\0' ? ", " : "", name);
	show_text(out, opts, "home agent", agent);
	if (json_is_true(json_object_get(h, "unbound_direct")))
		show_text(out, opts, "programs",
			  "get out directly, where they have no home address");
	if (text_of(h, "name_trouble", "")[0] != '\0')
		show_text(out, opts, "its name", text_of(h, "name_trouble", ""));
	show_carrier(out, opts, json_object_get(h, "carrier"));
	show_esp(out, opts, json_object_get(h, "esp"));
	show_esp_keys(out, opts, json_object_get(h, "keys"));
	if (number_of(h, "lifetime_s") > 0) {
		show_label(out, "registration");
		(void)fprintf(out, "%s left\n", text_duration(number_of(h, "lifetime_s")).s);
	}
	show_handover(out, opts, h);
	if (strcmp(text_of(h, "prefix", "unknown"), "unknown") != 0)
		show_text(out, opts, "home prefix", text_of(h, "prefix", ""));
}

/* ---- Peers --------------------------------------------------------------------------------- */

/* The worst first: of many it is those that one looks for. */
static const struct mode {
	const char *name;
	const char *words;
	enum text_colour colour;
} modes[] = {
	{"tunnel", "tunnel (through the home agent)", TEXT_FAIR},
	{"plain", "plain (ordinary IPv6)", TEXT_PLAIN},
	{"ro", "ro (route optimisation)", TEXT_GOOD},
	{"bub", "bub (Binding Update Backhauling)", TEXT_GOOD},
};
#define N_MODES (sizeof(modes) / sizeof(modes[0]))

/* N_MODES: none that is known. */
static size_t show_mode(const json_t *peer)
{
	size_t i = 0;

	while (i < N_MODES && strcmp(modes[i].name, text_of(peer, "mode", "?")) != 0)
		i++;
	return i;
}

static enum text_colour colour_of_peer(const json_t *peer)
{
	return show_mode(peer) < N_MODES ? modes[show_mode(peer)].colour : TEXT_PLAIN;
}

static void show_way(FILE *out, const struct ctl_options *opts, const json_t *p)
{
	const char *path = text_of(p, "path", "");
	const char *state = text_of(p, "direct_path", "open");
	const bool in_udp = strcmp(state, "udp") == 0;
	char direct[128];

	if (path[0] == '\0')
		return;
	if (strcmp(path, "direct") == 0) {
		(void)snprintf(direct, sizeof(direct), "direct%s, %s to %s",
			       in_udp ? " in UDP" : "", text_of(p, "out_src", "?"),
			       text_of(p, "out_dst", "?"));
		path = direct;
	} else if (strcmp(path, "tunnel") == 0) {
		path = "through the home agent";
	} else if (strcmp(path, "routed") == 0) {
		path = "as routed";
	}
	show_text(out, opts, "path", path);
	if (strcmp(state, "open") != 0)
		show_text(out, opts, in_udp ? "not as headers" : "not direct",
			  text_of(p, "direct_path_why", "?"));
}

/* One of the two bindings: its care-of address and what is left of it. */
static void show_binding(FILE *out, const struct ctl_options *opts, const json_t *p,
			 const char *label, const char *care_of, const char *lifetime)
{
	char text[128];

	if (json_is_null(json_object_get(p, care_of)))
		return;
	(void)snprintf(text, sizeof(text), "%s, %s left", text_of(p, care_of, "?"),
		       text_duration(number_of(p, lifetime)).s);
	show_text(out, opts, label, text);
}

/* Nothing where it is not known. */
static void show_key(FILE *out, const json_t *p)
{
	if (!json_is_integer(json_object_get(p, "key_age_s")))
		return;
	show_label(out, "key");
	(void)fprintf(out, "%s old\n", text_duration(number_of(p, "key_age_s")).s);
}

/* "1 packet, 104 octets" */
struct text_data {
	char s[96];
};

static struct text_data text_of_data(const json_t *t, const char *packets, const char *octets)
{
	struct text_data d;

	(void)snprintf(d.s, sizeof(d.s), "%s packet%s, %s octets",
		       text_amount(number_of(t, packets)).s, number_of(t, packets) == 1 ? "" : "s",
		       text_amount(number_of(t, octets)).s);
	return d;
}

/* Both directions of one path; nothing where nothing has gone. */
static void show_traffic(FILE *out, const struct ctl_options *opts, const char *label,
			 const json_t *t)
{
	char text[256];

	if (number_of(t, "packets_in") == 0 && number_of(t, "packets_out") == 0)
		return;
	(void)snprintf(text, sizeof(text), "in %s; out %s",
		       text_of_data(t, "packets_in", "octets_in").s,
		       text_of_data(t, "packets_out", "octets_out").s);
	show_text(out, opts, label, text);
}

static void show_peer(FILE *out, const struct ctl_options *opts, const json_t *p)
{
	const char *test = text_of(p, "test", "none");

	(void)fputc('\n', out);
	text_paint(out, opts, TEXT_TITLE, "peer %s\n", text_of(p, "peer", "?"));
	show_text(out, opts, "local address", text_of(p, "local", "?"));
	show_label(out, "mode");
	text_paint(out, opts, colour_of_peer(p), "%s\n",
		   show_mode(p) < N_MODES ? modes[show_mode(p)].words : text_of(p, "mode", "?"));
	if (text_of(p, "why", "")[0] != '\0')
		show_text(out, opts, "why", text_of(p, "why", ""));
	show_way(out, opts, p);
	if (strcmp(test, "none") != 0 && strcmp(test, "passed") != 0)
		show_text(out, opts, "BUB test", test);
	show_binding(out, opts, p, "our care-of", "local_care_of", "lifetime_s");
	show_binding(out, opts, p, "its care-of", "peer_care_of", "peer_lifetime_s");
	show_key(out, p);
	show_traffic(out, opts, "data, direct", json_object_get(p, "direct"));
	show_traffic(out, opts, "data, tunnelled", json_object_get(p, "tunnel"));
	show_label(out, "handovers");
	(void)fprintf(out, "%" JSON_INTEGER_FORMAT "\n", number_of(p, "handovers"));
	show_handover(out, opts, p);
}

static int compare_peers(const void *a, const void *b)
{
	const json_t *p = *(const json_t *const *)a, *q = *(const json_t *const *)b;
	const size_t m = show_mode(p), n = show_mode(q);

	if (m != n)
		return m < n ? -1 : 1;
	return strcmp(text_of(p, "peer", "?"), text_of(q, "peer", "?"));
}

/* How long ago the last one was, and its gap. */
static void add_handover(struct table *t, const json_t *h)
{
	const json_t *gap = json_object_get(h, "gap_us");
	char ms[32] = "";

	if (json_is_integer(gap))
		(void)snprintf(ms, sizeof(ms), "%" JSON_INTEGER_FORMAT,
			       (json_integer_value(gap) + 500) / 1000);
	table_add(t, TEXT_PLAIN, json_is_object(h) ? text_age(number_of(h, "age_s")).s : "");
	table_add(t, TEXT_PLAIN, ms);
}

/* Of both paths together; nothing where neither is known. */
static void add_amount(struct table *t, const json_t *p, const char *name)
{
	const json_t *direct = json_object_get(p, "direct"), *tunnel = json_object_get(p, "tunnel");
	const bool known = json_is_object(direct) || json_is_object(tunnel);
	const json_int_t n = number_of(direct, name) + number_of(tunnel, name);

	table_add(t, TEXT_PLAIN, known ? text_amount(n).s : "");
}

static void add_peer(struct table *t, const json_t *p)
{
	table_add(t, TEXT_PLAIN, text_of(p, "peer", "?"));
	table_add(t, colour_of_peer(p), text_of(p, "mode", "?"));
	table_add(t, TEXT_PLAIN, text_of(p, "path", "?"));
	table_add(t, TEXT_PLAIN,
		  json_is_integer(json_object_get(p, "key_age_s"))
			  ? text_age(number_of(p, "key_age_s")).s
			  : "");
	add_amount(t, p, "packets_in");
	add_amount(t, p, "packets_out");
	add_handover(t, json_object_get(p, "last_handover"));
	table_add(t, TEXT_PLAIN, text_of(p, "why", ""));
}

static void show_peer_table(FILE *out, const struct ctl_options *opts, const json_t **sorted,
			    size_t n)
{
	static const struct column columns[] = {
		{.title = "peer"},
		{.title = "mode"},
		{.title = "path", .order = 1},
		{.title = "key", .right = true, .order = 7},
		{.title = "in", .right = true, .order = 6},
		{.title = "out", .right = true, .order = 5},
		{.title = "handover", .right = true, .order = 3},
		{.title = "gap ms", .right = true, .order = 4},
		{.title = "why", .order = 2, .stretches = true},
	};
	struct table *t = table_new(columns, sizeof(columns) / sizeof(columns[0]));

	for (size_t i = 0; i < rows_shown(opts, n); i++)
		add_peer(t, sorted[i]);
	table_print(t, out, opts);
	show_more(out, opts, n, "peers");
}

/* How many there are, and in which modes. */
static void show_peer_summary(FILE *out, const struct ctl_options *opts, const json_t *peers)
{
	size_t count[N_MODES + 1] = {0};
	const json_t *p = NULL;
	size_t i = 0;

	json_array_foreach(peers, i, p) count[show_mode(p)]++;
	(void)fputc('\n', out);
	text_paint(out, opts, TEXT_TITLE, "peers: %zu", json_array_size(peers));
	for (i = N_MODES; i-- > 0;)
		if (count[i] > 0)
			(void)fprintf(out, ", %zu %s", count[i], modes[i].name);
	(void)fputc('\n', out);
}

static void show_peers(FILE *out, const struct ctl_options *opts, const json_t *peers)
{
	const size_t n = json_array_size(peers);
	const json_t **sorted = calloc(n + 1, sizeof(json_t *));
	const json_t *p = NULL;
	size_t i = 0;

	if (n == 0)
		(void)fputs("\npeers: none\n", out);
	if (sorted == NULL)
		return;
	json_array_foreach(peers, i, p) sorted[i] = p;
	qsort((void *)sorted, n, sizeof(json_t *), compare_peers);
	if (n > BLOCKS_MAX) {
		show_peer_summary(out, opts, peers);
		show_peer_table(out, opts, sorted, n);
	} else {
		for (i = 0; i < n; i++)
			show_peer(out, opts, sorted[i]);
	}
	free((void *)sorted);
}

/* ---- Clients ------------------------------------------------------------------------------- */

static void add_client(struct table *t, const json_t *c)
{
	const bool registered = json_is_true(json_object_get(c, "registered"));
	const bool provisional = json_is_true(json_object_get(c, "provisional"));
	const char *left = provisional ? "home link is being probed" : "";
	char care_of[INET6_ADDRSTRLEN + sizeof(" (NAT)")] = NOT_REGISTERED;

	if (registered || provisional)
		(void)snprintf(care_of, sizeof(care_of), "%s%s", text_of(c, "care_of", "?"),
			       json_is_true(json_object_get(c, "nat")) ? " (NAT)" : "");

	table_add(t, TEXT_PLAIN, text_of(c, "home", "?"));
	table_add(t, registered ? TEXT_PLAIN : TEXT_FAIR, care_of);
	table_add(t, TEXT_PLAIN, registered ? text_duration(number_of(c, "lifetime_s")).s : left);
}

/* A line each for those of which something was seen: "why" says it, and is too long for a column.
 */
static void show_troubles(FILE *out, const struct ctl_options *opts, const json_t *owners,
			  const char *title)
{
	const json_t *o = NULL;
	size_t i = 0, n = 0;

	json_array_foreach(owners, i, o)
	{
		const char *keys = text_of(json_object_get(o, "keys"), "why", NULL);
		const char *home = text_of(o, "home", "?"), *why = text_of(o, "why", keys);

		if (why == NULL || (n == ROWS_MAX && show_is_whole(opts)))
			continue;
		if (n++ == 0)
			text_paint(out, opts, TEXT_TITLE, "\n%s\n", title);
		text_paint(out, opts, TEXT_FAIR, "  %s: ", home);
		text_wrap(out, opts, strlen(home) + 4, 4, why);
	}
}

/* Nothing of a file that is well. */
static void show_store(FILE *out, const struct ctl_options *opts, const json_t *store)
{
	const bool answers = json_is_true(json_object_get(store, "answers"));
	const char *name = text_of(store, "name", "?");

	if (!json_is_object(store) || (answers && strcmp(name, "lmdb") == 0))
		return;
	(void)fprintf(out, "store: %s, %s, ", name, text_of(store, "where", "?"));
	text_paint(out, opts, answers ? TEXT_GOOD : TEXT_BAD, "%s",
		   answers ? "answers" : "does not answer");
	if (!answers)
		(void)fprintf(out, ": %s", text_of(store, "why", "?"));
	if (number_of(store, "waiting") > 0)
		(void)fprintf(out, "; %" JSON_INTEGER_FORMAT " to be written",
			      number_of(store, "waiting"));
	(void)fputc('\n', out);
}

/* Whether all there is to say is that another one of its group serves: that nobody is registered
 * here would read as if nobody were. */
static bool show_group(FILE *out, const struct ctl_options *opts, const json_t *group)
{
	const char *role = text_of(group, "role", "");
	const bool serves = strcmp(role, "standby") != 0 && strcmp(role, "taking") != 0;

	if (!json_is_object(group))
		return false;
	(void)fputc('\n', out);
	text_paint(out, opts, TEXT_TITLE, "home agent of a group: ");
	ctl_print_group(out, group);
	if (!serves)
		(void)fputs("  it serves nobody; who is registered is shown where it is active\n",
			    out);
	return !serves;
}

/* One row a mobile node: a home agent has many.  Those that are not registered come last: most of
 * them are switched off. */
static void show_clients(FILE *out, const struct ctl_options *opts, const json_t *reply)
{
	const json_t *clients = json_object_get(reply, "clients");
	const json_t *subscribers = json_object_get(reply, "subscribers");
	static const struct column columns[] = {
		{.title = "home address"},
		{.title = "care-of address"},
		{.title = "left", .order = 1},
	};
	/* A part that was asked for is counted itself; the answer may have the first ones only. */
	const bool whole = show_is_whole(opts) && json_object_get(reply, "served") != NULL;
	const size_t there_are = json_array_size(clients), shown = rows_shown(opts, there_are);
	size_t n = there_are, registered = 0, rows = 0, i = 0;
	const json_t *c = NULL;
	struct table *t = NULL;

	if (n == 0 && !json_is_object(subscribers)) {
		(void)fputs("\nhome agent for: no mobile node is configured\n", out);
		return;
	}
	json_array_foreach(clients, i, c) registered +=
		json_is_true(json_object_get(c, "registered"));
	if (whole) {
		n = (size_t)ctl_served(reply, "all");
		registered = (size_t)ctl_served(reply, "registered");
	}
	(void)fputc('\n', out);
	text_paint(out, opts, TEXT_TITLE, "home agent, %zu of %zu registered", registered, n);
	if (json_is_object(subscribers))
		(void)fprintf(out, "; %" JSON_INTEGER_FORMAT " subscribers",
			      number_of(subscribers, "all"));
	(void)fputc('\n', out);
	t = table_new(columns, sizeof(columns) / sizeof(columns[0]));
	for (int there = 1; there >= 0; there--) {
		json_array_foreach(clients, i, c)
		{
			if (rows < shown &&
			    json_is_true(json_object_get(c, "registered")) == there) {
				add_client(t, c);
				rows++;
			}
		}
	}
	table_print(t, out, opts);
	show_more(out, opts, n, "clients");
	show_troubles(out, opts, clients, "trouble with these");
}

/* One row a group and mobile node; nothing where there is none. */
static void show_memberships(FILE *out, const struct ctl_options *opts, const json_t *memberships)
{
	static const struct column columns[] = {{.title = "home address"}, {.title = "group"}};
	const size_t n = json_array_size(memberships);
	struct table *t = NULL;

	if (n == 0)
		return;
	(void)fputc('\n', out);
	text_paint(out, opts, TEXT_TITLE, "groups that mobile nodes listen to\n");
	t = table_new(columns, sizeof(columns) / sizeof(columns[0]));
	for (size_t i = 0; i < rows_shown(opts, n); i++) {
		const json_t *m = json_array_get(memberships, i);

		table_add(t, TEXT_PLAIN, text_of(m, "home", "?"));
		table_add(t, TEXT_PLAIN, text_of(m, "group", "?"));
	}
	table_print(t, out, opts);
	show_more(out, opts, n, "clients");
}

/* ---- All of it ----------------------------------------------------------------------------- */

static bool has_role(const json_t *roles, const char *role)
{
	const json_t *r = NULL;
	size_t i = 0;

	json_array_foreach(roles, i, r)
	{
		if (json_is_string(r) && strcmp(json_string_value(r), role) == 0)
			return true;
	}
	return false;
}

void ctl_print_status(FILE *out, const json_t *reply, const struct ctl_options *opts)
{
	const json_t *roles = json_object_get(reply, "roles");
	const json_t *clients = json_object_get(reply, "clients");
	const json_t *group = json_object_get(reply, "group");
	const json_t *v = NULL;
	size_t i = 0;

	text_paint(out, opts, TEXT_TITLE, "node %s:", text_of(reply, "node", "?"));
	json_array_foreach(roles, i, v)(void) fprintf(
		out, "%s %s", i > 0 ? "," : "", json_is_string(v) ? json_string_value(v) : "?");
	(void)fputc('\n', out);
	json_array_foreach(json_object_get(reply, "homes"), i, v) show_home(out, opts, v);
	if (json_object_get(reply, "peers") != NULL)
		show_peers(out, opts, json_object_get(reply, "peers"));
	if (clients != NULL && has_role(roles, "home-agent") && !show_group(out, opts, group))
		show_clients(out, opts, reply);
	if (clients != NULL)
		show_store(out, opts, json_object_get(reply, "store"));
	show_troubles(out, opts, json_object_get(reply, "strangers"),
		      "not served here, and try to register");
	show_memberships(out, opts, json_object_get(reply, "memberships"));
}
