/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Plays the run of docs/protocol-example.md with the engine and a fixed random source, and prints
 * it for example.py: every mobility message as it was sent, and the secrets that nobody sees on the
 * wire.  What they mean, and whether they are right, is example.py's to say.
 *
 *     message MILLISECONDS NODE WAY PACKET
 *     secret NAME NODE OCTETS
 *
 * A random number depends on who draws it, when, and how many were drawn in that instant: so the
 * page stays as it is when something else is drawn at another time.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bul/entry.h"
#include "cn/state.h"
#include "pair.h"

#define NODES 8 /* of the standard topology, or more */

static struct {
	uint64_t at_ns;
	unsigned n; /* draws at that instant */
} drawn[NODES];

static uint64_t mixed(uint64_t z)
{
	z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
	return z ^ (z >> 31);
}

static void print_octets(const uint8_t *octets, size_t len)
{
	for (size_t i = 0; i < len; i++)
		printf("%02x", octets[i]);
	putchar('\n');
}

static void print_secret(const char *name, const struct node *n, const uint8_t *octets, size_t len)
{
	printf("secret %s %s ", name, n->name);
	print_octets(octets, len);
}

static void draw(struct pair *p, struct node *n, uint8_t *buf, size_t len)
{
	uint64_t now = world_now(p->w).ns, seed;

	if (drawn[n->index].at_ns != now)
		drawn[n->index].n = 0;
	drawn[n->index].at_ns = now;
	seed = mixed((uint64_t)n->index << 56 ^ now << 8 ^ drawn[n->index].n++);
	for (size_t i = 0; i < len; i++)
		buf[i] = (uint8_t)mixed(seed + i * UINT64_C(0x9e3779b97f4a7c15));
	/* The private values of an exchange: one for each suite that may be used. */
	if (len == sizeof(((struct dh *)NULL)->priv))
		print_secret("private", n, buf, len);
}

static void print_nonces(const struct node *n)
{
	print_secret("Kcn", n, core_cn(n->engine)->kcn, BUB_KCN_LEN);
	for (unsigned i = 0; i < NONCES; i++) {
		const struct nonce *nonce = &core_cn(n->engine)->nonce[i];
		uint8_t octets[2 + BUB_NONCE_LEN] = {(uint8_t)(nonce->index >> 8),
						     (uint8_t)nonce->index};

		if (!nonce->valid)
			continue;
		memcpy(octets + 2, nonce->octets, BUB_NONCE_LEN);
		print_secret("nonce", n, octets, sizeof octets);
	}
}

static void print_messages(const struct pair *p, size_t mark)
{
	static const char *const egress[] = {"plain", "transport", "tunnel"};

	for (size_t i = mark; i < p->n_messages; i++) {
		const struct message *m = p->message[i];

		printf("message %" PRIu64 " %s %s ", m->at_ns / BUB_NS_PER_MS, m->node->name,
		       egress[m->egress]);
		print_octets(m->octets, m->len);
	}
}

/* MN2 leaves home, then MN1, which launches the test.  MN1 moves twice, and goes home. */
static void play(struct pair *p)
{
	p->random = draw;
	pair_start(p);
	pair_go(p, 1, 0);
	pair_run(p, 2000);
	pair_data(p, 1);
	pair_run(p, 2000);
	pair_go(p, 0, 0);
	pair_run(p, 4000);
	pair_go(p, 0, 1);
	pair_run(p, 6000);
	/* What proves the next address is lost once: MN2 asks. */
	pair_lose(p, p->mn[0], BUB_MH_COT, 2);
	pair_go(p, 0, 2);
	pair_run(p, 60000); /* Kabm is renewed meanwhile */
	pair_go_home(p, 0);
	pair_run(p, 4000);
	for (unsigned i = 0; i < 2; i++) {
		print_nonces(p->mn[i]);
		print_secret("Kabm", p->mn[i], p->kabm[i].key.octets, p->kabm[i].key.len);
	}
	print_messages(p, 0);
	pair_end(p);
}

/* With argument "1" the responder prefers suite 1. */
int main(int argc, char **argv)
{
	static struct pair p;

	pair_init(&p);
	for (unsigned i = 0; i < 2; i++) {
		p.mn_cfg[i].suite[0] = BUB_SUITE_SHA256_X25519;
		p.mn_cfg[i].suite[1] = BUB_SUITE_SHA1_MODP2048;
		p.mn_cfg[i].n_suites = 2;
		p.mn_cfg[i].kabm_lifetime_s = 60;
	}
	if (argc > 1 && strcmp(argv[1], "1") == 0) {
		p.mn_cfg[1].suite[0] = BUB_SUITE_SHA1_MODP2048;
		p.mn_cfg[1].suite[1] = BUB_SUITE_SHA256_X25519;
	}
	play(&p);
	return 0;
}
