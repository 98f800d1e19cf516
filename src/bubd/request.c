/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Answers the requests of bubctl.  Owns the commands and the words in which one is refused; sockets
 * are control.c's business.
 *
 * A command that cannot have an effect is refused, not swallowed.
 */
#include "request.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "switching.h"

__attribute__((format(printf, 1, 2))) static json_t *request_refusal(const char *fmt, ...)
{
	json_t *o = json_object();
	va_list ap;

	va_start(ap, fmt);
	(void)json_object_set_new(o, "error", json_vsprintf(fmt, ap));
	va_end(ap);
	return o;
}

static json_t *request_success(void)
{
	json_t *o = json_object();

	(void)json_object_set_new(o, "ok", json_true());
	return o;
}

static void request_count(json_t *object, const char *name, unsigned n)
{
	(void)json_object_set_new(object, name, json_integer((json_int_t)n));
}

static bool knows_peer(const struct status_source *src, const struct in6_addr *peer)
{
	struct bub_peer_status p;

	for (unsigned at = 0; bub_engine_peer_status(src->engine, src->now, &at, &p);)
		if (bub_addr_eq(&p.peer, peer))
			return true;
	return false;
}

/* Reads the member "peer"; returns NULL, or why it cannot be used. */
static json_t *get_peer(const json_t *request, struct in6_addr *ret_peer)
{
	const char *text = json_string_value(json_object_get(request, "peer"));

	if (text == NULL)
		return request_refusal("%s needs a peer: an IPv6 address as a string",
				       json_string_value(json_object_get(request, "cmd")));
	if (inet_pton(AF_INET6, text, ret_peer) != 1)
		return request_refusal("\"%s\" is no IPv6 address", text);
	return NULL;
}

/* ---- Commands ------------------------------------------------------------------------------ */

/* The members of "show" that "only" names; returns NULL, or why it cannot be used. */
static json_t *get_parts(const json_t *request, unsigned *ret_parts)
{
	static const struct {
		const char *name;
		enum status_part part;
	} parts[] = {
		{"homes", STATUS_HOMES},
		{"peers", STATUS_PEERS},
		{"clients", STATUS_CLIENTS},
		{"counters", STATUS_COUNTERS},
	};
	const json_t *only = json_object_get(request, "only");
	const json_t *v = NULL;
	unsigned set = 0;
	size_t k = 0;

	json_array_foreach(only, k, v)
	{
		unsigned found = 0;

		for (size_t i = 0; json_is_string(v) && i < sizeof(parts) / sizeof(parts[0]); i++)
			if (strcmp(parts[i].name, json_string_value(v)) == 0)
				found = parts[i].part;
		if (found == 0)
			break;
		set |= found;
	}
	if (only != NULL && (set == 0 || k < json_array_size(only)))
		return request_refusal("\"only\" is not an array of some of \"homes\", \"peers\", "
				       "\"clients\" and \"counters\"");
	*ret_parts = only != NULL ? set : STATUS_ALL;
	return NULL;
}

/* Returns NULL, or why "mode" cannot be used. */
static json_t *get_mode(const json_t *request, const char **ret_mode)
{
	const json_t *mode = json_object_get(request, "mode");

	*ret_mode = NULL;
	if (mode == NULL)
		return NULL;
	for (int i = BUB_MODE_PLAIN; json_is_string(mode) && i <= BUB_MODE_BUB; i++)
		if (strcmp(json_string_value(mode), bub_mode_name((enum bub_mode)i)) == 0)
			*ret_mode = bub_mode_name((enum bub_mode)i);
	return *ret_mode != NULL ? NULL
				 : request_refusal("\"mode\" is none of \"plain\", \"tunnel\", "
						   "\"ro\" and \"bub\"");
}

/* Returns NULL, or why "from" cannot be used. */
static json_t *get_pages(const json_t *request, struct page_wanted *ret)
{
	return pages_read(request, ret)
		       ? NULL
		       : request_refusal("\"from\" is not what \"more\" of an answer was");
}

static json_t *on_show(const json_t *request, const struct request_target *t)
{
	struct status_filter filter = {.home = in6addr_any};
	json_t *why = get_parts(request, &filter.parts);
	json_t *o = NULL;

	if (why == NULL)
		why = get_pages(request, &filter.pages);
	if (why == NULL)
		why = get_mode(request, &filter.mode);
	if (why == NULL && json_object_get(request, "peer") != NULL)
		why = get_peer(request, &filter.home);
	if (why != NULL)
		return why;
	o = status_show(&t->src, &filter);
	if (!IN6_IS_ADDR_UNSPECIFIED(&filter.home) && filter.mode == NULL &&
	    !filter.pages.goes_on && json_object_get(o, "more") == NULL &&
	    json_array_size(json_object_get(o, "peers")) == 0 &&
	    json_array_size(json_object_get(o, "clients")) == 0) {
		json_decref(o);
		return request_refusal("nothing is known of that peer");
	}
	return o;
}

