/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * How it is found out what the kernel has lost of the wishes (want.h): by its notices at once, and
 * every few seconds by a look at everything, because some things go without one (proxy neighbours,
 * sysctls) and a notice may get lost.
 *
 * The look reads one table after the other, one part a turn, and what bub itself has put meanwhile
 * counts as seen.
 */
#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/fib_rules.h>
#include <linux/if_addr.h>
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <stdio.h>

#include "base/addr.h"
#include "linux.h"
#include "want_internal.h"

#define AUDIT_OF_MANY 2000 /* so many wishes more, and it takes a second longer to the next */

/* In this order. */
enum audit_step {
	STEP_NONE,
	STEP_ROUTES,
	STEP_RULES,
	STEP_ADDRS,
	STEP_PROXIES,
	STEP_AUDITED, /* no table */
	STEP_FORGET,  /* of neighbours that have not answered; no audit */
};

static const struct {
	enum want_kind kind;
	struct nl_table table;
} table_of[] = {
	[STEP_ROUTES] = {WANT_ROUTE, {.type = RTM_GETROUTE, .protocol = LNX_RTPROT}},
	[STEP_RULES] = {WANT_RULE, {.type = RTM_GETRULE}},
	[STEP_ADDRS] = {WANT_ADDR, {.type = RTM_GETADDR}},
	[STEP_PROXIES] = {WANT_PROXY, {.type = RTM_GETNEIGH, .ndm_flags = NTF_PROXY}},
	[STEP_FORGET] = {WANT_KINDS, {.type = RTM_GETNEIGH}},
};

/* ---- Whose message it is about ------------------------------------------------------------- */

static struct wish *audit_of_route(const struct want *w, const struct nlmsghdr *nlh, bool *ret_same)
{
	const struct rtmsg *rtm = mnl_nlmsg_get_payload(nlh);
	const struct nlattr *tb[RTA_MAX + 1];
	struct in6_addr dst = {0}, gateway = {0}, prefsrc = {0};
	struct want_key key;
	struct wish *wish;

	if (rtm->rtm_family != AF_INET6 || rtm->rtm_protocol != LNX_RTPROT ||
	    (rtm->rtm_flags & RTM_F_CLONED))
		return NULL;
	nl_parse(nlh, sizeof(*rtm), tb, RTA_MAX + 1);
	nl_addr(tb[RTA_DST], &dst);
	nl_addr(tb[RTA_GATEWAY], &gateway);
	nl_addr(tb[RTA_PREFSRC], &prefsrc);
	key = want_route_key(nl_u32(tb[RTA_TABLE], rtm->rtm_table), &dst, rtm->rtm_dst_len);
	wish = want_find(w, WANT_ROUTE, &key);
	if (wish != NULL)
		*ret_same = nl_u32(tb[RTA_OIF], 0) == wish->u.route.oif &&
			    bub_addr_eq(&gateway, &wish->u.route.gateway) &&
			    bub_addr_eq(&prefsrc, &wish->u.route.prefsrc);
	return wish;
}

static struct wish *audit_of_rule(const struct want *w, const struct nlmsghdr *nlh)
{
	const struct fib_rule_hdr *frh = mnl_nlmsg_get_payload(nlh);
	const struct nlattr *tb[FRA_MAX + 1];
	struct in6_addr from, to;
	struct nl_rule r = {.to_len = frh->dst_len};
	struct want_key key;

	nl_parse(nlh, sizeof(*frh), tb, FRA_MAX + 1);
	if (frh->family != AF_INET6 || nl_u8(tb[FRA_PROTOCOL], 0) != LNX_RTPROT)
		return NULL;
	if (nl_addr(tb[FRA_SRC], &from))
		r.from = &from;
	if (nl_addr(tb[FRA_DST], &to))
		r.to = &to;
	r.priority = nl_u32(tb[FRA_PRIORITY], 0);
	r.go_to = nl_u32(tb[FRA_GOTO], 0);
	if (frh->action == FR_ACT_TO_TBL)
		r.table = nl_u32(tb[FRA_TABLE], frh->table);
	key = want_rule_key(&r);
	return want_find(w, WANT_RULE, &key);
}

static struct wish *audit_of_addr(const struct want *w, const struct nlmsghdr *nlh)
{
	const struct ifaddrmsg *ifa = mnl_nlmsg_get_payload(nlh);
	const struct nlattr *tb[IFA_MAX + 1];
	struct in6_addr addr;
	struct want_key key;

