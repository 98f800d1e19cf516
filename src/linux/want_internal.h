/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What want.c, repair.c and audit.c share.
 */
#ifndef BUB_LINUX_WANT_INTERNAL_H
#define BUB_LINUX_WANT_INTERNAL_H

#include "base/table.h"
#include "want.h"

#define WANT_AUDIT_S 5 /* between looks at everything */
#define WANT_PATH_MAX 64
#define WANT_FORGET_MAX 8

/* In the order in which they are put back: a route may name an address, and that an interface. */
enum want_kind {
	WANT_SYSCTL,
	WANT_TUN,
	WANT_ADDR,
	WANT_ROUTE,
	WANT_RULE,
	WANT_PROXY,
	WANT_PROGRAMS,
	WANT_KINDS,
};

struct wish {
	struct tentry entry; /* want_key() */
	union {
		struct {
			char path[WANT_PATH_MAX];
			int value, before;
		} sysctl;
		struct nl_route route;
		struct {
			struct nl_rule rule; /* its pointers are set when it is used */
			struct in6_addr from, to;
		} rule;
		struct {
			uint32_t ifindex, mtu;
		} on; /* the others */
	} u;
	uint8_t kind;     /* enum want_kind */
	bool later;       /* its lane */
	bool lost;        /* not in the kernel, as far as is known */
	bool silent;      /* a part of it is lost only: neither counted nor told */
	uint32_t by;      /* the port of who has removed it; 0: the kernel, or unknown */
	uint32_t seq;     /* of the request under way; 0: none */
	uint32_t round;   /* of the audit that has seen it, or in which it was put */
	unsigned strikes; /* how often it was lost since first_strike */
	struct bub_time first_strike;
	struct bub_time put_at;
	unsigned pause_s;    /* before it is put back again; 0: at once */
	unsigned retry_s;    /* after a refusal; 0: there was none */
	struct bub_time due; /* lost: when it is put back */
};

/* About one path. */
struct question {
	struct tentry entry; /* key: local, peer */
	struct link_hop_question asked;
	struct link_hop hop; /* the answer; interface 0: there is none */
	uint32_t seq;        /* of the request under way; 0: none */
	bool told;           /* it is answered */
};

#define WANT_FLIGHTS 1024
#define WANT_VERDICTS 2048

struct want {
	struct want_config cfg;
	struct table wish[WANT_KINDS];
	void *memory;
	uint32_t n_lost;
	struct bub_time repair_due; /* not before: the next look at what is lost */
	int first_error;            /* of a wish without id, since want_settle() */
	uint32_t who;               /* the port that who_name is about */
	char who_name[32];
	struct {
		uint32_t seq;              /* 0: free */
		uint32_t id;               /* verdict for whom; 0: nobody */
		struct wish *wish;         /* where its seq is that one; NULL: of no wish */
		struct question *question; /* the same */
	} flight[WANT_FLIGHTS];
	struct {
		uint32_t id;
		int error;
	} verdict[WANT_VERDICTS];
	unsigned verdict_first, n_verdicts;

	/* Somebody else uses what is ours. */
	char shared[160];            /* who uses what is ours */
	uint32_t shared_round;       /* of audits, in which it was seen last */
	struct bub_time shared_seen; /* the last time */
	struct bub_time shared_at;   /* the last line about that */
	uint32_t shared_pause_s;     /* to the next; 0: there was none */

	/* question.c */
	struct table question;
	uint32_t n_told;  /* those that are answered */
	unsigned told_at; /* where to look for the next of them */
	bool ask_again;   /* answers have been lost */

	/* audit.c */
	uint32_t round;
	unsigned step; /* of the audit under way, as the table that is read; 0: none */
	struct bub_time audit_due;
	struct {
		uint32_t ifindex; /* 0: free */
		struct in6_addr keep;
	} forget[WANT_FORGET_MAX];
};

struct want_key {
	struct in6_addr a, b;
};

/* want.c */
struct want_key want_route_key(uint32_t table, const struct in6_addr *dst, uint8_t dst_len);
struct want_key want_rule_key(const struct nl_rule *r);
struct want_key want_on_key(uint32_t ifindex);
struct want_key want_addr_key(uint32_t ifindex, const struct in6_addr *addr);
struct want_key want_proxy_key(const struct in6_addr *addr);
void want_drop(struct want *w, struct wish *wish);
struct wish *want_find(const struct want *w, enum want_kind kind, const struct want_key *key);
/* Has it put into the kernel, whether it is there or not. */
void want_put(struct want *w, struct wish *wish, uint32_t id);
/* A request that is no wish; whether it is refused matters to nobody.  Its number. */
uint32_t want_request(struct want *w, enum nl_lane lane, struct nlmsghdr *nlh);

/* question.c: calls nothing of the others */
/* The question about that path is this one now.  NULL: no room. */
struct question *question_admit(struct want *w, const struct link_hop_question *asked);
/* What was asked. */
void question_told(struct question *q, const struct nlmsghdr *nlh);
/* The verdict of request @seq, which comes after that. */
void question_done(struct want *w, struct question *q, uint32_t seq);

/* repair.c */
void repair_lost(struct want *w, struct wish *wish, uint32_t by);
/* Something of it is lost with another wish: it is put again, and nobody is told. */
void repair_silently(struct want *w, struct wish *wish);
/* It cannot be put back for now: repair_link_up(). */
void repair_waits(struct want *w, struct wish *wish);
void repair_refused(struct want *w, struct wish *wish, int error);
void repair_stands(struct want *w, struct wish *wish);
void repair_forget(struct want *w, const struct wish *wish);
enum repair_offence {
	REPAIR_OURS,        /* where only bubd may have something */
	REPAIR_BEFORE_OURS, /* it takes everything before bubd's rules are asked */
};
/* Somebody else, @by (0: not known), has @what. */
void repair_shared(struct want *w, uint32_t by, enum repair_offence offence, const char *what);
/* What that was about, if anything, is there still; and an audit has looked at everything. */
void repair_still_shared(struct want *w);
void repair_looked(struct want *w);
/* The interface of a wish; 0: it has none. */
uint32_t repair_ifindex(const struct wish *wish);
/* The interface is up: what waits for it is put back soon. */
void repair_link_up(struct want *w, uint32_t ifindex);
void repair_sysctls(struct want *w); /* nothing tells of those */
void repair_expire(struct want *w, struct bub_time now);

/* audit.c */
void audit_expire(struct want *w, struct bub_time now);
struct bub_time audit_deadline(const struct want *w);

#endif
