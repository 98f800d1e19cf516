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
	LIMIT_RELAYED,   /* of others, passed on to the sender of the packet that they speak of */
	LIMIT_REFUSAL,   /* Binding Acknowledgement that nothing signs */
	LIMIT_DISCOVERY, /* Home Agent Address Discovery Reply */
	LIMIT_FLOW,      /* return routability that somebody's packet asks for */
	LIMIT_REPLY,     /* the same, once a program here has answered */
	/* What one client may ask of its home agent, by limit_allow_own() only. */
	LIMIT_REGISTRATION, /* home registrations, whatever the answer */
	LIMIT_REPORTS,      /* of multicast listeners */
	LIMIT_KINDS,
};

/* Both are times: what was taken before weighs until then.  So a bucket fills by itself. */
struct bucket {
	uint64_t messages_ns;
	uint64_t octets_ns;
};

#define LIMIT_SLOTS 512

/* All zeros: nothing has been taken yet. */
struct limit {
	uint64_t seed; /* so that nobody can choose a prefix that shares a victim's slot */
	struct bucket all[LIMIT_KINDS];
	struct bucket prefix[LIMIT_KINDS][LIMIT_SLOTS];
};

/*
 * Whether @source, who sent @octets_in, may be sent @octets_out.  Each question is to be brought
 * here once.  It pays for its answer or, where it gets none, for other answers to its prefix.
 * False: counted under the reason of @kind.
 */
bool limit_allow(struct bub_engine *eng, enum limit_kind kind, const struct in6_addr *source,
		 size_t octets_in, size_t octets_out);

/* The same for a sender whom a security association has proved, out of @own, which is for it alone.
 */
bool limit_allow_own(struct bub_engine *eng, enum limit_kind kind, struct bucket *own,
		     const struct in6_addr *source, size_t octets_in, size_t octets_out);

/* True when whoever has @mine of the @used places of a table with @cap places may have no more.
 * Once half of a table is used, nobody may have more than an eighth of it.  In a small table there
 * is nothing to share. */
bool limit_share_used(uint32_t used, uint32_t cap, uint32_t mine);

#endif
