/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Fuzz target: the data paths and tunnels of the link layer, of a mobile node or a home agent, with
 * links that come and go, packets in the clear and Packet Too Big.
 *
 * The input is a list of steps, each of four octets: what, and three that say more.  The promises
 * tested: a route of a data path stands only while its map entry is direct, who is known is told
 * once and forgotten once, no MTU is below the minimum, an answer about a path that has gone is
 * harmless, and time passes without a loop.
 */
#include <string.h>

#include "fuzz.h"
#include "link.h"

#define PEERS 4
#define HOSTS 16 /* of each prefix */
#define PREFIXES 4
#define EXPIRES_MAX 200

struct node {
	struct link *lk;
	struct bub_time now;
	struct {
		bool direct, routed;
		uint32_t table;
	} path[PEERS];
	bool known[PREFIXES][HOSTS];
	struct link_hop_question question; /* the last one; answered later where @late */
	uint8_t late, refuse;
	unsigned n_asked;
};

static struct in6_addr addr(uint8_t prefix, uint8_t host)
{
	return (struct in6_addr){
		{{0x20, 1, 0x0d, 0xb8, 0, prefix % PREFIXES, [15] = (uint8_t)(host % HOSTS)}}};
}

/* Each peer has one address here that it talks to, so that its route is that of one path. */
static struct in6_addr local_of(uint8_t peer)
{
	return addr((peer & 1) != 0 ? 0 : 1, peer);
}

static struct in6_addr peer_of(uint8_t peer)
{
	return addr(2, peer);
}

static bool *known_of(struct node *n, const struct in6_addr *a)
{
	return &n->known[a->s6_addr[5]][a->s6_addr[15]];
}

static void answer(struct node *n, const struct link_hop_question *q)
{
	const struct link_hop hop = {
		.ifindex = 1 + (n->n_asked & 1),
		.gateway = (n->n_asked & 2) != 0 ? addr(3, 1) : in6addr_any,
		.mtu = (n->n_asked & 4) != 0 ? BUB_MIN_MTU : 0,
	};

	link_hop(n->lk, n->now, q, (n->n_asked++ & 8) != 0 ? NULL : &hop);
}

static void on_path(struct node *n, const struct link_out *out)
{
	uint8_t peer = out->u.path.peer.s6_addr[15] % PEERS;
	int error;

	if (out->type == LINK_PATH_DEL || !out->u.path.direct)
		FUZZ_REQUIRE(!n->path[peer].routed); /* or bare packets would leave */
	if (out->type == LINK_PATH_DEL) {
		n->path[peer].direct = false;
		return;
	}
	error = n->refuse-- == 0 ? -7 : 0;
	n->path[peer].direct = error == 0 && out->u.path.direct;
	link_path_done(n->lk, n->now, &out->u.path.local, &out->u.path.peer, error);
}

static void on_route(struct node *n, const struct link_out *out)
{
	const struct link_route *r = &out->u.route;
	uint8_t peer = r->dst.s6_addr[15] % PEERS;

	if (!r->data)
		return;
	if (out->type == LINK_ROUTE_SET) {
		FUZZ_REQUIRE(n->path[peer].direct);
		FUZZ_REQUIRE(!n->path[peer].routed || n->path[peer].table == r->table);
		n->path[peer].table = r->table;
	} else {
		FUZZ_REQUIRE(n->path[peer].routed && n->path[peer].table == r->table);
	}
	n->path[peer].routed = out->type == LINK_ROUTE_SET;
}

static void on_known(struct node *n, const struct link_out *out)
{
	bool *known = known_of(n, &out->u.local);

	FUZZ_REQUIRE(*known == (out->type == LINK_KNOWN_DEL));
	*known = !*known;
}

