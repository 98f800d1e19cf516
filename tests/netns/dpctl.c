/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Drives src/linux/datapath.c by hand, for tests and benchmarks: one command a line on standard
 * input, one line in answer, which begins with "ok" or "error".  Ends with its input, and takes
 * everything back.
 *
 *	open PATHS                                          load the programs
 *	attach IF | detach IF
 *	local ADDR home|plain | unlocal ADDR
 *	path LOCAL PEER direct|credit|indirect|udp OUT_SRC OUT_DST IN_CARE_OF
 *	unpath LOCAL PEER
 *	tun INTERFACE
 *	counters                                            ok NAME=VALUE ...
 *	known ADDR | spi NUMBER                             what the filters know
 *	listen IF known|strangers                           packet socket with that filter
 *	recv TIMEOUT_MS                                     ok HEX, from the IPv6 header on; or ok
 *
 * With arguments `wire NETNS NAME NETNS NAME`: makes a TUN interface in each of two network
 * namespaces and carries packets between them, a link without Ethernet header.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <poll.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "datapath.h"

#define LINE_MAX_LEN 512
#define WORDS_MAX 8
#define UDP_PORT 62191
#define COUNTERS_MAX 64
#define PACKET_MAX 65536

struct state {
	struct datapath *dp;
	int packet_fd;
};

static void answer(const struct state *st, int err)
{
	if (err == 0)
		printf("ok\n");
	else
		printf("error %d %s\n", -err, st->dp == NULL ? "" : datapath_last_error(st->dp));
}

static struct in6_addr addr(const char *text)
{
	struct in6_addr a = {0};

	if (inet_pton(AF_INET6, text, &a) != 1) {
		(void)fprintf(stderr, "dpctl: %s is not an IPv6 address\n", text);
		exit(2);
	}
	return a;
}

static void cmd_open(struct state *st, char *const *w)
{
	const struct datapath_size size = {(uint32_t)strtoul(w[1], NULL, 10), 64, 64};
	char error[256];

	if (datapath_open(&size, error, sizeof(error), &st->dp) != 0)
		printf("error 0 %s\n", error);
	else
		printf("ok\n");
}

static void cmd_attach(struct state *st, char *const *w)
{
	answer(st, datapath_attach(st->dp, if_nametoindex(w[1])));
}

static void cmd_detach(struct state *st, char *const *w)
{
	answer(st, datapath_detach(st->dp, if_nametoindex(w[1])));
}

static void cmd_local(struct state *st, char *const *w)
{
	struct in6_addr a = addr(w[1]);

	answer(st, datapath_local_add(st->dp, &a, strcmp(w[2], "home") == 0));
}

static void cmd_unlocal(struct state *st, char *const *w)
{
	struct in6_addr a = addr(w[1]);

	answer(st, datapath_local_del(st->dp, &a));
}

static void cmd_known(struct state *st, char *const *w)
{
	struct in6_addr a = addr(w[1]);

	answer(st, datapath_known_add(st->dp, &a));
}

static void cmd_spi(struct state *st, char *const *w)
{
	answer(st, datapath_spi_add(st->dp, (uint32_t)strtoul(w[1], NULL, 0)));
}

static void cmd_path(struct state *st, char *const *w)
{
	struct bub_path path = {
		.local = addr(w[1]),
		.peer = addr(w[2]),
		.direct = strcmp(w[3], "indirect") != 0,
		.trust = strcmp(w[3], "credit") == 0 ? BUB_TRUST_CREDIT : BUB_TRUST_FULL,
		.grant = strcmp(w[3], "credit") == 0 ? BUB_CREDIT_START : 0,
		.out_src = addr(w[4]),
		.out_dst = addr(w[5]),
		.in_care_of = addr(w[6]),
		.udp_port = strcmp(w[3], "udp") == 0 ? UDP_PORT : 0,
	};

	if (path.udp_port != 0)
		datapath_set_udp_port(st->dp, UDP_PORT);

	answer(st, datapath_path_set(st->dp, &path));
}

static void cmd_tun(struct state *st, char *const *w)
{
	datapath_set_tun(st->dp, if_nametoindex(w[1]));
	answer(st, 0);
}

static void cmd_unpath(struct state *st, char *const *w)
{
	struct in6_addr local = addr(w[1]), peer = addr(w[2]);

	answer(st, datapath_path_del(st->dp, &local, &peer));
}

static void cmd_counters(struct state *st, char *const *w)
{
	const char *const *names;
	uint64_t values[COUNTERS_MAX];
	unsigned n = datapath_counters(st->dp, &names, values, COUNTERS_MAX);

	(void)w;
	printf("ok");
	for (unsigned i = 0; i < n && i < COUNTERS_MAX; i++)
		printf(" %s=%llu", names[i], (unsigned long long)values[i]);
	printf("\n");
}

