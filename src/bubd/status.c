/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Turns the engine's status structures and the kernel room's counters into JSON.  Owns the names of
 * the members, which are an interface: they are never renamed and never change their meaning.
 *
 * An address that there is none of is null, never "::".  Every number is an integer.
 */
#include "status.h"
#include "addrtext.h"

#include <stdio.h>
#include <string.h>

#include "absence.h"
#include "lacking.h"
#include "linux_xfrm.h"
#include "owners.h"

#define LNX_COUNTERS_MAX 128
#define WHY_MAX 2048

static json_t *status_address(const struct in6_addr *addr)
{
	char text[INET6_ADDRSTRLEN];

	if (IN6_IS_ADDR_UNSPECIFIED(addr))
		return json_null();
	return json_string(addrtext_of(addr, text));
}

static json_t *status_string(const char *text)
{
	return text != NULL ? json_string(text) : json_null();
}

static json_t *status_number(uint64_t n)
{
	/* JSON's numbers are signed here: a counter would need centuries to get there. */
	return json_integer(n > (uint64_t)INT64_MAX ? INT64_MAX : (json_int_t)n);
}

/* The setters of jansson take the value over and fail when it is NULL, so that one check of the
 * whole would not see a missing member: out of memory leaves a member out. */
static void status_set(json_t *object, const char *name, json_t *value)
{
	(void)json_object_set_new(object, name, value);
}

static json_t *status_roles(const struct bub_config *cfg)
{
	json_t *array = json_array();

	if (cfg->n_homes > 0)
		(void)json_array_append_new(array, json_string("mobile-node"));
	if (cfg->ha.enabled)
		(void)json_array_append_new(array, json_string("home-agent"));
	(void)json_array_append_new(array, json_string("correspondent"));
	return array;
}

/* What is known of an answer that does not come; the octets of that. */
static size_t why_silent(char *text, size_t room, const struct bub_home_status *h)
{
	char addr[INET6_ADDRSTRLEN];
	int n = 0;

	if (h->trouble == BUB_TROUBLE_NONE || h->unanswered == 0)
		return 0;
	n = snprintf(text, room, " (no answer %u times in %u s", h->unanswered, h->unanswered_s);
	if (!IN6_IS_ADDR_UNSPECIFIED(&h->reporter))
		n += snprintf(text + n, room - (size_t)n, "; says %s",
			      inet_ntop(AF_INET6, &h->reporter, addr, sizeof(addr)));
	n += snprintf(text + n, room - (size_t)n, ")");
	return (size_t)n;
}

/* Without keys nothing is sent that could be answered; the octets of that. */
static size_t why_no_keys(const struct status_source *src, const struct in6_addr *home, char *text,
			  size_t room)
{
	char why[WHY_MAX / 2];

	keyd_why(src->keyd, home, why, sizeof(why));
	return (size_t)snprintf(text, room, "; no keys yet%s%s", why[0] != '\0' ? ": " : "", why);
}

/* What else was seen of @home; the octets of that. */
static size_t why_complaint(const struct status_source *src, const struct in6_addr *home,
			    const char *before, char *text, size_t room)
{
	char clause[WHY_MAX / 2];

	if (!complaints_about(src->complaints, src->now, home, clause, sizeof(clause)))
		return 0;
	return (size_t)snprintf(text, room, "%s%s", before, clause);
}

/* The engine's reason, and from where the home agent was not reached. */
static json_t *why_home(const struct status_source *src, const struct bub_home_status *h)
{
	char text[WHY_MAX], addr[INET6_ADDRSTRLEN];
	struct lnx_failure failed;
	const char *shared = lnx_shared(src->lnx);
	size_t len;

	len = (size_t)snprintf(text, WHY_MAX / 4, "%s", h->why != NULL ? h->why : "");
	len += keyd_lacks(src->keyd, &h->address)
		       ? why_no_keys(src, &h->address, text + len, sizeof(text) - len)
		       : why_silent(text + len, sizeof(text) - len, h);
	len += why_complaint(src, &h->address, "; ", text + len, sizeof(text) - len);
	if (shared != NULL)
		len += (size_t)snprintf(text + len, sizeof(text) - len, "; %s", shared);
	if (IN6_IS_ADDR_UNSPECIFIED(&h->care_of)) {
		if (absence_is_of(h))
			(void)absence_words(src->lnx, ": ", text + len, sizeof(text) - len);
		return json_string(text);
	}
	for (unsigned at = 0; len < sizeof(text) && lnx_failure_next(src->lnx, &at, &failed);)
		len += (size_t)snprintf(text + len, sizeof(text) - len, "; no answer by %s on %s",
					addrtext_of(&failed.addr, addr), failed.interface);
	return len > 0 ? json_string(text) : json_null();
}

