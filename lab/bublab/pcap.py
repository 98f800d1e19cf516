# SPDX-License-Identifier: BSD-2-Clause
"""Reading captures: IPv6 with the headers of Mobile IPv6, and what carries it in UDP.

Only what the reports need; for anything else there is tshark (docs/lab.md).  dpkt reads the file,
classic pcap or pcapng.
Headers are taken apart here: dpkt knows no Mobility Header and takes ESP for an extension header;
scapy took 190 microseconds a packet where this takes 14, and a run has 27,000 packets.
"""

from __future__ import annotations

import dataclasses
import functools
import ipaddress
import pathlib
import struct
from collections.abc import Callable, Iterable, Iterator
from typing import BinaryIO

import dpkt

ETHERTYPE_IPV4, ETHERTYPE_IPV6, ETHERTYPE_VLAN = 0x0800, 0x86DD, 0x8100
LINUX_COOKED_2 = 276  # of "tcpdump -i any"; dpkt has no name for it
RAW_IPV6 = 229
HOP_BY_HOP, TCP, UDP, IPV6, ROUTING, FRAGMENT, ESP, ICMPV6 = 0, 6, 17, 41, 43, 44, 50, 58
NO_NEXT_HEADER, DESTINATION_OPTIONS, MOBILITY = 59, 60, 135
HAO_OPTION = 0xC9
PORT_ESP, PORT_WHOLE = 4500, 4191  # ESP in UDP (RFC 3948); whole packets in UDP (RFC 5555)
TRAILER_MAX = 64  # octets behind a packet: padding of short frames, a checksum
RECORD_MAX = 1 << 20  # octets of a capture's record
SILENCE_MAX_S = 30 * 86400  # between two packets of a capture

# Mobility Header types (RFC 6275, 6.1; RFC 5142; docs/protocol.md).
MH_NAMES = {
    0: "Binding Refresh Request",
    1: "Home Test Init",
    2: "Care-of Test Init",
    3: "Home Test",
    4: "Care-of Test",
    5: "Binding Update",
    6: "Binding Acknowledgement",
    7: "Binding Error",
    8: "BUB Complete",
    12: "Home Agent Switch",
}
MH_DH = 11
OPTION_BUB, OPTION_PATH_COOKIE = 18, 240  # mobility options (docs/protocol.md, 2.1)


@dataclasses.dataclass(frozen=True)
class Packet:
    """An IPv6 packet and where its upper layer begins."""

    src: str
    dst: str
    proto: int
    payload: bytes
    home_src: str  # from a Home Address option, else src
    home_dst: str  # from a type 2 routing header, else dst

    @property
    def has_rh2(self) -> bool:
        return self.home_dst != self.dst

    @property
    def is_data(self) -> bool:
        """An application's packet."""
        return self.proto in (TCP, UDP)

    @property
    def mobility(self) -> str:
        """Name of the mobility message, "" when it is none."""
        return mobility_name(self.payload) if self.proto == MOBILITY else ""


def mobility_name(data: bytes) -> str:
    """Of a Mobility Header; "" when it is cut short."""
    if len(data) < 7:
        return ""
    return f"DH{data[6]}" if data[2] == MH_DH else MH_NAMES.get(data[2], f"MH {data[2]}")


@functools.lru_cache(maxsize=4096)
def text(address: bytes) -> str:
    return str(ipaddress.IPv6Address(address))


def home_address_option(header: bytes) -> str | None:
    """The Home Address option of a destination options header (RFC 6275, 6.3)."""
    at = 2
    while at + 2 <= len(header):
        if header[at] == 0:
            at += 1
            continue
        length = header[at + 1]
        if header[at] == HAO_OPTION and length == 16 and at + 18 <= len(header):
            return text(header[at + 2 : at + 18])
        at += 2 + length
    return None


