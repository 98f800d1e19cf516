/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What concerns a home agent that restarts (docs/keys.md): where its mobile nodes are in UDP, and
 * what it says to them there without ESP (RFC 3948, 2.2), where nothing else gets through a NAT.
 */
#ifndef BUB_LINUX_HINT_H
#define BUB_LINUX_HINT_H

#include "linux.h"

#define LNX_HINT_LEN 24

struct lnx_hint_ops {
	/* Home agent: data of @home goes another way now (lnx_udp_end()). */
	void (*followed)(void *ctx, const struct in6_addr *home);
	/* Mobile node: LNX_HINT_LEN octets that are no ESP came in UDP from the home agent's port
	 * of ESP at @from (IPv4: mapped), who may be anybody. */
	void (*hint)(void *ctx, const struct in6_addr *from, struct bub_view octets);
};

/* Home agent: where data of @home goes in UDP, with or without a tunnel.  False: it does not. */
bool lnx_udp_end(const struct lnx *lnx, const struct in6_addr *home, struct in6_addr *ret_addr,
		 uint16_t *ret_port);

/* Home agent: sends @octets, LNX_HINT_LEN of them, there.  What cannot be sent at once is not
 * sent. */
void lnx_hint(struct lnx *lnx, const struct in6_addr *to, uint16_t port, struct bub_view octets);

#endif
