/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The sockets of rtnetlink (libmnl), and who waits for what.
 *
 * A request is queued and sent at the end of the turn, all of a turn in one message, or when
 * something depends on it.  Its verdict comes as a message with its number.  There are two lanes:
 * what signalling may depend on goes before what data alone needs.
 *
 * Tables are read in two ways: at the start the whole answer is waited for, within limits; later
 * it is read as it comes, one part a turn.
 *
 * Not here: the octets of a request (rtm.c), what is wanted (want.c), the monitor (iface.c).
 */
#include "netlink.h"

#include <errno.h>
#include <fcntl.h>
#include <libmnl/libmnl.h>
#include <linux/fib_rules.h>
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <unistd.h>

#include "base/addr.h"

#define LANE_OCTETS 16384 /* some 150 requests */
#define RCVBUF (4 << 20)  /* verdicts of several full lanes */
#define FLUSH_ROUNDS 8    /* a dump may skip entries while others are deleted */
#define WAIT_S 5          /* for a kernel that is asked at the start */
#define ANSWERS_BATCH 8
#define DUMP_TRIES 4 /* where a table changes while it is read */

struct lane {
	_Alignas(struct nlmsghdr) uint8_t octets[LANE_OCTETS];
	size_t len;
};

struct nl {
	struct mnl_socket *sock;  /* requests */
	struct mnl_socket *wait;  /* requests and tables that are waited for */
	struct mnl_socket *dump;  /* the same, in the middle of which others are made */
	struct mnl_socket *table; /* tables that are not waited for */
	struct lane lane[NL_LANES];
	uint32_t seq, table_seq;
	bool table_interrupted;
	uint64_t *foreign;                            /* borrowed */
	_Alignas(struct nlmsghdr) uint8_t buf[32768]; /* one part of a dump */
};

/* ---- Life ---------------------------------------------------------------------------------- */

static struct mnl_socket *nl_open_socket(bool waits)
{
	struct mnl_socket *s =
		mnl_socket_open2(NETLINK_ROUTE, SOCK_CLOEXEC | (waits ? 0 : SOCK_NONBLOCK));
	const struct timeval limit = {.tv_sec = WAIT_S};
	int size = RCVBUF, on = 1;

	if (s == NULL)
		return NULL;
	if (mnl_socket_bind(s, 0, MNL_SOCKET_AUTOPID) < 0 ||
	    setsockopt(mnl_socket_get_fd(s), SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit)) < 0) {
		mnl_socket_close(s);
		return NULL;
	}
	(void)setsockopt(mnl_socket_get_fd(s), SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size));
	(void)mnl_socket_setsockopt(s, NETLINK_CAP_ACK, &on, sizeof(on)); /* short verdicts */
	return s;
}

int nl_open(uint64_t *foreign, struct nl **ret_nl)
{
	struct nl *nl = calloc(1, sizeof(*nl));
	int on = 1;

	if (nl == NULL)
		return -ENOMEM;
	nl->foreign = foreign;
	nl->sock = nl_open_socket(false);
	nl->wait = nl_open_socket(true);
	nl->dump = nl_open_socket(true);
	nl->table = nl_open_socket(false);
	if (nl->sock == NULL || nl->wait == NULL || nl->dump == NULL || nl->table == NULL) {
		int err = -errno;

		nl_close(nl);
		return err;
	}
	/* The kernel then picks what has our mark; where it does not, we do. */
	(void)mnl_socket_setsockopt(nl->table, NETLINK_GET_STRICT_CHK, &on, sizeof(on));

	*ret_nl = nl;
	return 0;
}

void nl_close(struct nl *nl)
{
	struct mnl_socket *sock[4];

	if (nl == NULL)
		return;
	sock[0] = nl->sock;
	sock[1] = nl->wait;
	sock[2] = nl->dump;
	sock[3] = nl->table;
	for (size_t i = 0; i < sizeof(sock) / sizeof(sock[0]); i++) {
		if (sock[i] != NULL)
			mnl_socket_close(sock[i]);
	}
	free(nl);
}

int nl_fd(const struct nl *nl)
{
	return mnl_socket_get_fd(nl->sock);
}

int nl_table_fd(const struct nl *nl)
{
	return mnl_socket_get_fd(nl->table);
}

