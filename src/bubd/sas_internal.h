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

/* Home addresses with agreed keys (sas_agreed.c). */
struct agreed {
	struct sas_agreed_host host;
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
};

/* An agreed SA was used. */
void sas_agreed_used(struct sas *sas, struct esp_sa *sa, struct bub_time now);

/* Frees what is kept of agreed keys; the SAs stay. */
void sas_agreed_free(struct sas *sas);

#endif
