/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Looking in, for who shows what is going on.  Changes nothing.
 */
#include <string.h>

#include "bub_bpf.h"
#include "internal.h"
#include "lacking.h"

_Static_assert(LNX_DETOUR_MARK == BUB_BPF_OWN_MARK, "the same mark");

static bool seen_name(const struct lnx *l, uint32_t ifindex, char ret[static IFNAMSIZ])
{
	const struct link_iface *ifc = link_iface(l->link, ifindex);

	if (ifc != NULL)
		memcpy(ret, ifc->fact.name, IFNAMSIZ);
	return ifc != NULL;
}

bool lnx_bypassed(const struct lnx *l)
{
	return link_bypassed(l->link);
}

bool lnx_failure_next(const struct lnx *l, unsigned *at, struct lnx_failure *ret)
{
	struct link_behind behind;

	if (!link_behind_next(l->link, at, &behind))
		return false;
	*ret = (struct lnx_failure){.addr = behind.addr, .times = behind.failures};
	(void)seen_name(l, behind.ifindex, ret->interface);
	return true;
}

bool lnx_lack_next(const struct lnx *l, unsigned *at, struct lnx_lack *ret)
{
	static const char *const words[] = {
		[LINK_LACK_MISSING] = "does not exist",
		[LINK_LACK_DOWN] = "is down",
		[LINK_LACK_CARRIER] = "has no link",
		[LINK_LACK_IPV6] = "has no address of its own link: IPv6 is switched off there, "
				   "or another host has that address",
		[LINK_LACK_DUPLICATE] =
			"has an address that another host has too (duplicate address detection)",
		[LINK_LACK_CHECKED] = "has an address that is looked for at other hosts first",
		[LINK_LACK_ROUTER] = "hears no router",
		[LINK_LACK_ADDRESS] = "has a router, but no address: autoconfiguration is off, or "
				      "DHCPv6 gave none",
		[LINK_LACK_ROUTES] = "gets no routes for its address",
	};
	struct link_lack lack;

	_Static_assert(sizeof(lack.name) == sizeof(ret->interface), "IFNAMSIZ");
	if (!link_lack_next(l->link, at, &lack))
		return false;
	*ret = (struct lnx_lack){.words = words[lack.kind], .addr = lack.addr};
	memcpy(ret->interface, lack.name, sizeof(ret->interface));
	return true;
}

const char *lnx_shared(const struct lnx *l)
{
	return want_shared(l->want);
}

const char *lnx_preferred(const struct lnx *l, bool *ret_once)
{
	return link_preferred(l->link, ret_once);
}

static unsigned seen_failures(const struct lnx *l, const struct in6_addr *addr)
{
	struct link_behind behind;

	for (unsigned at = 0; link_behind_next(l->link, &at, &behind);)
		if (bub_addr_eq(&behind.addr, addr))
			return behind.failures;
	return 0;
}

bool lnx_care_of_next(const struct lnx *l, unsigned *at, struct lnx_care_of *ret)
{
	const struct in6_addr *addr = link_care_of_next(l->link, at);
	const struct link_iface *ifc = NULL;
	struct link_care_of c = {0};

	if (addr == NULL)
		return false;
	*ret = (struct lnx_care_of){.addr = *addr, .failures = seen_failures(l, addr)};
	if (link_care_of(l->link, addr, &c)) {
		ret->router = c.router;
		(void)seen_name(l, c.ifindex, ret->interface);
		ifc = link_iface(l->link, c.ifindex);
	}
	ret->preference = ifc != NULL ? ifc->preference : 0;
	return true;
}

bool lnx_home_interface(const struct lnx *l, const struct in6_addr *home,
			const struct in6_addr *care_of, char ret_name[static IFNAMSIZ])
{
	struct link_care_of c;
	struct link_home h;

	if (!IN6_IS_ADDR_UNSPECIFIED(care_of))
		return link_care_of(l->link, care_of, &c) && seen_name(l, c.ifindex, ret_name);
	return link_home(l->link, home, &h) && seen_name(l, h.at_home_on, ret_name);
}

uint32_t lnx_own_ifindex(const struct lnx *l)
{
	return l->tun_ifindex;
}

bool lnx_is_away(const struct lnx *l, const struct in6_addr *home)
{
	struct link_home h;

	return link_home(l->link, home, &h) && h.at_home_on == 0;
}

bool lnx_tunnel_ends(const struct lnx *l, const struct in6_addr *home, struct in6_addr *ret_local,
		     struct in6_addr *ret_remote)
{
	const struct link_tunnel *t = link_tunnel(l->link, home);

	if (t == NULL)
		return false;
	*ret_local = t->local_outer;
	*ret_remote = t->remote_outer;
	return true;
}

enum lnx_way lnx_way(const struct lnx *l, const struct in6_addr *local, const struct in6_addr *peer,
		     struct in6_addr *ret_out_src, struct in6_addr *ret_out_dst)
{
	const struct bub_path *path = link_path_taken(l->link, local, peer);

	if (path != NULL) {
		*ret_out_src = path->out_src;
		*ret_out_dst = path->out_dst;
		return LNX_WAY_DIRECT;
	}
	return lnx_is_away(l, local) ? LNX_WAY_TUNNEL : LNX_WAY_ROUTED;
}
