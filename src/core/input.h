/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Packets: input.c.
 */
#ifndef BUB_CORE_INPUT_H
#define BUB_CORE_INPUT_H

#include "core.h"

/* BUB_EV_PACKET */
void input_packet(struct bub_engine *eng, const struct bub_event *ev);

/* A Mobility Header, plain or out of a tunnel: checks of RFC 6275, 9.2, then to its role. */
void core_input_mh(struct bub_engine *eng, const struct bub_ip6 *ip, const struct bub_event *ev,
		   bool tunnelled);

/* True: a Home Address option that no mobile node can have sent.  The packet is discarded before
 * anything of it is looked at, and nobody hears of it (RFC 6275, 9.3.1). */
bool core_has_absurd_home(struct bub_engine *eng, const struct bub_ip6 *ip);

#endif
