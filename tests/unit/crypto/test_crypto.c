/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Tokens, keys and authenticators against oracles of their own: the vectors of RFC 2202, RFC 4231
 * and RFC 5869, values computed by vectors.py, and the messages of another implementation (UMIP) as
 * they were on the wire.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <arpa/inet.h>
#include <cmocka.h>

#include "crypto/hmac.h"
#include "hex.h"
#include "vectors.h"

static struct bub_crypto *crypto;

static int setup(void **state)
{
	(void)state;
	crypto = bub_crypto_new();
	return crypto == NULL ? -1 : 0;
}

static int teardown(void **state)
{
	(void)state;
	bub_crypto_free(crypto);
	return 0;
}

static struct in6_addr addr(const char *text)
{
	struct in6_addr a;

	assert_int_equal(inet_pton(AF_INET6, text, &a), 1);
	return a;
}

static void assert_hex(const uint8_t *got, const char *want)
{
	const struct hex h = unhex(want);

	assert_memory_equal(got, h.at, h.len);
}

/* RFC 2202, 3 and RFC 4231, 4: cases 1 to 5.  The later ones have keys longer than a block, which
 * no key here ever is. */
static void test_hmac_rfc_vectors(void **state)
{
	static const struct {
		const char *key;
		const char *data;
		const char *sha1;
		const char *sha256;
	} cases[] = {
		{"0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b", "4869205468657265",
		 "b617318655057264e28bc0b6fb378c8ef146be00",
		 "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7"},
		{"4a656665", "7768617420646f2079612077616e7420666f72206e6f7468696e673f",
		 "effcdf6ae5eb2fa2d27416d5f184df9c259a7c79",
		 "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"},
		{"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
		 "dddddddddddddddddddddddddddddddddddddddddddddddddd"
		 "dddddddddddddddddddddddddddddddddddddddddddddddddd",
		 "125d7342b9ac11cd91a39af48aa17b4f63f175d3",
		 "773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe"},
		{"0102030405060708090a0b0c0d0e0f10111213141516171819",
		 "cdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcd"
		 "cdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcd",
		 "4c9007f4026250c6bc8414f9bf50c86c2d7235da",
		 "82558a389a443c0ea4cc819899f2083a85f0faa3e578f8077a2e3ff46729665b"},
		{"0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c",
		 "546573742057697468205472756e636174696f6e",
		 "4c1a03424b55e07fe7f27be1d58bb9324a9a5a04", "a3b6167473100ee06e0c796c2955552b"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const struct hex key = unhex(cases[i].key);
		const struct hex data = unhex(cases[i].data);
		const struct bub_view k = {key.at, key.len};
		uint8_t mac[BUB_HASH_MAX];

		/* However the message is cut into parts. */
		for (size_t cut = 0; cut <= data.len; cut++) {
			const struct bub_view parts[] = {
				{data.at, cut},
				{data.at + cut, data.len - cut},
			};

			bub_hmac(crypto, BUB_MAC_HMAC_SHA1, k, parts, 2, mac);
			assert_hex(mac, cases[i].sha1);
			bub_hmac(crypto, BUB_MAC_HMAC_SHA256, k, parts, 2, mac);
			assert_hex(mac, cases[i].sha256);
		}
	}
}

/* RFC 5869, A.1 and A.4: Extract, and the first block of Expand, which is all that a key of the
 * hash's length needs. */
static void test_hkdf_rfc_vectors(void **state)
{
	static const struct {
		enum bub_mac_alg alg;
		const char *ikm, *prk, *okm;
	} cases[] = {
		{BUB_MAC_HMAC_SHA256, "0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b",
		 "077709362c2e32df0ddc3f0dc47bba6390b6c73bb50f9c3122ec844ad7c2b3e5",
		 "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf"},
		{BUB_MAC_HMAC_SHA1, "0b0b0b0b0b0b0b0b0b0b0b",
		 "9b6c18c432a7bf8f0e71c8eb88f4b30baa2ba243",
		 "085a01ea1b10f36933068b56efa5ad81a4f14b82"},
	};
	const struct hex salt = unhex("000102030405060708090a0b0c");
	const struct hex info = unhex("f0f1f2f3f4f5f6f7f8f901");

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const struct hex ikm = unhex(cases[i].ikm);
		const struct bub_view ikm_view = {ikm.at, ikm.len};
		const struct bub_view info_view = {info.at, info.len};
		uint8_t prk[BUB_HASH_MAX], okm[BUB_HASH_MAX];

		bub_hmac(crypto, cases[i].alg, (struct bub_view){salt.at, salt.len}, &ikm_view, 1,
			 prk);
		assert_hex(prk, cases[i].prk);
		bub_hmac(crypto, cases[i].alg, (struct bub_view){prk, bub_mac_len(cases[i].alg)},
			 &info_view, 1, okm);
		assert_hex(okm, cases[i].okm);
	}
}