static json_t *home_interface(const struct status_source *src, const struct bub_home_status *h)
{
	char name[16] = "";

	if (!lnx_home_interface(src->lnx, &h->address, &h->care_of, name))
		return json_null();
	return json_string(name);
}

static json_t *status_trouble(enum bub_trouble what)
{
	return what != BUB_TROUBLE_NONE ? json_string(bub_trouble_name(what)) : json_null();
}

/* NULL: there was none. */
static json_t *status_handover(const struct status_source *src, const struct handover *h)
{
	struct handover_number n[HANDOVER_NUMBERS];
	json_t *o = NULL;

	if (h == NULL)
		return json_null();
	o = json_object();
	status_set(o, "mode", status_string(handover_mode_name(h->mode)));
	status_set(o, "result", status_string(handover_result_name(h->result)));
	status_set(o, "moved", status_string(handover_moved_name(h)));
	status_set(o, "from", status_address(&h->ours.from));
	status_set(o, "to", status_address(&h->ours.to));
	status_set(o, "peer_from", status_address(&h->peers.from));
	status_set(o, "peer_to", status_address(&h->peers.to));
	status_set(o, "age_s", status_number(bub_time_ms_between(h->began, src->now) / 1000));
	handover_numbers(h, n);
	for (unsigned i = 0; i < HANDOVER_NUMBERS; i++)
		status_set(o, n[i].name, n[i].known ? status_number(n[i].value) : json_null());
	return o;
}

static json_t *status_tunnel(const struct handover_tunnel *t)
{
	json_t *o = NULL;

	if (t == NULL)
		return json_null();
	o = json_object();
	status_set(o, "packets_in", status_number(t->in_packets));
	status_set(o, "octets_in", status_number(t->in_octets));
	status_set(o, "packets_out", status_number(t->out_packets));
	status_set(o, "octets_out", status_number(t->out_octets));
	return o;
}

static json_t *status_direct(const struct status_source *src, const struct bub_peer_status *p)
{
	struct lnx_traffic t;
	json_t *o = NULL;

	if (!lnx_traffic(src->lnx, &p->local, &p->peer, &t))
		return json_null();
	o = json_object();
	status_set(o, "packets_in", status_number(t.in_packets));
	status_set(o, "octets_in", status_number(t.in_octets));
	status_set(o, "packets_out", status_number(t.out_packets));
	status_set(o, "octets_out", status_number(t.out_octets));
	status_set(o, "refused_in", status_number(t.in_refused));
	status_set(o, "dropped_out", status_number(t.out_dropped));
	return o;
}

/* Seconds since @then; 0, "it was not": NULL. */
static json_t *status_age(const struct status_source *src, struct bub_time then)
{
	return then.ns != 0 ? status_number(bub_time_ms_between(then, src->now) / 1000)
			    : json_null();
}

/* The key that the peer is told of moves with. */
static void peer_key(json_t *o, const struct status_source *src, const struct bub_peer_status *p,
		     const struct handovers_view *view)
{
	const bool kbm = !p->kabm && p->mode == BUB_MODE_RO && view->kbm_since.ns != 0;

	status_set(o, "key",
		   p->kabm ? json_string("Kabm")
		   : kbm   ? json_string("Kbm")
			   : json_null());
	status_set(o, "key_age_s",
		   p->kabm ? status_age(src, view->kabm_since)
		   : kbm   ? status_age(src, view->kbm_since)
			   : json_null());
}

static json_t *status_gaps(const struct gaps *g)
{
	json_t *o = json_object();

	for (unsigned m = 0; m < GAPS_MODES; m++) {
		json_t *mode = json_object(), *buckets = json_array();

		for (unsigned i = 0; i <= GAPS_BOUNDS; i++) {
			json_t *b = json_object();

			status_set(b, "below_ms",
				   i < GAPS_BOUNDS ? status_number(gaps_bounds_ms[i])
						   : json_null());
			status_set(b, "n", status_number(g->n[m][i]));
			(void)json_array_append_new(buckets, b);
		}
		status_set(mode, "buckets", buckets);
		status_set(mode, "sum_us", status_number(g->sum_us[m]));
		status_set(o, handover_mode_name((enum handover_mode)m), mode);
	}
	return o;
}

