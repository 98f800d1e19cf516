# SPDX-License-Identifier: BSD-2-Clause
"""What a folder holds, of a lab's run or of real machines: captures, event logs, key logs.

A run of the lab says in its summary.json which handovers there were and what they cost.  Of real
machines this finds out itself: nodes and moves from the event logs, or from the home registrations in
the captures where there are no logs.
"""

from __future__ import annotations

import bisect
import dataclasses
import functools
import ipaddress
import json
import math
import pathlib
import re
from collections.abc import Iterator

from . import clocks, esp, events, pcap, report, topology
from .events import Event
from .system import LabError
from .timeline import Names
from .traffic import read_received, read_sent

AGAIN_S = 3  # the same octets later than this are another message
TWICE_S = 0.05  # sooner than this one capture has one packet twice: "-i any" sees it on two devices
TOGETHER_S = 0.3  # moves of several nodes within this time are one handover
BU_FLAG_H = 0x40  # in the first octet of the flags


@dataclasses.dataclass
class Sighting:
    """A packet where one capture has it, in what it was wrapped then."""

    time: float
    vantage: str  # name of the capture
    src: str
    dst: str
    kind: str  # "esp", "tunnel" (IPv6 in IPv6) or "plain"
    octets: bytes


@dataclasses.dataclass
class Message:
    """An innermost packet, wherever it was seen."""

    packet: pcap.Packet
    sightings: list[Sighting]

    @property
    def time(self) -> float:
        return self.sightings[0].time


@dataclasses.dataclass
class Node:
    name: str
    role: str
    home_address: str = ""
    home_agent: str = ""


@dataclasses.dataclass
class Vantage:
    """Where a capture was made: at a node, or at the far end of its link."""

    node: str
    delay_s: float = 0


@dataclasses.dataclass
class Move:
    """A handover of one node, or of several in the same instant."""

    cut: float
    usable: dict[str, float]
    places: dict[str, str]
    addresses: dict[str, str]  # where data reaches each node now
    completed: float
    row: dict  # in the form of summary.json's handovers

    @property
    def time(self) -> float:
        """When the last of the new addresses was usable; until then, when the links were cut."""
        return max(self.usable.values(), default=self.cut)


@dataclasses.dataclass
class Recording:
    folder: pathlib.Path
    title: str = ""
    summary: dict = dataclasses.field(default_factory=dict)
    names: Names = dataclasses.field(default_factory=Names)
    nodes: dict[str, Node] = dataclasses.field(default_factory=dict)
    vantages: dict[str, Vantage] = dataclasses.field(default_factory=dict)
    keys: dict[int, bytes] = dataclasses.field(default_factory=dict)
    events: list[Event] = dataclasses.field(default_factory=list)
    messages: list[Message] = dataclasses.field(default_factory=list)
    data: list[Message] = dataclasses.field(default_factory=list)
    moves: list[Move] = dataclasses.field(default_factory=list)
    packets: dict[str, list[tuple[float, float | None]]] = dataclasses.field(default_factory=dict)
    progress: list[tuple[float, int]] = dataclasses.field(default_factory=list)
    first_places: dict[str, str] = dataclasses.field(default_factory=dict)
    remarks: list[str] = dataclasses.field(default_factory=list)
    ahead: dict[str, float] = dataclasses.field(default_factory=dict)  # clocks, by capture

    @property
    def of_lab(self) -> bool:
        return bool(self.summary)

    def mobiles(self) -> list[Node]:
        return [node for node in self.nodes.values() if node.role != "home agent"]

    def has_capture(self, node: str) -> bool:
        """Is there a capture at the node itself?"""
        return any(v.node == node and v.delay_s == 0 for v in self.vantages.values())


# ---- Captures ------------------------------------------------------------------------------------


def wrapping(packet: pcap.Packet) -> str:
    return {pcap.ESP: "esp", pcap.IPV6: "tunnel"}.get(packet.proto, "plain")


