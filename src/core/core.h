/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the files of the protocol core share: the engine's state and the few services that every
 * role uses (send a message, count a drop, trace, arm a timer).
 *
 *   engine.c         feeds events to the roles, owns the action queue and the timers
 *   mn/mn.c          mobile node: movement and home registration (RFC 6275, 11)
 *   bul/rr.c         mobile node: return routability (RFC 6275, 11.6)
 *   bul/peer.c       mobile node: binding update list, one entry a peer (RFC 6275, 11.1, 11.7.2)
 *   bul/suspect.c    mobile node: what nobody signed (RFC 6275, 11.3.6)
 *   cn/cn.c          correspondent: tests, Binding Updates, Binding Errors (RFC 6275, 9)
 *   cn/bcache.c      binding cache (RFC 6275, 9.1) and the data path that follows from it
 *   cn/nonce.c       the correspondent's key and nonces (RFC 6275, 5.2.1 to 5.2.2)
 *   bul/bubtest.c    BUB test and BUB Complete, initiator (draft, 5)
 *   cn/bubresp.c     the responder of a BUB test (draft, 5.1)
 *   bul/bubmode.c    mobile node: Binding Updates under Kabm, the key's life (draft, 7)
 *   limit.c          what strangers may make this node send
 *   cn/proof.c       proof that data gets through to a peer's care-of address
 *   mn/keepalive.c   mobile node: is the home agent still there, and does it know us?
 *   icmp/icmp.c      ICMPv6: errors about our packets
 *   icmp/relay.c     ICMPv6: those about data, told to who sent it (RFC 6275, 9.3.4; RFC 2473, 8)
 *   ha/discovery.c   home agent address discovery (RFC 6275, 10.5, 11.4.1)
 *   ha/prefixes.c    mobile prefix discovery (RFC 6275, 10.6, 11.4.2, 11.4.3)
 *   bul/dh.c         Diffie-Hellman exchange, both sides (draft, 6 and appendix A)
 *   ha/ha.c          home agent (RFC 6275, 10)
 *   ha/stable.c      home agent: registrations outlive a restart (RFC 6275, 10.1)
 *   encap.c          what may go into a tunnel, and where one may end (RFC 2473, 4.1)
 *   ha/multicast.c   groups of mobile nodes that are away (RFC 6275, 10.4.3, 11.3.4)
 *   status.c         looking in
 */
#ifndef BUB_CORE_CORE_H
#define BUB_CORE_CORE_H

#include "bub/engine.h"
#include "bul/suspect.h"
#include "cn/bubresp.h"
#include "crypto/crypto.h"
#include "encap.h"
#include "limit.h"
#include "table.h"
#include "timerq.h"

/* RFC 6275, 12 and 13. */
#define INITIAL_BINDACK_TIMEOUT_MS 1000u
#define INITIAL_BINDACK_TIMEOUT_FIRST_REG_MS 1500u
#define MAX_BINDACK_TIMEOUT_MS 32000u
#define MAX_NONCE_LIFETIME_S 240u
#define MAX_TOKEN_LIFETIME_S 210u
#define MAX_RR_BINDING_LIFETIME_S 420u
#define MAX_RO_FAILURE 3u
#define MAX_DELETE_BCE_TIMEOUT_S 10u
#define INITIAL_DHAAD_TIMEOUT_MS 3000u
#define DHAAD_RETRIES 4u
#define INITIAL_SOLICIT_TIMER_MS 3000u
#define PREFIX_RETRIES 3u
#define PREFIX_ADV_RETRIES 3u
#define PREFIX_ADV_TIMEOUT_MS 3000u
#define DOUBT_S 60u        /* a doubted registration is refreshed no more often */
#define SHORTEN_SLACK_S 4u /* lifetimes are told in units of so much */
#define HA_SILENT_SENDS 4u /* Binding Updates without an answer: look for another home agent */

/* docs/protocol.md. */
#define BUB_TRIES 2u      /* BUB test: failed tries in a row that end it */
#define TEST_SENDS 3u     /* sends of a test message before a try that carries a BUB test fails */
#define RR_SENDS 6u       /* sends of a test message before return routability has failed */
#define RO_BU_SENDS 4u    /* Binding Updates under Kbm without an answer in a round */
#define RETRY_FIRST_S 30u /* the first such round: tried again so much later, */
#define RETRY_MAX_S 3600u /* doubling up to this */
#define DH_SENDS 3u       /* sends of a DH message before the exchange has failed */
#define BUB_BU_SENDS 3u   /* Binding Updates in BUB mode without an answer: key is dead */
#define GLARE_DELAY_MS 2000u   /* the numerically larger home address waits so long to launch */
#define RESPONDER_FORGETS_S 20 /* a responder keeps half a test or exchange so long */
#define RO_RETRY_S 600u        /* a peer that refused route optimisation is left alone so long */
#define BRR_MARGIN_S 10u       /* before expiry a correspondent asks for a refresh */
#define UNREACHABLE_ERRORS 3u  /* so many errors about a care-of address, */
#define UNREACHABLE_MIN_S 10u  /* over so long, */
#define UNREACHABLE_MAX_S 60u  /* and no longer: the binding goes */
#define UNREACHABLE_ASK_S 10u  /* so long after it has been asked without an answer */
#define BRR_SPREAD_MS 5000u    /* or up to so much earlier */
#define MAX_UPDATE_RATE 3u     /* Binding Updates a second to one node (RFC 6275, 12) */
#define HOME_TIMERS 4u         /* timers in struct home */
#define PEER_TIMERS 8u         /* timers in struct peer */
#define CLIENT_TIMERS 3u       /* timers in struct client */
#define PROBE_DIRECT_S 30u     /* a broken direct path is tried again so often */
#define TRIAL_MAX_S 3600u      /* or, doubling, at last so often */
#define DOUBLE_JUMP_MS 200u    /* earliest repetition in a double jump */
#define CHECK_SENDS 3u         /* signed CoTI without an answer: the direct path is broken */
#define KABM_RETRY_S 60u       /* a failed renewal of Kabm is tried again so much later */

#define CANDIDATES_MAX 16   /* care-of addresses known at once, over all interfaces */
#define PACKET_MAX 1360     /* longest packet that the core itself builds: 1280 and a wrapper */
#define DH_MESSAGE_MAX 448  /* longest DH message: DH1 with both suites is 368 octets */
#define HELD_MAX 64         /* octets of a BUBC that is kept until its CoT */
#define HELD_PACKETS 32     /* messages that a home agent holds for a Binding Update */
#define HELD_PACKET_MAX 256 /* octets of one */
#define HELD_S 1            /* and how long */
#define HELD_PROBE_S 3      /* so much longer, while its link is probed for the home address */
#define AGENTS_MAX 16       /* home agents of a reply that a mobile node tries */
#define SCRATCH_MAX 9216    /* a jumbo frame */

