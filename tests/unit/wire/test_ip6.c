/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The IPv6 header chain, its home addresses, the checksum, and questions about addresses
 * (RFC 8200, 3, 4 and 8.1; RFC 6275, 6.3 and 6.4).
 */
#include "bytes.h"

static struct bytes o;

/* Decodes a copy in a buffer of exactly its size; views of the result are not to be used. */
static enum bub_drop decode(struct bub_ip6 *ret_ip)
{
	uint8_t *copy = exact_copy(o.b, o.n);
	enum bub_drop why = bub_ip6_decode((struct bub_view){copy, o.n}, ret_ip);

	free(copy);
	return why;
}

static enum bub_drop verdict(void)
{
	struct bub_ip6 ip;

	ip6_end(&o);
	return decode(&ip);
}

static void test_truncated(void **state)
{
	struct bub_ip6 ip;

	(void)state;
	ip6_begin(&o, BUB_NH_NONE, COA1, COA2);
	for (o.n = 0; o.n < 40; o.n++)
		assert_int_equal(decode(&ip), BUB_DROP_IP6_TRUNCATED);
	assert_int_equal(decode(&ip), BUB_DROP_NONE);
	/* A payload length that promises more than there is. */
	set_u16(&o, 4, 1);
	assert_int_equal(decode(&ip), BUB_DROP_IP6_TRUNCATED);
}

static void test_version(void **state)
{
	struct bub_ip6 ip;

	(void)state;
	for (unsigned version = 0; version < 16; version++) {
		ip6_begin(&o, BUB_NH_NONE, COA1, COA2);
		o.b[0] = (uint8_t)(version << 4);
		assert_int_equal(decode(&ip), version == 6 ? BUB_DROP_NONE : BUB_DROP_IP6_VERSION);
	}
}

static void test_octets_behind_the_payload_are_ignored(void **state)
{
	struct bub_ip6 ip;

	(void)state;
	ip6_begin(&o, 17, COA1, COA2);
	put_hex(&o, "0102 0304 0005 0000 aa");
	ip6_end(&o);
	put_hex(&o, "ffffff");
	assert_int_equal(bub_ip6_decode(view_of(&o), &ip), BUB_DROP_NONE);
	assert_int_equal(ip.packet.len, 49);
	assert_int_equal(ip.upper.len, 9);
	assert_ptr_equal(ip.upper.data, o.b + 40);
	assert_int_equal(ip.upper_proto, 17);
	assert_int_equal(ip.upper_proto_at, 6);
	assert_int_equal(ip.hop_limit, 64);
	assert_addr(&ip.src, COA1);
	assert_addr(&ip.dst, COA2);
	assert_false(ip.has_hao);
	assert_false(ip.has_rh2);
}

static void test_home_addresses(void **state)
{
	struct bub_ip6 ip;

	(void)state;
	ip6_begin(&o, BUB_NH_ROUTING, COA1, COA2);
	put_rh2(&o, BUB_NH_DSTOPTS, HOA2);
	put_hao(&o, BUB_NH_MH, HOA1);
	ip6_end(&o);
	assert_int_equal(bub_ip6_decode(view_of(&o), &ip), BUB_DROP_NONE);
	assert_true(ip.has_hao);
	assert_true(ip.has_rh2);
	assert_addr(bub_ip6_home_src(&ip), HOA1);
	assert_addr(bub_ip6_home_dst(&ip), HOA2);
	assert_int_equal(ip.upper_proto, BUB_NH_MH);
	assert_int_equal(ip.upper_proto_at, 64);
	assert_int_equal(ip.upper.len, 0);

	/* No segments left: the IPv6 destination is the final one (RFC 8200, 8.1). */
	o.b[43] = 0;
	assert_int_equal(bub_ip6_decode(view_of(&o), &ip), BUB_DROP_NONE);
	assert_int_equal(ip.rh2_segments_left, 0);
	assert_addr(bub_ip6_home_dst(&ip), COA2);

	ip6_begin(&o, BUB_NH_NONE, COA1, COA2);
	assert_int_equal(bub_ip6_decode(view_of(&o), &ip), BUB_DROP_NONE);
	assert_addr(bub_ip6_home_src(&ip), COA1);
	assert_addr(bub_ip6_home_dst(&ip), COA2);
}

