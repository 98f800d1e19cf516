/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The ICMPv6 messages of mobility: what is refused, what is skipped, and the octets that are sent
 * (RFC 4443; RFC 4861, 4; RFC 6275, 6.5 to 6.8 and 7).
 */
#include "bytes.h"

#define SRC HA1
#define DST COA1
#define RA_FIXED "86 00 0000 40 20 0708 00000000 00000000 "
#define PREFIX_OPTION "0304 40 e0 00015180 00003840 00000000 20010db8000100000000000000000001 "

static struct bytes o;

static void make(const char *hex)
{
	ip6_begin(&o, BUB_NH_ICMPV6, SRC, DST);
	put_hex(&o, hex);
}

static void finish(void)
{
	if (o.n >= 44)
		set_checksum(&o, 40, 2, BUB_NH_ICMPV6, SRC, DST);
	ip6_end(&o);
}

/* Decodes a copy of exactly its size; the view of what an error quotes is not to be used. */
static enum bub_drop decode(struct bub_icmp6 *ret_icmp)
{
	uint8_t *copy = exact_copy(o.b, o.n);
	enum bub_drop why;
	struct bub_ip6 ip;

	assert_int_equal(bub_ip6_decode((struct bub_view){copy, o.n}, &ip), BUB_DROP_NONE);
	why = bub_icmp6_decode(&ip, ret_icmp);
	free(copy);
	return why;
}

static enum bub_drop verdict(const char *hex)
{
	struct bub_icmp6 m;

	make(hex);
	finish();
	return decode(&m);
}

static void test_too_short(void **state)
{
	static const struct {
		unsigned type;
		size_t len_min;
	} table[] = {{1, 8},   {2, 8},   {3, 8},   {4, 8},  {134, 16},
		     {144, 8}, {145, 8}, {146, 8}, {147, 8}};
	struct bub_icmp6 m;

	(void)state;
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		for (size_t len = 0; len <= table[i].len_min; len++) {
			make("");
			put_octet(&o, table[i].type);
			put_repeated(&o, 0, len != 0 ? len - 1 : 0);
			o.n = 40 + len;
			finish();
			assert_int_equal(decode(&m), len < table[i].len_min
							     ? BUB_DROP_ICMP6_MALFORMED
							     : BUB_DROP_NONE);
		}
	}
}

static void test_checksum(void **state)
{
	struct bub_icmp6 m;

	(void)state;
	make("90 00 0000 beef 0000");
	finish();
	assert_int_equal(decode(&m), BUB_DROP_NONE);
	for (size_t at = 40; at < 48; at++) {
		for (unsigned flip = 1; flip < 256; flip++) {
			o.b[at] ^= (uint8_t)flip;
			assert_int_equal(decode(&m), BUB_DROP_ICMP6_CHECKSUM);
			o.b[at] ^= (uint8_t)flip;
		}
	}
}

static void test_other_types(void **state)
{
	static const uint8_t ours[] = {1, 2, 3, 4, 134, 144, 145, 146, 147};
	struct bub_icmp6 m;

	(void)state;
	for (unsigned type = 0; type < 256; type++) {
		bool known = memchr(ours, (int)type, sizeof(ours)) != NULL;

		make("");
		put_octet(&o, type);
		put_repeated(&o, 0, 15);
		/* Eight zero octets more are neither an address nor an option. */
		if (type == 145 || type == 147)
			o.n -= 8;
		finish();
		assert_int_equal(decode(&m), known ? BUB_DROP_NONE : BUB_DROP_ICMP6_MALFORMED);
	}
}

