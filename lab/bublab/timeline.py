# SPDX-License-Identifier: BSD-2-Clause
"""The event stream as a timeline that a person can follow.

One line for each thing that means something: a move, an address, a message and its path, a change
of state.  Messages that a node sends together (both copies of a Binding Update, the two test
messages) share a line.
"""

from __future__ import annotations

import dataclasses
import sys
import time
from collections.abc import Iterator
from typing import TextIO

from .events import Event
from .progress import Progress

HOLD_S = 0.15  # logs of several nodes are read in turn: lines wait this long to be put in order
TOGETHER_S = 0.005

COLOURS = {"ha1": "33", "ha1b": "33", "ha2": "33", "mn1": "36", "mn2": "35", "lab": "1"}
STRONG = "1;32"

# Where a message goes says more than the acknowledgement that it was received; only the answer
# that ends something is shown on arrival.
SHOWN_ON_ARRIVAL = ("Binding Acknowledgement", "Binding Error")
STATES = {"bub-test", "mode", "correspondent-registration", "return-routability"}


@dataclasses.dataclass
class Line:
    time: float
    node: str
    text: str
    strong: bool = False


class Names:
    """What addresses are called."""

    def __init__(self) -> None:
        self._names: dict[str, str] = {}

    def add(self, address: str, name: str) -> None:
        self._names[address] = name

    def __call__(self, address: str) -> str:
        return self._names.get(address, address or "?")


def path_text(via: str, home: bool) -> str:
    if home:
        return "ESP"
    return {"home agents": "through the home agents", "direct": "direct"}.get(via, via)


def message_text(events: list[Event], home: bool) -> str:
    """Messages that went together: name, number where it tells something, paths."""
    parts: dict[str, list[str]] = {}
    for event in events:
        what, number = event.get("what"), event.get("number")
        if what.startswith("Binding") and what != "Binding Error":
            what += f" {number}"
        paths = parts.setdefault(what, [])
        path = path_text(event.get("via"), home)
        if path not in paths:
            paths.append(path)
    return ", ".join(f"{what} [{' and '.join(paths)}]" for what, paths in parts.items())


class Condenser:
    """Turns events, given in the order of time, into lines."""

    def __init__(self, names: Names) -> None:
        self.names = names
        self.waiting: list[Event] = []  # messages of one node to one peer, sent together

    def feed(self, event: Event) -> Iterator[Line]:
        if self._joins(event):
            self.waiting.append(event)
            return
        yield from self.flush()
        if event.kind == "sent":
            self.waiting.append(event)
        else:
            line = self._line(event)
            if line is not None:
                yield line

    def flush(self) -> Iterator[Line]:
        if not self.waiting:
            return
        first = self.waiting[0]
        to = self.names(first.get("peer"))
        if to in COLOURS and first.node in COLOURS and not first.node.startswith("ha"):
            text = message_text(self.waiting, to.startswith("ha"))
            yield Line(first.time, first.node, f"-> {to}  {text}")
        self.waiting = []

    def _joins(self, event: Event) -> bool:
        if not self.waiting or event.kind != "sent":
            return False
        first = self.waiting[0]
        return (
            event.node == first.node
            and self.names(event.get("peer")) == self.names(first.get("peer"))
            and event.time - first.time < TOGETHER_S
        )

    def _line(self, event: Event) -> Line | None:
        if event.kind == "lab":
            return Line(event.time, event.node, event.get("text"), strong=True)
        if event.node.startswith("ha"):
            return None
        if event.kind == "care-of" and event.data.get("usable"):
            return Line(event.time, event.node, f"address {event.get('address')} is usable")
        if event.kind == "link-down":
            return Line(event.time, event.node, "link down")
        if event.kind == "received" and event.get("what") in SHOWN_ON_ARRIVAL:
            sender = self.names(event.get("peer"))
            text = message_text([event], sender.startswith("ha"))
            return Line(event.time, event.node, f"<- {sender}  {text}")
        if event.kind == "state" and event.get("machine") in STATES:
            return self._state(event)
        return None

    def _state(self, event: Event) -> Line:
        machine, to = event.get("machine"), event.get("to")
        peer, why = self.names(event.get("peer")), event.get("what")
        reason = f" ({why})" if why else ""
        if machine == "mode":
            text = f"{to.upper()} mode with {peer}{reason}"
            return Line(event.time, event.node, text, strong=True)
        words = {"bub-test": "BUB test", "correspondent-registration": "registration"}
        return Line(
            event.time, event.node, f"{words.get(machine, machine)} with {peer}: {to}{reason}"
        )


class Timeline:
    """Collects events and prints them, a little later, in order."""

    def __init__(self, names: Names, live: TextIO | None, file: TextIO) -> None:
        self.condenser = Condenser(names)
        self.live = live
        self.progress = Progress()  # without @live
        self.file = file
        self.start = time.time()
        self.held: list[Event] = []
        self.colour = live is not None and live.isatty()

    def add(self, event: Event) -> None:
        self.held.append(event)
        self.pump()

    def pump(self, everything: bool = False) -> None:
        """Prints what is old enough."""
        limit = time.time() - (0 if everything else HOLD_S)
        self.held.sort(key=lambda event: event.time)
        while self.held and (everything or self.held[0].time <= limit):
            for line in self.condenser.feed(self.held.pop(0)):
                self._print(line)
        waiting = self.condenser.waiting
        if waiting and (everything or waiting[0].time + TOGETHER_S < limit):
            for line in self.condenser.flush():
                self._print(line)

    def _print(self, line: Line) -> None:
        stamp = f"{line.time - self.start:8.3f}"
        self.file.write(f"{stamp}  {line.node:<4} {line.text}\n")
        self.file.flush()
        if self.live is None:
            self.progress.show(f"{line.node} {line.text}")
            return
        node, text = f"{line.node:<4}", line.text
        if self.colour:
            node = f"\033[{COLOURS.get(line.node, '0')}m{node}\033[0m"
            if line.strong:
                text = f"\033[{STRONG if line.node != 'lab' else '1'}m{text}\033[0m"
        self.live.write(f"{stamp}  {node} {text}\n")
        self.live.flush()


def stdout_if(live: bool) -> TextIO | None:
    return sys.stdout if live else None
