/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * For who has many SAs (esp.h), whose memory no cache holds: what makes a look at one cheaper.
 */
#ifndef BUB_ESP_MANY_H
#define BUB_ESP_MANY_H

#include "esp.h"

/* A packet under @spi is to be opened soon, and its answer to @owner sealed: memory may be asked
 * for meanwhile, first for where the searches begin and, when some time has passed, for the SAs. */
void esp_sad_expect(const struct esp_sad *sad, uint32_t spi, const struct in6_addr *owner,
		    bool sas);

/* That of the status, alone. */
uint64_t esp_sa_sequence(const struct esp_sa *sa);

#endif
