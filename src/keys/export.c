/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The keys of the SAs, which never travel: both ends export them from TLS (RFC 8446, 7.5).
 *
 *   label "EXPORTER-bub-esp-1", context home address | home agent | algorithm (one octet: 1, 2, 3
 * in the order of keys_suite.h) | four SPIs, or six, in the order of the set; out come key | salt
 * (4) of each
 *
 * The id by which this end tells SAs of one SPI apart is exported as well, under another label, and
 * never leaves the machine.
 */
#include <openssl/err.h>
#include <string.h>

#include "base/octets.h"
#include "internal.h"

#define LABEL "EXPORTER-bub-esp-1"
#define LABEL_ID "EXPORTER-bub-esp-id-1"
#define SALT_LEN 4u
#define SPI_MIN 256u /* RFC 4303, 2.1 */
#define KEYMAT_MAX (ESP_SET_MAX * (ESP_ENC_KEY_MAX + SALT_LEN))
#define IDS_MAX (ESP_SET_MAX * ESP_ID_LEN)
#define CONTEXT_MAX (16 + 16 + 1 + 4 * ESP_SET_MAX)

bool keys_spis_fit(const struct keys_spis *spis)
{
	return spis->transport >= SPI_MIN && spis->tunnel >= SPI_MIN &&
	       spis->transport != spis->tunnel &&
	       (spis->payload == 0 || (spis->payload >= SPI_MIN && spis->payload != spis->tunnel &&
				       spis->payload != spis->transport));
}

static uint8_t export_number(enum esp_alg alg)
{
	if (alg == ESP_AES_128_GCM)
		return 1;
	return alg == ESP_AES_256_GCM ? 2 : 3;
}

static size_t export_context(const struct keys_agreed *a, const uint32_t spis[static ESP_SET_MAX],
			     uint8_t ret[static CONTEXT_MAX])
{
	struct wr w = wr_to(ret, CONTEXT_MAX);

	wr_addr(&w, &a->grant.home);
	wr_addr(&w, &a->grant.home_agent);
	wr_u8(&w, export_number(a->alg));
	for (unsigned i = 0; i < a->set_count; i++)
		wr_u32(&w, spis[i]);
	return w.at;
}

static void export_cut(struct keys_session *s, const uint32_t spis[static ESP_SET_MAX],
		       const uint8_t *keymat, size_t key_len, const uint8_t ids[static IDS_MAX])
{
	struct keys_agreed *a = &s->agreed;

	for (unsigned i = 0; i < a->set_count; i++) {
		const uint8_t *key = keymat + i * (key_len + SALT_LEN);
		struct esp_sa_params *p = &a->set[i];

		*p = (struct esp_sa_params){.spi = spis[i], .alg = a->alg};
		esp_set_place(p, i, &a->grant.home, s->ctx->server);
		memcpy(p->enc_key, key, key_len);
		memcpy(p->auth_key, key + key_len, SALT_LEN);
		memcpy(p->id, ids + (size_t)i * ESP_ID_LEN, ESP_ID_LEN);
	}
}

bool keys_export(struct keys_session *s, const struct keys_spis *mn)
{
	/* The receiver of each has chosen its SPI. */
	const uint32_t spis[ESP_SET_MAX] = {
		[ESP_SET_TRANSPORT_UP] = s->agreed.grant.spi_transport,
		[ESP_SET_TRANSPORT_DOWN] = mn->transport,
		[ESP_SET_TUNNEL_UP] = s->agreed.grant.spi_tunnel,
		[ESP_SET_TUNNEL_DOWN] = mn->tunnel,
		[ESP_SET_PAYLOAD_UP] = s->agreed.grant.spi_payload,
		[ESP_SET_PAYLOAD_DOWN] = mn->payload,
	};
	const size_t key_len = esp_alg_info(s->agreed.alg)->enc_key_len;
	uint8_t context[CONTEXT_MAX], keymat[KEYMAT_MAX], ids[IDS_MAX];
	size_t context_len;
	unsigned n;
	bool ok = false;

	/* Both ends know of them, or there are none. */
	n = spis[ESP_SET_PAYLOAD_UP] != 0 && spis[ESP_SET_PAYLOAD_DOWN] != 0 ? ESP_SET_MAX
									     : ESP_SET_COUNT;
	s->agreed.set_count = n;
	context_len = export_context(&s->agreed, spis, context);
	ok = SSL_export_keying_material(s->ssl, keymat, n * (key_len + SALT_LEN), LABEL,
					sizeof(LABEL) - 1, context, context_len, 1) == 1 &&
	     SSL_export_keying_material(s->ssl, ids, (size_t)n * ESP_ID_LEN, LABEL_ID,
					sizeof(LABEL_ID) - 1, context, context_len, 1) == 1;
	if (ok)
		export_cut(s, spis, keymat, key_len, ids);
	OPENSSL_cleanse(keymat, sizeof(keymat));
	ERR_clear_error();
	return ok;
}
