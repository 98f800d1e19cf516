/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What `bubctl enroll` makes, and what it says about it.
 */
#ifndef BUBCTL_ENROLL_H
#define BUBCTL_ENROLL_H

#include <limits.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdio.h>

#include "keys_identity.h"

#define ENROLL_NAME_MAX 64              /* of a common name */
#define ENROLL_FILE_MAX (PATH_MAX + 64) /* of a folder, and a file in it */

struct enroll {
	bool home_agent; /* else a mobile node */
	bool by_psk;     /* else by certificate */
	bool renew;      /* a certificate for the key that is there */
	struct in6_addr home;
	char peer[KEYS_FINGERPRINT_TEXT_MAX]; /* fingerprint of the home agent; "": not known yet */
	unsigned days;                        /* that the certificate is valid */
	char name[ENROLL_NAME_MAX + 1];
	char folder[PATH_MAX];
	char stem[INET6_ADDRSTRLEN]; /* of the names of the files */
};

/* The command; returns the exit status. */
int ctl_enroll(int argc, char **argv, const char *socket);

/* Writes what both ends need in their configuration.  @fingerprint is this end's, in text; NULL: it
 * has a pre-shared key. */
void enroll_tell(FILE *out, const struct enroll *e, const char *fingerprint);

#endif
