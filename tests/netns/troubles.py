#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""What a user hears of a fault that he could mend: a line in the log, a reason in "bubctl show", and a
heading of docs/TROUBLESHOOTING.md, in the same words.  Each test makes the faults with real daemons.

        mobile node m          router r           home agent g
          e0 ------------------- e0   e1 ------------- e0
          2001:db8:b::/64             2001:db8:d::/64   lo: 2001:db8:1::1
"""

import os
import pathlib
import re
import sys

from daemon import Daemon
from linux_common import Failure, main, wait_for
from world import AGENT, HOME, HOME_PREFIX, VISITED, Tunnel

GUIDE = pathlib.Path(__file__).parents[2] / "docs" / "TROUBLESHOOTING.md"
AGENT_ON_LINK = "2001:db8:d::2"
OTHER_SECRET = "another secret of more than sixteen octets\n"


def headings():
    """What stands in bold there, each as one line."""
    text = " ".join(GUIDE.read_text().split())
    return " | ".join(re.findall(r"\*\*(.+?)\*\*", text))


HEADINGS = headings()


class Things(Tunnel):
    def __init__(self, bubd):
        super().__init__(bubd)
        self.r.sysctl("icmp.ratelimit", 0)
        self.g.sysctl("icmp.ratelimit", 0)
        self.g.ip("addr", "add", f"{AGENT}/128", "dev", "lo")
        self.start_agent(self.g)
        wait_for("bubd", self.agent.show)

    def restart_mobile(self, home=f"{HOME}/64", agent=AGENT, secret=None, inside="", top=""):
        """A mobile node with this configuration, on the visited link.  It soon takes an answer for late."""
        if self.mobile is not None:
            self.mobile.stop()

        def prepare(state):
            if secret is not None:
                with open(os.path.join(os.path.dirname(state), "secret"), "w") as f:
                    f.write(secret)

        self.mobile = Daemon(
            self.bubd, self.m, f'{top}mobile-node {{\nhome-address = "{home}"\nhome-agent = "{agent}"\n'
            f'first-timeout = 200\n{inside}secret-file = "secret"\n}}\n', prepare=prepare)
        self.daemons.append(self.mobile)
        wait_for("bubd", self.mobile.show)
        self.router.advertise(VISITED)
        return self.mobile

    def home(self):
        return self.mobile.show()["homes"][0]

    def is_registered(self):
        return self.home()["state"] == "registered"


def logged(daemon):
    with open(os.path.join(daemon.dir, "log"), errors="replace") as f:
        return f.read()


def hears(daemon, words, level="warning", heading=None):
    """The line with these words, which the guide has too, or as @heading."""
    def line():
        return [x for x in logged(daemon).splitlines() if words in x]

    try:
        found = wait_for(words, line)[0]
    except Failure as e:
        raise Failure(f"{e}: {daemon.show().get('homes')}; {daemon.tail()}") from e
    if not found.startswith(f"{level}: "):
        raise Failure(found)
    if (heading or words) not in HEADINGS:
        raise Failure(f"no heading in {GUIDE.name} says: {heading or words}")
    return found


def mobile_hears(t, name, words, reporter=None):
    """In the log and in the status, where scripts find @name."""
    line = hears(t.mobile, words)
    home = t.home()
    if words not in home["why"] or home["trouble"] != name:
        raise Failure(f"{home}; {line}")
    if reporter is not None and not (f"(says {reporter})" in line
                                     and f"says {reporter})" in home["why"]):
        raise Failure(f"{home}; {line}")
    if not re.search(rf"home agent \S+ does not answer {re.escape(HOME)}, \d+ times in \d+ s: ", line):
        raise Failure(line)


def on_the_way(t):
    """Faults between the two; each is another line, and none comes twice."""
    for protocol in ("50", "17"):  # ESP, and ESP in UDP
        t.r.ip("-6", "rule", "add", "pref", "1", "ipproto", protocol, "blackhole")
    t.restart_mobile()
    mobile_hears(t, "clear-only", "it answers what goes without ESP: the secrets differ, it does not know "
                 "the home address, or a firewall drops ESP (protocol 50) or destination options")
    for _ in range(2):
        t.r.ip("-6", "rule", "del", "pref", "1")
    t.r.ip("route", "add", "blackhole", AGENT)
    t.restart_mobile()
    mobile_hears(t, "silence", "nothing comes back: its address is wrong, no bubd runs there, or a firewall "
                 "drops all of it")
    t.r.ip("route", "del", "blackhole", AGENT)
    for kind, name, words in (
        ("unreachable", "no-route", "a router on the way has no route to it"),
        ("prohibit", "prohibited",
         "a firewall on the way refuses what goes to it: ESP (protocol 50) has to pass"),
    ):
        t.r.ip("route", "add", kind, AGENT)
        t.restart_mobile()
        mobile_hears(t, name, words, "2001:db8:b::1")
        t.r.ip("route", "del", kind, AGENT)
    # It is over, and that is said once.
    wait_for("a registration", t.is_registered)
    hears(t.mobile, f"{AGENT} answers {HOME} again, after", "info", "answers … again, after N s")
    if t.home()["trouble"] is not None or logged(t.mobile).count("does not answer") != 1:
        raise Failure(f"{t.home()}; {t.mobile.tail()}")
    t.mobile.stop()


def wrong_addresses(t):
    """Of the home agent: nobody's, a host's without bubd, one that routers send round in circles."""
    nobody, host, circle = "2001:db8:d::99", "2001:db8:d::1", "2001:db8:f::1"

    t.r.ip("route", "add", circle, "via", AGENT_ON_LINK)
    for agent, name, words, reporter in (
        (nobody, "unreachable",
         "no host has that address on its link: it is down, the address is wrong, or the prefix is not routed to "
         "it", "2001:db8:b::1"),
        (host, "no-home-agent",
         "the host with that address is no home agent: the address is wrong, or no bubd runs there", host),
        (circle, "loop", "packets to it go round in a loop of routers: no bubd runs there, or its prefix is routed "
         "to nobody", None),
    ):
        t.restart_mobile(agent=agent)
        mobile_hears(t, name, words, reporter)
    t.mobile.stop()


def here(t):
    """The kernel does not send."""
    for action, name, words in (
        ("unreachable", "no-route-here", "this machine has no route to it"),
        ("prohibit", "refused-here",
         "this machine's own firewall or routing rules refuse what goes to it"),
    ):
        t.m.ip("-6", "rule", "add", "pref", "1", "to", AGENT, action)
        t.restart_mobile()
        mobile_hears(t, name, words)
        t.m.ip("-6", "rule", "del", "pref", "1")
    t.mobile.stop()


def agent_hears(t, home, words, heading):
    """In the log, and where it serves that home address in the status too."""
    line = hears(t.agent, words, heading=heading)
    if not re.search(rf"^warning: {home}: .*\(\d+ packets?( in \d+ s)?", line):
        raise Failure(line)
    return [x["why"] for x in t.agent.show()["clients"] if x["home"] == home]


def wrong_keys(t):
    """Another secret; a home address that is not served; another address of the home agent's host."""
    unknown = "2001:db8:1::99"

    t.restart_mobile(secret=OTHER_SECRET)
    words = "under keys that are unknown here: its secret is another one there"
    if words not in (agent_hears(t, HOME, words, words)[0] or ""):
        raise Failure(t.agent.show()["clients"])
    mobile_hears(t, "clear-only", "it answers what goes without ESP: the secrets differ, it does not know "
                 "the home address, or a firewall drops ESP (protocol 50) or destination options")
    # The right one: it is over at both ends.
    t.restart_mobile()
    wait_for("a registration", t.is_registered)
    hears(t.agent, f"{HOME}: registers under the right keys now", "info", "registers under the right keys now")
    if t.agent.show()["clients"][0]["why"] is not None:
        raise Failure(t.agent.show()["clients"])
    t.restart_mobile(home=f"{unknown}/64")
    words = "no mobile-node line here has that home address"
    agent_hears(t, unknown, words, words)
    strangers = t.agent.show()["strangers"]
    if [x["home"] for x in strangers] != [unknown] or words not in strangers[0]["why"]:
        raise Failure(strangers)
    t.restart_mobile(agent=AGENT_ON_LINK)
    words = "to an address that is not the home agent's: home-agent is another one there"
    agent_hears(t, HOME, words, words)
    t.mobile.stop()
    t.agent.stop()


