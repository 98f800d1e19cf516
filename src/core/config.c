/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The configuration: its defaults, in one table, and what of it makes no sense.
 */
#include "config.h"
#include "crypto/crypto.h"
#include "wire/mh.h"

/* What holds for a node where nothing else is said. */
static const struct bub_config defaults = {
	.limit = {.bindings = 1024, .peers = 256, .policies = 64, .memberships = 256},
	.direct_copy = true,
	.eager_bub = true,
	.ack_correspondents = true,
	.prefix_discovery = true,
	.refresh_unused = true,
	.accept_brr = true,
	.send_brr = true,
	.udp_port = BUB_UDP_PORT,
	.check_care_of = true,
	.kabm_lifetime_s = 86400,
	.static_after_s = 420,
	.bub_lifetime_s = 3600,
	.suite = {BUB_SUITE_SHA256_X25519, BUB_SUITE_SHA1_MODP2048},
	.n_suites = 2,
	.ha = {.dad = BUB_DAD_OPTIMISTIC,
	       .nat_refresh_s = NATKATIMEOUT_S,
	       .lifetime_max_s = 3600,
	       .prefix_adverts = true,
	       .prefix_advert_min_s = 600,
	       .prefix_advert_max_s = 86400},
};

/* The same for each home address, */
static const struct bub_home_config home_defaults = {
	.lifetime_s = 3600,
	.first_timeout_ms = INITIAL_BINDACK_TIMEOUT_FIRST_REG_MS,
	.prefix_len = 64,
	.alternate_care_of = true,
};

/* and for each home prefix: RFC 4861's AdvValidLifetime and AdvPreferredLifetime. */
static const struct bub_ha_prefix prefix_defaults = {
	.valid_s = 2592000,
	.preferred_s = 604800,
};

void bub_config_init(struct bub_config *cfg)
{
	*cfg = defaults;
	cfg->codepoints = BUB_CODEPOINTS_DEFAULT;
	for (unsigned i = 0; i < BUB_HOMES_MAX; i++)
		cfg->home[i] = home_defaults;
	for (unsigned i = 0; i < BUB_HA_PREFIXES_MAX; i++)
		cfg->ha.prefix[i] = prefix_defaults;
}

static bool config_is_ipv4_or_none(const struct in6_addr *a)
{
	return IN6_IS_ADDR_UNSPECIFIED(a) || bub_addr_is_ipv4(a);
}

bool config_is_valid(const struct bub_config *cfg)
{
	const struct bub_codepoints *cp = &cfg->codepoints;

	/* Types 0 to 7 are RFC 6275's own, 12 is RFC 5142's. */
	if (cp->mh_bubc < 8 || cp->mh_dh < 8 || cp->mh_bubc == BUB_MH_TYPE_HA_SWITCH ||
	    cp->mh_dh == BUB_MH_TYPE_HA_SWITCH || cp->mh_bubc == cp->mh_dh ||
	    !bub_mhopt_is_free(cp->opt_bub) || !bub_mhopt_is_free(cp->opt_path_cookie) ||
	    !bub_mhopt_is_free(cp->opt_path_report) || cp->opt_path_cookie == cp->opt_bub ||
	    cp->opt_path_report == cp->opt_bub || cp->opt_path_report == cp->opt_path_cookie)
		return false;
	if (cfg->n_homes > BUB_HOMES_MAX || cfg->n_suites > BUB_SUITES_MAX)
		return false;
	for (unsigned i = 0; i < cfg->n_suites; i++)
		if (bub_suite_public_len(cfg->suite[i]) == 0)
			return false;
	for (unsigned i = 0; i < cfg->n_homes; i++)
		if (!bub_addr_is_routable(&cfg->home[i].address) ||
		    (!IN6_IS_ADDR_UNSPECIFIED(&cfg->home[i].home_agent) &&
		     !bub_addr_is_routable(&cfg->home[i].home_agent)) ||
		    cfg->home[i].lifetime_s < 4 || cfg->home[i].first_timeout_ms == 0 ||
		    !config_is_ipv4_or_none(&cfg->home[i].home_agent_ipv4))
			return false;
	if (cfg->ha.enabled &&
	    (cfg->ha.n_prefixes == 0 || cfg->ha.n_prefixes > BUB_HA_PREFIXES_MAX ||
	     !bub_addr_is_routable(&cfg->ha.address) ||
	     !config_is_ipv4_or_none(&cfg->ha.ipv4_address)))
		return false;
	return cfg->limit.bindings > 0 && (cfg->n_homes == 0 || cfg->limit.peers > 0);
}
