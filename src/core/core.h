/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the files of the protocol core share: a few types, and the services that every role uses
 * (send a message, count a drop, trace, arm a timer).  The engine's state is in engine_state.h.
 */
#ifndef BUB_CORE_CORE_H
#define BUB_CORE_CORE_H

#include "base/table.h"
#include "bub/engine.h"
#include "crypto/crypto.h"
#include "limit.h"
#include "timerq.h"

struct home_registration;
struct mn;
struct bul;
struct cn;
struct ha;
struct policies;

/* RFC 6275, 12. */
#define INITIAL_BINDACK_TIMEOUT_MS 1000u
#define MAX_BINDACK_TIMEOUT_MS 32000u
#define MAX_UPDATE_RATE 3u /* Binding Updates a second to one node */

#define RESPONDER_FORGETS_S 20 /* a responder keeps half a test or exchange so long */

#define PACKET_MAX 1360    /* longest packet that the core itself builds: 1280 and a wrapper */
#define DH_MESSAGE_MAX 448 /* longest DH message: DH1 with both suites is 368 octets */
#define SCRATCH_MAX 65576  /* a packet, or what stands for many */

/* When the last few Binding Updates to one node went out. */
struct rate {
	struct bub_time at[MAX_UPDATE_RATE];
	unsigned next;
};

/* How a message leaves. */
struct route {
	struct in6_addr src, dst;
	bool has_hao, has_rh2;
	struct in6_addr hao, rh2;
	enum bub_egress egress;
	struct in6_addr owner;
	uint16_t udp_port; /* of the peer: in UDP in place of the two headers; 0: not */
	const char *via;   /* for the trace: "direct", "home agent", "home agents" */
	uint32_t ifindex;  /* 0: as routed */
	struct in6_addr outer_src, outer_dst; /* IPv4-mapped: in UDP over IPv4; else :: */
};

/* A received message, mobility or ICMPv6, and the way it came. */
struct rx {
	const struct bub_ip6 *ip;
	struct bub_mh mh;
	enum bub_ingress ingress;
	uint32_t ifindex;
	struct in6_addr from;           /* source on the way here: IPv4-mapped, it came in UDP over
					   IPv4; else that of its IPv6 header */
	bool retry;                     /* a refusal: the next Binding Update goes another way */
	bool tunnelled;                 /* out of the tunnel from this node's own home agent */
	struct in6_addr local;          /* destination after a routing header */
	struct in6_addr peer;           /* source after a Home Address option */
	struct home_registration *home; /* whose home address local is; NULL: none */
	struct route back;              /* how an answer to it leaves */
};

/* A message to encode: what signs it, if anything does. */
struct mh_out {
	struct bub_mh mh;
	const struct bub_key
		*key; /* Binding Authorization Data, or the signature of a DH message */
	struct in6_addr auth_care_of, auth_correspondent;
	const uint8_t *bub_cookie; /* DH messages */
};

/* Where a packet came from: as struct rx has it. */
static inline const struct in6_addr *core_from(const struct bub_ip6 *ip, const struct bub_event *ev)
{
	return ev->u.packet.ingress == BUB_INGRESS_ESP_TRANSPORT &&
			       IN6_IS_ADDR_V4MAPPED(&ev->u.packet.outer_src)
		       ? &ev->u.packet.outer_src
		       : &ip->src;
}

/* The engine's own, for its roles: out.c. */
struct bub_time core_now(const struct bub_engine *eng);
const struct bub_config *core_config(const struct bub_engine *eng);
struct bub_crypto *core_crypto(const struct bub_engine *eng);
struct bub_counters *core_counters(struct bub_engine *eng);
struct limit *core_limit(struct bub_engine *eng);
/* SCRATCH_MAX octets, which last until the next feed. */
uint8_t *core_scratch(struct bub_engine *eng);

/* What the packet stands for that is fed, and how many that are. */
struct bub_merged core_merged(const struct bub_engine *eng);
unsigned core_packets(const struct bub_engine *eng);

struct policies *core_policies(const struct bub_engine *eng);

