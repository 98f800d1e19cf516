/* SPDX-License-Identifier: BSD-2-Clause */
/* See shared_suite.h. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "shared_suite.h"

#define MANY 2000

static const struct suite_kind *suite;

/* One home agent at the store. */
struct writer {
	struct shared *s;
	enum shared_result result;
	char why[256];
	bool done;
	unsigned fenced;
	unsigned n, strange;       /* that the last take told of */
	struct shared_record last; /* likewise */
};

struct fixture {
	void *place;
	struct writer a, b;
};

static void on_fenced(void *ctx, const char *why)
{
	struct writer *w = ctx;

	assert_true(strlen(why) > 0);
	w->fenced++;
}

static void on_line(void *ctx, bool good, const char *text)
{
	(void)ctx;
	(void)good;
	assert_true(strlen(text) > 0);
}

static void open_writer(const struct fixture *f, struct writer *w)
{
	const struct shared_host host = {.ctx = w, .fenced = on_fenced, .line = on_line};

	w->s = suite->open(f->place, &host);
}

static void close_writer(const struct fixture *f, struct writer *w)
{
	if (w->s != NULL)
		suite->close(f->place, w->s);
	w->s = NULL;
}

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	assert_non_null(f);
	f->place = suite->make();
	open_writer(f, &f->a);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	close_writer(f, &f->a);
	close_writer(f, &f->b);
	suite->unmake(f->place);
	free(f);
	return 0;
}

/* ---- Records ------------------------------------------------------------------------------- */

static struct in6_addr address(uint32_t i)
{
	struct in6_addr a = {.s6_addr = {0x20, 0x01}};

	memcpy(a.s6_addr + 12, &i, sizeof(i));
	return a;
}

/* Record number @i: the kinds by turns, and different octets in every field. */
static struct shared_record record(uint32_t i)
{
	struct shared_record r = {.kind = (enum shared_kind)(1 + i % 4), .home = address(i)};

	if (r.kind == SHARED_KEYS || r.kind == SHARED_EDGE)
		r.id = 0x80000000u + i;
	if (r.kind == SHARED_BINDING) {
		r.u.binding.home = r.home;
		r.u.binding.care_of = address(i + 7);
		r.u.binding.sequence = (uint16_t)(i + 5);
		r.u.binding.registered = true;
		r.u.binding.lifetime_s = i;
	} else if (r.kind == SHARED_KEYS) {
		r.u.keys = (struct shared_keys){
			.home_agent = address(i + 1),
			.alg = 2,
			.key_len = SHARED_KEY_MAX,
			.in_use = i % 8 == 1,
			.generation = UINT64_C(0x1000000000) + i,
			.lifetime_s = 28800,
			.left_s = 20000 + i,
			.octets = UINT64_C(1) << 40,
			.expires_boot_ms = i,
			.expires_real_ms = UINT64_MAX - i,
		};
		memset(r.u.keys.token, (int)(i & 0xff), sizeof(r.u.keys.token));
		memset(r.u.keys.boot, (int)(i & 0x7f), sizeof(r.u.keys.boot));
		for (unsigned k = 0; k < SHARED_SAS; k++) {
			r.u.keys.sa[k].spi = 256 + i + k;
			r.u.keys.sa[k].claimed = (UINT64_C(1) << 33) + k;
			memset(r.u.keys.sa[k].key, (int)((i + k) & 0xff), SHARED_KEY_MAX);
			memset(r.u.keys.sa[k].salt, (int)(k + 1), SHARED_SALT_LEN);
		}
	} else if (r.kind == SHARED_EDGE) {
		r.u.edge = (UINT64_C(1) << 40) + i;
	} else {
		memset(r.u.token.token, (int)(i & 0xff), sizeof(r.u.token.token));
		r.u.token.end.addr = address(i + 3);
		r.u.token.end.port = (uint16_t)(4500 + i);
	}
	return r;
}

static uint32_t number_of(const struct shared_record *r)
{
	uint32_t i;

	memcpy(&i, r->home.s6_addr + 12, sizeof(i));
	return i;
}

/* Field by field, as structures have holes. */
static bool same_keys(const struct shared_keys *a, const struct shared_keys *b)
{
	bool same = memcmp(&a->home_agent, &b->home_agent, sizeof(a->home_agent)) == 0 &&
		    a->alg == b->alg && a->key_len == b->key_len && a->in_use == b->in_use &&
		    a->generation == b->generation && a->lifetime_s == b->lifetime_s &&
		    a->left_s == b->left_s && a->octets == b->octets &&
		    memcmp(a->token, b->token, sizeof(a->token)) == 0 &&
		    memcmp(a->boot, b->boot, sizeof(a->boot)) == 0 &&
		    a->expires_boot_ms == b->expires_boot_ms &&
		    a->expires_real_ms == b->expires_real_ms;

	for (unsigned i = 0; i < SHARED_SAS; i++)
		same = same && a->sa[i].spi == b->sa[i].spi &&
		       a->sa[i].claimed == b->sa[i].claimed &&
		       memcmp(a->sa[i].key, b->sa[i].key, SHARED_KEY_MAX) == 0 &&
		       memcmp(a->sa[i].salt, b->sa[i].salt, SHARED_SALT_LEN) == 0;
	return same;
}

