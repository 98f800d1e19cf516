/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Looking into an engine: copies of its state, and its counters.
 */
#ifndef BUB_STATUS_H
#define BUB_STATUS_H

#include "bub/api.h"
#include "bub/time.h"
#include "bub/trouble.h"
#include "bub/wire.h"

BUB_API_BEGIN

struct bub_engine;

enum bub_mode {
	BUB_MODE_PLAIN,  /* at home, the peer at home or not mobile: ordinary IPv6 */
	BUB_MODE_TUNNEL, /* through the home agent */
	BUB_MODE_RO,     /* route optimisation, bindings signed with Kbm */
	BUB_MODE_BUB,    /* bindings signed with Kabm and sent through the home agents */
};

const char *bub_mode_name(enum bub_mode mode); /* "plain", "tunnel", "ro", "bub" */

struct bub_home_status {
	struct in6_addr address, home_agent, care_of; /* care_of: :: at home or unattached */
	const char *state;   /* "at home", "registering", "registered", "no care-of address", ... */
	const char *why;     /* one clause: since what */
	uint32_t lifetime_s; /* left */
	uint16_t sequence;
	const char *prefix;         /* "unknown", "preferred", "deprecated", "withdrawn" */
	uint32_t prefix_lifetime_s; /* valid so much longer, where it is known */
	enum bub_trouble trouble;   /* why the home agent does not answer */
	struct in6_addr reporter;   /* who said so; :: nobody */
	uint32_t unanswered;        /* Binding Updates, one after the other */
	uint32_t unanswered_s;      /* since the first of them */
	bool nat; /* the home agent has found one between it and the care-of address; */
	uint32_t nat_refresh_s;  /* its mapping is refreshed after so much silence */
	bool link_local;         /* L bit of its Binding Updates */
	uint32_t switches;       /* times that it went to another home agent because it was sent */
	bool refused;            /* the home agent's last answer was a refusal */
	struct in6_addr answers; /* another home agent that is there, while this one is silent; ::
				    none is known */
};

struct bub_peer_status {
	struct in6_addr local, peer;
	struct in6_addr local_care_of; /* as the peer acknowledged it; :: none */
	struct in6_addr peer_care_of;  /* from our binding cache; :: none */
	enum bub_mode mode;
	const char *why;  /* one clause: why not a better mode, or since what */
	const char *test; /* state of the BUB test */
	const char *
		direct_path;         /* what is known of it under Kabm, or where both ends are away:
					open,     doubted, udp (open in UDP), filtered, broken; else NULL */
	const char *direct_path_why; /* what has shown that; NULL: nothing yet */
	uint16_t sequence_out, sequence_in;
	uint32_t lifetime_s;      /* left of the binding at the peer */
	uint32_t peer_lifetime_s; /* left of the peer's binding here */
	uint64_t handovers;
	bool kabm;       /* a Kabm is agreed with the peer */
	bool kabm_heard; /* and the peer has used it */
	bool peer_kabm;  /* the peer's binding here was signed with Kabm */
};

/* What has become of a mobile node that is to go to another home agent (RFC 5142). */
enum bub_switched {
	BUB_SWITCHED_NOT,    /* it was not asked to */
	BUB_SWITCHED_ASKED,  /* an answer is waited for */
	BUB_SWITCHED_GONE,   /* it has deleted its binding here */
	BUB_SWITCHED_SILENT, /* it has not answered in time: its binding here ends by itself */
};

const char *bub_switched_name(enum bub_switched what); /* "", "asked", "gone", "silent" */

/* Home agent: mobile nodes that are sent away, since the last command about all of them. */
struct bub_switch_status {
	bool running;    /* some are to be asked yet, or may answer yet */
	bool refuses;    /* who was asked, and is still here, cannot extend its binding */
	bool all;        /* all that were registered when it began */
	uint32_t rate;   /* messages a second */
	uint32_t to_ask; /* all: so many were registered, from IPv6 */
	uint32_t asked, gone, silent;  /* of those asked: so many have gone, and were silent */
	uint32_t returned;             /* that were gone, and have registered again */
	uint32_t waiting, waiting_max; /* an answer of so many is waited for at a time */
	struct in6_addr agent[BUB_SWITCH_AGENTS_MAX];
	unsigned n_agents; /* 0: those of the home link */
};

struct bub_client_status {
	struct in6_addr home;
	bool registered;
	bool provisional; /* not registered yet: its data goes while the home link is probed */
	struct in6_addr care_of; /* :: unless one of the two */
	uint32_t lifetime_s;
	uint16_t sequence;
	bool nat;        /* there is one on the way to it */
	bool link_local; /* L bit: its link-local address is defended, too (RFC 6275, 6.1.7) */
	enum bub_switched switched;
};

/* Home agent: one group that one mobile node listens to. */
struct bub_membership_status {
	struct in6_addr group, home;
	uint32_t lifetime_s; /* left, unless it is reported again */
};

struct bub_counters {
	uint64_t drop[BUB_DROP_COUNT];
	uint64_t sent[16], received[16]; /* mobility messages by enum bub_mh_kind; DH apart below */
	uint64_t dh_sent[5], dh_received[5];
	uint64_t handovers, bub_tests, bub_tests_failed, dh_exchanges, dh_failed;
	uint64_t tunnel_in, tunnel_out; /* packets */
};

/*
 * Each copies an entry and returns true, or false past the end: the @index'th one, or in tables
 * that may be large the next one after *@at, a place that is 0 for the first and moves on with each
 * call.
 */
bool bub_engine_home_status(const struct bub_engine *eng, struct bub_time now, unsigned index,
			    struct bub_home_status *ret);
bool bub_engine_peer_status(const struct bub_engine *eng, struct bub_time now, unsigned *at,
			    struct bub_peer_status *ret);
bool bub_engine_client_status(const struct bub_engine *eng, struct bub_time now, unsigned *at,
			      struct bub_client_status *ret);
/* Home agent: that of one mobile node; false: it serves none with that home address. */
bool bub_engine_client(const struct bub_engine *eng, struct bub_time now,
		       const struct in6_addr *home, struct bub_client_status *ret);
void bub_engine_switch_status(const struct bub_engine *eng, struct bub_switch_status *ret);
/* Home agent: it serves @home, registered or not. */
bool bub_engine_has_client(const struct bub_engine *eng, const struct in6_addr *home);
bool bub_engine_membership_status(const struct bub_engine *eng, struct bub_time now, unsigned *at,
				  struct bub_membership_status *ret);

/* One clause: why BUB_CMD_START_BUB with @peer would start no test now; NULL: it would. */
const char *bub_engine_bub_obstacle(const struct bub_engine *eng, const struct in6_addr *peer);

/* Entries in use, deleted bindings that stand against replay included. */
struct bub_table_use {
	uint32_t bindings, peers, clients;
	uint32_t registered; /* of the clients */
};
void bub_engine_table_use(const struct bub_engine *eng, struct bub_table_use *ret);

/* Valid as long as the engine. */
const struct bub_counters *bub_engine_counters(const struct bub_engine *eng);

BUB_API_END

#endif
