/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Complaints: who is told what, how often.  See complaints.h.
 *
 * One slot for each fault of each home address.  A fault that nobody has seen for ten minutes
 * leaves its slot to another.  So whoever makes home addresses up gets sixteen lines in ten
 * minutes.
 */
#include "complaints.h"

#include <arpa/inet.h>
#include <inttypes.h>
#include <stdio.h>

#define FORGET_S 600 /* not seen for so long */
#define RECENT_S 300 /* the status speaks of it for so long */
#define APART_S 60   /* between lines; doubles */
#define APART_MAX_S 3600
#define CLAUSE_MAX 320
#define OWNER_APART_MS 10 /* between looking up whose an SPI is */
#define REPEATED_MIN 3    /* packets that come twice: a network may do that to one or two */

static const struct {
	const char *name;
	const char *words; /* what it usually means */
} kinds[COMPLAINT_KINDS] = {
	[COMPLAINT_NONE] = {"none", ""},
	[COMPLAINT_SECRET] = {"secret",
			      "under keys that are unknown here: its secret is another one "
			      "there"},
	[COMPLAINT_AGENT] =
		{"home-agent-address",
		 "to an address that is not the home agent's: home-agent is another one "
		 "there"},
	[COMPLAINT_UNKNOWN_HOME] = {"unknown-home-address",
				    "and no mobile-node line here has that home address"},
	[COMPLAINT_BAD_ICV] = {"bad-icv", "with a wrong check value: the keys differ, or somebody "
					  "changes packets"},
	[COMPLAINT_REPEATED] =
		{"repeated-numbers",
		 "with numbers that came before: one end has lost its state-dir, two "
		 "machines have one secret, or somebody repeats packets"},
	[COMPLAINT_DATA_CLEAR] = {"data-without-esp",
				  "comes without ESP and is dropped: "
				  "protect-payload is false there and true here"},
	[COMPLAINT_DATA_ESP] = {"data-in-esp",
				"comes in ESP and goes without: protect-payload is true "
				"there and false here"},
};

const char *complaint_name(enum complaint_kind kind)
{
	return kinds[kind].name;
}

/* ---- Words --------------------------------------------------------------------------------- */

/* "4 packets in 7 s" */
struct complaint_times {
	char text[48];
};

static struct complaint_times complaint_times(const struct complaint *s, struct bub_time now)
{
	const uint64_t seconds = bub_time_ms_between(s->first, now) / 1000;
	struct complaint_times t;
	int n = snprintf(t.text, sizeof(t.text), "%" PRIu64 " packet%s", s->times,
			 s->times == 1 ? "" : "s");

	if (s->times > 1)
		(void)snprintf(t.text + n, sizeof(t.text) - (size_t)n, " in %" PRIu64 " s",
			       seconds);
	return t;
}

/* "ESP from ... to ... (4 packets in 7 s, SPI ...) under keys ..." */
static void complaint_clause(const struct complaint *s, struct bub_time now,
			     char ret[static CLAUSE_MAX])
{
	const bool data = s->kind == COMPLAINT_DATA_CLEAR || s->kind == COMPLAINT_DATA_ESP;
	const struct complaint_times times = complaint_times(s, now);
	char from[INET6_ADDRSTRLEN] = "", to[INET6_ADDRSTRLEN] = "", spi[24] = "";

	(void)inet_ntop(AF_INET6, &s->from, from, sizeof(from));
	(void)inet_ntop(AF_INET6, &s->to, to, sizeof(to));
	if (s->spi != 0)
		(void)snprintf(spi, sizeof(spi), ", SPI 0x%08" PRIx32, s->spi);
	if (data)
		(void)snprintf(ret, CLAUSE_MAX, "data from %s (%s) %s", from, times.text,
			       kinds[s->kind].words);
	else
		(void)snprintf(ret, CLAUSE_MAX, "ESP from %s to %s (%s%s) %s", from, to, times.text,
			       spi, kinds[s->kind].words);
}

