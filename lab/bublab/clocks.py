# SPDX-License-Identifier: BSD-2-Clause
"""Clocks of machines differ.  What two captures have of the same packets tells by how much.

A packet from A to B has another time at B: its delay and what B's clock is ahead.  One from B to A has
the delay and what it is behind.  Half the sum of both is the difference, as far as packets take as long
one way as the other (as in NTP).
"""

from __future__ import annotations

import statistics
from collections.abc import Iterable

from .pcap import Packet

TWICE_S = 0.05  # later than this it is another packet with the same octets, or one that was sent again
# A difference that is less than the delay may come from unequal ways, too: it is believed from here on.
SURE_S = 0.05

Times = dict[Packet, float]


def once_seen(seen: Iterable[tuple[str, float, Packet]]) -> dict[str, Times]:
    """By capture, the times of packets that went by there once."""
    found: dict[str, Times] = {}
    again: set[tuple[str, Packet]] = set()
    for vantage, when, packet in seen:
        first = found.setdefault(vantage, {}).setdefault(packet, when)
        if abs(when - first) > TWICE_S:
            again.add((vantage, packet))
    for vantage, packet in again:
        del found[vantage][packet]
    return found


def difference(one: Times, other: Times) -> float | None:
    """By how many seconds the clock of @other is ahead.  None: nobody knows, or it need not be so."""
    ways: dict[tuple[str, str], list[float]] = {}
    for packet, when in one.items():
        if packet in other:
            ways.setdefault((packet.home_src, packet.home_dst), []).append(other[packet] - when)
    both = [way for way in ways if way[::-1] in ways and way[0] < way[1]]
    if not both:
        return None
    way = max(both, key=lambda w: min(len(ways[w]), len(ways[w[::-1]])))
    there, back = (statistics.median(ways[w]) for w in (way, way[::-1]))
    ahead = (there + back) / 2
    return ahead if there * back > 0 or abs(ahead) > SURE_S else 0.0


def differences(seen: Iterable[tuple[str, float, Packet]]) -> dict[str, tuple[float, str]]:
    """By capture, by how much its clock is ahead, and of which other capture's."""
    times = once_seen(seen)
    found: dict[str, tuple[float, str]] = {}
    for root in sorted(times):
        if root in found:
            continue
        found[root] = 0.0, root
        waiting = [root]
        while waiting:
            one = waiting.pop(0)
            for other in sorted(set(times) - set(found)):
                ahead = difference(times[one], times[other])
                if ahead is not None:
                    found[other] = found[one][0] + ahead, root
                    waiting.append(other)
    return found
