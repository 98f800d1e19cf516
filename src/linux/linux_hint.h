/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What concerns a home agent that restarts (docs/keys.md) or takes over from another one: where its
 * mobile nodes are in UDP, what it says to them there without ESP (RFC 3948, 2.2), where nothing
 * else gets through a NAT, and what the two ends say to each other in dummy packets of ESP.
 */
#ifndef BUB_LINUX_HINT_H
#define BUB_LINUX_HINT_H

#include "linux.h"

#define LNX_HINT_LEN 24

struct esp_sa;

struct lnx_hint_ops {
	/* Home agent: data of @home goes another way now (lnx_udp_end()). */
	void (*followed)(void *ctx, const struct in6_addr *home);
	/* Mobile node: LNX_HINT_LEN octets that are no ESP came in UDP from the home agent's port
	 * of ESP at @from (IPv4: mapped), who may be anybody. */
	void (*hint)(void *ctx, const struct in6_addr *from, struct bub_view octets);
	/* A dummy packet came by the tunnel of @home, which @by has opened, with @octets in it. */
	void (*note)(void *ctx, struct esp_sa *by, const struct in6_addr *home,
		     struct bub_view octets);
	/* Home agent: a packet came by the tunnel of @home while that is in doubt (esp_doubt.h). */
	void (*doubt)(void *ctx, const struct in6_addr *home);
};

/* Sends @octets, ESP_DUMMY_MAX of them at most, in a dummy packet through the tunnel of @home.
 * False: there is none, or it has no ESP. */
bool lnx_note(struct lnx *lnx, const struct in6_addr *home, struct bub_view octets);

/* Home agent: data of @home goes in UDP to that address and port, as far as anybody remembers. */
void lnx_udp_restore(struct lnx *lnx, const struct in6_addr *home, const struct in6_addr *addr,
		     uint16_t port);

/* Home agent: where data of @home goes in UDP, with or without a tunnel.  False: it does not. */
bool lnx_udp_end(const struct lnx *lnx, const struct in6_addr *home, struct in6_addr *ret_addr,
		 uint16_t *ret_port);

/* Home agent: sends @octets, LNX_HINT_LEN of them, there.  What cannot be sent at once is not
 * sent. */
void lnx_hint(struct lnx *lnx, const struct in6_addr *to, uint16_t port, struct bub_view octets);

#endif
