/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Home Agent Switch (RFC 5142): a home agent sends mobile nodes to another one of their home link.
 * Both sides, and what a mobile node does not follow.
 */
#include <stdio.h>
#include <string.h>

#include "agent.h"
#include "seen.h"

/* The second home agent of the first home link, and one of another. */
static const char other_text[] = "2001:db8:1::2", third_text[] = "2001:db8:1::3";

struct scene {
	struct pair p;
	struct node *other;
	struct in6_addr list[3]; /* that the configuration of the mobile node has */
};

/* What bubd says of a name, or of a list in the configuration. */
static void tell_agents(struct scene *s, const struct in6_addr *use)
{
	struct bub_event ev = {.type = BUB_EV_HOME_AGENT};

	ev.u.home_agent.home = s->p.hoa[0];
	ev.u.home_agent.address = *use;
	ev.u.home_agent.allowed = s->list;
	ev.u.home_agent.n_allowed = 3;
	world_feed(s->p.mn[0], &ev);
}

static struct node *add_agent(struct pair *p, const char *name, const char *address)
{
	struct bub_config cfg = p->ha_cfg[0];
	struct node *n;

	cfg.ha.address = addr(address);
	n = world_add_node(p->w, name, &cfg, address, p->home[0]);
	for (unsigned i = 0; i < 2; i++)
		if (i == 0)
			(void)bub_engine_add_client(n->engine, &p->hoa[i]);
	return n;
}

static void scene_new(struct scene *s, bool listed)
{
	memset(s, 0, sizeof *s);
	pair_init(&s->p);
	s->list[0] = s->p.ha_addr[0];
	s->list[1] = addr(other_text);
	s->list[2] = addr(third_text);
	if (listed) {
		s->p.mn_cfg[0].home[0].home_agent = in6addr_any;
		s->p.mn_cfg[0].home[0].agent_is_named = true;
	}
	pair_start(&s->p);
	s->other = add_agent(&s->p, "ha1b", other_text);
	(void)bub_engine_add_client(s->p.ha[0]->engine, &s->p.hoa[0]);
	if (listed)
		tell_agents(s, &s->p.ha_addr[0]);
}

static void scene_end(struct scene *s)
{
	pair_end(&s->p);
}

static void command(struct node *ha, const struct in6_addr *home, const char *to, uint32_t rate,
		    bool stop)
{
	struct bub_event ev = {.type = BUB_EV_HA_SWITCH};
	struct in6_addr agent = in6addr_any;

	ev.u.ha_switch.home = home != NULL ? *home : in6addr_any;
	ev.u.ha_switch.stop = stop;
	ev.u.ha_switch.rate = rate;
	if (to != NULL) {
		agent = addr(to);
		ev.u.ha_switch.agent = &agent;
		ev.u.ha_switch.n = 1;
	}
	world_feed(ha, &ev);
}

static struct bub_switch_status at(const struct node *ha)
{
	struct bub_switch_status st;

	bub_engine_switch_status(ha->engine, &st);
	return st;
}

static enum bub_switched switched(const struct scene *s)
{
	struct bub_client_status c;

	assert_true(bub_engine_client(s->p.ha[0]->engine, world_now(s->p.w), &s->p.hoa[0], &c));
	return c.switched;
}

static bool is_bound(const struct scene *s, const struct node *ha)
{
	struct bub_client_status c;

	return bub_engine_client(ha->engine, world_now(s->p.w), &s->p.hoa[0], &c) && c.registered &&
	       bub_addr_eq(&c.care_of, pair_at(&s->p, 0));
}

static bool has_agent(const struct scene *s, const char *text)
{
	const struct bub_home_status h = pair_home(&s->p, 0);
	const struct in6_addr a = addr(text);

	return strcmp(h.state, "registered") == 0 && bub_addr_eq(&h.home_agent, &a);
}

/* ---- It goes ------------------------------------------------------------------------------- */

