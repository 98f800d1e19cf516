# SPDX-License-Identifier: BSD-2-Clause
"""Two internets with the same nodes, the same traffic and the same moves: in one the mobile nodes use
BUB, in the other they have it switched off.  What happens is read while it happens.

  World      one internet: what can be done in it, and what it looks like
  Watch      reads its captures and the logs of its applications as they grow
  Worlds     both, in step

server.py shows them to a browser.
"""

from __future__ import annotations

import contextlib
import dataclasses
import pathlib
import time
from collections.abc import Iterator

from . import bounds, daemons, esp, ladder, page, pcap, recording, report, topology
from .recording import Message, Move, Recording
from .session import Handover, Session, peer_of
from .system import LabError, Lines
from .topology import LINKS, MOBILES

TCP_BITS_PER_S, UDP_PER_S = 1_000_000, 25  # little: it goes on for hours, and everything is read
FILE_S = 20  # captures go on in new files after so long, and the old ones are removed
WINDOW_S, BIN_S = 20, 0.1  # of the chart of the TCP stream
DATA_KEPT_S = 3
LOST_AFTER_S = 2  # what has not come by then will not come
MESSAGES_MAX = 400  # of one ladder
SETTLE_S = 0.1  # between moves: a link that is on its way cannot be moved

DELAY_MAX_MS, LOSS_MAX_PCT = 300, 30
CUTTABLE = ("mn1", "ha1", "ha2", "mn2")
CAPTURES = ("mn1", "ha1", "ha2", "mn2")  # at the lanes of a ladder
Firsts = dict[str, tuple[float, Message]]  # by node, data and when it came

TITLES = {"bub": "Binding Update Backhauling", "ro": "Route optimisation of RFC 6275"}


def direct_ms(options: topology.Options) -> float:
    """One-way delay between two nodes that are away."""
    return sum(options.delay(link) for link in ("mn1", "ar1a", "ar2a", "mn2"))


class Watch:
    """Reads along."""

    def __init__(self, session: Session, made: Recording) -> None:
        self.session = session
        self.made = made
        self.collector = recording.Collector(made.keys)
        self.tails: dict[str, pcap.Tail] = {}
        self.files = 0
        traffic = session.traffic
        self.tcp = Lines(traffic.tcp_log)
        self.came = {node: Lines(traffic.received_log(node)) for node in MOBILES}
        self.next_number: dict[str, int] = {}  # of the packets that come to each node
        self.missing: dict[tuple[str, int], float] = {}  # those left out, and when they were sent
        self.lost: list[float] = []
        self.progress: list[tuple[float, int]] = []  # octets of the stream by time
        self.begin(time.time())
        self.change_files()

    def change_files(self) -> None:
        emulator, before = self.session.topology.emulator, list(self.tails.items())
        assert emulator is not None
        self.files += 1
        self.changed = time.monotonic()
        for link in CAPTURES:
            path = self.session.out / "pcap" / f"{link}-{self.files}.pcap"
            emulator.command(f"capture {topology.capture_port(link)} {path}")
            self.tails[link] = pcap.Tail(path)
        for link, tail in before:
            self.read_frames(link, tail)
            tail.remove()
        if not before:  # those of the beginning
            for link in CAPTURES:
                (self.session.out / "pcap" / f"{link}.pcap").unlink()

    def read_frames(self, link: str, tail: pcap.Tail) -> None:
        for when, octets in tail.frames():
            self.collector.add(link, when, octets)

    def poll(self) -> float:
        """Reads what has come; returns until when everything is known."""
        emulator = self.session.topology.emulator
        assert emulator is not None
        until = emulator.command("sync")
        self.made.keys.update(esp.read_keys(self.session.daemons.key_logs()))
        for link, tail in self.tails.items():
            self.read_frames(link, tail)
        if time.monotonic() - self.changed > FILE_S:
            self.change_files()
        for message in self.collector.messages(until):
            (self.made.messages if message.packet.mobility else self.made.data).append(message)
        self.collector.forget(until)
        self.read_logs(until)
        return until

    def read_logs(self, now: float) -> None:
        for node in MOBILES:
            for number, sent, _came in map(str.split, self.came[node].read()):
                self.arrived(node, int(number), int(sent) / 1e9)
        gone = [key for key, sent in self.missing.items() if now - sent > LOST_AFTER_S]
        self.lost += [self.missing.pop(key) for key in gone]
        for when, octets in map(str.split, self.tcp.read()):
            self.progress.append((int(when) / 1e9, int(octets)))
            self.measure(self.progress[-2:])

    def arrived(self, node: str, number: int, sent: float) -> None:
        expected = self.next_number.get(node, number)
        for left_out in range(expected, number):
            self.missing[node, left_out] = sent - (number - left_out) / UDP_PER_S
        self.missing.pop((node, number), None)
        self.next_number[node] = max(expected, number + 1)

    def begin(self, since: float) -> None:
        """From now on the longest silence of the stream is that since then."""
        self.since, self.longest = since, 0.0
        self.measure(self.progress)

    def measure(self, progress: list[tuple[float, int]]) -> None:
        for (before, _), (after, _) in zip(progress, progress[1:]):
            if before >= self.since:
                self.longest = max(self.longest, after - before)

    def silence(self, now: float) -> float:
        """The longest time in which the stream brought nothing, in s.  It may go on."""
        last = self.progress[-1][0] if self.progress else self.since
        return max(self.longest, now - max(last, self.since))

    def forget(self, before: float, wanted: list[Message]) -> None:
        """What nobody will look at again: data but for @wanted, and all from before the ladder."""
        now = time.time()
        self.made.messages = [m for m in self.made.messages if m.time >= before][:MESSAGES_MAX]
        self.made.data = [m for m in self.made.data if m in wanted or now - m.time < DATA_KEPT_S]
        self.lost = [when for when in self.lost if when >= before - report.IN_FLIGHT_S]
        if self.progress and self.progress[0][0] < now - 2 * WINDOW_S:
            self.progress = [p for p in self.progress if p[0] >= now - WINDOW_S - 1] \
                or self.progress[-1:]


