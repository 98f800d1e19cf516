/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The mobile node's end of agreeing on keys: when, from where, and again when it failed.
 */
#ifndef BUBD_KEYCLIENT_H
#define BUBD_KEYCLIENT_H

#include <uv.h>

#include "config.h"
#include "keytally.h"
#include "sas.h"

struct keyclient;

/* What it needs; all of it borrowed. */
struct keyclient_host {
	uv_loop_t *loop;
	const struct bubd_config *cfg; /* the one in force */
	struct sas *sas;
	const struct log *log;
	struct keytally *tally;
	struct bub_time (*now)(void);
	void (*random)(void *ctx, uint8_t *buf, size_t len);
	/* New keys are in use, and the home agent may know nothing of this node. */
	void (*registers)(void *ctx);
	void *ctx;
};

/* Whether any home address agrees on keys. */
bool keyclient_is_wanted(const struct bubd_config *cfg);

/* Returns NULL and one line in @ret_error on failure. */
struct keyclient *keyclient_open(const struct keyclient_host *host, char *ret_error,
				 size_t error_size);

/* The configuration has changed: from the next attempt on by the new one.  Returns 0, or -1 and one
 * line in @ret_error: then it goes on as before. */
int keyclient_reload(struct keyclient *k, char *ret_error, size_t error_size);

/* As keyserver_close() and keyserver_free(); NULL is fine. */
void keyclient_close(struct keyclient *k);
void keyclient_free(struct keyclient *k);

/* From now on @home reaches @home_agent from @from, a care-of address, or the home address at home;
 * either :: not at all.  @from NULL: from where it did.  All of these may be called with NULL. */
void keyclient_attached(struct keyclient *k, const struct in6_addr *home,
			const struct in6_addr *from, const struct in6_addr *home_agent);

/* Renumbering has made @home, which stands in for @instead_of and has its identity; and it is gone.
 */
void keyclient_add(struct keyclient *k, const struct in6_addr *home,
		   const struct in6_addr *instead_of);
void keyclient_remove(struct keyclient *k, const struct in6_addr *home);

/* The next home address that agrees on keys, from *@at on, which is 0 for the first; NULL: no more.
 * Borrowed. */
const struct in6_addr *keyclient_next(const struct keyclient *k, unsigned *at);

/* It is time for new keys. */
void keyclient_renew(struct keyclient *k, const struct in6_addr *home);

/* Its IPv4 address, mapped, for care-of addresses of IPv4. */
void keyclient_ipv4(struct keyclient *k, const struct in6_addr *home, const struct in6_addr *ipv4);

/* Somebody at @from shows @token: it has lost its keys, where it is the right one.  Returns
 * whether it is. */
bool keyclient_token(struct keyclient *k, const struct in6_addr *from,
		     const uint8_t token[static KEYS_TOKEN_LEN]);

/* The wall clock was set: what failed for a date is tried again at once. */
void keyclient_clock_set(struct keyclient *k);

/* The home agent may have lost its keys.  It is asked, and where nothing comes for a second, new
 * keys are agreed on. */
void keyclient_doubt(struct keyclient *k, const struct in6_addr *home);

/* Who this node is with the home agent of @home, and that one's address; NULL: nobody. */
struct keys_context *keyclient_identity(const struct keyclient *k, const struct in6_addr *home,
					struct in6_addr *ret_home_agent);

struct keyclient_status {
	bool going;        /* an attempt is under way */
	uint64_t next_s;   /* until the next one; UINT64_MAX: none is planned */
	unsigned attempts; /* that failed, one after the other */
	const char *why;   /* no attempt can be made, in words; NULL: it can */
};
/* False: @home does not agree on keys. */
bool keyclient_status(const struct keyclient *k, const struct in6_addr *home,
		      struct keyclient_status *ret);

/* This end's own certificate for @home; false: it has none. */
bool keyclient_own(const struct keyclient *k, const struct in6_addr *home, struct keys_own *ret);

#endif
