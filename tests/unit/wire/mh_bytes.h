/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Mobility Headers for tests: built by hand, given a right checksum and decoded out of a buffer of
 * exactly their size.
 */
#ifndef BUB_TEST_MH_BYTES_H
#define BUB_TEST_MH_BYTES_H

#include "bytes.h"

/* One packet at a time. */
static struct bytes o;
static size_t mh_at;

/* A packet from HOA1 to HOA2 up to the checksum; Header Len is set by mh_end(). */
static inline void mh_begin(unsigned type)
{
	ip6_begin(&o, BUB_NH_MH, HOA1, HOA2);
	mh_at = o.n;
	put_hex(&o, "3b00");
	put_octet(&o, type);
	put_hex(&o, "00 0000");
}

/* Sets what was left open, for a packet that mh_begin() began. */
static inline void mh_end(void)
{
	o.b[mh_at + 1] = (uint8_t)((o.n - mh_at) / 8 - 1);
	set_checksum(&o, mh_at, 4, BUB_NH_MH, HOA1, HOA2);
	ip6_end(&o);
}

/* The whole message of @type with the octets behind the checksum given in hex. */
static inline void mh_make(unsigned type, const char *data)
{
	mh_begin(type);
	put_hex(&o, data);
	assert_int_equal((o.n - mh_at) % 8, 0);
	mh_end();
}

/* Decodes a copy; the views of @ret_mh point into @ret_copy, which the caller frees. */
static inline int mh_decode_copy(const struct bub_codepoints *cp, uint8_t **ret_copy,
				 struct bub_mh *ret_mh, struct bub_mh_fault *ret_fault)
{
	struct bub_ip6 ip;

	*ret_copy = exact_copy(o.b, o.n);
	assert_int_equal(bub_ip6_decode((struct bub_view){*ret_copy, o.n}, &ip), BUB_DROP_NONE);
	return bub_mh_decode(&ip, cp, ret_mh, ret_fault);
}

static inline struct bub_mh_fault mh_refused_by(const struct bub_codepoints *cp)
{
	struct bub_mh_fault fault = {0};
	struct bub_mh mh;
	uint8_t *copy;

	assert_int_equal(mh_decode_copy(cp, &copy, &mh, &fault), BUB_ERR_MALFORMED);
	assert_int_not_equal(fault.why, BUB_DROP_NONE);
	free(copy);
	return fault;
}

static inline struct bub_mh_fault mh_refused(void)
{
	return mh_refused_by(&BUB_CODEPOINTS_DEFAULT);
}

/* Views of the result are not to be used. */
static inline struct bub_mh mh_accepted_by(const struct bub_codepoints *cp)
{
	struct bub_mh_fault fault = {0};
	struct bub_mh mh;
	uint8_t *copy;

	if (mh_decode_copy(cp, &copy, &mh, &fault) != 0)
		fail_msg("refused: %s", bub_drop_name(fault.why));
	free(copy);
	return mh;
}

static inline struct bub_mh mh_accepted(void)
{
	return mh_accepted_by(&BUB_CODEPOINTS_DEFAULT);
}

/* Encodes @mh and compares with the hex of a whole Mobility Header whose checksum is zero. */
static inline void assert_encodes(const struct bub_mh *mh, const char *hex)
{
	static struct bytes want;
	struct bub_mh_layout layout;
	uint8_t buf[2048];

	want.n = 0;
	put_hex(&want, hex);
	assert_int_equal(bub_mh_encode(mh, &BUB_CODEPOINTS_DEFAULT, buf, sizeof(buf), &layout), 0);
	assert_int_equal(layout.len, want.n);
	assert_memory_equal(buf, want.b, want.n);
}

static inline int encode_result(const struct bub_mh *mh, const struct bub_codepoints *cp)
{
	struct bub_mh_layout layout;
	uint8_t buf[2048];

	return bub_mh_encode(mh, cp, buf, sizeof(buf), &layout);
}

#endif
