/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Brings together the secrets and the SAs that are written out (config.c), the derivation of keys
 * (esp_keys.h), the database of SAs (esp.h) and the memory of sequence numbers (seqstore.c).  Owns
 * their order: numbers are reserved on the disk before the database may use them, and stored
 * exactly once nothing uses them any more.
 *
 * RFC 3776, 3 (what is protected) and RFC 4303, 3.3.3 (static keys: the counter lasts).
 */
#include "sas.h"

#include <stdlib.h>
#include <string.h>

#include "keylog.h"
#include "seqstore.h"

/* Room in the database for a home address without a configured home agent: it keeps the SAs with
 * each one that it ever discovers, and a change back to one takes two more. */
#define DISCOVERED_SAS_MAX 64

struct entry {
	struct esp_sa *sa;
	struct seqstore_sa numbers;
	struct in6_addr home_agent;
};

struct sas {
	struct esp_sad *sad;
	struct seqstore *store; /* NULL: no SAs */
	FILE *key_log;
	struct entry *entries;
	size_t n_entries;
	size_t max_entries;
};

static uint64_t sequence_of(const struct esp_sa *sa)
{
	struct esp_sa_status status;

	esp_sa_get_status(sa, &status);
	return status.sequence;
}

/* An SA for signalling sees few packets and each one counts, so its window is kept more exactly. */
static enum seqstore_kind kind_of(const struct esp_sa_params *p)
{
	if (p->direction == ESP_OUT)
		return SEQSTORE_OUT;
	return (p->covers & ESP_CLASS_PAYLOAD) == 0 ? SEQSTORE_IN_SIGNALLING : SEQSTORE_IN;
}

static int add_sa(struct sas *sas, struct esp_sa_params *p, const struct in6_addr *home_agent,
		  struct bub_time now, char *ret_error, size_t error_size)
{
	struct entry *e = NULL;
	const char *why = NULL;

	if (sas->n_entries == sas->max_entries) {
		(void)snprintf(ret_error, error_size,
			       "too many home agents were discovered; restart bubd");
		return -1;
	}
	e = &sas->entries[sas->n_entries];
	if (seqstore_begin(sas->store, p->spi, kind_of(p), now, &e->numbers, &p->sequence,
			   ret_error, error_size) != 0)
		return -1;
	e->sa = esp_sad_add(sas->sad, p, &why);
	if (e->sa == NULL) {
		(void)snprintf(ret_error, error_size, "SPI %08x: %s", p->spi, why);
		return -1;
	}
	e->home_agent = *home_agent;
	sas->n_entries++;
	keylog_esp(sas->key_log, p);
	return 0;
}

/* The SA of these parameters and home agent, if it is there already. */
static struct entry *find_entry(struct sas *sas, const struct esp_sa_params *p,
				const struct in6_addr *home_agent)
{
	for (size_t i = 0; i < sas->n_entries; i++)
		if (sas->entries[i].numbers.spi == p->spi &&
		    bub_addr_eq(&sas->entries[i].home_agent, home_agent))
			return &sas->entries[i];
	return NULL;
}

/* Back to a home agent that was used before: the database takes the outbound SA that came last, so
 * it gets the same one again, with the number that it had reached. */
static int renew_sa(struct sas *sas, struct entry *e, struct esp_sa_params *p, char *ret_error,
		    size_t error_size)
{
	const char *why = NULL;
	struct esp_sa *sa = NULL;

	if (p->direction == ESP_IN ||
	    esp_sad_find_out(sas->sad, &p->owner, p->mode, p->covers) == e->sa)
		return 0;
	p->sequence = sequence_of(e->sa);
	sa = esp_sad_add(sas->sad, p, &why);
	if (sa == NULL) {
		(void)snprintf(ret_error, error_size, "SPI %08x: %s", p->spi, why);
		return -1;
	}
	e->sa = sa;
	return 0;
}

static int add_pair(struct sas *sas, const struct bubd_pair *pair,
		    const struct in6_addr *home_agent, struct bub_time now, char *ret_error,
		    size_t error_size)
{
	/* At the start there is nothing to find, and a home agent has many. */
	bool discovered = IN6_IS_ADDR_UNSPECIFIED(&pair->home_agent);
	struct esp_sa_params set[ESP_SET_COUNT];
	int rc = 0;

	if (pair->secret_len == 0)
		return 0; /* its SAs are written out, and there since the start */
	if (esp_derive_set(pair->secret, pair->secret_len, &pair->home, home_agent,
			   pair->at_home_agent, set) != 0) {
		(void)snprintf(ret_error, error_size, "libcrypto refuses to derive ESP keys");
		return -1;
	}
	for (int i = 0; rc == 0 && i < ESP_SET_COUNT; i++) {
		struct entry *e = discovered ? find_entry(sas, &set[i], home_agent) : NULL;

		if (e != NULL)
			rc = renew_sa(sas, e, &set[i], ret_error, error_size);
		else
			rc = add_sa(sas, &set[i], home_agent, now, ret_error, error_size);
	}
	explicit_bzero(set, sizeof(set));
	return rc;
}

/* SAs that the configuration has in full serve whatever home agent there is. */
static int add_written(struct sas *sas, const struct bubd_config *cfg, struct bub_time now,
		       char *ret_error, size_t error_size)
{
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < cfg->n_sas; i++) {
		struct esp_sa_params p = cfg->sas[i].params;

		rc = add_sa(sas, &p, &in6addr_any, now, ret_error, error_size);
		explicit_bzero(&p, sizeof(p));
	}
	return rc;
}

