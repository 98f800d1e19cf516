/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The Mobility Header and the fixed parts of its messages: the checks of RFC 6275, 9.2, what they
 * want in answer, the values at their ends, and what cannot be encoded.
 */
#include "mh_bytes.h"

#define SILENT(fault) (!(fault).param_problem && !(fault).binding_error)

/* Octets of the shortest message of each type (RFC 6275, 6.1.2 to 6.1.9; draft, 5.3). */
static const unsigned len_min[] = {8, 16, 16, 24, 24, 16, 16, 24, 24};

static void test_checksum(void **state)
{
	(void)state;
	mh_make(0, "0000");
	for (unsigned at = 40; at < 48; at++) {
		for (unsigned flip = 1; flip < 256; flip++) {
			struct bub_mh_fault fault;

			o.b[at] ^= (uint8_t)flip;
			fault = mh_refused();
			assert_int_equal(fault.why, BUB_DROP_MH_CHECKSUM);
			assert_true(SILENT(fault));
			o.b[at] ^= (uint8_t)flip;
		}
	}
	(void)mh_accepted();
}

static void test_checksum_is_over_the_home_addresses(void **state)
{
	struct bub_mh_fault fault;
	struct bub_ip6 ip;
	struct bub_mh mh;

	(void)state;
	ip6_begin(&o, BUB_NH_ROUTING, COA1, COA2);
	put_rh2(&o, BUB_NH_DSTOPTS, HOA2);
	put_hao(&o, BUB_NH_MH, HOA1);
	mh_at = o.n;
	put_hex(&o, "3b 00 00 00 0000 0000");
	mh_end();
	(void)mh_accepted();
	/* The addresses of the IPv6 header may change on the way, the home addresses may not. */
	o.b[20] ^= 1;
	o.b[30] ^= 1;
	(void)mh_accepted();
	o.b[80] ^= 1;
	assert_int_equal(mh_refused().why, BUB_DROP_MH_CHECKSUM);
	o.b[80] ^= 1;
	o.b[50] ^= 1;
	assert_int_equal(mh_refused().why, BUB_DROP_MH_CHECKSUM);
	o.b[50] ^= 1;
	/* RFC 6275, 11.3.1: with no segments left the destination is the home address itself. */
	o.b[43] = 0;
	assert_int_equal(mh_refused().why, BUB_DROP_MH_CHECKSUM);
	o.b[30] ^= 1;
	set_checksum(&o, mh_at, 4, BUB_NH_MH, HOA1, COA2);
	assert_int_equal(bub_ip6_decode(view_of(&o), &ip), BUB_DROP_NONE);
	assert_int_equal(bub_mh_decode(&ip, &BUB_CODEPOINTS_DEFAULT, &mh, &fault), 0);
}

static void test_too_short_for_a_checksum(void **state)
{
	(void)state;
	for (size_t len = 0; len < 8; len++) {
		struct bub_mh_fault fault;

		mh_make(0, "0000");
		o.n = mh_at + len;
		ip6_end(&o);
		fault = mh_refused();
		assert_int_equal(fault.why, BUB_DROP_MH_LENGTH);
		assert_true(SILENT(fault));
	}
}

static void test_unknown_type(void **state)
{
	(void)state;
	for (unsigned type = 9; type < 256; type++) {
		struct bub_mh_fault fault;

		if (type == 11 || type == 12)
			continue;
		mh_make(type, "0000");
		fault = mh_refused();
		assert_int_equal(fault.why, BUB_DROP_MH_UNKNOWN_TYPE);
		assert_true(fault.binding_error);
		assert_false(fault.param_problem);
	}
}

static void test_payload_proto(void **state)
{
	(void)state;
	for (unsigned proto = 0; proto < 256; proto++) {
		struct bub_mh_fault fault;

		mh_make(0, "0000");
		o.b[mh_at] = (uint8_t)proto;
		mh_end();
		if (proto == 59) {
			(void)mh_accepted();
			continue;
		}
		fault = mh_refused();
		assert_int_equal(fault.why, BUB_DROP_MH_PAYLOAD_PROTO);
		assert_true(fault.param_problem);
		assert_int_equal(fault.pointer, 40);
		assert_false(fault.binding_error);
	}
}

