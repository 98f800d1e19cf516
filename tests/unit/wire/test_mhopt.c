/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Mobility options: lengths, padding, limits, what is skipped, and the alignment of each on the way
 * out (RFC 6275, 6.2; RFC 4283; RFC 8371; draft, 5.2).
 */
#include "mh_bytes.h"

#define BU_FIXED "0001 8000 0001 "
#define BA_FIXED "0000 0001 0001 "
#define TEST_FIXED "0001 0102030405060708 1112131415161718 "
#define TEST_INIT_FIXED "0000 0102030405060708 "
#define AUTH_OPTION "050c a0a1a2a3a4a5a6a7a8a9aaab "

static void make(unsigned type, const char *fixed, const char *options)
{
	mh_begin(type);
	put_hex(&o, fixed);
	put_hex(&o, options);
	/* Rounded up with Pad1, which no test here counts. */
	while ((o.n - mh_at) % 8 != 0)
		put_octet(&o, 0);
	mh_end();
}

static void test_overrun(void **state)
{
	static const unsigned types[] = {1, 2, 3, 4, 5, 18, 29, 32, 200};

	(void)state;
	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
		/* Two octets of four are left for a value. */
		for (unsigned len = 0; len < 256; len++) {
			mh_begin(5);
			put_hex(&o, BU_FIXED);
			put_octet(&o, types[i]);
			put_octet(&o, len);
			put_hex(&o, "0000");
			mh_end();
			if (len > 2)
				assert_int_equal(mh_refused().why, BUB_DROP_MH_OPTION_MALFORMED);
		}
	}
	/* The type is the last octet. */
	make(5, BU_FIXED, "000000 01");
	assert_int_equal(mh_refused().why, BUB_DROP_MH_OPTION_MALFORMED);
	make(5, BU_FIXED, "000000 c8");
	assert_int_equal(mh_refused().why, BUB_DROP_MH_OPTION_MALFORMED);
	assert_false(mh_refused().param_problem);
	assert_false(mh_refused().binding_error);
}

static void test_padding(void **state)
{
	(void)state;
	make(5, BU_FIXED, "00000000");
	assert_int_equal(mh_accepted().opts.present, 0);
	make(5, BU_FIXED, "01020000");
	assert_int_equal(mh_accepted().opts.present, 0);
	/* Pad1 has no length: what follows it is an option's type (RFC 6275, 6.2.2). */
	make(5, BU_FIXED, "00 0100 00");
	assert_int_equal(mh_accepted().opts.present, 0);
	/* A PadN of two octets, and one whose octets are not zero (RFC 6275, 6.2.3). */
	make(5, BU_FIXED, "0100 0100");
	assert_int_equal(mh_accepted().opts.present, 0);
	make(5, BU_FIXED, "0102ffff");
	assert_int_equal(mh_accepted().opts.present, 0);
}

/* Options are counted, padding included. */
static void test_number_is_limited(void **state)
{
	(void)state;
	for (size_t n = 4; n < 100; n += 8) {
		mh_begin(5);
		put_hex(&o, BU_FIXED);
		put_repeated(&o, 0, n);
		mh_end();
		if (n <= 64)
			(void)mh_accepted();
		else
			assert_int_equal(mh_refused().why, BUB_DROP_MH_OPTION_MALFORMED);
	}
}

/* Puts an option of @type and @len, and refuses every @len but @right. */
static void check_lengths(unsigned mh_type, const char *fixed, unsigned type, unsigned right,
			  unsigned first_octet)
{
	for (unsigned len = 0; len < 40; len++) {
		mh_begin(mh_type);
		put_hex(&o, fixed);
		while ((o.n - mh_at + 2 + len) % 8 != 0)
			put_octet(&o, 0);
		put_octet(&o, type);
		put_octet(&o, len);
		put_repeated(&o, first_octet, len != 0 ? 1 : 0);
		put_repeated(&o, 0, len != 0 ? len - 1 : 0);
		mh_end();
		if (len == right)
			assert_int_not_equal(mh_accepted().opts.present, 0);
		else
			assert_int_equal(mh_refused().why, BUB_DROP_MH_OPTION_MALFORMED);
	}
}

