/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Between what is read and the core: data that comes in a row, of one stream and by one way, goes
 * to the core as one packet that stands for several (merged.h).  So the core decides once for all
 * of them, and whatever follows from that is done for all of them: routes, tunnels, system calls.
 *
 * Nothing waits for a packet that has not come yet: what is there goes on when all that was to be
 * read is read, and before anything else is told to the core.
 */
#include <errno.h>
#include <stdlib.h>

#include "base/addr.h"
#include "internal.h"
#include "linux_esp.h"
#include "merged.h"

struct bulk {
	struct bub_event ev; /* how the first of them came */
	struct merge merge;
	uint8_t packet[MERGE_MAX];
};

unsigned lnx_passed(const struct lnx *l)
{
	return (unsigned)(l->count[COUNT_ESP_IN] + l->count[COUNT_ESP_OUT] - l->passed);
}

bool bulk_may_read(const struct lnx *l)
{
	return lnx_passed(l) < LNX_PASSED_MAX;
}

int bulk_new(struct lnx *l)
{
	l->bulk = calloc(1, sizeof(*l->bulk));
	if (l->bulk == NULL)
		return -ENOMEM;
	l->bulk->merge.packet = l->bulk->packet;
	return 0;
}

void bulk_free(struct lnx *l)
{
	free(l->bulk);
}

static bool bulk_same_way(const struct bub_event *a, const struct bub_event *b)
{
	return a->ifindex == b->ifindex && a->u.packet.ingress == b->u.packet.ingress &&
	       a->u.packet.newest == b->u.packet.newest &&
	       a->u.packet.translated == b->u.packet.translated &&
	       bub_addr_eq(&a->u.packet.owner, &b->u.packet.owner) &&
	       bub_addr_eq(&a->u.packet.outer_src, &b->u.packet.outer_src) &&
	       bub_addr_eq(&a->u.packet.outer_dst, &b->u.packet.outer_dst);
}

void bulk_flush(struct lnx *l)
{
	struct merge *m = &l->bulk->merge;
	struct bub_event ev = l->bulk->ev;

	if (m->len == 0)
		return;
	merge_end(m);
	ev.u.packet.data = (struct bub_view){m->packet, m->len};
	ev.u.packet.merged = m->merged;
	m->len = 0; /* the octets stay until the next one is taken */
	l->cb.event(l->cb.ctx, &ev);
}

void bulk_take(struct lnx *l, const struct bub_event *ev, bool checked)
{
	const struct bub_view packet = ev->u.packet.data;
	struct merge *m = &l->bulk->merge;

	if (m->len > 0 && bulk_same_way(&l->bulk->ev, ev) &&
	    merge_add(m, packet.data, packet.len, checked))
		return;
	bulk_flush(l);
	if (merge_add(m, packet.data, packet.len, checked))
		l->bulk->ev = *ev;
	else
		l->cb.event(l->cb.ctx, ev);
}
