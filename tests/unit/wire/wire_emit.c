/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Writes one packet of each kind that libbub can encode into a capture file (classic pcap, raw IP),
 * for independent.py, which has other decoders read it.  The values are that script's too.
 */
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bub/wire.h"

#define HOA1 "2001:db8:1::1001"
#define HOA2 "2001:db8:2::2002"
#define COA1 "2001:db8:a::a1"
#define COA2 "2001:db8:b::b2"
#define HA1 "2001:db8:1::1"

#define LINKTYPE_RAW 101

static FILE *out;
static uint8_t octets[256];

static void die(const char *what)
{
	(void)fprintf(stderr, "wire_emit: %s\n", what);
	exit(1);
}

static struct in6_addr addr(const char *text)
{
	struct in6_addr a;

	if (inet_pton(AF_INET6, text, &a) != 1)
		die(text);
	return a;
}

/* Capture files are read in either order of octets; this writes the host's. */
static void put_u32(uint32_t v)
{
	if (fwrite(&v, sizeof(v), 1, out) != 1)
		die("cannot write");
}

static void file_header(void)
{
	put_u32(0xa1b2c3d4);
	put_u32(4u << 16 | 2u);
	put_u32(0);
	put_u32(0);
	put_u32(65535);
	put_u32(LINKTYPE_RAW);
}

static void packet(const char *src, const char *hao, const char *dst, const char *rh2,
		   uint8_t proto, const uint8_t *upper, size_t len)
{
	struct in6_addr home_src = addr(hao != NULL ? hao : src);
	struct in6_addr home_dst = addr(rh2 != NULL ? rh2 : dst);
	struct bub_ip6_build b = {
		.src = addr(src),
		.dst = addr(dst),
		.hao = hao != NULL ? &home_src : NULL,
		.rh2 = rh2 != NULL ? &home_dst : NULL,
		.hop_limit = 255,
		.upper_proto = proto,
		.upper_len = (uint16_t)len,
	};
	uint8_t header[BUB_IP6_HDR_LEN + BUB_RH2_HDR_LEN + BUB_HAO_HDR_LEN];
	int n = bub_ip6_encode(&b, header, sizeof(header));

	if (n < 0)
		die(bub_strerror(n));
	put_u32(0);
	put_u32(0);
	put_u32((uint32_t)n + (uint32_t)len);
	put_u32((uint32_t)n + (uint32_t)len);
	if (fwrite(header, (size_t)n, 1, out) != 1 || fwrite(upper, len, 1, out) != 1)
		die("cannot write");
}

static void mh_packet(const char *src, const char *hao, const char *dst, const char *rh2,
		      const struct bub_mh *mh)
{
	struct in6_addr home_src = addr(hao != NULL ? hao : src);
	struct in6_addr home_dst = addr(rh2 != NULL ? rh2 : dst);
	struct bub_mh_layout layout;
	uint8_t buf[2048];
	int err = bub_mh_encode(mh, &BUB_CODEPOINTS_DEFAULT, buf, sizeof(buf), &layout);

	if (err != 0)
		die(bub_strerror(err));
	if (layout.auth_at != 0)
		memcpy(buf + layout.auth_at, octets + 0xa0, BUB_AUTH_LEN);
	if (layout.signature_at != 0)
		memcpy(buf + layout.signature_at, octets + 0xc0, BUB_AUTH_LEN);
	bub_mh_finish(buf, layout.len, &home_src, &home_dst);
	packet(src, hao, dst, rh2, BUB_NH_MH, buf, layout.len);
}

static void icmp_packet(const char *src, const char *hao, const char *dst, const char *rh2,
			const struct bub_icmp6 *m)
{
	struct in6_addr home_src = addr(hao != NULL ? hao : src);
	struct in6_addr home_dst = addr(rh2 != NULL ? rh2 : dst);
	uint8_t buf[1280];
	int n = bub_icmp6_encode(m, &home_src, &home_dst, buf, sizeof(buf));

	if (n < 0)
		die(bub_strerror(n));
	packet(src, hao, dst, rh2, BUB_NH_ICMPV6, buf, (size_t)n);
}

