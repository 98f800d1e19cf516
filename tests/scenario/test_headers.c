/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Whether what has the headers of data gets through to a peer that return routability has proved
 * (protocol.md, P35): a correspondent that does not move and a mobile node, and networks between
 * them that drop routing headers.
 */
#include <string.h>

#include "correspondent.h"

/* What the correspondent's data path was told. */
static struct {
	const struct node *node;
	struct bub_path path; /* last */
	unsigned n_unsure;    /* times that it was BUB_TRUST_HEARD */
} seen;

static void on_action(struct pair *p, struct node *n, const struct bub_action *act)
{
	(void)p;
	if (n != seen.node)
		return;
	if (act->type == BUB_ACT_PATH_DEL)
		memset(&seen.path, 0, sizeof seen.path);
	if (act->type != BUB_ACT_PATH_SET)
		return;
	seen.path = act->u.path;
	seen.n_unsure += act->u.path.trust == BUB_TRUST_HEARD;
}

static bool has_rh2(const struct pair *p, const struct bub_ip6 *ip)
{
	(void)p;
	return ip->has_rh2;
}

static void watch(struct pair *p, const struct node *n)
{
	memset(&seen, 0, sizeof seen);
	seen.node = n;
	p->on_action = on_action;
}

/* Away and bound; the acknowledgement has come, and nothing else. */
static void begin(struct pair *p)
{
	away(p);
	watch(p, p->cn);
	world_send_data(p->w, p->mn[0], &p->hoa[0], &p->cn_addr);
	pair_run(p, 1000);
	assert_bound(p);
}

static void to_mobile(struct pair *p, unsigned n)
{
	for (unsigned i = 0; i < n; i++) {
		world_send_data(p->w, p->cn, &p->cn_addr, &p->hoa[0]);
		pair_run(p, 100);
	}
}

/* @n packets come, all of them directly or all out of the tunnel. */
static void assert_goes(struct pair *p, bool direct, unsigned n)
{
	uint64_t straight = p->mn[0]->data_direct, tunnelled = p->mn[0]->data_tunnelled;

	to_mobile(p, n);
	assert_int_equal(p->mn[0]->data_direct - straight, direct ? n : 0);
	assert_int_equal(p->mn[0]->data_tunnelled - tunnelled, direct ? 0 : n);
}

static void data_opens_the_path(void **state)
{
	struct pair p;

	(void)state;
	begin(&p);
	assert_int_equal(seen.path.trust, BUB_TRUST_HEARD);
	assert_goes(&p, false, 3);
	talk(&p, 200);
	assert_goes(&p, true, 3);
	assert_int_equal(seen.path.trust, BUB_TRUST_FULL);
	/* A refresh from there asks for nothing. */
	seen.n_unsure = 0;
	for (unsigned i = 0; i < 1000; i++) {
		assert_goes(&p, true, 1);
		pair_run(&p, 900);
	}
	assert_int_equal(seen.n_unsure, 0);
	pair_end(&p);
}

/* Nobody says anything: four seconds after the acknowledgement it is taken for received. */
static void silence_opens_the_path(void **state)
{
	struct pair p;

	(void)state;
	begin(&p);
	assert_goes(&p, false, 25);
	pair_run(&p, 1000);
	assert_goes(&p, true, 10);
	pair_end(&p);
}

/* From the first packet to the last none is lost, whatever the mobile node tries, and however
 * often: four updates and a deletion each time. */
static void routing_headers_do_not_pass(void **state)
{
	const unsigned n = 3000;
	struct pair p;
	size_t mark;

	(void)state;
	away(&p);
	watch(&p, p.cn);
	p.drops = has_rh2;
	mark = pair_mark(&p);
	to_mobile(&p, n);
	assert_int_equal(p.mn[0]->data_tunnelled, n);
	assert_true(pair_count(&p, mark, p.mn[0], BUB_MH_BU) >= 10);
	assert_true(seen.n_unsure > 0);
	p.drops = NULL;
	to_mobile(&p, 3000);
	assert_bound(&p);
	assert_int_equal(seen.path.trust, BUB_TRUST_FULL);
	assert_int_equal(p.mn[0]->data_tunnelled + p.mn[0]->data_direct, n + 3000);
	pair_end(&p);
}