class Collector:
    """Puts together what the captures have of each packet."""

    def __init__(self, keys: dict[int, bytes]) -> None:
        self.keys = keys
        self.sightings: list[tuple[Sighting, pcap.Packet]] = []  # not yet put together
        self.going: dict[pcap.Packet, Message] = {}  # more may be seen of these
        self.frames = 0  # with IPv6 in them, also over IPv4
        self.closed = 0  # ESP packets that no key opens
        self.short: dict[str, int] = {}  # packets that were not captured whole

    def read(self, path: pathlib.Path) -> None:
        for when, octets in pcap.ip_frames(path):
            self.add(path.stem, when, octets)

    def add(self, vantage: str, when: float, octets: bytes) -> None:
        packet = pcap.parse(octets)
        self.frames += packet is not None or octets[0] >> 4 == 6
        if pcap.is_cut_short(octets):
            self.short[vantage] = self.short.get(vantage, 0) + 1
            return
        if packet is None:
            return
        inner = esp.innermost(packet, self.keys)
        self.closed += inner.proto == pcap.ESP
        if inner.is_data or inner.mobility:
            sighting = Sighting(when, vantage, packet.src, packet.dst, wrapping(packet), octets)
            self.sightings.append((sighting, inner))

    def set_clocks(self) -> dict[str, tuple[float, str]]:
        """Puts the times of all captures right; returns what clocks.differences() found."""
        found = clocks.differences((s.vantage, s.time, packet) for s, packet in self.sightings)
        for sighting, _packet in self.sightings:
            sighting.time -= found[sighting.vantage][0]
        return found

    def messages(self, until: float = float("inf")) -> Iterator[Message]:
        """Sightings of the same octets between the same addresses are one packet, until it comes by
        at the same place in the same wrapping again, some time later."""
        self.sightings.sort(key=lambda pair: pair[0].time)
        ready = bisect.bisect_right(self.sightings, until, key=lambda pair: pair[0].time)
        for sighting, packet in self.sightings[:ready]:
            message = self.going.get(packet)
            if message is not None and is_twice(message, sighting):
                continue
            if message is None or not joins(message, sighting):
                message = self.going[packet] = Message(packet, [])
                message.sightings.append(sighting)
                yield message
            else:
                message.sightings.append(sighting)
        del self.sightings[:ready]

    def forget(self, before: float) -> None:
        """Nothing more will be seen of packets that were there before."""
        self.going = {p: m for p, m in self.going.items() if m.time >= before - AGAIN_S}


def is_same_place(one: Sighting, other: Sighting) -> bool:
    return (one.vantage, one.src, one.dst, one.kind) == (
        other.vantage, other.src, other.dst, other.kind
    )


def is_twice(message: Message, new: Sighting) -> bool:
    return any(is_same_place(s, new) and new.time - s.time < TWICE_S for s in message.sightings)


def joins(message: Message, new: Sighting) -> bool:
    if new.time - message.time > AGAIN_S:
        return False
    return not any(is_same_place(s, new) for s in message.sightings)


def read_captures(recording: Recording, paths: list[pathlib.Path]) -> None:
    collector = Collector(recording.keys)
    for path in paths:
        before = collector.frames
        try:
            collector.read(path)
        except pcap.Damaged as damage:
            recording.remarks.append(f"{path.name} is {damage}; what stands before that is used")
        except ValueError as error:
            raise LabError(f"{path}: {error}") from None
        if collector.frames == before and not recording.of_lab:
            recording.remarks.append(f"{path.name} has no IPv6 packets")
    if not recording.of_lab:
        set_clocks(recording, collector)
    for message in collector.messages():
        kind = recording.messages if message.packet.mobility else recording.data
        kind.append(message)
    for name, count in collector.short.items():
        recording.remarks.append(
            f"{name}: {count} packets were not captured whole and are left out (tcpdump -s 0 takes them whole)"
        )
    if collector.closed:
        recording.remarks.append(
            f"{collector.closed} ESP packets stay closed: no key log has their keys"
        )


def set_clocks(recording: Recording, collector: Collector) -> None:
    for name, (ahead, other) in collector.set_clocks().items():
        recording.ahead[name] = ahead
        if ahead:
            recording.remarks.append(
                f"The clock of {name} is {abs(ahead):.3f} s {'ahead of' if ahead > 0 else 'behind'} "
                f"that of {other}. Its times are put right, as far as packets take as long one way "
                "as the other."
            )


def set_clocks_of_events(recording: Recording) -> None:
    """A node's event log has the clock of its capture."""
    ahead = {v.node: recording.ahead.get(name, 0.0) for name, v in recording.vantages.items()}
    recording.events = sorted(
        (dataclasses.replace(e, time=e.time - ahead.get(e.node, 0.0)) for e in recording.events),
        key=lambda event: event.time,
    )


# ---- A run of the lab ----------------------------------------------------------------------------


def lab_names(names: Names, nodes: dict[str, dict]) -> None:
    for name, node in nodes.items():
        for address in (node.get("address"), node.get("home_address")):
            if address:
                names.add(address, name)
        for address in node.get("care_of", {}).values():
            names.add(address, name)


