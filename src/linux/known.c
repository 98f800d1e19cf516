/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Who is no stranger: the addresses that paths and tunnels name, and the SPIs of our security
 * associations, as the packet filters have them in their maps.  A peer's signalling waits behind
 * nobody else's, and ESP that nobody can open does not come here at all.
 *
 * Several home addresses of this node may have to do with one peer, so that each address is counted
 * by those who hold it.  Being unknown costs a peer its precedence and nothing else.
 */
#include <string.h>

#include "internal.h"

void known_hold(struct lnx *l, const struct in6_addr *addr)
{
	struct lnx_known *k;
	int err;

	if (IN6_IS_ADDR_UNSPECIFIED(addr))
		return;
	k = table_find(&l->known, addr, &in6addr_any);
	if (k == NULL) {
		k = table_add(&l->known, addr, &in6addr_any);
		err = k != NULL ? datapath_known_add(l->dp, addr) : 0;
		if (k == NULL || err < 0)
			lnx_log(l, LNX_LOG_WARNING, "%s is read among strangers: %s",
				lnx_ntop(addr), k == NULL ? "table full" : strerror(-err));
	}
	if (k != NULL)
		k->holders++;
}

void known_release(struct lnx *l, const struct in6_addr *addr)
{
	struct lnx_known *k = table_find(&l->known, addr, &in6addr_any);

	if (k == NULL || --k->holders > 0)
		return;
	(void)datapath_known_del(l->dp, addr);
	table_remove(&l->known, k);
}

static void on_spi(void *ctx, uint32_t spi, bool there)
{
	struct lnx *l = ctx;
	int err = there ? datapath_spi_add(l->dp, spi) : datapath_spi_del(l->dp, spi);

	if (err < 0)
		lnx_log(l, LNX_LOG_WARNING, "the packet filter lets ESP of any SPI in: %s",
			datapath_last_error(l->dp));
}

void known_watch_spis(struct lnx *l)
{
	esp_sad_watch(l->sad, on_spi, l);
}
