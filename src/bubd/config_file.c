/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Reads the configuration file with libConfuse so that every value keeps its line number.
 *
 * libConfuse checks values while it parses and forgets where they stood.  Here every value is a
 * "pointer" option whose parse callback keeps text and line; all checking comes after parsing, in
 * config.c, when the whole file is known.
 *
 * Before libConfuse sees the text, comments are blanked out (libConfuse 3.3 counts a line too many
 * for each C comment) and what it would silently skip or misread is refused: stray characters,
 * strings that do not end on their line, backslashes, sections that are never closed.
 *
 * libConfuse compares the title of each new section with those of all that came before, which takes
 * a minute for 50,000 mobile nodes.  Sections of which there can be many are therefore taken out of
 * its hands as soon as they are parsed, and given back at the end.
 */
#include "config_file.h"

#include <ctype.h>
#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "regular.h"

#define DEPTH_MAX 8 /* the grammar needs four: home-agent, mobile-node, sa, a list */

/* A name that no file can contain (check_char() refuses it): its default value is parsed when a
 * section opens, which is the only moment at which libConfuse knows the line of that. */
#define LINE_MARK "\001"

/* Sections of one option that have been parsed. */
struct shelf {
	cfg_opt_t *opt; /* NULL: of none */
	cfg_value_t **values;
	unsigned n, cap;
};

/* libConfuse hands its functions no context of the caller's. */
static _Thread_local struct problems *current_problems;
static _Thread_local struct shelf shelf;

void problem(struct problems *p, int line, const char *fmt, ...)
{
	va_list ap;

	if (p->n++ >= PROBLEMS_MAX)
		return;
	if (line > 0)
		(void)fprintf(p->out, "%s:%d: ", p->path, line);
	else
		(void)fprintf(p->out, "%s: ", p->path);
	va_start(ap, fmt);
	(void)vfprintf(p->out, fmt, ap);
	va_end(ap);
	(void)fputc('\n', p->out);
}

/* ---- The grammar --------------------------------------------------------------------------- */

static int keep_value(cfg_t *cfg, cfg_opt_t *opt, const char *text, void *result)
{
	struct config_value *v = NULL;
	size_t size = strlen(text) + 1;

	/* def.number is of no use to a pointer option: it remembers the first line. */
	if (opt->nvalues == 1 && opt->def.number != 0) {
		cfg_error(cfg, "\"%s\" is given twice, first on line %ld; expected it once",
			  opt->name, opt->def.number);
		return -1;
	}
	v = malloc(sizeof(*v) + size);
	if (v == NULL)
		return -1;
	if (opt->def.number == 0)
		opt->def.number = cfg->line;
	v->line = cfg->line;
	memcpy(v->text, text, size);
	*(void **)result = v;
	return 0;
}

/* The value may be a key. */
static void free_value(void *value)
{
	struct config_value *v = value;

	if (v != NULL)
		explicit_bzero(v->text, strlen(v->text));
	free(v);
}

#define OPTION(name_, flags_, default_)                                                            \
	{                                                                                          \
		.name = (name_), .type = CFGT_PTR, .flags = (flags_),                              \
		.def = {.parsed = (default_)}, .parsecb = keep_value, .freecb = free_value         \
	}
#define VALUE(name_) OPTION(name_, CFGF_NODEFAULT, NULL)
#define LIST(name_) OPTION(name_, CFGF_NODEFAULT | CFGF_LIST, NULL)
#define SECTION(name_, options_) CFG_SEC(name_, options_, CFGF_MULTI)
#define TITLED(name_, options_)                                                                    \
	CFG_SEC(name_, options_, CFGF_MULTI | CFGF_TITLE | CFGF_NO_TITLE_DUPES)
/* The same where there may be many: who reads them sees to the titles. */
#define MANY(name_, options_) CFG_SEC(name_, options_, CFGF_MULTI | CFGF_TITLE)
#define END_OF_SECTION OPTION(LINE_MARK, CFGF_NONE, "x"), CFG_END()

