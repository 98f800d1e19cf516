/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * With what keys are agreed on: certificates, pre-shared keys and fingerprints, at either end.
 * Owns the rules on what goes together; whether a certificate is one is src/keys's business, which
 * is asked here, so that the place in the file can be told.
 */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "config_load.h"
#include "keys_identity.h"
#include "regular.h"
#include "secret.h"

#define CPUINFO_MAX 16384 /* the flags of one processor are 2 kilobytes */

/* ---- Files --------------------------------------------------------------------------------- */

/* The file of @keyword; nothing where there is none. */
static void load_key_file(struct loader *l, const struct config_node *sec, const char *keyword,
			  bool private, struct bubd_key_file *ret)
{
	const struct config_value *v = config_value(sec, keyword);
	char path[PATH_MAX] = "";
	const char *why = NULL;

	if (v == NULL)
		return;
	(void)config_path(&l->p, v->text, path, sizeof(path));
	ret->octets = (uint8_t *)regular_read(path, 0, &ret->len, &why);
	if (why == NULL && private && !secret_is_private(path))
		why = "is open to other users; expected mode 0600 (chmod 600)";
	else if (why == NULL && ret->len == 0)
		why = "is empty; expected PEM text";
	if (why != NULL)
		problem(&l->p, v->at, "%s: \"%s\" %s", keyword, path, why);
}

static void load_psk(struct loader *l, const struct config_node *sec,
		     uint8_t ret_secret[static ESP_SECRET_MAX], size_t *ret_len)
{
	const struct config_value *v = config_value(sec, "psk-file");
	char path[PATH_MAX] = "";
	const char *why = NULL;

	if (v == NULL)
		return;
	(void)config_path(&l->p, v->text, path, sizeof(path));
	why = secret_read(path, ret_secret, ret_len);
	if (why != NULL)
		problem(&l->p, v->at, "psk-file: \"%s\" %s", path, why);
}

/* Says that @keyword cannot do without @other. */
static void check_beside(struct loader *l, const struct config_node *sec, const char *keyword,
			 const char *other)
{
	if (config_find(sec, keyword) != NULL && config_find(sec, other) == NULL)
		problem(&l->p, config_place(sec, keyword), "%s stands without %s; expected both",
			keyword, other);
}

static void check_not_beside(struct loader *l, const struct config_node *sec, const char *keyword,
			     const char *other)
{
	if (config_find(sec, keyword) != NULL && config_find(sec, other) != NULL)
		problem(&l->p, config_place(sec, keyword),
			"%s stands beside %s; expected one of them", keyword, other);
}

static void load_trust(struct loader *l, const struct config_node *sec,
		       struct bubd_key_settings *ret)
{
	static const enum esp_alg algs[] = {ESP_AES_128_GCM, ESP_AES_256_GCM,
					    ESP_CHACHA20_POLY1305};

	check_beside(l, sec, "certificate-file", "key-file");
	check_beside(l, sec, "key-file", "certificate-file");
	check_beside(l, sec, "crl-file", "ca-file");
	load_key_file(l, sec, "certificate-file", false, &ret->certificate);
	load_key_file(l, sec, "key-file", true, &ret->key);
	load_key_file(l, sec, "ca-file", false, &ret->ca);
	load_key_file(l, sec, "crl-file", false, &ret->crl);
	for (const struct config_value *v = config_value(sec, "algorithms"); v != NULL; v = v->next)
		ret->algs[ret->n_algs++] = algs[v->number];
}

/* The keyword to blame for what src/keys does not take. */
static struct config_place place_of_keys(const struct config_node *sec)
{
	return config_place(sec, config_find(sec, "certificate-file") != NULL ? "certificate-file"
				 : config_find(sec, "psk-file") != NULL       ? "psk-file"
									      : "ca-file");
}

/* ---- A mobile node ------------------------------------------------------------------------- */

static void check_home_keys(struct loader *l, const struct config_node *sec)
{
	const bool certificate = config_find(sec, "certificate-file") != NULL;
	const bool psk = config_find(sec, "psk-file") != NULL;

	if (!certificate && !psk)
		problem(&l->p, sec->at,
			"keys lacks certificate-file or psk-file; expected one of them");
	check_not_beside(l, sec, "psk-file", "certificate-file");
	check_not_beside(l, sec, "ca-file", "psk-file");
	check_not_beside(l, sec, "fingerprint", "psk-file");
	check_not_beside(l, sec, "fingerprint", "ca-file");
	check_beside(l, sec, "home-agent-name", "ca-file");
	if (certificate && config_find(sec, "ca-file") == NULL &&
	    config_find(sec, "fingerprint") == NULL)
		problem(&l->p, config_place(sec, "certificate-file"),
			"keys says nothing of whom to trust; expected ca-file, or the fingerprint "
			"of the home agent");
}

