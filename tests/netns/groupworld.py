# SPDX-License-Identifier: BSD-2-Clause
"""Two home agents with one address, a Redis that they share, keepalived on both, and mobile nodes:
what tests of a group (docs/groups.md) set up.

                                    store s
                                   e0 |  2001:db8:e::1
                               +------+------+
                            e2 |             | e2
        host h ---+--- e1 home agent a e0 ---+          (home link, left: 2001:db8:1::/64)
          e0      |                          |          (core link, right: 2001:db8:d::/64)
                  +--- e1 home agent b e0 ---+--- e1 router r e0 --- e0 mobile node m
                                                           e2 --- e0 mobile node n

The three links of the home agents are bridges of one more namespace, w.  keepalived and Redis run
with the files of etc/group, in which interfaces and paths are replaced.
"""

import contextlib
import os
import shutil
import signal
import struct
import subprocess
import tempfile
import threading
import time

from daemon import Daemon
from keys import Stream
from linux_common import ETH_P_ALL, Failure, Namespace, Router, wait_for

SOURCE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../..")
SAMPLES = os.path.join(SOURCE, "etc/group")
AGENT, HOST = "2001:db8:1::1", "2001:db8:1::50"
HOMES = {"m": "2001:db8:1::10", "n": "2001:db8:1::20"}
VISITED = {"m": "2001:db8:b::", "n": "2001:db8:c::"}
ROUTER_DEV = {"m": "e0", "n": "e2"}
NEXT_HOP, STORE = "2001:db8:d::1", "2001:db8:e::1"
PASSWORD = "the password of Redis"
WORD = "the-password-of-redis"  # of the Redis of samples: without blanks
ESP = 50


def sample(name):
    with open(os.path.join(SAMPLES, name), encoding="utf-8") as f:
        return f.read()


def replaced(text, *pairs):
    for old, new in pairs:
        if old not in text:
            raise Failure(f"the sample has no {old!r} any more")
        text = text.replace(old, new)
    return text


class Esp(threading.Thread):
    """The ESP that goes by on an interface: sequence numbers by SPI, in order.  All 64 bits of them, which
    are the IV under agreed keys: many take-overs go through the 32 bits that are sent as the number."""

    def __init__(self, ns, dev):
        super().__init__()
        self.sock = ns.capture(dev, ETH_P_ALL)  # bubd's programs take it from all others
        self.sock.setblocking(True)
        self.sock.settimeout(0.1)
        self.numbers, self.over = {}, False
        self.start()

    def run(self):
        while not self.over:
            with contextlib.suppress(TimeoutError):
                packet = self.sock.recv(65536)
                if packet[6] == ESP:
                    spi, _low, number = struct.unpack_from("!IIQ", packet, 40)
                    self.numbers.setdefault(spi, []).append(number)

    def close(self):
        self.over = True
        self.join()
        self.sock.close()

    def check(self, overtaken=False):
        """No number comes twice, nor a lower one after a higher one, unless packets may overtake."""
        if not self.numbers:
            raise Failure("no ESP was seen")
        for spi, numbers in self.numbers.items():
            seen = sorted(numbers) if overtaken else numbers
            for one, other in zip(seen, seen[1:]):
                if other <= one:
                    raise Failure(f"SPI {spi:08x}: number {other} after {one}")


