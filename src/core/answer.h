/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Answers to whoever asks: answer.c.
 */
#ifndef BUB_CORE_ANSWER_H
#define BUB_CORE_ANSWER_H

#include "core.h"

/* Answers @rx within the limit of @kind; false: that is used up, which has been counted. */
bool core_answer(struct bub_engine *eng, enum limit_kind kind, const struct rx *rx,
		 const struct route *r, const struct mh_out *out);

/* Binding Error of RFC 6275, 9.3.3, rate-limited. */
void core_binding_error(struct bub_engine *eng, const struct rx *rx, uint8_t status);

/* ICMPv6 Parameter Problem of RFC 6275, 9.2, code 0, that points at the octet at fault. */
void core_param_problem(struct bub_engine *eng, const struct rx *rx, uint16_t pointer);

#endif
