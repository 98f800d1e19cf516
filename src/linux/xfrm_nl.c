/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The messages of XFRM (linux/xfrm.h).  Which SAs and policies there are is xfrm.c's business.
 */
#include "xfrm_nl.h"

#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/xfrm.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/octets.h"
#include "bub_bpf.h"
#include "netlink.h"

#define XFRM_REQID 0x627562u      /* "bub" */
#define XFRM_PRIORITY 0x62756200u /* and the rank */
#define XFRM_RANKS 256u
#define MESSAGE_MAX 1024
#define ANSWER_SIZE 8192
#define NOTICES_RCVBUF (1 << 20)
#define ICV_BITS 128

struct xfrm_nl {
	struct mnl_socket *sock, *notices;
	uint32_t seq;
	uint64_t *foreign;
};

union message {
	struct nlmsghdr head;
	uint8_t octets[MESSAGE_MAX];
};

/* ---- Life ---------------------------------------------------------------------------------- */

static struct mnl_socket *open_socket(unsigned groups)
{
	struct mnl_socket *s = mnl_socket_open2(NETLINK_XFRM, SOCK_CLOEXEC | SOCK_NONBLOCK);

	if (s == NULL)
		return NULL;
	if (mnl_socket_bind(s, groups, MNL_SOCKET_AUTOPID) < 0) {
		mnl_socket_close(s);
		return NULL;
	}
	return s;
}

static unsigned group(unsigned number)
{
	return 1u << (number - 1);
}

int xfrm_nl_open(uint64_t *foreign, struct xfrm_nl **ret)
{
	struct xfrm_nl *x = calloc(1, sizeof(*x));
	int size = NOTICES_RCVBUF, err;

	if (x == NULL)
		return -ENOMEM;
	x->foreign = foreign;
	x->sock = open_socket(0);
	x->notices = x->sock == NULL ? NULL
				     : open_socket(group(XFRMNLGRP_EXPIRE) | group(XFRMNLGRP_SA) |
						   group(XFRMNLGRP_POLICY));
	if (x->notices == NULL) {
		err = -errno;
		xfrm_nl_close(x);
		return err;
	}
	(void)setsockopt(mnl_socket_get_fd(x->notices), SOL_SOCKET, SO_RCVBUFFORCE, &size,
			 sizeof(size));
	*ret = x;
	return 0;
}

void xfrm_nl_close(struct xfrm_nl *x)
{
	if (x == NULL)
		return;
	if (x->sock != NULL)
		mnl_socket_close(x->sock);
	if (x->notices != NULL)
		mnl_socket_close(x->notices);
	free(x);
}

/* ---- Requests ------------------------------------------------------------------------------ */

static struct nlmsghdr *xfrm_message(union message *m, uint16_t type, uint16_t flags)
{
	struct nlmsghdr *nlh;

	memset(m, 0, sizeof(*m));
	nlh = mnl_nlmsg_put_header(m);
	nlh->nlmsg_type = type;
	nlh->nlmsg_flags = (uint16_t)(NLM_F_REQUEST | flags);
	return nlh;
}

/* Sends @nlh and reads what answers it: 0, a negative errno, or a message of @wanted's type. */
static int xfrm_ask(struct xfrm_nl *x, struct nlmsghdr *nlh, uint16_t wanted, nl_message_fn fn,
		    void *ctx)
{
	_Alignas(struct nlmsghdr) uint8_t buf[ANSWER_SIZE];
	const int fd = mnl_socket_get_fd(x->sock);
	ssize_t n;

	nlh->nlmsg_seq = ++x->seq;
	if (mnl_socket_sendto(x->sock, nlh, nlh->nlmsg_len) < 0)
		return -errno;
	while ((n = nl_recv(fd, buf, sizeof(buf), MSG_DONTWAIT, x->foreign)) >= 0) {
		const struct nlmsghdr *got = (const struct nlmsghdr *)(const void *)buf;
		int left = (int)n;

		if (n == 0 || !mnl_nlmsg_ok(got, left) || got->nlmsg_seq != x->seq)
			continue;
		if (got->nlmsg_type == NLMSG_ERROR)
			return ((const struct nlmsgerr *)mnl_nlmsg_get_payload(got))->error;
		if (fn != NULL && got->nlmsg_type == wanted) {
			fn(ctx, got);
			explicit_bzero(buf, sizeof(buf)); /* there are keys in it */
			return 0;
		}
	}
	return -errno;
}

