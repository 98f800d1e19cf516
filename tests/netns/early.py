#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""A home agent whose signalling goes without IPsec, and a test message that comes out of a plain
tunnel while it still probes its link for the home address (protocol.md, P9).

        home agent g                    namespace n, made up by hand
          e0 -------------------------- e0
          h0: the home link, 2001:db8:1::/64
"""

import socket
import struct
import sys

from daemon import Daemon
from linux_common import Failure, Namespace, addr, captured, checksum, hao, ip6, main, wait_for

AGENT, HOME = "2001:db8:1::1", "2001:db8:1::10"
ROUTER, CARE_OF, PEER = "2001:db8:b::1", "2001:db8:b::2", "2001:db8:b::3"
MH, IPV6, NONE, DSTOPTS = 135, 41, 59, 60
HOTI, BU, BE = 1, 5, 7


def mobility(kind, body, src, dst):
    pad = -(6 + len(body)) % 8
    body += b"" if pad == 0 else bytes([1, pad - 2]) + bytes(pad - 2)
    head = struct.pack("!BBBBH", NONE, (6 + len(body)) // 8 - 1, kind, 0, 0)
    data = head + body
    return data[:4] + struct.pack("!H", checksum(src, dst, MH, data)) + data[6:]


class Things:
    def __init__(self, bubd):
        self.g, self.n = Namespace("g"), Namespace("n")
        g, n = self.g, self.n
        g.sysctl("conf.all.forwarding", 1)
        g.ip("link", "add", "h0", "type", "veth", "peer", "name", "h1")
        g.ip("link", "add", "e0", "type", "veth", "peer", "name", "e0", "netns", n.name)
        for ns, dev in ((g, "h1"), (g, "h0"), (g, "e0"), (n, "e0")):
            ns.ip("link", "set", dev, "up")
        g.ip("addr", "add", f"{AGENT}/64", "dev", "h0", "nodad")
        g.ip("addr", "add", f"{ROUTER}/64", "dev", "e0", "nodad")
        for a in (CARE_OF, PEER):
            n.ip("addr", "add", f"{a}/64", "dev", "e0", "nodad")
        n.ip("route", "add", "default", "via", ROUTER)
        n.link_local("e0")
        self.agent = Daemon(
            bubd, g, 'unprotected = {"binding-updates", "mobility", "prefix-discovery"}\n'
            f'home-agent {{\naddress = "{AGENT}"\nhome-link = "h0"\nprotect-payload = false\n'
            f'prefixes = {{"2001:db8:1::/64"}}\nmobile-node "{HOME}" {{ }}\n}}\n', ("e0", "h0"))
        self.raw = n.inside(lambda: socket.socket(socket.AF_INET6, socket.SOCK_RAW,
                                                  socket.IPPROTO_RAW))
        self.seen = n.capture("e0")

    def send(self, packet):
        self.raw.sendto(packet, (AGENT, 0))

    def drops(self):
        return self.agent.show()["counters"]["drops"]

    def close(self):
        self.agent.close()
        self.raw.close()
        self.seen.close()
        self.g.close()
        self.n.close()


def test_message_is_held(t):
    try:
        wait_for("bubd", lambda: "clients" in t.agent.show())
    except Failure as e:
        raise Failure(f"{e}: {t.agent.tail()}") from e
    update = mobility(BU, struct.pack("!HHH", 1, 0xc000, 150), HOME, AGENT)
    option = hao(HOME, MH)
    t.send(ip6(CARE_OF, AGENT, DSTOPTS, option + update))
    test = ip6(HOME, PEER, MH, mobility(HOTI, b"\0\0" + b"cookie!!", HOME, PEER))
    t.send(ip6(CARE_OF, AGENT, IPV6, test))

    def arrives(packet):
        return packet[6] == MH and packet[8:24] == addr(HOME) and packet[42] == HOTI

    try:
        wait_for("the test message at the peer", lambda: captured(t.seen, arrives))
    except Failure as e:
        drops = {k: v for k, v in t.drops().items() if v}
        raise Failure(f"{e}: {drops}; {t.agent.show()['clients']}; {t.agent.tail()}") from e
    if not t.agent.show()["clients"][0]["registered"]:
        raise Failure("it went ahead of the registration")
    drops = t.drops()
    if drops["held-timeout"] or drops["tunnel-no-binding"]:
        raise Failure(f"dropped: {drops}")


def lost_registration_is_told(t):
    """Data out of a plain tunnel of a mobile node that is not registered here (RFC 6275, 9.3.1)."""
    wait_for("bubd", lambda: "clients" in t.agent.show())
    data = ip6(HOME, PEER, 17, struct.pack("!HHHH", 9, 9, 8, 0))

    def told(packet):
        return packet[6] == MH and packet[24:40] == addr(CARE_OF) and packet[42] == BE

    for _ in range(50):
        t.send(ip6(CARE_OF, AGENT, IPV6, data))
    wait_for("a Binding Error", lambda: captured(t.seen, told))
    wait_for("the limit", lambda: t.drops()["rate-limited"] >= 30)


CASES = [test_message_is_held, lost_registration_is_told]

if __name__ == "__main__":
    sys.exit(main(CASES, Things))