bool sas_weakness(const struct esp_sa_params *p, char *ret_text, size_t cap)
{
	const struct esp_alg_info *alg = esp_alg_info(p->alg);
	const bool unchecked = p->any_sequence && p->direction == ESP_IN;

	if (!alg->weak && !unchecked)
		return false;
	(void)snprintf(ret_text, cap, "SA 0x%x: %s with %s%s; for old peers and tests only",
		       (unsigned)p->spi, alg->encryption, alg->integrity,
		       unchecked ? ", no replay check" : "");
	return true;
}

int sas_add_home(struct sas *sas, const struct bubd_config *cfg, const struct in6_addr *home,
		 const struct in6_addr *home_agent, bool at_home_agent, struct bub_time now,
		 char *ret_error, size_t error_size)
{
	const struct bubd_pair *written = bubd_config_pair(cfg, home, at_home_agent);
	struct bubd_pair pair;
	int rc;

	if (written == NULL) {
		(void)snprintf(ret_error, error_size, "no secret for that home address");
		return -1;
	}
	pair = *written;
	pair.home = *home;
	rc = add_pair(sas, &pair, home_agent, now, ret_error, error_size);
	explicit_bzero(&pair, sizeof(pair));
	return rc;
}

int sas_use_home_agent(struct sas *sas, const struct bubd_config *cfg, const struct in6_addr *home,
		       const struct in6_addr *home_agent, struct bub_time now, char *ret_error,
		       size_t error_size)
{
	const struct bubd_pair *pair = bubd_config_pair(cfg, home, false);

	if (pair != NULL && !IN6_IS_ADDR_UNSPECIFIED(&pair->home_agent))
		return 0; /* configured: its SAs are there since the start */
	return sas_add_home(sas, cfg, home, home_agent, false, now, ret_error, error_size);
}

/* With room for the addresses that renumbering may bring. */
static size_t count_sas(const struct bubd_config *cfg)
{
	size_t n = cfg->n_sas;

	for (size_t i = 0; i < cfg->n_pairs; i++) {
		const struct bubd_pair *p = &cfg->pairs[i];
		size_t homes = p->at_home_agent ? BUB_HA_PREFIXES_MAX : BUB_HOMES_MAX;
		size_t each = IN6_IS_ADDR_UNSPECIFIED(&p->home_agent) ? DISCOVERED_SAS_MAX
								      : ESP_SET_COUNT;

		if (p->secret_len > 0)
			n += p->renumber ? homes * each : each;
	}
	return n;
}

struct sas *sas_new(const struct bubd_config *cfg, FILE *key_log, struct bub_time now,
		    char *ret_error, size_t error_size)
{
	size_t n = count_sas(cfg);
	struct sas *sas = calloc(1, sizeof(*sas));

	if (sas == NULL)
		goto no_memory;
	sas->key_log = key_log;
	sas->sad = esp_sad_new(n > 0 ? n : 1);
	if (sas->sad == NULL)
		goto no_memory;
	if (n == 0)
		return sas;
	sas->entries = calloc(n, sizeof(*sas->entries));
	if (sas->entries == NULL)
		goto no_memory;
	sas->max_entries = n;
	sas->store = seqstore_open(cfg->state_dir, ret_error, error_size);
	if (sas->store == NULL)
		goto fail;
	for (size_t i = 0; i < cfg->n_pairs; i++) {
		const struct bubd_pair *pair = &cfg->pairs[i];

		if (!IN6_IS_ADDR_UNSPECIFIED(&pair->home_agent) &&
		    add_pair(sas, pair, &pair->home_agent, now, ret_error, error_size) != 0)
			goto fail;
	}
	if (add_written(sas, cfg, now, ret_error, error_size) != 0)
		goto fail;
	return sas;
no_memory:
	(void)snprintf(ret_error, error_size, "out of memory");
fail:
	(void)sas_free(sas, NULL, 0);
	return NULL;
}

int sas_free(struct sas *sas, char *ret_error, size_t error_size)
{
	int rc = 0;

	if (sas == NULL)
		return 0;
	for (size_t i = 0; i < sas->n_entries; i++) {
		struct entry *e = &sas->entries[i];

		if (seqstore_end(sas->store, &e->numbers, sequence_of(e->sa), ret_error,
				 error_size) != 0)
			rc = -1;
	}
	seqstore_close(sas->store);
	esp_sad_free(sas->sad);
	free(sas->entries);
	free(sas);
	return rc;
}

struct esp_sad *sas_database(struct sas *sas)
{
	return sas->sad;
}

enum sas_verdict sas_check(struct sas *sas, struct bub_time now, bool *ret_pending, char *ret_error,
			   size_t error_size)
{
	enum sas_verdict verdict = SAS_FINE;

	*ret_pending = false;
	for (size_t i = 0; i < sas->n_entries; i++) {
		struct entry *e = &sas->entries[i];
		uint64_t sequence = sequence_of(e->sa);

		int err = seqstore_note(sas->store, &e->numbers, sequence, now, ret_error,
					error_size);

		if (e->numbers.kind == SEQSTORE_IN_SIGNALLING && sequence > e->numbers.stored)
			*ret_pending = true;
		if (err == 0)
			continue;
		/* Rather no tunnel than a number used twice after the next crash. */
		if (e->numbers.kind == SEQSTORE_OUT &&
		    seqstore_room(&e->numbers, sequence) < SAS_CHECK_PACKETS)
			return SAS_STOP;
		verdict = SAS_WARN;
	}
	return verdict;
}
