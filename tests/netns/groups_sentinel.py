#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""A group of home agents set up by the samples of etc/group, with three Redis and their Sentinels: the
machine that serves dies, and the primary of Redis with it.
"""

import sys
import time

from groups import Untouched, accepted
from groupworld import SentinelWorld
from linux_common import main, wait_for

LONGEST_S = 15  # Sentinel takes some three seconds


def machine_dies(t):
    """The other home agent can write, as a third machine has a replica."""
    t.start(keepalived=True)
    session = Untouched(t)
    begin = time.monotonic()
    t.machine_dies(t.a)
    t.b.becomes("active")
    session.wait(begin)
    session.check(begin, LONGEST_S)
    t.nodes["m"].ask("refresh")
    wait_for("b to acknowledge", lambda: accepted(t.b) > 0)


CASES = [machine_dies]

if __name__ == "__main__":
    sys.exit(main(CASES, SentinelWorld))
