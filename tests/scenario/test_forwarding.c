/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The home agent as a hop (RFC 6275, 10.4.2 and 10.4.5; protocol.md, 1 and P9): what goes into a
 * tunnel, out of it, and out of one into another, at the limits.
 */
#include <string.h>

#include "agent.h"

static void register_first(struct pair *p)
{
	struct forged f = home_bu(p, 7, 600);

	agent_assert_status(p, &f, BUB_STATUS_ACCEPTED);
}

static void register_other(struct pair *p, const struct in6_addr *other)
{
	struct forged f = home_bu(p, 7, 600);

	f.hao = other;
	f.owner = *other;
	agent_assert_status(p, &f, BUB_STATUS_ACCEPTED);
}

/* Out of the tunnel of the first client. */
static void out_of_tunnel(struct pair *p, const uint8_t *packet, size_t len)
{
	struct in6_addr at = addr(care_of);

	pair_feed_raw(p, p->ha[0], packet, len, BUB_INGRESS_ESP_TUNNEL, &p->hoa[0], &at);
}

/* What is no IPv6 packet goes into no tunnel, however long it is; the shortest one that is does. */
static void intercepts_packets_only(void **state)
{
	struct last last = {.egress = BUB_EGRESS_TUNNEL};
	uint8_t packet[64];
	struct pair p;
	size_t len;

	(void)state;
	pair_new(&p);
	p.ctx = &last;
	p.on_flight = last_note;
	register_first(&p);
	len = data_packet(&p.cn_addr, &p.hoa[0], 9, packet, sizeof packet);
	for (size_t n = 0; n < BUB_IP6_HDR_LEN; n++)
		pair_feed_raw(&p, p.ha[0], packet, n, BUB_INGRESS_TUN, &in6addr_any, &in6addr_any);
	packet[0] = 0x40;
	pair_feed_raw(&p, p.ha[0], packet, len, BUB_INGRESS_TUN, &in6addr_any, &in6addr_any);
	assert_int_equal(last.n, 0);
	packet[0] = 0x60;
	packet[5] = 0;
	packet[6] = BUB_NH_NONE;
	pair_feed_raw(&p, p.ha[0], packet, BUB_IP6_HDR_LEN, BUB_INGRESS_TUN, &in6addr_any,
		      &in6addr_any);
	assert_int_equal(last.n, 1);
	pair_end(&p);
}

/* Counts what the home agent sends on bare, or leaves to its kernel to send. */
static unsigned leaves(struct pair *p, const char *dst)
{
	struct last last = {.egress = BUB_EGRESS_PLAIN};
	struct in6_addr to = addr(dst);
	uint8_t packet[64];
	size_t len = data_packet(&p->hoa[0], &to, 9, packet, sizeof packet);

	p->ctx = &last;
	p->on_flight = last_note;
	out_of_tunnel(p, packet, len);
	p->on_flight = NULL;
	return last.n;
}

/* Nothing leaves its scope (RFC 4291, 2.5.6 and 2.7): interface-local and link-local groups, of
 * whatever flags, and link-local addresses stay; wider groups are for the kernel's multicast
 * routing. */
static void scopes_are_kept(void **state)
{
	static const struct {
		const char *dst;
		unsigned n;
	} row[] = {
		{"ff01::1", 0}, {"ff02::1", 0}, {"ff11::1", 0},       {"ff12::1", 0},
		{"ff32::1", 0}, {"fe80::1", 0}, {"fe8f::1", 0},       {"febf::1", 0},
		{"::1", 0},     {"::", 0},      {"ff03::1", 1},       {"ff05::1", 1},
		{"ff1e::1", 1}, {"ff0e::1", 1}, {"2001:db8:c::c", 1},
	};
	struct pair p;
	unsigned dropped = 0;

	(void)state;
	pair_new(&p);
	register_first(&p);
	for (unsigned i = 0; i < sizeof row / sizeof row[0]; i++) {
		assert_int_equal(leaves(&p, row[i].dst), row[i].n);
		dropped += 1 - row[i].n;
		assert_drops(p.ha[0], BUB_DROP_TUNNEL_NOT_FORWARDED, dropped);
	}
	pair_end(&p);
}

/* To another mobile node of this home agent: into its tunnel with what is left of the hop limit,
 * once it is registered. */
