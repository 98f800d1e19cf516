/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Database of security associations: sized once, found by SPI (inbound) and by owner, mode and
 * class (outbound).  An SPI may have several inbound SAs: RFC 4303, 2.1 lets it alone name an SA
 * where the receiver chose it, but derived ones are nobody's choice.  Static keys live as long as
 * the configuration that they come from: an SA is removed when its mobile node is.  Also the caches
 * of key schedules that sad.h explains.
 *
 * Not thread safe, and the cache makes that true even for two SAs: workers take a database each.
 */
#include "sad.h"
#include "esp_many.h"

#include <assert.h>
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/params.h>
#include <stdlib.h>
#include <string.h>

#ifdef NDEBUG
#error "a failing libcrypto call must stop the program: build without NDEBUG"
#endif

#define CACHE_LINE 64
#define SPI_MIN 256 /* RFC 4303, 2.1: 1 to 255 are reserved, 0 is never sent */

const char *esp_result_name(enum esp_result r)
{
	static const char *const names[ESP_RESULT_COUNT] = {
		[ESP_OK] = "esp-ok",
		[ESP_TRUNCATED] = "esp-truncated",
		[ESP_NO_SA] = "esp-no-sa",
		[ESP_REPLAY] = "esp-replay",
		[ESP_BAD_ICV] = "esp-bad-icv",
		[ESP_BAD_PADDING] = "esp-bad-padding",
		[ESP_BAD_INNER] = "esp-bad-inner",
		[ESP_DUMMY] = "esp-dummy",
		[ESP_DOUBT] = "esp-in-doubt",
		[ESP_EXHAUSTED] = "esp-exhausted",
		[ESP_NO_SPACE] = "esp-no-space",
		[ESP_NOT_COVERED] = "esp-not-covered",
	};

	return (unsigned)r < ESP_RESULT_COUNT ? names[r] : "esp-unknown";
}

/* ---- Key schedules ------------------------------------------------------------------------- */

static bool is_gcm(const struct esp_alg_info *alg)
{
	return strcmp(alg->encryption, "aes-gcm") == 0;
}

/* Loads keys into a slot.  Libcrypto allocates for the HMAC's; the cipher's are in place. */
static bool slot_load(struct esp_slot *slot, const struct gcm *gcm, const struct esp_alg_info *alg,
		      const EVP_CIPHER *cipher, bool encrypt, const uint8_t *enc_key,
		      const uint8_t *auth_key)
{
	if (slot->gcm != NULL)
		gcm->load(gcm, slot->gcm, enc_key, alg->enc_key_len);
	if (slot->cipher != NULL &&
	    (EVP_CipherInit_ex2(slot->cipher, cipher, enc_key, NULL, encrypt, NULL) != 1 ||
	     EVP_CIPHER_CTX_set_padding(slot->cipher, 0) != 1))
		return false;
	return slot->mac == NULL || EVP_MAC_init(slot->mac, auth_key, alg->auth_key_len, NULL) == 1;
}

/* Everything that a packet will need is allocated and used once here, so that only exhausted memory
 * can make libcrypto fail later.  @cipher may be NULL. */
static bool slot_init(struct esp_slot *slot, const struct esp_sad *sad,
		      const struct esp_alg_info *alg, const EVP_CIPHER *cipher)
{
	char digest[sizeof("SHA256")];
	OSSL_PARAM params[2];

	if (sad->gcm != NULL && is_gcm(alg)) {
		slot->gcm = aligned_alloc(GCM_KEY_ALIGNMENT, sad->gcm->key_size);
		return slot->gcm != NULL;
	}
	if (cipher != NULL) {
		slot->cipher = EVP_CIPHER_CTX_new();
		if (slot->cipher == NULL)
			return false;
	}
	if (alg->digest == NULL)
		return true;
	/* It is only read; its type just does not say so.  No name is longer than SHA256. */
	memcpy(digest, alg->digest, strlen(alg->digest) + 1);
	params[0] = OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest, 0);
	params[1] = OSSL_PARAM_construct_end();
	slot->mac = EVP_MAC_CTX_new(sad->hmac);
	return slot->mac != NULL && EVP_MAC_CTX_set_params(slot->mac, params) == 1;
}

