/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * BUB test and BUB Complete, as initiator (draft, 5.1 to 5.3; protocol.md, 3).  The responder is
 * bubresp.c.
 *
 * The test rides on return routability: Do BUB in HoTI and CoTI, an answer in HoT and CoT.  One try
 * is one run.
 *
 *   NONE -> RUNNING -> WAIT_BUBC -> PASSED      two acknowledgements, then the responder's BUBC
 *           RUNNING -> RUNNING                  a try failed, a second one begins
 *           RUNNING -> FAILED or ABANDONED      the second one failed too
 *           any     -> NONE                     the test gives way; one may come again
 *
 * The BUBC brings the cookie that, with Kbm, signs the DH messages.  This file knows the test
 * alone: when one may begin, and what follows from its end, is for its caller.
 */
#include <string.h>

#include "bul/bubtest.h"

static void bubtest_set_state(struct bub_engine *eng, struct bub_test *test,
			      const struct ends *ends, enum test_state to, const char *why)
{
	static const char *const name[] = {"none",   "running", "waiting for BUB Complete",
					   "passed", "failed",  "abandoned"};

	if (test->state != to)
		ends_trace(eng, ends, "bub-test", name[test->state], name[to], why);
	test->state = to;
	test->why = why;
}

static struct bubtest_outcome bubtest_outcome_of(enum bubtest_event event)
{
	return (struct bubtest_outcome){.event = event};
}

static struct bubtest_outcome bubtest_dropped(enum bub_drop drop)
{
	return (struct bubtest_outcome){.drop = drop};
}

static void bubtest_stop_timers(struct bub_engine *eng, struct bub_test *test)
{
	core_timer_cancel(eng, &test->launch_timer);
	core_timer_cancel(eng, &test->bubc_timer);
}

bool bubtest_is_open(const struct bub_test *test)
{
	return test->state == TEST_RUNNING || test->state == TEST_WAIT_BUBC;
}

bool bubtest_has_failed(const struct bub_test *test)
{
	return test->state == TEST_FAILED || test->state == TEST_ABANDONED;
}

void bubtest_begin_try(struct bub_engine *eng, struct bub_test *test, const struct ends *ends)
{
	if (test->state == TEST_NONE)
		core_counters(eng)->bub_tests++;
	bubtest_stop_timers(eng, test);
	test->hot = test->cot = ANSWER_NONE;
	bubtest_set_state(eng, test, ends, TEST_RUNNING, "Do BUB");
}

void bubtest_note_answer(struct bub_test *test, const struct rx *rx)
{
	enum test_answer *answer = rx->mh.kind == BUB_MH_HOT ? &test->hot : &test->cot;

	*answer = ANSWER_NONE;
	if (!(rx->mh.opts.present & BUB_OPT_BUB))
		return;
	if (rx->mh.opts.bub_code == BUB_CODE_ACK)
		*answer = ANSWER_ACK;
	else if (rx->mh.opts.bub_code == BUB_CODE_NACK) /* Do BUB is no answer: draft, 5.2 */
		*answer = ANSWER_NACK;
}

void bubtest_fail(struct bub_engine *eng, struct bub_test *test, const struct ends *ends,
		  enum test_state verdict, const char *why)
{
	core_counters(eng)->bub_tests_failed++;
	bubtest_stop_timers(eng, test);
	bubtest_set_state(eng, test, ends, verdict, why);
}

/* Two tries in a row without success end the test, of whatever kinds they are (draft, 5.1). */
static struct bubtest_outcome bubtest_try_failed(struct bub_engine *eng, struct bub_test *test,
						 const struct ends *ends, enum test_state verdict,
						 const char *why)
{
	if (++test->fails < BUB_TRIES) {
		core_timer(eng, &test->launch_timer, 0); /* the second try */
		return bubtest_outcome_of(BUBTEST_GOES_ON);
	}
	bubtest_fail(eng, test, ends, verdict, why);
	return bubtest_outcome_of(BUBTEST_ENDED);
}

/* @mh, up to the authenticator at @auth_at, is a BUBC whose care-of init cookie is right. */
static struct bubtest_outcome verify_bubc(struct bub_engine *eng, struct bub_test *test,
					  const struct ends *ends, const struct rr *rr,
					  const uint8_t *mh, size_t auth_at)
{
	uint8_t auth[BUB_AUTH_LEN];

	bub_authenticator(core_crypto(eng), &test->kbm, &rr->care_of, &ends->peer, mh, auth_at,
			  auth);
	if (!bub_equal_secret(auth, mh + auth_at, sizeof auth))
		return bubtest_dropped(BUB_DROP_BUBC_BAD_AUTH);
	bubtest_stop_timers(eng, test);
	memcpy(test->bub_cookie, mh + 16, BUB_COOKIE_LEN);
	bubtest_set_state(eng, test, ends, TEST_PASSED, "BUB Complete");
	return bubtest_outcome_of(BUBTEST_COMPLETE);
}

