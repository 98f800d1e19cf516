/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The daemon's ESP security associations: four for each mobile node and home agent that share a
 * secret, and those that are written out, with sequence numbers that survive restarts; and those
 * under keys that the two agree on, which end with the process.
 */
#ifndef BUBD_SAS_H
#define BUBD_SAS_H

#include <stdbool.h>

#include "addrset.h"
#include "config.h"
#include "esp.h"
#include "shared.h"

struct sas;

/*
 * Derives the SAs of every pair in @cfg, adds those that are written out and takes their sequence
 * numbers from the state folder, which stays locked.  Without a pair no folder is touched.  The SAs
 * may be used once sas_commit() has returned 0.
 *
 * @key_log  gets one line an SA; NULL: none.  Borrowed until sas_free()
 * Returns NULL and one line in @ret_error on failure.
 */
struct sas *sas_new(const struct bubd_config *cfg, FILE *key_log, struct bub_time now,
		    char *ret_error, size_t error_size);

/* Stores the exact numbers and frees all; nothing may be sealed or opened any more.  NULL is fine.
 * Returns 0, or -1 and one line in @ret_error when a number could not be stored. */
int sas_free(struct sas *sas, char *ret_error, size_t error_size);

/*
 * A mobile node that was configured without a home agent discovered one: from now on @home's SAs
 * are those with @home_agent.  They may be used once sas_commit() has returned 0.
 * Returns 0, or -1 and one line in @ret_error.
 */
int sas_use_home_agent(struct sas *sas, const struct bubd_config *cfg, const struct in6_addr *home,
		       const struct in6_addr *home_agent, struct bub_time now, char *ret_error,
		       size_t error_size);

/*
 * A mobile node that may renumber has one more home address: SAs with @home_agent for it, from the
 * same secret.  They may be used once sas_commit() has returned 0.
 * Returns 0, or -1 and one line in @ret_error.
 */
int sas_add_home(struct sas *sas, const struct bubd_config *cfg, const struct in6_addr *home,
		 const struct in6_addr *home_agent, bool at_home_agent, struct bub_time now,
		 char *ret_error, size_t error_size);

/*
 * A home agent serves one more home address, @home, of the mobile node of @pair, which is one of
 * @cfg.  The SAs may be used once sas_commit() has returned 0.
 * Returns 0, or -1 and one line in @ret_error.
 */
int sas_add_client(struct sas *sas, const struct bubd_config *cfg, const struct bubd_pair *pair,
		   const struct in6_addr *home, struct bub_time now, char *ret_error,
		   size_t error_size);

/*
 * Takes the SAs of these home addresses away.  Their numbers stay stored, for a home address that
 * comes back with the same secret. Returns 0, or -1 and one line in @ret_error: then a number that
 * is stored may be behind.
 */
int sas_remove_homes(struct sas *sas, const struct addrset *homes, struct bub_time now,
		     char *ret_error, size_t error_size);

/* Reserves numbers for what was added, for all of it at once.  Returns 0, or -1 and one line in
 * @ret_error: then what was added refuses to seal. */
int sas_commit(struct sas *sas, struct bub_time now, char *ret_error, size_t error_size);

/* Whether an SA is less than it should be, and then why, as a line for the log. */
bool sas_weakness(const struct esp_sa_params *p, char *ret_text, size_t cap);

/* Borrowed; never NULL. */
struct esp_sad *sas_database(struct sas *sas);

/* The next SA after the place *@at, which is 0 for the first, and since when it is there; false: no
 * more. */
bool sas_status(const struct sas *sas, size_t *at, struct esp_sa_status *ret,
		struct bub_time *ret_since);

/* ---- Agreed keys (sas_agreed.c) ------------------------------------------------------------ */

#define SAS_TOKEN_LEN 16 /* KEYS_TOKEN_LEN */
#define SAS_OLD_S 30     /* what came before is taken for so long once new keys are used */
#define SAS_OCTETS_S 5   /* keys that had their octets last so long after they were due */

/* What two ends have agreed on. */
struct sas_agreed {
	struct in6_addr home, home_agent;
	bool at_home_agent;
	struct esp_sa_params set[ESP_SET_MAX]; /* but for its ids, which are set here */
	unsigned set_count;                    /* ESP_SET_COUNT or ESP_SET_MAX */
	uint32_t lifetime_s;                   /* renewed before, used for a tenth longer at most */
	uint64_t octets;              /* through one SA, likewise, or SAS_OCTETS_S; 0: no limit */
	uint8_t token[SAS_TOKEN_LEN]; /* at a home agent: for in_use() */
};

/* Whom these tell; not to add or remove an SA from inside. */
struct sas_agreed_host {
	void *ctx;
	/* Mobile node: it is time for new keys. */
	void (*renew)(void *ctx, const struct in6_addr *home);
	/* Home agent: @home uses its keys, and knows this token. */
	void (*in_use)(void *ctx, const struct in6_addr *home,
		       const uint8_t token[static SAS_TOKEN_LEN]);
	/* The keys have come to their end, and there are no others. */
	void (*ended)(void *ctx, const struct in6_addr *home);
};
void sas_agreed_listen(struct sas *sas, const struct sas_agreed_host *host); /* copied */

