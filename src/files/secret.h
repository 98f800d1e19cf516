/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Files of secrets: one line, either "hex:" and hexadecimal digits or plain text.
 */
#ifndef FILES_SECRET_H
#define FILES_SECRET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "esp_keys.h"

/*
 * Reads the secret in @path.  Returns NULL and writes the secret, or returns what is wrong and what
 * was expected, as a sentence fragment.
 */
const char *secret_read(const char *path, uint8_t ret_secret[static ESP_SECRET_MAX],
			size_t *ret_len);

/*
 * The octets that @text stands for, as in a file but of any length up to ESP_SECRET_MAX.  Returns
 * as secret_read(); on failure @ret_secret may have been written.
 */
const char *secret_parse(const char *text, size_t len, uint8_t ret_secret[static ESP_SECRET_MAX],
			 size_t *ret_len);

/* Whether only its owner may read @path. */
bool secret_is_private(const char *path);

#endif
