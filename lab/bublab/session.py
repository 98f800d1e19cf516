# SPDX-License-Identifier: BSD-2-Clause
"""One run: topology, daemons, traffic and what happened, in the hands of a scenario."""

from __future__ import annotations

import dataclasses
import json
import pathlib
import signal
import sys
import time
from collections.abc import Callable

from . import networks
from .daemons import BubOptions, Daemons
from .events import Event, EventLogs
from .group import Group
from .stranger import ATTACKS
from .system import Child, LabError, wait_until
from .timeline import Names, Timeline, stdout_if
from .topology import (
    HOME_ADDRESS,
    HOME_OF,
    MOBILES,
    NUMBERS,
    STATIC_ADDRESS,
    STRANGER_ADDRESS,
    Options,
    Topology,
    care_of_address,
    router_address,
)
from .traffic import Traffic

SETTLE_PACKETS = 40  # a step ends when so many more have come at either end,
SETTLE_OCTETS = 100_000  # and so much more of the stream
PATIENCE_S = 15  # with a step of a handover
TRY_S = 8  # where a network may leave no way
TCP_PATIENCE_S = 60  # after an outage TCP waits for its timer, which doubles each time


@dataclasses.dataclass
class Handover:
    """One move of one node, or of both in the same instant."""

    label: str
    places: dict[str, str]  # where each node went
    before: dict[str, str]  # mode in which each had to tell its peer; "": not registered there
    cut: float  # the links were cut
    with_traffic: bool  # data went when that happened
    usable: dict[str, float] = dataclasses.field(default_factory=dict)
    done: float = 0  # the last acknowledgement that the handover needed
    settled: float = 0  # data went both ways again
    addresses: dict[str, str] = dataclasses.field(default_factory=dict)  # unlike the place's first
    in_vain: bool = False  # there is no way from that network
    missing: str = ""  # what did not come about although it should have

    @property
    def nodes(self) -> list[str]:
        return list(self.places)

    @property
    def time(self) -> float:
        """When the care-of address, or the last of them, was usable."""
        return max(self.usable.values())

    def data_address(self, node: str) -> str:
        """The address at which data reaches the node now."""
        place = self.places[node]
        if node in self.addresses:
            return self.addresses[node]
        return HOME_ADDRESS[node] if place == HOME_OF[node] else care_of_address(node, place)


def peer_of(node: str) -> str:
    return "mn2" if node == "mn1" else "mn1"