void loader_home_keys(struct loader *l, const struct config_node *sec, const char *agent,
		      struct bubd_key_settings *ret)
{
	const struct config_value *fingerprint;
	char why[KEYS_TEXT_MAX] = "";
	const unsigned before = l->p.n;
	struct keys_context *made;

	ret->there = true;
	if (!config_fill(&l->p, IN_KEYS, sec, ret))
		return;
	if (ret->peer_name[0] == '\0')
		(void)snprintf(ret->peer_name, sizeof(ret->peer_name), "%s", agent);
	check_home_keys(l, sec);
	load_trust(l, sec, ret);
	load_psk(l, sec, ret->secret, &ret->secret_len);
	fingerprint = config_value(sec, "fingerprint");
	ret->has_fingerprint = fingerprint != NULL;
	if (fingerprint != NULL)
		(void)keys_fingerprint_parse(fingerprint->text, ret->fingerprint);
	if (l->p.n != before)
		return;
	made = bubd_config_client_keys(ret, why);
	if (made == NULL)
		problem(&l->p, place_of_keys(sec), "keys: %s", why);
	keys_context_free(made);
}

static struct keys_octets octets_of(const struct bubd_key_file *f)
{
	return (struct keys_octets){.data = f->octets, .len = f->len};
}

static struct keys_trust trust_of(const struct bubd_key_settings *s)
{
	return (struct keys_trust){.certificate = octets_of(&s->certificate),
				   .key = octets_of(&s->key),
				   .ca = octets_of(&s->ca),
				   .crl = octets_of(&s->crl)};
}

/* As much of it as has the first processor, "" where there is none.  The file says that it has no
 * size, as all do in /proc. */
static void read_cpuinfo(char ret_text[static CPUINFO_MAX])
{
	const int fd = open("/proc/cpuinfo", O_RDONLY | O_CLOEXEC);
	size_t len = 0;
	ssize_t n = 0;

	while (fd >= 0 && len < CPUINFO_MAX - 1 &&
	       (n = read(fd, ret_text + len, CPUINFO_MAX - 1 - len)) > 0)
		len += (size_t)n;
	ret_text[len] = '\0';
	if (fd >= 0)
		(void)close(fd);
}

/* What is said, or what this processor is fast at. */
static size_t suites_of(const struct bubd_key_settings *s,
			enum esp_alg ret_suites[static KEYS_SUITE_COUNT])
{
	char flags[CPUINFO_MAX];

	if (s->n_algs > 0) {
		memcpy(ret_suites, s->algs, s->n_algs * sizeof(s->algs[0]));
		return s->n_algs;
	}
	read_cpuinfo(flags);
	keys_suites_by_cpu(keys_cpu_of(flags), ret_suites);
	return KEYS_SUITE_COUNT;
}

struct keys_context *bubd_config_client_keys(const struct bubd_key_settings *s,
					     char ret_why[static KEYS_TEXT_MAX])
{
	struct keys_client_config c = {
		.trust = trust_of(s),
		.has_fingerprint = s->has_fingerprint,
		.peer_name = s->peer_name[0] != '\0' ? s->peer_name : NULL,
		.secret = {.data = s->secret, .len = s->secret_len},
	};

	memcpy(c.fingerprint, s->fingerprint, sizeof(c.fingerprint));
	c.suite_count = suites_of(s, c.suites);
	return keys_client_context_new(&c, ret_why);
}

/* ---- A home agent -------------------------------------------------------------------------- */

struct keys_context *bubd_config_server_keys(const struct bubd_key_settings *s,
					     const struct keys_server_ops *ops,
					     const uint8_t decoy[static 32],
					     char ret_why[static KEYS_TEXT_MAX])
{
	struct keys_server_config c = {.trust = trust_of(s), .ops = ops};

	memcpy(c.decoy, decoy, sizeof(c.decoy));
	c.suite_count = s->n_algs;
	memcpy(c.suites, s->algs, s->n_algs * sizeof(s->algs[0]));
	return keys_server_context_new(&c, ret_why);
}

