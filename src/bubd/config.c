/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Gives the configuration file its meaning: defaults, ranges, and what fits together.  Owns every
 * rule on values; how the file is written is config_file.c's business, and what a setting does is
 * the engine's.
 *
 * Checking goes on after a mistake, so that one run shows them all.  A value that is wrong is
 * reported and left at its default.
 *
 * RFC 6275, 6.1 (MH types) and 6.2 (option types) bound the code points of the draft's messages.
 */
#include "config.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "config_load.h"
#include "secret.h"

#define DEFAULT_CONTROL "/run/bub/bubd.sock"
#define KEEP_ALIVE_S 150u /* with its answer less than one packet a minute */
#define KEEP_ALIVE_MAX_S 86400u
#define DEFAULT_STATE_DIR "/var/lib/bub"
#define POLICIES_SPARE 64 /* room for peers that a reload adds */

/* ---- One value ----------------------------------------------------------------------------- */

int loader_line(cfg_t *sec, const char *name)
{
	const struct config_value *v = config_file_value(sec, name, 0);

	return v != NULL ? v->line : config_file_section_line(sec);
}

uint32_t loader_number(struct loader *l, cfg_t *sec, const char *name, uint32_t or_else,
		       uint32_t min, uint32_t max)
{
	const struct config_value *v = config_file_value(sec, name, 0);
	unsigned long long n = 0;
	char *end = NULL;

	if (v == NULL)
		return or_else;
	errno = 0;
	n = strtoull(v->text, &end, 10);
	if (!isdigit((unsigned char)v->text[0]) || *end != '\0' || errno != 0 || n < min ||
	    n > max) {
		problem(&l->p, v->line,
			"%s: \"%s\" is out of bounds; expected a number from %u to %u", name,
			v->text, min, max);
		return or_else;
	}
	return (uint32_t)n;
}

bool loader_bool(struct loader *l, cfg_t *sec, const char *name, bool or_else)
{
	const struct config_value *v = config_file_value(sec, name, 0);

	if (v == NULL)
		return or_else;
	if (strcmp(v->text, "true") == 0)
		return true;
	if (strcmp(v->text, "false") != 0)
		problem(&l->p, v->line, "%s: \"%s\" is neither; expected true or false", name,
			v->text);
	return strcmp(v->text, "false") == 0 ? false : or_else;
}

unsigned loader_word(struct loader *l, cfg_t *sec, const char *name, unsigned or_else,
		     const char *const *words, unsigned n, const char *expected)
{
	const struct config_value *v = config_file_value(sec, name, 0);

	if (v == NULL)
		return or_else;
	for (unsigned i = 0; i < n; i++)
		if (strcmp(v->text, words[i]) == 0)
			return i;
	problem(&l->p, v->line, "%s: \"%s\" is unknown here; expected %s", name, v->text, expected);
	return or_else;
}

static enum bub_policy get_policy(struct loader *l, cfg_t *sec, const char *name,
				  enum bub_policy or_else)
{
	static const char *const words[] = {
		[BUB_POLICY_ALLOW] = "allow",
		[BUB_POLICY_NEVER] = "never",
		[BUB_POLICY_REQUIRE] = "require",
	};

	return (enum bub_policy)loader_word(l, sec, name, or_else, words, 3,
					    "never, allow or require");
}

/* A unicast address that may leave its link (RFC 6275, 9.5.1). */
static bool parse_address(struct loader *l, int line, const char *name, const char *text,
			  struct in6_addr *ret_addr)
{
	struct in6_addr addr;

	if (inet_pton(AF_INET6, text, &addr) != 1) {
		problem(&l->p, line, "%s: \"%s\" is no address; expected an IPv6 address", name,
			text);
		return false;
	}
	if (!bub_addr_is_routable(&addr)) {
		problem(&l->p, line,
			"%s: \"%s\" cannot be used here; expected a unicast address that is not "
			"link-local",
			name, text);
		return false;
	}
	*ret_addr = addr;
	return true;
}

const struct config_value *loader_needed(struct loader *l, cfg_t *sec, const char *name,
					 const char *expected)
{
	const struct config_value *v = config_file_value(sec, name, 0);

	if (v == NULL)
		problem(&l->p, config_file_section_line(sec), "%s lacks %s; expected %s",
			cfg_name(sec), name, expected);
	return v;
}

static bool get_address(struct loader *l, cfg_t *sec, const char *name, struct in6_addr *ret_addr)
{
	const struct config_value *v = loader_needed(l, sec, name, "an IPv6 address");

	return v != NULL && parse_address(l, v->line, name, v->text, ret_addr);
}

