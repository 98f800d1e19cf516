/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A subscriber as a line of JSON, which `bubctl subscriber` reads and writes.
 */
#ifndef BUBCTL_SUBSCRIBER_H
#define BUBCTL_SUBSCRIBER_H

#include <jansson.h>

#include "subscribers.h"

#define SUBSCRIBER_WHY_MAX 256
#define SUBSCRIBER_LINE_MAX 1024 /* octets; the longest that is of use has some 700 */

/*
 * Reads one, of exactly these members:
 *
 *   {"home": ADDRESS}                           a certificate with that address in it
 *   {"home": ADDRESS, "identity": NAME}         a certificate with that name in it
 *   {"home": ADDRESS, "fingerprint": "sha256:..."}
 *   {"home": ADDRESS, "psk": "hex:..." or TEXT}
 *
 * False, and in @ret_why what is wrong and what was expected.
 */
bool subscriber_parse(const char *line, size_t len, struct subscriber *ret,
		      char ret_why[static SUBSCRIBER_WHY_MAX]);

/* The home address @text; false, and @ret_why. */
bool subscriber_parse_home(const char *text, struct in6_addr *ret,
			   char ret_why[static SUBSCRIBER_WHY_MAX]);

/* The same members.  @secret: with the pre-shared key; else "psk" is true, and nobody can read it
 * back. */
json_t *subscriber_json(const struct subscriber *sub, bool secret);

/* The command; returns the exit status. */
int ctl_subscriber(int argc, char **argv, const char *socket);

#endif