static void test_errors(void **state)
{
	struct bub_ip6 ip;
	struct bub_icmp6 m;

	(void)state;
	make("02 00 0000 00000578 01020304");
	finish();
	assert_int_equal(bub_ip6_decode(view_of(&o), &ip), BUB_DROP_NONE);
	assert_int_equal(bub_icmp6_decode(&ip, &m), BUB_DROP_NONE);
	assert_int_equal(m.kind, BUB_ICMP6_TOO_BIG);
	assert_int_equal(m.u.too_big.mtu, 1400);
	assert_int_equal(m.quoted.len, 4);
	assert_ptr_equal(m.quoted.data, o.b + 48);
	/* RFC 4443, 3.2: the code of Packet Too Big is ignored. */
	assert_int_equal(verdict("02 07 0000 00000578"), BUB_DROP_NONE);
	make("04 02 0000 ffffffff");
	finish();
	assert_int_equal(decode(&m), BUB_DROP_NONE);
	assert_int_equal(m.code, 2);
	assert_int_equal(m.u.param_problem.pointer, 0xffffffff);
	assert_int_equal(m.quoted.len, 0);
	make("01 03 0000 deadbeef 05"); /* unused: ignored */
	finish();
	assert_int_equal(decode(&m), BUB_DROP_NONE);
	assert_int_equal(m.kind, BUB_ICMP6_UNREACHABLE);
	assert_int_equal(m.code, 3);
	assert_int_equal(m.quoted.len, 1);
	assert_int_equal(verdict("03 01 0000 00000000"), BUB_DROP_NONE);
}

static void test_nd_options(void **state)
{
	(void)state;
	/* RFC 6275, 7.3 and 7.4: only a router advertisement has those two; elsewhere they are
	 * skipped, whatever is in them. */
	assert_int_equal(verdict("93 00 0000 1234 0000 0702 0000000003e80000000000000000"
				 "0802 0000000503e80000000000000000"),
			 BUB_DROP_NONE);
	assert_int_equal(verdict(RA_FIXED "0702 0000000003e80000000000000000"),
			 BUB_DROP_ICMP6_MALFORMED);
	assert_int_equal(verdict(RA_FIXED "0802 0000000503e80000000000000000"),
			 BUB_DROP_ICMP6_MALFORMED);
	assert_int_equal(verdict(RA_FIXED), BUB_DROP_NONE);
	/* RFC 4861, 6.1.2: code 0; options of length zero discard the whole. */
	assert_int_equal(verdict("86 01 0000 40 20 0708 00000000 00000000"),
			 BUB_DROP_ICMP6_MALFORMED);
	assert_int_equal(verdict(RA_FIXED "0100 020000000001"), BUB_DROP_ICMP6_MALFORMED);
	assert_int_equal(verdict(RA_FIXED "fe00"), BUB_DROP_ICMP6_MALFORMED);
	/* Past the end, and without a length octet. */
	assert_int_equal(verdict(RA_FIXED "fe02 000000000000"), BUB_DROP_ICMP6_MALFORMED);
	assert_int_equal(verdict(RA_FIXED "fe01 0000000000"), BUB_DROP_ICMP6_MALFORMED);
	assert_int_equal(verdict(RA_FIXED "fe"), BUB_DROP_ICMP6_MALFORMED);
	/* Unknown ones are skipped. */
	assert_int_equal(verdict(RA_FIXED "fe01 000000000000 0501 0000000005dc"), BUB_DROP_NONE);
	/* Known ones of a wrong length. */
	assert_int_equal(verdict(RA_FIXED "0301 40e000000000"), BUB_DROP_ICMP6_MALFORMED);
	assert_int_equal(verdict(RA_FIXED "0305" PREFIX_OPTION "000000000000"),
			 BUB_DROP_ICMP6_MALFORMED);
	assert_int_equal(verdict(RA_FIXED "0702 0000 00000bb8 0000000000000000"),
			 BUB_DROP_ICMP6_MALFORMED);
	assert_int_equal(verdict(RA_FIXED "0802 0000 000a 04b0 0000000000000000"),
			 BUB_DROP_ICMP6_MALFORMED);
	/* A prefix of more than 128 bits. */
	assert_int_equal(verdict(RA_FIXED "0304 81 e0 00015180 00003840 00000000"
					  "20010db8000100000000000000000001"),
			 BUB_DROP_ICMP6_MALFORMED);
	assert_int_equal(verdict("93 00 0000 cafe c000 0300"), BUB_DROP_ICMP6_MALFORMED);
	/* The other options mean nothing in a prefix advertisement. */
	assert_int_equal(verdict("93 00 0000 cafe c000 0802 0000 000a 04b0 0000000000000000"),
			 BUB_DROP_NONE);
}

