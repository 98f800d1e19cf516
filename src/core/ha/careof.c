/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Home agent: care-of addresses that its tunnel cannot end at (RFC 2473, 4.1.2).
 */
#include "ha/careof.h"
#include "base/addr.h"
#include "cn/cn.h"
#include "ha/state.h"

#define CHAIN_MAX 8 /* bindings followed from a care-of address */

bool careof_is_unicast(const struct bub_engine *eng, const struct in6_addr *a)
{
	if (IN6_IS_ADDR_V4MAPPED(a))
		return bub_addr_is_ipv4(a) &&
		       !IN6_IS_ADDR_UNSPECIFIED(&core_ha(eng)->cfg.ipv4_address);
	return bub_addr_is_routable(a);
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
	return addr_is_reserved_anycast(a);
}

bool careof_leads_back(struct bub_engine *eng, const struct in6_addr *care_of)
{
	struct in6_addr at = *care_of;

	for (unsigned i = 0; i < CHAIN_MAX; i++) {
		const struct binding_cache_entry *b =
			binding_active(eng, &core_ha(eng)->cfg.address, &at);

		if (ha_mobile_node(eng, &at) != NULL ||
		    bub_addr_eq(&at, &core_ha(eng)->cfg.address) ||
		    bub_addr_eq(&at, &core_ha(eng)->cfg.ipv4_address) || agents_has(eng, &at))
			return true;
		/* As a correspondent this node knows where that one is. */
		if (b == NULL)
			return false;
		at = *binding_care_of(b);
	}
	return true;
}
