# SPDX-License-Identifier: BSD-2-Clause
"""What came of a run: gaps from the captures, losses from the applications' logs, messages from
the event logs and, as a cross-check, from the captures."""

from __future__ import annotations

import dataclasses
import json
import pathlib
import subprocess
from collections.abc import Iterator

from . import bounds, esp, networks, pcap
from .daemons import HOME_AGENTS
from .events import Event
from .session import Handover, Session, peer_of
from .topology import HOME_OF, MOBILES, ROUTERS, care_of_address, router_address
from .traffic import read_received, read_sent

# A packet that is sent so shortly before the links are cut is on its way then and is lost by it.
IN_FLIGHT_S = 0.2
WINDOW_S = 5  # a silence after a NAT has new mappings is looked for as long
FOOTNOTE = (
    "* leaving home: for a second the home agent makes sure that nobody else uses the home address\n"
    "  (RFC 6275, 10.3.1).  Data that goes through the home agent waits for that.  The peer has a\n"
    "  Binding Update of its own, so data on the direct path does not wait."
)


@dataclasses.dataclass
class Figures:
    """One row of the table."""

    handover: Handover
    mode: str
    gap_ms: dict[str, float | None]
    bound_ms: dict[str, float]
    lost: dict[str, int]  # by direction, "mn1->mn2"
    messages: list[str]  # between the mobile nodes
    later: int  # of these, that nothing waits for: Care-of Tests with a path cookie
    messages_home: int
    captured: tuple[int, int]  # the same two counts from the captures
    stall_ms: float  # longest silence of the TCP stream around it
    agent_dad: bool  # the home agent had to look for duplicates first

    @property
    def gap(self) -> float | None:
        gaps = [gap for gap in self.gap_ms.values() if gap is not None]
        return max(gaps) if gaps and len(gaps) == len(self.gap_ms) else None

    @property
    def bound(self) -> float:
        return max(self.bound_ms.values())

    def as_json(self) -> dict:
        h = self.handover
        return {
            "label": h.label,
            "nodes": h.nodes,
            "places": h.places,
            "time": round(h.time, 6),
            "link_cut": round(h.cut, 6),
            "usable": {node: round(when, 6) for node, when in h.usable.items()},
            "completed": round(h.done, 6),
            "care_of": {node: h.data_address(node) for node in h.nodes},
            "mode": self.mode,
            "gap_ms": rounded(self.gap),
            "bound_ms": rounded(self.bound),
            "gap_ms_by_node": {node: rounded(gap) for node, gap in self.gap_ms.items()},
            "bound_ms_by_node": {node: rounded(b) for node, b in self.bound_ms.items()},
            "with_traffic": h.with_traffic,
            "in_vain": h.in_vain,
            "missing": h.missing,
            "home_agent_dad": self.agent_dad,
            "tcp_stall_ms": rounded(self.stall_ms),
            "lost": sum(self.lost.values()),
            "lost_by_direction": self.lost,
            "messages_peer": len(self.messages),
            "messages_later": self.later,
            "messages_home": self.messages_home,
            "messages": self.messages,
            "captured_messages_peer": self.captured[0],
            "captured_messages_home": self.captured[1],
        }


def rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 2)


# ---- Messages ----------------------------------------------------------------------------------


def end_of(h: Handover) -> float:
    """Until when messages belong to the handover.  A Binding Update in BUB mode may follow late,
    when the home agent was not ready for it; after others a change of mode may begin at once."""
    return h.settled if "bub" in h.before.values() else h.done


def messages_of(session: Session, h: Handover) -> list[Event]:
    """What the mobile nodes sent between the cut and the end of the handover."""
    return [
        event
        for event in session.logs.ordered()
        if event.node in MOBILES and event.kind == "sent" and h.cut <= event.time <= end_of(h)
    ]


def to_peer(session: Session, events: list[Event]) -> list[Event]:
    return [e for e in events if session.names(e.get("peer")) == peer_of(e.node)]


def count_home(session: Session, h: Handover) -> int:
    """Messages between the nodes that moved and their home agents, both ways."""
    return sum(
        1
        for event in session.logs.all
        if event.node in h.nodes
        and event.kind in ("sent", "received")
        and h.cut <= event.time <= end_of(h)
        and session.names(event.get("peer")) == HOME_OF[event.node]
    )


def mode_of(h: Handover, peer_messages: list[Event]) -> str:
    """The mode in which the handover's signalling with the peer was done."""
    mine = [e.get("what") for e in peer_messages if e.node in h.nodes]
    if "Binding Update" not in mine:
        return "tunnel"
    return "ro" if "Care-of Test Init" in mine or "bub" not in h.before.values() else "bub"