bool nl_is_own(const struct nl *nl, uint32_t port)
{
	return port == mnl_socket_get_portid(nl->sock) || port == mnl_socket_get_portid(nl->wait);
}

/* ---- Requests ------------------------------------------------------------------------------ */

uint32_t nl_queue(struct nl *nl, enum nl_lane which, struct nlmsghdr *nlh)
{
	struct lane *lane = &nl->lane[which];

	if (lane->len + NLMSG_ALIGN(nlh->nlmsg_len) > sizeof(lane->octets))
		return 0;
	if (++nl->seq == 0)
		nl->seq = 1;
	nlh->nlmsg_seq = nl->seq;
	memcpy(lane->octets + lane->len, nlh, nlh->nlmsg_len);
	lane->len += NLMSG_ALIGN(nlh->nlmsg_len);
	return nl->seq;
}

bool nl_waits(const struct nl *nl, enum nl_lane which)
{
	return nl->lane[which].len > 0;
}

void nl_send(struct nl *nl, enum nl_lane which, nl_answer_fn fn, void *ctx)
{
	struct lane *lane = &nl->lane[which];
	const struct nlmsghdr *nlh = (const struct nlmsghdr *)(const void *)lane->octets;
	int left = (int)lane->len;
	int err = 0;

	if (lane->len == 0)
		return;
	if (mnl_socket_sendto(nl->sock, lane->octets, lane->len) < 0)
		err = -errno;
	for (; err < 0 && mnl_nlmsg_ok(nlh, left); nlh = mnl_nlmsg_next(nlh, &left))
		fn(ctx, nlh->nlmsg_seq, err);
	lane->len = 0;
}

/* What a verdict or the end of a dump says. */
static int nl_error_of(const struct nlmsghdr *nlh)
{
	int error = 0;

	if (mnl_nlmsg_get_payload_len(nlh) >= sizeof(error))
		memcpy(&error, mnl_nlmsg_get_payload(nlh), sizeof(error));
	return error;
}

/* What came in one datagram. */
static void nl_answer(struct nl *nl, const struct mmsghdr *m, nl_answer_fn fn, nl_message_fn told,
		      void *ctx)
{
	const struct sockaddr_nl *from = m->msg_hdr.msg_name;
	const struct nlmsghdr *nlh = m->msg_hdr.msg_iov->iov_base;
	int left = (int)m->msg_len;

	if (m->msg_hdr.msg_namelen != sizeof(*from) || from->nl_pid != 0) {
		++*nl->foreign;
		return;
	}
	for (; mnl_nlmsg_ok(nlh, left); nlh = mnl_nlmsg_next(nlh, &left)) {
		if (nlh->nlmsg_type == NLMSG_ERROR)
			fn(ctx, nlh->nlmsg_seq, nl_error_of(nlh));
		else
			told(ctx, nlh);
	}
}

void nl_answers(struct nl *nl, nl_answer_fn fn, nl_message_fn told, void *ctx)
{
	struct rtm octets[ANSWERS_BATCH]; /* a verdict has some 40 octets, a route 250 */
	struct sockaddr_nl from[ANSWERS_BATCH];
	struct mmsghdr m[ANSWERS_BATCH];
	struct iovec iov[ANSWERS_BATCH];
	int n = ANSWERS_BATCH;

	while (n == ANSWERS_BATCH) {
		for (unsigned i = 0; i < ANSWERS_BATCH; i++) {
			iov[i] = (struct iovec){&octets[i], sizeof(octets[i])};
			m[i] = (struct mmsghdr){.msg_hdr = {.msg_name = &from[i],
							    .msg_namelen = sizeof(from[i]),
							    .msg_iov = &iov[i],
							    .msg_iovlen = 1}};
		}
		n = recvmmsg(nl_fd(nl), m, ANSWERS_BATCH, MSG_DONTWAIT, NULL);
		if (n < 0 && errno == ENOBUFS)
			fn(ctx, 0, -ENOBUFS);
		if (n < 0 && (errno == ENOBUFS || errno == EINTR))
			n = ANSWERS_BATCH; /* what there is comes next */
		else
			for (int i = 0; i < n; i++)
				nl_answer(nl, &m[i], fn, told, ctx);
	}
}

