/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Fuzz target: one Mobility Header (RFC 6275, 6.1 and 6.2; draft, 5; docs/protocol.md).
 *
 * The input is the header alone; it is put behind an IPv6 header, and Payload Proto, Header Len and
 * checksum are put right, so that every mutation reaches the message and its options.  The promise
 * tested: what was decoded, encoded and decoded again has the same value in every field.
 */
#include <string.h>

#include "bub/wire.h"
#include "fuzz.h"

#define MH_MAX 2048u

static const struct bub_codepoints codepoints = BUB_CODEPOINTS_DEFAULT;

static bool views_equal(struct bub_view a, struct bub_view b)
{
	return a.len == b.len && (a.len == 0 || memcmp(a.data, b.data, a.len) == 0);
}

static void require_same_dh(const struct bub_dh *a, const struct bub_dh *b)
{
	FUZZ_REQUIRE(a->message == b->message);
	FUZZ_REQUIRE(memcmp(a->sid1, b->sid1, sizeof(a->sid1)) == 0);
	FUZZ_REQUIRE(memcmp(a->sid2, b->sid2, sizeof(a->sid2)) == 0);
	FUZZ_REQUIRE(views_equal(a->nonce, b->nonce) && views_equal(a->info, b->info));
	FUZZ_REQUIRE(views_equal(a->sig, b->sig) && views_equal(a->mac, b->mac));
	FUZZ_REQUIRE(a->has_identity == b->has_identity && bub_addr_eq(&a->identity, &b->identity));
	FUZZ_REQUIRE(a->n_shares == b->n_shares);
	for (unsigned i = 0; i < a->n_shares; i++) {
		FUZZ_REQUIRE(a->share[i].suite == b->share[i].suite);
		FUZZ_REQUIRE(views_equal(a->share[i].value, b->share[i].value));
	}
}

static void require_same_fixed(const struct bub_mh *a, const struct bub_mh *b)
{
	switch (a->kind) {
	case BUB_MH_BRR:
		break;
	case BUB_MH_HOTI:
	case BUB_MH_COTI:
		FUZZ_REQUIRE(memcmp(&a->u.test_init, &b->u.test_init, sizeof(a->u.test_init)) == 0);
		break;
	case BUB_MH_HOT:
	case BUB_MH_COT:
		FUZZ_REQUIRE(memcmp(&a->u.test, &b->u.test, sizeof(a->u.test)) == 0);
		break;
	case BUB_MH_BU:
		FUZZ_REQUIRE(a->u.bu.sequence == b->u.bu.sequence &&
			     a->u.bu.flags == b->u.bu.flags &&
			     a->u.bu.lifetime_s == b->u.bu.lifetime_s);
		break;
	case BUB_MH_BA:
		FUZZ_REQUIRE(a->u.ba.status == b->u.ba.status && a->u.ba.flags == b->u.ba.flags &&
			     a->u.ba.sequence == b->u.ba.sequence &&
			     a->u.ba.lifetime_s == b->u.ba.lifetime_s);
		break;
	case BUB_MH_BE:
		FUZZ_REQUIRE(a->u.be.status == b->u.be.status &&
			     bub_addr_eq(&a->u.be.home, &b->u.be.home));
		break;
	case BUB_MH_BUBC:
		FUZZ_REQUIRE(memcmp(&a->u.bubc, &b->u.bubc, sizeof(a->u.bubc)) == 0);
		break;
	case BUB_MH_DH:
		require_same_dh(&a->u.dh, &b->u.dh);
		break;
	case BUB_MH_HA_SWITCH:
		FUZZ_REQUIRE(views_equal(a->u.ha_switch.agents, b->u.ha_switch.agents));
		break;
	}
}

