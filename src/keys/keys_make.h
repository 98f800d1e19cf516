/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Makes a key and a certificate that vouches for itself, in memory: for fingerprints, and for
 * tests. The random octets are libcrypto's.
 */
#ifndef BUB_KEYS_MAKE_H
#define BUB_KEYS_MAKE_H

#include "keys.h"

#define KEYS_PEM_MAX 4096u

struct keys_made {
	char key[KEYS_PEM_MAX], certificate[KEYS_PEM_MAX]; /* PEM text */
	uint8_t fingerprint[KEYS_FINGERPRINT_LEN];
};

/*
 * @name        common name, at most 64 characters
 * @not_before  and @not_after: seconds since 1970
 * Returns false when libcrypto fails or @name does not fit.  Wipe @ret_made after use.
 */
bool keys_make(const char *name, int64_t not_before, int64_t not_after, struct keys_made *ret_made);

/* The same for the key that is there already, in PEM: its fingerprint stays what it is, so nobody
 * has to be told. */
bool keys_make_again(struct keys_octets key, const char *name, int64_t not_before,
		     int64_t not_after, struct keys_made *ret_made);

#endif