	nl_parse(nlh, sizeof(*ifa), tb, IFA_MAX + 1);
	if (ifa->ifa_family != AF_INET6 ||
	    (!nl_addr(tb[IFA_LOCAL], &addr) && !nl_addr(tb[IFA_ADDRESS], &addr)))
		return NULL;
	key = want_addr_key(ifa->ifa_index, &addr);
	return want_find(w, WANT_ADDR, &key);
}

static struct wish *audit_of_proxy(const struct want *w, const struct nlmsghdr *nlh)
{
	const struct ndmsg *ndm = mnl_nlmsg_get_payload(nlh);
	const struct nlattr *tb[NDA_MAX + 1];
	struct in6_addr addr;
	struct want_key key;
	struct wish *wish;

	nl_parse(nlh, sizeof(*ndm), tb, NDA_MAX + 1);
	if (ndm->ndm_family != AF_INET6 || !(ndm->ndm_flags & NTF_PROXY) ||
	    !nl_addr(tb[NDA_DST], &addr))
		return NULL;
	key = want_proxy_key(&addr);
	wish = want_find(w, WANT_PROXY, &key);
	return wish != NULL && wish->u.on.ifindex == (uint32_t)ndm->ndm_ifindex ? wish : NULL;
}

static struct wish *audit_of_programs(struct want *w, const struct nlmsghdr *nlh)
{
	const struct tcmsg *tcm = mnl_nlmsg_get_payload(nlh);
	const struct want_key key = want_on_key((uint32_t)tcm->tcm_ifindex);
	struct wish *wish = want_find(w, WANT_PROGRAMS, &key);

	if (wish != NULL && wish->lost) /* what was in the way may have gone */
		repair_link_up(w, wish->u.on.ifindex);
	if (wish == NULL || wish->lost || w->cfg.is_attached(w->cfg.ctx, wish->u.on.ifindex))
		return NULL;
	return wish;
}

/* ---- Whose it is not ----------------------------------------------------------------------- */

static bool audit_is_our_table(const struct want *w, uint32_t table)
{
	return table - w->cfg.first_table < w->cfg.n_tables;
}

/* For packets of every kind, from everywhere to everywhere.  One that only takes more exact routes
 * than a default leaves the rest to bubd. */
static bool audit_takes_all(const struct fib_rule_hdr *frh, const struct nlattr *const *tb)
{
	const bool marked = tb[FRA_FWMARK] != NULL && (frh->flags & FIB_RULE_INVERT) == 0;

	return frh->action == FR_ACT_TO_TBL && frh->src_len == 0 && frh->dst_len == 0 && !marked &&
	       nl_u32(tb[FRA_SUPPRESS_PREFIXLEN], UINT32_MAX) == UINT32_MAX &&
	       nl_u8(tb[FRA_L3MDEV], 0) == 0 && tb[FRA_IIFNAME] == NULL &&
	       tb[FRA_OIFNAME] == NULL && tb[FRA_UID_RANGE] == NULL && tb[FRA_IP_PROTO] == NULL;
}

/* What is marked as bub's was put by another bubd where it was, and by us in the past otherwise;
 * where nobody wants it (@unknown) after a notice of another bubd, it is that one's still. */
static void audit_foreign_rule(struct want *w, const struct nlmsghdr *nlh, uint32_t by,
			       bool unknown)
{
	const struct fib_rule_hdr *frh = mnl_nlmsg_get_payload(nlh);
	const struct nlattr *tb[FRA_MAX + 1];
	uint32_t priority, table;
	uint8_t protocol;
	char what[80];
	bool ours;

	nl_parse(nlh, sizeof(*frh), tb, FRA_MAX + 1);
	priority = nl_u32(tb[FRA_PRIORITY], 0);
	table = frh->action == FR_ACT_TO_TBL ? nl_u32(tb[FRA_TABLE], frh->table) : 0;
	protocol = nl_u8(tb[FRA_PROTOCOL], 0);
	ours = priority - w->cfg.first_rule < w->cfg.n_rules || audit_is_our_table(w, table);
	if (frh->family != AF_INET6 || (!ours && (priority == 0 || priority >= w->cfg.first_rule ||
						  !audit_takes_all(frh, tb))))
		return;
	if (protocol == LNX_RTPROT && by == 0) {
		if (unknown)
			repair_still_shared(w);
		return;
	}
	(void)snprintf(what, sizeof(what), "rule %u, routing table %u, protocol %u", priority,
		       table, protocol);
	repair_shared(w, by, ours ? REPAIR_OURS : REPAIR_BEFORE_OURS, what);
}

