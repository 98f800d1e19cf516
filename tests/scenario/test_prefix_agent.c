/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Mobile prefix discovery, the home agent alone (RFC 6275, 10.6): when it tells a mobile node of
 * the prefixes, and whom it answers.  Binding Updates and solicitations are made up here.
 */
#include <string.h>

#include "agent.h"
#include "seen.h"

#define MIN_S 10
#define MAX_S 40

static struct bub_ha_prefix home_prefix(uint32_t valid_s, uint32_t preferred_s)
{
	return (struct bub_ha_prefix){.prefix = addr("2001:db8:1::"),
				      .len = 64,
				      .valid_s = valid_s,
				      .preferred_s = preferred_s};
}

static void begin(struct pair *p)
{
	pair_init(p);
	p->ha_cfg[0].ha.prefix_advert_min_s = MIN_S;
	p->ha_cfg[0].ha.prefix_advert_max_s = MAX_S;
	p->ha_cfg[0].ha.prefix[0] = home_prefix(9000, 6000);
	seen_begin(p, BUB_ICMP6_PREFIX_ADVERT);
}

static void update(struct pair *p, uint16_t sequence)
{
	struct forged f = home_bu(p, sequence, 3600);

	assert_non_null(agent_answer(p, &f));
}

/* A solicitation: where it comes from, what its Home Address option says, whose association. */
static void solicit(struct pair *p, const char *src, const struct in6_addr *hao,
		    enum bub_ingress ingress, const struct in6_addr *owner)
{
	struct bub_icmp6 sol = {.kind = BUB_ICMP6_PREFIX_SOLICIT};
	struct bub_ip6_build b = {.src = addr(src), .dst = p->ha_addr[0], .hop_limit = 64};

	sol.u.prefix.id = 0x4711;
	b.hao = hao;
	seen_feed(p, p->ha[0], &sol, b, ingress, owner);
}

/* The mobile node has the prefixes. */
static void acknowledge(struct pair *p)
{
	unsigned n = seen.n;

	solicit(p, care_of, &p->hoa[0], BUB_INGRESS_ESP_TRANSPORT, &p->hoa[0]);
	assert_int_equal(seen.n, n + 1);
	assert_int_equal(seen_decode(n, &(struct bub_ip6){0}).u.prefix.id, 0x4711);
	assert_true(bub_addr_eq(&seen.owner[n], &p->hoa[0]));
}

/* Registered, told and acknowledged. */
static void begin_settled(struct pair *p)
{
	begin(p);
	update(p, 1);
	acknowledge(p);
	seen_change(BUB_ICMP6_PREFIX_ADVERT);
}

static struct bub_event change_of(const struct bub_ha_prefix *prefix, unsigned n)
{
	struct bub_event ev = {.type = BUB_EV_HOME_PREFIXES};

	ev.u.prefixes.prefix = prefix;
	ev.u.prefixes.n = n;
	return ev;
}

static void set_home_prefix(struct pair *p, uint32_t valid_s, uint32_t preferred_s)
{
	struct bub_ha_prefix prefix = home_prefix(valid_s, preferred_s);
	struct bub_event ev = change_of(&prefix, 1);

	world_feed(p->ha[0], &ev);
}

/* RAND_ADV_DELAY = MinMobPfxAdvInterval + rand() % |MAX_SCHEDULE_DELAY - MinMobPfxAdvInterval|,
 * where MAX_SCHEDULE_DELAY is the smaller one of MaxMobPfxAdvInterval and the preferred lifetime of
 * the home address's prefix (RFC 6275, 10.6.2). */