class Agent:
    """One machine of the group: bubd, keepalived, and what systemd would see to."""

    def __init__(self, world, name, number):
        self.world, self.name, self.number = world, name, number
        self.ns = Namespace(world.label + name)
        self.dir = tempfile.mkdtemp(prefix=f"bub-group-{name}-")
        self.alive = os.path.join(self.dir, "alive")
        self.daemon = self.keepalived = None

    def start(self, extra=""):
        text = self.world.text(extra)
        self.daemon = Daemon(self.world.bubd, self.ns, text, interfaces=("e0", "e1"),
                             prepare=self._password)
        self._supervise()
        wait_for(f"bubd of {self.name}", lambda: self.daemon.show())

    def _password(self, state):
        path = os.path.join(os.path.dirname(state), "redis-password")
        with os.fdopen(os.open(path, os.O_CREAT | os.O_WRONLY, 0o600), "w") as f:
            f.write(self.world.password + "\n")

    def _supervise(self):
        """What bubd-keepalived.conf has systemd do."""
        self._say_alive(0)
        proc = self.daemon.proc

        def until_its_end():
            proc.wait()
            if self.daemon is not None and proc is self.daemon.proc:
                self._say_alive(-254)

        threading.Thread(target=until_its_end, daemon=True).start()

    def _say_alive(self, value):
        with open(self.alive, "w") as f:
            f.write(f"{value}\n")

    def start_keepalived(self):
        script = {}
        for what in ("check", "notify"):
            script[what] = os.path.join(self.dir, what)
            shutil.copy(os.path.join(SAMPLES, f"keepalived-{what}"), script[what])
        options = f"-s {self.daemon.sock}"
        text = replaced(
            sample("keepalived.conf"), ("interface eth1", "interface e1"), ("eth0", "e0"),
            ('"/run/bubd.alive"', f'"{self.alive}"'),
            ('"/usr/lib/bub/keepalived-check"', f'"{script["check"]} {options}"'),
            ("/usr/lib/bub/keepalived-notify", f'"{script["notify"]} {options}"'))
        conf = os.path.join(self.dir, "keepalived.conf")
        with open(conf, "w") as f:
            f.write(text)
        bubctl = os.path.dirname(os.environ["BUBCTL"])
        env = {**os.environ, "PATH": f"{bubctl}:{os.environ['PATH']}:/usr/sbin"}
        with open(os.path.join(self.dir, "keepalived.log"), "wb") as log:
            self.keepalived = self.ns.popen(
                "keepalived", "-n", "-l", "-D", "-P", "-f", conf, "-p", f"{self.dir}/k.pid", "-r",
                f"{self.dir}/v.pid", stdout=log, stderr=log, env=env)

    def backups(self):
        with open(os.path.join(self.dir, "keepalived.log"), errors="replace") as f:
            return f.read().count("Entering BACKUP STATE")

    def keepalived_is_backup(self):
        """Since the last revive(): until then it would not take the address."""
        wait_for(f"keepalived of {self.name} to be there again",
                 lambda: self.backups() > self.backups_before)

    def backups(self):
        with open(os.path.join(self.dir, "keepalived.log"), errors="replace") as f:
            return f.read().count("Entering BACKUP STATE")

    def keepalived_is_backup(self):
        """Since the last revive(): until then it would not take the address."""
        wait_for(f"keepalived of {self.name} to be there again",
                 lambda: self.backups() > self.backups_before)

    def group(self, **do):
        return self.daemon.ask("group", **do)

    def role(self):
        return self.group().get("role", "")

    def becomes(self, role):
        try:
            wait_for(f"{self.name} to be {role}", lambda: self.role() == role)
        except Failure as e:
            raise Failure(f"{e}: {self.daemon.tail()}") from e

    def has_address(self):
        return f"inet6 {AGENT}/" in self.ns.ip("-6", "addr", "show", "dev", "e1")

    def move_address_here(self):
        """What keepalived does, where a test has none."""
        for other in self.world.agents:
            if other is not self:
                other.drop_address()
        for dev, address in (("e1", AGENT), ("e1", "fe80::61"), ("e0", NEXT_HOP)):
            self.ns.ip("addr", "replace", f"{address}/64", "dev", dev, "nodad")
            self.world.forget_neighbour(address)

    def drop_address(self):
        for dev, address in (("e1", AGENT), ("e1", "fe80::61"), ("e0", NEXT_HOP)):
            self.ns.ip("addr", "del", f"{address}/64", "dev", dev, check=False)

    def kill(self):
        self.daemon.proc.send_signal(signal.SIGKILL)

    def revive(self):
        if self.keepalived is not None:
            self.backups_before = self.backups()
        if self.keepalived is not None:
            self.backups_before = self.backups()
        self.daemon.proc.wait()
        with contextlib.suppress(FileNotFoundError):
            os.unlink(self.daemon.sock)
        self.daemon.proc = self.ns.popen(self.world.bubd, "-c", self.daemon.conf,
                                         stderr=self.daemon.log)
        self._supervise()
        wait_for(f"bubd of {self.name}", lambda: self.daemon.show())

    def cut(self, there=False):
        """Its cables are pulled out at the other ends, which the machine does not see."""
        for dev, bridge in (("e0", "core"), ("e1", "home"), ("e2", "store")):
            where = ("master", bridge) if there else ("nomaster",)
            self.world.w.ip("link", "set", "dev", f"{self.name}{dev}", *where)

    def cut_off_store(self, there=False):
        where = ("master", "store") if there else ("nomaster",)
        self.world.w.ip("link", "set", "dev", f"{self.name}e2", *where)

    def close(self):
        if self.keepalived is not None:
            self.keepalived.terminate()
            self.keepalived.wait()
        if self.daemon is not None:
            daemon, self.daemon = self.daemon, None
            daemon.close()
        shutil.rmtree(self.dir, ignore_errors=True)
        self.ns.close()


