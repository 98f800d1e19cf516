/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The world: event heap, network and the model of each node's kernel.  See world.h.
 */
#include <arpa/inet.h>
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/ip6.h"
#include "flights.h"
#include "homelink.h"
#include "nat.h"
#include "node.h"
#include "paths.h"
#include "storage.h"

#define FOREVER_NS UINT64_MAX

struct world {
	struct world_hooks hooks;
	uint64_t now_ns, order, seed;
	struct place **place;
	unsigned n_places;
	struct node **node;
	struct heap due; /* the nodes by their next timers */
	unsigned n_nodes;
	struct flights flights;
	struct addrmap places; /* by prefix */
	struct addrmap owners; /* address to node */
};

/* ---- Random and time ----------------------------------------------------------------------- */

uint64_t world_random(struct world *w)
{
	/* splitmix64: small, and the same everywhere. */
	uint64_t z = (w->seed += UINT64_C(0x9e3779b97f4a7c15));

	z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
	return z ^ (z >> 31);
}

static void random_octets(void *ctx, uint8_t *buf, size_t len)
{
	struct node *n = ctx;

	if (n->world->hooks.random != NULL) {
		n->world->hooks.random(n->world->hooks.ctx, n, buf, len);
		return;
	}
	for (size_t i = 0; i < len; i++)
		buf[i] = (uint8_t)world_random(n->world);
}

struct bub_time world_now(const struct world *w)
{
	return (struct bub_time){w->now_ns};
}

static void world_on_trace(void *ctx, const struct bub_trace *tr)
{
	struct node *n = ctx;

	if (n->world->hooks.trace != NULL)
		n->world->hooks.trace(n->world->hooks.ctx, n, tr);
}

static struct flight *copy_of(struct world *w, const struct flight *f)
{
	struct flight *copy = flights_copy(&w->flights, f);

	copy->order = ++w->order;
	return copy;
}

/* ---- Timers -------------------------------------------------------------------------------- */

/* The engine's deadline may have changed: moves the node to its place among the others. */
static void reschedule(struct node *n)
{
	const struct world_hooks *hooks = &n->world->hooks;
	uint64_t due_ns = n->down ? FOREVER_NS : world_time_of(n, bub_engine_deadline(n->engine));

	if (n->plays_links && hooks->node_due(hooks->ctx, n) < due_ns)
		due_ns = hooks->node_due(hooks->ctx, n);
	heap_set(&n->world->due, &n->due, due_ns, n->index);
}

void world_reschedule(struct node *n)
{
	reschedule(n);
}

/* The node whose timer is due next; NULL: there are no nodes. */
static struct node *first_due(const struct world *w)
{
	return (struct node *)(void *)heap_first(&w->due);
}

/* ---- Network ------------------------------------------------------------------------------- */

struct place *world_place_of(const struct world *w, const struct in6_addr *a)
{
	struct in6_addr prefix = addr_prefix(a, nat_prefix_len(a));

	return addrmap_get(&w->places, &prefix);
}

struct node *world_node_at(const struct world *w, const struct in6_addr *a)
{
	return addrmap_get(&w->owners, a);
}

struct node *world_node(const struct world *w, unsigned index)
{
	return index < w->n_nodes ? w->node[index] : NULL;
}

static bool is_own_address(const struct node *n, const struct in6_addr *a)
{
	return world_node_at(n->world, a) == n;
}

/* The addresses on the links at hand: its own ones and, on the home link, the home address. */
static void claim(struct node *n)
{
	for (unsigned i = 0; i < WORLD_INTERFACES; i++) {
		const struct world_iface *f = &n->iface[i];

		if (f->place == NULL)
			continue;
		addrmap_set(&n->world->owners, &f->address, n);
		for (unsigned k = 0; k < n->cfg.n_homes; k++)
			if (nat_same_link(&n->cfg.home[k].address, &f->place->prefix))
				addrmap_set(&n->world->owners, &n->cfg.home[k].address, n);
	}
}

static void disclaim(struct node *n)
{
	for (unsigned i = 0; i < WORLD_INTERFACES; i++)
		if (is_own_address(n, &n->iface[i].address))
			addrmap_del(&n->world->owners, &n->iface[i].address);
	for (unsigned i = 0; i < n->cfg.n_homes; i++)
		if (is_own_address(n, &n->cfg.home[i].address))
			addrmap_del(&n->world->owners, &n->cfg.home[i].address);
}

