/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The Diffie-Hellman messages DH1 to DH4 (docs/protocol.md, 4.2; draft, 6 and appendix
 * A): a fixed part, items, and the signature in the last twelve octets of the Mobility Header.
 *
 * Decoding checks that exactly the items of the message are there, each in a length that one of the
 * suites gives it.  What the values are worth (suite offered, signature, key) the BUB code decides.
 */
#include "mh.h"

#define DH_VERSION 1
#define DH_FIXED_LEN 24
#define ITEM_HDR_LEN 4

enum {
	ITEM_PADDING = 0,
	ITEM_NONCE = 1,
	ITEM_INFO = 2,
	ITEM_PUBLIC = 3,
	ITEM_IDENTITY = 4,
	ITEM_SIG = 5,
	ITEM_MAC = 6,
};

enum {
	SUITE_SHA1_MODP = 1,
	SUITE_SHA256_X25519 = 2,
};

/* Sets of items, by their types. */
#define SET_OF(item) (1u << (item))
#define SET_DH1 (SET_OF(ITEM_NONCE) | SET_OF(ITEM_INFO) | SET_OF(ITEM_PUBLIC))
#define SET_DH3 (SET_OF(ITEM_IDENTITY) | SET_OF(ITEM_SIG) | SET_OF(ITEM_MAC))

static const unsigned items_of_message[] = {
	[1] = SET_DH1,
	[2] = SET_DH1,
	[3] = SET_DH3,
	[4] = SET_DH3 | SET_OF(ITEM_INFO),
};

bool bub_dh_is_known(uint8_t message, uint8_t version)
{
	return message >= 1 && message <= 4 && version == DH_VERSION;
}

/* 0: a suite that is not known. */
static size_t public_len(uint8_t suite)
{
	switch (suite) {
	case SUITE_SHA1_MODP:
		return 256;
	case SUITE_SHA256_X25519:
		return 32;
	default:
		return 0;
	}
}

static bool is_hash_len(size_t len)
{
	return len == 20 || len == 32;
}

/* An info item: its version and at least one suite. */
static bool is_info_len(size_t len)
{
	return len >= 2 && len <= BUB_DH_INFO_MAX;
}

static bool has_share(const struct bub_dh *dh, uint8_t suite)
{
	for (unsigned i = 0; i < dh->n_shares; i++) {
		if (dh->share[i].suite == suite)
			return true;
	}
	return false;
}

/* A public value of a suite that is not known is skipped: the offer may hold one that is. */
static bool share_decode(uint8_t suite, struct bub_view value, struct bub_dh *dh)
{
	size_t len = public_len(suite);

	if (len == 0)
		return true;
	if (value.len != len || has_share(dh, suite))
		return false;
	/* There are as many places as suites with a length, so that this one is free. */
	dh->share[dh->n_shares].suite = suite;
	dh->share[dh->n_shares].value = value;
	dh->n_shares++;
	return true;
}

static bool item_decode(uint8_t type, uint8_t parameter, struct bub_view value, struct bub_dh *dh)
{
	switch (type) {
	case ITEM_NONCE:
		dh->nonce = value;
		return value.len == BUB_DH_NONCE_LEN;
	case ITEM_INFO:
		dh->info = value;
		return is_info_len(value.len);
	case ITEM_PUBLIC:
		return share_decode(parameter, value, dh);
	case ITEM_IDENTITY:
		if (value.len != sizeof(dh->identity.s6_addr))
			return false;
		memcpy(dh->identity.s6_addr, value.data, value.len);
		dh->has_identity = true;
		return true;
	case ITEM_SIG:
		dh->sig = value;
		return is_hash_len(value.len);
	case ITEM_MAC:
		dh->mac = value;
		return is_hash_len(value.len);
	default:
		return true;
	}
}

static bool items_decode(struct rd *r, struct bub_dh *dh)
{
	unsigned expected = items_of_message[dh->message];
	unsigned seen = 0;

	while (rd_left(r) > 0) {
		uint8_t type = rd_u8(r);
		uint8_t parameter = rd_u8(r);
		struct bub_view value = rd_view(r, rd_u16(r));

		/* Padding is the last item. */
		if (r->bad || (seen & SET_OF(ITEM_PADDING)) != 0)
			return false;
		if (type > ITEM_MAC)
			continue;
		if (type != ITEM_PADDING && (expected & SET_OF(type)) == 0)
			return false;
		if (type != ITEM_PUBLIC && (seen & SET_OF(type)) != 0)
			return false;
		if (!item_decode(type, parameter, value, dh))
			return false;
		seen |= SET_OF(type);
	}
	return (seen & expected) == expected;
}