def count_later(mode: str, messages: list[Event]) -> int:
    """Under Kabm a Care-of Test only sends a path cookie back (docs/protocol.md, 7)."""
    return sum(mode == "bub" and e.get("what") == "Care-of Test" for e in messages)


class Captures:
    """The mobile nodes' captures, with ESP opened."""

    def __init__(self, session: Session) -> None:
        self.keys = esp.read_keys(session.daemons.key_logs())
        self.names = session.names
        self.packets = {
            node: list(pcap.packets(session.out / "pcap" / f"{node}.pcap")) for node in MOBILES
        }

    def between(self, node: str, start: float, end: float) -> Iterator[tuple[float, pcap.Packet]]:
        for when, packet in self.packets[node]:
            if start <= when <= end:
                yield when, packet

    def first_data(self, node: str, address: str, since: float) -> float | None:
        """When the first packet with an application's data came to @address."""
        for when, packet in self.packets[node]:
            if when < since or packet.dst != address:
                continue
            if esp.innermost(packet, self.keys).is_data:
                return when
        return None

    def came_around(self, node: str, before: float) -> bool:
        """Did the last data until then come through the home agent?"""
        for when, packet in reversed(self.packets[node]):
            inner = esp.innermost(packet, self.keys) if when <= before else None
            if inner is not None and inner.is_data and self.names(inner.home_dst) == node:
                return not packet.is_data
        return False

    def count(self, h: Handover) -> tuple[int, int]:
        """Mobility messages between the mobile nodes, and between movers and home agents.  The
        node's line about what ends the handover comes after that frame, and before the next."""
        peer = home = 0
        for node in MOBILES:
            for _when, packet in self.between(node, h.cut, end_of(h)):
                inner = esp.innermost(packet, self.keys)
                if not inner.mobility:
                    continue
                sender, receiver = self.names(inner.home_src), self.names(inner.home_dst)
                if sender == node and receiver == peer_of(node):
                    peer += 1
                elif node in h.nodes and HOME_OF[node] in (sender, receiver):
                    home += 1
        return peer, home


def in_handover(when: float, handovers: list[Handover]) -> bool:
    """Between the cut and the last acknowledgement, and until what was sent before that has
    arrived: data may have to take the old way."""
    return any(h.cut <= when <= h.done + IN_FLIGHT_S for h in handovers)


def direct_share(session: Session) -> dict[str, float]:
    """Of the data that came to each node from its peer in BUB mode, outside of handovers, the
    share that came on the direct path."""
    captures = Captures(session)
    shares = {}
    for node in MOBILES:
        direct = other = 0
        for when, packet in captures.between(node, session.marks["bub"], session.marks["end"]):
            inner = esp.innermost(packet, captures.keys)
            if not inner.is_data or session.names(inner.home_src) != peer_of(node):
                continue
            if in_handover(when, session.handovers):
                continue
            if packet.is_data:
                direct += 1
            else:
                other += 1
        shares[node] = round(direct / max(1, direct + other), 4)
    return shares


# ---- Losses ------------------------------------------------------------------------------------


def lost_packets(session: Session) -> dict[str, list[float]]:
    """By direction, when each packet that never arrived was sent."""
    result = {}
    for node in MOBILES:
        sent = read_sent(session.traffic.sent_log(node))
        arrived = {a.number for a in read_received(session.traffic.received_log(peer_of(node)))}
        lost = [when for number, when in sorted(sent.items()) if number not in arrived]
        result[f"{node}->{peer_of(node)}"] = lost
    return result


def met(when: float, handovers: list[Handover]) -> int:
    """Index of the last handover whose cut this moment may have to do with; -1: none."""
    return max((i for i, h in enumerate(handovers) if when >= h.cut - IN_FLIGHT_S), default=-1)


def attribute(lost: list[float], handovers: list[Handover]) -> tuple[list[int], int]:
    """How many of these belong to each handover, and how many to none.

    A packet belongs to the last handover that began before it was sent, or while it was on its way.
    """
    counts, others = [0] * len(handovers), 0
    for when in lost:
        index = met(when, handovers)
        if index >= 0:
            counts[index] += 1
        else:
            others += 1
    return counts, others


def stalls(progress: list[tuple[float, int]], handovers: list[Handover]) -> list[float]:
    """For each handover the longest time, in ms, in which the stream brought nothing new."""
    longest = [0.0] * len(handovers)
    for (before, _), (after, _) in zip(progress, progress[1:]):
        index = met(before, handovers)
        if index >= 0:
            longest[index] = max(longest[index], (after - before) * 1e3)
    return longest