/* The acknowledgement is lost, then those of the first repetitions: each begins the wait anew, and
 * the pauses double. */
static void repetition_refutes(void **state)
{
	struct pair p;

	(void)state;
	away(&p);
	watch(&p, p.cn);
	pair_lose(&p, p.cn, BUB_MH_BA, 3);
	world_send_data(p.w, p.mn[0], &p.hoa[0], &p.cn_addr);
	pair_run(&p, 500); /* updates at 0, 1, 3 and 7 s */
	assert_goes(&p, false, 70);
	assert_bound(&p);
	pair_run(&p, 8000);
	assert_goes(&p, false, 1);
	pair_run(&p, 1500);
	assert_goes(&p, true, 1);
	pair_end(&p);
}

/* What came late is a repetition all the same. */
static void late_repetition_refutes(void **state)
{
	struct pair p;
	struct rule *r;

	(void)state;
	away(&p);
	watch(&p, p.cn);
	r = pair_lose(&p, p.mn[0], BUB_MH_BU, 2); /* those at 1 and 3 s */
	r->skip = 1;
	r->match.home_bit = 0;
	p.drops = has_rh2;
	world_send_data(p.w, p.mn[0], &p.hoa[0], &p.cn_addr);
	pair_run(&p, 6000);
	assert_int_equal(seen.path.trust, BUB_TRUST_FULL); /* a wrong guess */
	pair_run(&p, 2000);
	assert_int_equal(seen.path.trust, BUB_TRUST_HEARD);
	assert_goes(&p, false, 10);
	pair_end(&p);
}

/* Each care-of address is on probation, since it is in another network.  Data goes through the home
 * agent from the update on: neither is it lost nor does it go to where the node was. */
static void each_address_is_on_probation(void **state)
{
	struct pair p;
	uint64_t lost;

	(void)state;
	begin(&p);
	talk(&p, 1000);
	assert_goes(&p, true, 1);
	for (unsigned link = 1; link < ACCESS_LINKS; link++) {
		pair_go(&p, 0, link);
		pair_run(&p, 1000);
		assert_bound(&p);
		assert_int_equal(seen.path.trust, BUB_TRUST_HEARD);
		assert_true(bub_addr_eq(&seen.path.out_dst, pair_at(&p, 0)));
		assert_goes(&p, false, 3);
		talk(&p, 200);
		assert_goes(&p, true, 3);
	}
	/* Back to where data came from before. */
	lost = p.mn[0]->data_direct + p.mn[0]->data_tunnelled;
	pair_go(&p, 0, 1);
	pair_run(&p, 1000);
	assert_goes(&p, false, 3);
	assert_int_equal(p.mn[0]->data_direct + p.mn[0]->data_tunnelled, lost + 3);
	pair_end(&p);
}

/* The binding is deleted and made anew: so is the proof. */
static void proof_ends_with_the_binding(void **state)
{
	struct pair p;

	(void)state;
	begin(&p);
	talk(&p, 1000);
	assert_goes(&p, true, 1);
	pair_go_home(&p, 0);
	pair_run(&p, 5000);
	pair_go(&p, 0, 0);
	pair_run(&p, 2000);
	to_mobile(&p, 1);
	pair_run(&p, 1000);
	assert_bound(&p);
	assert_goes(&p, false, 3);
	pair_end(&p);
}

/* An update like the last one of the mobile node, with what may tell a repetition changed. */
static void update(struct pair *p, uint16_t flags, uint16_t lifetime_s)
{
	struct bub_peer_status st = {0};
	struct forged f = {
		.src = *pair_at(p, 0),
		.dst = p->cn_addr,
		.hao = &p->hoa[0],
		.mh = {.kind = BUB_MH_BU},
		.key = &p->kbm[0].key,
		.auth_care_of = *pair_at(p, 0),
		.auth_correspondent = p->cn_addr,
	};
	const struct message *last =
		pair_nth(p, 0, p->mn[0], BUB_MH_BU, 1); /* behind the home one */

	world_mode(p->w, p->cn, &p->hoa[0], &st);
	f.mh.u.bu.sequence = (uint16_t)(st.sequence_in + 1);
	f.mh.u.bu.flags = flags;
	f.mh.u.bu.lifetime_s = lifetime_s;
	f.mh.opts.present = BUB_OPT_AUTH | BUB_OPT_NONCE_INDICES;
	f.mh.opts.home_nonce = last->mh.opts.home_nonce;
	f.mh.opts.care_of_nonce = last->mh.opts.care_of_nonce;
	pair_feed(p, p->cn, &f);
}

