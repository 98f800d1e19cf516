#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""bubctl doctor: each fault is made for real, told, and mended by the command that is printed.

usage: doctor.py BUBD BUBCTL CLOCK [CASE]     CLOCK  a library in which it is 1970
"""

import json
import os
import shutil
import socket
import subprocess
import sys
import tarfile
import tempfile
import threading

from linux_common import Failure, main, run, wait_for
from world import AGENT, HOME, HOME_PREFIX, VISITED, Tunnel

CLOCK = os.path.abspath(sys.argv.pop(3))
BUBCTL = os.path.abspath(sys.argv.pop(2))
# What is printed is run as it is printed, by programs that a shell finds.
os.environ["PATH"] = ":".join((os.path.dirname(BUBCTL), os.path.dirname(os.path.abspath(sys.argv[1])),
                               os.environ["PATH"], "/usr/sbin"))

MOBILE_CONF = f'''
mobile-node {{
home-address = "{HOME}/64"
home-agent = "{AGENT}"
secret-file = "secret"
}}
'''
AGENT_CONF = f'''
home-agent {{
address = "{AGENT}"
prefixes = {{"{HOME_PREFIX}"}}
mobile-node "{HOME}" {{ secret-file = "secret" }}
}}
'''


class Node:
    """A namespace and a configuration for it; no daemon runs."""

    def __init__(self, ns, text):
        self.ns = ns
        self.dir = tempfile.mkdtemp(prefix="bub-")
        self.conf, self.secret = os.path.join(self.dir, "bubd.conf"), os.path.join(self.dir, "secret")
        with open(self.conf, "w") as f:
            f.write(f'interfaces = {{"e0"}}\ncontrol = "{self.dir}/sock"\nstate-dir = "{self.dir}/state"'
                    f'{text}')
        with os.fdopen(os.open(self.secret, os.O_CREAT | os.O_WRONLY, 0o600), "w") as f:
            f.write("hex:" + "5a" * 32 + "\n")
        os.mkdir(os.path.join(self.dir, "state"))

    def close(self):
        shutil.rmtree(self.dir, ignore_errors=True)

    def doctor(self, *before):
        out = self.ns.exec(*before, "bubctl", "doctor", "-c", self.conf, "--json", check=False)
        try:
            return json.loads(out)
        except ValueError as e:
            raise Failure(f"doctor says {out!r}") from e

    def shell(self, command):
        return self.ns.exec("sh", "-c", command)

    def finding(self, words, *before):
        """The finding that has these words; they must be the only ones."""
        found = [f for f in self.doctor(*before)["findings"] if words in f["what"]]
        if len(found) != 1:
            raise Failure(f"{words!r}: {found or self.doctor(*before)}")
        if found[0]["severity"] in ("warning", "fault") and not found[0]["why"]:
            raise Failure(f"no reason: {found[0]}")
        return found[0]

    def is_told_and_mended(self, severity, words):
        """Finds it, runs what mends it, and does not find it again."""
        f = self.finding(words)
        if f["severity"] != severity:
            raise Failure(f"no {severity}: {f}")
        self.shell(f["mend"])
        wait_for(f"no more of {words!r} by {f['mend']}",
                 lambda: not any(words in x["what"] for x in self.doctor()["findings"]))

    def is_well(self):
        bad = [f for f in self.doctor()["findings"] if f["severity"] in ("warning", "fault")]
        if bad:
            raise Failure(str(bad))


class Patients(Tunnel):
    """The mobile node has its care-of address, and would register."""

    def __init__(self, bubd):
        super().__init__(bubd)
        self.g.ip("addr", "add", f"{AGENT}/128", "dev", "lo")
        self.mn, self.ha = Node(self.m, MOBILE_CONF), Node(self.g, AGENT_CONF)
        self.router.advertise(VISITED)
        wait_for("an address", lambda: "2001:db8:b:" in self.m.ip("-6", "addr", "show", "dev", "e0",
                                                                 "scope", "global", "-tentative"))

    def close(self):
        self.mn.close()
        self.ha.close()
        super().close()

    def run_agent(self):
        """What answers to Mobility Headers."""
        self.start_agent(self.g)
        wait_for("bubd", self.agent.show)


def healthy_nodes(t):
    t.run_agent()
    t.mn.is_well()
    t.ha.is_well()
    report = t.mn.doctor()
    if report["running"] or report["faults"] or report["warnings"]:
        raise Failure(str(report))
    f = t.mn.finding("cannot reach bubd at")
    if f["severity"] != "note" or "not known without it" not in f["why"]:
        raise Failure(str(f))
    if "answers to a Mobility Header" not in str(report):
        raise Failure(str(report))


def healthy_nodes_that_run(t):
    t.start_agent(t.g)
    t.start_mobile(t.m)
    t.register()
    for node, daemon in ((t.mn, t.mobile), (t.ha, t.agent)):
        node.conf = daemon.conf
        node.is_well()
        if not node.doctor()["running"]:
            raise Failure("not running")
    if "registered from 2001:db8:b:" not in t.mn.finding(f"home address {HOME}")["what"]:
        raise Failure("not registered")
    t.ha.finding("1 of 1 mobile nodes are registered here")
    done = t.m.exec("bubctl", "doctor", "-c", t.mobile.conf)
    if "0 faults, 0 warnings" not in done or "ok       bubd answers" not in done:
        raise Failure(done)


def bugreport_of_a_node_that_runs(t):
    t.start_agent(t.g)
    t.start_mobile(t.m)
    t.register()
    path = os.path.join(t.mobile.dir, "report.tar.gz")
    said = t.m.exec("bubctl", "bugreport", "-c", t.mobile.conf, path)
    with tarfile.open(path) as tar:
        inside = {m.name: tar.extractfile(m).read().decode() for m in tar.getmembers()}
    for name in ("bubd.conf", "show.json", "counters.json", "doctor.txt", "ip-rule.txt", "ip-route.txt",
                 "nft.txt"):
        if f"bubreport/{name}" not in inside or f"  {name} " not in said:
            raise Failure(f"no {name} in {said}")
    if json.loads(inside["bubreport/show.json"])["homes"][0]["state"] != "registered":
        raise Failure(inside["bubreport/show.json"])
    if "a secret of more than" in str(inside) or "proto 216" not in inside["bubreport/ip-rule.txt"]:
        raise Failure(str(inside))


def configuration(t):
    with open(t.mn.conf, "a") as f:
        f.write("bogus = 1\n")
    f = t.mn.finding("bogus")
    if not f["what"].startswith(f"{t.mn.conf}:9:1: ") or f["mend"] != f"editor +9 {t.mn.conf}":
        raise Failure(str(f))
    text = t.m.exec("sh", "-c", f"bubctl doctor -c {t.mn.conf}; echo status $?")
    if f"# editor +9 {t.mn.conf}" not in text or not text.endswith("status 1\n"):
        raise Failure(text)
    os.rename(t.mn.conf, t.mn.conf + ".away")
    f = t.mn.finding("there is no configuration")
    if f["mend"] != f"bubctl init mobile-node -c {t.mn.conf}":
        raise Failure(str(f))
    if t.m.exec("sh", "-c", "bubctl doctor --bogus 2>/dev/null; echo status $?") != "status 2\n":
        raise Failure("wrong usage")


def secrets(t):
    os.chmod(t.mn.secret, 0o644)
    t.mn.is_told_and_mended("fault", "is open to other users")
    os.unlink(t.mn.secret)
    t.mn.is_told_and_mended("fault", "does not exist")
    # It is another one than the home agent's now, and that is seen.
    prints = [node.finding("has the fingerprint")["what"] for node in (t.mn, t.ha)]
    if prints[0] == prints[1]:
        raise Failure(str(prints))
    shutil.copy(t.ha.secret, t.mn.secret)
    if t.mn.finding("has the fingerprint")["what"] != prints[1]:
        raise Failure(str(prints))
    with open(t.mn.secret, "w") as f:
        f.write("a secret that can be guessed\n")
    if any(f["check"] == "secret" for f in t.mn.doctor()["findings"]):
        raise Failure("a fingerprint of what can be guessed")


def state_folder(t):
    path = os.path.join(t.mn.dir, "state")
    os.rmdir(path)
    with open(path, "w"):
        pass
    t.mn.is_told_and_mended("fault", "is no folder")
    os.mkdir(path)
    os.chown(path, 65534, 65534)
    t.mn.is_told_and_mended("warning", "belongs to user 65534")
    run("mount", "-t", "tmpfs", "-o", "size=64k", "none", path)
    try:
        if any("is full" in f["what"] for f in t.ha.doctor()["findings"]):
            raise Failure("there is room")
        t.mn.finding(f"the disk of state-dir {path} is full")
    finally:
        run("umount", path)


def ipv6_and_forwarding(t):
    t.g.sysctl("conf.all.forwarding", 0)
    t.ha.is_told_and_mended("fault", "this home agent does not forward")
    t.m.sysctl("conf.e0.forwarding", 1)
    t.mn.is_told_and_mended("fault", "e0 forwards, so the kernel is deaf")
    t.m.sysctl("conf.e0.forwarding", 0)
    t.m.sysctl("conf.e0.accept_ra", 0)
    t.mn.is_told_and_mended("note", "does not take router advertisements on e0")
    t.m.sysctl("conf.e0.disable_ipv6", 1)
    t.mn.is_told_and_mended("fault", "IPv6 is switched off on e0")
    t.m.sysctl("conf.all.disable_ipv6", 1)
    t.mn.is_told_and_mended("fault", "net.ipv6.conf.all.disable_ipv6 is 1")


def interfaces(t):
    t.m.ip("link", "set", "e0", "down")
    if t.mn.finding("no interface that bubd uses has a link and an IPv6")["mend"] != "ip link set e0 up":
        raise Failure(t.mn.doctor())
    t.mn.finding("there is no route to the home agent")
    t.mn.is_told_and_mended("note", "the interface e0 is down")
    t.m.ip("link", "set", "e0", "mtu", "1200")
    t.mn.is_told_and_mended("fault", "e0 has an MTU of 1200")
    t.m.exec("tc", "qdisc", "add", "dev", "e0", "ingress")
    t.mn.is_told_and_mended("fault", "the old ingress qdisc on e0")
    t.m.ip("link", "set", "e0", "down")
    t.m.ip("link", "set", "e0", "name", "other")
    t.mn.finding("the interface e0, which is configured, does not exist")
    t.g.ip("addr", "del", f"{AGENT}/128", "dev", "lo")
    if any("is on no interface" in f["what"] for f in t.ha.doctor()["findings"]):
        raise Failure("bubd puts it on its own, once it runs")


def no_network(t):
    """A link is there or not, and the address is another host's."""
    t.r.ip("link", "set", "e0", "down")
    t.mn.finding("the interface e0 has no link")
    f = t.mn.finding("no interface that bubd uses has a link and an IPv6 address")
    if f["mend"] != "ip -br link":
        raise Failure(f)
    t.r.ip("link", "set", "e0", "up")
    t.m.sysctl("conf.e0.accept_dad", 1)
    t.r.ip("addr", "add", "2001:db8:b::77/64", "dev", "e0", "nodad")
    t.m.ip("addr", "add", "2001:db8:b::77/64", "dev", "e0")
    wait_for("a duplicate", lambda: "dadfailed" in t.m.ip("addr", "show", "dev", "e0"))
    t.mn.is_told_and_mended("fault", "another host on e0 has the address 2001:db8:b::77")