/* Deleted at the one, then registered with the other; peers hear nothing of it. */
static void goes_where_it_is_sent(void **state)
{
	struct scene s;
	const struct message *m;
	uint64_t direct, tunnelled;
	size_t mark;

	(void)state;
	scene_new(&s, true);
	pair_in_bub(&s.p);
	mark = pair_mark(&s.p);
	command(s.p.ha[0], NULL, other_text, 0, false);
	pair_run(&s.p, 3000);
	assert_int_equal(pair_count(&s.p, mark, s.p.ha[0], BUB_MH_HA_SWITCH), 1);
	m = pair_nth(&s.p, mark, s.p.ha[0], BUB_MH_HA_SWITCH, 0);
	assert_int_equal(m->egress, BUB_EGRESS_TRANSPORT);
	assert_true(m->ip.has_rh2 && bub_addr_eq(&m->ip.rh2, &s.p.hoa[0]));
	assert_true(bub_addr_eq(&m->ip.dst, pair_at(&s.p, 0)));
	assert_int_equal(pair_count(&s.p, mark, s.p.mn[0], BUB_MH_BU), 2);
	m = pair_nth(&s.p, mark, s.p.mn[0], BUB_MH_BU, 0);
	assert_true(bub_addr_eq(&m->ip.dst, &s.p.ha_addr[0]));
	assert_int_equal(m->mh.u.bu.lifetime_s, 0);
	assert_true(m->ip.has_hao && m->mh.u.bu.flags & BUB_BU_HOME);
	m = pair_nth(&s.p, mark, s.p.mn[0], BUB_MH_BU, 1);
	assert_true(bub_addr_eq(&m->ip.dst, &s.list[1]));
	assert_int_not_equal(m->mh.u.bu.lifetime_s, 0);
	assert_true(has_agent(&s, other_text));
	assert_int_equal(pair_home(&s.p, 0).switches, 1);
	assert_true(is_bound(&s, s.other));
	assert_false(is_bound(&s, s.p.ha[0]));
	assert_int_equal(switched(&s), BUB_SWITCHED_GONE);
	assert_true(at(s.p.ha[0]).asked == 1 && at(s.p.ha[0]).gone == 1);
	assert_false(at(s.p.ha[0]).running);
	/* The session is as it was, and data goes on directly; through the tunnel, too. */
	assert_int_equal(pair_mode(&s.p, 0), BUB_MODE_BUB);
	pair_assert_settled(&s.p, BUB_MODE_BUB);
	direct = s.p.mn[1]->data_direct;
	pair_data(&s.p, 0);
	pair_run(&s.p, 200);
	assert_int_equal(s.p.mn[1]->data_direct, direct + 1);
	tunnelled = s.p.mn[0]->data_tunnelled;
	world_send_data(s.p.w, s.p.cn, &s.p.cn_addr, &s.p.hoa[0]);
	pair_run(&s.p, 200);
	assert_int_equal(s.p.mn[0]->data_tunnelled, tunnelled + 1);
	/* A handover afterwards takes the way through the new one. */
	pair_go(&s.p, 0, 1);
	pair_run(&s.p, 3000);
	pair_assert_settled(&s.p, BUB_MODE_BUB);
	assert_true(is_bound(&s, s.other));
	scene_end(&s);
}

/* Data on the direct path while it happens: none is lost. */
static void direct_path_loses_nothing(void **state)
{
	struct scene s;
	uint64_t got, sent;

	(void)state;
	scene_new(&s, true);
	pair_in_bub(&s.p);
	got = s.p.mn[0]->data_direct + s.p.mn[1]->data_direct;
	sent = s.p.mn[0]->data_sent + s.p.mn[1]->data_sent;
	command(s.p.ha[0], NULL, other_text, 0, false);
	pair_talk(&s.p, 5000);
	pair_run(&s.p, 500);
	assert_true(has_agent(&s, other_text));
	assert_int_equal(s.p.mn[0]->data_direct + s.p.mn[1]->data_direct - got,
			 s.p.mn[0]->data_sent + s.p.mn[1]->data_sent - sent);
	scene_end(&s);
}

/* Without a list: those of its home link that the home agent has heard of (RFC 5142, 5.1). */
static void list_of_the_home_link(void **state)
{
	struct scene s;
	const struct message *m;
	size_t mark;

	(void)state;
	scene_new(&s, true);
	world_advertise(s.p.w, s.p.home[0]);
	pair_one_away(&s.p);
	mark = pair_mark(&s.p);
	command(s.p.ha[0], &s.p.hoa[0], NULL, 0, false);
	pair_run(&s.p, 3000);
	m = pair_nth(&s.p, mark, s.p.ha[0], BUB_MH_HA_SWITCH, 0);
	assert_int_equal(m->mh.u.ha_switch.agents.len, 16);
	assert_memory_equal(m->mh.u.ha_switch.agents.data, &s.list[1], 16);
	assert_true(has_agent(&s, other_text));
	scene_end(&s);
}

/* A home agent that knows no other sends an empty list: the configuration has others. */
static void empty_list_of_a_listed_one(void **state)
{
	struct scene s;

	(void)state;
	scene_new(&s, true);
	pair_one_away(&s.p);
	command(s.p.ha[0], &s.p.hoa[0], NULL, 0, false);
	pair_run(&s.p, 3000);
	assert_true(has_agent(&s, other_text));
	scene_end(&s);
}

