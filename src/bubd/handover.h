/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One handover, seen from one end: who moved from where to where, how the other end was told, and
 * how long data was away.  Times in, verdict out; no I/O.
 */
#ifndef BUBD_HANDOVER_H
#define BUBD_HANDOVER_H

#include "bub/engine.h"
#include "linux.h"

/* The home address itself stands for "at home". */
struct handover_side {
	bool moved;
	struct in6_addr from, to;
};

enum handover_mode {
	HANDOVER_BUB,    /* by a Binding Update under Kabm, through both home agents */
	HANDOVER_RO,     /* by a Binding Update after return routability, or a static Kabm */
	HANDOVER_AGENT,  /* the home agent was told */
	HANDOVER_TUNNEL, /* the peer was told nothing: data goes through the home agent */
};

enum handover_result {
	HANDOVER_DONE,
	HANDOVER_UNANSWERED, /* nobody acknowledged it */
	HANDOVER_OVERTAKEN,  /* another move came before */
};

/* Data through the tunnel between two addresses, as bubd has passed it on.  Times are 0 where there
 * was none. */
struct handover_tunnel {
	uint64_t in_packets, in_octets, out_packets, out_octets;
	struct bub_time in_last;
	struct bub_time in_first, out_first; /* since the last handover began, */
	struct bub_time in_before;           /* and the last one before that */
	struct bub_time in_began;            /* the first one after a second without, */
	struct bub_time direct_before;       /* and the last one of the direct path before it */
};

struct handover {
	bool active;
	struct in6_addr local, peer;
	struct handover_side ours, peers;
	enum handover_mode mode;
	enum handover_result result;
	/* 0: did not happen, or not yet */
	struct bub_time lost;   /* our care-of address before had gone */
	struct bub_time usable; /* our new one could be used */
	struct bub_time began;  /* the first that was known of the move */
	struct bub_time update; /* the first Binding Update was sent, or came */
	struct bub_time acknowledged;
	struct bub_time complete; /* both ends know all that they are told */
	struct bub_time data_in, data_out;
	bool expects_data; /* some was under way when the old path ended */
	bool gap_known;
	uint64_t gap_ns;         /* the longest silence of the peer's data round the handover */
	uint32_t sent, received; /* mobility messages */
	bool dropped_known;
	uint64_t in_refused, out_dropped; /* packets on the direct path, dropped here meanwhile */
};

const char *handover_mode_name(enum handover_mode mode); /* "bub", "ro", "home agent", "tunnel" */
const char *handover_result_name(enum handover_result result);
/* "local", "peer" or "both" */
const char *handover_moved_name(const struct handover *h);

/* What a handover came to in numbers: names as in bubctl(8).  Times are in microseconds since it
 * began. */
#define HANDOVER_NUMBERS 11
struct handover_number {
	const char *name;
	bool known;
	uint64_t value;
};
void handover_numbers(const struct handover *h,
		      struct handover_number ret[static HANDOVER_NUMBERS]);

/* What is known of data in the end: @direct may be all zeros.  @sees_all: whatever the peer sends
 * passes here, direct or not; else data may come as ordinary packets of which nobody tells. */
void handover_judge(struct handover *h, const struct lnx_traffic *direct,
		    const struct handover_tunnel *tunnel, bool sees_all);

/* Whether @h can end at @now; else *ret_due is when to look again. */
bool handover_is_over(const struct handover *h, struct bub_time now, struct bub_time *ret_due);

#endif
