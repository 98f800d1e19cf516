#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""
Writes the corpora of the targets mh, ip6, icmp6 and mld from tests/vectors: whole packets for ip6,
the last header alone for the others.  Run it after a vector was added.  And that of the targets
error, about packets between the addresses of fuzz_error.c, frag, and link, in the steps of
fuzz_link.c.
"""

import ipaddress
import pathlib
import struct

ROOT = pathlib.Path(__file__).resolve().parent.parent
WALKED = (0, 43, 60)  # hop-by-hop options, routing, destination options


def upper(packet):
    """Protocol and octets of what follows the extension headers."""
    proto, at = packet[6], 40
    while proto in WALKED:
        proto, at = packet[at], at + 8 * packet[at + 1] + 8
    return proto, packet[at:]


def address(last):
    return ipaddress.ip_address(f"2001:db8::{last}").packed


def packet(src, dst, proto, payload):
    head = struct.pack("!IHBB", 6 << 28, len(payload), proto, 64)
    return head + address(src) + address(dst) + payload


def errors():
    """Yields names and messages."""
    udp = bytes.fromhex("3039d43100100000") + bytes(8)
    hao = bytes.fromhex("110201020000c910") + address(1) + udp
    both = bytes.fromhex("3c02020100000000") + address(4) + hao
    alert = bytes.fromhex("2b00050200000100") + both
    direct = packet(2, 5, 43, both)
    for kind, word in ((1, 0), (2, 1400), (3, 0), (4, 88)):
        yield f"direct-{kind}", struct.pack("!BBHI", kind, 0, 0, word) + direct
    head = struct.pack("!BBHI", 1, 3, 0, 0)
    yield "hop-by-hop", head + packet(2, 5, 0, alert)
    yield "peer-at-home", head + packet(2, 4, 60, hao)
    yield "tunnel-out", head + packet(2, 3, 41, packet(1, 10, 17, udp))
    yield "tunnel-in", head + packet(8, 7, 41, packet(10, 6, 17, udp))


def fragments(*parts):
    """One row of fragments, of (offset, length, more)."""
    row = b""
    for at, length, more in parts:
        payload = struct.pack("!BBHI", 50, 0, at | more, 7) + bytes(length)
        part = packet(1, 2, 44, payload)
        row += struct.pack("!H", len(part)) + part
    return row


def rows():
    yield "in-order", fragments((0, 16, 1), (16, 5, 0))
    yield "last-first", fragments((16, 5, 0), (8, 8, 1), (0, 8, 1))
    yield "twice", fragments((0, 16, 1), (0, 16, 1), (16, 5, 0))
    yield "overlap", fragments((0, 16, 1), (8, 16, 1), (24, 5, 0))
    yield "one", fragments((0, 16, 0))


def advert(prefix, router_lifetime=1800):
    """A Router Advertisement of 2001:db8:0:PREFIX::/64, without checksum."""
    option = struct.pack("!BBBBIII", 3, 4, 64, 0xC0, 3600, 3600, 0)
    option += ipaddress.ip_address(f"2001:db8:0:{prefix}::").packed
    return struct.pack("!BBHBBHII", 134, 0, 0, 64, 0, router_lifetime, 0, 0) + option


def link_steps():
    """Yields names and steps; the first octet says which operations fail."""
    up, down, start = bytes((2, 14, 0)), bytes((2, 6, 0)), bytes((15, 0))
    addr, tentative, gone = bytes((5, 64, 1)), bytes((5, 68, 1)), bytes((6, 64, 1))
    quarter = bytes((10, 25))

    def heard(router, message):
        return bytes((9, router << 4, len(message))) + message

    here, there = heard(10, advert(1)), heard(11, advert(2))
    claim = struct.pack("!BBHI", 136, 0, 0, 0x60000000)
    alive = heard(10, claim + bytes.fromhex("fe80") + bytes(13) + b"\x0a")
    attached = start + up + here + addr
    yield "attached", b"\0" + attached + gone + quarter * 5
    yield "carrier", b"\0" + attached + down + quarter + up + here
    yield "detection", b"\0" + start + up + here + tentative + quarter + addr
    yield "silent", b"\0" + attached + quarter * 5 + there + quarter * 5
    yield "answers", b"\0" + attached + quarter * 5 + there + quarter + alive + quarter * 5
    yield "fails", b"\xaa" + attached + here + addr
    yield "home", b"\0" + start + up + heard(10, advert(3)) + quarter * 5 + there + quarter * 5
    yield "static", b"\0" + up + bytes((7, 0, 1)) + bytes((5, 32, 1)) + start + bytes((8, 0, 1))
    yield "ipv4", b"\0" + start + up + bytes((7, 4, 1)) + bytes((5, 0, 208)) + quarter * 8 \
        + down + quarter + up + quarter * 10 + here + addr + bytes((6, 0, 208))
    yield "anew", b"\0" + attached + bytes((0, 0, 0)) + up + bytes((1, 0, 0))


def main():
    for target, seeds in (("error", errors()), ("frag", rows()), ("link", link_steps())):
        folder = ROOT / "fuzz" / "corpus" / target
        folder.mkdir(parents=True, exist_ok=True)
        for name, message in seeds:
            (folder / name).write_bytes(message)
    for path in sorted((ROOT / "tests" / "vectors").rglob("*.hex")):
        lines = path.read_text(encoding="ascii").splitlines()
        packet = bytes.fromhex("".join(line.split("#")[0] for line in lines))
        proto, octets = upper(packet)
        seeds = {"ip6": packet, {135: "mh", 58: "icmp6"}.get(proto): octets}
        if path.parent.name == "mld":
            seeds = {"mld": octets}
        for target, seed in seeds.items():
            if target is not None:
                folder = ROOT / "fuzz" / "corpus" / target
                folder.mkdir(parents=True, exist_ok=True)
                (folder / path.stem).write_bytes(seed)


if __name__ == "__main__":
    main()
