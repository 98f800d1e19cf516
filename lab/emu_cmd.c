/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The emulator's text commands, one line each:
 *
 *   port NAME INTERFACE                   opens an interface of this namespace
 *   link NAME PORT PORT|- [PARAMETER...]  joins two ports; "-": the far end stays open
 *   capture PORT FILE                     writes what passes the port into a pcap file, from now on
 *   attach LINK PORT                      joins the far end and gives the carrier back
 *   detach LINK                           cuts it; the near port's node loses its carrier
 *   move LINK PORT [down=MS]              detach, and after MS milliseconds attach
 *   set LINK PARAMETER...                 delay=MS jitter=MS loss=PERCENT rate=20mbit
 *                                         queue=FRAMES up=yes|no
 *   stat, sync                            counters as JSON; flush captures
 *
 * attach, detach, move and set may share a line, separated by ";": they are then executed in the
 * same instant, all of them or, where one is wrong, none.  "#" begins a comment.
 */
#include "emu.h"

#include <errno.h>
#include <math.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define LINE_SIZE 2048
#define WORDS_MAX 16
#define STEPS_MAX 16
#define MS_MAX 3600000.0 /* an hour: longer is a typing mistake */

enum step_type {
	STEP_MOVE, /* attach, detach, move */
	STEP_SET,
};

struct step {
	enum step_type type;
	struct emu_link *link;
	struct emu_port *to;
	uint64_t down_ns;
	struct emu_params params;
};

struct parser {
	struct emu *emu;
	FILE *out;
	char error[EMU_ERROR_SIZE];
	struct step step[STEPS_MAX];
	unsigned n_steps;
};

struct words {
	char *word[WORDS_MAX];
	unsigned count;
};

__attribute__((format(printf, 2, 3))) static int refuse(struct parser *p, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(p->error, sizeof(p->error), format, args);
	va_end(args);
	return -1;
}

/* ---- Values -------------------------------------------------------------------------------- */

static int parse_number(struct parser *p, const char *key, const char *text, double max,
			double *ret_value)
{
	char *end;
	double value;

	errno = 0;
	value = strtod(text, &end);
	if (end == text || *end != '\0' || errno != 0 || !isfinite(value))
		return refuse(p, "%s: '%s' is not a number", key, text);
	if (value < 0 || value > max)
		return refuse(p, "%s: %s is not between 0 and %g", key, text, max);
	*ret_value = value;
	return 0;
}

static int parse_ms(struct parser *p, const char *key, const char *text, uint64_t *ret_ns)
{
	double ms = 0;

	if (parse_number(p, key, text, MS_MAX, &ms) < 0)
		return -1;
	*ret_ns = (uint64_t)(ms * 1e6 + 0.5);
	return 0;
}

static int parse_rate(struct parser *p, const char *text, uint64_t *ret_bps)
{
	static const struct {
		const char *unit;
		double factor;
	} units[] = {{"bit", 1}, {"kbit", 1e3}, {"mbit", 1e6}, {"gbit", 1e9}};
	char *end;
	double value;

	if (strcmp(text, "0") == 0) {
		*ret_bps = 0;
		return 0;
	}
	errno = 0;
	value = strtod(text, &end);
	for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
		if (end == text || strcmp(end, units[i].unit) != 0)
			continue;
		value *= units[i].factor;
		if (errno != 0 || !(value >= 1000 && value <= 1e12))
			return refuse(p, "rate: %s is not between 1kbit and 1000gbit", text);
		*ret_bps = (uint64_t)value;
		return 0;
	}
	return refuse(p, "rate: '%s' is not 0 or a number with bit, kbit, mbit or gbit", text);
}

static int parse_param(struct parser *p, char *word, struct emu_params *params)
{
	char *value = strchr(word, '=');
	double number = 0;

	if (value == NULL)
		return refuse(p, "'%s' is not KEY=VALUE", word);
	*value++ = '\0';
	if (strcmp(word, "delay") == 0)
		return parse_ms(p, word, value, &params->delay_ns);
	if (strcmp(word, "jitter") == 0)
		return parse_ms(p, word, value, &params->jitter_ns);
	if (strcmp(word, "rate") == 0)
		return parse_rate(p, value, &params->rate_bps);
	if (strcmp(word, "loss") == 0) {
		if (parse_number(p, word, value, 100, &number) < 0)
			return -1;
		params->loss = number / 100;
		return 0;
	}
	if (strcmp(word, "queue") == 0) {
		if (parse_number(p, word, value, 1e6, &number) < 0)
			return -1;
		params->queue_max = (uint32_t)number;
		return 0;
	}
	if (strcmp(word, "up") == 0) {
		if (strcmp(value, "yes") != 0 && strcmp(value, "no") != 0)
			return refuse(p, "up: '%s' is not yes or no", value);
		params->up = value[0] == 'y';
		return 0;
	}
	return refuse(p, "'%s' is not one of delay jitter loss rate queue up", word);
}

