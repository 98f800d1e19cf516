/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The event log: one JSON object a line, unbuffered, so that a laboratory can measure from it and a
 * crash loses nothing.  Owns which members an event has; they are part of the interface and listed
 * in bubd.conf(5).
 *
 * Keys never come here: they have a file of their own (keylog.c).
 */
#include "eventlog.h"
#include "addrtext.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "jsonline.h"

struct address_text {
	char text[INET6_ADDRSTRLEN];
};

struct handover_line {
	char text[512];
	size_t len;
};

static struct address_text address_text(const struct in6_addr *addr)
{
	struct address_text t = {""};

	(void)addrtext_of(addr, t.text);
	return t;
}

/* The log says who talks to whom, and where they are: that is for the operator's group at most. */
static int eventlog_open_file(const char *path)
{
	return open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NONBLOCK, 0640);
}

int eventlog_open(struct eventlog *el, const char *path, const char *node, const struct log *log)
{
	*el = (struct eventlog){.fd = -1, .node = node, .log = log};
	if (path[0] == '\0')
		return 0;
	el->fd = eventlog_open_file(path);
	return el->fd < 0 ? -1 : 0;
}

int eventlog_reopen(struct eventlog *el, const char *path)
{
	int fd = -1;

	if (el->fd < 0)
		return 0;
	fd = eventlog_open_file(path);
	if (fd < 0)
		return -1;
	(void)close(el->fd);
	el->fd = fd;
	return 0;
}

void eventlog_close(struct eventlog *el)
{
	if (el->fd >= 0)
		(void)close(el->fd);
	el->fd = -1;
}

/* Whether anybody reads: else a line is not put together. */
static bool event_wanted(const struct eventlog *el)
{
	return el->fd >= 0 || (el->watch.wanted != NULL && el->watch.wanted(el->watch.ctx));
}

/* Members that every event has.  The times are those of the writing, whatever caused the event, so
 * that lines are in order. */
static void event_begin(const struct eventlog *el, struct jsonline *j, const char *event)
{
	struct timespec ts = {0};

	(void)clock_gettime(CLOCK_REALTIME, &ts);
	jsonline_begin(j);
	jsonline_time(j, "time", (uint64_t)ts.tv_sec, (uint32_t)(ts.tv_nsec / 1000));
	jsonline_number(j, "mono_ns", lnx_now().ns);
	jsonline_string(j, "node", el->node);
	jsonline_string(j, "event", event);
}

static void event_end(const struct eventlog *el, struct jsonline *j)
{
	jsonline_end(j);
	if (el->watch.line != NULL)
		el->watch.line(el->watch.ctx, j->text, j->len);
	/* O_APPEND and one write(): whole lines, even with several writers.  A full disk must not
	 * stop a handover, so a line that cannot be written is lost. */
	while (el->fd >= 0 && write(el->fd, j->text, j->len) < 0 && errno == EINTR)
		;
}

void eventlog_start(struct eventlog *el, const char *version)
{
	struct jsonline j;

	log_line(el->log, LNX_LOG_INFO, "bubd %s starts as %s", version, el->node);
	if (!event_wanted(el))
		return;
	event_begin(el, &j, "start");
	jsonline_string(&j, "what", version);
	jsonline_number(&j, "number", (uint64_t)getpid());
	event_end(el, &j);
}

void eventlog_stop(struct eventlog *el, const char *why)
{
	struct jsonline j;

	log_line(el->log, LNX_LOG_INFO, "bubd stops: %s", why);
	if (!event_wanted(el))
		return;
	event_begin(el, &j, "stop");
	jsonline_string(&j, "what", why);
	event_end(el, &j);
}

