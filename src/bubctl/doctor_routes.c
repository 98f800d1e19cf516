/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Checks of routing rules and tables: who else has some where bub's are, and who takes bub's away.
 */
#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "doctor.h"
#include "program.h"
#include "text.h"

#define BUB_PROTOCOL "216" /* of bub's rules and routes */
#define BUB_RULES 6
#define BUB_TABLES 21

/* Whose rules these mostly are. */
static const char *rule_owner(const json_t *rule)
{
	const json_int_t priority = json_integer_value(json_object_get(rule, "priority"));
	const char *table = doctor_text(rule, "table");

	if (strcmp(table, "220") == 0)
		return " (strongSwan's, mostly)";
	if (priority >= 5200 && priority < 5300)
		return " (Tailscale's, mostly)";
	if (strcmp(table, "51820") == 0 || json_object_get(rule, "suppress_prefixlen") != NULL)
		return " (wg-quick's, mostly)";
	return "";
}

static bool table_has_routes(const json_t *routes, const char *table)
{
	const json_t *r = NULL;
	size_t i = 0;

	json_array_foreach(routes, i, r)
	{
		const char *of = doctor_text(r, "table");

		if (strcmp(of[0] != '\0' ? of : "main", table) == 0)
			return true;
	}
	return false;
}

/* A rule of somebody else that is asked before bub's own decides over packets of home addresses. */
static void check_rule(struct doctor *d, const json_t *rule, const json_t *routes)
{
	const json_int_t first = json_integer_value(json_object_get(d->config, "rule_priority"));
	const json_int_t priority = json_integer_value(json_object_get(rule, "priority"));
	const char *table = doctor_text(rule, "table");
	const char *owner = rule_owner(rule);

	if (priority == 0 || json_object_get(rule, "l3mdev") != NULL ||
	    strcmp(doctor_text(rule, "protocol"), BUB_PROTOCOL) == 0)
		return;
	if (priority < first + BUB_RULES && (table[0] == '\0' || table_has_routes(routes, table)))
		doctor_add(
			d, DOCTOR_WARNING, "rules",
			json_sprintf("the routing rule %" JSON_INTEGER_FORMAT
				     " for table %s%s comes before bub's",
				     priority, table, owner),
			"it may lead packets of home addresses elsewhere; a lower `rule-priority` "
			"in the configuration puts bub's first",
			json_sprintf("ip -6 rule del priority %" JSON_INTEGER_FORMAT, priority));
	else if (owner[0] != '\0')
		doctor_add(
			d, DOCTOR_NOTE, "rules",
			json_sprintf("there is a routing rule %" JSON_INTEGER_FORMAT
				     " for table %s%s",
				     priority, table, owner),
			"of two programs that lead traffic into a tunnel, the one whose rules come "
			"first has it",
			NULL);
}

static void check_tables(struct doctor *d, const json_t *routes)
{
	const json_int_t first = json_integer_value(json_object_get(d->config, "route_table"));
	const json_t *r = NULL;
	size_t i = 0;

	json_array_foreach(routes, i, r)
	{
		const json_int_t table = strtoll(doctor_text(r, "table"), NULL, 10);

		if (table < first || table >= first + BUB_TABLES ||
		    strcmp(doctor_text(r, "protocol"), BUB_PROTOCOL) == 0)
			continue;
		doctor_add(
			d, DOCTOR_FAULT, "tables",
			json_sprintf("routing table %" JSON_INTEGER_FORMAT
				     ", which is bub's, has a route of somebody else: %s dev %s",
				     table, doctor_text(r, "dst"), doctor_text(r, "dev")),
			"packets of home addresses go that way; `route-table` in the configuration "
			"moves bub's tables",
			json_sprintf("ip -6 route del %s dev %s table %" JSON_INTEGER_FORMAT,
				     doctor_text(r, "dst"), doctor_text(r, "dev"), table));
	}
}

