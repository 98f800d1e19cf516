/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * bench_correspondent tests|updates [limit]: what return routability and its Binding Updates cost
 * the engine of a correspondent; with "limit" nothing but the hashes that RFC 6275, 5.2 asks of it,
 * by libcrypto's EVP_MAC, fetched once, with contexts that are kept.
 *
 * tests: a Home Test Init and a Care-of Test Init answered, two HMACs under a key that stays.
 * updates: the two tokens again, Kbm from them, and two authenticators under it: the one that is
 * checked, and that of the acknowledgement.
 *
 * Mobile nodes take turns, so that none is held to its share of answers.  Processor time is what is
 * measured.
 */
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <openssl/core_names.h>
#include <openssl/evp.h>

#include "bub/engine.h"
#include "crypto/crypto.h"

#define NODES 500u
#define ROUNDS 200u
#define PACKET_ROOM 160u
/* Of the engine's time between packets: an answer to a test is larger than its question, and only
 * so much a second of that is on credit; and all updates are over before their tokens. */
#define TEST_STEP_NS 20000000u
#define UPDATE_STEP_NS 1000000u

struct packet {
	uint8_t octets[PACKET_ROOM];
	struct bub_event ev;
	bool is_test;
};

struct node {
	struct in6_addr home, care_of;
	struct bub_mh home_test, care_of_test; /* that the correspondent has answered */
	struct packet packet[2];
};

struct bench {
	struct bub_engine *eng;
	struct bub_crypto *crypto; /* of the mobile nodes */
	struct bub_time now;
	struct in6_addr self;
	struct node node[NODES];
};

static void must(bool ok, const char *what)
{
	if (ok)
		return;
	fprintf(stderr, "bench_correspondent: %s failed\n", what);
	exit(EXIT_FAILURE);
}

static struct in6_addr address(const char *prefix, uint32_t site)
{
	struct in6_addr a;

	must(inet_pton(AF_INET6, prefix, &a) == 1, "inet_pton");
	a.s6_addr[6] = (uint8_t)(site >> 8);
	a.s6_addr[7] = (uint8_t)site;
	return a;
}

static void bench_random(void *ctx, uint8_t *buf, size_t len)
{
	uint64_t *state = ctx;

	for (size_t i = 0; i < len; i++) {
		*state = *state * 6364136223846793005u + 1442695040888963407u;
		buf[i] = (uint8_t)(*state >> 56);
	}
}

static void bench_init(struct bench *b)
{
	static uint64_t state = 1;
	const struct bub_env env = {.ctx = &state, .random = bench_random};
	struct bub_config cfg;

	bub_config_init(&cfg);
	b->now.ns = BUB_NS_PER_S;
	b->self = address("2001:db8:cc::1", 0);
	b->crypto = bub_crypto_new();
	must(b->crypto != NULL && bub_engine_new(&cfg, &env, b->now, &b->eng) == 0, "the engine");
	for (uint32_t i = 0; i < NODES; i++) {
		b->node[i].home = address("2001:db8:a::7", i);
		b->node[i].care_of = address("2001:db8:c::7", i);
	}
}

/* Puts headers round @mh, signed with @key where there is one. */
static void packet_init(struct bench *b, struct packet *p, const struct bub_mh *mh,
			const struct in6_addr *src, const struct in6_addr *hao,
			const struct bub_key *key)
{
	const struct bub_codepoints cp = BUB_CODEPOINTS_DEFAULT;
	struct bub_ip6_build headers = {
		.src = *src, .dst = b->self, .hao = hao, .upper_proto = BUB_NH_MH};
	struct bub_mh_layout layout;
	uint8_t message[PACKET_ROOM];
	int at;

	must(bub_mh_encode(mh, &cp, message, sizeof message, &layout) == 0, "bub_mh_encode");
	if (key != NULL)
		bub_authenticator(b->crypto, key, src, &b->self, message, layout.auth_at,
				  message + layout.auth_at);
	bub_mh_finish(message, layout.len, hao != NULL ? hao : src, &b->self);
	headers.upper_len = (uint16_t)layout.len;
	at = bub_ip6_encode(&headers, p->octets, sizeof p->octets);
	must(at > 0 && (size_t)at + layout.len <= sizeof p->octets, "bub_ip6_encode");
	memcpy(p->octets + at, message, layout.len);
	p->is_test = key == NULL;
	p->ev = (struct bub_event){.type = BUB_EV_PACKET, .ifindex = 2};
	p->ev.u.packet.data = (struct bub_view){p->octets, (size_t)at + layout.len};
}

