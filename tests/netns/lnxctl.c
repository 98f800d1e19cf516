/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Drives src/linux by hand: reads actions as lines from standard input, prints events as lines on
 * standard output.  For the tests in linux_*.py; no protocol is running.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <getopt.h>
#include <net/if.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "esp_keys.h"
#include "linux.h"

#define LINE_MAX_OCTETS 16384
#define FDS_MAX 16
#define WORDS_MAX 8

static const char *const egress_name[] = {
	[BUB_EGRESS_PLAIN] = "plain",
	[BUB_EGRESS_TRANSPORT] = "esp-transport",
	[BUB_EGRESS_TUNNEL] = "esp-tunnel",
};

static const char *const ingress_name[] = {
	[BUB_INGRESS_PLAIN] = "plain",
	[BUB_INGRESS_ESP_TRANSPORT] = "esp-transport",
	[BUB_INGRESS_ESP_TUNNEL] = "esp-tunnel",
	[BUB_INGRESS_IP_TUNNEL] = "ip-tunnel",
	[BUB_INGRESS_TUN] = "tun",
};

struct ctl {
	struct lnx_config cfg;
	struct esp_sad *sad;
	struct lnx *lnx;
	const char *secret;
	char line[LINE_MAX_OCTETS];
	size_t used;
};

static struct in6_addr address(const char *text)
{
	struct in6_addr a = in6addr_any;

	if (inet_pton(AF_INET6, text, &a) != 1) {
		fprintf(stderr, "lnxctl: %s is no address\n", text);
		exit(2);
	}
	return a;
}

static struct in6_addr prefix(char *text, uint8_t *ret_len)
{
	char *slash = strchr(text, '/');

	*ret_len = 128;
	if (slash != NULL) {
		*slash = '\0';
		*ret_len = (uint8_t)strtoul(slash + 1, NULL, 10);
	}
	return address(text);
}

static void print_address(const struct in6_addr *a)
{
	char text[INET6_ADDRSTRLEN];

	inet_ntop(AF_INET6, a, text, sizeof(text));
	printf(" %s", text);
}

static void print_packet(const struct bub_event *ev)
{
	printf("packet %s %u", ingress_name[ev->u.packet.ingress], ev->ifindex);
	print_address(&ev->u.packet.owner);
	print_address(&ev->u.packet.outer_src);
	print_address(&ev->u.packet.outer_dst);
	printf(" ");
	for (size_t i = 0; i < ev->u.packet.data.len; i++)
		printf("%02x", ev->u.packet.data.data[i]);
	printf("\n");
}

static void print_no_direct(const struct bub_event *ev)
{
	if (!ev->u.care_of.no_direct)
		return;
	printf("no-direct");
	print_address(&ev->u.care_of.address);
	printf("\n");
}

static void on_event(void *ctx, const struct bub_event *ev)
{
	(void)ctx;
	switch (ev->type) {
	case BUB_EV_PACKET:
		print_packet(ev);
		break;
	case BUB_EV_CARE_OF_NEW:
	case BUB_EV_CARE_OF_GONE:
		printf(ev->type == BUB_EV_CARE_OF_NEW ? "care-of-new" : "care-of-gone");
		print_address(&ev->u.care_of.address);
		printf(" %u %d %u\n", ev->ifindex, ev->u.care_of.preference, ev->u.care_of.valid_s);
		print_no_direct(ev);
		break;
	case BUB_EV_CARE_OF_CHANGED:
		printf("care-of-changed");
		print_address(&ev->u.care_of.address);
		printf(" %d %s %u\n", ev->u.care_of.preference,
		       ev->u.care_of.deprecated ? "deprecated" : "preferred",
		       ev->u.care_of.valid_s);
		print_no_direct(ev);
		break;
	case BUB_EV_LINK_DOWN:
		printf("link-down %u\n", ev->ifindex);
		break;
	case BUB_EV_DONE:
		printf("done %u %d\n", ev->u.done.id, ev->u.done.error);
		break;
	case BUB_EV_FLOW:
		printf("flow");
		print_address(&ev->u.flow.home);
		print_address(&ev->u.flow.peer);
		printf(" %s\n", ev->u.flow.came ? "came" : "went");
		break;
	case BUB_EV_NOT_DELIVERED:
		printf("not-delivered %d\n", (int)ev->u.not_delivered.by);
		break;
	case BUB_EV_STORED:
	case BUB_EV_HOME_PREFIXES:
	case BUB_EV_HOME_AGENT:
	case BUB_EV_HA_SWITCH:
	case BUB_EV_COMMAND:
		break;
	}
	fflush(stdout);
}

