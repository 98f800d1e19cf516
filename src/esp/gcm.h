/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * AES-GCM by libipsec-mb, where bub was built with it and the processor has what it is fast by. One
 * packet is one call there, and no name is looked up: libcrypto takes five times as long for 1,400
 * octets and seven times for 64.  Without it there is libcrypto.
 *
 * Private to src/esp.
 */
#ifndef BUB_ESP_GCM_H
#define BUB_ESP_GCM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define GCM_KEY_ALIGNMENT 64

struct gcm_key; /* a key with what is made of it: key_size octets at GCM_KEY_ALIGNMENT */

/* What one packet's calls have in common.  @nonce: 12 octets; @aad: 12, SPI and number. */
struct gcm_packet {
	const struct gcm_key *key;
	const uint8_t *nonce, *aad;
};

struct gcm {
	size_t key_size;
	/* @octets: @len of them, 16 or 32. */
	void (*load)(const struct gcm *gcm, struct gcm_key *key, const uint8_t *octets, size_t len);
	/* Encrypts @len octets at @body in place, and writes an ICV of 16 octets. */
	void (*seal)(const struct gcm *gcm, const struct gcm_packet *p, uint8_t *body, size_t len,
		     uint8_t *ret_icv);
	/* Decrypts @len octets from @body to @plain, and writes the ICV that they should have. */
	void (*unseal)(const struct gcm *gcm, const struct gcm_packet *p, const uint8_t *body,
		       size_t len, uint8_t *plain, uint8_t *ret_icv);
	void (*free)(struct gcm *gcm);
};

/* NULL: not built in, not for this processor, it failed its own tests, or no memory. */
struct gcm *gcm_new(void);

#endif
