# SPDX-License-Identifier: BSD-2-Clause
"""The link emulator (lab/linkem.c) as an object."""

from __future__ import annotations

import json
import pathlib
import socket

from .system import Child, LabError, binary, inside, wait_until


class Emulator:
    """One running linkem."""

    def __init__(
        self, namespace: str, control: pathlib.Path, commands: str, log: pathlib.Path, seed: int
    ) -> None:
        script = control.with_suffix(".conf")
        script.write_text(commands)
        argv = [binary("lab/linkem"), "--control", str(control), "--seed", str(seed)]
        argv += ["--stay-with-parent", str(script)]
        self.child = Child("linkem", inside(namespace, argv), log)
        self.socket = socket.socket(socket.AF_UNIX)
        try:
            wait_until("linkem to start", lambda: self._connect(control), 5, check=self.child.check)
            self.socket.settimeout(5)
            # Frames move from the first command on; the answer says that the file was executed.
            self.command("sync")
        except (LabError, OSError):
            self.close()
            raise

    def _connect(self, control: pathlib.Path) -> bool:
        try:
            self.socket.connect(str(control))
        except (FileNotFoundError, ConnectionRefusedError):
            return False
        return True

    def ask(self, line: str) -> tuple[list[str], float]:
        """Executes a command line; returns the lines of its answer and the time of day."""
        self.socket.sendall(line.encode() + b"\n")
        answer = b""
        while True:
            got = self.socket.recv(65536)
            if not got:
                raise LabError(f"linkem went away\n{self.child.last_words()}")
            answer += got
            if not answer.endswith(b"\n"):
                continue
            lines = answer.decode().splitlines()
            if lines[-1].startswith("error: "):
                raise LabError(f"linkem: '{line}': {lines[-1][7:]}")
            if lines[-1].startswith("ok "):
                return lines[:-1], float(lines[-1][3:])

    def command(self, line: str) -> float:
        return self.ask(line)[1]

    def stat(self) -> dict:
        return json.loads(self.ask("stat")[0][0])

    def attached(self, link: str) -> str:
        """The far port of a link, "-" while it is cut."""
        return self.stat()["links"][link]["ports"][1]

    def close(self) -> None:
        self.socket.close()
        status = self.child.stop()
        if status != 0:
            raise LabError(f"linkem ended with status {status}\n{self.child.last_words()}")
