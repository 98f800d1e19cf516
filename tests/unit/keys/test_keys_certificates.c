/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Certificates that are no good, at either end: each with its reason, and lines at both ends that
 * say which it is and what to do.
 */
#include "keys_test.h"

/* A CA, and one good certificate of it for each end. */
struct world {
	struct cert ca, mn, ha;
	struct pair p;
};

static const struct cert_wish mn_wish = {.name = "laptop", .alt = "IP:" HOME};
static const struct cert_wish ha_wish = {.name = "agent", .alt = "IP:" HOME_AGENT};

/* Makes the certificates of @mn and @ha; those without an issuer are the CA's. */
static void world_init(struct world *w, struct cert_wish mn, struct cert_wish ha)
{
	cert_make(&w->ca, &(struct cert_wish){.name = "our CA", .ca = true});
	if (mn.issuer == NULL)
		mn.issuer = &w->ca;
	if (ha.issuer == NULL)
		ha.issuer = &w->ca;
	cert_make(&w->mn, &mn);
	cert_make(&w->ha, &ha);
	pair_init(&w->p);
	pair_use_certificates(&w->p, &w->mn, &w->ha);
	w->p.mn.trust.ca = w->p.ha.trust.ca = text_of(w->ca.pem);
}

static void world_done(struct world *w)
{
	pair_done(&w->p);
	cert_free(&w->ca);
	cert_free(&w->mn);
	cert_free(&w->ha);
}

static void test_mobile_node_expired(void **state)
{
	struct cert_wish mn = mn_wish;
	struct world w;

	(void)state;
	mn.until = WALL - 3600;
	world_init(&w, mn, ha_wish);
	pair_run(&w.p);
	assert_failed(&w.p, KEYS_CERTIFICATE_EXPIRED,
		      "this node's certificate has expired; it is valid until 2027-01-15 07:00:00 "
		      "UTC, and it is 2027-01-15 08:00:00 UTC here",
		      KEYS_CERTIFICATE_EXPIRED,
		      "was valid until 2027-01-15 07:00:00 UTC, and it is 2027-01-15 08:00:00 UTC "
		      "here");
	assert_string_equal(keys_failure_of(w.p.client.s)->said, "alert certificate_expired");
	assert_string_equal(keys_failure_of(w.p.server.s)->said, "");
	assert_int_equal(w.p.agent.asked, 0);
	world_done(&w);
}

static void test_home_agent_expired(void **state)
{
	struct cert_wish ha = ha_wish;
	struct world w;

	(void)state;
	ha.until = WALL - 3600;
	world_init(&w, mn_wish, ha);
	pair_run(&w.p);
	assert_failed(&w.p, KEYS_CERTIFICATE_EXPIRED,
		      "home agent's certificate was valid until 2027-01-15 07:00:00 UTC",
		      KEYS_CERTIFICATE_EXPIRED, "the mobile node says that this home agent's");
	world_done(&w);
}

/* The clock of the home agent stands two days back: certificates of the last one are not valid. */
static void test_clocks(void **state)
{
	struct world w;

	(void)state;
	world_init(&w, mn_wish, ha_wish);
	w.p.ha_wall = WALL - 2 * DAY;
	pair_run(&w.p);
	assert_failed(&w.p, KEYS_CERTIFICATE_NOT_YET_VALID,
		      "is not valid yet; it is from 2027-01-14 08:00:00 UTC on, and it is "
		      "2027-01-15 08:00:00 UTC here: set the clock",
		      KEYS_CERTIFICATE_NOT_YET_VALID,
		      "is not valid before 2027-01-14 08:00:00 UTC, and it is 2027-01-13 08:00:00 "
		      "UTC here: set the clock");
	world_done(&w);

	world_init(&w, mn_wish, ha_wish);
	w.p.mn_wall = WALL - 2 * DAY;
	pair_run(&w.p);
	assert_failed(
		&w.p, KEYS_CERTIFICATE_NOT_YET_VALID,
		"home agent's certificate is not valid before 2027-01-14 08:00:00 UTC, and it "
		"is 2027-01-13 08:00:00 UTC here",
		KEYS_CERTIFICATE_NOT_YET_VALID, "the mobile node says");
	world_done(&w);
}

