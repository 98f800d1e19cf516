/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Keys between a mobile node and its home agent, agreed on by TLS 1.3 in the manner of RFC 6618
 * (docs/keys.md).  Each agreement is a session: a machine without sockets, clocks and files.  Feed
 * it the octets that came, step it, take the octets to send, and look how far it is.
 *
 *   context   who this end is and whom it trusts: made once, of octets that the caller read
 *   session   one connection: of a mobile node (keys_client_new) or of a home agent
 *   agreed    what came out: four security associations, and what the home agent hands out
 *   failure   why nothing came out, in words for a person
 *
 * A turn: keys_feed() what came, keys_step(), act where the state has changed, then keys_take() and
 * send until it gives nothing.  What is left to take after KEYS_FAILED tells the other end why.
 *
 * Not thread safe: a context with its sessions belongs to one thread at a time.
 */
#ifndef BUB_KEYS_H
#define BUB_KEYS_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bub/time.h"
#include "esp_keys.h"
#include "keys_reason.h"
#include "keys_suite.h"

#define KEYS_PORT 7872 /* TCP; RFC 6618, 8.3 registers the UDP port of that number only */
#define KEYS_ALPN "bub-keys/1"
#define KEYS_INPUT_MAX 16384u /* octets that a session takes, handshake and message */
#define KEYS_TIMEOUT_MS 5000u /* from the first octet to the answer, where nothing else is said */
#define KEYS_TOKEN_LEN 16u
#define KEYS_FINGERPRINT_LEN 32u
#define KEYS_NAME_MAX 256u /* characters with the end, of an identity's name */
#define KEYS_SECRET_MAX ESP_SECRET_MAX
#define KEYS_TEXT_MAX 512u /* likewise, of a line for a person */

/* Octets of the caller; borrowed for the call.  .len == 0: there are none. */
struct keys_octets {
	const uint8_t *data;
	size_t len;
};

/* ---- Requests, grants, and what was agreed on ---------------------------------------------- */

struct keys_identity; /* of a mobile node, as its home agent has proved it; keys_identity.h */

struct keys_request {
	const struct keys_identity *who;
	struct in6_addr home;               /* ::, please assign one */
	struct in6_addr home_agent;         /* ::, any of this home agent's */
	enum esp_alg alg;                   /* chosen already */
	uint32_t spi_transport, spi_tunnel; /* inbound ones of the mobile node */
	uint32_t spi_payload;               /* likewise; 0: data has no SAs of its own */
};

struct keys_grant {
	struct in6_addr home, home_agent;
	struct in6_addr prefix;             /* of the home link */
	uint8_t prefix_len;                 /* 0: nothing is said about it */
	uint32_t spi_transport, spi_tunnel; /* inbound ones of the home agent; see keys_spi() */
	uint32_t spi_payload;               /* likewise, where the request has one; or 0 */
	uint32_t lifetime_s;
	uint64_t octets; /* after which to agree anew; 0: no limit but the lifetime */
	bool has_token;
	uint8_t token[KEYS_TOKEN_LEN]; /* random; keys_token.h */
};

struct keys_agreed {
	struct keys_grant grant;
	enum esp_alg alg;
	/* By ESP_SET_TRANSPORT_UP and so on, with this end's directions; sequences are zero. */
	struct esp_sa_params set[ESP_SET_MAX];
	unsigned set_count;       /* ESP_SET_COUNT, or ESP_SET_MAX */
	char peer[KEYS_NAME_MAX]; /* who the other end is, for log and status */
};

struct keys_failure {
	enum keys_reason reason;
	char text[KEYS_TEXT_MAX]; /* what went wrong and what to do, in this end's words */
	char said[KEYS_NAME_MAX]; /* what the other end said about it; "": nothing */
};

/* ---- Contexts ------------------------------------------------------------------------------ */

struct keys_context;

/* Who this end is, and whom it trusts.  All of it is copied. */
struct keys_trust {
	struct keys_octets certificate; /* PEM: this end's own, and those between it and the CA */
	struct keys_octets key;         /* PEM: of the first one; without a passphrase */
	struct keys_octets ca;          /* PEM: whose certificates are good */
	struct keys_octets crl;         /* PEM: but for these; needs ca */
};

struct keys_client_config {
	struct keys_trust trust; /* all of it empty: by pre-shared key */
	/* The public key of the home agent (SHA-256 of SubjectPublicKeyInfo).  Where there is one
	 * it alone counts, and the dates: no CA is asked, and no name compared. */
	bool has_fingerprint;
	uint8_t fingerprint[KEYS_FINGERPRINT_LEN];
	/* DNS name or address that the home agent's certificate has to be for, where a CA is
	 * trusted.  NULL: home_agent of the session. */
	const char *peer_name;
	struct keys_octets secret; /* what both ends share; the key of TLS is derived of it */
	const char *psk_name;      /* NULL: the home address, which has to be known then */
	/* What ESP may use, the best first.  0: keys_suites_by_cpu() without any help. */
	enum esp_alg suites[KEYS_SUITE_COUNT];
	size_t suite_count;
};

