/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The table of keywords: what may stand in the configuration file, what a value has to be, where it
 * goes and what it is when nothing is said.  Owns every rule on a value taken by itself; what has
 * to fit together is config.c's business.  Where the table has no default it is that of
 * bub_config_init().
 *
 * RFC 6275, 6.1 (MH types) and 6.2 (option types) bound the code points of the draft's messages.
 */
#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "config.h"
#include "config_load.h"

/* ---- The table ----------------------------------------------------------------------------- */

static const char *const policies[] = {
	[BUB_POLICY_ALLOW] = "allow",
	[BUB_POLICY_NEVER] = "never",
	[BUB_POLICY_REQUIRE] = "require",
	NULL,
};
static const char *const levels[] = {
	[LNX_LOG_ERROR] = "error",
	[LNX_LOG_WARNING] = "warning",
	[LNX_LOG_INFO] = "info",
	[LNX_LOG_DEBUG] = "debug",
	NULL,
};
static const char *const backhauls[] = {
	[BUB_BACKHAUL_PLAIN] = "plain",
	[BUB_BACKHAUL_ENCAPSULATED] = "encapsulated",
	NULL,
};
static const char *const probes[] = {
	[BUB_DAD_BEFORE] = "before",
	[BUB_DAD_MEANWHILE] = "meanwhile",
	[BUB_DAD_NEVER] = "never",
	NULL,
};
static const char *const care_of[] = {"source", "any", NULL};
static const char *const suites[] = {"x25519-sha256", "modp2048-sha1", NULL};
/* Of enum esp_class, bit by bit. */
const char *const config_classes[] = {"binding-updates", "mobility", "prefix-discovery", "payload",
				      NULL};
static const char *const directions[] = {[ESP_OUT] = "out", [ESP_IN] = "in", NULL};
static const char *const modes[] = {
	[ESP_TRANSPORT] = "transport",
	[ESP_TUNNEL] = "tunnel",
	NULL,
};
const char *const config_ciphers[] = {"aes-cbc", "3des-cbc", "null", NULL};
const char *const config_integrities[] = {"hmac-sha256-128", "hmac-sha1-96", NULL};

#define TO(type, member)                                                                           \
	.offset = offsetof(struct type, member), .size = sizeof(((struct type *)NULL)->member)
#define NOWHERE .size = 0 /* who reads the section asks for it */
#define FROM(min_, max_) .min = (min_), .max = (max_)
#define SECONDS(min_, max_) FROM(min_, max_), .unit = " of seconds"
#define MILLISECONDS(min_, max_) FROM(min_, max_), .unit = " of milliseconds"
#define LIFETIME SECONDS(4, BUB_LIFETIME_MAX_S)
#define SECTION(contents_) .is_section = true, .contents = (contents_)
#define SECTIONS(contents_) SECTION(contents_), .many = true

#define HA(member) TO(bubd_config, engine.ha.member)
#define BUB(member) TO(bubd_config, engine.member)
#define HOME(member) TO(bub_home_config, member)

