/* SPDX-License-Identifier: BSD-2-Clause */
/* See agent.h. */
#include "agent.h"

#include <arpa/inet.h>
#include <string.h>

struct in6_addr addr(const char *text)
{
	struct in6_addr a;

	assert_int_equal(inet_pton(AF_INET6, text, &a), 1);
	return a;
}

const char care_of[] = "2001:db8:1a::77";

struct bub_client_status client(const struct pair *p)
{
	struct bub_client_status s;
	uint32_t at = 0;

	assert_true(bub_engine_client_status(p->ha[0]->engine, world_now(p->w), &at, &s));
	return s;
}

struct forged home_bu(struct pair *p, uint16_t sequence, uint32_t lifetime_s)
{
	struct forged f = {
		.src = addr(care_of),
		.dst = p->ha_addr[0],
		.hao = &p->hoa[0],
		.ingress = BUB_INGRESS_ESP_TRANSPORT,
		.owner = p->hoa[0],
		.mh = {.kind = BUB_MH_BU},
	};

	f.mh.u.bu.sequence = sequence;
	f.mh.u.bu.flags = BUB_BU_ACK | BUB_BU_HOME;
	f.mh.u.bu.lifetime_s = lifetime_s;
	return f;
}

const struct message *agent_answer(struct pair *p, const struct forged *f)
{
	size_t mark = pair_mark(p);

	pair_feed(p, p->ha[0], f);
	pair_run(p, 1);
	if (pair_count(p, mark, p->ha[0], BUB_MH_BA) == 0)
		return NULL;
	assert_int_equal(pair_count(p, mark, p->ha[0], BUB_MH_BA), 1);
	return pair_nth(p, mark, p->ha[0], BUB_MH_BA, 0);
}

const struct message *agent_assert_status(struct pair *p, const struct forged *f, uint8_t status)
{
	const struct message *ba = agent_answer(p, f);

	assert_non_null(ba);
	assert_int_equal(ba->mh.u.ba.status, status);
	assert_true(bub_addr_eq(&ba->ip.dst, &f->src));
	assert_int_equal(ba->egress, BUB_EGRESS_TRANSPORT);
	assert_true(bub_addr_eq(&ba->owner, &f->owner));
	assert_int_equal(ba->ip.has_rh2, f->hao != NULL);
	if (status != BUB_STATUS_SEQUENCE)
		assert_int_equal(ba->mh.u.ba.sequence, f->mh.u.bu.sequence);
	if (status >= BUB_STATUS_UNSPECIFIED)
		assert_int_equal(ba->mh.u.ba.lifetime_s, 0);
	return ba;
}

unsigned link_acts(const struct pair *p, enum bub_action_type type, const struct in6_addr *home)
{
	unsigned n = 0;

	for (unsigned i = 0; i < p->n_link_acts; i++)
		if (p->link_act[i].type == type && bub_addr_eq(&p->link_act[i].home, home))
			n++;
	return n;
}

struct in6_addr link_local_of(const struct in6_addr *home)
{
	struct in6_addr a = addr("fe80::");

	memcpy(a.s6_addr + 8, home->s6_addr + 8, 8);
	return a;
}

void last_note(struct pair *p, struct flight *f)
{
	struct last *last = p->ctx;

	if (f->from != p->ha[0] || f->egress != last->egress || f->len > sizeof last->octets)
		return;
	last->n++;
	last->owner = f->owner;
	last->len = f->len;
	memcpy(last->octets, f->octets, f->len);
}

size_t data_packet(const struct in6_addr *src, const struct in6_addr *dst, uint8_t hops,
		   uint8_t *packet, size_t cap)
{
	struct bub_ip6_build b = {.src = *src, .dst = *dst, .hop_limit = hops};
	int n;

	b.upper_proto = 17;
	b.upper_len = 8;
	n = bub_ip6_encode(&b, packet, cap);
	assert_true(n > 0);
	memset(packet + n, 0, 8);
	return (size_t)n + 8;
}

struct in6_addr second_client(struct pair *p)
{
	struct in6_addr other = p->hoa[0];

	other.s6_addr[15] ^= 0x55;
	assert_int_equal(bub_engine_add_client(p->ha[0]->engine, &other), 0);
	return other;
}
