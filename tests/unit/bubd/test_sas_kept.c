/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Agreed keys that another process goes on with: no number is sent twice, nothing that was received
 * is taken again, and no packet of the mobile node is lost for longer than a question takes.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <arpa/inet.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "sas.h"

#define LIFETIME_S 1000u
#define RECORDS 32

/* What is in the store. */
struct kept_store {
	struct shared_record r[RECORDS];
	size_t n;
};

struct end {
	struct bubd_config cfg;
	struct bubd_pair pair;
	struct sas *sas;
	struct kept_store *store; /* NULL: a mobile node */
	unsigned commits;
	enum shared_result result; /* of commits */
	bool waits;                /* a commit: until answered() */
	shared_done *done;
	void *done_ctx;
};

static uint64_t claim_size; /* 0: what is usual */

static struct bub_time now = {1000 * BUB_NS_PER_S};

static struct in6_addr addr(const char *text)
{
	struct in6_addr a;

	assert_int_equal(inet_pton(AF_INET6, text, &a), 1);
	return a;
}

static struct shared_record *kept_at(struct kept_store *s, enum shared_kind kind, uint32_t id)
{
	for (size_t i = 0; i < s->n; i++)
		if (s->r[i].kind == kind && s->r[i].id == id)
			return &s->r[i];
	return NULL;
}

static void on_put(void *ctx, const struct shared_record *r)
{
	struct end *e = ctx;
	struct shared_record *at = kept_at(e->store, r->kind, r->id);

	if (at == NULL) {
		assert_true(e->store->n < RECORDS);
		at = &e->store->r[e->store->n++];
	}
	*at = *r;
}

static void on_remove(void *ctx, enum shared_kind kind, const struct in6_addr *home, uint32_t id)
{
	struct end *e = ctx;
	struct shared_record *at = kept_at(e->store, kind, id);

	(void)home;
	if (at != NULL)
		*at = e->store->r[--e->store->n];
}

static void on_commit(void *ctx, shared_done *done, void *done_ctx)
{
	struct end *e = ctx;

	e->commits++;
	if (!e->waits) {
		done(done_ctx, e->result, "");
		return;
	}
	assert_null(e->done);
	e->done = done;
	e->done_ctx = done_ctx;
}

/* The store answers the commit that waits. */
static void answered(struct end *e, enum shared_result result)
{
	shared_done *done = e->done;

	assert_non_null(done);
	e->done = NULL;
	done(e->done_ctx, result, "");
}

static void on_stamp(void *ctx, struct shared_keys *k, uint32_t left_s)
{
	(void)ctx;
	k->left_s = left_s;
}

static void make(struct end *e, struct kept_store *store)
{
	const struct sas_agreed_host host = {.ctx = e};
	const struct sas_keeper keeper = {.ctx = e,
					  .put = on_put,
					  .remove = on_remove,
					  .commit = on_commit,
					  .stamp = on_stamp,
					  .claim = claim_size};
	char error[256] = "";

	memset(e, 0, sizeof(*e));
	e->store = store;
	e->pair.home = addr("2001:db8:1::10");
	e->pair.home_agent = addr("2001:db8:1::1");
	e->pair.at_home_agent = store != NULL;
	e->pair.keys = BUBD_KEYS_PSK;
	e->pair.secret_len = 32;
	e->cfg.pairs = &e->pair;
	e->cfg.n_pairs = 1;
	e->cfg.engine.ha.enabled = store != NULL;
	e->cfg.engine.limit.clients = 4;
	e->sas = sas_new(&e->cfg, NULL, now, error, sizeof(error));
	if (e->sas == NULL)
		fail_msg("%s", error);
	sas_agreed_listen(e->sas, &host);
	if (store != NULL)
		sas_kept_by(e->sas, &keeper);
}

static void finish(struct end *e)
{
	char error[256] = "";

	assert_int_equal(sas_free(e->sas, error, sizeof(error)), 0);
}

