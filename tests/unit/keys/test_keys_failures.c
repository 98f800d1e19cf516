/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Agreements that fail for other reasons than a certificate: pre-shared keys, what the ends have in
 * common, ends that are slow, silent or somebody else.
 */
#include "keys_test.h"

#include <stdio.h>

/* ---- Pre-shared keys ----------------------------------------------------------------------- */

static void test_wrong_psk(void **state)
{
	struct pair p;

	(void)state;
	pair_init(&p);
	p.agent.secret = "incorrect horse battery";
	pair_run(&p);
	assert_failed(&p, KEYS_WRONG_PSK, "another pre-shared key than this node, or does not know",
		      KEYS_WRONG_PSK,
		      "pre-shared key \"" HOME "\": the mobile node has another key");
	assert_int_equal(p.agent.asked, 0);
	pair_done(&p);
}

/* What a stranger hears is the same for a name that is known and for one that is not. */
static void test_unknown_name(void **state)
{
	struct pair wrong, p;

	(void)state;
	pair_init(&wrong);
	wrong.agent.secret = "incorrect horse battery";
	pair_run(&wrong);
	pair_init(&p);
	p.agent.psk_name = "2001:db8:1::9";
	pair_run(&p);
	assert_failed(&p, KEYS_WRONG_PSK, "", KEYS_UNKNOWN_IDENTITY,
		      "pre-shared key \"" HOME "\" is not known here");
	assert_int_equal(p.server.out_len, wrong.server.out_len);
	assert_memory_equal(p.server.out, wrong.server.out, p.server.out_len);
	assert_string_equal(keys_failure_of(p.client.s)->said,
			    keys_failure_of(wrong.client.s)->said);
	pair_done(&wrong);
	pair_done(&p);
}

/* The name is a part of the key: who may use one name cannot use another with the same file. */
static void test_psk_of_another_name(void **state)
{
	struct pair p;

	(void)state;
	pair_init(&p);
	p.mn.psk_name = "laptop";
	p.agent.psk_name = "laptop";
	pair_run(&p);
	assert_failed(&p, KEYS_HOME_NOT_PERMITTED, "", KEYS_HOME_NOT_PERMITTED, "");
	assert_int_equal(p.agent.asked, 1);
	pair_done(&p);
}

static void test_psk_against_certificates(void **state)
{
	struct cert mn, ha;
	struct pair p;

	(void)state;
	cert_make(&mn, &(struct cert_wish){.name = "laptop"});
	cert_make(&ha, &(struct cert_wish){.name = "agent"});
	pair_init(&p);
	p.ha.trust.certificate = text_of(ha.pem);
	p.ha.trust.key = text_of(ha.key_pem);
	p.agent.secret = NULL;
	pair_run(&p);
	assert_failed(&p, KEYS_WRONG_PSK, "does not know", KEYS_UNKNOWN_IDENTITY, "not known here");
	pair_done(&p);

	pair_init(&p);
	pair_use_certificates(&p, &mn, &ha);
	p.mn.has_fingerprint = true;
	p.ha.trust = (struct keys_trust){0};
	pair_run(&p);
	assert_failed(&p, KEYS_UNKNOWN_IDENTITY, "the home agent takes pre-shared keys only",
		      KEYS_UNKNOWN_IDENTITY, "not known here");
	pair_done(&p);
	cert_free(&mn);
	cert_free(&ha);
}

/* ---- What the home agent says -------------------------------------------------------------- */

static void test_no_common_algorithm(void **state)
{
	struct pair p;

	(void)state;
	pair_init(&p);
	p.mn.suites[0] = ESP_CHACHA20_POLY1305;
	p.ha.suites[0] = ESP_AES_128_GCM;
	p.mn.suite_count = p.ha.suite_count = 1;
	pair_run(&p);
	assert_failed(&p, KEYS_NO_COMMON_ALGORITHM,
		      "none of this node's algorithms (501 no-common-algorithm)",
		      KEYS_NO_COMMON_ALGORITHM, "has no algorithm that this home agent has");
	assert_int_equal(p.agent.asked, 0);
	pair_done(&p);
}

