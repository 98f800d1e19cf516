/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What all checks of `bubctl doctor` use: the list of findings, and how files, sysctls and other
 * programs are asked.
 */
#include <stdlib.h>
#include <string.h>

#include "doctor.h"
#include "program.h"

static const char *const severities[] = {
	[DOCTOR_OK] = "ok",
	[DOCTOR_NOTE] = "note",
	[DOCTOR_WARNING] = "warning",
	[DOCTOR_FAULT] = "fault",
};

const char *doctor_severity_name(enum doctor_severity severity)
{
	return severities[severity];
}

void doctor_add(struct doctor *d, enum doctor_severity severity, const char *check, json_t *what,
		const char *why, json_t *mend)
{
	json_t *f = json_pack("{s:s, s:s, s:o, s:s?, s:o}", "check", check, "severity",
			      severities[severity], "what", what, "why", why, "mend",
			      mend != NULL ? mend : json_null());

	(void)json_array_append_new(d->findings, f);
}

const char *doctor_text(const json_t *object, const char *name)
{
	const char *text = json_string_value(json_object_get(object, name));

	return text != NULL ? text : "";
}

const char *doctor_line(const char *path)
{
	static char line[256];
	FILE *in = fopen(path, "re");
	bool got = in != NULL && fgets(line, sizeof(line), in) != NULL;

	if (in != NULL)
		(void)fclose(in);
	if (got)
		line[strcspn(line, "\n")] = '\0';
	return got ? line : NULL;
}

long doctor_sysctl(const char *name, long or_else)
{
	char path[PATH_MAX];
	const char *line = NULL;

	(void)snprintf(path, sizeof(path), "/proc/sys/net/ipv6/%s", name);
	line = doctor_line(path);
	return line != NULL ? strtol(line, NULL, 10) : or_else;
}

json_t *doctor_json(const char *const argv[])
{
	struct program_result r;
	json_t *said = NULL;

	program_run(argv, &r);
	if (r.found && r.status == 0)
		said = json_loads(r.out[0] != '\0' ? r.out : "[]", 0, NULL);
	program_free(&r);
	return said;
}

json_t *doctor_interfaces(const struct doctor *d)
{
	const char *const argv[] = {"ip", "-j", "link", "show", NULL};
	const char *tun = doctor_text(d->config, "tun");
	json_t *names = json_array(), *links = NULL;
	const json_t *one = NULL;
	size_t i = 0;

	(void)json_array_extend(names, json_object_get(d->config, "interfaces"));
	if (json_array_size(names) == 0) {
		links = doctor_json(argv);
		json_array_foreach(links, i, one)
		{
			const char *name = doctor_text(one, "ifname");

			if (strcmp(name, "lo") != 0 && strcmp(name, tun) != 0)
				(void)json_array_append_new(names, json_string(name));
		}
		json_decref(links);
	}
	(void)json_array_extend(names, json_object_get(d->config, "listen_interfaces"));
	return names;
}