/* RFC 6275, 5.2.5 */
static void test_tokens_and_kbm(void **state)
{
	const struct hex kcn = unhex("101112131415161718191a1b1c1d1e1f20212223");
	const struct hex nonce = unhex("a1a2a3a4a5a6a7a8");
	const struct in6_addr home_addr = addr("2001:db8:1::100");
	const struct in6_addr care_of_addr = addr("2001:db8:11::7");
	uint8_t home[BUB_TOKEN_LEN], care_of[BUB_TOKEN_LEN];
	struct bub_key key;

	(void)state;
	bub_keygen_token(crypto, kcn.at, &home_addr, nonce.at, false, home);
	assert_hex(home, V_HOME_TOKEN);
	bub_keygen_token(crypto, kcn.at, &care_of_addr, nonce.at, true, care_of);
	assert_hex(care_of, V_CARE_OF_TOKEN);

	bub_kbm(crypto, home, care_of, &key);
	assert_int_equal(key.alg, BUB_MAC_HMAC_SHA1);
	assert_int_equal(key.len, BUB_KBM_LEN);
	assert_hex(key.octets, V_KBM);

	bub_kbm(crypto, home, NULL, &key);
	assert_int_equal(key.len, BUB_KBM_LEN);
	assert_hex(key.octets, V_KBM_DELETE);
}

static void test_token_depends_on_everything(void **state)
{
	uint8_t kcn[BUB_KCN_LEN] = {1}, nonce[BUB_NONCE_LEN] = {2};
	uint8_t token[BUB_TOKEN_LEN], other[BUB_TOKEN_LEN];
	struct in6_addr a = addr("2001:db8::1");

	(void)state;
	bub_keygen_token(crypto, kcn, &a, nonce, false, token);
	bub_keygen_token(crypto, kcn, &a, nonce, true, other);
	assert_memory_not_equal(token, other, sizeof(token));
	for (size_t i = 0; i < sizeof(kcn); i++) {
		kcn[i] ^= 0x80;
		bub_keygen_token(crypto, kcn, &a, nonce, false, other);
		assert_memory_not_equal(token, other, sizeof(token));
		kcn[i] ^= 0x80;
	}
	for (size_t i = 0; i < sizeof(nonce); i++) {
		nonce[i] ^= 0x01;
		bub_keygen_token(crypto, kcn, &a, nonce, false, other);
		assert_memory_not_equal(token, other, sizeof(token));
		nonce[i] ^= 0x01;
	}
	for (size_t i = 0; i < sizeof(a.s6_addr); i++) {
		a.s6_addr[i] ^= 0x10;
		bub_keygen_token(crypto, kcn, &a, nonce, false, other);
		assert_memory_not_equal(token, other, sizeof(token));
		a.s6_addr[i] ^= 0x10;
	}
	/* The key that was set aside in between is as good as new. */
	bub_keygen_token(crypto, kcn, &a, nonce, false, other);
	assert_memory_equal(token, other, sizeof(token));
	bub_keygen_token(crypto, kcn, &a, nonce, false, other);
	assert_memory_equal(token, other, sizeof(token));
}

