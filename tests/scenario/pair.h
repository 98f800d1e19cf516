/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The standard topology of the scenario tests: two mobile nodes, each with a home agent, a home
 * link and three access links, in the simulator's world; plus what a test needs to see and to
 * spoil each message.
 *
 * What a node sends is kept as it was sent and can be asserted line by line:
 *
 *     "mn1 BU a1>HoA2 hao=HoA1 tunnel"
 * who, what (with +do, +ack, +nack for the BUB option, -del for lifetime 0), IPv6 source and
 * destination by name, Home Address option and type 2 routing header where there are any, and the
 * way: plain, transport (ESP) or tunnel (ESP).  Names: HoA1, HA1, and a care-of address is named
 * after its link: a1, b1, c1 for the first node, a2, b2, c2 for the second.  CN and CN2 are
 * correspondents that do not move.
 */
#ifndef BUB_TEST_PAIR_H
#define BUB_TEST_PAIR_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "crypto/crypto.h"
#include "world.h"

#define ACCESS_LINKS 3
#define RULES_MAX 8
#define LINK_ACTS_MAX 32
#define LINE_MAX_LEN 160

/* A mobility message as a node sent it. */
struct message {
	uint64_t at_ns;
	struct node *node;
	enum bub_egress egress;
	struct in6_addr owner, outer_src, outer_dst;
	uint32_t ifindex;
	struct bub_ip6 ip;
	struct bub_mh mh;
	size_t len;
	uint8_t octets[1400];
};

/* Which packets on the wire a rule speaks of.  A message through both home agents is on the wire
 * three times; @from says which leg. */
struct match {
	const struct node *from; /* NULL: anybody */
	int kind;                /* enum bub_mh_kind, or -1: every mobility message */
	unsigned dh;             /* 1 to 4; 0: any */
	int tunnelled;           /* 1: in an ESP tunnel on this leg; 0: not; -1: either */
	int home_bit;            /* BU: 1: H set; 0: not; -1: either */
};

#define ANY_MESSAGE ((struct match){.kind = -1, .tunnelled = -1, .home_bit = -1})

struct pair;
/* What befalls the packets that match: the first @skip pass, the next @n do not. */
struct rule {
	struct match match;
	unsigned skip, n;
	unsigned seen, hit;
	enum fate fate;
	uint64_t delay_ns; /* FATE_PASS: comes so much later */
	/* FATE_PASS: may change the packet; NULL: does not. */
	void (*alter)(struct pair *p, struct flight *f, const struct bub_ip6 *ip,
		      const struct bub_mh *mh);
};

struct key_seen {
	bool seen;
	struct bub_key key;
};

struct pair {
	/* Before pair_start(): what the nodes are to be like. */
	struct bub_config mn_cfg[2], ha_cfg[2], cn_cfg;
	uint64_t seed;
	bool quiet; /* keeps no messages: for runs by the thousand */

	struct world *w;
	struct place *home[2], *away[2][ACCESS_LINKS], *core;
	struct node *ha[2], *mn[2], *cn;
	struct in6_addr hoa[2], ha_addr[2], cn_addr;

	struct message **message;
	size_t n_messages, cap_messages;

	struct rule rule[RULES_MAX];
	unsigned n_rules;
	void (*on_flight)(struct pair *p, struct flight *f); /* NULL: none; sees all that leave */
	/* NULL: none; of every node. */
	void (*on_action)(struct pair *p, struct node *n, const struct bub_action *act);
	enum fate (*judge)(struct pair *p, const struct flight *f, const struct bub_mh *mh);
	/* NULL: none; a firewall on every way, which sees data, too. */
	bool (*drops)(const struct pair *p, const struct bub_ip6 *ip);
	/* NULL: none; sees the data that applications get. */
	void (*on_data)(struct pair *p, struct node *n, const struct bub_ip6 *ip);
	/* NULL: the world's own numbers; what a node draws. */
	void (*random)(struct pair *p, struct node *n, uint8_t *buf, size_t len);
	void *ctx;

