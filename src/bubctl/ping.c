/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Asks a peer for an answer over each path there is: ICMPv6 echo requests (RFC 4443, 4.1) from this
 * node's home address to the peer's, as an application's packets would go.  bubd says which paths
 * there are.  What is to go through the home agents carries the mark that bubd names, by which the
 * data path lets it pass as if there were no direct one; the other one goes like all data.
 *
 * How an answer comes back is the peer's choice, and told where it can be seen.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <inttypes.h>
#include <netinet/icmp6.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "text.h"

#define ROUND_LEAST_US 200000 /* not faster than that */
#define ROUND_MOST_US 2000000 /* an answer is waited for so long */
#define PATHS_MAX 2
#define DATA_LEN 56 /* as ping's */

struct ping_path {
	const char *name; /* "direct", "home-agents", "routed" */
	const char *why;  /* it is not there; NULL: it is */
	uint32_t mark;
	int fd;
	uint16_t id;
	unsigned sent, answered;
	uint64_t *sent_us; /* of each, by its number; 0: answered */
	uint64_t least_us, most_us, sum_us;
	bool by_tunnel, by_link; /* answers came out of the tunnel, and off a link */
};

struct ping {
	struct in6_addr local, peer;
	bool away; /* so that it can be seen how answers come */
	uint32_t own_ifindex;
	unsigned count;
	struct ping_path path[PATHS_MAX];
	unsigned n_paths;
};

static uint64_t ping_now_us(void)
{
	struct timespec t = {0};

	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000 + (uint64_t)t.tv_nsec / 1000;
}

/* ---- Sockets ------------------------------------------------------------------------------- */

static int ping_open(const struct ping *p, struct ping_path *path)
{
	const struct sockaddr_in6 from = {.sin6_family = AF_INET6, .sin6_addr = p->local};
	const int on = 1;
	struct icmp6_filter filter;

	path->fd = socket(AF_INET6, SOCK_RAW | SOCK_CLOEXEC, IPPROTO_ICMPV6);
	if (path->fd < 0)
		return -1;
	ICMP6_FILTER_SETBLOCKALL(&filter);
	ICMP6_FILTER_SETPASS(ICMP6_ECHO_REPLY, &filter);
	if (setsockopt(path->fd, IPPROTO_ICMPV6, ICMP6_FILTER, &filter, sizeof(filter)) != 0 ||
	    setsockopt(path->fd, IPPROTO_IPV6, IPV6_RECVPKTINFO, &on, sizeof(on)) != 0 ||
	    (path->mark != 0 &&
	     setsockopt(path->fd, SOL_SOCKET, SO_MARK, &path->mark, sizeof(path->mark)) != 0))
		return -1;
	/* Without an address of ours the kernel chooses one, as for any application. */
	return IN6_IS_ADDR_UNSPECIFIED(&p->local)
		       ? 0
		       : bind(path->fd, (const struct sockaddr *)&from, sizeof(from));
}

static bool ping_open_all(struct ping *p)
{
	for (unsigned i = 0; i < p->n_paths; i++) {
		struct ping_path *path = &p->path[i];

		if (path->why != NULL)
			continue;
		if (getrandom(&path->id, sizeof(path->id), 0) != sizeof(path->id) ||
		    (path->sent_us = calloc(p->count, sizeof(*path->sent_us))) == NULL ||
		    ping_open(p, path) != 0) {
			(void)fprintf(
				stderr, "bubctl: cannot ping: %s%s\n", strerror(errno),
				errno == EPERM || errno == EACCES
					? "; it needs CAP_NET_RAW and CAP_NET_ADMIN: try as root"
					: "");
			return false;
		}
	}
	return true;
}

/* ---- Echo ---------------------------------------------------------------------------------- */

/* What cannot be sent is lost, as what is lost further on. */
static void ping_send(const struct ping *p, struct ping_path *path)
{
	const struct sockaddr_in6 to = {.sin6_family = AF_INET6, .sin6_addr = p->peer};
	struct {
		struct icmp6_hdr head;
		uint8_t data[DATA_LEN];
	} echo = {.head = {.icmp6_type = ICMP6_ECHO_REQUEST}};

	echo.head.icmp6_id = path->id;
	echo.head.icmp6_seq = htons((uint16_t)path->sent);
	path->sent_us[path->sent++] = ping_now_us();
	(void)sendto(path->fd, &echo, sizeof(echo), 0, (const struct sockaddr *)&to, sizeof(to));
}

