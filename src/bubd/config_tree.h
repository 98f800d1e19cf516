/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The configuration file as a tree in which everything knows where it stands, and the table of
 * keywords (config_keywords.c) that says what may stand there.  Private to config*; everybody else
 * includes config.h.
 */
#ifndef BUBD_CONFIG_TREE_H
#define BUBD_CONFIG_TREE_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

/* ---- Mistakes ------------------------------------------------------------------------------ */

/* From 1; line 0: of the file as a whole. */
struct config_place {
	int line, column;
};
#define CONFIG_NO_PLACE ((struct config_place){0, 0})

/* Where mistakes go.  At most PROBLEMS_MAX are printed, so that a wrong file fills no screen. */
#define PROBLEMS_MAX 20
struct problems {
	FILE *out;
	const char *path; /* of the configuration file; borrowed */
	unsigned n;
};

/* Prints "FILE:LINE:COLUMN: text" and counts it. */
void problem(struct problems *p, struct config_place at, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* ---- Keywords ------------------------------------------------------------------------------ */

enum config_section {
	IN_FILE,
	IN_INTERFACE,
	IN_MOBILE_NODE,
	IN_HOME_AGENT,
	IN_CLIENT,     /* a mobile-node section within home-agent */
	IN_KEYS,       /* of a mobile node */
	IN_AGENT_KEYS, /* of a home agent */
	IN_REDIS,
	IN_SA,
	IN_PREFIX,
	IN_ADVERTS,
	IN_BUB,
	IN_PEER,
	IN_LIMITS,
};

/* What a value, or the title of a section, has to be. */
enum config_kind {
	KIND_NONE,    /* a section without a title */
	KIND_NUMBER,  /* from min to max */
	KIND_BOOL,    /* true or false: number 1 or 0 */
	KIND_WORD,    /* one of words: number is its index */
	KIND_ADDRESS, /* unicast, and more than link-local */
	KIND_HOST,    /* such an address, or a name, and then ::  as address */
	KIND_PREFIX,  /* ADDRESS/LENGTH */
	KIND_IPV4,    /* an address of IPv4; in memory ::ffff:a.b.c.d */
	KIND_IFNAME,
	KIND_NAME,        /* of the node */
	KIND_PATH,        /* relative ones start at the folder of the configuration file */
	KIND_LOG,         /* the path of a file in a folder that exists */
	KIND_METRICS,     /* where they are served */
	KIND_FINGERPRINT, /* of a public key */
	KIND_IDENTITY,    /* a name in a certificate, or of a pre-shared key */
	KIND_KEY,         /* not to be shown to anybody */
	KIND_SPI,
	KIND_TEXT,
};

/* One line of the table. */
struct config_keyword {
	enum config_section in;
	enum config_kind kind; /* of a value, or of the title of a section */
	const char *name;
	/* Where config_fill() puts the value, in the structure that goes with the section; size 0:
	 * nowhere, whoever reads the section asks for it. */
	size_t offset, size;
	uint32_t min, max;
	const char *unit;             /* of a number, for people */
	const char *const *words;     /* up to a NULL */
	const char *or_else;          /* the default, as one would write it; NULL: what is there */
	unsigned list;                /* how many values it takes; 0: one, without braces */
	enum config_section contents; /* of a section */
	bool is_section;
	bool needed;        /* its section cannot do without it */
	bool unique;        /* no value of the list twice */
	bool reload;        /* a reload takes a change over */
	bool many;          /* a section that may be given more than once */
	bool unique_titles; /* ... with titles that differ as text */
};

/* Words of the table that others need: cover classes by the bits of enum esp_class, algorithms. */
extern const char *const config_classes[];
extern const char *const config_ciphers[];
extern const char *const config_integrities[];
extern const char *const config_suites[]; /* of agreed keys */

/* The keywords of @in, which are one behind the other: the first, and how many. */
const struct config_keyword *config_keywords_of(enum config_section in, size_t *ret_n);

/* NULL: @in has no keyword @name. */
const struct config_keyword *config_keyword_find(enum config_section in, const char *name);

/* Says that @name is no keyword of @in, and which one was meant, perhaps.  A keyword that belongs
 * to another section is told once: then *@astray is set. */
void config_keyword_unknown(struct problems *p, enum config_section in, struct config_place at,
			    const char *name, bool *astray);

/* ---- The tree ------------------------------------------------------------------------------ */

struct config_value {
	struct config_value *next;
	struct config_place at;
	uint32_t number;      /* KIND_NUMBER, KIND_BOOL, KIND_WORD, KIND_SPI */
	struct in6_addr addr; /* KIND_ADDRESS, KIND_HOST, KIND_PREFIX, KIND_IPV4 */
	uint8_t prefix_len;
	char text[]; /* as written */
};

/* A setting with its values, or a section with its title as value. */
struct config_node {
	const struct config_keyword *keyword; /* NULL: none is known, nothing in it was checked */
	struct config_place at;
	struct config_place body; /* of a section's brace */
	struct config_value *values;
	struct config_node *parent, *next, *children, *last_child;
	bool bad;    /* a section: something in it is wrong */
	bool gaps;   /* a section: a keyword in it is not known */
	bool astray; /* a section: something in it belongs elsewhere; a brace may be missing */
};

struct config_tree {
	struct config_node root;
	bool broken;                 /* parts of the file are missing in the tree */
	struct config_block *blocks; /* what it is made of */
};

/*
 * Parses the @len octets at @text, which has room for CONFIG_TEXT_ROOM more and is written to.
 * Whatever is wrong with the syntax, a keyword or one value goes to problem().  Free the tree in
 * any case.
 */
void config_parse(struct problems *p, char *text, size_t len, struct config_tree *ret_tree);

/* Wipes it as well: it may have keys in it. */
void config_tree_free(struct config_tree *tree);

/* Zeroed memory that lasts as long as the tree; NULL: out of memory. */
void *config_tree_alloc(struct config_tree *tree, size_t size);

/* The first node of @keyword in @sec, and the next one beside it; NULL: none.  @sec may be NULL. */
const struct config_node *config_find(const struct config_node *sec, const char *keyword);
const struct config_node *config_next(const struct config_node *node);
unsigned config_count(const struct config_node *sec, const char *keyword);

/* The first value of @keyword in @sec; NULL: none is given. */
const struct config_value *config_value(const struct config_node *sec, const char *keyword);
uint32_t config_number(const struct config_node *sec, const char *keyword, uint32_t or_else);

/* The place to blame for @keyword: its value, else where the section begins. */
struct config_place config_place(const struct config_node *sec, const char *keyword);

/* ---- Values -------------------------------------------------------------------------------- */

/* Reads v->text as a value of @k, or as the title of the section @k.  False after a problem(). */
bool config_check(struct problems *p, const struct config_keyword *k, struct config_value *v);

/*
 * Puts into @base what @sec says, and the defaults for what it does not say; @sec may be NULL.
 * Returns false when it lacks something, after a problem(), or when something in it is wrong.
 */
bool config_fill(struct problems *p, enum config_section in, const struct config_node *sec,
		 void *base);

/* The path that @text means; false: it is too long or empty. */
bool config_path(const struct problems *p, const char *text, char *ret_path, size_t cap);

/*
 * Writes, a line for each keyword of the file, what a reload cannot change: its name, and after a
 * blank everything that is said under it but keys.  Equal lines mean equal settings.  NULL: out of
 * memory.  Free it.
 */
char *config_fixed_text(const struct config_tree *tree);

#endif
