/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The ESP transform (RFC 4303): seals and opens single packets in tunnel and transport mode, with
 * the algorithms of alg.c.  Which packet is to be protected is not known here, and of an opened one
 * no more than whether its SA covers it.
 *
 *   | IPv6 ... | SPI 4 | sequence 4 | IV 16 | ciphertext, n * 16 | ICV 16 |
 *                                             = payload | 1 2 3 ... | pad length | next header
 *
 * The sizes are those of AES-CBC and HMAC-SHA-256-128; 3DES-CBC has 8, no encryption 0 and 4,
 * HMAC-SHA1-96 has 12, AEAD has an IV of 8 octets and nothing to fill up but four octets.
 *
 * Sequence numbers have 32 bits, with AEAD 64 of which the last 32 are sent (ESN: RFC 4303, 2.2.1
 * asks for it with key management only).
 * Output buffers must not overlap the input.  A failing libcrypto call stops the program, as sad.c
 * explains: no packet can cause one.
 */
#include <assert.h>
#include <openssl/crypto.h>
#include <string.h>

#include "base/ip6.h"
#include "esp_doubt.h"
#include "sad.h"

#ifdef NDEBUG
#error "a failing libcrypto call must stop the program: build without NDEBUG"
#endif

#define IP6_PAYLOAD_MAX 65535u
#define ESP_HDR_LEN 8
#define TRAILER_LEN 2 /* pad length and next header */
#define ICV_LEN_MAX 16
#define MAC_LEN_MAX 32
#define SALT_LEN 4
#define NONCE_LEN 12
#define AAD_LEN 12
#define HOP_LIMIT 64

/* @len octets hold an IPv6 header and all that its payload length promises. */
static bool is_ip6(const uint8_t *p, size_t len)
{
	return len >= IP6_HDR_LEN && p[0] >> 4 == 6 && len >= ip6_len(p);
}

static enum esp_result esp_charge(struct esp_sa *sa, enum esp_result why)
{
	esp_sa_charge(sa, why);
	return why;
}

static void esp_crypt(const struct esp_sa *sa, const uint8_t *iv, const uint8_t *in, size_t len,
		      uint8_t *out)
{
	EVP_CIPHER_CTX *ctx = esp_sa_slot(sa)->cipher;
	int out_len = 0;
	bool ok;

	if (ctx == NULL) { /* NULL encryption (RFC 2410) */
		if (out != in)
			memcpy(out, in, len);
		return;
	}
	ok = EVP_CipherInit_ex2(ctx, NULL, NULL, iv, -1, NULL) == 1 &&
	     EVP_CipherUpdate(ctx, out, &out_len, in, (int)len) == 1 && (size_t)out_len == len;
	assert(ok);
}

/* RFC 4303, 2.8: over SPI, sequence number, IV and ciphertext. */
static void esp_mac(const struct esp_sa *sa, const uint8_t *esp, size_t len, uint8_t *ret_icv)
{
	EVP_MAC_CTX *ctx = esp_sa_slot(sa)->mac;
	uint8_t full[MAC_LEN_MAX];
	size_t full_len = 0;
	bool ok = EVP_MAC_init(ctx, NULL, 0, NULL) == 1 && EVP_MAC_update(ctx, esp, len) == 1 &&
		  EVP_MAC_final(ctx, full, &full_len, sizeof(full)) == 1 &&
		  full_len == sa->alg->mac_len;

	assert(ok);
	memcpy(ret_icv, full, sa->alg->icv_len);
}

static bool is_aead(const struct esp_sa *sa)
{
	return sa->alg->integrity == NULL;
}

/* What goes into a packet's cipher beside its octets. */
struct aead {
	const struct esp_slot *slot;
	uint8_t nonce[NONCE_LEN];
	/* Authenticated and not encrypted: SPI and number (RFC 4106, 5; RFC 7634, 2.1). */
	uint8_t aad[AAD_LEN];
	size_t front, len; /* the ciphertext: where, and how long */
};

static void aead_begin(const struct esp_sa *sa, const uint8_t *esp, size_t total, uint64_t sequence,
		       struct aead *ret)
{
	ret->slot = esp_sa_slot(sa);
	memcpy(ret->nonce, sa->keys + sa->alg->enc_key_len, SALT_LEN);
	memcpy(ret->nonce + SALT_LEN, esp + ESP_HDR_LEN, sa->alg->iv_len);
	memcpy(ret->aad, esp, 4);
	set_be64(ret->aad + 4, sequence);
	ret->front = ESP_HDR_LEN + (size_t)sa->alg->iv_len;
	ret->len = total - ret->front - sa->alg->icv_len;
}