static void test_lengths(void **state)
{
	(void)state;
	check_lengths(6, BA_FIXED, 2, 2, 0);
	check_lengths(5, BU_FIXED, 3, 16, 0);
	check_lengths(5, BU_FIXED, 4, 4, 0);
	check_lengths(5, BU_FIXED, 5, 12, 0);
	check_lengths(2, TEST_INIT_FIXED, 8, 17, 2);
	check_lengths(5, BU_FIXED, 29, 6, 0x80);
	check_lengths(6, BA_FIXED, 30, 6, 0);
	check_lengths(6, BA_FIXED, 31, 6, 0x80);
	check_lengths(5, BU_FIXED, 32, 6, 0);
}

static void test_values(void **state)
{
	struct bub_mh_opts opts;

	(void)state;
	make(6, BA_FIXED, "0202 ffff");
	opts = mh_accepted().opts;
	assert_int_equal(opts.present, BUB_OPT_REFRESH_ADVICE);
	assert_int_equal(opts.refresh_advice_s, BUB_LIFETIME_MAX_S);
	make(5, BU_FIXED, "0404 fffe 0102");
	opts = mh_accepted().opts;
	assert_int_equal(opts.present, BUB_OPT_NONCE_INDICES);
	assert_int_equal(opts.home_nonce, 0xfffe);
	assert_int_equal(opts.care_of_nonce, 0x0102);
	make(5, BU_FIXED, "0100 0310 20010db8000a000000000000000000a1");
	opts = mh_accepted().opts;
	assert_int_equal(opts.present, BUB_OPT_ALT_CARE_OF);
	assert_addr(&opts.alt_care_of, COA1);
	make(2, TEST_INIT_FIXED, "0811 02 20010db8000a000000000000000000a1");
	opts = mh_accepted().opts;
	assert_int_equal(opts.present, BUB_OPT_MN_ID);
	assert_addr(&opts.mn_id, COA1);
}

static void test_repeated(void **state)
{
	(void)state;
	make(5, BU_FIXED, "0404 0001 0002 0404 0001 0002");
	assert_int_equal(mh_refused().why, BUB_DROP_MH_OPTION_MALFORMED);
	make(6, BA_FIXED, "0202 0001 0202 0001");
	assert_int_equal(mh_refused().why, BUB_DROP_MH_OPTION_MALFORMED);
	make(5, BU_FIXED,
	     "0310 20010db8000a000000000000000000a1 0310 " /* twice */
	     "20010db8000a000000000000000000a1");
	assert_int_equal(mh_refused().why, BUB_DROP_MH_OPTION_MALFORMED);
	make(2, TEST_INIT_FIXED,
	     "0811 02 20010db8000a000000000000000000a1 0811 02 20010db8000a000000000000000000a1");
	assert_int_equal(mh_refused().why, BUB_DROP_MH_OPTION_MALFORMED);
	make(5, BU_FIXED, "2006 0000 c0000201 2006 0000 c0000201");
	assert_int_equal(mh_refused().why, BUB_DROP_MH_OPTION_MALFORMED);
	make(6, BA_FIXED, "1f06 0000 00000000 1f06 0000 00000000");
	assert_int_equal(mh_refused().why, BUB_DROP_MH_OPTION_MALFORMED);
	/* An unknown one may come as often as it likes. */
	make(5, BU_FIXED, "c800 c800");
	assert_int_equal(mh_accepted().opts.present, 0);
}

