/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Capture files: classic pcap (not pcapng), Ethernet, microseconds, in the byte order of the
 * machine, which every reader tells by the magic number.
 *
 * Writing is buffered, and a full disk must not stop the frames: the first failure is remembered
 * and reported by flush and close.
 */
#include "emu.h"

#include <errno.h>
#include <stdlib.h>

#define PCAP_MAGIC_USEC 0xa1b2c3d4u
#define PCAP_LINKTYPE_ETHERNET 1u
#define PCAP_SNAPLEN 262144u

struct emu_pcap {
	FILE *file;
	uint64_t last_usec;
	bool failed;
};

struct file_header {
	uint32_t magic;
	uint16_t version_major, version_minor;
	uint32_t zone, sigfigs;
	uint32_t snaplen;
	uint32_t linktype;
};

struct record_header {
	uint32_t sec, usec;
	uint32_t captured, length;
};

int emu_pcap_open(const char *path, struct emu_pcap **ret_pcap)
{
	const struct file_header head = {
		.magic = PCAP_MAGIC_USEC,
		.version_major = 2,
		.version_minor = 4,
		.snaplen = PCAP_SNAPLEN,
		.linktype = PCAP_LINKTYPE_ETHERNET,
	};
	struct emu_pcap *pcap = calloc(1, sizeof(*pcap));
	int err;

	if (pcap == NULL)
		return -ENOMEM;
	pcap->file = fopen(path, "we");
	if (pcap->file == NULL) {
		err = -errno;
		free(pcap);
		return err;
	}
	if (fwrite(&head, sizeof(head), 1, pcap->file) != 1)
		pcap->failed = true;
	*ret_pcap = pcap;
	return emu_pcap_flush(pcap);
}

void emu_pcap_write(struct emu_pcap *pcap, uint64_t real_ns, const uint8_t *frame, size_t len)
{
	uint64_t usec = real_ns / 1000;
	struct record_header head;

	if (usec < pcap->last_usec)
		usec = pcap->last_usec;
	pcap->last_usec = usec;
	head.sec = (uint32_t)(usec / 1000000);
	head.usec = (uint32_t)(usec % 1000000);
	head.captured = (uint32_t)len;
	head.length = (uint32_t)len;
	if (fwrite(&head, sizeof(head), 1, pcap->file) != 1 ||
	    fwrite(frame, 1, len, pcap->file) != len)
		pcap->failed = true;
}

int emu_pcap_flush(struct emu_pcap *pcap)
{
	if (fflush(pcap->file) != 0)
		pcap->failed = true;
	return pcap->failed ? -EIO : 0;
}

int emu_pcap_close(struct emu_pcap *pcap)
{
	bool failed;

	if (pcap == NULL)
		return 0;
	failed = pcap->failed;
	if (fclose(pcap->file) != 0)
		failed = true;
	free(pcap);
	return failed ? -EIO : 0;
}