#define PATH_GRACE_MS 1000 /* an error may speak of the path that data took until then */

/* ---- Binding cache ------------------------------------------------------------------------- */

/* One end of the direct path of a pair, and what it was a moment ago. */
struct recent {
	struct in6_addr now, before; /* :: none */
	struct bub_time before_until;
};

/* Whether data gets through to the care-of address of a binding. */
enum proof_state {
	PROOF_NONE,
	PROOF_GOOD,
};

struct proof {
	enum proof_state state;
	uint8_t cookie[BUB_COOKIE_LEN]; /* of this care-of address */
	bool asked;                     /* it has been sent there */
	bool by_cookie; /* it came back: what has the headers of data gets through */
	bool repeated;  /* the Binding Update came again although it was acknowledged */
	bool granted;   /* credit, at granted_at */
	struct bub_time granted_at;
	uint32_t grant; /* for the next PATH_SET */
};

struct binding {
	struct tentry key; /* a: address here that the peer registered with; b: its home address */
	bool active; /* false: deleted; the sequence number stands against replay until expiry */
	bool bub;    /* last updated with Kabm */
	struct in6_addr care_of;
	uint16_t sequence;
	uint8_t last_auth[BUB_AUTH_LEN]; /* of the last Binding Update: tells a copy */
	struct bub_time expires;
	struct bub_time updated;
	struct bub_time unreachable_since;
	struct bub_key signer;   /* that signed the last Binding Update */
	unsigned unreachable;    /* errors about the care-of address since then */
	struct bub_time asked;   /* whether it is right, for those; 0: not yet */
	struct bub_time vouched; /* a Binding Update answered that; 0: never */
	bool brr_sent;
	struct recent sent_to; /* the care-of address, where data goes there directly */
	struct proof proof;
	struct timer timer;
};

/* When the last few Binding Updates to one node went out. */
struct rate {
	struct bub_time at[MAX_UPDATE_RATE];
	unsigned next;
};

/* ---- Mobile node --------------------------------------------------------------------------- */

struct candidate {
	struct in6_addr address;
	uint8_t prefix_len;
	uint32_t ifindex; /* 0: slot unused */
	int32_t preference;
	uint64_t order;  /* newer is larger */
	bool deprecated; /* RFC 4862, 5.5.4 */
	bool refused;    /* by a home agent */
	struct bub_time valid_until;
};

enum home_state {
	HOME_UNATTACHED, /* no usable address anywhere */
	HOME_AT_HOME,
	HOME_REGISTERING, /* Binding Update sent, no valid registration for this care-of address */
	HOME_REGISTERED,
	HOME_DEREGISTERING, /* back home, the home agent does not know yet */
};

struct home {
	struct bub_home_config cfg;
	enum home_state state;
	const char *why;
	struct in6_addr care_of; /* :: unless away with an address */
	uint32_t ifindex;
	uint32_t dad_id; /* back home: a verdict about the home address is to come; 0: none */
	uint16_t sequence;
	uint32_t interval_ms;        /* of the retransmission timer */
	uint32_t asked_s;            /* by the last home registration */
	struct bub_time sent_at;     /* when that was */
	struct bub_time bound_until; /* the home agent has a binding until then */
	struct bub_time bound_since; /* sending of the Binding Update that made this binding */
	struct bub_time mld_heard;   /* the last query out of the tunnel */
	struct bub_time heard_at;    /* anything that the home agent has signed */
	struct bub_time error_at;    /* the last Binding Error of its that was looked into */
	uint64_t error_pause_ms;     /* none is looked into so long after that */
	unsigned asks;               /* keep-alives out without an answer */
	unsigned unanswered_asks;    /* runs of them in a row */
	uint8_t ask_cookie[BUB_COOKIE_LEN];
	struct timer ask_timer;
	struct bub_time last_update; /* any Binding Update sent for this home address */
	unsigned sends;              /* Binding Updates since the last answer */
	bool ever_sent;
	bool postponed;    /* by the rate limit */
	bool refused;      /* the home agent's last answer */
	bool in_use;       /* the home address, by another node on the home link */
	bool agent_direct; /* the home agent has not refused data on the direct path from here */
	bool discovering;
	uint16_t discovery_id;
	unsigned discovery_sends;
	uint32_t discovery_ms;
	struct timer discovery_timer;
	struct in6_addr agent[AGENTS_MAX]; /* of the last reply */
	unsigned n_agents, next_agent;
	struct rate rate;
	bool prefix_waiting;
	bool prefix_known; /* prefix_until was heard */
	uint16_t prefix_id;
	unsigned prefix_sends;
	struct bub_time prefix_asked; /* the last solicitation */
	struct bub_time prefix_until; /* the home prefix is known to be valid until then */
	bool prefix_doubted;          /* ask, whatever is known */
	bool prefix_deprecated, prefix_withdrawn;
	bool replaced; /* another home address has taken over */
	bool gone;     /* and this one is not used any more */
	struct timer prefix_timer;
	struct timer timer; /* retransmission or refresh */
};

struct rr {
	bool active;
	bool want_home, want_care_of; /* still waiting for this answer */
	bool with_test;
	bool via_home;  /* CoTI goes to the peer's home address */
	bool postponed; /* by the rate limit */
	unsigned sends;
	uint32_t interval_ms;
	uint8_t home_cookie[BUB_COOKIE_LEN], care_of_cookie[BUB_COOKIE_LEN];
	bool has_home, has_care_of;
	uint8_t home_token[BUB_TOKEN_LEN], care_of_token[BUB_TOKEN_LEN];
	uint16_t home_nonce, care_of_nonce;
	struct bub_time home_at, care_of_at;
	struct in6_addr care_of; /* that the care-of token is for */
	struct in6_addr asked;   /* where the last CoTI went */
	unsigned failures;       /* runs in a row without an answer */
	struct timer timer;
};

enum reg_state {
	REG_NONE,
	REG_SENT, /* Binding Update sent, not acknowledged */
	REG_BOUND,
	REG_FAILED, /* the peer does not do route optimisation; left alone until bu_timer */
};

enum test_state {
	TEST_NONE,
	TEST_RUNNING,   /* Do BUB sent in HoTI and CoTI */
	TEST_WAIT_BUBC, /* both acknowledged */
	TEST_PASSED,    /* BUBC verified */
	TEST_FAILED,    /* two tries failed: never again in this session */
	TEST_ABANDONED, /* the same, the last one of them a mismatch */
};