static void test_unknown_ca(void **state)
{
	struct cert_wish mn = mn_wish, ha = ha_wish;
	struct cert other;
	struct world w;

	(void)state;
	cert_make(&other, &(struct cert_wish){.name = "another CA", .ca = true});
	mn.issuer = &other;
	world_init(&w, mn, ha_wish);
	pair_run(&w.p);
	assert_failed(&w.p, KEYS_UNKNOWN_CA,
		      "the home agent knows neither the fingerprint of this node's certificate nor",
		      KEYS_UNKNOWN_CA, "certificate \"laptop\" sha256:");
	world_done(&w);

	ha.issuer = &other;
	world_init(&w, mn_wish, ha);
	pair_run(&w.p);
	assert_failed(&w.p, KEYS_UNKNOWN_CA, "no CA that this node trusts vouches for",
		      KEYS_UNKNOWN_CA, "the mobile node knows neither the fingerprint of this");
	world_done(&w);
	cert_free(&other);
}

/* A CA of the right name with another key. */
static void test_false_ca(void **state)
{
	struct cert_wish mn = mn_wish;
	struct cert other;
	struct world w;

	(void)state;
	cert_make(&other, &(struct cert_wish){.name = "our CA", .ca = true});
	mn.issuer = &other;
	world_init(&w, mn, ha_wish);
	pair_run(&w.p);
	assert_failed(&w.p, KEYS_UNKNOWN_CA, "", KEYS_UNKNOWN_CA, "");
	world_done(&w);
	cert_free(&other);
}

/* A certificate is not what another one of the same CA vouches for. */
static void test_no_ca(void **state)
{
	struct cert_wish mn = mn_wish;
	struct cert ca, other;
	struct world w;

	(void)state;
	cert_make(&ca, &(struct cert_wish){.name = "our CA", .ca = true});
	cert_make(&other, &(struct cert_wish){.name = "another laptop", .issuer = &ca});
	mn.issuer = &other;
	world_init(&w, mn, ha_wish);
	w.p.ha.trust.ca = text_of(ca.pem);
	pair_run(&w.p);
	assert_failed(&w.p, KEYS_UNKNOWN_CA, "", KEYS_UNKNOWN_CA, "");
	world_done(&w);
	cert_free(&ca);
	cert_free(&other);
}

static void test_mobile_node_revoked(void **state)
{
	struct cert_wish mn = mn_wish;
	char crl[KEYS_PEM_MAX];
	struct world w;

	(void)state;
	mn.serial = 77;
	world_init(&w, mn, ha_wish);
	crl_make(&w.ca, 77, WALL - DAY, WALL + DAY, crl);
	w.p.ha.trust.crl = text_of(crl);
	pair_run(&w.p);
	assert_failed(&w.p, KEYS_CERTIFICATE_REVOKED, "this node's certificate has been revoked",
		      KEYS_CERTIFICATE_REVOKED, "certificate \"laptop\"");
	world_done(&w);

	world_init(&w, mn, ha_wish);
	crl_make(&w.ca, 78, WALL - DAY, WALL + DAY, crl);
	w.p.ha.trust.crl = text_of(crl);
	pair_run(&w.p);
	assert_agreed(&w.p);
	world_done(&w);
}

static void test_home_agent_revoked(void **state)
{
	struct cert_wish ha = ha_wish;
	char crl[KEYS_PEM_MAX];
	struct world w;

	(void)state;
	ha.serial = 77;
	world_init(&w, mn_wish, ha);
	crl_make(&w.ca, 77, WALL - DAY, WALL + DAY, crl);
	w.p.mn.trust.crl = text_of(crl);
	pair_run(&w.p);
	assert_failed(&w.p, KEYS_CERTIFICATE_REVOKED, "home agent's certificate has been revoked",
		      KEYS_CERTIFICATE_REVOKED, "the mobile node says");
	world_done(&w);
}