static const struct config_keyword config_keywords[] = {
	{IN_FILE, KIND_NAME, "name", TO(bubd_config, node)},
	{IN_FILE, KIND_IFNAME, "tun", TO(bubd_config, tun), .or_else = "bub0"},
	{IN_FILE, KIND_IFNAME, "interfaces", .list = LNX_INTERFACES_MAX, .unique = true},
	{IN_FILE, KIND_PATH, "control", TO(bubd_config, control), .or_else = "/run/bub/bubd.sock"},
	{IN_FILE, KIND_LOG, "event-log", TO(bubd_config, event_log)},
	{IN_FILE, KIND_LOG, "key-log", TO(bubd_config, key_log)},
	{IN_FILE, KIND_PATH, "state-dir", TO(bubd_config, state_dir), .or_else = "/var/lib/bub"},
	{IN_FILE, KIND_WORD, "log-level", TO(bubd_config, log_level), .words = levels,
	 .or_else = "info", .reload = true},
	{IN_FILE, KIND_NUMBER, "route-table", TO(bubd_config, lnx.route_table),
	 FROM(LNX_ROUTE_TABLE_MIN, LNX_ROUTE_TABLE_MAX), .or_else = "2116"},
	{IN_FILE, KIND_NUMBER, "rule-priority", TO(bubd_config, lnx.rule_priority),
	 FROM(1, LNX_RULE_PRIORITY_MAX), .or_else = "1000"},
	{IN_FILE, KIND_WORD, "route-optimisation", BUB(route_optimisation), .words = policies},
	{IN_FILE, KIND_BOOL, "ack-correspondents", BUB(ack_correspondents)},
	{IN_FILE, KIND_BOOL, "accept-refresh-requests", BUB(accept_brr)},
	{IN_FILE, KIND_BOOL, "refresh-unused", BUB(refresh_unused)},
	{IN_FILE, KIND_BOOL, "send-refresh-requests", BUB(send_brr)},
	{IN_FILE, KIND_BOOL, "prefix-discovery", BUB(prefix_discovery)},
	{IN_FILE, KIND_WORD, "unprotected", TO(bubd_config, lnx.unprotected),
	 .words = config_classes, .list = UINT_MAX},
	{IN_FILE, KIND_TEXT, "interface", SECTIONS(IN_INTERFACE), .unique_titles = true},
	{IN_FILE, KIND_NONE, "mobile-node", SECTIONS(IN_MOBILE_NODE)},
	{IN_FILE, KIND_NONE, "home-agent", SECTION(IN_HOME_AGENT)},
	{IN_FILE, KIND_NONE, "bub", SECTION(IN_BUB)},
	{IN_FILE, KIND_ADDRESS, "peer", SECTIONS(IN_PEER), .reload = true},
	{IN_FILE, KIND_NONE, "limits", SECTION(IN_LIMITS)},

	{IN_INTERFACE, KIND_NUMBER, "preference", FROM(0, 1000000)},
	{IN_INTERFACE, KIND_BOOL, "optimistic-dad", NOWHERE},

	{IN_MOBILE_NODE, KIND_PREFIX, "home-address", HOME(address), .needed = true},
	{IN_MOBILE_NODE, KIND_BOOL, "renumber", HOME(renumber)},
	/* Without one it is discovered (RFC 6275, 11.4.1). */
	{IN_MOBILE_NODE, KIND_ADDRESS, "home-agent", HOME(home_agent)},
	{IN_MOBILE_NODE, KIND_PATH, "secret-file", NOWHERE},
	{IN_MOBILE_NODE, KIND_NUMBER, "lifetime", HOME(lifetime_s), LIFETIME},
	/* RFC 6275, 13: InitialBindackTimeoutFirstReg can be configured; MAX_BINDACK_TIMEOUT is
	 * 32 s. */
	{IN_MOBILE_NODE, KIND_NUMBER, "first-timeout", HOME(first_timeout_ms),
	 MILLISECONDS(100, 32000)},
	{IN_MOBILE_NODE, KIND_BOOL, "alternate-care-of", HOME(alternate_care_of)},
	{IN_MOBILE_NODE, KIND_BOOL, "link-local", HOME(link_local)},
	{IN_MOBILE_NODE, KIND_BOOL, "multicast", HOME(multicast)},
	{IN_MOBILE_NODE, KIND_BOOL, "protect-payload", NOWHERE},
	/* With its answer less than one packet a minute. */
	{IN_MOBILE_NODE, KIND_NUMBER, "keep-alive", HOME(keep_alive_s), SECONDS(0, 86400),
	 .or_else = "150"},
	{IN_MOBILE_NODE, KIND_SPI, "sa", SECTIONS(IN_SA), .unique_titles = true},

	{IN_HOME_AGENT, KIND_ADDRESS, "address", HA(address), .needed = true},
	{IN_HOME_AGENT, KIND_IFNAME, "home-link", TO(bubd_config, home_link)},
	{IN_HOME_AGENT, KIND_PREFIX, "prefixes", .list = BUB_HA_PREFIXES_MAX, .needed = true,
	 .reload = true},
	{IN_HOME_AGENT, KIND_NUMBER, "prefix-valid", SECONDS(1, UINT32_MAX), .reload = true},
	{IN_HOME_AGENT, KIND_NUMBER, "prefix-preferred", SECONDS(1, UINT32_MAX), .reload = true},
	{IN_HOME_AGENT, KIND_TEXT, "prefix", SECTIONS(IN_PREFIX), .unique_titles = true,
	 .reload = true},
	{IN_HOME_AGENT, KIND_BOOL, "managed-addresses", HA(managed), .reload = true},
	{IN_HOME_AGENT, KIND_BOOL, "other-configuration", HA(other), .reload = true},
	{IN_HOME_AGENT, KIND_BOOL, "prefix-adverts", HA(prefix_adverts)},
	{IN_HOME_AGENT, KIND_NUMBER, "prefix-advert-min", HA(prefix_advert_min_s),
	 SECONDS(1, 604800)},
	{IN_HOME_AGENT, KIND_NUMBER, "prefix-advert-max", HA(prefix_advert_max_s),
	 SECONDS(1, 604800)},
	{IN_HOME_AGENT, KIND_NONE, "router-adverts", SECTION(IN_ADVERTS)},
	{IN_HOME_AGENT, KIND_NUMBER, "preference", HA(preference), FROM(0, UINT16_MAX)},
	{IN_HOME_AGENT, KIND_NUMBER, "lifetime-max", HA(lifetime_max_s), LIFETIME},
	{IN_HOME_AGENT, KIND_NUMBER, "refresh-advice", HA(refresh_advice_s), LIFETIME},
	{IN_HOME_AGENT, KIND_WORD, "backhaul", HA(backhaul), .words = backhauls},
	{IN_HOME_AGENT, KIND_WORD, "alternate-care-of", HA(any_care_of), .words = care_of},
	{IN_HOME_AGENT, KIND_WORD, "dad", HA(dad), .words = probes},
	{IN_HOME_AGENT, KIND_BOOL, "multicast", HA(multicast)},
	{IN_HOME_AGENT, KIND_BOOL, "protect-payload", NOWHERE},
	{IN_HOME_AGENT, KIND_ADDRESS, "mobile-node", SECTIONS(IN_CLIENT), .reload = true},

	{IN_CLIENT, KIND_PATH, "secret-file", NOWHERE},
	{IN_CLIENT, KIND_BOOL, "renumber", NOWHERE},
	{IN_CLIENT, KIND_SPI, "sa", SECTIONS(IN_SA), .unique_titles = true},

	{IN_SA, KIND_WORD, "direction", TO(esp_sa_params, direction), .words = directions,
	 .needed = true},
	{IN_SA, KIND_WORD, "mode", TO(esp_sa_params, mode), .words = modes, .needed = true},
	{IN_SA, KIND_WORD, "covers", TO(esp_sa_params, covers), .words = config_classes,
	 .list = UINT_MAX, .needed = true},
	{IN_SA, KIND_WORD, "encryption", .words = config_ciphers, .needed = true},
	{IN_SA, KIND_KEY, "encryption-key", NOWHERE},
	{IN_SA, KIND_PATH, "encryption-key-file", NOWHERE},
	{IN_SA, KIND_WORD, "integrity", .words = config_integrities, .needed = true},
	{IN_SA, KIND_KEY, "integrity-key", NOWHERE},
	{IN_SA, KIND_PATH, "integrity-key-file", NOWHERE},
	{IN_SA, KIND_BOOL, "replay-check", NOWHERE},

	{IN_PREFIX, KIND_NUMBER, "valid", TO(bub_ha_prefix, valid_s), SECONDS(0, UINT32_MAX)},
	{IN_PREFIX, KIND_NUMBER, "preferred", TO(bub_ha_prefix, preferred_s),
	 SECONDS(0, UINT32_MAX)},

	/* RFC 6275, 7.5 has bounds of intervals that are below those of RFC 4861, 6.2.1. */
	{IN_ADVERTS, KIND_NUMBER, "interval-max", TO(lnx_advert_config, interval_max_ms),
	 MILLISECONDS(70, 1800000), .or_else = "600000"},
	{IN_ADVERTS, KIND_NUMBER, "interval-min", TO(lnx_advert_config, interval_min_ms),
	 MILLISECONDS(30, 1350000)},
	{IN_ADVERTS, KIND_BOOL, "interval-option", TO(lnx_advert_config, interval_option),
	 .or_else = "true"},
	{IN_ADVERTS, KIND_NUMBER, "delay-min", TO(lnx_advert_config, delay_min_ms),
	 MILLISECONDS(30, 1800000)},
	{IN_ADVERTS, KIND_NUMBER, "router-lifetime", TO(lnx_advert_config, router_lifetime_s),
	 SECONDS(0, 9000)},
	{IN_ADVERTS, KIND_NUMBER, "agent-lifetime", TO(lnx_advert_config, home_agent_lifetime_s),
	 SECONDS(1, UINT16_MAX)},

	{IN_BUB, KIND_WORD, "policy", BUB(bub), .words = policies},
	{IN_BUB, KIND_BOOL, "direct-copy", BUB(direct_copy)},
	{IN_BUB, KIND_BOOL, "eager", BUB(eager_bub)},
	{IN_BUB, KIND_NUMBER, "static-after", BUB(static_after_s), SECONDS(1, 604800)},
	{IN_BUB, KIND_BOOL, "static-correspondents", BUB(static_kabm)},
	{IN_BUB, KIND_BOOL, "check-care-of", BUB(check_care_of)},
	{IN_BUB, KIND_BOOL, "accept-encapsulated", BUB(accept_encapsulated)},
	{IN_BUB, KIND_NUMBER, "kabm-lifetime", BUB(kabm_lifetime_s), SECONDS(60, 31536000)},
	{IN_BUB, KIND_NUMBER, "lifetime", BUB(bub_lifetime_s), LIFETIME},
	{IN_BUB, KIND_WORD, "suites", .words = suites, .list = BUB_SUITES_MAX, .unique = true},
	{IN_BUB, KIND_NUMBER, "mh-bubc", BUB(codepoints.mh_bubc), FROM(0, 255)},
	{IN_BUB, KIND_NUMBER, "mh-dh", BUB(codepoints.mh_dh), FROM(0, 255)},
	{IN_BUB, KIND_NUMBER, "option", BUB(codepoints.opt_bub), FROM(0, 255)},
	{IN_BUB, KIND_NUMBER, "option-path-cookie", BUB(codepoints.opt_path_cookie), FROM(0, 255)},

	{IN_PEER, KIND_WORD, "route-optimisation", TO(bub_peer_policy, route_optimisation),
	 .words = policies},
	{IN_PEER, KIND_WORD, "bub", TO(bub_peer_policy, bub), .words = policies},

	{IN_LIMITS, KIND_NUMBER, "bindings", BUB(limit.bindings), FROM(1, 1u << 20)},
	{IN_LIMITS, KIND_NUMBER, "peers", BUB(limit.peers), FROM(1, 1u << 20)},
	{IN_LIMITS, KIND_NUMBER, "clients", BUB(limit.clients), FROM(1, CLIENTS_MAX),
	 .or_else = "1024"},
	{IN_LIMITS, KIND_NUMBER, "memberships", BUB(limit.memberships), FROM(1, 1u << 20)},
};
#define N_KEYWORDS (sizeof(config_keywords) / sizeof(config_keywords[0]))

