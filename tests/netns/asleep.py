#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""A mobile node that sleeps while its link stays up: nothing but the clocks tells of it."""

import os
import sys

from daemon import Daemon
from linux_common import Failure, main, wait_for
from world import AGENT, Tunnel

WRAPPER = """#!/bin/sh
LD_PRELOAD={shim} ASLEEP={slept} ASAN_OPTIONS=verify_asan_link_order=0:$ASAN_OPTIONS \\
    exec {bubd} "$@"
"""
SHORT_S, LONG_S = 5, 24 * 3600  # beside the lifetime of a registration
LATER_S = 600


class Sleeper(Tunnel):
    def __init__(self, bubd, shim):
        super().__init__(bubd)
        self.start_agent(self.g, "route-optimisation = never\n")
        self.slept = os.path.join(self.agent.dir, "slept")
        self.sleep(0)
        self.bubd = os.path.join(self.agent.dir, "bubd")
        with open(self.bubd, "w") as f:
            f.write(WRAPPER.format(shim=os.path.abspath(shim), slept=self.slept,
                                   bubd=os.path.abspath(bubd)))
        os.chmod(self.bubd, 0o700)
        self.start_mobile(self.m, "route-optimisation = never\n")
        self.register()

    def sleep(self, seconds):
        with open(self.slept + ".new", "w") as f:
            f.write(str(seconds))
        os.rename(self.slept + ".new", self.slept)


def bindings_are_refreshed(t):
    def home():
        return t.mobile.show()["homes"][0]

    slept = 0
    for seconds in (SHORT_S, LONG_S):
        before = home()
        if not SHORT_S < before["lifetime_s"] < LONG_S:
            raise Failure(f"a lifetime of {before['lifetime_s']} s proves nothing")
        slept += seconds
        t.sleep(slept)
        wait_for("a new registration",
                 lambda before=before: home()["sequence"] != before["sequence"]
                 and home()["state"] == "registered" and home()["lifetime_s"] > 0)
        wait_for("the home agent's word for it",
                 lambda: t.agent.show()["clients"][0]["sequence"] == home()["sequence"])
        if t.mobile.tail().count(f"has slept for {seconds} s: bindings are refreshed") != 1:
            raise Failure(f"not told once: {t.mobile.tail()}")
    if t.mobile.tail().count("has slept") != 2:
        raise Failure(f"told too often: {t.mobile.tail()}")
    t.mobile.stop()
    t.agent.stop()


def shared_tables_are_told_while_they_are(t):
    """A second bubd in the same tables is in `why` as long as it is there, and not much longer."""
    def why():
        return t.mobile.show()["homes"][0]["why"]

    words = "uses what is bubd's alone"
    second = Daemon(t.bubd, t.m, f'tun = "bub1"\nmobile-node {{\nhome-address = "2001:db8:1::11/64"\n'
                    f'home-agent = "{AGENT}"\nsecret-file = "secret"\n}}\n')
    t.daemons.append(second)
    wait_for("a word about the second one", lambda: words in why())
    t.sleep(LATER_S)
    wait_for("the sleep to be noticed", lambda: "has slept" in t.mobile.tail())
    if words not in why():
        raise Failure(f"nothing tells of the second one any more: {why()}")
    second.stop()
    t.sleep(2 * LATER_S)
    wait_for("an end of that", lambda: words not in why())


CASES = [bindings_are_refreshed, shared_tables_are_told_while_they_are]

if __name__ == "__main__":
    shim = sys.argv.pop(2)
    sys.exit(main(CASES, lambda bubd: Sleeper(bubd, shim)))
