/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Faults of mobile nodes that a home agent sees, and of data between the two, told to the operator
 * in words: when one begins, at growing intervals while it lasts, and when it is over.
 *
 * Strangers can make some of them up, so there is room for a few at once, and what is more is not
 * told.  Nothing else depends on them.
 */
#ifndef BUBD_COMPLAINTS_H
#define BUBD_COMPLAINTS_H

#include "eventlog.h"
#include "sas.h"

#define COMPLAINTS_MAX 16

enum complaint_kind {
	COMPLAINT_NONE,
	COMPLAINT_SECRET,       /* registrations of a mobile node, under other keys */
	COMPLAINT_AGENT,        /* .. to an address that is not the home agent's */
	COMPLAINT_UNKNOWN_HOME, /* registrations of one that is not served */
	COMPLAINT_BAD_ICV,      /* ESP that somebody has changed, or other keys */
	COMPLAINT_REPEATED,     /* .. with sequence numbers that came before */
	COMPLAINT_DATA_CLEAR,   /* data comes without ESP, and goes with it */
	COMPLAINT_DATA_ESP,     /* the reverse */
	COMPLAINT_KINDS,
};

struct complaint {
	enum complaint_kind kind; /* NONE: the slot is free */
	struct in6_addr home;     /* whose; :: not known */
	struct in6_addr from;     /* the last time */
	struct in6_addr to;
	uint32_t spi; /* likewise; 0: none */
	uint64_t times;
	struct bub_time first, last, told_at;
	uint32_t pause_s; /* to the next line */
};

struct complaints {
	struct eventlog *events; /* borrowed */
	const struct sas *sas;   /* borrowed: whose an SPI is; NULL: nobody's */
	struct {
		uint32_t spi;
		struct in6_addr home;
		struct bub_time at;
	} owner;               /* looked up last */
	struct in6_addr agent; /* this home agent's address; :: none */
	struct complaint slot[COMPLAINTS_MAX];
};

/* @what  kind, home, from, to and spi: it was seen just now */
void complaints_note(struct complaints *c, struct bub_time now, const struct complaint *what);

/* What ESP discarded, where it is worth a complaint.  @engine knows who is served. */
void complaints_esp_drop(struct complaints *c, const struct bub_engine *engine, struct bub_time now,
			 const struct lnx_esp_drop *drop);

/* Between a mobile node and its home agent data came the wrong way. */
void complaints_data(struct complaints *c, struct bub_time now, const struct lnx_data_fault *fault);

/* @home registers, so its keys are right. */
void complaints_registered(struct complaints *c, struct bub_time now, const struct in6_addr *home);

/* The next home address after the place *@at, which is 0 for the first, that tried to register of
 * late and is not served here; @room octets of why.  false: no more. */
bool complaints_next_stranger(const struct complaints *c, struct bub_time now, unsigned *at,
			      struct in6_addr *ret_home, char *ret_text, size_t room);

/* What was seen of @home in the last minutes, as one clause; false: nothing. */
bool complaints_about(const struct complaints *c, struct bub_time now, const struct in6_addr *home,
		      char *ret_text, size_t room);

/* "secret", ...; the word of JSON. */
const char *complaint_name(enum complaint_kind kind);

#endif