static void test_answers(void **state)
{
	static const struct {
		enum keys_reason answer;
		const char *said, *words;
	} cases[] = {
		{KEYS_BUSY, "503 busy", "asked again later"},
		{KEYS_INTERNAL, "500 internal", "something failed in the home agent"},
	};
	struct pair p;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		pair_init(&p);
		p.agent.answer = cases[i].answer;
		pair_run(&p);
		assert_failed(&p, cases[i].answer, cases[i].words, cases[i].answer, "");
		assert_string_equal(keys_failure_of(p.client.s)->said, cases[i].said);
		pair_done(&p);
	}
}

/* The home agent cannot use what it has agreed on: the answer is no, and both ends know. */
static void test_keys_of_no_use(void **state)
{
	struct pair p;

	(void)state;
	pair_init(&p);
	p.agent.unusable = "the database is full";
	pair_run(&p);
	assert_failed(&p, KEYS_INTERNAL, "something failed in the home agent: its log has it",
		      KEYS_INTERNAL, "something failed in this home agent (the database is full)");
	assert_string_equal(keys_failure_of(p.client.s)->said, "500 internal");
	assert_int_equal(p.agent.taken, 0);
	pair_done(&p);
}

/* ---- Time and the way there ---------------------------------------------------------------- */

static void test_time(void **state)
{
	struct pair p;
	struct bub_time end;

	(void)state;
	pair_init(&p);
	pair_start(&p);
	end = bub_time_add_ms(p.now, KEYS_TIMEOUT_MS);
	assert_true(keys_deadline(p.client.s).ns == end.ns);
	assert_true(keys_deadline(p.server.s).ns == end.ns);
	p.now.ns = end.ns - 1;
	assert_int_equal(keys_step(p.client.s, p.now), KEYS_GOING);
	assert_int_equal(keys_step(p.server.s, p.now), KEYS_GOING);
	assert_int_equal(keys_step(p.client.s, end), KEYS_FAILED);
	assert_int_equal(keys_step(p.server.s, end), KEYS_FAILED);
	assert_failed(&p, KEYS_TIMED_OUT, "did not answer in time", KEYS_TIMED_OUT, "in the time");
	assert_true(bub_time_is_never(keys_deadline(p.client.s)));
	pair_done(&p);
}

/* An octet now and then does not buy more time. */
static void test_slow_peer(void **state)
{
	struct pair p;

	(void)state;
	pair_init(&p);
	pair_start(&p);
	(void)keys_step(p.client.s, p.now);
	end_take(&p.client);
	assert_true(p.client.out_len > 100);
	for (size_t i = 0; i < 100; i++) {
		keys_feed(p.server.s, p.client.out + i, 1);
		p.now = bub_time_add_ms(p.now, KEYS_TIMEOUT_MS / 100);
		(void)keys_step(p.server.s, p.now);
	}
	assert_words(p.server.s, KEYS_TIMED_OUT, "");
	assert_false(keys_proved(p.server.s));
	pair_done(&p);
}

/* The handshake is done, and then nothing comes. */
static void test_silent_after_handshake(void **state)
{
	struct pair p;

	(void)state;
	pair_init(&p);
	pair_start(&p);
	(void)keys_step(p.client.s, p.now);
	end_take(&p.client);
	keys_feed(p.server.s, p.client.out, p.client.out_len);
	(void)keys_step(p.server.s, p.now);
	end_take(&p.server);
	keys_feed(p.client.s, p.server.out, p.server.out_len);
	(void)keys_step(p.client.s, p.now);
	assert_true(keys_proved(p.client.s));
	assert_int_equal(keys_step(p.client.s, keys_deadline(p.client.s)), KEYS_FAILED);
	assert_words(p.client.s, KEYS_TIMED_OUT, "");
	pair_done(&p);
}

static void test_closed(void **state)
{
	struct pair p;

	(void)state;
	pair_init(&p);
	pair_start(&p);
	keys_feed_end(p.client.s);
	keys_feed_end(p.server.s);
	(void)keys_step(p.client.s, p.now);
	(void)keys_step(p.server.s, p.now);
	assert_failed(&p, KEYS_CLOSED, "closed the connection", KEYS_CLOSED, "was closed");
	pair_done(&p);
}