static void on_log(void *ctx, enum lnx_log_level level, const char *text)
{
	(void)ctx;
	printf("log %d %s\n", (int)level, text);
	fflush(stdout);
}

/* ---- Actions ------------------------------------------------------------------------------- */

static size_t unhex(const char *text, uint8_t *ret, size_t cap)
{
	size_t n = 0;

	for (; text[0] != '\0' && text[1] != '\0' && n < cap; text += 2) {
		char digits[3] = {text[0], text[1], '\0'};

		ret[n++] = (uint8_t)strtoul(digits, NULL, 16);
	}
	return n;
}

static void print_counters(struct ctl *c)
{
	struct lnx_counter counter[128];
	unsigned n = lnx_counters(c->lnx, counter, 128);

	printf("counters");
	for (unsigned i = 0; i < n; i++)
		printf(" %s=%llu", counter[i].name, (unsigned long long)counter[i].value);
	printf("\n");
	fflush(stdout);
}

static bool parse_send(char *const w[], uint8_t *packet, size_t cap, struct bub_action *act)
{
	act->type = BUB_ACT_SEND;
	for (unsigned i = 0; i < sizeof(egress_name) / sizeof(egress_name[0]); i++) {
		if (strcmp(w[1], egress_name[i]) == 0)
			act->u.send.egress = (enum bub_egress)i;
	}
	act->u.send.owner = address(w[2]);
	act->u.send.ifindex = if_nametoindex(w[3]);
	act->u.send.data = (struct bub_view){packet, unhex(w[4], packet, cap)};
	return true;
}

static void parse_path(char *const w[], struct bub_action *act)
{
	act->type = BUB_ACT_PATH_SET;
	act->u.path.local = address(w[1]);
	act->u.path.peer = address(w[2]);
	act->u.path.direct = w[3][0] == '1';
	act->u.path.out_src = address(w[4]);
	act->u.path.out_dst = address(w[5]);
	act->u.path.in_care_of = address(w[6]);
}

static bool parse(char *const w[], unsigned n, uint8_t *packet, size_t cap, struct bub_action *act)
{
	if (n == 5 && strcmp(w[0], "send") == 0)
		return parse_send(w, packet, cap, act);
	if (n == 7 && strcmp(w[0], "path-set") == 0) {
		parse_path(w, act);
	} else if (n == 3 && strcmp(w[0], "path-del") == 0) {
		act->type = BUB_ACT_PATH_DEL;
		act->u.path.local = address(w[1]);
		act->u.path.peer = address(w[2]);
	} else if (n == 2 && strcmp(w[0], "deliver") == 0) {
		act->type = BUB_ACT_DELIVER;
		act->u.send.data = (struct bub_view){packet, unhex(w[1], packet, cap)};
	} else if (n == 4 && strcmp(w[0], "tunnel-set") == 0) {
		act->type = BUB_ACT_TUNNEL_SET;
		act->u.tunnel.home = address(w[1]);
		act->u.tunnel.local_outer = address(w[2]);
		act->u.tunnel.remote_outer = address(w[3]);
	} else if (n == 2 && strcmp(w[0], "tunnel-del") == 0) {
		act->type = BUB_ACT_TUNNEL_DEL;
		act->u.tunnel.home = address(w[1]);
	} else if (n == 5 && strcmp(w[0], "attach") == 0) {
		act->type = BUB_ACT_ATTACH;
		act->u.attach.home = address(w[1]);
		act->u.attach.claim = strcmp(w[2], "home") == 0;
		act->u.attach.at_home = strcmp(w[2], "away") != 0;
		act->u.attach.care_of = address(w[3]);
		act->u.attach.home_agent = act->u.attach.care_of; /* "returning" */
		act->u.attach.ifindex = if_nametoindex(w[4]);
	} else if (n == 3 && strcmp(w[0], "dad") == 0) {
		act->type = BUB_ACT_DAD;
		act->id = (uint32_t)strtoul(w[1], NULL, 10);
		act->u.home = address(w[2]);
	} else if (n == 2 && strncmp(w[0], "proxy-", 6) == 0) {
		act->type = strcmp(w[0], "proxy-add") == 0 ? BUB_ACT_PROXY_ADD : BUB_ACT_PROXY_DEL;
		act->u.home = address(w[1]);
	} else {
		return false;
	}
	return true;
}

