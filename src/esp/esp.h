/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * IPsec ESP in user space (RFC 4303): the transform and its database of security associations.
 * Octets in, octets out; no sockets, no clock, no configuration.  Where keys come from is
 * esp_keys.h's business: nothing here knows about secrets that people share.
 *
 * Transforms: AES-CBC with a random IV and HMAC-SHA-256-128 (RFC 3602, RFC 4868); older ones for
 * peers that have no better, see alg.c; AES-GCM and ChaCha20-Poly1305 (RFC 4106, RFC 7634) with
 * extended sequence numbers.
 *
 * The last two count, and a number that comes twice under one key opens both packets.  So they are
 * for keys that are agreed on and forgotten with the process, never for static ones (RFC 8221, 3).
 *
 * Not thread safe: a database with its SAs belongs to one thread at a time.  Output buffers must
 * not overlap the input.
 */
#ifndef BUB_ESP_H
#define BUB_ESP_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum esp_mode {
	ESP_TRANSPORT,
	ESP_TUNNEL,
};

enum esp_direction {
	ESP_OUT,
	ESP_IN,
};

enum esp_alg {
	ESP_AES_CBC_HMAC_SHA256_128, /* AES-128 */
	ESP_AES_128_GCM,
	ESP_AES_256_GCM,
	ESP_CHACHA20_POLY1305,
	ESP_AES_192_CBC_HMAC_SHA256_128,
	ESP_AES_256_CBC_HMAC_SHA256_128,
	ESP_AES_128_CBC_HMAC_SHA1_96,
	ESP_AES_192_CBC_HMAC_SHA1_96,
	ESP_AES_256_CBC_HMAC_SHA1_96,
	ESP_3DES_CBC_HMAC_SHA256_128,
	ESP_3DES_CBC_HMAC_SHA1_96,
	ESP_NULL_HMAC_SHA256_128, /* RFC 3776, 3.1 allows that */
	ESP_NULL_HMAC_SHA1_96,
	ESP_ALG_COUNT,
};

struct esp_alg_info {
	const char *encryption; /* "aes-cbc", "3des-cbc", "null", "aes-gcm", "chacha20-poly1305" */
	const char *integrity;  /* "hmac-sha256-128", "hmac-sha1-96"; NULL: the cipher sees to it,
				   sequence numbers have 64 bits, and the IV is one (AEAD) */
	const char *cipher;     /* libcrypto's name; NULL: none */
	const char *digest;     /* likewise */
	uint8_t enc_key_len, auth_key_len; /* AEAD: auth_key is the salt */
	uint8_t iv_len, block_len;         /* block_len: what padding is for */
	uint8_t mac_len, icv_len;          /* the ICV is the beginning of the MAC */
	bool weak;                         /* not for new set-ups */
};

/* NULL: @alg is none. */
const struct esp_alg_info *esp_alg_info(enum esp_alg alg);

/* The algorithm of these two names whose encryption key has @enc_key_len octets, for keys that
 * somebody wrote down.  Returns false when there is none. */
bool esp_alg_find(const char *encryption, const char *integrity, size_t enc_key_len,
		  enum esp_alg *ret_alg);

/* Classes of traffic that may have SAs of their own; an SA covers a set of them. */
enum esp_class {
	ESP_CLASS_BINDING = 1,  /* home registration: Binding Update, Acknowledgement, and Switch */
	ESP_CLASS_MOBILITY = 2, /* the other mobility messages */
	ESP_CLASS_PREFIX = 4,   /* Mobile Prefix Solicitation and Advertisement */
	ESP_CLASS_PAYLOAD = 8,  /* whatever else */
	ESP_CLASS_ALL = 15,
};

/* The class of the IPv6 packet @packet, which goes, or came, in an SA of @mode. */
enum esp_class esp_class_of(enum esp_mode mode, const uint8_t *packet, size_t len);

#define ESP_ENC_KEY_MAX 32
#define ESP_AUTH_KEY_MAX 32
#define ESP_ID_LEN 8
#define ESP_REPLAY_WINDOW 256 /* packets */

/* Octets that sealing adds at most: outer IPv6 header, SPI, sequence, IV, padding, trailer, ICV. */
#define ESP_OVERHEAD_MAX (40 + 8 + 16 + 17 + 16)