static int need_port(struct parser *p, const char *name, struct emu_port **ret_port)
{
	*ret_port = emu_find_port(p->emu, name);
	return *ret_port != NULL ? 0 : refuse(p, "no port '%s'", name);
}

static int need_link(struct parser *p, const char *name, struct emu_link **ret_link)
{
	*ret_link = emu_find_link(p->emu, name);
	return *ret_link != NULL ? 0 : refuse(p, "no link '%s'", name);
}

static int check_name(struct parser *p, const char *name)
{
	if (strlen(name) >= EMU_NAME_SIZE || strcmp(name, "-") == 0)
		return refuse(p, "'%s' is no name (at most %d characters)", name,
			      EMU_NAME_SIZE - 1);
	return 0;
}

/* ---- Commands that stand alone ------------------------------------------------------------- */

static int cmd_port(struct parser *p, const struct words *w)
{
	if (check_name(p, w->word[1]) < 0)
		return -1;
	if (emu_find_port(p->emu, w->word[1]) != NULL)
		return refuse(p, "port '%s' exists", w->word[1]);
	return emu_add_port(p->emu, w->word[1], w->word[2], p->error);
}

static int cmd_link(struct parser *p, const struct words *w)
{
	struct emu_port *a, *b = NULL;
	struct emu_params params;

	emu_params_init(&params);
	if (check_name(p, w->word[1]) < 0 || need_port(p, w->word[2], &a) < 0)
		return -1;
	if (emu_find_link(p->emu, w->word[1]) != NULL)
		return refuse(p, "link '%s' exists", w->word[1]);
	if (strcmp(w->word[3], "-") != 0 && need_port(p, w->word[3], &b) < 0)
		return -1;
	for (unsigned i = 4; i < w->count; i++)
		if (parse_param(p, w->word[i], &params) < 0)
			return -1;
	return emu_add_link(p->emu, w->word[1], a, b, &params, p->error);
}

static int cmd_capture(struct parser *p, const struct words *w)
{
	struct emu_port *port;

	if (need_port(p, w->word[1], &port) < 0)
		return -1;
	return emu_capture(port, w->word[2], p->error);
}

static int cmd_stat(struct parser *p, const struct words *w)
{
	(void)w;
	emu_stat(p->emu, p->out);
	return 0;
}

static int cmd_sync(struct parser *p, const struct words *w)
{
	(void)w;
	return emu_sync(p->emu) < 0 ? refuse(p, "a capture file could not be written") : 0;
}

/* ---- Commands that may share a line -------------------------------------------------------- */

static struct step *step_new(struct parser *p, enum step_type type, const char *link)
{
	struct step *s = &p->step[p->n_steps];

	if (p->n_steps == STEPS_MAX) {
		refuse(p, "no more than %d commands in a line", STEPS_MAX);
		return NULL;
	}
	*s = (struct step){.type = type};
	if (need_link(p, link, &s->link) < 0)
		return NULL;
	for (unsigned i = 0; i < p->n_steps; i++) {
		if (p->step[i].link == s->link && p->step[i].type == type) {
			refuse(p, "link '%s' is named twice", link);
			return NULL;
		}
	}
	p->n_steps++;
	return s;
}

static int cmd_detach(struct parser *p, const struct words *w)
{
	return step_new(p, STEP_MOVE, w->word[1]) != NULL ? 0 : -1;
}

static int cmd_attach(struct parser *p, const struct words *w)
{
	struct step *s = step_new(p, STEP_MOVE, w->word[1]);

	if (s == NULL || need_port(p, w->word[2], &s->to) < 0)
		return -1;
	if (s->link->port[1] != NULL)
		return refuse(p, "link '%s' is attached to '%s'; use move", s->link->name,
			      s->link->port[1]->name);
	return 0;
}

static int cmd_move(struct parser *p, const struct words *w)
{
	struct step *s = step_new(p, STEP_MOVE, w->word[1]);

	if (s == NULL || need_port(p, w->word[2], &s->to) < 0)
		return -1;
	if (w->count < 4)
		return 0;
	if (strncmp(w->word[3], "down=", 5) != 0)
		return refuse(p, "'%s' is not down=MS", w->word[3]);
	return parse_ms(p, "down", w->word[3] + 5, &s->down_ns);
}

static int cmd_set(struct parser *p, const struct words *w)
{
	struct step *s = step_new(p, STEP_SET, w->word[1]);

	if (s == NULL)
		return -1;
	s->params = s->link->params;
	for (unsigned i = 2; i < w->count; i++)
		if (parse_param(p, w->word[i], &s->params) < 0)
			return -1;
	return 0;
}

/* Is @link's far end about to be released by this line? */
static bool releases(const struct parser *p, const struct emu_link *link)
{
	for (unsigned i = 0; i < p->n_steps; i++)
		if (p->step[i].type == STEP_MOVE && p->step[i].link == link)
			return true;
	return false;
}

