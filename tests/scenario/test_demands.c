/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What one mobile node may ask of its home agent in quick succession (protocol.md, P73): it has
 * proved who it is, but not that it is well.
 */
#include <string.h>

#include "agent.h"

/* Twenty at once and then five a second; the others have budgets of their own, and what is refused
 * costs no answer. */
static void registrations(void **state)
{
	struct in6_addr other;
	struct pair p;
	struct forged f;
	size_t mark;
	uint16_t sequence = 0;

	(void)state;
	pair_init(&p);
	p.ha_cfg[0].limit.clients = 2;
	pair_start(&p);
	other = second_client(&p);
	f = home_bu(&p, ++sequence, 600);
	agent_assert_status(&p, &f, BUB_STATUS_ACCEPTED); /* probed for, which takes its time */
	pair_run(&p, 10000);
	mark = pair_mark(&p);
	for (unsigned i = 0; i < 500; i++) {
		f = home_bu(&p, ++sequence, 600);
		pair_feed(&p, p.ha[0], &f);
	}
	assert_int_equal(pair_count(&p, mark, p.ha[0], BUB_MH_BA), 20);
	assert_drops(p.ha[0], BUB_DROP_HOME_BU_LIMITED, 480);
	f = home_bu(&p, 3, 600);
	f.hao = &other;
	f.owner = other;
	agent_assert_status(&p, &f, BUB_STATUS_ACCEPTED);
	for (unsigned second = 0; second < 3; second++) {
		pair_run(&p, 1000);
		mark = pair_mark(&p);
		for (unsigned i = 0; i < 10; i++) {
			f = home_bu(&p, ++sequence, 600);
			pair_feed(&p, p.ha[0], &f);
		}
		assert_in_range(pair_count(&p, mark, p.ha[0], BUB_MH_BA), 4, 6);
	}
	pair_run(&p, 10000);
	f = home_bu(&p, ++sequence, 600);
	agent_assert_status(&p, &f, BUB_STATUS_ACCEPTED);
	pair_end(&p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(registrations),
	};

	return cmocka_run_group_tests_name("demands", tests, NULL, NULL);
}
