/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Loads the BPF programs of src/bpf, attaches them to interfaces through clsact, and writes their
 * maps: which pairs go direct (RFC 6275, 9.3 and 11.3), which addresses are ours.  One map write is
 * the handover of the data path.
 *
 * Not here: routes and their MTU (act.c), the packet socket that uses the filter (rx.c), and what
 * the programs do with a packet (src/bpf).
 *
 * libbpf's own messages are switched off: they are many lines for one cause.  What the operator can
 * do about a failure is in datapath_last_error() instead.
 *
 * RLIMIT_MEMLOCK counts BPF memory before Linux 5.11; libbpf 1.x raises it by itself there.
 */
#include "datapath.h"

#include <errno.h>
#include <net/if.h>
#include <net/if_arp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <libmnl/libmnl.h>
#include <linux/pkt_sched.h>
#include <linux/rtnetlink.h>

#include "bub.skel.h"
#include "bub_bpf.h"
#include "netlink.h"
#include "traffic.h"

/* Ours among the filters of an interface: out of the way of hand-made ones, which count from 1, and
 * of automatic ones, which count down from 49152. */
#define FILTER_PRIORITY 2827
#define FILTER_HANDLE 1

/* The one before it is another than that of an entry that was never used, 0. */
#define FLOW_EPOCH_FIRST 2

#define ERROR_MAX 256
#define NS_PER_S 1000000000ull
#define NS_PER_MS 1000000ull

_Static_assert(BUB_BPF_CREDIT_MAX == BUB_CREDIT_MAX, "the core's limit is the programs' one");

struct iface {
	uint32_t ifindex;
	bool raw;         /* no Ethernet header */
	bool made_clsact; /* the qdisc is ours to remove */
};

struct datapath {
	struct bub_bpf *skel;
	struct iface iface[DATAPATH_INTERFACES_MAX];
	unsigned n_ifaces;
	struct traffic *traffic;
	uint64_t *percpu; /* room for one counter of every CPU */
	unsigned n_cpus;
	char error[ERROR_MAX];
};

static const char *const counter_names[BUB_BPF_COUNTER_COUNT] = {
#define X(id, name) [BUB_BPF_##id] = (name),
	BUB_BPF_COUNTERS(X)
#undef X
#define X(id, name, rate) [BUB_BPF_RATE_##id] = (name),
		BUB_BPF_KINDS(X)
#undef X
};

/* Notes why a call fails; returns @err. */
__attribute__((format(printf, 3, 4))) static int fail(struct datapath *dp, int err, const char *fmt,
						      ...)
{
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(dp->error, sizeof(dp->error), fmt, ap);
	va_end(ap);
	return err;
}

static struct bub_bpf_addr to_bpf(const struct in6_addr *addr)
{
	struct bub_bpf_addr a;

	memcpy(&a, addr, sizeof(a));
	return a;
}

static struct bub_bpf_pair to_pair(const struct in6_addr *local, const struct in6_addr *peer)
{
	return (struct bub_bpf_pair){to_bpf(local), to_bpf(peer)};
}

/* ---- Loading ------------------------------------------------------------------------------- */

static const char *load_hint(int err)
{
	switch (err) {
	case -EPERM:
		return "not permitted: run as root, or with CAP_BPF, CAP_NET_ADMIN and CAP_PERFMON";
	case -ENOSYS:
		return "this kernel has no BPF: it needs CONFIG_BPF_SYSCALL";
	case -ENOMEM:
		return "not enough memory: lower the number of paths, or raise RLIMIT_MEMLOCK";
	case -EACCES:
	case -EINVAL:
	case -E2BIG:
	case -EOPNOTSUPP:
		return "the kernel's verifier refused them: CAP_PERFMON, and Linux 5.8 or newer "
		       "with CONFIG_NET_CLS_BPF are needed";
	default:
		return strerror(-err);
	}
}

static int set_sizes(struct bub_bpf *skel, const struct datapath_size *size)
{
	const struct {
		struct bpf_map *map;
		uint32_t entries;
	} sizes[] = {
		{skel->maps.paths_out, size->paths},
		{skel->maps.paths_in, size->paths},
		{skel->maps.slots, traffic_pairs(size->paths)},
		{skel->maps.traffic, traffic_pairs(size->paths) + 1}, /* BUB_BPF_SLOT_NONE */
		{skel->maps.turns, traffic_pairs(size->paths) + 1},
		{skel->maps.known, size->known},
		{skel->maps.spis, size->spis},
	};
	int err = 0;

	for (size_t i = 0; err == 0 && i < sizeof(sizes) / sizeof(sizes[0]); i++)
		err = bpf_map__set_max_entries(sizes[i].map, sizes[i].entries);
	return err;
}

