/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Checks of what bubd is told: its configuration, which bubd itself reads, the secrets and the
 * folders that it names.
 */
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "doctor.h"
#include "program.h"

#define FINGERPRINTS_MAX 16 /* a home agent may have thousands of mobile nodes */

/* The quoted path in front of @words; NULL: it is not there.  Free it. */
static char *path_before(const char *line, const char *words)
{
	const char *end = strstr(line, words), *begin = end;

	if (end == NULL)
		return NULL;
	while (begin > line && begin[-1] != '"')
		begin--;
	return begin > line ? strndup(begin, (size_t)(end - begin)) : NULL;
}

/* What mends the mistake that @line tells of. */
static json_t *config_mend(const struct doctor *d, const char *line)
{
	const size_t len = strlen(d->config_path);
	char *open = path_before(line, "\" is open to other users");
	char *missing = path_before(line, "\" does not exist");
	json_t *mend = NULL;
	long number = 0;

	if (strncmp(line, d->config_path, len) == 0 && line[len] == ':')
		number = strtol(line + len + 1, NULL, 10);
	if (open != NULL)
		mend = json_sprintf("chmod 600 %s", open);
	else if (missing != NULL && strstr(line, "secret-file") != NULL)
		mend = json_sprintf("bubctl genkey %s", missing);
	else if (number > 0)
		mend = json_sprintf("editor +%ld %s", number, d->config_path);
	free(open);
	free(missing);
	return mend;
}

static void add_mistakes(struct doctor *d, char *messages)
{
	char *rest = NULL;

	for (char *line = strtok_r(messages, "\n", &rest); line != NULL;
	     line = strtok_r(NULL, "\n", &rest))
		doctor_add(d, DOCTOR_FAULT, "configuration", json_string(line),
			   strstr(line, "secret-file") != NULL
				   ? "bubd does not start; the other end needs the same secret"
				   : "bubd does not start with a configuration that has mistakes",
			   config_mend(d, line));
}

static void read_config(struct doctor *d)
{
	const char *const argv[] = {"bubd", "-j", "-c", d->config_path, NULL};
	struct program_result r;

	program_run(argv, &r);
	if (!r.found)
		doctor_add(d, DOCTOR_WARNING, "configuration",
			   json_string("there is no program bubd to read the configuration"),
			   "neither is it looked at, nor what depends on it", NULL);
	else if (r.status != 0)
		add_mistakes(d, r.error);
	else
		d->config = json_loads(r.out, 0, NULL);
	program_free(&r);
	if (d->config != NULL)
		doctor_add(d, DOCTOR_OK, "configuration",
			   json_sprintf("%s has no mistakes", d->config_path), NULL, NULL);
}

/* ---- Secrets ------------------------------------------------------------------------------- */

static void add_fingerprints(struct doctor *d, const json_t *pairs)
{
	const json_t *p = NULL;
	size_t i = 0;

	json_array_foreach(pairs, i, p)
	{
		const char *print = doctor_text(p, "fingerprint");

		if (i == FINGERPRINTS_MAX)
			break;
		if (print[0] != '\0')
			doctor_add(
				d, DOCTOR_NOTE, "secret",
				json_sprintf("the secret of %s has the fingerprint %s",
					     doctor_text(p, "address"), print),
				"`bubctl doctor` shows the same fingerprint at the other end; else "
				"the secrets differ",
				NULL);
	}
}

/* ---- The state folder ---------------------------------------------------------------------- */

#define ROOM_MIN (UINT64_C(1) << 20)

static void check_room(struct doctor *d, const char *path)
{
	struct statvfs fs;

	if (statvfs(path, &fs) != 0 || (uint64_t)fs.f_bavail * fs.f_frsize >= ROOM_MIN)
		return;
	doctor_add(
		d, DOCTOR_FAULT, "state-dir",
		json_sprintf("the disk of state-dir %s is full", path),
		"a home agent refuses registrations then (130), ESP stops after a while, and bubd "
		"may not start",
		json_sprintf("df -h %s", path));
}

static void check_state_dir(struct doctor *d)
{
	const char *path = doctor_text(d->config, "state_dir");
	static const char why[] =
		"without it bubd does not start: numbers of ESP packets must not come twice";
	struct stat st;

	if (stat(path, &st) != 0)
		return; /* bubd makes it */
	check_room(d, path);
	if (!S_ISDIR(st.st_mode))
		doctor_add(d, DOCTOR_FAULT, "state-dir",
			   json_sprintf("state-dir %s is no folder", path), why,
			   json_sprintf("mv %s %s.old", path, path));
	else if (access(path, W_OK) != 0 && errno == EROFS)
		doctor_add(d, DOCTOR_FAULT, "state-dir",
			   json_sprintf("state-dir %s is on a file system that is read-only", path),
			   why, json_sprintf("mount -o remount,rw $(stat -c %%m %s)", path));
	else if (d->root && st.st_uid != 0)
		doctor_add(
			d, DOCTOR_WARNING, "state-dir",
			json_sprintf("state-dir %s belongs to user %u", path, (unsigned)st.st_uid),
			"bubd gives up the right to write into folders of others",
			json_sprintf("chown root: %s", path));
}

void doctor_check_config(struct doctor *d)
{
	if (access(d->config_path, F_OK) != 0 && errno != EACCES) {
		doctor_add(d, DOCTOR_FAULT, "configuration",
			   json_sprintf("there is no configuration %s", d->config_path),
			   "bubd does not start without one",
			   json_sprintf("bubctl init mobile-node -c %s", d->config_path));
		return;
	}
	if (!d->root && access(d->config_path, R_OK) != 0) {
		doctor_add(d, DOCTOR_NOTE, "configuration",
			   json_sprintf("%s cannot be read by this user", d->config_path),
			   "neither is it looked at, nor what depends on it",
			   json_sprintf("sudo bubctl doctor -c %s", d->config_path));
		return;
	}
	read_config(d);
	if (d->config == NULL)
		return;
	d->is_mobile = json_array_size(json_object_get(d->config, "homes")) > 0;
	d->is_agent = json_is_object(json_object_get(d->config, "home_agent"));
	add_fingerprints(d, json_object_get(d->config, "homes"));
	add_fingerprints(d, json_object_get(json_object_get(d->config, "home_agent"), "clients"));
	check_state_dir(d);
	if (json_is_true(json_object_get(d->config, "unprotected")))
		doctor_add(
			d, DOCTOR_WARNING, "configuration",
			json_string("`unprotected` sends signalling without IPsec"),
			"whoever can send a packet to the home agent can take a home address over",
			NULL);
}
