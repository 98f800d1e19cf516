/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Every vector of tests/vectors: decoded to the values that its comments name, encoded again to the
 * same octets, refused when cut short anywhere or changed in any octet that the checksum covers,
 * and never written past a buffer that is too small.
 */
#include <dirent.h>

#include "vectors.h"

struct decoded {
	struct bub_ip6 ip;
	struct bub_mh mh;
	struct bub_icmp6 icmp;
};

struct vector {
	const char *name;
	void (*check)(const struct decoded *d);
	bool canonical; /* written as our encoder writes it */
};

static const uint8_t cookie1[] = {0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77, 0x88};
static const uint8_t cookie2[] = {0x99, 0xaa, 0xbb, 0xcc, 0xdd, 0xee, 0xff, 0x00};
static const uint8_t token[] = {0x01, 0x23, 0x45, 0x67, 0x89, 0xab, 0xcd, 0xef};
static const uint8_t bub_cookie[] = {0xb0, 0xb1, 0xb2, 0xb3, 0xb4, 0xb5, 0xb6, 0xb7};

static struct bytes o;

static void check_addresses(const struct decoded *d, const char *src, const char *hao,
			    const char *dst, const char *rh2)
{
	assert_addr(&d->ip.src, src);
	assert_addr(&d->ip.dst, dst);
	assert_int_equal(d->ip.has_hao, hao != NULL);
	assert_int_equal(d->ip.has_rh2, rh2 != NULL);
	if (hao != NULL)
		assert_addr(&d->ip.hao, hao);
	if (rh2 != NULL)
		assert_addr(&d->ip.rh2, rh2);
}

static void check_auth(const struct decoded *d, unsigned at)
{
	assert_true((d->mh.opts.present & BUB_OPT_AUTH) != 0);
	assert_int_equal(d->mh.opts.auth_at, at);
	assert_memory_equal(d->mh.raw.data + at, "\xa0\xa1\xa2\xa3\xa4\xa5\xa6\xa7\xa8\xa9\xaa\xab",
			    12);
}

static void check_kind(const struct decoded *d, enum bub_mh_kind kind, unsigned present)
{
	assert_int_equal(d->ip.upper_proto, BUB_NH_MH);
	assert_int_equal(d->mh.kind, kind);
	assert_int_equal(d->mh.opts.present, present);
	assert_int_equal(d->mh.opts.bub_skipped, BUB_DROP_NONE);
}

static void check_brr(const struct decoded *d)
{
	check_addresses(d, CN, NULL, HOA1, NULL);
	check_kind(d, BUB_MH_BRR, 0);
	assert_int_equal(d->mh.raw.len, 8);
}

static void check_hoti(const struct decoded *d)
{
	check_addresses(d, HOA1, NULL, HOA2, NULL);
	check_kind(d, BUB_MH_HOTI, 0);
	assert_memory_equal(d->mh.u.test_init.cookie, cookie1, 8);
}

static void check_hoti_bub(const struct decoded *d)
{
	check_kind(d, BUB_MH_HOTI, BUB_OPT_BUB);
	assert_memory_equal(d->mh.u.test_init.cookie, cookie1, 8);
	assert_int_equal(d->mh.opts.bub_code, BUB_CODE_DO);
}

static void check_coti(const struct decoded *d)
{
	check_addresses(d, COA1, NULL, COA2, NULL);
	check_kind(d, BUB_MH_COTI, 0);
	assert_memory_equal(d->mh.u.test_init.cookie, cookie2, 8);
}

static void check_coti_bub(const struct decoded *d)
{
	check_kind(d, BUB_MH_COTI, BUB_OPT_BUB | BUB_OPT_MN_ID);
	assert_int_equal(d->mh.opts.bub_code, BUB_CODE_DO);
	assert_addr(&d->mh.opts.mn_id, HOA1);
}

static void check_coti_signed(const struct decoded *d)
{
	check_kind(d, BUB_MH_COTI, BUB_OPT_AUTH);
	check_auth(d, 20);
}