static void agree(struct end *e, unsigned generation)
{
	struct sas_agreed a = {
		.home = addr("2001:db8:1::10"),
		.home_agent = addr("2001:db8:1::1"),
		.at_home_agent = e->store != NULL,
		.lifetime_s = LIFETIME_S,
		.token = {(uint8_t)generation},
	};
	char error[256] = "";

	for (unsigned i = 0; i < ESP_SET_COUNT; i++) {
		a.set[i] = (struct esp_sa_params){.spi = 0x1000 + 4 * generation + i,
						  .alg = ESP_AES_128_GCM,
						  .enc_key = {(uint8_t)generation, (uint8_t)i},
						  .auth_key = {7, (uint8_t)i}};
		esp_set_place(&a.set[i], i, &a.home, a.at_home_agent);
	}
	if (sas_agreed_add(e->sas, &a, now, error, sizeof(error)) != 0)
		fail_msg("%s", error);
}

/* All that is in the store comes back, in a process that has nothing yet. */
static unsigned take_over(struct end *e, struct kept_store *store, uint32_t left_s)
{
	struct kept_store found = *store;
	unsigned good = 0;

	make(e, store);
	for (uint64_t generation = 0; generation < 100; generation++)
		for (size_t i = 0; i < found.n; i++) {
			uint64_t edge[ESP_SET_COUNT] = {0};
			const struct shared_record *r = &found.r[i];

			if (r->kind != SHARED_KEYS || r->u.keys.generation != generation)
				continue;
			for (unsigned k = 0; k < ESP_SET_COUNT; k++) {
				const struct shared_record *at =
					kept_at(&found, SHARED_EDGE, r->u.keys.sa[k].spi);

				edge[k] = at != NULL ? at->u.edge : 0;
			}
			good += sas_kept_restore(e->sas, r, left_s, edge, now) == 0;
		}
	return good;
}

struct wire {
	uint8_t octets[256];
	size_t len;
	enum esp_mode mode;
};

static enum esp_result seal(struct end *e, enum esp_mode mode, struct wire *ret)
{
	static const uint8_t tunnelled[48] = {0x60, 0, 0, 0, 0, 8, 59, 64};
	static const uint8_t message[48] = {0x60, 0, 0, 0, 0, 8, 135, 64, [40] = 59, 0, 5};
	static const uint8_t iv[16];
	const struct in6_addr src = addr("2001:db8:a::1"), dst = addr("2001:db8:b::1");
	const unsigned class = mode == ESP_TUNNEL ? ESP_CLASS_PAYLOAD : ESP_CLASS_BINDING;
	struct esp_sa *sa = esp_sad_find_out(sas_database(e->sas), &e->pair.home, mode, class);

	assert_non_null(sa);
	ret->mode = mode;
	return mode == ESP_TUNNEL ? esp_seal_tunnel(sa, &src, &dst, tunnelled, sizeof(tunnelled),
						    iv, ret->octets, sizeof(ret->octets), &ret->len)
				  : esp_seal_transport(sa, message, sizeof(message), 6, 40, iv,
						       ret->octets, sizeof(ret->octets), &ret->len);
}

static struct wire sent(struct end *e, enum esp_mode mode)
{
	struct wire w;

	assert_int_equal(seal(e, mode, &w), ESP_OK);
	return w;
}

static struct esp_opened last; /* that take() has opened */

static enum esp_result take(struct end *e, const struct wire *w)
{
	uint8_t out[256];

	return esp_open(sas_database(e->sas), w->octets, w->len, 6, 40, out, sizeof(out), &last);
}

static void begin(struct end *mn, struct end *ha, struct kept_store *store)
{
	*store = (struct kept_store){.n = 0};
	make(mn, NULL);
	make(ha, store);
	agree(ha, 0);
	agree(mn, 0);
	assert_int_equal(store->n, 1);
}

/* The other one sends behind everything that may have been sent, and nothing before that is stored;
 * and so does the one after it. */