static void reply(struct scene *s, const struct in6_addr *agents, unsigned n)
{
	struct bub_icmp6 icmp = {.kind = BUB_ICMP6_DHAAD_REPLY};
	struct bub_ip6_build b = {.src = s->p.ha_addr[0], .dst = *pair_at(&s->p, 0)};
	struct bub_ip6 ip;

	icmp.u.dhaad.id = seen_decode(seen.n - 1, &ip).u.dhaad.id;
	icmp.u.dhaad.n_addrs = n;
	memcpy(icmp.u.dhaad.addr, agents, n * sizeof *agents);
	seen_feed(&s->p, s->p.mn[0], &icmp, b, BUB_INGRESS_PLAIN, &in6addr_any);
}

/* A node that discovers its home agents asks anew (RFC 5142, 4: "MUST perform home agent
 * discovery"), and the one that has sent it away comes last. */
static void empty_list_of_one_that_discovers(void **state)
{
	struct scene s = {0};
	unsigned before;

	(void)state;
	pair_init(&s.p);
	s.p.mn_cfg[0].home[0].home_agent = in6addr_any;
	seen_begin(&s.p, BUB_ICMP6_DHAAD_REQUEST);
	s.other = add_agent(&s.p, "ha1b", other_text);
	(void)bub_engine_add_client(s.p.ha[0]->engine, &s.p.hoa[0]);
	s.list[0] = s.p.ha_addr[0];
	s.list[1] = addr(other_text);
	pair_go(&s.p, 0, 0);
	pair_run(&s.p, 100);
	reply(&s, s.list, 1);
	pair_run(&s.p, 3000);
	assert_true(is_bound(&s, s.p.ha[0]));
	before = seen.n;
	command(s.p.ha[0], &s.p.hoa[0], NULL, 0, false);
	pair_run(&s.p, 200);
	assert_int_equal(seen.n, before + 1);
	reply(&s, s.list, 2);
	pair_run(&s.p, 3000);
	assert_true(has_agent(&s, other_text));
	/* One that discovers goes wherever it is sent: only who has its keys can answer it. */
	command(s.other, &s.p.hoa[0], "2001:db8:1::1", 0, false);
	pair_run(&s.p, 3000);
	assert_true(has_agent(&s, "2001:db8:1::1"));
	scene_end(&s);
}

/* ---- It has to be asked more than once ------------------------------------------------------ */

static uint64_t switch_at(const struct scene *s, size_t mark, unsigned nth)
{
	return pair_nth(&s->p, mark, s->p.ha[0], BUB_MH_HA_SWITCH, nth)->at_ns / 1000000;
}

static void lost_messages_are_repeated(void **state)
{
	struct scene s;
	size_t mark;

	(void)state;
	scene_new(&s, true);
	pair_one_away(&s.p);
	mark = pair_mark(&s.p);
	pair_lose(&s.p, s.p.ha[0], BUB_MH_HA_SWITCH, 2);
	command(s.p.ha[0], &s.p.hoa[0], other_text, 0, false);
	pair_run(&s.p, 20000);
	assert_int_equal(pair_count(&s.p, mark, s.p.ha[0], BUB_MH_HA_SWITCH), 3);
	assert_int_equal(switch_at(&s, mark, 1) - switch_at(&s, mark, 0), 5000);
	assert_int_equal(switch_at(&s, mark, 2) - switch_at(&s, mark, 1), 10000);
	assert_true(has_agent(&s, other_text));
	assert_int_equal(switched(&s), BUB_SWITCHED_GONE);
	scene_end(&s);
}

/* Nobody answers: the binding stays until it ends, and cannot be extended meanwhile (RFC 5142,
 * 5.3).  A move is not refused. */
