/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What was discarded, for the log.  See discards.h; the counters themselves are others'.
 */
#include "discards.h"

#include <inttypes.h>
#include <stdio.h>

#define PAUSE_MAX_S 3600
#define LINE_ROOM 700

struct discards_line {
	char text[LINE_ROOM];
	size_t len;
};

/* A reason whose counter is at @count. */
static void discards_add(struct discards_line *l, struct bub_time now, struct discards_reason *r,
			 const char *name, uint64_t count)
{
	const uint64_t quiet_ms = bub_time_ms_between(r->at, now);
	int n = 0;

	if (count <= r->told || quiet_ms < r->pause_s * (uint64_t)1000 || l->len > LINE_ROOM - 80)
		return;
	if (quiet_ms > (2 * r->pause_s + 60) * (uint64_t)1000)
		r->pause_s = 0;
	n = snprintf(l->text + l->len, LINE_ROOM - l->len, "%s %s %" PRIu64, l->len > 0 ? "," : "",
		     name, count - r->told);
	l->len += n > 0 ? (size_t)n : 0;
	r->told = count;
	r->at = now;
	r->pause_s = r->pause_s == 0 ? 1 : 2 * r->pause_s;
	if (r->pause_s > PAUSE_MAX_S)
		r->pause_s = PAUSE_MAX_S;
}

void discards_look(struct discards *d, struct bub_time now, const struct bub_engine *engine,
		   struct lnx *lnx)
{
	const struct bub_counters *core = bub_engine_counters(engine);
	struct lnx_counter drops[LNX_DROPS_MAX];
	struct discards_line line = {.len = 0};
	unsigned n = 0;

	if (bub_time_ms_between(d->looked, now) < 1000)
		return;
	d->looked = now;
	for (unsigned i = BUB_DROP_NONE + 1; i < BUB_DROP_COUNT; i++)
		discards_add(&line, now, &d->core_reason[i], bub_drop_name((enum bub_drop)i),
			     core->drop[i]);
	n = lnx_drops(lnx, drops, LNX_DROPS_MAX);
	for (unsigned i = 0; i < n; i++)
		discards_add(&line, now, &d->lnx_reason[i], drops[i].name, drops[i].value);
	for (unsigned i = ESP_OK + 1; i < ESP_RESULT_COUNT; i++)
		discards_add(&line, now, &d->esp_reason[i], esp_result_name((enum esp_result)i),
			     d->esp[i]);
	if (line.len > 0)
		log_line(d->log, LNX_LOG_INFO, "discarded since the last line about it:%s",
			 line.text);
}
