/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the readers of the configuration's sections share.  Private to config*.c;
 * everybody else includes config.h.
 */
#ifndef BUBD_CONFIG_LOAD_H
#define BUBD_CONFIG_LOAD_H

#include "addrset.h"
#include "config.h"
#include "config_file.h"

struct loader {
	struct problems p;
	struct bubd_config *cfg;
	cfg_t *root;
	int payload_line; /* of the protect-payload that decided; 0: none yet */
	/* Found again among many thousands. */
	struct addrset clients, peers; /* indices of pairs, peers */
	struct addrset ids[2]; /* own pairs, clients: the first with an interface identifier */
};

/* The line to blame for @name: where it is set, else where its section begins. */
int loader_line(cfg_t *sec, const char *name);

/* A setting that the section cannot do without; NULL after a problem(). */
const struct config_value *loader_needed(struct loader *l, cfg_t *sec, const char *name,
					 const char *expected);

/* One of @n words; returns its index.  @expected lists them for people. */
unsigned loader_word(struct loader *l, cfg_t *sec, const char *name, unsigned or_else,
		     const char *const *words, unsigned n, const char *expected);

/* A number from @min to @max. */
uint32_t loader_number(struct loader *l, cfg_t *sec, const char *name, uint32_t or_else,
		       uint32_t min, uint32_t max);

/* "ADDRESS/LENGTH". */
bool loader_prefixed(struct loader *l, const struct config_value *v, const char *name,
		     struct in6_addr *ret_addr, uint8_t *ret_len);

bool loader_bool(struct loader *l, cfg_t *sec, const char *name, bool or_else);

/* Relative paths start at the folder of the configuration file. */
bool loader_path(struct loader *l, const struct config_value *v, const char *name, char *ret_path,
		 size_t cap);

/*
 * The array of @n elements, moved where that is needed for one more.  Not realloc(), which would
 * leave a copy of the secrets in it behind.  NULL after a problem(); the array stays as it was.
 */
void *loader_grow(struct loader *l, void *array, size_t n, size_t size);

/* How many mobile nodes the home-agent section @sec has; sees that there is room for them. */
#define CLIENTS_MAX (1u << 20)
unsigned loader_room(struct loader *l, cfg_t *sec);

/* What the home-agent section @sec says of the prefixes of its link (config_link.c). */
void loader_home_link(struct loader *l, cfg_t *sec);

/* Whether the mobile node of @sec, the next pair, may change to other home prefixes. */
bool loader_renumber(struct loader *l, cfg_t *sec, const struct in6_addr *home, bool at_home_agent);

/* True for those keywords of that section that a reload takes over. */
bool loader_reloadable(const char *section, const char *name);

/*
 * Reads the sa sections within @sec, all of them @owner's, and sees that nothing is left without
 * one (config_sa.c).
 */
void loader_sas(struct loader *l, cfg_t *sec, const struct in6_addr *owner, bool at_home_agent);

/* The classes (enum esp_class) that a mobile node needs SAs for. */
unsigned loader_classes(const struct loader *l, bool at_home_agent);

/* Reads the keyword unprotected. */
void loader_unprotected(struct loader *l);

#endif
