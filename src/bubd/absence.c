/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * See absence.h.  A move without any network in between takes some seconds, and is no news.
 */
#include "absence.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

#include "lacking.h"

#define FIRST_S 8
#define LAST_S 3600
#define TOLD_MAX 4 /* interfaces: a host may have very many */

/* As the core calls the state. */
static bool absence_is_state(const char *name)
{
	return strcmp(name, "no care-of address") == 0;
}

bool absence_is_of(const struct bub_home_status *home)
{
	return absence_is_state(home->state);
}

size_t absence_words(const struct lnx *lnx, const char *before, char *ret_text, size_t room)
{
	char addr[INET6_ADDRSTRLEN] = "";
	struct lnx_lack lack;
	size_t len = 0;
	unsigned n = 0;

	for (unsigned at = 0; len < room && n < TOLD_MAX && lnx_lack_next(lnx, &at, &lack); n++) {
		const bool about = !IN6_IS_ADDR_UNSPECIFIED(&lack.addr);

		(void)inet_ntop(AF_INET6, &lack.addr, addr, sizeof(addr));
		len += (size_t)snprintf(ret_text + len, room - len, "%s%s %s%s%s",
					n == 0 ? before : "; ", lack.interface, lack.words,
					about ? ": " : "", about ? addr : "");
	}
	return len < room ? len : room - 1;
}

static bool absence_lasts(const struct absence *a)
{
	struct bub_home_status h;

	for (unsigned i = 0; bub_engine_home_status(a->engine, lnx_now(), i, &h); i++)
		if (absence_is_of(&h))
			return true;
	return false;
}

static void absence_tell(const struct absence *a)
{
	char text[EVENTLOG_TROUBLE_MAX];
	const struct eventlog_trouble t = {.name = "no-address", .text = text};
	int n = snprintf(text, sizeof(text), "no care-of address");

	if (absence_words(a->lnx, ": ", text + n, sizeof(text) - (size_t)n) > 0)
		eventlog_trouble(a->events, &t);
}

static void absence_look(uv_timer_t *timer)
{
	struct absence *a = timer->data;

	if (!absence_lasts(a)) {
		a->wait_s = 0;
		return;
	}
	absence_tell(a);
	a->wait_s = 2 * a->wait_s < LAST_S ? 2 * a->wait_s : LAST_S;
	(void)uv_timer_start(timer, absence_look, a->wait_s * (uint64_t)1000, 0);
}

void absence_init(struct absence *a, uv_loop_t *loop)
{
	(void)uv_timer_init(loop, &a->timer);
	a->timer.data = a;
}

void absence_watch(struct absence *a)
{
	if (a->wait_s != 0)
		return;
	a->wait_s = FIRST_S;
	(void)uv_timer_start(&a->timer, absence_look, FIRST_S * (uint64_t)1000, 0);
}

void absence_trace(struct absence *a, const struct bub_trace *tr)
{
	if (tr->type == BUB_TR_STATE && absence_is_state(tr->to) && a->events != NULL)
		absence_watch(a);
}
