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

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

#include "keylog.h"
#include "seqstore.h"

/* Room in the database for a home address without a configured home agent: it keeps the SAs with
 * each one that it ever discovers, and a change back to one takes two more. */
#define DISCOVERED_SAS_MAX 64

#define TEXT_MAX 256 /* of a line about one SA */

struct entry {
	struct esp_sa *sa;
	struct in6_addr home_agent;
	struct entry *twin; /* the next outbound SA that has the same SPI, and so the same file */
	uint64_t gone;      /* how far a twin had come that was taken away */
	bool stopped;       /* told: out of reserved numbers */
};

struct sas {
	struct esp_sad *sad;
	struct seqstore *store; /* NULL: no SAs */
	FILE *key_log;
	struct entry *entries;
	struct seqstore_sa *numbers; /* of the entry with the same index */
	size_t n_entries;
	size_t n_twins; /* from the end of the entries */
	size_t max_entries;
	uint32_t *spis; /* hash table by SPI: index of the entry and 1; 0: a free slot */
	size_t n_spis;  /* its slots, a power of two, at least twice as many as entries */
	bool failing;   /* told: something could not be written */
};

/* How far the numbers of an entry are used. */
static uint64_t sequence_of(const struct entry *e)
{
	uint64_t last = 0;

	for (; e != NULL; e = e->twin) {
		struct esp_sa_status status;

		esp_sa_get_status(e->sa, &status);
		last = status.sequence > last ? status.sequence : last;
		last = e->gone > last ? e->gone : last;
	}
	return last;
}

/* An SA for signalling sees few packets and each one counts, so its window is kept more exactly. */
static enum seqstore_kind kind_of(const struct esp_sa_params *p)
{
	if (p->direction == ESP_OUT)
		return SEQSTORE_OUT;
	return (p->covers & ESP_CLASS_PAYLOAD) == 0 ? SEQSTORE_IN_SIGNALLING : SEQSTORE_IN;
}

static int make_tables(struct sas *sas, size_t max_entries)
{
	sas->max_entries = max_entries;
	for (sas->n_spis = 2; sas->n_spis < 2 * max_entries;)
		sas->n_spis *= 2;
	sas->entries = calloc(max_entries, sizeof(*sas->entries));
	sas->numbers = calloc(max_entries, sizeof(*sas->numbers));
	sas->spis = calloc(sas->n_spis, sizeof(*sas->spis));
	return sas->entries != NULL && sas->numbers != NULL && sas->spis != NULL ? 0 : -1;
}

static void free_tables(const struct sas *sas)
{
	free(sas->entries);
	free(sas->numbers);
	free(sas->spis);
}

/* The slot of @spi, or the free one that it would get. */
static uint32_t *spi_slot(struct sas *sas, uint32_t spi)
{
	/* Derived SPIs are random but for the last two bits. */
	size_t i = (spi >> 2 ^ spi << 30) & (sas->n_spis - 1);

	while (sas->spis[i] != 0 && sas->numbers[sas->spis[i] - 1].spi != spi)
		i = (i + 1) & (sas->n_spis - 1);
	return &sas->spis[i];
}

static int add_to_database(struct sas *sas, struct entry *e, const struct esp_sa_params *p,
			   uint64_t limit, char *ret_error, size_t error_size)
{
	char owner[INET6_ADDRSTRLEN] = "";
	const char *why = NULL;

	e->sa = esp_sad_add(sas->sad, p, &why);
	if (e->sa == NULL) {
		(void)inet_ntop(AF_INET6, &p->owner, owner, sizeof(owner));
		(void)snprintf(ret_error, error_size, "%s, SPI %08x: %s", owner, p->spi, why);
		return -1;
	}
	esp_sa_set_limit(e->sa, limit);
	keylog_esp(sas->key_log, p);
	return 0;
}

/* Outbound, an SPI is the receivers' affair, and among many thousand clients some have the same by
 * chance.  They share a file: each skips the numbers that the other has used. */
static int add_twin(struct sas *sas, size_t first, struct esp_sa_params *p, char *ret_error,
		    size_t error_size)
{
	struct entry *e = &sas->entries[sas->max_entries - 1 - sas->n_twins];

	p->sequence = sequence_of(&sas->entries[first]);
	if (add_to_database(sas, e, p, sas->numbers[first].stored, ret_error, error_size) != 0)
		return -1;
	e->twin = sas->entries[first].twin;
	sas->entries[first].twin = e;
	sas->n_twins++;
	return 0;
}

