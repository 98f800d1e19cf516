/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Prints what libbub's decoder sees in a capture file (classic pcap; Ethernet or raw IP), one line
 * a mobility message, also for those inside IPv6-in-IPv6 tunnels: for captures.py, which compares
 * it with tshark.  The columns are: frame, MH or ICMPv6 type, then name=value.
 */
#include <arpa/inet.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bub/wire.h"

enum {
	LINKTYPE_ETHERNET = 1,
	LINKTYPE_RAW = 101,
	TUNNEL_DEPTH_MAX = 4,
};

static void die(const char *what)
{
	(void)fprintf(stderr, "wire_dump: %s\n", what);
	exit(1);
}

static const char *text(const struct in6_addr *a)
{
	static char buf[INET6_ADDRSTRLEN];

	return inet_ntop(AF_INET6, a, buf, sizeof(buf));
}

static void print_octets(const char *name, const uint8_t *p, size_t len)
{
	printf("\t%s=", name);
	for (size_t i = 0; i < len; i++)
		printf("%02x", p[i]);
}

static void print_options(const struct bub_mh *mh)
{
	const struct bub_mh_opts *o = &mh->opts;

	if ((o->present & BUB_OPT_REFRESH_ADVICE) != 0)
		printf("\tadvice=%u", o->refresh_advice_s / 4);
	if ((o->present & BUB_OPT_ALT_CARE_OF) != 0)
		printf("\tacoa=%s", text(&o->alt_care_of));
	if ((o->present & BUB_OPT_NONCE_INDICES) != 0)
		printf("\thni=%u\tcni=%u", o->home_nonce, o->care_of_nonce);
	if ((o->present & BUB_OPT_AUTH) != 0)
		print_octets("auth", mh->raw.data + o->auth_at, BUB_AUTH_LEN);
}

static void print_mh(unsigned frame, const struct bub_ip6 *ip)
{
	struct bub_mh_fault fault;
	struct bub_mh mh;

	if (bub_mh_decode(ip, &BUB_CODEPOINTS_DEFAULT, &mh, &fault) != 0) {
		printf("%u\tmh\trefused=%s\n", frame, bub_drop_name(fault.why));
		return;
	}
	printf("%u\tmh\ttype=%u", frame, mh.raw.data[2]);
	if (ip->has_hao)
		printf("\thao=%s", text(&ip->hao));
	if (ip->has_rh2)
		printf("\trh2=%s", text(&ip->rh2));
	if (mh.kind == BUB_MH_HOTI || mh.kind == BUB_MH_COTI)
		print_octets("cookie", mh.u.test_init.cookie, BUB_COOKIE_LEN);
	if (mh.kind == BUB_MH_HOT || mh.kind == BUB_MH_COT) {
		print_octets("cookie", mh.u.test.cookie, BUB_COOKIE_LEN);
		print_octets("token", mh.u.test.token, BUB_TOKEN_LEN);
		printf("\tnindex=%u", mh.u.test.nonce_index);
	}
	if (mh.kind == BUB_MH_BU)
		printf("\tseq=%u\tlifetime=%u\ta=%d\th=%d\tl=%d\tk=%d", mh.u.bu.sequence,
		       mh.u.bu.lifetime_s / 4, (mh.u.bu.flags & BUB_BU_ACK) != 0,
		       (mh.u.bu.flags & BUB_BU_HOME) != 0, (mh.u.bu.flags & BUB_BU_LINK_LOCAL) != 0,
		       (mh.u.bu.flags & BUB_BU_KEY_MANAGEMENT) != 0);
	if (mh.kind == BUB_MH_BA)
		printf("\tseq=%u\tlifetime=%u\tstatus=%u\tk=%d", mh.u.ba.sequence,
		       mh.u.ba.lifetime_s / 4, mh.u.ba.status,
		       (mh.u.ba.flags & BUB_BA_KEY_MANAGEMENT) != 0);
	if (mh.kind == BUB_MH_BE)
		printf("\tstatus=%u\thome=%s", mh.u.be.status, text(&mh.u.be.home));
	print_options(&mh);
	printf("\n");
}

