# SPDX-License-Identifier: BSD-2-Clause
"""Home agents that bubload registers at, for registrations.py and scale.py: two namespaces each.

        load generator m          home agent g
          e0 ----------------------- e0     lo: AGENT
          2001:db8:d::2/64           2001:db8:d::1/64
          care-of addresses: 2001:db8:c::/48, on no interface

bubd, or the limit in its place, has the first core, the load generator the second.  What is told is
registrations for a second of the home agent's processor time: others use the machine, and what
they take is not in it.
"""

import itertools
import json
import os
import shutil
import subprocess
import sys
import tempfile

import frame

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../tests/netns"))

from linux_common import Failure, wait_for  # noqa: E402
from redis_server import Redis  # noqa: E402
from world import World  # noqa: E402

AGENT, HOME_PREFIX, FIRST, CARE_OF = "2001:db8:aa::1", "2001:db8:aa::/64", "2001:db8:aa:0:1::", "2001:db8:c::"
UNPROTECTED = "unprotected = {binding-updates, mobility, prefix-discovery}\n"
KEY_PREFIX = "2001:db8:f::"  # where keys are agreed on from
NUMBERS = itertools.count()  # of namespaces
START_S = 900
LOAD_S = 1800
MESSAGES = 60_000  # of one measurement, or one of each mobile node where they are more
ROUNDS_MOST = 15  # .. of each mobile node: a home agent takes twenty at once, and five a second
STRANGERS = 900  # first registrations without ESP a second: bubd takes 1,000 of one /64


def home(number):
    return f"2001:db8:aa:0:1:0:{number >> 16:x}:{number & 0xffff:x}"


def on_core(core, *words):
    """The command on one core; where there is one only both are there."""
    return ["taskset", "-c", str(core % (os.cpu_count() or 1)), *words]


