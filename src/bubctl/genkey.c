/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Makes the secret that a mobile node and its home agent share, in the form that secret-file wants.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ctl.h"

#define SECRET_LEN 32 /* as many octets as the keys that are derived of it */

static bool genkey_write(FILE *out)
{
	uint8_t secret[SECRET_LEN];

	/* Up to 256 octets come whole or not at all (getrandom(2)). */
	if (getrandom(secret, sizeof(secret), 0) != (ssize_t)sizeof(secret))
		return false;
	(void)fputs("hex:", out);
	for (size_t i = 0; i < sizeof(secret); i++)
		(void)fprintf(out, "%02x", secret[i]);
	(void)fputc('\n', out);
	explicit_bzero(secret, sizeof(secret));
	return fflush(out) == 0;
}

int ctl_genkey(const char *path)
{
	FILE *out = stdout;
	int fd = -1;
	bool written = false;

	if (path != NULL) {
		/* A secret that is in use is never written over: both ends would have to be told.
		 */
		fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, S_IRUSR | S_IWUSR);
		out = fd >= 0 ? fdopen(fd, "w") : NULL;
		if (out == NULL) {
			(void)fprintf(stderr, "bubctl: %s: %s%s\n", path, strerror(errno),
				      errno == EEXIST ? "; move it away first" : "");
			return 1;
		}
	}
	written = genkey_write(out);
	if (!written)
		(void)fprintf(stderr, "bubctl: no secret was written: %s\n", strerror(errno));
	if (path != NULL && fclose(out) != 0 && written) {
		(void)fprintf(stderr, "bubctl: %s: %s\n", path, strerror(errno));
		written = false;
	}
	if (path != NULL && !written)
		(void)unlink(path);
	return written ? 0 : 1;
}
