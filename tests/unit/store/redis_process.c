/* SPDX-License-Identifier: BSD-2-Clause */
/* See redis_process.h. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <hiredis/hiredis.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "redis_process.h"

#define START_S 30

void redis_process_make(struct redis_process *p)
{
	(void)snprintf(p->dir, sizeof(p->dir), "/tmp/bub-redis-XXXXXX");
	assert_non_null(mkdtemp(p->dir));
	(void)snprintf(p->socket, sizeof(p->socket), "%s/redis.sock", p->dir);
}

static void become_redis(const struct redis_process *p)
{
	const char *argv[48] = {"redis-server"};
	char conf[96], log[96];
	size_t n = 1;
	int null_fd = open("/dev/null", O_RDWR | O_CLOEXEC);

	(void)snprintf(conf, sizeof(conf), "%s/redis.conf", p->dir);
	(void)snprintf(log, sizeof(log), "%s/redis.log", p->dir);
	if (p->sentinel)
		argv[n++] = conf;
	argv[n++] = "--unixsocket";
	argv[n++] = p->socket;
	argv[n++] = "--dir";
	argv[n++] = p->dir;
	argv[n++] = "--logfile";
	argv[n++] = log;
	for (size_t i = 0; p->extra[i] != NULL; i++)
		argv[n++] = p->extra[i];
	if (p->sentinel)
		argv[n++] = "--sentinel";
	argv[n] = NULL;
	if (p->file_max > 0) {
		const struct rlimit full = {p->file_max, p->file_max};

		(void)setrlimit(RLIMIT_FSIZE, &full);
		(void)signal(SIGXFSZ, SIG_IGN);
	}
	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	(void)dup2(null_fd, STDIN_FILENO);
	(void)dup2(null_fd, STDOUT_FILENO);
	(void)execvp(argv[0], (char *const *)(uintptr_t)argv);
	_exit(127);
}

static void pause_ms(long ms)
{
	const struct timespec ts = {.tv_nsec = ms * 1000000};

	(void)nanosleep(&ts, NULL);
}

void redis_process_start(struct redis_process *p)
{
	const time_t end = time(NULL) + START_S;

	p->pid = fork();
	assert_true(p->pid >= 0);
	if (p->pid == 0)
		become_redis(p);
	while (strcmp(redis_process_ask(p, "PING"), "PONG") != 0) {
		assert_true(time(NULL) < end);
		pause_ms(5);
	}
}

void redis_process_kill(struct redis_process *p)
{
	if (p->pid <= 0)
		return;
	assert_int_equal(kill(p->pid, SIGKILL), 0);
	assert_int_equal(waitpid(p->pid, NULL, 0), p->pid);
	p->pid = 0;
}

static void remove_tree(const char *path)
{
	DIR *d = opendir(path);
	const struct dirent *e;
	char below[512];

	while (d != NULL && (e = readdir(d)) != NULL) {
		if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0)
			continue;
		(void)snprintf(below, sizeof(below), "%s/%s", path, e->d_name);
		if (unlink(below) != 0)
			remove_tree(below);
	}
	if (d != NULL)
		(void)closedir(d);
	(void)rmdir(path);
}

void redis_process_unmake(struct redis_process *p)
{
	redis_process_kill(p);
	remove_tree(p->dir);
}

const char *redis_process_ask(const struct redis_process *p, const char *fmt, ...)
{
	static char text[4096];
	redisContext *c = redisConnectUnix(p->socket);
	redisReply *reply = NULL;
	va_list ap;

	text[0] = '\0';
	va_start(ap, fmt);
	if (c != NULL && c->err == 0)
		reply = redisvCommand(c, fmt, ap);
	va_end(ap);
	if (reply != NULL && reply->type == REDIS_REPLY_INTEGER)
		(void)snprintf(text, sizeof(text), "%lld", reply->integer);
	else if (reply != NULL && reply->str != NULL)
		(void)snprintf(text, sizeof(text), "%s%s",
			       reply->type == REDIS_REPLY_ERROR ? "-" : "", reply->str);
	if (reply != NULL)
		freeReplyObject(reply);
	if (c != NULL)
		redisFree(c);
	return text;
}

uint16_t redis_process_port(void)
{
	struct sockaddr_in6 at = {.sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT};
	socklen_t len = sizeof(at);
	int fd = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_int_equal(bind(fd, (struct sockaddr *)&at, sizeof(at)), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&at, &len), 0);
	(void)close(fd);
	return ntohs(at.sin6_port);
}
