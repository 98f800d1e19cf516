/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The control socket: a Unix socket that only its owner may use.
 */
#ifndef BUBD_CONTROL_H
#define BUBD_CONTROL_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/un.h>
#include <uv.h>

#define CONTROL_CLIENTS_MAX 16
#define CONTROL_PATH_MAX sizeof(((struct sockaddr_un *)0)->sun_path)

/* A Unix socket bound to @path, mode 0600, in a folder that is made where it is missing.  One that
 * nobody answers on is replaced; anything else there is left alone.  Returns 0 or a negative errno.
 */
int control_bind(const char *path, int *ret_fd);

struct control;

/* Answers one request line; returns a line to be freed, or NULL: out of memory.  Sets *ret_watch
 * where the connection is to get what control_publish() is given, from now on. */
typedef char *(*control_answer_fn)(void *ctx, const char *request, size_t len, bool *ret_watch);

/*
 * Listens on @path, whose folder is made where it is missing.  A socket that nobody answers on is
 * replaced; anything else there is left alone.  Returns NULL and one line in @ret_error on failure.
 */
struct control *control_open(uv_loop_t *loop, const char *path, control_answer_fn answer, void *ctx,
			     char *ret_error, size_t error_size);

/* Sends @line, of @len octets with its newline, to every connection that watches.  One that reads
 * too slowly loses lines; it is told how many by {"event":"lost","number":N} before the next one.
 * NULL is fine. */
void control_publish(struct control *c, const char *line, size_t len);
bool control_is_watched(const struct control *c); /* whether anybody does; NULL is fine */

/* Closes every connection and removes the socket; the loop has to run once more before
 * control_free().  NULL is fine. */
void control_close(struct control *c);
void control_free(struct control *c);

#endif