/* False: the end. */
static bool command(struct ctl *c, char *line)
{
	uint8_t packet[LINE_MAX_OCTETS / 2];
	struct bub_action act = {.type = BUB_ACT_SEND};
	char *w[WORDS_MAX], *save = NULL;
	unsigned n = 0;

	for (char *t = strtok_r(line, " ", &save); t != NULL && n < WORDS_MAX;
	     t = strtok_r(NULL, " ", &save))
		w[n++] = t;
	if (n == 0)
		return true;
	if (strcmp(w[0], "quit") == 0)
		return false;
	if (strcmp(w[0], "counters") == 0) {
		print_counters(c);
	} else if (strcmp(w[0], "sync") == 0) {
		lnx_expire(c->lnx, lnx_now()); /* what waits for the end of the turn */
		printf("synced\n");
		fflush(stdout);
	} else if (parse(w, n, packet, sizeof(packet), &act)) {
		lnx_carry_out(c->lnx, lnx_now(), &act);
	} else {
		fprintf(stderr, "lnxctl: what is %s with %u words?\n", w[0], n);
		return false;
	}
	return true;
}

static bool read_commands(struct ctl *c)
{
	ssize_t n = read(STDIN_FILENO, c->line + c->used, sizeof(c->line) - c->used - 1);
	char *end;

	if (n <= 0)
		return false;
	c->used += (size_t)n;
	c->line[c->used] = '\0';
	while ((end = strchr(c->line, '\n')) != NULL) {
		size_t len = (size_t)(end - c->line) + 1;

		*end = '\0';
		if (!command(c, c->line))
			return false;
		c->used -= len;
		memmove(c->line, end + 1, c->used + 1);
	}
	return true;
}

/* ---- Options and loop ---------------------------------------------------------------------- */

static void add_sas(struct ctl *c, const struct in6_addr *home, const struct in6_addr *agent,
		    bool at_home_agent)
{
	struct esp_sa_params p[ESP_SET_COUNT];
	const char *error = NULL;

	if (c->secret == NULL)
		return;
	if (esp_derive_set((const uint8_t *)c->secret, strlen(c->secret), home, agent,
			   at_home_agent, p) < 0)
		exit(2);
	for (unsigned i = 0; i < ESP_SET_COUNT; i++) {
		if (esp_sad_add(c->sad, &p[i], &error) == NULL) {
			fprintf(stderr, "lnxctl: %s\n", error);
			exit(2);
		}
	}
}

static void add_home(struct lnx_config *cfg, char *text)
{
	cfg->homes[cfg->n_homes] = prefix(text, &cfg->home_prefix_len[cfg->n_homes]);
	cfg->n_homes++;
}

