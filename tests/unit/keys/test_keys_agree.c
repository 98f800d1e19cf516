/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Two ends that agree: by each kind of identity, in one piece and octet by octet.
 */
#include "keys_test.h"

static void test_by_psk(void **state)
{
	struct pair p;
	const struct keys_agreed *mn = NULL;

	(void)state;
	pair_init(&p);
	pair_run(&p);
	assert_agreed(&p);
	mn = keys_agreed_of(p.client.s);
	assert_memory_equal(&mn->grant.home, &p.ask.home, 16);
	assert_memory_equal(&mn->grant.home_agent, &p.agent.grant.home_agent, 16);
	assert_int_equal(mn->grant.prefix_len, 64);
	assert_int_equal(mn->grant.lifetime_s, 28800);
	assert_true(mn->grant.octets == p.agent.grant.octets);
	assert_true(mn->grant.has_token);
	assert_memory_equal(mn->grant.token, p.agent.grant.token, KEYS_TOKEN_LEN);
	assert_string_equal(mn->peer, "pre-shared key \"" HOME "\"");
	assert_string_equal(p.agent.who, "pre-shared key \"" HOME "\"");
	pair_done(&p);
}

/* Data has SAs of its own where both ends know of them: a home agent that was not asked for them
 * does not answer that, and one that does not know the line answers without. */
static void test_payload_set(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 4; i++) {
		const uint32_t mn = (i & 1) != 0 ? 0x1003 : 0, ha = (i & 2) != 0 ? 0x2003 : 0;
		const struct keys_agreed *a = NULL;
		struct pair p;

		pair_init(&p);
		p.ask.spi_payload = mn;
		p.agent.grant.spi_payload = ha;
		pair_run(&p);
		assert_agreed(&p);
		a = keys_agreed_of(p.client.s);
		assert_int_equal(a->set_count, i == 3 ? ESP_SET_MAX : ESP_SET_COUNT);
		if (i == 3) {
			const struct esp_sa_params *up = &a->set[ESP_SET_PAYLOAD_UP];
			const struct esp_sa_params *down = &a->set[ESP_SET_PAYLOAD_DOWN];

			assert_int_equal(up->spi, ha);
			assert_int_equal(down->spi, mn);
			assert_int_equal(up->direction, ESP_OUT);
			assert_int_equal(down->direction, ESP_IN);
			assert_int_equal(up->covers, ESP_CLASS_PAYLOAD);
			assert_int_equal(down->covers, ESP_CLASS_PAYLOAD);
			assert_memory_not_equal(up->enc_key, down->enc_key, 32);
			assert_memory_not_equal(up->enc_key, a->set[ESP_SET_TUNNEL_UP].enc_key, 32);
		}
		pair_done(&p);
	}
}

/* What the four SAs are for, and whose SPI each has. */
static void test_set(void **state)
{
	struct pair p;

	(void)state;
	pair_init(&p);
	pair_run(&p);
	assert_agreed(&p);
	for (int at_ha = 0; at_ha < 2; at_ha++) {
		const struct keys_agreed *a = keys_agreed_of(at_ha != 0 ? p.server.s : p.client.s);
		static const uint32_t spis[] = {0x2001, 0x1001, 0x2002, 0x1002};

		for (unsigned i = 0; i < ESP_SET_COUNT; i++) {
			const struct esp_sa_params *sa = &a->set[i];
			const bool up = i == ESP_SET_TRANSPORT_UP || i == ESP_SET_TUNNEL_UP;

			assert_int_equal(sa->spi, spis[i]);
			assert_int_equal(sa->direction, up != (at_ha != 0) ? ESP_OUT : ESP_IN);
			assert_int_equal(sa->mode, i < 2 ? ESP_TRANSPORT : ESP_TUNNEL);
			assert_int_equal(sa->covers,
					 i < 2 ? ESP_CLASS_BINDING | ESP_CLASS_PREFIX
					       : ESP_CLASS_MOBILITY | ESP_CLASS_PAYLOAD);
			assert_memory_equal(&sa->owner, &p.ask.home, 16);
			assert_true(sa->sequence == 0);
			assert_int_equal(sa->alg, ESP_CHACHA20_POLY1305);
			for (unsigned j = 0; j < i; j++)
				assert_memory_not_equal(sa->enc_key, a->set[j].enc_key, 32);
		}
	}
	pair_done(&p);
}

