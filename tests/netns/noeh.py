#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""Routers on the direct path between two mobile nodes that drop type 2 routing headers, Home Address
options or Mobility Headers: how long data is away, and that none is lost afterwards.

  noeh.py BUBD [CASE]
  noeh.py BUBD measure     prints a table of all filters instead
"""

import itertools
import socket
import subprocess
import sys
import tempfile
import threading
import time

from linux_common import Failure, Router, main, remains, run, soon, wait_for
from world import AGENT, HOME_PREFIX, World, transfer

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


class Capture:
    """What tshark makes of what goes over @dev of @ns: port, checksum, and address inside."""

    def __init__(self, ns, dev):
        self.file = tempfile.NamedTemporaryFile(suffix=".pcap")
        self.proc = ns.popen("tcpdump", "-i", dev, "-U", "-s", "200", "-w", self.file.name,
                             "udp port 62191", stderr=subprocess.PIPE)
        self.proc.stderr.readline()

    def stop(self):
        self.proc.terminate()
        self.proc.wait()
        out = run("tshark", "-r", self.file.name, "-d", "udp.port==62191,ipv6", "-T", "fields", "-e",
                  "udp.dstport", "-e", "udp.checksum", "-e", "ipv6.src", "-E", "occurrence=a")
        self.file.close()
        rows = [line.split("\t") for line in out.splitlines()]
        return [[r[0].split(",")[0], r[1].split(",")[0], r[2].split(",")[-1]] for r in rows]


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

    def capture(self):
        return Capture(self.r, "e1")

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
        path = Path(bubd, "" if mode == "bub" else NO_BUB)
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


WHY = {"headers": ("both ends agreed on BUB", "route optimisation"),
       "udp": ("BUB, in UDP: the direct path drops the headers of data",)}
NO_BUB = "bub { policy = never }\n"
NO_UDP = "bub { direct-udp-port = 0 }\n"


def goes(t, i, want):
    """Data of node @i takes that way: headers, udp, or tunnel."""
    peer = t.peer(i)
    if want == "tunnel":
        return peer["path"] == want
    return peer["path"] == "direct" and peer["why"] in WHY[want]


def loses_nothing(t, what):
    begin = t.stream.number
    wait_for("more data", lambda: t.stream.number > begin + 200)
    for i in range(2):
        if t.stream.lost(i, begin, begin + 100):
            raise Failure(f"data for {i} is lost, {what}")


def found(t, headers, instead):
    """With one of the filters on its way a mover's data, and that of its peer, is away for less than
    a second, and then none is lost; what is not filtered keeps its headers.

    @instead  the way of an end whose direction is closed
    """
    t.begin("bub")
    for ways, closed in WAYS.items():
        def once():
            t.drop(headers, ways)
            since = t.move(0)
            took = [t.stream.away_s(i, since) for i in range(2)]
            for i in range(2):
                if headers != ("mh",):
                    want = instead if any(i == here for here, _ in closed) else "headers"
                    wait_for(f"{want} from {i}, {headers} {ways}", lambda i=i: goes(t, i, want))
            loses_nothing(t, f"{headers} {ways}")
            t.drop_nothing()
            t.move(0)
            for i in range(2):
                wait_for("headers again", lambda i=i: goes(t, i, "headers"))
            return took

        soon(f"data with {headers} {ways}", once, (1, 1))


def under_kbm(things):
    """Without a key of BUB mode: from the first packet on none is lost where all is dropped from the
    beginning, and it goes directly when that ends; behind a filter that a mover meets data is away
    for a second."""
    t = things.open(NO_BUB)
    t.drop(("rh2", "hao"), "both")
    t.begin("ro")
    loses_nothing(t, "at first contact")
    for i in range(2):
        wait_for("the tunnel", lambda i=i: t.peer(i)["direct_path"] == "filtered")
        if not goes(t, i, "tunnel"):
            raise Failure(f"{t.peer(i)}")
    t.drop_nothing()
    for i in range(2):
        wait_for("headers", lambda i=i: goes(t, i, "headers"), 100)
    loses_nothing(t, "nothing is dropped any more")
    for ways, closed in WAYS.items():
        def once():
            t.drop(("rh2", "hao"), ways)
            since = t.move(0)
            took = [t.stream.away_s(i, since) for i in range(2)]
            for i in range(2):
                want = "tunnel" if any(i == here for here, _ in closed) else "headers"
                wait_for(f"{want} from {i}, {ways}", lambda i=i: goes(t, i, want))
            loses_nothing(t, f"under Kbm, {ways}")
            t.drop_nothing()
            t.move(0)
            for i in range(2):
                wait_for("headers again", lambda i=i: goes(t, i, "headers"))
            return took

        soon(f"data under Kbm, {ways}", once, (1.5, 1.5))


class Things:
    """What a case has asked for."""

    def __init__(self, bubd):
        self.bubd, self.path = bubd, None

    def open(self, more=""):
        self.path = Path(self.bubd, more)
        return self.path

    def close(self):
        if self.path is not None:
            self.path.close()


def no_rh2(things):
    found(things.open(), ("rh2",), "udp")


def none_of_them(things):
    found(things.open(), tuple(MATCH), "udp")


def no_rh2_nor_udp(things):
    found(things.open(NO_UDP), ("rh2",), "tunnel")


def no_hao_nor_udp(things):
    found(things.open(NO_UDP), ("hao",), "tunnel")


def no_mh_nor_udp(things):
    found(things.open(NO_UDP), ("mh",), "tunnel")


def none_of_them_nor_udp(things):
    found(things.open(NO_UDP), tuple(MATCH), "tunnel")


def stream_over_it(things):
    """TCP that goes on while the path changes from headers to UDP and back, and is not cut short by a
    packet that is too large for it.  The octets on the wire are what docs/protocol.md says."""
    t = things.open()
    t.begin("bub")
    capture = t.capture()
    server = t.n.inside(lambda: socket.create_server((HOMES[1], 0), family=socket.AF_INET6))
    client = t.m.inside(lambda: socket.socket(socket.AF_INET6, socket.SOCK_STREAM))
    t.socks += [server, client]
    client.bind((HOMES[0], 0))
    client.settimeout(30)
    client.connect(server.getsockname()[:2])
    there, _ = server.accept()
    there.settimeout(30)
    t.socks.append(there)
    for headers in (MATCH, (), MATCH):
        t.drop_nothing()
        t.drop(headers, "both")
        t.move(0)
        transfer(client, there, 1 << 22)
        transfer(there, client, 1 << 22)
        for i in range(2):
            wait_for(f"the way without {headers}",
                     lambda i=i: goes(t, i, "udp" if headers else "headers"))
        transfer(client, there, 1 << 22)
        transfer(there, client, 1 << 22)
    for i in range(2):
        data = t.mobiles[i].counters()
        if min(data["data-out-udp"], data["data-in-udp"]) < 100 or data.get("data-too-big"):
            raise Failure(f"node {i} has counted {data}")
    rows = capture.stop()
    if not any(row[:3] == ["62191", "0x0000", HOMES[0]] for row in rows):
        raise Failure(f"tshark sees no such packet among {len(rows)}")


def small_link_behind(things):
    """A router tells of a smaller link, and quotes what went in UDP."""
    t = things.open()
    t.r.ip("link", "set", "e1", "mtu", "1380")
    t.n.ip("link", "set", "e0", "mtu", "1380")
    t.begin("bub")
    t.drop(MATCH, "both")
    t.move(0)
    for i in range(2):
        wait_for("UDP", lambda i=i: goes(t, i, "udp"))
    if "mtu 1332" in t.m.ip("-6", "route", "show", "table", "all"):
        raise Failure("it is known already")

    def passes():
        return " 0% packet loss" in t.m.exec(
            "ping", "-6", "-n", "-c", "1", "-W", "1", "-s", "1300", "-I", HOMES[0], HOMES[1],
            check=False)

    wait_for("a packet in two pieces", passes)
    if "mtu 1332" not in t.m.ip("-6", "route", "show", "table", "all"):
        raise Failure("the route has not the MTU of the path: "
                      + t.m.ip("-6", "route", "show", "table", "all"))
    if not all(goes(t, i, "udp") for i in range(2)):
        raise Failure("it did not go in UDP")


def udp_is_dropped_too(things):
    """Data goes through the home agents, and directly again when something passes."""
    t = things.open()
    t.begin("bub")
    t.drop(MATCH, "both")
    t.r.exec("nft", "add rule ip6 f c meta l4proto udp udp dport 62191 counter drop")
    since = t.move(0)
    for i in range(2):
        t.stream.away_s(i, since)
        wait_for("the tunnel", lambda i=i: goes(t, i, "tunnel"))
    loses_nothing(t, "neither headers nor UDP")


if __name__ == "__main__":
    if sys.argv[2:] == ["measure"]:
        measure(sys.argv[1])
    else:
        sys.exit(main([no_rh2, none_of_them, no_rh2_nor_udp, no_hao_nor_udp, no_mh_nor_udp,
                       none_of_them_nor_udp, stream_over_it, small_link_behind,
                       udp_is_dropped_too, under_kbm], Things))