static void drain(struct node *n)
{
	struct link_out out;

	while (link_next(n->lk, &out)) {
		switch ((unsigned)out.type) {
		case LINK_PATH_SET:
		case LINK_PATH_DEL:
			on_path(n, &out);
			break;
		case LINK_ROUTE_SET:
		case LINK_ROUTE_DEL:
			on_route(n, &out);
			break;
		case LINK_KNOWN_ADD:
		case LINK_KNOWN_DEL:
			on_known(n, &out);
			break;
		case LINK_HOP_ASK:
			n->question = out.u.question;
			if (n->late-- != 0)
				answer(n, &out.u.question);
			break;
		case LINK_TUN_MTU:
			FUZZ_REQUIRE(out.u.mtu >= BUB_MIN_MTU);
			break;
		default:
			break;
		}
		if (out.id != 0)
			link_done(n->lk, n->now, out.id, 0);
	}
}

static void kernel(struct node *n, const uint8_t p[3])
{
	struct link_fact f = {.type = LINK_FACT_IFACE};

	if ((p[0] & 1) != 0) {
		f.type = (p[0] & 2) != 0 ? LINK_FACT_ADDR_GONE : LINK_FACT_ADDR;
		f.u.addr = (struct link_addr_fact){
			.addr = addr(3, p[1]),
			.ifindex = 1 + (p[2] & 1),
			.prefix_len = 64,
			.permanent = true,
			.valid_until = BUB_TIME_NEVER,
		};
	} else {
		f.u.iface = (struct link_iface_fact){
			.ifindex = 1 + (p[0] >> 1 & 1),
			.name = {'e', (p[0] & 2) != 0 ? '1' : '0'},
			.mtu = 1200u + 4u * p[1],
			.mtu6 = (p[2] & 4) != 0 ? 1280 : 0,
			.has_mac = (p[2] & 8) != 0,
			.up = true,
			.running = (p[2] & 1) != 0,
		};
	}
	link_feed(n->lk, n->now, &f);
}

static void path(struct node *n, const uint8_t p[3])
{
	const uint8_t peer = p[0] % PEERS;
	const struct bub_path path = {
		.local = local_of(peer),
		.peer = peer_of(peer),
		.direct = (p[0] & 4) != 0,
		.trust = (enum bub_trust)((p[0] >> 3) % 3),
		.out_src = (p[0] & 32) != 0 ? local_of(peer) : addr(3, p[1]),
		.out_dst = (p[0] & 64) != 0 ? peer_of(peer) : addr(3, p[2]),
		.in_care_of = (p[0] & 128) != 0 ? in6addr_any : addr(3, p[2] >> 4),
	};

	if (p[0] != 0)
		link_path_set(n->lk, n->now, &path);
	else
		link_path_del(n->lk, n->now, &path.local, &path.peer);
}

static void tunnel(struct node *n, const uint8_t p[3])
{
	const struct bub_tunnel t = {.home = addr(p[0] & 1, p[0] >> 1),
				     .local_outer = addr(3, p[1]),
				     .remote_outer = addr(3, p[2])};

	if ((p[1] & 0xf0) != 0)
		link_tunnel_set(n->lk, n->now, &t);
	else
		link_tunnel_del(n->lk, n->now, &t.home);
}

/* A packet as it is quoted, or comes. */
static size_t packet(const uint8_t p[3], uint8_t octets[static 256])
{
	struct in6_addr home = addr(p[0] & 1, p[1]), peer = peer_of(p[1] % PEERS);
	struct bub_ip6_build b = {.src = addr(3, p[1]), .dst = addr(3, p[2]), .upper_len = 64};
	int len;

	memset(octets, 0, 256);
	b.upper_proto = (p[0] & 2) != 0 ? BUB_NH_IPV6 : (p[0] & 4) != 0 ? BUB_NH_ESP : p[2];
	if ((p[0] & 8) != 0)
		b.hao = &home;
	if ((p[0] & 16) != 0)
		b.rh2 = &peer;
	len = bub_ip6_encode(&b, octets, 256);
	FUZZ_REQUIRE(len > 0);
	memset(octets + len, p[0], 8);
	return (size_t)len + 64;
}

