/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Loss masks: every one of the 4,096 patterns in which the first twelve mobility messages of a
 * scenario can get through or be lost.  When the losses have stopped, the pair must be bound again
 * within a stated time, in one and the same mode, and that is BUB mode unless a test has failed or
 * a Kabm was given up by the rules, for which it takes three losses; and at no time may a rule of
 * safety be broken.
 *
 * A message counts once, where it is sent first, whichever way it goes then.
 *
 *     test_masks SCENARIO PART PARTS      runs each PARTS-th mask, from PART
 *     test_masks SCENARIO mask MASK       runs one mask and prints what was sent
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pair.h"

#define MASK_BITS 12u
#define STEP_MS 500u
#define ADDRESSES_MAX 8
#define ANSWERS_MAX 64

struct scenario {
	const char *name;
	void (*act)(struct pair *p);
	uint64_t settled_within_ms; /* after the last loss */
	bool from_bub; /* starts in BUB mode; else both are away and have never talked */
	bool peer_restarts;
};

struct answer {
	const struct node *node;
	uint16_t sequence;
	enum bub_egress egress;
	struct in6_addr to; /* a node at home has one egress for both ways */
	bool late;          /* a report of what has not come */
};

struct run {
	unsigned mask, n; /* messages seen */
	bool armed;
	uint64_t last_loss_ns;
	struct in6_addr used[2][ADDRESSES_MAX];
	unsigned n_used[2];
	struct answer answer[ANSWERS_MAX];
	unsigned n_answers;
	uint16_t sequence_in[2];
	bool has_sequence[2];
	const char *broken; /* the rule of safety that was */
};

/* ---- Losing -------------------------------------------------------------------------------- */

static bool is_first_leg(const struct pair *p, const struct flight *f)
{
	return f->from == p->mn[0] || f->from == p->mn[1] || f->egress == BUB_EGRESS_TRANSPORT;
}

/* RFC 6275, 9.5.4; protocol.md, 5: an accepted Binding Update is answered once on each way, and
 * what is missing is reported once (7.5). */
static void note_answer(struct pair *p, struct run *r, const struct flight *f,
			const struct bub_mh *mh)
{
	struct answer a = {.node = f->from, .sequence = mh->u.ba.sequence, .egress = f->egress};
	struct bub_ip6 ip;

	a.late = mh->opts.report & BUB_REPORT_WAITED;
	if (mh->kind != BUB_MH_BA || mh->u.ba.status != 0 ||
	    (f->from != p->mn[0] && f->from != p->mn[1]))
		return;
	assert_int_equal(bub_ip6_decode((struct bub_view){f->octets, f->len}, &ip), BUB_DROP_NONE);
	a.to = ip.dst;
	for (unsigned i = 0; i < r->n_answers; i++)
		if (r->answer[i].node == a.node && r->answer[i].sequence == a.sequence &&
		    r->answer[i].egress == a.egress && bub_addr_eq(&r->answer[i].to, &a.to) &&
		    r->answer[i].late == a.late)
			r->broken = "two acknowledgements of one Binding Update on one way";
	if (r->n_answers < ANSWERS_MAX)
		r->answer[r->n_answers++] = a;
}

static enum fate judge(struct pair *p, const struct flight *f, const struct bub_mh *mh)
{
	struct run *r = p->ctx;

	if (!r->armed || !is_first_leg(p, f))
		return FATE_PASS;
	note_answer(p, r, f, mh);
	if (r->n >= MASK_BITS || !(r->mask >> r->n++ & 1))
		return FATE_PASS;
	r->last_loss_ns = world_now(p->w).ns;
	return FATE_LOSE;
}

/* ---- Safety -------------------------------------------------------------------------------- */

static void note_addresses(struct pair *p, struct run *r)
{
	for (unsigned i = 0; i < 2; i++) {
		assert_true(r->n_used[i] < ADDRESSES_MAX);
		r->used[i][r->n_used[i]++] = *pair_at(p, i);
	}
}

static bool has_used(const struct run *r, unsigned i, const struct in6_addr *a)
{
	for (unsigned k = 0; k < r->n_used[i]; k++)
		if (bub_addr_eq(&r->used[i][k], a))
			return true;
	return false;
}

static void check_safety(const struct pair *p, struct run *r, bool may_start_anew)
{
	for (unsigned i = 0; i < 2; i++) {
		struct bub_peer_status s = pair_status(p, i);

		if (IN6_IS_ADDR_UNSPECIFIED(&s.peer_care_of))
			continue;
		if (!has_used(r, 1 - i, &s.peer_care_of))
			r->broken = "a binding for an address that its owner did not use";
		if (r->has_sequence[i] && !may_start_anew && s.sequence_in != r->sequence_in[i] &&
		    !bub_seq_greater(s.sequence_in, r->sequence_in[i]))
			r->broken = "a sequence number went backwards";
		r->has_sequence[i] = true;
		r->sequence_in[i] = s.sequence_in;
	}
}

/* ---- Runs ---------------------------------------------------------------------------------- */

/* Both by rule only after several losses in a row: then route optimisation it is. */
static bool may_be_ro(const struct pair *p)
{
	return p->left_bub > 0 || bub_engine_counters(p->mn[0]->engine)->bub_tests_failed > 0 ||
	       bub_engine_counters(p->mn[1]->engine)->bub_tests_failed > 0;
}

