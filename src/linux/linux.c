/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One open instance: puts the parts together, takes them apart, and shares the caller's poll loop
 * and clock out among them.  What is wrong with the machine is said here or by the part that finds
 * it, in one line with what to do about it.
 */
#include "linux.h"

#include <errno.h>
#include <linux/capability.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "carrier.h"
#include "xfrm.h"

#define PATHS_DEFAULT 1024
#define SPIS_MIN 16384

_Static_assert(LNX_ROUTE_TABLE_MAX == UINT32_MAX - TABLE_COUNT, "linux.h has the bounds of tables");
_Static_assert(LNX_RULE_PRIORITY_MAX == RULE_MAIN_PRIORITY - RULE_COUNT, "and of priorities");

/* ---- Opening ------------------------------------------------------------------------------- */

static int check_capabilities(char *ret_error, size_t error_size)
{
	struct __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
	struct __user_cap_data_struct data[2] = {0};
	const uint32_t need = 1u << CAP_NET_ADMIN | 1u << CAP_NET_RAW;

	if (syscall(SYS_capget, &header, data) < 0 || (data[0].effective & need) == need)
		return 0;
	snprintf(ret_error, error_size,
		 "missing capability %s: run as root, or give CAP_NET_ADMIN, CAP_NET_RAW, "
		 "CAP_BPF and CAP_PERFMON",
		 data[0].effective & 1u << CAP_NET_ADMIN ? "CAP_NET_RAW" : "CAP_NET_ADMIN");
	return -EPERM;
}

static int copy_name(char ret[static IFNAMSIZ], const char *name, char *ret_error,
		     size_t error_size)
{
	if (strlen(name) >= IFNAMSIZ || *name == '\0') {
		snprintf(ret_error, error_size, "\"%s\" is no name for an interface", name);
		return -EINVAL;
	}
	snprintf(ret, IFNAMSIZ, "%s", name);
	return 0;
}

/* The kernel's own tables and rules must not lie among ours. */
static int check_numbers(const struct lnx_config *cfg, char *ret_error, size_t error_size)
{
	if (cfg->rule_priority == 0 || cfg->rule_priority > RULE_MAIN_PRIORITY - RULE_COUNT) {
		snprintf(ret_error, error_size, "rule priority %u: expected 1 to %u",
			 cfg->rule_priority, RULE_MAIN_PRIORITY - RULE_COUNT);
		return -EINVAL;
	}
	if (cfg->route_table < 256 || cfg->route_table > UINT32_MAX - TABLE_COUNT) {
		snprintf(ret_error, error_size, "routing table %u: expected 256 to %u",
			 cfg->route_table, UINT32_MAX - TABLE_COUNT);
		return -EINVAL;
	}
	return 0;
}

static int copy_config(struct lnx *l, const struct lnx_config *cfg, char *ret_error,
		       size_t error_size)
{
	int err = check_numbers(cfg, ret_error, error_size);

	if (err == 0)
		err = copy_name(l->tun_name, cfg->tun_name, ret_error, error_size);
	l->cfg = *cfg;
	l->cfg.tun_name = l->tun_name;
	for (unsigned i = 0; err == 0 && i < cfg->n_interfaces; i++) {
		err = copy_name(l->if_names[i], cfg->interfaces[i], ret_error, error_size);
		l->cfg.interfaces[i] = l->if_names[i];
	}
	if (err == 0 && cfg->home_link != NULL) {
		err = copy_name(l->home_link, cfg->home_link, ret_error, error_size);
		l->cfg.home_link = l->home_link;
	}
	if (l->cfg.max_paths == 0)
		l->cfg.max_paths = PATHS_DEFAULT;
	if (l->cfg.max_tunnels == 0)
		l->cfg.max_tunnels = LNX_TUNNELS_DEFAULT;
	if (l->cfg.udp_port == 0)
		l->cfg.udp_port = LNX_UDP_PORT;
	if (l->cfg.udp_esp_port == 0)
		l->cfg.udp_esp_port = LNX_UDP_ESP_PORT;
	return err;
}

