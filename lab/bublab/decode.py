# SPDX-License-Identifier: BSD-2-Clause
"""A packet in words: each header as a title and its fields, ESP opened where there is a key.

RFC 6275, 6 for the messages that it defines; docs/protocol.md, 2 to 4 for those of BUB.  The numbers
are the defaults of docs/protocol.md, 2.1.  What is cut short or wrong is shown as far as it goes.
"""

from __future__ import annotations

import dataclasses
import ipaddress
import struct
from collections.abc import Callable, Iterator

from . import esp, pcap

BUB_CODES = {0: "Do BUB", 1: "BUB ACK", 2: "BUB NACK"}
BU_FLAGS = ((0x8000, "A"), (0x4000, "H"), (0x2000, "L"), (0x1000, "K"), (0x0800, "M"), (0x0400, "R"))
SUITES = {1: "group 14, SHA-1", 2: "X25519, SHA-256"}
ITEMS = ("Padding", "Nonce", "Info", "Public value", "Identity", "SIG", "MAC")
PUBLIC_VALUE, IDENTITY = 3, 4
SIGNATURE_OCTETS = 12

# What a Binding Acknowledgement may say (RFC 6275, 6.1.8).
STATUS = {
    0: "accepted", 1: "accepted, but prefix discovery is necessary", 128: "reason unspecified",
    129: "administratively prohibited", 130: "insufficient resources",
    131: "home registration not supported", 132: "not home subnet",
    133: "not home agent for this mobile node", 134: "duplicate address detection failed",
    135: "sequence number out of window", 136: "expired home nonce index",
    137: "expired care-of nonce index", 138: "expired nonces",
    139: "registration type change disallowed", 174: "invalid care-of address",
}
# What it says of a wish for an IPv4 home address (RFC 5555, 3.2.1).
IPV4_STATUS = {
    0: "accepted", 128: "reason unspecified", 129: "administratively prohibited",
    130: "incorrect IPv4 home address", 131: "invalid IPv4 address",
    132: "no address is assigned", 133: "no prefix is assigned",
}
NO_REFRESH = 0xFFFFFFFF  # RFC 5555, 3.2.2: there is nothing to keep
ERRORS = {1: "unknown binding for Home Address option", 2: "unknown Mobility Header type"}

Field = tuple[str, str]


@dataclasses.dataclass
class Layer:
    """One header."""

    title: str
    fields: list[Field]

    def as_json(self) -> dict:
        return {"title": self.title, "fields": self.fields}


def octets(data: bytes) -> str:
    return data.hex()


def lifetime(units: int) -> str:
    return f"{units * 4} s" if units else "0: the binding is deleted"


# ---- Mobility options (RFC 6275, 6.2) ------------------------------------------------------------


def option_list(data: bytes) -> Iterator[tuple[int, bytes]]:
    """Type and value of each option but padding."""
    at = 0
    while at + 2 <= len(data):
        if data[at] == 0:
            at += 1
            continue
        length = data[at + 1]
        if data[at] != 1:
            yield data[at], data[at + 2 : at + 2 + length]
        at += 2 + length


def ipv4_option(kind: int, value: bytes) -> Field:
    """RFC 5555, 3.1 and 3.2: six octets, of which the last four are an address, but for a NAT's."""
    address = str(ipaddress.IPv4Address(value[2:]))
    if kind == 29:
        wish = ", wants a prefix" if value[0] & 2 else ""
        return "IPv4 home address", f"{address}/{value[0] >> 2}{wish}"
    if kind == 30:
        said = IPV4_STATUS.get(value[0], "unknown")
        return "IPv4 home address acknowledged", f"{value[0]}: {said}, {address}/{value[1] >> 2}"
    if kind == 31:
        flags, refresh_s = struct.unpack("!HI", value)
        found = "none" if refresh_s == NO_REFRESH else f"refresh after {refresh_s} s"
        return "NAT detection", found + (", UDP is forced" if flags & 0x8000 else "")
    return "IPv4 care-of address", address


