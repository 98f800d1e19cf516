# SPDX-License-Identifier: BSD-2-Clause
"""A small run that nobody ran: captures, logs and a summary whose figures are known, since they are
the numbers written here.

mn1 moves from ar1a to ar1b.  Its Binding Update goes through both home agents and straight to mn2,
mn2 acknowledges, and data comes 61 ms after the address was usable.  Three seconds later both move
in the same instant, and the straight copy of mn1's Binding Update is lost.
"""

import ipaddress
import json
import struct

import dpkt
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

START = 1800000000.0
DELAY = {"ha1": 15, "ha2": 15, "ar1a": 10, "ar1b": 10, "ar2a": 10, "ar2b": 10, "mn1": 5, "mn2": 5}
HOME = {"mn1": "2001:db8:1::10", "mn2": "2001:db8:2::10"}
AGENT = {"mn1": "2001:db8:1::1", "mn2": "2001:db8:2::1"}
KEY = bytes(range(16))
SPI = 0x1000
UPDATE, ACKNOWLEDGEMENT = 5, 6
A_FLAG, H_FLAG = 0x8000, 0x4000

# When each node's new address was usable, from START, and what became of it.
FIRST, SECOND = 0.0, 3.0
CUT = 0.03
GAP = {"first": 61.0, "second": {"mn1": 95.0, "mn2": 100.0}}
LOST = {"first": 10, "second": 26}


def care_of(node, place):
    return f"2001:db8:{place[2:]}::ff:fe00:10{node[-1]}"


def packed(address):
    return ipaddress.IPv6Address(address).packed


def ip6(src, dst, proto, payload):
    head = struct.pack("!IHBB", 6 << 28, len(payload), proto, 64)
    return head + packed(src) + packed(dst) + payload


def hao(proto, home):
    return struct.pack("!BBBB", proto, 2, 1, 2) + bytes(2) + bytes([0xC9, 16]) + packed(home)


def rh2(proto, home):
    return struct.pack("!BBBBI", proto, 2, 2, 1, 0) + packed(home)


def esp(src, dst, proto, payload, ahead=b""):
    """@ahead: a header in front of ESP, that says itself that ESP follows."""
    padding = -(len(payload) + 2) % 16
    plain = payload + bytes(range(1, padding + 1)) + bytes([padding, proto])
    encryptor = Cipher(algorithms.AES(KEY), modes.CBC(bytes(16))).encryptor()
    sealed = encryptor.update(plain) + encryptor.finalize()
    whole = struct.pack("!II", SPI, 1) + bytes(16) + sealed + bytes(16)
    return ip6(src, dst, 60 if ahead else 50, ahead + whole)


def update(number, flags):
    data = struct.pack("!HHH", number, flags, 900)
    return bytes([59, 1, UPDATE, 0, 0, 0]) + data + bytes([1, 2, 0, 0])


def acknowledgement(number):
    data = struct.pack("!BBHH", 0, 0, number, 900)
    return bytes([59, 1, ACKNOWLEDGEMENT, 0, 0, 0]) + data + bytes([1, 2, 0, 0])


