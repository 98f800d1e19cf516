/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The configuration file as a tree: its memory, and how things are found in it.  How it is made of
 * a text is config_grammar.y's business, what may be in it that of config_keywords.c.
 */
#include "config_tree.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

struct config_block {
	struct config_block *next;
	size_t size;
	_Alignas(max_align_t) unsigned char octets[];
};

void problem(struct problems *p, struct config_place at, const char *fmt, ...)
{
	va_list ap;

	if (p->n++ >= PROBLEMS_MAX)
		return;
	if (at.line > 0)
		(void)fprintf(p->out, "%s:%d:%d: ", p->path, at.line, at.column);
	else
		(void)fprintf(p->out, "%s: ", p->path);
	va_start(ap, fmt);
	(void)vfprintf(p->out, fmt, ap);
	va_end(ap);
	(void)fputc('\n', p->out);
}

void *config_tree_alloc(struct config_tree *tree, size_t size)
{
	struct config_block *block = calloc(1, sizeof(*block) + size);

	if (block == NULL)
		return NULL;
	block->size = size;
	block->next = tree->blocks;
	tree->blocks = block;
	return block->octets;
}

void config_tree_free(struct config_tree *tree)
{
	while (tree->blocks != NULL) {
		struct config_block *block = tree->blocks;

		tree->blocks = block->next;
		explicit_bzero(block->octets, block->size);
		free(block);
	}
}

static const struct config_node *first_of(const struct config_node *n, const char *keyword)
{
	while (n != NULL && (n->keyword == NULL || strcmp(n->keyword->name, keyword) != 0))
		n = n->next;
	return n;
}

const struct config_node *config_find(const struct config_node *sec, const char *keyword)
{
	return sec != NULL ? first_of(sec->children, keyword) : NULL;
}

const struct config_node *config_next(const struct config_node *node)
{
	return first_of(node->next, node->keyword->name);
}

unsigned config_count(const struct config_node *sec, const char *keyword)
{
	unsigned n = 0;

	for (const struct config_node *node = config_find(sec, keyword); node != NULL;
	     node = config_next(node))
		n++;
	return n;
}

const struct config_value *config_value(const struct config_node *sec, const char *keyword)
{
	const struct config_node *node = config_find(sec, keyword);

	return node != NULL ? node->values : NULL;
}

uint32_t config_number(const struct config_node *sec, const char *keyword, uint32_t or_else)
{
	const struct config_value *v = config_value(sec, keyword);

	return v != NULL ? v->number : or_else;
}

struct config_place config_place(const struct config_node *sec, const char *keyword)
{
	const struct config_node *node = config_find(sec, keyword);

	if (node == NULL)
		return sec->at;
	return node->values != NULL ? node->values->at : node->at;
}

/* ---- Its text ------------------------------------------------------------------------------ */

/* The length stands before each text, so that no text can look like something else. */
static void write_node(FILE *out, const struct config_node *node)
{
	const struct config_keyword *k;
	size_t n;

	for (const struct config_value *v = node->values; v != NULL; v = v->next)
		(void)fprintf(out, " %zu:%s", strlen(v->text), v->text);
	if (!node->keyword->is_section)
		return;
	(void)fputs(" {", out);
	k = config_keywords_of(node->keyword->contents, &n);
	for (; n > 0; n--, k++) {
		if (k->reload || k->kind == KIND_KEY)
			continue;
		for (const struct config_node *c = config_find(node, k->name); c != NULL;
		     c = config_next(c)) {
			(void)fprintf(out, " %s", k->name);
			write_node(out, c);
		}
	}
	(void)fputs(" }", out);
}

char *config_fixed_text(const struct config_tree *tree)
{
	size_t n, len = 0;
	const struct config_keyword *k = config_keywords_of(IN_FILE, &n);
	char *text = NULL;
	FILE *out = open_memstream(&text, &len);

	if (out == NULL)
		return NULL;
	for (; n > 0; n--, k++) {
		if (k->reload)
			continue;
		(void)fprintf(out, "%s ", k->name);
		for (const struct config_node *node = config_find(&tree->root, k->name);
		     node != NULL; node = config_next(node))
			write_node(out, node);
		(void)fputc('\n', out);
	}
	if (fclose(out) == 0)
		return text;
	free(text);
	return NULL;
}
