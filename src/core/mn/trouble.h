/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Mobile node: why does the home agent not answer?  See trouble.c.
 */
#ifndef BUB_CORE_MN_TROUBLE_H
#define BUB_CORE_MN_TROUBLE_H

#include "core.h"

struct trouble {
	struct bub_time told_at; /* the last line */
	struct bub_time since;   /* the first Binding Update without an answer */
	uint32_t pause_s;        /* no line before that after told_at, while nothing changes */
	uint32_t unanswered;     /* Binding Updates, whatever care-of address they came from */
	enum bub_trouble known;  /* what is wrong; NONE: all is well, as far as is known */
	enum bub_trouble told;   /* the line that stands */
	enum bub_trouble heard;  /* what was heard since */
	uint32_t heard_at;       /* .. when so many were out */
	struct in6_addr heard_from;
	struct in6_addr reporter; /* of what is told */
	bool asked;               /* in the clear, with that cookie */
	uint8_t cookie[BUB_COOKIE_LEN];
};

/* A Binding Update goes to the home agent. */
void trouble_sent(struct bub_engine *eng, struct home_registration *h);
/* .. and after that: asks in the clear, where several were not answered. */
void trouble_ask(struct bub_engine *eng, struct home_registration *h);
/* An answer is late: before the Binding Update is repeated. */
void trouble_late(struct bub_engine *eng, struct home_registration *h);
/* The home agent has answered; with an error. */
void trouble_over(struct bub_engine *eng, struct home_registration *h);
void trouble_refused(struct bub_engine *eng, struct home_registration *h, uint8_t status);
/* What that status means, as a clause. */
const char *trouble_refusal(uint8_t status);
/* At home by the address @address, whose link says otherwise. */
void trouble_misplaced(struct bub_engine *eng, struct home_registration *h,
		       const struct in6_addr *address, uint8_t prefix_len);
/* Another care-of address: what routers said was about the path before.  Nothing is waited for any
 * more. */
void trouble_moved(struct home_registration *h);
void trouble_forget(struct home_registration *h);

#endif
