#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""A flood of messages from made-up strangers at a correspondent: what a mobile node that it knows
sends meanwhile is answered as if there were none, and whatever is not read is counted.

        mobile node m       home agent and router g       correspondent c
          e0 ------------------- e0   e1 ------------------- e0
          2001:db8:b::/64        lo: 2001:db8:1::1           2001:db8:c::5/64
          2001:db8:e::/64
"""

import multiprocessing
import signal
import socket
import struct
import sys
import time

from linux_common import Failure, addr, main, wait_for
from world import HOME, Correspondence

PEER = Correspondence.PEER
STRANGERS = 80000
HOTI, BU, BE = 1, 5, 7


def checksum(data):
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def frame(head, kind, number, source):
    """A message of @kind, whose answer would be as large."""
    body = struct.pack("!BBBBHH8s", 59, 1, kind, 0, 0, 0, struct.pack("!Q", number))
    src, dst = addr(source), addr(PEER)
    pseudo = src + dst + struct.pack("!IBBBB", len(body), 0, 0, 0, 135)
    body = body[:4] + struct.pack("!H", checksum(pseudo + body)) + body[6:]
    return head + struct.pack("!IHBB", 6 << 28, len(body), 135, 64) + src + dst + body


def data_frame(head, source, home):
    """Data in the name of @home, which has no binding."""
    options = b"\x11\x02\x01\x02\0\0\xc9\x10" + addr(home)
    body = options + struct.pack("!HHHH", 9, 9, 8, 0)
    return (head + struct.pack("!IHBB", 6 << 28, len(body), 60, 64) + addr(source) + addr(PEER)
            + body)


class Things(Correspondence):
    def __init__(self, bubd):
        super().__init__(bubd)
        self.flooder = None
        self.g.ip("addr", "add", "2001:db8:e::1/64", "dev", "e0", "nodad")
        # Answers to strangers leave the test.
        self.g.ip("route", "add", "blackhole", "2001:db8:f000::/36")
        self.start()
        self.here = self.m.inside(lambda: socket.socket(socket.AF_INET6, socket.SOCK_DGRAM))
        self.socks.append(self.here)
        self.here.bind((HOME, 0))
        wait_for("a direct path", lambda: self.is_bound("2001:db8:b:"))

    def is_bound(self, prefix):
        """Data goes, and the correspondent has a binding with a care-of address of @prefix."""
        self.here.sendto(b"data", (PEER, 9))
        peers = self.peer.show()["peers"]
        return bool(peers) and peers[0]["peer_care_of"].startswith(prefix)

    def link(self):
        """The correspondent's link, and what a frame there begins with."""
        macs = bytes.fromhex((self.c.mac("e0") + self.g.mac("e1")).replace(":", ""))

        def make():
            s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(0x86DD))
            s.bind(("e1", 0x86DD))
            return s

        sock = self.g.inside(make)
        self.socks.append(sock)
        return sock, macs + b"\x86\xdd"

    def flood(self, frame_of):
        """Sends STRANGERS messages again and again in a process of its own; each turn sets the
        next event."""
        sock, head = self.link()
        frames = [frame_of(head, i) for i in range(STRANGERS)]
        self.turns = multiprocessing.Value("i", 0)
        self.stopping = multiprocessing.Event()

        def run(turns, stopping):
            while not stopping.is_set():
                for data in frames:
                    try:
                        sock.send(data)
                    except OSError:  # no room: the receiver has had its share of this CPU
                        pass
                turns.value += 1

        self.flooder = multiprocessing.get_context("fork").Process(
            target=run, args=(self.turns, self.stopping), daemon=True)
        self.flooder.start()

    def stop_flood(self):
        self.stopping.set()
        self.flooder.join()

    def close(self):
        if self.flooder is not None and self.flooder.is_alive():
            self.flooder.kill()
            self.flooder.join()
        super().close()


