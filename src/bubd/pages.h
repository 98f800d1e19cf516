/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Answers by pages.  A home agent has a hundred thousand mobile nodes, and while it writes an
 * answer it does nothing else: so one answer has so many entries of each list at most, looks at so
 * many at most, and says from where the next one goes on.
 */
#ifndef BUBD_PAGES_H
#define BUBD_PAGES_H

#include <jansson.h>
#include <stdbool.h>

#define PAGE_ENTRIES 100u /* of each list: each costs some 10 microseconds */
#define PAGE_LOOK 64u     /* entries that may be passed over in place of one that is told */

/* What is walked along. */
enum page_list {
	PAGE_CLIENTS,
	PAGE_PEERS,
	PAGE_MEMBERSHIPS,
	PAGE_SAS,
	PAGE_LISTS,
};

/* Which lists are wanted from where on. */
struct page_wanted {
	bool goes_on; /* an earlier answer: only lists that have .wanted */
	struct {
		bool wanted;
		unsigned from;
	} list[PAGE_LISTS];
	bool whole[PAGE_LISTS]; /* without a limit */
	bool none[PAGE_LISTS];  /* nothing of it is told */
};

/* Where a walk is. */
struct page {
	enum page_list list;
	unsigned at, left;
	bool whole, cut;
};

/* Reads what the member "from" of @request says into *ret; false: it cannot be used. */
bool pages_read(const json_t *request, struct page_wanted *ret);

/* Whether @list is in the answer. */
bool pages_has(const struct page_wanted *w, enum page_list list);

/* The beginning of a walk. */
struct page page_of(const struct page_wanted *w, enum page_list list);

/* The walk found an entry and stands at @at behind it.  False: the page is full, and ends before
 * that entry. */
bool page_step(struct page *p, unsigned at);

/* That entry is told. */
void page_tell(struct page *p);

/* The end of a walk: where it was cut, @answer gets the member "more", from where on. */
void page_end(const struct page *p, json_t *answer);

#endif
