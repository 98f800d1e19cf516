/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Pairs of mobile node and home agent: how they are read, what is asked of them afterwards, how
 * many a home agent has room for, and how those of one configuration take the place of another's.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "config_load.h"
#include "secret.h"

/* ---- Finding one --------------------------------------------------------------------------- */

static struct in6_addr identifier_of(const struct in6_addr *home)
{
	struct in6_addr id = {0};

	memcpy(id.s6_addr + 8, home->s6_addr + 8, 8);
	return id;
}

void loader_unindex_pairs(struct bubd_config *cfg)
{
	addrset_free(&cfg->by_home);
	addrset_free(&cfg->by_identifier);
	cfg->n_indexed = 0;
}

/* A home agent looks for one at each registration, and may have 100,000. */
int loader_index_pairs(struct bubd_config *cfg)
{
	int rc = 0;

	loader_unindex_pairs(cfg);
	for (size_t i = 0; rc == 0 && i < cfg->n_pairs; i++) {
		const struct bubd_pair *p = &cfg->pairs[i];
		const struct in6_addr id = identifier_of(&p->home);

		if (!p->at_home_agent)
			continue;
		if (addrset_find(&cfg->by_home, &p->home) == NULL)
			rc = addrset_add(&cfg->by_home, &p->home, i);
		if (rc == 0 && p->renumber && addrset_find(&cfg->by_identifier, &id) == NULL)
			rc = addrset_add(&cfg->by_identifier, &id, i);
	}
	if (rc == 0)
		cfg->n_indexed = cfg->n_pairs;
	else
		loader_unindex_pairs(cfg);
	return rc;
}

/* The number of a home agent's. */
static const size_t *indexed_pair(const struct bubd_config *cfg, const struct in6_addr *home)
{
	const struct in6_addr id = identifier_of(home);
	const size_t *at = addrset_find(&cfg->by_home, home);

	return at != NULL ? at : addrset_find(&cfg->by_identifier, &id);
}

const struct bubd_pair *bubd_config_pair(const struct bubd_config *cfg, const struct in6_addr *home,
					 bool at_home_agent)
{
	const size_t *at = at_home_agent ? indexed_pair(cfg, home) : NULL;
	const struct bubd_pair *found = NULL;

	if (at != NULL) {
		found = &cfg->pairs[*at];
		if (bub_addr_eq(&found->home, home))
			return found;
	}
	/* The mobile node's own are few, and the first. */
	for (size_t i = at_home_agent ? cfg->n_indexed : 0; i < cfg->n_pairs; i++) {
		const struct bubd_pair *p = &cfg->pairs[i];

		if (p->at_home_agent && !at_home_agent && i < cfg->n_indexed)
			break;
		if (p->at_home_agent != at_home_agent)
			continue;
		if (bub_addr_eq(&p->home, home))
			return p;
		if (p->renumber && memcmp(p->home.s6_addr + 8, home->s6_addr + 8, 8) == 0)
			found = p;
	}
	return found;
}

/* ---- Secrets ------------------------------------------------------------------------------- */

#define KEYS_LEN (ESP_ENC_KEY_MAX + ESP_AUTH_KEY_MAX)

/* The key of marks is this process's own, so that a mark tells nobody else anything. */
static int make_mark_key(struct bubd_config *cfg)
{
	if (!cfg->has_mark_key &&
	    getrandom(cfg->mark_key, sizeof(cfg->mark_key), 0) != (ssize_t)sizeof(cfg->mark_key))
		return -1;
	cfg->has_mark_key = true;
	return 0;
}

static int mark_of_keys(const struct bubd_config *cfg, const struct esp_sa_params *p,
			uint8_t ret_mark[static ESP_MARK_LEN])
{
	uint8_t keys[KEYS_LEN];
	int rc;

	memcpy(keys, p->enc_key, sizeof(p->enc_key));
	memcpy(keys + sizeof(p->enc_key), p->auth_key, sizeof(p->auth_key));
	rc = esp_mark(cfg->mark_key, keys, sizeof(keys), ret_mark);
	explicit_bzero(keys, sizeof(keys));
	return rc;
}

