/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Who is no stranger, as the packet filters have it in their maps: the addresses that the link
 * layer says, and the SPIs of our security associations.  ESP that nobody can open does not come
 * here at all.
 */
#include <string.h>

#include "internal.h"

void known_add(struct lnx *l, const struct in6_addr *addr)
{
	int err = datapath_known_add(l->dp, addr);

	if (err < 0)
		lnx_log(l, LNX_LOG_WARNING, "%s is read among strangers: %s", lnx_ntop(addr),
			strerror(-err));
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