static int open_traffic(struct datapath *dp, const struct datapath_size *size)
{
	const struct traffic_maps maps = {
		.slots = bpf_map__fd(dp->skel->maps.slots),
		.traffic = bpf_map__fd(dp->skel->maps.traffic),
		.turns = bpf_map__fd(dp->skel->maps.turns),
	};

	return traffic_open(&maps, traffic_pairs(size->paths), dp->n_cpus, &dp->traffic);
}

static int load(struct datapath *dp, const struct datapath_size *size)
{
	uint64_t seed;
	int err;

	dp->skel = bub_bpf__open();
	if (dp->skel == NULL) {
		err = -errno;
		return fail(dp, err, "cannot open the data path programs: %s", strerror(-err));
	}
	/* bpf_check_mtu() came with Linux 5.12; the verifier leaves out what a false constant
	 * guards. */
	dp->skel->rodata->have_check_mtu =
		libbpf_probe_bpf_helper(BPF_PROG_TYPE_SCHED_CLS, BPF_FUNC_check_mtu, NULL) == 1;
	dp->skel->bss->flow_epoch = FLOW_EPOCH_FIRST;
	if (getrandom(&seed, sizeof(seed), 0) != sizeof(seed))
		return fail(dp, -EIO, "the kernel has no random numbers");
	dp->skel->rodata->rate_seed = seed;
	err = set_sizes(dp->skel, size);
	if (err == 0)
		err = bub_bpf__load(dp->skel);
	if (err != 0)
		return fail(dp, err, "cannot load the data path programs: %s", load_hint(err));
	err = open_traffic(dp, size);
	if (err != 0)
		return fail(dp, err, "cannot count what goes on the direct paths: %s",
			    strerror(-err));
	return 0;
}

static int make(struct datapath *dp, const struct datapath_size *size)
{
	int n_cpus = libbpf_num_possible_cpus();

	if (size->paths == 0 || size->known == 0 || size->spis == 0)
		return fail(dp, -EINVAL, "the size of a table must not be 0");
	if (n_cpus < 0)
		return fail(dp, n_cpus, "cannot count the CPUs: %s (is /sys mounted?)",
			    strerror(-n_cpus));
	dp->n_cpus = (unsigned)n_cpus;
	dp->percpu = calloc(dp->n_cpus, sizeof(*dp->percpu));
	if (dp->percpu == NULL)
		return fail(dp, -ENOMEM, "out of memory");
	return load(dp, size);
}

int datapath_open(const struct datapath_size *size, char *ret_error, size_t error_size,
		  struct datapath **ret_dp)
{
	struct datapath *dp = calloc(1, sizeof(*dp));
	int err;

	if (dp == NULL) {
		(void)snprintf(ret_error, error_size, "out of memory");
		return -ENOMEM;
	}
	(void)libbpf_set_print(NULL);
	err = make(dp, size);
	if (err != 0) {
		(void)snprintf(ret_error, error_size, "%s", dp->error);
		datapath_close(dp);
		return err;
	}
	*ret_dp = dp;
	return 0;
}

void datapath_close(struct datapath *dp)
{
	if (dp == NULL)
		return;
	while (dp->n_ifaces > 0)
		(void)datapath_detach(dp, dp->iface[dp->n_ifaces - 1].ifindex);
	traffic_close(dp->traffic);
	bub_bpf__destroy(dp->skel);
	free(dp->percpu);
	free(dp);
}

const char *datapath_last_error(const struct datapath *dp)
{
	return dp->error;
}

int datapath_program_fd(const struct datapath *dp, enum datapath_program which)
{
	const struct bpf_program *prog = NULL;

	switch (which) {
	case DATAPATH_EGRESS_ETHER:
		prog = dp->skel->progs.egress_ether;
		break;
	case DATAPATH_EGRESS_RAW:
		prog = dp->skel->progs.egress_raw;
		break;
	case DATAPATH_INGRESS_ETHER:
		prog = dp->skel->progs.ingress_ether;
		break;
	case DATAPATH_INGRESS_RAW:
		prog = dp->skel->progs.ingress_raw;
		break;
	case DATAPATH_KNOWN:
		prog = dp->skel->progs.packets_known;
		break;
	case DATAPATH_STRANGERS:
		prog = dp->skel->progs.packets_strangers;
		break;
	case DATAPATH_MERGED:
		prog = dp->skel->progs.packets_merged;
		break;
	case DATAPATH_CARRIER:
		prog = dp->skel->progs.datagrams;
		break;
	}
	return prog == NULL ? -EINVAL : bpf_program__fd(prog);
}

