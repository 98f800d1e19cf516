/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Stands in for the daemon, so that bubd's command line and configuration can be tested without
 * anything that needs root.  Shows what a configuration came to, for tests of good files.
 */
#include <arpa/inet.h>
#include <stdio.h>

#include "daemon.h"

static const char *text(const struct in6_addr *addr)
{
	static char buf[INET6_ADDRSTRLEN];

	return inet_ntop(AF_INET6, addr, buf, sizeof(buf));
}

static void show_octets(const uint8_t *octets, size_t len)
{
	for (size_t i = 0; i < len; i++)
		(void)printf("%02x", octets[i]);
}

static void show_sa(const struct esp_sa_params *p)
{
	const struct esp_alg_info *alg = esp_alg_info(p->alg);

	(void)printf("sa %08x %s %s %s covers %x %s ", p->spi, text(&p->owner),
		     p->direction == ESP_OUT ? "out" : "in",
		     p->mode == ESP_TUNNEL ? "tunnel" : "transport", p->covers, alg->encryption);
	show_octets(p->enc_key, alg->enc_key_len);
	(void)printf(" %s ", alg->integrity);
	show_octets(p->auth_key, alg->auth_key_len);
	(void)printf("%s\n", p->any_sequence ? " unchecked" : "");
}

static void show_keys(const char *whose, const struct bubd_key_settings *s)
{
	if (!s->there)
		return;
	(void)printf("keys %s port %u lifetime %u megabytes %u name %s certificate %zu ca %zu psk ",
		     whose, s->port, s->lifetime_s, s->megabytes, s->peer_name, s->certificate.len,
		     s->ca.len);
	show_octets(s->secret, s->secret_len);
	for (unsigned i = 0; i < s->n_algs; i++)
		(void)printf(" %s", keys_suite_name(s->algs[i]));
	(void)putchar('\n');
}

static void show_roles(const struct bubd_config *cfg)
{
	const struct bub_config *eng = &cfg->engine;

	for (unsigned i = 0; i < eng->n_homes; i++) {
		const struct bub_home_config *h = &eng->home[i];

		(void)printf("home %s/%u lifetime %u first %u alternate %d alive %u\n",
			     text(&h->address), h->prefix_len, h->lifetime_s, h->first_timeout_ms,
			     h->alternate_care_of, h->keep_alive_s);
		(void)printf("home-agent");
		for (unsigned k = 0; k < cfg->agents[i].n; k++)
			(void)printf(" %s", text(&cfg->agents[i].addr[k]));
		if (cfg->agents[i].n == 0)
			(void)printf(" %s",
				     h->agent_is_named ? cfg->agent_name[i] : text(&h->home_agent));
		(void)putchar('\n');
		if (!IN6_IS_ADDR_UNSPECIFIED(&h->home_agent_ipv4))
			(void)printf("home-agent-ipv4 %s\n", text(&h->home_agent_ipv4));
	}
	if (eng->ha.enabled)
		(void)printf("serves %s link %s max %u backhaul %d preference %u any %d\n",
			     text(&eng->ha.address),
			     cfg->lnx.home_link != NULL ? cfg->lnx.home_link : "-",
			     eng->ha.lifetime_max_s, (int)eng->ha.backhaul, eng->ha.preference,
			     eng->ha.any_care_of);
	if (!IN6_IS_ADDR_UNSPECIFIED(&eng->ha.ipv4_address))
		(void)printf("ipv4 %s nat %u\n", text(&eng->ha.ipv4_address),
			     eng->ha.nat_refresh_s);
	if (eng->ha.enabled)
		(void)printf("flags %d %d told %d %u %u\n", eng->ha.managed, eng->ha.other,
			     eng->ha.prefix_adverts, eng->ha.prefix_advert_min_s,
			     eng->ha.prefix_advert_max_s);
	if (cfg->lnx.advert.enabled)
		(void)printf("adverts %u %u %d %u lifetimes %u %u preference %u prefixes %u\n",
			     cfg->lnx.advert.interval_min_ms, cfg->lnx.advert.interval_max_ms,
			     cfg->lnx.advert.interval_option, cfg->lnx.advert.delay_min_ms,
			     cfg->lnx.advert.router_lifetime_s,
			     cfg->lnx.advert.home_agent_lifetime_s, cfg->lnx.advert.preference,
			     cfg->lnx.advert.n_prefixes);
	for (unsigned i = 0; i < eng->ha.n_prefixes; i++)
		(void)printf("prefix %s/%u %u %u\n", text(&eng->ha.prefix[i].prefix),
			     eng->ha.prefix[i].len, eng->ha.prefix[i].valid_s,
			     eng->ha.prefix[i].preferred_s);
	for (size_t i = 0; i < cfg->n_pairs; i++) {
		const struct bubd_pair *p = &cfg->pairs[i];

		(void)printf("pair %s %s ", text(&p->home), p->at_home_agent ? "served" : "own");
		show_octets(p->secret, p->secret_len);
		if (p->keys != BUBD_KEYS_STATIC)
			(void)printf(" keys %d", (int)p->keys);
		(void)putchar('\n');
	}
	for (unsigned i = 0; i < eng->n_homes; i++)
		show_keys("own", &cfg->home_keys[i]);
	show_keys("served", &cfg->agent_keys);
	for (size_t i = 0; i < cfg->n_sas; i++)
		show_sa(&cfg->sas[i].params);
}