static void slot_clear(struct esp_slot *slot, const struct gcm *gcm)
{
	if (slot->gcm != NULL)
		OPENSSL_cleanse(slot->gcm, gcm->key_size);
	free(slot->gcm);
	EVP_CIPHER_CTX_free(slot->cipher);
	EVP_MAC_CTX_free(slot->mac);
}

static void slot_free(struct esp_slot *slot, const struct gcm *gcm)
{
	if (slot != NULL)
		slot_clear(slot, gcm);
	free(slot);
}

/* A slot that stays @p's; NULL: out of memory, or libcrypto does not have the algorithm. */
static struct esp_slot *slot_new(const struct esp_sad *sad, const struct esp_sa_params *p)
{
	const struct esp_alg_info *alg = esp_alg_info(p->alg);
	struct esp_slot *slot = calloc(1, sizeof(*slot));
	EVP_CIPHER *cipher = NULL;
	bool ok;

	if (slot != NULL && alg->cipher != NULL)
		cipher = EVP_CIPHER_fetch(NULL, alg->cipher, NULL);
	ok = slot != NULL && (cipher != NULL || alg->cipher == NULL) &&
	     slot_init(slot, sad, alg, cipher) &&
	     slot_load(slot, sad->gcm, alg, cipher, p->direction == ESP_OUT, p->enc_key,
		       p->auth_key);
	EVP_CIPHER_free(cipher);
	if (ok)
		return slot;
	ERR_clear_error();
	slot_free(slot, sad->gcm);
	return NULL;
}

/* The slot of the cache that @sa uses; NULL: it has one of its own. */
static struct esp_slot *cached_slot(const struct esp_sa *sa)
{
	const struct esp_sad *sad = sa->sad;
	const ptrdiff_t alg = sa->alg - esp_alg_info(0);

	return sa->own != NULL ? NULL : &sad->slots[alg][esp_sa_index(sa) & (sad->n_slots - 1)];
}

struct esp_slot *esp_sa_slot(const struct esp_sa *sa)
{
	struct esp_slot *slot = cached_slot(sa);

	if (slot == NULL)
		return sa->own;
	if (slot->sa != sa) {
		bool ok = slot_load(slot, sa->sad->gcm, sa->alg, NULL, sa->direction == ESP_OUT,
				    sa->keys, sa->keys + sa->alg->enc_key_len);

		/* There is no packet that could cause this, and going on would mean to send with
		 * another node's keys: see slot_init(). */
		assert(ok);
		slot->sa = sa;
	}
	return slot;
}

/* ---- Database ------------------------------------------------------------------------------ */

static size_t power_of_two(size_t at_least)
{
	size_t n = 1;

	while (n < at_least)
		n *= 2;
	return n;
}

static void free_slots(const struct esp_sad *sad, struct esp_slot *slots)
{
	for (size_t i = 0; slots != NULL && i < sad->n_slots; i++)
		slot_clear(&slots[i], sad->gcm);
	free(slots);
}

/* The cache of an algorithm, unless it is there.  False: out of memory, or libcrypto does not have
 * the algorithm. */
static bool open_cache(struct esp_sad *sad, enum esp_alg which)
{
	static const uint8_t zeros[ESP_KEYS_MAX];
	const struct esp_alg_info *alg = esp_alg_info(which);
	struct esp_slot *slots = sad->slots[which];
	EVP_CIPHER *cipher = NULL;
	bool ok;

	if (slots != NULL)
		return true;
	slots = calloc(sad->n_slots, sizeof(*slots));
	cipher = EVP_CIPHER_fetch(NULL, alg->cipher, NULL);
	ok = slots != NULL && cipher != NULL;
	for (size_t i = 0; ok && i < sad->n_slots; i++)
		ok = slot_init(&slots[i], sad, alg, cipher) &&
		     slot_load(&slots[i], sad->gcm, alg, cipher, true, zeros, zeros);
	EVP_CIPHER_free(cipher);
	if (ok) {
		sad->slots[which] = slots;
	} else {
		ERR_clear_error();
		free_slots(sad, slots);
	}
	return ok;
}

