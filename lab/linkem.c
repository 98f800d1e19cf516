/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * linkem: a link emulator for network namespaces, where the kernel has no netem.
 *
 *   linkem --control SOCKET [--seed N] [--vnet-hdr] [--no-realtime] [--stay-with-parent] [FILE]
 *
 * It runs in a namespace of its own that holds the near end of each veth pair, executes the
 * commands of FILE (emu_cmd.c), says "ready" on its standard output, and from then on moves frames
 * and takes commands from the Unix socket, one a line, until SIGTERM or SIGINT.
 *
 * This file owns the options, the event loop and the control connections.  The loop sleeps in
 * epoll until a frame comes or one is due (timerfd); it never polls.
 */
#include "emu.h"

#include <errno.h>
#include <getopt.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <sys/un.h>
#include <unistd.h>

#define CLIENTS_MAX 8
#define CLIENT_LINE_SIZE 4096
#define REALTIME_PRIORITY 5
#define EVENTS_MAX 32

/* What an epoll event is about: one of these, or a port's or client's index added to its base. */
enum {
	TAG_SIGNAL,
	TAG_TIMER,
	TAG_LISTEN,
	TAG_CARRIER,
	TAG_CLIENT,
	TAG_PORT = TAG_CLIENT + CLIENTS_MAX,
};

struct options {
	const char *control;
	const char *file;
	uint64_t seed;
	bool vnet_hdr;
	bool realtime;
	bool stay_with_parent;
};

struct client {
	int fd; /* -1: free */
	size_t len;
	char buf[CLIENT_LINE_SIZE];
};

struct loop {
	struct emu *emu;
	int epoll, signals, timer, listener;
	unsigned ports_watched;
	struct client client[CLIENTS_MAX];
	bool quit;
};

static void usage(FILE *out)
{
	fprintf(out, "usage: linkem --control SOCKET [--seed N] [--vnet-hdr] [--no-realtime]\n"
		     "              [--stay-with-parent] [FILE]\n"
		     "Emulates links between the interfaces of this network namespace; FILE and\n"
		     "SOCKET take commands, see docs/lab.md.\n");
}

/* ---- Set-up -------------------------------------------------------------------------------- */

static int watch(const struct loop *loop, int fd, uint32_t tag)
{
	struct epoll_event ev = {.events = EPOLLIN, .data.u32 = tag};

	return epoll_ctl(loop->epoll, EPOLL_CTL_ADD, fd, &ev) < 0 ? -errno : 0;
}

/* Commands may have added ports. */
static int watch_ports(struct loop *loop)
{
	for (; loop->ports_watched < emu_port_count(loop->emu); loop->ports_watched++) {
		int err = watch(loop, emu_port_fd(loop->emu, loop->ports_watched),
				TAG_PORT + loop->ports_watched);

		if (err < 0)
			return err;
	}
	return 0;
}

static int open_listener(const char *path, int *ret_fd)
{
	struct sockaddr_un un = {.sun_family = AF_UNIX};
	int fd, err;

	if (strlen(path) >= sizeof(un.sun_path))
		return -ENAMETOOLONG;
	snprintf(un.sun_path, sizeof(un.sun_path), "%s", path);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return -errno;
	unlink(path); /* a socket left by a run that was killed */
	if (bind(fd, (const struct sockaddr *)&un, sizeof(un)) < 0 || listen(fd, 4) < 0) {
		err = -errno;
		close(fd);
		return err;
	}
	*ret_fd = fd;
	return 0;
}

static int open_loop(struct loop *loop, const struct options *opt, const sigset_t *signals)
{
	int err;

	loop->epoll = epoll_create1(EPOLL_CLOEXEC);
	loop->signals = signalfd(-1, signals, SFD_CLOEXEC | SFD_NONBLOCK);
	loop->timer = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
	if (loop->epoll < 0 || loop->signals < 0 || loop->timer < 0)
		return -errno;
	err = open_listener(opt->control, &loop->listener);
	if (err < 0)
		return err;
	err = watch(loop, loop->signals, TAG_SIGNAL);
	if (err == 0)
		err = watch(loop, loop->timer, TAG_TIMER);
	if (err == 0)
		err = watch(loop, loop->listener, TAG_LISTEN);
	if (err == 0)
		err = watch(loop, emu_fd_carrier(loop->emu), TAG_CARRIER);
	return err;
}