/* By what ESP goes between a home address and its home agent; null without a tunnel. */
static json_t *status_carrier(const struct status_source *src, const struct in6_addr *home)
{
	struct lnx_carrier c;
	json_t *o;

	if (!lnx_carrier(src->lnx, home, &c))
		return json_null();
	o = json_object();
	status_set(o, "name", json_string(c.name));
	status_set(o, "why", json_string(c.why));
	status_set(o, "address", status_address(&c.addr));
	status_set(o, "port", status_number(c.port));
	return o;
}

/* Whose ESP data of a home address has; null without a tunnel. */
static json_t *status_esp(const struct status_source *src, const struct in6_addr *home)
{
	struct lnx_xfrm_status s;
	json_t *o;

	if (!lnx_xfrm_status(src->lnx, home, &s))
		return json_null();
	o = json_object();
	status_set(o, "by", json_string(s.kernel ? "kernel" : "user"));
	status_set(o, "why", status_string(s.why));
	status_set(o, "in_packets", status_number(s.in_packets));
	status_set(o, "in_octets", status_number(s.in_octets));
	status_set(o, "out_packets", status_number(s.out_packets));
	status_set(o, "out_octets", status_number(s.out_octets));
	return o;
}

static json_t *status_homes(const struct status_source *src)
{
	json_t *array = json_array();
	struct bub_home_status h;

	for (unsigned i = 0; bub_engine_home_status(src->engine, src->now, i, &h); i++) {
		struct handovers_view view = {0};
		struct bub_time since = {0};
		json_t *o = json_object();

		(void)handovers_of_home(src->handovers, &h.address, &view, &since);
		status_set(o, "address", status_address(&h.address));
		status_set(o, "home_agent", status_address(&h.home_agent));
		status_set(o, "home_agent_name", status_string(names_name(src->names, i)));
		status_set(o, "name_trouble", status_string(names_trouble(src->names, i)));
		status_set(o, "care_of", status_address(&h.care_of));
		status_set(o, "interface", home_interface(src, &h));
		status_set(o, "state", status_string(h.state));
		status_set(o, "why", why_home(src, &h));
		status_set(o, "trouble",
			   status_trouble(keyd_lacks(src->keyd, &h.address) ? BUB_TROUBLE_NONE
									    : h.trouble));
		status_set(o, "unbound_direct", json_boolean(lnx_bypassed(src->lnx)));
		status_set(o, "lifetime_s", status_number(h.lifetime_s));
		status_set(o, "sequence", status_number(h.sequence));
		status_set(o, "prefix", status_string(h.prefix));
		status_set(o, "prefix_lifetime_s", status_number(h.prefix_lifetime_s));
		status_set(o, "registered_s", status_age(src, since));
		status_set(o, "carrier", status_carrier(src, &h.address));
		status_set(o, "esp", status_esp(src, &h.address));
		status_set(o, "nat_refresh_s",
			   h.nat ? status_number(h.nat_refresh_s) : json_null());
		status_set(o, "tunnel", status_tunnel(view.tunnel));
		status_set(o, "last_handover", status_handover(src, view.last));
		status_set(o, "keys", keyd_status_home(src->keyd, &h.address, false));
		(void)json_array_append_new(array, o);
	}
	return array;
}

static bool is_wanted(const struct status_filter *filter, const struct in6_addr *home)
{
	return IN6_IS_ADDR_UNSPECIFIED(&filter->home) || bub_addr_eq(&filter->home, home);
}

/* How data gets to the peer now. */
static void peer_way(json_t *o, const struct status_source *src, const struct bub_peer_status *p)
{
	static const char *const name[] = {"routed", "tunnel", "direct"};
	struct in6_addr out_src = in6addr_any, out_dst = in6addr_any;

	status_set(o, "path",
		   json_string(name[lnx_way(src->lnx, &p->local, &p->peer, &out_src, &out_dst)]));
	status_set(o, "out_src", status_address(&out_src));
	status_set(o, "out_dst", status_address(&out_dst));
}

#define ONE_WAY_MIN 10 /* packets: with fewer an answer may be on its way */

