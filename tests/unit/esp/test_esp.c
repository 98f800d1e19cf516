/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The ESP transform: literal packets of another implementation (independent.py --vectors) and of
 * RFC 3602, every damage that a packet can take, and packets that are authentic and still wrong,
 * which an encoder of the test's own makes.
 */
#include "esp_test.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>

struct ends {
	struct esp_sad *sad;
	struct esp_sa *out;
	struct esp_sa *in;
};

static struct ends ends_new(enum esp_mode mode, uint64_t last_sent)
{
	struct ends e = {.sad = esp_sad_new(2)};
	struct esp_sa_params p = params(ESP_OUT, mode);

	assert_non_null(e.sad);
	p.sequence = last_sent;
	e.out = add(e.sad, &p);
	p = params(ESP_IN, mode);
	e.in = add(e.sad, &p);
	return e;
}

/* ---- Vectors ------------------------------------------------------------------------------- */

#define SCAPY_TUNNEL_INNER                                                                         \
	"6b800000000e114020010db800010000000000000000010020010db8000200000000000000000200000500"   \
	"06000e5806766563746f72"
#define SCAPY_TUNNEL_SEALED                                                                        \
	"6b8000000068324020010db800110000000000000000000720010db8000100000000000000000001111122"   \
	"2200000102a0a1a2a3a4a5a6a7a8a9aaabacadaeaf86cf0684addba3de431b11708b03aba12b093de451f9"   \
	"6676fe2df9958db3db923215e11b314709d4e35ec5cd47462ff3f12b77d234f7e33b443f4f90dd659b0a3c"   \
	"d19364de7bf31f07731ff15b787cef"

static void test_tunnel_vector(void **state)
{
	const struct octets inner = unhex(SCAPY_TUNNEL_INNER), want = unhex(SCAPY_TUNNEL_SEALED);
	struct ends e = ends_new(ESP_TUNNEL, 257);
	struct octets got;

	(void)state;
	assert_int_equal(seal_tunnel(e.out, &inner, &got), ESP_OK);
	assert_int_equal(got.len, want.len);
	assert_memory_equal(got.at, want.at, want.len);
	assert_int_equal(open_at_40(e.sad, &want, &got), ESP_OK);
	assert_int_equal(got.len, inner.len);
	assert_memory_equal(got.at, inner.at, inner.len);
	assert_int_equal(status(e.in).sequence, 258);
	assert_int_equal(status(e.in).packets, 1);
	assert_int_equal(status(e.in).octets, inner.len);
	assert_int_equal(status(e.out).packets, 1);
	assert_int_equal(status(e.out).octets, inner.len);
	esp_sad_free(e.sad);
}

/* RFC 3776, 3.1 and 3.2: IPv6 | destination options (HAO) | ESP | Binding Update, and IPv6 | type 2
 * routing header | ESP | Binding Acknowledgement. */
static void test_transport_vectors(void **state)
{
	static const char *const vectors[][2] = {
		{"6000000000283c4020010db800110000000000000000000720010db8000100000000000000000001"
		 "870201020000c91020010db8000100000000000000000100"
		 "3b010500466500071800038401020000",
		 "6000000000603c4020010db800110000000000000000000720010db8000100000000000000000001"
		 "320201020000c91020010db8000100000000000000000100"
		 "3333444400000102a0a1a2a3a4a5a6a7a8a9aaabacadaeaf4d9d029fcaa495304fe323e5c37738ed"
		 "23d58f252c86f85bbc15d8c717743d01b5740f0161a6318d54fa4ba80ae42c0c"},
		{"6000000000282b4020010db800010000000000000000000120010db8001100000000000000000007"
		 "870202010000000020010db8000100000000000000000100"
		 "3b010500466500071800038401020000",
		 "6000000000602b4020010db800010000000000000000000120010db8001100000000000000000007"
		 "320202010000000020010db8000100000000000000000100"
		 "3333444400000102a0a1a2a3a4a5a6a7a8a9aaabacadaeaf4d9d029fcaa495304fe323e5c37738ed"
		 "23d58f252c86f85bbc15d8c717743d01b5740f0161a6318d54fa4ba80ae42c0c"},
	};

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		const struct octets plain = unhex(vectors[i][0]), want = unhex(vectors[i][1]);
		struct esp_sad *sad = esp_sad_new(2);
		struct esp_sa_params p = params(ESP_OUT, ESP_TRANSPORT);
		struct esp_opened opened;
		struct octets got;
		struct esp_sa *in, *out;

		p.spi = 0x33334444;
		p.sequence = 257;
		out = add(sad, &p);
		p.direction = ESP_IN;
		p.sequence = 0;
		in = add(sad, &p);
		assert_int_equal(esp_seal_transport(out, plain.at, plain.len, 40, 64, test_iv,
						    got.at, sizeof(got.at), &got.len),
				 ESP_OK);
		assert_int_equal(got.len, want.len);
		assert_memory_equal(got.at, want.at, want.len);
		assert_int_equal(
			esp_open(sad, want.at, want.len, 40, 64, got.at, sizeof(got.at), &opened),
			ESP_OK);
		assert_int_equal(opened.len, plain.len);
		assert_memory_equal(got.at, plain.at, plain.len);
		assert_ptr_equal(opened.sa, in);
		assert_int_equal(opened.mode, ESP_TRANSPORT);
		assert_memory_equal(&opened.owner, &p.owner, sizeof(p.owner));
		esp_sad_free(sad);
	}
}

