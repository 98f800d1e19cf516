/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Agreed keys that outlive the process that agreed on them: a home agent that was killed, or
 * another one of its group, goes on with them.  Owns what makes that safe (docs/esp.md, "Taking
 * over").
 *
 * Sending: no number may come twice under one key.  A record says up to which number this one may
 * send, and the next one begins behind it (the idea of RFC 6311).  A claim is large, as numbers
 * have 64 bits, so that a store that has lost its last second, or is away for long, does no harm.
 *
 * Receiving: what has come once may not come again.  Of signalling each registration stores its
 * number with it, before it is acknowledged.  A tunnel has too many packets for that; who takes
 * over asks the mobile node for a packet that is younger than all that the former has seen.
 */
#include <stdlib.h>
#include <string.h>

#include "esp_doubt.h"
#include "sas_internal.h"

/* The tunnel's edge is stored that often: for where a number is, not for what was seen. */
#define EDGE_STEP (UINT64_C(1) << 30)

static const unsigned sending[] = {ESP_SET_TRANSPORT_DOWN, ESP_SET_TUNNEL_DOWN};
#define SENDING (sizeof(sending) / sizeof(sending[0]))

struct kept {
	struct shared_record r;
	uint64_t edge[ESP_SET_COUNT]; /* that is stored; of what is received */
	bool claiming;                /* more numbers are on their way to the store */
	bool refused;                 /* it did not take those that the record has */
	bool doubtful;                /* the tunnel */
};

static uint64_t kept_sequence(const struct esp_sa *sa)
{
	struct esp_sa_status status;

	esp_sa_get_status(sa, &status);
	return status.sequence;
}

static void kept_put(const struct sas *sas, const struct kept *k)
{
	sas->keeper.put(sas->keeper.ctx, &k->r);
}

/* ---- From the agreement to the end --------------------------------------------------------- */

void sas_kept_by(struct sas *sas, const struct sas_keeper *keeper)
{
	sas->keeper = *keeper;
	if (keeper->claim == 0)
		sas->keeper.claim = SAS_CLAIM;
}

static void kept_fill(struct sas *sas, const struct sas_agreed *keys, struct kept *k)
{
	const struct esp_alg_info *alg = esp_alg_info(keys->set[0].alg);

	k->r = (struct shared_record){
		.kind = SHARED_KEYS, .home = keys->home, .id = keys->set[0].spi};
	k->r.u.keys = (struct shared_keys){
		.home_agent = keys->home_agent,
		.alg = (uint8_t)keys->set[0].alg,
		.key_len = alg->enc_key_len,
		.generation = ++sas->generation,
		.lifetime_s = keys->lifetime_s,
		.octets = keys->octets,
	};
	memcpy(k->r.u.keys.token, keys->token, sizeof(k->r.u.keys.token));
	for (unsigned i = 0; i < ESP_SET_COUNT; i++) {
		struct shared_sa *sa = &k->r.u.keys.sa[i];

		sa->spi = keys->set[i].spi;
		memcpy(sa->key, keys->set[i].enc_key, alg->enc_key_len);
		memcpy(sa->salt, keys->set[i].auth_key, sizeof(sa->salt));
	}
	sas->keeper.stamp(sas->keeper.ctx, &k->r.u.keys, keys->lifetime_s / 10 * 11);
}

/* Nobody else has these keys before the record is stored, so they may be used at once. */
void kept_begin(struct sas *sas, const struct sas_agreed *keys, struct agreed_set *set)
{
	struct kept *k =
		sas->keeper.put != NULL && keys->at_home_agent ? calloc(1, sizeof(*k)) : NULL;

	if (k == NULL)
		return; /* out of memory: they end with the process, as without a store */
	kept_fill(sas, keys, k);
	for (size_t i = 0; i < SENDING; i++) {
		k->r.u.keys.sa[sending[i]].claimed = sas->keeper.claim;
		esp_sa_set_limit(set->sa[sending[i]], sas->keeper.claim);
	}
	set->kept = k;
	kept_put(sas, k);
}

void kept_in_use(struct sas *sas, struct agreed_set *set)
{
	if (set->kept == NULL || set->kept->r.u.keys.in_use)
		return;
	set->kept->r.u.keys.in_use = true;
	kept_put(sas, set->kept);
}

void kept_free(struct agreed_set *set)
{
	if (set->kept != NULL)
		explicit_bzero(set->kept, sizeof(*set->kept));
	free(set->kept);
	set->kept = NULL;
}

void kept_end(struct sas *sas, struct agreed_set *set)
{
	const struct kept *k = set->kept;

	if (k == NULL)
		return;
	sas->keeper.remove(sas->keeper.ctx, SHARED_KEYS, &k->r.home, k->r.id);
	for (unsigned i = 0; i < ESP_SET_COUNT; i++)
		if (k->edge[i] > 0)
			sas->keeper.remove(sas->keeper.ctx, SHARED_EDGE, &k->r.home,
					   k->r.u.keys.sa[i].spi);
	kept_free(set);
}

/* ---- Numbers ------------------------------------------------------------------------------- */

static void kept_put_edge(const struct sas *sas, struct kept *k, unsigned i, uint64_t edge)
{
	const struct shared_record r = {.kind = SHARED_EDGE,
					.home = k->r.home,
					.id = k->r.u.keys.sa[i].spi,
					.u.edge = edge};

	k->edge[i] = edge;
	sas->keeper.put(sas->keeper.ctx, &r);
}

/* More numbers that are on their way to the store. */
struct claim {
	struct sas *sas;
	struct in6_addr home;
	uint32_t id;
	uint64_t up_to[SENDING];
};

static struct agreed_set *kept_find(const struct sas *sas, const struct in6_addr *home, uint32_t id)
{
	struct agreed_home *h = agreed_find(sas, home);
	struct agreed_set *sets[] = {h != NULL ? &h->now : NULL, h != NULL ? &h->next : NULL,
				     h != NULL ? &h->old : NULL};

	for (size_t i = 0; h != NULL && i < 3; i++)
		if (sets[i]->kept != NULL && sets[i]->kept->r.id == id)
			return sets[i];
	return NULL;
}

static void claim_on_stored(void *ctx, enum shared_result result, const char *why)
{
	struct claim *c = ctx;
	/* A fenced one sends what it has claimed before, and no more. */
	struct agreed_set *set =
		result != SHARED_FENCED ? kept_find(c->sas, &c->home, c->id) : NULL;

	(void)why;
	if (set != NULL) {
		set->kept->claiming = false;
		set->kept->refused = result != SHARED_STORED;
		for (size_t i = 0; i < SENDING && result == SHARED_STORED; i++)
			esp_sa_set_limit(set->sa[sending[i]], c->up_to[i]);
	}
	free(c);
}

static void kept_claim(struct sas *sas, struct kept *k)
{
	struct claim *c = calloc(1, sizeof(*c));

	if (c == NULL)
		return; /* at the next look */
	*c = (struct claim){.sas = sas, .home = k->r.home, .id = k->r.id};
	for (size_t i = 0; i < SENDING; i++)
		c->up_to[i] = k->r.u.keys.sa[sending[i]].claimed;
	k->claiming = true;
	kept_put(sas, k);
	sas->keeper.commit(sas->keeper.ctx, claim_on_stored, c);
}

void kept_used(struct sas *sas, struct agreed_set *set)
{
	struct kept *k = set->kept;
	bool more = k != NULL && k->refused && !k->claiming;
	uint64_t edge;

	if (k == NULL)
		return;
	for (size_t i = 0; i < SENDING && !k->claiming; i++) {
		uint64_t *claimed = &k->r.u.keys.sa[sending[i]].claimed;
		const uint64_t used = kept_sequence(set->sa[sending[i]]);

		if (used + sas->keeper.claim / 2 <= *claimed)
			continue;
		*claimed = used + sas->keeper.claim;
		more = true;
	}
	if (more)
		kept_claim(sas, k);
	edge = kept_sequence(set->sa[ESP_SET_TUNNEL_UP]);
	if (edge - k->edge[ESP_SET_TUNNEL_UP] >= EDGE_STEP)
		kept_put_edge(sas, k, ESP_SET_TUNNEL_UP, edge);
}

static void kept_edges(const struct sas *sas, const struct agreed_set *set)
{
	struct kept *k = set->kept;
	const uint64_t edge = k != NULL ? kept_sequence(set->sa[ESP_SET_TRANSPORT_UP]) : 0;

	if (k != NULL && edge > k->edge[ESP_SET_TRANSPORT_UP])
		kept_put_edge(sas, k, ESP_SET_TRANSPORT_UP, edge);
}

void sas_kept_edges(struct sas *sas, const struct in6_addr *home)
{
	const struct agreed_home *h = agreed_find(sas, home);

	if (h == NULL)
		return;
	kept_edges(sas, &h->now);
	kept_edges(sas, &h->next);
	kept_edges(sas, &h->old);
}

/* ---- Taking over --------------------------------------------------------------------------- */

/* False: no algorithm that is agreed on. */
static bool kept_read(const struct shared_record *r, const uint64_t edge[static ESP_SET_COUNT],
		      struct sas_agreed *ret)
{
	const struct shared_keys *from = &r->u.keys;
	const struct esp_alg_info *alg = esp_alg_info((enum esp_alg)from->alg);

	if (alg == NULL || alg->integrity != NULL || alg->enc_key_len != from->key_len)
		return false;
	*ret = (struct sas_agreed){.home = r->home,
				   .home_agent = from->home_agent,
				   .at_home_agent = true,
				   .lifetime_s = from->lifetime_s,
				   .octets = from->octets};
	memcpy(ret->token, from->token, sizeof(ret->token));
	for (unsigned i = 0; i < ESP_SET_COUNT; i++) {
		struct esp_sa_params *p = &ret->set[i];

		*p = (struct esp_sa_params){.spi = from->sa[i].spi, .alg = (enum esp_alg)from->alg};
		esp_set_place(p, i, &r->home, true);
		memcpy(p->enc_key, from->sa[i].key, from->key_len);
		memcpy(p->auth_key, from->sa[i].salt, sizeof(from->sa[i].salt));
		p->sequence = p->direction == ESP_OUT ? from->sa[i].claimed : edge[i];
	}
	return true;
}

int sas_kept_restore(struct sas *sas, const struct shared_record *r, uint32_t left_s,
		     const uint64_t edge[static ESP_SET_COUNT], struct bub_time now)
{
	struct kept *k = left_s > 0 && sas->entries != NULL ? calloc(1, sizeof(*k)) : NULL;
	struct agreed_home *h = NULL;
	struct agreed_set set = {.kept = NULL};
	struct sas_agreed keys;
	const char *why = NULL;

	if (k != NULL && kept_read(r, edge, &keys) &&
	    agreed_set_add(sas, &keys, now, &set, &why) == 0)
		h = agreed_open(sas, &r->home);
	explicit_bzero(&keys, sizeof(keys));
	if (h == NULL) {
		agreed_set_drop(sas, &set);
		free(k);
		return -1;
	}
	k->r = *r;
	k->doubtful = true;
	memcpy(k->edge, edge, sizeof(k->edge));
	for (size_t i = 0; i < SENDING; i++) {
		uint64_t *claimed = &k->r.u.keys.sa[sending[i]].claimed;

		esp_sa_set_limit(set.sa[sending[i]], *claimed); /* nothing yet */
		*claimed += sas->keeper.claim;
	}
	esp_sa_doubt(set.sa[ESP_SET_TUNNEL_UP]);
	set.kept = k;
	set.heard = r->u.keys.in_use;
	set.ends = bub_time_add_s(now, left_s);
	/* Nine tenths of the lifetime, where the end is at eleven. */
	set.soft = left_s > r->u.keys.lifetime_s / 5
			   ? bub_time_add_s(now, left_s - r->u.keys.lifetime_s / 5)
			   : now;
	if (r->u.keys.generation > sas->generation)
		sas->generation = r->u.keys.generation;
	h->at_home_agent = true;
	h->home_agent = r->u.keys.home_agent;
	agreed_place(sas, h, &set, r->u.keys.in_use);
	kept_put(sas, k);
	return 0;
}

static void kept_confirm(const struct agreed_set *set)
{
	for (size_t i = 0; set->kept != NULL && i < SENDING; i++)
		esp_sa_set_limit(set->sa[sending[i]], set->kept->r.u.keys.sa[sending[i]].claimed);
}

void sas_kept_confirm(struct sas *sas)
{
	const struct addrhash *homes = &sas->agreed.homes;

	for (size_t i = 0; i < homes->cap; i++) {
		const struct agreed_home *h = homes->slots[i].value.thing;

		if (!homes->slots[i].used)
			continue;
		kept_confirm(&h->now);
		kept_confirm(&h->next);
		kept_confirm(&h->old);
	}
}

/* ---- Doubt --------------------------------------------------------------------------------- */

static bool kept_is_doubtful(const struct agreed_set *set)
{
	return set->kept != NULL && set->kept->doubtful;
}

static bool kept_doubts(const struct agreed_home *h)
{
	return kept_is_doubtful(&h->now) || kept_is_doubtful(&h->next);
}

bool sas_kept_doubt(const struct sas *sas, size_t *at, struct in6_addr *ret_home)
{
	const struct addrhash *homes = &sas->agreed.homes;

	while (*at < homes->cap) {
		const struct addrhash_slot *slot = &homes->slots[(*at)++];

		if (!slot->used || !kept_doubts(slot->value.thing))
			continue;
		*ret_home = slot->key;
		return true;
	}
	return false;
}

bool sas_kept_ask(struct sas *sas, const struct in6_addr *home,
		  const uint8_t nonce[static SAS_NONCE_LEN], uint8_t ret[static SAS_NONCE_LEN])
{
	struct agreed_home *h = agreed_find(sas, home);

	if (h == NULL || !kept_doubts(h))
		return false;
	/* An answer to the first question is one still when it is asked again. */
	if (!h->asked)
		memcpy(h->nonce, nonce, sizeof(h->nonce));
	h->asked = true;
	memcpy(ret, h->nonce, sizeof(h->nonce));
	return true;
}

bool sas_kept_answered(struct sas *sas, struct esp_sa *by, const struct in6_addr *home,
		       const uint8_t nonce[static SAS_NONCE_LEN])
{
	struct agreed_home *h = agreed_find(sas, home);
	struct agreed_set *sets[] = {h != NULL ? &h->now : NULL, h != NULL ? &h->next : NULL,
				     h != NULL ? &h->old : NULL};

	if (h == NULL || !h->asked || memcmp(h->nonce, nonce, sizeof(h->nonce)) != 0)
		return false;
	for (size_t i = 0; i < 3; i++) {
		if (!kept_is_doubtful(sets[i]) || sets[i]->sa[ESP_SET_TUNNEL_UP] != by)
			continue;
		sets[i]->kept->doubtful = false;
		esp_sa_settle(by);
		return true;
	}
	return false;
}