/* The link by which a packet with this source leaves. */
static struct place *way_out(const struct node *n, const struct in6_addr *src)
{
	if (n->plays_links)
		return n->world->hooks.way_out(n->world->hooks.ctx, n, src);
	for (unsigned i = 0; i < WORLD_INTERFACES; i++) {
		const struct world_iface *f = &n->iface[i];

		if (f->place != NULL &&
		    (bub_addr_eq(&f->address, src) ||
		     (nat_same_link(&f->place->prefix, src) && is_own_address(n, src))))
			return f->place;
	}
	return n->place;
}

static uint32_t way_in(const struct node *n, const struct in6_addr *dst)
{
	for (uint32_t i = 0; i < WORLD_INTERFACES; i++)
		if (n->iface[i].place != NULL && n->iface[i].place == world_place_of(n->world, dst))
			return i + 1;
	return 1;
}

static const struct bub_tunnel *tunnel_of(const struct node *n, const struct in6_addr *home)
{
	return addrmap_get(&n->tunnels, home);
}

static void lose(struct world *w, const struct flight *f)
{
	if (w->hooks.lost != NULL)
		w->hooks.lost(w->hooks.ctx, f);
}

/* What leaves a link behind a NAT; answers to it find their way back. */
static void world_translate(struct world *w, struct flight *f)
{
	struct in6_addr prefix;

	f->inside = f->src;
	if (f->left == NULL || !f->left->nat || !IN6_IS_ADDR_V4MAPPED(&f->src))
		return;
	f->src = nat_outside(f->left, &f->inside);
	prefix = addr_prefix(&f->src, nat_prefix_len(&f->src));
	world_add_prefix(w, f->left, &prefix);
	addrmap_set(&w->owners, &f->src, f->from);
}

void world_flush_nat(struct world *w, struct place *place)
{
	for (unsigned i = 0; i < WORLD_INTERFACES * w->n_nodes; i++) {
		const struct world_iface *f =
			&w->node[i / WORLD_INTERFACES]->iface[i % WORLD_INTERFACES];
		const struct in6_addr outside = nat_outside(place, &f->address);

		if (f->place == place)
			addrmap_del(&w->owners, &outside);
	}
	place->nat_epoch++;
}

/* Takes the flight over. */
static void world_launch(struct world *w, struct node *from, struct flight *f)
{
	struct place *to = world_place_of(w, &f->dst);
	enum fate fate = FATE_PASS;

	f->from = from;
	f->left = way_out(from, &f->src);
	world_translate(w, f);
	f->order = ++w->order;
	if (f->left == NULL || f->left->cut) {
		lose(w, f);
		flights_free(&w->flights, f);
		return;
	}
	f->at_ns = w->now_ns + f->left->delay_ns + (to != NULL ? to->delay_ns : 0);
	if (w->hooks.judge != NULL)
		fate = w->hooks.judge(w->hooks.ctx, w, f);
	if (fate == FATE_LOSE || to == NULL || to->cut) {
		if (fate != FATE_LOSE)
			lose(w, f);
		flights_free(&w->flights, f);
		return;
	}
	flights_push(&w->flights, f);
	if (fate == FATE_TWICE)
		flights_push(&w->flights, copy_of(w, f));
}

static void launch_packet(struct world *w, struct node *from, struct bub_view packet)
{
	struct flight *f = flights_new(&w->flights);

	assert(packet.len >= BUB_IP6_HDR_LEN && packet.len <= sizeof f->octets);
	f->egress = BUB_EGRESS_PLAIN;
	f->len = packet.len;
	memcpy(f->octets, packet.data, packet.len);
	f->src = ip6_src(packet.data);
	f->dst = ip6_dst(packet.data);
	world_launch(w, from, f);
}

/* ---- A node's kernel ----------------------------------------------------------------------- */

static void world_tunnel_set(struct node *n, const struct bub_tunnel *t)
{
	struct bub_tunnel *mine = addrmap_get(&n->tunnels, &t->home);

	if (mine == NULL) {
		mine = malloc(sizeof *mine);
		assert(mine != NULL);
		addrmap_set(&n->tunnels, &t->home, mine);
	}
	*mine = *t;
}

