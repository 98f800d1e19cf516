/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Rules of the older ip6tables, which nft does not see.
 */
#ifndef BUBCTL_LEGACY_H
#define BUBCTL_LEGACY_H

#include <jansson.h>

#define LEGACY_FAMILY "ip6tables-legacy"

/*
 * Adds to the array @rules what @saved, the output of ip6tables-save, says: chains and rules as
 * `nft -j list ruleset` has them, in tables of the family LEGACY_FAMILY.  A rule has the member
 * "line" too, as it stands in @saved.
 */
void legacy_add(json_t *rules, char *saved);

#endif
