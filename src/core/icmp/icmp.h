/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ICMPv6: errors about our packets (icmp.c).
 */
#ifndef BUB_CORE_ICMP_ICMP_H
#define BUB_CORE_ICMP_ICMP_H

#include "core.h"

void icmp_input(struct bub_engine *eng, const struct bub_ip6 *ip, const struct bub_event *ev);

#endif