static void silent_node_keeps_what_it_has(void **state)
{
	struct pair p;
	struct forged f;
	const struct message *ba;
	size_t mark;

	(void)state;
	pair_init(&p);
	pair_start(&p);
	f = home_bu(&p, 7, 600);
	agent_assert_status(&p, &f, BUB_STATUS_ACCEPTED);
	mark = pair_mark(&p);
	command(p.ha[0], NULL, other_text, 0, false);
	pair_run(&p, 34000);
	assert_int_equal(pair_count(&p, mark, p.ha[0], BUB_MH_HA_SWITCH), 3);
	assert_int_equal(client(&p).switched, BUB_SWITCHED_ASKED);
	assert_int_equal(at(p.ha[0]).waiting, 1);
	f = home_bu(&p, 8, 600);
	agent_assert_status(&p, &f, BUB_STATUS_PROHIBITED);
	assert_drops(p.ha[0], BUB_DROP_HOME_BU_SENT_AWAY, 1);
	pair_run(&p, 2000);
	assert_int_equal(client(&p).switched, BUB_SWITCHED_SILENT);
	assert_false(at(p.ha[0]).running);
	assert_int_equal(at(p.ha[0]).silent, 1);
	f = home_bu(&p, 9, 600);
	agent_assert_status(&p, &f, BUB_STATUS_PROHIBITED);
	assert_in_range(client(&p).lifetime_s, 560, 565);
	f.src = addr("2001:db8:1b::77");
	f.mh.u.bu.sequence = 10;
	ba = agent_answer(&p, &f);
	assert_int_equal(ba->mh.u.ba.status, BUB_STATUS_ACCEPTED);
	assert_in_range(ba->mh.u.ba.lifetime_s, 556, 564);
	/* It may stay after all. */
	command(p.ha[0], NULL, NULL, 0, true);
	f.mh.u.bu.sequence = 11;
	assert_int_equal(agent_answer(&p, &f)->mh.u.ba.lifetime_s, 600);
	assert_int_equal(client(&p).switched, BUB_SWITCHED_NOT);
	/* Asked again, and its binding ends unanswered. */
	f = home_bu(&p, 12, 8);
	agent_assert_status(&p, &f, BUB_STATUS_ACCEPTED);
	command(p.ha[0], &p.hoa[0], other_text, 0, false);
	pair_run(&p, 9000);
	assert_int_equal(client(&p).switched, BUB_SWITCHED_SILENT);
	assert_int_equal(at(p.ha[0]).waiting, 0);
	pair_end(&p);
}

/* The deletion is not answered: after three of them it goes on, and comes through when the one that
 * it has left gives the home address up. */
static void agent_that_is_left_is_silent(void **state)
{
	struct scene s;
	size_t mark;

	(void)state;
	scene_new(&s, true);
	pair_one_away(&s.p);
	mark = pair_mark(&s.p);
	pair_lose(&s.p, s.p.mn[0], BUB_MH_BU, 3);
	command(s.p.ha[0], &s.p.hoa[0], other_text, 0, false);
	s.p.dad_taken = s.p.hoa[0]; /* the old home agent defends it */
	s.p.dad_error = -98;        /* EADDRINUSE */
	pair_run(&s.p, 15000);
	assert_true(pair_count(&s.p, mark, s.p.mn[0], BUB_MH_BU) >= 4);
	assert_false(has_agent(&s, other_text));
	assert_string_not_equal(pair_home(&s.p, 0).state, "registered");
	s.p.dad_error = 0;
	pair_run(&s.p, 64000);
	assert_true(has_agent(&s, other_text));
	scene_end(&s);
}

static void next_of_the_list_when_one_is_silent(void **state)
{
	struct bub_event ev = {.type = BUB_EV_HA_SWITCH};
	struct in6_addr list[2];
	struct scene s;

	(void)state;
	scene_new(&s, true);
	pair_one_away(&s.p);
	list[0] = addr(third_text); /* nobody is there */
	list[1] = addr(other_text);
	ev.u.ha_switch.agent = list;
	ev.u.ha_switch.n = 2;
	world_feed(s.p.ha[0], &ev);
	pair_run(&s.p, 40000);
	assert_true(has_agent(&s, other_text));
	scene_end(&s);
}

/* RFC 5142, 6.2, whatever the order. */
static void home_prefix_goes_first(void **state)
{
	struct bub_event ev = {.type = BUB_EV_HA_SWITCH};
	struct in6_addr list[2];
	struct scene s;
	size_t mark;

	(void)state;
	scene_new(&s, true);
	s.list[2] = s.p.ha_addr[1];
	tell_agents(&s, &s.p.ha_addr[0]);
	pair_one_away(&s.p);
	mark = pair_mark(&s.p);
	list[0] = s.p.ha_addr[1];
	list[1] = addr(other_text);
	ev.u.ha_switch.agent = list;
	ev.u.ha_switch.n = 2;
	world_feed(s.p.ha[0], &ev);
	pair_run(&s.p, 3000);
	assert_true(has_agent(&s, other_text));
	assert_int_equal(pair_count(&s.p, mark, s.p.mn[0], BUB_MH_BU), 2);
	scene_end(&s);
}

