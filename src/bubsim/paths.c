/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The data paths of a node: a table of pairs, and the credit of each (engine.h).
 */
#include <assert.h>
#include <stdlib.h>

#include "paths.h"

#define GRACE_NS BUB_NS_PER_S

struct world_path *paths_find(const struct node *n, const struct in6_addr *local,
			      const struct in6_addr *peer)
{
	for (unsigned i = 0; i < n->n_paths; i++)
		if (bub_addr_eq(&n->path[i].path.local, local) &&
		    bub_addr_eq(&n->path[i].path.peer, peer))
			return &n->path[i];
	return NULL;
}

static struct world_path *path_add(struct node *n, const struct bub_path *path)
{
	if (n->n_paths == n->cap_paths) {
		n->cap_paths = n->cap_paths == 0 ? 4 : 2 * n->cap_paths;
		n->path = realloc(n->path, n->cap_paths * sizeof *n->path);
		assert(n->path != NULL);
	}
	n->path[n->n_paths] = (struct world_path){.path = *path};
	return &n->path[n->n_paths++];
}

void paths_set(struct node *n, const struct bub_path *path, uint64_t now_ns)
{
	struct world_path *p = paths_find(n, &path->local, &path->peer);

	if (p == NULL)
		p = path_add(n, path);
	if (!bub_addr_eq(&p->path.in_care_of, &path->in_care_of)) {
		p->heard = false;
		p->before = p->path.in_care_of;
		p->before_until_ns = now_ns + GRACE_NS;
	}
	p->path = *path;
	if (p->credit < path->grant)
		p->credit = path->grant;
}

void paths_del(struct node *n, const struct bub_path *path)
{
	struct world_path *p = paths_find(n, &path->local, &path->peer);

	if (p != NULL)
		*p = n->path[--n->n_paths];
}

void paths_earn(struct world_path *p, size_t octets)
{
	p->heard = true;
	p->credit =
		octets < BUB_CREDIT_MAX - p->credit ? p->credit + (uint32_t)octets : BUB_CREDIT_MAX;
}

bool paths_may_go_direct(struct world_path *p, size_t payload_len)
{
	size_t len = BUB_IP6_HDR_LEN + payload_len;

	if (p == NULL || !p->path.direct)
		return false;
	if (p->path.trust == BUB_TRUST_FULL)
		return true;
	if (p->path.trust == BUB_TRUST_HEARD)
		return p->heard;
	if (len > p->credit)
		return false;
	p->credit -= (uint32_t)len;
	return true;
}

bool world_decode(struct bub_view packet, struct bub_ip6 *ret_ip)
{
	struct bub_ip6 in;

	if (bub_ip6_decode(packet, ret_ip) != BUB_DROP_NONE)
		return false;
	if (bub_ip6_in_udp(ret_ip, BUB_UDP_PORT, &in))
		*ret_ip = in;
	return true;
}
