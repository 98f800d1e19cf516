/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * See group.h.  Owns when the role changes; what that means for sockets, tables and store is the
 * daemon's business.
 *
 * A term in the store is what decides.  Being told to be active, and having the address, are both
 * the word of another program, which may be wrong on two machines at the same time.
 */
#include "group.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

#include "bub/ip6.h"

#define LOOK_MS 200
#define AGAIN_LOOKS 5     /* until a term is asked for again */
#define CALLED_LOOKS 3    /* one that was not told to take over lets others go first */
#define OFFER_LOOKS 15    /* another one takes over by itself, or the address moves all the same */
#define DRAIN_LOOKS 75    /* then nobody will */
#define BEHIND_LOOKS 5    /* after the address has gone packets still come for so long */
#define STORE_LOOKS 25    /* see group_store_is_fit() */
#define LEAVING_LOOKS 100 /* and it may not go at all */

struct group {
	uv_timer_t timer;
	const struct log *log;
	struct group_host host;
	struct in6_addr address;
	enum group_role role;
	unsigned looks;          /* since the role is that */
	bool wanted;             /* told to be active, and not to be standby since */
	bool fenced;             /* while it was wanted: another one serves */
	bool drained;            /* by the operator, who has not taken it back */
	bool peeking;            /* an answer is due */
	bool store_reached;      /* once at least */
	bool lacks;              /* told: it serves, and the address is not here */
	unsigned again;          /* looks until a term is asked for again; 0: not at all */
	unsigned called;         /* looks in which somebody wanted to hand over */
	unsigned absent;         /* looks without the address */
	unsigned store_away;     /* looks in a row */
	unsigned store_back;     /* since then, STORE_LOOKS at most */
	uint64_t muted;          /* messages that were not answered */
	char why[GROUP_WHY_MAX]; /* it is standby though it is wanted; "" */
};

static const char *group_role_name(enum group_role role)
{
	static const char *const names[] = {
		[GROUP_STANDBY] = "standby", [GROUP_TAKING] = "taking",
		[GROUP_ACTIVE] = "active",   [GROUP_DRAINING] = "draining",
		[GROUP_LEAVING] = "leaving",
	};

	return names[role];
}

static void group_become(struct group *g, enum group_role role)
{
	g->role = role;
	g->looks = g->absent = g->called = g->again = 0;
	g->lacks = false;
	g->host.changed(g->host.ctx, role);
}

static void group_say(const struct group *g, enum lnx_log_level level, const char *text,
		      const char *why)
{
	log_line(g->log, level, "group: %s%s%s", text, why != NULL && why[0] != '\0' ? ": " : "",
		 why != NULL ? why : "");
}

/* ---- Taking over and leaving --------------------------------------------------------------- */

static void group_take(struct group *g)
{
	g->fenced = false;
	group_become(g, GROUP_TAKING);
	g->host.take(g->host.ctx);
}

static void group_take_told(struct group *g, const char *why)
{
	g->why[0] = '\0';
	group_say(g, LNX_LOG_INFO, "taking over", why);
	group_take(g);
}

static void group_leave(struct group *g, const char *why)
{
	group_say(g, LNX_LOG_INFO, "standby", why);
	/* First the role: what is forgotten now is not to be answered, nor to be stored. */
	group_become(g, GROUP_STANDBY);
	g->host.release(g->host.ctx);
}

void group_taken(struct group *g, const char *why)
{
	if (g->role != GROUP_TAKING)
		return;
	if (why == NULL) {
		group_become(g, GROUP_ACTIVE);
		group_say(g, LNX_LOG_INFO, "active", "");
		return;
	}
	if (strcmp(g->why, why) != 0) /* else it was told at the try before */
		group_say(g, LNX_LOG_ERROR, "cannot take over", why);
	(void)snprintf(g->why, sizeof(g->why), "%s", why);
	group_become(g, GROUP_STANDBY);
	g->host.release(g->host.ctx);
	g->again = g->wanted ? AGAIN_LOOKS : 0;
}

void group_fenced(struct group *g, const char *why)
{
	switch (g->role) {
	case GROUP_TAKING:
	case GROUP_ACTIVE:
		g->fenced = g->wanted;
		(void)snprintf(g->why, sizeof(g->why), "%s", why);
		group_leave(g, why);
		return;
	case GROUP_DRAINING:
		group_say(g, LNX_LOG_INFO,
			  "another home agent has taken over; data goes on here "
			  "until the address has moved",
			  "");
		group_become(g, GROUP_LEAVING);
		return;
	case GROUP_STANDBY:
	case GROUP_LEAVING:
		return;
	}
}

