/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Puts an answer of many pages together.  bubd writes some entries of each list at a time, because
 * it serves nobody while it writes: each page is a request of its own here.
 */
#include <stdint.h>

#include "ctl.h"

/* Members of answers that are lists of many pages. */
static const char *const listed[] = {"peers", "clients", "memberships", "here", "there", "sas"};

/* What @all asks for of what @more has; to be released. */
static json_t *pages_to_ask(const json_t *more, bool all)
{
	json_t *from = all ? json_copy((json_t *)(uintptr_t)more) : json_object();
	json_t *peers = json_object_get(more, "peers");

	if (!all && peers != NULL)
		(void)json_object_set(from, "peers", peers);
	return from;
}

/* @page's entries come behind those of @answer, and where it ends is where that ends.  False: it
 * has not gone on from @from. */
static bool pages_join(json_t *answer, const json_t *page, const json_t *from)
{
	json_t *more = json_object_get(answer, "more"), *v = NULL;
	const json_t *rest = json_object_get(page, "more");
	const char *name = NULL;
	bool moved = true;

	for (size_t i = 0; i < sizeof(listed) / sizeof(listed[0]); i++) {
		json_t *list = json_object_get(answer, listed[i]);

		if (json_is_array(list) && json_is_array(json_object_get(page, listed[i])))
			(void)json_array_extend(list, json_object_get(page, listed[i]));
	}
	json_object_foreach((json_t *)(uintptr_t)from, name, v)
	{
		json_t *next = json_object_get(rest, name);

		if (next == NULL)
			(void)json_object_del(more, name);
		else if (json_integer_value(next) > json_integer_value(v))
			(void)json_object_set(more, name, next);
		else
			moved = false;
	}
	if (json_object_size(more) == 0)
		(void)json_object_del(answer, "more");
	return moved;
}

json_t *ctl_ask_pages(const char *path, const json_t *request, bool all)
{
	json_t *answer = ctl_ask(path, request);
	bool moved = answer != NULL;

	while (moved) {
		json_t *from = pages_to_ask(json_object_get(answer, "more"), all);
		json_t *next = NULL, *page = NULL;

		if (json_object_size(from) == 0) {
			json_decref(from);
			break;
		}
		next = json_copy((json_t *)(uintptr_t)request);
		(void)json_object_set(next, "from", from);
		page = ctl_ask(path, next);
		json_decref(next);
		if (page == NULL || json_object_get(page, "error") != NULL) {
			json_decref(from);
			json_decref(answer);
			return page;
		}
		moved = pages_join(answer, page, from);
		json_decref(from);
		json_decref(page);
	}
	return answer;
}

json_int_t ctl_served(const json_t *reply, const char *which)
{
	return json_integer_value(json_object_get(json_object_get(reply, "served"), which));
}