/* RFC 6275, 6.2.7: the last option, without padding behind it. */
static void test_authorization_data_is_last(void **state)
{
	struct bub_mh_opts opts;

	(void)state;
	make(5, BU_FIXED, "0104 00000000" AUTH_OPTION);
	opts = mh_accepted().opts;
	assert_int_equal(opts.present, BUB_OPT_AUTH);
	assert_int_equal(opts.auth_at, 20);
	make(5, BU_FIXED, "0404 0001 0002" AUTH_OPTION "0106 000000000000");
	assert_int_equal(mh_refused().why, BUB_DROP_MH_OPTION_MALFORMED);
	/* Not even one Pad1. */
	make(5, BU_FIXED, "0103 000000" AUTH_OPTION "00");
	assert_int_equal(mh_refused().why, BUB_DROP_MH_OPTION_MALFORMED);
	make(5, BU_FIXED, "0104 00000000" AUTH_OPTION "0100" AUTH_OPTION);
	assert_int_equal(mh_refused().why, BUB_DROP_MH_OPTION_MALFORMED);
	/* The offset does not depend on the alignment that a peer chose. */
	make(5, BU_FIXED, "000000 c803 010203 000000" AUTH_OPTION "");
	assert_int_equal((o.n - mh_at) % 8, 0);
}

/* Each option in each message: known where it means something, else skipped with any length. */
static void test_where_options_mean_something(void **state)
{
	static const struct {
		const char *fixed;
		unsigned type, meaningful;
	} messages[] = {
		{"0000", 0, BUB_OPT_MN_ID},
		{TEST_INIT_FIXED, 1, BUB_OPT_BUB | BUB_OPT_MN_ID},
		{TEST_INIT_FIXED, 2, BUB_OPT_BUB | BUB_OPT_MN_ID | BUB_OPT_AUTH},
		{TEST_FIXED, 3, BUB_OPT_BUB | BUB_OPT_MN_ID},
		{TEST_FIXED, 4, BUB_OPT_BUB | BUB_OPT_MN_ID | BUB_OPT_AUTH},
		{BU_FIXED, 5,
		 BUB_OPT_ALT_CARE_OF | BUB_OPT_NONCE_INDICES | BUB_OPT_AUTH | BUB_OPT_MN_ID |
			 BUB_OPT_IPV4_HOME | BUB_OPT_IPV4_CARE_OF | BUB_OPT_PATH_REPORT},
		{BA_FIXED, 6,
		 BUB_OPT_REFRESH_ADVICE | BUB_OPT_AUTH | BUB_OPT_MN_ID | BUB_OPT_PATH_COOKIE |
			 BUB_OPT_IPV4_ACK | BUB_OPT_NAT | BUB_OPT_PATH_REPORT},
		{"0100 20010db8000a000000000000000000a1", 7, BUB_OPT_MN_ID},
		{TEST_FIXED, 8, BUB_OPT_AUTH | BUB_OPT_MN_ID},
	};
	static const struct {
		unsigned bit, type, len, first;
	} options[] = {
		{BUB_OPT_REFRESH_ADVICE, 2, 2, 0}, {BUB_OPT_ALT_CARE_OF, 3, 16, 0},
		{BUB_OPT_NONCE_INDICES, 4, 4, 0},  {BUB_OPT_AUTH, 5, 12, 0},
		{BUB_OPT_MN_ID, 8, 17, 2},         {BUB_OPT_PATH_COOKIE, 240, 8, 7},
		{BUB_OPT_IPV4_HOME, 29, 6, 0},     {BUB_OPT_IPV4_ACK, 30, 6, 0},
		{BUB_OPT_NAT, 31, 6, 0},           {BUB_OPT_IPV4_CARE_OF, 32, 6, 0},
		{BUB_OPT_PATH_REPORT, 241, 4, 0},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(messages) / sizeof(messages[0]); i++) {
		for (size_t j = 0; j < sizeof(options) / sizeof(options[0]); j++) {
			unsigned known = messages[i].meaningful & options[j].bit;

			for (unsigned extra = 0; extra < 2; extra++) {
				mh_begin(messages[i].type);
				put_hex(&o, messages[i].fixed);
				while ((o.n - mh_at + 2 + options[j].len + extra) % 8 != 0)
					put_octet(&o, 0);
				put_octet(&o, options[j].type);
				put_octet(&o, options[j].len + extra);
				put_octet(&o, options[j].first);
				put_repeated(&o, 0, options[j].len + extra - 1);
				mh_end();
				if (known != 0 && extra != 0)
					assert_int_equal(mh_refused().why,
							 BUB_DROP_MH_OPTION_MALFORMED);
				else
					assert_int_equal(mh_accepted().opts.present, known);
			}
		}
	}
}

