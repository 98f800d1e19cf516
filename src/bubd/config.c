/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Gives the configuration file its meaning: what its sections say, and what has to fit together.
 * What a value may be by itself is in the table of config_keywords.c, and what a setting does is
 * the engine's business.
 *
 * Checking goes on after a mistake, so that one run shows them all.  Whether things fit together is
 * not looked into where something is wrong already: it would be told twice.
 */
#include "config.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "config_load.h"
#include "regular.h"

#define POLICIES_SPARE 64 /* room for peers that a reload adds */

void *loader_grow(struct loader *l, void *array, size_t n, size_t size)
{
	void *larger = NULL;

	if ((n & (n - 1)) != 0) /* there is room up to the next power of two */
		return array;
	larger = calloc(n == 0 ? 1 : 2 * n, size);
	if (larger == NULL) {
		problem(&l->p, CONFIG_NO_PLACE, "out of memory");
		return NULL;
	}
	if (n > 0) {
		memcpy(larger, array, n * size);
		explicit_bzero(array, n * size);
	}
	free(array);
	return larger;
}

/* ---- Mobile nodes and home agents ---------------------------------------------------------- */

/* The kernel room knows one setting for payload, so all sections have to agree. */
static void load_protect_payload(struct loader *l, const struct config_node *sec)
{
	bool protect = config_number(sec, "protect-payload", true) != 0;

	if (l->payload != NULL && l->cfg->lnx.protect_payload != protect) {
		problem(&l->p, config_place(sec, "protect-payload"),
			"protect-payload is %s here but %s in the section of line %d; expected one "
			"setting for the node",
			protect ? "true" : "false", protect ? "false" : "true",
			config_place(l->payload, "protect-payload").line);
		return;
	}
	l->cfg->lnx.protect_payload = protect;
	l->payload = sec;
}

/* Over IPv4 there is nothing but ESP in UDP. */
static void load_check_ipv4(struct loader *l, const struct config_node *sec, const char *keyword,
			    const struct in6_addr *addr)
{
	const struct lnx_config *lnx = &l->cfg->lnx;

	if (IN6_IS_ADDR_UNSPECIFIED(addr))
		return;
	if (lnx->udp == CARRIER_NEVER)
		problem(&l->p, config_place(sec, keyword),
			"%s: IPv4 needs ESP in UDP, and udp is never; expected auto or always",
			keyword);
	if (!lnx->protect_payload)
		problem(&l->p, config_place(sec, keyword),
			"%s: over IPv4 data needs ESP; expected protect-payload = true", keyword);
}

/* Several addresses: which of them is used is found out when they are tried. */
static void load_agents(struct loader *l, const struct config_value *first,
			struct bub_home_config *home)
{
	const unsigned at = l->cfg->engine.n_homes;

	for (const struct config_value *v = first; v != NULL; v = v->next) {
		if (IN6_IS_ADDR_UNSPECIFIED(&v->addr))
			problem(&l->p, v->at,
				"home-agent: \"%s\" is a name; expected one name alone, or "
				"addresses",
				v->text);
		l->cfg->agents[at].addr[l->cfg->agents[at].n++] = v->addr;
	}
	home->home_agent = in6addr_any;
	home->agent_is_named = true;
	l->cfg->agent_name[at][0] = '\0';
}

/* What is no address is a name. */
static void load_agent_name(struct loader *l, const struct config_node *sec,
			    struct bub_home_config *home)
{
	const struct config_value *v = config_value(sec, "home-agent");
	char *name = l->cfg->agent_name[l->cfg->engine.n_homes];

	home->agent_is_named = v != NULL && IN6_IS_ADDR_UNSPECIFIED(&home->home_agent);
	if (home->agent_is_named)
		(void)snprintf(name, sizeof(l->cfg->agent_name[0]), "%s", v->text);
	if (v != NULL && v->next != NULL)
		load_agents(l, v, home);
}

/* A home address that is left out is the home agent's to assign, which has to know by a certificate
 * who asks, and where it is asked.  Returns false after a problem(). */