/* RFC 3602, 4, cases 1 to 3: what comes before the trailer is encrypted as there. */
static void test_rfc3602_vectors(void **state)
{
	static const struct {
		const char *key, *iv, *plain, *cipher;
	} cases[] = {
		{"06a9214036b8a15b512e03d534120006", "3dafba429d9eb430b422da802c9fac41",
		 "53696e676c6520626c6f636b206d7367", "e353779c1079aeb82708942dbe77181a"},
		{"c286696d887c9aa0611bbb3e2025a45a", "562e17996d093d28ddb3ba695a2e6f58",
		 "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f",
		 "d296cd94c2cccf8a3a863028b5e1dc0a7586602d253cfff91b8266bea6d61ab1"},
		{"6c3ea0477630ce21a2ce334aa746c2cd", "c782dc4c098c66cbd9cd27d825682c81",
		 "5468697320697320612034382d62797465206d6573736167652028657861637"
		 "46c7920332041455320626c6f636b7329",
		 "d0a02b3836451753d493665d33f0e8862dea54cdb293abc7506939276772f8d5"
		 "021c19216bad525c8579695d83ba2684"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const struct octets key = unhex(cases[i].key), iv = unhex(cases[i].iv);
		const struct octets text = unhex(cases[i].plain), want = unhex(cases[i].cipher);
		struct octets plain = plain_packet(text.len), got;
		struct esp_sa_params p = params(ESP_OUT, ESP_TRANSPORT);
		struct esp_sad *sad = esp_sad_new(1);

		memcpy(p.enc_key, key.at, key.len);
		memcpy(plain.at + 40, text.at, text.len);
		assert_int_equal(esp_seal_transport(add(sad, &p), plain.at, plain.len, 6, 40, iv.at,
						    got.at, sizeof(got.at), &got.len),
				 ESP_OK);
		assert_memory_equal(got.at + 48, iv.at, 16);
		assert_memory_equal(got.at + 64, want.at, want.len);
		esp_sad_free(sad);
	}
}

/* ---- Round trips --------------------------------------------------------------------------- */

static void test_every_length(void **state)
{
	(void)state;
	struct ends t = ends_new(ESP_TUNNEL, 0), m = ends_new(ESP_TRANSPORT, 0);

	for (size_t len = 0; len < 130; len++) {
		const struct octets plain = plain_packet(len);
		struct octets sealed, got;

		assert_int_equal(seal_tunnel(t.out, &plain, &sealed), ESP_OK);
		assert_true(sealed.len <= plain.len + ESP_OVERHEAD_MAX);
		assert_int_equal((sealed.len - 40) % 16, 8);
		assert_int_equal(open_at_40(t.sad, &sealed, &got), ESP_OK);
		assert_int_equal(got.len, plain.len);
		assert_memory_equal(got.at, plain.at, plain.len);

		assert_int_equal(esp_seal_transport(m.out, plain.at, plain.len, 6, 40, test_iv,
						    sealed.at, sizeof(sealed.at), &sealed.len),
				 ESP_OK);
		assert_int_equal(sealed.at[6], 50);
		assert_int_equal(open_at_40(m.sad, &sealed, &got), ESP_OK);
		assert_int_equal(got.len, plain.len);
		assert_memory_equal(got.at, plain.at, plain.len);
	}
	assert_int_equal(status(t.out).sequence, 130);
	assert_int_equal(status(m.in).sequence, 130);
	esp_sad_free(t.sad);
	esp_sad_free(m.sad);
}

/* RFC 4303, 2.2: an IV of the caller's, numbers from the last used on. */
static void test_sequence_continues(void **state)
{
	const struct octets plain = plain_packet(20);
	struct ends e = ends_new(ESP_TUNNEL, 0x01020304);
	struct octets sealed;

	(void)state;
	assert_int_equal(seal_tunnel(e.out, &plain, &sealed), ESP_OK);
	assert_memory_equal(sealed.at + 44, "\x01\x02\x03\x05", 4);
	assert_int_equal(seal_tunnel(e.out, &plain, &sealed), ESP_OK);
	assert_memory_equal(sealed.at + 44, "\x01\x02\x03\x06", 4);
	esp_sad_free(e.sad);
}

/* A link may deliver more octets than the IPv6 header counts. */
static void test_link_padding_ignored(void **state)
{
	const struct octets plain = plain_packet(3);
	struct ends e = ends_new(ESP_TUNNEL, 0);
	struct octets sealed, got;

	(void)state;
	assert_int_equal(seal_tunnel(e.out, &plain, &sealed), ESP_OK);
	memset(sealed.at + sealed.len, 0xee, 10);
	sealed.len += 10;
	assert_int_equal(open_at_40(e.sad, &sealed, &got), ESP_OK);
	assert_memory_equal(got.at, plain.at, plain.len);
	esp_sad_free(e.sad);
}

/* ---- The outer header ---------------------------------------------------------------------- */

static void test_outer_header(void **state)
{
	struct octets inner = plain_packet(10), sealed;
	struct ends e = ends_new(ESP_TUNNEL, 0);

	(void)state;
	for (unsigned tc = 0; tc < 256; tc++) {
		inner.at[0] = (uint8_t)(0x60 | tc >> 4);
		inner.at[1] = (uint8_t)(tc << 4 | 0x0f);
		inner.at[2] = inner.at[3] = 0xff; /* a flow label, which must not show */
		assert_int_equal(seal_tunnel(e.out, &inner, &sealed), ESP_OK);
		assert_int_equal(sealed.at[0], 0x60 | tc >> 4);
		assert_int_equal(sealed.at[1], (tc << 4) & 0xf0);
		assert_int_equal(sealed.at[2] | sealed.at[3], 0);
		assert_int_equal(sealed.at[4] << 8 | sealed.at[5], sealed.len - 40);
		assert_int_equal(sealed.at[6], 50);
		assert_int_equal(sealed.at[7], 64);
	}
	esp_sad_free(e.sad);
}

/* RFC 6040, 4.2, figure 4; rows are the inner ECN, columns the outer, -1 is a drop. */
static void test_ecn_on_open(void **state)
{
	static const int want[4][4] = {
		{0, 0, 0, -1},
		{1, 1, 1, 3},
		{2, 1, 2, 3},
		{3, 3, 3, 3},
	};
	struct ends e = ends_new(ESP_TUNNEL, 0);

	(void)state;
	for (unsigned in = 0; in < 4; in++) {
		for (unsigned out = 0; out < 4; out++) {
			struct octets inner = plain_packet(10), sealed, got;
			const int expected = want[in][out];

			inner.at[1] = (uint8_t)(0xc5 | in << 4);
			assert_int_equal(seal_tunnel(e.out, &inner, &sealed), ESP_OK);
			sealed.at[1] = (uint8_t)((sealed.at[1] & 0xcf) | out << 4);
			if (expected < 0) {
				assert_int_equal(open_at_40(e.sad, &sealed, &got), ESP_BAD_INNER);
				continue;
			}
			assert_int_equal(open_at_40(e.sad, &sealed, &got), ESP_OK);
			inner.at[1] = (uint8_t)(0xc5 | (unsigned)expected << 4);
			assert_memory_equal(got.at, inner.at, inner.len);
		}
	}
	esp_sad_free(e.sad);
}

/* ---- Damage -------------------------------------------------------------------------------- */

static void test_every_truncation(void **state)
{
	const struct octets plain = plain_packet(50);
	struct ends e = ends_new(ESP_TUNNEL, 0);
	struct octets sealed, cut, got;
	struct esp_sa_status s;

	(void)state;
	assert_int_equal(seal_tunnel(e.out, &plain, &sealed), ESP_OK);
	for (size_t len = 0; len < sealed.len; len++) {
		/* Cut off on the way: the IPv6 header promises more. */
		cut = sealed;
		cut.len = len;
		assert_int_equal(open_at_40(e.sad, &cut, &got), ESP_TRUNCATED);
		assert_int_equal(esp_sad_errors(e.sad)[ESP_TRUNCATED], len + 1);
	}
	for (size_t len = 40; len < sealed.len; len++) {
		/* Cut by somebody who corrects the IPv6 header. */
		const size_t esp = len - 40;
		const bool possible = esp >= 56 && (esp - 56) % 16 == 0;

		cut = sealed;
		cut.len = len;
		cut.at[4] = (uint8_t)(esp >> 8);
		cut.at[5] = (uint8_t)esp;
		assert_int_equal(open_at_40(e.sad, &cut, &got),
				 possible ? ESP_BAD_ICV : ESP_TRUNCATED);
	}
	/* Without SPI and sequence number there is no SA to charge. */
	assert_int_equal(esp_sad_errors(e.sad)[ESP_TRUNCATED], sealed.len + 8);
	s = status(e.in);
	assert_int_equal(s.errors[ESP_TRUNCATED] + s.errors[ESP_BAD_ICV], sealed.len - 40 - 8);
	assert_int_equal(s.packets, 0);
	assert_int_equal(open_at_40(e.sad, &sealed, &got), ESP_OK);
	esp_sad_free(e.sad);
}

static void test_every_flipped_bit(void **state)
{
	const struct octets plain = plain_packet(50);
	/* With this number every flip of a sequence bit makes one that is right of the window. */
	struct ends e = ends_new(ESP_TUNNEL, 0x7f7f7f7e);
	uint64_t bad_icv = 0;
	struct octets sealed, got;

	(void)state;
	assert_int_equal(seal_tunnel(e.out, &plain, &sealed), ESP_OK);
	for (size_t at = 40; at < sealed.len; at++) {
		for (unsigned bit = 0; bit < 8; bit++) {
			sealed.at[at] ^= (uint8_t)(1u << bit);
			assert_int_equal(open_at_40(e.sad, &sealed, &got),
					 at < 44 ? ESP_NO_SA : ESP_BAD_ICV);
			sealed.at[at] ^= (uint8_t)(1u << bit);
			bad_icv += at >= 44;
		}
	}
	assert_int_equal(status(e.in).errors[ESP_BAD_ICV], bad_icv);
	assert_int_equal(esp_sad_errors(e.sad)[ESP_NO_SA], 32);
	/* None of them moved the window. */
	assert_int_equal(status(e.in).sequence, 0);
	assert_int_equal(open_at_40(e.sad, &sealed, &got), ESP_OK);
	esp_sad_free(e.sad);
}

static void test_offsets_refused(void **state)
{
	const struct octets plain = plain_packet(50);
	struct ends e = ends_new(ESP_TUNNEL, 0), m = ends_new(ESP_TRANSPORT, 0);
	const size_t bad[][2] = {{6, 0}, {6, 39}, {40, 40}, {64, 40}, {6, 2000}, {6, SIZE_MAX}};
	struct octets sealed, got;
	struct esp_opened opened;

	(void)state;
	assert_int_equal(seal_tunnel(e.out, &plain, &sealed), ESP_OK);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		assert_int_equal(esp_open(e.sad, sealed.at, sealed.len, bad[i][0], bad[i][1],
					  got.at, sizeof(got.at), &opened),
				 ESP_TRUNCATED);
		assert_int_equal(esp_seal_transport(m.out, plain.at, plain.len, bad[i][0],
						    bad[i][1], test_iv, got.at, sizeof(got.at),
						    &got.len),
				 ESP_TRUNCATED);
	}
	assert_int_equal(status(m.out).errors[ESP_TRUNCATED], sizeof(bad) / sizeof(bad[0]));
	assert_int_equal(status(m.out).sequence, 0);
	esp_sad_free(e.sad);
	esp_sad_free(m.sad);
}