static void print_icmp(unsigned frame, const struct bub_ip6 *ip)
{
	struct bub_icmp6 m;
	enum bub_drop why = bub_icmp6_decode(ip, &m);

	if (why != BUB_DROP_NONE) {
		/* Most are other messages than ours. */
		if (why == BUB_DROP_ICMP6_CHECKSUM)
			printf("%u\ticmp\trefused=%s\n", frame, bub_drop_name(why));
		return;
	}
	printf("%u\ticmp\ttype=%d\tcode=%u", frame, m.kind, m.code);
	if (m.kind == BUB_ICMP6_ROUTER_ADVERT)
		printf("\tlifetime=%u\th=%d", m.u.ra.lifetime_s, m.u.ra.home_agent);
	if (m.kind == BUB_ICMP6_ROUTER_ADVERT && m.u.ra.interval_ms != 0)
		printf("\tinterval=%u", m.u.ra.interval_ms);
	if (m.n_prefixes == 1)
		printf("\tprefix=%s\tplen=%u\tvalid=%u", text(&m.prefix[0].prefix),
		       m.prefix[0].prefix_len, m.prefix[0].valid_s);
	if (m.kind == BUB_ICMP6_DHAAD_REQUEST || m.kind == BUB_ICMP6_DHAAD_REPLY)
		printf("\tid=%u", m.u.dhaad.id);
	if (m.kind == BUB_ICMP6_PREFIX_SOLICIT || m.kind == BUB_ICMP6_PREFIX_ADVERT)
		printf("\tid=%u", m.u.prefix.id);
	printf("\n");
}

static void print_packet(unsigned frame, struct bub_view packet)
{
	for (unsigned depth = 0; depth < TUNNEL_DEPTH_MAX; depth++) {
		struct bub_ip6 ip;
		enum bub_drop why = bub_ip6_decode(packet, &ip);

		if (why != BUB_DROP_NONE) {
			printf("%u\tip6\trefused=%s\n", frame, bub_drop_name(why));
			return;
		}
		if (ip.upper_proto == BUB_NH_MH)
			print_mh(frame, &ip);
		else if (ip.upper_proto == BUB_NH_ICMPV6)
			print_icmp(frame, &ip);
		if (ip.upper_proto != BUB_NH_IPV6)
			return;
		packet = ip.upper;
	}
}

static uint32_t get_u32(FILE *f, bool *ret_eof)
{
	uint32_t v = 0;

	*ret_eof = fread(&v, sizeof(v), 1, f) != 1;
	return v;
}

int main(int argc, char **argv)
{
	static uint8_t frame[262144];
	uint32_t header[6], record[4];
	bool eof = true;
	FILE *f = argc == 2 ? fopen(argv[1], "rb") : NULL;

	if (f == NULL)
		die("usage: wire_dump FILE");
	for (size_t i = 0; i < 6; i++)
		header[i] = get_u32(f, &eof);
	if (eof || (header[0] != 0xa1b2c3d4 && header[0] != 0xa1b23c4d))
		die("not a capture file of this host's order of octets");
	if (header[5] != LINKTYPE_ETHERNET && header[5] != LINKTYPE_RAW)
		die("neither Ethernet nor raw IP");
	for (unsigned n = 1;; n++) {
		size_t skip = header[5] == LINKTYPE_ETHERNET ? 14 : 0;

		for (size_t i = 0; i < 4; i++)
			record[i] = get_u32(f, &eof);
		if (eof)
			break;
		if (record[2] > sizeof(frame) || fread(frame, 1, record[2], f) != record[2])
			die("broken record");
		if (record[2] != record[3] || record[2] < skip)
			continue;
		if (skip != 0 && (frame[12] != 0x86 || frame[13] != 0xdd))
			continue;
		print_packet(n, (struct bub_view){frame + skip, record[2] - skip});
	}
	(void)fclose(f);
	return 0;
}