static void check_hot(const struct decoded *d)
{
	check_addresses(d, HOA2, NULL, HOA1, NULL);
	check_kind(d, BUB_MH_HOT, 0);
	assert_int_equal(d->mh.u.test.nonce_index, 258);
	assert_memory_equal(d->mh.u.test.cookie, cookie1, 8);
	assert_memory_equal(d->mh.u.test.token, token, 8);
}

static void check_hot_bub(const struct decoded *d)
{
	check_kind(d, BUB_MH_HOT, BUB_OPT_BUB);
	assert_int_equal(d->mh.u.test.nonce_index, 258);
	assert_int_equal(d->mh.opts.bub_code, BUB_CODE_ACK);
}

static void check_cot(const struct decoded *d)
{
	check_addresses(d, COA2, NULL, COA1, NULL);
	check_kind(d, BUB_MH_COT, 0);
	assert_int_equal(d->mh.u.test.nonce_index, 65534);
	assert_memory_equal(d->mh.u.test.cookie, cookie2, 8);
	assert_memory_equal(d->mh.u.test.token, token, 8);
}

static void check_cot_bub(const struct decoded *d)
{
	check_kind(d, BUB_MH_COT, BUB_OPT_BUB);
	assert_int_equal(d->mh.opts.bub_code, BUB_CODE_NACK);
}

static void check_bu(const struct decoded *d)
{
	check_addresses(d, HOA1, NULL, CN, NULL);
	check_kind(d, BUB_MH_BU, 0);
	assert_int_equal(d->mh.u.bu.sequence, 7);
	assert_int_equal(d->mh.u.bu.flags, BUB_BU_ACK);
	assert_int_equal(d->mh.u.bu.lifetime_s, 0);
}

static void check_bu_home(const struct decoded *d)
{
	check_addresses(d, COA1, HOA1, HA1, NULL);
	check_kind(d, BUB_MH_BU, BUB_OPT_ALT_CARE_OF);
	assert_int_equal(d->mh.u.bu.sequence, 32769);
	assert_int_equal(d->mh.u.bu.flags,
			 BUB_BU_ACK | BUB_BU_HOME | BUB_BU_LINK_LOCAL | BUB_BU_KEY_MANAGEMENT);
	assert_int_equal(d->mh.u.bu.lifetime_s, 262140);
	assert_addr(&d->mh.opts.alt_care_of, COA1);
}

static void check_bu_ipv4(const struct decoded *d)
{
	check_addresses(d, HOA1, NULL, HA1, NULL);
	check_kind(d, BUB_MH_BU, BUB_OPT_IPV4_HOME | BUB_OPT_IPV4_CARE_OF);
	assert_int_equal(d->mh.u.bu.flags, BUB_BU_ACK | BUB_BU_HOME);
	assert_int_equal(d->mh.opts.ipv4_home.prefix_len, 32);
	assert_false(d->mh.opts.ipv4_home.wants_prefix);
	assert_addr(&d->mh.opts.ipv4_home.address, "::ffff:0.0.0.0");
	assert_addr(&d->mh.opts.ipv4_care_of, "::ffff:10.0.0.7");
}

static void check_ba_ipv4(const struct decoded *d)
{
	check_addresses(d, HA1, NULL, HOA1, NULL);
	check_kind(d, BUB_MH_BA, BUB_OPT_IPV4_ACK | BUB_OPT_NAT);
	assert_int_equal(d->mh.opts.ipv4_ack.status, BUB_IPV4_NONE_TO_GIVE);
	assert_int_equal(d->mh.opts.ipv4_ack.prefix_len, 0);
	assert_addr(&d->mh.opts.ipv4_ack.address, "::ffff:0.0.0.0");
	assert_true(d->mh.opts.nat.udp_forced);
	assert_int_equal(d->mh.opts.nat.refresh_s, 110);
}

