/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Fragments of the packets that tunnels are made of (RFC 8200, 4.5).  An inner packet of 1280
 * octets goes through any tunnel, so its outer packet may be too big for a path (RFC 2473, 7.1
 * (b)).
 *
 * Octets in, octets out: time is the caller's.  Not thread safe.
 */
#ifndef BUB_FRAG_H
#define BUB_FRAG_H

#include <stddef.h>
#include <stdint.h>

#define FRAG_PACKET_MAX 9216 /* longest packet that is put together: a jumbo frame */
#define FRAG_FRONT_MAX 48    /* headers in front of the fragment header of one that is cut */
#define FRAG_HEAD_MAX (FRAG_FRONT_MAX + 8)

/* What each fragment of a packet begins with: the IPv6 header, and what has to be in front of the
 * fragment header too. */
struct frag_front {
	const uint8_t *data;
	size_t len;      /* at most FRAG_FRONT_MAX */
	size_t named_at; /* the next-header octet that names what is behind */
};

/*
 * One fragment, of at most 1280 octets, of a packet with @front and @body_len octets behind it:
 * writes what goes in front to @ret_head, which has room for FRAG_HEAD_MAX, and returns how many
 * octets follow, from @at on.  @at is 0, then that much more each time, until all is sent.
 */
size_t frag_cut(const struct frag_front *front, size_t body_len, size_t at, uint32_t id,
		uint8_t *ret_head);

/* What became of a fragment. */
enum frag_result {
	FRAG_WAITS,     /* kept, or known already: others are missing */
	FRAG_WHOLE,     /* it was the last one missing */
	FRAG_MALFORMED, /* it is no fragment, or its packet too long */
	FRAG_OVERLAP,   /* says something else than another: the packet is given up (RFC 5722) */
};

struct frag_table;

/* Room for @n packets at once; NULL: out of memory. */
struct frag_table *frag_new(unsigned n);
void frag_free(struct frag_table *t); /* NULL is fine */

/* A received packet whose headers lead to a fragment header. */
struct frag_in {
	const uint8_t *packet; /* from the IPv6 header on */
	size_t len;
	size_t named_at; /* the next-header octet that names the fragment header */
	size_t at;       /* where that begins */
};

/*
 * Takes a fragment (copied).  FRAG_WHOLE: the packet is in *@ret_packet until the next call.  When
 * all places are taken, the packet that has waited longest is given up.
 */
enum frag_result frag_take(struct frag_table *t, uint64_t now_ns, const struct frag_in *f,
			   uint8_t **ret_packet, size_t *ret_len);

/* Packets given up because something of them never came. */
uint64_t frag_lost(const struct frag_table *t);

#endif
