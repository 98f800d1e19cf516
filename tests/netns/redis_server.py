# SPDX-License-Identifier: BSD-2-Clause
"""A redis-server of its own for tests and benchmarks."""

import os
import shutil
import subprocess
import tempfile

from linux_common import wait_for


class Redis:
    """A redis-server on a UNIX socket of its own, which keeps what it has acknowledged."""

    def __init__(self):
        self.dir = tempfile.mkdtemp(prefix="bub-redis-")
        self.sock = os.path.join(self.dir, "sock")
        self.proc = None

    def start(self):
        self.proc = subprocess.Popen(
            ["redis-server", "--port", "0", "--unixsocket", self.sock, "--dir", self.dir, "--save", "",
             "--appendonly", "yes", "--appendfsync", "always"],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
        wait_for("redis-server", lambda: self.ask("PING") == "PONG")

    def octets(self, *words):
        """The answer as it is."""
        return subprocess.run(["redis-cli", "-s", self.sock, *words], capture_output=True, check=False).stdout

    def ask(self, *words):
        return self.octets(*words).decode().strip()

    def kill(self):
        self.proc.kill()
        self.proc.wait()

    def close(self):
        if self.proc is not None and self.proc.poll() is None:
            self.kill()
        shutil.rmtree(self.dir, ignore_errors=True)
