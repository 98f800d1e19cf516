/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Static key management for ESP: from one secret that a mobile node and its home agent share to
 * the four security associations between them.  Keys that are agreed on (src/keys) feed the same
 * database with a set of the same places.
 */
#ifndef BUB_ESP_KEYS_H
#define BUB_ESP_KEYS_H

#include "esp.h"

#define ESP_SECRET_MIN 16 /* octets */
#define ESP_SECRET_MAX 256

/* Index of an SA of the set. */
enum {
	ESP_SET_TRANSPORT_UP,   /* mobile node to home agent: Binding Update */
	ESP_SET_TRANSPORT_DOWN, /* Binding Acknowledgement */
	ESP_SET_TUNNEL_UP,
	ESP_SET_TUNNEL_DOWN,
	ESP_SET_COUNT,
	/* Behind them where the two ends have agreed on that: a pair for data alone, so that
	 * another than who seals the messages can have its numbers. */
	ESP_SET_PAYLOAD_UP = ESP_SET_COUNT,
	ESP_SET_PAYLOAD_DOWN,
	ESP_SET_MAX,
};

/* Writes what the place in the set says of an SA: direction, mode, what it covers, and its owner.
 */
void esp_set_place(struct esp_sa_params *p, unsigned index, const struct in6_addr *home,
		   bool at_home_agent);

/*
 * Derives the set by HKDF-SHA-256 (salt: "bub esp 1"; info: home address, home agent address,
 * index) to encryption key, integrity key, SPI and id.  @at_home_agent turns the directions round;
 * both ends get the same keys and SPIs.  Sequence numbers are left zero.
 *
 * Returns 0, or -1 when @secret_len is out of bounds or libcrypto fails.
 */
int esp_derive_set(const uint8_t *secret, size_t secret_len, const struct in6_addr *home,
		   const struct in6_addr *home_agent, bool at_home_agent,
		   struct esp_sa_params ret_set[static ESP_SET_COUNT]);

/* Sets the id of an SA whose keys were written out: it is the integrity key's, as numbers may not
 * come twice under that one.  Returns 0, or -1 when libcrypto fails. */
int esp_set_id(struct esp_sa_params *p);

#define ESP_MARK_LEN 32

/* A mark of @len octets at @data under @key, by HMAC-SHA-256: it says whether another secret is the
 * same one, without having it.  Returns 0, or -1 when libcrypto fails. */
int esp_mark(const uint8_t key[static ESP_MARK_LEN], const uint8_t *data, size_t len,
	     uint8_t ret_mark[static ESP_MARK_LEN]);

#endif
