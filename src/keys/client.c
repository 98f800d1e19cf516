/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a mobile node says and hears after the handshake.
 */
#include <stdio.h>
#include <string.h>

#include "internal.h"

#define ANSWER_NEEDS                                                                               \
	(KEYS_LINE_HOME_AGENT | KEYS_LINE_HOME | KEYS_LINE_SUITE | KEYS_LINE_SPI_TRANSPORT |       \
	 KEYS_LINE_SPI_TUNNEL | KEYS_LINE_LIFETIME)

bool keys_client_begin(struct keys_session *s)
{
	const struct keys_client_params *p = &s->wanted;
	struct keys_message msg = {
		.has = KEYS_LINE_VERSION | KEYS_LINE_SUITES | KEYS_LINE_SPI_TRANSPORT |
		       KEYS_LINE_SPI_TUNNEL,
		.version = KEYS_PROTOCOL,
		.home = p->home,
		.home_agent = p->home_agent,
		.suite_count = s->ctx->suite_count,
		.spi_transport = p->spi_transport,
		.spi_tunnel = p->spi_tunnel,
		.spi_payload = p->spi_payload,
	};
	uint8_t frame[KEYS_MESSAGE_MAX];
	const unsigned char *alpn = NULL;
	unsigned int alpn_len = 0;

	SSL_get0_alpn_selected(s->ssl, &alpn, &alpn_len);
	if (alpn_len == 0)
		return keys_fail(s, KEYS_OTHER_PROTOCOL, NULL);
	/* Without a certificate the handshake is done by the pre-shared key, or not at all. */
	if (s->ctx->by_psk && SSL_session_reused(s->ssl) != 1)
		return keys_fail(s, KEYS_UNKNOWN_IDENTITY, NULL);
	if (s->ctx->by_psk)
		(void)snprintf(s->agreed.peer, sizeof(s->agreed.peer), "pre-shared key \"%.200s\"",
			       s->psk_identity + sizeof(KEYS_PSK_PREFIX) - 1);
	else
		(void)snprintf(s->agreed.peer, sizeof(s->agreed.peer), "%s", s->peer.text);
	if (s->stream)
		return keys_stream_begin(s);
	memcpy(msg.suites, s->ctx->suites, sizeof(msg.suites));
	if (!IN6_IS_ADDR_UNSPECIFIED(&p->home))
		msg.has |= KEYS_LINE_HOME;
	if (p->spi_payload != 0)
		msg.has |= KEYS_LINE_SPI_PAYLOAD;
	if (!IN6_IS_ADDR_UNSPECIFIED(&p->home_agent))
		msg.has |= KEYS_LINE_HOME_AGENT;
	return keys_send(s, frame, keys_message_write(&msg, 1, frame, sizeof(frame)));
}

/* The home agent says no. */
static void client_refused(struct keys_session *s, const struct keys_message *msg)
{
	enum keys_reason why = KEYS_PEER_REFUSED;

	if ((msg->has & KEYS_LINE_REASON) != 0)
		why = msg->reason;
	else if (msg->status == KEYS_STATUS_UNAVAILABLE)
		why = KEYS_BUSY;
	else if (msg->status == KEYS_STATUS_NOT_IMPLEMENTED)
		why = KEYS_NO_COMMON_VERSION;
	s->told = true;
	(void)snprintf(s->failure.said, sizeof(s->failure.said), "%u %s", msg->status,
		       keys_reason_name(why));
	(void)keys_fail(s, why, NULL);
}

/* Whether an answer has all that it needs, and nothing that was not asked for. */
static bool client_answer_fits(const struct keys_session *s, const struct keys_message *msg)
{
	const struct keys_spis spis = {msg->spi_transport, msg->spi_tunnel, msg->spi_payload};
	enum esp_alg alg = ESP_ALG_COUNT;

	return (msg->has & ANSWER_NEEDS) == ANSWER_NEEDS &&
	       keys_suite_choose(&msg->suite, 1, s->ctx->suites, s->ctx->suite_count, &alg) &&
	       keys_spis_fit(&spis) && (msg->spi_payload == 0 || s->wanted.spi_payload != 0) &&
	       msg->lifetime_s > 0 && !IN6_IS_ADDR_UNSPECIFIED(&msg->home) &&
	       !IN6_IS_ADDR_MULTICAST(&msg->home) && !IN6_IS_ADDR_UNSPECIFIED(&msg->home_agent) &&
	       !IN6_IS_ADDR_MULTICAST(&msg->home_agent) &&
	       (IN6_IS_ADDR_UNSPECIFIED(&s->wanted.home) ||
		IN6_ARE_ADDR_EQUAL(&s->wanted.home, &msg->home));
}

void keys_client_message(struct keys_session *s, const struct keys_message *msg)
{
	const struct keys_spis own = {s->wanted.spi_transport, s->wanted.spi_tunnel,
				      s->wanted.spi_payload};

	if ((msg->has & KEYS_LINE_STATUS) != 0 && msg->status != KEYS_STATUS_OK) {
		client_refused(s, msg);
		return;
	}
	if ((msg->has & KEYS_LINE_STATUS) == 0 || !client_answer_fits(s, msg)) {
		(void)keys_fail(s, KEYS_BAD_FRAME, NULL);
		return;
	}
	s->agreed.alg = msg->suite;
	s->agreed.grant = (struct keys_grant){
		.home = msg->home,
		.home_agent = msg->home_agent,
		.prefix = msg->prefix,
		.prefix_len = msg->prefix_len,
		.spi_transport = msg->spi_transport,
		.spi_tunnel = msg->spi_tunnel,
		.spi_payload = msg->spi_payload,
		.lifetime_s = msg->lifetime_s,
		.octets = msg->octets,
		.has_token = (msg->has & KEYS_LINE_TOKEN) != 0,
	};
	memcpy(s->agreed.grant.token, msg->token, KEYS_TOKEN_LEN);
	if (keys_export(s, &own))
		keys_agree(s);
	else
		(void)keys_fail(s, KEYS_INTERNAL, "no keys could be exported");
}
