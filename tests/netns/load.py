#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""bubload plays mobile nodes against a real home agent.

        load generator m          home agent g
          e0 ----------------------- e0     lo: 2001:db8:1::1
          2001:db8:d::2/64           2001:db8:d::1/64
          care-of addresses: 2001:db8:c::/48, on no interface
"""

import json
import os
import signal
import subprocess
import sys
import time

from linux_common import Failure, main, wait_for
from world import AGENT, HOME_PREFIX, World

FIRST = "2001:db8:1:0:1::"
NODES = 300
AGREED = 60  # mobile nodes that agree on keys, of which there are 200 a second at most
AGREED_MANY = 600
PAUSE_S = 3
LIMIT_S = 60


def expect(condition, what):
    if not condition:
        raise Failure(f"unexpected: {what}")


class Things(World):
    def __init__(self, bubd):
        super().__init__(bubd, "gm")
        self.g, self.m = g, m = self.namespaces
        self.join(g, "e0", m)
        g.sysctl("conf.all.forwarding", 1)
        g.ip("addr", "add", f"{AGENT}/128", "dev", "lo")
        g.ip("addr", "add", "2001:db8:d::1/64", "dev", "e0", "nodad")
        m.ip("addr", "add", "2001:db8:d::2/64", "dev", "e0", "nodad")
        m.ip("route", "add", "default", "via", "2001:db8:d::1")
        g.ip("route", "add", "2001:db8:c::/48", "via", "2001:db8:d::2")
        # Where keys are agreed on from.
        m.ip("route", "add", "local", "2001:db8:f::/58", "dev", "lo")
        g.ip("route", "add", "2001:db8:f::/58", "via", "2001:db8:d::2")

    def serve(self, esp, nodes=NODES, key="secret-file"):
        section = f'{{ {key} = "secret" }}' if esp else "{ }"
        clients = "".join(f'mobile-node "{FIRST}{n:x}" {section}\n' for n in range(nodes))
        top = "" if esp else "unprotected = {binding-updates, mobility, prefix-discovery}\n"
        self.agent = self.daemon(
            self.g, f'{top}home-agent {{\naddress = "{AGENT}"\nprefixes = {{"{HOME_PREFIX}"}}\n'
            f'protect-payload = {"true" if esp else "false"}\n{clients}}}\n')
        wait_for("bubd", self.agent.show)

    def load_words(self, esp, *more, nodes=NODES, interface="e0"):
        words = [os.environ["BUBLOAD"], "--agent", AGENT, "--interface", interface, "--nodes", str(nodes),
                 "--home", FIRST, "--care-of", "2001:db8:c::"]
        if esp:
            words += ["--secret-file", os.path.join(self.agent.dir, "secret")]
        return words + list(more)

    def load(self, esp, *more, **kw):
        """Exit status, result and what was said."""
        proc = self.m.popen(*self.load_words(esp, *more, **kw), stdout=subprocess.PIPE,
                            stderr=subprocess.PIPE, text=True)
        out, error = proc.communicate(timeout=LIMIT_S)
        return proc.returncode, json.loads(out) if out else None, error

    def registered(self):
        """Registered clients, by home address: where they are."""
        return {c["home"]: c["care_of"] for c in self.agent.show()["clients"] if c["registered"]}


def plays_all_phases(t, esp):
    t.serve(esp)
    status, result, error = t.load(esp, "--do", "register,refresh,handover", "--rounds", "2",
                                   "--rate", "3000", "--pid", str(t.agent.proc.pid))
    expect(status == 0 and result["esp"] == esp and result["nodes"] == NODES, (status, result, error))
    expect([p["phase"] for p in result["phases"]] == ["register", "refresh", "handover"], result)
    for phase, rounds in zip(result["phases"], (1, 2, 2)):
        expect(phase["answered"] == rounds * NODES and phase["statuses"] == {"0": rounds * NODES}, phase)
        expect(phase["given_up"] == phase["bad"] == phase["not_sent"] == 0, phase)
        times = phase["microseconds"]
        expect(0 < times["50"] <= times["90"] <= times["99"] <= times["max"], phase)
        expect(phase["agent_rss_kb"] > 0 and phase["own_cpu_s"] > 0, phase)
    # Two handovers later the ninth octet says so.
    there = t.registered()
    expect(len(there) == NODES and there[f"{FIRST}2a"] == "2001:db8:c:0:200::2a", there)
    status, result, error = t.load(esp, "--do", "deregister", "--registered",
                                   str(result["phases"][-1]["sequence"]))
    expect(status == 0 and result["phases"][0]["answered"] == NODES, (status, result, error))
    expect(not t.registered(), t.registered())


def with_esp(t):
    plays_all_phases(t, True)


def without_esp(t):
    plays_all_phases(t, False)


def with_agreed_keys(t):
    """TLS first; then the home agent has its associations of each, and nobody's number on the disk."""
    t.serve(True, nodes=AGREED, key="psk-file")
    status, result, error = t.load(False, "--psk-file", os.path.join(t.agent.dir, "secret"), "--key-source",
                                   "2001:db8:f::1", "--do", "register,handover", nodes=AGREED)
    expect(status == 0 and result["esp"], (status, result, error))
    expect([p["answered"] for p in result["phases"]] == [AGREED, AGREED], result)
    algorithms = {sa["encryption"] for sa in t.agent.ask_pages("sas")["sas"]}
    expect(algorithms == {"aes-gcm"}, algorithms)
    status, result, error = t.load(False, "--psk-file", os.path.join(t.agent.dir, "secret"), nodes=AGREED)
    expect(status == 2 and "--key-source" in error, (status, error))