static void check_bu_correspondent(const struct decoded *d)
{
	check_addresses(d, COA1, HOA1, CN, NULL);
	check_kind(d, BUB_MH_BU, BUB_OPT_NONCE_INDICES | BUB_OPT_AUTH);
	assert_int_equal(d->mh.u.bu.sequence, 15);
	assert_int_equal(d->mh.u.bu.lifetime_s, 420);
	assert_int_equal(d->mh.opts.home_nonce, 3);
	assert_int_equal(d->mh.opts.care_of_nonce, 4);
	check_auth(d, 20);
}

static void check_bu_bub(const struct decoded *d)
{
	check_addresses(d, COA1, HOA1, COA2, HOA2);
	assert_int_equal(d->ip.rh2_segments_left, 1);
	check_kind(d, BUB_MH_BU, BUB_OPT_AUTH);
	assert_int_equal(d->mh.u.bu.sequence, 256);
	assert_int_equal(d->mh.u.bu.lifetime_s, 3600);
	check_auth(d, 20);
}

static void check_bu_unknown_options(const struct decoded *d)
{
	check_kind(d, BUB_MH_BU, BUB_OPT_NONCE_INDICES);
	assert_int_equal(d->mh.u.bu.flags, 0);
	assert_int_equal(d->mh.u.bu.lifetime_s, 4);
	assert_int_equal(d->mh.opts.home_nonce, 3);
	assert_int_equal(d->mh.opts.care_of_nonce, 4);
}

static void check_ba_home(const struct decoded *d)
{
	check_addresses(d, HA1, NULL, COA1, HOA1);
	check_kind(d, BUB_MH_BA, BUB_OPT_REFRESH_ADVICE);
	assert_int_equal(d->mh.u.ba.status, BUB_STATUS_PREFIX_DISCOVERY);
	assert_int_equal(d->mh.u.ba.flags, BUB_BA_KEY_MANAGEMENT);
	assert_int_equal(d->mh.u.ba.sequence, 32769);
	assert_int_equal(d->mh.u.ba.lifetime_s, 3600);
	assert_int_equal(d->mh.opts.refresh_advice_s, 2400);
}

static void check_ba_correspondent(const struct decoded *d)
{
	check_addresses(d, CN, NULL, COA1, HOA1);
	check_kind(d, BUB_MH_BA, BUB_OPT_AUTH);
	assert_int_equal(d->mh.u.ba.status, BUB_STATUS_ACCEPTED);
	assert_int_equal(d->mh.u.ba.sequence, 15);
	assert_int_equal(d->mh.u.ba.lifetime_s, 420);
	check_auth(d, 20);
}

static void check_ba_bub(const struct decoded *d)
{
	check_addresses(d, COA2, HOA2, COA1, HOA1);
	check_kind(d, BUB_MH_BA, BUB_OPT_AUTH);
	assert_int_equal(d->mh.u.ba.sequence, 256);
	check_auth(d, 20);
}

static void check_ba_path_cookie(const struct decoded *d)
{
	static const uint8_t cookie[BUB_COOKIE_LEN] = {0xc0, 0xc1, 0xc2, 0xc3,
						       0xc4, 0xc5, 0xc6, 0xc7};

	check_addresses(d, COA2, HOA2, COA1, HOA1);
	check_kind(d, BUB_MH_BA, BUB_OPT_PATH_COOKIE | BUB_OPT_AUTH);
	assert_int_equal(d->mh.u.ba.sequence, 256);
	assert_memory_equal(d->mh.opts.path_cookie, cookie, sizeof(cookie));
	check_auth(d, 28);
}

static void check_cot_path(const struct decoded *d)
{
	static const uint8_t cookie[BUB_COOKIE_LEN] = {0xc0, 0xc1, 0xc2, 0xc3,
						       0xc4, 0xc5, 0xc6, 0xc7};

	check_addresses(d, COA1, NULL, COA2, NULL);
	check_kind(d, BUB_MH_COT, BUB_OPT_AUTH);
	assert_int_equal(d->mh.u.test.nonce_index, 0);
	assert_memory_equal(d->mh.u.test.cookie, cookie, sizeof(cookie));
	check_auth(d, 28);
}

