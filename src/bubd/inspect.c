/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Bindings and security associations as JSON (status.h): what one looks at when something is wrong.
 * No key ever gets here.
 */
#include <string.h>

#include "addrtext.h"
#include "status.h"

static json_t *inspect_address(const struct in6_addr *addr)
{
	char text[INET6_ADDRSTRLEN];

	if (IN6_IS_ADDR_UNSPECIFIED(addr))
		return json_null();
	return json_string(addrtext_of(addr, text));
}

static void inspect_set(json_t *object, const char *name, json_t *value)
{
	(void)json_object_set_new(object, name, value);
}

static bool inspect_wants(const struct in6_addr *wanted, const struct in6_addr *addr)
{
	return IN6_IS_ADDR_UNSPECIFIED(wanted) || bub_addr_eq(wanted, addr);
}

/* ---- Bindings ------------------------------------------------------------------------------ */

struct bound {
	const struct in6_addr *home, *care_of;
	const struct in6_addr
		*with; /* who holds it, or whom it is held for; NULL: home agent here */
	uint32_t lifetime_s;
	uint16_t sequence;
	bool home_registration, link_local;
	const char *signed_by;
};

static void add_binding(json_t *array, const struct bound *b)
{
	json_t *o = json_object();

	inspect_set(o, "home", inspect_address(b->home));
	inspect_set(o, "care_of", inspect_address(b->care_of));
	inspect_set(o, "with", b->with != NULL ? inspect_address(b->with) : json_null());
	inspect_set(o, "home_registration", json_boolean(b->home_registration));
	inspect_set(o, "link_local", json_boolean(b->link_local));
	inspect_set(o, "lifetime_s", json_integer(b->lifetime_s));
	inspect_set(o, "sequence", json_integer(b->sequence));
	inspect_set(o, "signed_by", json_string(b->signed_by));
	(void)json_array_append_new(array, o);
}

/* Of mobile nodes with this home agent. */
static void add_clients(const struct status_source *src, const struct status_filter *filter,
			struct page *page, json_t *here)
{
	const char *signed_by = src->unprotected ? "nothing" : "ipsec";
	struct bub_client_status c;

	while (status_next_client(src, filter, page, &c)) {
		const struct bound b = {.home = &c.home,
					.care_of = &c.care_of,
					.lifetime_s = c.lifetime_s,
					.sequence = c.sequence,
					.home_registration = true,
					.link_local = c.link_local,
					.signed_by = signed_by};

		if (!c.registered)
			continue;
		page_tell(page);
		add_binding(here, &b);
	}
}

static void add_homes(const struct status_source *src, const struct in6_addr *wanted, json_t *there)
{
	const char *signed_by = src->unprotected ? "nothing" : "ipsec";
	struct bub_home_status h;

	for (unsigned i = 0; bub_engine_home_status(src->engine, src->now, i, &h); i++) {
		const struct bound b = {.home = &h.address,
					.care_of = &h.care_of,
					.with = &h.home_agent,
					.lifetime_s = h.lifetime_s,
					.sequence = h.sequence,
					.home_registration = true,
					.link_local = h.link_local,
					.signed_by = signed_by};

		if (h.lifetime_s > 0 &&
		    (inspect_wants(wanted, &h.address) || inspect_wants(wanted, &h.home_agent)))
			add_binding(there, &b);
	}
}

static void add_peer_bindings(const struct status_source *src, const struct in6_addr *wanted,
			      struct page *page, json_t *here, json_t *there)
{
	struct bub_peer_status p;

	while (status_next_peer(src, page, &p)) {
		const struct bound its = {.home = &p.peer,
					  .care_of = &p.peer_care_of,
					  .with = &p.local,
					  .lifetime_s = p.peer_lifetime_s,
					  .sequence = p.sequence_in,
					  .signed_by = p.peer_kabm ? "kabm" : "kbm"};
		const struct bound ours = {.home = &p.local,
					   .care_of = &p.local_care_of,
					   .with = &p.peer,
					   .lifetime_s = p.lifetime_s,
					   .sequence = p.sequence_out,
					   .signed_by = p.kabm ? "kabm" : "kbm"};

		if (!inspect_wants(wanted, &p.peer) && !inspect_wants(wanted, &p.local))
			continue;
		page_tell(page);
		if (!IN6_IS_ADDR_UNSPECIFIED(&p.peer_care_of))
			add_binding(here, &its);
		if (!IN6_IS_ADDR_UNSPECIFIED(&p.local_care_of))
			add_binding(there, &ours);
	}
}

