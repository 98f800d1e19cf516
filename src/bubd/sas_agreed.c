/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * SAs under keys that the two ends have agreed on.  Owns their life: new ones before the old ones
 * go, when each direction moves, when they are renewed, and when they end.  With the process they
 * are gone, and the two ends agree anew, but where sas_kept.c keeps them.
 *
 * A home address has up to three sets of four SAs: `now`, that packets go out under; `old`, under
 * which some may still be on their way; and `next`, at a home agent, which the mobile node has been
 * told of and has not used yet.  Between renewals it is one set, in the order of the database.
 *
 * RFC 4301, 4.4.2.1 (soft and hard lifetimes), RFC 6618, 5 (who asks, who decides).
 */
#include <stdlib.h>
#include <string.h>

#include "keylog.h"
#include "sas_internal.h"

#define HEAP_FEW 8u

struct agreed_home *agreed_find(const struct sas *sas, const struct in6_addr *home)
{
	const union addrhash_value *v = addrhash_find(&sas->agreed.homes, home);

	return v != NULL ? v->thing : NULL;
}

static bool set_is_there(const struct agreed_set *set)
{
	return set->sa[0] != NULL;
}

static bool set_has(const struct agreed_set *set, const struct esp_sa *sa)
{
	for (unsigned i = 0; i < ESP_SET_MAX; i++)
		if (set->sa[i] == sa)
			return true;
	return false;
}

static enum esp_direction direction_of(const struct esp_sa *sa)
{
	struct esp_sa_status status;

	esp_sa_get_status(sa, &status);
	return status.direction;
}

/* ---- Sets ---------------------------------------------------------------------------------- */

void agreed_set_drop(struct sas *sas, struct agreed_set *set)
{
	kept_end(sas, set);
	if (set->kernel_spi != 0)
		sas->agreed.kernel.remove(sas->agreed.kernel.lnx, &set->home, set->kernel_spi);
	for (unsigned i = 0; i < ESP_SET_MAX; i++) {
		if (set->sa[i] == NULL)
			continue;
		sas->entries[esp_sa_index(set->sa[i])] = (struct entry){0};
		esp_sad_remove(sas->sad, set->sa[i]);
	}
	explicit_bzero(set, sizeof(*set));
}

/* What goes out does so under this set from now on. */
static void set_prefer(struct sas *sas, const struct agreed_set *set)
{
	for (unsigned i = 0; i < ESP_SET_MAX; i++)
		if (set->sa[i] != NULL && direction_of(set->sa[i]) == ESP_OUT)
			esp_sad_prefer(sas->sad, set->sa[i]);
	if (set->kernel_spi != 0)
		sas->agreed.kernel.prefer(sas->agreed.kernel.lnx, &set->home, set->kernel_spi);
}

/* The id tells SAs with one SPI apart, which the key does. */
static int set_add_one(struct sas *sas, const struct sas_agreed *keys, unsigned i,
		       struct bub_time now, struct esp_sa **ret_sa, const char **ret_why)
{
	static const uint8_t label[] = "bub esp id";
	struct esp_sa_params p = keys->set[i];
	uint8_t mark[ESP_MARK_LEN];
	struct esp_sa *sa = NULL;

	p.owner = keys->home;
	if (esp_mark(p.enc_key, label, sizeof(label), mark) == 0) {
		memcpy(p.id, mark, sizeof(p.id));
		sa = esp_sad_add(sas->sad, &p, ret_why);
	}
	if (sa != NULL) {
		keylog_esp(sas->key_log, &p);
		sas->entries[esp_sa_index(sa)] =
			(struct entry){.sa = sa, .since = now, .agreed = true};
		if (p.direction == ESP_IN)
			esp_sa_await(sa);
		*ret_sa = sa;
	}
	explicit_bzero(&p, sizeof(p));
	return sa != NULL ? 0 : -1;
}

/* The pair for data: the kernel has both of it, or this end takes what comes under the one, and
 * sends data under the association of the messages.  So no number is ever of two counters. */
static int set_add_payload(struct sas *sas, const struct sas_agreed *keys, struct bub_time now,
			   struct agreed_set *set, const char **ret_why)
{
	const struct sas_kernel *kernel = &sas->agreed.kernel;
	const unsigned in = keys->at_home_agent ? ESP_SET_PAYLOAD_UP : ESP_SET_PAYLOAD_DOWN;
	const unsigned out = keys->at_home_agent ? ESP_SET_PAYLOAD_DOWN : ESP_SET_PAYLOAD_UP;