static bool same(const struct shared_record *a, const struct shared_record *b)
{
	if (a->kind != b->kind || a->id != b->id ||
	    memcmp(&a->home, &b->home, sizeof(a->home)) != 0)
		return false;
	switch (a->kind) {
	case SHARED_BINDING:
		return memcmp(&a->u.binding.care_of, &b->u.binding.care_of, 16) == 0 &&
		       a->u.binding.sequence == b->u.binding.sequence &&
		       a->u.binding.registered == b->u.binding.registered &&
		       a->u.binding.lifetime_s == b->u.binding.lifetime_s;
	case SHARED_KEYS:
		return same_keys(&a->u.keys, &b->u.keys);
	case SHARED_EDGE:
		return a->u.edge == b->u.edge;
	case SHARED_TOKEN:
		return memcmp(a->u.token.token, b->u.token.token, STORE_TOKEN_LEN) == 0 &&
		       memcmp(&a->u.token.end.addr, &b->u.token.end.addr, 16) == 0 &&
		       a->u.token.end.port == b->u.token.end.port;
	}
	return false;
}

/* ---- What is asked of a store -------------------------------------------------------------- */

static void on_done(void *ctx, enum shared_result result, const char *why)
{
	struct writer *w = ctx;

	assert_false(w->done); /* once */
	w->done = true;
	w->result = result;
	(void)snprintf(w->why, sizeof(w->why), "%s", why);
	assert_true((result == SHARED_STORED) == (why[0] == '\0'));
}

static void on_record(void *ctx, const struct shared_record *r)
{
	struct writer *w = ctx;
	const struct shared_record expected = record(number_of(r));

	w->n++;
	w->strange += !same(r, &expected);
	w->last = *r;
}

static enum shared_result take(const struct fixture *f, struct writer *w)
{
	w->n = w->strange = 0;
	w->done = false;
	shared_take(w->s, on_record, on_done, w);
	suite->wait(f->place, &w->done);
	return w->result;
}

static enum shared_result commit(const struct fixture *f, struct writer *w)
{
	w->done = false;
	shared_commit(w->s, SHARED_NOW, on_done, w);
	suite->wait(f->place, &w->done);
	return w->result;
}

static void mark(const struct writer *w, uint32_t from, uint32_t to)
{
	for (uint32_t i = from; i < to; i++) {
		const struct shared_record r = record(i);

		shared_put(w->s, &r);
	}
}

static void mark_gone(const struct writer *w, uint32_t from, uint32_t to)
{
	for (uint32_t i = from; i < to; i++) {
		const struct shared_record r = record(i);

		shared_delete(w->s, r.kind, &r.home, r.id);
	}
}

/* Ends as a process does that is killed: nothing more is written. */
static void begin_anew(struct fixture *f)
{
	close_writer(f, &f->a);
	open_writer(f, &f->a);
	if (take(f, &f->a) != SHARED_STORED)
		fail_msg("%s", f->a.why);
}

/* ---- Tests --------------------------------------------------------------------------------- */

static void all_kinds_come_back(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(take(f, &f->a), SHARED_STORED);
	assert_int_equal(f->a.n, 0);
	mark(&f->a, 0, MANY);
	assert_int_equal(commit(f, &f->a), SHARED_STORED);
	begin_anew(f);
	assert_int_equal(f->a.n, MANY);
	assert_int_equal(f->a.strange, 0);
}

static void one_in_place_of_another(void **state)
{
	struct fixture *f = *state;
	struct shared_record r = record(4);

	assert_int_equal(take(f, &f->a), SHARED_STORED);
	mark(&f->a, 0, 100);
	assert_int_equal(commit(f, &f->a), SHARED_STORED);
	mark_gone(&f->a, 0, 4);
	mark_gone(&f->a, 5, 100);
	mark_gone(&f->a, 300, 310); /* which are not there */
	r.u.binding.sequence = 4711;
	shared_put(f->a.s, &r);
	assert_int_equal(commit(f, &f->a), SHARED_STORED);
	begin_anew(f);
	assert_int_equal(f->a.n, 1);
	assert_int_equal(f->a.last.u.binding.sequence, 4711);
	/* Within one batch the last word counts. */
	mark(&f->a, 5, 6);
	mark_gone(&f->a, 5, 6);
	mark_gone(&f->a, 4, 5);
	mark(&f->a, 4, 5);
	assert_int_equal(commit(f, &f->a), SHARED_STORED);
	begin_anew(f);
	assert_int_equal(f->a.n, 1);
	assert_int_equal(f->a.strange, 0);
	assert_int_equal(f->a.last.u.binding.sequence, 9);
}