static void next_of_the_list_when_one_refuses(void **state)
{
	struct bub_event ev = {.type = BUB_EV_HA_SWITCH};
	struct in6_addr list[2];
	struct scene s;
	struct node *third;

	(void)state;
	scene_new(&s, true);
	third = add_agent(&s.p, "ha1c", third_text);
	(void)bub_engine_remove_client(third->engine, world_now(s.p.w), &s.p.hoa[0]);
	pair_one_away(&s.p);
	list[0] = addr(third_text); /* does not serve it */
	list[1] = addr(other_text);
	ev.u.ha_switch.agent = list;
	ev.u.ha_switch.n = 2;
	world_feed(s.p.ha[0], &ev);
	pair_run(&s.p, 3000);
	assert_true(has_agent(&s, other_text));
	scene_end(&s);
}

/* The one before may have accepted what it has not acknowledged, and defends the home address:
 * status 134 of the next one says no more than that. */
static void refusal_while_another_may_defend(void **state)
{
	struct scene s;

	(void)state;
	scene_new(&s, true);
	pair_lose(&s.p, s.p.ha[0], BUB_MH_BA, 2);
	pair_go(&s.p, 0, 0);
	pair_run(&s.p, 3000);
	assert_true(is_bound(&s, s.p.ha[0]));
	assert_string_equal(pair_home(&s.p, 0).state, "registering");
	s.p.dad_taken = s.p.hoa[0];
	s.p.dad_error = -98;
	tell_agents(&s, &s.list[1]); /* bubd tries the next one */
	pair_run(&s.p, 3000);
	assert_true(pair_home(&s.p, 0).refused);
	assert_true(pair_home(&s.p, 0).lifetime_s == 0);
	tell_agents(&s, &s.list[0]); /* and the first one again */
	pair_run(&s.p, 3000);
	assert_true(has_agent(&s, "2001:db8:1::1"));
	scene_end(&s);
}

/* Of several home agents the one in use is silent: all others are asked at once, and the first that
 * answers is told to whoever chooses. */
static void others_are_asked(void **state)
{
	struct bub_event ev = {.type = BUB_EV_HOME_AGENT};
	struct forged f = {.mh = {.kind = BUB_MH_COT}};
	const struct message *m;
	struct in6_addr there;
	struct scene s;
	size_t mark;

	(void)state;
	scene_new(&s, true);
	ev.u.home_agent.home = s.p.hoa[0];
	ev.u.home_agent.address = s.list[2]; /* nobody is there */
	ev.u.home_agent.allowed = s.list;
	ev.u.home_agent.n_allowed = 3;
	world_feed(s.p.mn[0], &ev);
	mark = pair_mark(&s.p);
	pair_go(&s.p, 0, 0);
	pair_run(&s.p, 1400);
	assert_int_equal(pair_count(&s.p, mark, s.p.mn[0], BUB_MH_COTI), 0);
	pair_lose(&s.p, s.p.ha[0], BUB_MH_COT, 1); /* of two one answers */
	pair_run(&s.p, 500);
	assert_int_equal(pair_count(&s.p, mark, s.p.mn[0], BUB_MH_COTI), 2);
	m = pair_nth(&s.p, mark, s.p.mn[0], BUB_MH_COTI, 0);
	assert_int_equal(m->egress, BUB_EGRESS_PLAIN);
	there = pair_home(&s.p, 0).answers;
	assert_true(bub_addr_eq(&there, &s.list[1]));
	/* A late one changes nothing, and neither does one with another cookie or of a stranger. */
	f.src = s.p.ha_addr[0];
	f.dst = *pair_at(&s.p, 0);
	f.ingress = BUB_INGRESS_PLAIN;
	memcpy(f.mh.u.test.cookie, m->mh.u.test_init.cookie, BUB_COOKIE_LEN);
	pair_feed(&s.p, s.p.mn[0], &f);
	assert_drops(s.p.mn[0], BUB_DROP_TEST_NO_MATCH, 0);
	f.src = s.p.cn_addr;
	pair_feed(&s.p, s.p.mn[0], &f);
	assert_drops(s.p.mn[0], BUB_DROP_TEST_NO_MATCH, 1);
	f.src = s.p.ha_addr[0];
	f.mh.u.test.cookie[0] ^= 1;
	pair_feed(&s.p, s.p.mn[0], &f);
	assert_drops(s.p.mn[0], BUB_DROP_TEST_NO_MATCH, 2);
	there = pair_home(&s.p, 0).answers;
	assert_true(bub_addr_eq(&there, &s.list[1]));
	/* Chosen, it is no other one any more. */
	tell_agents(&s, &s.list[1]);
	pair_run(&s.p, 3000);
	assert_true(has_agent(&s, other_text));
	there = pair_home(&s.p, 0).answers;
	assert_true(IN6_IS_ADDR_UNSPECIFIED(&there));
	scene_end(&s);
}