/* The engine's reason; and where return routability has passed, but nothing that has the headers of
 * data comes through. */
static json_t *why_peer(const struct status_source *src, const struct bub_peer_status *p)
{
	char text[WHY_MAX / 4];
	struct lnx_traffic t;

	if (p->mode != BUB_MODE_RO || p->why == NULL ||
	    !lnx_traffic(src->lnx, &p->local, &p->peer, &t) || t.in_packets > 0 ||
	    t.out_packets < ONE_WAY_MIN)
		return status_string(p->why);
	(void)snprintf(text, sizeof(text),
		       "%s; %llu packets went by the direct path, and none came: a firewall may "
		       "drop their headers",
		       p->why, (unsigned long long)t.out_packets);
	return json_string(text);
}

bool status_next_peer(const struct status_source *src, struct page *page,
		      struct bub_peer_status *ret)
{
	unsigned at = page->at;

	return bub_engine_peer_status(src->engine, src->now, &at, ret) && page_step(page, at);
}

static json_t *status_peers(const struct status_source *src, const struct status_filter *filter,
			    json_t *answer)
{
	struct page page = page_of(&filter->pages, PAGE_PEERS);
	json_t *array = json_array();
	struct bub_peer_status p;

	while (status_next_peer(src, &page, &p)) {
		struct handovers_view view = {0};
		json_t *o = NULL;

		if (!is_wanted(filter, &p.peer) ||
		    (filter->mode != NULL && strcmp(filter->mode, bub_mode_name(p.mode)) != 0))
			continue;
		page_tell(&page);
		o = json_object();
		(void)handovers_of_peer(src->handovers, &p.local, &p.peer, &view);
		status_set(o, "local", status_address(&p.local));
		status_set(o, "peer", status_address(&p.peer));
		status_set(o, "mode", status_string(bub_mode_name(p.mode)));
		status_set(o, "why", why_peer(src, &p));
		peer_way(o, src, &p);
		status_set(o, "direct_path", status_string(p.direct_path));
		status_set(o, "direct_path_why", status_string(p.direct_path_why));
		status_set(o, "test", status_string(p.test));
		status_set(o, "local_care_of", status_address(&p.local_care_of));
		status_set(o, "peer_care_of", status_address(&p.peer_care_of));
		status_set(o, "sequence_out", status_number(p.sequence_out));
		status_set(o, "sequence_in", status_number(p.sequence_in));
		status_set(o, "lifetime_s", status_number(p.lifetime_s));
		status_set(o, "peer_lifetime_s", status_number(p.peer_lifetime_s));
		status_set(o, "handovers", status_number(p.handovers));
		peer_key(o, src, &p, &view);
		status_set(o, "direct", status_direct(src, &p));
		status_set(o, "tunnel", status_tunnel(view.tunnel));
		status_set(o, "last_handover", status_handover(src, view.last));
		(void)json_array_append_new(array, o);
	}
	page_end(&page, answer);
	return array;
}

static json_t *why_client(const struct status_source *src, const struct bub_client_status *c)
{
	char text[WHY_MAX];
	size_t len = 0;

	if (src->storing != NULL)
		len = (size_t)snprintf(text, WHY_MAX / 2, "%s", src->storing);
	if (len >= WHY_MAX / 2)
		len = WHY_MAX / 2 - 1;
	len += why_complaint(src, &c->home, len > 0 ? "; " : "", text + len, sizeof(text) - len);
	return len > 0 ? json_string(text) : json_null();
}

static json_t *status_switched(const struct bub_client_status *c)
{
	return c->switched == BUB_SWITCHED_NOT ? json_null()
					       : json_string(bub_switched_name(c->switched));
}

/* One alone is not looked for along the list. */
bool status_next_client(const struct status_source *src, const struct status_filter *filter,
			struct page *page, struct bub_client_status *ret)
{
	const bool all = IN6_IS_ADDR_UNSPECIFIED(&filter->home);
	unsigned at = page->at;

	if (all)
		return bub_engine_client_status(src->engine, src->now, &at, ret) &&
		       page_step(page, at);
	return at == 0 && bub_engine_client(src->engine, src->now, &filter->home, ret) &&
	       page_step(page, 1);
}

