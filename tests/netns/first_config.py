#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""A home agent and a mobile node that only `bubctl init` has configured register and carry data.

usage: first_config.py BUBD BUBCTL [CASE]
"""

import os
import shutil
import subprocess
import sys
import tempfile

from daemon import Daemon
from linux_common import Failure, main
from world import AGENT, HOME, HOME_PREFIX, Tunnel

BUBCTL = os.path.abspath(sys.argv.pop(2))

# Each has a /run and a /var/lib of its own, as on a machine of its own.
START = """
mkdir -p "$1/run" "$1/lib" && mount --make-rprivate / && mount --bind "$1/run" /run &&
    mount --bind "$1/lib" /var/lib && exec "$2" -c "$1/bubd.conf"
"""


class Initialised(Daemon):
    """A daemon with the file that bubctl init writes, untouched."""

    def __init__(self, bubd, ns, role, words, secret=None):  # pylint: disable=super-init-not-called
        self.dir = folder = tempfile.mkdtemp(prefix="bub-")
        self.conf, self.sock = os.path.join(folder, "bubd.conf"), os.path.join(folder, "run/bub/bubd.sock")
        if secret is not None:
            shutil.copy(secret, folder)
        path = f"{os.path.dirname(os.path.abspath(bubd))}:{os.environ['PATH']}"
        done = subprocess.run([BUBCTL, "init", role, "-c", self.conf, *words], text=True,
                              capture_output=True, stdin=subprocess.DEVNULL, check=False,
                              env={**os.environ, "PATH": path})
        self.said = done.stdout
        if done.returncode != 0:
            raise Failure(done.stderr)
        self.log = open(os.path.join(folder, "log"), "wb")
        self.proc = ns.popen("unshare", "--mount", "sh", "-c", START, "sh", folder,
                             os.path.abspath(bubd), stderr=self.log)


def by_init_alone(t):
    t.agent = Initialised(t.bubd, t.g, "home-agent", ["--address", AGENT, "--prefix", HOME_PREFIX,
                                                      "--mobile-node", HOME])
    t.daemons.append(t.agent)
    # The line that is printed for the mobile node, as it is printed.
    line = next(x for x in t.agent.said.splitlines() if "bubctl init mobile-node" in x)
    words = line.split()[3:]
    t.mobile = Initialised(t.bubd, t.m, "mobile-node", words,
                           os.path.join(t.agent.dir, "2001-db8-1--10.secret"))
    t.daemons.append(t.mobile)
    t.register()
    t.transfer_both_ways(t.m, t.r, "2001:db8:d::1", 50000)
    t.mobile.stop()
    t.agent.stop()


def setup(bubd):
    t = Tunnel(bubd)
    t.g.ip("addr", "add", f"{AGENT}/128", "dev", "lo")
    return t


CASES = [by_init_alone]

if __name__ == "__main__":
    sys.exit(main(CASES, setup))