static void audit_foreign_route(struct want *w, const struct nlmsghdr *nlh, uint32_t by,
				bool unknown)
{
	const struct rtmsg *rtm = mnl_nlmsg_get_payload(nlh);
	const struct nlattr *tb[RTA_MAX + 1];
	uint32_t table;
	char what[80];

	nl_parse(nlh, sizeof(*rtm), tb, RTA_MAX + 1);
	table = nl_u32(tb[RTA_TABLE], rtm->rtm_table);
	if (rtm->rtm_family != AF_INET6 || (rtm->rtm_flags & RTM_F_CLONED) ||
	    !audit_is_our_table(w, table))
		return;
	if (rtm->rtm_protocol == LNX_RTPROT && by == 0) {
		if (unknown)
			repair_still_shared(w);
		return;
	}
	(void)snprintf(what, sizeof(what), "a route in routing table %u, protocol %u", table,
		       rtm->rtm_protocol);
	repair_shared(w, by, REPAIR_OURS, what);
}

/* ---- Notices ------------------------------------------------------------------------------- */

void want_heard(struct want *w, const struct nlmsghdr *nlh)
{
	struct wish *wish = NULL;
	bool same;

	if (nl_is_own(w->cfg.nl, nlh->nlmsg_pid))
		return;
	switch (nlh->nlmsg_type) {
	case RTM_DELROUTE:
		wish = audit_of_route(w, nlh, &same);
		break;
	case RTM_DELRULE:
		wish = audit_of_rule(w, nlh);
		break;
	case RTM_DELADDR:
		wish = audit_of_addr(w, nlh);
		break;
	case RTM_DELQDISC:
	case RTM_DELTFILTER:
		wish = audit_of_programs(w, nlh);
		break;
	case RTM_NEWRULE:
		audit_foreign_rule(w, nlh, nlh->nlmsg_pid, false);
		break;
	case RTM_NEWROUTE: /* default routes: the filter lets no others in */
		audit_foreign_route(w, nlh, nlh->nlmsg_pid, false);
		break;
	default:
		break;
	}
	if (wish != NULL)
		repair_lost(w, wish, nlh->nlmsg_pid);
}

void want_missed(struct want *w)
{
	w->audit_due = (struct bub_time){0};
}

void want_link(struct want *w, uint32_t ifindex, bool up)
{
	const struct want_key key = want_on_key(ifindex);
	struct wish *wish = NULL;

	if (up) {
		repair_link_up(w, ifindex);
		return;
	}
	wish = want_find(w, WANT_TUN, &key);
	if (wish != NULL)
		repair_lost(w, wish, 0);
	wish = NULL;
	while ((wish = table_next(&w->wish[WANT_PROXY], wish)) != NULL) {
		if (wish->u.on.ifindex == ifindex)
			repair_waits(w, wish);
	}
}

void want_link_gone(struct want *w, uint32_t ifindex)
{
	for (unsigned kind = 0; kind < WANT_KINDS; kind++) {
		struct wish *wish = NULL;

		while ((wish = table_next(&w->wish[kind], wish)) != NULL) {
			if (ifindex == 0 || repair_ifindex(wish) != ifindex)
				continue;
			if (kind == WANT_PROGRAMS)
				want_drop(w, wish);
			else
				repair_waits(w, wish);
		}
	}
}

/* ---- The look at everything ---------------------------------------------------------------- */

static void audit_on_told(void *ctx, const struct nlmsghdr *nlh)
{
	struct want *w = ctx;
	struct wish *wish = NULL;
	bool same = true;

	switch (nlh->nlmsg_type) {
	case RTM_NEWROUTE:
		wish = audit_of_route(w, nlh, &same);
		audit_foreign_route(w, nlh, 0, wish == NULL);
		break;
	case RTM_NEWRULE:
		wish = audit_of_rule(w, nlh);
		audit_foreign_rule(w, nlh, 0, wish == NULL);
		break;
	case RTM_NEWADDR:
		wish = audit_of_addr(w, nlh);
		break;
	case RTM_NEWNEIGH:
		wish = audit_of_proxy(w, nlh);
		break;
	default:
		break;
	}
	if (wish != NULL && same)
		wish->round = w->round;
}