static void numbers_never_repeat(void **state)
{
	struct kept_store store;
	struct end mn, ha[4];
	struct wire w;

	(void)state;
	begin(&mn, &ha[0], &store);
	for (unsigned i = 0; i < 3; i++) {
		w = sent(&ha[i], ESP_TUNNEL);
		assert_int_equal(take(&mn, &w), ESP_OK);
		w = sent(&ha[i], ESP_TRANSPORT);
		assert_int_equal(take(&mn, &w), ESP_OK);
		assert_int_equal(take_over(&ha[i + 1], &store, 500), 1);
		assert_int_equal(seal(&ha[i + 1], ESP_TUNNEL, &w), ESP_EXHAUSTED);
		assert_int_equal(seal(&ha[i + 1], ESP_TRANSPORT, &w), ESP_EXHAUSTED);
		sas_kept_confirm(ha[i + 1].sas);
	}
	w = sent(&ha[3], ESP_TUNNEL);
	assert_int_equal(take(&mn, &w), ESP_OK);
	/* One that was replaced and does not know is behind. */
	w = sent(&ha[1], ESP_TUNNEL);
	assert_int_not_equal(take(&mn, &w), ESP_OK);
	finish(&mn);
	for (unsigned i = 0; i < 4; i++)
		finish(&ha[i]);
}

/* What the former has received is never taken again, nor anything else before the mobile node has
 * answered. */
static void the_tunnel_is_in_doubt(void **state)
{
	static const uint8_t one[SAS_NONCE_LEN] = {1}, two[SAS_NONCE_LEN] = {2};
	uint8_t nonce[SAS_NONCE_LEN];
	struct kept_store store;
	struct end mn, ha, other;
	struct wire received, lost, answer, after;
	struct in6_addr home;
	size_t at = 0;

	(void)state;
	begin(&mn, &ha, &store);
	lost = sent(&mn, ESP_TUNNEL);
	received = sent(&mn, ESP_TUNNEL);
	assert_int_equal(take(&ha, &received), ESP_OK);
	assert_int_equal(take_over(&other, &store, 500), 1);
	sas_kept_confirm(other.sas);
	assert_true(sas_kept_doubt(other.sas, &at, &home));
	assert_memory_equal(&home, &mn.pair.home, sizeof(home));
	assert_false(sas_kept_doubt(other.sas, &at, &home));
	assert_int_equal(take(&other, &received), ESP_DOUBT);
	assert_memory_equal(&last.owner, &mn.pair.home, sizeof(home));
	assert_true(sas_kept_ask(other.sas, &home, one, nonce));
	assert_memory_equal(nonce, one, sizeof(nonce));
	assert_true(sas_kept_ask(other.sas, &home, two, nonce));
	assert_memory_equal(nonce, one, sizeof(nonce));
	answer = sent(&mn, ESP_TUNNEL); /* which a dummy packet has, elsewhere */
	after = sent(&mn, ESP_TUNNEL);
	assert_int_equal(take(&other, &answer), ESP_DOUBT);
	assert_false(sas_kept_answered(other.sas, last.sa, &home, two));
	assert_true(sas_kept_answered(other.sas, last.sa, &home, one));
	assert_int_equal(take(&other, &received), ESP_REPLAY);
	assert_int_equal(take(&other, &lost), ESP_REPLAY);
	assert_int_equal(take(&other, &answer), ESP_REPLAY);
	assert_int_equal(take(&other, &after), ESP_OK);
	at = 0;
	assert_false(sas_kept_doubt(other.sas, &at, &home));
	assert_false(sas_kept_ask(other.sas, &home, two, nonce));
	finish(&mn);
	finish(&ha);
	finish(&other);
}

