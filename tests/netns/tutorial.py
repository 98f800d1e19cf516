#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""Runs docs/tutorial.md as it is printed: the commands of each machine in a namespace of its own,
with an /etc, a /run and a /var/lib of its own.

                        internet i
          s      ra     rb       la     lb
          |      |      |        |      |
        eth0   wlan0  wwan0    wlan0  wwan0
        server   robot            laptop

What stands behind "```sh" says where a block runs: names of machines, then how it ends:
  (nothing)    with exit status 0
  fails        with another one
  background   with 0 while the blocks behind it run
  moves        when it is interrupted, after the machines have moved
  install      not here: tests/boot, a long test, installs packages

There is no systemd here and no second disk: "systemctl" starts bubd and stops it.  What a person
copies by hand is the fingerprint of each machine: sha256:ROBOT is what "bubctl enroll" printed there.
"""

import contextlib
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile

from linux_common import LIMIT_S, Failure, Namespace, Router, main, run, wait_for

TUTORIAL = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../docs/tutorial.md")
WAYS = {"fails", "background", "moves", "install"}
HOMES = {"robot": "2001:db8:1::10", "laptop": "2001:db8:1::11"}

SYSTEMCTL = """#!/bin/sh
[ "$2 $3" = "--now bubd" ] || exit 1
case $1 in
enable)
    mkdir -p /run/bub
    bubd >/run/bub/log 2>&1 &
    echo $! >/run/bub/pid
    until bubctl show >/dev/null 2>&1; do
        kill -0 $! || { cat /run/bub/log; exit 1; }
        sleep 0.1
    done ;;
disable) kill "$(cat /run/bub/pid)" && while kill -0 "$(cat /run/bub/pid)" 2>/dev/null; do sleep 0.1; done ;;
*) exit 1 ;;
esac
"""
# What a careful operator's server has: nothing comes in that was not asked for.
FIREWALL = """
table inet filter {
    chain input {
        type filter hook input priority filter; policy drop;
        ct state established,related accept
        iif lo accept
        icmpv6 type { nd-neighbor-solicit, nd-neighbor-advert, nd-router-advert } accept
        tcp dport ssh accept
    }
    chain forward { type filter hook forward priority filter; policy drop; }
}
"""


class Block:
    def __init__(self, line, words, text):
        self.line, self.text = line, text
        self.way = next((w for w in words if w in WAYS), None)
        self.machines = [w for w in words if w not in WAYS]


def blocks():
    with open(TUTORIAL) as f:
        lines = f.read().split("\n")
    found, at = [], 0
    while at < len(lines):
        if lines[at].startswith("```sh"):
            end = lines.index("```", at)
            found.append(Block(at + 1, lines[at].split()[1:], "\n".join(lines[at + 1:end])))
            at = end
        at += 1
    return found


class Machine:
    """A namespace with files of its own."""

    def __init__(self, world, name):
        self.world, self.name = world, name
        self.ns = Namespace(name)
        self.dir = os.path.join(world.dir, name)
        os.mkdir(self.dir)
        self.routers = []
        self.holder = self.ns.popen(
            "unshare", "--mount", "sh", "-ec",
            f"mount -t tmpfs none {self.dir}\nmkdir {self.dir}/up {self.dir}/work\n"
            f"mount -t overlay none -o lowerdir=/etc,upperdir={self.dir}/up,workdir={self.dir}/work"
            " /etc\nmount -t tmpfs none /run\nmount -t tmpfs none /var/lib\n"
            "echo ready\nexec sleep infinity", stdout=subprocess.PIPE, text=True)
        if self.holder.stdout.readline() != "ready\n":
            raise Failure(f"no file systems for {name}")

    def join(self, other, there, here, prefix):
        """@there of @other is a router's end, @here of this machine the other."""
        other.ip("link", "add", there, "type", "veth", "peer", "name", here, "netns", self.ns.name)
        other.ip("addr", "add", f"{prefix}1/64", "dev", there, "nodad")
        self.ns.sysctl(f"conf.{here}.router_solicitation_delay", 0)
        for ns, dev in ((other, there), (self.ns, here)):
            ns.ip("link", "set", dev, "up")

    def words(self):
        pid = str(self.holder.pid)
        # "ip netns exec" becomes unshare, and that the shell: one process from the beginning.
        return ["nsenter", "-t", pid, "--mount", f"--net=/proc/{pid}/ns/net",
                "env", f"PATH={self.world.path}"]

    def start(self, text):
        return subprocess.Popen([*self.words(), "sh", "-ec", text], stdout=subprocess.PIPE,
                                stderr=subprocess.STDOUT, text=True, start_new_session=True)

    def show(self):
        r = subprocess.run([*self.words(), "bubctl", "show", "--json"], stdout=subprocess.PIPE,
                           stderr=subprocess.DEVNULL, check=False)
        return json.loads(r.stdout) if r.returncode == 0 else {}

    def is_registered(self):
        homes = self.show().get("homes", [])
        return bool(homes) and all(h["state"] == "registered" for h in homes)

    def close(self):
        for pid in run("ip", "netns", "pids", self.ns.name, check=False).split():
            with contextlib.suppress(ProcessLookupError):
                os.kill(int(pid), signal.SIGKILL)
        self.holder.wait()
        self.ns.close()