static bool is_well(const struct pair *p)
{
	return pair_is_settled(p, BUB_MODE_BUB) ||
	       (may_be_ro(p) && pair_is_settled(p, BUB_MODE_RO));
}

static void begin(struct pair *p, const struct scenario *s, struct run *r, bool quiet)
{
	pair_init(p);
	p->quiet = quiet;
	p->ctx = r;
	p->judge = judge;
	pair_start(p);
	note_addresses(p, r);
	if (s->from_bub) {
		pair_in_bub(p);
	} else {
		pair_go(p, 0, 0);
		pair_go(p, 1, 0);
		pair_run(p, 3000);
	}
	note_addresses(p, r);
	r->armed = true;
}

/* False: what is wrong is in @ret_why. */
static bool run_mask(const struct scenario *s, unsigned mask, bool quiet, uint64_t *ret_ms,
		     const char **ret_why)
{
	struct run r = {.mask = mask};
	struct pair p;
	uint64_t settled_ns = 0, deadline_ns;
	bool well = false;

	begin(&p, s, &r, quiet);
	r.last_loss_ns = world_now(p.w).ns;
	s->act(&p);
	note_addresses(&p, &r);
	for (;;) {
		pair_data(&p, 0);
		pair_data(&p, 1);
		pair_run(&p, STEP_MS);
		check_safety(&p, &r, s->peer_restarts);
		well = is_well(&p);
		if (!well)
			settled_ns = 0;
		else if (settled_ns == 0)
			settled_ns = world_now(p.w).ns;
		deadline_ns = r.last_loss_ns + s->settled_within_ms * BUB_NS_PER_MS;
		/* Well, and still so after a while in which messages on their way arrive. */
		if (well && world_now(p.w).ns - settled_ns >= 4000 * BUB_NS_PER_MS)
			break;
		if (world_now(p.w).ns > deadline_ns + 4000 * BUB_NS_PER_MS)
			break;
	}
	*ret_ms = settled_ns > r.last_loss_ns ? (settled_ns - r.last_loss_ns) / BUB_NS_PER_MS : 0;
	*ret_why = r.broken;
	if (r.broken == NULL && !s->peer_restarts && may_be_ro(&p) && __builtin_popcount(mask) < 3)
		*ret_why = "fell back to route optimisation for less than three losses";
	if (*ret_why == NULL && (!well || settled_ns > deadline_ns))
		*ret_why = "not bound again in time";
	if (!quiet)
		pair_dump(&p, 0);
	if (!quiet)
		for (unsigned i = 0; i < 2; i++)
			print_message("mn%u: %s, %s; test %s\n", i + 1,
				      bub_mode_name(pair_mode(&p, i)), pair_status(&p, i).why,
				      pair_status(&p, i).test);
	pair_end(&p);
	return *ret_why == NULL;
}

static void talk(struct pair *p)
{
	pair_data(p, 0);
}

static void move(struct pair *p)
{
	pair_go(p, 0, 1);
}

static void move_both(struct pair *p)
{
	pair_go(p, 0, 1);
	pair_go(p, 1, 1);
}

static void go_home(struct pair *p)
{
	pair_go_home(p, 0);
}

static void restart(struct pair *p)
{
	world_restart(p->w, p->mn[0]);
}

static const struct scenario scenarios[] = {
	{"first-contact", talk, 15000, false, false},
	{"handover", move, 20000, true, false},
	{"double-jump", move_both, 10000, true, false},
	{"return-home", go_home, 40000, true, false},
	{"restart", restart, 20000, true, true},
};

static const struct scenario *scenario;
static unsigned part, parts = 1;

static void all_masks(void **state)
{
	unsigned failed = 0, worst_mask = 0;
	uint64_t worst_ms = 0;

	(void)state;
	for (unsigned mask = part; mask < 1u << MASK_BITS; mask += parts) {
		uint64_t ms;
		const char *why;

		if (!run_mask(scenario, mask, true, &ms, &why)) {
			if (failed++ < 20)
				print_message("mask 0x%03x: %s\n", mask, why);
		} else if (ms > worst_ms) {
			worst_ms = ms;
			worst_mask = mask;
		}
	}
	print_message("%s: slowest %u.%03u s (mask 0x%03x)\n", scenario->name,
		      (unsigned)(worst_ms / 1000), (unsigned)(worst_ms % 1000), worst_mask);
	assert_int_equal(failed, 0);
}

static unsigned number(const char *text, int base)
{
	return (unsigned)strtoul(text, NULL, base);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(all_masks)};
	uint64_t ms;
	const char *why = NULL;

	if (argc != 4) {
		fprintf(stderr, "usage: test_masks SCENARIO PART PARTS | SCENARIO mask MASK\n");
		return 2;
	}
	for (size_t i = 0; i < sizeof scenarios / sizeof scenarios[0]; i++)
		if (strcmp(scenarios[i].name, argv[1]) == 0)
			scenario = &scenarios[i];
	if (scenario == NULL)
		return 2;
	if (strcmp(argv[2], "mask") == 0) {
		run_mask(scenario, number(argv[3], 16), false, &ms, &why);
		print_message("%s, %u ms\n", why != NULL ? why : "well", (unsigned)ms);
		return why != NULL;
	}
	part = number(argv[2], 10);
	parts = number(argv[3], 10);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
