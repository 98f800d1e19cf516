#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""The Debian packages in a Debian 12 with systemd: installed, started, reloaded, upgraded, stopped,
booted with, removed and purged.

User Mode Linux boots a disk that mmdebstrap has filled from Debian's mirror. The disk is made once
for each set of packages that ours depend on; what a run writes goes into a file of its own.

    the unit bubd.service, a home agent              bubd in namespace mn, a mobile node
      hl 2001:db8:1::1, the home link
      v0 2001:db8:b::1 ------------- veth ------------- e0 2001:db8:b::10

usage: boot.py PACKAGES CACHE   (folders: what ./dev package makes; where the disk is kept)
"""
import glob
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(HERE, "..", "netns"), os.path.join(HERE, "..", "peers")]

from linux_common import Failure, wait_for  # noqa: E402
import uml_mip6  # noqa: E402

MIRROR = "http://deb.debian.org/debian"
TOOLS = ["systemd-sysv", "udev", "kmod", "iproute2", "iputils-ping", "procps", "python3", "bpftool"]
OLD = "0.0.9~test"
LIMIT_S = 900  # for the boot, and for a command: dpkg under load is slow
SETTLE_S = 120
DISK_MB = 1200

AGENT_UNIT = """[Unit]
Description=Takes the commands of a test
[Service]
WorkingDirectory=/opt
ExecStart=/usr/bin/python3 -Bc "import uml_guest; uml_guest.serve_until_quit()"
"""
HOME_AGENT = """name = "ha1"
interfaces = {"v0"}
home-agent {
    address = "2001:db8:1::1"
    home-link = "hl"
    prefixes = {"2001:db8:1::/64"}
    mobile-node "2001:db8:1::10" { secret-file = "mn1.secret" }
}
"""
SECOND = '    mobile-node "2001:db8:1::11" { secret-file = "mn1.secret" }\n'
MOBILE_NODE = """name = "mn1"
interfaces = {"e0"}
control = "/run/mn.sock"
state-dir = "/var/lib/mn"
mobile-node {
    home-address = "2001:db8:1::10/64"
    home-agent = "2001:db8:1::1"
    secret-file = "mn1.secret"
}
"""
LINKS = """
modprobe -a ipv6 veth dummy tun cls_bpf sch_ingress
sysctl -q -w net.ipv6.conf.all.forwarding=1
ip link add hl type dummy
ip link set hl up
ip addr add 2001:db8:1::1/64 dev hl nodad
ip netns add mn
ip link add v0 type veth peer name e0 netns mn
ip link set v0 up
ip addr add 2001:db8:b::1/64 dev v0 nodad
ip -n mn link set lo up
ip -n mn link set e0 up
ip -n mn addr add 2001:db8:b::10/64 dev e0 nodad
ip -n mn route add default via 2001:db8:b::1 dev e0
"""
START_MOBILE = "systemd-run -q --unit=mn ip netns exec mn bubd -c /etc/mn/bubd.conf"
# All that a daemon may leave behind in the kernel and beside its state.
TRACES = """
ip -br link; ip -br -6 addr; ip -6 rule; ip -6 route show table all; ip -6 neigh show proxy; ip -6 maddr
tc qdisc; for dev in lo hl v0; do tc filter show dev $dev ingress; tc filter show dev $dev egress; done
bpftool prog | grep -E 'sched_cls|socket_filter'; bpftool map | grep bub
sysctl -a -r '^net.ipv6.conf.(all|default|hl|v0)' 2>/dev/null
find /run/bub /sys/fs/bpf /dev/shm -mindepth 1 2>/dev/null
"""
IDENTITIES = "cat /etc/passwd /etc/group /etc/shadow"
# Everywhere but where the test itself has written.
FILES = ("find / -xdev \\( -path /proc -o -path /tmp -o -path /opt -o -path /etc/mn -o -path /var/lib/mn \\)"
         " -prune -o -iname '*bub*' -print | grep -v bub-test | sort")


def depends(packages):
    """The names of Debian's packages that @packages need."""
    ours = [subprocess.check_output(["dpkg-deb", "-f", p, "Package"], text=True).strip()
            for p in packages]
    names = set(TOOLS)
    for package in packages:
        fields = subprocess.check_output(["dpkg-deb", "-f", package, "Depends", "Pre-Depends"],
                                         text=True)
        for field in fields.splitlines():
            for one in field.partition(":")[2].split(","):
                names.add(re.split(r"[ (|:]", one.strip())[0])
    return sorted(names - set(ours))