/* "ADDRESS/LENGTH". */
bool loader_prefixed(struct loader *l, const struct config_value *v, const char *name,
		     struct in6_addr *ret_addr, uint8_t *ret_len)
{
	const char *slash = strchr(v->text, '/');
	char text[INET6_ADDRSTRLEN] = "";
	struct in6_addr addr;
	char *end = NULL;
	long len = 0;

	if (slash == NULL || (size_t)(slash - v->text) >= sizeof(text)) {
		problem(&l->p, v->line, "%s: \"%s\" has no prefix length; expected ADDRESS/LENGTH",
			name, v->text);
		return false;
	}
	memcpy(text, v->text, (size_t)(slash - v->text));
	len = strtol(slash + 1, &end, 10);
	if (!isdigit((unsigned char)slash[1]) || *end != '\0' || len < 1 || len > 128) {
		problem(&l->p, v->line,
			"%s: \"%s\" has a wrong prefix length; expected 1 to 128 after the /", name,
			v->text);
		return false;
	}
	if (!parse_address(l, v->line, name, text, &addr))
		return false;
	*ret_addr = addr;
	*ret_len = (uint8_t)len;
	return true;
}

static void parse_ifname(struct loader *l, int line, const char *name, const char *text,
			 char ret_ifname[static IFNAMSIZ])
{
	size_t len = strlen(text);
	bool ok = len > 0 && len < IFNAMSIZ && strcmp(text, ".") != 0 && strcmp(text, "..") != 0;

	for (size_t i = 0; ok && i < len; i++)
		ok = isgraph((unsigned char)text[i]) && text[i] != '/' && text[i] != ':';
	if (ok)
		memcpy(ret_ifname, text, len + 1);
	else
		problem(&l->p, line,
			"%s: \"%s\" is no interface name; expected 1 to 15 characters without "
			"blanks, / and :",
			name, text);
}

bool loader_path(struct loader *l, const struct config_value *v, const char *name, char *ret_path,
		 size_t cap)
{
	const char *slash = strrchr(l->p.path, '/');
	size_t folder_len =
		v->text[0] == '/' || slash == NULL ? 0 : (size_t)(slash - l->p.path) + 1;
	size_t len = strlen(v->text);

	if (len == 0 || folder_len + len >= cap) {
		problem(&l->p, v->line,
			"%s: \"%s\" is no usable path; expected 1 to %zu characters", name, v->text,
			cap - 1 - folder_len);
		return false;
	}
	memcpy(ret_path, l->p.path, folder_len);
	memcpy(ret_path + folder_len, v->text, len + 1);
	return true;
}

static void get_path(struct loader *l, const char *name, const char *or_else, char *ret_path,
		     size_t cap)
{
	const struct config_value *v = config_file_value(l->root, name, 0);

	if (v == NULL)
		(void)snprintf(ret_path, cap, "%s", or_else);
	else
		(void)loader_path(l, v, name, ret_path, cap);
}

/* A file to be written: its folder has to be there, and it must be no folder itself. */
static void get_log_path(struct loader *l, const char *name, char ret_path[static PATH_MAX])
{
	const struct config_value *v = config_file_value(l->root, name, 0);
	char folder[PATH_MAX] = "";
	char *slash = NULL;
	struct stat st;

	if (v == NULL || !loader_path(l, v, name, ret_path, PATH_MAX))
		return;
	if (stat(ret_path, &st) == 0 && S_ISDIR(st.st_mode))
		problem(&l->p, v->line, "%s: \"%s\" is a folder; expected a file", name, ret_path);
	memcpy(folder, ret_path, PATH_MAX);
	slash = strrchr(folder, '/');
	if (slash == NULL)
		return;
	slash[slash == folder ? 1 : 0] = '\0';
	if (stat(folder, &st) != 0 || !S_ISDIR(st.st_mode))
		problem(&l->p, v->line, "%s: there is no folder \"%s\"; expected it to exist", name,
			folder);
}

/* ---- Mobile nodes and home agents ---------------------------------------------------------- */

void *loader_grow(struct loader *l, void *array, size_t n, size_t size)
{
	void *larger = NULL;

	if ((n & (n - 1)) != 0) /* there is room up to the next power of two */
		return array;
	larger = calloc(n == 0 ? 1 : 2 * n, size);
	if (larger == NULL) {
		problem(&l->p, 0, "out of memory");
		return NULL;
	}
	if (n > 0) {
		memcpy(larger, array, n * size);
		explicit_bzero(array, n * size);
	}
	free(array);
	return larger;
}

static struct bubd_pair *new_pair(struct loader *l)
{
	struct bubd_config *cfg = l->cfg;
	struct bubd_pair *pairs = loader_grow(l, cfg->pairs, cfg->n_pairs, sizeof(*pairs));