static void test_extension_header_overrun(void **state)
{
	(void)state;
	/* Header lengths of 8 to 2048 octets where only eight follow. */
	for (unsigned ext_len = 0; ext_len < 256; ext_len++) {
		ip6_begin(&o, BUB_NH_DSTOPTS, COA1, COA2);
		put_octet(&o, BUB_NH_NONE);
		put_octet(&o, ext_len);
		put_hex(&o, "010400000000");
		assert_int_equal(verdict(), ext_len == 0 ? BUB_DROP_NONE : BUB_DROP_EXT_MALFORMED);
	}
	/* The chain promises a header, but the payload is over. */
	for (size_t len = 0; len < 8; len++) {
		ip6_begin(&o, BUB_NH_ROUTING, COA1, COA2);
		put_repeated(&o, 0, len);
		assert_int_equal(verdict(), BUB_DROP_EXT_MALFORMED);
	}
}

static void test_number_of_headers_is_limited(void **state)
{
	(void)state;
	for (unsigned n = 1; n < 12; n++) {
		ip6_begin(&o, BUB_NH_DSTOPTS, COA1, COA2);
		for (unsigned i = 1; i <= n; i++) {
			put_octet(&o, i < n ? BUB_NH_DSTOPTS : BUB_NH_NONE);
			put_hex(&o, "00 010400000000");
		}
		assert_int_equal(verdict(), n <= 8 ? BUB_DROP_NONE : BUB_DROP_EXT_MALFORMED);
	}
}

static void test_hop_by_hop_only_first(void **state)
{
	(void)state;
	ip6_begin(&o, BUB_NH_HOPOPTS, COA1, COA2);
	put_hex(&o, "3c00 050200000100 3b00 010400000000");
	assert_int_equal(verdict(), BUB_DROP_NONE);
	ip6_begin(&o, BUB_NH_DSTOPTS, COA1, COA2);
	put_hex(&o, "0000 010400000000 3b00 050200000100");
	assert_int_equal(verdict(), BUB_DROP_EXT_MALFORMED);
}

/* One destination options header around @options, which must fill it. */
static enum bub_drop verdict_on_options(const char *options)
{
	ip6_begin(&o, BUB_NH_DSTOPTS, COA1, COA2);
	put_octet(&o, BUB_NH_NONE);
	put_octet(&o, 0);
	put_hex(&o, options);
	assert_int_equal(o.n % 8, 0);
	o.b[41] = (uint8_t)((o.n - 40) / 8 - 1);
	return verdict();
}

static void test_destination_options(void **state)
{
	(void)state;
	assert_int_equal(verdict_on_options("000000000000"), BUB_DROP_NONE);
	assert_int_equal(verdict_on_options("010400000000"), BUB_DROP_NONE);
	/* RFC 8200, 4.2: unknown options whose type begins with 00 are skipped, others discard. */
	assert_int_equal(verdict_on_options("3e04abcdef01"), BUB_DROP_NONE);
	assert_int_equal(verdict_on_options("7e04abcdef01"), BUB_DROP_EXT_MALFORMED);
	assert_int_equal(verdict_on_options("be04abcdef01"), BUB_DROP_EXT_MALFORMED);
	assert_int_equal(verdict_on_options("fe04abcdef01"), BUB_DROP_EXT_MALFORMED);
	/* An option past the header's end, and one without a length octet. */
	assert_int_equal(verdict_on_options("010500000000"), BUB_DROP_EXT_MALFORMED);
	assert_int_equal(verdict_on_options("01ff00000000"), BUB_DROP_EXT_MALFORMED);
	assert_int_equal(verdict_on_options("010300000001"), BUB_DROP_EXT_MALFORMED);
}

static void test_number_of_options_is_limited(void **state)
{
	(void)state;
	for (unsigned ext_len = 0; ext_len < 20; ext_len++) {
		ip6_begin(&o, BUB_NH_DSTOPTS, COA1, COA2);
		put_octet(&o, BUB_NH_NONE);
		put_octet(&o, ext_len);
		put_repeated(&o, 0, 8u * ext_len + 6u);
		assert_int_equal(verdict(),
				 8u * ext_len + 6u <= 64 ? BUB_DROP_NONE : BUB_DROP_EXT_MALFORMED);
	}
}