static int request(struct xfrm_nl *x, struct nlmsghdr *nlh)
{
	nlh->nlmsg_flags |= NLM_F_ACK;
	return xfrm_ask(x, nlh, 0, NULL, NULL);
}

static void set_addr(xfrm_address_t *ret, const struct in6_addr *addr)
{
	memcpy(ret->a6, addr, sizeof(ret->a6));
}

static void no_limits(struct xfrm_lifetime_cfg *lft)
{
	lft->soft_byte_limit = lft->hard_byte_limit = XFRM_INF;
	lft->soft_packet_limit = lft->hard_packet_limit = XFRM_INF;
}

/* ---- SAs ----------------------------------------------------------------------------------- */

static const char *kernel_name(enum esp_alg alg)
{
	return alg == ESP_CHACHA20_POLY1305 ? "rfc7539esp(chacha20,poly1305)" : "rfc4106(gcm(aes))";
}

static void put_keys(struct nlmsghdr *nlh, const struct esp_sa_params *p)
{
	const struct esp_alg_info *info = esp_alg_info(p->alg);
	const size_t len = (size_t)info->enc_key_len + info->auth_key_len;
	union {
		struct xfrm_algo_aead aead;
		uint8_t octets[sizeof(struct xfrm_algo_aead) + ESP_ENC_KEY_MAX + ESP_AUTH_KEY_MAX];
	} a;

	memset(&a, 0, sizeof(a));
	(void)snprintf(a.aead.alg_name, sizeof(a.aead.alg_name), "%s", kernel_name(p->alg));
	a.aead.alg_key_len = (unsigned)(8 * len);
	a.aead.alg_icv_len = ICV_BITS;
	memcpy(a.octets + sizeof(a.aead), p->enc_key, info->enc_key_len);
	memcpy(a.octets + sizeof(a.aead) + info->enc_key_len, p->auth_key, info->auth_key_len);
	mnl_attr_put(nlh, XFRMA_ALG_AEAD, sizeof(a.aead) + len, &a);
	explicit_bzero(&a, sizeof(a));
}

static void put_numbers(struct nlmsghdr *nlh, const struct xfrm_numbers *n)
{
	union {
		struct xfrm_replay_state_esn esn;
		uint8_t octets[sizeof(struct xfrm_replay_state_esn) + sizeof(n->window)];
	} r;

	memset(&r, 0, sizeof(r));
	r.esn.bmp_len = ESP_REPLAY_WINDOW / 32;
	r.esn.replay_window = ESP_REPLAY_WINDOW;
	r.esn.oseq = (uint32_t)n->sent;
	r.esn.oseq_hi = (uint32_t)(n->sent >> 32);
	r.esn.seq = (uint32_t)n->received;
	r.esn.seq_hi = (uint32_t)(n->received >> 32);
	memcpy(r.octets + sizeof(r.esn), n->window, sizeof(n->window));
	mnl_attr_put(nlh, XFRMA_REPLAY_ESN_VAL, sizeof(r.esn) + sizeof(n->window), &r);
}

/* What is in the packets that an inbound SA opens: from or to its home address (RFC 4301, 5.2). */
static void set_selector(struct xfrm_selector *sel, const struct esp_sa_params *p, bool from)
{
	sel->family = AF_INET6;
	if (from) {
		set_addr(&sel->saddr, &p->owner);
		sel->prefixlen_s = 128;
	} else {
		set_addr(&sel->daddr, &p->owner);
		sel->prefixlen_d = 128;
	}
}