static int wipe_pair(const struct bubd_config *cfg, struct bubd_pair *pair)
{
	uint8_t mark[ESP_MARK_LEN];

	if (pair->wiped || pair->secret_len == 0 || pair->renumber ||
	    pair->keys != BUBD_KEYS_STATIC || IN6_IS_ADDR_UNSPECIFIED(&pair->home_agent))
		return 0;
	if (esp_mark(cfg->mark_key, pair->secret, pair->secret_len, mark) != 0)
		return -1;
	explicit_bzero(pair->secret, sizeof(pair->secret));
	memcpy(pair->secret, mark, sizeof(mark));
	pair->wiped = true;
	return 0;
}

static int wipe_sa(const struct bubd_config *cfg, struct bubd_sa *sa)
{
	uint8_t mark[ESP_MARK_LEN];

	if (sa->wiped)
		return 0;
	if (mark_of_keys(cfg, &sa->params, mark) != 0)
		return -1;
	explicit_bzero(sa->params.auth_key, sizeof(sa->params.auth_key));
	explicit_bzero(sa->params.enc_key, sizeof(sa->params.enc_key));
	memcpy(sa->params.enc_key, mark, sizeof(mark));
	sa->wiped = true;
	return 0;
}

int bubd_config_wipe_secrets(struct bubd_config *cfg)
{
	int rc = make_mark_key(cfg);

	for (size_t i = 0; rc == 0 && i < cfg->n_pairs; i++)
		rc = wipe_pair(cfg, &cfg->pairs[i]);
	for (size_t i = 0; rc == 0 && i < cfg->n_sas; i++)
		rc = wipe_sa(cfg, &cfg->sas[i]);
	return rc;
}

/* Where one of the two secrets has been wiped, their marks under the same key are compared. */
static bool same_secret(const struct bubd_config *a, const struct bubd_pair *pa,
			const struct bubd_config *b, const struct bubd_pair *pb)
{
	uint8_t mark[ESP_MARK_LEN];

	if (pa->secret_len != pb->secret_len)
		return false;
	if (pa->secret_len == 0)
		return true;
	if (pa->wiped == pb->wiped)
		return memcmp(pa->secret, pb->secret, sizeof(pa->secret)) == 0;
	if (pb->wiped)
		return same_secret(b, pb, a, pa);
	return esp_mark(a->mark_key, pb->secret, pb->secret_len, mark) == 0 &&
	       memcmp(pa->secret, mark, sizeof(mark)) == 0;
}

static bool same_keys(const struct bubd_config *a, const struct bubd_sa *sa,
		      const struct bubd_config *b, const struct bubd_sa *sb)
{
	const struct esp_sa_params *p = &sa->params, *q = &sb->params;
	uint8_t mark[ESP_MARK_LEN];

	if (sa->wiped == sb->wiped)
		return memcmp(p->enc_key, q->enc_key, sizeof(p->enc_key)) == 0 &&
		       memcmp(p->auth_key, q->auth_key, sizeof(p->auth_key)) == 0;
	if (sb->wiped)
		return same_keys(b, sb, a, sa);
	return mark_of_keys(a, q, mark) == 0 && memcmp(p->enc_key, mark, sizeof(mark)) == 0;
}

static bool same_sa(const struct bubd_config *a, const struct bubd_sa *sa,
		    const struct bubd_config *b, const struct bubd_sa *sb)
{
	const struct esp_sa_params *p = &sa->params, *q = &sb->params;

	return p->spi == q->spi && p->direction == q->direction && p->mode == q->mode &&
	       p->covers == q->covers && p->alg == q->alg && p->any_sequence == q->any_sequence &&
	       same_keys(a, sa, b, sb);
}

bool bubd_config_same_pair(const struct bubd_config *a, const struct bubd_pair *pa,
			   const struct bubd_config *b, const struct bubd_pair *pb)
{
	/* Where it is left out, it was assigned meanwhile. */
	const bool same_home = bub_addr_eq(&pa->home, &pb->home) ||
			       (!pb->at_home_agent && IN6_IS_ADDR_UNSPECIFIED(&pb->home));

	return same_home && bubd_config_same_node(a, pa, b, pb);
}

bool bubd_config_same_node(const struct bubd_config *a, const struct bubd_pair *pa,
			   const struct bubd_config *b, const struct bubd_pair *pb)
{
	if (!bub_addr_eq(&pa->home_agent, &pb->home_agent) || pa->renumber != pb->renumber ||
	    pa->keys != pb->keys || !same_secret(a, pa, b, pb) || pa->n_sas != pb->n_sas)
		return false;
	for (size_t i = 0; i < pa->n_sas; i++)
		if (!same_sa(a, &a->sas[pa->first_sa + i], b, &b->sas[pb->first_sa + i]))
			return false;
	return true;
}