static const char *const section_names[] = {
	[IN_FILE] = "front of every section",
	[IN_INTERFACE] = "interface",
	[IN_MOBILE_NODE] = "mobile-node",
	[IN_HOME_AGENT] = "home-agent",
	[IN_CLIENT] = "mobile-node of a home agent",
	[IN_SA] = "sa",
	[IN_PREFIX] = "prefix",
	[IN_ADVERTS] = "router-adverts",
	[IN_BUB] = "bub",
	[IN_PEER] = "peer",
	[IN_LIMITS] = "limits",
};

const struct config_keyword *config_keywords_of(enum config_section in, size_t *ret_n)
{
	const struct config_keyword *k = config_keywords;

	while (k->in != in)
		k++;
	*ret_n = 0;
	while (k + *ret_n < config_keywords + N_KEYWORDS && k[*ret_n].in == in)
		++*ret_n;
	return k;
}

/* ---- Finding a keyword --------------------------------------------------------------------- */

#define NAME_MAX_LEN 32u

/* How many letters have to be put in, taken away or replaced to make @b of @a; at most SIZE_MAX. */
static size_t distance(const char *a, const char *b)
{
	size_t row[NAME_MAX_LEN + 1];
	size_t n = strlen(b);

	if (n > NAME_MAX_LEN)
		return SIZE_MAX;
	for (size_t k = 0; k <= n; k++)
		row[k] = k;
	for (size_t i = 0; a[i] != '\0'; i++) {
		size_t corner = row[0]++;

		for (size_t k = 0; k < n; k++) {
			size_t replaced = corner + (a[i] != tolower((unsigned char)b[k]));
			size_t best = row[k] < row[k + 1] ? row[k] + 1 : row[k + 1] + 1;

			corner = row[k + 1];
			row[k + 1] = replaced < best ? replaced : best;
		}
	}
	return row[n];
}