static json_t *status_clients(const struct status_source *src, const struct status_filter *filter,
			      json_t *answer)
{
	struct page page = page_of(&filter->pages, PAGE_CLIENTS);
	json_t *array = json_array();
	struct bub_client_status c;

	while (status_next_client(src, filter, &page, &c)) {
		json_t *o = json_object();

		page_tell(&page);
		status_set(o, "home", status_address(&c.home));
		status_set(o, "registered", json_boolean(c.registered));
		status_set(o, "provisional", json_boolean(c.provisional));
		status_set(o, "care_of", status_address(&c.care_of));
		status_set(o, "nat", json_boolean(c.nat));
		status_set(o, "lifetime_s", status_number(c.lifetime_s));
		status_set(o, "sequence", status_number(c.sequence));
		status_set(o, "carrier", status_carrier(src, &c.home));
		status_set(o, "esp", status_esp(src, &c.home));
		status_set(o, "why", why_client(src, &c));
		status_set(o, "switched", status_switched(&c));
		status_set(o, "keys", keyd_status_home(src->keyd, &c.home, true));
		(void)json_array_append_new(array, o);
	}
	page_end(&page, answer);
	return array;
}

/* Of all mobile nodes, also of those that this answer has not. */
static json_t *status_served(const struct status_source *src)
{
	struct bub_table_use use;
	json_t *o = json_object();

	bub_engine_table_use(src->engine, &use);
	status_set(o, "all", status_number(use.clients));
	status_set(o, "registered", status_number(use.registered));
	return o;
}

/* Who tries to register, and is not served. */
static json_t *status_strangers(const struct status_source *src, const struct status_filter *filter)
{
	json_t *array = json_array();
	struct in6_addr home;
	char text[WHY_MAX];

	for (unsigned at = 0;
	     complaints_next_stranger(src->complaints, src->now, &at, &home, text, sizeof(text));) {
		json_t *o = NULL;

		if (!is_wanted(filter, &home) || bub_engine_has_client(src->engine, &home))
			continue; /* by now it is served */
		o = json_object();
		status_set(o, "home", status_address(&home));
		status_set(o, "why", json_string(text));
		(void)json_array_append_new(array, o);
	}
	return array;
}

static json_t *status_memberships(const struct status_source *src,
				  const struct status_filter *filter, json_t *answer)
{
	struct page page = page_of(&filter->pages, PAGE_MEMBERSHIPS);
	json_t *array = json_array();
	struct bub_membership_status m;

	for (unsigned at = page.at; bub_engine_membership_status(src->engine, src->now, &at, &m) &&
				    page_step(&page, at);) {
		json_t *o = NULL;

		if (!is_wanted(filter, &m.home))
			continue;
		page_tell(&page);
		o = json_object();
		status_set(o, "group", status_address(&m.group));
		status_set(o, "home", status_address(&m.home));
		status_set(o, "lifetime_s", status_number(m.lifetime_s));
		(void)json_array_append_new(array, o);
	}
	page_end(&page, answer);
	return array;
}

static bool is_in_use(const struct status_source *src, const struct in6_addr *care_of)
{
	struct bub_home_status h;

	for (unsigned i = 0; bub_engine_home_status(src->engine, src->now, i, &h); i++)
		if (bub_addr_eq(&h.care_of, care_of))
			return true;
	return false;
}

static json_t *status_care_ofs(const struct status_source *src)
{
	json_t *array = json_array();
	struct lnx_care_of c;

	for (unsigned at = 0; lnx_care_of_next(src->lnx, &at, &c);) {
		json_t *o = json_object();

		status_set(o, "address", status_address(&c.addr));
		status_set(o, "interface", json_string(c.interface));
		status_set(o, "router", status_address(&c.router));
		status_set(o, "preference", json_integer(c.preference));
		status_set(o, "failures", status_number(c.failures));
		status_set(o, "in_use", json_boolean(is_in_use(src, &c.addr)));
		(void)json_array_append_new(array, o);
	}
	return array;
}

json_t *status_preferred(const struct status_source *src)
{
	json_t *o = json_object();
	bool once = false;
	const char *name = lnx_preferred(src->lnx, &once);

	status_set(o, "interface", status_string(name));
	status_set(o, "once", json_boolean(once));
	status_set(o, "care_ofs", status_care_ofs(src));
	return o;
}

