/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The machine of one session: octets into and out of libssl by memory BIOs, the phases, the time
 * that is left.  What the two ends say to one another is in client.c and server.c.
 *
 *   HANDSHAKE   SSL_do_handshake() until it is done
 *   TALK        the mobile node has asked, the home agent waits for the question
 *   STREAM      instead of that: octets both ways
 *   END         agreed or failed; what is left to take still goes out
 */
#include <openssl/err.h>
#include <stdlib.h>
#include <string.h>

#include "internal.h"

/* Notes what the other end complains of: libssl's own error does not say who complained. */
static void session_info(const SSL *ssl, int where, int value)
{
	struct keys_session *s = keys_session_of(ssl);

	if ((where & SSL_CB_READ) != 0 && (where & SSL_CB_ALERT) != 0 &&
	    (value & 0xff) != SSL3_AD_CLOSE_NOTIFY && s->alert < 0)
		s->alert = value & 0xff;
}

static bool session_set_up(struct keys_session *s)
{
	s->ssl = SSL_new(s->ctx->ssl);
	if (s->ssl == NULL)
		return false;
	s->in = BIO_new(BIO_s_mem());
	s->out = BIO_new(BIO_s_mem());
	if (s->in == NULL || s->out == NULL) {
		BIO_free(s->in);
		BIO_free(s->out);
		return false;
	}
	SSL_set_bio(s->ssl, s->in, s->out);
	if (SSL_set_app_data(s->ssl, s) != 1)
		return false;
	SSL_set_info_callback(s->ssl, session_info);
	/* No clock is read: the dates of certificates are compared with what the caller says. */
	X509_VERIFY_PARAM_set_time(SSL_get0_param(s->ssl), (time_t)s->wall_s);
	return true;
}

static struct keys_session *session_new(struct keys_context *ctx, struct bub_time now,
					int64_t wall_s, uint32_t timeout_ms)
{
	struct keys_session *s = calloc(1, sizeof(*s));

	if (s == NULL)
		return NULL;
	s->ctx = ctx;
	ctx->references++;
	s->alert = -1;
	s->wall_s = wall_s;
	s->deadline = bub_time_add_ms(now, timeout_ms != 0 ? timeout_ms : KEYS_TIMEOUT_MS);
	if (!session_set_up(s)) {
		keys_session_free(s);
		ERR_clear_error();
		return NULL;
	}
	return s;
}

struct keys_session *keys_client_new(struct keys_context *ctx, const struct keys_client_params *p)
{
	struct keys_session *s = session_new(ctx, p->now, p->wall_s, p->timeout_ms);

	if (s == NULL)
		return NULL;
	s->wanted = *p;
	s->stream = p->stream;
	SSL_set_connect_state(s->ssl);
	if (!keys_expect_name(s) ||
	    (s->stream &&
	     SSL_set_alpn_protos(s->ssl, keys_stream_alpn, sizeof(keys_stream_alpn)) != 0)) {
		keys_session_free(s);
		ERR_clear_error();
		return NULL;
	}
	return s;
}

struct keys_session *keys_server_new(struct keys_context *ctx, const struct keys_server_params *p)
{
	struct keys_session *s = session_new(ctx, p->now, p->wall_s, p->timeout_ms);

	if (s == NULL)
		return NULL;
	s->user = p->user;
	s->streams = p->streams;
	SSL_set_accept_state(s->ssl);
	return s;
}

void keys_session_free(struct keys_session *s)
{
	if (s == NULL)
		return;
	SSL_free(s->ssl);
	keys_identity_done(&s->peer);
	keys_context_free(s->ctx);
	OPENSSL_cleanse(s, sizeof(*s));
	free(s);
}

void keys_give_up(struct keys_session *s, enum keys_reason why, const char *detail)
{
	(void)keys_fail(s, why, detail);
}

/* ---- Octets -------------------------------------------------------------------------------- */

void keys_feed(struct keys_session *s, const uint8_t *data, size_t len)
{
	if (s->phase == KEYS_PHASE_END)
		return;
	if (s->phase == KEYS_PHASE_STREAM)
		s->fed = BIO_ctrl_pending(s->in);
	/* A flood of a thousand connections may not have more memory than this each. */
	if (s->fed > KEYS_INPUT_MAX || len > KEYS_INPUT_MAX - s->fed) {
		(void)keys_fail(s, KEYS_TOO_MUCH, NULL);
		return;
	}
	s->fed += len;
	if (len > 0 && BIO_write(s->in, data, (int)len) != (int)len)
		(void)keys_fail(s, KEYS_INTERNAL, "no memory for what came");
}

void keys_feed_end(struct keys_session *s)
{
	s->fed_end = true;
}

size_t keys_take(struct keys_session *s, uint8_t *out, size_t cap)
{
	const int got = BIO_read(s->out, out, cap > INT_MAX ? INT_MAX : (int)cap);

	return got > 0 ? (size_t)got : 0;
}

/* ---- Steps --------------------------------------------------------------------------------- */

/* What comes of a call that did not do all of it.  Returns false: there is nothing to go on with.
 */
