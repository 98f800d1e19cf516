/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * By which carrier ESP goes between a mobile node and its home agent: as it is, in UDP (RFC
 * 3948), or, where neither gets through, in TLS.  A machine of its own, without I/O and clock;
 * docs/field.md has the story.
 *
 * A mobile node asks by both in a network that it does not know, and takes the carrier by which the
 * answer has come.  A home agent has no opinion: it goes by the newest packet that ESP has proved
 * to be the mobile node's.  So whoever calls here has opened the packet before.
 */
#ifndef BUB_LINK_CARRIER_H
#define BUB_LINK_CARRIER_H

#include "bub/engine.h"

enum carrier {
	CARRIER_NATIVE,
	CARRIER_UDP,
	CARRIER_TCP, /* in TLS, the last resort */
};
#define CARRIER_BIT(carrier) (1u << (carrier))
#define CARRIER_BOTH (CARRIER_BIT(CARRIER_NATIVE) | CARRIER_BIT(CARRIER_UDP))

#define CARRIER_REMEMBERED_S 3600 /* what worked in a network */
#define CARRIER_SILENT_ASKS 2     /* without an answer: the next one goes by TCP, too */
#define CARRIER_LATE_S 2          /* packets from the network before may still arrive */

enum carrier_policy {
	CARRIER_AUTO,
	CARRIER_NEVER,  /* nothing goes in UDP */
	CARRIER_ALWAYS, /* everything does */
};

enum carrier_why {
	CARRIER_WHY_AT_HOME,
	CARRIER_WHY_TRYING,     /* both: nothing has been answered yet */
	CARRIER_WHY_SILENT,     /* neither has been answered for a while */
	CARRIER_WHY_LAST,       /* TCP: nothing else was answered */
	CARRIER_WHY_ANSWERED,   /* both were tried, and the answer came by this one */
	CARRIER_WHY_TRANSLATED, /* UDP: the home agent refuses what comes natively */
	CARRIER_WHY_REMEMBERED, /* it was so in this network of late */
	CARRIER_WHY_CONFIGURED,
	CARRIER_WHY_IPV4,     /* a care-of address of IPv4 (RFC 5555) */
	CARRIER_WHY_FOLLOWED, /* home agent: the newest packet came so */
};

/* Where a packet came from, or goes to, below ESP. */
struct carrier_end {
	enum carrier carrier;
	struct in6_addr addr; /* IPv4: mapped */
	uint16_t port;        /* CARRIER_UDP, CARRIER_TCP */
	uint32_t stream;      /* CARRIER_TCP: which connection */
};

struct carriers;

/* @tcp: that may be used, too.  @max: mobile nodes that do not come natively to a home agent.
 * NULL: no memory. */
struct carriers *carriers_new(enum carrier_policy policy, bool tcp, uint32_t max, uint64_t seed);
void carriers_free(struct carriers *c); /* NULL is fine */

/* ---- Mobile node --------------------------------------------------------------------------- */

struct carrier_ask {
	unsigned by;    /* set of CARRIER_BIT() */
	bool udp_first; /* of these two */
};

/* A message that @agent answers is about to go from @care_of: how?  Of both, the first one is
 * changed from try to try, as the home agent hears the first that comes. */
struct carrier_ask carriers_ask(struct carriers *c, struct bub_time now,
				const struct in6_addr *home, const struct in6_addr *care_of,
				const struct in6_addr *agent);

/* The home agent has answered, in a message that came by @by.  True: this decides it. */
bool carriers_answered(struct carriers *c, struct bub_time now, const struct in6_addr *home,
		       enum carrier by);

/* The home agent has refused the care-of address.  True: that may be the carrier's fault, since a
 * translator changes the source of native ESP, so the question is to be asked once more; it goes by
 * UDP alone then.  A refusal decides nothing else. */
bool carriers_refused(struct carriers *c, const struct in6_addr *home);

/* How data goes to the home agent from @care_of: a set of CARRIER_BIT(). */
unsigned carriers_own_data(const struct carriers *c, const struct in6_addr *home,
			   const struct in6_addr *care_of);

/* False: nothing was ever asked for @home. */
bool carriers_own(const struct carriers *c, const struct in6_addr *home, enum carrier *ret_carrier,
		  enum carrier_why *ret_why);

/* There is a translator on the way, whose mapping is to be kept by something sent every @s seconds;
 * 0: there is none.  And data has gone in UDP. */
void carriers_keep_alive(struct carriers *c, struct bub_time now, const struct in6_addr *home,
			 uint32_t s);
void carriers_sent(struct carriers *c, struct bub_time now, const struct in6_addr *home);

/* When nothing has been sent for so long.  True: a keep-alive of @ret_home is to go; ask again. */
struct bub_time carriers_deadline(const struct carriers *c);
bool carriers_expire(struct carriers *c, struct bub_time now, struct in6_addr *ret_home);

/* True once when that is another carrier than it was when this was last true, or than native ESP.
 */
bool carriers_news(struct carriers *c, const struct in6_addr *home);

/* ---- Home agent ---------------------------------------------------------------------------- */

/* A message of @home, newer than every one before, has come from @from, and says that it was sent
 * from @care_of.  True: data goes another way now. */
bool carriers_heard_message(struct carriers *c, struct bub_time now, const struct in6_addr *home,
			    const struct in6_addr *care_of, const struct carrier_end *from);

/* The same of data; @bound: the care-of address that is registered, :: none.  True: data goes
 * another way now. */
bool carriers_heard_data(struct carriers *c, struct bub_time now, const struct in6_addr *home,
			 const struct in6_addr *bound, const struct carrier_end *from);

/* Where to a message, or data, for @home at @care_of goes.  False: natively. */
bool carriers_message_to(const struct carriers *c, const struct in6_addr *home,
			 const struct in6_addr *care_of, struct carrier_end *ret);
bool carriers_data_to(const struct carriers *c, const struct in6_addr *home,
		      const struct in6_addr *care_of, struct carrier_end *ret);

/* The same wherever it is registered: where the last packets came from.  False: natively. */
bool carriers_followed(const struct carriers *c, const struct in6_addr *home,
		       struct carrier_end *ret);

/* The care-of address that data from @from is of: a translator may have changed what is seen. */
struct in6_addr carriers_care_of(const struct carriers *c, const struct in6_addr *home,
				 const struct in6_addr *bound, const struct carrier_end *from);

/* The binding of @home has ended.  It may still be answered. */
void carriers_forget(struct carriers *c, struct bub_time now, const struct in6_addr *home);

#endif
