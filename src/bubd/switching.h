/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The request "switch": mobile nodes of a home agent are sent to other ones.
 */
#ifndef BUBD_SWITCHING_H
#define BUBD_SWITCHING_H

#include "request.h"

/* Begins what @request wants, where it wants anything, and says how far all of it is; or why it
 * cannot be. */
json_t *switching_answer(const json_t *request, const struct request_target *t);

#endif
