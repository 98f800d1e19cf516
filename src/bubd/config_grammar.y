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
%define parse.error custom
%define lr.default-reduction consistent
%locations
%param {void *scanner}
%parse-param {struct config_parse *p}

%code requires {
#include "config_parse.h"
}

%code {
#include <string.h>

#define YYLLOC_DEFAULT(current, rhs, n) ((current) = YYRHSLOC(rhs, (n) > 0 ? 1 : 0))

static bool begin_item(struct config_parse *p, const struct config_value *name);
static bool takes_value(struct config_parse *p, bool append);
static bool takes_title(struct config_parse *p, struct config_value *title);
static void add_value(struct config_parse *p, struct config_value *v);
static void begin_list(struct config_parse *p, struct config_place at);
static void begin_section(struct config_parse *p, struct config_place at);
static int resume(struct config_parse *p, void *scanner, int token, struct config_value **value,
		  struct config_place *place);
static void config_yyerror(struct config_place *place, void *scanner, struct config_parse *p,
			 const char *text);
}

%token TEXT APPEND ',' '}' '{' '='

%%

items
	: %empty
	| items item { p->item = NULL; }
	| items error
	{
		yychar = resume(p, scanner, yychar, &yylval, &yylloc);
		if (yychar == 0)
			YYABORT;
		yyerrok;
	}
	;

item
	: keyword equal value
	| keyword equal '{' { begin_list(p, @3); } list '}' { p->list = CONFIG_NO_PLACE; }
	| keyword body
	| keyword title body
	;

keyword
	: TEXT
	{
		if (!begin_item(p, $1))
			YYNOMEM;
	}
	;

equal
	: '='
	{
		if (!takes_value(p, false))
			YYERROR;
	}
	| APPEND
	{
		if (!takes_value(p, true))
			YYERROR;
	}
	;

title
	: TEXT
	{
		if (!takes_title(p, $1))
			YYERROR;
	}
	;

body
	: '{' { begin_section(p, @1); } items '}' { p->section = p->section->parent; }
	;

list
	: %empty
	| values
	| values ','
	;

values
	: value
	| values ',' value
	;

value
	: TEXT { add_value(p, $1); }
	;

%%

/* ---- Mistakes ------------------------------------------------------------------------------ */

/* A mistake in the structure: the item does not mean what its keyword could. */
#define MISPLACED(p, at, ...)                                                                      \
	do {                                                                                       \
		(p)->tree->broken = true;                                                          \
		(p)->item->keyword = NULL;                                                         \
		problem((p)->problems, (at), __VA_ARGS__);                                         \
	} while (0)

/* What has to be behind the keyword. */
static const char *follows(const struct config_keyword *k)
{
	if (k == NULL)
		return "\"=\" or \"{\"";
	if (!k->is_section)
		return "\"=\"";
	return k->kind == KIND_NONE ? "\"{\"" : "a title";
}

static bool takes_list(const struct config_node *item)
{
	return item == NULL || item->keyword == NULL || item->keyword->is_section ||
	       item->keyword->list > 0;
}

static void expected(const struct config_parse *p, const yypcontext_t *ctx, char *ret_text,
		     size_t cap)
{
	yysymbol_kind_t symbol[YYNTOKENS];
	int n = yypcontext_expected_tokens(ctx, symbol, YYNTOKENS);
	size_t at = 0;

	if (p->bare) {
		(void)snprintf(ret_text, cap, "%s", follows(p->item->keyword));
		return;
	}
	for (int i = 0; i < n && at < cap; i++) {
		const char mark = yysymbol_name(symbol[i])[1]; /* of its name, '{' */
		const char *separator = at > 0 ? " or " : "";

		if (symbol[i] == YYSYMBOL_TEXT)
			at += (size_t)snprintf(ret_text + at, cap - at, "%s%s", separator,
					       p->item != NULL ? "a value" : "a keyword");
		else if (symbol[i] != YYSYMBOL_YYEOF && (mark != '{' || takes_list(p->item)))
			at += (size_t)snprintf(ret_text + at, cap - at, "%s\"%c\"", separator,
					       mark);
	}
}

static int yyreport_syntax_error(const yypcontext_t *ctx, void *scanner, struct config_parse *p)
{
	const struct config_place *at = yypcontext_location(ctx);
	yysymbol_kind_t found = yypcontext_token(ctx);
	bool at_end = found == YYSYMBOL_YYEOF;
	bool is_key = p->item != NULL && p->item->keyword != NULL &&
		      p->item->keyword->kind == KIND_KEY;
	char text[128] = "";

	(void)scanner;
	p->tree->broken = true;
	if (p->bare && p->item->keyword == NULL)
		return 0; /* it was told that nobody knows the word */
	expected(p, ctx, text, sizeof(text));
	if (at_end && (p->list.line != 0 || p->section->parent != NULL))
		problem(p->problems, p->list.line != 0 ? p->list : p->section->body,
			"a \"{\" that is not closed; expected \"}\"");
	else if (at_end)
		problem(p->problems, p->at, "the file ends too early; expected %s", text);
	else if (found != YYSYMBOL_TEXT && yysymbol_name(found)[1] == '}' && p->item == NULL)
		problem(p->problems, *at, "a \"}\" that closes nothing; expected %s", text);
	else if (found != YYSYMBOL_TEXT)
		problem(p->problems, *at, "a \"%c\" stands where it cannot; expected %s",
			yysymbol_name(found)[1], text);
	else if (is_key)
		problem(p->problems, *at, "something stands behind the key; expected %s", text);
	else
		problem(p->problems, *at, "\"%s\" stands where it cannot; expected %s", p->text,
			text);
	return 0;
}

