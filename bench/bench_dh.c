/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Diffie-Hellman exchanges that one core answers in a second, for bench/dh.py.
 *
 *	bench_dh limit  the two X25519 operations of an exchange by libcrypto: a key pair, a secret
 *	bench_dh bub    what the core does as responder: public value, secret, keys, SIG and MAC
 *
 * Messages are not in it: they take microseconds where this takes a hundred.
 */
#include <openssl/evp.h>
#include <openssl/rand.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "crypto/crypto.h"

#define EXCHANGES 3000
#define LEN 32

static void must(bool ok, const char *what)
{
	if (ok)
		return;
	(void)fprintf(stderr, "%s\n", what);
	exit(1);
}

static double cpu_s(void)
{
	struct timespec ts = {0};

	(void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

static void exchange_limit(EVP_PKEY *peer)
{
	EVP_PKEY *own = EVP_PKEY_Q_keygen(NULL, NULL, "X25519");
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_pkey(NULL, own, NULL);
	uint8_t secret[LEN];
	size_t len = sizeof(secret);

	must(EVP_PKEY_derive_init(ctx) == 1 && EVP_PKEY_derive_set_peer(ctx, peer) == 1 &&
		     EVP_PKEY_derive(ctx, secret, &len) == 1,
	     "X25519");
	EVP_PKEY_CTX_free(ctx);
	EVP_PKEY_free(own);
}

static void exchange_bub(struct bub_crypto *c, struct bub_view peer)
{
	static const uint8_t nonce[BUB_DH_NONCE_LEN], sid[BUB_DH_SID_LEN];
	static const struct in6_addr mn1 = IN6ADDR_LOOPBACK_INIT, mn2 = IN6ADDR_LOOPBACK_INIT;
	uint8_t priv[BUB_DH_PRIVATE_LEN], public[BUB_DH_PUBLIC_MAX], sig[BUB_HASH_MAX];
	const struct bub_dh_context ctx = {
		BUB_SUITE_SHA256_X25519, nonce, nonce, sid, sid, &mn1, &mn2, public};
	struct bub_key kbm = {.alg = BUB_MAC_HMAC_SHA256, .len = BUB_HASH_MAX};
	struct bub_dh_keys keys;

	must(RAND_bytes(priv, sizeof(priv)) == 1, "random octets");
	must(bub_dh_public(c, ctx.suite, priv, public) == LEN, "public value");
	must(bub_dh_keys(c, &ctx, priv, peer, &keys) == 0, "keys");
	bub_dh_sig(c, ctx.suite, &kbm, nonce, sid, (struct bub_view){public, LEN},
		   (struct bub_view){sid, sizeof(sid)}, (struct bub_view){sid, sizeof(sid)}, sig);
	bub_dh_mac(c, ctx.suite, &keys.km, &mn1, sig);
}

int main(int argc, char **argv)
{
	EVP_PKEY *peer = EVP_PKEY_Q_keygen(NULL, NULL, "X25519");
	struct bub_crypto *c = bub_crypto_new();
	uint8_t public[LEN];
	size_t len = sizeof(public);
	bool limit = argc == 2 && strcmp(argv[1], "limit") == 0;
	double start;

	must(argc == 2, "usage: bench_dh limit|bub");
	must(c != NULL && peer != NULL && EVP_PKEY_get_raw_public_key(peer, public, &len) == 1,
	     "libcrypto");
	start = cpu_s();
	for (int i = 0; i < EXCHANGES; i++) {
		if (limit)
			exchange_limit(peer);
		else
			exchange_bub(c, (struct bub_view){public, len});
	}
	printf("exchanges/s %.0f\n", EXCHANGES / (cpu_s() - start));
	bub_crypto_free(c);
	EVP_PKEY_free(peer);
	return 0;
}
