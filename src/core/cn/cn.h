/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Correspondent: what the other roles may ask of it and tell it: binding cache (bcache.c), tests
 * and Binding Updates (cn.c), data that came (proof.c).
 */
#ifndef BUB_CORE_CN_CN_H
#define BUB_CORE_CN_CN_H

#include "core.h"

/* RFC 6275, 12. */
#define MAX_TOKEN_LIFETIME_S 210u
#define MAX_RR_BINDING_LIFETIME_S 420u

struct binding_cache_entry; /* cn/binding.h */
struct bul_entry;

/* bcache.c */

/* Takes the room for this role out of the arena; NULL: only the size is asked for. */
struct cn *cn_lay_out(struct arena *ar, const struct bub_config *cfg, uint64_t seed);
/* How many timers it may have at once. */
uint32_t cn_timers(const struct bub_config *cfg);
/* The entry in slot *@at or the first one behind it; *@at becomes the slot after that.  NULL: none.
 */
struct binding_cache_entry *binding_from(const struct bub_engine *eng, unsigned *at);
/* How many there are. */
uint32_t cn_used(const struct bub_engine *eng);
/* Every entry, the deleted ones too: begins and ends with NULL. */
struct binding_cache_entry *binding_next(const struct bub_engine *eng,
					 const struct binding_cache_entry *after);
/* Active binding only. */
struct binding_cache_entry *binding_active(const struct bub_engine *eng,
					   const struct in6_addr *local,
					   const struct in6_addr *home);
/* An ICMPv6 error says that nobody gets through to the care-of address.  Only where that persists
 * the binding is deleted (RFC 6275, 9.3.4). */
void binding_unreachable(struct bub_engine *eng, struct binding_cache_entry *b);
/* The key that it was signed with is gone: it lives no longer than any other (RFC 6275, 12). */
void binding_cap(struct bub_engine *eng, struct binding_cache_entry *b);
void binding_delete(struct bub_engine *eng, struct binding_cache_entry *b, const char *why);

/* cn.c */

void cn_on_test_init(struct bub_engine *eng, const struct rx *rx);
/* The Home Test or Care-of Test that answers @rx. */
struct mh_out cn_test_answer(struct bub_engine *eng, const struct rx *rx);

/* proof.c */

/* Data with the Home Address option came from the care-of address. */
void proof_on_flow(struct bub_engine *eng, const struct in6_addr *local,
		   const struct in6_addr *peer);

/* nonce.c */

void nonce_init(struct bub_engine *eng);

#endif