/* Adds @word to a list of words in @text. */
static void enumerate(char *text, size_t cap, const char *word, const char *separator)
{
	size_t at = strlen(text);

	(void)snprintf(text + at, cap - at, "%s%s", at > 0 ? separator : "", word);
}

void config_keyword_unknown(struct problems *p, enum config_section in, struct config_place at,
			    const char *name, bool *astray)
{
	const char *nearest = NULL;
	/* With more letters wrong something else was meant. */
	size_t least = strlen(name) < 6 ? strlen(name) / 3 + 1 : 3;
	char elsewhere[256] = "", known[512] = "";

	for (const struct config_keyword *k = config_keywords; k < config_keywords + N_KEYWORDS;
	     k++) {
		size_t d = k->in == in ? distance(k->name, name) : SIZE_MAX;

		if (k->in == in)
			enumerate(known, sizeof(known), k->name, ", ");
		else if (strcmp(k->name, name) == 0)
			enumerate(elsewhere, sizeof(elsewhere), section_names[k->in], " or in ");
		if (d < least) {
			least = d;
			nearest = k->name;
		}
	}
	if (nearest != NULL) {
		problem(p, at, "unknown keyword \"%s\"; did you mean \"%s\"?", name, nearest);
	} else if (elsewhere[0] == '\0') {
		problem(p, at, "unknown keyword \"%s\"; expected one of: %s", name, known);
	} else if (!*astray) {
		problem(p, at, "\"%s\" cannot stand in %s; expected it in %s", name,
			section_names[in], elsewhere);
		*astray = true;
	}
}

