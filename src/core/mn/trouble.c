/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Mobile node: why the home agent does not answer, for the status and for whoever keeps the log.
 *
 * An answer that does not come has many causes that look alike from here.  Some of them are told:
 * by the kernel, which does not send, or by a router or host with an ICMPv6 error.  So that the
 * others can be told apart as well, from the third Binding Update on the home agent is also asked
 * without ESP, with a Care-of Test Init, which every home agent answers as a correspondent
 * (RFC 6275, 9.4.2).  Whether ESP or all of it is lost makes the difference between a secret and an
 * address that is wrong.  Nothing is done with the token.
 *
 * All of this only informs: what nobody has signed changes neither state nor path.  An error counts
 * where it quotes what nobody off the path can know, number and SPI of an ESP packet (which the
 * caller sees to) or the cookie.
 *
 * It is told when it begins, when another cause shows, and at growing intervals while it lasts.
 */
#include <string.h>

#include "mn/home.h"

#define TOLD_BY_OTHERS 2u /* Binding Updates without an answer: what others say is told */
#define SILENT 3u         /* .. and with nothing said, too */
#define HEARD_FOR 2u      /* Binding Updates for which what was heard holds */
#define LINES_APART_S 60u
#define LINES_APART_MAX_S 3600u
#define CHANGE_S 10u /* between lines, whatever is heard */

/* Codes of a Destination Unreachable, and of a Parameter Problem (RFC 4443, 3.1 and 3.4). */
enum {
	CODE_NO_ROUTE = 0,
	CODE_BEYOND_SCOPE = 2,
	CODE_ADDRESS_UNREACHABLE = 3,
	CODE_UNKNOWN_HEADER = 1,
	CODE_UNKNOWN_OPTION = 2,
};

static const struct {
	const char *name, *words;
} troubles[BUB_TROUBLE_COUNT] = {
	[BUB_TROUBLE_NONE] = {"none", ""},
	[BUB_TROUBLE_SILENCE] = {"silence",
				 "nothing comes back: its address is wrong, no bubd runs "
				 "there, or a firewall drops all of it"},
	[BUB_TROUBLE_CLEAR_ONLY] =
		{"clear-only", "it answers what goes without ESP: the secrets differ, it does not "
			       "know the home address, or a firewall drops ESP (protocol 50) or "
			       "destination options"},
	[BUB_TROUBLE_NO_ROUTE_HERE] = {"no-route-here", "this machine has no route to it"},
	[BUB_TROUBLE_REFUSED_HERE] = {"refused-here",
				      "this machine's own firewall or routing rules "
				      "refuse what goes to it"},
	[BUB_TROUBLE_NO_ROUTE] = {"no-route", "a router on the way has no route to it"},
	[BUB_TROUBLE_LOOP] = {"loop", "packets to it go round in a loop of routers: no bubd runs "
				      "there, or its prefix is routed to nobody"},
	[BUB_TROUBLE_PROHIBITED] = {"prohibited", "a firewall on the way refuses what goes to it: "
						  "ESP (protocol 50) has to pass"},
	[BUB_TROUBLE_UNREACHABLE] = {"unreachable", "no host has that address on its link: it is "
						    "down, the address is wrong, or the prefix is "
						    "not routed to it"},
	[BUB_TROUBLE_NO_HOME_AGENT] = {"no-home-agent", "the host with that address is no home "
							"agent: the address is wrong, or no bubd "
							"runs there"},
	[BUB_TROUBLE_REFUSED] = {"refused", "it refuses the registration"},
	[BUB_TROUBLE_HOME_PREFIX] = {"home-prefix",
				     "by the prefix length of home-address alone: the link has a "
				     "longer prefix, and the home address is not in it"},
};

const char *bub_trouble_name(enum bub_trouble what)
{
	return troubles[what].name;
}

const char *bub_trouble_words(enum bub_trouble what)
{
	return troubles[what].words;
}

/* ---- What is told -------------------------------------------------------------------------- */

static void trouble_trace(struct bub_engine *eng, const struct home_registration *h,
			  enum bub_trouble what, const char *words, uint32_t number)
{
	const struct bub_trace tr = {
		.type = BUB_TR_TROUBLE,
		.now = core_now(eng),
		.what = words,
		.local = h->cfg.address,
		.peer = h->cfg.home_agent,
		.care_of = h->care_of,
		.number = number,
		.seconds = (uint32_t)(bub_time_ms_between(h->trouble.since, core_now(eng)) / 1000),
		.trouble = what,
		.reporter = h->trouble.reporter,
	};

	core_trace(eng, &tr);
}

