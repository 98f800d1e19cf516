/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Home agents that are configured by a name, or by several addresses.  agentname.c decides,
 * lookup.c asks; this file feeds the one, starts the other, and says what happens, each thing once.
 * Several addresses are a name that needs no lookup.
 *
 * Questions over IPv6 go from the care-of address: from any other address they would go into the
 * tunnel to the home agent that is being looked for.
 */
#include "names.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agentname.h"
#include "lookup.h"

#define TELL_AGAIN_MS 1000 /* what a registration did not take over */

struct named {
	struct names *names;
	bool used;
	const char *text; /* NULL: several addresses, and no name */
	struct in6_addr home;
	struct agentname machine;
	struct lookup *lookup; /* NULL: none is under way */
	unsigned answers;      /* that it has given */
	struct in6_addr care_of;
	const char *error;                      /* of the last lookup; NULL: it had an address */
	struct in6_addr ipv4[LOOKUP_ADDRS_MAX]; /* of the last answer about these */
	unsigned n_ipv4;
	struct in6_addr told_ipv4;
	struct bub_time told;
	bool news;         /* there are other addresses than were told */
	uint32_t switches; /* that were followed */
};

struct names {
	const struct log *log;
	uv_loop_t *loop;
	struct names_host host;
	struct bub_time now;
	struct named named[BUB_HOMES_MAX];
	unsigned n;
};

struct names *names_new(const struct bubd_config *cfg, const struct log *log, uv_loop_t *loop,
			const struct names_host *host, struct bub_time now)
{
	struct names *names = calloc(1, sizeof(*names));

	if (names == NULL)
		return NULL;
	*names = (struct names){.log = log, .loop = loop, .host = *host, .now = now};
	names->n = cfg->engine.n_homes;
	for (unsigned i = 0; i < names->n; i++) {
		struct named *d = &names->named[i];

		d->names = names;
		d->used = cfg->engine.home[i].agent_is_named;
		d->text = d->used && cfg->agents[i].n == 0 ? cfg->agent_name[i] : NULL;
		d->home = cfg->engine.home[i].address;
		agentname_init(&d->machine, now);
		if (cfg->agents[i].n > 0)
			agentname_list(&d->machine, cfg->agents[i].addr, cfg->agents[i].n);
	}
	return names;
}

/* ---- What is said -------------------------------------------------------------------------- */

static const char *addr_text(const struct in6_addr *addr, char text[INET6_ADDRSTRLEN])
{
	return inet_ntop(AF_INET6, addr, text, INET6_ADDRSTRLEN);
}

static void say_current(const struct named *d)
{
	char text[INET6_ADDRSTRLEN];

	(void)addr_text(&d->machine.current, text);
	if (d->text != NULL)
		log_line(d->names->log, LNX_LOG_INFO, "home agent %s: its address is %s", d->text,
			 text);
	else
		log_line(d->names->log, LNX_LOG_INFO, "home agent, of several: %s", text);
}

static void say_failed(const struct named *d)
{
	char text[INET6_ADDRSTRLEN];
	const bool known = !IN6_IS_ADDR_UNSPECIFIED(&d->machine.current);

	log_line(d->names->log, LNX_LOG_WARNING,
		 "home agent %s: the name cannot be looked up (%s); %s%s, tried again", d->text,
		 d->error, known ? "going on with " : "no address is known",
		 known ? addr_text(&d->machine.current, text) : "");
}

static void say_mended(const struct named *d)
{
	const struct bub_time since = d->machine.failing_since;

	log_line(d->names->log, LNX_LOG_INFO, "home agent %s: the name was looked up, after %llu s",
		 d->text, (unsigned long long)(bub_time_ms_between(since, d->names->now) / 1000));
}

/* ---- Lookups ------------------------------------------------------------------------------- */

static void name_failed(struct named *d, const char *error)
{
	d->error = error;
	if (agentname_failed(&d->machine, d->names->now))
		say_failed(d);
}

static void name_found(struct named *d, const struct lookup_answer *answer)
{
	if (d->machine.failing)
		say_mended(d);
	d->error = NULL;
	d->news = true;
	if (agentname_found(&d->machine, d->names->now, answer->addr, answer->n, answer->ttl_s))
		say_current(d);
}

