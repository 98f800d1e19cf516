/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The configuration file as text with line numbers: sections, keywords and values as they were
 * written.  What a value means is config.c's business.
 */
#ifndef BUBD_CONFIG_FILE_H
#define BUBD_CONFIG_FILE_H

#include <confuse.h>
#include <stdbool.h>
#include <stdio.h>

/* Where mistakes go.  At most PROBLEMS_MAX are printed, so that a wrong file fills no screen. */
#define PROBLEMS_MAX 20
struct problems {
	FILE *out;
	const char *path; /* of the configuration file; borrowed */
	unsigned n;
};

/* Prints "FILE:LINE: text" and counts it. */
void problem(struct problems *p, int line, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* One value as written. */
struct config_value {
	int line;
	char text[];
};

/*
 * Reads and parses the file p->path.  Returns the root section, to be freed with cfg_free(), or
 * NULL after at least one problem().
 */
cfg_t *config_file_parse(struct problems *p);

/* The @index'th value of @name in @sec; NULL: not given. */
const struct config_value *config_file_value(cfg_t *sec, const char *name, unsigned index);

/* True when the file sets @name, be it to an empty list. */
bool config_file_is_set(cfg_t *sec, const char *name);

/* The line on which the section begins. */
int config_file_section_line(cfg_t *sec);

/* A keyword and, line by line, everything that the file says under it but the keywords within its
 * section for which @skip is true; NULL: out of memory.  Equal text means equal settings.  Free it.
 */
char *config_file_text(cfg_opt_t *opt, bool (*skip)(const char *section, const char *name));

#endif
