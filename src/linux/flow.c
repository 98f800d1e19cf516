/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Tells the core which data paths are in use.  Packets on a direct path pass bubd by, but whether
 * the binding at the peer is worth a refresh depends on them (RFC 6275, 11.7.2), and they prove a
 * path (protocol.md, P35).  The maps of the data path know.  Tells bubd how much goes there, too.
 */
#include <time.h>

#include "bub_bpf.h"
#include "xfrm.h"

#define FLOW_SCAN_S 1  /* the core asks whether data came in of late: PROGRESS_S */
#define FLOW_BATCH 256 /* paths that one expiry looks at */

static bool flow_is_unheard(const struct bub_path *p)
{
	return p->trust == BUB_TRUST_HEARD;
}

static bool flows_wanted(const struct lnx *l)
{
	return l->cfg.n_homes > 0 || link_paths_unheard(l->link) > 0;
}

static void flow_tell(struct lnx *l, const struct bub_path *p)
{
	struct bub_event ev = {.type = BUB_EV_FLOW};

	ev.u.flow.heard = flow_is_unheard(p) && datapath_path_heard(l->dp, &p->local, &p->peer);
	if (!datapath_path_used(l->dp, &p->local, &p->peer, &ev.u.flow.came) && !ev.u.flow.heard)
		return;
	ev.u.flow.home = p->local;
	ev.u.flow.peer = p->peer;
	lnx_emit(l, &ev);
}

/* The core begins route optimisation when data comes through the tunnel, and sees none of the
 * kernel's. */
static void flow_tell_tunnelled(struct lnx *l)
{
	struct bub_event ev = {.type = BUB_EV_FLOW};
	struct in6_addr local = in6addr_any, peer = in6addr_any;

	ev.u.flow.tunnelled = true;
	for (unsigned n = 0; n < FLOW_BATCH && datapath_tunnelled_next(l->dp, &local, &peer); n++) {
		ev.u.flow.home = local;
		ev.u.flow.peer = peer;
		lnx_emit(l, &ev);
	}
}

void flow_expire(struct lnx *l, struct bub_time now)
{
	if (!flows_wanted(l))
		return;
	if (l->flow_cursor == FLOW_DONE) {
		if (bub_time_before(now, l->flow_due))
			return;
		l->flow_due = bub_time_add_s(now, FLOW_SCAN_S);
		l->flow_cursor = 0;
		datapath_next_period(l->dp);
		if (xfrm_has_homes(l))
			flow_tell_tunnelled(l);
	}
	for (unsigned n = 0; n < FLOW_BATCH;) {
		const struct bub_path *p = link_path_next(l->link, &l->flow_cursor);

		if (p == NULL) {
			l->flow_cursor = FLOW_DONE;
			return;
		}
		if (!flow_is_unheard(p) && !iface_is_home(l, &p->local))
			continue;
		n++;
		flow_tell(l, p);
	}
}

struct bub_time flow_deadline(const struct lnx *l)
{
	const struct bub_time at_once = {0};

	if (!flows_wanted(l))
		return BUB_TIME_NEVER;
	return l->flow_cursor != FLOW_DONE ? at_once : l->flow_due;
}

/* ---- How much ------------------------------------------------------------------------------ */

/* The programs have the other clock, which stands still while the machine sleeps. */
static uint64_t flow_slept_ns(void)
{
	struct timespec ts = {0};

	(void)clock_gettime(CLOCK_MONOTONIC, &ts);
	return lnx_now().ns - ((uint64_t)ts.tv_sec * BUB_NS_PER_S + (uint64_t)ts.tv_nsec);
}

static struct bub_time flow_time(uint64_t ns, uint64_t slept_ns)
{
	return (struct bub_time){ns == 0 ? 0 : ns + slept_ns};
}

bool lnx_traffic(struct lnx *l, const struct in6_addr *local, const struct in6_addr *peer,
		 struct lnx_traffic *ret)
{
	const uint64_t slept_ns = flow_slept_ns();
	struct bub_bpf_traffic t = {0};
	bool known = datapath_traffic(l->dp, local, peer, &t);

	*ret = (struct lnx_traffic){
		.in_packets = t.in_packets,
		.in_octets = t.in_octets,
		.in_refused = t.in_refused,
		.out_packets = t.out_packets,
		.out_octets = t.out_octets,
		.out_dropped = t.out_dropped,
		.in_last = flow_time(t.in_last_ns, slept_ns),
		.in_first = flow_time(t.in_first_ns, slept_ns),
		.in_before = flow_time(t.in_before_ns, slept_ns),
		.out_first = flow_time(t.out_first_ns, slept_ns),
	};
	return known;
}

void lnx_turn(struct lnx *l, const struct in6_addr *local, const struct in6_addr *peer,
	      const struct in6_addr *local_care_of, const struct in6_addr *peer_care_of)
{
	datapath_turn(l->dp, local, peer, local_care_of, peer_care_of);
}
