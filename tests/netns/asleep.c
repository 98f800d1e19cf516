/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Loaded into a program before its libraries (ld.so(8), LD_PRELOAD): the machine has slept for as
 * many seconds as the file $ASLEEP says in text.  Only the clock that goes on during sleep shows
 * it, as with a real one.
 */
#include <fcntl.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

static long slept_s(void)
{
	const char *path = getenv("ASLEEP");
	char text[24] = "";
	int fd = path != NULL ? open(path, O_RDONLY | O_CLOEXEC) : -1;

	if (fd < 0)
		return 0;
	if (read(fd, text, sizeof(text) - 1) < 0)
		text[0] = '\0';
	(void)close(fd);
	return strtol(text, NULL, 10);
}

int clock_gettime(clockid_t which, struct timespec *ts)
{
	if (syscall(SYS_clock_gettime, which, ts) != 0)
		return -1;
	if (which == CLOCK_BOOTTIME)
		ts->tv_sec += slept_s();
	return 0;
}