void group_peeked(struct group *g, bool handover)
{
	g->peeking = false;
	if (g->role != GROUP_STANDBY)
		return;
	g->called = handover ? g->called + 1 : 0;
	if (!handover || (g->drained && !g->wanted))
		return;
	if (g->wanted || g->called > CALLED_LOOKS || g->host.has_address(g->host.ctx))
		group_take_told(g, "the active home agent hands over");
}

/* ---- Time ---------------------------------------------------------------------------------- */

static void group_look_at_store(struct group *g)
{
	char why[GROUP_WHY_MAX];

	if (!g->host.answers(g->host.ctx, why)) {
		g->store_away++;
		if (g->store_reached)
			g->store_back = 0;
		return;
	}
	g->store_reached = true;
	g->store_away = 0;
	if (g->store_back < STORE_LOOKS)
		g->store_back++;
}

/* It may be somebody's mistake, or the moment before the address comes. */
static void group_look_for_address(struct group *g, bool here)
{
	char text[INET6_ADDRSTRLEN] = "";

	if (here == !g->lacks || (!here && g->looks < AGAIN_LOOKS))
		return;
	g->lacks = !here;
	(void)inet_ntop(AF_INET6, &g->address, text, sizeof(text));
	if (here)
		log_line(g->log, LNX_LOG_INFO, "group: the address %s is here", text);
	else
		log_line(g->log, LNX_LOG_WARNING,
			 "group: active, and the home agent's address %s is on no interface of "
			 "this machine: nothing comes here until keepalived, or who else moves it, "
			 "sets it",
			 text);
}

static void group_look_at_drain(struct group *g, bool here)
{
	if (g->looks < DRAIN_LOOKS)
		return;
	if (!g->wanted && !here) {
		group_leave(g, "nobody has taken over, and the address is not here");
		return;
	}
	g->drained = false;
	group_say(g, LNX_LOG_ERROR, "nobody has taken over: active as before", "");
	group_become(g, GROUP_ACTIVE);
}

static void group_peek(struct group *g)
{
	if (g->peeking)
		return;
	g->peeking = true;
	g->host.peek(g->host.ctx);
}

static void group_look(uv_timer_t *timer)
{
	struct group *g = timer->data;
	const bool here = g->host.has_address(g->host.ctx);

	g->looks++;
	g->absent = here ? 0 : g->absent + 1;
	group_peek(g);
	group_look_at_store(g);
	switch (g->role) {
	case GROUP_STANDBY:
		if (g->again > 0 && --g->again == 0)
			group_take(g);
		return;
	case GROUP_ACTIVE:
		group_look_for_address(g, here);
		return;
	case GROUP_DRAINING:
		group_look_at_drain(g, here);
		return;
	case GROUP_LEAVING:
		if (g->absent >= BEHIND_LOOKS || g->looks >= LEAVING_LOOKS)
			group_leave(g, "handed over");
		return;
	case GROUP_TAKING:
		return;
	}
}

/* ---- What is wanted ------------------------------------------------------------------------ */

int group_active(struct group *g, char *ret_why)
{
	if (g->role == GROUP_DRAINING || g->role == GROUP_LEAVING) {
		(void)snprintf(ret_why, GROUP_WHY_MAX,
			       "it hands over to another home agent; tell it when it is standby");
		return -1;
	}
	g->wanted = true;
	g->drained = false;
	if (g->role == GROUP_STANDBY)
		group_take_told(g, "told to be active");
	return 0;
}

int group_standby(struct group *g, char *ret_why)
{
	(void)ret_why;
	g->wanted = g->fenced = false;
	g->why[0] = '\0';
	g->again = 0;
	if (g->role != GROUP_ACTIVE && g->role != GROUP_TAKING)
		return 0; /* it is, or will be as soon as nothing is lost by it */
	if (g->role == GROUP_ACTIVE)
		g->host.hand_over(g->host.ctx);
	group_leave(g, "told so");
	return 0;
}

int group_drain(struct group *g, char *ret_why)
{
	if (g->role == GROUP_TAKING) {
		(void)snprintf(ret_why, GROUP_WHY_MAX,
			       "it is taking over this moment; tell it when it is active");
		return -1;
	}
	g->drained = true;
	if (g->role != GROUP_ACTIVE)
		return 0;
	group_say(g, LNX_LOG_INFO, "draining: another home agent is to take over", "");
	group_become(g, GROUP_DRAINING);
	g->host.hand_over(g->host.ctx);
	return 0;
}

