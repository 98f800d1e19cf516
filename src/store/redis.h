/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The store of a group of home agents: Redis, spoken to by hiredis on libuv's loop.
 *
 * All that this home agent has stored is in memory too.  So what Redis lacks when it comes back is
 * written again without asking anybody, all of it where Redis is another process than before.
 *
 * docs/storage.md says what is in Redis and what an operator has to set there.
 */
#ifndef BUB_STORE_REDIS_H
#define BUB_STORE_REDIS_H

#include <sys/un.h>
#include <uv.h>

#include "shared.h"

#define REDIS_SERVERS_MAX 8
#define REDIS_NAME_MAX 64
#define REDIS_PASSWORD_MAX 512
#define REDIS_PORT 6379
#define REDIS_SENTINEL_PORT 26379

struct redis_server {
	char path[sizeof(((struct sockaddr_un *)0)->sun_path)]; /* "": by TCP */
	char host[INET6_ADDRSTRLEN];                            /* an address, IPv6 or IPv4 */
	uint16_t port;
};

struct redis_settings {
	/* Tried one after the other until one is the primary; with @sentinel, until one knows it.
	 */
	struct redis_server server[REDIS_SERVERS_MAX];
	unsigned n_servers;
	char sentinel[REDIS_NAME_MAX]; /* the primary's name at Sentinels; "": these are servers */
	char user[REDIS_NAME_MAX];     /* "": the default one */
	char password[REDIS_PASSWORD_MAX]; /* "": none */
	char prefix[REDIS_NAME_MAX];       /* of all keys */
	char group[REDIS_NAME_MAX];
	unsigned replicas;   /* a write is stored once so many have it, beside the primary */
	uint32_t timeout_ms; /* an answer that takes longer does not come */
	bool at_once;        /* nobody waits for replicas */
};

/* @settings are copied, but for them nothing is done before shared_take().  NULL: out of memory. */
struct shared *shared_redis_open(uv_loop_t *loop, const struct redis_settings *settings,
				 const struct shared_host *host);

/* Reads "unix:PATH", "ADDRESS", "ADDRESS:PORT" or "[ADDRESS]:PORT".  False: it is none of them. */
bool redis_server_read(const char *text, uint16_t default_port, struct redis_server *ret);

/* The same as text, valid until the next call. */
const char *redis_server_text(const struct redis_server *server);

#endif