	if (pairs == NULL)
		return NULL;
	cfg->pairs = pairs;
	return &cfg->pairs[cfg->n_pairs++];
}

/* Notes the pair, with the secret that it shares or the SAs that it has instead; with neither where
 * nothing is to be protected. */
static void add_pair(struct loader *l, cfg_t *sec, const struct in6_addr *home,
		     const struct in6_addr *home_agent, bool at_home_agent)
{
	const bool unprotected = l->cfg->lnx.unprotected != 0;
	const bool has_sas = cfg_size(sec, "sa") > 0 || unprotected;
	const struct config_value *v = config_file_value(sec, "secret-file", 0);
	char path[PATH_MAX] = "";
	const char *why = NULL;
	struct bubd_pair *pair = NULL;
	bool renumber = loader_renumber(l, sec, home, at_home_agent);

	if (has_sas && v != NULL) {
		problem(&l->p, v->line,
			unprotected
				? "secret-file does not go with unprotected; expected sa sections "
				  "for the rest"
				: "secret-file stands beside sa sections; expected the one or "
				  "the others");
		return;
	}
	if (!has_sas) {
		v = loader_needed(l, sec, "secret-file", "the path of a file, or sa sections");
		if (v == NULL || !loader_path(l, v, "secret-file", path, sizeof(path)))
			return;
	}
	pair = new_pair(l);
	if (pair == NULL)
		return;
	pair->home = *home;
	pair->home_agent = *home_agent;
	pair->at_home_agent = at_home_agent;
	pair->renumber = renumber;
	pair->first_sa = l->cfg->n_sas;
	if (has_sas) {
		loader_sas(l, sec, home, at_home_agent);
		pair->n_sas = l->cfg->n_sas - pair->first_sa;
		return;
	}
	why = secret_read(path, pair->secret, &pair->secret_len);
	if (why != NULL)
		problem(&l->p, v->line, "secret-file: \"%s\" %s", path, why);
}

/* The kernel room knows one setting for payload, so all sections have to agree. */
static void get_protect_payload(struct loader *l, cfg_t *sec)
{
	const struct config_value *v = config_file_value(sec, "protect-payload", 0);
	bool protect = loader_bool(l, sec, "protect-payload", true);
	int line = v != NULL ? v->line : config_file_section_line(sec);

	if (l->payload_line != 0 && l->cfg->lnx.protect_payload != protect) {
		problem(&l->p, line,
			"protect-payload is %s here but %s in the section of line %d; expected one "
			"setting for the node",
			protect ? "true" : "false", protect ? "false" : "true", l->payload_line);
		return;
	}
	l->cfg->lnx.protect_payload = protect;
	l->payload_line = line;
}

static void load_mobile_node(struct loader *l, cfg_t *sec)
{
	struct bub_config *eng = &l->cfg->engine;
	const struct config_value *v = NULL;
	struct bub_home_config *home = NULL;
	int line = config_file_section_line(sec);

	if (eng->n_homes == BUB_HOMES_MAX) {
		problem(&l->p, line, "one mobile-node section too many; expected at most %d",
			BUB_HOMES_MAX);
		return;
	}
	home = &eng->home[eng->n_homes];
	home->lifetime_s = loader_number(l, sec, "lifetime", 3600, 4, BUB_LIFETIME_MAX_S);
	/* RFC 6275, 13: InitialBindackTimeoutFirstReg can be configured; MAX_BINDACK_TIMEOUT is 32
	 * s. */
	home->first_timeout_ms =
		loader_number(l, sec, "first-timeout", home->first_timeout_ms, 100, 32000);
	home->keep_alive_s = loader_number(l, sec, "keep-alive", KEEP_ALIVE_S, 0, KEEP_ALIVE_MAX_S);
	home->alternate_care_of = loader_bool(l, sec, "alternate-care-of", true);
	home->link_local = loader_bool(l, sec, "link-local", false);
	home->multicast = loader_bool(l, sec, "multicast", false);
	get_protect_payload(l, sec);
	home->direct = !l->cfg->lnx.protect_payload;

	v = loader_needed(l, sec, "home-address", "ADDRESS/LENGTH");
	if (v == NULL || !loader_prefixed(l, v, "home-address", &home->address, &home->prefix_len))
		return;
	/* Without one it is discovered (RFC 6275, 11.4.1). */
	if (config_file_is_set(sec, "home-agent") &&
	    !get_address(l, sec, "home-agent", &home->home_agent))
		return;
	for (unsigned i = 0; i < eng->n_homes; i++)
		if (bub_addr_eq(&eng->home[i].address, &home->address))
			problem(&l->p, v->line,
				"home-address: \"%s\" has a mobile-node section already; expected "
				"another address",
				v->text);
	if (bub_addr_eq(&home->address, &home->home_agent))
		problem(&l->p, v->line,
			"home-address: \"%s\" is the home agent's too; expected an address of its "
			"own",
			v->text);
	add_pair(l, sec, &home->address, &home->home_agent, false);
	home->renumber = loader_bool(l, sec, "renumber", false);
	if (home->renumber && home->prefix_len != 64)
		problem(&l->p, loader_line(sec, "renumber"),
			"renumber: the home address has a prefix of %u bits; expected 64",
			home->prefix_len);
	eng->n_homes++;
}