/* A link between moves has a claim on the port that it goes to. */
static int check_target(struct parser *p, unsigned index)
{
	const struct step *s = &p->step[index];
	const struct emu_link *holder = s->to->link;

	if (s->to == s->link->port[0])
		return refuse(p, "link '%s' cannot lead back to its own port", s->link->name);
	if (holder != NULL && (!releases(p, holder) || s->to == holder->port[0]))
		return refuse(p, "port '%s' is on link '%s'", s->to->name, holder->name);
	for (unsigned i = 0; i < index; i++)
		if (p->step[i].type == STEP_MOVE && p->step[i].to == s->to)
			return refuse(p, "port '%s' is asked for twice", s->to->name);
	if (emu_is_claimed(p->emu, s->to))
		return refuse(p, "port '%s' is awaited by a link on the move", s->to->name);
	return 0;
}

static int check_steps(struct parser *p)
{
	for (unsigned i = 0; i < p->n_steps; i++) {
		const struct step *s = &p->step[i];

		if (s->type != STEP_MOVE)
			continue;
		if (s->link->move != EMU_MOVE_NONE)
			return refuse(p, "link '%s' is on the move", s->link->name);
		if (s->to != NULL && check_target(p, i) < 0)
			return -1;
	}
	return 0;
}

static void run_steps(struct parser *p)
{
	for (unsigned i = 0; i < p->n_steps; i++) {
		struct step *s = &p->step[i];

		if (s->type == STEP_SET)
			s->link->params = s->params;
		else
			emu_move(p->emu, s->link, s->to, s->down_ns);
	}
}

/* ---- Lines --------------------------------------------------------------------------------- */

static const struct command {
	const char *name;
	const char *usage;
	unsigned words_min, words_max;
	bool shares; /* may share a line */
	int (*run)(struct parser *p, const struct words *w);
} commands[] = {
	{"port", "port NAME INTERFACE", 3, 3, false, cmd_port},
	{"link", "link NAME PORT PORT|- [KEY=VALUE...]", 4, WORDS_MAX, false, cmd_link},
	{"capture", "capture PORT FILE", 3, 3, false, cmd_capture},
	{"stat", "stat", 1, 1, false, cmd_stat},
	{"sync", "sync", 1, 1, false, cmd_sync},
	{"attach", "attach LINK PORT", 3, 3, true, cmd_attach},
	{"detach", "detach LINK", 2, 2, true, cmd_detach},
	{"move", "move LINK PORT [down=MS]", 3, 4, true, cmd_move},
	{"set", "set LINK KEY=VALUE...", 3, WORDS_MAX, true, cmd_set},
};

static int split(struct parser *p, char *text, struct words *ret_words)
{
	char *rest = text;

	ret_words->count = 0;
	for (char *w = strtok_r(text, " \t\r\n", &rest); w != NULL;
	     w = strtok_r(NULL, " \t\r\n", &rest)) {
		if (ret_words->count == WORDS_MAX)
			return refuse(p, "no more than %d words in a command", WORDS_MAX);
		ret_words->word[ret_words->count++] = w;
	}
	return 0;
}

static int run_one(struct parser *p, char *text, bool alone)
{
	struct words w;

	if (split(p, text, &w) < 0)
		return -1;
	if (w.count == 0)
		return 0;
	for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++) {
		const struct command *c = &commands[i];

		if (strcmp(w.word[0], c->name) != 0)
			continue;
		if (w.count < c->words_min || w.count > c->words_max)
			return refuse(p, "usage: %s", c->usage);
		if (!c->shares && !alone)
			return refuse(p, "%s must stand alone in its line", c->name);
		return c->run(p, &w);
	}
	return refuse(p, "no command '%s'", w.word[0]);
}

static int run_line(struct parser *p, const char *line)
{
	char text[LINE_SIZE];
	char *rest = NULL;
	bool alone;

	if (strlen(line) >= sizeof(text))
		return refuse(p, "line too long (more than %d octets)", LINE_SIZE - 1);
	snprintf(text, sizeof(text), "%s", line);
	text[strcspn(text, "#")] = '\0';
	alone = strchr(text, ';') == NULL;
	for (char *one = strtok_r(text, ";", &rest); one != NULL; one = strtok_r(NULL, ";", &rest))
		if (run_one(p, one, alone) < 0)
			return -1;
	if (check_steps(p) < 0)
		return -1;
	run_steps(p);
	return 0;
}

int emu_command(struct emu *emu, const char *line, FILE *out)
{
	struct parser p = {.emu = emu, .out = out};
	struct timespec ts;

	clock_gettime(CLOCK_REALTIME, &ts);
	if (run_line(&p, line) < 0) {
		fprintf(out, "error: %s\n", p.error);
		return -1;
	}
	fprintf(out, "ok %jd.%06ld\n", (intmax_t)ts.tv_sec, ts.tv_nsec / 1000);
	return 0;
}
