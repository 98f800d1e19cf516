/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What may go in the clear between a mobile node and its home agent, and what that counts as.
 *
 * RFC 6275, 5.1 wants ESP for the registration, and RFC 3776, 4 for what goes through the tunnel.
 * An operator may want less: data without ESP, and, to begin with in a test bed, signalling too.
 * Then only addresses say whose a packet is.  docs/link.md has the table.
 */
#ifndef BUB_LINK_CLEAR_H
#define BUB_LINK_CLEAR_H

#include "bub/wire.h"

/* What goes, and has to come, without ESP. */
struct link_clear_config {
	bool registration; /* Binding Updates with the H bit, and their acknowledgements */
	bool mobility;     /* other mobility messages, through the tunnel */
	bool prefixes;     /* Mobile Prefix Solicitation and Advertisement */
	bool payload;      /* everything else through the tunnel, but for discovery */
};

enum link_clear {
	LINK_CLEAR_OWNED,     /* counts as if it had come in ESP, for a home address */
	LINK_CLEAR_PLAIN,     /* what anybody may send: there is nothing to be protected */
	LINK_CLEAR_NEEDS_ESP, /* there is, and this node has it in ESP only */
	LINK_CLEAR_NO_TUNNEL, /* it came out of a tunnel, and is of none of this node's */
};

struct link;

/* A packet that came as it is: is it part of the registration, or of prefix discovery?  Writes
 * @ret_owner where it is owned.  @link is asked which tunnels there are. */
enum link_clear link_clear_bare(const struct link *link, const struct bub_ip6 *ip,
				struct in6_addr *ret_owner);

/* @inner came in an IPv6 header from @outer_src, without ESP: out of whose tunnel? */
enum link_clear link_clear_inner(const struct link *link, const struct bub_ip6 *inner,
				 const struct in6_addr *outer_src, struct in6_addr *ret_owner);

/* Goes @packet through a tunnel of this node without ESP?  It starts at the IPv6 header. */
bool link_clear_out(const struct link *link, struct bub_view packet);

#endif
