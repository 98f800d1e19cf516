/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Why a mobile node's home agent does not answer, as far as can be known from here.
 */
#ifndef BUB_TROUBLE_H
#define BUB_TROUBLE_H

#include "bub/api.h"

BUB_API_BEGIN

/* From the least that is known to the most. */
enum bub_trouble {
	BUB_TROUBLE_NONE,
	BUB_TROUBLE_SILENCE,       /* nothing comes back */
	BUB_TROUBLE_CLEAR_ONLY,    /* it answers what goes without ESP */
	BUB_TROUBLE_NO_ROUTE_HERE, /* the kernel has none */
	BUB_TROUBLE_REFUSED_HERE,  /* by this machine's own firewall */
	BUB_TROUBLE_NO_ROUTE,      /* a router says so, as all of the following */
	BUB_TROUBLE_LOOP,
	BUB_TROUBLE_PROHIBITED,
	BUB_TROUBLE_UNREACHABLE,
	BUB_TROUBLE_NO_HOME_AGENT, /* the host with the address says so */
	BUB_TROUBLE_REFUSED,       /* the home agent has answered with an error */
	BUB_TROUBLE_HOME_PREFIX,   /* no silence: at home by the configured prefix length alone */
	BUB_TROUBLE_COUNT,
};

/* "silence", "no-route", ...; "none" for BUB_TROUBLE_NONE. */
const char *bub_trouble_name(enum bub_trouble what);

/* What it usually means, as one clause; "" for BUB_TROUBLE_NONE. */
const char *bub_trouble_words(enum bub_trouble what);

BUB_API_END

#endif
