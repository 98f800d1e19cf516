/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The answer to "show" as OpenMetrics text: bubd serves it, and bubctl prints it.
 */
#ifndef BUB_OPENMETRICS_H
#define BUB_OPENMETRICS_H

#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>

#define OPENMETRICS_CONTENT_TYPE "application/openmetrics-text; version=1.0.0; charset=utf-8"

void openmetrics_print(FILE *out, const json_t *reply);

/* Whether a home address of the answer to "show" is at home or registered. */
bool openmetrics_home_is_served(const json_t *home);

#endif