# ---- Figures -----------------------------------------------------------------------------------


def places_at(session: Session, when: float) -> dict[str, str]:
    place = {mobile: session.topology.first_place(mobile) for mobile in MOBILES}
    for h in session.handovers:
        if h.cut <= when:
            place.update(h.places)
    return place


def places_after(session: Session, index: int) -> bounds.Places:
    place = places_at(session, session.handovers[index].cut)
    return bounds.Places(session.topology.options, place, session.static_peer)


def bound_of(
    session: Session, h: Handover, places: bounds.Places, node: str, mode: str,
    messages: list[Event], came_around: bool,
) -> float:
    """@places: after the handover.  @messages: between the mobile nodes.  @came_around: data came to
    the node through its home agent before."""
    bound = bound_of_mode(session, h, places, node, mode, messages)
    if not came_around:
        return bound
    return min(bound, places.unready(node) + bounds.tunnel_bound(places, node))


def bound_of_mode(
    session: Session, h: Handover, places: bounds.Places, node: str, mode: str,
    messages: list[Event],
) -> float:
    peer, later = peer_of(node), None
    unready = places.unready(node)
    if peer in h.usable:
        later = (h.usable[peer] - h.usable[node]) * 1e3 + places.unready(peer) - unready
    if mode == "tunnel":
        return unready + bounds.tunnel_bound(places, node)
    if not all(networks.direct(place) for place in places.place.values()):
        return unready + bounds.around_bound(places, node, peer, later)
    if mode == "ro":
        test = any(e.node == node and e.get("what") == "Home Test Init" for e in messages)
        return bounds.ro_bound(places, node, peer, test, later)
    return bounds.bub_bound(places, node, peer, session.daemons.options.direct_copy, later)


def figures_of(
    session: Session, captures: Captures, index: int, lost: dict[str, int], stall_ms: float
) -> Figures:
    h = session.handovers[index]
    messages = to_peer(session, messages_of(session, h))
    mode = mode_of(h, messages)
    places = places_after(session, index)
    gaps: dict[str, float | None] = {}
    for node in h.nodes if h.with_traffic else []:
        first = captures.first_data(node, h.data_address(node), h.usable[node])
        gaps[node] = None if first is None else (first - h.usable[node]) * 1e3
    return Figures(
        handover=h,
        mode=mode,
        gap_ms=gaps,
        bound_ms={
            node: bound_of(
                session, h, places, node, mode, messages, captures.came_around(node, h.cut)
            )
            for node in h.nodes
        },
        lost=lost,
        messages=[f"{e.node} {e.get('what')} {e.get('via')}" for e in messages],
        later=count_later(mode, messages),
        messages_home=count_home(session, h),
        captured=captures.count(h),
        stall_ms=stall_ms,
        agent_dad=session.daemons.options.agent_dad == "before"
        and any(leaves_home(session, index, node) for node in h.nodes),
    )


def leaves_home(session: Session, index: int, node: str) -> bool:
    before = session.topology.first_place(node)
    for h in session.handovers[:index]:
        before = h.places.get(node, before)
    return before == HOME_OF[node]


def all_figures(session: Session) -> tuple[list[Figures], dict[str, int]]:
    """The rows, and by direction what was lost outside of handovers."""
    captures = Captures(session)
    counts, others = {}, {}
    for direction, lost in lost_packets(session).items():
        counts[direction], others[direction] = attribute(lost, session.handovers)
    stall_ms = stalls(session.traffic.tcp_progress(), session.handovers)
    rows = []
    for index in range(len(session.handovers)):
        lost_here = {direction: count[index] for direction, count in counts.items()}
        rows.append(figures_of(session, captures, index, lost_here, stall_ms[index]))
    return rows, others


def milestones(session: Session) -> dict[str, float | None]:
    """From the first packet of the traffic, in ms: its arrival, the first data on the direct path,
    registrations with each other, BUB mode at both nodes.  None: did not come about."""
    start = min(min(read_sent(session.traffic.sent_log(node)).values()) for node in MOBILES)
    arrivals = [a.received for n in MOBILES for a in read_received(session.traffic.received_log(n))]
    direct = [
        when
        for node in MOBILES
        for when, packet in pcap.packets(session.out / "pcap" / f"{node}.pcap")
        if packet.is_data and (packet.has_rh2 or packet.home_src != packet.src)
    ]
    acknowledged = [first_event(session, node, start, is_peer_acknowledgement) for node in MOBILES]
    bub = [first_event(session, node, start, is_bub_mode) for node in MOBILES]
    moments = {
        "first_arrival": min(arrivals, default=None),
        "direct_data": min((when for when in direct if when >= start), default=None),
        "registered_with_peer": None if None in acknowledged else max(acknowledged),
        "bub_mode": None if None in bub else max(bub),
    }
    return {
        name: None if when is None else round((when - start) * 1e3, 2)
        for name, when in moments.items()
    }


