/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Home agent: multicast through the tunnel (RFC 6275, 10.4.2 and 10.4.3; protocol.md, P25).
 *
 * A home agent asks each registered mobile node, through its tunnel, which groups it listens to. It
 * keeps the answers, joins those groups on the home link as a proxy (RFC 4605), and gives each
 * member a copy of what is sent to them.  There is one listener only at the other end of a tunnel,
 * so that nobody else has to be asked when a mobile node leaves a group.
 *
 * Only groups of global scope.  Joining a group on the home link is the caller's.
 */
#include <string.h>

#include "base/ip6.h"
#include "ha/multicast.h"
#include "ha/state.h"
#include "ha/tunnel.h"
#include "mn/mn.h"

/* RFC 3810, 9.  One node answers each query, so that there is no burst to be spread. */
#define ROBUSTNESS 2u
#define QUERY_INTERVAL_S 125u
#define STARTUP_INTERVAL_MS (QUERY_INTERVAL_S * 1000 / 4)
#define RESPONSE_MS 1000u
#define RESTORED_MS 250u /* after a restart groups are missed until the answer is there */
#define LISTENER_MS (ROBUSTNESS * QUERY_INTERVAL_S * 1000 + RESPONSE_MS)

/* ---- Who listens to what -------------------------------------------------------------------- */

static void membership_trace(struct bub_engine *eng, const struct membership *m, bool listens,
			     const char *why)
{
	core_trace_state(eng, "membership", listens ? "none" : "listening",
			 listens ? "listening" : "none", why, &m->key.a, &m->key.b);
}

static void membership_leave(struct bub_engine *eng, struct membership *m, const char *why)
{
	struct group *g = table_find(&core_ha(eng)->groups, &m->key.a, &in6addr_any);
	struct membership **p = &g->first;

	membership_trace(eng, m, false, why);
	while (*p != m)
		p = &(*p)->next;
	*p = m->next;
	m->client->more->memberships--;
	core_timer_cancel(eng, &m->timer);
	table_remove(&core_ha(eng)->memberships, m);
	if (g->first != NULL)
		return;
	if (g->joined)
		core_ha(eng)->groups_at = 0; /* multicast_next_action() sees to it */
	else
		table_remove(&core_ha(eng)->groups, g);
}

static void membership_on_silence(struct bub_engine *eng, void *owner)
{
	membership_leave(eng, owner, "not reported any more");
}

/* NULL: the table is full. */
static struct membership *membership_add(struct bub_engine *eng, struct mobile_node *c,
					 const struct in6_addr *group)
{
	struct membership *m = table_add(&core_ha(eng)->memberships, group, &c->key.a);
	struct group *g = table_find(&core_ha(eng)->groups, group, &in6addr_any);

	if (m == NULL)
		return NULL;
	if (g == NULL) /* the table has twice as many places, since groups may wait to be left */
		g = table_add(&core_ha(eng)->groups, group, &in6addr_any);
	m->client = c;
	m->next = g->first;
	g->first = m;
	c->more->memberships++;
	timer_init(&m->timer, membership_on_silence, m);
	if (!g->joined)
		core_ha(eng)->groups_at = 0;
	membership_trace(eng, m, true, "reported");
	return m;
}

static void multicast_on_record(struct bub_engine *eng, struct mobile_node *c,
				const struct bub_mld_record *rec)
{
	struct membership *m = table_find(&core_ha(eng)->memberships, &rec->group, &c->key.a);

	if (rec->listens && bub_group_is_global(&rec->group)) {
		if (m == NULL &&
		    limit_share_used(core_ha(eng)->memberships.used, core_ha(eng)->memberships.cap,
				     c->more->memberships)) {
			core_drop(eng, BUB_DROP_MLD_SHARE, &c->key.a);
			return;
		}
		if (m == NULL)
			m = membership_add(eng, c, &rec->group);
		if (m != NULL)
			core_timer(eng, &m->timer, LISTENER_MS);
		else
			core_drop(eng, BUB_DROP_MLD_TABLE_FULL, &c->key.a);
	} else if (rec->leaves && m != NULL) {
		membership_leave(eng, m, "by the mobile node");
	}
}

void multicast_on_report(struct bub_engine *eng, struct mobile_node *c, const struct bub_ip6 *ip)
{
	struct bub_mld mld;
	/* The tunnel tells whose report it is; its source may be any link-local address (RFC
	 * 6275, 10.4.3). */
	enum bub_drop why =
		IN6_IS_ADDR_LINKLOCAL(&ip->src) ? bub_mld_decode(ip, &mld) : BUB_DROP_MLD_HEADER;
	struct bub_mld_record rec;

	if (!limit_allow_own(eng, LIMIT_REPORTS, &c->more->reports, &c->key.a, 0, 0))
		return;
	if (why == BUB_DROP_NONE && mld.kind == BUB_MLD_QUERY)
		why = BUB_DROP_MLD_UNEXPECTED;
	if (why != BUB_DROP_NONE) {
		core_drop(eng, why, &c->key.a);
		return;
	}
	if (mld.kind != BUB_MLD_REPORT_2) {
		rec = (struct bub_mld_record){
			.group = mld.group,
			.listens = mld.kind == BUB_MLD_REPORT_1,
			.leaves = mld.kind == BUB_MLD_DONE,
		};
		multicast_on_record(eng, c, &rec);
		return;
	}
	while (bub_mld_next(&mld.records, &rec))
		multicast_on_record(eng, c, &rec);
}

/* ---- Asking --------------------------------------------------------------------------------- */