static bool session_stuck(struct keys_session *s, int rc)
{
	switch (SSL_get_error(s->ssl, rc)) {
	case SSL_ERROR_WANT_READ:
		return s->fed_end ? keys_fail(s, KEYS_CLOSED, NULL) : false;
	case SSL_ERROR_ZERO_RETURN:
		return keys_fail(s, KEYS_CLOSED, NULL);
	default:
		return keys_fail_in_ssl(s);
	}
}

static bool session_handshake(struct keys_session *s)
{
	int rc = 0;

	ERR_clear_error();
	rc = SSL_do_handshake(s->ssl);
	if (rc != 1)
		return session_stuck(s, rc);
	s->proved = true;
	s->phase = KEYS_PHASE_TALK;
	return s->ctx->server ? keys_server_begin(s) : keys_client_begin(s);
}

/* What came is no message.  Returns false. */
static bool session_bad(struct keys_session *s, enum keys_reason why)
{
	if (s->ctx->server)
		keys_server_refuse(s, why, NULL);
	return keys_fail(s, why, NULL);
}

/* Reads what of a message is there.  Returns whether it has become whole. */
static bool session_read(struct keys_session *s)
{
	struct keys_octets content = {0};
	uint8_t id = 0;

	for (;;) {
		int rc = 0;

		switch (keys_frame_read(s->message, s->message_len, &id, &content)) {
		case KEYS_FRAME_WHOLE:
			/* Each session has one request, so whatever comes behind it is wrong. */
			if (id != 1 || content.data + content.len != s->message + s->message_len)
				return session_bad(s, KEYS_BAD_FRAME);
			return true;
		case KEYS_FRAME_BAD:
			return session_bad(s, KEYS_BAD_FRAME);
		case KEYS_FRAME_VERSION:
			return session_bad(s, KEYS_NO_COMMON_VERSION);
		case KEYS_FRAME_MORE:
			break;
		}
		ERR_clear_error();
		rc = SSL_read(s->ssl, s->message + s->message_len,
			      (int)(sizeof(s->message) - s->message_len));
		if (rc <= 0)
			return session_stuck(s, rc);
		s->message_len += (size_t)rc;
	}
}

static void session_talk(struct keys_session *s)
{
	struct keys_octets content = {0};
	struct keys_message msg;
	uint8_t id = 0;

	if (!session_read(s))
		return;
	(void)keys_frame_read(s->message, s->message_len, &id, &content);
	if (!keys_message_read(content, &msg))
		(void)session_bad(s, KEYS_BAD_FRAME);
	else if (s->ctx->server)
		keys_server_message(s, &msg);
	else
		keys_client_message(s, &msg);
}

/* ---- Streams ------------------------------------------------------------------------------- */

#define STREAM_RECORDS_MAX (1u << 22) /* by one key; RFC 8446, 5.5 has 2^24.5 */

bool keys_stream_begin(struct keys_session *s)
{
	s->phase = KEYS_PHASE_STREAM;
	s->state = KEYS_STREAMING;
	s->deadline = BUB_TIME_NEVER;
	return true;
}

size_t keys_stream_read(struct keys_session *s, uint8_t *out, size_t cap)
{
	int rc;

	if (s->phase != KEYS_PHASE_STREAM)
		return 0;
	ERR_clear_error();
	rc = SSL_read(s->ssl, out, cap > INT_MAX ? INT_MAX : (int)cap);
	if (rc > 0)
		return (size_t)rc;
	(void)session_stuck(s, rc);
	return 0;
}

bool keys_stream_write(struct keys_session *s, const uint8_t *data, size_t len)
{
	if (s->phase != KEYS_PHASE_STREAM)
		return false;
	if (++s->written >= STREAM_RECORDS_MAX) {
		s->written = 0;
		if (SSL_key_update(s->ssl, SSL_KEY_UPDATE_NOT_REQUESTED) != 1)
			return keys_fail_in_ssl(s);
	}
	return keys_send(s, data, len);
}

/* ---- All of it ----------------------------------------------------------------------------- */

enum keys_state keys_step(struct keys_session *s, struct bub_time now)
{
	if (s->phase == KEYS_PHASE_HANDSHAKE)
		(void)session_handshake(s);
	if (s->phase == KEYS_PHASE_TALK)
		session_talk(s);
	if (s->phase != KEYS_PHASE_END && !bub_time_before(now, s->deadline))
		(void)keys_fail(s, KEYS_TIMED_OUT, NULL);
	return s->state;
}

enum keys_state keys_state_of(const struct keys_session *s)
{
	return s->state;
}

struct bub_time keys_deadline(const struct keys_session *s)
{
	return s->deadline;
}

bool keys_proved(const struct keys_session *s)
{
	return s->proved;
}

const struct keys_agreed *keys_agreed_of(const struct keys_session *s)
{
	return s->state == KEYS_AGREED ? &s->agreed : NULL;
}

const struct keys_failure *keys_failure_of(const struct keys_session *s)
{
	return s->state == KEYS_FAILED ? &s->failure : NULL;
}