def everything_is_counted(t, before):
    """What the tc program kept from the kernel, which the filters saw before, was read, or refused, or
    lost."""
    def sums():
        grown = {k: v - before.get(k, 0) for k, v in t.peer.counters().items()}
        known = sum(v for k, v in grown.items() if k.startswith("rate-limit-"))
        for name in ("signalling-in", "signalling-lost", "signalling-lost-known"):
            known += grown[name]
        return grown["signalling-taken"], known

    # Some of it waits to be read.
    try:
        wait_for("the rest", lambda: sums()[0] <= sums()[1])
    except Failure as e:
        raise Failure(f"{e}: {sums()}, {t.peer.counters()}") from e
    taken, known = sums()
    print(f"# {taken} came, {known} are known of", flush=True)
    if taken < STRANGERS or known > taken + 500:
        raise Failure(f"{taken} came, {known} are known of: {t.peer.counters()}")


def is_answered(t, kind, source_of):
    before = t.peer.counters()
    t.flood(lambda head, i: frame(head, kind, i, source_of(i)))
    wait_for("the flood", lambda: t.turns.value >= 1, 60)
    # The mobile node moves: return routability, and an update from its new care-of address.
    t.router.advertise("2001:db8:b::", preferred=0)
    t.router.advertise("2001:db8:e::")
    wait_for("the handover", lambda: t.is_bound("2001:db8:e:"))
    if t.flooder.exitcode is not None:
        raise Failure("the flood was over")
    t.stop_flood()
    everything_is_counted(t, before)
    if not any(v for k, v in t.peer.counters().items() if k.startswith("rate-limit-")):
        raise Failure("no limit was reached")
    t.peer.stop()


def from_everywhere(i):
    return f"2001:db8:f{i >> 12:03x}:{i & 0xfff:x}::1"


def hoti_from_everywhere(t):
    is_answered(t, HOTI, from_everywhere)


def hoti_from_one_prefix(t):
    is_answered(t, HOTI, lambda i: f"2001:db8:f000:1::{i >> 8:x}:{i & 0xff:x}")


def updates_from_everywhere(t):
    is_answered(t, BU, from_everywhere)


def what_is_lost_is_counted(t):
    """A daemon that does not run for a while, and more of what is read first than there is room
    for."""
    before = t.peer.counters()
    t.peer.proc.send_signal(signal.SIGSTOP)
    t.flood(lambda head, i: frame(head, BU, i, HOME))
    wait_for("the flood", lambda: t.turns.value >= 1, 60)
    t.stop_flood()
    t.peer.proc.send_signal(signal.SIGCONT)
    wait_for("a line in the log", lambda: "packets were lost" in t.peer.tail())
    if t.peer.counters()["signalling-lost-known"] == 0:
        raise Failure(f"{t.peer.counters()}")
    everything_is_counted(t, before)


def uncovered_from_a_site(t):
    """Data without a binding, from all links of a site and in the name of everybody: who else has
    lost his binding is told so."""
    t.flood(lambda head, i: data_frame(head, f"2001:db8:f000:{i & 0xffff:x}::1",
                                       f"2001:db8:1{i >> 8:03x}:{i & 0xff:x}::1"))
    wait_for("the flood", lambda: t.turns.value >= 1, 60)
    sock, head = t.link()
    sock.setblocking(False)
    for i in range(5):
        source, home = "2001:db8:d::9", f"2001:db8:d0::{i + 1}"
        ask_at = 0

        def is_told():
            nonlocal ask_at
            if time.monotonic() >= ask_at:  # few among many
                sock.send(data_frame(head, source, home))
                ask_at = time.monotonic() + 0.2
            while True:
                try:
                    packet = sock.recv(2048)
                except BlockingIOError:
                    return False
                # Addresses, Mobility Header, a Binding Error with status 1.
                if packet[14 + 24:14 + 40] == addr(source) and packet[14 + 6] == 135 \
                        and packet[14 + 42] == BE and packet[14 + 46] == 1 \
                        and packet[14 + 48:14 + 64] == addr(home):
                    return True

        wait_for(f"Binding Error {i + 1}", is_told, 3)
    if t.flooder.exitcode is not None:
        raise Failure("the flood was over")
    t.stop_flood()
    if t.peer.counters()["rate-limit-prefix"] == 0:
        raise Failure(f"no share was used up: {t.peer.counters()}")


CASES = [what_is_lost_is_counted, hoti_from_everywhere, hoti_from_one_prefix, updates_from_everywhere,
         uncovered_from_a_site]

if __name__ == "__main__":
    sys.exit(main(CASES, Things))
