/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a home agent that is the router of its home link advertises there (RFC 6275, 7 and 8.4).
 */
#ifndef BUB_LINK_ADVERT_H
#define BUB_LINK_ADVERT_H

#include "bub/engine.h"

/* Router Advertisements on the home link. */
struct link_advert_config {
	bool enabled;
	uint32_t interval_min_ms, interval_max_ms; /* MinRtrAdvInterval, MaxRtrAdvInterval */
	uint32_t delay_min_ms;                     /* MinDelayBetweenRAs */
	uint16_t router_lifetime_s;                /* 0: no default router */
	uint16_t home_agent_lifetime_s;            /* not 0 */
	uint16_t preference;                       /* as a home agent */
	bool interval_option;                      /* Advertisement Interval (RFC 6275, 7.3) */
	bool managed, other;
	struct bub_ha_prefix prefix[BUB_HA_PREFIXES_MAX];
	unsigned n_prefixes;
};

#endif