/* A path names two addresses, a tunnel one. */
static uint32_t map_known_max(const struct lnx *l)
{
	return 2 * l->cfg.max_paths + l->cfg.max_tunnels;
}

static uint32_t any_number(void *ctx)
{
	uint32_t n = 0;

	(void)ctx;
	/* Spreads load and hides nothing: without it, the earliest moment is as good. */
	(void)!getrandom(&n, sizeof(n), 0);
	return n;
}

static bool has_sent(void *ctx, const struct in6_addr *home, uint32_t spi, uint32_t sequence)
{
	const struct lnx *l = ctx;

	return esp_sad_has_sent(l->sad, home, ESP_TUNNEL, spi, sequence);
}

static struct link *new_link(struct lnx *l, uint64_t seed)
{
	struct link_config cfg = {
		.tunnel =
			{
				.max = l->cfg.max_tunnels,
				.home_agent = l->cfg.home_agent,
				.esp = l->cfg.protect_payload,
				.multicast = l->cfg.multicast,
				.has_sent = has_sent,
				.has_sent_ctx = l,
			},
		.clear =
			{
				.registration = (l->cfg.unprotected & ESP_CLASS_BINDING) != 0,
				.mobility = (l->cfg.unprotected & ESP_CLASS_MOBILITY) != 0,
				.prefixes = (l->cfg.unprotected & ESP_CLASS_PREFIX) != 0,
				.payload = !l->cfg.protect_payload,
			},
		.max_paths = l->cfg.max_paths,
		.table_seed = seed,
		.n_named = l->cfg.n_interfaces,
		.n_homes = l->cfg.n_homes,
		.advert = l->cfg.advert,
		.random = any_number,
		/* Each may have a link-local address as well. */
		.proxies_max = 2 * l->cfg.max_tunnels,
		.home =
			{
				.home_rule = l->cfg.rule_priority + RULE_HOME,
				.main_rule = l->cfg.rule_priority + RULE_MAIN,
				.landing_rule = l->cfg.rule_priority + RULE_LANDING,
				.away_rule = l->cfg.rule_priority + RULE_AWAY,
				.at_home_rule = l->cfg.rule_priority + RULE_AT_HOME,
				.home_table = l->cfg.route_table + TABLE_HOME,
				.at_home_table = l->cfg.route_table + TABLE_AT_HOME,
				.bypass_after_s = l->cfg.bypass_after_s,
			},
		.route_table = l->cfg.route_table + TABLE_CARE_OF,
		.care_of_rule = l->cfg.rule_priority + RULE_CARE_OF,
		.stale_rule = l->cfg.rule_priority + RULE_HOME,
		.landing = l->cfg.rule_priority + RULE_LANDING,
		.grace_ms = DATAPATH_GRACE_MS,
	};

	for (unsigned i = 0; i < l->cfg.n_interfaces; i++) {
		memcpy(cfg.named[i].name, l->if_names[i], sizeof(cfg.named[i].name));
		cfg.named[i].preference = l->cfg.preference[i];
		cfg.named[i].optimistic = l->cfg.optimistic[i];
		cfg.named[i].neutral = l->cfg.neutral[i];
		cfg.named[i].listen_only = l->cfg.listen_only[i];
	}
	memcpy(cfg.home_link, l->home_link, sizeof(cfg.home_link));
	if (l->cfg.home_agent)
		cfg.home_agent = l->cfg.home_agent_address;
	memcpy(cfg.homes, l->cfg.homes, sizeof(cfg.homes));
	memcpy(cfg.home_prefix_len, l->cfg.home_prefix_len, sizeof(cfg.home_prefix_len));
	memcpy(cfg.home_agents, l->cfg.home_agents, sizeof(cfg.home_agents));
	memcpy(cfg.home_agents_ipv4, l->cfg.home_agents_ipv4, sizeof(cfg.home_agents_ipv4));
	return link_new(&cfg);
}