void eventlog_event(struct eventlog *el, const struct bub_event *ev)
{
	bool care_of = ev->type == BUB_EV_CARE_OF_NEW || ev->type == BUB_EV_CARE_OF_GONE;
	bool usable = ev->type == BUB_EV_CARE_OF_NEW;
	bool wanted = event_wanted(el);
	char name[IF_NAMESIZE] = "";
	struct jsonline j;

	if (!care_of && ev->type != BUB_EV_LINK_DOWN)
		return;
	if (wanted)
		event_begin(el, &j,
			    care_of ? "care-of" : "link-down"); /* the time, before all else */
	if (if_indextoname(ev->ifindex, name) == NULL)
		(void)snprintf(name, sizeof(name), "#%u", ev->ifindex);
	if (wanted) {
		if (care_of) {
			jsonline_bool(&j, "usable", usable);
			jsonline_address(&j, "address", &ev->u.care_of.address);
		}
		jsonline_string(&j, "interface", name);
		event_end(el, &j);
	}
	if (care_of)
		log_line(el->log, LNX_LOG_INFO, "care-of address %s on %s %s",
			 address_text(&ev->u.care_of.address).text, name,
			 usable ? "is usable" : "is gone");
	else
		log_line(el->log, LNX_LOG_INFO, "link %s is down", name);
}

void eventlog_action(struct eventlog *el, const struct bub_action *act)
{
	const struct bub_path *p = &act->u.path;
	bool set = act->type == BUB_ACT_PATH_SET;
	struct jsonline j;

	if (!set && act->type != BUB_ACT_PATH_DEL)
		return;
	if (event_wanted(el)) {
		event_begin(el, &j, "path");
		jsonline_string(&j, "what", set ? "set" : "del");
		jsonline_address(&j, "local", &p->local);
		jsonline_address(&j, "peer", &p->peer);
		if (set) {
			jsonline_bool(&j, "direct", p->direct);
			jsonline_address(&j, "out_src", &p->out_src);
			jsonline_address(&j, "out_dst", &p->out_dst);
			jsonline_address(&j, "care_of", &p->in_care_of);
		}
		event_end(el, &j);
	}
	if (!log_wants(el->log, LNX_LOG_DEBUG))
		return;
	if (set && p->direct)
		log_line(el->log, LNX_LOG_DEBUG, "path %s to %s: direct, %s to %s",
			 address_text(&p->local).text, address_text(&p->peer).text,
			 address_text(&p->out_src).text, address_text(&p->out_dst).text);
	else
		log_line(el->log, LNX_LOG_DEBUG, "path %s to %s: %s", address_text(&p->local).text,
			 address_text(&p->peer).text, set ? "as routed" : "removed");
}

void eventlog_esp_drop(struct eventlog *el, const struct lnx_esp_drop *drop)
{
	const struct bub_time now = lnx_now();
	struct jsonline j;

	if (!event_wanted(el))
		return;
	if (bub_time_ms_between(el->esp.since, now) >= 1000) {
		el->esp.since = now;
		el->esp.lines = 0;
	}
	if (el->esp.lines == EVENTLOG_ESP_PER_S) {
		el->esp.more++;
		return;
	}
	el->esp.lines++;
	event_begin(el, &j, "esp-drop");
	jsonline_string(&j, "drop", esp_result_name(drop->why));
	jsonline_string(&j, "what", drop->out ? "sent" : "received");
	jsonline_address(&j, "out_src", &drop->src);
	jsonline_address(&j, "out_dst", &drop->dst);
	jsonline_number(&j, "spi", drop->spi);
	jsonline_number(&j, "number", drop->sequence);
	jsonline_number(&j, "flow", drop->flow);
	jsonline_number(&j, "more", el->esp.more);
	el->esp.more = 0;
	event_end(el, &j);
}

/* Data that waits for duplicate address detection, or comes from a peer that does not listen, would
 * fill the screen with one line a packet. */
static void log_drop(struct eventlog *el, const struct bub_trace *tr)
{
	const bool has_local = !IN6_IS_ADDR_UNSPECIFIED(&tr->local);
	struct eventlog_drop *d = &el->drop[tr->drop];
	char more[48] = "";

	if (d->seen && bub_time_ms_between(d->at, tr->now) < 1000) {
		d->more++;
		return;
	}
	if (d->more > 0)
		(void)snprintf(more, sizeof(more), "; %u more since the last line", d->more);
	*d = (struct eventlog_drop){.seen = true, .at = tr->now};
	log_line(el->log, LNX_LOG_DEBUG, "dropped: %s (%s), from %s%s%s%s", bub_drop_name(tr->drop),
		 bub_drop_rule(tr->drop), address_text(&tr->peer).text, has_local ? " to " : "",
		 has_local ? address_text(&tr->local).text : "", more);
}

