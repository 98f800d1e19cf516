/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the scanner (config_scan.l) and the grammar (config_grammar.y) share, and what either
 * generator does not declare.
 */
#ifndef BUBD_CONFIG_PARSE_H
#define BUBD_CONFIG_PARSE_H

#include "config_tree.h"

struct config_parse {
	struct problems *problems;
	struct config_tree *tree;
	struct config_node *section; /* that is open */
	struct config_node *item; /* whose keyword was read, but not yet all of the rest; or NULL */
	bool bare;                /* item: nothing but its keyword was */
	struct config_place list; /* of the brace of the list that is open; line 0: none is */

	/* The scanner's: */
	struct config_place here; /* where the next token begins */
	struct config_place at;   /* the last token; line 0: none yet */
	int line_before;          /* of the token before that one */
	int quiet_line;           /* of which nothing more is to be said; 0: none */
	const char *text;         /* of the last token, where it is a word or a string */
};

/* Scans the @len octets at @text, as config_parse(); NULL: out of memory. */
void *config_scan_open(struct config_parse *p, char *text, size_t len);
void config_scan_close(void *scanner);

int config_yylex(struct config_value **value, struct config_place *place, void *scanner);

#endif
