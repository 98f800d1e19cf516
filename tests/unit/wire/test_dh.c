/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The Diffie-Hellman messages: which items each has, their lengths, padding, and the place of the
 * signature (docs/protocol.md, 4.2).
 */
#include "mh_bytes.h"

#define SIDS "0102030405060708 1112131415161718 "
#define NONCE "01000010 202122232425262728292a2b2c2d2e2f "
#define INFO "02000002 0102 "
#define SHARE2 "03020020 000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f "
#define IDENTITY "04000010 20010db8000100000000000000001001 "
#define SIG1 "05000014 000102030405060708090a0b0c0d0e0f10111213 "
#define MAC1 "06000014 a0a1a2a3a4a5a6a7a8a9aaabacadaeafb0b1b2b3 "
#define MAC2 "06000020 000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f "

/* A message with @items, up to where padding and signature go. */
static void make_raw(unsigned message, const char *items)
{
	mh_begin(11);
	put_octet(&o, message);
	put_hex(&o, "01" SIDS);
	put_hex(&o, items);
}

static void finish_raw(void)
{
	put_hex(&o, "c0c1c2c3c4c5c6c7c8c9cacb");
	assert_int_equal((o.n - mh_at) % 8, 0);
	mh_end();
}

/* A whole message, padded where @items do not come out even. */
static void make(unsigned message, const char *items)
{
	size_t n;

	make_raw(message, items);
	n = 8 - (o.n - mh_at + 12) % 8;
	if (n != 8) {
		n = n < 4 ? n + 8 : n;
		put_hex(&o, "000000");
		put_octet(&o, (unsigned)n - 4);
		put_repeated(&o, 0, n - 4);
	}
	finish_raw();
}

static void assert_malformed(void)
{
	struct bub_mh_fault fault = mh_refused();

	assert_int_equal(fault.why, BUB_DROP_MH_LENGTH);
	/* The Header Len is right, so there is nothing to point at. */
	assert_false(fault.param_problem);
	assert_false(fault.binding_error);
}

static void test_each_message(void **state)
{
	struct bub_dh dh;

	(void)state;
	make(1, NONCE INFO SHARE2);
	dh = mh_accepted().u.dh;
	assert_int_equal(dh.message, 1);
	assert_memory_equal(dh.sid1, "\1\2\3\4\5\6\7\10", 8);
	assert_memory_equal(dh.sid2, "\x11\x12\x13\x14\x15\x16\x17\x18", 8);
	assert_int_equal(dh.n_shares, 1);
	assert_int_equal(dh.share[0].suite, 2);
	assert_int_equal(dh.share[0].value.len, 32);
	assert_int_equal(dh.nonce.len, 16);
	assert_int_equal(dh.info.len, 2);
	assert_int_equal(dh.sig.len, 0);
	assert_false(dh.has_identity);
	assert_int_equal(dh.signature_at + 12, o.n - mh_at);
	make(2, NONCE INFO SHARE2);
	assert_int_equal(mh_accepted().u.dh.message, 2);
	make(3, IDENTITY SIG1 MAC1);
	dh = mh_accepted().u.dh;
	assert_true(dh.has_identity);
	assert_addr(&dh.identity, HOA1);
	assert_int_equal(dh.sig.len, 20);
	assert_int_equal(dh.mac.len, 20);
	make(4, INFO IDENTITY SIG1 MAC1);
	assert_int_equal(mh_accepted().u.dh.message, 4);
	/* The order of the items is the sender's. */
	make(4, MAC1 SIG1 INFO IDENTITY);
	assert_int_equal(mh_accepted().u.dh.message, 4);
}

/* What is no DH message of ours is another experiment's (RFC 5096) or of a version to come. */
static void test_other_messages_and_versions(void **state)
{
	(void)state;
	for (unsigned octet = 0; octet < 256; octet++) {
		make(3, IDENTITY SIG1 MAC1);
		o.b[mh_at + 7] = (uint8_t)octet;
		mh_end();
		if (octet != 1) {
			assert_int_equal(mh_refused().why, BUB_DROP_MH_UNKNOWN_TYPE);
			assert_true(mh_refused().binding_error);
		}
		make(3, IDENTITY SIG1 MAC1);
		o.b[mh_at + 6] = (uint8_t)octet;
		mh_end();
		if (octet == 0 || octet > 4)
			assert_int_equal(mh_refused().why, BUB_DROP_MH_UNKNOWN_TYPE);
	}
}