int daemon_run(const char *config_path, struct bubd_config *cfg)
{
	const struct bub_config *eng = &cfg->engine;

	(void)config_path;
	(void)printf("node %s tun %s control %s state-dir %s log-level %d\n", cfg->node,
		     cfg->lnx.tun_name, cfg->control, cfg->state_dir, (int)cfg->log_level);
	(void)printf("logs %s %s\n", cfg->event_log, cfg->key_log);
	for (unsigned i = 0; i < cfg->lnx.n_interfaces; i++)
		(void)printf("interface %s preference %d optimistic %d neutral %d\n",
			     cfg->lnx.interfaces[i], cfg->lnx.preference[i], cfg->lnx.optimistic[i],
			     cfg->lnx.neutral[i]);
	(void)printf("table %u priority %u payload %d\n", cfg->lnx.route_table,
		     cfg->lnx.rule_priority, cfg->lnx.protect_payload);
	(void)printf("udp %d ports %u %u\n", cfg->lnx.udp, cfg->lnx.udp_port,
		     cfg->lnx.udp_esp_port);
	if (cfg->lnx.unprotected != 0)
		(void)printf("unprotected %x\n", cfg->lnx.unprotected);
	show_roles(cfg);
	(void)printf("ro %d bub %d copy %d eager %d static %u lifetime %u\n",
		     (int)eng->route_optimisation, (int)eng->bub, eng->direct_copy, eng->eager_bub,
		     eng->static_after_s, eng->bub_lifetime_s);
	(void)printf("acks %d accept %d send %d discovery %d kabm %d check %d wrapped %d renew %u "
		     "direct %u\n",
		     eng->ack_correspondents, eng->accept_brr, eng->send_brr, eng->prefix_discovery,
		     eng->static_kabm, eng->check_care_of, eng->accept_encapsulated,
		     eng->kabm_lifetime_s, eng->udp_port);
	(void)printf("codepoints %u %u %u %u %u suites", eng->codepoints.mh_bubc,
		     eng->codepoints.mh_dh, eng->codepoints.opt_bub,
		     eng->codepoints.opt_path_cookie, eng->codepoints.opt_path_report);
	for (unsigned i = 0; i < eng->n_suites; i++)
		(void)printf(" %u", eng->suite[i]);
	(void)printf("\nlimits %u %u %u\n", eng->limit.bindings, eng->limit.peers,
		     eng->limit.clients);
	for (size_t i = 0; i < cfg->n_peers; i++)
		(void)printf("peer %s ro %d bub %d\n", text(&cfg->peers[i].peer),
			     (int)cfg->peers[i].route_optimisation, (int)cfg->peers[i].bub);
	return 0;
}
