/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The messages between a mobile node and its home agent (RFC 6275, 6.1.7 and 6.1.8), in ESP
 * transport mode where there is a secret (docs/esp.md).
 */
#ifndef BUBLOAD_MESSAGE_H
#define BUBLOAD_MESSAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "load.h"

struct messages;

/* The home address of mobile node @index. */
struct in6_addr messages_home(const struct load_options *o, uint32_t index);

/* Makes the security associations of all mobile nodes.  NULL after a line on standard error. */
struct messages *messages_new(const struct load_options *o);
void messages_free(struct messages *m);

/* Writes the Binding Update of mobile node @index as it is now.  Returns its length; 0: it cannot
 * be made. */
size_t messages_update(struct messages *m, uint32_t index, const struct load_node *node,
		       uint8_t out[static LOAD_PACKET_MAX]);

struct message_answer {
	uint32_t index; /* whose it is */
	uint16_t sequence;
	uint8_t status;
	uint32_t lifetime_s;
};

enum message_kind {
	MESSAGE_ANSWER,
	MESSAGE_FOREIGN, /* something else */
	MESSAGE_BAD,     /* ESP or the decoder refuses it */
};

enum message_kind messages_read(struct messages *m, const uint8_t *packet, size_t len,
				struct message_answer *ret);

#endif
