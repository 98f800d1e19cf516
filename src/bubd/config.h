/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The daemon's configuration, checked and in the form that the engine and the kernel room want.
 * The grammar is documented in bubd.conf(5).
 */
#ifndef BUBD_CONFIG_H
#define BUBD_CONFIG_H

#include <limits.h>
#include <net/if.h>
#include <stdio.h>
#include <sys/un.h>

#include "addrset.h"
#include "agentname.h"
#include "bub/engine.h"
#include "esp_keys.h"
#include "keys.h"
#include "linux.h"
#include "metrics.h"
#include "redis_settings.h"

#define NODE_NAME_MAX 64 /* as long as a host name on Linux */

/* Where the keys of a mobile node come from, and what its secret is then. */
enum bubd_keys {
	BUBD_KEYS_STATIC,      /* derived of the secret, or written out */
	BUBD_KEYS_AGREED,      /* at a mobile node: all else is in bubd_key_settings.  At a home
				  agent: an address in the certificate is the home address */
	BUBD_KEYS_PSK,         /* home agent: agreed on; the pre-shared key */
	BUBD_KEYS_NAME,        /* home agent: agreed on; a name that is in the certificate */
	BUBD_KEYS_FINGERPRINT, /* home agent: agreed on; of the certificate's public key */
};

struct bubd_key_file {
	uint8_t *octets;
	size_t len; /* 0: none */
};

/* Whether a home agent is one of several, and what it is at the start. */
enum bubd_group {
	BUBD_GROUP_NONE,
	BUBD_GROUP_STANDBY,
	BUBD_GROUP_ACTIVE,
};

/* With what one home address, or a home agent, agrees on keys. */
struct bubd_key_settings {
	bool there;
	struct bubd_key_file certificate, key, ca, crl;
	bool has_fingerprint; /* mobile node: of the home agent's public key */
	uint8_t fingerprint[KEYS_FINGERPRINT_LEN];
	char peer_name[KEYS_NAME_MAX];  /* mobile node: of the home agent's certificate; "": none */
	uint8_t secret[ESP_SECRET_MAX]; /* mobile node: pre-shared */
	size_t secret_len;              /* 0: none, there is a certificate */
	uint16_t port;
	uint32_t lifetime_s, megabytes; /* home agent */
	enum esp_alg algs[KEYS_SUITE_COUNT];
	unsigned n_algs; /* 0: all, by what this processor is fast at */
};

/* One mobile node and its home agent, seen from either end, and the secret that they share. */
struct bubd_pair {
	struct in6_addr home;
	struct in6_addr home_agent; /* ::  to be discovered, or has a name */
	bool at_home_agent;
	enum bubd_keys keys;
	bool renumber; /* it may have its interface identifier in other home prefixes, too */
	uint8_t secret[ESP_SECRET_MAX];
	size_t secret_len;      /* 0: none, its SAs are written out */
	bool wiped;             /* in place of the secret is its mark, for comparison only */
	size_t first_sa, n_sas; /* of those in the configuration, where they are */
};

/* An SA that is written out in full. */
struct bubd_sa {
	struct esp_sa_params params;
	bool wiped;       /* in place of the keys is their mark */
	int line, column; /* where it stands */
};

enum bubd_store {
	BUBD_STORE_LMDB,
	BUBD_STORE_REDIS,
};

/* Where a home agent stores what has to survive it. */
struct bubd_store_settings {
	enum bubd_store kind;
	bool at_once;    /* a registration is acknowledged before it is stored */
	bool accept;     /* and while it cannot be stored */
	bool keeps_keys; /* that were agreed on */
	struct redis_settings redis;
};

struct bubd_config {
	struct bub_config engine;
	struct lnx_config lnx; /* its strings are those below */

	char node[NODE_NAME_MAX + 1]; /* keyword "name", or the host name */
	char tun[IFNAMSIZ];
	char interface[LNX_INTERFACES_MAX][IFNAMSIZ];
	char home_link[IFNAMSIZ];
	char control[sizeof(((struct sockaddr_un *)0)->sun_path)];
	char event_log[PATH_MAX];   /* "": none */
	char key_log[PATH_MAX];     /* "": none */
	uint32_t dummy_interval_ms; /* of dummy packets in tunnels; 0: none */
	char state_dir[PATH_MAX];
	char metrics[METRICS_WHERE_MAX]; /* "": not served */
	enum lnx_log_level log_level;