/* RFC 6275, 6.2.1: skipped in each message, in front of a known option and behind it. */
static void test_unknown_options_are_skipped(void **state)
{
	static const struct {
		unsigned type;
		const char *fixed;
	} messages[] = {
		{0, "0000 "},         {1, TEST_INIT_FIXED},
		{2, TEST_INIT_FIXED}, {3, TEST_FIXED},
		{4, TEST_FIXED},      {5, BU_FIXED},
		{6, BA_FIXED},        {7, "0100 20010db8000a000000000000000000a1 "},
		{8, TEST_FIXED},
	};
	static const unsigned unknown[] = {6, 7, 9, 10, 63, 127, 201, 255};

	(void)state;
	for (size_t i = 0; i < sizeof(messages) / sizeof(messages[0]); i++)
		for (size_t k = 0; k < sizeof(unknown) / sizeof(unknown[0]); k++)
			for (unsigned behind = 0; behind < 2; behind++) {
				struct bub_mh_opts opts;

				if (unknown[k] == BUB_CODEPOINTS_DEFAULT.opt_bub)
					continue;
				mh_begin(messages[i].type);
				put_hex(&o, messages[i].fixed);
				if (behind)
					put_hex(&o, "0811 02 20010db8000a000000000000000000a1");
				put_octet(&o, unknown[k]);
				put_hex(&o,
					"03 050c02"); /* what looks like options in it is none */
				put_octet(&o, unknown[k]);
				put_octet(&o, 0);
				if (!behind)
					put_hex(&o, "0811 02 20010db8000a000000000000000000a1");
				while ((o.n - mh_at) % 8 != 0)
					put_octet(&o, 0);
				mh_end();
				opts = mh_accepted().opts;
				assert_int_equal(opts.present, BUB_OPT_MN_ID);
				assert_addr(&opts.mn_id, COA1);
			}
}

static void test_bub_codes(void **state)
{
	static const char *const fixed[] = {NULL, TEST_INIT_FIXED, TEST_INIT_FIXED, TEST_FIXED,
					    TEST_FIXED};
	char option[16];

	(void)state;
	/* Draft, 5.2: 0 in HoTI and CoTI; 1 or 2 in HoT and CoT; others are no option. */
	for (unsigned type = 1; type <= 4; type++) {
		for (unsigned code = 0; code < 256; code++) {
			struct bub_mh_opts opts;

			(void)snprintf(option, sizeof(option), "1201 %02x", code);
			make(type, fixed[type], option);
			opts = mh_accepted().opts;
			if (type <= 2 ? code == 0 : code == 1 || code == 2) {
				assert_int_equal(opts.present, BUB_OPT_BUB);
				assert_int_equal(opts.bub_code, code);
				assert_int_equal(opts.bub_skipped, BUB_DROP_NONE);
			} else {
				assert_int_equal(opts.present, 0);
				assert_int_equal(opts.bub_skipped, BUB_DROP_BUB_OPTION_CODE);
			}
		}
	}
}

static void test_bub_length(void **state)
{
	struct bub_mh_opts opts;

	(void)state;
	make(1, TEST_INIT_FIXED, "1200");
	opts = mh_accepted().opts;
	assert_int_equal(opts.present, 0);
	assert_int_equal(opts.bub_skipped, BUB_DROP_BUB_OPTION_LENGTH);
	/* Another experiment's option in front of ours: RFC 5096 makes all share the number. */
	make(1, TEST_INIT_FIXED, "1204 deadbeef 1201 00");
	opts = mh_accepted().opts;
	assert_int_equal(opts.present, BUB_OPT_BUB);
	assert_int_equal(opts.bub_code, BUB_CODE_DO);
	assert_int_equal(opts.bub_skipped, BUB_DROP_BUB_OPTION_LENGTH);
	/* The first of two counts. */
	make(3, TEST_FIXED, "1201 02 1201 01");
	opts = mh_accepted().opts;
	assert_int_equal(opts.bub_code, BUB_CODE_NACK);
	/* Skipped without a word where it means nothing. */
	make(5, BU_FIXED, "1202 0000");
	opts = mh_accepted().opts;
	assert_int_equal(opts.present, 0);
	assert_int_equal(opts.bub_skipped, BUB_DROP_NONE);
}

