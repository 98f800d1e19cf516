/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * See pages.h.  Owns the names of lists in "from" and "more".
 *
 * A place in a list is the number of a slot of the engine's table.  It stays good while entries
 * come and go; what comes into a slot that was passed is not told any more.
 */
#include "pages.h"

#include <limits.h>
#include <string.h>

static const char *const page_names[PAGE_LISTS] = {"clients", "peers", "memberships", "sas"};

bool pages_read(const json_t *request, struct page_wanted *ret)
{
	json_t *from = json_object_get(request, "from"), *v = NULL;
	const char *name = NULL;

	*ret = (struct page_wanted){.goes_on = from != NULL};
	if (from == NULL)
		return true;
	json_object_foreach(from, name, v)
	{
		unsigned i = 0;

		while (i < PAGE_LISTS && strcmp(name, page_names[i]) != 0)
			i++;
		if (i == PAGE_LISTS || !json_is_integer(v) || json_integer_value(v) < 0 ||
		    json_integer_value(v) > UINT_MAX)
			return false;
		ret->list[i].wanted = true;
		ret->list[i].from = (unsigned)json_integer_value(v);
	}
	return json_object_size(from) > 0;
}

bool pages_has(const struct page_wanted *w, enum page_list list)
{
	return !w->goes_on || w->list[list].wanted;
}

struct page page_of(const struct page_wanted *w, enum page_list list)
{
	return (struct page){
		.list = list,
		.at = w->list[list].from,
		.left = w->none[list] ? 0 : PAGE_ENTRIES * PAGE_LOOK,
		.whole = w->whole[list],
	};
}

bool page_step(struct page *p, unsigned at)
{
	if (p->left == 0 && !p->whole) {
		p->cut = true;
		return false;
	}
	p->left -= p->left > 0;
	p->at = at;
	return true;
}

void page_tell(struct page *p)
{
	const unsigned rest = PAGE_LOOK - 1; /* page_step() took one */

	p->left -= p->left > rest ? rest : p->left;
}

void page_end(const struct page *p, json_t *answer)
{
	json_t *more = json_object_get(answer, "more");

	if (!p->cut)
		return;
	if (more == NULL) {
		more = json_object();
		(void)json_object_set_new(answer, "more", more);
	}
	(void)json_object_set_new(more, page_names[p->list], json_integer(p->at));
}
