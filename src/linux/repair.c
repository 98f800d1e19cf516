/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What is lost of the wishes (want.h).
 *
 * A loss is put back a moment later: one cause brings several notices, and where the link layer
 * takes a wish back for the same cause there is nothing to repair.  Everything that is due goes
 * back together, in the order in which one thing needs another.
 *
 * Who removes the same thing again and again does not mean a mistake but another opinion: that is
 * said once, and the pauses grow.  What the kernel refuses is tried again with growing pauses, too,
 * and at once when its interface comes up.
 */
#include <arpa/inet.h>
#include <net/if.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/addr.h"
#include "linux.h"
#include "want_internal.h"

#define AFTER_LOSS_MS 250 /* what is told next may explain it, or be of the same cause */
#define AFTER_LINK_MS 20  /* its interface has come up */
#define TOGETHER_MS 200   /* what is due so soon goes with what is due */
#define OWN_ECHO_MS 100   /* a notice without author, so soon after we have put it */
#define FIGHT_LOSSES 5
#define FIGHT_S 10
#define PAUSE_S 10
#define PAUSE_MAX_S 300
#define RETRY_MAX_S 60
#define SHARED_S 60 /* between lines about what is shared; doubles */
#define SHARED_MAX_S 3600
#define SHARED_NEWS_S 120 /* a look that does not find it any more ends it after so long */
#define PEACE_S 60        /* it has stood so long: no fight any more */
#define LINES_MAX 4
#define TEXT_MAX 160

/* ---- Lines for the operator ---------------------------------------------------------------- */

static const char *repair_name_of(uint32_t ifindex, char buf[static IF_NAMESIZE])
{
	return if_indextoname(ifindex, buf) != NULL ? buf : "an interface that is gone";
}

static void repair_describe_rule(const struct wish *wish, char ret[static TEXT_MAX])
{
	const struct nl_rule *r = &wish->u.rule.rule;
	char addr[INET6_ADDRSTRLEN];

	(void)inet_ntop(AF_INET6, &wish->entry.a, addr, sizeof(addr));
	if (r->from != NULL)
		snprintf(ret, TEXT_MAX, "rule %u from %s", r->priority, addr);
	else if (r->to != NULL)
		snprintf(ret, TEXT_MAX, "rule %u to %s/%u", r->priority, addr, r->to_len);
	else
		snprintf(ret, TEXT_MAX, "rule %u", r->priority);
}

static void repair_describe(const struct wish *wish, char ret[static TEXT_MAX])
{
	char addr[INET6_ADDRSTRLEN], name[IF_NAMESIZE];

	(void)inet_ntop(AF_INET6, &wish->entry.a, addr, sizeof(addr));
	switch ((enum want_kind)wish->kind) {
	case WANT_SYSCTL:
		snprintf(ret, TEXT_MAX, "sysctl net/ipv6/%s=%d", wish->u.sysctl.path,
			 wish->u.sysctl.value);
		break;
	case WANT_TUN:
		snprintf(ret, TEXT_MAX, "interface %s, up",
			 repair_name_of(wish->u.on.ifindex, name));
		break;
	case WANT_ADDR:
		snprintf(ret, TEXT_MAX, "address %s on %s", addr,
			 repair_name_of(wish->u.on.ifindex, name));
		break;
	case WANT_ROUTE:
		snprintf(ret, TEXT_MAX, "route to %s/%u in table %u", addr, wish->u.route.dst_len,
			 wish->u.route.table);
		break;
	case WANT_RULE:
		repair_describe_rule(wish, ret);
		break;
	case WANT_PROXY:
		snprintf(ret, TEXT_MAX, "proxy entry for %s on %s", addr,
			 repair_name_of(wish->u.on.ifindex, name));
		break;
	case WANT_PROGRAMS:
	case WANT_KINDS:
		snprintf(ret, TEXT_MAX, "programs of the data path on %s",
			 repair_name_of(wish->u.on.ifindex, name));
		break;
	}
}

#define PROCESS_MAX (1u << 22) /* PID_MAX_LIMIT */

/* rtnetlink tells a socket's port.  That of the first socket of a process is the process's number;
 * others are any number, far above. */
static const char *repair_author(struct want *w, uint32_t port)
{
	char path[32], comm[16] = "";
	FILE *f;

	if (port == 0)
		return "the kernel or somebody";
	if (port == w->who)
		return w->who_name;
	w->who = port;
	snprintf(path, sizeof(path), "/proc/%u/comm", port);
	f = fopen(path, "re");
	if (f != NULL) {
		if (fscanf(f, "%15[^\n]", comm) != 1)
			comm[0] = '\0';
		fclose(f);
	}
	if (comm[0] != '\0')
		snprintf(w->who_name, sizeof(w->who_name), "%s (%u)", comm, port);
	else if (port <= PROCESS_MAX)
		snprintf(w->who_name, sizeof(w->who_name), "process %u", port);
	else
		snprintf(w->who_name, sizeof(w->who_name), "another program");
	return w->who_name;
}