const struct config_keyword *config_keyword_find(enum config_section in, const char *name)
{
	size_t n;
	const struct config_keyword *k = config_keywords_of(in, &n);

	for (; n > 0; n--, k++)
		if (strcmp(k->name, name) == 0)
			return k;
	return NULL;
}

/* ---- One value ----------------------------------------------------------------------------- */

static bool check_number(struct problems *p, const struct config_keyword *k, struct config_value *v)
{
	const bool is_number = isdigit((unsigned char)v->text[0]);
	unsigned long long n = 0;
	char *end = NULL;

	errno = 0;
	n = strtoull(v->text, &end, 10);
	v->number = (uint32_t)n;
	if (is_number && *end == '\0' && errno == 0 && n >= k->min && n <= k->max)
		return true;
	problem(p, v->at, "%s: \"%s\" is %s; expected a number%s from %u to %u", k->name, v->text,
		is_number && *end == '\0' ? "out of bounds" : "no number",
		k->unit != NULL ? k->unit : "", k->min, k->max);
	return false;
}

static bool check_spi(struct problems *p, const struct config_keyword *k, struct config_value *v)
{
	unsigned long long n = 0;
	char *end = NULL;

	errno = 0;
	n = strtoull(v->text, &end, 0);
	v->number = (uint32_t)n;
	if (isdigit((unsigned char)v->text[0]) && *end == '\0' && errno == 0 && n >= SPI_MIN &&
	    n <= UINT32_MAX)
		return true;
	problem(p, v->at, "%s: \"%s\" is no SPI; expected a number from %u to 0xffffffff", k->name,
		v->text, SPI_MIN);
	return false;
}

static void list_words(char *text, size_t cap, const char *const *words)
{
	for (; *words != NULL; words++)
		enumerate(text, cap, *words, words[1] != NULL ? ", " : " or ");
}

static bool check_word(struct problems *p, const struct config_keyword *k, const char *const *words,
		       struct config_value *v)
{
	char expected[128] = "";

	for (v->number = 0; words[v->number] != NULL; v->number++)
		if (strcmp(words[v->number], v->text) == 0)
			return true;
	list_words(expected, sizeof(expected), words);
	problem(p, v->at, "%s: \"%s\" is unknown here; expected %s", k->name, v->text, expected);
	return false;
}

