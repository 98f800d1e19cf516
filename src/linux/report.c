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

	if (IN6_IS_ADDR_V4MAPPED(a))
		inet_ntop(AF_INET, a->s6_addr + 12, text.s, sizeof(text.s));
	else
		inet_ntop(AF_INET6, a, text.s, sizeof(text.s));
	return text;
}

void lnx_emit(struct lnx *l, const struct bub_event *ev)
{
	bulk_flush(l); /* it came before */
	l->cb.event(l->cb.ctx, ev);
}

struct bub_time lnx_now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_BOOTTIME, &ts);
	return (struct bub_time){(uint64_t)ts.tv_sec * BUB_NS_PER_S + (uint64_t)ts.tv_nsec};
}
