/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Security associations that the configuration writes out in full, as other stacks and test beds
 * have them, in place of a shared secret.  Owns the rules on one sa section and on what the
 * sections of a mobile node cover together; what an SA does is src/esp's business.
 *
 * RFC 3776, 4.1 and RFC 4877, 4.2 say what goes in which mode.  Keys are secrets: a file of one is
 * as private as secret.c wants it, and so is a configuration that has keys in it.
 */
#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "config_load.h"
#include "secret.h"

#define SPI_MIN 256 /* RFC 4303, 2.1 */
#define N_CLASSES 4

static const char *const class_words[N_CLASSES] = {"binding-updates", "mobility",
						   "prefix-discovery", "payload"};
#define CLASS_LIST "binding-updates, mobility, prefix-discovery or payload"

static const char *const direction_words[] = {[ESP_OUT] = "out", [ESP_IN] = "in"};
static const char *const mode_words[] = {[ESP_TRANSPORT] = "transport", [ESP_TUNNEL] = "tunnel"};
static const char *const integrity_words[] = {"hmac-sha256-128", "hmac-sha1-96"};
static const char *const cipher_words[] = {"aes-cbc", "3des-cbc", "null"};
static const char *const cipher_lengths[] = {"16, 24 or 32", "24", "none"};
#define CIPHER_NULL 2

/* A word that must be given; returns its index, 0 after a problem(). */
static unsigned needed_word(struct loader *l, cfg_t *sec, const char *name,
			    const char *const *words, unsigned n, const char *expected)
{
	if (loader_needed(l, sec, name, expected) == NULL)
		return 0;
	return loader_word(l, sec, name, 0, words, n, expected);
}

/* ---- Keys ---------------------------------------------------------------------------------- */

struct key {
	uint8_t octets[ESP_SECRET_MAX];
	size_t len;
	int line;
};

static bool is_private(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 && (st.st_mode & (S_IRWXG | S_IRWXO)) == 0;
}

static bool inline_key(struct loader *l, const char *name, const struct config_value *v,
		       struct key *ret)
{
	const char *why = NULL;

	if (!is_private(l->p.path)) {
		problem(&l->p, v->line,
			"%s: the configuration is open to other users; expected mode 0600 "
			"(chmod 600), or %s-file",
			name, name);
		return false;
	}
	why = secret_parse(v->text, strlen(v->text), ret->octets, &ret->len);
	if (why != NULL)
		problem(&l->p, v->line, "%s: it %s", name, why);
	return why == NULL;
}

/* The key @name, or the one in the file of @name-file.  Returns false after a problem(). */
static bool load_key(struct loader *l, cfg_t *sec, const char *name, struct key *ret)
{
	const struct config_value *v = config_file_value(sec, name, 0);
	const struct config_value *file = NULL;
	char file_name[32] = "";
	char path[PATH_MAX] = "";
	const char *why = NULL;

	(void)snprintf(file_name, sizeof(file_name), "%s-file", name);
	file = config_file_value(sec, file_name, 0);
	if (v != NULL && file != NULL) {
		problem(&l->p, file->line, "%s stands beside %s; expected one of them", file_name,
			name);
		return false;
	}
	if (v != NULL) {
		ret->line = v->line;
		return inline_key(l, name, v, ret);
	}
	if (file == NULL)
		return loader_needed(l, sec, name, "a key, or a file with it") != NULL;
	ret->line = file->line;
	if (!loader_path(l, file, file_name, path, sizeof(path)))
		return false;
	why = secret_read(path, ret->octets, &ret->len);
	if (why != NULL)
		problem(&l->p, file->line, "%s: \"%s\" %s", file_name, path, why);
	return why == NULL;
}

static bool load_encryption_key(struct loader *l, cfg_t *sec, unsigned cipher, struct key *ret)
{
	if (cipher != CIPHER_NULL)
		return load_key(l, sec, "encryption-key", ret);
	if (!config_file_is_set(sec, "encryption-key") &&
	    !config_file_is_set(sec, "encryption-key-file"))
		return true;
	problem(&l->p,
		loader_line(sec, config_file_is_set(sec, "encryption-key") ? "encryption-key"
									   : "encryption-key-file"),
		"encryption is null, but there is a key for it; expected none");
	return false;
}

