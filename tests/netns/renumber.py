#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""The home link is renumbered while a mobile node is away: two daemons, real packets (RFC 6275,
10.6 and 11.4.3).  Its keys come from a secret that both ends have, or are agreed on: by a pre-shared
key, or by a certificate for the home address that is written at the home agent.

        home agent g             mobile node m
          e0 ------------------- e0     access link 2001:db8:b::/64
          lo                            2001:db8:1::1, the home agent; 2001:db8:c::1, a peer
"""

import subprocess
import sys

from daemon import Daemon
from keys import Certificates
from linux_common import Failure, Namespace, Router, main, wait_for

AGENT, PEER = "2001:db8:1::1", "2001:db8:c::1"
OLD, NEW = "2001:db8:1::", "2001:db8:11::"
IID = "10"


SECRET = 'secret-file = "secret"'


class Things:
    def __init__(self, bubd):
        self.g, self.m = Namespace("g"), Namespace("m")
        g, m = self.g, self.m
        g.sysctl("conf.all.forwarding", 1)
        g.ip("link", "add", "e0", "type", "veth", "peer", "name", "e0", "netns", m.name)
        m.sysctl("conf.e0.router_solicitation_delay", 0)
        g.ip("link", "set", "e0", "up")
        m.ip("link", "set", "e0", "up")
        for address in (AGENT, PEER):
            g.ip("addr", "add", f"{address}/128", "dev", "lo")
        g.ip("addr", "add", "2001:db8:b::1/64", "dev", "e0", "nodad")
        self.router = Router(g, "e0")
        m.link_local("e0")
        self.bubd, self.daemons, self.certificates = bubd, [], None
        self.agent = self.mobile = self.client = self.agent_keys = None

    def agent_text(self, prefixes, extra="", written=OLD):
        listed = ", ".join(f'"{p}/64"' for p in prefixes)
        return (f'home-agent {{\naddress = "{AGENT}"\nprefixes = {{{listed}}}\n{self.agent_keys}'
                f"prefix-advert-min = 1\nprefix-advert-max = 2\n{extra}\n"
                f'mobile-node "{written}{IID}" {{ {self.client}\nrenumber = true }}\n}}\n')

    def start(self, client=SECRET, mobile=SECRET, agent_keys=""):
        """What the sections have of keys: of the mobile node at the home agent, and of both ends."""
        self.client, self.agent_keys = client, agent_keys
        self.agent = self.daemon(self.g, self.agent_text([OLD]))
        self.mobile = self.daemon(
            self.m, f'mobile-node {{\nhome-address = "{OLD}{IID}/64"\nrenumber = true\n'
            f'home-agent = "{AGENT}"\n{mobile}\n}}\n')
        wait_for("bubd", lambda: "homes" in self.mobile.show() and "clients" in self.agent.show())

    def start_by_psk(self):
        self.start('psk-file = "secret"', 'keys { psk-file = "secret" }')

    def start_by_certificate(self):
        """For the home address that is written; no other is in it."""
        c = self.certificates = Certificates()
        c.certificate("agent", f"IP:{AGENT}")
        c.certificate("mobile", f"IP:{OLD}{IID}")
        ca = f'ca-file = "{c.path("ca.pem")}"\n'
        self.start("", f'keys {{\n{c.own("mobile", ca)}}}', f'keys {{\n{c.own("agent", ca)}}}\n')

    def daemon(self, ns, text):
        self.daemons.append(Daemon(self.bubd, ns, text))
        return self.daemons[-1]

    def home(self, address, **wanted):
        """The home address, once it is as wanted."""
        def find():
            for h in self.mobile.show().get("homes", []):
                if h["address"] == address and all(h[k] == v for k, v in wanted.items()):
                    return h
            return None

        try:
            return wait_for(f"{address} to be {wanted}", find)
        except Failure as e:
            raise Failure(f"{e}; there is {self.mobile.show().get('homes')}; {self.agent.tail()}; "
                          f"{self.mobile.tail()}") from e

    def ping(self, *source):
        def works():
            r = subprocess.run(["ip", "netns", "exec", self.m.name, "ping", "-6", "-c", "1", "-W",
                                "2", *source, PEER], stdout=subprocess.DEVNULL)
            return r.returncode == 0

        wait_for(f"an answer to ping {source}", works)

    def close(self):
        for d in self.daemons:
            d.close()
        if self.certificates:
            self.certificates.close()
        self.router.sock.close()
        self.g.close()
        self.m.close()


def home_link_is_renumbered(t, start=Things.start):
    start(t)
    old, new = OLD + IID, NEW + IID
    t.router.advertise("2001:db8:b::")
    t.home(old, state="registered", prefix="preferred")
    t.ping("-I", old)
    # Another prefix, and the old one is deprecated.
    deprecated = f'prefix "{OLD}/64" {{ valid = 7200\npreferred = 0 }}'
    t.agent.reload(t.agent_text([OLD, NEW], deprecated))
    t.home(new, state="registered", prefix="preferred")
    t.home(old, state="registered", prefix="deprecated")
    for address in (new, old):
        t.ping("-I", address)
    route = t.m.ip("-6", "route", "get", PEER)
    if f"src {new}" not in route:
        raise Failure(f"unbound sockets do not get the new address: {route}")
    t.ping()
    registered = {c["home"] for c in t.agent.show()["clients"] if c["registered"]}
    if registered != {old, new}:
        raise Failure(f"registered: {registered}")
    # The old one is withdrawn: used no more.
    t.agent.reload(t.agent_text([OLD, NEW], deprecated.replace("7200", "0")))
    t.home(old, prefix="withdrawn", care_of=None)
    wait_for("the old address to go", lambda: f" {old}/" not in t.m.ip("-6", "addr"))
    if old in t.m.ip("-6", "rule"):
        raise Failure("its rules stay")
    t.home(new, state="registered")
    t.ping()
    t.mobile.stop()
    t.agent.stop()
    left = [x for x in t.m.state() if new in x or old in x or "bub0" in x]
    if left:
        raise Failure(f"left behind: {left}")


def new_address_outlives_a_restart(t, start=Things.start):
    """What the manual says: put it into the configuration."""
    start(t)
    t.mobile.stop()
    t.agent.reload(t.agent_text([OLD, NEW], f'prefix "{OLD}/64" {{ preferred = 0 }}'))
    wait_for("the new client", lambda: any(
        c["home"] == NEW + IID for c in t.agent.show()["clients"]))
    with open(t.mobile.conf) as f:
        text = f.read().replace(OLD + IID, NEW + IID)
    with open(t.mobile.conf, "w") as f:
        f.write(text)
    t.mobile.proc = t.m.popen(t.mobile.proc.args[4], "-c", t.mobile.conf, stderr=t.mobile.log)
    wait_for("bubd", lambda: "homes" in t.mobile.show())
    t.router.advertise("2001:db8:b::")
    t.home(NEW + IID, state="registered", prefix="preferred")
    t.ping("-I", NEW + IID)


def renumbered_again_and_again(t, start=Things.start):
    """More often than there is room for home addresses at once."""
    start(t)
    prefixes = [OLD, NEW] + [f"2001:db8:1{n}::" for n in range(2, 6)]
    t.router.advertise("2001:db8:b::")
    t.home(OLD + IID, state="registered", prefix="preferred")
    for old, new in zip(prefixes, prefixes[1:]):
        deprecated = f'prefix "{old}/64" {{ valid = 7200\npreferred = 0 }}'
        text = t.agent_text([old, new], deprecated, old)
        t.agent.reload(text)
        t.home(new + IID, state="registered", prefix="preferred")
        t.agent.reload(text.replace("7200", "0"))
        wait_for("the old address to go", lambda: f" {old}{IID}/" not in t.m.ip("-6", "addr"))
        t.agent.reload(t.agent_text([new], written=new))
        t.ping("-I", new + IID)
        # Which of its addresses is written made no difference.
        if f"with {new}{IID}: bound -> none" in t.agent.tail():
            raise Failure(f"the registration was ended: {t.agent.tail()}")
    t.ping()
    if t.m.ip("-6", "addr").count(f"::{IID}/128") != 1:
        raise Failure(f"home addresses: {t.m.ip('-6', 'addr')}")


def by_psk(case):
    """The same case with keys that are agreed on."""
    def go(t):
        case(t, Things.start_by_psk)

    go.__name__ = f"{case.__name__}_by_psk"
    return go


def home_link_is_renumbered_by_certificate(t):
    home_link_is_renumbered(t, Things.start_by_certificate)


RENUMBERED = [home_link_is_renumbered, renumbered_again_and_again, new_address_outlives_a_restart]
CASES = [*RENUMBERED, *map(by_psk, RENUMBERED), home_link_is_renumbered_by_certificate]

if __name__ == "__main__":
    sys.exit(main(CASES, Things))