static void cmd_listen(struct state *st, char *const *w)
{
	bool known = strcmp(w[2], "known") == 0;
	int filter = datapath_program_fd(st->dp, known ? DATAPATH_KNOWN : DATAPATH_STRANGERS);
	int yes = 1;
	struct sockaddr_ll sll = {
		.sll_family = AF_PACKET,
		.sll_protocol = htons(ETH_P_ALL),
		.sll_ifindex = (int)if_nametoindex(w[1]),
	};

	if (st->packet_fd >= 0)
		close(st->packet_fd);
	/* Protocol 0: nothing comes in before the filter is there. */
	st->packet_fd = socket(AF_PACKET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (st->packet_fd < 0 ||
	    setsockopt(st->packet_fd, SOL_PACKET, PACKET_IGNORE_OUTGOING, &yes, sizeof(yes)) != 0 ||
	    setsockopt(st->packet_fd, SOL_SOCKET, SO_ATTACH_BPF, &filter, sizeof(filter)) != 0 ||
	    bind(st->packet_fd, (const struct sockaddr *)&sll, sizeof(sll)) != 0)
		printf("error %d %s\n", errno, strerror(errno));
	else
		printf("ok\n");
}

static void cmd_recv(struct state *st, char *const *w)
{
	static uint8_t buf[PACKET_MAX];
	struct pollfd pfd = {.fd = st->packet_fd, .events = POLLIN};
	ssize_t len = 0;

	if (poll(&pfd, 1, (int)strtol(w[1], NULL, 10)) > 0)
		len = recv(st->packet_fd, buf, sizeof(buf), MSG_DONTWAIT);
	printf("ok ");
	for (ssize_t i = 0; i < len; i++)
		printf("%02x", buf[i]);
	printf("\n");
}

static const struct command {
	const char *name;
	unsigned words; /* with the name */
	void (*run)(struct state *st, char *const *words);
} commands[] = {
	{"open", 2, cmd_open},     {"attach", 2, cmd_attach},     {"detach", 2, cmd_detach},
	{"local", 3, cmd_local},   {"unlocal", 2, cmd_unlocal},   {"path", 7, cmd_path},
	{"unpath", 3, cmd_unpath}, {"counters", 1, cmd_counters}, {"listen", 3, cmd_listen},
	{"recv", 2, cmd_recv},     {"known", 2, cmd_known},       {"spi", 2, cmd_spi},
	{"tun", 2, cmd_tun},
};

static void run_line(struct state *st, char *line)
{
	char *words[WORDS_MAX] = {NULL};
	char *save = NULL;
	unsigned n = 0;

	for (char *w = strtok_r(line, " \n", &save); w != NULL && n < WORDS_MAX;
	     w = strtok_r(NULL, " \n", &save))
		words[n++] = w;
	for (size_t i = 0; n > 0 && i < sizeof(commands) / sizeof(commands[0]); i++) {
		if (strcmp(words[0], commands[i].name) != 0 || n != commands[i].words)
			continue;
		commands[i].run(st, words);
		(void)fflush(stdout);
		return;
	}
	printf("error 0 no such command\n");
	(void)fflush(stdout);
}

/* ---- A wire without Ethernet headers --------------------------------------------------------- */

static int open_tun(const char *netns, const char *name)
{
	struct ifreq ifr = {.ifr_flags = IFF_TUN | IFF_NO_PI};
	char path[128];
	int fd;

	(void)snprintf(path, sizeof(path), "/run/netns/%s", netns);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || setns(fd, CLONE_NEWNET) != 0)
		return -1;
	close(fd);
	fd = open("/dev/net/tun", O_RDWR | O_CLOEXEC);
	(void)snprintf(ifr.ifr_name, sizeof(ifr.ifr_name), "%s", name);
	if (fd < 0 || ioctl(fd, TUNSETIFF, &ifr) != 0)
		return -1;
	return fd;
}

static void carry(int from, int to)
{
	static uint8_t buf[PACKET_MAX];
	ssize_t len = read(from, buf, sizeof(buf));

	/* A peer that is down loses the packet, as a wire would. */
	if (len > 0 && write(to, buf, (size_t)len) < 0)
		return;
}

static int wire(char *const *arg)
{
	struct pollfd pfd[3] = {
		{.fd = open_tun(arg[0], arg[1]), .events = POLLIN},
		{.fd = open_tun(arg[2], arg[3]), .events = POLLIN},
		{.fd = STDIN_FILENO, .events = POLLIN},
	};

	if (pfd[0].fd < 0 || pfd[1].fd < 0) {
		printf("error %d no TUN interface: %s\n", errno, strerror(errno));
		return 1;
	}
	printf("ok\n");
	(void)fflush(stdout);
	while (poll(pfd, 3, -1) > 0) {
		if (pfd[2].revents != 0)
			return 0;
		if (pfd[0].revents & POLLIN)
			carry(pfd[0].fd, pfd[1].fd);
		if (pfd[1].revents & POLLIN)
			carry(pfd[1].fd, pfd[0].fd);
	}
	return 1;
}

int main(int argc, char **argv)
{
	struct state st = {.packet_fd = -1};
	char line[LINE_MAX_LEN];

	if (argc == 6 && strcmp(argv[1], "wire") == 0)
		return wire(argv + 2);
	while (fgets(line, sizeof(line), stdin) != NULL)
		run_line(&st, line);
	if (st.packet_fd >= 0)
		close(st.packet_fd);
	datapath_close(st.dp);
	return 0;
}