/* A handover in between: the deletion goes out from the new care-of address. */
static void moves_while_it_leaves(void **state)
{
	struct scene s;

	(void)state;
	scene_new(&s, true);
	pair_one_away(&s.p);
	pair_lose(&s.p, s.p.mn[0], BUB_MH_BU, 1);
	command(s.p.ha[0], &s.p.hoa[0], other_text, 0, false);
	pair_run(&s.p, 100);
	assert_string_equal(pair_home(&s.p, 0).state, "leaving");
	pair_go(&s.p, 0, 1);
	pair_run(&s.p, 5000);
	assert_true(has_agent(&s, other_text));
	assert_true(is_bound(&s, s.other));
	assert_int_equal(switched(&s), BUB_SWITCHED_GONE);
	scene_end(&s);
}

/* It comes back, since nobody else has it: served as ever. */
static void comes_back(void **state)
{
	struct pair p;
	struct forged f;

	(void)state;
	pair_init(&p);
	pair_start(&p);
	f = home_bu(&p, 7, 600);
	agent_assert_status(&p, &f, BUB_STATUS_ACCEPTED);
	command(p.ha[0], &p.hoa[0], other_text, 0, false);
	f = home_bu(&p, 8, 0);
	agent_assert_status(&p, &f, BUB_STATUS_ACCEPTED);
	assert_int_equal(client(&p).switched, BUB_SWITCHED_GONE);
	f = home_bu(&p, 9, 600);
	agent_assert_status(&p, &f, BUB_STATUS_ACCEPTED);
	assert_int_equal(client(&p).switched, BUB_SWITCHED_NOT);
	assert_true(at(p.ha[0]).gone == 0 && at(p.ha[0]).returned == 1);
	f = home_bu(&p, 10, 600);
	agent_assert_status(&p, &f, BUB_STATUS_ACCEPTED);
	pair_end(&p);
}

/* ---- Many ----------------------------------------------------------------------------------- */

/* RFC 5142, 7: one message a second, or as the operator has it; repetitions count. */
static void rate_holds_for_all(void **state)
{
	static const uint32_t rates[] = {0, 10};
	struct pair p;
	struct forged f;
	struct in6_addr home;

	(void)state;
	for (unsigned r = 0; r < 2; r++) {
		const uint64_t gap = rates[r] == 0 ? 1000 : 100;
		size_t mark;
		unsigned n;

		pair_init(&p);
		pair_start(&p);
		for (uint8_t i = 0; i < 12; i++) {
			home = p.hoa[0];
			home.s6_addr[15] = (uint8_t)(0x20 + i);
			assert_int_equal(bub_engine_add_client(p.ha[0]->engine, &home), 0);
			f = home_bu(&p, 7, 600);
			f.hao = &home;
			f.owner = home;
			pair_feed(&p, p.ha[0], &f);
		}
		pair_run(&p, 2000);
		mark = pair_mark(&p);
		command(p.ha[0], NULL, other_text, rates[r], false);
		assert_int_equal(at(p.ha[0]).to_ask, 12);
		pair_run(&p, 100000);
		n = pair_count(&p, mark, p.ha[0], BUB_MH_HA_SWITCH);
		assert_int_equal(n, 36); /* nobody answers */
		for (unsigned i = 1; i < n; i++)
			assert_true(pair_nth(&p, mark, p.ha[0], BUB_MH_HA_SWITCH, i)->at_ns -
					    pair_nth(&p, mark, p.ha[0], BUB_MH_HA_SWITCH, i - 1)
						    ->at_ns >=
				    gap * 1000000);
		assert_int_equal(at(p.ha[0]).asked, 12);
		assert_int_equal(at(p.ha[0]).silent, 12);
		assert_false(at(p.ha[0]).running);
		pair_end(&p);
	}
}

/* Who is at an address of IPv4 could not follow, and is not asked. */
static void nobody_is_asked_in_ipv4(void **state)
{
	struct bub_client_status c;
	struct pair p;
	struct forged f;
	size_t mark;

	(void)state;
	pair_init(&p);
	p.ha_cfg[0].ha.ipv4_address = addr("::ffff:198.51.100.1");
	pair_start(&p);
	f = home_bu(&p, 7, 600);
	f.src = p.hoa[0];
	f.hao = NULL;
	f.outer_src = addr("::ffff:192.0.2.7");
	f.mh.opts.present = BUB_OPT_IPV4_CARE_OF;
	f.mh.opts.ipv4_care_of = f.outer_src;
	pair_feed(&p, p.ha[0], &f);
	pair_run(&p, 2000);
	c = client(&p);
	assert_true(c.registered && IN6_IS_ADDR_V4MAPPED(&c.care_of));
	mark = pair_mark(&p);
	command(p.ha[0], NULL, other_text, 0, false);
	assert_int_equal(at(p.ha[0]).to_ask, 0);
	command(p.ha[0], &p.hoa[0], other_text, 0, false);
	pair_run(&p, 10000);
	assert_int_equal(pair_count(&p, mark, p.ha[0], BUB_MH_HA_SWITCH), 0);
	assert_false(at(p.ha[0]).running);
	pair_end(&p);
}