class Session:
    """A context manager: it stops everything that it started."""

    def __init__(
        self,
        out: pathlib.Path,
        topology: Options,
        bub: BubOptions,
        live: bool,
        attack_name: str = "",
    ) -> None:
        self.out = out
        self.attack_name = attack_name  # of a scenario with a stranger
        self.topology = Topology(topology, out)
        self.daemons = Daemons(self.topology, bub, out)
        self.group = Group(self.topology, self.daemons, out) if bub.group else None
        self.static_peer = bub.static_peer
        self.addresses = dict(HOME_ADDRESS)
        if bub.static_peer:
            self.addresses["mn2"] = STATIC_ADDRESS
        self.traffic = Traffic(self.topology, self.addresses, out)
        self.logs = EventLogs()
        self.timeline_file = open(out / "timeline.txt", "w")
        self.names = self._names()
        self.timeline = Timeline(self.names, stdout_if(live), self.timeline_file)
        self.logs.listeners.append(self.timeline.add)
        self.place = {mobile: self.topology.first_place(mobile) for mobile in MOBILES}
        self.handovers: list[Handover] = []
        self.mappings: list[tuple[str, float]] = []  # when a NAT got new ones
        self.missing: list[str] = []  # what did not come about, but in handovers
        self.marks: dict[str, float] = {}  # moments that a scenario wants in the summary
        self.traffic_started = False
        self.stranger: Child | None = None
        self.stranger_sent: dict[str, object] = {}  # what he said at the end

    def _names(self) -> Names:
        names = Names()
        for node in ("ha1", "ha2"):
            names.add(router_address(node), node)
        for mobile in MOBILES:
            names.add(HOME_ADDRESS[mobile], mobile)
            for router in NUMBERS:
                names.add(care_of_address(mobile, router), mobile)
        names.add(STATIC_ADDRESS, "mn2")
        return names

    # ---- Life -------------------------------------------------------------------------------

    def __enter__(self) -> Session:
        self.topology.__enter__()
        return self

    def __exit__(self, *_exc) -> None:
        try:
            if self.stranger is not None:
                self.stranger.stop(1)
            self.traffic.kill()
            self.daemons.stop()
            if self.group is not None:
                self.group.stop()
        finally:
            self.topology.close()
            self.logs.poll()
            self.timeline.pump(everything=True)
            self.timeline.progress.clear()
            self.timeline_file.close()

    def start(self) -> None:
        """The daemons, until every mobile node is at home."""
        self.say("the emulated internet is up; starting bubd on " + ", ".join(self.daemons.nodes))
        self.daemons.write_configs()
        for node in self.daemons.nodes:
            self.logs.follow(self.daemons.event_log(node))
        if self.group is not None:
            self.group.start_store()
        self.daemons.start()
        if self.group is not None:
            self.group.serve()
        for mobile in MOBILES:
            if mobile == "mn2" and self.static_peer:
                self.topology.wait_addresses()
                continue
            self.wait(
                f"{mobile} to find itself at home",
                lambda m=mobile: self.daemons.home_state(m) == "at home",
            )

    def start_traffic(self, wait: bool = True) -> None:
        self.say(
            f"traffic starts: TCP {self.addresses['mn1']} to {self.addresses['mn2']}, "
            "UDP both ways"
        )
        self.marks["traffic"] = time.time()
        self.traffic.start()
        self.traffic_started = True
        if wait:
            self.settle()

    def stop(self) -> None:
        """Ends the traffic; the daemons are still there to be asked."""
        self.say("traffic stops")
        if self.group is not None:
            self.group.stop_stream()
        self.traffic.stop()
        self.poll()

    # ---- A stranger -------------------------------------------------------------------------

    def attack(self, name: str) -> None:
        """A stranger begins one of the attacks of stranger.py, which goes on to the end."""
        self.say(f"a stranger begins: {ATTACKS[name].summary}")
        argv = [sys.executable, "-m", "bublab.stranger", name, "--own", STRANGER_ADDRESS]
        argv += ["--victims", self.addresses["mn1"], self.addresses["mn2"]]
        log = self.out / "logs" / "stranger.log"
        self.stranger = Child("the stranger", self.topology.inside("stranger", argv), log)
        self.stranger_sent = {"attack": name}

    def end_attack(self) -> None:
        assert self.stranger is not None
        self.stranger.send(signal.SIGTERM)
        self.stranger_sent.update(json.loads(self.stranger.output(10)))
        self.stranger = None

    # ---- Waiting ----------------------------------------------------------------------------

    def check(self) -> None:
        """Keeps the timeline going, and raises when something has ended by itself."""
        self.poll()
        self.topology.check()
        self.daemons.check()
        self.traffic.check()
        if self.group is not None:
            self.group.check()

    def poll(self) -> None:
        self.logs.poll()
        self.timeline.pump()

    def wait(self, what: str, condition: Callable[[], object], timeout_s: float = 15) -> None:
        wait_until(what, condition, timeout_s, poll_s=0.05, check=self.check)

    def wait_event(
        self, what: str, since: float, wanted: Callable[[Event], bool], timeout_s: float = 15
    ) -> Event:
        return self.logs.wait(what, since, wanted, timeout_s, check=self.check)

    def wait_mode(self, node: str, mode: str, timeout_s: float = 20) -> None:
        peer = peer_of(node)
        address = self.addresses[peer]
        self.wait(
            f"{node} to be in {mode} mode with {peer}",
            lambda: self.daemons.mode(node, address) == mode,
            timeout_s,
        )

    def settle(self) -> None:
        """Until data goes in both directions."""
        if not self.traffic_started:
            return
        for node in MOBILES:
            start = self.traffic.arrivals(node)
            self.wait(
                f"data to arrive at {node}",
                lambda n=node, s=start: self.traffic.arrivals(n) >= s + SETTLE_PACKETS,
            )
        octets = self.traffic.tcp_octets()
        self.wait(
            "the TCP stream to go on",
            lambda: self.traffic.tcp_octets() >= octets + SETTLE_OCTETS,
            TCP_PATIENCE_S,
        )

    # ---- Doing ------------------------------------------------------------------------------

    def say(self, text: str, when: float | None = None) -> None:
        data = {"text": text}
        self.logs.add(Event(when or time.time(), "lab", "lab", data))

    def mark(self, name: str) -> None:
        self.marks[name] = time.time()

    def move(self, patience_s: float = PATIENCE_S, **places: str) -> Handover:
        """Moves nodes to other routers in the same instant, and waits until each has registered
        there: at its home agent, and at its peer where it was registered before."""
        handover = self.begin_move(places)
        self._complete(handover, patience_s)
        self.handovers.append(handover)
        self.settle()
        handover.settled = time.time()
        return handover

    def try_move(self, patience_s: float = TRY_S, **places: str) -> Handover:
        """The same; but what does not come about is noted in the result, and the walk goes on."""
        handover = self.begin_move(places)
        self._try_to_complete(handover, patience_s)
        return handover

    def _try_to_complete(self, handover: Handover, patience_s: float) -> None:
        try:
            self._complete(handover, patience_s)
            self.handovers.append(handover)
            self.settle()
        except LabError as error:
            self.check()  # not of what has ended by itself
            handover.missing = str(error)
            self.say(str(error))
        if handover not in self.handovers:
            self.handovers.append(handover)
        self._end(handover)

    def _end(self, handover: Handover) -> None:
        """Of a handover that may not have come to its end."""
        handover.settled = time.time()
        for node in handover.places:
            handover.usable.setdefault(node, handover.cut)
        handover.done = handover.done or handover.settled

    def move_in_vain(self, node: str, place: str) -> Handover:
        """To a network from which there is no way, until the node says so."""
        handover = self.begin_move({node: place})
        handover.in_vain = True
        self.handovers.append(handover)
        self._await_address(handover, node, place, PATIENCE_S)
        self.wait(
            f"{node} to say what is wrong at {place}",
            lambda: self.daemons.home(node).get("trouble"),
            PATIENCE_S,
        )
        self.say(f"{node}: {self.daemons.home(node)['trouble']}")
        self._end(handover)
        return handover

    def _complete(self, handover: Handover, patience_s: float) -> None:
        for node, place in handover.places.items():
            self._await_address(handover, node, place, patience_s)
        for node in handover.places:
            self._await_registration(handover, node, patience_s)

    def change_family(self, node: str, ipv6: bool, patience_s: float = TRY_S) -> Handover:
        """The router of the link that @node is on, which has both families, ceases to be one for
        IPv6, or is one again; the node goes over to the other."""
        place = self.place[node]
        number = 1 + MOBILES.index(node)
        ipv4 = networks.node_ipv4(place, number)
        before = {node: self.daemons.registered(node, self.addresses[peer_of(node)])}
        if ipv6:
            cut = self.topology.start_ipv6(place)
        else:
            cut = self.topology.stop_ipv6(place, node)
        label = f"{node} goes over to {'IPv6' if ipv6 else 'IPv4'} at {place}"
        self.say(label, cut)
        handover = Handover(label, {node: place}, before, cut, self.traffic_started)
        if not ipv6:  # the address has been there before
            handover.addresses[node] = ipv4
            handover.usable[node] = cut
        self._try_to_complete(handover, patience_s)
        return handover

    def change_mappings(self, router: str) -> None:
        """A NAT forgets what it knows, as it does when it starts anew."""
        when = self.topology.change_mappings(router)
        self.say(f"{router} has new mappings", when)
        self.mappings.append((router, when))
        try:
            self.settle()
        except LabError as error:
            self.check()
            self.missing.append(f"after new mappings at {router}: {error}")

    def begin_move(self, places: dict[str, str]) -> Handover:
        """Moves nodes, and does not wait for anything."""
        before = {}
        for node in places:
            before[node] = self.daemons.registered(node, self.addresses[peer_of(node)])
            if self._has_nothing_to_delete(node, places[node]):
                before[node] = ""
        label = describe(places, self.place)
        cut = self.topology.move(places)
        self.say(label, cut)
        handover = Handover(label, dict(places), before, cut, self.traffic_started)
        self.place.update(places)
        return handover

    def _has_nothing_to_delete(self, node: str, place: str) -> bool:
        """A network without a direct path, and no binding at the peer that has to go."""
        old = self.place[node]
        without = old == HOME_OF[node] or not networks.direct(old)
        return without and not networks.direct(place)

    def follow(self, handover: Handover) -> None:
        """What has come of a move by now: where it is complete, its end."""
        find = self.logs.find
        for node, place in handover.places.items():
            event = find(handover.cut, address_usable(node, care_of_address(node, place)))
            if event is not None:
                handover.usable[node] = event.time
        if len(handover.usable) < len(handover.places):
            return
        events = [
            find(handover.usable[node], self._acknowledged(node, name))
            for node in handover.places
            for name, _role in self._registrations(handover, node)
        ]
        if all(events):
            handover.done = max((e.time for e in events if e is not None), default=0)

    def _await_address(
        self, handover: Handover, node: str, place: str, patience_s: float
    ) -> None:
        if node in handover.usable:
            return
        address = care_of_address(node, place)
        event = self.wait_event(
            f"the address {address} of {node} to become usable at {place}",
            handover.cut,
            address_usable(node, address),
            patience_s,
        )
        handover.usable[node] = event.time

    def _registrations(self, handover: Handover, node: str) -> list[tuple[str, str]]:
        """Name and role of each that has to acknowledge the new address."""
        agent = (HOME_OF[node], "home agent")
        return [agent, (peer_of(node), "peer")] if handover.before[node] else [agent]

    def _acknowledged(self, node: str, name: str) -> Callable[[Event], bool]:
        return lambda e: (
            e.node == node
            and e.kind == "received"
            and e.get("what") == "Binding Acknowledgement"
            and self.names(e.get("peer")) == name
        )

    def _await_registration(self, handover: Handover, node: str, patience_s: float) -> None:
        for name, role in self._registrations(handover, node):
            event = self.wait_event(
                f"{node} to get the Binding Acknowledgement of its {role} {name}",
                handover.usable[node],
                self._acknowledged(node, name),
                patience_s,
            )
            handover.done = max(handover.done, event.time)


def address_usable(node: str, address: str) -> Callable[[Event], bool]:
    return lambda e: (
        e.node == node
        and e.kind == "care-of"
        and bool(e.data.get("usable"))
        and e.get("address") == address
    )


def describe(places: dict[str, str], before: dict[str, str]) -> str:
    parts = []
    for node, place in places.items():
        if before[node] == HOME_OF[node]:
            parts.append(f"{node} leaves home for {place}")
        elif place == HOME_OF[node]:
            parts.append(f"{node} returns home")
        else:
            parts.append(f"{node} moves from {before[node]} to {place}")
    together = " in the same instant" if len(parts) > 1 else ""
    return " and ".join(parts) + together