static void set_flag(struct datapath *dp, uint32_t flag, bool on)
{
	if (on)
		dp->skel->bss->node_flags |= flag;
	else
		dp->skel->bss->node_flags &= ~flag;
}

void datapath_set_tun(struct datapath *dp, uint32_t ifindex)
{
	dp->skel->bss->tun_ifindex = ifindex;
}

void datapath_carrier_ports(struct datapath *dp, uint16_t message, uint16_t data)
{
	dp->skel->bss->carrier_message_port = message;
	dp->skel->bss->carrier_data_port = data;
}

void datapath_set_udp_port(struct datapath *dp, uint16_t port)
{
	dp->skel->bss->udp_port = htons(port);
}

void datapath_leave_esp(struct datapath *dp, bool leave)
{
	set_flag(dp, BUB_BPF_ESP_IS_DATA, leave);
}

void datapath_mobile_node(struct datapath *dp, bool mobile)
{
	set_flag(dp, BUB_BPF_MOBILE_NODE, mobile);
}

/* ---- Interfaces ---------------------------------------------------------------------------- */

/* Whether packets of @ifindex begin with an Ethernet header or with the IPv6 header. */
static int link_is_raw(struct datapath *dp, uint32_t ifindex, bool *ret_raw)
{
	struct ifreq ifr = {0};
	int fd, err = 0;

	if (if_indextoname(ifindex, ifr.ifr_name) == NULL)
		return fail(dp, -ENODEV, "there is no interface %u", ifindex);
	fd = socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0 || ioctl(fd, SIOCGIFHWADDR, &ifr) < 0)
		err = -errno;
	if (fd >= 0)
		close(fd);
	if (err != 0)
		return fail(dp, err, "cannot ask for the type of %s: %s", ifr.ifr_name,
			    strerror(-err));

	switch (ifr.ifr_hwaddr.sa_family) {
	case ARPHRD_ETHER:
	case ARPHRD_LOOPBACK:
		*ret_raw = false;
		return 0;
	case ARPHRD_NONE: /* TUN and WireGuard */
	case ARPHRD_RAWIP:
	case ARPHRD_PPP:
	case ARPHRD_TUNNEL6:
	case ARPHRD_SIT:
		*ret_raw = true;
		return 0;
	default:
		return fail(dp, -EOPNOTSUPP, "%s: link type %u is neither Ethernet nor raw IP",
			    ifr.ifr_name, ifr.ifr_hwaddr.sa_family);
	}
}

/* libbpf refuses structs whose padding is not zero, and an initializer does not promise that. */
static void init_hook(struct bpf_tc_hook *hook, uint32_t ifindex, unsigned points)
{
	memset(hook, 0, sizeof(*hook));
	hook->sz = sizeof(*hook);
	hook->ifindex = (int)ifindex;
	hook->attach_point = (enum bpf_tc_attach_point)points;
}

static void init_opts(struct bpf_tc_opts *opts)
{
	memset(opts, 0, sizeof(*opts));
	opts->sz = sizeof(*opts);
	opts->handle = FILTER_HANDLE;
	opts->priority = FILTER_PRIORITY;
}

static enum datapath_program program_for(const struct iface *ifc, enum bpf_tc_attach_point point)
{
	if (point == BPF_TC_INGRESS)
		return ifc->raw ? DATAPATH_INGRESS_RAW : DATAPATH_INGRESS_ETHER;
	return ifc->raw ? DATAPATH_EGRESS_RAW : DATAPATH_EGRESS_ETHER;
}

static int attach_one(const struct datapath *dp, const struct iface *ifc,
		      enum bpf_tc_attach_point point)
{
	struct bpf_tc_hook hook;
	struct bpf_tc_opts opts;

