#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""bubd as a home agent whose home link gets other prefixes, judged from the wire.

RFC 6275, 10.6 (mobile prefix discovery), 10.5 (discovery of home agents in the new prefix).
"""

import os
import signal
import struct
import sys

import nut_common as nut
import nut_ha
from nut_common import check, equal
from nut_ha import AGENT, DOWN, PREFIX

NEW = "2001:db8:11::"
QUICK = "prefix-advert-min = 1\nprefix-advert-max = 3\n"


class Node(nut_ha.Node):
    def __init__(self, bubd):
        super().__init__(bubd, QUICK)
        self.path = os.path.join(self.link.dir, "bubd.conf")

    def reload(self, *changes):
        """Other words in the configuration, and SIGHUP."""
        with open(self.path) as f:
            text = f.read()
        for old, new in changes:
            check("configuration", old in text, old)
            text = text.replace(old, new, 1)
        with open(self.path, "w") as f:
            f.write(text)
        before = self.reloads()
        os.kill(self.link.proc.pid, signal.SIGHUP)
        self.link.wait("the reload", lambda: self.reloads() > before)

    def reloads(self):
        with open(self.link.log.name, errors="replace") as f:
            return [x for x in f if "reload" in x]


def advert(n, m, limit_s=nut.LIMIT_S):
    """The next advertisement, out of ESP: arrival, identifier, flags, lifetimes by prefix."""
    p = n.link.expect("MPA", lambda p: p.dst == m.care_of and m.esp.is_for(DOWN, p), limit_s)
    at = p.at
    p = m.esp.message(DOWN, p)
    equal("type", p.icmp, 147)
    equal("routing header", p.to_home, m.home)
    equal("source", p.src, AGENT)
    ident, flags = struct.unpack("!HB", p.data[4:7])
    found = {}
    for i in range(8, len(p.data), 32):
        equal("option", p.data[i : i + 4], b"\x03\x04\x40\xc0")
        found[nut.text_of(p.data[i + 16 : i + 32])] = struct.unpack("!II", p.data[i + 4 : i + 12])
    return at, ident, flags, found


def settle(n, m):
    """Registered, and nothing is left to be told."""
    m.send()
    # 1 where the home prefix is deprecated (RFC 6275, 10.3.1).
    check("status", m.answer().ba.status in (0, 1))
    ident = nut_ha.solicit_prefixes(m)
    while advert(n, m)[1] != ident:
        pass


def change_is_told_until_it_is_heard(n):
    m = n.mobile()
    settle(n, m)
    n.reload(
        (f'"{PREFIX}/64"}}', f'"{PREFIX}/64", "{NEW}/64"}}\n'
         f'prefix "{PREFIX}/64" {{ valid = 7200\n preferred = 0 }}\nmanaged-addresses = true'),
    )
    wanted = {PREFIX: (7200, 0), NEW: (2592000, 604800)}
    first = advert(n, m)
    equal("identifier, flags, prefixes", first[1:], (0, 0x80, wanted))
    again = advert(n, m)
    check("3 s later", 2.9 < again[0] - first[0] < 5, again[0] - first[0])
    equal("the same", again[1:], first[1:])
    ident = nut_ha.solicit_prefixes(m)
    equal("answer", advert(n, m)[1:], (ident, 0x80, wanted))
    # Acknowledged: the one that was due after six seconds more does not come.
    ident = m.ping_up()
    m.is_forwarded(ident)
    try:
        advert(n, m, limit_s=7)
    except nut.Failure:
        return
    raise nut.Failure("told again")


def withdrawn_prefix_is_refused(n):
    m = n.mobile()
    settle(n, m)
    n.reload(("valid = 7200", "valid = 0"))
    equal("prefixes", advert(n, m)[3][PREFIX], (0, 0))
    m.send()
    equal("status", m.answer().ba.status, 132)


def discovery_in_the_new_prefix(n):
    n.link.send(nut.icmp6("2001:db8:b::1", "2001:db8:11:0:fdff:ffff:ffff:fffe", 144, 0,
                          struct.pack("!HH", 55, 0)))
    p = n.link.expect("reply", lambda p: p.icmp == 145)
    equal("source", p.src, AGENT)
    equal("identifier", p.data[4:6], struct.pack("!H", 55))


CASES = (
    change_is_told_until_it_is_heard,
    discovery_in_the_new_prefix,
    withdrawn_prefix_is_refused,
)

if __name__ == "__main__":
    sys.exit(nut.main([(Node, CASES)]))
