#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""A mobile node with two interfaces up at once: two daemons, real packets (RFC 6275, 11.5.3 and
11.5.4).

        home agent g             mobile node m
          e0 ------------------- e0     2001:db8:b::/64, preferred
          e1 ------------------- e1     2001:db8:d::/64
          lo                            2001:db8:1::1, the home agent; 2001:db8:c::1, a peer
"""

import re
import socket
import struct
import sys

from daemon import Daemon
from linux_common import (Failure, Namespace, Router, checksum, ip6, main, rh2, soon, wait_for)

AGENT, PEER, HOME = "2001:db8:1::1", "2001:db8:c::1", "2001:db8:1::10"
PREFIX = {"e0": "2001:db8:b::", "e1": "2001:db8:d::"}
EVERY_S = 0.02  # an echo request
NOWHERE = "2001:db8:e::"  # nobody has a route to it


class Things:
    def __init__(self, bubd):
        self.bubd = bubd
        self.g, self.m = Namespace("g"), Namespace("m")
        g, m = self.g, self.m
        g.sysctl("conf.all.forwarding", 1)
        for address in (AGENT, PEER):
            g.ip("addr", "add", f"{address}/128", "dev", "lo")
        self.router = {}
        for name, prefix in PREFIX.items():
            g.ip("link", "add", name, "type", "veth", "peer", "name", name, "netns", m.name)
            m.sysctl(f"conf.{name}.router_solicitation_delay", 0)
            g.sysctl(f"conf.{name}.keep_addr_on_down", 1)
            g.ip("link", "set", name, "up")
            m.ip("link", "set", name, "up")
            g.ip("addr", "add", f"{prefix}1/64", "dev", name, "nodad")
            self.router[name] = Router(g, name)
            m.link_local(name)
        self.agent = Daemon(
            bubd, g, f'home-agent {{\naddress = "{AGENT}"\nprefixes = {{"2001:db8:1::/64"}}\n'
            f'mobile-node "{HOME}" {{ secret-file = "secret" }}\n}}\n', PREFIX)
        self.mobile = Daemon(
            bubd, m, f'interface "e0" {{ preference = 10 }}\n'
            f'mobile-node {{\nhome-address = "{HOME}/64"\nhome-agent = "{AGENT}"\n'
            f'secret-file = "secret"\n}}\n', PREFIX)
        wait_for("bubd", lambda: "homes" in self.mobile.show() and "clients" in self.agent.show())

    def registered_by(self, name):
        """Both ends agree that the mobile node is on that link."""
        def agreed():
            home = self.mobile.show()["homes"][0]
            client = self.agent.show()["clients"][0]
            return (home["state"] == "registered" and home["care_of"] == client["care_of"]
                    and (client["care_of"] or "").startswith(PREFIX[name][:-1]))

        try:
            wait_for(f"a registration by {name}", agreed)
        except Failure as e:
            raise Failure(f"{e}: {self.mobile.show()['homes']}; {self.mobile.tail()}") from e

    def stream(self, count):
        """Starts @count echo requests, 20 ms apart, from the home address."""
        return self.m.popen("ping", "-6", "-i", str(EVERY_S), "-c", str(count), "-W", "10", "-I", HOME,
                            PEER, stdout=-1, text=True)

    def close(self):
        self.mobile.close()
        self.agent.close()
        for router in self.router.values():
            router.sock.close()
        self.g.close()
        self.m.close()


def mac(ns, dev):
    return bytes.fromhex(ns.mac(dev).replace(":", ""))


def answered(stream):
    text = stream.communicate()[0]
    found = re.search(r"(\d+) packets transmitted, (\d+) received", text)
    if found is None:
        raise Failure(f"ping says {text}")
    return int(found[1]), int(found[2])


def preferred_interface_goes_and_returns(t):
    t.router["e1"].advertise(PREFIX["e1"])
    t.registered_by("e1")
    # A preferred interface comes up beside it: over to that one, and nothing is lost, as the old
    # one is still there (make before break).
    stream = t.stream(150)
    t.router["e0"].advertise(PREFIX["e0"])
    t.registered_by("e0")
    sent, received = answered(stream)
    if received != sent:
        raise Failure(f"{sent - received} of {sent} packets lost though both links were up")

    def goes_and_returns():
        # It loses its link: the other one serves, without a new address to wait for.
        stream = t.stream(150)
        t.g.ip("link", "set", "e0", "down")
        t.registered_by("e1")
        sent, received = answered(stream)
        lost = sent - received
        # And it is back.
        stream = t.stream(150)
        t.g.ip("link", "set", "e0", "up")
        wait_for("a carrier", lambda: "LOWER_UP" in t.m.ip("link", "show", "e0"))
        t.g.link_local("e0")
        t.router["e0"].advertise(PREFIX["e0"])
        t.registered_by("e0")
        sent, received = answered(stream)
        return [lost * EVERY_S, (sent - received) * EVERY_S]

    # What the first one costs is a matter of the machine's load; the second one, to a link that was
    # down, costs nothing, also where the home agent takes its time to store the registration.
    soon("the other interface and the way back", goes_and_returns, [1, 0])
    # The other one goes: nothing of ours was there.
    stream = t.stream(50)
    t.g.ip("link", "set", "e1", "down")
    sent, received = answered(stream)
    if received != sent:
        raise Failure(f"{sent - received} of {sent} packets lost with the spare interface")
    t.registered_by("e0")
    t.mobile.stop()
    t.agent.stop()


def packets_in_flight_arrive(t):
    """RFC 6275, 11.5.4: what is on its way to the care-of address of before is still taken."""
    t.router["e1"].advertise(PREFIX["e1"])
    t.registered_by("e1")
    old = t.mobile.show()["homes"][0]["care_of"]
    t.router["e0"].advertise(PREFIX["e0"])
    t.registered_by("e0")

    def listen():
        s = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
        s.bind((HOME, 4000))
        return s

    payload = b"sent before the peer knew"
    udp = struct.pack("!HHHH", 5000, 4000, 8 + len(payload), 0)
    sum_ = checksum(PEER, HOME, socket.IPPROTO_UDP, udp + payload)
    udp = udp[:6] + struct.pack("!H", sum_) + payload
    packet = ip6(PEER, old, socket.IPPROTO_ROUTING, rh2(HOME, socket.IPPROTO_UDP) + udp)
    frame = mac(t.m, "e1") + mac(t.g, "e1") + struct.pack("!H", 0x86DD) + packet
    with t.m.inside(listen) as app, t.g.inside(
            lambda: socket.socket(socket.AF_PACKET, socket.SOCK_RAW)) as wire:
        wire.bind(("e1", 0))
        app.settimeout(0.2)

        def arrives():
            wire.send(frame)
            try:
                return app.recvfrom(1500)
            except socket.timeout:
                return None

        got, source = wait_for("the packet", arrives)
    if got != payload or source[0] != PEER:
        raise Failure(f"{got} from {source}")
    t.mobile.stop()
    t.agent.stop()


def preferred_interface_leads_nowhere(t):
    """Nothing comes back to what is preferred: the other interface serves again after a while."""
    t.router["e1"].advertise(PREFIX["e1"])
    t.registered_by("e1")
    t.router["e0"].advertise(NOWHERE)
    wait_for("a try", lambda: (t.mobile.show()["homes"][0]["care_of"] or "").startswith(
        NOWHERE[:-1]))
    t.registered_by("e1")
    why = t.mobile.show()["homes"][0]["why"]
    if not re.search(f"no answer by {NOWHERE[:-1]}[0-9a-f:]+ on e0", why):
        raise Failure(why)
    t.mobile.stop()
    t.agent.stop()


def listens_where_it_is_told(t):
    """A home agent that does not listen on an interface says so, once; a list of its own is for that."""
    text = (f'home-agent {{\naddress = "{AGENT}"\nprefixes = {{"2001:db8:1::/64"}}\n'
            f'mobile-node "{HOME}" {{ secret-file = "secret" }}\n}}\n')
    line = "signalling comes in on e1, and is ignored"
    t.agent.stop()
    t.agent.close()
    t.agent = Daemon(t.bubd, t.g, text, ["e0"])
    wait_for("bubd", lambda: "clients" in t.agent.show())
    t.router["e1"].advertise(PREFIX["e1"])
    wait_for("a line", lambda: line in t.agent.tail())
    wait_for("another one that is ignored",
             lambda: t.agent.counters()["signalling-other-interface"] >= 2)
    if t.agent.tail().count(line) != 1 or t.mobile.show()["homes"][0]["state"] == "registered":
        raise Failure(f"{t.agent.tail()}; {t.mobile.show()['homes']}")
    t.agent.stop()
    t.agent.close()
    t.agent = Daemon(t.bubd, t.g, 'listen-interfaces = {"e1"}\n' + text, ["e0"])
    wait_for("bubd", lambda: "clients" in t.agent.show())
    t.registered_by("e1")
    if line in t.agent.tail():
        raise Failure(t.agent.tail())
    t.mobile.stop()
    t.agent.stop()


def operator_chooses(t):
    """bubctl prefer and move: no packet is lost, as both links are up."""
    t.router["e0"].advertise(PREFIX["e0"])
    t.router["e1"].advertise(PREFIX["e1"])
    t.registered_by("e0")
    wait_for("both care-of addresses", lambda: len(t.mobile.ask("prefer")["care_ofs"]) == 2)
    stream = t.stream(100)
    answer = t.mobile.ask("prefer", interface="e1")
    in_use = [c["interface"] for c in answer["care_ofs"] if c["in_use"]]
    if (answer["interface"], answer["once"], in_use) != ("e1", False, ["e1"]):
        raise Failure(str(answer))
    t.registered_by("e1")
    if t.mobile.show()["homes"][0]["interface"] != "e1":
        raise Failure(str(t.mobile.show()['homes']))
    sent, received = answered(stream)
    if received != sent:
        raise Failure(f"{sent - received} of {sent} packets lost though both links were up")
    t.mobile.ask("prefer", interface=None)
    t.registered_by("e0")  # as configured
    t.mobile.ask("move", interface="e1")
    t.registered_by("e1")
    # The move is over when the link goes.
    t.g.ip("link", "set", "e1", "down")
    t.registered_by("e0")
    if t.mobile.ask("prefer")["interface"] is not None:
        raise Failure("the move outlives its link")
    for name, words in (("e1", "no carrier"), ("e7", "some on: e0"), ("lo", "no interface that bubd")):
        refused = t.mobile.ask("move", interface=name)
        if words not in refused.get("error", ""):
            raise Failure(f"{name}: {refused}")
    t.mobile.stop()
    t.agent.stop()


CASES = [preferred_interface_goes_and_returns, operator_chooses, packets_in_flight_arrive,
         preferred_interface_leads_nowhere, listens_where_it_is_told]

if __name__ == "__main__":
    sys.exit(main(CASES, Things))