static void test_bub_code_point(void **state)
{
	static const struct bub_codepoints other = {8, 11, 222, 240, 241},
					   taken = {8, 11, 5, 240, 241};
	struct bub_mh mh = {.kind = BUB_MH_HOTI};
	struct bub_mh_layout layout;
	uint8_t buf[64];

	(void)state;
	make(1, TEST_INIT_FIXED, "de01 00");
	assert_int_equal(mh_accepted().opts.present, 0);
	assert_int_equal(mh_accepted_by(&other).opts.present, BUB_OPT_BUB);
	mh.opts.present = BUB_OPT_BUB;
	assert_int_equal(bub_mh_encode(&mh, &other, buf, sizeof(buf), &layout), 0);
	assert_int_equal(buf[16], 222);
	/* The number of an option of RFC 6275 or of padding cannot be taken. */
	assert_int_equal(encode_result(&mh, &taken), BUB_ERR_INVALID);
	assert_int_equal(encode_result(&mh, &(struct bub_codepoints){8, 11, 0, 240, 241}),
			 BUB_ERR_INVALID);
	assert_int_equal(encode_result(&mh, &(struct bub_codepoints){8, 11, 8, 240, 241}),
			 BUB_ERR_INVALID);
	make(1, TEST_INIT_FIXED, "0501 00");
	assert_int_equal(mh_accepted_by(&taken).opts.present, 0);
}

static void test_node_identifier_subtypes(void **state)
{
	(void)state;
	/* A network access identifier (RFC 4283), even in the length of an address. */
	make(2, TEST_INIT_FIXED, "0804 01 616263");
	assert_int_equal(mh_accepted().opts.present, 0);
	make(2, TEST_INIT_FIXED, "0811 01 20010db8000a000000000000000000a1");
	assert_int_equal(mh_accepted().opts.present, 0);
	/* RFC 4283, 3: the subtype octet is always there. */
	make(2, TEST_INIT_FIXED, "0800");
	assert_int_equal(mh_refused().why, BUB_DROP_MH_OPTION_MALFORMED);
}

/* The example of each alignment: RFC 6275, 6.2.4 to 6.2.7, written out by hand. */
static void test_alignment(void **state)
{
	struct bub_mh bu = {.kind = BUB_MH_BU}, ba = {.kind = BUB_MH_BA};
	struct bub_mh coti = {.kind = BUB_MH_COTI};

	(void)state;
	ba.opts.present = BUB_OPT_REFRESH_ADVICE;
	ba.opts.refresh_advice_s = 8;
	assert_encodes(&ba, "3b010600 0000 0000 0000 0000 0202 0002");

	bu.opts.present = BUB_OPT_ALT_CARE_OF;
	bu.opts.alt_care_of = addr(COA1);
	assert_encodes(&bu, "3b030500 0000 0000 0000 0000 0100 0310" /* 8n + 6 */
			    "20010db8000a000000000000000000a1");

	bu.opts.present = BUB_OPT_NONCE_INDICES;
	bu.opts.home_nonce = 1;
	bu.opts.care_of_nonce = 2;
	assert_encodes(&bu, "3b020500 0000 0000 0000 0000 0404 0001 0002 0104 00000000");

	bu.opts.present = BUB_OPT_NONCE_INDICES | BUB_OPT_AUTH;
	assert_encodes(&bu, "3b030500 0000 0000 0000 0000 0404 0001 0002" /* 12 to 18 */
			    "050c 000000000000000000000000");

	bu.opts.present = BUB_OPT_AUTH;
	assert_encodes(&bu, "3b030500 0000 0000 0000 0000 0104 00000000" /* 12 to 18 */
			    "050c 000000000000000000000000");

	coti.opts.present = BUB_OPT_BUB;
	coti.opts.bub_code = BUB_CODE_DO;
	assert_encodes(&coti, "3b020200 0000 0000 0000000000000000 1201 00 0103 000000");

	coti.opts.present = BUB_OPT_BUB | BUB_OPT_MN_ID | BUB_OPT_AUTH;
	coti.opts.mn_id = addr(HOA1);
	assert_encodes(&coti, "3b060200 0000 0000 0000000000000000 1201 00" /* 16 to 19 */
			      "0811 02 20010db8000100000000000000001001"    /* 19 to 38 */
			      "0102 0000"                                   /* to 42 */
			      "050c 000000000000000000000000");
	/* One octet of padding is a Pad1. */
	coti.opts.present = BUB_OPT_BUB | BUB_OPT_AUTH;
	assert_encodes(&coti, "3b040200 0000 0000 0000000000000000 1201 00 0105 0000000000" /* 26 */
			      "050c 000000000000000000000000");
}

