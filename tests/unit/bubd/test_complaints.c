/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * How often the operator is told of a fault, whoever makes it up.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <arpa/inet.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "complaints.h"

#define SECOND BUB_NS_PER_S

struct fixture {
	struct log log;
	struct eventlog events;
	struct complaints complaints;
	struct bub_time now;
	unsigned lines;
	char last[1024];
};

static struct in6_addr client;

struct bub_time lnx_now(void)
{
	return (struct bub_time){0};
}

/* One inbound association, of the client. */
bool sas_status(const struct sas *sas, size_t *at, struct esp_sa_status *ret,
		struct bub_time *ret_since)
{
	(void)sas;
	*ret = (struct esp_sa_status){.spi = 0x5678, .direction = ESP_IN, .owner = client};
	*ret_since = (struct bub_time){0};
	return (*at)++ == 0;
}

bool bub_engine_has_client(const struct bub_engine *eng, const struct in6_addr *home)
{
	(void)eng;
	return bub_addr_eq(home, &client);
}

static struct in6_addr addr(const char *text)
{
	struct in6_addr a;

	assert_int_equal(inet_pton(AF_INET6, text, &a), 1);
	return a;
}

static bool is_wanted(void *ctx)
{
	(void)ctx;
	return true;
}

static void on_event(void *ctx, const char *text, size_t len)
{
	struct fixture *f = ctx;

	f->lines++;
	assert_true(len < sizeof(f->last));
	memcpy(f->last, text, len);
	f->last[len] = '\0';
}

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	client = addr("2001:db8:1::10");
	f->now.ns = 1000 * SECOND;
	f->log.level = LNX_LOG_ERROR;
	f->events = (struct eventlog){
		.fd = -1, .node = "ha", .log = &f->log, .watch = {is_wanted, on_event, f}};
	f->complaints = (struct complaints){.events = &f->events, .agent = addr("2001:db8:1::1")};
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	free(*state);
	return 0;
}

/* A registration of @home that no association opens. */
static void unopened(struct fixture *f, const struct in6_addr *home, const char *to)
{
	const struct lnx_esp_drop drop = {.why = ESP_NO_SA,
					  .src = addr("2001:db8:b::5"),
					  .dst = addr(to),
					  .spi = 0x1234,
					  .home = *home};

	complaints_esp_drop(&f->complaints, NULL, f->now, &drop);
}

/* At once, then after a minute, two, four, ... and once an hour. */
static void lines_grow_rare(void **state)
{
	static const unsigned at_s[] = {0, 60, 180, 420, 900, 1860, 3780, 7380, 10980};
	struct fixture *f = *state;

	for (unsigned s = 0, i = 0; s < 11000; s++) {
		unopened(f, &client, "2001:db8:1::1");
		i += i < sizeof(at_s) / sizeof(at_s[0]) && at_s[i] == s;
		assert_int_equal(f->lines, i);
		f->now.ns += SECOND;
	}
	assert_non_null(strstr(f->last, "\"number\": 10981"));
}

static void what_is_told_apart(void **state)
{
	const struct in6_addr other = addr("2001:db8:1::99");
	struct fixture *f = *state;
	char text[320];

	unopened(f, &client, "2001:db8:1::1");
	assert_non_null(strstr(f->last, "\"trouble\": \"secret\""));
	unopened(f, &client, "2001:db8:d::2");
	assert_non_null(strstr(f->last, "\"trouble\": \"home-agent-address\""));
	unopened(f, &other, "2001:db8:1::1");
	assert_non_null(strstr(f->last, "\"trouble\": \"unknown-home-address\""));
	unopened(f, &in6addr_any, "2001:db8:1::1"); /* of a tunnel: whose is not known */
	assert_int_equal(f->lines, 3);
	assert_true(complaints_about(&f->complaints, f->now, &client, text, sizeof(text)));
	assert_non_null(strstr(text, "its secret is another one there"));
	/* The right keys end what they were wrong for. */
	complaints_registered(&f->complaints, f->now, &client);
	assert_int_equal(f->lines, 5);
	assert_false(complaints_about(&f->complaints, f->now, &client, text, sizeof(text)));
	assert_true(complaints_about(&f->complaints, f->now, &other, text, sizeof(text)));
	complaints_registered(&f->complaints, f->now, &client);
	assert_int_equal(f->lines, 5);
	f->now.ns += 301 * SECOND;
	assert_false(complaints_about(&f->complaints, f->now, &other, text, sizeof(text)));
}