/* A Binding Update's number is stored with the registration. */
static void signalling_goes_on_at_once(void **state)
{
	struct kept_store store;
	struct end mn, ha, other;
	struct wire first, second, next;

	(void)state;
	begin(&mn, &ha, &store);
	first = sent(&mn, ESP_TRANSPORT);
	second = sent(&mn, ESP_TRANSPORT);
	assert_int_equal(take(&ha, &second), ESP_OK);
	sas_kept_edges(ha.sas, &mn.pair.home);
	assert_int_equal(store.n, 2);
	assert_int_equal(take_over(&other, &store, 500), 1);
	assert_int_equal(take(&other, &second), ESP_REPLAY);
	assert_int_equal(take(&other, &first), ESP_REPLAY);
	next = sent(&mn, ESP_TRANSPORT);
	assert_int_equal(take(&other, &next), ESP_OK);
	finish(&mn);
	finish(&ha);
	finish(&other);
}

/* In the middle of a renewal: old, present and future ones come back as what they were. */
static void renewals_come_back(void **state)
{
	struct kept_store store;
	struct end mn, ha, other;
	struct wire w;

	(void)state;
	begin(&mn, &ha, &store);
	w = sent(&mn, ESP_TRANSPORT);
	assert_int_equal(take(&ha, &w), ESP_OK);
	sas_agreed_expire(ha.sas, now);
	agree(&ha, 1); /* the answer is on its way */
	assert_int_equal(store.n, 2);
	assert_int_equal(take_over(&other, &store, 500), 2);
	sas_kept_confirm(other.sas);
	w = sent(&mn, ESP_TRANSPORT);
	assert_int_equal(take(&other, &w), ESP_OK);
	w = sent(&other, ESP_TRANSPORT); /* under the old ones still */
	assert_int_equal(take(&mn, &w), ESP_OK);
	agree(&mn, 1);
	w = sent(&mn, ESP_TRANSPORT);
	assert_int_equal(take(&other, &w), ESP_OK);
	sas_agreed_expire(other.sas, now);
	w = sent(&other, ESP_TRANSPORT);
	assert_int_equal(take(&mn, &w), ESP_OK);
	/* What ends leaves the store. */
	now = bub_time_add_s(now, SAS_OLD_S + 1);
	sas_agreed_expire(other.sas, now);
	assert_int_equal(store.n, 1);
	sas_agreed_forget(other.sas, &mn.pair.home);
	assert_int_equal(store.n, 0);
	finish(&mn);
	finish(&ha);
	finish(&other);
}

static void what_is_over_stays_over(void **state)
{
	struct kept_store store;
	struct end mn, ha, other;

	(void)state;
	begin(&mn, &ha, &store);
	assert_int_equal(take_over(&other, &store, 0), 0);
	finish(&other);
	store.r[0].u.keys.alg = ESP_NULL_HMAC_SHA1_96;
	assert_int_equal(take_over(&other, &store, 500), 0);
	finish(&other);
	store.r[0].u.keys.alg = 200;
	assert_int_equal(take_over(&other, &store, 500), 0);
	finish(&other);
	finish(&mn);
	finish(&ha);
}

/* ---- Claims -------------------------------------------------------------------------------- */

#define SMALL 16u /* numbers of a claim */

static int small_claims(void **state)
{
	(void)state;
	claim_size = SMALL;
	return 0;
}

static int usual_claims(void **state)
{
	(void)state;
	claim_size = 0;
	return 0;
}

static void look(struct end *e)
{
	static const struct sas_listener listener = {.ctx = NULL};

	(void)sas_check(e->sas, now, &listener);
}

/* Sends one packet and looks, as the daemon does.  Returns whether there was a number for it, which
 * is one that the store has a claim of. */
static bool sends(struct end *ha, struct end *mn, const struct kept_store *store)
{
	struct wire w;
	const enum esp_result result = seal(ha, ESP_TUNNEL, &w);
	struct esp_sa_status status;

	if (result == ESP_OK) {
		assert_int_equal(take(mn, &w), ESP_OK);
		esp_sa_get_status(esp_sad_find_out(sas_database(ha->sas), &ha->pair.home,
						   ESP_TUNNEL, ESP_CLASS_PAYLOAD),
				  &status);
		assert_true(status.sequence <= store->r[0].u.keys.sa[ESP_SET_TUNNEL_DOWN].claimed);
	} else {
		assert_int_equal(result, ESP_EXHAUSTED);
	}
	look(ha);
	return result == ESP_OK;
}

