/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What every fuzz target defines, and how it says that something is wrong.
 */
#ifndef BUB_FUZZ_H
#define BUB_FUZZ_H

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

/* The entry point that libFuzzer and replay.c call; always returns 0. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Stops the fuzzer on a broken promise; unlike assert() it cannot be compiled out. */
#define FUZZ_REQUIRE(condition)                                                                    \
	do {                                                                                       \
		if (!(condition))                                                                  \
			abort();                                                                   \
	} while (0)

#endif
