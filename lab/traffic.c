/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * traffic: ordinary programs for the lab's mobile nodes.  They know nothing of mobility: they bind
 * to and connect to home addresses, like any application.
 *
 *   traffic tcp-recv LOCAL PORT LOG
 *       takes one connection and reads it to its end, then answers with what it got
 *   traffic tcp-send LOCAL REMOTE PORT BITS_PER_SECOND
 *       sends a paced stream until SIGTERM, half-closes, and waits for the answer
 *   traffic udp LOCAL REMOTE PORT PACKETS_PER_SECOND SENT_LOG RECEIVED_LOG
 *       sends numbered packets and logs each that arrives, until SIGTERM; then receives until it
 *       has been quiet for half a second
 *
 * Each prints its result as one line of JSON on standard output.  Logs of UDP have one line a
 * packet: number, time sent, and (received) the kernel's time of arrival; the log of TCP has time
 * and octets so far, at most one line in ten milliseconds.  Times are nanoseconds since 1970.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <inttypes.h>
#include <netinet/tcp.h>
#include <openssl/evp.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#define NSEC 1000000000LL
#define TCP_TICK_NS 5000000LL /* a chunk this often: smooth next to a handover's length */
#define TCP_LOG_NS 10000000LL
#define UDP_OCTETS 128
#define UDP_QUIET_MS 500
#define HASH_TEXT_SIZE (2 * EVP_MAX_MD_SIZE + 1)

static int die(const char *what)
{
	fprintf(stderr, "traffic: %s: %s\n", what, strerror(errno));
	return EXIT_FAILURE;
}

static int64_t now_ns(clockid_t id)
{
	struct timespec ts;

	clock_gettime(id, &ts);
	return ts.tv_sec * NSEC + ts.tv_nsec;
}

/* ---- Arguments ----------------------------------------------------------------------------- */

static int parse_number(const char *what, const char *text, long max, long *ret_value)
{
	char *end;
	long value;

	errno = 0;
	value = strtol(text, &end, 10);
	if (errno != 0 || end == text || *end != '\0' || value < 1 || value > max) {
		fprintf(stderr, "traffic: %s: '%s' is not a number from 1 to %ld\n", what, text,
			max);
		return -1;
	}
	*ret_value = value;
	return 0;
}

static int parse_address(const char *address, const char *port, struct sockaddr_in6 *ret_addr)
{
	struct sockaddr_in6 sin6 = {.sin6_family = AF_INET6};
	long number;

	if (inet_pton(AF_INET6, address, &sin6.sin6_addr) != 1) {
		fprintf(stderr, "traffic: '%s' is not an IPv6 address\n", address);
		return -1;
	}
	if (parse_number("port", port, 65535, &number) < 0)
		return -1;
	sin6.sin6_port = htons((uint16_t)number);
	*ret_addr = sin6;
	return 0;
}

/* ---- What the programs share --------------------------------------------------------------- */

/* A socket of @type bound to @local.  Returns it, or -1 having said why. */
static int bound_socket(int type, const struct sockaddr_in6 *local)
{
	const int on = 1;
	int fd = socket(AF_INET6, type | SOCK_CLOEXEC, 0);

	if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) < 0 ||
	    bind(fd, (const struct sockaddr *)local, sizeof(*local)) < 0) {
		(void)die("bind");
		if (fd >= 0)
			close(fd);
		return -1;
	}
	return fd;
}

/* Becomes readable at SIGTERM and SIGINT. */
static int stop_fd(void)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigprocmask(SIG_BLOCK, &set, NULL);
	return signalfd(-1, &set, SFD_CLOEXEC);
}

static int tick_fd(int64_t interval_ns)
{
	const struct timespec ts = {interval_ns / NSEC, interval_ns % NSEC};
	const struct itimerspec its = {ts, ts};
	int fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC);

	if (fd >= 0)
		timerfd_settime(fd, 0, &its, NULL);
	return fd;
}

static void hash_text(EVP_MD_CTX *ctx, char text[static HASH_TEXT_SIZE])
{
	uint8_t digest[EVP_MAX_MD_SIZE];
	unsigned len = 0;

	EVP_DigestFinal_ex(ctx, digest, &len);
	text[0] = '\0';
	for (unsigned i = 0; i < len; i++)
		snprintf(text + 2 * (size_t)i, 3, "%02x", digest[i]);
}

static EVP_MD_CTX *hash_new(void)
{
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();

	if (ctx == NULL || EVP_DigestInit_ex(ctx, EVP_sha256(), NULL) != 1) {
		fprintf(stderr, "traffic: SHA-256 is not available\n");
		exit(EXIT_FAILURE);
	}
	return ctx;
}

