/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Proof that data gets through to where a peer says that it is (protocol.md, P30 and P35).
 *
 * A Binding Update under Kabm shows who sent it, not that the sender is at the care-of address: a
 * peer could point what it has asked for at somebody else.  The acknowledgement that goes straight
 * to a new care-of address carries a cookie, with the headers that data has; the peer sends it back
 * in a Care-of Test signed with Kabm.  Until then data goes there at once, but on credit only (RFC
 * 4866, 2.3).  Who waits for the answer, and asks where none comes, is bul/pathproof.c.
 *
 * Under Kbm it is return routability that has proved the address, by messages without the headers
 * that data has.  Whether those get through shows when data of the peer comes with them, or when
 * the peer does not repeat its Binding Update: it has got the acknowledgement then.
 */
#include <string.h>

#include "cn/binding.h"

#define REPEATED_MS 4000u      /* an update so soon after the last one is no refresh */
#define REPEATED_LATE_MS 1000u /* a repetition may come so much later than it is due */
#define SILENCE_MS 4000u       /* no repetition for so long: the second one would have come, too */
#define COOKIE_IN_UDP 1u       /* in the last octet: by which of two forms it went */
#define GRANT_S 10u            /* credit without having received anything: once in so long */

bool proof_is_good(const struct binding_cache_entry *b)
{
	return b->proof.state == PROOF_GOOD;
}

bool proof_is_unanswered(const struct binding_cache_entry *b)
{
	return b->proof.repeated;
}

void proof_note_unanswered(struct binding_cache_entry *b)
{
	b->proof.repeated = b->proof.asked;
}

void proof_take_back_silence(struct binding_cache_entry *b)
{
	b->proof.repeated = false;
}

bool proof_is_of_udp(const uint8_t cookie[static BUB_COOKIE_LEN])
{
	return cookie[BUB_COOKIE_LEN - 1] & COOKIE_IN_UDP;
}

bool proof_has_cookie(const struct binding_cache_entry *b,
		      const uint8_t cookie[static BUB_COOKIE_LEN])
{
	const size_t last = BUB_COOKIE_LEN - 1;

	return b->proof.asked && memcmp(b->proof.cookie, cookie, last) == 0 &&
	       b->proof.cookie[last] == (cookie[last] & ~COOKIE_IN_UDP);
}

bool proof_headers_came(const struct binding_cache_entry *b)
{
	return b->proof.headers_came;
}

void proof_note_headers(struct binding_cache_entry *b, bool came)
{
	b->proof.headers_came = came;
}

bool proof_awaits_headers(const struct binding_cache_entry *b)
{
	return b->proof.unheard;
}

static void proof_set_state(struct bub_engine *eng, struct binding_cache_entry *b,
			    enum proof_state to, const char *why)
{
	static const char *const name[] = {"awaited", "proved"};

	if (b->proof.state != to)
		core_trace_state(eng, "care-of-proof", name[b->proof.state], name[to], why,
				 &b->key.a, &b->key.b);
	b->proof.state = to;
}

void proof_give(struct bub_engine *eng, struct binding_cache_entry *b, const char *how)
{
	proof_set_state(eng, b, PROOF_GOOD, how);
}

void proof_take_back(struct bub_engine *eng, struct binding_cache_entry *b)
{
	proof_set_state(eng, b, PROOF_NONE, "the update came again");
}

void proof_on_cookie(struct binding_cache_entry *b)
{
	b->proof.repeated = false;
	b->proof.by_cookie = true;
}

/* Gives a new care-of address its first credit.  That happens at most once in GRANT_S, however
 * often the peer moves: else it could point that much at each of many victims. */
static void proof_grant_credit(const struct bub_engine *eng, struct proof *f)
{
	if (f->granted &&
	    bub_time_ms_between(f->granted_at, core_now(eng)) < (uint64_t)GRANT_S * 1000)
		return;
	f->granted = true;
	f->granted_at = core_now(eng);
	f->grant = BUB_CREDIT_START;
}