static void test_given_up(void **state)
{
	static const enum keys_reason whys[] = {KEYS_CONNECTION_REFUSED, KEYS_UNREACHABLE,
						KEYS_TIMED_OUT, KEYS_BUSY};
	struct pair p;

	(void)state;
	for (size_t i = 0; i < sizeof(whys) / sizeof(whys[0]); i++) {
		pair_init(&p);
		pair_start(&p);
		keys_give_up(p.client.s, whys[i], "no route to host");
		assert_int_equal(keys_step(p.client.s, p.now), KEYS_FAILED);
		assert_words(p.client.s, whys[i], i == 1 ? "(no route to host)" : "");
		/* The first reason stays. */
		keys_give_up(p.client.s, KEYS_INTERNAL, NULL);
		assert_words(p.client.s, whys[i], "");
		pair_done(&p);
	}
}

/* ---- Somebody else ------------------------------------------------------------------------- */

static void feed_server(const void *data, size_t len, enum keys_reason why, const char *words)
{
	struct pair p;

	pair_init(&p);
	pair_start(&p);
	keys_feed(p.server.s, data, len);
	(void)keys_step(p.server.s, p.now);
	assert_words(p.server.s, why, words);
	pair_done(&p);
}

static void test_no_tls(void **state)
{
	static const char http[] = "GET / HTTP/1.1\r\nHost: x\r\n\r\n";
	static const char ssh[] = "SSH-2.0-OpenSSH_9.2p1 Debian-2\r\n";
	struct pair p;

	(void)state;
	feed_server(http, sizeof(http) - 1, KEYS_NOT_TLS, "is not TLS");
	feed_server(ssh, sizeof(ssh) - 1, KEYS_NOT_TLS, "is not TLS");
	pair_init(&p);
	pair_start(&p);
	(void)keys_step(p.client.s, p.now);
	keys_feed(p.client.s, (const uint8_t *)ssh, sizeof(ssh) - 1);
	(void)keys_step(p.client.s, p.now);
	assert_words(p.client.s, KEYS_NOT_TLS, "compare the ports");
	pair_done(&p);
}

/* No octets bring a session down but into a failure. */
static void test_garbage(void **state)
{
	uint8_t data[600];
	uint32_t seed = 1;

	(void)state;
	for (unsigned round = 0; round < 300; round++) {
		struct pair p;

		for (size_t i = 0; i < sizeof(data); i++) {
			seed = seed * 1103515245u + 12345u;
			data[i] = (uint8_t)(seed >> 16);
		}
		/* Half of them look like a record of TLS. */
		if (round % 2 == 0)
			memcpy(data, (const uint8_t[]){0x16, 3, 1, 1, 0}, 5);
		pair_init(&p);
		pair_start(&p);
		keys_feed(p.server.s, data, sizeof(data));
		assert_int_equal(keys_step(p.server.s, p.now), KEYS_FAILED);
		(void)keys_step(p.client.s, p.now);
		keys_feed(p.client.s, data, sizeof(data));
		assert_int_equal(keys_step(p.client.s, p.now), KEYS_FAILED);
		pair_done(&p);
	}
}

static void test_changed_on_the_way(void **state)
{
	struct pair p;

	(void)state;
	for (size_t at = 0; at < 400; at += 7) {
		pair_init(&p);
		pair_start(&p);
		(void)keys_step(p.client.s, p.now);
		end_take(&p.client);
		if (at >= p.client.out_len) {
			pair_done(&p);
			break;
		}
		p.client.out[at] ^= 0x20;
		pair_move(&p);
		assert_null(keys_agreed_of(p.server.s));
		pair_done(&p);
	}
}

