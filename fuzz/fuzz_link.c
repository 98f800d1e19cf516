/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Fuzz target: the link layer of a mobile node on two links, one of which may be the home link of a
 * home agent in the same node, told facts, actions of the core and neighbour discovery messages in
 * any order, with operations that succeed or fail.
 *
 * The input is a list of steps: an octet that says what, one for its parameters, and what follows.
 * The promises tested: what is given out fits, a verdict is never waited for twice, time passes
 * without a loop, and what the core is told makes sense: nothing goes that has not come.  Each
 * question of the core is answered once at most, no packet is sent that was not held, and at the
 * end groups are left and home addresses off the links.
 */
#include <string.h>

#include "bub/wire.h"
#include "fuzz.h"
#include "link.h"

#define ADDRS 8 /* on each link, by their last octet */
#define HOME_HOST 9
#define IPV4_HOST 10 /* the first of as many of IPv4 */
#define HOSTS (IPV4_HOST + ADDRS)
#define LINKS 2
#define PREFIXES 8
#define EXPIRES_MAX 200
#define QUESTIONS_MAX 256

struct input {
	const uint8_t *p, *end;
};

struct node {
	struct link *lk;
	struct bub_time now;
	bool usable[LINKS + 1][HOSTS]; /* as the core was told */
	uint8_t fail;                  /* bits: operations that fail */
	unsigned n_ops;
	int groups, listening;            /* joined and not left */
	bool placed[LINKS + 1][PREFIXES]; /* home addresses on links */
	unsigned held;                    /* packets */
	uint32_t last_question;
	bool answered[QUESTIONS_MAX];
};

static uint8_t take(struct input *in)
{
	return in->p < in->end ? *in->p++ : 0;
}

static struct in6_addr global(uint8_t prefix, uint8_t host)
{
	return (struct in6_addr){{{0x20, 1, 0x0d, 0xb8, 0, prefix, [15] = host}}};
}

static struct in6_addr ipv4(uint8_t host)
{
	return (struct in6_addr){{{[10] = 0xff, 0xff, 10, 0, 0, host}}};
}

/* One of four home addresses, each in a prefix of its own. */
static struct in6_addr home_of(uint8_t how)
{
	return global(3 + how % 4, HOME_HOST);
}

static void on_done(struct node *n, uint32_t id)
{
	FUZZ_REQUIRE(id > 0 && id <= n->last_question);
	FUZZ_REQUIRE(!n->answered[id % QUESTIONS_MAX]);
	n->answered[id % QUESTIONS_MAX] = true;
}

