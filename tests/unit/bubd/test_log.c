/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Log lines, as the journal gets them and as a terminal does.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "log.h"

struct fixture {
	int stderr_before;
	int read_end;
	char text[256];
};

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));
	int fds[2];

	assert_int_equal(pipe(fds), 0);
	f->stderr_before = dup(STDERR_FILENO);
	f->read_end = fds[0];
	assert_int_equal(dup2(fds[1], STDERR_FILENO), STDERR_FILENO);
	(void)close(fds[1]);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	(void)dup2(f->stderr_before, STDERR_FILENO);
	(void)close(f->stderr_before);
	(void)close(f->read_end);
	(void)unsetenv("JOURNAL_STREAM");
	free(f);
	return 0;
}

static void assert_written(struct fixture *f, const char *text)
{
	ssize_t n = read(f->read_end, f->text, sizeof(f->text) - 1);

	assert_true(n > 0);
	f->text[n] = '\0';
	assert_string_equal(f->text, text);
}

/* Sets what systemd sets where stderr is its journal; @more is added to the inode. */
static void journal_is_stderr(unsigned long more)
{
	char text[64];
	struct stat st;

	assert_int_equal(fstat(STDERR_FILENO, &st), 0);
	(void)snprintf(text, sizeof(text), "%lu:%lu", (unsigned long)st.st_dev,
		       (unsigned long)st.st_ino + more);
	assert_int_equal(setenv("JOURNAL_STREAM", text, 1), 0);
}

static void a_terminal_gets_words(void **state)
{
	struct log log = {.level = LNX_LOG_INFO, .journal = log_is_journal()};

	assert_false(log.journal);
	log_line(&log, LNX_LOG_WARNING, "text %d", 1);
	assert_written(*state, "warning: text 1\n");
}

static void the_journal_gets_priorities(void **state)
{
	struct log log = {.level = LNX_LOG_DEBUG};

	journal_is_stderr(0);
	log.journal = log_is_journal();
	assert_true(log.journal);
	log_line(&log, LNX_LOG_ERROR, "a");
	log_line(&log, LNX_LOG_WARNING, "b");
	log_line(&log, LNX_LOG_INFO, "c");
	log_line(&log, LNX_LOG_DEBUG, "d");
	assert_written(*state, "<3>error: a\n<4>warning: b\n<6>info: c\n<7>debug: d\n");
}

static void a_mistake_is_an_error_line_by_line(void **state)
{
	log_mistakes("a:1: this\na:2: that\n");
	assert_written(*state, "a:1: this\na:2: that\n");
	journal_is_stderr(0);
	log_mistakes("a:1: this\na:2: that\n");
	assert_written(*state, "<3>a:1: this\n<3>a:2: that\n");
}

static void another_stream_is_no_journal(void **state)
{
	(void)state;
	journal_is_stderr(1);
	assert_false(log_is_journal());
	assert_int_equal(setenv("JOURNAL_STREAM", "nonsense", 1), 0);
	assert_false(log_is_journal());
}

static void what_is_less_important_is_left_out(void **state)
{
	const struct log log = {.level = LNX_LOG_WARNING};

	log_line(&log, LNX_LOG_INFO, "not this");
	log_line(&log, LNX_LOG_ERROR, "this");
	assert_written(*state, "error: this\n");
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(a_terminal_gets_words),
		T(the_journal_gets_priorities),
		T(a_mistake_is_an_error_line_by_line),
		T(another_stream_is_no_journal),
		T(what_is_less_important_is_left_out),
	};
#undef T

	return cmocka_run_group_tests(tests, NULL, NULL);
}