static void test_too_short(void **state)
{
	(void)state;
	for (size_t len = 8; len < 40; len += 8) {
		struct bub_mh_fault fault;

		mh_begin(11);
		put_hex(&o, "0101");
		put_repeated(&o, 0, len - 8);
		mh_end();
		fault = mh_refused();
		assert_int_equal(fault.why, BUB_DROP_MH_LENGTH);
		assert_true(fault.param_problem);
		assert_int_equal(fault.pointer, 41);
	}
}

static void test_missing_items(void **state)
{
	static const struct {
		unsigned message;
		const char *items;
	} table[] = {
		{1, ""},
		{1, INFO SHARE2},
		{1, NONCE SHARE2},
		{1, NONCE INFO},
		{2, INFO SHARE2},
		{2, NONCE SHARE2},
		{2, NONCE INFO},
		{3, SIG1 MAC1},
		{3, IDENTITY MAC1},
		{3, IDENTITY SIG1},
		{4, IDENTITY SIG1 MAC1},
		{4, INFO SIG1 MAC1},
		{4, INFO IDENTITY MAC1},
		{4, INFO IDENTITY SIG1},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		make(table[i].message, table[i].items);
		assert_malformed();
	}
}

static void test_items_of_other_messages(void **state)
{
	static const char *const items_of[] = {
		NULL,
		NONCE INFO SHARE2,
		NONCE INFO SHARE2,
		IDENTITY SIG1 MAC1,
		INFO IDENTITY SIG1 MAC1,
	};
	char items[512];

	(void)state;
	for (unsigned message = 1; message <= 2; message++) {
		(void)snprintf(items, sizeof(items), "%s" IDENTITY, items_of[message]);
		make(message, items);
		assert_malformed();
		(void)snprintf(items, sizeof(items), "%s" SIG1 MAC1, items_of[message]);
		make(message, items);
		assert_malformed();
	}
	for (unsigned message = 3; message <= 4; message++) {
		(void)snprintf(items, sizeof(items), "%s" NONCE, items_of[message]);
		make(message, items);
		assert_malformed();
		(void)snprintf(items, sizeof(items), "%s" SHARE2, items_of[message]);
		make(message, items);
		assert_malformed();
	}
	make(3, INFO IDENTITY SIG1 MAC1);
	assert_malformed();
}

static void test_repeated_items(void **state)
{
	(void)state;
	make(1, NONCE NONCE INFO SHARE2);
	assert_malformed();
	make(1, NONCE INFO INFO SHARE2);
	assert_malformed();
	/* Two public values of one suite. */
	make(1, NONCE INFO SHARE2 SHARE2);
	assert_malformed();
	make(3, IDENTITY IDENTITY SIG1 MAC1);
	assert_malformed();
	make(3, IDENTITY SIG1 SIG1 MAC1);
	assert_malformed();
	make(3, IDENTITY SIG1 MAC1 MAC1);
	assert_malformed();
}

static void test_unknown_items_are_skipped(void **state)
{
	(void)state;
	make(3, "ff000003 010203" IDENTITY "07010000" SIG1 "07010000" MAC1);
	assert_int_equal(mh_accepted().u.dh.sig.len, 20);
	/* A suite to come, of any length, beside one that is known. */
	make(1, NONCE INFO "03030005 0102030405" SHARE2);
	assert_int_equal(mh_accepted().u.dh.n_shares, 1);
	assert_int_equal(mh_accepted().u.dh.share[0].suite, 2);
	/* And alone: then none is left to choose. */
	make(1, NONCE INFO "03030005 0102030405");
	assert_malformed();
}

/* An item of @message with @len octets of value, and all others that the message needs. */
static bool accepts_length(unsigned message, const char *others, unsigned type, unsigned parameter,
			   unsigned len)
{
	struct bub_mh_fault fault = {0};
	struct bub_mh mh;
	uint8_t *copy;
	size_t n;
	int err;

	make_raw(message, others);
	put_octet(&o, type);
	put_octet(&o, parameter);
	put_octet(&o, len >> 8);
	put_octet(&o, len & 0xff);
	put_repeated(&o, 0x5a, len);
	n = 4 + (16 - (o.n - mh_at + 12 + 4) % 8) % 8;
	put_hex(&o, "000000");
	put_octet(&o, (unsigned)n - 4);
	put_repeated(&o, 0, n - 4);
	finish_raw();
	err = mh_decode_copy(&BUB_CODEPOINTS_DEFAULT, &copy, &mh, &fault);
	free(copy);
	if (err != 0)
		assert_int_equal(fault.why, BUB_DROP_MH_LENGTH);
	return err == 0;
}