static void ping_count(struct ping *p, struct ping_path *path, unsigned number, uint32_t ifindex)
{
	const uint64_t us = ping_now_us() - path->sent_us[number];

	path->sent_us[number] = 0;
	if (path->answered++ == 0 || us < path->least_us)
		path->least_us = us;
	path->most_us = us > path->most_us ? us : path->most_us;
	path->sum_us += us;
	path->by_tunnel |= ifindex == p->own_ifindex;
	path->by_link |= ifindex != p->own_ifindex;
}

static void ping_receive(struct ping *p, struct ping_path *path)
{
	union {
		struct cmsghdr align;
		uint8_t buf[CMSG_SPACE(sizeof(struct in6_pktinfo))];
	} control;
	struct in6_pktinfo info = {0};
	struct sockaddr_in6 from = {0};
	uint8_t packet[sizeof(struct icmp6_hdr) + DATA_LEN];
	struct iovec iov = {packet, sizeof(packet)};
	struct msghdr mh = {.msg_name = &from,
			    .msg_namelen = sizeof(from),
			    .msg_iov = &iov,
			    .msg_iovlen = 1,
			    .msg_control = control.buf,
			    .msg_controllen = sizeof(control.buf)};
	struct icmp6_hdr head;
	const struct cmsghdr *c;
	unsigned number;

	if (recvmsg(path->fd, &mh, MSG_DONTWAIT) < (ssize_t)sizeof(head))
		return;
	memcpy(&head, packet, sizeof(head));
	number = ntohs(head.icmp6_seq);
	/* Everybody's answers come here. */
	if (head.icmp6_id != path->id || number >= path->sent || path->sent_us[number] == 0 ||
	    memcmp(&from.sin6_addr, &p->peer, sizeof(p->peer)) != 0)
		return;
	c = CMSG_FIRSTHDR(&mh);
	if (c != NULL && c->cmsg_level == IPPROTO_IPV6 && c->cmsg_type == IPV6_PKTINFO)
		memcpy(&info, CMSG_DATA(c), sizeof(info));
	ping_count(p, path, number, info.ipi6_ifindex);
}

/* Whether each path has answered everything up to now. */
static bool ping_is_answered(const struct ping *p)
{
	for (unsigned i = 0; i < p->n_paths; i++)
		if (p->path[i].answered < p->path[i].sent)
			return false;
	return true;
}

/* Asks once by each path, and waits for the answers. */
static void ping_round(struct ping *p)
{
	const uint64_t begin = ping_now_us();

	for (unsigned i = 0; i < p->n_paths; i++)
		if (p->path[i].why == NULL)
			ping_send(p, &p->path[i]);
	for (;;) {
		const uint64_t gone = ping_now_us() - begin;
		const uint64_t end = ping_is_answered(p) ? ROUND_LEAST_US : ROUND_MOST_US;
		struct pollfd fds[PATHS_MAX];

		if (gone >= end)
			return;
		for (unsigned i = 0; i < p->n_paths; i++)
			fds[i] = (struct pollfd){.fd = p->path[i].fd, .events = POLLIN};
		(void)poll(fds, p->n_paths, (int)((end - gone) / 1000) + 1);
		for (unsigned i = 0; i < p->n_paths; i++)
			if (fds[i].revents != 0)
				ping_receive(p, &p->path[i]);
	}
}

/* ---- What comes of it ---------------------------------------------------------------------- */

/* How the answers came; NULL: that cannot be seen. */
static const char *ping_way_back(const struct ping *p, const struct ping_path *path)
{
	if (!p->away || path->answered == 0)
		return NULL;
	if (path->by_tunnel && path->by_link)
		return "both";
	return path->by_tunnel ? "home-agents" : "direct";
}

static json_t *ping_json(const struct ping *p)
{
	char local[INET6_ADDRSTRLEN] = "", peer[INET6_ADDRSTRLEN] = "";
	json_t *paths = json_array();

	for (unsigned i = 0; i < p->n_paths; i++) {
		const struct ping_path *path = &p->path[i];
		const uint64_t mean = path->answered > 0 ? path->sum_us / path->answered : 0;

		(void)json_array_append_new(
			paths,
			json_pack("{s:s, s:s?, s:i, s:i, s:I, s:I, s:I, s:s?}", "path", path->name,
				  "why", path->why, "sent", (int)path->sent, "answered",
				  (int)path->answered, "least_us", (json_int_t)path->least_us,
				  "mean_us", (json_int_t)mean, "most_us", (json_int_t)path->most_us,
				  "answer", ping_way_back(p, path)));
	}
	(void)inet_ntop(AF_INET6, &p->local, local, sizeof(local));
	(void)inet_ntop(AF_INET6, &p->peer, peer, sizeof(peer));
	return json_pack("{s:s?, s:s, s:o}", "local",
			 IN6_IS_ADDR_UNSPECIFIED(&p->local) ? NULL : local, "peer", peer, "paths",
			 paths);
}

