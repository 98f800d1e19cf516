/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ESP of data by the kernel: what it has of each home address, and when.
 *
 * Both SAs of a pair are there as long as the home address has a tunnel over IPv6, whatever carrier
 * data goes by: the other end may send natively.  The policy that sends data out by the kernel is
 * there as long as that is native ESP.  What the kernel does not take goes on into bub's own
 * interface, and by the SA of the messages: as without the kernel.
 *
 * Where a tunnel moves, its SAs are made anew at the new addresses, with their numbers; the number
 * out is far ahead of all that can have been sent meanwhile.  What arrives at the care-of address
 * before is taken for a while.
 *
 * RFC 4301, 4.4.1 (policies), 4.4.2 (SAs); RFC 3776, 4.3 (tunnels that move).
 */
#include "xfrm.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>

#include "base/addrhash.h"
#include "xfrm_nl.h"

#define PAIRS_MAX 3     /* before, now and to come */
#define JUMP (1u << 16) /* numbers; more than go out between two system calls */
#define LATE_S 2        /* packets to the address before may still arrive */
#define LOOK_S 5        /* between two looks at what somebody else has removed */
#define WHY_MAX 160

/* Of two policies that match, the one with the lower rank counts. */
enum {
	RANK_EXEMPT,
	RANK_DATA = 16,
};

struct xfrm_pair {
	struct esp_sa_params out, in;
	struct xfrm_numbers out_at, in_at; /* of when they were put, or taken out */
	bool there;                        /* at these addresses: */
	bool spent;                        /* told */
	unsigned moves;                    /* under these keys */
	bool mute;       /* the outbound one was lost: data is not sent under this pair */
	uint64_t octets; /* through one of them; 0: no limit */
	struct in6_addr local, remote;
	struct in6_addr late; /* the inbound one is here, too; :: no more */
	struct bub_time late_until;
};

struct xfrm_home {
	struct in6_addr home;
	struct xfrm_pair *pair[PAIRS_MAX]; /* NULL: free */
	struct xfrm_pair *now;             /* that data goes out under; NULL: none */
	bool taken_in;                     /* policies of what comes */
	bool sent_out;                     /* and of what goes */
	bool native;                       /* data goes as native ESP */
	bool asks;                         /* something of it is new: xfrm_next() */
};

struct xfrm {
	struct xfrm_nl *nl; /* NULL: the kernel is not used */
	char why[WHY_MAX];  /* it is not */
	struct addrhash homes;
	struct lnx_xfrm_ops ops;
	struct bub_time due; /* of late addresses */
	unsigned n_asks;
	struct bub_time look_at; /* somebody has removed something */
	struct bub_time looked;
};

/* ---- Homes --------------------------------------------------------------------------------- */

static struct xfrm_home *xfrm_home_of(const struct xfrm *x, const struct in6_addr *home)
{
	const union addrhash_value *v = addrhash_find(&x->homes, home);

	return v != NULL ? v->thing : NULL;
}

static struct xfrm_home *home_made(struct xfrm *x, const struct in6_addr *home)
{
	struct xfrm_home *h = xfrm_home_of(x, home);
	const size_t wants = addrhash_wants(&x->homes);

	if (h != NULL)
		return h;
	if (wants > 0) {
		struct addrhash_slot *slots = calloc(wants, sizeof(*slots));

		if (slots == NULL)
			return NULL;
		free(addrhash_move(&x->homes, slots, wants));
	}
	h = calloc(1, sizeof(*h));
	if (h == NULL)
		return NULL;
	h->home = *home;
	addrhash_put(&x->homes, home, (union addrhash_value){.thing = h});
	return h;
}

static struct xfrm_pair **xfrm_pair_of(struct xfrm_home *h, uint32_t out_spi)
{
	for (unsigned i = 0; i < PAIRS_MAX; i++)
		if (h->pair[i] != NULL && h->pair[i]->out.spi == out_spi)
			return &h->pair[i];
	return NULL;
}

static void xfrm_complain(struct lnx *l, const struct in6_addr *home, const char *what, int err)
{
	l->count[COUNT_KERNEL_REFUSED]++;
	lnx_log(l, LNX_LOG_WARNING, "%s: the kernel refuses %s (%s): data goes by bubd's own ESP",
		lnx_ntop(home), what, strerror(-err));
}

/* ---- SAs ----------------------------------------------------------------------------------- */

