/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The direct path between two nodes that are both away, under Kbm (ropath.c).
 */
#ifndef BUB_CORE_BUL_ROPATH_H
#define BUB_CORE_BUL_ROPATH_H

#include "bul/bul.h"
#include "cn/cn.h"

enum ropath_step {
	ROPATH_IDLE,
	ROPATH_ASKED,   /* a Binding Update is out on the direct path alone */
	ROPATH_TOLD,    /* no answer: the peer is told, through the home agents */
	ROPATH_AGAIN,   /* one more is out on the direct path */
	ROPATH_AWAITED, /* the peer has moved, and will ask */
};

struct ro_path {
	enum ropath_step step;
	bool asked;        /* of the Binding Update @sequence no answer has come */
	uint16_t sequence; /* of the last one that went on the direct path alone */
	bool good;         /* the headers of data got through, the last time that it was seen */
	struct in6_addr from, to; /* the care-of addresses between which that was */
};

/* The Binding Acknowledgement @rx under Kbm binds this node at the peer. */
void ropath_on_registered(struct bub_engine *eng, struct bul_entry *p, const struct rx *rx);
/* A signed Binding Acknowledgement under Kbm for the last number, while bound. */
void ropath_on_ba(struct bub_engine *eng, struct bul_entry *p);
/* The peer's Binding Update @u under Kbm is to be answered: sets the way and the report. */
void ropath_fill_answer(const struct bub_engine *eng, const struct bul_entry *p, struct update *u);
/* It was accepted, and has been answered. */
void ropath_on_update(struct bub_engine *eng, struct bul_entry *p, const struct update *u);
/* The path is to be looked at: its timer is due, and there is no Kabm. */
void ropath_on_look(struct bub_engine *eng, struct bul_entry *p);
/* This node moved: what was known of the path is worth nothing. */
void ropath_new_path(struct bub_engine *eng, struct bul_entry *p);
/* Kabm has come or gone: nobody waits for an answer under Kbm. */
static inline void ropath_stop(struct ro_path *ro)
{
	ro->step = ROPATH_IDLE;
	ro->asked = false;
}

#endif