def lab_node(name: str, node: dict, names: Names) -> Node:
    home = node.get("home_address", "")
    agent = node.get("home_agent")
    return Node(name, node["role"], home, names(agent) if agent else "")


def lab_vantages(delays: dict[str, float]) -> dict[str, Vantage]:
    """lab: captures of routers are made at the core's end of their link (docs/lab.md)."""
    found = {mobile: Vantage(mobile) for mobile in topology.MOBILES}
    for link in delays:
        if link not in topology.MOBILES:
            found[link] = Vantage(link, delays[link] / 1e3)
    return found


def lab_move(row: dict) -> Move:
    return Move(
        row["link_cut"], row["usable"], row["places"], row["care_of"], row["completed"], row
    )


def lab_packets(folder: pathlib.Path) -> dict[str, list[tuple[float, float | None]]]:
    """By direction, when each of the applications' packets was sent and came."""
    result = {}
    for node, peer in (("mn1", "mn2"), ("mn2", "mn1")):
        sent_log, came_log = folder / f"udp-{node}.sent", folder / f"udp-{peer}.received"
        if sent_log.exists() and came_log.exists():
            came: dict[int, float] = {}
            for arrival in read_received(came_log):
                came.setdefault(arrival.number, arrival.received)
            sent = sorted(read_sent(sent_log).items())
            result[f"{node}->{peer}"] = [(when, came.get(number)) for number, when in sent]
    return result


def read_lab(recording: Recording) -> None:
    summary = recording.summary
    recording.title = summary["scenario"]
    lab_names(recording.names, summary["nodes"])
    for name, node in summary["nodes"].items():
        recording.nodes[name] = lab_node(name, node, recording.names)
    recording.vantages = lab_vantages(summary["options"]["delay_ms"])
    recording.moves = [lab_move(row) for row in summary["handovers"]]
    static = recording.nodes["mn2"].role == "correspondent"
    recording.first_places = {
        "mn1": topology.HOME_OF["mn1"],
        "mn2": topology.STATIC_PLACE if static else topology.HOME_OF["mn2"],
    }
    recording.packets = lab_packets(recording.folder / "logs")
    log = recording.folder / "logs" / "tcp-mn2.received"
    lines = log.read_text().splitlines() if log.exists() else []
    recording.progress = [(int(w) / 1e9, int(o)) for w, o in map(str.split, lines)]


# ---- Real machines: who is who -------------------------------------------------------------------


def home_update(message: Message) -> bool:
    """A Binding Update to a home agent."""
    packet = message.packet
    return (
        packet.mobility == pcap.MH_NAMES[5]
        and len(packet.payload) > 8
        and bool(packet.payload[8] & BU_FLAG_H)
    )


def add_mobile(recording: Recording, name: str, home: str, agent_address: str) -> None:
    names = recording.names
    if names(agent_address) == agent_address:
        count = sum(node.role == "home agent" for node in recording.nodes.values())
        names.add(agent_address, f"ha{count + 1}")
    agent = names(agent_address)
    recording.nodes.setdefault(agent, Node(agent, "home agent"))
    names.add(home, name)
    recording.nodes[name] = Node(name, "mobile node", home, agent)


def names_of_events(recording: Recording) -> None:
    """Home agents are known by the registrations that they took."""
    for event in recording.events:
        local, what = event.get("local"), event.get("what")
        if event.get("via") == "home agent" and what == "Binding Update":
            if event.kind == "received":
                recording.names.add(local, event.node)
                recording.nodes.setdefault(event.node, Node(event.node, "home agent"))
    for event in recording.events:
        if event.kind == "state" and event.get("machine") == "home-registration":
            if event.node not in recording.nodes:
                add_mobile(recording, event.node, event.get("local"), event.get("peer"))
        elif event.kind == "care-of":
            recording.names.add(event.get("address"), event.node)


def names_of_messages(recording: Recording) -> None:
    """What the logs do not tell: home registrations of nodes without a log, and care-of addresses."""
    names = recording.names
    for message in filter(home_update, recording.messages):
        packet = message.packet
        if names(packet.home_src) == packet.home_src:
            count = sum(node.role == "mobile node" for node in recording.nodes.values())
            add_mobile(recording, f"mn{count + 1}", packet.home_src, packet.dst)
        names.add(packet.src, names(packet.home_src))
    for message in recording.messages:
        packet = message.packet
        for home, address in ((packet.home_src, packet.src), (packet.home_dst, packet.dst)):
            if names(home) == home and home != address:
                count = sum(node.role == "correspondent" for node in recording.nodes.values())
                name = f"peer{count + 1}"
                names.add(home, name)
                recording.nodes[name] = Node(name, "correspondent", home)
            if names(address) == address and names(home) in recording.nodes:
                names.add(address, names(home))