	init_hook(&hook, ifc->ifindex, point);
	init_opts(&opts);
	opts.prog_fd = datapath_program_fd(dp, program_for(ifc, point));
	/* Whatever sits there under our priority was left by a bub that died. */
	opts.flags = BPF_TC_F_REPLACE;
	return bpf_tc_attach(&hook, &opts);
}

static uint32_t program_id(int fd)
{
	struct bpf_prog_info info = {0};
	uint32_t len = sizeof(info);

	return bpf_obj_get_info_by_fd(fd, &info, &len) == 0 ? info.id : 0;
}

/* The old `ingress` qdisc takes a filter for the egress side and puts it in the place of the one on
 * the ingress side, without a word. */
static bool datapath_has_point(const struct datapath *dp, const struct iface *ifc,
			       enum bpf_tc_attach_point point)
{
	struct bpf_tc_hook hook;
	struct bpf_tc_opts opts;

	init_hook(&hook, ifc->ifindex, point);
	init_opts(&opts);
	return bpf_tc_query(&hook, &opts) == 0 &&
	       opts.prog_id == program_id(datapath_program_fd(dp, program_for(ifc, point)));
}

/* Removes the filter if it is ours. */
static void detach_one(const struct datapath *dp, const struct iface *ifc,
		       enum bpf_tc_attach_point point)
{
	struct bpf_tc_hook hook;
	struct bpf_tc_opts opts;
	bool ours = false;

	init_hook(&hook, ifc->ifindex, point);
	init_opts(&opts);
	if (bpf_tc_query(&hook, &opts) != 0)
		return;
	for (int which = DATAPATH_EGRESS_ETHER; which <= DATAPATH_INGRESS_RAW; which++)
		ours |= opts.prog_id ==
			program_id(datapath_program_fd(dp, (enum datapath_program)which));
	if (!ours)
		return;
	init_opts(&opts);
	(void)bpf_tc_detach(&hook, &opts);
}

static int count_filter(const struct nlmsghdr *nlh, void *data)
{
	unsigned *n = data;

	*n += nlh->nlmsg_type == RTM_NEWTFILTER;
	return MNL_CB_OK;
}

/* How many filters @parent (ingress or egress side of clsact) has; negative errno. */
static int dump_filters(struct mnl_socket *nl, uint32_t ifindex, uint32_t parent, unsigned *ret_n)
{
	char buf[8192]; /* netlink(7): enough for one part of a dump */
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(buf);
	struct tcmsg *tcm;
	uint64_t foreign = 0;
	unsigned n = 0;
	ssize_t len;
	int more = MNL_CB_OK;

	nlh->nlmsg_type = RTM_GETTFILTER;
	nlh->nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
	nlh->nlmsg_seq = parent;
	tcm = mnl_nlmsg_put_extra_header(nlh, sizeof(*tcm));
	tcm->tcm_family = AF_UNSPEC;
	tcm->tcm_ifindex = (int)ifindex;
	tcm->tcm_parent = parent;
	if (mnl_socket_sendto(nl, nlh, nlh->nlmsg_len) < 0)
		return -errno;
	while (more == MNL_CB_OK) {
		len = nl_recv(mnl_socket_get_fd(nl), buf, sizeof(buf), 0, &foreign);
		if (len == 0)
			continue;
		if (len < 0)
			return -errno;
		more = mnl_cb_run(buf, (size_t)len, parent, mnl_socket_get_portid(nl), count_filter,
				  &n);
	}
	if (more == MNL_CB_ERROR)
		return -errno;
	*ret_n = n;
	return 0;
}

/* True only when it is certain that nobody else uses the qdisc. */
static bool clsact_is_empty(uint32_t ifindex)
{
	struct mnl_socket *nl = mnl_socket_open2(NETLINK_ROUTE, SOCK_CLOEXEC);
	unsigned ingress = 1, egress = 1;
	bool known;

	if (nl == NULL)
		return false;
	known = mnl_socket_bind(nl, 0, MNL_SOCKET_AUTOPID) == 0 &&
		dump_filters(nl, ifindex, TC_H_MAKE(TC_H_CLSACT, TC_H_MIN_INGRESS), &ingress) ==
			0 &&
		dump_filters(nl, ifindex, TC_H_MAKE(TC_H_CLSACT, TC_H_MIN_EGRESS), &egress) == 0;
	mnl_socket_close(nl);
	return known && ingress == 0 && egress == 0;
}