static void check_ba_refused(const struct decoded *d)
{
	check_addresses(d, CN, NULL, HOA1, NULL);
	check_kind(d, BUB_MH_BA, 0);
	assert_int_equal(d->mh.u.ba.status, BUB_STATUS_SEQUENCE);
	assert_int_equal(d->mh.u.ba.sequence, 65535);
	assert_int_equal(d->mh.u.ba.lifetime_s, 0);
}

static void check_be(const struct decoded *d)
{
	check_addresses(d, CN, NULL, COA1, NULL);
	check_kind(d, BUB_MH_BE, 0);
	assert_int_equal(d->mh.u.be.status, BUB_BE_NO_BINDING);
	assert_addr(&d->mh.u.be.home, HOA1);
}

static void check_switch(const struct decoded *d)
{
	struct in6_addr agent[2];

	check_addresses(d, HA1, NULL, COA1, HOA1);
	check_kind(d, BUB_MH_HA_SWITCH, BUB_OPT_REFRESH_ADVICE);
	assert_int_equal(d->mh.u.ha_switch.agents.len, sizeof(agent));
	memcpy(agent, d->mh.u.ha_switch.agents.data, sizeof(agent));
	assert_addr(&agent[0], "2001:db8:1::2");
	assert_addr(&agent[1], "2001:db8:9::3");
	assert_int_equal(d->mh.opts.refresh_advice_s, 40);
}

static void check_bubc(const struct decoded *d)
{
	check_addresses(d, COA2, HOA2, COA1, NULL);
	check_kind(d, BUB_MH_BUBC, BUB_OPT_AUTH);
	assert_memory_equal(d->mh.u.bubc.care_of_cookie, cookie2, 8);
	assert_memory_equal(d->mh.u.bubc.bub_cookie, bub_cookie, 8);
	check_auth(d, 28);
}

static void check_view(struct bub_view v, size_t len, unsigned first)
{
	assert_int_equal(v.len, len);
	for (size_t i = 0; i < len; i++)
		assert_int_equal(v.data[i], (first + i) & 0xff);
}

static void check_dh(const struct decoded *d, unsigned message, size_t signature_at)
{
	const struct bub_dh *dh = &d->mh.u.dh;

	check_kind(d, BUB_MH_DH, 0);
	assert_int_equal(dh->message, message);
	assert_memory_equal(dh->sid1, "\x51\1\1\1\1\1\1\1", 8);
	if (message != 1)
		assert_memory_equal(dh->sid2, "\x52\2\2\2\2\2\2\2", 8);
	else
		assert_memory_equal(dh->sid2, "\0\0\0\0\0\0\0\0", 8);
	assert_int_equal(dh->signature_at, signature_at);
	check_view((struct bub_view){d->mh.raw.data + signature_at, 12}, 12, 0xc0);
}

static void check_dh1(const struct decoded *d)
{
	const struct bub_dh *dh = &d->mh.u.dh;

	check_addresses(d, COA1, HOA1, HOA2, NULL);
	check_dh(d, 1, 356);
	check_view(dh->nonce, 16, 0x10);
	assert_int_equal(dh->info.len, 3);
	assert_memory_equal(dh->info.data, "\1\2\1", 3);
	assert_int_equal(dh->n_shares, 2);
	assert_int_equal(dh->share[0].suite, 2);
	check_view(dh->share[0].value, 32, 0x20);
	assert_int_equal(dh->share[1].suite, 1);
	check_view(dh->share[1].value, 256, 0x40);
	assert_false(dh->has_identity);
	assert_int_equal(dh->sig.len + dh->mac.len, 0);
}

static void check_dh2(const struct decoded *d)
{
	const struct bub_dh *dh = &d->mh.u.dh;

	check_addresses(d, COA2, HOA2, COA1, NULL);
	check_dh(d, 2, 92);
	check_view(dh->nonce, 16, 0x50);
	assert_int_equal(dh->info.len, 2);
	assert_int_equal(dh->n_shares, 1);
	assert_int_equal(dh->share[0].suite, 2);
	check_view(dh->share[0].value, 32, 0x60);
}