static int allocate(struct lnx *l, char *ret_error, size_t error_size)
{
	uint64_t seed[2] = {0};
	int err = -ENOMEM;

	l->rx = malloc((size_t)(LNX_BATCH + LNX_UDP_BATCH) * LNX_PACKET_MAX);
	l->tun = malloc(LNX_PACKET_MAX);
	l->in = malloc(LNX_PACKET_MAX);
	l->segment = malloc(LNX_PACKET_MAX);
	l->out = malloc(LNX_OUT_SIZE);
	l->frags = frag_new(LNX_FRAGS);
	err = carrier_new(l);
	if (err == 0)
		err = bulk_new(l);
	if (err == 0)
		err = leave_new(l);
	if (getrandom(seed, sizeof(seed), 0) == sizeof(seed))
		l->link = new_link(l, seed[0]);
	if (l->rx != NULL && l->tun != NULL && l->in != NULL && l->segment != NULL &&
	    l->out != NULL && l->frags != NULL && l->link != NULL)
		l->frag_id = (uint32_t)seed[1]; /* nobody is to guess it (RFC 7739) */
	else
		err = -ENOMEM;
	if (err < 0)
		snprintf(ret_error, error_size, "out of memory");
	l->flow_cursor = FLOW_DONE;
	return err;
}

/* At boot an interface may come later than bubd, also the only one; iface.c hears of it. */
static void check_interfaces(struct lnx *l)
{
	for (unsigned i = 0; i < l->cfg.n_interfaces; i++) {
		if (link_iface_named(l->link, l->if_names[i]) == NULL)
			lnx_log(l, LNX_LOG_WARNING,
				"the interface %s does not exist (yet): bubd waits for it",
				l->if_names[i]);
	}
}

static int open_addresses(struct lnx *l, char *ret_error, size_t error_size)
{
	int err = tun_setup(l);

	if (err < 0) {
		snprintf(ret_error, error_size, "cannot set %s up (%s): is IPv6 switched off?",
			 l->tun_name, strerror(-err));
		return err;
	}
	link_homes_open(l->link, lnx_now());
	ops_carry_out(l);
	err = want_settle(l->want);
	if (err < 0)
		snprintf(ret_error, error_size, "cannot set up home address and its routes: %s",
			 strerror(-err));
	return err;
}

static int open_datapath(struct lnx *l, char *ret_error, size_t error_size)
{
	const size_t sas = 2 * esp_sad_capacity(l->sad); /* of a later configuration as well */
	const struct datapath_size size = {
		.paths = l->cfg.max_paths,
		.known = map_known_max(l),
		.spis = sas < SPIS_MIN ? SPIS_MIN : (uint32_t)sas,
	};
	int err = datapath_open(&size, ret_error, error_size, &l->dp);

	if (err < 0)
		return err;
	/* Nobody but a mobile node and a home agent has ESP in user space. */
	datapath_leave_esp(l->dp, l->cfg.n_homes == 0 && !l->cfg.home_agent);
	datapath_mobile_node(l->dp, l->cfg.n_homes > 0);
	datapath_set_udp_port(l->dp, l->cfg.direct_udp_port);
	known_watch_spis(l);
	return 0;
}

static void log_wish(void *ctx, bool bad, const char *text)
{
	lnx_log(ctx, bad ? LNX_LOG_ERROR : LNX_LOG_WARNING, "%s", text);
}

static bool has_programs(void *ctx, uint32_t ifindex)
{
	const struct lnx *l = ctx;

	return datapath_is_attached(l->dp, ifindex);
}

