/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Ports, links and the frames under way: what linkem is about.
 *
 * Frames are read from packet sockets with the kernel's arrival stamp, so that the time until this
 * process runs is part of the delay and does not come on top of it.  A frame then waits in the
 * first-in first-out queue of its direction and is sent out of the far port.  Where a link asks for
 * nothing (no delay, no rate) the frame goes straight through.
 *
 * The addresses of the namespace play no part: IPv6 must be off on its interfaces.
 */
#include "emu.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <linux/virtio_net.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define BATCH 32                  /* frames read from one port before the others have their turn */
#define FRAME_PLAIN 2048          /* octets of the usual frame buffer */
#define FRAME_GSO (65536 + 256)   /* with a virtio header the kernel hands over whole GSO frames */
#define SPARE_MAX 4096            /* frame buffers kept for reuse */
#define SOCKET_BUFFER (8 << 20)   /* octets */
#define STAMP_AGE_MAX_NS 50000000 /* an older arrival stamp means that the clock was set */

struct emu {
	struct emu_port port[EMU_PORTS_MAX];
	unsigned n_ports;
	struct emu_link link[EMU_LINKS_MAX];
	unsigned n_links;
	struct emu_carrier *carrier;
	uint64_t seed;
	size_t head_len;  /* octets of virtio header before each frame; 0: none */
	size_t frame_max; /* octets of one buffer of @rx */
	uint8_t *rx;      /* BATCH buffers */
	struct emu_frame *spare;
	unsigned n_spare;
};

static uint64_t clock_ns(clockid_t id)
{
	struct timespec ts;

	clock_gettime(id, &ts);
	return (uint64_t)ts.tv_sec * EMU_NSEC + (uint64_t)ts.tv_nsec;
}

uint64_t emu_now(void)
{
	return clock_ns(CLOCK_MONOTONIC);
}

/* splitmix64: small, and good enough for dice. */
static uint64_t random_next(uint64_t *state)
{
	uint64_t z = *state += 0x9e3779b97f4a7c15u;

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
	return z ^ (z >> 31);
}

/* In [0, 1). */
static double random_unit(uint64_t *state)
{
	return (double)(random_next(state) >> 11) / (double)(1ull << 53);
}

/* ---- Set-up -------------------------------------------------------------------------------- */

int emu_new(uint64_t seed, bool vnet_hdr, struct emu **ret_emu)
{
	struct emu *emu = calloc(1, sizeof(*emu));
	int err;

	if (emu == NULL)
		return -ENOMEM;
	emu->seed = seed;
	emu->head_len = vnet_hdr ? sizeof(struct virtio_net_hdr) : 0;
	emu->frame_max = vnet_hdr ? FRAME_GSO : FRAME_PLAIN;
	emu->rx = malloc(emu->frame_max * BATCH);
	err = emu->rx == NULL ? -ENOMEM : emu_carrier_open(&emu->carrier);
	if (err < 0) {
		free(emu->rx);
		free(emu);
		return err;
	}
	*ret_emu = emu;
	return 0;
}

static void dir_flush(struct emu *emu, struct emu_dir *dir);

int emu_free(struct emu *emu)
{
	int err = 0;

	if (emu == NULL)
		return 0;
	emu_carrier_close(emu->carrier);
	for (unsigned i = 0; i < emu->n_links; i++) {
		dir_flush(emu, &emu->link[i].dir[0]);
		dir_flush(emu, &emu->link[i].dir[1]);
	}
	for (unsigned i = 0; i < emu->n_ports; i++) {
		close(emu->port[i].fd);
		if (emu_pcap_close(emu->port[i].pcap) < 0)
			err = -EIO;
	}
	while (emu->spare != NULL) {
		struct emu_frame *f = emu->spare;

		emu->spare = f->next;
		free(f);
	}
	free(emu->rx);
	free(emu);
	return err;
}

