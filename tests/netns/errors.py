#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""What applications hear of ICMPv6 errors about the direct path, where routers see care-of
addresses only (RFC 6275, 9.3.4 and 11.3.5): three daemons, real packets, real sockets.

        mobile node m       home agent and router g       correspondent c
          e0 ------------------- e0   e1 ------------------- e0
          2001:db8:b::/64        lo: 2001:db8:1::1           2001:db8:c::5/64
"""

import errno
import os
import socket
import struct
import sys

from linux_common import Failure, main, wait_for
from world import HOME, Correspondence

PEER = Correspondence.PEER
CLOSED_PORT = 9

# Of Linux, not in Python's socket module.
IPV6_MTU_DISCOVER, IPV6_PMTUDISC_DO, IPV6_RECVERR = 23, 2, 25
SO_EE_ORIGIN_ICMP6 = 3


class Things(Correspondence):
    def __init__(self, bubd):
        super().__init__(bubd)
        self.g.sysctl("icmp.ratelimit", 0)
        self.start()
        self.here = self.udp(self.m, HOME, PEER)
        self.there = self.udp(self.c, PEER, HOME, port=self.here.getsockname()[1])
        self.here.connect((PEER, self.there.getsockname()[1]))
        try:
            wait_for("a direct path", self.is_direct)
        except Failure as e:
            raise Failure(f"{e}: {self.mobile.show()}, {self.mobile.tail()}") from e

    def udp(self, ns, local, peer, port=CLOSED_PORT):
        s = ns.inside(lambda: socket.socket(socket.AF_INET6, socket.SOCK_DGRAM))
        s.bind((local, 0))
        s.setsockopt(socket.IPPROTO_IPV6, IPV6_RECVERR, 1)
        s.setsockopt(socket.IPPROTO_IPV6, IPV6_MTU_DISCOVER, IPV6_PMTUDISC_DO)
        s.setblocking(False)
        s.connect((peer, port))
        self.socks.append(s)
        return s

    def is_direct(self):
        self.here.send(b"data")
        peers = self.mobile.show()["peers"]
        return peers and peers[0]["mode"] == "ro" and peers[0]


def next_error(sock):
    """(errno, info, the destination, who said so) of an ICMPv6 error that waits for @sock."""
    try:
        _, anc, _, to = sock.recvmsg(2048, 512, socket.MSG_ERRQUEUE)
    except BlockingIOError:
        return None
    for level, kind, data in anc:
        if (level, kind) == (socket.IPPROTO_IPV6, IPV6_RECVERR):
            err, origin, _, _, _, info, _ = struct.unpack_from("=IBBBBII", data)
            if origin == SO_EE_ORIGIN_ICMP6:
                return err, info, to[0], socket.inet_ntop(socket.AF_INET6, data[24:40])
    return None


def hears(sock, payload=b"data"):
    """Sends until an error comes back."""
    def once():
        try:
            sock.send(payload)
        except OSError:  # the error of a packet before
            pass
        return next_error(sock)

    return wait_for("an error", once)


def routers_are_heard(t):
    # The way to the correspondent: from the mobile node with a Home Address option.
    t.g.ip("route", "add", "unreachable", PEER)
    heard = hears(t.here)
    if heard != (errno.ENETUNREACH, 0, PEER, "2001:db8:b::1"):
        raise Failure(f"{os.strerror(heard[0])}: {heard}")
    t.g.ip("route", "del", "unreachable", PEER)
    # And back, with a type 2 routing header.
    care_of = t.mobile.show()["homes"][0]["care_of"]
    t.g.ip("route", "add", "prohibit", care_of)
    heard = hears(t.there)
    if heard != (errno.EACCES, 0, HOME, "2001:db8:c::1"):
        raise Failure(f"{os.strerror(heard[0])}: {heard}")
    t.g.ip("route", "del", "prohibit", care_of)
    wait_for("the direct path again", t.is_direct)
    t.mobile.stop()


def closed_port(t):
    s = t.udp(t.m, HOME, PEER)
    heard = hears(s)
    if heard != (errno.ECONNREFUSED, 0, PEER, PEER):
        raise Failure(f"{os.strerror(heard[0])}: {heard}")


def sizes_are_heard(t):
    """What fits the path, less the Home Address option's header; once the route knows as well."""
    t.g.ip("link", "set", "e1", "mtu", "1400")
    heard = hears(t.here, bytes(1380 - 48))
    if heard != (errno.EMSGSIZE, 1376, PEER, "2001:db8:b::1"):
        raise Failure(f"{os.strerror(heard[0])}: {heard}")
    if "mtu 1376" not in t.m.ip("-6", "route", "get", PEER, "from", HOME):
        raise Failure("the route does not know")


CASES = [routers_are_heard, closed_port, sizes_are_heard]

if __name__ == "__main__":
    sys.exit(main(CASES, Things))