	if (keys->set_count != ESP_SET_MAX)
		return 0;
	if (kernel->lnx == NULL ||
	    !kernel->add(kernel->lnx, &keys->home, &keys->set[out], &keys->set[in], keys->octets))
		return set_add_one(sas, keys, in, now, &set->sa[in], ret_why);
	keylog_esp(sas->key_log, &keys->set[out]);
	keylog_esp(sas->key_log, &keys->set[in]);
	set->kernel_spi = keys->set[out].spi;
	return 0;
}

int agreed_set_add(struct sas *sas, const struct sas_agreed *keys, struct bub_time now,
		   struct agreed_set *ret_set, const char **ret_why)
{
	const uint64_t lifetime_ms = (uint64_t)keys->lifetime_s * 1000;
	struct agreed_set set = {
		.since = now,
		.soft = bub_time_add_ms(now, lifetime_ms / 10 * 9),
		.ends = bub_time_add_ms(now, lifetime_ms / 10 * 11),
		.octets = keys->octets,
		.home = keys->home,
	};
	int rc = 0;

	*ret_why = "libcrypto refuses HMAC-SHA-256";
	memcpy(set.token, keys->token, sizeof(set.token));
	for (unsigned i = 0; rc == 0 && i < ESP_SET_COUNT; i++)
		rc = set_add_one(sas, keys, i, now, &set.sa[i], ret_why);
	if (rc == 0)
		rc = set_add_payload(sas, keys, now, &set, ret_why);
	if (rc != 0) {
		agreed_set_drop(sas, &set);
		return -1;
	}
	*ret_set = set;
	return 0;
}

/* ---- Homes --------------------------------------------------------------------------------- */

static int agreed_room(struct agreed *a)
{
	const size_t wants = addrhash_wants(&a->homes);

	if (wants > 0) {
		struct addrhash_slot *slots = calloc(wants, sizeof(*slots));

		if (slots == NULL)
			return -1;
		free(addrhash_move(&a->homes, slots, wants));
	}
	if (a->homes.n >= a->timers.cap) {
		const uint32_t cap = a->timers.cap == 0 ? HEAP_FEW : 2 * a->timers.cap;
		struct heap_place *at = realloc(a->timers.at, cap * sizeof(struct heap_place));

		if (at == NULL)
			return -1;
		a->timers.at = at;
		a->timers.cap = cap;
	}
	return 0;
}

/* NULL: out of memory. */
struct agreed_home *agreed_open(struct sas *sas, const struct in6_addr *home)
{
	struct agreed_home *h = agreed_find(sas, home);

	if (h != NULL || agreed_room(&sas->agreed) != 0)
		return h;
	h = calloc(1, sizeof(*h));
	if (h == NULL)
		return NULL;
	h->home = *home;
	addrhash_put(&sas->agreed.homes, home, (union addrhash_value){.thing = h});
	return h;
}

static void agreed_close(struct sas *sas, struct agreed_home *h)
{
	union addrhash_value gone;

	agreed_set_drop(sas, &h->old);
	agreed_set_drop(sas, &h->next);
	agreed_set_drop(sas, &h->now);
	heap_remove(&sas->agreed.timers, &h->timer);
	(void)addrhash_del(&sas->agreed.homes, &h->home, &gone);
	free(h);
}

static void agreed_arm(struct sas *sas, struct agreed_home *h, struct bub_time at)
{
	heap_set(&sas->agreed.timers, &h->timer, at.ns, sas->agreed.tie++);
}

static void agreed_arm_next(struct sas *sas, struct agreed_home *h)
{
	const bool renews = !h->at_home_agent && !h->told;
	const struct {
		bool counts;
		struct bub_time at;
	} ends[] = {
		{set_is_there(&h->now), renews ? h->now.soft : h->now.ends},
		{set_is_there(&h->next), h->next.ends},
		{set_is_there(&h->old), h->old.ends},
	};
	struct bub_time at = BUB_TIME_NEVER;

	for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++)
		if (ends[i].counts && bub_time_before(ends[i].at, at))
			at = ends[i].at;
	agreed_arm(sas, h, at);
}

/* ---- What happens -------------------------------------------------------------------------- */