	struct key_seen kbm[2], kabm[2]; /* last one traced by each mobile node */
	struct key_seen kbm_responder[2];
	uint8_t bub_cookie[8];        /* in the last BUBC sent */
	int dad_error;                /* verdict of duplicate address detection */
	struct in6_addr dad_taken;    /* for this address only; ::  for every one */
	uint64_t dad_ns;              /* that takes so long */
	int store_error;              /* verdict of a home agent's storage */
	uint64_t store_ns;            /* that takes so long */
	struct bub_path last_path[2]; /* last PATH_SET or _DEL of each mobile node */
	struct bub_path ha_path;      /* the same, of the first home agent */
	bool ha_path_set;             /* it was PATH_SET */
	/* The last packet that a node gave to its kernel, and how many there were. */
	struct {
		struct node *node;
		unsigned n;
		size_t len;
		uint8_t octets[1400];
	} delivered;
	unsigned tunnel_dels, n_troubles;
	unsigned odd_links; /* times that a home agent heard of a prefix that it does not have */
	/* What the home agents did on their links: DAD, PROXY_ADD, PROXY_DEL. */
	struct {
		enum bub_action_type type;
		struct in6_addr home;
	} link_act[LINK_ACTS_MAX];
	unsigned n_link_acts;
	unsigned left_bub;        /* times that a node gave a Kabm up */
	struct bub_trace trouble; /* the last one of n_troubles */
};

/* Defaults for every node: suite 2 only (suite 1 costs time), small tables. */
void pair_init(struct pair *p);
/* Builds the world; both mobile nodes are at home, nothing has been sent. */
void pair_start(struct pair *p);
void pair_end(struct pair *p);

/* Short for pair_init() and pair_start(). */
void pair_new(struct pair *p);

/* In BUB mode, and Binding Updates take the way through the home agents only. */
void pair_new_without_copy(struct pair *p);
/* Both away and in route optimisation: neither wants BUB. */
void pair_new_in_ro(struct pair *p);
/* For cmocka: *state is a struct pair.  As pair_new() leaves it, or in BUB mode. */
int pair_setup(void **state);
int pair_setup_bub(void **state);
int pair_teardown(void **state);
#define pair_test(test) cmocka_unit_test_setup_teardown(test, pair_setup, pair_teardown)
#define bub_test(test) cmocka_unit_test_setup_teardown(test, pair_setup_bub, pair_teardown)

void pair_run(struct pair *p, uint64_t ms);
/* Node @i attaches to its access link @link (0 to 2). */
void pair_go(struct pair *p, unsigned i, unsigned link);
void pair_go_home(struct pair *p, unsigned i);
/* One data packet between the home addresses, from node @i. */
void pair_data(struct pair *p, unsigned i);
/* Data both ways every 100 ms for @ms. */
void pair_talk(struct pair *p, uint64_t ms);

/* Node 1 is away and registered with node 2, which is at home. */
void pair_one_away(struct pair *p);
/* Takes both away from home and into route optimisation or BUB mode, as policy has it. */
void pair_both_away(struct pair *p);
/* The same, and asserts that they are in BUB mode. */
void pair_in_bub(struct pair *p);

enum bub_mode pair_mode(const struct pair *p, unsigned i);
struct bub_peer_status pair_status(const struct pair *p, unsigned i);
struct bub_home_status pair_home(const struct pair *p, unsigned i);
/* Care-of address of node @i now; its home address at home. */
const struct in6_addr *pair_at(const struct pair *p, unsigned i);
uint64_t pair_drops(const struct node *n, enum bub_drop why);
uint64_t pair_now_ms(const struct pair *p);

/* Both bound at each other's present address, in @mode. */
bool pair_is_settled(const struct pair *p, enum bub_mode mode);
void pair_assert_settled(const struct pair *p, enum bub_mode mode);