class Run:
    def __init__(self, folder, all_devices=False):
        self.folder = folder
        self.all_devices = all_devices  # captures have the inside of tunnels, too
        self.frames = {name: [] for name in ("mn1", "mn2", "ha1", "ha2")}
        self.events = {"mn1": [], "mn2": []}
        self.place = {"mn1": "ar1a", "mn2": "ar2a"}

    def address(self, node):
        return care_of(node, self.place[node])

    def seen(self, at, when, frame):
        self.frames[at].append((START + when, frame))

    def event(self, node, when, kind, **data):
        self.events[node].append({"time": START + when, "node": node, "event": kind, **data})

    # ---- Messages: @when is the moment at which they leave their sender ----------------------

    def home_update(self, node, when, number):
        agent, care, home = AGENT[node], self.address(node), HOME[node]
        message = update(number, A_FLAG | H_FLAG)
        frame = esp(care, agent, 135, message, hao(50, home))
        self.seen(node, when, frame)
        self.seen("ha" + node[-1], when + 0.015, frame)
        self.event(node, when, "sent", what="Binding Update", via="home agent", local=home,
                   peer=agent, care_of=care, number=number)
        answer = esp(agent, care, 135, acknowledgement(number))
        self.seen("ha" + node[-1], when + 0.045, answer)
        self.seen(node, when + 0.060, answer)
        self.event(node, when + 0.060, "received", what="Binding Acknowledgement",
                   via="home agent", local=home, peer=agent, care_of=agent, number=number)

    def through_agents(self, node, peer, when, inner, wait=0.0):
        """Tunnel, plain, tunnel; @wait: how long the peer's home agent holds it."""
        one, two = "ha" + node[-1], "ha" + peer[-1]
        self.seen(node, when, esp(self.address(node), AGENT[node], 41, inner))
        self.seen(one, when + 0.015, esp(self.address(node), AGENT[node], 41, inner))
        self.seen(one, when + 0.045, inner)
        self.seen(two, when + 0.045, inner)
        last = esp(AGENT[peer], self.address(peer), 41, inner)
        self.seen(two, when + 0.075 + wait, last)
        self.seen(peer, when + 0.090 + wait, last)
        if self.all_devices:
            self.seen(node, when - 0.0001, inner)
            self.seen(peer, when + 0.0901 + wait, inner)
            self.seen(one, when + 0.0449, inner)
            self.seen(two, when + 0.0451, inner)

    def peer_update(self, node, peer, when, number, straight=True, wait=0.0):
        care, home = self.address(node), HOME[node]
        message = update(number, A_FLAG)
        self.through_agents(node, peer, when, ip6(care, HOME[peer], 60, hao(135, home) + message),
                            wait)
        old = self.address(peer) if straight else care_of(peer, "ar2a")
        copy = ip6(care, old, 43, rh2(60, HOME[peer]) + hao(135, home) + message)
        self.seen(node, when + 0.0001, copy)
        if straight:
            self.seen(peer, when + 0.0301, copy)
        for via in ("home agents", "direct"):
            self.event(node, when, "sent", what="Binding Update", via=via, local=home,
                       peer=HOME[peer], care_of=care, number=number)

    def straight(self, node, peer, when, message):
        """A message of BUB mode on the direct path."""
        frame = ip6(self.address(node), self.address(peer), 43,
                    rh2(60, HOME[peer]) + hao(135, HOME[node]) + message)
        self.seen(node, when, frame)
        self.seen(peer, when + 0.030, frame)

    # ---- What happens --------------------------------------------------------------------------

    def move(self, node, when, place):
        self.event(node, when - CUT, "link-down", interface="wl0")
        self.place[node] = place
        self.event(node, when, "care-of", usable=True, address=self.address(node))
        states = {"from": "no care-of address", "to": "registering"}
        self.event(node, when, "state", machine="home-registration", local=HOME[node],
                   peer=AGENT[node], what="new care-of address", **states)

    def data(self, node, peer, sent, came, number, tunnel=False):
        datagram = struct.pack("!HHHHI", 42001, 42001, 12, 0, number)
        if tunnel:
            inner = ip6(HOME[node], HOME[peer], 17, datagram)
            self.through_agents(node, peer, sent, inner, came - sent - 0.090)
            return
        frame = ip6(self.address(node), self.address(peer), 43,
                    rh2(60, HOME[peer]) + hao(17, HOME[node]) + datagram)
        self.seen(node, sent, frame)
        if came is not None:
            self.seen(peer, came, frame)

    def stream(self, node, peer, outages):
        """A packet each 10 ms; what is sent within an outage (in ms) is lost."""
        sent_log, received_log = [], []
        for number in range(500):
            at = 10 * number - 500
            sent = at / 1000
            came = None if any(start <= at < end for start, end in outages) else sent + 0.030
            sent_log.append(f"{number} {round((START + sent) * 1e9)}")
            if came is not None:
                stamp = round((START + came) * 1e9)
                received_log.append(f"{number} {round((START + sent) * 1e9)} {stamp}")
            yield sent, came, number
        logs = self.folder / "logs"
        (logs / f"udp-{node}.sent").write_text("\n".join(sent_log) + "\n")
        (logs / f"udp-{peer}.received").write_text("\n".join(received_log) + "\n")

    # ---- Files ---------------------------------------------------------------------------------

    def write_logs(self):
        (self.folder / "logs" / "mn1.keys").write_text(
            f'"IPv6","*","*","0x{SPI:08x}","AES-CBC [RFC3602]","0x{KEY.hex()}","HMAC","0x00"\n'
        )
        progress = [(-0.5 + step * 0.02, step * 10000) for step in range(25)]
        progress += [(0.2 + step * 0.02, (25 + step) * 10000) for step in range(100)]
        self.folder.joinpath("logs", "tcp-mn2.received").write_text(
            "".join(f"{round((START + when) * 1e9)} {octets}\n" for when, octets in progress)
        )
        for node, events in self.events.items():
            events.sort(key=lambda event: event["time"])
            self.folder.joinpath("logs", f"{node}.events.jsonl").write_text(
                "".join(json.dumps(event) + "\n" for event in events)
            )

    def write_captures(self):
        for name, frames in self.frames.items():
            frames.sort(key=lambda pair: pair[0])
            with self.folder.joinpath("pcap", f"{name}.pcap").open("wb") as file:
                writer = dpkt.pcap.Writer(file, snaplen=262144, nano=True)
                for when, frame in frames:
                    writer.writepkt(bytes(12) + b"\x86\xdd" + frame, when)