static int put_in(struct lnx *l, const struct xfrm_home *h, const struct xfrm_pair *p,
		  const struct in6_addr *local, const struct in6_addr *remote)
{
	const struct xfrm_sa sa = {
		.params = &p->in,
		.marks = link_home(l->link, &h->home, NULL),
		.from_home = !link_home(l->link, &h->home, NULL),
		.src = *remote,
		.dst = *local,
		.octets = p->octets,
		.numbers = &p->in_at,
	};

	return xfrm_nl_add(l->xfrm->nl, &sa);
}

static int put_out(struct lnx *l, const struct xfrm_home *h, const struct xfrm_pair *p,
		   const struct in6_addr *local, const struct in6_addr *remote)
{
	const struct xfrm_sa sa = {
		.params = &p->out,
		.from_home = link_home(l->link, &h->home, NULL),
		.src = *local,
		.dst = *remote,
		.octets = p->octets,
		.numbers = &p->out_at,
	};

	return xfrm_nl_add(l->xfrm->nl, &sa);
}

static void end_late(struct lnx *l, struct xfrm_pair *p)
{
	if (IN6_IS_ADDR_UNSPECIFIED(&p->late))
		return;
	(void)xfrm_nl_remove(l->xfrm->nl, &p->late, p->in.spi);
	p->late = in6addr_any;
}

/* How far they have come; false: they are gone. */
static bool read_numbers(struct lnx *l, struct xfrm_pair *p)
{
	if (xfrm_nl_numbers(l->xfrm->nl, &p->local, p->in.spi, &p->in_at) < 0)
		return false;
	if (p->mute)
		return true;
	if (xfrm_nl_numbers(l->xfrm->nl, &p->remote, p->out.spi, &p->out_at) < 0)
		return false;
	p->out_at.sent += JUMP;
	return true;
}

static void take_out(struct lnx *l, struct xfrm_pair *p)
{
	if (!p->there)
		return;
	end_late(l, p);
	(void)read_numbers(l, p);
	(void)xfrm_nl_remove(l->xfrm->nl, &p->remote, p->out.spi);
	(void)xfrm_nl_remove(l->xfrm->nl, &p->local, p->in.spi);
	p->there = false;
}

/* Packets on their way to the address before are still taken there. */
static int move_in(struct lnx *l, const struct xfrm_home *h, struct xfrm_pair *p,
		   const struct in6_addr *local, const struct in6_addr *remote)
{
	if (bub_addr_eq(&p->local, local))
		return 0;
	end_late(l, p);
	p->late = p->local;
	p->late_until = bub_time_add_s(lnx_now(), LATE_S);
	if (bub_time_before(p->late_until, l->xfrm->due))
		l->xfrm->due = p->late_until;
	return put_in(l, h, p, local, remote);
}

/* Of two SAs with one destination and SPI there is but one. */
static int move_out(struct lnx *l, const struct xfrm_home *h, struct xfrm_pair *p,
		    const struct in6_addr *local, const struct in6_addr *remote)
{
	if (p->mute)
		return 0;
	(void)xfrm_nl_remove(l->xfrm->nl, &p->remote, p->out.spi);
	return put_out(l, h, p, local, remote);
}

static void tell_spent(struct lnx *l, const struct xfrm_home *h, struct xfrm_pair *p)
{
	const struct lnx_xfrm_ops *ops = &l->xfrm->ops;

	if (!p->spent && ops->spent != NULL)
		ops->spent(ops->ctx, &h->home);
	p->spent = true;
}

/* Each outbound SA under one key has a random mask, which makes the IV of the number: that two have
 * one in common is to stay below 2^-32 (NIST SP 800-38D, 8). */
static bool is_moved_enough(const struct xfrm_pair *p)
{
	const uint64_t pairs = (uint64_t)p->moves * (p->moves + 1) / 2;

	return pairs > 0 && p->out_at.sent > ((UINT64_C(1) << 31) - 1) / pairs;
}

static int xfrm_move(struct lnx *l, const struct xfrm_home *h, struct xfrm_pair *p,
		     const struct in6_addr *local, const struct in6_addr *remote)
{
	int err = read_numbers(l, p) ? 0 : -ESRCH;

	p->moves++;
	if (is_moved_enough(p))
		tell_spent(l, h, p);

	if (err == 0)
		err = move_in(l, h, p, local, remote);
	if (err == 0)
		err = move_out(l, h, p, local, remote);
	return err;
}

