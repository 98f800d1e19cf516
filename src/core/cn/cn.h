/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Correspondent: what the other roles may ask of it and tell it: binding cache (bcache.c), tests
 * and Binding Updates (cn.c), data that came (proof.c).
 */
#ifndef BUB_CORE_CN_CN_H
#define BUB_CORE_CN_CN_H

#include "core.h"
#include "path.h"

/* RFC 6275, 12. */
#define MAX_TOKEN_LIFETIME_S 210u
#define MAX_RR_BINDING_LIFETIME_S 420u

struct binding_cache_entry; /* cn/binding.h */
struct bul_entry;

/* A Binding Update to this node as correspondent: what it asks for, who signed it, and what has
 * become of it. */
struct update {
	const struct rx *rx;
	struct binding_cache_entry *binding; /* NULL: none yet */
	struct in6_addr care_of;             /* to register; the home address: delete */
	struct in6_addr covered;             /* by the Authenticator, and by that of the answer */
	bool deletes;
	bool home_registered; /* this home address has a home registration here */
	/* Who signed it: cn_signed_by(). */
	bool bub; /* the peer, with Kabm */
	struct bub_key key;
	bool has_key;
	bool both_ways;    /* the direct path is not open: the answer goes the second way, too */
	uint16_t udp_port; /* it came in UDP, and so does the answer; 0: not */
	uint8_t report;    /* what that one reports beside what has come: BUB_REPORT_WAITED or 0 */
	bool straight;     /* under Kbm: the answer goes straight there, as data does */
	uint16_t last_sequence; /* last one accepted, where this one is not greater */
	/* What became of it. */
	bool accepted;
	bool moved; /* the binding was none, or for another care-of address */
	bool fresh; /* the binding was none */
};

/* bcache.c */

/* Takes the room for this role out of the arena; NULL: only the size is asked for. */
struct cn *cn_lay_out(struct arena *ar, const struct bub_config *cfg, uint64_t seed);
/* How many timers it may have at once. */
uint32_t cn_timers(const struct bub_config *cfg);
/* The entry in slot *@at or the first one behind it; *@at becomes the slot after that.  NULL: none.
 */
struct binding_cache_entry *binding_from(const struct bub_engine *eng, unsigned *at);
/* How many entries there are. */
uint32_t cn_used(const struct bub_engine *eng);
/* Every entry, the deleted ones too: begins and ends with NULL. */
struct binding_cache_entry *binding_next(const struct bub_engine *eng,
					 const struct binding_cache_entry *after);
/* The entry, a deleted one too; NULL: none. */
struct binding_cache_entry *binding_find(const struct bub_engine *eng, const struct in6_addr *local,
					 const struct in6_addr *home);
/* Active binding only. */
struct binding_cache_entry *binding_active(const struct bub_engine *eng,
					   const struct in6_addr *local,
					   const struct in6_addr *home);
/* False: the binding was deleted, and only its sequence number is kept. */
bool binding_is_active(const struct binding_cache_entry *b);
/* The address here that the peer registered with, and the peer's home and care-of addresses. */
const struct in6_addr *binding_local(const struct binding_cache_entry *b);
const struct in6_addr *binding_home(const struct binding_cache_entry *b);
const struct in6_addr *binding_care_of(const struct binding_cache_entry *b);
/* The last Binding Update was signed with Kabm. */
bool binding_is_by_kabm(const struct binding_cache_entry *b);
/* The key that signed the last Binding Update. */
const struct bub_key *binding_signer(const struct binding_cache_entry *b);
/* Where data goes directly, for path.c. */
struct recent *binding_sent_to(struct binding_cache_entry *b);
/* What a status tells of the binding. */
void binding_fill_status(const struct binding_cache_entry *b, struct bub_time now,
			 struct bub_peer_status *ret);
/* An ICMPv6 error says that nobody gets through to the care-of address.  Only where that persists
 * the binding is deleted (RFC 6275, 9.3.4). */
void binding_unreachable(struct bub_engine *eng, struct binding_cache_entry *b);
/* The key that signed the binding is gone: the binding lives no longer than one under Kbm may
 * (RFC 6275, 12). */
void binding_cap(struct bub_engine *eng, struct binding_cache_entry *b);
void binding_delete(struct bub_engine *eng, struct binding_cache_entry *b, const char *why);

