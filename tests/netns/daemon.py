# SPDX-License-Identifier: BSD-2-Clause
"""A whole bubd in a network namespace, for tests of several: starting, asking and stopping it."""

import json
import os
import shutil
import signal
import socket
import tempfile

import linux_common
from linux_common import Failure


class Daemon:
    """One bubd with a folder of its own, which goes with it."""

    def __init__(self, bubd, ns, text, interfaces=("e0",), prepare=None):
        """@prepare  called with the path of the state folder before bubd makes it"""
        self.dir = folder = tempfile.mkdtemp(prefix="bub-")
        self.conf, self.sock = os.path.join(folder, "bubd.conf"), os.path.join(folder, "sock")
        names = ", ".join(f'"{name}"' for name in interfaces)
        self.head = (f'interfaces = {{{names}}}\ncontrol = "{self.sock}"\n'
                     f'state-dir = "{folder}/state"\n')
        secret = os.path.join(folder, "secret")
        with os.fdopen(os.open(secret, os.O_CREAT | os.O_WRONLY, 0o600), "w") as f:
            f.write("a secret of more than sixteen octets\n")
        self.write(text)
        if prepare is not None:
            prepare(os.path.join(folder, "state"))
        self.log = open(os.path.join(folder, "log"), "wb")
        self.proc = ns.popen(bubd, "-c", self.conf, stderr=self.log)

    def write(self, text):
        with open(self.conf, "w") as f:
            f.write(self.head + text)

    def reload(self, text):
        self.write(text)
        self.proc.send_signal(signal.SIGHUP)

    def ask(self, cmd, **arguments):
        """The answer to a command; {} where nobody listens."""
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as s:
            try:
                s.connect(self.sock)
            except OSError:
                return {}
            s.settimeout(linux_common.LIMIT_S)
            s.sendall(json.dumps({"cmd": cmd, **arguments}).encode() + b"\n")
            return json.loads(s.makefile().readline())

    def ask_pages(self, cmd, **arguments):
        """The answer to a command, with all entries of lists that come by pages."""
        answer = page = self.ask(cmd, **arguments)
        while page.get("more"):
            page = self.ask(cmd, **{**arguments, "from": page["more"]})
            for name, value in page.items():
                if isinstance(value, list):
                    answer[name] += value
        answer.pop("more", None)
        return answer

    def show(self):
        return self.ask_pages("show")

    def counters(self):
        """Those of packets, data and ESP, by name."""
        return self.show()["counters"]["data"]

    def tail(self):
        with open(os.path.join(self.dir, "log"), errors="replace") as f:
            return f.read()[-2000:]

    def stop(self):
        self.proc.terminate()
        status = self.proc.wait(linux_common.LIMIT_S)
        if status != 0:
            raise Failure(f"bubd ended with {status}: {self.tail()}")

    def close(self):
        if self.proc.poll() is None:
            self.proc.kill()
            self.proc.wait()
        self.log.close()
        shutil.rmtree(self.dir, ignore_errors=True)
