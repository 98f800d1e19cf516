/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Seals and opens packets with src/esp for independent.py.  One command a line on standard input,
 * one answer a line on standard output, octets as hexadecimal text:
 *
 *   tunnel PACKET              wraps PACKET
 *   transport UPPER_AT PACKET  ESP in front of offset UPPER_AT; the octet at 40 or, where UPPER_AT
 *                              is 40, at 6 names what is there
 *   open ESP_AT PACKET         "MODE PACKET", or the result's name
 *
 *   esp_peer [ENCRYPTION INTEGRITY KEY-LENGTH [SEQUENCE]]
 *
 * INTEGRITY is "-" for AEAD.  Numbers go on behind SEQUENCE in both directions.
 * Keys, SPIs and addresses are those at the top, in both programs.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <arpa/inet.h>

#include "esp.h"

#define SPI_TUNNEL 0x11112222u
#define SPI_TRANSPORT 0x33334444u
#define LINE_MAX_LEN 8192
#define PACKET_MAX 4096

struct peer {
	struct esp_sad *sad;
	struct esp_sa *tunnel;
	struct esp_sa *transport;
	uint8_t iv[16];
};

static enum esp_alg alg = ESP_AES_CBC_HMAC_SHA256_128;
static uint64_t sequence;

static struct esp_sa *add(struct esp_sad *sad, uint32_t spi, enum esp_direction direction,
			  enum esp_mode mode)
{
	const char *error = NULL;
	struct esp_sa *sa;
	struct esp_sa_params p = {
		.spi = spi,
		.direction = direction,
		.mode = mode,
		.covers = ESP_CLASS_ALL,
		.alg = alg,
		.sequence = sequence,
	};

	for (unsigned i = 0; i < sizeof(p.enc_key); i++)
		p.enc_key[i] = (uint8_t)(0x10 + i);
	for (unsigned i = 0; i < 32; i++)
		p.auth_key[i] = (uint8_t)(0x40 + i);
	sa = esp_sad_add(sad, &p, &error);
	if (sa == NULL) {
		fprintf(stderr, "%s\n", error);
		exit(1);
	}
	return sa;
}

static size_t unhex(const char *text, uint8_t *out)
{
	size_t n = 0;

	for (; n < PACKET_MAX && text[2 * n] > ' ' && text[2 * n + 1] > ' '; n++) {
		const char octet[] = {text[2 * n], text[2 * n + 1], '\0'};

		out[n] = (uint8_t)strtoul(octet, NULL, 16);
	}
	return n;
}

static void print_hex(const uint8_t *p, size_t len)
{
	for (size_t i = 0; i < len; i++)
		printf("%02x", p[i]);
	printf("\n");
}

static void run(struct peer *peer, const char *line)
{
	uint8_t in[PACKET_MAX], out[PACKET_MAX];
	struct in6_addr src, dst;
	struct esp_opened opened;
	enum esp_result why;
	char *rest;
	size_t at, len, out_len = 0;

	inet_pton(AF_INET6, "2001:db8:11::7", &src);
	inet_pton(AF_INET6, "2001:db8:1::1", &dst);
	peer->iv[0]++;
	if (strncmp(line, "tunnel ", 7) == 0) {
		len = unhex(line + 7, in);
		why = esp_seal_tunnel(peer->tunnel, &src, &dst, in, len, peer->iv, out, sizeof(out),
				      &out_len);
	} else if (strncmp(line, "transport ", 10) == 0) {
		at = strtoul(line + 10, &rest, 10);
		len = unhex(rest + 1, in);
		why = esp_seal_transport(peer->transport, in, len, at == 40 ? 6 : 40, at, peer->iv,
					 out, sizeof(out), &out_len);
	} else {
		at = strtoul(line + 5, &rest, 10);
		len = unhex(rest + 1, in);
		why = esp_open(peer->sad, in, len, at == 40 ? 6 : 40, at, out, sizeof(out),
			       &opened);
		if (why == ESP_OK) {
			printf("%s ", opened.mode == ESP_TUNNEL ? "tunnel" : "transport");
			out_len = opened.len;
		}
	}
	if (why != ESP_OK)
		printf("%s\n", esp_result_name(why));
	else
		print_hex(out, out_len);
	fflush(stdout);
}

static bool find_aead(const char *encryption, size_t key_len)
{
	for (unsigned i = 0; i < ESP_ALG_COUNT; i++) {
		const struct esp_alg_info *info = esp_alg_info(i);

		if (info->integrity == NULL && info->enc_key_len == key_len &&
		    strcmp(info->encryption, encryption) == 0) {
			alg = i;
			return true;
		}
	}
	return false;
}

static bool find(const char *encryption, const char *integrity, size_t key_len)
{
	return strcmp(integrity, "-") == 0 ? find_aead(encryption, key_len)
					   : esp_alg_find(encryption, integrity, key_len, &alg);
}

int main(int argc, char **argv)
{
	struct peer peer = {.sad = esp_sad_new(4)};
	char line[LINE_MAX_LEN + 64];

	if (peer.sad == NULL)
		return 1;
	if (argc >= 4 && !find(argv[1], argv[2], strtoul(argv[3], NULL, 10)))
		return 1;
	if (argc == 5)
		sequence = strtoull(argv[4], NULL, 10);
	peer.tunnel = add(peer.sad, SPI_TUNNEL, ESP_OUT, ESP_TUNNEL);
	peer.transport = add(peer.sad, SPI_TRANSPORT, ESP_OUT, ESP_TRANSPORT);
	add(peer.sad, SPI_TUNNEL, ESP_IN, ESP_TUNNEL);
	add(peer.sad, SPI_TRANSPORT, ESP_IN, ESP_TRANSPORT);
	while (fgets(line, sizeof(line), stdin) != NULL)
		run(&peer, line);
	esp_sad_free(peer.sad);
	return 0;
}