def first_event(session: Session, node: str, since: float, wanted) -> float | None:
    event = session.logs.find(since, lambda e: e.node == node and wanted(session, e))
    return None if event is None else event.time


def is_peer_acknowledgement(session: Session, event: Event) -> bool:
    acknowledgement = event.kind == "received" and event.get("what") == "Binding Acknowledgement"
    return acknowledgement and session.names(event.get("peer")) == peer_of(event.node)


def is_bub_mode(_session: Session, event: Event) -> bool:
    state = event.kind == "state" and event.get("machine") == "mode"
    return state and event.get("to") == "bub"


# ---- Output ------------------------------------------------------------------------------------


def table(rows: list[Figures]) -> str:
    marked = any(row.agent_dad and row.gap is not None for row in rows)
    head = ["handover", "mode", "messages", "with home", "gap", "bound", "lost", "TCP stall"]
    under = ["", "", "mn1-mn2", "agents", "ms", "ms", "packets", "ms"]
    body = [head, under]
    for row in rows:
        gap = f"{row.gap:.1f}" if row.gap is not None else "-"
        gap += "*" if row.agent_dad and row.gap is not None else " " * bool(marked)
        body.append(
            [
                row.handover.label.replace(" in the same instant", ""),
                row.mode,
                str(len(row.messages) - row.later) + (f"+{row.later}" if row.later else ""),
                str(row.messages_home),
                gap,
                f"{row.bound:.1f}",
                str(sum(row.lost.values())),
                f"{row.stall_ms:.0f}" if row.handover.with_traffic else "-",
            ]
        )
    widths = [max(len(line[i]) for line in body) for i in range(len(head))]
    lines = []
    for line in body:
        cells = [f"{c:<{w}}" if i < 2 else f"{c:>{w}}" for i, (c, w) in enumerate(zip(line, widths))]
        lines.append("  ".join(cells).rstrip())
    lines.insert(2, "  ".join("-" * w for w in widths))
    if marked:
        lines += ["", FOOTNOTE]
    return "\n".join(lines)


def commit() -> str:
    here = pathlib.Path(__file__).parent
    argv = ["git", "-C", str(here), "describe", "--always", "--dirty", "--abbrev=40"]
    try:
        return subprocess.run(argv, capture_output=True, text=True, check=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return "unknown"


def node_summary(session: Session, counters: dict[str, dict]) -> dict[str, dict]:
    nodes: dict[str, dict] = {}
    for agent in HOME_AGENTS:
        nodes[agent] = {"role": "home agent", "address": router_address(agent)}
    for mobile in MOBILES:
        fixed = mobile == "mn2" and session.static_peer
        nodes[mobile] = {
            "role": "correspondent" if fixed else "mobile node",
            "home_address": session.addresses[mobile],
            "home_agent": None if fixed else router_address(HOME_OF[mobile]),
            "care_of": {r: care_of_address(mobile, r) for r in places_of(session, mobile)},
        }
    for name, node in nodes.items():
        node["counters"] = counters.get(name, {})
    return nodes


def places_of(session: Session, mobile: str) -> list[str]:
    """Routers at which it may be."""
    plain = [router for router in ROUTERS if mobile[-1] in router]
    return [*plain, *session.topology.options.networks]


def mapping_figures(session: Session) -> list[dict]:
    """For each time that a NAT got new mappings: how long nothing came to the node behind it, until
    the next move."""
    found = []
    for router, when in session.mappings:
        end = min([when + WINDOW_S] + [h.cut for h in session.handovers if h.cut > when])
        at = {n: p for n, p in places_at(session, when).items() if p == router}
        for node in at:
            logged = read_received(session.traffic.received_log(node))
            times = [when] + [a.received for a in logged if when < a.received < end]
            silence = max((b - a for a, b in zip(times, times[1:])), default=None)
            places = bounds.Places(session.topology.options, places_at(session, when))
            found.append({
                "router": router,
                "node": node,
                "silence_ms": rounded(None if silence is None else silence * 1e3),
                "bound_ms": rounded(bounds.tunnel_bound(places, node)),
            })
    return found


def write_summary(path: pathlib.Path, summary: dict) -> None:
    path.write_text(json.dumps(summary, indent=2) + "\n")