/* Returns the socket, or -errno with *@ret_what naming the step that failed. */
static int port_socket(const struct emu *emu, unsigned ifindex, const char **ret_what)
{
	const int on = 1, size = SOCKET_BUFFER;
	struct sockaddr_ll ll = {
		.sll_family = AF_PACKET,
		.sll_protocol = htons(ETH_P_ALL),
		.sll_ifindex = (int)ifindex,
	};
	/* Protocol 0 until bound: else it would collect frames of every interface meanwhile. */
	int fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	int err;

	*ret_what = "packet socket";
	if (fd < 0)
		return -errno;
	/* The buffer sizes matter under load only. */
	(void)setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size));
	(void)setsockopt(fd, SOL_SOCKET, SO_SNDBUFFORCE, &size, sizeof(size));
	*ret_what = "PACKET_IGNORE_OUTGOING";
	if (setsockopt(fd, SOL_PACKET, PACKET_IGNORE_OUTGOING, &on, sizeof(on)) < 0)
		goto fail;
	*ret_what = "SO_TIMESTAMPNS";
	if (setsockopt(fd, SOL_SOCKET, SO_TIMESTAMPNS, &on, sizeof(on)) < 0)
		goto fail;
	*ret_what = "PACKET_VNET_HDR";
	if (emu->head_len != 0 && setsockopt(fd, SOL_PACKET, PACKET_VNET_HDR, &on, sizeof(on)) < 0)
		goto fail;
	*ret_what = "bind";
	if (bind(fd, (const struct sockaddr *)&ll, sizeof(ll)) < 0)
		goto fail;
	return fd;
fail:
	err = -errno;
	close(fd);
	return err;
}

int emu_add_port(struct emu *emu, const char *name, const char *ifname,
		 char ret_error[static EMU_ERROR_SIZE])
{
	unsigned ifindex = if_nametoindex(ifname);
	struct emu_port *port;
	const char *what;
	int fd;

	if (emu->n_ports == EMU_PORTS_MAX) {
		snprintf(ret_error, EMU_ERROR_SIZE, "no more than %d ports", EMU_PORTS_MAX);
		return -1;
	}
	if (ifindex == 0) {
		snprintf(ret_error, EMU_ERROR_SIZE, "no interface '%s' in this namespace", ifname);
		return -1;
	}
	fd = port_socket(emu, ifindex, &what);
	if (fd < 0) {
		snprintf(ret_error, EMU_ERROR_SIZE, "%s: %s: %s%s", ifname, what, strerror(-fd),
			 fd == -EPERM ? " (CAP_NET_RAW is needed)" : "");
		return -1;
	}
	port = &emu->port[emu->n_ports++];
	*port = (struct emu_port){.fd = fd};
	snprintf(port->name, sizeof(port->name), "%s", name);
	snprintf(port->ifname, sizeof(port->ifname), "%s", ifname);
	return 0;
}

void emu_params_init(struct emu_params *params)
{
	*params = (struct emu_params){.queue_max = 10000, .up = true};
}

static void link_join(struct emu_link *link, unsigned side, struct emu_port *port)
{
	link->port[side] = port;
	port->link = link;
	port->side = side;
}

/* Each direction has its own dice, told apart by the link's name and not by the order in which
 * links were made. */
static uint64_t seed_for(uint64_t seed, const char *name, unsigned side)
{
	uint64_t h = 0xcbf29ce484222325u; /* FNV-1a */

	for (const char *p = name; *p != '\0'; p++)
		h = (h ^ (uint8_t)*p) * 0x100000001b3u;
	h ^= seed * 0x9e3779b97f4a7c15u + side;
	return random_next(&h);
}

int emu_add_link(struct emu *emu, const char *name, struct emu_port *a, struct emu_port *b,
		 const struct emu_params *params, char ret_error[static EMU_ERROR_SIZE])
{
	struct emu_link *link;

	if (emu->n_links == EMU_LINKS_MAX) {
		snprintf(ret_error, EMU_ERROR_SIZE, "no more than %d links", EMU_LINKS_MAX);
		return -1;
	}
	if (a == b) {
		snprintf(ret_error, EMU_ERROR_SIZE, "a link needs two different ports");
		return -1;
	}
	if (a->link != NULL || (b != NULL && b->link != NULL)) {
		const struct emu_port *taken = a->link != NULL ? a : b;

		snprintf(ret_error, EMU_ERROR_SIZE, "port '%s' is on link '%s' already",
			 taken->name, taken->link->name);
		return -1;
	}
	link = &emu->link[emu->n_links++];
	*link = (struct emu_link){.params = *params};
	snprintf(link->name, sizeof(link->name), "%s", name);
	for (unsigned side = 0; side < 2; side++)
		link->dir[side].random = seed_for(emu->seed, name, side);
	link_join(link, 0, a);
	if (b != NULL)
		link_join(link, 1, b);
	return 0;
}

int emu_capture(struct emu_port *port, const char *path, char ret_error[static EMU_ERROR_SIZE])
{
	struct emu_pcap *pcap = NULL;
	int err = emu_pcap_open(path, &pcap);

	if (err < 0) {
		emu_pcap_close(pcap);
		snprintf(ret_error, EMU_ERROR_SIZE, "%s: %s", path, strerror(-err));
		return -1;
	}
	err = emu_pcap_close(port->pcap);
	port->pcap = pcap;
	if (err < 0)
		snprintf(ret_error, EMU_ERROR_SIZE, "the file before could not be written in full");
	return err < 0 ? -1 : 0;
}