def rules_and_tables(t):
    t.m.ip("-6", "rule", "add", "priority", "220", "table", "220")
    t.m.ip("-6", "rule", "add", "priority", "5270", "table", "52")
    if any("comes before bub's" in f["what"] for f in t.mn.doctor()["findings"]):
        raise Failure("an empty table")
    t.m.ip("-6", "route", "add", "2001:db8:77::/64", "dev", "e0", "table", "220")
    if "Tailscale" not in t.mn.finding("routing rule 5270")["what"]:
        raise Failure("whose?")
    t.mn.is_told_and_mended("warning", "220 for table 220 (strongSwan's, mostly) comes before bub's")
    t.m.ip("-6", "route", "add", "2001:db8:77::/64", "dev", "e0", "table", "2120")
    t.mn.is_told_and_mended("fault", "routing table 2120, which is bub's")
    t.g.ip("-6", "route", "add", "local", HOME_PREFIX, "dev", "lo")
    t.ha.is_told_and_mended("fault", f"this machine takes all of {HOME_PREFIX} for its own")


def path_to_the_home_agent(t):
    t.run_agent()
    t.m.ip("link", "set", "e0", "mtu", "1300")
    t.mn.is_told_and_mended("warning", "packets of 1376 octets do not reach")
    t.m.ip("link", "set", "e0", "mtu", "1500")
    for ns, dev in ((t.r, "e1"), (t.g, "e0")):
        ns.ip("link", "set", dev, "mtu", "1300")
    t.mn.finding("packets of 1376 octets do not reach")
    for ns, dev in ((t.r, "e1"), (t.g, "e0")):
        ns.ip("link", "set", dev, "mtu", "1500")
    t.r.exec("nft", "add table ip6 f; add chain ip6 f c { type filter hook forward priority 0; }; "
             "add rule ip6 f c meta l4proto 135 drop")
    t.mn.finding("but not to a Mobility Header")
    t.r.exec("nft", "flush", "ruleset")
    t.mn.is_well()
    t.r.ip("-6", "route", "del", HOME_PREFIX)
    f = t.mn.finding(f"{AGENT} cannot be reached over e0")
    if "unreachable" not in f["what"] and "No route" not in f["what"]:  # a router says so
        raise Failure(str(f))
    t.r.ip("-6", "route", "add", HOME_PREFIX, "dev", "lo")
    t.m.ip("-6", "route", "flush", "default")
    t.mn.finding("there is no route to the home agent")


