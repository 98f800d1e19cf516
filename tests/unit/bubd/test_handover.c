/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What is made of a handover, out of events, traces, actions and packets that are made up here.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <arpa/inet.h>
#include <cmocka.h>
#include <string.h>

#include "gaps.h"
#include "handovers.h"

#define HOME "2001:db8:1::10"
#define AGENT "2001:db8:1::1"
#define PEER "2001:db8:2::10"
#define A1 "2001:db8:a::1"
#define A2 "2001:db8:b::1"
#define B1 "2001:db8:c::1"
#define B2 "2001:db8:d::1"

static struct handovers *hs;
static struct bub_time now;
static struct lnx_traffic direct; /* what the data path would say */
static struct handover told[8];
static unsigned n_told, n_turns;
static struct in6_addr turn_local, turn_peer;

static struct in6_addr addr(const char *text)
{
	struct in6_addr a;

	assert_int_equal(inet_pton(AF_INET6, text, &a), 1);
	return a;
}

static void assert_addr(const struct in6_addr *have, const char *want)
{
	const struct in6_addr a = addr(want);

	assert_memory_equal(have, &a, sizeof(a));
}

static void on_turn(void *ctx, const struct in6_addr *local, const struct in6_addr *peer,
		    const struct in6_addr *local_care_of, const struct in6_addr *peer_care_of)
{
	(void)ctx;
	assert_addr(local, HOME);
	assert_addr(peer, PEER);
	turn_local = *local_care_of;
	turn_peer = *peer_care_of;
	direct.in_first = direct.out_first = (struct bub_time){0};
	n_turns++;
}

static bool on_traffic(void *ctx, const struct in6_addr *local, const struct in6_addr *peer,
		       struct lnx_traffic *ret)
{
	(void)ctx;
	assert_addr(local, HOME);
	assert_addr(peer, PEER);
	*ret = direct;
	return true;
}

static void on_done(void *ctx, const struct handover *h)
{
	(void)ctx;
	assert_true(n_told < 8);
	told[n_told++] = *h;
}

/* ---- What happens -------------------------------------------------------------------------- */

static void wait_ms(uint64_t ms)
{
	const struct bub_time end = bub_time_add_ms(now, ms);

	while (!bub_time_before(end, handovers_deadline(hs))) {
		if (bub_time_before(now, handovers_deadline(hs)))
			now = handovers_deadline(hs);
		handovers_expire(hs, now);
	}
	now = end;
}

static void care_of_new(const char *care_of)
{
	struct bub_event ev = {.type = BUB_EV_CARE_OF_NEW};

	ev.u.care_of.address = addr(care_of);
	handovers_event(hs, now, &ev);
}

/* @care_of "": unattached; HOME: at home */
static void attach(const char *care_of)
{
	struct bub_action act = {.type = BUB_ACT_ATTACH};

	act.u.attach.home = addr(HOME);
	act.u.attach.home_agent = addr(AGENT);
	act.u.attach.at_home = strcmp(care_of, HOME) == 0;
	if (care_of[0] != '\0' && !act.u.attach.at_home)
		act.u.attach.care_of = addr(care_of);
	handovers_action(hs, now, &act);
}

static void registered(const char *care_of)
{
	struct bub_action act = {.type = BUB_ACT_REGISTRATION};

	act.u.registration.home = addr(HOME);
	act.u.registration.care_of = addr(care_of);
	act.u.registration.acknowledged = true;
	handovers_action(hs, now, &act);
}

/* @in_care_of "": the peer is not bound */
static void path(bool is_direct, const char *out_src, const char *in_care_of)
{
	struct bub_action act = {.type = BUB_ACT_PATH_SET};

	act.u.path.local = addr(HOME);
	act.u.path.peer = addr(PEER);
	act.u.path.direct = is_direct;
	act.u.path.out_src = addr(is_direct ? out_src : HOME);
	if (in_care_of[0] != '\0')
		act.u.path.in_care_of = addr(in_care_of);
	handovers_action(hs, now, &act);
}

static void path_ends(void)
{
	struct bub_action act = {.type = BUB_ACT_PATH_DEL};

	act.u.path.local = addr(HOME);
	act.u.path.peer = addr(PEER);
	handovers_action(hs, now, &act);
}

static void message(enum bub_trace_type type, const char *what, const char *via, const char *local,
		    const char *peer, const char *care_of)
{
	const struct bub_trace tr = {
		.type = type,
		.now = now,
		.what = what,
		.via = via,
		.local = addr(local),
		.peer = addr(peer),
		.care_of = addr(care_of),
	};

	handovers_trace(hs, &tr);
}