/* libConfuse copies the tables, but does not take them as const: hence they are on the stack. */
static cfg_t *make_root(cfg_opt_t *interface, cfg_opt_t *mobile_node, cfg_opt_t *home_agent,
			cfg_opt_t *bub)
{
	cfg_opt_t peer[] = {VALUE("route-optimisation"), VALUE("bub"), END_OF_SECTION};
	cfg_opt_t limits[] = {VALUE("bindings"), VALUE("peers"), VALUE("clients"),
			      VALUE("memberships"), END_OF_SECTION};
	cfg_opt_t root[] = {VALUE("name"),
			    VALUE("tun"),
			    LIST("interfaces"),
			    VALUE("control"),
			    VALUE("event-log"),
			    VALUE("key-log"),
			    VALUE("state-dir"),
			    VALUE("log-level"),
			    VALUE("route-table"),
			    VALUE("rule-priority"),
			    VALUE("route-optimisation"),
			    VALUE("ack-correspondents"),
			    VALUE("accept-refresh-requests"),
			    VALUE("refresh-unused"),
			    VALUE("send-refresh-requests"),
			    VALUE("prefix-discovery"),
			    LIST("unprotected"),
			    TITLED("interface", interface),
			    SECTION("mobile-node", mobile_node),
			    SECTION("home-agent", home_agent),
			    SECTION("bub", bub),
			    MANY("peer", peer),
			    SECTION("limits", limits),
			    END_OF_SECTION};

	return cfg_init(root, CFGF_NONE);
}

static cfg_t *make_grammar(void)
{
	cfg_opt_t interface[] = {VALUE("preference"), VALUE("optimistic-dad"), END_OF_SECTION};
	cfg_opt_t sa[] = {
		VALUE("direction"),    VALUE("mode"),           LIST("covers"),
		VALUE("encryption"),   VALUE("encryption-key"), VALUE("encryption-key-file"),
		VALUE("integrity"),    VALUE("integrity-key"),  VALUE("integrity-key-file"),
		VALUE("replay-check"), END_OF_SECTION};
	cfg_opt_t mobile_node[] = {VALUE("home-address"),
				   VALUE("renumber"),
				   VALUE("home-agent"),
				   VALUE("secret-file"),
				   VALUE("lifetime"),
				   VALUE("first-timeout"),
				   VALUE("alternate-care-of"),
				   VALUE("link-local"),
				   VALUE("multicast"),
				   VALUE("protect-payload"),
				   VALUE("keep-alive"),
				   TITLED("sa", sa),
				   END_OF_SECTION};
	cfg_opt_t client[] = {VALUE("secret-file"), VALUE("renumber"), TITLED("sa", sa),
			      END_OF_SECTION};
	cfg_opt_t adverts[] = {
		VALUE("interval-max"), VALUE("interval-min"),    VALUE("interval-option"),
		VALUE("delay-min"),    VALUE("router-lifetime"), VALUE("agent-lifetime"),
		END_OF_SECTION};
	cfg_opt_t prefix[] = {VALUE("valid"), VALUE("preferred"), END_OF_SECTION};
	cfg_opt_t home_agent[] = {VALUE("address"),
				  VALUE("home-link"),
				  LIST("prefixes"),
				  VALUE("prefix-valid"),
				  VALUE("prefix-preferred"),
				  TITLED("prefix", prefix),
				  VALUE("managed-addresses"),
				  VALUE("other-configuration"),
				  VALUE("prefix-adverts"),
				  VALUE("prefix-advert-min"),
				  VALUE("prefix-advert-max"),
				  SECTION("router-adverts", adverts),
				  VALUE("preference"),
				  VALUE("lifetime-max"),
				  VALUE("refresh-advice"),
				  VALUE("backhaul"),
				  VALUE("alternate-care-of"),
				  VALUE("dad"),
				  VALUE("multicast"),
				  VALUE("protect-payload"),
				  MANY("mobile-node", client),
				  END_OF_SECTION};
	cfg_opt_t bub[] = {VALUE("policy"),
			   VALUE("direct-copy"),
			   VALUE("eager"),
			   VALUE("static-after"),
			   VALUE("static-correspondents"),
			   VALUE("check-care-of"),
			   VALUE("accept-encapsulated"),
			   VALUE("kabm-lifetime"),
			   VALUE("lifetime"),
			   LIST("suites"),
			   VALUE("mh-bubc"),
			   VALUE("mh-dh"),
			   VALUE("option"),
			   VALUE("option-path-cookie"),
			   END_OF_SECTION};

	return make_root(interface, mobile_node, home_agent, bub);
}

