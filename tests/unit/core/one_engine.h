/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One engine alone, for tests that look at it from its public side: what it is fed, and what it
 * does about that.
 */
#ifndef BUB_TEST_ONE_ENGINE_H
#define BUB_TEST_ONE_ENGINE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <arpa/inet.h>
#include <cmocka.h>

#include "bub/engine.h"

#define SENT_MAX 32

/* What the engine did since the last feed; octets that it sent or delivered are copied. */
struct did {
	struct bub_action act[SENT_MAX];
	uint8_t octets[SENT_MAX][1400];
	unsigned n;
};
extern struct did did;

extern struct bub_config cfg;
extern struct bub_engine *eng;
extern struct bub_time now;
extern const struct bub_env env; /* its random octets count up */

struct in6_addr addr(const char *text);

/* The configuration of a mobile node, or of a correspondent that never moves. */
void defaults(bool mobile);
void start(void);

void drain(void);
void feed(const struct bub_event *ev); /* 400 ms after the last one */
void usable(const char *care_of);

#endif