static bool in_home_prefixes(const struct bub_ha_config *ha, const struct in6_addr *addr)
{
	for (unsigned i = 0; i < ha->n_prefixes; i++)
		if (bub_addr_in_prefix(addr, &ha->prefix[i].prefix, ha->prefix[i].len))
			return true;
	return false;
}

/* A mobile-node section within home-agent. */
static void load_client(struct loader *l, cfg_t *sec)
{
	const struct bub_ha_config *ha = &l->cfg->engine.ha;
	int line = config_file_section_line(sec);
	const char *title = cfg_title(sec);
	struct in6_addr home;

	if (!parse_address(l, line, "mobile-node", title, &home))
		return;
	if (addrset_find(&l->clients, &home) != NULL)
		problem(&l->p, line,
			"mobile-node: \"%s\" has a section already; expected another home address",
			title);
	else if (addrset_add(&l->clients, &home, l->cfg->n_pairs) != 0)
		problem(&l->p, 0, "out of memory");
	/* RFC 6275, 10.3.1: status 132 would refuse every registration. */
	if (ha->n_prefixes > 0 && !in_home_prefixes(ha, &home))
		problem(&l->p, line,
			"mobile-node: \"%s\" is outside the home agent's prefixes; expected a home "
			"address in one of them",
			title);
	if (bub_addr_eq(&home, &ha->address))
		problem(&l->p, line,
			"mobile-node: \"%s\" is the home agent's own; expected a mobile node's "
			"home "
			"address",
			title);
	add_pair(l, sec, &home, &ha->address, true);
}

static void load_home_agent(struct loader *l, cfg_t *sec)
{
	static const char *const ways[] = {
		[BUB_BACKHAUL_PLAIN] = "plain",
		[BUB_BACKHAUL_ENCAPSULATED] = "encapsulated",
	};
	static const char *const probes[] = {
		[BUB_DAD_BEFORE] = "before",
		[BUB_DAD_MEANWHILE] = "meanwhile",
		[BUB_DAD_NEVER] = "never",
	};
	static const char *const care_of[] = {"source", "any"};
	struct bub_config *eng = &l->cfg->engine;
	struct bub_ha_config *ha = &eng->ha;
	const struct config_value *v = config_file_value(sec, "home-link", 0);
	unsigned n_clients;

	ha->enabled = true;
	ha->preference = (uint16_t)loader_number(l, sec, "preference", 0, 0, UINT16_MAX);
	ha->lifetime_max_s = loader_number(l, sec, "lifetime-max", 3600, 4, BUB_LIFETIME_MAX_S);
	ha->refresh_advice_s = loader_number(l, sec, "refresh-advice", 0, 4, BUB_LIFETIME_MAX_S);
	/* One or the other: "then the Binding Refresh Advice ... MUST be omitted" (RFC
	 * 6275, 10.3.1). */
	ha->stable = ha->refresh_advice_s == 0;
	ha->backhaul = (enum bub_backhaul)loader_word(l, sec, "backhaul", BUB_BACKHAUL_PLAIN, ways,
						      2, "plain or encapsulated");
	ha->any_care_of =
		loader_word(l, sec, "alternate-care-of", 0, care_of, 2, "source or any") == 1;
	ha->dad = (enum bub_dad)loader_word(l, sec, "dad", BUB_DAD_BEFORE, probes, 3,
					    "before, meanwhile or never");
	ha->multicast = loader_bool(l, sec, "multicast", false);
	get_protect_payload(l, sec);
	ha->direct = !l->cfg->lnx.protect_payload;
	if (v != NULL) {
		parse_ifname(l, v->line, "home-link", v->text, l->cfg->home_link);
		ha->physical_link = true;
	}
	loader_home_link(l, sec);
	if (!get_address(l, sec, "address", &ha->address))
		return;
	for (unsigned i = 0; i < eng->n_homes; i++)
		if (bub_addr_eq(&eng->home[i].home_agent, &ha->address))
			problem(&l->p, loader_line(sec, "address"),
				"address: a mobile-node section names it as its home agent; "
				"expected "
				"the home agent to be another node");
	n_clients = loader_room(l, sec);
	for (unsigned i = 0; i < n_clients; i++)
		load_client(l, cfg_getnsec(sec, "mobile-node", i));
}