/* ---- What libConfuse has to say ------------------------------------------------------------ */

static void unknown_keyword(cfg_t *cfg, const char *name)
{
	char known[512] = "";
	size_t at = 0;

	for (const cfg_opt_t *o = cfg->opts; o->name != NULL; o++) {
		int n = 0;

		if (strcmp(o->name, LINE_MARK) == 0)
			continue;
		n = snprintf(known + at, sizeof(known) - at, "%s%s", at > 0 ? ", " : "", o->name);
		if (n < 0 || (size_t)n >= sizeof(known) - at)
			break;
		at += (size_t)n;
	}
	problem(current_problems, cfg->line, "unknown keyword \"%s\"; expected one of: %s", name,
		known);
}

/* libConfuse's own messages, known by their format, in the form of ours. */
__attribute__((format(printf, 2, 0))) static void on_parse_error(cfg_t *cfg, const char *fmt,
								 va_list ap)
{
	static const struct {
		const char *theirs; /* has %s when the name of something is passed */
		const char *ours;   /* follows that name in quotes */
	} texts[] = {
		{"missing equal sign after option '%s'", "has no value; expected \"=\" after it"},
		{"missing opening brace for section '%s'", "has no body; expected \"{\" after it"},
		{"missing title for section '%s'", "has no title; expected a name or an address"},
		{"found duplicate title '%s'", "has a section already; expected one"},
		{"attempt to append to non-list option '%s'", "takes one value; expected \"=\""},
		{"unexpected token '%s'", "stands where it cannot; expected a keyword or a value"},
		{"unexpected closing brace", "a \"}\" that closes nothing; expected a keyword"},
		{"premature end of file", "the file ends too early; expected a value or \"}\""},
	};
	char text[512] = "";

	if (strcmp(fmt, "no such option '%s'") == 0) {
		unknown_keyword(cfg, va_arg(ap, const char *));
		return;
	}
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		if (strcmp(fmt, texts[i].theirs) != 0)
			continue;
		/* The text ends with a newline, so its end is on the line after the last. */
		if (strcmp(fmt, "premature end of file") == 0)
			cfg->line--;
		if (strchr(fmt, '%') != NULL)
			problem(current_problems, cfg->line, "\"%s\" %s", va_arg(ap, const char *),
				texts[i].ours);
		else
			problem(current_problems, cfg->line, "%s", texts[i].ours);
		return;
	}
	(void)vsnprintf(text, sizeof(text), fmt, ap);
	problem(current_problems, cfg->line, "%s", text);
}

/* ---- Before libConfuse --------------------------------------------------------------------- */

struct scanner {
	struct problems *p;
	char *text;
	size_t len;
	size_t at;
	int line;
	int brace_line[DEPTH_MAX]; /* of each brace that is open */
	unsigned depth;
};

/* Blanks everything up to @end but newlines. */
static void blank_to(struct scanner *s, size_t end)
{
	for (; s->at < end; s->at++) {
		if (s->text[s->at] == '\n')
			s->line++;
		else
			s->text[s->at] = ' ';
	}
}

static void skip_line_comment(struct scanner *s)
{
	const char *end = memchr(s->text + s->at, '\n', s->len - s->at);

	blank_to(s, end == NULL ? s->len : (size_t)(end - s->text));
}

static bool skip_block_comment(struct scanner *s)
{
	const char *end = memmem(s->text + s->at + 2, s->len - s->at - 2, "*/", 2);

	if (end == NULL) {
		problem(s->p, s->line, "a comment that does not end; expected \"*/\"");
		return false;
	}
	blank_to(s, (size_t)(end - s->text) + 2);
	return true;
}

static bool skip_string(struct scanner *s)
{
	char quote = s->text[s->at];

	for (s->at++; s->at < s->len; s->at++) {
		char c = s->text[s->at];

		if (c == '\n')
			break;
		if (c == '\\') {
			problem(s->p, s->line, "a backslash in a string; expected plain text");
			return false;
		}
		if (c == '$' && quote == '"' && s->at + 1 < s->len && s->text[s->at + 1] == '{') {
			/* libConfuse would put a variable of the environment in. */
			problem(s->p, s->line, "a \"${\" in a string; expected plain text");
			return false;
		}
		if (c == quote) {
			s->at++;
			return true;
		}
	}
	problem(s->p, s->line, "a string that does not end on its line; expected a closing %c",
		quote);
	return false;
}