/*
 * Messages that UMIP's mip6d exchanged with a correspondent (RFC 6275 on Linux, another code base),
 * as captured at the mobile node: the tokens of its HoT and two CoTs, and every kind of Binding
 * Update and Acknowledgement that they sign.  The octets are the whole Mobility Header, its
 * checksum as it was on the wire.
 */
#define UMIP_HOME_TOKEN "80ed895f09320f95"
#define UMIP_CARE_OF_TOKEN_1 "133fd89c18949d5b"
#define UMIP_CARE_OF_TOKEN_2 "4fe3373153ae74ec"
#define UMIP_HOME "2001:db8:1::100"
#define UMIP_PEER "2001:db8:20::10"
#define UMIP_CARE_OF_1 "2001:db8:11:0:3848:5dff:fe3c:c356"
#define UMIP_CARE_OF_2 "2001:db8:12:0:3848:5dff:fe3c:c356"

static const struct {
	const char *what;
	const char *care_of_token; /* NULL: the binding is deleted */
	const char *care_of;
	const char *mh;
} umip[] = {
	{"first Binding Update", UMIP_CARE_OF_TOKEN_1, UMIP_CARE_OF_1,
	 "3b030500b251ac318000000a040400010001050c2083ca1151106f53dffbf01d"},
	{"its acknowledgement", UMIP_CARE_OF_TOKEN_1, UMIP_CARE_OF_1,
	 "3b03060057b10000ac31000a010400000000050c29b81e01d8322c2672f298b0"},
	{"after a movement", UMIP_CARE_OF_TOKEN_2, UMIP_CARE_OF_2,
	 "3b0305008c39ac328000000a040400010001050cb7bfb94d08b4c0018c90dad5"},
	{"its acknowledgement", UMIP_CARE_OF_TOKEN_2, UMIP_CARE_OF_2,
	 "3b030600aee40000ac32000a010400000000050c08ea8d2c2afff04d32941c89"},
	{"refresh", UMIP_CARE_OF_TOKEN_2, UMIP_CARE_OF_2,
	 "3b0305002a04ac3380000004040400010001050cb185a3a9de87a500904f9a5c"},
	{"deletion at home", NULL, UMIP_HOME,
	 "3b030500f783ac3a80000000040400010000050ca420e2759dcf318827f8b7fb"},
};

static void test_umip_authenticators(void **state)
{
	const struct hex home = unhex(UMIP_HOME_TOKEN);
	const struct in6_addr peer = addr(UMIP_PEER);

	(void)state;
	for (size_t i = 0; i < sizeof(umip) / sizeof(umip[0]); i++) {
		const char *token_text = umip[i].care_of_token;
		const struct hex token = unhex(token_text != NULL ? token_text : "");
		const struct hex mh = unhex(umip[i].mh);
		const struct in6_addr care_of = addr(umip[i].care_of);
		uint8_t auth[BUB_AUTH_LEN];
		struct bub_key kbm;

		bub_kbm(crypto, home.at, token_text != NULL ? token.at : NULL, &kbm);
		bub_authenticator(crypto, &kbm, &care_of, &peer, mh.at, mh.len - BUB_AUTH_LEN,
				  auth);
		if (!bub_equal_secret(auth, mh.at + mh.len - BUB_AUTH_LEN, BUB_AUTH_LEN))
			fail_msg("%s", umip[i].what);
	}
}