/* The parser has no room any more: after a mistake it may have been given thousands of braces. */
static void config_yyerror(struct config_place *place, void *scanner, struct config_parse *p,
			   const char *text)
{
	(void)scanner;
	p->tree->broken = true;
	if (p->problems->n == 0)
		problem(p->problems, *place, "%s", text);
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
		if (token == CONFIG_YYEOF || (token == '}' && depth == 0 && p->section->parent != NULL) ||
		    (token == TEXT && depth == 0 && place->line != line))
			break;
		if (depth == 0)
			p->quiet_line = line = place->line;
		if (token == '{')
			depth++;
		if (token == '}' && depth > 0 && --depth == 0 && in_list) {
			token = CONFIG_YYEMPTY;
			break;
		}
	}
	p->quiet_line = 0;
	return token;
}

/* ---- The tree ------------------------------------------------------------------------------ */

static void check_twice(struct config_parse *p, const struct config_node *node)
{
	const struct config_keyword *k = node->keyword;

	if (k->many)
		return;
	for (const struct config_node *n = p->section->children; n != node; n = n->next) {
		if (n->keyword != k)
			continue;
		p->section->bad = true;
		problem(p->problems, node->at,
			"\"%s\" is given twice, first on line %d; expected it once", k->name,
			n->at.line);
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
	sec->bad |= k == NULL;
	return k;
}

/* False: out of memory. */
static bool begin_item(struct config_parse *p, const struct config_value *name)
{
	struct config_node *sec = p->section;
	struct config_node *node = config_tree_alloc(p->tree, sizeof(*node));

	if (node == NULL)
		return false;
	node->at = name->at;
	node->parent = sec;
	node->keyword = look_up(p, name);
	*(sec->last_child != NULL ? &sec->last_child->next : &sec->children) = node;
	sec->last_child = node;
	p->item = node;
	p->bare = true;
	return true;
}

/* False when it takes none. */
static bool takes_value(struct config_parse *p, bool append)
{
	const struct config_keyword *k = p->item->keyword;
	struct config_node *first = p->section->children;

	p->bare = false;
	if (k == NULL)
		return true;
	if (k->is_section) {
		MISPLACED(p, p->at, "\"%s\" takes no value; expected %s", k->name, follows(k));
		return false;
	}
	if (!append) {
		check_twice(p, p->item);
		return true;
	}
	if (k->list == 0) {
		MISPLACED(p, p->at, "\"%s\" takes one value; expected \"=\"", k->name);
		return true;
	}
	while (first->keyword != k)
		first = first->next;
	if (first != p->item)
		p->item->keyword = NULL; /* its values go to the first */
	p->item = first;
	return true;
}

/* False when it is no title at all. */
static bool takes_title(struct config_parse *p, struct config_value *title)
{
	const struct config_keyword *k = p->item->keyword;

	p->bare = false;
	if (k == NULL)
		return true;
	if (!k->is_section)
		MISPLACED(p, title->at, "\"%s\" is followed by %s%s%s; expected \"=\"", k->name,
			  k->kind == KIND_KEY ? "" : "\"", k->kind == KIND_KEY ? "a key" : title->text,
			  k->kind == KIND_KEY ? "" : "\"");
	else if (k->kind == KIND_NONE)
		MISPLACED(p, title->at, "\"%s\" takes no title; expected \"{\"", k->name);
	else if (config_check(p->problems, k, title))
		p->item->values = title;
	else
		p->section->bad = true;
	if (p->item->values == NULL)
		p->item->keyword = NULL;
	return k->is_section;
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
	if (k != NULL && k->list == 0)
		MISPLACED(p, at, "\"%s\" takes one value; expected it without \"{\"", k->name);
}

/* Sections of one kind whose titles may not be the same. */
static void check_title(struct config_parse *p, const struct config_node *node)
{
	const struct config_keyword *k = node->keyword;

	for (const struct config_node *n = p->section->children; n != node; n = n->next) {
		if (n->keyword != k || strcmp(n->values->text, node->values->text) != 0)
			continue;
		p->section->bad = true;
		problem(p->problems, node->values->at,
			"%s: \"%s\" has a section already, on line %d; expected one", k->name,
			node->values->text, n->at.line);
		return;
	}
}

static void begin_section(struct config_parse *p, struct config_place at)
{
	struct config_node *node = p->item;
	const struct config_keyword *k = node->keyword;

	if (k != NULL && !k->is_section)
		MISPLACED(p, at, "\"%s\" is followed by \"{\"; expected \"=\"", k->name);
	else if (k != NULL && k->kind != KIND_NONE && p->bare)
		MISPLACED(p, at, "\"%s\" has no title; expected one in front of \"{\"", k->name);
	else if (k != NULL)
		check_twice(p, node);
	if (node->keyword != NULL && k->unique_titles)
		check_title(p, node);
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
