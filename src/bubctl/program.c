/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * See program.h.  Owns where programs are looked for and how long they may take.
 */
#include "program.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define PROGRAM_LIMIT_MS 10000
#define NOT_FOUND 127 /* as shells say it */
#define SYSTEM_FOLDERS "/usr/local/sbin:/usr/sbin:/sbin:/usr/bin:/bin"

/* What comes out of one descriptor. */
struct program_pipe {
	int ends[2];
	char *text;
	size_t len;
};

static long long program_now_ms(void)
{
	struct timespec t = {0};

	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	return (long long)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static void program_set_path(void)
{
	const char *path = getenv("PATH");
	char self[PATH_MAX] = "", all[2 * PATH_MAX];
	char *slash = NULL;

	if (readlink("/proc/self/exe", self, sizeof(self) - 1) > 0)
		slash = strrchr(self, '/');
	if (slash != NULL)
		*slash = '\0';
	(void)snprintf(all, sizeof(all), "%s%s%s%s" SYSTEM_FOLDERS, slash != NULL ? self : "",
		       slash != NULL ? ":" : "", path != NULL ? path : "", path != NULL ? ":" : "");
	(void)setenv("PATH", all, 1);
	(void)setenv("LC_ALL", "C", 1);
}

static _Noreturn void program_become(const char *const argv[], const struct program_pipe p[2])
{
	int null = open("/dev/null", O_RDONLY | O_CLOEXEC);

	(void)dup2(null, STDIN_FILENO);
	(void)dup2(p[0].ends[1], STDOUT_FILENO);
	(void)dup2(p[1].ends[1], STDERR_FILENO);
	program_set_path();
	(void)execvp(argv[0], (char *const *)(const void *)argv);
	_exit(NOT_FOUND);
}

/* Returns false at the end. */
static bool program_take(struct program_pipe *p)
{
	char part[4096];
	ssize_t n = read(p->ends[0], part, sizeof(part));
	char *text = NULL;

	if (n < 0 && errno == EINTR)
		return true;
	if (n <= 0)
		return false;
	text = realloc(p->text, p->len + (size_t)n + 1);
	if (text == NULL)
		return false;
	memcpy(text + p->len, part, (size_t)n);
	p->text = text;
	p->len += (size_t)n;
	text[p->len] = '\0';
	return true;
}

/* Reads both until they end; returns false when that takes too long. */
static bool program_listen(struct program_pipe p[2])
{
	const long long end = program_now_ms() + PROGRAM_LIMIT_MS;
	struct pollfd fds[2] = {{.fd = p[0].ends[0], .events = POLLIN},
				{.fd = p[1].ends[0], .events = POLLIN}};

	while (fds[0].fd >= 0 || fds[1].fd >= 0) {
		long long left = end - program_now_ms();

		if (left <= 0)
			return false;
		if (poll(fds, 2, (int)left) < 0 && errno != EINTR)
			return false;
		for (int i = 0; i < 2; i++)
			if (fds[i].fd >= 0 && fds[i].revents != 0 && !program_take(&p[i]))
				fds[i].fd = -1;
	}
	return true;
}

static void close_end(struct program_pipe *p, int i)
{
	if (p->ends[i] >= 0)
		(void)close(p->ends[i]);
	p->ends[i] = -1;
}

static int program_wait(const char *const argv[], struct program_pipe p[2])
{
	int status = 0;
	pid_t pid = fork();

	if (pid == 0)
		program_become(argv, p);
	close_end(&p[0], 1);
	close_end(&p[1], 1);
	if (pid < 0)
		return -1;
	if (!program_listen(p))
		(void)kill(pid, SIGKILL);
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

void program_run(const char *const argv[], struct program_result *ret)
{
	struct program_pipe p[2] = {{.ends = {-1, -1}}, {.ends = {-1, -1}}};

	*ret = (struct program_result){.status = -1};
	if (pipe2(p[0].ends, O_CLOEXEC) == 0 && pipe2(p[1].ends, O_CLOEXEC) == 0)
		ret->status = program_wait(argv, p);
	for (int i = 0; i < 2; i++) {
		close_end(&p[i], 0);
		close_end(&p[i], 1);
	}
	ret->found = ret->status != NOT_FOUND;
	ret->out_len = p[0].len;
	ret->out = p[0].text != NULL ? p[0].text : strdup("");
	ret->error = p[1].text != NULL ? p[1].text : strdup("");
	if (ret->out == NULL || ret->error == NULL)
		abort(); /* not even an octet of memory is left */
}

void program_free(struct program_result *r)
{
	free(r->out);
	free(r->error);
}