/* What a HoT or CoT said to Do BUB. */
enum test_answer {
	ANSWER_NONE,
	ANSWER_ACK,
	ANSWER_NACK,
};

struct bub_test {
	enum test_state state;
	unsigned fails; /* tries in a row */
	enum test_answer hot, cot;
	unsigned sends; /* of CoTI while waiting for BUBC */
	struct bub_key kbm;
	uint8_t held[HELD_MAX]; /* a BUBC that came before its CoT */
	size_t held_len;
	struct timer timer; /* launch, or wait for BUBC */
};

/* What an exchange is for. */
enum dh_purpose {
	DH_FOR_TEST,    /* after a BUB test, under Kbm and the BUB cookie */
	DH_FOR_RENEWAL, /* of a Kabm, under the old one */
	DH_FOR_STATIC,  /* with a correspondent that does not move, under Kbm (draft, 7) */
};

enum dh_state {
	DH_NONE,
	DH_SENT_1, /* initiator: waits for both copies of DH2 */
	DH_SENT_3, /* initiator: waits for DH4 */
	DH_SENT_2, /* responder: waits for DH3 */
	DH_DONE,
};

struct dh {
	enum dh_state state;
	enum dh_purpose purpose;
	bool initiator;
	struct bub_key kbm;
	uint8_t bub_cookie[BUB_COOKIE_LEN];
	uint8_t sid1[BUB_DH_SID_LEN], sid2[BUB_DH_SID_LEN];
	uint8_t n1[BUB_DH_NONCE_LEN], n2[BUB_DH_NONCE_LEN];
	uint8_t suite;
	uint8_t info1[BUB_DH_INFO_MAX], info2[BUB_DH_INFO_MAX];
	uint8_t info1_len, info2_len;
	uint8_t priv[BUB_SUITES_MAX][BUB_DH_PRIVATE_LEN];
	uint8_t pub[BUB_SUITES_MAX][BUB_DH_PUBLIC_MAX]; /* own */
	uint8_t peer_pub[BUB_DH_PUBLIC_MAX];
	struct bub_dh_keys keys;
	uint8_t message[2][DH_MESSAGE_MAX]; /* own: DH1 and DH3, or DH2 and DH4 */
	uint16_t message_len[2];
	uint8_t dh2[DH_MESSAGE_MAX]; /* initiator: the first copy, checksum zeroed */
	uint16_t dh2_len;
	bool dh2_tunnelled, dh2_direct;
	bool unknown;                 /* initiator: said not to be known; DH1 is not repeated */
	struct in6_addr peer_care_of; /* responder: where DH1 and DH3 came from */
	unsigned sends;
	uint32_t interval_ms;
	struct timer timer;
};

/* CoTI and CoT signed with Kabm: is the direct path open? (draft, appendix A) */
struct care_of_check {
	bool active; /* a CoTI is out */
	unsigned sends;
	uint8_t cookie[BUB_COOKIE_LEN];
	struct timer timer;
};

/* Binding update list entry and BUB session with one peer. */
struct peer {
	struct tentry key; /* a: home address here; b: the peer's (home) address */
	struct home *home;
	enum bub_policy ro_policy, bub_policy;
	const char *why;
	enum reg_state reg;
	bool uninvited;     /* its packets came first, and nothing shows that it exists */
	bool refresh_asked; /* the next Kbm is for a Binding Update */
	bool update_due;    /* bu_timer means: bring the binding at the peer up to date */
	bool backhaul_due;  /* BU still to go through the home agents (not yet registered) */
	bool backhaul_now;  /* bu_timer means: send it; then it is due at bu_due again */
	bool direct_broken; /* data goes through the home agents for now */
	bool headers_lost;  /* and what has the headers of data is to show that it may go direct */
	unsigned cookies_back; /* path cookies sent back since the last Binding Update */
	uint32_t trial_s;      /* until the next Binding Update on the direct path alone */
	struct bub_time bu_due;
	struct in6_addr care_of; /* in the last Binding Update; the home address: deletion */
	struct in6_addr acked;   /* that the peer acknowledged; :: none */
	struct bub_time acked_until;
	struct bub_time sent_at;    /* the last Binding Update */
	struct bub_time told_until; /* the peer may have a binding of ours until then */
	uint16_t sequence;
	unsigned bu_sends;
	uint32_t retry_s; /* after the next round of Binding Updates without an answer; 0: first */
	uint32_t asked_s; /* by the Binding Update of this sequence number */
	uint64_t rtt_ms;  /* from a Binding Update to its acknowledgement, last time */
	uint32_t interval_ms;
	struct timer bu_timer;  /* retransmission, refresh, update due, retry */
	struct timer end_timer; /* at acked_until: data has to take another way */
	struct rr rr;
	struct bub_key kbm;    /* of the last return routability run */
	struct bub_key bu_kbm; /* that signed the last Binding Update without Kabm */
	uint16_t kbm_home_nonce, kbm_care_of_nonce;
	struct bub_test test;
	struct bub_response resp;
	struct dh dh;
	bool has_kabm;
	bool kabm_heard;  /* the peer has used it: it holds it too */
	bool kabm_static; /* agreed with a correspondent that has not moved since */
	bool static_tried;
	bool has_other;
	bool other_is_newer;       /* agreed in a renewal; the peer has not used it yet */
	bool has_sequence_in;      /* a Binding Update of the peer under Kabm has been accepted */
	uint16_t sequence_in;      /* its number */
	struct bub_key kabm;       /* signs */
	struct bub_key kabm_other; /* accepted too, round a renewal */
	struct bub_time other_until;
	unsigned used_in, used_out; /* Binding Updates under kabm */
	struct timer kabm_timer;    /* renewal */
	struct care_of_check check;
	struct probe probe;
	struct bub_time dh1_at; /* a DH1 was worth public-key work */
	struct doubt doubt;
	struct bub_time progress; /* data came in on the direct path: see suspect_progress() */
	struct rate rate;         /* rounds of HoTI and CoTI */
	struct rate bu_rate;      /* every Binding Update, also one that ends a round */
	uint64_t handovers;
	struct recent sent_from; /* the source of data that goes directly */
	struct bub_time used;    /* data seen, or the entry's last registration */
};

/* ---- Home agent ---------------------------------------------------------------------------- */

/* A registration as it was asked for. */
struct request {
	struct in6_addr care_of; /* the home address: delete */
	struct in6_addr source;  /* where the answer goes */
	uint32_t ifindex;        /* that it came by */
	uint16_t sequence;
	bool link_local; /* L bit: the link-local address with the same identifier too */
	uint32_t lifetime_s;
};