class Agent(World):
    """Something that answers registrations, and a load generator beside."""

    def __init__(self, bubload, nodes, esp, agrees=False):
        """@agrees  on keys, with each measurement; else they are derived, where there is @esp"""
        super().__init__("", [f"{end}{next(NUMBERS)}" for end in "gm"])
        self.bubload, self.nodes, self.esp, self.agrees = bubload, nodes, esp, agrees
        self.g, self.m = g, m = self.namespaces
        self.join(g, "e0", m)
        g.sysctl("conf.all.forwarding", 1)
        g.ip("addr", "add", f"{AGENT}/128", "dev", "lo")
        g.ip("addr", "add", "2001:db8:d::1/64", "dev", "e0", "nodad")
        m.ip("addr", "add", "2001:db8:d::2/64", "dev", "e0", "nodad")
        m.ip("route", "add", "default", "via", "2001:db8:d::1")
        g.ip("route", "add", f"{CARE_OF}/48", "via", "2001:db8:d::2")
        m.ip("route", "add", "local", f"{KEY_PREFIX}/58", "dev", "lo")
        g.ip("route", "add", f"{KEY_PREFIX}/58", "via", "2001:db8:d::2")
        self.process = None
        self.secret = None
        self.redis = None
        self.sequence = 0
        self.last = {}

    def close(self):
        if self.process is not None and not self.daemons:
            self.process.kill()
            self.process.wait()
        super().close()
        if self.redis is not None:
            self.redis.close()

    def start_redis(self):
        """Returns what the home agent's section says of it."""
        self.redis = Redis()
        self.redis.start()
        subprocess.run(["taskset", "-a", "-p", "-c", "0", str(self.redis.proc.pid)], stdout=subprocess.DEVNULL,
                       check=True)
        return f'store = redis\nredis {{ servers = {{"unix:{self.redis.sock}"}} }}\n'

    def start_bubd(self, bubd, stored, more=""):
        """@stored  registrations are on the disk before they are acknowledged; @more  lines of the section"""
        self.bubd = bubd
        section = f'{{ {"psk-file" if self.agrees else "secret-file"} = "secret" }}' if self.esp else "{ }"
        clients = "".join(f'mobile-node "{home(n)}" {section}\n' for n in range(self.nodes))
        text = (f'{"" if self.esp else UNPROTECTED}home-agent {{\naddress = "{AGENT}"\n'
                f'prefixes = {{"{HOME_PREFIX}"}}\nprotect-payload = {"true" if self.esp else "false"}\n'
                f'{"" if stored else "refresh-advice = 3600" + chr(10)}{more}'
                f'{clients}}}\nlimits {{ clients = {self.nodes} }}\n')
        daemon = self.daemon(self.g, text)
        self.process = daemon.proc
        self.secret = os.path.join(daemon.dir, "secret")
        wait_for("bubd", lambda: daemon.ask("counters"), START_S)
        subprocess.run(["taskset", "-p", "-c", "0", str(daemon.proc.pid)], stdout=subprocess.DEVNULL,
                       check=True)
        if not self.agrees:
            self.register()

    def start_limit(self, program, secret):
        """@program  bench_floor_registrations"""
        self.secret = secret
        self.process = self.g.popen(*on_core(0, program, "esp" if self.esp else "plain", "e0", AGENT),
                                    stdout=subprocess.PIPE)
        self.process.stdout.readline()

    def load(self, *more, echo=False):
        words = [self.bubload, "--agent", AGENT, "--interface", "e0", "--nodes", str(self.nodes),
                 "--home", FIRST, "--care-of", CARE_OF, "--pid", str(self.process.pid),
                 "--registered", str(self.sequence), "--timeout", "10000", *more]
        if self.agrees:
            words += ["--psk-file", self.secret, "--key-source", f"{KEY_PREFIX}1"]
        elif self.esp:
            words += ["--secret-file", self.secret]
        words += ["--echo"] if echo else []
        proc = self.m.popen(*on_core(1, *words), stdout=subprocess.PIPE)
        out = proc.communicate(timeout=LOAD_S)[0]
        phases = json.loads(out)["phases"] if out else []
        if not phases:
            raise Failure("the load generator has ended before its first phase")
        phase = phases[-1]
        self.sequence = phase["sequence"]
        if proc.returncode != 0:
            raise Failure(f"not every registration was answered: {phase}")
        self.last = phase
        return phase

    def register(self):
        if self.esp:
            self.load("--do", "register")
        else:
            self.load("--do", "register", "--rate", str(STRANGERS))

    def measure(self, what="refresh", echo=False):
        rounds = min(ROUNDS_MOST, max(1, -(-MESSAGES // self.nodes)))
        phase = self.load("--do", f"register,{what}" if self.agrees else what, "--rounds", str(rounds), echo=echo)
        return {"/s of a core": phase["rate_of_agent_core"], "/s": phase["rate"],
                "us, median": phase["microseconds"]["50"], "us, 99 %": phase["microseconds"]["99"]}

    def measure_store(self, redis):
        """One refresh under keys that were agreed on just before: processor time of it in bubd, and in
        @redis where it is not None.  What the agreements and first registrations take of Redis is
        measured before, without refreshes."""
        def spent():
            return frame.spent(redis.proc.pid) if redis is not None else 0.0

        begin = spent()
        self.load("--do", "register")
        middle = spent()
        got = self.measure()
        refreshes = self.last["answered"]
        in_redis = max(0.0, spent() - middle - (middle - begin)) / refreshes
        there = {"us of Redis": 1e6 * in_redis} if redis is not None else {}
        return {"us of bubd": 1e6 / got.pop("/s of a core"), **there, **got}


class Agents:
    """Each is started when it is first measured, and stays until the end."""

    def __init__(self, args):
        self.args = args
        self.there = {}
        self.folder = tempfile.TemporaryDirectory(prefix="bub-")

    def agent(self, name, nodes, esp, start, agrees=False):
        key = (name, nodes, esp)
        if key not in self.there:
            self.there[key] = Agent(self.args.bubload, nodes, esp, agrees)
            start(self.there[key])
        return self.there[key]

    def limit(self, nodes, esp):
        secret = os.path.join(self.folder.name, "secret")
        with os.fdopen(os.open(secret, os.O_CREAT | os.O_WRONLY, 0o600), "w") as f:
            f.write("a secret of more than sixteen octets\n")
        agent = self.agent("limit", nodes, esp, lambda a: a.start_limit(self.args.floor, secret))
        return agent.measure(echo=True)

    def bubd(self, nodes, esp, stored, what="refresh"):
        name = "stored" if stored else "memory"
        return self.agent(name, nodes, esp, lambda a: a.start_bubd(self.args.bubd, stored)).measure(what)

    def agreed(self, nodes, what="refresh"):
        """Under keys that are agreed on, in memory."""
        return self.agent("agreed", nodes, True, lambda a: a.start_bubd(self.args.bubd, False), True).measure(what)

    def store(self, name, nodes, more="", redis=False):
        """A refresh, where @name is what is stored, and where; @more  lines of the section"""
        def start(agent):
            agent.start_bubd(self.args.bubd, name != "in memory", (agent.start_redis() if redis else "") + more)

        agent = self.agent(name, nodes, True, start, True)
        return agent.measure_store(agent.redis)

    def close(self):
        for agent in self.there.values():
            agent.close()
        self.there.clear()
        self.folder.cleanup()


def need_root():
    if os.geteuid() != 0:
        raise frame.Missing("it makes network namespaces, which needs root")


def need_redis():
    if shutil.which("redis-server") is None:
        raise frame.Missing("redis-server is not here")
