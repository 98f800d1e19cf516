/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Fuzz target: the walk from IPv6 header to header and from option to option (RFC 8200, 4).
 *
 * The promises tested: headers follow each other without a gap, lie within the packet, and each is
 * named by the one before it; so do the options within their header; less of a packet never shows
 * another header than the whole packet does.
 */
#include "base/ip6.h"
#include "fuzz.h"

static void check_options(const struct ip6_ext *e)
{
	struct rd r = ip6_options(e);
	const uint8_t *at = e->data + 2;
	struct ip6_option o;

	while (ip6_option_next(&r, &o)) {
		FUZZ_REQUIRE(*at == o.type);
		at++;
		if (o.type != IP6_OPT_PAD1) {
			FUZZ_REQUIRE(*at == o.len && o.data == at + 1);
			at += 1 + o.len;
		}
		FUZZ_REQUIRE(at <= e->data + e->len && r.p == at);
	}
	FUZZ_REQUIRE(r.bad || at == e->data + e->len);
}

/* Walks @data, and in step with it all but the last octet. */
static void check_walk(const uint8_t *data, size_t size)
{
	struct ip6_walk w = ip6_walk_of(data, size);
	struct ip6_walk shorter = ip6_walk_of(data, size > IP6_HDR_LEN ? size - 1 : size);
	size_t at = IP6_HDR_LEN;
	bool in_step = true;
	struct ip6_ext e, f;

	while (ip6_walk_next(&w, &e)) {
		FUZZ_REQUIRE(e.at == at && e.data == data + at && e.len >= 8 && e.len <= size - at);
		FUZZ_REQUIRE(ip6_is_ext(e.type) && w.named_at == at && data[at] == w.next);
		check_options(&e);
		at += e.len;
		FUZZ_REQUIRE(w.at == at);
		in_step = in_step && ip6_walk_next(&shorter, &f);
		FUZZ_REQUIRE(!in_step || (f.at == e.at && f.len == e.len && f.type == e.type));
		FUZZ_REQUIRE(in_step || at == size);
	}
	FUZZ_REQUIRE(w.n <= (size - IP6_HDR_LEN) / 8);
	FUZZ_REQUIRE(!ip6_walk_next(&shorter, &f));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size >= IP6_HDR_LEN)
		check_walk(data, size);
	return 0;
}
