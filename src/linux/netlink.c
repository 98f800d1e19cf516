/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Requests to the kernel over rtnetlink (libmnl), one at a time, each with its verdict.  Everything
 * that is put into the kernel carries LNX_RTPROT, so that nl_flush() finds it again: at the end,
 * and at a start after a crash.  Owns the two request sockets; the monitor socket belongs to
 * iface.c.
 */
#include "netlink.h"

#include <errno.h>
#include <fcntl.h>
#include <libmnl/libmnl.h>
#include <linux/fib_rules.h>
#include <linux/if_addr.h>
#include <linux/if_link.h>
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "internal.h"

#define REQUEST_MAX 1024 /* the largest request, a copied route message, has some 300 octets */
#define FLUSH_ROUNDS 8   /* a dump may skip entries while others are deleted */

struct nl {
	struct mnl_socket *sock; /* requests, also in the middle of a dump */
	struct mnl_socket *dump;
	uint32_t seq;
	uint64_t *foreign;  /* borrowed */
	uint8_t buf[32768]; /* one part of a dump */
};

static struct mnl_socket *open_socket(void)
{
	struct mnl_socket *s = mnl_socket_open2(NETLINK_ROUTE, SOCK_CLOEXEC);

	if (s == NULL)
		return NULL;
	if (mnl_socket_bind(s, 0, MNL_SOCKET_AUTOPID) < 0) {
		mnl_socket_close(s);
		return NULL;
	}
	return s;
}

int nl_open(uint64_t *foreign, struct nl **ret_nl)
{
	struct nl *nl = calloc(1, sizeof(*nl));

	if (nl == NULL)
		return -ENOMEM;
	nl->foreign = foreign;
	nl->sock = open_socket();
	nl->dump = open_socket();
	if (nl->sock == NULL || nl->dump == NULL) {
		int err = -errno;

		nl_close(nl);
		return err;
	}

	*ret_nl = nl;
	return 0;
}

void nl_close(struct nl *nl)
{
	if (nl == NULL)
		return;
	if (nl->sock != NULL)
		mnl_socket_close(nl->sock);
	if (nl->dump != NULL)
		mnl_socket_close(nl->dump);
	free(nl);
}

/* Sends @nlh and reads until the kernel's verdict; messages before it go to @cb. */
static int transact(struct nl *nl, struct mnl_socket *sock, struct nlmsghdr *nlh, mnl_cb_t cb,
		    void *ctx)
{
	uint8_t buf[4096];
	unsigned portid = mnl_socket_get_portid(sock);
	uint32_t seq = ++nl->seq;
	int more = 1;

	nlh->nlmsg_seq = seq;
	if (mnl_socket_sendto(sock, nlh, nlh->nlmsg_len) < 0)
		return -errno;
	do {
		ssize_t n = nl_recv(mnl_socket_get_fd(sock), buf, sizeof(buf), 0, nl->foreign);

		if (n == 0)
			continue;
		if (n < 0) {
			if (errno == EINTR)
				continue;
			return -errno;
		}
		more = mnl_cb_run(buf, (size_t)n, seq, portid, cb, ctx);
		if (more < 0)
			return -errno;
	} while (more > 0);
	return 0;
}

static struct nlmsghdr *begin(uint8_t *buf, uint16_t type, uint16_t flags)
{
	struct nlmsghdr *nlh;

	memset(buf, 0, REQUEST_MAX);
	nlh = mnl_nlmsg_put_header(buf);
	nlh->nlmsg_type = type;
	nlh->nlmsg_flags = (uint16_t)(NLM_F_REQUEST | NLM_F_ACK | flags);
	return nlh;
}

static void put_addr(struct nlmsghdr *nlh, uint16_t type, const struct in6_addr *a)
{
	mnl_attr_put(nlh, type, sizeof(*a), a);
}

/* ---- Attributes ---------------------------------------------------------------------------- */

struct attrs {
	const struct nlattr **tb;
	unsigned n;
};

static int on_attr(const struct nlattr *attr, void *ctx)
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
	mnl_attr_parse(nlh, (unsigned)header, on_attr, &attrs);
}

