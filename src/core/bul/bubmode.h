/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Binding Updates under Kabm, and the check of the direct path (bubmode.c).
 */
#ifndef BUB_CORE_BUL_BUBMODE_H
#define BUB_CORE_BUL_BUBMODE_H

#include "bul/bul.h"
#include "cn/cn.h"

/* docs/protocol.md. */
#define BUB_BU_SENDS 3u /* Binding Updates under Kabm without an answer: it is doubted */

void bubmode_init(struct bul_entry *p);
/* Nothing is left of the mode; @why goes into the trace. */
void bubmode_reset(struct bub_engine *eng, struct bul_entry *p, const char *why);
/* Sends a Binding Update of a new number under Kabm, on every path that it should take. */
void bubmode_send_bu(struct bub_engine *eng, struct bul_entry *p);
/* True when the way through the home agents is open for us: registered there, or at home. */
bool bubmode_backhaul_ready(const struct bub_engine *eng, const struct bul_entry *p);
/* The copy through the home agents that had to wait for the registration. */
void bubmode_send_backhaul(struct bub_engine *eng, struct bul_entry *p);
/* What a person should know of the mode of a peer with Kabm. */
const char *bubmode_why(const struct bul_entry *p);
/* The same Binding Update again with a new number, which asks only whether the peer still holds
 * Kabm. */
void bubmode_send_probe(struct bub_engine *eng, struct bul_entry *p);
/* The direct path is to be looked at. */
void bubmode_on_look(struct bub_engine *eng, struct bul_entry *p);
/* We moved: what was known of the direct path is worth nothing.  The data path is the caller's. */
void bubmode_new_path(struct bub_engine *eng, struct bul_entry *p);
/* Something with the headers of data is missing: data takes the other way while the path is looked
 * at. */
void bubmode_doubt(struct bub_engine *eng, struct bul_entry *p, const char *why);
/* A Binding Update under Kabm was accepted and has been answered: what does not come on the direct
 * path in time is reported. */
void bubmode_report_later(struct bub_engine *eng, struct bul_entry *p,
			  const struct binding_cache_entry *b, bool moved);
/* The signed acknowledgement @rx shows where the peer is: perhaps its own Binding Update, which
 * says so, has not come yet. */
void bubmode_note_source(struct bub_engine *eng, struct bul_entry *p, const struct rx *rx);
/* The peer moved: what was known of the direct path is worth nothing. */
void bubmode_peer_moved(struct bub_engine *eng, struct bul_entry *p);
/* The signed acknowledgement @rx has a path report. */
void bubmode_on_report(struct bub_engine *eng, struct bul_entry *p, const struct rx *rx);
/* The path is open, if the signed acknowledgement @rx shows that. */
void bubmode_consider_open(struct bub_engine *eng, struct bul_entry *p, const struct rx *rx);
/* A Binding Update under Kabm was accepted and has been answered: watches for the proof. */
void bubmode_await_proof(struct bub_engine *eng, struct bul_entry *p, struct binding_cache_entry *b,
			 bool moved);
/* The CoT @rx brings the cookie that the peer's care-of address was sent. */
bool bubmode_is_proof(const struct bub_engine *eng, const struct bul_entry *p, const struct rx *rx);
/* A CoT for which that is so. */
void bubmode_on_proof(struct bub_engine *eng, struct bul_entry *p, const struct rx *rx);
/* A CoT that answers a signed CoTI. */
void bubmode_on_cot(struct bub_engine *eng, struct bul_entry *p, const struct rx *rx);

#endif
