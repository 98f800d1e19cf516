/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * frames INTERFACE FILE SECONDS RATE: sends the Ethernet frames of a file, each behind its length
 * (two octets, network order), again and again, for bench/strangers.py; RATE a second, 0: as many
 * as go out. Prints the processor time of this program for each, and how many it were.
 *
 * Past the queueing discipline: then all that the receiver's kernel does with a frame of a veth
 * pair, up to the sockets, is done in this program's time.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#define FRAMES_MAX 65536
#define BATCH 32 /* frames of one system call */

static struct mmsghdr msg[FRAMES_MAX + BATCH];
static struct iovec iov[FRAMES_MAX + BATCH];

static double clock_s(clockid_t which)
{
	struct timespec t = {0};

	(void)clock_gettime(which, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void fail(const char *what)
{
	perror(what);
	exit(EXIT_FAILURE);
}

static void add(unsigned at, struct iovec frame)
{
	iov[at] = frame;
	msg[at].msg_hdr.msg_iov = &iov[at];
	msg[at].msg_hdr.msg_iovlen = 1;
}

static unsigned read_frames(const char *path)
{
	FILE *f = fopen(path, "rb");
	uint8_t len[2];
	unsigned n = 0;

	if (f == NULL)
		fail(path);
	while (n < FRAMES_MAX && fread(len, sizeof(len), 1, f) == 1) {
		struct iovec frame = {.iov_len = (size_t)len[0] << 8 | len[1]};

		frame.iov_base = malloc(frame.iov_len + 1);
		if (frame.iov_base == NULL || fread(frame.iov_base, frame.iov_len, 1, f) != 1)
			fail(path);
		add(n++, frame);
	}
	(void)fclose(f);
	if (n == 0)
		fail("no frame");
	/* A batch may begin at any of them. */
	for (unsigned i = 0; i < BATCH; i++)
		add(n + i, iov[i % n]);
	return n;
}

static int open_interface(const char *name)
{
	struct sockaddr_ll sa = {.sll_family = AF_PACKET};
	int on = 1, fd = socket(AF_PACKET, SOCK_RAW, 0);

	sa.sll_ifindex = (int)if_nametoindex(name);
	if (fd < 0 || sa.sll_ifindex == 0 ||
	    setsockopt(fd, SOL_PACKET, PACKET_QDISC_BYPASS, &on, sizeof(on)) != 0 ||
	    bind(fd, (const struct sockaddr *)&sa, sizeof(sa)) != 0)
		fail(name);
	return fd;
}

static void pause_until(double when)
{
	const struct timespec t = {(time_t)when, (long)((when - (double)(time_t)when) * 1e9)};

	(void)clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &t, NULL);
}

int main(int argc, char **argv)
{
	double start, end, rate, spent;
	uint64_t sent = 0, done = 0;
	unsigned n;
	int fd;

	if (argc != 5) {
		(void)fprintf(stderr, "usage: frames INTERFACE FILE SECONDS RATE\n");
		return 2;
	}
	fd = open_interface(argv[1]);
	n = read_frames(argv[2]);
	rate = strtod(argv[4], NULL);
	spent = clock_s(CLOCK_PROCESS_CPUTIME_ID);
	start = clock_s(CLOCK_MONOTONIC);
	end = start + strtod(argv[3], NULL);
	while (clock_s(CLOCK_MONOTONIC) < end) {
		int k = sendmmsg(fd, msg + done % n, BATCH, 0);

		/* Too many wait at the receiver: this frame was not worked on. */
		if (k < 0 && errno != ENOBUFS)
			fail("sendmmsg");
		done += k < 0 ? 1 : (unsigned)k;
		sent += k < 0 ? 0 : (unsigned)k;
		if (rate > 0)
			pause_until(start + (double)done / rate);
	}
	spent = clock_s(CLOCK_PROCESS_CPUTIME_ID) - spent;
	printf("%.0f %llu\n", sent == 0 ? 0 : spent * 1e9 / (double)sent, (unsigned long long)sent);
	return 0;
}
