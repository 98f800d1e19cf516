/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the files of src/linux share: the state of one open instance and the functions by which one
 * file calls another.  Not for anybody outside this folder.
 *
 * Everything is single threaded.  lnx_carry_out() runs nested inside cb->event(), which runs inside
 * lnx_readable(): so nothing that lnx_carry_out() does may touch the receive buffers, feed the link
 * layer a fact, or tell the core an event.
 */
#ifndef BUB_LINUX_INTERNAL_H
#define BUB_LINUX_INTERNAL_H

#include <limits.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include <linux/if.h>

#include "base/addr.h"
#include "counts.h"
#include "datapath.h"
#include "frag.h"
#include "link.h"
#include "link_nd.h"
#include "linux.h"
#include "netlink.h"
#include "undelivered.h"
#include "want.h"

struct carrier_state;

#define LNX_FRAGS 128             /* packets that are put together at once */
#define LNX_BATCH 32              /* packets read by one system call */
#define LNX_UDP_BATCH 8           /* each may be as many as one system call has sent */
#define LNX_BATCHES 4             /* system calls by one lnx_readable() */
#define LNX_PACKET_MAX 65576      /* IPv6 header and the largest payload */
#define LNX_OUT_WAITS (96u << 10) /* octets of sealed packets that wait, but for the last */
#define LNX_OUT_SIZE (LNX_OUT_WAITS + LNX_PACKET_MAX + ESP_OVERHEAD_MAX)
#define LNX_TUNNELS_DEFAULT 4096
#define LNX_UDP_PORT 4191
#define LNX_UDP_ESP_PORT 4500
#define RT_TABLE_MAIN_ID 254

/* Offsets from config.route_table. */
enum {
	TABLE_HOME = 0,                    /* one for each home: routes while it is away */
	TABLE_AT_HOME = BUB_HOMES_MAX,     /* default route while the first one is home */
	TABLE_CARE_OF = BUB_HOMES_MAX + 1, /* one for each care-of address */
	TABLE_COUNT = TABLE_CARE_OF + LINK_CARE_OFS_MAX,
};

/* Offsets from config.rule_priority, in the order in which the kernel asks them. */
enum {
	RULE_CARE_OF, /* from a care-of address: its own router */
	RULE_HOME,    /* from a home address that is away; past RULE_MAIN: prefixes on no link */
	RULE_MAIN,    /* whatever is on a link or has a route of its own */
	RULE_LANDING, /* does nothing: where those past RULE_MAIN go on */
	RULE_AWAY,    /* unbound sockets, while the first home is away */
	RULE_AT_HOME, /* unbound sockets, while it is at home */
	RULE_COUNT,
};

#define RULE_MAIN_PRIORITY 32766u /* of the kernel's own rule for the main table */

/* What is kept of an interface beside what the link layer knows of it. */
struct lnx_port {
	uint32_t ifindex;   /* 0: slot is free */
	bool deaf, ignored; /* told: takes no router advertisements, no signalling */
	bool no_programs;   /* told: those of the data path cannot be attached */
};

enum lnx_fd {
	FD_KNOWN,     /* signalling of peers, home agents and clients: read before the others */
	FD_STRANGERS, /* of everybody else */
	FD_MERGED,    /* tunnelled data that the kernel has merged */
	FD_TUN,
	FD_MONITOR,
	FD_REQUESTS, /* verdicts of the kernel */
	FD_TABLES,   /* what it has, looked through now and then */
	FD_ICMP6,
	FD_CARRIER, /* an epoll of all UDP sockets */
	FD_XFRM,    /* notices of the kernel about ESP that it does */
	FD_ND,      /* home agent with a home link only */
	FD_COUNT,
};

struct lnx {
	struct lnx_config cfg;
	char tun_name[IFNAMSIZ], home_link[IFNAMSIZ];
	char if_names[LNX_INTERFACES_MAX][IFNAMSIZ];
	struct lnx_callbacks cb;
	struct esp_sad *sad;
	struct datapath *dp;
	struct link *link;

