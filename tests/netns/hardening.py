#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""What a running bubd gives away, and whether the systemd unit lets it do what it has to: the
system calls of a mobile node's and a home agent's life, seen by strace, against the unit's filter.

        mobile node m       home agent g
          e0 ------------------- e0
"""

import os
import re
import shutil
import signal
import socket
import stat
import subprocess
import sys
import tempfile

import linux_common
from daemon import Daemon
from linux_common import Failure, Namespace, Router, main, wait_for

AGENT, HOME = "2001:db8:1::1", "2001:db8:1::10"
WRAPPER = """#!/bin/sh
exec strace -D -f -qq -o {out} {bubd} "$@"
"""


class Things:
    def __init__(self, bubd, unit):
        self.unit = unit
        self.g, self.m = Namespace("g"), Namespace("m")
        g, m = self.g, self.m
        g.sysctl("conf.all.forwarding", 1)
        g.ip("addr", "add", f"{AGENT}/128", "dev", "lo")
        g.ip("link", "add", "e0", "type", "veth", "peer", "name", "e0", "netns", m.name)
        for ns in (g, m):
            ns.ip("link", "set", "e0", "up")
        g.ip("addr", "add", "2001:db8:b::1/64", "dev", "e0", "nodad")
        self.router = Router(g, "e0")
        m.link_local("e0")
        self.traces, self.daemons = [], []
        self.folder = tempfile.TemporaryDirectory(prefix="bub-notify-")
        self.notify = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.notify.bind(os.path.join(self.folder.name, "s"))
        self.notify.settimeout(linux_common.LIMIT_S)
        self.agent = self.start(
            bubd, g, f'home-agent {{\naddress = "{AGENT}"\nprefixes = {{"2001:db8:1::/64"}}\n'
            f'mobile-node "{HOME}" {{ secret-file = "secret" }}\n}}\n')
        # As systemd does for a service of Type=notify.
        os.environ["NOTIFY_SOCKET"] = self.notify.getsockname()
        self.mobile = self.start(
            bubd, m, f'mobile-node {{\nhome-address = "{HOME}/64"\nhome-agent = "{AGENT}"\n'
            f'secret-file = "secret"\n}}\n')
        del os.environ["NOTIFY_SOCKET"]
        wait_for("bubd", lambda: "homes" in self.mobile.show() and "clients" in self.agent.show())
        self.router.advertise("2001:db8:b::")
        wait_for("a registration",
                 lambda: self.mobile.show()["homes"][0]["state"] == "registered")

    def start(self, bubd, ns, text):
        """A daemon that logs its events, under strace where there is one."""
        daemon = Daemon("/bin/true", ns, "")
        events = os.path.join(daemon.dir, "events")
        if shutil.which("strace"):
            wrapper, trace = os.path.join(daemon.dir, "bubd"), os.path.join(daemon.dir, "trace")
            with open(wrapper, "w") as f:
                f.write(WRAPPER.format(out=trace, bubd=bubd))
            os.chmod(wrapper, 0o700)
            self.traces.append(trace)
            bubd = wrapper
        daemon.write(f'event-log = "{events}"\n{text}')
        daemon.proc.wait()
        before = os.umask(0)  # the file's own mode, not the caller's idea of one
        try:
            daemon.proc = ns.popen(bubd, "-c", daemon.conf, stderr=daemon.log)
        finally:
            os.umask(before)
        self.daemons.append(daemon)
        return daemon

    def close(self):
        for daemon in self.daemons:
            daemon.close()
        self.router.sock.close()
        self.notify.close()
        self.folder.cleanup()
        for ns in (self.g, self.m):
            ns.close()


def no_core(t):
    for daemon in t.daemons:
        with open(f"/proc/{daemon.proc.pid}/limits") as f:
            limit = re.search(r"Max core file size +(\S+) +(\S+)", f.read())
        if limit.groups() != ("0", "0"):
            raise Failure(f"a core of {limit.group(1)}")


def secret_is_gone(t):
    """From all memory of the daemons, once the keys have been derived from it."""
    for daemon in t.daemons:
        with open(os.path.join(daemon.dir, "secret"), "rb") as f:
            secret = f.read().strip()
        pid = daemon.proc.pid
        seen = 0
        with open(f"/proc/{pid}/maps") as maps, open(f"/proc/{pid}/mem", "rb") as mem:
            for line in maps:
                first, last, may = re.match(r"(\w+)-(\w+) (\S+)", line).groups()
                if not may.startswith("rw"):
                    continue
                mem.seek(int(first, 16))
                try:
                    part = mem.read(int(last, 16) - int(first, 16))
                except OSError:  # a device's
                    continue
                seen += daemon.sock.encode() in part
                if secret in part:
                    raise Failure(f"at {line}")
        if not seen:
            raise Failure("this is not the daemon's memory")


def events_are_private(t):
    for daemon in t.daemons:
        mode = stat.S_IMODE(os.stat(os.path.join(daemon.dir, "events")).st_mode)
        if mode != 0o640:
            raise Failure(f"mode {mode:o}")


def logs_are_opened_anew(t):
    """After rotation, though privileges are gone; whatever the configuration is like by then."""
    events = os.path.join(t.mobile.dir, "events")
    os.rename(events, events + ".1")
    t.mobile.reload("a mistake\n")
    wait_for("a new file", lambda: os.path.exists(events))
    if (mode := stat.S_IMODE(os.stat(events).st_mode)) & ~0o640:
        raise Failure(f"mode {mode:o}")
    t.router.advertise("2001:db8:f::")
    wait_for("lines in it", lambda: os.stat(events).st_size)
    # Where bubd may not write, it says so, and goes on with the file that it has.
    os.rename(events, events + ".2")
    os.chown(t.mobile.dir, 65534, 65534)
    t.mobile.proc.send_signal(signal.SIGHUP)
    wait_for("a line about it", lambda: "cannot open" in t.mobile.tail())
    os.chown(t.mobile.dir, 0, 0)
    if os.path.exists(events) or t.mobile.proc.poll() is not None:
        raise Failure("it was not refused")


def systemd_is_told(t):
    """When bubd is ready, of a reload, and when it stops."""
    def told(*expected):
        heard = tuple(t.notify.recv(4096).decode() for _ in expected)
        if heard != expected:
            raise Failure(f"{heard}, not {expected}")

    told("READY=1")
    t.mobile.proc.send_signal(signal.SIGHUP)
    told("RELOADING=1", "READY=1")
    t.mobile.stop()
    told("STOPPING=1")


def expand(name):
    """The system calls of one of systemd's sets."""
    if not name.startswith("@"):
        return {name}
    done = subprocess.run(["systemd-analyze", "--no-pager", "syscall-filter", name], text=True,
                          check=True, capture_output=True)
    calls = set()
    for line in done.stdout.splitlines()[1:]:
        if line.strip() and not line.strip().startswith("#"):
            calls |= expand(line.strip())
    return calls


