/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The link emulator's inside: ports, links between them, and the frames under way.
 *
 *   linkem.c       options, event loop, control socket
 *   emu.c          ports, links, impairments, moves (this header)
 *   emu_cmd.c      the text commands
 *   emu_carrier.c  takes interfaces down and up without holding up the frames
 *   emu_pcap.c     capture files
 *
 * A *port* is one network interface of the emulator's namespace, the near end of a veth pair whose
 * far end belongs to a node.  A *link* joins two ports; the second may change (a mobile node's
 * radio link) or be absent.  Each direction of a link is a first-in first-out queue, so jitter
 * never reorders frames.  Nothing here knows of IP.
 *
 * Times are CLOCK_MONOTONIC in nanoseconds; captures carry CLOCK_REALTIME.
 */
#ifndef LAB_EMU_H
#define LAB_EMU_H

#include <net/if.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#define EMU_PORTS_MAX 64
#define EMU_LINKS_MAX 64
#define EMU_NAME_SIZE 16
#define EMU_ERROR_SIZE 200
#define EMU_NEVER UINT64_MAX
#define EMU_NSEC 1000000000u

/* ---- Captures ------------------------------------------------------------------------------ */

struct emu_pcap;

/* Creates @path with a classic pcap header (Ethernet, microseconds).  Returns 0 or -errno. */
int emu_pcap_open(const char *path, struct emu_pcap **ret_pcap);

/* Appends a frame.  @real_ns is CLOCK_REALTIME; a stamp before the last one is raised to it, so
 * that a file is always in order. */
void emu_pcap_write(struct emu_pcap *pcap, uint64_t real_ns, const uint8_t *frame, size_t len);

/* Hands what is buffered to the kernel.  Returns 0, or -EIO once any write has failed. */
int emu_pcap_flush(struct emu_pcap *pcap);
int emu_pcap_close(struct emu_pcap *pcap); /* NULL is fine; returns as emu_pcap_flush() */

/* ---- Carrier ------------------------------------------------------------------------------- */

struct emu_carrier;

/* Starts the thread that sets interfaces down and up.  Returns 0 or -errno. */
int emu_carrier_open(struct emu_carrier **ret_carrier);
void emu_carrier_close(struct emu_carrier *carrier); /* NULL is fine */

/* Asks for @ifname to be set up or down; requests are carried out in order. */
void emu_carrier_request(struct emu_carrier *carrier, unsigned tag, const char *ifname, bool up);

/* Becomes readable when requests were carried out. */
int emu_carrier_fd(const struct emu_carrier *carrier);

/* Takes the oldest request carried out; false when there is none.  @ret_error: 0 or -errno. */
bool emu_carrier_done(struct emu_carrier *carrier, unsigned *ret_tag, bool *ret_up, int *ret_error);

/* ---- Ports and links ----------------------------------------------------------------------- */

struct emu_params {
	uint64_t delay_ns;
	uint64_t jitter_ns; /* each frame waits delay plus or minus up to this much */
	double loss;        /* 0 to 1 */
	uint64_t rate_bps;  /* 0: unlimited */
	uint32_t queue_max; /* frames under way in one direction, the delayed ones included */
	bool up;            /* false: every frame is lost, the carrier stays */
};

struct emu_frame {
	struct emu_frame *next;
	uint64_t due_ns;
	size_t cap;
	size_t len; /* with the virtio header where those are on */
	uint8_t data[];
};

struct emu_counts {
	uint64_t frames, octets; /* delivered */
	uint64_t lost;           /* by the loss setting, or the link being set down */
	uint64_t overflow;       /* by the queue limit */
	uint64_t cut;            /* under way when the link was detached */
	uint64_t send_failed;    /* the kernel refused them */
};

struct emu_dir {
	struct emu_frame *head, *tail;
	uint32_t queued;
	uint64_t busy_until_ns; /* serialisation at the link's rate */
	uint64_t last_due_ns;
	uint64_t random; /* splitmix64 state; its own, so that directions do not disturb each other
			  */
	struct emu_counts counts;
};

enum emu_move {
	EMU_MOVE_NONE,
	EMU_MOVE_DOWN, /* waits for the carrier to go */
	EMU_MOVE_AWAY, /* carrier gone, waits for its time */
};

struct emu_port {
	char name[EMU_NAME_SIZE];
	char ifname[IFNAMSIZ];
	int fd;
	struct emu_link *link; /* NULL: nothing attached */
	unsigned side;         /* end of that link */
	struct emu_pcap *pcap; /* NULL: not captured */
	uint64_t unattached;   /* frames that came while nothing was attached */
	uint64_t too_long;
};

struct emu_link {
	char name[EMU_NAME_SIZE];
	struct emu_port *port[2]; /* [1] NULL: not attached */
	struct emu_params params;
	struct emu_dir dir[2]; /* dir[0]: from port[0] to port[1] */
	enum emu_move move;
	uint64_t move_due_ns;
	struct emu_port *move_to; /* NULL: stay detached */
};

struct emu;

/* @vnet_hdr: frames carry a virtio header, so that segmentation offload passes unharmed.
 * Returns 0 or -errno. */
int emu_new(uint64_t seed, bool vnet_hdr, struct emu **ret_emu);
int emu_free(struct emu *emu); /* flushes captures; returns 0 or -EIO; NULL is fine */

uint64_t emu_now(void);

/* Opens a port.  On failure @ret_error says why.  Returns 0 or -1, as the next two. */
int emu_add_port(struct emu *emu, const char *name, const char *ifname,
		 char ret_error[static EMU_ERROR_SIZE]);
/* @b NULL: not attached yet.  @params are copied. */
int emu_add_link(struct emu *emu, const char *name, struct emu_port *a, struct emu_port *b,
		 const struct emu_params *params, char ret_error[static EMU_ERROR_SIZE]);
/* A port that is captured already goes on in the new file. */
int emu_capture(struct emu_port *port, const char *path, char ret_error[static EMU_ERROR_SIZE]);

struct emu_port *emu_find_port(struct emu *emu, const char *name); /* NULL: none */
struct emu_link *emu_find_link(struct emu *emu, const char *name);
void emu_params_init(struct emu_params *params);

/* Cuts the link at once, drops what is under way and takes the carrier from port[0].  After
 * @down_ns it is joined to @to and the carrier comes back; @to NULL: it stays cut.  @to must be
 * free at that time. */
void emu_move(struct emu *emu, struct emu_link *link, struct emu_port *to, uint64_t down_ns);

/* Will a link on the move be joined to @port? */
bool emu_is_claimed(const struct emu *emu, const struct emu_port *port);

unsigned emu_port_count(const struct emu *emu);
int emu_port_fd(const struct emu *emu, unsigned index);
int emu_fd_carrier(const struct emu *emu);

/* Reads a bounded batch of frames of a port and passes them on or queues them. */
void emu_port_readable(struct emu *emu, unsigned index);
void emu_carrier_readable(struct emu *emu);

/* Delivers what is due; returns when it wants to be called next, or EMU_NEVER. */
uint64_t emu_run(struct emu *emu);

/* Hands captures to the kernel.  0 or -EIO. */
int emu_sync(struct emu *emu);

/* Writes all counters as one line of JSON. */
void emu_stat(struct emu *emu, FILE *out);

/* ---- Commands ------------------------------------------------------------------------------ */

/* Executes one line; writes the answer's lines to @out, the last being "ok SECONDS" with the time
 * of day of the execution or "error: why".  Returns 0, or -1 after an error. */
int emu_command(struct emu *emu, const char *line, FILE *out);

#endif
