# SPDX-License-Identifier: BSD-2-Clause
"""A decoder of its own for the lab's captures: IPv6 with its headers, Mobility Header.

It shares nothing with src/core/wire, so that the two cannot agree on a mistake.  RFC 6275, 6.
"""

from __future__ import annotations

import dataclasses
import hashlib
import hmac
import ipaddress
import pathlib
import struct

import dpkt

Address = ipaddress.IPv6Address

HOP_BY_HOP, ROUTING, FRAGMENT, ESP, ICMPV6, DESTINATION, MOBILITY = 0, 43, 44, 50, 58, 60, 135
TCP, UDP, IPV6 = 6, 17, 41

BRR, HOTI, COTI, HOT, COT, BU, BA, BE, BUBC, DH = 0, 1, 2, 3, 4, 5, 6, 7, 8, 11


@dataclasses.dataclass
class Mobility:
    kind: int
    octets: bytes
    checksum_good: bool
    options: list[tuple[int, int, bytes]]  # type, offset of the type octet, value

    def option(self, kind: int) -> bytes | None:
        return next((value for number, _, value in self.options if number == kind), None)

    @property
    def body(self) -> bytes:
        """Behind the checksum."""
        return self.octets[6:]

    @property
    def sequence(self) -> int:
        at = 6 if self.kind == BU else 8
        return int(struct.unpack_from("!H", self.octets, at)[0])

    @property
    def bu_flags(self) -> int:
        return int(struct.unpack_from("!H", self.octets, 8)[0])

    @property
    def without_checksum(self) -> bytes:
        return self.octets[:4] + self.octets[6:]


@dataclasses.dataclass
class Packet:
    time: float
    octets: bytes
    src: Address
    dst: Address
    chain: list[int]  # next headers in their order, the upper layer's last
    rh2: Address | None
    hao: Address | None
    hao_at: int  # offset of the option in its header
    upper: bytes
    mobility: Mobility | None

    @property
    def upper_proto(self) -> int:
        return self.chain[-1]

    @property
    def home_src(self) -> Address:
        return self.hao or self.src

    @property
    def home_dst(self) -> Address:
        return self.rh2 or self.dst


def checksum(src: Address, dst: Address, proto: int, octets: bytes) -> int:
    total = 0
    whole = src.packed + dst.packed + struct.pack("!II", len(octets), proto) + octets
    for (word,) in struct.iter_unpack("!H", whole + b"\0" * (len(whole) % 2)):
        total += word
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def options(octets: bytes, at: int) -> list[tuple[int, int, bytes]]:
    found = []
    while at < len(octets):
        kind = octets[at]
        if kind == 0:  # Pad1
            at += 1
            continue
        length = octets[at + 1]
        if at + 2 + length > len(octets):
            raise ValueError("an option runs over the end")
        if kind != 1:
            found.append((kind, at, octets[at + 2 : at + 2 + length]))
        at += 2 + length
    return found


FIXED = {BRR: 8, HOTI: 16, COTI: 16, HOT: 24, COT: 24, BU: 12, BA: 12, BE: 24, BUBC: 24}


def mobility(upper: bytes, src: Address, dst: Address) -> Mobility:
    length = 8 + 8 * upper[1]
    if upper[0] != 59 or length != len(upper):
        raise ValueError("Mobility Header: payload proto or length")
    kind = upper[2]
    found = options(upper, FIXED[kind]) if kind in FIXED else []
    return Mobility(kind, upper, checksum(src, dst, MOBILITY, upper) == 0, found)


def packet(time: float, frame: bytes) -> Packet | None:
    if len(frame) < 54 or frame[12:14] != b"\x86\xdd":
        return None
    octets = frame[14:]
    length = 40 + struct.unpack_from("!H", octets, 4)[0]
    if len(octets) < length:
        raise ValueError("a frame is cut")
    octets = octets[:length]
    found = Packet(
        time, octets, Address(octets[8:24]), Address(octets[24:40]), [octets[6]], None, None, 0,
        b"", None,
    )
    at = 40
    while found.upper_proto in (HOP_BY_HOP, ROUTING, DESTINATION):
        following, size = octets[at], 8 + 8 * octets[at + 1]
        header = octets[at : at + size]
        if found.upper_proto == ROUTING and header[2] == 2 and header[3] == 1:
            found.rh2 = Address(header[8:24])
        if found.upper_proto == DESTINATION:
            for kind, where, value in options(header, 2):
                if kind == 0xC9:
                    found.hao, found.hao_at = Address(value), where
        found.chain.append(following)
        at += size
    found.upper = octets[at:]
    if found.upper_proto == MOBILITY:
        found.mobility = mobility(found.upper, found.home_src, found.home_dst)
    return found


def read(path: pathlib.Path) -> list[Packet]:
    with path.open("rb") as file:
        reader = dpkt.pcap.Reader(file)
        if reader.datalink() != dpkt.pcap.DLT_EN10MB:
            raise ValueError(f"{path}: no Ethernet frames")
        return [p for p in (packet(time, frame) for time, frame in reader) if p is not None]


# ---- What signs (the keys are those that the daemons logged) -------------------------------------

AUTH = 5


@dataclasses.dataclass
class Key:
    name: str  # Kbm, Kabm
    local: Address
    peer: Address
    octets: bytes


def read_bub_keys(paths: list[pathlib.Path]) -> list[Key]:
    """`# bub-key NAME LOCAL PEER OCTETS`."""
    found = []
    for path in paths:
        for line in path.read_text().splitlines() if path.exists() else []:
            words = line.split()
            if words[:2] == ["#", "bub-key"] and len(words) == 6:
                found.append(Key(words[2], Address(words[3]), Address(words[4]),
                                 bytes.fromhex(words[5])))
    return found


def is_signed(m: Mobility, key: bytes, care_of: Address, correspondent: Address) -> bool:
    """RFC 6275, 6.2.7: First(96, HMAC(key, care-of address | correspondent | MH data)), the checksum
    taken as zero.  The hash is SHA-256 for a key of its length, which Kbm never has."""
    value = m.option(AUTH)
    if value is None:
        return False
    data = m.octets[:4] + b"\0\0" + m.octets[6 : len(m.octets) - len(value)]
    whole = care_of.packed + correspondent.packed + data
    digest = hashlib.sha256 if len(key) == 32 else hashlib.sha1
    return hmac.new(key, whole, digest).digest()[:12] == value


def is_signed_dh(m: Mobility, key: bytes, bub_cookie: bytes) -> bool:
    """Draft, 5.1; always SHA-1."""
    zeroed = m.octets[:4] + b"\0\0" + m.octets[6:-12] + bytes(12)
    return hmac.new(key, zeroed + bub_cookie, hashlib.sha1).digest()[:12] == m.octets[-12:]
