/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Fuzz target: src/esp.  Each input is opened as a packet that anybody may have sent; opened again
 * with an SPI and an ICV that are right, so that decryption and what follows is reached; taken as
 * plaintext that an authentic peer may have encrypted; and sealed as a packet of our own.
 *
 * The promises: no input harms, what is opened is a packet of its SA's mode, nothing opens twice,
 * and what was sealed opens to itself (RFC 4303).
 */
#include <arpa/inet.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <stdbool.h>
#include <string.h>

#include "esp.h"
#include "fuzz.h"

#define INPUT_MAX 2048u
#define BUFFER_LEN (INPUT_MAX + 256u)
#define ICV_LEN 16u

static const uint8_t iv[16] = {0x5a};

static struct esp_sa_params params(enum esp_direction direction, enum esp_mode mode)
{
	return (struct esp_sa_params){
		.spi = 0x1000 + (uint32_t)mode,
		.direction = direction,
		.mode = mode,
		.covers = ESP_CLASS_ALL,
		.alg = ESP_AES_CBC_HMAC_SHA256_128,
		.enc_key = {1, 2, 3, (uint8_t)mode},
		.auth_key = {4, 5, 6, (uint8_t)mode},
	};
}

static struct esp_sad *database(void)
{
	struct esp_sad *sad = esp_sad_new(4);

	FUZZ_REQUIRE(sad != NULL);
	for (unsigned i = 0; i < 4; i++) {
		const struct esp_sa_params p = params(i / 2, i % 2);
		const char *error;

		FUZZ_REQUIRE(esp_sad_add(sad, &p, &error) != NULL);
	}
	return sad;
}

static size_t ip6_len(const uint8_t *p)
{
	return 40 + (size_t)(p[4] << 8 | p[5]);
}

/* Opens @packet into a buffer of just as many octets, twice. */
static void open_checked(struct esp_sad *sad, const uint8_t *packet, size_t len, size_t proto_at,
			 size_t esp_at)
{
	uint8_t *out = malloc(len + 1);
	struct esp_opened opened;
	enum esp_result why;

	FUZZ_REQUIRE(out != NULL);
	why = esp_open(sad, packet, len, proto_at, esp_at, out, len, &opened);
	FUZZ_REQUIRE(why < ESP_RESULT_COUNT && why != ESP_NO_SPACE && why != ESP_EXHAUSTED);
	if (why == ESP_OK) {
		FUZZ_REQUIRE(opened.len >= 40 && opened.len <= len && out[0] >> 4 == 6);
		FUZZ_REQUIRE(ip6_len(out) == opened.len);
		why = esp_open(sad, packet, len, proto_at, esp_at, out, len, &opened);
		FUZZ_REQUIRE(why == ESP_REPLAY);
	}
	free(out);
}

/* Writes SPI and ICV of @p's peer into the ESP of @len octets at @esp. */
static void mend(const struct esp_sa_params *p, uint8_t *esp, size_t len)
{
	const uint32_t spi = htonl(p->spi);
	uint8_t icv[EVP_MAX_MD_SIZE];
	unsigned icv_len;

	if (len < 8 + ICV_LEN)
		return;
	memcpy(esp, &spi, sizeof(spi));
	FUZZ_REQUIRE(HMAC(EVP_sha256(), p->auth_key, 32, esp, len - ICV_LEN, icv, &icv_len) !=
		     NULL);
	memcpy(esp + len - ICV_LEN, icv, ICV_LEN);
}

/* The input as a packet, as it is and mended for each mode. */
static void as_packet(struct esp_sad *sad, const uint8_t *data, size_t len)
{
	const bool extension = len > 48 && (data[6] == 43 || data[6] == 60);
	const size_t proto_at = extension ? 40 : 6;
	const size_t esp_at = extension ? 40 + 8 + (size_t)data[41] * 8 : 40;
	static uint8_t copy[INPUT_MAX];

	open_checked(sad, data, len, proto_at, esp_at);
	if (len < 40 || ip6_len(data) > len || ip6_len(data) < esp_at)
		return;
	for (unsigned mode = ESP_TRANSPORT; mode <= ESP_TUNNEL; mode++) {
		const struct esp_sa_params p = params(ESP_IN, mode);

		memcpy(copy, data, len);
		mend(&p, copy + esp_at, ip6_len(copy) - esp_at);
		open_checked(sad, copy, len, proto_at, esp_at);
	}
}