__attribute__((format(printf, 3, 4))) static void repair_say(struct want *w, bool bad,
							     const char *fmt, ...)
{
	char text[2 * TEXT_MAX];
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	w->cfg.log(w->cfg.ctx, bad, text);
}

void repair_shared(struct want *w, uint32_t by, enum repair_offence offence, const char *what)
{
	static const struct {
		const char *words, *remedy;
	} told[] = {
		[REPAIR_OURS] = {"uses what is bubd's alone",
				 "set route-table and rule-priority to what nobody else uses"},
		[REPAIR_BEFORE_OURS] = {"leads all packets elsewhere before bubd is asked",
					"start it before bubd, or lower rule-priority"},
	};
	const struct bub_time now = lnx_now();

	w->shared_seen = now;
	w->shared_round = w->round;
	/* A look at everything does not know who it was, but a notice did. */
	if (by != 0 || w->shared[0] == '\0')
		(void)snprintf(w->shared, sizeof(w->shared), "%s %s: %s",
			       by != 0 ? repair_author(w, by) : "another program",
			       told[offence].words, what);
	if (w->shared_pause_s != 0 &&
	    bub_time_before(now, bub_time_add_s(w->shared_at, w->shared_pause_s)))
		return;
	w->shared_at = now;
	w->shared_pause_s = w->shared_pause_s == 0 ? SHARED_S : 2 * w->shared_pause_s;
	if (w->shared_pause_s > SHARED_MAX_S)
		w->shared_pause_s = SHARED_MAX_S;
	repair_say(w, true, "%s; %s", w->shared, told[offence].remedy);
}

void repair_still_shared(struct want *w)
{
	w->shared_seen = lnx_now();
	w->shared_round = w->round;
}

void repair_looked(struct want *w)
{
	if (w->shared_round != w->round &&
	    !bub_time_before(lnx_now(), bub_time_add_s(w->shared_seen, SHARED_NEWS_S)))
		w->shared[0] = '\0';
}

const char *want_shared(const struct want *w)
{
	return w->shared[0] != '\0' ? w->shared : NULL;
}

/* ---- When ---------------------------------------------------------------------------------- */

uint32_t repair_ifindex(const struct wish *wish)
{
	if (wish->kind == WANT_ROUTE)
		return wish->u.route.oif;
	return wish->kind == WANT_RULE || wish->kind == WANT_SYSCTL ? 0 : wish->u.on.ifindex;
}

static void repair_due_at(struct want *w, struct wish *wish, struct bub_time due)
{
	if (!wish->lost) {
		wish->lost = true;
		w->n_lost++;
	}
	wish->due = due;
	if (bub_time_before(due, w->repair_due))
		w->repair_due = due;
}

/* True: this is a fight. */
static bool repair_strike(struct wish *wish, struct bub_time now)
{
	if (!bub_time_before(now, bub_time_add_s(wish->put_at, PEACE_S + wish->pause_s))) {
		wish->pause_s = 0;
		wish->strikes = 0;
	}
	if (wish->pause_s > 0)
		return true;
	if (wish->strikes == 0 ||
	    !bub_time_before(now, bub_time_add_s(wish->first_strike, FIGHT_S))) {
		wish->first_strike = now;
		wish->strikes = 0;
	}
	return ++wish->strikes >= FIGHT_LOSSES;
}

static void repair_fight(struct want *w, struct wish *wish, struct bub_time now)
{
	char what[TEXT_MAX];
	bool first = wish->pause_s == 0;

	wish->pause_s = first ? PAUSE_S : 2 * wish->pause_s;
	if (wish->pause_s > PAUSE_MAX_S)
		wish->pause_s = PAUSE_MAX_S;
	repair_due_at(w, wish, bub_time_add_s(now, wish->pause_s));
	if (!first)
		return;
	repair_describe(wish, what);
	repair_say(
		w, true,
		"%s keeps removing what bubd needs: %s, %u times within %u s; it is put back after "
		"%u s, and later and later",
		repair_author(w, wish->by), what, FIGHT_LOSSES, FIGHT_S, PAUSE_S);
}

void repair_lost(struct want *w, struct wish *wish, uint32_t by)
{
	/* Without programs, packets leave with a bare home address. */
	const bool may_wait = wish->kind != WANT_SYSCTL && wish->kind != WANT_PROGRAMS;
	struct bub_time now = lnx_now();

	if (wish->lost)
		return;
	wish->by = by;
	(void)repair_author(w, by); /* while it lives */
	if (by == 0 && bub_time_before(now, bub_time_add_ms(wish->put_at, OWN_ECHO_MS))) {
		repair_silently(w, wish);
		return;
	}
	wish->silent = false;
	if (repair_strike(wish, now))
		repair_fight(w, wish, now);
	else
		repair_due_at(w, wish, bub_time_add_ms(now, may_wait ? AFTER_LOSS_MS : 0));
}