	int fd[FD_COUNT];
	int fd_out;       /* raw IPv6 */
	int fd_silent[3]; /* see rx.c */
	uint32_t tun_ifindex, home_link_ifindex;
	struct nl *nl; /* requests */
	struct want *want;
	struct xfrm *xfrm;

	struct lnx_port port[LINK_IFACES_MAX];
	bool telling;       /* the core of what the link layer gave out */
	bool prefix_routed; /* home agent: the whole home prefix goes to the TUN */
	bool aside;         /* home agent: another one of the group serves */
	bool route_goes;    /* its end has not been sent to the kernel yet */

	unsigned flow_cursor;        /* which paths are in use, or FLOW_DONE */
	struct bub_time flow_due;    /* next look at all of them */
	uint64_t rx_lost;            /* packets that a socket had no room for, not logged yet */
	struct bub_time rx_lost_due; /* not before: a line about them */

	struct lnx_unsent unsent; /* the last one */

	unsigned n_listening; /* home addresses whose solicitations are heard */

	uint8_t iv[4096]; /* random octets for ESP */
	size_t iv_used;
	struct carrier_state *carrier;
	struct frag_table *frags;
	uint32_t frag_id; /* of the next packet that goes in fragments */
	uint64_t count[COUNT_COUNT];

	bool tun_udp;        /* the kernel makes one of several packets of UDP, and the reverse */
	uint64_t passed;     /* packets that had passed ESP when this lnx_readable() began */
	struct bulk *bulk;   /* bulk.c */
	struct leave *leave; /* leave.c */

	uint8_t *rx;      /* LNX_BATCH packets, and behind them LNX_UDP_BATCH of UDP */
	uint8_t *tun;     /* one packet */
	uint8_t *in;      /* one packet out of ESP */
	uint8_t *segment; /* one packet of many */
	uint8_t *out;     /* packets that have been sealed: LNX_OUT_SIZE */
	size_t out_used;  /* of it, by those that wait to leave: the next one is sealed behind them
			   */
};

