/* SPDX-License-Identifier: BSD-2-Clause */
/* What the ESP tests share: parameters of SAs, plain packets, hexadecimal text. */
#ifndef BUB_TEST_ESP_H
#define BUB_TEST_ESP_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <arpa/inet.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "esp.h"

#define PACKET_MAX 2048
#define SPI 0x11112222u

static const uint8_t test_iv[16] = {
	0xa0, 0xa1, 0xa2, 0xa3, 0xa4, 0xa5, 0xa6, 0xa7,
	0xa8, 0xa9, 0xaa, 0xab, 0xac, 0xad, 0xae, 0xaf,
};

struct octets {
	uint8_t at[PACKET_MAX];
	size_t len;
};

static inline struct octets unhex(const char *text)
{
	struct octets o = {.len = strlen(text) / 2};

	for (size_t i = 0; i < o.len; i++) {
		const char octet[] = {text[2 * i], text[2 * i + 1], '\0'};

		o.at[i] = (uint8_t)strtoul(octet, NULL, 16);
	}
	return o;
}

static inline struct in6_addr addr(const char *text)
{
	struct in6_addr a;

	assert_int_equal(inet_pton(AF_INET6, text, &a), 1);
	return a;
}

/* The keys that independent.py has too. */
static inline struct esp_sa_params params(enum esp_direction direction, enum esp_mode mode)
{
	struct esp_sa_params p = {
		.spi = SPI,
		.direction = direction,
		.mode = mode,
		.covers = ESP_CLASS_ALL,
		.alg = ESP_AES_CBC_HMAC_SHA256_128,
		.owner = addr("2001:db8:1::100"),
	};

	for (unsigned i = 0; i < 16; i++)
		p.enc_key[i] = (uint8_t)(0x10 + i);
	for (unsigned i = 0; i < 32; i++)
		p.auth_key[i] = (uint8_t)(0x40 + i);
	return p;
}

static inline struct esp_sa *add(struct esp_sad *sad, const struct esp_sa_params *p)
{
	const char *error = NULL;
	struct esp_sa *sa = esp_sad_add(sad, p, &error);

	assert_non_null(sa);
	assert_null(error);
	return sa;
}

/* An IPv6 packet with @payload_len octets of UDP number 0, 1, 2 and so on. */
static inline struct octets plain_packet(size_t payload_len)
{
	struct octets p = {.len = 40 + payload_len};
	const struct in6_addr src = addr("2001:db8:1::100"), dst = addr("2001:db8:2::200");

	assert_true(p.len <= sizeof(p.at));
	p.at[0] = 0x60;
	p.at[4] = (uint8_t)(payload_len >> 8);
	p.at[5] = (uint8_t)payload_len;
	p.at[6] = 17;
	p.at[7] = 63;
	memcpy(p.at + 8, &src, 16);
	memcpy(p.at + 24, &dst, 16);
	for (size_t i = 0; i < payload_len; i++)
		p.at[40 + i] = (uint8_t)i;
	return p;
}

static inline enum esp_result seal_tunnel(struct esp_sa *sa, const struct octets *inner,
					  struct octets *ret_out)
{
	const struct in6_addr src = addr("2001:db8:11::7"), dst = addr("2001:db8:1::1");

	return esp_seal_tunnel(sa, &src, &dst, inner->at, inner->len, test_iv, ret_out->at,
			       sizeof(ret_out->at), &ret_out->len);
}

/* Opens a packet whose ESP header follows the IPv6 header. */
static inline enum esp_result open_at_40(struct esp_sad *sad, const struct octets *in,
					 struct octets *ret_out)
{
	struct esp_opened opened;
	enum esp_result why =
		esp_open(sad, in->at, in->len, 6, 40, ret_out->at, sizeof(ret_out->at), &opened);

	if (why == ESP_OK)
		ret_out->len = opened.len;
	return why;
}

static inline struct esp_sa_status status(const struct esp_sa *sa)
{
	struct esp_sa_status s;

	esp_sa_get_status(sa, &s);
	return s;
}

#endif
