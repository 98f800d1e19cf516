/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Packets in a stream of octets: there and back, in pieces of any size, and what is no stream of
 * packets.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "tcpframe.h"

static struct tcpframe_reader r;
static uint8_t frame[TCPFRAME_MAX];

static int setup(void **state)
{
	(void)state;
	memset(&r, 0, sizeof(r));
	return 0;
}

static void feed(const uint8_t *octets, size_t len)
{
	uint8_t *at = NULL;

	assert_true(tcpframe_room(&r, &at) >= len);
	memcpy(at, octets, len);
	tcpframe_fed(&r, len);
}

static void expect(enum tcpframe_kind kind, const uint8_t *octets, size_t len)
{
	struct bub_view packet = {0};

	assert_int_equal(tcpframe_next(&r, &packet), kind);
	if (octets == NULL)
		return;
	assert_int_equal(packet.len, len);
	assert_memory_equal(packet.data, octets, len);
}

/* The length counts itself, and a message has four zeros in front (RFC 9329, 3). */
static void as_on_the_wire(void **state)
{
	static const uint8_t packet[] = {0x60, 1, 2, 3, 4, 5, 6, 7};
	static const uint8_t data[] = {0, 10, 0x60, 1, 2, 3, 4, 5, 6, 7};
	static const uint8_t message[] = {0, 14, 0, 0, 0, 0, 0x60, 1, 2, 3, 4, 5, 6, 7};
	const struct bub_view view = {packet, sizeof(packet)};

	(void)state;
	assert_int_equal(tcpframe_write(frame, false, view), sizeof(data));
	assert_memory_equal(frame, data, sizeof(data));
	assert_int_equal(tcpframe_write(frame, true, view), sizeof(message));
	assert_memory_equal(frame, message, sizeof(message));
	feed(data, sizeof(data));
	feed(message, sizeof(message));
	expect(TCPFRAME_DATA, packet, sizeof(packet));
	expect(TCPFRAME_MESSAGE, packet, sizeof(packet));
	expect(TCPFRAME_MORE, NULL, 0);
}

static void octet_by_octet(void **state)
{
	static const uint8_t packet[] = {9, 8, 7, 6, 5, 4, 3, 2, 1};
	const size_t len = tcpframe_write(frame, true, (struct bub_view){packet, sizeof(packet)});

	(void)state;
	for (size_t i = 0; i < len; i++) {
		expect(TCPFRAME_MORE, NULL, 0);
		feed(frame + i, 1);
	}
	expect(TCPFRAME_MESSAGE, packet, sizeof(packet));
	expect(TCPFRAME_MORE, NULL, 0);
}

/* A frame that follows the greatest part of another has room. */
static void largest(void **state)
{
	static uint8_t packet[TCPFRAME_PACKET_MAX + 1];
	size_t len;

	(void)state;
	memset(packet, 7, sizeof(packet));
	assert_int_equal(
		tcpframe_write(frame, false, (struct bub_view){packet, TCPFRAME_PACKET_MAX + 1}),
		0);
	len = tcpframe_write(frame, true, (struct bub_view){packet, TCPFRAME_PACKET_MAX});
	assert_int_equal(len, TCPFRAME_MAX);
	for (unsigned i = 0; i < 3; i++) {
		feed(frame, len);
		expect(TCPFRAME_MESSAGE, packet, TCPFRAME_PACKET_MAX);
		expect(TCPFRAME_MORE, NULL, 0);
	}
	feed(frame, len - 1);
	expect(TCPFRAME_MORE, NULL, 0);
	feed(frame + len - 1, 1);
	expect(TCPFRAME_MESSAGE, packet, TCPFRAME_PACKET_MAX);
}

static void what_is_none(void **state)
{
	static const uint8_t keep_alive[] = {0, 3, 0xff}, mark[] = {0, 6, 0, 0, 0, 0};
	static const uint8_t bad[][2] = {{0, 0}, {0, 1}, {0, 2}, {0x40, 0x07}, {0xff, 0xff}};

	feed(keep_alive, sizeof(keep_alive));
	feed(mark, sizeof(mark));
	expect(TCPFRAME_OTHER, NULL, 0);
	expect(TCPFRAME_OTHER, NULL, 0);
	expect(TCPFRAME_MORE, NULL, 0);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		(void)setup(state);
		feed(bad[i], sizeof(bad[i]));
		expect(TCPFRAME_BAD, NULL, 0);
		expect(TCPFRAME_BAD, NULL, 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(as_on_the_wire, setup),
		cmocka_unit_test_setup(octet_by_octet, setup),
		cmocka_unit_test_setup(largest, setup),
		cmocka_unit_test_setup(what_is_none, setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
