/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Algorithms of ESP that keys are agreed on for, and SPIs: names and choices.
 */
#ifndef BUB_KEYS_SUITE_H
#define BUB_KEYS_SUITE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "esp.h"

#define KEYS_SUITE_COUNT 3u

/* "aes-128-gcm", "aes-256-gcm", "chacha20-poly1305"; NULL: @alg is none of these. */
const char *keys_suite_name(enum esp_alg alg);
bool keys_suite_find(const char *name, enum esp_alg *ret_alg);

/* What a processor has instructions for. */
struct keys_cpu {
	bool aes;   /* rounds of AES */
	bool clmul; /* products without carries, for the hash of GCM */
};

/* Reads the flags of /proc/cpuinfo: the words behind "flags" (x86) or "Features" (ARM). */
struct keys_cpu keys_cpu_of(const char *flags);

/* All three, the one that such a processor is fastest at first. */
void keys_suites_by_cpu(struct keys_cpu cpu, enum esp_alg ret_suites[static KEYS_SUITE_COUNT]);

/* The first of @wanted that is in @had as well; false: none. */
bool keys_suite_choose(const enum esp_alg *wanted, size_t wanted_count, const enum esp_alg *had,
		       size_t had_count, enum esp_alg *ret_alg);

/* An SPI, from 256 on (RFC 4303, 2.1), that is not @taken, where the search starts at @random. */
uint32_t keys_spi(uint32_t random, bool (*taken)(void *ctx, uint32_t spi), void *ctx);

#endif
