/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One end of an agreement at a UNIX socket, for test_keys_openssl.py: a home agent that serves
 * connections until its standard input ends, or a mobile node that makes one.  Prints a line for
 * each.
 *
 *   keys_peer home-agent SOCKET CERTIFICATE KEY CA [CRL]
 *   keys_peer mobile-node SOCKET CERTIFICATE KEY FINGERPRINT
 *   keys_peer mobile-node SOCKET           by pre-shared key
 */
#include <arpa/inet.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "keys.h"
#include "keys_identity.h"

#define FILE_MAX 16384
#define HOME "2001:db8:1::5"

static const char secret[] = "correct horse battery";

static struct bub_time now(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	return (struct bub_time){(uint64_t)t.tv_sec * BUB_NS_PER_S + (uint64_t)t.tv_nsec};
}

static void die(const char *what)
{
	perror(what);
	exit(1);
}

static struct keys_octets read_file(const char *path)
{
	uint8_t *data = malloc(FILE_MAX);
	FILE *f = fopen(path, "rb");
	size_t len = 0;

	if (data == NULL || f == NULL)
		die(path);
	len = fread(data, 1, FILE_MAX, f);
	(void)fclose(f);
	return (struct keys_octets){.data = data, .len = len};
}

static size_t peer_psk(void *user, const char *name, uint8_t ret_secret[static KEYS_SECRET_MAX])
{
	(void)user;
	if (strcmp(name, HOME) != 0)
		return 0;
	memcpy(ret_secret, secret, sizeof(secret) - 1);
	return sizeof(secret) - 1;
}

static bool peer_pinned(void *user, const uint8_t fingerprint[static KEYS_FINGERPRINT_LEN])
{
	(void)user;
	(void)fingerprint;
	return false;
}

static enum keys_reason peer_grant(void *user, const struct keys_request *req,
				   struct keys_grant *ret_grant)
{
	struct keys_owner owner = {0};

	(void)user;
	(void)inet_pton(AF_INET6, HOME, &owner.home);
	if (!keys_identity_owns(req->who, &owner))
		return KEYS_HOME_NOT_PERMITTED;
	*ret_grant = (struct keys_grant){
		.home = owner.home, .spi_transport = 8193, .spi_tunnel = 8194, .lifetime_s = 600};
	(void)inet_pton(AF_INET6, "2001:db8:1::1", &ret_grant->home_agent);
	return KEYS_OK;
}

static const struct keys_server_ops ops = {
	.psk = peer_psk, .pinned = peer_pinned, .grant = peer_grant};

/* ---- Octets -------------------------------------------------------------------------------- */

static void send_all(struct keys_session *s, int fd)
{
	uint8_t data[4096];
	size_t n = 0;

	while ((n = keys_take(s, data, sizeof(data))) > 0)
		if (send(fd, data, n, MSG_NOSIGNAL) != (ssize_t)n)
			return;
}

static void talk(struct keys_session *s, int fd)
{
	uint8_t data[4096];

	while (keys_step(s, now()) == KEYS_GOING) {
		struct pollfd p = {.fd = fd, .events = POLLIN};
		ssize_t n = 0;

		send_all(s, fd);
		if (poll(&p, 1, 100) == 0)
			continue;
		n = recv(fd, data, sizeof(data), 0);
		if (n > 0)
			keys_feed(s, data, (size_t)n);
		else
			keys_feed_end(s);
	}
	send_all(s, fd);
	(void)shutdown(fd, SHUT_WR);
	while (recv(fd, data, sizeof(data), 0) > 0)
		;
	if (keys_agreed_of(s) != NULL)
		(void)printf("agreed %s\n", keys_agreed_of(s)->peer);
	else
		(void)printf("%s %s\n", keys_reason_name(keys_failure_of(s)->reason),
			     keys_failure_of(s)->text);
	(void)fflush(stdout);
	keys_session_free(s);
	(void)close(fd);
}

static void serve(int listener, const char *const *files)
{
	struct keys_server_config config = {
		.trust = {.certificate = read_file(files[0]),
			  .key = read_file(files[1]),
			  .ca = read_file(files[2])},
		.ops = &ops,
	};
	char why[KEYS_TEXT_MAX] = "";
	struct keys_context *ctx = NULL;

	if (files[3] != NULL)
		config.trust.crl = read_file(files[3]);
	ctx = keys_server_context_new(&config, why);
	if (ctx == NULL || listen(listener, 5) != 0)
		die(why);
	(void)printf("ready\n");
	(void)fflush(stdout);
	for (;;) {
		struct pollfd p[] = {{.fd = listener, .events = POLLIN},
				     {.fd = STDIN_FILENO, .events = POLLIN}};
		const struct keys_server_params params = {.now = now(), .wall_s = time(NULL)};

		if (poll(p, 2, -1) < 0 || p[1].revents != 0)
			break;
		talk(keys_server_new(ctx, &params), accept(listener, NULL, NULL));
	}
	keys_context_free(ctx);
}

static void ask(int fd, const char *const *files)
{
	struct keys_client_config config = {
		.secret = {.data = (const uint8_t *)secret, .len = sizeof(secret) - 1}};
	struct keys_client_params params = {
		.now = now(), .wall_s = time(NULL), .spi_transport = 4097, .spi_tunnel = 4098};
	char why[KEYS_TEXT_MAX] = "";
	struct keys_context *ctx = NULL;

	if (files[0] != NULL) {
		config.trust.certificate = read_file(files[0]);
		config.trust.key = read_file(files[1]);
		config.has_fingerprint = keys_fingerprint_parse(files[2], config.fingerprint);
	}
	(void)inet_pton(AF_INET6, HOME, &params.home);
	ctx = keys_client_context_new(&config, why);
	if (ctx == NULL)
		die(why);
	talk(keys_client_new(ctx, &params), fd);
	keys_context_free(ctx);
}

int main(int argc, char **argv)
{
	struct sockaddr_un at = {.sun_family = AF_UNIX};
	const char *files[5] = {NULL};
	const int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	if (argc < 3 || argc > 7)
		return 2;
	for (int i = 3; i < argc; i++)
		files[i - 3] = argv[i];
	(void)snprintf(at.sun_path, sizeof(at.sun_path), "%s", argv[2]);
	if (strcmp(argv[1], "home-agent") == 0) {
		if (bind(fd, (const struct sockaddr *)&at, sizeof(at)) != 0)
			die(argv[2]);
		serve(fd, files);
	} else {
		/* s_server binds the socket before it listens. */
		for (int tries = 0; connect(fd, (const struct sockaddr *)&at, sizeof(at)) != 0;
		     tries++) {
			if (tries == 1000)
				die(argv[2]);
			(void)poll(NULL, 0, 10);
		}
		ask(fd, files);
	}
	return 0;
}
