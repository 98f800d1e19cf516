# SPDX-License-Identifier: BSD-2-Clause
"""The messages of a handover as the draft's figures show them: a line down for each node, and for each
message its legs from node to node, protected or plain.

  Message      what was sent, and where captures saw it (recording.py)
  Leg          the way of a message from one node to the next in one wrapping
  Row          a line of the ladder: a message, the first data, or a mark at a node
"""

from __future__ import annotations

import dataclasses

from . import decode
from .events import Event
from .recording import Message, Move, Recording, Sighting, first_data

PAUSE_S = 0.6  # a longer silence gets a row of its own
ROWS_MAX = 300
KINDS = {"esp": "inside ESP", "tunnel": "in a tunnel without ESP", "plain": "plain",
         "unseen": "seen by no capture"}


@dataclasses.dataclass
class Leg:
    start: str
    end: str
    kind: str  # a key of KINDS
    left: float | None = None
    came: float | None = None
    lost: bool = False  # it did not come to its end
    octets: bytes = b""  # as the first capture has it

    def as_json(self, zero: float) -> dict:
        return {
            "from": self.start, "to": self.end, "kind": self.kind, "lost": self.lost,
            "left": relative(self.left, zero), "came": relative(self.came, zero),
        }


@dataclasses.dataclass
class Row:
    time: float
    kind: str  # "message", "data", "mark" or "pause"
    text: str
    detail: str = ""
    lane: str = ""  # of a mark; "": of the whole ladder
    tone: str = ""  # of a mark: "good", "bad" or ""
    legs: list[Leg] = dataclasses.field(default_factory=list)
    message: Message | None = None

    @property
    def came(self) -> float | None:
        return self.legs[-1].came if self.legs else None

    @property
    def lost(self) -> bool:
        return bool(self.legs) and self.legs[-1].lost


@dataclasses.dataclass
class Ladder:
    lanes: list[str]
    rows: list[Row]
    zero: float  # the moment that times are told from
    foreign: dict[str, int]  # messages that nobody in the picture sent, by name
    left_out: int = 0  # rows beyond ROWS_MAX


def relative(when: float | None, zero: float) -> float | None:
    """In ms."""
    return None if when is None else round((when - zero) * 1e3, 2)


# ---- Legs ----------------------------------------------------------------------------------------


