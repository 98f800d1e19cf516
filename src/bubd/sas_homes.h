/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Mobile node: the SAs of home addresses and home agents that it learns of while it runs, and of
 * home addresses that it gives up.
 */
#ifndef BUBD_SAS_HOMES_H
#define BUBD_SAS_HOMES_H

#include "log.h"
#include "sas.h"

/* All of it borrowed. */
struct sas_homes {
	struct sas *sas;
	const struct bubd_config *cfg; /* the secrets are in it */
	const struct log *log;
};

/* Makes SAs, before anything else acts on @act; and takes them away, after all else has. */
void sas_homes_begin(const struct sas_homes *h, const struct bub_action *act);
void sas_homes_end(const struct sas_homes *h, const struct bub_action *act);

#endif
