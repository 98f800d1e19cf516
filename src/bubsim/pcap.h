/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The capture of a run.
 */
#ifndef BUBSIM_PCAP_H
#define BUBSIM_PCAP_H

#include <stdio.h>

#include "world.h"

/* NULL: the file cannot be written. */
FILE *pcap_open(const char *path);

/* Appends a packet that leaves a node at @at_ns of the world's clock. */
void pcap_write(FILE *f, uint64_t at_ns, const struct flight *flight);

#endif