static int add_sa(struct sas *sas, struct esp_sa_params *p, const struct in6_addr *home_agent,
		  struct bub_time now, char *ret_error, size_t error_size)
{
	struct entry *e = &sas->entries[sas->n_entries];
	struct seqstore_sa *numbers = &sas->numbers[sas->n_entries];
	uint32_t *slot = NULL;

	if (sas->n_entries + sas->n_twins == sas->max_entries) {
		(void)snprintf(ret_error, error_size,
			       "too many home agents were discovered; restart bubd");
		return -1;
	}
	slot = spi_slot(sas, p->spi);
	if (*slot != 0 && p->direction == ESP_OUT && sas->numbers[*slot - 1].kind == SEQSTORE_OUT)
		return add_twin(sas, *slot - 1, p, ret_error, error_size);
	/* The database tells two inbound ones apart, their file does not. */
	if (*slot != 0 && p->direction == ESP_IN && sas->numbers[*slot - 1].kind != SEQSTORE_OUT) {
		(void)snprintf(ret_error, error_size,
			       "SPI %08x: another inbound security association has this SPI",
			       p->spi);
		return -1;
	}
	if (seqstore_begin(sas->store, p->spi, kind_of(p), now, numbers, &p->sequence, ret_error,
			   error_size) != 0 ||
	    add_to_database(sas, e, p, numbers->stored, ret_error, error_size) != 0)
		return -1;
	e->home_agent = *home_agent;
	*slot = (uint32_t)++sas->n_entries;
	return 0;
}

