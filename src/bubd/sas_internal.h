/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the files of sas.h share: the database, and what belongs to each SA in it.  Private to
 * sas*.c.
 */
#ifndef BUBD_SAS_INTERNAL_H
#define BUBD_SAS_INTERNAL_H

#include <stdio.h>

#include "base/addrhash.h"
#include "base/heap.h"
#include "sas.h"
#include "store.h"

/* What belongs to the SA with the same index in the database. */
struct entry {
	struct esp_sa *sa; /* NULL: there is none */
	struct numbers_sa numbers;
	struct bub_time since;
	bool agreed;  /* its keys end with the process: no number of it is stored */
	bool pending; /* is in the list of those to be looked at */
	bool stopped; /* told: out of reserved numbers */
};

/* Of one agreement. */
struct agreed_set {
	struct esp_sa *sa[ESP_SET_MAX]; /* the first NULL: there is no set */
	struct in6_addr home;
	uint32_t kernel_spi; /* outbound, of the pair that the kernel has; 0: it has none */
	struct bub_time since, soft, ends;
	uint64_t octets;
	uint8_t token[SAS_TOKEN_LEN];
	bool heard;        /* a packet came under it */
	struct kept *kept; /* as it is stored (sas_kept.c); NULL: it is not */
};

struct agreed_home {
	struct heap_item timer; /* first: see agreed_first() */
	struct in6_addr home, home_agent;
	bool at_home_agent;
	bool told;    /* that new keys are due */
	bool closing; /* the end of the old ones is set */
	bool asked;   /* whether it is it, after one has taken over from another: with */
	uint8_t nonce[SAS_NONCE_LEN];
	struct agreed_set now, next, old;
};

/* Home addresses with agreed keys (sas_agreed.c). */
struct agreed {
	struct sas_agreed_host host;
	struct sas_kernel kernel;
	struct addrhash homes; /* of struct agreed_home */
	struct heap timers;
	uint64_t tie;
};

struct sas {
	struct esp_sad *sad;
	const char *state_dir; /* borrowed */
	struct numbers *store; /* NULL: no SA has had numbers that are stored */
	FILE *key_log;
	struct entry *entries;
	struct entry **pending; /* has something to be stored, perhaps */
	size_t n_pending;
	bool failing; /* told: something could not be written */
	struct agreed agreed;
	struct sas_keeper keeper; /* put: NULL: nothing is kept */
	uint64_t generation;      /* of the youngest set that is kept */
};

/* NULL: there are no agreed keys. */
struct agreed_home *agreed_find(const struct sas *sas, const struct in6_addr *home);
/* The same, and makes room for it; NULL: out of memory. */
struct agreed_home *agreed_open(struct sas *sas, const struct in6_addr *home);
/* @set is the youngest that is known of @h, and @in_use: the mobile node has used it. */
void agreed_place(struct sas *sas, struct agreed_home *h, const struct agreed_set *set,
		  bool in_use);
/* Takes @keys into use as one set.  Returns 0, or -1 and why, as a sentence fragment. */
int agreed_set_add(struct sas *sas, const struct sas_agreed *keys, struct bub_time now,
		   struct agreed_set *ret_set, const char **ret_why);
void agreed_set_drop(struct sas *sas, struct agreed_set *set); /* none is fine */

/* An agreed SA was used. */
void sas_agreed_used(struct sas *sas, struct esp_sa *sa, struct bub_time now);

/* ---- Keys that outlive the process (sas_kept.c); all for sas_agreed.c ----------------------- */

/* Keeps @set from now on, where that is wanted. */
void kept_begin(struct sas *sas, const struct sas_agreed *keys, struct agreed_set *set);
/* The mobile node uses it. */
void kept_in_use(struct sas *sas, struct agreed_set *set);
/* One of its associations was used: more numbers may be due. */
void kept_used(struct sas *sas, struct agreed_set *set);
/* It is not needed any more. */
void kept_end(struct sas *sas, struct agreed_set *set);
/* The same of what goes on elsewhere: it stays stored. */
void kept_free(struct agreed_set *set);

/* Frees what is kept of agreed keys; the SAs stay. */
void sas_agreed_free(struct sas *sas);

#endif