int xfrm_nl_add(struct xfrm_nl *x, const struct xfrm_sa *sa)
{
	union message m;
	struct nlmsghdr *nlh = xfrm_message(&m, XFRM_MSG_NEWSA, 0);
	struct xfrm_usersa_info *info = mnl_nlmsg_put_extra_header(nlh, sizeof(*info));
	int err;

	info->family = AF_INET6;
	info->mode = XFRM_MODE_TUNNEL;
	info->flags = XFRM_STATE_ESN;
	info->reqid = XFRM_REQID;
	info->id.proto = IPPROTO_ESP;
	info->id.spi = htonl(sa->params->spi);
	set_addr(&info->id.daddr, &sa->dst);
	set_addr(&info->saddr, &sa->src);
	no_limits(&info->lft);
	if (sa->octets != 0) {
		info->lft.soft_byte_limit = sa->octets - sa->octets / 10;
		info->lft.hard_byte_limit = sa->octets + sa->octets / 10;
	}
	set_selector(&info->sel, sa->params, sa->from_home);
	put_keys(nlh, sa->params);
	if (sa->marks)
		mnl_attr_put_u32(nlh, XFRMA_SET_MARK, BUB_BPF_TUNNEL_MARK);
	put_numbers(nlh, sa->numbers);
	err = request(x, nlh);
	explicit_bzero(&m, sizeof(m));
	return err;
}

static void put_id(struct nlmsghdr *nlh, const struct in6_addr *dst, uint32_t spi)
{
	struct xfrm_usersa_id *id = mnl_nlmsg_put_extra_header(nlh, sizeof(*id));

	set_addr(&id->daddr, dst);
	id->spi = htonl(spi);
	id->family = AF_INET6;
	id->proto = IPPROTO_ESP;
}

int xfrm_nl_remove(struct xfrm_nl *x, const struct in6_addr *dst, uint32_t spi)
{
	union message m;
	struct nlmsghdr *nlh = xfrm_message(&m, XFRM_MSG_DELSA, 0);

	put_id(nlh, dst, spi);
	return request(x, nlh);
}

static void on_numbers(void *ctx, const struct nlmsghdr *nlh)
{
	const struct xfrm_usersa_info *info = mnl_nlmsg_get_payload(nlh);
	const struct xfrm_replay_state_esn *esn;
	const struct nlattr *tb[XFRMA_MAX + 1] = {0};
	struct xfrm_numbers *ret = ctx;

	if (mnl_nlmsg_get_payload_len(nlh) < sizeof(*info))
		return;
	nl_parse(nlh, sizeof(*info), tb, XFRMA_MAX + 1);
	if (tb[XFRMA_REPLAY_ESN_VAL] == NULL ||
	    mnl_attr_get_payload_len(tb[XFRMA_REPLAY_ESN_VAL]) < sizeof(*esn) + sizeof(ret->window))
		return;
	esn = mnl_attr_get_payload(tb[XFRMA_REPLAY_ESN_VAL]);
	ret->sent = (uint64_t)esn->oseq_hi << 32 | esn->oseq;
	ret->received = (uint64_t)esn->seq_hi << 32 | esn->seq;
	memcpy(ret->window, esn->bmp, sizeof(ret->window));
	ret->packets = info->curlft.packets;
	ret->octets = info->curlft.bytes;
}

int xfrm_nl_numbers(struct xfrm_nl *x, const struct in6_addr *dst, uint32_t spi,
		    struct xfrm_numbers *ret)
{
	union message m;
	struct nlmsghdr *nlh = xfrm_message(&m, XFRM_MSG_GETSA, 0);

	put_id(nlh, dst, spi);
	return xfrm_ask(x, nlh, XFRM_MSG_NEWSA, on_numbers, ret);
}

