/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Checks of the way to the home agent, by packets that are really sent: an echo request, one of the
 * size that a tunnel needs, a Mobility Header that asks for an answer, and ESP that nobody has keys
 * for; and where tcp-port is set, a connection that begins TLS.  Over each interface that bubd
 * uses.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "doctor.h"

#define ECHO_REQUEST 128 /* RFC 4443, 4.1 */
#define ECHO_REPLY 129
#define ECHO_HDR_LEN 8
#define IP6_HDR_OCTETS 40
#define TUNNEL_MTU 1376 /* RFC 8200, 5: 1280 inside, and ESP around it */
#define PLAIN_TUNNEL_MTU 1320
#define MH_UNKNOWN 255 /* RFC 6275, 9.2: answered with a Binding Error, status 2 */
#define MH_ERROR 7
#define TRIES 3
#define WAIT_MS 700
#define TCP_WAIT_MS 3000 /* the kernel repeats a SYN after a second */
#define TLS_ALERT 21
#define TLS_HANDSHAKE 22

struct way {
	struct doctor *d;
	struct sockaddr_in6 agent;
	const char *name; /* the interface */
	char text[INET6_ADDRSTRLEN];
};

/* A raw socket that only takes what the home agent sends; -1 and errno. */
static int way_socket(const struct way *w, int protocol)
{
	const int on = 1, checksum_at = 4, probe = IPV6_PMTUDISC_PROBE;
	int fd = socket(AF_INET6, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, protocol);
	int err = 0;

	if (fd < 0)
		return -1;
	(void)setsockopt(fd, IPPROTO_IPV6, IPV6_RECVERR, &on, sizeof(on));
	(void)setsockopt(fd, IPPROTO_IPV6, IPV6_DONTFRAG, &on, sizeof(on));
	/* What the path was once is no matter. */
	(void)setsockopt(fd, IPPROTO_IPV6, IPV6_MTU_DISCOVER, &probe, sizeof(probe));
	if (protocol == IPPROTO_MH)
		(void)setsockopt(fd, IPPROTO_IPV6, IPV6_CHECKSUM, &checksum_at,
				 sizeof(checksum_at));
	if (setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, w->name, (socklen_t)strlen(w->name)) == 0 &&
	    connect(fd, (const struct sockaddr *)&w->agent, sizeof(w->agent)) == 0)
		return fd;
	err = errno;
	(void)close(fd);
	errno = err;
	return -1;
}

/* Waits for a message of @len octets or more whose octet @at is @value.  Returns 0, or why there is
 * none: ETIMEDOUT, or what a router has said. */
static int way_wait(int fd, size_t len, size_t at, uint8_t value)
{
	struct pollfd p = {.fd = fd, .events = POLLIN};
	uint8_t buf[2048];

	while (poll(&p, 1, WAIT_MS) > 0) {
		ssize_t n = recv(fd, buf, sizeof(buf), 0);

		if (n < 0)
			return errno;
		if ((size_t)n >= len && buf[at] == value)
			return 0;
	}
	return ETIMEDOUT;
}

/* Sends until an answer has come. */
static int way_ask(int fd, const uint8_t *data, size_t len, size_t at, uint8_t value)
{
	int err = ETIMEDOUT;

	for (int i = 0; i < TRIES && err == ETIMEDOUT; i++)
		err = send(fd, data, len, 0) < 0 ? errno : way_wait(fd, len, at, value);
	return err;
}

static int way_echo(const struct way *w, size_t packet_len)
{
	uint8_t data[TUNNEL_MTU] = {ECHO_REQUEST, 0, 0, 0, (uint8_t)getpid()};
	int fd = way_socket(w, IPPROTO_ICMPV6);
	int err = fd < 0 ? errno : 0;

	if (err == 0)
		err = way_ask(fd, data, packet_len - IP6_HDR_OCTETS, 0, ECHO_REPLY);
	if (fd >= 0)
		(void)close(fd);
	return err;
}

static int way_mobility(const struct way *w)
{
	static const uint8_t data[] = {IPPROTO_NONE, 0, MH_UNKNOWN, 0, 0, 0, 0, 0};
	int fd = way_socket(w, IPPROTO_MH);
	int err = fd < 0 ? errno : 0;

	if (err == 0)
		err = way_ask(fd, data, sizeof(data), 2, MH_ERROR);
	if (fd >= 0)
		(void)close(fd);
	return err;
}

/* No answer comes: it only shows whether it may leave, so it goes no further than the next router.
 * The SPI is one that is never used (RFC 4303, 2.1). */
static int way_esp(const struct way *w)
{
	static const uint8_t data[24] = {0, 0, 0, 255};
	const int hops = 1;
	int fd = way_socket(w, IPPROTO_ESP);
	int err = fd < 0 ? errno : 0;

	if (err == 0 && (setsockopt(fd, IPPROTO_IPV6, IPV6_UNICAST_HOPS, &hops, sizeof(hops)) < 0 ||
			 send(fd, data, sizeof(data), 0) < 0))
		err = errno;
	if (fd >= 0)
		(void)close(fd);
	return err;
}

/* ---- TCP ----------------------------------------------------------------------------------- */

