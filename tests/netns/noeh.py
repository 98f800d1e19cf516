#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""Routers on the direct path between two mobile nodes that drop type 2 routing headers, Home Address
options or Mobility Headers: how long data is away, and that none is lost afterwards.

  noeh.py BUBD [CASE]
  noeh.py BUBD measure     prints a table of all filters instead
"""

import itertools
import socket
import sys
import threading
import time

from linux_common import Failure, Router, main, remains, soon, wait_for
from world import AGENT, HOME_PREFIX, World

HOMES = ("2001:db8:1::10", "2001:db8:1::11")
PORT = 7000
INTERVAL_S = 0.01
MATCH = {"rh2": "rt type 2", "hao": "exthdr dst exists", "mh": "exthdr mh exists"}
ALONE = [(one,) for one in MATCH]
WAYS = {"out": [(0, 1)], "in": [(1, 0)], "both": [(0, 1), (1, 0)]}


class Stream:
    """Datagrams both ways at a steady rate; when each number came is kept for each end."""

    def __init__(self, ends):
        self.ends, self.ended, self.number = ends, False, 0
        self.came, self.sent = [{}, {}], {}
        self.threads = [threading.Thread(target=self.write, daemon=True)]
        for i in range(2):
            ends[i].settimeout(0.5)
            self.threads.append(threading.Thread(target=self.read, args=(i,), daemon=True))
        for t in self.threads:
            t.start()

    def write(self):
        while not self.ended:
            self.sent[self.number] = time.monotonic()
            for s in self.ends:
                try:
                    s.send(b"%d" % self.number)
                except OSError:
                    pass  # no way there for the moment
            self.number += 1
            time.sleep(INTERVAL_S)

    def read(self, i):
        while not self.ended:
            try:
                number = int(self.ends[i].recv(100))
            except OSError:
                continue
            self.came[i].setdefault(number, time.monotonic())

    def stop(self):
        self.ended = True
        for t in self.threads:
            t.join()

    def arrives(self, i, since):
        """The first number after @since from which on 20 in a row have come to end @i."""
        row = 0
        for number in range(since, self.number):
            row = row + 1 if number in self.came[i] else 0
            if row == 20:
                return number - 19
        return None

    def away_s(self, i, since):
        """For how long data for end @i was lost, which was sent from @since on."""
        first = wait_for(f"data at {i}", lambda: self.arrives(i, since))
        return self.sent[first] - self.sent[since]

    def lost(self, i, since, until):
        return sum(n not in self.came[i] for n in range(since, until))


class Path(World):
    """
        mobile nodes m and n        router r           home agent g
          e0 ------------------- e0, e1   e2 ------------- e0
          2001:db8:b0::/64, 2001:db8:c0::/64     2001:db8:d::/64
    """

    def __init__(self, bubd, more=""):
        super().__init__(bubd, "mnrg")
        self.m, self.n, self.r, self.g = m, n, r, g = self.namespaces
        for ns in (r, g):
            ns.sysctl("conf.all.forwarding", 1)
        self.routers, self.prefix = [], [0xb0, 0xc0]
        for ns, dev in ((m, "e0"), (n, "e1"), (g, "e2")):
            self.join(r, dev, ns)
        r.ip("addr", "add", "2001:db8:d::1/64", "dev", "e2", "nodad")
        g.ip("addr", "add", "2001:db8:d::2/64", "dev", "e0", "nodad")
        g.ip("addr", "add", f"{AGENT}/128", "dev", "lo")
        r.ip("route", "add", HOME_PREFIX, "via", "2001:db8:d::2")
        g.ip("route", "add", "default", "via", "2001:db8:d::1")
        for ns, dev in ((m, "e0"), (n, "e1")):
            ns.link_local("e0")
            self.routers.append(Router(r, dev))
            self.socks.append(self.routers[-1].sock)
            self.add_prefix(len(self.routers) - 1)
        nodes = "".join(f'mobile-node "{home}" {{ secret-file = "secret" }}\n' for home in HOMES)
        self.agent = self.daemon(
            g, f'home-agent {{\naddress = "{AGENT}"\nprefixes = {{"{HOME_PREFIX}"}}\n{nodes}}}\n')
        self.mobiles = [
            self.daemon(ns, f'{more}mobile-node {{\nhome-address = "{home}/64"\n'
                        f'home-agent = "{AGENT}"\nsecret-file = "secret"\n}}\n')
            for ns, home in zip((m, n), HOMES)]
        r.exec("nft", "add table ip6 f; add chain ip6 f c {type filter hook forward priority 0;}")
        wait_for("bubd", lambda: all(daemon.show() for daemon in self.daemons))

    def text(self, i):
        return f"2001:db8:{self.prefix[i]:x}::"

    def add_prefix(self, i):
        self.r.ip("addr", "add", f"{self.text(i)}1/64", "dev", f"e{i}", "nodad")

    def care_of(self, i):
        return self.mobiles[i].show()["homes"][0]["care_of"]

    def begin(self, mode):
        """Both are away, and in @mode with each other."""
        for i in range(2):
            self.routers[i].advertise(self.text(i))
        for i in range(2):
            wait_for("a registration",
                     lambda i=i: self.mobiles[i].show()["homes"][0]["state"] == "registered")
        self.stream = Stream([self.udp(ns, HOMES[i], HOMES[1 - i])
                              for i, ns in enumerate((self.m, self.n))])
        wait_for(mode, lambda: all(self.peer(i)["mode"] == mode for i in range(2)))

    def udp(self, ns, here, there):
        s = ns.inside(lambda: socket.socket(socket.AF_INET6, socket.SOCK_DGRAM))
        self.socks.append(s)
        s.bind((here, PORT))
        s.connect((there, PORT))
        return s

    def peer(self, i):
        return (self.mobiles[i].show().get("peers") or [{"mode": ""}])[0]

    def drop(self, headers, ways):
        """Between the links of the two, from now on."""
        for (here, there), header in itertools.product(WAYS[ways], headers):
            self.r.exec("nft", f"add rule ip6 f c iifname e{here} oifname e{there} "
                        f"{MATCH[header]} counter drop")

    def drop_nothing(self):
        self.r.exec("nft", "flush chain ip6 f c")

    def move(self, i):
        """To another network; the number of the first datagram that is sent there."""
        ns, before = (self.m, self.n)[i], self.care_of(i)
        self.prefix[i] += 1
        self.add_prefix(i)
        self.r.ip("route", "add", "blackhole", f"{before}/128")
        ns.ip("addr", "del", f"{before}/64", "dev", "e0")
        wait_for("the end of the address", lambda: not self.care_of(i))
        self.routers[i].advertise(self.text(i))
        wait_for("a care-of address", lambda: self.care_of(i), 60)
        return self.stream.number

    def close(self):
        if hasattr(self, "stream"):
            self.stream.stop()
        super().close()


def measure(bubd):
    remains.begin()
    combinations = ALONE + [("rh2", "hao"), tuple(MATCH)]
    for mode, headers, ways in itertools.product(("bub", "ro"), combinations, WAYS):
        path = Path(bubd, "" if mode == "bub" else "bub { policy = never }\n")
        try:
            row = [mode, "+".join(headers), ways]
            path.begin(mode)
            path.drop(headers, ways)
            since = path.move(0)
            time.sleep(12)
            path.stream.stop()
            for i in range(2):
                first = path.stream.arrives(i, since)
                row.append("never" if first is None else
                           f"{path.stream.sent[first] - path.stream.sent[since]:.2f}")
            last = path.stream.number - 100
            row += [str(path.stream.lost(i, since, last)) for i in range(2)]
            row += [str(path.peer(i).get("path")) + "/" + str(path.peer(i).get("reason")) for i in range(2)]
            print("\t".join(row), flush=True)
        finally:
            path.close()


def path_is(t, i, want):
    return t.peer(i)["path"] == want


def found(t, headers):
    """With one of the filters on its way a mover's data, and that of its peer, is away for less than
    a second, and then none is lost; what is not filtered goes directly."""
    t.begin("bub")
    for ways, closed in WAYS.items():
        def once():
            t.drop(headers, ways)
            since = t.move(0)
            took = [t.stream.away_s(i, since) for i in range(2)]
            for i in range(2):
                # The end whose direction is closed sends through the home agents.
                if headers != ("mh",):
                    want = "tunnel" if any(i == here for here, _ in closed) else "direct"
                    wait_for(f"{want} from {i}, {headers} {ways}", lambda i=i: path_is(t, i, want))
            begin = t.stream.number
            wait_for("more data", lambda: t.stream.number > begin + 200)
            t.drop_nothing()
            for i in range(2):
                if t.stream.lost(i, begin, begin + 100):
                    raise Failure(f"data for {i} is lost, {headers} {ways}")
            t.move(0)
            for i in range(2):
                wait_for("a direct path again", lambda i=i: path_is(t, i, "direct"))
            return took

        soon(f"data with {headers} {ways}", once, (1, 1))


def no_rh2(t):
    found(t, ("rh2",))


def no_hao(t):
    found(t, ("hao",))


def no_mh(t):
    found(t, ("mh",))


def none_of_them(t):
    found(t, tuple(MATCH))


if __name__ == "__main__":
    if sys.argv[2:] == ["measure"]:
        measure(sys.argv[1])
    else:
        sys.exit(main([no_rh2, no_hao, no_mh, none_of_them], Path))
