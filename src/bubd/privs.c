/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the process may do, and what may be taken from it.
 *
 * No core: it would have the keys in it, on a disk.  RLIMIT_CORE alone does not do, as the kernel
 * hands a core to a program (core_pattern with a pipe) whatever the limit is.
 *
 * Capabilities of the running daemon.  It starts as root: sockets, the TUN interface and the BPF
 * programs need more than keeping them does.  Afterwards stays
 *
 *   CAP_NET_ADMIN  addresses, routes and rules change with every movement, and are taken back at
 *                  the end
 *   CAP_NET_RAW    packet sockets on interfaces that appear later
 *   CAP_BPF        kernels before 5.19 only: with kernel.unprivileged_bpf_disabled they refuse
 *                  every use of bpf(), even of a map that is open
 *
 * The process stays user 0, so files of root that need no capability remain its own.
 */
#include "privs.h"

#include <errno.h>
#include <linux/capability.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <unistd.h>

int privs_no_core(void)
{
	const struct rlimit none = {0, 0};

	if (setrlimit(RLIMIT_CORE, &none) != 0 || prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0)
		return -errno;
	return 0;
}

static bool kernel_older_than(unsigned major, unsigned minor)
{
	struct utsname name;
	char *end = NULL;
	unsigned long have_major = 0;
	unsigned long have_minor = 0;

	if (uname(&name) != 0)
		return true; /* keep more rather than break */
	have_major = strtoul(name.release, &end, 10);
	if (*end != '.')
		return true;
	have_minor = strtoul(end + 1, NULL, 10);
	return have_major < major || (have_major == major && have_minor < minor);
}

static unsigned long long capability_bit(unsigned cap)
{
	return 1ULL << cap;
}

static unsigned long long privs_wanted(void)
{
	unsigned long long keep = capability_bit(CAP_NET_ADMIN) | capability_bit(CAP_NET_RAW);

	if (kernel_older_than(5, 19))
		keep |= capability_bit(CAP_BPF);
	return keep;
}

int privs_drop(void)
{
	struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3];
	unsigned long long keep = privs_wanted();

	/* Ambient and bounding sets first: changing them takes CAP_SETPCAP. */
	if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) != 0)
		return -errno;
	for (unsigned cap = 0; cap < 64 && prctl(PR_CAPBSET_READ, cap, 0, 0, 0) >= 0; cap++)
		if ((keep & capability_bit(cap)) == 0 &&
		    prctl(PR_CAPBSET_DROP, cap, 0, 0, 0) != 0 && errno != EPERM)
			return -errno; /* EPERM: started without CAP_SETPCAP; it has less anyway */
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
		return -errno;
	if (syscall(SYS_capget, &header, data) != 0)
		return -errno;
	for (unsigned i = 0; i < _LINUX_CAPABILITY_U32S_3; i++) {
		data[i].permitted &= (__u32)(keep >> (32 * i));
		data[i].effective = data[i].permitted;
		data[i].inheritable = 0;
	}
	if (syscall(SYS_capset, &header, data) != 0)
		return -errno;
	return 0;
}