/* ---- Policies ------------------------------------------------------------------------------ */

static void put_selector(struct xfrm_selector *sel, const struct xfrm_policy_of *p)
{
	sel->family = AF_INET6;
	set_addr(&sel->saddr, &p->src);
	set_addr(&sel->daddr, &p->dst);
	sel->prefixlen_s = p->src_len;
	sel->prefixlen_d = p->dst_len;
	sel->proto = p->proto;
}

static uint8_t kernel_dir(enum xfrm_dir dir)
{
	if (dir == XFRM_NL_IN)
		return XFRM_POLICY_IN;
	return dir == XFRM_NL_OUT ? XFRM_POLICY_OUT : XFRM_POLICY_FWD;
}

int xfrm_nl_policy_set(struct xfrm_nl *x, const struct xfrm_policy_of *p)
{
	union message m;
	struct nlmsghdr *nlh = xfrm_message(&m, XFRM_MSG_UPDPOLICY, 0);
	struct xfrm_userpolicy_info *info = mnl_nlmsg_put_extra_header(nlh, sizeof(*info));
	struct xfrm_user_tmpl tmpl = {
		.id = {.spi = htonl(p->spi), .proto = IPPROTO_ESP},
		.family = AF_INET6,
		.reqid = XFRM_REQID,
		.mode = XFRM_MODE_TUNNEL,
		.optional = p->dir != XFRM_NL_OUT,
		.aalgos = UINT32_MAX,
		.ealgos = UINT32_MAX,
		.calgos = UINT32_MAX,
	};

	put_selector(&info->sel, p);
	no_limits(&info->lft);
	info->priority = XFRM_PRIORITY + p->rank;
	info->dir = kernel_dir(p->dir);
	info->action = XFRM_POLICY_ALLOW;
	if (p->has_sa) {
		set_addr(&tmpl.saddr, &p->sa_src);
		set_addr(&tmpl.id.daddr, &p->sa_dst);
		mnl_attr_put(nlh, XFRMA_TMPL, sizeof(tmpl), &tmpl);
	}
	return request(x, nlh);
}

static int delete_policy(struct xfrm_nl *x, const struct xfrm_selector *sel, uint8_t dir)
{
	union message m;
	struct nlmsghdr *nlh = xfrm_message(&m, XFRM_MSG_DELPOLICY, 0);
	struct xfrm_userpolicy_id *id = mnl_nlmsg_put_extra_header(nlh, sizeof(*id));

	id->sel = *sel;
	id->dir = dir;
	return request(x, nlh);
}

int xfrm_nl_policy_del(struct xfrm_nl *x, const struct xfrm_policy_of *p)
{
	struct xfrm_selector sel = {0};

	put_selector(&sel, p);
	return delete_policy(x, &sel, kernel_dir(p->dir));
}

int xfrm_nl_exempt(int fd)
{
	struct xfrm_userpolicy_info info = {
		.sel = {.family = AF_INET6},
		.action = XFRM_POLICY_ALLOW,
		.dir = XFRM_POLICY_OUT,
	};

	no_limits(&info.lft);
	return setsockopt(fd, IPPROTO_IPV6, IPV6_XFRM_POLICY, &info, sizeof(info)) < 0 ? -errno : 0;
}

/* ---- What was left ------------------------------------------------------------------------- */

static void clear_one(struct xfrm_nl *x, const struct nlmsghdr *nlh)
{
	const struct xfrm_userpolicy_info *policy = mnl_nlmsg_get_payload(nlh);
	const struct xfrm_usersa_info *sa = mnl_nlmsg_get_payload(nlh);
	const size_t len = mnl_nlmsg_get_payload_len(nlh);
	struct in6_addr dst;

	if (nlh->nlmsg_type == XFRM_MSG_NEWPOLICY && len >= sizeof(*policy) &&
	    policy->sel.family == AF_INET6 && policy->priority >= XFRM_PRIORITY &&
	    policy->priority - XFRM_PRIORITY < XFRM_RANKS)
		(void)delete_policy(x, &policy->sel, policy->dir);
	if (nlh->nlmsg_type == XFRM_MSG_NEWSA && len >= sizeof(*sa) && sa->family == AF_INET6 &&
	    sa->reqid == XFRM_REQID && sa->id.proto == IPPROTO_ESP) {
		memcpy(&dst, sa->id.daddr.a6, sizeof(dst));
		(void)xfrm_nl_remove(x, &dst, ntohl(sa->id.spi));
	}
}

