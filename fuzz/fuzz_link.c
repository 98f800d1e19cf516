/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Fuzz target: the link layer of a mobile node on two links, told facts and neighbour discovery
 * messages in any order, with operations that succeed or fail.
 *
 * The input is a list of steps: an octet that says what, one for its parameters, and what follows.
 * The promises tested: what is given out fits, a verdict is never waited for twice, time passes
 * without a loop, and what the core is told makes sense: nothing goes that has not come.
 */
#include <string.h>

#include "bub/wire.h"
#include "fuzz.h"
#include "link.h"

#define ADDRS 8 /* on each link, by their last octet */
#define HOME_HOST 9
#define HOSTS 10
#define LINKS 2
#define EXPIRES_MAX 64

struct input {
	const uint8_t *p, *end;
};

struct node {
	struct link *lk;
	struct bub_time now;
	bool usable[LINKS + 1][HOSTS]; /* as the core was told */
	uint8_t fail;                  /* bits: operations that fail */
	unsigned n_ops;
};

static uint8_t take(struct input *in)
{
	return in->p < in->end ? *in->p++ : 0;
}

static struct in6_addr global(uint8_t prefix, uint8_t host)
{
	return (struct in6_addr){{{0x20, 1, 0x0d, 0xb8, 0, prefix, [15] = host}}};
}

static void on_event(struct node *n, const struct bub_event *ev)
{
	bool *usable;

	FUZZ_REQUIRE(ev->ifindex >= 1 && ev->ifindex <= LINKS);
	FUZZ_REQUIRE(ev->u.care_of.address.s6_addr[15] < HOSTS);
	usable = &n->usable[ev->ifindex][ev->u.care_of.address.s6_addr[15]];
	switch ((unsigned)ev->type) {
	case BUB_EV_CARE_OF_NEW:
		*usable = true;
		break;
	case BUB_EV_CARE_OF_CHANGED:
		FUZZ_REQUIRE(*usable);
		break;
	case BUB_EV_CARE_OF_GONE:
		FUZZ_REQUIRE(*usable);
		*usable = false;
		break;
	default:
		FUZZ_REQUIRE(ev->type == BUB_EV_LINK_DOWN);
		memset(n->usable[ev->ifindex], 0, sizeof(n->usable[ev->ifindex]));
		break;
	}
}

static void drain(struct node *n)
{
	struct link_out out;

	while (link_next(n->lk, &out)) {
		if (out.type == LINK_EVENT)
			on_event(n, &out.u.event);
		if (out.type == LINK_ND_SEND)
			FUZZ_REQUIRE(out.u.nd.len >= 8 && out.u.nd.len <= LINK_ND_MAX);
		if (out.id != 0)
			link_done(n->lk, n->now, out.id, n->fail >> (n->n_ops++ % 8) & 1 ? -12 : 0);
	}
}

/* The message is what is left of the step's own octets; its checksum is put right. */
static void nd(struct node *n, struct input *in, uint8_t how)
{
	const struct in6_addr dst = {{{0xff, 2, [15] = 1}}};
	const struct in6_addr src = {{{0xfe, 0x80, [15] = (uint8_t)(how >> 4)}}};
	struct link_fact f = {.type = LINK_FACT_ND};
	size_t len = take(in), left = (size_t)(in->end - in->p);
	uint8_t *copy;
	uint16_t sum;

	if (len > left)
		len = left;
	copy = malloc(len + 1);
	FUZZ_REQUIRE(copy != NULL);
	memcpy(copy, in->p, len);
	in->p += len;
	if (len >= 4) {
		copy[2] = copy[3] = 0;
		sum = bub_ip6_checksum(&src, &dst, BUB_NH_ICMPV6, (struct bub_view){copy, len});
		copy[2] = (uint8_t)(sum >> 8);
		copy[3] = (uint8_t)(sum & 0xff);
	}
	f.u.nd.ifindex = 1 + (how & 1);
	f.u.nd.src = src;
	f.u.nd.dst = dst;
	f.u.nd.msg = (struct bub_view){copy, len};
	link_feed(n->lk, n->now, &f);
	drain(n);
	free(copy);
}