def name_captures(recording: Recording, paths: list[pathlib.Path]) -> None:
    """A capture belongs to the node whose name its own name begins with."""
    for path in paths:
        fits = [n for n in recording.nodes if re.match(rf"{re.escape(n)}(?![A-Za-z0-9])", path.stem)]
        if fits:
            recording.vantages[path.stem] = Vantage(max(fits, key=len))
        else:
            recording.remarks.append(
                f"{path.name} is at no node that is known: it helps with times, not with losses"
            )


# ---- Real machines: what happened ----------------------------------------------------------------


def prefix(address: str) -> str:
    length = 64 if ipaddress.ip_address(address).version == 6 else 24
    return str(ipaddress.ip_network((address, length), strict=False))


def place_of(node: Node, address: str) -> str:
    return node.home_agent if address == node.home_address else prefix(address)


def moves_of_events(recording: Recording, node: Node) -> Iterator[Move]:
    """A node that has moved registers at its home agent with another address."""
    mine = [e for e in recording.events if e.node == node.name]
    since = 0.0  # the move before
    for at, event in enumerate(mine):
        if event.get("machine") != "home-registration":
            continue
        if event.get("to") not in ("registering", "deregistering"):
            continue
        if event.get("from") not in ("no care-of address", "at home", "registered"):
            continue
        returns = event.get("to") == "deregistering"
        update = next((e for e in mine[at:] if e.is_message("Binding Update")), None)
        address = node.home_address
        if not returns:
            if update is None:
                continue
            address = update.get("care_of")
        yield move_at(node, event, address, mine, since)
        since = event.time


def move_at(node: Node, event: Event, address: str, mine: list[Event], since: float) -> Move:
    before = [e for e in mine if since < e.time <= event.time]
    usable = [e.time for e in before if e.kind == "care-of" and e.get("address") == address]
    downs = [e.time for e in before if e.kind == "link-down"]
    ready = usable[-1] if usable else event.time
    return Move(
        min(downs[-1] if downs else ready, ready), {node.name: ready},
        {node.name: place_of(node, address)}, {node.name: address}, completed(mine, event.time), {},
    )


def completed(mine: list[Event], since: float) -> float:
    """When the last acknowledgement came: the home agent's, and those of the peers that the node
    told until then."""
    after = [e for e in mine if e.time > since]
    answers = [
        e for e in after if e.kind == "received" and e.is_message("Binding Acknowledgement")
    ]
    home = next((e.time for e in answers if e.get("via") == "home agent"), since)
    told = {
        e.get("peer") for e in after
        if e.kind == "sent" and e.is_message("Binding Update") and e.time <= home
    }
    firsts = [next((e.time for e in answers if e.get("peer") == peer), home) for peer in told]
    return max([home, *firsts])


def moves_of_messages(recording: Recording, node: Node) -> Iterator[Move]:
    """Without an event log: the first Binding Update from each new address."""
    address = ""
    for message in filter(home_update, recording.messages):
        packet = message.packet
        if packet.home_src != node.home_address or packet.src == address:
            continue
        address = packet.src
        answer = next(
            (m.time for m in recording.messages if m.time > message.time
             and m.packet.mobility == pcap.MH_NAMES[6] and m.packet.home_dst == node.home_address),
            message.time,
        )
        yield Move(
            message.time, {node.name: message.time}, {node.name: place_of(node, address)},
            {node.name: address}, answer, {},
        )


def find_moves(recording: Recording) -> list[Move]:
    found: list[Move] = []
    for node in recording.mobiles():
        if node.role != "mobile node":
            continue
        logged = list(moves_of_events(recording, node))
        has_log = any(e.node == node.name for e in recording.events)
        found += logged if has_log else moves_of_messages(recording, node)
    found.sort(key=lambda move: move.time)
    merged: list[Move] = []
    for move in found:
        last = merged[-1] if merged else None
        if last and move.time - last.time < TOGETHER_S and not set(move.usable) & set(last.usable):
            last.cut = min(last.cut, move.cut)
            last.completed = max(last.completed, move.completed)
            for name in ("usable", "places", "addresses"):
                getattr(last, name).update(getattr(move, name))
        else:
            merged.append(move)
    return merged