/* An old list could hide a revocation: nothing is agreed on with it. */
static void test_crl_old(void **state)
{
	char crl[KEYS_PEM_MAX];
	struct world w;

	(void)state;
	world_init(&w, mn_wish, ha_wish);
	crl_make(&w.ca, 0, WALL - 2 * DAY, WALL - DAY, crl);
	w.p.ha.trust.crl = text_of(crl);
	pair_run(&w.p);
	assert_failed(&w.p, KEYS_CERTIFICATE_UNFIT, "or its own revocation list", KEYS_CRL_UNUSABLE,
		      "(CRL has expired)");
	assert_string_equal(keys_failure_of(w.p.client.s)->said, "alert certificate_unknown");
	world_done(&w);
}

static void test_crl_of_another_ca(void **state)
{
	struct cert other;
	char crl[KEYS_PEM_MAX];
	struct world w;

	(void)state;
	cert_make(&other, &(struct cert_wish){.name = "another CA", .ca = true});
	world_init(&w, mn_wish, ha_wish);
	crl_make(&other, 0, WALL - DAY, WALL + DAY, crl);
	w.p.ha.trust.crl = text_of(crl);
	pair_run(&w.p);
	assert_failed(&w.p, KEYS_CERTIFICATE_UNFIT, "", KEYS_CRL_UNUSABLE,
		      "(unable to get certificate CRL)");
	world_done(&w);
	cert_free(&other);
}

static void test_home_agent_of_another_name(void **state)
{
	static const char *const alts[] = {
		"IP:2001:db8:1::2",
		"DNS:agent.example.org", /* the address is what is configured */
		NULL,
	};
	struct world w;

	(void)state;
	for (size_t i = 0; i < sizeof(alts) / sizeof(alts[0]); i++) {
		struct cert_wish ha = {.name = HOME_AGENT, .alt = alts[i]};

		world_init(&w, mn_wish, ha);
		pair_run(&w.p);
		assert_failed(&w.p, KEYS_NAME_DIFFERS, "subjectAltName has to have it",
			      KEYS_NAME_DIFFERS, "not for the name or address");
		world_done(&w);
	}
}

/* RFC 6618, 9.2: neither the common name nor wildcards count. */
static void test_home_agent_name_rules(void **state)
{
	static const struct {
		const char *name, *alt;
		bool good;
	} cases[] = {
		{"agent.example.org", NULL, false},
		{"agent.example.org", "DNS:other.example.org", false},
		{"agent", "DNS:*.example.org", false},
		{"agent", "DNS:Agent.Example.org", true},
		{"agent", "DNS:other.example.org,DNS:agent.example.org", true},
	};
	struct world w;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct cert_wish ha = {.name = cases[i].name, .alt = cases[i].alt};

		world_init(&w, mn_wish, ha);
		w.p.mn.peer_name = "agent.example.org";
		pair_run(&w.p);
		if (cases[i].good)
			assert_agreed(&w.p);
		else
			assert_failed(&w.p, KEYS_NAME_DIFFERS, "", KEYS_NAME_DIFFERS, "");
		world_done(&w);
	}
}

static void test_purpose(void **state)
{
	struct cert_wish mn = mn_wish, ha = ha_wish;
	struct world w;

	(void)state;
	mn.use = "serverAuth";
	world_init(&w, mn, ha_wish);
	pair_run(&w.p);
	assert_failed(&w.p, KEYS_CERTIFICATE_UNFIT, "not fit for use", KEYS_CERTIFICATE_UNFIT,
		      "purpose");
	world_done(&w);
	ha.use = "clientAuth";
	world_init(&w, mn_wish, ha);
	pair_run(&w.p);
	assert_failed(&w.p, KEYS_CERTIFICATE_UNFIT, "purpose", KEYS_CERTIFICATE_UNFIT, "");
	world_done(&w);
}

