# SPDX-License-Identifier: BSD-2-Clause
"""Opens ESP packets of a capture with the keys that the daemons logged.

Integrity is not checked here: the daemon has done that.
"""

from __future__ import annotations

import csv
import ipaddress
import pathlib
import struct

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

from . import pcap

IV_OCTETS = 16
GCM_KEYS = (20, 36)  # lengths of key and salt, which are one column (RFC 4106, 8.1)
GCM_IV_OCTETS = 8
ICV_OCTETS = 16  # HMAC-SHA-256-128 (RFC 4868, 2.3)


def aes_cbc(key: bytes, iv: bytes, data: bytes) -> bytes:
    """Decrypts without looking at padding."""
    decryptor = Cipher(algorithms.AES(key), modes.CBC(iv)).decryptor()
    return decryptor.update(data) + decryptor.finalize()


def aes_gcm(key: bytes, octets: bytes) -> bytes:
    """Decrypts @octets, an IV and what follows it.  Counter 1 is the ICV's, data begins with 2."""
    nonce = key[-4:] + octets[:GCM_IV_OCTETS] + b"\0\0\0\2"
    decryptor = Cipher(algorithms.AES(key[:-4]), modes.CTR(nonce)).decryptor()
    return decryptor.update(octets[GCM_IV_OCTETS:]) + decryptor.finalize()


def read_keys(paths: list[pathlib.Path]) -> dict[int, bytes]:
    """Encryption keys by SPI, from rows in the form of Wireshark's table esp_sa."""
    keys = {}
    for path in paths:
        if not path.exists():
            continue
        lines = [line for line in path.read_text().splitlines() if not line.startswith("#")]
        for row in csv.reader(lines):
            if len(row) >= 6:
                keys[int(row[3], 16)] = bytes.fromhex(row[5].removeprefix("0x"))
    return keys


def open_payload(payload: bytes, keys: dict[int, bytes]) -> tuple[int, bytes] | None:
    """Next header and content of what follows an ESP packet's IPv6 headers.  None: no key for it,
    or malformed."""
    if len(payload) < 8 + GCM_IV_OCTETS + 4 + ICV_OCTETS:
        return None
    key = keys.get(struct.unpack("!I", payload[:4])[0])
    if key is not None and len(key) in GCM_KEYS:
        return without_trailer(aes_gcm(key, payload[8:-ICV_OCTETS]))
    if len(payload) < 8 + IV_OCTETS + 16 + ICV_OCTETS:
        return None
    body = payload[8 + IV_OCTETS : -ICV_OCTETS]
    if key is None or len(body) % 16 != 0:
        return None
    return without_trailer(aes_cbc(key, payload[8 : 8 + IV_OCTETS], body))


def without_trailer(plain: bytes) -> tuple[int, bytes] | None:
    padding, proto = plain[-2], plain[-1]
    if padding + 2 > len(plain):
        return None
    return proto, plain[: len(plain) - 2 - padding]


def open_packet(packet: pcap.Packet, keys: dict[int, bytes]) -> pcap.Packet | None:
    """What an ESP packet carries: the inner packet of a tunnel, or the upper layer of transport
    mode under the same addresses.  None: no key for it, or not ESP."""
    opened = open_payload(packet.payload, keys) if packet.proto == pcap.ESP else None
    if opened is None:
        return None
    proto, content = opened
    if proto == pcap.IPV6:
        return pcap.parse(content)
    return pcap.Packet(packet.src, packet.dst, proto, content, packet.home_src, packet.home_dst)


def innermost(packet: pcap.Packet, keys: dict[int, bytes]) -> pcap.Packet:
    """Takes tunnels and ESP off as far as that is possible."""
    while True:
        inner = open_packet(packet, keys)
        if inner is None and packet.proto == pcap.IPV6:
            inner = pcap.parse(packet.payload)
        if inner is None:
            return packet
        packet = inner


def same(one: str, other: str) -> bool:
    """Are these two the same address?"""
    return ipaddress.IPv6Address(one) == ipaddress.IPv6Address(other)