static bool aead_begin_evp(const struct aead *a)
{
	int len = 0;

	return EVP_CipherInit_ex2(a->slot->cipher, NULL, NULL, a->nonce, -1, NULL) == 1 &&
	       EVP_CipherUpdate(a->slot->cipher, NULL, &len, a->aad, sizeof(a->aad)) == 1;
}

static struct gcm_packet aead_gcm(const struct aead *a)
{
	return (struct gcm_packet){a->slot->gcm, a->nonce, a->aad};
}

/* Encrypts in place what stands between IV and ICV of @total octets, and writes the ICV. */
static void aead_seal(const struct esp_sa *sa, uint8_t *esp, size_t total)
{
	struct gcm_packet packet;
	EVP_CIPHER_CTX *ctx;
	int out_len = 0, more = 0;
	struct aead a;
	uint8_t *body;
	bool ok;

	aead_begin(sa, esp, total, sa->sequence, &a);
	body = esp + a.front;
	if (a.slot->gcm != NULL) {
		packet = aead_gcm(&a);
		sa->sad->gcm->seal(sa->sad->gcm, &packet, body, a.len, body + a.len);
		return;
	}
	ctx = a.slot->cipher;
	ok = aead_begin_evp(&a) && EVP_CipherUpdate(ctx, body, &out_len, body, (int)a.len) == 1 &&
	     EVP_CipherFinal_ex(ctx, body + out_len, &more) == 1 &&
	     (size_t)out_len + (size_t)more == a.len &&
	     EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_GET_TAG, sa->alg->icv_len, body + a.len) == 1;
	assert(ok);
}

/* Decrypts to @plain.  Returns false, with anything in @plain, where the ICV is wrong. */
static bool aead_open(const struct esp_sa *sa, const uint8_t *esp, size_t total, uint64_t sequence,
		      uint8_t *plain)
{
	struct gcm_packet packet;
	EVP_CIPHER_CTX *ctx;
	uint8_t icv[ICV_LEN_MAX];
	int out_len = 0, more = 0;
	const uint8_t *body, *sent;
	struct aead a;
	bool ok;

	aead_begin(sa, esp, total, sequence, &a);
	body = esp + a.front;
	sent = body + a.len;
	if (a.slot->gcm != NULL) {
		packet = aead_gcm(&a);
		sa->sad->gcm->unseal(sa->sad->gcm, &packet, body, a.len, plain, icv);
		return CRYPTO_memcmp(icv, sent, sa->alg->icv_len) == 0;
	}
	ctx = a.slot->cipher;
	memcpy(icv, sent, sa->alg->icv_len);
	ok = aead_begin_evp(&a) && EVP_CipherUpdate(ctx, plain, &out_len, body, (int)a.len) == 1 &&
	     (size_t)out_len == a.len &&
	     EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_SET_TAG, sa->alg->icv_len, icv) == 1;
	assert(ok);
	return EVP_CipherFinal_ex(ctx, plain + a.len, &more) == 1;
}

/* ---- Sealing ------------------------------------------------------------------------------- */

/* What ESP needs beside the ciphertext. */
static size_t frame_len(const struct esp_alg_info *alg)
{
	return ESP_HDR_LEN + (size_t)alg->iv_len + alg->icv_len;
}

/* Octets of ESP around @len octets of payload. */
static size_t esp_len(const struct esp_alg_info *alg, size_t len)
{
	size_t blocks = (len + TRAILER_LEN + alg->block_len - 1) / alg->block_len;

	return frame_len(alg) + blocks * alg->block_len;
}

