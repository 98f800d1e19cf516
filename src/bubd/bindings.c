/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Registrations go to the disk once in a turn of the loop, however many there are: a commit waits
 * for the disk twice, and a hundred mobile nodes that register at once wait for one.
 *
 * Lifetimes are kept on two clocks.  Within one start of the machine CLOCK_BOOTTIME counts, which
 * nobody sets and which goes on while the machine sleeps; after that there is only the wall clock.
 * When that was set back meanwhile, a binding lasts its granted lifetime at most.
 */
#include "bindings.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define BOOT_ID "/proc/sys/kernel/random/boot_id"
#define VERDICTS_FEW 64 /* room at first */
#define ERROR_MAX 512

struct verdict {
	struct in6_addr home;
	uint32_t id;
};

struct bindings {
	struct shared *store;
	struct bindings_host host;
	uint8_t boot[STORE_BOOT_LEN];
	struct verdict *verdict; /* to be given after the next commit */
	size_t n_verdicts, cap_verdicts;
	bool noted;   /* since the last commit */
	bool failing; /* told: it cannot be written */
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

static struct bindings_clock clock_now(const struct bindings *b)
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

struct bindings *bindings_open(const char *dir, const struct bindings_host *host, char *ret_error,
			       size_t error_size)
{
	struct bindings *b = calloc(1, sizeof(*b));

	if (b == NULL) {
		(void)snprintf(ret_error, error_size, "out of memory");
		return NULL;
	}
	b->host = *host;
	read_boot_id(b->boot);
	b->store = shared_lmdb_open(dir, ret_error, error_size);
	if (b->store != NULL)
		return b;
	free(b);
	return NULL;
}

void bindings_close(struct bindings *b)
{
	if (b == NULL)
		return;
	shared_close(b->store);
	free(b->verdict);
	free(b);
}

/* ---- Writing ------------------------------------------------------------------------------- */

/* Room for one more verdict; false: no memory.  However many registrations one turn of the loop
 * brings, each waits for its own. */
static bool bindings_has_room(struct bindings *b)
{
	size_t cap = b->cap_verdicts == 0 ? VERDICTS_FEW : 2 * b->cap_verdicts;
	struct verdict *more;

	if (b->n_verdicts < b->cap_verdicts)
		return true;
	more = realloc(b->verdict, cap * sizeof(*more));
	if (more == NULL) {
		b->host.line(b->host.ctx, false, "out of memory: a registration is not answered");
		return false;
	}
	b->verdict = more;
	b->cap_verdicts = cap;
	return true;
}

void bindings_note(struct bindings *b, const struct bub_action *act)
{
	const struct bub_stored *s = &act->u.store;
	const struct bindings_clock now = clock_now(b);
	const uint64_t lifetime_ms = (uint64_t)s->lifetime_s * 1000;
	struct shared_record record = {.kind = SHARED_BINDING, .home = s->home};

	record.u.binding = (struct store_binding){
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

	memcpy(record.u.binding.boot, b->boot, sizeof(b->boot));
	if (s->lifetime_s > 0)
		shared_put(b->store, &record);
	else
		shared_delete(b->store, SHARED_BINDING, &s->home, 0);
	b->noted = true;
	/* Nobody waits to hear that something was removed. */
	if (s->lifetime_s > 0 && bindings_has_room(b))
		b->verdict[b->n_verdicts++] = (struct verdict){.home = s->home, .id = act->id};
}

static void bindings_tell(struct bindings *b, int error, const char *why)
{
	if ((error != 0) == b->failing)
		return;
	b->failing = error != 0;
	(void)snprintf(b->why, sizeof(b->why), "%s%s",
		       error != 0 ? why : "registrations can be stored again",
		       error != 0 ? "; registrations are refused (130) until it can be written"
				  : "");
	b->host.line(b->host.ctx, error == 0, b->why);
}

const char *bindings_trouble(const struct bindings *b)
{
	return b != NULL && b->failing ? b->why : NULL;
}

/* What one commit brought. */
struct commit {
	struct bindings *b;
	struct verdict *verdict;
	size_t n;
};

static void bindings_on_commit(void *ctx, enum shared_result result, const char *why)
{
	const struct commit *c = ctx;
	struct bindings *b = c->b;
	struct bub_event ev = {.type = BUB_EV_STORED};

	ev.u.stored.error = result == SHARED_STORED ? 0 : -EIO;
	bindings_tell(b, ev.u.stored.error, why);
	for (size_t i = 0; i < c->n; i++) {
		ev.u.stored.home = c->verdict[i].home;
		ev.u.stored.id = c->verdict[i].id;
		b->host.feed(b->host.ctx, &ev);
	}
}

void bindings_commit(struct bindings *b)
{
	/* A verdict may bring about something more to be noted. */
	while (b != NULL && b->noted) {
		struct commit c = {.b = b, .verdict = b->verdict, .n = b->n_verdicts};

		b->verdict = NULL;
		b->n_verdicts = b->cap_verdicts = 0;
		b->noted = false;
		shared_commit(b->store, SHARED_NOW, bindings_on_commit, &c);
		free(c.verdict);
	}
}

/* ---- After a restart ----------------------------------------------------------------------- */

struct list {
	struct store_binding *binding;
	size_t n, cap;
	bool failed;
	char error[ERROR_MAX]; /* the store's; "" */
};

static void bindings_on_taken(void *ctx, enum shared_result result, const char *why)
{
	struct list *l = ctx;

	(void)snprintf(l->error, sizeof(l->error), "%s", result == SHARED_STORED ? "" : why);
}

static void bindings_add(void *ctx, const struct shared_record *r)
{
	struct list *l = ctx;

	if (r->kind != SHARED_BINDING)
		return;
	if (l->n == l->cap && !l->failed) {
		size_t cap = l->cap == 0 ? 64 : 2 * l->cap;
		struct store_binding *more = realloc(l->binding, cap * sizeof(*more));

		l->failed = more == NULL;
		if (more != NULL) {
			l->binding = more;
			l->cap = cap;
		}
	}
	if (!l->failed)
		l->binding[l->n++] = r->u.binding;
}

static bool bindings_restore_one(struct bindings *b, const struct store_binding *record)
{
	const struct bindings_clock now = clock_now(b);
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

int bindings_restore(struct bindings *b, size_t *ret_n, char *ret_error, size_t error_size)
{
	struct list list = {0};
	int rc = 0;

	shared_take(b->store, bindings_add, bindings_on_taken, &list);
	*ret_n = 0;
	if (list.error[0] != '\0') {
		(void)snprintf(ret_error, error_size, "%s", list.error);
		rc = -1;
	}
	if (rc == 0 && list.failed) {
		(void)snprintf(ret_error, error_size, "out of memory");
		rc = -1;
	}
	for (size_t i = 0; rc == 0 && i < list.n; i++) {
		if (bindings_restore_one(b, &list.binding[i])) {
			*ret_n += list.binding[i].registered;
		} else {
			shared_delete(b->store, SHARED_BINDING, &list.binding[i].home, 0);
			b->noted = true;
		}
	}
	free(list.binding);
	return rc;
}