static int xfrm_put(struct lnx *l, const struct xfrm_home *h, struct xfrm_pair *p,
		    const struct in6_addr *local, const struct in6_addr *remote)
{
	int err = put_in(l, h, p, local, remote);

	if (err == 0 && !p->mute) {
		err = put_out(l, h, p, local, remote);
		if (err < 0)
			(void)xfrm_nl_remove(l->xfrm->nl, local, p->in.spi);
	}
	return err;
}

static bool is_placed(const struct xfrm_pair *p, const struct in6_addr *local,
		      const struct in6_addr *remote)
{
	return p->there && bub_addr_eq(&p->local, local) && bub_addr_eq(&p->remote, remote);
}

/* Both SAs are between these two addresses; what cannot be is not there at all. */
static void xfrm_place(struct lnx *l, const struct xfrm_home *h, struct xfrm_pair *p,
		       const struct in6_addr *local, const struct in6_addr *remote)
{
	int err;

	if (is_placed(p, local, remote))
		return;
	err = p->there ? xfrm_move(l, h, p, local, remote) : xfrm_put(l, h, p, local, remote);
	if (err < 0) {
		xfrm_complain(l, &h->home, "a security association", err);
		take_out(l, p);
		return;
	}
	p->there = true;
	p->local = *local;
	p->remote = *remote;
}

/* ---- Policies ------------------------------------------------------------------------------ */

/* What comes out of the pairs of @home: at a mobile node to its home address, at a home agent from
 * there, on to others or to itself. */
static void xfrm_set_in(struct lnx *l, struct xfrm_home *h, bool on)
{
	const bool own = link_home(l->link, &h->home, NULL);
	struct xfrm_policy_of p = {.dir = XFRM_NL_IN, .rank = RANK_DATA, .has_sa = true};
	struct xfrm_policy_of local = {.dir = XFRM_NL_OUT, .rank = RANK_EXEMPT};
	int err = 0;

	if (own) {
		p.dst = local.dst = h->home;
		p.dst_len = local.dst_len = 128;
	} else {
		p.src = h->home;
		p.src_len = 128;
	}
	for (unsigned i = 0; i < 2 && err == 0; i++) {
		if (on)
			err = xfrm_nl_policy_set(l->xfrm->nl, &p);
		else
			(void)xfrm_nl_policy_del(l->xfrm->nl, &p);
		if (own)
			break;
		p.dir = XFRM_NL_FORWARD;
	}
	/* What this node says to itself. */
	if (own && on && err == 0)
		err = xfrm_nl_policy_set(l->xfrm->nl, &local);
	else if (own && !on)
		(void)xfrm_nl_policy_del(l->xfrm->nl, &local);
	if (err < 0)
		xfrm_complain(l, &h->home, "a policy", err);
	h->taken_in = on && err == 0;
}

static void xfrm_set_out(struct lnx *l, struct xfrm_home *h, bool on)
{
	const bool own = link_home(l->link, &h->home, NULL);
	struct xfrm_policy_of p = {.dir = XFRM_NL_OUT, .rank = RANK_DATA, .has_sa = true};
	int err = 0;

	if (own) {
		p.src = h->home;
		p.src_len = 128;
	} else {
		p.dst = h->home;
		p.dst_len = 128;
	}
	if (on) {
		p.sa_src = h->now->local;
		p.sa_dst = h->now->remote;
		p.spi = h->now->out.spi;
		err = xfrm_nl_policy_set(l->xfrm->nl, &p);
	} else if (h->sent_out) {
		(void)xfrm_nl_policy_del(l->xfrm->nl, &p);
	}
	if (err < 0)
		xfrm_complain(l, &h->home, "a policy", err);
	h->sent_out = on && err == 0;
}

/* Of everybody: mobility messages are bubd's to send, and groups and neighbours have no tunnel. */
static int set_general(struct xfrm_nl *nl)
{
	const struct xfrm_policy_of p[] = {
		{.dir = XFRM_NL_OUT, .proto = BUB_NH_MH, .rank = RANK_EXEMPT},
		{.dir = XFRM_NL_OUT, .dst = {{{0xff}}}, .dst_len = 8, .rank = RANK_EXEMPT},
		{.dir = XFRM_NL_OUT, .dst = {{{0xfe, 0x80}}}, .dst_len = 10, .rank = RANK_EXEMPT},
	};
	int err = 0;

	for (size_t i = 0; err == 0 && i < sizeof(p) / sizeof(p[0]); i++)
		err = xfrm_nl_policy_set(nl, &p[i]);
	return err;
}