/* ---- BUB, peers, limits -------------------------------------------------------------------- */

static void load_suites(struct loader *l, cfg_t *sec)
{
	static const struct {
		const char *name;
		uint8_t suite;
	} known[] = {
		{"x25519-sha256", BUB_SUITE_SHA256_X25519},
		{"modp2048-sha1", BUB_SUITE_SHA1_MODP2048},
	};
	struct bub_config *eng = &l->cfg->engine;
	const struct config_value *v = config_file_value(sec, "suites", 0);

	if (v == NULL && config_file_is_set(sec, "suites"))
		problem(&l->p, config_file_section_line(sec),
			"suites: the list is empty; expected x25519-sha256 or modp2048-sha1");
	if (v == NULL)
		return; /* the engine's own order */
	eng->n_suites = 0;
	for (unsigned i = 0; (v = config_file_value(sec, "suites", i)) != NULL; i++) {
		uint8_t suite = 0;

		for (size_t k = 0; k < sizeof(known) / sizeof(known[0]); k++)
			if (strcmp(v->text, known[k].name) == 0)
				suite = known[k].suite;
		if (suite == 0) {
			problem(&l->p, v->line,
				"suites: \"%s\" is unknown; expected x25519-sha256 or "
				"modp2048-sha1",
				v->text);
			continue;
		}
		if (memchr(eng->suite, suite, eng->n_suites) != NULL) {
			problem(&l->p, v->line, "suites: \"%s\" is listed twice; expected it once",
				v->text);
			continue;
		}
		eng->suite[eng->n_suites++] = suite;
	}
}

/* RFC 6275, 6.2.2 to 6.2.7; RFC 4283, which the draft's test needs beside its own. */
static void check_option(struct loader *l, cfg_t *sec, const char *keyword, uint8_t number)
{
	if (number <= 5 || number == 8)
		problem(&l->p, loader_line(sec, keyword),
			"%s: %u is an option of %s; expected 6, 7 or 9 to 255", keyword, number,
			number == 8 ? "RFC 4283" : "RFC 6275");
}

static void load_codepoints(struct loader *l, cfg_t *sec)
{
	struct bub_codepoints *cp = &l->cfg->engine.codepoints;

	cp->mh_bubc = (uint8_t)loader_number(l, sec, "mh-bubc", cp->mh_bubc, 0, 255);
	cp->mh_dh = (uint8_t)loader_number(l, sec, "mh-dh", cp->mh_dh, 0, 255);
	cp->opt_bub = (uint8_t)loader_number(l, sec, "option", cp->opt_bub, 0, 255);
	cp->opt_path_cookie =
		(uint8_t)loader_number(l, sec, "option-path-cookie", cp->opt_path_cookie, 0, 255);
	if (cp->mh_bubc <= 7) /* RFC 6275, 6.1.2 to 6.1.9 */
		problem(&l->p, loader_line(sec, "mh-bubc"),
			"mh-bubc: %u is a message type of RFC 6275; expected 8 to 255",
			cp->mh_bubc);
	if (cp->mh_dh <= 7)
		problem(&l->p, loader_line(sec, "mh-dh"),
			"mh-dh: %u is a message type of RFC 6275; expected 8 to 255", cp->mh_dh);
	if (cp->mh_dh == cp->mh_bubc)
		problem(&l->p,
			config_file_value(sec, "mh-dh", 0) != NULL ? loader_line(sec, "mh-dh")
								   : loader_line(sec, "mh-bubc"),
			"mh-dh and mh-bubc are both %u; expected two numbers", cp->mh_dh);
	check_option(l, sec, "option", cp->opt_bub);
	check_option(l, sec, "option-path-cookie", cp->opt_path_cookie);
	if (cp->opt_path_cookie == cp->opt_bub)
		problem(&l->p,
			config_file_value(sec, "option-path-cookie", 0) != NULL
				? loader_line(sec, "option-path-cookie")
				: loader_line(sec, "option"),
			"option-path-cookie and option are both %u; expected two numbers",
			cp->opt_bub);
}

