/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Where a home agent stores what has to survive it: on its own disk, or in the Redis of a group.
 * Owns the rules on what goes together.
 */
#include <string.h>

#include "config_load.h"
#include "secret.h"

static void load_servers(struct loader *l, const struct config_node *sec,
			 struct redis_settings *ret)
{
	const bool sentinel = ret->sentinel[0] != '\0';

	for (const struct config_value *v = config_value(sec, "servers"); v != NULL; v = v->next)
		if (!redis_server_read(v->text, sentinel ? REDIS_SENTINEL_PORT : REDIS_PORT,
				       &ret->server[ret->n_servers++]))
			problem(&l->p, v->at,
				"servers: \"%s\" is none; expected unix:PATH, ADDRESS, "
				"[ADDRESS]:PORT or, with IPv4, ADDRESS:PORT",
				v->text);
	if (ret->n_servers == 0 && !sec->bad && !sec->gaps)
		problem(&l->p, sec->at,
			"redis lacks servers; expected at least one, such as "
			"\"unix:/run/redis/redis-server.sock\"");
}

static void load_password(struct loader *l, const struct config_node *sec,
			  struct redis_settings *ret)
{
	const struct config_value *v = config_value(sec, "password-file");
	uint8_t secret[ESP_SECRET_MAX] = {0};
	char path[PATH_MAX] = "";
	const char *why = NULL;
	size_t len = 0;

	if (v == NULL)
		return;
	(void)config_path(&l->p, v->text, path, sizeof(path));
	why = secret_read(path, secret, &len);
	if (why == NULL && (len >= sizeof(ret->password) || memchr(secret, '\0', len) != NULL))
		why = "is no password of Redis; expected one line of text";
	if (why != NULL)
		problem(&l->p, v->at, "password-file: \"%s\" %s", path, why);
	else
		memcpy(ret->password, secret, len);
	explicit_bzero(secret, sizeof(secret));
}

/* Braces are for who keeps a group's keys on one node of a cluster. */
static void check_braces(struct loader *l, const struct config_node *sec, const char *keyword,
			 const char *text)
{
	if (text[strcspn(text, "{}")] != '\0')
		problem(&l->p, config_place(sec, keyword),
			"%s: \"%s\" has a brace; expected a name without one", keyword, text);
}

static void load_redis(struct loader *l, const struct config_node *sec, struct redis_settings *ret)
{
	if (!config_fill(&l->p, IN_REDIS, sec, ret))
		return;
	load_servers(l, sec, ret);
	load_password(l, sec, ret);
	check_braces(l, sec, "prefix", ret->prefix);
	check_braces(l, sec, "group", ret->group);
	if (ret->user[0] != '\0' && config_find(sec, "password-file") == NULL)
		problem(&l->p, config_place(sec, "user"),
			"user stands without password-file; expected both");
}

/* Sequence numbers of static keys are in state-dir, which another home agent does not have. */
static void check_all_agree(struct loader *l, const struct config_node *sec)
{
	const struct bubd_config *cfg = l->cfg;

	for (size_t i = 0; i < cfg->n_pairs; i++)
		if (cfg->pairs[i].at_home_agent && cfg->pairs[i].keys == BUBD_KEYS_STATIC) {
			problem(&l->p, config_place(sec, "store"),
				"store: a mobile node has static keys, whose sequence numbers "
				"cannot be shared; expected keys that are agreed on for all of "
				"them");
			return;
		}
	if (cfg->lnx.unprotected != 0)
		problem(&l->p, config_place(sec, "store"),
			"store: with unprotected there are no keys that could be shared; expected "
			"the one or the other");
}

void loader_store(struct loader *l, const struct config_node *sec)
{
	struct bubd_store_settings *s = &l->cfg->store;
	const struct config_node *redis = config_find(sec, "redis");

	if (s->kind != BUBD_STORE_REDIS && redis != NULL)
		problem(&l->p, redis->at, "redis stands without store = redis; expected both");
	s->keeps_keys = config_number(sec, "agreed-keys", s->kind == BUBD_STORE_REDIS) != 0;
	if (s->kind != BUBD_STORE_REDIS)
		return;
	if (config_find(sec, "refresh-advice") != NULL)
		problem(&l->p, config_place(sec, "refresh-advice"),
			"refresh-advice is for registrations that are not stored; expected it "
			"without store = redis");
	if (redis == NULL)
		problem(&l->p, config_place(sec, "store"),
			"store = redis lacks a section redis; expected one with servers");
	else
		load_redis(l, redis, &s->redis);
	s->redis.at_once = s->at_once;
	check_all_agree(l, sec);
}