void nl_parse_nested(const struct nlattr *nest, const struct nlattr **ret_tb, unsigned n)
{
	struct attrs attrs = {ret_tb, n};

	memset(ret_tb, 0, n * sizeof(*ret_tb)); /* NOLINT(bugprone-sizeof-expression) */
	if (nest != NULL)
		mnl_attr_parse_nested(nest, on_attr, &attrs);
}

void nl_parse_octets(const void *octets, size_t len, const struct nlattr **ret_tb, unsigned n)
{
	struct attrs attrs = {ret_tb, n};

	memset(ret_tb, 0, n * sizeof(*ret_tb)); /* NOLINT(bugprone-sizeof-expression) */
	mnl_attr_parse_payload(octets, len, on_attr, &attrs);
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
	if (attr == NULL || mnl_attr_get_payload_len(attr) != sizeof(*ret))
		return false;
	memcpy(ret, mnl_attr_get_payload(attr), sizeof(*ret));
	return true;
}

/* ---- Addresses ----------------------------------------------------------------------------- */

static int addr_change(struct nl *nl, uint16_t type, uint16_t flags, uint32_t ifindex,
		       const struct in6_addr *addr, uint8_t prefix_len)
{
	uint8_t buf[REQUEST_MAX];
	struct nlmsghdr *nlh = begin(buf, type, flags);
	struct ifaddrmsg *ifa = mnl_nlmsg_put_extra_header(nlh, sizeof(*ifa));

	ifa->ifa_family = AF_INET6;
	ifa->ifa_prefixlen = prefix_len;
	ifa->ifa_scope = RT_SCOPE_UNIVERSE;
	ifa->ifa_index = ifindex;
	put_addr(nlh, IFA_LOCAL, addr);
	put_addr(nlh, IFA_ADDRESS, addr);
	/* The address is the mobile node's wherever it is: nobody else can have it, so a second of
	 * duplicate detection at each handover would only be an outage (RFC 6275, 11.5.5). */
	if (type == RTM_NEWADDR)
		mnl_attr_put_u32(nlh, IFA_FLAGS, IFA_F_NODAD | IFA_F_NOPREFIXROUTE);
	return transact(nl, nl->sock, nlh, NULL, NULL);
}

int nl_addr_add(struct nl *nl, uint32_t ifindex, const struct in6_addr *addr, uint8_t prefix_len)
{
	return addr_change(nl, RTM_NEWADDR, NLM_F_CREATE | NLM_F_REPLACE, ifindex, addr,
			   prefix_len);
}

int nl_addr_del(struct nl *nl, uint32_t ifindex, const struct in6_addr *addr, uint8_t prefix_len)
{
	return addr_change(nl, RTM_DELADDR, 0, ifindex, addr, prefix_len);
}

/* ---- Routes -------------------------------------------------------------------------------- */

static int route_change(struct nl *nl, uint16_t type, uint16_t flags, const struct nl_route *r)
{
	uint8_t buf[REQUEST_MAX];
	struct nlmsghdr *nlh = begin(buf, type, flags);
	struct rtmsg *rtm = mnl_nlmsg_put_extra_header(nlh, sizeof(*rtm));

	rtm->rtm_family = AF_INET6;
	rtm->rtm_dst_len = r->dst_len;
	rtm->rtm_protocol = LNX_RTPROT;
	rtm->rtm_scope = RT_SCOPE_UNIVERSE;
	rtm->rtm_type = type == RTM_NEWROUTE ? RTN_UNICAST : RTN_UNSPEC;
	rtm->rtm_table = r->table < 256 ? (uint8_t)r->table : RT_TABLE_UNSPEC;
	mnl_attr_put_u32(nlh, RTA_TABLE, r->table);
	if (r->dst_len > 0)
		put_addr(nlh, RTA_DST, &r->dst);
	if (r->metric != 0)
		mnl_attr_put_u32(nlh, RTA_PRIORITY, r->metric);
	if (r->oif != 0)
		mnl_attr_put_u32(nlh, RTA_OIF, r->oif);
	if (type == RTM_DELROUTE)
		return transact(nl, nl->sock, nlh, NULL, NULL);

	if (!IN6_IS_ADDR_UNSPECIFIED(&r->gateway)) {
		put_addr(nlh, RTA_GATEWAY, &r->gateway);
		if (r->onlink)
			rtm->rtm_flags |= RTNH_F_ONLINK;
	}
	if (!IN6_IS_ADDR_UNSPECIFIED(&r->prefsrc))
		put_addr(nlh, RTA_PREFSRC, &r->prefsrc);
	if (r->mtu != 0) {
		struct nlattr *nest = mnl_attr_nest_start(nlh, RTA_METRICS);

		mnl_attr_put_u32(nlh, RTAX_MTU, r->mtu);
		mnl_attr_nest_end(nlh, nest);
	}
	return transact(nl, nl->sock, nlh, NULL, NULL);
}