static void state(const char *machine, const char *from, const char *to, const char *why)
{
	const struct bub_trace tr = {
		.type = BUB_TR_STATE,
		.now = now,
		.machine = machine,
		.from = from,
		.to = to,
		.what = why,
		.local = addr(HOME),
		.peer = addr(PEER),
	};

	handovers_trace(hs, &tr);
}

static void tunnelled(bool in, uint8_t next, const char *outer_dst)
{
	const struct in6_addr local = addr(HOME), peer = addr(PEER);
	uint8_t packet[48] = {0x60, 0, 0, 0, 0, 8, next, 64};
	struct bub_event ev = {.type = BUB_EV_PACKET};
	struct bub_action act = {.type = BUB_ACT_SEND};

	memcpy(packet + 8, in ? &peer : &local, 16);
	memcpy(packet + 24, in ? &local : &peer, 16);
	if (in) {
		ev.u.packet.ingress = BUB_INGRESS_ESP_TUNNEL;
		ev.u.packet.data = (struct bub_view){packet, sizeof(packet)};
		ev.u.packet.outer_dst = addr(outer_dst);
		handovers_event(hs, now, &ev);
		return;
	}
	act.u.send.egress = BUB_EGRESS_TUNNEL;
	act.u.send.data = (struct bub_view){packet, sizeof(packet)};
	handovers_action(hs, now, &act);
}

/* In BUB mode, we at A1 and the peer at B1, and data on the direct path until now. */
static int setup(void **state_)
{
	const struct handovers_host host = {
		.turn = on_turn, .traffic = on_traffic, .done = on_done};

	(void)state_;
	hs = handovers_new(&host, 4, 1);
	now = (struct bub_time){1000 * BUB_NS_PER_S};
	memset(&direct, 0, sizeof(direct));
	n_told = n_turns = 0;
	attach(A1);
	registered(A1);
	state("mode", "ro", "bub", "both ends agreed on BUB");
	path(true, A1, B1);
	direct.in_packets = 100;
	direct.in_last = now;
	assert_int_equal(n_told, 0);
	return 0;
}

static int teardown(void **state_)
{
	(void)state_;
	handovers_free(hs);
	return 0;
}

static void we_jump(void)
{
	attach("");
	wait_ms(200);
	care_of_new(A2);
	attach(A2);
	path(false, HOME, B1);
	wait_ms(2);
	message(BUB_TR_SENT, "Binding Update", "home agents", HOME, PEER, A2);
	message(BUB_TR_SENT, "Binding Update", "direct", HOME, PEER, A2);
}

static void data_comes_ms_ago(uint64_t ms)
{
	direct.in_before = direct.in_last;
	direct.in_first = (struct bub_time){now.ns - ms * BUB_NS_PER_MS};
	direct.in_last = now;
	direct.out_first = direct.in_first;
}

static const struct handover *the_peers(void)
{
	for (unsigned i = 0; i < n_told; i++)
		if (told[i].mode != HANDOVER_AGENT)
			return &told[i];
	fail_msg("no handover with the peer");
	return NULL;
}

static void assert_number(const struct handover *h, const char *name, bool known, uint64_t value)
{
	struct handover_number n[HANDOVER_NUMBERS];

	handover_numbers(h, n);
	for (unsigned i = 0; i < HANDOVER_NUMBERS; i++) {
		if (strcmp(n[i].name, name) != 0)
			continue;
		assert_int_equal(n[i].known, known);
		if (known)
			assert_int_equal(n[i].value, value);
		return;
	}
	fail_msg("no %s", name);
}

/* ---- Tests --------------------------------------------------------------------------------- */

static void we_move_in_bub_mode(void **state_)
{
	const struct handover *h;

	(void)state_;
	we_jump();
	assert_int_equal(n_turns, 1);
	assert_addr(&turn_local, A2);
	assert_addr(&turn_peer, B1);
	direct.in_refused = 3;
	wait_ms(90);
	message(BUB_TR_RECEIVED, "Binding Acknowledgement", "direct", HOME, PEER, B1);
	path(true, A2, B1);
	data_comes_ms_ago(1);
	wait_ms(30);
	h = the_peers();
	assert_string_equal(handover_mode_name(h->mode), "bub");
	assert_string_equal(handover_result_name(h->result), "done");
	assert_string_equal(handover_moved_name(h), "local");
	assert_addr(&h->ours.from, A1);
	assert_addr(&h->ours.to, A2);
	assert_addr(&h->peers.from, B1);
	assert_addr(&h->peers.to, B1);
	assert_number(h, "lost_before_us", true, 200000);
	assert_number(h, "usable_us", true, 0);
	assert_number(h, "update_us", true, 2000);
	assert_number(h, "acknowledged_us", true, 92000);
	assert_number(h, "data_in_us", true, 91000);
	assert_number(h, "gap_us", true, 291000);
	assert_number(h, "messages_sent", true, 2);
	assert_number(h, "messages_received", true, 1);
	assert_number(h, "refused_in", true, 3);
	assert_number(h, "dropped_out", true, 0);
}

