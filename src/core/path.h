/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The data path of a pair: derived from the binding cache entry for the peer and the binding update
 * list entry at the peer (path.c).
 */
#ifndef BUB_CORE_PATH_H
#define BUB_CORE_PATH_H

#include "bub/engine.h"

/* An error that comes so soon after a change may speak of the path before. */
#define PATH_GRACE_MS 1000

#define PROGRESS_S 3u /* data that came in so long ago shows that it gets through */

/* One end of the direct path of a pair, and what it was a moment ago. */
struct recent {
	struct in6_addr now, before; /* :: none */
	struct bub_time before_until;
};

/* Works the data path of each marked pair out anew (core_mark_path()), and queues what has changed:
 * once, at the end of a feed. */
void path_settle(struct bub_engine *eng);
/* A packet of a direct path: home addresses, and the addresses on the wire. */
struct path_ends {
	struct in6_addr local, peer;
	struct in6_addr src, dst;
};
/* True when data goes that way, or did a moment ago. */
bool path_sent(const struct bub_engine *eng, const struct path_ends *e);

#endif
