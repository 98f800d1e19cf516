#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""Care-of addresses with the checksum of the home address (docs/protocol.md, P110): a real kernel
forms an address, has another one beside it, and looks for duplicates of both.  The network is that of
linux_mn.py."""

import json
import struct
import sys

from linux_common import Failure, addr, main, wait_for
from linux_mn import HOME, Things

PREFIX = "2001:db8:b::"


def sum_of(text):
    return sum(struct.unpack("!8H", addr(text))) % 0xffff


def addresses(t):
    """Those of the prefix: how long each is valid."""
    (dev,) = json.loads(t.m.ip("-j", "-6", "addr", "show", "dev", "e0"))
    return {a["local"]: a["valid_life_time"] for a in dev["addr_info"]
            if a.get("local", "").startswith("2001:db8:b:")}


def begin(t, *options):
    c = t.start(*options)
    t.plug("b")
    wait_for("a carrier", lambda: "LOWER_UP" in t.m.ip("link", "show", "e0"))
    t.b.advertise(PREFIX, valid=1000, preferred=1000)
    return c


def used_in_its_place(t):
    c = begin(t, "-o", "-n")
    care_of = c.event("care-of-new")[1]
    if sum_of(care_of) != sum_of(HOME):
        raise Failure(f"{care_of} has another sum than {HOME}")
    if care_of not in t.m.ip("-6", "addr", "show", "optimistic"):
        raise Failure("detection has passed already: the test tests nothing")
    wait_for("the end of detection", lambda: "tentative" not in t.m.ip("-6", "addr", "show", "dev", "e0"))
    both = addresses(t)
    if len(both) != 2 or care_of not in both:
        raise Failure(f"{both}")
    t.b.advertise(PREFIX, valid=90000, preferred=90000)
    wait_for("the new lifetime of both", lambda: min(addresses(t).values()) > 80000)
    c.event("care-of-changed", care_of)
    if c.has("care-of-new") or c.has("care-of-gone"):
        raise Failure(f"it was there all the time: {c.lines}")
    # From the address, over the router; and its neighbours are found by the kernel's route.
    get = t.m.ip("-6", "route", "get", "2001:db8:99::1", "from", care_of)
    if f"via {t.b.addr} dev e0" not in get:
        raise Failure(get)
    c.quit()
    wait_for("the kernel's own address alone", lambda: care_of not in addresses(t))
    if len(addresses(t)) != 1:
        raise Failure(f"{addresses(t)}")


def waits_for_detection(t):
    c = begin(t, "-n")
    care_of = c.event("care-of-new")[1]
    if sum_of(care_of) != sum_of(HOME) or care_of in t.m.ip("-6", "addr", "show", "tentative"):
        raise Failure(f"{care_of}: {t.m.ip('-6', 'addr', 'show', 'dev', 'e0')}")
    c.quit()


def another_host_has_it(t):
    c = begin(t, "-o", "-n")
    care_of = c.event("care-of-new")[1]
    t.b.claim(care_of)
    if c.event("care-of-gone")[1] != care_of:
        raise Failure("another address")
    instead = c.event("care-of-new")[1]
    if sum_of(instead) == sum_of(HOME) or instead not in addresses(t):
        raise Failure(f"{instead} after {care_of}")
    c.quit()


def found_after_a_crash(t):
    c = begin(t, "-o", "-n")
    care_of = c.event("care-of-new")[1]
    c.proc.kill()
    c.proc.wait()
    again = t.start("-o", "-n")
    if again.event("care-of-new")[1] != care_of or len(addresses(t)) != 2:
        raise Failure(f"{addresses(t)}, not {care_of}")
    again.quit()


CASES = [used_in_its_place, waits_for_detection, another_host_has_it, found_after_a_crash]

if __name__ == "__main__":
    sys.exit(main(CASES, Things))