/* A unicast address that may leave its link (RFC 6275, 9.5.1). */
static bool check_address(struct problems *p, const struct config_keyword *k,
			  struct config_value *v, const char *text)
{
	if (inet_pton(AF_INET6, text, &v->addr) != 1)
		problem(p, v->at, "%s: \"%s\" is no address; expected an IPv6 address", k->name,
			text);
	else if (!bub_addr_is_routable(&v->addr))
		problem(p, v->at,
			"%s: \"%s\" cannot be used here; expected a unicast address that is not "
			"link-local",
			k->name, text);
	else
		return true;
	return false;
}

static bool check_prefix(struct problems *p, const struct config_keyword *k, struct config_value *v)
{
	const char *slash = strchr(v->text, '/');
	char text[INET6_ADDRSTRLEN] = "";
	char *end = NULL;
	long len = 0;

	if (slash == NULL || (size_t)(slash - v->text) >= sizeof(text)) {
		problem(p, v->at, "%s: \"%s\" has no prefix length; expected ADDRESS/LENGTH",
			k->name, v->text);
		return false;
	}
	len = strtol(slash + 1, &end, 10);
	if (!isdigit((unsigned char)slash[1]) || *end != '\0' || len < 1 || len > 128) {
		problem(p, v->at,
			"%s: \"%s\" has a wrong prefix length; expected 1 to 128 after the /",
			k->name, v->text);
		return false;
	}
	v->prefix_len = (uint8_t)len;
	memcpy(text, v->text, (size_t)(slash - v->text));
	return check_address(p, k, v, text);
}

/* 1 to @max characters that are no blanks and not among @but. */
static bool check_graph(const char *text, size_t max, const char *but)
{
	size_t len = strlen(text);

	for (const char *c = text; *c != '\0'; c++)
		if (!isgraph((unsigned char)*c))
			return false;
	return len > 0 && len <= max && text[strcspn(text, but)] == '\0';
}

static bool check_ifname(struct problems *p, const struct config_keyword *k,
			 const struct config_value *v)
{
	if (check_graph(v->text, IFNAMSIZ - 1, "/:") && strcmp(v->text, ".") != 0 &&
	    strcmp(v->text, "..") != 0)
		return true;
	problem(p, v->at,
		"%s: \"%s\" is no interface name; expected 1 to %d characters without blanks, / "
		"and :",
		k->name, v->text, IFNAMSIZ - 1);
	return false;
}

static bool check_name(struct problems *p, const struct config_keyword *k,
		       const struct config_value *v)
{
	if (check_graph(v->text, NODE_NAME_MAX, ""))
		return true;
	problem(p, v->at, "%s: \"%s\" is no name; expected 1 to %d characters, no blanks", k->name,
		v->text, NODE_NAME_MAX);
	return false;
}

bool config_path(const struct problems *p, const char *text, char *ret_path, size_t cap)
{
	const char *slash = strrchr(p->path, '/');
	size_t folder_len = text[0] == '/' || slash == NULL ? 0 : (size_t)(slash - p->path) + 1;
	int len = snprintf(ret_path, cap, "%.*s%s", (int)folder_len, p->path, text);

	return text[0] != '\0' && len > 0 && (size_t)len < cap;
}

/* A file to be written: its folder has to be there, and it must be no folder itself. */
static bool check_log(struct problems *p, const struct config_keyword *k,
		      const struct config_value *v, char path[static PATH_MAX])
{
	char *slash = strrchr(path, '/');
	struct stat st;

	if (stat(path, &st) == 0 && S_ISDIR(st.st_mode)) {
		problem(p, v->at, "%s: \"%s\" is a folder; expected a file", k->name, path);
		return false;
	}
	if (slash == NULL)
		return true;
	slash[slash == path ? 1 : 0] = '\0';
	if (stat(path, &st) == 0 && S_ISDIR(st.st_mode))
		return true;
	problem(p, v->at, "%s: there is no folder \"%s\"; expected it to exist", k->name, path);
	return false;
}

static bool check_path(struct problems *p, const struct config_keyword *k,
		       const struct config_value *v)
{
	size_t cap = k->size != 0 ? k->size : PATH_MAX;
	char path[PATH_MAX];

	if (config_path(p, v->text, path, cap))
		return k->kind != KIND_LOG || check_log(p, k, v, path);
	problem(p, v->at, "%s: \"%s\" is no usable path; expected one of 1 to %zu characters",
		k->name, v->text, cap - 1);
	return false;
}

