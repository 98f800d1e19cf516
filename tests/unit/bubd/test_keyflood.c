/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Who may agree on keys of the many that want to, and hints that a home agent has lost its keys.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "keyflood.h"
#include "keyhint.h"

static struct in6_addr from(uint32_t prefix, uint8_t host)
{
	struct in6_addr a = {.s6_addr = {0x20, 0x01}};

	memcpy(a.s6_addr + 4, &prefix, sizeof(prefix));
	a.s6_addr[15] = host;
	return a;
}

static uint32_t enter(struct keyflood *f, uint32_t prefix, uint32_t *ret_gone)
{
	const struct in6_addr a = from(prefix, 1);
	uint32_t slot = KEYFLOOD_NONE;

	assert_true(keyflood_enter(f, &a, &slot, ret_gone));
	assert_true(slot < KEYFLOOD_MAX);
	return slot;
}

/* Somebody who says nothing makes room, the oldest first; who has shown who he is stays. */
static void the_oldest_makes_room(void **state)
{
	struct keyflood f = {0};
	uint32_t slot[KEYFLOOD_MAX], gone;

	(void)state;
	for (uint32_t i = 0; i < KEYFLOOD_MAX; i++) {
		slot[i] = enter(&f, i, &gone);
		assert_int_equal(gone, KEYFLOOD_NONE);
		for (uint32_t k = 0; k < i; k++)
			assert_int_not_equal(slot[i], slot[k]);
	}
	keyflood_proved(&f, slot[0]);
	assert_int_equal(enter(&f, 1000, &gone), slot[1]);
	assert_int_equal(gone, slot[1]);
	keyflood_leave(&f, slot[9]);
	assert_int_equal(enter(&f, 1001, &gone), slot[9]);
	assert_int_equal(gone, KEYFLOOD_NONE);
	(void)enter(&f, 1002, &gone);
	assert_int_equal(gone, slot[2]);
}

static void a_network_has_its_share(void **state)
{
	struct keyflood f = {0};
	uint32_t first, gone;

	(void)state;
	first = enter(&f, 7, &gone);
	(void)enter(&f, 8, &gone);
	for (unsigned i = 1; i < KEYFLOOD_OF_PREFIX; i++) {
		(void)enter(&f, 7, &gone);
		assert_int_equal(gone, KEYFLOOD_NONE);
	}
	assert_int_equal(enter(&f, 7, &gone), first);
	assert_int_equal(gone, first);
	(void)enter(&f, 9, &gone);
	assert_int_equal(gone, KEYFLOOD_NONE);
}

static struct in6_addr ipv4(uint8_t c, uint8_t d)
{
	return (struct in6_addr){.s6_addr = {[10] = 0xff, [11] = 0xff, 192, 0, c, d}};
}

/* All of IPv4 has one prefix of 64 bits: its networks are told apart all the same. */
static void networks_of_ipv4(void **state)
{
	const struct bub_time now = {100 * BUB_NS_PER_S};
	struct keyflood f = {.seed = 1};
	uint32_t slot, gone;
	unsigned n = 0;

	(void)state;
	for (uint8_t i = 0; i < KEYFLOOD_OF_PREFIX; i++) {
		struct in6_addr a = ipv4(1, i), b = ipv4(2, i);

		assert_true(keyflood_enter(&f, &a, &slot, &gone));
		assert_int_equal(gone, KEYFLOOD_NONE);
		assert_true(keyflood_enter(&f, &b, &slot, &gone));
		assert_int_equal(gone, KEYFLOOD_NONE);
	}
	for (uint8_t i = 0; i < 100; i++) {
		struct in6_addr a = ipv4(1, i), b = ipv4(2, i);

		n += keyflood_spend(&f, &a, now);
		n += keyflood_spend(&f, &b, now);
	}
	assert_int_equal(n, 2 * KEYFLOOD_PREFIX_PER_S);
}

static void no_room_among_the_known(void **state)
{
	const struct in6_addr a = from(99, 1);
	struct keyflood f = {0};
	uint32_t slot = 0, gone = 0;

	(void)state;
	for (uint32_t i = 0; i < KEYFLOOD_MAX; i++)
		keyflood_proved(&f, enter(&f, i, &gone));
	assert_false(keyflood_enter(&f, &a, &slot, &gone));
	keyflood_leave(&f, 5);
	assert_true(keyflood_enter(&f, &a, &slot, &gone));
	assert_int_equal(slot, 5);
}

static unsigned spend(struct keyflood *f, unsigned prefixes, unsigned times, struct bub_time now)
{
	unsigned n = 0;

	for (unsigned i = 0; i < times; i++) {
		const struct in6_addr a = from(i % prefixes, (uint8_t)i);

		n += keyflood_spend(f, &a, now);
	}
	return n;
}

static void work_is_bounded(void **state)
{
	struct keyflood f = {.seed = 1};
	struct bub_time now = {100 * BUB_NS_PER_S};

	(void)state;
	assert_int_equal(spend(&f, 1, 100, now), KEYFLOOD_PREFIX_PER_S);
	assert_int_equal(spend(&f, 10000, 10000, now), KEYFLOOD_PER_S - KEYFLOOD_PREFIX_PER_S);
	now = bub_time_add_ms(now, 100);
	assert_int_equal(spend(&f, 10000, 10000, now), KEYFLOOD_PER_S / 10);
	now = bub_time_add_s(now, 3600);
	assert_int_equal(spend(&f, 10000, 10000, now), KEYFLOOD_PER_S);
}

static void hints(void **state)
{
	const struct keyhint restarted = {.kind = KEYHINT_RESTARTED, .token = {1, 2, 3}};
	const struct keyhint unknown = {
		.kind = KEYHINT_UNKNOWN_SPI, .spi = 0x01020304, .sequence = 0xfffefdfc};
	uint8_t octets[KEYHINT_LEN + 1] = {0};
	struct keyhint h;

	(void)state;
	keyhint_encode(&restarted, octets);
	assert_memory_equal(octets, "BUBK\1\1\0\0\1\2\3", 11);
	assert_true(keyhint_decode(octets, KEYHINT_LEN, &h));
	assert_memory_equal(&h, &restarted, sizeof(h));
	assert_false(keyhint_decode(octets, KEYHINT_LEN - 1, &h));
	assert_false(keyhint_decode(octets, KEYHINT_LEN + 1, &h));
	keyhint_encode(&unknown, octets);
	assert_memory_equal(octets, "BUBK\1\2\0\0\1\2\3\4\xff\xfe\xfd\xfc", 16);
	assert_true(keyhint_decode(octets, KEYHINT_LEN, &h));
	assert_memory_equal(&h, &unknown, sizeof(h));
	for (unsigned i = 0; i < 6; i++) {
		octets[i] ^= 0x80;
		assert_false(keyhint_decode(octets, KEYHINT_LEN, &h));
		octets[i] ^= 0x80;
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_oldest_makes_room), cmocka_unit_test(a_network_has_its_share),
		cmocka_unit_test(networks_of_ipv4),      cmocka_unit_test(no_room_among_the_known),
		cmocka_unit_test(work_is_bounded),       cmocka_unit_test(hints),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
