/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * An inbound SA that was used by somebody else before: which numbers he has seen is not known, so
 * nothing that it opens counts until the sender has shown where he is (docs/esp.md, "Taking over").
 * And what the two ends ask each other about that, inside dummy packets.
 */
#ifndef BUB_ESP_DOUBT_H
#define BUB_ESP_DOUBT_H

#include "esp.h"

/* What @sa opens is ESP_DOUBT from now on, but for dummies. */
void esp_sa_doubt(struct esp_sa *sa);

/* The last packet that @sa opened was sent after everything that the other one has seen: whatever
 * has a number up to that counts as seen, and what follows is good. */
void esp_sa_settle(struct esp_sa *sa);

/* As esp_seal_dummy(), with @note in it, ESP_DUMMY_MAX octets at most.  Who opens it finds them in
 * its buffer. */
enum esp_result esp_seal_note(struct esp_sa *sa, const struct in6_addr *src,
			      const struct in6_addr *dst, const uint8_t *note, size_t len,
			      const uint8_t iv[static 16], uint8_t *out, size_t out_cap,
			      size_t *ret_len);

#endif
