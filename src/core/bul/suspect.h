/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What nobody signs, and the probe that it may start (suspect.c).
 */
#ifndef BUB_CORE_BUL_SUSPECT_H
#define BUB_CORE_BUL_SUSPECT_H

#include "bul/bul.h"

#define SUSPECT_S 30u  /* what nobody signed is looked into so often, for each peer */
#define PROBE_SENDS 3u /* Binding Updates of a probe without an answer: the key is doubted */

struct suspect {
	struct bub_time looked_at;  /* into something that nobody signed */
	struct bub_time claimed_at; /* the same, into a Binding Update under Kbm */
	bool claimed;               /* nothing under Kabm has come since that */
	struct bub_time progress;   /* data of the peer came in on the direct path */
	bool answered;              /* the peer has answered us in this session */
	bool unknown; /* somebody says that the peer does not know what is outstanding */
	bool refused; /* the peer is left alone for that */
	/* The probe: a Binding Update under Kabm that only asks whether the peer still holds it. */
	uint16_t probe_sequence;   /* of the last one */
	unsigned probe_sends;      /* a second apart at least */
	struct bub_time probed_at; /* the last of these */
	uint32_t probe_interval_ms;
	struct timer probe_timer; /* set: one is out */
};

/* Whether to look into something. */
enum suspect_verdict {
	SUSPECT_LOOK,
	SUSPECT_NO_NEED,  /* data of the peer arrives */
	SUSPECT_TOO_SOON, /* after the last time */
};

void suspect_init(struct suspect *s, void (*on_probe_timer)(struct bub_engine *eng, void *owner),
		  void *owner);
enum suspect_verdict suspect_judge(const struct bub_engine *eng, const struct suspect *s,
				   bool has_kabm, enum suspicion what);
/* It has been looked into. */
void suspect_note_look(const struct bub_engine *eng, struct suspect *s);
/* A Binding Update under Kbm: whether to look into it, which is noted. */
bool suspect_claim(const struct bub_engine *eng, struct suspect *s);
/* Something under Kabm has come. */
void suspect_refute(struct suspect *s);
/* Data of the peer came in on the direct path. */
void suspect_note_progress(const struct bub_engine *eng, struct suspect *s);
/* A new session: the peer has not answered in it yet. */
void suspect_begin_session(struct suspect *s);
/* The peer has answered us: it does Mobile IPv6, whatever is said. */
void suspect_answered(struct suspect *s);
/* Something says that the peer does not know what is outstanding.  False: not believed, since the
 * peer has answered before. */
bool suspect_say_unknown(struct suspect *s);
/* No answer has come to what was outstanding: true where the peer is left alone from now on. */
bool suspect_believe_unknown(struct suspect *s);
/* The peer has answered, signed.  True: it was left alone for something that nobody signed. */
bool suspect_acquit(struct suspect *s);
bool suspect_is_probing(const struct suspect *s);
void suspect_start_probe(struct suspect *s, uint32_t interval_ms);
/* No answer to the whole probe: the key is doubted. */
bool suspect_probe_failed(const struct suspect *s);
/* The next sending of the probe is due, with @sequence where it goes out at all. */
void suspect_note_probe(struct bub_engine *eng, struct suspect *s, bool sent, uint16_t sequence);
/* The Binding Acknowledgement @rx may be the answer to the probe: a signature decides. */
bool suspect_is_answer(const struct suspect *s, const struct rx *rx);
void suspect_stop(struct bub_engine *eng, struct suspect *s);

#endif
