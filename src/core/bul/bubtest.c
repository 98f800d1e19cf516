/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * BUB test and BUB Complete, as initiator (draft, 5.1 to 5.3; protocol.md, 3).  The responder is
 * bubresp.c.
 *
 * The test rides on return routability: Do BUB in HoTI and CoTI, an answer in HoT and CoT.  One try
 * is one run.  Two acknowledgements make it pass; the responder's BUBC then brings the cookie that,
 * with Kbm, signs the DH messages.
 */
#include <string.h>

#include "answer.h"
#include "bul/bubtest.h"
#include "bul/peer.h"
#include "cn/cn.h"
#include "mn/mn.h"

static const char *test_name(enum test_state s)
{
	static const char *const name[] = {"none",   "running", "waiting for BUB Complete",
					   "passed", "failed",  "abandoned"};

	return name[s];
}

static void set_state(struct bub_engine *eng, struct peer *p, enum test_state to, const char *why)
{
	if (p->test.state != to)
		core_trace_state(eng, "bub-test", test_name(p->test.state), test_name(to), why,
				 &p->key.a, &p->key.b);
	p->test.state = to;
}

const char *bubtest_obstacle(const struct bub_engine *eng, const struct peer *p)
{
	if (p->bub_policy == BUB_POLICY_NEVER)
		return "the policy towards that peer is never";
	if (kabm_is_held(&p->kabm))
		return "a Kabm is agreed with that peer already";
	if (!home_is_away(p->home))
		return "this node is not away from home";
	if (binding_active(eng, &p->key.a, &p->key.b) == NULL)
		return "that peer is not known to be away from home";
	/* Never again in this session; but the peer may (draft, 5.1). */
	if (p->test.state == TEST_FAILED || p->test.state == TEST_ABANDONED)
		return "a test has failed in this session; now only that peer may start one";
	if (p->test.state != TEST_NONE || p->dh.state != DH_NONE)
		return "a test or an exchange is under way";
	return NULL;
}

bool bubtest_may_launch(const struct bub_engine *eng, const struct peer *p)
{
	return bubtest_obstacle(eng, p) == NULL;
}

void bubtest_consider(struct bub_engine *eng, struct peer *p)
{
	bool first = memcmp(&p->key.a, &p->key.b, sizeof p->key.a) < 0;
	uint64_t ms = first ? 0 : GLARE_DELAY_MS;

	/* A node that would refuse as static does not ask for it of its own accord either. */
	if (!core_config(eng)->eager_bub || p->rr.active || timer_is_set(&p->test.timer) ||
	    !bubtest_may_launch(eng, p) || !bubresp_is_willing(eng, p))
		return;
	/* The smaller home address would win a glare anyway: it goes first.  A test of the peer
	 * gets its time, once. */
	if (bubresp_is_under_way(eng, p))
		ms = (uint64_t)RESPONDER_FORGETS_S * 1000;
	core_timer(eng, &p->test.timer, ms);
}

void bubtest_begin_try(struct bub_engine *eng, struct peer *p)
{
	if (p->test.state == TEST_NONE)
		core_counters(eng)->bub_tests++;
	core_timer_cancel(eng, &p->test.timer);
	p->test.hot = p->test.cot = ANSWER_NONE;
	set_state(eng, p, TEST_RUNNING, "Do BUB");
}

void bubtest_fail(struct bub_engine *eng, struct peer *p, enum test_state verdict,
		  const char *reason)
{
	core_counters(eng)->bub_tests_failed++;
	core_timer_cancel(eng, &p->test.timer);
	dh_reset(eng, p);
	set_state(eng, p, verdict, reason);
	p->why = reason;
	if (!p->rr.active && !peer_is_bound(eng, p) && p->reg != REG_SENT)
		peer_update(eng, p); /* without the option now: route optimisation goes on */
}

