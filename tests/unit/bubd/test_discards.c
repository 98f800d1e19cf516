/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The log's line about what was discarded: all layers in one, and seldom for what goes on.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "discards.h"

static struct bub_counters counters;
static uint64_t lost;

const struct bub_counters *bub_engine_counters(const struct bub_engine *eng)
{
	(void)eng;
	return &counters;
}

unsigned lnx_drops(struct lnx *lnx, struct lnx_counter *ret, unsigned cap)
{
	(void)lnx;
	assert_true(cap >= 1);
	ret[0] = (struct lnx_counter){"data-malformed", lost, true};
	return 1;
}

/* What is written while @seconds pass, each reason counting on in each of them. */
static unsigned lines_in(struct discards *d, unsigned seconds, struct bub_time *now, char ret[4096])
{
	int saved = dup(STDERR_FILENO);
	FILE *out = tmpfile();
	unsigned lines = 0;
	size_t n;

	assert_non_null(out);
	assert_true(dup2(fileno(out), STDERR_FILENO) >= 0);
	for (unsigned i = 0; i < seconds * 10; i++) {
		discards_look(d, *now, NULL, NULL);
		*now = bub_time_add_ms(*now, 100);
		counters.drop[BUB_DROP_MH_CHECKSUM]++;
	}
	assert_true(dup2(saved, STDERR_FILENO) >= 0);
	(void)close(saved);
	rewind(out);
	n = fread(ret, 1, 4095, out);
	ret[n] = '\0';
	(void)fclose(out);
	for (const char *p = ret; (p = strchr(p, '\n')) != NULL; p++)
		lines++;
	return lines;
}

static void all_layers_in_one_line(void **state)
{
	const struct log log = {.level = LNX_LOG_INFO};
	struct discards d = {.log = &log};
	struct bub_time now = {1000 * BUB_NS_PER_S};
	char text[4096];

	(void)state;
	assert_int_equal(lines_in(&d, 1, &now, text), 0);
	lost = 3;
	d.esp[ESP_REPLAY] = 2;
	assert_int_equal(lines_in(&d, 1, &now, text), 1);
	assert_string_equal(text, "info: discarded since the last line about it: mh-checksum 10, "
				  "data-malformed 3, esp-replay 2\n");
	/* After 1, 2, 4, ... 2,048 seconds, and each hour. */
	assert_int_equal(lines_in(&d, 1022, &now, text), 9);
	assert_null(strstr(text, "data-malformed"));
	lost = 4;
	assert_int_equal(lines_in(&d, 1, &now, text), 1);
	assert_non_null(strstr(text, "data-malformed 1"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(all_layers_in_one_line)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
