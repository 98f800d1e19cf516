/* SPDX-License-Identifier: BSD-2-Clause */
/* Restart tokens: what was committed is there again, and only that. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "store.h"

struct found {
	unsigned n, sum;
};

static struct in6_addr home(uint8_t i)
{
	return (struct in6_addr){.s6_addr = {0x20, 1, [15] = i}};
}

static void note(void *ctx, const struct in6_addr *addr, const uint8_t *token,
		 const struct store_end *end)
{
	struct found *f = ctx;

	assert_int_equal(end->port, 40000 + token[1]);
	assert_int_equal(end->addr.s6_addr[15], addr->s6_addr[15]);
	assert_int_equal(token[0], addr->s6_addr[15]);
	f->n++;
	f->sum += token[1];
}

static struct tokens *open_them(const char *dir)
{
	char error[512] = "";
	struct tokens *t = tokens_open(dir, error, sizeof(error));

	if (t == NULL)
		fail_msg("%s", error);
	return t;
}

static void put(struct tokens *t, uint8_t i, uint8_t generation)
{
	const uint8_t token[STORE_TOKEN_LEN] = {i, generation};
	const struct in6_addr addr = home(i);
	const struct store_end end = {addr, (uint16_t)(40000 + generation)};

	tokens_put(t, &addr, token, &end);
}

static struct found look(struct tokens *t)
{
	char error[512] = "";
	struct found f = {0};

	if (tokens_each(t, note, &f, error, sizeof(error)) != 0)
		fail_msg("%s", error);
	return f;
}

static void what_was_committed_is_there(void **state)
{
	char dir[] = "/tmp/bub-tokens-XXXXXX", path[64], error[512] = "";
	const struct in6_addr gone = home(3);
	struct tokens *t;
	FILE *damage;

	(void)state;
	assert_non_null(mkdtemp(dir));
	(void)snprintf(path, sizeof(path), "%s/" TOKENS_FILE, dir);
	t = open_them(dir);
	assert_int_equal(look(t).n, 0);
	for (uint8_t i = 1; i <= 5; i++)
		put(t, i, 1);
	assert_int_equal(tokens_commit(t, error, sizeof(error)), 0);
	put(t, 1, 10);
	tokens_delete(t, &gone);
	assert_int_equal(tokens_commit(t, error, sizeof(error)), 0);
	put(t, 2, 100); /* and then it crashes */
	tokens_close(t);
	t = open_them(dir);
	assert_int_equal(look(t).n, 4);
	assert_int_equal(look(t).sum, 13);
	tokens_close(t);
	damage = fopen(path, "wb");
	assert_non_null(damage);
	assert_int_equal(fwrite("not this", 1, 8, damage), 8);
	(void)fclose(damage);
	assert_null(tokens_open(dir, error, sizeof(error)));
	assert_non_null(strstr(error, "remove it"));
	(void)unlink(path);
	(void)rmdir(dir);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(what_was_committed_is_there)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
