/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Path reports: what each end tells the other of what gets through on the direct path (report.c).
 */
#ifndef BUB_CORE_BUL_REPORT_H
#define BUB_CORE_BUL_REPORT_H

#include "core.h"

struct path_report {
	/* Of the peer's path to this node. */
	struct timer timer; /* what is missing by then is told */
	bool waited;        /* it has been told since the peer came there, or this node here */
	bool expects_copy;  /* the peer knew where this node is when it sent its update */
	/* Of this node's path to the peer. */
	struct in6_addr copy_to; /* where the last Binding Update went directly; :: nowhere */
	bool has_cookie;
	struct in6_addr cookie_from;
	uint8_t cookie[BUB_COOKIE_LEN]; /* of the last acknowledgement that came straight here */
	uint16_t peer_port;             /* where it takes what is in UDP; 0: it does not */
	struct timer udp_timer;         /* UDP is to be tried */
	bool in_udp;                    /* the trial */
	bool tried;                     /* trial_sequence went out on the direct path alone */
	uint16_t trial_sequence;
	bool told; /* the peer has said that nothing with the headers of data gets there */
};

/* What a report gives reason to do. */
enum {
	REPORT_OPEN = 1 << 0,   /* the headers of data get there: data goes directly */
	REPORT_DOUBT = 1 << 1,  /* nothing shows that they do */
	REPORT_COOKIE = 1 << 2, /* the cookie is to go back through the home agents */
	REPORT_TRY = 1 << 3,    /* what may just have got lost is to be sent again */
};

/* @on_timer(eng, @owner) is called when what is missing is to be told, @on_udp when UDP is to be
 * tried. */
void report_init(struct path_report *r, void (*on_timer)(struct bub_engine *eng, void *owner),
		 void (*on_udp)(struct bub_engine *eng, void *owner), void *owner);
/* This node is somewhere else, or nothing is left of the mode. */
void report_reset(struct bub_engine *eng, struct path_report *r);
/* The peer is somewhere else: what was known of the way to it is worth nothing. */
void report_on_peer_moved(struct bub_engine *eng, struct path_report *r);
/* The way to the peer is open. */
void report_on_open(struct path_report *r);
/* A Binding Update of the peer was accepted and answered, and not all has come that shows both
 * directions to be open.  @rtt_ms: of the last exchange with the peer. */
void report_await(struct bub_engine *eng, struct path_report *r, uint64_t rtt_ms);
/* Nothing is missing. */
void report_stop(struct bub_engine *eng, struct path_report *r);
/* The Binding Update @sequence goes out; @direct: a copy of it straight to that address, and
 * @alone: only that, @in_udp: in UDP.  NULL: none. */
void report_note_update(struct path_report *r, uint16_t sequence, const struct in6_addr *direct,
			bool alone, bool in_udp);
/* The cookie of an acknowledgement came straight from @from. */
void report_note_cookie(struct path_report *r, const struct in6_addr *from, const uint8_t *cookie);
/* The signed acknowledgement @rx shows that the headers of data get to the peer. */
bool report_shows_open(const struct path_report *r, const struct rx *rx);
/* UDP is tried, unless the headers of data are seen to get through both ways until then. */
void report_try_udp_later(struct bub_engine *eng, struct path_report *r);
/* The signed acknowledgement @rx answers what went in UDP and nowhere else. */
bool report_answers_udp(const struct path_report *r, const struct rx *rx);
/* What the report in the signed acknowledgement @rx gives reason to do, where the peer is at
 * @peer_at now: REPORT_*. */
unsigned report_judge(struct path_report *r, const struct rx *rx, const struct in6_addr *peer_at);

#endif
