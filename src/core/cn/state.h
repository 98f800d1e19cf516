/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The state of the correspondent's role.
 */
#ifndef BUB_CORE_CN_STATE_H
#define BUB_CORE_CN_STATE_H

#include "cn/binding.h"
#include "cn/nonce.h"

struct cn {
	struct table bindings;
	uint8_t kcn[BUB_KCN_LEN];
	struct nonce nonce[NONCES];
	uint16_t last_nonce;
};

#endif