/* Writes esp_len(@len) octets at @esp. */
static void esp_seal(struct esp_sa *sa, const uint8_t *payload, size_t len, uint8_t next_header,
		     const uint8_t *iv, uint8_t *esp)
{
	const struct esp_alg_info *alg = sa->alg;
	const size_t total = esp_len(alg, len);
	const size_t cipher_len = total - frame_len(alg);
	const size_t pad_len = cipher_len - len - TRAILER_LEN;
	uint8_t *body = esp + ESP_HDR_LEN + alg->iv_len;

	/* RFC 4303, 3.3.3: the first packet has number 1. */
	set_be32(esp, sa->spi);
	set_be32(esp + 4, (uint32_t)++sa->sequence);
	if (is_aead(sa))
		/* RFC 4106, 3.1: must not come twice under one key. */
		set_be64(esp + ESP_HDR_LEN, sa->sequence);
	else
		memcpy(esp + ESP_HDR_LEN, iv, alg->iv_len);
	memcpy(body, payload, len);
	/* RFC 4303, 2.4: the padding counts 1, 2, 3. */
	for (size_t i = 0; i < pad_len; i++)
		body[len + i] = (uint8_t)(i + 1);
	body[cipher_len - 2] = (uint8_t)pad_len;
	body[cipher_len - 1] = next_header;
	if (is_aead(sa)) {
		aead_seal(sa, esp, total);
	} else {
		esp_crypt(sa, iv, body, cipher_len, body);
		esp_mac(sa, esp, total - alg->icv_len, esp + total - alg->icv_len);
	}
	esp_sa_note_used(sa);
}

/* What both modes refuse before they touch the output: @total octets of packet would come out. */
static enum esp_result seal_check(const struct esp_sa *sa, size_t total, size_t out_cap)
{
	/* RFC 4303, 3.3.3: a number never comes twice under one key. */
	if (sa->sequence >= sa->limit)
		return ESP_EXHAUSTED;
	if (total > out_cap || total - IP6_HDR_LEN > IP6_PAYLOAD_MAX)
		return ESP_NO_SPACE;
	return ESP_OK;
}

/* The outer header of @total octets of packet.  Flow label 0: it would tell flows apart. */
static void seal_outer(const struct in6_addr *src, const struct in6_addr *dst, size_t total,
		       uint8_t *out)
{
	out[0] = 0x60;
	out[1] = 0;
	set_be16(out + 2, 0);
	ip6_set_len(out, total);
	out[IP6_NEXT_AT] = IPPROTO_ESP;
	out[IP6_HOP_LIMIT_AT] = HOP_LIMIT;
	memcpy(out + IP6_SRC_AT, src->s6_addr, 16);
	memcpy(out + IP6_DST_AT, dst->s6_addr, 16);
}

enum esp_result esp_seal_note(struct esp_sa *sa, const struct in6_addr *src,
			      const struct in6_addr *dst, const uint8_t *note, size_t len,
			      const uint8_t iv[static 16], uint8_t *out, size_t out_cap,
			      size_t *ret_len)
{
	const size_t total = IP6_HDR_LEN + esp_len(sa->alg, len);
	enum esp_result why;

	assert(sa->direction == ESP_OUT && sa->mode == ESP_TUNNEL && len <= ESP_DUMMY_MAX);
	why = seal_check(sa, total, out_cap);
	if (why != ESP_OK)
		return esp_charge(sa, why);
	seal_outer(src, dst, total, out);
	esp_seal(sa, note, len, IPPROTO_NONE, iv, out + IP6_HDR_LEN);
	*ret_len = total;
	return ESP_OK;
}

enum esp_result esp_seal_dummy(struct esp_sa *sa, const struct in6_addr *src,
			       const struct in6_addr *dst, size_t len, const uint8_t iv[static 16],
			       uint8_t *out, size_t out_cap, size_t *ret_len)
{
	static const uint8_t nothing[ESP_DUMMY_MAX];

	assert(len <= sizeof(nothing));
	return esp_seal_note(sa, src, dst, nothing, len, iv, out, out_cap, ret_len);
}

enum esp_result esp_seal_tunnel(struct esp_sa *sa, const struct in6_addr *src,
				const struct in6_addr *dst, const uint8_t *inner, size_t inner_len,
				const uint8_t iv[static 16], uint8_t *out, size_t out_cap,
				size_t *ret_len)
{
	const size_t total = IP6_HDR_LEN + esp_len(sa->alg, inner_len);
	enum esp_result why;

	assert(sa->direction == ESP_OUT && sa->mode == ESP_TUNNEL);
	if (!is_ip6(inner, inner_len) || inner_len != ip6_len(inner))
		return esp_charge(sa, ESP_BAD_INNER);
	why = seal_check(sa, total, out_cap);
	if (why != ESP_OK)
		return esp_charge(sa, why);

	seal_outer(src, dst, total, out);
	/* Traffic class as inside: RFC 4301, 5.1.2.2 for the DSCP, RFC 6040, 4.1 (normal mode) for
	 * ECN. */
	out[0] = inner[0];
	out[1] = inner[1] & 0xf0;
	esp_seal(sa, inner, inner_len, IPPROTO_IPV6, iv, out + IP6_HDR_LEN);
	sa->packets++;
	sa->octets += inner_len;
	*ret_len = total;
	return ESP_OK;
}