static void test_lengths_of_items(void **state)
{
	(void)state;
	for (unsigned len = 0; len < 300; len++) {
		assert_int_equal(accepts_length(1, INFO SHARE2, 1, 0, len), len == 16);
		assert_int_equal(accepts_length(1, NONCE SHARE2, 2, 0, len), len >= 2 && len <= 16);
		assert_int_equal(accepts_length(1, NONCE INFO, 3, 1, len), len == 256);
		assert_int_equal(accepts_length(1, NONCE INFO, 3, 2, len), len == 32);
		assert_int_equal(accepts_length(3, SIG1 MAC1, 4, 0, len), len == 16);
		/* SIG and MAC come from one hash: 20 octets or 32, the same for both. */
		assert_int_equal(accepts_length(3, IDENTITY MAC1, 5, 0, len), len == 20);
		assert_int_equal(accepts_length(3, IDENTITY MAC2, 5, 0, len), len == 32);
		assert_int_equal(accepts_length(3, IDENTITY SIG1, 6, 0, len), len == 20);
	}
}

static void test_item_past_the_signature(void **state)
{
	(void)state;
	/* The items take 98 octets, so that a padding item with six octets of value follows them.
	 * With a shorter one a rest is left that is no item, or a second padding; a longer one
	 * runs into the signature. */
	for (unsigned len = 0; len < 40; len++) {
		size_t at;

		make(4, INFO IDENTITY SIG1 MAC1);
		at = mh_at + 24 + 6 + 20 + 24 + 24;
		assert_int_equal(o.b[at], 0);
		assert_int_equal(o.b[at + 3], 6);
		o.b[at + 3] = (uint8_t)len;
		mh_end();
		if (len == 6)
			(void)mh_accepted();
		else
			assert_malformed();
	}
}

static void test_padding(void **state)
{
	(void)state;
	/* Its octets are not looked at; it may be longer than needed; it is the last. */
	make_raw(3, IDENTITY SIG1 MAC1 "0000000c ffffffffffffffffffffffff");
	finish_raw();
	(void)mh_accepted();
	make_raw(3, IDENTITY SIG1 "00000000" MAC1);
	put_hex(&o, "07000000 07000000"); /* unknown, but behind the padding */
	while ((o.n - mh_at + 12) % 8 != 0)
		put_hex(&o, "07000000");
	finish_raw();
	assert_malformed();
}

static void test_two_shares(void **state)
{
	struct bub_dh dh;

	(void)state;
	make_raw(1, NONCE INFO SHARE2 "03010100");
	put_repeated(&o, 0x77, 256);
	put_hex(&o, "00000000");
	while ((o.n - mh_at + 12) % 8 != 0)
		put_octet(&o, 0);
	/* Rewrites the padding item's length to what was put behind it. */
	o.b[mh_at + 24 + 20 + 6 + 36 + 260 + 3] =
		(uint8_t)(o.n - mh_at - (24 + 20 + 6 + 36 + 260 + 4));
	finish_raw();
	dh = mh_accepted().u.dh;
	assert_int_equal(dh.n_shares, 2);
	assert_int_equal(dh.share[0].suite, 2);
	assert_int_equal(dh.share[1].suite, 1);
	assert_int_equal(dh.share[1].value.len, 256);
	/* DH2 has chosen, so it has one. */
	o.b[mh_at + 6] = 2;
	mh_end();
	assert_malformed();
}

static const uint8_t octets[256];

static struct bub_mh dh_of(uint8_t message)
{
	struct bub_mh mh = {.kind = BUB_MH_DH};
	struct bub_dh *dh = &mh.u.dh;

	dh->message = message;
	if (message <= 2) {
		dh->nonce = (struct bub_view){octets, 16};
		dh->share[0].suite = 2;
		dh->share[0].value = (struct bub_view){octets, 32};
		dh->n_shares = 1;
	} else {
		dh->has_identity = true;
		dh->sig = (struct bub_view){octets, 20};
		dh->mac = (struct bub_view){octets, 20};
	}
	if (message != 3)
		dh->info = (struct bub_view){octets, 2};
	return mh;
}

static void assert_cannot_encode(const struct bub_mh *mh)
{
	assert_int_equal(encode_result(mh, &BUB_CODEPOINTS_DEFAULT), BUB_ERR_INVALID);
}

