/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Registrations go to the store once in a turn of the loop, however many there are: a commit waits
 * for the disk twice, or for Redis, and a hundred mobile nodes that register at once wait for one.
 *
 * Lifetimes are kept on two clocks.  Within one start of the machine CLOCK_BOOTTIME counts, which
 * nobody sets and which goes on while the machine sleeps; after that there is only the wall clock.
 * When that was set back meanwhile, a binding lasts its granted lifetime at most.
 */
#include "bindings.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define BOOT_ID "/proc/sys/kernel/random/boot_id"
#define FEW 64 /* room at first */
#define ERROR_MAX 512

/* What the engine wants to have stored. */
struct note {
	struct store_binding binding;
	uint32_t id;
	bool removes; /* the record; nobody waits to hear of that */
};

struct notes {
	struct note *at;
	size_t n, cap;
};

struct bindings {
	struct shared *store; /* borrowed */
	struct bindings_host host;
	struct bindings_policy policy;
	uint8_t boot[STORE_BOOT_LEN];
	struct notes noted; /* since the last commit */
	struct notes found; /* in the store, to be restored */
	bool out_of_memory; /* not all was found */
	bool closing;       /* nobody is told any more */
	bool failing;       /* told: it cannot be written */
	char why[2 * ERROR_MAX];
};

/* ---- Time ---------------------------------------------------------------------------------- */

