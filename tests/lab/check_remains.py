#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""Ctrl-C takes down all that a test or a benchmark has made; after kill -9 the next one does, and
leaves alone what goes on beside it.

usage: check_remains.py BUILD-DIR
"""

import json
import os
import pathlib
import signal
import subprocess
import sys
import time
import unittest

from bublab import remains

SKIP = 77
START_S = 90  # the machine may have other things to do
ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path()
# Each makes namespaces, folders and processes in its own way.
PROGRAMS = {
    "network test": ["tests/netns/merged.py", "src/bubd/bubd"],
    "data path": ["tests/netns/datapath_test.py", "tests/netns/dpctl"],
    "conformance": ["tests/nut/nut_ha.py", "src/bubd/bubd"],
    "benchmark": ["bench/direct.py", "tests/netns/dpctl", "bench/bench_packets"],
}


def left_of(pid):
    """Namespaces, folders and processes of a run."""
    left = [name for name in remains.namespaces() if name.startswith(f"bub-{pid}-")]
    left += [str(path) for path, owner in remains.temporary_folders() if owner == pid]
    left += [str(p) for p in [remains.RUN_DIR / str(pid)] if p.exists()]
    return left + [one for one, owner in remains.marked().items() if owner == pid]


def links_and_programs():
    """Of the namespace that this runs in."""
    links = json.loads(subprocess.check_output(["ip", "-j", "link"]))
    routes = json.loads(subprocess.check_output(["ip", "-j", "-6", "route", "show", "table", "all"]))
    return sorted(link["ifname"] for link in links), len(routes)


class Remains(unittest.TestCase):
    def start(self, name, least, *before):
        """A program, with words @before it, as soon as it has made so many things."""
        script, *binaries = PROGRAMS[name]
        words = [*before, sys.executable, ROOT / script, *(BUILD / binary for binary in binaries)]
        run = subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.addCleanup(run.wait)
        self.addCleanup(run.kill)
        end = time.monotonic() + START_S
        while len(left_of(run.pid)) < least:
            if run.poll() is not None or time.monotonic() > end:
                self.fail(f"{name} ended with {run.returncode}, has {left_of(run.pid)}")
            time.sleep(0.01)
        return run

    def test_interrupted(self):
        before = links_and_programs()
        for name in PROGRAMS:
            for number, least in ((signal.SIGINT, 1), (signal.SIGINT, 4), (signal.SIGTERM, 5)):
                with self.subTest(name, signal=number, least=least):
                    run = self.start(name, least)
                    run.send_signal(number)
                    self.assertNotEqual(run.wait(START_S), 0)
                    self.assertEqual(left_of(run.pid), [])
        self.assertEqual(links_and_programs(), before)

    def test_killed(self):
        """A dead run's things go when the next one starts; those of one that goes on stay."""
        going = self.start("conformance", 5)
        for name in PROGRAMS:
            with self.subTest(name):
                dead = self.start(name, 5)
                dead.kill()
                dead.wait()
                self.assertNotEqual(left_of(dead.pid), [])
                following = self.start("data path", 4)
                self.assertEqual(left_of(dead.pid), [])
                following.send_signal(signal.SIGINT)
                following.wait(START_S)
        self.assertIsNone(going.poll())
        self.assertGreaterEqual(len(left_of(going.pid)), 5)

    def test_elsewhere(self):
        """Runs that have each a /run of their own leave each other alone."""
        private = ("unshare", "--mount", "sh", "-c", 'mount -t tmpfs none /run && exec "$@"', "sh")
        here = self.start("conformance", 5)
        there = self.start("conformance", 2, *private)
        following = self.start("data path", 4)
        for run in (here, there, following):
            self.assertIsNone(run.poll())
            self.assertNotEqual([x for x in left_of(run.pid) if isinstance(x, int)], [])
            run.send_signal(signal.SIGINT)
            run.wait(START_S)


def main():
    global BUILD
    if os.geteuid() != 0 or not os.path.exists("/dev/net/tun"):
        print("needs root and /dev/net/tun")
        return SKIP
    BUILD = pathlib.Path(sys.argv.pop(1)).resolve()
    return 0 if unittest.main(exit=False, verbosity=2).result.wasSuccessful() else 1


if __name__ == "__main__":
    sys.exit(main())
