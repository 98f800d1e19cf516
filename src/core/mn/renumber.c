/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Mobile node: home addresses come and go: at the start, and when the home link is renumbered (RFC
 * 6275, 11.4.3).
 */
#include "mn/discovery.h"
#include "mn/keepalive.h"

static void init_home(struct bub_engine *eng, struct home_registration *h,
		      const struct bub_home_config *cfg)
{
	h->cfg = *cfg;
	h->discovers = IN6_IS_ADDR_UNSPECIFIED(&cfg->home_agent) && !cfg->agent_is_named;
	h->configured = cfg->address;
	h->ipv4_configured = !IN6_IS_ADDR_UNSPECIFIED(&cfg->home_agent_ipv4);
	home_set_state(eng, h, HOME_UNATTACHED, "no usable address yet");
	mn_registration_init(eng, h);
	discovery_init(h);
	agentpath_init(h);
	keepalive_init(h);
	prefixes_home_init(h);
}

struct mn *mn_lay_out(struct arena *ar)
{
	return arena_take(ar, sizeof(struct mn));
}

uint32_t mn_timers(void)
{
	return HOME_TIMERS * BUB_HOMES_MAX;
}

void mn_init(struct bub_engine *eng)
{
	struct mn *mn = core_mn(eng);

	mn->n_homes = core_config(eng)->n_homes;
	for (unsigned i = 0; i < mn->n_homes; i++)
		init_home(eng, &mn->home[i], &core_config(eng)->home[i]);
}

/* A place for one more home address: none has been there, or one that is gone.  NULL: there is
 * none. */
static struct home_registration *mn_home_place(struct bub_engine *eng)
{
	struct mn *mn = core_mn(eng);

	if (mn->n_homes < BUB_HOMES_MAX)
		return &mn->home[mn->n_homes++];
	for (unsigned i = 0; i < mn->n_homes; i++) {
		struct home_registration *h = &mn->home[i];

		if (!h->gone || h->news.gone)
			continue; /* its peers have not heard of that yet */
		core_timer_cancel(eng, &h->timer);
		core_timer_cancel(eng, &h->ask_timer);
		core_timer_cancel(eng, &h->agent_path.timer);
		core_timer_cancel(eng, &h->discovery_timer);
		core_timer_cancel(eng, &h->prefix_timer);
		*h = (struct home_registration){0};
		return h;
	}
	return NULL;
}

bool mn_add_home(struct bub_engine *eng, const struct home_registration *old,
		 const struct in6_addr *address)
{
	struct bub_home_config cfg = old->cfg;
	struct home_registration *h = mn_home_place(eng);
	struct bub_action *act;

	if (h == NULL)
		return false;
	cfg.address = *address;
	init_home(eng, h, &cfg);
	h->discovers = old->discovers; /* its home agent may have been discovered */
	h->configured = old->configured;
	h->ipv4_configured = old->ipv4_configured;
	act = core_action(eng, BUB_ACT_HOME_ADD);
	act->u.home_add.home = *address;
	act->u.home_add.home_agent = old->cfg.home_agent;
	act->u.home_add.instead_of = old->cfg.address;
	act->u.home_add.prefix_len = old->cfg.prefix_len;
	core_trace_state(eng, "home-address", "none", "new", "the home link was renumbered",
			 address, &old->cfg.address);
	mn_reselect(eng);
	return true;
}

void mn_retire_home(struct bub_engine *eng, struct home_registration *h)
{
	struct bub_action *act;

	h->gone = h->news.gone = true;
	mn_go_nowhere(eng, h);
	home_set_state(eng, h, HOME_UNATTACHED,
		       "its prefix has ended; another home address has taken over");
	mn_registration_end(h);
	discovery_stop(eng, h);
	prefixes_home_stop(eng, h);
	agentpath_restart(eng, h);
	act = core_action(eng, BUB_ACT_TUNNEL_DEL);
	act->u.home = h->cfg.address;
	act = core_action(eng, BUB_ACT_HOME_DEL);
	act->u.home = h->cfg.address;
}