def agrees_no_faster_after_a_pause(t):
    """A load generator that stood still has missed many agreements, and does not make up for them at once:
    the home agent takes 200 a second."""
    t.serve(True, nodes=AGREED_MANY, key="psk-file")
    proc = t.m.popen(*t.load_words(False, "--psk-file", os.path.join(t.agent.dir, "secret"), "--key-source",
                                   "2001:db8:f::1", nodes=AGREED_MANY), stdout=subprocess.PIPE)
    try:
        wait_for("agreements", lambda: t.agent.show()["counters"]["keys"]["keys-agreed"] > 50)
        proc.send_signal(signal.SIGSTOP)
        begin = time.monotonic()
        wait_for("a pause", lambda: time.monotonic() - begin > PAUSE_S)
        proc.send_signal(signal.SIGCONT)
        status, phase = proc.wait(LIMIT_S), json.loads(proc.stdout.read())["phases"][0]
    finally:
        if proc.poll() is None:
            proc.kill()
        proc.communicate()
    expect(status == 0 and phase["answered"] == AGREED_MANY, phase)
    keys = t.agent.show()["counters"]["keys"]
    expect(keys["keys-agreed"] == AGREED_MANY and keys["keys-rate"] < AGREED_MANY / 10, keys)


def goes_on_from_an_earlier_run(t):
    """A sequence number that is too old is put right by the answer."""
    t.serve(False)
    expect(t.load(False, "--registered", "500")[0] == 0, "register")
    status, result, error = t.load(False, "--do", "refresh")
    phase = result["phases"][0]
    expect(status == 0 and phase["answered"] == NODES, (status, result, error))
    expect(phase["statuses"] == {"0": NODES, "135": NODES} and phase["repeated"] == NODES, phase)


def bubctl(t, *words):
    return subprocess.run([os.environ["BUBCTL"], "-s", t.agent.sock, *words], check=True, text=True,
                          stdout=subprocess.PIPE, timeout=LIMIT_S).stdout


