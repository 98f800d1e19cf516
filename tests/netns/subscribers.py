#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""Subscribers of a home agent out of a file (`subscribers = lmdb`, `bubctl subscriber`), with real
daemons; see keys.py for the network.
"""

import json
import os
import subprocess
import sys
import time

import keys
from keys import expect, says
from linux_common import Failure, main, wait_for
from world import AGENT, HOME

SECRET = "a secret of more than sixteen octets"
OTHERS = 20000
GONE_S = 1.0


def of_others():
    """Lines of subscribers who never come."""
    return "".join(json.dumps({"home": f"2001:db8:1::1:{n:x}", "psk": f"hex:{n:064x}"}) + "\n"
                   for n in range(OTHERS))


class Things(keys.Things):
    def subscriber(self, *words, text=None, state=None):
        done = subprocess.run(
            [os.environ["BUBCTL"], "subscriber", *words, "-d",
             state or os.path.join(self.agent.dir, "state")],
            input=text, text=True, capture_output=True)
        return done.returncode, done.stdout, done.stderr

    def does(self, *words, text=None):
        status, out, error = self.subscriber(*words, text=text)
        expect(status == 0 and not error, (words, status, out, error))
        return out

    def agent_with_store(self, more=""):
        return self.agent_text(f"subscribers = lmdb\n{more}")

    def begin_with_store(self):
        self.agent = self.daemon(self.g, self.agent_with_store())
        wait_for("bubd", self.agent.show)

    def serve(self):
        """The mobile node is a subscriber among many, and registers."""
        self.begin_with_store()
        line = json.dumps({"home": HOME, "psk": SECRET}) + "\n"
        expect(self.does("import", "-", text=of_others() + line).startswith(f"{OTHERS + 1} added"),
               "import")
        # It asks when nothing comes, and so finds out that it is cut off.
        self.mobile = self.daemon(self.m, self.mobile_text(inside="keep-alive = 1\n"))
        self.register()

    def clients(self):
        return self.agent.show()["clients"]


def served_and_removed(t):
    """Who registers is one of many; nobody else is in memory; who is removed is cut off."""
    t.serve()
    expect(len(t.clients()) == 1 and t.clients()[0]["home"] == HOME, t.clients())
    told = t.agent.show()["subscribers"]
    expect(told == {"all": OTHERS + 1, "loaded": 1}, told)
    stream = t.stream()
    # What leaves him alone leaves him alone: other subscribers, and a reload.
    t.does("import", "-", text=json.dumps({"home": "2001:db8:1::2:1", "psk": SECRET}) + "\n")
    expect(t.agent.ask("reload").get("removed") == 0, "reload")
    expect(t.does("import", "-", "--replace",
                  text=of_others() + json.dumps({"home": HOME, "psk": SECRET}) + "\n")
           .startswith(f"0 added, 0 changed, {OTHERS + 1} as they were, 1 removed"), "replace")
    agreed = t.agreed()
    begin = time.monotonic()
    wait_for("data", lambda: stream.flows(begin + 2 * GONE_S))
    expect(t.agreed() == agreed, "keys were agreed on anew")
    begin = time.monotonic()
    t.does("remove", HOME)
    wait_for("the end", lambda: not t.clients())
    took = time.monotonic() - begin
    says(f"gone {took:.2f} s after the command began")
    expect(took < GONE_S or os.getloadavg()[0] > 2, took)
    expect(t.agent.ask("sas")["sas"] == [], t.agent.ask("sas"))
    t.wait_for_words(t.agent, f"{HOME} is no subscriber any more")
    wait_for("why, at the mobile node", lambda: t.keys()["last_failure"])
    t.does("add", HOME, "--psk-file", os.path.join(t.mobile.dir, "secret"))
    begin = time.monotonic()
    wait_for("data again", lambda: stream.flows(begin), 90)


def changed_key(t):
    """Another pre-shared key ends the keys that were agreed on with the one before."""
    t.serve()
    expect(t.does("import", "-", text=json.dumps({"home": HOME, "psk": SECRET + "!"})) ==
           "0 added, 1 changed, 0 as they were, 0 removed\n", "import")
    t.wait_for_words(t.agent, f"{HOME} has another proof of who it is")
    wait_for("the end", lambda: not t.clients())
    wait_for("why", lambda: t.keys()["last_failure"])
    t.does("import", "-", text=json.dumps({"home": HOME, "psk": SECRET}))
    wait_for("a registration", t.clients, 90)


def killed_agent(t):
    """A registration of before comes back for a subscriber, too."""
    t.serve()
    stream = t.stream()
    t.kill_agent()
    begin = t.revive_agent()
    wait_for("bubd", t.agent.show)
    ready = time.monotonic()
    first = wait_for("datagrams after the restart", lambda: stream.flows(begin))
    says(f"first datagram {first - ready:.3f} s after bubd answered")
    expect(first - ready < 2.0, first - ready)
    t.wait_for_words(t.agent, "1 registration from before")
    expect("as it was before the restart" not in t.agent.tail(), "a line for each")
    # One who was removed meanwhile is not served.
    t.kill_agent()
    t.does("remove", HOME)
    t.revive_agent()
    wait_for("bubd", t.agent.show)
    expect(t.clients() == [], t.clients())


def by_name_and_by_fingerprint(t):
    """The home agent finds out which home address belongs to a certificate."""
    c = t.certificates
    c.certificate("agent", f"IP:{AGENT}")
    c.certificate("mobile", "DNS:Robot.example")
    ca = f'ca-file = "{c.path("ca.pem")}"\n'
    mobile = (f'route-optimisation = never\nmobile-node {{\nhome-agent = "{AGENT}"\n'
              f'keys {{\n{c.own("mobile", ca)}}}\n}}\n')
    t.router.advertise("2001:db8:b::")
    for proof in (("--identity", "robot.example"), ("--fingerprint", c.fingerprint("mobile"))):
        t.agent = t.daemon(t.g, t.agent_with_store(f"keys {{\n{c.own('agent', ca)}}}\n"))
        wait_for("bubd", t.agent.show)
        t.does("add", HOME, *proof)
        t.mobile = t.daemon(t.m, mobile)
        t.wait_for_words(t.mobile, f"has assigned the home address {HOME}/64")
        t.register()
        for daemon in (t.mobile, t.agent):
            daemon.stop()
            t.daemons.remove(daemon)
            daemon.close()


def refused(t):
    """Mistakes are told with their line, and nothing of the import is there; damage is told."""
    t.begin_with_store()
    lines = [json.dumps({"home": HOME, "psk": SECRET}), '{"home": "fe80::1"}', "{",
             json.dumps({"home": "2001:db8:1::7", "psk": "short"}),
             json.dumps({"home": HOME, "psk": SECRET})]
    status, out, error = t.subscriber("import", "-", text="\n".join(lines))
    expect(status == 1 and out == "", (status, out))
    for words in ("input:2:", "no home address", "input:3:", "input:4: psk: is too short",
                  "input:5:", "stands on line 1 already", "nothing was imported"):
        expect(words in error, error)
    expect(t.does("list") == "", "something was imported")
    missing = os.path.join(t.agent.dir, "no-such-folder")
    status, out, error = t.subscriber("list", state=missing)
    expect(status == 1 and "-d names the state-dir" in error and not os.path.exists(missing), error)
    t.does("add", HOME, "--identity", "robot")
    backup = os.path.join(t.agent.dir, "backup")
    t.does("export", backup)
    expect(os.stat(backup).st_mode & 0o777 == 0o600, "mode")
    t.agent.stop()
    path = os.path.join(t.agent.dir, "state", "subscribers.mdb")
    with open(path, "r+b") as f:
        f.seek(4096)
        f.write(b"\x5a" * 8192)
    agent = t.g.popen(t.bubd, "-c", t.agent.conf, stderr=subprocess.PIPE)
    error = agent.communicate(timeout=30)[1].decode()
    expect(agent.returncode == 1 and "subscribers.mdb is damaged: move it away" in error, error)
    os.unlink(path)
    expect(t.does("import", backup).startswith("1 added"), "import")
    expect("robot" in t.does("list"), "list")


CASES = [served_and_removed, changed_key, killed_agent, by_name_and_by_fingerprint, refused]

if __name__ == "__main__":
    sys.exit(main(CASES, Things))
