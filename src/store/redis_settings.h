/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Which Redis, and how it is spoken to (redis.h).
 */
#ifndef BUB_STORE_REDIS_SETTINGS_H
#define BUB_STORE_REDIS_SETTINGS_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/un.h>

#define REDIS_SERVERS_MAX 8
#define REDIS_NAME_MAX 65
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
	uint32_t replicas;   /* a write is stored once so many have it, beside the primary */
	uint32_t timeout_ms; /* an answer that takes longer does not come */
	bool at_once;        /* nobody waits for replicas */
};

/* Reads "unix:PATH", "ADDRESS", "ADDRESS:PORT" or "[ADDRESS]:PORT".  False: it is none of them. */
bool redis_server_read(const char *text, uint16_t default_port, struct redis_server *ret);

/* The same as text, valid until the next call. */
const char *redis_server_text(const struct redis_server *server);

#endif