/* Transport mode carries an upper-layer header: no packet of its own, and not nothing. */
static bool is_upper(uint8_t next_header)
{
	return next_header != IPPROTO_IPV6 && next_header != IPPROTO_NONE;
}

enum esp_result esp_seal_transport(struct esp_sa *sa, const uint8_t *packet, size_t len,
				   size_t proto_at, size_t upper_at, const uint8_t iv[static 16],
				   uint8_t *out, size_t out_cap, size_t *ret_len)
{
	enum esp_result why;
	size_t total;

	assert(sa->direction == ESP_OUT && sa->mode == ESP_TRANSPORT);
	if (upper_at < IP6_HDR_LEN || upper_at > len || proto_at >= upper_at)
		return esp_charge(sa, ESP_TRUNCATED);
	if (!is_ip6(packet, len) || !is_upper(packet[proto_at]))
		return esp_charge(sa, ESP_BAD_INNER);
	total = upper_at + esp_len(sa->alg, len - upper_at);
	why = seal_check(sa, total, out_cap);
	if (why != ESP_OK)
		return esp_charge(sa, why);

	memcpy(out, packet, upper_at);
	out[proto_at] = IPPROTO_ESP;
	ip6_set_len(out, total);
	esp_seal(sa, packet + upper_at, len - upper_at, packet[proto_at], iv, out + upper_at);
	sa->packets++;
	sa->octets += len;
	*ret_len = total;
	return ESP_OK;
}

/* ---- Replay -------------------------------------------------------------------------------- */

static uint64_t window_bit(uint64_t sequence)
{
	return UINT64_C(1) << sequence % 64;
}

static uint64_t *window_word(struct esp_sa *sa, uint64_t sequence)
{
	return &sa->window[sequence / 64 % ESP_WINDOW_WORDS];
}

/*
 * The whole number of a packet of which the last 32 bits were sent (RFC 4303, A2.1): the one that
 * is in the window or follows it.  A sender whose packets of a whole 2^32 were lost is not found
 * again; it makes new keys long before.
 */
static uint64_t whole_number(const struct esp_sa *sa, uint32_t sent)
{
	const uint32_t right = (uint32_t)sa->sequence;
	const uint32_t left = right - (ESP_REPLAY_WINDOW - 1); /* modulo 2^32 */
	uint64_t high = sa->sequence >> 32;

	if (!is_aead(sa))
		return sent;
	if (right >= ESP_REPLAY_WINDOW - 1)
		high += sent < left;
	else if (sent >= left && high > 0)
		high--;
	return high << 32 | sent;
}

/* RFC 4303, 3.4.3: new on the right of the window, or inside and not seen. */
static bool replay_fresh(struct esp_sa *sa, uint64_t sequence)
{
	if (sequence > sa->sequence)
		return true;
	if (sa->sequence - sequence >= ESP_REPLAY_WINDOW)
		return false;
	return (*window_word(sa, sequence) & window_bit(sequence)) == 0;
}

/* Only after the ICV: else anybody could move the window. */
static void replay_update(struct esp_sa *sa, uint64_t sequence)
{
	if (sequence > sa->sequence) {
		if (sequence - sa->sequence >= ESP_REPLAY_WINDOW)
			memset(sa->window, 0, sizeof(sa->window));
		else
			for (uint64_t s = sa->sequence + 1; s < sequence; s++)
				*window_word(sa, s) &= ~window_bit(s);
		sa->sequence = sequence;
	}
	*window_word(sa, sequence) |= window_bit(sequence);
}

/* ---- Opening ------------------------------------------------------------------------------- */

/*
 * RFC 6040, 4.2: a router's congestion mark on the outer header goes over to the inner one. Returns
 * false where the packet must be dropped: marked, but the inner packet knows no ECN.
 */
static bool merge_ecn(uint8_t *inner, const uint8_t *outer)
{
	const uint8_t ect1 = 1, ce = 3;
	uint8_t in = inner[1] >> 4 & 3;
	const uint8_t out = outer[1] >> 4 & 3;

	if (in == 0)
		return out != ce;
	if (out == ce || (out == ect1 && in != ce))
		in = out;
	inner[1] = (uint8_t)((inner[1] & 0xcf) | in << 4);
	return true;
}

