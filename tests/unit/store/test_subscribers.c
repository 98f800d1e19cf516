/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Subscribers: found by home address, name and fingerprint, in order, whole or not at all, and by
 * one process while another writes.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "subscribers.h"

#define MANY 2000
#define FILE_MAX (4 << 20)

static char dir[64], error[512];

static int setup(void **state)
{
	(void)state;
	(void)snprintf(dir, sizeof(dir), "/tmp/bub-subscribers-XXXXXX");
	return mkdtemp(dir) != NULL ? 0 : -1;
}

static int teardown(void **state)
{
	char path[128];

	(void)state;
	(void)snprintf(path, sizeof(path), "%s/" SUBSCRIBERS_FILE, dir);
	(void)unlink(path);
	(void)snprintf(path, sizeof(path), "%s/" SUBSCRIBERS_FILE "-lock", dir);
	(void)unlink(path);
	return rmdir(dir);
}

static struct subscribers *open_it(void)
{
	struct subscribers *s = subscribers_open(dir, true, error, sizeof(error));

	if (s == NULL)
		fail_msg("%s", error);
	return s;
}

static void commit(struct subscribers *s)
{
	if (subscribers_commit(s, error, sizeof(error)) != 0)
		fail_msg("%s", error);
}

static struct subscriber sub_of(unsigned n, enum subscriber_proof proof, const char *value)
{
	struct subscriber sub = {.home.s6_addr = {0x20, 1, [14] = (uint8_t)(n >> 8), (uint8_t)n},
				 .proof = proof,
				 .len = strlen(value)};

	memcpy(sub.value, value, sub.len);
	return sub;
}

static enum subscribers_put put(struct subscribers *s, unsigned n, enum subscriber_proof proof,
				const char *value)
{
	const struct subscriber sub = sub_of(n, proof, value);

	return subscribers_put(s, &sub);
}

static bool remove_it(struct subscribers *s, unsigned n)
{
	const struct subscriber sub = sub_of(n, SUBSCRIBER_ADDRESS, "");

	return subscribers_remove(s, &sub.home);
}

static int get(struct subscribers *s, unsigned n, struct subscriber *ret)
{
	const struct subscriber sub = sub_of(n, SUBSCRIBER_ADDRESS, "");

	return subscribers_get(s, &sub.home, ret, error, sizeof(error));
}

static int find(struct subscribers *s, enum subscriber_proof proof, const char *value,
		struct subscriber *ret)
{
	return subscribers_find(s, proof, value, strlen(value), ret, error, sizeof(error));
}

static void are_found(void **state)
{
	struct subscribers *s = open_it();
	struct subscriber sub;

	(void)state;
	assert_int_equal(put(s, 1, SUBSCRIBER_NAME, "robot.example"), SUBSCRIBERS_ADDED);
	assert_int_equal(put(s, 2, SUBSCRIBER_NAME, "robot"), SUBSCRIBERS_ADDED);
	assert_int_equal(put(s, 3, SUBSCRIBER_FINGERPRINT, "0123456789abcdef0123456789abcdef"),
			 SUBSCRIBERS_ADDED);
	assert_int_equal(put(s, 4, SUBSCRIBER_PSK, "a secret of some length"), SUBSCRIBERS_ADDED);
	assert_int_equal(put(s, 5, SUBSCRIBER_ADDRESS, ""), SUBSCRIBERS_ADDED);
	commit(s);
	subscribers_close(s);
	s = open_it();
	assert_int_equal(subscribers_count(s), 5);
	assert_int_equal(get(s, 4, &sub), 1);
	assert_int_equal(sub.proof, SUBSCRIBER_PSK);
	assert_memory_equal(sub.value, "a secret of some length", sub.len);
	assert_int_equal(get(s, 6, &sub), 0);
	/* A name is whole, and its case means nothing here. */
	assert_int_equal(find(s, SUBSCRIBER_NAME, "ROBOT", &sub), 1);
	assert_int_equal(sub.home.s6_addr[15], 2);
	assert_int_equal(find(s, SUBSCRIBER_NAME, "robot.example", &sub), 1);
	assert_int_equal(sub.home.s6_addr[15], 1);
	assert_int_equal(find(s, SUBSCRIBER_NAME, "robo", &sub), 0);
	assert_int_equal(find(s, SUBSCRIBER_FINGERPRINT, "0123456789abcdef0123456789abcdef", &sub),
			 1);
	assert_int_equal(sub.home.s6_addr[15], 3);
	/* Nobody is found by his secret. */
	assert_int_equal(find(s, SUBSCRIBER_PSK, "a secret of some length", &sub), 0);
	subscribers_close(s);
}