struct esp_sa_params {
	uint32_t spi; /* >= 256 */
	/* The same for the same keys and, by all chance, for no others: tells SAs that have one SPI
	 * apart.  Says nothing of the keys to who has it. */
	uint8_t id[ESP_ID_LEN];
	enum esp_direction direction;
	enum esp_mode mode;
	unsigned covers; /* set of enum esp_class, not empty */
	enum esp_alg alg;
	bool any_sequence; /* IN: no replay check, for peers that begin at 1 again */
	uint8_t enc_key[ESP_ENC_KEY_MAX];
	uint8_t auth_key[ESP_AUTH_KEY_MAX];
	struct in6_addr owner; /* home address of the mobile node that it belongs to */
	uint64_t sequence;     /* OUT: the last number used; IN: right edge of the replay window */
};

struct esp_sa;
struct esp_sad;
#define ESP_SENT_RECENTLY 65536u
/* Why a packet was not opened.  Each is counted in its SA or, without one, in the database. */
enum esp_result {
	ESP_OK,
	ESP_TRUNCATED,   /* "esp-truncated" */
	ESP_NO_SA,       /* "esp-no-sa" */
	ESP_REPLAY,      /* "esp-replay" */
	ESP_BAD_ICV,     /* "esp-bad-icv" */
	ESP_BAD_PADDING, /* "esp-bad-padding" */
	ESP_BAD_INNER,   /* "esp-bad-inner": what came out is no packet of the SA's mode */
	ESP_DUMMY,       /* "esp-dummy": sent to hide when there is traffic; no fault */
	ESP_EXHAUSTED,   /* "esp-exhausted": no sequence number left below the limit */
	ESP_NO_SPACE,    /* "esp-no-space": output buffer too small */
	ESP_NOT_COVERED, /* "esp-not-covered": what came out is of a class that the SA is not for */
	ESP_DOUBT,       /* "esp-in-doubt": esp_doubt.h */
	ESP_RESULT_COUNT,
};

const char *esp_result_name(enum esp_result r);

/* A database for at most @max_sas; NULL: out of memory. */
struct esp_sad *esp_sad_new(size_t max_sas);
void esp_sad_free(struct esp_sad *sad); /* wipes the keys; NULL is fine */

/* Adds an SA (@p copied).  Returns it (owned by the database), or NULL when full, when an inbound
 * SA with this SPI and id exists or @p is wrong: ret_error then says which, as a sentence fragment.
 */
struct esp_sa *esp_sad_add(struct esp_sad *sad, const struct esp_sa_params *p,
			   const char **ret_error);

/* The SA of @p's SPI, id, direction, mode and owner; NULL: none. */
struct esp_sa *esp_sad_find(struct esp_sad *sad, const struct esp_sa_params *p);

/* Makes an outbound SA the one that esp_sad_find_out() finds, as if it had been added last. */
void esp_sad_prefer(struct esp_sad *sad, struct esp_sa *sa);

/* The place of an SA in the database, from 0 to its capacity: a later SA may get it once this one
 * has been removed. */
size_t esp_sa_index(const struct esp_sa *sa);

/* An SA that has sealed, or opened what was its own, since it was taken like this; NULL: there is
 * no more. */
struct esp_sa *esp_sad_take_used(struct esp_sad *sad);

/* Tells @fn of the SPI of each inbound SA that there is, and from then on of each SPI that gets its
 * first or loses its last; NULL: no more. */
void esp_sad_watch(struct esp_sad *sad, void (*fn)(void *ctx, uint32_t spi, bool there), void *ctx);

/* Whether an inbound SA has this SPI. */
bool esp_sad_has_spi(struct esp_sad *sad, uint32_t spi);

/* Tells @fn of the first packet that an SA opens after esp_sa_await(); it may not add or remove. */
void esp_sad_on_first(struct esp_sad *sad, void (*fn)(void *ctx, struct esp_sa *sa), void *ctx);
void esp_sa_await(struct esp_sa *sa);

size_t esp_sad_capacity(const struct esp_sad *sad); /* SAs that there may be at once */

/* Removes an SA and wipes its keys; a later one may get its place. */
void esp_sad_remove(struct esp_sad *sad, struct esp_sa *sa);

/* The outbound SA of @owner and @mode that covers all of @classes, the one added last if there are
 * more; NULL: none. */
