# SPDX-License-Identifier: BSD-2-Clause
"""How short the gap of a handover could be: what the delays of the links alone allow.

The gap runs from "the new care-of address is usable" to "the first data packet arrives at it".  In
it the messages of the mode must pass, one after the other, and then one data packet; computing
takes no time here.  docs/lab.md has the formulas.
"""

from __future__ import annotations

import dataclasses

from .networks import NETWORKS
from .topology import HOME_OF, Options


@dataclasses.dataclass(frozen=True)
class Places:
    """Where the two nodes are after the handover."""

    options: Options
    place: dict[str, str]
    static_peer: bool = False

    def to_core(self, node: str) -> float:
        """Radio link and the router's leg to the core; all of these are one-way, in ms."""
        return self.options.delay(node) + self.options.delay(self.place[node])

    def home(self, node: str) -> float:
        """H: between a node and its home agent."""
        agent = HOME_OF[node]
        if self.place[node] == agent:
            return self.options.delay(node)
        return self.to_core(node) + self.options.delay(agent)

    def unready(self, node: str) -> float:
        """A router of IPv4 is asked for its link-layer address before anything goes over it; one of
        IPv6 has advertised it."""
        network = NETWORKS.get(self.place[node])
        needs_arp = network is not None and not network.ipv6
        return 2 * self.options.delay(node) if needs_arp else 0

    def direct(self) -> float:
        """D: between the two nodes."""
        return self.to_core("mn1") + self.to_core("mn2")

    def fixed(self, node: str) -> bool:
        return self.static_peer and node == "mn2"

    def via_home_of(self, node: str, peer: str) -> float:
        """Q: from a node to the home address of its peer."""
        if self.fixed(peer):
            return self.direct()
        return self.to_core(node) + self.options.delay(HOME_OF[peer]) + self.home(peer)

    def to_peer_by_home(self, node: str, peer: str) -> float:
        """From a node through its own home agent to where its peer is."""
        return self.home(node) + self.options.delay(HOME_OF[node]) + self.to_core(peer)

    def to_peers_agent(self, node: str, peer: str) -> float:
        """From a node through its own home agent to the home agent of its peer."""
        delay = self.options.delay
        if self.fixed(peer):
            return self.home(node) + delay(HOME_OF[node]) + self.to_core(peer)
        return self.home(node) + delay(HOME_OF[node]) + delay(HOME_OF[peer])

    def backhaul(self, node: str, peer: str) -> float:
        """P: from a node to its peer through both home agents."""
        rest = 0 if self.fixed(peer) else self.home(peer)
        return self.to_peers_agent(node, peer) + rest


def tunnel_bound(places: Places, node: str) -> float:
    """Binding Update to the home agent, data back."""
    return 2 * places.home(node)


def around_bound(
    places: Places, node: str, peer: str, peer_later_ms: float | None = None
) -> float:
    """From a network without a direct path: the peer, which used one, is told through the node's home
    agent, and sends to it."""
    told = 2 * places.to_peer_by_home(node, peer)
    if peer_later_ms is None:
        return told
    return min(told, through_tunnels(places, node, peer, peer_later_ms))


def ro_bound(
    places: Places, node: str, peer: str, home_test: bool, peer_later_ms: float | None = None
) -> float:
    """Care-of test (and home test, at the same time), Binding Update, data.  Where the peer moved too
    (@peer_later_ms as below), its data comes through the tunnels before that."""
    tests = 2 * places.direct()
    if home_test:
        tests = max(tests, 2 * places.backhaul(node, peer))
    direct = tests + places.via_home_of(node, peer) + places.direct()
    if peer_later_ms is None:
        return direct
    return min(direct, through_tunnels(places, node, peer, peer_later_ms))


def bub_bound(
    places: Places, node: str, peer: str, direct_copy: bool, peer_later_ms: float | None
) -> float:
    """Binding Update, data.

    @peer_later_ms  the peer moved too, and its address was usable so much later than ours: the
    copy on the direct path is lost, and the peer's home agent must know where the peer is
    """
    if peer_later_ms is None:
        update = places.direct() if direct_copy else places.backhaul(node, peer)
        return update + places.direct()
    at_agent = max(places.to_peers_agent(node, peer), peer_later_ms + places.home(peer))
    update = at_agent + places.home(peer)
    return min(update + places.direct(), through_tunnels(places, node, peer, peer_later_ms))


def through_tunnels(places: Places, node: str, peer: str, peer_later_ms: float) -> float:
    """A peer that has moved too sends through the tunnels until its own update is acknowledged:
    that data meets us as soon as our home agent knows where we are."""
    at_agent = max(places.home(node), peer_later_ms + places.to_peers_agent(peer, node))
    return at_agent + places.home(node)