static void world_tunnel_del(struct node *n, const struct in6_addr *home)
{
	free(addrmap_del(&n->tunnels, home));
}

static void send_packet(struct node *n, const struct bub_action *act)
{
	struct flight *f;
	const struct bub_tunnel *t = NULL;

	if (n->world->hooks.sent != NULL)
		n->world->hooks.sent(n->world->hooks.ctx, n, act);
	if (act->u.send.egress == BUB_EGRESS_TUNNEL) {
		t = tunnel_of(n, &act->u.send.owner);
		if (t == NULL)
			return;
	}
	f = flights_new(&n->world->flights);
	assert(act->u.send.data.len <= sizeof f->octets);
	f->egress = act->u.send.egress;
	f->owner = act->u.send.owner;
	f->len = act->u.send.data.len;
	memcpy(f->octets, act->u.send.data.data, f->len);
	f->src = ip6_src(f->octets);
	f->dst = ip6_dst(f->octets);
	if (!IN6_IS_ADDR_UNSPECIFIED(&act->u.send.outer_src)) {
		f->src = act->u.send.outer_src;
		f->dst = act->u.send.outer_dst;
	}
	if (t != NULL) {
		f->src = t->local_outer;
		f->dst = t->remote_outer;
	}
	world_launch(n->world, n, f);
}

static void got_data(struct node *n, const struct bub_ip6 *ip, bool direct)
{
	if (n->world->hooks.data != NULL)
		n->world->hooks.data(n->world->hooks.ctx, n, ip, direct);
}

/* bub's own interface hands a packet to the kernel: it is for an application here, or goes on. */
static void deliver(struct node *n, struct bub_view packet)
{
	struct bub_ip6 ip;
	bool here = false;

	if (bub_ip6_decode(packet, &ip) != BUB_DROP_NONE)
		return;
	for (unsigned i = 0; i < n->cfg.n_homes; i++)
		here = here || bub_addr_eq(&n->cfg.home[i].address, &ip.dst);
	if (here) {
		n->data_tunnelled++;
		got_data(n, &ip, false);
	} else {
		launch_packet(n->world, n, packet);
	}
}

static void push(struct world *w, struct flight *f)
{
	if (f->at_ns < w->now_ns)
		f->at_ns = w->now_ns;
	flights_push(&w->flights, f);
}

static void promise(struct node *n, const struct bub_event *verdict, uint64_t takes_ns)
{
	struct flight *f = flights_new(&n->world->flights);

	f->order = ++n->world->order;
	f->verdict_for = n;
	f->verdict = *verdict;
	f->life = n->life;
	f->at_ns = n->world->now_ns + takes_ns;
	push(n->world, f);
}

static void probe(struct node *n, const struct bub_action *act)
{
	const struct world_hooks *hooks = &n->world->hooks;
	struct bub_event ev = {.type = BUB_EV_DONE, .u.done.id = act->id};
	uint64_t takes_ns = 0;

	if (hooks->dad != NULL)
		ev.u.done.error = hooks->dad(hooks->ctx, n, &act->u.home, &takes_ns);
	promise(n, &ev, takes_ns);
}

static void store(struct node *n, const struct bub_action *act)
{
	const struct world_hooks *hooks = &n->world->hooks;
	struct bub_event ev = {.type = BUB_EV_STORED};
	uint64_t takes_ns = 0;

	ev.u.stored.home = act->u.store.home;
	ev.u.stored.id = act->id;
	if (hooks->store != NULL)
		ev.u.stored.error = hooks->store(hooks->ctx, n, &act->u.store, &takes_ns);
	if (ev.u.stored.error == 0)
		storage_put(&n->storage, &act->u.store, n->world->now_ns);
	promise(n, &ev, takes_ns);
}

