#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""What a home agent costs with 1,000, 10,000, 100,000 and, with --most 1000000, a million mobile nodes.

Start and memory with subscribers in a file (subscribers = lmdb, room for all of them) of whom nobody
is there yet.  Then mobile nodes that are all registered, in ESP under derived keys, with stable
storage: memory of each, and registrations a second from socket to socket, which may cost 1.5
times as much at most with the largest number as with the smallest.

Then a take-over: registrations and agreed keys are in a Redis on the same machine, the home agent is killed,
its state-dir removed, and another one begins, with all mobile nodes registered and with none.
It is 10,000 of them, as a home agent takes 200 agreements a second; --taken-over has another number.  Needs root.
"""

import json
import os
import pathlib
import shutil
import subprocess
import sys
import time

import frame

NODES = (1_000, 10_000, 100_000, 1_000_000)
REACH = ">= 0.667"


def resident_octets(pid):
    for line in pathlib.Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) * 1024
    return 0


class Subscribers:
    """A home agent whose subscribers are in a file; each measurement is a start."""

    def __init__(self, agents, args, nodes):
        self.agents, self.args, self.nodes = agents, args, nodes
        self.agent = agents.Agent(args.bubload, nodes, True)
        self.imported_s = 0.0

    def prepare(self, state):
        lines = "".join(json.dumps({"home": self.agents.home(n), "psk": f"hex:{n:064x}"}) + "\n"
                        for n in range(self.nodes))
        began = time.process_time()
        subprocess.run([self.args.bubctl, "subscriber", "import", "-", "-d", state], input=lines, text=True,
                       stdout=subprocess.DEVNULL, check=True)
        self.imported_s = time.process_time() - began

    def measure(self):
        text = (f'home-agent {{\naddress = "{self.agents.AGENT}"\nprefixes = {{"{self.agents.HOME_PREFIX}"}}\n'
                f'subscribers = lmdb\n}}\nlimits {{ clients = {max(self.nodes, 1024)} }}\n')
        first = not self.agent.daemons
        self.agent.bubd = self.args.bubd
        if first:
            daemon = self.agent.daemon(self.agent.g, text)
            self.agents.wait_for("bubd", lambda: daemon.ask("counters"), self.agents.START_S)
            self.prepare(os.path.join(daemon.dir, "state"))
        daemon = self.agent.daemons[0]
        daemon.stop()
        daemon.proc = self.agent.g.popen(self.args.bubd, "-c", daemon.conf, stderr=daemon.log)
        self.agents.wait_for("bubd", lambda: daemon.ask("counters"), self.agents.START_S)
        return {"s of CPU": frame.spent(daemon.proc.pid), "MB": resident_octets(daemon.proc.pid) / 1e6}

    def close(self):
        self.agent.close()


def subscribers(bench, args, agents, nodes):
    there = {n: Subscribers(agents, args, n) for n in nodes}
    try:
        bench.compare("start with subscribers in a file", {
            f"{n:,} subscribers": lambda one=one: one.measure() for n, one in there.items()})
    finally:
        for one in there.values():
            one.close()


def registered(bench, args, agents, nodes):
    many = agents.Agents(args)

    def measure(n):
        got = many.bubd(n, True, True)
        process = many.there["stored", n, True].process
        return got | {"octets a mobile node": resident_octets(process.pid) / n}

    try:
        bench.compare("registrations, from socket to socket, ESP, stored", {
            f"{n:,} mobile nodes": lambda n=n: measure(n) for n in nodes}, reach={f"{nodes[-1]:,} mobile nodes": REACH})
    finally:
        many.close()


class TakenOver:
    """A home agent whose registrations are in Redis; each measurement is one that takes its place."""

    def __init__(self, agents, args, registered):
        self.agents, self.args = agents, args
        self.agent = agents.Agent(args.bubload, args.taken_over, True, agrees=True)
        self.registered = args.taken_over if registered else 0
        self.begun = False

    def begin(self):
        self.agent.start_bubd(self.args.bubd, True, self.agent.start_redis())
        if self.registered:
            self.agent.load("--do", "register")
        self.begun = True

    def serves(self, daemon):
        log = pathlib.Path(daemon.dir, "log").read_text(errors="replace")
        return (not self.registered or f"{self.registered} registrations from before" in log) and daemon.ask("counters")

    def measure(self):
        if not self.begun:
            self.begin()
        daemon, redis = self.agent.daemons[0], self.agent.redis
        daemon.proc.kill()
        daemon.proc.wait()
        os.unlink(daemon.sock)
        shutil.rmtree(os.path.join(daemon.dir, "state"), ignore_errors=True)
        daemon.log.truncate(0)
        in_redis, began = frame.spent(redis.proc.pid), time.monotonic()
        daemon.proc = self.agent.g.popen(self.args.bubd, "-c", daemon.conf, stderr=daemon.log)
        self.agents.wait_for("bubd", lambda: self.serves(daemon), self.agents.START_S)
        return {"s until it serves": time.monotonic() - began, "s of CPU": frame.spent(daemon.proc.pid),
                "s of Redis": frame.spent(redis.proc.pid) - in_redis,
                "MB": resident_octets(daemon.proc.pid) / 1e6, "MB of Redis": resident_octets(redis.proc.pid) / 1e6}

    def close(self):
        self.agent.close()


def taken_over(bench, args, agents):
    agents.need_redis()
    there = {f"{'all' if all_of_them else 'nobody'} registered": TakenOver(agents, args, all_of_them)
             for all_of_them in (False, True)}
    try:
        bench.compare(f"taken over from Redis, {args.taken_over:,} mobile nodes", {
            name: one.measure for name, one in there.items()})
    finally:
        for one in there.values():
            one.close()


def main():
    bench = frame.Bench("scale", __doc__)
    bench.argument("bubd")
    bench.argument("bubctl")
    bench.argument("bubload")
    bench.argument("--most", type=int, default=100_000, metavar="N", help="mobile nodes")
    bench.argument("--taken-over", type=int, default=10_000, metavar="N", help="mobile nodes of a take-over")
    args = bench.start()
    if os.geteuid() != 0:
        raise frame.Missing("it makes network namespaces, which needs root")
    import agents

    nodes = [n for n in NODES if n <= args.most] or [args.most]
    subscribers(bench, args, agents, nodes)
    registered(bench, args, agents, nodes)
    taken_over(bench, args, agents)
    return bench.finish()


if __name__ == "__main__":
    sys.exit(frame.ended(main))