def unit_allows_the_calls(t):
    if not t.traces or shutil.which("systemd-analyze") is None:
        print("# no strace or no systemd-analyze: nothing to compare")
        return
    allowed = set()
    with open(t.unit) as f:
        for words in re.findall(r"^SystemCallFilter=(.*)$", f.read(), re.M):
            names = words.lstrip("~").split()
            calls = set().union(*map(expand, names))
            allowed = allowed - calls if words.startswith("~") else allowed | calls
    if not {"bpf", "recvmmsg"} <= allowed or "reboot" in allowed:
        raise Failure(f"the filter was not understood: {sorted(allowed)}")
    for daemon, trace in zip(t.daemons, t.traces, strict=True):
        daemon.reload("")
        wait_for("a reload", lambda daemon=daemon: "reload" in daemon.tail())
        daemon.stop()
        with open(trace) as f:
            used = set(re.findall(r"^\d+ +(\w+)\(", f.read(), re.M))
        if "bpf" not in used or not used <= allowed:
            raise Failure(f"beyond the filter: {sorted(used - allowed)}")


CASES = [no_core, secret_is_gone, events_are_private, logs_are_opened_anew, unit_allows_the_calls,
         systemd_is_told]

if __name__ == "__main__":
    unit = sys.argv.pop(2)
    sys.exit(main(CASES, lambda bubd: Things(bubd, unit)))