static void audit_on_neighbour(void *ctx, const struct nlmsghdr *nlh)
{
	const struct ndmsg *ndm = mnl_nlmsg_get_payload(nlh);
	const struct nlattr *tb[NDA_MAX + 1];
	struct want *w = ctx;
	struct in6_addr addr;
	struct nlmsghdr *del;
	struct rtm octets;

	if (nlh->nlmsg_type != RTM_NEWNEIGH || (uint32_t)ndm->ndm_ifindex != w->forget[0].ifindex ||
	    !(ndm->ndm_state & (NUD_INCOMPLETE | NUD_FAILED)))
		return;
	nl_parse(nlh, sizeof(*ndm), tb, NDA_MAX + 1);
	if (!nl_addr(tb[NDA_DST], &addr) || bub_addr_eq(&addr, &w->forget[0].keep))
		return;
	del = rtm_delete(&octets, nlh, RTM_DELNEIGH);
	if (del != NULL)
		want_request(w, NL_SOON, del);
}

static void audit_sweep(struct want *w, enum want_kind kind)
{
	struct wish *wish = NULL;

	while ((wish = table_next(&w->wish[kind], wish)) != NULL) {
		if (wish->seq == 0 && wish->round != w->round)
			repair_lost(w, wish, 0);
	}
}

static void audit_check_programs(struct want *w)
{
	struct wish *wish = NULL;

	while ((wish = table_next(&w->wish[WANT_PROGRAMS], wish)) != NULL) {
		if (!wish->lost && !w->cfg.is_attached(w->cfg.ctx, wish->u.on.ifindex))
			repair_lost(w, wish, 0);
	}
}

static uint32_t audit_n_wishes(const struct want *w)
{
	uint32_t n = 0;

	for (unsigned kind = 0; kind < WANT_KINDS; kind++)
		n += w->wish[kind].used;
	return n;
}

/* Of routes only bub's, but for the first time: then those of others that were here before are
 * seen.
 */
static int audit_ask(const struct want *w, unsigned step)
{
	struct nl_table table = table_of[step].table;

	if (w->round == 1)
		table.protocol = 0;
	return nl_table_ask(w->cfg.nl, &table);
}

/* Begins with the first table from @step on that has something. */
static void audit_begin(struct want *w, unsigned step)
{
	while (step < STEP_AUDITED &&
	       (w->wish[table_of[step].kind].used == 0 || audit_ask(w, step) < 0))
		step++;
	if (step == STEP_AUDITED) {
		audit_check_programs(w);
		repair_sysctls(w);
		repair_looked(w);
		w->audit_due =
			bub_time_add_s(lnx_now(), WANT_AUDIT_S + audit_n_wishes(w) / AUDIT_OF_MANY);
		step = w->forget[0].ifindex != 0 ? STEP_FORGET : STEP_NONE;
		if (step == STEP_FORGET && nl_table_ask(w->cfg.nl, &table_of[step].table) < 0)
			step = STEP_NONE;
	}
	w->step = step;
}

static void audit_forgotten(struct want *w)
{
	for (unsigned i = 0; i + 1 < WANT_FORGET_MAX; i++)
		w->forget[i] = w->forget[i + 1];
	w->forget[WANT_FORGET_MAX - 1].ifindex = 0;
}

void want_table(struct want *w)
{
	int more = nl_table_read(w->cfg.nl,
				 w->step == STEP_FORGET ? audit_on_neighbour : audit_on_told, w);

	if (w->step == STEP_NONE || more > 0)
		return;
	if (w->step == STEP_FORGET) {
		audit_forgotten(w);
		w->step = STEP_NONE;
		audit_expire(w, lnx_now());
		return;
	}
	if (more == 0)
		audit_sweep(w, table_of[w->step].kind);
	audit_begin(w, w->step + 1);
}

void want_no_neighbours(struct want *w, uint32_t ifindex, const struct in6_addr *keep)
{
	for (unsigned i = 0; i < WANT_FORGET_MAX; i++) {
		if (w->forget[i].ifindex != 0 && w->forget[i].ifindex != ifindex)
			continue;
		w->forget[i].ifindex = ifindex;
		w->forget[i].keep = *keep;
		break;
	}
}

struct bub_time audit_deadline(const struct want *w)
{
	const struct bub_time at_once = {0};

	if (w->step != STEP_NONE)
		return BUB_TIME_NEVER;
	return w->forget[0].ifindex != 0 ? at_once : w->audit_due;
}

void audit_expire(struct want *w, struct bub_time now)
{
	if (w->step != STEP_NONE)
		return;
	if (w->forget[0].ifindex != 0 &&
	    nl_table_ask(w->cfg.nl, &table_of[STEP_FORGET].table) == 0) {
		w->step = STEP_FORGET;
	} else if (!bub_time_before(now, w->audit_due)) {
		w->round++;
		audit_begin(w, STEP_ROUTES);
	}
}
