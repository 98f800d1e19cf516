/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * BUB test and BUB Complete, as initiator and as responder (draft, 5.1 to 5.3; protocol.md, 3).
 *
 * The test rides on return routability: Do BUB in HoTI and CoTI, an answer in HoT and CoT.  One try
 * is one run.  Two acknowledgements make it pass; the responder's BUBC then brings the cookie that,
 * with Kbm, signs the DH messages.
 */
#include <string.h>

#include "core.h"

#define ANSWER_STANDS_S 10 /* an acknowledgement in a HoT belongs with a CoT so much later */

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

/* ---- Initiator ----------------------------------------------------------------------------- */

const char *bubtest_obstacle(const struct bub_engine *eng, const struct peer *p)
{
	if (p->bub_policy == BUB_POLICY_NEVER)
		return "the policy towards that peer is never";
	if (p->has_kabm)
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

static bool is_willing(const struct bub_engine *eng, const struct peer *p)
{
	const struct home *h = p->home;

	if (p->bub_policy == BUB_POLICY_NEVER || !home_is_away(h) || !h->ever_sent)
		return false;
	/* Static: no Binding Update sent for so long (draft, 5.1). */
	return bub_time_ms_between(h->last_update, eng->now) <
	       (uint64_t)eng->cfg.static_after_s * 1000;
}

void bubtest_consider(struct bub_engine *eng, struct peer *p)
{
	bool first = memcmp(&p->key.a, &p->key.b, sizeof p->key.a) < 0;

	/* A node that would refuse as static does not ask for it of its own accord either. */
	if (!eng->cfg.eager_bub || p->rr.active || timer_is_set(&p->test.timer) ||
	    !bubtest_may_launch(eng, p) || !is_willing(eng, p))
		return;
	/* The smaller home address would win a glare anyway: it goes first. */
	core_timer(eng, &p->test.timer, first ? 0 : GLARE_DELAY_MS);
}

void bubtest_begin_try(struct bub_engine *eng, struct peer *p)
{
	if (p->test.state == TEST_NONE)
		eng->counters.bub_tests++;
	timerq_cancel(&eng->timers, &p->test.timer);
	p->test.hot = p->test.cot = ANSWER_NONE;
	set_state(eng, p, TEST_RUNNING, "Do BUB");
}

void bubtest_fail(struct bub_engine *eng, struct peer *p, enum test_state verdict,
		  const char *reason)
{
	eng->counters.bub_tests_failed++;
	timerq_cancel(&eng->timers, &p->test.timer);
	dh_reset(eng, p);
	set_state(eng, p, verdict, reason);
	p->why = reason;
	if (!p->rr.active && !peer_is_bound(eng, p) && p->reg != REG_SENT)
		peer_update(eng, p); /* without the option now: route optimisation goes on */
}

static void try_failed(struct bub_engine *eng, struct peer *p, const char *reason)
{
	if (++p->test.fails >= BUB_TRIES)
		bubtest_fail(eng, p, TEST_FAILED, reason);
	else
		core_timer(eng, &p->test.timer, 0); /* the second try */
}

static void verify_bubc(struct bub_engine *eng, struct peer *p, const uint8_t *mh, size_t auth_at,
			const struct bub_mh *msg)
{
	uint8_t auth[BUB_AUTH_LEN];

	bub_authenticator(eng->crypto, &p->test.kbm, &p->rr.care_of, &p->key.b, mh, auth_at, auth);
	if (!bub_equal_secret(auth, mh + auth_at, sizeof auth)) {
		core_drop(eng, BUB_DROP_BUBC_BAD_AUTH, &p->key.b);
		return;
	}
	timerq_cancel(&eng->timers, &p->test.timer);
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
		if (++p->test.mismatches >= BUB_TRIES)
			bubtest_fail(eng, p, TEST_ABANDONED, "HoT and CoT disagreed twice");
		else
			core_timer(eng, &p->test.timer, 0);
	} else if (hot == ANSWER_NACK && cot == ANSWER_NACK) {
		try_failed(eng, p, "the peer does not wish to");
	} else {
		try_failed(eng, p, "no answer to Do BUB");
	}
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
		if (p->test.sends >= TEST_SENDS) {
			set_state(eng, p, TEST_RUNNING, "no BUB Complete");
			try_failed(eng, p, "no BUB Complete came");
			return;
		}
		/* CoT or BUBC was lost: a new CoTI asks for both again (draft, 5.1). */
		core_timer(eng, &p->test.timer,
			   (uint64_t)INITIAL_BINDACK_TIMEOUT_MS << p->test.sends);
		p->test.sends++;
		rr_send_care_of_init(eng, p);
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
	timerq_cancel(&eng->timers, &p->test.timer);
	p->test.fails = p->test.mismatches = 0;
	p->rr.with_test = false;
	set_state(eng, p, TEST_NONE, reason);
}

