#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""How long a mobile node takes from an address that is usable to the Binding Update on the wire.

The mobile node's address goes, and a new one comes that the kernel says is usable at once.  The clock
starts when the kernel is asked for it, and within that call it tells bubd; it ends with the kernel's
time stamp of the first packet from that address at the other end of the link, which is the Binding
Update to the home agent.  The world is
that of tests/netns/world.py, with direct paths to some peers, whose routes change with the move.

The limit is 200 us.  Peers' routes are the second variant: their number must not matter. Needs root.
"""

import os
import socket
import struct
import sys
import time

import frame

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../tests/netns"))

from linux_common import addr, came_at, captured, wait_for  # noqa: E402
from world import HOME, Correspondence  # noqa: E402

RTM_NEWADDR, RTM_DELADDR = 20, 21
NLM_F_REQUEST, NLM_F_ACK, NLM_F_CREATE = 1, 4, 0x400
IFA_F_NODAD = 2
ICMPV6 = 58
PAUSE_S = 1.2  # no more than three Binding Updates a second (RFC 6275, 11.8)


def address_message(kind, ifindex, address):
    attrs = b"".join(struct.pack("=HH", 20, number) + addr(address) for number in (1, 2))
    body = struct.pack("=BBBBI", socket.AF_INET6, 64, IFA_F_NODAD, 0, ifindex) + attrs
    flags = NLM_F_REQUEST | NLM_F_ACK | (NLM_F_CREATE if kind == RTM_NEWADDR else 0)
    return struct.pack("=IHHII", 16 + len(body), kind, flags, 1, 0) + body


def change(netlink, kind, ifindex, address):
    """Returns when the kernel was asked; it tells of it within the call."""
    message = address_message(kind, ifindex, address)
    asked = time.time()
    netlink.send(message)
    error = struct.unpack("=i", netlink.recv(4096)[16:20])[0]
    if error:
        raise SystemExit(f"{address}: {os.strerror(-error)}")
    return asked


def paths(world):
    return sum(p["mode"] == "ro" for p in world.mobile.show()["peers"])


def direct_paths(world, peers):
    for number in range(1, peers):
        world.c.ip("addr", "add", f"2001:db8:c::{0x100 + number:x}/64", "dev", "e0", "nodad")
    for number in range(peers):
        peer = world.PEER if number == 0 else f"2001:db8:c::{0x100 + number:x}"
        world.m.exec("ping", "-6", "-n", "-c", "3", "-i", "0.2", "-I", HOME, peer, check=False)
    wait_for("direct paths", lambda: paths(world) == peers)


def measure(world, moves):
    ifindex = world.m.ifindex("e0")
    netlink = world.m.inside(lambda: socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 0))
    wire = world.g.capture("e0")
    took = []
    before = world.mobile.show()["homes"][0]["care_of"]
    for number in range(moves):
        address = f"2001:db8:b::{0x1000 + number:x}"
        octets = addr(address)
        change(netlink, RTM_DELADDR, ifindex, before)
        wait_for("the end of the address", lambda: not world.mobile.show()["homes"][0]["care_of"])
        usable = change(netlink, RTM_NEWADDR, ifindex, address)
        wait_for("a Binding Update",
                 lambda: captured(wire, lambda p: p[8:24] == octets and p[6] != ICMPV6))
        took.append((came_at(wire) - usable) * 1e6)
        wait_for("the registration",
                 lambda: world.mobile.show()["homes"][0]["state"] == "registered")
        before = address
        time.sleep(PAUSE_S)
    netlink.close()
    wire.close()
    return took


def run(bubd, peers, moves):
    """Each move's microseconds."""
    world = Correspondence(bubd)
    try:
        world.start()
        direct_paths(world, peers)
        return measure(world, moves)
    finally:
        world.close()


def main():
    bench = frame.Bench("update", __doc__)
    bench.argument("bubd")
    bench.argument("--peers", type=int, default=20, help="of the second variant")
    bench.argument("--moves", type=int, default=50)
    args = bench.start()
    took = {}
    for peers in (1, args.peers):
        bench.busy.show(f"{args.moves} moves with {peers} direct paths")
        took[peers] = iter(run(args.bubd, peers, args.moves))
    bench.compare("address usable -> Binding Update on the wire", {
        f"{peers} direct path{'s' if peers > 1 else ''}": lambda values=values: {"us": next(values)}
        for peers, values in took.items()}, difference=True, rounds=args.moves)
    return bench.finish()


if __name__ == "__main__":
    sys.exit(frame.ended(main))
