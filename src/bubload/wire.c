/* SPDX-License-Identifier: BSD-2-Clause */
/* See wire.h. */
#include "wire.h"

#include <errno.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#define WIRE_BUFFER (64 << 20) /* octets that wait in either socket */
#define NS_PER_S 1000000000u

struct wire {
	int out, in;
	unsigned n; /* packets that wait to be sent */
	struct mmsghdr out_msg[LOAD_BATCH], in_msg[LOAD_BATCH];
	struct iovec out_iov[LOAD_BATCH], in_iov[LOAD_BATCH];
	uint8_t out_packet[LOAD_BATCH][LOAD_PACKET_MAX], in_packet[LOAD_BATCH][LOAD_PACKET_MAX];
};

static int open_out(const struct in6_addr *agent)
{
	const struct sockaddr_in6 to = {.sin6_family = AF_INET6, .sin6_addr = *agent};
	const int on = 1, size = WIRE_BUFFER;
	const int fd = socket(AF_INET6, SOCK_RAW | SOCK_CLOEXEC, IPPROTO_RAW);

	if (fd < 0 || setsockopt(fd, IPPROTO_IPV6, IPV6_HDRINCL, &on, sizeof(on)) < 0 ||
	    setsockopt(fd, IPPROTO_IPV6, IPV6_FREEBIND, &on, sizeof(on)) < 0 ||
	    connect(fd, (const struct sockaddr *)&to, sizeof(to)) < 0) {
		perror("bubload: cannot send to the home agent");
		if (fd >= 0)
			(void)close(fd);
		return -1;
	}
	(void)setsockopt(fd, SOL_SOCKET, SO_SNDBUFFORCE, &size, sizeof(size));
	return fd;
}

static int open_in(const char *interface)
{
	const struct sockaddr_ll here = {
		.sll_family = AF_PACKET,
		.sll_protocol = htons(ETH_P_IPV6),
		.sll_ifindex = (int)if_nametoindex(interface),
	};
	const int on = 1, size = WIRE_BUFFER;
	/* Protocol 0: nothing is received before it is bound to the interface. */
	const int fd = socket(AF_PACKET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	if (here.sll_ifindex == 0 || fd < 0 ||
	    setsockopt(fd, SOL_PACKET, PACKET_IGNORE_OUTGOING, &on, sizeof(on)) < 0 ||
	    bind(fd, (const struct sockaddr *)&here, sizeof(here)) < 0) {
		fprintf(stderr, "bubload: cannot listen on %s: %s\n", interface, strerror(errno));
		if (fd >= 0)
			(void)close(fd);
		return -1;
	}
	(void)setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size));
	return fd;
}

struct wire *wire_open(const struct load_options *o)
{
	struct wire *w = calloc(1, sizeof(*w));

	if (w == NULL) {
		fprintf(stderr, "bubload: out of memory\n");
		return NULL;
	}
	w->out = open_out(&o->agent);
	w->in = w->out >= 0 ? open_in(o->interface) : -1;
	if (w->in < 0) {
		wire_close(w);
		return NULL;
	}
	for (unsigned i = 0; i < LOAD_BATCH; i++) {
		w->out_iov[i].iov_base = w->out_packet[i];
		w->out_msg[i].msg_hdr.msg_iov = &w->out_iov[i];
		w->out_msg[i].msg_hdr.msg_iovlen = 1;
		w->in_iov[i] = (struct iovec){w->in_packet[i], LOAD_PACKET_MAX};
		w->in_msg[i].msg_hdr.msg_iov = &w->in_iov[i];
		w->in_msg[i].msg_hdr.msg_iovlen = 1;
	}
	return w;
}

void wire_close(struct wire *w)
{
	if (w == NULL)
		return;
	if (w->out >= 0)
		(void)close(w->out);
	if (w->in >= 0)
		(void)close(w->in);
	free(w);
}

uint8_t *wire_room(struct wire *w)
{
	return w->out_packet[w->n];
}

void wire_add(struct wire *w, size_t len)
{
	w->out_iov[w->n++].iov_len = len;
}

bool wire_is_full(const struct wire *w)
{
	return w->n == LOAD_BATCH;
}

unsigned wire_flush(struct wire *w)
{
	unsigned done = 0, refused = 0;

	while (done < w->n) {
		const int n = sendmmsg(w->out, w->out_msg + done, w->n - done, 0);

		if (n > 0) {
			done += (unsigned)n;
			continue;
		}
		if (n < 0 && errno == EINTR)
			continue;
		refused++;
		done++;
	}
	w->n = 0;
	return refused;
}

unsigned wire_receive(struct wire *w, void (*fn)(void *ctx, const uint8_t *packet, size_t len),
		      void *ctx)
{
	const int n = recvmmsg(w->in, w->in_msg, LOAD_BATCH, MSG_DONTWAIT, NULL);

	for (int i = 0; i < n; i++)
		fn(ctx, w->in_packet[i], w->in_msg[i].msg_len);
	return n > 0 ? (unsigned)n : 0;
}

void wire_wait(const struct wire *w, uint64_t ns)
{
	struct pollfd p = {.fd = w->in, .events = POLLIN};
	const struct timespec t = {.tv_sec = (time_t)(ns / NS_PER_S),
				   .tv_nsec = (long)(ns % NS_PER_S)};

	(void)ppoll(&p, 1, &t, NULL);
}