/* The input as what a peer put into the ciphertext, whole blocks of it. */
static void as_plaintext(struct esp_sad *sad, const uint8_t *data, size_t len)
{
	static uint8_t packet[BUFFER_LEN];
	const size_t cipher_len = len / 16 * 16;
	const size_t esp_len = 8 + 16 + cipher_len + ICV_LEN;

	for (unsigned mode = ESP_TRANSPORT; mode <= ESP_TUNNEL; mode++) {
		const struct esp_sa_params p = params(ESP_IN, mode);
		EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
		int n;

		memset(packet, 0xff, 64); /* also as large a sequence number as there is */
		packet[0] = 0x60;
		packet[1] = data[0] & 0x30; /* any ECN */
		packet[4] = (uint8_t)(esp_len >> 8);
		packet[5] = (uint8_t)esp_len;
		memcpy(packet + 48, iv, sizeof(iv));
		FUZZ_REQUIRE(ctx != NULL &&
			     EVP_EncryptInit_ex(ctx, EVP_aes_128_cbc(), NULL, p.enc_key, iv) == 1 &&
			     EVP_EncryptUpdate(ctx, packet + 64, &n, data, (int)cipher_len) == 1);
		EVP_CIPHER_CTX_free(ctx);
		mend(&p, packet + 40, esp_len);
		open_checked(sad, packet, 40 + esp_len, 6, 40);
	}
}

/* The input as a packet of ours. */
static void sealed(struct esp_sad *sad, const uint8_t *data, size_t len)
{
	static uint8_t packet[BUFFER_LEN], out[BUFFER_LEN], plain[INPUT_MAX];
	const struct in6_addr owner = {0};
	struct esp_opened opened;
	size_t out_len;

	memcpy(plain, data, len);
	plain[0] = (uint8_t)(0x60 | (plain[0] & 0x0f));
	plain[4] = (uint8_t)((len - 40) >> 8);
	plain[5] = (uint8_t)(len - 40);
	FUZZ_REQUIRE(esp_seal_tunnel(esp_sad_find_out(sad, &owner, ESP_TUNNEL, ESP_CLASS_ALL),
				     &owner, &owner, plain, len, iv, packet, sizeof(packet),
				     &out_len) == ESP_OK);
	FUZZ_REQUIRE(out_len <= len + ESP_OVERHEAD_MAX);
	FUZZ_REQUIRE(esp_open(sad, packet, out_len, 6, 40, out, sizeof(out), &opened) == ESP_OK);
	FUZZ_REQUIRE(opened.mode == ESP_TUNNEL && opened.len == len &&
		     memcmp(out, plain, len) == 0);

	if (plain[6] == 41 || plain[6] == 59)
		plain[6] = 17;
	FUZZ_REQUIRE(esp_seal_transport(esp_sad_find_out(sad, &owner, ESP_TRANSPORT, ESP_CLASS_ALL),
					plain, len, 6, 40, iv, packet, sizeof(packet),
					&out_len) == ESP_OK);
	FUZZ_REQUIRE(esp_open(sad, packet, out_len, 6, 40, out, sizeof(out), &opened) == ESP_OK);
	FUZZ_REQUIRE(opened.mode == ESP_TRANSPORT && opened.len == len &&
		     memcmp(out, plain, len) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct esp_sad *sad;

	if (size > INPUT_MAX)
		return 0;
	/* What moves the window least comes first. */
	sad = database();
	if (size >= 40)
		sealed(sad, data, size);
	as_packet(sad, data, size);
	if (size >= 16)
		as_plaintext(sad, data, size);
	esp_sad_free(sad);
	return 0;
}