static void test_home_address_option(void **state)
{
	static const char other[] = "00000000000000000000000000000001";
	char options[256];

	(void)state;
	/* Alone and unaligned, and next to others: RFC 6275, 6.3 binds the sender only. */
	assert_int_equal(
		verdict_on_options("c910 2001 0db8 0001 0000 0000 0000 0000 1001 01020000"),
		BUB_DROP_NONE);
	assert_int_equal(
		verdict_on_options("3e020000 c910 2001 0db8 0001 0000 0000 0000 0000 1001"),
		BUB_DROP_NONE);
	/* Another length than 16. */
	assert_int_equal(verdict_on_options("c904 2001 0db8"), BUB_DROP_HAO_MALFORMED);
	assert_int_equal(verdict_on_options("c900 01020000"), BUB_DROP_HAO_MALFORMED);
	assert_int_equal(verdict_on_options("c914 20010db8 20010db8 20010db8 20010db8 20010db8"),
			 BUB_DROP_HAO_MALFORMED);
	/* Past the end. */
	assert_int_equal(verdict_on_options("c910 20010db8"), BUB_DROP_EXT_MALFORMED);
	/* Twice in one header. */
	(void)snprintf(options, sizeof(options), "0000 c910 %s c910 %s", other, other);
	assert_int_equal(verdict_on_options(options), BUB_DROP_HAO_MALFORMED);
	/* Twice in two headers. */
	ip6_begin(&o, BUB_NH_DSTOPTS, COA1, COA2);
	put_hao(&o, BUB_NH_DSTOPTS, HOA1);
	put_hao(&o, BUB_NH_NONE, HOA1);
	assert_int_equal(verdict(), BUB_DROP_HAO_MALFORMED);
	/* In front of a routing header. */
	ip6_begin(&o, BUB_NH_DSTOPTS, COA1, COA2);
	put_hao(&o, BUB_NH_ROUTING, HOA1);
	put_rh2(&o, BUB_NH_NONE, HOA2);
	assert_int_equal(verdict(), BUB_DROP_HAO_MALFORMED);
	/* Among hop-by-hop options its number means an unknown one that discards. */
	ip6_begin(&o, BUB_NH_HOPOPTS, COA1, COA2);
	put_hao(&o, BUB_NH_NONE, HOA1);
	assert_int_equal(verdict(), BUB_DROP_EXT_MALFORMED);
}

static void test_type_2_routing_header(void **state)
{
	struct bub_ip6 ip;

	(void)state;
	for (unsigned segments_left = 0; segments_left < 256; segments_left++) {
		ip6_begin(&o, BUB_NH_ROUTING, COA1, COA2);
		put_rh2(&o, BUB_NH_NONE, HOA2);
		o.b[43] = (uint8_t)segments_left;
		assert_int_equal(verdict(),
				 segments_left < 2 ? BUB_DROP_NONE : BUB_DROP_RH2_MALFORMED);
	}
	/* Zero and two addresses. */
	ip6_begin(&o, BUB_NH_ROUTING, COA1, COA2);
	put_hex(&o, "3b 00 02 01 00000000");
	assert_int_equal(verdict(), BUB_DROP_RH2_MALFORMED);
	ip6_begin(&o, BUB_NH_ROUTING, COA1, COA2);
	put_hex(&o, "3b 04 02 01 00000000");
	put_addr(&o, HOA2);
	put_addr(&o, HOA2);
	assert_int_equal(verdict(), BUB_DROP_RH2_MALFORMED);
	/* Twice. */
	ip6_begin(&o, BUB_NH_ROUTING, COA1, COA2);
	put_rh2(&o, BUB_NH_ROUTING, HOA2);
	put_rh2(&o, BUB_NH_NONE, HOA2);
	assert_int_equal(verdict(), BUB_DROP_RH2_MALFORMED);
	/* The reserved field is ignored. */
	ip6_begin(&o, BUB_NH_ROUTING, COA1, COA2);
	put_rh2(&o, BUB_NH_NONE, HOA2);
	o.b[44] = 0xff;
	ip6_end(&o);
	assert_int_equal(decode(&ip), BUB_DROP_NONE);
	assert_addr(&ip.rh2, HOA2);
}

static void test_other_routing_types(void **state)
{
	(void)state;
	for (unsigned type = 0; type < 256; type++) {
		if (type == 2)
			continue;
		ip6_begin(&o, BUB_NH_ROUTING, COA1, COA2);
		put_rh2(&o, BUB_NH_NONE, HOA2);
		o.b[42] = (uint8_t)type;
		assert_int_equal(verdict(), BUB_DROP_EXT_MALFORMED);
		o.b[43] = 0;
		assert_int_equal(verdict(), BUB_DROP_NONE);
	}
}

static void test_what_ends_the_chain(void **state)
{
	static const uint8_t last[] = {BUB_NH_FRAGMENT, BUB_NH_ESP, BUB_NH_AH, BUB_NH_NONE,
				       BUB_NH_ICMPV6,   BUB_NH_MH,  6,         BUB_NH_IPV6};
	struct bub_ip6 ip;

	(void)state;
	for (size_t i = 0; i < sizeof(last); i++) {
		ip6_begin(&o, BUB_NH_DSTOPTS, COA1, COA2);
		put_hao(&o, last[i], HOA1);
		put_hex(&o, "3c00010400000000");
		ip6_end(&o);
		assert_int_equal(decode(&ip), BUB_DROP_NONE);
		assert_int_equal(ip.upper_proto, last[i]);
		assert_int_equal(ip.upper_proto_at, 40);
		assert_int_equal(ip.upper.len, 8);
	}
}

