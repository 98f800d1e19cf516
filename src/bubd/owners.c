/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * See owners.h.  A section of the configuration comes before a subscriber with the same home
 * address.
 */
#include "owners.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

#include "subscribers.h"

#define ERROR_MAX 512
#define FORGET_CLIENTS 64u /* looked at each time: 10,000 in 40 s */

struct owners {
	struct clients clients;
	struct subscribers *store; /* NULL: there is none */
	struct bubd_pair pair;     /* that was returned last */
	struct addrset loaded;     /* home address: revision of the subscriber */
	uint64_t version;          /* of the store, when it was looked through last */
	unsigned at;               /* client that is to be looked at next */
	bool failing;              /* told: the store cannot be read */
	bool full;                 /* told: there is no room */
	uv_timer_t timer;
};

static bool owners_read(struct owners *o, int found, const char *error)
{
	const bool failing = found < 0;

	if (failing != o->failing)
		log_line(o->clients.log, failing ? LNX_LOG_ERROR : LNX_LOG_INFO, "subscribers: %s",
			 failing ? error : "can be read again");
	o->failing = failing;
	return found > 0;
}

/* ---- Who has what -------------------------------------------------------------------------- */

static const struct bubd_pair *pair_of(struct owners *o, const struct subscriber *sub)
{
	static const enum bubd_keys keys[] = {
		[SUBSCRIBER_ADDRESS] = BUBD_KEYS_AGREED,
		[SUBSCRIBER_NAME] = BUBD_KEYS_NAME,
		[SUBSCRIBER_FINGERPRINT] = BUBD_KEYS_FINGERPRINT,
		[SUBSCRIBER_PSK] = BUBD_KEYS_PSK,
	};

	explicit_bzero(&o->pair, sizeof(o->pair));
	o->pair = (struct bubd_pair){
		.home = sub->home,
		.home_agent = o->clients.cfg->engine.ha.address,
		.at_home_agent = true,
		.keys = keys[sub->proof],
		.secret_len = sub->len,
	};
	memcpy(o->pair.secret, sub->value, sub->len);
	return &o->pair;
}

/* RFC 6275, 10.3.1: an address elsewhere would be refused with each registration. */
static bool owners_has_prefix(const struct owners *o, const struct in6_addr *home)
{
	const struct bub_ha_config *ha = &o->clients.cfg->engine.ha;

	for (unsigned i = 0; i < ha->n_prefixes; i++)
		if (bub_addr_in_prefix(home, &ha->prefix[i].prefix, ha->prefix[i].len))
			return !bub_addr_eq(home, &ha->address);
	return false;
}

static bool owners_get(struct owners *o, const struct in6_addr *home, struct subscriber *ret)
{
	char error[ERROR_MAX] = "";

	return o->store != NULL && owners_has_prefix(o, home) &&
	       owners_read(o, subscribers_get(o->store, home, ret, error, sizeof(error)), error);
}

const struct bubd_pair *owners_pair(struct owners *o, const struct in6_addr *home)
{
	const struct bubd_pair *pair = bubd_config_pair(o->clients.cfg, home, true);
	struct subscriber sub;

	if (pair != NULL)
		return pair->keys != BUBD_KEYS_STATIC ? pair : NULL;
	if (!owners_get(o, home, &sub))
		return NULL;
	pair = pair_of(o, &sub);
	explicit_bzero(&sub, sizeof(sub));
	return pair;
}

static bool owners_find_subscriber(struct owners *o, enum subscriber_proof proof, const void *value,
				   size_t len)
{
	struct subscriber sub;
	char error[ERROR_MAX] = "";
	const int found = o->store == NULL ? 0
					   : subscribers_find(o->store, proof, value, len, &sub,
							      error, sizeof(error));

	if (!owners_read(o, found, error) || !owners_has_prefix(o, &sub.home))
		return false;
	(void)pair_of(o, &sub);
	explicit_bzero(&sub, sizeof(sub));
	return true;
}

bool owners_is_pinned(struct owners *o, const uint8_t fingerprint[static KEYS_FINGERPRINT_LEN])
{
	const struct bubd_config *cfg = o->clients.cfg;

	for (size_t i = 0; i < cfg->n_pairs; i++)
		if (cfg->pairs[i].keys == BUBD_KEYS_FINGERPRINT &&
		    memcmp(cfg->pairs[i].secret, fingerprint, KEYS_FINGERPRINT_LEN) == 0)
			return true;
	return owners_find_subscriber(o, SUBSCRIBER_FINGERPRINT, fingerprint, KEYS_FINGERPRINT_LEN);
}

