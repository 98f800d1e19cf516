# SPDX-License-Identifier: BSD-2-Clause
"""Running other programs: in a namespace, to their end or beside the lab.

Everything that the lab starts is a child of the lab and is stopped by its process id.
"""

from __future__ import annotations

import os
import pathlib
import signal
import subprocess
import time


class LabError(Exception):
    """Something went wrong that a person should read, in one or more lines."""


class Interrupted(LabError):
    """SIGINT or SIGTERM."""


# In the environment of all that a run starts: its process id (remains.py).
MARK = "BUB_RUN"

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)  # that end a lab


def handle_signals(handler) -> None:
    for number in SIGNALS:
        signal.signal(number, handler)


def ignore_signals() -> None:
    """From here on nothing shall interrupt: what follows is cleaning up."""
    handle_signals(signal.SIG_IGN)


def build_dir() -> pathlib.Path:
    """Where meson built the binaries."""
    default = pathlib.Path(__file__).resolve().parents[2] / "build"
    return pathlib.Path(os.environ.get("BUB_BUILD", default))


def binary(relative: str) -> str:
    """Path of a binary below the build directory."""
    path = build_dir() / relative
    if not os.access(path, os.X_OK):
        raise LabError(f"{path} is missing: build first (./dev build), or set BUB_BUILD")
    return str(path)


def run(argv: list[str], text_in: str | None = None) -> str:
    """Runs a program to its end; returns what it printed, or raises with what it complained of."""
    try:
        done = subprocess.run(argv, input=text_in, capture_output=True, text=True, check=False)
    except FileNotFoundError:
        raise LabError(f"{argv[0]} is missing: ./dev setup installs it") from None
    if done.returncode != 0:
        said = (done.stderr or done.stdout).strip()
        raise LabError(f"{' '.join(argv)}: exit status {done.returncode}: {said}")
    return done.stdout


def inside(namespace: str, argv: list[str]) -> list[str]:
    """The command that runs @argv in a namespace.  Only the network changes, not the mounts."""
    return ["nsenter", f"--net=/run/netns/{namespace}", "--", *argv]


class Lines:
    """The lines of a text file that grows."""

    def __init__(self, path: pathlib.Path) -> None:
        self.path = path
        self.offset = 0
        self.rest = b""

    def read(self) -> list[str]:
        """Those that have come since, in full."""
        try:
            with open(self.path, "rb") as file:
                file.seek(self.offset)
                got = file.read()
        except FileNotFoundError:
            return []
        self.offset += len(got)
        *lines, self.rest = (self.rest + got).split(b"\n")
        return [line.decode() for line in lines]


class Child:
    """A program that runs beside the lab."""

    def __init__(self, name: str, argv: list[str], stderr: pathlib.Path | None = None) -> None:
        self.name = name
        self.log = stderr
        error = subprocess.DEVNULL if stderr is None else open(stderr, "ab")
        try:
            # A session of its own: Ctrl-C reaches the lab alone, which then stops all in order.
            self.process = subprocess.Popen(
                argv,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=error,
                text=True,
                start_new_session=True,
                env={**os.environ, MARK: str(os.getpid())},
            )
        except FileNotFoundError:
            raise LabError(f"{argv[0]} is missing: ./dev setup installs it") from None
        finally:
            if not isinstance(error, int):
                error.close()

    def alive(self) -> bool:
        return self.process.poll() is None

    def send(self, number: signal.Signals) -> None:
        if self.alive():
            self.process.send_signal(number)

    def last_words(self, lines: int = 5) -> str:
        """The end of its log, for error messages."""
        if self.log is None or not self.log.exists():
            return ""
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-lines:])

    def check(self) -> None:
        """Raises when it has ended although nobody asked it to."""
        if not self.alive():
            raise LabError(
                f"{self.name} ended with status {self.process.returncode}\n{self.last_words()}"
            )

    def output(self, timeout_s: float) -> str:
        """Waits for its end and returns what it printed."""
        try:
            return self.process.communicate(timeout=timeout_s)[0]
        except subprocess.TimeoutExpired:
            raise LabError(f"{self.name} did not end within {timeout_s:g} s") from None

    def stop(self, timeout_s: float = 5) -> int:
        """SIGTERM, and SIGKILL where that does not help; returns the exit status."""
        self.send(signal.SIGTERM)
        try:
            self.process.wait(timeout_s)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        if self.process.stdout is not None:
            self.process.stdout.close()
        return self.process.returncode


def wait_until(what: str, condition, timeout_s: float, poll_s: float = 0.02, check=None):
    """Polls until @condition() is true and returns its value; @check() may raise meanwhile."""
    end = time.monotonic() + timeout_s
    while True:
        value = condition()
        if value:
            return value
        if check is not None:
            check()
        if time.monotonic() >= end:
            raise LabError(f"waited {timeout_s:g} s in vain for: {what}")
        time.sleep(poll_s)