/* The first entry of @peer; false: there is none. */
static bool find_peer(const struct status_source *src, const struct in6_addr *peer,
		      struct bub_peer_status *ret)
{
	for (unsigned at = 0; bub_engine_peer_status(src->engine, src->now, &at, ret);)
		if (bub_addr_eq(&ret->peer, peer))
			return true;
	return false;
}

/* Why nothing goes through the home agent of @home; NULL: it does. */
static const char *why_no_tunnel(const struct status_source *src, const struct in6_addr *home)
{
	struct bub_home_status h;

	for (unsigned i = 0; bub_engine_home_status(src->engine, src->now, i, &h); i++)
		if (bub_addr_eq(&h.address, home))
			return h.lifetime_s > 0 ? NULL : h.state;
	return NULL;
}

static json_t *ping_path(const char *name, const char *why)
{
	json_t *o = json_object();

	status_set(o, "path", json_string(name));
	status_set(o, "why", status_string(why));
	return o;
}

json_t *status_ping(const struct status_source *src, const struct in6_addr *peer)
{
	const char *why = "nothing is known of that peer, which has to be sent something first";
	struct in6_addr out_src, out_dst;
	struct bub_home_status h = {.address = in6addr_any};
	struct bub_peer_status p;
	json_t *o = json_object();
	json_t *paths = json_array();
	bool away, direct;

	if (find_peer(src, peer, &p)) {
		why = p.why;
		h.address = p.local;
	} else {
		(void)bub_engine_home_status(src->engine, src->now, 0, &h);
	}
	away = lnx_is_away(src->lnx, &h.address);
	direct = lnx_way(src->lnx, &h.address, peer, &out_src, &out_dst) == LNX_WAY_DIRECT;
	(void)json_array_append_new(paths, ping_path("direct", direct ? NULL : why));
	if (away)
		(void)json_array_append_new(
			paths, ping_path("home-agents", why_no_tunnel(src, &h.address)));
	else
		(void)json_array_append_new(paths,
					    ping_path(direct ? "home-agents" : "routed", NULL));
	status_set(o, "local", status_address(&h.address));
	status_set(o, "away", json_boolean(away));
	status_set(o, "own_ifindex", status_number(lnx_own_ifindex(src->lnx)));
	status_set(o, "mark", status_number(LNX_DETOUR_MARK));
	status_set(o, "paths", paths);
	return o;
}

static json_t *status_drops(const struct bub_counters *c)
{
	json_t *o = json_object();

	for (unsigned i = BUB_DROP_NONE + 1; i < BUB_DROP_COUNT; i++)
		status_set(o, bub_drop_name((enum bub_drop)i), status_number(c->drop[i]));
	return o;
}

/* Mobility messages by name: those of @kind by kind, the four DH messages apart. */
static json_t *status_messages(const uint64_t kind[static 16], const uint64_t dh[static 5])
{
	static const struct {
		const char *name;
		enum bub_mh_kind kind;
	} kinds[] = {
		{"brr", BUB_MH_BRR},   {"hoti", BUB_MH_HOTI},
		{"coti", BUB_MH_COTI}, {"hot", BUB_MH_HOT},
		{"cot", BUB_MH_COT},   {"bu", BUB_MH_BU},
		{"ba", BUB_MH_BA},     {"be", BUB_MH_BE},
		{"bubc", BUB_MH_BUBC}, {"switch", BUB_MH_HA_SWITCH},
	};
	static const char *const dh_names[] = {NULL, "dh1", "dh2", "dh3", "dh4"};
	json_t *o = json_object();

	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		status_set(o, kinds[i].name, status_number(kind[kinds[i].kind]));
	for (size_t i = 1; i < sizeof(dh_names) / sizeof(dh_names[0]); i++)
		status_set(o, dh_names[i], status_number(dh[i]));
	return o;
}

static json_t *engine_counters(const struct bub_counters *c)
{
	json_t *o = json_object();

	status_set(o, "handovers", status_number(c->handovers));
	status_set(o, "bub-tests", status_number(c->bub_tests));
	status_set(o, "bub-tests-failed", status_number(c->bub_tests_failed));
	status_set(o, "dh-exchanges", status_number(c->dh_exchanges));
	status_set(o, "dh-failed", status_number(c->dh_failed));
	status_set(o, "tunnel-in", status_number(c->tunnel_in));
	status_set(o, "tunnel-out", status_number(c->tunnel_out));
	return o;
}

