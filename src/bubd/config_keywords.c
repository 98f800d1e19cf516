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
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/addr.h"
#include "config.h"
#include "config_load.h"
#include "keys_identity.h"

/* ---- The table ----------------------------------------------------------------------------- */

/* Of enum esp_class, bit by bit. */
const char *const config_classes[] = {"binding-updates", "mobility", "prefix-discovery", "payload",
				      NULL};
const char *const config_ciphers[] = {"aes-cbc", "3des-cbc", "null", NULL};
const char *const config_suites[] = {"aes-128-gcm", "aes-256-gcm", "chacha20-poly1305", NULL};
const char *const config_integrities[] = {"hmac-sha256-128", "hmac-sha1-96", NULL};

/* In the order of the enumerations whose members they are. */
#define WORDS(...)                                                                                 \
	.words = (const char *const[])                                                             \
	{                                                                                          \
		__VA_ARGS__, NULL                                                                  \
	}
#define POLICY WORDS("allow", "never", "require")

#define TO(type, member)                                                                           \
	.offset = offsetof(struct type, member), .size = sizeof(((struct type *)NULL)->member)
#define NODE(member) TO(bubd_config, member)
#define AGENT(member) TO(bubd_config, engine.ha.member)
#define BUB(member) TO(bubd_config, engine.member)
#define HOME(member) TO(bub_home_config, member)
#define ADVERT(member) TO(link_advert_config, member)
#define REDIS(member) TO(redis_settings, member)
#define KEYS(member) TO(bubd_key_settings, member)
#define NOWHERE .size = 0 /* who reads the section asks for it */
#define FROM(min_, max_) .min = (min_), .max = (max_)
#define S(min_, max_) FROM(min_, max_), .unit = " of seconds"
#define MS(min_, max_) FROM(min_, max_), .unit = " of milliseconds"
#define LIFETIME S(4, BUB_LIFETIME_MAX_S)
#define LIST(n) .list = (n)
#define OR(text) .or_else = (text)
#define NEEDED .needed = true
#define RELOAD .reload = true
#define SECTION(contents_) .is_section = true, .contents = (contents_)
#define SECTIONS(contents_) SECTION(contents_), .many = true

