/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Home agent: who may have which home address under keys that are agreed on.  Those are the
 * mobile-node sections of the configuration, which the engine knows since the start, and with
 * `subscribers = lmdb` the subscribers of a file, of whom nothing is in memory before they come.
 *
 * A subscriber is loaded when he agrees on keys, or when his registration of before a restart comes
 * back, and forgotten when neither keys nor a registration are left.  One who is removed from the
 * file, or whose line changes, is cut off within OWNERS_LOOK_MS.
 */
#ifndef BUBD_OWNERS_H
#define BUBD_OWNERS_H

#include <uv.h>

#include "clients.h"
#include "keys_identity.h"

#define OWNERS_LOOK_MS 250

struct owners;

/* Opens the file of subscribers where the configuration of @clients, which is copied, wants it.
 * Returns NULL and one line in @ret_error on failure. */
struct owners *owners_open(uv_loop_t *loop, const struct clients *clients, char *ret_error,
			   size_t error_size);

/* owners_close() first, then the loop until it is empty, then owners_free(); NULL is fine. */
void owners_close(struct owners *o);
void owners_free(struct owners *o);

/* Who has @home, under keys that are agreed on; NULL: nobody.  What is returned is valid until the
 * next call of one of these three. */
const struct bubd_pair *owners_pair(struct owners *o, const struct in6_addr *home);

/* A home address of @who, who has named none. */
const struct bubd_pair *owners_find(struct owners *o, const struct keys_identity *who);

/* Whether a certificate with this fingerprint is anybody's. */
bool owners_is_pinned(struct owners *o, const uint8_t fingerprint[static KEYS_FINGERPRINT_LEN]);

/* Whether @who is the mobile node of @pair.  @home is the address that is written there, or one
 * that renumbering has made of it. */
bool owners_is_of(const struct bubd_pair *pair, const struct in6_addr *home,
		  const struct keys_identity *who);

/* Lets the owner of @home register.  False: nobody has it, or there is no room, which is logged. */
bool owners_serve(struct owners *o, const struct in6_addr *home);

/* Whether @home is that of a subscriber who is loaded; NULL is fine. */
bool owners_is_loaded(const struct owners *o, const struct in6_addr *home);

/* Nobody is loaded any more: clients_clear() takes them away.  NULL is fine. */
void owners_clear(struct owners *o);

/* Subscribers in the file, and those who are loaded; false: there is no file. */
bool owners_count(struct owners *o, uint64_t *ret_all, size_t *ret_loaded);

#endif
