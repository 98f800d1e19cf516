/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The phases of a run.  A question is a Binding Update and what repeats it; it ends with an answer
 * or is given up.  At most options.window mobile nodes have a question open.
 *
 * Every message waits equally long for its answer, so those that are due stand in the order in
 * which they were sent.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "message.h"
#include "watched.h"
#include "wire.h"

#define NS_PER_S 1000000000u
#define NS_PER_MS 1000000u
#define STRIDE 611953u /* a prime: a step of it through all mobile nodes meets each */
#define STRIDE_ELSE 611957u
#define PLACES 4u /* a mobile node goes round them */
#define STATUS_REFUSED 128u
#define STATUS_SEQUENCE 135u
#define PROGRESS_NS (NS_PER_S / 2)
#define IDLE_NS ((uint64_t)100 * NS_PER_MS)
#define DUE_FIRST 4096u

struct due {
	uint64_t at_ns;
	uint32_t index;
	uint32_t sequence;
};

/* A ring of messages that wait for an answer, with those that have had it. */
struct dues {
	struct due *due;
	size_t head, n, cap; /* cap: a power of two */
};

struct play {
	const struct load_options *o;
	struct wire *wire;
	struct messages *messages;
	struct load_node *node;
	struct dues dues;
	struct load_result *r;
	uint32_t open;  /* questions */
	uint64_t asked; /* questions of this phase */
	uint64_t turn;  /* mobile nodes looked at in this phase */
	uint64_t now, began_ns, quiet_since_ns, told_ns, told_answered;
	bool failed;
};

static bool is_stopped(const struct play *p)
{
	return p->o->stop != NULL && *p->o->stop != 0;
}

uint64_t load_now_ns(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * NS_PER_S + (uint64_t)t.tv_nsec;
}

const char *load_what_name(enum load_what what)
{
	static const char *const name[] = {"register", "refresh", "handover", "deregister"};

	return name[what];
}

/* ---- What is due --------------------------------------------------------------------------- */

static bool dues_grow(struct dues *d)
{
	const size_t cap = d->cap == 0 ? DUE_FIRST : 2 * d->cap;
	struct due *more = malloc(cap * sizeof(*more));

	if (more == NULL)
		return false;
	for (size_t i = 0; i < d->n; i++)
		more[i] = d->due[(d->head + i) & (d->cap - 1)];
	free(d->due);
	*d = (struct dues){.due = more, .n = d->n, .cap = cap};
	return true;
}

static bool dues_add(struct dues *d, const struct due *due)
{
	if (d->n == d->cap && !dues_grow(d))
		return false;
	d->due[(d->head + d->n++) & (d->cap - 1)] = *due;
	return true;
}

/* The oldest message that has no answer yet; NULL: there is none. */
static const struct due *dues_first(struct play *p)
{
	struct dues *d = &p->dues;

	for (; d->n > 0; d->n--, d->head = (d->head + 1) & (d->cap - 1)) {
		const struct due *due = &d->due[d->head];
		const struct load_node *node = &p->node[due->index];

		if (node->asked_ns != 0 && node->sequence == due->sequence)
			return due;
	}
	return NULL;
}

/* ---- Asking -------------------------------------------------------------------------------- */

static void play_flush(struct play *p)
{
	p->r->tally.not_sent += wire_flush(p->wire);
}

/* The next message of a question. */
static void play_send(struct play *p, uint32_t index)
{
	struct load_node *node = &p->node[index];
	const struct due due = {
		.at_ns = p->now + (uint64_t)p->o->timeout_ms * NS_PER_MS,
		.index = index,
		.sequence = node->sequence + 1,
	};
	size_t len;

	node->sequence = due.sequence;
	if (p->r->sequence < due.sequence)
		p->r->sequence = due.sequence;
	node->tries++;
	len = messages_update(p->messages, index, node, wire_room(p->wire));
	if (len == 0 || !dues_add(&p->dues, &due)) {
		fprintf(stderr, "\nbubload: no message for mobile node %u\n", (unsigned)index);
		p->failed = true;
		return;
	}
	p->r->tally.sent++;
	wire_add(p->wire, len);
	if (wire_is_full(p->wire))
		play_flush(p);
}

