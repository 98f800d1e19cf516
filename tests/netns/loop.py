#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""Two accounts at two home agents, each with the other one's home address as its care-of address: a
tunnel that leads into itself (RFC 2473, 4.1.2).  Real daemons, real packets.

        home agent a          router r          home agent b
          e0 ------------------ e0 e1 ------------------ e0
          lo: 2001:db8:1::1     e2              lo: 2001:db8:2::1
                                |
                          mobile node m, which has both accounts

The mobile node sits where both of its home addresses are, registers with both, and goes away.
"""

import re
import sys

from daemon import Daemon
from linux_common import Failure, Namespace, main, wait_for

AGENTS = ("2001:db8:1::1", "2001:db8:2::1")
HOMES = ("2001:db8:1::10", "2001:db8:2::20")
PACKETS = 20
MOST = 8  # times that one packet may go through a tunnel


class Things:
    def __init__(self, bubd):
        self.bubd = bubd
        self.r = Namespace("r")
        self.ha = [Namespace("a"), Namespace("b")]
        self.m = [Namespace("m"), Namespace("n")]
        self.daemons = []
        self.r.sysctl("conf.all.forwarding", 1)
        for i, g in enumerate(self.ha):
            g.sysctl("conf.all.forwarding", 1)
            self.r.ip("link", "add", f"e{i}", "type", "veth", "peer", "name", "e0", "netns", g.name)
            self.r.ip("link", "set", f"e{i}", "up")
            g.ip("link", "set", "e0", "up")
            self.r.ip("addr", "add", f"2001:db8:d{i}::1/64", "dev", f"e{i}", "nodad")
            g.ip("addr", "add", f"2001:db8:d{i}::2/64", "dev", "e0", "nodad")
            g.ip("addr", "add", f"{AGENTS[i]}/128", "dev", "lo")
            g.ip("route", "add", "default", "via", f"2001:db8:d{i}::1")
            self.r.ip("route", "add", f"2001:db8:{i + 1}::/64", "via", f"2001:db8:d{i}::2")
        # Each account on a link where the other account's home address is reached.
        for i, m in enumerate(self.m):
            dev, care_of = f"m{i}", HOMES[1 - i]
            self.r.ip("link", "add", dev, "type", "veth", "peer", "name", "e0", "netns", m.name)
            m.sysctl("conf.e0.router_solicitation_delay", 0)
            self.r.ip("link", "set", dev, "up")
            m.ip("link", "set", "e0", "up")
            self.r.ip("addr", "add", f"fe80::{i + 1}/64", "dev", dev, "nodad")
            m.link_local("e0")
            m.ip("addr", "add", f"{care_of}/128", "dev", "e0", "nodad")
            m.ip("route", "add", "default", "via", f"fe80::{i + 1}", "dev", "e0")
            self.r.ip("route", "add", f"{care_of}/128", "dev", dev)

    def start(self, protect):
        extra = "" if protect else "protect-payload = false\n"
        for i, ns in enumerate(self.ha):
            self.daemons.append(Daemon(
                self.bubd, ns, f'route-optimisation = never\nhome-agent {{\n{extra}'
                f'address = "{AGENTS[i]}"\nprefixes = {{"2001:db8:{i + 1}::/64"}}\n'
                f'mobile-node "{HOMES[i]}" {{ secret-file = "secret" }}\n}}\n'))
        for i, ns in enumerate(self.m):
            self.daemons.append(Daemon(
                self.bubd, ns, f'route-optimisation = never\nprefix-discovery = false\n'
                f'mobile-node {{\n{extra}home-address = "{HOMES[i]}/64"\n'
                f'home-agent = "{AGENTS[i]}"\nsecret-file = "secret"\n}}\n'))
        wait_for("bubd", lambda: all("clients" in d.show() for d in self.daemons))
        for i, d in enumerate(self.daemons[:2]):
            try:
                wait_for(f"account {i} to be registered",
                         lambda d=d: d.show()["clients"][0]["care_of"] == HOMES[1 - HOMES.index(
                             d.show()["clients"][0]["home"])])
            except Failure as e:
                raise Failure(f"{e}: {self.daemons[2 + i].show()['homes']}; "
                              f"{self.daemons[2 + i].tail()}") from e
        # Gone without a word: what is sent to either home address goes to the other home agent.
        for d in self.daemons[2:]:
            d.proc.kill()
            d.proc.wait()
        for i in range(2):
            self.r.ip("link", "del", f"m{i}")

    def tunnelled(self):
        return [d.show()["counters"]["engine"]["tunnel-out"] for d in self.daemons[:2]]

    def sent(self):
        """Packets that left the home agents, by the kernel's count."""
        return sum(int(re.search(r"TX:.*\n\s*\d+\s+(\d+)", ns.ip("-s", "link", "show", "e0"))[1])
                   for ns in self.ha)

    def storm(self, size):
        """Twenty packets of @size octets; returns how many the home agents made of them."""
        before = self.tunnelled(), self.sent()
        self.r.exec("ping", "-6", "-i", "0.01", "-c", str(PACKETS), "-W", "1", "-s", str(size - 48),
                    HOMES[0], check=False)
        quiet = [None]

        def still():
            now = self.sent()
            same = now == quiet[0]
            quiet[0] = now
            return same

        wait_for("the last of them", lambda: still() and still() and still())
        after = self.tunnelled()
        return sum(after) - sum(before[0]), self.sent() - before[1]

    def close(self):
        for d in self.daemons:
            d.close()
        for ns in (self.r, *self.ha, *self.m):
            ns.close()


def bounded(t, protect, *reasons):
    t.start(protect)
    for size in (100, 1000, 1280, 1400):
        tunnelled, sent = t.storm(size)
        print(f"# {PACKETS} packets of {size} octets: {tunnelled} tunnelled, {sent} sent",
              flush=True)
        # The sender may hear that it has to cut those above 1,280 octets.
        most = PACKETS * MOST * (2 if size > 1280 else 1)
        if tunnelled > most or sent > 2 * most:
            raise Failure(f"{PACKETS} packets of {size} octets became {tunnelled}, {sent} sent")
    drops = [sum(d.show()["counters"]["drops"][r] for d in t.daemons[:2]) for r in reasons]
    if not any(drops):
        raise Failure(f"nothing was counted: {drops}")
    for d in t.daemons[:2]:
        if d.proc.poll() is not None:
            raise Failure(d.tail())


def loop_in_esp(t):
    bounded(t, True, "tunnel-limit")


def loop_without_esp(t):
    bounded(t, False, "tunnel-loop", "tunnel-limit")


CASES = [loop_in_esp, loop_without_esp]

if __name__ == "__main__":
    sys.exit(main(CASES, Things))