static void test_not_ip6_refused(void **state)
{
	struct octets plain = plain_packet(50), got;
	struct ends e = ends_new(ESP_TUNNEL, 0), m = ends_new(ESP_TRANSPORT, 0);

	(void)state;
	plain.at[0] = 0x45;
	assert_int_equal(seal_tunnel(e.out, &plain, &got), ESP_BAD_INNER);
	assert_int_equal(esp_seal_transport(m.out, plain.at, plain.len, 6, 40, test_iv, got.at,
					    sizeof(got.at), &got.len),
			 ESP_BAD_INNER);
	assert_int_equal(open_at_40(e.sad, &plain, &got), ESP_TRUNCATED);
	plain = plain_packet(50);
	plain.at[5]--; /* longer than it says */
	assert_int_equal(seal_tunnel(e.out, &plain, &got), ESP_BAD_INNER);
	plain.at[5] += 2; /* shorter */
	assert_int_equal(seal_tunnel(e.out, &plain, &got), ESP_BAD_INNER);
	plain.len = 39;
	assert_int_equal(seal_tunnel(e.out, &plain, &got), ESP_BAD_INNER);
	assert_int_equal(status(e.out).errors[ESP_BAD_INNER], 4);
	assert_int_equal(status(e.out).sequence, 0);
	esp_sad_free(e.sad);
	esp_sad_free(m.sad);
}

