/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What signs BUB Complete (draft, 5.1; protocol.md, 3.4): Kbm, over the care-of address of who
 * launched the test and the home address of who answers.  A BUBC that is well signed and has one
 * wrong field is refused like one that is not signed.
 */
#include <string.h>

#include "pair.h"

#define BUBC_LEN 40 /* octets, with its signature */

/* Node 2 has launched a test and waits for the BUBC of node 1, whose first one is lost. */
static const struct message *await_bubc(struct pair *p)
{
	pair_new(p);
	pair_one_away(p);
	pair_lose(p, p->mn[0], BUB_MH_BUBC, 1);
	pair_go(p, 1, 0);
	pair_run(p, 500);
	assert_string_equal(pair_status(p, 1).test, "waiting");
	return pair_nth(p, 0, p->mn[0], BUB_MH_BUBC, 0);
}

/* The BUBC that was lost, to be changed: under the right key, over the right addresses. */
static struct forged right_bubc(struct pair *p, const struct message *lost)
{
	return (struct forged){
		.src = lost->ip.src,
		.dst = lost->ip.dst,
		.hao = &p->hoa[0],
		.mh = lost->mh,
		.key = &p->kbm[1].key,
		.auth_care_of = *pair_at(p, 1),
		.auth_correspondent = p->hoa[0],
	};
}

static void covers_care_of_and_home_address(void **state)
{
	const struct message *m;
	const struct bub_key *kbm;
	struct pair p;

	(void)state;
	m = await_bubc(&p);
	kbm = &p.kbm[1].key;
	assert_true(pair_is_signed(m, kbm, pair_at(&p, 1), &p.hoa[0]));
	assert_false(pair_is_signed(m, kbm, &p.hoa[1], &p.hoa[0]));
	assert_false(pair_is_signed(m, kbm, pair_at(&p, 1), pair_at(&p, 0)));
	assert_false(pair_is_signed(m, kbm, &p.hoa[0], pair_at(&p, 1)));
	assert_false(pair_is_signed(m, kbm, pair_at(&p, 0), &p.hoa[1]));
	pair_end(&p);
}

static void other_addresses(struct pair *p, struct forged *f, unsigned which)
{
	const struct in6_addr *care_of[] = {&p->hoa[1], pair_at(p, 1), &p->hoa[0], pair_at(p, 0)};
	const struct in6_addr *peer[] = {&p->hoa[0], pair_at(p, 0), pair_at(p, 1), &p->hoa[1]};

	f->auth_care_of = *care_of[which];
	f->auth_correspondent = *peer[which];
}

static void signed_over_other_addresses(void **state)
{
	const struct message *lost;
	struct forged f;
	struct pair p;

	(void)state;
	lost = await_bubc(&p);
	for (unsigned i = 0; i < 4; i++) {
		f = right_bubc(&p, lost);
		other_addresses(&p, &f, i);
		pair_feed(&p, p.mn[1], &f);
		assert_drops(p.mn[1], BUB_DROP_BUBC_BAD_AUTH, i + 1);
		assert_int_equal(pair_count_dh(&p, 0, 1), 0);
	}
	/* The right one is taken, so that each of them was refused for its one fault. */
	f = right_bubc(&p, lost);
	pair_feed(&p, p.mn[1], &f);
	assert_int_equal(pair_count_dh(&p, 0, 1), 1);
	pair_end(&p);
}

/* One field of a BUBC at a time. */
enum field {
	CARE_OF_COOKIE,
	HOME_ADDRESS, /* of a third node */
	NO_OPTION,    /* from the home address itself */
	SOURCE,       /* on no path of this test */
	DESTINATION,  /* the home address, through the tunnel */
	FIELDS,
};

static void spoil(struct pair *p, struct forged *f, enum field field)
{
	switch (field) {
	case CARE_OF_COOKIE:
		f->mh.u.bubc.care_of_cookie[7] ^= 1;
		return;
	case HOME_ADDRESS:
		f->hao = &p->cn_addr;
		return;
	case NO_OPTION:
		f->hao = NULL;
		f->src = p->hoa[0];
		return;
	case SOURCE:
		f->src = p->cn_addr;
		return;
	case DESTINATION:
		f->dst = p->hoa[1];
		f->ingress = BUB_INGRESS_ESP_TUNNEL;
		f->owner = p->hoa[1];
		f->outer_src = p->ha_addr[1];
		return;
	case FIELDS:
		break;
	}
	fail();
}

/* Each is signed anew under the right key. */
static void one_wrong_field(void **state)
{
	(void)state;
	for (enum field field = CARE_OF_COOKIE; field < FIELDS; field++) {
		const struct message *lost;
		struct forged f;
		struct pair p;

		lost = await_bubc(&p);
		f = right_bubc(&p, lost);
		spoil(&p, &f, field);
		pair_feed(&p, p.mn[1], &f);
		assert_int_equal(pair_count_dh(&p, 0, 1), 0);
		assert_string_equal(pair_status(&p, 1).test, "waiting");
		f = right_bubc(&p, lost);
		pair_feed(&p, p.mn[1], &f);
		assert_int_equal(pair_count_dh(&p, 0, 1), 1);
		pair_end(&p);
	}
}