def paired(recording: Recording) -> dict[str, list[tuple[float, float | None]]]:
    """Data by direction, with sending and arrival, of pairs that have a capture at both ends."""
    found: dict[str, list[tuple[float, float | None]]] = {}
    for protocol in (pcap.UDP, pcap.TCP):
        for message in recording.data:
            packet = message.packet
            source, target = recording.names(packet.home_src), recording.names(packet.home_dst)
            if packet.proto != protocol or not (
                recording.has_capture(source) and recording.has_capture(target)
            ):
                continue
            at = {recording.vantages[s.vantage].node: s.time
                  for s in reversed(message.sightings) if s.vantage in recording.vantages}
            if source in at:
                found.setdefault(f"{source}->{target}", []).append((at[source], at.get(target)))
        if found:  # TCP sends again what is lost: it shows losses where there is nothing else
            break
    return found


def stream(recording: Recording) -> list[tuple[float, int]]:
    """The octets of the longest TCP stream that have come, by time."""
    flows: dict[tuple[str, str, bytes], list[tuple[float, int]]] = {}
    for message in recording.data:
        packet = message.packet
        target = recording.names(packet.home_dst)
        if packet.proto != pcap.TCP or len(packet.payload) < 20:
            continue
        came = [s.time for s in message.sightings
                if s.vantage in recording.vantages and recording.vantages[s.vantage].node == target]
        size = len(packet.payload) - 4 * (packet.payload[12] >> 4)
        if came and size > 0:
            sequence = int.from_bytes(packet.payload[4:8], "big")
            flow = (packet.home_src, packet.home_dst, packet.payload[:4])
            flows.setdefault(flow, []).append((min(came), sequence + size))
    longest = max(flows.values(), key=len, default=[])
    return progress_of(sorted(longest))


def progress_of(segments: list[tuple[float, int]]) -> list[tuple[float, int]]:
    """From the ends of segments in sequence space, which wraps."""
    result: list[tuple[float, int]] = []
    top = octets = 0
    for when, end in segments:
        if not result:
            top = end
        ahead = (end - top + (1 << 31)) % (1 << 32) - (1 << 31)
        if ahead > 0 or not result:
            octets += ahead
            top = end
            result.append((when, octets))
    return result


def describe(recording: Recording, move: Move, before: dict[str, str]) -> str:
    parts = []
    for name, place in move.places.items():
        home = recording.nodes[name].home_agent
        old = before.get(name, "")
        if place == home:
            parts.append(f"{name} returns home")
        elif old == home:
            parts.append(f"{name} leaves home for {place}")
        else:
            parts.append(f"{name} moves{f' from {old}' if old else ''} to {place}")
    return " and ".join(parts) + (" in the same instant" if len(parts) > 1 else "")


def first_data(
    recording: Recording, node: str, address: str, since: float, kind: str = ""
) -> tuple[float, Message] | None:
    """When data first came to @address, by the node's own capture, and which.  @kind: of its
    wrapping, where that matters."""
    found = [
        (s.time, message)
        for message in recording.data
        for s in message.sightings
        if s.time >= since and s.dst == address and kind in ("", s.kind)
        and s.vantage in recording.vantages and recording.vantages[s.vantage].node == node
    ]
    return min(found, key=lambda pair: pair[0], default=None)


def sent_by(recording: Recording, move: Move) -> list[Message]:
    """What the mobile nodes sent in a handover."""
    return [
        m for m in recording.messages
        if move.cut <= m.time <= move.completed
        and recording.names(m.packet.home_src) not in agents(recording)
    ]


def agents(recording: Recording) -> set[str]:
    return {n.name for n in recording.nodes.values() if n.role == "home agent"}


def mode_of(recording: Recording, move: Move, sent: list[Message]) -> str:
    names = recording.names
    mine = {
        m.packet.mobility for m in sent
        if names(m.packet.home_src) in move.usable
        and names(m.packet.home_dst) not in agents(recording)
    }
    if "Binding Update" not in mine:
        return "tunnel"
    return "ro" if "Care-of Test Init" in mine else "bub"


