/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * bench_registrations NODES: what a home registration costs the engine of a home agent that serves
 * so many mobile nodes, and the memory that each of them takes.
 *
 * All are registered first.  Then they refresh, each at another care-of address than before, in an
 * order in which no neighbours in memory follow each other.  Time is the engine's own and goes on
 * so that a mobile node comes back after five minutes.  Processor time is what is measured.
 *
 * As bubd does with what one system call has brought, the engine is told of BATCH packets as they
 * came before it is fed with them.
 */
#include <arpa/inet.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "bub/engine.h"

#define REGISTRATIONS 1000000u
#define PERIOD_S 300u
#define BATCH 32u
#define PACKET_ROOM 128u
#define STRIDE 611953u /* a prime: a step of it through all mobile nodes meets each */

struct packet {
	uint8_t octets[PACKET_ROOM];
};

struct bench {
	struct bub_engine *eng;
	struct bub_time now;
	uint32_t nodes, turn;
	uint64_t acknowledged;
	struct packet batch[BATCH];
	struct bub_event ev[BATCH], raw[BATCH]; /* raw: with ESP still on */
};

static void must(bool ok, const char *what)
{
	if (ok)
		return;
	fprintf(stderr, "bench_registrations: %s failed\n", what);
	exit(EXIT_FAILURE);
}

static struct in6_addr address(const char *prefix, uint32_t id)
{
	struct in6_addr a;

	must(inet_pton(AF_INET6, prefix, &a) == 1, "inet_pton");
	id = htonl(id);
	memcpy(a.s6_addr + 12, &id, sizeof id);
	return a;
}

static void bench_random(void *ctx, uint8_t *buf, size_t len)
{
	uint64_t *state = ctx;

	for (size_t i = 0; i < len; i++) {
		*state = *state * 6364136223846793005u + 1442695040888963407u;
		buf[i] = (uint8_t)(*state >> 56);
	}
}

static size_t memory_used(void)
{
	const struct mallinfo2 m = mallinfo2();

	return m.uordblks + m.hblkhd;
}

static void bench_init(struct bench *b, uint32_t nodes)
{
	static uint64_t state = 1;
	const struct bub_env env = {.ctx = &state, .random = bench_random};
	struct bub_config cfg;

	bub_config_init(&cfg);
	cfg.limit.clients = nodes;
	cfg.ha.enabled = true;
	cfg.ha.address = address("2001:db8:aa::", 1);
	cfg.ha.prefix_adverts = false; /* nobody here would ever ask for one, which ends them */
	cfg.ha.n_prefixes = 1;
	cfg.ha.prefix[0] = (struct bub_ha_prefix){.prefix = address("2001:db8:aa::", 0),
						  .len = 64,
						  .valid_s = UINT32_MAX,
						  .preferred_s = UINT32_MAX};
	*b = (struct bench){.now = {1000000000}, .nodes = nodes};
	must(bub_engine_new(&cfg, &env, b->now, &b->eng) == 0, "bub_engine_new");
	for (uint32_t i = 0; i < nodes; i++) {
		const struct in6_addr home = address("2001:db8:aa:0:1::", i);

		must(bub_engine_add_client(b->eng, &home) == 0, "bub_engine_add_client");
	}
}

/* The Binding Update of mobile node @i in its @round. */
static void packet_init(struct packet *p, struct bub_event *ev, uint32_t i, uint16_t round)
{
	const struct in6_addr home = address("2001:db8:aa:0:1::", i);
	struct bub_mh mh = {.kind = BUB_MH_BU};
	struct bub_ip6_build headers = {
		.src = address(round % 2 == 0 ? "2001:db8:1::" : "2001:db8:2::", i),
		.dst = address("2001:db8:aa::", 1),
		.hao = &home,
		.upper_proto = BUB_NH_MH,
	};
	struct bub_codepoints cp = BUB_CODEPOINTS_DEFAULT;
	struct bub_mh_layout layout;
	uint8_t message[PACKET_ROOM];
	int at;

	mh.u.bu.sequence = round;
	mh.u.bu.flags = BUB_BU_ACK | BUB_BU_HOME;
	mh.u.bu.lifetime_s = 3600;
	must(bub_mh_encode(&mh, &cp, message, sizeof message, &layout) == 0, "bub_mh_encode");
	bub_mh_finish(message, layout.len, &home, &headers.dst);
	headers.upper_len = (uint16_t)layout.len;
	at = bub_ip6_encode(&headers, p->octets, sizeof p->octets);
	must(at > 0 && (size_t)at + layout.len <= sizeof p->octets, "bub_ip6_encode");
	memcpy(p->octets + at, message, layout.len);
	*ev = (struct bub_event){.type = BUB_EV_PACKET, .ifindex = 2};
	ev->u.packet.data = (struct bub_view){p->octets, (size_t)at + layout.len};
	ev->u.packet.ingress = BUB_INGRESS_ESP_TRANSPORT;
	ev->u.packet.owner = home;
	ev->u.packet.newest = true;
}

static uint64_t spent_ns(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static void drain(struct bench *b)
{
	struct bub_action act;

	while (bub_engine_next_action(b->eng, &act))
		b->acknowledged += act.type == BUB_ACT_SEND;
}

static void expire(struct bench *b)
{
	while (bub_engine_deadline(b->eng).ns <= b->now.ns) {
		bub_engine_expire(b->eng, b->now);
		drain(b);
	}
}

/* Makes a batch, and feeds it; returns the nanoseconds of that. */
static uint64_t run_batch(struct bench *b)
{
	uint64_t start;

	for (uint32_t k = 0; k < BATCH; k++, b->turn++)
		packet_init(&b->batch[k], &b->ev[k],
			    (uint32_t)((uint64_t)(b->turn % b->nodes) * STRIDE % b->nodes),
			    (uint16_t)(b->turn / b->nodes + 1));
	memcpy(b->raw, b->ev, sizeof b->raw);
	for (uint32_t k = 0; k < BATCH; k++)
		b->raw[k].u.packet.owner = in6addr_any;
	start = spent_ns();
	bub_engine_expect(b->eng, b->raw, BATCH);
	for (uint32_t k = 0; k < BATCH; k++) {
		b->now.ns += (uint64_t)PERIOD_S * BUB_NS_PER_S / b->nodes;
		expire(b);
		bub_engine_feed(b->eng, b->now, &b->ev[k]);
		drain(b);
	}
	return spent_ns() - start;
}

int main(int argc, char **argv)
{
	static struct bench b;
	const size_t before = memory_used();
	uint64_t ns = 0, done;
	size_t octets;

	must(argc == 2 && atoi(argv[1]) > 0, "usage: bench_registrations NODES");
	bench_init(&b, (uint32_t)atoi(argv[1]));
	octets = memory_used() - before;
	for (uint32_t i = 0; i < b.nodes; i += BATCH)
		(void)run_batch(&b);
	b.acknowledged = 0;
	for (done = 0; done < REGISTRATIONS; done += BATCH)
		ns += run_batch(&b);
	must(b.acknowledged >= done, "a registration");
	printf("registrations/s %.0f\n", (double)done * 1e9 / (double)ns);
	printf("octets/node %.0f\n", (double)octets / b.nodes);
	bub_engine_free(b.eng);
	return 0;
}
