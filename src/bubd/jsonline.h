/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Builds one JSON object as one line in a fixed buffer: events are written for every message, and
 * that path allocates nothing.
 */
#ifndef BUBD_JSONLINE_H
#define BUBD_JSONLINE_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Far more than the longest event; a member that does not fit is left out. */
#define JSONLINE_MAX 2048

struct jsonline {
	char text[JSONLINE_MAX];
	size_t len;
};

void jsonline_begin(struct jsonline *j);
void jsonline_string(struct jsonline *j, const char *name, const char *value); /* NULL: nothing */
void jsonline_number(struct jsonline *j, const char *name, uint64_t value);
void jsonline_bool(struct jsonline *j, const char *name, bool value);
void jsonline_address(struct jsonline *j, const char *name, const struct in6_addr *value);

/* Seconds with six decimals. */
void jsonline_time(struct jsonline *j, const char *name, uint64_t s, uint32_t us);

/* Closes the object and puts a newline behind it. */
void jsonline_end(struct jsonline *j);

#endif
