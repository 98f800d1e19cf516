/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Reading captures and running one engine: see replay.h.  The files are classic pcap with Ethernet
 * headers, in this host's order of octets; one level of IPv6-in-IPv6 is looked into.
 */
#include <arpa/inet.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "replay.h"

enum {
	ETHER_LEN = 14,
	LINKTYPE_ETHERNET = 1,
	MAGIC_US = (int)0xa1b2c3d4,
	MAGIC_NS = (int)0xa1b23c4d,
};

/* ---- Captures ------------------------------------------------------------------------------ */

static const char *folder(void)
{
	const char *f = getenv("BUB_CAPTURES");

	return f != NULL ? f : CAPTURES_DIR;
}

bool captures_present(void)
{
	DIR *d = opendir(folder());

	if (d == NULL) {
		(void)fprintf(stderr, "skipped: no captures in %s\n", folder());
		return false;
	}
	closedir(d);
	return true;
}

void packet_decode(struct packet *p)
{
	struct bub_mh_fault fault;

	assert_int_equal(bub_ip6_decode((struct bub_view){p->octets, p->len}, &p->ip),
			 BUB_DROP_NONE);
	p->is_mh = p->ip.upper_proto == BUB_NH_MH;
	if (p->is_mh)
		assert_int_equal(bub_mh_decode(&p->ip, &BUB_CODEPOINTS_DEFAULT, &p->mh, &fault), 0);
	else if (p->ip.upper_proto == BUB_NH_ICMPV6)
		assert_int_equal(bub_icmp6_decode(&p->ip, &p->icmp), BUB_DROP_NONE);
}

/* Whether an IPv6 packet is one that the tests are about. */
static bool concerns_us(const struct bub_ip6 *ip)
{
	return ip->upper_proto == BUB_NH_MH ||
	       (ip->upper_proto == BUB_NH_ICMPV6 && ip->upper.len > 0 &&
		(ip->upper.data[0] == BUB_ICMP6_PREFIX_SOLICIT ||
		 ip->upper.data[0] == BUB_ICMP6_PREFIX_ADVERT));
}

static void add(struct capture *c, struct packet *p, struct bub_view packet)
{
	struct bub_ip6 ip;

	if (bub_ip6_decode(packet, &ip) != BUB_DROP_NONE)
		return;
	if (ip.upper_proto == BUB_NH_IPV6) {
		p->tunnelled = true;
		p->outer_src = ip.src;
		packet = ip.upper;
		if (bub_ip6_decode(packet, &ip) != BUB_DROP_NONE)
			return;
	}
	if (!concerns_us(&ip) || packet.len > OCTETS_MAX)
		return;
	memcpy(p->octets, packet.data, packet.len);
	p->len = packet.len;
	/* Never moves again: the views point into it. */
	c->packet[c->n] = *p;
	packet_decode(&c->packet[c->n++]);
}

void capture_load(const char *name, struct capture *ret)
{
	static uint8_t frame[65536];
	uint32_t header[6], record[4];
	char path[1024];
	size_t cap = 1; /* never asks for nothing */
	FILE *f;

	*ret = (struct capture){0};
	(void)snprintf(path, sizeof path, "%s/%s", folder(), name);
	f = fopen(path, "rb");
	assert_non_null(f);
	assert_int_equal(fread(header, sizeof header, 1, f), 1);
	assert_true(header[0] == (uint32_t)MAGIC_US || header[0] == (uint32_t)MAGIC_NS);
	assert_int_equal(header[5], LINKTYPE_ETHERNET);
	while (fread(record, sizeof record, 1, f) == 1) {
		assert_true(record[2] <= sizeof frame);
		assert_int_equal(fread(frame, 1, record[2], f), record[2]);
		cap++;
	}
	ret->packet = calloc(cap, sizeof *ret->packet);
	assert_non_null(ret->packet);
	assert_int_equal(fseek(f, sizeof header, SEEK_SET), 0);
	for (unsigned i = 1; fread(record, sizeof record, 1, f) == 1; i++) {
		struct packet p = {.frame = i};

		p.at_ns = record[0] * BUB_NS_PER_S +
			  record[1] * (header[0] == (uint32_t)MAGIC_US ? UINT64_C(1000) : 1);
		assert_int_equal(fread(frame, 1, record[2], f), record[2]);
		if (record[2] > ETHER_LEN && frame[12] == 0x86 && frame[13] == 0xdd)
			add(ret, &p, (struct bub_view){frame + ETHER_LEN, record[2] - ETHER_LEN});
	}
	(void)fclose(f);
	assert_true(ret->n > 0);
}