static void test_router_advertisement(void **state)
{
	struct bub_icmp6 m;

	(void)state;
	make(RA_FIXED "0102 0200000000010000000000000000 " PREFIX_OPTION
		      "0701 0000 00000bb8 0801 ffff 000a 04b0");
	finish();
	assert_int_equal(decode(&m), BUB_DROP_NONE);
	assert_int_equal(m.u.ra.lifetime_s, 1800);
	assert_int_equal(m.u.ra.hop_limit, 64);
	assert_true(m.u.ra.home_agent);
	/* An address of another link's length is not taken for an Ethernet one. */
	assert_false(m.u.ra.has_source_ll);
	assert_int_equal(m.n_prefixes, 1);
	assert_int_equal(m.prefix[0].prefix_len, 64);
	assert_true(m.prefix[0].router_address);
	assert_int_equal(m.prefix[0].valid_s, 86400);
	assert_int_equal(m.prefix[0].preferred_s, 14400);
	assert_addr(&m.prefix[0].prefix, HA1);
	assert_int_equal(m.u.ra.interval_ms, 3000);
	assert_true(m.u.ra.has_home_agent_info);
	assert_int_equal(m.u.ra.preference, 10);
	assert_int_equal(m.u.ra.home_agent_lifetime_s, 1200);
	make("86 00 0000 00 df 0000 00000000 00000000");
	finish();
	assert_int_equal(decode(&m), BUB_DROP_NONE);
	assert_false(m.u.ra.home_agent);
	assert_int_equal(m.u.ra.interval_ms, 0);
}

/* M and O of RFC 4861, 4.2, and H of RFC 6275, 7.1. */
static void test_router_flags(void **state)
{
	struct bub_icmp6 m;

	(void)state;
	for (unsigned flags = 0; flags < 256; flags++) {
		make(RA_FIXED);
		o.b[40 + 5] = (uint8_t)flags;
		finish();
		assert_int_equal(decode(&m), BUB_DROP_NONE);
		assert_int_equal(m.u.ra.managed, (flags & 0x80) != 0);
		assert_int_equal(m.u.ra.other, (flags & 0x40) != 0);
		assert_int_equal(m.u.ra.home_agent, (flags & 0x20) != 0);
	}
}

static void test_prefix_flags(void **state)
{
	struct bub_icmp6 m;

	(void)state;
	for (unsigned flags = 0; flags < 256; flags++) {
		make(RA_FIXED PREFIX_OPTION);
		o.b[40 + 16 + 3] = (uint8_t)flags;
		finish();
		assert_int_equal(decode(&m), BUB_DROP_NONE);
		assert_int_equal(m.prefix[0].on_link, (flags & 0x80) != 0);
		assert_int_equal(m.prefix[0].autonomous, (flags & 0x40) != 0);
		assert_int_equal(m.prefix[0].router_address, (flags & 0x20) != 0);
	}
}

static void test_prefix_message_flags(void **state)
{
	struct bub_icmp6 m;

	(void)state;
	for (unsigned flags = 0; flags < 256; flags++) {
		make("93 00 0000 cafe 0000");
		o.b[46] = (uint8_t)flags;
		finish();
		assert_int_equal(decode(&m), BUB_DROP_NONE);
		assert_int_equal(m.u.prefix.managed, (flags & 0x80) != 0);
		assert_int_equal(m.u.prefix.other, (flags & 0x40) != 0);
	}
}

/* None is defined for a solicitation, so none is known (RFC 6275, 6.7), however it looks. */
static void test_options_of_a_solicitation(void **state)
{
	struct bub_icmp6 m;

	(void)state;
	make("92 00 0000 cafe 0000 fe01 0000 0000 0000 0304");
	finish();
	assert_int_equal(decode(&m), BUB_DROP_NONE);
	assert_int_equal(m.u.prefix.id, 0xcafe);
	assert_int_equal(m.n_prefixes, 0);
}

static void test_prefix_length(void **state)
{
	struct bub_icmp6 m;

	(void)state;
	for (unsigned len = 0; len < 256; len++) {
		make(RA_FIXED PREFIX_OPTION);
		o.b[40 + 16 + 2] = (uint8_t)len;
		finish();
		assert_int_equal(decode(&m), len <= 128 ? BUB_DROP_NONE : BUB_DROP_ICMP6_MALFORMED);
	}
}

