/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Asks the daemon one thing over its control socket: a JSON line out, a JSON line in.  Owns the
 * words for everything that can go wrong on the way, with what to do about it.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include "ctl.h"

#define REPLY_TIMEOUT_S 10 /* the daemon answers at once or never */
#define READ_SIZE 65536

static const char *what_to_do(int err)
{
	switch (err) {
	case ENOENT:
		return "is bubd running? start it, or name its socket with -s";
	case ECONNREFUSED:
		return "nobody answers there: bubd has died; start it again";
	case EACCES:
	case EPERM:
		return "only the user that bubd runs as may ask; try as root";
	default:
		return "check the path, or name the socket with -s";
	}
}

static int ask_dial(const char *path)
{
	struct sockaddr_un addr = {.sun_family = AF_UNIX};
	const struct timeval timeout = {.tv_sec = REPLY_TIMEOUT_S};
	int fd = -1;

	if (strlen(path) >= sizeof(addr.sun_path)) {
		(void)fprintf(stderr, "bubctl: %s: the path is too long for a socket\n", path);
		return -1;
	}
	memcpy(addr.sun_path, path, strlen(path) + 1);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0 || connect(fd, (const struct sockaddr *)&addr, sizeof(addr)) != 0) {
		(void)fprintf(stderr, "bubctl: cannot reach bubd at %s: %s; %s\n", path,
			      strerror(errno), what_to_do(errno));
		if (fd >= 0)
			(void)close(fd);
		return -1;
	}
	(void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof(timeout));
	(void)setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &timeout, sizeof(timeout));
	return fd;
}

static bool ask_send(int fd, const char *line)
{
	size_t len = strlen(line);

	while (len > 0) {
		ssize_t n = send(fd, line, len, MSG_NOSIGNAL);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return false;
		line += n;
		len -= (size_t)n;
	}
	return true;
}

/* Reads up to the first newline.  NULL: the connection ended or timed out before (see errno; 0:
 * ended). */
static char *ask_receive(int fd)
{
	char *line = NULL;
	size_t len = 0;
	size_t cap = 0;

	for (;;) {
		ssize_t n = 0;

		if (cap - len < READ_SIZE) {
			char *more = realloc(line, cap + 2 * (size_t)READ_SIZE);

			if (more == NULL)
				break;
			line = more;
			cap += 2 * (size_t)READ_SIZE;
		}
		n = recv(fd, line + len, READ_SIZE, 0);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0) {
			errno = n == 0 ? 0 : errno;
			break;
		}
		len += (size_t)n;
		if (line[len - 1] == '\n') {
			line[len - 1] = '\0';
			return line;
		}
	}
	free(line);
	return NULL;
}

json_t *ctl_ask(const char *path, const json_t *request)
{
	char *text = json_dumps(request, JSON_COMPACT);
	char *line = NULL;
	json_t *reply = NULL;
	int fd = text != NULL ? ask_dial(path) : -1;

	if (fd >= 0 && ask_send(fd, text) && ask_send(fd, "\n"))
		line = ask_receive(fd);
	if (fd >= 0 && line == NULL)
		(void)fprintf(stderr, "bubctl: bubd at %s gave no answer: %s; look into its log\n",
			      path,
			      errno == 0        ? "it closed the connection"
			      : errno == EAGAIN ? "it took longer than 10 s"
						: strerror(errno));
	if (line != NULL)
		reply = json_loads(line, 0, NULL);
	if (line != NULL && reply == NULL)
		(void)fprintf(stderr, "bubctl: what answers at %s is not bubd\n", path);
	free(line);
	free(text);
	if (fd >= 0)
		(void)close(fd);
	return reply;
}