/* Whether "prefix/length" has this address in it. */
static bool text_covers(const char *prefix, const char *address)
{
	struct in6_addr net, addr;
	char text[INET6_ADDRSTRLEN] = "";
	const char *slash = strchr(prefix, '/');
	const long len = slash != NULL ? strtol(slash + 1, NULL, 10) : -1;

	if (len < 0 || len > 128 || (size_t)(slash - prefix) >= sizeof(text))
		return false;
	memcpy(text, prefix, (size_t)(slash - prefix));
	return inet_pton(AF_INET6, text, &net) == 1 && inet_pton(AF_INET6, address, &addr) == 1 &&
	       text_same_bits(&net, &addr, (unsigned)len);
}

/* A home agent that counts the home addresses of its mobile nodes as its own keeps their packets.
 */
static void check_local(struct doctor *d, const json_t *route)
{
	const json_t *clients =
		json_object_get(json_object_get(d->config, "home_agent"), "clients");
	const char *dst = doctor_text(route, "dst"), *dev = doctor_text(route, "dev");
	const json_t *c = NULL;
	size_t i = 0;

	if (strcmp(doctor_text(route, "type"), "local") != 0)
		return;
	json_array_foreach(clients, i, c)
	{
		if (!text_covers(dst, doctor_text(c, "address")))
			continue;
		doctor_add(d, DOCTOR_FAULT, "routes",
			   json_sprintf("this machine takes all of %s for its own addresses, "
					"those of its mobile nodes among them",
					dst),
			   "what is sent to a mobile node ends here; bubd itself sees to the home "
			   "prefix and to the home agent's address",
			   json_sprintf("ip -6 route del local %s dev %s", dst, dev));
		return;
	}
}

/* ---- Who removes what is not its own ------------------------------------------------------- */

static bool says_no(const char *text, const char *keyword)
{
	const char *at = text, *last = NULL;

	while ((at = strstr(at, keyword)) != NULL) {
		if (at == text || at[-1] == '\n')
			last = at + strlen(keyword);
		at += strlen(keyword);
	}
	return last != NULL &&
	       (strncmp(last, "no", 2) == 0 || strncmp(last, "false", 5) == 0 || last[0] == '0');
}

static void check_networkd(struct doctor *d)
{
	const char *const argv[] = {"systemd-analyze", "cat-config", "systemd/networkd.conf", NULL};
	struct program_result r;

	if (access("/run/systemd/netif/state", F_OK) != 0)
		return; /* it does not run */
	program_run(argv, &r);
	if (!says_no(r.out, "ManageForeignRoutes=") ||
	    !says_no(r.out, "ManageForeignRoutingPolicyRules="))
		doctor_add(
			d, DOCTOR_WARNING, "networkd",
			json_string("systemd-networkd removes routes and rules of others when it "
				    "starts or reloads"),
			"bubd puts its own back, but a second or more is lost each time",
			json_string("mkdir -p /etc/systemd/networkd.conf.d && printf "
				    "'[Network]\\nManageForeignRoutes=no\\n"
				    "ManageForeignRoutingPolicyRules=no\\n' "
				    ">/etc/systemd/networkd.conf.d/bub.conf"));
	program_free(&r);
}

void doctor_check_routes(struct doctor *d)
{
	const char *const ask_rules[] = {"ip", "-j", "-6", "rule", "show", NULL};
	const char *const ask_routes[] = {"ip", "-j", "-6", "route", "show", "table", "all", NULL};
	json_t *rules = NULL, *routes = NULL;
	const json_t *one = NULL;
	size_t i = 0;

	check_networkd(d);
	if (d->config == NULL)
		return;
	rules = doctor_json(ask_rules);
	routes = doctor_json(ask_routes);
	json_array_foreach(rules, i, one) check_rule(d, one, routes);
	check_tables(d, routes);
	json_array_foreach(routes, i, one) check_local(d, one);
	json_decref(rules);
	json_decref(routes);
}
