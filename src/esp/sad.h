/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the database and the transform share.  Private to src/esp; everybody else includes esp.h.
 *
 * Key schedules do not live in the SAs: libcrypto needs some 2.5 kilobytes for a pair of them, and
 * a home agent with a million mobile nodes has four million SAs of which few speak at a time.  They
 * live in small direct-mapped caches of slots, one for each algorithm, that are filled with the
 * first SA of it, so that memory does not grow with traffic; an SA that finds another's keys in its
 * slot loads its own.  bench_esp measures
 * that as "cold": a small packet costs 1.35 microseconds then, instead of 0.65.  The alternatives
 * are to pay that for every packet, or ten gigabytes for a pair of contexts in each SA.  AES-GCM
 * has the same slots where libipsec-mb does it (gcm.h), and loads a key in 0.1 microseconds.
 *
 * Derived SAs and those that are agreed on share caches.  SAs of another algorithm are written by
 * hand and few: each has a slot of its own and keeps its keys nowhere else.
 */
#ifndef BUB_ESP_SAD_H
#define BUB_ESP_SAD_H

#include <openssl/evp.h>

#include "esp.h"
#include "gcm.h"

#define ESP_CACHED (ESP_CHACHA20_POLY1305 + 1) /* the algorithms up to here have caches */
#define ESP_KEYS_MAX 48     /* of these: the encryption key, and the other one behind it */
#define ESP_SLOTS_MAX 1024u /* 2.5 megabytes: more SAs than this are rarely active at once */
#define ESP_WINDOW_WORDS (ESP_REPLAY_WINDOW / 64)

struct esp_slot;

struct esp_sa {
	struct esp_sad *sad;
	const struct esp_alg_info *alg; /* NULL: removed */
	struct esp_slot *own;           /* NULL: uses the cache */
	uint32_t spi;
	uint8_t id[ESP_ID_LEN];
	uint8_t direction; /* enum esp_direction */
	uint8_t mode;      /* enum esp_mode */
	uint8_t covers;    /* set of enum esp_class */
	bool any_sequence;
	bool used;     /* it is among the used ones */
	bool doubtful; /* esp_doubt.h */
	bool awaited;  /* what it opens first is to be told */
	struct in6_addr owner;
	uint8_t keys[ESP_KEYS_MAX];
	uint64_t sequence;                 /* OUT: last used; IN: right edge of the window */
	uint64_t limit;                    /* OUT: the last number that may be used */
	uint64_t window[ESP_WINDOW_WORDS]; /* IN: bit (number modulo 256) set: seen */
	uint64_t packets, octets;          /* sealed or opened; octets without ESP */
	uint64_t *errors;                  /* by enum esp_result; NULL: there was none */
	uint32_t next;      /* in its hash chain, or among those removed: index + 1; 0: last */
	uint32_t next_used; /* likewise */
};

/* Key schedules of the SA that used the slot last; NULL: of none. */
struct esp_slot {
	const struct esp_sa *sa;
	struct gcm_key *gcm;    /* NULL: libcrypto has them */
	EVP_CIPHER_CTX *cipher; /* NULL: no encryption, or it is in @gcm */
	EVP_MAC_CTX *mac;       /* NULL: AEAD */
};

struct esp_sad {
	EVP_MAC *hmac;
	struct gcm *gcm;                    /* NULL: there is libcrypto only */
	struct esp_slot *slots[ESP_CACHED]; /* NULL: no SA has had that algorithm */
	size_t n_slots;                     /* power of two, as n_buckets */
	struct esp_sa *sas;
	size_t n_sas, max_sas; /* n_sas: with those that were removed */
	uint32_t free;         /* the one removed last: index + 1; 0: none */
	uint32_t *by_spi;      /* inbound SAs: index + 1; 0: empty */
	uint32_t *by_owner;    /* outbound SAs, likewise */
	size_t n_buckets;
	uint32_t used; /* the first used one, likewise; the order means nothing */
	uint64_t errors[ESP_RESULT_COUNT];
	void (*watch)(void *ctx, uint32_t spi, bool there); /* NULL: nobody */
	void *watch_ctx;
	void (*first)(void *ctx, struct esp_sa *sa); /* likewise */
	void *first_ctx;
};

/* Walks the inbound SAs with this SPI: start with NULL; NULL at the end. */
struct esp_sa *esp_sad_find_in(struct esp_sad *sad, uint32_t spi, const struct esp_sa *after);

/* Notes that the number of @sa has moved. */
void esp_sa_note_used(struct esp_sa *sa);

/* The same of an SA that has opened a packet. */
void esp_sa_note_opened(struct esp_sa *sa);

/* Counts it in @sa, or, where there is no memory for the first one, in the database. */
void esp_sa_charge(struct esp_sa *sa, enum esp_result why);

/* The slot of @sa, holding its keys.  Valid until another SA asks. */
struct esp_slot *esp_sa_slot(const struct esp_sa *sa);

#endif
