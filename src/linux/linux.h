/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The only folder with system calls: turns what the kernel says into events for the core, and the
 * core's actions into what the kernel does.
 *
 *   rx.c        packet socket with an eBPF filter: signalling as it came off the link
 *   tun.c       bub's own interface: home addresses live there, tunnel traffic passes through it
 *   bulk.c      packets that are read in a row go to the core as one
 *   netlink.c   addresses, routes, rules, neighbours (libmnl)
 *   iface.c     what the kernel has, as facts for the link layer (src/link)
 *   ops.c       what the link layer gives out: operations and events
 *   carrier     by what ESP goes, natively or in UDP (carrier.h)
 *   esp glue    esp.c: seals and opens for the tunnel and the home registration
 *   datapath.c  loads the tc programs of src/bpf and keeps their maps (datapath.h)
 *   act.c       one function per action
 *
 * Errors are negative errno.  Nothing here logs: a message for the operator goes through log().
 */
#ifndef BUB_LINUX_H
#define BUB_LINUX_H

#include "bub/engine.h"
#include "esp.h"
#include "link_advert.h"
#include "link_carrier.h"

#define LNX_LISTED_MAX 16 /* interfaces in a list of the configuration */
#define LNX_INTERFACES_MAX (2 * LNX_LISTED_MAX)
#define LNX_LOCALS_MAX 8

enum lnx_log_level {
	LNX_LOG_ERROR,
	LNX_LOG_WARNING,
	LNX_LOG_INFO,
	LNX_LOG_DEBUG,
};

/* Tables 0 and 253 to 255 are the kernel's own, and up to 255 they have names that others use. */
#define LNX_ROUTE_TABLE_MIN 256u
#define LNX_ROUTE_TABLE_MAX (UINT32_MAX - 21)
/* All six come before the kernel's rule for the main table, 32766. */
#define LNX_RULE_PRIORITY_MAX 32760u

struct lnx_config {
	const char *tun_name;                       /* "bub0" */
	const char *interfaces[LNX_INTERFACES_MAX]; /* where signalling is listened to */
	int32_t preference[LNX_INTERFACES_MAX];     /* of each; higher is better */
	bool optimistic[LNX_INTERFACES_MAX], neutral[LNX_INTERFACES_MAX]; /* of each (link.h) */
	bool listen_only[LNX_INTERFACES_MAX]; /* of each: holds no care-of addresses */
	unsigned n_interfaces;                /* 0: every interface but lo and bub's own */
	struct in6_addr homes[BUB_HOMES_MAX]; /* mobile node */
	uint8_t home_prefix_len[BUB_HOMES_MAX];
	struct in6_addr home_agents[BUB_HOMES_MAX];      /* of each; :: to be discovered */
	struct in6_addr home_agents_ipv4[BUB_HOMES_MAX]; /* of each, IPv4-mapped; :: none */
	unsigned n_homes;
	bool home_agent, in_group; /* in_group: begins aside (linux_group.h) */
	struct in6_addr home_agent_address;
	struct in6_addr home_agent_ipv4; /* IPv4-mapped; :: none */
	const char *home_link;           /* home agent: physical home link, or NULL */
	struct in6_addr ha_prefix[BUB_HA_PREFIXES_MAX];
	uint8_t ha_prefix_len[BUB_HA_PREFIXES_MAX];
	unsigned n_ha_prefixes;
	struct link_advert_config advert;
	bool multicast;       /* groups through the tunnel, as mobile node or home agent */
	bool protect_payload; /* ESP for tunnelled data, else IPv6-in-IPv6 */
	unsigned unprotected; /* set of enum esp_class: goes without ESP, for tests; no payload */
	enum carrier_policy udp; /* ESP in UDP between mobile node and home agent */
	unsigned esp;            /* whose ESP data has: enum lnx_esp_policy (linux_xfrm.h) */
	uint16_t udp_port, udp_esp_port; /* of the home agent: messages, data; 0: 4191, 4500 */
	uint16_t tcp_port;               /* of the home agent: both, in TLS; 0: none */
	uint16_t direct_udp_port;        /* of direct paths in UDP; 0: none */
	uint32_t max_paths;              /* data paths: pairs of addresses; 0: 1024 */
	uint32_t max_tunnels;            /* home addresses with a tunnel; 0: 4096 */
	uint32_t route_table;    /* first of the 21 routing tables that are bub's own; 2116 */
	uint32_t rule_priority;  /* first of the six priorities of bub's ip rules; 1000 */
	uint32_t bypass_after_s; /* programs get out directly after such a silence; 0: never */
};