static void test_header_len_too_small_for_the_type(void **state)
{
	(void)state;
	for (unsigned type = 0; type < sizeof(len_min) / sizeof(len_min[0]); type++) {
		for (unsigned len = 8; len <= len_min[type]; len += 8) {
			mh_begin(type);
			put_repeated(&o, 0, len - 6);
			mh_end();
			if (len == len_min[type]) {
				assert_int_equal(mh_accepted().kind, type);
			} else {
				struct bub_mh_fault fault = mh_refused();

				/* BUBC's number is also another message's, of any length. */
				if (type == 8) {
					assert_int_equal(fault.why, BUB_DROP_MH_UNKNOWN_TYPE);
					assert_true(fault.binding_error);
					continue;
				}
				assert_int_equal(fault.why, BUB_DROP_MH_LENGTH);
				assert_true(fault.param_problem);
				assert_int_equal(fault.pointer, 41);
				assert_false(fault.binding_error);
			}
		}
	}
}

static void test_pointer_counts_extension_headers(void **state)
{
	struct bub_mh_fault fault;

	(void)state;
	ip6_begin(&o, BUB_NH_ROUTING, COA1, COA2);
	put_rh2(&o, BUB_NH_DSTOPTS, HOA2);
	put_hao(&o, BUB_NH_MH, HOA1);
	mh_at = o.n;
	put_hex(&o, "3b 00 05 00 0000 0000");
	mh_end();
	fault = mh_refused();
	assert_int_equal(fault.why, BUB_DROP_MH_LENGTH);
	assert_int_equal(fault.pointer, 40 + 24 + 24 + 1);
	o.b[mh_at] = 6;
	mh_end();
	fault = mh_refused();
	assert_int_equal(fault.why, BUB_DROP_MH_PAYLOAD_PROTO);
	assert_int_equal(fault.pointer, 40 + 24 + 24);
}

/* The checksum over so many octets of the message, in place (RFC 6275, 6.1.1). */
static void sum_over(size_t len)
{
	size_t all = o.n;

	o.n = mh_at + len;
	set_checksum(&o, mh_at, 4, BUB_NH_MH, HOA1, HOA2);
	o.n = all;
}

/* Too small for its type, or larger than what came: the sender is told. */
static void test_header_len_against_the_packet(void **state)
{
	(void)state;
	for (unsigned header_len = 0; header_len < 256; header_len++) {
		mh_make(1, "0000 0102030405060708 0106000000000000");
		o.b[mh_at + 1] = (uint8_t)header_len;
		sum_over(header_len < 2 ? 8 * header_len + 8 : 24);
		if (header_len == 1 || header_len == 2) {
			(void)mh_accepted();
			continue;
		}
		assert_int_equal(mh_refused().why, BUB_DROP_MH_LENGTH);
		assert_true(mh_refused().param_problem);
		assert_int_equal(mh_refused().pointer, 41);
	}
}

/* A sender that is wrong about Header Len may have summed up all that it has sent: it is told of
 * the one fault, not left to guess at another. */
static void test_header_len_too_small_for_the_sum(void **state)
{
	(void)state;
	for (unsigned header_len = 0; header_len < 2; header_len++) {
		mh_make(5, "0001 8000 0001 0100 0310 20010db8000a000000000000000000a1");
		o.b[mh_at + 1] = (uint8_t)header_len;
		set_checksum(&o, mh_at, 4, BUB_NH_MH, HOA1, HOA2);
		if (header_len == 1) { /* long enough: then the sum is what is wrong */
			assert_int_equal(mh_refused().why, BUB_DROP_MH_CHECKSUM);
			continue;
		}
		assert_int_equal(mh_refused().why, BUB_DROP_MH_LENGTH);
		assert_true(mh_refused().param_problem);
		assert_int_equal(mh_refused().pointer, 41);
		o.b[mh_at + 9] ^= 1;
		assert_int_equal(mh_refused().why, BUB_DROP_MH_CHECKSUM);
	}
}