/* Sends @nlh and reads until the kernel's verdict. */
static int nl_transact(struct nl *nl, struct nlmsghdr *nlh)
{
	_Alignas(struct nlmsghdr) uint8_t buf[4096];
	unsigned portid = mnl_socket_get_portid(nl->wait);
	int more = 1;

	nlh->nlmsg_seq = ++nl->seq;
	if (mnl_socket_sendto(nl->wait, nlh, nlh->nlmsg_len) < 0)
		return -errno;
	while (more > 0) {
		ssize_t n = nl_recv(mnl_socket_get_fd(nl->wait), buf, sizeof(buf), 0, nl->foreign);

		if (n == 0 || (n < 0 && errno == EINTR))
			continue;
		if (n < 0)
			return -errno;
		more = mnl_cb_run(buf, (size_t)n, nlh->nlmsg_seq, portid, NULL, NULL);
	}
	return more < 0 ? -errno : 0;
}

static struct nlmsghdr *nl_begin(struct rtm *octets, uint16_t type, uint16_t flags)
{
	struct nlmsghdr *nlh;

	memset(octets, 0, sizeof(*octets));
	nlh = mnl_nlmsg_put_header(octets->octets);
	nlh->nlmsg_type = type;
	nlh->nlmsg_flags = (uint16_t)(NLM_F_REQUEST | flags);
	return nlh;
}

/* ---- Attributes ---------------------------------------------------------------------------- */

struct attrs {
	const struct nlattr **tb;
	unsigned n;
};

static int nl_on_attr(const struct nlattr *attr, void *ctx)
{
	const struct attrs *attrs = ctx;
	uint16_t type = mnl_attr_get_type(attr);

	if (type < attrs->n)
		attrs->tb[type] = attr;
	return MNL_CB_OK;
}

void nl_parse(const struct nlmsghdr *nlh, size_t header, const struct nlattr **ret_tb, unsigned n)
{
	struct attrs attrs = {ret_tb, n};

	memset(ret_tb, 0, n * sizeof(*ret_tb)); /* NOLINT(bugprone-sizeof-expression) */
	mnl_attr_parse(nlh, (unsigned)header, nl_on_attr, &attrs);
}

void nl_parse_nested(const struct nlattr *nest, const struct nlattr **ret_tb, unsigned n)
{
	struct attrs attrs = {ret_tb, n};

	memset(ret_tb, 0, n * sizeof(*ret_tb)); /* NOLINT(bugprone-sizeof-expression) */
	if (nest != NULL)
		mnl_attr_parse_nested(nest, nl_on_attr, &attrs);
}

void nl_parse_octets(const void *octets, size_t len, const struct nlattr **ret_tb, unsigned n)
{
	struct attrs attrs = {ret_tb, n};

	memset(ret_tb, 0, n * sizeof(*ret_tb)); /* NOLINT(bugprone-sizeof-expression) */
	mnl_attr_parse_payload(octets, len, nl_on_attr, &attrs);
}

uint32_t nl_u32(const struct nlattr *attr, uint32_t otherwise)
{
	return attr != NULL && mnl_attr_get_payload_len(attr) >= 4 ? mnl_attr_get_u32(attr)
								   : otherwise;
}

uint8_t nl_u8(const struct nlattr *attr, uint8_t otherwise)
{
	return attr != NULL && mnl_attr_get_payload_len(attr) >= 1 ? mnl_attr_get_u8(attr)
								   : otherwise;
}

bool nl_addr(const struct nlattr *attr, struct in6_addr *ret)
{
	const size_t len = attr != NULL ? mnl_attr_get_payload_len(attr) : 0;

	if (len == sizeof(*ret))
		*ret = addr_at(mnl_attr_get_payload(attr));
	else if (len == sizeof(struct in_addr))
		*ret = addr_of_ipv4(mnl_attr_get_payload(attr));
	else
		return false;
	return true;
}

/* ---- Tables -------------------------------------------------------------------------------- */

/* Every rtnetlink header has the family in its first octet and no more than 16 octets. */
static struct nlmsghdr *nl_ask(struct rtm *octets, const struct nl_table *t)
{
	const uint8_t family = t->family != 0 ? t->family : AF_INET6;
	struct nlmsghdr *nlh = nl_begin(octets, t->type, NLM_F_DUMP);
	struct ndmsg *ndm;
	struct rtmsg *rtm;

