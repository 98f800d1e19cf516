/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Fuzz target: packets that are merged and taken apart again (src/linux/merged.h).
 *
 * The input is an octet of choices and a row of packets, each behind two octets of length.  With
 * the first choice the first packet is taken apart as one that stands for many: nothing is longer
 * than it, and all of its data comes out.  With the other one they are merged as they come; the
 * promise tested is that those of each merged packet come apart as the same octets.
 */
#include <string.h>

#include "fuzz.h"
#include "merged.h"

#define PACKETS 128

static uint8_t room[MERGE_MAX], out[65576];

struct row {
	const uint8_t *packet[PACKETS];
	size_t len[PACKETS];
	size_t n;
};

static void take_apart(const uint8_t *packet, size_t len, size_t size)
{
	size_t total = 0, n, count;
	struct merged m;

	if (!merged_begin(&m, packet, len, size))
		return;
	count = merged_count(&m);
	for (size_t i = 0; i < count; i++) {
		n = merged_next(&m, out);
		FUZZ_REQUIRE(n > m.head_len && n <= len && n <= m.head_len + size);
		total += n - m.head_len;
	}
	FUZZ_REQUIRE(merged_next(&m, out) == 0 && total == m.data_len);
}

/* Those from @first on are in @m. */
static void compare(struct merge *m, const struct row *row, size_t first)
{
	struct merged apart;

	merge_end(m);
	if (m->merged.n == 0) {
		FUZZ_REQUIRE(m->len == row->len[first] &&
			     memcmp(m->packet, row->packet[first], m->len) == 0);
		return;
	}
	FUZZ_REQUIRE(merged_begin(&apart, m->packet, m->len, m->merged.size) &&
		     merged_count(&apart) == m->merged.n);
	for (unsigned i = 0; i < m->merged.n; i++)
		FUZZ_REQUIRE(merged_next(&apart, out) == row->len[first + i] &&
			     memcmp(out, row->packet[first + i], row->len[first + i]) == 0);
}

static void merge_all(const struct row *row)
{
	struct merge m = {.packet = room};
	size_t first = 0;

	for (size_t i = 0; i < row->n; i++) {
		if (m.len > 0 && merge_add(&m, row->packet[i], row->len[i], false))
			continue;
		if (m.len > 0)
			compare(&m, row, first);
		m.len = 0;
		first = i;
		(void)merge_add(&m, row->packet[i], row->len[i], false);
	}
	if (m.len > 0)
		compare(&m, row, first);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct row row = {.n = 0};
	uint8_t choice;

	if (size < 1)
		return 0;
	choice = data[0];
	data++;
	size--;
	while (size >= 2 && row.n < PACKETS) {
		size_t len = (size_t)data[0] << 8 | data[1];

		data += 2;
		size -= 2;
		if (len > size)
			len = size;
		row.packet[row.n] = data;
		row.len[row.n++] = len;
		data += len;
		size -= len;
	}
	if (row.n > 0 && (choice & 1) != 0)
		take_apart(row.packet[0], row.len[0], (size_t)choice >> 1);
	else
		merge_all(&row);
	return 0;
}
