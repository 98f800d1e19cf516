/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Home agent: into and out of the tunnel (tunnel.c).
 */
#ifndef BUB_CORE_HA_TUNNEL_H
#define BUB_CORE_HA_TUNNEL_H

#include "ha/mobile_node.h"

/* The tunnel of @c ends at @care_of from now on. */
void ha_lead_to(struct bub_engine *eng, struct mobile_node *c, const struct in6_addr *care_of);
/* Into the tunnel as it is, in an action of its own or in @act. */
void ha_tunnel(struct bub_engine *eng, const struct mobile_node *c, struct bub_view packet);
void ha_fill_tunnel(struct bub_engine *eng, const struct mobile_node *c, struct bub_view packet,
		    const struct encap *encap, struct bub_action *act);
/* False: it may not go there, which has been counted. */
bool ha_admit(struct bub_engine *eng, const struct mobile_node *c, struct bub_view packet,
	      struct encap *ret_encap);
/* A packet that passed the check of the reverse tunnel goes its way.  @vouched: from the care-of
 * address, in the name of the home address. */
void ha_forward(struct bub_engine *eng, const struct bub_ip6 *ip, bool vouched);

#endif