static void check_dh3(const struct decoded *d)
{
	const struct bub_dh *dh = &d->mh.u.dh;

	check_addresses(d, COA1, HOA1, HOA2, NULL);
	check_dh(d, 3, 116);
	assert_true(dh->has_identity);
	assert_addr(&dh->identity, HOA1);
	check_view(dh->sig, 32, 0x70);
	check_view(dh->mac, 32, 0x90);
	assert_int_equal(dh->nonce.len + dh->info.len + dh->n_shares, 0);
}

static void check_dh4(const struct decoded *d)
{
	const struct bub_dh *dh = &d->mh.u.dh;

	check_addresses(d, COA2, HOA2, HOA1, NULL);
	check_dh(d, 4, 108);
	assert_memory_equal(dh->info.data, "\1\1", 2);
	assert_true(dh->has_identity);
	assert_addr(&dh->identity, HOA2);
	check_view(dh->sig, 20, 0x70);
	check_view(dh->mac, 20, 0x90);
}

static void check_quoted(const struct decoded *d)
{
	assert_int_equal(d->icmp.quoted.len, 48);
	assert_memory_equal(d->icmp.quoted.data, "\x60\0\0\0\0\x08\x11\x40", 8);
}

static void check_too_big(const struct decoded *d)
{
	assert_int_equal(d->icmp.kind, BUB_ICMP6_TOO_BIG);
	assert_int_equal(d->icmp.u.too_big.mtu, 1400);
	check_quoted(d);
}

static void check_param_problem(const struct decoded *d)
{
	assert_int_equal(d->icmp.kind, BUB_ICMP6_PARAM_PROBLEM);
	assert_int_equal(d->icmp.code, 1);
	assert_int_equal(d->icmp.u.param_problem.pointer, 6);
	check_quoted(d);
}

static void check_ra(const struct decoded *d)
{
	const struct bub_icmp6 *m = &d->icmp;

	assert_int_equal(m->kind, BUB_ICMP6_ROUTER_ADVERT);
	assert_int_equal(d->ip.hop_limit, 255);
	assert_int_equal(m->u.ra.hop_limit, 64);
	assert_int_equal(m->u.ra.lifetime_s, 1800);
	assert_true(m->u.ra.home_agent);
	assert_true(m->u.ra.has_source_ll);
	assert_memory_equal(m->u.ra.source_ll, "\2\0\0\0\0\1", 6);
	assert_int_equal(m->u.ra.interval_ms, 3000);
	assert_true(m->u.ra.has_home_agent_info);
	assert_int_equal(m->u.ra.preference, 10);
	assert_int_equal(m->u.ra.home_agent_lifetime_s, 1200);
	assert_int_equal(m->n_prefixes, 1);
	assert_int_equal(m->prefix[0].prefix_len, 64);
	assert_true(m->prefix[0].on_link);
	assert_true(m->prefix[0].autonomous);
	assert_true(m->prefix[0].router_address);
	assert_int_equal(m->prefix[0].valid_s, 86400);
	assert_int_equal(m->prefix[0].preferred_s, 14400);
	assert_addr(&m->prefix[0].prefix, HA1);
}

static void check_dhaad_request(const struct decoded *d)
{
	assert_int_equal(d->icmp.kind, BUB_ICMP6_DHAAD_REQUEST);
	assert_int_equal(d->icmp.u.dhaad.id, 0xbeef);
	assert_addr(&d->ip.dst, "2001:db8:1:0:fdff:ffff:ffff:fffe");
}

static void check_dhaad_reply(const struct decoded *d)
{
	assert_int_equal(d->icmp.kind, BUB_ICMP6_DHAAD_REPLY);
	assert_int_equal(d->icmp.u.dhaad.id, 0xbeef);
	assert_int_equal(d->icmp.u.dhaad.n_addrs, 2);
	assert_addr(&d->icmp.u.dhaad.addr[0], HA1);
	assert_addr(&d->icmp.u.dhaad.addr[1], "2001:db8:1::2");
}