def nft(t, node, chain, *rules):
    node.ns.exec("nft", f"add table inet f; add chain inet f c {{ type filter {chain} }}; " +
                 "; ".join(f"add rule inet f c {rule}" for rule in rules))


def filter_of_what_is_sent(t):
    def fresh(*what):
        t.m.exec("nft", "flush", "ruleset")
        nft(t, t.mn, *what)

    out = "hook output priority 0; policy accept;"
    fresh(out, "meta l4proto esp drop")
    t.mn.finding("does not let protocol 50 (ESP) out on e0")  # tried, not only read
    t.mn.is_told_and_mended("fault", "drops ESP (protocol 50) that is sent: inet table f, chain c")
    t.mn.is_well_but_for_the_agent()
    fresh(out, "meta l4proto { 50, 135 } reject")
    t.mn.is_told_and_mended("fault", "drops ESP")
    t.mn.is_told_and_mended("fault", "drops Mobility Headers")
    for rule in ("rt type 2 drop", "exthdr dst exists drop", "ip6 nexthdr ipv6-opts drop"):
        fresh(out, rule)
        t.mn.is_told_and_mended("fault", "drops Mobility Headers")
    fresh(out, "meta l4proto 135 ip6 daddr 2001:db8::/32 drop")
    t.mn.is_told_and_mended("warning", "drops at least some of Mobility Headers")
    fresh("hook output priority 0; policy drop;", "ct state vmap { established : accept, invalid : drop }",
          "icmpv6 type != 200 accept", "meta l4proto { tcp, udp } accept", 'oifname "lo" accept')
    t.mn.is_told_and_mended("fault", "drops ESP")
    t.mn.is_told_and_mended("fault", "drops Mobility Headers")
    # Here the last rule lets all pass that comes as far.
    fresh(out, "oifname lo accept", "meta l4proto { tcp, 58 } accept", 'oifname "e*" accept',
          "ct state invalid drop", "meta l4proto 99 drop", "limit rate 5/second drop")
    t.mn.is_well_but_for_the_agent()