static void world_carry_out(struct node *n, const struct bub_action *act)
{
	if (n->world->hooks.action != NULL)
		n->world->hooks.action(n->world->hooks.ctx, n, act);
	switch (act->type) {
	case BUB_ACT_SEND:
		send_packet(n, act);
		return;
	case BUB_ACT_DELIVER:
		deliver(n, act->u.send.data);
		return;
	case BUB_ACT_PATH_SET:
		paths_set(n, &act->u.path, n->world->now_ns);
		return;
	case BUB_ACT_PATH_DEL:
		paths_del(n, &act->u.path);
		return;
	case BUB_ACT_TUNNEL_SET:
		world_tunnel_set(n, &act->u.tunnel);
		return;
	case BUB_ACT_TUNNEL_DEL:
		world_tunnel_del(n, &act->u.home);
		return;
	case BUB_ACT_DAD:
		probe(n, act);
		return;
	case BUB_ACT_STORE:
		store(n, act);
		return;
	case BUB_ACT_PROXY_ADD:
		homelink_claim(n->place, n, &act->u.home);
		return;
	case BUB_ACT_PROXY_DEL:
		homelink_unclaim(n->place, n, &act->u.home);
		return;
	case BUB_ACT_HOME_AGENT:
	case BUB_ACT_HOME_ADD:
	case BUB_ACT_HOME_DEL:
	case BUB_ACT_ATTACH:
	case BUB_ACT_REGISTRATION:
	case BUB_ACT_GROUP_JOIN:
	case BUB_ACT_GROUP_LEAVE:
	case BUB_ACT_GROUP_SEND:
		return;
	}
}

/* Carrying an action out never feeds an engine, so the views in it stay good meanwhile. */
static void drain(struct node *n)
{
	struct bub_action act;
	bool sent = false;

	while (bub_engine_next_action(n->engine, &act)) {
		sent = sent || act.type == BUB_ACT_SEND;
		/* What a message is answered with at once has to find its path. */
		assert(!sent || (act.type != BUB_ACT_PATH_SET && act.type != BUB_ACT_PATH_DEL));
		world_carry_out(n, &act);
	}
}

static void before(struct node *n, const struct bub_event *ev)
{
	if (n->world->hooks.before != NULL)
		n->world->hooks.before(n->world->hooks.ctx, n, ev);
}

static void after(struct node *n, const struct bub_event *ev)
{
	if (n->world->hooks.after != NULL)
		n->world->hooks.after(n->world->hooks.ctx, n, ev);
}

static void run_timers(struct node *n)
{
	struct bub_time now = world_clock(n);

	while (!bub_time_before(now, bub_engine_deadline(n->engine))) {
		before(n, NULL);
		bub_engine_expire(n->engine, now);
		drain(n);
		after(n, NULL);
	}
	reschedule(n);
}

void world_feed(struct node *n, const struct bub_event *ev)
{
	if (n->down)
		return;
	before(n, ev);
	bub_engine_feed(n->engine, world_clock(n), ev);
	drain(n);
	after(n, ev);
	run_timers(n);
}

/* The route-optimised data path at the receiver (RFC 6275, 9.3.1 and 6.4).  False: refused. */
static bool accept_data(struct node *n, const struct bub_ip6 *ip)
{
	const struct in6_addr *local = bub_ip6_home_dst(ip);
	struct world_path *p;
	bool own = !ip->has_rh2;

	for (unsigned i = 0; i < n->cfg.n_homes; i++)
		own = own || bub_addr_eq(&n->cfg.home[i].address, local);
	if (!own)
		return false;
	if (!ip->has_hao)
		return true;
	p = paths_find(n, local, &ip->hao);
	if (p == NULL)
		return false;
	if (!bub_addr_eq(&p->path.in_care_of, &ip->src))
		return bub_addr_eq(&p->before, &ip->src) && n->world->now_ns < p->before_until_ns;
	paths_earn(p, BUB_IP6_HDR_LEN + ip->upper.len);
	return true;
}

/* The data path tells the daemon that it is used; here with each packet. */
static void tell_flow(struct node *n, const struct bub_ip6 *ip)
{
	struct bub_event ev = {.type = BUB_EV_FLOW};
	const struct world_path *p;

	ev.u.flow.home = *bub_ip6_home_dst(ip);
	ev.u.flow.peer = *bub_ip6_home_src(ip);
	ev.u.flow.came = true;
	p = paths_find(n, &ev.u.flow.home, &ev.u.flow.peer);
	ev.u.flow.heard = p != NULL && p->path.trust == BUB_TRUST_HEARD && p->heard;
	world_feed(n, &ev);
}