def disk(names, cache):
    """A file system with Debian and the packages @names, made unless it is there."""
    with open(uml_mip6.GUEST, encoding="utf-8") as f:
        of = [MIRROR, names, f.read(), AGENT_UNIT, DISK_MB, sorted(os.listdir(uml_mip6.MODULES))]
    key = hashlib.sha256(json.dumps(of).encode()).hexdigest()[:16]
    path = os.path.join(cache, f"debian-{key}.ext4")
    if os.path.exists(path):
        return path
    shutil.rmtree(cache, ignore_errors=True)
    os.makedirs(cache)
    tree = os.path.join(cache, "tree")
    print(f"# making a Debian in {path}, which takes some minutes", flush=True)
    subprocess.run(["mmdebstrap", "--quiet", "--variant=minbase", "--format=directory",
                    f"--include={','.join(names)}", "bookworm", tree, MIRROR], check=True)
    shutil.copytree(uml_mip6.MODULES, os.path.join(tree, "lib/modules"), dirs_exist_ok=True)
    shutil.copy(uml_mip6.GUEST, os.path.join(tree, "opt"))
    units = os.path.join(tree, "etc/systemd/system")
    with open(os.path.join(units, "bub-test.service"), "w", encoding="utf-8") as f:
        f.write(AGENT_UNIT)
    wants = os.path.join(units, "multi-user.target.wants")
    os.makedirs(wants, exist_ok=True)
    os.symlink("../bub-test.service", os.path.join(wants, "bub-test.service"))
    os.symlink("/dev/null", os.path.join(units, "getty.target"))  # the console is the test's
    subprocess.run(["mkfs.ext4", "-q", "-F", "-d", tree, path + ".new", f"{DISK_MB}M"], check=True)
    shutil.rmtree(tree)
    os.rename(path + ".new", path)
    return path


def as_older(package, folder):
    """The same package under a version before it."""
    tree = os.path.join(folder, "older")
    subprocess.run(["dpkg-deb", "-R", package, tree], check=True)
    control = os.path.join(tree, "DEBIAN/control")
    with open(control, encoding="utf-8") as f:
        text = f.read()
    version = re.search(r"^Version: (.*)$", text, re.M)[1]
    text = text.replace(f"Version: {version}", f"Version: {OLD}")
    with open(control, "w", encoding="utf-8") as f:
        f.write(text.replace(f"(= {version})", f"(= {OLD})"))
    subprocess.run(["dpkg-deb", "-b", tree, folder], check=True, stdout=subprocess.DEVNULL)
    shutil.rmtree(tree)
    return version