/* ---- Messages ------------------------------------------------------------------------------ */

/* Messages sent from now on are at this index and after. */
size_t pair_mark(const struct pair *p);
void pair_line(const struct pair *p, const struct message *m, char ret_line[LINE_MAX_LEN]);
/* Everything that the mobile nodes sent since @mark, in order; the last argument is NULL. */
void pair_assert_sent(const struct pair *p, size_t mark, ...);
/* The same for one node (of any role). */
void pair_assert_node_sent(const struct pair *p, size_t mark, const struct node *n, ...);
/* How many messages of a kind @n sent since @mark; NULL: all mobile nodes. */
unsigned pair_count(const struct pair *p, size_t mark, const struct node *n, enum bub_mh_kind kind);
/* HoTI with Do BUB of mobile node @i. */
unsigned pair_tries(const struct pair *p, size_t mark, unsigned i);
unsigned pair_count_dh(const struct pair *p, size_t mark, unsigned dh);
/* The @nth (from 0) message of a kind that @n sent since @mark; fails where there is none. */
const struct message *pair_nth(const struct pair *p, size_t mark, const struct node *n,
			       enum bub_mh_kind kind, unsigned nth);
/* Prints what was sent: for the eye. */
void pair_dump(const struct pair *p, size_t mark);

/* ---- Spoiling ------------------------------------------------------------------------------ */

/* Adds a rule; the pointer stays good until pair_end(). */
struct rule *pair_rule(struct pair *p, const struct match *m, unsigned skip, unsigned n,
		       enum fate fate);
/* Loses the next @n packets of @kind that leave @from. */
struct rule *pair_lose(struct pair *p, const struct node *from, enum bub_mh_kind kind, unsigned n);
struct rule *pair_lose_dh(struct pair *p, const struct node *from, unsigned dh, unsigned n);
void pair_no_rules(struct pair *p);

/* ---- Messages made up ---------------------------------------------------------------------- */

struct forged {
	struct in6_addr src, dst;
	const struct in6_addr *hao, *rh2; /* NULL: none; borrowed */
	uint16_t udp_port;                /* in UDP in place of the two; 0: not */
	enum bub_ingress ingress;         /* as it arrives */
	struct in6_addr owner;            /* ESP ways */
	struct in6_addr outer_src;        /* tunnel, UDP over IPv4 */
	struct bub_mh mh;
	const struct bub_key *key; /* signs; NULL: nothing does */
	struct in6_addr auth_care_of, auth_correspondent;
	const uint8_t *bub_cookie; /* DH messages */
	bool bad_auth;             /* the signature is spoiled */
};

/* Encodes and signs; returns the octets written. */
size_t pair_build(const struct pair *p, const struct forged *f, uint8_t *packet, size_t cap);
/* Encodes, signs and feeds to @to, as if it had just arrived. */
void pair_feed(struct pair *p, struct node *to, const struct forged *f);
/* Feeds raw octets. */
void pair_feed_raw(struct pair *p, struct node *to, const uint8_t *packet, size_t len,
		   enum bub_ingress ingress, const struct in6_addr *owner,
		   const struct in6_addr *outer_src);
/* Feeds a message that was sent before once more, the way it comes out at its receiver. */
void pair_replay(struct pair *p, struct node *to, const struct message *m);

/* Writes the message back into a flight after @mh was changed: signs anew, sets the checksum. */
void pair_rewrite(struct pair *p, struct flight *f, const struct bub_ip6 *ip,
		  const struct bub_mh *mh, const struct bub_key *key, const uint8_t *bub_cookie);

/* The message carries an Authenticator under @key over these two addresses (RFC 6275, 6.2.7). */
bool pair_is_signed(const struct message *m, const struct bub_key *key,
		    const struct in6_addr *care_of, const struct in6_addr *correspondent);

#define assert_drops(n, why, count) assert_int_equal(pair_drops(n, why), count)

#endif
