/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Home agent: mobile nodes in networks of IPv4 (ipv4.c).
 */
#ifndef BUB_CORE_HA_IPV4_H
#define BUB_CORE_HA_IPV4_H

#include "core.h"

struct mobile_node;
struct request;

/* What @rx says of IPv4 and of a NAT. */
void ipv4_read(const struct rx *rx, const struct bub_event *ev, struct request *req);
/* The options that answer it. */
void ipv4_answer(const struct bub_engine *eng, const struct request *req, struct bub_mh_opts *opts);
/* The NAT in front of the mobile node has another address than before: its newest packet shows. */
bool ipv4_moves_nat(const struct mobile_node *c, const struct bub_event *ev);

#endif
