/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * How much anybody may make this node send without proving who he is: limit.c.
 */
#ifndef BUB_CORE_LIMIT_H
#define BUB_CORE_LIMIT_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct bub_engine;

/* What is limited apart from all else, and counted apart when it was refused. */
enum limit_kind {
	LIMIT_TEST,          /* Home Test and Care-of Test */
	LIMIT_BINDING_ERROR, /* RFC 6275, 9.3.3 */
	LIMIT_ICMP_ERROR,    /* of our own (RFC 4443, 2.4 (f)) */
	LIMIT_RELAYED,       /* of others, told to who sent what they speak of */
	LIMIT_REFUSAL,       /* Binding Acknowledgement that nothing signs */
	LIMIT_DISCOVERY,     /* Home Agent Address Discovery Reply */
	LIMIT_FLOW,          /* return routability that somebody's packet asks for */
	LIMIT_REPLY,         /* the same, once a program here has answered him */
	/* What one client may ask of its home agent, by limit_allow_own() only. */
	LIMIT_REGISTRATION, /* home registrations, whatever the answer */
	LIMIT_REPORTS,      /* of multicast listeners */
	LIMIT_KINDS,
};

/* Both are times: until when what was taken before weighs, so that idling fills a bucket. */
struct bucket {
	uint64_t messages_ns;
	uint64_t octets_ns;
};

#define LIMIT_SLOTS 512

/* Zeroed: everything may be had. */
struct limit {
	uint64_t seed; /* so that nobody can choose a prefix that shares a victim's slot */
	struct bucket all[LIMIT_KINDS];
	struct bucket prefix[LIMIT_KINDS][LIMIT_SLOTS];
};

/*
 * Whether @source, who sent @octets_in, may be sent @octets_out.  Each question is to be brought
 * here once: it pays for its answer, and for those of its prefix, also where it gets none.
 * False: counted under the reason of @kind.
 */
bool limit_allow(struct bub_engine *eng, enum limit_kind kind, const struct in6_addr *source,
		 size_t octets_in, size_t octets_out);

/* The same for one whom a security association has proved, out of @own, which is his alone. */
bool limit_allow_own(struct bub_engine *eng, enum limit_kind kind, struct bucket *own,
		     const struct in6_addr *source, size_t octets_in, size_t octets_out);

/* Whether one who has @mine of the @used places of a table with @cap may have no more: once half of
 * it is used, nobody may have more than an eighth.  In a small table there is nothing to share. */
bool limit_share_used(uint32_t used, uint32_t cap, uint32_t mine);

#endif