static void detach_iface(const struct datapath *dp, const struct iface *ifc)
{
	struct bpf_tc_hook hook;

	/* The sending side first: nothing leaves any more that the peer would answer. */
	detach_one(dp, ifc, BPF_TC_EGRESS);
	detach_one(dp, ifc, BPF_TC_INGRESS);
	init_hook(&hook, ifc->ifindex, BPF_TC_INGRESS | BPF_TC_EGRESS);
	if (ifc->made_clsact && clsact_is_empty(ifc->ifindex))
		(void)bpf_tc_hook_destroy(&hook);
}

static struct iface *find_iface(struct datapath *dp, uint32_t ifindex)
{
	for (unsigned i = 0; i < dp->n_ifaces; i++)
		if (dp->iface[i].ifindex == ifindex)
			return &dp->iface[i];
	return NULL;
}

static const char *attach_hint(int err)
{
	switch (err) {
	case -EPERM:
		return "not permitted: CAP_NET_ADMIN is needed";
	case -ENOENT:
	case -EOPNOTSUPP:
		return "this kernel lacks CONFIG_NET_SCH_INGRESS (sch_ingress) or "
		       "CONFIG_NET_CLS_BPF (cls_bpf)";
	case -EBUSY:
		return "its ingress qdisc is not clsact, which alone has an egress side: remove it "
		       "with `tc qdisc del dev ... ingress`";
	default:
		return strerror(-err);
	}
}

/* A filter of ours there: the qdisc was made by a bub that was killed. */
static bool has_our_filter(const struct iface *ifc)
{
	struct bpf_tc_hook hook;
	struct bpf_tc_opts opts;

	init_hook(&hook, ifc->ifindex, BPF_TC_INGRESS);
	init_opts(&opts);
	return bpf_tc_query(&hook, &opts) == 0;
}

/* Attaches to a clsact qdisc, made if there is none.  Takes everything back on failure. */
static int attach_iface(struct datapath *dp, struct iface *ifc, bool known)
{
	struct bpf_tc_hook hook;
	int err;

	init_hook(&hook, ifc->ifindex, BPF_TC_INGRESS | BPF_TC_EGRESS);
	err = bpf_tc_hook_create(&hook);
	if (err == 0 || (err == -EEXIST && !known && has_our_filter(ifc)))
		ifc->made_clsact = true;
	else if (err != -EEXIST)
		return fail(dp, err, "cannot make a clsact qdisc on interface %u: %s", ifc->ifindex,
			    attach_hint(err));
	err = attach_one(dp, ifc, BPF_TC_INGRESS);
	if (err == 0)
		err = attach_one(dp, ifc, BPF_TC_EGRESS);
	if (err == 0 && !datapath_has_point(dp, ifc, BPF_TC_INGRESS))
		err = -EBUSY;
	if (err != 0) {
		detach_iface(dp, ifc);
		return fail(dp, err, "cannot attach the data path to interface %u: %s",
			    ifc->ifindex, attach_hint(err));
	}
	return 0;
}

int datapath_attach(struct datapath *dp, uint32_t ifindex)
{
	struct iface *known = find_iface(dp, ifindex);
	struct iface ifc = {.ifindex = ifindex};
	int err = link_is_raw(dp, ifindex, &ifc.raw);

	if (err != 0)
		return err;
	if (known == NULL && dp->n_ifaces == DATAPATH_INTERFACES_MAX)
		return fail(dp, -ENOSPC, "the data path takes at most %d interfaces",
			    DATAPATH_INTERFACES_MAX);
	if (known != NULL)
		ifc.made_clsact = known->made_clsact;
	/* Again even where it is known: someone may have removed the qdisc meanwhile. */
	err = attach_iface(dp, &ifc, known != NULL);
	if (err != 0)
		return err;
	if (known != NULL)
		*known = ifc;
	else
		dp->iface[dp->n_ifaces++] = ifc;
	return 0;
}

bool datapath_is_attached(const struct datapath *dp, uint32_t ifindex)
{
	for (unsigned i = 0; i < dp->n_ifaces; i++) {
		const struct iface *ifc = &dp->iface[i];

		if (ifc->ifindex == ifindex)
			return datapath_has_point(dp, ifc, BPF_TC_INGRESS) &&
			       datapath_has_point(dp, ifc, BPF_TC_EGRESS);
	}
	return false;
}