struct esp_sad *esp_sad_new(size_t max_sas)
{
	struct esp_sad *sad;

	if (max_sas >= UINT32_MAX)
		return NULL;
	sad = calloc(1, sizeof(*sad));
	if (sad == NULL)
		return NULL;
	sad->max_sas = max_sas;
	sad->n_buckets = power_of_two(max_sas);
	sad->n_slots = sad->n_buckets < ESP_SLOTS_MAX ? sad->n_buckets : ESP_SLOTS_MAX;
	sad->hmac = EVP_MAC_fetch(NULL, "HMAC", NULL);
	sad->gcm = gcm_new();
	sad->sas = calloc(max_sas + 1, sizeof(*sad->sas));
	sad->by_spi = calloc(sad->n_buckets, sizeof(*sad->by_spi));
	sad->by_owner = calloc(sad->n_buckets, sizeof(*sad->by_owner));
	if (sad->hmac == NULL || sad->sas == NULL || sad->by_spi == NULL || sad->by_owner == NULL)
		goto fail;
	return sad;
fail:
	esp_sad_free(sad);
	return NULL;
}

void esp_sad_free(struct esp_sad *sad)
{
	if (sad == NULL)
		return;
	for (size_t i = 0; i < ESP_CACHED; i++)
		free_slots(sad, sad->slots[i]);
	for (size_t i = 0; i < sad->n_sas; i++) {
		slot_free(sad->sas[i].own, sad->gcm);
		free(sad->sas[i].errors);
	}
	if (sad->sas != NULL)
		OPENSSL_cleanse(sad->sas, sad->n_sas * sizeof(*sad->sas));
	EVP_MAC_free(sad->hmac);
	if (sad->gcm != NULL)
		sad->gcm->free(sad->gcm);
	free(sad->sas);
	free(sad->by_spi);
	free(sad->by_owner);
	free(sad);
}

/* Nobody outside chooses SPIs or owners, so the hash needs to spread and not to resist. */
static uint32_t sad_mix(uint32_t h)
{
	h = (h ^ h >> 16) * 0x45d9f3bu;
	h = (h ^ h >> 16) * 0x45d9f3bu;
	return h ^ h >> 16;
}

static uint32_t *spi_bucket(const struct esp_sad *sad, uint32_t spi)
{
	return &sad->by_spi[sad_mix(spi) & (sad->n_buckets - 1)];
}

static uint32_t *owner_bucket(const struct esp_sad *sad, const struct in6_addr *owner,
			      enum esp_mode mode)
{
	uint32_t h = (uint32_t)mode;

	for (size_t i = 0; i < sizeof(owner->s6_addr); i += 4) {
		uint32_t word;

		memcpy(&word, owner->s6_addr + i, sizeof(word));
		h = sad_mix(h ^ word);
	}
	return &sad->by_owner[h & (sad->n_buckets - 1)];
}

struct esp_sa *esp_sad_find_in(struct esp_sad *sad, uint32_t spi, const struct esp_sa *after)
{
	for (uint32_t i = after != NULL ? after->next : *spi_bucket(sad, spi); i != 0;
	     i = sad->sas[i - 1].next) {
		if (sad->sas[i - 1].spi == spi)
			return &sad->sas[i - 1];
	}
	return NULL;
}

static void sad_fetch(const struct esp_sad *sad, uint32_t number)
{
	const uint8_t *sa = (const uint8_t *)&sad->sas[number - 1];

	for (size_t k = 0; number != 0 && k < sizeof(struct esp_sa); k += CACHE_LINE)
		__builtin_prefetch(sa + k, 1);
}

void esp_sad_expect(const struct esp_sad *sad, uint32_t spi, const struct in6_addr *owner, bool sas)
{
	const uint32_t *in = spi_bucket(sad, spi), *out = owner_bucket(sad, owner, ESP_TRANSPORT);

	if (sas) {
		sad_fetch(sad, *in);
		sad_fetch(sad, *out);
	} else {
		__builtin_prefetch(in);
		__builtin_prefetch(out);
	}
}

