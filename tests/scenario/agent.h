/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The first home agent alone: Binding Updates made up for it, and what it does with them.
 */
#ifndef BUB_TEST_AGENT_H
#define BUB_TEST_AGENT_H

#include "pair.h"

struct in6_addr addr(const char *text);

/* Where home_bu() comes from: a link that no node is on. */
extern const char care_of[];

/* Its first client. */
struct bub_client_status client(const struct pair *p);

/* Of the first client, from @care_of, as if ESP had been taken off. */
struct forged home_bu(struct pair *p, uint16_t sequence, uint32_t lifetime_s);

/* Feeds, lets duplicate address detection end, and returns the one answer; NULL: silence. */
const struct message *agent_answer(struct pair *p, const struct forged *f);

/* The same, and asserts that the answer goes to the source, with its number, in the SA of the
 * address, whatever the status. */
const struct message *agent_assert_status(struct pair *p, const struct forged *f, uint8_t status);

/* How often it did that on its link. */
unsigned link_acts(const struct pair *p, enum bub_action_type type, const struct in6_addr *home);

/* The link-local address with the interface identifier of the home address. */
struct in6_addr link_local_of(const struct in6_addr *home);

/* What the home agent sent last, this way; for pair.on_flight and pair.ctx. */
struct last {
	enum bub_egress egress;
	unsigned n;
	struct in6_addr owner;
	size_t len;
	uint8_t octets[1400];
};
void last_note(struct pair *p, struct flight *f);

/* A packet without meaning; returns its length. */
size_t data_packet(const struct in6_addr *src, const struct in6_addr *dst, uint8_t hops,
		   uint8_t *packet, size_t cap);

/* A second client of the same home agent, with another interface identifier; needs room for it. */
struct in6_addr second_client(struct pair *p);

#endif