static bool check_home_address(struct loader *l, const struct config_node *sec)
{
	const struct config_value *agent = config_value(sec, "home-agent");

	if (config_find(sec, "home-address") != NULL || sec->gaps)
		return true;
	if (config_find(config_find(sec, "keys"), "certificate-file") == NULL || agent == NULL ||
	    agent->next != NULL || IN6_IS_ADDR_UNSPECIFIED(&agent->addr)) {
		problem(&l->p, sec->at,
			"mobile-node lacks home-address; expected ADDRESS/LENGTH (or the address "
			"of a home-agent and keys with a certificate, by which that assigns one)");
		return false;
	}
	for (unsigned i = 0; i < l->cfg->engine.n_homes; i++) {
		if (!IN6_IS_ADDR_UNSPECIFIED(&l->cfg->engine.home[i].address))
			continue;
		problem(&l->p, sec->at,
			"mobile-node lacks home-address, as that on line %d; expected one of them "
			"to be assigned at most",
			l->home[i]->at.line);
		return false;
	}
	return true;
}

static void load_mobile_node(struct loader *l, const struct config_node *sec)
{
	struct bub_config *eng = &l->cfg->engine;
	const struct config_value *v = config_value(sec, "home-address");
	struct bub_home_config *home = &eng->home[eng->n_homes];
	bool complete = false;

	if (eng->n_homes == BUB_HOMES_MAX) {
		problem(&l->p, sec->at, "one mobile-node section too many; expected at most %d",
			BUB_HOMES_MAX);
		return;
	}
	complete = check_home_address(l, sec);
	if (!config_fill(&l->p, IN_MOBILE_NODE, sec, home) || !complete || sec->gaps)
		return;
	load_protect_payload(l, sec);
	load_agent_name(l, sec, home);
	home->prefix_len = v != NULL ? v->prefix_len : 0;
	home->direct = !l->cfg->lnx.protect_payload;
	for (unsigned i = 0; i < eng->n_homes; i++)
		if (bub_addr_eq(&eng->home[i].address, &home->address))
			problem(&l->p, v->at,
				"home-address: \"%s\" has a mobile-node section already, on line "
				"%d; expected another address",
				v->text, l->home[i]->at.line);
	if (bub_addr_eq(&home->address, &home->home_agent))
		problem(&l->p, v->at,
			"home-address: \"%s\" is the home agent's too; expected an address of its "
			"own",
			v->text);
	if (!IN6_IS_ADDR_UNSPECIFIED(&home->home_agent_ipv4) &&
	    IN6_IS_ADDR_UNSPECIFIED(&home->home_agent))
		problem(&l->p, config_place(sec, "home-agent-ipv4"),
			"home-agent-ipv4: there is no home-agent; expected its IPv6 address as "
			"well");
	load_check_ipv4(l, sec, "home-agent-ipv4", &home->home_agent_ipv4);
	if (home->renumber && home->prefix_len != 64)
		problem(&l->p, config_place(sec, "renumber"),
			"renumber: the home address has a prefix of %u bits; expected 64",
			home->prefix_len);
	loader_pair(l, sec, &home->address, &home->home_agent, false);
	if (config_find(sec, "keys") != NULL)
		loader_home_keys(l, config_find(sec, "keys"), l->cfg->agent_name[eng->n_homes],
				 &l->cfg->home_keys[eng->n_homes]);
	l->home[eng->n_homes++] = sec;
}

static bool in_home_prefixes(const struct bub_ha_config *ha, const struct in6_addr *addr)
{
	for (unsigned i = 0; i < ha->n_prefixes; i++)
		if (bub_addr_in_prefix(addr, &ha->prefix[i].prefix, ha->prefix[i].len))
			return true;
	return false;
}

/* The title of a section is its address, which no other of many thousand sections may have. */
static void check_only(struct loader *l, const struct config_node *sec, struct addrset *set)
{
	const struct config_value *title = sec->values;
	const size_t *first = addrset_find(set, &title->addr);

	if (first != NULL)
		problem(&l->p, title->at,
			"%s: \"%s\" has a section already, on line %zu; expected another address",
			sec->keyword->name, title->text, *first);
	else if (addrset_add(set, &title->addr, (size_t)sec->at.line) != 0)
		problem(&l->p, CONFIG_NO_PLACE, "out of memory");
}