/* The kernel, where it does the ESP of data: linux_xfrm.h says what these are. */
struct sas_kernel {
	struct lnx *lnx; /* NULL: it does not */
	bool (*add)(struct lnx *lnx, const struct in6_addr *home, const struct esp_sa_params *out,
		    const struct esp_sa_params *in, uint64_t octets);
	void (*prefer)(struct lnx *lnx, const struct in6_addr *home, uint32_t out_spi);
	void (*remove)(struct lnx *lnx, const struct in6_addr *home, uint32_t out_spi);
	bool (*has_spi)(const struct lnx *lnx, uint32_t spi);
};
void sas_agreed_kernel(struct sas *sas, const struct sas_kernel *kernel); /* copied */
/* What the kernel has of @home is used up, or lost: a mobile node has new keys. */
void sas_agreed_spent(struct sas *sas, const struct in6_addr *home);

/* Whether an inbound SA has this SPI, here or in the kernel; @sas: struct sas. */
bool sas_has_spi(void *sas, uint32_t spi);

/*
 * Takes keys into use, before those that there are: what comes under the old ones is taken until
 * the new ones have been used and SAS_OLD_S more.  A mobile node sends under them at once, a home
 * agent from the first packet on that comes under them, or at once where it has no others.
 * Returns 0, or -1 and one line in @ret_error: nothing has changed.
 */
int sas_agreed_add(struct sas *sas, const struct sas_agreed *keys, struct bub_time now,
		   char *ret_error, size_t error_size);

/* Takes all agreed keys of @home away; there may be none. */
void sas_agreed_forget(struct sas *sas, const struct in6_addr *home);

/* When sas_agreed_expire() is due; it may be earlier after a packet was opened. */
struct bub_time sas_agreed_deadline(const struct sas *sas);
void sas_agreed_expire(struct sas *sas, struct bub_time now);

struct sas_agreed_status {
	const struct esp_alg_info *alg;
	struct in6_addr home_agent;
	uint64_t age_s, renew_s, end_s; /* left: until they are renewed, and end */
	bool confirmed;                 /* the other end has used them */
};
/* Of the keys that packets go out under; false: there are none. */
bool sas_agreed_status(const struct sas *sas, const struct in6_addr *home, struct bub_time now,
		       struct sas_agreed_status *ret);

/* Home agent: the token that went with those keys (SAS_TOKEN_LEN octets, valid while nothing of
 * @home changes); NULL: there are none. */
const uint8_t *sas_agreed_token(const struct sas *sas, const struct in6_addr *home);

/* ---- Agreed keys that outlive the process (sas_kept.c) ------------------------------------- */

/* Where they are stored (shared.h). */
struct sas_keeper {
	void *ctx;
	/* Marks a record, which is written in this turn of the loop, or when that is possible. */
	void (*put)(void *ctx, const struct shared_record *r);
	void (*remove)(void *ctx, enum shared_kind kind, const struct in6_addr *home, uint32_t id);
	/* Writes what was marked, and tells @done when it is stored. */
	void (*commit)(void *ctx, shared_done *done, void *done_ctx);
	/* What time it is for a record. */
	void (*stamp)(void *ctx, struct shared_keys *k, uint32_t left_s);
	uint64_t claim; /* numbers that are claimed at a time; 0: SAS_CLAIM */
};
/* A receiver that hears nothing finds its way over 2^32 numbers (RFC 4303, A2.2), which is 63
 * claims. */
#define SAS_CLAIM (UINT64_C(1) << 26)
/* Home agent: from now on all that is agreed on is stored.  @keeper is copied. */
void sas_kept_by(struct sas *sas, const struct sas_keeper *keeper);

/* Brings a set back that was stored, for @left_s; sets of one home address in the order of their
 * generations.  It may not be sent under before sas_kept_confirm(), and what comes by its tunnel is
 * in doubt until sas_kept_answered().  Returns 0, or -1: it is not good any more. */
int sas_kept_restore(struct sas *sas, const struct shared_record *r, uint32_t left_s,
		     const uint64_t edge[static ESP_SET_COUNT], struct bub_time now);

/* All numbers that sas_kept_restore() has claimed are stored. */
void sas_kept_confirm(struct sas *sas);

/* Stores, with a registration of @home, how far its signalling has been received. */
void sas_kept_edges(struct sas *sas, const struct in6_addr *home);

/* The next home address after the place *@at, which is 0 for the first, whose tunnel is in doubt;
 * false: no more. */
bool sas_kept_doubt(const struct sas *sas, size_t *at, struct in6_addr *ret_home);

/* Octets that a mobile node is asked to send back: @nonce, or those of the first time.  Whatever it
 * has sent before has lower numbers.  False: nothing of @home is in doubt. */
#define SAS_NONCE_LEN 16
bool sas_kept_ask(struct sas *sas, const struct in6_addr *home,
		  const uint8_t nonce[static SAS_NONCE_LEN], uint8_t ret[static SAS_NONCE_LEN]);
/* It has sent these, by that SA; false: nobody has asked for them. */
bool sas_kept_answered(struct sas *sas, struct esp_sa *by, const struct in6_addr *home,
		       const uint8_t nonce[static SAS_NONCE_LEN]);

/* ---- A look at them ------------------------------------------------------------------------ */

/* What sas_check() has to say, each thing once: @good when something is well again. */
struct sas_listener {
	void *ctx;
	void (*line)(void *ctx, bool good, const char *text);
};

/*
 * Writes what is due, of the SAs that were used.  To be called within a second after a packet
 * passed ESP, and before SAS_CHECK_PACKETS more did.
 *
 * Where something cannot be written the others go on.  An outbound SA whose reserved numbers are
 * used up stops by itself, and goes on once more could be stored.
 *
 * Returns whether something is to be written that is not due yet, or could not be: then it is to be
 * called again in a second.
 */
#define SAS_CHECK_PACKETS 4096
bool sas_check(struct sas *sas, struct bub_time now, const struct sas_listener *listener);

#endif