def many_are_shown_by_pages(t):
    """However many there are, one answer has a hundred of them, and what comes meanwhile is answered."""
    many = 900
    t.serve(False, nodes=many)
    expect(t.load(False, nodes=many)[0] == 0, "register")
    first = t.agent.ask("show")
    expect(len(first["clients"]) == 100 and first["served"] == {"all": many, "registered": many}
           and set(first["more"]) == {"clients"}, (len(first["clients"]), first["served"]))
    expect(len(t.agent.ask("bindings")["here"]) == 100, "bindings")
    last = f"{FIRST}{many - 1:x}"
    one = t.agent.ask("show", peer=last)
    expect([c["home"] for c in one["clients"]] == [last] and "more" not in one, one)
    homes = sorted(f"{FIRST}{n:x}".replace("::0", "::") for n in range(many))
    reader = t.g.popen(os.environ["BUBCTL"], "-s", t.agent.sock, "show", "--json", "--all",
                       stdout=subprocess.PIPE, text=True)
    status, result, error = t.load(False, "--do", "refresh", "--registered", "1", "--time", "1", "--rate", "500",
                                   nodes=many)
    shown = json.loads(reader.communicate(timeout=LIMIT_S)[0])
    expect(status == 0 and result["phases"][0]["given_up"] == 0, (status, result, error))
    expect(sorted(c["home"] for c in shown["clients"]) == homes and "more" not in shown, len(shown["clients"]))
    expect(len(json.loads(bubctl(t, "bindings", "--json", "--all"))["here"]) == many, "all bindings")
    text = bubctl(t, "show")
    expect(f"{many} of {many} registered" in text and f"and {many - 12} more: bubctl show --clients" in text,
           text)
    expect(f"registered={many} clients={many}" in bubctl(t, "show", "--check"), "check")
    expect(bubctl(t, "show", "--clients").count("2001:db8:c:") == many, "show --clients")


def tells_what_is_wrong(t):
    """One that the home agent does not serve, a wrong secret, nobody there, wrong words."""
    t.serve(False, nodes=10)
    status, result, error = t.load(False, nodes=11)
    phase = result["phases"][0]
    expect(status == 1 and phase["answered"] == 10 and phase["statuses"].get("129") == 1,
           (status, result, error))
    status, result, error = t.load(True, "--timeout", "50", "--tries", "3", nodes=10)
    phase = result["phases"][0]
    expect(status == 1 and phase["given_up"] == 10 and phase["sent"] == 30 and phase["repeated"] == 20
           and phase["silence_ms"] == 0, (status, result, error))
    for words, said in ((("--tries", "0"), "--tries 0: expected a number from 1"),
                        (("--do", "dance"), "--do dance: expected register, refresh"),
                        (("more",), "usage: bubload")):
        status, result, error = t.load(False, *words)
        expect(status == 2 and result is None and said in error, (words, status, error))
    status, result, error = t.load(False, interface="e9")
    expect(status == 1 and "cannot listen on e9: No such device" in error, (status, error))


def measures_a_silence(t):
    """A home agent that stands still for a while."""
    t.serve(True)
    expect(t.load(True)[0] == 0, "register")
    proc = t.m.popen(*t.load_words(True, "--registered", "1", "--do", "refresh", "--time", "3600",
                                   "--rate", "200", "--timeout", "300", "--tries", "100"),
                     stdout=subprocess.PIPE, text=True)
    try:
        def sequences():
            return sum(c["sequence"] for c in t.agent.show()["clients"])

        wait_for("refreshes", lambda: sequences() > NODES + 100)
        t.agent.proc.send_signal(signal.SIGSTOP)
        quiet = t.g.capture("e0", kind=3)
        sent = []

        def repeats():
            while True:
                try:
                    sent.append(quiet.recv(2048)[40:])
                except BlockingIOError:
                    return len(sent) > 100

        wait_for("messages that nobody reads", repeats)
        quiet.close()
        t.agent.proc.send_signal(signal.SIGCONT)
        before = sequences()
        wait_for("refreshes", lambda: sequences() > before + 100)
        proc.send_signal(signal.SIGINT)
        phase = json.loads(proc.communicate(timeout=LIMIT_S)[0])["phases"][0]
    finally:
        if proc.poll() is None:
            proc.kill()
            proc.communicate()
    expect(phase["silence_ms"] > 100 and phase["answered"] > 100, phase)


CASES = [with_esp, without_esp, with_agreed_keys, agrees_no_faster_after_a_pause,
         goes_on_from_an_earlier_run, tells_what_is_wrong, many_are_shown_by_pages, measures_a_silence]

if __name__ == "__main__":
    sys.exit(main(CASES, Things))