@dataclasses.dataclass
class Episode:
    """What somebody did, and what has come of it: a ladder."""

    label: str
    cut: float
    before: dict[str, str]  # places
    handover: Handover | None = None  # None: nobody has a new address

    def as_move(self) -> Move:
        h = self.handover
        if h is None:
            return Move(self.cut, {}, {}, {}, 0, {})
        addresses = {node: h.data_address(node) for node in h.nodes}
        return Move(h.cut, h.usable, h.places, addresses, h.done, {})


class World:
    def __init__(self, name: str, out: pathlib.Path, no_bub: bool) -> None:
        self.name = name
        self.out = out
        for folder in ("logs", "pcap"):
            (out / folder).mkdir(parents=True)
        options = topology.Options(captures=CAPTURES, world=name)
        self.session = Session(out, options, daemons.BubOptions(no_bub=no_bub), live=False)
        self.session.traffic.tcp_bits_per_s = TCP_BITS_PER_S
        self.session.traffic.udp_per_s = UDP_PER_S
        self.mode = "ro" if no_bub else "bub"
        self.cut: list[str] = []
        self.made = Recording(out)
        self.drawn: tuple = ()  # what the picture was made of
        self.serial = 0
        self.picture: dict = {}
        self.modes: dict[str, str] = {}
        self.asked = 0.0

    # ---- Life -------------------------------------------------------------------------------

    def start(self) -> None:
        """Until traffic goes and both nodes are away, in the mode that this world is about."""
        self.session.start()
        self.session.start_traffic()
        self.session.move(mn1="ar1a", mn2="ar2a")
        for node in MOBILES:
            self.session.wait_mode(node, self.mode)

    def open(self) -> None:
        """From now on somebody looks at it."""
        self.describe_nodes()
        self.watch = Watch(self.session, self.made)
        self.begin(Episode("both are away from home", time.time(), dict(self.session.place)))

    def describe_nodes(self) -> None:
        made, nodes = self.made, report.node_summary(self.session, {})
        recording.lab_names(made.names, nodes)
        for name, node in nodes.items():
            made.nodes[name] = recording.lab_node(name, node, made.names)
        self.describe_links()

    def describe_links(self) -> None:
        delays = {link: self.session.topology.options.delay(link) for link in LINKS}
        self.made.summary = {"options": {"delay_ms": delays}}
        self.made.vantages = recording.lab_vantages(delays)

    # ---- Doing ------------------------------------------------------------------------------

    def command(self, line: str) -> float:
        emulator = self.session.topology.emulator
        assert emulator is not None
        return emulator.command(line)

    def begin(self, episode: Episode) -> None:
        self.episode = episode
        self.watch.begin(episode.cut - report.IN_FLIGHT_S)
        self.made.first_places = episode.before
        self.made.moves = [episode.as_move()]

    def move(self, places: dict[str, str]) -> None:
        before = dict(self.session.place)
        handover = self.session.begin_move(places)
        self.cut = [link for link in self.cut if link not in places]
        if places.items() <= before.items():
            handover.label = " and ".join(f"{n} is back at {p}" for n, p in places.items())
        self.begin(Episode(handover.label, handover.cut, before, handover))

    def cut_link(self, link: str) -> None:
        before = dict(self.session.place)
        when = self.command(f"detach {link}" if link in MOBILES else f"set {link} up=no")
        self.cut.append(link)
        self.begin(Episode(f"the link of {link} is cut", when, before))

    def mend_link(self, link: str) -> None:
        """A mobile node comes back where it was, which is a move like any other."""
        if link in MOBILES:
            self.move({link: self.session.place[link]})
            return
        when = self.command(f"set {link} up=yes")
        self.cut.remove(link)
        self.begin(Episode(f"the link of {link} is mended", when, dict(self.session.place)))

    def set_links(self, factor: float, loss: float) -> None:
        options = self.session.topology.options
        options.delay_ms = {link: ms * factor for link, ms in topology.DELAYS_MS.items()}
        options.loss_pct = {link: loss for link in MOBILES}
        self.command("; ".join(f"set {link} {self.session.topology.parameters(link)}"
                               for link in LINKS))
        self.describe_links()

    # ---- Looking ----------------------------------------------------------------------------

    def look(self) -> dict:
        """Reads what is new; returns what it looks like now."""
        self.session.check()
        now = self.watch.poll()
        episode, session = self.episode, self.session
        if episode.handover is not None and not episode.handover.done:
            session.follow(episode.handover)
        self.made.moves = [episode.as_move()]
        start = episode.cut - 0.001
        session.logs.all = [e for e in session.logs.all if e.time >= start]
        self.made.events = session.logs.ordered()
        firsts, direct = self.first_data(""), self.first_data("plain")
        self.ask()
        self.draw(firsts)
        said = {
            "title": TITLES[self.name], "modes": self.modes, "serial": self.serial,
            "figures": self.figures(now, firsts, direct), "stream": self.stream(now),
            "bands": self.bands(now, firsts),
        }
        self.watch.forget(start, [m for _when, m in (*firsts.values(), *direct.values())])
        return said

    def ask(self) -> None:
        if time.monotonic() - self.asked < 1 and self.modes:
            return
        self.asked = time.monotonic()
        for node in MOBILES:
            address = self.session.addresses[peer_of(node)]
            self.modes[node] = self.session.daemons.mode(node, address)

    def first_data(self, kind: str) -> Firsts:
        """By node, the data that ended its gap; "plain": the first on the direct path."""
        move = self.made.moves[0]
        found = {
            node: recording.first_data(self.made, node, move.addresses[node], since, kind)
            for node, since in move.usable.items()
        }
        return {node: first for node, first in found.items() if first is not None}

    def figures(self, now: float, firsts: Firsts, direct: Firsts) -> dict:
        h, cut = self.episode.handover, self.episode.cut
        said = {
            "label": self.episode.label, "age_s": round(now - cut, 2),
            "lost": sum(when >= cut - report.IN_FLIGHT_S for when in self.watch.lost),
            "silence_ms": round(self.watch.silence(now) * 1e3),
            "nodes": h.nodes if h else [], "gaps": {}, "direct": {}, "bound": None,
            "messages": None, "later": 0,
        }
        if h is None:
            return said
        for node, since in h.usable.items():
            for name, found in (("gaps", firsts), ("direct", direct)):
                when = found[node][0] if node in found else None
                said[name][node] = None if when is None else round((when - since) * 1e3, 1)
        sent = [e for e in self.made.events if e.node in MOBILES and e.kind == "sent"
                and e.time <= (h.done or now)]
        to_peer = report.to_peer(self.session, sent)
        said["messages"] = len(to_peer)
        if len(h.usable) == len(h.nodes):
            mode = report.mode_of(h, to_peer)
            said["later"] = report.count_later(mode, to_peer)
            places = bounds.Places(self.session.topology.options, self.session.place)
            said["bound"] = round(max(
                report.bound_of_mode(self.session, h, places, node, mode, to_peer)
                for node in h.nodes
            ), 1)
        return said

    def stream(self, now: float) -> list[list[float]]:
        """kB in a second of the stream, in bins; the times are seconds since the links were cut."""
        first, zero = int((now - WINDOW_S) / BIN_S), self.episode.cut
        octets = [0] * (int(now / BIN_S) - first)
        for (_, before), (when, by_then) in zip(self.watch.progress, self.watch.progress[1:]):
            at = int(when / BIN_S) - first
            if 0 <= at < len(octets):
                octets[at] += by_then - before
        return [[round((first + at) * BIN_S - zero, 2), round(count / BIN_S / 1e3, 1)]
                for at, count in enumerate(octets)]

    def bands(self, now: float, firsts: Firsts) -> list[dict]:
        """The stretches of time that the chart shades."""
        move = self.made.moves[0]
        nodes = len(self.episode.handover.nodes) if self.episode.handover else 0
        if not nodes:
            return []
        ready = move.time if len(move.usable) == nodes else now
        data = max(when for when, _m in firsts.values()) if len(firsts) == nodes else now
        return [{"from": 0, "to": ready - move.cut, "what": "link"},
                {"from": ready - move.cut, "to": max(ready, data) - move.cut, "what": "gap"}]

    def draw(self, firsts: Firsts) -> None:
        """The picture, where it is another one than before."""
        made, move = self.made, self.made.moves[0]
        state = (
            move.cut, sum(len(m.sightings) for m in made.messages), len(made.messages),
            len(made.events), len(made.keys), tuple(firsts), move.completed, tuple(self.cut),
            tuple(made.summary["options"]["delay_ms"].values()),
        )
        if state == self.drawn:
            return
        self.drawn = state
        self.serial += 1
        drawn = ladder.of_move(made, 0)
        picture = page.ladder_drawing(drawn, page.NARROW, page.roles_of(made.nodes))
        messages = page.number_messages(drawn, [picture], made.keys, 0)
        self.picture = {
            "serial": self.serial, "messages": messages, "notes": page.notes_of(drawn),
            "ladder": page.fragment("ladder.svg.j2", ladder=picture, alone=False),
            "topology": page.fragment(
                "topology.svg.j2", topology=page.topology_drawing(made, 0, self.cut)
            ),
        }