/* What a home agent is asked for in a session.  @user is the session's. */
struct keys_server_ops {
	/* Writes the secret shared with the mobile node whose name this is (a home address, or what
	 * was configured).  Returns its length; 0: there is none. */
	size_t (*psk)(void *user, const char *name, uint8_t ret_secret[static KEYS_SECRET_MAX]);
	/* Whether any mobile node may come with the certificate of this fingerprint. */
	bool (*pinned)(void *user, const uint8_t fingerprint[static KEYS_FINGERPRINT_LEN]);
	/* Whether who came may have the home address that it asks for, and everything that the
	 * answer says.  Returns KEYS_OK, or why not: KEYS_HOME_NOT_PERMITTED, KEYS_BUSY,
	 * KEYS_INTERNAL.  @req is borrowed for this call. */
	enum keys_reason (*grant)(void *user, const struct keys_request *req,
				  struct keys_grant *ret_grant);
	/* Takes the keys into use, before the answer says yes.  Returns KEYS_OK; or why they cannot
	 * be used, and a sentence fragment about it in @ret_why: then the answer is no.  @a is
	 * borrowed for this call.  NULL: nobody does. */
	enum keys_reason (*take)(void *user, const struct keys_agreed *a,
				 char ret_why[static KEYS_TEXT_MAX]);
};

struct keys_server_config {
	struct keys_trust trust;               /* certificate empty: pre-shared keys alone */
	const struct keys_server_ops *ops;     /* borrowed; outlives the context */
	enum esp_alg suites[KEYS_SUITE_COUNT]; /* those that ESP may use; 0: all */
	size_t suite_count;
	/* Random octets: of these a key is made for names that nobody has, so that a stranger
	 * cannot tell them from a wrong key. */
	uint8_t decoy[32];
};

/* Return NULL after a sentence fragment in @ret_why: "the key is not the certificate's". */
struct keys_context *keys_client_context_new(const struct keys_client_config *config,
					     char ret_why[static KEYS_TEXT_MAX]);
struct keys_context *keys_server_context_new(const struct keys_server_config *config,
					     char ret_why[static KEYS_TEXT_MAX]);

/* Sessions that are under way keep what they need of it.  NULL is fine. */
void keys_context_free(struct keys_context *ctx);

/* This end's own certificate; times in seconds since 1970. */
struct keys_own {
	bool has_certificate;
	uint8_t fingerprint[KEYS_FINGERPRINT_LEN];
	int64_t not_before, not_after;
};
void keys_context_own(const struct keys_context *ctx, struct keys_own *ret_own);

/* ---- Sessions ------------------------------------------------------------------------------ */

struct keys_session;

struct keys_client_params {
	struct bub_time now;
	int64_t wall_s;                     /* seconds since 1970, for the dates of certificates */
	uint32_t timeout_ms;                /* 0: KEYS_TIMEOUT_MS */
	struct in6_addr home;               /* ::, please assign one */
	struct in6_addr home_agent;         /* that the connection goes to */
	uint32_t spi_transport, spi_tunnel; /* inbound ones of this end; see keys_spi() */
	uint32_t spi_payload;               /* likewise; 0: data has no SAs of its own */
	bool stream;                        /* nothing is agreed on: keys_stream.h */
};

struct keys_server_params {
	struct bub_time now;
	int64_t wall_s;
	uint32_t timeout_ms;
	void *user;   /* of the ops */
	bool streams; /* those are taken, too: keys_stream.h */
};

/* NULL: out of memory. */
struct keys_session *keys_client_new(struct keys_context *ctx, const struct keys_client_params *p);
struct keys_session *keys_server_new(struct keys_context *ctx, const struct keys_server_params *p);
void keys_session_free(struct keys_session *s); /* wipes what was agreed; NULL is fine */

enum keys_state {
	KEYS_GOING,
	KEYS_AGREED, /* the home agent: nothing of the answer has left before keys_take() */
	KEYS_FAILED,
	KEYS_STREAMING, /* keys_stream.h */
};

/* Octets that came; any number.  What comes after the end of a session is dropped. */
void keys_feed(struct keys_session *s, const uint8_t *data, size_t len);

/* The other end sends no more. */
void keys_feed_end(struct keys_session *s);

/* Gives up, for a reason that is not in the octets: KEYS_UNREACHABLE and its like, with @detail (a
 * sentence fragment; NULL: none).  Does nothing where the session has ended. */
void keys_give_up(struct keys_session *s, enum keys_reason why, const char *detail);

/* Works on what was fed, and sees whether the time is up. */
enum keys_state keys_step(struct keys_session *s, struct bub_time now);
enum keys_state keys_state_of(const struct keys_session *s);

/* When keys_step() is due though nothing comes; BUB_TIME_NEVER once the session has ended. */
struct bub_time keys_deadline(const struct keys_session *s);

/* Whether the handshake is done, and the other end is who it says. */
bool keys_proved(const struct keys_session *s);

/* The next octets to send; 0: none for now. */
size_t keys_take(struct keys_session *s, uint8_t *out, size_t cap);

/* Valid as long as the session; NULL in another state. */
const struct keys_agreed *keys_agreed_of(const struct keys_session *s);
const struct keys_failure *keys_failure_of(const struct keys_session *s);

#endif
