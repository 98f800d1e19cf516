/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Keys for capture tools (bubd.conf(5), "key-log").  The file is in the form of Wireshark's table
 * esp_sa; keys that this table does not know stand in comment lines.
 */
#ifndef BUBD_KEYLOG_H
#define BUBD_KEYLOG_H

#include <stdio.h>

#include "bub/engine.h"
#include "esp.h"

/* Opens @path, which only its owner may read.  Returns NULL with errno set. */
FILE *keylog_open(const char *path);

/* Goes on in the file that has the name @path now; @kl stays the same.  Returns 0, or -1 with errno
 * set: the old file is written to as before. */
int keylog_reopen(FILE *kl, const char *path);

/* Both do nothing when @kl is NULL. */
void keylog_esp(FILE *kl, const struct esp_sa_params *sa);
void keylog_trace(FILE *kl, const struct bub_trace *tr); /* BUB_TR_KEY; others are passed over */

#endif