static void check_prefix_solicit(const struct decoded *d)
{
	check_addresses(d, COA1, HOA1, HA1, NULL);
	assert_int_equal(d->icmp.kind, BUB_ICMP6_PREFIX_SOLICIT);
	assert_int_equal(d->icmp.u.prefix.id, 0xcafe);
}

static void check_prefix_advert(const struct decoded *d)
{
	check_addresses(d, HA1, NULL, COA1, HOA1);
	assert_int_equal(d->icmp.kind, BUB_ICMP6_PREFIX_ADVERT);
	assert_int_equal(d->icmp.u.prefix.id, 0xcafe);
	assert_true(d->icmp.u.prefix.managed);
	assert_true(d->icmp.u.prefix.other);
	assert_int_equal(d->icmp.n_prefixes, 1);
	assert_true(d->icmp.prefix[0].on_link);
	assert_false(d->icmp.prefix[0].autonomous);
	assert_true(d->icmp.prefix[0].router_address);
	assert_int_equal(d->icmp.prefix[0].valid_s, 2592000);
	assert_int_equal(d->icmp.prefix[0].preferred_s, 604800);
	assert_addr(&d->icmp.prefix[0].prefix, HA1);
}

static void check_hao_rh2(const struct decoded *d)
{
	check_addresses(d, COA1, HOA1, COA2, HOA2);
	assert_addr(bub_ip6_home_src(&d->ip), HOA1);
	assert_addr(bub_ip6_home_dst(&d->ip), HOA2);
	assert_int_equal(d->ip.upper_proto, 17);
	assert_int_equal(d->ip.upper_proto_at, 64);
	assert_int_equal(d->ip.upper.len, 12);
	assert_int_equal(bub_ip6_checksum(bub_ip6_home_src(&d->ip), bub_ip6_home_dst(&d->ip), 17,
					  d->ip.upper),
			 0);
}

static void check_odd_chain(const struct decoded *d)
{
	check_addresses(d, COA1, HOA1, HOA2, HOA2);
	assert_int_equal(d->ip.rh2_segments_left, 0);
	assert_int_equal(d->ip.upper_proto, 17);
	assert_int_equal(d->ip.upper_proto_at, 40 + 8 + 24);
	assert_int_equal(d->ip.upper.len, 12);
}

static void check_fragment(const struct decoded *d)
{
	check_addresses(d, COA1, HOA1, COA2, NULL);
	assert_int_equal(d->ip.upper_proto, BUB_NH_FRAGMENT);
	assert_int_equal(d->ip.upper.len, 16);
}

static const struct vector vectors[] = {
	{"brr", check_brr, true},
	{"hoti", check_hoti, true},
	{"hoti-bub", check_hoti_bub, true},
	{"coti", check_coti, true},
	{"coti-bub", check_coti_bub, true},
	{"coti-signed", check_coti_signed, true},
	{"hot", check_hot, true},
	{"hot-bub", check_hot_bub, true},
	{"cot", check_cot, true},
	{"cot-bub", check_cot_bub, true},
	{"bu", check_bu, true},
	{"bu-home", check_bu_home, true},
	{"bu-ipv4", check_bu_ipv4, true},
	{"ba-ipv4", check_ba_ipv4, true},
	{"bu-correspondent", check_bu_correspondent, true},
	{"bu-bub", check_bu_bub, true},
	{"bu-unknown-options", check_bu_unknown_options, false},
	{"ba-home", check_ba_home, true},
	{"ba-correspondent", check_ba_correspondent, true},
	{"ba-bub", check_ba_bub, true},
	{"ba-path-cookie", check_ba_path_cookie, true},
	{"cot-path", check_cot_path, true},
	{"ba-refused", check_ba_refused, true},
	{"be", check_be, true},
	{"switch", check_switch, true},
	{"bubc", check_bubc, true},
	{"dh1", check_dh1, true},
	{"dh2", check_dh2, true},
	{"dh3", check_dh3, true},
	{"dh4", check_dh4, true},
	{"icmp6-too-big", check_too_big, true},
	{"icmp6-param-problem", check_param_problem, true},
	{"icmp6-ra", check_ra, true},
	{"icmp6-dhaad-request", check_dhaad_request, true},
	{"icmp6-dhaad-reply", check_dhaad_reply, true},
	{"icmp6-prefix-solicit", check_prefix_solicit, true},
	{"icmp6-prefix-advert", check_prefix_advert, true},
	{"ip6-hao-rh2", check_hao_rh2, true},
	{"ip6-odd-chain", check_odd_chain, false},
	{"ip6-fragment", check_fragment, true},
};