def is_well_but_for_the_agent(node):
    """No home agent runs: it answers to ping only."""
    bad = [f for f in node.doctor()["findings"] if f["severity"] in ("warning", "fault") and
           "but not to a Mobility Header" not in f["what"]]
    if bad:
        raise Failure(str(bad))


Node.is_well_but_for_the_agent = is_well_but_for_the_agent


def filter_of_keys(t):
    """Keys are agreed on by TCP, which the packet filter sees, unlike ESP."""
    for node, old, new in ((t.mn, 'secret-file = "secret"', 'keys { psk-file = "secret" }'),
                           (t.ha, "secret-file", "psk-file")):
        with open(node.conf) as f:
            text = f.read()
        with open(node.conf, "w") as f:
            f.write(text.replace(old, new))
    nft(t, t.ha, "hook input priority 0; policy drop;", "icmpv6 type != 200 accept",
        "tcp dport { 22, 80 } accept", "ct state established accept")
    t.ha.is_told_and_mended("fault", "drops what mobile nodes agree on keys by (TCP)")
    nft(t, t.mn, "hook input priority 0; policy accept;", "tcp dport 7872 drop", "udp dport 7872 drop")
    t.mn.is_told_and_mended("fault", "drops word of a home agent that has restarted (UDP)")


def last_resort(t):
    """tcp-port: is anybody there, and is it TLS?"""
    port = 443
    for node in (t.mn, t.ha):
        with open(node.conf) as f:
            text = f.read()
        with open(node.conf, "w") as f:
            f.write(f"tcp-port = {port}\n" + text.replace(
                'secret-file = "secret"', 'keys { psk-file = "secret" }' if node is t.mn
                else 'psk-file = "secret"'))
    where = f"TCP port {port} of the home agent {AGENT}"
    refused = t.mn.finding(where)
    if refused["severity"] != "warning" or "refused" not in refused["what"]:
        raise Failure(f"{refused}")
    with t.g.inside(lambda: socket.create_server((AGENT, port), family=socket.AF_INET6)) as portal:
        thread = threading.Thread(target=answer_as_a_portal, args=[portal])
        thread.start()
        f = t.mn.finding(where)
        thread.join()
    if f["severity"] != "warning" or "does not speak TLS" not in f["what"]:
        raise Failure(f"{f}")
    daemon = t.g.popen(t.bubd, "-c", t.ha.conf, stderr=subprocess.DEVNULL)
    try:
        wait_for("TLS", lambda: "answers in TLS" in t.mn.finding(where)["what"])
    finally:
        daemon.terminate()
        daemon.wait()
    nft(t, t.mn, "hook output priority 0; policy accept;", f"tcp dport {port} drop")
    if "timed out" not in t.mn.finding(where)["what"]:
        raise Failure(f"{t.mn.finding(where)}")