struct client {
	struct tentry key; /* a: home address; b: :: */
	bool registered;
	bool probing;    /* duplicate address detection under way */
	bool defended;   /* probed before: proxy stands */
	bool link_local; /* its link-local address is defended too */
	struct in6_addr care_of;
	uint16_t sequence;
	bool deleted; /* by the mobile node: its number stands against late updates for a while */
	struct bub_time deleted_at;
	struct bub_time expires;
	struct timer timer;
	uint32_t dad_id[2]; /* of the home and the link-local address; 0: no verdict to come */
	struct client *probing_before, *probing_after; /* while it is probing */
	bool probed_link_local;
	struct request pending;        /* waits for duplicate address detection */
	struct request storing;        /* waits for the store; lifetime_s 0: a deletion */
	uint32_t store_id;             /* of the verdict to come; 0: none */
	bool was_registered;           /* before that deletion */
	bool prefixes_known;           /* it has asked for the home prefixes as they are now */
	unsigned prefix_sends;         /* advertisements that it did not ask for */
	struct bub_time prefixes_told; /* the last advertisement, asked for or not */
	bool prefix_asked;             /* too soon after that: answered a second after it */
	uint16_t prefix_id;
	struct in6_addr prefix_source;
	struct timer prefix_timer;
	struct bucket errors; /* Binding Errors to it, apart from those to strangers */
	struct bucket registrations, reports; /* what it asks for */
	unsigned memberships;                 /* groups that it listens to */
	unsigned queries;                     /* since its registration */
	struct timer query_timer;
};

/* One mobile node that listens to one group. */
struct membership {
	struct tentry key;       /* a: group; b: home address */
	struct membership *next; /* of the same group */
	struct client *client;
	struct timer timer; /* not reported any more */
};

struct group {
	struct tentry key; /* a: group; b: :: */
	struct membership *first;
	bool joined; /* on the home link */
};

/* A tunnelled message that came before the Binding Update that vouches for its care-of address. */
struct held {
	struct bub_time at;
	struct in6_addr home, outer_src;
	size_t len; /* 0: free */
	uint8_t packet[HELD_PACKET_MAX];
};

/* Another home agent on our home link, from its router advertisements (RFC 6275, 10.1). */
struct other_agent {
	struct in6_addr link_local;
	struct in6_addr address[BUB_HA_PREFIXES_MAX];
	struct bub_time
		until[BUB_HA_PREFIXES_MAX]; /* the address's prefix is valid; 0: no address */
	uint16_t preference;
	bool managed, other; /* M and O bits */
	bool differs;        /* advertises a prefix that is not ours */
	struct bub_time expires;
};
#define OTHER_AGENTS 128 /* more than a reply has room for: those that are preferred stay */

/* ---- Engine -------------------------------------------------------------------------------- */

#define NONCES 16 /* more than MAX_NONCE_LIFETIME / NONCE_FRESH_S */

struct nonce {
	bool valid;
	uint16_t index;
	uint8_t octets[BUB_NONCE_LEN];
	struct bub_time made;
};

struct policy_entry {
	struct tentry key; /* a: peer; b: :: */
	struct bub_peer_policy policy;
};

struct bub_engine {
	struct bub_config cfg;
	struct bub_env env;
	struct bub_crypto *crypto;
	struct bub_time now;
	struct timerq timers;
	struct bub_counters counters;

	struct bub_action action[BUB_ACTIONS_MAX];
	uint8_t buffer[BUB_ACTIONS_MAX][PACKET_MAX];
	unsigned n_actions, next_action;
	uint32_t last_id;

	uint8_t kcn[BUB_KCN_LEN];
	struct nonce nonce[NONCES];
	uint16_t last_nonce;

	struct table bindings, peers, clients, policies, memberships, groups;
	struct client *probing_first, *probing_last; /* by age: mostly the order of verdicts */
	unsigned groups_at; /* groups behind it may have to be joined or left */
	struct {
		struct bub_view packet;
		const struct membership *next; /* NULL: all have it */
		const struct client *sender;   /* NULL: none of the mobile nodes */
		struct encap encap;
	} fan; /* a packet that several mobile nodes get */
	struct candidate candidate[CANDIDATES_MAX];
	uint64_t candidate_order;
	struct home home[BUB_HOMES_MAX];
	struct held held[HELD_PACKETS];
	struct timer held_timer;
	struct other_agent agent[OTHER_AGENTS];
	uint8_t scratch[SCRATCH_MAX]; /* a packet whose headers were taken off */
	struct limit limit;
};

/* A received message, mobility or ICMPv6, and the way it came. */
struct rx {
	const struct bub_ip6 *ip;
	struct bub_mh mh;
	enum bub_way way;
	uint32_t ifindex;
	bool tunnelled;        /* out of the tunnel from this node's own home agent */
	struct in6_addr local; /* destination after a routing header */
	struct in6_addr peer;  /* source after a Home Address option */
	struct home *home;     /* whose home address local is; NULL: none */
};

/* How a message leaves. */
struct route {
	struct in6_addr src, dst;
	bool has_hao, has_rh2;
	struct in6_addr hao, rh2;
	enum bub_way way; /* PLAIN, ESP_TRANSPORT, ESP_TUNNEL */
	struct in6_addr owner;
	const char *via;  /* for the trace: "direct", "home agent", "home agents" */
	uint32_t ifindex; /* 0: as routed */
};

/* A message to encode: what signs it, if anything does. */
struct mh_out {
	struct bub_mh mh;
	const struct bub_key
		*key; /* Binding Authorization Data, or the signature of a DH message */
	struct in6_addr auth_care_of, auth_correspondent;
	const uint8_t *bub_cookie; /* DH messages */
};

/* engine.c: services */

void core_drop(struct bub_engine *eng, enum bub_drop why, const struct in6_addr *peer);
void core_trace_state(struct bub_engine *eng, const char *machine, const char *from, const char *to,
		      const char *reason, const struct in6_addr *local,
		      const struct in6_addr *peer);
void core_trace_key(struct bub_engine *eng, const char *name, const struct in6_addr *local,
		    const struct in6_addr *peer, const uint8_t *octets, size_t len);