class Refused(LabError):
    """What somebody asked for makes no sense, or not now."""


class Worlds:
    """Both worlds, in step.  All of it is used by one thread."""

    def __init__(self, folder: pathlib.Path) -> None:
        self.worlds = [
            World("bub", folder / "bub", no_bub=False), World("ro", folder / "ro", no_bub=True)
        ]
        self.delay_ms = direct_ms(topology.Options())
        self.loss_pct = 0.0
        self.moved = 0.0

    @contextlib.contextmanager
    def running(self, say) -> Iterator[None]:
        """Between its two ends both worlds are there."""
        with contextlib.ExitStack() as stack:
            for world in self.worlds:
                say(f"starting the world of {TITLES[world.name]}")
                stack.enter_context(world.session)
                world.start()
            for world in self.worlds:
                world.open()
            yield

    def look(self) -> dict:
        return {
            "worlds": {world.name: world.look() for world in self.worlds},
            "links": {"delay_ms": self.delay_ms, "loss_pct": self.loss_pct,
                      "cut": self.worlds[0].cut},
        }

    def picture(self, name: str) -> dict:
        return next(world.picture for world in self.worlds if world.name == name)

    # ---- What can be asked for --------------------------------------------------------------

    def do(self, request: object) -> None:
        """One of {"do": "move", "nodes": [...]}, {"do": "cut" or "mend", "link": ...} and
        {"do": "links", "delay_ms": ..., "loss_pct": ...}."""
        actions = {"move": self.move, "cut": self.cut, "mend": self.mend, "links": self.set_links}
        if not isinstance(request, dict) or request.get("do") not in list(actions):
            raise Refused(f'expected an object with "do": one of {", ".join(actions)}')
        actions[request["do"]](request)

    def settle(self) -> None:
        time.sleep(max(0.0, self.moved + SETTLE_S - time.monotonic()))

    def each(self, action, *arguments: object) -> None:
        self.settle()
        for world in self.worlds:
            getattr(world, action)(*arguments)
        self.moved = time.monotonic()

    def move(self, request: dict) -> None:
        nodes = request.get("nodes")
        if not isinstance(nodes, list) or not nodes or any(n not in MOBILES for n in nodes):
            raise Refused(f'"nodes": expected some of {", ".join(MOBILES)}')
        places = self.worlds[0].session.place
        self.each("move", {node: other_place(node, places[node]) for node in MOBILES
                           if node in nodes})

    def link(self, request: dict, is_cut: bool) -> str:
        link = request.get("link")
        if link not in CUTTABLE:
            raise Refused(f'"link": expected one of {", ".join(CUTTABLE)}')
        if (link in self.worlds[0].cut) != is_cut:
            raise Refused(f"the link of {link} is {'not cut' if is_cut else 'cut already'}")
        return link

    def cut(self, request: dict) -> None:
        self.each("cut_link", self.link(request, is_cut=False))

    def mend(self, request: dict) -> None:
        self.each("mend_link", self.link(request, is_cut=True))

    def set_links(self, request: dict) -> None:
        delay = number(request, "delay_ms", DELAY_MAX_MS)
        loss = number(request, "loss_pct", LOSS_MAX_PCT)
        self.each("set_links", delay / direct_ms(topology.Options()), loss)
        self.delay_ms, self.loss_pct = delay, loss


def number(request: dict, name: str, top: float) -> float:
    value = request.get(name)
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 <= value <= top:
        raise Refused(f'"{name}": expected a number from 0 to {top}')
    return float(value)


def other_place(node: str, place: str) -> str:
    """Each node has two access routers, "a" and "b"."""
    first, second = f"ar{node[-1]}a", f"ar{node[-1]}b"
    return second if place == first else first