/* ---- Space --------------------------------------------------------------------------------- */

static void test_no_space(void **state)
{
	const struct in6_addr a = addr("2001:db8::1");
	const struct octets plain = plain_packet(10);
	struct ends e = ends_new(ESP_TUNNEL, 0), m = ends_new(ESP_TRANSPORT, 0);
	/* 40 + 10 + trailer = 64; 10 + trailer = 16. */
	const size_t tunnel_len = 40 + 8 + 16 + 64 + 16, transport_len = 40 + 8 + 16 + 16 + 16;
	struct octets sealed, got;
	struct esp_opened opened;

	(void)state;
	for (size_t cap = 0; cap < tunnel_len; cap++)
		assert_int_equal(esp_seal_tunnel(e.out, &a, &a, plain.at, plain.len, test_iv,
						 got.at, cap, &got.len),
				 ESP_NO_SPACE);
	for (size_t cap = 0; cap < transport_len; cap++)
		assert_int_equal(esp_seal_transport(m.out, plain.at, plain.len, 6, 40, test_iv,
						    got.at, cap, &got.len),
				 ESP_NO_SPACE);
	assert_int_equal(status(e.out).sequence, 0);
	assert_int_equal(status(e.out).errors[ESP_NO_SPACE], tunnel_len);
	assert_int_equal(esp_seal_tunnel(e.out, &a, &a, plain.at, plain.len, test_iv, sealed.at,
					 tunnel_len, &sealed.len),
			 ESP_OK);
	for (size_t cap = 0; cap < 64; cap++)
		assert_int_equal(
			esp_open(e.sad, sealed.at, sealed.len, 6, 40, got.at, cap, &opened),
			ESP_NO_SPACE);
	/* The number was not used up by that. */
	assert_int_equal(esp_open(e.sad, sealed.at, sealed.len, 6, 40, got.at, 64, &opened),
			 ESP_OK);

	assert_int_equal(esp_seal_transport(m.out, plain.at, plain.len, 6, 40, test_iv, sealed.at,
					    transport_len, &sealed.len),
			 ESP_OK);
	for (size_t cap = 0; cap < 56; cap++)
		assert_int_equal(
			esp_open(m.sad, sealed.at, sealed.len, 6, 40, got.at, cap, &opened),
			ESP_NO_SPACE);
	assert_int_equal(esp_open(m.sad, sealed.at, sealed.len, 6, 40, got.at, 56, &opened),
			 ESP_OK);
	esp_sad_free(e.sad);
	esp_sad_free(m.sad);
}

