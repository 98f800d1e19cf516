/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The sockets: one that sends whole IPv6 packets from any source address, and one that sees what
 * comes in on an interface before the kernel finds out that it is for nobody here.
 */
#ifndef BUBLOAD_WIRE_H
#define BUBLOAD_WIRE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "load.h"

struct wire;

/* NULL after a line on standard error. */
struct wire *wire_open(const struct load_options *o);
void wire_close(struct wire *w);

/* Where the next packet to send is to be written: LOAD_PACKET_MAX octets.  wire_sent_full() has to
 * be false. */
uint8_t *wire_room(struct wire *w);
void wire_add(struct wire *w, size_t len); /* it is there */
bool wire_is_full(const struct wire *w);

/* Sends what was added; returns how many the kernel did not take. */
unsigned wire_flush(struct wire *w);

/* Tells @fn of the packets that are there; returns how many. */
unsigned wire_receive(struct wire *w, void (*fn)(void *ctx, const uint8_t *packet, size_t len),
		      void *ctx);

/* Sleeps until there is a packet, or for so long. */
void wire_wait(const struct wire *w, uint64_t ns);

#endif
