/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Checks of the packet filter: what its rules do to the packets that bubd sends, and to those that
 * the kernel has to pass on or to take for it.
 *
 * What bubd itself receives no rule can keep from it, as its sockets see packets before the filter
 * does; data of the direct path has lost its extra headers by then.
 */
#include <netinet/in.h>
#include <string.h>

#include "doctor.h"
#include "legacy.h"
#include "program.h"
#include "verdict.h"

struct flow_check {
	const char *hook;
	struct verdict_flow flow;
	const char *what; /* "drops ..." */
	const char *why;
	const char *nft, *iptables; /* what matches such packets */
};

static bool is_legacy(const json_t *object)
{
	return strcmp(doctor_text(object, "family"), LEGACY_FAMILY) == 0;
}

/* A rule in front that lets such packets pass. */
static json_t *accept_mend(const json_t *chain, const struct flow_check *c)
{
	const char *table = doctor_text(chain, "table"), *name = doctor_text(chain, "name");

	if (is_legacy(chain))
		return json_sprintf("ip6tables-legacy -t %s -I %s %s -j ACCEPT", table, name,
				    c->iptables);
	return json_sprintf("nft insert rule %s %s %s %s accept", doctor_text(chain, "family"),
			    table, name, c->nft);
}

static bool filters_ip6(const json_t *chain)
{
	const char *family = doctor_text(chain, "family");

	return strcmp(family, "ip6") == 0 || strcmp(family, "inet") == 0 || is_legacy(chain);
}

static void check_flow(struct doctor *d, const json_t *rules, const struct flow_check *c,
		       const char *in, const char *out)
{
	struct verdict_flow flow = c->flow;
	const json_t *one = NULL;
	size_t i = 0;

	json_array_foreach(rules, i, one)
	{
		const json_t *chain = json_object_get(one, "chain");
		struct verdict v;

		flow.in = in;
		flow.out = out;
		if (strcmp(doctor_text(chain, "hook"), c->hook) != 0 || !filters_ip6(chain))
			continue;
		v = verdict_of(rules, chain, &flow);
		if (!v.dropped && !v.some)
			continue;
		doctor_add(d, v.sure ? DOCTOR_FAULT : DOCTOR_WARNING, "firewall",
			   json_sprintf("the packet filter drops %s%s: %s table %s, chain %s",
					v.sure ? "" : "at least some of ", c->what,
					doctor_text(chain, "family"), doctor_text(chain, "table"),
					doctor_text(chain, "name")),
			   c->why, accept_mend(chain, c));
	}
}

static void check_sent(struct doctor *d, const json_t *rules, const char *link)
{
	static const char sent_why[] =
		"bubd sends it; make the rule lasting in the configuration of your firewall";
	static const struct flow_check checks[] = {
		{"output",
		 {.protocol = IPPROTO_MH, .mobility = true},
		 "Mobility Headers (protocol 135) that are sent",
		 sent_why,
		 "meta l4proto 135",
		 "-p 135"},
		{"output",
		 {.protocol = IPPROTO_ESP, .mobility = true},
		 "ESP (protocol 50) that is sent",
		 sent_why,
		 "meta l4proto 50",
		 "-p 50"},
		{"output",
		 {.protocol = IPPROTO_IPV6},
		 "tunnelled packets (protocol 41) that are sent",
		 sent_why,
		 "meta l4proto 41",
		 "-p 41"},
	};

	check_flow(d, rules, &checks[0], NULL, link);
	if (d->is_mobile || d->is_agent)
		check_flow(d, rules, &checks[1], NULL, link);
	if ((d->is_mobile || d->is_agent) &&
	    json_is_false(json_object_get(d->config, "protect_payload")))
		check_flow(d, rules, &checks[2], NULL, link);
}

/* What the kernel itself needs to hear. */
static void check_heard(struct doctor *d, const json_t *rules, const char *link)
{
	static const struct flow_check checks[] = {
		{"input",
		 {.protocol = IPPROTO_ICMPV6, .icmp_type = "nd-router-advert"},
		 "router advertisements",
		 "the kernel forms no care-of address without them",
		 "icmpv6 type nd-router-advert",
		 "-p icmpv6 --icmpv6-type 134"},
		{"input",
		 {.protocol = IPPROTO_ICMPV6, .icmp_type = "nd-neighbor-advert"},
		 "neighbour advertisements",
		 "no router and no neighbour can be reached without them",
		 "icmpv6 type { nd-neighbor-solicit, nd-neighbor-advert }",
		 "-p icmpv6 --icmpv6-type 136"},
		{"input",
		 {.protocol = IPPROTO_ICMPV6, .icmp_type = "packet-too-big"},
		 "the errors that say how large a packet may be",
		 "large transfers stall without them",
		 "icmpv6 type packet-too-big",
		 "-p icmpv6 --icmpv6-type 2"},
	};

	for (size_t i = d->is_mobile ? 0 : 1; i < sizeof(checks) / sizeof(checks[0]); i++)
		check_flow(d, rules, &checks[i], link, NULL);
}