static void kernel(struct node *n, enum link_fact_type type, uint8_t how, uint8_t more)
{
	struct link_fact f = {.type = type};

	switch ((unsigned)type) {
	case LINK_FACT_IFACE:
	case LINK_FACT_IFACE_GONE:
	case LINK_FACT_MTU6:
		f.u.iface = (struct link_iface_fact){
			.ifindex = 1 + (how & 1),
			.name = {'e', (how & 1) ? '1' : '0'},
			.mtu = 1280u + more,
			.mtu6 = 1280u + how,
			.has_mac = (how & 2) != 0,
			.up = (how & 4) != 0,
			.running = (how & 8) != 0,
			.lower_up = (how & 40) != 0,
			.carrier_losses = more >> 6,
			.port = (how & 16) != 0,
		};
		break;
	case LINK_FACT_ADDR:
	case LINK_FACT_ADDR_GONE:
		f.u.addr = (struct link_addr_fact){
			.addr = global(more & 3, more % ADDRS),
			.ifindex = 1 + (how & 1),
			.prefix_len = (how & 2) ? 128 : 64,
			.tentative = (how & 4) != 0,
			.optimistic = (how & 8) != 0,
			.deprecated = (how & 16) != 0,
			.permanent = (how & 32) != 0,
			.from_ra = (how & 64) != 0,
			.dad_failed = (how & 128) != 0,
			.valid_until = bub_time_add_s(n->now, more),
		};
		break;
	case LINK_FACT_ROUTE:
	case LINK_FACT_ROUTE_GONE:
		f.u.route.ifindex = 1 + (how & 1);
		f.u.route.from_ra = (how & 2) != 0;
		f.u.route.gateway = (struct in6_addr){{{0xfe, 0x80, [15] = more & 3}}};
		break;
	default:
		break;
	}
	link_feed(n->lk, n->now, &f);
	drain(n);
}

static void wait(struct node *n, uint64_t ms)
{
	const struct bub_time end = bub_time_add_ms(n->now, ms);
	unsigned times = 0;

	while (!bub_time_before(end, link_deadline(n->lk))) {
		if (bub_time_before(n->now, link_deadline(n->lk)))
			n->now = link_deadline(n->lk);
		link_expire(n->lk, n->now);
		drain(n);
		FUZZ_REQUIRE(++times < EXPIRES_MAX);
	}
	n->now = end;
}

static void registration(struct node *n, uint8_t how)
{
	const struct in6_addr home = global(3, HOME_HOST), agent = global(how >> 6, 0);
	const struct in6_addr care_of = global(how & 3, how % ADDRS);

	const struct bub_registration r = {home, care_of, (how & 16) != 0};

	if (how & 8)
		link_registered(n->lk, n->now, &r);
	else
		link_attached(n->lk, n->now, &home, &care_of, &agent);
	drain(n);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input in = {data, data + size};
	struct link_config cfg = {.n_homes = 1, .home_prefix_len = {64}, .grace_ms = 1000};
	struct node n = {.now = {BUB_NS_PER_S}};

	cfg.homes[0] = global(3, HOME_HOST);
	n.lk = link_new(&cfg);
	FUZZ_REQUIRE(n.lk != NULL);
	n.fail = take(&in);
	while (in.p < in.end) {
		uint8_t what = take(&in), how = take(&in);

		if (what % 16 == 15)
			link_start(n.lk, n.now);
		else if (what % 16 == 14)
			registration(&n, how);
		else if (what % 16 >= LINK_FACT_ND + 1u)
			wait(&n, 10u * how);
		else if (what % 16 == LINK_FACT_ND)
			nd(&n, &in, how);
		else
			kernel(&n, (enum link_fact_type)(what % 16), how, take(&in));
		drain(&n);
	}
	link_free(n.lk);
	return 0;
}