/* As many as everybody who has wishes can have. */
static int open_wishes(struct lnx *l)
{
	struct want_config cfg = {
		.nl = l->nl,
		.routes = l->cfg.max_paths + l->cfg.max_tunnels + BUB_HA_PREFIXES_MAX +
			  BUB_HOMES_MAX + 1 + 2 * LINK_CARE_OFS_MAX,
		.rules = LINK_CARE_OFS_MAX + LINK_ADDRS_MAX + 2 * BUB_HOMES_MAX + RULE_COUNT,
		.addrs = 2 * BUB_HOMES_MAX,
		.proxies = l->cfg.max_tunnels,
		.questions = l->cfg.max_paths,
		.first_table = l->cfg.route_table,
		.n_tables = TABLE_COUNT,
		.first_rule = l->cfg.rule_priority,
		.n_rules = RULE_COUNT,
		.attach = ops_attach,
		.is_attached = has_programs,
		.repaired = &l->count[COUNT_KERNEL_REPAIRED],
		.refused = &l->count[COUNT_KERNEL_REFUSED],
		.log = log_wish,
		.ctx = l,
	};

	if (getrandom(&cfg.seed, sizeof(cfg.seed), 0) != sizeof(cfg.seed))
		return -EIO;
	l->fd[FD_REQUESTS] = nl_fd(l->nl);
	l->fd[FD_TABLES] = nl_table_fd(l->nl);
	return want_open(&cfg, &l->want);
}

static int open_all(struct lnx *l, const struct lnx_config *cfg, char *ret_error, size_t error_size)
{
	int err = copy_config(l, cfg, ret_error, error_size);

	if (err == 0)
		err = check_capabilities(ret_error, error_size);
	if (err == 0)
		err = allocate(l, ret_error, error_size);
	if (err == 0) {
		err = nl_open(&l->count[COUNT_NETLINK_FOREIGN], &l->nl);
		if (err == 0)
			err = open_wishes(l);
		if (err < 0)
			snprintf(ret_error, error_size, "cannot talk to the kernel: %s",
				 strerror(-err));
	}
	if (err == 0 && nl_sysctl_get("conf/all/disable_ipv6") == 1)
		lnx_log(l, LNX_LOG_WARNING,
			"IPv6 is switched off: set net.ipv6.conf.all.disable_ipv6=0");
	if (err == 0)
		err = tun_open(l, ret_error, error_size);
	if (err == 0) {
		(void)nl_flush(l->nl); /* what a crash left */
		err = open_datapath(l, ret_error, error_size);
	}
	if (err == 0)
		datapath_set_tun(l->dp, l->tun_ifindex);
	if (err == 0)
		err = iface_open(l, ret_error, error_size);
	if (err == 0)
		check_interfaces(l);
	if (err == 0)
		err = open_addresses(l, ret_error, error_size);
	if (err == 0)
		err = tx_open(l, ret_error, error_size);
	if (err == 0)
		err = xfrm_open(l, ret_error, error_size);
	if (err == 0)
		err = nd_open(l, ret_error, error_size);
	if (err == 0)
		err = agent_open(l, ret_error, error_size);
	if (err == 0)
		err = rx_open(l, ret_error, error_size);
	if (err == 0)
		err = carrier_udp_open(l, ret_error, error_size);
	return err;
}

int lnx_open(const struct lnx_config *cfg, const struct lnx_callbacks *cb, struct esp_sad *sad,
	     char *ret_error, size_t error_size, struct lnx **ret_lnx)
{
	struct lnx *l = calloc(1, sizeof(*l));
	int err;

	if (l == NULL) {
		snprintf(ret_error, error_size, "out of memory");
		return -ENOMEM;
	}
	for (unsigned i = 0; i < FD_COUNT; i++)
		l->fd[i] = -1;
	for (size_t i = 0; i < sizeof(l->fd_silent) / sizeof(l->fd_silent[0]); i++)
		l->fd_silent[i] = -1;
	l->fd_out = -1;
	l->iv_used = sizeof(l->iv);
	l->cb = *cb;
	l->sad = sad;
	err = open_all(l, cfg, ret_error, error_size);
	if (err < 0) {
		lnx_close(l);
		return err;
	}

	*ret_lnx = l;
	return 0;
}

