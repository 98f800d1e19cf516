/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * BUB test and BUB Complete, as initiator (bubtest.c).
 */
#ifndef BUB_CORE_BUL_BUBTEST_H
#define BUB_CORE_BUL_BUBTEST_H

#include "bul/bul.h"

/* docs/protocol.md. */
#define BUB_TRIES 2u  /* BUB test: failed tries in a row that end it */
#define TEST_SENDS 3u /* sends of a test message before a try that carries a BUB test fails */
#define GLARE_DELAY_MS 2000u /* the numerically larger home address waits so long to launch */
#define HELD_MAX 64          /* octets of a BUBC that is kept until its CoT */

enum test_state {
	TEST_NONE,
	TEST_RUNNING,   /* Do BUB sent in HoTI and CoTI */
	TEST_WAIT_BUBC, /* both acknowledged */
	TEST_PASSED,    /* BUBC verified */
	TEST_FAILED,    /* two tries failed: never again in this session */
	TEST_ABANDONED, /* the same, the last one of them a mismatch */
};

/* What a HoT or CoT said to Do BUB. */
enum test_answer {
	ANSWER_NONE,
	ANSWER_ACK,
	ANSWER_NACK,
};

struct bub_test {
	enum test_state state;
	unsigned fails; /* tries in a row */
	enum test_answer hot, cot;
	unsigned sends; /* of CoTI while waiting for BUBC */
	struct bub_key kbm;
	uint8_t held[HELD_MAX]; /* a BUBC that came before its CoT */
	size_t held_len;
	struct timer timer; /* launch, or wait for BUBC */
};

void bubtest_init(struct peer *p);
void bubtest_begin_try(struct bub_engine *eng, struct peer *p);
/* Both answers of a try are there, or it got none. */
void bubtest_end_try(struct bub_engine *eng, struct peer *p);
void bubtest_fail(struct bub_engine *eng, struct peer *p, enum test_state verdict,
		  const char *reason);
/* Drops a running test without counting it (glare, movement). */
void bubtest_yield(struct bub_engine *eng, struct peer *p, const char *reason);
void bubtest_reset(struct bub_engine *eng, struct peer *p);

#endif