int group_ready(struct group *g, char *ret_why)
{
	if (g->role == GROUP_DRAINING || g->role == GROUP_LEAVING) {
		(void)snprintf(ret_why, GROUP_WHY_MAX,
			       "it hands over to another home agent; tell it when it is standby");
		return -1;
	}
	g->drained = false;
	return 0;
}

/* ---- What it is ---------------------------------------------------------------------------- */

/*
 * Where the store is away for all of the group, the address has to stay: what runs goes on, and
 * nobody else could take over.  They notice it one after the other, that it is away and that it is
 * back.  So who serves is the last one to be unfit, and the first one to be fit again.
 */
static bool group_store_is_fit(const struct group *g, char *ret_why)
{
	const bool answers = g->host.answers(g->host.ctx, ret_why);

	if (g->role != GROUP_STANDBY)
		return answers || g->store_away < STORE_LOOKS;
	if (answers && g->store_back < STORE_LOOKS) {
		(void)snprintf(ret_why, GROUP_WHY_MAX, "the store was away a moment ago");
		return false;
	}
	return answers;
}

bool group_is_fit(const struct group *g, char *ret_why)
{
	if (g->role == GROUP_LEAVING || (g->role == GROUP_DRAINING && g->looks >= OFFER_LOOKS)) {
		(void)snprintf(ret_why, GROUP_WHY_MAX, "it hands over to another home agent");
		return false;
	}
	if (g->drained && g->role != GROUP_DRAINING) {
		(void)snprintf(ret_why, GROUP_WHY_MAX,
			       "it was drained; \"bubctl group ready\" ends that");
		return false;
	}
	/* The address has to be where the higher term is. */
	if (g->fenced && g->host.has_address(g->host.ctx)) {
		(void)snprintf(ret_why, GROUP_WHY_MAX,
			       "it has the address, and another home agent serves");
		return false;
	}
	return group_store_is_fit(g, ret_why);
}

bool group_mutes(struct group *g, const struct bub_event *ev)
{
	struct bub_ip6 ip;

	if (g == NULL || g->role == GROUP_ACTIVE || ev->type != BUB_EV_PACKET ||
	    ev->u.packet.ingress == BUB_INGRESS_TUN ||
	    bub_ip6_decode(ev->u.packet.data, &ip) != BUB_DROP_NONE ||
	    ip.upper_proto != BUB_NH_MH || memcmp(&ip.dst, &g->address, sizeof(g->address)) != 0)
		return false;
	g->muted++;
	return true;
}

bool group_serves(const struct group *g)
{
	return g == NULL || g->role == GROUP_ACTIVE;
}

uint64_t group_muted(const struct group *g)
{
	return g != NULL ? g->muted : 0;
}

json_t *group_status(const struct group *g)
{
	char why[GROUP_WHY_MAX] = "";
	const char *reason = g != NULL ? g->why : "";
	bool fit;

	if (g == NULL)
		return json_null();
	fit = group_is_fit(g, why);
	if (reason[0] == '\0')
		reason = why;
	return json_pack("{s:s, s:b, s:b, s:b, s:b, s:I, s:o}", "role", group_role_name(g->role),
			 "wanted", g->wanted, "drained", g->drained, "fit", fit, "has_address",
			 g->host.has_address(g->host.ctx), "term",
			 (json_int_t)g->host.term(g->host.ctx), "why",
			 reason[0] != '\0' ? json_string(reason) : json_null());
}

/* ---- Life ---------------------------------------------------------------------------------- */

struct group *group_open(uv_loop_t *loop, const struct log *log, const struct in6_addr *address,
			 const struct group_host *host)
{
	struct group *g = calloc(1, sizeof(*g));

	if (g == NULL)
		return NULL;
	g->log = log;
	g->address = *address;
	g->host = *host;
	g->store_back = STORE_LOOKS;
	(void)uv_timer_init(loop, &g->timer);
	g->timer.data = g;
	return g;
}

void group_start(struct group *g, bool active)
{
	(void)uv_timer_start(&g->timer, group_look, LOOK_MS, LOOK_MS);
	group_become(g, GROUP_STANDBY);
	if (active)
		(void)group_active(g, g->why);
	else
		group_say(g, LNX_LOG_INFO, "standby: it serves nobody until it is told to", "");
}

void group_close(struct group *g)
{
	if (g != NULL && !uv_is_closing((uv_handle_t *)&g->timer))
		uv_close((uv_handle_t *)&g->timer, NULL);
}

void group_free(struct group *g)
{
	free(g);
}