struct emu_port *emu_find_port(struct emu *emu, const char *name)
{
	for (unsigned i = 0; i < emu->n_ports; i++)
		if (strcmp(emu->port[i].name, name) == 0)
			return &emu->port[i];
	return NULL;
}

struct emu_link *emu_find_link(struct emu *emu, const char *name)
{
	for (unsigned i = 0; i < emu->n_links; i++)
		if (strcmp(emu->link[i].name, name) == 0)
			return &emu->link[i];
	return NULL;
}

unsigned emu_port_count(const struct emu *emu)
{
	return emu->n_ports;
}

int emu_port_fd(const struct emu *emu, unsigned index)
{
	return emu->port[index].fd;
}

/* ---- Frames -------------------------------------------------------------------------------- */

/* NULL: out of memory. */
static struct emu_frame *frame_get(struct emu *emu, size_t len)
{
	struct emu_frame *f = emu->spare;
	size_t cap = len > FRAME_PLAIN ? len : FRAME_PLAIN;

	if (f != NULL && len <= FRAME_PLAIN) {
		emu->spare = f->next;
		emu->n_spare--;
		return f;
	}
	f = malloc(sizeof(*f) + cap);
	if (f != NULL)
		f->cap = cap;
	return f;
}

static void frame_put(struct emu *emu, struct emu_frame *f)
{
	if (f->cap != FRAME_PLAIN || emu->n_spare == SPARE_MAX) {
		free(f);
		return;
	}
	f->next = emu->spare;
	emu->spare = f;
	emu->n_spare++;
}

static void dir_flush(struct emu *emu, struct emu_dir *dir)
{
	while (dir->head != NULL) {
		struct emu_frame *f = dir->head;

		dir->head = f->next;
		frame_put(emu, f);
		dir->counts.cut++;
	}
	dir->tail = NULL;
	dir->queued = 0;
	dir->busy_until_ns = 0;
	dir->last_due_ns = 0;
}

static void port_capture(const struct emu *emu, const struct emu_port *port, uint64_t real_ns,
			 const uint8_t *data, size_t len)
{
	if (port->pcap != NULL)
		emu_pcap_write(port->pcap, real_ns, data + emu->head_len, len - emu->head_len);
}

static void deliver(const struct emu *emu, struct emu_port *to, struct emu_dir *dir,
		    const uint8_t *data, size_t len)
{
	/* Stamped before sending: what the node does in answer is then never earlier. */
	if (to->pcap != NULL)
		port_capture(emu, to, clock_ns(CLOCK_REALTIME), data, len);
	if (send(to->fd, data, len, 0) < 0) {
		dir->counts.send_failed++; /* interface down or its queue full: a lost frame */
		return;
	}
	dir->counts.frames++;
	dir->counts.octets += len - emu->head_len;
}

/* When a frame that arrived at @at_ns will leave the far end. */
static uint64_t due_time(struct emu_dir *dir, const struct emu_params *p, uint64_t at_ns,
			 size_t len)
{
	uint64_t due = at_ns;

	if (p->rate_bps != 0) {
		if (dir->busy_until_ns > due)
			due = dir->busy_until_ns;
		due += (uint64_t)((double)len * 8e9 / (double)p->rate_bps);
		dir->busy_until_ns = due;
	}
	due += p->delay_ns;
	if (p->jitter_ns != 0) {
		double wobble = (2 * random_unit(&dir->random) - 1) * (double)p->jitter_ns;

		due = wobble < 0 && (uint64_t)-wobble > due - at_ns
			      ? at_ns
			      : (uint64_t)((int64_t)due + (int64_t)wobble);
	}
	if (due < dir->last_due_ns)
		due = dir->last_due_ns;
	dir->last_due_ns = due;
	return due;
}

static void link_input(struct emu *emu, struct emu_link *link, unsigned side, uint64_t at_ns,
		       uint64_t now_ns, const uint8_t *data, size_t len)
{
	struct emu_dir *dir = &link->dir[side];
	struct emu_port *to = link->port[!side];
	const struct emu_params *p = &link->params;
	struct emu_frame *f;
	uint64_t due;

	if (!p->up || (p->loss > 0 && random_unit(&dir->random) < p->loss)) {
		dir->counts.lost++;
		return;
	}
	if (dir->queued >= p->queue_max) {
		dir->counts.overflow++;
		return;
	}
	due = due_time(dir, p, at_ns, len - emu->head_len);
	if (due <= now_ns && dir->head == NULL) {
		deliver(emu, to, dir, data, len);
		return;
	}
	f = frame_get(emu, len);
	if (f == NULL) {
		dir->counts.overflow++;
		return;
	}
	memcpy(f->data, data, len);
	f->len = len;
	f->due_ns = due;
	f->next = NULL;
	if (dir->tail != NULL)
		dir->tail->next = f;
	else
		dir->head = f;
	dir->tail = f;
	dir->queued++;
}

