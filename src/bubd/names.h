/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Home agents that are configured by a name, or by several addresses: which one is used.  The
 * addresses of a name are looked up and followed.
 */
#ifndef BUBD_NAMES_H
#define BUBD_NAMES_H

#include <uv.h>

#include "bub/engine.h"
#include "config.h"
#include "log.h"

struct names;

/* The home agent of a home address. */
struct names_found {
	struct in6_addr home, address, ipv4; /* ipv4: mapped, or :: */
	const struct in6_addr *all;          /* that it may be sent to; borrowed */
	unsigned n;
};

/* Whoever uses it: is told when something of that is new. */
struct names_host {
	void *ctx;
	void (*found)(void *ctx, const struct names_found *found);
};

/* @cfg and @log are borrowed.  NULL: out of memory. */
struct names *names_new(const struct bubd_config *cfg, const struct log *log, uv_loop_t *loop,
			const struct names_host *host, struct bub_time now);

/* Does what is due.  To be called in each turn of the loop: it looks whether home agents answer. */
void names_look(struct names *names, const struct bub_engine *engine, struct bub_time now);
struct bub_time names_deadline(const struct names *names);

/* The name behind home registration @index, and one clause on what is wrong with it; NULL: none.
 * @names may be NULL. */
const char *names_name(const struct names *names, unsigned index);
const char *names_trouble(const struct names *names, unsigned index);

/* Ends what is under way; the loop has to run once more before names_free(). */
void names_close(struct names *names);
void names_free(struct names *names);

#endif