class Things:
    """The machine, the packages in two versions, and what is to be compared with later."""

    def __init__(self, packages, cache):
        self.machine = None
        self.dir = tempfile.mkdtemp(prefix="bub-boot-")
        debs = [p for p in sorted(glob.glob(f"{packages}/*.deb")) if "-dbgsym_" not in p]
        if not debs:
            raise Failure(f"no packages in {packages}: ./dev package")
        for name in ("old", "new"):
            os.mkdir(f"{self.dir}/{name}")
        for package in debs:
            shutil.copy(package, f"{self.dir}/new")
            self.version = as_older(package, f"{self.dir}/old")
        subprocess.run(["tar", "-cf", "packages.tar", "old", "new"], cwd=self.dir, check=True)
        self.disk = disk(depends(debs), cache)
        self.boot()

    def boot(self):
        begin = time.monotonic()
        self.machine = uml_mip6.Machine(None, (), LIMIT_S, [
            "mem=512M", f"ubd0={self.dir}/written,{self.disk}", f"ubd1r={self.dir}/packages.tar",
            "root=/dev/ubda", "rw"])
        print(f"# booted in {time.monotonic() - begin:.0f} s", flush=True)

    def sh(self, script, check=True):
        return self.machine.run("sh", "-ec" if check else "-c", script, check=check)

    def write(self, path, text):
        self.machine.run("sh", "-c", 'printf %s "$2" >"$1"', "sh", path, text)

    def unit(self, *names):
        """Properties of the unit."""
        lines = self.sh("systemctl show bubd -p " + ",".join(names)).splitlines()
        found = dict(line.split("=", 1) for line in lines)
        return [found[name] for name in names]

    def journal(self):
        lines = self.sh("journalctl -u bubd -o json").splitlines()
        return [(int(x["PRIORITY"]), x["MESSAGE"]) for x in map(json.loads, lines)
                if x["_COMM"] == "bubd"]

    def said(self, priority, words):
        wait_for(f"'{words}' in the journal with priority {priority}",
                 lambda: any(p == priority and words in m for p, m in self.journal()), SETTLE_S)

    def shows(self, words, socket="/run/bub/bubd.sock"):
        wait_for(f"'{words}' in bubctl show",
                 lambda: words in self.sh(f"bubctl -s {socket} show", check=False), SETTLE_S)

    def registered(self, agent="1 of 1 registered"):
        self.shows("acknowledged by the home agent", "/run/mn.sock")
        self.shows(agent)

    def binding(self):
        """The home agent's line of the mobile node, without the time that is left."""
        return re.search(r"2001:db8:1::10 +(\S+ +\d+)", self.sh("bubctl show"))[1]

    def close(self):
        if self.machine is not None:
            self.machine.close()
        shutil.rmtree(self.dir)


def expect(what, found, wanted):
    if found != wanted:
        raise Failure(f"{what}: {found!r} instead of {wanted!r}")


def same(what, found, wanted):
    """Two outputs are the same lines, in whatever order."""
    def lines(text):
        return sorted(line.strip() for line in text.splitlines())

    more = [line for line in lines(found) if line not in lines(wanted)]
    fewer = [line for line in lines(wanted) if line not in lines(found)]
    if more or fewer:
        raise Failure(f"{what}: more: {more}; fewer: {fewer}")


def install(t):
    """Nothing runs yet; without a configuration the unit does not start either."""
    t.identities, t.files = t.sh(IDENTITIES), t.sh(FILES)
    t.sh("tar -xf /dev/ubdb -C /tmp && dpkg -i /tmp/old/*.deb")
    expect("changed files", t.sh("dpkg -V bubd bub-lab libbub-dev libbub0.1"), "")
    t.sh("bublab list")
    t.sh("systemctl start bubd")
    expect("the unit", t.unit("UnitFileState", "ActiveState"), ["disabled", "inactive"])


def start(t):
    t.sh(LINKS + "mkdir /etc/mn")
    t.write("/etc/bub/bubd.conf", HOME_AGENT)
    t.write("/etc/mn/bubd.conf", MOBILE_NODE)
    t.sh("bubctl genkey /etc/bub/mn1.secret && cp /etc/bub/mn1.secret /etc/mn && bubd -t")
    # The kernel has made v0 an address of its own, or it would pass for a trace.
    wait_for("a link-local address",
             lambda: "fe80" in t.sh("ip -6 addr show dev v0 scope link -tentative"), SETTLE_S)
    t.traces = t.sh(TRACES, check=False)
    t.sh("systemctl start bubd")
    # Had bubd not said that it is ready, this would have failed.
    expect("the unit", t.unit("Type", "ActiveState", "SubState"), ["notify", "active", "running"])
    t.sh(START_MOBILE)
    t.registered()
    t.sh("bubctl show --check")
    t.sh("ping -c 1 -W 20 2001:db8:1::10")


