/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * `bubctl doctor`: looks for what keeps bubd from working, whether it runs or not.  Owns the list
 * of findings, their printing and the exit status: 0 no fault, 1 a fault, 2 wrong usage.
 */
#include "doctor.h"

#include <getopt.h>
#include <string.h>
#include <unistd.h>

#define DEFAULT_CONFIG "/etc/bub/bubd.conf"

enum {
	DOCTOR_EXIT_WELL = 0,
	DOCTOR_EXIT_FAULT = 1,
	DOCTOR_EXIT_USAGE = 2,
};

/* ---- Printing ------------------------------------------------------------------------------ */

static size_t print_findings(FILE *out, const json_t *findings, enum doctor_severity severity)
{
	const json_t *f = NULL;
	size_t i = 0, n = 0;

	json_array_foreach(findings, i, f)
	{
		if (strcmp(doctor_text(f, "severity"), doctor_severity_name(severity)) != 0)
			continue;
		(void)fprintf(out, "%-8s %s\n", doctor_severity_name(severity),
			      doctor_text(f, "what"));
		if (doctor_text(f, "why")[0] != '\0')
			(void)fprintf(out, "         %s\n", doctor_text(f, "why"));
		if (doctor_text(f, "mend")[0] != '\0')
			(void)fprintf(out, "         # %s\n", doctor_text(f, "mend"));
		n++;
	}
	return n;
}

static size_t count_findings(const json_t *findings, enum doctor_severity severity)
{
	const json_t *f = NULL;
	size_t i = 0, n = 0;

	json_array_foreach(findings, i, f)
	{
		n += strcmp(doctor_text(f, "severity"), doctor_severity_name(severity)) == 0;
	}
	return n;
}

static void print_report(FILE *out, const struct doctor *d, bool as_json)
{
	size_t n[DOCTOR_FAULT + 1];

	for (int s = DOCTOR_OK; s <= DOCTOR_FAULT; s++)
		n[s] = count_findings(d->findings, (enum doctor_severity)s);
	if (as_json) {
		json_t *all = json_pack("{s:b, s:I, s:I, s:I, s:O}", "running", d->show != NULL,
					"faults", (json_int_t)n[DOCTOR_FAULT], "warnings",
					(json_int_t)n[DOCTOR_WARNING], "notes",
					(json_int_t)n[DOCTOR_NOTE], "findings", d->findings);

		(void)json_dumpf(all, out, JSON_INDENT(2));
		(void)fputc('\n', out);
		json_decref(all);
		return;
	}
	/* The worst comes last: it is what stays on the screen. */
	for (int s = DOCTOR_OK; s <= DOCTOR_FAULT; s++)
		(void)print_findings(out, d->findings, (enum doctor_severity)s);
	(void)fprintf(out, "%zu fault%s, %zu warning%s, %zu note%s\n", n[DOCTOR_FAULT],
		      n[DOCTOR_FAULT] == 1 ? "" : "s", n[DOCTOR_WARNING],
		      n[DOCTOR_WARNING] == 1 ? "" : "s", n[DOCTOR_NOTE],
		      n[DOCTOR_NOTE] == 1 ? "" : "s");
}

/* ---- The command --------------------------------------------------------------------------- */

static int doctor_usage(FILE *out, int status)
{
	(void)fputs("usage: bubctl [-s SOCKET] doctor [-c FILE] [--json]\n"
		    "Says what keeps bubd from working, why that matters, and what mends it.\n"
		    "  -c FILE  the configuration of bubd (" DEFAULT_CONFIG ")\n"
		    "  --json   as JSON\n",
		    out);
	return status;
}

static void examine(struct doctor *d)
{
	doctor_check_config(d);
	doctor_check_running(d);
	doctor_check_system(d);
	doctor_check_esp(d);
	doctor_check_links(d);
	doctor_check_routes(d);
	doctor_check_firewall(d);
	doctor_check_path(d);
	doctor_check_registration(d);
}

int ctl_doctor(int argc, char **argv, const char *socket)
{
	static const struct option longs[] = {
		{"json", no_argument, NULL, 'j'},
		{"help", no_argument, NULL, 'h'},
		{NULL, 0, NULL, 0},
	};
	struct doctor d = {.config_path = DEFAULT_CONFIG, .socket = socket};
	bool as_json = false;
	int opt = 0, status = 0;

	optind = 0; /* another line than that of bubctl itself */
	while ((opt = getopt_long(argc, argv, "c:h", longs, NULL)) != -1) {
		if (opt == 'c')
			d.config_path = optarg;
		else if (opt == 'j')
			as_json = true;
		else if (opt == 'h')
			return doctor_usage(stdout, DOCTOR_EXIT_WELL);
		else
			return doctor_usage(stderr, DOCTOR_EXIT_USAGE);
	}
	if (optind != argc)
		return doctor_usage(stderr, DOCTOR_EXIT_USAGE);
	d.root = geteuid() == 0;
	d.findings = json_array();
	examine(&d);
	print_report(stdout, &d, as_json);
	status =
		count_findings(d.findings, DOCTOR_FAULT) > 0 ? DOCTOR_EXIT_FAULT : DOCTOR_EXIT_WELL;
	json_decref(d.findings);
	json_decref(d.config);
	json_decref(d.show);
	return status;
}