/* RFC 4303, 2.4: padding is 1, 2, 3 and so on.  Returns the payload's length, or SIZE_MAX. */
static size_t strip_padding(const uint8_t *plain, size_t len)
{
	const size_t pad_len = plain[len - 2];
	size_t payload_len;

	if (pad_len > len - TRAILER_LEN)
		return SIZE_MAX;
	payload_len = len - TRAILER_LEN - pad_len;
	for (size_t i = 0; i < pad_len; i++) {
		if (plain[payload_len + i] != i + 1)
			return SIZE_MAX;
	}
	return payload_len;
}

/* Whether @len octets can be ESP of this SA, and what they hold fits. */
static enum esp_result esp_check_size(const struct esp_sa *sa, size_t len, size_t esp_at,
				      size_t out_cap)
{
	const size_t total = len - esp_at;
	const size_t least = esp_len(sa->alg, 0);
	size_t needed;

	if (total < least || (total - least) % sa->alg->block_len != 0)
		return ESP_TRUNCATED;
	needed = total - frame_len(sa->alg);
	if (sa->mode == ESP_TRANSPORT)
		needed += esp_at;
	return needed > out_cap ? ESP_NO_SPACE : ESP_OK;
}

static bool icv_is_right(const struct esp_sa *sa, const uint8_t *esp, size_t len)
{
	const size_t icv_len = sa->alg->icv_len;
	uint8_t icv[ICV_LEN_MAX];

	esp_mac(sa, esp, len - icv_len, icv);
	return CRYPTO_memcmp(icv, esp + len - icv_len, icv_len) == 0;
}

/* Everything up to the proof that the packet is the peer's and new.  AEAD decrypts to @plain on the
 * way. */
static enum esp_result esp_authenticate(struct esp_sa *sa, const uint8_t *esp, size_t len,
					uint8_t *plain, bool *ret_newest)
{
	const uint64_t sequence = whole_number(sa, be32(esp + 4));

	/* RFC 4303, 3.4.3: the cheap check first, the window moves last.  With keys that are set by
	 * hand the check is the receiver's choice (RFC 4303, 2.2). */
	if (!sa->any_sequence && !replay_fresh(sa, sequence))
		return ESP_REPLAY;
	if (is_aead(sa) ? !aead_open(sa, esp, len, sequence, plain) : !icv_is_right(sa, esp, len))
		return ESP_BAD_ICV;
	*ret_newest = sa->any_sequence || sequence > sa->sequence;
	if (!sa->any_sequence)
		replay_update(sa, sequence);
	return ESP_OK;
}

/* Decrypts to @plain, unless that was AEAD's, and finds the payload's length and next header. */
static enum esp_result esp_decrypt(const struct esp_sa *sa, const uint8_t *esp, size_t len,
				   uint8_t *plain, size_t *ret_len, uint8_t *ret_next_header)
{
	const size_t cipher_len = len - frame_len(sa->alg);
	size_t payload_len;

	if (!is_aead(sa))
		esp_crypt(sa, esp + ESP_HDR_LEN, esp + ESP_HDR_LEN + sa->alg->iv_len, cipher_len,
			  plain);
	payload_len = strip_padding(plain, cipher_len);
	if (payload_len == SIZE_MAX)
		return ESP_BAD_PADDING;
	*ret_len = payload_len;
	*ret_next_header = plain[cipher_len - 1];
	return ESP_OK;
}

/* RFC 4301, 5.2, step 4: what comes out of an SA must be what the SA is for. */
static enum esp_result esp_check_covered(const struct esp_sa *sa, const uint8_t *packet, size_t len)
{
	return (sa->covers & esp_class_of(sa->mode, packet, len)) != 0 ? ESP_OK : ESP_NOT_COVERED;
}

/* Where in the output the payload of ESP at @esp_at goes: transport mode keeps what is before it.
 */
static size_t plain_at(const struct esp_sa *sa, size_t esp_at)
{
	return sa->mode == ESP_TRANSPORT ? esp_at : 0;
}