/* Fields of options that are not there are zero in both. */
static void require_same_options(const struct bub_mh_opts *a, const struct bub_mh_opts *b)
{
	FUZZ_REQUIRE(a->present == b->present && a->refresh_advice_s == b->refresh_advice_s);
	FUZZ_REQUIRE(bub_addr_eq(&a->alt_care_of, &b->alt_care_of));
	FUZZ_REQUIRE(a->home_nonce == b->home_nonce && a->care_of_nonce == b->care_of_nonce);
	FUZZ_REQUIRE(a->bub_code == b->bub_code && bub_addr_eq(&a->mn_id, &b->mn_id));
	FUZZ_REQUIRE(memcmp(a->path_cookie, b->path_cookie, sizeof(a->path_cookie)) == 0);
	FUZZ_REQUIRE(bub_addr_eq(&a->ipv4_home.address, &b->ipv4_home.address) &&
		     a->ipv4_home.prefix_len == b->ipv4_home.prefix_len &&
		     a->ipv4_home.wants_prefix == b->ipv4_home.wants_prefix);
	FUZZ_REQUIRE(bub_addr_eq(&a->ipv4_ack.address, &b->ipv4_ack.address) &&
		     a->ipv4_ack.status == b->ipv4_ack.status &&
		     a->ipv4_ack.prefix_len == b->ipv4_ack.prefix_len);
	FUZZ_REQUIRE(a->nat.udp_forced == b->nat.udp_forced &&
		     a->nat.refresh_s == b->nat.refresh_s);
	FUZZ_REQUIRE(bub_addr_eq(&a->ipv4_care_of, &b->ipv4_care_of));
	FUZZ_REQUIRE(a->report == b->report && a->report_port == b->report_port);
}

/* The packet in @packet, whose Mobility Header is there and gets what it lacks. */
static struct bub_view mend(uint8_t *packet, size_t mh_len)
{
	uint8_t *mh = packet + BUB_IP6_HDR_LEN;
	struct bub_ip6_build b = {.upper_proto = BUB_NH_MH, .upper_len = (uint16_t)mh_len};

	FUZZ_REQUIRE(bub_ip6_encode(&b, packet, BUB_IP6_HDR_LEN) == BUB_IP6_HDR_LEN);
	mh[0] = BUB_NH_NONE;
	mh[1] = (uint8_t)(mh_len / 8 - 1);
	bub_mh_finish(mh, mh_len, &b.src, &b.dst);
	return (struct bub_view){packet, BUB_IP6_HDR_LEN + mh_len};
}

static void check(struct bub_view packet)
{
	static uint8_t again_packet[BUB_IP6_HDR_LEN + MH_MAX];
	struct bub_mh mh, again;
	struct bub_mh_layout layout;
	struct bub_mh_fault fault;
	struct bub_ip6 ip;

	FUZZ_REQUIRE(bub_ip6_decode(packet, &ip) == BUB_DROP_NONE);
	if (bub_mh_decode(&ip, &codepoints, &mh, &fault) != 0) {
		FUZZ_REQUIRE(fault.why > BUB_DROP_NONE && fault.why < BUB_DROP_COUNT);
		FUZZ_REQUIRE(!fault.param_problem || fault.pointer < packet.len);
		return;
	}
	FUZZ_REQUIRE((mh.opts.present & BUB_OPT_AUTH) == 0 ||
		     mh.opts.auth_at + (size_t)BUB_AUTH_LEN == mh.raw.len);
	FUZZ_REQUIRE(bub_mh_encode(&mh, &codepoints, again_packet + BUB_IP6_HDR_LEN, MH_MAX,
				   &layout) == 0);
	FUZZ_REQUIRE(bub_ip6_decode(mend(again_packet, layout.len), &ip) == BUB_DROP_NONE);
	FUZZ_REQUIRE(bub_mh_decode(&ip, &codepoints, &again, &fault) == 0);
	FUZZ_REQUIRE(again.kind == mh.kind);
	require_same_fixed(&mh, &again);
	require_same_options(&mh.opts, &again.opts);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	/* Header Len counts eights. */
	size_t mh_len = size / 8 * 8;
	uint8_t *packet;

	if (mh_len == 0 || mh_len > MH_MAX)
		return 0;
	packet = malloc(BUB_IP6_HDR_LEN + mh_len); /* its own, so that an overread is seen */
	FUZZ_REQUIRE(packet != NULL);
	memcpy(packet + BUB_IP6_HDR_LEN, data, mh_len);
	check(mend(packet, mh_len));
	free(packet);
	return 0;
}