static void test_number_of_prefixes(void **state)
{
	struct bub_icmp6 m;

	(void)state;
	for (unsigned n = 0; n < 12; n++) {
		make("93 00 0000 cafe c000");
		for (unsigned i = 0; i < n; i++)
			put_hex(&o, PREFIX_OPTION);
		finish();
		assert_int_equal(decode(&m), BUB_DROP_NONE);
		assert_int_equal(m.n_prefixes, n < 8 ? n : 8);
	}
}

static void test_discovery_reply(void **state)
{
	struct bub_icmp6 m;

	(void)state;
	for (unsigned octets = 0; octets <= 80 * 16; octets++) {
		make("91 00 0000 beef 0000");
		for (unsigned at = 0; at < octets; at++)
			put_octet(&o, 1 + at / 16); /* each address its own */
		finish();
		if (octets % 16 != 0) {
			assert_int_equal(decode(&m), BUB_DROP_ICMP6_MALFORMED);
			continue;
		}
		assert_int_equal(decode(&m), BUB_DROP_NONE);
		assert_int_equal(m.u.dhaad.id, 0xbeef);
		assert_int_equal(m.u.dhaad.n_addrs,
				 octets / 16 < BUB_DHAAD_MAX ? octets / 16 : BUB_DHAAD_MAX);
		for (unsigned i = 0; i < m.u.dhaad.n_addrs; i++)
			assert_int_equal(m.u.dhaad.addr[i].s6_addr[15], 1 + i);
		assert_int_equal(m.n_prefixes, 0);
	}
}

/* Encodes @m, which must give the octets of @hex with a right checksum. */
static void assert_encodes(const struct bub_icmp6 *m, const char *hex)
{
	struct in6_addr src = addr(SRC), dst = addr(DST);
	uint8_t buf[1500];

	make(hex);
	finish();
	for (size_t cap = 0; cap < o.n - 40; cap++) {
		uint8_t *small = malloc(cap + 1);

		assert_non_null(small);
		assert_int_equal(bub_icmp6_encode(m, &src, &dst, small, cap), BUB_ERR_NO_SPACE);
		free(small);
	}
	assert_int_equal(bub_icmp6_encode(m, &src, &dst, buf, sizeof(buf)), (int)(o.n - 40));
	assert_memory_equal(buf, o.b + 40, o.n - 40);
}

static void test_encode(void **state)
{
	struct bub_icmp6 m = {.kind = BUB_ICMP6_DHAAD_REQUEST};

	(void)state;
	m.u.dhaad.id = 0xbeef;
	assert_encodes(&m, "90 00 0000 beef 0000");
	m.kind = BUB_ICMP6_DHAAD_REPLY;
	m.u.dhaad.n_addrs = 1;
	m.u.dhaad.addr[0] = addr(HA1);
	assert_encodes(&m, "91 00 0000 beef 0000 20010db8000100000000000000000001");

	m = (struct bub_icmp6){.kind = BUB_ICMP6_PREFIX_SOLICIT};
	m.u.prefix.id = 0xcafe;
	assert_encodes(&m, "92 00 0000 cafe 0000");
	m.kind = BUB_ICMP6_PREFIX_ADVERT;
	m.u.prefix.managed = true;
	assert_encodes(&m, "93 00 0000 cafe 8000");
	m.u.prefix.managed = false;
	m.u.prefix.other = true;
	assert_encodes(&m, "93 00 0000 cafe 4000");
	m.n_prefixes = 1;
	m.prefix[0] = (struct bub_prefix_info){.prefix = addr(HA1),
					       .prefix_len = 64,
					       .on_link = true,
					       .autonomous = true,
					       .router_address = true,
					       .valid_s = 86400,
					       .preferred_s = 14400};
	assert_encodes(&m, "93 00 0000 cafe 4000" PREFIX_OPTION);
	m.prefix[0] = (struct bub_prefix_info){.prefix = addr(HA1), .prefix_len = 1};
	assert_encodes(&m, "93 00 0000 cafe 4000 0304 01 00 00000000 00000000 00000000"
			   "20010db8000100000000000000000001");
	m.prefix[0].on_link = true;
	assert_encodes(&m, "93 00 0000 cafe 4000 0304 01 80 00000000 00000000 00000000"
			   "20010db8000100000000000000000001");

	m = (struct bub_icmp6){.kind = BUB_ICMP6_ROUTER_ADVERT};
	assert_encodes(&m, "86 00 0000 00 00 0000 00000000 00000000");
	m.u.ra.home_agent = true;
	m.u.ra.interval_ms = 3000;
	m.u.ra.has_home_agent_info = true;
	m.u.ra.preference = 10;
	m.u.ra.home_agent_lifetime_s = 1200;
	assert_encodes(&m, "86 00 0000 00 20 0000 00000000 00000000 0701 0000 00000bb8"
			   "0801 0000 000a 04b0");
}

