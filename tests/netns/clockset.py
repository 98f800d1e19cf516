#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""A mobile node whose wall clock is wrong, and set: keys are agreed on by certificates, whose dates
count.  The namespaces are those of keys.py."""

import os
import sys

from keys import Things, expect
from linux_common import main, wait_for
from world import AGENT, HOME, VISITED

WRAPPER = """#!/bin/sh
LD_PRELOAD={shim} CLOCK_OFF={off} CLOCK_SET={fifo} \\
    ASAN_OPTIONS=verify_asan_link_order=0:$ASAN_OPTIONS exec {bubd} "$@"
"""
YEARS_S = 30 * 365 * 86400


class Clock(Things):
    def __init__(self, bubd, shim):
        super().__init__(bubd)
        path = self.certificates.path
        self.off, self.fifo = path("off"), path("fifo")
        os.mkfifo(self.fifo)
        self.set(0, news=False)
        self.real, self.wrong = self.bubd, path("bubd")
        with open(self.wrong, "w") as f:
            f.write(WRAPPER.format(shim=os.path.abspath(shim), off=self.off, fifo=self.fifo,
                                   bubd=os.path.abspath(bubd)))
        os.chmod(self.wrong, 0o700)

    def set(self, off, news=True):
        with open(f"{self.off}.new", "w") as f:
            f.write(str(off))
        os.rename(f"{self.off}.new", self.off)
        if news:
            with open(self.fifo, "wb") as f:
                f.write(bytes(8))

    def begin_with(self, off):
        c = self.certificates
        c.certificate("agent", f"IP:{AGENT}")
        c.certificate("mobile", f"IP:{HOME}")
        ca = f'ca-file = "{c.path("ca.pem")}"\n'
        self.agent = self.daemon(self.g, self.agent_text(f'mobile-node "{HOME}" {{ }}',
                                                         c.own("agent", ca + "lifetime = 4\n")))
        self.set(off, news=False)
        self.bubd = self.wrong
        self.mobile = self.daemon(self.m, self.mobile_text(f'keys {{\n{c.own("mobile", ca)}}}'))
        wait_for("bubd", lambda: self.mobile.show() and self.agent.show())
        self.router.advertise(VISITED)


def is_set_in_time(t):
    """Without a battery it is long ago, until the network tells the time: that is tried at once,
    however long the pause before the next attempt."""
    t.begin_with(-YEARS_S)
    wait_for("a pause", lambda: (t.keys()["next_attempt_s"] or 0) >= 6)
    expect("set the clock" in t.keys()["why"], t.keys())
    t.set(0)
    wait_for("an attempt", lambda: t.keys()["attempts"] == 0)
    wait_for("a registration", lambda: t.home()["state"] == "registered")


def jumps(t):
    """Forwards and back while keys are in use: data goes on, renewals fail and say why, and all is
    well again."""
    t.begin_with(0)
    wait_for("a registration", lambda: t.home()["state"] == "registered")
    for off in (YEARS_S, -YEARS_S):
        t.set(off)
        wait_for("a failure", lambda: t.keys()["attempts"] > 0)
        expect("clock" in t.keys()["why"], t.keys())
        before = t.agreed()
        t.set(0)
        wait_for("keys", lambda before=before: t.agreed() > before)
        wait_for("no complaint", lambda: t.keys()["why"] is None)
        wait_for("a registration", lambda: t.home()["state"] == "registered")
    expect("has slept" not in t.mobile.tail(), t.mobile.tail())
    t.mobile.stop()


CASES = [is_set_in_time, jumps]

if __name__ == "__main__":
    os.environ["PATH"] = ":".join([os.path.dirname(os.environ["BUBCTL"]),
                                   os.path.dirname(os.path.abspath(sys.argv[1])),
                                   os.environ["PATH"]])
    shim = sys.argv.pop(2)
    sys.exit(main(CASES, lambda bubd: Clock(bubd, shim)))