static void told_at_a_random_time(void **state)
{
	static const struct {
		uint32_t min_s, max_s, preferred_s, first_s, last_s;
	} row[] = {
		{10, 40, 3600, 10, 39}, {10, 40, 40, 10, 39},   {10, 40, 20, 10, 19},
		{10, 40, 4, 10, 15},    {10, 10, 3600, 10, 10}, {10, 11, 3600, 10, 10},
	};

	(void)state;
	for (unsigned i = 0; i < sizeof row / sizeof row[0]; i++) {
		uint64_t first_s = UINT64_MAX, last_s = 0;

		for (unsigned seed = 1; seed <= 25; seed++) {
			struct bub_ha_prefix prefix[] = {home_prefix(7200, 15),
							 home_prefix(7200, row[i].preferred_s)};
			struct bub_event ev = change_of(prefix, 2);
			struct pair p;
			uint64_t begin_ns, ms;

			prefix[0].prefix = addr("2001:db8:11::"); /* another one, for others */
			pair_init(&p);
			p.seed = seed;
			p.ha_cfg[0].ha.prefix_advert_min_s = row[i].min_s;
			p.ha_cfg[0].ha.prefix_advert_max_s = row[i].max_s;
			seen_begin(&p, BUB_ICMP6_PREFIX_ADVERT);
			world_feed(p.ha[0], &ev);
			pair_run(&p, 1000);
			begin_ns = world_now(p.w).ns;
			update(&p, 1);
			pair_run(&p, 60000);
			ms = (seen.at_ns[0] - begin_ns) / BUB_NS_PER_MS;
			assert_int_equal(ms % 1000, 0);
			first_s = ms / 1000 < first_s ? ms / 1000 : first_s;
			last_s = ms / 1000 > last_s ? ms / 1000 : last_s;
			pair_end(&p);
		}
		assert_in_range(first_s, row[i].first_s, row[i].last_s);
		assert_in_range(last_s, row[i].first_s, row[i].last_s);
		if (row[i].last_s - row[i].first_s > 1) /* all over the range */
			assert_true(last_s - first_s > (row[i].last_s - row[i].first_s) / 2);
	}
}

/* Whoever registers and has not asked is told, the first time too. */
static void told_after_the_first_registration(void **state)
{
	struct pair p;

	(void)state;
	begin(&p);
	update(&p, 1);
	pair_run(&p, MAX_S * 1000);
	assert_true(seen.n > 0);
	pair_end(&p);
}

/* What is due goes out at its time, however often the prefixes change or updates come. */
static void changes_do_not_put_it_off(void **state)
{
	struct pair p;

	(void)state;
	begin_settled(&p);
	for (unsigned i = 0; i < 9; i++) {
		set_home_prefix(&p, 8900 - i, 6000);
		update(&p, (uint16_t)(2 + i));
		pair_run(&p, 5000);
	}
	assert_true(seen.n > 0);
	pair_end(&p);
}

/* A change while the last one is being repeated: the number of repetitions begins again. */
static void repetitions_begin_again(void **state)
{
	struct forged f;
	struct pair p;

	(void)state;
	begin_settled(&p);
	set_home_prefix(&p, 8500, 6000);
	while (seen.n < 3)
		pair_run(&p, 100);
	set_home_prefix(&p, 8000, 6000);
	pair_run(&p, 100000);
	assert_int_equal(seen.n, 7);
	for (unsigned i = 3; i < 6; i++)
		assert_int_equal(seen_gap_ms(i), 3000u << (i - 3));
	assert_int_equal(seen_decode(3, &(struct bub_ip6){0}).prefix[0].valid_s, 8000);
	/* All in vain; but then it is heard of again (RFC 6275, 10.6.3). */
	update(&p, 2);
	pair_run(&p, 100000);
	assert_int_equal(seen.n, 11);
	for (unsigned i = 7; i < 10; i++)
		assert_int_equal(seen_gap_ms(i), 3000u << (i - 7));
	/* The binding ends meanwhile. */
	update(&p, 3);
	pair_run(&p, 1);
	assert_int_equal(seen.n, 12);
	f = home_bu(&p, 4, 0);
	agent_assert_status(&p, &f, BUB_STATUS_ACCEPTED);
	pair_run(&p, 100000);
	assert_int_equal(seen.n, 12);
	pair_end(&p);
}

/* An acknowledgement ends it, also where all repetitions had been in vain: the next update is no
 * reason to tell anything. */
