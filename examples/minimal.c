/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The least that a program around libbub needs: a mobile node comes to a foreign network, where its
 * home agent does not answer.  What the engine wants done is printed; a real program does it, takes
 * the time from CLOCK_BOOTTIME and random octets from getrandom().
 *
 *   cc minimal.c $(pkg-config --cflags --libs libbub) && ./a.out
 */
#include <arpa/inet.h>
#include <bub/engine.h>
#include <stdio.h>

static void count(void *ctx, uint8_t *buf, size_t len)
{
	while (len-- > 0)
		*buf++ = ++*(uint8_t *)ctx;
}

static void print_message(struct bub_view packet)
{
	const struct bub_codepoints codepoints = BUB_CODEPOINTS_DEFAULT;
	char to[INET6_ADDRSTRLEN];
	struct bub_mh_fault fault;
	struct bub_ip6 ip;
	struct bub_mh mh;

	if (bub_ip6_decode(packet, &ip) == BUB_DROP_NONE && ip.upper_proto == BUB_NH_MH &&
	    bub_mh_decode(&ip, &codepoints, &mh, &fault) == 0)
		printf("send a %s to %s\n", bub_mh_kind_name(mh.kind),
		       inet_ntop(AF_INET6, &ip.dst, to, sizeof(to)));
}

static void print_actions(struct bub_engine *engine, struct bub_time now)
{
	struct bub_action action;

	while (bub_engine_next_action(engine, &action)) {
		printf("%.1f s: ", (double)now.ns / BUB_NS_PER_S);
		if (action.type == BUB_ACT_SEND)
			print_message(action.u.send.data);
		else
			printf("%s\n",
			       action.type == BUB_ACT_TUNNEL_SET ? "set the tunnel" : "...");
	}
}

int main(void)
{
	uint8_t counter = 0;
	struct bub_env env = {.ctx = &counter, .random = count};
	struct bub_event event = {.type = BUB_EV_CARE_OF_NEW, .ifindex = 1};
	struct bub_time now = {0};
	struct bub_engine *engine;
	struct bub_config config;

	bub_config_init(&config);
	config.n_homes = 1;
	inet_pton(AF_INET6, "2001:db8:1::10", &config.home[0].address);
	inet_pton(AF_INET6, "2001:db8:1::1", &config.home[0].home_agent);
	if (bub_engine_new(&config, &env, now, &engine) != 0)
		return 1;
	inet_pton(AF_INET6, "2001:db8:2::10", &event.u.care_of.address);
	event.u.care_of.prefix_len = 64;
	bub_engine_feed(engine, now, &event);
	print_actions(engine, now);
	for (int i = 0; i < 4; i++) {
		now = bub_engine_deadline(engine);
		bub_engine_expire(engine, now);
		print_actions(engine, now);
	}
	bub_engine_free(engine);
	return 0;
}
