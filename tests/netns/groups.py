#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""A group of home agents (docs/groups.md): the one that serves dies, loses its links or its store, is
told one thing and its neighbour the same, or is drained; and no session notices.  Real daemons, a
real Redis, real keepaliveds (groupworld.py has the picture).

What it measures is in its output: how long a mobile node had no data through the tunnel.
"""

import os
import subprocess
import sys
import time

from groupworld import HOMES, GroupWorld, gap_of, world_text
from linux_common import Failure, main, wait_for

LONGEST_S = 5  # of a gap, on a machine that has other things to do; it is some tenths
# Packets that may be lost in a planned hand-over: those that a mobile node sends while it is asked for
# its number, and those for it that the next home agent's have overtaken.
LOST = 5


class Things(GroupWorld):
    subscribers = False

    def text(self, extra):
        return world_text([] if self.subscribers else self.clients, extra)


def says(text):
    print(f"# {text}", flush=True)


class Untouched:
    """What a session would notice of a take-over."""

    def __init__(self, t):
        self.t = t
        self.esp = {name: t.capture(name) for name in t.nodes}
        self.streams = {(name, up): t.stream(name, up) for name in t.nodes for up in (False, True)}
        self.sent = {name: node.show()["counters"]["sent"]["bu"] for name, node in t.nodes.items()}
        self.agreed = {name: self.keys(name) for name in t.nodes}

    def keys(self, name):
        return self.t.nodes[name].show()["counters"]["keys"]["keys-agreed"]

    def wait(self, since):
        """Data goes everywhere again."""
        for (name, up), stream in self.streams.items():
            try:
                wait_for(f"data {'of' if up else 'for'} {name}",
                         lambda s=stream: s.flows(since), 20)
            except Failure as e:
                logs = [a.daemon.tail() for a in self.t.agents] + [self.t.nodes[name].tail()]
                raise Failure(f"{e}: {logs}") from e

    def check(self, since, most=LONGEST_S, overtaken=False):
        for (name, up), stream in self.streams.items():
            gap, _end = gap_of(stream, since)
            says(f"{gap:.3f} s without data {'of' if up else 'for'} {name}")
            if gap > most:
                raise Failure(f"{gap:.3f} s without data")
        for name in self.t.nodes:
            if self.t.nodes[name].show()["counters"]["sent"]["bu"] != self.sent[name]:
                raise Failure(f"{name} has registered anew")
            if self.keys(name) != self.agreed[name]:
                raise Failure(f"{name} has agreed on keys anew")
        for capture in self.esp.values():
            capture.check(overtaken)


def accepted(agent):
    """How many registrations it has acknowledged, without those that it has refused."""
    counters = agent.daemon.show()["counters"]
    return counters["sent"]["ba"] - counters["drops"].get("home-bu-not-stored", 0)


def killed(t):
    """SIGKILL to the bubd that serves; it comes back as standby."""
    t.start(keepalived=True)
    session = Untouched(t)
    begin = time.monotonic()
    t.a.kill()
    t.b.becomes("active")
    session.wait(begin)
    session.check(begin)
    if [c["registered"] for c in t.b.daemon.show()["clients"]] != [True] * len(t.nodes):
        raise Failure(f"{t.b.daemon.show()['clients']}")
    t.a.revive()
    t.a.becomes("standby")
    if t.b.role() != "active" or not t.b.has_address():
        raise Failure("who came back has taken the address")
    # And back again, with what the second one has stored since.
    begin = time.monotonic()
    t.b.kill()
    t.a.becomes("active")
    session.wait(begin)
    session.check(begin)


def links_cut(t):
    """All cables of the one that serves are pulled out where it does not see it: it believes that it
    serves, acknowledges nothing, and is standby soon after they are back."""
    t.start(keepalived=True)
    session = Untouched(t)
    begin = time.monotonic()
    t.a.cut()
    t.b.becomes("active")
    session.wait(begin)
    session.check(begin)
    t.a.cut(there=True)

    def one_serves():
        roles = sorted(agent.role() for agent in t.agents)
        places = [agent for agent in t.agents if agent.has_address()]
        return roles == ["active", "standby"] and len(places) == 1 and places[0].role() == "active"

    wait_for("one of them to serve, and to have the address", one_serves)
    session.wait(time.monotonic())


def both_told_to_be_active(t):
    """Split brain: the higher term acknowledges, and the other one nothing, wherever the address is."""
    t.start(keepalived=False)
    before = accepted(t.a)
    t.a.cut_off_store()
    t.b.group(do="active")
    t.b.becomes("active")
    # The mobile node still comes to a, which does not know of b.
    t.nodes["m"].ask("refresh")
    wait_for("a to hear the Binding Update",
             lambda: t.a.daemon.show()["counters"]["received"]["bu"] > 1)
    t.a.cut_off_store(there=True)
    t.a.becomes("standby")
    if accepted(t.a) != before:
        raise Failure("a has accepted a registration without its term")
    if t.a.group()["fit"]:
        raise Failure("it has the address, and does not serve")
    t.nodes["m"].ask("refresh")
    wait_for("a to be asked", lambda: t.a.daemon.show()["counters"]["discarded"]["not-serving"])
    if accepted(t.a) != before:
        raise Failure("a has accepted a registration as standby")
    # The Binding Update that is in flight gets through by its retransmission.
    t.b.move_address_here()
    wait_for("b to acknowledge", lambda: accepted(t.b) > 0)
    t.registered("m")
    # Told again, it takes over again.
    t.a.group(do="active")
    t.a.becomes("active")
    t.b.becomes("standby")


def store_gone(t):
    """Redis is killed: what runs goes on, new registrations are refused, the address stays; it comes
    back, and all is as before."""
    t.start(keepalived=True)
    session = Untouched(t)
    begin = time.monotonic()
    t.kill_redis()
    wait_for("a to be unfit", lambda: not t.a.group()["fit"])
    wait_for("b to be unfit", lambda: not t.b.group()["fit"])
    session.wait(time.monotonic())
    gap, _ = gap_of(session.streams["m", False], begin)
    says(f"{gap:.3f} s without data while Redis was away")
    t.nodes["m"].ask("refresh")
    wait_for("a refusal",
             lambda: t.a.daemon.show()["counters"]["drops"].get("home-bu-not-stored", 0) > 0)
    wait_for("the mobile node to hear of it", lambda: t.nodes["m"].show()["homes"][0]["trouble"])
    session.wait(time.monotonic())  # the binding lasts (protocol.md, P117)
    if t.a.role() != "active" or not t.a.has_address():
        raise Failure("the address has moved")
    t.start_redis()
    wait_for("both to be fit", lambda: all(agent.group()["fit"] for agent in t.agents))
    t.nodes["m"].ask("refresh")
    t.registered("m")
    # What is in Redis is what is true: another one takes over from it.
    begin = time.monotonic()
    t.a.kill()
    t.b.becomes("active")
    session.wait(begin)
    session.esp["m"].check()


def drained(t):
    """A planned hand-over: next to nothing is lost."""
    t.start(keepalived=True)
    session = Untouched(t)
    begin = time.monotonic()
    t.a.group(do="drain")
    t.b.becomes("active")
    t.a.becomes("standby")
    if not t.b.has_address() or t.a.has_address():
        raise Failure("the address is not where the service is")
    session.wait(time.monotonic())
    # Both forward for a moment, each with numbers of its own.
    session.check(begin, overtaken=True)
    for (name, up), stream in session.streams.items():
        lost = stream.stop()
        says(f"{lost} of {len(stream.heard)} lost {'of' if up else 'for'} {name}")
        if lost > LOST:
            raise Failure("packets were lost")
    # Nobody is sent away by who has nobody.
    if "another home agent" not in t.a.daemon.ask("switch", home="all").get("error", ""):
        raise Failure("a standby sends mobile nodes away")
    # It stays so until the operator says that it is over.
    if t.a.group()["fit"]:
        raise Failure("who was drained is fit")
    t.a.group(do="ready")
    wait_for("a to be fit", lambda: t.a.group()["fit"])


def subscriber(agent, what):
    """Adds or removes that of m."""
    proof = ["--psk-file", f"{agent.daemon.dir}/secret"] if what == "add" else []
    subprocess.run([os.environ["BUBCTL"], "subscriber", what, HOMES["m"], *proof, "-d",
                    f"{agent.daemon.dir}/state"], check=True, stdout=subprocess.DEVNULL)


def not_the_same_subscribers(t):
    """Who takes over does not know the mobile node: neither registration nor keys come back.  Once it
    knows him he agrees on keys, and is served."""
    t.subscribers = True
    start, t.registered = t.registered, lambda name: subscriber(t.a, "add")
    t.start(keepalived=False, extra="subscribers = lmdb")
    start("m")
    t.b.group(do="active")
    t.b.becomes("active")
    t.b.move_address_here()
    if "is removed" not in t.b.daemon.tail():
        raise Failure(f"the log says nothing: {t.b.daemon.tail()}")
    subscriber(t.b, "add")
    wait_for("b to serve m", lambda: (t.nodes["m"].ask("refresh"), accepted(t.b) and [
        c["registered"] for c in t.b.daemon.show()["clients"]])[1] == [True])


CASES = [not_the_same_subscribers, killed, links_cut, both_told_to_be_active, store_gone, drained]

if __name__ == "__main__":
    sys.exit(main(CASES, Things))
