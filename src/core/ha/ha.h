/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Home agent: what the other roles may ask of it and tell it.
 */
#ifndef BUB_CORE_HA_HA_H
#define BUB_CORE_HA_HA_H

#include "core.h"

struct mobile_node; /* ha/mobile_node.h */

/* ha.c */

void ha_on_home_bu(struct bub_engine *eng, const struct rx *rx, const struct bub_event *ev);
void ha_on_dad(struct bub_engine *eng, uint32_t id, int error);
/* A packet out of the tunnel of @c.  True: it is a mobility message for this node itself, in
 * @ret_ip. */
bool ha_from_tunnel(struct bub_engine *eng, struct mobile_node *c, const struct bub_event *ev,
		    struct bub_ip6 *ret_ip);
/* A packet for a home address that this node serves; false: it serves none such.  What it carries
 * behind the IPv6 header is nobody's business on the way (RFC 8200, 4). */
bool ha_intercept(struct bub_engine *eng, struct bub_view packet);
/* Whether @home is registered here with @care_of, @local being this home agent's address. */
bool ha_registered(struct bub_engine *eng, const struct in6_addr *local,
		   const struct in6_addr *home, const struct in6_addr *care_of);
/* Whether @home is registered here at all. */
bool ha_serves(const struct bub_engine *eng, const struct in6_addr *local,
	       const struct in6_addr *home);
/* Whether a home registration is what allows data with this Home Address option. */
bool ha_covers(struct bub_engine *eng, const struct in6_addr *local, const struct in6_addr *home,
	       const struct in6_addr *care_of);
/* Mobile node @home will be looked up soon: table_expect(). */
void ha_expect(const struct bub_engine *eng, const struct in6_addr *home, bool entry);
struct mobile_node *ha_mobile_node(const struct bub_engine *eng, const struct in6_addr *home);
/* Takes the room for this role out of the arena; NULL: only the size is asked for. */
struct ha *ha_lay_out(struct arena *ar, const struct bub_config *cfg, uint64_t seed);
/* How many timers it may have at once. */
uint32_t ha_timers(const struct bub_config *cfg);
void ha_init(struct bub_engine *eng);
/* bub_engine_add_client(). */
int ha_add_client(struct bub_engine *eng, const struct in6_addr *home);
/* Its registration ends, and it may make no other. */
void ha_remove_client(struct bub_engine *eng, struct mobile_node *c);

/* agents.c */

/* A router advertisement: perhaps another home agent of the home link (RFC 6275, 10.5.1). */
void agents_on_advert(struct bub_engine *eng, const struct bub_ip6 *ip, const struct bub_icmp6 *ra);
/* Who serves this link?  (RFC 6275, 10.5) */
void agents_on_request(struct bub_engine *eng, const struct bub_ip6 *ip,
		       const struct bub_icmp6 *req);

/* prefixes.c */

void prefixes_on_solicitation(struct bub_engine *eng, const struct bub_ip6 *ip,
			      const struct bub_icmp6 *sol, const struct bub_event *ev);
/* The home link has other prefixes from now on. */
void prefixes_set(struct bub_engine *eng, const struct bub_event *ev);

/* multicast.c */

/* What does not fit the queue of a feed: groups to join or leave, copies.  False: nothing left. */
bool multicast_next_action(struct bub_engine *eng, struct bub_action *ret_action);
/* There is nothing left of that. */
bool multicast_is_drained(const struct bub_engine *eng);

/* switch.c */

/* An operator's wish that mobile nodes go to other home agents (RFC 5142). */
void switch_on_command(struct bub_engine *eng, const struct bub_event *ev);

/* stable.c */

void stable_on_verdict(struct bub_engine *eng, const struct bub_event *ev);
/* bub_engine_restore(). */
int stable_restore(struct bub_engine *eng, const struct bub_stored *s);

/* status.c */

/* How many mobile nodes are permitted to register. */
uint32_t ha_used(const struct bub_engine *eng);
uint32_t ha_registrations(const struct bub_engine *eng);

#endif