/* Nobody knows whether the peer had anything to say. */
static void no_data_before(void **state_)
{
	const struct handover *h;

	(void)state_;
	wait_ms(1500);
	we_jump();
	wait_ms(90);
	path(true, A2, B1);
	data_comes_ms_ago(1);
	wait_ms(2000);
	h = the_peers();
	assert_number(h, "data_in_us", true, 91000);
	assert_number(h, "gap_us", false, 0);
}

static void no_data_after(void **state_)
{
	const struct handover *h;

	(void)state_;
	we_jump();
	wait_ms(90);
	path(true, A2, B1);
	wait_ms(4900); /* some had been under way */
	assert_int_equal(n_told, 0);
	wait_ms(200);
	h = the_peers();
	assert_string_equal(handover_result_name(h->result), "done");
	assert_number(h, "data_in_us", false, 0);
	assert_number(h, "data_out_us", false, 0);
	assert_number(h, "gap_us", false, 0);
}

static void the_peer_moves(void **state_)
{
	const struct handover *h;

	(void)state_;
	message(BUB_TR_RECEIVED, "Binding Update", "home agents", HOME, PEER, B2);
	path(true, A1, B2);
	assert_addr(&turn_local, A1);
	assert_addr(&turn_peer, B2);
	message(BUB_TR_SENT, "Binding Acknowledgement", "direct", HOME, PEER, A1);
	wait_ms(50);
	data_comes_ms_ago(0);
	wait_ms(100);
	assert_int_equal(n_told, 1);
	h = the_peers();
	assert_string_equal(handover_moved_name(h), "peer");
	assert_string_equal(handover_mode_name(h->mode), "bub");
	assert_addr(&h->peers.from, B1);
	assert_addr(&h->peers.to, B2);
	assert_addr(&h->ours.to, A1);
	assert_number(h, "usable_us", false, 0);
	assert_number(h, "update_us", true, 0);
	assert_number(h, "acknowledged_us", true, 0);
	assert_number(h, "gap_us", true, 50000);
	assert_number(h, "messages_sent", true, 1);
	assert_number(h, "messages_received", true, 1);
}

/* What comes by the peer's home agent is ordinary IPv6 there. */
static void a_node_at_home_sees_not_all(void **state_)
{
	const struct handover *h;

	(void)state_;
	attach(HOME);
	state("correspondent-registration", "sent", "none", "at home");
	path(true, HOME, B1);
	wait_ms(10000);
	n_told = 0;
	direct.in_last = now;
	message(BUB_TR_RECEIVED, "Binding Update", "direct", HOME, PEER, B2);
	path(true, HOME, B2);
	wait_ms(50);
	data_comes_ms_ago(0);
	wait_ms(2000);
	h = the_peers();
	assert_string_equal(handover_moved_name(h), "peer");
	assert_number(h, "data_in_us", true, 50000);
	assert_number(h, "gap_us", false, 0);
}

static void both_jump(void **state_)
{
	const struct handover *h;

	(void)state_;
	we_jump();
	wait_ms(40);
	message(BUB_TR_RECEIVED, "Binding Update", "home agents", HOME, PEER, B2);
	path(false, HOME, B2);
	assert_addr(&turn_local, A2);
	assert_addr(&turn_peer, B2);
	wait_ms(50);
	path(true, A2, B2);
	data_comes_ms_ago(10);
	wait_ms(100);
	h = the_peers();
	assert_string_equal(handover_moved_name(h), "both");
	assert_addr(&h->ours.to, A2);
	assert_addr(&h->peers.to, B2);
	assert_number(h, "update_us", true, 2000); /* ours */
	assert_number(h, "acknowledged_us", true, 92000);
	assert_number(h, "gap_us", true, 282000);
	assert_int_equal(n_told, 1);
}