/* A mobile-node section within home-agent. */
static void load_client(struct loader *l, const struct config_node *sec)
{
	const struct bub_ha_config *ha = &l->cfg->engine.ha;
	const struct config_value *title = sec->values;

	check_only(l, sec, &l->clients);
	/* RFC 6275, 10.3.1: status 132 would refuse every registration. */
	if (!in_home_prefixes(ha, &title->addr))
		problem(&l->p, title->at,
			"mobile-node: \"%s\" is outside the home agent's prefixes; expected a home "
			"address in one of them",
			title->text);
	if (bub_addr_eq(&title->addr, &ha->address))
		problem(&l->p, title->at,
			"mobile-node: \"%s\" is the home agent's own; expected a mobile node's "
			"home address",
			title->text);
	if (!sec->bad)
		loader_pair(l, sec, &title->addr, &ha->address, true);
}

/* What several of one group cannot have each for itself, and what fencing stands on. */
static void load_group(struct loader *l, const struct config_node *sec)
{
	const struct bubd_store_settings *store = &l->cfg->store;

	l->cfg->lnx.in_group = l->cfg->group != BUBD_GROUP_NONE;
	if (!l->cfg->lnx.in_group)
		return;
	if (store->kind != BUBD_STORE_REDIS || store->at_once || store->accept)
		problem(&l->p, config_place(sec, "group"),
			"group: who acknowledges has to have stored it where the others see it; "
			"expected store = redis, durability = stored and when-store-fails = "
			"refuse");
	if (config_find(sec, "router-adverts") != NULL)
		problem(&l->p, config_place(sec, "router-adverts"),
			"router-adverts: a home agent of a group sends none, as standby it would "
			"name itself as well; expected another program to send them");
}

static void load_home_agent(struct loader *l, const struct config_node *sec)
{
	struct bub_config *eng = &l->cfg->engine;
	struct bub_ha_config *ha = &eng->ha;

	ha->enabled = true;
	if (!config_fill(&l->p, IN_HOME_AGENT, sec, l->cfg))
		return;
	/* One or the other: "then the Binding Refresh Advice ... MUST be omitted" (RFC 6275,
	 * 10.3.1). */
	ha->stable = ha->refresh_advice_s == 0;
	load_protect_payload(l, sec);
	ha->direct = !l->cfg->lnx.protect_payload;
	load_check_ipv4(l, sec, "ipv4-address", &ha->ipv4_address);
	ha->physical_link = l->cfg->home_link[0] != '\0';
	loader_home_link(l, sec);
	for (unsigned i = 0; i < eng->n_homes; i++)
		if (bub_addr_eq(&eng->home[i].home_agent, &ha->address))
			problem(&l->p, config_place(sec, "address"),
				"address: a mobile-node section names it as its home agent, on "
				"line %d; expected the home agent to be another node",
				l->home[i]->at.line);
	load_group(l, sec);
	loader_room(l, sec);
	loader_agent_keys(l, sec, &l->cfg->agent_keys);
	if (l->cfg->subscribers && l->cfg->lnx.unprotected != 0)
		problem(&l->p, config_place(sec, "subscribers"),
			"subscribers agree on keys, which does not go with unprotected; expected "
			"the one or the other");
	for (const struct config_node *n = config_find(sec, "mobile-node"); n != NULL;
	     n = config_next(n))
		load_client(l, n);
	loader_store(l, sec);
}

/* ---- BUB, peers ---------------------------------------------------------------------------- */

