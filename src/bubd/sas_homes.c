/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * See sas_homes.h.
 */
#include "sas_homes.h"

#include <arpa/inet.h>

#define ERROR_MAX 512

/* The secrets are here, so the SAs with a home agent that was discovered are made here too. */
static void homes_use_agent(const struct sas_homes *h, const struct bub_action *act)
{
	char home[INET6_ADDRSTRLEN] = "";
	char agent[INET6_ADDRSTRLEN] = "";
	char error[ERROR_MAX] = "";

	(void)inet_ntop(AF_INET6, &act->u.agent.home, home, sizeof(home));
	(void)inet_ntop(AF_INET6, &act->u.agent.home_agent, agent, sizeof(agent));
	if (sas_use_home_agent(h->sas, h->cfg, &act->u.agent.home, &act->u.agent.home_agent,
			       lnx_now(), error, sizeof(error)) == 0 &&
	    sas_commit(h->sas, lnx_now(), error, sizeof(error)) == 0)
		log_line(h->log, LNX_LOG_INFO, "home agent of %s: %s", home, agent);
	else
		log_line(h->log, LNX_LOG_ERROR, "home agent of %s: %s cannot be used: %s", home,
			 agent, error);
}

/* The same for a home address that came by renumbering. */
static void homes_use_new(const struct sas_homes *h, const struct bub_action *act)
{
	char home[INET6_ADDRSTRLEN] = "";
	char old[INET6_ADDRSTRLEN] = "";
	char error[ERROR_MAX] = "";

	(void)inet_ntop(AF_INET6, &act->u.home_add.home, home, sizeof(home));
	(void)inet_ntop(AF_INET6, &act->u.home_add.instead_of, old, sizeof(old));
	if (sas_add_home(h->sas, h->cfg, &act->u.home_add.home, &act->u.home_add.home_agent, false,
			 lnx_now(), error, sizeof(error)) == 0 &&
	    sas_commit(h->sas, lnx_now(), error, sizeof(error)) == 0)
		log_line(h->log, LNX_LOG_WARNING,
			 "the home link was renumbered: %s takes over from %s; put it into the "
			 "configuration",
			 home, old);
	else
		log_line(h->log, LNX_LOG_ERROR, "new home address %s cannot be used: %s", home,
			 error);
}

/* Its security associations leave their room to those of the next one. */
static void homes_forget(const struct sas_homes *h, const struct in6_addr *home)
{
	struct addrset gone = {0};
	char error[ERROR_MAX] = "out of memory";

	if (addrset_add(&gone, home, 0) != 0 ||
	    sas_remove_homes(h->sas, &gone, lnx_now(), error, sizeof(error)) != 0)
		log_line(h->log, LNX_LOG_ERROR, "cannot take security associations away: %s",
			 error);
	addrset_free(&gone);
}

void sas_homes_begin(const struct sas_homes *h, const struct bub_action *act)
{
	if (act->type == BUB_ACT_HOME_AGENT)
		homes_use_agent(h, act);
	else if (act->type == BUB_ACT_HOME_ADD)
		homes_use_new(h, act);
}

void sas_homes_end(const struct sas_homes *h, const struct bub_action *act)
{
	if (act->type == BUB_ACT_HOME_DEL)
		homes_forget(h, &act->u.home);
}