def two_with_one_secret(t):
    """A home agent that has lost its state-dir: its numbers begin anew, and the mobile node says so.  The
    same words are for a second machine with a copy of the first one's configuration."""
    words = ("with numbers that came before: one end has lost its state-dir, two machines have one secret, or "
             "somebody repeats packets")
    t.restart_mobile()
    wait_for("a registration", t.is_registered)
    for _ in range(5):
        before = t.home()["sequence"]
        t.mobile.ask("refresh")
        wait_for("another registration", lambda n=before: t.home()["sequence"] != n and t.is_registered())
    t.agent.stop()
    t.start_agent(t.g)
    t.mobile.ask("refresh")
    hears(t.mobile, words)
    if words not in t.home()["why"]:
        raise Failure(t.home())
    t.mobile.stop()
    t.agent.stop()


def payload_differs(t):
    """protect-payload at one end only: who hears data that it has the other way says so."""
    def pings(ns, to, *options):
        return ns.popen("ping", "-6", "-i", "0.2", "-W", "1", *options, to, stdout=-3)

    only = "route-optimisation = never\n"
    in_clear = "comes without ESP and is dropped: protect-payload is false there and true here"
    in_esp = "comes in ESP and goes without: protect-payload is true there and false here"
    t.agent.stop()
    t.g.ip("addr", "add", "2001:db8:c::1/128", "dev", "lo")
    t.start_agent(t.g, only, "protect-payload = true\n")
    t.restart_mobile(inside="protect-payload = false\n", top=only)
    wait_for("a registration", t.is_registered)
    up, down = pings(t.m, "2001:db8:c::1", "-I", HOME), pings(t.g, HOME, "-I", "2001:db8:c::1")
    try:
        if in_clear not in agent_hears(t, HOME, in_clear, in_clear)[0]:
            raise Failure(t.agent.show()["clients"])
        hears(t.mobile, in_esp)
        if in_esp not in t.home()["why"]:
            raise Failure(t.home())
    finally:
        for ping in (up, down):
            ping.kill()
            ping.wait()
    t.mobile.stop()
    t.agent.stop()