/* Long after: two handovers. */
static void one_after_the_other(void **state_)
{
	(void)state_;
	we_jump();
	wait_ms(90);
	path(true, A2, B1);
	wait_ms(3000);
	message(BUB_TR_RECEIVED, "Binding Update", "home agents", HOME, PEER, B2);
	path(true, A2, B2);
	assert_int_equal(n_told, 1);
	assert_string_equal(handover_moved_name(&told[0]), "local");
	data_comes_ms_ago(0);
	wait_ms(10);
	assert_int_equal(n_told, 2);
	assert_string_equal(handover_moved_name(&told[1]), "peer");
}

static void moved_again_before_the_answer(void **state_)
{
	(void)state_;
	we_jump();
	wait_ms(20);
	care_of_new(A1);
	attach(A1);
	assert_int_equal(n_told, 0); /* the peer knows A1 still */
	care_of_new(B2);
	attach(B2);
	assert_string_equal(handover_result_name(the_peers()->result), "overtaken");
}

static void no_answer(void **state_)
{
	struct handovers_view view;
	struct in6_addr home = addr(HOME), peer = addr(PEER);

	(void)state_;
	we_jump();
	wait_ms(59000);
	assert_true(handovers_of_peer(hs, &home, &peer, &view));
	assert_null(view.last);
	wait_ms(2000);
	assert_string_equal(handover_result_name(the_peers()->result), "unanswered");
	assert_true(handovers_of_peer(hs, &home, &peer, &view));
	assert_non_null(view.last);
	assert_true(bub_time_is_never(handovers_deadline(hs)));
}

/* By return routability: data finds the tunnel before the peer says that it has moved. */
static void the_peer_turns_to_the_tunnel(void **state_)
{
	const struct handover *h;

	(void)state_;
	wait_ms(300);
	tunnelled(true, 17, A1);
	wait_ms(100);
	tunnelled(true, 17, A1);
	wait_ms(100);
	message(BUB_TR_RECEIVED, "Binding Update", "direct", HOME, PEER, B2);
	path(true, A1, B2);
	data_comes_ms_ago(0);
	wait_ms(100);
	h = the_peers();
	assert_number(h, "data_in_us", true, 0);
	assert_number(h, "gap_us", true, 300000);
	/* The next one has nothing to do with it. */
	message(BUB_TR_RECEIVED, "Binding Update", "direct", HOME, PEER, B1);
	path(true, A1, B1);
	wait_ms(70);
	data_comes_ms_ago(0);
	wait_ms(100);
	assert_number(&told[1], "gap_us", true, 170000);
}

static void data_comes_through_the_tunnel_first(void **state_)
{
	const struct handover *h;

	(void)state_;
	we_jump();
	tunnelled(true, 17, A1);  /* to the old address: not there yet, and the silence ends */
	tunnelled(true, 135, A2); /* a mobility message is no data */
	wait_ms(30);
	tunnelled(true, 17, A2);
	tunnelled(false, 17, A2);
	wait_ms(60);
	path(true, A2, B1);
	wait_ms(30);
	h = the_peers();
	assert_number(h, "data_in_us", true, 32000);
	assert_number(h, "data_out_us", true, 32000);
	assert_number(h, "gap_us", true, 202000);
}

static void the_home_agent_is_told(void **state_)
{
	struct handovers_view view;
	struct in6_addr home = addr(HOME);
	struct bub_time since;

	(void)state_;
	for (unsigned i = 0; i < 10; i++) {
		tunnelled(true, 17, A1);
		tunnelled(false, 17, A1);
		wait_ms(10);
	}
	attach("");
	wait_ms(50);
	care_of_new(A2);
	message(BUB_TR_SENT, "Binding Update", "home agent", HOME, AGENT, A2);
	attach(A2); /* actions follow the traces of their feed */
	wait_ms(40);
	message(BUB_TR_RECEIVED, "Binding Acknowledgement", "home agent", HOME, AGENT, AGENT);
	registered(A2);
	tunnelled(true, 17, A2);
	tunnelled(false, 17, A2);
	wait_ms(30);
	assert_int_equal(n_told, 1);
	assert_string_equal(handover_mode_name(told[0].mode), "home agent");
	assert_addr(&told[0].peer, AGENT);
	assert_number(&told[0], "update_us", true, 0);
	assert_number(&told[0], "acknowledged_us", true, 40000);
	assert_number(&told[0], "gap_us", true, 100000);
	assert_number(&told[0], "messages_sent", true, 1);
	assert_number(&told[0], "messages_received", true, 1);
	assert_number(&told[0], "refused_in", false, 0);
	assert_true(handovers_of_home(hs, &home, &view, &since));
	assert_int_equal(view.tunnel->in_packets, 11);
	assert_int_equal(view.tunnel->in_octets, 11 * 48);
	assert_int_equal(view.tunnel->out_packets, 11);
	assert_int_equal(since.ns, now.ns - 30 * BUB_NS_PER_MS);
}

