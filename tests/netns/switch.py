#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""A mobile node under traffic is sent from one home agent to another of the same home link, and back
(RFC 5142; docs/protocol.md, 9.6).  The two share nothing but the link.

        mobile node m      router r                    home agents g and k
          e0 ---------------- e0   br0 --- home link --- e0  2001:db8:1::1, ::2
          2001:db8:b::/64     e2 ------- e0 correspondent c 2001:db8:c::2, which runs bubd
                              e3 ------- e0 correspondent d 2001:db8:d::2, which does not

  BUBCTL=PATH switch.py BUBD [CASE]...
"""

import os
import socket
import sys
import threading
import time

from linux_common import Failure, main, wait_for
from world import AGENT, HOME, HOME_PREFIX, World

OTHER = "2001:db8:1::2"
DIRECT, TUNNELLED = "2001:db8:c::2", "2001:db8:d::2"
PORTS = {DIRECT: 9000, TUNNELLED: 9001}
EVERY_S = 0.01
GAP_MAX_S = 10  # on a busy machine; what it was is told


class Flow:
    """Numbered datagrams both ways between the home address and @address, and when they came."""

    def __init__(self, home, ns, address):
        self.over, self.sent, self.threads = False, 0, []
        self.came = {"there": {}, "back": {}}
        port = PORTS[address]
        self.here, self.far = (at.inside(lambda a=a: self.bound(a, port))
                               for at, a in ((home, HOME), (ns, address)))
        self.here.connect((address, port))
        self.far.connect((HOME, port))

    @staticmethod
    def bound(address, port):
        s = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
        s.settimeout(0.2)
        s.bind((address, port))
        return s

    def start(self):
        self.threads = [threading.Thread(target=self.send)] + [
            threading.Thread(target=self.receive, args=a)
            for a in ((self.far, self.came["there"]), (self.here, self.came["back"]))]
        for thread in self.threads:
            thread.start()

    def send(self):
        while not self.over:
            self.sent += 1
            for s in (self.here, self.far):
                try:
                    s.send(str(self.sent).encode())
                except OSError:
                    pass  # an ICMPv6 error about one before
            time.sleep(EVERY_S)

    def receive(self, s, came):
        while not self.over:
            try:
                came[int(s.recv(64))] = time.monotonic()
            except OSError:
                continue

    def goes_on(self):
        """What is sent from now on arrives, both ways."""
        since = self.sent + 1
        wait_for("datagrams both ways", lambda: all(
            any(n >= since for n in list(came)) for came in self.came.values()))

    def stop(self):
        """All that was sent has had its time to arrive."""
        last = self.sent
        try:
            wait_for("the rest", lambda: all(max(came) >= last for came in self.came.values()))
        finally:
            self.over = True
            for thread in self.threads:
                thread.join()

    def lost(self, way):
        """Of those up to the last that arrived."""
        came = self.came[way]
        return max(came) - len(came)

    def gap(self, way):
        times = sorted(self.came[way].values())
        return max(b - a for a, b in zip(times, times[1:]))

    def close(self):
        self.over = True
        for thread in self.threads:
            if thread.is_alive():
                thread.join()
        self.here.close()
        self.far.close()


class Things(World):
    def __init__(self, bubd):
        super().__init__(bubd, "mrgkcd")
        self.m, self.r, self.g, self.k, self.c, self.d = self.namespaces
        self.flows, self.agreed = [], False
        r = self.r
        r.sysctl("conf.all.forwarding", 1)
        r.ip("link", "add", "br0", "type", "bridge")
        r.ip("link", "set", "br0", "up")
        self.join(r, "e0", self.m)
        r.ip("addr", "add", "2001:db8:b::1/64", "dev", "e0", "nodad")
        for ns, dev, address in ((self.g, "p0", AGENT), (self.k, "p1", OTHER)):
            self.join(r, dev, ns)
            r.ip("link", "set", dev, "master", "br0")
            ns.sysctl("conf.all.forwarding", 1)
            ns.ip("addr", "add", f"{address}/64", "dev", "e0", "nodad")
            ns.ip("route", "add", "default", "via", "2001:db8:1::ffff")
        r.ip("addr", "add", "2001:db8:1::ffff/64", "dev", "br0", "nodad")
        for ns, dev, address in ((self.c, "e2", DIRECT), (self.d, "e3", TUNNELLED)):
            self.join(r, dev, ns)
            net = address[:-1]
            r.ip("addr", "add", f"{net}1/64", "dev", dev, "nodad")
            ns.ip("addr", "add", f"{address}/64", "dev", "e0", "nodad")
            ns.ip("route", "add", "default", "via", f"{net}1")
        self.visited_by(r, "e0", self.m)

    def close(self):
        for flow in self.flows:
            flow.close()
        super().close()

    def start_agent_at(self, ns, address):
        return self.daemon(ns, f'home-agent {{\naddress = "{address}"\nhome-link = "e0"\n'
                               f'prefixes = {{"{HOME_PREFIX}"}}\n'
                               f'mobile-node "{HOME}" {{ {self.proof("psk-file")} }}\n}}\n')

    def proof(self, psk):
        """What the two ends know each other by."""
        return f'{psk if self.agreed else "secret-file"} = "secret"'

    def start_listed(self):
        own = self.proof("keys { psk-file") + (" }" if self.agreed else "")
        self.mobile = self.daemon(
            self.m, f'mobile-node {{\nhome-address = "{HOME}/64"\n'
                    f'home-agent = {{"{AGENT}", "{OTHER}"}}\nfirst-timeout = 500\nkeep-alive = 1\n'
                    f'{own}\n}}\n')

    def flow(self, ns, address):
        self.flows.append(Flow(self.m, ns, address))
        self.flows[-1].start()
        return self.flows[-1]

    def home(self):
        return self.mobile.show()["homes"][0]

    def registered_at(self, address):
        def is_there():
            home = self.home()
            return home["state"] == "registered" and home["home_agent"] == address
        try:
            wait_for(f"a registration at {address}", is_there)
        except Failure as e:
            logs = " ".join(daemon.tail() for daemon in self.daemons)
            raise Failure(f"{e}: {self.home()}; {logs}") from e

    def start(self):
        """Both home agents, a correspondent with route optimisation, traffic by both ways."""
        self.agent = self.start_agent_at(self.g, AGENT)
        self.other = self.start_agent_at(self.k, OTHER)
        self.daemon(self.c, "")
        self.start_listed()
        self.register()
        self.registered_at(AGENT)
        direct, tunnelled = self.flow(self.c, DIRECT), self.flow(self.d, TUNNELLED)
        wait_for("a direct path", lambda: any(
            peer["peer"] == DIRECT and peer["mode"] == "ro"
            for peer in self.mobile.show()["peers"]))
        for flow in (direct, tunnelled):
            flow.goes_on()
            flow.stop()
        # Anew: what came before the direct path does not count.
        self.flows = []
        for flow in (direct, tunnelled):
            flow.close()
        return self.flow(self.c, DIRECT), self.flow(self.d, TUNNELLED)


def told(what, flow):
    ways = ", ".join(f"{way} {flow.lost(way)} lost, longest gap {flow.gap(way) * 1000:.0f} ms"
                     for way in ("there", "back"))
    print(f"# {what}: {flow.sent} datagrams each way; {ways}", flush=True)


def nothing_is_lost_directly(flow):
    for way in ("there", "back"):
        if flow.lost(way) > 0:
            raise Failure(f"{flow.lost(way)} lost on the direct path, {way}")


def sent_there_and_back(t):
    direct, tunnelled = t.start()
    for flow in (direct, tunnelled):
        flow.goes_on()
    answer = t.agent.ask("switch", home="all", to=[OTHER])
    if answer.get("to_ask") != 1:
        raise Failure(answer)
    t.registered_at(OTHER)
    for flow in (direct, tunnelled):
        flow.goes_on()
    wait_for("the answer", lambda: t.agent.ask("switch")["gone"] == 1)
    there = t.agent.ask("switch")
    if there["running"] or there["silent"] or there["stayed"]:
        raise Failure(there)
    if t.agent.show()["clients"][0]["switched"] != "gone":
        raise Failure(t.agent.show()["clients"])
    # And back, as an operator does it.
    said = t.k.exec(os.environ["BUBCTL"], "-s", t.other.sock, "switch", HOME, "to", AGENT)
    if said != "asked 1, gone 1, silent 0\n":
        raise Failure(said)
    t.registered_at(AGENT)
    for flow in (direct, tunnelled):
        flow.goes_on()
        flow.stop()
    told("direct path", direct)
    told("tunnel", tunnelled)
    nothing_is_lost_directly(direct)
    if max(tunnelled.gap(way) for way in ("there", "back")) > GAP_MAX_S:
        raise Failure("a gap of more than the limit in the tunnel")
    if t.home()["home_agent"] != AGENT:
        raise Failure(t.home())


def with_keys_that_are_agreed(t):
    """The key port is asked at the other home agent, and its keys are its own."""
    t.agreed = True
    direct, tunnelled = t.start()
    for flow in (direct, tunnelled):
        flow.goes_on()
    before = t.home()["keys"]["age_s"]
    t.agent.ask("switch", home=HOME, to=[OTHER])
    t.registered_at(OTHER)
    for flow in (direct, tunnelled):
        flow.goes_on()
        flow.stop()
    told("direct path, agreed keys", direct)
    told("tunnel, agreed keys", tunnelled)
    nothing_is_lost_directly(direct)
    keys = t.home()["keys"]
    if keys["kind"] != "agreed" or keys["age_s"] > before + 60:
        raise Failure((before, keys))
    if t.other.show()["counters"]["keys"]["keys-agreed"] < 1:
        raise Failure(t.other.show()["counters"])


def not_to_strangers(t):
    """The mobile node stays, says why, and the operator is told who has not gone."""
    t.start()
    t.agent.ask("switch", home=HOME, to=["2001:db8:66::1"])
    wait_for("a discard", lambda: t.mobile.show()["counters"]["drops"]["switch-foreign"])
    home = t.home()
    if home["state"] != "registered" or "none that home-agent allows" not in home["why"]:
        raise Failure(home)
    stayed = t.agent.ask("switch")["stayed"]
    if stayed != [{"home": HOME, "state": "asked", "registered": True}]:
        raise Failure(stayed)
    if "has been asked" not in t.agent.ask("switch", home=HOME).get("error", ""):
        raise Failure(t.agent.ask("switch"))
    t.agent.ask("switch", stop=True)
    if t.agent.ask("switch")["stayed"]:
        raise Failure(t.agent.ask("switch"))


def first_that_answers(t):
    """The first of the list is not there; the second one's machine dies when the first one is."""
    t.other = t.start_agent_at(t.k, OTHER)
    t.start_listed()
    t.register()
    t.registered_at(OTHER)
    t.agent = t.start_agent_at(t.g, AGENT)
    wait_for("bubd", t.agent.show)
    flow = t.flow(t.d, TUNNELLED)
    flow.goes_on()
    # The machine, not the process: its kernel would defend the home address on.
    t.r.ip("link", "set", "p1", "down")
    t.registered_at(AGENT)
    flow.goes_on()
    flow.stop()
    told("a home agent that died", flow)


if __name__ == "__main__":
    sys.exit(main([sent_there_and_back, with_keys_that_are_agreed, not_to_strangers, first_that_answers], Things))