static void ping_ms(struct table *t, const struct ping_path *path, uint64_t us)
{
	char text[32] = "";

	if (path->answered > 0)
		(void)snprintf(text, sizeof(text), "%" PRIu64 ".%02u", us / 1000,
			       (unsigned)(us % 1000 / 10));
	table_add(t, TEXT_PLAIN, text);
}

/* The words for a path, or for a way back. */
static const char *ping_words(const char *name)
{
	return strcmp(name, "home-agents") == 0 ? "home agents" : name;
}

static void ping_add_row(struct table *t, const struct ping *p, const struct ping_path *path)
{
	const char *back = ping_way_back(p, path);
	char text[32];

	table_add(t, TEXT_PLAIN, ping_words(path->name));
	(void)snprintf(text, sizeof(text), "%u of %u", path->answered, path->sent);
	table_add(t, path->answered == path->sent ? TEXT_PLAIN : TEXT_BAD, text);
	ping_ms(t, path, path->least_us);
	ping_ms(t, path, path->answered > 0 ? path->sum_us / path->answered : 0);
	ping_ms(t, path, path->most_us);
	table_add(t, TEXT_PLAIN, back != NULL ? ping_words(back) : "");
}

/* A row for each path that there is, and a line for each that is not. */
static void ping_print(const struct ping *p, const struct ctl_options *opts)
{
	static const struct column columns[] = {
		{.title = "path"},
		{.title = "answered"},
		{.title = "least ms", .right = true, .order = 1},
		{.title = "mean ms", .right = true},
		{.title = "most ms", .right = true, .order = 1},
		{.title = "answer came by"},
	};
	struct table *t = NULL;
	unsigned i = 0;

	for (i = 0; i < p->n_paths; i++) {
		if (p->path[i].why != NULL)
			continue;
		if (t == NULL)
			t = table_new(columns, sizeof(columns) / sizeof(columns[0]));
		ping_add_row(t, p, &p->path[i]);
	}
	if (t != NULL)
		table_print(t, stdout, opts);
	for (i = 0; i < p->n_paths; i++)
		if (p->path[i].why != NULL)
			(void)printf("no path %s: %s\n",
				     strcmp(p->path[i].name, "direct") == 0
					     ? "that is direct"
					     : "through the home agent",
				     p->path[i].why);
}

/* ---- The command --------------------------------------------------------------------------- */

/* Which paths there are, by what bubd says in @reply, which has to outlive @p. */
static void ping_plan(struct ping *p, const json_t *reply)
{
	const uint32_t mark = (uint32_t)number_of(reply, "mark");
	const json_t *paths = json_object_get(reply, "paths");
	const char *local = text_of(reply, "local", "::");
	const json_t *v = NULL;
	size_t i = 0;

	(void)inet_pton(AF_INET6, local, &p->local);
	p->away = json_is_true(json_object_get(reply, "away"));
	p->own_ifindex = (uint32_t)number_of(reply, "own_ifindex");
	json_array_foreach(paths, i, v)
	{
		const char *name = text_of(v, "path", "?");

		if (p->n_paths == PATHS_MAX)
			break;
		p->path[p->n_paths++] = (struct ping_path){
			.name = name,
			.why = text_of(v, "why", NULL),
			.mark = strcmp(name, "home-agents") == 0 ? mark : 0,
			.fd = -1,
		};
	}
}

/* Returns how many answers came; none where it could not ask, after a message. */
static unsigned ping_run(struct ping *p, const struct ctl_options *opts)
{
	unsigned answered = 0;

	if (!ping_open_all(p))
		return 0;
	for (unsigned i = 0; i < p->count; i++)
		ping_round(p);
	if ((opts->set & CTL_JSON) != 0) {
		json_t *result = ping_json(p);

		(void)json_dumpf(result, stdout, JSON_INDENT(2));
		(void)putchar('\n');
		json_decref(result);
	} else {
		ping_print(p, opts);
	}
	for (unsigned i = 0; i < p->n_paths; i++)
		answered += p->path[i].answered;
	return answered;
}

bool ctl_ping(const json_t *reply, const struct ctl_options *opts)
{
	struct ping p = {.count = opts->count};
	unsigned answered;

	(void)inet_pton(AF_INET6, opts->argument, &p.peer);
	ping_plan(&p, reply);
	answered = ping_run(&p, opts);
	for (unsigned i = 0; i < PATHS_MAX; i++) {
		if (i < p.n_paths && p.path[i].fd >= 0)
			(void)close(p.path[i].fd);
		free(p.path[i].sent_us);
	}
	return answered > 0;
}
