/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * BUB test and BUB Complete, as initiator (bubtest.c).
 */
#ifndef BUB_CORE_BUL_BUBTEST_H
#define BUB_CORE_BUL_BUBTEST_H

#include "bul/rr.h"

/* docs/protocol.md. */
#define BUB_TRIES 2u /* BUB test: failed tries in a row that end it */
#define HELD_MAX 64  /* octets of a BUBC that is kept until its CoT */

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
	const char *why; /* of the last step */
	unsigned fails;  /* tries in a row */
	enum test_answer hot, cot;
	unsigned sends; /* of CoTI while waiting for BUBC */
	struct bub_key kbm;
	uint8_t held[HELD_MAX]; /* a BUBC that came before its CoT */
	size_t held_len;
	uint8_t bub_cookie[BUB_COOKIE_LEN]; /* of the BUBC that was verified */
	struct timer launch_timer;          /* a try is to begin */
	struct timer bubc_timer;            /* no BUBC has come */
};

enum bubtest_event {
	BUBTEST_GOES_ON,
	BUBTEST_ASK_AGAIN, /* CoT or BUBC was lost: a new CoTI asks for both (draft, 5.1) */
	BUBTEST_COMPLETE,  /* passed: test->kbm and test->bub_cookie sign the DH messages */
	BUBTEST_ENDED,     /* two tries failed; test->why */
};

struct bubtest_outcome {
	enum bubtest_event event;
	enum bub_drop drop; /* the message is discarded; NONE: it is not */
};

/* The callbacks, with @owner: a try is to begin; bubtest_wait_over() is due. */
void bubtest_init(struct bub_test *test, void (*on_launch)(struct bub_engine *eng, void *owner),
		  void (*on_bubc_timer)(struct bub_engine *eng, void *owner), void *owner);
/* Forgets all that is known of tests with the peer. */
void bubtest_reset(struct bub_engine *eng, struct bub_test *test, const struct ends *ends);
/* A test is under way whose BUBC has not come yet. */
bool bubtest_is_open(const struct bub_test *test);
/* No test may be launched from here any more in this session (draft, 5.1). */
bool bubtest_has_failed(const struct bub_test *test);
/* A return routability run begins that carries Do BUB. */
void bubtest_begin_try(struct bub_engine *eng, struct bub_test *test, const struct ends *ends);
/* What the HoT or CoT @rx of that run says. */
void bubtest_note_answer(struct bub_test *test, const struct rx *rx);
/* The run @rr is over: both answers of the try have come, or the run has failed. */
struct bubtest_outcome bubtest_end_try(struct bub_engine *eng, struct bub_test *test,
				       const struct ends *ends, const struct rr *rr);
struct bubtest_outcome bubtest_wait_over(struct bub_engine *eng, struct bub_test *test,
					 const struct ends *ends);
/* A BUBC from the peer, with a Home Address option, while the test is open. */
struct bubtest_outcome bubtest_on_bubc(struct bub_engine *eng, struct bub_test *test,
				       const struct ends *ends, const struct rr *rr,
				       const struct rx *rx);
/* What followed from the test has failed, and so the test counts as failed. */
void bubtest_fail(struct bub_engine *eng, struct bub_test *test, const struct ends *ends,
		  enum test_state verdict, const char *why);
/* Drops a running test without counting it (glare, movement). */
void bubtest_yield(struct bub_engine *eng, struct bub_test *test, const struct ends *ends,
		   const char *why);

#endif