static void test_failure_writes_nothing(void **state)
{
	struct bub_ip6 ip, before;

	(void)state;
	memset(&ip, 0x5a, sizeof(ip));
	memcpy(&before, &ip, sizeof(ip));
	ip6_begin(&o, BUB_NH_DSTOPTS, COA1, COA2);
	put_hao(&o, BUB_NH_DSTOPTS, HOA1);
	put_hao(&o, BUB_NH_NONE, HOA1);
	ip6_end(&o);
	assert_int_equal(decode(&ip), BUB_DROP_HAO_MALFORMED);
	assert_memory_equal(&ip, &before, sizeof(ip));
}

static void test_encode(void **state)
{
	struct in6_addr home1 = addr(HOA1), home2 = addr(HOA2);
	uint8_t buf[128];

	(void)state;
	for (unsigned which = 0; which < 4; which++) {
		struct bub_ip6_build b = {
			.src = addr(COA1),
			.dst = addr(COA2),
			.hao = (which & 1) != 0 ? &home1 : NULL,
			.rh2 = (which & 2) != 0 ? &home2 : NULL,
			.upper_proto = BUB_NH_MH,
			.upper_len = 16,
		};
		unsigned behind_rh2 = (which & 1) != 0 ? BUB_NH_DSTOPTS : BUB_NH_MH;

		ip6_begin(&o, (which & 2) != 0 ? BUB_NH_ROUTING : behind_rh2, COA1, COA2);
		if ((which & 2) != 0)
			put_rh2(&o, behind_rh2, HOA2);
		if ((which & 1) != 0)
			put_hao(&o, BUB_NH_MH, HOA1);
		set_u16(&o, 4, o.n - 40 + 16);
		for (size_t cap = 0; cap < o.n; cap++) {
			uint8_t *small = malloc(cap + 1);

			assert_non_null(small);
			assert_int_equal(bub_ip6_encode(&b, small, cap), BUB_ERR_NO_SPACE);
			free(small);
		}
		assert_int_equal(bub_ip6_encode(&b, buf, sizeof(buf)), (int)o.n);
		assert_memory_equal(buf, o.b, o.n);
		b.hop_limit = 255;
		assert_int_equal(bub_ip6_encode(&b, buf, sizeof(buf)), (int)o.n);
		assert_int_equal(buf[7], 255);
		/* The home address stands at 8n + 8, its option at 8n + 6 (RFC 6275, 6.3). */
		if ((which & 1) != 0)
			assert_int_equal(buf[o.n - 18], 0xc9);
		assert_int_equal((o.n - 18) % 8, 6);
	}
}

static void test_encode_payload_length(void **state)
{
	struct in6_addr home = addr(HOA1);
	struct bub_ip6_build b = {.src = addr(COA1), .dst = addr(COA2), .upper_proto = 17};
	uint8_t buf[128];

	(void)state;
	b.upper_len = 65535;
	assert_int_equal(bub_ip6_encode(&b, buf, sizeof(buf)), 40);
	assert_int_equal(get_u16(buf + 4), 65535);
	b.hao = &home;
	assert_int_equal(bub_ip6_encode(&b, buf, sizeof(buf)), BUB_ERR_INVALID);
	b.upper_len = 65535 - 24;
	assert_int_equal(bub_ip6_encode(&b, buf, sizeof(buf)), 64);
}

static void test_checksum(void **state)
{
	static const uint8_t upper[] = {0x12, 0x34, 0x56, 0x78, 0x9a};
	struct in6_addr src = addr(COA1), dst = addr(COA2);

	(void)state;
	for (size_t len = 0; len <= sizeof(upper); len++)
		assert_int_equal(bub_ip6_checksum(&src, &dst, 58, (struct bub_view){upper, len}),
				 ref_checksum(COA1, COA2, 58, upper, len));
	/* Worked by hand: 2001 + db8 + a + a1, 2001 + db8 + b + b2, length 2, protocol 17, fffe. */
	assert_int_equal(
		bub_ip6_checksum(&src, &dst, 17, (struct bub_view){(const uint8_t *)"\xff\xfe", 2}),
		0xffff - (0x2001 + 0xdb8 + 0xa + 0xa1 + 0x2001 + 0xdb8 + 0xb + 0xb2 + 2 + 17 +
			  0xfffe - 0xffff));
}