static void load_bub(struct loader *l, cfg_t *sec)
{
	struct bub_config *eng = &l->cfg->engine;

	eng->bub = get_policy(l, sec, "policy", eng->bub);
	eng->direct_copy = loader_bool(l, sec, "direct-copy", true);
	eng->eager_bub = loader_bool(l, sec, "eager", true);
	eng->static_kabm = loader_bool(l, sec, "static-correspondents", eng->static_kabm);
	eng->accept_encapsulated = loader_bool(l, sec, "accept-encapsulated", false);
	eng->check_care_of = loader_bool(l, sec, "check-care-of", eng->check_care_of);
	eng->kabm_lifetime_s = loader_number(l, sec, "kabm-lifetime", 86400, 60, 31536000);
	eng->static_after_s = loader_number(l, sec, "static-after", 420, 1, 604800);
	eng->bub_lifetime_s = loader_number(l, sec, "lifetime", 3600, 4, BUB_LIFETIME_MAX_S);
	load_suites(l, sec);
	load_codepoints(l, sec);
	/* BUB starts from a return routability run (draft, 4). */
	if (eng->bub == BUB_POLICY_REQUIRE && eng->route_optimisation == BUB_POLICY_NEVER)
		problem(&l->p, loader_line(sec, "policy"),
			"policy: BUB cannot be required while route-optimisation is never; "
			"expected "
			"allow or require there");
}

static void load_peer(struct loader *l, cfg_t *sec, struct bub_peer_policy *peer)
{
	const struct bub_config *eng = &l->cfg->engine;
	const char *title = cfg_title(sec);
	int line = config_file_section_line(sec);

	peer->route_optimisation =
		get_policy(l, sec, "route-optimisation", eng->route_optimisation);
	peer->bub = get_policy(l, sec, "bub", eng->bub);
	if (!parse_address(l, line, "peer", title, &peer->peer))
		return;
	if (addrset_find(&l->peers, &peer->peer) != NULL)
		problem(&l->p, line, "peer: \"%s\" has a section already; expected one", title);
	else if (addrset_add(&l->peers, &peer->peer, l->cfg->n_peers) != 0)
		problem(&l->p, 0, "out of memory");
	if (peer->bub == BUB_POLICY_REQUIRE && peer->route_optimisation == BUB_POLICY_NEVER)
		problem(&l->p, line,
			"peer: BUB cannot be required while route-optimisation is never; expected "
			"allow or require there");
}

static void load_peers(struct loader *l)
{
	struct bubd_config *cfg = l->cfg;
	unsigned n = cfg_size(l->root, "peer");

	cfg->engine.limit.policies = n + POLICIES_SPARE;
	if (n == 0)
		return;
	cfg->peers = calloc(n, sizeof(*cfg->peers));
	if (cfg->peers == NULL) {
		problem(&l->p, 0, "out of memory");
		return;
	}
	for (; cfg->n_peers < n; cfg->n_peers++)
		load_peer(l, cfg_getnsec(l->root, "peer", (unsigned)cfg->n_peers),
			  &cfg->peers[cfg->n_peers]);
}

static void load_limits(struct loader *l, cfg_t *sec)
{
	struct bub_config *eng = &l->cfg->engine;

	eng->limit.bindings = loader_number(l, sec, "bindings", 1024, 1, 1u << 20);
	eng->limit.peers = loader_number(l, sec, "peers", 256, 1, 1u << 20);
	eng->limit.clients = loader_number(l, sec, "clients", 1024, 1, CLIENTS_MAX);
	eng->limit.memberships = loader_number(l, sec, "memberships", 256, 1, 1u << 20);
}

/* ---- The node ------------------------------------------------------------------------------ */

static void load_name(struct loader *l)
{
	const struct config_value *v = config_file_value(l->root, "name", 0);
	char *node = l->cfg->node;

	if (v == NULL) {
		if (gethostname(node, NODE_NAME_MAX) != 0)
			(void)snprintf(node, NODE_NAME_MAX, "localhost");
		return;
	}
	for (const char *c = v->text; *c != '\0'; c++)
		if (!isgraph((unsigned char)*c))
			goto bad;
	if (v->text[0] == '\0' || strlen(v->text) > NODE_NAME_MAX)
		goto bad;
	(void)snprintf(node, NODE_NAME_MAX + 1, "%s", v->text);
	return;
bad:
	problem(&l->p, v->line, "name: \"%s\" is no name; expected 1 to %d characters, no blanks",
		v->text, NODE_NAME_MAX);
}

static void load_interfaces(struct loader *l)
{
	struct lnx_config *lnx = &l->cfg->lnx;
	const struct config_value *v = NULL;

	for (unsigned i = 0; (v = config_file_value(l->root, "interfaces", i)) != NULL; i++) {
		char *name = NULL;

		if (lnx->n_interfaces == LNX_INTERFACES_MAX) {
			problem(&l->p, v->line,
				"interfaces: \"%s\" is one too many; expected at "
				"most %d",
				v->text, LNX_INTERFACES_MAX);
			return;
		}
		name = l->cfg->interface[lnx->n_interfaces];
		parse_ifname(l, v->line, "interfaces", v->text, name);
		for (unsigned k = 0; k < lnx->n_interfaces; k++)
			if (strcmp(l->cfg->interface[k], name) == 0)
				problem(&l->p, v->line,
					"interfaces: \"%s\" is listed twice; expected it once",
					name);
		if (strcmp(name, l->cfg->tun) == 0)
			problem(&l->p, v->line,
				"interfaces: \"%s\" is bub's own (tun); expected a real interface",
				name);
		lnx->interfaces[lnx->n_interfaces++] = name;
	}
}

