/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a home agent hears and says after the handshake.  Who came has been proved by then; whether
 * a home address is its own is asked here, and nowhere else.
 */
#include <stdio.h>
#include <string.h>

#include "internal.h"

#define REQUEST_NEEDS (KEYS_LINE_SUITES | KEYS_LINE_SPI_TRANSPORT | KEYS_LINE_SPI_TUNNEL)

bool keys_server_begin(struct keys_session *s)
{
	/* libssl has seen to it; with a mistake there nobody would be asked who it is. */
	const bool proved = s->peer.by_psk ? SSL_session_reused(s->ssl) == 1 && !s->psk_unknown
					   : s->peer.certificate != NULL &&
						     SSL_get_verify_result(s->ssl) == X509_V_OK;

	if (!proved || s->verdict.reason != KEYS_OK)
		return keys_fail(s, KEYS_UNKNOWN_IDENTITY, NULL);
	(void)snprintf(s->agreed.peer, sizeof(s->agreed.peer), "%s", s->peer.text);
	return s->stream ? keys_stream_begin(s) : true;
}

static uint32_t server_status(enum keys_reason why)
{
	if (why == KEYS_BAD_FRAME)
		return KEYS_STATUS_BAD_REQUEST;
	if (why == KEYS_NO_COMMON_ALGORITHM || why == KEYS_NO_COMMON_VERSION)
		return KEYS_STATUS_NOT_IMPLEMENTED;
	if (why == KEYS_BUSY)
		return KEYS_STATUS_UNAVAILABLE;
	return why == KEYS_INTERNAL ? KEYS_STATUS_INTERNAL : KEYS_STATUS_UNAUTHORIZED;
}

void keys_server_refuse(struct keys_session *s, enum keys_reason why, const char *detail)
{
	const struct keys_message msg = {
		.has = KEYS_LINE_STATUS | KEYS_LINE_REASON,
		.status = server_status(why),
		.reason = why,
	};
	uint8_t frame[KEYS_MESSAGE_MAX];

	if (keys_send(s, frame, keys_message_write(&msg, 1, frame, sizeof(frame))))
		(void)keys_fail(s, why, detail);
}

static bool server_answer(struct keys_session *s)
{
	const struct keys_grant *g = &s->agreed.grant;
	struct keys_message msg = {
		.has = KEYS_LINE_STATUS | KEYS_LINE_HOME_AGENT | KEYS_LINE_HOME | KEYS_LINE_SUITE |
		       KEYS_LINE_SPI_TRANSPORT | KEYS_LINE_SPI_TUNNEL | KEYS_LINE_LIFETIME,
		.status = KEYS_STATUS_OK,
		.home_agent = g->home_agent,
		.home = g->home,
		.prefix = g->prefix,
		.prefix_len = g->prefix_len,
		.suite = s->agreed.alg,
		.spi_transport = g->spi_transport,
		.spi_tunnel = g->spi_tunnel,
		.spi_payload = g->spi_payload,
		.lifetime_s = g->lifetime_s,
		.octets = g->octets,
	};
	uint8_t frame[KEYS_MESSAGE_MAX];

	if (g->prefix_len > 0)
		msg.has |= KEYS_LINE_PREFIX;
	if (g->spi_payload != 0)
		msg.has |= KEYS_LINE_SPI_PAYLOAD;
	if (g->octets > 0)
		msg.has |= KEYS_LINE_OCTETS;
	if (g->has_token)
		msg.has |= KEYS_LINE_TOKEN;
	memcpy(msg.token, g->token, KEYS_TOKEN_LEN);
	return keys_send(s, frame, keys_message_write(&msg, 1, frame, sizeof(frame)));
}

static enum keys_reason server_look_at(struct keys_session *s, const struct keys_message *msg,
				       const struct keys_spis *spis)
{
	if ((msg->has & KEYS_LINE_VERSION) == 0 || msg->version != KEYS_PROTOCOL)
		return KEYS_NO_COMMON_VERSION;
	if ((msg->has & REQUEST_NEEDS) != REQUEST_NEEDS || !keys_spis_fit(spis))
		return KEYS_BAD_FRAME;
	/* The mobile node's order counts: of the two its processor is the weaker one. */
	if (!keys_suite_choose(msg->suites, msg->suite_count, s->ctx->suites, s->ctx->suite_count,
			       &s->agreed.alg))
		return KEYS_NO_COMMON_ALGORITHM;
	return KEYS_OK;
}

void keys_server_message(struct keys_session *s, const struct keys_message *msg)
{
	const struct keys_spis mn = {msg->spi_transport, msg->spi_tunnel, msg->spi_payload};
	enum keys_reason why = server_look_at(s, msg, &mn);
	char detail[KEYS_TEXT_MAX] = "";
	const struct keys_request req = {
		.who = &s->peer,
		.home = msg->home,
		.home_agent = msg->home_agent,
		.alg = s->agreed.alg,
		.spi_transport = msg->spi_transport,
		.spi_tunnel = msg->spi_tunnel,
		.spi_payload = msg->spi_payload,
	};

	s->wanted.home = msg->home;
	if (why == KEYS_OK)
		why = s->ctx->ops->grant(s->user, &req, &s->agreed.grant);
	if (why == KEYS_OK && !keys_export(s, &mn))
		why = KEYS_INTERNAL;
	if (why == KEYS_OK && s->ctx->ops->take != NULL)
		why = s->ctx->ops->take(s->user, &s->agreed, detail);
	if (why != KEYS_OK)
		keys_server_refuse(s, why, detail[0] != '\0' ? detail : NULL);
	else if (server_answer(s))
		keys_agree(s);
}
