#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""A home agent takes mobile nodes on, changes their secrets and lets them go while it runs: three
daemons, real packets.

        mobile node m          home agent g            mobile node n
          e0 ------------------ e0      e1 ------------------- e0
            2001:db8:b::/64     h0: the home link,       2001:db8:d::/64
                                2001:db8:1::/64
"""

import os
import re
import signal
import subprocess
import sys

from daemon import Daemon
from linux_common import Failure, Namespace, Router, main, wait_for

AGENT, PEER = "2001:db8:1::1", "2001:db8:c::1"
STAYS, COMES = "2001:db8:1::10", "2001:db8:1::20"


def client(home, secret="secret"):
    return f'mobile-node "{home}" {{ secret-file = "{secret}" }}\n'


def agent_text(*clients):
    return (f'home-agent {{\naddress = "{AGENT}"\nhome-link = "h0"\ndad = never\n'
            f'prefixes = {{"2001:db8:1::/64"}}\n{"".join(clients)}}}\n'
            'limits {\nclients = 5000\n}\n')  # the engine is told of what comes from 4096 on


def mobile_text(home, secret="secret"):
    return (f'mobile-node {{\nhome-address = "{home}/64"\nhome-agent = "{AGENT}"\n'
            f'secret-file = "{secret}"\n}}\n')


class Things:
    def __init__(self, bubd):
        self.bubd = bubd
        self.g, self.m, self.n = (Namespace(name) for name in "gmn")
        g = self.g
        g.sysctl("conf.all.forwarding", 1)
        g.ip("link", "add", "h0", "type", "veth", "peer", "name", "h1")
        g.ip("link", "set", "h1", "up")
        g.ip("link", "set", "h0", "up")
        g.ip("addr", "add", f"{AGENT}/64", "dev", "h0", "nodad")
        g.ip("addr", "add", f"{PEER}/128", "dev", "lo")
        self.routers = []
        for dev, ns, prefix in (("e0", self.m, "b"), ("e1", self.n, "d")):
            g.ip("link", "add", dev, "type", "veth", "peer", "name", "e0", "netns", ns.name)
            ns.sysctl("conf.e0.router_solicitation_delay", 0)
            g.ip("link", "set", dev, "up")
            ns.ip("link", "set", "e0", "up")
            g.ip("addr", "add", f"2001:db8:{prefix}::1/64", "dev", dev, "nodad")
            self.routers.append(Router(g, dev))
            ns.link_local("e0")
        self.daemons, self.ping = [], None
        self.agent = self.daemon(g, agent_text(client(STAYS)), ("e0", "e1", "h0"))
        self.mobile = self.daemon(self.m, mobile_text(STAYS))
        self.other = self.daemon(self.n, mobile_text(COMES))
        for d in (self.agent, self.other):
            path = os.path.join(d.dir, "second")
            with os.fdopen(os.open(path, os.O_CREAT | os.O_WRONLY, 0o600), "w") as f:
                f.write("another secret, as long as it has to be\n")

    def daemon(self, ns, text, interfaces=("e0",)):
        self.daemons.append(Daemon(self.bubd, ns, text, interfaces))
        return self.daemons[-1]

    def restart_other(self, text):
        self.other.stop()
        self.other.write(text)
        self.other.proc = self.n.popen(self.bubd, "-c", self.other.conf, stderr=self.other.log)
        wait_for("bubd", lambda: "homes" in self.other.show())
        self.routers[1].advertise("2001:db8:d::")

    def served(self):
        return {c["home"]: c for c in self.agent.show()["clients"]}

    def registered(self, home):
        def there():
            c = self.served().get(home)
            return c if c is not None and c["registered"] else None

        try:
            return wait_for(f"{home} to be registered", there)
        except Failure as e:
            raise Failure(f"{e}: {self.agent.tail()}; {self.other.tail()}") from e

    def reloaded(self, what, *clients):
        with open(os.path.join(self.agent.dir, "log"), errors="replace") as f:
            before = f.read().count("were taken over")
        self.agent.reload(agent_text(*clients))
        log = os.path.join(self.agent.dir, "log")
        with open(log, errors="replace") as f:
            text = wait_for("the reload", lambda: (
                f.seek(0), f.read())[1] if open(log).read().count("were taken over") > before
                else None)
        if f"reload: mobile nodes: {what}" not in text:
            raise Failure(f"expected {what}: {text[-500:]}")

    def asked(self, expected, text):
        """Reloads by the control socket; the answer has @expected."""
        self.agent.write(text)
        answer = self.agent.ask("reload")
        if not expected.items() <= answer.items():
            raise Failure(f"expected {expected}: {answer}")
        return answer

    def reaches(self, ns, home):
        r = subprocess.run(["ip", "netns", "exec", ns.name, "ping", "-6", "-c", "1", "-W", "2",
                            "-I", home, PEER], stdout=subprocess.DEVNULL)
        return r.returncode == 0

    def unknown(self):
        """Packets that no association is there for, wherever they were dropped."""
        counters = self.agent.counters()
        return counters["esp-no-sa"] + counters["esp-unknown-spi"]

    def traces(self, home):
        """What the kernel of the home agent has of a mobile node."""
        return [x for x in self.g.state() if f"{home} " in x + " "]

    def close(self):
        if self.ping is not None and self.ping.poll() is None:
            self.ping.kill()
            self.ping.communicate()
        for d in self.daemons:
            d.close()
        for r in self.routers:
            r.sock.close()
        for ns in (self.g, self.m, self.n):
            ns.close()


def nobody_else_notices(t):
    wait_for("bubd", lambda: all("clients" in d.show() for d in t.daemons))
    t.routers[0].advertise("2001:db8:b::")
    t.routers[1].advertise("2001:db8:d::")
    before = t.registered(STAYS)
    wait_for("an answer", lambda: t.reaches(t.m, STAYS))
    t.ping = t.m.popen("ping", "-6", "-i", "0.02", "-I", STAYS, PEER, stdout=subprocess.PIPE,
                       text=True)

    t.reloaded("1 added, 0 changed, 0 removed", client(COMES), client(STAYS))
    t.registered(COMES)
    wait_for("an answer", lambda: t.reaches(t.n, COMES))
    if not t.traces(COMES):
        raise Failure("neither route nor proxy of the new mobile node")

    # A new secret: nothing goes with the old one any more.
    t.reloaded("0 added, 1 changed, 0 removed", client(COMES, "second"), client(STAYS))
    if t.traces(COMES) or t.served()[COMES]["registered"]:
        raise Failure(f"the registration outlives its secret: {t.traces(COMES)}")
    unknown = t.unknown()
    if t.reaches(t.n, COMES):
        raise Failure("the old secret is still good for data")
    wait_for("packets of the old association", lambda: t.unknown() > unknown)
    t.restart_other(mobile_text(COMES, "second"))
    t.registered(COMES)
    wait_for("an answer", lambda: t.reaches(t.n, COMES))

    # Back to the first one: no number of it is used again, so the peer takes what is sent.
    t.reloaded("0 added, 1 changed, 0 removed", client(COMES), client(STAYS))
    t.restart_other(mobile_text(COMES))
    t.registered(COMES)
    wait_for("an answer", lambda: t.reaches(t.n, COMES))
    if t.other.counters()["esp-replay"] != 0:
        raise Failure("the home agent has used sequence numbers again")

    t.reloaded("0 added, 0 changed, 1 removed", client(STAYS))
    if COMES in t.served() or t.traces(COMES):
        raise Failure(f"left behind: {t.served()} {t.traces(COMES)}")
    if t.reaches(t.n, COMES):
        raise Failure("one that is not served any more gets through")

    # The same by the control socket, which tells of mistakes and then changes nothing.
    t.asked({"ok": True, "added": 1, "removed": 0}, agent_text(client(COMES), client(STAYS)))
    t.registered(COMES)
    wait_for("an answer", lambda: t.reaches(t.n, COMES))
    wrong = t.asked({"error": "the configuration has mistakes; nothing was changed"},
                    agent_text(client(STAYS), client("2001:db8:1::zz")))
    if not any(re.match(rf"{re.escape(t.agent.conf)}:\d+:\d+: ", line) for line in wrong["messages"]):
        raise Failure(f"no file and line: {wrong}")
    if not t.served()[COMES]["registered"]:
        raise Failure("a file with mistakes has changed something")
    t.asked({"ok": True, "added": 0, "removed": 1, "restart_for": "tun"},
            'tun = "bub7"\n' + agent_text(client(STAYS)))
    if COMES in t.served() or t.traces(COMES):
        raise Failure(f"left behind: {t.served()} {t.traces(COMES)}")

    after = t.served()[STAYS]
    if after["sequence"] != before["sequence"] or after["care_of"] != before["care_of"]:
        raise Failure(f"{before} became {after}")
    t.ping.send_signal(signal.SIGINT)
    text = t.ping.communicate()[0]
    # The answers to the last packets may be under way when ping ends; one inside would be lost.
    answered = {int(n) for n in re.findall(r"icmp_seq=(\d+) ttl", text)}
    lost = set(range(1, max(answered) + 1)) - answered
    if lost:
        raise Failure(f"lost {sorted(lost)}: {text[-300:]}")
    t.agent.stop()


CASES = [nobody_else_notices]

if __name__ == "__main__":
    sys.exit(main(CASES, Things))