/* ---- Reading them -------------------------------------------------------------------------- */

/* A mobile node that renumbers has keys for any home address: derived of its secret, or agreed on.
 * It has an interface identifier that no other has. */
static bool load_renumber(struct loader *l, const struct config_node *sec,
			  const struct in6_addr *home, bool at_home_agent)
{
	bool renumber = config_number(sec, "renumber", false) != 0;
	struct addrset *ids = &l->ids[at_home_agent];
	const size_t *first = NULL;
	const struct in6_addr id = identifier_of(home);

	first = addrset_find(ids, &id);
	if (renumber && (config_find(sec, "sa") != NULL || l->cfg->lnx.unprotected != 0))
		problem(&l->p, config_place(sec, "renumber"),
			"renumber: sa sections are for one home address; expected keys that are "
			"agreed on, or secret-file");
	if (first == NULL && addrset_add(ids, &id, l->cfg->n_pairs) != 0)
		problem(&l->p, CONFIG_NO_PLACE, "out of memory");
	/* Where one of several renumbers, the problem has been told before. */
	if (first != NULL && (renumber || l->cfg->pairs[*first].renumber))
		problem(&l->p, sec->at,
			"renumber: two mobile nodes have one interface identifier; "
			"expected each to have its own");
	return renumber;
}

static struct bubd_pair *new_pair(struct loader *l)
{
	struct bubd_config *cfg = l->cfg;
	struct bubd_pair *pairs = loader_grow(l, cfg->pairs, cfg->n_pairs, sizeof(*pairs));

	if (pairs == NULL)
		return NULL;
	cfg->pairs = pairs;
	return &cfg->pairs[cfg->n_pairs++];
}

static void load_secret(struct loader *l, const struct config_value *v, struct bubd_pair *pair)
{
	char path[PATH_MAX] = "";
	const char *why = NULL;

	(void)config_path(&l->p, v->text, path, sizeof(path));
	why = secret_read(path, pair->secret, &pair->secret_len);
	if (why != NULL)
		problem(&l->p, v->at, "secret-file: \"%s\" %s", path, why);
}

/* One that agrees on keys; false: it does not. */
static bool load_agreed(struct loader *l, const struct config_node *sec, bool at_home_agent,
			struct bubd_pair *pair)
{
	const char *beside = config_find(sec, "secret-file") != NULL ? "secret-file"
			     : config_find(sec, "sa") != NULL        ? "sa"
								     : NULL;

	if (at_home_agent ? !loader_client_keys(l, sec, pair) : config_find(sec, "keys") == NULL)
		return false;
	if (!at_home_agent)
		pair->keys = BUBD_KEYS_AGREED;
	if (beside != NULL)
		problem(&l->p, config_place(sec, beside),
			"%s stands beside keys that are agreed on; expected the one or the others",
			beside);
	if (l->cfg->lnx.unprotected != 0)
		problem(&l->p, sec->at,
			"keys that are agreed on do not go with unprotected; expected sa sections "
			"for the rest");
	return true;
}

void loader_pair(struct loader *l, const struct config_node *sec, const struct in6_addr *home,
		 const struct in6_addr *home_agent, bool at_home_agent)
{
	const bool unprotected = l->cfg->lnx.unprotected != 0;
	const bool has_sas = config_find(sec, "sa") != NULL || unprotected;
	const struct config_value *v = config_value(sec, "secret-file");
	struct bubd_pair *pair = NULL;
	struct bubd_pair agreed = {0};
	bool renumber = load_renumber(l, sec, home, at_home_agent);

	if (load_agreed(l, sec, at_home_agent, &agreed))
		pair = new_pair(l);
	else if (has_sas && v != NULL)
		problem(&l->p, v->at,
			unprotected
				? "secret-file does not go with unprotected; expected sa sections "
				  "for the rest"
				: "secret-file stands beside sa sections; expected the one or "
				  "the others");
	else if (!has_sas && v == NULL)
		problem(&l->p, sec->at,
			"mobile-node lacks secret-file; expected the path of a file, %s or sa "
			"sections",
			at_home_agent ? "psk-file, identity, fingerprint" : "keys");
	else
		pair = new_pair(l);
	if (pair != NULL)
		*pair = agreed;
	explicit_bzero(&agreed, sizeof(agreed));
	if (pair == NULL)
		return;
	pair->home = *home;
	pair->home_agent = *home_agent;
	pair->at_home_agent = at_home_agent;
	pair->renumber = renumber;
	pair->first_sa = l->cfg->n_sas;
	if (pair->keys != BUBD_KEYS_STATIC)
		return;
	if (v != NULL) {
		load_secret(l, v, pair);
		return;
	}
	loader_sas(l, sec, home, at_home_agent);
	pair->n_sas = l->cfg->n_sas - pair->first_sa;
}

