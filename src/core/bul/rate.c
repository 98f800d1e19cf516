/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * How often a peer may be sent to (RFC 6275, 11.8): MAX_UPDATE_RATE messages of a kind a second to
 * one node.  Several home addresses here may have an entry for the same node, so each entry notes
 * what it has sent, and a wait is worked out from all of them.
 */
#include <string.h>

#include "bul/entry.h"
#include "mn/mn.h"

/* When the last few went to the node of @p, newest first; @own in place of what @p counts. */
static void rate_last_sent(const struct bub_engine *eng, const struct bul_entry *p,
			   enum bul_rate kind, const struct rate *own,
			   struct bub_time ret[static MAX_UPDATE_RATE])
{
	memset(ret, 0, MAX_UPDATE_RATE * sizeof ret[0]);
	for (unsigned i = 0; mn_home(eng, i) != NULL; i++) {
		const struct bul_entry *q = bul_find(eng, home_address(mn_home(eng, i)), &p->key.b);
		const struct rate *r;

		if (q == NULL)
			continue;
		r = q == p ? own : &q->rates.of[kind];
		for (unsigned n = 0; n < MAX_UPDATE_RATE; n++) {
			struct bub_time at = r->at[n], older;

			for (unsigned k = 0; k < MAX_UPDATE_RATE; k++)
				if (at.ns > ret[k].ns) {
					older = ret[k];
					ret[k] = at;
					at = older;
				}
		}
	}
}

static uint64_t rate_since_ms(const struct bub_engine *eng, struct bub_time at)
{
	return at.ns != 0 ? bub_time_ms_between(at, core_now(eng)) : UINT64_MAX;
}

static uint64_t rate_wait(const struct bub_engine *eng, const struct bul_entry *p,
			  enum bul_rate kind, const struct rate *own)
{
	struct bub_time at[MAX_UPDATE_RATE];
	uint64_t ms;

	rate_last_sent(eng, p, kind, own, at);
	ms = rate_since_ms(eng, at[MAX_UPDATE_RATE - 1]);
	return ms < 1000 ? 1000 - ms : 0;
}

uint64_t bul_rate_wait(const struct bub_engine *eng, const struct bul_entry *p, enum bul_rate kind)
{
	return rate_wait(eng, p, kind, &p->rates.of[kind]);
}

void bul_rate_note(const struct bub_engine *eng, struct bul_entry *p, enum bul_rate kind)
{
	core_rate_note(eng, &p->rates.of[kind]);
}

uint64_t bul_rate_take(const struct bub_engine *eng, struct bul_entry *p, enum bul_rate kind)
{
	uint64_t wait_ms = bul_rate_wait(eng, p, kind);

	if (wait_ms == 0)
		bul_rate_note(eng, p, kind);
	return wait_ms;
}

void bul_rate_later(const struct bub_engine *eng, struct bul_entry *p, enum bul_rate kind)
{
	core_rate_later(eng, &p->rates.of[kind]);
}

uint64_t bul_copy_wait(const struct bub_engine *eng, const struct bul_entry *p)
{
	struct rate before = p->rates.of[BUL_UPDATES];

	before.next = (before.next + MAX_UPDATE_RATE - 1) % MAX_UPDATE_RATE;
	before.at[before.next] = (struct bub_time){0};
	return rate_wait(eng, p, BUL_UPDATES, &before);
}

bool bul_rate_is_idle(const struct bub_engine *eng, const struct bul_entry *p, enum bul_rate kind)
{
	struct bub_time at[MAX_UPDATE_RATE];

	rate_last_sent(eng, p, kind, &p->rates.of[kind], at);
	return rate_since_ms(eng, at[0]) >= 1000;
}