void core_trace_received(struct bub_engine *eng, const struct rx *rx, uint32_t number);
void core_random(struct bub_engine *eng, void *buf, size_t len);
struct bub_action *core_action(struct bub_engine *eng, enum bub_action_type type);
void core_timer(struct bub_engine *eng, struct timer *t, uint64_t ms);
/* Milliseconds until one more Binding Update may go out (RFC 6275, 11.8); 0: now, and counted. */
uint64_t core_rate_take(const struct bub_engine *eng, struct rate *r);
/* Its halves: asks only; counts only. */
uint64_t core_rate_wait(const struct bub_engine *eng, const struct rate *r);
void core_rate_note(const struct bub_engine *eng, struct rate *r);
/* What was counted last goes out only now. */
void core_rate_later(const struct bub_engine *eng, struct rate *r);

/* Encodes and signs into @buf; the checksum stays zero.  Returns the length. */
size_t core_build(struct bub_engine *eng, const struct mh_out *out, uint8_t *buf, size_t cap);

/* Puts headers and checksum round an encoded message and queues it. */
void core_send_built(struct bub_engine *eng, const struct route *r, enum bub_mh_kind kind,
		     uint32_t number, const uint8_t *mh, size_t len);

/* core_build() and core_send_built() in one. */
void core_send(struct bub_engine *eng, const struct route *r, const struct mh_out *out);

/* From @src to @dst as it stands. */
struct route route_plain(const struct in6_addr *src, const struct in6_addr *dst);

/* From a home address: reverse-tunnelled while away (RFC 6275, 11.3.1), plain at home. */
struct route route_from_home(const struct home *h, const struct in6_addr *dst);

/* The way that a message came, by the address that it was sent to: so goes its answer. */
struct route core_route_back(struct bub_engine *eng, const struct rx *rx);

/* Answers @rx within the limit of @kind; false: that is used up, which has been counted. */
bool core_answer(struct bub_engine *eng, enum limit_kind kind, const struct rx *rx,
		 const struct route *r, const struct mh_out *out);

/* Binding Error of RFC 6275, 9.3.3, rate-limited. */
void core_binding_error(struct bub_engine *eng, const struct rx *rx, uint8_t status);
/* The same without a limit, which is the caller's; @home is the Home Address option or ::. */
void core_send_binding_error(struct bub_engine *eng, const struct route *r, uint8_t status,
			     const struct in6_addr *home);
#define BINDING_ERROR_LEN (BUB_IP6_HDR_LEN + 24)

/* True: a Home Address option that no mobile node can have sent.  The packet is discarded before
 * anything of it is looked at, and nobody hears of it (RFC 6275, 9.3.1). */
bool core_has_absurd_home(struct bub_engine *eng, const struct bub_ip6 *ip);

void core_policy(const struct bub_engine *eng, const struct in6_addr *peer, enum bub_policy *ret_ro,
		 enum bub_policy *ret_bub);

/* A Mobility Header, plain or out of a tunnel: checks of RFC 6275, 9.2, then to its role. */
void core_input_mh(struct bub_engine *eng, const struct bub_ip6 *ip, const struct bub_event *ev,
		   bool tunnelled);

/* The home whose address is @a; NULL: none. */
struct home *core_home_of(struct bub_engine *eng, const struct in6_addr *a);

/* The link-local address with the interface identifier of @a. */
struct in6_addr core_link_local(const struct in6_addr *a);

/* True when @h is away from home and has a care-of address. */
bool home_is_away(const struct home *h);

/* mn.c */

void mn_init(struct bub_engine *eng);
void mn_care_of_new(struct bub_engine *eng, const struct bub_event *ev);
void mn_care_of_changed(struct bub_engine *eng, const struct bub_event *ev);
void mn_care_of_gone(struct bub_engine *eng, const struct bub_event *ev);
void mn_link_down(struct bub_engine *eng, uint32_t ifindex);
void mn_on_home_ba(struct bub_engine *eng, struct home *h, const struct rx *rx);
void mn_from_tunnel(struct bub_engine *eng, struct home *h, const struct bub_event *ev);
/* IPv6 in IPv6 to a home address, off a link: no tunnel vouches for it. */
void mn_refuse_wrapper(struct bub_engine *eng, const struct bub_event *ev);
void mn_to_tunnel(struct bub_engine *eng, struct home *h, const struct bub_ip6 *ip,
		  struct bub_view packet);
/* @wanted_s, or what the home and the care-of address are still valid for (RFC 6275, 11.7.1 and
 * 11.7.2), as the wire can say it: a multiple of 4, and never the 0 that deletes. */
uint32_t mn_lifetime(struct bub_engine *eng, const struct home *h, uint32_t wanted_s);
/* For a correspondent: also no longer than the home registration lasts (RFC 6275, 11.4.2). */
uint32_t mn_peer_lifetime(struct bub_engine *eng, const struct home *h, uint32_t wanted_s);
/* The home address ends at @end: bindings that were to last longer are made to end with it. */
void mn_shorten(struct bub_engine *eng, struct home *h, struct bub_time end);
/* Into the tunnel as it is. */
void mn_tunnel(struct bub_engine *eng, const struct home *h, struct bub_view packet);
void mn_refresh(struct bub_engine *eng);
/* Nothing came back through the tunnel: the home agent may have lost the registration. */
void mn_doubt(struct bub_engine *eng, struct home *h);
/* A Binding Error from the home agent: it has no binding. */
void mn_on_home_be(struct bub_engine *eng, struct home *h);
/* The registration is refreshed now, and the status says @why until it is acknowledged. */
void mn_look_into(struct bub_engine *eng, struct home *h, const char *why);
/* The verdict of an earlier probe for a home address. */
void mn_on_dad(struct bub_engine *eng, uint32_t id, int error);
/* True while tunnelled packets of @h get through its home agent. */
bool mn_tunnel_ready(const struct bub_engine *eng, const struct home *h);
/* One more home address, instead of that of @old; false: there is no room for it. */
bool mn_add_home(struct bub_engine *eng, const struct home *old, const struct in6_addr *address);
/* A home address that was replaced, and whose prefix has ended: left to expire. */
void mn_retire_home(struct bub_engine *eng, struct home *h);
/* Discovery found a home agent: registers there. */
void mn_use_home_agent(struct bub_engine *eng, struct home *h, const struct in6_addr *agent);
const char *home_state_name(enum home_state s);

/* peer.c */

struct peer *peer_find(const struct bub_engine *eng, const struct in6_addr *local,
		       const struct in6_addr *peer);
/* Finds or makes the entry; NULL: the table is full. */
struct peer *peer_get(struct bub_engine *eng, struct home *h, const struct in6_addr *peer);
/* The session that a message belongs to, sent to the care-of or to the home address; NULL: none. */
struct peer *peer_of(struct bub_engine *eng, const struct rx *rx);
void peer_forget(struct bub_engine *eng, struct peer *p);
/* Data goes between a home address and @peer: route optimisation may be worth it.  @octets_in: came
 * from @peer through the home agent, unproved; 0: went to it. */
