/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The configuration of an engine: config.c.
 */
#ifndef BUB_CORE_CONFIG_H
#define BUB_CORE_CONFIG_H

#include "bub/engine.h"

#define INITIAL_BINDACK_TIMEOUT_FIRST_REG_MS 1500u /* RFC 6275, 13 */
#define NATKATIMEOUT_S 110u                        /* RFC 5555, 6 */

/* False: the engine cannot be what @cfg says. */
bool config_is_valid(const struct bub_config *cfg);

#endif