/* ---- What is wanted ------------------------------------------------------------------------ */

static const char *no_way(const struct xfrm_home *h, const struct link_tunnel *t)
{
	if (IN6_IS_ADDR_V4MAPPED(&t->remote_outer) || IN6_IS_ADDR_V4MAPPED(&t->local_outer))
		return "the tunnel goes over IPv4";
	return h->native ? NULL : "it does not go as native ESP";
}

static void xfrm_fit_home(struct lnx *l, struct xfrm_home *h)
{
	const struct link_tunnel *t = link_tunnel(l->link, &h->home);
	const bool there = t != NULL && !IN6_IS_ADDR_V4MAPPED(&t->remote_outer) &&
			   !IN6_IS_ADDR_V4MAPPED(&t->local_outer);
	bool any = false;

	if (!there)
		xfrm_set_out(l, h, false);
	for (unsigned i = 0; i < PAIRS_MAX; i++) {
		struct xfrm_pair *p = h->pair[i];

		if (p == NULL)
			continue;
		if (there)
			xfrm_place(l, h, p, &t->local_outer, &t->remote_outer);
		else
			take_out(l, p);
		any = any || p->there;
	}
	if (any != h->taken_in)
		xfrm_set_in(l, h, any);
	if (there)
		xfrm_set_out(l, h,
			     h->taken_in && h->now != NULL && h->now->there && !h->now->mute &&
				     no_way(h, t) == NULL);
}

void xfrm_fit(struct lnx *l, const struct in6_addr *home, bool native)
{
	struct xfrm_home *h = l->xfrm->nl != NULL ? xfrm_home_of(l->xfrm, home) : NULL;

	if (h == NULL)
		return;
	h->native = native;
	xfrm_fit_home(l, h);
}

static void xfrm_asks(struct lnx *l, struct xfrm_home *h)
{
	l->xfrm->n_asks += !h->asks;
	h->asks = true;
}

bool xfrm_has_homes(const struct lnx *l)
{
	return l->xfrm->homes.n > 0;
}

bool xfrm_next(struct lnx *l, struct in6_addr *ret_home)
{
	const struct addrhash *homes = &l->xfrm->homes;

	for (size_t i = 0; l->xfrm->n_asks > 0 && i < homes->cap; i++) {
		struct xfrm_home *h = homes->slots[i].used ? homes->slots[i].value.thing : NULL;

		if (h == NULL || !h->asks)
			continue;
		h->asks = false;
		l->xfrm->n_asks--;
		*ret_home = h->home;
		return true;
	}
	return false;
}

void xfrm_path(struct lnx *l, const struct bub_path *path, bool direct)
{
	const struct xfrm_policy_of p = {
		.dir = XFRM_NL_OUT,
		.src = path->local,
		.dst = path->peer,
		.src_len = 128,
		.dst_len = 128,
		.rank = RANK_EXEMPT,
	};
	int err = 0;

	if (l->xfrm->nl == NULL)
		return;
	if (direct)
		err = xfrm_nl_policy_set(l->xfrm->nl, &p);
	else
		(void)xfrm_nl_policy_del(l->xfrm->nl, &p);
	if (err < 0) {
		l->count[COUNT_KERNEL_REFUSED]++;
		lnx_log(l, LNX_LOG_WARNING,
			"data from %s to %s stays in the tunnel: the kernel refuses a policy (%s)",
			lnx_ntop(&path->local), lnx_ntop(&path->peer), strerror(-err));
	}
}

/* ---- Keys ---------------------------------------------------------------------------------- */

static struct xfrm_pair **xfrm_free_place(struct xfrm_home *h)
{
	for (unsigned i = 0; i < PAIRS_MAX; i++) {
		if (h->pair[i] == NULL)
			return &h->pair[i];
	}
	return NULL;
}

static void xfrm_drop(struct lnx *l, struct xfrm_pair **place)
{
	take_out(l, *place);
	datapath_spi_kernel(l->dp, (*place)->in.spi, false);
	explicit_bzero(*place, sizeof(**place));
	free(*place);
	*place = NULL;
}