static void test_encode_errors(void **state)
{
	static uint8_t quoted[1500];
	struct in6_addr src = addr(SRC), dst = addr(DST);
	struct bub_icmp6 m = {.kind = BUB_ICMP6_TOO_BIG, .quoted = {NULL, 0}};
	uint8_t buf[1500];

	(void)state;
	m.u.too_big.mtu = 1400;
	assert_encodes(&m, "02 00 0000 00000578");
	m = (struct bub_icmp6){.kind = BUB_ICMP6_PARAM_PROBLEM, .code = 2};
	m.u.param_problem.pointer = 42;
	m.quoted = (struct bub_view){(const uint8_t *)"\1\2\3", 3};
	assert_encodes(&m, "04 02 0000 0000002a 010203");
	/* RFC 4443, 2.4 (c): the whole packet stays within 1280 octets. */
	for (size_t len = 1200; len < sizeof(quoted); len++) {
		size_t want = 8 + len < 1240 ? 8 + len : 1240;

		m.quoted = (struct bub_view){quoted, len};
		assert_int_equal(bub_icmp6_encode(&m, &src, &dst, buf, sizeof(buf)), (int)want);
	}
}

static void test_cannot_encode(void **state)
{
	struct in6_addr src = addr(SRC), dst = addr(DST);
	struct bub_icmp6 m = {.kind = BUB_ICMP6_DHAAD_REPLY};
	uint8_t buf[1500];

	(void)state;
	m.u.dhaad.n_addrs = BUB_DHAAD_MAX;
	assert_int_equal(bub_icmp6_encode(&m, &src, &dst, buf, sizeof(buf)),
			 8 + 16 * BUB_DHAAD_MAX);
	m.u.dhaad.n_addrs++;
	assert_int_equal(bub_icmp6_encode(&m, &src, &dst, buf, sizeof(buf)), BUB_ERR_INVALID);
	m = (struct bub_icmp6){.kind = BUB_ICMP6_PREFIX_ADVERT};
	m.n_prefixes = BUB_ICMP6_PREFIXES_MAX;
	m.prefix[0].prefix_len = 128;
	assert_int_equal(bub_icmp6_encode(&m, &src, &dst, buf, sizeof(buf)), 8 + 8 * 32);
	m.n_prefixes++;
	assert_int_equal(bub_icmp6_encode(&m, &src, &dst, buf, sizeof(buf)), BUB_ERR_INVALID);
	m.n_prefixes = 1;
	m.prefix[0].prefix_len = 129;
	assert_int_equal(bub_icmp6_encode(&m, &src, &dst, buf, sizeof(buf)), BUB_ERR_INVALID);
	m = (struct bub_icmp6){.kind = (enum bub_icmp6_kind)128};
	assert_int_equal(bub_icmp6_encode(&m, &src, &dst, buf, sizeof(buf)), BUB_ERR_INVALID);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_too_short),
		cmocka_unit_test(test_checksum),
		cmocka_unit_test(test_other_types),
		cmocka_unit_test(test_errors),
		cmocka_unit_test(test_nd_options),
		cmocka_unit_test(test_router_advertisement),
		cmocka_unit_test(test_router_flags),
		cmocka_unit_test(test_prefix_flags),
		cmocka_unit_test(test_prefix_message_flags),
		cmocka_unit_test(test_options_of_a_solicitation),
		cmocka_unit_test(test_prefix_length),
		cmocka_unit_test(test_number_of_prefixes),
		cmocka_unit_test(test_discovery_reply),
		cmocka_unit_test(test_encode),
		cmocka_unit_test(test_encode_errors),
		cmocka_unit_test(test_cannot_encode),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
