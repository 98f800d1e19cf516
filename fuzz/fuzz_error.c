/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Fuzz target: an ICMPv6 error, through the engine of a node that is mobile node, home agent and
 * correspondent and has a direct path and a tunnel that the error may speak of (RFC 6275, 9.3.4 and
 * 11.3.5; RFC 2473, 8).
 *
 * The input is the message without its checksum.  The promise tested: what is told to somebody is a
 * good ICMPv6 error of at most 1280 octets, to the home address or to who sent into the tunnel,
 * about a packet of that address.
 */
#include <string.h>

#include "bul/entry.h"
#include "cn/binding.h"
#include "fuzz.h"
#include "ha/mobile_node.h"
#include "icmp/relay.h"
#include "mn/home.h"

#define MESSAGE_MAX 2048u
#define ADDRESS(last)                                                                              \
	{                                                                                          \
		{                                                                                  \
			{                                                                          \
				0x20, 0x01, 0x0d, 0xb8, [15] = (last)                              \
			}                                                                          \
		}                                                                                  \
	}

static const struct in6_addr home = ADDRESS(1), care_of = ADDRESS(2), agent = ADDRESS(3);
static const struct in6_addr peer = ADDRESS(4), peer_care_of = ADDRESS(5);
static const struct in6_addr client = ADDRESS(6), client_care_of = ADDRESS(7);
static const struct in6_addr ha = ADDRESS(8), router = ADDRESS(9);

static void zero(void *ctx, uint8_t *buf, size_t len)
{
	(void)ctx;
	memset(buf, 0, len);
}

static struct bub_engine *node(void)
{
	static const struct bub_env env = {.random = zero};
	struct bub_engine *eng;
	struct bub_config cfg;
	struct mobile_node *c;

	bub_config_init(&cfg);
	cfg.limit.bindings = cfg.limit.peers = cfg.limit.clients = 4;
	cfg.home[0].address = home;
	cfg.home[0].home_agent = agent;
	cfg.home[0].prefix_len = 64;
	cfg.n_homes = 1;
	cfg.ha.enabled = true;
	cfg.ha.address = ha;
	cfg.ha.n_prefixes = 1;
	cfg.ha.prefix[0].prefix = client;
	cfg.ha.prefix[0].len = 64;
	FUZZ_REQUIRE(bub_engine_new(&cfg, &env, (struct bub_time){BUB_NS_PER_S}, &eng) == 0);
	mn_home(eng, 0)->care_of = care_of;
	mn_home(eng, 0)->state = HOME_REGISTERED;
	bul_get(eng, mn_home(eng, 0), &peer)->sent_from.now = care_of;
	binding_get(eng, &home, &peer)->sent_to.now = peer_care_of;
	FUZZ_REQUIRE(bub_engine_add_client(eng, &client) == 0);
	c = ha_mobile_node(eng, &client);
	c->registered = true;
	c->care_of = client_care_of;
	return eng;
}

static void check(struct bub_view packet)
{
	struct bub_icmp6 icmp;
	struct bub_ip6 ip;

	FUZZ_REQUIRE(packet.len <= BUB_MIN_MTU);
	FUZZ_REQUIRE(bub_ip6_decode(packet, &ip) == BUB_DROP_NONE);
	FUZZ_REQUIRE(ip.upper_proto == BUB_NH_ICMPV6 && ip.packet.len == packet.len);
	FUZZ_REQUIRE(bub_icmp6_decode(&ip, &icmp) == BUB_DROP_NONE);
	FUZZ_REQUIRE(icmp.kind <= BUB_ICMP6_PARAM_PROBLEM);
	FUZZ_REQUIRE(icmp.quoted.len >= BUB_IP6_HDR_LEN);
	FUZZ_REQUIRE(memcmp(icmp.quoted.data + 8, &ip.dst, 16) == 0);
	FUZZ_REQUIRE(bub_addr_eq(&ip.dst, &home) ||
		     memcmp(icmp.quoted.data + 24, &client, 16) == 0);
}

/* To whom the quoted packet says that it came from. */
static size_t put_around(const uint8_t *message, size_t size, uint8_t *ret_packet)
{
	struct bub_ip6_build b = {
		.src = router, .upper_proto = BUB_NH_ICMPV6, .upper_len = (uint16_t)size};
	uint8_t *icmp = ret_packet + BUB_IP6_HDR_LEN;
	uint16_t sum;

	if (size >= 8 + BUB_IP6_HDR_LEN)
		memcpy(&b.dst, message + 8 + 8, sizeof(b.dst));
	FUZZ_REQUIRE(bub_ip6_encode(&b, ret_packet, BUB_IP6_HDR_LEN) == BUB_IP6_HDR_LEN);
	memcpy(icmp, message, size);
	icmp[2] = icmp[3] = 0;
	sum = bub_ip6_checksum(&b.src, &b.dst, BUB_NH_ICMPV6, (struct bub_view){icmp, size});
	icmp[2] = (uint8_t)(sum >> 8);
	icmp[3] = (uint8_t)sum;
	return BUB_IP6_HDR_LEN + size;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct bub_event ev = {.type = BUB_EV_PACKET, .ifindex = 1};
	struct bub_engine *eng;
	struct bub_action act;
	uint8_t *packet;

	if (size < 4 || size > MESSAGE_MAX)
		return 0;
	packet = malloc(BUB_IP6_HDR_LEN + size); /* its own, so that a read past the end is seen */
	FUZZ_REQUIRE(packet != NULL);
	ev.u.packet.data = (struct bub_view){packet, put_around(data, size, packet)};
	ev.u.packet.ingress = BUB_INGRESS_PLAIN;
	eng = node();
	bub_engine_feed(eng, (struct bub_time){2 * BUB_NS_PER_S}, &ev);
	while (bub_engine_next_action(eng, &act))
		if (act.type == BUB_ACT_DELIVER)
			check(act.u.send.data);
	bub_engine_free(eng);
	free(packet);
	return 0;
}
