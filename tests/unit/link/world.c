/* SPDX-License-Identifier: BSD-2-Clause */
/* See world.h. */
#include "world.h"

#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define START_NS (1000 * BUB_NS_PER_S)
#define ND_LEN 24

struct in6_addr address(const char *text)
{
	struct in6_addr a;

	assert_int_equal(inet_pton(AF_INET6, text, &a), 1);
	return a;
}

void world_init(struct world *w)
{
	*w = (struct world){.now = {START_NS}};
	w->cfg.homes[0] = address(HOME);
	w->cfg.home_prefix_len[0] = 64;
	w->cfg.n_homes = 1;
	w->cfg.route_table = 100;
	w->cfg.care_of_rule = 1000;
	w->cfg.stale_rule = 1001;
	w->cfg.landing = 1003;
	w->cfg.grace_ms = 1000;
	w->cfg.home.home_table = 50;
	w->cfg.max_paths = 16;
	w->cfg.tunnel.max = 16;
}

static void world_answer_path(struct world *w, const struct link_out *out)
{
	const struct link_hop_question *q = &out->u.question;

	if (out->type == LINK_PATH_SET)
		link_path_done(w->lk, w->now, &out->u.path.local, &out->u.path.peer, w->path_error);
	else if (out->type == LINK_HOP_ASK && !w->silent)
		link_hop(w->lk, w->now, q, w->hop != NULL ? w->hop(q) : NULL);
}

void world_drain(struct world *w)
{
	struct link_out out;

	while (link_next(w->lk, &out)) {
		assert_in_range(w->n_out, 0, WORLD_OUTS_MAX - 1);
		w->out[w->n_out++] = out;
		world_answer_path(w, &out);
		if (out.id == 0)
			continue;
		if (!w->silent) {
			link_done(w->lk, w->now, out.id, w->verdict);
			continue;
		}
		assert_in_range(w->n_waiting, 0, 127);
		w->waiting[w->n_waiting++] = out.id;
	}
}

void world_answer(struct world *w)
{
	w->silent = false;
	for (unsigned i = 0; i < w->n_waiting; i++)
		link_done(w->lk, w->now, w->waiting[i], w->verdict);
	w->n_waiting = 0;
	world_drain(w);
}

void world_start(struct world *w)
{
	if (w->lk == NULL)
		w->lk = link_new(&w->cfg);
	assert_non_null(w->lk);
	link_start(w->lk, w->now);
	world_drain(w);
}

void world_done(struct world *w)
{
	link_free(w->lk);
}

void world_forget(struct world *w)
{
	w->n_out = 0;
}

void world_feed(struct world *w, const struct link_fact *fact)
{
	if (w->lk == NULL)
		w->lk = link_new(&w->cfg);
	assert_non_null(w->lk);
	link_feed(w->lk, w->now, fact);
	world_drain(w);
}

void world_pass_ms(struct world *w, uint64_t ms)
{
	const struct bub_time end = bub_time_add_ms(w->now, ms);

	for (;;) {
		struct bub_time due = link_deadline(w->lk);

		if (bub_time_before(end, due))
			break;
		if (bub_time_before(w->now, due))
			w->now = due;
		link_expire(w->lk, w->now);
		world_drain(w);
	}
	w->now = end;
}

/* ---- Facts --------------------------------------------------------------------------------- */

struct link_iface_fact iface_fact(uint32_t ifindex, const char *name)
{
	struct link_iface_fact f = {
		.ifindex = ifindex,
		.mtu = 1500,
		.mac = {2, 0, 0, 0, 0, (uint8_t)ifindex},
		.has_mac = true,
		.up = true,
		.running = true,
	};

	snprintf(f.name, sizeof(f.name), "%s", name);
	return f;
}

struct link_addr_fact addr_fact(uint32_t ifindex, const char *addr)
{
	return (struct link_addr_fact){
		.addr = address(addr),
		.ifindex = ifindex,
		.prefix_len = 64,
		.from_ra = true,
		.valid_until = BUB_TIME_NEVER,
	};
}