int datapath_detach(struct datapath *dp, uint32_t ifindex)
{
	struct iface *ifc = find_iface(dp, ifindex);

	if (ifc == NULL)
		return fail(dp, -ENOENT, "the data path is not attached to interface %u", ifindex);
	detach_iface(dp, ifc);
	*ifc = dp->iface[--dp->n_ifaces];
	return 0;
}

/* ---- Maps ---------------------------------------------------------------------------------- */

static int map_set(struct datapath *dp, const struct bpf_map *map, const void *key,
		   const void *value)
{
	int err = bpf_map_update_elem(bpf_map__fd(map), key, value, BPF_ANY);

	if (err == -E2BIG)
		return fail(dp, -ENOSPC, "all %u entries of %s are in use",
			    bpf_map__max_entries(map), bpf_map__name(map));
	if (err != 0)
		return fail(dp, err, "cannot write %s: %s", bpf_map__name(map), strerror(-err));
	return 0;
}

/* What is not there need not be removed. */
static int map_del(struct datapath *dp, const struct bpf_map *map, const void *key)
{
	int err = bpf_map_delete_elem(bpf_map__fd(map), key);

	if (err != 0 && err != -ENOENT)
		return fail(dp, err, "cannot remove from %s: %s", bpf_map__name(map),
			    strerror(-err));
	return 0;
}

int datapath_local_add(struct datapath *dp, const struct in6_addr *addr, bool home)
{
	struct bub_bpf_addr key = to_bpf(addr);
	uint32_t flags = home ? BUB_BPF_LOCAL_HOME : 0;

	return map_set(dp, dp->skel->maps.locals, &key, &flags);
}

int datapath_local_del(struct datapath *dp, const struct in6_addr *addr)
{
	struct bub_bpf_addr key = to_bpf(addr);

	return map_del(dp, dp->skel->maps.locals, &key);
}

int datapath_known_add(struct datapath *dp, const struct in6_addr *addr)
{
	struct bub_bpf_addr key = to_bpf(addr);
	uint32_t nothing = 0;

	return map_set(dp, dp->skel->maps.known, &key, &nothing);
}

int datapath_known_del(struct datapath *dp, const struct in6_addr *addr)
{
	struct bub_bpf_addr key = to_bpf(addr);

	return map_del(dp, dp->skel->maps.known, &key);
}

int datapath_spi_add(struct datapath *dp, uint32_t spi)
{
	uint32_t key = htonl(spi);
	uint32_t whose = BUB_BPF_SPI_DAEMON;
	int err = map_set(dp, dp->skel->maps.spis, &key, &whose);

	/* Rather too much than a packet of a client's too few. */
	if (err != 0)
		set_flag(dp, BUB_BPF_ANY_SPI, true);
	return err;
}

int datapath_spi_del(struct datapath *dp, uint32_t spi)
{
	uint32_t key = htonl(spi);

	return map_del(dp, dp->skel->maps.spis, &key);
}

static bool is_recent(const struct datapath *dp, uint32_t used)
{
	return used != 0 && dp->skel->bss->flow_epoch - used <= 1;
}

bool datapath_tunnelled_next(const struct datapath *dp, struct in6_addr *local,
			     struct in6_addr *peer)
{
	const int fd = bpf_map__fd(dp->skel->maps.tunnelled);
	struct bub_bpf_pair before = to_pair(local, peer), key = before;
	uint32_t used = 0;

	while (bpf_map_get_next_key(fd, IN6_IS_ADDR_UNSPECIFIED(local) ? NULL : &before, &key) ==
	       0) {
		memcpy(local, &key.local, sizeof(*local));
		memcpy(peer, &key.peer, sizeof(*peer));
		before = key;
		if (bpf_map_lookup_elem(fd, &key, &used) == 0 && is_recent(dp, used))
			return true;
	}
	return false;
}

int datapath_spi_kernel(struct datapath *dp, uint32_t spi, bool on)
{
	uint32_t key = htonl(spi);
	uint32_t whose = BUB_BPF_SPI_KERNEL;

	if (on)
		return map_set(dp, dp->skel->maps.spis, &key, &whose);
	return map_del(dp, dp->skel->maps.spis, &key);
}

bool datapath_spi_is_kernels(const struct datapath *dp, uint32_t spi)
{
	uint32_t key = htonl(spi), whose = BUB_BPF_SPI_DAEMON;

	return bpf_map__lookup_elem(dp->skel->maps.spis, &key, sizeof(key), &whose, sizeof(whose),
				    0) == 0 &&
	       whose == BUB_BPF_SPI_KERNEL;
}

