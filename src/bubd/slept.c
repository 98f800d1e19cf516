/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A machine that wakes has lost time which its peers have not: registrations may be over.  Nothing
 * tells of it where the link stayed up.  Owns what counts as sleep.
 *
 * Timers of the loop stand still during sleep, so somebody has to wake it.  The kernel reports a
 * jump between CLOCK_REALTIME and CLOCK_MONOTONIC on a timer of the first one, and a sleep is such
 * a jump (timerfd_create(2), TFD_TIMER_CANCEL_ON_SET).
 */
#include "slept.h"

#include <errno.h>
#include <stddef.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#define NS_PER_MS 1000000u
#define SHORTEST_MS 1000 /* less does not harm a registration */
/* 2255: no clock can be set that far (Linux: 2232), and a timer that is over would wake for ever.
 */
#define FAR_S 9000000000

static uint64_t slept_total(const struct slept_clocks *now)
{
	return now->boot_ns > now->mono_ns ? now->boot_ns - now->mono_ns : 0;
}

void slept_init(struct slept *s, const struct slept_clocks *now)
{
	s->total_ns = slept_total(now);
}

uint64_t slept_look(struct slept *s, const struct slept_clocks *now)
{
	const uint64_t have = slept_total(now);
	uint64_t ms = 0;

	if (have <= s->total_ns)
		return 0;
	ms = (have - s->total_ns) / NS_PER_MS;
	if (ms < SHORTEST_MS)
		return 0; /* not forgotten: short ones add up */
	s->total_ns = have;
	return ms;
}

static uint64_t clock_ns(clockid_t which)
{
	struct timespec ts = {0};

	(void)clock_gettime(which, &ts);
	return (uint64_t)ts.tv_sec * 1000 * NS_PER_MS + (uint64_t)ts.tv_nsec;
}

struct slept_clocks slept_clocks(void)
{
	struct slept_clocks now;

	/* In this order, a busy processor between the two makes the sleep look shorter, and the
	 * next look finds the rest; the other way round it would look like sleep. */
	now.boot_ns = clock_ns(CLOCK_BOOTTIME);
	now.mono_ns = clock_ns(CLOCK_MONOTONIC);
	return now;
}

static int slept_arm(int fd)
{
	const struct itimerspec far = {.it_value = {.tv_sec = FAR_S}};

	return timerfd_settime(fd, TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET, &far, NULL);
}

int slept_watch(void)
{
	int fd = timerfd_create(CLOCK_REALTIME, TFD_CLOEXEC | TFD_NONBLOCK);

	if (fd < 0 || slept_arm(fd) == 0)
		return fd;
	(void)close(fd);
	return -1;
}

void slept_drain(int fd)
{
	uint64_t times = 0;

	while (read(fd, &times, sizeof(times)) < 0 && errno == EINTR)
		; /* ECANCELED is the news itself */
	(void)slept_arm(fd);
}
