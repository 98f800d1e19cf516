/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What nobody signs, and the probe that it may start (suspect.c).
 */
#ifndef BUB_CORE_BUL_SUSPECT_H
#define BUB_CORE_BUL_SUSPECT_H

#include "bul/bul.h"

#define SUSPECT_S 30u /* what nobody signed is looked into so often, for each peer */
#define PROGRESS_S 3u /* data that came in so long ago shows that it gets through */

/* A Binding Update under Kabm that only asks whether the peer still holds it. */
struct probe {
	uint16_t sequence; /* of the last one */
	unsigned sends;
	uint32_t interval_ms;
	struct timer timer; /* set: one is out */
};

/* What messages that nobody signed have brought about. */
struct doubt {
	struct bub_time at; /* the last one that was looked into */
	bool answered;      /* the peer has answered us in this session */
	bool unknown;       /* said not to know what is outstanding */
	bool refused;       /* left alone for that */
};

void suspect_init(struct peer *p);
/* The peer has answered us: it does Mobile IPv6, whatever is said. */
void suspect_answered(struct peer *p);
/* Something says that the peer does not know what we sent.  It is judged when no answer has come
 * by the next repetition; false: it is not believed. */
bool suspect_unknown(struct bub_engine *eng, struct peer *p);
/* No answer has come: true where the peer is left alone from now on. */
bool suspect_judge(struct bub_engine *eng, struct peer *p);
/* A newer Binding Update takes the probe's place. */
void suspect_stop(struct bub_engine *eng, struct peer *p);
/* True where @rx answers the probe. */
bool suspect_on_ba(struct bub_engine *eng, struct peer *p, const struct rx *rx);

#endif