static const struct config_keyword config_keywords[] = {
	{IN_FILE, KIND_NAME, "name", NODE(node)},
	{IN_FILE, KIND_IFNAME, "tun", NODE(tun), OR("bub0")},
	{IN_FILE, KIND_IFNAME, "interfaces", LIST(LNX_LISTED_MAX), .unique = true},
	{IN_FILE, KIND_IFNAME, "listen-interfaces", LIST(LNX_LISTED_MAX), .unique = true},
	{IN_FILE, KIND_PATH, "control", NODE(control), OR("/run/bub/bubd.sock")},
	{IN_FILE, KIND_LOG, "event-log", NODE(event_log)},
	{IN_FILE, KIND_LOG, "key-log", NODE(key_log)},
	{IN_FILE, KIND_METRICS, "metrics", NODE(metrics)},
	{IN_FILE, KIND_PATH, "state-dir", NODE(state_dir), OR("/var/lib/bub")},
	{IN_FILE, KIND_WORD, "log-level", NODE(log_level),
	 WORDS("error", "warning", "info", "debug"), OR("info"), RELOAD},
	{IN_FILE, KIND_NUMBER, "dummy-interval", NODE(dummy_interval_ms), MS(0, 3600000), OR("0")},
	{IN_FILE, KIND_NUMBER, "route-table", NODE(lnx.route_table),
	 FROM(LNX_ROUTE_TABLE_MIN, LNX_ROUTE_TABLE_MAX), OR("2116")},
	{IN_FILE, KIND_NUMBER, "rule-priority", NODE(lnx.rule_priority),
	 FROM(1, LNX_RULE_PRIORITY_MAX), OR("1000")},
	{IN_FILE, KIND_WORD, "esp", NODE(lnx.esp), WORDS("auto", "user", "kernel"), OR("auto")},
	{IN_FILE, KIND_WORD, "udp", NODE(lnx.udp), WORDS("auto", "never", "always"), OR("auto")},
	{IN_FILE, KIND_NUMBER, "udp-port", NODE(lnx.udp_port), FROM(1, UINT16_MAX), OR("4191")},
	{IN_FILE, KIND_NUMBER, "udp-esp-port", NODE(lnx.udp_esp_port), FROM(1, UINT16_MAX),
	 OR("4500")},
	{IN_FILE, KIND_NUMBER, "tcp-port", NODE(lnx.tcp_port), FROM(0, UINT16_MAX), OR("0")},
	{IN_FILE, KIND_NUMBER, "direct-when-unreachable", NODE(lnx.bypass_after_s), S(0, 86400),
	 OR("0")},
	{IN_FILE, KIND_WORD, "route-optimisation", BUB(route_optimisation), POLICY},
	{IN_FILE, KIND_BOOL, "ack-correspondents", BUB(ack_correspondents)},
	{IN_FILE, KIND_BOOL, "accept-refresh-requests", BUB(accept_brr)},
	{IN_FILE, KIND_BOOL, "refresh-unused", BUB(refresh_unused)},
	{IN_FILE, KIND_BOOL, "send-refresh-requests", BUB(send_brr)},
	{IN_FILE, KIND_BOOL, "prefix-discovery", BUB(prefix_discovery)},
	{IN_FILE, KIND_WORD, "unprotected", NODE(lnx.unprotected), .words = config_classes,
	 LIST(UINT_MAX)},
	{IN_FILE, KIND_TEXT, "interface", SECTIONS(IN_INTERFACE), .unique_titles = true},
	{IN_FILE, KIND_NONE, "mobile-node", SECTIONS(IN_MOBILE_NODE)},
	{IN_FILE, KIND_NONE, "home-agent", SECTION(IN_HOME_AGENT)},
	{IN_FILE, KIND_NONE, "bub", SECTION(IN_BUB)},
	{IN_FILE, KIND_ADDRESS, "peer", SECTIONS(IN_PEER), RELOAD},
	{IN_FILE, KIND_NONE, "limits", SECTION(IN_LIMITS)},

	{IN_INTERFACE, KIND_NUMBER, "preference", FROM(0, 1000000)},
	{IN_INTERFACE, KIND_BOOL, "optimistic-dad", NOWHERE},
	{IN_INTERFACE, KIND_BOOL, "checksum-neutral", NOWHERE},

	/* Without one the home agent assigns it. */
	{IN_MOBILE_NODE, KIND_PREFIX, "home-address", HOME(address)},
	{IN_MOBILE_NODE, KIND_BOOL, "renumber", HOME(renumber)},
	/* Without one it is discovered (RFC 6275, 11.4.1). */
	{IN_MOBILE_NODE, KIND_HOST, "home-agent", HOME(home_agent), LIST(AGENTNAME_ADDRS_MAX),
	 .unique = true},
	/* Without one nothing is registered from IPv4 (RFC 5555). */
	{IN_MOBILE_NODE, KIND_IPV4, "home-agent-ipv4", HOME(home_agent_ipv4)},
	{IN_MOBILE_NODE, KIND_PATH, "secret-file", NOWHERE},
	{IN_MOBILE_NODE, KIND_NONE, "keys", SECTION(IN_KEYS), RELOAD},
	{IN_MOBILE_NODE, KIND_NUMBER, "lifetime", HOME(lifetime_s), LIFETIME},
	/* RFC 6275, 13: InitialBindackTimeoutFirstReg can be configured; MAX_BINDACK_TIMEOUT is
	 * 32 s. */
	{IN_MOBILE_NODE, KIND_NUMBER, "first-timeout", HOME(first_timeout_ms), MS(100, 32000)},
	{IN_MOBILE_NODE, KIND_BOOL, "alternate-care-of", HOME(alternate_care_of)},
	{IN_MOBILE_NODE, KIND_BOOL, "link-local", HOME(link_local)},
	{IN_MOBILE_NODE, KIND_BOOL, "multicast", HOME(multicast)},
	{IN_MOBILE_NODE, KIND_BOOL, "protect-payload", NOWHERE},
	/* With its answer less than one packet a minute. */
	{IN_MOBILE_NODE, KIND_NUMBER, "keep-alive", HOME(keep_alive_s), S(0, 86400), OR("150")},
	{IN_MOBILE_NODE, KIND_SPI, "sa", SECTIONS(IN_SA), .unique_titles = true},

	{IN_HOME_AGENT, KIND_ADDRESS, "address", AGENT(address), NEEDED},
	{IN_HOME_AGENT, KIND_IPV4, "ipv4-address", AGENT(ipv4_address)},
	{IN_HOME_AGENT, KIND_NUMBER, "nat-refresh", AGENT(nat_refresh_s), S(10, 3600)},
	{IN_HOME_AGENT, KIND_IFNAME, "home-link", NODE(home_link)},
	{IN_HOME_AGENT, KIND_PREFIX, "prefixes", LIST(BUB_HA_PREFIXES_MAX), NEEDED, RELOAD},
	{IN_HOME_AGENT, KIND_NUMBER, "prefix-valid", S(1, UINT32_MAX), RELOAD},
	{IN_HOME_AGENT, KIND_NUMBER, "prefix-preferred", S(1, UINT32_MAX), RELOAD},
	{IN_HOME_AGENT, KIND_TEXT, "prefix", SECTIONS(IN_PREFIX), .unique_titles = true, RELOAD},
	{IN_HOME_AGENT, KIND_BOOL, "managed-addresses", AGENT(managed), RELOAD},
	{IN_HOME_AGENT, KIND_BOOL, "other-configuration", AGENT(other), RELOAD},
	{IN_HOME_AGENT, KIND_BOOL, "prefix-adverts", AGENT(prefix_adverts)},
	{IN_HOME_AGENT, KIND_NUMBER, "prefix-advert-min", AGENT(prefix_advert_min_s), S(1, 604800)},
	{IN_HOME_AGENT, KIND_NUMBER, "prefix-advert-max", AGENT(prefix_advert_max_s), S(1, 604800)},
	{IN_HOME_AGENT, KIND_NONE, "router-adverts", SECTION(IN_ADVERTS)},
	{IN_HOME_AGENT, KIND_NUMBER, "preference", AGENT(preference), FROM(0, UINT16_MAX)},
	{IN_HOME_AGENT, KIND_NUMBER, "lifetime-max", AGENT(lifetime_max_s), LIFETIME},
	{IN_HOME_AGENT, KIND_NUMBER, "refresh-advice", AGENT(refresh_advice_s), LIFETIME},
	{IN_HOME_AGENT, KIND_WORD, "subscribers", NODE(subscribers), WORDS("none", "lmdb"),
	 OR("none")},
	{IN_HOME_AGENT, KIND_WORD, "store", NODE(store.kind), WORDS("lmdb", "redis"), OR("lmdb")},
	{IN_HOME_AGENT, KIND_WORD, "durability", NODE(store.at_once), WORDS("stored", "at-once"),
	 OR("stored")},
	{IN_HOME_AGENT, KIND_WORD, "when-store-fails", NODE(store.accept),
	 WORDS("refuse", "accept"), OR("refuse")},
	{IN_HOME_AGENT, KIND_WORD, "agreed-keys", WORDS("forgotten", "stored"), NOWHERE},
	{IN_HOME_AGENT, KIND_NONE, "redis", SECTION(IN_REDIS)},
	{IN_HOME_AGENT, KIND_WORD, "group", NODE(group), WORDS("none", "standby", "active"),
	 OR("none")},
	{IN_HOME_AGENT, KIND_WORD, "backhaul", AGENT(backhaul), WORDS("plain", "encapsulated")},
	{IN_HOME_AGENT, KIND_WORD, "alternate-care-of", AGENT(any_care_of), WORDS("source", "any")},
	{IN_HOME_AGENT, KIND_WORD, "dad", AGENT(dad),
	 WORDS("before", "meanwhile", "never", "optimistic", "watched")},
	{IN_HOME_AGENT, KIND_BOOL, "multicast", AGENT(multicast)},
	{IN_HOME_AGENT, KIND_BOOL, "protect-payload", NOWHERE},
	{IN_HOME_AGENT, KIND_NONE, "keys", SECTION(IN_AGENT_KEYS), RELOAD},
	{IN_HOME_AGENT, KIND_ADDRESS, "mobile-node", SECTIONS(IN_CLIENT), RELOAD},

	{IN_CLIENT, KIND_PATH, "secret-file", NOWHERE},
	{IN_CLIENT, KIND_PATH, "psk-file", NOWHERE},
	{IN_CLIENT, KIND_IDENTITY, "identity", NOWHERE},
	{IN_CLIENT, KIND_FINGERPRINT, "fingerprint", NOWHERE},
	{IN_CLIENT, KIND_BOOL, "renumber", NOWHERE},
	{IN_CLIENT, KIND_SPI, "sa", SECTIONS(IN_SA), .unique_titles = true},

	{IN_KEYS, KIND_PATH, "psk-file", NOWHERE},
	{IN_KEYS, KIND_PATH, "certificate-file", NOWHERE},
	{IN_KEYS, KIND_PATH, "key-file", NOWHERE},
	{IN_KEYS, KIND_PATH, "ca-file", NOWHERE},
	{IN_KEYS, KIND_PATH, "crl-file", NOWHERE},
	{IN_KEYS, KIND_FINGERPRINT, "fingerprint", NOWHERE},
	{IN_KEYS, KIND_IDENTITY, "home-agent-name", KEYS(peer_name)},
	{IN_KEYS, KIND_NUMBER, "port", KEYS(port), FROM(1, UINT16_MAX), OR("7872")},
	{IN_KEYS, KIND_WORD, "algorithms", .words = config_suites, LIST(KEYS_SUITE_COUNT),
	 .unique = true},

	{IN_AGENT_KEYS, KIND_PATH, "certificate-file", NOWHERE},
	{IN_AGENT_KEYS, KIND_PATH, "key-file", NOWHERE},
	{IN_AGENT_KEYS, KIND_PATH, "ca-file", NOWHERE},
	{IN_AGENT_KEYS, KIND_PATH, "crl-file", NOWHERE},
	{IN_AGENT_KEYS, KIND_NUMBER, "port", KEYS(port), FROM(1, UINT16_MAX), OR("7872")},
	{IN_AGENT_KEYS, KIND_NUMBER, "lifetime", KEYS(lifetime_s), S(4, 604800), OR("28800")},
	/* Far below what a key of AES-GCM is good for (RFC 8446, 5.5). */
	{IN_AGENT_KEYS, KIND_NUMBER, "megabytes", KEYS(megabytes), FROM(1, 16777216), OR("262144")},
	{IN_AGENT_KEYS, KIND_WORD, "algorithms", .words = config_suites, LIST(KEYS_SUITE_COUNT),
	 .unique = true},

	{IN_REDIS, KIND_TEXT, "servers", LIST(REDIS_SERVERS_MAX), NOWHERE},
	{IN_REDIS, KIND_NAME, "sentinel", REDIS(sentinel)},
	{IN_REDIS, KIND_NAME, "user", REDIS(user)},
	{IN_REDIS, KIND_PATH, "password-file", NOWHERE},
	{IN_REDIS, KIND_NAME, "prefix", REDIS(prefix), OR("bub:")},
	{IN_REDIS, KIND_NAME, "group", REDIS(group), OR("home")},
	{IN_REDIS, KIND_NUMBER, "replicas", REDIS(replicas), FROM(0, 9), OR("0")},
	{IN_REDIS, KIND_NUMBER, "timeout", REDIS(timeout_ms), MS(50, 60000), OR("1000")},

	{IN_SA, KIND_WORD, "direction", TO(esp_sa_params, direction), WORDS("out", "in"), NEEDED},
	{IN_SA, KIND_WORD, "mode", TO(esp_sa_params, mode), WORDS("transport", "tunnel"), NEEDED},
	{IN_SA, KIND_WORD, "covers", TO(esp_sa_params, covers), .words = config_classes,
	 LIST(UINT_MAX), NEEDED},
	{IN_SA, KIND_WORD, "encryption", .words = config_ciphers, NEEDED},
	{IN_SA, KIND_KEY, "encryption-key", NOWHERE},
	{IN_SA, KIND_PATH, "encryption-key-file", NOWHERE},
	{IN_SA, KIND_WORD, "integrity", .words = config_integrities, NEEDED},
	{IN_SA, KIND_KEY, "integrity-key", NOWHERE},
	{IN_SA, KIND_PATH, "integrity-key-file", NOWHERE},
	{IN_SA, KIND_BOOL, "replay-check", NOWHERE},

	{IN_PREFIX, KIND_NUMBER, "valid", TO(bub_ha_prefix, valid_s), S(0, UINT32_MAX)},
	{IN_PREFIX, KIND_NUMBER, "preferred", TO(bub_ha_prefix, preferred_s), S(0, UINT32_MAX)},

	/* RFC 6275, 7.5 has bounds of intervals that are below those of RFC 4861, 6.2.1. */
	{IN_ADVERTS, KIND_NUMBER, "interval-max", ADVERT(interval_max_ms), MS(70, 1800000),
	 OR("600000")},
	{IN_ADVERTS, KIND_NUMBER, "interval-min", ADVERT(interval_min_ms), MS(30, 1350000)},
	{IN_ADVERTS, KIND_BOOL, "interval-option", ADVERT(interval_option), OR("true")},
	{IN_ADVERTS, KIND_NUMBER, "delay-min", ADVERT(delay_min_ms), MS(30, 1800000)},
	{IN_ADVERTS, KIND_NUMBER, "router-lifetime", ADVERT(router_lifetime_s), S(0, 9000)},
	{IN_ADVERTS, KIND_NUMBER, "agent-lifetime", ADVERT(home_agent_lifetime_s),
	 S(1, UINT16_MAX)},

	{IN_BUB, KIND_WORD, "policy", BUB(bub), POLICY},
	{IN_BUB, KIND_BOOL, "direct-copy", BUB(direct_copy)},
	{IN_BUB, KIND_BOOL, "eager", BUB(eager_bub)},
	{IN_BUB, KIND_NUMBER, "static-after", BUB(static_after_s), S(1, 604800)},
	{IN_BUB, KIND_BOOL, "static-correspondents", BUB(static_kabm)},
	{IN_BUB, KIND_NUMBER, "direct-udp-port", BUB(udp_port), FROM(0, 65535)},
	{IN_BUB, KIND_BOOL, "check-care-of", BUB(check_care_of)},
	{IN_BUB, KIND_BOOL, "accept-encapsulated", BUB(accept_encapsulated)},
	{IN_BUB, KIND_NUMBER, "kabm-lifetime", BUB(kabm_lifetime_s), S(60, 31536000)},
	{IN_BUB, KIND_NUMBER, "lifetime", BUB(bub_lifetime_s), LIFETIME},
	{IN_BUB, KIND_WORD, "suites", WORDS("x25519-sha256", "modp2048-sha1"), LIST(BUB_SUITES_MAX),
	 .unique = true},
	/* RFC 6275, 6.1.2 to 6.1.9 and 6.2.2 to 6.2.7 have the numbers below. */
	{IN_BUB, KIND_NUMBER, "mh-bubc", BUB(codepoints.mh_bubc), FROM(8, 255)},
	{IN_BUB, KIND_NUMBER, "mh-dh", BUB(codepoints.mh_dh), FROM(8, 255)},
	{IN_BUB, KIND_NUMBER, "option", BUB(codepoints.opt_bub), FROM(6, 255)},
	{IN_BUB, KIND_NUMBER, "option-path-cookie", BUB(codepoints.opt_path_cookie), FROM(6, 255)},
	{IN_BUB, KIND_NUMBER, "option-path-report", BUB(codepoints.opt_path_report), FROM(6, 255)},

	{IN_PEER, KIND_WORD, "route-optimisation", TO(bub_peer_policy, route_optimisation), POLICY},
	{IN_PEER, KIND_WORD, "bub", TO(bub_peer_policy, bub), POLICY},

	{IN_LIMITS, KIND_NUMBER, "bindings", BUB(limit.bindings), FROM(1, 1u << 20)},
	{IN_LIMITS, KIND_NUMBER, "peers", BUB(limit.peers), FROM(1, 1u << 20)},
	{IN_LIMITS, KIND_NUMBER, "clients", BUB(limit.clients), FROM(1, CLIENTS_MAX), OR("1024")},
	{IN_LIMITS, KIND_NUMBER, "memberships", BUB(limit.memberships), FROM(1, 1u << 20)},
};
#define N_KEYWORDS (sizeof(config_keywords) / sizeof(config_keywords[0]))

