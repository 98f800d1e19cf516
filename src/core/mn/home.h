/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Mobile node: the state of one home address, and of the care-of addresses it may use.
 */
#ifndef BUB_CORE_MN_HOME_H
#define BUB_CORE_MN_HOME_H

#include "mn/agentpath.h"
#include "mn/candidate.h"
#include "mn/mn.h"
#include "mn/trouble.h"
#include "rtt.h"

/* RFC 6275, 12. */
#define INITIAL_DHAAD_TIMEOUT_MS 3000u
#define DHAAD_RETRIES 4u
#define INITIAL_SOLICIT_TIMER_MS 3000u
#define PREFIX_RETRIES 3u

#define DOUBT_S 60u                /* a doubted registration is refreshed no more often */
#define SHORTEN_SLACK_S 4u         /* lifetimes are told in units of so much */
#define DISCOVERED_LIFETIME_S 600u /* asked at most of a home agent that may become another */
#define HA_SILENT_SENDS 4u /* Binding Updates without an answer: look for another home agent */
#define OTHERS_SENDS 2u    /* .. the first was not answered: ask which others are there */
#define LEAVE_SENDS 3u     /* .. that delete the binding there: go on without it */
#define AGENTS_MAX 16      /* home agents of a reply that a mobile node tries */
#define HOME_TIMERS 5u     /* timers in struct home_registration */

#define SILENT_SENDS                                                                               \
	2u /* Binding Updates without an answer: another care-of address may do better */

/* The Binding Updates that were out from the care-of address before, when it was left. */
struct earlier_updates {
	struct in6_addr care_of; /* :: none */
	uint16_t first, last;    /* their numbers */
};

/* What the home agent has said of a NAT between it and the care-of address (RFC 5555, 3.2.2). */
struct nat {
	bool found;
	uint32_t refresh_s;
};

/* The home agent has sent this node to others (leave.c). */
struct leave {
	struct in6_addr agent[BUB_SWITCH_AGENTS_MAX]; /* to be tried, in this order */
	unsigned n, next;
	bool deleting;               /* the home agent has to be told yet */
	struct in6_addr from;        /* the home agent that was left last; :: none */
	struct bub_time bound_until; /* that one may have a binding until then */
	uint32_t times;
};

/* Which of several home agents is there (others.c). */
struct others {
	struct in6_addr answers; /* the first that has answered; :: none */
	uint8_t cookie[BUB_COOKIE_LEN];
	bool asked;
};

struct home_registration {
	struct home_news news;
	struct bub_home_config cfg;
	enum home_state state;
	const char *why;
	struct in6_addr care_of; /* :: unless away with an address */
	uint32_t ifindex;
	struct nat nat;
	struct bub_time renew_at; /* the registration is refreshed then, whatever a NAT needs */
	bool no_direct;           /* from this care-of address data goes through the tunnel only */
	uint32_t dad_id; /* back home: a verdict about the home address is to come; 0: none */
	uint16_t sequence;
	uint16_t first_sequence; /* from this care-of address */
	struct earlier_updates earlier;
	bool told_acknowledged;      /* by the last BUB_ACT_REGISTRATION */
	uint32_t interval_ms;        /* of the retransmission timer */
	uint32_t asked_s;            /* by the last home registration */
	struct bub_time sent_at;     /* when that was */
	struct sent_updates sent;    /* that may be acknowledged */
	struct bub_time bound_until; /* the home agent has a binding until then */
	struct bub_time bound_since; /* sending of the Binding Update that made this binding */
	struct bub_time mld_heard;   /* the last query out of the tunnel */
	struct bub_time heard_at;    /* anything that the home agent has signed */
	struct bub_time
		error_at;        /* the last Binding Error of the home agent that was looked into */
	uint64_t error_pause_ms; /* so long after that no other is looked into */
	unsigned asks;           /* keep-alives out without an answer */
	unsigned unanswered_asks; /* runs of keep-alives in a row without an answer */
	uint8_t ask_cookie[BUB_COOKIE_LEN];
	struct timer ask_timer;
	struct trouble trouble;
	struct leave leave;
	struct others others;
	struct bub_time last_update; /* any Binding Update sent for this home address */
	struct bub_time counted_at;  /* the last Binding Update that counts in @sends */
	unsigned sends; /* Binding Updates since the last answer, a second apart at least */
	struct rtt rtt; /* to the home agent and back */
	bool ever_sent;
	bool measures;  /* no duplicate address detection delays the answer to what is out */
	bool postponed; /* by the rate limit */
	bool refused;   /* the home agent's last answer was a refusal */
	bool in_use;    /* another node on the home link has the home address */
	struct agent_path agent_path;
	bool discovering;
	uint16_t discovery_id;
	unsigned discovery_sends;
	uint32_t discovery_ms;
	struct timer discovery_timer;
	struct in6_addr agent[AGENTS_MAX]; /* of the last reply */
	unsigned n_agents, next_agent, n_allowed;
	struct in6_addr
		allowed[AGENTS_MAX]; /* that the configuration names: all, as far as known */
	struct rate rate;
	bool prefix_waiting;
	bool prefix_known; /* prefix_until was heard */
	uint16_t prefix_id;
	unsigned prefix_sends;
	struct bub_time prefix_asked; /* the last solicitation */
	struct bub_time prefix_until; /* the home prefix is known to be valid until then */
	bool prefix_doubted;          /* ask, whatever is known */
	bool prefix_deprecated, prefix_withdrawn;
	bool replaced;        /* another home address has taken over */
	bool gone;            /* and this one is not used any more */
	bool discovers;       /* the configuration names no home agent */
	bool ipv4_configured; /* the home agent's IPv4 address is not the name's */
	struct timer prefix_timer;
	struct in6_addr configured; /* the home address of the configuration that this began as */
	struct timer timer;         /* retransmission or refresh */
};

