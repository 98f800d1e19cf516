/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The correspondent's node key and nonces (RFC 6275, 5.2.1 and 5.2.2).
 *
 * One list of nonces serves home and care-of tests.  A nonce is handed out while it is younger than
 * NONCE_FRESH_S and accepted until MAX_NONCE_LIFETIME, so a token is good for at least
 * MAX_TOKEN_LIFETIME after it was received.  Time is the caller's monotonic clock, and indices
 * wrap modulo 2^16 with the ring's slot taken from the index: two mistakes of other stacks.
 */
#include <string.h>

#include "cn/nonce.h"
#include "cn/state.h"

#define NONCE_FRESH_S (MAX_NONCE_LIFETIME_S - MAX_TOKEN_LIFETIME_S)

_Static_assert(NONCES > MAX_NONCE_LIFETIME_S / NONCE_FRESH_S, "a live nonce would be overwritten");
_Static_assert(65536 % NONCES == 0, "slots must stay in step when the index wraps");

static struct nonce *nonce_slot(struct bub_engine *eng, uint16_t index)
{
	return &core_cn(eng)->nonce[index % NONCES];
}

static bool nonce_is_alive(const struct bub_engine *eng, const struct nonce *n, uint16_t index,
			   uint32_t s)
{
	return n->valid && n->index == index &&
	       bub_time_ms_between(n->made, core_now(eng)) < (uint64_t)s * 1000;
}

void nonce_init(struct bub_engine *eng)
{
	core_random(eng, core_cn(eng)->kcn, sizeof core_cn(eng)->kcn);
	core_random(eng, &core_cn(eng)->last_nonce, sizeof core_cn(eng)->last_nonce);
}

void nonce_token(struct bub_engine *eng, const struct in6_addr *address, bool care_of,
		 uint16_t *ret_index, uint8_t ret_token[static BUB_TOKEN_LEN])
{
	struct nonce *n = nonce_slot(eng, core_cn(eng)->last_nonce);

	if (!nonce_is_alive(eng, n, core_cn(eng)->last_nonce, NONCE_FRESH_S)) {
		n = nonce_slot(eng, ++core_cn(eng)->last_nonce);
		n->valid = true;
		n->index = core_cn(eng)->last_nonce;
		n->made = core_now(eng);
		core_random(eng, n->octets, sizeof n->octets);
	}
	*ret_index = n->index;
	bub_keygen_token(core_crypto(eng), core_cn(eng)->kcn, address, n->octets, care_of,
			 ret_token);
}

bool nonce_token_at(struct bub_engine *eng, const struct in6_addr *address, bool care_of,
		    uint16_t index, uint8_t ret_token[static BUB_TOKEN_LEN])
{
	const struct nonce *n = nonce_slot(eng, index);

	if (!nonce_is_alive(eng, n, index, MAX_NONCE_LIFETIME_S))
		return false;
	bub_keygen_token(core_crypto(eng), core_cn(eng)->kcn, address, n->octets, care_of,
			 ret_token);
	return true;
}

bool nonce_bub_cookie(struct bub_engine *eng, const struct in6_addr *home,
		      const struct in6_addr *care_of, const uint8_t cookie[static BUB_COOKIE_LEN],
		      uint16_t index, uint8_t ret_cookie[static BUB_COOKIE_LEN])
{
	const struct nonce *n = nonce_slot(eng, index);

	if (!nonce_is_alive(eng, n, index, MAX_NONCE_LIFETIME_S))
		return false;
	bub_test_cookie(core_crypto(eng), core_cn(eng)->kcn, home, care_of, cookie, n->octets,
			ret_cookie);
	return true;
}

void nonce_forget(struct bub_engine *eng)
{
	for (unsigned i = 0; i < NONCES; i++)
		core_cn(eng)->nonce[i].valid = false;
}
