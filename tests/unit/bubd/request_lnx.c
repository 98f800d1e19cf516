/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the kernel room would say, where test_request.c does not care.
 */
#include "lacking.h"

bool lnx_bypassed(const struct lnx *lnx)
{
	(void)lnx;
	return false;
}

const char *lnx_preferred(const struct lnx *lnx, bool *ret_once)
{
	(void)lnx;
	*ret_once = true;
	return "wl0";
}

bool lnx_lack_next(const struct lnx *lnx, unsigned *at, struct lnx_lack *ret)
{
	(void)lnx;
	(void)at;
	(void)ret;
	return false;
}
