/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What the BPF programs and user space share: the layout of map keys and values, and the counters.
 * Plain integers only, so that both compilers lay it out alike without packing.  Addresses and
 * lengths of wire formats are in network order as they are on the wire.
 *
 * Owner of the maps' contents is user space (src/linux/datapath.c); the programs only count, and
 * note which pairs are in use.
 */
#ifndef BUB_BPF_H
#define BUB_BPF_H

#include <linux/types.h>

struct bub_bpf_addr {
	__u32 word[4];
};

/* Key of both path maps: an address of this node and a peer's home address. */
struct bub_bpf_pair {
	struct bub_bpf_addr local;
	struct bub_bpf_addr peer;
};

/* What goes in front of the upper-layer header. */
enum {
	BUB_BPF_OUT_RH2 = 1 << 0, /* the destination is not the peer's home address */
	BUB_BPF_OUT_HAO = 1 << 1, /* the source is not our home address */
};

/* Of both directions: a mobile node and its home agent, whose ESP is user space's. */
#define BUB_BPF_HOME_AGENT (1 << 2)

/* Out: nobody has shown yet that the peer is there.  Only what it has earned goes (RFC 4866, 2.3),
 * the rest as if there were no entry. */
#define BUB_BPF_OUT_CREDIT (1 << 3)

/* Out: as if there were no entry, until something came from where the peer is bound. */
#define BUB_BPF_OUT_HEARD (1 << 4)

/* Out: in UDP in place of the headers. */
#define BUB_BPF_OUT_UDP (1 << 5)

#define BUB_BPF_CREDIT_MAX 65536

/* How local -> peer leaves.  There is no entry for a pair that leaves unchanged. */
struct bub_bpf_out {
	struct bub_bpf_addr src;
	struct bub_bpf_addr dst;
	__u32 flags; /* BUB_BPF_OUT_*, BUB_BPF_HOME_AGENT */
	__u32 used;  /* flow_epoch when a packet last went this way; 0: none yet */
	__u32 came;  /* when one last came, from a peer that is not bound here */
	__u32 slot;  /* of the pair's traffic */
	__u32 turn;  /* of the pair, to which src and dst belong; 0: to none */
	__u16 port;  /* of the peer, in network order: BUB_BPF_OUT_UDP */
	__u16 unused;
};

/* From where a Home Address option naming the peer is accepted. */
struct bub_bpf_in {
	struct bub_bpf_addr care_of;
	struct bub_bpf_addr previous; /* the care-of address bound before */
	struct bub_bpf_addr own;      /* where this node is for the peer: one of its addresses */
	__u64 previous_until_ns;      /* bpf_ktime_get_ns(), which is CLOCK_MONOTONIC */
	__u32 used;                   /* flow_epoch when a packet last came; 0: none yet */
	__u32 flags;                  /* BUB_BPF_HOME_AGENT */
	__u32 slot;                   /* of the pair's traffic */
	__s64 credit; /* octets received and not spent; may pass both ends of its range by what
			 other CPUs have in hand */
};

/* Slot of all pairs that have none of their own. */
#define BUB_BPF_SLOT_NONE 0

/* Between which addresses on the wire the data of a pair goes since the last handover.  Written by
 * user space in place: the number last, after it was 0. */
struct bub_bpf_turn {
	__u32 number;
	__u32 unused; /* the kernel keeps values at multiples of eight octets */
	struct bub_bpf_addr local;
	struct bub_bpf_addr peer;
};

/* Data of one pair on the direct path, as one CPU has seen it.  Octets are of IPv6 packets without
 * the headers of the direct path. */
struct bub_bpf_traffic {
	__u64 in_packets, in_octets;
	__u64 in_refused; /* not from where the peer is bound */
	__u64 out_packets, out_octets;
	__u64 out_dropped; /* the headers did not go in */
	/* bpf_ktime_get_ns() */
	__u64 in_last_ns;   /* the last one in */
	__u64 in_first_ns;  /* the first one in of in_turn, */
	__u64 in_before_ns; /* and the last one before that; 0: there was none */
	__u64 out_first_ns; /* the first one out of out_turn */
	__u32 in_turn, out_turn;
};

/* Value of the map of local addresses. */
enum {
	BUB_BPF_LOCAL_HOME = 1 << 0, /* a type 2 routing header may name it */
};

/* Socket mark of bub's own question who has a home address, and of packets that are to go as if
 * there were no direct path (linux.h, LNX_DETOUR_MARK). */
#define BUB_BPF_OWN_MARK 0x627562

/* Mark of what the kernel's ESP has brought to a home address, until its ingress program has seen
 * it. */
#define BUB_BPF_TUNNEL_MARK 0x62756200
#define BUB_BPF_TUNNELLED_MAX 4096 /* pairs whose data came so of late */

#define BUB_BPF_LOCALS_MAX 1024

/* Packets with an uncovered Home Address option that the socket filter lets through, a second and
 * CPU: enough for every peer to learn of it by a Binding Error, too few to be a burden. */
#define BUB_BPF_UNCOVERED_PER_S 100

/*
 * What the daemon reads from somebody it does not know, by kind, and how many of it the socket
 * filter lets through in a second and CPU: more than any node needs that is not flooded, and
 * together less than what keeps the daemon busy.  (Nobody whom it does know is behind them: that
 * has a socket of its own.)
 */