static json_t *on_counters(const json_t *request, const struct request_target *t)
{
	json_t *o = json_object();

	(void)request;
	(void)json_object_set_new(o, "node", json_string(t->src.node));
	(void)json_object_set_new(o, "counters", status_counters(&t->src));
	return o;
}

static json_t *on_bub_start(const json_t *request, const struct request_target *t)
{
	const char *obstacle = NULL;
	struct in6_addr peer = in6addr_any;
	json_t *why = get_peer(request, &peer);

	if (why != NULL)
		return why;
	if (!bub_addr_is_routable(&peer))
		return request_refusal("a peer's home address is a unicast address that is not "
				       "link-local");
	obstacle = bub_engine_bub_obstacle(t->src.engine, &peer);
	if (obstacle != NULL)
		return request_refusal("no BUB test was started: %s", obstacle);
	t->command(t->ctx, BUB_CMD_START_BUB, &peer);
	return request_success();
}

static json_t *on_forget(const json_t *request, const struct request_target *t)
{
	struct in6_addr peer = in6addr_any;
	json_t *why = get_peer(request, &peer);

	if (why != NULL)
		return why;
	if (!knows_peer(&t->src, &peer))
		return request_refusal("nothing is known of that peer");
	t->command(t->ctx, BUB_CMD_FORGET_PEER, &peer);
	return request_success();
}

static json_t *on_refresh(const json_t *request, const struct request_target *t)
{
	(void)request;
	if (t->src.cfg->n_homes == 0)
		return request_refusal(
			"%s", "this node is no mobile node, so it has no bindings to refresh");
	t->command(t->ctx, BUB_CMD_SEND_BINDING_UPDATES, &in6addr_any);
	return request_success();
}

/* The lines of @text as an array. */
static json_t *request_lines(const char *text)
{
	json_t *array = json_array();

	while (text != NULL && *text != '\0') {
		const size_t len = strcspn(text, "\n");

		(void)json_array_append_new(array, json_stringn(text, len));
		text += len + (text[len] == '\n');
	}
	return array;
}

static json_t *on_reload(const json_t *request, const struct request_target *t)
{
	struct reload_result result;
	json_t *o = NULL;

	(void)request;
	t->reload(t->ctx, &result);
	if (result.messages != NULL)
		o = request_refusal("the configuration has mistakes; nothing was changed");
	else if (result.problems != NULL)
		o = request_refusal("not everything could be taken over");
	else
		o = request_success();
	(void)json_object_set_new(
		o, "messages",
		request_lines(result.messages != NULL ? result.messages : result.problems));
	if (result.messages == NULL) {
		request_count(o, "added", result.clients.added);
		request_count(o, "changed", result.clients.changed);
		request_count(o, "removed", result.clients.removed);
		(void)json_object_set_new(o, "restart_for",
					  result.restart_for[0] != '\0'
						  ? json_string(result.restart_for)
						  : json_null());
	}
	reload_result_free(&result);
	return o;
}

/* Why an interface cannot be put first. */
static json_t *no_such_interface(const struct request_target *t, const char *name, int err)
{
	struct lnx_care_of c;
	char names[256] = "";
	size_t len = 0;

	if (err == -ENETDOWN)
		return request_refusal("\"%s\" has no carrier", name);
	if (err == -EADDRNOTAVAIL)
		return request_refusal(
			"\"%s\" has no care-of address: no address of it has a router "
			"that stands for it",
			name);
	for (unsigned at = 0; len < sizeof(names) && lnx_care_of_next(t->src.lnx, &at, &c);)
		if (strstr(names, c.interface) == NULL)
			len += (size_t)snprintf(names + len, sizeof(names) - len, "%s%s",
						len > 0 ? ", " : "", c.interface);
	return request_refusal("\"%s\" is no interface that bubd holds care-of addresses on; "
			       "there are some on: %s",
			       name, len > 0 ? names : "none");
}

static json_t *request_prefer(const json_t *request, const struct request_target *t, bool once)
{
	const json_t *interface = json_object_get(request, "interface");
	const char *name = json_string_value(interface);
	int err = 0;

	if (t->src.cfg->n_homes == 0)
		return request_refusal("this node is no mobile node, so it moves nowhere");
	if (name == NULL && (once || (interface != NULL && !json_is_null(interface))))
		return request_refusal("%s needs an interface: its name as a string",
				       json_string_value(json_object_get(request, "cmd")));
	if (interface != NULL)
		err = t->prefer(t->ctx, name, once);
	return err == 0 ? status_preferred(&t->src) : no_such_interface(t, name, err);
}

static json_t *on_prefer(const json_t *request, const struct request_target *t)
{
	return request_prefer(request, t, false);
}

static json_t *on_move(const json_t *request, const struct request_target *t)
{
	return request_prefer(request, t, true);
}