void loader_agent_keys(struct loader *l, const struct config_node *agent,
		       struct bubd_key_settings *ret)
{
	static const struct keys_server_ops nobody = {0};
	static const uint8_t decoy[32];
	const struct config_node *sec = config_find(agent, "keys");
	char why[KEYS_TEXT_MAX] = "";
	const unsigned before = l->p.n;
	struct keys_context *made;

	ret->there = sec != NULL;
	if (!config_fill(&l->p, IN_AGENT_KEYS, sec, ret) || sec == NULL)
		return;
	load_trust(l, sec, ret);
	check_beside(l, sec, "ca-file", "certificate-file");
	if (l->p.n != before)
		return;
	made = bubd_config_server_keys(ret, &nobody, decoy, why);
	if (made == NULL)
		problem(&l->p, place_of_keys(sec), "keys: %s", why);
	keys_context_free(made);
}

static void client_needs(struct loader *l, const struct config_node *sec, const char *keyword,
			 const struct bubd_key_file *have, const char *needed)
{
	if (have->len == 0)
		problem(&l->p, config_place(sec, keyword),
			"%s needs a %s of the home agent's; expected it in keys of home-agent",
			keyword, needed);
}

bool loader_client_keys(struct loader *l, const struct config_node *sec, struct bubd_pair *pair)
{
	const struct bubd_key_settings *agent = &l->cfg->agent_keys;
	const struct config_value *psk = config_value(sec, "psk-file");
	const struct config_value *name = config_value(sec, "identity");
	const struct config_value *fingerprint = config_value(sec, "fingerprint");
	const bool is_static = config_find(sec, "secret-file") != NULL ||
			       config_find(sec, "sa") != NULL || l->cfg->lnx.unprotected != 0;
	const bool agreed = psk != NULL || name != NULL || fingerprint != NULL;

	if (!agreed && (is_static || agent->ca.len == 0))
		return false;
	check_not_beside(l, sec, "psk-file", "identity");
	check_not_beside(l, sec, "fingerprint", "identity");
	check_not_beside(l, sec, "fingerprint", "psk-file");
	pair->keys = BUBD_KEYS_AGREED;
	if (psk != NULL) {
		pair->keys = BUBD_KEYS_PSK;
		load_psk(l, sec, pair->secret, &pair->secret_len);
	} else if (fingerprint != NULL) {
		pair->keys = BUBD_KEYS_FINGERPRINT;
		client_needs(l, sec, "fingerprint", &agent->certificate, "certificate-file");
		if (keys_fingerprint_parse(fingerprint->text, pair->secret))
			pair->secret_len = KEYS_FINGERPRINT_LEN;
	} else if (name != NULL) {
		pair->keys = BUBD_KEYS_NAME;
		client_needs(l, sec, "identity", &agent->ca, "ca-file");
		(void)snprintf((char *)pair->secret, sizeof(pair->secret), "%s", name->text);
		pair->secret_len = strlen(name->text);
	}
	return true;
}

/* ---- Afterwards ---------------------------------------------------------------------------- */

static void key_file_free(struct bubd_key_file *f)
{
	if (f->octets != NULL)
		explicit_bzero(f->octets, f->len);
	free(f->octets);
}

void loader_wipe_keys(struct bubd_key_settings *s)
{
	key_file_free(&s->certificate);
	key_file_free(&s->key);
	key_file_free(&s->ca);
	key_file_free(&s->crl);
	explicit_bzero(s, sizeof(*s));
}

bool bubd_config_serves_keys(const struct bubd_config *cfg)
{
	if (!cfg->engine.ha.enabled)
		return false;
	for (size_t i = 0; i < cfg->n_pairs; i++)
		if (cfg->pairs[i].at_home_agent && cfg->pairs[i].keys != BUBD_KEYS_STATIC)
			return true;
	return cfg->agent_keys.there || cfg->subscribers;
}

void bubd_config_take_keys(struct bubd_config *cfg, struct bubd_config *fresh)
{
	struct bubd_key_settings agent = cfg->agent_keys;

	cfg->agent_keys = fresh->agent_keys;
	fresh->agent_keys = agent;
	for (unsigned i = 0; i < BUB_HOMES_MAX; i++) {
		struct bubd_key_settings home = cfg->home_keys[i];

		cfg->home_keys[i] = fresh->home_keys[i];
		fresh->home_keys[i] = home;
		explicit_bzero(&home, sizeof(home));
	}
	explicit_bzero(&agent, sizeof(agent));
}