static void arrive_plain(struct node *n, const struct bub_ip6 *ip, const struct bub_event *ev)
{
	struct bub_event inner = *ev;

	if (ip->upper_proto == BUB_NH_MH || ip->upper_proto == BUB_NH_ICMPV6) {
		world_feed(n, ev);
	} else if (ip->upper_proto == BUB_NH_IPV6) {
		inner.u.packet.ingress = BUB_INGRESS_IP_TUNNEL;
		inner.u.packet.data = ip->upper;
		world_feed(n, &inner);
	} else if (!ip->has_hao && !ip->has_rh2) {
		n->data_plain++;
		got_data(n, ip, true);
	} else if (accept_data(n, ip)) {
		n->data_direct++;
		tell_flow(n, ip);
		got_data(n, ip, true);
	} else {
		n->data_refused++;
		world_feed(n, ev);
	}
}

enum bub_ingress world_ingress(enum bub_egress egress)
{
	switch (egress) {
	case BUB_EGRESS_PLAIN:
		return BUB_INGRESS_PLAIN;
	case BUB_EGRESS_TRANSPORT:
		return BUB_INGRESS_ESP_TRANSPORT;
	case BUB_EGRESS_TUNNEL:
		return BUB_INGRESS_ESP_TUNNEL;
	}
	return BUB_INGRESS_PLAIN;
}

static void arrive(struct world *w, struct flight *f)
{
	struct node *n = world_node_at(w, &f->dst);
	struct place *place = world_place_of(w, &f->dst);
	struct bub_event ev = {.type = BUB_EV_PACKET, .ifindex = 1};
	struct bub_ip6 ip;

	if (f->verdict_for != NULL) {
		if (f->life == f->verdict_for->life)
			world_feed(f->verdict_for, &f->verdict);
		return;
	}
	if (place == NULL || place->cut || (n != NULL && n->down)) {
		lose(w, f);
		return;
	}
	ev.u.packet.data = (struct bub_view){f->octets, f->len};
	ev.u.packet.ingress = world_ingress(f->egress);
	ev.u.packet.owner = f->owner;
	ev.u.packet.outer_src = f->src;
	ev.u.packet.outer_dst = f->dst;
	node_mark(f, &ev);
	if (!world_decode(ev.u.packet.data, &ip))
		return;
	if (n == NULL && f->egress == BUB_EGRESS_PLAIN && place->anycast)
		n = homelink_anycast(w, place, &f->dst);
	if (n == NULL) { /* nobody there: a home agent of the link may intercept */
		n = homelink_interceptor(place, &f->dst);
		if (n == NULL || f->egress != BUB_EGRESS_PLAIN) {
			lose(w, f);
			return;
		}
		ev.u.packet.ingress = BUB_INGRESS_TUN;
		world_feed(n, &ev);
		return;
	}
	ev.ifindex = way_in(n, &f->dst);
	/* Only the two ends of an association can open it. */
	if (f->egress == BUB_EGRESS_PLAIN)
		arrive_plain(n, &ip, &ev);
	else
		world_feed(n, &ev);
}

/* ---- Building ------------------------------------------------------------------------------ */

struct world *world_new(uint64_t seed, const struct world_hooks *hooks)
{
	struct world *w = calloc(1, sizeof *w);

	assert(w != NULL);
	w->seed = seed;
	w->now_ns = BUB_NS_PER_S; /* so that "long ago" is not before the beginning */
	if (hooks != NULL)
		w->hooks = *hooks;
	return w;
}

static void node_free(struct node *n)
{
	bub_engine_free(n->engine);
	free(n->path);
	free(n->owned);
	addrmap_free(&n->tunnels);
	storage_forget(&n->storage);
	free(n);
}

void world_free(struct world *w)
{
	if (w == NULL)
		return;
	for (unsigned i = 0; i < w->n_nodes; i++)
		node_free(w->node[i]);
	for (unsigned i = 0; i < w->n_places; i++) {
		addrmap_done(&w->place[i]->proxies);
		free(w->place[i]);
	}
	flights_done(&w->flights);
	addrmap_done(&w->places);
	addrmap_done(&w->owners);
	free(w->place);
	free(w->node);
	free(w->due.at);
	free(w);
}

/* Room for one more of @size octets; the capacity is the next power of two. */
static void *with_room(void *array, unsigned n, size_t size)
{
	if ((n & (n - 1)) == 0)
		array = realloc(array, (n == 0 ? 1 : 2 * (size_t)n) * size);
	assert(array != NULL);
	return array;
}

/* Topologies are checked where they are read; what fails here is the program's own mistake. */
static struct in6_addr must_parse(const char *text)
{
	struct in6_addr a;
	int ok = inet_pton(AF_INET6, text, &a);