static void load_interface(struct loader *l, cfg_t *sec)
{
	struct lnx_config *lnx = &l->cfg->lnx;
	uint32_t preference = loader_number(l, sec, "preference", 0, 0, 1000000);
	bool optimistic = loader_bool(l, sec, "optimistic-dad", false);

	for (unsigned i = 0; i < lnx->n_interfaces; i++) {
		if (strcmp(lnx->interfaces[i], cfg_title(sec)) == 0) {
			lnx->preference[i] = (int32_t)preference;
			lnx->optimistic[i] = optimistic;
			return;
		}
	}
	problem(&l->p, config_file_section_line(sec),
		"interface: \"%s\" is not in the list of interfaces; expected one that is",
		cfg_title(sec));
}

/* What goes for every role. */
static void load_protocol(struct loader *l)
{
	struct bub_config *eng = &l->cfg->engine;

	eng->route_optimisation =
		get_policy(l, l->root, "route-optimisation", eng->route_optimisation);
	eng->ack_correspondents =
		loader_bool(l, l->root, "ack-correspondents", eng->ack_correspondents);
	eng->refresh_unused = loader_bool(l, l->root, "refresh-unused", eng->refresh_unused);
	eng->accept_brr = loader_bool(l, l->root, "accept-refresh-requests", eng->accept_brr);
	eng->send_brr = loader_bool(l, l->root, "send-refresh-requests", eng->send_brr);
	eng->prefix_discovery = loader_bool(l, l->root, "prefix-discovery", eng->prefix_discovery);
	loader_unprotected(l);
}

static void load_node(struct loader *l)
{
	static const char *const levels[] = {
		[LNX_LOG_ERROR] = "error",
		[LNX_LOG_WARNING] = "warning",
		[LNX_LOG_INFO] = "info",
		[LNX_LOG_DEBUG] = "debug",
	};
	struct bubd_config *cfg = l->cfg;
	const struct config_value *tun = config_file_value(l->root, "tun", 0);

	load_name(l);
	(void)snprintf(cfg->tun, sizeof(cfg->tun), "bub0");
	if (tun != NULL)
		parse_ifname(l, tun->line, "tun", tun->text, cfg->tun);
	load_interfaces(l);
	for (unsigned i = 0; i < cfg_size(l->root, "interface"); i++)
		load_interface(l, cfg_getnsec(l->root, "interface", i));
	get_path(l, "control", DEFAULT_CONTROL, cfg->control, sizeof(cfg->control));
	get_path(l, "state-dir", DEFAULT_STATE_DIR, cfg->state_dir, sizeof(cfg->state_dir));
	get_log_path(l, "event-log", cfg->event_log);
	get_log_path(l, "key-log", cfg->key_log);
	cfg->log_level = (enum lnx_log_level)loader_word(
		l, l->root, "log-level", LNX_LOG_INFO, levels, 4, "error, warning, info or debug");
	cfg->lnx.route_table = loader_number(l, l->root, "route-table", 2116, LNX_ROUTE_TABLE_MIN,
					     LNX_ROUTE_TABLE_MAX);
	cfg->lnx.rule_priority =
		loader_number(l, l->root, "rule-priority", 1000, 1, LNX_RULE_PRIORITY_MAX);
	load_protocol(l);
}

/* A section that may be there once; NULL: not there. */
static cfg_t *single_section(struct loader *l, const char *name)
{
	unsigned n = cfg_size(l->root, name);

	for (unsigned i = 1; i < n; i++)
		problem(&l->p, config_file_section_line(cfg_getnsec(l->root, name, i)),
			"section %s is given twice, first on line %d; expected it once", name,
			config_file_section_line(cfg_getsec(l->root, name)));
	return n > 0 ? cfg_getsec(l->root, name) : NULL;
}

