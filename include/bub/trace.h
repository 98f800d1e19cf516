/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a node tells of itself while it works, for logs and capture tools.
 */
#ifndef BUB_TRACE_H
#define BUB_TRACE_H

#include "bub/api.h"
#include "bub/time.h"
#include "bub/trouble.h"
#include "bub/wire.h"

BUB_API_BEGIN

enum bub_trace_type {
	BUB_TR_STATE,    /* a state machine moved: what, from, to */
	BUB_TR_SENT,     /* a mobility message went out: what, via */
	BUB_TR_RECEIVED, /* a mobility message was accepted: what, via */
	BUB_TR_DROP,     /* something was discarded: drop */
	BUB_TR_TROUBLE,  /* a home agent does not answer, or answers again: trouble */
	BUB_TR_KEY,      /* a key came to be; secret points at it.  For capture tools only */
};

struct bub_trace {
	enum bub_trace_type type;
	struct bub_time now;
	const char *machine;   /* STATE: "home-registration", "binding", "bub-test", ... */
	const char *from, *to; /* STATE */
	const char *what;      /* STATE: the reason; SENT, RECEIVED: the message; KEY: its name;
				  TROUBLE: what it usually means, or the status that was answered */
	const char *via;       /* SENT, RECEIVED: "direct", "home agents", "home agent" */
	struct in6_addr local; /* :: where none applies */
	struct in6_addr peer;
	struct in6_addr care_of;
	uint32_t number;  /* SENT, RECEIVED: sequence number, status or DH message; TROUBLE: Binding
			     Updates without an answer, or the status */
	uint32_t seconds; /* TROUBLE: since the first of them */
	enum bub_trouble trouble; /* TROUBLE: NONE: it is over */
	struct in6_addr reporter; /* TROUBLE: who said so; :: nobody */
	enum bub_drop drop;
	struct bub_view secret;
};

BUB_API_END

#endif
