/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Home agent: mobile prefix discovery (RFC 6275, 10.6): which prefixes the home link has.
 *
 * A home agent answers mobile nodes that ask.  When the prefixes change it tells each mobile node
 * that is registered, at a random time, and repeats that until the mobile node asks.  It tells the
 * prefixes that it serves itself: in any other it would refuse the registration.  All of it goes
 * under the same protection as Binding Updates.
 */
#include <string.h>

#include "ha/state.h"

static void prefixes_send_advert(struct bub_engine *eng, struct mobile_node *c,
				 const struct in6_addr *dst, uint16_t id)
{
	struct bub_icmp6 adv = {.kind = BUB_ICMP6_PREFIX_ADVERT};
	const struct route r = ha_route_to(eng, &c->key.a, dst);

	adv.u.prefix.id = id;
	agents_flags(eng, &adv.u.prefix.managed, &adv.u.prefix.other);
	/* Always the whole list (RFC 6275, 10.6.2). */
	for (unsigned i = 0; i < core_ha(eng)->cfg.n_prefixes; i++)
		adv.prefix[adv.n_prefixes++] = (struct bub_prefix_info){
			.prefix = core_ha(eng)->cfg.prefix[i].prefix,
			.prefix_len = core_ha(eng)->cfg.prefix[i].len,
			.on_link = true,
			.autonomous = true,
			.valid_s = core_ha(eng)->cfg.prefix[i].valid_s,
			.preferred_s = core_ha(eng)->cfg.prefix[i].preferred_s,
		};
	c->prefixes_told = core_now(eng);
	core_send_icmp6(eng, &r, &adv);
}

static const struct bub_ha_prefix *prefixes_find(const struct bub_engine *eng,
						 const struct in6_addr *home)
{
	for (unsigned i = 0; i < core_ha(eng)->cfg.n_prefixes; i++)
		if (bub_addr_in_prefix(home, &core_ha(eng)->cfg.prefix[i].prefix,
				       core_ha(eng)->cfg.prefix[i].len))
			return &core_ha(eng)->cfg.prefix[i];
	return NULL;
}

static uint32_t preferred_s_of(const struct bub_engine *eng, const struct in6_addr *home)
{
	const struct bub_ha_prefix *p = prefixes_find(eng, home);

	return p != NULL ? p->preferred_s : 0;
}

/* How long the home address may be used yet.  Where its prefix has been withdrawn without notice,
 * until its mobile node can have been told: the longest RAND_ADV_DELAY, and all repetitions. */
static uint32_t valid_s_of(const struct bub_engine *eng, const struct in6_addr *home)
{
	const struct bub_ha_prefix *p = prefixes_find(eng, home);

	if (p != NULL && p->valid_s > 0)
		return p->valid_s;
	return 2 * core_ha(eng)->cfg.prefix_advert_min_s +
	       (PREFIX_ADV_TIMEOUT_MS << PREFIX_ADV_RETRIES) / 1000;
}

/* RAND_ADV_DELAY of RFC 6275, 10.6.2.  An advertisement that is scheduled already goes out at its
 * time, with the prefixes as they are then. */
static void prefixes_schedule(struct bub_engine *eng, struct mobile_node *c)
{
	uint32_t min_s = core_ha(eng)->cfg.prefix_advert_min_s;
	uint32_t max_s = core_ha(eng)->cfg.prefix_advert_max_s;
	uint32_t preferred_s = preferred_s_of(eng, &c->key.a);
	uint32_t span_s, lot;

	c->prefix_sends = 0;
	if (timer_is_set(&c->prefix_timer))
		return;
	if (preferred_s < max_s)
		max_s = preferred_s;
	span_s = max_s > min_s ? max_s - min_s : min_s - max_s;
	core_random(eng, &lot, sizeof lot);
	core_timer(eng, &c->prefix_timer,
		   ((uint64_t)min_s + (span_s > 0 ? lot % span_s : 0)) * 1000);
}

/* Milliseconds until the next one may go out: not more than one a second to a mobile node (RFC
 * 6275, 6.8). */
static uint64_t advert_wait(const struct bub_engine *eng, const struct mobile_node *c)
{
	uint64_t ms = bub_time_ms_between(c->prefixes_told, core_now(eng));

	return c->prefixes_told.ns != 0 && ms < 1000 ? 1000 - ms : 0;
}

static void prefixes_on_client_timer(struct bub_engine *eng, void *owner)
{
	struct mobile_node *c = owner;
	uint64_t wait_ms = advert_wait(eng, c);

	if (wait_ms > 0) {
		core_timer(eng, &c->prefix_timer, wait_ms);
		return;
	}
	if (c->prefix_asked) {
		c->prefix_asked = false;
		c->prefixes_known = true;
		/* To where it asked from (RFC 6275, 10.6.3); one that has moved asks again. */
		if (bub_addr_eq(&c->prefix_source, &c->care_of))
			prefixes_send_advert(eng, c, &c->care_of, c->prefix_id);
		return;
	}
	prefixes_send_advert(eng, c, &c->care_of, 0);
	c->prefix_sends++;
	if (c->prefix_sends <= PREFIX_ADV_RETRIES) /* RFC 6275, 10.6.2 and 12 */
		core_timer(eng, &c->prefix_timer,
			   (uint64_t)PREFIX_ADV_TIMEOUT_MS << (c->prefix_sends - 1));
}

void prefixes_node_init(struct mobile_node *c)
{
	timer_init(&c->prefix_timer, prefixes_on_client_timer, c);
}