def option(kind: int, value: bytes) -> Field:
    if 29 <= kind <= 32 and len(value) == 6:
        return ipv4_option(kind, value)
    if kind == 3 and len(value) == 16:
        return "Alternate care-of address", pcap.text(value)
    if kind == 4 and len(value) == 4:
        home, care_of = struct.unpack("!HH", value)
        return "Nonce indices", f"home {home}, care-of {care_of}"
    if kind == 5:
        return "Authenticator", octets(value)
    if kind == 8 and len(value) == 17 and value[0] == 2:
        return "Identity", pcap.text(value[1:])
    if kind == pcap.OPTION_BUB and len(value) == 1:
        return "BUB option", BUB_CODES.get(value[0], f"code {value[0]}")
    if kind == pcap.OPTION_PATH_COOKIE:
        return "Path cookie", octets(value)
    return f"Option {kind}", octets(value)


# ---- Messages (RFC 6275, 6.1; docs/protocol.md, 3.4 and 4.2) -------------------------------------


def test_init(data: bytes) -> list[Field]:
    return [("Init cookie", octets(data[8:16]))]


def test_answer(data: bytes) -> list[Field]:
    return [
        ("Nonce index", str(struct.unpack("!H", data[6:8])[0])),
        ("Init cookie", octets(data[8:16])),
        ("Keygen token", octets(data[16:24])),
    ]


def binding_update(data: bytes) -> list[Field]:
    sequence, flags, units = struct.unpack("!HHH", data[6:12])
    return [
        ("Sequence number", str(sequence)),
        ("Flags", " ".join(name for bit, name in BU_FLAGS if flags & bit) or "none"),
        ("Lifetime", lifetime(units)),
    ]


def acknowledgement(data: bytes) -> list[Field]:
    status, flags, sequence, units = struct.unpack("!BBHH", data[6:12])
    return [
        ("Status", f"{status}: {STATUS.get(status, 'unknown')}"),
        ("Sequence number", str(sequence)),
        ("Flags", "K" if flags & 0x80 else "none"),
        ("Lifetime", lifetime(units)),
    ]


def binding_error(data: bytes) -> list[Field]:
    return [
        ("Status", f"{data[6]}: {ERRORS.get(data[6], 'unknown')}"),
        ("Home address", pcap.text(data[8:24])),
    ]


def bub_complete(data: bytes) -> list[Field]:
    return [("Care-of init cookie", octets(data[8:16])), ("BUB cookie", octets(data[16:24]))]


# By message type: where its options begin, and what says the rest.
MESSAGES: dict[int, tuple[int, Callable[[bytes], list[Field]]]] = {
    0: (8, lambda _data: []),
    1: (16, test_init),
    2: (16, test_init),
    3: (24, test_answer),
    4: (24, test_answer),
    5: (12, binding_update),
    6: (12, acknowledgement),
    7: (24, binding_error),
    8: (24, bub_complete),
}


def items(data: bytes) -> Iterator[Field]:
    """Of a DH message, from its first item to its signature."""
    at = 0
    while at + 4 <= len(data):
        kind, parameter, length = struct.unpack("!BBH", data[at : at + 4])
        value = data[at + 4 : at + 4 + length]
        name = ITEMS[kind] if kind < len(ITEMS) else f"Item {kind}"
        if kind == PUBLIC_VALUE:
            name += f" ({SUITES.get(parameter, f'suite {parameter}')})"
        if kind != 0:
            yield name, pcap.text(value) if kind == IDENTITY and length == 16 else octets(value)
        at += 4 + length


def dh(data: bytes) -> list[Field]:
    fields = [
        ("Format version", str(data[7])),
        ("sid1", octets(data[8:16])),
        ("sid2", octets(data[16:24])),
    ]
    signed = data[24:-SIGNATURE_OCTETS]
    return [*fields, *items(signed), ("Signature", octets(data[-SIGNATURE_OCTETS:]))]