static void test_encode(void **state)
{
	struct bub_mh_layout layout;
	uint8_t buf[256];

	(void)state;
	for (uint8_t message = 1; message <= 4; message++) {
		struct bub_mh mh = dh_of(message);

		assert_int_equal(
			bub_mh_encode(&mh, &BUB_CODEPOINTS_DEFAULT, buf, sizeof(buf), &layout), 0);
		assert_int_equal(layout.len % 8, 0);
		assert_int_equal(layout.signature_at, layout.len - 12);
		assert_int_equal(layout.auth_at, 0);
		assert_int_equal(buf[2], 11);
		assert_int_equal(buf[6], message);
		assert_int_equal(buf[7], 1);
	}
}

static void test_encode_padding(void **state)
{
	(void)state;
	/* The sum of the items decides: info of 2 to 9 octets meets every remainder. */
	for (size_t len = 2; len <= 9; len++) {
		struct bub_mh mh = dh_of(1);
		struct bub_mh_layout layout;
		uint8_t buf[256];
		size_t items = 24 + 20 + 4 + len + 36, rest;

		mh.u.dh.info.len = len;
		assert_int_equal(
			bub_mh_encode(&mh, &BUB_CODEPOINTS_DEFAULT, buf, sizeof(buf), &layout), 0);
		assert_int_equal(layout.len % 8, 0);
		rest = layout.len - 12 - items;
		assert_true(rest == 0 || (rest >= 4 && rest < 12));
		if (rest != 0) {
			assert_int_equal(buf[items], 0);
			assert_int_equal(get_u16(buf + items + 2), rest - 4);
		}
	}
}

static void test_cannot_encode(void **state)
{
	struct bub_mh mh;

	(void)state;
	mh = dh_of(3);
	mh.u.dh.message = 0;
	assert_cannot_encode(&mh);
	mh.u.dh.message = 5;
	assert_cannot_encode(&mh);
	mh = dh_of(1);
	mh.opts.present = BUB_OPT_AUTH;
	assert_cannot_encode(&mh);
	mh = dh_of(1);
	mh.u.dh.nonce.len = 15;
	assert_cannot_encode(&mh);
	mh.u.dh.nonce.len = 0;
	assert_cannot_encode(&mh);
	mh = dh_of(1);
	mh.u.dh.info.len = 1;
	assert_cannot_encode(&mh);
	mh.u.dh.info.len = 17;
	assert_cannot_encode(&mh);
	mh = dh_of(1);
	mh.u.dh.n_shares = 0;
	assert_cannot_encode(&mh);
	mh.u.dh.n_shares = 3;
	assert_cannot_encode(&mh);
	mh.u.dh.n_shares = 2;
	mh.u.dh.share[1] = mh.u.dh.share[0];
	assert_cannot_encode(&mh);
	mh.u.dh.share[1].suite = 1;
	assert_cannot_encode(&mh);
	mh.u.dh.share[1].value = (struct bub_view){octets, 256};
	assert_int_equal(encode_result(&mh, &BUB_CODEPOINTS_DEFAULT), 0);
	mh.u.dh.message = 2;
	assert_cannot_encode(&mh);
	mh = dh_of(1);
	mh.u.dh.share[0].suite = 3;
	assert_cannot_encode(&mh);
	mh = dh_of(3);
	mh.u.dh.sig.len = 32;
	assert_cannot_encode(&mh);
	mh.u.dh.mac.len = 32;
	assert_int_equal(encode_result(&mh, &BUB_CODEPOINTS_DEFAULT), 0);
	mh.u.dh.sig.len = mh.u.dh.mac.len = 21;
	assert_cannot_encode(&mh);
	mh = dh_of(4);
	mh.u.dh.has_identity = false;
	assert_cannot_encode(&mh);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_each_message),
		cmocka_unit_test(test_other_messages_and_versions),
		cmocka_unit_test(test_too_short),
		cmocka_unit_test(test_missing_items),
		cmocka_unit_test(test_items_of_other_messages),
		cmocka_unit_test(test_repeated_items),
		cmocka_unit_test(test_unknown_items_are_skipped),
		cmocka_unit_test(test_lengths_of_items),
		cmocka_unit_test(test_item_past_the_signature),
		cmocka_unit_test(test_padding),
		cmocka_unit_test(test_two_shares),
		cmocka_unit_test(test_encode),
		cmocka_unit_test(test_encode_padding),
		cmocka_unit_test(test_cannot_encode),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