bool lnx_xfrm_add(struct lnx *l, const struct in6_addr *home, const struct esp_sa_params *out,
		  const struct esp_sa_params *in, uint64_t octets)
{
	struct xfrm_pair *p = l->xfrm->nl != NULL ? calloc(1, sizeof(*p)) : NULL;
	struct xfrm_home *h = p != NULL ? home_made(l->xfrm, home) : NULL;
	struct xfrm_pair **place = h != NULL ? xfrm_free_place(h) : NULL;

	if (place == NULL) {
		/* The analyser does not see that the hash has h. */
		free(p); /* NOLINT(clang-analyzer-unix.Malloc) */
		return false;
	}
	*place = p;
	p->out = *out;
	p->in = *in;
	p->out.owner = p->in.owner = *home;
	p->octets = octets;
	if (esp_sad_has_spi(l->sad, in->spi) || datapath_spi_kernel(l->dp, in->spi, true) < 0) {
		lnx_xfrm_remove(l, home, out->spi);
		return false;
	}
	xfrm_asks(l, h);
	xfrm_fit_home(l, h);
	return true;
}

void lnx_xfrm_prefer(struct lnx *l, const struct in6_addr *home, uint32_t out_spi)
{
	struct xfrm_home *h = xfrm_home_of(l->xfrm, home);
	struct xfrm_pair **place = h != NULL ? xfrm_pair_of(h, out_spi) : NULL;

	if (place == NULL)
		return;
	h->now = *place;
	xfrm_asks(l, h);
	xfrm_fit_home(l, h);
}

void lnx_xfrm_remove(struct lnx *l, const struct in6_addr *home, uint32_t out_spi)
{
	struct xfrm_home *h = xfrm_home_of(l->xfrm, home);
	struct xfrm_pair **place = h != NULL ? xfrm_pair_of(h, out_spi) : NULL;
	union addrhash_value gone;

	if (place == NULL)
		return;
	if (h->now == *place) {
		h->now = NULL;
		xfrm_set_out(l, h, false);
	}
	xfrm_drop(l, place);
	xfrm_fit_home(l, h);
	for (unsigned i = 0; i < PAIRS_MAX; i++)
		if (h->pair[i] != NULL)
			return;
	l->xfrm->n_asks -= h->asks;
	(void)addrhash_del(&l->xfrm->homes, home, &gone);
	free(h);
}

bool lnx_xfrm_has_spi(const struct lnx *l, uint32_t spi)
{
	return datapath_spi_is_kernels(l->dp, spi);
}

void lnx_xfrm_listen(struct lnx *l, const struct lnx_xfrm_ops *ops)
{
	l->xfrm->ops = *ops;
}

/* ---- What the kernel says ------------------------------------------------------------------ */

static void on_spent(void *ctx, uint32_t spi, bool all)
{
	struct lnx *l = ctx;
	const struct addrhash *homes = &l->xfrm->homes;

	for (size_t i = 0; i < homes->cap; i++) {
		struct xfrm_home *h = homes->slots[i].used ? homes->slots[i].value.thing : NULL;

		for (unsigned k = 0; h != NULL && k < PAIRS_MAX; k++) {
			struct xfrm_pair *p = h->pair[k];

			if (p == NULL || (p->out.spi != spi && p->in.spi != spi))
				continue;
			tell_spent(l, h, p);
			if (all)
				l->xfrm->look_at = (struct bub_time){0};
		}
	}
}

void xfrm_readable(struct lnx *l)
{
	struct xfrm_notices n = {.spent = on_spent, .ctx = l};

	if (l->xfrm->nl == NULL)
		return;
	xfrm_nl_notices(l->xfrm->nl, &n);
	if (n.gone)
		l->xfrm->look_at = bub_time_add_s(l->xfrm->looked, LOOK_S);
}

/* How far an SA that is gone had come nobody knows: what is sent needs other keys.  A mobile node
 * asks for them; a home agent cannot, so it takes what comes, with the window as it was read last,
 * and sends by its own ESP. */