/* More than an IPv6 payload length can say. */
static void test_too_long_for_ip6(void **state)
{
	static uint8_t inner[40 + 65535], out[sizeof(inner) + ESP_OVERHEAD_MAX];
	const struct in6_addr a = addr("2001:db8::1");
	struct ends e = ends_new(ESP_TUNNEL, 0);
	struct esp_opened opened;
	size_t len, plain;

	(void)state;
	for (plain = 65535; plain > 65000; plain--) {
		inner[0] = 0x60;
		inner[4] = (uint8_t)(plain >> 8);
		inner[5] = (uint8_t)plain;
		if (esp_seal_tunnel(e.out, &a, &a, inner, 40 + plain, test_iv, out, sizeof(out),
				    &len) == ESP_OK)
			break;
	}
	/* 65535 - 8 - 16 - 16 leaves 4093 whole blocks: 40 + 65446 + 2. */
	assert_int_equal(plain, 65446);
	assert_int_equal(status(e.out).errors[ESP_NO_SPACE], 65535 - 65446);
	assert_int_equal(esp_open(e.sad, out, len, 6, 40, inner, sizeof(inner), &opened), ESP_OK);
	assert_int_equal(opened.len, 40 + 65446);
	esp_sad_free(e.sad);
}

/* ---- Authentic but wrong ------------------------------------------------------------------- */