def row(label, places, when, gaps, lost, messages, later, stall):
    return {
        "label": label, "nodes": list(places), "places": places, "time": START + when,
        "link_cut": START + when - CUT, "usable": {node: START + when for node in places},
        "completed": START + when + 0.0606,
        "care_of": {node: care_of(node, place) for node, place in places.items()}, "mode": "bub",
        "gap_ms": max(gaps.values()), "gap_ms_by_node": gaps, "bound_ms": 60 if len(gaps) == 1 else 90,
        "bound_ms_by_node": {}, "with_traffic": True, "home_agent_dad": False,
        "tcp_stall_ms": stall, "lost": sum(lost.values()), "lost_by_direction": lost,
        "messages_peer": messages, "messages_later": later, "messages_home": 2 * len(places),
    }


def summary():
    nodes = {}
    for number in "12":
        nodes[f"ha{number}"] = {"role": "home agent", "address": AGENT[f"mn{number}"]}
    for node in ("mn1", "mn2"):
        places = [f"ar{node[-1]}{side}" for side in "ab"]
        nodes[node] = {
            "role": "mobile node", "home_address": HOME[node], "home_agent": AGENT[node],
            "care_of": {place: care_of(node, place) for place in places},
        }
    both = {"mn1": "ar1a", "mn2": "ar2b"}
    return {
        "scenario": "made-up", "commit": "0123456789abcdef", "ok": True, "problems": [],
        "options": {"delay_ms": DELAY}, "nodes": nodes,
        "handovers": [
            row("mn1 moves from ar1a to ar1b", {"mn1": "ar1b"}, FIRST, {"mn1": GAP["first"]},
                {"mn1->mn2": 3, "mn2->mn1": 7}, 3, 0, 220.0),
            row("mn1 moves from ar1b to ar1a and mn2 moves from ar2a to ar2b in the same instant",
                both, SECOND, GAP["second"], {"mn1->mn2": 13, "mn2->mn1": 13}, 5, 0, 100.0),
        ],
    }


def write(folder, all_devices=False):
    """Writes the run into @folder, as the lab would; @all_devices: as "tcpdump -i any" would."""
    for name in ("pcap", "logs"):
        (folder / name).mkdir(parents=True)
    run = Run(folder, all_devices)
    one = run.stream("mn1", "mn2", [(-30, 0), (2960, 3090)])
    two = run.stream("mn2", "mn1", [(-30, 40), (2960, 3090)])
    first = [*((s, c, n, "mn1", "mn2") for s, c, n in one),
             *((s, c, n, "mn2", "mn1") for s, c, n in two)]
    run.place = {"mn1": "ar1a", "mn2": "ar2a"}
    data = sorted(first, key=lambda item: item[0])

    def send(start, end):
        for sent, came, number, node, peer in data:
            if start <= sent < end:
                run.data(node, peer, sent, came, number)

    send(-1, FIRST - CUT - 0.001)
    run.move("mn1", FIRST, "ar1b")
    run.home_update("mn1", 0.0002, 100)
    run.peer_update("mn1", "mn2", 0.0004, 7)
    run.straight("mn2", "mn1", 0.0307, acknowledgement(7))
    run.event("mn1", 0.0607, "received", what="Binding Acknowledgement", via="direct",
              local=HOME["mn1"], peer=HOME["mn2"], number=7)
    run.data("mn2", "mn1", 0.0310, 0.0610, 9001)
    send(FIRST - CUT - 0.001, SECOND - CUT - 0.011)
    run.move("mn1", SECOND, "ar1a")
    run.move("mn2", SECOND, "ar2b")
    for node, peer, number in (("mn1", "mn2", 8), ("mn2", "mn1", 30)):
        run.home_update(node, SECOND + 0.0002, 100 + number)
        run.peer_update(node, peer, SECOND + 0.0004, number, straight=node == "mn2", wait=0.0001)
    run.data("mn2", "mn1", SECOND + 0.004, SECOND + 0.095, 9002, tunnel=True)
    run.data("mn1", "mn2", SECOND + 0.009, SECOND + 0.100, 9003, tunnel=True)
    run.straight("mn2", "mn1", SECOND + 0.1007, acknowledgement(8))
    send(SECOND - CUT - 0.011, 9)
    run.write_logs()
    run.write_captures()
    (folder / "summary.json").write_text(json.dumps(summary(), indent=2))
    return run