#define N_VECTORS (sizeof(vectors) / sizeof(vectors[0]))

static enum bub_drop decode(struct bub_view packet, struct decoded *ret_d)
{
	struct bub_mh_fault fault = {.why = BUB_DROP_NONE};
	enum bub_drop why = bub_ip6_decode(packet, &ret_d->ip);

	if (why != BUB_DROP_NONE)
		return why;
	if (ret_d->ip.upper_proto == BUB_NH_ICMPV6)
		return bub_icmp6_decode(&ret_d->ip, &ret_d->icmp);
	if (ret_d->ip.upper_proto != BUB_NH_MH)
		return BUB_DROP_NONE;
	if (bub_mh_decode(&ret_d->ip, &BUB_CODEPOINTS_DEFAULT, &ret_d->mh, &fault) == 0)
		return BUB_DROP_NONE;
	return fault.why;
}

/* Decodes the first @len octets of the vector in a buffer of that size. */
static enum bub_drop decode_copy(size_t len)
{
	struct decoded d;
	uint8_t *copy = exact_copy(o.b, len);
	enum bub_drop why = decode((struct bub_view){copy, len}, &d);

	free(copy);
	return why;
}

static void test_decode(void **state)
{
	(void)state;
	for (size_t i = 0; i < N_VECTORS; i++) {
		uint8_t *copy;
		struct decoded d;

		vector_load(vectors[i].name, &o);
		copy = exact_copy(o.b, o.n);
		if (decode((struct bub_view){copy, o.n}, &d) != BUB_DROP_NONE)
			fail_msg("%s is refused", vectors[i].name);
		vectors[i].check(&d);
		free(copy);
	}
}

static void test_no_vector_is_forgotten(void **state)
{
	DIR *dir = opendir(VECTORS_DIR);
	const struct dirent *e;
	size_t n = 0;

	(void)state;
	assert_non_null(dir);
	while ((e = readdir(dir)) != NULL)
		n += strstr(e->d_name, ".hex") != NULL;
	(void)closedir(dir);
	assert_int_equal(n, N_VECTORS);
}

/* Encodes the upper layer of @d; what the core leaves to others (authenticator, signature) is
 * taken from the vector. */
static int encode_upper(const struct decoded *d, uint8_t *buf, size_t cap)
{
	const struct in6_addr *src = bub_ip6_home_src(&d->ip), *dst = bub_ip6_home_dst(&d->ip);
	struct bub_mh_layout layout;
	int err;

	if (d->ip.upper_proto == BUB_NH_ICMPV6)
		return bub_icmp6_encode(&d->icmp, src, dst, buf, cap);
	if (d->ip.upper_proto != BUB_NH_MH) {
		if (cap < d->ip.upper.len)
			return BUB_ERR_NO_SPACE;
		memcpy(buf, d->ip.upper.data, d->ip.upper.len);
		return (int)d->ip.upper.len;
	}
	err = bub_mh_encode(&d->mh, &BUB_CODEPOINTS_DEFAULT, buf, cap, &layout);
	if (err != 0)
		return err;
	assert_int_equal(layout.auth_at,
			 (d->mh.opts.present & BUB_OPT_AUTH) != 0 ? d->mh.opts.auth_at : 0);
	if (layout.auth_at != 0)
		memcpy(buf + layout.auth_at, d->mh.raw.data + layout.auth_at, BUB_AUTH_LEN);
	if (layout.signature_at != 0)
		memcpy(buf + layout.signature_at, d->mh.raw.data + layout.signature_at,
		       BUB_AUTH_LEN);
	bub_mh_finish(buf, layout.len, src, dst);
	return (int)layout.len;
}

