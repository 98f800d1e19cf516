/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Security associations that the configuration writes out in full, as other stacks and test beds
 * have them, in place of a shared secret.  Owns the rules on one sa section and on what the
 * sections of a mobile node cover together; what an SA does is src/esp's business.
 *
 * RFC 3776, 4.1 and RFC 4877, 4.2 say what goes in which mode.  Keys are secrets: a file of one is
 * as private as secret.c wants it, and so is a configuration that has keys in it.
 */
#include <string.h>

#include "config_load.h"
#include "secret.h"

#define N_CLASSES 4
#define CIPHER_NULL 2

static const char *const cipher_lengths[] = {"16, 24 or 32", "24", "none"};

/* ---- Keys ---------------------------------------------------------------------------------- */

struct key {
	uint8_t octets[ESP_SECRET_MAX];
	size_t len;
	struct config_place at;
};

static bool inline_key(struct loader *l, const char *name, const struct config_value *v,
		       struct key *ret)
{
	const char *why = NULL;

	if (!secret_is_private(l->p.path)) {
		problem(&l->p, v->at,
			"%s: the configuration is open to other users; expected mode 0600 "
			"(chmod 600), or %s-file",
			name, name);
		return false;
	}
	why = secret_parse(v->text, strlen(v->text), ret->octets, &ret->len);
	if (why != NULL)
		problem(&l->p, v->at, "%s: it %s", name, why);
	return why == NULL;
}

/* The key @name, or the one in the file of @file_name.  Returns false after a problem(). */
static bool load_key(struct loader *l, const struct config_node *sec, const char *name,
		     const char *file_name, struct key *ret)
{
	const struct config_value *v = config_value(sec, name);
	const struct config_value *file = config_value(sec, file_name);
	char path[PATH_MAX] = "";
	const char *why = NULL;

	if (v != NULL && file != NULL) {
		problem(&l->p, file->at, "%s stands beside %s; expected one of them", file_name,
			name);
		return false;
	}
	if (v != NULL) {
		ret->at = v->at;
		return inline_key(l, name, v, ret);
	}
	if (file == NULL) {
		problem(&l->p, sec->at, "sa lacks %s; expected a key, or a file with it", name);
		return false;
	}
	ret->at = file->at;
	(void)config_path(&l->p, file->text, path, sizeof(path));
	why = secret_read(path, ret->octets, &ret->len);
	if (why != NULL)
		problem(&l->p, file->at, "%s: \"%s\" %s", file_name, path, why);
	return why == NULL;
}

static bool load_encryption_key(struct loader *l, const struct config_node *sec, unsigned cipher,
				struct key *ret)
{
	const char *given = config_find(sec, "encryption-key") != NULL ? "encryption-key"
								       : "encryption-key-file";

	if (cipher != CIPHER_NULL)
		return load_key(l, sec, "encryption-key", "encryption-key-file", ret);
	if (config_find(sec, given) == NULL)
		return true;
	problem(&l->p, config_place(sec, given),
		"encryption is null, but there is a key for it; expected none");
	return false;
}

static void load_algorithm(struct loader *l, const struct config_node *sec, struct esp_sa_params *p)
{
	unsigned cipher = config_number(sec, "encryption", 0);
	unsigned integrity = config_number(sec, "integrity", 0);
	struct key enc = {.at = sec->at}, auth = {.at = sec->at};
	size_t auth_len = 0;

	if (!load_encryption_key(l, sec, cipher, &enc) ||
	    !load_key(l, sec, "integrity-key", "integrity-key-file", &auth))
		goto out;
	if (!esp_alg_find(config_ciphers[cipher], config_integrities[integrity], enc.len,
			  &p->alg)) {
		problem(&l->p, enc.at, "encryption-key: it has %zu octets; expected %s for %s",
			enc.len, cipher_lengths[cipher], config_ciphers[cipher]);
		goto out;
	}
	auth_len = esp_alg_info(p->alg)->auth_key_len;
	if (auth.len != auth_len) {
		problem(&l->p, auth.at, "integrity-key: it has %zu octets; expected %zu for %s",
			auth.len, auth_len, config_integrities[integrity]);
		goto out;
	}
	memcpy(p->enc_key, enc.octets, enc.len);
	memcpy(p->auth_key, auth.octets, auth.len);
	/* RFC 6275, 10.4.6: who reads home test messages can make bindings. */
	if (cipher == CIPHER_NULL && (p->covers & ESP_CLASS_MOBILITY) != 0)
		problem(&l->p, config_place(sec, "encryption"),
			"encryption: null would show the tokens of mobility messages; expected "
			"aes-cbc or 3des-cbc");
out:
	explicit_bzero(&enc, sizeof(enc));
	explicit_bzero(&auth, sizeof(auth));
}

/* ---- One section --------------------------------------------------------------------------- */

/* The peer chooses outbound ones, and might choose what is in use here; but mostly such a section
 * was copied and not changed, and the same keys would share their numbers. */
