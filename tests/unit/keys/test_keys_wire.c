/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Another mobile node and another home agent, written by docs/keys.md alone: they use nothing of
 * src/keys but what is on the other side.  The pre-shared key is what Python's hmac computed:
 *
 *   prk = HMAC(32 zeros, b"correct horse battery"); key = HMAC(prk, b"bub keys psk 1\0"
 *   b"mobile node>home agent\0" b"bub-psk-1:2001:db8:1::5" b"\1")
 */
#include "keys_test.h"

static const uint8_t psk[32] = {
	0xbb, 0x32, 0x33, 0x4e, 0x15, 0x8d, 0x32, 0x58, 0x51, 0x93, 0x78,
	0x10, 0x28, 0x8e, 0xa4, 0x6b, 0x55, 0x01, 0x0d, 0x0c, 0x8b, 0xbd,
	0x76, 0xad, 0x2e, 0x18, 0x16, 0xdd, 0x33, 0x5f, 0x22, 0x7a,
};
static const char identity[] = "bub-psk-1:" HOME;

/* By docs/keys.md: home address, home agent, algorithm 1, SPIs of the four. */
static const uint8_t export_context[49] = {
	0x20, 0x01, 0x0d, 0xb8, 0, 1, 0, 0,    0, 0, 0, 0,    0, 0, 0, 5, /* HOME */
	0x20, 0x01, 0x0d, 0xb8, 0, 1, 0, 0,    0, 0, 0, 0,    0, 0, 0, 1, /* HOME_AGENT */
	1,    0,    0,    0x20, 1, 0, 0, 0x10, 1, 0, 0, 0x20, 2, 0, 0, 0x10, 2,
};
static const char export_label[] = "EXPORTER-bub-esp-1";

static SSL_SESSION *wire_session(SSL *ssl)
{
	static const unsigned char suite[] = {0x13, 0x01};
	SSL_SESSION *session = SSL_SESSION_new();

	assert_int_equal(SSL_SESSION_set1_master_key(session, psk, sizeof(psk)), 1);
	assert_int_equal(SSL_SESSION_set_cipher(session, SSL_CIPHER_find(ssl, suite)), 1);
	assert_int_equal(SSL_SESSION_set_protocol_version(session, TLS1_3_VERSION), 1);
	return session;
}

static int use_psk(SSL *ssl, const EVP_MD *md, const unsigned char **id, size_t *id_len,
		   SSL_SESSION **session)
{
	(void)md;
	*id = (const unsigned char *)identity;
	*id_len = sizeof(identity) - 1;
	*session = wire_session(ssl);
	return 1;
}

static int find_psk(SSL *ssl, const unsigned char *id, size_t id_len, SSL_SESSION **session)
{
	assert_int_equal(id_len, sizeof(identity) - 1);
	assert_memory_equal(id, identity, id_len);
	*session = wire_session(ssl);
	return 1;
}

static int wire_alpn(SSL *ssl, const unsigned char **ret, unsigned char *ret_len,
		     const unsigned char *offered, unsigned int len, void *unused)
{
	(void)ssl;
	(void)unused;
	assert_int_equal(len, sizeof(our_alpn));
	assert_memory_equal(offered, our_alpn, len);
	*ret = offered + 1;
	*ret_len = offered[0];
	return SSL_TLSEXT_ERR_OK;
}

/* The same with SPIs of SAs for data. */
static const uint8_t export_payload[8] = {0, 0, 0x20, 3, 0, 0, 0x10, 3};

static void check_keys(struct raw *r, const struct keys_agreed *a)
{
	uint8_t keymat[ESP_SET_MAX * (16 + 4)];
	uint8_t context[sizeof(export_context) + sizeof(export_payload)];
	const bool payload = a != NULL && a->set_count == ESP_SET_MAX;

	memcpy(context, export_context, sizeof(export_context));
	memcpy(context + sizeof(export_context), export_payload, sizeof(export_payload));

	assert_non_null(a);
	assert_int_equal(
		SSL_export_keying_material(r->ssl, keymat, (size_t)20 * a->set_count, export_label,
					   sizeof(export_label) - 1, context,
					   payload ? sizeof(context) : sizeof(export_context), 1),
		1);
	for (size_t i = 0; i < a->set_count; i++) {
		assert_memory_equal(a->set[i].enc_key, keymat + 20 * i, 16);
		assert_memory_equal(a->set[i].auth_key, keymat + 20 * i + 16, 4);
	}
}

