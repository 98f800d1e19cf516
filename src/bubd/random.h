/* SPDX-License-Identifier: BSD-2-Clause */
/* The kernel's random octets, the only ones that this daemon uses. */
#ifndef BUBD_RANDOM_H
#define BUBD_RANDOM_H

#include <stddef.h>
#include <stdint.h>

/* Fills @buf; where the kernel has none the daemon ends.  @ctx is not looked at. */
void random_fill(void *ctx, uint8_t *buf, size_t len);

#endif