bool owners_is_of(const struct bubd_pair *pair, const struct in6_addr *home,
		  const struct keys_identity *who)
{
	struct keys_owner owner = {.home = *home};
	char name[KEYS_NAME_MAX] = "";

	if (pair->keys == BUBD_KEYS_STATIC ||
	    keys_identity_is_psk(who) != (pair->keys == BUBD_KEYS_PSK))
		return false;
	if (pair->keys == BUBD_KEYS_NAME) {
		(void)snprintf(name, sizeof(name), "%.*s", (int)pair->secret_len,
			       (const char *)pair->secret);
		owner.name = name;
	}
	if (pair->keys == BUBD_KEYS_FINGERPRINT) {
		owner.has_fingerprint = true;
		memcpy(owner.fingerprint, pair->secret, sizeof(owner.fingerprint));
	}
	return keys_identity_owns(who, &owner);
}

/* One thing that a certificate says of its owner: is there a subscriber of whom that is the proof?
 */
static bool owners_knows(void *ctx, const struct keys_claim *claim)
{
	struct owners *o = ctx;
	struct subscriber sub;

	if (claim->fingerprint != NULL)
		return owners_find_subscriber(o, SUBSCRIBER_FINGERPRINT, claim->fingerprint,
					      KEYS_FINGERPRINT_LEN);
	if (claim->name != NULL)
		return owners_find_subscriber(o, SUBSCRIBER_NAME, claim->name, claim->len);
	if (!owners_get(o, claim->address, &sub) ||
	    (sub.proof != SUBSCRIBER_ADDRESS && sub.proof != SUBSCRIBER_PSK))
		return false;
	(void)pair_of(o, &sub);
	explicit_bzero(&sub, sizeof(sub));
	return true;
}

const struct bubd_pair *owners_find(struct owners *o, const struct keys_identity *who)
{
	const struct bubd_config *cfg = o->clients.cfg;

	for (size_t i = 0; i < cfg->n_pairs; i++)
		if (cfg->pairs[i].at_home_agent &&
		    owners_is_of(&cfg->pairs[i], &cfg->pairs[i].home, who))
			return &cfg->pairs[i];
	return keys_identity_any(who, owners_knows, o) && owners_is_of(&o->pair, &o->pair.home, who)
		       ? &o->pair
		       : NULL;
}

/* ---- Loading ------------------------------------------------------------------------------- */

static bool owners_full(struct owners *o, const char *why)
{
	if (!o->full)
		log_line(o->clients.log, LNX_LOG_ERROR,
			 "a subscriber cannot be served: %s: raise clients in limits, and restart "
			 "bubd",
			 why);
	o->full = true;
	return false;
}

bool owners_serve(struct owners *o, const struct in6_addr *home)
{
	struct subscriber sub;
	bool found = false;
	int err = 0;

	if (bub_engine_has_client(o->clients.engine, home))
		return true;
	found = owners_get(o, home, &sub);
	explicit_bzero(sub.value, sizeof(sub.value));
	if (!found)
		return false;
	if (addrset_add(&o->loaded, &sub.home, (size_t)sub.revision) != 0)
		return owners_full(o, "out of memory");
	err = bub_engine_add_client(o->clients.engine, home);
	if (err == 0)
		return true;
	(void)addrhash_del(&o->loaded.hash, home, &(union addrhash_value){0});
	return owners_full(o, bub_strerror(err));
}

/* ---- Forgetting ---------------------------------------------------------------------------- */

/* Why @home cannot stay as it was loaded; NULL: it can. */
static const char *owners_change(struct owners *o, const struct in6_addr *home, size_t revision)
{
	struct subscriber sub;
	const bool found = owners_get(o, home, &sub);

	explicit_bzero(sub.value, sizeof(sub.value));
	if (!found)
		return o->failing ? NULL : "is no subscriber any more";
	return (size_t)sub.revision != revision ? "has another proof of who it is" : NULL;
}

static void owners_cut_off(struct owners *o, const struct addrset *gone)
{
	struct bub_client_status c;

	for (unsigned at = 0; bub_engine_client_status(o->clients.engine, lnx_now(), &at, &c);)
		if (addrset_find(gone, &c.home) != NULL)
			o->clients.leaves(o->clients.ctx, &c);
	for (size_t i = 0; i < gone->hash.cap; i++)
		if (gone->hash.slots[i].used)
			(void)addrhash_del(&o->loaded.hash, &gone->hash.slots[i].key,
					   &(union addrhash_value){0});
	clients_take_away(&o->clients, gone);
	o->full = false;
}

