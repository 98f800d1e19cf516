/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The protocol core of one node: events in, actions out.
 *
 * The engine does no I/O and never reads a clock or a random source by itself.  Feed it what
 * happened, drain the actions, carry them out, and call bub_engine_expire() when its deadline has
 * come.  The same engine runs in the daemon, the simulator, the tests and the fuzzers.
 *
 * Not thread safe: one engine belongs to one thread at a time.  It makes one allocation, in
 * bub_engine_new(), sized by the limits of the configuration.
 *
 * A node is any mix of three roles: mobile node, home agent, correspondent (always on).
 */
#ifndef BUB_ENGINE_H
#define BUB_ENGINE_H

#include "bub/action.h"
#include "bub/api.h"
#include "bub/config.h"
#include "bub/error.h"
#include "bub/event.h"
#include "bub/status.h"
#include "bub/time.h"
#include "bub/trace.h"
#include "bub/trouble.h"
#include "bub/wire.h"

BUB_API_BEGIN

struct bub_engine; /* opaque */

/* What the caller lends the engine.  The functions are called from inside feed and expire only. */
struct bub_env {
	void *ctx;
	/* Fills @buf with @len random octets; cannot fail. */
	void (*random)(void *ctx, uint8_t *buf, size_t len);
	/* Something worth a log line happened; NULL: nobody listens.  @tr is borrowed. */
	void (*trace)(void *ctx, const struct bub_trace *tr);
};

/* ---- Life ---------------------------------------------------------------------------------- */

/*
 * Makes an engine.  @cfg and @env are copied; env->ctx stays the caller's.
 * Returns 0, or BUB_ERR_INVALID (configuration), BUB_ERR_NO_SPACE (memory), BUB_ERR_CRYPTO.
 */
int bub_engine_new(const struct bub_config *cfg, const struct bub_env *env, struct bub_time now,
		   struct bub_engine **ret_eng);

/* Frees everything and wipes the keys.  NULL is fine. */
void bub_engine_free(struct bub_engine *eng);

/* Home agent: permits @home to register.  BUB_ERR_NO_SPACE past limit.clients, BUB_ERR_EXISTS. */
int bub_engine_add_client(struct bub_engine *eng, const struct in6_addr *home);

/*
 * Home agent: what was stored of one mobile node before a restart; lifetime_s is what is left of
 * it. To be called before anything is fed; queues actions as a feed does.
 *
 * Returns 0, or BUB_ERR_INVALID for what would not be accepted today: a home address that is not
 * permitted or in no home prefix, a care-of address that leads back here.
 */
int bub_engine_restore(struct bub_engine *eng, struct bub_time now,
		       const struct bub_stored *stored);

/* Home agent: forgets @home and its registration, and queues actions as a feed does.
 * BUB_ERR_INVALID: it was not served. */
int bub_engine_remove_client(struct bub_engine *eng, struct bub_time now,
			     const struct in6_addr *home);

/* Sets the policy towards one peer (copied).  BUB_ERR_NO_SPACE past limit.policies. */
int bub_engine_set_policy(struct bub_engine *eng, const struct bub_peer_policy *policy);

/*
 * Feeds one event.  Cannot fail: what a peer got wrong is counted as a drop reason, and a full
 * table is answered as the RFC says.
 *
 * @now  not earlier than in any call before (asserted)
 * @ev   borrowed; its packet until the actions are drained
 *
 * All actions of the call before must have been drained (asserted).
 */
void bub_engine_feed(struct bub_engine *eng, struct bub_time now, const struct bub_event *ev);

/*
 * These @n events, of any type, are about to be fed.  Nothing changes by that: the memory that
 * their packets need is asked for, all at the same time, while each feed would wait for its own.
 * With a hundred thousand mobile nodes and more a home agent gains by it.
 *
 * @ev  borrowed; of packets under ESP data may be as they came, with no owner
 */
void bub_engine_expect(const struct bub_engine *eng, const struct bub_event *ev, size_t n);

/* Takes the oldest action; false when none is left.  Views in @ret_action stay valid until the next
 * bub_engine_feed() or bub_engine_expire(). */
bool bub_engine_next_action(struct bub_engine *eng, struct bub_action *ret_action);

/* When bub_engine_expire() is due next, or BUB_TIME_NEVER.  Ask again after every feed. */
struct bub_time bub_engine_deadline(const struct bub_engine *eng);

/* Runs the earliest timer if it is due at @now, and queues actions as a feed does: drain, then call
 * again until the deadline lies after @now.  Calling early does nothing. */
void bub_engine_expire(struct bub_engine *eng, struct bub_time now);

BUB_API_END

#endif
