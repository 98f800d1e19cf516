/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What may go into a tunnel (RFC 2473, 4.1): encap.c.
 */
#ifndef BUB_CORE_ENCAP_H
#define BUB_CORE_ENCAP_H

#include "bub/engine.h"

/* How a packet goes into a tunnel (bub/engine.h, u.send). */
struct encap {
	bool has_limit, limit_given, whole;
	uint8_t limit;
};

/* Whether @packet may go through the tunnel from @src to @dst, and how.  False: it is dropped, and
 * counted. */
bool encap_admit(struct bub_engine *eng, struct bub_view packet, const struct in6_addr *src,
		 const struct in6_addr *dst, struct encap *ret_encap);
void encap_fill(const struct encap *e, struct bub_action *act);

#endif