/* A ClientHello of TLS 1.3 (RFC 8446, 4.1.2) with the ALPN name of the carrier and no identity: a
 * home agent has to answer it, be it with an alert. */
static const uint8_t client_hello[] = {
	TLS_HANDSHAKE, 3, 1, 0, 142, 1, 0, 0, 138, 3, 3,
	/* random: any */
	'b', 'u', 'b', 'c', 't', 'l', ' ', 'd', 'o', 'c', 't', 'o', 'r', ' ', 'a', 's', 'k', 's',
	' ', 'w', 'h', 'o', ' ', 'i', 's', ' ', 't', 'h', 'e', 'r', 'e', '?',
	/* no session; three suites; no compression; extensions */
	0, 0, 6, 0x13, 1, 0x13, 2, 0x13, 3, 1, 0, 0, 91,
	/* supported_versions, supported_groups, signature_algorithms, psk_key_exchange_modes */
	0, 43, 0, 3, 2, 3, 4, 0, 10, 0, 4, 0, 2, 0, 29, 0, 13, 0, 8, 0, 6, 4, 3, 8, 4, 8, 7, 0, 45,
	0, 2, 1, 1,
	/* key_share: X25519, its base point */
	0, 51, 0, 38, 0, 36, 0, 29, 0, 32, 9, [130] = 0,
	/* application_layer_protocol_negotiation */
	0, 16, 0, 12, 0, 10, 9, 'b', 'u', 'b', '-', 't', 'c', 'p', '/', '1'};

/* Connects over the interface.  Returns a descriptor, or -1 and errno. */
static int way_connect(const struct way *w, uint16_t port)
{
	struct sockaddr_in6 to = w->agent;
	struct pollfd p = {.events = POLLOUT};
	socklen_t len = sizeof(int);
	int err = 0;

	to.sin6_port = htons(port);
	p.fd = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (p.fd < 0)
		return -1;
	if (setsockopt(p.fd, SOL_SOCKET, SO_BINDTODEVICE, w->name, (socklen_t)strlen(w->name)) <
		    0 ||
	    (connect(p.fd, (const struct sockaddr *)&to, sizeof(to)) < 0 && errno != EINPROGRESS))
		err = errno;
	else if (poll(&p, 1, TCP_WAIT_MS) <= 0)
		err = ETIMEDOUT;
	else if (getsockopt(p.fd, SOL_SOCKET, SO_ERROR, &err, &len) < 0)
		err = errno;
	if (err == 0)
		return p.fd;
	(void)close(p.fd);
	errno = err;
	return -1;
}

/* Whether somebody at the other end of @fd speaks TLS. */
static bool way_speaks_tls(int fd)
{
	struct pollfd p = {.fd = fd, .events = POLLIN};
	uint8_t said[2];

	return send(fd, client_hello, sizeof(client_hello), MSG_NOSIGNAL) ==
		       (ssize_t)sizeof(client_hello) &&
	       poll(&p, 1, TCP_WAIT_MS) > 0 &&
	       recv(fd, said, sizeof(said), 0) == (ssize_t)sizeof(said) &&
	       (said[0] == TLS_HANDSHAKE || said[0] == TLS_ALERT) && said[1] == 3;
}

/* ---- What they tell ------------------------------------------------------------------------ */

static bool registered_by(const struct way *w)
{
	const json_t *h = NULL;
	size_t i = 0;

	json_array_foreach(json_object_get(w->d->show, "homes"), i, h)
	{
		if (strcmp(doctor_text(h, "home_agent"), w->text) == 0 &&
		    strcmp(doctor_text(h, "state"), "registered") == 0)
			return true;
	}
	return false;
}

static void tell_filtered(const struct way *w, const char *protocol)
{
	doctor_add(w->d, DOCTOR_FAULT, "path",
		   json_sprintf("the packet filter of this machine does not let %s out on %s",
				protocol, w->name),
		   "the home agent hears nothing", json_string("nft list ruleset"));
}

static void check_path_size(const struct way *w)
{
	const bool esp = json_is_true(json_object_get(w->d->config, "protect_payload"));
	const size_t need = esp ? TUNNEL_MTU : PLAIN_TUNNEL_MTU;
	int err = way_echo(w, need);

	if (err == 0)
		doctor_add(w->d, DOCTOR_OK, "mtu",
			   json_sprintf("packets of %zu octets reach %s over %s", need, w->text,
					w->name),
			   NULL, NULL);
	else
		doctor_add(
			w->d, DOCTOR_WARNING, "mtu",
			json_sprintf("packets of %zu octets do not reach %s over %s, smaller ones "
				     "do",
				     need, w->text, w->name),
			"tunnelled packets go in fragments, which are slower, and which some "
			"networks drop",
			err == EMSGSIZE ? json_sprintf("ip link set %s mtu %zu", w->name, need)
					: NULL);
}