static void log_trace(struct eventlog *el, const struct bub_trace *tr)
{
	const enum lnx_log_level level =
		tr->type == BUB_TR_STATE && !el->many ? LNX_LOG_INFO : LNX_LOG_DEBUG;
	struct address_text local;
	struct address_text peer;

	if (!log_wants(el->log, level))
		return;
	local = address_text(&tr->local);
	peer = address_text(&tr->peer);
	switch (tr->type) {
	case BUB_TR_STATE:
		log_line(el->log, level, "%s %s with %s: %s -> %s (%s)", tr->machine, local.text,
			 peer.text, tr->from, tr->to, tr->what != NULL ? tr->what : "");
		break;
	case BUB_TR_SENT:
	case BUB_TR_RECEIVED:
		log_line(el->log, LNX_LOG_DEBUG, "%s %s %s %s, %s, number %u",
			 tr->type == BUB_TR_SENT ? "sent" : "received", tr->what,
			 tr->type == BUB_TR_SENT ? "to" : "from", peer.text,
			 tr->via != NULL ? tr->via : "direct", tr->number);
		break;
	case BUB_TR_DROP:
		log_drop(el, tr);
		break;
	case BUB_TR_TROUBLE:
	case BUB_TR_KEY:
		break;
	}
}

static void add_address(struct jsonline *j, const char *name, const struct in6_addr *addr)
{
	if (!IN6_IS_ADDR_UNSPECIFIED(addr))
		jsonline_address(j, name, addr);
}

void eventlog_trouble(struct eventlog *el, const struct eventlog_trouble *t)
{
	struct jsonline j;

	log_line(el->log, t->over ? LNX_LOG_INFO : LNX_LOG_WARNING, "%s", t->text);
	if (!event_wanted(el))
		return;
	event_begin(el, &j, "trouble");
	jsonline_string(&j, "trouble", t->name);
	jsonline_bool(&j, "over", t->over);
	jsonline_string(&j, "what", t->text);
	add_address(&j, "local", &t->local);
	add_address(&j, "peer", &t->peer);
	jsonline_number(&j, "number", t->number);
	event_end(el, &j);
}

/* A home agent that does not answer, or answers again. */
static void trace_trouble(struct eventlog *el, const struct bub_trace *tr)
{
	const struct address_text home = address_text(&tr->local);
	const struct address_text agent = address_text(&tr->peer);
	char by[INET6_ADDRSTRLEN + 16] = "";
	char text[EVENTLOG_TROUBLE_MAX];
	const struct eventlog_trouble t = {
		.name = bub_trouble_name(tr->trouble),
		.over = tr->trouble == BUB_TROUBLE_NONE,
		.local = tr->local,
		.peer = tr->peer,
		.number = tr->number,
		.text = text,
	};

	if (!IN6_IS_ADDR_UNSPECIFIED(&tr->reporter))
		(void)snprintf(by, sizeof(by), " (says %s)", address_text(&tr->reporter).text);
	if (t.over)
		(void)snprintf(text, sizeof(text), "the home agent %s answers %s again, after %u s",
			       agent.text, home.text, tr->seconds);
	else if (tr->trouble == BUB_TROUBLE_HOME_PREFIX)
		(void)snprintf(text, sizeof(text), "%s counts as at home at %s/%u %s", home.text,
			       address_text(&tr->reporter).text, tr->number, tr->what);
	else if (tr->trouble == BUB_TROUBLE_REFUSED)
		(void)snprintf(text, sizeof(text),
			       "the home agent %s refuses the registration of %s: %s (status %u)",
			       agent.text, home.text, tr->what, tr->number);
	else
		(void)snprintf(text, sizeof(text),
			       "the home agent %s does not answer %s, %u times in %u s: %s%s",
			       agent.text, home.text, tr->number, tr->seconds, tr->what, by);
	eventlog_trouble(el, &t);
}

/* ", acknowledged after 91.2 ms"; nothing where it is not known. */
static void add_ms(struct handover_line *l, const char *before, const struct handover_number *n)
{
	if (n->known && l->len < sizeof(l->text))
		l->len += (size_t)snprintf(l->text + l->len, sizeof(l->text) - l->len,
					   "%s %" PRIu64 ".%" PRIu64 " ms", before, n->value / 1000,
					   n->value % 1000 / 100);
}