	switch (t->type) {
	case RTM_GETROUTE:
	case RTM_GETRULE: /* struct fib_rule_hdr is as long */
		rtm = mnl_nlmsg_put_extra_header(nlh, sizeof(*rtm));
		rtm->rtm_family = family;
		rtm->rtm_protocol = t->protocol;
		break;
	case RTM_GETADDR:
		((struct ifaddrmsg *)mnl_nlmsg_put_extra_header(nlh, sizeof(struct ifaddrmsg)))
			->ifa_family = family;
		break;
	case RTM_GETNEIGH:
		ndm = mnl_nlmsg_put_extra_header(nlh, sizeof(*ndm));
		ndm->ndm_family = family;
		ndm->ndm_flags = t->ndm_flags;
		break;
	default:
		mnl_nlmsg_put_extra_header(nlh, sizeof(struct ifinfomsg));
		break;
	}
	return nlh;
}

/* Reads a dump to its end, whatever happens: while one is under way the kernel refuses the next.
 * -EINTR: what was read has changed meanwhile, and something may be missing. */
static int nl_read_dump(struct nl *nl, uint32_t seq, nl_message_fn fn, void *ctx)
{
	bool interrupted = false;

	for (;;) {
		ssize_t n = nl_recv(mnl_socket_get_fd(nl->dump), nl->buf, sizeof(nl->buf), 0,
				    nl->foreign);
		const struct nlmsghdr *nlh = (const struct nlmsghdr *)(const void *)nl->buf;
		int left = (int)n;

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		for (; mnl_nlmsg_ok(nlh, left); nlh = mnl_nlmsg_next(nlh, &left)) {
			if (nlh->nlmsg_seq != seq)
				continue;
			interrupted |= (nlh->nlmsg_flags & NLM_F_DUMP_INTR) != 0;
			if (nlh->nlmsg_type == NLMSG_ERROR)
				return nl_error_of(nlh);
			if (nlh->nlmsg_type == NLMSG_DONE)
				return interrupted ? -EINTR : nl_error_of(nlh);
			fn(ctx, nlh);
		}
	}
}

static int nl_read_table(struct nl *nl, const struct nl_table *t, nl_message_fn fn, void *ctx)
{
	struct rtm octets;
	int err = -EINTR;

	for (unsigned tries = 0; (err == -EINTR || err == -EBUSY) && tries < DUMP_TRIES; tries++) {
		struct nlmsghdr *nlh = nl_ask(&octets, t);

		nlh->nlmsg_seq = ++nl->seq;
		if (mnl_socket_sendto(nl->dump, nlh, nlh->nlmsg_len) < 0)
			return -errno;
		err = nl_read_dump(nl, nlh->nlmsg_seq, fn, ctx);
	}
	return err;
}

int nl_dump(struct nl *nl, uint16_t type, uint8_t family, nl_message_fn fn, void *ctx)
{
	return nl_read_table(nl, &(struct nl_table){.type = type, .family = family}, fn, ctx);
}

int nl_table_ask(struct nl *nl, const struct nl_table *t)
{
	struct rtm octets;
	struct nlmsghdr *nlh = nl_ask(&octets, t);

	nl->table_interrupted = false;
	nl->table_seq = nlh->nlmsg_seq = ++nl->seq;
	return mnl_socket_sendto(nl->table, nlh, nlh->nlmsg_len) < 0 ? -errno : 0;
}

int nl_table_read(struct nl *nl, nl_message_fn fn, void *ctx)
{
	ssize_t n = nl_recv(nl_table_fd(nl), nl->buf, sizeof(nl->buf), MSG_DONTWAIT, nl->foreign);
	const struct nlmsghdr *nlh = (const struct nlmsghdr *)(const void *)nl->buf;
	int left = (int)n;
	int ret = 1;

	if (n < 0)
		return errno == EAGAIN || errno == EINTR ? 1 : -errno;
	for (; mnl_nlmsg_ok(nlh, left); nlh = mnl_nlmsg_next(nlh, &left)) {
		if (nlh->nlmsg_seq != nl->table_seq)
			continue;
		if (nlh->nlmsg_flags & NLM_F_DUMP_INTR)
			nl->table_interrupted = true;
		if (nlh->nlmsg_type == NLMSG_ERROR)
			ret = nl_error_of(nlh);
		else if (nlh->nlmsg_type == NLMSG_DONE)
			ret = nl->table_interrupted ? -EINTR : nl_error_of(nlh);
		else
			fn(ctx, nlh);
	}
	return ret;
}

