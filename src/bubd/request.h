/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The control protocol: one JSON request line in, one JSON reply line out.
 *
 *   {"cmd": "show"}                       everything (status.h)
 *   {"cmd": "counters"}                   {"node": ..., "counters": {...}}
 *   {"cmd": "bub-start", "peer": ADDRESS} {"ok": true}
 *   {"cmd": "forget", "peer": ADDRESS}    {"ok": true}
 *   {"cmd": "refresh"}                    {"ok": true}
 *   {"cmd": "reload"}                     {"ok": true, ...}
 *   {"cmd": "prefer", "interface": NAME}  which interface comes first (status.h)
 *   {"cmd": "move", "interface": NAME}    the same
 *   {"cmd": "bindings"}                   those here and those at others (status.h)
 *   {"cmd": "sas"}                        security associations
 *   {"cmd": "ping", "peer": ADDRESS}      how to ask that peer (status.h)
 *   {"cmd": "switch", ...}                mobile nodes to other home agents (bubctl(8)), and how
 * far that is
 *   {"cmd": "group", "do": WHAT}          which one of its group it is (group.h); with "do", one of
 *                                         "active", "standby", "drain", "ready", it becomes that
 *   {"cmd": "monitor"}                    {"ok": true}, and from then on every event, a line each
 *
 * An answer to show, bindings or sas has PAGE_ENTRIES of each list at most.  Where there are more
 * it has the member "more": the same request with that as "from" gets the next ones (pages.h).
 *
 * What cannot be done is answered with {"error": TEXT}.
 */
#ifndef BUBD_REQUEST_H
#define BUBD_REQUEST_H

#include <stdbool.h>
#include <stddef.h>

#include "reload.h"
#include "status.h"

#define REQUEST_MAX 1024 /* octets of a request line; the longest real one has 80 */

struct request_target {
	struct status_source src;
	/* Feeds the command to the engine and drains it. */
	void (*command)(void *ctx, enum bub_command what, const struct in6_addr *peer);
	/* The same with an event. */
	void (*feed)(void *ctx, const struct bub_event *ev);
	/* Reads the configuration again; the result is to be freed. */
	void (*reload)(void *ctx, struct reload_result *ret);
	/* lnx_prefer(), with a line in the log. */
	int (*prefer)(void *ctx, const char *interface, bool once);
	void *ctx;
	bool *ret_watch; /* set: who asked wants to hear of every event */
};

/* Answers the request of @len octets (without its newline).  Returns one line with its newline, to
 * be freed, or NULL: out of memory. */
char *request_answer(const char *request, size_t len, const struct request_target *target);

#endif