static void test_too_much(void **state)
{
	static const uint8_t record[KEYS_INPUT_MAX + 1] = {0x16, 3, 1, 0x40, 0};
	struct pair p;

	(void)state;
	pair_init(&p);
	pair_start(&p);
	keys_feed(p.server.s, record, KEYS_INPUT_MAX);
	assert_int_equal(keys_state_of(p.server.s), KEYS_GOING);
	keys_feed(p.server.s, record, 1);
	assert_words(p.server.s, KEYS_TOO_MUCH, "more came");
	keys_feed(p.client.s, record, sizeof(record));
	assert_words(p.client.s, KEYS_TOO_MUCH, "");
	/* What comes later is dropped, however much. */
	keys_feed(p.client.s, record, sizeof(record));
	pair_done(&p);
}

/* ---- Other ends of TLS --------------------------------------------------------------------- */

static void test_tls_1_2(void **state)
{
	struct cert c;
	struct raw r;
	struct pair p;

	(void)state;
	pair_init(&p);
	pair_start(&p);
	raw_init(&r, TLS_client_method());
	SSL_CTX_set_max_proto_version(r.ctx, TLS1_2_VERSION);
	raw_start(&r, false);
	raw_move(&r, p.server.s, p.now);
	assert_words(p.server.s, KEYS_NO_COMMON_VERSION, "speaks no TLS 1.3");
	raw_done(&r);

	cert_make(&c, &(struct cert_wish){.name = "agent"});
	raw_init(&r, TLS_server_method());
	SSL_CTX_set_max_proto_version(r.ctx, TLS1_2_VERSION);
	SSL_CTX_use_certificate(r.ctx, c.x509);
	SSL_CTX_use_PrivateKey(r.ctx, c.key);
	raw_start(&r, true);
	raw_move(&r, p.client.s, p.now);
	assert_words(p.client.s, KEYS_NO_COMMON_VERSION, "speaks no TLS 1.3");
	raw_done(&r);
	pair_done(&p);
	cert_free(&c);
}

static void test_other_protocol(void **state)
{
	static const uint8_t http[] = {2, 'h', '2'};
	struct cert c;
	struct raw r;
	struct pair p;

	(void)state;
	cert_make(&c, &(struct cert_wish){.name = "agent"});
	for (int with = 0; with < 2; with++) {
		pair_init(&p);
		pair_use_certificates(&p, &c, &c);
		p.mn.has_fingerprint = true;
		memcpy(p.mn.fingerprint, c.fingerprint, KEYS_FINGERPRINT_LEN);
		pair_start(&p);
		raw_init(&r, TLS_client_method());
		if (with != 0)
			SSL_CTX_set_alpn_protos(r.ctx, http, sizeof(http));
		raw_start(&r, false);
		raw_move(&r, p.server.s, p.now);
		assert_words(p.server.s, KEYS_OTHER_PROTOCOL, "for something else");
		raw_done(&r);

		/* A server that knows nothing of ALPN. */
		raw_init(&r, TLS_server_method());
		SSL_CTX_use_certificate(r.ctx, c.x509);
		SSL_CTX_use_PrivateKey(r.ctx, c.key);
		raw_start(&r, true);
		raw_move(&r, p.client.s, p.now);
		assert_words(p.client.s, KEYS_OTHER_PROTOCOL, "for something else");
		raw_done(&r);
		pair_done(&p);
	}
	cert_free(&c);
}

static void test_no_certificate(void **state)
{
	struct cert c;
	struct raw r;
	struct pair p;

	(void)state;
	cert_make(&c, &(struct cert_wish){.name = "agent"});
	pair_init(&p);
	pair_use_certificates(&p, &c, &c);
	p.mn.has_fingerprint = true;
	pair_start(&p);
	raw_init(&r, TLS_client_method());
	SSL_CTX_set_alpn_protos(r.ctx, our_alpn, sizeof(our_alpn));
	raw_start(&r, false);
	raw_move(&r, p.server.s, p.now);
	assert_words(p.server.s, KEYS_NO_CERTIFICATE, "neither a certificate nor");
	raw_done(&r);
	pair_done(&p);
	cert_free(&c);
}