static uint64_t spent_ns(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return (uint64_t)t.tv_sec * BUB_NS_PER_S + (uint64_t)t.tv_nsec;
}

/* Returns the one message that answers, in @ret_mh, where it is wanted. */
static void feed(struct bench *b, const struct packet *p, struct bub_mh *ret_mh)
{
	const struct bub_codepoints cp = BUB_CODEPOINTS_DEFAULT;
	struct bub_action act;
	struct bub_mh_fault fault;
	struct bub_ip6 ip;
	bool answered = false;

	b->now.ns += p->is_test ? TEST_STEP_NS : UPDATE_STEP_NS;
	while (bub_engine_deadline(b->eng).ns <= b->now.ns) {
		bub_engine_expire(b->eng, b->now);
		while (bub_engine_next_action(b->eng, &act))
			continue;
	}
	bub_engine_feed(b->eng, b->now, &p->ev);
	while (bub_engine_next_action(b->eng, &act)) {
		if (act.type != BUB_ACT_SEND)
			continue;
		answered = true;
		if (ret_mh != NULL)
			must(bub_ip6_decode(act.u.send.data, &ip) == BUB_DROP_NONE &&
				     bub_mh_decode(&ip, &cp, ret_mh, &fault) == 0,
			     "decoding an answer");
	}
	must(answered, "an answer");
}

static void make_tests(struct bench *b)
{
	for (uint32_t i = 0; i < NODES; i++) {
		struct node *n = &b->node[i];

		packet_init(b, &n->packet[0], &(struct bub_mh){.kind = BUB_MH_HOTI}, &n->home, NULL,
			    NULL);
		packet_init(b, &n->packet[1], &(struct bub_mh){.kind = BUB_MH_COTI}, &n->care_of,
			    NULL, NULL);
	}
}

static void make_updates(struct bench *b, uint16_t sequence)
{
	for (uint32_t i = 0; i < NODES; i++) {
		struct node *n = &b->node[i];
		struct bub_mh mh = {.kind = BUB_MH_BU};
		struct bub_key kbm;

		mh.u.bu.sequence = sequence;
		mh.u.bu.flags = BUB_BU_ACK;
		mh.u.bu.lifetime_s = 400;
		mh.opts.present = BUB_OPT_NONCE_INDICES | BUB_OPT_AUTH;
		mh.opts.home_nonce = n->home_test.u.test.nonce_index;
		mh.opts.care_of_nonce = n->care_of_test.u.test.nonce_index;
		bub_kbm(b->crypto, n->home_test.u.test.token, n->care_of_test.u.test.token, &kbm);
		packet_init(b, &n->packet[0], &mh, &n->care_of, &n->home, &kbm);
	}
}

static double per_second(uint64_t n, uint64_t ns)
{
	return (double)n * (double)BUB_NS_PER_S / (double)ns;
}

static double run_tests(struct bench *b)
{
	uint64_t start;

	make_tests(b);
	start = spent_ns();
	for (uint32_t i = 0; i < NODES * ROUNDS; i++)
		for (unsigned k = 0; k < 2; k++)
			feed(b, &b->node[i % NODES].packet[k], NULL);
	return per_second(NODES * ROUNDS, spent_ns() - start);
}