#define BUB_BPF_KINDS(X)                                                                           \
	X(HOTI, "rate-limit-hoti", 4000)                                                           \
	X(COTI, "rate-limit-coti", 4000)                                                           \
	X(UPDATE, "rate-limit-binding-update", 4000)                                               \
	X(MOBILITY, "rate-limit-mobility", 1000)  /* all other mobility messages */                \
	X(ERROR, "rate-limit-icmpv6-error", 1000) /* ICMPv6 errors */                              \
	X(DISCOVERY, "rate-limit-discovery", 200) /* RFC 6275, 6.5 to 6.8 */                       \
	X(TUNNEL, "rate-limit-tunnel", 2000)      /* IPv6 in IPv6 */                               \
	X(ESP, "rate-limit-esp", 40)              /* a registration under an unknown SPI */        \
	X(FRAGMENT, "rate-limit-fragment", 500)   /* of ESP and IPv6 in IPv6 */                    \
	X(UNCOVERED, "hao-no-binding-rate-limit", BUB_BPF_UNCOVERED_PER_S)

enum bub_bpf_kind {
#define X(id, name, rate) BUB_BPF_KIND_##id,
	BUB_BPF_KINDS(X)
#undef X
		BUB_BPF_KIND_COUNT
};

/* Of these, one source prefix of 64, 48 or 32 bits has no more than a quarter, a half and three
 * quarters: who has a site, or a provider's network, leaves something to all others. */
#define BUB_BPF_SHARE_64(rate) ((rate) / 4)
#define BUB_BPF_SHARE_48(rate) ((rate) / 2)
#define BUB_BPF_SHARE_32(rate) ((rate) / 4 * 3)
/* Questions in the name of one address that is known, and packets that name it in a Home Address
 * option without a binding, in a second and CPU: anybody can send those, so they have a share of
 * their own and no more. */
#define BUB_BPF_KNOWN_PER_S 50

/* Who opens ESP with an SPI. */
enum bub_bpf_spi {
	BUB_BPF_SPI_DAEMON,
	BUB_BPF_SPI_KERNEL,
};

/* What user space says of this node. */
#define BUB_BPF_MOBILE_NODE (1 << 0) /* it has a home address */
#define BUB_BPF_ESP_IS_DATA (1 << 1) /* it has no security associations */
#define BUB_BPF_ANY_SPI (1 << 2)     /* the map of SPIs has not all of them */

/* A packet that the kernel has not segmented yet counts once. */
#define BUB_BPF_COUNTERS(X)                                                                        \
	X(DATA_OUT, "data-out")                       /* sent with RH2, HAO or both */             \
	X(DATA_OUT_UDP, "data-out-udp")               /* of these: in UDP */                       \
	X(DATA_OUT_FAILED, "data-out-failed")         /* dropped: headers did not go in */         \
	X(DATA_TOO_BIG, "data-too-big")               /* dropped: over the link's MTU */           \
	X(HOME_PROBE, "home-probe-stopped")           /* the kernel's DAD of a home address */     \
	X(DATA_DETOUR, "data-out-no-credit")          /* unproved care-of: the old way */          \
	X(DATA_SEGMENTS, "data-out-segments")         /* UDP in UDP, not cut yet: the old way */   \
	X(DATA_UNHEARD, "data-out-unheard")           /* unproved path: the old way */             \
	X(DATA_IN, "data-in")                         /* accepted, headers taken out */            \
	X(DATA_IN_UDP, "data-in-udp")                 /* of these: in UDP */                       \
	X(DATA_IN_GRACE, "data-in-grace")             /* of these: from the former care-of */      \
	X(DATA_HAO_NO_BINDING, "data-hao-no-binding") /* dropped: RFC 6275, 9.3.1 */               \
	X(DATA_RH2_NOT_HOME, "data-rh2-not-home")     /* dropped: RFC 6275, 11.3.3 */              \
	X(DATA_MALFORMED, "data-malformed")           /* dropped: bad RH2 or HAO */                \
	X(SIGNALLING_TAKEN, "signalling-taken")       /* kept from the kernel: user space's */     \
	X(SIGNALLING_FRAGMENT, "signalling-fragment") /* dropped: MH in fragments */               \
	X(UNCOVERED_SEEN, "hao-no-binding-seen")      /* shown to user space */                    \
	X(SIGNALLING_SHORT, "signalling-short")       /* not shown: MH of less than 8 octets */    \
	X(SIGNALLING_NO_ROLE, "signalling-no-role")   /* not shown: only mobile nodes take it */   \
	X(ESP_UNKNOWN_SPI, "esp-unknown-spi")         /* not shown: no SA (RFC 4303, 3.4.2) */     \
	X(UDP_KEEP_ALIVE, "udp-keep-alive-in")        /* not shown: RFC 3948, 2.3 */               \
	X(UDP_MALFORMED, "udp-malformed")             /* not shown: no ESP in it */                \
	X(UDP_NOT_ESP, "udp-not-esp")                 /* not shown: IKE, RFC 3948, 2.2 */          \
	X(UDP_UNKNOWN_SPI, "udp-unknown-spi")         /* not shown: no SA */                       \
	X(UDP_LIMITED, "udp-limited")                 /* those of rate limits that came in UDP */  \
	X(RATE_PREFIX, "rate-limit-prefix")           /* not shown: a prefix has had its share */

enum bub_bpf_counter {
#define X(id, name) BUB_BPF_##id,
	BUB_BPF_COUNTERS(X)
#undef X
/* Not shown: too many of a kind in a second. */
#define X(id, name, rate) BUB_BPF_RATE_##id,
		BUB_BPF_KINDS(X)
#undef X
			BUB_BPF_COUNTER_COUNT
};

#endif