int nl_route_set(struct nl *nl, const struct nl_route *r)
{
	return route_change(nl, RTM_NEWROUTE, NLM_F_CREATE | NLM_F_REPLACE, r);
}

int nl_route_del(struct nl *nl, const struct nl_route *r)
{
	return route_change(nl, RTM_DELROUTE, 0, r);
}

struct route_get {
	struct nl_route route;
	bool found;
};

static int on_route_get(const struct nlmsghdr *nlh, void *ctx)
{
	struct route_get *get = ctx;
	const struct rtmsg *rtm = mnl_nlmsg_get_payload(nlh);
	const struct nlattr *tb[RTA_MAX + 1];
	const struct nlattr *metric[RTAX_MAX + 1];

	if (nlh->nlmsg_type != RTM_NEWROUTE || rtm->rtm_type != RTN_UNICAST)
		return MNL_CB_OK;
	get->found = true;
	nl_parse(nlh, sizeof(*rtm), tb, RTA_MAX + 1);
	get->route.oif = nl_u32(tb[RTA_OIF], 0);
	nl_addr(tb[RTA_GATEWAY], &get->route.gateway);
	if (tb[RTA_METRICS] != NULL) {
		nl_parse_nested(tb[RTA_METRICS], metric, RTAX_MAX + 1);
		get->route.mtu = nl_u32(metric[RTAX_MTU], 0);
	}
	return MNL_CB_OK;
}

int nl_route_get(struct nl *nl, const struct in6_addr *dst, const struct in6_addr *src,
		 struct nl_route *ret)
{
	uint8_t buf[REQUEST_MAX];
	struct nlmsghdr *nlh = begin(buf, RTM_GETROUTE, 0);
	struct rtmsg *rtm = mnl_nlmsg_put_extra_header(nlh, sizeof(*rtm));
	struct route_get get = {0};
	int err;

	rtm->rtm_family = AF_INET6;
	rtm->rtm_dst_len = 128;
	put_addr(nlh, RTA_DST, dst);
	if (!IN6_IS_ADDR_UNSPECIFIED(src)) {
		rtm->rtm_src_len = 128;
		put_addr(nlh, RTA_SRC, src);
	}
	err = transact(nl, nl->sock, nlh, on_route_get, &get);
	if (err < 0)
		return err;
	if (!get.found)
		return -EHOSTUNREACH;

	*ret = get.route;
	return 0;
}

/* ---- Rules --------------------------------------------------------------------------------- */