/* A packet came under new keys, so the other end has them.  What follows needs the time. */
static void agreed_first(void *ctx, struct esp_sa *sa)
{
	struct sas *sas = ctx;
	struct esp_sa_status status;
	struct agreed_home *h;

	esp_sa_get_status(sa, &status);
	h = agreed_find(sas, &status.owner);
	if (h == NULL)
		return;
	if (set_has(&h->next, sa) && !h->next.heard) {
		h->next.heard = true;
		set_prefer(sas, &h->next);
	} else if (set_has(&h->now, sa)) {
		h->now.heard = true;
	}
	agreed_arm(sas, h, (struct bub_time){0});
}

static void tell_in_use(const struct sas *sas, const struct agreed_home *h)
{
	const struct sas_agreed_host *host = &sas->agreed.host;

	if (h->at_home_agent && host->in_use != NULL)
		host->in_use(host->ctx, &h->home, h->now.token);
}

/* The keys that are to come are those in use. */
static void agreed_advance(struct sas *sas, struct agreed_home *h)
{
	agreed_set_drop(sas, &h->old);
	h->old = h->now;
	h->now = h->next;
	explicit_bzero(&h->next, sizeof(h->next));
	h->told = h->closing = false;
	set_prefer(sas, &h->now);
}

void agreed_place(struct sas *sas, struct agreed_home *h, const struct agreed_set *set, bool in_use)
{
	agreed_set_drop(sas, &h->next);
	h->next = *set;
	if (in_use || !set_is_there(&h->now))
		agreed_advance(sas, h);
	else
		set_prefer(sas, &h->now);
	agreed_arm_next(sas, h);
}

static bool set_is_over(const struct agreed_set *set, struct bub_time now)
{
	return set_is_there(set) && !bub_time_before(now, set->ends);
}

/* Once the new keys are used, the old ones have so long for what is on its way. */
static void agreed_shorten_old(struct agreed_home *h, struct bub_time now)
{
	const struct bub_time at = bub_time_add_s(now, SAS_OLD_S);

	if (!set_is_there(&h->old) || !h->now.heard || h->closing)
		return;
	h->closing = true;
	if (bub_time_before(at, h->old.ends))
		h->old.ends = at;
}

static void agreed_step(struct sas *sas, struct agreed_home *h, struct bub_time now)
{
	const struct sas_agreed_host *host = &sas->agreed.host;
	bool over = false;

	if (set_is_there(&h->next) && (h->next.heard || set_is_over(&h->now, now))) {
		agreed_advance(sas, h);
		tell_in_use(sas, h);
	}
	if (h->now.heard)
		kept_in_use(sas, &h->now);
	agreed_shorten_old(h, now);
	if (set_is_over(&h->old, now))
		agreed_set_drop(sas, &h->old);
	if (set_is_over(&h->next, now))
		agreed_set_drop(sas, &h->next);
	if (set_is_over(&h->now, now)) {
		agreed_set_drop(sas, &h->now);
		over = true;
	}
	if (!h->at_home_agent && set_is_there(&h->now) && !h->told &&
	    !bub_time_before(now, h->now.soft)) {
		h->told = true;
		if (host->renew != NULL)
			host->renew(host->ctx, &h->home);
	}
	if (over && host->ended != NULL)
		host->ended(host->ctx, &h->home);
	if (!set_is_there(&h->now) && !set_is_there(&h->old))
		agreed_close(sas, h);
	else
		agreed_arm_next(sas, h);
}

void sas_agreed_used(struct sas *sas, struct esp_sa *sa, struct bub_time now)
{
	struct esp_sa_status status;
	struct agreed_home *h;

	esp_sa_get_status(sa, &status);
	h = agreed_find(sas, &status.owner);
	if (h == NULL)
		return;
	kept_used(sas, set_has(&h->now, sa) ? &h->now : set_has(&h->next, sa) ? &h->next : &h->old);
	if (h->now.octets == 0 || !set_has(&h->now, sa))
		return;
	/* A tenth by division: the limit may be large. */
	if (status.octets < h->now.octets - h->now.octets / 10)
		return;
	if (bub_time_before(now, h->now.soft))
		h->now.soft = now;
	/* Octets are looked at once a second: where they are fast, new keys need some time all the
	 * same. */
	if (status.octets > h->now.octets && status.octets - h->now.octets > h->now.octets / 10 &&
	    bub_time_before(bub_time_add_s(h->now.soft, SAS_OCTETS_S), h->now.ends))
		h->now.ends = bub_time_add_s(h->now.soft, SAS_OCTETS_S);
	agreed_arm(sas, h, (struct bub_time){0});
}

/* ---- For the daemon ------------------------------------------------------------------------ */