static void return_routability(void)
{
	struct bub_mh m = {.kind = BUB_MH_BRR};

	mh_packet(HOA2, NULL, HOA1, NULL, &m);

	m.kind = BUB_MH_HOTI;
	memcpy(m.u.test_init.cookie, octets + 0x11, 8);
	mh_packet(HOA1, NULL, HOA2, NULL, &m);
	m.opts.present = BUB_OPT_BUB;
	m.opts.bub_code = BUB_CODE_DO;
	mh_packet(HOA1, NULL, HOA2, NULL, &m);

	m.kind = BUB_MH_COTI;
	m.opts.present = BUB_OPT_BUB | BUB_OPT_MN_ID;
	m.opts.mn_id = addr(HOA1);
	mh_packet(COA1, NULL, COA2, NULL, &m);

	m = (struct bub_mh){.kind = BUB_MH_HOT};
	m.u.test.nonce_index = 0x0102;
	memcpy(m.u.test.cookie, octets + 0x11, 8);
	memcpy(m.u.test.token, octets + 0x21, 8);
	m.opts.present = BUB_OPT_BUB;
	m.opts.bub_code = BUB_CODE_ACK;
	mh_packet(HOA2, NULL, HOA1, NULL, &m);

	m.kind = BUB_MH_COT;
	m.opts.bub_code = BUB_CODE_NACK;
	mh_packet(COA2, NULL, COA1, NULL, &m);
}

static void bindings(void)
{
	struct bub_mh m = {.kind = BUB_MH_BU};

	m.u.bu.sequence = 0x8001;
	m.u.bu.flags = BUB_BU_ACK | BUB_BU_HOME | BUB_BU_LINK_LOCAL;
	m.u.bu.lifetime_s = 3600;
	m.opts.present = BUB_OPT_ALT_CARE_OF;
	m.opts.alt_care_of = addr(COA1);
	mh_packet(COA1, HOA1, HA1, NULL, &m);

	m.u.bu.flags = BUB_BU_ACK | BUB_BU_KEY_MANAGEMENT;
	m.u.bu.lifetime_s = 420;
	m.opts = (struct bub_mh_opts){.present = BUB_OPT_NONCE_INDICES | BUB_OPT_AUTH};
	m.opts.home_nonce = 3;
	m.opts.care_of_nonce = 65534;
	mh_packet(COA1, HOA1, COA2, HOA2, &m);

	m = (struct bub_mh){.kind = BUB_MH_BA};
	m.u.ba.status = BUB_STATUS_PREFIX_DISCOVERY;
	m.u.ba.flags = BUB_BA_KEY_MANAGEMENT;
	m.u.ba.sequence = 0x8001;
	m.u.ba.lifetime_s = BUB_LIFETIME_MAX_S;
	m.opts.present = BUB_OPT_REFRESH_ADVICE;
	m.opts.refresh_advice_s = 2400;
	mh_packet(HA1, NULL, COA1, HOA1, &m);

	m.u.ba.status = BUB_STATUS_SEQUENCE;
	m.u.ba.flags = 0;
	m.u.ba.lifetime_s = 0;
	m.opts.present = BUB_OPT_AUTH;
	mh_packet(COA2, HOA2, COA1, HOA1, &m);

	m = (struct bub_mh){.kind = BUB_MH_BE};
	m.u.be.status = BUB_BE_UNKNOWN_MH;
	m.u.be.home = addr(HOA1);
	mh_packet(COA2, NULL, COA1, NULL, &m);
}

static void bub(void)
{
	struct bub_mh m = {.kind = BUB_MH_BUBC};

	memcpy(m.u.bubc.care_of_cookie, octets + 0x11, 8);
	memcpy(m.u.bubc.bub_cookie, octets + 0x31, 8);
	m.opts.present = BUB_OPT_AUTH;
	mh_packet(COA2, HOA2, COA1, NULL, &m);

	m = (struct bub_mh){.kind = BUB_MH_DH};
	m.u.dh.message = 1;
	memcpy(m.u.dh.sid1, octets + 0x41, 8);
	m.u.dh.nonce = (struct bub_view){octets + 0x50, 16};
	m.u.dh.info = (struct bub_view){octets + 1, 3};
	m.u.dh.share[0].suite = 2;
	m.u.dh.share[0].value = (struct bub_view){octets + 0x60, 32};
	m.u.dh.n_shares = 1;
	mh_packet(COA1, HOA1, HOA2, NULL, &m);
}

