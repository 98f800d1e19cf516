/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One log line for what was discarded, by reason, of all layers together: at most one a second, and
 * a reason that goes on is named at growing intervals only.
 */
#ifndef BUBD_DISCARDS_H
#define BUBD_DISCARDS_H

#include "bub/engine.h"
#include "linux.h"
#include "log.h"

struct discards_reason {
	uint64_t told; /* as many were in the lines before */
	struct bub_time at;
	uint32_t pause_s; /* after that; 0: it is new, or was quiet for long */
};

struct discards {
	const struct log *log; /* borrowed */
	struct bub_time looked;
	uint64_t esp[ESP_RESULT_COUNT];
	struct discards_reason core_reason[BUB_DROP_COUNT];
	struct discards_reason lnx_reason[LNX_DROPS_MAX];
	struct discards_reason esp_reason[ESP_RESULT_COUNT];
};

/* Looks, unless it has within the last second, and writes the line. */
void discards_look(struct discards *d, struct bub_time now, const struct bub_engine *engine,
		   struct lnx *lnx);

#endif