static void play_ask(struct play *p, uint32_t index)
{
	struct load_node *node = &p->node[index];

	node->asked_ns = p->now;
	node->tries = 0;
	node->deletes = p->r->what == LOAD_DEREGISTER;
	if (p->r->what == LOAD_HANDOVER)
		node->place = (uint8_t)((node->place + 1) % PLACES);
	if (p->open++ == 0)
		p->quiet_since_ns = p->now;
	p->asked++;
	play_send(p, index);
}

static void play_end(struct play *p, uint32_t index)
{
	p->node[index].asked_ns = 0;
	p->open--;
}

/* Each once in a round, so that no neighbours in memory follow each other. */
static uint32_t play_index(const struct play *p, uint64_t turn)
{
	const uint64_t stride = p->o->nodes % STRIDE == 0 ? STRIDE_ELSE : STRIDE;

	return (uint32_t)(turn % p->o->nodes * stride % p->o->nodes);
}

/* How many mobile nodes are asked, one or another; 0: until the time is up. */
static uint64_t play_turns(const struct play *p)
{
	if (p->r->what == LOAD_REGISTER || p->r->what == LOAD_DEREGISTER)
		return p->o->nodes;
	return p->o->time_s > 0 ? 0 : (uint64_t)p->o->nodes * p->o->rounds;
}

static bool asks_no_more(const struct play *p)
{
	const uint64_t turns = play_turns(p);

	if (is_stopped(p) || p->failed)
		return true;
	if (turns > 0)
		return p->turn >= turns;
	return (double)(p->now - p->began_ns) >= p->o->time_s * NS_PER_S;
}

/* How many questions may be asked now. */
static uint64_t play_allowed(const struct play *p)
{
	uint64_t n = p->open < p->o->window ? p->o->window - p->open : 0;
	uint64_t due;

	if (p->o->rate <= 0)
		return n;
	due = (uint64_t)((double)(p->now - p->began_ns) * p->o->rate / NS_PER_S) + 1;
	due = due > p->asked ? due - p->asked : 0;
	return due < n ? due : n;
}

static unsigned play_ask_some(struct play *p)
{
	uint64_t n = play_allowed(p);
	unsigned asked = 0;

	/* No more than one batch: answers are read in between. */
	for (unsigned looked = 0;
	     looked < 2 * LOAD_BATCH && asked < n && asked < LOAD_BATCH && !asks_no_more(p);
	     looked++) {
		const uint32_t index = play_index(p, p->turn);

		/* Everybody has the turns that were asked for: in rounds the next one is waited
		 * for. */
		if (p->node[index].asked_ns != 0 && play_turns(p) > 0)
			break;
		p->turn++;
		if (p->node[index].asked_ns != 0)
			continue;
		play_ask(p, index);
		asked++;
	}
	return asked;
}

static void play_repeat(struct play *p)
{
	const struct due *first;

	while ((first = dues_first(p)) != NULL && first->at_ns <= p->now && !p->failed) {
		const uint32_t index = first->index;

		if (p->node[index].tries >= p->o->tries || is_stopped(p)) {
			p->r->tally.given_up++;
			play_end(p, index);
			continue;
		}
		p->r->tally.repeated++;
		play_send(p, index);
	}
}

/* ---- Answers ------------------------------------------------------------------------------- */

static void play_answered(struct play *p, const struct message_answer *a)
{
	struct load_node *node = &p->node[a->index];
	struct tally *t = &p->r->tally;

	t->status[a->status]++;
	if (a->status == STATUS_SEQUENCE && node->tries < p->o->tries) {
		node->sequence = (node->sequence & ~(uint32_t)UINT16_MAX) | a->sequence;
		t->repeated++;
		play_send(p, a->index);
		return;
	}
	if (a->status < STATUS_REFUSED) {
		tally_took(t, p->now - node->asked_ns);
		t->answered++;
	}
	play_end(p, a->index);
}

