/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The algorithms that an SA may have, as a table of sizes and names.  What keys are derived for is
 * the first; the others serve SAs that the configuration writes out in full, because other stacks
 * and test beds have no better in common with us.
 *
 * RFC 3602 (AES-CBC), RFC 2451 (3DES-CBC), RFC 2410 (NULL), RFC 4868 (HMAC-SHA-256-128),
 * RFC 2404 (HMAC-SHA1-96).  No SA goes without integrity (RFC 3776, 3.1).
 *
 * AES-GCM with an ICV of 16 octets (RFC 4106) and ChaCha20-Poly1305 (RFC 7634) are for keys that
 * are agreed on; no configuration can name them.
 */
#include <string.h>

#include "esp.h"

#define AES(bits_, octets_)                                                                        \
	.encryption = "aes-cbc", .cipher = "AES-" #bits_ "-CBC", .enc_key_len = (octets_),         \
	.iv_len = 16, .block_len = 16
/* RFC 4303, 2.4: trailer and padding end on four octets even where no cipher asks for more. */
#define NULL_CIPHER .encryption = "null", .block_len = 4
#define TRIPLE_DES                                                                                 \
	.encryption = "3des-cbc", .cipher = "DES-EDE3-CBC", .enc_key_len = 24, .iv_len = 8,        \
	.block_len = 8
#define SHA256                                                                                     \
	.integrity = "hmac-sha256-128", .digest = "SHA256", .auth_key_len = 32, .mac_len = 32,     \
	.icv_len = 16
#define SHA1                                                                                       \
	.integrity = "hmac-sha1-96", .digest = "SHA1", .auth_key_len = 20, .mac_len = 20,          \
	.icv_len = 12

/* RFC 4106, 8.1 and RFC 7634, 2: four octets of salt behind the key. */
#define AEAD(octets_)                                                                              \
	.enc_key_len = (octets_), .auth_key_len = 4, .iv_len = 8, .block_len = 4, .icv_len = 16

static const struct esp_alg_info algs[ESP_ALG_COUNT] = {
	[ESP_AES_CBC_HMAC_SHA256_128] = {AES(128, 16), SHA256},
	[ESP_AES_128_GCM] = {.encryption = "aes-gcm", .cipher = "AES-128-GCM", AEAD(16)},
	[ESP_AES_256_GCM] = {.encryption = "aes-gcm", .cipher = "AES-256-GCM", AEAD(32)},
	[ESP_CHACHA20_POLY1305] = {.encryption = "chacha20-poly1305",
				   .cipher = "ChaCha20-Poly1305",
				   AEAD(32)},
	[ESP_AES_192_CBC_HMAC_SHA256_128] = {AES(192, 24), SHA256},
	[ESP_AES_256_CBC_HMAC_SHA256_128] = {AES(256, 32), SHA256},
	[ESP_AES_128_CBC_HMAC_SHA1_96] = {AES(128, 16), SHA1, .weak = true},
	[ESP_AES_192_CBC_HMAC_SHA1_96] = {AES(192, 24), SHA1, .weak = true},
	[ESP_AES_256_CBC_HMAC_SHA1_96] = {AES(256, 32), SHA1, .weak = true},
	[ESP_3DES_CBC_HMAC_SHA256_128] = {TRIPLE_DES, SHA256, .weak = true},
	[ESP_3DES_CBC_HMAC_SHA1_96] = {TRIPLE_DES, SHA1, .weak = true},
	[ESP_NULL_HMAC_SHA256_128] = {NULL_CIPHER, SHA256, .weak = true},
	[ESP_NULL_HMAC_SHA1_96] = {NULL_CIPHER, SHA1, .weak = true},
};

const struct esp_alg_info *esp_alg_info(enum esp_alg alg)
{
	return (unsigned)alg < ESP_ALG_COUNT ? &algs[alg] : NULL;
}

bool esp_alg_find(const char *encryption, const char *integrity, size_t enc_key_len,
		  enum esp_alg *ret_alg)
{
	for (unsigned i = 0; i < ESP_ALG_COUNT; i++) {
		if (algs[i].integrity != NULL && strcmp(algs[i].encryption, encryption) == 0 &&
		    strcmp(algs[i].integrity, integrity) == 0 &&
		    algs[i].enc_key_len == enc_key_len) {
			*ret_alg = (enum esp_alg)i;
			return true;
		}
	}
	return false;
}