/* RFC 5555, 3.1 and 3.2: what is reserved is ignored. */
static void test_ipv4_values(void **state)
{
	struct bub_mh_opts opts;

	(void)state;
	make(5, BU_FIXED, "1d06 63ff c0000207 0000 2006 ffff 0a000007");
	opts = mh_accepted().opts;
	assert_int_equal(opts.present, BUB_OPT_IPV4_HOME | BUB_OPT_IPV4_CARE_OF);
	assert_int_equal(opts.ipv4_home.prefix_len, 24);
	assert_true(opts.ipv4_home.wants_prefix);
	assert_addr(&opts.ipv4_home.address, "::ffff:192.0.2.7");
	assert_addr(&opts.ipv4_care_of, "::ffff:10.0.0.7");
	/* Of several wishes the first one is read (4.4.2). */
	make(5, BU_FIXED, "1d06 8000 00000000 1d06 6200 c0000207");
	opts = mh_accepted().opts;
	assert_int_equal(opts.ipv4_home.prefix_len, 32);
	assert_false(opts.ipv4_home.wants_prefix);
	assert_addr(&opts.ipv4_home.address, "::ffff:0.0.0.0");
	make(6, BA_FIXED, "1e06 8463 c0000207 1f06 ffff 0000006e");
	opts = mh_accepted().opts;
	assert_int_equal(opts.present, BUB_OPT_IPV4_ACK | BUB_OPT_NAT);
	assert_int_equal(opts.ipv4_ack.status, 132);
	assert_int_equal(opts.ipv4_ack.prefix_len, 24);
	assert_addr(&opts.ipv4_ack.address, "::ffff:192.0.2.7");
	assert_true(opts.nat.udp_forced);
	assert_int_equal(opts.nat.refresh_s, 110);
	make(6, BA_FIXED, "1f06 7fff ffffffff");
	opts = mh_accepted().opts;
	assert_false(opts.nat.udp_forced);
	assert_int_equal(opts.nat.refresh_s, BUB_NAT_NO_REFRESH);
}

static void test_ipv4_octets(void **state)
{
	struct bub_mh bu = {.kind = BUB_MH_BU}, ba = {.kind = BUB_MH_BA};

	(void)state;
	bu.opts.present = BUB_OPT_IPV4_CARE_OF;
	bu.opts.ipv4_care_of = addr("::ffff:10.0.0.7");
	assert_encodes(&bu, "3b020500 0000 0000 0000 0000 2006 0000 0a000007 0102 0000");
	bu.opts.present |= BUB_OPT_IPV4_HOME | BUB_OPT_AUTH;
	bu.opts.ipv4_home.address = addr("::ffff:192.0.2.7");
	bu.opts.ipv4_home.prefix_len = 24;
	bu.opts.ipv4_home.wants_prefix = true;
	assert_encodes(&bu, "3b050500 0000 0000 0000 0000 1d06 6200 c0000207 2006 0000 0a000007"
			    "0104 00000000 050c 000000000000000000000000");
	ba.opts.present = BUB_OPT_NAT;
	ba.opts.nat.udp_forced = true;
	ba.opts.nat.refresh_s = 110;
	assert_encodes(&ba, "3b020600 0000 0000 0000 0000 1f06 8000 0000006e 0102 0000");
	ba.opts.present |= BUB_OPT_IPV4_ACK | BUB_OPT_REFRESH_ADVICE;
	ba.opts.refresh_advice_s = 4;
	ba.opts.ipv4_ack.status = 132;
	ba.opts.ipv4_ack.prefix_len = 32;
	ba.opts.ipv4_ack.address = addr("::ffff:192.0.2.7");
	assert_encodes(&ba, "3b030600 0000 0000 0000 0000 0202 0001 1e06 8480 c0000207"
			    "1f06 8000 0000006e");
}