void peer_on_flow(struct bub_engine *eng, struct home *h, const struct in6_addr *peer,
		  size_t octets_in);
/* Another round of return routability may go out: always, but to one whom nobody here has asked for
 * and who has not shown that he exists (protocol.md, P51). */
bool peer_may_test(struct bub_engine *eng, const struct peer *p);
/* Data of @peer came through the home agent: does it still have what we think it has? */
void peer_on_detour(struct bub_engine *eng, struct home *h, const struct in6_addr *peer);
/* The care-of address of @h changed: every peer of it has to know. */
void peer_on_move(struct bub_engine *eng, struct home *h);
/* Peers of @h that may have a binding past @end are sent a Binding Update. */
void peer_refresh(struct bub_engine *eng, const struct home *h, struct bub_time end);
/* The home agent has a binding again: what waited for the tunnel can go. */
void peer_on_registered(struct bub_engine *eng, struct home *h);
/* Brings the binding at the peer up to date (draft, 7; RFC 6275, 11.7.2). */
void peer_update(struct bub_engine *eng, struct peer *p);
/* Return routability gave a fresh Kbm. */
void peer_on_kbm(struct bub_engine *eng, struct peer *p);
/* The peer does not do what we want of it: left alone for RO_RETRY_S. */
void peer_refused(struct bub_engine *eng, struct peer *p, const char *why);
/* Sets the timer to bring the binding at the peer up to date, as an action round of its own. */
void peer_due_now(struct bub_engine *eng, struct peer *p);
/* A Binding Update is being sent: fields that both kinds share, and what follows. */
void peer_fill_bu(struct peer *p, struct mh_out *out);
void peer_after_bu(struct bub_engine *eng, struct peer *p);
/* The peer is at a new care-of address while our own Binding Update is not acknowledged: it may
 * have been sent to where the peer was (double jump).  It is repeated sooner than RFC 6275, 11.8
 * says. */
void peer_has_moved(struct bub_engine *eng, struct peer *p);
void peer_on_rr_failed(struct bub_engine *eng, struct peer *p);
void peer_on_ba(struct bub_engine *eng, struct peer *p, const struct rx *rx);
void peer_on_brr(struct bub_engine *eng, const struct rx *rx);
void peer_on_be(struct bub_engine *eng, const struct rx *rx);
/* The peer has no binding of ours, whatever it acknowledged: data goes through the home agent, and
 * the registration begins anew (RFC 6275, 11.3.6). */
void peer_lost_binding(struct bub_engine *eng, struct peer *p);
/* True when data may go to the peer from the care-of address. */
bool peer_is_bound(const struct bub_engine *eng, const struct peer *p);

/* bubmode.c */

void bubmode_init(struct peer *p);
void bubmode_reset(struct bub_engine *eng, struct peer *p);
/* Sends a Binding Update of a new number under Kabm, on every path that it should take. */
void bubmode_send_bu(struct bub_engine *eng, struct peer *p);
/* True when the way through the home agents is open for us: registered there, or at home. */
bool bubmode_backhaul_ready(const struct bub_engine *eng, const struct peer *p);
/* The copy through the home agents that had to wait for the registration. */
void bubmode_send_backhaul(struct bub_engine *eng, struct peer *p);
/* An exchange gave @kabm. */
void bubmode_agreed(struct bub_engine *eng, struct peer *p, const struct bub_key *kabm);
/* What a person should know of the mode of a peer with Kabm. */
const char *bubmode_why(const struct peer *p);
/* Something came signed with @key, which is one of the peer's two. */
void bubmode_heard(struct bub_engine *eng, struct peer *p, const struct bub_key *key);
/* Kabm is of no use any more: back to return routability, a new session. */
void bubmode_leave(struct bub_engine *eng, struct peer *p, const char *why);
/* The initiator has not used a Kabm that we agreed on as responder: it does not have it. */
void bubmode_give_up_unheard(struct bub_engine *eng, struct peer *p);
/* The same Binding Update again with a new number, which asks only whether the peer still holds
 * Kabm. */
void bubmode_send_probe(struct bub_engine *eng, struct peer *p);
/* Which of the peer's keys signed the authenticator of @rx; NULL: none. */
const struct bub_key *bubmode_signer(struct bub_engine *eng, const struct peer *p,
				     const struct rx *rx, const struct in6_addr *care_of,
				     const struct in6_addr *correspondent);
/* A Binding Update of the peer was accepted under @signer. */
void bubmode_count_in(struct bub_engine *eng, struct peer *p, const struct bub_key *signer);
/* @signer has signed all the Binding Updates that it may. */
bool bubmode_is_worn(const struct peer *p, const struct bub_key *signer);
/* Data goes through the home agents until a signed CoTI/CoT finds the direct path open. */
void bubmode_direct_path(struct bub_engine *eng, struct peer *p, bool broken);
/* The same, until something with the headers of data has got through: test messages have none. */
void bubmode_headers_lost(struct bub_engine *eng, struct peer *p);
/* We moved: what was known of the direct path is worth nothing.  The data path is the caller's. */
void bubmode_new_path(struct bub_engine *eng, struct peer *p);
/* A signed CoTI after @ms, unless the proof has come by then. */
void bubmode_check_in(struct bub_engine *eng, struct peer *p, uint64_t ms);
void bubmode_on_cot(struct bub_engine *eng, struct peer *p, const struct rx *rx);
/* Correspondents that do not move (draft, 7): agree on a Kabm after return routability. */
void bubmode_consider_static(struct bub_engine *eng, struct peer *p);

/* proof.c */

/* A Binding Update was accepted, and b->bub is set: before binding_set(). */
void proof_begin(struct bub_engine *eng, struct binding *b, bool moved, bool repeated);
/* The same for one under Kabm, when it has been answered: watches for the proof. */
void proof_watch(struct bub_engine *eng, struct peer *p, struct binding *b, bool moved);
/* Puts the cookie into an acknowledgement that goes straight to the care-of address, where it is
 * wanted. */
void proof_ask(struct binding *b, struct mh_out *out);
/* Mover: sends the cookie of an acknowledgement back. */
void proof_answer(struct bub_engine *eng, struct peer *p, const struct rx *rx);
/* False: the CoT brings no cookie of ours. */
bool proof_on_cot(struct bub_engine *eng, const struct rx *rx);
/* The peer has answered a signed CoTI.  False: that is not enough. */
bool proof_by_check(struct bub_engine *eng, struct peer *p);
bool proof_is_wanted(const struct bub_engine *eng, const struct peer *p);
/* The acknowledgement with the cookie did not get through. */
bool proof_failed(const struct bub_engine *eng, const struct peer *p);
/* How far the path to the care-of address is trusted; takes the grant. */
void proof_fill_path(struct binding *b, struct bub_path *path);
/* rr.c */