static void close_fd(int fd)
{
	if (fd >= 0)
		close(fd);
}

void lnx_close(struct lnx *l)
{
	if (l == NULL)
		return;
	/* Only who holds the TUN may take back what is marked as bub's: it might be another's. */
	if (l->nl != NULL && l->tun_ifindex != 0) {
		link_stop(l->link, lnx_now());
		ops_carry_out(l);
		want_flush(l->want);
		(void)nl_flush(l->nl);
	}
	xfrm_close(l);
	l->fd[FD_REQUESTS] = l->fd[FD_TABLES] = -1; /* nl_close() has them */
	for (unsigned i = 0; i < FD_COUNT; i++)
		close_fd(l->fd[i]);
	for (size_t i = 0; i < sizeof(l->fd_silent) / sizeof(l->fd_silent[0]); i++)
		close_fd(l->fd_silent[i]);
	close_fd(l->fd_out);
	esp_sad_watch(l->sad, NULL, NULL);
	datapath_close(l->dp);
	want_close(l->want);
	nl_close(l->nl);
	carrier_free(l);
	free(l->rx);
	free(l->tun);
	free(l->in);
	free(l->segment);
	free(l->out);
	bulk_free(l);
	leave_free(l);
	frag_free(l->frags);
	link_free(l->link);
	free(l);
}

/* ---- Running ------------------------------------------------------------------------------- */

unsigned lnx_fd_count(const struct lnx *l)
{
	return l->fd[FD_ND] >= 0 ? FD_COUNT : FD_ND;
}

int lnx_fd(const struct lnx *l, unsigned index)
{
	return index < FD_COUNT ? l->fd[index] : -1;
}

/* What could not be done in the middle of something else. */
static void finish(struct lnx *l)
{
	bulk_flush(l);
	leave_wait(l, false);
	ops_tell(l);
	want_flush(l->want);
	ops_tell(l); /* late verdicts */
}

void lnx_readable(struct lnx *l, unsigned index)
{
	l->passed = l->count[COUNT_ESP_IN] + l->count[COUNT_ESP_OUT];
	leave_wait(l, true);
	switch ((enum lnx_fd)index) {
	case FD_KNOWN:
	case FD_STRANGERS:
	case FD_MERGED:
		rx_readable(l, (enum lnx_fd)index);
		break;
	case FD_TUN:
		tun_readable(l);
		break;
	case FD_MONITOR:
		iface_monitor_readable(l);
		break;
	case FD_REQUESTS:
		want_answers(l->want);
		break;
	case FD_TABLES:
		want_table(l->want);
		break;
	case FD_ICMP6:
		nd_icmp6_readable(l);
		break;
	case FD_CARRIER:
		carrier_readable(l);
		break;
	case FD_XFRM:
		xfrm_readable(l);
		break;
	case FD_ND:
		nd_overhear(l);
		break;
	case FD_COUNT:
		break;
	}
	finish(l);
}

int lnx_scan(struct lnx *l)
{
	link_start(l->link, lnx_now());
	ops_tell(l);
	finish(l);
	return 0;
}

struct bub_time lnx_deadline(const struct lnx *l)
{
	const struct bub_time due[] = {
		link_deadline(l->link), flow_deadline(l),        rx_deadline(l),
		want_deadline(l->want), undelivered_deadline(l), carrier_deadline(l),
		xfrm_deadline(l),
	};
	struct bub_time t = BUB_TIME_NEVER;

	for (size_t i = 0; i < sizeof(due) / sizeof(due[0]); i++) {
		if (bub_time_before(due[i], t))
			t = due[i];
	}
	return t;
}

