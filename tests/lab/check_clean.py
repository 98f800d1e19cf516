#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""A lab that is killed in the middle leaves much behind; `bublab clean` removes all of it, and nothing
of a lab that runs."""

import os
import pathlib
import re
import signal
import subprocess
import sys
import tempfile
import time
import unittest

from bublab import remains

SKIP = 77
START_S = 90  # the machine may have other things to do
BUBLAB = [sys.executable, "-m", "bublab"]


def left_of(pid):
    """Namespaces, folders and processes of a lab of this process."""
    names = [name for name in remains.namespaces() if re.match(rf"bub-{pid}-", name)]
    folders = [path.name for path, lab in remains.temporary_folders() if lab == pid]
    folders += [f"run/{pid}"] if (remains.RUN_DIR / str(pid)).exists() else []
    return names, folders, [one for one, lab in remains.marked().items() if lab == pid]


def clean():
    return subprocess.run([*BUBLAB, "clean"], capture_output=True, text=True, check=True).stdout


class Clean(unittest.TestCase):
    def setUp(self):
        self.temporary = tempfile.TemporaryDirectory()
        self.addCleanup(self.temporary.cleanup)

    def start(self, *arguments, processes):
        """A lab, as soon as so many processes of its run."""
        log = open(pathlib.Path(self.temporary.name, f"log-{arguments[0]}"), "w+b")
        lab = subprocess.Popen([*BUBLAB, *arguments], stdout=log, stderr=log)
        self.addCleanup(log.close)
        self.addCleanup(lab.wait)
        self.addCleanup(lab.kill)
        end = time.monotonic() + START_S
        while len(left_of(lab.pid)[2]) < processes:
            if lab.poll() is not None or time.monotonic() > end:
                log.seek(0)
                self.fail(f"{arguments}: {log.read().decode()}")
            time.sleep(0.1)
        return lab

    def test_killed_labs(self):
        """Linkem, six radvd and four bubd are the processes of one world."""
        out = pathlib.Path(self.temporary.name, "killed")
        run = self.start("run", "handover", "--out", str(out), processes=11)
        live = self.start("live", "--port", "0", processes=11 + 3)
        for lab in (run, live):
            lab.send_signal(signal.SIGKILL)
            lab.wait()
            names, folders, _processes = left_of(lab.pid)
            self.assertGreaterEqual(len(names), 10)
            self.assertTrue(folders)
        going = self.start("run", "handover", "--out", f"{self.temporary.name}/going", processes=11)
        # It removes what is left of the dead when it starts, and says so.
        self.assertIn(b"removed what a killed run had left", self.log("run"))
        clean()
        for lab in (run, live):
            self.assertEqual(left_of(lab.pid), ([], [], []))
        self.assertIsNone(going.poll())
        self.assertGreaterEqual(len(left_of(going.pid)[0]), 10)
        self.assertGreaterEqual(len(left_of(going.pid)[2]), 11)
        going.send_signal(signal.SIGINT)
        going.wait(60)
        self.assertEqual(left_of(going.pid), ([], [], []))

    def log(self, name):
        return pathlib.Path(self.temporary.name, f"log-{name}").read_bytes()

    def test_process_without_its_namespace(self):
        """Its lab is dead, and so is its namespace."""
        lab = subprocess.Popen(
            [sys.executable, "-c",
             "import pathlib, tempfile; from bublab import remains, system; import os\n"
             "tempfile.mkdtemp(prefix=remains.temporary_prefix(os.getpid()))\n"
             "child = system.Child('x', ['sleep', '1000']); print(child.process.pid)\n"
             "os._exit(0)"],
            stdout=subprocess.PIPE, text=True,
        )
        child = int(lab.communicate()[0])
        self.assertEqual(left_of(lab.pid)[2], [child])
        self.assertRegex(clean(), r"^removed: \d+ namespaces, \d+ processes, \d+ folders$")
        self.assertEqual(left_of(lab.pid), ([], [], []))


if __name__ == "__main__":
    if os.geteuid() != 0:
        print("no root")
        sys.exit(SKIP)
    unittest.main(verbosity=2)