static void into_the_other_tunnel(void **state)
{
	struct last last = {.egress = BUB_EGRESS_TUNNEL};
	uint8_t packet[64];
	struct in6_addr other;
	struct pair p;
	size_t len;

	(void)state;
	pair_new(&p);
	other = second_client(&p);
	p.ctx = &last;
	p.on_flight = last_note;
	register_first(&p);
	len = data_packet(&p.hoa[0], &other, 2, packet, sizeof packet);
	out_of_tunnel(&p, packet, len);
	assert_int_equal(bub_engine_counters(p.ha[0]->engine)->tunnel_out, 0);
	register_other(&p, &other);
	out_of_tunnel(&p, packet, len);
	assert_int_equal(bub_engine_counters(p.ha[0]->engine)->tunnel_out, 1);
	assert_int_equal(last.n, 1);
	assert_int_equal(last.octets[7], 1);
	pair_end(&p);
}

/* A packet that stands for many goes the way of one and is counted as many. */
static void merged_packets(void **state)
{
	struct bub_event ev = {.type = BUB_EV_PACKET};
	uint8_t packet[64];
	struct bub_action act;
	struct pair p;

	(void)state;
	pair_new(&p);
	register_first(&p);
	ev.u.packet.data.data = packet;
	ev.u.packet.merged = (struct bub_merged){3, 9};

	ev.u.packet.data.len = data_packet(&p.cn_addr, &p.hoa[0], 9, packet, sizeof packet);
	ev.u.packet.ingress = BUB_INGRESS_TUN;
	bub_engine_feed(p.ha[0]->engine, world_now(p.w), &ev);
	assert_true(bub_engine_next_action(p.ha[0]->engine, &act));
	assert_int_equal(act.type, BUB_ACT_SEND);
	assert_int_equal(act.u.send.egress, BUB_EGRESS_TUNNEL);
	assert_int_equal(act.u.send.merged.n, 3);
	assert_int_equal(act.u.send.merged.size, 9);
	assert_int_equal(bub_engine_counters(p.ha[0]->engine)->tunnel_out, 3);
	assert_false(bub_engine_next_action(p.ha[0]->engine, &act));

	ev.u.packet.data.len = data_packet(&p.hoa[0], &p.cn_addr, 9, packet, sizeof packet);
	ev.u.packet.ingress = BUB_INGRESS_ESP_TUNNEL;
	ev.u.packet.owner = p.hoa[0];
	ev.u.packet.outer_src = addr(care_of);
	bub_engine_feed(p.ha[0]->engine, world_now(p.w), &ev);
	assert_true(bub_engine_next_action(p.ha[0]->engine, &act));
	assert_int_equal(act.type, BUB_ACT_DELIVER);
	assert_int_equal(act.u.send.merged.n, 3);
	assert_int_equal(bub_engine_counters(p.ha[0]->engine)->tunnel_in, 3);
	assert_false(bub_engine_next_action(p.ha[0]->engine, &act));

	/* The next one is by itself again. */
	ev.u.packet.merged = (struct bub_merged){0};
	bub_engine_feed(p.ha[0]->engine, world_now(p.w), &ev);
	assert_true(bub_engine_next_action(p.ha[0]->engine, &act));
	assert_int_equal(act.u.send.merged.n, 0);
	assert_int_equal(bub_engine_counters(p.ha[0]->engine)->tunnel_in, 4);
	pair_end(&p);
}

/* Two that waited for the same registration are let go in one round: each is itself. */
static unsigned intact;

static void compare(struct pair *p, struct flight *f)
{
	if (f->from == p->ha[0] && f->egress == BUB_EGRESS_TUNNEL && f->octets[7] == 8 &&
	    f->octets[f->len - 1] == intact + 1)
		intact++;
}

static void held_messages_are_intact(void **state)
{
	struct in6_addr other;
	struct pair p;
	struct forged f;

	(void)state;
	intact = 0;
	pair_new(&p);
	other = second_client(&p);
	register_other(&p, &other);
	f = (struct forged){.src = p.hoa[0], .dst = other, .mh = {.kind = BUB_MH_HOTI}};
	for (uint8_t i = 1; i <= 3; i++) {
		uint8_t packet[128];
		size_t len;

		f.mh.u.test_init.cookie[BUB_COOKIE_LEN - 1] = i;
		len = pair_build(&p, &f, packet, sizeof packet);
		packet[7] = 9;
		out_of_tunnel(&p, packet, len);
	}
	p.on_flight = compare;
	register_first(&p);
	assert_int_equal(intact, 3);
	pair_end(&p);
}