	assert(ok == 1);
	return a;
}

struct place *world_add_place(struct world *w, const char *prefix, uint64_t delay_ms)
{
	struct place *p = calloc(1, sizeof *p);

	assert(p != NULL);
	p->delay_ns = delay_ms * BUB_NS_PER_MS;
	p->prefix = must_parse(prefix);
	w->place = with_room(w->place, w->n_places, sizeof(struct place *));
	w->place[w->n_places++] = p;
	addrmap_set(&w->places, &p->prefix, p);
	return p;
}

void world_add_prefix(struct world *w, struct place *place, const struct in6_addr *prefix)
{
	addrmap_set(&w->places, prefix, place);
}

void world_own(struct world *w, struct node *n, const struct in6_addr *address)
{
	if ((n->n_owned & (n->n_owned - 1)) == 0)
		n->owned = realloc(n->owned, (n->n_owned == 0 ? 1 : 2 * (size_t)n->n_owned) *
						     sizeof *n->owned);
	assert(n->owned != NULL);
	n->owned[n->n_owned++] = *address;
	addrmap_set(&w->owners, address, n);
}

void world_disown(struct world *w, struct node *n)
{
	for (unsigned i = 0; i < n->n_owned; i++)
		if (is_own_address(n, &n->owned[i]))
			addrmap_del(&w->owners, &n->owned[i]);
	n->n_owned = 0;
}

/* A mobile node may register at its home agent, or at those of its home link where it has to look
 * for one. */
static bool is_agent_of(const struct node *agent, const struct bub_home_config *home)
{
	return bub_addr_eq(&home->home_agent, &agent->fixed) ||
	       (IN6_IS_ADDR_UNSPECIFIED(&home->home_agent) &&
		nat_same_link(&home->address, &agent->fixed));
}

static void make_clients(const struct node *n, struct node *agent)
{
	for (unsigned k = 0; k < n->cfg.n_homes; k++)
		if (is_agent_of(agent, &n->cfg.home[k]))
			bub_engine_add_client(agent->engine, &n->cfg.home[k].address);
}

static void start_engine(struct world *w, struct node *n)
{
	struct bub_env env = {.ctx = n, .random = random_octets, .trace = world_on_trace};
	int err = bub_engine_new(&n->cfg, &env, world_clock(n), &n->engine);

	assert(err == 0);
	for (unsigned i = 0; n->cfg.ha.enabled && i < w->n_nodes; i++)
		make_clients(w->node[i], n);
}

struct node *world_add_node(struct world *w, const char *name, const struct bub_config *cfg,
			    const char *fixed, struct place *place)
{
	struct node *n = calloc(1, sizeof *n);

	assert(n != NULL);
	n->world = w;
	n->index = w->n_nodes;
	n->name = name;
	n->cfg = *cfg;
	n->base_ns = n->zero_ns = w->now_ns;
	n->id.s6_addr[15] = (uint8_t)(n->index + 1);
	n->id.s6_addr[14] = (uint8_t)((n->index + 1) >> 8);
	n->id.s6_addr[8] = 2;
	n->place = place;
	if (fixed != NULL)
		n->fixed = must_parse(fixed);
	w->node = with_room(w->node, w->n_nodes, sizeof(struct node *));
	w->due.at = with_room(w->due.at, w->n_nodes, sizeof(struct heap_place));
	w->due.cap = w->n_nodes + 1;
	w->node[n->index] = n;
	w->n_nodes++;
	if (fixed != NULL)
		addrmap_set(&w->owners, &n->fixed, n);
	if (!IN6_IS_ADDR_UNSPECIFIED(&cfg->ha.ipv4_address)) {
		struct in6_addr prefix = addr_prefix(&cfg->ha.ipv4_address, 120);

		addrmap_set(&w->owners, &cfg->ha.ipv4_address, n);
		world_add_prefix(w, place, &prefix);
	}
	claim(n);
	if (cfg->ha.enabled && place != NULL)
		homelink_add(place, n);
	start_engine(w, n);
	reschedule(n);
	/* Home agents that were there before learn of the new client. */
	for (unsigned k = 0; k < cfg->n_homes; k++) {
		struct place *home = world_place_of(w, &cfg->home[k].address);

		for (struct node *a = home != NULL ? home->agent : NULL; a != NULL;
		     a = a->next_agent)
			if (is_agent_of(a, &cfg->home[k]))
				bub_engine_add_client(a->engine, &cfg->home[k].address);
	}
	return n;
}

