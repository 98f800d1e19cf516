#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""A mobile node in a container whose /proc/sys is read-only: it says what that means, and works."""

import os
import sys

from linux_common import Failure, main
from world import Tunnel

WRAPPER = """#!/bin/sh
exec unshare --mount sh -c 'mount --bind /proc/sys /proc/sys &&
    mount -o remount,bind,ro /proc/sys && exec {bubd} "$@"' sh "$@"
"""


class Container(Tunnel):
    def __init__(self, bubd):
        super().__init__(bubd)
        self.start_agent(self.g)
        self.bubd = os.path.join(self.agent.dir, "bubd")
        with open(self.bubd, "w") as f:
            f.write(WRAPPER.format(bubd=os.path.abspath(bubd)))
        os.chmod(self.bubd, 0o700)
        self.start_mobile(self.m)


def says_which_sysctl(t):
    t.register()
    lines = [x for x in t.mobile.tail().splitlines() if "cannot set" in x]
    expected = ("cannot set net.ipv6.conf.bub0.accept_ra: Read-only file system; "
                "router advertisements out of a tunnel would be believed")
    if len(lines) != 1 or not lines[0].endswith(expected):
        raise Failure(str(lines))
    t.mobile.stop()
    t.agent.stop()


CASES = [says_which_sysctl]

if __name__ == "__main__":
    sys.exit(main(CASES, Container))