/* Where the chain begins that @p is in, or would be. */
static uint32_t *bucket_for(const struct esp_sad *sad, const struct esp_sa_params *p)
{
	return p->direction == ESP_IN ? spi_bucket(sad, p->spi)
				      : owner_bucket(sad, &p->owner, p->mode);
}

struct esp_sa *esp_sad_find(struct esp_sad *sad, const struct esp_sa_params *p)
{
	for (uint32_t i = *bucket_for(sad, p); i != 0; i = sad->sas[i - 1].next) {
		struct esp_sa *sa = &sad->sas[i - 1];

		if (sa->spi == p->spi && sa->mode == p->mode &&
		    memcmp(sa->id, p->id, sizeof(sa->id)) == 0 &&
		    IN6_ARE_ADDR_EQUAL(&sa->owner, &p->owner))
			return sa;
	}
	return NULL;
}

static bool sad_has(struct esp_sad *sad, const struct esp_sa_params *p)
{
	struct esp_sa *sa = esp_sad_find_in(sad, p->spi, NULL);

	while (sa != NULL && memcmp(sa->id, p->id, sizeof(sa->id)) != 0)
		sa = esp_sad_find_in(sad, p->spi, sa);
	return sa != NULL;
}

struct esp_sa *esp_sad_find_out(struct esp_sad *sad, const struct in6_addr *owner,
				enum esp_mode mode, unsigned classes)
{
	for (uint32_t i = *owner_bucket(sad, owner, mode); i != 0; i = sad->sas[i - 1].next) {
		struct esp_sa *sa = &sad->sas[i - 1];

		if (sa->mode == mode && (sa->covers & classes) == classes &&
		    IN6_ARE_ADDR_EQUAL(&sa->owner, owner))
			return sa;
	}
	return NULL;
}

bool esp_sad_has_sent(const struct esp_sad *sad, const struct in6_addr *owner, enum esp_mode mode,
		      uint32_t spi, uint32_t sequence)
{
	for (uint32_t i = *owner_bucket(sad, owner, mode); i != 0; i = sad->sas[i - 1].next) {
		const struct esp_sa *sa = &sad->sas[i - 1];

		/* As the number is on the wire: its last 32 bits. */
		const uint32_t since = (uint32_t)sa->sequence - sequence;

		if (sa->mode == mode && sa->spi == spi && since < sa->sequence &&
		    since < ESP_SENT_RECENTLY && IN6_ARE_ADDR_EQUAL(&sa->owner, owner))
			return true;
	}
	return false;
}

/* RFC 2451, 2.3: such keys make three rounds of DES one, and must be refused.  The last bit of each
 * octet is parity. */
static bool is_single_des(const uint8_t key[static 24])
{
	bool first = true, second = true;

	for (size_t i = 0; i < 8; i++) {
		first = first && ((key[i] ^ key[8 + i]) & 0xfe) == 0;
		second = second && ((key[8 + i] ^ key[16 + i]) & 0xfe) == 0;
	}
	return first || second;
}

/* RFC 4303, 2.2.1: numbers of 64 bits go with keys that are agreed on. */
static uint64_t last_number(const struct esp_alg_info *alg)
{
	return alg->integrity == NULL ? UINT64_MAX : UINT32_MAX;
}

static const char *params_fault(struct esp_sad *sad, const struct esp_sa_params *p)
{
	if (sad->n_sas == sad->max_sas && sad->free == 0)
		return "the database of security associations is full";
	if (esp_alg_info(p->alg) == NULL)
		return "the algorithm is unknown";
	if ((p->alg == ESP_3DES_CBC_HMAC_SHA1_96 || p->alg == ESP_3DES_CBC_HMAC_SHA256_128) &&
	    is_single_des(p->enc_key))
		return "the key has two thirds alike, which makes 3DES no better than DES";
	if (p->covers == 0)
		return "it covers nothing";
	if (p->spi < SPI_MIN)
		return "an SPI below 256 is reserved";
	if (p->sequence > last_number(esp_alg_info(p->alg)))
		return "the sequence number has more than 32 bits";
	if (p->direction == ESP_IN && sad_has(sad, p))
		return "another inbound security association has this SPI and these keys";
	return NULL;
}