static void tell_of_address(struct node *n, unsigned iface, enum bub_event_type type)
{
	const struct world_iface *f = &n->iface[iface];
	struct bub_event ev = {.type = type, .ifindex = iface + 1};

	ev.u.care_of.address = f->address;
	ev.u.care_of.prefix_len = (uint8_t)nat_prefix_len(&f->address);
	ev.u.care_of.preference = node_preference(f);
	if (f->valid_until_ns > n->world->now_ns + BUB_NS_PER_S)
		ev.u.care_of.valid_s =
			(uint32_t)((f->valid_until_ns - n->world->now_ns) / BUB_NS_PER_S);
	world_feed(n, &ev);
}

/* As the daemon does at its start. */
static void restore(struct node *n)
{
	struct bub_stored s;

	for (size_t at = 0; storage_next(&n->storage, &at, n->world->now_ns, &s);)
		if (bub_engine_restore(n->engine, world_clock(n), &s) == 0)
			drain(n);
}

void world_restart(struct world *w, struct node *n)
{
	unsigned first;

	bub_engine_free(n->engine);
	n->life++;
	n->n_paths = 0;
	addrmap_free(&n->tunnels);
	start_engine(w, n);
	restore(n);
	reschedule(n);
	_Static_assert(WORLD_INTERFACES == 2, "in the order in which they came up");
	if (n->plays_links)
		return;
	first = n->iface[1].since < n->iface[0].since;
	for (unsigned k = 0; k < WORLD_INTERFACES; k++)
		if (n->iface[first ^ k].place != NULL)
			tell_of_address(n, first ^ k, BUB_EV_CARE_OF_NEW);
}

void world_pause(struct world *w, struct node *n, bool down)
{
	(void)w;
	n->down = down;
	if (down)
		reschedule(n);
	else
		run_timers(n);
}

/* ---- Moving -------------------------------------------------------------------------------- */

/* Gives the node this link on that interface and takes the one it had, unseen by the engine. */
static void plug(struct node *n, unsigned iface, struct place *place)
{
	struct world_iface *f = &n->iface[iface];
	const struct world_iface *best;

	disclaim(n);
	f->place = place;
	if (place != NULL) {
		f->address = world_address(n, iface, place);
		f->since = ++n->world->order;
		f->valid_until_ns =
			place->valid_s == 0 ? 0 : n->world->now_ns + place->valid_s * BUB_NS_PER_S;
	}
	claim(n);
	best = node_best(n);
	n->place = best != NULL ? best->place : NULL;
	if (best != NULL)
		n->address = best->address;
}

void world_attach_by(struct world *w, struct node *n, unsigned iface, struct place *place)
{
	struct bub_event down = {.type = BUB_EV_LINK_DOWN, .ifindex = iface + 1};

	(void)w;
	if (n->iface[iface].place != NULL) {
		plug(n, iface, NULL);
		world_feed(n, &down);
	}
	if (place == NULL)
		return;
	plug(n, iface, place);
	tell_of_address(n, iface, BUB_EV_CARE_OF_NEW);
}

void world_attach(struct world *w, struct node *n, struct place *place)
{
	world_attach_by(w, n, 0, place);
}

void world_withdraw(struct world *w, struct node *n, unsigned iface)
{
	(void)w;
	if (n->iface[iface].place == NULL)
		return;
	plug(n, iface, NULL);
	tell_of_address(n, iface, BUB_EV_CARE_OF_GONE);
}

/* ---- Data ---------------------------------------------------------------------------------- */

static void send_on_path(struct world *w, struct node *n, const struct bub_path *path,
			 struct bub_view payload)
{
	uint8_t packet[WORLD_PACKET_MAX];
	struct bub_ip6_build b = {
		.src = path->out_src,
		.dst = path->out_dst,
		.hao = bub_addr_eq(&path->out_src, &path->local) ? NULL : &path->local,
		.rh2 = bub_addr_eq(&path->out_dst, &path->peer) ? NULL : &path->peer,
		.udp_from = BUB_UDP_PORT,
		.udp_to = path->udp_port,
		.upper_proto = 17,
		.upper_len = (uint16_t)payload.len,
	};
	int at = bub_ip6_encode(&b, packet, sizeof packet);