static int rule_change(struct nl *nl, uint16_t type, uint16_t flags, const struct nl_rule *r)
{
	uint8_t buf[REQUEST_MAX];
	struct nlmsghdr *nlh = begin(buf, type, flags);
	struct fib_rule_hdr *frh = mnl_nlmsg_put_extra_header(nlh, sizeof(*frh));

	frh->family = AF_INET6;
	if (r->nop) {
		frh->action = FR_ACT_NOP;
	} else if (r->go_to != 0) {
		frh->action = FR_ACT_GOTO;
		mnl_attr_put_u32(nlh, FRA_GOTO, r->go_to);
	} else {
		frh->action = FR_ACT_TO_TBL;
		frh->table = r->table < 256 ? (uint8_t)r->table : RT_TABLE_UNSPEC;
		mnl_attr_put_u32(nlh, FRA_TABLE, r->table);
	}
	mnl_attr_put_u32(nlh, FRA_PRIORITY, r->priority);
	mnl_attr_put_u8(nlh, FRA_PROTOCOL, LNX_RTPROT);
	if (r->from != NULL) {
		frh->src_len = 128;
		put_addr(nlh, FRA_SRC, r->from);
	}
	if (r->to != NULL) {
		frh->dst_len = r->to_len;
		put_addr(nlh, FRA_DST, r->to);
	}
	if (r->no_default)
		mnl_attr_put_u32(nlh, FRA_SUPPRESS_PREFIXLEN, 0);
	return transact(nl, nl->sock, nlh, NULL, NULL);
}

int nl_rule_add(struct nl *nl, const struct nl_rule *r)
{
	int err = rule_change(nl, RTM_NEWRULE, NLM_F_CREATE | NLM_F_EXCL, r);

	return err == -EEXIST ? 0 : err;
}

int nl_rule_del(struct nl *nl, const struct nl_rule *r)
{
	return rule_change(nl, RTM_DELRULE, 0, r);
}

/* ---- Proxy neighbours ---------------------------------------------------------------------- */

static int proxy_change(struct nl *nl, uint16_t type, uint16_t flags, uint32_t ifindex,
			const struct in6_addr *addr)
{
	uint8_t buf[REQUEST_MAX];
	struct nlmsghdr *nlh = begin(buf, type, flags);
	struct ndmsg *ndm = mnl_nlmsg_put_extra_header(nlh, sizeof(*ndm));

	ndm->ndm_family = AF_INET6;
	ndm->ndm_ifindex = (int)ifindex;
	/* Without NTF_ROUTER: the mobile node is no router (RFC 6275, 10.4.1). */
	ndm->ndm_flags = NTF_PROXY;
	put_addr(nlh, NDA_DST, addr);
	mnl_attr_put_u8(nlh, NDA_PROTOCOL, LNX_RTPROT);
	return transact(nl, nl->sock, nlh, NULL, NULL);
}

int nl_proxy_add(struct nl *nl, uint32_t ifindex, const struct in6_addr *addr)
{
	return proxy_change(nl, RTM_NEWNEIGH, NLM_F_CREATE | NLM_F_REPLACE, ifindex, addr);
}

int nl_proxy_del(struct nl *nl, uint32_t ifindex, const struct in6_addr *addr)
{
	return proxy_change(nl, RTM_DELNEIGH, 0, ifindex, addr);
}

/* ---- Links --------------------------------------------------------------------------------- */

/* Before the link goes up, and so in a request of its own: the kernel reads flags first. */
static int no_link_local(struct nl *nl, uint32_t ifindex)
{
	uint8_t buf[REQUEST_MAX];
	struct nlmsghdr *nlh = begin(buf, RTM_NEWLINK, 0);
	struct ifinfomsg *ifi = mnl_nlmsg_put_extra_header(nlh, sizeof(*ifi));
	struct nlattr *af_spec, *inet6;

	ifi->ifi_index = (int)ifindex;
	af_spec = mnl_attr_nest_start(nlh, IFLA_AF_SPEC);
	inet6 = mnl_attr_nest_start(nlh, AF_INET6);
	mnl_attr_put_u8(nlh, IFLA_INET6_ADDR_GEN_MODE, IN6_ADDR_GEN_MODE_NONE);
	mnl_attr_nest_end(nlh, inet6);
	mnl_attr_nest_end(nlh, af_spec);
	return transact(nl, nl->sock, nlh, NULL, NULL);
}