/* What the items must be together, on receipt and on sending. */
static bool is_consistent(const struct bub_dh *dh)
{
	if (dh->message == 1 && dh->n_shares == 0)
		return false;
	if (dh->message == 2 && dh->n_shares != 1)
		return false;
	/* SIG and MAC come from the one hash of the suite. */
	return dh->sig.len == dh->mac.len;
}

enum bub_drop bub_dh_decode(struct bub_view mh, struct bub_dh *ret_dh)
{
	struct bub_dh dh = {0};
	struct rd r = rd_from((struct bub_view){mh.data, mh.len - BUB_AUTH_LEN});

	rd_skip(&r, MH_HDR_LEN);
	dh.message = rd_u8(&r);
	rd_skip(&r, 1); /* the version, which bub_dh_is_known() has seen */
	rd_copy(&r, dh.sid1, sizeof(dh.sid1));
	rd_copy(&r, dh.sid2, sizeof(dh.sid2));
	if (!items_decode(&r, &dh) || !is_consistent(&dh))
		return BUB_DROP_MH_LENGTH;
	dh.signature_at = (uint16_t)(mh.len - BUB_AUTH_LEN);
	*ret_dh = dh;
	return BUB_DROP_NONE;
}

static void item_encode(struct wr *w, uint8_t type, uint8_t parameter, struct bub_view value)
{
	if (value.len == 0)
		return;
	wr_u8(w, type);
	wr_u8(w, parameter);
	wr_u16(w, (uint16_t)value.len);
	wr_bytes(w, value.data, value.len);
}

/* The items that @dh holds, as a set. */
static unsigned items_of(const struct bub_dh *dh)
{
	return (dh->nonce.len != 0 ? SET_OF(ITEM_NONCE) : 0) |
	       (dh->info.len != 0 ? SET_OF(ITEM_INFO) : 0) |
	       (dh->n_shares != 0 ? SET_OF(ITEM_PUBLIC) : 0) |
	       (dh->has_identity ? SET_OF(ITEM_IDENTITY) : 0) |
	       (dh->sig.len != 0 ? SET_OF(ITEM_SIG) : 0) |
	       (dh->mac.len != 0 ? SET_OF(ITEM_MAC) : 0);
}

static bool dh_can_encode(const struct bub_dh *dh)
{
	if (!bub_dh_is_known(dh->message, DH_VERSION) || dh->n_shares > BUB_DH_SHARES_MAX)
		return false;
	if (items_of(dh) != items_of_message[dh->message] || !is_consistent(dh))
		return false;
	for (unsigned i = 0; i < dh->n_shares; i++) {
		if (dh->share[i].value.len != public_len(dh->share[i].suite))
			return false;
	}
	if (dh->n_shares == 2 && dh->share[0].suite == dh->share[1].suite)
		return false;
	return (dh->nonce.len == 0 || dh->nonce.len == BUB_DH_NONCE_LEN) &&
	       (dh->info.len == 0 || is_info_len(dh->info.len)) &&
	       (dh->sig.len == 0 || is_hash_len(dh->sig.len));
}

/* One padding item so that the signature ends on eight octets, or none if it would anyway. */
static void padding_encode(struct wr *w)
{
	size_t n = (16 - (w->at + BUB_AUTH_LEN) % 8) % 8;

	if (n == 0)
		return;
	if (n < ITEM_HDR_LEN)
		n += 8;
	wr_u8(w, ITEM_PADDING);
	wr_u8(w, 0);
	wr_u16(w, (uint16_t)(n - ITEM_HDR_LEN));
	wr_zero(w, n - ITEM_HDR_LEN);
}

int bub_dh_encode(struct wr *w, const struct bub_dh *dh, size_t *ret_signature_at)
{
	if (!dh_can_encode(dh))
		return BUB_ERR_INVALID;
	wr_u8(w, dh->message);
	wr_u8(w, DH_VERSION);
	wr_bytes(w, dh->sid1, sizeof(dh->sid1));
	wr_bytes(w, dh->sid2, sizeof(dh->sid2));
	item_encode(w, ITEM_NONCE, 0, dh->nonce);
	item_encode(w, ITEM_INFO, 0, dh->info);
	for (unsigned i = 0; i < dh->n_shares; i++)
		item_encode(w, ITEM_PUBLIC, dh->share[i].suite, dh->share[i].value);
	if (dh->has_identity)
		item_encode(w, ITEM_IDENTITY, 0,
			    (struct bub_view){dh->identity.s6_addr, sizeof(dh->identity.s6_addr)});
	item_encode(w, ITEM_SIG, 0, dh->sig);
	item_encode(w, ITEM_MAC, 0, dh->mac);
	padding_encode(w);
	*ret_signature_at = w->at;
	wr_zero(w, BUB_AUTH_LEN);
	return 0;
}
