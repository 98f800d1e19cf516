/* SPDX-License-Identifier: BSD-2-Clause */
/* Certificates by libcrypto, a home agent with one mobile node, and the way between the ends. */
#include "keys_test.h"

#include <openssl/bio.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>

/* ---- Certificates -------------------------------------------------------------------------- */

static void extend(X509 *x509, X509 *issuer, int nid, const char *value)
{
	X509V3_CTX ctx;
	X509_EXTENSION *ext = NULL;

	X509V3_set_ctx_nodb(&ctx);
	X509V3_set_ctx(&ctx, issuer, x509, NULL, NULL, 0);
	ext = X509V3_EXT_conf_nid(NULL, &ctx, nid, value);
	assert_non_null(ext);
	assert_int_equal(X509_add_ext(x509, ext, -1), 1);
	X509_EXTENSION_free(ext);
}

static void bio_text(BIO *bio, char ret[static KEYS_PEM_MAX])
{
	const int len = BIO_read(bio, ret, KEYS_PEM_MAX - 1);

	assert_true(len > 0);
	ret[len] = '\0';
	BIO_free(bio);
}

void cert_make(struct cert *c, const struct cert_wish *wish)
{
	static long serial = 1000;
	X509 *x509 = X509_new();
	BIO *bio = BIO_new(BIO_s_mem());
	X509_NAME *name = X509_get_subject_name(x509);

	memset(c, 0, sizeof(*c));
	c->x509 = x509;
	c->key = wish->rsa_bits != 0 ? EVP_RSA_gen(wish->rsa_bits) : EVP_EC_gen("P-256");
	assert_non_null(c->key);
	assert_int_equal(X509_set_version(x509, 2), 1);
	assert_int_equal(ASN1_INTEGER_set(X509_get_serialNumber(x509),
					  wish->serial != 0 ? wish->serial : serial++),
			 1);
	ASN1_TIME_set(X509_getm_notBefore(x509), wish->from != 0 ? wish->from : WALL - DAY);
	ASN1_TIME_set(X509_getm_notAfter(x509), wish->until != 0 ? wish->until : WALL + DAY);
	assert_int_equal(X509_set_pubkey(x509, c->key), 1);
	assert_int_equal(X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_UTF8,
						    (const unsigned char *)wish->name, -1, -1, 0),
			 1);
	assert_int_equal(
		X509_set_issuer_name(x509, wish->issuer != NULL
						   ? X509_get_subject_name(wish->issuer->x509)
						   : name),
		1);
	extend(x509, wish->issuer != NULL ? wish->issuer->x509 : x509, NID_basic_constraints,
	       wish->ca ? "critical,CA:TRUE" : "critical,CA:FALSE");
	if (wish->alt != NULL)
		extend(x509, x509, NID_subject_alt_name, wish->alt);
	if (wish->use != NULL)
		extend(x509, x509, NID_ext_key_usage, wish->use);
	assert_true(X509_sign(x509, wish->issuer != NULL ? wish->issuer->key : c->key,
			      EVP_sha256()) > 0);
	assert_int_equal(PEM_write_bio_X509(bio, x509), 1);
	bio_text(bio, c->pem);
	bio = BIO_new(BIO_s_mem());
	assert_int_equal(PEM_write_bio_PrivateKey(bio, c->key, NULL, NULL, 0, NULL, NULL), 1);
	bio_text(bio, c->key_pem);
	assert_true(keys_fingerprint_of(text_of(c->pem), c->fingerprint));
}

void cert_free(struct cert *c)
{
	EVP_PKEY_free(c->key);
	X509_free(c->x509);
}