static void load_suites(struct loader *l, const struct config_node *sec)
{
	static const uint8_t suites[] = {BUB_SUITE_SHA256_X25519, BUB_SUITE_SHA1_MODP2048};
	struct bub_config *eng = &l->cfg->engine;
	const struct config_value *v = config_value(sec, "suites");

	if (config_find(sec, "suites") == NULL)
		return; /* the engine's own order */
	if (v == NULL)
		problem(&l->p, config_place(sec, "suites"),
			"suites: the list is empty; expected x25519-sha256 or modp2048-sha1");
	for (eng->n_suites = 0; v != NULL; v = v->next)
		eng->suite[eng->n_suites++] = suites[v->number];
}

/* RFC 4283, which the draft's test needs beside its own, and RFC 5555. */
static void check_option(struct loader *l, const struct config_node *sec, const char *keyword,
			 uint8_t number)
{
	if (number == 8)
		problem(&l->p, config_place(sec, keyword),
			"%s: 8 is an option of RFC 4283; expected 6, 7 or 9 to 255", keyword);
	if (number >= 29 && number <= 32)
		problem(&l->p, config_place(sec, keyword),
			"%s: %u is an option of RFC 5555; expected a number that is not 29 to 32",
			keyword, number);
}

static void check_differ(struct loader *l, const struct config_node *sec, const char *keyword,
			 uint8_t number, const char *other, uint8_t others)
{
	if (number == others)
		problem(&l->p,
			config_place(sec, config_find(sec, keyword) != NULL ? keyword : other),
			"%s and %s are both %u; expected two numbers", keyword, other, number);
}

static void check_message(struct loader *l, const struct config_node *sec, const char *keyword,
			  uint8_t number)
{
	if (number == BUB_MH_TYPE_HA_SWITCH)
		problem(&l->p, config_place(sec, keyword),
			"%s: %u is that of Home Agent Switch (RFC 5142); expected another number",
			keyword, number);
}

static void load_bub(struct loader *l, const struct config_node *sec)
{
	struct bub_config *eng = &l->cfg->engine;
	const struct bub_codepoints *cp = &eng->codepoints;

	if (!config_fill(&l->p, IN_BUB, sec, l->cfg) || sec == NULL)
		return;
	load_suites(l, sec);
	check_message(l, sec, "mh-bubc", cp->mh_bubc);
	check_message(l, sec, "mh-dh", cp->mh_dh);
	check_differ(l, sec, "mh-dh", cp->mh_dh, "mh-bubc", cp->mh_bubc);
	check_option(l, sec, "option", cp->opt_bub);
	check_option(l, sec, "option-path-cookie", cp->opt_path_cookie);
	check_differ(l, sec, "option-path-cookie", cp->opt_path_cookie, "option", cp->opt_bub);
	check_option(l, sec, "option-path-report", cp->opt_path_report);
	check_differ(l, sec, "option-path-report", cp->opt_path_report, "option", cp->opt_bub);
	check_differ(l, sec, "option-path-report", cp->opt_path_report, "option-path-cookie",
		     cp->opt_path_cookie);
	if (eng->udp_port != 0 &&
	    (eng->udp_port == l->cfg->lnx.udp_port || eng->udp_port == l->cfg->lnx.udp_esp_port))
		problem(&l->p, config_place(sec, "direct-udp-port"),
			"direct-udp-port is %u, as udp-port or udp-esp-port is; expected another",
			eng->udp_port);
	/* BUB starts from a return routability run (draft, 4). */
	if (eng->bub == BUB_POLICY_REQUIRE && eng->route_optimisation == BUB_POLICY_NEVER)
		problem(&l->p, config_place(sec, "policy"),
			"policy: BUB cannot be required while route-optimisation is never; "
			"expected allow or require there");
}

static void load_peer(struct loader *l, const struct config_node *sec)
{
	struct bub_peer_policy *peer = &l->cfg->peers[l->cfg->n_peers++];

	peer->peer = sec->values->addr;
	peer->route_optimisation = l->cfg->engine.route_optimisation;
	peer->bub = l->cfg->engine.bub;
	check_only(l, sec, &l->peers);
	if (!config_fill(&l->p, IN_PEER, sec, peer))
		return;
	if (peer->bub == BUB_POLICY_REQUIRE && peer->route_optimisation == BUB_POLICY_NEVER)
		problem(&l->p, sec->at,
			"peer: BUB cannot be required while route-optimisation is never; expected "
			"allow or require there");
}