/* What Header Len does not cover is neither summed (RFC 6275, 6.1.1) nor read (RFC 8200, 4.7). */
static void test_octets_behind_the_header(void **state)
{
	(void)state;
	for (size_t extra = 1; extra < 20; extra++) {
		struct bub_mh mh;

		mh_make(1, "0000 0102030405060708");
		put_repeated(&o, 0xee, extra);
		ip6_end(&o);
		mh = mh_accepted();
		assert_int_equal(mh.raw.len, 16);
		assert_int_equal(mh.opts.present, 0);
		set_checksum(&o, mh_at, 4, BUB_NH_MH, HOA1, HOA2);
		assert_int_equal(mh_refused().why, BUB_DROP_MH_CHECKSUM);
		assert_true(SILENT(mh_refused()));
	}
}

/* Another payload behind the header is the sender's fault, and he is told. */
static void test_payload_behind_the_header(void **state)
{
	(void)state;
	mh_begin(1);
	put_hex(&o, "0000 0102030405060708");
	o.b[mh_at] = 17;
	mh_end();
	put_hex(&o, "3039d43100080000");
	ip6_end(&o);
	assert_int_equal(mh_refused().why, BUB_DROP_MH_PAYLOAD_PROTO);
	assert_true(mh_refused().param_problem);
	assert_int_equal(mh_refused().pointer, 40);
}

static void test_truncated_with_a_right_checksum(void **state)
{
	(void)state;
	for (size_t len = 8; len < 32; len++) {
		mh_make(5, "0001 8000 0001 0100 0310 20010db8000a000000000000000000a1");
		assert_int_equal(o.n - mh_at, 32);
		o.n = mh_at + len;
		set_checksum(&o, mh_at, 4, BUB_NH_MH, HOA1, HOA2);
		ip6_end(&o);
		assert_int_equal(mh_refused().why, BUB_DROP_MH_LENGTH);
	}
}

/* RFC 6275, 9.2: checksum, then type, then Payload Proto, then Header Len. */
static void test_order_of_checks(void **state)
{
	(void)state;
	mh_make(5, "0000");
	o.b[mh_at] = 6;
	o.b[mh_at + 2] = 77;
	assert_int_equal(mh_refused().why, BUB_DROP_MH_CHECKSUM);
	mh_end();
	assert_int_equal(mh_refused().why, BUB_DROP_MH_UNKNOWN_TYPE);
	o.b[mh_at + 2] = 5;
	mh_end();
	assert_int_equal(mh_refused().why, BUB_DROP_MH_PAYLOAD_PROTO);
	o.b[mh_at] = 59;
	mh_end();
	assert_int_equal(mh_refused().why, BUB_DROP_MH_LENGTH);
}

static void test_reserved_fields_are_ignored(void **state)
{
	struct bub_mh mh;

	(void)state;
	mh_make(1, "ffff 0102030405060708");
	o.b[mh_at + 3] = 0xff;
	mh_end();
	mh = mh_accepted();
	assert_int_equal(mh.kind, BUB_MH_HOTI);
	assert_memory_equal(mh.u.test_init.cookie, "\1\2\3\4\5\6\7\10", 8);
	mh_make(2, "ffff 0102030405060708");
	mh = mh_accepted();
	assert_int_equal(mh.kind, BUB_MH_COTI);
	assert_memory_equal(mh.u.test_init.cookie, "\1\2\3\4\5\6\7\10", 8);
	mh_make(0, "ffff");
	assert_int_equal(mh_accepted().kind, BUB_MH_BRR);
	mh_make(8, "ffff 0102030405060708 1112131415161718");
	assert_int_equal(mh_accepted().kind, BUB_MH_BUBC);
	mh_make(5, "0001 0fff 0001 01020000");
	assert_int_equal(mh_accepted().u.bu.flags, 0);
	mh_make(6, "007f 0001 0001 01020000");
	assert_int_equal(mh_accepted().u.ba.flags, 0);
	mh_make(7, "02ff 00000000000000000000000000000000");
	assert_int_equal(mh_accepted().u.be.status, 2);
}

