#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""A group of home agents (docs/groups.md) whose active one is killed again and again at random moments,
mostly while a Binding Update is with it.  Whatever it was at: the other one serves, the mobile node is
registered there under the same keys, data goes both ways, and no ESP number comes twice.

In the environment: KILLS, how many; SEED, which moments.
"""

import os
import random
import sys
import time

from groups import LONGEST_S, Untouched, says
from groupworld import GroupWorld, gap_of
from linux_common import Failure, main, wait_for

KILLS = 36
# From a Binding Update on, in seconds: it is under way, with Redis, or answered.
MOST_S = (0.003, 0.03, 0.3)


class Things(GroupWorld):
    def __init__(self, bubd):
        super().__init__(bubd)
        self.kills = int(os.environ.get("KILLS", KILLS))
        self.seed = int(os.environ.get("SEED", time.time_ns() % 1_000_000))


def all_registered(t, agent):
    clients = agent.daemon.show()["clients"]
    return len(clients) == len(t.nodes) and all(client["registered"] for client in clients)


def one_kill(t, session, luck):
    serving, other = t.one_serves()
    for node in t.nodes.values():
        if luck.random() < 0.8:
            node.ask("refresh")
    until = time.monotonic() + luck.uniform(0, luck.choice(MOST_S))
    while time.monotonic() < until:
        pass  # more exactly than a process is woken
    begin = time.monotonic()
    serving.kill()
    other.becomes("active")
    session.wait(begin)
    for name in t.nodes:
        t.registered(name)
        if t.nodes[name].show()["counters"]["keys"]["keys-agreed"] != session.agreed[name]:
            raise Failure(f"{name} has agreed on keys anew")
    wait_for("the mobile node to be registered", lambda: all_registered(t, other))
    gap = max(gap_of(stream, begin)[0] for stream in session.streams.values())
    if gap > LONGEST_S:
        raise Failure(f"{gap:.3f} s without data")
    for capture in session.esp.values():
        # One that keepalived has told to stand by may have packets under way when the next one begins.
        capture.check(overtaken=True)
    serving.revive()
    serving.keepalived_is_backup()
    return gap


def killed_at_random(t):
    t.start(keepalived=True)
    says(f"seed {t.seed}")
    luck = random.Random(t.seed)
    session = Untouched(t)
    gaps = []
    for number in range(t.kills):
        try:
            gaps.append(one_kill(t, session, luck))
        except Failure as e:
            logs = [agent.daemon.tail() for agent in t.agents]
            raise Failure(f"kill {number + 1}, seed {t.seed}: {e}: {logs}") from e
    gaps.sort()
    says(f"{len(gaps)} kills: {gaps[len(gaps) // 2]:.3f} s without data (median), {gaps[-1]:.3f} s at most")


CASES = [killed_at_random]

if __name__ == "__main__":
    sys.exit(main(CASES, Things))