/* Two tries in a row without success end the test, of whatever kinds they are (draft, 5.1). */
static void try_failed(struct bub_engine *eng, struct peer *p, enum test_state verdict,
		       const char *reason)
{
	if (++p->test.fails >= BUB_TRIES)
		bubtest_fail(eng, p, verdict, reason);
	else
		core_timer(eng, &p->test.timer, 0); /* the second try */
}

static void verify_bubc(struct bub_engine *eng, struct peer *p, const uint8_t *mh, size_t auth_at,
			const struct bub_mh *msg)
{
	uint8_t auth[BUB_AUTH_LEN];

	bub_authenticator(core_crypto(eng), &p->test.kbm, &p->rr.care_of, &p->key.b, mh, auth_at,
			  auth);
	if (!bub_equal_secret(auth, mh + auth_at, sizeof auth)) {
		core_drop(eng, BUB_DROP_BUBC_BAD_AUTH, &p->key.b);
		return;
	}
	core_timer_cancel(eng, &p->test.timer);
	set_state(eng, p, TEST_PASSED, "BUB Complete");
	dh_start(eng, p, DH_FOR_TEST, &p->test.kbm, msg->u.bubc.bub_cookie);
}

/* Decodes a BUBC that was held as it will be judged: its checksum was right when it came. */
static void process_held(struct bub_engine *eng, struct peer *p)
{
	struct bub_mh msg = {.kind = BUB_MH_BUBC};
	size_t auth_at = p->test.held_len - BUB_AUTH_LEN;

	memcpy(msg.u.bubc.bub_cookie, p->test.held + 16, BUB_COOKIE_LEN);
	p->test.held_len = 0;
	/* Its CoT was lost, and this CoT answers a later CoTI: so does a later BUBC, whose cookie
	 * is the one that the responder expects now. */
	if (memcmp(p->test.held + 8, p->rr.care_of_cookie, BUB_COOKIE_LEN) != 0) {
		core_drop(eng, BUB_DROP_BUBC_COOKIE, &p->key.b);
		return;
	}
	verify_bubc(eng, p, p->test.held, auth_at, &msg);
}

void bubtest_end_try(struct bub_engine *eng, struct peer *p)
{
	enum test_answer hot = p->test.hot, cot = p->test.cot;

	if (p->test.state != TEST_RUNNING)
		return;
	if (hot == ANSWER_ACK && cot == ANSWER_ACK) {
		p->test.kbm = p->kbm;
		p->test.sends = 1;
		core_timer(eng, &p->test.timer, INITIAL_BINDACK_TIMEOUT_MS);
		set_state(eng, p, TEST_WAIT_BUBC, "BUB ACK in HoT and CoT");
		if (p->test.held_len > 0)
			process_held(eng, p);
	} else if (hot != ANSWER_NONE && cot != ANSWER_NONE && hot != cot) {
		try_failed(eng, p, TEST_ABANDONED, "HoT and CoT disagreed");
	} else if (hot == ANSWER_NACK && cot == ANSWER_NACK) {
		try_failed(eng, p, TEST_FAILED, "the peer does not wish to");
	} else {
		try_failed(eng, p, TEST_FAILED, "no answer to Do BUB");
	}
}

/* CoT or BUBC was lost: a new CoTI asks for both again (draft, 5.1). */
static void ask_again(struct bub_engine *eng, struct peer *p)
{
	uint64_t wait_ms;

	if (p->test.sends >= TEST_SENDS) {
		set_state(eng, p, TEST_RUNNING, "no BUB Complete");
		try_failed(eng, p, TEST_FAILED, "no BUB Complete came");
		return;
	}
	wait_ms = peer_rate_wait(eng, p, PEER_TESTS);
	if (wait_ms > 0) {
		core_timer(eng, &p->test.timer, wait_ms);
		return;
	}
	core_timer(eng, &p->test.timer, (uint64_t)INITIAL_BINDACK_TIMEOUT_MS << p->test.sends);
	p->test.sends++;
	rr_send_care_of_init(eng, p);
}

