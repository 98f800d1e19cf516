#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""What others take out of the kernel comes back: the mobile node of linux_mn.py, away."""

import os
import re
import sys

from linux_common import Failure, main, wait_for
from linux_mn import AGENT, HOME, MARK, PEER, PEER_CARE_OF, SERVER, Things


def away(t):
    """A mobile node on link b, with a tunnel and a direct path."""
    c = t.start()
    care_of = t.join(c, "b")
    c.send("attach", HOME, "away", care_of, "e0")
    c.send("tunnel-set", HOME, care_of, AGENT)
    c.send("path-set", HOME, PEER, "1", care_of, PEER_CARE_OF, "::")
    c.sync()
    return c


def state(t):
    """All that bub has in the kernel, in words; without what time changes."""
    m = t.m
    parts = [
        m.ip("-6", "rule", "show"),
        m.ip("-6", "route", "show", "table", "all", *MARK),
        m.ip("-6", "-o", "addr", "show", "dev", "bub0"),
        re.search(r"<[^>]*>", m.ip("link", "show", "bub0")).group(0),
        m.get_sysctl("conf.bub0.disable_ipv6"),
    ]
    return [" ".join(x.split()) for part in parts for x in sorted(part.splitlines())]


def restored(t, c, before, what):
    """Everything is as before, it is counted, and a line tells of @what."""
    wait_for("what was there before", lambda: state(t) == before)
    c.sync()
    if c.counters()["kernel-repaired"] == 0:
        raise Failure("not counted")
    lines = [x for x in c.has("log", "1") if what in x]
    if len(lines) != 1 or "is put back" not in lines[0]:
        raise Failure(f"{what}: {c.has('log')}")


def rules_flushed(t):
    """As systemd-networkd does at its start."""
    c = away(t)
    before = state(t)
    ours = [x for x in t.m.ip("-6", "rule", "show").splitlines() if " ".join(MARK) in x]
    lines = "".join(f"rule del pref {x.split(':')[0]} {MARK[0]} {MARK[1]}\n" for x in ours)
    t.m.exec("sh", "-c", f"printf '{lines}' | ip -6 -batch -")
    restored(t, c, before, f"rule 1001 from {HOME}")
    # Who it was, too: the process that sent the request.
    if not any(" (" in x or "process" in x for x in c.has("log", "1")):
        raise Failure(str(c.has("log")))
    c.quit()


def routes_flushed(t):
    c = away(t)
    before = state(t)
    t.m.ip("-6", "route", "flush", "table", "2116")
    restored(t, c, before, "route to ::/0 in table 2116")
    c.quit()


def address_flushed(t):
    """The routes that name it for their source lose it with the address, without a word."""
    c = away(t)
    before = state(t)
    t.m.ip("-6", "addr", "flush", "dev", "bub0")
    restored(t, c, before, f"address {HOME} on bub0")
    get = t.m.ip("-6", "route", "get", SERVER)
    if f"src {HOME}" not in get:
        raise Failure(get)
    c.quit()


def set_down(t):
    c = away(t)
    before = state(t)
    t.m.ip("link", "set", "bub0", "down")
    restored(t, c, before, "interface bub0, up")
    c.quit()


def set_down_and_up(t):
    c = away(t)
    before = state(t)
    t.m.ip("link", "set", "bub0", "down")
    t.m.ip("link", "set", "bub0", "up")
    restored(t, c, before, f"address {HOME} on bub0")
    c.quit()


def ipv6_switched_off(t):
    c = away(t)
    before = state(t)
    t.m.sysctl("conf.bub0.disable_ipv6", 1)
    restored(t, c, before, "sysctl net/ipv6/conf/bub0/disable_ipv6=0")
    c.quit()


def no_notice(t):
    """What goes without one is found by the look at everything."""
    c = away(t)
    before = state(t)
    gone = before.index(next(x for x in before if x.startswith("default dev bub0 table 2116")))
    words = before[gone].replace("metric 1024", "metric 1024 proto 99").replace("pref medium", "")
    t.m.ip("-6", "route", "replace", *words.split())
    restored(t, c, before, "route to ::/0 in table 2116")
    c.quit()


