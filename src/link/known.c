/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Who is no stranger: the addresses that paths and tunnels name.  The packet filters have them in
 * their maps, and a peer's signalling waits behind nobody else's.
 *
 * Several home addresses of this node may have to do with one peer, so that each address is counted
 * by those who hold it.  Being unknown costs a peer its precedence and nothing else.
 */
#include "link_internal.h"

/* A path names two addresses, a tunnel one. */
uint32_t known_max(const struct link_config *cfg)
{
	return 2 * cfg->max_paths + cfg->tunnel.max;
}

void known_hold(struct link *lk, const struct in6_addr *addr)
{
	struct known *k;

	/* The packet filters see nothing of IPv4. */
	if (IN6_IS_ADDR_UNSPECIFIED(addr) || IN6_IS_ADDR_V4MAPPED(addr))
		return;
	k = table_find(&lk->known, addr, &in6addr_any);
	if (k == NULL) {
		k = table_add(&lk->known, addr, &in6addr_any);
		if (k == NULL)
			return; /* not so: known_max() */
		link_put(lk, LINK_KNOWN_ADD)->u.local = *addr;
	}
	k->holders++;
}

void known_release(struct link *lk, const struct in6_addr *addr)
{
	struct known *k = table_find(&lk->known, addr, &in6addr_any);

	if (k == NULL || --k->holders > 0)
		return;
	link_put(lk, LINK_KNOWN_DEL)->u.local = *addr;
	table_remove(&lk->known, k);
}
