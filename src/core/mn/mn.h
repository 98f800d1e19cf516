/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Mobile node: what the other roles may ask of it and tell it (mn.c).
 */
#ifndef BUB_CORE_MN_MN_H
#define BUB_CORE_MN_MN_H

#include "core.h"

enum home_state {
	HOME_UNATTACHED, /* no usable address anywhere */
	HOME_AT_HOME,
	HOME_REGISTERING, /* Binding Update sent, no valid registration for this care-of address */
	HOME_REGISTERED,
	HOME_DEREGISTERING, /* back home, the home agent does not know yet */
	HOME_LEAVING, /* away: the home agent is to delete the binding, and another is to have one
		       */
};

/* What came out of a tunnel from the home agent. */
enum inner {
	INNER_DROPPED, /* which has been counted */
	INNER_MESSAGE, /* a mobility message */
	INNER_DATA,
};

/* What has become of a home address, for those who deal with its peers. */
struct home_news {
	bool moved;      /* another care-of address, or none */
	bool registered; /* the home agent has a binding again, or has deleted it */
	bool ends;       /* bindings at peers are to end at @end */
	bool gone;       /* it is used no more */
	struct bub_time end;
};

void mn_care_of_new(struct bub_engine *eng, const struct bub_event *ev);
void mn_care_of_changed(struct bub_engine *eng, const struct bub_event *ev);
void mn_care_of_gone(struct bub_engine *eng, const struct bub_event *ev);
void mn_link_down(struct bub_engine *eng, uint32_t ifindex);
void mn_on_home_agent(struct bub_engine *eng, const struct bub_event *ev);
/* A Home Agent Switch (RFC 5142). */
void mn_on_switch(struct bub_engine *eng, const struct rx *rx);
void mn_on_home_ba(struct bub_engine *eng, struct home_registration *h, const struct rx *rx);
/* The packet that @ev brings out of the tunnel of @h, or what was wrapped in it. */
enum inner mn_from_tunnel(struct bub_engine *eng, struct home_registration *h,
			  const struct bub_event *ev, struct bub_ip6 *ret_ip);
/* IPv6 in IPv6 to a home address, off a link: no tunnel vouches for it. */
void mn_refuse_wrapper(struct bub_engine *eng, const struct bub_event *ev);
/* Data that an application sends from the home address.  False: it cannot be on its way to a peer.
 */
bool mn_to_tunnel(struct bub_engine *eng, struct home_registration *h, const struct bub_ip6 *ip,
		  struct bub_view packet);
/* @wanted_s, or what the home and the care-of address are still valid for (RFC 6275, 11.7.1 and
 * 11.7.2), as the wire can say it: a multiple of 4, and never the 0 that deletes. */
uint32_t mn_lifetime(struct bub_engine *eng, const struct home_registration *h, uint32_t wanted_s);
/* For a correspondent: also no longer than the home registration lasts (RFC 6275, 11.4.2). */
uint32_t mn_peer_lifetime(struct bub_engine *eng, const struct home_registration *h,
			  uint32_t wanted_s);
/* Into the tunnel as it is. */
void mn_tunnel(struct bub_engine *eng, const struct home_registration *h, struct bub_view packet);
void mn_refresh(struct bub_engine *eng);
/* Nothing came back through the tunnel: the home agent may have lost the registration. */
void mn_doubt(struct bub_engine *eng, struct home_registration *h);
/* A Binding Error from the home agent: it has no binding. */
void mn_on_home_be(struct bub_engine *eng, struct home_registration *h);
/* The verdict of an earlier probe for a home address. */
void mn_on_dad(struct bub_engine *eng, uint32_t id, int error);
/* True while tunnelled packets of @h get through its home agent. */
bool mn_tunnel_ready(const struct bub_engine *eng, const struct home_registration *h);
/* Takes the room for this role out of the arena; NULL: only the size is asked for. */
struct mn *mn_lay_out(struct arena *ar);
/* How many timers it may have at once. */
uint32_t mn_timers(void);
void mn_init(struct bub_engine *eng);
/* Messages of home agent discovery and of prefix discovery. */
void discovery_on_reply(struct bub_engine *eng, const struct bub_ip6 *ip,
			const struct bub_icmp6 *reply);
void prefixes_on_advert(struct bub_engine *eng, const struct bub_ip6 *ip,
			const struct bub_icmp6 *adv, const struct bub_event *ev);