static void on_timer(struct bub_engine *eng, void *owner)
{
	struct peer *p = owner;

	switch (p->test.state) {
	case TEST_NONE:
		if (!p->rr.active && bubtest_may_launch(eng, p))
			rr_start(eng, p, true);
		return;
	case TEST_RUNNING:
		if (home_is_away(p->home))
			rr_start(eng, p, true);
		return;
	case TEST_WAIT_BUBC:
		ask_again(eng, p);
		return;
	case TEST_PASSED:
	case TEST_FAILED:
	case TEST_ABANDONED:
		return;
	}
}

void bubtest_init(struct peer *p)
{
	timer_init(&p->test.timer, on_timer, p);
}

void bubtest_yield(struct bub_engine *eng, struct peer *p, const char *reason)
{
	core_timer_cancel(eng, &p->test.timer);
	p->test.fails = 0;
	p->rr.with_test = false;
	set_state(eng, p, TEST_NONE, reason);
}

void bubtest_reset(struct bub_engine *eng, struct peer *p)
{
	struct timer timer = p->test.timer;

	core_timer_cancel(eng, &p->test.timer);
	set_state(eng, p, TEST_NONE, "new session");
	timer.place = 0;
	bub_wipe(&p->test, sizeof p->test);
	p->test.timer = timer;
	bubresp_reset(p);
}

void bubtest_session(struct bub_engine *eng, struct peer *p)
{
	if (kabm_is_held(&p->kabm) || binding_active(eng, &p->key.a, &p->key.b) != NULL ||
	    bub_time_before(core_now(eng), p->told_until))
		return;
	/* Neither end has anything of the other: what comes now is a new session. */
	if (p->test.state == TEST_FAILED || p->test.state == TEST_ABANDONED)
		bubtest_reset(eng, p);
	p->static_tried = false;
	p->doubt.answered = false;
}

bool bubtest_awaits_bubc(const struct bub_engine *eng, const struct in6_addr *from,
			 const struct in6_addr *to)
{
	const struct peer *p;

	for (p = peer_next(eng, NULL); p != NULL; p = peer_next(eng, p))
		if ((p->test.state == TEST_RUNNING || p->test.state == TEST_WAIT_BUBC) &&
		    bub_addr_eq(&p->rr.asked, from) && bub_addr_eq(&p->rr.care_of, to))
			return true;
	return false;
}

void bubtest_on_bubc(struct bub_engine *eng, const struct rx *rx)
{
	struct peer *p = peer_of(eng, rx);
	size_t auth_at = rx->mh.opts.auth_at;

	if (!rx->ip->has_hao) {
		core_drop(eng, BUB_DROP_BUBC_NO_HAO, &rx->peer);
		return;
	}
	/* The test that waits for one from there (bubtest_awaits_bubc()) is with somebody else. */
	if (p == NULL || (p->test.state != TEST_RUNNING && p->test.state != TEST_WAIT_BUBC)) {
		core_drop(eng, BUB_DROP_BUBC_NO_TEST, &rx->peer);
		core_binding_error(eng, rx, BUB_BE_UNKNOWN_MH);
		return;
	}
	if (memcmp(rx->mh.u.bubc.care_of_cookie, p->rr.care_of_cookie, BUB_COOKIE_LEN) != 0) {
		core_drop(eng, BUB_DROP_BUBC_COOKIE, &rx->peer);
		return;
	}
	if (!(rx->mh.opts.present & BUB_OPT_AUTH)) {
		core_drop(eng, BUB_DROP_BUBC_BAD_AUTH, &rx->peer);
		return;
	}
	if (p->test.state == TEST_WAIT_BUBC) {
		verify_bubc(eng, p, rx->mh.raw.data, auth_at, &rx->mh);
	} else if (auth_at + BUB_AUTH_LEN <= sizeof p->test.held) {
		/* Before its CoT: kept, one per session (draft, 5.1). */
		p->test.held_len = auth_at + BUB_AUTH_LEN;
		memcpy(p->test.held, rx->mh.raw.data, p->test.held_len);
	}
}