/* A BUBC that was held is judged as if it came now: its checksum was right when it came. */
static struct bubtest_outcome bubtest_process_held(struct bub_engine *eng, struct bub_test *test,
						   const struct ends *ends, const struct rr *rr)
{
	size_t auth_at = test->held_len - BUB_AUTH_LEN;

	test->held_len = 0;
	/* The CoT of the held BUBC was lost: the one that came answers a later CoTI.  The responder
	 * answers that CoTI with another BUBC, and expects the cookie of that one. */
	if (memcmp(test->held + 8, rr->care_of_cookie, BUB_COOKIE_LEN) != 0)
		return bubtest_dropped(BUB_DROP_BUBC_COOKIE);
	return verify_bubc(eng, test, ends, rr, test->held, auth_at);
}

struct bubtest_outcome bubtest_end_try(struct bub_engine *eng, struct bub_test *test,
				       const struct ends *ends, const struct rr *rr)
{
	enum test_answer hot = test->hot, cot = test->cot;

	if (test->state != TEST_RUNNING)
		return bubtest_outcome_of(BUBTEST_GOES_ON);
	if (hot == ANSWER_ACK && cot == ANSWER_ACK) {
		test->kbm = rr->kbm;
		test->sends = 1;
		core_timer(eng, &test->bubc_timer, INITIAL_BINDACK_TIMEOUT_MS);
		bubtest_set_state(eng, test, ends, TEST_WAIT_BUBC, "BUB ACK in HoT and CoT");
		return test->held_len > 0 ? bubtest_process_held(eng, test, ends, rr)
					  : bubtest_outcome_of(BUBTEST_GOES_ON);
	}
	if (hot != ANSWER_NONE && cot != ANSWER_NONE && hot != cot)
		return bubtest_try_failed(eng, test, ends, TEST_ABANDONED, "HoT and CoT disagreed");
	if (hot == ANSWER_NACK && cot == ANSWER_NACK)
		return bubtest_try_failed(eng, test, ends, TEST_FAILED,
					  "the peer does not wish to");
	return bubtest_try_failed(eng, test, ends, TEST_FAILED, "no answer to Do BUB");
}

struct bubtest_outcome bubtest_wait_over(struct bub_engine *eng, struct bub_test *test,
					 const struct ends *ends)
{
	if (test->sends >= TEST_SENDS) {
		bubtest_set_state(eng, test, ends, TEST_RUNNING, "no BUB Complete");
		return bubtest_try_failed(eng, test, ends, TEST_FAILED, "no BUB Complete came");
	}
	core_timer(eng, &test->bubc_timer, (uint64_t)INITIAL_BINDACK_TIMEOUT_MS << test->sends);
	test->sends++;
	return bubtest_outcome_of(BUBTEST_ASK_AGAIN);
}

void bubtest_init(struct bub_test *test, void (*on_launch)(struct bub_engine *eng, void *owner),
		  void (*on_bubc_timer)(struct bub_engine *eng, void *owner), void *owner)
{
	timer_init(&test->launch_timer, on_launch, owner);
	timer_init(&test->bubc_timer, on_bubc_timer, owner);
}

void bubtest_yield(struct bub_engine *eng, struct bub_test *test, const struct ends *ends,
		   const char *why)
{
	bubtest_stop_timers(eng, test);
	test->fails = 0;
	bubtest_set_state(eng, test, ends, TEST_NONE, why);
}

void bubtest_reset(struct bub_engine *eng, struct bub_test *test, const struct ends *ends)
{
	struct timer launch, bubc;

	bubtest_stop_timers(eng, test);
	bubtest_set_state(eng, test, ends, TEST_NONE, "new session");
	launch = test->launch_timer;
	bubc = test->bubc_timer;
	bub_wipe(test, sizeof *test);
	test->launch_timer = launch;
	test->bubc_timer = bubc;
}

struct bubtest_outcome bubtest_on_bubc(struct bub_engine *eng, struct bub_test *test,
				       const struct ends *ends, const struct rr *rr,
				       const struct rx *rx)
{
	size_t auth_at = rx->mh.opts.auth_at;

	if (memcmp(rx->mh.u.bubc.care_of_cookie, rr->care_of_cookie, BUB_COOKIE_LEN) != 0)
		return bubtest_dropped(BUB_DROP_BUBC_COOKIE);
	if (!(rx->mh.opts.present & BUB_OPT_AUTH))
		return bubtest_dropped(BUB_DROP_BUBC_BAD_AUTH);
	if (test->state == TEST_WAIT_BUBC)
		return verify_bubc(eng, test, ends, rr, rx->mh.raw.data, auth_at);
	if (auth_at + BUB_AUTH_LEN <= sizeof test->held) {
		/* The BUBC came before its CoT: it is kept, one for each session (draft, 5.1). */
		test->held_len = auth_at + BUB_AUTH_LEN;
		memcpy(test->held, rx->mh.raw.data, test->held_len);
	}
	return bubtest_outcome_of(BUBTEST_GOES_ON);
}