static void load_peers(struct loader *l, const struct config_node *root)
{
	struct bubd_config *cfg = l->cfg;
	unsigned n = config_count(root, "peer");

	cfg->engine.limit.policies = n + POLICIES_SPARE;
	cfg->peers = calloc(n > 0 ? n : 1, sizeof(*cfg->peers));
	if (cfg->peers == NULL) {
		problem(&l->p, CONFIG_NO_PLACE, "out of memory");
		return;
	}
	for (const struct config_node *sec = config_find(root, "peer"); sec != NULL;
	     sec = config_next(sec))
		load_peer(l, sec);
}

/* ---- The node ------------------------------------------------------------------------------ */

static bool names_interface(const struct lnx_config *lnx, const char *name)
{
	for (unsigned i = 0; i < lnx->n_interfaces; i++) {
		if (strcmp(lnx->interfaces[i], name) == 0)
			return true;
	}
	return false;
}

static void load_names(struct loader *l, const struct config_node *root, const char *keyword,
		       bool listen_only)
{
	struct lnx_config *lnx = &l->cfg->lnx;

	for (const struct config_value *v = config_value(root, keyword); v != NULL; v = v->next) {
		char *name = l->cfg->interface[lnx->n_interfaces];

		if (strcmp(v->text, l->cfg->tun) == 0)
			problem(&l->p, v->at,
				"%s: \"%s\" is bub's own (tun); expected a real interface", keyword,
				v->text);
		if (names_interface(lnx, v->text))
			continue; /* it may stand in both lists */
		(void)snprintf(name, IFNAMSIZ, "%s", v->text);
		lnx->listen_only[lnx->n_interfaces] = listen_only;
		lnx->interfaces[lnx->n_interfaces++] = name;
	}
}

/* A mobile node listens wherever it may have care-of addresses: without a list, that is
 * everywhere. */
static void load_interfaces(struct loader *l, const struct config_node *root)
{
	const struct config_value *listen = config_value(root, "listen-interfaces");

	load_names(l, root, "interfaces", false);
	if (listen != NULL && l->cfg->lnx.n_interfaces == 0 &&
	    config_find(root, "mobile-node") != NULL)
		problem(&l->p, listen->at,
			"listen-interfaces: a mobile node has care-of addresses on every interface "
			"and listens there; expected interfaces as well");
	load_names(l, root, "listen-interfaces", true);
}

static void load_interface(struct loader *l, const struct config_node *sec)
{
	struct lnx_config *lnx = &l->cfg->lnx;

	for (unsigned i = 0; i < lnx->n_interfaces; i++) {
		if (!lnx->listen_only[i] && strcmp(lnx->interfaces[i], sec->values->text) == 0) {
			lnx->preference[i] = (int32_t)config_number(sec, "preference", 0);
			lnx->optimistic[i] = config_number(sec, "optimistic-dad", false) != 0;
			lnx->neutral[i] = config_number(sec, "checksum-neutral", false) != 0;
			return;
		}
	}
	problem(&l->p, sec->values->at,
		"interface: \"%s\" is not in the list of interfaces; expected one that is",
		sec->values->text);
}

/* What goes for every role. */
static void load_node(struct loader *l, const struct config_node *root)
{
	struct bubd_config *cfg = l->cfg;

	if (!config_fill(&l->p, IN_FILE, root, cfg))
		return;
	if (cfg->node[0] == '\0' && gethostname(cfg->node, NODE_NAME_MAX) != 0)
		(void)snprintf(cfg->node, NODE_NAME_MAX, "localhost");
	load_interfaces(l, root);
	for (const struct config_node *sec = config_find(root, "interface"); sec != NULL;
	     sec = config_next(sec))
		load_interface(l, sec);
	if ((cfg->lnx.unprotected & ESP_CLASS_PAYLOAD) != 0)
		problem(&l->p, config_place(root, "unprotected"),
			"unprotected: payload has a keyword of its own; expected protect-payload = "
			"false");
	if (cfg->lnx.udp_port == cfg->lnx.udp_esp_port)
		problem(&l->p, config_place(root, "udp-esp-port"),
			"udp-esp-port is %u, as udp-port is; expected two ports",
			cfg->lnx.udp_esp_port);
}