void lnx_expire(struct lnx *l, struct bub_time now)
{
	link_expire(l->link, now);
	ops_tell(l);
	flow_expire(l, now);
	rx_expire(l, now);
	want_expire(l->want, now);
	undelivered_expire(l);
	carrier_expire(l, now);
	xfrm_expire(l, now);
	finish(l);
}

int lnx_prefer(struct lnx *l, const char *name, bool once)
{
	int err;

	if (name != NULL && strlen(name) >= IFNAMSIZ)
		return -ENODEV;
	err = link_prefer(l->link, lnx_now(), name, once);
	finish(l);
	return err;
}

/* ---- Counters ------------------------------------------------------------------------------ */

static const char *const count_name[COUNT_COUNT] = {
	[COUNT_RX_PACKETS] = "signalling-in",
	[COUNT_RX_OTHER_INTERFACE] = "signalling-other-interface",
	[COUNT_RX_MALFORMED] = "signalling-malformed",
	[COUNT_RX_TRUNCATED] = "signalling-truncated",
	[COUNT_RX_KNOWN_LOST] = "signalling-lost-known",
	[COUNT_RX_STRANGERS_LOST] = "signalling-lost",
	[COUNT_RX_MERGED_LOST] = "merged-lost",
	[COUNT_RX_MERGED] = "merged-in",
	[COUNT_RX_MERGED_BAD] = "merged-malformed",
	[COUNT_RX_FROM_FRAGMENTS] = "from-fragments",
	[COUNT_FRAG_MALFORMED] = "fragment-malformed",
	[COUNT_FRAG_OVERLAP] = "fragment-overlap",
	[COUNT_FRAG_LOST] = "fragment-lost",
	[COUNT_CLEAR_NEEDS_ESP] = "clear-needs-esp",
	[COUNT_CLEAR_NO_TUNNEL] = "clear-no-tunnel",
	[COUNT_TX_PACKETS] = "sent",
	[COUNT_TX_FAILED] = "send-failed",
	[COUNT_TX_TOO_BIG] = "send-too-big",
	[COUNT_TX_IN_FRAGMENTS] = "sent-in-fragments",
	[COUNT_TX_NESTED_FRAGMENTS] = "nested-fragment",
	[COUNT_TX_NO_SA] = "send-no-sa",
	[COUNT_TX_NO_TUNNEL] = "send-no-tunnel",
	[COUNT_TUN_IN] = "tun-in",
	[COUNT_TUN_OUT] = "tun-out",
	[COUNT_TUN_IN_MERGED] = "tun-in-merged",
	[COUNT_TUN_OUT_MERGED] = "tun-out-merged",
	[COUNT_TUN_IGNORED] = "tun-ignored",
	[COUNT_TUN_FAILED] = "tun-failed",
	[COUNT_PTB_APPLIED] = "too-big-applied",
	[COUNT_PTB_IGNORED] = "too-big-ignored",
	[COUNT_ESP_IN] = "esp-in",
	[COUNT_ESP_OUT] = "esp-out",
	[COUNT_UDP_IN] = "udp-in",
	[COUNT_UDP_OUT] = "udp-out",
	[COUNT_UDP_OUT_MERGED] = "udp-out-merged",
	[COUNT_UDP_LOST] = "udp-lost",
	[COUNT_UDP_NO_ESP] = "udp-no-esp",
	[COUNT_UDP_WRONG_PORT] = "udp-wrong-port",
	[COUNT_UDP_KEEP_ALIVE] = "udp-keep-alive-out",
	[COUNT_TCP_IN] = "tcp-in",
	[COUNT_TCP_OUT] = "tcp-out",
	[COUNT_TCP_NO_ESP] = "tcp-no-esp",
	[COUNT_TCP_FULL] = "tcp-full",
	[COUNT_TCP_UNCONNECTED] = "tcp-unconnected",
	[COUNT_CARRIER_COPY] = "carrier-copy",
	[COUNT_NETLINK_OVERRUN] = "netlink-overrun",
	[COUNT_NETLINK_FOREIGN] = "netlink-foreign",
	[COUNT_KERNEL_REPAIRED] = "kernel-repaired",
	[COUNT_KERNEL_REFUSED] = "kernel-refused",
};

