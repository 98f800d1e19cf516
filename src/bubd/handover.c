/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Judges one handover.  Plain data has no numbers, so what was lost on the way cannot be known; the
 * silence between two packets can.  It is told only where data had come within the second before
 * the old path ended: else nobody knows whether the peer had anything to say.
 */
#include "handover.h"

#include <string.h>

#define TRAFFIC_MS 1000 /* data is under way where some came so recently */
/* The same of the tunnel: what the direct path carries passes there for a moment. */
#define TRAFFIC_TUNNEL_MS 200
#define UNANSWERED_MS 60000 /* so long an acknowledgement is waited for */
#define QUIET_MS 1000       /* so long for data after it, where there was none before */
#define SILENT_MS 5000      /* .. and where there was some */
#define TURNED_MS 5000      /* so long before its Binding Update a peer may turn to the tunnel */
#define LOOK_FIRST_MS 20
#define LOOK_LAST_MS 1000

const char *handover_mode_name(enum handover_mode mode)
{
	static const char *const name[] = {"bub", "ro", "home agent", "tunnel"};

	return name[mode];
}

const char *handover_result_name(enum handover_result result)
{
	static const char *const name[] = {"done", "unanswered", "overtaken"};

	return name[result];
}

const char *handover_moved_name(const struct handover *h)
{
	if (h->ours.moved && h->peers.moved)
		return "both";
	return h->ours.moved ? "local" : "peer";
}

static bool time_is_set(struct bub_time t)
{
	return t.ns != 0;
}

static struct handover_number since_began(const struct handover *h, const char *name,
					  struct bub_time t)
{
	return (struct handover_number){
		.name = name,
		.known = time_is_set(t),
		.value = bub_time_before(h->began, t) ? (t.ns - h->began.ns) / 1000 : 0,
	};
}

void handover_numbers(const struct handover *h, struct handover_number ret[static HANDOVER_NUMBERS])
{
	const bool lost = time_is_set(h->lost) && bub_time_before(h->lost, h->began);
	const struct handover_number numbers[HANDOVER_NUMBERS] = {
		{"lost_before_us", lost, lost ? (h->began.ns - h->lost.ns) / 1000 : 0},
		since_began(h, "usable_us", h->usable),
		since_began(h, "update_us", h->update),
		since_began(h, "acknowledged_us", h->acknowledged),
		since_began(h, "data_in_us", h->data_in),
		since_began(h, "data_out_us", h->data_out),
		{"gap_us", h->gap_known, h->gap_ns / 1000},
		{"messages_sent", true, h->sent},
		{"messages_received", true, h->received},
		{"refused_in", h->dropped_known, h->in_refused},
		{"dropped_out", h->dropped_known, h->out_dropped},
	};

	memcpy(ret, numbers, sizeof(numbers));
}

/* The earlier one of those that happened. */
static struct bub_time earlier(struct bub_time a, struct bub_time b)
{
	if (!time_is_set(a) || (time_is_set(b) && bub_time_before(b, a)))
		return b;
	return a;
}

/* The last one of the two before @limit; 0: none was. */
static struct bub_time last_before(struct bub_time a, struct bub_time b, struct bub_time limit)
{
	const struct bub_time never = {0};

	if (!bub_time_before(a, limit))
		a = never;
	if (!bub_time_before(b, limit))
		b = never;
	return bub_time_before(a, b) ? b : a;
}

/* When the old path ended, as far as it is known here. */
static struct bub_time end_of_old(const struct handover *h)
{
	return time_is_set(h->lost) && bub_time_before(h->lost, h->began) ? h->lost : h->began;
}

static bool is_under_way(const struct handover *h, struct bub_time last, struct bub_time at)
{
	const uint64_t ms = h->mode == HANDOVER_AGENT ? TRAFFIC_TUNNEL_MS : TRAFFIC_MS;

	return time_is_set(last) && bub_time_ms_between(last, at) <= ms;
}

/* The last data before the first one of the new path, or before now where there was none yet. */
static struct bub_time data_before(const struct handover *h, const struct lnx_traffic *direct,
				   const struct handover_tunnel *tunnel)
{
	const struct bub_time limit = time_is_set(h->data_in) ? h->data_in : BUB_TIME_NEVER;
	const struct bub_time d =
		time_is_set(direct->in_first) ? direct->in_before : direct->in_last;
	const struct bub_time t =
		time_is_set(tunnel->in_first) ? tunnel->in_before : tunnel->in_last;

	return last_before(d, t, limit);
}

/* A peer that moves by return routability sends through the tunnel long before it says that it has
 * moved: then that change was the silence. */
static bool turned_to_tunnel(const struct handover *h, const struct handover_tunnel *tunnel,
			     uint64_t *ret_ns)
{
	if (!time_is_set(tunnel->in_began) || !time_is_set(tunnel->direct_before) ||
	    !bub_time_before(tunnel->in_began, h->data_in) ||
	    !is_under_way(h, tunnel->direct_before, tunnel->in_began) ||
	    bub_time_ms_between(tunnel->in_began, h->began) > TURNED_MS)
		return false;
	*ret_ns = tunnel->in_began.ns - tunnel->direct_before.ns;
	return true;
}

void handover_judge(struct handover *h, const struct lnx_traffic *direct,
		    const struct handover_tunnel *tunnel, bool sees_all)
{
	struct bub_time before;
	uint64_t silence_ns;

	h->data_in = earlier(direct->in_first, tunnel->in_first);
	h->data_out = earlier(direct->out_first, tunnel->out_first);
	before = data_before(h, direct, tunnel);
	h->expects_data = is_under_way(h, before, end_of_old(h));
	h->gap_known = sees_all && time_is_set(h->data_in) && h->expects_data;
	if (!h->gap_known)
		return;
	h->gap_ns = h->data_in.ns - before.ns;
	if (turned_to_tunnel(h, tunnel, &silence_ns) && silence_ns > h->gap_ns)
		h->gap_ns = silence_ns;
}

bool handover_is_over(const struct handover *h, struct bub_time now, struct bub_time *ret_due)
{
	uint64_t waited_ms, limit_ms, look_ms = LOOK_FIRST_MS;

	if (!time_is_set(h->complete)) {
		*ret_due = bub_time_add_ms(h->began, UNANSWERED_MS);
		return !bub_time_before(now, *ret_due);
	}
	if (time_is_set(h->data_in) && time_is_set(h->data_out))
		return true;
	waited_ms = bub_time_ms_between(h->complete, now);
	limit_ms = h->expects_data && !time_is_set(h->data_in) ? SILENT_MS : QUIET_MS;
	/* Ever more seldom: who is silent is so for long. */
	while (look_ms <= waited_ms)
		look_ms = look_ms < LOOK_LAST_MS ? 2 * look_ms : look_ms + LOOK_LAST_MS;
	*ret_due = bub_time_add_ms(h->complete, look_ms < limit_ms ? look_ms : limit_ms);
	return waited_ms >= limit_ms;
}