class Tutorial:
    def __init__(self, bubd):
        self.dir = tempfile.mkdtemp(prefix="bub-tutorial-")
        bin_dir = os.path.join(self.dir, "bin")
        os.mkdir(bin_dir)
        of_bubd = os.path.dirname(os.path.abspath(bubd))
        self.path = os.pathsep.join([bin_dir, of_bubd, os.path.join(of_bubd, "../bubctl"),
                                     os.environ["PATH"], "/usr/sbin", "/sbin"])
        self.net = Namespace("i")
        self.net.sysctl("conf.all.forwarding", 1)
        self.machines, self.running, self.fingerprints = {}, [], {}
        for name in ("server", "robot", "laptop"):
            self.machines[name] = Machine(self, name)
        server = self.machines["server"]
        self.tool(bin_dir, "systemctl", SYSTEMCTL)
        server.join(self.net, "s", "eth0", "2001:db8:c::")
        server.ns.ip("addr", "add", "2001:db8:c::5/64", "dev", "eth0", "nodad")
        server.ns.ip("route", "add", "default", "via", "2001:db8:c::1")
        self.routers = {}
        for name, dev, there in (("robot", "wlan0", "ra"), ("robot", "wwan0", "rb"),
                                 ("laptop", "wlan0", "la"), ("laptop", "wwan0", "lb")):
            prefix = f"2001:db8:{there.translate(str.maketrans('rl', 'ef'))}::"
            self.machines[name].join(self.net, there, dev, prefix)
            self.machines[name].ns.link_local(dev)
            self.routers[there] = Router(self.net, there)
            self.routers[there].prefix = prefix[:-1]
            self.routers[there].advertise(prefix)

    @staticmethod
    def tool(folder, name, text):
        with open(os.path.join(folder, name), "w") as f:
            f.write(text)
        os.chmod(os.path.join(folder, name), 0o755)

    def finish(self, proc, block, name, wrong=0):
        out = proc.communicate(timeout=LIMIT_S)[0]
        if (proc.returncode != 0) != bool(wrong):
            raise Failure(f"tutorial.md:{block.line}, on {name}: exit status {proc.returncode}:\n"
                          f"{block.text}\n{out}\n{self.logs()}")
        return out

    def finish_background(self):
        """The texts of what ran beside the last blocks."""
        texts = [self.finish(*one) for one in self.running]
        self.running = []
        return texts

    def play(self, block, during=None):
        """The texts of a block, one a machine."""
        texts = []
        for name in block.machines:
            proc = self.machines[name].start(self.filled_in(block.text))
            if block.way == "background":
                self.running.append((proc, block, name))
                continue
            if block.way == "moves":
                during()
                os.killpg(proc.pid, signal.SIGINT)
                texts.append(proc.communicate(timeout=LIMIT_S)[0])
                continue
            texts.append(self.finish(proc, block, name, block.way == "fails"))
            if "bubctl enroll" in block.text:
                self.fingerprints[name] = re.search("sha256:[0-9a-f]{64}", texts[-1]).group()
        return texts

    def filled_in(self, text):
        for name, fingerprint in self.fingerprints.items():
            text = text.replace(f"sha256:{name.upper()}", fingerprint)
        return text

    def logs(self):
        return "\n".join(subprocess.run([*m.words(), "tail", "-n", "8", "/run/bub/log"], check=False,
                                        stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                                        text=True).stdout for m in self.machines.values())

    def registered(self):
        try:
            for name in HOMES:
                wait_for(f"{name} to be registered", self.machines[name].is_registered)
        except Failure as e:
            raise Failure(f"{e}: {self.logs()}") from e

    def backhauled(self):
        def there():
            peers = self.machines["laptop"].show()["peers"]
            return any(p["peer"] == HOMES["robot"] and p["mode"] == "bub" for p in peers)

        wait_for("mode bub", there)

    def move(self):
        """Both lose the network that they are in, at once."""
        before = self.care_of()
        for end, router in self.routers.items():
            if any(care_of.startswith(router.prefix) for care_of in before):
                self.net.ip("link", "set", end, "down")
        wait_for("other care-of addresses", lambda: all(
            a != b for a, b in zip(self.care_of(), before)))
        self.registered()

    def care_of(self):
        return [self.machines[name].show()["homes"][0]["care_of"] for name in HOMES]

    def firewall(self):
        subprocess.run([*self.machines["server"].words(), "nft", "-f", "-"], input=FIREWALL,
                       text=True, check=True)

    def close(self):
        for proc, _, _ in self.running:
            proc.kill()
        for router in self.routers.values():
            router.sock.close()
        for machine in self.machines.values():
            machine.close()
        self.net.close()
        shutil.rmtree(self.dir, ignore_errors=True)


