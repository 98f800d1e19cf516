#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""
Writes the corpora of the targets mh, ip6 and icmp6 from tests/vectors: whole packets for ip6, the
last header alone for the two others.  Run it after a vector was added.
"""

import pathlib

ROOT = pathlib.Path(__file__).resolve().parent.parent
WALKED = (0, 43, 60)  # hop-by-hop options, routing, destination options


def upper(packet):
    """Protocol and octets of what follows the extension headers."""
    proto, at = packet[6], 40
    while proto in WALKED:
        proto, at = packet[at], at + 8 * packet[at + 1] + 8
    return proto, packet[at:]


def main():
    for path in sorted((ROOT / "tests" / "vectors").glob("*.hex")):
        lines = path.read_text(encoding="ascii").splitlines()
        packet = bytes.fromhex("".join(line.split("#")[0] for line in lines))
        proto, octets = upper(packet)
        seeds = {"ip6": packet, {135: "mh", 58: "icmp6"}.get(proto): octets}
        for target, seed in seeds.items():
            if target is not None:
                folder = ROOT / "fuzz" / "corpus" / target
                folder.mkdir(parents=True, exist_ok=True)
                (folder / path.stem).write_bytes(seed)


if __name__ == "__main__":
    main()