/* Every octet that RFC 6275, 6.2.7 covers changes the authenticator; the checksum does not. */
static void test_authenticator_covers(void **state)
{
	struct hex mh = unhex(umip[0].mh);
	struct in6_addr care_of = addr(UMIP_CARE_OF_1), peer = addr(UMIP_PEER);
	struct bub_key key = {.alg = BUB_MAC_HMAC_SHA1, .len = 20, .octets = {7}};
	const size_t auth_at = mh.len - BUB_AUTH_LEN;
	uint8_t auth[BUB_AUTH_LEN], other[BUB_AUTH_LEN];

	(void)state;
	bub_authenticator(crypto, &key, &care_of, &peer, mh.at, auth_at, auth);
	for (size_t i = 0; i < mh.len; i++) {
		mh.at[i] ^= 0x04;
		bub_authenticator(crypto, &key, &care_of, &peer, mh.at, auth_at, other);
		assert_int_equal(bub_equal_secret(auth, other, sizeof(auth)),
				 i == 4 || i == 5 || i >= auth_at);
		mh.at[i] ^= 0x04;
	}
	for (size_t i = 0; i < 16; i++) {
		care_of.s6_addr[i] ^= 1;
		bub_authenticator(crypto, &key, &care_of, &peer, mh.at, auth_at, other);
		assert_false(bub_equal_secret(auth, other, sizeof(auth)));
		care_of.s6_addr[i] ^= 1;
		peer.s6_addr[i] ^= 1;
		bub_authenticator(crypto, &key, &care_of, &peer, mh.at, auth_at, other);
		assert_false(bub_equal_secret(auth, other, sizeof(auth)));
		peer.s6_addr[i] ^= 1;
	}
	/* The two addresses are not interchangeable. */
	bub_authenticator(crypto, &key, &peer, &care_of, mh.at, auth_at, other);
	assert_false(bub_equal_secret(auth, other, sizeof(auth)));
}

static void counting(uint8_t *p, size_t len, uint8_t first)
{
	for (size_t i = 0; i < len; i++)
		p[i] = (uint8_t)(first + i);
}

static void test_authenticator_sha256(void **state)
{
	const struct in6_addr care_of = addr("2001:db8:11::7"), peer = addr("2001:db8:2::200");
	struct bub_key key = {.alg = BUB_MAC_HMAC_SHA256, .len = 32};
	uint8_t mh[64], auth[BUB_AUTH_LEN];

	(void)state;
	counting(mh, sizeof(mh), 0);
	counting(key.octets, 32, 0x80);
	bub_authenticator(crypto, &key, &care_of, &peer, mh, 52, auth);
	assert_hex(auth, V_AUTH_SHA256);
}

/* What BUBC's Authenticator covers: the care-of address of who launched the test, then the home
 * address of who answers (docs/protocol.md, 3.4), and no other of the four addresses. */
static void test_bubc(void **state)
{
	const struct in6_addr hoa1 = addr("2001:db8:1::100"), coa1 = addr("2001:db8:11::7");
	const struct in6_addr hoa2 = addr("2001:db8:2::200"), coa2 = addr("2001:db8:22::9");
	const struct bub_codepoints cp = BUB_CODEPOINTS_DEFAULT;
	const struct hex want = unhex(V_BUBC), kbm = unhex(V_BUBC_KBM);
	struct bub_key key = {.alg = BUB_MAC_HMAC_SHA1, .len = 20};
	struct bub_mh mh = {.kind = BUB_MH_BUBC};
	struct bub_mh_layout at;
	uint8_t octets[64], auth[BUB_AUTH_LEN];

	(void)state;
	memcpy(key.octets, kbm.at, kbm.len);
	memcpy(mh.u.bubc.care_of_cookie, want.at + 8, BUB_COOKIE_LEN);
	memcpy(mh.u.bubc.bub_cookie, want.at + 16, BUB_COOKIE_LEN);
	mh.opts.present = BUB_OPT_AUTH;
	assert_int_equal(bub_mh_encode(&mh, &cp, octets, sizeof octets, &at), 0);
	assert_int_equal(at.len, want.len);
	bub_authenticator(crypto, &key, &coa1, &hoa2, octets, at.auth_at, octets + at.auth_at);
	assert_memory_equal(octets, want.at, want.len);
	bub_authenticator(crypto, &key, &hoa1, &hoa2, octets, at.auth_at, auth);
	assert_hex(auth, V_BUBC_OF_HOMES);
	bub_authenticator(crypto, &key, &coa1, &coa2, octets, at.auth_at, auth);
	assert_hex(auth, V_BUBC_OF_CARE_OFS);
	bub_authenticator(crypto, &key, &hoa2, &coa1, octets, at.auth_at, auth);
	assert_hex(auth, V_BUBC_SWAPPED);
}

