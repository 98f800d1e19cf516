# SPDX-License-Identifier: BSD-2-Clause
"""What the daemons say: their event logs, followed while they run."""

from __future__ import annotations

import dataclasses
import json
import pathlib
import time
from collections.abc import Callable

from .system import LabError, Lines


@dataclasses.dataclass(frozen=True)
class Event:
    """One line of an event log (bubd.conf(5), "event-log"), or one of the lab's own."""

    time: float
    node: str
    kind: str
    data: dict

    def get(self, name: str) -> str:
        """A member as text; "" where there is none."""
        return str(self.data.get(name, ""))

    def is_message(self, what: str = "") -> bool:
        return self.kind in ("sent", "received") and what in ("", self.get("what"))


def parse(line: str) -> Event:
    data = json.loads(line)
    return Event(float(data["time"]), str(data["node"]), str(data["event"]), data)


class EventLogs:
    """All event logs of a run, in one list in the order of time."""

    def __init__(self) -> None:
        self.all: list[Event] = []
        self.listeners: list[Callable[[Event], None]] = []
        self._files: list[Lines] = []

    def follow(self, path: pathlib.Path) -> None:
        self._files.append(Lines(path))

    def add(self, event: Event) -> None:
        """One of the lab's own: a move, a step of the scenario."""
        self._insert([event])

    def poll(self) -> None:
        """Reads what is new."""
        self._insert([parse(line) for file in self._files for line in file.read()])

    def _insert(self, new: list[Event]) -> None:
        new.sort(key=lambda event: event.time)
        self.all += new
        for event in new:
            for listener in self.listeners:
                listener(event)

    def ordered(self) -> list[Event]:
        return sorted(self.all, key=lambda event: event.time)

    def find(self, since: float, wanted: Callable[[Event], bool]) -> Event | None:
        """The first event at or after @since for which @wanted holds."""
        found = [event for event in self.all if event.time >= since and wanted(event)]
        return min(found, key=lambda event: event.time) if found else None

    def wait(
        self,
        what: str,
        since: float,
        wanted: Callable[[Event], bool],
        timeout_s: float = 15,
        check: Callable[[], None] | None = None,
    ) -> Event:
        """Waits for an event; fails with @what was waited for."""
        end = time.monotonic() + timeout_s
        while True:
            self.poll()
            event = self.find(since, wanted)
            if event is not None:
                return event
            if check is not None:
                check()
            if time.monotonic() > end:
                raise LabError(f"waited {timeout_s:g} s in vain for: {what}")
            time.sleep(0.02)