static void icmp(void)
{
	struct bub_icmp6 m = {.kind = BUB_ICMP6_TOO_BIG};
	static const uint8_t quoted[] = {0x60, 0, 0, 0, 0, 0, 59, 64};
	uint8_t quoted_packet[BUB_IP6_HDR_LEN] = {0};

	memcpy(quoted_packet, quoted, sizeof(quoted));
	m.u.too_big.mtu = 1400;
	m.quoted = (struct bub_view){quoted_packet, sizeof(quoted_packet)};
	icmp_packet(HA1, NULL, COA1, NULL, &m);

	m.kind = BUB_ICMP6_PARAM_PROBLEM;
	m.code = 2;
	m.u.param_problem.pointer = 42;
	icmp_packet(HA1, NULL, COA1, NULL, &m);

	m = (struct bub_icmp6){.kind = BUB_ICMP6_ROUTER_ADVERT};
	m.u.ra.hop_limit = 64;
	m.u.ra.lifetime_s = 1800;
	m.u.ra.home_agent = true;
	m.u.ra.has_source_ll = true;
	memcpy(m.u.ra.source_ll, "\x02\x00\x00\x00\x00\x01", 6);
	m.u.ra.interval_ms = 3000;
	m.u.ra.has_home_agent_info = true;
	m.u.ra.preference = 10;
	m.u.ra.home_agent_lifetime_s = 1200;
	m.n_prefixes = 1;
	m.prefix[0] = (struct bub_prefix_info){.prefix = addr(HA1),
					       .prefix_len = 64,
					       .on_link = true,
					       .router_address = true,
					       .valid_s = 86400,
					       .preferred_s = 14400};
	icmp_packet("fe80::1", NULL, "ff02::1", NULL, &m);

	m = (struct bub_icmp6){.kind = BUB_ICMP6_DHAAD_REQUEST};
	m.u.dhaad.id = 0xbeef;
	icmp_packet(COA1, NULL, "2001:db8:1:0:fdff:ffff:ffff:fffe", NULL, &m);
	m.kind = BUB_ICMP6_DHAAD_REPLY;
	m.u.dhaad.n_addrs = 2;
	m.u.dhaad.addr[0] = addr(HA1);
	m.u.dhaad.addr[1] = addr(HOA2);
	icmp_packet(HA1, NULL, COA1, NULL, &m);

	m = (struct bub_icmp6){.kind = BUB_ICMP6_PREFIX_SOLICIT};
	m.u.prefix.id = 0xcafe;
	icmp_packet(COA1, HOA1, HA1, NULL, &m);
	m.kind = BUB_ICMP6_PREFIX_ADVERT;
	m.u.prefix.managed = true;
	m.n_prefixes = 1;
	m.prefix[0] = (struct bub_prefix_info){
		.prefix = addr(HA1), .prefix_len = 64, .autonomous = true, .valid_s = 7200};
	icmp_packet(HA1, NULL, COA1, HOA1, &m);
}

/* RFC 5555. */
static void ipv4(void)
{
	struct bub_mh m = {.kind = BUB_MH_BU};

	m.u.bu.flags = BUB_BU_ACK | BUB_BU_HOME;
	m.opts.present = BUB_OPT_IPV4_HOME | BUB_OPT_IPV4_CARE_OF;
	m.opts.ipv4_home.address = addr("::ffff:192.0.2.7");
	m.opts.ipv4_home.prefix_len = 28;
	m.opts.ipv4_home.wants_prefix = true;
	m.opts.ipv4_care_of = addr("::ffff:10.0.0.7");
	mh_packet(HOA1, NULL, HA1, NULL, &m);

	m = (struct bub_mh){.kind = BUB_MH_BA};
	m.opts.present = BUB_OPT_NAT | BUB_OPT_IPV4_ACK;
	m.opts.nat.udp_forced = true;
	m.opts.nat.refresh_s = 110;
	m.opts.ipv4_ack.status = BUB_IPV4_NO_PREFIX;
	m.opts.ipv4_ack.address = addr("::ffff:192.0.2.7");
	mh_packet(HA1, NULL, HOA1, NULL, &m);
}

int main(int argc, char **argv)
{
	if (argc != 2)
		die("usage: wire_emit FILE");
	for (unsigned i = 0; i < sizeof(octets); i++)
		octets[i] = (uint8_t)i;
	out = fopen(argv[1], "wb");
	if (out == NULL)
		die("cannot open the file");
	file_header();
	return_routability();
	bindings();
	bub();
	icmp();
	ipv4();
	if (fclose(out) != 0)
		die("cannot write");
	return 0;
}