static const char *const section_names[] = {
	[IN_FILE] = "front of every section",
	[IN_INTERFACE] = "interface",
	[IN_MOBILE_NODE] = "mobile-node",
	[IN_HOME_AGENT] = "home-agent",
	[IN_CLIENT] = "mobile-node of a home agent",
	[IN_KEYS] = "keys of a mobile-node",
	[IN_AGENT_KEYS] = "keys of a home-agent",
	[IN_REDIS] = "redis",
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
static size_t keyword_distance(const char *a, const char *b)
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
static void keyword_enumerate(char *text, size_t cap, const char *word, const char *separator)
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
		size_t d = k->in == in ? keyword_distance(k->name, name) : SIZE_MAX;

		if (k->in == in)
			keyword_enumerate(known, sizeof(known), k->name, ", ");
		else if (strcmp(k->name, name) == 0)
			keyword_enumerate(elsewhere, sizeof(elsewhere), section_names[k->in],
					  " or in ");
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

static void list_words(char *text, size_t cap, const char *const *words)
{
	for (; *words != NULL; words++)
		keyword_enumerate(text, cap, *words, words[1] != NULL ? ", " : " or ");
}

/* ---- One value ----------------------------------------------------------------------------- */

/* "KEYWORD: "VALUE" is ...".  Returns false. */
static bool keyword_wrong(struct problems *p, const struct config_keyword *k,
			  const struct config_value *v, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));