/* The state of this role. */
struct mn {
	struct home_registration home[BUB_HOMES_MAX];
	unsigned n_homes;
	struct candidate candidate[CANDIDATES_MAX];
	uint64_t candidate_order;
};

/* The home address ends at @end: bindings that were to last longer are made to end with it. */
void mn_shorten(struct bub_engine *eng, struct home_registration *h, struct bub_time end);
/* The registration is refreshed now, and the status says @why until it is acknowledged. */
void mn_look_into(struct bub_engine *eng, struct home_registration *h, const char *why);
/* One more home address, instead of that of @old; false: there is no room for it. */
bool mn_add_home(struct bub_engine *eng, const struct home_registration *old,
		 const struct in6_addr *address);
/* A home address that was replaced, and whose prefix has ended: left to expire. */
void mn_retire_home(struct bub_engine *eng, struct home_registration *h);
/* Another home agent, away: registers there. */
void mn_use_home_agent(struct bub_engine *eng, struct home_registration *h,
		       const struct in6_addr *agent, const char *why);
/* leave.c: what keeps a Home Agent Switch from being followed; BUB_DROP_NONE: nothing, and it is
 * known where to go. */
enum bub_drop leave_prepare(struct home_registration *h, const struct rx *rx);
/* leave.c: the home agent has deleted the binding, or is @silent. */
void leave_deleted(struct home_registration *h, bool silent);
/* leave.c: the next home agent of those that this node was sent to; NULL: there is none. */
const struct in6_addr *leave_next(struct home_registration *h);
/* others.c: a Binding Update goes out, perhaps after others without an answer. */
void others_ask(struct bub_engine *eng, struct home_registration *h);
/* others.c: the home agent has answered, or is another one. */
void others_forget(struct home_registration *h);
/* leave.c: another home agent is used from now on, and the one before may have a binding yet. */
void leave_behind(struct home_registration *h);
/* leave.c: the registration stands. */
void leave_over(struct home_registration *h);
/* leave.c: the home agent that was left may defend the home address yet. */
bool leave_is_defended(const struct bub_engine *eng, const struct home_registration *h);
/* The only writer of h->state: traces the step, and marks what follows from the state. */
void home_set_state(struct bub_engine *eng, struct home_registration *h, enum home_state to,
		    const char *why);
/* Tells whoever chooses the care-of address how the registration stands, where that has changed. */
void home_tell(struct bub_engine *eng, struct home_registration *h, bool acknowledged);
/* The same of the care-of address before, whose Binding Update with that number is answered after
 * all; false: there was none. */
bool home_tell_earlier(struct bub_engine *eng, struct home_registration *h, uint16_t sequence);
/* A new home address: what its registration begins with. */
void mn_registration_init(struct bub_engine *eng, struct home_registration *h);
/* What the home agent may still have is not refreshed, and not asked for. */
void mn_registration_end(struct home_registration *h);
/* Looks which care-of address is best now, and goes there. */
void mn_reselect(struct bub_engine *eng);
/* No address is usable. */
void mn_go_nowhere(struct bub_engine *eng, struct home_registration *h);

#endif
