/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Fuzz target: packets in a stream of octets (RFC 9329, 3).
 *
 * The first octet says in which pieces the rest of the input comes.  The promises tested: whatever
 * the pieces, the same frames come out as of the stream in one; there is room for more whenever
 * octets are missing; and what was read as a packet is written as the same octets.
 */
#include <string.h>

#include "fuzz.h"
#include "tcpframe.h"

#define FRAMES_MAX 64

struct seen {
	unsigned n;
	enum tcpframe_kind kind[FRAMES_MAX];
	size_t len[FRAMES_MAX];
};

static void check_written(enum tcpframe_kind kind, struct bub_view packet)
{
	static uint8_t out[TCPFRAME_MAX];
	const bool message = kind == TCPFRAME_MESSAGE;
	const size_t head = message ? 6 : 2;

	if (kind != TCPFRAME_MESSAGE && kind != TCPFRAME_DATA)
		return;
	FUZZ_REQUIRE(packet.len > 0 && packet.len <= TCPFRAME_PACKET_MAX);
	FUZZ_REQUIRE(tcpframe_write(out, message, packet) == head + packet.len);
	FUZZ_REQUIRE(memcmp(out, packet.data - head, head + packet.len) == 0);
}

/* False: the stream is none of frames. */
static bool read_all(struct tcpframe_reader *r, struct seen *s)
{
	struct bub_view packet = {0};
	enum tcpframe_kind kind;

	while ((kind = tcpframe_next(r, &packet)) != TCPFRAME_MORE) {
		if (s->n < FRAMES_MAX) {
			s->kind[s->n] = kind;
			s->len[s->n++] = kind == TCPFRAME_BAD ? 0 : packet.len;
		}
		if (kind == TCPFRAME_BAD)
			return false;
		check_written(kind, packet);
	}
	return true;
}

static void play(const uint8_t *data, size_t size, size_t piece, struct seen *s)
{
	struct tcpframe_reader *r = calloc(1, sizeof(*r));
	bool good = true;

	FUZZ_REQUIRE(r != NULL);
	while (size > 0 && good) {
		uint8_t *at = NULL;
		size_t room = tcpframe_room(r, &at);
		size_t n = size < piece ? size : piece;

		FUZZ_REQUIRE(room > 0);
		n = n < room ? n : room;
		memcpy(at, data, n);
		tcpframe_fed(r, n);
		data += n;
		size -= n;
		good = read_all(r, s);
	}
	free(r);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct seen whole = {0}, pieces = {0};

	if (size < 1)
		return 0;
	play(data + 1, size - 1, TCPFRAME_MAX, &whole);
	play(data + 1, size - 1, 1u + data[0], &pieces);
	FUZZ_REQUIRE(memcmp(&whole, &pieces, sizeof(whole)) == 0);
	return 0;
}