void capture_free(struct capture *c)
{
	free(c->packet);
}

const struct packet *capture_find(const struct capture *c, size_t from, enum bub_mh_kind kind)
{
	for (size_t i = from; i < c->n; i++)
		if (c->packet[i].is_mh && c->packet[i].mh.kind == kind)
			return &c->packet[i];
	return NULL;
}

const struct packet *capture_find_ba(const struct capture *c, const struct in6_addr *from,
				     uint16_t sequence)
{
	for (size_t i = 0; i < c->n; i++) {
		const struct packet *p = &c->packet[i];

		if (p->is_mh && p->mh.kind == BUB_MH_BA && p->mh.u.ba.sequence == sequence &&
		    bub_addr_eq(&p->ip.src, from))
			return p;
	}
	return NULL;
}

uint8_t *packet_mh(struct packet *p)
{
	return p->octets + (p->ip.upper.data - p->octets);
}

void packet_finish(struct packet *p)
{
	bub_mh_finish(packet_mh(p), p->ip.upper.len, bub_ip6_home_src(&p->ip),
		      bub_ip6_home_dst(&p->ip));
	packet_decode(p);
}

/* ---- One engine ---------------------------------------------------------------------------- */

static void draw(void *ctx, uint8_t *buf, size_t len)
{
	struct node *n = ctx;

	if (len == sizeof n->number) {
		memcpy(buf, &n->number, len);
		return;
	}
	if (len == sizeof n->eight[0] && n->use_eight) {
		memcpy(buf, n->eight[n->next_eight++ % 2], len);
		return;
	}
	for (size_t i = 0; i < len; i++) {
		n->random = n->random * UINT64_C(6364136223846793005) + 1442695040888963407u;
		buf[i] = (uint8_t)(n->random >> 56);
	}
}

void node_start(struct node *n, const struct bub_config *cfg, uint16_t number, uint64_t at_ns)
{
	struct bub_env env = {.ctx = n, .random = draw};

	*n = (struct node){.now = {at_ns}, .number = number, .random = 1};
	assert_int_equal(bub_engine_new(cfg, &env, n->now, &n->engine), 0);
}

void node_end(struct node *n)
{
	bub_engine_free(n->engine);
}

static void keep(struct node *n, const struct bub_action *act)
{
	struct done *d = &n->done[n->n_done++];

	assert_true(n->n_done <= DONE_MAX);
	*d = (struct done){.type = act->type, .home = act->u.home};
	switch (act->type) {
	case BUB_ACT_SEND:
	case BUB_ACT_DELIVER:
		d->egress = act->u.send.egress;
		d->owner = act->u.send.owner;
		assert_true(act->u.send.data.len <= sizeof d->packet.octets);
		memcpy(d->packet.octets, act->u.send.data.data, act->u.send.data.len);
		d->packet.len = act->u.send.data.len;
		packet_decode(&d->packet);
		break;
	case BUB_ACT_PATH_SET:
	case BUB_ACT_PATH_DEL:
		d->path = act->u.path;
		break;
	case BUB_ACT_TUNNEL_SET:
		d->home = act->u.tunnel.home;
		d->care_of = act->u.tunnel.remote_outer;
		break;
	case BUB_ACT_DAD:
		n->dad_pending = true;
		n->dad_id = act->id;
		n->dad_done = bub_time_add_s(n->now, 1);
		break;
	case BUB_ACT_TUNNEL_DEL:
	case BUB_ACT_ATTACH:
	case BUB_ACT_REGISTRATION:
	case BUB_ACT_HOME_AGENT:
	case BUB_ACT_HOME_ADD:
	case BUB_ACT_HOME_DEL:
	case BUB_ACT_PROXY_ADD:
	case BUB_ACT_PROXY_DEL:
	case BUB_ACT_GROUP_JOIN:
	case BUB_ACT_GROUP_LEAVE:
	case BUB_ACT_GROUP_SEND:
	case BUB_ACT_STORE:
		break;
	}
}