/* Of every layer; data_counters() has those of all but the protocol, too. */
static json_t *discarded_counters(const struct bub_counters *core, struct lnx *lnx)
{
	struct lnx_counter c[LNX_COUNTERS_MAX];
	unsigned n = lnx_counters(lnx, c, LNX_COUNTERS_MAX);
	json_t *o = status_drops(core);

	for (unsigned i = 0; i < n && i < LNX_COUNTERS_MAX; i++)
		if (c[i].dropped)
			status_set(o, c[i].name, status_number(c[i].value));
	return o;
}

static json_t *data_counters(struct lnx *lnx)
{
	struct lnx_counter c[LNX_COUNTERS_MAX];
	unsigned n = lnx_counters(lnx, c, LNX_COUNTERS_MAX);
	json_t *o = json_object();

	for (unsigned i = 0; i < n && i < LNX_COUNTERS_MAX; i++)
		status_set(o, c[i].name, status_number(c[i].value));
	return o;
}

json_t *status_counters(const struct status_source *src)
{
	const struct bub_counters *c = bub_engine_counters(src->engine);
	json_t *o = json_object(), *keys = NULL;

	status_set(o, "drops", status_drops(c));
	status_set(o, "sent", status_messages(c->sent, c->dh_sent));
	status_set(o, "received", status_messages(c->received, c->dh_received));
	status_set(o, "engine", engine_counters(c));
	status_set(o, "data", data_counters(src->lnx));
	status_set(o, "discarded", discarded_counters(c, src->lnx));
	status_set(json_object_get(o, "discarded"), "not-serving",
		   status_number(group_muted(src->group)));
	keys = json_object();
	keyd_counters(src->keyd, keys);
	status_set(o, "keys", keys);
	return o;
}

/* Those of the file; null where there is none. */
static json_t *status_subscribers(struct owners *owners)
{
	uint64_t all = 0;
	size_t loaded = 0;
	json_t *o = NULL;

	if (!owners_count(owners, &all, &loaded))
		return json_null();
	o = json_object();
	status_set(o, "all", status_number(all));
	status_set(o, "loaded", status_number(loaded));
	return o;
}

/* What an earlier answer had no room for, and nothing else. */
static json_t *status_show_on(const struct status_source *src, const struct status_filter *filter)
{
	json_t *o = json_object();

	if (filter->pages.list[PAGE_PEERS].wanted)
		status_set(o, "peers", status_peers(src, filter, o));
	if (filter->pages.list[PAGE_CLIENTS].wanted)
		status_set(o, "clients", status_clients(src, filter, o));
	if (filter->pages.list[PAGE_MEMBERSHIPS].wanted)
		status_set(o, "memberships", status_memberships(src, filter, o));
	return o;
}

json_t *status_show(const struct status_source *src, const struct status_filter *filter)
{
	json_t *o = NULL;

	if (filter->pages.goes_on)
		return status_show_on(src, filter);
	o = json_object();
	status_set(o, "node", json_string(src->node));
	status_set(o, "roles", status_roles(src->cfg));
	status_set(o, "group", group_status(src->group));
	if ((filter->parts & STATUS_HOMES) != 0)
		status_set(o, "homes", status_homes(src));
	if ((filter->parts & STATUS_PEERS) != 0)
		status_set(o, "peers", status_peers(src, filter, o));
	if ((filter->parts & STATUS_CLIENTS) != 0) {
		status_set(o, "served", status_served(src));
		status_set(o, "clients", status_clients(src, filter, o));
		status_set(o, "strangers", status_strangers(src, filter));
		status_set(o, "memberships", status_memberships(src, filter, o));
		status_set(o, "keys", keyd_status(src->keyd));
		status_set(o, "subscribers", status_subscribers(src->owners));
		status_set(o, "store", storage_status(src->storage));
	}
	if ((filter->parts & STATUS_COUNTERS) != 0) {
		status_set(o, "counters", status_counters(src));
		status_set(o, "handover_gaps", status_gaps(src->gaps));
	}
	return o;
}

json_t *status_for_metrics(const struct status_source *src)
{
	const struct status_filter filter = {
		.parts = STATUS_ALL,
		.home = in6addr_any,
		.pages = {.whole[PAGE_PEERS] = true,
			  .none = {[PAGE_CLIENTS] = true, [PAGE_MEMBERSHIPS] = true}},
	};

	return status_show(src, &filter);
}
