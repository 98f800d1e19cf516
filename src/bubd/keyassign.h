/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A home address that the configuration leaves out: the home agent assigns it, to whom it knows by
 * a certificate (RFC 6618, 5).
 */
#ifndef BUBD_KEYASSIGN_H
#define BUBD_KEYASSIGN_H

#include <uv.h>

#include "config.h"
#include "log.h"

struct keyassign_host {
	uv_loop_t *loop;
	const struct log *log;
	struct bub_time (*now)(void);
	void (*random)(void *ctx, uint8_t *buf, size_t len);
	void (*waiting)(void); /* so that who started this does not lose patience */
};

/*
 * Asks until every home address of @cfg is known, and writes them there.  Runs the loop meanwhile;
 * who stops that ends it.  Returns 0; 1: it was stopped; or -1 and one line in @ret_error.
 */
int keyassign_run(struct bubd_config *cfg, const struct keyassign_host *host, char *ret_error,
		  size_t error_size);

#endif