/* To be called while @sa is in no chain: those that share its SPI go on. */
static void sad_tell(struct esp_sad *sad, const struct esp_sa *sa, bool there)
{
	if (sad->watch != NULL && sa->direction == ESP_IN &&
	    esp_sad_find_in(sad, sa->spi, NULL) == NULL)
		sad->watch(sad->watch_ctx, sa->spi, there);
}

static uint32_t *sad_bucket(const struct esp_sa *sa)
{
	return sa->direction == ESP_IN ? spi_bucket(sa->sad, sa->spi)
				       : owner_bucket(sa->sad, &sa->owner, sa->mode);
}

/* A second outbound SA of the same owner and mode hides the first, which is what new keys are for:
 * chains begin with what was added last. */
struct esp_sa *esp_sad_add(struct esp_sad *sad, const struct esp_sa_params *p,
			   const char **ret_error)
{
	const char *fault = params_fault(sad, p);
	struct esp_sa *sa = &sad->sas[sad->free != 0 ? sad->free - 1 : sad->n_sas];
	struct esp_slot *own = NULL;
	uint32_t *bucket;

	if (fault == NULL && p->alg >= ESP_CACHED)
		own = slot_new(sad, p);
	if (fault == NULL && own == NULL && (p->alg >= ESP_CACHED || !open_cache(sad, p->alg)))
		fault = "libcrypto does not provide the algorithm";
	if (fault != NULL) {
		*ret_error = fault;
		return NULL;
	}
	if (sad->free != 0)
		sad->free = sa->next;
	else
		sad->n_sas++;
	*sa = (struct esp_sa){
		.sad = sad,
		.alg = esp_alg_info(p->alg),
		.own = own,
		.spi = p->spi,
		.direction = (uint8_t)p->direction,
		.mode = (uint8_t)p->mode,
		.covers = (uint8_t)p->covers,
		.any_sequence = p->any_sequence,
		.owner = p->owner,
		.sequence = p->sequence,
		.limit = last_number(esp_alg_info(p->alg)),
	};
	if (own == NULL) {
		memcpy(sa->keys, p->enc_key, sa->alg->enc_key_len);
		memcpy(sa->keys + sa->alg->enc_key_len, p->auth_key, sa->alg->auth_key_len);
	}
	/* Nobody remembers which numbers up to the edge have come: all count as seen. */
	memset(sa->window, 0xff, sizeof(sa->window));
	memcpy(sa->id, p->id, sizeof(sa->id));

	sad_tell(sad, sa, true);
	bucket = sad_bucket(sa);
	sa->next = *bucket;
	*bucket = (uint32_t)(sa - sad->sas) + 1;
	return sa;
}

void esp_sad_watch(struct esp_sad *sad, void (*fn)(void *ctx, uint32_t spi, bool there), void *ctx)
{
	sad->watch = fn;
	sad->watch_ctx = ctx;
	for (struct esp_sa *sa = esp_sad_next(sad, NULL); fn != NULL && sa != NULL;
	     sa = esp_sad_next(sad, sa))
		if (sa->direction == ESP_IN && esp_sad_find_in(sad, sa->spi, NULL) == sa)
			fn(ctx, sa->spi, true);
}

size_t esp_sad_capacity(const struct esp_sad *sad)
{
	return sad->max_sas;
}

static void unlink_sa(struct esp_sa *sa, uint32_t *at)
{
	struct esp_sad *sad = sa->sad;

	while (*at != (uint32_t)(sa - sad->sas) + 1)
		at = &sad->sas[*at - 1].next;
	*at = sa->next;
}

