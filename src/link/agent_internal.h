/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the files of src/link share of a home agent's work on its home link, and of the
 * advertisements by which a mobile node or its home agent claims an address.
 */
#ifndef BUB_LINK_AGENT_INTERNAL_H
#define BUB_LINK_AGENT_INTERNAL_H

#include "base/table.h"
#include "link_agent.h"
#include "link_nd.h"

#define DADS_MAX 256         /* probes at once; a group membership each */
#define CLAIMS_MAX 1024      /* advertisements that wait for their repetition */
#define PROXIES_ASKED_MAX 64 /* operations whose verdict is awaited */

/* What one expiry gives out of each of these lists; the rest is due at once. */
#define PORTION 64

struct dad {
	struct in6_addr addr;
	uint32_t id; /* of the core's action */
	bool used;
	struct bub_time due;
};

struct claim {
	struct in6_addr target;
	uint32_t ifindex;
	bool own;      /* the target is the source as well: a mobile node at home */
	unsigned left; /* 0: taken back */
	struct bub_time due;
};

/* An address that is answered for (key: the address, ::). */
struct proxy {
	struct tentry entry;
	bool given_out;              /* its operation, for the present home link */
	bool tentative;              /* probed for: answered for from here, as optimistic */
	struct bub_time contest_due; /* not before, an answer to somebody's claim */
};

struct agent {
	uint32_t link;  /* the home link that was told of; 0: it is not there */
	uint32_t up_on; /* the same with a carrier: operations were given out for it; 0: none */
	struct dad dad[DADS_MAX];
	unsigned n_dad;
	struct claim claim[CLAIMS_MAX]; /* a ring, in the order of their time */
	unsigned claim_first, n_claims;
	struct table proxies;
	uint32_t proxies_at; /* the next one to be given out; past the end: none */
	enum link_place place;
	struct {
		uint32_t id;
		struct in6_addr addr;
	} asked[PROXIES_ASKED_MAX];
	unsigned n_asked;
};

/* dad.c */
/* @addr is being probed for. */
bool dad_is_on(const struct link *lk, const struct in6_addr *addr);
/* True: it has answered one. */
bool dad_heard(struct link *lk, const struct in6_addr *src, const struct nd_message *m);
void dad_expire(struct link *lk);
struct bub_time dad_deadline(const struct link *lk);

/* claim.c: unsolicited advertisements, each sent three times */
void claim_start(struct link *lk, uint32_t ifindex, const struct in6_addr *target, bool own);
void claim_once(struct link *lk, uint32_t ifindex, const struct in6_addr *target);
void claim_stop(struct link *lk, const struct in6_addr *target);
void claim_stop_others(struct link *lk); /* all but those of own home addresses */
void claim_expire(struct link *lk);
struct bub_time claim_deadline(const struct link *lk);

/* proxy.c */
void proxy_home_link(struct link *lk); /* it may have come, gone, or got its carrier */
void proxy_done(struct link *lk, uint32_t id, int error);
/* Nobody else has @addr. */
void proxy_probed(struct link *lk, const struct in6_addr *addr);
void proxy_on_ns(struct link *lk, const struct in6_addr *src, const struct in6_addr *target);
void proxy_contest(struct link *lk, const struct in6_addr *target);
void proxy_expire(struct link *lk);
struct bub_time proxy_deadline(const struct link *lk);

/* send.c: neighbour discovery messages */

/* Asks from :: who has @target (RFC 6275, 11.5.5; RFC 4862, 5.4.2). */
void send_probe(struct link *lk, uint32_t ifindex, const struct in6_addr *target);
/* Unsolicited, to all nodes; @src NULL: as chosen by the kernel. */
void send_claim(struct link *lk, uint32_t ifindex, const struct in6_addr *src,
		const struct in6_addr *target);
/* Solicited, from @target itself (RFC 4861, 7.2.4). */
void send_answer(struct link *lk, uint32_t ifindex, const struct in6_addr *to,
		 const struct in6_addr *target);
/* Solicited, for @target, which may be another's yet: without Override (RFC 4429, 3.3). */
void send_optimistic(struct link *lk, uint32_t ifindex, const struct in6_addr *to,
		     const struct in6_addr *target);
/* The same, unsolicited, to all nodes: for those who ask already. */
void send_presence(struct link *lk, uint32_t ifindex, const struct in6_addr *target);
/* Asks a router for itself, and tells it our link-layer address on the way (RFC 4861, 7.2.2). */
void send_greeting(struct link *lk, uint32_t ifindex, const struct in6_addr *src,
		   const struct in6_addr *router);

#endif