/* Each agreement has keys of its own. */
static void test_fresh(void **state)
{
	struct pair p, q;

	(void)state;
	pair_init(&p);
	pair_init(&q);
	pair_run(&p);
	pair_run(&q);
	assert_agreed(&p);
	assert_agreed(&q);
	assert_memory_not_equal(keys_agreed_of(p.client.s)->set[0].enc_key,
				keys_agreed_of(q.client.s)->set[0].enc_key, 32);
	assert_memory_not_equal(keys_agreed_of(p.client.s)->set[0].id,
				keys_agreed_of(q.client.s)->set[0].id, ESP_ID_LEN);
	pair_done(&p);
	pair_done(&q);
}

static void test_octet_by_octet(void **state)
{
	struct pair p;

	(void)state;
	pair_init(&p);
	p.chunk = 1;
	pair_run(&p);
	assert_agreed(&p);
	pair_done(&p);
}

static void test_by_psk_name(void **state)
{
	struct pair p;

	(void)state;
	pair_init(&p);
	p.mn.psk_name = p.agent.psk_name = p.agent.owner.name = "laptop";
	p.ask.home = in6addr_any;
	pair_run(&p);
	assert_agreed(&p);
	assert_true(IN6_IS_ADDR_UNSPECIFIED(&p.agent.req.home));
	assert_memory_equal(&keys_agreed_of(p.client.s)->grant.home, &p.agent.owner.home, 16);
	pair_done(&p);
}

static void test_by_fingerprint(void **state)
{
	struct cert mn, ha;
	struct pair p;
	struct keys_own own;
	char text[KEYS_FINGERPRINT_TEXT_MAX];

	(void)state;
	cert_make(&mn, &(struct cert_wish){.name = "laptop"});
	cert_make(&ha, &(struct cert_wish){.name = "agent"});
	pair_init(&p);
	pair_use_certificates(&p, &mn, &ha);
	p.mn.has_fingerprint = true;
	memcpy(p.mn.fingerprint, ha.fingerprint, KEYS_FINGERPRINT_LEN);
	p.agent.pinned = mn.fingerprint;
	p.agent.owner.has_fingerprint = true;
	memcpy(p.agent.owner.fingerprint, mn.fingerprint, KEYS_FINGERPRINT_LEN);
	p.chunk = 1;
	pair_run(&p);
	assert_agreed(&p);
	assert_non_null(strstr(p.agent.who, "certificate \"laptop\" sha256:"));
	assert_non_null(strstr(keys_agreed_of(p.client.s)->peer, "certificate \"agent\" sha256:"));
	keys_context_own(p.mn_ctx, &own);
	assert_true(own.has_certificate);
	assert_true(own.not_before == WALL - DAY);
	assert_true(own.not_after == WALL + DAY);
	assert_memory_equal(own.fingerprint, mn.fingerprint, KEYS_FINGERPRINT_LEN);
	keys_fingerprint_print(own.fingerprint, text);
	assert_non_null(strstr(p.agent.who, text));
	pair_done(&p);
	cert_free(&mn);
	cert_free(&ha);
}

static void test_by_ca(void **state)
{
	struct cert ca, mn, ha;
	struct pair p;

	(void)state;
	pair_init(&p);
	pair_use_ca(&p, &ca, &mn, &ha);
	pair_run(&p);
	assert_agreed(&p);
	pair_done(&p);

	/* By names: DNS of the home agent, the common name of the mobile node. */
	cert_free(&ha);
	cert_make(&ha, &(struct cert_wish){
			       .name = "agent", .issuer = &ca, .alt = "DNS:agent.example.org"});
	pair_init(&p);
	pair_use_certificates(&p, &mn, &ha);
	p.mn.trust.ca = p.ha.trust.ca = text_of(ca.pem);
	p.mn.peer_name = "agent.example.org";
	p.agent.owner.name = "laptop";
	pair_run(&p);
	assert_agreed(&p);
	pair_done(&p);
	cert_free(&mn);
	cert_free(&ha);
	cert_free(&ca);
}