/* ESP around @len octets of finished plaintext, by an encoder that shares nothing with src/esp. */
static struct octets craft(const struct esp_sa_params *p, uint32_t sequence, const uint8_t *plain,
			   size_t len)
{
	struct octets o = plain_packet(8 + 16 + len + 16);
	const uint32_t head[2] = {htonl(p->spi), htonl(sequence)};
	EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
	uint8_t icv[EVP_MAX_MD_SIZE];
	unsigned icv_len;
	int n;

	o.at[6] = 50;
	memcpy(o.at + 40, head, 8);
	memcpy(o.at + 48, test_iv, 16);
	assert_int_equal(EVP_EncryptInit_ex(ctx, EVP_aes_128_cbc(), NULL, p->enc_key, test_iv), 1);
	assert_int_equal(EVP_EncryptUpdate(ctx, o.at + 64, &n, plain, (int)len), 1);
	assert_int_equal(n, len);
	EVP_CIPHER_CTX_free(ctx);
	assert_non_null(HMAC(EVP_sha256(), p->auth_key, 32, o.at + 40, 24 + len, icv, &icv_len));
	memcpy(o.at + 64 + len, icv, 16);
	return o;
}

/* Plaintext of @blocks blocks that ends in @pad_len octets of padding and @next_header. */
static void plaintext(uint8_t *out, size_t blocks, uint8_t pad_len, uint8_t next_header)
{
	const size_t end = blocks * 16 - 2;
	const struct octets inner = plain_packet(end >= pad_len + 40u ? end - pad_len - 40 : 0);

	memset(out, 0, blocks * 16);
	if (end >= pad_len + 40u)
		memcpy(out, inner.at, inner.len);
	for (size_t i = 0; i < pad_len && i < end; i++)
		out[end - 1 - i] = (uint8_t)(pad_len - i);
	out[end] = pad_len;
	out[end + 1] = next_header;
}

static void test_padding(void **state)
{
	const struct esp_sa_params p = params(ESP_IN, ESP_TUNNEL);
	struct esp_sad *sad = esp_sad_new(1);
	struct esp_sa *in = add(sad, &p);
	uint8_t plain[20 * 16];
	uint32_t sequence = 0;
	struct octets sealed, got;

	(void)state;
	/* Every length that leaves room for the inner header is accepted (RFC 4303, 2.4). */
	for (unsigned pad = 0; pad <= 255; pad++) {
		plaintext(plain, 20, (uint8_t)pad, 41);
		sealed = craft(&p, ++sequence, plain, sizeof(plain));
		assert_int_equal(open_at_40(sad, &sealed, &got), ESP_OK);
		assert_int_equal(got.len, sizeof(plain) - 2 - pad);
	}
	/* Each octet of it is checked. */
	for (size_t i = 0; i < 30; i++) {
		plaintext(plain, 20, 30, 41);
		plain[sizeof(plain) - 3 - i] ^= 0x40;
		sealed = craft(&p, ++sequence, plain, sizeof(plain));
		assert_int_equal(open_at_40(sad, &sealed, &got), ESP_BAD_PADDING);
	}
	/* More padding than there are octets. */
	for (unsigned pad = 15; pad <= 255; pad++) {
		plaintext(plain, 1, (uint8_t)pad, 41);
		sealed = craft(&p, ++sequence, plain, 16);
		assert_int_equal(open_at_40(sad, &sealed, &got), ESP_BAD_PADDING);
	}
	assert_int_equal(status(in).errors[ESP_BAD_PADDING], 30 + 241);
	esp_sad_free(sad);
}

