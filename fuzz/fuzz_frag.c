/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Fuzz target: fragments of outer packets, put together (RFC 8200, 4.5; RFC 5722).
 *
 * The input is a row of packets, each behind two octets: five bits of time that passes, eleven of
 * length.  The promise tested: a packet that is whole has the length that its header names and the
 * addresses of its last fragment.
 */
#include <string.h>

#include "frag.h"
#include "fuzz.h"

#define STEP_NS 3000000000ull
#define IP6_LEN 40

static void check(const struct frag_in *f, const uint8_t *whole, size_t len)
{
	FUZZ_REQUIRE(len >= IP6_LEN && len <= FRAG_PACKET_MAX + 128);
	FUZZ_REQUIRE((size_t)(whole[4] << 8 | whole[5]) == len - IP6_LEN);
	FUZZ_REQUIRE(memcmp(whole + 8, f->packet + 8, 32) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct frag_table *t = frag_new(3);
	uint64_t now_ns = 0;

	FUZZ_REQUIRE(t != NULL);
	while (size >= 2) {
		size_t len = (size_t)(data[0] & 7) << 8 | data[1];
		struct frag_in f = {.named_at = 6, .at = IP6_LEN};
		uint8_t *copy, *whole;
		size_t whole_len;

		now_ns += (data[0] >> 3) * STEP_NS;
		data += 2;
		size -= 2;
		if (len > size)
			len = size;
		copy = malloc(len > 0 ? len : 1); /* its own, so that a read past the end is seen */
		FUZZ_REQUIRE(copy != NULL);
		memcpy(copy, data, len);
		f.packet = copy;
		f.len = len;
		if (len > 1 && copy[0] & 1) { /* behind other headers */
			f.at += (size_t)8 * (copy[1] & 15);
			f.named_at = f.at > IP6_LEN ? IP6_LEN : 6;
		}
		if (frag_take(t, now_ns, &f, &whole, &whole_len) == FRAG_WHOLE)
			check(&f, whole, whole_len);
		free(copy);
		data += len;
		size -= len;
	}
	frag_free(t);
	return 0;
}
