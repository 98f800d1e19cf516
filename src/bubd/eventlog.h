/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What happens, as JSON lines for machines (bubd.conf(5), "event-log") and as log lines for people.
 */
#ifndef BUBD_EVENTLOG_H
#define BUBD_EVENTLOG_H

#include "bub/engine.h"
#include "handover.h"
#include "linux.h"
#include "log.h"

/* Somebody who may want to see the JSON lines as they come to be. */
struct eventlog_watch {
	bool (*wanted)(void *ctx);
	void (*line)(void *ctx, const char *text, size_t len); /* with its newline */
	void *ctx;
};

struct eventlog {
	int fd;                      /* -1: no file */
	struct eventlog_watch watch; /* set by the daemon; without functions: nobody */
	const char *node;            /* borrowed */
	const struct log *log;       /* borrowed */
	bool many; /* states that change now are told in one line: each at debug only */
	/* People get one line a second for each reason to drop. */
	struct eventlog_drop {
		bool seen;
		struct bub_time at; /* of its line */
		unsigned more;      /* packets since then, without a line */
	} drop[BUB_DROP_COUNT];
	struct {
		struct bub_time since; /* the second that is counted */
		unsigned lines;        /* lines in that second */
		uint64_t more;         /* packets without a line since the last line */
	} esp;
};

#define EVENTLOG_ESP_PER_S 10 /* lines about ESP: who knows an SPI could fill the disk */

/* Something that a user could mend, or the end of it. */
struct eventlog_trouble {
	const char *name; /* "no-route", ...: man bubd.conf */
	bool over;
	struct in6_addr local, peer; /* :: none */
	uint64_t number;             /* how often it was seen */
	const char *text;            /* the line */
};
#define EVENTLOG_TROUBLE_MAX 512

/* @path "": no file.  There is no watch then.  Returns 0, or -1 with errno set. */
int eventlog_open(struct eventlog *el, const char *path, const char *node, const struct log *log);
/* Goes on in the file that has the name @path now, a new one after the old one was renamed. Returns
 * 0, or -1 with errno set: the old file is written to as before.  Does nothing without a file. */
int eventlog_reopen(struct eventlog *el, const char *path);
void eventlog_close(struct eventlog *el);

/* The daemon begins or ends. */
void eventlog_start(struct eventlog *el, const char *version);
void eventlog_stop(struct eventlog *el, const char *why);

/* An address or link event, at the moment when the kernel room reports it; other events are
 * nobody's business here. */
void eventlog_event(struct eventlog *el, const struct bub_event *ev);

/* A path was carried out; other actions are passed over. */
void eventlog_action(struct eventlog *el, const struct bub_action *act);

/* ESP discarded a packet. */
void eventlog_esp_drop(struct eventlog *el, const struct lnx_esp_drop *drop);

/* A warning, or with over a line that all is well again. */
void eventlog_trouble(struct eventlog *el, const struct eventlog_trouble *t);

/* A handover has ended. */
void eventlog_handover(struct eventlog *el, const struct handover *h);

/* A trace of the engine but for keys. */
void eventlog_trace(struct eventlog *el, const struct bub_trace *tr);

#endif