void esp_sad_remove(struct esp_sad *sad, struct esp_sa *sa)
{
	static const uint8_t zeros[ESP_KEYS_MAX];
	struct esp_slot *slot = cached_slot(sa);
	const uint32_t number = (uint32_t)(sa - sad->sas) + 1;
	uint32_t *used = &sad->used;

	unlink_sa(sa, sad_bucket(sa));
	while (sa->used && *used != number)
		used = &sad->sas[*used - 1].next_used;
	if (sa->used)
		*used = sa->next_used;
	sad_tell(sad, sa, false);
	slot_free(sa->own, sad->gcm);
	free(sa->errors);
	if (slot != NULL && slot->sa == sa) {
		bool ok = slot_load(slot, sa->sad->gcm, sa->alg, NULL, true, zeros, zeros);

		assert(ok); /* as in esp_sa_slot() */
		slot->sa = NULL;
	}
	OPENSSL_cleanse(sa, sizeof(*sa));
	sa->next = sad->free;
	sad->free = number;
}

void esp_sad_prefer(struct esp_sad *sad, struct esp_sa *sa)
{
	uint32_t *bucket = sad_bucket(sa);

	unlink_sa(sa, bucket);
	sa->next = *bucket;
	*bucket = (uint32_t)(sa - sad->sas) + 1;
}

size_t esp_sa_index(const struct esp_sa *sa)
{
	return (size_t)(sa - sa->sad->sas);
}

void esp_sa_note_used(struct esp_sa *sa)
{
	if (sa->used)
		return;
	sa->used = true;
	sa->next_used = sa->sad->used;
	sa->sad->used = (uint32_t)esp_sa_index(sa) + 1;
}

bool esp_sad_has_spi(struct esp_sad *sad, uint32_t spi)
{
	return esp_sad_find_in(sad, spi, NULL) != NULL;
}

void esp_sad_on_first(struct esp_sad *sad, void (*fn)(void *ctx, struct esp_sa *sa), void *ctx)
{
	sad->first = fn;
	sad->first_ctx = ctx;
}

void esp_sa_await(struct esp_sa *sa)
{
	sa->awaited = true;
}

void esp_sa_note_opened(struct esp_sa *sa)
{
	esp_sa_note_used(sa);
	if (!sa->awaited)
		return;
	sa->awaited = false;
	if (sa->sad->first != NULL)
		sa->sad->first(sa->sad->first_ctx, sa);
}

struct esp_sa *esp_sad_take_used(struct esp_sad *sad)
{
	struct esp_sa *sa = sad->used != 0 ? &sad->sas[sad->used - 1] : NULL;

	if (sa == NULL)
		return NULL;
	sad->used = sa->next_used;
	sa->used = false;
	return sa;
}

void esp_sa_set_limit(struct esp_sa *sa, uint64_t last)
{
	const uint64_t most = last_number(sa->alg);

	sa->limit = last < most ? last : most;
}

struct esp_sa *esp_sad_next(struct esp_sad *sad, const struct esp_sa *after)
{
	size_t i = after == NULL ? 0 : (size_t)(after - sad->sas) + 1;

	while (i < sad->n_sas && sad->sas[i].alg == NULL)
		i++;
	return i < sad->n_sas ? &sad->sas[i] : NULL;
}

void esp_sa_get_status(const struct esp_sa *sa, struct esp_sa_status *ret)
{
	*ret = (struct esp_sa_status){
		.spi = sa->spi,
		.direction = sa->direction,
		.mode = sa->mode,
		.alg = sa->alg,
		.covers = sa->covers,
		.owner = sa->owner,
		.sequence = sa->sequence,
		.exhausted = sa->direction == ESP_OUT && sa->sequence >= sa->limit,
		.packets = sa->packets,
		.octets = sa->octets,
	};
	if (sa->errors != NULL)
		memcpy(ret->errors, sa->errors, sizeof(ret->errors));
}

uint64_t esp_sa_sequence(const struct esp_sa *sa)
{
	return sa->sequence;
}

/* Most SAs never meet a bad packet, and a home agent has millions of them. */
void esp_sa_charge(struct esp_sa *sa, enum esp_result why)
{
	if (sa->errors == NULL)
		sa->errors = calloc(ESP_RESULT_COUNT, sizeof(*sa->errors));
	if (sa->errors != NULL)
		sa->errors[why]++;
	else
		sa->sad->errors[why]++;
}

const uint64_t *esp_sad_errors(const struct esp_sad *sad)
{
	return sad->errors;
}