void crl_make(const struct cert *ca, long revoked, int64_t from, int64_t until,
	      char ret_pem[static KEYS_PEM_MAX])
{
	X509_CRL *crl = X509_CRL_new();
	ASN1_TIME *t = ASN1_TIME_set(NULL, from);
	BIO *bio = BIO_new(BIO_s_mem());

	assert_int_equal(X509_CRL_set_version(crl, 1), 1);
	assert_int_equal(X509_CRL_set_issuer_name(crl, X509_get_subject_name(ca->x509)), 1);
	assert_int_equal(X509_CRL_set1_lastUpdate(crl, t), 1);
	if (revoked != 0) {
		X509_REVOKED *r = X509_REVOKED_new();
		ASN1_INTEGER *number = ASN1_INTEGER_new();

		assert_int_equal(ASN1_INTEGER_set(number, revoked), 1);
		assert_int_equal(X509_REVOKED_set_serialNumber(r, number), 1);
		assert_int_equal(X509_REVOKED_set_revocationDate(r, t), 1);
		assert_int_equal(X509_CRL_add0_revoked(crl, r), 1);
		ASN1_INTEGER_free(number);
	}
	ASN1_TIME_set(t, until);
	assert_int_equal(X509_CRL_set1_nextUpdate(crl, t), 1);
	assert_true(X509_CRL_sign(crl, ca->key, EVP_sha256()) > 0);
	assert_int_equal(PEM_write_bio_X509_CRL(bio, crl), 1);
	bio_text(bio, ret_pem);
	ASN1_TIME_free(t);
	X509_CRL_free(crl);
}

/* ---- The home agent ------------------------------------------------------------------------ */

static size_t agent_psk(void *user, const char *name, uint8_t ret_secret[static KEYS_SECRET_MAX])
{
	const struct agent *a = &((struct pair *)user)->agent;

	if (a->secret == NULL || strcmp(name, a->psk_name) != 0)
		return 0;
	memcpy(ret_secret, a->secret, strlen(a->secret));
	return strlen(a->secret);
}

static bool agent_pinned(void *user, const uint8_t fingerprint[static KEYS_FINGERPRINT_LEN])
{
	const struct agent *a = &((struct pair *)user)->agent;

	return a->pinned != NULL && memcmp(a->pinned, fingerprint, KEYS_FINGERPRINT_LEN) == 0;
}

static enum keys_reason agent_grant(void *user, const struct keys_request *req,
				    struct keys_grant *ret_grant)
{
	struct agent *a = &((struct pair *)user)->agent;

	a->asked++;
	a->req = *req;
	(void)snprintf(a->who, sizeof(a->who), "%s", keys_identity_text(req->who));
	if (a->answer != KEYS_OK)
		return a->answer;
	if (!keys_identity_owns(req->who, &a->owner) ||
	    (!IN6_IS_ADDR_UNSPECIFIED(&req->home) &&
	     !IN6_ARE_ADDR_EQUAL(&req->home, &a->owner.home)))
		return KEYS_HOME_NOT_PERMITTED;
	*ret_grant = a->grant;
	ret_grant->home = a->owner.home;
	if (req->spi_payload == 0)
		ret_grant->spi_payload = 0;
	return KEYS_OK;
}

static enum keys_reason agent_take(void *user, const struct keys_agreed *agreed,
				   char ret_why[static KEYS_TEXT_MAX])
{
	struct pair *p = user;
	uint8_t answer[1];

	/* No yes has left by now. */
	assert_int_equal(keys_take(p->server.s, answer, sizeof(answer)), 0);
	assert_true(IN6_ARE_ADDR_EQUAL(&agreed->grant.home, &p->agent.owner.home));
	if (p->agent.unusable != NULL) {
		(void)snprintf(ret_why, KEYS_TEXT_MAX, "%s", p->agent.unusable);
		return KEYS_INTERNAL;
	}
	p->agent.taken++;
	return KEYS_OK;
}

static const struct keys_server_ops agent_ops = {agent_psk, agent_pinned, agent_grant, agent_take};

/* ---- Two ends ------------------------------------------------------------------------------ */

void pair_init(struct pair *p)
{
	memset(p, 0, sizeof(*p));
	p->now = (struct bub_time){5 * BUB_NS_PER_S};
	p->mn_wall = p->ha_wall = WALL;
	p->mn.secret = text_of("correct horse battery");
	p->ask = (struct keys_client_params){
		.home = addr(HOME),
		.home_agent = addr(HOME_AGENT),
		.spi_transport = 0x1001,
		.spi_tunnel = 0x1002,
	};
	p->ha.ops = &agent_ops;
	memset(p->ha.decoy, 7, sizeof(p->ha.decoy));
	p->agent.psk_name = HOME;
	p->agent.secret = "correct horse battery";
	p->agent.owner.home = addr(HOME);
	p->agent.grant = (struct keys_grant){
		.home_agent = addr(HOME_AGENT),
		.prefix = addr("2001:db8:1::"),
		.prefix_len = 64,
		.spi_transport = 0x2001,
		.spi_tunnel = 0x2002,
		.lifetime_s = 28800,
		.octets = UINT64_C(1) << 40,
		.has_token = true,
		.token = {1, 2, 3, 0xff},
	};
}

