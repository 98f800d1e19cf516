/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The socket of XFRM: SAs and policies of the kernel, one request at a time.  The kernel answers a
 * request before sendmsg() returns, so nobody waits.  Errors are negative errno.
 *
 * What is made here is known again by its reqid, or, without an SA, by its priority: so what a
 * crash left is found and removed.
 */
#ifndef BUB_LINUX_XFRM_NL_H
#define BUB_LINUX_XFRM_NL_H

#include <linux/netlink.h>

#include "esp.h"

struct xfrm_nl;

/* @foreign is borrowed: netlink.h, nl_recv(). */
int xfrm_nl_open(uint64_t *foreign, struct xfrm_nl **ret);
void xfrm_nl_close(struct xfrm_nl *x); /* NULL is fine */

/* Removes whatever was made here, also by a process before. */
void xfrm_nl_clear(struct xfrm_nl *x);

/* How far an SA has come. */
struct xfrm_numbers {
	uint64_t sent, received; /* the last one sent; the right edge of the window */
	uint32_t window[ESP_REPLAY_WINDOW / 32]; /* as the kernel has it */
	uint64_t packets, octets;                /* through it so far */
};

struct xfrm_sa {
	const struct esp_sa_params *params; /* an AEAD, tunnel mode */
	bool from_home;                     /* its owner is the source of what is inside */
	bool marks;                         /* what comes out, for the ingress program */
	struct in6_addr src, dst;           /* of the outer header */
	uint64_t octets;                    /* nine tenths and all of: a notice; 0: no limit */
	const struct xfrm_numbers *numbers; /* to go on with */
};
int xfrm_nl_add(struct xfrm_nl *x, const struct xfrm_sa *sa);
int xfrm_nl_remove(struct xfrm_nl *x, const struct in6_addr *dst, uint32_t spi);
int xfrm_nl_numbers(struct xfrm_nl *x, const struct in6_addr *dst, uint32_t spi,
		    struct xfrm_numbers *ret);

enum xfrm_dir {
	XFRM_NL_IN,
	XFRM_NL_OUT,
	XFRM_NL_FORWARD,
};

struct xfrm_policy_of {
	enum xfrm_dir dir;
	struct in6_addr src, dst;
	uint8_t src_len, dst_len;
	uint8_t proto; /* 0: any */
	uint8_t rank;  /* of two that match, the one with the lower one counts */
	/* OUT: by this SA; none: it goes as it is.  IN, FORWARD: it may come by an SA of ours. */
	bool has_sa;
	struct in6_addr sa_src, sa_dst;
	uint32_t spi;
};
/* Makes it, or changes it. */
int xfrm_nl_policy_set(struct xfrm_nl *x, const struct xfrm_policy_of *p);
int xfrm_nl_policy_del(struct xfrm_nl *x, const struct xfrm_policy_of *p);

/* What sends by this socket is by none of the policies. */
int xfrm_nl_exempt(int fd);

/* ---- Notices ------------------------------------------------------------------------------- */

int xfrm_nl_notices_fd(const struct xfrm_nl *x);

struct xfrm_notices {
	bool gone; /* somebody else has removed something, or notices were lost */
	/* Inbound or outbound, an SA has had nine tenths of its octets, or all of them. */
	void (*spent)(void *ctx, uint32_t spi, bool all);
	void *ctx;
};
/* Reads those that are there. */
void xfrm_nl_notices(struct xfrm_nl *x, struct xfrm_notices *n);

#endif