/* RSA is for those who have it; keys that are too short are for nobody. */
static void test_rsa(void **state)
{
	struct cert_wish mn = mn_wish;
	struct world w;
	char why[KEYS_TEXT_MAX];

	(void)state;
	mn.rsa_bits = 2048;
	world_init(&w, mn, ha_wish);
	pair_run(&w.p);
	assert_agreed(&w.p);
	world_done(&w);
	mn.rsa_bits = 1024;
	world_init(&w, mn, ha_wish);
	assert_null(keys_client_context_new(&w.p.mn, why));
	assert_string_equal(why, "the certificate is not fit for TLS 1.3: its key is too short, or "
				 "of an old kind");
	world_done(&w);
}

/* ---- Fingerprints -------------------------------------------------------------------------- */

static void pin(struct world *w)
{
	w->p.mn.trust.ca = w->p.ha.trust.ca = (struct keys_octets){0};
	w->p.mn.has_fingerprint = w->p.agent.owner.has_fingerprint = true;
	memcpy(w->p.mn.fingerprint, w->ha.fingerprint, KEYS_FINGERPRINT_LEN);
	memcpy(w->p.agent.owner.fingerprint, w->mn.fingerprint, KEYS_FINGERPRINT_LEN);
	w->p.agent.pinned = w->mn.fingerprint;
}

static void test_fingerprint_of_home_agent(void **state)
{
	struct world w;

	(void)state;
	world_init(&w, mn_wish, ha_wish);
	pin(&w);
	w.p.mn.fingerprint[31] ^= 1;
	pair_run(&w.p);
	assert_failed(&w.p, KEYS_FINGERPRINT_DIFFERS, "somebody stands between", KEYS_UNKNOWN_CA,
		      "the mobile node knows neither");
	world_done(&w);

	/* The CA does not help: a fingerprint alone counts. */
	world_init(&w, mn_wish, ha_wish);
	pin(&w);
	w.p.mn.trust.ca = w.p.ha.trust.ca = text_of(w.ca.pem);
	w.p.mn.fingerprint[31] ^= 1;
	pair_run(&w.p);
	assert_failed(&w.p, KEYS_FINGERPRINT_DIFFERS, "", KEYS_UNKNOWN_CA, "");
	world_done(&w);
}

static void test_fingerprint_of_mobile_node(void **state)
{
	static const uint8_t other[KEYS_FINGERPRINT_LEN];
	struct world w;

	(void)state;
	world_init(&w, mn_wish, ha_wish);
	pin(&w);
	w.p.agent.pinned = other;
	pair_run(&w.p);
	assert_failed(&w.p, KEYS_UNKNOWN_CA, "add its fingerprint to the mobile-node line",
		      KEYS_UNKNOWN_CA, "add its fingerprint to the mobile-node line");
	world_done(&w);
}

/* Dates count for a known key, too. */
static void test_fingerprint_dates(void **state)
{
	struct world w;

	(void)state;
	world_init(&w, mn_wish, ha_wish);
	pin(&w);
	w.p.ha_wall = WALL + 2 * DAY;
	pair_run(&w.p);
	assert_failed(&w.p, KEYS_CERTIFICATE_EXPIRED, "", KEYS_CERTIFICATE_EXPIRED, "");
	world_done(&w);
	world_init(&w, mn_wish, ha_wish);
	pin(&w);
	w.p.mn_wall = WALL - 2 * DAY;
	pair_run(&w.p);
	assert_failed(&w.p, KEYS_CERTIFICATE_NOT_YET_VALID, "", KEYS_CERTIFICATE_NOT_YET_VALID, "");
	world_done(&w);
}

/* ---- Whose home address it is -------------------------------------------------------------- */

