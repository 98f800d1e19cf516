/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Octets of neighbour discovery (RFC 4861, 4, 6.1 and 7.1).
 */
#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "link_nd.h"

static const uint8_t mac[6] = {2, 3, 4, 5, 6, 7};
static struct in6_addr us, router, target, nobody, all;

static int setup(void **state)
{
	(void)state;
	inet_pton(AF_INET6, "fe80::1", &us);
	inet_pton(AF_INET6, "fe80::a", &router);
	inet_pton(AF_INET6, "2001:db8::12:3456", &target);
	inet_pton(AF_INET6, "ff02::1", &all);
	nobody = in6addr_any;
	return 0;
}

static void built_and_parsed(void **state)
{
	uint8_t msg[LINK_ND_MAX];
	struct nd_message m;
	size_t len = nd_build(ND_TYPE_NEIGHBOUR_ADVERT, ND_OVERRIDE, &target, ND_OPTION_TARGET, mac,
			      msg);

	(void)state;
	assert_int_equal(len, 32);
	assert_int_equal(msg[4], 0x20);
	assert_true(nd_parse(&router, &all, (struct bub_view){msg, len}, &m));
	assert_int_equal(m.type, ND_TYPE_NEIGHBOUR_ADVERT);
	assert_memory_equal(&m.target, &target, 16);
	assert_true(m.has_mac);
	assert_memory_equal(m.mac, mac, 6);
}

/* Every length that cuts a part off is refused. */
static void cut_off(void **state)
{
	uint8_t msg[LINK_ND_MAX];
	struct nd_message m;
	size_t len = nd_build(ND_TYPE_NEIGHBOUR_SOLICIT, 0, &target, ND_OPTION_SOURCE, mac, msg);

	(void)state;
	for (size_t n = 0; n <= len; n++)
		assert_int_equal(nd_parse(&router, &us, (struct bub_view){msg, n}, &m),
				 n == 24 || n == 32);
}

static void not_valid(void **state)
{
	uint8_t msg[LINK_ND_MAX];
	struct nd_message m;
	size_t len = nd_build(ND_TYPE_NEIGHBOUR_ADVERT, ND_OVERRIDE, &target, ND_OPTION_TARGET, mac,
			      msg);
	const struct bub_view view = {msg, len};

	(void)state;
	msg[1] = 1; /* code */
	assert_false(nd_parse(&router, &us, view, &m));
	msg[1] = 0;
	msg[25] = 0; /* an option without length */
	assert_false(nd_parse(&router, &us, view, &m));
	msg[25] = 2; /* one that ends behind the message */
	assert_false(nd_parse(&router, &us, view, &m));
	msg[25] = 1;
	msg[4] = ND_SOLICITED;
	assert_true(nd_parse(&router, &us, view, &m));
	assert_false(nd_parse(&router, &all, view, &m)); /* an answer to all */
	msg[8] = 0xff;                                   /* a group as the target */
	assert_false(nd_parse(&router, &us, view, &m));
	msg[0] = 128;
	assert_false(nd_parse(&router, &us, view, &m));
}

/* Who has no address has no link-layer address to tell of either. */
static void from_nobody(void **state)
{
	uint8_t msg[LINK_ND_MAX];
	struct nd_message m;
	size_t len = nd_build(ND_TYPE_ROUTER_SOLICIT, 0, NULL, ND_OPTION_SOURCE, mac, msg);

	(void)state;
	assert_true(nd_parse(&router, &all, (struct bub_view){msg, len}, &m));
	assert_false(nd_parse(&nobody, &all, (struct bub_view){msg, len}, &m));
	assert_true(nd_parse(&nobody, &all, (struct bub_view){msg, 8}, &m));
}

static void advert_from_a_router_only(void **state)
{
	struct bub_icmp6 ra = {.kind = BUB_ICMP6_ROUTER_ADVERT};
	uint8_t msg[64];
	struct nd_message m;
	int len = bub_icmp6_encode(&ra, &router, &all, msg, sizeof(msg));

	(void)state;
	assert_true(len > 0);
	assert_true(nd_parse(&router, &all, (struct bub_view){msg, (size_t)len}, &m));
	assert_int_equal(m.type, ND_TYPE_ROUTER_ADVERT);
	len = bub_icmp6_encode(&ra, &target, &all, msg, sizeof(msg));
	assert_false(nd_parse(&target, &all, (struct bub_view){msg, (size_t)len}, &m));
}

static void group_of_solicitations(void **state)
{
	struct in6_addr group = nd_solicited_node(&target), expected;

	(void)state;
	inet_pton(AF_INET6, "ff02::1:ff12:3456", &expected);
	assert_memory_equal(&group, &expected, 16);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(built_and_parsed),
		cmocka_unit_test(cut_off),
		cmocka_unit_test(not_valid),
		cmocka_unit_test(from_nobody),
		cmocka_unit_test(advert_from_a_router_only),
		cmocka_unit_test(group_of_solicitations),
	};

	return cmocka_run_group_tests_name("link nd", tests, setup, NULL);
}