static void acknowledged_late(void **state)
{
	struct pair p;

	(void)state;
	begin_settled(&p);
	set_home_prefix(&p, 8500, 6000);
	pair_run(&p, 100000);
	assert_int_equal(seen.n, 4);
	acknowledge(&p);
	update(&p, 2);
	pair_run(&p, 9000);
	assert_int_equal(seen.n, 5);
	pair_end(&p);
}

/* MaxMobPfxAdvInterval of silence, to the second, makes the next update one to be told after. */
static void silence_has_its_measure(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 2; i++) {
		struct pair p;

		begin_settled(&p);
		pair_run(&p, MAX_S * 1000 - 500 + i * 1000);
		update(&p, 2);
		pair_run(&p, MAX_S * 1000);
		assert_int_equal(seen.n > 0, i == 1);
		if (i == 1) { /* told just now: not again for that reason */
			acknowledge(&p);
			seen_change(BUB_ICMP6_PREFIX_ADVERT);
			pair_run(&p, MAX_S * 1000 - 5000);
			update(&p, 3);
			pair_run(&p, MAX_S * 1000);
			assert_int_equal(seen.n, 0);
		}
		pair_end(&p);
	}
}

/* What changed while it was not registered is told when it is again. */
static void told_what_it_has_missed(void **state)
{
	struct forged f;
	struct pair p;

	(void)state;
	begin_settled(&p);
	f = home_bu(&p, 2, 0);
	agent_assert_status(&p, &f, BUB_STATUS_ACCEPTED);
	set_home_prefix(&p, 8500, 6000);
	pair_run(&p, 10000);
	assert_int_equal(seen.n, 0);
	update(&p, 3);
	pair_run(&p, MAX_S * 1000 - 15000);
	assert_true(seen.n > 0);
	pair_end(&p);
}

/* Every single difference counts, and nothing else. */
static void whatever_changes_is_told(void **state)
{
	const struct {
		struct bub_ha_prefix prefix[2];
		unsigned n;
		bool managed, other, told;
	} row[] = {
		{{home_prefix(9000, 6000)}, 1, false, false, false},
		{{home_prefix(9004, 6000)}, 1, false, false, true},
		{{home_prefix(9000, 6004)}, 1, false, false, true},
		{{home_prefix(9000, 6000)}, 1, true, false, true},
		{{home_prefix(9000, 6000)}, 1, false, true, true},
		{{home_prefix(9000, 6000), {addr("2001:db8:11::"), 64, 900, 600}},
		 2,
		 false,
		 false,
		 true},
		{{{addr("2001:db8:1::"), 48, 9000, 6000}}, 1, false, false, true},
		{{{addr("2001:db8:11::"), 64, 9000, 6000}}, 1, false, false, true},
	};

	(void)state;
	for (unsigned i = 0; i < sizeof row / sizeof row[0]; i++) {
		struct bub_event ev = change_of(row[i].prefix, row[i].n);
		struct bub_icmp6 adv;
		struct pair p;

		begin_settled(&p);
		ev.u.prefixes.managed = row[i].managed;
		ev.u.prefixes.other = row[i].other;
		world_feed(p.ha[0], &ev);
		pair_run(&p, MAX_S * 1000);
		assert_int_equal(seen.n > 0, row[i].told);
		if (row[i].told) {
			adv = seen_decode(0, &(struct bub_ip6){0});
			assert_int_equal(adv.u.prefix.managed, row[i].managed);
			assert_int_equal(adv.u.prefix.other, row[i].other);
			for (unsigned k = 0; k < row[i].n; k++) {
				assert_true(bub_addr_eq(&adv.prefix[k].prefix,
							&row[i].prefix[k].prefix));
				assert_int_equal(adv.prefix[k].prefix_len, row[i].prefix[k].len);
				assert_int_equal(adv.prefix[k].valid_s, row[i].prefix[k].valid_s);
			}
		}
		pair_end(&p);
	}
}