/* CLOCK_REALTIME of the arrival; @real_now_ns where the kernel gave none. */
static uint64_t arrival_stamp(struct msghdr *msg, uint64_t real_now_ns)
{
	for (struct cmsghdr *c = CMSG_FIRSTHDR(msg); c != NULL; c = CMSG_NXTHDR(msg, c)) {
		if (c->cmsg_level == SOL_SOCKET && c->cmsg_type == SO_TIMESTAMPNS) {
			struct timespec ts;
			uint64_t ns;

			memcpy(&ts, CMSG_DATA(c), sizeof(ts));
			ns = (uint64_t)ts.tv_sec * EMU_NSEC + (uint64_t)ts.tv_nsec;
			if (ns <= real_now_ns && real_now_ns - ns < STAMP_AGE_MAX_NS)
				return ns;
		}
	}
	return real_now_ns;
}

static void port_input(struct emu *emu, struct emu_port *port, uint64_t real_ns, uint64_t at_ns,
		       uint64_t now_ns, const uint8_t *data, size_t len)
{
	if (len < emu->head_len + ETH_HLEN)
		return;
	/* A frame that was read after the cut was sent into the void. */
	if (port->link == NULL || port->link->port[!port->side] == NULL) {
		port->unattached++;
		return;
	}
	port_capture(emu, port, real_ns, data, len);
	link_input(emu, port->link, port->side, at_ns, now_ns, data, len);
}

void emu_port_readable(struct emu *emu, unsigned index)
{
	struct emu_port *port = &emu->port[index];
	struct mmsghdr msgs[BATCH] = {0};
	struct iovec iov[BATCH];
	union {
		struct cmsghdr align;
		char buf[CMSG_SPACE(sizeof(struct timespec))];
	} control[BATCH];
	uint64_t now, real;
	int n;

	for (unsigned i = 0; i < BATCH; i++) {
		iov[i] = (struct iovec){emu->rx + i * emu->frame_max, emu->frame_max};
		msgs[i].msg_hdr.msg_iov = &iov[i];
		msgs[i].msg_hdr.msg_iovlen = 1;
		msgs[i].msg_hdr.msg_control = &control[i];
		msgs[i].msg_hdr.msg_controllen = sizeof(control[i]);
	}
	/* Errors: nothing there, or ENETDOWN, which a move causes and the next frame ends. */
	n = recvmmsg(port->fd, msgs, BATCH, MSG_DONTWAIT, NULL);
	now = emu_now();
	real = clock_ns(CLOCK_REALTIME);
	for (int i = 0; i < n; i++) {
		uint64_t stamp = arrival_stamp(&msgs[i].msg_hdr, real);

		if (msgs[i].msg_hdr.msg_flags & MSG_TRUNC) {
			port->too_long++;
			continue;
		}
		port_input(emu, port, stamp, now - (real - stamp), now, iov[i].iov_base,
			   msgs[i].msg_len);
	}
}

/* ---- Moves and time ------------------------------------------------------------------------ */

void emu_move(struct emu *emu, struct emu_link *link, struct emu_port *to, uint64_t down_ns)
{
	struct emu_port *radio = link->port[0];

	if (link->port[1] != NULL) {
		link->port[1]->link = NULL;
		link->port[1] = NULL;
	}
	dir_flush(emu, &link->dir[0]);
	dir_flush(emu, &link->dir[1]);
	link->move_to = to;
	link->move_due_ns = emu_now() + down_ns;
	link->move = EMU_MOVE_DOWN;
	emu_carrier_request(emu->carrier, (unsigned)(link - emu->link), radio->ifname, false);
}

bool emu_is_claimed(const struct emu *emu, const struct emu_port *port)
{
	for (unsigned i = 0; i < emu->n_links; i++)
		if (emu->link[i].move != EMU_MOVE_NONE && emu->link[i].move_to == port)
			return true;
	return false;
}

int emu_fd_carrier(const struct emu *emu)
{
	return emu_carrier_fd(emu->carrier);
}

