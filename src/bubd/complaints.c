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

/* "a registration came from ... to ..., N times in N s, ..." */
static void complaint_clause(const struct complaint *s, struct bub_time now,
			     char ret[static CLAUSE_MAX])
{
	const bool data = s->kind == COMPLAINT_DATA_CLEAR || s->kind == COMPLAINT_DATA_ESP;
	const uint64_t seconds = bub_time_ms_between(s->first, now) / 1000;
	char from[INET6_ADDRSTRLEN] = "", to[INET6_ADDRSTRLEN] = "", spi[24] = "";

	(void)inet_ntop(AF_INET6, &s->from, from, sizeof(from));
	(void)inet_ntop(AF_INET6, &s->to, to, sizeof(to));
	if (s->spi != 0)
		(void)snprintf(spi, sizeof(spi), ", SPI 0x%08" PRIx32, s->spi);
	if (data)
		(void)snprintf(ret, CLAUSE_MAX,
			       "data from %s (%" PRIu64 " packets in %" PRIu64 " s) %s", from,
			       s->times, seconds, kinds[s->kind].words);
	else
		(void)snprintf(ret, CLAUSE_MAX,
			       "ESP from %s to %s (%" PRIu64 " packets in %" PRIu64 " s%s) %s",
			       from, to, s->times, seconds, spi, kinds[s->kind].words);
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

		if ((s->kind != COMPLAINT_SECRET && s->kind != COMPLAINT_AGENT) ||
		    complaint_is_old(s, now) || !bub_addr_eq(&s->home, home))
			continue;
		s->kind = COMPLAINT_NONE;
		(void)inet_ntop(AF_INET6, home, addr, sizeof(addr));
		(void)snprintf(text, sizeof(text), "%s: registers under the right keys now", addr);
		eventlog_trouble(c->events, &t);
	}
}

bool complaints_about(const struct complaints *c, struct bub_time now, const struct in6_addr *home,
		      char *ret_text, size_t room)
{
	char clause[CLAUSE_MAX];

	for (unsigned i = 0; i < COMPLAINTS_MAX; i++) {
		const struct complaint *s = &c->slot[i];

		if (s->kind == COMPLAINT_NONE || !bub_addr_eq(&s->home, home) ||
		    bub_time_ms_between(s->last, now) >= RECENT_S * (uint64_t)1000)
			continue;
		complaint_clause(s, now, clause);
		(void)snprintf(ret_text, room, "%s", clause);
		return true;
	}
	return false;
}

/* ---- What is seen -------------------------------------------------------------------------- */

void complaints_esp_drop(struct complaints *c, const struct bub_engine *engine, struct bub_time now,
			 const struct lnx_esp_drop *drop)
{
	struct complaint what = {
		.home = drop->home, .from = drop->src, .to = drop->dst, .spi = drop->spi};

	if (drop->out)
		return;
	if (drop->why == ESP_BAD_ICV)
		what.kind = COMPLAINT_BAD_ICV;
	else if (drop->why != ESP_NO_SA || IN6_IS_ADDR_UNSPECIFIED(&drop->home) ||
		 IN6_IS_ADDR_UNSPECIFIED(&c->agent))
		return; /* of a connection that was, or of no home agent */
	else if (!bub_engine_has_client(engine, &drop->home))
		what.kind = COMPLAINT_UNKNOWN_HOME;
	else
		what.kind = bub_addr_eq(&drop->dst, &c->agent) ? COMPLAINT_SECRET : COMPLAINT_AGENT;
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
