/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The choice of carriers (link_carrier.h): at a mobile node what is tried and remembered, at a home
 * agent whom it follows where.  Owns no packet and no socket.
 */
#include <stdlib.h>
#include <string.h>

#include "base/addr.h"
#include "base/table.h"
#include "link_carrier.h"

#define NETWORKS_MAX 32
#define NETWORK_BITS 64
#define AGAIN_MS 250 /* a second message after that long without an answer: the first was lost */
#define ENDED_S 10   /* the end of a binding is answered, perhaps again */

/* A home address of this node. */
struct own {
	struct in6_addr home, care_of, agent;
	bool used;
	enum carrier carrier; /* for data, while both are tried that of before */
	enum carrier_why why;
	enum carrier told;
	bool trying;
	bool translated; /* tried: native ESP was refused, UDP is asked by alone */
	bool sure;       /* it has been answered from this care-of address */
	bool waiting;    /* for an answer */
	struct bub_time asked, tried;
	uint32_t keep_alive_s; /* 0: no translator is known */
	struct bub_time sent;  /* data in UDP, or a keep-alive */
	unsigned tries;
	unsigned silent; /* messages without an answer */
};

/* What worked where. */
struct network {
	struct in6_addr prefix, agent;
	enum carrier carrier;
	struct bub_time until;
};

/* A mobile node that has come in UDP or TCP. */
struct follower {
	struct tentry entry; /* key: home address, :: */
	struct in6_addr care_of;
	struct carrier_end message, data;
	bool guessed; /* data has not come yet: its port is that of messages */
	struct in6_addr before;
	struct bub_time before_until; /* data from there is late */
	bool ended;
	struct bub_time ended_until;
};

struct carriers {
	enum carrier_policy policy;
	bool tcp;
	struct own own[BUB_HOMES_MAX];
	struct network network[NETWORKS_MAX];
	struct table followers;
};

/* Called twice, first to learn the size. */
static struct carriers *carriers_lay_out(struct arena *ar, uint32_t max, uint64_t seed)
{
	struct carriers *c = arena_take(ar, sizeof(*c));
	struct table followers;

	table_init(&followers, ar, max, sizeof(struct follower), seed);
	if (c != NULL)
		c->followers = followers;
	return c;
}

struct carriers *carriers_new(enum carrier_policy policy, bool tcp, uint32_t max, uint64_t seed)
{
	struct arena ar = {0};
	struct carriers *c;

	(void)carriers_lay_out(&ar, max, seed);
	ar = (struct arena){.base = calloc(1, ar.used)};
	if (ar.base == NULL)
		return NULL;
	c = carriers_lay_out(&ar, max, seed);
	c->policy = policy;
	c->tcp = tcp;
	return c;
}

void carriers_free(struct carriers *c)
{
	free(c);
}

/* ---- Networks ------------------------------------------------------------------------------ */

static struct network *network_find(struct carriers *c, struct bub_time now, const struct own *o)
{
	const struct in6_addr prefix = addr_prefix(&o->care_of, NETWORK_BITS);

	for (size_t i = 0; i < NETWORKS_MAX; i++) {
		struct network *n = &c->network[i];

		if (bub_time_before(now, n->until) && bub_addr_eq(&n->prefix, &prefix) &&
		    bub_addr_eq(&n->agent, &o->agent))
			return n;
	}
	return NULL;
}

/* In the place of what is forgotten first.  Of IPv4 an address does not tell the network. */
static void network_remember(struct carriers *c, struct bub_time now, const struct own *o)
{
	struct network *n = network_find(c, now, o);

	if (IN6_IS_ADDR_V4MAPPED(&o->care_of))
		return;
	if (n == NULL) {
		n = &c->network[0];
		for (size_t i = 1; i < NETWORKS_MAX; i++) {
			if (bub_time_before(c->network[i].until, n->until))
				n = &c->network[i];
		}
	}
	*n = (struct network){
		.prefix = addr_prefix(&o->care_of, NETWORK_BITS),
		.agent = o->agent,
		.carrier = o->carrier,
		.until = bub_time_add_s(now, CARRIER_REMEMBERED_S),
	};
}

/* ---- Mobile node --------------------------------------------------------------------------- */