static size_t frame_of(const char *lines, char *ret_frame)
{
	const size_t len = strlen(lines);

	ret_frame[0] = 0;
	ret_frame[1] = 1;
	ret_frame[2] = (char)(len >> 8);
	ret_frame[3] = (char)(len & 0xff);
	memcpy(ret_frame + 4, lines, len);
	return 4 + len;
}

static void another_mobile_node(bool payload)
{
	static const char want[] = "status-code: 200\r\nmip6-haa-ip6: 2001:db8:1::1\r\n"
				   "mip6-ip6-hoa: 2001:db8:1::5\r\n"
				   "mip6-ip6-hnp: 2001:db8:1::/64\r\n"
				   "mip6-ciphersuite: aes-128-gcm\r\nspi-transport: 8193\r\n"
				   "spi-tunnel: 8194\r\n%ssa-lifetime: 28800\r\n"
				   "sa-octets: 1099511627776\r\n"
				   "restart-token: 010203ff000000000000000000000000\r\n\r\n";
	char frame[1000] = "", text[1000] = "";
	struct raw r;
	struct pair p;
	size_t len = 0;

	(void)snprintf(text, sizeof(text), want, payload ? "spi-payload: 8195\r\n" : "");
	pair_init(&p);
	p.agent.grant.spi_payload = 0x2003;
	pair_start(&p);
	raw_init(&r, TLS_client_method());
	SSL_CTX_set_alpn_protos(r.ctx, our_alpn, sizeof(our_alpn));
	SSL_CTX_set_psk_use_session_callback(r.ctx, use_psk);
	raw_start(&r, false);
	raw_move(&r, p.server.s, p.now);
	assert_true(SSL_session_reused(r.ssl));
	len = frame_of(payload ? "version: 1\r\nmip6-suitelist: aes-128-gcm\r\n"
				 "spi-transport: 4097\r\nspi-tunnel: 4098\r\n"
				 "spi-payload: 4099\r\nmip6-ip6-hoa: " HOME "\r\n\r\n"
			       : "version: 1\r\nmip6-suitelist: aes-128-gcm\r\n"
				 "spi-transport: 4097\r\nspi-tunnel: 4098\r\n"
				 "mip6-ip6-hoa: " HOME "\r\n\r\n",
		       frame);
	assert_int_equal(SSL_write(r.ssl, frame, (int)len), (int)len);
	raw_move(&r, p.server.s, p.now);
	assert_int_equal(SSL_read(r.ssl, frame, sizeof(frame)), (int)strlen(text) + 4);
	assert_memory_equal(frame + 4, text, strlen(text));
	check_keys(&r, keys_agreed_of(p.server.s));
	/* The home agent says that this was all, and has given out no ticket. */
	assert_int_equal(SSL_read(r.ssl, frame, sizeof(frame)), 0);
	assert_int_equal(SSL_get_shutdown(r.ssl) & SSL_RECEIVED_SHUTDOWN, SSL_RECEIVED_SHUTDOWN);
	raw_done(&r);
	pair_done(&p);
}

static void test_another_mobile_node(void **state)
{
	(void)state;
	another_mobile_node(false);
	another_mobile_node(true);
}

/* Starts a session with a home agent that says @lines; returns it in @r and @p. */
static void answer_with(struct raw *r, struct pair *p, const char *lines)
{
	static const char want[] = "version: 1\r\nmip6-haa-ip6: 2001:db8:1::1\r\n"
				   "mip6-ip6-hoa: 2001:db8:1::5\r\n"
				   "mip6-suitelist: aes-128-gcm\r\nspi-transport: 4097\r\n"
				   "spi-tunnel: 4098\r\n\r\n";
	static const unsigned char suite_context[] = "x";
	char frame[3000] = "";
	size_t len = 0;

	pair_init(p);
	p->mn.suites[0] = ESP_AES_128_GCM;
	p->mn.suite_count = 1;
	pair_start(p);
	raw_init(r, TLS_server_method());
	SSL_CTX_set_session_id_context(r->ctx, suite_context, 1);
	SSL_CTX_set_psk_find_session_callback(r->ctx, find_psk);
	SSL_CTX_set_alpn_select_cb(r->ctx, wire_alpn, NULL);
	raw_start(r, true);
	raw_move(r, p->client.s, p->now);
	assert_true(keys_proved(p->client.s));
	assert_int_equal(SSL_read(r->ssl, frame, sizeof(frame)), sizeof(want) - 1 + 4);
	assert_memory_equal(frame + 4, want, sizeof(want) - 1);
	len = frame_of(lines, frame);
	assert_int_equal(SSL_write(r->ssl, frame, (int)len), (int)len);
	raw_move(r, p->client.s, p->now);
}

