/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What every store of shared.h has to do, whatever is behind it: the same tests for each.
 */
#ifndef TESTS_STORE_SHARED_SUITE_H
#define TESTS_STORE_SHARED_SUITE_H

#include "shared.h"

/* A kind of store. */
struct suite_kind {
	const char *name;
	/* Makes what is empty, and takes it away. */
	void *(*make)(void);
	void (*unmake)(void *place);
	/* Opens what was made.  Fails the test where it cannot be. */
	struct shared *(*open)(void *place, const struct shared_host *host);
	void (*close)(void *place, struct shared *s);
	/* Runs until *@done; fails the test where that takes too long. */
	void (*wait)(void *place, const bool *done);
	bool several; /* it can be open twice */
};

/* Runs the suite; what main() is to return. */
int suite_run(const struct suite_kind *kind);

#endif
