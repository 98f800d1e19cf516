/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The table of the binding update list, and how often its peers may be sent to (RFC 6275, 11.1 and
 * 11.8).
 */
#include <string.h>

#include "bul/entry.h"
#include "mn/mn.h"

struct bul *bul_lay_out(struct arena *ar, const struct bub_config *cfg, uint64_t seed)
{
	struct bul sizing, *bul = arena_take(ar, sizeof *bul);

	table_init(bul != NULL ? &bul->peers : &sizing.peers, ar,
		   cfg->n_homes > 0 ? cfg->limit.peers : 0, sizeof(struct bul_entry), seed);
	return bul;
}

uint32_t bul_timers(const struct bub_config *cfg)
{
	return cfg->n_homes > 0 ? BUL_TIMERS * cfg->limit.peers : 0;
}

struct bul_entry *bul_next(const struct bub_engine *eng, const struct bul_entry *after)
{
	return table_next(&core_bul(eng)->peers, after);
}

struct bul_entry *bul_find(const struct bub_engine *eng, const struct in6_addr *local,
			   const struct in6_addr *peer)
{
	return table_find(&core_bul(eng)->peers, local, peer);
}

/* When the last few went to the node of @p, newest first; @own in place of what @p counts. */
static void last_sent(const struct bub_engine *eng, const struct bul_entry *p, enum bul_rate kind,
		      const struct rate *own, struct bub_time ret[static MAX_UPDATE_RATE])
{
	memset(ret, 0, MAX_UPDATE_RATE * sizeof ret[0]);
	for (unsigned i = 0; mn_home(eng, i) != NULL; i++) {
		const struct bul_entry *q = bul_find(eng, home_address(mn_home(eng, i)), &p->key.b);
		const struct rate *r;

		if (q == NULL)
			continue;
		r = q == p ? own : &q->rate[kind];
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

static uint64_t since_ms(const struct bub_engine *eng, struct bub_time at)
{
	return at.ns != 0 ? bub_time_ms_between(at, core_now(eng)) : UINT64_MAX;
}

static uint64_t rate_wait(const struct bub_engine *eng, const struct bul_entry *p,
			  enum bul_rate kind, const struct rate *own)
{
	struct bub_time at[MAX_UPDATE_RATE];
	uint64_t ms;

	last_sent(eng, p, kind, own, at);
	ms = since_ms(eng, at[MAX_UPDATE_RATE - 1]);
	return ms < 1000 ? 1000 - ms : 0;
}

uint64_t bul_rate_wait(const struct bub_engine *eng, const struct bul_entry *p, enum bul_rate kind)
{
	return rate_wait(eng, p, kind, &p->rate[kind]);
}

void bul_rate_note(const struct bub_engine *eng, struct bul_entry *p, enum bul_rate kind)
{
	core_rate_note(eng, &p->rate[kind]);
}

uint64_t bul_rate_take(const struct bub_engine *eng, struct bul_entry *p, enum bul_rate kind)
{
	uint64_t wait_ms = bul_rate_wait(eng, p, kind);

	if (wait_ms == 0)
		bul_rate_note(eng, p, kind);
	return wait_ms;
}

uint64_t bul_copy_wait(const struct bub_engine *eng, const struct bul_entry *p)
{
	struct rate before = p->rate[BUL_UPDATES];

	before.next = (before.next + MAX_UPDATE_RATE - 1) % MAX_UPDATE_RATE;
	before.at[before.next] = (struct bub_time){0};
	return rate_wait(eng, p, BUL_UPDATES, &before);
}

bool bul_rate_is_idle(const struct bub_engine *eng, const struct bul_entry *p, enum bul_rate kind)
{
	struct bub_time at[MAX_UPDATE_RATE];

	last_sent(eng, p, kind, &p->rate[kind], at);
	return since_ms(eng, at[0]) >= 1000;
}

struct bul_entry *bul_of(struct bub_engine *eng, const struct rx *rx)
{
	for (unsigned i = 0; mn_home(eng, i) != NULL; i++) {
		struct home_registration *h = mn_home(eng, i);
		struct bul_entry *p = bul_find(eng, home_address(h), &rx->peer);

		if (p != NULL && (bub_addr_eq(home_care_of(h), &rx->local) ||
				  bub_addr_eq(home_address(h), &rx->local)))
			return p;
	}
	return NULL;
}

bool peer_holds_kabm(const struct bul_entry *p)
{
	return kabm_is_held(&p->kabm);
}

bool peer_path_is_open(const struct bul_entry *p)
{
	return directpath_is_open(&p->direct);
}

struct recent *peer_sent_from(struct bul_entry *p)
{
	return &p->sent_from;
}