void loader_room(struct loader *l, const struct config_node *sec)
{
	struct bub_config *eng = &l->cfg->engine;
	const struct config_node *limits = config_find(&l->tree.root, "limits");
	unsigned n = config_count(sec, "mobile-node");

	/* A reload may bring as many again. */
	if (config_find(limits, "clients") == NULL && n > eng->limit.clients / 2)
		eng->limit.clients = n < CLIENTS_MAX / 2 ? 2 * n : CLIENTS_MAX;
	if (n > eng->limit.clients)
		problem(&l->p, sec->at,
			"home-agent has %u mobile-node sections but limits has clients = %u; "
			"expected room for all",
			n, eng->limit.clients);
}

/* ---- A reload ------------------------------------------------------------------------------ */

/* In either configuration the pairs and SAs of the mobile node's own side come first. */
static void count_own(const struct bubd_config *cfg, size_t *ret_pairs, size_t *ret_sas)
{
	size_t n = 0, n_sas = 0;

	for (; n < cfg->n_pairs && !cfg->pairs[n].at_home_agent; n++)
		n_sas += cfg->pairs[n].n_sas;
	*ret_pairs = n;
	*ret_sas = n_sas;
}

/* The first @n_own elements of @own and those of @other past its own @skip. */
static void *pairs_join(const void *own, size_t n_own, const void *other, size_t skip,
			size_t n_other, size_t size)
{
	size_t n = n_own + n_other - skip;
	uint8_t *all = calloc(n > 0 ? n : 1, size);

	if (all == NULL)
		return NULL;
	if (n_own > 0)
		memcpy(all, own, n_own * size);
	if (n_other > skip)
		memcpy(all + n_own * size, (const uint8_t *)other + skip * size,
		       (n_other - skip) * size);
	return all;
}

static void pairs_wipe(void *array, size_t n, size_t size)
{
	if (array != NULL)
		explicit_bzero(array, n * size);
	free(array);
}

int bubd_config_take_clients(struct bubd_config *cfg, struct bubd_config *fresh)
{
	size_t n_own, n_own_sas, skip, skip_sas;
	struct bubd_pair *pairs;
	struct bubd_sa *sas;

	count_own(cfg, &n_own, &n_own_sas);
	count_own(fresh, &skip, &skip_sas);
	pairs = pairs_join(cfg->pairs, n_own, fresh->pairs, skip, fresh->n_pairs, sizeof(*pairs));
	sas = pairs_join(cfg->sas, n_own_sas, fresh->sas, skip_sas, fresh->n_sas, sizeof(*sas));
	if (pairs == NULL || sas == NULL) {
		pairs_wipe(pairs, n_own + fresh->n_pairs - skip, sizeof(*pairs));
		pairs_wipe(sas, n_own_sas + fresh->n_sas - skip_sas, sizeof(*sas));
		return -1;
	}
	pairs_wipe(cfg->pairs, cfg->n_pairs, sizeof(*pairs));
	pairs_wipe(cfg->sas, cfg->n_sas, sizeof(*sas));
	cfg->pairs = pairs;
	cfg->n_pairs = n_own + fresh->n_pairs - skip;
	cfg->sas = sas;
	cfg->n_sas = n_own_sas + fresh->n_sas - skip_sas;
	for (size_t i = n_own; i < cfg->n_pairs; i++)
		pairs[i].first_sa += n_own_sas - skip_sas; /* modulo what a size_t holds */
	/* Without the index they are found as well, one after the other. */
	(void)loader_index_pairs(cfg);
	return 0;
}
