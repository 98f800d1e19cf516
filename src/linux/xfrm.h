/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ESP of data by the kernel, as the other files of this folder see it: linux_xfrm.h is for bubd.
 */
#ifndef BUB_LINUX_XFRM_OF_H
#define BUB_LINUX_XFRM_OF_H

#include "internal.h"
#include "linux_xfrm.h"

/* 0, or a negative errno and a line. */
int xfrm_open(struct lnx *l, char *ret_error, size_t error_size);
void xfrm_close(struct lnx *l);

/* The tunnel of @home may have changed, or the carrier of its data: @native ESP, and nothing else.
 */
void xfrm_fit(struct lnx *l, const struct in6_addr *home, bool native);

/* The next home address with new keys: the carrier of its data is to be said, and bubd at the other
 * end, which sees no data, is to hear of the keys.  False: no more. */
bool xfrm_next(struct lnx *l, struct in6_addr *ret_home);

/* Data of this pair goes by a direct path, or does no more. */
void xfrm_path(struct lnx *l, const struct bub_path *path, bool direct);

bool xfrm_has_homes(const struct lnx *l); /* some have keys in the kernel */

void xfrm_readable(struct lnx *l);
struct bub_time xfrm_deadline(const struct lnx *l);
void xfrm_expire(struct lnx *l, struct bub_time now);

#endif