static void too_big(struct node *n, const uint8_t p[3])
{
	struct bub_icmp6 icmp = {.kind = BUB_ICMP6_TOO_BIG};
	uint8_t octets[256];

	icmp.quoted = (struct bub_view){octets, packet(p, octets)};
	icmp.u.too_big.mtu = 1200u + p[2];
	(void)link_too_big(n->lk, n->now, &icmp);
}

static void clear(struct node *n, const uint8_t p[3])
{
	const struct in6_addr outer = addr(3, p[1]);
	struct in6_addr owner = in6addr_any;
	uint8_t octets[256];
	struct bub_ip6 ip;
	size_t len = packet(p, octets);

	if (bub_ip6_decode((struct bub_view){octets, len}, &ip) != BUB_DROP_NONE)
		return;
	if (link_clear_bare(n->lk, &ip, &owner) == LINK_CLEAR_OWNED)
		FUZZ_REQUIRE(!IN6_IS_ADDR_UNSPECIFIED(&owner));
	/* What goes out so is what comes in so. */
	if (link_clear_inner(n->lk, &ip, &outer, &owner) == LINK_CLEAR_OWNED)
		FUZZ_REQUIRE(link_clear_out(n->lk, ip.packet));
}

static void pass(struct node *n, uint64_t s)
{
	const struct bub_time end = bub_time_add_s(n->now, s);
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

static void step(struct node *n, uint8_t what, const uint8_t p[3])
{
	const struct bub_attach at = {
		.home = addr(0, p[1]),
		.at_home = (p[0] & 1) != 0,
		.ifindex = 1 + (p[0] >> 1 & 1),
		.care_of = (p[0] & 4) != 0 ? in6addr_any : addr(3, p[2]),
	};

	switch (what % 10) {
	case 0:
		kernel(n, p);
		break;
	case 1:
	case 2:
		path(n, p);
		break;
	case 3:
		tunnel(n, p);
		break;
	case 4:
		too_big(n, p);
		break;
	case 5:
		clear(n, p);
		break;
	case 6:
		pass(n, p[0]);
		break;
	case 7:
		n->late = p[0];
		n->refuse = p[1];
		break;
	case 8:
		answer(n, &n->question); /* late, or a second time */
		break;
	case 9:
		link_attach(n->lk, n->now, &at);
		break;
	}
	drain(n);
}

static bool has_sent(void *ctx, const struct in6_addr *home, uint32_t spi, uint32_t sequence)
{
	(void)ctx;
	(void)home;
	return ((spi ^ sequence) & 1) == 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct link_config cfg = {.max_paths = 3, .route_table = 200};
	struct node n = {.now = {BUB_NS_PER_S}, .late = 255, .refuse = 255};

	if (size < 1)
		return 0;
	cfg.n_homes = data[0] & 3; /* every second peer talks to one */
	for (uint8_t i = 0; i < cfg.n_homes; i++)
		cfg.homes[i] = addr(0, (uint8_t)(2 * i + 1));
	cfg.tunnel = (struct link_tunnel_config){
		.max = 4,
		.home_agent = (data[0] & 4) != 0,
		.esp = (data[0] & 8) != 0,
		.multicast = (data[0] & 16) != 0,
		.has_sent = has_sent,
	};
	cfg.clear = (struct link_clear_config){.registration = (data[0] & 32) != 0,
					       .mobility = (data[0] & 64) != 0,
					       .prefixes = (data[0] & 128) != 0,
					       .payload = !cfg.tunnel.esp};
	cfg.home.home_table = 100;
	n.lk = link_new(&cfg);
	FUZZ_REQUIRE(n.lk != NULL);
	if ((data[0] & 3) != 1)
		link_tun_setup(n.lk);
	link_start(n.lk, n.now);
	drain(&n);
	for (size_t at = 1; at + 4 <= size; at += 4)
		step(&n, data[at], data + at + 1);
	link_free(n.lk);
	return 0;
}