/* The state of each role, which only its folder knows. */
struct mn *core_mn(const struct bub_engine *eng);
struct bul *core_bul(const struct bub_engine *eng);
struct cn *core_cn(const struct bub_engine *eng);
struct ha *core_ha(const struct bub_engine *eng);

/* To whoever listens; borrowed. */
void core_trace(struct bub_engine *eng, const struct bub_trace *tr);
void core_drop(struct bub_engine *eng, enum bub_drop why, const struct in6_addr *peer);
void core_trace_state(struct bub_engine *eng, const char *machine, const char *from, const char *to,
		      const char *reason, const struct in6_addr *local,
		      const struct in6_addr *peer);
void core_trace_key(struct bub_engine *eng, const char *name, const struct in6_addr *local,
		    const struct in6_addr *peer, const uint8_t *octets, size_t len);
void core_trace_received(struct bub_engine *eng, const struct rx *rx, uint32_t number);
void core_random(struct bub_engine *eng, void *buf, size_t len);
struct bub_action *core_action(struct bub_engine *eng, enum bub_action_type type);
/* PACKET_MAX octets that go with the action queued last, and with the one to come. */
uint8_t *core_buffer(struct bub_engine *eng);
uint8_t *core_next_buffer(struct bub_engine *eng);
/* No action can be queued any more. */
bool core_is_full(const struct bub_engine *eng);

/* The data path between the two may have changed: it is worked out at the end of the feed (path.c).
 */
void core_mark_path(struct bub_engine *eng, const struct in6_addr *local,
		    const struct in6_addr *peer);
/* The pair marked first; false: none is left. */
bool core_take_path(struct bub_engine *eng, struct in6_addr *ret_local, struct in6_addr *ret_peer);

/* Sets or moves @t. */
void core_timer(struct bub_engine *eng, struct timer *t, uint64_t ms);
void core_timer_at(struct bub_engine *eng, struct timer *t, struct bub_time at);
/* Stops @t, which need not be set. */
void core_timer_cancel(struct bub_engine *eng, struct timer *t);
/* Milliseconds until one more Binding Update may go out (RFC 6275, 11.8); 0: now. */
uint64_t core_rate_wait(const struct bub_engine *eng, const struct rate *r);
/* Counts one that goes out now. */
void core_rate_note(const struct bub_engine *eng, struct rate *r);
/* The one that was counted last goes out only now, and counts from now on. */
void core_rate_later(const struct bub_engine *eng, struct rate *r);

/* Encodes and signs into @buf; the checksum stays zero.  Returns the length. */
size_t core_build(struct bub_engine *eng, const struct mh_out *out, uint8_t *buf, size_t cap);

/* Puts headers and checksum round an encoded message and queues it. */
void core_send_built(struct bub_engine *eng, const struct route *r, enum bub_mh_kind kind,
		     uint32_t number, const uint8_t *mh, size_t len);

/* The number that a trace shows of @mh: its sequence number, its status, or which DH message it is.
 */
uint32_t core_number(const struct bub_mh *mh);

/* core_build() and core_send_built() in one. */
void core_send(struct bub_engine *eng, const struct route *r, const struct mh_out *out);

/* A packet from @src to @dst without the headers of mobility. */
struct route route_plain(const struct in6_addr *src, const struct in6_addr *dst);

/* Binding Error, whose limit is the caller's; @home is the Home Address option or ::. */
void core_send_binding_error(struct bub_engine *eng, const struct route *r, uint8_t status,
			     const struct in6_addr *home);
#define BINDING_ERROR_LEN (BUB_IP6_HDR_LEN + 24)

/* Any ICMPv6 message that this node begins. */
void core_send_icmp6(struct bub_engine *eng, const struct route *r, const struct bub_icmp6 *icmp);

/* How long the next repetition waits, after one that has waited for @ms (RFC 6275, 11.8). */
static inline uint32_t core_next_interval_ms(uint32_t ms)
{
	return 2 * ms < MAX_BINDACK_TIMEOUT_MS ? 2 * ms : MAX_BINDACK_TIMEOUT_MS;
}

/* Whole seconds from @now to @until, as a status shows them. */
static inline uint32_t core_seconds_left(struct bub_time now, struct bub_time until)
{
	return (uint32_t)(bub_time_ms_between(now, until) / 1000);
}

#endif
