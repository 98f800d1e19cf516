/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What `bubctl init` has been told, and who checks, asks and writes it.
 */
#ifndef BUBCTL_INIT_H
#define BUBCTL_INIT_H

#include <limits.h>
#include <net/if.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdio.h>

#define INIT_PREFIXES_MAX 8 /* as many as a home agent may have */
#define INIT_NODES_MAX 64   /* more are better written by a script */
#define INIT_INTERFACES_MAX 16
#define INIT_NAME_MAX 64

struct init_prefix {
	struct in6_addr addr;
	unsigned len;
};

struct init {
	bool home_agent; /* else a mobile node */
	bool force;
	char config[PATH_MAX]; /* the file to write */
	char name[INIT_NAME_MAX + 1];
	char interface[INIT_INTERFACES_MAX][IF_NAMESIZE];
	unsigned n_interfaces;
	/* A mobile node. */
	struct init_prefix home;
	struct in6_addr agent; /* of a home agent its own */
	char secret[PATH_MAX]; /* "": named after the home address */
	/* A home agent. */
	struct init_prefix prefix[INIT_PREFIXES_MAX];
	unsigned n_prefixes;
	struct in6_addr node[INIT_NODES_MAX];
	unsigned n_nodes;
	char home_link[IF_NAMESIZE];
};

/*
 * Each takes one answer over, or returns what is wrong with it and what was expected, as a sentence
 * fragment that follows the answer.  Lists are separated by blanks or commas.
 */
typedef const char *init_take_fn(struct init *in, const char *text);
init_take_fn init_take_home, init_take_agent, init_take_secret, init_take_prefixes, init_take_nodes,
	init_take_interfaces, init_take_home_link, init_take_name, init_take_config;

/* The first mobile node of a home agent that is in none of its prefixes; NULL: all are. */
const struct in6_addr *init_outside(const struct init *in);

/* Writes the address and returns @ret_text. */
const char *init_text(const struct in6_addr *addr, char ret_text[static INET6_ADDRSTRLEN]);

/* Writes the configuration. */
void init_write(FILE *out, const struct init *in);

/* The path of the secret of the mobile node with this home address, as it stands in the
 * configuration: in the same folder. */
void init_secret_name(const struct init *in, const struct in6_addr *home,
		      char ret_name[static PATH_MAX]);

/* The same, for who is not in that folder. */
void init_secret_path(const struct init *in, const struct in6_addr *home,
		      char ret_path[static PATH_MAX]);

/* Says what the other end needs and what to do next. */
void init_tell(FILE *out, const struct init *in);

/* The command; returns the exit status. */
int ctl_init(int argc, char **argv, const char *socket);

#endif