/* Frames should leave on time although the nodes that they connect share the CPUs. */
static void be_prompt(const struct options *opt)
{
	const struct sched_param param = {.sched_priority = REALTIME_PRIORITY};

	prctl(PR_SET_TIMERSLACK, 1UL);
	if (!opt->realtime)
		return;
	if (sched_setscheduler(0, SCHED_RR, &param) < 0 && setpriority(PRIO_PROCESS, 0, -5) < 0)
		fprintf(stderr, "linkem: no real-time priority, delays may be longer than asked\n");
}

/* ---- Control ------------------------------------------------------------------------------- */

static void client_close(struct client *c)
{
	close(c->fd);
	c->fd = -1;
}

static void client_accept(struct loop *loop)
{
	int fd = accept4(loop->listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

	if (fd < 0)
		return;
	for (unsigned i = 0; i < CLIENTS_MAX; i++) {
		struct client *c = &loop->client[i];

		if (c->fd >= 0)
			continue;
		c->fd = fd;
		c->len = 0;
		if (watch(loop, fd, TAG_CLIENT + i) < 0)
			client_close(c);
		return;
	}
	close(fd);
}

/* Executes @line and sends the answer; a client that does not read its answers loses them. */
static void client_line(struct loop *loop, struct client *c, const char *line)
{
	char *text = NULL;
	size_t len = 0;
	FILE *out = open_memstream(&text, &len);

	if (out == NULL) {
		client_close(c);
		return;
	}
	(void)emu_command(loop->emu, line, out);
	if (watch_ports(loop) < 0)
		fprintf(stderr, "linkem: a new port cannot be watched: %s\n", strerror(errno));
	if (fclose(out) != 0 || send(c->fd, text, len, MSG_NOSIGNAL) != (ssize_t)len)
		client_close(c);
	free(text);
}

static void client_readable(struct loop *loop, struct client *c)
{
	ssize_t n = read(c->fd, c->buf + c->len, sizeof(c->buf) - 1 - c->len);
	char *start = c->buf, *end;

	if (n <= 0) {
		if (n == 0 || errno != EAGAIN)
			client_close(c);
		return;
	}
	c->len += (size_t)n;
	c->buf[c->len] = '\0';
	while (c->fd >= 0 && (end = memchr(start, '\n', c->len)) != NULL) {
		*end = '\0';
		client_line(loop, c, start);
		c->len -= (size_t)(end + 1 - start);
		start = end + 1;
	}
	memmove(c->buf, start, c->len);
	if (c->fd >= 0 && c->len == sizeof(c->buf) - 1)
		client_close(c); /* a line without end */
}

static int run_file(struct emu *emu, const char *path)
{
	char line[CLIENT_LINE_SIZE];
	FILE *file = fopen(path, "re");
	unsigned number = 0;
	int ret = 0;

	if (file == NULL) {
		fprintf(stderr, "linkem: %s: %s\n", path, strerror(errno));
		return -1;
	}
	while (ret == 0 && fgets(line, sizeof(line), file) != NULL) {
		char *answer = NULL;
		size_t len;
		FILE *out = open_memstream(&answer, &len);

		number++;
		if (out == NULL) {
			ret = -1;
			break;
		}
		ret = emu_command(emu, line, out);
		fclose(out);
		if (ret < 0)
			fprintf(stderr, "linkem: %s:%u: %s", path, number, answer);
		free(answer);
	}
	fclose(file);
	return ret;
}

/* ---- Loop ---------------------------------------------------------------------------------- */

static void dispatch(struct loop *loop, uint32_t tag)
{
	uint64_t unused;

	switch (tag) {
	case TAG_SIGNAL:
		loop->quit = true;
		break;
	case TAG_TIMER:
		(void)!read(loop->timer, &unused,
			    sizeof(unused)); /* emu_run() looks at the clock */
		break;
	case TAG_LISTEN:
		client_accept(loop);
		break;
	case TAG_CARRIER:
		emu_carrier_readable(loop->emu);
		break;
	default:
		if (tag >= TAG_PORT)
			emu_port_readable(loop->emu, tag - TAG_PORT);
		else if (loop->client[tag - TAG_CLIENT].fd >= 0)
			client_readable(loop, &loop->client[tag - TAG_CLIENT]);
		break;
	}
}

static void arm_timer(const struct loop *loop, uint64_t due_ns)
{
	struct itimerspec when = {0};

	if (due_ns != EMU_NEVER) {
		when.it_value.tv_sec = (time_t)(due_ns / EMU_NSEC);
		when.it_value.tv_nsec = (long)(due_ns % EMU_NSEC);
	}
	timerfd_settime(loop->timer, TFD_TIMER_ABSTIME, &when, NULL);
}

static int run(struct loop *loop)
{
	uint64_t armed = EMU_NEVER;

	while (!loop->quit) {
		struct epoll_event ev[EVENTS_MAX];
		uint64_t due = emu_run(loop->emu);
		int n;

		if (due != armed) {
			arm_timer(loop, due);
			armed = due;
		}
		n = epoll_wait(loop->epoll, ev, EVENTS_MAX, -1);
		if (n < 0 && errno != EINTR) {
			perror("linkem: epoll_wait");
			return -1;
		}
		for (int i = 0; i < n; i++)
			dispatch(loop, ev[i].data.u32);
	}
	return 0;
}

static int parse_seed(const char *text, uint64_t *ret_seed)
{
	char *end;

	errno = 0;
	*ret_seed = strtoull(text, &end, 0);
	if (errno != 0 || end == text || *end != '\0' || text[0] == '-') {
		fprintf(stderr, "linkem: --seed: '%s' is not a number\n", text);
		return -1;
	}
	return 0;
}

/* Returns 0, 1 when help was asked for, or -1. */
static int parse_options(int argc, char **argv, struct options *opt)
{
	static const struct option longopts[] = {
		{"control", required_argument, NULL, 'c'},
		{"seed", required_argument, NULL, 's'},
		{"vnet-hdr", no_argument, NULL, 'v'},
		{"no-realtime", no_argument, NULL, 'n'},
		{"stay-with-parent", no_argument, NULL, 'p'},
		{"help", no_argument, NULL, 'h'},
		{NULL, 0, NULL, 0},
	};
	int c;

	while ((c = getopt_long(argc, argv, "", longopts, NULL)) != -1) {
		switch (c) {
		case 'c':
			opt->control = optarg;
			break;
		case 's':
			if (parse_seed(optarg, &opt->seed) < 0)
				return -1;
			break;
		case 'v':
			opt->vnet_hdr = true;
			break;
		case 'n':
			opt->realtime = false;
			break;
		case 'p':
			opt->stay_with_parent = true;
			break;
		case 'h':
			return 1;
		default:
			return -1;
		}
	}
	opt->file = argv[optind];
	if (opt->control == NULL) {
		fprintf(stderr, "linkem: --control SOCKET is needed\n");
		return -1;
	}
	return 0;
}

int main(int argc, char **argv)
{
	struct options opt = {.seed = 1, .realtime = true};
	struct loop loop = {.epoll = -1};
	sigset_t signals;
	int err = parse_options(argc, argv, &opt);

	if (err != 0) {
		usage(err > 0 ? stdout : stderr);
		return err > 0 ? EXIT_SUCCESS : 2;
	}
	if (opt.stay_with_parent)
		prctl(PR_SET_PDEATHSIG, SIGTERM);
	be_prompt(&opt);
	/* Before emu_new() starts a thread, which would take them with the default action. */
	sigemptyset(&signals);
	sigaddset(&signals, SIGTERM);
	sigaddset(&signals, SIGINT);
	sigprocmask(SIG_BLOCK, &signals, NULL);
	signal(SIGPIPE, SIG_IGN);
	for (unsigned i = 0; i < CLIENTS_MAX; i++)
		loop.client[i].fd = -1;
	err = emu_new(opt.seed, opt.vnet_hdr, &loop.emu);
	if (err == 0)
		err = open_loop(&loop, &opt, &signals);
	if (err < 0) {
		fprintf(stderr, "linkem: cannot start: %s\n", strerror(-err));
		emu_free(loop.emu);
		return EXIT_FAILURE;
	}
	err = opt.file != NULL ? run_file(loop.emu, opt.file) : 0;
	if (err == 0)
		err = watch_ports(&loop);
	if (err == 0) {
		puts("ready");
		fflush(stdout);
		err = run(&loop);
	}
	unlink(opt.control);
	if (emu_free(loop.emu) < 0) {
		fprintf(stderr, "linkem: a capture file could not be written in full\n");
		err = -1;
	}
	return err == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
