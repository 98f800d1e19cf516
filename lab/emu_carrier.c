/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Takes interfaces down and up, so that the node at the other end of the veth pair loses its
 * carrier and gets it back.
 *
 * Setting an interface down waits for an RCU grace period, often ten milliseconds and more.  In
 * the emulator's loop that would delay every frame on every link, so a thread of its own does it
 * and reports over an eventfd.
 */
#include "emu.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

/* A port has at most one request of each kind outstanding. */
#define QUEUE_SIZE (4 * EMU_PORTS_MAX)

struct request {
	unsigned tag;
	char ifname[IFNAMSIZ];
	bool up;
	int error;
};

struct queue {
	struct request item[QUEUE_SIZE];
	unsigned first, count;
};

struct emu_carrier {
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t wake;
	struct queue todo, done;
	bool quit;
	int fd;   /* eventfd */
	int sock; /* for ioctl */
};

static void queue_put(struct queue *q, const struct request *r)
{
	if (q->count == QUEUE_SIZE)
		abort(); /* the emulator asks for no more than two changes a port */
	q->item[(q->first + q->count++) % QUEUE_SIZE] = *r;
}

static bool queue_get(struct queue *q, struct request *ret)
{
	if (q->count == 0)
		return false;
	*ret = q->item[q->first];
	q->first = (q->first + 1) % QUEUE_SIZE;
	q->count--;
	return true;
}

static int set_flags(int sock, const char *ifname, bool up)
{
	struct ifreq ifr = {0};

	memcpy(ifr.ifr_name, ifname, IFNAMSIZ);
	if (ioctl(sock, SIOCGIFFLAGS, &ifr) < 0)
		return -errno;
	if (up)
		ifr.ifr_flags = (short)(ifr.ifr_flags | IFF_UP);
	else
		ifr.ifr_flags = (short)(ifr.ifr_flags & ~IFF_UP);
	if (ioctl(sock, SIOCSIFFLAGS, &ifr) < 0)
		return -errno;
	return 0;
}

static void *worker(void *arg)
{
	struct emu_carrier *c = arg;
	struct request r;

	pthread_mutex_lock(&c->lock);
	while (!c->quit) {
		if (!queue_get(&c->todo, &r)) {
			pthread_cond_wait(&c->wake, &c->lock);
			continue;
		}
		pthread_mutex_unlock(&c->lock);
		r.error = set_flags(c->sock, r.ifname, r.up);
		pthread_mutex_lock(&c->lock);
		queue_put(&c->done, &r);
		(void)eventfd_write(c->fd, 1); /* fails only at 2^64 - 1 */
	}
	pthread_mutex_unlock(&c->lock);
	return NULL;
}

int emu_carrier_open(struct emu_carrier **ret_carrier)
{
	struct emu_carrier *c = calloc(1, sizeof(*c));
	int err;

	if (c == NULL)
		return -ENOMEM;
	c->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	c->sock = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (c->fd < 0 || c->sock < 0) {
		err = -errno;
		goto fail;
	}
	pthread_mutex_init(&c->lock, NULL);
	pthread_cond_init(&c->wake, NULL);
	err = -pthread_create(&c->thread, NULL, worker, c);
	if (err < 0)
		goto fail;
	*ret_carrier = c;
	return 0;
fail:
	if (c->fd >= 0)
		close(c->fd);
	if (c->sock >= 0)
		close(c->sock);
	free(c);
	return err;
}

void emu_carrier_close(struct emu_carrier *c)
{
	if (c == NULL)
		return;
	pthread_mutex_lock(&c->lock);
	c->quit = true;
	pthread_cond_signal(&c->wake);
	pthread_mutex_unlock(&c->lock);
	pthread_join(c->thread, NULL);
	pthread_cond_destroy(&c->wake);
	pthread_mutex_destroy(&c->lock);
	close(c->fd);
	close(c->sock);
	free(c);
}

void emu_carrier_request(struct emu_carrier *c, unsigned tag, const char *ifname, bool up)
{
	struct request r = {.tag = tag, .up = up};

	snprintf(r.ifname, sizeof(r.ifname), "%s", ifname);
	pthread_mutex_lock(&c->lock);
	queue_put(&c->todo, &r);
	pthread_cond_signal(&c->wake);
	pthread_mutex_unlock(&c->lock);
}

int emu_carrier_fd(const struct emu_carrier *c)
{
	return c->fd;
}

bool emu_carrier_done(struct emu_carrier *c, unsigned *ret_tag, bool *ret_up, int *ret_error)
{
	struct request r;
	eventfd_t unused;
	bool got;

	pthread_mutex_lock(&c->lock);
	(void)eventfd_read(c->fd, &unused); /* the queue says what is there */
	got = queue_get(&c->done, &r);
	pthread_mutex_unlock(&c->lock);
	if (!got)
		return false;
	*ret_tag = r.tag;
	*ret_up = r.up;
	*ret_error = r.error;
	return true;
}
