/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Checks of the machine: kernel, privileges, BPF, TUN, the clock, and IPv6 as a whole.
 */
#include <bpf/libbpf.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>

#include "doctor.h"

#define KERNEL_MAJOR 5
#define KERNEL_MINOR 8
#define CLOCK_SANE_FROM 1700000000 /* 2023 */
#define CLOCK_SANE_TO 4102444800   /* 2100 */

static void check_kernel(struct doctor *d)
{
	struct utsname name = {0};
	char *end = NULL;
	unsigned long major = 0, minor = 0;

	(void)uname(&name);
	major = strtoul(name.release, &end, 10);
	if (*end == '.')
		minor = strtoul(end + 1, NULL, 10);
	if (major > KERNEL_MAJOR || (major == KERNEL_MAJOR && minor >= KERNEL_MINOR))
		doctor_add(d, DOCTOR_OK, "kernel", json_sprintf("Linux %s", name.release), NULL,
			   NULL);
	else
		doctor_add(d, DOCTOR_FAULT, "kernel",
			   json_sprintf("Linux %s is older than 5.8", name.release),
			   "its BPF cannot carry data on the direct path", NULL);
}

/* Of this process, which says nothing of a bubd that another user starts. */
static void check_privileges(struct doctor *d)
{
	static const struct {
		unsigned bit;
		const char *name;
	} needed[] = {{CAP_NET_ADMIN, "CAP_NET_ADMIN"},
		      {CAP_NET_RAW, "CAP_NET_RAW"},
		      {CAP_BPF, "CAP_BPF"},
		      {CAP_PERFMON, "CAP_PERFMON"}};
	FILE *in = fopen("/proc/self/status", "re");
	char line[256], missing[128] = "";
	unsigned long long have = ~0ULL;

	while (in != NULL && fgets(line, sizeof(line), in) != NULL)
		if (strncmp(line, "CapEff:", 7) == 0)
			have = strtoull(line + 7, NULL, 16);
	if (in != NULL)
		(void)fclose(in);
	for (size_t i = 0; i < sizeof(needed) / sizeof(needed[0]); i++)
		if ((have >> needed[i].bit & 1) == 0 && strlen(missing) + 32 < sizeof(missing))
			(void)snprintf(missing + strlen(missing), 32, " %s", needed[i].name);
	if (!d->root)
		doctor_add(d, DOCTOR_NOTE, "privileges",
			   json_string("run by a user who is not root"),
			   "not known so: packet filter, BPF, what the home agent answers",
			   json_string("sudo bubctl doctor"));
	else if (missing[0] != '\0')
		doctor_add(d, DOCTOR_FAULT, "privileges", json_sprintf("root lacks%s", missing),
			   "bubd needs them to start; a container or a unit has taken them away",
			   NULL);
	else
		doctor_add(d, DOCTOR_OK, "privileges", json_string("root, with what bubd needs"),
			   NULL, NULL);
}

static void check_bpf(struct doctor *d)
{
	int can = d->root ? libbpf_probe_bpf_prog_type(BPF_PROG_TYPE_SCHED_CLS, NULL) : 1;

	if (can == 1 && d->root)
		doctor_add(d, DOCTOR_OK, "bpf", json_string("BPF programs can be loaded"), NULL,
			   NULL);
	else if (can != 1)
		doctor_add(d, DOCTOR_FAULT, "bpf",
			   json_sprintf("BPF programs cannot be loaded: %s",
					can == 0 ? "the kernel has none for tc" : strerror(-can)),
			   "they carry data on the direct path, and bubd does not start without "
			   "them; in a container, give CAP_BPF and CAP_PERFMON",
			   NULL);
}

static void check_tun(struct doctor *d)
{
	int fd = open("/dev/net/tun", O_RDWR | O_CLOEXEC);
	int err = errno;

	if (fd >= 0) {
		(void)close(fd);
		doctor_add(d, DOCTOR_OK, "tun", json_string("/dev/net/tun can be opened"), NULL,
			   NULL);
	} else if (d->root) {
		doctor_add(d, DOCTOR_FAULT, "tun",
			   json_sprintf("/dev/net/tun cannot be opened: %s", strerror(err)),
			   "home addresses live on bubd's TUN interface; in a container, pass the "
			   "device in",
			   json_string(err == ENOENT ? "modprobe tun && { test -e /dev/net/tun || "
						       "mknod -m 666 /dev/net/tun c 10 200; }"
						     : "modprobe tun"));
	}
}

static void check_clock(struct doctor *d)
{
	time_t now = time(NULL);

	if (now < CLOCK_SANE_FROM || now > CLOCK_SANE_TO)
		doctor_add(
			d, DOCTOR_NOTE, "clock",
			json_sprintf("the clock is far off: %lld s since 1970", (long long)now),
			"bub works all the same, as its secrets have no dates; times in logs are "
			"wrong",
			json_string("timedatectl set-ntp true"));
}

static void check_ipv6(struct doctor *d)
{
	if (doctor_sysctl("conf/all/disable_ipv6", -1) == 0)
		return;
	doctor_add(d, DOCTOR_FAULT, "ipv6",
		   json_string(access("/proc/sys/net/ipv6", F_OK) == 0
				       ? "IPv6 is switched off: net.ipv6.conf.all.disable_ipv6 is 1"
				       : "the kernel has no IPv6 (ipv6.disable=1?)"),
		   "bub is IPv6 only: no care-of address will come",
		   access("/proc/sys/net/ipv6", F_OK) == 0
			   ? json_string("sysctl -w net.ipv6.conf.all.disable_ipv6=0")
			   : NULL);
}

static void check_forwarding(struct doctor *d)
{
	const char *tun = doctor_text(d->config, "tun");
	char name[64];

	if (!d->is_agent)
		return;
	if (doctor_sysctl("conf/all/forwarding", 0) != 1) {
		doctor_add(d, DOCTOR_FAULT, "forwarding",
			   json_string("this home agent does not forward: "
				       "net.ipv6.conf.all.forwarding is 0"),
			   "it passes on what its mobile nodes send and get; bubd does not make a "
			   "router of this machine by itself",
			   json_string("sysctl -w net.ipv6.conf.all.forwarding=1"));
		return;
	}
	(void)snprintf(name, sizeof(name), "conf/%.20s/forwarding", tun);
	if (doctor_sysctl(name, 1) != 1)
		doctor_add(d, DOCTOR_FAULT, "forwarding",
			   json_sprintf("net.ipv6.conf.%s.forwarding is 0", tun),
			   "what mobile nodes send through the tunnel is not passed on",
			   json_sprintf("sysctl -w net.ipv6.conf.%s.forwarding=1", tun));
	else
		doctor_add(d, DOCTOR_OK, "forwarding", json_string("this home agent forwards"),
			   NULL, NULL);
}

void doctor_check_system(struct doctor *d)
{
	(void)libbpf_set_print(NULL); /* findings say what there is to say */
	check_kernel(d);
	check_privileges(d);
	check_bpf(d);
	check_tun(d);
	check_clock(d);
	check_ipv6(d);
	check_forwarding(d);
}