/* Copies to the kernel room's configuration what the engine's has already. */
static void fill_lnx(struct bubd_config *cfg)
{
	const struct bub_config *eng = &cfg->engine;
	struct lnx_config *lnx = &cfg->lnx;

	lnx->tun_name = cfg->tun;
	for (unsigned i = 0; i < eng->n_homes; i++) {
		lnx->homes[i] = eng->home[i].address;
		lnx->home_agents[i] = eng->home[i].home_agent;
		lnx->home_agents_ipv4[i] = eng->home[i].home_agent_ipv4;
		lnx->home_prefix_len[i] = eng->home[i].prefix_len;
		lnx->multicast |= eng->home[i].multicast;
	}
	lnx->multicast |= eng->ha.enabled && eng->ha.multicast;
	lnx->n_homes = eng->n_homes;
	lnx->home_agent = eng->ha.enabled;
	lnx->direct_udp_port = eng->udp_port;
	lnx->home_agent_address = eng->ha.address;
	lnx->home_agent_ipv4 = eng->ha.ipv4_address;
	lnx->home_link = eng->ha.physical_link ? cfg->home_link : NULL;
	for (unsigned i = 0; i < eng->ha.n_prefixes; i++) {
		lnx->ha_prefix[i] = eng->ha.prefix[i].prefix;
		lnx->ha_prefix_len[i] = eng->ha.prefix[i].len;
	}
	lnx->n_ha_prefixes = eng->ha.n_prefixes;
	memcpy(lnx->advert.prefix, eng->ha.prefix, sizeof(lnx->advert.prefix));
	lnx->advert.n_prefixes = eng->ha.n_prefixes;
	lnx->advert.preference = eng->ha.preference;
	lnx->advert.managed = eng->ha.managed;
	lnx->advert.other = eng->ha.other;
	/* A path for each correspondent, each binding, each mobile node served and each home agent:
	 * more the engine cannot ask for. */
	lnx->max_paths = eng->limit.bindings + eng->limit.peers + BUB_HOMES_MAX +
			 (eng->ha.direct ? eng->limit.clients : 0);
	lnx->max_tunnels =
		(eng->ha.enabled ? eng->limit.clients : 0) + (eng->n_homes > 0 ? BUB_HOMES_MAX : 0);
	if (lnx->max_tunnels == 0)
		lnx->max_tunnels = 1; /* 0 would mean some thousands */
}

/* TLS takes the identities that keys are agreed on with. */
static void check_tcp(struct loader *l, const struct config_node *root)
{
	bool agrees = bubd_config_serves_keys(l->cfg);

	for (unsigned i = 0; i < l->cfg->engine.n_homes; i++)
		agrees |= l->cfg->home_keys[i].there;
	if (l->cfg->lnx.tcp_port != 0 && !agrees)
		problem(&l->p, config_place(root, "tcp-port"),
			"tcp-port: a secret-file has no identity for TLS; expected keys that are "
			"agreed on");
}

static void load_all(struct loader *l)
{
	const struct config_node *root = &l->tree.root;
	const struct config_node *sec = NULL;

	load_node(l, root);
	(void)config_fill(&l->p, IN_LIMITS, config_find(root, "limits"), l->cfg);
	load_bub(l, config_find(root, "bub"));
	for (sec = config_find(root, "mobile-node"); sec != NULL; sec = config_next(sec))
		load_mobile_node(l, sec);
	sec = config_find(root, "home-agent");
	if (sec != NULL)
		load_home_agent(l, sec);
	load_peers(l, root);
	fill_lnx(l->cfg);
	check_tcp(l, root);
	l->cfg->fixed = config_fixed_text(&l->tree);
	if (l->cfg->fixed == NULL)
		problem(&l->p, CONFIG_NO_PLACE, "out of memory");
}

