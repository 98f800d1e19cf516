/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the readers of the configuration's sections share.  Private to config*.c;
 * everybody else includes config.h.
 */
#ifndef BUBD_CONFIG_LOAD_H
#define BUBD_CONFIG_LOAD_H

#include "addrset.h"
#include "config.h"
#include "config_tree.h"

#define CLIENTS_MAX (1u << 20)
#define SPI_MIN 256u /* RFC 4303, 2.1 */

struct loader {
	struct problems p;
	struct bubd_config *cfg;
	struct config_tree tree;
	const struct config_node *home[BUB_HOMES_MAX]; /* the section of each */
	const struct config_node *payload; /* the section whose protect-payload decided; or NULL */
	/* To find one of many thousand sections again. */
	struct addrset clients, peers; /* lines of their sections */
	struct addrset ids[2];         /* own, clients: pairs, the first with an identifier */
};

/*
 * The array of @n elements, moved where that is needed for one more.  Not realloc(), which would
 * leave a copy of the secrets in it behind.  NULL after a problem(); the array stays as it was.
 */
void *loader_grow(struct loader *l, void *array, size_t n, size_t size);

/* What a home agent tells of its home link (config_link.c). */
void loader_home_link(struct loader *l, const struct config_node *sec);

/* The mobile node of @sec, with the secret that it shares or the SAs that it has (config_pairs.c).
 */
void loader_pair(struct loader *l, const struct config_node *sec, const struct in6_addr *home,
		 const struct in6_addr *home_agent, bool at_home_agent);

/* Finds a home agent's pairs by an address from now on; to be called again after they changed.  0,
 * or -1: out of memory (config_pairs.c). */
int loader_index_pairs(struct bubd_config *cfg);
void loader_unindex_pairs(struct bubd_config *cfg);

/* Sees that there is room for all mobile nodes of the home-agent section @sec (config_pairs.c). */
void loader_room(struct loader *l, const struct config_node *sec);

/* What the keys section @sec says (config_keys.c); @agent: name of the home agent, or "". */
void loader_home_keys(struct loader *l, const struct config_node *sec, const char *agent,
		      struct bubd_key_settings *ret);
void loader_agent_keys(struct loader *l, const struct config_node *sec,
		       struct bubd_key_settings *ret);

/* How the mobile node of a home agent's @sec proves who it is, where keys are agreed on; false:
 * they are not (config_keys.c). */
bool loader_client_keys(struct loader *l, const struct config_node *sec, struct bubd_pair *pair);
/* Where a home agent stores what has to survive it; its mobile nodes are loaded (config_store.c).
 */
void loader_store(struct loader *l, const struct config_node *sec);

void loader_wipe_keys(struct bubd_key_settings *s);

/*
 * Reads the sa sections within @sec, all of them @owner's, and sees that nothing is left without
 * one (config_sa.c).
 */
void loader_sas(struct loader *l, const struct config_node *sec, const struct in6_addr *owner,
		bool at_home_agent);

#endif
