/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Looking in: copies of the engine's state for bubctl and for tests.  Changes nothing.
 */
#include "bul/bul.h"
#include "cn/cn.h"
#include "ha/ha.h"

const char *bub_mode_name(enum bub_mode mode)
{
	static const char *const name[] = {"plain", "tunnel", "ro", "bub"};

	return name[mode];
}

void bub_engine_table_use(const struct bub_engine *eng, struct bub_table_use *ret)
{
	*ret = (struct bub_table_use){
		.bindings = cn_used(eng),
		.peers = bul_used(eng),
		.clients = ha_used(eng),
		.registered = ha_registrations(eng),
	};
}