/* What may stand outside strings and comments: what libConfuse takes for words and marks. */
static bool check_char(struct scanner *s)
{
	unsigned char c = (unsigned char)s->text[s->at];

	if (c == '\n')
		s->line++;
	if (c == '{' && s->depth == DEPTH_MAX) {
		problem(s->p, s->line, "a \"{\" nested too deeply; expected at most %d", DEPTH_MAX);
		return false;
	}
	if (c == '{')
		s->brace_line[s->depth++] = s->line;
	else if (c == '}' && s->depth > 0) /* one too many is libConfuse's to say */
		s->depth--;
	if (isalnum(c) || isspace(c) || (c != '\0' && strchr("={}(),+-_.:/%@~", c) != NULL)) {
		s->at++;
		return true;
	}
	if (isprint(c))
		problem(s->p, s->line, "a stray \"%c\"; expected a keyword or a value", c);
	else
		problem(s->p, s->line, "octet 0x%02x; expected text", c);
	return false;
}

/* Blanks the comments of the text and refuses what libConfuse would pass over in silence. */
static bool prepare(struct problems *p, char *text, size_t len)
{
	struct scanner s = {.p = p, .text = text, .len = len, .line = 1};

	while (s.at < len) {
		char c = text[s.at];
		char next = s.at + 1 < len ? text[s.at + 1] : '\0';
		bool ok = true;

		if (c == '#' || (c == '/' && next == '/'))
			skip_line_comment(&s);
		else if (c == '/' && next == '*')
			ok = skip_block_comment(&s);
		else if (c == '"' || c == '\'')
			ok = skip_string(&s);
		else
			ok = check_char(&s);
		if (!ok)
			return false;
	}
	/* libConfuse takes the end of the file for the end of every section. */
	if (s.depth > 0)
		problem(p, s.brace_line[s.depth - 1], "a \"{\" that is not closed; expected \"}\"");
	return s.depth == 0;
}

/* ---- Reading ------------------------------------------------------------------------------- */

/* The text behind @fd with room for one octet more; @size is what to expect.  NULL after a
 * problem(). */
static char *read_text(struct problems *p, int fd, size_t size, size_t *ret_len)
{
	size_t cap = size + 2; /* and one to see its end */
	char *text = malloc(cap);
	size_t len = 0;

	while (text != NULL) {
		ssize_t n = read(fd, text + len, cap - 1 - len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0) {
			problem(p, 0, "cannot read it: %s; expected a configuration file",
				strerror(errno));
			free(text);
			return NULL;
		}
		if (n == 0) {
			*ret_len = len;
			return text;
		}
		len += (size_t)n;
		if (len == cap - 1) { /* somebody is writing to it */
			char *more = malloc(2 * cap);

			if (more != NULL)
				memcpy(more, text, len);
			explicit_bzero(text, len); /* may have keys in it */
			free(text);
			text = more;
			cap *= 2;
		}
	}
	problem(p, 0, "out of memory");
	return NULL;
}

/* As large as it is: each mobile node of a home agent is some 60 octets. */
static char *read_file(struct problems *p, size_t *ret_len)
{
	const char *why = NULL;
	struct stat st;
	int fd = regular_open(p->path, &st, &why);
	char *text = NULL;

	if (fd < 0) {
		problem(p, 0, "cannot open it: it %s", why);
		return NULL;
	}
	text = read_text(p, fd, (size_t)st.st_size, ret_len);
	(void)close(fd);
	return text;
}

/* ---- Sections of which there are many ------------------------------------------------------- */

/* Gives the option back what was taken from it. */
static void shelf_empty(void)
{
	if (shelf.opt != NULL) {
		free(shelf.opt->values);
		shelf.opt->values = shelf.values;
		shelf.opt->nvalues = shelf.n;
	}
	shelf = (struct shelf){0};
}