static void test_encode(void **state)
{
	uint8_t upper[2048], header[128];

	(void)state;
	for (size_t i = 0; i < N_VECTORS; i++) {
		struct decoded d;
		int upper_len, header_len;

		if (!vectors[i].canonical)
			continue;
		vector_load(vectors[i].name, &o);
		assert_int_equal(decode(view_of(&o), &d), BUB_DROP_NONE);
		upper_len = encode_upper(&d, upper, sizeof(upper));
		assert_true(upper_len >= 0);
		header_len = bub_ip6_encode(
			&(struct bub_ip6_build){.src = d.ip.src,
						.dst = d.ip.dst,
						.hao = d.ip.has_hao ? &d.ip.hao : NULL,
						.rh2 = d.ip.has_rh2 ? &d.ip.rh2 : NULL,
						.hop_limit = d.ip.hop_limit,
						.upper_proto = d.ip.upper_proto,
						.upper_len = (uint16_t)upper_len},
			header, sizeof(header));
		assert_true(header_len >= 40);
		assert_int_equal(o.n, header_len + upper_len);
		assert_memory_equal(header, o.b, (size_t)header_len);
		assert_memory_equal(upper, o.b + header_len, (size_t)upper_len);
	}
}

/* Every capacity below the length fails, and the length itself is enough. */
static void test_encode_into_little(void **state)
{
	(void)state;
	for (size_t i = 0; i < N_VECTORS; i++) {
		struct decoded d;
		uint8_t upper[2048];
		int len;

		vector_load(vectors[i].name, &o);
		assert_int_equal(decode(view_of(&o), &d), BUB_DROP_NONE);
		len = encode_upper(&d, upper, sizeof(upper));
		for (int cap = 0; cap <= len; cap++) {
			uint8_t *small = malloc((size_t)cap + (cap == 0));

			assert_non_null(small);
			assert_int_equal(encode_upper(&d, small, (size_t)cap),
					 cap < len ? BUB_ERR_NO_SPACE : len);
			free(small);
		}
	}
}

static void test_every_truncation(void **state)
{
	(void)state;
	for (size_t i = 0; i < N_VECTORS; i++) {
		vector_load(vectors[i].name, &o);
		for (size_t len = 0; len < o.n; len++) {
			vector_load(vectors[i].name, &o);
			assert_int_equal(decode_copy(len), BUB_DROP_IP6_TRUNCATED);
			if (len < 40)
				continue;
			/* With a payload length that fits: now the inner headers are cut. */
			set_u16(&o, 4, len - 40);
			if (strncmp(vectors[i].name, "ip6-", 4) != 0)
				assert_int_not_equal(decode_copy(len), BUB_DROP_NONE);
			else
				(void)decode_copy(len);
		}
	}
}

static void test_every_changed_octet(void **state)
{
	(void)state;
	for (size_t i = 0; i < N_VECTORS; i++) {
		struct decoded d;
		enum bub_drop want;
		size_t from;

		if (strncmp(vectors[i].name, "ip6-", 4) == 0)
			continue;
		vector_load(vectors[i].name, &o);
		assert_int_equal(decode(view_of(&o), &d), BUB_DROP_NONE);
		want = d.ip.upper_proto == BUB_NH_MH ? BUB_DROP_MH_CHECKSUM
						     : BUB_DROP_ICMP6_CHECKSUM;
		from = o.n - d.ip.upper.len;
		for (size_t at = from; at < o.n; at++) {
			for (unsigned flip = 1; flip < 256; flip++) {
				o.b[at] ^= (uint8_t)flip;
				assert_int_equal(decode(view_of(&o), &d), want);
				o.b[at] ^= (uint8_t)flip;
			}
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_decode),
		cmocka_unit_test(test_no_vector_is_forgotten),
		cmocka_unit_test(test_encode),
		cmocka_unit_test(test_encode_into_little),
		cmocka_unit_test(test_every_truncation),
		cmocka_unit_test(test_every_changed_octet),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