/* The SA of these parameters and home agent, if it is there already. */
static struct entry *find_entry(struct sas *sas, const struct esp_sa_params *p,
				const struct in6_addr *home_agent)
{
	for (size_t i = 0; i < sas->n_entries; i++)
		if (sas->numbers[i].spi == p->spi &&
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
	p->sequence = sequence_of(e);
	sa = esp_sad_add(sas->sad, p, &why);
	if (sa == NULL) {
		(void)snprintf(ret_error, error_size, "SPI %08x: %s", p->spi, why);
		return -1;
	}
	esp_sa_set_limit(sa, sas->numbers[e - sas->entries].stored);
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
	if (pair->wiped) {
		(void)snprintf(ret_error, error_size, "its secret was for one home agent only");
		return -1;
	}
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
static int add_written(struct sas *sas, const struct bubd_config *cfg, size_t first, size_t n,
		       struct bub_time now, char *ret_error, size_t error_size)
{
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < n; i++) {
		struct esp_sa_params p = cfg->sas[first + i].params;

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

/* Moves what is left of entry @i of @old, and of its twins, to @sas.  True: nothing is. */
static bool move_entry(struct sas *sas, const struct sas *old, size_t i,
		       const struct addrset *homes)
{
	struct entry *head = NULL;
	uint64_t gone = 0;

	for (const struct entry *e = &old->entries[i]; e != NULL; e = e->twin) {
		struct esp_sa_status status;
		struct entry *to;

		esp_sa_get_status(e->sa, &status);
		if (addrset_find(homes, &status.owner) != NULL) {
			gone = status.sequence > gone ? status.sequence : gone;
			esp_sad_remove(sas->sad, e->sa);
			continue;
		}
		gone = e->gone > gone ? e->gone : gone;
		to = head == NULL ? &sas->entries[sas->n_entries]
				  : &sas->entries[sas->max_entries - 1 - sas->n_twins++];
		*to = *e;
		to->twin = head != NULL ? head->twin : NULL;
		if (head != NULL)
			head->twin = to;
		else
			head = to;
	}
	if (head == NULL)
		return true;
	head->gone = gone;
	sas->numbers[sas->n_entries] = old->numbers[i];
	*spi_slot(sas, old->numbers[i].spi) = (uint32_t)sas->n_entries + 1;
	sas->n_entries++;
	return false;
}

int sas_remove_clients(struct sas *sas, const struct addrset *homes, struct bub_time now,
		       char *ret_error, size_t error_size)
{
	const struct sas old = *sas;
	size_t n_gone = 0;
	int rc = 0;

	if (old.n_entries == 0)
		return 0;
	sas->n_entries = sas->n_twins = 0;
	if (make_tables(sas, old.max_entries) != 0) {
		free_tables(sas);
		*sas = old;
		(void)snprintf(ret_error, error_size, "out of memory");
		return -1;
	}
	for (size_t i = 0; i < old.n_entries; i++) {
		struct seqstore_sa numbers = old.numbers[i];
		uint64_t sequence = sequence_of(&old.entries[i]);

		/* What is stored of an outbound SA is past what it has used, as after a crash. */
		if (move_entry(sas, &old, i, homes) && numbers.kind != SEQSTORE_OUT) {
			seqstore_end(&numbers, sequence);
			old.numbers[n_gone++] = numbers;
		}
	}
	if (n_gone > 0)
		rc = seqstore_commit(sas->store, old.numbers, n_gone, now, ret_error, error_size);
	free_tables(&old);
	return rc;
}

/* ---- Start and end ------------------------------------------------------------------------- */

/* What a home agent may come to serve: limits says how many home addresses. */
static size_t count_clients(const struct bubd_config *cfg)
{
	if (!cfg->engine.ha.enabled)
		return 0;
	return cfg->lnx.unprotected == 0 ? (size_t)cfg->engine.limit.clients * ESP_SET_COUNT
					 : cfg->n_sas;
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

		if (p->secret_len > 0)
			n += p->renumber ? homes * each : each;
	}
	return cfg->n_sas + (n > clients ? n : clients);
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
	if (make_tables(sas, n) != 0)
		goto no_memory;
	sas->store = seqstore_open(cfg->state_dir, ret_error, error_size);
	if (sas->store == NULL)
		goto fail;
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
	int rc = 0;

	if (sas == NULL)
		return 0;
	for (size_t i = 0; i < sas->n_entries; i++)
		seqstore_end(&sas->numbers[i], sequence_of(&sas->entries[i]));
	if (sas->n_entries > 0)
		rc = seqstore_finish(sas->store, sas->numbers, sas->n_entries, ret_error,
				     error_size);
	seqstore_close(sas->store);
	esp_sad_free(sas->sad);
	free_tables(sas);
	free(sas);
	return rc;
}

struct esp_sad *sas_database(struct sas *sas)
{
	return sas->sad;
}

int sas_commit(struct sas *sas, struct bub_time now, char *ret_error, size_t error_size)
{
	int rc = 0;

	if (sas->n_entries > 0)
		rc = seqstore_commit(sas->store, sas->numbers, sas->n_entries, now, ret_error,
				     error_size);
	for (size_t i = 0; i < sas->n_entries; i++)
		for (struct entry *e = &sas->entries[i]; e != NULL; e = e->twin)
			esp_sa_set_limit(e->sa, sas->numbers[i].stored);
	return rc;
}

/* An SA has stopped, or goes on. */
static void note_stop(struct sas *sas, size_t i, const struct sas_listener *listener)
{
	const struct seqstore_sa *numbers = &sas->numbers[i];
	struct entry *e = &sas->entries[i];
	bool stopped = numbers->kind == SEQSTORE_OUT && sequence_of(e) >= numbers->stored;
	struct esp_sa_status status;
	char owner[INET6_ADDRSTRLEN] = "";
	char text[TEXT_MAX];

	if (stopped == e->stopped)
		return;
	e->stopped = stopped;
	esp_sa_get_status(e->sa, &status);
	(void)inet_ntop(AF_INET6, &status.owner, owner, sizeof(owner));
	if (!stopped)
		(void)snprintf(text, sizeof(text), "ESP of %s (SPI %08x) goes on", owner,
			       (unsigned)numbers->spi);
	else if (numbers->stored == SEQSTORE_LAST)
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

bool sas_check(struct sas *sas, struct bub_time now, const struct sas_listener *listener)
{
	char error[TEXT_MAX] = "";
	bool pending = false;

	for (size_t i = 0; i < sas->n_entries; i++)
		seqstore_note(&sas->numbers[i], sequence_of(&sas->entries[i]), now);
	note_failure(sas, sas_commit(sas, now, error, sizeof(error)) != 0 ? error : NULL, listener);
	for (size_t i = 0; i < sas->n_entries; i++) {
		const struct seqstore_sa *numbers = &sas->numbers[i];

		if (numbers->kind == SEQSTORE_IN_SIGNALLING &&
		    sequence_of(&sas->entries[i]) > numbers->stored)
			pending = true;
		note_stop(sas, i, listener);
	}
	return pending || sas->failing;
}
