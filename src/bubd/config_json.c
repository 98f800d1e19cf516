/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * See config_json.h.  Owns the names of the members, which are an interface, and what a fingerprint
 * is.
 */
#include "config_json.h"

#include <arpa/inet.h>
#include <string.h>

#include "linux_xfrm.h"

/* Who has the fingerprint can try secrets: a short one could be found so, and gets none. */
#define FINGERPRINT_SECRET_MIN 32

static json_t *cj_address(const struct in6_addr *addr)
{
	char text[INET6_ADDRSTRLEN];

	if (IN6_IS_ADDR_UNSPECIFIED(addr))
		return json_null();
	return json_string(inet_ntop(AF_INET6, addr, text, sizeof(text)));
}

static json_t *cj_prefix(const struct in6_addr *addr, unsigned len)
{
	char text[INET6_ADDRSTRLEN];

	return json_sprintf("%s/%u", inet_ntop(AF_INET6, addr, text, sizeof(text)), len);
}

static json_t *cj_text(const char *text)
{
	return text[0] != '\0' ? json_string(text) : json_null();
}

/* Eight hexadecimal digits by which people compare a secret at two ends, without showing it.  The
 * home address is in it, so that nobody sees where one secret is used twice. */
static json_t *cj_fingerprint(const struct bubd_pair *pair)
{
	static const uint8_t label[ESP_MARK_LEN] = "bub fingerprint 1";
	uint8_t data[sizeof(pair->home) + ESP_SECRET_MAX], mark[ESP_MARK_LEN];
	size_t len = sizeof(pair->home) + pair->secret_len;
	json_t *text = NULL;

	if (pair->wiped || pair->secret_len < FINGERPRINT_SECRET_MIN ||
	    (pair->keys != BUBD_KEYS_STATIC && pair->keys != BUBD_KEYS_PSK))
		return json_null();
	memcpy(data, &pair->home, sizeof(pair->home));
	memcpy(data + sizeof(pair->home), pair->secret, pair->secret_len);
	if (esp_mark(label, data, len, mark) == 0)
		text = json_sprintf("%02x%02x%02x%02x", mark[0], mark[1], mark[2], mark[3]);
	explicit_bzero(data, sizeof(data));
	return text != NULL ? text : json_null();
}

static json_t *cj_fingerprint_of(const struct bubd_config *cfg, const struct in6_addr *home,
				 bool at_home_agent)
{
	const struct bubd_pair *pair = bubd_config_pair(cfg, home, at_home_agent);

	return pair != NULL ? cj_fingerprint(pair) : json_null();
}

static json_t *cj_port(const struct bubd_key_settings *s, bool used)
{
	return used ? json_integer(s->port) : json_null();
}

/* @pair may be NULL. */
static const char *cj_keys(const struct bubd_pair *pair)
{
	return pair != NULL && pair->keys != BUBD_KEYS_STATIC ? "agreed" : "static";
}

static json_t *cj_homes(const struct bubd_config *cfg)
{
	json_t *array = json_array();

	for (unsigned i = 0; i < cfg->engine.n_homes; i++) {
		const struct bub_home_config *h = &cfg->engine.home[i];

		(void)json_array_append_new(
			array,
			json_pack("{s:o, s:I, s:o, s:o, s:o, s:s, s:o}", "address",
				  cj_address(&h->address), "prefix_len", (json_int_t)h->prefix_len,
				  "home_agent", cj_address(&h->home_agent), "home_agent_name",
				  cj_text(cfg->agent_name[i]), "fingerprint",
				  cj_fingerprint_of(cfg, &h->address, false), "keys",
				  cj_keys(bubd_config_pair(cfg, &h->address, false)), "key_port",
				  cj_port(&cfg->home_keys[i], cfg->home_keys[i].there)));
	}
	return array;
}

static json_t *cj_clients(const struct bubd_config *cfg)
{
	json_t *array = json_array();

	for (size_t i = 0; i < cfg->n_pairs; i++)
		if (cfg->pairs[i].at_home_agent)
			(void)json_array_append_new(
				array, json_pack("{s:o, s:o, s:s}", "address",
						 cj_address(&cfg->pairs[i].home), "fingerprint",
						 cj_fingerprint(&cfg->pairs[i]), "keys",
						 cj_keys(&cfg->pairs[i])));
	return array;
}

static json_t *cj_home_agent(const struct bubd_config *cfg)
{
	const struct bub_ha_config *ha = &cfg->engine.ha;
	json_t *prefixes = NULL;

	if (!ha->enabled)
		return json_null();
	prefixes = json_array();
	for (unsigned i = 0; i < ha->n_prefixes; i++)
		(void)json_array_append_new(prefixes,
					    cj_prefix(&ha->prefix[i].prefix, ha->prefix[i].len));
	return json_pack("{s:o, s:o, s:o, s:o, s:o}", "address", cj_address(&ha->address),
			 "home_link", cj_text(cfg->home_link), "prefixes", prefixes, "clients",
			 cj_clients(cfg), "key_port",
			 cj_port(&cfg->agent_keys, bubd_config_serves_keys(cfg)));
}

/* Those of a home agent for ESP in UDP; null: there is none. */
static json_t *cj_udp_ports(const struct lnx_config *lnx)
{
	if (lnx->udp == CARRIER_NEVER)
		return json_null();
	return json_pack("[i, i]", lnx->udp_port, lnx->udp_esp_port);
}

static const char *cj_esp(unsigned esp)
{
	switch (esp) {
	case LNX_ESP_USER:
		return "user";
	case LNX_ESP_KERNEL:
		return "kernel";
	default:
		return "auto";
	}
}

json_t *config_json(const struct bubd_config *cfg)
{
	const struct lnx_config *lnx = &cfg->lnx;
	json_t *interfaces = json_array(), *listen = json_array();

	for (unsigned i = 0; i < lnx->n_interfaces; i++)
		(void)json_array_append_new(lnx->listen_only[i] ? listen : interfaces,
					    json_string(lnx->interfaces[i]));
	return json_pack(
		"{s:s, s:s, s:o, s:o, s:s, s:s, s:o, s:o, s:o, s:I, s:I, s:b, s:b, s:o, s:o, s:o, "
		"s:i, s:s}",
		"node", cfg->node, "tun", cfg->tun, "interfaces", interfaces, "listen_interfaces",
		listen, "control", cfg->control, "state_dir", cfg->state_dir, "event_log",
		cj_text(cfg->event_log), "key_log", cj_text(cfg->key_log), "metrics",
		cj_text(cfg->metrics), "route_table", (json_int_t)lnx->route_table, "rule_priority",
		(json_int_t)lnx->rule_priority, "protect_payload", lnx->protect_payload,
		"unprotected", lnx->unprotected != 0, "homes", cj_homes(cfg), "home_agent",
		cj_home_agent(cfg), "udp_ports", cj_udp_ports(lnx), "tcp_port", lnx->tcp_port,
		"esp", cj_esp(lnx->esp));
}
