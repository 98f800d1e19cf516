/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Loaded into a program before its libraries (ld.so(8), LD_PRELOAD): the wall clock is off by as
 * many seconds as the file $CLOCK_OFF says in text.  That it was set, the program learns from what
 * somebody writes into the FIFO $CLOCK_SET, in place of a timer of that clock.
 */
#include <fcntl.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

static int watch = -1;

static long off_s(void)
{
	const char *path = getenv("CLOCK_OFF");
	char text[24] = "";
	int fd = path != NULL ? open(path, O_RDONLY | O_CLOEXEC) : -1;

	if (fd < 0)
		return 0;
	if (read(fd, text, sizeof(text) - 1) < 0)
		text[0] = '\0';
	(void)close(fd);
	return strtol(text, NULL, 10);
}

time_t time(time_t *ret_now)
{
	struct timespec ts = {0};
	time_t now = 0;

	(void)syscall(SYS_clock_gettime, CLOCK_REALTIME, &ts);
	now = ts.tv_sec + off_s();
	if (ret_now != NULL)
		*ret_now = now;
	return now;
}

int timerfd_create(int clock, int flags)
{
	const char *path = getenv("CLOCK_SET");

	if (clock != CLOCK_REALTIME || path == NULL)
		return (int)syscall(SYS_timerfd_create, clock, flags);
	watch = open(path, O_RDWR | O_NONBLOCK | O_CLOEXEC);
	return watch;
}

int timerfd_settime(int fd, int flags, const struct itimerspec *value, struct itimerspec *ret_old)
{
	if (fd == watch)
		return 0;
	return (int)syscall(SYS_timerfd_settime, fd, flags, value, ret_old);
}