def row_of(recording: Recording, index: int, label: str, lost: dict[str, int], stall: float) -> dict:
    """A row of the table as the lab has it; there is no bound, since nobody knows the delays."""
    move = recording.moves[index]
    gaps = {}
    for node, since in move.usable.items():
        first = first_data(recording, node, move.addresses[node], since)
        gaps[node] = None if first is None else round((first[0] - since) * 1e3, 2)
    known = [gap for gap in gaps.values() if gap is not None]
    sent, home = sent_by(recording, move), agents(recording)
    peer = [m for m in sent if recording.names(m.packet.home_dst) not in home]
    return {
        "label": label, "nodes": list(move.usable), "mode": mode_of(recording, move, sent),
        "gap_ms": max(known) if len(known) == len(gaps) else None, "gap_ms_by_node": gaps,
        "bound_ms": None, "lost": sum(lost.values()), "lost_by_direction": lost,
        "tcp_stall_ms": round(stall, 2), "messages_peer": len(peer), "messages_later": 0,
        "messages_home": None, "home_agent_dad": False, "with_traffic": bool(recording.data),
    }


def read_machines(recording: Recording, paths: list[pathlib.Path]) -> None:
    recording.title = recording.folder.name
    names_of_events(recording)
    names_of_messages(recording)
    recording.nodes = dict(sorted(recording.nodes.items()))
    name_captures(recording, paths)
    set_clocks_of_events(recording)
    recording.moves = find_moves(recording)
    recording.packets = paired(recording)
    recording.progress = stream(recording)
    where: dict[str, str] = {}
    for event in recording.events:
        if event.get("machine") == "home-registration" and event.get("to") == "at home":
            where.setdefault(event.node, recording.nodes[event.node].home_agent)
    recording.first_places = dict(where)
    counts = {}
    for direction, packets in recording.packets.items():
        lost = [sent for sent, came in packets if came is None]
        counts[direction] = report.attribute(lost, recording.moves)[0]
    stalls = report.stalls(recording.progress, recording.moves)
    for index, move in enumerate(recording.moves):
        label = describe(recording, move, where)
        where.update(move.places)
        here = {direction: count[index] for direction, count in counts.items()}
        move.row = row_of(recording, index, label, here, stalls[index])


# ---- Either --------------------------------------------------------------------------------------


@functools.lru_cache(maxsize=4096)
def is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True


def read_event(line: str) -> Event:
    """ValueError: it is none."""
    try:
        event = events.parse(line)
    except (KeyError, TypeError) as error:
        raise ValueError(str(error)) from None
    addresses = [event.get(name) for name in ("address", "local", "peer", "care_of")]
    if not math.isfinite(event.time) or not all(is_address(a) for a in addresses if a):
        raise ValueError(line)
    return event


def read_events(recording: Recording, paths: list[pathlib.Path]) -> None:
    for path in paths:
        lines = path.read_text(errors="replace").splitlines()
        wrong = 0
        for number, line in enumerate(lines, 1):
            try:
                recording.events.append(read_event(line))
            except ValueError:
                wrong += number < len(lines)  # the last was being written when it was copied
        if wrong:
            recording.remarks.append(f"{path.name}: {wrong} lines are no events and are left out")
    recording.events.sort(key=lambda event: event.time)


def read_summary(recording: Recording) -> None:
    """A run that broke off has a summary, but no handovers in it."""
    path = recording.folder / "summary.json"
    try:
        summary = json.loads(path.read_text()) if path.exists() else {}
    except ValueError as error:
        raise LabError(f"{path}: {error}") from None
    if summary.get("ok") is False:
        why = summary.get("error") or "; ".join(summary.get("problems", []))
        recording.remarks.append(f"This run failed: {why}")
    if "handovers" in summary:
        recording.summary = summary


def read(folder: pathlib.Path) -> Recording:
    """Reads all that is in the folder and below it."""
    if not folder.is_dir():
        raise LabError(f"{folder} is no folder")
    captures = sorted([*folder.rglob("*.pcap"), *folder.rglob("*.pcapng")])
    if not captures:
        raise LabError(f"{folder} holds no captures (*.pcap, *.pcapng)")
    recording = Recording(folder)
    read_summary(recording)
    for path in sorted(folder.rglob("*.keys")):
        try:
            recording.keys.update(esp.read_keys([path]))
        except ValueError as error:
            raise LabError(f"{path} is no key log: {error}") from None
    read_events(recording, sorted(folder.rglob("*.jsonl")))
    read_captures(recording, captures)
    if recording.of_lab:
        try:
            read_lab(recording)
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise LabError(
                f"{folder}: summary.json and logs/ are not as a run leaves them "
                f"({type(error).__name__}: {error}). Without "
                "summary.json the rest is read as of real machines."
            ) from error
    else:
        read_machines(recording, captures)
    return recording
