#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""The key log against tshark: with it, tshark reads a packet of every algorithm that it knows and
finds the ICV good; without it, of none.

usage: test_keylog.py KEYLOG_PACKETS; 77 without tshark or dpkt
"""

import os
import shutil
import subprocess
import sys
import tempfile

try:
    import dpkt
except ImportError:
    print("SKIP: no dpkt")
    sys.exit(77)


def write_pcap(path, packets):
    with open(path, "wb") as f:
        writer = dpkt.pcap.Writer(f, snaplen=65535, linktype=dpkt.pcap.DLT_IPV6)
        for packet in packets:
            writer.writepkt(packet, 0)


def read(config, pcap, *options):
    """A tuple for each packet: SPI, whether the ICV is good, UDP port, UDP data."""
    fields = [x for name in ("esp.spi", "esp.icv_good", "udp.dstport", "data.data")
              for x in ("-e", name)]
    done = subprocess.run(
        ["tshark", "-r", pcap, "-T", "fields", *options, *fields], text=True, check=True,
        capture_output=True, timeout=120,
        env={**os.environ, "WIRESHARK_CONFIG_DIR": config, "HOME": config})
    return [tuple(line.split("\t")) for line in done.stdout.splitlines()]


def main():
    if shutil.which("tshark") is None:
        print("SKIP: no tshark")
        return 77
    with tempfile.TemporaryDirectory() as folder:
        config = os.path.join(folder, "config")
        os.mkdir(config)
        pcap = os.path.join(folder, "esp.pcap")
        done = subprocess.run([sys.argv[1], os.path.join(config, "esp_sa")], text=True,
                              capture_output=True, check=True)
        lines = [line.split() for line in done.stdout.splitlines()]
        write_pcap(pcap, [bytes.fromhex(octets) for _, octets in lines])
        known = read(config, pcap, "-o", "esp.enable_encryption_decode:TRUE",
                     "-o", "esp.enable_authentication_check:TRUE")
        unknown = read(folder, pcap)
    assert len(lines) == 13
    for (spi, _), row, blind in zip(lines, known, unknown, strict=True):
        print(row)
        decoded = ("22136", spi[-2:] * 8)
        # Wireshark 4.0 computes the ICV of GCM without the high half of the number, and does not
        # know ChaCha20-Poly1305.
        want = {"7d1": ("0", *decoded), "7d2": ("0", *decoded), "7d3": ("", "", "")}
        assert row == (f"0x{int(spi, 16):08x}", *want.get(spi, ("1", *decoded))), row
        assert blind[1:] == ("", "", ""), blind
    return 0


sys.exit(main())
