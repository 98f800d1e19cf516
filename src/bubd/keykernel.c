/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * See keykernel.h.
 */
#include "keykernel.h"

#include "linux.h"
#include "linux_xfrm.h"

static void keykernel_spent(void *ctx, const struct in6_addr *home)
{
	sas_agreed_spent(ctx, home);
}

void keykernel_start(struct sas *sas, struct lnx *lnx)
{
	const struct sas_kernel kernel = {
		.lnx = lnx,
		.add = lnx_xfrm_add,
		.prefer = lnx_xfrm_prefer,
		.remove = lnx_xfrm_remove,
		.has_spi = lnx_xfrm_has_spi,
	};
	const struct lnx_xfrm_ops ops = {.spent = keykernel_spent, .ctx = sas};

	sas_agreed_kernel(sas, &kernel);
	lnx_xfrm_listen(lnx, &ops);
}

void keykernel_stop(struct sas *sas)
{
	const struct sas_kernel nobody = {0};

	if (sas != NULL)
		sas_agreed_kernel(sas, &nobody);
}
