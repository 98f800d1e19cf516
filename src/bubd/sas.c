/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Brings together the secrets and the SAs that are written out (config.c), the derivation of keys
 * (esp_keys.h), the database of SAs (esp.h) and the memory of sequence numbers (store.h).  Owns
 * their order: numbers are reserved on the disk before the database may use them, and stored
 * exactly once nothing uses them any more.
 *
 * A look at the numbers costs as much as there were SAs used since the last one, however many
 * there are.
 *
 * RFC 3776, 3 (what is protected) and RFC 4303, 3.3.3 (static keys: the counter lasts).
 */
#include "sas.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

#include "esp_many.h"
#include "keylog.h"
#include "sas_internal.h"

/* Room in the database for a home address without a configured home agent: it keeps the SAs with
 * each one that it ever discovers. */
#define DISCOVERED_SAS_MAX 64

#define TEXT_MAX 256 /* of a line about one SA */

static uint64_t ms_of(struct bub_time t)
{
	return t.ns / BUB_NS_PER_MS;
}

static struct esp_sa_status status_of(const struct entry *e)
{
	struct esp_sa_status status;

	esp_sa_get_status(e->sa, &status);
	return status;
}

static void make_pending(struct sas *sas, struct entry *e)
{
	if (!e->pending)
		sas->pending[sas->n_pending++] = e;
	e->pending = true;
}

/* Lists the SAs that were used since the last time. */
static void collect_used(struct sas *sas, struct bub_time now)
{
	struct esp_sa *sa;

	while ((sa = esp_sad_take_used(sas->sad)) != NULL) {
		struct entry *e = &sas->entries[esp_sa_index(sa)];

		if (e->agreed)
			sas_agreed_used(sas, sa, now);
		else
			make_pending(sas, e);
	}
}

/* ---- Adding -------------------------------------------------------------------------------- */

/* An SA for signalling sees few packets and each one counts, so its window is kept more exactly. */
static enum numbers_kind kind_of(const struct esp_sa_params *p)
{
	if (p->direction == ESP_OUT)
		return NUMBERS_OUT;
	return (p->covers & ESP_CLASS_PAYLOAD) == 0 ? NUMBERS_IN_SIGNALLING : NUMBERS_IN;
}

/* Where keys are agreed only, there is no file of numbers. */
static int open_numbers(struct sas *sas, char *ret_error, size_t error_size)
{
	if (sas->store == NULL)
		sas->store = numbers_open(sas->state_dir, ret_error, error_size);
	return sas->store != NULL ? 0 : -1;
}

static int add_sa(struct sas *sas, struct esp_sa_params *p, struct bub_time now, char *ret_error,
		  size_t error_size)
{
	struct entry e = {.sa = esp_sad_find(sas->sad, p), .since = now};
	char owner[INET6_ADDRSTRLEN] = "";
	const char *why = NULL;
	struct entry *at;

	/* The SA is there: mostly, a mobile node goes back to a home agent that it used before. */
	if (e.sa != NULL) {
		esp_sad_prefer(sas->sad, e.sa);
		return 0;
	}
	if (open_numbers(sas, ret_error, error_size) != 0 ||
	    numbers_begin(sas->store, p->spi, p->id, kind_of(p), ms_of(now), &e.numbers, ret_error,
			  error_size) != 0)
		return -1;
	p->sequence = e.numbers.stored;
	e.sa = esp_sad_add(sas->sad, p, &why);
	if (e.sa == NULL) {
		(void)inet_ntop(AF_INET6, &p->owner, owner, sizeof(owner));
		(void)snprintf(ret_error, error_size, "%s, SPI %08x: %s", owner, p->spi, why);
		return -1;
	}
	esp_sa_set_limit(e.sa, e.numbers.stored); /* until sas_commit() */
	keylog_esp(sas->key_log, p);
	at = &sas->entries[esp_sa_index(e.sa)];
	*at = e;
	make_pending(sas, at);
	return 0;
}