/* The programs read the same clock by bpf_ktime_get_ns(). */
static uint64_t monotonic_ns(void)
{
	struct timespec ts = {0};

	(void)clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * NS_PER_S + (uint64_t)ts.tv_nsec;
}

/* RFC 6275, 9.3.1 wants packets from the bound address only.  Those in flight from the address that
 * was bound before get DATAPATH_GRACE_MS; an address set again starts no new grace.  Credit goes
 * with the pair to the new address. */
static int set_in(struct datapath *dp, const struct bub_bpf_pair *key, uint32_t slot,
		  const struct bub_path *path)
{
	const struct bpf_map *map = dp->skel->maps.paths_in;
	struct bub_bpf_in in = {
		.care_of = to_bpf(&path->in_care_of),
		.own = to_bpf(&path->out_src),
		.flags = path->home_agent ? BUB_BPF_HOME_AGENT : 0,
		.slot = slot,
	};
	struct bub_bpf_in before;

	if (IN6_IS_ADDR_UNSPECIFIED(&path->in_care_of))
		return map_del(dp, map, key);
	if (bpf_map_lookup_elem(bpf_map__fd(map), key, &before) == 0) {
		bool same = memcmp(&before.care_of, &in.care_of, sizeof(in.care_of)) == 0 &&
			    before.flags == in.flags;

		if (same && memcmp(&before.own, &in.own, sizeof(in.own)) == 0 &&
		    before.credit >= (int64_t)path->grant)
			return 0;
		in.credit = before.credit;
		in.previous = same ? before.previous : before.care_of;
		in.previous_until_ns = same ? before.previous_until_ns
					    : monotonic_ns() + DATAPATH_GRACE_MS * NS_PER_MS;
		in.used = same ? before.used : 0;
	}
	if (in.credit < (int64_t)path->grant)
		in.credit = path->grant;
	return map_set(dp, map, key, &in);
}

static int set_out(struct datapath *dp, const struct bub_bpf_pair *key, uint32_t slot,
		   const struct bub_path *path)
{
	struct bub_bpf_out out = {
		.src = to_bpf(&path->out_src),
		.dst = to_bpf(&path->out_dst),
		.slot = slot,
	};

	if (!bub_addr_eq(&path->out_src, &path->local))
		out.flags |= BUB_BPF_OUT_HAO;
	if (!bub_addr_eq(&path->out_dst, &path->peer))
		out.flags |= BUB_BPF_OUT_RH2;
	if (!path->direct || out.flags == 0)
		return map_del(dp, dp->skel->maps.paths_out, key);
	if (path->home_agent)
		out.flags |= BUB_BPF_HOME_AGENT;
	if (path->udp_port != 0) {
		out.flags |= BUB_BPF_OUT_UDP;
		out.port = htons(path->udp_port);
	}
	if (path->trust == BUB_TRUST_CREDIT)
		out.flags |= BUB_BPF_OUT_CREDIT;
	if (path->trust == BUB_TRUST_HEARD)
		out.flags |= BUB_BPF_OUT_HEARD;
	out.turn = traffic_number(dp->traffic, slot, &out.src, &out.dst);
	return map_set(dp, dp->skel->maps.paths_out, key, &out);
}

int datapath_path_set(struct datapath *dp, const struct bub_path *path)
{
	struct bub_bpf_pair key = to_pair(&path->local, &path->peer);
	uint32_t slot = traffic_slot(dp->traffic, &key);
	int err = set_in(dp, &key, slot, path);

	return err != 0 ? err : set_out(dp, &key, slot, path);
}

int datapath_path_del(struct datapath *dp, const struct in6_addr *local,
		      const struct in6_addr *peer)
{
	struct bub_bpf_pair key = to_pair(local, peer);
	int err_out = map_del(dp, dp->skel->maps.paths_out, &key);
	int err_in = map_del(dp, dp->skel->maps.paths_in, &key);

	traffic_release(dp->traffic, &key);
	return err_out != 0 ? err_out : err_in;
}

void datapath_next_period(struct datapath *dp)
{
	uint32_t next = dp->skel->bss->flow_epoch + 1;

	dp->skel->bss->flow_epoch = next < FLOW_EPOCH_FIRST ? FLOW_EPOCH_FIRST : next;
}