static bool keyword_wrong(struct problems *p, const struct config_keyword *k,
			  const struct config_value *v, const char *fmt, ...)
{
	char text[256];
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	problem(p, v->at, "%s: \"%s\" %s", k->name, v->text, text);
	return false;
}

/* True when all of @text is a number from @min to @max; @base as for strtoull(). */
static bool keyword_number(const char *text, int base, uint32_t min, uint32_t max, uint32_t *ret)
{
	char *end = NULL;
	unsigned long long n;

	errno = 0;
	n = strtoull(text, &end, base);
	*ret = (uint32_t)n;
	return isdigit((unsigned char)text[0]) && *end == '\0' && errno == 0 && n >= min &&
	       n <= max;
}

static bool keyword_check_word(struct problems *p, const struct config_keyword *k,
			       const char *const *words, struct config_value *v)
{
	char expected[128] = "";

	for (v->number = 0; words[v->number] != NULL; v->number++)
		if (strcmp(words[v->number], v->text) == 0)
			return true;
	list_words(expected, sizeof(expected), words);
	return keyword_wrong(p, k, v, "is unknown here; expected %s", expected);
}

/* A unicast address that may leave its link (RFC 6275, 9.5.1), with its prefix length or without.
 */
static bool keyword_check_address(struct problems *p, const struct config_keyword *k,
				  struct config_value *v)
{
	size_t len = strcspn(v->text, k->kind == KIND_PREFIX ? "/" : "");
	char text[INET6_ADDRSTRLEN] = "";
	uint32_t prefix_len = 128;