static void add_move(struct handover_line *l, const char *who, const struct handover_side *side)
{
	if (side->moved && l->len < sizeof(l->text))
		l->len += (size_t)snprintf(l->text + l->len, sizeof(l->text) - l->len,
					   "%s from %s to %s", who, address_text(&side->from).text,
					   address_text(&side->to).text);
}

/* For people: what is left out is not known. */
static void log_handover(const struct eventlog *el, const struct handover *h)
{
	static const struct {
		const char *name, *words;
	} times[] = {
		{"update_us", "; Binding Update after"},
		{"acknowledged_us", ", acknowledged after"},
		{"data_in_us", ", data again after"},
		{"gap_us", ", silence of"},
	};
	struct handover_number n[HANDOVER_NUMBERS];
	struct handover_line l = {.len = 0};

	handover_numbers(h, n);
	add_move(&l, "we moved", &h->ours);
	add_move(&l, l.len > 0 ? ", the peer" : "the peer moved", &h->peers);
	for (size_t t = 0; t < sizeof(times) / sizeof(times[0]); t++)
		for (unsigned i = 0; i < HANDOVER_NUMBERS; i++)
			if (strcmp(times[t].name, n[i].name) == 0)
				add_ms(&l, times[t].words, &n[i]);
	log_line(el->log, LNX_LOG_INFO,
		 "handover of %s with %s by %s, %s: %s; %u messages sent, %u received",
		 address_text(&h->local).text, address_text(&h->peer).text,
		 handover_mode_name(h->mode), handover_result_name(h->result), l.text, h->sent,
		 h->received);
}

void eventlog_handover(struct eventlog *el, const struct handover *h)
{
	struct handover_number n[HANDOVER_NUMBERS];
	struct jsonline j;

	log_handover(el, h);
	if (!event_wanted(el))
		return;
	event_begin(el, &j, "handover");
	jsonline_address(&j, "local", &h->local);
	jsonline_address(&j, "peer", &h->peer);
	jsonline_string(&j, "mode", handover_mode_name(h->mode));
	jsonline_string(&j, "result", handover_result_name(h->result));
	jsonline_string(&j, "moved", handover_moved_name(h));
	add_address(&j, "from", &h->ours.from);
	add_address(&j, "to", &h->ours.to);
	add_address(&j, "peer_from", &h->peers.from);
	add_address(&j, "peer_to", &h->peers.to);
	jsonline_number(&j, "began_ns", h->began.ns);
	handover_numbers(h, n);
	for (unsigned i = 0; i < HANDOVER_NUMBERS; i++)
		if (n[i].known)
			jsonline_number(&j, n[i].name, n[i].value);
	event_end(el, &j);
}

void eventlog_trace(struct eventlog *el, const struct bub_trace *tr)
{
	static const char *const names[] = {
		[BUB_TR_STATE] = "state",
		[BUB_TR_SENT] = "sent",
		[BUB_TR_RECEIVED] = "received",
		[BUB_TR_DROP] = "drop",
	};
	struct jsonline j;

	if (tr->type == BUB_TR_KEY)
		return;
	if (tr->type == BUB_TR_TROUBLE) {
		trace_trouble(el, tr);
		return;
	}
	if (event_wanted(el)) {
		event_begin(el, &j, names[tr->type]);
		jsonline_string(&j, "machine", tr->machine);
		jsonline_string(&j, "from", tr->from);
		jsonline_string(&j, "to", tr->to);
		jsonline_string(&j, "what", tr->what);
		jsonline_string(&j, "via", tr->via);
		add_address(&j, "local", &tr->local);
		add_address(&j, "peer", &tr->peer);
		add_address(&j, "care_of", &tr->care_of);
		if (tr->type == BUB_TR_SENT || tr->type == BUB_TR_RECEIVED)
			jsonline_number(&j, "number", tr->number);
		if (tr->type == BUB_TR_DROP) {
			jsonline_string(&j, "drop", bub_drop_name(tr->drop));
			jsonline_string(&j, "rule", bub_drop_rule(tr->drop));
		}
		event_end(el, &j);
	}
	log_trace(el, tr);
}
