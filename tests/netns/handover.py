#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""What bubd says of a handover: a mobile node moves while its correspondent sends, and while nobody
does.

  handover.py BUBD
"""

import json
import os
import socket
import sys
import threading
import time

from linux_common import Failure, main, wait_for
from world import HOME, Correspondence

PEER = Correspondence.PEER
INTERVAL_S = 0.01
PORT = 7000
# bubd dates packets as they come in, and the socket as they are read on a busy machine.
SLACK_S = 0.25


class Stream(threading.Thread):
    """Datagrams from @source to @target and back at a steady rate; when they came is kept."""

    def __init__(self, source, target):
        super().__init__(daemon=True)
        self.source, self.target, self.came, self.ended = source, target, [], False
        target.settimeout(1)
        self.reader = threading.Thread(target=self.read, daemon=True)

    def run(self):
        self.reader.start()
        while not self.ended:
            try:
                self.source.send(b"there")
                self.target.send(b"back")
            except OSError:  # no way there for the moment
                pass
            time.sleep(INTERVAL_S)

    def read(self):
        while not self.ended:
            try:
                self.target.recv(100)
                self.came.append(time.monotonic())
            except OSError:
                pass

    def stop(self):
        self.ended = True
        self.join()
        self.reader.join()

    def gap(self):
        """The longest time without a datagram."""
        return max(b - a for a, b in zip(self.came, self.came[1:]))


class Things(Correspondence):
    def __init__(self, bubd):
        super().__init__(bubd)
        self.logs = {}
        self.start()
        self.prefix = 0xb
        wait_for("a path", self.talk)

    def logged(self, name):
        path = os.path.join("/tmp", f"bub-handover-{os.getpid()}-{name}.jsonl")
        self.logs[name] = path
        return f'event-log = "{path}"\n'

    def start(self):
        self.start_agent(self.g, interfaces=("e0", "e1"))
        self.peer = self.daemon(self.c, self.logged("peer"))
        self.start_mobile(self.m, self.logged("mobile"))
        self.register()

    def close(self):
        super().close()
        for path in self.logs.values():
            if os.path.exists(path):
                os.unlink(path)

    def udp(self, ns, here, there):
        s = ns.inside(lambda: socket.socket(socket.AF_INET6, socket.SOCK_DGRAM))
        self.socks.append(s)
        s.bind((here, PORT))
        s.connect((there, PORT))
        return s

    def talk(self):
        """Makes the two register with each other."""
        self.m.exec("ping", "-6", "-n", "-c", "1", "-W", "1", "-I", HOME, PEER, check=False)
        return self.peer_of(self.mobile)["mode"] == "ro"

    @staticmethod
    def peer_of(daemon):
        return (daemon.show().get("peers") or [{"mode": ""}])[0]

    def events(self, name):
        with open(self.logs[name]) as f:
            lines = [json.loads(line) for line in f if line.endswith("\n")]
        return [line for line in lines if line["event"] == "handover"]

    def with_peer(self, name, before):
        """The handover between the two after the first @before ones, once it is told."""
        def find():
            found = [e for e in self.events(name) if e["peer"] in (PEER, HOME)]
            return found[before] if len(found) > before else None

        return wait_for(f"a handover of {name}", find)

    def move(self):
        """The address goes, and nothing gets there any more; a moment later there is another."""
        care_of = self.mobile.show()["homes"][0]["care_of"]
        self.prefix += 1
        prefix = f"2001:db8:b{self.prefix:x}::"
        self.g.ip("addr", "add", f"{prefix}1/64", "dev", "e0", "nodad")
        self.g.ip("route", "add", "blackhole", f"{care_of}/128")
        self.m.ip("addr", "del", f"{care_of}/64", "dev", "e0")
        wait_for("the end of the address",
                 lambda: not self.mobile.show()["homes"][0]["care_of"])
        self.router.advertise(prefix)
        return care_of


def with_data(t):
    stream = Stream(t.udp(t.c, PEER, HOME), t.udp(t.m, HOME, PEER))
    stream.start()
    wait_for("data", lambda: len(stream.came) > 20)
    before = t.move()
    event = t.with_peer("mobile", 0)
    far = t.with_peer("peer", 0)
    stream.stop()
    care_of = t.mobile.show()["homes"][0]["care_of"]
    want = {"local": HOME, "peer": PEER, "mode": "ro", "result": "done", "moved": "local",
            "from": before, "to": care_of}
    if {name: event.get(name) for name in want} != want:
        raise Failure(f"{event} is not {want}")
    measured = stream.gap()
    if abs(event["gap_us"] / 1e6 - measured) > SLACK_S:
        raise Failure(f"a gap of {event['gap_us'] / 1e6:.3f} s was told, it was {measured:.3f} s")
    times = [event[name] for name in ("update_us", "acknowledged_us")]
    if (times != sorted(times) or event["data_in_us"] < event["update_us"]
            or event["messages_sent"] < 2):
        raise Failure(f"out of order: {event}")
    # The peer, at home, cannot tell data that comes by its home agent from any other.
    want = {"local": PEER, "peer": HOME, "moved": "peer", "peer_from": before, "peer_to": care_of,
            "result": "done", "mode": "ro"}
    if {name: far.get(name) for name in want} != want or "gap_us" in far or "data_in_us" not in far:
        raise Failure(f"{far} is not {want} with data_in_us and without a gap")
    if f"handover of {HOME} with {PEER}" not in t.mobile.tail():
        raise Failure("no line in the log")


def without_data(t):
    t.move()
    event = t.with_peer("mobile", 0)
    for name in ("gap_us", "data_in_us", "data_out_us"):
        if name in event:
            raise Failure(f"{name} where there was no data: {event}")
    if event["result"] != "done" or event["refused_in"] != 0 or event["dropped_out"] != 0:
        raise Failure(f"{event}")


def agent_is_told(t):
    t.move()
    wait_for("two handovers", lambda: len(t.events("mobile")) >= 2)
    modes = sorted(e["mode"] for e in t.events("mobile"))
    if modes != ["home agent", "ro"]:
        raise Failure(f"{modes}")


CASES = [with_data, without_data, agent_is_told]

if __name__ == "__main__":
    sys.exit(main(CASES, Things))