/* Held are mobility messages of at most 256 octets: a longer one is dropped at once. */
static void long_messages_are_not_held(void **state)
{
	uint8_t packet[400] = {0};
	struct pair p;

	(void)state;
	pair_new(&p);
	data_packet(&p.hoa[0], &p.cn_addr, 9, packet, sizeof packet);
	packet[6] = BUB_NH_MH;
	packet[5] = 256 - BUB_IP6_HDR_LEN;
	out_of_tunnel(&p, packet, 256);
	assert_drops(p.ha[0], BUB_DROP_TUNNEL_NO_BINDING, 0);
	packet[5] = 264 - BUB_IP6_HDR_LEN;
	out_of_tunnel(&p, packet, 264);
	assert_drops(p.ha[0], BUB_DROP_TUNNEL_NO_BINDING, 1);
	pair_end(&p);
}

/* A mobility message of the first client from its care-of address, so long. */
static void vouched(struct pair *p, uint8_t *packet, size_t len)
{
	struct in6_addr at = addr(care_of);
	struct bub_ip6_build b = {.src = at, .dst = p->hoa[1], .hao = &p->hoa[0], .hop_limit = 9};
	size_t head = BUB_IP6_HDR_LEN + BUB_HAO_HDR_LEN;

	b.upper_proto = BUB_NH_MH;
	b.upper_len = (uint16_t)(len - head);
	memset(packet, 0, len);
	assert_int_equal(bub_ip6_encode(&b, packet, len), head);
	out_of_tunnel(p, packet, len);
}

/* The wrapper goes round what fits with it into 1,360 octets, and only where the operator wants
 * one: else the message leaves as it is. */
static void wrapped_where_it_fits(void **state)
{
	static const size_t len[] = {200, 1320, 1328};
	uint8_t packet[1400];

	(void)state;
	for (unsigned i = 0; i < 4; i++) {
		struct last last = {.egress = BUB_EGRESS_PLAIN};
		struct pair p;

		pair_init(&p);
		p.ha_cfg[0].ha.backhaul = i < 3 ? BUB_BACKHAUL_ENCAPSULATED : BUB_BACKHAUL_PLAIN;
		pair_start(&p);
		register_first(&p);
		p.ctx = &last;
		p.on_flight = last_note;
		vouched(&p, packet, len[i % 3]);
		assert_int_equal(last.n, i != 2);
		assert_drops(p.ha[0], BUB_DROP_TUNNEL_NOT_FORWARDED, i == 2);
		if (i < 2) {
			assert_int_equal(last.len, len[i] + BUB_IP6_HDR_LEN);
			assert_int_equal(last.octets[6], BUB_NH_IPV6);
			packet[7] = 8;
			assert_memory_equal(last.octets + BUB_IP6_HDR_LEN, packet, len[i]);
		} else if (i == 3) {
			assert_memory_equal(last.octets + 8, packet + 8, len[0] - 8);
		}
		pair_end(&p);
	}
}

/* Held for one mobile node: another one's registration does not let it go, from wherever. */
static void held_for_another(void **state)
{
	struct in6_addr at = addr(care_of), other;
	struct forged f = {.mh = {.kind = BUB_MH_HOTI}};
	uint8_t packet[128];
	struct pair p;
	size_t len;

	(void)state;
	pair_new(&p);
	other = second_client(&p);
	f.src = other;
	f.dst = p.cn_addr;
	len = pair_build(&p, &f, packet, sizeof packet);
	pair_feed_raw(&p, p.ha[0], packet, len, BUB_INGRESS_ESP_TUNNEL, &other, &at);
	register_first(&p);
	pair_run(&p, 100);
	assert_int_equal(pair_count(&p, 0, p.cn, BUB_MH_HOT), 0);
	register_other(&p, &other);
	pair_run(&p, 100);
	assert_int_equal(pair_count(&p, 0, p.cn, BUB_MH_HOT), 1);
	pair_end(&p);
}

/* A message to the home agent itself is for the core; anything else is for its kernel. */
static void up_to_the_agent_itself(void **state)
{
	struct last last = {.egress = BUB_EGRESS_PLAIN};
	struct forged f = {.mh = {.kind = BUB_MH_HOTI}};
	uint8_t packet[128];
	struct pair p;
	size_t len;

	(void)state;
	pair_new(&p);
	register_first(&p);
	f.src = p.hoa[0];
	f.dst = p.ha_addr[0];
	len = pair_build(&p, &f, packet, sizeof packet);
	out_of_tunnel(&p, packet, len);
	assert_int_equal(pair_count(&p, 0, p.ha[0], BUB_MH_HOT), 1);
	p.ctx = &last;
	p.on_flight = last_note;
	len = data_packet(&p.hoa[0], &p.ha_addr[0], 9, packet, sizeof packet);
	out_of_tunnel(&p, packet, len);
	assert_int_equal(last.n, 1);
	assert_memory_equal(last.octets, packet, len);
	assert_int_equal(bub_engine_counters(p.ha[0]->engine)->tunnel_in, 2);
	pair_end(&p);
}

