/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a visiting mobile node sends to a correspondent, and what it wants to hear: see visitor.h.
 */
#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

#include "visitor.h"

void visit(struct visitor *v)
{
	pair_start(&v->p);
	inet_pton(AF_INET6, "2001:db8:77::1", &v->home);
	inet_pton(AF_INET6, "2001:db8:88::1", &v->care_of);
}

void visit_new(struct visitor *v)
{
	pair_init(&v->p);
	visit(v);
}

int visitor_setup(void **state)
{
	struct visitor *v = calloc(1, sizeof *v);

	assert_non_null(v);
	visit_new(v);
	*state = v;
	return 0;
}

int visitor_setup_tokens(void **state)
{
	int rc = visitor_setup(state);

	get_tokens(*state);
	return rc;
}

int visitor_teardown(void **state)
{
	struct visitor *v = *state;

	pair_end(&v->p);
	free(v);
	return 0;
}

struct forged test_init(const struct visitor *v, bool care_of)
{
	struct forged f = {
		.src = care_of ? v->care_of : v->home,
		.dst = v->p.cn_addr,
		.mh = {.kind = care_of ? BUB_MH_COTI : BUB_MH_HOTI},
	};

	memset(f.mh.u.test_init.cookie, care_of ? 0xca : 0x40, 8);
	return f;
}

void get_tokens(struct visitor *v)
{
	struct bub_crypto *crypto = bub_crypto_new();
	size_t mark = pair_mark(&v->p);
	const struct message *hot, *cot;
	struct forged f = test_init(v, false);

	pair_feed(&v->p, v->p.cn, &f);
	f = test_init(v, true);
	pair_feed(&v->p, v->p.cn, &f);
	hot = pair_nth(&v->p, mark, v->p.cn, BUB_MH_HOT, 0);
	cot = pair_nth(&v->p, mark, v->p.cn, BUB_MH_COT, 0);
	assert_true(bub_addr_eq(&hot->ip.src, &f.dst) && bub_addr_eq(&cot->ip.src, &f.dst));
	assert_true(bub_addr_eq(&hot->ip.dst, &v->home));
	assert_true(bub_addr_eq(&cot->ip.dst, &v->care_of));
	assert_memory_equal(cot->mh.u.test.cookie, f.mh.u.test_init.cookie, 8);
	f = test_init(v, false);
	assert_memory_equal(hot->mh.u.test.cookie, f.mh.u.test_init.cookie, 8);
	memcpy(v->home_token, hot->mh.u.test.token, 8);
	memcpy(v->care_of_token, cot->mh.u.test.token, 8);
	v->home_nonce = hot->mh.u.test.nonce_index;
	v->care_of_nonce = cot->mh.u.test.nonce_index;
	bub_kbm(crypto, v->home_token, v->care_of_token, &v->kbm);
	bub_kbm(crypto, v->home_token, NULL, &v->deletion);
	bub_crypto_free(crypto);
}

struct forged update(const struct visitor *v, uint16_t sequence, uint32_t lifetime_s)
{
	bool deletes = lifetime_s == 0;
	struct forged f = {
		.src = v->care_of,
		.dst = v->p.cn_addr,
		.hao = &v->home,
		.mh = {.kind = BUB_MH_BU},
		.key = deletes ? &v->deletion : &v->kbm,
		.auth_care_of = deletes ? v->home : v->care_of,
		.auth_correspondent = v->p.cn_addr,
	};

	f.mh.u.bu.sequence = sequence;
	f.mh.u.bu.flags = BUB_BU_ACK;
	f.mh.u.bu.lifetime_s = lifetime_s;
	f.mh.opts.present = BUB_OPT_AUTH | BUB_OPT_NONCE_INDICES;
	f.mh.opts.home_nonce = v->home_nonce;
	f.mh.opts.care_of_nonce = v->care_of_nonce;
	return f;
}

bool bound(struct visitor *v, struct bub_peer_status *ret_status)
{
	struct bub_peer_status s;

	for (unsigned at = 0; bub_engine_peer_status(v->p.cn->engine, world_now(v->p.w), &at, &s);)
		if (bub_addr_eq(&s.peer, &v->home)) {
			if (ret_status != NULL)
				*ret_status = s;
			return !IN6_IS_ADDR_UNSPECIFIED(&s.peer_care_of);
		}
	return false;
}

const struct message *answer_to(struct visitor *v, const struct forged *f)
{
	size_t mark = pair_mark(&v->p);

	pair_feed(&v->p, v->p.cn, f);
	if (v->p.n_messages == mark)
		return NULL;
	assert_int_equal(v->p.n_messages, mark + 1);
	return v->p.message[mark];
}

static void assert_signed(const struct forged *f, const struct message *ba)
{
	struct bub_crypto *crypto = bub_crypto_new();
	uint8_t auth[BUB_AUTH_LEN];

	bub_authenticator(crypto, f->key, &f->auth_care_of, &f->auth_correspondent, ba->mh.raw.data,
			  ba->mh.opts.auth_at, auth);
	assert_memory_equal(auth, ba->mh.raw.data + ba->mh.opts.auth_at, sizeof auth);
	bub_crypto_free(crypto);
}

void assert_status(struct visitor *v, const struct forged *f, uint8_t status, bool is_signed)
{
	const struct message *ba = answer_to(v, f);

	assert_non_null(ba);
	assert_int_equal(ba->mh.kind, BUB_MH_BA);
	assert_int_equal(ba->mh.u.ba.status, status);
	assert_int_equal((ba->mh.opts.present & BUB_OPT_AUTH) != 0, is_signed);
	if (is_signed)
		assert_signed(f, ba);
	assert_true(bub_addr_eq(&ba->ip.src, &f->dst));
	assert_true(bub_addr_eq(&ba->ip.dst, &f->src));
	assert_int_equal(ba->ip.has_rh2, f->hao != NULL);
	if (f->hao != NULL)
		assert_true(bub_addr_eq(&ba->ip.rh2, f->hao));
	assert_false(ba->ip.has_hao);
}
