/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Streams: octets both ways between two ends that have proved who they are, and nothing else.
 */
#include "keys_stream.h"
#include "keys_test.h"

static void begin(struct pair *p)
{
	pair_init(p);
	p->ask.stream = p->streams = true;
}

static void assert_streaming(const struct pair *p)
{
	assert_int_equal(keys_state_of(p->client.s), KEYS_STREAMING);
	assert_int_equal(keys_state_of(p->server.s), KEYS_STREAMING);
	assert_true(bub_time_is_never(keys_deadline(p->client.s)));
	assert_true(bub_time_is_never(keys_deadline(p->server.s)));
}

static void assert_arrives(struct pair *p, struct end *from, struct end *to, const char *text)
{
	uint8_t got[64];

	assert_true(keys_stream_write(from->s, (const uint8_t *)text, strlen(text)));
	pair_move(p);
	assert_int_equal(keys_stream_read(to->s, got, sizeof(got)), strlen(text));
	assert_memory_equal(got, text, strlen(text));
	assert_int_equal(keys_stream_read(to->s, got, sizeof(got)), 0);
}

static void test_both_ways(void **state)
{
	struct pair p;

	(void)state;
	for (size_t chunk = 0; chunk < 2; chunk++) {
		begin(&p);
		p.chunk = chunk;
		pair_run(&p);
		assert_streaming(&p);
		assert_arrives(&p, &p.client, &p.server, "a question");
		assert_arrives(&p, &p.server, &p.client, "an answer");
		assert_arrives(&p, &p.client, &p.server, "and more");
		assert_int_equal(p.agent.asked, 0);
		assert_null(keys_agreed_of(p.server.s));
		/* An hour of silence ends nothing. */
		p.now = bub_time_add_s(p.now, 3600);
		assert_arrives(&p, &p.server, &p.client, "still here");
		pair_done(&p);
	}
}

static void test_by_certificates(void **state)
{
	static struct cert mn, ha;
	struct pair p;

	(void)state;
	cert_make(&mn, &(struct cert_wish){.name = "mobile"});
	cert_make(&ha, &(struct cert_wish){.name = "agent"});
	begin(&p);
	pair_use_certificates(&p, &mn, &ha);
	p.mn.has_fingerprint = true;
	memcpy(p.mn.fingerprint, ha.fingerprint, sizeof(p.mn.fingerprint));
	p.agent.pinned = mn.fingerprint;
	pair_run(&p);
	assert_streaming(&p);
	assert_arrives(&p, &p.client, &p.server, "a question");
	pair_done(&p);
	/* Of the same two, one whose key nobody has written down. */
	begin(&p);
	pair_use_certificates(&p, &mn, &ha);
	p.mn.has_fingerprint = true;
	memcpy(p.mn.fingerprint, ha.fingerprint, sizeof(p.mn.fingerprint));
	p.agent.pinned = NULL;
	pair_run(&p);
	assert_int_equal(keys_state_of(p.server.s), KEYS_FAILED);
	assert_false(keys_stream_write(p.server.s, (const uint8_t *)"x", 1));
	pair_done(&p);
	cert_free(&mn);
	cert_free(&ha);
}

/* Agreements go on where streams are taken; streams end where they are not. */
static void test_names(void **state)
{
	struct pair p;

	(void)state;
	begin(&p);
	p.ask.stream = false;
	pair_run(&p);
	assert_agreed(&p);
	pair_done(&p);
	begin(&p);
	p.streams = false;
	pair_run(&p);
	assert_words(p.server.s, KEYS_OTHER_PROTOCOL, "");
	assert_int_equal(keys_state_of(p.client.s), KEYS_FAILED);
	pair_done(&p);
}

static void test_another_secret(void **state)
{
	struct pair p;
	uint8_t got[8];

	(void)state;
	begin(&p);
	p.agent.secret = "another secret of the home agent";
	pair_run(&p);
	assert_int_equal(keys_state_of(p.client.s), KEYS_FAILED);
	assert_int_equal(keys_state_of(p.server.s), KEYS_FAILED);
	assert_int_equal(keys_stream_read(p.server.s, got, sizeof(got)), 0);
	assert_false(keys_stream_write(p.client.s, (const uint8_t *)"x", 1));
	pair_done(&p);
}

static void test_the_end(void **state)
{
	struct pair p;
	uint8_t got[8];

	(void)state;
	begin(&p);
	pair_run(&p);
	keys_feed_end(p.server.s);
	assert_int_equal(keys_stream_read(p.server.s, got, sizeof(got)), 0);
	assert_words(p.server.s, KEYS_CLOSED, "");
	pair_done(&p);
}

/* What nobody reads is not kept without end. */
static void test_too_much(void **state)
{
	static const uint8_t octets[KEYS_INPUT_MAX];
	struct pair p;

	(void)state;
	begin(&p);
	pair_run(&p);
	keys_feed(p.server.s, octets, sizeof(octets));
	assert_int_equal(keys_state_of(p.server.s), KEYS_STREAMING);
	keys_feed(p.server.s, octets, 1);
	assert_words(p.server.s, KEYS_TOO_MUCH, "");
	pair_done(&p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_both_ways), cmocka_unit_test(test_by_certificates),
		cmocka_unit_test(test_names),     cmocka_unit_test(test_another_secret),
		cmocka_unit_test(test_the_end),   cmocka_unit_test(test_too_much),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
