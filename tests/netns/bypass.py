#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""A home agent that cannot be reached: programs get out directly after a while, and have their home
address again when it answers (direct-when-unreachable).  The portal is a host at the router.

        mobile node m          router r           home agent g
          e0 ------------------- e0   e1 ------------- e0
          2001:db8:b::/64             2001:db8:d::/64   lo: 2001:db8:1::1
                                      portal: 2001:db8:d::1
"""

import os
import socket
import sys

from linux_common import Failure, main, wait_for
from world import AGENT, HOME, Tunnel

PORTAL = "2001:db8:d::1"
AFTER_S = 2


class Portal(Tunnel):
    def __init__(self, bubd):
        super().__init__(bubd)
        self.g.ip("addr", "add", f"{AGENT}/128", "dev", "lo")
        self.server = self.r.inside(
            lambda: socket.create_server((PORTAL, 0), family=socket.AF_INET6))
        self.socks.append(self.server)
        self.start_agent(self.g)

    def start_mobile_with(self, top):
        self.start_mobile(self.m, top, "first-timeout = 200\nkeep-alive = 1\n")

    def block(self):
        """All but the portal."""
        self.r.ip("-6", "rule", "add", "pref", "1", "to", f"{AGENT}/128", "blackhole")

    def unblock(self):
        self.r.ip("-6", "rule", "del", "pref", "1")

    def program(self, bound=False):
        """A connection to the portal; who comes there."""
        s = self.m.inside(lambda: socket.socket(socket.AF_INET6, socket.SOCK_STREAM))
        self.socks.append(s)
        s.settimeout(1)
        if bound:
            s.bind((HOME, 0))
        s.connect(self.server.getsockname()[:2])
        here, who = self.server.accept()
        self.socks.append(here)
        return s, here, who[0]

    def source(self):
        """The address that an unbound socket gets for the portal."""
        s = self.m.inside(lambda: socket.socket(socket.AF_INET6, socket.SOCK_DGRAM))
        try:
            s.connect((PORTAL, 9))
            return s.getsockname()[0]
        finally:
            s.close()

    def home(self):
        return self.mobile.show()["homes"][0]

    def logged(self, words):
        with open(os.path.join(self.mobile.dir, "log"), errors="replace") as f:
            return f.read().count(words)


OUT = (f"no answer from the home agent for {AFTER_S} s: programs that are not bound to {HOME} get out "
       "directly, until it answers")
BACK = f"programs have the home address {HOME} again"


def out_and_back(t):
    """From the start at a portal, then the home agent is there, then it is not."""
    t.block()
    t.start_mobile_with(f"direct-when-unreachable = {AFTER_S}\n")
    wait_for("bubd", t.mobile.show)
    t.router.advertise("2001:db8:b::")
    wait_for("a way out", lambda: t.home()["unbound_direct"])
    care_of = t.home()["care_of"]
    if t.source() != care_of:
        raise Failure(f"{t.source()}, not {care_of}")
    page, served, who = t.program()
    if who != care_of:
        raise Failure(f"came from {who}, not {care_of}")
    try:
        t.program(bound=True)
        raise Failure("what is bound to the home address got out without the home agent")
    except TimeoutError:
        pass
    t.unblock()
    wait_for("a registration", lambda: t.home()["state"] == "registered")
    wait_for("the home address", lambda: t.source() == HOME)
    if t.home()["unbound_direct"]:
        raise Failure(t.home())
    page.sendall(b"still here")  # it keeps the address with which it began
    served.settimeout(5)
    if served.recv(100) != b"still here":
        raise Failure("the connection to the portal")
    if (t.logged(OUT), t.logged(BACK)) != (1, 1):
        raise Failure(t.mobile.tail())


def it_goes_away(t):
    """A connection of the home address waits, and goes on."""
    t.start_mobile_with(f"direct-when-unreachable = {AFTER_S}\n")
    t.register()
    wait_for("the home address", lambda: t.source() == HOME)
    s, served, who = t.program(bound=True)
    if who != HOME:
        raise Failure(who)
    t.block()
    wait_for("a way out", lambda: t.home()["unbound_direct"])
    wait_for("another source", lambda: t.source() == t.home()["care_of"])
    s.sendall(b"into the tunnel")
    t.unblock()
    wait_for("the home address again", lambda: t.source() == HOME)
    served.settimeout(30)
    if served.recv(100) != b"into the tunnel":
        raise Failure("the connection of the home address")


def off_by_default(t):
    t.block()
    t.start_mobile_with("")
    wait_for("bubd", t.mobile.show)
    t.router.advertise("2001:db8:b::")
    wait_for("words about it", lambda: t.home()["trouble"])
    if t.source() != HOME or t.home()["unbound_direct"]:
        raise Failure(f"{t.source()}: {t.home()}")


if __name__ == "__main__":
    sys.exit(main([out_and_back, it_goes_away, off_by_default], Portal))