/* A packet that ESP discarded, for who audits (RFC 4303, 4). */
struct lnx_esp_drop {
	enum esp_result why;
	bool out; /* it was to be sent: the next number was not to be had */
	struct in6_addr src, dst;
	uint32_t spi; /* 0 where the packet ends before, as is the number */
	uint64_t sequence;
	uint32_t flow;        /* label */
	struct in6_addr home; /* in a Home Address option; :: none */
};

/* Data between a mobile node and its home agent that came with ESP where this node sends it
 * without, or the reverse. */
struct lnx_data_fault {
	bool esp; /* it came with ESP */
	struct in6_addr home;
	struct in6_addr src, dst; /* of the outer header */
};

struct lnx_callbacks {
	void *ctx;
	void (*event)(void *ctx, const struct bub_event *ev);
	const struct bub_engine *engine; /* told what comes: bub_engine_expect(); NULL: none is */
	void (*esp_drop)(void *ctx, const struct lnx_esp_drop *drop);      /* NULL: nobody audits */
	void (*data_fault)(void *ctx, const struct lnx_data_fault *fault); /* NULL: nobody */
	const struct lnx_hint_ops *hints;                                  /* NULL: nobody cares */
	void *hints_ctx;
	const struct lnx_tcp_ops *tcp; /* with lnx_config.tcp_port (linux_tcp.h); NULL: none */
	void *tcp_ctx;
	void (*log)(void *ctx, enum lnx_log_level level, const char *text);
};

struct lnx;

/*
 * Opens sockets, makes the TUN interface, loads and attaches the BPF programs, subscribes to
 * rtnetlink.  On failure @ret_error (size @error_size) says in one line what is missing and what to
 * do about it.  @cfg is copied; @sad and what @cb points at are borrowed.
 */
int lnx_open(const struct lnx_config *cfg, const struct lnx_callbacks *cb, struct esp_sad *sad,
	     char *ret_error, size_t error_size, struct lnx **ret_lnx);

/* Takes every route, rule, address, interface and program back.  NULL is fine. */
void lnx_close(struct lnx *lnx);

/* To poll for reading, by the index of lnx_readable(); the set does not change while it is open. */
unsigned lnx_fd_count(const struct lnx *lnx);
int lnx_fd(const struct lnx *lnx, unsigned index);

/* Reads what is there, in bounded batches, and gives it to cb->event(). */
void lnx_readable(struct lnx *lnx, unsigned index);

/* Once after lnx_open() and before the loop: reports the addresses that are usable already. */
int lnx_scan(struct lnx *lnx);

/* When lnx_expire() wants to be called (grace periods, DAD, repeated advertisements). */
struct bub_time lnx_deadline(const struct lnx *lnx);
void lnx_expire(struct lnx *lnx, struct bub_time now);

/* Carries out one action; verdicts come as BUB_EV_DONE by cb->event(), and not inside this call. */
void lnx_carry_out(struct lnx *lnx, struct bub_time now, const struct bub_action *act);

/* A care-of address from which the home agent was not reached. */
struct lnx_failure {
	struct in6_addr addr;
	char interface[16]; /* its name */
	unsigned times;     /* one after the other */
};

/* The next one after the place @at, which is 0 for the first; false: no more. */
bool lnx_failure_next(const struct lnx *lnx, unsigned *at, struct lnx_failure *ret);
/* Programs that are not bound to a home address get out directly, for want of the home agent. */
bool lnx_bypassed(const struct lnx *lnx);

/* Mobile node: the interface @name comes before all others from now on; link.h says what @once,
 * NULL and the errors mean.  What follows is told by cb->event(): not to be called from inside of
 * that. */
int lnx_prefer(struct lnx *lnx, const char *name, bool once);
const char *lnx_preferred(const struct lnx *lnx, bool *ret_once); /* NULL: none */

struct lnx_care_of {
	struct in6_addr addr, router; /* router: :: none, on a link without neighbours */
	char interface[16];           /* its name */
	int32_t preference;           /* as configured */
	unsigned failures;            /* registrations from it, one after the other */
};