def routed_prefix(t):
    t.net.ip("route", "add", "2001:db8:1::/64", "via", "2001:db8:c::5")
    t.firewall()
    for block in blocks():
        if block.way == "install" or "server2" in block.machines:
            continue
        if "show --check" in block.text:
            t.registered()
        if block.way == "moves":
            t.backhauled()
            if "sent Binding Update" not in "".join(t.play(block, t.move)):
                raise Failure("monitor shows no message")
            ping = t.finish_background()[0]
            if int(re.search(r"(\d+) received", ping).group(1)) < 30:
                raise Failure(f"the session did not stay: {ping}")
            continue
        texts = t.play(block)
        if block.way == "fails" and "echo request" not in t.finish_background()[0]:
            raise Failure("the prefix is not seen to be routed")
        if "show --check" in block.text and "OK" not in texts[0]:
            raise Failure(texts[0])
    left = {name: m.ns.state() for name, m in t.machines.items()}
    if any("bub0" in line for state in left.values() for line in state):
        raise Failure(f"left behind: {left}")


def prefix_on_the_link(t):
    """Step 1 for such a server, then step 7, with the robot of step 4 in that prefix."""
    t.firewall()
    server, robot = t.machines["server"], t.machines["robot"]
    before, only = blocks()[:2], [b for b in blocks() if "server2" in b.machines]
    for block in before:
        block.text = block.text.replace("2001:db8:1::", "2001:db8:c::")
        t.play(block)
    if "neighbor solicitation" not in t.finish_background()[0]:
        raise Failure("the prefix is not seen to be on the link")
    enroll, start = (b for b in blocks() if b.machines == ["robot"])
    for block in enroll, start:
        for old, new in (("2001:db8:1::10", "2001:db8:c::10"), ("2001-db8-1-", "2001-db8-c-"),
                         ("2001:db8:1::1", "2001:db8:c::5")):
            block.text = block.text.replace(old, new)
    t.play(enroll)
    step3 = [b for b in blocks() if b.machines == ["server"] and
             ("sysctl" in b.text or "nft" in b.text or "enroll" in b.text)]
    for block in [*step3, *only]:
        block.machines = ["server"]
        t.play(block)
    t.play(start)
    wait_for("the robot to be registered", robot.is_registered)
    wait_for("an answer from the robot", lambda: t.net.exec(
        "ping", "-c", "1", "-W", "1", "2001:db8:c::10", check=False).count("1 received"))


CASES = [routed_prefix, prefix_on_the_link]

if __name__ == "__main__":
    sys.exit(main(CASES, Tutorial))
