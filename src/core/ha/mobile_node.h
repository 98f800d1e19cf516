/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Home agent: the state of one mobile node that it serves, and what the files of this folder ask of
 * each other.
 */
#ifndef BUB_CORE_HA_CLIENT_H
#define BUB_CORE_HA_CLIENT_H

#include "encap.h"
#include "ha/ha.h"

/* RFC 6275, 12. */
#define MAX_DELETE_BCE_TIMEOUT_S 10u
#define PREFIX_ADV_RETRIES 3u
#define PREFIX_ADV_TIMEOUT_MS 3000u

#define MOBILE_NODE_TIMERS 2u /* timers in struct mobile_node; one more with multicast */

/* A registration as it was asked for. */
struct request {
	struct in6_addr care_of; /* the home address: delete */
	struct in6_addr source;  /* where the answer goes */
	uint32_t ifindex;        /* that it came by */
	uint16_t sequence;
	bool link_local; /* L bit: the link-local address with the same identifier too */
	uint32_t lifetime_s;
	bool udp;                  /* it came in UDP: the answer says what is known of a NAT */
	bool nat;                  /* there is one on the way */
	uint8_t ipv4_status;       /* why it gets no IPv4 home address; 0: it has asked for none */
	struct in6_addr ipv4_home; /* that it has asked for */
};

/* What a home agent needs to know only if it probes its link, keeps registrations in stable
 * storage, or forwards groups. */
struct mobile_node_more {
	uint32_t dad_id[2]; /* of the home and the link-local address; 0: no verdict to come */
	struct mobile_node *probing_before, *probing_after; /* while it is probing */
	bool probed_link_local;
	struct request pending; /* waits for duplicate address detection */
	struct request storing; /* waits for the store; lifetime_s 0: a deletion */
	struct bucket reports;  /* of groups */
	unsigned memberships;   /* groups that it listens to */
	unsigned queries;       /* since its registration */
	struct timer query_timer;
};

/* The order is that of use: few cache lines for a refresh, of a million mobile nodes. */
struct mobile_node {
	struct tentry key; /* a: home address; b: :: */
	struct in6_addr care_of;
	uint16_t sequence;
	bool registered;
	bool probing;     /* duplicate address detection under way */
	bool provisional; /* not registered yet, and data goes all the same */
	bool taken;       /* the last probe found somebody: nothing goes before the next verdict */
	bool defended;    /* probed before: proxy stands */
	bool link_local;  /* its link-local address is defended too */
	bool nat;         /* there is one on the way to care_of */
	uint8_t switched; /* enum bub_switched, where the next one is that of now */
	uint16_t switch_round;
	bool deleted; /* by the mobile node: its number stands against late updates for a while */
	bool was_registered;  /* before that deletion */
	bool prefixes_known;  /* it has asked for the home prefixes as they are now */
	bool prefix_asked;    /* too soon after the last answer: answered a second after it */
	uint8_t prefix_sends; /* advertisements that it did not ask for */
	uint16_t prefix_id;
	uint32_t store_id;           /* of the verdict to come; 0: none */
	struct timer timer;          /* the end of the registration */
	struct bucket registrations; /* what it asks for */
	/* A refresh comes as far as here in most cases. */
	struct bub_time deleted_at;
	struct bub_time watched_until; /* nobody else can have got its home address before */
	struct bub_time prefixes_told; /* the last advertisement, asked for or not */
	struct in6_addr prefix_source;
	struct timer prefix_timer;
	struct bucket errors; /* Binding Errors to it, apart from those to strangers */
	/* One, where the home agent waits for its link or for a disk, or has multicast; else it is
	 * not there (mobile_node_has_more()). */
	struct mobile_node_more more[];
};

/* A mobile node of this home agent has its @more. */
static inline bool mobile_node_has_more(const struct bub_ha_config *ha)
{
	return ha->physical_link || ha->stable || ha->multicast;
}

/* ha.c */

/* The binding is there from now on, until @lifetime_s are over: tunnel, interception and defence.
 * Nobody is told. */
void ha_establish(struct bub_engine *eng, struct mobile_node *c, const struct request *req,
		  uint32_t lifetime_s, const char *why);
/* How signalling under ESP goes to the mobile node @home at @at (RFC 6275, 10.3.1; RFC 5555, 4.5).
 */
struct route ha_route_to(const struct bub_engine *eng, const struct in6_addr *home,
			 const struct in6_addr *at);
/* There is a tunnel to it: its binding stands, or the home link is being probed for it. */
bool ha_has_tunnel(const struct mobile_node *c);
/* The verdict of the store about c->storing. */
void ha_on_stored(struct bub_engine *eng, struct mobile_node *c, int error);
/* The prefix that @home belongs to, while it is valid; NULL: none of ours. */
const struct bub_ha_prefix *ha_prefix_of(const struct bub_engine *eng, const struct in6_addr *home);
/* Seconds that are granted of @asked_s, 0: none; and in @ret_status whether the prefix of @home is
 * deprecated or invalid by their end (RFC 6275, 10.3.1). */
uint32_t ha_grant(const struct bub_engine *eng, const struct in6_addr *home, uint32_t asked_s,
		  uint8_t *ret_status);
/* The prefix of its home address is valid for @valid_s yet: no binding outlives it. */
void ha_end_with_prefix(struct bub_engine *eng, struct mobile_node *c, uint32_t valid_s);

/* prefixes.c */

void prefixes_node_init(struct mobile_node *c);
/* A home registration was accepted. */
void prefixes_on_registered(struct bub_engine *eng, struct mobile_node *c);
void prefixes_on_unregistered(struct bub_engine *eng, struct mobile_node *c);

#endif