static void trouble_tell(struct bub_engine *eng, struct home_registration *h, enum bub_trouble what,
			 const char *words, uint32_t number)
{
	struct trouble *t = &h->trouble;
	const uint64_t ms = bub_time_ms_between(t->told_at, core_now(eng));
	const bool begins = t->told == BUB_TROUBLE_NONE, changes = t->told != what;

	if (!begins && ms < (changes ? CHANGE_S : t->pause_s) * (uint64_t)1000)
		return;
	if (begins)
		t->pause_s = LINES_APART_S;
	else if (!changes && t->pause_s < LINES_APART_MAX_S)
		t->pause_s *= 2;
	t->told = what;
	t->told_at = core_now(eng);
	trouble_trace(eng, h, what, words, number);
}

/* ---- Without an answer --------------------------------------------------------------------- */

void trouble_sent(struct bub_engine *eng, struct home_registration *h)
{
	if (h->trouble.unanswered++ == 0)
		h->trouble.since = core_now(eng);
}

void trouble_late(struct bub_engine *eng, struct home_registration *h)
{
	struct trouble *t = &h->trouble;
	enum bub_trouble what = BUB_TROUBLE_SILENCE;

	if (t->heard != BUB_TROUBLE_NONE && t->unanswered - t->heard_at <= HEARD_FOR)
		what = t->heard;
	if (t->unanswered < (what > BUB_TROUBLE_CLEAR_ONLY ? TOLD_BY_OTHERS : SILENT))
		return;
	t->known = what;
	t->reporter = what == BUB_TROUBLE_SILENCE ? in6addr_any : t->heard_from;
	home_set_state(eng, h, h->state, bub_trouble_words(what));
	trouble_tell(eng, h, what, bub_trouble_words(what), t->unanswered);
}

void trouble_ask(struct bub_engine *eng, struct home_registration *h)
{
	struct mh_out out = {.mh = {.kind = BUB_MH_COTI}};
	const struct route r = route_plain(&h->care_of, &h->cfg.home_agent);

	/* Nothing without ESP goes from IPv4. */
	if (h->trouble.unanswered < SILENT || !home_is_away(h) || home_is_ipv4(h))
		return;
	core_random(eng, h->trouble.cookie, sizeof h->trouble.cookie);
	memcpy(out.mh.u.test_init.cookie, h->trouble.cookie, BUB_COOKIE_LEN);
	h->trouble.asked = true;
	core_send(eng, &r, &out);
}

void trouble_over(struct bub_engine *eng, struct home_registration *h)
{
	if (h->trouble.told != BUB_TROUBLE_NONE) {
		h->trouble.reporter = in6addr_any;
		trouble_trace(eng, h, BUB_TROUBLE_NONE, "", h->trouble.unanswered);
	}
	h->trouble = (struct trouble){0};
}

const char *trouble_refusal(uint8_t status)
{
	if (status == BUB_STATUS_NO_RESOURCES)
		return "insufficient resources: mostly its disk is full or its store is away, "
		       "which its log says";
	return bub_status_name(status);
}

void trouble_refused(struct bub_engine *eng, struct home_registration *h, uint8_t status)
{
	h->trouble.unanswered = 0;
	h->trouble.since = core_now(eng);
	h->trouble.heard = BUB_TROUBLE_NONE;
	h->trouble.asked = false;
	h->trouble.reporter = in6addr_any;
	h->trouble.known = BUB_TROUBLE_REFUSED;
	trouble_tell(eng, h, BUB_TROUBLE_REFUSED, trouble_refusal(status), status);
}

void trouble_forget(struct home_registration *h)
{
	h->trouble = (struct trouble){0};
}

void trouble_misplaced(struct bub_engine *eng, struct home_registration *h,
		       const struct in6_addr *address, uint8_t prefix_len)
{
	const char *words = bub_trouble_words(BUB_TROUBLE_HOME_PREFIX);

	h->trouble.reporter = *address;
	h->trouble.known = BUB_TROUBLE_HOME_PREFIX;
	home_set_state(eng, h, h->state, words);
	trouble_tell(eng, h, BUB_TROUBLE_HOME_PREFIX, words, prefix_len);
}

void trouble_moved(struct home_registration *h)
{
	if (h->trouble.told == BUB_TROUBLE_HOME_PREFIX)
		trouble_forget(h);
	/* What the home agent itself has answered holds for every path to it. */
	if (h->trouble.heard != BUB_TROUBLE_CLEAR_ONLY)
		h->trouble.heard = BUB_TROUBLE_NONE;
	h->trouble.asked = false;
}

/* ---- What is heard about it ---------------------------------------------------------------- */