static void load_algorithm(struct loader *l, cfg_t *sec, struct esp_sa_params *p)
{
	unsigned n = l->p.n;
	unsigned cipher =
		needed_word(l, sec, "encryption", cipher_words, 3, "aes-cbc, 3des-cbc or null");
	unsigned integrity = needed_word(l, sec, "integrity", integrity_words, 2,
					 "hmac-sha256-128 or hmac-sha1-96");
	struct key enc = {.line = config_file_section_line(sec)};
	struct key auth = {.line = config_file_section_line(sec)};
	size_t auth_len = 0;

	if (l->p.n != n || !load_encryption_key(l, sec, cipher, &enc) ||
	    !load_key(l, sec, "integrity-key", &auth))
		goto out;
	if (!esp_alg_find(cipher_words[cipher], integrity_words[integrity], enc.len, &p->alg)) {
		problem(&l->p, enc.line, "encryption-key: it has %zu octets; expected %s for %s",
			enc.len, cipher_lengths[cipher], cipher_words[cipher]);
		goto out;
	}
	auth_len = esp_alg_info(p->alg)->auth_key_len;
	if (auth.len != auth_len) {
		problem(&l->p, auth.line, "integrity-key: it has %zu octets; expected %zu for %s",
			auth.len, auth_len, integrity_words[integrity]);
		goto out;
	}
	memcpy(p->enc_key, enc.octets, enc.len);
	memcpy(p->auth_key, auth.octets, auth.len);
	/* RFC 6275, 10.4.6: who reads home test messages can make bindings. */
	if (cipher == CIPHER_NULL && (p->covers & ESP_CLASS_MOBILITY) != 0)
		problem(&l->p, loader_line(sec, "encryption"),
			"encryption: null would show the tokens of mobility messages; expected "
			"aes-cbc or 3des-cbc");
out:
	explicit_bzero(&enc, sizeof(enc));
	explicit_bzero(&auth, sizeof(auth));
}

/* ---- One section --------------------------------------------------------------------------- */

static uint32_t load_spi(struct loader *l, cfg_t *sec)
{
	const char *title = cfg_title(sec);
	int line = config_file_section_line(sec);
	char *end = NULL;
	unsigned long long spi = 0;

	errno = 0;
	spi = strtoull(title, &end, 0);
	if (!isdigit((unsigned char)title[0]) || *end != '\0' || errno != 0 || spi < SPI_MIN ||
	    spi > UINT32_MAX) {
		problem(&l->p, line,
			"sa: \"%s\" is no SPI; expected a number from 256 to 0xffffffff", title);
		return 0;
	}
	/* The peer chooses outbound ones, and might choose what is in use here; but the file of
	 * sequence numbers has no more than the SPI in its name. */
	for (size_t i = 0; i < l->cfg->n_sas; i++)
		if (l->cfg->sas[i].params.spi == spi)
			problem(&l->p, line,
				"sa: \"%s\" is the SPI of the section on line %d; expected another "
				"one",
				title, l->cfg->sas[i].line);
	return (uint32_t)spi;
}

/* 0 after a problem(). */
static unsigned load_class(struct loader *l, const char *name, const struct config_value *v)
{
	for (unsigned k = 0; k < N_CLASSES; k++)
		if (strcmp(v->text, class_words[k]) == 0)
			return 1u << k;
	problem(&l->p, v->line, "%s: \"%s\" is unknown; expected " CLASS_LIST, name, v->text);
	return 0;
}

static unsigned load_covers(struct loader *l, cfg_t *sec, enum esp_mode mode)
{
	const struct config_value *v = NULL;
	unsigned covers = 0;

	(void)loader_needed(l, sec, "covers", CLASS_LIST);
	for (unsigned i = 0; (v = config_file_value(sec, "covers", i)) != NULL; i++) {
		const unsigned class = load_class(l, "covers", v);

		if (class == 0)
			continue;
		/* RFC 3776, 4.1 */
		if (((class & (ESP_CLASS_BINDING | ESP_CLASS_PREFIX)) != 0) !=
		    (mode == ESP_TRANSPORT))
			problem(&l->p, v->line,
				"covers: %s does not go in %s mode; expected mode = %s", v->text,
				mode_words[mode],
				mode_words[mode == ESP_TUNNEL ? ESP_TRANSPORT : ESP_TUNNEL]);
		covers |= class;
	}
	return covers;
}

static struct bubd_sa *new_sa(struct loader *l)
{
	struct bubd_config *cfg = l->cfg;
	struct bubd_sa *sas = loader_grow(l, cfg->sas, cfg->n_sas, sizeof(*sas));

	if (sas == NULL)
		return NULL;
	cfg->sas = sas;
	return &cfg->sas[cfg->n_sas++];
}

