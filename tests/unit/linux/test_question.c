/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Questions to the kernel, of which nobody waits for the answer: what is answered, and by what.
 * Where this host's routes lead does not matter here: the messages of the kernel are made up, but
 * for those about ::1.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <libmnl/libmnl.h>
#include <linux/rtnetlink.h>

#include "want_internal.h"

#define PATHS 4

struct fixture {
	struct nl *nl;
	struct want *w;
	uint64_t foreign, repaired, refused;
};

static struct in6_addr address(uint8_t last)
{
	return (struct in6_addr){{{0x20, 0x01, 0x0d, 0xb8, [15] = last}}};
}

/* About the path to @peer. */
static struct link_hop_question question(uint32_t id, uint8_t peer)
{
	return (struct link_hop_question){
		.id = id, .dst = in6addr_loopback, .local = address(0), .peer = address(peer)};
}

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));
	struct want_config cfg = {.questions = PATHS};

	assert_non_null(f);
	assert_int_equal(nl_open(&f->foreign, &f->nl), 0);
	cfg.nl = f->nl;
	cfg.repaired = &f->repaired;
	cfg.refused = &f->refused;
	assert_int_equal(want_open(&cfg, &f->w), 0);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	want_close(f->w);
	nl_close(f->nl);
	free(f);
	return 0;
}

/* The number of the question of @peer that is answered next, or 0. */
static uint32_t told(struct want *w, struct link_hop *ret_hop)
{
	struct link_hop_question q;

	return want_told(w, &q, ret_hop) ? q.id : 0;
}

static struct question *find(struct want *w, uint8_t peer)
{
	const struct in6_addr local = address(0), there = address(peer);
	struct question *q = table_find(&w->question, &local, &there);

	assert_non_null(q);
	return q;
}

static void ask(struct want *w, uint32_t id, uint8_t peer)
{
	const struct link_hop_question q = question(id, peer);

	assert_true(want_ask(w, &q));
}

static void nobody_waits(void **state)
{
	struct fixture *f = *state;
	struct link_hop hop;

	ask(f->w, 1, 1);
	ask(f->w, 2, 2);
	assert_int_equal(told(f->w, &hop), 0);
	assert_true(want_deadline(f->w).ns == 0); /* at the end of the turn */
	want_flush(f->w);
	assert_int_equal(told(f->w, &hop), 1);
	assert_int_equal(hop.ifindex, 0); /* to this node itself */
	assert_int_equal(told(f->w, &hop), 2);
	assert_int_equal(told(f->w, &hop), 0);
	assert_int_equal(f->refused, 0);
}

static void the_last_one_counts(void **state)
{
	struct fixture *f = *state;
	struct link_hop hop;

	ask(f->w, 1, 1);
	ask(f->w, 2, 1); /* before the first is sent */
	want_flush(f->w);
	ask(f->w, 3, 1); /* its answer is there, and not fetched */
	assert_int_equal(told(f->w, &hop), 0);
	want_flush(f->w);
	assert_int_equal(told(f->w, &hop), 3);
	assert_int_equal(told(f->w, &hop), 0);
}

static void path_goes(void **state)
{
	struct fixture *f = *state;
	const struct in6_addr local = address(0), one = address(1), two = address(2);
	struct link_hop hop;

	ask(f->w, 1, 1);
	want_ask_no_more(f->w, &local, &one);
	ask(f->w, 2, 2);
	want_flush(f->w);
	want_ask_no_more(f->w, &local, &two); /* answered */
	want_ask_no_more(f->w, &local, &two); /* none */
	assert_int_equal(told(f->w, &hop), 0);
}

static void no_room(void **state)
{
	struct fixture *f = *state;
	struct link_hop_question q = question(9, 9);
	struct link_hop hop;

	for (uint8_t i = 1; i <= PATHS; i++)
		ask(f->w, i, i);
	assert_false(want_ask(f->w, &q));
	want_flush(f->w);
	for (uint8_t i = 1; i <= PATHS; i++)
		assert_int_equal(told(f->w, &hop), i);
	assert_true(want_ask(f->w, &q));
}

static void lost_answers(void **state)
{
	struct fixture *f = *state;
	struct link_hop hop;

	ask(f->w, 1, 1);
	want_flush(f->w);
	ask(f->w, 2, 2);
	want_flush(f->w);
	/* As if that of the second one had not come. */
	find(f->w, 2)->told = false;
	f->w->n_told--;
	f->w->ask_again = true;
	want_expire(f->w, want_deadline(f->w));
	assert_int_equal(told(f->w, &hop), 1);
	assert_int_equal(told(f->w, &hop), 2);
	assert_int_equal(told(f->w, &hop), 0);
}

/* A route as the kernel tells of it. */
static struct nlmsghdr *route(struct rtm *octets, uint8_t type, const struct in6_addr *gateway)
{
	struct nlmsghdr *nlh;
	struct nlattr *nest;
	struct rtmsg *rtm;

	memset(octets, 0, sizeof(*octets));
	nlh = mnl_nlmsg_put_header(octets->octets);
	nlh->nlmsg_type = RTM_NEWROUTE;
	rtm = mnl_nlmsg_put_extra_header(nlh, sizeof(*rtm));
	rtm->rtm_type = type;
	mnl_attr_put_u32(nlh, RTA_OIF, 7);
	mnl_attr_put(nlh, RTA_GATEWAY, sizeof(*gateway), gateway);
	nest = mnl_attr_nest_start(nlh, RTA_METRICS);
	mnl_attr_put_u32(nlh, RTAX_MTU, 1400);
	mnl_attr_nest_end(nlh, nest);
	return nlh;
}

static void next_hop_and_mtu(void **state)
{
	struct fixture *f = *state;
	const struct in6_addr gateway = address(0x11);
	struct question *q;
	struct nlmsghdr *nlh;
	struct link_hop hop;
	struct rtm octets;

	ask(f->w, 1, 1);
	q = find(f->w, 1);
	nlh = route(&octets, RTN_UNICAST, &gateway);
	nlh->nlmsg_seq = q->seq + 1; /* of another request */
	question_told(q, nlh);
	question_done(f->w, q, q->seq + 1);
	assert_int_equal(told(f->w, &hop), 0);
	nlh->nlmsg_seq = q->seq;
	question_told(q, nlh);
	assert_int_equal(told(f->w, &hop), 0); /* the verdict comes after it */
	question_done(f->w, q, q->seq);
	assert_int_equal(told(f->w, &hop), 1);
	assert_int_equal(hop.ifindex, 7);
	assert_memory_equal(&hop.gateway, &gateway, sizeof(gateway));
	assert_int_equal(hop.mtu, 1400);

	ask(f->w, 2, 1);
	q = find(f->w, 1);
	nlh = route(&octets, RTN_UNREACHABLE, &gateway);
	nlh->nlmsg_seq = q->seq;
	question_told(q, nlh);
	question_done(f->w, q, q->seq);
	assert_int_equal(told(f->w, &hop), 2);
	assert_int_equal(hop.ifindex, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(nobody_waits, setup, teardown),
		cmocka_unit_test_setup_teardown(the_last_one_counts, setup, teardown),
		cmocka_unit_test_setup_teardown(path_goes, setup, teardown),
		cmocka_unit_test_setup_teardown(no_room, setup, teardown),
		cmocka_unit_test_setup_teardown(lost_answers, setup, teardown),
		cmocka_unit_test_setup_teardown(next_hop_and_mtu, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