def answer_as_a_portal(server):
    connection = server.accept()[0]
    with connection:
        connection.recv(1024)
        connection.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")


def filter_by_ip6tables(t):
    t.m.exec("ip6tables", "-A", "OUTPUT", "-p", "esp", "-j", "DROP")
    t.m.exec("ip6tables", "-A", "OUTPUT", "-m", "rt", "--rt-type", "2", "-j", "DROP")
    t.mn.is_told_and_mended("fault", "drops ESP (protocol 50) that is sent: ip6 table filter")
    t.mn.is_told_and_mended("warning", "drops at least some of Mobility Headers")
    t.m.exec("ip6tables", "-F")
    t.mn.is_well_but_for_the_agent()
    old = "ip6tables-legacy"
    t.m.exec(old, "-A", "OUTPUT", "-o", "lo", "-j", "ACCEPT")
    t.m.exec(old, "-A", "OUTPUT", "-m", "state", "--state", "ESTABLISHED", "-j", "ACCEPT")
    t.m.exec(old, "-A", "OUTPUT", "-p", "tcp", "-j", "ACCEPT")
    t.m.exec(old, "-N", "more")
    t.m.exec(old, "-A", "OUTPUT", "!", "-p", "icmpv6", "-j", "more")
    t.m.exec(old, "-A", "more", "-m", "comment", "--comment", "no", "-j", "REJECT")
    t.mn.is_told_and_mended("fault", "drops ESP (protocol 50) that is sent: ip6tables-legacy")
    t.mn.is_told_and_mended("fault", "drops Mobility Headers")
    t.m.exec(old, "-F")
    t.mn.is_well_but_for_the_agent()


def filter_of_what_is_heard(t):
    nft(t, t.mn, "hook input priority 0; policy drop;", "ct state established,related accept",
        "meta l4proto tcp accept", "meta l4proto esp drop")
    t.mn.is_told_and_mended("fault", "drops router advertisements")
    t.mn.is_told_and_mended("fault", "drops neighbour advertisements")
    t.mn.is_told_and_mended("fault", "drops the errors that say how large")
    # ESP is read before the filter: that rule is no finding.
    t.mn.is_well_but_for_the_agent()
    t.m.exec("nft", "flush", "ruleset")
    nft(t, t.mn, "hook prerouting priority -150;", "fib saddr . iif oif missing drop")
    t.mn.is_told_and_mended("note", "has no way back by the interface that they came by")
    t.m.exec("ip6tables-legacy", "-t", "raw", "-A", "PREROUTING", "-m", "rpfilter", "--invert", "-j",
             "DROP")
    t.mn.is_told_and_mended("note", "has no way back by the interface that they came by")


def filter_of_datagrams(t):
    nft(t, t.ha, "hook input priority 0; policy drop;", "ct state established,related accept",
        "meta l4proto { tcp, ipv6-icmp } accept", "udp dport 4191 accept")
    t.ha.is_told_and_mended("fault", "drops ESP in UDP")
    t.ha.is_well()


