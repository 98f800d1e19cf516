/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the tests of keys share: certificates that are made on the spot, and two ends that talk in
 * memory.
 */
#ifndef BUB_TEST_KEYS_H
#define BUB_TEST_KEYS_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <arpa/inet.h>
#include <cmocka.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <string.h>

#include "keys.h"
#include "keys_identity.h"
#include "keys_make.h"
#include "keys_token.h"

#define WALL 1800000000 /* 2027-01-15 08:00:00 UTC */
#define DAY 86400
#define HOME "2001:db8:1::5"
#define HOME_AGENT "2001:db8:1::1"

static inline struct in6_addr addr(const char *text)
{
	struct in6_addr a;

	assert_int_equal(inet_pton(AF_INET6, text, &a), 1);
	return a;
}

static inline struct keys_octets text_of(const char *text)
{
	return (struct keys_octets){.data = (const uint8_t *)text, .len = strlen(text)};
}

/* ---- Certificates -------------------------------------------------------------------------- */

struct cert {
	EVP_PKEY *key;
	X509 *x509;
	char key_pem[KEYS_PEM_MAX], pem[KEYS_PEM_MAX];
	uint8_t fingerprint[KEYS_FINGERPRINT_LEN];
};

struct cert_wish {
	const char *name; /* common name */
	const char *alt;  /* subjectAltName as openssl's configuration has it; NULL: none */
	const char *use;  /* extended key usage; NULL: any */
	const struct cert *issuer; /* NULL: itself */
	bool ca;
	int64_t from, until; /* 0: a day around WALL */
	unsigned rsa_bits;   /* 0: P-256 */
	long serial;
};

void cert_make(struct cert *c, const struct cert_wish *wish);
void cert_free(struct cert *c);

/* A revocation list of @ca with the serial number @revoked (0: none), in PEM. */
void crl_make(const struct cert *ca, long revoked, int64_t from, int64_t until,
	      char ret_pem[static KEYS_PEM_MAX]);

/* ---- Two ends ------------------------------------------------------------------------------ */

/* What the home agent knows, and is asked. */
struct agent {
	const char *psk_name;
	const char *secret;
	const uint8_t *pinned;
	struct keys_owner owner;
	struct keys_grant grant;
	enum keys_reason answer; /* in place of the owner's word, unless KEYS_OK */
	unsigned asked;          /* for a grant */
	const char *unusable;    /* the keys cannot be taken into use: why; NULL: they can */
	unsigned taken;          /* into use */
	char who[KEYS_NAME_MAX];
	struct keys_request req;
};

struct end {
	struct keys_session *s;
	uint8_t out[40000];  /* sent, all of it */
	size_t out_len, fed; /* fed: octets of the other end's out */
};

struct pair {
	struct keys_client_config mn;
	struct keys_server_config ha;
	struct keys_client_params ask;
	struct agent agent;
	int64_t mn_wall, ha_wall;
	bool streams; /* the home agent takes those, too */
	size_t chunk; /* octets that arrive at once; 0: all that there are */
	struct keys_context *mn_ctx, *ha_ctx;
	struct end client, server;
	struct bub_time now;
};

/* By pre-shared key, and all is well; a test changes what it is about. */
void pair_init(struct pair *p);
void pair_use_certificates(struct pair *p, const struct cert *mn, const struct cert *ha);
/* Certificates of one CA, for the addresses of both ends; the caller frees all three. */
void pair_use_ca(struct pair *p, struct cert *ca, struct cert *mn, struct cert *ha);

void pair_contexts(struct pair *p);
void pair_start(struct pair *p); /* and contexts, where there are none */
void pair_run(struct pair *p);   /* starts, and moves octets until no more come */
void pair_move(struct pair *p);
void pair_done(struct pair *p);

/* Takes what an end has to say. */
void end_take(struct end *e);

void assert_agreed(struct pair *p);
/* Both ends failed, for these reasons; the lines have these words in them. */
void assert_failed(struct pair *p, enum keys_reason at_mn, const char *mn_words,
		   enum keys_reason at_ha, const char *ha_words);
void assert_words(const struct keys_session *s, enum keys_reason why, const char *words);

/* ---- Another end of TLS -------------------------------------------------------------------- */

struct raw {
	SSL_CTX *ctx;
	SSL *ssl;
};

static const uint8_t our_alpn[] = {10, 'b', 'u', 'b', '-', 'k', 'e', 'y', 's', '/', '1'};

void raw_init(struct raw *r, const SSL_METHOD *method); /* the context, to be filled in */
void raw_start(struct raw *r, bool server);
void raw_done(struct raw *r);
/* Shakes hands, and moves octets between the two until no more come. */
void raw_move(struct raw *r, struct keys_session *s, struct bub_time now);

#endif