static void test_no_common_group(void **state)
{
	struct cert c;
	struct raw r;
	struct pair p;

	(void)state;
	cert_make(&c, &(struct cert_wish){.name = "agent"});
	pair_init(&p);
	pair_use_certificates(&p, &c, &c);
	p.mn.has_fingerprint = true;
	pair_start(&p);
	raw_init(&r, TLS_client_method());
	SSL_CTX_set1_groups_list(r.ctx, "P-384");
	SSL_CTX_set_alpn_protos(r.ctx, our_alpn, sizeof(our_alpn));
	raw_start(&r, false);
	raw_move(&r, p.server.s, p.now);
	assert_words(p.server.s, KEYS_NO_COMMON_ALGORITHM, "");
	raw_done(&r);

	raw_init(&r, TLS_server_method());
	SSL_CTX_use_certificate(r.ctx, c.x509);
	SSL_CTX_use_PrivateKey(r.ctx, c.key);
	SSL_CTX_set1_groups_list(r.ctx, "P-384");
	raw_start(&r, true);
	raw_move(&r, p.client.s, p.now);
	assert_words(p.client.s, KEYS_NO_COMMON_ALGORITHM, "");
	raw_done(&r);
	pair_done(&p);
	cert_free(&c);
}

/* ---- What is said after the handshake ------------------------------------------------------ */

#define WHOLE_REQUEST                                                                              \
	"version: 1\r\nmip6-suitelist: aes-128-gcm\r\nspi-transport: 4097\r\nspi-tunnel: 4098\r\n"

/* A mobile node that is let in, and says what @frame has; then @want is what it hears. */
static void say(const char *frame, size_t len, const char *want, enum keys_reason why)
{
	struct cert mn, ha;
	struct raw r;
	struct pair p;
	char heard[1000] = "";
	int got = 0;

	cert_make(&mn, &(struct cert_wish){.name = "laptop"});
	cert_make(&ha, &(struct cert_wish){.name = "agent"});
	pair_init(&p);
	pair_use_certificates(&p, &mn, &ha);
	p.mn.has_fingerprint = p.agent.owner.has_fingerprint = true;
	memcpy(p.agent.owner.fingerprint, mn.fingerprint, KEYS_FINGERPRINT_LEN);
	p.agent.pinned = mn.fingerprint;
	pair_start(&p);
	raw_init(&r, TLS_client_method());
	SSL_CTX_use_certificate(r.ctx, mn.x509);
	SSL_CTX_use_PrivateKey(r.ctx, mn.key);
	SSL_CTX_set_alpn_protos(r.ctx, our_alpn, sizeof(our_alpn));
	raw_start(&r, false);
	raw_move(&r, p.server.s, p.now);
	assert_true(keys_proved(p.server.s));
	assert_int_equal(SSL_write(r.ssl, frame, (int)len), (int)len);
	raw_move(&r, p.server.s, p.now);
	got = SSL_read(r.ssl, heard, sizeof(heard) - 1);
	if (want != NULL) {
		assert_true(got > 4);
		assert_int_equal(heard[0], 0);
		assert_int_equal(heard[1], 1);
		assert_int_equal((heard[2] << 8 | (uint8_t)heard[3]) + 4, got);
		assert_non_null(strstr(heard + 4, want));
	}
	if (why == KEYS_OK)
		assert_int_equal(keys_state_of(p.server.s), KEYS_AGREED);
	else
		assert_words(p.server.s, why, "");
	raw_done(&r);
	pair_done(&p);
	cert_free(&mn);
	cert_free(&ha);
}

/* The same, with a right header before the lines. */
static void say_lines(const char *lines, const char *want, enum keys_reason why)
{
	char frame[4000];
	const size_t len = strlen(lines);

	frame[0] = 0;
	frame[1] = 1;
	frame[2] = (char)(len >> 8);
	frame[3] = (char)(len & 0xff);
	memcpy(frame + 4, lines, len);
	say(frame, 4 + len, want, why);
}