/* BUB_HOMES_MAX: there is none. */
static size_t own_index(const struct carriers *c, const struct in6_addr *home)
{
	size_t i = 0;

	while (i < BUB_HOMES_MAX && !(c->own[i].used && bub_addr_eq(&c->own[i].home, home)))
		i++;
	return i;
}

/* Of home addresses that are given up the one that has been silent longest makes room. */
static struct own *own_take(struct carriers *c, const struct in6_addr *home)
{
	const size_t i = own_index(c, home);
	struct own *oldest = &c->own[0];

	if (i < BUB_HOMES_MAX)
		return &c->own[i];
	for (struct own *o = c->own; o < c->own + BUB_HOMES_MAX; o++) {
		if (oldest->used && (!o->used || bub_time_before(o->asked, oldest->asked)))
			oldest = o;
	}
	*oldest = (struct own){.home = *home, .used = true};
	return oldest;
}

static void own_settle(struct own *o, enum carrier carrier, enum carrier_why why)
{
	o->carrier = carrier;
	o->why = why;
	o->trying = o->translated = false;
}

/* @o has come to a network: what is known of it? */
static void own_arrive(struct carriers *c, struct bub_time now, struct own *o)
{
	const struct network *n = network_find(c, now, o);

	o->sure = o->waiting = false;
	o->tries = o->silent = 0;
	if (bub_addr_eq(&o->home, &o->care_of)) {
		own_settle(o, CARRIER_NATIVE, CARRIER_WHY_AT_HOME);
	} else if (IN6_IS_ADDR_V4MAPPED(&o->care_of)) {
		own_settle(o, CARRIER_UDP, CARRIER_WHY_IPV4);
	} else if (c->policy != CARRIER_AUTO) {
		own_settle(o, c->policy == CARRIER_ALWAYS ? CARRIER_UDP : CARRIER_NATIVE,
			   CARRIER_WHY_CONFIGURED);
	} else if (n != NULL && n->carrier != CARRIER_TCP) {
		own_settle(o, n->carrier, CARRIER_WHY_REMEMBERED);
	} else {
		own_settle(o, CARRIER_NATIVE, CARRIER_WHY_TRYING);
		o->trying = true;
	}
	/* Where only TCP got through there is no waiting for the others. */
	if (n != NULL && n->carrier == CARRIER_TCP)
		o->silent = CARRIER_SILENT_ASKS;
}

static bool own_has_a_choice(const struct carriers *c, const struct own *o)
{
	return c->policy == CARRIER_AUTO && o->why != CARRIER_WHY_AT_HOME &&
	       o->carrier != CARRIER_TCP && !IN6_IS_ADDR_V4MAPPED(&o->care_of);
}

/* What has worked does no more, or, of UDP, it is time to see whether it is still needed, which it
 * is behind a translator. */
static bool own_tries_again(const struct own *o, struct bub_time now)
{
	if (o->waiting && !bub_time_before(now, bub_time_add_ms(o->asked, AGAIN_MS)))
		return true;
	return o->carrier == CARRIER_UDP && o->sure && o->keep_alive_s == 0 &&
	       !bub_time_before(now, bub_time_add_s(o->tried, CARRIER_REMEMBERED_S));
}

/* What is asked by beside TCP, and, where that is in use, what is looked for again. */
static unsigned own_ways(const struct carriers *c, const struct own *o)
{
	if (o->trying && o->translated && o->silent < CARRIER_SILENT_ASKS)
		return CARRIER_BIT(CARRIER_UDP);
	if (o->carrier != CARRIER_TCP)
		return o->trying ? CARRIER_BOTH : CARRIER_BIT(o->carrier);
	if (IN6_IS_ADDR_V4MAPPED(&o->care_of) || c->policy == CARRIER_ALWAYS)
		return CARRIER_BIT(CARRIER_UDP);
	return c->policy == CARRIER_NEVER ? CARRIER_BIT(CARRIER_NATIVE) : CARRIER_BOTH;
}

static bool own_needs_tcp(const struct carriers *c, const struct own *o)
{
	return c->tcp && o->why != CARRIER_WHY_AT_HOME &&
	       (o->carrier == CARRIER_TCP || o->silent >= CARRIER_SILENT_ASKS);
}