json_t *status_bindings(const struct status_source *src, const struct status_filter *filter)
{
	const struct page_wanted *pages = &filter->pages;
	struct page clients = page_of(pages, PAGE_CLIENTS), peers = page_of(pages, PAGE_PEERS);
	json_t *o = json_object();
	json_t *here = json_array();
	json_t *there = json_array();

	if (pages_has(pages, PAGE_CLIENTS))
		add_clients(src, filter, &clients, here);
	if (!pages->goes_on)
		add_homes(src, &filter->home, there);
	if (pages_has(pages, PAGE_PEERS))
		add_peer_bindings(src, &filter->home, &peers, here, there);
	inspect_set(o, "here", here);
	inspect_set(o, "there", there);
	page_end(&clients, o);
	page_end(&peers, o);
	return o;
}

/* ---- Security associations ----------------------------------------------------------------- */

static json_t *sa_covers(unsigned covers)
{
	static const struct {
		enum esp_class class;
		const char *name;
	} classes[] = {
		{ESP_CLASS_BINDING, "binding"},
		{ESP_CLASS_MOBILITY, "mobility"},
		{ESP_CLASS_PREFIX, "prefix"},
		{ESP_CLASS_PAYLOAD, "payload"},
	};
	json_t *array = json_array();

	for (size_t i = 0; i < sizeof(classes) / sizeof(classes[0]); i++)
		if ((covers & classes[i].class) != 0)
			(void)json_array_append_new(array, json_string(classes[i].name));
	return array;
}

/* Packets that it refused, by why.  Dummy packets end there as well, and are no fault. */
static json_t *sa_errors(const uint64_t errors[static ESP_RESULT_COUNT])
{
	json_t *o = json_object();

	for (int i = ESP_OK + 1; i < ESP_RESULT_COUNT; i++)
		if (errors[i] > 0 && i != ESP_DUMMY)
			inspect_set(o, esp_result_name((enum esp_result)i),
				    json_integer((json_int_t)errors[i]));
	return o;
}

static json_t *sa_status(const struct status_source *src, const struct esp_sa_status *s,
			 struct bub_time since)
{
	struct in6_addr local = in6addr_any, remote = in6addr_any;
	json_t *o = json_object();

	(void)lnx_tunnel_ends(src->lnx, &s->owner, &local, &remote);
	inspect_set(o, "spi", json_integer(s->spi));
	inspect_set(o, "direction", json_string(s->direction == ESP_OUT ? "out" : "in"));
	inspect_set(o, "mode", json_string(s->mode == ESP_TUNNEL ? "tunnel" : "transport"));
	inspect_set(o, "home", inspect_address(&s->owner));
	inspect_set(o, "local", inspect_address(&local));
	inspect_set(o, "remote", inspect_address(&remote));
	inspect_set(o, "covers", sa_covers(s->covers));
	inspect_set(o, "encryption", json_string(s->alg->encryption));
	inspect_set(o, "integrity",
		    s->alg->integrity != NULL ? json_string(s->alg->integrity) : json_null());
	inspect_set(o, "state", json_string(s->exhausted ? "stopped" : "ready"));
	inspect_set(o, "sequence", json_integer((json_int_t)s->sequence));
	inspect_set(o, "packets", json_integer((json_int_t)s->packets));
	inspect_set(o, "octets", json_integer((json_int_t)s->octets));
	inspect_set(o, "errors", sa_errors(s->errors));
	inspect_set(o, "age_s",
		    json_integer((json_int_t)(bub_time_ms_between(since, src->now) / 1000)));
	return o;
}

json_t *status_sas(const struct status_source *src, const struct status_filter *filter)
{
	struct page page = page_of(&filter->pages, PAGE_SAS);
	json_t *o = json_object();
	json_t *array = json_array();
	struct esp_sa_status s;
	struct bub_time since;

	for (size_t at = page.at; pages_has(&filter->pages, PAGE_SAS) &&
				  sas_status(src->sas, &at, &s, &since) &&
				  page_step(&page, (unsigned)at);) {
		if (!inspect_wants(&filter->home, &s.owner))
			continue;
		page_tell(&page);
		(void)json_array_append_new(array, sa_status(src, &s, since));
	}
	inspect_set(o, "sas", array);
	page_end(&page, o);
	return o;
}