void world_iface(struct world *w, const struct link_iface_fact *fact)
{
	struct link_fact f = {.type = LINK_FACT_IFACE};

	f.u.iface = *fact;
	world_feed(w, &f);
}

void world_carrier(struct world *w, uint32_t ifindex, const char *name, bool on)
{
	struct link_iface_fact f = iface_fact(ifindex, name);

	f.running = on;
	world_iface(w, &f);
}

void world_addr(struct world *w, const struct link_addr_fact *fact)
{
	struct link_fact f = {.type = LINK_FACT_ADDR};

	f.u.addr = *fact;
	world_feed(w, &f);
}

void world_addr_gone(struct world *w, uint32_t ifindex, const char *addr)
{
	struct link_fact f = {.type = LINK_FACT_ADDR_GONE};

	f.u.addr.addr = address(addr);
	f.u.addr.ifindex = ifindex;
	world_feed(w, &f);
}

void world_route(struct world *w, uint32_t ifindex, const char *gateway, bool from_ra)
{
	struct link_fact f = {.type = LINK_FACT_ROUTE};

	f.u.route.ifindex = ifindex;
	f.u.route.table = 254;
	f.u.route.gateway = address(gateway);
	f.u.route.from_ra = from_ra;
	world_feed(w, &f);
}

static void nd(struct world *w, uint32_t ifindex, const char *src, const char *dst,
	       const uint8_t *msg, size_t len)
{
	struct link_fact f = {.type = LINK_FACT_ND};

	f.u.nd.ifindex = ifindex;
	f.u.nd.src = address(src);
	f.u.nd.dst = address(dst);
	f.u.nd.msg = (struct bub_view){msg, len};
	world_feed(w, &f);
}

void world_advert(struct world *w, const struct advert *ra)
{
	const struct in6_addr src = address(ra->router), dst = address("ff02::1");
	struct bub_icmp6 m = {.kind = BUB_ICMP6_ROUTER_ADVERT};
	uint8_t msg[256];
	int len;

	m.u.ra.lifetime_s = ra->lifetime_s;
	m.u.ra.has_source_ll = true;
	m.u.ra.source_ll[5] = ra->mac != 0 ? ra->mac : src.s6_addr[15];
	if (ra->prefix != NULL) {
		m.n_prefixes = 1;
		m.prefix[0].prefix = address(ra->global != NULL ? ra->global : ra->prefix);
		m.prefix[0].prefix_len = 64;
		m.prefix[0].router_address = ra->global != NULL;
		m.prefix[0].on_link = !ra->off_link;
		m.prefix[0].autonomous = ra->autonomous;
		m.prefix[0].valid_s = ra->valid_s;
		m.prefix[0].preferred_s = ra->valid_s;
	}
	len = bub_icmp6_encode(&m, &src, &dst, msg, sizeof(msg));
	assert_true(len > 0);
	nd(w, ra->ifindex, ra->router, "ff02::1", msg, (size_t)len);
}

void world_ra(struct world *w, uint32_t ifindex, const char *router, const char *prefix)
{
	const struct advert ra = {
		.ifindex = ifindex,
		.router = router,
		.prefix = prefix,
		.lifetime_s = 1800,
		.valid_s = 3600,
		.autonomous = true,
	};

	world_advert(w, &ra);
}

void world_na(struct world *w, uint32_t ifindex, const char *target)
{
	const struct in6_addr addr = address(target);
	uint8_t msg[ND_LEN] = {136, [4] = 0x60};

	memcpy(msg + 8, &addr, sizeof(addr));
	nd(w, ifindex, target, "fe80::5", msg, sizeof(msg));
}

