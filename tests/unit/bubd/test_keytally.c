/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What is kept and told of attempts to agree on keys: floods of strangers hide nothing.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "keytally.h"

static struct in6_addr numbered(unsigned n)
{
	return (struct in6_addr){.s6_addr = {0x20, 0x01, [14] = (uint8_t)(n >> 8), (uint8_t)n}};
}

static void fails(struct keytally *t, const struct in6_addr *home, enum keys_reason why, uint64_t s)
{
	const struct in6_addr peer = numbered(9);
	struct keys_failure f = {.reason = why};

	(void)snprintf(f.text, sizeof(f.text), "text of %s", keys_reason_name(why));
	keytally_failed(t, home, &peer, &f, (struct bub_time){s * BUB_NS_PER_S}, true);
}

static unsigned lines_with(const char *log, const char *words)
{
	unsigned n = 0;

	for (const char *p = log; (p = strstr(p, words)) != NULL; p++)
		n++;
	return n;
}

/* A thousand strangers later the failure of a mobile node is still there, and has its line. */
static void rubbish_hides_nobody(void **state)
{
	static struct keytally t;
	const struct in6_addr nobody = {0}, home = numbered(1);
	const struct log log = {.level = LNX_LOG_INFO};
	static char text[1 << 16];
	FILE *file = tmpfile();
	const int before = dup(STDERR_FILENO);
	size_t len;

	(void)state;
	assert_non_null(file);
	assert_int_equal(dup2(fileno(file), STDERR_FILENO), STDERR_FILENO);
	t = (struct keytally){.log = &log};
	for (unsigned i = 0; i < 1000; i++)
		fails(&t, &nobody, KEYS_NOT_TLS, 1);
	fails(&t, &nobody, KEYS_CERTIFICATE_EXPIRED, 1);
	fails(&t, &home, KEYS_WRONG_PSK, 1);
	for (unsigned i = 0; i < 1000; i++)
		fails(&t, &nobody, KEYS_TIMED_OUT, 1);
	assert_non_null(keytally_of(&t, &home));
	assert_int_equal(keytally_of(&t, &home)->reason, KEYS_WRONG_PSK);
	assert_int_equal(t.failed[KEYS_NOT_TLS], 1000);
	fails(&t, &nobody, KEYS_NOT_TLS, 62);
	(void)dup2(before, STDERR_FILENO);
	(void)close(before);
	rewind(file);
	len = fread(text, 1, sizeof(text) - 1, file);
	text[len] = '\0';
	(void)fclose(file);
	assert_int_equal(lines_with(text, "certificate-expired: "), 1);
	assert_int_equal(lines_with(text, "wrong-psk: "), 1);
	assert_int_equal(lines_with(text, ": not-tls: "), KEYTALLY_LINES + 1);
	assert_int_equal(lines_with(text, "1980 more failed"), 1);
}

/* A home address that fails again and again takes one place. */
static void a_home_address_has_one_place(void **state)
{
	static struct keytally t;
	const struct in6_addr home = numbered(1), other = numbered(2);
	const struct log log = {.level = LNX_LOG_ERROR}; /* no lines */

	(void)state;
	t = (struct keytally){.log = &log};
	fails(&t, &home, KEYS_TIMED_OUT, 1);
	for (unsigned i = 0; i < 2 * KEYTALLY_LAST; i++)
		fails(&t, &other, KEYS_WRONG_PSK, 2);
	fails(&t, &other, KEYS_UNREACHABLE, 3);
	assert_int_equal(keytally_of(&t, &home)->reason, KEYS_TIMED_OUT);
	assert_int_equal(keytally_of(&t, &other)->reason, KEYS_UNREACHABLE);
	keytally_agreed(&t, &other);
	assert_null(keytally_of(&t, &other));
	assert_non_null(keytally_of(&t, &home));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rubbish_hides_nobody),
		cmocka_unit_test(a_home_address_has_one_place),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
