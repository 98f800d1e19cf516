/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Parts of a session, each alone: the life of Kabm, what nobody signs, the state of the direct
 * path. An engine serves them (time, timers, traces), and knows no peer.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "bul/directpath.h"
#include "bul/kabm.h"
#include "bul/suspect.h"
#include "engine_state.h"
#include "path.h"

/* The address here is the smaller one: it renews first. */
static const struct tentry pair = {
	.a = {.s6_addr = {0x20, 1, 0xd, 0xb8, [15] = 1}},
	.b = {.s6_addr = {0x20, 1, 0xd, 0xb8, [15] = 2}},
};
static const struct tentry other_way = {
	.a = {.s6_addr = {0x20, 1, 0xd, 0xb8, [15] = 2}},
	.b = {.s6_addr = {0x20, 1, 0xd, 0xb8, [15] = 1}},
};

static void octets(void *ctx, uint8_t *buf, size_t len)
{
	(void)ctx;
	memset(buf, 7, len);
}

static int setup(void **state)
{
	struct bub_env env = {.random = octets};
	struct bub_config cfg;
	struct bub_engine *eng;

	bub_config_init(&cfg);
	cfg.limit.bindings = 4; /* so many timers are there at least */
	cfg.kabm_lifetime_s = 1000;
	if (bub_engine_new(&cfg, &env, (struct bub_time){BUB_NS_PER_S}, &eng) != 0)
		return -1;
	*state = eng;
	return 0;
}

static int teardown(void **state)
{
	bub_engine_free(*state);
	return 0;
}

static unsigned fired;

static void on_timer(struct bub_engine *eng, void *owner)
{
	(void)eng;
	(void)owner;
	fired++;
}

/* Seconds from now until @t is due. */
static uint64_t due_s(const struct bub_engine *eng, const struct timer *t)
{
	assert_true(timer_is_set(t));
	return bub_time_ms_between(eng->now, timer_at(t)) / 1000;
}

static struct bub_key key_of(uint8_t octet)
{
	struct bub_key key = {.len = 32};

	memset(key.octets, octet, key.len);
	return key;
}

static bool key_is(const struct bub_key *key, uint8_t octet)
{
	return key->len == 32 && key->octets[0] == octet && key->octets[31] == octet;
}

/* ---- Kabm ---------------------------------------------------------------------------------- */

static void an_initiator_shares_at_once(void **state)
{
	struct bub_engine *eng = *state;
	struct bub_key one = key_of(1);
	struct kabm k = {0};

	kabm_init(&k, on_timer, NULL);
	assert_false(kabm_is_held(&k));
	assert_int_equal(kabm_agreed(eng, &k, &pair, &one, true), KABM_FIRST);
	assert_true(kabm_is_held(&k) && kabm_is_shared(&k));
	assert_int_equal(due_s(eng, &k.renewal_timer), 800);
	kabm_reset(eng, &k, &pair, "end");
	assert_false(kabm_is_held(&k) || timer_is_set(&k.renewal_timer));
	assert_true(key_is(&k.key, 0) || k.key.len == 0);
}

static void a_responder_waits_until_it_is_used(void **state)
{
	struct bub_engine *eng = *state;
	struct bub_key one = key_of(1);
	struct kabm k = {0};

	kabm_init(&k, on_timer, NULL);
	assert_int_equal(kabm_agreed(eng, &k, &other_way, &one, false), KABM_FIRST);
	assert_true(kabm_is_held(&k));
	assert_false(kabm_is_shared(&k));
	assert_int_equal(due_s(eng, &k.renewal_timer), 900); /* the larger address: later */
	assert_int_equal(kabm_heard(eng, &k, &other_way, &k.key), KABM_FIRST_USE);
	assert_true(kabm_is_shared(&k));
	assert_int_equal(kabm_heard(eng, &k, &other_way, &k.key), KABM_NO_NEWS);
	kabm_reset(eng, &k, &other_way, "end");
}

/* The initiator signs with the newer one at once, and takes the older one until a minute after the
 * peer has used the newer. */
static void renewal_by_the_initiator(void **state)
{
	struct bub_engine *eng = *state;
	struct bub_key one = key_of(1), two = key_of(2);
	struct kabm k = {0};

	kabm_init(&k, on_timer, NULL);
	kabm_agreed(eng, &k, &pair, &one, true);
	k.used_out = 9;
	assert_int_equal(kabm_agreed(eng, &k, &pair, &two, true), KABM_SIGNS);
	assert_true(key_is(&k.key, 2) && key_is(&k.other, 1));
	assert_int_equal(k.used_out, 0);
	/* What the older one signed is under way: it ends nothing. */
	assert_int_equal(kabm_heard(eng, &k, &pair, &k.other), KABM_NO_NEWS);
	assert_int_equal(k.state, KABM_REPLACED);
	assert_int_equal(kabm_heard(eng, &k, &pair, &k.key), KABM_NO_NEWS);
	assert_int_equal(k.state, KABM_SHARED);
	assert_int_equal(bub_time_ms_between(eng->now, k.other_until), 60000);
	kabm_reset(eng, &k, &pair, "end");
}