void world_hear(struct world *w, const struct heard *h)
{
	const struct in6_addr addr = address(h->target);
	struct link_fact f = {.type = h->overheard ? LINK_FACT_OVERHEARD : LINK_FACT_ND};
	uint8_t msg[ND_LEN + 8] = {h->type, [ND_LEN] = 2, 1, 2, [ND_LEN + 7] = h->mac};

	memcpy(msg + 8, &addr, sizeof(addr));
	f.u.nd.ifindex = h->ifindex;
	f.u.nd.src = address(h->src);
	f.u.nd.dst = address("ff02::1");
	f.u.nd.msg = (struct bub_view){msg, h->mac != 0 ? ND_LEN + 8 : ND_LEN};
	world_feed(w, &f);
}

void world_na_of(struct world *w, uint32_t ifindex, const char *target, uint8_t mac)
{
	const struct in6_addr addr = address(target);
	uint8_t msg[ND_LEN + 8] = {136, [4] = 0x60, [ND_LEN] = 2, 1, [ND_LEN + 7] = mac};

	memcpy(msg + 8, &addr, sizeof(addr));
	nd(w, ifindex, target, "fe80::5", msg, sizeof(msg));
}

/* ---- What was given out -------------------------------------------------------------------- */

const struct link_out *last_of(const struct world *w, enum link_out_type type)
{
	for (unsigned i = w->n_out; i-- > 0;) {
		if (w->out[i].type == type)
			return &w->out[i];
	}
	return NULL;
}

unsigned count_of(const struct world *w, enum link_out_type type)
{
	unsigned n = 0;

	for (unsigned i = 0; i < w->n_out; i++)
		n += w->out[i].type == type;
	return n;
}

static bool is_event(const struct link_out *out, enum bub_event_type type)
{
	return out->type == LINK_EVENT && out->u.event.type == type;
}

const struct bub_event *last_event(const struct world *w, enum bub_event_type type)
{
	for (unsigned i = w->n_out; i-- > 0;) {
		if (is_event(&w->out[i], type))
			return &w->out[i].u.event;
	}
	return NULL;
}

unsigned count_events(const struct world *w, enum bub_event_type type)
{
	unsigned n = 0;

	for (unsigned i = 0; i < w->n_out; i++)
		n += is_event(&w->out[i], type);
	return n;
}

unsigned count_nd(const struct world *w, uint8_t type, const char *dst)
{
	const struct in6_addr to = address(dst);
	unsigned n = 0;

	for (unsigned i = 0; i < w->n_out; i++) {
		const struct link_out *out = &w->out[i];

		n += out->type == LINK_ND_SEND && out->u.nd.msg[0] == type &&
		     bub_addr_eq(&out->u.nd.dst, &to);
	}
	return n;
}

unsigned count_about(const struct world *w, uint8_t type, const char *target)
{
	const struct in6_addr about = address(target);
	unsigned n = 0;

	for (unsigned i = 0; i < w->n_out; i++) {
		const struct link_out *out = &w->out[i];

		n += out->type == LINK_ND_SEND && out->u.nd.msg[0] == type &&
		     memcmp(out->u.nd.msg + 8, &about, sizeof(about)) == 0;
	}
	return n;
}

int verdict_of(const struct world *w, uint32_t id)
{
	for (unsigned i = 0; i < w->n_out; i++) {
		if (is_event(&w->out[i], BUB_EV_DONE) && w->out[i].u.event.u.done.id == id)
			return w->out[i].u.event.u.done.error;
	}
	return NOT_TOLD;
}

bool was_said(const struct world *w, enum link_say what)
{
	for (unsigned i = 0; i < w->n_out; i++) {
		if (w->out[i].type == LINK_SAY && w->out[i].u.say.what == what)
			return true;
	}
	return false;
}

void world_begin(struct world *w)
{
	world_start(w);
	world_carrier(w, E0, "e0", true);
}

void world_usable(struct world *w, uint32_t ifindex, const char *router, const char *prefix,
		  const char *addr)
{
	const struct link_addr_fact a = addr_fact(ifindex, addr);

	world_ra(w, ifindex, router, prefix);
	world_addr(w, &a);
}
