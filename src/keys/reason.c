/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The names of the reasons.
 */
#include "keys_reason.h"

#include <string.h>

static const char *const names[KEYS_REASON_COUNT] = {[KEYS_OK] = "ok",
#define KEYS_REASON_NAME(id, name) [KEYS_##id] = (name),
						     KEYS_REASONS(KEYS_REASON_NAME)
#undef KEYS_REASON_NAME
};

const char *keys_reason_name(enum keys_reason why)
{
	return (unsigned)why < KEYS_REASON_COUNT ? names[why] : "?";
}

bool keys_reason_find(const char *name, enum keys_reason *ret_why)
{
	for (unsigned i = KEYS_OK + 1; i < KEYS_REASON_COUNT; i++) {
		if (strcmp(names[i], name) == 0) {
			*ret_why = (enum keys_reason)i;
			return true;
		}
	}
	return false;
}