static void test_bad_inner_tunnel(void **state)
{
	const struct esp_sa_params p = params(ESP_IN, ESP_TUNNEL);
	struct esp_sad *sad = esp_sad_new(1);
	struct esp_sa *in = add(sad, &p);
	uint8_t plain[4 * 16];
	uint32_t sequence = 0;
	struct octets sealed, got;

	(void)state;
	for (unsigned nh = 0; nh < 256; nh++) {
		if (nh == 59)
			continue; /* a dummy packet */
		plaintext(plain, 4, 0, (uint8_t)nh);
		sealed = craft(&p, ++sequence, plain, sizeof(plain));
		assert_int_equal(open_at_40(sad, &sealed, &got), nh == 41 ? ESP_OK : ESP_BAD_INNER);
	}
	plaintext(plain, 4, 0, 41);
	plain[0] = 0x45; /* IPv4 */
	sealed = craft(&p, ++sequence, plain, sizeof(plain));
	assert_int_equal(open_at_40(sad, &sealed, &got), ESP_BAD_INNER);
	plaintext(plain, 4, 0, 41);
	plain[5]++; /* promises an octet more than there is */
	sealed = craft(&p, ++sequence, plain, sizeof(plain));
	assert_int_equal(open_at_40(sad, &sealed, &got), ESP_BAD_INNER);
	plaintext(plain, 2, 0, 41); /* no room for an IPv6 header */
	sealed = craft(&p, ++sequence, plain, 32);
	assert_int_equal(open_at_40(sad, &sealed, &got), ESP_BAD_INNER);
	assert_int_equal(status(in).errors[ESP_BAD_INNER], 254 + 3);

	plaintext(plain, 4, 0, 41);
	plain[5] -= 7; /* traffic flow confidentiality padding (RFC 4303, 2.7) */
	sealed = craft(&p, ++sequence, plain, sizeof(plain));
	assert_int_equal(open_at_40(sad, &sealed, &got), ESP_OK);
	assert_int_equal(got.len, 4 * 16 - 2 - 7);
	esp_sad_free(sad);
}

static void test_bad_inner_transport(void **state)
{
	const struct esp_sa_params p = params(ESP_IN, ESP_TRANSPORT);
	struct esp_sad *sad = esp_sad_new(1);
	uint8_t plain[16];
	struct octets sealed, got;

	(void)state;
	add(sad, &p);
	for (unsigned nh = 0; nh < 256; nh++) {
		const bool refused = nh == 41;

		if (nh == 59)
			continue; /* a dummy packet */
		plaintext(plain, 1, 4, (uint8_t)nh);
		sealed = craft(&p, nh + 1, plain, sizeof(plain));
		assert_int_equal(open_at_40(sad, &sealed, &got), refused ? ESP_BAD_INNER : ESP_OK);
		if (refused)
			continue;
		assert_int_equal(got.len, 40 + 10);
		assert_int_equal(got.at[6], nh);
		assert_int_equal(got.at[4] << 8 | got.at[5], 10);
	}
	esp_sad_free(sad);
}

/* RFC 4303, 2.6: next header 59, the rest need not be well-formed; no error, but a number used. */
static void test_dummy_packets(void **state)
{
	static const enum esp_mode mode[] = {ESP_TUNNEL, ESP_TRANSPORT};

	(void)state;
	for (size_t i = 0; i < sizeof(mode) / sizeof(mode[0]); i++) {
		const struct esp_sa_params p = params(ESP_IN, mode[i]);
		struct esp_sad *sad = esp_sad_new(1);
		struct esp_sa *in = add(sad, &p);
		uint8_t plain[2 * 16];
		struct octets sealed, got;

		plaintext(plain, 2, 0, 59);
		plain[0] = 0x45;
		sealed = craft(&p, 1, plain, sizeof(plain));
		assert_int_equal(open_at_40(sad, &sealed, &got), ESP_DUMMY);
		assert_int_equal(open_at_40(sad, &sealed, &got), ESP_REPLAY);
		assert_int_equal(status(in).errors[ESP_DUMMY], 1);
		assert_int_equal(status(in).errors[ESP_BAD_INNER], 0);
		esp_sad_free(sad);
	}
}

/* RFC 4303, 2.6: what is sealed as a dummy is opened as one, whatever its length; it uses a number.
 */
