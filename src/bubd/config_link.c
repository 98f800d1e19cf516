/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a home agent tells of its home link: prefixes, their lifetimes, and when (RFC 6275, 7, 10.6
 * and 13).  The rest of the home-agent section is config.c's.
 */
#include <string.h>

#include "config_load.h"

/* RFC 4862, 5.5.3 c: the preferred lifetime is not longer than the valid one. */
static void check_lifetimes(struct loader *l, const struct config_node *sec, const char *valid,
			    const char *preferred, const struct bub_ha_prefix *p)
{
	if (p->preferred_s > p->valid_s)
		problem(&l->p, config_place(sec, preferred),
			"%s: %u is more than %s, %u; expected at most that", preferred,
			p->preferred_s, valid, p->valid_s);
}

static void load_prefixes(struct loader *l, const struct config_node *sec)
{
	struct bub_ha_config *ha = &l->cfg->engine.ha;
	struct bub_ha_prefix common = ha->prefix[0]; /* the defaults */

	common.valid_s = config_number(sec, "prefix-valid", common.valid_s);
	common.preferred_s = config_number(sec, "prefix-preferred", common.preferred_s);
	check_lifetimes(l, sec, "prefix-valid", "prefix-preferred", &common);
	for (const struct config_value *v = config_value(sec, "prefixes"); v != NULL; v = v->next) {
		struct bub_ha_prefix *p = &ha->prefix[ha->n_prefixes++];

		*p = common;
		p->prefix = v->addr;
		p->len = v->prefix_len;
	}
}

/* A prefix section: other lifetimes for one of the list. */
static void load_lifetimes(struct loader *l, const struct config_node *sec)
{
	const char *title = sec->values->text;
	struct bub_ha_prefix *p = l->cfg->engine.ha.prefix;
	const struct config_value *v = config_value(sec->parent, "prefixes");

	/* Written as it is in the list: texts are compared. */
	for (; v != NULL && strcmp(v->text, title) != 0; v = v->next)
		p++;
	if (v == NULL)
		problem(&l->p, sec->values->at,
			"prefix: \"%s\" is not in the list of prefixes; expected one that is",
			title);
	else if (config_fill(&l->p, IN_PREFIX, sec, p))
		check_lifetimes(l, sec, "valid", "preferred", p);
}

/* The presence of the section turns the advertisements on.  Defaults follow from the greatest
 * interval. */
static void load_adverts(struct loader *l, const struct config_node *sec)
{
	struct link_advert_config *a = &l->cfg->lnx.advert;
	uint32_t max_ms, life_s;

	a->enabled = true;
	if (!config_fill(&l->p, IN_ADVERTS, sec, a))
		return;
	max_ms = a->interval_max_ms;
	life_s = max_ms * 3 / 1000; /* AdvDefaultLifetime */
	if (life_s > 9000 || life_s == 0)
		life_s = life_s == 0 ? 1 : 9000;
	if (config_find(sec, "interval-min") == NULL)
		a->interval_min_ms = max_ms / 3 > 30 ? max_ms / 3 : 30;
	if (config_find(sec, "delay-min") == NULL)
		a->delay_min_ms = a->interval_min_ms < 3000 ? a->interval_min_ms : 3000;
	if (config_find(sec, "router-lifetime") == NULL)
		a->router_lifetime_s = (uint16_t)life_s;
	if (config_find(sec, "agent-lifetime") == NULL)
		a->home_agent_lifetime_s =
			a->router_lifetime_s != 0 ? a->router_lifetime_s : (uint16_t)life_s;
	if (a->interval_min_ms > max_ms * 3 / 4)
		problem(&l->p, config_place(sec, "interval-min"),
			"interval-min: %u is more than three quarters of interval-max, %u; "
			"expected at most that",
			a->interval_min_ms, max_ms);
	if (a->router_lifetime_s != 0 && (uint32_t)a->router_lifetime_s * 1000 < max_ms)
		problem(&l->p, config_place(sec, "router-lifetime"),
			"router-lifetime: %u s is less than interval-max; expected 0, or at least "
			"that",
			a->router_lifetime_s);
}

void loader_home_link(struct loader *l, const struct config_node *sec)
{
	const struct bub_ha_config *ha = &l->cfg->engine.ha;
	const struct config_node *adverts = config_find(sec, "router-adverts");

	load_prefixes(l, sec);
	for (const struct config_node *n = config_find(sec, "prefix"); n != NULL;
	     n = config_next(n))
		load_lifetimes(l, n);
	if (adverts != NULL && config_find(sec, "home-link") == NULL)
		problem(&l->p, adverts->at, "router-adverts: expected only with home-link");
	if (adverts != NULL)
		load_adverts(l, adverts);
	if (ha->prefix_advert_min_s > ha->prefix_advert_max_s)
		problem(&l->p, config_place(sec, "prefix-advert-max"),
			"prefix-advert-max: %u is less than prefix-advert-min, %u; expected at "
			"least that",
			ha->prefix_advert_max_s, ha->prefix_advert_min_s);
}