/* What a home agent passes on; TCP stands for all data. */
static void check_forwarded(struct doctor *d, const json_t *rules, const char *link)
{
	const char *tun = doctor_text(d->config, "tun");
	const char *home = doctor_text(json_object_get(d->config, "home_agent"), "home_link");
	static const char why[] =
		"a home agent passes on what its mobile nodes send and get; make the rule lasting "
		"in the configuration of your firewall";
	char nft[2][32], iptables[2][32];
	const struct verdict_flow data = {.protocol = IPPROTO_TCP};
	const struct flow_check checks[] = {
		{"forward", data, "what mobile nodes send through the tunnel", why, nft[0],
		 iptables[0]},
		{"forward", data, "what is sent to mobile nodes", why, nft[1], iptables[1]},
	};

	if (!d->is_agent)
		return;
	if (home[0] != '\0')
		link = home;
	(void)snprintf(nft[0], sizeof(nft[0]), "iifname %.16s", tun);
	(void)snprintf(nft[1], sizeof(nft[1]), "oifname %.16s", tun);
	(void)snprintf(iptables[0], sizeof(iptables[0]), "-i %.16s", tun);
	(void)snprintf(iptables[1], sizeof(iptables[1]), "-o %.16s", tun);
	check_flow(d, rules, &checks[0], tun, link);
	check_flow(d, rules, &checks[1], link, tun);
}

/* The port of the first home address that agrees on keys, or of the home agent; 0: none. */
static unsigned key_port(const struct doctor *d)
{
	const json_t *agent = json_object_get(d->config, "home_agent");
	json_int_t port = json_integer_value(json_object_get(agent, "key_port"));
	const json_t *h = NULL;
	size_t i = 0;

	json_array_foreach(json_object_get(d->config, "homes"), i, h)
	{
		if (port == 0)
			port = json_integer_value(json_object_get(h, "key_port"));
	}
	return (unsigned)port;
}

/* Keys that are agreed on, at the home agent by TCP, and word of its restart by UDP. */
static void check_keys_pass(struct doctor *d, const json_t *rules, const char *link)
{
	const unsigned port = key_port(d);
	char nft[2][32], iptables[2][32];
	const struct flow_check asked = {"input",
					 {.protocol = IPPROTO_TCP, .port = port},
					 "what mobile nodes agree on keys by (TCP)",
					 "they get no keys, so nothing of theirs is understood",
					 nft[0],
					 iptables[0]};
	const struct flow_check told = {"input",
					{.protocol = IPPROTO_UDP, .port = port},
					"word of a home agent that has restarted (UDP)",
					"it may take minutes then until it is found out",
					nft[1],
					iptables[1]};
	const struct flow_check asks = {"output",
					{.protocol = IPPROTO_TCP, .port = port},
					"what keys are agreed on by (TCP)",
					"without keys nothing goes to the home agent",
					nft[0],
					iptables[0]};

	if (port == 0)
		return;
	(void)snprintf(nft[0], sizeof(nft[0]), "tcp dport %u", port);
	(void)snprintf(nft[1], sizeof(nft[1]), "udp dport %u", port);
	(void)snprintf(iptables[0], sizeof(iptables[0]), "-p tcp --dport %u", port);
	(void)snprintf(iptables[1], sizeof(iptables[1]), "-p udp --dport %u", port);
	if (d->is_agent)
		check_flow(d, rules, &asked, link, NULL);
	if (d->is_mobile) {
		check_flow(d, rules, &asks, NULL, link);
		check_flow(d, rules, &told, link, NULL);
	}
}

