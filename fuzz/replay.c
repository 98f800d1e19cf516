/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * main() of the fuzz targets in an ordinary build: plays the corpus back, so that every compiler
 * and sanitizer sees it and no fuzzing engine is needed.
 *
 * Arguments are files or directories of inputs.  Each input is given to the target whole, cut short
 * at every length, and with each octet in turn replaced by values that parsers trip over.
 */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "fuzz.h"

#define INPUT_MAX 4096u /* far above any packet that mobility signalling needs */

static unsigned inputs;

/* Hands the target a heap copy of exactly this length, so that a sanitizer sees a read past it. */
static void give(const uint8_t *data, size_t len)
{
	uint8_t *copy = malloc(len > 0 ? len : 1);

	if (copy == NULL)
		abort();
	if (len > 0)
		memcpy(copy, data, len);
	(void)LLVMFuzzerTestOneInput(copy, len);
	free(copy);
}

static void play(uint8_t *data, size_t len)
{
	static const uint8_t odd[] = {0x00, 0x01, 0x7f, 0x80, 0xff};

	for (size_t n = 0; n <= len; n++)
		give(data, n);
	for (size_t at = 0; at < len; at++) {
		const uint8_t was = data[at];

		for (size_t i = 0; i < sizeof(odd); i++) {
			data[at] = odd[i];
			give(data, len);
		}
		data[at] = was;
	}
	inputs++;
}

static int play_file(const char *path)
{
	static uint8_t data[INPUT_MAX];
	FILE *f = fopen(path, "rb");
	size_t len;

	if (f == NULL) {
		perror(path);
		return -1;
	}
	len = fread(data, 1, sizeof(data), f);
	(void)fclose(f);
	play(data, len);
	return 0;
}

static int play_directory(const char *path)
{
	DIR *dir = opendir(path);
	const struct dirent *entry;
	int rc = 0;

	if (dir == NULL) {
		perror(path);
		return -1;
	}
	while (rc == 0 && (entry = readdir(dir)) != NULL) {
		char name[4096];

		if (entry->d_name[0] == '.')
			continue;
		(void)snprintf(name, sizeof(name), "%s/%s", path, entry->d_name);
		rc = play_file(name);
	}
	(void)closedir(dir);
	return rc;
}

int main(int argc, char **argv)
{
	for (int i = 1; i < argc; i++) {
		struct stat st;
		int rc = stat(argv[i], &st);

		if (rc != 0)
			perror(argv[i]);
		else
			rc = S_ISDIR(st.st_mode) ? play_directory(argv[i]) : play_file(argv[i]);
		if (rc != 0)
			return EXIT_FAILURE;
	}
	printf("%u inputs\n", inputs);
	return inputs > 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
