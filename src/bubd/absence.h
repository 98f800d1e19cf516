/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A mobile node that is nowhere: no interface has an address that could be a care-of address.  Says
 * why, in the status and, where it lasts, in the log.
 */
#ifndef BUBD_ABSENCE_H
#define BUBD_ABSENCE_H

#include <uv.h>

#include "eventlog.h"
#include "linux.h"

struct absence {
	uv_timer_t timer;
	struct eventlog *events; /* borrowed, as those below */
	const struct bub_engine *engine;
	const struct lnx *lnx;
	unsigned wait_s; /* to the next look; 0: all is well, as far as is known */
};

/* absence_watch() may be called once the other members are set. */
void absence_init(struct absence *a, uv_loop_t *loop);

/* It is looked whether home addresses have no care-of address.  Where that lasts it is told, at
 * growing intervals. */
void absence_watch(struct absence *a);
void absence_trace(struct absence *a, const struct bub_trace *tr); /* .. when one has lost it */

/* The home address is neither at home nor away. */
bool absence_is_of(const struct bub_home_status *home);

/* Writes @before and what is wrong with each interface to @ret_text; nothing where nothing is
 * known. Returns the length. */
size_t absence_words(const struct lnx *lnx, const char *before, char *ret_text, size_t room);

#endif
