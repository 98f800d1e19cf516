/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Restart tokens: what a home agent that has lost its keys shows, in the clear, so that its mobile
 * node agrees anew at once (docs/keys.md, "A home agent that restarted").  The home agent hands one
 * out with each agreement and keeps it beside the binding; the mobile node keeps it here.  Each is
 * good for one use, and only so long as its keys are in use or about to be.
 */
#ifndef BUB_KEYS_TOKEN_H
#define BUB_KEYS_TOKEN_H

#include "keys.h"

/* The token of the keys in use, and of those before them: while both ends change from one to the
 * other it is not known which one the home agent has on its disk.  All zeros: none. */
struct keys_tokens {
	bool has[2]; /* newest first */
	uint8_t octets[2][KEYS_TOKEN_LEN];
};

/* Keys were agreed on; NULL: the home agent handed out no token with them. */
void keys_tokens_add(struct keys_tokens *t, const uint8_t *token);

/* The keys before the newest are in use no more. */
void keys_tokens_settle(struct keys_tokens *t);

/* Whether @token is one of them; then both are used up.  Takes as long whatever it is. */
bool keys_tokens_use(struct keys_tokens *t, const uint8_t token[static KEYS_TOKEN_LEN]);

#endif
