/* SPDX-License-Identifier: BSD-2-Clause */
/* See random.h. */
#include "random.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/random.h>

void random_fill(void *ctx, uint8_t *buf, size_t len)
{
	(void)ctx;
	while (len > 0) {
		ssize_t n = getrandom(buf, len, 0);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			abort(); /* no key may ever come from anything else */
		buf += n;
		len -= (size_t)n;
	}
}