static double run_updates(struct bench *b)
{
	uint64_t ns = 0, start;

	make_tests(b);
	for (uint32_t i = 0; i < NODES; i++) {
		feed(b, &b->node[i].packet[0], &b->node[i].home_test);
		feed(b, &b->node[i].packet[1], &b->node[i].care_of_test);
	}
	for (unsigned round = 1; round <= ROUNDS; round++) {
		make_updates(b, (uint16_t)round);
		start = spent_ns();
		for (uint32_t i = 0; i < NODES; i++)
			feed(b, &b->node[i].packet[0], NULL);
		ns += spent_ns() - start;
	}
	return per_second(NODES * ROUNDS, ns);
}

/* @key NULL: the one before. */
static void mac(EVP_MAC_CTX *ctx, const uint8_t *key, const uint8_t *data, size_t len, uint8_t *out)
{
	size_t n;

	must(EVP_MAC_init(ctx, key, key != NULL ? BUB_KBM_LEN : 0, NULL) == 1 &&
		     EVP_MAC_update(ctx, data, len) == 1 && EVP_MAC_final(ctx, out, &n, 64) == 1,
	     "EVP_MAC");
}

static double run_limit(bool updates)
{
	char sha1[] = "SHA1";
	const OSSL_PARAM params[] = {
		OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, sha1, 0),
		OSSL_PARAM_construct_end(),
	};
	EVP_MAC *hmac = EVP_MAC_fetch(NULL, "HMAC", NULL);
	EVP_MD *md = EVP_MD_fetch(NULL, "SHA1", NULL);
	EVP_MD_CTX *hash = EVP_MD_CTX_new();
	EVP_MAC_CTX *kept = EVP_MAC_CTX_new(hmac), *changing = EVP_MAC_CTX_new(hmac);
	uint8_t data[72] = {1}, kcn[BUB_KCN_LEN] = {2}, kbm[64], out[64];
	uint64_t start;

	must(EVP_MAC_CTX_set_params(kept, params) == 1 &&
		     EVP_MAC_CTX_set_params(changing, params) == 1,
	     "EVP_MAC_CTX_set_params");
	mac(kept, kcn, data, 25, out);
	start = spent_ns();
	for (uint32_t i = 0; i < NODES * ROUNDS; i++) {
		data[0] = (uint8_t)i;
		mac(kept, NULL, data, 25, out); /* address, nonce, 0 or 1 */
		mac(kept, NULL, data, 25, out);
		if (!updates)
			continue;
		must(EVP_DigestInit_ex2(hash, md, NULL) == 1 &&
			     EVP_DigestUpdate(hash, out, 2 * BUB_TOKEN_LEN) == 1 &&
			     EVP_DigestFinal_ex(hash, kbm, NULL) == 1,
		     "SHA1");
		mac(changing, kbm, data, 60, out); /* two addresses, 28 octets of Binding Update */
		mac(changing, NULL, data, 50, out);
	}
	start = spent_ns() - start;
	EVP_MAC_CTX_free(kept);
	EVP_MAC_CTX_free(changing);
	EVP_MD_CTX_free(hash);
	EVP_MD_free(md);
	EVP_MAC_free(hmac);
	return per_second(NODES * ROUNDS, start);
}

int main(int argc, char **argv)
{
	static struct bench b;
	const bool updates = argc > 1 && strcmp(argv[1], "updates") == 0;
	const bool limit = argc > 2 && strcmp(argv[2], "limit") == 0;

	must(updates || (argc > 1 && strcmp(argv[1], "tests") == 0),
	     "usage: tests|updates [limit]");
	if (!limit)
		bench_init(&b);
	printf("%s %.0f\n", updates ? "updates/s" : "tests/s",
	       limit ? run_limit(updates) : (updates ? run_updates : run_tests)(&b));
	bub_engine_free(b.eng);
	bub_crypto_free(b.crypto);
	return 0;
}