static void test_requests(void **state)
{
	(void)state;
	say_lines(WHOLE_REQUEST "\r\n", "status-code: 200\r\n", KEYS_OK);
	say_lines(WHOLE_REQUEST "mn-id: x@example.org\r\n\r\n", "status-code: 200\r\n", KEYS_OK);
	say_lines("VERSION:1\r\nMip6-SuiteList:  camellia, aes-256-gcm \r\nspi-transport: 4097\r\n"
		  "spi-tunnel: 4098\r\n\r\n",
		  "mip6-ciphersuite: aes-256-gcm\r\n", KEYS_OK);
	say_lines(WHOLE_REQUEST "mip6-ip6-hoa: 2001:db8:1::5\r\n\r\n", "status-code: 200\r\n",
		  KEYS_OK);
	say_lines(WHOLE_REQUEST "mip6-ip6-hoa: 2001:db8:1::6\r\n\r\n",
		  "status-code: 401\r\nreason: home-not-permitted\r\n", KEYS_HOME_NOT_PERMITTED);
	say_lines("version: 2\r\nmip6-suitelist: aes-128-gcm\r\nspi-transport: 4097\r\n"
		  "spi-tunnel: 4098\r\n\r\n",
		  "status-code: 501\r\nreason: no-common-version\r\n", KEYS_NO_COMMON_VERSION);
	say_lines("\r\n", "status-code: 501\r\nreason: no-common-version\r\n",
		  KEYS_NO_COMMON_VERSION);
	say_lines("version: 1\r\nmip6-suitelist: camellia\r\nspi-transport: 4097\r\n"
		  "spi-tunnel: 4098\r\n\r\n",
		  "status-code: 501\r\nreason: no-common-algorithm\r\n", KEYS_NO_COMMON_ALGORITHM);
}