/* The next one that is usable, after the place @at, which is 0 for the first; false: no more. */
bool lnx_care_of_next(const struct lnx *lnx, unsigned *at, struct lnx_care_of *ret);

/* A packet with this mark (socket(7), SO_MARK) goes as if there were no direct path. */
#define LNX_DETOUR_MARK 0x627562u

uint32_t lnx_own_ifindex(const struct lnx *lnx); /* of bub's own interface */

/* Whether @home is a home address of this node that is away. */
bool lnx_is_away(const struct lnx *lnx, const struct in6_addr *home);

/* The outer addresses of the tunnel of @home; false: there is none. */
bool lnx_tunnel_ends(const struct lnx *lnx, const struct in6_addr *home, struct in6_addr *ret_local,
		     struct in6_addr *ret_remote);

/* By what carrier ESP of @home goes. */
struct lnx_carrier {
	const char *name;     /* "native", "udp", "tcp" */
	const char *why;      /* in words */
	struct in6_addr addr; /* not "native": where data goes to; IPv4: mapped */
	uint16_t port;
};
/* False: it has no tunnel. */
bool lnx_carrier(const struct lnx *lnx, const struct in6_addr *home, struct lnx_carrier *ret);

/* The way that data takes. */
enum lnx_way {
	LNX_WAY_ROUTED, /* as the system routes it */
	LNX_WAY_TUNNEL, /* from a home address that is away, through its home agent */
	LNX_WAY_DIRECT, /* by a data path */
};

/* From @local to @peer; with LNX_WAY_DIRECT, *ret_out_src and *ret_out_dst are the addresses on the
 * wire. */
enum lnx_way lnx_way(const struct lnx *lnx, const struct in6_addr *local,
		     const struct in6_addr *peer, struct in6_addr *ret_out_src,
		     struct in6_addr *ret_out_dst);

/* The name of the interface that @home is on: by @care_of, or, where that is ::, at home.  False:
 * it is on none. */
bool lnx_home_interface(const struct lnx *lnx, const struct in6_addr *home,
			const struct in6_addr *care_of, char ret_name[static 16]);

/* Home agent: the home link has these prefixes and flags now, at most BUB_HA_PREFIXES_MAX.  Those
 * from before keep coming here. */
void lnx_home_prefixes(struct lnx *lnx, const struct bub_ha_prefix *prefix, unsigned n,
		       bool managed, bool other);

/* The engine's time: CLOCK_BOOTTIME, as lifetimes run on at the peers while this machine sleeps. */
struct bub_time lnx_now(void);

/* Counters of the data path and of ESP, by name ("data-out", "data-hao-no-binding", ...). */
struct lnx_counter {
	const char *name;
	uint64_t value;
	bool dropped; /* it counts what was discarded */
};
/* Those of what was discarded, but for ESP (esp_drop); in the same order always. */
#define LNX_DROPS_MAX 64
unsigned lnx_drops(struct lnx *lnx, struct lnx_counter *ret, unsigned cap);
unsigned lnx_counters(struct lnx *lnx, struct lnx_counter *ret, unsigned cap);

/* What went and came on the direct path of a pair of addresses since it was first set up.  A packet
 * that the kernel has not segmented yet counts once; octets are of IPv6 packets without the headers
 * of the direct path.  Times are 0 where there was no such packet. */
struct lnx_traffic {
	uint64_t in_packets, in_octets;
	uint64_t in_refused; /* dropped: not from where the peer is bound */
	uint64_t out_packets, out_octets;
	uint64_t out_dropped;      /* the headers did not go in */
	struct bub_time in_last;   /* the last one in */
	struct bub_time in_first;  /* the first one in between the addresses of lnx_turn(), */
	struct bub_time in_before; /* and the last one before that */
	struct bub_time out_first; /* the first one out between those */
};

/* False, and all zeros: the pair never had a direct path, or others have taken its place. */
bool lnx_traffic(struct lnx *l, const struct in6_addr *local, const struct in6_addr *peer,
		 struct lnx_traffic *ret);

/* A handover: from now on data of the pair is expected between these addresses on the wire. */
void lnx_turn(struct lnx *l, const struct in6_addr *local, const struct in6_addr *peer,
	      const struct in6_addr *local_care_of, const struct in6_addr *peer_care_of);

#endif