/* protocol.md, P30: type 240, eight octets of cookie on a boundary of eight, and under whatever
 * other number it is given. */
static void test_path_cookie(void **state)
{
	static const uint8_t cookie[BUB_COOKIE_LEN] = {1, 2, 3, 4, 5, 6, 7, 8};
	struct bub_codepoints cp = BUB_CODEPOINTS_DEFAULT;
	struct bub_mh ba = {.kind = BUB_MH_BA};
	struct bub_mh_layout layout;
	struct bub_mh_opts opts;
	uint8_t buf[64];

	(void)state;
	make(6, BA_FIXED, "0100 f008 0102030405060708 0100" AUTH_OPTION);
	opts = mh_accepted().opts;
	assert_int_equal(opts.present, BUB_OPT_PATH_COOKIE | BUB_OPT_AUTH);
	assert_memory_equal(opts.path_cookie, cookie, sizeof(cookie));
	make(6, BA_FIXED, "f007 01020304050607");
	assert_int_equal(mh_refused().why, BUB_DROP_MH_OPTION_MALFORMED);
	make(6, BA_FIXED, "f009 010203040506070809");
	assert_int_equal(mh_refused().why, BUB_DROP_MH_OPTION_MALFORMED);

	ba.opts.present = BUB_OPT_PATH_COOKIE | BUB_OPT_AUTH;
	memcpy(ba.opts.path_cookie, cookie, sizeof(cookie));
	cp.opt_path_cookie = 201;
	assert_int_equal(bub_mh_encode(&ba, &cp, buf, sizeof(buf), &layout), 0);
	assert_int_equal(layout.len, 40);
	assert_int_equal(buf[14], 201);
	assert_int_equal(buf[15], 8);
	assert_memory_equal(buf + 16, cookie, sizeof(cookie));
	cp.opt_path_cookie = 8; /* RFC 4283's */
	assert_int_equal(bub_mh_encode(&ba, &cp, buf, sizeof(buf), &layout), BUB_ERR_INVALID);
	ba.kind = BUB_MH_BU;
	assert_int_equal(bub_mh_encode(&ba, &BUB_CODEPOINTS_DEFAULT, buf, sizeof(buf), &layout),
			 BUB_ERR_INVALID);
}

/* protocol.md, 7.5: flags, a reserved octet and a port, at an even offset. */
static void test_path_report(void **state)
{
	struct bub_mh ba = {.kind = BUB_MH_BA};
	struct bub_mh_opts opts;

	(void)state;
	make(6, BA_FIXED, "f104 80 ff f2ef" AUTH_OPTION);
	opts = mh_accepted().opts;
	assert_int_equal(opts.present, BUB_OPT_PATH_REPORT | BUB_OPT_AUTH);
	assert_int_equal(opts.report, BUB_REPORT_CAME);
	assert_int_equal(opts.report_port, 62191);
	make(6, BA_FIXED, "f103 800000");
	assert_int_equal(mh_refused().why, BUB_DROP_MH_OPTION_MALFORMED);
	make(6, BA_FIXED, "f105 8000000000");
	assert_int_equal(mh_refused().why, BUB_DROP_MH_OPTION_MALFORMED);
	ba.opts.present = BUB_OPT_PATH_REPORT | BUB_OPT_AUTH;
	ba.opts.report = BUB_REPORT_COOKIE;
	ba.opts.report_port = 1;
	assert_encodes(&ba, "3b030600 0000 0000 0000 0000 f104 40 00 0001 050c "
			    "000000000000000000000000");
}

