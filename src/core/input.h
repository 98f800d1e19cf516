/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Packets: input.c.
 */
#ifndef BUB_CORE_INPUT_H
#define BUB_CORE_INPUT_H

#include "core.h"

/* BUB_EV_PACKET, which comes soon: bub_engine_expect(). */
void input_expect(const struct bub_engine *eng, const struct bub_event *ev, bool entry);
/* BUB_EV_PACKET */
void input_packet(struct bub_engine *eng, const struct bub_event *ev);

#endif