def filter_of_what_is_forwarded(t):
    nft(t, t.ha, "hook forward priority 0; policy drop;", "ct state established,related accept",
        "icmpv6 type echo-request accept")
    t.ha.is_told_and_mended("fault", "drops what mobile nodes send through the tunnel")
    t.ha.is_told_and_mended("fault", "drops what is sent to mobile nodes")
    t.ha.is_well()
    t.g.exec("nft", "flush", "ruleset")
    t.g.exec("ip6tables", "-P", "FORWARD", "DROP")
    t.ha.is_told_and_mended("fault", "drops what mobile nodes send through the tunnel")
    t.ha.is_told_and_mended("fault", "drops what is sent to mobile nodes")


def keys_that_differ(t):
    t.start_agent(t.g)
    t.start_mobile(t.m)
    secret = os.path.join(t.mobile.dir, "secret")
    wait_for("bubd", lambda: t.mobile.show() and t.agent.show())
    t.mobile.stop()
    with open(secret, "w") as f:
        f.write("another secret of as many octets\n")
    t.mobile.proc = t.m.popen(t.bubd, "-c", t.mobile.conf, stderr=t.mobile.log)
    wait_for("bubd", t.mobile.show)
    t.router.advertise(VISITED)
    wait_for("a complaint", lambda: t.agent.show()["clients"][0]["why"])
    t.mn.conf, t.ha.conf = t.mobile.conf, t.agent.conf
    if t.mn.finding(f"home address {HOME}: registering")["severity"] != "fault":
        raise Failure("no fault")
    t.mn.finding("ESP packets went out, and none came back")
    if "Mobility Header" in str(t.mn.doctor()):
        raise Failure("bubd takes what answers to it")
    f = t.ha.finding(f"mobile node {HOME}: ")
    if "under keys that are unknown here" not in f["what"]:
        raise Failure(str(f))
    prints = [node.shell(f["mend"].replace("doctor", f"doctor -c {node.conf}"))
              for node in (t.mn, t.ha)]
    # It may have registered before it was stopped.
    severity = "note" if t.agent.show()["clients"][0]["registered"] else "warning"
    if f["severity"] != severity or prints[0] == prints[1] or "fingerprint" not in prints[0]:
        raise Failure(f"{f} {prints}")
    if "tries to register" in str(t.ha.doctor()):
        raise Failure("it is served")
    t.agent.reload(AGENT_CONF.replace(HOME, "2001:db8:1::99"))
    wait_for("a stranger", lambda: t.agent.show()["strangers"])
    if "no mobile-node line here" not in t.ha.finding(f"home address {HOME} tries to register")["what"]:
        raise Failure(t.ha.doctor())
    t.agent.reload(AGENT_CONF)
    shutil.copy(os.path.join(t.agent.dir, "secret"), secret)
    t.mobile.stop()
    t.mobile.proc = t.m.popen(t.bubd, "-c", t.mobile.conf, stderr=t.mobile.log)
    t.register()
    t.mn.is_well()
    t.ha.is_well()


def programs_that_are_gone(t):
    """bubd is stopped from putting them back while the doctor looks."""
    t.start_agent(t.g)
    wait_for("bubd", t.agent.show)
    t.ha.conf = t.agent.conf

    def removed():
        t.g.exec("tc", "filter", "del", "dev", "e0", "egress", check=False)
        return any("programs are not attached on e0" in f["what"] for f in t.ha.doctor()["findings"])

    wait_for("the finding", removed)
    wait_for("the programs", lambda: not any("not attached" in f["what"]
                                             for f in t.ha.doctor()["findings"]))


def kernel_and_clock(t):
    f = t.mn.finding("is older than 5.8", "setarch", "--uname-2.6")
    if f["severity"] != "fault" or not f["what"].startswith("Linux 2.6."):
        raise Failure(str(f))
    f = t.mn.finding("the clock is far off: 1000 s since 1970", "env", f"LD_PRELOAD={CLOCK}")
    if f["severity"] != "note" or "bub works all the same" not in f["why"]:
        raise Failure(str(f))


