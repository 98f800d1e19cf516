/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the files of keyd.h share.
 */
#ifndef BUBD_KEYD_INTERNAL_H
#define BUBD_KEYD_INTERNAL_H

#include "keyclient.h"
#include "keyd.h"
#include "keyhint.h"
#include "keyserver.h"
#include "keytally.h"
#include "store.h"
#include "tcpcarrier.h"

/* A mobile node that is told of a restart. */
struct keyd_told {
	struct in6_addr home, to;
	struct store_end end; /* and there, through a NAT */
	uint8_t token[KEYS_TOKEN_LEN];
};

struct keyd {
	struct keyd_host host;
	struct keytally tally;
	struct keyclient *client;                    /* NULL: no home address agrees on keys */
	struct keyserver *server;                    /* NULL: no mobile node does */
	struct tcpcarrier *tcp;                      /* NULL: it is off */
	struct keyhints *mobile_hints, *agent_hints; /* likewise */
	struct keyhints *ipv4_hints;                 /* at its IPv4 address; NULL: it has none */
	struct tokens *tokens;                       /* NULL: they cannot be kept */
	uv_timer_t followed_timer;
	uint16_t agent_port; /* of agent_hints */
	bool noted;          /* a token is to be written */
	bool followed;       /* so is where one goes, soon */
	bool asks;           /* a home agent was sent a Binding Update */
	bool aside;          /* another home agent of the group serves */

	unsigned round;
	size_t n_told, at_told; /* at_told: in this round */
	struct keyd_told *told;
	uv_timer_t told_timer;

	uv_timer_t doubt_timer;  /* keydoubt.c */
	size_t doubt_at, doubts; /* in this round: how far it is, and how many there were */
	unsigned doubt_asks, doubt_round;
	struct bub_time doubt_second; /* in which questions are counted */

	struct bub_time second; /* in which hints about SPIs are counted */
	unsigned spi_hints;
};

/* ---- Doubt (keydoubt.c) -------------------------------------------------------------------- */

/* Home agent: asks all mobile nodes whose tunnel is in doubt. */
void keyd_doubt_begin(struct keyd *k);

/* Of keyd_hint_ops. */
void keyd_on_doubt(void *ctx, const struct in6_addr *home);
void keyd_on_note(void *ctx, struct esp_sa *by, const struct in6_addr *home,
		  struct bub_view octets);

#endif