def journal(t):
    """Lines carry their priority, and no second one in their text."""
    t.said(6, "info: bubd")
    expect("lines with '<'", [m for _, m in t.journal() if m.startswith("<")], [])


def reload(t):
    """A new client is served; a file that is wrong is an error, and all stays as it is."""
    longer = HOME_AGENT.replace("\n}\n", f"\n{SECOND}}}\n")
    t.write("/etc/bub/bubd.conf", longer)
    t.sh("systemctl reload bubd")
    t.shows("1 of 2 registered")
    t.write("/etc/bub/bubd.conf", longer + "nonsense\n")
    t.sh("systemctl reload bubd")
    t.said(3, "nonsense")
    t.shows("1 of 2 registered")
    t.write("/etc/bub/bubd.conf", longer)
    t.sh("systemctl reload bubd")
    expect("the unit", t.unit("ActiveState"), ["active"])


def upgrade(t):
    """The new daemon serves the binding of the old one."""
    kept = "sha256sum /etc/bub/*"
    pid, = t.unit("MainPID")
    binding, before = t.binding(), t.sh(kept)
    t.sh("dpkg -i /tmp/new/*.deb")
    now, state = t.unit("MainPID", "ActiveState")
    expect("the unit", state, "active")
    if now == pid:
        raise Failure("the old daemon still runs")
    expect("the binding", t.binding(), binding)
    expect("the operator's files", t.sh(kept), before)
    expect("the version", t.sh("bubctl -V").split()[-1], t.version)
    t.sh("ping -c 1 -W 20 2001:db8:1::10")


def stop(t):
    t.sh("systemctl stop bubd mn")
    expect("the unit", t.unit("ActiveState", "Result"), ["inactive", "success"])
    same("what is left in the kernel", t.sh(TRACES, check=False), t.traces)


def boot(t):
    """Enabled, it is there after a boot, before there is any link."""
    t.write("/etc/modules-load.d/ipv6.conf", "ipv6\n")
    t.write("/etc/sysctl.d/forwarding.conf", "net.ipv6.conf.all.forwarding = 1\n")
    t.sh("systemctl enable -q bubd && sync")
    t.machine.close()
    t.boot()
    wait_for("the unit", lambda: t.unit("ActiveState") == ["active"], SETTLE_S)
    t.sh(LINKS + START_MOBILE)
    t.registered("1 of 2 registered")


def remove(t):
    """The daemon is stopped; configuration and state stay."""
    t.sh("dpkg -r bub-lab libbub-dev libbub0.1 bubd")
    expect("the unit", t.unit("ActiveState"), ["inactive"])
    expect("the interface", t.sh("ip -o link show bub0 2>/dev/null", check=False), "")
    t.sh("test -s /var/lib/bub/store.mdb -a -s /etc/bub/bubd.conf -a -s /etc/bub/mn1.secret")


def purge(t):
    """What is left is what the operator wrote."""
    t.sh("systemctl stop mn; dpkg -P bub-lab libbub-dev libbub0.1 bubd")
    expect("users", t.sh(IDENTITIES), t.identities)
    same("files", t.sh(FILES), t.files + "/etc/bub\n/etc/bub/bubd.conf\n")
    expect("failed units", t.sh("systemctl --failed --plain --no-legend"), "")


def main():
    t, number, case = None, 0, None
    cases = [install, start, journal, reload, upgrade, stop, boot, remove, purge]
    print(f"1..{len(cases)}")
    try:
        t = Things(*sys.argv[1:])
        for number, case in enumerate(cases, 1):
            begin = time.monotonic()
            case(t)
            print(f"ok {number} - {case.__name__} ({time.monotonic() - begin:.0f} s)", flush=True)
    except (Failure, OSError, subprocess.CalledProcessError) as e:
        # Each case begins where the one before it ended.
        print(f"not ok {number} - {case.__name__ if case else 'boot'}\n# {e}", flush=True)
        if case:
            print(t.sh("journalctl -u bubd -u mn | tail -n 40", check=False))
        return 1
    finally:
        if t is not None:
            t.close()
    return 0


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    sys.exit(main())
