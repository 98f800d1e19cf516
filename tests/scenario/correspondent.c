/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the tests of the mobile node with a correspondent that does not move have in common.
 */
#include "correspondent.h"

#include <string.h>

void talk(struct pair *p, unsigned ms)
{
	for (unsigned t = 0; t < ms; t += 200) {
		world_send_data(p->w, p->mn[0], &p->hoa[0], &p->cn_addr);
		pair_run(p, 200);
	}
}

void away(struct pair *p)
{
	pair_new(p);
	pair_go(p, 0, 0);
	pair_run(p, 2000);
}

struct bub_peer_status status(const struct pair *p)
{
	struct bub_peer_status s = {.why = "no entry"};

	world_mode(p->w, p->mn[0], &p->cn_addr, &s);
	return s;
}

void assert_bound(const struct pair *p)
{
	struct bub_peer_status s = status(p);

	assert_int_equal(s.mode, BUB_MODE_RO);
	assert_true(bub_addr_eq(&s.local_care_of, pair_at(p, 0)));
}

void replace_ba(struct pair *p, struct flight *f, const struct bub_ip6 *ip, const struct bub_mh *mh)
{
	struct in6_addr rh2 = ip->rh2;
	struct forged fo = {
		.src = ip->src,
		.dst = ip->dst,
		.rh2 = &rh2,
		.mh = *mh,
		.key = &p->kbm[0].key,
		.auth_care_of = ip->dst,
		.auth_correspondent = ip->src,
	};
	uint8_t packet[512];

	f->len = pair_build(p, &fo, packet, sizeof packet);
	memcpy(f->octets, packet, f->len);
}