def esp_by_the_kernel(t):
    """What bubd says where it starts with esp = kernel, or does not, the doctor has said."""
    for node in (t.mn, t.ha):
        with open(node.conf) as f:
            text = f.read()
        if node is t.ha and t.mn.finding("the ESP of data")["check"] != "esp":
            raise Failure("another check")

        def finding(esp, node=node, text=text):
            with open(node.conf, "w") as f:
                f.write(f"esp = {esp}\n{text}")
            return [x for x in node.doctor()["findings"] if x["check"] == "esp"]

        before = node.ns.ip("xfrm", "state")
        auto, must = finding("auto")[0], finding("kernel")[0]
        if finding("user") or node.ns.ip("xfrm", "state") != before:
            raise Failure("asked, or left over")
        with open(node.conf, "w") as f:
            f.write(f"esp = kernel\n{text}")
        daemon = node.ns.popen(t.bubd, "-c", node.conf, stderr=subprocess.PIPE, text=True)
        ended = threading.Event()
        said = []

        def listen(daemon=daemon, said=said, ended=ended):
            for line in daemon.stderr:
                said.append(line)
            ended.set()

        thread = threading.Thread(target=listen)
        thread.start()
        sock = os.path.join(node.dir, "sock")
        wait_for("bubd to start or to end", lambda: ended.is_set() or
                 node.ns.exec("bubctl", "-s", sock, "show", "--json", check=False).startswith("{"))
        can = not ended.is_set()
        daemon.terminate()
        daemon.wait()
        thread.join()
        daemon.stderr.close()
        if can:
            expected = ["ok", "ok"]
        else:
            expected = ["note", "fault"]
            named = [x for x in ("xfrm_user", "esp6", "gcm", "seqiv") if f"{x} (CONFIG_" in must["what"]]
            if not named or not any(x in "".join(said) for x in named):
                raise Failure(f"{must['what']!r}, but bubd: {said}")
        if [auto["severity"], must["severity"]] != expected:
            raise Failure(f"{expected}, bubd: {said}: {auto} {must}")


def without_privileges(t):
    f = t.mn.finding("root lacks", "setpriv", "--bounding-set=-bpf,-perfmon,-sys_admin")
    if f["what"] != "root lacks CAP_BPF CAP_PERFMON" or f["severity"] != "fault":
        raise Failure(str(f))
    f = t.mn.finding("BPF programs cannot be loaded", "setpriv", "--bounding-set=-bpf,-perfmon,-sys_admin")
    if f["severity"] != "fault":
        raise Failure(str(f))
    os.chmod(t.mn.dir, 0o755)
    os.chmod(t.mn.conf, 0o600)
    nobody = ("setpriv", "--reuid=65534", "--clear-groups")
    t.mn.finding("cannot be read by this user", *nobody)
    t.mn.finding("run by a user who is not root", *nobody)
    if t.mn.doctor(*nobody)["faults"] != 0:
        raise Failure("what is not known is no fault")
    hidden = ("unshare", "--mount", "sh", "-c", 'mount -t tmpfs none /dev/net && exec "$@"', "sh")
    if t.mn.finding("/dev/net/tun cannot be opened", *hidden)["severity"] != "fault":
        raise Failure("no fault")


def networkd(t):
    """As if it ran; what is printed goes into the folder that it reads."""
    script = ('mount -t tmpfs none /run && mount -t tmpfs none /etc/systemd && '
              f'mkdir -p /run/systemd/netif && : >/run/systemd/netif/state && '
              f'bubctl doctor -c {t.mn.conf} --json >{t.mn.dir}/1; '
              f'if [ -n "$1" ]; then eval "$1"; bubctl doctor -c {t.mn.conf} --json >{t.mn.dir}/2; fi; true')

    def report(number):
        with open(f"{t.mn.dir}/{number}") as f:
            return [x for x in json.load(f)["findings"] if x["check"] == "networkd"]

    t.m.exec("unshare", "--mount", "sh", "-c", script, "sh", "")
    found = report(1)
    if len(found) != 1 or found[0]["severity"] != "warning":
        raise Failure(str(found))
    t.m.exec("unshare", "--mount", "sh", "-c", script, "sh", found[0]["mend"])
    if report(2):
        raise Failure(str(report(2)))


CASES = [healthy_nodes, healthy_nodes_that_run, bugreport_of_a_node_that_runs, configuration, secrets, no_network,
         state_folder, ipv6_and_forwarding, interfaces, rules_and_tables, path_to_the_home_agent,
         filter_of_what_is_sent, filter_of_keys, last_resort, filter_by_ip6tables, filter_of_what_is_heard,
         filter_of_datagrams, filter_of_what_is_forwarded, keys_that_differ,
         programs_that_are_gone, kernel_and_clock, esp_by_the_kernel,
         without_privileges, networkd]

if __name__ == "__main__":
    sys.exit(main(CASES, Patients))