/* A thousand home addresses a second: a slot is another's ten minutes after it was last needed. */
static void strangers_fill_no_log(void **state)
{
	struct in6_addr made_up = addr("2001:db8:1::1:0");
	struct fixture *f = *state;

	for (unsigned i = 0; i < 30000; i++) {
		made_up.s6_addr[8] = (uint8_t)i;
		made_up.s6_addr[9] = (uint8_t)(i >> 8);
		unopened(f, &made_up, "2001:db8:1::1");
		f->now.ns += SECOND / 1000;
	}
	assert_int_equal(f->lines, COMPLAINTS_MAX);
	f->now.ns += 601 * SECOND;
	unopened(f, &client, "2001:db8:1::1");
	assert_int_equal(f->lines, COMPLAINTS_MAX + 1);
}

/* Old numbers: a network may repeat a packet or two.  In a tunnel the SPI says whose they are. */
static void repeated_numbers(void **state)
{
	struct lnx_esp_drop drop = {.why = ESP_REPLAY,
				    .src = addr("2001:db8:1::1"),
				    .dst = addr("2001:db8:b::5"),
				    .spi = 0x5678};
	struct fixture *f = *state;
	char text[320];

	f->complaints.sas = (const struct sas *)f; /* looked at by nobody */
	complaints_esp_drop(&f->complaints, NULL, f->now, &drop);
	complaints_esp_drop(&f->complaints, NULL, f->now, &drop);
	assert_int_equal(f->lines, 0);
	assert_false(complaints_about(&f->complaints, f->now, &client, text, sizeof(text)));
	f->now.ns += 4 * SECOND;
	complaints_esp_drop(&f->complaints, NULL, f->now, &drop);
	assert_int_equal(f->lines, 1);
	assert_non_null(strstr(f->last, "\"trouble\": \"repeated-numbers\""));
	assert_true(complaints_about(&f->complaints, f->now, &client, text, sizeof(text)));
	assert_non_null(strstr(text, "(3 packets in 4 s, SPI 0x00005678) with numbers"));
}

/* Of those that are not served the status has a list. */
static void strangers_are_listed(void **state)
{
	const struct in6_addr other = addr("2001:db8:1::99");
	struct fixture *f = *state;
	struct in6_addr home;
	unsigned at = 0;
	char text[320];

	unopened(f, &client, "2001:db8:1::1");
	unopened(f, &other, "2001:db8:1::1");
	assert_true(
		complaints_next_stranger(&f->complaints, f->now, &at, &home, text, sizeof(text)));
	assert_memory_equal(&home, &other, 16);
	assert_non_null(strstr(text, "(1 packet, SPI 0x00001234) and no mobile-node line"));
	assert_false(
		complaints_next_stranger(&f->complaints, f->now, &at, &home, text, sizeof(text)));
	at = 0;
	f->now.ns += 301 * SECOND;
	assert_false(
		complaints_next_stranger(&f->complaints, f->now, &at, &home, text, sizeof(text)));
}

static void data_is_told_of(void **state)
{
	struct lnx_data_fault fault = {false, client, addr("2001:db8:b::5"), addr("2001:db8:1::1")};
	struct fixture *f = *state;

	complaints_data(&f->complaints, f->now, &fault);
	assert_non_null(strstr(f->last, "data-without-esp"));
	fault.esp = true;
	complaints_data(&f->complaints, f->now, &fault);
	assert_non_null(strstr(f->last, "data-in-esp"));
	complaints_data(&f->complaints, f->now, &fault);
	assert_int_equal(f->lines, 2);
}

#define T(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {T(lines_grow_rare),       T(what_is_told_apart),
					   T(strangers_fill_no_log), T(data_is_told_of),
					   T(repeated_numbers),      T(strangers_are_listed)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
