/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The last packets that were opened, in places by their numbers: as many as may be under way twice
 * at once.  Their last octets are the ICV, which tells what was opened from what only has its
 * number.
 */
#include "copies.h"

#include <stdlib.h>
#include <string.h>

#define PLACES 4096 /* a power of two */
#define FRONT_LEN 8 /* SPI and number */
#define TAIL_LEN 12 /* the shortest ICV */

struct copy {
	uint8_t front[FRONT_LEN], tail[TAIL_LEN];
	size_t len;     /* 0: none */
	unsigned known; /* set of carriers by which it came: bits */
};

struct copies {
	struct copy place[PLACES];
};

struct copies *copies_new(void)
{
	return calloc(1, sizeof(struct copies));
}

void copies_free(struct copies *c)
{
	free(c);
}

static struct copy *copy_place(struct copies *c, const uint8_t *esp)
{
	uint32_t spi, number;

	memcpy(&spi, esp, sizeof(spi));
	number = (uint32_t)esp[4] << 24 | (uint32_t)esp[5] << 16 | (uint32_t)esp[6] << 8 | esp[7];
	/* Consecutive numbers of one association never share a place. */
	return &c->place[(number + spi * 2654435761u) % PLACES];
}

void copies_note(struct copies *c, const uint8_t *esp, size_t len, unsigned by)
{
	struct copy *p;

	if (len < FRONT_LEN + TAIL_LEN)
		return;
	p = copy_place(c, esp);
	memcpy(p->front, esp, FRONT_LEN);
	memcpy(p->tail, esp + len - TAIL_LEN, TAIL_LEN);
	p->len = len;
	p->known = 1u << by;
}

bool copies_take(struct copies *c, const uint8_t *esp, size_t len, unsigned by)
{
	struct copy *p;

	if (len < FRONT_LEN + TAIL_LEN)
		return false;
	p = copy_place(c, esp);
	if (p->len != len || (p->known & 1u << by) != 0 || memcmp(p->front, esp, FRONT_LEN) != 0 ||
	    memcmp(p->tail, esp + len - TAIL_LEN, TAIL_LEN) != 0)
		return false;
	p->known |= 1u << by;
	return true;
}