/* ---- The whole ----------------------------------------------------------------------------- */

/* Of the mobile node's own side. */
static bool same_own_pairs(const struct bubd_config *a, const struct bubd_config *b)
{
	for (size_t i = 0; i < a->n_pairs && !a->pairs[i].at_home_agent; i++)
		if (i >= b->n_pairs || b->pairs[i].at_home_agent ||
		    !bubd_config_same_pair(a, &a->pairs[i], b, &b->pairs[i]))
			return false;
	return true;
}

/* Adds one more name to a list of them, where there is room. */
static void add_name(char *text, size_t cap, const char *name, size_t len)
{
	size_t at = strlen(text);

	(void)snprintf(text + at, cap - at, "%s%.*s", at > 0 ? ", " : "", (int)len, name);
}

unsigned bubd_config_compare(const struct bubd_config *a, const struct bubd_config *b,
			     char *ret_text, size_t cap)
{
	const char *x = a->fixed, *y = b->fixed;
	unsigned n = 0;

	ret_text[0] = '\0';
	while (*x != '\0') {
		size_t len = strcspn(x, "\n") + 1, other = strcspn(y, "\n") + 1;

		if (len != other || memcmp(x, y, len) != 0) {
			add_name(ret_text, cap, x, strcspn(x, " "));
			n++;
		}
		x += len;
		y += other;
	}
	if (same_own_pairs(a, b) && strcmp(a->store.redis.password, b->store.redis.password) == 0)
		return n;
	add_name(ret_text, cap, "a secret", strlen("a secret"));
	return n + 1;
}

struct bubd_config *bubd_config_parse(const char *path, char *text, size_t len, FILE *messages)
{
	struct loader l = {.p = {.out = messages, .path = path}};

	l.cfg = calloc(1, sizeof(*l.cfg));
	if (l.cfg == NULL) {
		problem(&l.p, CONFIG_NO_PLACE, "out of memory");
		return NULL;
	}
	bub_config_init(&l.cfg->engine);
	l.cfg->lnx.protect_payload = true;
	config_parse(&l.p, text, len, &l.tree);
	if (!l.tree.broken)
		load_all(&l);
	config_tree_free(&l.tree);
	addrset_free(&l.clients);
	addrset_free(&l.peers);
	addrset_free(&l.ids[false]);
	addrset_free(&l.ids[true]);
	if (l.p.n == 0 && loader_index_pairs(l.cfg) != 0)
		problem(&l.p, CONFIG_NO_PLACE, "out of memory");
	if (l.p.n == 0)
		return l.cfg;
	bubd_config_free(l.cfg);
	return NULL;
}

struct bubd_config *bubd_config_load(const char *path, FILE *messages)
{
	struct problems p = {.out = messages, .path = path};
	struct bubd_config *cfg = NULL;
	const char *why = NULL;
	size_t len = 0;
	char *text = regular_read(path, CONFIG_TEXT_ROOM, &len, &why);

	if (text == NULL) {
		problem(&p, CONFIG_NO_PLACE, "cannot open it: it %s", why);
		return NULL;
	}
	cfg = bubd_config_parse(path, text, len, messages);
	explicit_bzero(text, len); /* may have keys in it */
	free(text);
	return cfg;
}

void bubd_config_free(struct bubd_config *cfg)
{
	if (cfg == NULL)
		return;
	loader_unindex_pairs(cfg);
	if (cfg->pairs != NULL)
		explicit_bzero(cfg->pairs, cfg->n_pairs * sizeof(*cfg->pairs));
	free(cfg->pairs);
	if (cfg->sas != NULL)
		explicit_bzero(cfg->sas, cfg->n_sas * sizeof(*cfg->sas));
	free(cfg->sas);
	loader_wipe_keys(&cfg->agent_keys);
	explicit_bzero(&cfg->store, sizeof(cfg->store));
	for (unsigned i = 0; i < BUB_HOMES_MAX; i++)
		loader_wipe_keys(&cfg->home_keys[i]);
	free(cfg->peers);
	free(cfg->fixed);
	free(cfg);
}