void emu_carrier_readable(struct emu *emu)
{
	unsigned tag;
	bool up;
	int error;

	while (emu_carrier_done(emu->carrier, &tag, &up, &error)) {
		struct emu_link *link = &emu->link[tag];

		if (error < 0)
			fprintf(stderr, "linkem: setting %s %s: %s\n", link->port[0]->ifname,
				up ? "up" : "down", strerror(-error));
		if (!up)
			link->move = link->move_to != NULL ? EMU_MOVE_AWAY : EMU_MOVE_NONE;
	}
}

static void run_move(struct emu *emu, struct emu_link *link, uint64_t now_ns)
{
	if (link->move != EMU_MOVE_AWAY || link->move_due_ns > now_ns)
		return;
	link->move = EMU_MOVE_NONE;
	link_join(link, 1, link->move_to);
	emu_carrier_request(emu->carrier, (unsigned)(link - emu->link), link->port[0]->ifname,
			    true);
}

static void run_dir(struct emu *emu, struct emu_dir *dir, struct emu_port *to, uint64_t now_ns)
{
	while (dir->head != NULL && dir->head->due_ns <= now_ns) {
		struct emu_frame *f = dir->head;

		dir->head = f->next;
		if (dir->head == NULL)
			dir->tail = NULL;
		dir->queued--;
		deliver(emu, to, dir, f->data, f->len);
		frame_put(emu, f);
	}
}

uint64_t emu_run(struct emu *emu)
{
	uint64_t now = emu_now(), next = EMU_NEVER;

	for (unsigned i = 0; i < emu->n_links; i++) {
		struct emu_link *link = &emu->link[i];

		run_move(emu, link, now);
		for (unsigned side = 0; side < 2; side++) {
			struct emu_dir *dir = &link->dir[side];

			run_dir(emu, dir, link->port[!side], now);
			if (dir->head != NULL && dir->head->due_ns < next)
				next = dir->head->due_ns;
		}
		if (link->move == EMU_MOVE_AWAY && link->move_due_ns < next)
			next = link->move_due_ns;
	}
	return next;
}

int emu_sync(struct emu *emu)
{
	int err = 0;

	for (unsigned i = 0; i < emu->n_ports; i++)
		if (emu->port[i].pcap != NULL && emu_pcap_flush(emu->port[i].pcap) < 0)
			err = -EIO;
	return err;
}

static void stat_dir(FILE *out, const struct emu_dir *dir)
{
	const struct emu_counts *c = &dir->counts;

	fprintf(out,
		"{\"frames\": %ju, \"octets\": %ju, \"lost\": %ju, \"overflow\": %ju, "
		"\"cut\": %ju, \"send_failed\": %ju, \"queued\": %u}",
		(uintmax_t)c->frames, (uintmax_t)c->octets, (uintmax_t)c->lost,
		(uintmax_t)c->overflow, (uintmax_t)c->cut, (uintmax_t)c->send_failed, dir->queued);
}

void emu_stat(struct emu *emu, FILE *out)
{
	fprintf(out, "{\"links\": {");
	for (unsigned i = 0; i < emu->n_links; i++) {
		const struct emu_link *l = &emu->link[i];
		const struct emu_params *p = &l->params;

		fprintf(out,
			"%s\"%s\": {\"ports\": [\"%s\", \"%s\"], \"moving\": %s, \"delay_ms\": %g, "
			"\"jitter_ms\": %g, \"loss_pct\": %g, \"rate_bps\": %ju, \"queue\": %u, "
			"\"up\": %s, \"directions\": [",
			i > 0 ? ", " : "", l->name, l->port[0]->name,
			l->port[1] != NULL ? l->port[1]->name : "-",
			l->move != EMU_MOVE_NONE ? "true" : "false", (double)p->delay_ns / 1e6,
			(double)p->jitter_ns / 1e6, p->loss * 100, (uintmax_t)p->rate_bps,
			p->queue_max, p->up ? "true" : "false");
		stat_dir(out, &l->dir[0]);
		fprintf(out, ", ");
		stat_dir(out, &l->dir[1]);
		fprintf(out, "]}");
	}
	fprintf(out, "}, \"ports\": {");
	for (unsigned i = 0; i < emu->n_ports; i++) {
		const struct emu_port *port = &emu->port[i];

		fprintf(out,
			"%s\"%s\": {\"interface\": \"%s\", \"unattached\": %ju, \"too_long\": %ju}",
			i > 0 ? ", " : "", port->name, port->ifname, (uintmax_t)port->unattached,
			(uintmax_t)port->too_long);
	}
	fprintf(out, "}}\n");
}