	char agent_name[BUB_HOMES_MAX][AGENT_NAME_MAX + 1]; /* where agent_is_named, or: */
	struct {
		struct in6_addr addr[AGENTNAME_ADDRS_MAX];
		unsigned n; /* 0: there are not several addresses */
	} agents[BUB_HOMES_MAX];

	struct bubd_pair *pairs;
	size_t n_pairs;
	size_t n_indexed; /* of the pairs: the first ones, of which a home agent's are in these */
	struct addrset by_home, by_identifier; /* the latter: those that renumber */
	struct bubd_sa *sas;
	size_t n_sas;
	struct bub_peer_policy *peers;
	size_t n_peers;
	struct bubd_key_settings home_keys[BUB_HOMES_MAX]; /* of each home address */
	struct bubd_key_settings agent_keys;
	bool subscribers; /* of agent_keys: in the file of src/store, beside the pairs here */
	struct bubd_store_settings store;
	enum bubd_group group;
	uint8_t mark_key[ESP_MARK_LEN]; /* of secrets that were wiped */
	bool has_mark_key;

	char *fixed; /* what a reload cannot change, as text, for bubd_config_compare() */
};

/*
 * Reads and checks the file @path, and the files of secrets that it names.  Every mistake is one
 * line "FILE:LINE:COLUMN: what is wrong; what was expected" on @messages, of at most twenty.
 *
 * Returns the configuration, to be freed with bubd_config_free(), or NULL after a mistake.
 */
struct bubd_config *bubd_config_load(const char *path, FILE *messages);

/* The same for a text of @len octets that was read from @path already.  There has to be room for
 * CONFIG_TEXT_ROOM octets behind it, and it is written to. */
#define CONFIG_TEXT_ROOM 3
struct bubd_config *bubd_config_parse(const char *path, char *text, size_t len, FILE *messages);

/* The pair of the home address @home at this end: the one whose section names it, else the one of
 * which renumbering has made it; NULL: none. */
const struct bubd_pair *bubd_config_pair(const struct bubd_config *cfg, const struct in6_addr *home,
					 bool at_home_agent);

/* Whether the two say the same of one mobile node, secrets and SAs included. */
bool bubd_config_same_pair(const struct bubd_config *a, const struct bubd_pair *pa,
			   const struct bubd_config *b, const struct bubd_pair *pb);
/* The same but for the home address that is written. */
bool bubd_config_same_node(const struct bubd_config *a, const struct bubd_pair *pa,
			   const struct bubd_config *b, const struct bubd_pair *pb);

/*
 * Wipes the secrets and keys that nothing more is derived from: those of pairs whose home agent is
 * known, and which are not renumbered.  What is left of them says whether those of another
 * configuration are the same.  Returns 0, or -1: out of random numbers or libcrypto failed; then
 * some are there still.
 */
int bubd_config_wipe_secrets(struct bubd_config *cfg);

/*
 * Gives @cfg the mobile nodes that @fresh serves in place of its own, with their secrets and SAs;
 * @fresh may not be used for them any more.  Returns 0, or -1: out of memory, nothing was changed.
 */
int bubd_config_take_clients(struct bubd_config *cfg, struct bubd_config *fresh);

/* What keys are agreed on with; NULL and a sentence fragment in @ret_why: something in it does not
 * fit.  @ops, @decoy: a home agent's. */
struct keys_context *bubd_config_client_keys(const struct bubd_key_settings *s,
					     char ret_why[static KEYS_TEXT_MAX]);
struct keys_context *bubd_config_server_keys(const struct bubd_key_settings *s,
					     const struct keys_server_ops *ops,
					     const uint8_t decoy[static 32],
					     char ret_why[static KEYS_TEXT_MAX]);

/* Whether a home agent is to agree on keys with mobile nodes. */
bool bubd_config_serves_keys(const struct bubd_config *cfg);

/* Gives @cfg what @fresh agrees on keys with, and @fresh what @cfg had. */
void bubd_config_take_keys(struct bubd_config *cfg, struct bubd_config *fresh);

/* Wipes the secrets; NULL is fine. */
void bubd_config_free(struct bubd_config *cfg);

/*
 * Compares all but log-level, the peers, and the prefixes and mobile nodes of a home agent. Returns
 * how many settings differ, and writes their names into @ret_text, as many as fit.
 */
unsigned bubd_config_compare(const struct bubd_config *a, const struct bubd_config *b,
			     char *ret_text, size_t cap);

#endif
