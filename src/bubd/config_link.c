/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a home agent tells of its home link: prefixes, their lifetimes, and when (RFC 6275, 7, 10.6
 * and 13).  The rest of the home-agent section is config.c's.
 */
#include <string.h>

#include "config_load.h"

#define WEEK_S 604800u

/* RFC 4862, 5.5.3 c: the preferred lifetime is not longer than the valid one. */
static void check_lifetimes(struct loader *l, cfg_t *sec, const char *valid, const char *preferred,
			    const struct bub_ha_prefix *p)
{
	if (p->preferred_s > p->valid_s)
		problem(&l->p, loader_line(sec, preferred),
			"%s: %u is more than %s, %u; expected at most that", preferred,
			p->preferred_s, valid, p->valid_s);
}

static void load_prefixes(struct loader *l, cfg_t *sec)
{
	struct bub_ha_config *ha = &l->cfg->engine.ha;
	struct bub_ha_prefix common = {0};
	const struct config_value *v = NULL;

	common.valid_s = loader_number(l, sec, "prefix-valid", 2592000, 1, UINT32_MAX);
	common.preferred_s = loader_number(l, sec, "prefix-preferred", WEEK_S, 1, UINT32_MAX);
	check_lifetimes(l, sec, "prefix-valid", "prefix-preferred", &common);
	if (loader_needed(l, sec, "prefixes", "at least one ADDRESS/LENGTH") == NULL)
		return;
	for (unsigned i = 0; (v = config_file_value(sec, "prefixes", i)) != NULL; i++) {
		struct bub_ha_prefix *p = &ha->prefix[ha->n_prefixes];

		if (ha->n_prefixes == BUB_HA_PREFIXES_MAX) {
			problem(&l->p, v->line,
				"prefixes: \"%s\" is one too many; expected at most "
				"%d",
				v->text, BUB_HA_PREFIXES_MAX);
			return;
		}
		*p = common;
		if (loader_prefixed(l, v, "prefixes", &p->prefix, &p->len))
			ha->n_prefixes++;
	}
}

/* A prefix section: other lifetimes for one of the list. */
static void load_lifetimes(struct loader *l, cfg_t *sec)
{
	struct bub_ha_config *ha = &l->cfg->engine.ha;
	int line = config_file_section_line(sec);
	const char *title = cfg_title(sec);
	const struct config_value *v = NULL;

	/* As the list has it: text is compared, so that nothing else has to be understood. */
	for (unsigned i = 0;
	     (v = config_file_value(cfg_getsec(l->root, "home-agent"), "prefixes", i)) != NULL;
	     i++) {
		struct bub_ha_prefix *p = &ha->prefix[i];

		if (i >= ha->n_prefixes || strcmp(v->text, title) != 0)
			continue;
		p->valid_s = loader_number(l, sec, "valid", p->valid_s, 0, UINT32_MAX);
		p->preferred_s = loader_number(l, sec, "preferred", p->preferred_s, 0, UINT32_MAX);
		check_lifetimes(l, sec, "valid", "preferred", p);
		return;
	}
	problem(&l->p, line, "prefix: \"%s\" is not in the list of prefixes; expected one that is",
		title);
}

/* Its presence turns the advertisements on.  Intervals have the bounds of RFC 6275, 7.5, which are
 * below those of RFC 4861, 6.2.1. */