static bool look_at_pair(struct lnx *l, struct xfrm_home *h, struct xfrm_pair **place)
{
	struct xfrm_pair *p = *place;
	struct xfrm_numbers n;

	if (!p->there || read_numbers(l, p))
		return false;
	tell_spent(l, h, p);
	if (!link_home(l->link, &h->home, NULL)) {
		p->mute = p->mute || xfrm_nl_numbers(l->xfrm->nl, &p->remote, p->out.spi, &n) < 0;
		(void)xfrm_nl_remove(l->xfrm->nl, &p->local, p->in.spi);
		if (put_in(l, h, p, &p->local, &p->remote) == 0)
			return true;
	}
	if (h->now == p) {
		h->now = NULL;
		xfrm_set_out(l, h, false);
	}
	xfrm_drop(l, place);
	return true;
}

static bool look_at_home(struct lnx *l, struct xfrm_home *h)
{
	bool gone = false;

	for (unsigned i = 0; i < PAIRS_MAX; i++)
		if (h->pair[i] != NULL)
			gone = look_at_pair(l, h, &h->pair[i]) || gone;
	if (h->taken_in)
		xfrm_set_in(l, h, true);
	xfrm_fit_home(l, h);
	return gone;
}

/* Somebody has removed something: policies are set anew, and who has lost an SA has new keys. */
static void xfrm_look(struct lnx *l)
{
	const struct addrhash *homes = &l->xfrm->homes;
	const struct bub_path *path;
	unsigned cursor = 0, gone = 0;

	set_general(l->xfrm->nl);
	while ((path = link_path_next(l->link, &cursor)) != NULL)
		xfrm_path(l, path, true);
	for (size_t i = 0; i < homes->cap; i++)
		if (homes->slots[i].used)
			gone += look_at_home(l, homes->slots[i].value.thing);
	l->count[COUNT_KERNEL_REPAIRED] += gone;
	if (gone > 0)
		lnx_log(l, LNX_LOG_WARNING,
			"the kernel has lost ESP associations of %u home address%s: data goes by "
			"bubd's own ESP until there are new keys",
			gone, gone == 1 ? "" : "es");
}

struct bub_time xfrm_deadline(const struct lnx *l)
{
	const struct xfrm *x = l->xfrm;

	if (x->n_asks > 0)
		return (struct bub_time){0};
	return bub_time_before(x->look_at, x->due) ? x->look_at : x->due;
}

static void expire_late(struct lnx *l, struct bub_time now)
{
	const struct addrhash *homes = &l->xfrm->homes;

	l->xfrm->due = BUB_TIME_NEVER;
	for (size_t i = 0; i < homes->cap; i++) {
		struct xfrm_home *h = homes->slots[i].used ? homes->slots[i].value.thing : NULL;

		for (unsigned k = 0; h != NULL && k < PAIRS_MAX; k++) {
			struct xfrm_pair *p = h->pair[k];

			if (p == NULL || IN6_IS_ADDR_UNSPECIFIED(&p->late))
				continue;
			if (!bub_time_before(now, p->late_until))
				end_late(l, p);
			else if (bub_time_before(p->late_until, l->xfrm->due))
				l->xfrm->due = p->late_until;
		}
	}
}

void xfrm_expire(struct lnx *l, struct bub_time now)
{
	if (!bub_time_before(now, l->xfrm->due))
		expire_late(l, now);
	if (bub_time_before(now, l->xfrm->look_at))
		return;
	l->xfrm->look_at = BUB_TIME_NEVER;
	l->xfrm->looked = now;
	xfrm_look(l);
}

/* ---- Life ---------------------------------------------------------------------------------- */

/* Whether the kernel takes what there will be: an SA that nobody uses, there and away. */
static int try_one(struct xfrm_nl *nl)
{
	static const struct esp_sa_params params = {.spi = 0x627562, .alg = ESP_AES_128_GCM};
	static const struct xfrm_numbers numbers;
	const struct xfrm_sa sa = {
		.params = &params,
		.src = IN6ADDR_LOOPBACK_INIT,
		.dst = IN6ADDR_LOOPBACK_INIT,
		.numbers = &numbers,
	};
	int err = xfrm_nl_add(nl, &sa);

	if (err == 0)
		err = xfrm_nl_remove(nl, &sa.dst, params.spi);
	return err;
}

static const char *reason_of(int err)
{
	switch (err) {
	case -EPROTONOSUPPORT:
	case -EAFNOSUPPORT:
		return "it has no XFRM or no ESP for IPv6: modules xfrm_user and esp6";
	case -ENOSYS:
	case -ENOENT:
		return "it has no AES-GCM for IPsec: modules gcm, seqiv and esp6";
	case -EPERM:
		return "it is not permitted: capability CAP_NET_ADMIN";
	default:
		return strerror(-err);
	}
}