static int add_pair(struct sas *sas, const struct bubd_pair *pair,
		    const struct in6_addr *home_agent, struct bub_time now, char *ret_error,
		    size_t error_size)
{
	struct esp_sa_params set[ESP_SET_COUNT];
	int rc = 0;

	if (pair->keys != BUBD_KEYS_STATIC)
		return 0; /* its SAs come once the two ends have agreed */
	if (pair->secret_len == 0)
		return 0; /* its SAs are written out, and there since the start */
	if (pair->wiped) {
		(void)snprintf(ret_error, error_size, "its secret was for one home agent only");
		return -1;
	}
	if (esp_derive_set(pair->secret, pair->secret_len, &pair->home, home_agent,
			   pair->at_home_agent, set) != 0) {
		(void)snprintf(ret_error, error_size, "libcrypto refuses to derive ESP keys");
		return -1;
	}
	for (int i = 0; rc == 0 && i < ESP_SET_COUNT; i++)
		rc = add_sa(sas, &set[i], now, ret_error, error_size);
	explicit_bzero(set, sizeof(set));
	return rc;
}

/* SAs that the configuration has in full serve whatever home agent there is. */
static int add_written(struct sas *sas, const struct bubd_config *cfg, size_t first, size_t n,
		       struct bub_time now, char *ret_error, size_t error_size)
{
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < n; i++) {
		struct esp_sa_params p = cfg->sas[first + i].params;

		rc = esp_set_id(&p);
		if (rc != 0)
			(void)snprintf(ret_error, error_size, "libcrypto refuses HMAC-SHA-256");
		else
			rc = add_sa(sas, &p, now, ret_error, error_size);
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

int sas_add_client(struct sas *sas, const struct bubd_config *cfg, const struct bubd_pair *pair,
		   const struct in6_addr *home, struct bub_time now, char *ret_error,
		   size_t error_size)
{
	struct bubd_pair at = *pair;
	int rc;

	at.home = *home;
	rc = add_pair(sas, &at, &pair->home_agent, now, ret_error, error_size);
	explicit_bzero(&at, sizeof(at));
	if (rc == 0)
		rc = add_written(sas, cfg, pair->first_sa, pair->n_sas, now, ret_error, error_size);
	return rc;
}

/* ---- Taking away --------------------------------------------------------------------------- */

static void remove_agreed(struct sas *sas, const struct addrset *homes)
{
	for (size_t i = 0; i < homes->hash.cap; i++)
		if (homes->hash.slots[i].used)
			sas_agreed_forget(sas, &homes->hash.slots[i].key);
}

int sas_remove_homes(struct sas *sas, const struct addrset *homes, struct bub_time now,
		     char *ret_error, size_t error_size)
{
	struct esp_sa *sa = NULL;
	size_t left = 0;
	int rc = 0;

	collect_used(sas, now); /* while the SAs are still in the database */
	remove_agreed(sas, homes);
	if (sas->store == NULL)
		return 0;
	while ((sa = esp_sad_next(sas->sad, sa)) != NULL) {
		struct entry *e = &sas->entries[esp_sa_index(sa)];
		const struct esp_sa_status status = status_of(e);

		if (e->agreed || addrset_find(homes, &status.owner) == NULL)
			continue;
		numbers_end(&e->numbers, status.sequence);
		numbers_put(sas->store, &e->numbers);
		make_pending(sas, e);
		e->sa = NULL;
		esp_sad_remove(sas->sad, sa);
	}
	/* Where the commit fails, the numbers that are stored are safe to begin with, as after a
	 * crash. */
	rc = numbers_commit(sas->store, ret_error, error_size);
	for (size_t i = 0; i < sas->n_pending; i++) {
		struct entry *e = sas->pending[i];

		if (e->sa != NULL)
			sas->pending[left++] = e;
		else
			*e = (struct entry){0};
	}
	sas->n_pending = left;
	return rc != 0 ? -1 : 0;
}

/* ---- Start and end ------------------------------------------------------------------------- */

/* SAs of the home addresses that a home agent may come to serve, as many as limits says. */
static size_t count_clients(const struct bubd_config *cfg)
{
	if (!cfg->engine.ha.enabled)
		return 0;
	return cfg->lnx.unprotected == 0 ? (size_t)cfg->engine.limit.clients * ESP_SET_MAX
					 : cfg->n_sas;
}

/* Agreed ones: those in use, which clients have room for already, those before and those to come.
 */
static size_t count_agreed(const struct bubd_config *cfg)
{
	size_t sets = cfg->engine.ha.enabled ? 2 * (size_t)cfg->engine.limit.clients : 0;

	for (size_t i = 0; i < cfg->n_pairs; i++)
		if (cfg->pairs[i].keys != BUBD_KEYS_STATIC && !cfg->pairs[i].at_home_agent)
			sets += cfg->pairs[i].renumber ? 3 * BUB_HOMES_MAX : 3;
	return cfg->lnx.unprotected == 0 ? sets * ESP_SET_MAX : 0;
}

/* With room for the addresses that renumbering may bring. */
static size_t count_sas(const struct bubd_config *cfg)
{
	size_t n = 0, clients = count_clients(cfg);

	for (size_t i = 0; i < cfg->n_pairs; i++) {
		const struct bubd_pair *p = &cfg->pairs[i];
		size_t homes = p->at_home_agent ? BUB_HA_PREFIXES_MAX : BUB_HOMES_MAX;
		size_t each = IN6_IS_ADDR_UNSPECIFIED(&p->home_agent) ? DISCOVERED_SAS_MAX
								      : ESP_SET_COUNT;

		if (p->secret_len > 0 && p->keys == BUBD_KEYS_STATIC)
			n += p->renumber ? homes * each : each;
	}
	return cfg->n_sas + count_agreed(cfg) + (n > clients ? n : clients);
}

struct sas *sas_new(const struct bubd_config *cfg, FILE *key_log, struct bub_time now,
		    char *ret_error, size_t error_size)
{
	size_t n = count_sas(cfg);
	struct sas *sas = calloc(1, sizeof(*sas));

	if (sas == NULL)
		goto no_memory;
	sas->key_log = key_log;
	sas->state_dir = cfg->state_dir;
	sas->sad = esp_sad_new(n > 0 ? n : 1);
	if (sas->sad == NULL)
		goto no_memory;
	if (n == 0)
		return sas;
	sas->entries = calloc(n, sizeof(*sas->entries));
	sas->pending = calloc(n, sizeof(struct entry *));
	if (sas->entries == NULL || sas->pending == NULL)
		goto no_memory;
	for (size_t i = 0; i < cfg->n_pairs; i++) {
		const struct bubd_pair *pair = &cfg->pairs[i];

		if (!IN6_IS_ADDR_UNSPECIFIED(&pair->home_agent) &&
		    add_pair(sas, pair, &pair->home_agent, now, ret_error, error_size) != 0)
			goto fail;
	}
	if (add_written(sas, cfg, 0, cfg->n_sas, now, ret_error, error_size) != 0)
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
	const struct esp_sa *sa = NULL;
	int rc = 0;

	if (sas == NULL)
		return 0;
	while (sas->store != NULL && (sa = esp_sad_next(sas->sad, sa)) != NULL) {
		struct entry *e = &sas->entries[esp_sa_index(sa)];

		if (e->agreed)
			continue;
		numbers_end(&e->numbers, esp_sa_sequence(e->sa));
		numbers_put(sas->store, &e->numbers);
	}
	sas_agreed_free(sas);
	if (sas->store != NULL)
		rc = numbers_commit(sas->store, ret_error, error_size);
	numbers_close(sas->store);
	esp_sad_free(sas->sad);
	free(sas->entries);
	free(sas->pending);
	free(sas);
	return rc != 0 ? -1 : 0;
}

struct esp_sad *sas_database(struct sas *sas)
{
	return sas->sad;
}

bool sas_status(const struct sas *sas, size_t *at, struct esp_sa_status *ret,
		struct bub_time *ret_since)
{
	const size_t n = sas->entries != NULL ? esp_sad_capacity(sas->sad) : 0;

	while (*at < n) {
		const struct entry *e = &sas->entries[(*at)++];

		if (e->sa == NULL)
			continue;
		*ret = status_of(e);
		*ret_since = e->since;
		return true;
	}
	return false;
}

int sas_commit(struct sas *sas, struct bub_time now, char *ret_error, size_t error_size)
{
	int rc = 0;

	for (size_t i = 0; i < sas->n_pending; i++)
		numbers_put(sas->store, &sas->pending[i]->numbers);
	if (sas->store != NULL)
		rc = numbers_commit(sas->store, ret_error, error_size);
	for (size_t i = 0; rc == 0 && i < sas->n_pending; i++) {
		struct entry *e = sas->pending[i];

		numbers_stored(&e->numbers, ms_of(now));
		esp_sa_set_limit(e->sa, e->numbers.stored);
	}
	return rc != 0 ? -1 : 0;
}

/* An SA has stopped, or goes on. */
static void note_stop(struct entry *e, const struct sas_listener *listener)
{
	const struct numbers_sa *numbers = &e->numbers;
	bool stopped = numbers->kind == NUMBERS_OUT && esp_sa_sequence(e->sa) >= numbers->stored;
	char owner[INET6_ADDRSTRLEN] = "";
	struct esp_sa_status status;
	char text[TEXT_MAX];

	if (stopped == e->stopped)
		return;
	e->stopped = stopped;
	status = status_of(e);
	(void)inet_ntop(AF_INET6, &status.owner, owner, sizeof(owner));
	if (!stopped)
		(void)snprintf(text, sizeof(text), "ESP of %s (SPI %08x) goes on", owner,
			       (unsigned)numbers->spi);
	else if (numbers->stored == NUMBERS_LAST)
		(void)snprintf(text, sizeof(text),
			       "ESP of %s (SPI %08x) has stopped: its sequence numbers are used "
			       "up; change the secret at both ends",
			       owner, (unsigned)numbers->spi);
	else
		(void)snprintf(text, sizeof(text),
			       "ESP of %s (SPI %08x) has stopped: no more sequence numbers can be "
			       "stored; its packets are dropped until state-dir can be written",
			       owner, (unsigned)numbers->spi);
	listener->line(listener->ctx, !stopped, text);
}

static void note_failure(struct sas *sas, const char *error, const struct sas_listener *listener)
{
	char text[2 * TEXT_MAX];
	bool failing = error != NULL;

	if (failing == sas->failing)
		return;
	sas->failing = failing;
	if (failing)
		(void)snprintf(text, sizeof(text),
			       "%s; each ESP association stops when the numbers that are stored "
			       "for it are used up",
			       error);
	listener->line(listener->ctx, !failing, failing ? text : "state-dir can be written again");
}

/* Whether a number is yet to be stored: it could not be, or is not due. */
static bool is_behind(const struct entry *e)
{
	return numbers_is_staged(&e->numbers) || (e->numbers.kind == NUMBERS_IN_SIGNALLING &&
						  esp_sa_sequence(e->sa) > e->numbers.stored);
}

bool sas_check(struct sas *sas, struct bub_time now, const struct sas_listener *listener)
{
	char error[TEXT_MAX] = "";
	size_t left = 0;

	collect_used(sas, now);
	for (size_t i = 0; i < sas->n_pending; i++)
		numbers_note(&sas->pending[i]->numbers, esp_sa_sequence(sas->pending[i]->sa),
			     ms_of(now));
	note_failure(sas, sas_commit(sas, now, error, sizeof(error)) != 0 ? error : NULL, listener);
	for (size_t i = 0; i < sas->n_pending; i++) {
		struct entry *e = sas->pending[i];

		note_stop(e, listener);
		e->pending = is_behind(e);
		if (e->pending)
			sas->pending[left++] = e;
	}
	sas->n_pending = left;
	return left > 0 || sas->failing;
}