def at_home_everywhere(t):
    """A prefix length that holds the visited link as well: told at the start, and where it matters."""
    t.restart_mobile(home=f"{HOME}/32")
    hears(t.mobile, "home-address has a prefix length of 32", heading="home-address has a prefix length of")
    words = ("by the prefix length of home-address alone: the link has a longer prefix, and the home address "
             "is not in it")
    line = hears(t.mobile, words)
    home = t.home()
    if home["state"] != "at home" or words not in home["why"] or home["trouble"] != "home-prefix":
        raise Failure(home)
    if not re.search(rf"{HOME} counts as at home at 2001:db8:b::?[0-9a-f:]+/64 by", line):
        raise Failure(line)
    t.mobile.stop()


def nowhere(t):
    """No care-of address: what each interface lacks, in the status, and in the log where it lasts."""
    def lacks(words):
        wait_for(words, lambda: t.home()["why"].endswith(words))
        if words.split(" ", 1)[1] not in HEADINGS:
            raise Failure(f"no heading in {GUIDE.name} says: {words}")

    def start(interface):
        t.mobile = t.daemon(t.m, f'mobile-node {{\nhome-address = "{HOME}/64"\nhome-agent = "{AGENT}"\n'
                            'secret-file = "secret"\n}\n', (interface,))
        wait_for("bubd", t.mobile.show)

    start("e9")
    lacks("e9 does not exist")
    t.mobile.stop()
    t.m.ip("link", "set", "e0", "down")
    start("e0")
    lacks("e0 is down")
    t.m.ip("link", "set", "e0", "up")
    lacks("e0 hears no router")
    hears(t.mobile, "no care-of address: e0 ", heading="no care-of address: …")
    t.r.ip("link", "set", "e0", "down")
    lacks("e0 has no link")
    t.r.ip("link", "set", "e0", "up")
    t.m.sysctl("conf.e0.disable_ipv6", 1)
    lacks("e0 has no address of its own link: IPv6 is switched off there, or another host has that address")
    t.mobile.stop()


