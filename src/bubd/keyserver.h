/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The home agent's end of agreeing on keys: a listening socket, who may have what, and what
 * follows.
 */
#ifndef BUBD_KEYSERVER_H
#define BUBD_KEYSERVER_H

#include <uv.h>

#include "config.h"
#include "keytally.h"
#include "sas.h"

struct keyserver;
struct owners;
struct storage;

/* What it needs; all of it borrowed. */
struct keyserver_host {
	uv_loop_t *loop;
	const struct bubd_config *cfg; /* the one in force */
	struct owners *owners;
	const struct storage *storage; /* nobody is answered before it is ready */
	struct sas *sas;
	const struct log *log;
	struct keytally *tally;
	struct tcpcarrier *tcp; /* takes over streams; NULL: there are none */
	struct bub_time (*now)(void);
	void (*random)(void *ctx, uint8_t *buf, size_t len);
};

/* Listens.  Returns NULL and one line in @ret_error on failure. */
struct keyserver *keyserver_open(const struct keyserver_host *host, char *ret_error,
				 size_t error_size);

/* The configuration has changed: from the next connection on by the new one, also at another port.
 * Returns 0, or -1 and one line in @ret_error: then it goes on as before. */
int keyserver_reload(struct keyserver *s, char *ret_error, size_t error_size);

/* Another home agent of the group serves: connections are closed, and new ones at once. */
void keyserver_aside(struct keyserver *s, bool aside);

/* Closes all; then the loop has to run until nothing is left, and keyserver_free() to be called.
 * NULL is fine. */
void keyserver_close(struct keyserver *s);
void keyserver_free(struct keyserver *s);

/* This end's own certificate; false: it has none. */
bool keyserver_own(const struct keyserver *s, struct keys_own *ret);

#endif
