/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * See switching.h.
 */
#include "switching.h"

#include <arpa/inet.h>
#include <stdarg.h>
#include <string.h>

#include "addrtext.h"
#include "group.h"

#define STAYERS_MAX 100 /* that are named */

__attribute__((format(printf, 1, 2))) static json_t *switching_refusal(const char *fmt, ...)
{
	va_list ap;
	json_t *text = NULL;

	va_start(ap, fmt);
	text = json_vsprintf(fmt, ap);
	va_end(ap);
	return json_pack("{s:o}", "error", text);
}

static json_t *switching_address(const struct in6_addr *addr)
{
	char text[INET6_ADDRSTRLEN];

	return json_string(addrtext_of(addr, text));
}

static void switching_set(json_t *object, const char *name, json_t *value)
{
	(void)json_object_set_new(object, name, value);
}

/* ---- How far it is ------------------------------------------------------------------------- */

/* Those who were asked and have not gone, the first of them. */
static json_t *switching_stayers(const struct status_source *src)
{
	json_t *array = json_array();
	struct bub_client_status c;

	for (unsigned at = 0; json_array_size(array) < STAYERS_MAX &&
			      bub_engine_client_status(src->engine, src->now, &at, &c);) {
		if (c.switched == BUB_SWITCHED_ASKED || c.switched == BUB_SWITCHED_SILENT)
			(void)json_array_append_new(array,
						    json_pack("{s:o, s:s, s:b}", "home",
							      switching_address(&c.home), "state",
							      bub_switched_name(c.switched),
							      "registered", (int)c.registered));
	}
	return array;
}

static json_t *switching_status(const struct status_source *src)
{
	struct bub_switch_status s;
	json_t *o = json_object(), *to = json_array();

	bub_engine_switch_status(src->engine, &s);
	for (unsigned i = 0; i < s.n_agents; i++)
		(void)json_array_append_new(to, switching_address(&s.agent[i]));
	switching_set(o, "running", json_boolean(s.running));
	switching_set(o, "refuses", json_boolean(s.refuses));
	switching_set(o, "to", to);
	switching_set(o, "rate", json_integer(s.rate));
	switching_set(o, "to_ask", json_integer(s.to_ask));
	switching_set(o, "asked", json_integer(s.asked));
	switching_set(o, "gone", json_integer(s.gone));
	switching_set(o, "silent", json_integer(s.silent));
	switching_set(o, "returned", json_integer(s.returned));
	switching_set(o, "waiting", json_integer(s.waiting));
	switching_set(o, "stayed", s.asked > s.gone ? switching_stayers(src) : json_array());
	return o;
}

/* ---- What is wanted ------------------------------------------------------------------------ */

/* The addresses of "to"; returns NULL, or why they cannot be used. */
static json_t *get_agents(const json_t *request, const struct request_target *t,
			  struct in6_addr ret_list[static BUB_SWITCH_AGENTS_MAX], unsigned *ret_n)
{
	const json_t *to = json_object_get(request, "to");
	const json_t *v = NULL;
	size_t k = 0;

	*ret_n = 0;
	if (to == NULL)
		return NULL;
	if (!json_is_array(to) || json_array_size(to) > BUB_SWITCH_AGENTS_MAX)
		return switching_refusal("\"to\" is no array of at most %d addresses",
					 BUB_SWITCH_AGENTS_MAX);
	json_array_foreach(to, k, v)
	{
		const char *text = json_string_value(v);
		struct in6_addr *a = &ret_list[k];

		if (text == NULL || inet_pton(AF_INET6, text, a) != 1 || !bub_addr_is_routable(a))
			return switching_refusal("\"%s\" is no address of a home agent",
						 text != NULL ? text : "?");
		if (bub_addr_eq(a, &t->src.cfg->ha.address))
			return switching_refusal("\"%s\" is this home agent itself", text);
	}
	*ret_n = (unsigned)k;
	return NULL;
}

/* One mobile node, or "all": ::. */
static json_t *get_switched(const json_t *request, const struct request_target *t,
			    struct in6_addr *ret_home)
{
	const char *text = json_string_value(json_object_get(request, "home"));
	struct bub_switch_status s;
	struct bub_client_status c;

	*ret_home = in6addr_any;
	if (text == NULL)
		return switching_refusal("switch needs a home: an address as a string, or \"all\"");
	if (strcmp(text, "all") == 0)
		return NULL;
	if (inet_pton(AF_INET6, text, ret_home) != 1)
		return switching_refusal("\"%s\" is no IPv6 address", text);
	if (!bub_engine_client(t->src.engine, t->src.now, ret_home, &c))
		return switching_refusal("\"%s\" is no mobile node of this home agent", text);
	if (!c.registered)
		return switching_refusal("\"%s\" is not registered here", text);
	if (IN6_IS_ADDR_V4MAPPED(&c.care_of))
		return switching_refusal("\"%s\" is in a network of IPv4, and could not follow",
					 text);
	if (c.switched == BUB_SWITCHED_ASKED)
		return switching_refusal("\"%s\" has been asked, and may answer yet", text);
	bub_engine_switch_status(t->src.engine, &s);
	if (s.all)
		return switching_refusal("all of them are being asked");
	if (s.waiting == s.waiting_max)
		return switching_refusal("%u have been asked, and may answer yet", s.waiting);
	return NULL;
}

static json_t *begin_switch(const json_t *request, const struct request_target *t)
{
	struct bub_event ev = {.type = BUB_EV_HA_SWITCH};
	struct in6_addr list[BUB_SWITCH_AGENTS_MAX];
	const json_t *rate = json_object_get(request, "rate");
	json_t *why = NULL;

	ev.u.ha_switch.stop = json_is_true(json_object_get(request, "stop"));
	if (!ev.u.ha_switch.stop)
		why = get_switched(request, t, &ev.u.ha_switch.home);
	if (why == NULL)
		why = get_agents(request, t, list, &ev.u.ha_switch.n);
	if (why == NULL && rate != NULL &&
	    (!json_is_integer(rate) || json_integer_value(rate) < 1 ||
	     json_integer_value(rate) > BUB_SWITCH_RATE_MAX))
		why = switching_refusal("\"rate\" is no number from 1 to %d", BUB_SWITCH_RATE_MAX);
	if (why != NULL)
		return why;
	ev.u.ha_switch.agent = list;
	ev.u.ha_switch.rate = (uint32_t)json_integer_value(rate);
	t->feed(t->ctx, &ev);
	return NULL;
}

json_t *switching_answer(const json_t *request, const struct request_target *t)
{
	json_t *why = NULL;

	if (!t->src.cfg->ha.enabled)
		return switching_refusal("this node is no home agent, so it sends nobody away");
	if (!group_serves(t->src.group))
		return switching_refusal("another home agent of the group serves: ask that one");
	if (json_object_get(request, "home") != NULL || json_object_get(request, "stop") != NULL)
		why = begin_switch(request, t);
	return why != NULL ? why : switching_status(&t->src);
}
