/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Reader of tests/vectors: hex digits, and a comment from '#' to the end of the line.
 */
#ifndef BUB_TEST_VECTORS_H
#define BUB_TEST_VECTORS_H

#include "bytes.h"

static inline void vector_load(const char *name, struct bytes *ret_octets)
{
	char path[512], line[512];
	FILE *f;

	(void)snprintf(path, sizeof(path), "%s/%s.hex", VECTORS_DIR, name);
	f = fopen(path, "r");
	if (f == NULL)
		fail_msg("cannot open %s", path);
	ret_octets->n = 0;
	while (fgets(line, sizeof(line), f) != NULL) {
		line[strcspn(line, "#\n")] = '\0';
		put_hex(ret_octets, line);
	}
	(void)fclose(f);
}

#endif