def mobility(data: bytes) -> list[Field]:
    """What a mobility message says."""
    kind = data[2] if len(data) > 2 else -1
    checksum = [("Checksum", f"0x{octets(data[4:6])}")] if len(data) >= 6 else []
    try:
        if kind == pcap.MH_DH:
            return [*dh(data), *checksum]
        start, read = MESSAGES[kind]
        return [*read(data), *(option(k, v) for k, v in option_list(data[start:])), *checksum]
    except (struct.error, IndexError, ValueError):
        return [("Cut short", octets(data))]
    except KeyError:
        return [("Message data", octets(data[6:]))]


def remark(data: bytes) -> str:
    """What tells a message from others of its name: a sequence number, or the word on BUB."""
    said = dict(mobility(data))
    status = said.get("Status", "")
    words = [said.get("Sequence number", ""), said.get("BUB option", "")]
    if status and not status.startswith("0:"):
        words.append(f"status {status}")
    if said.get("Lifetime", "").startswith("0:"):
        words.append("deletes")
    return ", ".join(word for word in words if word)


# ---- Packets -------------------------------------------------------------------------------------


def extension(proto: int, header: bytes) -> Layer:
    if proto == pcap.ROUTING and len(header) == 24 and header[2] == 2:
        return Layer("Routing header, type 2", [("Home address", pcap.text(header[8:24]))])
    home = pcap.home_address_option(header) if proto == pcap.DESTINATION_OPTIONS else None
    if home is not None:
        return Layer("Destination options", [("Home Address option", home)])
    return Layer(f"Extension header {proto}", [("Octets", octets(header))])


def upper(proto: int, data: bytes, keys: dict[int, bytes]) -> Iterator[Layer]:
    """What follows the headers of one IPv6 packet."""
    if proto == pcap.ESP and len(data) >= 8:
        spi, number = struct.unpack("!II", data[:8])
        opened = esp.open_payload(data, keys)
        key = "opened with the key log" if opened else "no key: stays closed"
        yield Layer("ESP", [("SPI", f"0x{spi:08x}"), ("Number", str(number)), ("Content", key)])
        if opened is not None:
            yield from upper(*opened, keys)
    elif proto == pcap.IPV6:
        yield from layers(data, keys)
    elif proto == pcap.MOBILITY:
        yield Layer(pcap.mobility_name(data) or "Mobility Header", mobility(data))
    elif proto in (pcap.TCP, pcap.UDP) and len(data) >= 8:
        source, target = struct.unpack("!HH", data[:4])
        fields = [("Ports", f"{source} to {target}")]
        if proto == pcap.TCP:
            fields.append(("Sequence number", str(struct.unpack("!I", data[4:8])[0])))
        yield Layer("TCP" if proto == pcap.TCP else "UDP", [*fields, ("Octets", str(len(data)))])
        inner = pcap.carried_by(data) if proto == pcap.UDP else 0
        if inner:
            yield from upper(inner, data[8:], keys)
    else:
        yield Layer(f"Next header {proto}", [("Octets", str(len(data)))])


def layers(data: bytes, keys: dict[int, bytes]) -> Iterator[Layer]:
    """The headers of a packet, the outermost first."""
    if len(data) >= 20 and data[0] >> 4 == 4:
        ends = [str(ipaddress.IPv4Address(data[at : at + 4])) for at in (12, 16)]
        yield Layer("IPv4", [("From", ends[0]), ("To", ends[1]), ("Time to live", str(data[8]))])
        yield from upper(data[9], data[4 * (data[0] & 15) :], keys)
        return
    if len(data) < 40:
        yield Layer("Cut short", [("Octets", octets(data))])
        return
    fields = [
        ("From", pcap.text(data[8:24])),
        ("To", pcap.text(data[24:40])),
        ("Hop limit", str(data[7])),
    ]
    yield Layer("IPv6", fields)
    proto, at = data[6], 40
    while proto in (pcap.HOP_BY_HOP, pcap.ROUTING, pcap.DESTINATION_OPTIONS):
        if at + 8 > len(data):
            return
        header = data[at : at + 8 * (data[at + 1] + 1)]
        yield extension(proto, header)
        proto, at = header[0], at + len(header)
    yield from upper(proto, data[at:], keys)
