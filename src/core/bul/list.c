/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The table of the binding update list (RFC 6275, 11.1).
 */
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
	return directpath_is_open(&p->direct) && !p->direct.peer_left && !doubt_diverts(&p->doubt);
}

bool peer_path_is_asked(const struct bub_engine *eng, const struct bul_entry *p)
{
	return core_config(eng)->check_care_of && core_config(eng)->ack_correspondents &&
	       !kabm_is_held(&p->kabm) && p->bub_policy != BUB_POLICY_REQUIRE &&
	       home_is_direct(p->home) && binding_active(eng, &p->key.a, &p->key.b) != NULL;
}

struct recent *peer_sent_from(struct bul_entry *p)
{
	return &p->sent_from;
}
