/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Small datagrams a second, for bench/load.py.
 *
 *	packets send SRC DST PORT SECONDS    as many datagrams of 64 octets as go out; prints
 *	                                          the nanoseconds of CPU time that each cost
 *	packets recv ADDR PORT SECONDS       prints how many a second came in, from the first
 *on
 *
 * Both use one system call a datagram, like most programs, so that the cost measured is the
 * kernel's path of a packet and not that of the calls alone.
 */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#define PAYLOAD_LEN 64
#define TIME_EVERY 256 /* datagrams between two looks at the clock */

static double now_s(void)
{
	struct timespec ts = {0};

	(void)clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

/* The kernel's work for a packet on a veth pair, up to the receiver's socket, is done in the
 * sender's time. */
static double cpu_s(void)
{
	struct rusage ru = {0};

	(void)getrusage(RUSAGE_SELF, &ru);
	return (double)(ru.ru_utime.tv_sec + ru.ru_stime.tv_sec) +
	       (double)(ru.ru_utime.tv_usec + ru.ru_stime.tv_usec) / 1e6;
}

static struct sockaddr_in6 address(const char *text, const char *port)
{
	struct sockaddr_in6 sin6 = {.sin6_family = AF_INET6};

	sin6.sin6_port = htons((uint16_t)strtoul(port, NULL, 10));
	if (inet_pton(AF_INET6, text, &sin6.sin6_addr) != 1) {
		(void)fprintf(stderr, "%s is not an IPv6 address\n", text);
		exit(2);
	}
	return sin6;
}

static int bound_socket(const struct sockaddr_in6 *to)
{
	int fd = socket(AF_INET6, SOCK_DGRAM, 0);

	if (fd < 0 || bind(fd, (const struct sockaddr *)to, sizeof(*to)) != 0) {
		perror("bind");
		exit(2);
	}
	return fd;
}

static int sender(char *const *arg)
{
	struct sockaddr_in6 src = address(arg[0], "0"), dst = address(arg[1], arg[2]);
	double end = now_s() + strtod(arg[3], NULL);
	char payload[PAYLOAD_LEN] = {0};
	int fd = bound_socket(&src);
	double cpu = cpu_s();
	uint64_t n = 0;

	if (connect(fd, (const struct sockaddr *)&dst, sizeof(dst)) != 0) {
		perror("connect");
		return 1;
	}
	while (now_s() < end)
		for (int i = 0; i < TIME_EVERY; i++, n++)
			if (send(fd, payload, sizeof(payload), 0) < 0)
				break; /* a full queue, or the receiver is gone */
	printf("%.0f\n", n == 0 ? 0 : (cpu_s() - cpu) * 1e9 / (double)n);
	close(fd);
	return 0;
}

static int receiver(char *const *arg)
{
	struct sockaddr_in6 at = address(arg[0], arg[1]);
	struct timeval limit = {.tv_sec = 5};
	double seconds = strtod(arg[2], NULL), start, now;
	char payload[PAYLOAD_LEN];
	int fd = bound_socket(&at);
	uint64_t n = 0;

	(void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
	printf("ready\n");
	(void)fflush(stdout);
	if (recv(fd, payload, sizeof(payload), 0) < 0)
		return 1;
	start = now = now_s();
	while (now - start < seconds) {
		for (int i = 0; i < TIME_EVERY; i++)
			if (recv(fd, payload, sizeof(payload), 0) < 0)
				return 1;
		n += TIME_EVERY;
		now = now_s();
	}
	printf("%.0f\n", (double)n / (now - start));
	close(fd);
	return 0;
}

int main(int argc, char **argv)
{
	if (argc == 6 && strcmp(argv[1], "send") == 0)
		return sender(argv + 2);
	if (argc == 5 && strcmp(argv[1], "recv") == 0)
		return receiver(argv + 2);
	(void)fprintf(stderr, "usage: packets send SRC DST PORT SECONDS\n"
			      "       packets recv ADDR PORT SECONDS\n");
	return 2;
}
