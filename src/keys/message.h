/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the two ends say after the handshake: one request, one answer, in the frames of RFC
 * 6618, 5.1 and 5.2.  Octets in, octets out; which line has to be there is the business of client.c
 * and server.c.
 */
#ifndef BUB_KEYS_MESSAGE_H
#define BUB_KEYS_MESSAGE_H

#include "keys.h"

#define KEYS_FRAME_HEADER 4u
#define KEYS_CONTENT_MAX 2048u /* octets; a request has about 250, an answer 400 */
#define KEYS_MESSAGE_MAX (KEYS_FRAME_HEADER + KEYS_CONTENT_MAX)
#define KEYS_PROTOCOL 1u /* "version" of a request */

/* Status codes that are sent (RFC 6618, 5.5.4). */
enum {
	KEYS_STATUS_OK = 200,
	KEYS_STATUS_BAD_REQUEST = 400,
	KEYS_STATUS_UNAUTHORIZED = 401,
	KEYS_STATUS_INTERNAL = 500,
	KEYS_STATUS_NOT_IMPLEMENTED = 501,
	KEYS_STATUS_UNAVAILABLE = 503,
};

/* The lines that a message has. */
enum keys_line {
	KEYS_LINE_VERSION = 1 << 0,
	KEYS_LINE_STATUS = 1 << 1,
	KEYS_LINE_REASON = 1 << 2,
	KEYS_LINE_HOME_AGENT = 1 << 3,
	KEYS_LINE_HOME = 1 << 4,
	KEYS_LINE_PREFIX = 1 << 5,
	KEYS_LINE_SUITES = 1 << 6,
	KEYS_LINE_SUITE = 1 << 7,
	KEYS_LINE_SPI_TRANSPORT = 1 << 8,
	KEYS_LINE_SPI_TUNNEL = 1 << 9,
	KEYS_LINE_LIFETIME = 1 << 10,
	KEYS_LINE_OCTETS = 1 << 11,
	KEYS_LINE_TOKEN = 1 << 12,
	KEYS_LINE_SPI_PAYLOAD = 1 << 13,
};

struct keys_message {
	unsigned has; /* set of enum keys_line */
	uint32_t version, status, spi_transport, spi_tunnel, spi_payload, lifetime_s;
	uint64_t octets;
	struct in6_addr home_agent, home, prefix;
	uint8_t prefix_len;
	enum keys_reason reason; /* KEYS_PEER_REFUSED where the name is none of ours */
	/* Those of a list that this end knows; it may know none of them. */
	enum esp_alg suites[KEYS_SUITE_COUNT];
	size_t suite_count;
	enum esp_alg suite;
	uint8_t token[KEYS_TOKEN_LEN];
};

enum keys_frame {
	KEYS_FRAME_WHOLE,
	KEYS_FRAME_MORE,    /* octets are missing */
	KEYS_FRAME_BAD,     /* no identifier, no content, or too much of it */
	KEYS_FRAME_VERSION, /* of a version that this end does not know */
};

/* Looks at the frame that @data begins with; its content is borrowed from @data. */
enum keys_frame keys_frame_read(const uint8_t *data, size_t len, uint8_t *ret_id,
				struct keys_octets *ret_content);

/* Reads the lines of a content.  Lines of unknown names are passed over (a known one that comes
 * twice, or a value that is none, makes all of it bad): returns false then. */
bool keys_message_read(struct keys_octets content, struct keys_message *ret_msg);

/* Writes a frame with the lines that @msg has.  Returns its length; 0: @cap is too small. */
size_t keys_message_write(const struct keys_message *msg, uint8_t id, uint8_t *out, size_t cap);

#endif