static void load_sa(struct loader *l, cfg_t *sec, const struct in6_addr *owner)
{
	unsigned n = l->p.n;
	uint32_t spi = load_spi(l, sec);
	struct bubd_sa *sa = new_sa(l);
	struct esp_sa_params *p = NULL;

	if (sa == NULL)
		return;
	p = &sa->params;
	sa->line = config_file_section_line(sec);
	p->spi = spi;
	p->owner = *owner;
	p->direction = needed_word(l, sec, "direction", direction_words, 2, "in or out");
	p->mode = needed_word(l, sec, "mode", mode_words, 2, "transport or tunnel");
	p->any_sequence = !loader_bool(l, sec, "replay-check", true);
	if (p->direction == ESP_OUT && config_file_is_set(sec, "replay-check"))
		problem(&l->p, loader_line(sec, "replay-check"),
			"replay-check: what goes out is the peer's to check; expected direction = "
			"in");
	if (l->p.n != n)
		return;
	p->covers = load_covers(l, sec, p->mode);
	if (l->p.n == n)
		load_algorithm(l, sec, p);
}

/* ---- All sections of a mobile node --------------------------------------------------------- */

/* Two outbound SAs for one class: which is meant? */
static void check_ambiguous(struct loader *l, size_t first)
{
	const struct bubd_sa *sas = l->cfg->sas;

	for (size_t i = first; i < l->cfg->n_sas; i++) {
		for (size_t k = first; k < i; k++) {
			if (sas[i].params.direction != ESP_OUT ||
			    sas[k].params.direction != ESP_OUT ||
			    (sas[i].params.covers & sas[k].params.covers) == 0)
				continue;
			problem(&l->p, sas[i].line,
				"sa: the one on line %d covers the same, out; expected one of them",
				sas[k].line);
			return;
		}
	}
}

static unsigned covered(const struct bubd_config *cfg, size_t first, enum esp_direction direction)
{
	unsigned covers = 0;

	for (size_t i = first; i < cfg->n_sas; i++)
		if (cfg->sas[i].params.direction == direction)
			covers |= cfg->sas[i].params.covers;
	return covers;
}

unsigned loader_classes(const struct loader *l, bool at_home_agent)
{
	unsigned needed = ESP_CLASS_BINDING | ESP_CLASS_MOBILITY;

	if (l->cfg->lnx.protect_payload)
		needed |= ESP_CLASS_PAYLOAD;
	/* A home agent that is never asked needs no answer. */
	if (!at_home_agent && l->cfg->engine.prefix_discovery)
		needed |= ESP_CLASS_PREFIX;
	return needed & ~l->cfg->lnx.unprotected;
}

static void check_covered(struct loader *l, cfg_t *sec, size_t first, bool at_home_agent)
{
	const unsigned out = covered(l->cfg, first, ESP_OUT);
	const unsigned in = covered(l->cfg, first, ESP_IN);
	const unsigned needed = loader_classes(l, at_home_agent);

	for (unsigned i = 0; i < N_CLASSES; i++) {
		const unsigned class = 1u << i;

		if (((out | in) & l->cfg->lnx.unprotected & class) != 0)
			problem(&l->p, config_file_section_line(sec),
				"%s: an sa covers %s, which is unprotected; expected one of them",
				cfg_name(sec), class_words[i]);
		if ((out & in & class) != 0 || ((needed | out | in) & class) == 0)
			continue;
		if (((out | in) & class) != 0)
			problem(&l->p, config_file_section_line(sec),
				"%s: no sa covers %s, direction %s; expected one", cfg_name(sec),
				class_words[i], (out & class) != 0 ? "in" : "out");
		else
			problem(&l->p, config_file_section_line(sec),
				"%s: no sa covers %s; expected one in and one out%s", cfg_name(sec),
				class_words[i],
				class == ESP_CLASS_PAYLOAD  ? ", or protect-payload = false"
				: class == ESP_CLASS_PREFIX ? ", or prefix-discovery = false"
							    : "");
	}
}

void loader_sas(struct loader *l, cfg_t *sec, const struct in6_addr *owner, bool at_home_agent)
{
	size_t first = l->cfg->n_sas;
	unsigned n = l->p.n;

	for (unsigned i = 0; i < cfg_size(sec, "sa"); i++)
		load_sa(l, cfg_getnsec(sec, "sa", i), owner);
	if (l->p.n != n)
		return; /* what was wrong above would be missed here */
	check_ambiguous(l, first);
	check_covered(l, sec, first, at_home_agent);
}

void loader_unprotected(struct loader *l)
{
	const struct config_value *v = NULL;

	for (unsigned i = 0; (v = config_file_value(l->root, "unprotected", i)) != NULL; i++) {
		const unsigned class = load_class(l, "unprotected", v);

		if (class == ESP_CLASS_PAYLOAD)
			problem(&l->p, v->line,
				"unprotected: payload has a keyword of its own; expected "
				"protect-payload = false");
		l->cfg->lnx.unprotected |= class;
	}
}