void rr_init(struct peer *p);
/* Starts a run for the current care-of address; a BUB test rides on it when @with_test. */
void rr_start(struct bub_engine *eng, struct peer *p, bool with_test);
void rr_stop(struct bub_engine *eng, struct peer *p);
void rr_on_hot(struct bub_engine *eng, const struct rx *rx);
void rr_on_cot(struct bub_engine *eng, const struct rx *rx);
/* One more CoTI for a responder whose BUBC was lost. */
void rr_send_care_of_init(struct bub_engine *eng, struct peer *p);
/* A home keygen token that the peer still accepts is at hand. */
bool rr_home_token_fresh(const struct bub_engine *eng, const struct peer *p);

/* bcache.c */

struct binding *binding_find(const struct bub_engine *eng, const struct in6_addr *local,
			     const struct in6_addr *home);
/* Active binding only. */
struct binding *binding_active(const struct bub_engine *eng, const struct in6_addr *local,
			       const struct in6_addr *home);
/* Finds or makes an entry, pushing out the oldest deleted one; NULL: full of active ones. */
struct binding *binding_get(struct bub_engine *eng, const struct in6_addr *local,
			    const struct in6_addr *home);
/* False: the prefix of @care_of has its share of the table already (protocol.md, P50). */
bool binding_has_room(const struct bub_engine *eng, const struct in6_addr *care_of);
void binding_set(struct bub_engine *eng, struct binding *b, const struct in6_addr *care_of,
		 uint32_t lifetime_s);
/* An ICMPv6 error says that nobody gets through to the care-of address.  Only where that persists
 * the binding is deleted (RFC 6275, 9.3.4). */
void binding_unreachable(struct bub_engine *eng, struct binding *b);
/* The key that it was signed with is gone: it lives no longer than any other (RFC 6275, 12). */
void binding_cap(struct bub_engine *eng, struct binding *b);
void binding_delete(struct bub_engine *eng, struct binding *b, const char *why);
/* Works the data path of one pair out anew and queues it. */
void path_update(struct bub_engine *eng, const struct in6_addr *local, const struct in6_addr *peer);
/* A packet of a direct path: home addresses, and the addresses on the wire. */
struct path_ends {
	struct in6_addr local, peer;
	struct in6_addr src, dst;
};
/* True when data goes that way, or did a moment ago. */
bool path_sent(const struct bub_engine *eng, const struct path_ends *e);

/* nonce.c */

void nonce_init(struct bub_engine *eng);
/* Keygen token for @address from the freshest nonce; its index in @ret_index. */
void nonce_token(struct bub_engine *eng, const struct in6_addr *address, bool care_of,
		 uint16_t *ret_index, uint8_t ret_token[static BUB_TOKEN_LEN]);
/* Token for a nonce handed out before; false: it has expired. */
bool nonce_token_at(struct bub_engine *eng, const struct in6_addr *address, bool care_of,
		    uint16_t index, uint8_t ret_token[static BUB_TOKEN_LEN]);
/* The BUB cookie for a CoTI of @home from @care_of; false: the nonce has expired. */
bool nonce_bub_cookie(struct bub_engine *eng, const struct in6_addr *home,
		      const struct in6_addr *care_of, const uint8_t cookie[static BUB_COOKIE_LEN],
		      uint16_t index, uint8_t ret_cookie[static BUB_COOKIE_LEN]);
/* Forgets every nonce: no token handed out before is worth anything any more. */
void nonce_forget(struct bub_engine *eng);

/* cn.c */

void cn_on_test_init(struct bub_engine *eng, const struct rx *rx);
/* Asks the mobile node to refresh a binding that is about to expire (RFC 6275, 9.5.5). */
void cn_send_brr(struct bub_engine *eng, const struct binding *b);
void cn_on_bu(struct bub_engine *eng, const struct rx *rx);

/* bubtest.c */

void bubtest_init(struct peer *p);
/* True when this node may launch a test with the peer now (draft, 5.1). */
bool bubtest_may_launch(const struct bub_engine *eng, const struct peer *p);
/* One clause: why it may not; NULL: it may. */
const char *bubtest_obstacle(const struct bub_engine *eng, const struct peer *p);
/* Considers an eager launch: both ends are known to be away. */
void bubtest_consider(struct bub_engine *eng, struct peer *p);
void bubtest_begin_try(struct bub_engine *eng, struct peer *p);
/* Both answers of a try are there, or it got none. */
void bubtest_end_try(struct bub_engine *eng, struct peer *p);
void bubtest_fail(struct bub_engine *eng, struct peer *p, enum test_state verdict,
		  const char *reason);
/* Drops a running test without counting it (glare, movement). */
void bubtest_yield(struct bub_engine *eng, struct peer *p, const char *reason);
/* A binding or a Binding Update begins: forgets what belongs to a session that is over. */
void bubtest_session(struct bub_engine *eng, struct peer *p);
/* A test with the care-of address @to waits for a BUBC from @from, where its CoT comes from.  One
 * for which this is not so is of an unknown type (protocol.md, 3.4). */
bool bubtest_awaits_bubc(const struct bub_engine *eng, const struct in6_addr *from,
			 const struct in6_addr *to);
void bubtest_on_bubc(struct bub_engine *eng, const struct rx *rx);
void bubtest_reset(struct bub_engine *eng, struct peer *p);

/* dh.c */

void dh_init(struct peer *p);
void dh_start(struct bub_engine *eng, struct peer *p, enum dh_purpose purpose,
	      const struct bub_key *kbm, const uint8_t bub_cookie[static BUB_COOKIE_LEN]);
/* An exchange that we began is under way. */
bool dh_is_initiator(const struct peer *p);
/* A Binding Error, status 2, from the peer: DH1 is not sent again, but a DH2 that comes all the
 * same is taken.  False: there is no DH1 out that it could speak of. */
bool dh_on_unknown(struct bub_engine *eng, struct peer *p);
void dh_on_message(struct bub_engine *eng, const struct rx *rx);
void dh_reset(struct bub_engine *eng, struct peer *p);

/* icmp.c */

/* An ICMPv6 error, which nothing may be sent in answer to (RFC 4443, 2.4 (e)). */
bool icmp_is_error(const struct bub_ip6 *ip);
void icmp_input(struct bub_engine *eng, const struct bub_ip6 *ip, const struct bub_event *ev);