/* Copies to the kernel room's configuration what the engine's has already. */
static void fill_lnx(struct bubd_config *cfg)
{
	const struct bub_config *eng = &cfg->engine;
	struct lnx_config *lnx = &cfg->lnx;

	lnx->tun_name = cfg->tun;
	for (unsigned i = 0; i < eng->n_homes; i++) {
		lnx->homes[i] = eng->home[i].address;
		lnx->home_prefix_len[i] = eng->home[i].prefix_len;
		lnx->multicast |= eng->home[i].multicast;
	}
	lnx->multicast |= eng->ha.enabled && eng->ha.multicast;
	lnx->n_homes = eng->n_homes;
	lnx->home_agent = eng->ha.enabled;
	lnx->home_agent_address = eng->ha.address;
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

static void load_all(struct loader *l)
{
	cfg_t *sec = NULL;

	load_node(l);
	sec = single_section(l, "limits");
	if (sec != NULL)
		load_limits(l, sec);
	sec = single_section(l, "bub");
	if (sec != NULL)
		load_bub(l, sec);
	for (unsigned i = 0; i < cfg_size(l->root, "mobile-node"); i++)
		load_mobile_node(l, cfg_getnsec(l->root, "mobile-node", i));
	sec = single_section(l, "home-agent");
	if (sec != NULL)
		load_home_agent(l, sec);
	load_peers(l);
	fill_lnx(l->cfg);
}

/* Keeps as text what a reload cannot change: everything but log-level, the peers, and what a home
 * agent says of its prefixes and mobile nodes. */
static void freeze(struct loader *l)
{
	unsigned n = 0;

	for (cfg_opt_t *o = l->root->opts; o->name != NULL && n < BUBD_KEYWORDS_MAX; o++)
		if (strcmp(o->name, "log-level") != 0 && strcmp(o->name, "peer") != 0)
			l->cfg->frozen[n++] = config_file_text(o, loader_reloadable);
}

/* Of the mobile node's own side. */
static bool same_own_pairs(const struct bubd_config *a, const struct bubd_config *b)
{
	for (size_t i = 0; i < a->n_pairs && !a->pairs[i].at_home_agent; i++)
		if (i >= b->n_pairs || b->pairs[i].at_home_agent ||
		    !bubd_config_same_pair(a, &a->pairs[i], b, &b->pairs[i]))
			return false;
	return true;
}

unsigned bubd_config_compare(const struct bubd_config *a, const struct bubd_config *b,
			     char *ret_text, size_t cap)
{
	unsigned n = 0;
	size_t at = 0;

	ret_text[0] = '\0';
	for (unsigned i = 0; i <= BUBD_KEYWORDS_MAX; i++) {
		const char *name = "a secret";
		size_t len = strlen(name);
		int written = 0;

		if (i < BUBD_KEYWORDS_MAX) {
			name = a->frozen[i];
			if (name == NULL || b->frozen[i] == NULL || strcmp(name, b->frozen[i]) == 0)
				continue;
			len = strcspn(name, "\n");
		} else if (same_own_pairs(a, b)) {
			continue;
		}
		n++;
		written = snprintf(ret_text + at, cap - at, "%s%.*s", at > 0 ? ", " : "", (int)len,
				   name);
		if (written < 0 || (size_t)written >= cap - at)
			break;
		at += (size_t)written;
	}
	return n;
}

struct bubd_config *bubd_config_load(const char *path, FILE *messages)
{
	struct loader l = {.p = {.out = messages, .path = path}};

	l.cfg = calloc(1, sizeof(*l.cfg));
	if (l.cfg == NULL) {
		problem(&l.p, 0, "out of memory");
		return NULL;
	}
	bub_config_init(&l.cfg->engine);
	l.cfg->engine.limit.bindings = 1024;
	l.cfg->engine.limit.peers = 256;
	l.cfg->engine.limit.clients = 1024;
	l.cfg->lnx.protect_payload = true;
	l.root = config_file_parse(&l.p);
	if (l.root != NULL) {
		load_all(&l);
		freeze(&l);
		(void)cfg_free(l.root);
	}
	addrset_free(&l.clients);
	addrset_free(&l.peers);
	addrset_free(&l.ids[false]);
	addrset_free(&l.ids[true]);
	if (l.p.n == 0)
		return l.cfg;
	bubd_config_free(l.cfg);
	return NULL;
}

void bubd_config_free(struct bubd_config *cfg)
{
	if (cfg == NULL)
		return;
	if (cfg->pairs != NULL)
		explicit_bzero(cfg->pairs, cfg->n_pairs * sizeof(*cfg->pairs));
	free(cfg->pairs);
	if (cfg->sas != NULL)
		explicit_bzero(cfg->sas, cfg->n_sas * sizeof(*cfg->sas));
	free(cfg->sas);
	free(cfg->peers);
	for (unsigned i = 0; i < BUBD_KEYWORDS_MAX; i++) {
		if (cfg->frozen[i] != NULL) /* may have keys in it */
			explicit_bzero(cfg->frozen[i], strlen(cfg->frozen[i]));
		free(cfg->frozen[i]);
	}
	free(cfg);
}
