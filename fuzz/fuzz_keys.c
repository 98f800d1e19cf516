/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Fuzz target: the frames and lines that two ends exchange about keys (docs/keys.md).
 *
 * Promises tested: a frame is whole at exactly one length; a message that can be read, written and
 * read again, says the same.
 */
#include <string.h>

#include "fuzz.h"
#include "message.h"

static void check(struct keys_octets content)
{
	struct keys_message msg, again;
	uint8_t frame[KEYS_MESSAGE_MAX], second[KEYS_MESSAGE_MAX];
	struct keys_octets written = {0};
	uint8_t id = 0;
	size_t len = 0;

	if (!keys_message_read(content, &msg))
		return;
	len = keys_message_write(&msg, 7, frame, sizeof(frame));
	FUZZ_REQUIRE(len > 0);
	FUZZ_REQUIRE(keys_frame_read(frame, len, &id, &written) == KEYS_FRAME_WHOLE);
	FUZZ_REQUIRE(id == 7 && written.len == len - KEYS_FRAME_HEADER);
	/* A list of algorithms that are all unknown is written as an empty one, which is none. */
	if ((msg.has & KEYS_LINE_SUITES) != 0 && msg.suite_count == 0)
		return;
	FUZZ_REQUIRE(keys_message_read(written, &again));
	FUZZ_REQUIRE(keys_message_write(&again, 7, second, sizeof(second)) == len);
	FUZZ_REQUIRE(memcmp(frame, second, len) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t *copy =
		malloc(size > 0 ? size : 1); /* its own, so that a read past the end is seen */
	struct keys_octets content = {0};
	uint8_t id = 0;

	FUZZ_REQUIRE(copy != NULL);
	if (size > 0)
		memcpy(copy, data, size);
	if (keys_frame_read(copy, size, &id, &content) == KEYS_FRAME_WHOLE) {
		const size_t whole = KEYS_FRAME_HEADER + content.len;

		FUZZ_REQUIRE(id != 0 && content.len <= KEYS_CONTENT_MAX && whole <= size);
		FUZZ_REQUIRE(keys_frame_read(copy, whole - 1, &id, &content) == KEYS_FRAME_MORE);
		FUZZ_REQUIRE(keys_frame_read(copy, whole, &id, &content) == KEYS_FRAME_WHOLE);
		check(content);
	}
	check((struct keys_octets){.data = copy, .len = size});
	free(copy);
	return 0;
}