	if (k->kind == KIND_PREFIX && v->text[len] == '\0')
		return keyword_wrong(p, k, v, "has no prefix length; expected ADDRESS/LENGTH");
	if (k->kind == KIND_PREFIX && !keyword_number(v->text + len + 1, 10, 1, 128, &prefix_len))
		return keyword_wrong(p, k, v,
				     "has a wrong prefix length; expected 1 to 128 after the /");
	v->prefix_len = (uint8_t)prefix_len;
	(void)snprintf(text, sizeof(text), "%.*s", (int)len, v->text);
	if (len >= sizeof(text) || inet_pton(AF_INET6, text, &v->addr) != 1)
		return keyword_wrong(p, k, v, "is no address; expected an IPv6 address");
	return bub_addr_is_routable(&v->addr) ||
	       keyword_wrong(
		       p, k, v,
		       "cannot be used here; expected a unicast address that is not link-local");
}

static bool keyword_check_ipv4(struct problems *p, const struct config_keyword *k,
			       struct config_value *v)
{
	struct in_addr a;

	if (inet_pton(AF_INET, v->text, &a) != 1)
		return keyword_wrong(p, k, v, "is no address; expected an IPv4 address");
	v->addr = addr_of_ipv4((const uint8_t *)&a);
	return bub_addr_is_ipv4(&v->addr) ||
	       keyword_wrong(
		       p, k, v,
		       "cannot be used here; expected a unicast address that is not link-local");
}

