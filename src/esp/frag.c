/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * See frag.h.  A packet that is being put together has a place of fixed size: a bit for each eight
 * octets says what is there.  Places are few and a full table gives up the oldest, so whoever sends
 * fragments of nothing costs no more than that, and those of a real packet, which come within a
 * millisecond, still meet.
 */
#include "frag.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/ip6.h"

#define MTU 1280 /* of every IPv6 link (RFC 8200, 5) */
#define UNIT ((size_t)8)
#define UNITS (FRAG_PACKET_MAX / UNIT)
#define HEAD_MAX 128                     /* headers in front of the fragment header */
#define TIMEOUT_NS (60ull * 1000000000u) /* RFC 8200, 4.5 */

struct place {
	bool used;
	bool dead; /* fragments of it are dropped until its time is over (RFC 5722, 3) */
	uint64_t since_ns;
	uint8_t addresses[32];
	uint32_t id;
	size_t total; /* 0: the last fragment has not come */
	size_t units; /* that are there */
	size_t head_len;
	uint8_t there[UNITS / 8];
	uint8_t packet[HEAD_MAX + FRAG_PACKET_MAX]; /* the body begins at HEAD_MAX */
};

struct frag_table {
	unsigned n;
	uint64_t lost;
	struct place place[]; /* one more, for packets of one fragment */
};

/* One fragment, taken apart. */
struct piece {
	const uint8_t *data;
	size_t at, len;
	uint32_t id;
	uint8_t next;
	bool more;
};

/* ---- Taking apart -------------------------------------------------------------------------- */

size_t frag_cut(const struct frag_front *front, size_t body_len, size_t at, uint32_t id,
		uint8_t *ret_head)
{
	const size_t chunk = (MTU - front->len - IP6_FRAG_HDR_LEN) / UNIT * UNIT;
	size_t rest = body_len - at;
	bool more = rest > chunk;
	size_t len = more ? chunk : rest;
	uint8_t *frag = ret_head + front->len;

	memcpy(ret_head, front->data, front->len);
	ip6_set_len(ret_head, front->len + IP6_FRAG_HDR_LEN + len);
	frag[0] = ret_head[front->named_at];
	ret_head[front->named_at] = IPPROTO_FRAGMENT;
	frag[1] = 0;
	set_be16(frag + 2, at | (more ? 1u : 0u));
	set_be32(frag + 4, id);
	return len;
}

/* ---- Putting together ---------------------------------------------------------------------- */

struct frag_table *frag_new(unsigned n)
{
	struct frag_table *t = calloc(1, sizeof(*t) + (n + (size_t)1) * sizeof(t->place[0]));

	if (t != NULL)
		t->n = n;
	return t;
}

void frag_free(struct frag_table *t)
{
	free(t);
}

uint64_t frag_lost(const struct frag_table *t)
{
	return t->lost;
}

static bool piece_decode(const struct frag_in *f, struct piece *ret)
{
	const uint8_t *h = f->packet + f->at;
	struct piece p;

	if (f->at < IP6_HDR_LEN || f->at > HEAD_MAX || f->named_at >= f->at ||
	    f->len < f->at + IP6_FRAG_HDR_LEN)
		return false;
	p.next = h[0];
	p.at = be16(h + 2) & ~(size_t)7;
	p.more = (h[3] & 1) != 0;
	p.id = be32(h + 4);
	p.data = h + IP6_FRAG_HDR_LEN;
	p.len = f->len - f->at - IP6_FRAG_HDR_LEN;
	/* RFC 8200, 4.5: all but the last are of whole units.  An empty one says nothing. */
	if (p.len == 0 || (p.more && p.len % UNIT != 0) || p.at + p.len > FRAG_PACKET_MAX)
		return false;
	*ret = p;
	return true;
}

static void give_up(struct frag_table *t, struct place *s)
{
	if (!s->dead)
		t->lost++;
	s->used = false;
}

static void frag_clear(struct place *s)
{
	memset(s, 0, offsetof(struct place, packet));
}