/* ---- TCP ----------------------------------------------------------------------------------- */

/* Reads to the end of the stream.  Returns its octets, or -1. */
static int64_t read_stream(int fd, EVP_MD_CTX *hash, FILE *log)
{
	static uint8_t buf[65536];
	int64_t total = 0, logged_at = 0;
	ssize_t n;

	while ((n = read(fd, buf, sizeof(buf))) > 0) {
		int64_t now = now_ns(CLOCK_REALTIME);

		EVP_DigestUpdate(hash, buf, (size_t)n);
		total += n;
		if (now - logged_at < TCP_LOG_NS)
			continue;
		logged_at = now;
		fprintf(log, "%jd %jd\n", (intmax_t)now, (intmax_t)total);
	}
	return n < 0 ? -1 : total;
}

static int serve_connection(int fd, FILE *log)
{
	EVP_MD_CTX *hash = hash_new();
	char text[HASH_TEXT_SIZE], answer[HASH_TEXT_SIZE + 32];
	int64_t total = read_stream(fd, hash, log);
	int len;

	hash_text(hash, text);
	EVP_MD_CTX_free(hash);
	if (total < 0)
		return die("read");
	len = snprintf(answer, sizeof(answer), "%s %jd\n", text, (intmax_t)total);
	if (write(fd, answer, (size_t)len) != len)
		return die("write");
	printf("{\"bytes\": %jd, \"sha256\": \"%s\"}\n", (intmax_t)total, text);
	return EXIT_SUCCESS;
}

/* Takes the one connection.  Returns its socket, or -1 having said why. */
static int accept_one(const struct sockaddr_in6 *local)
{
	int listener = bound_socket(SOCK_STREAM, local), fd;

	if (listener < 0)
		return -1;
	fd = listen(listener, 1) < 0 ? -1 : accept(listener, NULL, NULL);
	if (fd < 0)
		(void)die("accept");
	close(listener);
	return fd;
}

static int tcp_recv(char **argv)
{
	struct sockaddr_in6 local;
	int fd, ret = EXIT_FAILURE;
	FILE *log;

	if (parse_address(argv[0], argv[1], &local) < 0)
		return 2;
	log = fopen(argv[2], "we");
	if (log == NULL)
		return die(argv[2]);
	setvbuf(log, NULL, _IOLBF, 0); /* the lab watches it grow */
	fd = accept_one(&local);
	if (fd >= 0) {
		ret = serve_connection(fd, log);
		close(fd);
	}
	fclose(log);
	return ret;
}

/*
 * Letters that depend on their place in the stream, so that the hash notices any that is lost or
 * comes twice.  Letters, because with any octet there would now and then be one that a capture
 * tool takes for the beginning of a message of some other protocol, and calls it malformed.
 */
static void fill(uint8_t *buf, size_t len, uint64_t *place)
{
	for (size_t i = 0; i < len; i++, (*place)++) {
		uint64_t z = (*place >> 4) * 0x9e3779b97f4a7c15u;

		z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
		z ^= z >> 31;
		buf[i] = (uint8_t)('a' + (z >> (4 * (*place % 16)) & 15));
	}
}

struct stream {
	int fd;
	size_t chunk;
	EVP_MD_CTX *hash;
	uint8_t *buf;
	size_t at, len; /* what of buf is not sent yet */
	uint64_t place;
	uint64_t total;
};

/* Sends what the socket takes of one chunk; after a stall it goes on at the usual pace. */
static int stream_tick(struct stream *s)
{
	ssize_t n;

	if (s->at == s->len) {
		fill(s->buf, s->chunk, &s->place);
		s->at = 0;
		s->len = s->chunk;
	}
	n = send(s->fd, s->buf + s->at, s->len - s->at, MSG_DONTWAIT | MSG_NOSIGNAL);
	if (n < 0)
		return errno == EAGAIN ? 0 : -1;
	EVP_DigestUpdate(s->hash, s->buf + s->at, (size_t)n);
	s->at += (size_t)n;
	s->total += (uint64_t)n;
	return 0;
}

static int stream_run(struct stream *s, int stop)
{
	struct pollfd fds[] = {{.fd = stop, .events = POLLIN},
			       {.fd = tick_fd(TCP_TICK_NS), .events = POLLIN}};
	uint64_t ticks;
	int ret = 0;

	while (ret == 0) {
		if (poll(fds, 2, -1) < 0 && errno != EINTR)
			ret = -1;
		else if (fds[0].revents != 0)
			break;
		else if (read(fds[1].fd, &ticks, sizeof(ticks)) == sizeof(ticks))
			ret = stream_tick(s);
	}
	close(fds[1].fd);
	return ret;
}