/* 1 to @max characters that are no blanks and not among @but. */
static bool is_name(const char *text, size_t max, const char *but)
{
	size_t len = strlen(text);

	for (const char *c = text; *c != '\0'; c++)
		if (!isgraph((unsigned char)*c))
			return false;
	return len > 0 && len <= max && text[strcspn(text, but)] == '\0';
}

bool config_path(const struct problems *p, const char *text, char *ret_path, size_t cap)
{
	const char *slash = strrchr(p->path, '/');
	size_t folder_len = text[0] == '/' || slash == NULL ? 0 : (size_t)(slash - p->path) + 1;
	int len = snprintf(ret_path, cap, "%.*s%s", (int)folder_len, p->path, text);

	return text[0] != '\0' && len > 0 && (size_t)len < cap;
}

static bool is_folder(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

/* Letters, digits, - and _ between dots, and no number at the end (RFC 1123, 2.1). */
static bool is_host_name(const char *text)
{
	const char *label = text, *end = text + strlen(text);
	bool letter = false;

	if (end > text && end[-1] == '.')
		end--;
	if (end == text || end - text > AGENT_NAME_MAX)
		return false;
	for (const char *c = text; c <= end; c++) {
		if (c == end || *c == '.') {
			if (c == label || c - label > 63 || *label == '-' || c[-1] == '-')
				return false;
			label = c + 1;
			letter = letter && c == end;
			continue;
		}
		if (!isalnum((unsigned char)*c) && *c != '-' && *c != '_')
			return false;
		letter = letter || isalpha((unsigned char)*c);
	}
	return letter;
}

static bool keyword_check_host(struct problems *p, const struct config_keyword *k,
			       struct config_value *v)
{
	if (strchr(v->text, ':') != NULL)
		return keyword_check_address(p, k, v);
	v->addr = in6addr_any;
	return is_host_name(v->text) ||
	       keyword_wrong(p, k, v, "is neither; expected an IPv6 address or a name of the DNS");
}

static bool keyword_check_path(struct problems *p, const struct config_keyword *k,
			       const struct config_value *v)
{
	size_t cap = k->size != 0 ? k->size : PATH_MAX;
	char path[PATH_MAX];
	char *slash = NULL;

	if (!config_path(p, v->text, path, cap))
		return keyword_wrong(
			p, k, v, "is no usable path; expected one of 1 to %zu characters", cap - 1);
	if (k->kind != KIND_LOG)
		return true;
	/* A file to be written: its folder has to be there, and it must be no folder itself. */
	if (is_folder(path))
		return keyword_wrong(p, k, v, "is a folder; expected a file");
	slash = strrchr(path, '/');
	if (slash != NULL)
		slash[slash == path ? 1 : 0] = '\0';
	return slash == NULL || is_folder(path) ||
	       keyword_wrong(p, k, v, "cannot be: there is no folder %s; expected it to exist",
			     path);
}

bool config_check(struct problems *p, const struct config_keyword *k, struct config_value *v)
{
	static const char *const bools[] = {"false", "true", NULL};
	uint8_t fingerprint[KEYS_FINGERPRINT_LEN];

	switch (k->kind) {
	case KIND_NUMBER:
		return keyword_number(v->text, 10, k->min, k->max, &v->number) ||
		       keyword_wrong(p, k, v, "is %s; expected a number%s from %u to %u",
				     strspn(v->text, "0123456789") == strlen(v->text)
					     ? "out of bounds"
					     : "no number",
				     k->unit != NULL ? k->unit : "", k->min, k->max);
	case KIND_SPI:
		return keyword_number(v->text, 0, SPI_MIN, UINT32_MAX, &v->number) ||
		       keyword_wrong(p, k, v, "is no SPI; expected a number from %u to 0xffffffff",
				     SPI_MIN);
	case KIND_BOOL:
		return keyword_check_word(p, k, bools, v);
	case KIND_WORD:
		return keyword_check_word(p, k, k->words, v);
	case KIND_ADDRESS:
	case KIND_PREFIX:
		return keyword_check_address(p, k, v);
	case KIND_IPV4:
		return keyword_check_ipv4(p, k, v);
	case KIND_HOST:
		return keyword_check_host(p, k, v);
	case KIND_IFNAME:
		return (is_name(v->text, IFNAMSIZ - 1, "/:") && strcmp(v->text, ".") != 0 &&
			strcmp(v->text, "..") != 0) ||
		       keyword_wrong(
			       p, k, v,
			       "is no interface name; expected 1 to %d characters without blanks, "
			       "/ and :",
			       IFNAMSIZ - 1);
	case KIND_NAME:
		return is_name(v->text, NODE_NAME_MAX, "") ||
		       keyword_wrong(p, k, v, "is no name; expected 1 to %d characters, no blanks",
				     NODE_NAME_MAX);
	case KIND_PATH:
	case KIND_LOG:
		return keyword_check_path(p, k, v);
	case KIND_METRICS:
		return metrics_may_be_at(v->text) ||
		       keyword_wrong(p, k, v,
				     "is no place for metrics; expected " METRICS_EXPECTED);
	case KIND_FINGERPRINT:
		return keys_fingerprint_parse(v->text, fingerprint) ||
		       keyword_wrong(p, k, v,
				     "is no fingerprint; expected \"sha256:\" and 64 hexadecimal "
				     "digits");
	case KIND_IDENTITY:
		return is_name(v->text, KEYS_NAME_MAX - 1, "") ||
		       keyword_wrong(p, k, v, "is no name; expected 1 to %u characters, no blanks",
				     KEYS_NAME_MAX - 1);
	case KIND_KEY:
	case KIND_TEXT:
	case KIND_NONE:
		break;
	}
	return true;
}

/* ---- Where it goes ------------------------------------------------------------------------- */

static void keyword_put_number(void *to, size_t size, uint32_t n)
{
	const uint8_t octet = (uint8_t)n;
	const uint16_t pair = (uint16_t)n;

	memcpy(to,
	       size == sizeof(octet)  ? (const void *)&octet
	       : size == sizeof(pair) ? (const void *)&pair
				      : &n,
	       size);
}

static void keyword_put(const struct problems *p, const struct config_keyword *k,
			const struct config_value *v, void *to)
{
	uint32_t n = k->list > 0 ? 0 : v->number;

	for (const struct config_value *one = v; k->list > 0 && one != NULL; one = one->next)
		n |= 1u << one->number;
	if (k->kind == KIND_NUMBER || k->kind == KIND_BOOL || k->kind == KIND_WORD)
		keyword_put_number(to, k->size, n);
	else if (k->kind == KIND_ADDRESS || k->kind == KIND_HOST || k->kind == KIND_PREFIX ||
		 k->kind == KIND_IPV4)
		memcpy(to, &v->addr, sizeof(v->addr));
	else if (k->kind == KIND_PATH || k->kind == KIND_LOG)
		(void)config_path(p, v->text, to, k->size);
	else
		(void)snprintf(to, k->size, "%s", v->text);
}

/* Defaults are written as in a file, so they are read as that. */
static void keyword_put_default(struct problems *p, const struct config_keyword *k, void *to)
{
	_Alignas(struct config_value) uint8_t room[sizeof(struct config_value) + 32] = {0};
	struct config_value *v = (struct config_value *)room;

	(void)snprintf(v->text, 32, "%s", k->or_else);
	if (config_check(p, k, v))
		keyword_put(p, k, v, to);
}

static void keyword_lacks(struct problems *p, const struct config_keyword *k,
			  const struct config_node *sec)
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

		/* An unknown keyword may be this one misspelt, and a wrong value may be this one's:
		 * both have been told. */
		if (k->needed && sec != NULL && !sec->gaps &&
		    (node == NULL || (node->values == NULL && !sec->bad))) {
			keyword_lacks(p, k, sec);
			complete = false;
		}
		if (k->size == 0)
			continue;
		if (node != NULL && node->values != NULL)
			keyword_put(p, k, node->values, to);
		else if (node == NULL && k->or_else != NULL)
			keyword_put_default(p, k, to);
	}
	return complete;
}