bool config_check(struct problems *p, const struct config_keyword *k, struct config_value *v)
{
	static const char *const bools[] = {"false", "true", NULL};

	switch (k->kind) {
	case KIND_NUMBER:
		return check_number(p, k, v);
	case KIND_BOOL:
		return check_word(p, k, bools, v);
	case KIND_WORD:
		return check_word(p, k, k->words, v);
	case KIND_ADDRESS:
		return check_address(p, k, v, v->text);
	case KIND_PREFIX:
		return check_prefix(p, k, v);
	case KIND_IFNAME:
		return check_ifname(p, k, v);
	case KIND_NAME:
		return check_name(p, k, v);
	case KIND_PATH:
	case KIND_LOG:
		return check_path(p, k, v);
	case KIND_SPI:
		return check_spi(p, k, v);
	case KIND_KEY:
	case KIND_TEXT:
	case KIND_NONE:
		return true;
	}
	return true;
}

/* ---- Where it goes ------------------------------------------------------------------------- */

static void put_number(void *to, size_t size, uint32_t number)
{
	const uint8_t octet = (uint8_t)number;
	const uint16_t pair = (uint16_t)number;

	if (size == sizeof(octet))
		memcpy(to, &octet, size);
	else if (size == sizeof(pair))
		memcpy(to, &pair, size);
	else
		memcpy(to, &number, sizeof(number));
}

static void put(const struct problems *p, const struct config_keyword *k,
		const struct config_value *v, void *to)
{
	uint32_t set = 0;

	switch (k->kind) {
	case KIND_NUMBER:
	case KIND_BOOL:
	case KIND_WORD:
		for (const struct config_value *one = v; k->list > 0 && one != NULL;
		     one = one->next)
			set |= 1u << one->number;
		put_number(to, k->size, k->list > 0 ? set : v->number);
		break;
	case KIND_ADDRESS:
	case KIND_PREFIX:
		memcpy(to, &v->addr, sizeof(v->addr));
		break;
	case KIND_PATH:
	case KIND_LOG:
		(void)config_path(p, v->text, to, k->size);
		break;
	case KIND_IFNAME:
	case KIND_NAME:
	case KIND_SPI:
	case KIND_KEY:
	case KIND_TEXT:
	case KIND_NONE:
		(void)snprintf(to, k->size, "%s", v->text);
		break;
	}
}

static void put_default(const struct problems *p, const struct config_keyword *k, void *to)
{
	_Alignas(struct config_value) uint8_t room[sizeof(struct config_value) + 32] = {0};
	struct config_value *v = (struct config_value *)room;
	struct problems none = {.path = p->path};

	(void)snprintf(v->text, 32, "%s", k->or_else);
	(void)config_check(&none, k, v);
	put(p, k, v, to);
}

static void lacks(struct problems *p, const struct config_keyword *k, const struct config_node *sec)
{
	char expected[128] = "";

	if (k->kind == KIND_WORD)
		list_words(expected, sizeof(expected), k->words);
	else
		(void)snprintf(expected, sizeof(expected), "%s%s",
			       k->list > 0 ? "at least one " : "",
			       k->kind == KIND_PREFIX ? "ADDRESS/LENGTH" : "IPv6 address");
	problem(p, sec->at, "%s lacks %s; expected %s", sec->keyword->name, k->name, expected);
}

bool config_fill(struct problems *p, enum config_section in, const struct config_node *sec,
		 void *base)
{
	bool complete = sec == NULL || !sec->bad;
	size_t n;
	const struct config_keyword *k = config_keywords_of(in, &n);

	for (; n > 0; n--, k++) {
		const struct config_node *node = config_find(sec, k->name);
		void *to = (uint8_t *)base + k->offset;

		if (k->needed && sec != NULL && !sec->bad &&
		    (node == NULL || node->values == NULL)) {
			lacks(p, k, sec);
			complete = false;
		}
		if (k->size == 0)
			continue;
		if (node != NULL && node->values != NULL)
			put(p, k, node->values, to);
		else if (node == NULL && k->or_else != NULL)
			put_default(p, k, to);
	}
	return complete;
}