/* The place of the packet that @f belongs to, a new one where there is none. */
static struct place *place_of(struct frag_table *t, uint64_t now_ns, const struct frag_in *f,
			      uint32_t id)
{
	struct place *free_one = NULL, *oldest = &t->place[0];

	for (unsigned i = 0; i < t->n; i++) {
		struct place *s = &t->place[i];

		if (s->used && now_ns - s->since_ns >= TIMEOUT_NS)
			give_up(t, s);
		if (!s->used)
			free_one = s;
		else if (s->id == id && memcmp(s->addresses, f->packet + IP6_SRC_AT, 32) == 0)
			return s;
		else if (s->since_ns < oldest->since_ns)
			oldest = s;
	}
	if (free_one == NULL) {
		give_up(t, oldest);
		free_one = oldest;
	}
	frag_clear(free_one);
	free_one->used = true;
	free_one->since_ns = now_ns;
	free_one->id = id;
	memcpy(free_one->addresses, f->packet + IP6_SRC_AT, 32);
	return free_one;
}

static bool frag_is_there(const struct place *s, size_t unit)
{
	return (s->there[unit / 8] >> unit % 8 & 1) != 0;
}

/* How many units of @p are there already, and whether all that is there says the same. */
static size_t frag_known(const struct place *s, const struct piece *p, bool *ret_same)
{
	size_t n = 0;

	*ret_same = true;
	for (size_t at = 0; at < p->len; at += UNIT) {
		size_t len = p->len - at < UNIT ? p->len - at : UNIT;

		if (!frag_is_there(s, (p->at + at) / UNIT))
			continue;
		n++;
		if (memcmp(s->packet + HEAD_MAX + p->at + at, p->data + at, len) != 0)
			*ret_same = false;
	}
	return n;
}

/* The end that @p says there is fits what came before, and it lies within. */
static bool end_fits(const struct place *s, const struct piece *p)
{
	size_t end = p->at + p->len;

	if (s->total != 0)
		return p->more ? end < s->total : end == s->total;
	if (p->more)
		return true;
	for (size_t unit = (end + UNIT - 1) / UNIT; unit < UNITS; unit++)
		if (frag_is_there(s, unit))
			return false;
	return true;
}

static void frag_keep(struct place *s, const struct frag_in *f, const struct piece *p)
{
	memcpy(s->packet + HEAD_MAX + p->at, p->data, p->len);
	for (size_t at = 0; at < p->len; at += UNIT) {
		size_t unit = (p->at + at) / UNIT;

		s->there[unit / 8] |= (uint8_t)(1u << unit % 8);
		s->units++;
	}
	if (!p->more)
		s->total = p->at + p->len;
	/* RFC 8200, 4.5: the headers in front are those of the first fragment. */
	if (p->at == 0) {
		s->head_len = f->at;
		memcpy(s->packet + HEAD_MAX - f->at, f->packet, f->at);
		s->packet[HEAD_MAX - f->at + f->named_at] = p->next;
	}
}

static bool is_whole(const struct place *s)
{
	return s->total != 0 && s->units == (s->total + UNIT - 1) / UNIT;
}

enum frag_result frag_take(struct frag_table *t, uint64_t now_ns, const struct frag_in *f,
			   uint8_t **ret_packet, size_t *ret_len)
{
	struct place *s;
	struct piece p;
	bool same;
	size_t n;

	if (!piece_decode(f, &p))
		return FRAG_MALFORMED;
	/* RFC 6946, 4: a packet of one fragment has nothing to do with others. */
	if (p.at == 0 && !p.more) {
		s = &t->place[t->n];
		frag_clear(s);
	} else {
		s = place_of(t, now_ns, f, p.id);
	}
	if (s->dead)
		return FRAG_OVERLAP;
	n = frag_known(s, &p, &same);
	/* A copy that the network made is no overlap (RFC 8200, 4.5). */
	if (n == (p.len + UNIT - 1) / UNIT && same && end_fits(s, &p))
		return FRAG_WAITS;
	if (n != 0 || !end_fits(s, &p)) {
		s->dead = true;
		return FRAG_OVERLAP;
	}
	frag_keep(s, f, &p);
	if (!is_whole(s))
		return FRAG_WAITS;
	s->used = false;
	*ret_packet = s->packet + HEAD_MAX - s->head_len;
	*ret_len = s->head_len + s->total;
	ip6_set_len(*ret_packet, *ret_len);
	return FRAG_WHOLE;
}