/* The mobile node's order counts, as far as the home agent has it too. */
static void test_algorithms(void **state)
{
	static const enum esp_alg all[] = {ESP_AES_256_GCM, ESP_AES_128_GCM, ESP_CHACHA20_POLY1305};
	struct pair p;

	(void)state;
	for (size_t i = 0; i < KEYS_SUITE_COUNT; i++) {
		pair_init(&p);
		p.mn.suite_count = KEYS_SUITE_COUNT;
		for (size_t j = 0; j < KEYS_SUITE_COUNT; j++)
			p.mn.suites[j] = all[(i + j) % KEYS_SUITE_COUNT];
		pair_run(&p);
		assert_agreed(&p);
		assert_int_equal(keys_agreed_of(p.server.s)->alg, all[i]);
		pair_done(&p);
	}
	pair_init(&p);
	memcpy(p.mn.suites, all, sizeof(all));
	p.mn.suite_count = KEYS_SUITE_COUNT;
	p.ha.suites[0] = ESP_CHACHA20_POLY1305;
	p.ha.suite_count = 1;
	pair_run(&p);
	assert_agreed(&p);
	assert_int_equal(keys_agreed_of(p.client.s)->alg, ESP_CHACHA20_POLY1305);
	pair_done(&p);
}

/* What keys_make() makes is good for both ends. */
static void test_made(void **state)
{
	struct keys_made mn, ha;
	struct pair p;

	(void)state;
	assert_true(keys_make("laptop", WALL - DAY, WALL + DAY, &mn));
	assert_true(keys_make("agent", WALL - DAY, WALL + DAY, &ha));
	pair_init(&p);
	p.mn.secret = (struct keys_octets){0};
	p.mn.trust.certificate = text_of(mn.certificate);
	p.mn.trust.key = text_of(mn.key);
	p.ha.trust.certificate = text_of(ha.certificate);
	p.ha.trust.key = text_of(ha.key);
	p.mn.has_fingerprint = p.agent.owner.has_fingerprint = true;
	memcpy(p.mn.fingerprint, ha.fingerprint, KEYS_FINGERPRINT_LEN);
	memcpy(p.agent.owner.fingerprint, mn.fingerprint, KEYS_FINGERPRINT_LEN);
	p.agent.pinned = mn.fingerprint;
	pair_run(&p);
	assert_agreed(&p);
	pair_done(&p);
	/* A certificate that was renewed is for the same key. */
	assert_true(keys_make_again(text_of(mn.key), "laptop", WALL - DAY, WALL + 9 * DAY, &ha));
	assert_memory_equal(ha.fingerprint, mn.fingerprint, KEYS_FINGERPRINT_LEN);
	assert_string_equal(ha.key, mn.key);
	assert_string_not_equal(ha.certificate, mn.certificate);
	assert_false(keys_make_again(text_of(mn.certificate), "laptop", WALL, WALL + DAY, &ha));
	assert_false(keys_make("a name of more than sixty-four characters is more than X.509 takes",
			       WALL, WALL + DAY, &mn));
}

/* A context that is gone for others stays for the sessions that are under way. */
static void test_context_freed(void **state)
{
	struct pair p;

	(void)state;
	pair_init(&p);
	pair_start(&p);
	keys_context_free(p.mn_ctx);
	keys_context_free(p.ha_ctx);
	pair_move(&p);
	assert_agreed(&p);
	p.mn_ctx = p.ha_ctx = NULL;
	pair_done(&p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_by_psk),         cmocka_unit_test(test_set),
		cmocka_unit_test(test_payload_set),    cmocka_unit_test(test_fresh),
		cmocka_unit_test(test_octet_by_octet), cmocka_unit_test(test_by_psk_name),
		cmocka_unit_test(test_by_fingerprint), cmocka_unit_test(test_by_ca),
		cmocka_unit_test(test_algorithms),     cmocka_unit_test(test_made),
		cmocka_unit_test(test_context_freed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