struct carrier_ask carriers_ask(struct carriers *c, struct bub_time now,
				const struct in6_addr *home, const struct in6_addr *care_of,
				const struct in6_addr *agent)
{
	struct own *o = own_take(c, home);
	struct carrier_ask ask = {0};

	if (!bub_addr_eq(&o->care_of, care_of) || !bub_addr_eq(&o->agent, agent)) {
		o->care_of = *care_of;
		o->agent = *agent;
		own_arrive(c, now, o);
	} else if (!o->trying && own_has_a_choice(c, o) && own_tries_again(o, now)) {
		o->sure = !o->waiting;
		o->trying = true;
	}
	if (o->waiting)
		o->silent++;
	o->waiting = true;
	o->asked = now;
	ask.by = own_ways(c, o);
	if (own_needs_tcp(c, o))
		ask.by |= CARRIER_BIT(CARRIER_TCP);
	if (o->trying) {
		ask.udp_first = o->tries % 2 == 1;
		o->tries++;
	}
	return ask;
}

/* Nothing else was answered. */
static void own_falls_back(struct carriers *c, struct bub_time now, struct own *o)
{
	own_settle(o, CARRIER_TCP, CARRIER_WHY_LAST);
	o->sure = true;
	network_remember(c, now, o);
}

/* What is better than TCP has been answered. */
static void own_rises(struct carriers *c, struct bub_time now, struct own *o, enum carrier by)
{
	enum carrier_why why = CARRIER_WHY_ANSWERED;

	if (IN6_IS_ADDR_V4MAPPED(&o->care_of))
		why = CARRIER_WHY_IPV4;
	else if (c->policy != CARRIER_AUTO)
		why = CARRIER_WHY_CONFIGURED;
	own_settle(o, by, why);
	o->waiting = false;
	o->sure = true;
	o->tried = now;
	o->tries = o->silent = 0;
	network_remember(c, now, o);
}

bool carriers_answered(struct carriers *c, struct bub_time now, const struct in6_addr *home,
		       enum carrier by)
{
	const size_t i = own_index(c, home);
	struct own *o = &c->own[i < BUB_HOMES_MAX ? i : 0];

	if (i == BUB_HOMES_MAX)
		return false;
	/* The same answer comes by TCP, too, and may have come first. */
	if (o->carrier == CARRIER_TCP && by != CARRIER_TCP) {
		own_rises(c, now, o, by);
		return true;
	}
	if (!o->waiting)
		return false;
	o->waiting = false;
	o->silent = 0;
	if (by == CARRIER_TCP) {
		own_falls_back(c, now, o);
		return true; /* the question may have come by another, and turned data there */
	}
	if (!o->trying) {
		if (!o->sure)
			o->tried = now;
		o->sure = true;
		return false;
	}
	own_settle(o, by, o->translated ? CARRIER_WHY_TRANSLATED : CARRIER_WHY_ANSWERED);
	o->sure = true;
	o->tried = now;
	o->tries = 0;
	network_remember(c, now, o);
	return true;
}

bool carriers_refused(struct carriers *c, const struct in6_addr *home)
{
	const size_t i = own_index(c, home);
	struct own *o = &c->own[i < BUB_HOMES_MAX ? i : 0];
	const bool went_natively = o->trying ? !o->translated : o->carrier == CARRIER_NATIVE;

	if (i == BUB_HOMES_MAX)
		return false;
	o->translated = own_has_a_choice(c, o) && went_natively && o->silent < CARRIER_SILENT_ASKS;
	if (!o->translated)
		return false;
	o->trying = true;
	o->waiting = false; /* what is asked next is another question */
	return true;
}

unsigned carriers_own_data(const struct carriers *c, const struct in6_addr *home,
			   const struct in6_addr *care_of)
{
	const size_t i = own_index(c, home);
	const struct own *o = &c->own[i < BUB_HOMES_MAX ? i : 0];

	if (i < BUB_HOMES_MAX && bub_addr_eq(&o->care_of, care_of))
		return o->trying && !o->sure ? CARRIER_BOTH : CARRIER_BIT(o->carrier);
	if (IN6_IS_ADDR_V4MAPPED(care_of) || c->policy == CARRIER_ALWAYS)
		return CARRIER_BIT(CARRIER_UDP);
	/* Its Binding Update follows. */
	return CARRIER_BIT(CARRIER_NATIVE);
}