static void check_spi(struct loader *l, const struct config_value *title)
{
	for (size_t i = 0; i < l->cfg->n_sas; i++)
		if (l->cfg->sas[i].params.spi == title->number)
			problem(&l->p, title->at,
				"sa: \"%s\" is the SPI of the section on line %d; expected another "
				"one",
				title->text, l->cfg->sas[i].line);
}

/* RFC 3776, 4.1 */
static void check_mode(struct loader *l, const struct config_node *sec, enum esp_mode mode)
{
	for (const struct config_value *v = config_value(sec, "covers"); v != NULL; v = v->next) {
		const unsigned class = 1u << v->number;

		if (((class & (ESP_CLASS_BINDING | ESP_CLASS_PREFIX)) != 0) !=
		    (mode == ESP_TRANSPORT))
			problem(&l->p, v->at,
				"covers: %s does not go in %s mode; expected mode = %s", v->text,
				mode == ESP_TUNNEL ? "tunnel" : "transport",
				mode == ESP_TUNNEL ? "transport" : "tunnel");
	}
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

static void load_sa(struct loader *l, const struct config_node *sec, const struct in6_addr *owner)
{
	unsigned n = l->p.n;
	struct bubd_sa *sa = NULL;
	struct esp_sa_params *p = NULL;

	check_spi(l, sec->values);
	sa = new_sa(l);
	if (sa == NULL)
		return;
	p = &sa->params;
	sa->line = sec->at.line;
	sa->column = sec->at.column;
	p->spi = sec->values->number;
	p->owner = *owner;
	if (!config_fill(&l->p, IN_SA, sec, p))
		return;
	p->any_sequence = config_number(sec, "replay-check", true) == 0;
	if (p->direction == ESP_OUT && config_find(sec, "replay-check") != NULL)
		problem(&l->p, config_place(sec, "replay-check"),
			"replay-check: what goes out is the peer's to check; expected direction = "
			"in");
	check_mode(l, sec, p->mode);
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
			problem(&l->p, (struct config_place){sas[i].line, sas[i].column},
				"sa: the one on line %d covers the same, out; expected one of them",
				sas[k].line);
			return;
		}
	}
}

static unsigned sa_covered(const struct bubd_config *cfg, size_t first,
			   enum esp_direction direction)
{
	unsigned covers = 0;

	for (size_t i = first; i < cfg->n_sas; i++)
		if (cfg->sas[i].params.direction == direction)
			covers |= cfg->sas[i].params.covers;
	return covers;
}

static unsigned classes_needed(const struct loader *l, bool at_home_agent)
{
	unsigned needed = ESP_CLASS_BINDING | ESP_CLASS_MOBILITY;

	if (l->cfg->lnx.protect_payload)
		needed |= ESP_CLASS_PAYLOAD;
	/* A home agent that is never asked needs no answer. */
	if (!at_home_agent && l->cfg->engine.prefix_discovery)
		needed |= ESP_CLASS_PREFIX;
	return needed & ~l->cfg->lnx.unprotected;
}

static void sa_check_covered(struct loader *l, const struct config_node *sec, size_t first,
			     bool at_home_agent)
{
	const unsigned out = sa_covered(l->cfg, first, ESP_OUT);
	const unsigned in = sa_covered(l->cfg, first, ESP_IN);
	const unsigned needed = classes_needed(l, at_home_agent);

	for (unsigned i = 0; i < N_CLASSES; i++) {
		const unsigned class = 1u << i;

		if (((out | in) & l->cfg->lnx.unprotected & class) != 0)
			problem(&l->p, sec->at,
				"%s: an sa covers %s, which is unprotected; expected one of them",
				sec->keyword->name, config_classes[i]);
		if ((out & in & class) != 0 || ((needed | out | in) & class) == 0)
			continue;
		if (((out | in) & class) != 0)
			problem(&l->p, sec->at, "%s: no sa covers %s, direction %s; expected one",
				sec->keyword->name, config_classes[i],
				(out & class) != 0 ? "in" : "out");
		else
			problem(&l->p, sec->at,
				"%s: no sa covers %s; expected one in and one out%s",
				sec->keyword->name, config_classes[i],
				class == ESP_CLASS_PAYLOAD  ? ", or protect-payload = false"
				: class == ESP_CLASS_PREFIX ? ", or prefix-discovery = false"
							    : "");
	}
}

void loader_sas(struct loader *l, const struct config_node *sec, const struct in6_addr *owner,
		bool at_home_agent)
{
	size_t first = l->cfg->n_sas;
	unsigned n = l->p.n;
	bool bad = false;

	for (const struct config_node *sa = config_find(sec, "sa"); sa != NULL;
	     sa = config_next(sa)) {
		load_sa(l, sa, owner);
		bad |= sa->bad;
	}
	if (bad || l->p.n != n)
		return; /* an SA with a mistake would be told to be missing, too */
	check_ambiguous(l, first);
	sa_check_covered(l, sec, first, at_home_agent);
}