void bubtest_reset(struct bub_engine *eng, struct peer *p)
{
	struct timer timer = p->test.timer;

	timerq_cancel(&eng->timers, &p->test.timer);
	set_state(eng, p, TEST_NONE, "new session");
	timer.place = 0;
	bub_wipe(&p->test, sizeof p->test);
	p->test.timer = timer;
	p->resp = (struct bub_response){0};
}

void bubtest_on_bubc(struct bub_engine *eng, const struct rx *rx)
{
	struct peer *p = peer_of(eng, rx);
	size_t auth_at = rx->mh.opts.auth_at;

	if (p == NULL || p->test.state == TEST_NONE) {
		/* As RFC 6275, 9.2 wants it of a node that does not know the type. */
		core_drop(eng, BUB_DROP_BUBC_NO_TEST, &rx->peer);
		core_binding_error(eng, rx, BUB_BE_UNKNOWN_MH);
		return;
	}
	if (p->test.state != TEST_RUNNING && p->test.state != TEST_WAIT_BUBC) {
		core_drop(eng, BUB_DROP_BUBC_NO_TEST, &rx->peer); /* a second copy */
		return;
	}
	if (!rx->ip->has_hao) {
		core_drop(eng, BUB_DROP_BUBC_NO_HAO, &rx->peer);
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

/* ---- Responder ----------------------------------------------------------------------------- */

static void note_do(struct bub_engine *eng, const struct rx *rx, struct peer *p, uint16_t index)
{
	struct bub_response *r = &p->resp;

	if (rx->mh.kind == BUB_MH_HOTI) {
		r->hot_acked = true;
		r->hot_at = eng->now;
		r->home_nonce = index;
		return;
	}
	/* The same BUB cookie for the same CoTI cookie. */
	if (!r->cot_acked ||
	    memcmp(r->care_of_cookie, rx->mh.u.test_init.cookie, BUB_COOKIE_LEN) != 0) {
		memcpy(r->care_of_cookie, rx->mh.u.test_init.cookie, BUB_COOKIE_LEN);
		core_random(eng, r->bub_cookie, sizeof r->bub_cookie);
	}
	r->cot_acked = true;
	r->care_of = rx->ip->src;
	r->care_of_nonce = index;
}

enum bub_code bubtest_on_do(struct bub_engine *eng, const struct rx *rx, struct peer *p,
			    uint16_t nonce_index)
{
	if (p == NULL || !is_willing(eng, p))
		return BUB_CODE_NACK;
	if (p->has_kabm) {
		/* The peer has lost the key, or somebody would like us to. */
		bubmode_probe(eng, p);
		return BUB_CODE_NACK;
	}
	if (p->test.state == TEST_RUNNING || p->test.state == TEST_WAIT_BUBC) {
		/* Glare: the smaller home address stays initiator. */
		if (memcmp(&p->key.a, &p->key.b, sizeof p->key.a) < 0) {
			p->resp = (struct bub_response){0};
			return BUB_CODE_ACK;
		}
		bubtest_yield(eng, p, "the peer launched its own");
	}
	if (p->dh.initiator && p->dh.state != DH_NONE)
		return BUB_CODE_ACK;
	note_do(eng, rx, p, nonce_index);
	return BUB_CODE_ACK;
}

void bubtest_after_answer(struct bub_engine *eng, struct peer *p)
{
	struct bub_response *r = &p->resp;
	uint8_t home[BUB_TOKEN_LEN], care_of[BUB_TOKEN_LEN];
	struct mh_out out = {.mh = {.kind = BUB_MH_BUBC}};
	struct bub_key kbm;
	struct route route;

	/* DH1 was signed: nobody's HoTI and CoTI, which are not, shall spoil that exchange. */
	if (p->dh.state != DH_NONE && p->dh.state != DH_READY)
		return;
	if (!r->hot_acked || !r->cot_acked ||
	    bub_time_ms_between(r->hot_at, eng->now) > (uint64_t)ANSWER_STANDS_S * 1000)
		return;
	if (!nonce_token_at(eng, &p->key.b, false, r->home_nonce, home) ||
	    !nonce_token_at(eng, &r->care_of, true, r->care_of_nonce, care_of))
		return;
	bub_kbm(eng->crypto, home, care_of, &kbm);
	memcpy(out.mh.u.bubc.care_of_cookie, r->care_of_cookie, BUB_COOKIE_LEN);
	memcpy(out.mh.u.bubc.bub_cookie, r->bub_cookie, BUB_COOKIE_LEN);
	out.mh.opts.present = BUB_OPT_AUTH;
	out.key = &kbm;
	out.auth_care_of = r->care_of;
	out.auth_correspondent = p->key.a;
	route = route_plain(&p->home->care_of, &r->care_of);
	route.has_hao = true;
	route.hao = p->key.a;
	core_send(eng, &route, &out);
	dh_expect(eng, p, &kbm, r->bub_cookie);
	bub_wipe(&kbm, sizeof kbm);
}