bool carriers_own(const struct carriers *c, const struct in6_addr *home, enum carrier *ret_carrier,
		  enum carrier_why *ret_why)
{
	const size_t i = own_index(c, home);

	if (i == BUB_HOMES_MAX)
		return false;
	*ret_carrier = c->own[i].carrier;
	*ret_why = c->own[i].why;
	if (c->own[i].trying && !c->own[i].sure)
		*ret_why = c->own[i].silent >= CARRIER_SILENT_ASKS ? CARRIER_WHY_SILENT
								   : CARRIER_WHY_TRYING;
	return true;
}

bool carriers_news(struct carriers *c, const struct in6_addr *home)
{
	const size_t i = own_index(c, home);

	if (i == BUB_HOMES_MAX || c->own[i].trying || c->own[i].told == c->own[i].carrier)
		return false;
	c->own[i].told = c->own[i].carrier;
	return true;
}

/* ---- Keep-alives --------------------------------------------------------------------------- */

void carriers_keep_alive(struct carriers *c, struct bub_time now, const struct in6_addr *home,
			 uint32_t s)
{
	const size_t i = own_index(c, home);

	if (i == BUB_HOMES_MAX)
		return;
	if (c->own[i].keep_alive_s == 0)
		c->own[i].sent = now;
	c->own[i].keep_alive_s = s;
}

void carriers_sent(struct carriers *c, struct bub_time now, const struct in6_addr *home)
{
	const size_t i = own_index(c, home);

	if (i < BUB_HOMES_MAX)
		c->own[i].sent = now;
}

static struct bub_time own_keep_alive_due(const struct own *o)
{
	if (!o->used || o->keep_alive_s == 0 || o->carrier != CARRIER_UDP)
		return BUB_TIME_NEVER;
	return bub_time_add_s(o->sent, o->keep_alive_s);
}

struct bub_time carriers_deadline(const struct carriers *c)
{
	struct bub_time due = BUB_TIME_NEVER;

	for (size_t i = 0; i < BUB_HOMES_MAX; i++) {
		if (bub_time_before(own_keep_alive_due(&c->own[i]), due))
			due = own_keep_alive_due(&c->own[i]);
	}
	return due;
}

bool carriers_expire(struct carriers *c, struct bub_time now, struct in6_addr *ret_home)
{
	for (size_t i = 0; i < BUB_HOMES_MAX; i++) {
		if (bub_time_before(now, own_keep_alive_due(&c->own[i])))
			continue;
		c->own[i].sent = now;
		*ret_home = c->own[i].home;
		return true;
	}
	return false;
}

/* ---- Home agent ---------------------------------------------------------------------------- */

static struct follower *follower_find(const struct carriers *c, const struct in6_addr *home)
{
	return table_find(&c->followers, home, &in6addr_any);
}

/* Where there is no room, those make some whose binding ended a while ago. */
static struct follower *follower_add(struct carriers *c, struct bub_time now,
				     const struct in6_addr *home)
{
	struct follower *f = table_add(&c->followers, home, &in6addr_any);

	if (f != NULL)
		return f;
	while ((f = table_next(&c->followers, f)) != NULL) {
		if (f->ended && bub_time_before(f->ended_until, now))
			table_remove(&c->followers, f);
	}
	return table_add(&c->followers, home, &in6addr_any);
}

static bool carrier_same_end(const struct carrier_end *a, const struct carrier_end *b)
{
	return a->carrier == b->carrier &&
	       (a->carrier == CARRIER_NATIVE ||
		(a->port == b->port && a->stream == b->stream && bub_addr_eq(&a->addr, &b->addr)));
}

/* What comes late from where it was must not turn data back. */
static void follower_leaves(struct follower *f, struct bub_time now)
{
	f->before = f->data.addr;
	f->before_until = bub_time_add_s(now, CARRIER_LATE_S);
}