/* Reads all of one table, and removes what is ours meanwhile, by the other socket. */
static void clear_table(struct xfrm_nl *x, struct mnl_socket *dump, uint16_t type)
{
	_Alignas(struct nlmsghdr) uint8_t buf[4 * ANSWER_SIZE];
	union message m;
	struct nlmsghdr *nlh = xfrm_message(&m, type, NLM_F_DUMP);
	ssize_t n;

	if (mnl_socket_sendto(dump, nlh, nlh->nlmsg_len) < 0)
		return;
	while ((n = nl_recv(mnl_socket_get_fd(dump), buf, sizeof(buf), MSG_DONTWAIT, x->foreign)) >
	       0) {
		const struct nlmsghdr *got = (const struct nlmsghdr *)(const void *)buf;
		int left = (int)n;

		for (; mnl_nlmsg_ok(got, left); got = mnl_nlmsg_next(got, &left)) {
			if (got->nlmsg_type == NLMSG_DONE || got->nlmsg_type == NLMSG_ERROR)
				return;
			clear_one(x, got);
		}
	}
}

void xfrm_nl_clear(struct xfrm_nl *x)
{
	static const uint16_t table[] = {XFRM_MSG_GETPOLICY, XFRM_MSG_GETSA};

	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		struct mnl_socket *dump = open_socket(0);

		if (dump == NULL)
			return;
		clear_table(x, dump, table[i]);
		mnl_socket_close(dump);
	}
}

/* ---- Notices ------------------------------------------------------------------------------- */

int xfrm_nl_notices_fd(const struct xfrm_nl *x)
{
	return mnl_socket_get_fd(x->notices);
}

static void on_xfrm_notice(const struct xfrm_nl *x, const struct nlmsghdr *nlh,
			   struct xfrm_notices *n)
{
	const struct xfrm_user_expire *e = mnl_nlmsg_get_payload(nlh);

	switch (nlh->nlmsg_type) {
	case XFRM_MSG_EXPIRE:
		if (mnl_nlmsg_get_payload_len(nlh) >= sizeof(*e) && e->state.reqid == XFRM_REQID)
			n->spent(n->ctx, ntohl(e->state.id.spi), e->hard != 0);
		break;
	case XFRM_MSG_DELSA:
	case XFRM_MSG_FLUSHSA:
	case XFRM_MSG_DELPOLICY:
	case XFRM_MSG_FLUSHPOLICY:
		n->gone = n->gone || nlh->nlmsg_pid != mnl_socket_get_portid(x->sock);
		break;
	default:
		break;
	}
}

void xfrm_nl_notices(struct xfrm_nl *x, struct xfrm_notices *n)
{
	_Alignas(struct nlmsghdr) uint8_t buf[ANSWER_SIZE];
	ssize_t len;

	while ((len = nl_recv(mnl_socket_get_fd(x->notices), buf, sizeof(buf), MSG_DONTWAIT,
			      x->foreign)) >= 0) {
		const struct nlmsghdr *nlh = (const struct nlmsghdr *)(const void *)buf;
		int left = (int)len;

		for (; mnl_nlmsg_ok(nlh, left); nlh = mnl_nlmsg_next(nlh, &left))
			on_xfrm_notice(x, nlh, n);
		explicit_bzero(buf, sizeof(buf));
	}
	n->gone = n->gone || errno == ENOBUFS;
}
