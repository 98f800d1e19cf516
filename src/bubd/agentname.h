/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A home agent that is configured by a name, or by several addresses: which of them is used, and
 * when the name is looked up.  A machine without I/O and clock; names.c feeds it.
 */
#ifndef BUBD_AGENTNAME_H
#define BUBD_AGENTNAME_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>

#include "bub/time.h"

#define AGENT_NAME_MAX 253 /* RFC 1035, 2.3.4, as text */
#define AGENTNAME_ADDRS_MAX 8

struct agentname {
	struct in6_addr addr[AGENTNAME_ADDRS_MAX]; /* of the last answer that had any */
	unsigned n;
	struct in6_addr current; /* ::  none yet */
	struct bub_time due;     /* of the next lookup */
	uint32_t pause_s;        /* after this failure, or this silence; 0: there was none */
	bool failing;            /* the last lookup had no address */
	struct bub_time failing_since;
	struct bub_time next_turn; /* not earlier another address is tried */
	uint32_t turn_ms;          /* until then, this time */
	unsigned turns;            /* since the home agent answered last */
};

void agentname_init(struct agentname *a, struct bub_time now);

/* There is no name, but these addresses: no lookup is ever due. */
void agentname_list(struct agentname *a, const struct in6_addr *addr, unsigned n);

/* A lookup has begun: none is due while it runs. */
void agentname_asked(struct agentname *a);

/* It gave these addresses.  Returns whether another one is used from now on. */
bool agentname_found(struct agentname *a, struct bub_time now, const struct in6_addr *addr,
		     unsigned n, uint32_t ttl_s);

/* It gave none.  Returns whether that is new. */
bool agentname_failed(struct agentname *a, struct bub_time now);

/* How the home agent answers. */
struct agentname_answers {
	uint32_t unanswered;    /* Binding Updates */
	bool refused;           /* the last one was, and there is no registration */
	struct in6_addr others; /* another home agent that is there; :: none is known */
};

/*
 * Where the home agent does not answer, the name is looked up again, and another address tried: one
 * that is known to be there, else the next one.  So it is where the home agent refuses.  Returns
 * whether another one is used from now on.
 */
bool agentname_look(struct agentname *a, struct bub_time now,
		    const struct agentname_answers *answers);

/* This one is used now, by another's choice, and has some time to answer. */
void agentname_use(struct agentname *a, struct bub_time now, const struct in6_addr *current);

/* Another network, perhaps with another name server: what failed is tried at once. */
void agentname_moved(struct agentname *a, struct bub_time now);

#endif