/* relay.c */

/* The packet that an error quotes, where it has a type 2 routing header or a Home Address option as
 * data on a direct path has. */
struct quote {
	struct path_ends ends;
	bool has_hao, has_rh2;
	size_t named_at; /* the octet that names the first of the two headers */
	size_t at, end;  /* the two, or the one that is there, lie from here to there */
	size_t last_at;  /* the last of them */
	uint8_t upper;   /* what follows them */
};

/* BUB_DROP_NONE, or why nothing can be said: it is cut off too early.  Without either header,
 * has_hao and has_rh2 are false. */
enum bub_drop quote_decode(struct bub_view quoted, struct quote *ret_quote);
/* Tells whoever sent the quoted packet. */
void relay_error(struct bub_engine *eng, const struct bub_ip6 *ip, const struct bub_icmp6 *icmp);

/* discovery.c */

void discovery_init(struct home *h);
/* Looks for a home agent of the home prefix from the care-of address. */
void discovery_start(struct bub_engine *eng, struct home *h);
/* The home agent at hand does not serve: on to the next one of the reply.  When there is none it
 * asks anew, @at_once or after a while. */
void discovery_next(struct bub_engine *eng, struct home *h, bool at_once);
/* Any ICMPv6 message of discovery. */
void discovery_send(struct bub_engine *eng, const struct route *r, const struct bub_icmp6 *icmp);
/* M and O, where this home agent or another of the home link sets them. */
void discovery_flags(const struct bub_engine *eng, bool *ret_managed, bool *ret_other);
/* Another home agent of the home link has that address. */
bool discovery_is_agent(const struct bub_engine *eng, const struct in6_addr *a);
/* False: the message is none of discovery's. */
bool discovery_input(struct bub_engine *eng, const struct bub_ip6 *ip, const struct bub_icmp6 *icmp,
		     const struct bub_event *ev);

/* prefixes.c */

void prefixes_home_init(struct home *h);
/* Asks for the home link's prefixes, unless what is known still holds. */
void prefixes_solicit(struct bub_engine *eng, struct home *h);
void prefixes_on_advert(struct bub_engine *eng, const struct bub_ip6 *ip,
			const struct bub_icmp6 *adv, const struct bub_event *ev);
void prefixes_client_init(struct client *c);
/* The home link has other prefixes from now on. */
void prefixes_set(struct bub_engine *eng, const struct bub_event *ev);
/* A home registration was accepted. */
void prefixes_on_registered(struct bub_engine *eng, struct client *c);
void prefixes_on_unregistered(struct bub_engine *eng, struct client *c);
void prefixes_on_solicitation(struct bub_engine *eng, const struct bub_ip6 *ip,
			      const struct bub_icmp6 *sol, const struct bub_event *ev);

/* ha.c */

void ha_on_home_bu(struct bub_engine *eng, const struct rx *rx, const struct bub_event *ev);
void ha_on_dad(struct bub_engine *eng, uint32_t id, int error);
void ha_from_tunnel(struct bub_engine *eng, struct client *c, const struct bub_event *ev);
/* A packet for a home address that this node serves; false: it serves none such.  What it carries
 * behind the IPv6 header is nobody's business on the way (RFC 8200, 4). */
bool ha_intercept(struct bub_engine *eng, struct bub_view packet);
/* Whether @home is registered here with @care_of, @local being this home agent's address. */
bool ha_registered(struct bub_engine *eng, const struct in6_addr *local,
		   const struct in6_addr *home, const struct in6_addr *care_of);
/* Whether a home registration is what allows data with this Home Address option. */
bool ha_covers(struct bub_engine *eng, const struct in6_addr *local, const struct in6_addr *home,
	       const struct in6_addr *care_of);
struct client *ha_client(struct bub_engine *eng, const struct in6_addr *home);
/* Into the tunnel as it is, in an action of its own or in @act. */
void ha_tunnel(struct bub_engine *eng, const struct client *c, struct bub_view packet);
void ha_fill_tunnel(struct bub_engine *eng, const struct client *c, struct bub_view packet,
		    const struct encap *encap, struct bub_action *act);
/* False: it may not go there, which has been counted. */
bool ha_admit(struct bub_engine *eng, const struct client *c, struct bub_view packet,
	      struct encap *ret_encap);
/* The binding is there from now on, until @lifetime_s are over: tunnel, interception and defence.
 * Nobody is told. */
void ha_establish(struct bub_engine *eng, struct client *c, const struct request *req,
		  uint32_t lifetime_s, const char *why);
/* The verdict of the store about c->storing. */
void ha_on_stored(struct bub_engine *eng, struct client *c, int error);
/* The prefix that @home belongs to, while it is valid; NULL: none of ours. */
const struct bub_ha_prefix *ha_prefix_of(const struct bub_engine *eng, const struct in6_addr *home);
void ha_init(struct bub_engine *eng);
/* The prefix of its home address is valid for @valid_s yet: no binding outlives it. */
void ha_end_with_prefix(struct bub_engine *eng, struct client *c, uint32_t valid_s);
void ha_client_init(struct bub_engine *eng, struct client *c);
/* Its registration ends, and it may make no other. */
void ha_remove_client(struct bub_engine *eng, struct client *c);

/* multicast.c */

void multicast_client_init(struct client *c);
void multicast_on_registered(struct bub_engine *eng, struct client *c);
/* This home agent has restarted and knows of no memberships. */
void multicast_on_restored(struct bub_engine *eng, struct client *c);
void multicast_on_unregistered(struct bub_engine *eng, struct client *c);
/* An MLD message out of the tunnel of @c. */
void multicast_on_report(struct bub_engine *eng, struct client *c, const struct bub_ip6 *ip);
/* A packet for group @dst, off the home link; false: no mobile node here listens to it. */
bool multicast_intercept(struct bub_engine *eng, const struct in6_addr *dst,
			 struct bub_view packet);
/* A packet for a group, which a mobile node sent through its tunnel.  It has a hop left and fits
 * SCRATCH_MAX. */
void multicast_forward(struct bub_engine *eng, const struct bub_ip6 *ip);
/* What does not fit the queue of a feed: groups to join or leave, copies.  False: nothing left. */
bool multicast_next_action(struct bub_engine *eng, struct bub_action *ret_action);
/* Mobile node: an MLD message of the kernel's own. */
void multicast_from_kernel(struct bub_engine *eng, const struct bub_ip6 *ip);
/* A packet for a group came out of the tunnel of @h: true where it may be delivered. */
bool multicast_from_home_agent(struct bub_engine *eng, struct home *h, const struct bub_ip6 *ip);

#endif