void sas_agreed_listen(struct sas *sas, const struct sas_agreed_host *host)
{
	sas->agreed.host = *host;
	esp_sad_on_first(sas->sad, agreed_first, sas);
}

void sas_agreed_kernel(struct sas *sas, const struct sas_kernel *kernel)
{
	sas->agreed.kernel = *kernel;
}

void sas_agreed_spent(struct sas *sas, const struct in6_addr *home)
{
	struct agreed_home *h = agreed_find(sas, home);

	if (h == NULL || !set_is_there(&h->now))
		return;
	h->now.soft = (struct bub_time){0};
	agreed_arm(sas, h, (struct bub_time){0});
}

bool sas_has_spi(void *sas, uint32_t spi)
{
	const struct sas *s = sas;
	const struct sas_kernel *kernel = &s->agreed.kernel;

	return esp_sad_has_spi(s->sad, spi) ||
	       (kernel->lnx != NULL && kernel->has_spi(kernel->lnx, spi));
}

int sas_agreed_add(struct sas *sas, const struct sas_agreed *keys, struct bub_time now,
		   char *ret_error, size_t error_size)
{
	const char *why = "no keys are agreed on here";
	struct agreed_home *h = NULL;
	struct agreed_set set;

	if (sas->entries == NULL || agreed_set_add(sas, keys, now, &set, &why) != 0) {
		(void)snprintf(ret_error, error_size, "%s", why);
		return -1;
	}
	h = agreed_open(sas, &keys->home);
	if (h == NULL) {
		(void)snprintf(ret_error, error_size, "out of memory");
		agreed_set_drop(sas, &set);
		return -1;
	}
	h->at_home_agent = keys->at_home_agent;
	h->home_agent = keys->home_agent;
	kept_begin(sas, keys, &set);
	agreed_set_drop(sas, &h->next);
	h->next = set;
	explicit_bzero(&set, sizeof(set));
	if (!h->at_home_agent || !set_is_there(&h->now)) {
		agreed_advance(sas, h);
		tell_in_use(sas, h);
	} else {
		set_prefer(sas, &h->now);
	}
	agreed_arm_next(sas, h);
	return 0;
}

void sas_agreed_forget(struct sas *sas, const struct in6_addr *home)
{
	struct agreed_home *h = agreed_find(sas, home);

	if (h != NULL)
		agreed_close(sas, h);
}

struct bub_time sas_agreed_deadline(const struct sas *sas)
{
	const struct heap_item *first = heap_first(&sas->agreed.timers);

	if (first == NULL)
		return BUB_TIME_NEVER;
	return (struct bub_time){first->key};
}

void sas_agreed_expire(struct sas *sas, struct bub_time now)
{
	struct heap_item *first;

	while ((first = heap_first(&sas->agreed.timers)) != NULL && first->key <= now.ns)
		agreed_step(sas, (struct agreed_home *)(void *)first, now);
}

static uint64_t seconds_left(struct bub_time now, struct bub_time at)
{
	return bub_time_ms_between(now, at) / 1000;
}

bool sas_agreed_status(const struct sas *sas, const struct in6_addr *home, struct bub_time now,
		       struct sas_agreed_status *ret)
{
	const struct agreed_home *h = agreed_find(sas, home);
	struct esp_sa_status status;

	if (h == NULL || !set_is_there(&h->now))
		return false;
	esp_sa_get_status(h->now.sa[0], &status);
	*ret = (struct sas_agreed_status){
		.alg = status.alg,
		.home_agent = h->home_agent,
		.age_s = bub_time_ms_between(h->now.since, now) / 1000,
		.renew_s = seconds_left(now, h->now.soft),
		.end_s = seconds_left(now, h->now.ends),
		.confirmed = h->now.heard,
	};
	return true;
}

const uint8_t *sas_agreed_token(const struct sas *sas, const struct in6_addr *home)
{
	const struct agreed_home *h = agreed_find(sas, home);

	return h != NULL && h->at_home_agent && set_is_there(&h->now) ? h->now.token : NULL;
}

void sas_agreed_free(struct sas *sas)
{
	struct addrhash *homes = &sas->agreed.homes;

	/* The database wipes what it has of the SAs. */
	for (size_t i = 0; i < homes->cap; i++) {
		struct agreed_home *h = homes->slots[i].value.thing;

		if (!homes->slots[i].used)
			continue;
		kept_free(&h->now);
		kept_free(&h->next);
		kept_free(&h->old);
		free(h);
	}
	free(homes->slots);
	free(sas->agreed.timers.at);
	sas->agreed = (struct agreed){0};
}