/* A section of @opt has been parsed: it is the last of those that libConfuse has of it. */
static int shelf_take(cfg_t *cfg, cfg_opt_t *opt)
{
	cfg_value_t **larger = NULL;

	(void)cfg;
	if (opt != shelf.opt) {
		shelf_empty();
		shelf = (struct shelf){opt, opt->values, opt->nvalues, opt->nvalues};
		opt->values = NULL;
		opt->nvalues = 0;
		return 0;
	}
	if (shelf.n == shelf.cap) {
		/* NOLINTNEXTLINE(bugprone-sizeof-expression): it is a table of pointers */
		larger = realloc(shelf.values, 2 * (size_t)shelf.cap * sizeof(*larger));
		if (larger == NULL)
			return -1;
		shelf.values = larger;
		shelf.cap *= 2;
	}
	shelf.values[shelf.n++] = opt->values[0];
	opt->nvalues = 0;
	return 0;
}

/* ---- Parsing ------------------------------------------------------------------------------- */

static cfg_t *parse_text(struct problems *p, char *text, size_t len)
{
	cfg_t *cfg = make_grammar();
	unsigned n_before = p->n;
	FILE *fp = NULL;
	int rc = CFG_PARSE_ERROR;

	if (cfg == NULL) {
		problem(p, 0, "out of memory");
		return NULL;
	}
	(void)cfg_set_error_function(cfg, on_parse_error);
	(void)cfg_set_validate_func(cfg, "peer", shelf_take);
	(void)cfg_set_validate_func(cfg, "home-agent|mobile-node", shelf_take);
	cfg->filename = strdup(p->path);
	fp = fmemopen(text, len, "r");
	if (cfg->filename != NULL && fp != NULL) {
		current_problems = p;
		rc = cfg_parse_fp(cfg, fp);
		shelf_empty();
		current_problems = NULL;
	}
	if (fp != NULL)
		(void)fclose(fp);
	if (rc == CFG_SUCCESS)
		return cfg;
	if (p->n == n_before) /* libConfuse fails without a word on an empty name */
		problem(p, cfg->line, "something that is no setting; expected a keyword");
	(void)cfg_free(cfg);
	return NULL;
}

cfg_t *config_file_parse(struct problems *p)
{
	size_t len = 0;
	char *text = read_file(p, &len);
	cfg_t *cfg = NULL;

	if (text == NULL)
		return NULL;
	/* fmemopen() knows no empty file, and messages count on a newline at the end. */
	if (len == 0 || text[len - 1] != '\n')
		text[len++] = '\n';
	if (prepare(p, text, len))
		cfg = parse_text(p, text, len);
	explicit_bzero(text, len);
	free(text);
	return cfg;
}

const struct config_value *config_file_value(cfg_t *sec, const char *name, unsigned index)
{
	return cfg_getnptr(sec, name, index);
}

bool config_file_is_set(cfg_t *sec, const char *name)
{
	return (cfg_getopt(sec, name)->flags & CFGF_MODIFIED) != 0;
}

int config_file_section_line(cfg_t *sec)
{
	const struct config_value *v = config_file_value(sec, LINE_MARK, 0);

	return v != NULL ? v->line : sec->line;
}

static void write_text(FILE *out, cfg_opt_t *opt,
		       bool (*skip)(const char *section, const char *name))
{
	(void)fprintf(out, "%s\n", opt->name);
	for (unsigned i = 0; i < cfg_opt_size(opt); i++) {
		cfg_t *sec = NULL;

		if (opt->type != CFGT_SEC) {
			const struct config_value *v = cfg_opt_getnptr(opt, i);

			(void)fprintf(out, "= %s\n", v->text);
			continue;
		}
		sec = cfg_opt_getnsec(opt, i);
		(void)fprintf(out, "{ %s\n", sec->title != NULL ? sec->title : "");
		for (cfg_opt_t *o = sec->opts; o->name != NULL; o++)
			if (cfg_opt_size(o) > 0 && !skip(opt->name, o->name))
				write_text(out, o, skip);
		(void)fputs("}\n", out);
	}
}

char *config_file_text(cfg_opt_t *opt, bool (*skip)(const char *section, const char *name))
{
	char *text = NULL;
	size_t len = 0;
	FILE *out = open_memstream(&text, &len);

	if (out == NULL)
		return NULL;
	write_text(out, opt, skip);
	(void)fclose(out);
	return text;
}
