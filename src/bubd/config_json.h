/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A configuration as JSON, for bubctl.
 */
#ifndef BUBD_CONFIG_JSON_H
#define BUBD_CONFIG_JSON_H

#include <jansson.h>

#include "config.h"

/*
 * What the configuration says of addresses, interfaces, files and numbers that matter outside of
 * bubd, and fingerprints in place of secrets; bubd(8) has the members.  The object is the caller's.
 */
json_t *config_json(const struct bubd_config *cfg);

#endif
