/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What is in the messages of a Diffie-Hellman exchange, computed a second time from
 * docs/protocol.md
 * ("DH messages") with libcrypto alone: the signature, info, SIG and MAC, and Kabm itself.  Both
 * ends are one code, so that a mistake in what it concatenates would never show in an exchange.
 * Node 2 is the initiator: MN1 of the formulas.
 */
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <string.h>

#include "bul/entry.h"
#include "pair.h"

struct octets {
	uint8_t b[1024];
	size_t n;
};

static void put(struct octets *o, const void *data, size_t len)
{
	assert_true(o->n + len <= sizeof o->b);
	memcpy(o->b + o->n, data, len);
	o->n += len;
}

static void put_view(struct octets *o, struct bub_view v)
{
	put(o, v.data, v.len);
}

static void hmac(const EVP_MD *md, const void *key, size_t key_len, const struct octets *o,
		 uint8_t ret[32])
{
	unsigned len;

	assert_non_null(HMAC(md, key, (int)key_len, o->b, o->n, ret, &len));
}

static const struct message *dh(const struct pair *p, unsigned message)
{
	for (size_t i = 0; i < p->n_messages; i++)
		if (p->message[i]->mh.kind == BUB_MH_DH &&
		    p->message[i]->mh.u.dh.message == message)
			return p->message[i];
	fail_msg("no DH%u", message);
	return NULL;
}

/* HKDF-Expand, one block: HMAC(seed, label | sid1 | sid2 | HoA1 | HoA2 | 1). */
static void expand(const struct pair *p, const uint8_t seed[32], const char *label, uint8_t ret[32])
{
	struct octets o = {.n = 0};

	put(&o, label, strlen(label));
	put(&o, dh(p, 2)->mh.u.dh.sid1, BUB_DH_SID_LEN);
	put(&o, dh(p, 2)->mh.u.dh.sid2, BUB_DH_SID_LEN);
	put(&o, &p->hoa[1], 16);
	put(&o, &p->hoa[0], 16);
	put(&o, "\1", 1);
	hmac(EVP_sha256(), seed, 32, &o, ret);
}

/* g^xy from the initiator's private value and the responder's public one; Km and Kabm from it. */
static void derive(const struct pair *p, const uint8_t priv[32], uint8_t ret_km[32],
		   uint8_t ret_kabm[32])
{
	struct bub_view y = dh(p, 2)->mh.u.dh.share[0].value;
	EVP_PKEY *own = EVP_PKEY_new_raw_private_key(EVP_PKEY_X25519, NULL, priv, 32);
	EVP_PKEY *peer = EVP_PKEY_new_raw_public_key(EVP_PKEY_X25519, NULL, y.data, y.len);
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new(own, NULL);
	struct octets o = {.n = 32}, salt = {.n = 0};
	uint8_t seed[32];
	size_t len = 32;

	assert_int_equal(EVP_PKEY_derive_init(ctx), 1);
	assert_int_equal(EVP_PKEY_derive_set_peer(ctx, peer), 1);
	assert_int_equal(EVP_PKEY_derive(ctx, o.b, &len), 1);
	put_view(&salt, dh(p, 1)->mh.u.dh.nonce);
	put_view(&salt, dh(p, 2)->mh.u.dh.nonce);
	hmac(EVP_sha256(), salt.b, salt.n, &o, seed);
	expand(p, seed, "bub km", ret_km);
	expand(p, seed, "bub kabm", ret_kabm);
	EVP_PKEY_CTX_free(ctx);
	EVP_PKEY_free(peer);
	EVP_PKEY_free(own);
}

/* First(96, HMAC_SHA1(Kbm, MH with checksum and signature zeroed | BUB cookie)). */
static void assert_signature(const struct pair *p, const struct message *m)
{
	struct octets o = {.n = 0};
	uint8_t want[32];
	size_t at = m->mh.raw.len - 12;

	put_view(&o, m->mh.raw);
	memset(o.b + 4, 0, 2);
	memset(o.b + at, 0, 12);
	put(&o, p->bub_cookie, 8);
	hmac(EVP_sha1(), p->kbm[1].key.octets, 20, &o, want);
	assert_memory_equal(m->mh.raw.data + at, want, 12);
}

/* SIG and MAC of DH3 and DH4: @n and @sid as the formula has them, @value the sender's own. */
static void assert_closing(const struct pair *p, const struct message *m, struct bub_view n,
			   const uint8_t *sid, struct bub_view value, struct bub_view infos[2],
			   const uint8_t km[32])
{
	const struct bub_dh *d = &m->mh.u.dh;
	struct octets o = {.n = 0};
	uint8_t want[32];

	put_view(&o, n);
	put(&o, sid, BUB_DH_SID_LEN);
	put_view(&o, value);
	put_view(&o, infos[0]);
	put_view(&o, infos[1]);
	hmac(EVP_sha256(), p->kbm[1].key.octets, 20, &o, want);
	assert_int_equal(d->sig.len, 32);
	assert_memory_equal(d->sig.data, want, 32);
	o.n = 0;
	put(&o, &d->identity, 16);
	hmac(EVP_sha256(), km, 32, &o, want);
	assert_int_equal(d->mac.len, 32);
	assert_memory_equal(d->mac.data, want, 32);
	assert_true(bub_addr_eq(&d->identity, &p->hoa[m->node == p->mn[1]]));
}