void pair_use_certificates(struct pair *p, const struct cert *mn, const struct cert *ha)
{
	p->mn.secret = (struct keys_octets){0};
	p->mn.trust.certificate = text_of(mn->pem);
	p->mn.trust.key = text_of(mn->key_pem);
	p->ha.trust.certificate = text_of(ha->pem);
	p->ha.trust.key = text_of(ha->key_pem);
}

void pair_use_ca(struct pair *p, struct cert *ca, struct cert *mn, struct cert *ha)
{
	cert_make(ca, &(struct cert_wish){.name = "our CA", .ca = true});
	cert_make(mn, &(struct cert_wish){.name = "laptop", .issuer = ca, .alt = "IP:" HOME});
	cert_make(ha, &(struct cert_wish){.name = "agent", .issuer = ca, .alt = "IP:" HOME_AGENT});
	pair_use_certificates(p, mn, ha);
	p->mn.trust.ca = p->ha.trust.ca = text_of(ca->pem);
}

void pair_contexts(struct pair *p)
{
	char why[KEYS_TEXT_MAX] = "";

	p->mn_ctx = keys_client_context_new(&p->mn, why);
	assert_string_equal(why, "");
	p->ha_ctx = keys_server_context_new(&p->ha, why);
	assert_string_equal(why, "");
}

void pair_start(struct pair *p)
{
	const struct keys_server_params server = {
		.now = p->now, .wall_s = p->ha_wall, .user = p, .streams = p->streams};

	if (p->mn_ctx == NULL)
		pair_contexts(p);
	p->ask.now = p->now;
	p->ask.wall_s = p->mn_wall;
	p->client.s = keys_client_new(p->mn_ctx, &p->ask);
	p->server.s = keys_server_new(p->ha_ctx, &server);
	assert_non_null(p->client.s);
	assert_non_null(p->server.s);
}

void end_take(struct end *e)
{
	size_t got = 0;

	while ((got = keys_take(e->s, e->out + e->out_len, sizeof(e->out) - e->out_len)) > 0)
		e->out_len += got;
}

/* Gives @to what @from has sent; returns whether there was anything. */
static bool give(const struct pair *p, struct end *to, const struct end *from)
{
	size_t len = from->out_len - to->fed;

	if (len == 0)
		return false;
	if (p->chunk != 0 && len > p->chunk)
		len = p->chunk;
	keys_feed(to->s, from->out + to->fed, len);
	to->fed += len;
	return true;
}

void pair_move(struct pair *p)
{
	bool more = true;

	while (more) {
		(void)keys_step(p->client.s, p->now);
		end_take(&p->client);
		more = give(p, &p->server, &p->client);
		(void)keys_step(p->server.s, p->now);
		end_take(&p->server);
		more = give(p, &p->client, &p->server) || more;
	}
}

void pair_run(struct pair *p)
{
	pair_start(p);
	pair_move(p);
}

void pair_done(struct pair *p)
{
	keys_session_free(p->client.s);
	keys_session_free(p->server.s);
	keys_context_free(p->mn_ctx);
	keys_context_free(p->ha_ctx);
}

static void assert_same_grant(const struct keys_grant *a, const struct keys_grant *b)
{
	assert_memory_equal(&a->home, &b->home, sizeof(a->home));
	assert_memory_equal(&a->home_agent, &b->home_agent, sizeof(a->home_agent));
	assert_memory_equal(&a->prefix, &b->prefix, sizeof(a->prefix));
	assert_int_equal(a->prefix_len, b->prefix_len);
	assert_int_equal(a->spi_transport, b->spi_transport);
	assert_int_equal(a->spi_tunnel, b->spi_tunnel);
	assert_int_equal(a->spi_payload, b->spi_payload);
	assert_int_equal(a->lifetime_s, b->lifetime_s);
	assert_true(a->octets == b->octets);
	assert_int_equal(a->has_token, b->has_token);
	assert_memory_equal(a->token, b->token, KEYS_TOKEN_LEN);
}