static void multicast_query(struct bub_engine *eng, struct mobile_node *c, uint16_t response_ms)
{
	struct in6_addr src = addr_link_local(&core_ha(eng)->cfg.address);
	uint8_t *packet = core_next_buffer(eng); /* of the action to come */

	bub_mld_query(&src, response_ms, ROBUSTNESS, QUERY_INTERVAL_S, packet);
	ha_tunnel(eng, c, (struct bub_view){packet, BUB_MLD_QUERY_LEN});
	c->more->queries++;
	core_timer(eng, &c->more->query_timer,
		   c->more->queries < ROBUSTNESS ? STARTUP_INTERVAL_MS : QUERY_INTERVAL_S * 1000);
}

static void multicast_on_query_timer(struct bub_engine *eng, void *owner)
{
	multicast_query(eng, owner, RESPONSE_MS);
}

void multicast_node_init(struct bub_engine *eng, struct mobile_node *c)
{
	if (core_ha(eng)->cfg.multicast)
		timer_init(&c->more->query_timer, multicast_on_query_timer, c);
}

/* Asked again after each movement and refresh: a report may have been lost on the way, and who has
 * started anew needs a query before it may report. */
void multicast_on_registered(struct bub_engine *eng, struct mobile_node *c)
{
	if (!core_ha(eng)->cfg.multicast)
		return;
	c->more->queries = 0;
	multicast_query(eng, c, RESPONSE_MS);
}

void multicast_on_restored(struct bub_engine *eng, struct mobile_node *c)
{
	if (!core_ha(eng)->cfg.multicast)
		return;
	c->more->queries = 0;
	multicast_query(eng, c, RESTORED_MS);
}

void multicast_on_unregistered(struct bub_engine *eng, struct mobile_node *c)
{
	struct membership *m = NULL;

	if (!core_ha(eng)->cfg.multicast)
		return;
	core_timer_cancel(eng, &c->more->query_timer);
	while (c->more->memberships > 0) {
		m = table_next(&core_ha(eng)->memberships, m);
		if (m->client == c)
			membership_leave(eng, m, "its registration has ended");
	}
}

/* ---- Packets -------------------------------------------------------------------------------- */

/* A copy for each member but the sender; @packet lives as long as the actions of this feed. */
static void multicast_fan_out(struct bub_engine *eng, const struct group *g,
			      const struct in6_addr *src, struct bub_view packet)
{
	core_ha(eng)->fan.packet = packet;
	core_ha(eng)->fan.next = g != NULL ? g->first : NULL;
	core_ha(eng)->fan.sender = ha_mobile_node(eng, src);
	/* For all of them: a group is no tunnel's end. */
	if (g != NULL && !encap_admit(eng, packet, &core_ha(eng)->cfg.address, &g->key.a,
				      &core_ha(eng)->fan.encap))
		core_ha(eng)->fan.next = NULL;
}

bool multicast_intercept(struct bub_engine *eng, const struct in6_addr *dst, struct bub_view packet)
{
	const struct group *g = table_find(&core_ha(eng)->groups, dst, &in6addr_any);
	struct in6_addr src;

	src = ip6_src(packet.data);
	if (g == NULL || core_home_of(eng, &src) != NULL)
		return false;
	multicast_fan_out(eng, g, &src, packet);
	return true;
}

void multicast_forward(struct bub_engine *eng, const struct bub_ip6 *ip)
{
	const struct group *g = table_find(&core_ha(eng)->groups, &ip->dst, &in6addr_any);
	struct bub_view copy = {core_scratch(eng), ip->packet.len};
	bool on_link = core_ha(eng)->cfg.physical_link;
	struct bub_action *act = core_action(eng, on_link ? BUB_ACT_GROUP_SEND : BUB_ACT_DELIVER);

	memcpy(core_scratch(eng), ip->packet.data, ip->packet.len);
	core_scratch(eng)[IP6_HOP_LIMIT_AT]--;
	act->u.send.data = on_link ? copy : ip->packet; /* the kernel counts the hop itself */
	multicast_fan_out(eng, g, &ip->src, copy);
}

/* ---- Actions without number ----------------------------------------------------------------- */

/* The next group that has got its first member or lost its last one. */
static bool next_group(struct bub_engine *eng, struct bub_action *ret)
{
	struct group *g;

	while ((g = table_from(&core_ha(eng)->groups, &core_ha(eng)->groups_at)) != NULL) {
		bool wanted = g->first != NULL && core_ha(eng)->cfg.physical_link;

		if (g->joined == wanted)
			continue;
		g->joined = wanted;
		*ret = (struct bub_action){
			.type = wanted ? BUB_ACT_GROUP_JOIN : BUB_ACT_GROUP_LEAVE,
			.u.group = g->key.a,
		};
		if (!wanted)
			table_remove(&core_ha(eng)->groups, g);
		return true;
	}
	return false;
}

static bool next_copy(struct bub_engine *eng, struct bub_action *ret)
{
	const struct membership *m = core_ha(eng)->fan.next;

	if (m != NULL && m->client == core_ha(eng)->fan.sender)
		m = m->next;
	if (m == NULL) {
		core_ha(eng)->fan.next = NULL;
		return false;
	}
	core_ha(eng)->fan.next = m->next;
	*ret = (struct bub_action){.type = BUB_ACT_SEND};
	ha_fill_tunnel(eng, m->client, core_ha(eng)->fan.packet, &core_ha(eng)->fan.encap, ret);
	return true;
}

bool multicast_next_action(struct bub_engine *eng, struct bub_action *ret_action)
{
	return next_group(eng, ret_action) || next_copy(eng, ret_action);
}

bool multicast_is_drained(const struct bub_engine *eng)
{
	return core_ha(eng)->fan.next == NULL;
}