/* Who is not served any more while it is asked leaves nothing behind. */
static void forgotten_while_it_is_asked(void **state)
{
	struct pair p;
	struct forged f;
	size_t mark;

	(void)state;
	pair_init(&p);
	pair_start(&p);
	f = home_bu(&p, 7, 600);
	agent_assert_status(&p, &f, BUB_STATUS_ACCEPTED);
	command(p.ha[0], NULL, other_text, 0, false);
	pair_run(&p, 100);
	mark = pair_mark(&p);
	world_feed(p.ha[0], &(struct bub_event){.type = BUB_EV_LINK_DOWN, .ifindex = 9});
	assert_int_equal(bub_engine_remove_client(p.ha[0]->engine, world_now(p.w), &p.hoa[0]), 0);
	for (struct bub_action act; bub_engine_next_action(p.ha[0]->engine, &act);)
		;
	pair_run(&p, 60000);
	assert_int_equal(pair_count(&p, mark, p.ha[0], BUB_MH_HA_SWITCH), 0);
	assert_false(at(p.ha[0]).running);
	pair_end(&p);
}

/* ---- What a mobile node does not follow ------------------------------------------------------ */

static struct forged told_to_go(struct scene *s, const struct in6_addr *agent)
{
	struct forged f = {
		.src = s->p.ha_addr[0],
		.dst = *pair_at(&s->p, 0),
		.rh2 = &s->p.hoa[0],
		.ingress = BUB_INGRESS_ESP_TRANSPORT,
		.owner = s->p.hoa[0],
		.mh = {.kind = BUB_MH_HA_SWITCH},
	};

	f.mh.u.ha_switch.agents = (struct bub_view){(const uint8_t *)agent, 16};
	return f;
}

static void assert_refused(struct scene *s, const struct forged *f, enum bub_drop why)
{
	const uint64_t before = pair_drops(s->p.mn[0], why);
	const size_t mark = pair_mark(&s->p);

	pair_feed(&s->p, s->p.mn[0], f);
	pair_run(&s->p, 1);
	assert_drops(s->p.mn[0], why, before + 1);
	assert_int_equal(pair_mark(&s->p), mark); /* silently */
}

static void what_is_not_followed(void **state)
{
	struct scene s;
	struct forged f;
	struct in6_addr foreign = addr("2001:db8:66::1"), other = addr(other_text);

	(void)state;
	scene_new(&s, true);
	f = told_to_go(&s, &other);
	f.dst = s.p.hoa[0];
	f.rh2 = NULL;
	assert_refused(&s, &f, BUB_DROP_SWITCH_NOT_REGISTERED); /* at home */
	pair_one_away(&s.p);
	/* RFC 5142, 6.1: under ESP, or not at all. */
	f = told_to_go(&s, &other);
	f.ingress = BUB_INGRESS_PLAIN;
	assert_refused(&s, &f, BUB_DROP_SWITCH_NOT_PROTECTED);
	f.dst = s.p.hoa[0];
	f.rh2 = NULL;
	f.ingress = BUB_INGRESS_ESP_TUNNEL;
	f.outer_src = s.p.ha_addr[0];
	assert_refused(&s, &f, BUB_DROP_SWITCH_NOT_PROTECTED);
	/* Of another than the home agent in use, though it has an association. */
	f = told_to_go(&s, &other);
	f.src = addr(third_text);
	assert_refused(&s, &f, BUB_DROP_SWITCH_NOT_FROM_HA);
	/* To nobody whom the configuration has, or to where it is. */
	f = told_to_go(&s, &foreign);
	assert_refused(&s, &f, BUB_DROP_SWITCH_FOREIGN);
	assert_string_equal(pair_home(&s.p, 0).why,
			    "its home agent sends it away, to none that home-agent allows");
	f = told_to_go(&s, &s.p.ha_addr[0]);
	assert_refused(&s, &f, BUB_DROP_SWITCH_FOREIGN);
	assert_true(has_agent(&s, "2001:db8:1::1"));
	assert_true(is_bound(&s, s.p.ha[0]));
	assert_int_equal(pair_home(&s.p, 0).switches, 0);
	/* As a correspondent without a home address at that one. */
	f = told_to_go(&s, &other);
	f.dst = s.p.cn_addr;
	f.rh2 = NULL;
	pair_feed(&s.p, s.p.cn, &f);
	assert_drops(s.p.cn, BUB_DROP_SWITCH_NOT_FROM_HA, 1);
	scene_end(&s);
}