static void test_bad_requests(void **state)
{
	static const char *const bad[] = {
		"version: 1\r\n\r\n",
		/* SPIs: reserved, alike, no number, too large */
		"version: 1\r\nmip6-suitelist: aes-128-gcm\r\nspi-transport: 255\r\nspi-tunnel: "
		"4098\r\n\r\n",
		"version: 1\r\nmip6-suitelist: aes-128-gcm\r\nspi-transport: 4098\r\nspi-tunnel: "
		"4098\r\n\r\n",
		"version: 1\r\nmip6-suitelist: aes-128-gcm\r\nspi-transport: x\r\nspi-tunnel: "
		"4098\r\n\r\n",
		"version: 1\r\nmip6-suitelist: aes-128-gcm\r\nspi-transport: "
		"4294967296\r\nspi-tunnel: 4098\r\n\r\n",
		/* lines: twice, without a colon, without a name, without an end, with a zero */
		WHOLE_REQUEST "version: 1\r\n\r\n",
		WHOLE_REQUEST "what\r\n\r\n",
		WHOLE_REQUEST ": what\r\n\r\n",
		WHOLE_REQUEST,
		WHOLE_REQUEST "\r\nmore: 1\r\n",
		WHOLE_REQUEST "x: \x01\r\n\r\n",
		WHOLE_REQUEST "mip6-ip6-hoa: 192.0.2.1\r\n\r\n",
		"\n\n",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		say_lines(bad[i], "status-code: 400\r\nreason: bad-frame\r\n", KEYS_BAD_FRAME);
}

static void test_bad_frames(void **state)
{
	static const char too_long[] = {0, 1, 8, 1};
	static const char empty[] = {0, 1, 0, 0};
	static const char no_id[] = {0, 0, 0, 2, '\r', '\n'};
	static const char version_1[] = {0x20, 1, 0, 2, '\r', '\n'};
	static const char second[] = {0, 2, 0, 2, '\r', '\n'};
	static const char two[] = {0, 1, 0, 2, '\r', '\n', 0};

	(void)state;
	say(too_long, sizeof(too_long), "reason: bad-frame", KEYS_BAD_FRAME);
	say(empty, sizeof(empty), "reason: bad-frame", KEYS_BAD_FRAME);
	say(no_id, sizeof(no_id), "reason: bad-frame", KEYS_BAD_FRAME);
	say(version_1, sizeof(version_1), "reason: no-common-version", KEYS_NO_COMMON_VERSION);
	say(second, sizeof(second), "reason: bad-frame", KEYS_BAD_FRAME);
	say(two, sizeof(two), "reason: bad-frame", KEYS_BAD_FRAME);
}

/* ---- Contexts ------------------------------------------------------------------------------ */

static void refuse_client(const struct keys_client_config *config, const char *words)
{
	char why[KEYS_TEXT_MAX] = "";

	assert_null(keys_client_context_new(config, why));
	if (strstr(why, words) == NULL)
		fail_msg("%s; expected ..%s..", why, words);
}

static void test_contexts(void **state)
{
	struct keys_client_config config = {0};
	struct cert a, b;
	struct pair p;
	char why[KEYS_TEXT_MAX] = "", crl[KEYS_PEM_MAX], text[6 * KEYS_PEM_MAX];

	(void)state;
	cert_make(&a, &(struct cert_wish){.name = "a"});
	cert_make(&b, &(struct cert_wish){.name = "b"});
	refuse_client(&config, "neither a certificate nor a pre-shared key");
	config.secret = text_of("short");
	refuse_client(&config, "too short");
	config.secret = (struct keys_octets){0};
	config.trust.certificate = text_of(a.pem);
	refuse_client(&config, "which home agent to trust");
	config.has_fingerprint = true;
	refuse_client(&config, "the key is none that can be read");
	config.trust.key = text_of(b.key_pem);
	refuse_client(&config, "the key is not the certificate's");
	config.trust.key = text_of(a.key_pem);
	config.trust.ca = text_of("no PEM");
	refuse_client(&config, "the CA file has no certificate");
	config.trust.ca = (struct keys_octets){0};
	config.trust.crl = text_of("no PEM");
	refuse_client(&config, "there is a CRL file, but no CA file");
	config.trust.ca = text_of(a.pem);
	refuse_client(&config, "the CRL file has no revocation list");
	/* Behind a good one: it could be what matters. */
	crl_make(&a, 0, WALL - DAY, WALL + DAY, crl);
	(void)snprintf(text, sizeof(text), "%s%s", crl,
		       "-----BEGIN X509 CRL-----\nAAAA\n-----END X509 CRL-----\n");
	config.trust.crl = text_of(text);
	refuse_client(&config, "has a revocation list that cannot be read");
	(void)snprintf(text, sizeof(text), "%s%s", a.pem,
		       "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n");
	config.trust.ca = text_of(text);
	refuse_client(&config, "has a certificate that cannot be read");
	config.trust.certificate = text_of(text);
	refuse_client(&config, "a certificate behind the first one cannot be read");
	(void)snprintf(text, sizeof(text), "%s%s%s%s%s%s", a.pem, b.pem, b.pem, b.pem, b.pem,
		       b.pem);
	config.trust.certificate = text_of(text);
	refuse_client(&config, "too many certificates behind the first one");
	config.trust.certificate = text_of(a.key_pem);
	refuse_client(&config, "the certificate is none that can be read");

	pair_init(&p);
	p.ha.trust.certificate = text_of(a.pem);
	p.ha.trust.key = text_of(b.key_pem);
	assert_null(keys_server_context_new(&p.ha, why));
	assert_non_null(strstr(why, "the key is not the certificate's"));
	cert_free(&a);
	cert_free(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_wrong_psk),
		cmocka_unit_test(test_unknown_name),
		cmocka_unit_test(test_psk_of_another_name),
		cmocka_unit_test(test_psk_against_certificates),
		cmocka_unit_test(test_no_common_algorithm),
		cmocka_unit_test(test_answers),
		cmocka_unit_test(test_keys_of_no_use),
		cmocka_unit_test(test_time),
		cmocka_unit_test(test_slow_peer),
		cmocka_unit_test(test_silent_after_handshake),
		cmocka_unit_test(test_closed),
		cmocka_unit_test(test_given_up),
		cmocka_unit_test(test_no_tls),
		cmocka_unit_test(test_garbage),
		cmocka_unit_test(test_changed_on_the_way),
		cmocka_unit_test(test_too_much),
		cmocka_unit_test(test_tls_1_2),
		cmocka_unit_test(test_other_protocol),
		cmocka_unit_test(test_no_certificate),
		cmocka_unit_test(test_no_common_group),
		cmocka_unit_test(test_requests),
		cmocka_unit_test(test_bad_requests),
		cmocka_unit_test(test_bad_frames),
		cmocka_unit_test(test_contexts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
