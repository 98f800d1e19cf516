/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a run is made of, as sim.h has it: its trace with the hash over it, its verdict, and who or
 * what has an address.  It calls none of the files that watch or disturb the run.
 */
#include <arpa/inet.h>
#include <stdarg.h>
#include <string.h>

#include "nat.h"
#include "sim.h"

/* ---- Trace --------------------------------------------------------------------------------- */

uint64_t sim_now(const struct sim *s)
{
	return world_now(s->world).ns;
}

void sim_disturb(struct sim *s)
{
	s->disturbed_ns = s->troubled_ns = sim_now(s);
}

void sim_mix(struct sim *s, uint64_t v)
{
	s->hash = (s->hash ^ v) * UINT64_C(0x9e3779b97f4a7c15);
	s->hash ^= s->hash >> 29;
}

void sim_mix_octets(struct sim *s, const uint8_t *octets, size_t len)
{
	uint64_t v;

	for (; len >= sizeof v; len -= sizeof v, octets += sizeof v) {
		memcpy(&v, octets, sizeof v);
		sim_mix(s, v);
	}
	v = len;
	while (len > 0)
		v = v << 8 | octets[--len];
	sim_mix(s, v);
}

void sim_did(struct sim *s, enum sim_feature what)
{
	s->result->did[what]++;
}

void sim_mix_text(struct sim *s, const char *text)
{
	if (text != NULL)
		sim_mix_octets(s, (const uint8_t *)text, strlen(text));
}

const char *sim_text(const struct in6_addr *a, char buf[INET6_ADDRSTRLEN])
{
	return inet_ntop(AF_INET6, a, buf, INET6_ADDRSTRLEN);
}

static void print_trace(const struct bub_trace *tr)
{
	char a[INET6_ADDRSTRLEN], b[INET6_ADDRSTRLEN], c[INET6_ADDRSTRLEN];

	switch (tr->type) {
	case BUB_TR_STATE:
		printf("%s %s -> %s (%s) %s\n", tr->machine, tr->from, tr->to, tr->what,
		       sim_text(&tr->peer, a));
		return;
	case BUB_TR_SENT:
	case BUB_TR_RECEIVED:
		printf("%s %s %u %s, %s %s %s, care-of %s\n",
		       tr->type == BUB_TR_SENT ? "sent" : "received", tr->what, tr->number, tr->via,
		       sim_text(&tr->local, a), tr->type == BUB_TR_SENT ? "to" : "from",
		       sim_text(&tr->peer, b), sim_text(&tr->care_of, c));
		return;
	case BUB_TR_DROP:
		printf("drop %s, peer %s\n", bub_drop_name(tr->drop), sim_text(&tr->peer, a));
		return;
	case BUB_TR_TROUBLE:
		printf("trouble %s: %s, home agent %s\n", bub_trouble_name(tr->trouble), tr->what,
		       sim_text(&tr->peer, a));
		return;
	case BUB_TR_KEY:
		printf("key %s with %s\n", tr->what, sim_text(&tr->peer, a));
		return;
	}
}

static void print_line(const struct sim_line *l)
{
	char a[INET6_ADDRSTRLEN];

	printf("%12.6f %-6s ", (double)l->at_ns / 1e9, l->node != NULL ? l->node->name : "-");
	if (l->note != NULL)
		printf("*** %s %u %s\n", l->note, l->number,
		       IN6_IS_ADDR_UNSPECIFIED(&l->tr.peer) ? "" : sim_text(&l->tr.peer, a));
	else
		print_trace(&l->tr);
}

void sim_line(struct sim *s, const struct sim_line *l)
{
	if (s->result->failed)
		return;
	s->tail[s->n_lines++ % SIM_TAIL] = *l;
	if (s->opt->trace)
		print_line(l);
}

void sim_print_tail(const struct sim *s)
{
	uint64_t from = s->n_lines > SIM_TAIL ? s->n_lines - SIM_TAIL : 0;

	for (uint64_t i = from; i < s->n_lines; i++)
		print_line(&s->tail[i % SIM_TAIL]);
}

void sim_note(struct sim *s, const struct node *n, const char *note, uint32_t number)
{
	struct sim_line l = {.at_ns = sim_now(s), .node = n, .note = note, .number = number};

	sim_mix_text(s, note);
	sim_mix(s, number);
	sim_line(s, &l);
}

void sim_note_addr(struct sim *s, const struct node *n, const char *note, uint32_t number,
		   const struct in6_addr *addr)
{
	struct sim_line l = {.at_ns = sim_now(s), .node = n, .note = note, .number = number};

	l.tr.peer = *addr;
	sim_mix_text(s, note);
	sim_mix(s, number);
	sim_mix_octets(s, addr->s6_addr, sizeof addr->s6_addr);
	sim_line(s, &l);
}

void sim_fail(struct sim *s, const char *oracle, const char *format, ...)
{
	va_list ap;

	if (s->result->failed)
		return;
	s->result->failed = true;
	s->result->at_ms = sim_now(s) / BUB_NS_PER_MS;
	snprintf(s->result->oracle, sizeof s->result->oracle, "%s", oracle);
	va_start(ap, format);
	vsnprintf(s->result->what, sizeof s->result->what, format, ap);
	va_end(ap);
}

/* ---- Looking things up --------------------------------------------------------------------- */

struct sim_node *sim_node_of(const struct sim *s, const struct in6_addr *home)
{
	return addrmap_get(&s->homes, home);
}

bool sim_is_home(const struct sim_node *n)
{
	for (unsigned i = 0; i < WORLD_INTERFACES; i++)
		if (n->place[i] != PLAN_NOWHERE && n->place[i] == n->plan->home)
			return true;
	return false;
}

const struct plan_place *sim_place_of(const struct sim *s, const struct in6_addr *a)
{
	const struct in6_addr inside = nat_inside(a);
	const struct in6_addr prefix = addr_prefix(&inside, nat_prefix_len(&inside));

	return addrmap_get(&s->prefixes, &prefix);
}

bool sim_is_message(const struct flight *f)
{
	struct bub_ip6 ip;

	return world_decode((struct bub_view){f->octets, f->len}, &ip) &&
	       (ip.upper_proto == BUB_NH_MH ||
		(ip.upper_proto == BUB_NH_IPV6 && bub_ip6_decode(ip.upper, &ip) == BUB_DROP_NONE &&
		 ip.upper_proto == BUB_NH_MH));
}