static void change_and_go(void **state)
{
	struct subscribers *s = open_it();
	struct subscriber before, after;
	uint64_t version;

	(void)state;
	(void)put(s, 1, SUBSCRIBER_NAME, "one");
	(void)put(s, 2, SUBSCRIBER_NAME, "two");
	commit(s);
	version = subscribers_version(s);
	assert_int_equal(get(s, 1, &before), 1);
	assert_int_equal(put(s, 1, SUBSCRIBER_NAME, "one"), SUBSCRIBERS_SAME);
	assert_int_equal(put(s, 2, SUBSCRIBER_NAME, "zwei"), SUBSCRIBERS_CHANGED);
	commit(s);
	assert_int_not_equal(subscribers_version(s), version);
	assert_int_equal(get(s, 1, &after), 1);
	assert_int_equal(after.revision, before.revision);
	assert_int_equal(get(s, 2, &after), 1);
	assert_int_not_equal(after.revision, before.revision);
	assert_int_equal(find(s, SUBSCRIBER_NAME, "two", &after), 0);
	assert_int_equal(find(s, SUBSCRIBER_NAME, "zwei", &after), 1);
	assert_true(remove_it(s, 2));
	assert_false(remove_it(s, 3));
	commit(s);
	assert_int_equal(get(s, 2, &after), 0);
	assert_int_equal(find(s, SUBSCRIBER_NAME, "zwei", &after), 0);
	assert_int_equal(subscribers_count(s), 1);
	/* What is given up was never there. */
	(void)put(s, 9, SUBSCRIBER_ADDRESS, "");
	assert_int_equal(get(s, 9, &after), 1);
	subscribers_abort(s);
	assert_int_equal(get(s, 9, &after), 0);
	assert_int_equal(subscribers_count(s), 1);
	subscribers_close(s);
}

static void come_in_order(void **state)
{
	struct subscribers *s = open_it();
	struct subscriber sub = {0};
	struct in6_addr at;
	unsigned n = 0;

	(void)state;
	for (unsigned i = MANY; i-- > 0;)
		(void)put(s, i, SUBSCRIBER_NAME, i % 2 == 0 ? "even" : "odd");
	commit(s);
	for (int more = subscribers_next(s, NULL, &sub, error, sizeof(error)); more > 0; n++) {
		assert_int_equal(sub.home.s6_addr[14] << 8 | sub.home.s6_addr[15], n);
		at = sub.home;
		more = subscribers_next(s, &at, &sub, error, sizeof(error));
	}
	assert_int_equal(n, MANY);
	assert_int_equal(find(s, SUBSCRIBER_NAME, "odd", &sub), 1);
	assert_int_equal(sub.home.s6_addr[15], 1);
	subscribers_close(s);
}

/* In another process: adds @n, and says so before it commits; then it is killed, or goes on. */
static pid_t writer(unsigned n, bool commits, int *ret_ready)
{
	int ready[2];
	pid_t pid;

	assert_int_equal(pipe(ready), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		struct subscribers *s = subscribers_open(dir, false, error, sizeof(error));

		if (s == NULL)
			_exit(1);
		(void)put(s, n, SUBSCRIBER_ADDRESS, "");
		if (commits && subscribers_commit(s, error, sizeof(error)) != 0)
			_exit(2);
		if (write(ready[1], "", 1) != 1)
			_exit(3);
		if (commits)
			_exit(0);
		for (;;)
			(void)pause();
	}
	(void)close(ready[1]);
	*ret_ready = ready[0];
	return pid;
}

static void another_process_writes(void **state)
{
	struct subscribers *s = open_it();
	struct subscriber sub;
	uint64_t version = subscribers_version(s);
	int ready, status;
	char octet;
	pid_t pid;

	(void)state;
	assert_int_equal(get(s, 7, &sub), 0);
	pid = writer(7, true, &ready);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	(void)close(ready);
	assert_int_not_equal(subscribers_version(s), version);
	assert_int_equal(get(s, 7, &sub), 1);
	/* One that is killed in the middle leaves nothing, and holds nobody up. */
	version = subscribers_version(s);
	pid = writer(8, false, &ready);
	assert_int_equal(read(ready, &octet, 1), 1);
	assert_int_equal(get(s, 8, &sub), 0);
	assert_int_equal(kill(pid, SIGKILL), 0);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	(void)close(ready);
	assert_int_equal(subscribers_version(s), version);
	assert_int_equal(put(s, 9, SUBSCRIBER_ADDRESS, ""), SUBSCRIBERS_ADDED);
	commit(s);
	assert_int_equal(get(s, 8, &sub), 0);
	assert_int_equal(subscribers_count(s), 2);
	subscribers_close(s);
}

static void damage_is_told(void **state)
{
	struct subscribers *s = open_it();
	char path[128];
	static char text[FILE_MAX];
	size_t len;
	char *at;
	FILE *f;

	(void)state;
	for (unsigned i = 0; i < MANY; i++)
		(void)put(s, i, SUBSCRIBER_PSK, "a secret of some length");
	commit(s);
	subscribers_close(s);
	(void)snprintf(path, sizeof(path), "%s/" SUBSCRIBERS_FILE, dir);
	f = fopen(path, "r+b");
	assert_non_null(f);
	len = fread(text, 1, sizeof(text), f);
	/* All of them: some are in pages that nothing leads to. */
	for (at = text; (at = memmem(at, len - (size_t)(at - text), "a secret", 8)) != NULL;)
		*at = 'A';
	rewind(f);
	assert_int_equal(fwrite(text, 1, len, f), len);
	assert_int_equal(fclose(f), 0);
	assert_null(subscribers_open(dir, true, error, sizeof(error)));
	assert_non_null(strstr(error, "is damaged"));
	assert_non_null(strstr(error, "bubctl subscriber import"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(are_found, setup, teardown),
		cmocka_unit_test_setup_teardown(change_and_go, setup, teardown),
		cmocka_unit_test_setup_teardown(come_in_order, setup, teardown),
		cmocka_unit_test_setup_teardown(another_process_writes, setup, teardown),
		cmocka_unit_test_setup_teardown(damage_is_told, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
