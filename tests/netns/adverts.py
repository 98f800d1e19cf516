#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""The Router Advertisements of a home agent, as the kernel of a host on the home link and scapy
understand them (RFC 4861, 6.2; RFC 6275, 7).

        home agent g (bubd)      host h
          e0 ------------------- e0     home link 2001:db8:a::/64, g is ::1
"""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time

import linux_common
from linux_common import Failure, Namespace, captured, icmp6, ip6, main, text_of, wait_for

sys.dont_write_bytecode = True
from scapy.layers import inet6 as s6  # noqa: E402

AGENT = "2001:db8:a::1"
OLD, NEW = "2001:db8:a::", "2001:db8:a1::"
QUICK = "router-adverts { interval-min = 300 interval-max = 400 }"
# Nothing comes by itself while a case lasts, but for the first three.
SLOW = "router-adverts { interval-min = 900000 interval-max = 1800000 delay-min = 30 }"


class Things:
    def __init__(self, bubd):
        self.bubd = bubd
        self.g, self.h = Namespace("g"), Namespace("h")
        self.dir = tempfile.mkdtemp(prefix="bub-ra-")
        self.conf = os.path.join(self.dir, "bubd.conf")
        self.proc = None
        g, h = self.g, self.h
        g.sysctl("conf.all.forwarding", 1)
        g.ip("link", "add", "e0", "type", "veth", "peer", "name", "e0", "netns", h.name)
        h.sysctl("conf.e0.accept_ra", 0)
        g.ip("link", "set", "e0", "up")
        h.ip("link", "set", "e0", "up")
        g.ip("addr", "add", f"{AGENT}/64", "dev", "e0", "nodad")
        g.link_local("e0")
        h.link_local("e0")
        self.seen = h.capture("e0")

    def write(self, extra, prefixes=(OLD,)):
        listed = ", ".join(f'"{p}/64"' for p in prefixes)
        with open(self.conf, "w") as f:
            f.write(f'interfaces = {{"e0"}}\ncontrol = "{self.dir}/sock"\n'
                    f'state-dir = "{self.dir}/state"\nhome-agent {{\naddress = "{AGENT}"\n'
                    f'home-link = "e0"\nprefixes = {{{listed}}}\n{extra}\n}}\n')

    def start(self, extra):
        self.write(extra)
        self.proc = self.g.popen(self.bubd, "-c", self.conf, stderr=subprocess.PIPE)

    def stop(self):
        self.proc.terminate()
        status = self.proc.wait(linux_common.LIMIT_S)
        text = self.proc.stderr.read().decode(errors="replace")
        self.proc = None
        if status != 0:
            raise Failure(f"bubd ended with {status}: {text}")

    def advert(self, limit_s=linux_common.LIMIT_S):
        """The next one, understood by scapy."""
        packet = wait_for("an advertisement", lambda: captured(
            self.seen, lambda p: p[6] == 58 and p[40] == 134), limit_s)
        return s6.IPv6(packet)

    def close(self):
        if self.proc is not None:
            self.proc.kill()
            self.proc.wait()
        self.seen.close()
        self.g.close()
        self.h.close()
        shutil.rmtree(self.dir, ignore_errors=True)


def equal(what, got, wanted):
    if got != wanted:
        raise Failure(f"{what}: {got!r}, expected {wanted!r}")


def host_configures_itself(t):
    """Address and default route from them; both go with the last one, or are left to end."""
    t.h.sysctl("conf.e0.accept_ra", 1)
    t.start(QUICK)
    wait_for("an address", lambda: f" {OLD[:-1]}" in t.h.ip("-6", "addr", "show", "dev", "e0"))
    router = t.g.link_local("e0")
    wait_for("a default route",
             lambda: f"default via {router} dev e0" in t.h.ip("-6", "route"))
    own = wait_for("the address to be usable", lambda: [
        x.split()[3].split("/")[0] for x in t.h.ip("-6", "-o", "addr", "show", "dev", "e0",
                                                   "scope", "global").splitlines()
        if "tentative" not in x])[0]
    wait_for("an answer", lambda: " 1 received" in t.h.exec(
        "ping", "-6", "-c", "1", "-W", "1", "-I", own, AGENT, check=False))
    t.stop()
    wait_for("the router to be gone", lambda: "default" not in t.h.ip("-6", "route"))


def defaults_are_not_said(t):
    """H and R, the interval, lifetimes; no Home Agent Information that says nothing new."""
    t.start("prefix-valid = 5000\nprefix-preferred = 4000\n" + QUICK)
    p = t.advert()
    equal("addresses", (p.src, p.dst, p.hlim), (t.g.link_local("e0"), "ff02::1", 255))
    ra = p[s6.ICMPv6ND_RA]
    sum_wanted = ra.cksum
    del p[s6.ICMPv6ND_RA].cksum
    equal("checksum", sum_wanted, s6.IPv6(bytes(p))[s6.ICMPv6ND_RA].cksum)
    equal("M, O, H", (ra.M, ra.O, ra.H), (0, 0, 1))
    equal("router lifetime", ra.routerlifetime, 1)
    prefix = p[s6.ICMPv6NDOptPrefixInfo]
    equal("prefix", (prefix.prefix, prefix.prefixlen), (AGENT, 64))
    equal("L, A, R", (prefix.L, prefix.A, prefix.R), (1, 1, 1))
    equal("lifetimes", (prefix.validlifetime, prefix.preferredlifetime), (5000, 4000))
    equal("interval", p[s6.ICMPv6NDOptAdvInterval].advint, 400)
    equal("source", p[s6.ICMPv6NDOptSrcLLAddr].lladdr, t.g.mac("e0"))
    equal("home agent information", p.haslayer(s6.ICMPv6NDOptHAInfo), 0)
    t.stop()


def home_agent_information(t):
    t.start("preference = 7\nmanaged-addresses = true\nother-configuration = true\n"
            "router-adverts { router-lifetime = 0 agent-lifetime = 77 }")
    p = t.advert()
    ra = p[s6.ICMPv6ND_RA]
    equal("M, O, H, lifetime", (ra.M, ra.O, ra.H, ra.routerlifetime), (1, 1, 1, 0))
    info = p[s6.ICMPv6NDOptHAInfo]
    equal("information", (info.len, info.res, info.pref, info.lifetime), (1, 0, 7, 77))
    t.stop()


def ask(t, src, option=b"", hops=255):
    """A Router Solicitation of the host."""
    dst = "ff02::2"
    message = bytearray(ip6(src, dst, 58, icmp6(src, dst, 133, 0, bytes(4) + option)))
    message[7] = hops
    s = t.h.capture("e0")
    s.sendto(bytes(message), ("e0", 0x86DD, 0, 0, bytes.fromhex("333300000002")))
    s.close()


def silent(t, what):
    """A second is twice what an answer may take (MAX_RA_DELAY_TIME)."""
    try:
        t.advert(limit_s=1)
    except Failure:
        return
    raise Failure(f"an answer {what}")


def solicitation_is_answered(t):
    t.start(SLOW)
    t.advert()
    host = t.h.link_local("e0")
    option = b"\x01\x01" + bytes.fromhex(t.h.mac("e0").replace(":", ""))
    # Not valid (RFC 4861, 6.1.1): off the link, an option without length, a sender without address.
    ask(t, host, hops=254)
    ask(t, host, b"\x01\x00" + bytes(6))
    ask(t, "::", option)
    silent(t, "to what is not valid")
    for src in (host, "::"):
        ask(t, src, option if src == host else b"")
        equal("destination", t.advert().dst, "ff02::1")
    t.stop()


def answers_keep_their_distance(t):
    """MinDelayBetweenRAs (RFC 6275, 13)."""
    t.start(SLOW.replace("delay-min = 30", "delay-min = 1800000"))
    t.advert()
    ask(t, t.h.link_local("e0"))
    silent(t, "too soon after the one before")
    t.stop()


def interval_of_mobile_networks(t):
    """RFC 6275, 7.5: 0.03 s at least, 0.07 s at most."""
    t.start("router-adverts { interval-min = 30 interval-max = 70 }")
    # 20 ms more are told where it is under 200 ms: timers are coarse.
    equal("interval", t.advert()[s6.ICMPv6NDOptAdvInterval].advint, 90)
    begin = time.monotonic()
    for _ in range(30):
        t.advert()
    took = time.monotonic() - begin
    equal("thirty in far less than 10 s", took < 10, True)
    t.stop()


def interval_is_a_choice(t):
    """RFC 6275, 8.3: an operator may not want the option; from 200 ms on it is as it is."""
    for option, wanted in (("false", 0), ("true", 1)):
        t.start("router-adverts { interval-min = 100 interval-max = 200 "
                f"interval-option = {option} }}")
        p = t.advert()
        equal("option", p.haslayer(s6.ICMPv6NDOptAdvInterval), wanted)
        if wanted:
            equal("interval", p[s6.ICMPv6NDOptAdvInterval].advint, 200)
        t.stop()
        captured(t.seen, lambda p: False)  # the last one, which takes leave


def last_one_takes_leave(t):
    t.start("preference = 7\n" + SLOW)
    equal("lifetime", t.advert()[s6.ICMPv6ND_RA].routerlifetime, 5400)
    t.stop()
    p = t.advert()
    equal("H, lifetime", (p[s6.ICMPv6ND_RA].H, p[s6.ICMPv6ND_RA].routerlifetime), (0, 0))
    equal("home agent information", p.haslayer(s6.ICMPv6NDOptHAInfo), 0)


def renumbering_is_told_at_once(t):
    t.h.sysctl("conf.e0.accept_ra", 1)
    t.start(SLOW)
    wait_for("an address", lambda: f" {OLD[:-1]}" in t.h.ip("-6", "addr", "show", "dev", "e0"))
    t.write(f'prefix "{OLD}/64" {{ preferred = 0 }}\n{SLOW}', (OLD, NEW))
    t.proc.send_signal(signal.SIGHUP)
    wait_for("the new address",
             lambda: f" {NEW[:-1]}" in t.h.ip("-6", "addr", "show", "dev", "e0"))
    wait_for("the old one to be deprecated",
             lambda: "deprecated" in t.h.ip("-6", "addr", "show", "dev", "e0"))
    t.stop()


def none_unless_wanted(t):
    t.start("")
    wait_for("the control socket", lambda: os.path.exists(f"{t.dir}/sock"))
    wait_for("the anycast address",
             lambda: "fdffffffffffff" in t.g.exec("cat", "/proc/net/anycast6"))
    t.stop()
    if captured(t.seen, lambda p: p[6] == 58 and p[40] == 134):
        raise Failure("an advertisement")


CASES = [host_configures_itself, defaults_are_not_said, home_agent_information,
         solicitation_is_answered, answers_keep_their_distance, interval_of_mobile_networks,
         interval_is_a_choice,
         last_one_takes_leave, renumbering_is_told_at_once, none_unless_wanted]

if __name__ == "__main__":
    sys.exit(main(CASES, Things))
