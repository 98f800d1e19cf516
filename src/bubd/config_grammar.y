/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The grammar of the configuration file.  Makes the tree, and owns what is wrong with the syntax:
 * the table of keywords says already here what may follow one.
 *
 * After a mistake parsing goes on with the next line, or behind the list that is open.
 */
%define api.prefix {config_yy}
%define api.pure full
%define api.value.type {struct config_value *}
%define api.location.type {struct config_place}
%define parse.error detailed
%define lr.default-reduction consistent
%locations
%param {void *scanner}
%parse-param {struct config_parse *p}

%code requires {
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
	const char *text;         /* the last token; "": the end of the file, or refused */
};

/* Scans the @len octets at @text, as config_parse(); NULL: out of memory. */
void *config_scan_open(struct config_parse *p, char *text, size_t len);
void config_scan_close(void *scanner);

int config_yylex(struct config_value **value, struct config_place *place, void *scanner);
}

%code {
#include <string.h>

#define YYLLOC_DEFAULT(current, rhs, n) ((current) = YYRHSLOC(rhs, (n) > 0 ? 1 : 0))

static bool begin_item(struct config_parse *p, const struct config_value *name);
static bool begin_value(struct config_parse *p, bool append);
static bool begin_title(struct config_parse *p, struct config_value *title);
static void begin_list(struct config_parse *p, struct config_place at);
static void begin_section(struct config_parse *p, struct config_place at);
static void add_value(struct config_parse *p, struct config_value *v);
static int resume(struct config_parse *p, void *scanner, int token, struct config_value **value,
		  struct config_place *place);
static void config_yyerror(struct config_place *place, void *scanner, struct config_parse *p,
			   const char *text);
#define REQUIRE(condition)                                                                         \
	do {                                                                                       \
		if (!(condition))                                                                  \
			YYERROR;                                                                   \
	} while (0)
}

%token YYEOF 0 "the end of the file" TEXT "a word"
%token APPEND "\"+=\"" COMMA "\",\"" CLOSE "\"}\"" OPEN "\"{\"" EQUAL "\"=\""

%%

items
	: %empty
	| items item { p->item = NULL; }
	| items error
	{
		yychar = resume(p, scanner, yychar, &yylval, &yylloc);
		if (yychar == CONFIG_YYEOF)
			YYABORT;
		yyerrok;
	}
	;

item
	: keyword equal value
	| keyword equal OPEN { begin_list(p, @3); } list CLOSE { p->list = CONFIG_NO_PLACE; }
	| keyword body
	| keyword title body
	;

keyword
	: TEXT { REQUIRE(begin_item(p, $1)); }
	;

equal
	: EQUAL { REQUIRE(begin_value(p, false)); }
	| APPEND { REQUIRE(begin_value(p, true)); }
	;

title
	: TEXT { REQUIRE(begin_title(p, $1)); }
	;

body
	: OPEN { begin_section(p, @1); } items CLOSE { p->section = p->section->parent; }
	;

list
	: %empty
	| values
	| values COMMA
	;

values
	: value
	| values COMMA value
	;

value
	: TEXT { add_value(p, $1); }
	;

%%

/* ---- Mistakes ------------------------------------------------------------------------------ */

/* Whether what follows the keyword is right; else the item means nothing. */
static bool fits(struct config_parse *p, bool right, struct config_place at, const char *found)
{
	const struct config_keyword *k = p->item->keyword;
	const char *expected = "one value, without braces";

	if (right || k == NULL)
		return true;
	if (p->bare)
		expected = !k->is_section ? "\"=\"" : k->kind == KIND_NONE ? "\"{\"" : "a title";
	problem(p->problems, at, "\"%s\" is followed by \"%s\"; expected %s", k->name,
		k->kind == KIND_KEY && found == p->text ? "..." : found, expected);
	p->tree->broken = true;
	p->item->keyword = NULL;
	return false;
}