/* The responder goes on with the older one until it has seen the newer one used. */
static void renewal_by_the_responder(void **state)
{
	struct bub_engine *eng = *state;
	struct bub_key one = key_of(1), two = key_of(2);
	struct kabm k = {0};

	kabm_init(&k, on_timer, NULL);
	kabm_agreed(eng, &k, &pair, &one, true);
	assert_int_equal(kabm_agreed(eng, &k, &pair, &two, false), KABM_IS_WAITED);
	assert_true(key_is(&k.key, 1) && key_is(&k.other, 2));
	assert_int_equal(kabm_heard(eng, &k, &pair, &k.key), KABM_NO_NEWS);
	assert_true(key_is(&k.key, 1));
	assert_int_equal(kabm_heard(eng, &k, &pair, &k.other), KABM_NO_NEWS);
	assert_true(key_is(&k.key, 2) && key_is(&k.other, 1));
	kabm_reset(eng, &k, &pair, "end");
}

/* A DH1 that is signed with a key shows that the peer holds it, though nothing else has. */
static void a_renewal_proves_the_older_key(void **state)
{
	struct bub_engine *eng = *state;
	struct bub_key one = key_of(1), two = key_of(2);
	struct kabm k = {0};

	kabm_init(&k, on_timer, NULL);
	kabm_agreed(eng, &k, &pair, &one, false);
	assert_int_equal(kabm_agreed(eng, &k, &pair, &two, false), KABM_IS_PROVED);
	assert_true(kabm_is_shared(&k));
	kabm_reset(eng, &k, &pair, "end");
}

static void a_key_signs_so_much(void **state)
{
	struct bub_engine *eng = *state;
	struct bub_key one = key_of(1);
	struct kabm k = {0};
	unsigned n = 0;

	kabm_init(&k, on_timer, NULL);
	kabm_agreed(eng, &k, &pair, &one, true);
	while (due_s(eng, &k.renewal_timer) > 0 && n < 40000) {
		kabm_count_out(eng, &k, &pair);
		n++;
	}
	assert_int_equal(n, 16384 / 10 * 8);
	while (!kabm_is_worn_out(&k) && n < 40000) {
		kabm_count_out(eng, &k, &pair);
		n++;
	}
	assert_int_equal(n, 32767); /* half the circle of sequence numbers */
	for (n = 0; !kabm_is_worn_in(&k, &k.key) && n < 40000; n++)
		kabm_count_in(eng, &k, &pair, &k.key);
	assert_int_equal(n, 32767);
	kabm_count_in(eng, &k, &pair, &k.other);
	assert_int_equal(k.used_in, 32767);
	assert_false(kabm_is_worn_in(&k, &k.other));
	kabm_reset(eng, &k, &pair, "end");
}

/* ---- What nobody signs --------------------------------------------------------------------- */

static void looked_into_once_in_a_while(void **state)
{
	struct bub_engine *eng = *state;
	struct suspect s = {0};

	suspect_init(&s, on_timer, NULL);
	assert_int_equal(suspect_judge(eng, &s, true, SUSPECT_NO_BINDING), SUSPECT_LOOK);
	suspect_note_look(eng, &s);
	eng->now = bub_time_add_s(eng->now, SUSPECT_S - 1);
	assert_int_equal(suspect_judge(eng, &s, true, SUSPECT_REFRESH), SUSPECT_TOO_SOON);
	eng->now = bub_time_add_s(eng->now, 1);
	assert_int_equal(suspect_judge(eng, &s, true, SUSPECT_REFRESH), SUSPECT_LOOK);
}

/* Data that comes in speaks against a Binding Error, where no key can ask. */
static void data_speaks_for_the_binding(void **state)
{
	struct bub_engine *eng = *state;
	struct suspect s = {.progress = eng->now};

	suspect_init(&s, on_timer, NULL);
	assert_int_equal(suspect_judge(eng, &s, false, SUSPECT_NO_BINDING), SUSPECT_NO_NEED);
	assert_int_equal(suspect_judge(eng, &s, true, SUSPECT_NO_BINDING), SUSPECT_LOOK);
	assert_int_equal(suspect_judge(eng, &s, false, SUSPECT_REFRESH), SUSPECT_LOOK);
	eng->now = bub_time_add_s(eng->now, PROGRESS_S);
	assert_int_equal(suspect_judge(eng, &s, false, SUSPECT_NO_BINDING), SUSPECT_LOOK);
}