class Tracer:
    """Finds the legs of messages."""

    def __init__(self, recording: Recording) -> None:
        self.recording = recording
        self.names = recording.names
        self.agents = {n.name for n in recording.nodes.values() if n.role == "home agent"}

    def sender(self, message: Message) -> str:
        return self.names(message.packet.home_src)

    def receiver(self, message: Message) -> str:
        return self.names(message.packet.home_dst)

    def is_foreign(self, message: Message) -> bool:
        """Sent by none of the nodes, whatever its source address says, or to none of them."""
        sender = self.sender(message)
        if not {sender, self.receiver(message)} <= set(self.recording.nodes):
            return True
        if any(s.kind != "plain" and self.names(s.src) == sender for s in message.sightings):
            return False
        return self.recording.has_capture(sender) and not self.at(sender, message.sightings)

    def at(self, node: str, sightings: list[Sighting]) -> list[Sighting]:
        """Those made at a node, or at the far end of its link."""
        vantages = self.recording.vantages
        return [s for s in sightings if s.vantage in vantages and vantages[s.vantage].node == node]

    def left(self, node: str, sightings: list[Sighting]) -> float | None:
        """When it left the node."""
        delays = self.recording.vantages
        return min((s.time - delays[s.vantage].delay_s for s in self.at(node, sightings)),
                   default=None)

    def came(self, node: str, sightings: list[Sighting]) -> float | None:
        delays = self.recording.vantages
        return min((s.time + delays[s.vantage].delay_s for s in self.at(node, sightings)),
                   default=None)

    def legs(self, message: Message) -> list[Leg]:
        sender, receiver = self.sender(message), self.receiver(message)
        legs: list[Leg] = []
        for sightings in self.wrappings(message, sender):
            leg = self.leg(sightings, legs[-1].end if legs else sender, receiver)
            before = legs[-1].end if legs else sender
            if leg.start != before:  # what lies between was seen by no capture
                legs.append(Leg(before, leg.start, "unseen"))
            legs.append(leg)
        self.join(legs)
        last = legs[-1]
        if last.end == receiver and last.came is not None:
            return legs
        if self.recording.has_capture(receiver):
            last.lost = True
        elif last.end != receiver:
            legs.append(Leg(last.end, receiver, "unseen"))
        return legs

    def wrappings(self, message: Message, sender: str) -> list[list[Sighting]]:
        """Its sightings by leg, in the order of its way.  Clocks of machines differ: the order comes
        from the ends of tunnels, then from time."""
        found: dict[tuple[str, str, str], list[Sighting]] = {}
        for s in self.outside(message.sightings):
            found.setdefault((s.kind, s.src, s.dst), []).append(s)

        def rank(sightings: list[Sighting]) -> tuple[int, float]:
            first = sightings[0]
            if first.kind == "plain":
                return 1, first.time
            return (0 if self.names(first.src) == sender else 2), first.time

        return sorted(found.values(), key=rank)

    def outside(self, sightings: list[Sighting]) -> list[Sighting]:
        """Without what a mobile node's capture has of the inside of its own tunnel, which is a device
        there."""
        wrapped = {s.vantage for s in sightings if s.kind != "plain"}
        inside = {v for v in wrapped if v in self.recording.vantages
                  and self.recording.vantages[v].node not in self.agents}
        return [s for s in sightings if s.kind != "plain" or s.vantage not in inside]

    def leg(self, sightings: list[Sighting], before: str, receiver: str) -> Leg:
        first = sightings[0]
        if first.kind == "plain":
            start, end = before, self.plain_end(sightings, before, receiver)
        else:
            start, end = self.names(first.src), self.names(first.dst)
        return Leg(start, end, first.kind, self.left(start, sightings), self.came(end, sightings),
                   octets=first.octets)

    def plain_end(self, sightings: list[Sighting], before: str, receiver: str) -> str:
        """Where a packet that nothing wraps ends: at its receiver, or at the home agent that takes it
        for the receiver.  What a capture at the receiver has not seen went to the home agent."""
        agent = self.recording.nodes[receiver].home_agent if receiver in self.recording.nodes else ""
        if not agent or agent == before or self.at(receiver, sightings):
            return receiver
        home = self.recording.nodes[receiver].home_address
        return agent if sightings[0].dst == home else receiver

    def join(self, legs: list[Leg]) -> None:
        """A node sends on what it has got: that tells the time of one from the other."""
        for leg, following in zip(legs, legs[1:]):
            if leg.came is None:
                leg.came = following.left
            elif following.left is None:
                following.left = leg.came


# ---- Rows ----------------------------------------------------------------------------------------


def message_row(tracer: Tracer, message: Message) -> Row:
    legs = tracer.legs(message)
    when = legs[0].left if legs[0].left is not None else message.time
    packet = message.packet
    if packet.mobility:
        return Row(when, "message", packet.mobility, decode.remark(packet.payload), legs=legs,
                   message=message)
    return Row(when, "data", "first data", legs=legs, message=message)


def first_data_row(tracer: Tracer, move: Move, node: str) -> Row | None:
    """The data that ends the gap, by the capture of the node."""
    best = first_data(tracer.recording, node, move.addresses[node], move.usable[node])
    if best is None:
        return None
    when, message = best
    row = message_row(tracer, message)
    if row.came is None:
        row.legs[-1].came = when
    row.detail = f"reaches {node}"
    return row


