/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ESP of data by the kernel (XFRM), of an open instance (linux.h).  docs/esp.md has the story.
 *
 * Only data, only under a pair of SAs of its own, and only keys that are agreed on: so a number of
 * the kernel's and one of this process are never of the same SA, and none has to be stored.
 */
#ifndef BUB_LINUX_XFRM_H
#define BUB_LINUX_XFRM_H

#include "esp.h"

struct lnx;

enum lnx_esp_policy {
	LNX_ESP_AUTO,   /* the kernel where it can */
	LNX_ESP_USER,   /* never the kernel */
	LNX_ESP_KERNEL, /* without the kernel's there is no start */
};

/* Whether there is any; else *ret_why says why not, as half a sentence. */
bool lnx_xfrm_ready(const struct lnx *l, const char **ret_why);

/* The keys of a pair for data of @home, copied; @octets may go through one of them, 0: any number.
 * False: the kernel does not take them. */
bool lnx_xfrm_add(struct lnx *l, const struct in6_addr *home, const struct esp_sa_params *out,
		  const struct esp_sa_params *in, uint64_t octets);

/* Data goes out under that pair from now on, where it goes by the kernel. */
void lnx_xfrm_prefer(struct lnx *l, const struct in6_addr *home, uint32_t out_spi);

void lnx_xfrm_remove(struct lnx *l, const struct in6_addr *home, uint32_t out_spi);

bool lnx_xfrm_has_spi(const struct lnx *l, uint32_t spi); /* inbound */

/* Whom to tell that new keys are wanted: the old ones have had their octets, or what the kernel had
 * of them is gone. */
struct lnx_xfrm_ops {
	void (*spent)(void *ctx, const struct in6_addr *home);
	void *ctx;
};
void lnx_xfrm_listen(struct lnx *l, const struct lnx_xfrm_ops *ops); /* copied */

struct lnx_xfrm_status {
	bool kernel;     /* data goes out by it */
	const char *why; /* not: half a sentence */
	/* By the kernel so far, under the keys that there are. */
	uint64_t in_packets, in_octets, out_packets, out_octets;
};
/* False: @home has no tunnel. */
bool lnx_xfrm_status(struct lnx *l, const struct in6_addr *home, struct lnx_xfrm_status *ret);

#endif
