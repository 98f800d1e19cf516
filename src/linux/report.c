/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What every file here tells others: lines for the operator, events and verdicts for the core, the
 * time.
 */
#include <arpa/inet.h>
#include <stdarg.h>
#include <stdio.h>
#include <time.h>

#include "internal.h"

#define LOG_LINE_MAX 320

void lnx_log(struct lnx *l, enum lnx_log_level level, const char *fmt, ...)
{
	char text[LOG_LINE_MAX];
	va_list ap;

	if (l->cb.log == NULL)
		return;
	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	l->cb.log(l->cb.ctx, level, text);
}

struct lnx_text lnx_text_of(const struct in6_addr *a)
{
	struct lnx_text text = {{0}};

	inet_ntop(AF_INET6, a, text.s, sizeof(text.s));
	return text;
}

void lnx_emit(struct lnx *l, const struct bub_event *ev)
{
	l->cb.event(l->cb.ctx, ev);
}

void lnx_done_add(struct lnx *l, uint32_t id, int error)
{
	if (l->n_done == LNX_DONE_MAX) {
		lnx_log(l, LNX_LOG_ERROR, "too many verdicts are waiting");
		return;
	}
	l->done[(l->done_first + l->n_done) % LNX_DONE_MAX] = (struct lnx_done){id, error};
	l->n_done++;
}

void lnx_done_flush(struct lnx *l)
{
	while (l->n_done > 0) {
		const struct lnx_done done = l->done[l->done_first];
		struct bub_event ev = {.type = BUB_EV_DONE};

		l->done_first = (l->done_first + 1) % LNX_DONE_MAX;
		l->n_done--;
		ev.u.done.id = done.id;
		ev.u.done.error = done.error;
		lnx_emit(l, &ev);
	}
}

struct bub_time lnx_now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_BOOTTIME, &ts);
	return (struct bub_time){(uint64_t)ts.tv_sec * BUB_NS_PER_S + (uint64_t)ts.tv_nsec};
}