/* Bison knows what it expects, not what that means here. */
static void config_yyerror(struct config_place *place, void *scanner, struct config_parse *p,
			   const char *text)
{
	const char *expecting = strstr(text, "expecting ");
	const struct config_place open = p->list.line != 0 ? p->list : p->section->body;

	(void)scanner;
	p->tree->broken = true;
	if (expecting == NULL && p->problems->n == 0)
		problem(p->problems, *place, "%s", text); /* no room any more */
	else if (expecting == NULL || (p->bare && p->item->keyword == NULL))
		return; /* it was told that nobody knows the word */
	else if (p->text[0] != '\0' && p->bare)
		(void)fits(p, false, *place, p->text);
	else if (p->text[0] != '\0')
		problem(p->problems, *place, "\"%s\" stands where it cannot; expected %s",
			p->item != NULL && p->item->keyword != NULL && p->item->keyword->kind == KIND_KEY ? "..." : p->text, expecting + strlen("expecting "));
	else if (open.line != 0)
		problem(p->problems, open, "a \"{\" that is not closed; expected \"}\"");
	else
		problem(p->problems, p->at, "the file ends too early; expected %s",
			p->bare ? "\"=\" or \"{\"" : expecting + strlen("expecting "));
}

/*
 * Reads on behind a mistake, @token being the next token if it was read already.  What is on the
 * line of the mistake is passed over, but not the end of the section, and all of a list that is
 * open.  Returns the next token to look at.
 */
static int resume(struct config_parse *p, void *scanner, int token, struct config_value **value,
		  struct config_place *place)
{
	const bool in_list = p->list.line != 0;
	unsigned depth = in_list ? 1 : 0;
	int line = p->at.line;

	p->tree->broken = true;
	p->section->bad = true;
	if (p->item != NULL)
		p->item->keyword = NULL;
	p->item = NULL;
	p->bare = false;
	p->list = CONFIG_NO_PLACE;
	p->quiet_line = line;
	if (token == CONFIG_YYEMPTY)
		token = config_yylex(value, place, scanner);
	else if (token == TEXT && place->line != p->line_before && depth == 0)
		line = p->line_before; /* it begins a line and may be a keyword */
	for (;; token = config_yylex(value, place, scanner)) {
		if (token == CONFIG_YYEOF || (token == CLOSE && depth == 0 && p->section->parent != NULL) ||
		    (token == TEXT && depth == 0 && place->line != line))
			break;
		if (depth == 0)
			p->quiet_line = line = place->line;
		if (token == OPEN)
			depth++;
		if (token == CLOSE && depth > 0 && --depth == 0 && in_list) {
			token = CONFIG_YYEMPTY;
			break;
		}
	}
	p->quiet_line = 0;
	return token;
}

/* ---- The tree ------------------------------------------------------------------------------ */

/* What may be given once, and sections whose titles may not be the same. */
static void check_twice(struct config_parse *p, const struct config_node *node)
{
	const struct config_keyword *k = node->keyword;

	for (const struct config_node *n = p->section->children; n != node; n = n->next) {
		if (n->keyword != k ||
		    (k->many && strcmp(n->values->text, node->values->text) != 0))
			continue;
		p->section->bad = true;
		problem(p->problems, node->at,
			"\"%s%s%s\" is given twice, first on line %d; expected it once", k->name,
			k->many ? " " : "", k->many ? n->values->text : "", n->at.line);
		return;
	}
}

/* Nothing is known of what stands in a section that nobody knows. */
static const struct config_keyword *look_up(struct config_parse *p, const struct config_value *name)
{
	struct config_node *sec = p->section;
	const struct config_keyword *k = NULL;

	if (sec->keyword == NULL)
		return NULL;
	k = config_keyword_find(sec->keyword->contents, name->text);
	if (k == NULL)
		config_keyword_unknown(p->problems, sec->keyword->contents, name->at, name->text,
				       &sec->astray);
	sec->gaps |= k == NULL;
	sec->bad |= k == NULL;
	return k;
}