static void unknown_is_not_believed_of_one_that_answers(void **state)
{
	struct suspect s = {0};

	(void)state;
	assert_true(suspect_say_unknown(&s));
	assert_true(suspect_believe_unknown(&s));
	assert_false(suspect_believe_unknown(&s)); /* once */
	assert_true(suspect_acquit(&s));
	assert_false(suspect_acquit(&s));
	assert_false(suspect_say_unknown(&s));
	assert_false(suspect_believe_unknown(&s));
}

static void a_probe_doubles_its_pauses(void **state)
{
	struct bub_engine *eng = *state;
	struct suspect s = {0};

	suspect_init(&s, on_timer, NULL);
	suspect_start_probe(&s, 1000);
	assert_false(suspect_is_probing(&s));
	for (unsigned i = 0; i < PROBE_SENDS; i++) {
		assert_false(suspect_probe_failed(&s));
		suspect_note_probe(eng, &s, true, (uint16_t)(100 + i));
		assert_true(suspect_is_probing(&s));
		assert_int_equal(due_s(eng, &s.probe_timer), 1u << i);
		/* What follows sooner than a second is not counted. */
		suspect_note_probe(eng, &s, true, (uint16_t)(100 + i));
		assert_int_equal(s.probe_sends, i + 1);
		s.probe_interval_ms = 1000u << (i + 1);
		s.probed_at = (struct bub_time){0};
	}
	assert_true(suspect_probe_failed(&s));
	assert_int_equal(s.probe_sequence, 100 + PROBE_SENDS - 1);
	suspect_stop(eng, &s);
	assert_false(suspect_is_probing(&s));
}

/* ---- The direct path ----------------------------------------------------------------------- */

static const struct ends ends = {
	.local = {.s6_addr = {0x20, 1, 0xd, 0xb8, [15] = 1}},
	.peer = {.s6_addr = {0x20, 1, 0xd, 0xb8, [15] = 2}},
	.at = {.s6_addr = {0x20, 1, 0xd, 0xb8, [5] = 1, [15] = 1}},
	.peer_at = {.s6_addr = {0x20, 1, 0xd, 0xb8, [5] = 2, [15] = 2}},
	.away = true,
	.peer_away = true,
};

static void silence_breaks_the_path(void **state)
{
	struct bub_engine *eng = *state;
	struct bub_key key = {.len = 32, .alg = BUB_MAC_HMAC_SHA256};
	struct direct_path d = {0};
	struct bub_action act;

	directpath_init(&d, on_timer, NULL);
	assert_true(directpath_is_open(&d));
	assert_false(directpath_is_watched(&d));
	for (unsigned i = 0; !directpath_is_silent(&d); i++) {
		assert_true(i < 10);
		directpath_ask(eng, &d, &ends, &key);
		assert_int_equal(due_s(eng, &d.look_timer), 1u << i);
	}
	while (bub_engine_next_action(eng, &act))
		;
	assert_true(directpath_found(eng, &d, &ends, DIRECT_BROKEN, "silence"));
	assert_false(directpath_is_open(&d));
	assert_int_equal(due_s(eng, &d.look_timer), PROBE_DIRECT_S);
	assert_true(directpath_found(eng, &d, &ends, DIRECT_OPEN, "an answer"));
	assert_false(directpath_is_watched(&d));
}

/* A filtered path is not broken anew by what was known, and is tried at pauses that double. */
static void trials_of_a_filtered_path(void **state)
{
	struct bub_engine *eng = *state;
	struct direct_path d = {0};
	uint64_t pause_s = PROBE_DIRECT_S;

	directpath_init(&d, on_timer, NULL);
	assert_true(directpath_found(eng, &d, &ends, DIRECT_FILTERED, "lost"));
	assert_int_equal(due_s(eng, &d.look_timer), pause_s);
	assert_false(directpath_found(eng, &d, &ends, DIRECT_FILTERED, "lost"));
	for (unsigned i = 0; i < 12; i++) {
		pause_s = 2 * pause_s < 3600 ? 2 * pause_s : 3600;
		directpath_next_trial(eng, &d);
		assert_int_equal(due_s(eng, &d.look_timer), pause_s);
	}
	assert_false(directpath_found(eng, &d, &ends, DIRECT_BROKEN, "silence"));
	directpath_reset(eng, &d, &ends, "new session");
	assert_true(directpath_is_open(&d));
	assert_int_equal(fired, 0);
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(an_initiator_shares_at_once),
		T(a_responder_waits_until_it_is_used),
		T(renewal_by_the_initiator),
		T(renewal_by_the_responder),
		T(a_renewal_proves_the_older_key),
		T(a_key_signs_so_much),
		T(looked_into_once_in_a_while),
		T(data_speaks_for_the_binding),
		T(unknown_is_not_believed_of_one_that_answers),
		T(a_probe_doubles_its_pauses),
		T(silence_breaks_the_path),
		T(trials_of_a_filtered_path),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
