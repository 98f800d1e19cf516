/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What path.c, tunnel.c and known.c keep, and what the other files of this folder may ask of them.
 */
#ifndef BUB_PATH_INTERNAL_H
#define BUB_PATH_INTERNAL_H

#include "base/table.h"
#include "link.h"

/* So many paths, and tunnels, are looked at by one call. */
#define PATHS_PORTION 256

enum path_question {
	PATH_ASKED_ROUTE, /* where its packets would leave */
	PATH_ASKED_THERE, /* the same, to compare it with */
	PATH_ASKED_HOME,  /* where those to the peer's home address would */
};

/* One data path. */
struct path {
	struct tentry entry;  /* key: local, peer */
	struct bub_path want; /* of the core */
	bool direct;          /* as told to the data path */
	bool routed;          /* the route below is asked for */
	struct link_route route;
	uint32_t pmtu; /* of out_src -> out_dst, from a Packet Too Big; 0: as the link */
	struct bub_time pmtu_due;
	uint32_t ask_id; /* of the question under way; 0: none */
	enum path_question asked;
	struct link_hop there; /* PATH_ASKED_HOME */
};

/* Somebody whose signalling is read first. */
struct known {
	struct tentry entry; /* key: address, :: */
	uint64_t holders;    /* paths and tunnels that name it */
};

struct path_state {
	struct table table;
	unsigned cursor; /* which are looked up again: from here on */
	uint32_t n_unheard, last_ask;
	struct bub_time scan_due; /* next expiry of path MTUs */
};

struct tunnel_state {
	struct table table;
	uint32_t tun_mtu;
	bool prefix_routed;
	struct bub_time scan_due;     /* next expiry of path MTUs */
	struct bub_time ptb_scan_due; /* not before: a walk over all tunnels */
};

/* path.c: data paths */
void path_routes_changed(struct link *lk);                                      /* of the system */
bool path_too_big(struct link *lk, const struct bub_ip6 *quoted, uint32_t mtu); /* as below */
void path_home_moved(struct link *lk, const struct in6_addr *home);             /* home, or away */
void path_care_of_routed(struct link *lk, const struct in6_addr *care_of);
void path_expire(struct link *lk);
struct bub_time path_deadline(const struct link *lk);

/* tunnel.c */
/* The tunnel with that far end; of several, which belong to one mobile node, the one whose home
 * address has the interface identifier of @inner_src.  NULL: none. */
const struct link_tunnel *tunnel_from(const struct link *lk, const struct in6_addr *outer_src,
				      const struct in6_addr *inner_src);
void tunnel_fit(struct link *lk); /* an interface came, went or has another MTU */
/* False: no tunnel has sent what is quoted. */
bool tunnel_too_big(struct link *lk, const struct bub_ip6 *quoted, uint32_t mtu);
void tunnel_expire(struct link *lk);
struct bub_time tunnel_deadline(const struct link *lk);

/* known.c: who is no stranger */
uint32_t known_max(const struct link_config *cfg);
void known_hold(struct link *lk, const struct in6_addr *addr); /* :: is nobody */
void known_release(struct link *lk, const struct in6_addr *addr);

#endif
