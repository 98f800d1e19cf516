/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What ESP in user space costs a packet (src/esp): sealing and opening in tunnel mode, with keys
 * that are in the cache of key schedules and, "cold", with four times more SAs than it has slots,
 * in turn.
 *
 * The figure to quote is the ratio to libcrypto's bare AES-128-CBC over as many octets, measured in
 * the same rounds: nanoseconds alone say more about the machine and its neighbours.  Of 101 rounds
 * the median is printed.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <openssl/evp.h>

#include "esp.h"

#define BATCH 256u /* packets a round */
#define ROUNDS 101u
#define MIDDLE 50u     /* the median's index among them */
#define COLD_SAS 2048u /* of each direction; the cache has 1024 slots */
#define PACKET_MAX 2048u

enum what { AES_ENCRYPT, AES_DECRYPT, SEAL, OPEN, SEAL_COLD, OPEN_COLD, WHAT_COUNT };

static const char *const what_names[WHAT_COUNT] = {
	"AES-CBC encrypt", "AES-CBC decrypt", "ESP seal",
	"ESP open",        "ESP seal, cold",  "ESP open, cold",
};

struct bench {
	struct esp_sad *sad;
	struct esp_sa *out[COLD_SAS];
	EVP_CIPHER_CTX *encrypt, *decrypt;
	struct in6_addr src, dst;
	uint8_t inner[PACKET_MAX];
	size_t inner_len, cipher_len;
	uint8_t sealed[BATCH][PACKET_MAX];
	size_t sealed_len;
	uint8_t scratch[PACKET_MAX];
	uint32_t turn;
};

static void must(bool ok, const char *what)
{
	if (ok)
		return;
	fprintf(stderr, "bench_esp: %s failed\n", what);
	exit(EXIT_FAILURE);
}

static uint64_t now_ns(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static void setup(struct bench *b)
{
	static const uint8_t key[16] = {1}, iv[16] = {2};
	const char *error = NULL;

	b->sad = esp_sad_new((size_t)2 * COLD_SAS);
	must(b->sad != NULL, "esp_sad_new");
	for (uint32_t i = 0; i < COLD_SAS; i++) {
		struct esp_sa_params p = {
			.spi = 256 + i,
			.mode = ESP_TUNNEL,
			.covers = ESP_CLASS_ALL,
			.alg = ESP_AES_CBC_HMAC_SHA256_128,
			.enc_key = {(uint8_t)i, (uint8_t)(i >> 8)},
			.auth_key = {(uint8_t)i, (uint8_t)(i >> 8)},
		};

		p.direction = ESP_OUT;
		b->out[i] = esp_sad_add(b->sad, &p, &error);
		must(b->out[i] != NULL, "esp_sad_add");
		p.direction = ESP_IN;
		must(esp_sad_add(b->sad, &p, &error) != NULL, "esp_sad_add");
	}
	b->encrypt = EVP_CIPHER_CTX_new();
	b->decrypt = EVP_CIPHER_CTX_new();
	must(EVP_EncryptInit_ex2(b->encrypt, EVP_aes_128_cbc(), key, iv, NULL) == 1 &&
		     EVP_DecryptInit_ex2(b->decrypt, EVP_aes_128_cbc(), key, iv, NULL) == 1,
	     "AES");
	(void)EVP_CIPHER_CTX_set_padding(b->encrypt, 0);
	(void)EVP_CIPHER_CTX_set_padding(b->decrypt, 0);
}

static void set_size(struct bench *b, size_t inner_len)
{
	const size_t payload_len = inner_len - 40;

	memset(b->inner, 0, sizeof(b->inner));
	b->inner[0] = 0x60;
	b->inner[4] = (uint8_t)(payload_len >> 8);
	b->inner[5] = (uint8_t)payload_len;
	b->inner[6] = 17;
	b->inner_len = inner_len;
	b->cipher_len = (inner_len + 2 + 15) / 16 * 16;
}

static void aes_batch(struct bench *b, EVP_CIPHER_CTX *ctx)
{
	uint8_t iv[16] = {0};
	int n;

	for (uint32_t i = 0; i < BATCH; i++) {
		iv[0] = (uint8_t)i;
		must(EVP_CipherInit_ex2(ctx, NULL, NULL, iv, -1, NULL) == 1 &&
			     EVP_CipherUpdate(ctx, b->scratch, &n, b->inner, (int)b->cipher_len) ==
				     1,
		     "AES");
	}
}

static void seal_batch(struct bench *b, bool cold)
{
	uint8_t iv[16] = {0};

	for (uint32_t i = 0; i < BATCH; i++) {
		struct esp_sa *sa = b->out[cold ? (b->turn + i * 512) % COLD_SAS : 0];

		if (cold && i % 4 == 3)
			b->turn++;
		iv[0] = (uint8_t)i;
		must(esp_seal_tunnel(sa, &b->src, &b->dst, b->inner, b->inner_len, iv, b->sealed[i],
				     PACKET_MAX, &b->sealed_len) == ESP_OK,
		     "esp_seal_tunnel");
	}
}

static void open_batch(struct bench *b)
{
	struct esp_opened opened;

	for (uint32_t i = 0; i < BATCH; i++)
		must(esp_open(b->sad, b->sealed[i], b->sealed_len, 6, 40, b->scratch, PACKET_MAX,
			      &opened) == ESP_OK,
		     "esp_open");
}

static void run(struct bench *b, enum what what)
{
	switch (what) {
	case AES_ENCRYPT:
	case AES_DECRYPT:
		aes_batch(b, what == AES_ENCRYPT ? b->encrypt : b->decrypt);
		break;
	case SEAL:
	case SEAL_COLD:
		seal_batch(b, what == SEAL_COLD);
		break;
	case OPEN: /* what the batch before it has sealed */
	case OPEN_COLD:
		open_batch(b);
		break;
	case WHAT_COUNT:
		break;
	}
}

static int compare(const void *a, const void *b)
{
	const uint64_t *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

static void measure(struct bench *b, size_t inner_len)
{
	static const enum what order[] = {
		AES_ENCRYPT, AES_DECRYPT, SEAL, OPEN, SEAL_COLD, OPEN_COLD,
	};
	static uint64_t took_ns[WHAT_COUNT][ROUNDS];
	double median_ns[WHAT_COUNT];

	set_size(b, inner_len);
	for (unsigned round = 0; round < ROUNDS; round++) {
		for (size_t i = 0; i < WHAT_COUNT; i++) {
			const uint64_t start = now_ns();

			run(b, order[i]);
			took_ns[order[i]][round] = now_ns() - start;
		}
	}
	for (unsigned w = 0; w < WHAT_COUNT; w++) {
		const bool decrypts = w == AES_DECRYPT || w == OPEN || w == OPEN_COLD;

		qsort(took_ns[w], ROUNDS, sizeof(uint64_t), compare);
		median_ns[w] = (double)took_ns[w][MIDDLE] / BATCH;
		printf("%4zu octets  %-16s %7.0f ns  %5.2f of AES-CBC\n", inner_len, what_names[w],
		       median_ns[w],
		       median_ns[w] / median_ns[decrypts ? AES_DECRYPT : AES_ENCRYPT]);
	}
}

int main(void)
{
	static struct bench b;

	setup(&b);
	measure(&b, 104);
	measure(&b, 1400);
	EVP_CIPHER_CTX_free(b.encrypt);
	EVP_CIPHER_CTX_free(b.decrypt);
	esp_sad_free(b.sad);
	return 0;
}