static void test_checksum_of_the_longest(void **state)
{
	struct in6_addr src = addr(COA1), dst = addr(COA2);

	(void)state;
	o.n = 0;
	put_repeated(&o, 0xff, 65535);
	assert_int_equal(bub_ip6_checksum(&src, &dst, 135, view_of(&o)),
			 ref_checksum(COA1, COA2, 135, o.b, o.n));
}

static void test_routable(void **state)
{
	static const struct {
		const char *text;
		bool routable;
	} table[] = {
		{"::", false},
		{"::1", false},
		{"fe80::1", false},
		{"febf:ffff::1", false},
		{"ff02::1", false},
		{"ff0e::1", false},
		{"::ffff:192.0.2.1", false},
		{"2001:db8::1", true},
		{"fd00::1", true},
		{"fec0::1", true},
		{"fe00::1", true},
		{"::2", true},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		struct in6_addr a = addr(table[i].text);

		assert_int_equal(bub_addr_is_routable(&a), table[i].routable);
	}
}

static void test_ipv4(void **state)
{
	static const struct {
		const char *text;
		bool usable;
	} table[] = {
		{"::ffff:192.0.2.1", true},    {"::ffff:10.0.0.1", true},
		{"::ffff:1.0.0.0", true},      {"::ffff:223.255.255.254", true},
		{"::ffff:0.0.0.0", false},     {"::ffff:0.1.2.3", false},
		{"::ffff:127.0.0.1", false},   {"::ffff:169.254.0.1", false},
		{"::ffff:169.253.0.1", true},  {"::ffff:224.0.0.1", false},
		{"::ffff:240.0.0.1", false},   {"::ffff:255.255.255.255", false},
		{"::192.0.2.1", false},        {"2001:db8::1", false},
		{"64:ff9b::192.0.2.1", false}, {"::1", false},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		struct in6_addr a = addr(table[i].text);

		assert_int_equal(bub_addr_is_ipv4(&a), table[i].usable);
	}
}

static void test_prefix(void **state)
{
	struct in6_addr a = addr("2001:db8:aaaa:5555::1"), b = addr("2001:db8:aaaa:5554::");
	struct in6_addr c = addr("a001:db8::");

	(void)state;
	assert_true(bub_addr_in_prefix(&a, &b, 63));
	assert_false(bub_addr_in_prefix(&a, &b, 64));
	assert_true(bub_addr_in_prefix(&a, &b, 56));
	assert_true(bub_addr_in_prefix(&a, &c, 0));
	assert_false(bub_addr_in_prefix(&a, &c, 1));
	assert_true(bub_addr_in_prefix(&a, &a, 128));
	assert_false(bub_addr_in_prefix(&a, &a, 129));
	a.s6_addr[15] ^= 1;
	b = addr("2001:db8:aaaa:5555::1");
	assert_true(bub_addr_in_prefix(&a, &b, 127));
	assert_false(bub_addr_in_prefix(&a, &b, 128));
	/* One bit that differs, at each place, counts for the longer prefixes only. */
	for (unsigned bit = 0; bit < 128; bit++) {
		b = a;
		b.s6_addr[bit / 8] ^= (uint8_t)(0x80 >> bit % 8);
		for (unsigned len = 0; len <= 128; len++)
			assert_int_equal(bub_addr_in_prefix(&a, &b, len), len <= bit);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_truncated),
		cmocka_unit_test(test_version),
		cmocka_unit_test(test_octets_behind_the_payload_are_ignored),
		cmocka_unit_test(test_home_addresses),
		cmocka_unit_test(test_extension_header_overrun),
		cmocka_unit_test(test_number_of_headers_is_limited),
		cmocka_unit_test(test_hop_by_hop_only_first),
		cmocka_unit_test(test_destination_options),
		cmocka_unit_test(test_number_of_options_is_limited),
		cmocka_unit_test(test_home_address_option),
		cmocka_unit_test(test_type_2_routing_header),
		cmocka_unit_test(test_other_routing_types),
		cmocka_unit_test(test_what_ends_the_chain),
		cmocka_unit_test(test_failure_writes_nothing),
		cmocka_unit_test(test_encode),
		cmocka_unit_test(test_encode_payload_length),
		cmocka_unit_test(test_checksum),
		cmocka_unit_test(test_checksum_of_the_longest),
		cmocka_unit_test(test_routable),
		cmocka_unit_test(test_ipv4),
		cmocka_unit_test(test_prefix),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