/* cn.c */

void cn_on_test_init(struct bub_engine *eng, const struct rx *rx);
/* The Home Test or Care-of Test that answers @rx. */
struct mh_out cn_test_answer(struct bub_engine *eng, const struct rx *rx);
/* Looks at what all updates are checked for (RFC 6275, 9.5.1).  False: it is discarded. */
bool cn_take_update(struct bub_engine *eng, const struct rx *rx, struct update *ret);
/* The other form of the Authenticator of a deletion; false: there is none to try. */
bool cn_take_other_form(struct update *u);
/* @u is signed with the Kbm that its nonce indices name. */
bool cn_is_genuine(struct bub_engine *eng, struct update *u);
/* It came straight from care-of address to care-of address, with the headers that data has. */
bool cn_has_data_headers(const struct rx *rx);
/* @u claims to be signed with Kbm: accepts it, or refuses, or discards. */
void cn_on_update(struct bub_engine *eng, struct update *u);
/* @u is signed with @kabm. */
void cn_signed_by(struct update *u, const struct bub_key *kabm);
/* @u, whose signature is right by u->key. */
void cn_accept(struct bub_engine *eng, struct update *u);
void cn_refuse(struct bub_engine *eng, const struct update *u, uint8_t status, enum bub_drop why);
/* The number of @u is not greater than @last. */
void cn_refuse_sequence(struct bub_engine *eng, struct update *u, uint16_t last);

/* Acknowledges the last update of @b once more, through the home agents, and reports what has come
 * of it on the direct path. */
void cn_report(struct bub_engine *eng, const struct binding_cache_entry *b,
	       const struct home_registration *h);

/* proof.c */

/* The path to the care-of address is proved. */
bool proof_is_good(const struct binding_cache_entry *b);
/* From now on it is; @how goes into the trace. */
void proof_give(struct bub_engine *eng, struct binding_cache_entry *b, const char *how);
/* Only the address was proved, not that the headers of data get through. */
void proof_take_back(struct bub_engine *eng, struct binding_cache_entry *b);
/* The cookie is not answered, or the Binding Update came again although its acknowledgement, with
 * the cookie, has gone out. */
bool proof_is_unanswered(const struct binding_cache_entry *b);
/* What was sent there with the headers of data has not been answered in time. */
void proof_note_unanswered(struct binding_cache_entry *b);
/* The headers of data have got there after all. */
void proof_take_back_silence(struct binding_cache_entry *b);
/* A cookie that went there in UDP. */
bool proof_is_of_udp(const uint8_t cookie[static BUB_COOKIE_LEN]);
/* The care-of address was sent @cookie, in UDP or not. */
bool proof_has_cookie(const struct binding_cache_entry *b,
		      const uint8_t cookie[static BUB_COOKIE_LEN]);
/* The cookie has come back, signed: what has the headers of data gets through. */
void proof_on_cookie(struct binding_cache_entry *b);
/* Something with the headers that data has came from the care-of address to where this node is. */
bool proof_headers_came(const struct binding_cache_entry *b);
void proof_note_headers(struct binding_cache_entry *b, bool came);
/* Under Kbm: nothing has shown yet that the headers of data get through. */
bool proof_awaits_headers(const struct binding_cache_entry *b);
/* How far the path to the care-of address is trusted by this node, which is @away from home or not;
 * takes the grant. */
void proof_fill_path(struct binding_cache_entry *b, bool away, struct bub_path *path);

/* Data with the Home Address option came from the care-of address. */
void proof_on_flow(struct bub_engine *eng, const struct in6_addr *local,
		   const struct in6_addr *peer);

/* nonce.c */

void nonce_init(struct bub_engine *eng);
/* Token for a nonce handed out before; false: it has expired. */
bool nonce_token_at(struct bub_engine *eng, const struct in6_addr *address, bool care_of,
		    uint16_t index, uint8_t ret_token[static BUB_TOKEN_LEN]);
/* The BUB cookie for a CoTI of @home from @care_of; false: the nonce has expired. */
bool nonce_bub_cookie(struct bub_engine *eng, const struct in6_addr *home,
		      const struct in6_addr *care_of, const uint8_t cookie[static BUB_COOKIE_LEN],
		      uint16_t index, uint8_t ret_cookie[static BUB_COOKIE_LEN]);

#endif
