/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What bub wants the kernel to have: routes, rules, addresses, proxy neighbours, programs of the
 * data path, its own interface, sysctls.
 *
 * A wish is noted and returned from at once.  Its request goes to the kernel at the end of the
 * turn, or earlier where something that follows depends on it (want_flush_soon(), want_flush());
 * nobody waits for the verdict.
 *
 * A wish stands until it is taken back.  What somebody else removes is put back within a second,
 * logged and counted; where it is removed again and again, with growing pauses.  What has gone is
 * learned from the kernel's notices (want_heard()), and from a look at everything every few
 * seconds.
 *
 * Beside wishes there are questions: which way would the kernel send?  Nobody waits for their
 * answers either.
 *
 *   want.c      the wishes, and requests under way
 *   question.c  the questions
 *   repair.c    what is lost: when it is put back, and what the operator is told
 *   audit.c     how it is found out
 */
#ifndef BUB_LINUX_WANT_H
#define BUB_LINUX_WANT_H

#include "bub/engine.h"
#include "link.h"
#include "netlink.h"

struct want;

struct want_config {
	struct nl *nl;                          /* borrowed */
	uint32_t routes, rules, addrs, proxies; /* at most so many wishes of each kind */
	uint32_t questions;                     /* at most so many: one for each path */
	uint64_t seed;                          /* random: peers choose addresses of paths */
	/* Puts the programs of the data path on an interface: 0 or a negative errno; and whether
	 * they are there. */
	int (*attach)(void *ctx, uint32_t ifindex);
	bool (*is_attached)(void *ctx, uint32_t ifindex);
	/* Nobody else may use these: routing tables, and priorities of rules. */
	uint32_t first_table, n_tables, first_rule, n_rules;
	/* A line for the operator.  @bad: something stays wrong; else it has been mended. */
	void (*log)(void *ctx, bool bad, const char *text);
	void *ctx;
	uint64_t *repaired; /* counters: objects put back; requests that the kernel refused */
	uint64_t *refused;
};

/* 0 or -ENOMEM. */
int want_open(const struct want_config *cfg, struct want **ret_want);
/* Sets sysctls as they were found; the rest is nl_flush()'s.  NULL is fine. */
void want_close(struct want *w);

/* ---- Wishes -------------------------------------------------------------------------------- */

/* Who uses rules or routing tables of ours, or has a rule before them that takes everything, and
 * which; NULL: nobody. */
const char *want_shared(const struct want *w);

/* The route to r->dst in r->table is to be this one.  @id: 0, or want_verdict() tells how it went;
 * what is refused is no wish any more then, while without @id it is tried again. */
void want_route(struct want *w, const struct nl_route *r, uint32_t id);
/* The same for data: after signalling. */
void want_route_later(struct want *w, const struct nl_route *r);
/* Written anew even where it stands: connections look again where a table has changed. */
void want_route_anew(struct want *w, const struct nl_route *r);
void unwant_route(struct want *w, const struct nl_route *r);

void want_rule(struct want *w, const struct nl_rule *r, uint32_t id);
void unwant_rule(struct want *w, const struct nl_rule *r);

/* Without duplicate detection. */
void want_addr(struct want *w, uint32_t ifindex, const struct in6_addr *addr);
void unwant_addr(struct want *w, uint32_t ifindex, const struct in6_addr *addr);
/* Takes an address away that was nobody's wish. */
void want_no_addr(struct want *w, uint32_t ifindex, const struct in6_addr *addr,
		  uint8_t prefix_len);

/* No wish but a request, as it ends with its time: a care-of address (rtm_care_of()), whose
 * verdict comes by want_verdict(). */
void want_care_of(struct want *w, const struct link_out *out);

/* One for each address: on another interface it moves there. */
void want_proxy(struct want *w, uint32_t ifindex, const struct in6_addr *addr, uint32_t id);
void unwant_proxy(struct want *w, const struct in6_addr *addr);
/* All of them are on this link now. */
void want_proxies_on(struct want *w, uint32_t ifindex);

/* The programs of the data path.  Refused, it stays a wish. */
void want_programs(struct want *w, uint32_t ifindex, uint32_t id);
void unwant_programs(struct want *w, uint32_t ifindex);

/* bub's own interface is up and has this MTU. */
void want_tun(struct want *w, uint32_t ifindex, uint32_t mtu);

/* /proc/sys/net/ipv6/@path is @value.  0, or a negative errno: then it is no wish. */
int want_sysctl(struct want *w, const char *path, int value);

/* No wish but a request: @addr is at @mac; the kernel asks again by itself later. */
void want_neigh(struct want *w, uint32_t ifindex, const struct in6_addr *addr,
		const uint8_t mac[static 6]);
/* Forgets the neighbours on @ifindex that have not answered, but @keep, and with them the packets
 * that wait for them. */
void want_no_neighbours(struct want *w, uint32_t ifindex, const struct in6_addr *keep);

/* ---- Questions ----------------------------------------------------------------------------- */

/* Asks, after all requests before it, and in place of what was asked about this path.  False: there
 * is no room. */
bool want_ask(struct want *w, const struct link_hop_question *question);
/* The path is gone. */
void want_ask_no_more(struct want *w, const struct in6_addr *local, const struct in6_addr *peer);

/* The next answer; false: none is there.  Interface 0: no link leads there. */
bool want_told(struct want *w, struct link_hop_question *ret_question, struct link_hop *ret_hop);

/* ---- Turns --------------------------------------------------------------------------------- */

/* Sends what waits, but for data routes; or all of it. */
void want_flush_soon(struct want *w);
void want_flush(struct want *w);

/* Flushes and waits for the verdicts: for the start only.  The first refusal so far, or 0. */
int want_settle(struct want *w);

/* The next verdict of a wish that had an id; false: none is there. */
bool want_verdict(struct want *w, uint32_t *ret_id, int *ret_error);

/* nl_fd() or nl_table_fd() is readable. */
void want_answers(struct want *w);
void want_table(struct want *w);

/* A notice of the kernel; notices were lost. */
void want_heard(struct want *w, const struct nlmsghdr *nlh);
void want_missed(struct want *w);
/* An interface has a carrier now or no more, or is gone: proxy entries go with it without a notice.
 */
void want_link(struct want *w, uint32_t ifindex, bool up);
void want_link_gone(struct want *w, uint32_t ifindex);

struct bub_time want_deadline(const struct want *w);
void want_expire(struct want *w, struct bub_time now);

#endif