/* ESP in UDP comes by the kernel's sockets, which native ESP does not. */
static void check_carriers_pass(struct doctor *d, const json_t *rules, const char *link)
{
	const json_t *ports = json_object_get(d->config, "udp_ports"), *port = NULL;
	char nft[32], iptables[32];
	struct flow_check c = {
		"input",      {.protocol = IPPROTO_UDP},
		"ESP in UDP", "mobile nodes in networks that drop ESP, or have IPv4 only, need it",
		nft,          iptables};
	size_t i = 0;

	json_array_foreach(ports, i, port)
	{
		c.flow.port = (unsigned)json_integer_value(port);
		(void)snprintf(nft, sizeof(nft), "udp dport %u", c.flow.port);
		(void)snprintf(iptables, sizeof(iptables), "-p udp --dport %u", c.flow.port);
		if (d->is_agent)
			check_flow(d, rules, &c, link, NULL);
	}
}

/* ---- Reverse paths ------------------------------------------------------------------------- */

/* A rule that asks whether the way back to the source is the interface that a packet came by. */
static bool asks_for_way_back(const json_t *rule)
{
	const json_t *e = NULL;
	bool asks = false, drops = false;
	size_t i = 0;

	json_array_foreach(json_object_get(rule, "expr"), i, e)
	{
		const json_t *left = json_object_get(json_object_get(e, "match"), "left");

		asks |= json_object_get(left, "fib") != NULL ||
			strcmp(doctor_text(json_object_get(e, "xt"), "name"), "rpfilter") == 0;
		drops |= json_object_get(e, "drop") != NULL;
	}
	return asks && drops;
}

static void check_reverse_paths(struct doctor *d, const json_t *rules)
{
	const json_t *one = NULL;
	size_t i = 0;

	json_array_foreach(rules, i, one)
	{
		const json_t *rule = json_object_get(one, "rule");
		json_t *mend = NULL;

		if (rule == NULL || !asks_for_way_back(rule))
			continue;
		if (is_legacy(rule))
			mend = json_sprintf("ip6tables-legacy -t %s -D %s",
					    doctor_text(rule, "table"), doctor_text(rule, "line"));
		else
			mend = json_sprintf("nft delete rule %s %s %s handle %" JSON_INTEGER_FORMAT,
					    doctor_text(rule, "family"), doctor_text(rule, "table"),
					    doctor_text(rule, "chain"),
					    json_integer_value(json_object_get(rule, "handle")));
		doctor_add(
			d, DOCTOR_NOTE, "firewall",
			json_sprintf("the packet filter drops packets whose source has no way back "
				     "by the interface that they came by: table %s, chain %s",
				     doctor_text(rule, "table"), doctor_text(rule, "chain")),
			"data on the direct path comes from a peer's home address: wanted is a "
			"route to that, as a default route, by each interface (firewalld: "
			"IPv6_rpfilter)",
			mend);
	}
}

/* ---- Where the rules come from ------------------------------------------------------------- */

static void add_legacy_rules(json_t *rules)
{
	const char *const argv[] = {"ip6tables-legacy-save", NULL};
	struct program_result r;

	if (doctor_line("/proc/net/ip6_tables_names") == NULL)
		return; /* it has no table, and asking would make some */
	program_run(argv, &r);
	if (r.status == 0)
		legacy_add(rules, r.out);
	program_free(&r);
}

void doctor_check_firewall(struct doctor *d)
{
	const char *const argv[] = {"nft", "-j", "list", "ruleset", NULL};
	size_t before = json_array_size(d->findings);
	json_t *said = NULL, *rules = NULL, *names = NULL;
	const char *link = NULL;

	if (!d->root)
		return;
	said = doctor_json(argv);
	rules = json_array();
	(void)json_array_extend(rules, json_object_get(said, "nftables"));
	if (said == NULL)
		doctor_add(d, DOCTOR_NOTE, "firewall",
			   json_string("the program nft is not there, or does not answer"),
			   "rules of the packet filter are not looked at",
			   json_string("apt-get install nftables"));
	add_legacy_rules(rules);
	/* One stands for all of them: the probes ask about each. */
	names = doctor_interfaces(d);
	link = json_string_value(json_array_get(names, 0));
	check_sent(d, rules, link);
	check_heard(d, rules, link);
	check_forwarded(d, rules, link);
	check_keys_pass(d, rules, link);
	check_carriers_pass(d, rules, link);
	check_reverse_paths(d, rules);
	if (json_array_size(d->findings) == before)
		doctor_add(d, DOCTOR_OK, "firewall",
			   json_string("no rule of the packet filter is in the way"), NULL, NULL);
	json_decref(said);
	json_decref(rules);
	json_decref(names);
}
