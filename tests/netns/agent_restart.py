#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""A home agent that is killed and started again serves its mobile nodes as before, also those that
only listen (RFC 6275, 10.1).  Two daemons, real packets, a home link.

        host h                    home agent g                     mobile node m
          e0 --- home link --- e1 e0 --- access 2001:db8:b::/64 --- e0
          2001:db8:1::50          2001:db8:1::1                    2001:db8:1::10

What it measures is in its output: from the start of the new process to the first packet.
"""

import os
import signal
import socket
import struct
import sys
import threading
import time

from daemon import Daemon
from linux_common import ALL_NODES, Failure, Namespace, Router, addr, main, run, wait_for

AGENT, HOST, HOME, LINK = "2001:db8:1::1", "2001:db8:1::50", "2001:db8:1::10", "2001:db8:b::"
GROUP, PORT = "ff0e::b0b", 9000
EVERY_S = 0.005


def agent_text(extra=""):
    return (f'home-agent {{\naddress = "{AGENT}"\n'
            f'prefixes = {{"2001:db8:1::/64"}}\nhome-link = "e1"\ndad = never\n'
            f'multicast = true\n{extra}\nmobile-node "{HOME}" {{ secret-file = "secret" }}\n}}\n')


def mobile_text(extra=""):
    return (f'route-optimisation = never\nmobile-node {{\nhome-address = "{HOME}/64"\n'
            f'home-agent = "{AGENT}"\nsecret-file = "secret"\nmulticast = true\n{extra}\n}}\n')


class Stream:
    """Datagrams from the host to one destination: when each was sent, and when it arrived."""

    def __init__(self, t, to):
        self.heard, self.over = [], False
        self.out = t.h.inside(lambda: socket.socket(socket.AF_INET6, socket.SOCK_DGRAM))
        self.into = t.m.inside(lambda: self.listener(to))
        self.out.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_MULTICAST_HOPS, 8)
        self.to = (to, PORT, 0, t.h.ifindex("e0") if to == GROUP else 0)
        self.threads = [threading.Thread(target=x) for x in (self.send, self.receive)]
        for thread in self.threads:
            thread.start()

    def listener(self, to):
        s = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
        s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        s.settimeout(0.1)
        s.bind((to, PORT))
        if to == GROUP:
            s.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_JOIN_GROUP,
                         addr(GROUP) + struct.pack("@I", socket.if_nametoindex("bub0")))
        return s

    def send(self):
        while not self.over:
            try:
                self.out.sendto(struct.pack("!d", time.monotonic()), self.to)
            except OSError:
                pass  # the home agent is down, and says so
            time.sleep(EVERY_S)

    def receive(self):
        while not self.over:
            try:
                sent = struct.unpack("!d", self.into.recv(64))[0]
            except socket.timeout:
                continue
            self.heard.append((sent, time.monotonic()))

    def flows(self, since):
        """When the first datagram that was sent after @since arrived, and more did."""
        late = [at for sent, at in self.heard if sent > since]
        return late[0] if len(late) > 20 else None

    def close(self):
        self.over = True
        for thread in self.threads:
            thread.join()
        self.out.close()
        self.into.close()


class Things:
    def __init__(self, bubd):
        self.bubd = bubd
        self.h, self.g, self.m = Namespace("h"), Namespace("g"), Namespace("m")
        h, g, m = self.h, self.g, self.m
        g.sysctl("conf.all.forwarding", 1)
        g.ip("link", "add", "e0", "type", "veth", "peer", "name", "e0", "netns", m.name)
        g.ip("link", "add", "e1", "type", "veth", "peer", "name", "e0", "netns", h.name)
        m.sysctl("conf.e0.router_solicitation_delay", 0)
        for ns, dev in ((g, "e0"), (m, "e0"), (g, "e1"), (h, "e0")):
            ns.ip("link", "set", dev, "up")
        g.ip("addr", "add", "2001:db8:b::1/64", "dev", "e0", "nodad")
        g.ip("addr", "add", f"{AGENT}/64", "dev", "e1", "nodad")
        h.ip("addr", "add", f"{HOST}/64", "dev", "e0", "nodad")
        h.ip("route", "add", "default", "via", AGENT)
        self.router = Router(g, "e0")
        m.link_local("e0")
        self.daemons, self.streams, self.mounts = [], [], []

    def daemon(self, ns, text, **kw):
        self.daemons.append(Daemon(self.bubd, ns, text, **kw))
        return self.daemons[-1]

    def start(self, mobile="", prepare=None):
        self.agent = self.daemon(self.g, agent_text(), interfaces=("e0", "e1"), prepare=prepare)
        self.mobile = self.daemon(self.m, mobile_text(mobile))
        try:
            wait_for("bubd",
                     lambda: "homes" in self.mobile.show() and "clients" in self.agent.show())
        except Failure as e:
            raise Failure(f"{e}: {self.mobile.tail()} {self.agent.tail()}") from e
        self.router.advertise(LINK)

    def home(self):
        return self.mobile.show()["homes"][0]

    def registered(self):
        wait_for("a registration", lambda: self.home()["state"] == "registered")

    def stream(self, to):
        self.streams.append(Stream(self, to))
        begin = time.monotonic()
        wait_for(f"datagrams for {to}", lambda: self.streams[-1].flows(begin))
        return self.streams[-1]

    def kill_agent(self):
        self.agent.proc.send_signal(signal.SIGKILL)
        self.agent.proc.wait()
        os.unlink(self.agent.sock)

    def revive_agent(self):
        """Starts it again; the moment before that."""
        begin = time.monotonic()
        self.agent.proc = self.g.popen(self.bubd, "-c", self.agent.conf, stderr=self.agent.log)
        return begin

    def close(self):
        for x in [*self.streams, *self.daemons]:
            x.close()
        for folder in self.mounts:
            run("umount", folder, check=False)
        self.router.sock.close()
        for ns in (self.h, self.g, self.m):
            ns.close()


def says(text):
    print(f"# {text}", flush=True)


def a_listener_notices_nothing(t):
    """Killed, and back: the mobile node sends nothing, and has what is sent to it all the same."""
    t.start("keep-alive = 0")
    t.registered()
    stream = t.stream(HOME)
    before = t.agent.show()["clients"][0]
    sent = t.mobile.counters().get("esp-out", 0)
    t.kill_agent()
    begin = t.revive_agent()
    first = wait_for("datagrams after the restart", lambda: stream.flows(begin))
    says(f"first datagram {first - begin:.3f} s after the start of the process")
    after = t.agent.show()["clients"][0]
    if not after["registered"] or after["care_of"] != before["care_of"]:
        raise Failure(f"{before} became {after}")
    if after["sequence"] != before["sequence"] or after["lifetime_s"] > before["lifetime_s"]:
        raise Failure(f"not the same registration: {before} became {after}")
    if t.mobile.counters().get("esp-out", 0) != sent:
        raise Failure("the mobile node has sent something")
    if HOME not in t.g.ip("-6", "neigh", "show", "proxy"):
        raise Failure("not defended on the home link")
    # And the way back: its ESP numbers go on, and so does the home agent's window.
    wait_for("an answer", lambda: "1 received" in t.m.exec(
        "ping", "-6", "-c", "1", "-W", "1", "-I", HOME, HOST, check=False))


def groups_come_back(t):
    """A group that the mobile node listens to: asked for and joined again by itself."""
    t.start()
    t.registered()
    stream = t.stream(GROUP)
    t.kill_agent()
    begin = t.revive_agent()
    first = wait_for("the group's datagrams after the restart", lambda: stream.flows(begin))
    says(f"first datagram of the group {first - begin:.3f} s after the start of the process")


def a_clean_restart_is_none(t):
    """The same after SIGTERM, with a care-of address that changed before."""
    t.start("keep-alive = 0")
    t.registered()
    stream = t.stream(HOME)
    t.agent.stop()
    begin = t.revive_agent()
    first = wait_for("datagrams after the restart", lambda: stream.flows(begin))
    says(f"first datagram {first - begin:.3f} s after the start of the process")


def lost_storage_is_noticed(t):
    """Everything about the registrations is gone: a mobile node that only listens asks, and is
    served again; one that sends is at once."""
    t.start("keep-alive = 1")
    t.registered()
    stream = t.stream(HOME)
    for talks in (False, True):
        t.kill_agent()
        os.unlink(os.path.join(t.agent.dir, "state", "store.mdb"))
        begin = t.revive_agent()
        wait_for("bubd", lambda: "clients" in t.agent.show())
        ready = time.monotonic()
        if talks:
            with t.m.inside(lambda: socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)) as s:
                s.bind((HOME, 0))

                def arrives():
                    s.sendto(b"hello", (HOST, 9))
                    return stream.flows(ready)

                first = wait_for("datagrams after the restart", arrives)
        else:
            first = wait_for("datagrams after the restart", lambda: stream.flows(begin))
        says(f"{'it sends' if talks else 'it only listens'}: first datagram "
             f"{first - begin:.3f} s after the start of the process, {first - ready:.3f} s after "
             f"it was there")


def full_disk(t):
    """No room for the registration: refused (130), said once, and accepted when there is room."""
    folder = []

    def small(state):
        os.mkdir(state)
        run("mount", "-t", "tmpfs", "-o", "size=256k", "tmpfs", state)
        t.mounts.append(state)
        folder.append(state)

    t.start(prepare=small)
    t.registered()
    filler = os.path.join(folder[0], "filler")
    with open(filler, "wb", buffering=0) as f:
        try:
            while f.write(bytes(4096)):
                pass
        except OSError:
            pass

    def refused():
        # The store has a few free pages of its own to use first.
        t.mobile.ask("refresh")
        return t.agent.show()["counters"]["drops"].get("home-bu-not-stored", 0) > 2

    wait_for("refusals", refused)
    if "130" not in t.agent.tail() or t.agent.tail().count("store.mdb") != 1:
        raise Failure(f"not said once: {t.agent.tail()}")
    os.unlink(filler)

    def accepted():
        t.mobile.ask("refresh")
        return "stored again" in t.agent.tail() and t.home()["state"] == "registered"

    wait_for("a registration", accepted)


CASES = [a_listener_notices_nothing, groups_come_back, a_clean_restart_is_none,
         lost_storage_is_noticed, full_disk]

if __name__ == "__main__":
    sys.exit(main(CASES, Things))
