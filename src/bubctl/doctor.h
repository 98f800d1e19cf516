/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * `bubctl doctor`: what its checks know and where they put what they find.
 */
#ifndef BUBCTL_DOCTOR_H
#define BUBCTL_DOCTOR_H

#include <jansson.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>

enum doctor_severity {
	DOCTOR_OK,
	DOCTOR_NOTE,
	DOCTOR_WARNING,
	DOCTOR_FAULT,
};

struct doctor {
	const char *config_path;
	const char *socket; /* where bubd was asked, or would be */
	json_t *config;     /* as `bubd -j` prints it; NULL: there is none, or it has mistakes */
	json_t *show;       /* the running bubd's answer; NULL: none */
	json_t *findings;   /* the array that is printed with --json */
	bool root;
	bool is_mobile, is_agent;
};

/* As it is printed. */
const char *doctor_severity_name(enum doctor_severity severity);

/*
 * Adds a finding.  @check names the check; @what has been seen; @why that matters, NULL where it
 * goes without saying; @mend is the command that mends it, NULL where none does.  @what and @mend
 * are taken over: see json_sprintf().
 */
void doctor_add(struct doctor *d, enum doctor_severity severity, const char *check, json_t *what,
		const char *why, json_t *mend);

/* The value of a member that is text; "" where it is not. */
const char *doctor_text(const json_t *object, const char *name);

/* The first line of a file, at most 255 characters; NULL where it cannot be read.  The next call
 * writes over it. */
const char *doctor_line(const char *path);

/* One of net.ipv6, with slashes: its number, or @or_else where there is none. */
long doctor_sysctl(const char *name, long or_else);

/* What a program says as JSON, to be released.  NULL: it is not there, or fails. */
json_t *doctor_json(const char *const argv[]);

/* The interfaces that bubd uses: those of the configuration, else every one but the loopback and
 * its own.  A new array of names. */
json_t *doctor_interfaces(const struct doctor *d);

/* The checks, in the order in which they are made. */
void doctor_check_config(struct doctor *d);
void doctor_check_running(struct doctor *d);
void doctor_check_system(struct doctor *d);
void doctor_check_esp(struct doctor *d);
void doctor_check_links(struct doctor *d);
void doctor_check_routes(struct doctor *d);
void doctor_check_firewall(struct doctor *d);
void doctor_check_path(struct doctor *d);
void doctor_check_registration(struct doctor *d);

/* The command; returns the exit status. */
int ctl_doctor(int argc, char **argv, const char *socket);

#endif
