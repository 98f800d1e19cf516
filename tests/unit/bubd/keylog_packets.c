/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * For test_keylog.py: an SA of every algorithm, with a packet in tunnel mode for each.  Writes the
 * key log that bubd would write to the file that it is told, and on standard output a line for each
 * packet: the SPI and the octets, both as hexadecimal text.
 */
#include <stdio.h>
#include <string.h>

#include "keylog.h"

#define INNER_LEN 56u

/* UDP from port 4660 to port 22136 with the SPI's last octet as its data. */
static void make_inner(uint32_t spi, uint8_t inner[static INNER_LEN])
{
	static const uint8_t head[] = {0x60, 0, 0, 0, 0, INNER_LEN - 40, 17, 64};
	static const uint8_t udp[] = {0x12, 0x34, 0x56, 0x78, 0, INNER_LEN - 40};

	memset(inner, 0, INNER_LEN);
	memcpy(inner, head, sizeof(head));
	inner[8] = inner[24] = 0x20;
	inner[23] = 1;
	inner[39] = 2;
	memcpy(inner + 40, udp, sizeof(udp));
	memset(inner + 48, (int)(spi & 0xff), INNER_LEN - 48);
}

static int write_packet(struct esp_sad *sad, const struct esp_sa_params *p)
{
	const struct in6_addr outer = {{{0x20, 1, [15] = 9}}};
	static const uint8_t iv[16] = {3, 1, 4, 1, 5, 9, 2, 6, 5, 3, 5, 8, 9, 7, 9, 3};
	uint8_t inner[INNER_LEN], packet[256];
	const char *error = NULL;
	struct esp_sa *sa = esp_sad_add(sad, p, &error);
	size_t len = 0;

	make_inner(p->spi, inner);
	if (sa == NULL || esp_seal_tunnel(sa, &outer, &outer, inner, sizeof(inner), iv, packet,
					  sizeof(packet), &len) != ESP_OK)
		return -1;
	(void)printf("%x ", (unsigned)p->spi);
	for (size_t i = 0; i < len; i++)
		(void)printf("%02x", packet[i]);
	(void)putchar('\n');
	return 0;
}

int main(int argc, char **argv)
{
	struct esp_sad *sad = esp_sad_new(ESP_ALG_COUNT);
	FILE *kl = argc == 2 ? keylog_open(argv[1]) : NULL;
	int rc = 0;

	if (sad == NULL || kl == NULL)
		return 1;
	for (unsigned i = 0; rc == 0 && i < ESP_ALG_COUNT; i++) {
		struct esp_sa_params p = {
			.spi = 0x7d0 + i,
			.direction = ESP_OUT,
			.mode = ESP_TUNNEL,
			.covers = ESP_CLASS_PAYLOAD,
			.alg = i,
		};

		for (unsigned k = 0; k < sizeof(p.enc_key); k++)
			p.enc_key[k] = (uint8_t)(11 * k + i);
		for (unsigned k = 0; k < sizeof(p.auth_key); k++)
			p.auth_key[k] = (uint8_t)(13 * k + i);
		keylog_esp(kl, &p);
		rc = write_packet(sad, &p);
	}
	(void)fclose(kl);
	esp_sad_free(sad);
	return rc == 0 ? 0 : 1;
}
