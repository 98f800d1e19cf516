/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Takes out of texts what others must not see: secrets, and where wanted addresses.
 */
#ifndef BUBCTL_REDACT_H
#define BUBCTL_REDACT_H

#include <stdbool.h>
#include <stddef.h>

struct redact;

/* Starts with nothing to take out.  With @anonymize addresses are replaced as well, the same one
 * always by the same.  To be freed; NULL: out of memory. */
struct redact *redact_new(bool anonymize);
void redact_free(struct redact *r);

/*
 * The configuration @text of the file @path without keys and comments.  What it has of secrets, or
 * names files of, is taken out of every text from now on.  Free it.
 */
char *redact_config(struct redact *r, const char *path, const char *text);

/* Any other text.  Free it. */
char *redact_text(struct redact *r, const char *text);

#endif