/* One home address may have a record of each kind, and several sets of keys. */
static void kinds_and_ids_are_apart(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(take(f, &f->a), SHARED_STORED);
	for (uint32_t i = 0; i < 8; i++) {
		struct shared_record r = record(i % 4);

		r.home = address(1);
		r.u.binding.home = r.kind == SHARED_BINDING ? r.home : r.u.binding.home;
		r.id = r.kind == SHARED_KEYS || r.kind == SHARED_EDGE ? 1 + i / 4 : 0;
		shared_put(f->a.s, &r);
	}
	assert_int_equal(commit(f, &f->a), SHARED_STORED);
	begin_anew(f);
	assert_int_equal(f->a.n, 6);
}

static void not_committed_leaves_no_trace(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(take(f, &f->a), SHARED_STORED);
	mark(&f->a, 0, 3);
	assert_int_equal(commit(f, &f->a), SHARED_STORED);
	mark(&f->a, 3, 9);
	mark_gone(&f->a, 0, 1);
	begin_anew(f);
	assert_int_equal(f->a.n, 3);
	/* Nor does it without a term. */
	mark(&f->a, 3, 9);
	shared_release(f->a.s);
	mark(&f->a, 9, 12);
	assert_int_equal(shared_term(f->a.s), 0);
	assert_int_equal(commit(f, &f->a), SHARED_FENCED);
	begin_anew(f);
	assert_int_equal(f->a.n, 3);
}

static void terms_only_grow(void **state)
{
	struct fixture *f = *state;
	uint64_t last = 0;

	assert_int_equal(shared_term(f->a.s), 0);
	for (unsigned i = 0; i < 4; i++) {
		begin_anew(f);
		assert_true(shared_term(f->a.s) > last);
		last = shared_term(f->a.s);
		assert_int_equal(take(f, &f->a), SHARED_STORED);
		assert_true(shared_term(f->a.s) > last);
		last = shared_term(f->a.s);
		/* A question and no more. */
		assert_int_equal(commit(f, &f->a), SHARED_STORED);
		assert_int_equal(shared_term(f->a.s), last);
	}
}

static void it_tells_of_itself(void **state)
{
	struct fixture *f = *state;
	struct shared_status status;

	assert_int_equal(take(f, &f->a), SHARED_STORED);
	mark(&f->a, 0, 5);
	assert_int_equal(commit(f, &f->a), SHARED_STORED);
	shared_status(f->a.s, &status);
	assert_string_equal(status.name, suite->name);
	assert_true(strlen(status.where) > 0);
	assert_true(status.answers);
	assert_int_equal(status.waiting, 0);
	assert_int_equal(status.term, shared_term(f->a.s));
	assert_string_equal(status.why, "");
}

/* Two that both think it is their turn: the one with the lower term writes nothing any more, and
 * the other one has all that was acknowledged before. */
static void the_lower_term_is_fenced(void **state)
{
	struct fixture *f = *state;

	if (!suite->several)
		skip();
	assert_int_equal(take(f, &f->a), SHARED_STORED);
	mark(&f->a, 0, 10);
	assert_int_equal(commit(f, &f->a), SHARED_STORED);
	open_writer(f, &f->b);
	assert_int_equal(take(f, &f->b), SHARED_STORED);
	assert_true(shared_term(f->b.s) > shared_term(f->a.s));
	assert_int_equal(f->b.n, 10);
	mark(&f->a, 10, 20);
	mark_gone(&f->a, 0, 10);
	assert_int_equal(commit(f, &f->a), SHARED_FENCED);
	assert_int_equal(f->a.fenced, 1);
	assert_int_equal(shared_term(f->a.s), 0);
	assert_int_equal(commit(f, &f->a), SHARED_FENCED);
	assert_int_equal(f->a.fenced, 1);
	mark(&f->b, 20, 21);
	assert_int_equal(commit(f, &f->b), SHARED_STORED);
	assert_int_equal(f->b.fenced, 0);
	close_writer(f, &f->b);
	/* It may come back. */
	assert_int_equal(take(f, &f->a), SHARED_STORED);
	assert_int_equal(f->a.n, 11);
	assert_int_equal(f->a.strange, 0);
	mark(&f->a, 30, 31);
	assert_int_equal(commit(f, &f->a), SHARED_STORED);
}

int suite_run(const struct suite_kind *kind)
{
	const struct CMUnitTest tests[] = {
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
		T(all_kinds_come_back),      T(one_in_place_of_another),
		T(kinds_and_ids_are_apart),  T(not_committed_leaves_no_trace),
		T(terms_only_grow),          T(it_tells_of_itself),
		T(the_lower_term_is_fenced),
	};

	suite = kind;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
