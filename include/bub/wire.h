/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The wire formats: IPv6 with the extension headers that mobility uses, Mobility Header messages
 * and options (RFC 6275, section 6), the messages that BUB adds (docs/protocol.md), and the ICMPv6
 * messages of home agent discovery and prefix discovery (RFC 6275, 6.5 to 6.8).
 *
 * Decoding is pure: it says what the octets mean and never whether the peer may say so.  Nothing is
 * copied but fixed fields; views point into the caller's packet and live as long as it does.
 * All integers in the structs are in host order, all lifetimes in seconds.
 */
#ifndef BUB_WIRE_H
#define BUB_WIRE_H

#include "bub/icmp6.h"
#include "bub/ip6.h"
#include "bub/mh.h"
#include "bub/mld.h"

#endif
