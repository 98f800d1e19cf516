/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Writes keys where the operator asked for it, and nowhere else.  Owns the form of the file; the
 * warning that goes with it is daemon.c's.
 *
 * A line for an SA is a row of Wireshark's table esp_sa (Edit, Preferences, ESP), so that the file
 * can be copied to ~/.config/wireshark/esp_sa as it is.
 */
#include "keylog.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Returns a descriptor, or -1 with errno set. */
static int keylog_open_file(const char *path)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK,
		      0600);

	/* A file that was there before may have had another mode. */
	if (fd < 0 || fchmod(fd, 0600) == 0)
		return fd;
	(void)close(fd);
	return -1;
}

FILE *keylog_open(const char *path)
{
	int fd = keylog_open_file(path);
	FILE *kl = NULL;

	if (fd < 0)
		return NULL;
	kl = fdopen(fd, "a");
	if (kl == NULL) {
		(void)close(fd);
		return NULL;
	}
	(void)setvbuf(kl, NULL, _IOLBF, 0); /* a capture tool may read along */
	return kl;
}

int keylog_reopen(FILE *kl, const char *path)
{
	int fd = keylog_open_file(path);
	int err = 0;

	if (fd < 0)
		return -1;
	(void)fflush(kl);
	/* Not freopen(): it closes the old file before it knows whether there is a new one. */
	if (dup3(fd, fileno(kl), O_CLOEXEC) < 0)
		err = -1;
	(void)close(fd);
	return err;
}

static void write_hex(FILE *kl, const uint8_t *octets, size_t len)
{
	for (size_t i = 0; i < len; i++)
		(void)fprintf(kl, "%02x", octets[i]);
}

/* What Wireshark calls an algorithm of src/esp. */
static const char *wireshark_name(const char *ours)
{
	static const char *const names[][2] = {
		{"aes-cbc", "AES-CBC [RFC3602]"},
		{"3des-cbc", "TripleDES-CBC [RFC2451]"},
		{"null", "NULL"},
		{"hmac-sha256-128", "HMAC-SHA-256-128 [RFC4868]"},
		{"hmac-sha1-96", "HMAC-SHA-1-96 [RFC2404]"},
		{"aes-gcm", "AES-GCM with 16 octet ICV [RFC4106]"},
		{"chacha20-poly1305", "ChaCha20 with Poly1305 [RFC7634]"},
	};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (strcmp(names[i][0], ours) == 0)
			return names[i][1];
	return ours;
}

/* Without a key the column is empty.  Both @key and what follows it, @more, are in it. */
static void write_column(FILE *kl, const char *name, const uint8_t *key, size_t len,
			 const uint8_t *more, size_t more_len)
{
	(void)fprintf(kl, ",\"%s\",\"%s", wireshark_name(name), len > 0 ? "0x" : "");
	write_hex(kl, key, len);
	write_hex(kl, more, more_len);
	(void)fputc('"', kl);
}

/* Any addresses: outer ones move with the mobile node. */
static void keylog_row(FILE *kl, const struct esp_sa_params *sa, const char *family)
{
	const struct esp_alg_info *alg = esp_alg_info(sa->alg);

	(void)fprintf(kl, "\"%s\",\"*\",\"*\",\"0x%08x\"", family, sa->spi);
	if (alg->integrity == NULL) { /* the salt is part of the key */
		write_column(kl, alg->encryption, sa->enc_key, alg->enc_key_len, sa->auth_key,
			     alg->auth_key_len);
		write_column(kl, "null", NULL, 0, NULL, 0);
	} else {
		write_column(kl, alg->encryption, sa->enc_key, alg->enc_key_len, NULL, 0);
		write_column(kl, alg->integrity, sa->auth_key, alg->auth_key_len, NULL, 0);
	}
	(void)fputc('\n', kl);
}

/* A tunnel may go over IPv4 as well. */
void keylog_esp(FILE *kl, const struct esp_sa_params *sa)
{
	if (kl == NULL)
		return;
	keylog_row(kl, sa, "IPv6");
	if (sa->mode == ESP_TUNNEL)
		keylog_row(kl, sa, "IPv4");
}

void keylog_trace(FILE *kl, const struct bub_trace *tr)
{
	char local[INET6_ADDRSTRLEN] = "";
	char peer[INET6_ADDRSTRLEN] = "";

	if (kl == NULL || tr->type != BUB_TR_KEY)
		return;
	(void)inet_ntop(AF_INET6, &tr->local, local, sizeof(local));
	(void)inet_ntop(AF_INET6, &tr->peer, peer, sizeof(peer));
	(void)fprintf(kl, "# bub-key %s %s %s ", tr->what, local, peer);
	write_hex(kl, tr->secret.data, tr->secret.len);
	(void)fputc('\n', kl);
}
