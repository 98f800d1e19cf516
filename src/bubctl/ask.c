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

/* The next line as JSON, to be released.  NULL after a message on stderr. */
static json_t *ask_receive(FILE *in, const char *path)
{
	char *line = NULL;
	size_t cap = 0;
	json_t *reply = NULL;

	errno = 0;
	/* Without its newline a line has not come whole. */
	ssize_t len = getline(&line, &cap, in);
	if (len <= 0 || line[len - 1] != '\n')
		(void)fprintf(stderr, "bubctl: bubd at %s gave no answer: %s; look into its log\n",
			      path,
			      errno == 0        ? "it closed the connection"
			      : errno == EAGAIN ? "it took longer than 10 s"
						: strerror(errno));
	else if ((reply = json_loads(line, 0, NULL)) == NULL)
		(void)fprintf(stderr, "bubctl: what answers at %s is not bubd\n", path);
	free(line);
	return reply;
}

/* Sends the request; what comes back is read from the stream, which is the caller's.  NULL after a
 * message on stderr. */
static FILE *ask_begin(const char *path, const json_t *request)
{
	char *text = json_dumps(request, JSON_COMPACT);
	int fd = text != NULL ? ask_dial(path) : -1;
	FILE *in = fd >= 0 ? fdopen(fd, "r") : NULL;

	/* Where nothing can be sent any more the answer says so: there is none. */
	if (in != NULL && ask_send(fd, text))
		(void)ask_send(fd, "\n");
	if (in == NULL && fd >= 0)
		(void)close(fd);
	free(text);
	return in;
}

json_t *ctl_ask(const char *path, const json_t *request)
{
	FILE *in = ask_begin(path, request);
	json_t *reply = NULL;

	if (in == NULL)
		return NULL;
	reply = ask_receive(in, path);
	(void)fclose(in);
	return reply;
}

bool ctl_refused(const json_t *reply)
{
	const json_t *error = json_object_get(reply, "error"), *line = NULL;
	size_t i = 0;

	if (error == NULL)
		return false;
	json_array_foreach(json_object_get(reply, "messages"), i, line)
	{
		if (json_is_string(line))
			(void)fprintf(stderr, "%s\n", json_string_value(line));
	}
	(void)fprintf(stderr, "bubctl: bubd says no: %s\n",
		      json_is_string(error) ? json_string_value(error) : "?");
	return true;
}

json_t *ctl_ask_for_more(const char *path, const json_t *request, FILE **ret_more)
{
	const struct timeval never = {0};
	FILE *in = ask_begin(path, request);
	json_t *reply = in != NULL ? ask_receive(in, path) : NULL;

	*ret_more = in;
	if (in == NULL)
		return NULL;
	(void)setsockopt(fileno(in), SOL_SOCKET, SO_RCVTIMEO, &never, sizeof(never));
	return reply;
}

json_t *ctl_next(FILE *more, const char *path)
{
	return ask_receive(more, path);
}