static int xfrm_begin(struct lnx *l, struct xfrm *x)
{
	int err = xfrm_nl_open(&l->count[COUNT_NETLINK_FOREIGN], &x->nl);

	if (err == 0) {
		xfrm_nl_clear(x->nl);
		err = try_one(x->nl);
	}
	if (err == 0)
		err = set_general(x->nl);
	if (err < 0) {
		xfrm_nl_close(x->nl);
		x->nl = NULL;
	}
	return err;
}

int xfrm_open(struct lnx *l, char *ret_error, size_t error_size)
{
	struct xfrm *x = calloc(1, sizeof(*x));
	int err = 0;

	if (x == NULL)
		return -ENOMEM;
	l->xfrm = x;
	x->due = x->look_at = BUB_TIME_NEVER;
	if (l->cfg.esp == LNX_ESP_USER)
		(void)snprintf(x->why, sizeof(x->why), "configured");
	else if (!l->cfg.protect_payload)
		(void)snprintf(x->why, sizeof(x->why), "data goes without ESP");
	else if ((err = xfrm_begin(l, x)) < 0)
		(void)snprintf(x->why, sizeof(x->why), "the kernel: %s", reason_of(err));
	if (err < 0 && l->cfg.esp == LNX_ESP_KERNEL) {
		(void)snprintf(ret_error, error_size,
			       "esp = kernel, and the kernel cannot: %s; esp = auto does without",
			       reason_of(err));
		return err;
	}
	if (x->nl != NULL)
		(void)xfrm_nl_exempt(l->fd_out);
	l->fd[FD_XFRM] = x->nl != NULL ? fcntl(xfrm_nl_notices_fd(x->nl), F_DUPFD_CLOEXEC, 0)
				       : eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	return l->fd[FD_XFRM] < 0 ? -errno : 0;
}

void xfrm_close(struct lnx *l)
{
	struct xfrm *x = l->xfrm;

	if (x == NULL)
		return;
	for (size_t i = 0; i < x->homes.cap; i++) {
		struct xfrm_home *h = x->homes.slots[i].used ? x->homes.slots[i].value.thing : NULL;

		if (h == NULL)
			continue;
		for (unsigned k = 0; k < PAIRS_MAX; k++) {
			if (h->pair[k] != NULL)
				explicit_bzero(h->pair[k], sizeof(*h->pair[k]));
			free(h->pair[k]);
		}
		free(h);
	}
	free(x->homes.slots);
	if (x->nl != NULL)
		xfrm_nl_clear(x->nl);
	xfrm_nl_close(x->nl);
	free(x);
	l->xfrm = NULL;
}

/* ---- How it is, for people ----------------------------------------------------------------- */

bool lnx_xfrm_ready(const struct lnx *l, const char **ret_why)
{
	*ret_why = l->xfrm->why;
	return l->xfrm->nl != NULL;
}

bool lnx_xfrm_status(struct lnx *l, const struct in6_addr *home, struct lnx_xfrm_status *ret)
{
	const struct link_tunnel *t = link_tunnel(l->link, home);
	const struct xfrm_home *h = xfrm_home_of(l->xfrm, home);

	if (t == NULL)
		return false;
	*ret = (struct lnx_xfrm_status){.kernel = h != NULL && h->sent_out};
	if (l->xfrm->nl == NULL)
		ret->why = l->xfrm->why;
	else if (h == NULL || h->now == NULL)
		ret->why = "there are no agreed keys for data alone";
	else if (!ret->kernel)
		ret->why = no_way(h, t) != NULL ? no_way(h, t) : "the kernel has refused it";
	for (unsigned i = 0; h != NULL && i < PAIRS_MAX; i++) {
		const struct xfrm_pair *p = h->pair[i];
		struct xfrm_numbers n = {0};

		if (p == NULL || !p->there)
			continue;
		if (xfrm_nl_numbers(l->xfrm->nl, &p->remote, p->out.spi, &n) == 0) {
			ret->out_packets += n.packets;
			ret->out_octets += n.octets;
		}
		n = (struct xfrm_numbers){0};
		if (xfrm_nl_numbers(l->xfrm->nl, &p->local, p->in.spi, &n) == 0) {
			ret->in_packets += n.packets;
			ret->in_octets += n.octets;
		}
	}
	return true;
}