static void check_mobility(const struct way *w)
{
	int err = way_mobility(w);

	if (err == EPERM)
		tell_filtered(w, "protocol 135 (Mobility Header)");
	else if (err == 0)
		doctor_add(
			w->d, DOCTOR_OK, "path",
			json_sprintf("%s answers to a Mobility Header over %s", w->text, w->name),
			NULL, NULL);
	else
		doctor_add(w->d, DOCTOR_WARNING, "path",
			   json_sprintf("%s answers to ping over %s, but not to a Mobility Header",
					w->text, w->name),
			   "no home agent runs there, or something on the way drops protocol 135",
			   NULL);
}

static void tell_tcp(const struct way *w, unsigned port, int err)
{
	const char *why =
		"a filter drops it, and where native ESP and UDP are dropped too there is "
		"no way home";

	if (err == ECONNREFUSED)
		why = "bubd does not run there, or has no tcp-port or another one, or a firewall "
		      "on "
		      "the way refuses it";
	doctor_add(
		w->d, DOCTOR_WARNING, "path",
		json_sprintf("TCP port %u of the home agent %s (tcp-port) cannot be reached over "
			     "%s: %s",
			     port, w->text, w->name, strerror(err)),
		why, NULL);
}

/* The last resort has to be there before it is needed. */
static void check_last_resort(const struct way *w)
{
	const unsigned port =
		(unsigned)json_integer_value(json_object_get(w->d->config, "tcp_port"));
	int fd = port != 0 ? way_connect(w, (uint16_t)port) : -1;

	if (port == 0)
		return;
	if (fd < 0) {
		tell_tcp(w, port, errno);
		return;
	}
	if (way_speaks_tls(fd))
		doctor_add(w->d, DOCTOR_OK, "path",
			   json_sprintf("TCP port %u of the home agent %s answers in TLS over %s",
					port, w->text, w->name),
			   NULL, NULL);
	else
		doctor_add(
			w->d, DOCTOR_WARNING, "path",
			json_sprintf("TCP port %u of the home agent %s (tcp-port) takes a "
				     "connection over %s, and does not speak TLS",
				     port, w->text, w->name),
			"a proxy or a portal on the way answers in its place, or another program "
			"has the port there",
			NULL);
	(void)close(fd);
}

static void check_way(const struct way *w)
{
	int err = way_esp(w);

	if (err == EPERM)
		tell_filtered(w, "protocol 50 (ESP)");
	err = way_echo(w, IP6_HDR_OCTETS + ECHO_HDR_LEN);
	if (err == 0) {
		doctor_add(w->d, DOCTOR_OK, "path",
			   json_sprintf("the home agent %s answers over %s", w->text, w->name),
			   NULL, NULL);
		check_path_size(w);
		if (w->d->show == NULL) /* else bubd takes the answers, and tells more itself */
			check_mobility(w);
		return;
	}
	doctor_add(w->d, registered_by(w) ? DOCTOR_NOTE : DOCTOR_WARNING, "path",
		   err == ETIMEDOUT
			   ? json_sprintf("the home agent %s does not answer to ping over %s",
					  w->text, w->name)
			   : json_sprintf("the home agent %s cannot be reached over %s: %s",
					  w->text, w->name, strerror(err)),
		   "it does not run, it is not that address, a router has no route to it, or "
		   "somebody on the way filters ping",
		   json_sprintf("ping -6 -c 3 -I %s %s", w->name, w->text));
}

/* Whether there is a route over the interface at all. */
static bool way_has_route(const struct way *w)
{
	int fd = way_socket(w, IPPROTO_ICMPV6);

	if (fd < 0)
		return false;
	(void)close(fd);
	return true;
}

static void check_agent(struct doctor *d, const char *agent, const json_t *names)
{
	struct way w = {.d = d, .agent = {.sin6_family = AF_INET6}};
	const json_t *name = NULL;
	unsigned ways = 0;
	size_t i = 0;

	if (inet_pton(AF_INET6, agent, &w.agent.sin6_addr) != 1)
		return; /* to be discovered */
	(void)snprintf(w.text, sizeof(w.text), "%s", agent);
	json_array_foreach(names, i, name)
	{
		w.name = json_string_value(name);
		if (!way_has_route(&w))
			continue;
		ways++;
		check_way(&w);
		check_last_resort(&w);
	}
	if (ways == 0)
		doctor_add(d, DOCTOR_FAULT, "path",
			   json_sprintf("there is no route to the home agent %s over any interface "
					"that bubd uses",
					agent),
			   "it cannot be reached: no network, or no router that advertises itself",
			   json_sprintf("ip -6 route get %s", agent));
}

/* Of a home agent with a name: what bubd has found. */
static const char *agent_of(const struct doctor *d, const json_t *configured, size_t index)
{
	const char *agent = doctor_text(configured, "home_agent");
	const json_t *homes = json_object_get(d->show, "homes");

	return agent[0] != '\0' ? agent : doctor_text(json_array_get(homes, index), "home_agent");
}

void doctor_check_path(struct doctor *d)
{
	const json_t *h = NULL;
	json_t *names = NULL;
	size_t i = 0;

	if (!d->root || !d->is_mobile)
		return;
	names = doctor_interfaces(d);
	json_array_foreach(json_object_get(d->config, "homes"), i, h)
		check_agent(d, agent_of(d, h, i), names);
	json_decref(names);
}
