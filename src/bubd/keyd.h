/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Agreeing on keys (docs/keys.md), all of it as the daemon's loop sees it: both ends of the
 * agreement, the hints after a restart, the tokens on the disk, and what is told of them.
 */
#ifndef BUBD_KEYD_H
#define BUBD_KEYD_H

#include <jansson.h>
#include <uv.h>

#include "config.h"
#include "linux_hint.h"
#include "linux_tcp.h"
#include "log.h"
#include "sas.h"
#include "store.h"

struct keyd;
struct owners;
struct storage;
struct tcpcarrier;

/* What it needs; all of it borrowed. */
struct keyd_host {
	uv_loop_t *loop;
	const struct bubd_config *cfg; /* the one in force */
	struct bub_engine *engine;
	struct sas *sas;
	struct owners *owners;
	struct storage *storage; /* NULL: there is none */
	const struct log *log;
	struct bub_time (*now)(void);
	void (*random)(void *ctx, uint8_t *buf, size_t len);
	/* Has the mobile node register at once. */
	void (*registers)(void *ctx);
	/* A packet came by TCP (lnx_tcp_take()). */
	void (*tcp_take)(void *ctx, const struct lnx_tcp *from, struct bub_view packet);
	struct lnx *const *lnx; /* NULL there: it is not open yet */
	void *ctx;
};

/* Opens what the configuration wants, which may be nothing.  Returns NULL and one line in
 * @ret_error on failure. */
struct keyd *keyd_open(const struct keyd_host *host, char *ret_error, size_t error_size);

/* Home agent: tells mobile nodes whose keys are lost, now that their bindings are known again. */
void keyd_start(struct keyd *k);

/* The configuration in force has changed.  Returns 0, or -1 and one line in @ret_error: then it
 * goes on as before. */
int keyd_reload(struct keyd *k, char *ret_error, size_t error_size);

/* keyd_close() first, then the loop until it is empty, then keyd_free(); NULL is fine. */
void keyd_close(struct keyd *k);
void keyd_free(struct keyd *k);

/* The connections of lnx_config.tcp_port; NULL: there are none. */
struct tcpcarrier *keyd_tcp(const struct keyd *k);

/* What goes by; all of these may be called with NULL. */
void keyd_action(struct keyd *k, const struct bub_action *act);
/* The home agent of @home has that IPv4 address now, mapped; :: none. */
void keyd_agent_found(struct keyd *k, const struct in6_addr *home, const struct in6_addr *ipv4);
void keyd_trace(struct keyd *k, const struct bub_trace *tr);
void keyd_esp_drop(struct keyd *k, const struct lnx_esp_drop *drop);
extern const struct lnx_hint_ops keyd_hint_ops; /* their ctx: a struct keyd, or NULL */
/* Home agent: it came under keys that had been agreed on before this start. */
bool keyd_has_restarted_for(const struct keyd *k, const struct lnx_esp_drop *drop);

/* Home agent: the end comes for what there is of @client, whose keys are there still.  It is told
 * as after a restart: it agrees anew, or learns that it may not. */
void keyd_client_leaves(struct keyd *k, const struct bub_client_status *client);

/* Home agent: whether another one of its group serves.  Then nobody agrees on keys here, and nobody
 * is told that keys are lost. */
void keyd_aside(struct keyd *k, bool aside);

/* Mobile node: no keys are agreed on for @home yet, so that nothing can be answered; it was told.
 */
bool keyd_lacks(const struct keyd *k, const struct in6_addr *home);

/* The wall clock was set, or the machine has slept. */
void keyd_clock_set(struct keyd *k);

/* Once in each turn of the loop. */
void keyd_turn(struct keyd *k);

/* ---- Status (keystatus.c) ------------------------------------------------------------------ */

/* Of one home address, at either end (bubctl(8), "keys"). */
json_t *keyd_status_home(const struct keyd *k, const struct in6_addr *home, bool at_home_agent);
/* Why keys are missing, or will be; "": all is well.  @ret_text gets one clause. */
void keyd_why(const struct keyd *k, const struct in6_addr *home, char *ret_text, size_t cap);
/* Adds its counters to @object. */
void keyd_counters(const struct keyd *k, json_t *object);
/* Of the node as a whole: where it listens, its certificates, failures of nobody in particular. */
json_t *keyd_status(const struct keyd *k);

#endif