def parse(data: bytes) -> Packet | None:
    """Takes a packet apart; None when nothing can be told of it, or it is cut short."""
    if data[:1] and data[0] >> 4 == 4:
        return parse_ipv4(data)
    if len(data) < 40 or data[0] >> 4 != 6:
        return None
    src, dst = text(data[8:24]), text(data[24:40])
    home_src, home_dst = src, dst
    proto, at = data[6], 40
    while proto in (HOP_BY_HOP, ROUTING, DESTINATION_OPTIONS):
        if at + 8 > len(data):
            return None
        header = data[at : at + 8 * (data[at + 1] + 1)]
        # Type 2 routing header (RFC 6275, 6.4).
        if proto == ROUTING and len(header) == 24 and header[2] == 2:
            home_dst = text(header[8:24])
        if proto == DESTINATION_OPTIONS:
            home_src = home_address_option(header) or home_src
        proto, at = header[0], at + len(header)
    return carried(Packet(src, dst, proto, data[at:], home_src, home_dst))


def parse_ipv4(data: bytes) -> Packet | None:
    """What IPv4 carries in UDP."""
    if len(data) < 20 or data[0] >> 4 != 4 or data[9] != UDP:
        return None
    head, total = 4 * (data[0] & 15), int.from_bytes(data[2:4], "big")
    if data[6] & 0x3F or data[7]:  # a fragment
        return None
    src, dst = ipv4_text(data[12:16]), ipv4_text(data[16:20])
    packet = carried(Packet(src, dst, UDP, data[head:total], src, dst))
    return None if packet.proto == UDP else packet


@functools.lru_cache(maxsize=4096)
def ipv4_text(address: bytes) -> str:
    return str(ipaddress.IPv4Address(address))


def carried_by(payload: bytes) -> int:
    """What a UDP packet carries, by its ports: ESP, IPV6, NO_NEXT_HEADER where it keeps a mapping
    alive; 0: an application's data."""
    if len(payload) < 9:
        return 0
    ports, inner = struct.unpack_from("!HH", payload), payload[8:]
    if PORT_ESP in ports:  # four octets of zeros: IKE
        return ESP if len(inner) >= 8 and inner[:4] != bytes(4) else NO_NEXT_HEADER
    return IPV6 if PORT_WHOLE in ports and inner[0] >> 4 == 6 else 0


def carried(packet: Packet) -> Packet:
    """A packet in UDP as if it had no UDP header; any other as it is."""
    proto = carried_by(packet.payload) if packet.proto == UDP else 0
    if proto == 0:
        return packet
    return dataclasses.replace(packet, proto=proto, payload=packet.payload[8:])


def is_cut_short(data: bytes) -> bool:
    """Is there less of a packet than its header says?"""
    if data[:1] and data[0] >> 4 == 4:
        return len(data) < 20 or len(data) < int.from_bytes(data[2:4], "big")
    return len(data) < 40 or len(data) < 40 + int.from_bytes(data[4:6], "big")


def is_too_long(data: bytes) -> bool:
    """Is there more behind an IPv6 packet than a link layer adds?  Then its record is damaged."""
    if not data or data[0] >> 4 != 6:
        return False
    length = int.from_bytes(data[4:6], "big")
    return length > 0 and len(data) > 40 + length + TRAILER_MAX


def is_ip(ethertype: bytes) -> bool:
    return int.from_bytes(ethertype, "big") in (ETHERTYPE_IPV4, ETHERTYPE_IPV6)


def ethernet(frame: bytes) -> bytes:
    at = 12
    while frame[at : at + 2] == ETHERTYPE_VLAN.to_bytes(2, "big"):
        at += 4
    return frame[at + 2 :] if is_ip(frame[at : at + 2]) else b""


def cooked(frame: bytes) -> bytes:
    return frame[16:] if is_ip(frame[14:16]) else b""


def cooked_2(frame: bytes) -> bytes:
    return frame[20:] if is_ip(frame[:2]) else b""


