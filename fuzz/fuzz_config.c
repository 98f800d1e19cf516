/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Fuzz target: the text of a configuration file.
 *
 * The file is one in memory that only its owner may read, so that it may have keys in it, and has a
 * secret in it, so that "secret-file = 100" finds one.  The promises tested: what is refused is
 * told about, in at most twenty lines; what is taken means the same the second time.
 */
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "config.h"
#include "fuzz.h"

#define FILE_FD 100
#define FILE_PATH "/proc/self/fd/100"
#define MESSAGES_MAX 20

static const char secret[] = "hex:000102030405060708090a0b0c0d0e0f\n";

static void make_file(void)
{
	int fd = memfd_create("config", 0);

	FUZZ_REQUIRE(fd >= 0 && fchmod(fd, 0600) == 0);
	FUZZ_REQUIRE(write(fd, secret, sizeof(secret) - 1) == (ssize_t)sizeof(secret) - 1);
	FUZZ_REQUIRE(dup2(fd, FILE_FD) == FILE_FD);
	(void)close(fd);
}

/* Each time in a buffer of its own, so that an overread is seen. */
static struct bubd_config *parse(const uint8_t *data, size_t size)
{
	char *text = malloc(size + CONFIG_TEXT_ROOM), *said = NULL;
	size_t said_len = 0, lines = 0;
	FILE *messages = open_memstream(&said, &said_len);
	struct bubd_config *cfg = NULL;

	FUZZ_REQUIRE(text != NULL && messages != NULL);
	if (size > 0)
		memcpy(text, data, size);
	cfg = bubd_config_parse(FILE_PATH, text, size, messages);
	(void)fclose(messages);
	for (size_t i = 0; i < said_len; i++)
		lines += said[i] == '\n';
	FUZZ_REQUIRE((cfg == NULL) == (lines > 0));
	FUZZ_REQUIRE(lines <= MESSAGES_MAX);
	free(said);
	free(text);
	return cfg;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct bubd_config *cfg = NULL, *again = NULL;
	char names[512];

	if (access(FILE_PATH, F_OK) != 0)
		make_file();
	cfg = parse(data, size);
	if (cfg == NULL)
		return 0;
	again = parse(data, size);
	FUZZ_REQUIRE(again != NULL);
	FUZZ_REQUIRE(bubd_config_compare(cfg, again, names, sizeof(names)) == 0);
	FUZZ_REQUIRE(cfg->n_pairs == again->n_pairs && cfg->n_peers == again->n_peers);
	for (size_t i = 0; i < cfg->n_pairs; i++)
		FUZZ_REQUIRE(bubd_config_same_pair(cfg, &cfg->pairs[i], again, &again->pairs[i]));
	bubd_config_free(again);
	bubd_config_free(cfg);
	return 0;
}