def shared_tables(t):
    """Rules of somebody else among bubd's, from before and from now on; and a second bubd."""
    words = "uses what is bubd's alone: "
    t.m.ip("-6", "rule", "add", "pref", "1001", "table", "100")
    t.restart_mobile()
    line = hears(t.mobile, words, "error")
    if "rule 1001, routing table 100, protocol " not in line or "another program" not in line:
        raise Failure(line)
    if words + "rule 1001, routing table 100" not in t.home()["why"]:
        raise Failure(t.home())
    t.m.ip("-6", "rule", "del", "pref", "1001")
    t.restart_mobile()
    wait_for("a registration", t.is_registered)
    if words in logged(t.mobile):
        raise Failure(t.mobile.tail())
    second = Daemon(t.bubd, t.m, f'tun = "bub1"\nmobile-node {{\nhome-address = "2001:db8:1::11/64"\n'
                    f'home-agent = "{AGENT}"\nsecret-file = "secret"\n}}\n')
    t.daemons.append(second)
    line = hears(t.mobile, words, "error")
    if not re.search(r"error: bubd \(\d+\) uses", line):
        raise Failure(line)
    hears(second, words, "error")


def a_vpn_beside(t):
    """What `wg-quick up` puts before the rules of a bubd that runs: told, and well again without it;
    the other way round bubd's come first, and the data of home addresses goes through them."""
    words = "leads all packets elsewhere before bubd is asked: "
    up = (("-6", "route", "add", "unreachable", "default", "table", "51820"),
          ("-6", "rule", "add", "not", "fwmark", "51820", "table", "51820"),
          ("-6", "rule", "add", "table", "main", "suppress_prefixlength", "0"))
    t.restart_mobile()
    wait_for("a registration", t.is_registered)
    for command in up:
        t.m.ip(*command)
    line = hears(t.mobile, words, "error")
    if "rule 999, routing table 51820" not in line or words not in t.home()["why"]:
        raise Failure(f"{line} {t.home()}")
    if "rule 998" in logged(t.mobile):
        raise Failure("what takes no default is complained of")
    t.restart_mobile()  # a rule from before is seen as well
    hears(t.mobile, words, "error")
    t.mobile.stop()
    for pref in ("999", "998"):
        t.m.ip("-6", "rule", "del", "pref", pref)
    for command in up[1:]:
        t.m.ip(*command)
    t.restart_mobile()
    wait_for("a registration", t.is_registered)
    t.m.exec("ping", "-c", "1", "-W", "5", "-I", HOME, AGENT)
    if "before bubd" in logged(t.mobile):
        raise Failure(t.mobile.tail())


CASES = [on_the_way, wrong_addresses, here, wrong_keys, two_with_one_secret, payload_differs, at_home_everywhere, nowhere,
         shared_tables, a_vpn_beside]

if __name__ == "__main__":
    sys.exit(main(CASES, Things))