static void drain(struct node *n)
{
	struct bub_action act;

	while (bub_engine_next_action(n->engine, &act))
		keep(n, &act);
}

static void feed(struct node *n, const struct bub_event *ev)
{
	bub_engine_feed(n->engine, n->now, ev);
	drain(n);
}

void node_run_on(struct node *n, uint64_t at_ns)
{
	const struct bub_time until = {at_ns};

	for (;;) {
		struct bub_time due = bub_engine_deadline(n->engine);
		bool verdict = n->dad_pending && !bub_time_before(due, n->dad_done);

		if (verdict)
			due = n->dad_done;
		if (bub_time_before(until, due))
			break;
		if (bub_time_before(n->now, due))
			n->now = due;
		if (verdict) {
			struct bub_event ev = {.type = BUB_EV_DONE, .u.done.id = n->dad_id};

			n->dad_pending = false;
			feed(n, &ev);
		} else {
			bub_engine_expire(n->engine, n->now);
			drain(n);
		}
	}
	n->now = until;
}

void node_run(struct node *n, uint64_t at_ns)
{
	node_run_on(n, at_ns);
	n->n_done = 0;
}

void node_care_of(struct node *n, const struct in6_addr *address)
{
	struct bub_event down = {.type = BUB_EV_LINK_DOWN, .ifindex = 1};
	struct bub_event up = {.type = BUB_EV_CARE_OF_NEW, .ifindex = 1};

	feed(n, &down);
	up.u.care_of.address = *address;
	up.u.care_of.prefix_len = 64;
	feed(n, &up);
	node_run_on(n, n->now.ns); /* the peers are told by timers that are due at once */
}

void node_flow(struct node *n, const struct in6_addr *home, const struct in6_addr *peer)
{
	struct bub_event ev = {.type = BUB_EV_FLOW, .u.flow = {.home = *home, .peer = *peer}};

	feed(n, &ev);
}

void node_feed(struct node *n, const struct packet *p, enum bub_ingress ingress,
	       const struct in6_addr *owner)
{
	struct bub_event ev = {.type = BUB_EV_PACKET, .ifindex = 1};

	ev.u.packet.data = (struct bub_view){p->octets, p->len};
	ev.u.packet.ingress = ingress;
	if (owner != NULL)
		ev.u.packet.owner = *owner;
	ev.u.packet.outer_src = p->outer_src;
	feed(n, &ev);
}

uint64_t node_drops(const struct node *n, enum bub_drop why)
{
	return bub_engine_counters(n->engine)->drop[why];
}

uint64_t node_all_drops(const struct node *n)
{
	uint64_t sum = 0;

	for (unsigned i = 0; i < BUB_DROP_COUNT; i++)
		sum += bub_engine_counters(n->engine)->drop[i];
	return sum;
}

unsigned node_count(const struct node *n, enum bub_action_type type)
{
	unsigned count = 0;

	for (unsigned i = 0; i < n->n_done; i++)
		count += n->done[i].type == type;
	return count;
}

const struct done *node_only(const struct node *n, enum bub_action_type type)
{
	assert_int_equal(node_count(n, type), 1);
	for (unsigned i = 0; i < n->n_done; i++)
		if (n->done[i].type == type)
			return &n->done[i];
	return NULL;
}

static bool is_sent(const struct done *d, enum bub_mh_kind kind)
{
	return d->type == BUB_ACT_SEND && d->packet.is_mh && d->packet.mh.kind == kind;
}

unsigned node_sent(const struct node *n, enum bub_mh_kind kind)
{
	unsigned count = 0;

	for (unsigned i = 0; i < n->n_done; i++)
		count += is_sent(&n->done[i], kind);
	return count;
}

const struct packet *node_last(const struct node *n, enum bub_mh_kind kind)
{
	const struct packet *p = NULL;

	for (unsigned i = 0; i < n->n_done; i++)
		if (is_sent(&n->done[i], kind))
			p = &n->done[i].packet;
	assert_non_null(p);
	return p;
}

struct in6_addr addr(const char *text)
{
	struct in6_addr a;

	assert_int_equal(inet_pton(AF_INET6, text, &a), 1);
	return a;
}

void assert_addr(const struct in6_addr *got, const struct in6_addr *want)
{
	assert_memory_equal(got, want, sizeof *got);
}