void repair_silently(struct want *w, struct wish *wish)
{
	if (wish->lost)
		return;
	wish->silent = true;
	repair_due_at(w, wish, bub_time_add_ms(lnx_now(), AFTER_LINK_MS));
}

void repair_waits(struct want *w, struct wish *wish)
{
	wish->silent = true;
	repair_due_at(w, wish, BUB_TIME_NEVER);
}

void repair_refused(struct want *w, struct wish *wish, int error)
{
	char what[TEXT_MAX];

	/* Of programs the reason is told by who attaches them. */
	if (wish->retry_s == 0 && !wish->later && wish->kind != WANT_PROGRAMS) {
		repair_describe(wish, what);
		repair_say(w, true, "the kernel refuses what bubd needs: %s: %s; tried again", what,
			   strerror(-error));
	}
	wish->retry_s = wish->retry_s == 0 ? 1 : 2 * wish->retry_s;
	if (wish->retry_s > RETRY_MAX_S)
		wish->retry_s = RETRY_MAX_S;
	repair_due_at(w, wish, bub_time_add_s(lnx_now(), wish->retry_s));
}

void repair_stands(struct want *w, struct wish *wish)
{
	wish->retry_s = 0;
	if (!wish->lost)
		return;
	wish->lost = false;
	w->n_lost--;
	if (!wish->silent)
		++*w->cfg.repaired;
	wish->silent = false;
}

void repair_forget(struct want *w, const struct wish *wish)
{
	w->n_lost -= wish->lost;
}

void repair_link_up(struct want *w, uint32_t ifindex)
{
	for (unsigned kind = 0; w->n_lost > 0 && kind < WANT_KINDS; kind++) {
		struct wish *wish = NULL;

		while ((wish = table_next(&w->wish[kind], wish)) != NULL) {
			if (wish->lost && wish->pause_s == 0 && repair_ifindex(wish) == ifindex)
				repair_due_at(w, wish, bub_time_add_ms(lnx_now(), AFTER_LINK_MS));
		}
	}
}

/* ---- Putting back -------------------------------------------------------------------------- */

/* One whose interface is gone is none. */
void repair_sysctls(struct want *w)
{
	struct wish *wish = NULL;

	while ((wish = table_next(&w->wish[WANT_SYSCTL], wish)) != NULL) {
		int value = wish->lost ? -1 : nl_sysctl_get(wish->u.sysctl.path);

		if (value >= 0 && value != wish->u.sysctl.value)
			repair_lost(w, wish, 0);
	}
}

/* The kernel takes an address that goes out of the routes that name it for their source. */
static void repair_write_routes_of(struct want *w, const struct wish *addr)
{
	struct wish *wish = NULL;

	while ((wish = table_next(&w->wish[WANT_ROUTE], wish)) != NULL) {
		if (!wish->lost && bub_addr_eq(&wish->u.route.prefsrc, &addr->entry.a))
			repair_silently(w, wish);
	}
}

/* @lines: how many have been written. */
static void repair_put_back(struct want *w, struct wish *wish, unsigned *lines)
{
	char what[TEXT_MAX];

	if (!wish->silent && wish->retry_s == 0 && wish->pause_s == 0 && (*lines)++ < LINES_MAX) {
		repair_describe(wish, what);
		repair_say(w, false, "%s has removed what bubd needs: %s; it is put back",
			   repair_author(w, wish->by), what);
	}
	wish->due = bub_time_add_s(lnx_now(), 1); /* where no verdict comes */
	if (wish->kind == WANT_ADDR)
		repair_write_routes_of(w, wish);
	want_put(w, wish, 0);
}

void repair_expire(struct want *w, struct bub_time now)
{
	struct bub_time until = bub_time_add_ms(now, TOGETHER_MS);
	unsigned lines = 0;

	if (w->n_lost == 0 || bub_time_before(now, w->repair_due))
		return;
	w->repair_due = BUB_TIME_NEVER;
	repair_sysctls(w);
	for (unsigned kind = 0; kind < WANT_KINDS; kind++) {
		struct wish *wish = NULL;

		while ((wish = table_next(&w->wish[kind], wish)) != NULL) {
			if (wish->lost && !bub_time_before(until, wish->due))
				repair_put_back(w, wish, &lines);
		}
	}
	if (lines > LINES_MAX)
		repair_say(w, false, "and %u more of what bubd needs was removed; it is put back",
			   lines - LINES_MAX);
	want_flush(w);
	w->repair_due = BUB_TIME_NEVER;
	for (unsigned kind = 0; w->n_lost > 0 && kind < WANT_KINDS; kind++) {
		const struct wish *wish = NULL;

		while ((wish = table_next(&w->wish[kind], wish)) != NULL) {
			if (wish->lost && bub_time_before(wish->due, w->repair_due))
				w->repair_due = wish->due;
		}
	}
}