struct flush {
	struct nl *nl;
	unsigned deleted;
};

/* Sends the dumped object back as a request to delete it. */
static void nl_flush_one(struct flush *f, const struct nlmsghdr *nlh, uint16_t type)
{
	struct rtm octets;
	struct nlmsghdr *del = rtm_delete(&octets, nlh, type);

	if (del != NULL && nl_transact(f->nl, del) == 0)
		f->deleted++;
}

static void nl_flush_route(void *ctx, const struct nlmsghdr *nlh)
{
	const struct rtmsg *rtm = mnl_nlmsg_get_payload(nlh);

	if (nlh->nlmsg_type == RTM_NEWROUTE && rtm->rtm_protocol == LNX_RTPROT)
		nl_flush_one(ctx, nlh, RTM_DELROUTE);
}

static void nl_flush_rule(void *ctx, const struct nlmsghdr *nlh)
{
	const struct nlattr *tb[FRA_MAX + 1];

	if (nlh->nlmsg_type != RTM_NEWRULE)
		return;
	nl_parse(nlh, sizeof(struct fib_rule_hdr), tb, FRA_MAX + 1);
	if (nl_u8(tb[FRA_PROTOCOL], 0) == LNX_RTPROT)
		nl_flush_one(ctx, nlh, RTM_DELRULE);
}

static void nl_flush_proxy(void *ctx, const struct nlmsghdr *nlh)
{
	const struct nlattr *tb[NDA_MAX + 1];

	if (nlh->nlmsg_type != RTM_NEWNEIGH)
		return;
	nl_parse(nlh, sizeof(struct ndmsg), tb, NDA_MAX + 1);
	if (nl_u8(tb[NDA_PROTOCOL], 0) == LNX_RTPROT)
		nl_flush_one(ctx, nlh, RTM_DELNEIGH);
}

int nl_flush(struct nl *nl)
{
	/* Rules first: from then on the system's own routes decide. */
	static const struct {
		struct nl_table table;
		nl_message_fn fn;
	} kind[] = {
		{{.type = RTM_GETRULE}, nl_flush_rule},
		{{.type = RTM_GETROUTE}, nl_flush_route},
		{{.type = RTM_GETNEIGH, .ndm_flags = NTF_PROXY}, nl_flush_proxy},
	};
	int ret = 0;

	for (size_t i = 0; i < sizeof(kind) / sizeof(kind[0]); i++) {
		for (unsigned round = 0; round < FLUSH_ROUNDS; round++) {
			struct flush f = {.nl = nl};
			int err = nl_read_table(nl, &kind[i].table, kind[i].fn, &f);

			if (err < 0 && ret == 0)
				ret = err;
			if (f.deleted == 0)
				break;
		}
	}
	return ret;
}

/* ---- Sysctl -------------------------------------------------------------------------------- */

static int nl_sysctl_open(const char *path, int flags)
{
	char full[128];
	int fd;

	if ((size_t)snprintf(full, sizeof(full), "/proc/sys/net/ipv6/%s", path) >= sizeof(full))
		return -ENAMETOOLONG;
	fd = open(full, flags | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

int nl_sysctl_set(const char *path, const char *value)
{
	int fd = nl_sysctl_open(path, O_WRONLY);
	int err = 0;

	if (fd < 0)
		return fd;
	if (write(fd, value, strlen(value)) < 0)
		err = -errno;
	close(fd);
	return err;
}

int nl_sysctl_get(const char *path)
{
	int fd = nl_sysctl_open(path, O_RDONLY);
	char text[32] = {0};
	ssize_t n;

	if (fd < 0)
		return fd;
	n = read(fd, text, sizeof(text) - 1);
	close(fd);
	if (n <= 0)
		return -EIO;
	return (int)strtol(text, NULL, 10);
}