bool datapath_path_used(const struct datapath *dp, const struct in6_addr *local,
			const struct in6_addr *peer, bool *ret_came)
{
	struct bub_bpf_pair key = to_pair(local, peer);
	struct bub_bpf_out out = {0};
	struct bub_bpf_in in = {0};

	if (bpf_map_lookup_elem(bpf_map__fd(dp->skel->maps.paths_out), &key, &out) != 0)
		out = (struct bub_bpf_out){0};
	if (bpf_map_lookup_elem(bpf_map__fd(dp->skel->maps.paths_in), &key, &in) != 0)
		in = (struct bub_bpf_in){0};
	*ret_came = is_recent(dp, out.came) || is_recent(dp, in.used);
	return *ret_came || is_recent(dp, out.used);
}

bool datapath_path_heard(const struct datapath *dp, const struct in6_addr *local,
			 const struct in6_addr *peer)
{
	struct bub_bpf_pair key = to_pair(local, peer);
	struct bub_bpf_in in;

	return bpf_map_lookup_elem(bpf_map__fd(dp->skel->maps.paths_in), &key, &in) == 0 &&
	       in.used != 0;
}

void datapath_turn(struct datapath *dp, const struct in6_addr *local, const struct in6_addr *peer,
		   const struct in6_addr *local_care_of, const struct in6_addr *peer_care_of)
{
	const struct bub_bpf_pair key = to_pair(local, peer);
	const struct bub_bpf_pair care_of = to_pair(local_care_of, peer_care_of);

	traffic_turn(dp->traffic, &key, &care_of.local, &care_of.peer);
}

bool datapath_traffic(struct datapath *dp, const struct in6_addr *local,
		      const struct in6_addr *peer, struct bub_bpf_traffic *ret)
{
	const struct bub_bpf_pair key = to_pair(local, peer);

	return traffic_read(dp->traffic, &key, ret);
}

/* ---- Counters ------------------------------------------------------------------------------ */

bool datapath_counts_drops(unsigned i)
{
	static const bool drops[BUB_BPF_COUNTER_COUNT] = {
		[BUB_BPF_DATA_OUT_FAILED] = true,     [BUB_BPF_DATA_TOO_BIG] = true,
		[BUB_BPF_DATA_HAO_NO_BINDING] = true, [BUB_BPF_DATA_RH2_NOT_HOME] = true,
		[BUB_BPF_DATA_MALFORMED] = true,      [BUB_BPF_SIGNALLING_FRAGMENT] = true,
		[BUB_BPF_SIGNALLING_SHORT] = true,    [BUB_BPF_SIGNALLING_NO_ROLE] = true,
		[BUB_BPF_ESP_UNKNOWN_SPI] = true,     [BUB_BPF_UDP_MALFORMED] = true,
		[BUB_BPF_UDP_NOT_ESP] = true,         [BUB_BPF_UDP_UNKNOWN_SPI] = true,
		[BUB_BPF_RATE_PREFIX] = true,
	};

	/* Behind these are those of what came too often. */
	return i < BUB_BPF_COUNTER_COUNT && (drops[i] || i > BUB_BPF_RATE_PREFIX);
}

static uint64_t datapath_counter(struct datapath *dp, uint32_t which)
{
	uint64_t sum = 0;

	if (bpf_map_lookup_elem(bpf_map__fd(dp->skel->maps.counters), &which, dp->percpu) != 0)
		return 0;
	for (unsigned cpu = 0; cpu < dp->n_cpus; cpu++)
		sum += dp->percpu[cpu];
	return sum;
}

uint64_t datapath_carrier_refused(struct datapath *dp)
{
	return datapath_counter(dp, BUB_BPF_UDP_KEEP_ALIVE) +
	       datapath_counter(dp, BUB_BPF_UDP_MALFORMED) +
	       datapath_counter(dp, BUB_BPF_UDP_NOT_ESP) +
	       datapath_counter(dp, BUB_BPF_UDP_UNKNOWN_SPI) +
	       datapath_counter(dp, BUB_BPF_UDP_LIMITED);
}

unsigned datapath_counters(struct datapath *dp, const char *const **ret_names, uint64_t *ret_values,
			   unsigned cap)
{
	for (uint32_t i = 0; i < BUB_BPF_COUNTER_COUNT && i < cap; i++)
		ret_values[i] = datapath_counter(dp, i);
	*ret_names = counter_names;
	return BUB_BPF_COUNTER_COUNT;
}
