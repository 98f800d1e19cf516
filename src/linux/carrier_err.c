/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ICMP errors about what was sent in UDP.  The kernel keeps them for the socket; here they become
 * what they would be about native ESP, whose errors quote the packet from its SPI on: who cannot
 * quote SPI and number of a packet that was sent is not believed (protocol.md, P52).
 */
#include <time.h>

#include <linux/errqueue.h>
#include <netinet/icmp6.h>
#include <netinet/in.h>
#include <netinet/ip_icmp.h>
#include <string.h>

#include "base/ip6.h"
#include "carrier.h"

#define ERRORS 32 /* by one call */
#define QUOTED_MAX 1280
#define HOP_LIMIT 64

/* What the control messages of an error say. */
struct told {
	struct sock_extended_err err;
	struct in6_addr reporter, local;
	bool known;
};

static void read_error(const struct cmsghdr *c, struct told *ret)
{
	struct sockaddr_in6 from6;
	struct sockaddr_in from4;
	const uint8_t *data = CMSG_DATA(c);

	memcpy(&ret->err, data, sizeof(ret->err));
	ret->known =
		ret->err.ee_origin == SO_EE_ORIGIN_ICMP6 || ret->err.ee_origin == SO_EE_ORIGIN_ICMP;
	data += sizeof(ret->err);
	if (c->cmsg_level == IPPROTO_IPV6 &&
	    c->cmsg_len >= CMSG_LEN(sizeof(ret->err) + sizeof(from6))) {
		memcpy(&from6, data, sizeof(from6));
		ret->reporter = from6.sin6_addr;
	} else if (c->cmsg_len >= CMSG_LEN(sizeof(ret->err) + sizeof(from4))) {
		memcpy(&from4, data, sizeof(from4));
		ret->reporter = addr_of_ipv4((const uint8_t *)&from4.sin_addr);
	}
}

static struct told error_control(struct msghdr *mh)
{
	struct told told = {.known = false};
	struct in6_pktinfo info;

	for (struct cmsghdr *c = CMSG_FIRSTHDR(mh); c != NULL; c = CMSG_NXTHDR(mh, c)) {
		if ((c->cmsg_level == IPPROTO_IPV6 && c->cmsg_type == IPV6_RECVERR) ||
		    (c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_RECVERR)) {
			read_error(c, &told);
		} else if (c->cmsg_level == IPPROTO_IPV6 && c->cmsg_type == IPV6_PKTINFO) {
			memcpy(&info, CMSG_DATA(c), sizeof(info));
			told.local = info.ipi6_addr;
		}
	}
	return told;
}

/* Of IPv4 as of IPv6 (RFC 4443, 3, has the words of RFC 792). */
static struct bub_icmp6 error_as_icmp6(const struct sock_extended_err *err)
{
	struct bub_icmp6 icmp = {.kind = (enum bub_icmp6_kind)err->ee_type, .code = err->ee_code};

	if (err->ee_origin == SO_EE_ORIGIN_ICMP) {
		icmp.kind = err->ee_type == ICMP_TIME_EXCEEDED ? BUB_ICMP6_TIME_EXCEEDED
							       : BUB_ICMP6_UNREACHABLE;
		if (err->ee_type == ICMP_DEST_UNREACH && err->ee_code == ICMP_FRAG_NEEDED)
			icmp.kind = BUB_ICMP6_TOO_BIG;
		icmp.code = err->ee_code == ICMP_PORT_UNREACH   ? ICMP6_DST_UNREACH_NOPORT
			    : err->ee_code == ICMP_PKT_FILTERED ? ICMP6_DST_UNREACH_ADMIN
								: ICMP6_DST_UNREACH_NOROUTE;
	}
	if (icmp.kind == BUB_ICMP6_TOO_BIG)
		icmp.u.too_big.mtu = err->ee_info;
	return icmp;
}

/* The packet of the message in @payload from its ESP on, if it is one. */
static struct bub_view inner_esp(uint8_t *payload, size_t len)
{
	struct bub_ip6 ip;

	if (len < BUB_IP6_HDR_LEN)
		return (struct bub_view){NULL, 0};
	ip6_set_len(payload, len); /* errors quote the beginning of it */
	if (bub_ip6_decode((struct bub_view){payload, len}, &ip) != BUB_DROP_NONE ||
	    ip.upper_proto != BUB_NH_ESP)
		return (struct bub_view){NULL, 0};
	return ip.upper;
}

/* IPv6 | ESP, as an error about native ESP would quote it. */
static size_t quote(const struct told *told, const struct in6_addr *dst, struct bub_view esp,
		    uint8_t ret[static BUB_IP6_HDR_LEN + QUOTED_MAX])
{
	memset(ret, 0, BUB_IP6_HDR_LEN);
	ret[0] = 0x60;
	ret[IP6_NEXT_AT] = BUB_NH_ESP;
	ret[IP6_HOP_LIMIT_AT] = HOP_LIMIT;
	ip6_set_len(ret, BUB_IP6_HDR_LEN + esp.len);
	memcpy(ret + IP6_SRC_AT, &told->local, sizeof(told->local));
	memcpy(ret + IP6_DST_AT, dst, sizeof(*dst));
	memcpy(ret + BUB_IP6_HDR_LEN, esp.data, esp.len);
	return BUB_IP6_HDR_LEN + esp.len;
}

static void carrier_on_error(struct lnx *l, const struct carrier_socket *s, const struct told *told,
			     const struct sockaddr_in6 *to, uint8_t *payload, size_t len)
{
	struct bub_icmp6 icmp = error_as_icmp6(&told->err);
	const bool message =
		s->own ? ntohs(to->sin6_port) == l->cfg.udp_port : s->port == CARRIER_MESSAGE;
	const struct bub_view esp =
		message ? inner_esp(payload, len) : (struct bub_view){payload, len};
	uint8_t quoted[BUB_IP6_HDR_LEN + QUOTED_MAX];

	if (esp.len == 0)
		return;
	icmp.quoted = (struct bub_view){quoted, quote(told, &to->sin6_addr, esp, quoted)};
	if (icmp.kind != BUB_ICMP6_TOO_BIG)
		undelivered_on_error(l, &told->reporter, &icmp);
	else
		l->count[link_too_big(l->link, lnx_now(), &icmp) ? COUNT_PTB_APPLIED
								 : COUNT_PTB_IGNORED]++;
	ops_tell(l);
}

void carrier_errors(struct lnx *l, const struct carrier_socket *s)
{
	for (unsigned i = 0; i < ERRORS; i++) {
		union {
			struct cmsghdr align;
			uint8_t buf[512];
		} control;
		uint8_t payload[QUOTED_MAX];
		struct sockaddr_in6 to;
		struct iovec iov = {payload, sizeof(payload)};
		struct msghdr mh = {
			.msg_name = &to,
			.msg_namelen = sizeof(to),
			.msg_iov = &iov,
			.msg_iovlen = 1,
			.msg_control = control.buf,
			.msg_controllen = sizeof(control.buf),
		};
		const ssize_t n = recvmsg(s->fd, &mh, MSG_ERRQUEUE | MSG_DONTWAIT);
		struct told told;

		if (n < 0)
			return;
		told = error_control(&mh);
		if (told.known && mh.msg_namelen >= sizeof(to))
			carrier_on_error(l, s, &told, &to, payload, (size_t)n);
	}
}