static json_t *on_ping(const json_t *request, const struct request_target *t)
{
	struct in6_addr peer = in6addr_any;
	json_t *why = get_peer(request, &peer);

	if (why == NULL && !bub_addr_is_routable(&peer))
		why = request_refusal("a peer's home address is a unicast address that is not "
				      "link-local");
	return why != NULL ? why : status_ping(&t->src, &peer);
}

static json_t *request_inspect(const json_t *request, const struct request_target *t,
			       json_t *(*status)(const struct status_source *src,
						 const struct status_filter *filter))
{
	struct status_filter filter = {.home = in6addr_any};
	json_t *why = get_pages(request, &filter.pages);

	if (why == NULL && json_object_get(request, "peer") != NULL)
		why = get_peer(request, &filter.home);
	return why != NULL ? why : status(&t->src, &filter);
}

static json_t *on_bindings(const json_t *request, const struct request_target *t)
{
	return request_inspect(request, t, status_bindings);
}

static json_t *on_sas(const json_t *request, const struct request_target *t)
{
	return request_inspect(request, t, status_sas);
}

static json_t *on_group_command(const json_t *request, const struct request_target *t)
{
	static const struct {
		const char *name;
		int (*run)(struct group *g, char *ret_why);
	} what[] = {
		{"active", group_active},
		{"standby", group_standby},
		{"drain", group_drain},
		{"ready", group_ready},
	};
	const json_t *wanted = json_object_get(request, "do");
	char why[GROUP_WHY_MAX] = "";

	if (t->src.group == NULL)
		return request_refusal("this node is no home agent of a group; group in the "
				       "section home-agent of its configuration makes it one");
	if (wanted == NULL)
		return group_status(t->src.group);
	for (size_t i = 0; json_is_string(wanted) && i < sizeof(what) / sizeof(what[0]); i++) {
		if (strcmp(json_string_value(wanted), what[i].name) != 0)
			continue;
		return what[i].run(t->src.group, why) == 0 ? group_status(t->src.group)
							   : request_refusal("%s", why);
	}
	return request_refusal("\"do\" is none of \"active\", \"standby\", \"drain\" and "
			       "\"ready\"");
}

static json_t *on_monitor(const json_t *request, const struct request_target *t)
{
	(void)request;
	*t->ret_watch = true;
	return request_success();
}

static const struct {
	const char *name;
	json_t *(*handle)(const json_t *request, const struct request_target *t);
} commands[] = {
	{"show", on_show},
	{"counters", on_counters},
	{"bub-start", on_bub_start},
	{"forget", on_forget},
	{"refresh", on_refresh},
	{"monitor", on_monitor},
	{"reload", on_reload},
	{"prefer", on_prefer},
	{"move", on_move},
	{"ping", on_ping},
	{"bindings", on_bindings},
	{"sas", on_sas},
	{"switch", switching_answer},
	{"group", on_group_command},
};
#define N_COMMANDS (sizeof(commands) / sizeof(commands[0]))

static json_t *unknown_command(const char *cmd)
{
	char names[256] = "";
	size_t len = 0;

	for (size_t i = 0; i < N_COMMANDS && len < sizeof(names); i++)
		len += (size_t)snprintf(names + len, sizeof(names) - len, "%s%s",
					i == 0                ? ""
					: i + 1 == N_COMMANDS ? " or "
							      : ", ",
					commands[i].name);
	return request_refusal("unknown command \"%s\"; expected %s", cmd, names);
}

static json_t *request_reply(const char *text, size_t len, const struct request_target *t)
{
	json_error_t error;
	json_t *request = json_loadb(text, len, JSON_REJECT_DUPLICATES, &error);
	const char *cmd = json_string_value(json_object_get(request, "cmd"));
	json_t *reply = NULL;

	if (request == NULL)
		return request_refusal("the request is no JSON: %s", error.text);
	if (cmd == NULL) {
		reply = request_refusal("the request is no object with a string \"cmd\"");
	} else {
		for (size_t i = 0; reply == NULL && i < N_COMMANDS; i++)
			if (strcmp(cmd, commands[i].name) == 0)
				reply = commands[i].handle(request, t);
		if (reply == NULL)
			reply = unknown_command(cmd);
	}
	json_decref(request);
	return reply;
}

char *request_answer(const char *request, size_t len, const struct request_target *target)
{
	json_t *reply = request_reply(request, len, target);
	char *text = NULL;
	char *line = NULL;
	size_t n = 0;

	if (reply == NULL)
		return NULL;
	text = json_dumps(reply, JSON_COMPACT);
	json_decref(reply);
	if (text == NULL)
		return NULL;
	n = strlen(text);
	line = realloc(text, n + 2);
	if (line == NULL) {
		free(text);
		return NULL;
	}
	memcpy(line + n, "\n", 2);
	return line;
}