static void test_flags(void **state)
{
	(void)state;
	mh_make(5, "0001 8000 0001 01020000");
	assert_int_equal(mh_accepted().u.bu.flags, BUB_BU_ACK);
	mh_make(5, "0001 4000 0001 01020000");
	assert_int_equal(mh_accepted().u.bu.flags, BUB_BU_HOME);
	mh_make(5, "0001 2000 0001 01020000");
	assert_int_equal(mh_accepted().u.bu.flags, BUB_BU_LINK_LOCAL);
	mh_make(5, "0001 1000 0001 01020000");
	assert_int_equal(mh_accepted().u.bu.flags, BUB_BU_KEY_MANAGEMENT);
	mh_make(6, "0080 0001 0001 01020000");
	assert_int_equal(mh_accepted().u.ba.flags, BUB_BA_KEY_MANAGEMENT);
}

static void test_lifetimes(void **state)
{
	struct bub_mh bu = {.kind = BUB_MH_BU}, ba = {.kind = BUB_MH_BA};

	(void)state;
	mh_make(5, "0001 8000 ffff 01020000");
	assert_int_equal(mh_accepted().u.bu.lifetime_s, BUB_LIFETIME_MAX_S);
	mh_make(6, "0000 0001 ffff 01020000");
	assert_int_equal(mh_accepted().u.ba.lifetime_s, BUB_LIFETIME_MAX_S);
	bu.u.bu.lifetime_s = 4;
	assert_encodes(&bu, "3b010500 0000 0000 0000 0001 01020000");
	bu.u.bu.lifetime_s = BUB_LIFETIME_MAX_S;
	assert_encodes(&bu, "3b010500 0000 0000 0000 ffff 01020000");
	ba.u.ba.lifetime_s = BUB_LIFETIME_MAX_S;
	assert_encodes(&ba, "3b010600 0000 0000 0000 ffff 01020000");
	/* Not a multiple of the unit, and one unit too many. */
	for (uint32_t more = 1; more <= 4; more++) {
		bu.u.bu.lifetime_s = BUB_LIFETIME_MAX_S + more;
		assert_int_equal(encode_result(&bu, &BUB_CODEPOINTS_DEFAULT), BUB_ERR_INVALID);
		ba.u.ba.lifetime_s = BUB_LIFETIME_MAX_S + more;
		assert_int_equal(encode_result(&ba, &BUB_CODEPOINTS_DEFAULT), BUB_ERR_INVALID);
	}
}

static void test_cannot_encode(void **state)
{
	struct bub_mh mh = {.kind = BUB_MH_BU};

	(void)state;
	mh.u.bu.flags = 0x0800;
	assert_int_equal(encode_result(&mh, &BUB_CODEPOINTS_DEFAULT), BUB_ERR_INVALID);
	mh = (struct bub_mh){.kind = BUB_MH_BA};
	mh.u.ba.flags = 0x40;
	assert_int_equal(encode_result(&mh, &BUB_CODEPOINTS_DEFAULT), BUB_ERR_INVALID);
	mh = (struct bub_mh){.kind = (enum bub_mh_kind)99};
	assert_int_equal(encode_result(&mh, &BUB_CODEPOINTS_DEFAULT), BUB_ERR_INVALID);
	mh = (struct bub_mh){.kind = BUB_MH_BUBC};
	assert_int_equal(encode_result(&mh, &(struct bub_codepoints){7, 11, 18, 240, 241}),
			 BUB_ERR_INVALID);
}

