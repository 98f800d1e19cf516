#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""Two mobile nodes in BUB mode, as bubctl ping, bindings and sas see them: three daemons, real packets.

        mobile node m       home agent and router g       mobile node n
          e0 ------------------- e0   e1 ------------------- e0
          2001:db8:b::/64        lo: 2001:db8:1::1           2001:db8:d::/64

usage: ping.py BUBD [CASE]...   with BUBCTL in the environment
"""

import json
import os
import subprocess
import sys

from linux_common import Failure, Router, main, wait_for
from world import AGENT, HOME, World

BUBCTL = os.environ.get("BUBCTL", "")
OTHER, NOBODY = "2001:db8:1::20", "2001:db8:1::30"


class Things(World):
    def __init__(self, bubd):
        super().__init__(bubd, "gmn")
        self.g, self.m, self.n = self.namespaces
        self.g.sysctl("conf.all.forwarding", 1)
        self.g.ip("addr", "add", f"{AGENT}/128", "dev", "lo")
        self.routers = []
        for dev, ns, prefix in (("e0", self.m, "b"), ("e1", self.n, "d")):
            self.join(self.g, dev, ns)
            self.g.ip("addr", "add", f"2001:db8:{prefix}::1/64", "dev", dev, "nodad")
            self.routers.append((Router(self.g, dev), f"2001:db8:{prefix}::"))
            self.socks.append(self.routers[-1][0].sock)
            ns.link_local("e0")
        self.start_agent(self.g, inside=f'mobile-node "{OTHER}" {{ secret-file = "secret" }}\n',
                         interfaces=("e0", "e1"))
        self.nodes = [self.daemon(ns, f'mobile-node {{\nhome-address = "{home}/64"\n'
                                  f'home-agent = "{AGENT}"\nsecret-file = "secret"\n}}\n')
                      for ns, home in ((self.m, HOME), (self.n, OTHER))]
        wait_for("bubd", lambda: all(daemon.show() for daemon in self.daemons))

    def arrive(self, *which):
        for i in which:
            self.routers[i][0].advertise(self.routers[i][1])
            wait_for("a registration", lambda node=self.nodes[i]: (
                node.show()["homes"][0]["state"] == "registered"))

    def ping(self, *args, status=0):
        done = subprocess.run(["ip", "netns", "exec", self.m.name, BUBCTL, "-s", self.nodes[0].sock,
                               "ping", *args], text=True, capture_output=True, timeout=60, check=False)
        if done.returncode != status:
            raise Failure(f"bubctl ping {args} ended with {done.returncode}: {done.stdout}{done.stderr}")
        return done

    def paths(self, *args, status=0):
        done = self.ping(*args, "--json", status=status)
        return {path["path"]: path for path in json.loads(done.stdout)["paths"]}

    def tunnelled(self):
        """Packets that the mobile node has sent through the tunnel, and by the direct path."""
        counters = self.nodes[0].show()["counters"]
        return counters["engine"]["tunnel-out"], counters["data"]["data-out"]

    def in_bub_mode(self):
        def both():
            self.ping(OTHER, "-c", "1")
            peers = [node.show()["peers"] for node in self.nodes]
            return all(p and (p[0]["mode"], p[0]["path"]) == ("bub", "direct") for p in peers)

        try:
            wait_for("BUB mode", both)
        except Failure as e:
            raise Failure(f"{e}: {self.nodes[0].show()['peers']} {self.nodes[0].tail()}") from e


def both_paths(t):
    t.arrive(0, 1)
    t.in_bub_mode()
    before = t.tunnelled()
    paths = t.paths(OTHER, "-c", "5")
    after = t.tunnelled()
    for name in ("direct", "home-agents"):
        p = paths[name]
        # The peer's answer takes the path of its data.
        if (p["why"], p["sent"], p["answered"], p["answer"]) != (None, 5, 5, "direct"):
            raise Failure(f"{name}: {p}")
        if not 0 < p["least_us"] <= p["mean_us"] <= p["most_us"]:
            raise Failure(f"{name}: {p}")
    # Each has gone where it says, and signalling has gone through the tunnel beside it at most.
    if after[1] - before[1] != 5 or after[0] - before[0] < 5:
        raise Failure(f"tunnel and direct path: {before} before, {after} after")
    rows = [line.split() for line in t.ping(OTHER).stdout.splitlines()[1:]]
    if [(row[0], "3 of 3" in " ".join(row), row[-1]) for row in rows] != [
            ("direct", True, "direct"), ("home", True, "direct")]:
        raise Failure(str(rows))


def bindings_and_associations(t):
    """What both ends say of one binding is the same, and so is what they say of their associations."""
    t.arrive(0, 1)
    t.in_bub_mode()
    m, n, agent = [d.ask("bindings") for d in (*t.nodes, t.agent)]
    for at, of in ((m, n), (n, m)):
        here, = at["here"]
        there, = (b for b in of["there"] if not b["home_registration"])
        members = ("home", "care_of", "sequence", "signed_by")
        if [here[k] for k in members] != [there[k] for k in members] or here["signed_by"] != "kabm":
            raise Failure(f"{here} at one end, {there} at the other")
    registered = {b["home"]: b["care_of"] for b in agent["here"] if b["home_registration"]}
    own = {b["home"]: b["care_of"] for of in (m, n) for b in of["there"] if b["home_registration"]}
    if registered != own or len(own) != 2:
        raise Failure(f"{registered} at the home agent, {own} at mobile nodes")
    sas, others = t.nodes[0].ask("sas")["sas"], t.agent.ask("sas", peer=HOME)["sas"]
    if len(sas) != 4 or {sa["spi"] for sa in sas} != {sa["spi"] for sa in others}:
        raise Failure(f"{sas} at one end, {others} at the other")
    sent = {sa["spi"]: sa["packets"] for sa in sas if sa["direction"] == "out"}
    came = {sa["spi"]: sa["packets"] for sa in others if sa["direction"] == "in"}
    if not sent or any(sent[spi] < came[spi] for spi in sent) or not any(came.values()):
        raise Failure(f"{sent} sent, {came} came")
    if any(sa["state"] != "ready" or sa["errors"] for sa in sas + others):
        raise Failure(str(sas + others))


def only_the_tunnel(t):
    """Who has a peer that is no mobile node, or is not there, hears why there is no direct path."""
    t.arrive(0)
    paths = t.paths(AGENT)
    if paths["direct"]["why"] is None or paths["direct"]["sent"] != 0:
        raise Failure(str(paths))
    p = paths["home-agents"]
    if (p["why"], p["sent"], p["answered"], p["answer"]) != (None, 3, 3, "home-agents"):
        raise Failure(str(paths))
    # Nobody answers: that takes its time and no longer.
    paths = t.paths(NOBODY, "-c", "2", status=1)
    if (paths["home-agents"]["sent"], paths["home-agents"]["answered"]) != (2, 0):
        raise Failure(str(paths))
    text = t.ping(NOBODY, "-c", "1", status=1).stdout
    if "no path that is direct: " not in text or "0 of 1" not in text:
        raise Failure(text)


def no_path_at_all(t):
    """Without a care-of address."""
    paths = t.paths(OTHER, status=1)
    if [p["sent"] for p in paths.values()] != [0, 0] or paths["home-agents"]["why"] is None:
        raise Failure(str(paths))


CASES = [both_paths, bindings_and_associations, only_the_tunnel, no_path_at_all]

if __name__ == "__main__":
    sys.exit(main(CASES, Things))