/* Half-closes, reads the receiver's answer, prints both views.  True when they agree. */
static bool stream_finish(struct stream *s, double seconds)
{
	char text[HASH_TEXT_SIZE], answer[HASH_TEXT_SIZE + 32];
	const char *peer = "";
	uintmax_t peer_total = 0;
	size_t len = 0;
	ssize_t n;
	char *space;
	bool ok;

	shutdown(s->fd, SHUT_WR);
	while (len < sizeof(answer) - 1 &&
	       (n = read(s->fd, answer + len, sizeof(answer) - 1 - len)) > 0)
		len += (size_t)n;
	answer[len] = '\0';
	space = strchr(answer, ' ');
	if (space != NULL) {
		*space = '\0';
		peer = answer;
		peer_total = strtoumax(space + 1, NULL, 10);
	}
	hash_text(s->hash, text);
	ok = strcmp(text, peer) == 0 && peer_total == s->total;
	printf("{\"ok\": %s, \"bytes\": %ju, \"sha256\": \"%s\", \"peer_bytes\": %ju, "
	       "\"peer_sha256\": \"%s\", \"seconds\": %.3f}\n",
	       ok ? "true" : "false", (uintmax_t)s->total, text, peer_total, peer, seconds);
	return ok;
}

static int tcp_send(char **argv)
{
	struct sockaddr_in6 local, remote;
	struct stream s = {0};
	const int on = 1;
	int64_t start;
	int stop, ret;
	long bps;

	if (parse_address(argv[0], "1", &local) < 0 ||
	    parse_address(argv[1], argv[2], &remote) < 0 ||
	    parse_number("rate", argv[3], 1600000000, &bps) < 0)
		return 2;
	local.sin6_port = 0;
	stop = stop_fd();
	s.fd = bound_socket(SOCK_STREAM, &local);
	if (s.fd < 0)
		return EXIT_FAILURE;
	(void)setsockopt(s.fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	if (connect(s.fd, (const struct sockaddr *)&remote, sizeof(remote)) < 0)
		return die("connect");
	s.chunk = (size_t)((double)bps / 8 * (double)TCP_TICK_NS / (double)NSEC);
	s.chunk = s.chunk < 1 ? 1 : s.chunk;
	s.buf = malloc(s.chunk);
	if (s.buf == NULL)
		return die("memory");
	s.hash = hash_new();
	start = now_ns(CLOCK_MONOTONIC);
	ret = stream_run(&s, stop) < 0 ? die("stream") : EXIT_SUCCESS;
	if (!stream_finish(&s, (double)(now_ns(CLOCK_MONOTONIC) - start) / (double)NSEC))
		ret = EXIT_FAILURE;
	EVP_MD_CTX_free(s.hash);
	free(s.buf);
	close(s.fd);
	return ret;
}

/* ---- UDP ----------------------------------------------------------------------------------- */

struct udp {
	int fd;
	FILE *sent_log, *received_log;
	uint64_t sent, received, send_errors;
};

/* A packet that cannot be sent counts as sent: an application has no second try. */
static void udp_send(struct udp *u)
{
	char packet[UDP_OCTETS] = {0};
	uint64_t number = u->sent++;
	int64_t now = now_ns(CLOCK_REALTIME);
	ssize_t n = -1;

	/* Text: capture tools take it for nothing else. */
	snprintf(packet, sizeof(packet), "packet %ju sent %jd", (uintmax_t)number, (intmax_t)now);
	/* The first failure may only report an ICMPv6 error that an earlier packet met. */
	for (int tries = 0; tries < 2 && n < 0; tries++)
		n = send(u->fd, packet, sizeof(packet), MSG_DONTWAIT);
	if (n < 0)
		u->send_errors++;
	fprintf(u->sent_log, "%ju %jd\n", (uintmax_t)number, (intmax_t)now);
}

static int64_t arrival_ns(struct msghdr *msg)
{
	for (struct cmsghdr *c = CMSG_FIRSTHDR(msg); c != NULL; c = CMSG_NXTHDR(msg, c)) {
		if (c->cmsg_level == SOL_SOCKET && c->cmsg_type == SO_TIMESTAMPNS) {
			struct timespec ts;

			memcpy(&ts, CMSG_DATA(c), sizeof(ts));
			return ts.tv_sec * NSEC + ts.tv_nsec;
		}
	}
	return now_ns(CLOCK_REALTIME);
}

/* "packet NUMBER sent TIME", as udp_send() writes it. */
static bool parse_packet(const char *text, uintmax_t *ret_number, intmax_t *ret_sent_at)
{
	static const char before[] = "packet ", between[] = " sent ";
	uintmax_t number;
	char *end;

	if (strncmp(text, before, strlen(before)) != 0)
		return false;
	number = strtoumax(text + strlen(before), &end, 10);
	if (strncmp(end, between, strlen(between)) != 0)
		return false;
	*ret_sent_at = strtoimax(end + strlen(between), NULL, 10);
	*ret_number = number;
	return true;
}

static void udp_receive(struct udp *u)
{
	union {
		struct cmsghdr align;
		char buf[CMSG_SPACE(sizeof(struct timespec))];
	} control;
	char packet[UDP_OCTETS];
	struct iovec iov = {packet, sizeof(packet)};
	struct msghdr msg = {.msg_iov = &iov,
			     .msg_iovlen = 1,
			     .msg_control = &control,
			     .msg_controllen = sizeof(control)};
	uintmax_t number;
	intmax_t sent_at;

	if (recvmsg(u->fd, &msg, MSG_DONTWAIT) != (ssize_t)sizeof(packet) ||
	    packet[sizeof(packet) - 1] != '\0' || !parse_packet(packet, &number, &sent_at))
		return; /* an ICMPv6 error of an earlier packet, or not ours */
	u->received++;
	fprintf(u->received_log, "%ju %jd %jd\n", number, sent_at, (intmax_t)arrival_ns(&msg));
}

static int udp_run(struct udp *u, long pps)
{
	struct pollfd fds[] = {{.fd = u->fd, .events = POLLIN},
			       {.fd = stop_fd(), .events = POLLIN},
			       {.fd = tick_fd(NSEC / pps), .events = POLLIN}};
	bool sending = true;
	uint64_t ticks;

	for (;;) {
		int n = poll(fds, sending ? 3 : 1, sending ? -1 : UDP_QUIET_MS);

		if (n < 0 && errno != EINTR)
			return die("poll");
		if (n == 0)
			return EXIT_SUCCESS;
		if (fds[0].revents != 0)
			udp_receive(u);
		if (!sending)
			continue;
		sending = fds[1].revents == 0;
		if (fds[2].revents != 0 && read(fds[2].fd, &ticks, sizeof(ticks)) > 0)
			for (; ticks > 0; ticks--)
				udp_send(u);
	}
}

static int udp_main(char **argv)
{
	struct sockaddr_in6 local, remote;
	struct udp u = {0};
	const int on = 1;
	long pps;
	int ret;

	if (parse_address(argv[0], argv[2], &local) < 0 ||
	    parse_address(argv[1], argv[2], &remote) < 0 ||
	    parse_number("rate", argv[3], 100000, &pps) < 0)
		return 2;
	u.fd = bound_socket(SOCK_DGRAM, &local);
	if (u.fd < 0)
		return EXIT_FAILURE;
	if (setsockopt(u.fd, SOL_SOCKET, SO_TIMESTAMPNS, &on, sizeof(on)) < 0 ||
	    connect(u.fd, (const struct sockaddr *)&remote, sizeof(remote)) < 0)
		return die("connect");
	u.sent_log = fopen(argv[4], "we");
	u.received_log = fopen(argv[5], "we");
	if (u.sent_log == NULL || u.received_log == NULL)
		return die("log file");
	setvbuf(u.received_log, NULL, _IOLBF, 0); /* the lab watches it grow */
	ret = udp_run(&u, pps);
	if (fclose(u.sent_log) != 0 || fclose(u.received_log) != 0)
		ret = die("log file");
	printf("{\"sent\": %ju, \"received\": %ju, \"send_errors\": %ju}\n", (uintmax_t)u.sent,
	       (uintmax_t)u.received, (uintmax_t)u.send_errors);
	close(u.fd);
	return ret;
}

static const struct program {
	const char *name;
	int arguments;
	int (*run)(char **argv);
	const char *usage;
} programs[] = {
	{"tcp-recv", 3, tcp_recv, "LOCAL PORT LOG"},
	{"tcp-send", 4, tcp_send, "LOCAL REMOTE PORT BITS_PER_SECOND"},
	{"udp", 6, udp_main, "LOCAL REMOTE PORT PACKETS_PER_SECOND SENT_LOG RECEIVED_LOG"},
};

int main(int argc, char **argv)
{
	for (size_t i = 0; i < sizeof(programs) / sizeof(programs[0]); i++)
		if (argc >= 2 && strcmp(argv[1], programs[i].name) == 0 &&
		    argc == 2 + programs[i].arguments)
			return programs[i].run(argv + 2);
	for (size_t i = 0; i < sizeof(programs) / sizeof(programs[0]); i++)
		fprintf(stderr, "%s traffic %s %s\n", i == 0 ? "usage:" : "      ",
			programs[i].name, programs[i].usage);
	return 2;
}
