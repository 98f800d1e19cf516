/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Prefixes of every length, against bit by bit; scopes of groups; link-local addresses; those
 * reserved for anycast.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <arpa/inet.h>

#include <cmocka.h>

#include "base/addr.h"

static struct in6_addr addr(const char *text)
{
	struct in6_addr a;

	assert_int_equal(inet_pton(AF_INET6, text, &a), 1);
	return a;
}

static bool bit(const struct in6_addr *a, unsigned i)
{
	return (a->s6_addr[i / 8] >> (7 - i % 8) & 1) != 0;
}

static void prefix_of_every_length(void **state)
{
	const struct in6_addr ones = addr("ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff");
	const struct in6_addr mixed = addr("2001:db8:a5a5:5a5a:ff00:ff:1234:8001");

	(void)state;
	for (unsigned len = 0; len <= 128; len++) {
		struct in6_addr p = addr_prefix(&ones, len), q = addr_prefix(&mixed, len);

		for (unsigned i = 0; i < 128; i++) {
			assert_int_equal(bit(&p, i), i < len);
			assert_int_equal(bit(&q, i), i < len && bit(&mixed, i));
		}
	}
}

/* With the bit @differs turned, the first that many bits are alike and no more. */
static void in_prefix_of_every_length(void **state)
{
	const struct in6_addr a = addr("2001:db8:a5a5:5a5a:ff00:ff:1234:8001");

	(void)state;
	for (unsigned differs = 0; differs < 128; differs++) {
		struct in6_addr b = a;

		b.s6_addr[differs / 8] ^= (uint8_t)(0x80u >> differs % 8);
		for (unsigned len = 0; len <= 128; len++)
			assert_int_equal(addr_in_prefix(&a, &b, len), len <= differs);
	}
	assert_true(addr_in_prefix(&a, &a, 128));
	assert_false(addr_in_prefix(&a, &a, 129));
}

static void link_local(void **state)
{
	const struct in6_addr a = addr("2001:db8::1234:5678:9abc:def0");
	const struct in6_addr want = addr("fe80::1234:5678:9abc:def0");
	struct in6_addr ll = addr_link_local(&a);

	(void)state;
	assert_memory_equal(&ll, &want, sizeof ll);
}

static void group_scope(void **state)
{
	const struct in6_addr all_nodes = addr("ff02::1"), global = addr("ff3e::4321");
	const struct in6_addr host = addr("2002::e");

	(void)state;
	assert_int_equal(addr_group_scope(&all_nodes), ADDR_SCOPE_LINK_LOCAL);
	assert_int_equal(addr_group_scope(&global), ADDR_SCOPE_GLOBAL);
	assert_int_equal(addr_group_scope(&host), 0);
}

/* RFC 2526, 2 and 3: the last 128 identifiers, with the universal/local bit as it is. */
static void reserved_anycast(void **state)
{
	const struct in6_addr host = addr("2001:db8:1:2::7");
	const struct in6_addr agents = addr("2001:db8:1:2:fdff:ffff:ffff:fffe");
	const struct in6_addr first = addr("2001:db8::fdff:ffff:ffff:ff80");
	const struct in6_addr last = addr("2001:db8::fdff:ffff:ffff:ffff");
	const struct in6_addr before = addr("2001:db8::fdff:ffff:ffff:ff7f");
	const struct in6_addr other = addr("2001:db8::ffff:ffff:ffff:fffe");
	struct in6_addr a = addr_home_agents(&host);

	(void)state;
	assert_memory_equal(&a, &agents, sizeof a);
	assert_true(addr_is_reserved_anycast(&agents));
	assert_true(addr_is_reserved_anycast(&first));
	assert_true(addr_is_reserved_anycast(&last));
	assert_false(addr_is_reserved_anycast(&before));
	assert_false(addr_is_reserved_anycast(&other));
	assert_false(addr_is_reserved_anycast(&host));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(prefix_of_every_length),
		cmocka_unit_test(in_prefix_of_every_length),
		cmocka_unit_test(link_local),
		cmocka_unit_test(group_scope),
		cmocka_unit_test(reserved_anycast),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