/* report.c */
void lnx_log(struct lnx *l, enum lnx_log_level level, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
void lnx_emit(struct lnx *l, const struct bub_event *ev);

/* The text of an address, for the rest of the expression that it stands in. */
struct lnx_text {
	char s[INET6_ADDRSTRLEN];
};
struct lnx_text lnx_text_of(const struct in6_addr *a);
#define lnx_ntop(a) (lnx_text_of(a).s)

/* tun.c */
int tun_open(struct lnx *l, char *ret_error, size_t error_size);
int tun_setup(struct lnx *l);
void tun_set_mtu(struct lnx *l, uint32_t mtu);
void tun_readable(struct lnx *l);
void tun_write(struct lnx *l, struct bub_view packet, struct bub_merged merged);

/* bulk.c: packets that are read in a row go to the core as one */
int bulk_new(struct lnx *l); /* 0 or -ENOMEM */
void bulk_free(struct lnx *l);
/* Data of a tunnel: it goes to the core now, or with what follows.  @checked: its checksum is known
 * to be right.  The packet is borrowed for this call. */
void bulk_take(struct lnx *l, const struct bub_event *ev, bool checked);
/* What waits goes to the core. */
void bulk_flush(struct lnx *l);
bool bulk_may_read(const struct lnx *l); /* lnx_readable() has not had its share of packets */

/* rx.c */
int rx_open(struct lnx *l, char *ret_error, size_t error_size);
void rx_readable(struct lnx *l, enum lnx_fd which);
/* Reads first what those have sent who are known. */
void rx_known(struct lnx *l);
/* Asks the sockets what they had no room for. */
void rx_count_lost(struct lnx *l);
void rx_expire(struct lnx *l, struct bub_time now);
struct bub_time rx_deadline(const struct lnx *l);

/* known.c: who is no stranger, as the packet filters see it */
void known_add(struct lnx *l, const struct in6_addr *addr);
void known_watch_spis(struct lnx *l);

/* tx.c */
int tx_open(struct lnx *l, char *ret_error, size_t error_size);
void tx_send(struct lnx *l, const struct bub_action *act);
/* A packet as it is.  0 or a negative errno. */
int tx_plain(struct lnx *l, uint32_t ifindex, struct bub_view packet);
/* A packet of the tunnel @t, with its outer header; in fragments where the path is small. */
void tx_outer(struct lnx *l, const struct link_tunnel *t, struct bub_view outer,
	      const struct bub_action *act);

/* Sends whole packets, each from and to where its header says, and by the link @ifindex of each (0:
 * as it is routed).  Returns how many have gone: what is wrong with the next one is not looked at
 * here. */
unsigned tx_many(struct lnx *l, const uint32_t *ifindex, struct iovec *packet, unsigned n);
/* Sends @head and @body as one packet, from the source address and to the destination in the IPv6
 * header that @head begins with.  @body may be empty. */
int tx_raw(struct lnx *l, uint32_t ifindex, struct bub_view head, struct bub_view body);

/* esp.c */
enum esp_result lnx_esp_open(struct lnx *l, const struct bub_ip6 *ip, struct esp_opened *ret);
bool lnx_esp_transport(struct lnx *l, const struct in6_addr *owner, struct bub_view packet,
		       struct bub_view *ret);
bool lnx_esp_tunnel(struct lnx *l, const struct link_tunnel *t, struct bub_view packet,
		    struct bub_view *ret);
/* A dummy packet with @len octets in it, 0: some number; false: the tunnel has no ESP for data. */
bool lnx_esp_dummy(struct lnx *l, const struct link_tunnel *t, size_t len, struct bub_view *ret);
/* One with @note in it. */
bool lnx_esp_note(struct lnx *l, const struct link_tunnel *t, struct bub_view note,
		  struct bub_view *ret);

/* iface.c: what the kernel has, as facts for the link layer */
int iface_open(struct lnx *l, char *ret_error, size_t error_size);
void iface_monitor_readable(struct lnx *l);
void iface_ask(struct lnx *l, uint32_t ifindex);
bool iface_is_home(const struct lnx *l, const struct in6_addr *addr);
void iface_read_mtu6(struct lnx *l, uint32_t ifindex);

/* ops.c: what the link layer gives out */
void ops_carry_out(struct lnx *l); /* but for events */
void ops_tell(struct lnx *l);      /* the same, and events; never for an action of the core */
/* Puts the programs of the data path on an interface, for want.h; @ctx: struct lnx. */
int ops_attach(void *ctx, uint32_t ifindex);
void ops_say_ignored(struct lnx *l, const struct link_iface *ifc); /* signalling there, once */
void ops_check_deaf(struct lnx *l, uint32_t ifindex);              /* to router advertisements */

/* nd.c: neighbour discovery messages that bub sends and hears itself */
int nd_open(struct lnx *l, char *ret_error, size_t error_size);
void nd_icmp6_readable(struct lnx *l);
void nd_overhear(struct lnx *l);
int nd_home_link(struct lnx *l); /* it is there, perhaps made anew; 0 or a negative errno */
/* 0 or a negative errno. */
int nd_carry_out(struct lnx *l, const struct link_out *out);
/* The solicited-node group @group; 0 or a negative errno. */
int nd_group(struct lnx *l, uint32_t ifindex, const struct in6_addr *group, bool join);
/* The same; while there is one, solicitations are heard. */
int nd_listen(struct lnx *l, uint32_t ifindex, const struct in6_addr *group, bool on);

/* flow.c: which data paths are in use */
#define FLOW_DONE UINT_MAX /* until flow_due */
void flow_expire(struct lnx *l, struct bub_time now);
struct bub_time flow_deadline(const struct lnx *l);

/* agent.c */
int agent_open(struct lnx *l, char *ret_error, size_t error_size);
int agent_home_link(struct lnx *l); /* the same */
/* Joins a group on the home link, or leaves it. */
void agent_group(struct lnx *l, const struct in6_addr *group, bool join);

#endif