/* Withdrawn ones are told as long as there is room; too many at once are none at all. */
static void as_many_as_there_is_room_for(void **state)
{
	struct bub_ha_prefix prefix[BUB_HA_PREFIXES_MAX + 1] = {0};
	struct bub_event ev = change_of(prefix, BUB_HA_PREFIXES_MAX + 1);
	struct bub_icmp6 adv;
	struct pair p;

	(void)state;
	for (unsigned i = 0; i <= BUB_HA_PREFIXES_MAX; i++) {
		prefix[i] = home_prefix(900, 600);
		prefix[i].prefix.s6_addr[5] = (uint8_t)(0x40 + i);
	}
	begin_settled(&p);
	world_feed(p.ha[0], &ev);
	pair_run(&p, MAX_S * 1000);
	assert_int_equal(seen.n, 0);
	ev.u.prefixes.n = BUB_HA_PREFIXES_MAX;
	world_feed(p.ha[0], &ev);
	pair_run(&p, MAX_S * 1000);
	assert_true(seen.n > 0);
	adv = seen_decode(0, &(struct bub_ip6){0});
	assert_int_equal(adv.n_prefixes, BUB_HA_PREFIXES_MAX);
	for (unsigned i = 0; i < BUB_HA_PREFIXES_MAX; i++)
		assert_int_equal(adv.prefix[i].valid_s, 900);
	pair_end(&p);
}

/* Only who is registered, from where it is, under its own association (RFC 6275, 10.6.3). */
static void whom_it_answers(void **state)
{
	struct in6_addr stranger, other;
	struct forged f;
	struct pair p;
	unsigned n = 0, unbound = 0;

	(void)state;
	begin(&p);
	other = second_client(&p);
	stranger = addr("2001:db8:1::99");
	solicit(&p, care_of, &p.hoa[0], BUB_INGRESS_ESP_TRANSPORT, &p.hoa[0]); /* not registered */
	assert_drops(p.ha[0], BUB_DROP_HAO_NO_BINDING, ++unbound);
	update(&p, 1);
	solicit(&p, care_of, &p.hoa[0], BUB_INGRESS_PLAIN, &p.hoa[0]);
	assert_drops(p.ha[0], BUB_DROP_PREFIX_NOT_PROTECTED, ++n);
	solicit(&p, care_of, &stranger, BUB_INGRESS_ESP_TRANSPORT, &stranger);
	assert_drops(p.ha[0], BUB_DROP_HAO_NO_BINDING, ++unbound);
	solicit(&p, care_of, &other, BUB_INGRESS_ESP_TRANSPORT, &p.hoa[0]);
	assert_drops(p.ha[0], BUB_DROP_HAO_NO_BINDING, ++unbound);
	solicit(&p, care_of, NULL, BUB_INGRESS_ESP_TRANSPORT, &p.hoa[0]);
	assert_drops(p.ha[0], BUB_DROP_PREFIX_NOT_PROTECTED, ++n);
	solicit(&p, "2001:db8:1b::77", &p.hoa[0], BUB_INGRESS_ESP_TRANSPORT, &p.hoa[0]);
	assert_drops(p.ha[0], BUB_DROP_HAO_NO_BINDING, ++unbound);
	assert_int_equal(seen.n, 0);
	acknowledge(&p);
	f = home_bu(&p, 2, 0);
	agent_assert_status(&p, &f, BUB_STATUS_ACCEPTED);
	solicit(&p, care_of, &p.hoa[0], BUB_INGRESS_ESP_TRANSPORT, &p.hoa[0]); /* no longer */
	assert_drops(p.ha[0], BUB_DROP_HAO_NO_BINDING, ++unbound);
	pair_end(&p);
}

/* Not more than one a second, asked for or not (RFC 6275, 6.8): the last question is answered when
 * the second is over, if the mobile node is still there. */