/* RFC 5142, 4. */
static void test_ha_switch(void **state)
{
	static const uint8_t list[2 * 16] = {0x20, 1, 0x0d, 0xb8, [15] = 1, [16] = 0x20, [31] = 2};
	static const uint8_t many[128 * 16];
	struct bub_mh out = {.kind = BUB_MH_HA_SWITCH};
	struct bub_mh_layout layout;
	struct bub_mh_fault fault;
	uint8_t buf[64];
	struct bub_mh mh;

	(void)state;
	/* Neither addresses nor options: no padding, and a header length of 0. */
	mh_make(12, "00ff");
	mh = mh_accepted();
	assert_int_equal(mh.kind, BUB_MH_HA_SWITCH);
	assert_int_equal(mh.raw.len, 8);
	assert_int_equal(mh.u.ha_switch.agents.len, 0);
	assert_int_equal(bub_mh_encode(&out, &BUB_CODEPOINTS_DEFAULT, buf, sizeof(buf), &layout),
			 0);
	assert_int_equal(layout.len, 8);
	assert_memory_equal(buf, "\x3b\0\x0c\0\0\0\0\0", 8);
	/* The list begins eight octets into the header. */
	out.u.ha_switch.agents = (struct bub_view){list, sizeof(list)};
	out.opts.present = BUB_OPT_REFRESH_ADVICE;
	out.opts.refresh_advice_s = 40;
	assert_int_equal(bub_mh_encode(&out, &BUB_CODEPOINTS_DEFAULT, buf, sizeof(buf), &layout),
			 0);
	assert_int_equal(layout.len, 48);
	assert_memory_equal(buf, "\x3b\5\x0c\0\0\0\2\0", 8);
	assert_memory_equal(buf + 8, list, sizeof(list));
	mh_make(12, "0100 20010db8000000000000000000000001 0202000a 00000000");
	mh = mh_accepted();
	assert_int_equal(mh.u.ha_switch.agents.len, 16);
	assert_memory_equal(mh.u.ha_switch.agents.data, list, 16);
	assert_int_equal(mh.opts.present, BUB_OPT_REFRESH_ADVICE);
	assert_int_equal(mh.opts.refresh_advice_s, 40);
	/* A list that is longer than the message: Header Len is too small (RFC 6275, 9.2). */
	mh_make(12, "0200 20010db8000000000000000000000001");
	fault = mh_refused();
	assert_int_equal(fault.why, BUB_DROP_MH_LENGTH);
	assert_true(fault.param_problem);
	assert_int_equal(fault.pointer, mh_at + 1);
	mh_make(12, "ff00");
	assert_int_equal(mh_refused().why, BUB_DROP_MH_LENGTH);
	out.u.ha_switch.agents.len = 17;
	assert_int_equal(encode_result(&out, &BUB_CODEPOINTS_DEFAULT), BUB_ERR_INVALID);
	out.u.ha_switch.agents = (struct bub_view){many, sizeof(many)};
	assert_int_equal(encode_result(&out, &BUB_CODEPOINTS_DEFAULT), BUB_ERR_INVALID);
}

static void test_code_points(void **state)
{
	static const struct bub_codepoints other = {200, 201, 202, 240, 241};
	struct bub_mh mh = {.kind = BUB_MH_BUBC};
	struct bub_mh_layout layout;
	uint8_t buf[64];

	(void)state;
	mh_make(200, "0000 0102030405060708 1112131415161718");
	assert_int_equal(mh_accepted_by(&other).kind, BUB_MH_BUBC);
	assert_int_equal(mh_refused().why, BUB_DROP_MH_UNKNOWN_TYPE);
	mh_make(8, "0000 0102030405060708 1112131415161718");
	assert_int_equal(mh_refused_by(&other).why, BUB_DROP_MH_UNKNOWN_TYPE);
	assert_int_equal(bub_mh_encode(&mh, &other, buf, sizeof(buf), &layout), 0);
	assert_int_equal(buf[2], 200);
	/* A code point that takes the type of an RFC has no effect. */
	mh_make(5, "0001 8000 0001 01020000");
	assert_int_equal(mh_accepted_by(&(struct bub_codepoints){5, 5, 18, 240, 241}).kind,
			 BUB_MH_BU);
	mh_make(12, "0000");
	assert_int_equal(mh_accepted_by(&(struct bub_codepoints){12, 12, 18, 240, 241}).kind,
			 BUB_MH_HA_SWITCH);
	assert_int_equal(encode_result(&mh, &(struct bub_codepoints){12, 11, 18, 240, 241}),
			 BUB_ERR_INVALID);
}

static void test_finish(void **state)
{
	struct in6_addr src = addr(HOA1), dst = addr(HOA2);

	(void)state;
	mh_make(1, "0000 0102030405060708");
	o.b[mh_at + 4] = 0xde;
	bub_mh_finish(o.b + mh_at, o.n - mh_at, &src, &dst);
	(void)mh_accepted();
}