static void play_on_packet(void *ctx, const uint8_t *packet, size_t len)
{
	struct play *p = ctx;
	struct tally *t = &p->r->tally;
	struct message_answer a = {0};

	switch (messages_read(p->messages, packet, len, &a)) {
	case MESSAGE_BAD:
		t->bad++;
		return;
	case MESSAGE_FOREIGN:
		t->foreign++;
		return;
	case MESSAGE_ANSWER:
		break;
	}
	if (p->node[a.index].asked_ns == 0 || (!p->o->echo && a.status != STATUS_SEQUENCE &&
					       a.sequence != (uint16_t)p->node[a.index].sequence)) {
		t->foreign++; /* of a message that was repeated meanwhile */
		return;
	}
	if (p->now - p->quiet_since_ns > t->silence_ns)
		t->silence_ns = p->now - p->quiet_since_ns;
	p->quiet_since_ns = p->now;
	play_answered(p, &a);
}

/* ---- A phase ------------------------------------------------------------------------------- */

static void play_progress(struct play *p)
{
	const struct tally *t = &p->r->tally;
	const uint64_t since = p->now - p->told_ns;

	if (!p->o->progress || since < PROGRESS_NS)
		return;
	fprintf(stderr, "\r%s: %llu answered, %.0f/s, %u open, %llu repeated, %llu given up ",
		load_what_name(p->r->what), (unsigned long long)t->answered,
		(double)(t->answered - p->told_answered) * NS_PER_S / (double)since,
		(unsigned)p->open, (unsigned long long)t->repeated,
		(unsigned long long)t->given_up);
	p->told_ns = p->now;
	p->told_answered = t->answered;
}

/* Until something is to be done. */
static void play_wait(struct play *p)
{
	const struct due *first = dues_first(p);
	uint64_t ns = IDLE_NS, next;

	if (first != NULL)
		ns = first->at_ns > p->now ? first->at_ns - p->now : 0;
	if (p->o->rate > 0 && !asks_no_more(p)) {
		next = p->began_ns + (uint64_t)((double)p->asked * NS_PER_S / p->o->rate);
		next = next > p->now ? next - p->now : 0;
		ns = next < ns ? next : ns;
	}
	wire_wait(p->wire, ns < IDLE_NS ? ns : IDLE_NS);
}

static void play_phase(struct play *p, struct load_result *r)
{
	const struct watched before = watched_look(p->o->pid);
	struct watched after;

	p->r = r;
	p->turn = p->asked = p->told_answered = 0;
	p->now = p->began_ns = p->told_ns = load_now_ns();
	while (!p->failed && (p->open > 0 || !asks_no_more(p))) {
		unsigned busy = play_ask_some(p);

		play_repeat(p);
		play_flush(p);
		p->now = load_now_ns();
		busy += wire_receive(p->wire, play_on_packet, p);
		if (busy == 0)
			play_wait(p);
		p->now = load_now_ns();
		play_progress(p);
	}
	after = watched_look(p->o->pid);
	r->took_ns = p->now - p->began_ns;
	r->own_cpu_ns = after.own_cpu_ns - before.own_cpu_ns;
	r->agent_cpu_ns = after.cpu_ns - before.cpu_ns;
	r->agent_rss_kb = after.rss_kb;
	if (p->o->progress)
		fputc('\n', stderr);
}

static bool play_open(struct play *p)
{
	const struct load_options *o = p->o;

	p->node = calloc(o->nodes, sizeof(*p->node));
	if (p->node == NULL) {
		fprintf(stderr, "bubload: out of memory\n");
		return false;
	}
	for (uint32_t i = 0; i < o->nodes; i++)
		p->node[i].sequence = o->sequence;
	p->wire = wire_open(o);
	p->messages = p->wire != NULL ? messages_new(o) : NULL;
	return p->messages != NULL;
}

int load_run(const struct load_options *o, void (*done)(void *ctx, const struct load_result *r),
	     void *ctx)
{
	struct play p = {.o = o};
	struct load_result *r = malloc(sizeof(*r));
	int rc = r != NULL && play_open(&p) ? 0 : -1;

	for (unsigned i = 0; rc == 0 && i < o->n_phases && !is_stopped(&p); i++) {
		memset(r, 0, sizeof(*r));
		r->what = o->phase[i];
		play_phase(&p, r);
		done(ctx, r);
		rc = p.failed ? -1 : 0;
	}
	messages_free(p.messages);
	wire_close(p.wire);
	free(p.dues.due);
	free(p.node);
	free(r);
	return rc;
}