static void test_owners(void **state)
{
	static const struct {
		const char *name, *alt, *owner;
		bool good;
	} cases[] = {
		{"laptop", "IP:" HOME, NULL, true},
		{"laptop", "IP:2001:db8:1::6", NULL, false},
		{"laptop", NULL, NULL, false},
		{HOME, NULL, NULL, false}, /* a common name is no address */
		{"laptop", "IP:2001:db8:1::6,IP:" HOME, NULL, true},
		{"laptop", NULL, "laptop", true},
		{"laptop2", NULL, "laptop", false},
		{"lapto", NULL, "laptop", false},
		{"x", "DNS:laptop.example.org", "LAPTOP.example.org", true},
		{"x", "email:me@example.org", "me@example.org", true},
		{"x", "email:me@example.org", "ME@example.org", false},
		{"x", "URI:urn:laptop", "urn:laptop", true},
		/* With a name of its own in the configuration the address counts for nothing. */
		{"x", "IP:" HOME, "laptop", false},
	};
	struct world w;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct cert_wish mn = {.name = cases[i].name, .alt = cases[i].alt};

		world_init(&w, mn, ha_wish);
		w.p.agent.owner.name = cases[i].owner;
		pair_run(&w.p);
		if (cases[i].good)
			assert_agreed(&w.p);
		else
			assert_failed(&w.p, KEYS_HOME_NOT_PERMITTED,
				      "but not as the owner of the home address " HOME,
				      KEYS_HOME_NOT_PERMITTED,
				      "may not have the home address " HOME);
		world_done(&w);
	}
}

/* Who has a good certificate of the CA is not the node whose fingerprint is known, and what a
 * certificate that signs itself says about its owner counts for nothing. */
static void test_owner_by_fingerprint_alone(void **state)
{
	struct cert own;
	struct world w;

	(void)state;
	world_init(&w, mn_wish, ha_wish);
	w.p.agent.owner.has_fingerprint = true;
	pair_run(&w.p);
	assert_failed(&w.p, KEYS_HOME_NOT_PERMITTED, "", KEYS_HOME_NOT_PERMITTED, "");
	world_done(&w);

	world_init(&w, mn_wish, ha_wish);
	cert_make(&own, &(struct cert_wish){.name = "laptop", .alt = "IP:" HOME});
	pair_use_certificates(&w.p, &own, &w.ha);
	w.p.agent.pinned = own.fingerprint; /* of the owner of another home address */
	pair_run(&w.p);
	assert_failed(&w.p, KEYS_HOME_NOT_PERMITTED, "", KEYS_HOME_NOT_PERMITTED, "");
	w.p.agent.owner.name = "laptop";
	world_done(&w);
	cert_free(&own);
}

static void test_other_home_address(void **state)
{
	struct world w;

	(void)state;
	world_init(&w, mn_wish, ha_wish);
	w.p.ask.home = addr("2001:db8:1::77");
	pair_run(&w.p);
	assert_failed(&w.p, KEYS_HOME_NOT_PERMITTED, "home address 2001:db8:1::77",
		      KEYS_HOME_NOT_PERMITTED, "may not have the home address 2001:db8:1::77");
	assert_string_equal(keys_failure_of(w.p.client.s)->said, "401 home-not-permitted");
	world_done(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_mobile_node_expired),
		cmocka_unit_test(test_home_agent_expired),
		cmocka_unit_test(test_clocks),
		cmocka_unit_test(test_unknown_ca),
		cmocka_unit_test(test_false_ca),
		cmocka_unit_test(test_no_ca),
		cmocka_unit_test(test_mobile_node_revoked),
		cmocka_unit_test(test_home_agent_revoked),
		cmocka_unit_test(test_crl_old),
		cmocka_unit_test(test_crl_of_another_ca),
		cmocka_unit_test(test_home_agent_of_another_name),
		cmocka_unit_test(test_home_agent_name_rules),
		cmocka_unit_test(test_purpose),
		cmocka_unit_test(test_rsa),
		cmocka_unit_test(test_fingerprint_of_home_agent),
		cmocka_unit_test(test_fingerprint_of_mobile_node),
		cmocka_unit_test(test_fingerprint_dates),
		cmocka_unit_test(test_owners),
		cmocka_unit_test(test_owner_by_fingerprint_alone),
		cmocka_unit_test(test_other_home_address),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