static void test_failure_writes_nothing(void **state)
{
	struct bub_mh mh, before;
	struct bub_mh_fault fault;
	uint8_t *copy;

	(void)state;
	memset(&mh, 0x5a, sizeof(mh));
	memcpy(&before, &mh, sizeof(mh));
	mh_make(5, "0001 8000 0001 02030400");
	assert_int_equal(mh_decode_copy(&BUB_CODEPOINTS_DEFAULT, &copy, &mh, &fault),
			 BUB_ERR_MALFORMED);
	assert_memory_equal(&mh, &before, sizeof(mh));
	free(copy);
}

static void test_peek(void **state)
{
	uint8_t octets[16] = {BUB_NH_NONE, 1, 5, [8] = 0xc1, [9] = 0x02};
	enum bub_mh_kind kind;
	uint16_t flags;

	(void)state;
	/* The checksum is wrong, and reserved bits are set. */
	assert_true(bub_mh_peek((struct bub_view){octets, 16}, &kind, &flags));
	assert_int_equal(kind, BUB_MH_BU);
	assert_int_equal(flags, BUB_BU_ACK | BUB_BU_HOME);
	assert_false(bub_mh_peek((struct bub_view){octets, 11}, &kind, &flags));
	octets[2] = 6; /* where the flags were is its sequence number */
	assert_true(bub_mh_peek((struct bub_view){octets, 16}, &kind, &flags));
	assert_int_equal(kind, BUB_MH_BA);
	assert_int_equal(flags, 0);
	octets[2] = 8; /* none of RFC 6275's */
	assert_false(bub_mh_peek((struct bub_view){octets, 16}, &kind, &flags));
	assert_false(bub_mh_peek((struct bub_view){octets, 2}, &kind, &flags));
}

static void test_sequence(void **state)
{
	(void)state;
	assert_false(bub_seq_greater(0, 0));
	assert_true(bub_seq_greater(1, 0));
	assert_true(bub_seq_greater(0x7fff, 0));
	assert_false(bub_seq_greater(0x8000, 0));
	assert_false(bub_seq_greater(0x8001, 0));
	assert_false(bub_seq_greater(0xffff, 0));
	assert_true(bub_seq_greater(0, 0xffff));
	assert_true(bub_seq_greater(0x7ffe, 0xffff));
	assert_false(bub_seq_greater(0x7fff, 0xffff));
	assert_false(bub_seq_greater(0, 0x8000));
	/* RFC 6275, 9.5.1's example: with 15, the values 0 to 15 and 32783 to 65535 are not
	 * greater. */
	for (unsigned seq = 0; seq < 65536; seq++)
		assert_int_equal(bub_seq_greater((uint16_t)seq, 15), seq > 15 && seq < 32783);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_checksum),
		cmocka_unit_test(test_checksum_is_over_the_home_addresses),
		cmocka_unit_test(test_too_short_for_a_checksum),
		cmocka_unit_test(test_unknown_type),
		cmocka_unit_test(test_payload_proto),
		cmocka_unit_test(test_header_len_too_small_for_the_type),
		cmocka_unit_test(test_pointer_counts_extension_headers),
		cmocka_unit_test(test_header_len_against_the_packet),
		cmocka_unit_test(test_header_len_too_small_for_the_sum),
		cmocka_unit_test(test_octets_behind_the_header),
		cmocka_unit_test(test_payload_behind_the_header),
		cmocka_unit_test(test_truncated_with_a_right_checksum),
		cmocka_unit_test(test_order_of_checks),
		cmocka_unit_test(test_reserved_fields_are_ignored),
		cmocka_unit_test(test_flags),
		cmocka_unit_test(test_lifetimes),
		cmocka_unit_test(test_cannot_encode),
		cmocka_unit_test(test_code_points),
		cmocka_unit_test(test_ha_switch),
		cmocka_unit_test(test_finish),
		cmocka_unit_test(test_failure_writes_nothing),
		cmocka_unit_test(test_peek),
		cmocka_unit_test(test_sequence),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