static void on_lookup_answer(void *ctx, const struct lookup_answer *answer)
{
	struct named *d = ctx;

	if (++d->answers == LOOKUP_FAMILIES)
		d->lookup = NULL;
	d->names->now = lnx_now();
	if (answer->family == LOOKUP_IPV4) {
		/* Which the name need not have. */
		if (answer->error == NULL) {
			d->n_ipv4 = answer->n;
			memcpy(d->ipv4, answer->addr, sizeof(d->ipv4));
		}
		return;
	}
	if (answer->n > 0)
		name_found(d, answer);
	else
		name_failed(d, answer->error != NULL ? answer->error : "it has no IPv6 address");
}

static void name_look_up(struct named *d)
{
	const struct in6_addr *from =
		IN6_IS_ADDR_V4MAPPED(&d->care_of) ? &in6addr_any : &d->care_of;
	const char *error = NULL;

	lookup_stop(d->lookup); /* it may wait for the other family yet */
	d->answers = 0;
	agentname_asked(&d->machine);
	d->lookup = lookup_start(d->names->loop, d->text, from, on_lookup_answer, d, &error);
	if (d->lookup == NULL)
		name_failed(d, error);
}

/* ---- In each turn -------------------------------------------------------------------------- */

/* Those of the two families take their turns together. */
static struct in6_addr name_ipv4(const struct named *d)
{
	return d->n_ipv4 > 0 ? d->ipv4[d->machine.turns % d->n_ipv4] : in6addr_any;
}

static void name_tell(struct named *d, const struct bub_home_status *s)
{
	const struct names_found found = {
		.home = d->home,
		.address = d->machine.current,
		.ipv4 = name_ipv4(d),
		.all = d->machine.addr,
		.n = d->machine.n,
	};
	const struct bub_time now = d->names->now;

	if (IN6_IS_ADDR_UNSPECIFIED(&found.address) ||
	    (!d->news && bub_addr_eq(&s->home_agent, &found.address) &&
	     bub_addr_eq(&found.ipv4, &d->told_ipv4)) ||
	    (d->told.ns != 0 && bub_time_before(now, bub_time_add_ms(d->told, TELL_AGAIN_MS))))
		return;
	d->told = now;
	d->told_ipv4 = found.ipv4;
	d->news = false;
	d->names->host.found(d->names->host.ctx, &found);
}

static void name_look(struct named *d, const struct bub_home_status *s)
{
	const struct bub_time now = d->names->now;
	const struct agentname_answers answers = {
		.unanswered = s->unanswered,
		.refused = s->refused && s->lifetime_s == 0,
		.others = s->answers,
	};

	/* The home agent has sent this node to another one, which is in use already. */
	if (s->switches != d->switches) {
		d->switches = s->switches;
		agentname_use(&d->machine, now, &s->home_agent);
	}
	if (!bub_addr_eq(&s->care_of, &d->care_of)) {
		d->care_of = s->care_of;
		/* A question from an address that is gone is answered to nobody. */
		if (d->text != NULL && bub_time_is_never(d->machine.due))
			name_look_up(d);
		agentname_moved(&d->machine, now);
	}
	if (agentname_look(&d->machine, now, &answers))
		say_current(d);
	if (d->text != NULL && !bub_time_before(now, d->machine.due))
		name_look_up(d);
	name_tell(d, s);
}

void names_look(struct names *names, const struct bub_engine *engine, struct bub_time now)
{
	struct bub_home_status s;

	names->now = now;
	for (unsigned i = 0; i < names->n; i++)
		if (names->named[i].used && bub_engine_home_status(engine, now, i, &s))
			name_look(&names->named[i], &s);
}

struct bub_time names_deadline(const struct names *names)
{
	struct bub_time first = BUB_TIME_NEVER;

	for (unsigned i = 0; i < names->n; i++) {
		const struct agentname *a = &names->named[i].machine;

		if (!names->named[i].used)
			continue;
		if (bub_time_before(a->due, first))
			first = a->due;
		if (a->turns > 0 && bub_time_before(names->now, a->next_turn) &&
		    bub_time_before(a->next_turn, first))
			first = a->next_turn;
	}
	return first;
}

/* ---- For the status ------------------------------------------------------------------------ */

const char *names_name(const struct names *names, unsigned index)
{
	return names != NULL && index < names->n ? names->named[index].text : NULL;
}

const char *names_trouble(const struct names *names, unsigned index)
{
	return names != NULL && index < names->n ? names->named[index].error : NULL;
}

/* ---- The end ------------------------------------------------------------------------------- */

void names_close(struct names *names)
{
	for (unsigned i = 0; names != NULL && i < names->n; i++) {
		lookup_stop(names->named[i].lookup);
		names->named[i].lookup = NULL;
	}
}

void names_free(struct names *names)
{
	free(names);
}