static void on_event(struct node *n, const struct bub_event *ev)
{
	bool *usable;

	if (ev->type == BUB_EV_DONE) {
		on_done(n, ev->u.done.id);
		return;
	}
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

static void on_operation(struct node *n, const struct link_out *out)
{
	switch ((unsigned)out->type) {
	case LINK_ND_SEND:
		FUZZ_REQUIRE(out->u.nd.len >= 8 && out->u.nd.len <= LINK_ND_MAX);
		break;
	case LINK_GROUP_JOIN:
	case LINK_GROUP_LEAVE:
		n->groups += out->type == LINK_GROUP_JOIN ? 1 : -1;
		FUZZ_REQUIRE(n->groups >= 0);
		break;
	case LINK_LISTEN:
	case LINK_UNLISTEN:
		n->listening += out->type == LINK_LISTEN ? 1 : -1;
		FUZZ_REQUIRE(n->listening >= 0 && n->listening <= BUB_HOMES_MAX);
		break;
	case LINK_ADDR_ADD:
	case LINK_ADDR_DEL:
		FUZZ_REQUIRE(out->u.addr.ifindex <= LINKS);
		n->placed[out->u.addr.ifindex][out->u.addr.addr.s6_addr[5] % PREFIXES] =
			out->type == LINK_ADDR_ADD;
		break;
	case LINK_PACKET_SEND:
		FUZZ_REQUIRE(n->held > 0 && out->u.packet.len >= BUB_IP6_HDR_LEN);
		break;
	default:
		break;
	}
}

static void drain(struct node *n)
{
	struct link_out out;

	while (link_next(n->lk, &out)) {
		if (out.type == LINK_EVENT)
			on_event(n, &out.u.event);
		on_operation(n, &out);
		if (out.id != 0)
			link_done(n->lk, n->now, out.id, n->fail >> (n->n_ops++ % 8) & 1 ? -12 : 0);
	}
}

/* The message is what is left of the step's own octets; its checksum is put right. */
static void nd(struct node *n, struct input *in, uint8_t how, enum link_fact_type type)
{
	const struct in6_addr dst = {{{0xff, 2, [15] = 1}}};
	const struct in6_addr local = {{{0xfe, 0x80, [15] = (uint8_t)(how >> 4)}}};
	const struct in6_addr src = (how & 2) ? in6addr_any : local;
	struct link_fact f = {.type = type};
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
			.addr = more > 250   ? home_of(how >> 1)
				: more > 200 ? ipv4(IPV4_HOST + more % ADDRS)
					     : global(more & 3, more % ADDRS),
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
	case LINK_FACT_LINK_LOCAL:
		f.u.addr.ifindex = 1 + (how & 1);
		if (how & 2)
			f.u.addr.addr = (struct in6_addr){{{0xfe, 0x80, [15] = more & 3}}};
		break;
	case LINK_FACT_ROUTE:
	case LINK_FACT_ROUTE_GONE:
		f.u.route.ifindex = 1 + (how & 1);
		f.u.route.from_ra = (how & 2) != 0;
		f.u.route.gateway = (struct in6_addr){{{0xfe, 0x80, [15] = more & 3}}};
		f.u.route.ipv4 = (how & 4) != 0;
		if (f.u.route.ipv4)
			f.u.route.gateway = ipv4(more & 3);
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

static void hold(struct node *n, uint8_t how)
{
	uint8_t packet[300] = {0x60};
	const struct in6_addr src = home_of(how), dst = global(how >> 6, 0);

	memcpy(packet + 8, &src, sizeof(src));
	memcpy(packet + 24, &dst, sizeof(dst));
	n->held += link_hold(n->lk, (struct bub_view){packet, (size_t)30 + how});
}

static void ask(struct node *n, const struct in6_addr *addr)
{
	n->answered[++n->last_question % QUESTIONS_MAX] = false;
	link_dad(n->lk, n->now, n->last_question, addr);
}

/* An action of the core. */
static void act(struct node *n, uint8_t how, uint8_t more)
{
	const struct in6_addr home = home_of(how), addr = global(2, more % ADDRS);
	const struct in6_addr agent = global(how >> 6, 0), none = in6addr_any;
	const struct bub_attach at = {
		.home = home,
		.at_home = true,
		.claim = (more & 16) != 0,
		.home_agent = agent,
		.ifindex = 1 + (more >> 7),
	};

	switch (more % 10) {
	case 0:
	case 1:
		link_attach(n->lk, n->now, &at);
		break;
	case 2:
		ask(n, &home);
		break;
	case 3:
		ask(n, &addr);
		break;
	case 4:
		link_proxy_add(n->lk, n->now, &addr);
		break;
	case 5:
		link_proxy_del(n->lk, n->now, &addr);
		break;
	case 6:
		hold(n, how);
		break;
	case 7:
		if (!link_home(n->lk, &home, NULL))
			link_home_add(n->lk, n->now, &home, 64, &agent, (how & 16) ? &addr : &none);
		break;
	case 8:
		link_home_del(n->lk, n->now, &home);
		break;
	default:
		link_home_mtu(n->lk, &home, 1280u + how);
		link_home_renew(n->lk);
		break;
	}
	drain(n);
}

static void finish(struct node *n)
{
	wait(n, 2000);
	link_stop(n->lk, n->now);
	drain(n);
	FUZZ_REQUIRE(n->groups == 0 && n->listening == 0);
	for (unsigned i = 1; i <= LINKS; i++) {
		for (unsigned k = 0; k < PREFIXES; k++)
			FUZZ_REQUIRE(!n->placed[i][k]);
	}
}

static void registration(struct node *n, uint8_t how)
{
	const struct in6_addr home = home_of(0), agent = global(how >> 6, 0);
	const struct in6_addr care_of =
		(how & 32) ? ipv4(IPV4_HOST + how % ADDRS) : global(how & 3, how % ADDRS);
	const struct bub_attach at = {.home = home, .care_of = care_of, .home_agent = agent};

	const struct bub_registration r = {home, care_of, (how & 16) != 0};

	if (how & 8)
		link_registered(n->lk, n->now, &r);
	else
		link_attach(n->lk, n->now, &at);
	drain(n);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input in = {data, data + size};
	struct link_config cfg = {.n_homes = 1, .home_prefix_len = {64}, .grace_ms = 1000};
	struct node n = {.now = {BUB_NS_PER_S}};

	cfg.homes[0] = home_of(0);
	cfg.home_agents_ipv4[0] = ipv4(250);
	n.fail = take(&in);
	if (n.fail & 1) {
		memcpy(cfg.home_link, "e1", 3);
		cfg.proxies_max = 4;
	}
	n.lk = link_new(&cfg);
	FUZZ_REQUIRE(n.lk != NULL);
	link_homes_open(n.lk, n.now);
	drain(&n);
	while (in.p < in.end) {
		uint8_t what = take(&in), how = take(&in);

		if (what % 16 == 15)
			link_start(n.lk, n.now);
		else if (what % 16 == 14)
			registration(&n, how);
		else if (what % 16 == 13)
			act(&n, how, take(&in));
		else if (what % 16 > LINK_FACT_OVERHEARD)
			wait(&n, 10u * how);
		else if (what % 16 == LINK_FACT_ND || what % 16 == LINK_FACT_OVERHEARD)
			nd(&n, &in, how, (enum link_fact_type)(what % 16));
		else
			kernel(&n, (enum link_fact_type)(what % 16), how, take(&in));
		drain(&n);
	}
	finish(&n);
	link_free(n.lk);
	return 0;
}
