#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""A home agent that is configured by a name, with a name server of our own at the router.

        mobile node m          router r           home agent g
          e0 ------------------- e0   e1 ------------- e0
          2001:db8:b::/64             2001:db8:d::/64   lo: 2001:db8:1::1, ::2
                                      name server: 2001:db8:d::1
"""

import os
import socket
import struct
import sys
import tempfile
import threading

from linux_common import Failure, main, wait_for
from world import AGENT, HOME, HOME_PREFIX, VISITED, Tunnel

NAME, SERVER = "ha.example.org", "2001:db8:d::1"
OTHER, NOBODY = "2001:db8:1::2", "2001:db8:d::99"
AAAA, IN = 28, 1
NO_SUCH_NAME = 3


class NameServer:
    """Answers for one name (RFC 1035, 4); silent where it is told to be."""

    def __init__(self, ns):
        self.sock = ns.inside(lambda: socket.socket(socket.AF_INET6, socket.SOCK_DGRAM))
        self.sock.bind((SERVER, 53))
        self.sock.settimeout(0.1)
        self.addresses, self.silent, self.closed, self.asked_from = [AGENT], False, False, []
        self.thread = threading.Thread(target=self.serve)
        self.thread.start()

    def serve(self):
        while not self.closed:
            try:
                question, who = self.sock.recvfrom(1500)
            except TimeoutError:
                continue
            self.asked_from.append(who[0])
            if not self.silent:
                self.sock.sendto(self.answer(question), who)

    def answer(self, question):
        at, labels = 12, []
        while question[at]:
            labels.append(question[at + 1 : at + 1 + question[at]].decode())
            at += 1 + question[at]
        kind, _ = struct.unpack_from("!HH", question, at + 1)
        known = ".".join(labels).lower() == NAME and self.addresses
        records = [b"\xc0\x0c" + struct.pack("!HHIH", AAAA, IN, 5, 16)
                   + socket.inet_pton(socket.AF_INET6, a)
                   for a in (self.addresses if known and kind == AAAA else [])]
        flags = 0x8580 if known else 0x8580 | NO_SUCH_NAME
        head = question[:2] + struct.pack("!HHHHH", flags, 1, len(records), 0, 0)
        return head + question[12 : at + 5] + b"".join(records)

    def close(self):
        self.closed = True
        self.thread.join()
        self.sock.close()


class Names(Tunnel):
    def __init__(self, bubd):
        super().__init__(bubd)
        for address in (AGENT, OTHER):
            self.g.ip("addr", "add", f"{address}/128", "dev", "lo")
        self.server = NameServer(self.r)
        self.plain = bubd

    def close(self):
        self.server.close()
        super().close()

    def start_agent_at(self, address):
        """Another machine, or this one with another address: what it knew is gone."""
        if self.agent is not None:
            self.agent.stop()
        self.agent = self.daemon(
            self.g, f'home-agent {{\naddress = "{address}"\nprefixes = {{"{HOME_PREFIX}"}}\n'
            f'mobile-node "{HOME}" {{ secret-file = "secret" }}\n}}\n')
        wait_for("bubd", self.agent.show)

    def start_named(self, name=NAME):
        """The mobile node sees a resolv.conf of its own."""
        folder = tempfile.mkdtemp(prefix="bub-")
        resolv, script = os.path.join(folder, "resolv.conf"), os.path.join(folder, "bubd")
        with open(resolv, "w") as f:
            f.write(f"nameserver {SERVER}\n")
        with open(script, "w") as f:
            f.write(f"#!/bin/sh\nexec unshare -m sh -c 'mount --bind {resolv} /etc/resolv.conf && "
                    f'exec {self.plain} "$@"\' sh "$@"\n')
        os.chmod(script, 0o755)
        self.bubd = script
        self.mobile = self.daemon(
            self.m, f'mobile-node {{\nhome-address = "{HOME}/64"\nhome-agent = "{name}"\n'
            f'first-timeout = 500\nkeep-alive = 1\nsecret-file = "secret"\n}}\n')
        self.bubd = self.plain
        wait_for("bubd", self.mobile.show)
        self.router.advertise(VISITED)

    def home(self):
        return self.mobile.show()["homes"][0]

    def registered_at(self, address):
        def is_there():
            home = self.home()
            return home["state"] == "registered" and home["home_agent"] == address
        try:
            wait_for(f"a registration at {address}", is_there)
        except Failure as e:
            raise Failure(f"{e}: {self.home()}; {self.mobile.tail()}") from e

    def says(self, words, times=1):
        def said():
            with open(os.path.join(self.mobile.dir, "log"), errors="replace") as f:
                return f.read().count(words)
        try:
            wait_for(words, said)
        except Failure as e:
            raise Failure(f"{e}: {self.mobile.tail()}") from e
        if said() != times:
            raise Failure(f"{said()} times: {words}; {self.mobile.tail()}")


def looked_up(t):
    t.start_agent_at(AGENT)
    t.start_named()
    t.registered_at(AGENT)
    home = t.home()
    if home["home_agent_name"] != NAME or home["name_trouble"] is not None:
        raise Failure(home)
    t.says(f"home agent {NAME}: its address is {AGENT}")
    # From anywhere else it would have gone into the tunnel.
    care_of = home["care_of"]
    if care_of not in t.server.asked_from:
        raise Failure(f"asked from {t.server.asked_from}, care-of address {care_of}")


def changed_address(t):
    """The home agent does not answer: the name is looked up, and the keys are those of the new place."""
    t.start_agent_at(AGENT)
    t.start_named()
    t.registered_at(AGENT)
    t.server.addresses = [OTHER]
    t.start_agent_at(OTHER)
    t.registered_at(OTHER)
    t.says(f"home agent {NAME}: its address is {OTHER}")
    t.server.addresses = [AGENT]  # and back, to keys that were there before
    t.start_agent_at(AGENT)
    t.registered_at(AGENT)


def one_of_two(t):
    """The first address is nobody's."""
    t.server.addresses = [NOBODY, AGENT]
    t.start_agent_at(AGENT)
    t.start_named()
    t.registered_at(AGENT)


def silent_server(t):
    """One line; and what is known goes on."""
    t.server.silent = True
    t.start_agent_at(AGENT)
    t.start_named()
    t.says(f"home agent {NAME}: the name cannot be looked up (no name server answers); "
           "no address is known, tried again")
    home = t.home()
    if home["name_trouble"] != "no name server answers" or home["home_agent"] is not None:
        raise Failure(home)
    t.server.silent = False
    t.registered_at(AGENT)
    t.says(f"home agent {NAME}: the name was looked up, after")
    t.server.silent = True
    t.agent.stop()
    t.says(f"the name cannot be looked up (no name server answers); going on with {AGENT}")
    t.agent = None
    t.start_agent_at(AGENT)
    t.registered_at(AGENT)
    t.mobile.stop()  # while a lookup may be under way


def no_such_name(t):
    t.server.addresses = []
    t.start_named()
    t.says(f"home agent {NAME}: the name cannot be looked up (there is no such name); "
           "no address is known, tried again")
    if "looking up the home agent's name" not in t.home()["why"]:
        raise Failure(t.home())
    t.server.addresses = [AGENT]
    t.start_agent_at(AGENT)
    t.registered_at(AGENT)


if __name__ == "__main__":
    sys.exit(main([looked_up, changed_address, one_of_two, silent_server, no_such_name], Names))
