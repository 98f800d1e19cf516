/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Home agent: care-of addresses that its tunnel cannot end at (RFC 2473, 4.1.2).
 */
#include <string.h>

#include "base/addr.h"
#include "cn/binding.h"
#include "ha/careof.h"
#include "ha/state.h"

#define CHAIN_MAX 8 /* bindings followed from a care-of address */

/* The last 128 interface identifiers of each subnet are anycast addresses, the Mobile IPv6 home
 * agents' among them (RFC 2526, 2). */
static bool is_reserved(const struct in6_addr *a)
{
	static const uint8_t id[7] = {0xfd, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff};

	return memcmp(a->s6_addr + 8, id, sizeof id) == 0 && (a->s6_addr[15] & 0x80) != 0;
}

/* All zeros behind the prefix (RFC 4291, 2.6.1). */
static bool is_subnet_router(const struct in6_addr *a, const struct bub_ha_prefix *p)
{
	struct in6_addr zero = addr_prefix(&p->prefix, p->len);

	return bub_addr_eq(a, &zero);
}

bool careof_is_anycast(const struct bub_engine *eng, const struct in6_addr *a)
{
	for (unsigned i = 0; i < core_ha(eng)->cfg.n_prefixes; i++)
		if (is_subnet_router(a, &core_ha(eng)->cfg.prefix[i]))
			return true;
	return is_reserved(a);
}

bool careof_leads_back(struct bub_engine *eng, const struct in6_addr *care_of)
{
	struct in6_addr at = *care_of;

	for (unsigned i = 0; i < CHAIN_MAX; i++) {
		const struct binding *b = binding_active(eng, &core_ha(eng)->cfg.address, &at);

		if (ha_client(eng, &at) != NULL || bub_addr_eq(&at, &core_ha(eng)->cfg.address) ||
		    agents_has(eng, &at))
			return true;
		/* As a correspondent this node knows where that one is. */
		if (b == NULL)
			return false;
		at = b->care_of;
	}
	return true;
}
