/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A mobile node that exists only in what it sends, as a correspondent sees it: return routability,
 * and Binding Updates signed with the keys that it gives.
 */
#ifndef BUB_TEST_VISITOR_H
#define BUB_TEST_VISITOR_H

#include "pair.h"

struct visitor {
	struct pair p;
	struct in6_addr home, care_of;
	uint8_t home_token[8], care_of_token[8];
	uint16_t home_nonce, care_of_nonce;
	struct bub_key kbm, deletion;
};

/* After pair_init(): starts the world, with p.cn as the correspondent. */
void visit(struct visitor *v);
/* Short for pair_init() and visit(). */
void visit_new(struct visitor *v);
/* For cmocka: *state is a struct visitor.  As visit_new() leaves it, or with both tokens. */
int visitor_setup(void **state);
int visitor_setup_tokens(void **state);
int visitor_teardown(void **state);
#define visitor_test(test) cmocka_unit_test_setup_teardown(test, visitor_setup, visitor_teardown)
#define tokens_test(test)                                                                          \
	cmocka_unit_test_setup_teardown(test, visitor_setup_tokens, visitor_teardown)
/* HoTI or CoTI. */
struct forged test_init(const struct visitor *v, bool care_of);
/* Return routability: both tokens, and the keys that they make. */
void get_tokens(struct visitor *v);
/* Binding Update with the A bit; lifetime zero: deletion. */
struct forged update(const struct visitor *v, uint16_t sequence, uint32_t lifetime_s);
/* Whether the correspondent has a binding for the visitor; @ret_status may be NULL. */
bool bound(struct visitor *v, struct bub_peer_status *ret_status);
/* Feeds, and returns the one message that comes in answer, or NULL for silence. */
const struct message *answer_to(struct visitor *v, const struct forged *f);
/* Feeds, and wants just an acknowledgement with @status, straight back; signed, with the key of the
 * update (RFC 6275, 9.5.4). */
void assert_status(struct visitor *v, const struct forged *f, uint8_t status, bool is_signed);

#endif