/* What does not go on. */
static const bool count_dropped[COUNT_COUNT] = {
	[COUNT_RX_MALFORMED] = true,    [COUNT_RX_TRUNCATED] = true,
	[COUNT_RX_KNOWN_LOST] = true,   [COUNT_RX_STRANGERS_LOST] = true,
	[COUNT_RX_MERGED_LOST] = true,  [COUNT_RX_MERGED_BAD] = true,
	[COUNT_FRAG_MALFORMED] = true,  [COUNT_FRAG_OVERLAP] = true,
	[COUNT_FRAG_LOST] = true,       [COUNT_CLEAR_NEEDS_ESP] = true,
	[COUNT_CLEAR_NO_TUNNEL] = true, [COUNT_TX_FAILED] = true,
	[COUNT_TX_TOO_BIG] = true,      [COUNT_TX_NESTED_FRAGMENTS] = true,
	[COUNT_TX_NO_SA] = true,        [COUNT_TX_NO_TUNNEL] = true,
	[COUNT_TUN_FAILED] = true,      [COUNT_NETLINK_FOREIGN] = true,
	[COUNT_UDP_LOST] = true,        [COUNT_UDP_NO_ESP] = true,
	[COUNT_UDP_WRONG_PORT] = true,  [COUNT_TCP_NO_ESP] = true,
	[COUNT_TCP_FULL] = true,        [COUNT_TCP_UNCONNECTED] = true,
};

#define DATAPATH_COUNTERS_MAX 64

/* Those of the data path and of this folder. */
static unsigned own_counters(struct lnx *l, struct lnx_counter *ret, unsigned cap)
{
	uint64_t data[DATAPATH_COUNTERS_MAX];
	const char *const *data_name;
	unsigned n = 0, n_data;

	rx_count_lost(l);
	carrier_udp_count_lost(l);
	n_data = datapath_counters(l->dp, &data_name, data, DATAPATH_COUNTERS_MAX);
	for (unsigned i = 0; i < n_data && n < cap; i++)
		ret[n++] = (struct lnx_counter){data_name[i], data[i], datapath_counts_drops(i)};
	for (unsigned i = 0; i < COUNT_COUNT && n < cap; i++)
		ret[n++] = (struct lnx_counter){count_name[i], l->count[i], count_dropped[i]};
	return n;
}

unsigned lnx_drops(struct lnx *l, struct lnx_counter *ret, unsigned cap)
{
	struct lnx_counter all[DATAPATH_COUNTERS_MAX + COUNT_COUNT];
	const unsigned n_all = own_counters(l, all, sizeof(all) / sizeof(all[0]));
	unsigned n = 0;

	for (unsigned i = 0; i < n_all && n < cap; i++) {
		if (all[i].dropped)
			ret[n++] = all[i];
	}
	return n;
}

unsigned lnx_counters(struct lnx *l, struct lnx_counter *ret, unsigned cap)
{
	uint64_t esp[ESP_RESULT_COUNT];
	unsigned n = own_counters(l, ret, cap);

	memcpy(esp, esp_sad_errors(l->sad), sizeof(esp));
	for (struct esp_sa *sa = esp_sad_next(l->sad, NULL); sa != NULL;
	     sa = esp_sad_next(l->sad, sa)) {
		struct esp_sa_status status;

		esp_sa_get_status(sa, &status);
		for (unsigned i = 0; i < ESP_RESULT_COUNT; i++)
			esp[i] += status.errors[i];
	}
	for (unsigned i = ESP_OK + 1; i < ESP_RESULT_COUNT && n < cap; i++)
		ret[n++] = (struct lnx_counter){esp_result_name((enum esp_result)i), esp[i],
						i != ESP_DUMMY};
	return n;
}