static void test_dummy_packets_are_sent(void **state)
{
	static const size_t lens[] = {0, 1, 13, 14, 15, 512, ESP_DUMMY_MAX};
	struct ends e = ends_new(ESP_TUNNEL, 0);
	const struct in6_addr a = {{{0x20, 1}}};

	(void)state;
	for (size_t i = 0; i < sizeof(lens) / sizeof(lens[0]); i++) {
		struct octets sealed = {0}, got = {0};

		assert_int_equal(esp_seal_dummy(e.out, &a, &a, lens[i], test_iv, sealed.at,
						sizeof(sealed.at), &sealed.len),
				 ESP_OK);
		assert_true(sealed.len <= 1280);
		assert_int_equal(status(e.out).sequence, i + 1);
		assert_int_equal(open_at_40(e.sad, &sealed, &got), ESP_DUMMY);
		assert_int_equal(status(e.in).errors[ESP_DUMMY], i + 1);
	}
	esp_sad_free(e.sad);
}

/* Whoever follows a peer follows its newest packet: not one that comes late, nor one again. */
static void test_newest(void **state)
{
	static const unsigned order[] = {0, 2, 1, 3};
	static const bool newest[] = {true, true, false, true};
	struct ends e = ends_new(ESP_TUNNEL, 0);
	const struct in6_addr a = {{{0x20, 1}}};
	struct octets sealed[4], got;

	(void)state;
	for (size_t i = 0; i < 4; i++)
		assert_int_equal(esp_seal_dummy(e.out, &a, &a, 9, test_iv, sealed[i].at,
						sizeof(sealed[i].at), &sealed[i].len),
				 ESP_OK);
	for (size_t i = 0; i < 4; i++) {
		struct esp_opened opened = {.len = 1};

		assert_int_equal(esp_open(e.sad, sealed[order[i]].at, sealed[order[i]].len, 6, 40,
					  got.at, sizeof(got.at), &opened),
				 ESP_DUMMY);
		assert_int_equal(opened.newest, newest[i]);
		assert_int_equal(opened.len, 9);
		assert_int_equal(opened.mode, ESP_TUNNEL);
	}
	esp_sad_free(e.sad);
}

static void test_seal_transport_refuses_what_cannot_open(void **state)
{
	struct octets plain = plain_packet(16), got;
	struct ends m = ends_new(ESP_TRANSPORT, 0);

	(void)state;
	plain.at[6] = 59;
	assert_int_equal(esp_seal_transport(m.out, plain.at, plain.len, 6, 40, test_iv, got.at,
					    sizeof(got.at), &got.len),
			 ESP_BAD_INNER);
	plain.at[6] = 41;
	assert_int_equal(esp_seal_transport(m.out, plain.at, plain.len, 6, 40, test_iv, got.at,
					    sizeof(got.at), &got.len),
			 ESP_BAD_INNER);
	esp_sad_free(m.sad);
}

static void test_result_names(void **state)
{
	(void)state;
	for (unsigned i = 0; i < ESP_RESULT_COUNT; i++) {
		assert_int_equal(strncmp(esp_result_name(i), "esp-", 4), 0);
		for (unsigned k = 0; k < i; k++)
			assert_string_not_equal(esp_result_name(i), esp_result_name(k));
	}
	assert_string_equal(esp_result_name(ESP_NO_SA), "esp-no-sa");
	assert_string_equal(esp_result_name(ESP_RESULT_COUNT), "esp-unknown");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_tunnel_vector),
		cmocka_unit_test(test_transport_vectors),
		cmocka_unit_test(test_rfc3602_vectors),
		cmocka_unit_test(test_every_length),
		cmocka_unit_test(test_sequence_continues),
		cmocka_unit_test(test_link_padding_ignored),
		cmocka_unit_test(test_outer_header),
		cmocka_unit_test(test_ecn_on_open),
		cmocka_unit_test(test_every_truncation),
		cmocka_unit_test(test_every_flipped_bit),
		cmocka_unit_test(test_offsets_refused),
		cmocka_unit_test(test_not_ip6_refused),
		cmocka_unit_test(test_no_space),
		cmocka_unit_test(test_too_long_for_ip6),
		cmocka_unit_test(test_padding),
		cmocka_unit_test(test_bad_inner_tunnel),
		cmocka_unit_test(test_bad_inner_transport),
		cmocka_unit_test(test_dummy_packets),
		cmocka_unit_test(test_dummy_packets_are_sent),
		cmocka_unit_test(test_newest),
		cmocka_unit_test(test_seal_transport_refuses_what_cannot_open),
		cmocka_unit_test(test_result_names),
	};

	return cmocka_run_group_tests_name("esp", tests, NULL, NULL);
}
