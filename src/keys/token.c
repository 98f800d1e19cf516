/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Restart tokens of a mobile node.
 */
#include "keys_token.h"

#include <openssl/crypto.h>
#include <string.h>

void keys_tokens_add(struct keys_tokens *t, const uint8_t *token)
{
	t->has[1] = t->has[0];
	memcpy(t->octets[1], t->octets[0], KEYS_TOKEN_LEN);
	t->has[0] = token != NULL;
	if (token != NULL)
		memcpy(t->octets[0], token, KEYS_TOKEN_LEN);
	else
		memset(t->octets[0], 0, KEYS_TOKEN_LEN);
}

void keys_tokens_settle(struct keys_tokens *t)
{
	t->has[1] = false;
	memset(t->octets[1], 0, KEYS_TOKEN_LEN);
}

bool keys_tokens_use(struct keys_tokens *t, const uint8_t token[static KEYS_TOKEN_LEN])
{
	bool found = false;

	for (unsigned i = 0; i < 2; i++) {
		const bool same = CRYPTO_memcmp(t->octets[i], token, KEYS_TOKEN_LEN) == 0;

		found = (same && t->has[i]) || found;
	}
	if (found)
		memset(t, 0, sizeof(*t));
	return found;
}