/* What says more stands for as long as it holds. */
static void trouble_hear(struct home_registration *h, enum bub_trouble what,
			 const struct in6_addr *reporter)
{
	struct trouble *t = &h->trouble;

	if (what == BUB_TROUBLE_NONE || t->unanswered == 0)
		return;
	if (what < t->heard && t->unanswered - t->heard_at <= HEARD_FOR)
		return;
	t->heard = what;
	t->heard_from = *reporter;
	t->heard_at = t->unanswered;
}

/* What an error says about a packet to @agent; that from a router about options is about itself. */
static enum bub_trouble trouble_of_error(uint8_t type, uint8_t code, bool by_agent)
{
	switch (type) {
	case BUB_ICMP6_UNREACHABLE:
		if (code == CODE_NO_ROUTE || code == CODE_BEYOND_SCOPE)
			return BUB_TROUBLE_NO_ROUTE;
		return code == CODE_ADDRESS_UNREACHABLE ? BUB_TROUBLE_UNREACHABLE
							: BUB_TROUBLE_PROHIBITED;
	case BUB_ICMP6_TIME_EXCEEDED:
		return BUB_TROUBLE_LOOP;
	case BUB_ICMP6_PARAM_PROBLEM:
		return by_agent && (code == CODE_UNKNOWN_HEADER || code == CODE_UNKNOWN_OPTION)
			       ? BUB_TROUBLE_NO_HOME_AGENT
			       : BUB_TROUBLE_NONE;
	default:
		return BUB_TROUBLE_NONE;
	}
}

void mn_on_not_delivered(struct bub_engine *eng, const struct bub_event *ev)
{
	struct home_registration *h = core_home_of(eng, &ev->u.not_delivered.home);
	const struct in6_addr *reporter = &ev->u.not_delivered.reporter;

	if (h == NULL || !bub_addr_eq(&h->care_of, &ev->u.not_delivered.care_of))
		return;
	switch (ev->u.not_delivered.by) {
	case BUB_NOT_DELIVERED_NO_ROUTE:
		trouble_hear(h, BUB_TROUBLE_NO_ROUTE_HERE, &in6addr_any);
		return;
	case BUB_NOT_DELIVERED_REFUSED:
		trouble_hear(h, BUB_TROUBLE_REFUSED_HERE, &in6addr_any);
		return;
	case BUB_NOT_DELIVERED_ICMP6:
		trouble_hear(h,
			     trouble_of_error(ev->u.not_delivered.icmp6_type,
					      ev->u.not_delivered.icmp6_code,
					      bub_addr_eq(reporter, &h->cfg.home_agent)),
			     reporter);
		return;
	}
}

/* Whose question in the clear has that cookie; NULL: nobody's. */
static struct home_registration *trouble_asked(struct bub_engine *eng, const struct in6_addr *local,
					       const struct in6_addr *agent,
					       const uint8_t cookie[static BUB_COOKIE_LEN])
{
	for (unsigned i = 0; mn_home(eng, i) != NULL; i++) {
		struct home_registration *h = mn_home(eng, i);

		if (h->trouble.asked && bub_addr_eq(&h->care_of, local) &&
		    bub_addr_eq(&h->cfg.home_agent, agent) &&
		    bub_equal_secret(cookie, h->trouble.cookie, BUB_COOKIE_LEN))
			return h;
	}
	return NULL;
}

bool trouble_on_cot(struct bub_engine *eng, const struct rx *rx)
{
	struct home_registration *h =
		trouble_asked(eng, &rx->local, &rx->peer, rx->mh.u.test.cookie);

	if (h != NULL)
		trouble_hear(h, BUB_TROUBLE_CLEAR_ONLY, &in6addr_any);
	return h != NULL;
}

bool trouble_on_error(struct bub_engine *eng, const struct bub_ip6 *ip,
		      const struct bub_icmp6 *icmp)
{
	struct home_registration *h;
	struct bub_mh_fault fault;
	struct bub_ip6 quoted;
	struct bub_mh mh;

	if (bub_ip6_decode(icmp->quoted, &quoted) != BUB_DROP_NONE ||
	    quoted.upper_proto != BUB_NH_MH ||
	    bub_mh_decode(&quoted, &core_config(eng)->codepoints, &mh, &fault) != 0 ||
	    mh.kind != BUB_MH_COTI)
		return false;
	h = trouble_asked(eng, &quoted.src, &quoted.dst, mh.u.test_init.cookie);
	if (h != NULL)
		trouble_hear(h,
			     trouble_of_error((uint8_t)icmp->kind, icmp->code,
					      bub_addr_eq(&ip->src, &quoted.dst)),
			     &ip->src);
	return h != NULL;
}