def event_row(tracer: Tracer, event: Event) -> Row | None:
    """Marks: what an event log tells beside messages."""
    if event.node not in tracer.recording.nodes:
        return None
    if event.kind == "link-down":
        return Row(event.time, "mark", "link down", lane=event.node, tone="bad")
    if event.kind == "state" and event.get("machine") == "mode":
        text = f"{event.get('to').upper()} mode"
        tone = "good" if event.get("to") == "bub" else ""
        return Row(event.time, "mark", text, event.get("what"), lane=event.node, tone=tone)
    if event.kind == "state" and event.get("machine") == "bub-test":
        if event.get("to") in ("failed", "abandoned"):
            return Row(event.time, "mark", "BUB test failed", event.get("what"), event.node, "bad")
    return None


def marks_of(move: Move) -> list[Row]:
    rows = [
        Row(when, "mark", "new address usable", move.addresses[node], lane=node, tone="good")
        for node, when in move.usable.items()
    ]
    if move.completed:
        rows.append(Row(move.completed, "mark", "every acknowledgement is there", tone="good"))
    return rows


def with_pauses(rows: list[Row]) -> list[Row]:
    result: list[Row] = []
    for row in rows:
        pause = row.time - result[-1].time if result else 0
        if pause > PAUSE_S:
            result.append(Row(row.time, "pause", f"{pause:.1f} s later"))
        result.append(row)
    return result


def lane_order(recording: Recording) -> list[str]:
    """As in the draft: MN1, its home agent, the other home agents, the other nodes."""
    mobiles = [node.name for node in recording.mobiles()]
    agents = [node.name for node in recording.nodes.values() if node.role == "home agent"]
    if not mobiles:
        return agents
    serving = {node.home_agent for node in recording.mobiles()}
    agents = [agent for agent in agents if agent in serving]
    first = recording.nodes[mobiles[0]]
    own = [first.home_agent] if first.home_agent else []
    return [first.name, *own, *(a for a in agents if a not in own), *mobiles[1:]]


def sort_out(tracer: Tracer, messages: list[Message]) -> tuple[list[Message], dict[str, int]]:
    """Messages between the nodes, and how many others there were by name: those of strangers, and the
    answers that they got."""
    own, foreign, asked = [], {}, set()
    for message in messages:
        name, cookie = message.packet.mobility, message.packet.payload[8:16]
        strange = tracer.is_foreign(message)
        if strange and name in ("Home Test Init", "Care-of Test Init"):
            asked.add(cookie)
        if strange or (name in ("Home Test", "Care-of Test", "BUB Complete") and cookie in asked):
            foreign[name] = foreign.get(name, 0) + 1
        else:
            own.append(message)
    return own, foreign


def of_move(recording: Recording, index: int | None) -> Ladder:
    """The ladder of a handover, until the next one; None: of all there is."""
    tracer = Tracer(recording)
    start, end, rows = 0.0, float("inf"), []
    if index is not None:
        move = recording.moves[index]
        start = move.cut
        if index + 1 < len(recording.moves):
            end = recording.moves[index + 1].cut
        rows += marks_of(move)
        rows += [r for n in move.usable if (r := first_data_row(tracer, move, n)) is not None]
    own, foreign = sort_out(tracer, [m for m in recording.messages if start <= m.time < end])
    rows += [message_row(tracer, message) for message in own]
    for event in recording.events:
        row = event_row(tracer, event) if start - 0.001 <= event.time < end else None
        if row is not None:
            rows.append(row)
    rows.sort(key=lambda row: row.time)
    zero = recording.moves[index].time if index is not None else (rows[0].time if rows else 0)
    touched = {lane for row in rows for leg in row.legs for lane in (leg.start, leg.end)}
    touched |= {row.lane for row in rows}
    order = lane_order(recording)
    lanes = [lane for lane in order if lane in touched or len(order) <= 4]
    left_out = max(0, len(rows) - ROWS_MAX)
    return Ladder(lanes, with_pauses(rows[:ROWS_MAX]), zero, foreign, left_out)