def world_text(clients, extra="", store=f'servers = {{"[{STORE}]:6379"}}\ntimeout = 500'):
    nodes = "".join(f'mobile-node "{home}" {{ psk-file = "secret" }}\n' for home in clients)
    return (f"route-optimisation = never\nlimits {{ clients = {max(1024, len(clients))} }}\n"
            f'home-agent {{\naddress = "{AGENT}"\nprefixes = {{"2001:db8:1::/64"}}\n'
            f'home-link = "e1"\ndad = never\ngroup = standby\nstore = redis\n'
            f'redis {{ {store}\npassword-file = "redis-password" }}\n{extra}\n{nodes}}}\n')


class GroupWorld:
    password = PASSWORD

    def __init__(self, bubd, mobiles="m", label=""):
        """@label  of its namespaces, where a program has several worlds"""
        self.bubd, self.clients = bubd, [HOMES[name] for name in mobiles]
        self.label = label
        self.w, self.s, self.h, self.r = (Namespace(label + x) for x in "wshr")
        self.mobiles = {name: Namespace(label + name) for name in mobiles}
        self.agents = self.a, self.b = Agent(self, "a", 11), Agent(self, "b", 12)
        self.nodes, self.streams, self.captures = {}, [], []
        self.redis = None
        self.store_dir = tempfile.mkdtemp(prefix="bub-redis-")
        self.routers = {}
        self._links()

    def _links(self):
        self.w.sysctl("conf.default.disable_ipv6", 1)
        for name in ("home", "core", "store"):
            self.w.ip("link", "add", "name", name, "type", "bridge", "mcast_snooping", "0")
            self.w.ip("link", "set", name, "up")
        for agent in self.agents:
            agent.ns.sysctl("conf.all.forwarding", 1)
            for dev, bridge, prefix in (("e0", "core", "d"), ("e1", "home", "1"),
                                        ("e2", "store", "e")):
                self._plug(agent.ns, dev, f"{agent.name}{dev}", bridge,
                           f"2001:db8:{prefix}::{agent.number}")
            agent.ns.ip("route", "add", "default", "via", "2001:db8:d::ff")
        self._plug(self.s, "e0", "s", "store", STORE)
        self._plug(self.h, "e0", "h", "home", HOST)
        self.h.ip("route", "add", "default", "via", "fe80::61", "dev", "e0")
        self.r.sysctl("conf.all.forwarding", 1)
        self._plug(self.r, "e1", "r", "core", "2001:db8:d::ff")
        self.r.ip("route", "add", "2001:db8:1::/64", "via", NEXT_HOP)
        for name, ns in self.mobiles.items():
            dev = ROUTER_DEV[name]
            self.r.ip("link", "add", dev, "type", "veth", "peer", "name", "e0", "netns", ns.name)
            ns.sysctl("conf.e0.router_solicitation_delay", 0)
            for end, where in ((dev, self.r), ("e0", ns)):
                where.ip("link", "set", end, "up")
            self.r.ip("addr", "add", f"{VISITED[name]}1/64", "dev", dev, "nodad")
            self.routers[name] = Router(self.r, dev)
            ns.link_local("e0")

    def _plug(self, ns, dev, port, bridge, address):
        self.w.ip("link", "add", "name", port, "type", "veth", "peer", "name", dev, "netns", ns.name)
        self.w.ip("link", "set", "dev", port, "master", bridge, "up")
        ns.sysctl(f"conf.{dev}.accept_dad", 0)
        ns.ip("link", "set", dev, "up")
        ns.ip("addr", "add", f"{address}/64", "dev", dev, "nodad")

    def forget_neighbour(self, address):
        for ns, dev in ((self.h, "e0"), (self.r, "e1")):
            ns.ip("neigh", "flush", "to", address, "dev", dev, check=False)

    def text(self, extra):
        return world_text(self.clients, extra)

    # ---- Redis ------------------------------------------------------------------------------

    def start_redis(self):
        text = replaced(
            sample("redis.conf"), ("bind 2001:db8:e::11", f"bind {STORE}"),
            ("requirepass CHANGE-THIS", f'requirepass "{PASSWORD}"'), ("masterauth CHANGE-THIS", ""),
            ("min-replicas-to-write 1", "min-replicas-to-write 0"))
        conf = os.path.join(self.store_dir, "redis.conf")
        with open(conf, "w") as f:
            f.write(f"{text}\ndir {self.store_dir}\n")
        with open(os.path.join(self.store_dir, "log"), "ab") as log:
            self.redis = self.s.popen("redis-server", conf, stdout=log, stderr=log)
        wait_for("Redis", lambda: "PONG" in self.redis_cli("ping"))

    def redis_cli(self, *words):
        done = subprocess.run(
            ["ip", "netns", "exec", self.s.name, "redis-cli", "-h", STORE, *words], text=True,
            stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
            env={**os.environ, "REDISCLI_AUTH": PASSWORD})
        return done.stdout

    def kill_redis(self):
        self.redis.kill()
        self.redis.wait()

    # ---- All of it --------------------------------------------------------------------------

    def start(self, keepalived, extra=""):
        """@a is active, and every mobile node is registered."""
        self.start_redis()
        for agent in self.agents:
            agent.start(extra)
        self.a.becomes("standby")
        if keepalived:
            self.a.start_keepalived()
            self.a.becomes("active")
            self.b.start_keepalived()
        else:
            self.a.move_address_here()
            self.a.group(do="active")
            self.a.becomes("active")
        for name, ns in self.mobiles.items():
            # Natively alone: on a busy machine UDP may be answered first, and Esp does not see into it.
            self.nodes[name] = Daemon(self.bubd, ns, (
                "route-optimisation = never\nudp = never\n"
                f'mobile-node {{\nhome-address = "{HOMES[name]}/64"\nhome-agent = "{AGENT}"\n'
                'keys { psk-file = "secret" }\n}\n'))
        for name, node in self.nodes.items():
            wait_for(f"bubd of {name}", lambda n=node: n.show())
            self.routers[name].advertise(VISITED[name])
        for name in self.nodes:
            self.registered(name)

    def one_serves(self):
        """(who serves, the other one), when that is settled.  On a machine that has too much to do
        keepalived misses the other one's packets, and the service may move once more."""
        def settled():
            roles = {agent.role(): agent for agent in self.agents}
            return set(roles) == {"active", "standby"} and roles["active"].has_address() and (
                roles["active"], roles["standby"])

        return wait_for("one of them to serve, and the other to stand by", settled)

    def registered(self, name):
        try:
            wait_for(f"a registration of {name}",
                     lambda: self.nodes[name].show()["homes"][0]["state"] == "registered")
        except Failure as e:
            raise Failure(f"{e}: {self.nodes[name].tail()} {self.a.daemon.tail()}") from e

    def stream(self, name, up=False):
        home, ns = HOMES[name], self.mobiles[name]
        begin = time.monotonic()
        if up:
            self.streams.append(Stream(ns, self.h, source=home, to=HOST))
        else:
            self.streams.append(Stream(self.h, ns, source=HOST, to=home))
        wait_for(f"datagrams {'of' if up else 'for'} {name}",
                 lambda: self.streams[-1].flows(begin))
        return self.streams[-1]

    def capture(self, name):
        self.captures.append(Esp(self.mobiles[name], "e0"))
        return self.captures[-1]

    def close(self):
        for x in [*self.streams, *self.captures, *self.nodes.values(), *self.agents]:
            x.close()
        if self.redis is not None and self.redis.poll() is None:
            self.kill_redis()
        shutil.rmtree(self.store_dir, ignore_errors=True)
        for router in self.routers.values():
            router.sock.close()
        for ns in (self.w, self.s, self.h, self.r, *self.mobiles.values()):
            ns.close()