static void option(struct ctl *c, int opt, struct in6_addr *client)
{
	struct lnx_config *cfg = &c->cfg;

	switch (opt) {
	case 'i':
		cfg->preference[cfg->n_interfaces] = (int32_t)cfg->n_interfaces;
		cfg->interfaces[cfg->n_interfaces++] = optarg;
		break;
	case 'o': /* the interface before it */
		cfg->optimistic[cfg->n_interfaces - 1] = true;
		break;
	case 'n': /* the same */
		cfg->neutral[cfg->n_interfaces - 1] = true;
		break;
	case 'm':
		add_home(cfg, optarg);
		break;
	case 'a':
		cfg->home_agent_address = address(optarg);
		break;
	case 'A':
		cfg->home_agent = true;
		break;
	case 'l':
		cfg->home_link = optarg;
		break;
	case 'p':
		cfg->ha_prefix[cfg->n_ha_prefixes] =
			prefix(optarg, &cfg->ha_prefix_len[cfg->n_ha_prefixes]);
		cfg->n_ha_prefixes++;
		break;
	case 's':
		c->secret = optarg;
		break;
	case 'c':
		*client = address(optarg);
		break;
	case 'u':
		cfg->protect_payload = false;
		break;
	default:
		exit(2);
	}
}

static int wait_ms(const struct lnx *lnx)
{
	struct bub_time at = lnx_deadline(lnx);
	uint64_t ms;

	if (bub_time_is_never(at))
		return -1;
	ms = bub_time_ms_between(lnx_now(), at);
	if (bub_time_before(lnx_now(), at))
		ms++;
	return ms > 60000 ? 60000 : (int)ms;
}

static void loop(struct ctl *c)
{
	struct pollfd fds[FDS_MAX];
	unsigned n = lnx_fd_count(c->lnx);

	for (unsigned i = 0; i < n; i++)
		fds[i] = (struct pollfd){.fd = lnx_fd(c->lnx, i), .events = POLLIN};
	fds[n] = (struct pollfd){.fd = STDIN_FILENO, .events = POLLIN};
	for (;;) {
		if (poll(fds, n + 1, wait_ms(c->lnx)) < 0 && errno != EINTR)
			return;
		for (unsigned i = 0; i < n; i++) {
			if (fds[i].revents != 0)
				lnx_readable(c->lnx, i);
		}
		if (fds[n].revents != 0 && !read_commands(c))
			return;
		if (!bub_time_before(lnx_now(), lnx_deadline(c->lnx)))
			lnx_expire(c->lnx, lnx_now());
	}
}

int main(int argc, char **argv)
{
	static const struct lnx_callbacks cb = {.event = on_event, .log = on_log};
	struct in6_addr client = in6addr_any;
	struct ctl c = {0};
	char error[256];
	int opt;

	c.cfg.tun_name = "bub0";
	c.cfg.protect_payload = true;
	c.cfg.max_paths = 64;
	c.cfg.max_tunnels = 64;
	c.cfg.route_table = 2116;
	c.cfg.rule_priority = 1000;
	c.sad = esp_sad_new(16);
	while ((opt = getopt(argc, argv, "i:onm:a:Al:p:s:c:u")) != -1)
		option(&c, opt, &client);
	for (unsigned i = 0; i < c.cfg.n_homes; i++)
		add_sas(&c, &c.cfg.homes[i], &c.cfg.home_agent_address, false);
	if (!IN6_IS_ADDR_UNSPECIFIED(&client))
		add_sas(&c, &client, &c.cfg.home_agent_address, true);

	if (lnx_open(&c.cfg, &cb, c.sad, error, sizeof(error), &c.lnx) < 0) {
		printf("error %s\n", error);
		esp_sad_free(c.sad);
		return 1;
	}
	printf("open\n");
	fflush(stdout);
	lnx_scan(c.lnx);
	loop(&c);
	lnx_close(c.lnx);
	esp_sad_free(c.sad);
	printf("closed\n");
	return 0;
}