bool carriers_heard_message(struct carriers *c, struct bub_time now, const struct in6_addr *home,
			    const struct in6_addr *care_of, const struct carrier_end *from)
{
	struct follower *f = follower_find(c, home);
	struct carrier_end before;
	bool there, elsewhere;

	if (f == NULL && from->carrier != CARRIER_NATIVE)
		f = follower_add(c, now, home);
	if (f == NULL)
		return false;
	before = f->data;
	there = f->data.carrier == from->carrier && bub_addr_eq(&f->data.addr, &from->addr);
	elsewhere = !bub_addr_eq(&f->care_of, care_of) && !there;
	if (elsewhere)
		follower_leaves(f, now);
	/* The port of data is another one behind most translators: what was learned of it holds
	 * while nothing but the port of messages is new. */
	if (elsewhere || f->guessed || f->data.carrier != from->carrier ||
	    from->carrier == CARRIER_TCP ||
	    (!there && !bub_addr_eq(&f->message.addr, &from->addr))) {
		f->data = *from;
		f->guessed = true;
	}
	f->message = *from;
	f->care_of = *care_of;
	f->ended = false;
	return !carrier_same_end(&before, &f->data);
}

/* Data natively comes from the care-of address and from nowhere else. */
static bool follower_may_turn(const struct follower *f, struct bub_time now,
			      const struct carrier_end *from)
{
	if (from->carrier == CARRIER_NATIVE)
		return bub_addr_eq(&f->care_of, &from->addr);
	return !bub_addr_eq(&f->before, &from->addr) || !bub_time_before(now, f->before_until);
}

bool carriers_heard_data(struct carriers *c, struct bub_time now, const struct in6_addr *home,
			 const struct in6_addr *bound, const struct carrier_end *from)
{
	struct follower *f = follower_find(c, home);
	struct carrier_end before;

	/* A home agent that was restarted has heard no message yet. */
	if (f == NULL && from->carrier == CARRIER_UDP && bub_addr_eq(bound, &from->addr)) {
		f = follower_add(c, now, home);
		if (f != NULL)
			f->care_of = *bound;
	}
	if (f == NULL || !follower_may_turn(f, now, from))
		return false;
	before = f->data;
	f->data = *from;
	f->guessed = false;
	return !carrier_same_end(&before, from);
}

/* An address of IPv4 is what was seen, and a translator may show data by another one. */
static bool follower_is_at(const struct follower *f, const struct in6_addr *care_of)
{
	return bub_addr_eq(&f->care_of, care_of) ||
	       (IN6_IS_ADDR_V4MAPPED(care_of) && bub_addr_eq(&f->data.addr, care_of));
}

bool carriers_message_to(const struct carriers *c, const struct in6_addr *home,
			 const struct in6_addr *care_of, struct carrier_end *ret)
{
	const struct follower *f = follower_find(c, home);

	if (f == NULL || f->message.carrier == CARRIER_NATIVE || !follower_is_at(f, care_of))
		return false;
	*ret = f->message;
	return true;
}

bool carriers_data_to(const struct carriers *c, const struct in6_addr *home,
		      const struct in6_addr *care_of, struct carrier_end *ret)
{
	const struct follower *f = follower_find(c, home);

	if (f == NULL || f->data.carrier == CARRIER_NATIVE || !follower_is_at(f, care_of))
		return false;
	*ret = f->data;
	return true;
}

bool carriers_followed(const struct carriers *c, const struct in6_addr *home,
		       struct carrier_end *ret)
{
	const struct follower *f = follower_find(c, home);

	if (f == NULL || f->ended || f->data.carrier == CARRIER_NATIVE)
		return false;
	*ret = f->data;
	return true;
}

struct in6_addr carriers_care_of(const struct carriers *c, const struct in6_addr *home,
				 const struct in6_addr *bound, const struct carrier_end *from)
{
	const struct follower *f = follower_find(c, home);

	if (from->carrier == CARRIER_NATIVE || IN6_IS_ADDR_V4MAPPED(&from->addr) || f == NULL)
		return from->addr;
	/* From where the last message came, or a translator has changed its mind. */
	return bub_addr_eq(&f->message.addr, &from->addr) ? f->care_of : *bound;
}

void carriers_forget(struct carriers *c, struct bub_time now, const struct in6_addr *home)
{
	struct follower *f = follower_find(c, home);

	if (f == NULL)
		return;
	f->ended = true;
	f->ended_until = bub_time_add_s(now, ENDED_S);
}