/* The store has changed: whom of those who are loaded does it concern? */
static void owners_look_through(struct owners *o)
{
	char text[INET6_ADDRSTRLEN] = "";
	struct addrset gone = {0};
	bool fine = true;

	for (size_t i = 0; fine && i < o->loaded.hash.cap; i++) {
		const struct addrhash_slot *slot = &o->loaded.hash.slots[i];
		const char *why =
			slot->used ? owners_change(o, &slot->key, slot->value.number) : NULL;

		if (why == NULL)
			continue;
		(void)inet_ntop(AF_INET6, &slot->key, text, sizeof(text));
		log_line(o->clients.log, LNX_LOG_INFO,
			 "%s %s: its registration and its keys have ended", text, why);
		fine = addrset_add(&gone, &slot->key, 0) == 0;
	}
	if (gone.hash.n > 0)
		owners_cut_off(o, &gone);
	addrset_free(&gone);
	if (!fine)
		o->version = 0; /* out of memory: the rest next time */
}

/* Those who are loaded without keys and registration leave their room to others. */
static void owners_forget_some(struct owners *o)
{
	const struct bub_time now = lnx_now();
	struct addrset gone = {0};
	struct bub_client_status c;
	struct sas_agreed_status keys;

	for (unsigned n = 0; n < FORGET_CLIENTS; n++) {
		if (!bub_engine_client_status(o->clients.engine, now, &o->at, &c)) {
			o->at = 0;
			break;
		}
		if (!c.registered && !c.provisional && addrset_find(&o->loaded, &c.home) != NULL &&
		    !sas_agreed_status(o->clients.sas, &c.home, now, &keys))
			(void)addrset_add(&gone, &c.home, 0);
	}
	if (gone.hash.n > 0)
		owners_cut_off(o, &gone);
	addrset_free(&gone);
}

static void owners_on_timer(uv_timer_t *timer)
{
	struct owners *o = timer->data;
	const uint64_t version = subscribers_version(o->store);

	if (version != o->version && version != 0) {
		o->version = version;
		owners_look_through(o);
	}
	owners_forget_some(o);
}

void owners_clear(struct owners *o)
{
	if (o == NULL)
		return;
	addrset_free(&o->loaded);
	o->loaded = (struct addrset){0};
	o->at = 0;
	o->full = false;
}

bool owners_is_loaded(const struct owners *o, const struct in6_addr *home)
{
	return o != NULL && addrset_find(&o->loaded, home) != NULL;
}

bool owners_count(struct owners *o, uint64_t *ret_all, size_t *ret_loaded)
{
	if (o == NULL || o->store == NULL)
		return false;
	*ret_all = subscribers_count(o->store);
	*ret_loaded = o->loaded.hash.n;
	return true;
}

/* ---- Life ---------------------------------------------------------------------------------- */

struct owners *owners_open(uv_loop_t *loop, const struct clients *clients, char *ret_error,
			   size_t error_size)
{
	struct owners *o = calloc(1, sizeof(*o));

	if (o == NULL) {
		(void)snprintf(ret_error, error_size, "out of memory");
		return NULL;
	}
	o->clients = *clients;
	(void)uv_timer_init(loop, &o->timer);
	o->timer.data = o;
	if (!clients->cfg->subscribers)
		return o;
	o->store = subscribers_open(clients->cfg->state_dir, true, ret_error, error_size);
	if (o->store == NULL) {
		owners_close(o);
		(void)uv_run(loop, UV_RUN_NOWAIT);
		owners_free(o);
		return NULL;
	}
	o->version = subscribers_version(o->store);
	(void)uv_timer_start(&o->timer, owners_on_timer, OWNERS_LOOK_MS, OWNERS_LOOK_MS);
	return o;
}

void owners_close(struct owners *o)
{
	if (o != NULL && !uv_is_closing((uv_handle_t *)&o->timer))
		uv_close((uv_handle_t *)&o->timer, NULL);
}

void owners_free(struct owners *o)
{
	if (o == NULL)
		return;
	subscribers_close(o->store);
	addrset_free(&o->loaded);
	explicit_bzero(&o->pair, sizeof(o->pair));
	free(o);
}