/* What makes no sense, and what the care-of address may not send: data. */
static void not_out_of_the_tunnel(void **state)
{
	struct in6_addr at = addr(care_of);
	struct bub_ip6_build b = {.src = at, .hop_limit = 9, .upper_proto = 17, .upper_len = 8};
	struct last last = {.egress = BUB_EGRESS_PLAIN};
	uint8_t packet[128] = {0};
	struct pair p;
	int head;

	(void)state;
	pair_new(&p);
	register_first(&p);
	p.ctx = &last;
	p.on_flight = last_note;
	packet[0] = 0x40;
	out_of_tunnel(&p, packet, 64);
	assert_drops(p.ha[0], BUB_DROP_IP6_VERSION, 1);
	assert_drops(p.ha[0], BUB_DROP_REVERSE_INNER_SOURCE, 0);
	b.dst = p.cn_addr;
	b.hao = &p.hoa[0];
	head = bub_ip6_encode(&b, packet, sizeof packet);
	assert_true(head > 0);
	out_of_tunnel(&p, packet, (size_t)head + 8);
	assert_drops(p.ha[0], BUB_DROP_REVERSE_INNER_SOURCE, 1);
	assert_int_equal(last.n, 0);
	pair_end(&p);
}

/* Whose registration is lost is told (RFC 6275, 9.3.1), but not where it is just being made, and
 * only at an address that an answer can go to. */
static void lost_registration_is_told(void **state)
{
	struct in6_addr at = addr("fe80::77");
	uint8_t packet[64];
	struct forged f;
	struct pair p;
	size_t len;

	(void)state;
	pair_new(&p);
	len = data_packet(&p.hoa[0], &p.cn_addr, 9, packet, sizeof packet);
	pair_feed_raw(&p, p.ha[0], packet, len, BUB_INGRESS_ESP_TUNNEL, &p.hoa[0], &at);
	assert_int_equal(pair_count(&p, 0, p.ha[0], BUB_MH_BE), 0);
	out_of_tunnel(&p, packet, len);
	assert_int_equal(pair_count(&p, 0, p.ha[0], BUB_MH_BE), 1);
	p.dad_ns = 1000 * BUB_NS_PER_MS;
	f = home_bu(&p, 7, 600);
	pair_feed(&p, p.ha[0], &f);
	out_of_tunnel(&p, packet, len);
	assert_int_equal(pair_count(&p, 0, p.ha[0], BUB_MH_BE), 1);
	assert_drops(p.ha[0], BUB_DROP_TUNNEL_NO_BINDING, 2); /* the third one went on */
	pair_end(&p);
}

/* What waited is wrapped as what did not. */
static void held_messages_are_wrapped(void **state)
{
	struct last last = {.egress = BUB_EGRESS_PLAIN};
	uint8_t packet[200];
	struct pair p;

	(void)state;
	pair_init(&p);
	p.ha_cfg[0].ha.backhaul = BUB_BACKHAUL_ENCAPSULATED;
	pair_start(&p);
	vouched(&p, packet, sizeof packet);
	p.ctx = &last;
	p.on_flight = last_note;
	register_first(&p);
	assert_int_equal(last.n, 1);
	assert_int_equal(last.octets[6], BUB_NH_IPV6);
	pair_end(&p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(intercepts_packets_only),
		cmocka_unit_test(scopes_are_kept),
		cmocka_unit_test(into_the_other_tunnel),
		cmocka_unit_test(merged_packets),
		cmocka_unit_test(held_messages_are_intact),
		cmocka_unit_test(long_messages_are_not_held),
		cmocka_unit_test(wrapped_where_it_fits),
		cmocka_unit_test(held_for_another),
		cmocka_unit_test(up_to_the_agent_itself),
		cmocka_unit_test(not_out_of_the_tunnel),
		cmocka_unit_test(lost_registration_is_told),
		cmocka_unit_test(held_messages_are_wrapped),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