int nl_link_up(struct nl *nl, uint32_t ifindex, uint32_t mtu)
{
	uint8_t buf[REQUEST_MAX];
	struct nlmsghdr *nlh;
	struct ifinfomsg *ifi;
	int err = no_link_local(nl, ifindex);

	if (err < 0)
		return err;
	nlh = begin(buf, RTM_NEWLINK, 0);
	ifi = mnl_nlmsg_put_extra_header(nlh, sizeof(*ifi));
	ifi->ifi_index = (int)ifindex;
	ifi->ifi_flags = IFF_UP;
	ifi->ifi_change = IFF_UP | IFF_MULTICAST;
	mnl_attr_put_u32(nlh, IFLA_MTU, mtu);
	return transact(nl, nl->sock, nlh, NULL, NULL);
}

/* ---- Dumps and flush ----------------------------------------------------------------------- */

/* What ends a dump says with which error, if any. */
static int end_of(const struct nlmsghdr *nlh)
{
	int error = 0;

	if (mnl_nlmsg_get_payload_len(nlh) >= sizeof(error))
		memcpy(&error, mnl_nlmsg_get_payload(nlh), sizeof(error));
	return error;
}

/* Reads a dump to its end, whatever happens: while one is under way the kernel refuses the next.
 * -EINTR: what was read has changed meanwhile, and something may be missing. */
static int read_dump(struct nl *nl, uint32_t seq, nl_message_fn fn, void *ctx)
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
				return end_of(nlh);
			if (nlh->nlmsg_type == NLMSG_DONE)
				return interrupted ? -EINTR : end_of(nlh);
			fn(ctx, nlh);
		}
	}
}

/* Every rtnetlink header has the family in its first octet and no more than 16 octets; @ndm_flags
 * lies within that of a neighbour request and is zero in the others. */
static int dump(struct nl *nl, uint16_t type, uint8_t family, uint8_t ndm_flags, nl_message_fn fn,
		void *ctx)
{
	uint8_t buf[REQUEST_MAX];
	struct nlmsghdr *nlh = begin(buf, type, NLM_F_DUMP);
	struct ndmsg *ndm = mnl_nlmsg_put_extra_header(nlh, sizeof(struct ifinfomsg));
	uint32_t seq = ++nl->seq;

	ndm->ndm_family = family;
	ndm->ndm_flags = ndm_flags;
	nlh->nlmsg_seq = seq;
	if (mnl_socket_sendto(nl->dump, nlh, nlh->nlmsg_len) < 0)
		return -errno;
	return read_dump(nl, seq, fn, ctx);
}

int nl_dump(struct nl *nl, uint16_t type, nl_message_fn fn, void *ctx)
{
	return dump(nl, type, type == RTM_GETLINK ? AF_UNSPEC : AF_INET6, 0, fn, ctx);
}

struct flush {
	struct nl *nl;
	unsigned deleted;
};

/* Sends the dumped object back as a request to delete it. */
static void flush_one(struct flush *f, const struct nlmsghdr *nlh, uint16_t type)
{
	uint8_t buf[REQUEST_MAX];
	struct nlmsghdr *del;

	if (nlh->nlmsg_len > sizeof(buf))
		return;
	memcpy(buf, nlh, nlh->nlmsg_len);
	del = (struct nlmsghdr *)(void *)buf;
	del->nlmsg_type = type;
	del->nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK;
	del->nlmsg_pid = 0;
	if (transact(f->nl, f->nl->sock, del, NULL, NULL) == 0)
		f->deleted++;
}

static void flush_route(void *ctx, const struct nlmsghdr *nlh)
{
	const struct rtmsg *rtm = mnl_nlmsg_get_payload(nlh);

	if (nlh->nlmsg_type == RTM_NEWROUTE && rtm->rtm_protocol == LNX_RTPROT)
		flush_one(ctx, nlh, RTM_DELROUTE);
}

static void flush_rule(void *ctx, const struct nlmsghdr *nlh)
{
	const struct nlattr *tb[FRA_MAX + 1];

	if (nlh->nlmsg_type != RTM_NEWRULE)
		return;
	nl_parse(nlh, sizeof(struct fib_rule_hdr), tb, FRA_MAX + 1);
	if (nl_u8(tb[FRA_PROTOCOL], 0) == LNX_RTPROT)
		flush_one(ctx, nlh, RTM_DELRULE);
}