/* Leaves zeros where the kernel does not tell. */
static void read_boot_id(uint8_t ret[static STORE_BOOT_LEN])
{
	char text[64] = "";
	int fd = open(BOOT_ID, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd >= 0 ? read(fd, text, sizeof(text) - 1) : 0;
	size_t digits = 0;

	if (fd >= 0)
		(void)close(fd);
	memset(ret, 0, STORE_BOOT_LEN);
	for (ssize_t i = 0; i < n && digits < 2 * (size_t)STORE_BOOT_LEN; i++) {
		const int c = tolower((unsigned char)text[i]);

		if (!isxdigit(c))
			continue; /* the hyphens of an UUID */
		ret[digits / 2] =
			(uint8_t)(ret[digits / 2] << 4 | (isdigit(c) ? c - '0' : c - 'a' + 10));
		digits++;
	}
}

static uint64_t clock_ms(clockid_t which)
{
	struct timespec ts;

	(void)clock_gettime(which, &ts);
	return (uint64_t)ts.tv_sec * 1000 + (uint64_t)ts.tv_nsec / 1000000;
}

struct bindings_clock bindings_now(const struct bindings *b)
{
	struct bindings_clock now = {
		.boot_ms = clock_ms(CLOCK_BOOTTIME),
		.real_ms = clock_ms(CLOCK_REALTIME),
	};

	memcpy(now.boot, b->boot, sizeof(now.boot));
	return now;
}

uint32_t bindings_left_s(const struct store_binding *b, const struct bindings_clock *now)
{
	static const uint8_t unknown[STORE_BOOT_LEN];
	bool same = memcmp(b->boot, now->boot, sizeof(b->boot)) == 0 &&
		    memcmp(b->boot, unknown, sizeof(b->boot)) != 0;
	uint64_t end_ms = same ? b->expires_boot_ms : b->expires_real_ms;
	uint64_t now_ms = same ? now->boot_ms : now->real_ms;
	uint64_t left_s = end_ms > now_ms ? (end_ms - now_ms) / 1000 : 0;

	return left_s < b->lifetime_s ? (uint32_t)left_s : b->lifetime_s;
}

/* ---- Life ---------------------------------------------------------------------------------- */

struct bindings *bindings_new(struct shared *store, const struct bindings_policy *policy,
			      const struct bindings_host *host)
{
	struct bindings *b = calloc(1, sizeof(*b));

	if (b == NULL)
		return NULL;
	b->store = store;
	b->host = *host;
	b->policy = *policy;
	read_boot_id(b->boot);
	return b;
}

void bindings_close(struct bindings *b)
{
	if (b != NULL)
		b->closing = true;
}

void bindings_free(struct bindings *b)
{
	if (b == NULL)
		return;
	free(b->noted.at);
	free(b->found.at);
	free(b);
}

/* False: out of memory. */
static bool notes_add(struct notes *l, const struct note *note)
{
	if (l->n == l->cap) {
		const size_t cap = l->cap == 0 ? FEW : 2 * l->cap;
		struct note *more = realloc(l->at, cap * sizeof(*more));

		if (more == NULL)
			return false;
		l->at = more;
		l->cap = cap;
	}
	l->at[l->n++] = *note;
	return true;
}

/* ---- Writing ------------------------------------------------------------------------------- */

void bindings_note(struct bindings *b, const struct bub_action *act)
{
	const struct bub_stored *s = &act->u.store;
	const struct bindings_clock now = bindings_now(b);
	const uint64_t lifetime_ms = (uint64_t)s->lifetime_s * 1000;
	struct note note = {.id = act->id, .removes = s->lifetime_s == 0};

	note.binding = (struct store_binding){
		.home = s->home,
		.care_of = s->care_of,
		.sequence = s->sequence,
		.registered = s->registered,
		.link_local = s->link_local,
		.unseen = s->unseen,
		.lifetime_s = s->lifetime_s,
		.expires_boot_ms = now.boot_ms + lifetime_ms,
		.expires_real_ms = now.real_ms + lifetime_ms,
	};
	memcpy(note.binding.boot, b->boot, sizeof(b->boot));
	/* However many registrations one turn of the loop brings, each waits for its own. */
	if (!notes_add(&b->noted, &note))
		b->host.line(b->host.ctx, false, "out of memory: a registration is not answered");
}

static void bindings_tell(struct bindings *b, bool failed, const char *why)
{
	if (failed == b->failing)
		return;
	b->failing = failed;
	(void)snprintf(b->why, sizeof(b->why), "%s%s",
		       failed ? why : "registrations can be stored again",
		       !failed            ? ""
		       : b->policy.accept ? "; registrations are acknowledged all the same, and "
					    "stored when it can be written"
					  : "; registrations are refused (130) until it can be "
					    "written");
	b->host.line(b->host.ctx, !failed, b->why);
}

const char *bindings_trouble(const struct bindings *b)
{
	return b->failing ? b->why : NULL;
}

/* A deletion is carried out whatever becomes of it, so it is to be stored some time. */
static bool note_insists(const struct note *note)
{
	return note->removes || !note->binding.registered;
}

static void bindings_feed(struct bindings *b, const struct note *note, size_t n, int error)
{
	struct bub_event ev = {.type = BUB_EV_STORED};

	ev.u.stored.error = error;
	for (size_t i = 0; i < n && !b->closing; i++) {
		if (note[i].removes)
			continue;
		ev.u.stored.home = note[i].binding.home;
		ev.u.stored.id = note[i].id;
		b->host.feed(b->host.ctx, &ev);
	}
}

/* What one commit brought. */
struct commit {
	struct bindings *b;
	size_t n;
	struct note note[];
};

static void bindings_on_commit(void *ctx, enum shared_result result, const char *why)
{
	struct commit *c = ctx;
	struct bindings *b = c->b;
	const bool accepts = b->policy.accept && !note_insists(&c->note[0]);

	if (!b->closing && result != SHARED_FENCED) {
		bindings_tell(b, result == SHARED_FAILED, why);
		bindings_feed(b, c->note, c->n, result == SHARED_STORED || accepts ? 0 : -EIO);
	}
	free(c);
}

static void bindings_put(struct bindings *b, const struct note *note, size_t n)
{
	struct shared_record r = {.kind = SHARED_BINDING};

	for (size_t i = 0; i < n; i++) {
		r.home = note[i].binding.home;
		r.u.binding = note[i].binding;
		if (note[i].removes)
			shared_delete(b->store, SHARED_BINDING, &r.home, 0);
		else
			shared_put(b->store, &r);
		if (b->host.beside != NULL)
			b->host.beside(b->host.ctx, &r.home);
	}
}

/* Acknowledged at once; but not without end where the store has been away. */
static void bindings_commit_later(struct bindings *b, const struct note *note, size_t n)
{
	struct shared_status status;
	bool refused = false;

	shared_status(b->store, &status);
	refused = !status.answers && !b->policy.accept && !note_insists(note);
	bindings_tell(b, !status.answers, status.why);
	if (!refused) {
		bindings_put(b, note, n);
		shared_commit(b->store, SHARED_LATER, NULL, NULL);
	}
	bindings_feed(b, note, n, refused ? -EIO : 0);
}

static void bindings_commit_now(struct bindings *b, const struct note *note, size_t n)
{
	const bool insists = b->policy.accept || note_insists(note);
	struct commit *c = malloc(sizeof(*c) + n * sizeof(*note));

	if (c == NULL) {
		bindings_feed(b, note, n, -ENOMEM);
		return;
	}
	c->b = b;
	c->n = n;
	memcpy(c->note, note, n * sizeof(*note));
	bindings_put(b, note, n);
	shared_commit(b->store, insists ? SHARED_INSIST : SHARED_NOW, bindings_on_commit, c);
}

void bindings_commit(struct bindings *b)
{
	/* A verdict may bring about something more to be noted. */
	while (b->noted.n > 0) {
		struct notes notes = b->noted;
		size_t end;

		b->noted = (struct notes){0};
		/* In their order, as there may be several of one home address. */
		for (size_t at = 0; at < notes.n; at = end) {
			const bool insists = note_insists(&notes.at[at]);

			for (end = at + 1; end < notes.n; end++)
				if (note_insists(&notes.at[end]) != insists)
					break;
			if (b->policy.at_once)
				bindings_commit_later(b, notes.at + at, end - at);
			else
				bindings_commit_now(b, notes.at + at, end - at);
		}
		free(notes.at);
	}
}

/* ---- After a restart ----------------------------------------------------------------------- */

void bindings_found(struct bindings *b, const struct store_binding *binding)
{
	const struct note note = {.binding = *binding};

	if (!notes_add(&b->found, &note))
		b->out_of_memory = true;
}

static bool bindings_restore_one(struct bindings *b, const struct store_binding *record)
{
	const struct bindings_clock now = bindings_now(b);
	const struct bub_stored s = {
		.home = record->home,
		.care_of = record->care_of,
		.sequence = record->sequence,
		.registered = record->registered,
		.link_local = record->link_local,
		.unseen = record->unseen,
		.lifetime_s = bindings_left_s(record, &now),
	};

	return s.lifetime_s > 0 && b->host.restore(b->host.ctx, &s) == 0;
}

/* It may be a decision, or another configuration than that of the home agent before. */
static void bindings_tell_refused(const struct bindings *b, size_t n, const struct in6_addr *home)
{
	char addr[INET6_ADDRSTRLEN] = "", text[ERROR_MAX];

	(void)inet_ntop(AF_INET6, home, addr, sizeof(addr));
	(void)snprintf(text, sizeof(text),
		       "%zu stored registration%s removed, as this configuration does not permit "
		       "%s: %s%s",
		       n, n == 1 ? " is" : "s are", n == 1 ? "it" : "them", addr,
		       n == 1 ? "" : " and others");
	b->host.line(b->host.ctx, false, text);
}

int bindings_restore(struct bindings *b, size_t *ret_n)
{
	struct notes found = b->found;
	const struct bindings_clock now = bindings_now(b);
	const struct store_binding *refused = NULL;
	size_t n_refused = 0;

	*ret_n = 0;
	b->found = (struct notes){0};
	for (size_t i = 0; i < found.n; i++) {
		struct note *note = &found.at[i];

		if (bindings_restore_one(b, &note->binding)) {
			*ret_n += note->binding.registered;
			continue;
		}
		if (note->binding.registered && bindings_left_s(&note->binding, &now) > 0) {
			refused = refused != NULL ? refused : &note->binding;
			n_refused++;
		}
		note->removes = true;
		if (!notes_add(&b->noted, note))
			b->out_of_memory = true;
	}
	if (refused != NULL)
		bindings_tell_refused(b, n_refused, &refused->home);
	free(found.at);
	return b->out_of_memory ? -1 : 0;
}

void bindings_forget(struct bindings *b)
{
	free(b->found.at);
	free(b->noted.at);
	b->found = b->noted = (struct notes){0};
	b->out_of_memory = false;
}