void prefixes_on_registered(struct bub_engine *eng, struct mobile_node *c)
{
	uint64_t max_ms = (uint64_t)core_ha(eng)->cfg.prefix_advert_max_s * 1000;

	if (!core_ha(eng)->cfg.prefix_adverts || timer_is_set(&c->prefix_timer))
		return;
	if (c->prefix_sends > PREFIX_ADV_RETRIES) {
		/* It has not heard us, but is there: begin again (RFC 6275, 10.6.2). */
		c->prefix_sends = 0;
		core_timer(eng, &c->prefix_timer, 0);
	} else if (!c->prefixes_known ||
		   bub_time_ms_between(c->prefixes_told, core_now(eng)) >= max_ms) {
		prefixes_schedule(eng, c);
	}
}

/* Nothing goes to a node that is not registered (RFC 6275, 10.6.2). */
void prefixes_on_unregistered(struct bub_engine *eng, struct mobile_node *c)
{
	core_timer_cancel(eng, &c->prefix_timer);
	c->prefix_sends = 0;
	c->prefix_asked = false;
}

void prefixes_on_solicitation(struct bub_engine *eng, const struct bub_ip6 *ip,
			      const struct bub_icmp6 *sol, const struct bub_event *ev)
{
	struct mobile_node *c = ha_mobile_node(eng, &ev->u.packet.owner);
	const struct in6_addr *from = core_from(ip, ev);
	bool asked;

	/* Answered only to whom we serve and to where it is (RFC 6275, 10.6.3). */
	if (ev->u.packet.ingress != BUB_INGRESS_ESP_TRANSPORT || c == NULL || !c->registered ||
	    !ip->has_hao || !bub_addr_eq(&ip->hao, &c->key.a) || !bub_addr_eq(from, &c->care_of)) {
		core_drop(eng, BUB_DROP_PREFIX_NOT_PROTECTED, &ip->src);
		return;
	}
	if (!core_ha(eng)->cfg.prefix_adverts) { /* the operator's word (RFC 6275, 8.4) */
		core_drop(eng, BUB_DROP_PREFIX_ADVERTS_OFF, &ip->src);
		return;
	}
	asked = c->prefix_asked;
	/* A solicitation acknowledges the advertisements that were sent unasked (RFC 6275, 10.6.2).
	 */
	prefixes_on_unregistered(eng, c);
	c->prefixes_known = true;
	/* Too soon after the last advertisement: answered later; the last question counts. */
	if (advert_wait(eng, c) > 0) {
		if (asked)
			core_drop(eng, BUB_DROP_RATE_LIMITED, &c->key.a);
		c->prefix_asked = true;
		c->prefix_id = sol->u.prefix.id;
		c->prefix_source = *from;
		core_timer(eng, &c->prefix_timer, advert_wait(eng, c));
		return;
	}
	prefixes_send_advert(eng, c, from, sol->u.prefix.id);
}

static bool prefixes_same(const struct bub_ha_prefix *a, const struct bub_ha_prefix *b)
{
	return a->len == b->len && bub_addr_in_prefix(&a->prefix, &b->prefix, b->len);
}

static bool prefixes_all_same(const struct bub_ha_config *ha, const struct bub_event *ev)
{
	if (ha->n_prefixes != ev->u.prefixes.n || ha->managed != ev->u.prefixes.managed ||
	    ha->other != ev->u.prefixes.other)
		return false;
	for (unsigned i = 0; i < ha->n_prefixes; i++)
		if (!prefixes_same(&ha->prefix[i], &ev->u.prefixes.prefix[i]) ||
		    ha->prefix[i].valid_s != ev->u.prefixes.prefix[i].valid_s ||
		    ha->prefix[i].preferred_s != ev->u.prefixes.prefix[i].preferred_s)
			return false;
	return true;
}

/* A prefix that was taken away stays, with lifetimes of zero, so that its mobile nodes hear of it.
 */
static void keep_withdrawn(struct bub_ha_config *ha, struct bub_ha_prefix old)
{
	for (unsigned i = 0; i < ha->n_prefixes; i++)
		if (prefixes_same(&ha->prefix[i], &old))
			return;
	if (ha->n_prefixes == BUB_HA_PREFIXES_MAX)
		return;
	old.valid_s = old.preferred_s = 0;
	ha->prefix[ha->n_prefixes++] = old;
}

void prefixes_set(struct bub_engine *eng, const struct bub_event *ev)
{
	struct bub_ha_config *ha = &core_ha(eng)->cfg;
	const struct bub_ha_config before = *ha;
	struct mobile_node *c;

	if (!ha->enabled || ev->u.prefixes.n > BUB_HA_PREFIXES_MAX || prefixes_all_same(ha, ev))
		return;
	ha->managed = ev->u.prefixes.managed;
	ha->other = ev->u.prefixes.other;
	ha->n_prefixes = ev->u.prefixes.n;
	memcpy(ha->prefix, ev->u.prefixes.prefix, ha->n_prefixes * sizeof ha->prefix[0]);
	for (unsigned i = 0; i < before.n_prefixes; i++)
		keep_withdrawn(ha, before.prefix[i]);
	for (c = table_next(&core_ha(eng)->clients, NULL); c != NULL;
	     c = table_next(&core_ha(eng)->clients, c)) {
		c->prefixes_known = false;
		if (!c->registered)
			continue;
		if (core_ha(eng)->cfg.prefix_adverts)
			prefixes_schedule(eng, c);
		ha_end_with_prefix(eng, c, valid_s_of(eng, &c->key.a));
	}
}