static void flush_proxy(void *ctx, const struct nlmsghdr *nlh)
{
	const struct nlattr *tb[NDA_MAX + 1];

	if (nlh->nlmsg_type != RTM_NEWNEIGH)
		return;
	nl_parse(nlh, sizeof(struct ndmsg), tb, NDA_MAX + 1);
	if (nl_u8(tb[NDA_PROTOCOL], 0) == LNX_RTPROT)
		flush_one(ctx, nlh, RTM_DELNEIGH);
}

struct forget {
	struct flush flush;
	uint32_t ifindex;
	const struct in6_addr *keep;
};

static void forget_one(void *ctx, const struct nlmsghdr *nlh)
{
	const struct ndmsg *ndm = mnl_nlmsg_get_payload(nlh);
	const struct nlattr *tb[NDA_MAX + 1];
	struct forget *f = ctx;
	struct in6_addr addr;

	if (nlh->nlmsg_type != RTM_NEWNEIGH || (uint32_t)ndm->ndm_ifindex != f->ifindex ||
	    !(ndm->ndm_state & (NUD_INCOMPLETE | NUD_FAILED)))
		return;
	nl_parse(nlh, sizeof(*ndm), tb, NDA_MAX + 1);
	if (!nl_addr(tb[NDA_DST], &addr) || IN6_ARE_ADDR_EQUAL(&addr, f->keep))
		return;
	flush_one(&f->flush, nlh, RTM_DELNEIGH);
}

int nl_neigh_set(struct nl *nl, uint32_t ifindex, const struct in6_addr *addr, const uint8_t mac[6])
{
	char buf[REQUEST_MAX];
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(buf);
	struct ndmsg *ndm;

	nlh->nlmsg_type = RTM_NEWNEIGH;
	nlh->nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK | NLM_F_CREATE | NLM_F_REPLACE;
	ndm = mnl_nlmsg_put_extra_header(nlh, sizeof(*ndm));
	ndm->ndm_family = AF_INET6;
	ndm->ndm_ifindex = (int)ifindex;
	ndm->ndm_state = NUD_REACHABLE;
	put_addr(nlh, NDA_DST, addr);
	mnl_attr_put(nlh, NDA_LLADDR, 6, mac);
	return transact(nl, nl->sock, nlh, NULL, NULL);
}

int nl_neigh_forget(struct nl *nl, uint32_t ifindex, const struct in6_addr *keep)
{
	struct forget f = {.flush = {.nl = nl}, .ifindex = ifindex, .keep = keep};

	return dump(nl, RTM_GETNEIGH, AF_INET6, 0, forget_one, &f);
}

int nl_flush(struct nl *nl)
{
	/* Rules first: from then on the system's own routes decide. */
	static const struct {
		uint16_t type;
		uint8_t ndm_flags;
		nl_message_fn fn;
	} kind[] = {
		{RTM_GETRULE, 0, flush_rule},
		{RTM_GETROUTE, 0, flush_route},
		{RTM_GETNEIGH, NTF_PROXY, flush_proxy},
	};
	int ret = 0;

	for (size_t i = 0; i < sizeof(kind) / sizeof(kind[0]); i++) {
		for (unsigned round = 0; round < FLUSH_ROUNDS; round++) {
			struct flush f = {.nl = nl};
			int err =
				dump(nl, kind[i].type, AF_INET6, kind[i].ndm_flags, kind[i].fn, &f);

			if (err < 0 && ret == 0)
				ret = err;
			if (f.deleted == 0)
				break;
		}
	}
	return ret;
}

/* ---- Sysctl -------------------------------------------------------------------------------- */

static int sysctl_open(const char *path, int flags)
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
	int fd = sysctl_open(path, O_WRONLY);
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
	int fd = sysctl_open(path, O_RDONLY);
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

int nl_sysctl_want(const char *path, const char *value)
{
	int before = nl_sysctl_get(path);
	int err = 0;

	if (before >= 0 && before != (int)strtol(value, NULL, 10))
		err = nl_sysctl_set(path, value);
	return err < 0 ? err : before;
}