	assert(at > 0 && (size_t)at + payload.len <= sizeof packet);
	memcpy(packet + at, payload.data, payload.len);
	launch_packet(w, n, (struct bub_view){packet, (size_t)at + payload.len});
}

static void send_to_engine(struct node *n, const struct bub_path *plain, struct bub_view payload)
{
	struct bub_event ev = {.type = BUB_EV_PACKET};
	uint8_t packet[WORLD_PACKET_MAX];
	struct bub_ip6_build b = {
		.src = plain->local,
		.dst = plain->peer,
		.upper_proto = 17,
		.upper_len = (uint16_t)payload.len,
	};
	int at = bub_ip6_encode(&b, packet, sizeof packet);

	assert(at > 0 && (size_t)at + payload.len <= sizeof packet);
	memcpy(packet + at, payload.data, payload.len);
	ev.u.packet.data = (struct bub_view){packet, (size_t)at + payload.len};
	ev.u.packet.ingress = BUB_INGRESS_TUN;
	world_feed(n, &ev);
}

void world_send_payload(struct world *w, struct node *n, const struct in6_addr *src,
			const struct in6_addr *dst, struct bub_view payload)
{
	struct bub_path plain = {.local = *src, .peer = *dst, .out_src = *src, .out_dst = *dst};
	struct world_path *p = paths_find(n, src, dst);

	if (n->down)
		return;
	n->data_sent++;
	if (paths_may_go_direct(p, payload.len))
		send_on_path(w, n, &p->path, payload);
	else if (is_own_address(n, src))
		send_on_path(w, n, &plain, payload);
	else
		send_to_engine(n, &plain, payload);
}

void world_send_data(struct world *w, struct node *n, const struct in6_addr *src,
		     const struct in6_addr *dst)
{
	static const uint8_t udp[8];

	world_send_payload(w, n, src, dst, (struct bub_view){udp, sizeof udp});
}

void world_inject(struct world *w, const struct flight *f)
{
	push(w, copy_of(w, f));
}

/* ---- Running ------------------------------------------------------------------------------- */

static void run_node(struct node *n)
{
	const struct world_hooks *hooks = &n->world->hooks;

	if (!n->plays_links || hooks->node_due(hooks->ctx, n) > n->world->now_ns)
		run_timers(n);
	else
		hooks->node_run(hooks->ctx, n);
}

/* Does the next thing that is due by @end_ns; false: nothing is. */
static bool step(struct world *w, uint64_t end_ns)
{
	struct node *n = first_due(w);
	struct flight *f = flights_first(&w->flights);
	uint64_t timer_ns = n != NULL ? n->due.key : FOREVER_NS;
	uint64_t flight_ns = f != NULL ? f->at_ns : FOREVER_NS;
	uint64_t other_ns =
		w->hooks.other_due != NULL ? w->hooks.other_due(w->hooks.ctx) : FOREVER_NS;

	if ((n == NULL || timer_ns > end_ns) && (f == NULL || flight_ns > end_ns) &&
	    other_ns > end_ns)
		return false;
	if (other_ns < timer_ns && other_ns < flight_ns) {
		if (other_ns > w->now_ns)
			w->now_ns = other_ns;
		w->hooks.other_run(w->hooks.ctx);
		return true;
	}
	if (n != NULL && timer_ns <= flight_ns) {
		if (timer_ns > w->now_ns)
			w->now_ns = timer_ns;
		run_node(n);
		return true;
	}
	f = flights_pop(&w->flights);
	w->now_ns = flight_ns;
	arrive(w, f);
	flights_free(&w->flights, f);
	return true;
}

void world_run_to(struct world *w, uint64_t at_ns)
{
	while (step(w, at_ns))
		;
	w->now_ns = at_ns;
}

void world_run(struct world *w, uint64_t ms)
{
	world_run_to(w, w->now_ns + ms * BUB_NS_PER_MS);
}

bool world_run_until(struct world *w, uint64_t ms, bool (*done)(void *ctx), void *ctx)
{
	uint64_t end_ns = w->now_ns + ms * BUB_NS_PER_MS;

	while (!done(ctx))
		if (!step(w, end_ns))
			return done(ctx);
	return true;
}