/* False: out of memory. */
static bool begin_item(struct config_parse *p, const struct config_value *name)
{
	struct config_node *sec = p->section;
	struct config_node *node = config_tree_alloc(p->tree, sizeof(*node));

	if (node == NULL) {
		problem(p->problems, name->at, "out of memory");
		return false;
	}
	node->at = name->at;
	node->parent = sec;
	node->keyword = look_up(p, name);
	*(sec->last_child != NULL ? &sec->last_child->next : &sec->children) = node;
	sec->last_child = node;
	p->item = node;
	p->bare = true;
	return true;
}

static bool begin_value(struct config_parse *p, bool append)
{
	const struct config_keyword *k = p->item->keyword;
	struct config_node *first = p->section->children;
	bool right = fits(p, k == NULL || (!k->is_section && (!append || k->list > 0)), p->at,
			  p->text);

	p->bare = false;
	if (right && k != NULL && !append)
		check_twice(p, p->item);
	if (!right || k == NULL || !append)
		return right;
	while (first->keyword != k)
		first = first->next;
	if (first != p->item)
		p->item->keyword = NULL; /* its values go to the first */
	p->item = first;
	return true;
}

static bool begin_title(struct config_parse *p, struct config_value *title)
{
	const struct config_keyword *k = p->item->keyword;
	bool is_section = k == NULL || k->is_section;

	if (k != NULL && fits(p, k->is_section && k->kind != KIND_NONE, title->at, title->text)) {
		p->item->values = config_check(p->problems, k, title) ? title : NULL;
		if (p->item->values == NULL)
			p->item->keyword = NULL;
	}
	p->section->bad |= p->item->keyword == NULL;
	p->bare = false;
	return is_section;
}

static void check_list(struct config_parse *p, const struct config_value *v)
{
	const struct config_keyword *k = p->item->keyword;
	bool twice = false;
	unsigned n = 0;

	for (const struct config_value *o = p->item->values; o != NULL; o = o->next, n++)
		twice |= k->unique && strcmp(o->text, v->text) == 0;
	if (n == k->list)
		problem(p->problems, v->at, "%s: \"%s\" is one too many; expected at most %u",
			k->name, v->text, k->list);
	else if (twice)
		problem(p->problems, v->at, "%s: \"%s\" is listed twice; expected it once", k->name,
			v->text);
	p->section->bad |= n == k->list || twice;
}

static void add_value(struct config_parse *p, struct config_value *v)
{
	struct config_node *item = p->item;
	struct config_value **end = &item->values;

	if (item->keyword == NULL)
		return;
	if (!config_check(p->problems, item->keyword, v)) {
		p->section->bad = true;
		return;
	}
	if (item->keyword->list > 0)
		check_list(p, v);
	while (*end != NULL)
		end = &(*end)->next;
	*end = v;
}

static void begin_list(struct config_parse *p, struct config_place at)
{
	const struct config_keyword *k = p->item->keyword;

	p->list = at;
	(void)fits(p, k == NULL || k->list > 0, at, "{");
}

static void begin_section(struct config_parse *p, struct config_place at)
{
	struct config_node *node = p->item;
	const struct config_keyword *k = node->keyword;
	bool titled = k != NULL && k->kind != KIND_NONE;

	if (k != NULL && fits(p, k->is_section && (!titled || node->values != NULL), at, "{") &&
	    (!k->many || k->unique_titles))
		check_twice(p, node);
	node->body = at;
	p->section = node;
	p->item = NULL;
	p->bare = false;
}

void config_parse(struct problems *problems, char *text, size_t len, struct config_tree *ret_tree)
{
	static const struct config_keyword file = {.contents = IN_FILE};
	struct config_parse p = {.problems = problems, .tree = ret_tree, .here = {1, 1}};
	void *scanner = NULL;

	*ret_tree = (struct config_tree){.root = {.keyword = &file}};
	p.section = &ret_tree->root;
	scanner = config_scan_open(&p, text, len);
	if (scanner != NULL)
		(void)yyparse(scanner, &p);
	else
		config_yyerror(&p.here, NULL, &p, "out of memory");
	config_scan_close(scanner);
}