/* Asks for the home link's prefixes, unless what is known still holds. */
void prefixes_solicit(struct bub_engine *eng, struct home_registration *h);
/* True: this HoT was the answer to a keep-alive. */
bool keepalive_on_hot(struct bub_engine *eng, const struct rx *rx);
/* True: this CoT, or what that error quotes, belongs to a question why the home agent is silent. */
bool trouble_on_cot(struct bub_engine *eng, const struct rx *rx);
/* True: this CoT answers the question which other home agents are there. */
bool others_on_cot(struct bub_engine *eng, const struct rx *rx);
bool trouble_on_error(struct bub_engine *eng, const struct bub_ip6 *ip,
		      const struct bub_icmp6 *icmp);
/* What was sent to a home agent did not get there. */
void mn_on_not_delivered(struct bub_engine *eng, const struct bub_event *ev);
/* An MLD message of the kernel's own. */
void multicast_from_kernel(struct bub_engine *eng, const struct bub_ip6 *ip);
/* One home address after the other, from 0 on; NULL: past the last. */
struct home_registration *mn_home(const struct bub_engine *eng, unsigned index);
/* What is new of @h since the last call. */
struct home_news mn_take_news(struct home_registration *h);
const char *home_state_name(enum home_state s);
const struct in6_addr *home_address(const struct home_registration *h);
/* Its home agent; :: while none is known. */
const struct in6_addr *home_agent_of(const struct home_registration *h);
/* :: unless away with an address. */
const struct in6_addr *home_care_of(const struct home_registration *h);
enum home_state home_state(const struct home_registration *h);
/* Away as far as the home agent knows: what is sent from the home address goes through the tunnel.
 */
bool home_is_out(const struct home_registration *h);
/* A Binding Update for it has been sent to whomever. */
void home_note_update(const struct bub_engine *eng, struct home_registration *h);
/* How long an answer of the home agent is waited for. */
uint32_t home_timeout_ms(const struct home_registration *h);
/* When the Binding Update went out that the home agent has acknowledged. */
struct bub_time home_acknowledged(const struct home_registration *h);
/* It has moved of late, so that BUB is worth while (draft, 5.1). */
bool home_is_mobile(const struct bub_engine *eng, const struct home_registration *h);
/* Data goes between the home address and @peer; @came: from there, on the direct path. */
void agentpath_on_flow(struct bub_engine *eng, struct home_registration *h,
		       const struct in6_addr *peer, bool came);
/* Data with the home agent itself takes the direct path now (agentpath.c). */
bool agentpath_is_open(const struct home_registration *h);
/* True when @h is away from home and has a care-of address. */
bool home_is_away(const struct home_registration *h);
/* Away, at an address of IPv4 (RFC 5555). */
bool home_is_ipv4(const struct home_registration *h);
/* Away, at an address of IPv6 that a NAT changes: correspondents see another one than is signed
 * (protocol.md, P99). */
bool home_is_translated(const struct home_registration *h);
/* One clause: why nothing but the tunnel serves the care-of address (not home_is_direct()). */
const char *home_no_direct_why(const struct home_registration *h);
/* Away, and data may go from the care-of address and come to it without the tunnel.  Where that is
 * not so, correspondents are dealt with as if @h were at home, by way of the tunnel. */
bool home_is_direct(const struct home_registration *h);
/* False: this node is mobile, and @a is an address that it has left. */
bool mn_has_address(struct bub_engine *eng, const struct in6_addr *a);
/* The home whose address is @a; NULL: none. */
struct home_registration *core_home_of(struct bub_engine *eng, const struct in6_addr *a);
/* From a home address: reverse-tunnelled while away (RFC 6275, 11.3.1), plain at home. */
struct route route_from_home(const struct home_registration *h, const struct in6_addr *dst);
/* From where correspondents know @h: the care-of address with a Home Address option, or the home
 * address. */
struct route route_as_known(const struct home_registration *h, const struct in6_addr *dst);
/* What the home agent is told under ESP: from the care-of address with a Home Address option, or at
 * home from the home address.  From IPv4 the home address is in the IPv6 header, which goes in UDP
 * over IPv4 (RFC 5555, 4.4.2). */
struct route route_to_agent(const struct home_registration *h);

#endif