struct esp_sa *esp_sad_find_out(struct esp_sad *sad, const struct in6_addr *owner,
				enum esp_mode mode, unsigned classes);

/* Whether an outbound SA of @owner and @mode has sent a packet with this SPI and number not long
 * ago: so many packets as there are places for numbers in flight, ESP_SENT_RECENTLY. */
bool esp_sad_has_sent(const struct esp_sad *sad, const struct in6_addr *owner, enum esp_mode mode,
		      uint32_t spi, uint32_t sequence);

/* Walks all SAs: start with NULL; NULL at the end. */
struct esp_sa *esp_sad_next(struct esp_sad *sad, const struct esp_sa *after);

struct esp_sa_status {
	uint32_t spi;
	enum esp_direction direction;
	enum esp_mode mode;
	const struct esp_alg_info *alg;
	unsigned covers; /* set of enum esp_class */
	struct in6_addr owner;
	uint64_t sequence;
	bool exhausted;           /* OUT: no number is left below the limit */
	uint64_t packets, octets; /* sealed or opened; octets without ESP */
	uint64_t errors[ESP_RESULT_COUNT];
};
/* OUT: no number above @last is used from now on; without a call, none above 2^32 - 1, or, with
 * AEAD, 2^64 - 1. */
void esp_sa_set_limit(struct esp_sa *sa, uint64_t last);

void esp_sa_get_status(const struct esp_sa *sa, struct esp_sa_status *ret);

/* Packets that no SA could be charged with, by enum esp_result: ESP_NO_SA, ESP_TRUNCATED, and those
 * that none of several with their SPI takes. */
const uint64_t *esp_sad_errors(const struct esp_sad *sad);

/*
 * Tunnel mode: wraps @inner (a whole IPv6 packet) into IPv6(src -> dst) | ESP.
 * @iv  16 random octets, never used before under this SA; AEAD does not look at them
 * Returns ESP_OK and writes the packet's length.
 */
enum esp_result esp_seal_tunnel(struct esp_sa *sa, const struct in6_addr *src,
				const struct in6_addr *dst, const uint8_t *inner, size_t inner_len,
				const uint8_t iv[static 16], uint8_t *out, size_t out_cap,
				size_t *ret_len);

/*
 * Tunnel mode: a dummy packet with @len octets in it, ESP_DUMMY_MAX at most, which the other end
 * discards in silence (RFC 4303, 2.6).  Whoever watches the path sees a packet like any other.
 */
#define ESP_DUMMY_MAX 1198 /* the packet has 1280 octets then, with AES */
enum esp_result esp_seal_dummy(struct esp_sa *sa, const struct in6_addr *src,
			       const struct in6_addr *dst, size_t len, const uint8_t iv[static 16],
			       uint8_t *out, size_t out_cap, size_t *ret_len);

/*
 * Transport mode: puts ESP into @packet at @upper_at (where the upper-layer header begins); the
 * next-header octet at @proto_at becomes ESP, the one in the trailer what it was.
 */
enum esp_result esp_seal_transport(struct esp_sa *sa, const uint8_t *packet, size_t len,
				   size_t proto_at, size_t upper_at, const uint8_t iv[static 16],
				   uint8_t *out, size_t out_cap, size_t *ret_len);

struct esp_opened {
	struct esp_sa *sa;
	enum esp_mode mode;
	struct in6_addr owner;
	bool newest; /* its number is greater than all before, or the SA has no replay check */
	size_t len;  /* in out: the inner packet, or that one without ESP, or what a dummy has */
};

/*
 * Opens a packet whose ESP header is at @esp_at, named by the next-header octet at @proto_at:
 * finds the SA by SPI, checks replay, ICV, then replay window update, decrypts and sees that the SA
 * covers what came out.  Of several SAs with the SPI, which none of the two ends chose, it is the
 * one whose ICV is right.  Octets after the IPv6 payload length are ignored.  An @out_cap of @len
 * is always enough.  @ret is written for ESP_OK, ESP_DUMMY and ESP_DOUBT.
 */
enum esp_result esp_open(struct esp_sad *sad, const uint8_t *packet, size_t len, size_t proto_at,
			 size_t esp_at, uint8_t *out, size_t out_cap, struct esp_opened *ret);

#endif