static void proof_heard(struct bub_engine *eng, struct binding_cache_entry *b, const char *how)
{
	core_timer_cancel(eng, &b->proof.silence);
	b->proof.unheard = false;
	core_trace_state(eng, "headers-proof", "awaited", "proved", how, &b->key.a, &b->key.b);
	core_mark_path(eng, &b->key.a, &b->key.b);
}

static void proof_on_silence(struct bub_engine *eng, void *owner)
{
	proof_heard(eng, owner, "the update did not come again");
}

void proof_init(struct binding_cache_entry *b)
{
	timer_init(&b->proof.silence, proof_on_silence, b);
}

void proof_end(struct bub_engine *eng, struct binding_cache_entry *b)
{
	core_timer_cancel(eng, &b->proof.silence);
	b->proof.unheard = false;
}

bool proof_pauses_grow(const struct binding_cache_entry *b, uint64_t gap_ms)
{
	return b->proof.unheard && b->proof.gap_ms > 0 && 2 * gap_ms > 3 * b->proof.gap_ms;
}

/* Pauses between repetitions double (RFC 6275, 11.8). */
static void proof_await_headers(struct bub_engine *eng, struct binding_cache_entry *b, bool again)
{
	uint64_t gap_ms = again ? bub_time_ms_between(b->updated, core_now(eng)) : 0;
	uint64_t wait_ms = 2 * gap_ms + REPEATED_LATE_MS;

	if (!b->proof.unheard && again)
		core_trace_state(eng, "headers-proof", "proved", "awaited", "the update came again",
				 &b->key.a, &b->key.b);
	b->proof.gap_ms = gap_ms;
	b->proof.unheard = true;
	core_timer(eng, &b->proof.silence, wait_ms > SILENCE_MS ? wait_ms : SILENCE_MS);
}

void proof_on_flow(struct bub_engine *eng, const struct in6_addr *local,
		   const struct in6_addr *peer)
{
	struct binding_cache_entry *b = binding_active(eng, local, peer);

	if (b != NULL && b->proof.unheard)
		proof_heard(eng, b, "data came");
}

void proof_begin(struct bub_engine *eng, struct binding_cache_entry *b, bool moved, bool again)
{
	struct proof *f = &b->proof;

	if (moved)
		f->headers_came = false;
	if (!b->bub && core_config(eng)->check_care_of && (moved || again))
		proof_await_headers(eng, b, again);
	else if (b->bub || !core_config(eng)->check_care_of)
		proof_end(eng, b);
	if (!b->bub || !core_config(eng)->check_care_of) {
		proof_set_state(eng, b, PROOF_GOOD,
				b->bub ? "not asked for" : "return routability");
		return;
	}
	if (moved) {
		proof_set_state(eng, b, PROOF_NONE, "new care-of address");
		f->asked = f->repeated = f->by_cookie = false;
		core_random(eng, f->cookie, sizeof f->cookie);
		f->cookie[BUB_COOKIE_LEN - 1] &= (uint8_t)~COOKIE_IN_UDP;
		proof_grant_credit(eng, f);
	} else if (again && f->asked && !f->by_cookie &&
		   bub_time_ms_between(b->updated, core_now(eng)) < REPEATED_MS) {
		f->repeated = true; /* our acknowledgement did not get through */
	}
}

void proof_ask(struct binding_cache_entry *b, struct mh_out *out, bool in_udp)
{
	if (!b->active || !b->bub || proof_is_good(b))
		return;
	b->proof.asked = true;
	out->mh.opts.present |= BUB_OPT_PATH_COOKIE;
	memcpy(out->mh.opts.path_cookie, b->proof.cookie, BUB_COOKIE_LEN);
	out->mh.opts.path_cookie[BUB_COOKIE_LEN - 1] |= in_udp ? COOKIE_IN_UDP : 0;
}

void proof_fill_path(struct binding_cache_entry *b, bool away, struct bub_path *path)
{
	if (!proof_is_good(b))
		path->trust = BUB_TRUST_CREDIT;
	else if (b->proof.unheard &&
		 !away) /* where both ends are away, they would wait for each other */
		path->trust = BUB_TRUST_HEARD;
	path->grant = b->proof.grant;
	b->proof.grant = 0;
}