/* Many claims one after the other: nothing is held up, and each is for more than was sent. */
static void claims_are_extended(void **state)
{
	struct kept_store store;
	struct end mn, ha, other;
	struct wire w;

	(void)state;
	begin(&mn, &ha, &store);
	for (unsigned i = 0; i < 20 * SMALL; i++)
		assert_true(sends(&ha, &mn, &store));
	/* Each claim is half used when the next one is stored. */
	assert_in_range(ha.commits, 20, 20 * 2 + 1);
	/* Who takes over, and the former one who does not know, never have the same number. */
	assert_int_equal(take_over(&other, &store, 500), 1);
	sas_kept_confirm(other.sas);
	w = sent(&other, ESP_TUNNEL);
	assert_int_equal(take(&mn, &w), ESP_OK);
	while (seal(&ha, ESP_TUNNEL, &w) == ESP_OK)
		assert_int_equal(take(&mn, &w), ESP_OK);
	for (unsigned i = 0; i < 20 * SMALL; i++)
		assert_true(sends(&other, &mn, &store));
	finish(&mn);
	finish(&ha);
	finish(&other);
}

/* The store is slow: what it had before is used up, and not one number more. */
static void claims_are_not_overtaken(void **state)
{
	struct kept_store store;
	struct end mn, ha;
	unsigned n = 0;

	(void)state;
	begin(&mn, &ha, &store);
	ha.waits = true;
	while (n < 10 * SMALL && sends(&ha, &mn, &store))
		n++;
	assert_int_equal(n, SMALL);
	assert_int_equal(ha.commits, 1); /* and it is asked once */
	answered(&ha, SHARED_STORED);
	for (n = 0; n < SMALL / 2; n++)
		assert_true(sends(&ha, &mn, &store));
	answered(&ha, SHARED_FENCED);
	for (n = 0; n < 10 * SMALL && sends(&ha, &mn, &store);)
		n++;
	assert_true(n < SMALL);
	assert_null(ha.done);
	finish(&mn);
	finish(&ha);
}

/* The store cannot take a claim, as its disk is full: it is tried again, and goes on after that. */
static void claims_are_tried_again(void **state)
{
	struct kept_store store;
	struct end mn, ha;
	unsigned n = 0;

	(void)state;
	begin(&mn, &ha, &store);
	ha.result = SHARED_FAILED;
	while (n < 10 * SMALL && sends(&ha, &mn, &store))
		n++;
	assert_int_equal(n, SMALL);
	assert_true(ha.commits > 1);
	ha.result = SHARED_STORED;
	(void)sends(&ha, &mn, &store);
	for (n = 0; n < 10 * SMALL; n++) {
		const struct wire up = sent(&mn, ESP_TUNNEL);

		assert_int_equal(take(&ha, &up), ESP_OK);
		look(&ha);
		assert_true(sends(&ha, &mn, &store));
	}
	finish(&mn);
	finish(&ha);
}

/* The keys end while a claim is on its way. */
static void claims_outlive_nothing(void **state)
{
	struct kept_store store;
	struct end mn, ha;

	(void)state;
	begin(&mn, &ha, &store);
	ha.waits = true;
	while (sends(&ha, &mn, &store))
		;
	sas_agreed_forget(ha.sas, &mn.pair.home);
	answered(&ha, SHARED_STORED);
	finish(&mn);
	finish(&ha);
}

#define with_small_claims(test) cmocka_unit_test_setup_teardown(test, small_claims, usual_claims)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(numbers_never_repeat),
		cmocka_unit_test(the_tunnel_is_in_doubt),
		cmocka_unit_test(signalling_goes_on_at_once),
		cmocka_unit_test(renewals_come_back),
		cmocka_unit_test(what_is_over_stays_over),
		with_small_claims(claims_are_extended),
		with_small_claims(claims_are_not_overtaken),
		with_small_claims(claims_are_tried_again),
		with_small_claims(claims_outlive_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