/* Whatever goes together, each option is aligned and nothing follows the authorization data. */
static void test_alignment_in_all_combinations(void **state)
{
	struct bub_mh bu = {.kind = BUB_MH_BU};
	struct bub_mh_layout layout;
	uint8_t buf[256];

	(void)state;
	for (unsigned set = 0; set < 2048; set++) {
		size_t at = 12;

		bu.opts.present =
			set & (BUB_OPT_ALT_CARE_OF | BUB_OPT_NONCE_INDICES | BUB_OPT_AUTH |
			       BUB_OPT_MN_ID | BUB_OPT_IPV4_HOME | BUB_OPT_IPV4_CARE_OF);
		assert_int_equal(
			bub_mh_encode(&bu, &BUB_CODEPOINTS_DEFAULT, buf, sizeof(buf), &layout), 0);
		assert_int_equal(layout.len % 8, 0);
		assert_int_equal(layout.len, 8u * buf[1] + 8u);
		assert_int_equal(layout.auth_at != 0, (set & BUB_OPT_AUTH) != 0);
		while (at < layout.len) {
			if (buf[at] == 3)
				assert_int_equal(at % 8, 6);
			if (buf[at] == 4)
				assert_int_equal(at % 2, 0);
			if (buf[at] == 29 || buf[at] == 32)
				assert_int_equal(at % 4, 0);
			if (buf[at] == 5) {
				assert_int_equal(at % 8, 2);
				assert_int_equal(at + 14, layout.len);
				assert_int_equal(at + 2, layout.auth_at);
			}
			at += buf[at] == 0 ? 1u : 2u + buf[at + 1];
		}
		assert_int_equal(at, layout.len);
	}
}

static void test_cannot_encode(void **state)
{
	struct bub_mh mh = {.kind = BUB_MH_BU};

	(void)state;
	mh.opts.present = BUB_OPT_REFRESH_ADVICE;
	assert_int_equal(encode_result(&mh, &BUB_CODEPOINTS_DEFAULT), BUB_ERR_INVALID);
	mh.kind = BUB_MH_BA;
	assert_int_equal(encode_result(&mh, &BUB_CODEPOINTS_DEFAULT), 0);
	mh.opts.refresh_advice_s = 3;
	assert_int_equal(encode_result(&mh, &BUB_CODEPOINTS_DEFAULT), BUB_ERR_INVALID);
	mh = (struct bub_mh){.kind = BUB_MH_HOTI};
	mh.opts.present = BUB_OPT_BUB;
	mh.opts.bub_code = BUB_CODE_ACK;
	assert_int_equal(encode_result(&mh, &BUB_CODEPOINTS_DEFAULT), BUB_ERR_INVALID);
	mh.opts.present = 1u << 6;
	assert_int_equal(encode_result(&mh, &BUB_CODEPOINTS_DEFAULT), BUB_ERR_INVALID);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_overrun),
		cmocka_unit_test(test_padding),
		cmocka_unit_test(test_number_is_limited),
		cmocka_unit_test(test_lengths),
		cmocka_unit_test(test_values),
		cmocka_unit_test(test_repeated),
		cmocka_unit_test(test_authorization_data_is_last),
		cmocka_unit_test(test_where_options_mean_something),
		cmocka_unit_test(test_unknown_options_are_skipped),
		cmocka_unit_test(test_bub_codes),
		cmocka_unit_test(test_bub_length),
		cmocka_unit_test(test_bub_code_point),
		cmocka_unit_test(test_node_identifier_subtypes),
		cmocka_unit_test(test_alignment),
		cmocka_unit_test(test_ipv4_values),
		cmocka_unit_test(test_ipv4_octets),
		cmocka_unit_test(test_path_cookie),
		cmocka_unit_test(test_path_report),
		cmocka_unit_test(test_alignment_in_all_combinations),
		cmocka_unit_test(test_cannot_encode),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
