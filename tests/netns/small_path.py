#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""Tunnels over a link of 1280 octets: an inner packet of 1280 octets goes through all the same, its
outer packet in fragments (RFC 2473, 7.1 (b)).  Two daemons, real packets.

        mobile node m          router r          home agent g
          e0 ---- 1280 ---- e0   e1 ---- 1500 ---- e0
          2001:db8:b::/64        2001:db8:d::/64   lo: 2001:db8:1::1, and a peer's 2001:db8:c::1

The mobile node sees the MTU on its own link, the home agent hears of it from the router.
"""

import re
import socket
import struct
import sys

from linux_common import Failure, captured, main, wait_for
from world import AGENT, HOME, Tunnel

PEER = "2001:db8:c::1"
AMOUNT = 2 << 20


class Things(Tunnel):
    def __init__(self, bubd):
        super().__init__(bubd, mtu=1280)
        self.r.ip("route", "add", "2001:db8:c::/64", "via", "2001:db8:d::2")
        for address in (AGENT, PEER):
            self.g.ip("addr", "add", f"{address}/128", "dev", "lo")

    def ping(self, ns, to, size, *options):
        """Of inner packets of @size octets; the number of answers."""
        text = ns.exec("ping", "-6", "-i", "0.02", "-c", "20", "-W", "10", "-s", str(size - 48),
                       *options, to, check=False)
        return int(re.search(r"(\d+) received", text)[1])


def is_fragment_of(proto):
    return lambda p: p[6] == 44 and p[40] == proto


def through_the_tunnel(t, protect):
    t.start(protect)
    proto = 50 if protect else 41
    up, down = t.r.capture("e0"), t.r.capture("e1")
    t.socks += [up, down]
    # The first one back is too big for the router, which says so.
    if t.ping(t.m, PEER, 1280, "-I", HOME) < 18:
        raise Failure(f"lost: {t.mobile.counters()}, {t.agent.counters()}")
    for name, sock in (("mobile node", up), ("home agent", down)):
        packet = captured(sock, is_fragment_of(proto))
        if packet is None or len(packet) > 1280:
            raise Failure(f"no fragments of the {name}")
    # Not another one is lost, nor of those that need none, nor of what an application cuts itself.
    for size in (1280, 1100, 4000):
        if t.ping(t.m, PEER, size, "-I", HOME) != 20 or t.ping(t.g, HOME, size, "-I", PEER) != 20:
            raise Failure(f"{size} octets: {t.mobile.counters()}, {t.agent.counters()}")
    t.transfer_both_ways(t.m, t.g, PEER, AMOUNT)
    for daemon in t.daemons:
        counters = daemon.counters()
        for name in ("sent-in-fragments", "from-fragments"):
            if counters.get(name, 0) < AMOUNT / 1300:
                raise Failure(f"{name}: {counters}")
        for name in ("fragment-malformed", "fragment-overlap", "fragment-lost", "send-too-big"):
            if counters.get(name, 0) != 0:
                raise Failure(f"{name}: {counters}")
    t.mobile.stop()
    t.agent.stop()


def dummy_packets(t):
    """RFC 4303, 2.6: sent at both ends as the operator says, discarded at the other in silence."""
    t.start(True, top="dummy-interval = 20\n")
    for daemon in t.daemons:
        wait_for("dummy packets", lambda d=daemon: d.counters().get("esp-dummy", 0) >= 20)
    if t.ping(t.m, PEER, 1000, "-I", HOME) != 20:
        raise Failure(f"lost: {t.mobile.counters()}, {t.agent.counters()}")
    for daemon in t.daemons:
        bad = {k: v for k, v in daemon.counters().items() if k.startswith("esp-bad") and v}
        if bad or "esp-dummy" in daemon.tail():
            raise Failure(f"{bad}, {daemon.tail()}")


def esp(t):
    through_the_tunnel(t, True)


def ip_in_ip(t):
    through_the_tunnel(t, False)


def made_up_fragments(t):
    """Counted, and nothing else: what overlaps, what is no fragment, what never ends."""
    t.start(True)
    care_of = t.mobile.show()["homes"][0]["care_of"]
    s = t.r.inside(lambda: socket.socket(socket.AF_INET6, socket.SOCK_RAW, 255))
    t.socks.append(s)

    def send(number, at, more, payload):
        head = struct.pack("!IHBB", 6 << 28, 8 + len(payload), 44, 64)
        head += socket.inet_pton(socket.AF_INET6, AGENT) + socket.inet_pton(socket.AF_INET6, care_of)
        s.sendto(head + struct.pack("!BBHI", 50, 0, at | more, number) + payload, (care_of, 0))

    send(1, 0, 1, bytes(800))
    send(1, 792, 0, bytes(100))
    send(2, 0, 1, bytes(801))
    for number in range(3, 203):
        send(number, 0, 1, bytes(8))
    send(1000, 0, 1, bytes(800))
    send(1000, 800, 0, bytes(100))

    def counted():
        c = t.mobile.counters()
        names = ("fragment-overlap", "fragment-malformed", "from-fragments")
        return [c.get(name, 0) for name in names] == [1, 1, 1] and c.get("esp-no-sa", 0) == 1

    try:
        wait_for("the counters", counted)
    except Failure as e:
        raise Failure(f"{e}: {t.mobile.counters()}") from e
    if t.mobile.counters().get("fragment-lost", 0) == 0:
        raise Failure("nothing given up")
    if t.ping(t.m, PEER, 1280, "-I", HOME) < 18:
        raise Failure("lost")


CASES = [esp, ip_in_ip, dummy_packets, made_up_fragments]

if __name__ == "__main__":
    sys.exit(main(CASES, Things))