/* A home agent that is configured by its address is the only one. */
static void one_address_allows_no_other(void **state)
{
	struct scene s;
	struct forged f;
	struct in6_addr other = addr(other_text);

	(void)state;
	scene_new(&s, false);
	pair_one_away(&s.p);
	f = told_to_go(&s, &other);
	assert_refused(&s, &f, BUB_DROP_SWITCH_FOREIGN);
	f.mh.u.ha_switch.agents = (struct bub_view){0};
	assert_refused(&s, &f, BUB_DROP_SWITCH_FOREIGN);
	assert_true(has_agent(&s, "2001:db8:1::1"));
	scene_end(&s);
}

/* Nobody says at which address of IPv4 the other home agent is. */
static void not_over_ipv4(void **state)
{
	struct bub_event ev = {.type = BUB_EV_CARE_OF_NEW, .ifindex = 3};
	struct bub_event agent = {.type = BUB_EV_HOME_AGENT};
	struct scene s;
	struct forged f;
	struct in6_addr other = addr(other_text);

	(void)state;
	scene_new(&s, true);
	pair_go(&s.p, 0, 0);
	pair_run(&s.p, 3000);
	f = told_to_go(&s, &other);
	ev.u.care_of.address = addr("::ffff:192.0.2.7");
	ev.u.care_of.preference = 9;
	ev.u.care_of.prefix_len = 120;
	agent.u.home_agent.home = s.p.hoa[0];
	agent.u.home_agent.address = s.p.ha_addr[0];
	agent.u.home_agent.ipv4 = addr("::ffff:198.51.100.1");
	world_feed(s.p.mn[0], &agent);
	world_feed(s.p.mn[0], &ev);
	f.dst = s.p.hoa[0];
	f.rh2 = NULL;
	f.outer_src = addr("::ffff:198.51.100.1");
	assert_refused(&s, &f, BUB_DROP_SWITCH_IPV4);
	scene_end(&s);
}

/* ESP's window refuses a second copy.  Even without it, an old message leads nowhere: the home
 * agent that it is from is not in use any more, or the node leaves already. */
static void replays(void **state)
{
	struct scene s;
	const struct message *m;
	size_t mark;

	(void)state;
	scene_new(&s, true);
	pair_one_away(&s.p);
	mark = pair_mark(&s.p);
	pair_lose(&s.p, s.p.mn[0], BUB_MH_BU, 1);
	command(s.p.ha[0], &s.p.hoa[0], other_text, 0, false);
	pair_run(&s.p, 100);
	m = pair_nth(&s.p, mark, s.p.ha[0], BUB_MH_HA_SWITCH, 0);
	pair_replay(&s.p, s.p.mn[0], m);
	assert_drops(s.p.mn[0], BUB_DROP_SWITCH_NOT_REGISTERED, 1);
	pair_run(&s.p, 5000);
	assert_true(has_agent(&s, other_text));
	pair_replay(&s.p, s.p.mn[0], m);
	assert_drops(s.p.mn[0], BUB_DROP_SWITCH_NOT_FROM_HA, 1);
	assert_true(has_agent(&s, other_text));
	scene_end(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(goes_where_it_is_sent),
		cmocka_unit_test(direct_path_loses_nothing),
		cmocka_unit_test(list_of_the_home_link),
		cmocka_unit_test(empty_list_of_a_listed_one),
		cmocka_unit_test(empty_list_of_one_that_discovers),
		cmocka_unit_test(lost_messages_are_repeated),
		cmocka_unit_test(silent_node_keeps_what_it_has),
		cmocka_unit_test(agent_that_is_left_is_silent),
		cmocka_unit_test(next_of_the_list_when_one_is_silent),
		cmocka_unit_test(home_prefix_goes_first),
		cmocka_unit_test(next_of_the_list_when_one_refuses),
		cmocka_unit_test(refusal_while_another_may_defend),
		cmocka_unit_test(others_are_asked),
		cmocka_unit_test(moves_while_it_leaves),
		cmocka_unit_test(comes_back),
		cmocka_unit_test(rate_holds_for_all),
		cmocka_unit_test(nobody_is_asked_in_ipv4),
		cmocka_unit_test(forgotten_while_it_is_asked),
		cmocka_unit_test(what_is_not_followed),
		cmocka_unit_test(one_address_allows_no_other),
		cmocka_unit_test(not_over_ipv4),
		cmocka_unit_test(replays),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