void assert_agreed(struct pair *p)
{
	const struct keys_agreed *mn = NULL, *ha = NULL;
	static const uint8_t zeros[ESP_ENC_KEY_MAX];

	if (keys_failure_of(p->client.s) != NULL)
		fail_msg("mobile node: %s", keys_failure_of(p->client.s)->text);
	if (keys_failure_of(p->server.s) != NULL)
		fail_msg("home agent: %s", keys_failure_of(p->server.s)->text);
	mn = keys_agreed_of(p->client.s);
	ha = keys_agreed_of(p->server.s);
	assert_non_null(mn);
	assert_non_null(ha);
	assert_same_grant(&mn->grant, &ha->grant);
	assert_true(p->agent.taken > 0);
	assert_int_equal(mn->alg, ha->alg);
	assert_int_equal(mn->set_count, ha->set_count);
	for (unsigned i = 0; i < mn->set_count; i++) {
		const struct esp_sa_params *a = &mn->set[i], *b = &ha->set[i];

		assert_int_equal(a->spi, b->spi);
		assert_memory_equal(a->enc_key, b->enc_key, sizeof(a->enc_key));
		assert_memory_equal(a->auth_key, b->auth_key, sizeof(a->auth_key));
		assert_memory_equal(a->id, b->id, sizeof(a->id));
		assert_int_not_equal(a->direction, b->direction);
		assert_memory_not_equal(a->enc_key, zeros, 16);
	}
	assert_true(bub_time_is_never(keys_deadline(p->client.s)));
	assert_true(bub_time_is_never(keys_deadline(p->server.s)));
}

void assert_words(const struct keys_session *s, enum keys_reason why, const char *words)
{
	const struct keys_failure *f = keys_failure_of(s);

	if (f == NULL) {
		fail_msg("no failure; expected %s", keys_reason_name(why));
		return;
	}
	if (f->reason != why || strstr(f->text, words) == NULL)
		fail_msg("%s: %s (said: %s); expected %s: ..%s..", keys_reason_name(f->reason),
			 f->text, f->said, keys_reason_name(why), words);
}

void assert_failed(struct pair *p, enum keys_reason at_mn, const char *mn_words,
		   enum keys_reason at_ha, const char *ha_words)
{
	assert_words(p->client.s, at_mn, mn_words);
	assert_words(p->server.s, at_ha, ha_words);
	assert_null(keys_agreed_of(p->client.s));
	assert_null(keys_agreed_of(p->server.s));
}

/* ---- Another end of TLS -------------------------------------------------------------------- */

void raw_init(struct raw *r, const SSL_METHOD *method)
{
	r->ctx = SSL_CTX_new(method);
	assert_non_null(r->ctx);
}

void raw_start(struct raw *r, bool server)
{
	r->ssl = SSL_new(r->ctx);
	SSL_set_bio(r->ssl, BIO_new(BIO_s_mem()), BIO_new(BIO_s_mem()));
	if (server)
		SSL_set_accept_state(r->ssl);
	else
		SSL_set_connect_state(r->ssl);
}

void raw_done(struct raw *r)
{
	SSL_free(r->ssl);
	SSL_CTX_free(r->ctx);
	ERR_clear_error();
}

/* Moves octets between @s and @r until no more come. */
void raw_move(struct raw *r, struct keys_session *s, struct bub_time now)
{
	uint8_t data[4096];
	bool more = true;

	while (more) {
		int got = 0;

		ERR_clear_error();
		(void)SSL_do_handshake(r->ssl);
		(void)keys_step(s, now);
		got = BIO_read(SSL_get_wbio(r->ssl), data, sizeof(data));
		more = got > 0;
		if (got > 0)
			keys_feed(s, data, (size_t)got);
		(void)keys_step(s, now);
		got = (int)keys_take(s, data, sizeof(data));
		if (got > 0)
			(void)BIO_write(SSL_get_rbio(r->ssl), data, got);
		more = more || got > 0;
	}
}