# What takes the link layer off a frame; b"": no IPv6 in it.
LINK_LAYERS = {
    dpkt.pcap.DLT_EN10MB: ethernet,
    dpkt.pcap.DLT_LINUX_SLL: cooked,
    LINUX_COOKED_2: cooked_2,
    dpkt.pcap.DLT_RAW: lambda frame: frame,
    101: lambda frame: frame,  # LINKTYPE_RAW, as files have it
    RAW_IPV6: lambda frame: frame,
}


class Damaged(ValueError):
    """A capture has something in its middle that cannot be a packet."""


class Whole:
    """A capture file for dpkt, which of a record that ends too early makes a short packet."""

    def __init__(self, file: BinaryIO) -> None:
        self.file = file

    def __getattr__(self, name: str) -> object:
        return getattr(self.file, name)

    def read(self, octets: int) -> bytes:
        if octets > RECORD_MAX:
            raise Damaged(f"damaged: a record says that it has {octets} octets")
        got = self.file.read(octets)
        if 0 < len(got) < octets:
            raise dpkt.NeedData(f"{len(got)} octets of {octets}")
        return got


def ip_frames(path: pathlib.Path) -> Iterator[tuple[float, bytes]]:
    """Time of day and octets of each IP packet.  ValueError: not a capture, or of a link layer
    that is not known here.  Damaged, with what was sound already given, where it is that."""
    with path.open("rb") as file:
        try:
            reader = dpkt.pcap.UniversalReader(Whole(file))
        except dpkt.NeedData:  # it was only just begun
            return
        except (ValueError, dpkt.Error):  # Damaged, too
            raise ValueError("this is no capture (pcap, pcapng)") from None
        strip = LINK_LAYERS.get(reader.datalink())
        if strip is None:
            raise ValueError(f"link type {reader.datalink()} is not known")
        yield from sound_frames(reader, strip)


def sound_frames(
    reader: Iterable[tuple[float, bytes]], strip: Callable[[bytes], bytes]
) -> Iterator[tuple[float, bytes]]:
    count, before = 0, None
    try:
        for when, frame in reader:
            count += 1
            data = strip(frame)
            if (before is not None and abs(float(when) - before) > SILENCE_MAX_S) or is_too_long(data):
                raise Damaged(f"damaged at its packet {count}")
            before = float(when)
            if data:
                yield before, data
    except (dpkt.NeedData, struct.error):  # it ends within a header
        return
    except dpkt.Error as error:
        raise Damaged(f"damaged after its packet {count}: {error}") from None


class Tail:
    """A capture of linkem, read while it is written.  dpkt reads whole files: of a record that is
    not yet there in full it makes a short one."""

    HEADER_OCTETS, RECORD = 24, struct.Struct("=IIII")  # seconds, microseconds, octets, of how many

    def __init__(self, path: pathlib.Path) -> None:
        self.path = path
        self.file = path.open("rb")
        self.file.seek(self.HEADER_OCTETS)
        self.rest = b""

    def frames(self) -> Iterator[tuple[float, bytes]]:
        """Time of day and octets of each IPv6 packet that has come since."""
        self.rest += self.file.read()
        at = 0
        while at + self.RECORD.size <= len(self.rest):
            seconds, micros, octets, _ = self.RECORD.unpack_from(self.rest, at)
            end = at + self.RECORD.size + octets
            if end > len(self.rest):
                break
            data = ethernet(self.rest[at + self.RECORD.size : end])
            at = end
            if data:
                yield seconds + micros / 1e6, data
        self.rest = self.rest[at:]

    def remove(self) -> None:
        self.file.close()
        self.path.unlink()


def packets(path: pathlib.Path) -> Iterator[tuple[float, Packet]]:
    """Time of day and packet of each IPv6 frame."""
    for when, data in ip_frames(path):
        packet = parse(data)
        if packet is not None:
            yield when, packet
