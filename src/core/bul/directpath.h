/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What is known of the direct path between the care-of addresses of a pair (directpath.c).
 */
#ifndef BUB_CORE_BUL_DIRECTPATH_H
#define BUB_CORE_BUL_DIRECTPATH_H

#include "bul/ends.h"

#define PROBE_DIRECT_S 30u /* a broken direct path is tried again so often */

enum direct_state {
	DIRECT_OPEN,
	DIRECT_DOUBTED,  /* something with the headers of data is missing: looked at */
	DIRECT_BROKEN,   /* signed tests got no answer: data goes through the home agents */
	DIRECT_UDP,      /* what is in UDP gets through, but not what has the headers of data */
	DIRECT_FILTERED, /* it lets tests through, but not what has the headers of data */
};

struct direct_path {
	enum direct_state state;
	const char *why; /* what has shown that; NULL: nothing */
	bool peer_left;  /* it acknowledges from elsewhere than where it is bound */
	bool asked;      /* a signed CoTI is out */
	unsigned sends;  /* of it, without an answer */
	uint8_t cookie[BUB_COOKIE_LEN];
	uint32_t trial_s;        /* until the next trial */
	struct timer look_timer; /* the path is to be looked at */
};

/* @on_look(eng, @owner) is called when the path is to be looked at. */
void directpath_init(struct direct_path *d, void (*on_look)(struct bub_engine *eng, void *owner),
		     void *owner);
/* Nothing is known of the path: it is taken for open, and not looked at.  @why goes into the trace.
 */
void directpath_reset(struct bub_engine *eng, struct direct_path *d, const struct ends *ends,
		      const char *why);
/* Its name for a status. */
const char *directpath_name(const struct direct_path *d);
/* What a person should know of the path of a peer with Kabm. */
const char *directpath_why(const struct direct_path *d);
/* The same of a peer without. */
const char *directpath_why_ro(enum direct_state state);
bool directpath_is_open(const struct direct_path *d);
/* The peer is not where its binding here says, or is again; true: that is news. */
bool directpath_peer_left(struct direct_path *d, bool left);
/* A look is under way, or is to come. */
bool directpath_is_watched(const struct direct_path *d);
/* It is looked at after @ms; an answer from where the peer was does not count. */
void directpath_look_in(struct bub_engine *eng, struct direct_path *d, uint64_t ms);
/* The look that is due has to wait for @ms. */
void directpath_postpone(struct bub_engine *eng, struct direct_path *d, uint64_t ms);
/* What was asked is not awaited any more. */
void directpath_end_look(struct direct_path *d);
/* A broken path that cannot be looked at now is looked at later. */
void directpath_look_later(struct bub_engine *eng, struct direct_path *d);
/* Asks by a CoTI that is signed with @key (draft, appendix A). */
void directpath_ask(struct bub_engine *eng, struct direct_path *d, const struct ends *ends,
		    const struct bub_key *key);
/* It has been asked as often as silence may be met with. */
bool directpath_is_silent(const struct direct_path *d);
/* The CoT @rx has the cookie of what was asked. */
bool directpath_is_answer(const struct direct_path *d, const struct rx *rx);
/* What a look, or an acknowledgement, has come to.  True: whether data goes direct has changed. */
bool directpath_found(struct bub_engine *eng, struct direct_path *d, const struct ends *ends,
		      enum direct_state state, const char *why);
/* Arms the timer for one more trial of a filtered path. */
void directpath_next_trial(struct bub_engine *eng, struct direct_path *d);

#endif