def gap_of(stream, since):
    """The longest time without a datagram after @since, and when the next one came."""
    times = sorted(at for _sent, at in list(stream.at) if at >= since)
    pairs = [(since, times[0])] + list(zip(times, times[1:])) if times else []
    return max(((after - before, after) for before, after in pairs), default=(float("inf"), 0))


class SentinelWorld(GroupWorld):
    """The same with three Redis and three Sentinels, by the samples: on a, on b, and on s."""

    password = WORD

    def __init__(self, bubd):
        super().__init__(bubd)
        self.places = {"a": (self.a.ns, "2001:db8:e::11"), "b": (self.b.ns, "2001:db8:e::12"),
                       "s": (self.s, STORE)}
        self.programs = {}

    def text(self, extra):
        servers = ", ".join(f'"[{address}]:26379"' for _ns, address in self.places.values())
        return world_text(self.clients, extra, (
            f'sentinel = "home-agents"\nservers = {{{servers}}}\nreplicas = 1'))

    def _run(self, what, place, text, *options):
        folder = os.path.join(self.store_dir, f"{what}-{place}")
        os.mkdir(folder)
        conf = os.path.join(folder, "conf")
        with open(conf, "w") as f:
            f.write(f"{text}\ndir {folder}\n")
        with open(os.path.join(folder, "log"), "wb") as log:
            self.programs[what, place] = self.places[place][0].popen(
                "redis-server", conf, *options, stdout=log, stderr=log)

    def _says(self, place, port, *words):
        ns, address = self.places[place]
        env = {**os.environ, **({"REDISCLI_AUTH": WORD} if port == 6379 else {})}
        return subprocess.run(
            ["ip", "netns", "exec", ns.name, "redis-cli", "-h", address, "-p", str(port), *words],
            text=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=env).stdout

    def start_redis(self):
        for place, (_ns, address) in self.places.items():
            text = replaced(sample("redis.conf"), ("bind 2001:db8:e::11", f"bind {address}"),
                            ("CHANGE-THIS", WORD))
            if place != "a":
                text = replaced(text, ("# replicaof 2001:db8:e::10", "replicaof 2001:db8:e::11"))
            self._run("redis", place, text)
        wait_for("two replicas", lambda: "connected_slaves:2" in self._says(
            "a", 6379, "info", "replication"))
        for place, (_ns, address) in self.places.items():
            self._run("sentinel", place, replaced(
                sample("sentinel.conf"), ("bind 2001:db8:e::11", f"bind {address}"),
                ("monitor home-agents 2001:db8:e::10", "monitor home-agents 2001:db8:e::11"),
                ("CHANGE-THIS", WORD)), "--sentinel")
        for place in self.places:
            wait_for("Sentinels that know each other", lambda p=place: all(
                f"{what}\n2\n" in self._says(p, 26379, "sentinel", "master", "home-agents")
                for what in ("num-other-sentinels", "num-slaves")), 30)

    def machine_dies(self, agent):
        agent.cut()
        agent.keepalived.kill()
        agent.kill()
        for what in ("redis", "sentinel"):
            self.programs[what, agent.name].kill()

    def close(self):
        for program in self.programs.values():
            program.kill()
            program.wait()
        super().close()