/* To an address that was there all the time; the clock goes on between message and move. */
static void another_address_is_taken(void **state_)
{
	(void)state_;
	care_of_new(A2);
	wait_ms(5000);
	message(BUB_TR_SENT, "Binding Update", "home agent", HOME, AGENT, A2);
	now.ns += 2000;
	attach(A2);
	wait_ms(40);
	message(BUB_TR_RECEIVED, "Binding Acknowledgement", "home agent", HOME, AGENT, AGENT);
	registered(A2);
	wait_ms(6000);
	assert_int_equal(n_told, 1);
	assert_number(&told[0], "messages_sent", true, 1);
	assert_number(&told[0], "update_us", true, 0);
	assert_number(&told[0], "acknowledged_us", true, 40002);
}

static void we_go_home(void **state_)
{
	const struct handover *h;

	(void)state_;
	care_of_new(HOME);
	attach(HOME);
	path(true, HOME, B1); /* the peer does not know yet */
	message(BUB_TR_SENT, "Binding Update", "home agents", HOME, PEER, HOME);
	wait_ms(40);
	state("correspondent-registration", "sent", "none", "at home");
	path(true, HOME, B1);
	wait_ms(6000);
	h = the_peers();
	assert_string_equal(handover_result_name(h->result), "done");
	assert_addr(&h->ours.to, HOME);
	assert_number(h, "acknowledged_us", true, 40000);
}

static void the_peer_goes_home(void **state_)
{
	(void)state_;
	message(BUB_TR_RECEIVED, "Binding Update", "home agents", HOME, PEER, PEER);
	path_ends();
	wait_ms(6000);
	assert_addr(&the_peers()->peers.to, PEER);
}

/* A binding that expires is no move. */
static void the_peers_binding_ends(void **state_)
{
	(void)state_;
	path(true, A1, "");
	wait_ms(6000);
	path(true, A1, B2);
	wait_ms(6000);
	assert_int_equal(n_told, 0);
}

static void a_forgotten_peer_is_told_nothing(void **state_)
{
	(void)state_;
	path_ends();
	attach("");
	care_of_new(A2);
	attach(A2);
	wait_ms(70000);
	for (unsigned i = 0; i < n_told; i++)
		assert_int_equal(told[i].mode, HANDOVER_AGENT);
}

static void gaps_are_counted(void **state_)
{
	struct handover h = {.mode = HANDOVER_BUB, .gap_known = true, .gap_ns = 10000000};
	struct gaps g = {0};

	(void)state_;
	gaps_note(&g, &h); /* a bound belongs to the bucket below it */
	h.gap_ns++;
	gaps_note(&g, &h);
	h.gap_ns = 61 * BUB_NS_PER_S;
	gaps_note(&g, &h);
	h.gap_known = false;
	gaps_note(&g, &h);
	assert_int_equal(g.n[HANDOVER_BUB][0], 1);
	assert_int_equal(g.n[HANDOVER_BUB][1], 1);
	assert_int_equal(g.n[HANDOVER_BUB][GAPS_BOUNDS], 1);
	assert_int_equal(g.sum_us[HANDOVER_BUB], 61020000);
}

static void keys_have_an_age(void **state_)
{
	const struct in6_addr home = addr(HOME), peer = addr(PEER);
	struct bub_trace tr = {
		.type = BUB_TR_KEY, .now = now, .what = "Kabm", .local = home, .peer = peer};
	struct handovers_view view;

	(void)state_;
	handovers_trace(hs, &tr);
	assert_true(handovers_of_peer(hs, &home, &peer, &view));
	assert_int_equal(view.kabm_since.ns, now.ns);
	assert_int_equal(view.kbm_since.ns, 0);
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(we_move_in_bub_mode),
		T(no_data_before),
		T(no_data_after),
		T(the_peer_moves),
		T(a_node_at_home_sees_not_all),
		T(both_jump),
		T(one_after_the_other),
		T(moved_again_before_the_answer),
		T(no_answer),
		T(the_peer_turns_to_the_tunnel),
		T(data_comes_through_the_tunnel_first),
		T(the_home_agent_is_told),
		T(another_address_is_taken),
		T(we_go_home),
		T(the_peer_goes_home),
		T(the_peers_binding_ends),
		T(a_forgotten_peer_is_told_nothing),
		T(gaps_are_counted),
		T(keys_have_an_age),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
