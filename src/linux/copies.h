/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Copies of ESP packets: while a mobile node tries two carriers, the same octets come by both.  The
 * later one is no replay that anybody should be told of.
 *
 * Only what has been opened is noted, and a copy has its number, length and ICV: nobody makes one
 * who has not seen it, and all that it gets is silence.
 */
#ifndef BUB_LINUX_COPIES_H
#define BUB_LINUX_COPIES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct copies;

struct copies *copies_new(void); /* NULL: no memory */
void copies_free(struct copies *c);

/* An ESP packet, from its SPI on, that came by carrier @by and was opened. */
void copies_note(struct copies *c, const uint8_t *esp, size_t len, unsigned by);

/* Whether the same packet was opened when it came by another carrier.  True once for each carrier:
 * a third one is a replay. */
bool copies_take(struct copies *c, const uint8_t *esp, size_t len, unsigned by);

#endif
