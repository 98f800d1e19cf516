/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The route-optimised data path: loads src/bpf/bub.bpf.c, attaches it to interfaces (clsact), and
 * keeps its maps.  Knows nothing of routes: act.c sets those.
 */
#ifndef BUB_LINUX_DATAPATH_H
#define BUB_LINUX_DATAPATH_H

#include "bub/engine.h"

struct datapath;

/* Entries of the maps. */
struct datapath_size {
	uint32_t paths;
	uint32_t known; /* addresses of datapath_known_add() */
	uint32_t spis;
};

/* Loads the programs.  On failure @ret_error says what is missing. */
int datapath_open(const struct datapath_size *size, char *ret_error, size_t error_size,
		  struct datapath **ret_dp);
void datapath_close(struct datapath *dp); /* detaches; NULL is fine */

/* What went wrong in the last call that failed, as one line for the operator; "" before.  Borrowed
 * until the next call. */
const char *datapath_last_error(const struct datapath *dp);

/* Attaches ingress and egress programs to @ifindex (with or without an Ethernet header); already
 * attached is fine.  Not for bub's own TUN interface: what comes out of there must not change. */
#define DATAPATH_INTERFACES_MAX 64
int datapath_attach(struct datapath *dp, uint32_t ifindex);

/* Whether both programs are where datapath_attach() has put them. */
bool datapath_is_attached(const struct datapath *dp, uint32_t ifindex);

/* Whether the counter @i of datapath_counters() counts what was discarded. */
bool datapath_counts_drops(unsigned i);

/* Removes our programs and nobody else's; the clsact qdisc goes if attaching had made it and nobody
 * else uses it now.  An interface that is gone is fine; -ENOENT for one never attached. */
int datapath_detach(struct datapath *dp, uint32_t ifindex);

/* Who takes ESP: the daemon, or for one that has no security associations the kernel, to which it
 * is data that a Home Address option and a type 2 routing header may come with (RFC 6275, 9.3). */
void datapath_leave_esp(struct datapath *dp, bool leave);

/* At which UDP port data of direct paths, and signalling, is taken, and from which it goes; 0:
 * none. */
void datapath_set_udp_port(struct datapath *dp, uint16_t port);

/* Whether this node has a home address: others have no use for what only answers mobile nodes. */
void datapath_mobile_node(struct datapath *dp, bool mobile);

/* Whose signalling is read first: peers, home agents, clients. */
int datapath_known_add(struct datapath *dp, const struct in6_addr *addr);
int datapath_known_del(struct datapath *dp, const struct in6_addr *addr);

/* SPIs of inbound security associations: ESP with another one is dropped by the filters.  Where the
 * map is full, none is any more. */
int datapath_spi_add(struct datapath *dp, uint32_t spi);
int datapath_spi_del(struct datapath *dp, uint32_t spi);
/* The next pair whose data the kernel's ESP has brought of late, after this one; from :: on. */
bool datapath_tunnelled_next(const struct datapath *dp, struct in6_addr *local,
			     struct in6_addr *peer);
/* The kernel opens what has that one, or does no more. */
int datapath_spi_kernel(struct datapath *dp, uint32_t spi, bool on);
bool datapath_spi_is_kernels(const struct datapath *dp, uint32_t spi);

/* The home agent's UDP ports, by which DATAPATH_CARRIER knows messages and data; and how many that
 * has refused. */
void datapath_carrier_ports(struct datapath *dp, uint16_t message, uint16_t data);
uint64_t datapath_carrier_refused(struct datapath *dp);

/* bub's own interface, into which goes what a path may not carry yet (BUB_TRUST_CREDIT); 0: none,
 * and such packets are dropped. */
void datapath_set_tun(struct datapath *dp, uint32_t ifindex);

/* An address of this node that signalling is sent to (care-of, home, home agent).  @home: a type 2
 * routing header may name it. */
int datapath_local_add(struct datapath *dp, const struct in6_addr *addr, bool home);
int datapath_local_del(struct datapath *dp, const struct in6_addr *addr);

/* Sets one pair (BUB_ACT_PATH_SET).  The receiving side is changed before the sending side.  The
 * care-of address that was accepted before stays accepted for DATAPATH_GRACE_MS. */
#define DATAPATH_GRACE_MS 1000
int datapath_path_set(struct datapath *dp, const struct bub_path *path);
int datapath_path_del(struct datapath *dp, const struct in6_addr *local,
		      const struct in6_addr *peer);

/* From now on data of the pair is expected between these addresses on the wire.  Does nothing for a
 * pair that never had a path. */
void datapath_turn(struct datapath *dp, const struct in6_addr *local, const struct in6_addr *peer,
		   const struct in6_addr *local_care_of, const struct in6_addr *peer_care_of);

/* What went and came on the direct path of the pair; its turn is the last one.  Times are of
 * CLOCK_MONOTONIC.  False: it never had a path, or that was long ago. */
struct bub_bpf_traffic;
bool datapath_traffic(struct datapath *dp, const struct in6_addr *local,
		      const struct in6_addr *peer, struct bub_bpf_traffic *ret);

/* Which pairs are in use: packets are told apart by periods, of which each call begins one.  A pair
 * counts as used where a packet went or came by a direct path in this period or the one before;
 * @ret_came: where one came. */
void datapath_next_period(struct datapath *dp);
bool datapath_path_used(const struct datapath *dp, const struct in6_addr *local,
			const struct in6_addr *peer, bool *ret_came);
/* Something came with the Home Address option from the care-of address that is set. */
bool datapath_path_heard(const struct datapath *dp, const struct in6_addr *local,
			 const struct in6_addr *peer);

/* The programs themselves.  The last three are filters of packet sockets (SO_ATTACH_BPF): mobility
 * signalling, ESP, IPv6 in IPv6, ICMPv6 of interest and packets with an uncovered Home Address
 * option that are addressed to one of the local addresses. */
enum datapath_program {
	DATAPATH_EGRESS_ETHER,
	DATAPATH_EGRESS_RAW,
	DATAPATH_INGRESS_ETHER,
	DATAPATH_INGRESS_RAW,
	DATAPATH_KNOWN,     /* from who is known; SOCK_DGRAM */
	DATAPATH_STRANGERS, /* from anybody else, so many a second; SOCK_DGRAM */
	DATAPATH_MERGED,    /* merged on receipt, out of a tunnel without ESP; SOCK_RAW */
	DATAPATH_CARRIER,   /* ESP in UDP; of UDP sockets */
};
int datapath_program_fd(const struct datapath *dp, enum datapath_program which);

/* Counters summed over the CPUs; names as in lnx_counters().  Returns how many there are. */
unsigned datapath_counters(struct datapath *dp, const char *const **ret_names, uint64_t *ret_values,
			   unsigned cap);

#endif
