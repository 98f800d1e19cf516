/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the files of this room share.
 */
#ifndef BUB_KEYS_INTERNAL_H
#define BUB_KEYS_INTERNAL_H

#include <openssl/ssl.h>
#include <openssl/x509.h>

#include "keys.h"
#include "keys_identity.h"
#include "keys_stream.h"
#include "message.h"

#define KEYS_STREAM_ALPN_LEN sizeof(KEYS_STREAM_ALPN) /* with an octet of length in front */
#define KEYS_PSK_PREFIX "bub-psk-1:"
#define KEYS_PSK_IDENTITY_MAX (sizeof(KEYS_PSK_PREFIX) + KEYS_NAME_MAX)

/* ---- Octets (text.c)
 * -------------------------------------------------------------------------------- */

/* 2 * @octets hexadecimal digits; false, with @ret untouched, where they are something else. */
bool keys_hex_parse(const char *text, size_t len, uint8_t *ret, size_t octets);
void keys_hex_print(const uint8_t *data, size_t len, char *ret_text); /* 2 * len + 1 characters */

/* A BIO that reads @octets, which it borrows; NULL: out of memory. */
BIO *keys_bio_of(struct keys_octets octets);

/* Of pem_password_cb: a key that asks for one is refused, instead of asking whoever sits there. */
int keys_no_passphrase(char *buf, int size, int rwflag, void *user);

bool keys_fingerprint_of_x509(const X509 *cert, uint8_t ret[static KEYS_FINGERPRINT_LEN]);

/* ---- Contexts ------------------------------------------------------------------------------ */

struct keys_context {
	unsigned references;
	bool server;
	SSL_CTX *ssl;
	bool has_ca;
	struct keys_own own;
	enum esp_alg suites[KEYS_SUITE_COUNT];
	size_t suite_count;
	/* Mobile node */
	bool by_psk, has_fingerprint;
	uint8_t fingerprint[KEYS_FINGERPRINT_LEN];
	char peer_name[KEYS_NAME_MAX]; /* "": the home agent's address */
	char psk_name[KEYS_NAME_MAX];  /* "": the home address */
	uint8_t secret[KEYS_SECRET_MAX];
	size_t secret_len;
	/* Home agent */
	const struct keys_server_ops *ops; /* borrowed */
	uint8_t decoy[32];
};

/* ---- Sessions ------------------------------------------------------------------------------ */

struct keys_identity {
	bool by_psk;
	char psk_name[KEYS_NAME_MAX];
	X509 *certificate; /* NULL: none */
	bool pinned;       /* the certificate's key is known; else a CA vouches for it */
	uint8_t fingerprint[KEYS_FINGERPRINT_LEN];
	char text[KEYS_NAME_MAX];
};

/* What the other end showed that was no good. */
struct keys_verdict {
	enum keys_reason reason;       /* KEYS_OK: nothing was wrong */
	int error;                     /* X509_V_ERR_... */
	int64_t not_before, not_after; /* of the certificate that it is about */
};

enum keys_phase {
	KEYS_PHASE_HANDSHAKE,
	KEYS_PHASE_TALK, /* one request, one answer */
	KEYS_PHASE_STREAM,
	KEYS_PHASE_END,
};

struct keys_session {
	struct keys_context *ctx; /* one reference */
	void *user;               /* of the ops */
	SSL *ssl;
	BIO *in, *out; /* of the SSL */
	struct bub_time deadline;
	int64_t wall_s;
	enum keys_phase phase;
	enum keys_state state;
	size_t fed; /* octets, all in all */
	bool fed_end, proved;
	bool broken;          /* libssl cannot go on */
	bool streams, stream; /* it may be one, it is one */
	uint32_t written;     /* records, since the key was changed */
	int alert;            /* that the other end sent; -1: none */
	struct keys_client_params wanted;
	char psk_identity[KEYS_PSK_IDENTITY_MAX]; /* mobile node: what it sends */
	struct keys_identity peer;
	struct keys_verdict verdict;
	bool psk_unknown; /* home agent: nobody has the name that came */
	uint8_t message[KEYS_MESSAGE_MAX];
	size_t message_len;
	bool told; /* the failure is what the other end says */
	struct keys_agreed agreed;
	struct keys_failure failure;
};

/* end.c: the session ends with @why and the words for it (@detail as in keys_give_up()), or as
 * agreed. Those that return a bool return false once the session has failed. */
bool keys_fail(struct keys_session *s, enum keys_reason why, const char *detail);
bool keys_fail_in_ssl(struct keys_session *s); /* for what libssl says */
void keys_agree(struct keys_session *s);
bool keys_send(struct keys_session *s, const uint8_t *data, size_t len);
struct keys_session *keys_session_of(const SSL *ssl);

/* session.c: the handshake of a stream is done */
bool keys_stream_begin(struct keys_session *s);

/* context.c: KEYS_STREAM_ALPN as SSL_set_alpn_protos() wants it. */
extern const uint8_t keys_stream_alpn[KEYS_STREAM_ALPN_LEN];

/* client.c and server.c: what follows the handshake.  The first of each returns false when the
 * session has failed. */
bool keys_client_begin(struct keys_session *s);
void keys_client_message(struct keys_session *s, const struct keys_message *msg);
bool keys_server_begin(struct keys_session *s);
void keys_server_message(struct keys_session *s, const struct keys_message *msg);
/* A home agent says so to the other end, too; @detail as in keys_give_up(). */
void keys_server_refuse(struct keys_session *s, enum keys_reason why, const char *detail);

/* verify.c: whom the home agent's certificate has to be for; false: out of memory. */
bool keys_expect_name(struct keys_session *s);
/* Of SSL_CTX_set_cert_verify_callback(). */
int keys_verify(X509_STORE_CTX *store, void *unused);
/* The dates of a certificate, in seconds since 1970. */
void keys_dates_of(const X509 *cert, int64_t *ret_not_before, int64_t *ret_not_after);

/* psk.c: of SSL_CTX_set_psk_use_session_callback() and its like. */
int keys_psk_use(SSL *ssl, const EVP_MD *md, const unsigned char **id, size_t *id_len,
		 SSL_SESSION **session);
int keys_psk_find(SSL *ssl, const unsigned char *id, size_t id_len, SSL_SESSION **session);

/* Inbound SPIs of a mobile node; @payload 0: none. */
struct keys_spis {
	uint32_t transport, tunnel, payload;
};

/* export.c: whether they are SPIs, and no two alike; and the SAs of s->agreed, whose other parts
 * are there. */
bool keys_spis_fit(const struct keys_spis *spis);
bool keys_export(struct keys_session *s, const struct keys_spis *mn);

/* failure.c: why libssl stopped: what is on its stack of errors, which is cleared. */
enum keys_reason keys_reason_of_ssl(struct keys_session *s, const char **ret_detail);

/* words.c: the line of s->failure, whose reason is set. */
void keys_write_words(struct keys_session *s, const char *detail);

/* identity.c */
void keys_identity_done(struct keys_identity *id);
void keys_identity_write_text(struct keys_identity *id);

#endif