def programs_removed(t):
    c = away(t)

    wait_for("programs", lambda: all("bpf" in x for x in filters(t)))
    remove_qdisc(t, "clsact")
    wait_for("programs again", lambda: all("bpf" in x for x in filters(t)))
    c.sync()
    if not any("programs of the data path on e0" in x for x in c.has("log", "1")):
        raise Failure(str(c.has("log")))
    # One side only.
    t.m.exec("tc", "filter", "del", "dev", "e0", "egress")
    wait_for("the other program again", lambda: all("bpf" in x for x in filters(t)))
    c.quit()


def remove_qdisc(t, kind):
    """The kernel refuses to as long as anybody asks it for filters, as the daemon may just do."""
    def removed():
        try:
            t.m.exec("tc", "qdisc", "del", "dev", "e0", kind)
        except Failure:
            return kind not in t.m.exec("tc", "qdisc", "show", "dev", "e0")
        return True

    wait_for(f"{kind} to go", removed)


def filters(t):
    return [t.m.exec("tc", "filter", "show", "dev", "e0", side, check=False)
            for side in ("ingress", "egress")]


def directly(t):
    return t.m.ip("-6", "route", "show", PEER, "table", "2116") != ""


def no_programs(t):
    """Another program's qdisc has no egress side: no direct path, and the operator is told why."""
    t.m.exec("tc", "qdisc", "add", "dev", "e0", "ingress")
    c = away(t)
    if directly(t):
        raise Failure("a direct path without programs")
    told = {x.split()[1] for x in c.has("no-direct")}
    if len(told) != 1:
        raise Failure(f"the core was not told: {c.lines}")
    if len([x for x in c.has("log", "0") if "no data path on e0: " in x and "tc qdisc del" in x]) != 1:
        raise Failure(str(c.has("log")))
    c.lines = [x for x in c.lines if x.split()[0] not in ("no-direct", "care-of-changed")]
    remove_qdisc(t, "ingress")
    wait_for("programs", lambda: all("bpf" in x for x in filters(t)))
    wait_for("the direct path", lambda: directly(t))
    c.event("care-of-changed", *told)
    if c.has("no-direct"):
        raise Failure(f"still without programs: {c.lines}")
    # And the other way round, while it runs.
    with open("/proc/sys/kernel/random/uuid") as f:
        path = f"/tmp/bub-{f.read().strip()}"
    with open(path, "w") as f:
        f.write("qdisc del dev e0 clsact\nqdisc add dev e0 ingress\n")
    try:
        while directly(t):
            t.m.exec("tc", "-batch", path, check=False)  # it may have come between the two
            c.sync()
    finally:
        os.unlink(path)
    remove_qdisc(t, "ingress")
    wait_for("the direct path again", lambda: directly(t))
    c.quit()


def a_fight(t):
    """Who removes the same thing again and again is told of once, and gets a pause."""
    c = away(t)
    rule = "pref", "1002"
    count = 0

    def there():
        return t.m.ip("-6", "rule", "show", *rule) != ""

    while not c.has("log", "0"):
        wait_for("the rule", lambda: there() or c.has("log", "0"))
        t.m.ip("-6", "rule", "del", *rule, check=False)
        count += 1
        if count > 20:
            raise Failure(f"never told: {c.lines}")
    c.sync()
    told = c.has("log", "0")
    if len(told) != 1 or "keeps removing what bubd needs: rule 1002" not in told[0]:
        raise Failure(str(told))
    if there() or c.counters()["kernel-repaired"] > 5:
        raise Failure("no pause")
    wait_for("the rule after the pause", there)
    c.quit()


CASES = [
    rules_flushed, routes_flushed, address_flushed, set_down, set_down_and_up, ipv6_switched_off,
    no_notice, programs_removed, no_programs, a_fight,
]

if __name__ == "__main__":
    sys.exit(main(CASES, Things))