static void complaint_tell(const struct complaints *c, const struct complaint *s,
			   struct bub_time now)
{
	char clause[CLAUSE_MAX], home[INET6_ADDRSTRLEN] = "", text[EVENTLOG_TROUBLE_MAX];
	const struct eventlog_trouble t = {
		.name = kinds[s->kind].name,
		.local = s->home,
		.peer = s->from,
		.number = s->times,
		.text = text,
	};

	complaint_clause(s, now, clause);
	(void)inet_ntop(AF_INET6, &s->home, home, sizeof(home));
	(void)snprintf(text, sizeof(text), "%s%s%s", IN6_IS_ADDR_UNSPECIFIED(&s->home) ? "" : home,
		       IN6_IS_ADDR_UNSPECIFIED(&s->home) ? "" : ": ", clause);
	eventlog_trouble(c->events, &t);
}

/* ---- Slots --------------------------------------------------------------------------------- */

static bool complaint_is_old(const struct complaint *s, struct bub_time now)
{
	return bub_time_ms_between(s->last, now) >= FORGET_S * (uint64_t)1000;
}

static bool complaint_is_meant(const struct complaint *s)
{
	return s->kind != COMPLAINT_REPEATED || s->times >= REPEATED_MIN;
}

/* The slot of @what, or a free one; NULL: there is none. */
static struct complaint *complaint_slot(struct complaints *c, struct bub_time now,
					const struct complaint *what)
{
	struct complaint *unused = NULL;

	for (unsigned i = 0; i < COMPLAINTS_MAX; i++) {
		struct complaint *s = &c->slot[i];

		if (s->kind != COMPLAINT_NONE && complaint_is_old(s, now))
			s->kind = COMPLAINT_NONE;
		if (s->kind == what->kind && bub_addr_eq(&s->home, &what->home))
			return s;
		if (s->kind == COMPLAINT_NONE && unused == NULL)
			unused = s;
	}
	if (unused != NULL)
		*unused = (struct complaint){.kind = what->kind, .home = what->home, .first = now};
	return unused;
}

void complaints_note(struct complaints *c, struct bub_time now, const struct complaint *what)
{
	struct complaint *s = complaint_slot(c, now, what);

	if (s == NULL)
		return;
	s->times++;
	s->last = now;
	s->from = what->from;
	s->to = what->to;
	s->spi = what->spi;
	if (!complaint_is_meant(s))
		return;
	if (s->pause_s != 0 && bub_time_before(now, bub_time_add_s(s->told_at, s->pause_s)))
		return;
	s->told_at = now;
	if (s->pause_s == 0)
		s->pause_s = APART_S;
	else if (s->pause_s < APART_MAX_S)
		s->pause_s = 2 * s->pause_s < APART_MAX_S ? 2 * s->pause_s : APART_MAX_S;
	complaint_tell(c, s, now);
}

void complaints_registered(struct complaints *c, struct bub_time now, const struct in6_addr *home)
{
	char addr[INET6_ADDRSTRLEN] = "", text[EVENTLOG_TROUBLE_MAX];
	const struct eventlog_trouble t = {
		.name = "none", .over = true, .local = *home, .text = text};

	for (unsigned i = 0; i < COMPLAINTS_MAX; i++) {
		struct complaint *s = &c->slot[i];

		if ((s->kind != COMPLAINT_SECRET && s->kind != COMPLAINT_AGENT &&
		     s->kind != COMPLAINT_UNKNOWN_HOME) ||
		    complaint_is_old(s, now) || !bub_addr_eq(&s->home, home))
			continue;
		s->kind = COMPLAINT_NONE;
		(void)inet_ntop(AF_INET6, home, addr, sizeof(addr));
		(void)snprintf(text, sizeof(text), "%s: registers under the right keys now", addr);
		eventlog_trouble(c->events, &t);
	}
}