/* The signature of @from put into @to, an octet of which has been changed since. */
static void move_signature(uint8_t *to, size_t len, const uint8_t *from, const struct forged *f)
{
	memcpy(to + len - BUB_AUTH_LEN, from + len - BUB_AUTH_LEN, BUB_AUTH_LEN);
	bub_mh_finish(to + len - BUBC_LEN, BUBC_LEN, f->hao, &f->dst);
}

static void bub_cookie_is_covered(void **state)
{
	uint8_t right[256], other[256];
	const struct message *lost;
	struct forged f;
	struct pair p;
	size_t len;

	(void)state;
	lost = await_bubc(&p);
	f = right_bubc(&p, lost);
	len = pair_build(&p, &f, right, sizeof right);
	f.mh.u.bubc.bub_cookie[0] ^= 1;
	assert_int_equal(pair_build(&p, &f, other, sizeof other), len);
	move_signature(other, len, right, &f);
	pair_feed_raw(&p, p.mn[1], other, len, BUB_INGRESS_PLAIN, &p.hoa[1], &f.src);
	assert_drops(p.mn[1], BUB_DROP_BUBC_BAD_AUTH, 1);
	assert_int_equal(pair_count_dh(&p, 0, 1), 0);
	pair_end(&p);
}

/* Options that a receiver does not know are skipped, in BUBC too (draft, 5.3), and covered. */
static void unknown_option_is_skipped(void **state)
{
	static const uint8_t unknown[] = {99, 6, 1, 2, 3, 4, 5, 6};
	const struct message *lost;
	uint8_t packet[256], *mh;
	struct bub_crypto *crypto = bub_crypto_new();
	struct forged f;
	struct pair p;
	size_t len;

	(void)state;
	assert_non_null(crypto);
	lost = await_bubc(&p);
	f = right_bubc(&p, lost);
	len = pair_build(&p, &f, packet, sizeof packet);
	mh = packet + len - BUBC_LEN;
	memmove(mh + 24 + sizeof unknown, mh + 24, BUBC_LEN - 24);
	memcpy(mh + 24, unknown, sizeof unknown);
	len += sizeof unknown;
	packet[5] = (uint8_t)(packet[5] + sizeof unknown);
	mh[1]++;
	/* With the signature of the message without the option, first. */
	bub_mh_finish(mh, BUBC_LEN + sizeof unknown, f.hao, &f.dst);
	pair_feed_raw(&p, p.mn[1], packet, len, BUB_INGRESS_PLAIN, &p.hoa[1], &f.src);
	assert_drops(p.mn[1], BUB_DROP_BUBC_BAD_AUTH, 1);
	bub_authenticator(crypto, f.key, &f.auth_care_of, &f.auth_correspondent, mh,
			  BUBC_LEN + sizeof unknown - BUB_AUTH_LEN, packet + len - BUB_AUTH_LEN);
	bub_mh_finish(mh, BUBC_LEN + sizeof unknown, f.hao, &f.dst);
	pair_feed_raw(&p, p.mn[1], packet, len, BUB_INGRESS_PLAIN, &p.hoa[1], &f.src);
	assert_int_equal(pair_count_dh(&p, 0, 1), 1);
	bub_crypto_free(crypto);
	pair_end(&p);
}

/* The cookie is part of the secret that signs the DH messages (draft, 5.1 and 5.3): Kbm alone,
 * which somebody on the path of return routability may have, makes no signature that is taken. */
static void dh_messages_need_the_bub_cookie(void **state)
{
	uint8_t other[BUB_COOKIE_LEN] = {0};
	const struct message *dh1;
	struct forged f;
	struct pair p;

	(void)state;
	pair_new(&p);
	pair_one_away(&p);
	pair_lose_dh(&p, p.mn[1], 1, 1000);
	pair_go(&p, 1, 0);
	pair_run(&p, 500);
	dh1 = pair_nth(&p, 0, p.mn[1], BUB_MH_DH, 0);
	f = (struct forged){
		.src = dh1->ip.src,
		.dst = dh1->ip.dst,
		.hao = &p.hoa[1],
		.ingress = BUB_INGRESS_ESP_TUNNEL,
		.owner = p.hoa[0],
		.outer_src = p.ha_addr[0],
		.mh = dh1->mh,
		.key = &p.kbm[1].key,
		.bub_cookie = other,
	};
	pair_feed(&p, p.mn[0], &f);
	memcpy(other, p.bub_cookie, sizeof other);
	other[BUB_COOKIE_LEN - 1] ^= 1;
	pair_feed(&p, p.mn[0], &f);
	assert_drops(p.mn[0], BUB_DROP_DH_BAD_SIGNATURE, 2);
	assert_int_equal(pair_count_dh(&p, 0, 2), 0);
	f.bub_cookie = p.bub_cookie;
	pair_feed(&p, p.mn[0], &f);
	assert_int_equal(pair_count_dh(&p, 0, 2), 2);
	pair_end(&p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(covers_care_of_and_home_address),
		cmocka_unit_test(signed_over_other_addresses),
		cmocka_unit_test(one_wrong_field),
		cmocka_unit_test(bub_cookie_is_covered),
		cmocka_unit_test(unknown_option_is_skipped),
		cmocka_unit_test(dh_messages_need_the_bub_cookie),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
