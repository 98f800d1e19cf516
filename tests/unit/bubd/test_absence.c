/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The words for a mobile node without a care-of address.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <arpa/inet.h>
#include <cmocka.h>

#include "absence.h"
#include "lacking.h"

struct bub_time lnx_now(void)
{
	return (struct bub_time){0};
}

bool lnx_lack_next(const struct lnx *lnx, unsigned *at, struct lnx_lack *ret)
{
	static const struct lnx_lack lacks[] = {{.interface = "wl0", .words = "has no link"},
						{.interface = "wl1", .words = "has a twin"}};

	(void)lnx;
	if (*at >= sizeof(lacks) / sizeof(lacks[0]))
		return false;
	*ret = lacks[*at];
	if ((*at)++ == 1)
		assert_int_equal(inet_pton(AF_INET6, "2001:db8:b::5", &ret->addr), 1);
	return true;
}

/* Behind what the core says, or what fits of it. */
static void each_interface_has_a_clause(void **state)
{
	static const char all[] = ": wl0 has no link; wl1 has a twin: 2001:db8:b::5";
	char text[128];

	(void)state;
	assert_int_equal(absence_words(NULL, ": ", text, sizeof(text)), sizeof(all) - 1);
	assert_string_equal(text, all);
	assert_int_equal(absence_words(NULL, ": ", text, 12), 11);
	assert_string_equal(text, ": wl0 has n");
}

static void other_states_are_none(void **state)
{
	(void)state;
	assert_true(absence_is_of(&(struct bub_home_status){.state = "no care-of address"}));
	assert_false(absence_is_of(&(struct bub_home_status){.state = "at home"}));
	assert_false(absence_is_of(&(struct bub_home_status){.state = "registering"}));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_interface_has_a_clause),
		cmocka_unit_test(other_states_are_none),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