/* Who asks for no acknowledgement does not miss one, and who lives briefly refreshes soon. */
static void refresh_is_no_repetition(void **state)
{
	struct pair p;

	(void)state;
	begin(&p);
	pair_run(&p, 5000);
	assert_int_equal(seen.path.trust, BUB_TRUST_FULL);
	update(&p, 0, 420);
	assert_int_equal(seen.path.trust, BUB_TRUST_FULL);
	update(&p, BUB_BU_ACK, 12);
	assert_int_equal(seen.path.trust, BUB_TRUST_HEARD); /* at once: that is one */
	seen.n_unsure = 0;
	for (unsigned i = 0; i < 3; i++) {
		pair_run(&p, 6500);
		assert_int_equal(seen.path.trust, BUB_TRUST_FULL);
		update(&p, BUB_BU_ACK, 12);
	}
	assert_int_equal(seen.n_unsure, 0);
	/* So briefly that the path is not proved when the refresh comes. */
	update(&p, BUB_BU_ACK, 4);
	for (unsigned i = 0; i < 5; i++) {
		pair_run(&p, 2500);
		update(&p, BUB_BU_ACK, 4);
	}
	assert_int_equal(seen.path.trust, BUB_TRUST_FULL);
	pair_end(&p);
}

/* Both would wait for each other's data: who is away itself takes the path for proved. */
static void node_that_is_away_does_not_wait(void **state)
{
	struct pair p;

	(void)state;
	pair_init(&p);
	p.mn_cfg[0].bub = p.mn_cfg[1].bub = BUB_POLICY_NEVER;
	pair_start(&p);
	watch(&p, p.mn[1]);
	pair_both_away(&p);
	pair_assert_settled(&p, BUB_MODE_RO);
	assert_int_equal(seen.path.trust, BUB_TRUST_FULL);
	seen.n_unsure = 0;
	pair_go(&p, 0, 1);
	pair_run(&p, 2000);
	assert_int_equal(seen.n_unsure, 0);
	/* At home it does. */
	pair_go_home(&p, 1);
	pair_run(&p, 5000);
	pair_go(&p, 0, 2);
	pair_run(&p, 1500);
	assert_int_equal(seen.path.trust, BUB_TRUST_HEARD);
	pair_end(&p);
}

/* A binding may live so briefly that the third repetition comes when it could be refreshed. */
static void repetition_late_in_life(void **state)
{
	struct pair p;

	(void)state;
	begin(&p);
	update(&p, BUB_BU_ACK, 8);
	pair_run(&p, 1000);
	update(&p, BUB_BU_ACK, 8);
	pair_run(&p, 2000);
	update(&p, BUB_BU_ACK, 8);
	pair_run(&p, 4000);
	update(&p, BUB_BU_ACK, 8);
	pair_run(&p, 2000);
	assert_goes(&p, false, 1);
	pair_end(&p);
}

static void off(void **state)
{
	struct pair p;

	(void)state;
	pair_init(&p);
	p.cn_cfg.check_care_of = false;
	pair_start(&p);
	watch(&p, p.cn);
	pair_go(&p, 0, 0);
	pair_run(&p, 2000);
	world_send_data(p.w, p.mn[0], &p.hoa[0], &p.cn_addr);
	pair_run(&p, 1000);
	assert_goes(&p, true, 3);
	assert_int_equal(seen.n_unsure, 0);
	pair_end(&p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(data_opens_the_path),
		cmocka_unit_test(silence_opens_the_path),
		cmocka_unit_test(routing_headers_do_not_pass),
		cmocka_unit_test(repetition_refutes),
		cmocka_unit_test(late_repetition_refutes),
		cmocka_unit_test(each_address_is_on_probation),
		cmocka_unit_test(proof_ends_with_the_binding),
		cmocka_unit_test(refresh_is_no_repetition),
		cmocka_unit_test(repetition_late_in_life),
		cmocka_unit_test(node_that_is_away_does_not_wait),
		cmocka_unit_test(off),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