static void one_a_second(void **state)
{
	struct forged f;
	struct pair p;

	(void)state;
	begin(&p);
	update(&p, 1);
	acknowledge(&p);
	pair_run(&p, 300);
	for (unsigned i = 0; i < 3; i++)
		solicit(&p, care_of, &p.hoa[0], BUB_INGRESS_ESP_TRANSPORT, &p.hoa[0]);
	assert_drops(p.ha[0], BUB_DROP_RATE_LIMITED, 2);
	assert_int_equal(seen.n, 1);
	pair_run(&p, 700);
	assert_int_equal(seen.n, 2);
	assert_int_equal(seen_decode(1, &(struct bub_ip6){0}).u.prefix.id, 0x4711);
	/* Told in vain; what the next update starts anew waits its turn as well. */
	set_home_prefix(&p, 8500, 6000);
	while (seen.n < 6)
		pair_run(&p, 10);
	update(&p, 2);
	pair_run(&p, 100000);
	assert_int_equal(seen.n, 10);
	for (unsigned i = 1; i < seen.n; i++)
		assert_true(seen_gap_ms(i - 1) >= 1000);
	/* Asked too soon, and gone home or moved since. */
	for (unsigned i = 0; i < 2; i++) {
		acknowledge(&p);
		solicit(&p, care_of, &p.hoa[0], BUB_INGRESS_ESP_TRANSPORT, &p.hoa[0]);
		f = home_bu(&p, (uint16_t)(3 + 2 * i), i == 0 ? 0 : 3600);
		f.src = addr("2001:db8:1b::77");
		agent_assert_status(&p, &f, BUB_STATUS_ACCEPTED);
		pair_run(&p, 5000);
		assert_int_equal(seen.n, 11 + i);
		update(&p, (uint16_t)(4 + 2 * i));
	}
	pair_end(&p);
}

/* An operator may want none told (RFC 6275, 8.4). */
static void switched_off(void **state)
{
	struct pair p;

	(void)state;
	pair_init(&p);
	p.ha_cfg[0].ha.prefix_advert_min_s = MIN_S;
	p.ha_cfg[0].ha.prefix_advert_max_s = MAX_S;
	p.ha_cfg[0].ha.prefix_adverts = false;
	seen_begin(&p, BUB_ICMP6_PREFIX_ADVERT);
	update(&p, 1);
	solicit(&p, care_of, &p.hoa[0], BUB_INGRESS_ESP_TRANSPORT, &p.hoa[0]);
	assert_drops(p.ha[0], BUB_DROP_PREFIX_ADVERTS_OFF, 1);
	set_home_prefix(&p, 8500, 6000);
	pair_run(&p, 3 * MAX_S * 1000);
	update(&p, 2);
	pair_run(&p, 3 * MAX_S * 1000);
	assert_int_equal(seen.n, 0);
	pair_end(&p);
}

/* The binding goes when the valid lifetime of its prefix ends, which an operator may shorten (RFC
 * 6275, 10.3.1); where the prefix is withdrawn without notice, when all has been told. */
static void binding_goes_with_its_prefix(void **state)
{
	static const struct {
		uint32_t valid_s, end_s;
	} row[] = {{100, 100}, {4000, 3600}, {0, 2 * MIN_S + 24}};

	(void)state;
	for (unsigned i = 0; i < sizeof row / sizeof row[0]; i++) {
		struct pair p;

		begin_settled(&p);
		set_home_prefix(&p, row[i].valid_s, row[i].valid_s);
		pair_run(&p, row[i].end_s * 1000 - 500);
		assert_true(client(&p).registered);
		pair_run(&p, 1000);
		assert_false(client(&p).registered);
		assert_int_equal(seen.n, 4);
		pair_end(&p);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(told_at_a_random_time),
		cmocka_unit_test(told_after_the_first_registration),
		cmocka_unit_test(changes_do_not_put_it_off),
		cmocka_unit_test(repetitions_begin_again),
		cmocka_unit_test(acknowledged_late),
		cmocka_unit_test(silence_has_its_measure),
		cmocka_unit_test(told_what_it_has_missed),
		cmocka_unit_test(whatever_changes_is_told),
		cmocka_unit_test(as_many_as_there_is_room_for),
		cmocka_unit_test(whom_it_answers),
		cmocka_unit_test(one_a_second),
		cmocka_unit_test(switched_off),
		cmocka_unit_test(binding_goes_with_its_prefix),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
