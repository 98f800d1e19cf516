/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * In front of the C library it is 1970: a machine without a battery, before it has heard of the
 * time.
 */
#include <time.h>

#define NOW 1000

time_t time(time_t *ret_now)
{
	if (ret_now != NULL)
		*ret_now = NOW;
	return NOW;
}