#define ANSWER_END                                                                                 \
	"mip6-ciphersuite: aes-128-gcm\r\nspi-transport: 8193\r\nspi-tunnel: 8194\r\n"             \
	"sa-lifetime: 60\r\n\r\n"

static void test_another_home_agent(void **state)
{
	struct raw r;
	struct pair p;

	(void)state;
	answer_with(&r, &p,
		    "status-code: 200\r\nmip6-ip6-hoa: " HOME "\r\nmip6-haa-ip6: " HOME_AGENT
		    "\r\ndns-ip6: 2001:db8::53\r\n" ANSWER_END);
	assert_int_equal(keys_state_of(p.client.s), KEYS_AGREED);
	check_keys(&r, keys_agreed_of(p.client.s));
	assert_int_equal(keys_agreed_of(p.client.s)->grant.prefix_len, 0);
	assert_true(keys_agreed_of(p.client.s)->grant.octets == 0);
	assert_false(keys_agreed_of(p.client.s)->grant.has_token);
	raw_done(&r);
	pair_done(&p);
}

static void test_refusals(void **state)
{
	static const struct {
		const char *lines;
		enum keys_reason why;
		const char *said;
	} cases[] = {
		{"status-code: 401\r\nreason: home-not-permitted\r\n\r\n", KEYS_HOME_NOT_PERMITTED,
		 "401 home-not-permitted"},
		{"status-code: 401\r\nreason: something-new\r\n\r\n", KEYS_PEER_REFUSED,
		 "401 peer-refused"},
		{"status-code: 401\r\n\r\n", KEYS_PEER_REFUSED, "401 peer-refused"},
		{"status-code: 501\r\n\r\n", KEYS_NO_COMMON_VERSION, "501 no-common-version"},
		{"status-code: 503\r\n\r\n", KEYS_BUSY, "503 busy"},
		{"\r\n", KEYS_BAD_FRAME, ""},
		{"status-code: 200\r\n\r\n", KEYS_BAD_FRAME, ""},
		/* No home agent; another home address, algorithm, or a lifetime of none. */
		{"status-code: 200\r\nmip6-ip6-hoa: " HOME "\r\n" ANSWER_END, KEYS_BAD_FRAME, ""},
		{"status-code: 200\r\nmip6-ip6-hoa: 2001:db8:1::6\r\nmip6-haa-ip6: " HOME_AGENT
		 "\r\n" ANSWER_END,
		 KEYS_BAD_FRAME, ""},
		{"status-code: 200\r\nmip6-ip6-hoa: " HOME "\r\nmip6-haa-ip6: " HOME_AGENT
		 "\r\nmip6-ciphersuite: aes-256-gcm\r\nspi-transport: 8193\r\nspi-tunnel: 8194\r\n"
		 "sa-lifetime: 60\r\n\r\n",
		 KEYS_BAD_FRAME, ""},
		{"status-code: 200\r\nmip6-ip6-hoa: " HOME "\r\nmip6-haa-ip6: " HOME_AGENT
		 "\r\nmip6-ciphersuite: aes-128-gcm\r\nspi-transport: 8193\r\nspi-tunnel: 8194\r\n"
		 "sa-lifetime: 0\r\n\r\n",
		 KEYS_BAD_FRAME, ""},
		{"status-code: 200\r\nmip6-ip6-hoa: " HOME "\r\nmip6-haa-ip6: " HOME_AGENT
		 "\r\nmip6-ciphersuite: aes-128-gcm\r\nspi-transport: 25\r\nspi-tunnel: 8194\r\n"
		 "sa-lifetime: 60\r\n\r\n",
		 KEYS_BAD_FRAME, ""},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct raw r;
		struct pair p;

		answer_with(&r, &p, cases[i].lines);
		assert_words(p.client.s, cases[i].why, "");
		assert_string_equal(keys_failure_of(p.client.s)->said, cases[i].said);
		raw_done(&r);
		pair_done(&p);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_another_mobile_node),
		cmocka_unit_test(test_another_home_agent),
		cmocka_unit_test(test_refusals),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
