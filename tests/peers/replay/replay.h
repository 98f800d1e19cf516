/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One engine whose peer is a capture of another Mobile IPv6 implementation (UMIP): the messages in
 * the capture are fed to it at the times at which they were captured, and what it answers is kept.
 *
 * UMIP was captured with other peers than bub, so nothing in a capture knows of bub's keys.  Two
 * things make a conversation of it all the same: the engine's random numbers can be those that UMIP
 * had drawn (cookies, sequence numbers), and a recorded message can be signed anew.
 */
#ifndef BUB_TEST_REPLAY_H
#define BUB_TEST_REPLAY_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "bub/engine.h"
#include "crypto/crypto.h"

#define OCTETS_MAX 1500
#define DONE_MAX 64
#define EXIT_SKIP 77

/* A mobility message or one of prefix discovery. */
struct packet {
	unsigned frame;
	uint64_t at_ns;
	bool tunnelled; /* in IPv6-in-IPv6; the octets are the inner packet's */
	struct in6_addr outer_src;
	struct bub_ip6 ip;
	bool is_mh;
	struct bub_mh mh;
	struct bub_icmp6 icmp;
	size_t len;
	uint8_t octets[OCTETS_MAX];
};

struct capture {
	struct packet *packet;
	size_t n;
};

/* Whether the folder of captures is there: BUB_CAPTURES, or the one that the build names. */
bool captures_present(void);
void capture_load(const char *name, struct capture *ret);
void capture_free(struct capture *c);

/* First message of a kind from index @from on; NULL: none. */
const struct packet *capture_find(const struct capture *c, size_t from, enum bub_mh_kind kind);
/* The acknowledgement from @from that bears @sequence; NULL: none. */
const struct packet *capture_find_ba(const struct capture *c, const struct in6_addr *from,
				     uint16_t sequence);

/* An action that the engine asked for. */
struct done {
	enum bub_action_type type;
	enum bub_egress egress;  /* SEND */
	struct in6_addr owner;   /* SEND */
	struct in6_addr home;    /* TUNNEL_SET, TUNNEL_DEL, PROXY_* */
	struct in6_addr care_of; /* TUNNEL_SET: remote end */
	struct bub_path path;    /* PATH_* */
	struct packet packet;    /* SEND, DELIVER */
};

struct node {
	struct bub_engine *engine;
	struct bub_time now;
	struct done done[DONE_MAX];
	unsigned n_done;
	uint64_t random;
	uint16_t number;     /* what the next request for two random octets gets */
	uint8_t eight[2][8]; /* and those for eight, in turn, where use_eight is set */
	bool use_eight;
	unsigned next_eight;
	bool dad_pending;
	uint32_t dad_id;
	struct bub_time dad_done; /* the probe takes a second, and nobody answers it */
};

/* @number: see struct node; the engine draws some of its numbers when it starts. */
void node_start(struct node *n, const struct bub_config *cfg, uint16_t number, uint64_t at_ns);
void node_end(struct node *n);

/* Runs timers and verdicts up to an instant; then everything done is forgotten. */
void node_run(struct node *n, uint64_t at_ns);
/* The same without forgetting. */
void node_run_on(struct node *n, uint64_t at_ns);
void node_care_of(struct node *n, const struct in6_addr *address);
void node_flow(struct node *n, const struct in6_addr *home, const struct in6_addr *peer);
/* Feeds @p now, come in this way and with this owner of the SA.  Forgets nothing. */
void node_feed(struct node *n, const struct packet *p, enum bub_ingress ingress,
	       const struct in6_addr *owner);
uint64_t node_drops(const struct node *n, enum bub_drop why);
uint64_t node_all_drops(const struct node *n);

/* Of what was done: how many of a type, the only one of a type (fails otherwise), and how many
 * mobility messages of a kind were sent. */
unsigned node_count(const struct node *n, enum bub_action_type type);
const struct done *node_only(const struct node *n, enum bub_action_type type);
unsigned node_sent(const struct node *n, enum bub_mh_kind kind);
/* The last mobility message of a kind that was sent; fails where there is none. */
const struct packet *node_last(const struct node *n, enum bub_mh_kind kind);

struct in6_addr addr(const char *text);
void assert_addr(const struct in6_addr *got, const struct in6_addr *want);
/* Parses the octets anew. */
void packet_decode(struct packet *p);
/* The octets of the Mobility Header, for changes; packet_finish() then sets the checksum. */
uint8_t *packet_mh(struct packet *p);
void packet_finish(struct packet *p);

#endif
