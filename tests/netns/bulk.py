#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""Streams through the tunnel: many packets go as one where the kernel has them so, and what comes out
is what went in (docs/esp.md, "Many packets at once").

        mobile node m          router r           home agent g
          e0 ------------------- e0   e1 ------------- e0   lo: a peer's address
"""

import socket
import struct
import sys

from linux_common import Failure, main
from world import AGENT, HOME, Tunnel

PEER = "2001:db8:c::1"
AMOUNT = 8 << 20
UDP_SEGMENT = 103
DATAGRAMS = 400


class Things(Tunnel):
    def __init__(self, bubd):
        super().__init__(bubd)
        self.r.ip("route", "add", "2001:db8:c::/64", "via", "2001:db8:d::2")
        for address in (AGENT, PEER):
            self.g.ip("addr", "add", f"{address}/128", "dev", "lo")

    def datagrams(self, ns, address):
        s = ns.inside(lambda: socket.socket(socket.AF_INET6, socket.SOCK_DGRAM))
        s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
        s.settimeout(10)
        s.bind((address, 0))
        self.socks.append(s)
        return s

    def count(self, name):
        return [daemon.counters()[name] for daemon in (self.mobile, self.agent)]


def octets(n, size):
    return struct.pack("!I", n) * (size // 4) + bytes(size % 4)


def datagrams_both_ways(t):
    """Of several sizes, so that rows of one size end anywhere; one by one and many at once."""
    here, there = t.datagrams(t.m, HOME), t.datagrams(t.g, PEER)
    for source, target in ((here, there), (there, here)):
        n = 0
        while n < DATAGRAMS:
            sizes = [64] * 17 + [63] + [1000] * 5 + [7] + [64] * 16
            sent = [octets(n + i, size) for i, size in enumerate(sizes)]
            for data in sent:
                source.sendto(data, target.getsockname()[:2])
            heard = [target.recv(2000) for _ in sizes]
            if heard != sent:
                raise Failure(f"other datagrams, or in another order, from {n} on")
            n += len(sizes)
        whole = b"".join(octets(i, 900) for i in range(20)) + octets(99, 100)
        source.sendmsg([whole], [(socket.SOL_UDP, UDP_SEGMENT, struct.pack("@H", 900))], 0,
                       target.getsockname()[:2])
        heard = [target.recv(2000) for _ in range(21)]
        if b"".join(heard) != whole or {len(x) for x in heard[:-1]} != {900}:
            raise Failure("a row of datagrams came out otherwise")


def whole(t):
    t.transfer_both_ways(t.m, t.g, PEER, AMOUNT)
    datagrams_both_ways(t)
    for name in ("tun-in-merged", "tun-out-merged"):
        if 0 in t.count(name):
            raise Failure(f"{name}: {t.count(name)}")
    # The counters are of packets all the same.
    if min(t.count("tun-in") + t.count("tun-out") + t.count("esp-in") + t.count("esp-out")) \
            < AMOUNT / 1400:
        raise Failure(f"{t.mobile.counters()} {t.agent.counters()}")
    shown = t.mobile.show()["counters"]["engine"]
    if min(shown["tunnel-in"], shown["tunnel-out"]) < AMOUNT / 1400:
        raise Failure(f"{shown}")
    for daemon in t.daemons:
        bad = {k: v for k, v in daemon.counters().items()
               if v and (k.startswith("esp-bad") or k in ("tun-failed", "send-failed"))}
        if bad:
            raise Failure(f"{bad}")


def in_udp(t):
    t.start(True, top="udp = always\n")
    whole(t)
    if 0 in t.count("udp-out-merged"):
        raise Failure(f"{t.count('udp-out-merged')}")


def natively(t):
    t.start(True, top="udp = never\n")
    whole(t)


def without_esp(t):
    t.start(False)
    t.transfer_both_ways(t.m, t.g, PEER, AMOUNT)
    datagrams_both_ways(t)
    for name in ("tun-in-merged", "tun-out-merged"):
        if 0 in t.count(name):
            raise Failure(f"{name}: {t.count(name)}")
    shown = t.mobile.show()["counters"]["engine"]
    if min(shown["tunnel-in"], shown["tunnel-out"]) < AMOUNT / 1460:
        raise Failure(f"{shown}")


def path_gets_smaller(t):
    """What was one system call becomes fragments, or the senders hear of it; nothing stands still."""
    t.start(True, top="udp = always\n")
    t.transfer_both_ways(t.m, t.g, PEER, AMOUNT)
    for ns, dev in ((t.r, "e1"), (t.g, "e0")):
        ns.ip("link", "set", dev, "mtu", "1400")
    t.transfer_both_ways(t.m, t.g, PEER, AMOUNT)


CASES = [in_udp, natively, without_esp, path_gets_smaller]

if __name__ == "__main__":
    sys.exit(main(CASES, Things))