static void messages_are_as_documented(void **state)
{
	const struct bub_dh *dh1, *dh2;
	struct bub_view infos[2], turned[2];
	uint8_t km[32], kabm[32];
	const struct bul_entry *initiator;
	struct pair p;

	(void)state;
	pair_init(&p);
	p.mn_cfg[1].suite[1] = BUB_SUITE_SHA1_MODP2048; /* so that info1 is not info2 */
	p.mn_cfg[1].n_suites = 2;
	pair_start(&p);
	pair_go(&p, 0, 0);
	pair_run(&p, 2000);
	pair_data(&p, 0);
	pair_run(&p, 2000);
	/* Without DH4 the initiator keeps its private value. */
	pair_lose_dh(&p, p.mn[0], 4, 1);
	pair_go(&p, 1, 0);
	for (unsigned i = 0; i < 100 && pair_count_dh(&p, 0, 4) == 0; i++)
		pair_talk(&p, 100);
	initiator = bul_find(p.mn[1]->engine, &p.hoa[1], &p.hoa[0]);
	assert_non_null(initiator);
	derive(&p, initiator->dh.priv[0], km, kabm);
	dh1 = &dh(&p, 1)->mh.u.dh;
	dh2 = &dh(&p, 2)->mh.u.dh;
	/* info: the format, 1, and the suites offered or the one chosen. */
	assert_int_equal(dh1->info.len, 3);
	assert_memory_equal(dh1->info.data, "\1\2\1", 3);
	assert_int_equal(dh2->info.len, 2);
	assert_memory_equal(dh2->info.data, "\1\2", 2);
	assert_int_equal(dh(&p, 4)->mh.u.dh.info.len, 2);
	assert_memory_equal(dh(&p, 4)->mh.u.dh.info.data, "\1\2", 2);
	infos[0] = turned[1] = dh1->info;
	infos[1] = turned[0] = dh2->info;
	assert_closing(&p, dh(&p, 3), dh2->nonce, dh2->sid1, dh1->share[0].value, infos, km);
	assert_closing(&p, dh(&p, 4), dh1->nonce, dh2->sid2, dh2->share[0].value, turned, km);
	for (unsigned i = 1; i <= 4; i++)
		assert_signature(&p, dh(&p, i));
	pair_talk(&p, 5000);
	pair_assert_settled(&p, BUB_MODE_BUB);
	for (unsigned i = 0; i < 2; i++)
		assert_memory_equal(p.kabm[i].key.octets, kabm, 32);
	pair_end(&p);
}

/* The suites stand in the order of preference, and the responder's is what counts. */
static void suites_by_preference(void **state)
{
	struct pair p;

	(void)state;
	pair_init(&p);
	for (unsigned i = 0; i < 2; i++) {
		p.mn_cfg[i].suite[i] = BUB_SUITE_SHA256_X25519;
		p.mn_cfg[i].suite[1 - i] = BUB_SUITE_SHA1_MODP2048;
		p.mn_cfg[i].n_suites = 2;
	}
	pair_start(&p);
	pair_in_bub(&p);
	assert_int_equal(dh(&p, 1)->mh.u.dh.info.len, 3);
	assert_memory_equal(dh(&p, 1)->mh.u.dh.info.data, "\1\1\2", 3);
	assert_int_equal(dh(&p, 1)->mh.u.dh.n_shares, 2);
	assert_memory_equal(dh(&p, 2)->mh.u.dh.info.data, "\1\2", 2);
	assert_int_equal(dh(&p, 2)->mh.u.dh.n_shares, 1);
	assert_int_equal(dh(&p, 2)->mh.u.dh.share[0].suite, BUB_SUITE_SHA256_X25519);
	pair_end(&p);
}

/* Counters by message tell each DH message from the others, and from anything else. */
static void messages_are_counted(void **state)
{
	struct pair p;

	(void)state;
	pair_new(&p);
	pair_in_bub(&p);
	pair_run(&p, 30000);
	for (unsigned i = 0; i < 2; i++) {
		const struct bub_counters *own = bub_engine_counters(p.mn[i]->engine);
		const struct bub_counters *other = bub_engine_counters(p.mn[1 - i]->engine);
		/* DH2 goes out twice; nothing is lost. */
		const uint64_t sent[5] = {0, i, i == 0 ? 2 : 0, i, 1 - i};

		for (unsigned k = 0; k < 5; k++) {
			assert_int_equal(own->dh_sent[k], sent[k]);
			assert_int_equal(other->dh_received[k], sent[k]);
		}
		assert_int_equal(own->sent[BUB_MH_DH], i == 0 ? 3 : 2);
		assert_int_equal(own->sent[BUB_MH_BUBC], 1 - i);
		assert_int_equal(other->received[BUB_MH_BUBC], 1 - i);
		assert_int_equal(own->dh_failed, 0);
	}
	pair_end(&p);
}

/* Other numbers than the draft's, as configured, in every message of BUB's own. */
static void code_points_as_configured(void **state)
{
	const struct bub_codepoints other = {200, 201, 202, 203, 204};
	const struct message *hoti;
	struct pair p;

	(void)state;
	pair_init(&p);
	for (unsigned i = 0; i < 2; i++)
		p.mn_cfg[i].codepoints = p.ha_cfg[i].codepoints = other;
	pair_start(&p);
	pair_in_bub(&p);
	assert_int_equal(pair_nth(&p, 0, p.mn[0], BUB_MH_BUBC, 0)->mh.raw.data[2], 200);
	for (unsigned message = 1; message <= 4; message++)
		assert_int_equal(dh(&p, message)->mh.raw.data[2], 201);
	hoti = pair_nth(&p, 0, p.mn[1], BUB_MH_HOTI, 0);
	assert_int_equal(hoti->mh.raw.data[16], 202); /* the option follows the cookie */
	pair_end(&p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(messages_are_as_documented),
		cmocka_unit_test(suites_by_preference),
		cmocka_unit_test(messages_are_counted),
		cmocka_unit_test(code_points_as_configured),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