/* Draft, 5.1: SHA-1 for Kbm and for a Kabm of suite 2 alike. */
static void test_dh_signature(void **state)
{
	const struct hex cookie = unhex("c0c1c2c3c4c5c6c7");
	struct bub_key kbm = {.alg = BUB_MAC_HMAC_SHA1, .len = 20};
	struct bub_key kabm = {.alg = BUB_MAC_HMAC_SHA256, .len = 32};
	uint8_t mh[64], signature[BUB_AUTH_LEN], other[BUB_AUTH_LEN];

	(void)state;
	counting(mh, sizeof(mh), 0);
	counting(kbm.octets, 20, 0);
	counting(kabm.octets, 32, 0x80);
	bub_dh_signature(crypto, &kbm, mh, sizeof(mh), 16, cookie.at, signature);
	assert_hex(signature, V_DH_SIGNATURE_MIDDLE);
	bub_dh_signature(crypto, &kabm, mh, sizeof(mh), 52, cookie.at, signature);
	assert_hex(signature, V_DH_SIGNATURE_KABM);
	bub_dh_signature(crypto, &kbm, mh, sizeof(mh), 52, cookie.at, signature);
	assert_hex(signature, V_DH_SIGNATURE_KBM);

	/* A verifier computes it over the message as received, signature and checksum in place. */
	for (size_t i = 0; i < sizeof(mh); i++) {
		mh[i] ^= 0x20;
		bub_dh_signature(crypto, &kbm, mh, sizeof(mh), 52, cookie.at, other);
		assert_int_equal(bub_equal_secret(signature, other, sizeof(other)),
				 i == 4 || i == 5 || i >= 52);
		mh[i] ^= 0x20;
	}
	for (size_t i = 0; i < BUB_COOKIE_LEN; i++) {
		struct hex bad = cookie;

		bad.at[i] ^= 1;
		bub_dh_signature(crypto, &kbm, mh, sizeof(mh), 52, bad.at, other);
		assert_false(bub_equal_secret(signature, other, sizeof(other)));
	}
}

static void test_equal_secret_and_wipe(void **state)
{
	uint8_t a[20], b[20];
	static const uint8_t zeros[20];

	(void)state;
	counting(a, sizeof(a), 1);
	memcpy(b, a, sizeof(b));
	assert_true(bub_equal_secret(a, b, sizeof(a)));
	assert_true(bub_equal_secret(a, b, 0));
	for (size_t i = 0; i < sizeof(a); i++) {
		b[i] ^= 0x40;
		assert_false(bub_equal_secret(a, b, sizeof(a)));
		assert_true(bub_equal_secret(a, b, i));
		b[i] ^= 0x40;
	}
	bub_wipe(a, sizeof(a));
	assert_memory_equal(a, zeros, sizeof(a));
}

static void test_free_takes_null(void **state)
{
	(void)state;
	bub_crypto_free(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_hmac_rfc_vectors),
		cmocka_unit_test(test_hkdf_rfc_vectors),
		cmocka_unit_test(test_tokens_and_kbm),
		cmocka_unit_test(test_token_depends_on_everything),
		cmocka_unit_test(test_umip_authenticators),
		cmocka_unit_test(test_authenticator_covers),
		cmocka_unit_test(test_authenticator_sha256),
		cmocka_unit_test(test_bubc),
		cmocka_unit_test(test_dh_signature),
		cmocka_unit_test(test_equal_secret_and_wipe),
		cmocka_unit_test(test_free_takes_null),
	};

	return cmocka_run_group_tests_name("crypto", tests, setup, teardown);
}