static void load_adverts(struct loader *l, cfg_t *sec)
{
	struct lnx_advert_config *a = &l->cfg->lnx.advert;
	uint32_t max_ms = loader_number(l, sec, "interval-max", 600000, 70, 1800000);
	uint32_t least_ms = max_ms / 3 > 30 ? max_ms / 3 : 30;
	uint32_t min_ms = loader_number(l, sec, "interval-min", least_ms, 30, 1350000);
	uint32_t life_s = max_ms * 3 / 1000; /* AdvDefaultLifetime */

	if (min_ms > max_ms * 3 / 4)
		problem(&l->p, loader_line(sec, "interval-min"),
			"interval-min: %u is more than three quarters of interval-max, %u; "
			"expected at most that",
			min_ms, max_ms);
	if (life_s > 9000 || life_s == 0)
		life_s = life_s == 0 ? 1 : 9000;
	a->enabled = true;
	a->interval_option = loader_bool(l, sec, "interval-option", true);
	a->interval_max_ms = max_ms;
	a->interval_min_ms = min_ms;
	a->delay_min_ms =
		loader_number(l, sec, "delay-min", min_ms < 3000 ? min_ms : 3000, 30, 1800000);
	a->router_lifetime_s = (uint16_t)loader_number(l, sec, "router-lifetime", life_s, 0, 9000);
	if (a->router_lifetime_s != 0 && (uint32_t)a->router_lifetime_s * 1000 < max_ms)
		problem(&l->p, loader_line(sec, "router-lifetime"),
			"router-lifetime: %u s is less than interval-max; expected 0, or at least "
			"that",
			a->router_lifetime_s);
	a->home_agent_lifetime_s = (uint16_t)loader_number(
		l, sec, "agent-lifetime", a->router_lifetime_s != 0 ? a->router_lifetime_s : life_s,
		1, UINT16_MAX);
}

void loader_home_link(struct loader *l, cfg_t *sec)
{
	struct bub_ha_config *ha = &l->cfg->engine.ha;

	load_prefixes(l, sec);
	for (unsigned i = 0; l->p.n == 0 && i < cfg_size(sec, "prefix"); i++)
		load_lifetimes(l, cfg_getnsec(sec, "prefix", i));
	ha->managed = loader_bool(l, sec, "managed-addresses", false);
	ha->other = loader_bool(l, sec, "other-configuration", false);
	for (unsigned i = 0; i < cfg_size(sec, "router-adverts"); i++) {
		cfg_t *adverts = cfg_getnsec(sec, "router-adverts", i);

		if (i > 0 || !config_file_is_set(sec, "home-link"))
			problem(&l->p, config_file_section_line(adverts),
				"router-adverts: expected once, and only with home-link");
		load_adverts(l, adverts);
	}
	ha->prefix_adverts = loader_bool(l, sec, "prefix-adverts", ha->prefix_adverts);
	ha->prefix_advert_min_s =
		loader_number(l, sec, "prefix-advert-min", ha->prefix_advert_min_s, 1, WEEK_S);
	ha->prefix_advert_max_s =
		loader_number(l, sec, "prefix-advert-max", ha->prefix_advert_max_s, 1, WEEK_S);
	if (ha->prefix_advert_min_s > ha->prefix_advert_max_s)
		problem(&l->p, loader_line(sec, "prefix-advert-max"),
			"prefix-advert-max: %u is less than prefix-advert-min, %u; expected at "
			"least that",
			ha->prefix_advert_max_s, ha->prefix_advert_min_s);
}

/* Its address in another prefix must be nobody else's, and its keys come from the secret. */
bool loader_renumber(struct loader *l, cfg_t *sec, const struct in6_addr *home, bool at_home_agent)
{
	bool renumber = loader_bool(l, sec, "renumber", false);
	struct addrset *ids = &l->ids[at_home_agent];
	const struct addrset_slot *first = NULL;
	struct in6_addr id = {0};

	memcpy(id.s6_addr + 8, home->s6_addr + 8, 8);
	first = addrset_find(ids, &id);
	if (renumber && config_file_value(sec, "secret-file", 0) == NULL)
		problem(&l->p, loader_line(sec, "renumber"),
			"renumber: keys for another home address need secret-file; expected that");
	if (first == NULL && addrset_add(ids, &id, l->cfg->n_pairs) != 0)
		problem(&l->p, 0, "out of memory");
	/* Where one of several renumbers there was a problem before. */
	if (first != NULL && (renumber || l->cfg->pairs[first->value - 1].renumber))
		problem(&l->p, config_file_section_line(sec),
			"renumber: two mobile nodes have one interface identifier; "
			"expected each to have its own");
	return renumber;
}

bool loader_reloadable(const char *section, const char *name)
{
	static const char *const names[] = {
		"prefixes",          "prefix-valid",        "prefix-preferred", "prefix",
		"managed-addresses", "other-configuration", "mobile-node",
	};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (strcmp(section, "home-agent") == 0 && strcmp(name, names[i]) == 0)
			return true;
	return false;
}
