/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Path reports: each end tells the other what does not get through on the direct path (protocol.md,
 * 7.5).
 *
 * A mover sends its Binding Update straight to the peer, too, and that copy has the headers that
 * data has.  The acknowledgement comes straight back with the same headers and a cookie, which is
 * sent back in turn.  So two things have to come to the peer within a round trip or two: the copy,
 * and the cookie.  Where both do, both directions are open, and nothing is said of it.  Where one
 * is missing, the peer acknowledges once more, through the home agents, and says there what has
 * come: the mover has no other way to learn that its own direction is closed.
 *
 * The report is signed with Kabm, as the acknowledgement is.  It closes a path only when the copy
 * went to where the peer is.  A packet that just got lost costs a round trip on the longer way: the
 * mover tries the path again at once, with an update that goes nowhere else.  If it had the
 * acknowledgement, it sends the cookie back once more, through the home agents: that the headers of
 * data came to it is so, whatever does not get through from it.
 *
 * This file keeps what is known and judges it; bubmode.c sends.
 */
#include <string.h>

#include "bul/report.h"

#define REPORT_MIN_MS 500u /* copy and cookie are awaited so long at least, */
#define REPORT_RTTS 2u     /* and so many round trips */
#define UDP_TRY_MS 250u    /* UDP is tried so long after the headers of data */

void report_init(struct path_report *r, void (*on_timer)(struct bub_engine *eng, void *owner),
		 void (*on_udp)(struct bub_engine *eng, void *owner), void *owner)
{
	timer_init(&r->udp_timer, on_udp, owner);
	timer_init(&r->timer, on_timer, owner);
}

void report_on_peer_moved(struct bub_engine *eng, struct path_report *r)
{
	core_timer_cancel(eng, &r->udp_timer);
	r->copy_to = in6addr_any;
	r->has_cookie = r->tried = r->told = false;
}

void report_reset(struct bub_engine *eng, struct path_report *r)
{
	core_timer_cancel(eng, &r->timer);
	r->waited = false;
	report_on_peer_moved(eng, r);
}

void report_on_open(struct path_report *r)
{
	r->told = r->waited = false;
}

void report_await(struct bub_engine *eng, struct path_report *r, uint64_t rtt_ms)
{
	uint64_t ms = REPORT_RTTS * rtt_ms;

	if (!r->waited) /* else the answer to the repetition has told it */
		core_timer(eng, &r->timer, ms > REPORT_MIN_MS ? ms : REPORT_MIN_MS);
}

void report_stop(struct bub_engine *eng, struct path_report *r)
{
	core_timer_cancel(eng, &r->timer);
}

void report_note_update(struct path_report *r, uint16_t sequence, const struct in6_addr *direct,
			bool alone, bool in_udp)
{
	r->in_udp = in_udp;
	r->copy_to = direct != NULL && !in_udp ? *direct : in6addr_any;
	r->tried = alone;
	r->trial_sequence = sequence;
}

void report_note_cookie(struct path_report *r, const struct in6_addr *from, const uint8_t *cookie)
{
	r->has_cookie = true;
	r->cookie_from = *from;
	memcpy(r->cookie, cookie, BUB_COOKIE_LEN);
}

bool report_shows_open(const struct path_report *r, const struct rx *rx)
{
	/* It answers what went nowhere else. */
	if (r->tried && rx->mh.u.ba.sequence == r->trial_sequence)
		return !r->in_udp;
	return !r->told && !rx->tunnelled && !rx->ip->in_udp;
}

void report_try_udp_later(struct bub_engine *eng, struct path_report *r)
{
	core_timer(eng, &r->udp_timer, UDP_TRY_MS);
}

bool report_answers_udp(const struct path_report *r, const struct rx *rx)
{
	return r->tried && r->in_udp && rx->mh.u.ba.sequence == r->trial_sequence;
}

unsigned report_judge(struct path_report *r, const struct rx *rx, const struct in6_addr *peer_at)
{
	const uint8_t report = rx->mh.opts.report;
	unsigned what = 0;

	r->peer_port = rx->mh.opts.report_port;
	if (report & BUB_REPORT_CAME)
		what |= REPORT_OPEN;
	if (!(report & BUB_REPORT_WAITED))
		return what;
	if (!(report & BUB_REPORT_CAME) && bub_addr_eq(&r->copy_to, peer_at)) {
		r->told = true;
		what |= REPORT_DOUBT;
	}
	if (!(report & BUB_REPORT_COOKIE) && r->has_cookie && bub_addr_eq(&r->cookie_from, peer_at))
		what |= REPORT_COOKIE;
	else if (!(report & BUB_REPORT_COOKIE))
		what |= REPORT_TRY;
	if (what & REPORT_DOUBT)
		what |= REPORT_TRY;
	return r->tried ? what & ~(unsigned)REPORT_TRY : what;
}