bool complaints_next_stranger(const struct complaints *c, struct bub_time now, unsigned *at,
			      struct in6_addr *ret_home, char *ret_text, size_t room)
{
	char clause[CLAUSE_MAX];

	while (*at < COMPLAINTS_MAX) {
		const struct complaint *s = &c->slot[(*at)++];

		if (s->kind != COMPLAINT_UNKNOWN_HOME ||
		    bub_time_ms_between(s->last, now) >= RECENT_S * (uint64_t)1000)
			continue;
		complaint_clause(s, now, clause);
		(void)snprintf(ret_text, room, "%s", clause);
		*ret_home = s->home;
		return true;
	}
	return false;
}

bool complaints_about(const struct complaints *c, struct bub_time now, const struct in6_addr *home,
		      char *ret_text, size_t room)
{
	char clause[CLAUSE_MAX];

	for (unsigned i = 0; i < COMPLAINTS_MAX; i++) {
		const struct complaint *s = &c->slot[i];

		if (s->kind == COMPLAINT_NONE || !bub_addr_eq(&s->home, home) ||
		    !complaint_is_meant(s) ||
		    bub_time_ms_between(s->last, now) >= RECENT_S * (uint64_t)1000)
			continue;
		complaint_clause(s, now, clause);
		(void)snprintf(ret_text, room, "%s", clause);
		return true;
	}
	return false;
}

/* ---- What is seen -------------------------------------------------------------------------- */

/* Whose the SA is that a packet came for.  Somebody who floods an end with old packets does not
 * make it look through all of them for each. */
static struct in6_addr complaint_owner(struct complaints *c, struct bub_time now, uint32_t spi)
{
	struct esp_sa_status s;
	struct bub_time since;

	if (c->owner.spi == spi)
		return c->owner.home;
	if (c->sas == NULL || bub_time_before(now, bub_time_add_ms(c->owner.at, OWNER_APART_MS)))
		return in6addr_any;
	c->owner.spi = spi;
	c->owner.home = in6addr_any;
	c->owner.at = now;
	for (size_t at = 0; sas_status(c->sas, &at, &s, &since);)
		if (s.direction == ESP_IN && s.spi == spi)
			c->owner.home = s.owner;
	return c->owner.home;
}

void complaints_esp_drop(struct complaints *c, const struct bub_engine *engine, struct bub_time now,
			 const struct lnx_esp_drop *drop)
{
	struct complaint what = {
		.home = drop->home, .from = drop->src, .to = drop->dst, .spi = drop->spi};

	if (drop->out)
		return;
	if (drop->why == ESP_BAD_ICV)
		what.kind = COMPLAINT_BAD_ICV;
	else if (drop->why == ESP_REPLAY)
		what.kind = COMPLAINT_REPEATED;
	else if (drop->why != ESP_NO_SA || IN6_IS_ADDR_UNSPECIFIED(&drop->home) ||
		 IN6_IS_ADDR_UNSPECIFIED(&c->agent))
		return; /* of a connection that was, or of no home agent */
	else if (!bub_engine_has_client(engine, &drop->home))
		what.kind = COMPLAINT_UNKNOWN_HOME;
	else
		what.kind = bub_addr_eq(&drop->dst, &c->agent) ? COMPLAINT_SECRET : COMPLAINT_AGENT;
	if (IN6_IS_ADDR_UNSPECIFIED(&what.home))
		what.home = complaint_owner(c, now, drop->spi);
	complaints_note(c, now, &what);
}

void complaints_data(struct complaints *c, struct bub_time now, const struct lnx_data_fault *fault)
{
	const struct complaint what = {
		.kind = fault->esp ? COMPLAINT_DATA_ESP : COMPLAINT_DATA_CLEAR,
		.home = fault->home,
		.from = fault->src,
		.to = fault->dst,
	};

	complaints_note(c, now, &what);
}