/* Takes out what an authentic @packet of @len octets, cut to its payload length, has at @esp_at. */
static enum esp_result esp_unwrap(struct esp_sa *sa, const uint8_t *packet, size_t len,
				  size_t proto_at, size_t esp_at, uint8_t *out, size_t *ret_len)
{
	const size_t front = plain_at(sa, esp_at);
	uint8_t next_header;
	size_t payload_len;
	enum esp_result why = esp_decrypt(sa, packet + esp_at, len - esp_at, out + front,
					  &payload_len, &next_header);

	if (why != ESP_OK)
		return why;
	/* RFC 4303, 2.6: discarded without indicating an error, whatever is in it. */
	*ret_len = sa->mode == ESP_TUNNEL ? payload_len : 0;
	if (next_header == IPPROTO_NONE)
		return ESP_DUMMY;

	if (sa->mode == ESP_TRANSPORT) {
		if (!is_upper(next_header))
			return ESP_BAD_INNER;
		memcpy(out, packet, front);
		out[proto_at] = next_header;
		ip6_set_len(out, front + payload_len);
		*ret_len = front + payload_len;
		return esp_check_covered(sa, out, *ret_len);
	}
	if (next_header != IPPROTO_IPV6 || !is_ip6(out, payload_len) || !merge_ecn(out, packet))
		return ESP_BAD_INNER;
	/* RFC 4303, 2.7: what follows the inner packet hides its length. */
	*ret_len = ip6_len(out);
	return esp_check_covered(sa, out, *ret_len);
}

/*
 * The SA with this packet's SPI that proves to be its own; NULL: none is, which is counted.  The
 * outer addresses do not help to choose (RFC 4301, 4.1): the peer of a mobile node is always the
 * home agent's address, and the home agent's peers move.
 */
static struct esp_sa *authentic_sa(struct esp_sad *sad, const uint8_t *packet, size_t len,
				   size_t esp_at, uint8_t *out, size_t out_cap, bool *ret_newest,
				   enum esp_result *ret_why)
{
	const uint32_t spi = be32(packet + esp_at);
	struct esp_sa *first = esp_sad_find_in(sad, spi, NULL);
	enum esp_result why = ESP_NO_SA;

	for (struct esp_sa *sa = first; sa != NULL; sa = esp_sad_find_in(sad, spi, sa)) {
		why = esp_check_size(sa, len, esp_at, out_cap);
		if (why == ESP_OK)
			why = esp_authenticate(sa, packet + esp_at, len - esp_at,
					       out + plain_at(sa, esp_at), ret_newest);
		if (why == ESP_OK) {
			esp_sa_note_opened(sa);
			return sa;
		}
	}
	*ret_why = why;
	/* Of several nobody knows whose it was to be. */
	if (first != NULL && esp_sad_find_in(sad, spi, first) == NULL)
		esp_sa_charge(first, why);
	else
		sad->errors[why]++;
	return NULL;
}

enum esp_result esp_open(struct esp_sad *sad, const uint8_t *packet, size_t len, size_t proto_at,
			 size_t esp_at, uint8_t *out, size_t out_cap, struct esp_opened *ret)
{
	enum esp_result why = ESP_TRUNCATED;
	struct esp_sa *sa;
	bool newest = false;
	size_t end = 0;

	if (is_ip6(packet, len))
		end = ip6_len(packet); /* a link may have padded the rest */
	if (esp_at < IP6_HDR_LEN || esp_at > end || end - esp_at < ESP_HDR_LEN ||
	    proto_at >= esp_at) {
		sad->errors[why]++;
		return why;
	}
	sa = authentic_sa(sad, packet, end, esp_at, out, out_cap, &newest, &why);
	if (sa == NULL)
		return why;
	why = esp_unwrap(sa, packet, end, proto_at, esp_at, out, &end);
	if (why == ESP_OK && sa->doubtful)
		why = ESP_DOUBT;
	if (why == ESP_OK || why == ESP_DUMMY || why == ESP_DOUBT)
		*ret = (struct esp_opened){
			.sa = sa,
			.mode = sa->mode,
			.owner = sa->owner,
			.newest = newest,
			.len = end,
		};
	if (why != ESP_OK)
		return esp_charge(sa, why);
	sa->packets++;
	sa->octets += end;
	return ESP_OK;
}

/* ---- Doubt --------------------------------------------------------------------------------- */

void esp_sa_doubt(struct esp_sa *sa)
{
	assert(sa->direction == ESP_IN);
	sa->doubtful = true;
}

void esp_sa_settle(struct esp_sa *sa)
{
	memset(sa->window, 0xff, sizeof(sa->window));
	sa->doubtful = false;
}
