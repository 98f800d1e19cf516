# SPDX-License-Identifier: BSD-2-Clause
"""What bub's tools leave behind when they are killed, and how the next of them finds it.

The lab, the network tests, the benchmarks and tools/run-tests call begin().  From then on all that a
run makes carries its process id: namespaces are called bub-PID-NAME, folders are /run/bub-tools/PID
and bub-PID-* among the temporary files, and processes have it in their environment.  A run holds a
lock on its folder, which the kernel lets go when it dies in whatever way, so a run that goes on is
never taken for a dead one.  Interfaces, routes and BPF programs go with their namespaces.
"""

from __future__ import annotations

import atexit
import contextlib
import dataclasses
import fcntl
import os
import pathlib
import re
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Callable, Iterator

from .system import MARK, SIGNALS, handle_signals, ignore_signals, run

RUN_DIR = pathlib.Path("/run/bub-tools")


@dataclasses.dataclass
class Cleaned:
    """How much of dead runs was removed."""

    namespaces: int = 0
    processes: int = 0
    folders: int = 0

    def __str__(self) -> str:
        return f"{self.namespaces} namespaces, {self.processes} processes, {self.folders} folders"

    def __bool__(self) -> bool:
        return bool(self.namespaces or self.processes or self.folders)

    def __iadd__(self, other: Cleaned) -> Cleaned:
        self.namespaces += other.namespaces
        self.processes += other.processes
        self.folders += other.folders
        return self


# ---- A run's own -------------------------------------------------------------------------------


def namespace(name: str) -> str:
    """What a namespace of this run is called."""
    return f"bub-{os.getpid()}-{name}"


def begin() -> Cleaned:
    """Removes what dead runs have left, and has all that this one makes removed when it ends.
    Without root there are temporary files and processes only."""
    done = Cleaned()
    # Nothing between the making of a thing and the note of it.
    before = signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)
    try:
        atexit.register(_finish, os.getpid())
        if os.geteuid() == 0:
            done = clean(then=_hold)
        os.environ[MARK] = str(os.getpid())
        with contextlib.suppress(OSError):  # see temporary_folders()
            tempfile.tempdir = tempfile.mkdtemp(prefix=temporary_prefix(os.getpid()))
            os.environ["TMPDIR"] = tempfile.tempdir
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
    return done


def _hold() -> None:
    folder = RUN_DIR / str(os.getpid())
    folder.mkdir()
    # It stays open, and no program that is started inherits it.
    fcntl.flock(os.open(folder, os.O_RDONLY | os.O_DIRECTORY), fcntl.LOCK_EX)


def _finish(pid: int) -> None:
    if os.getpid() != pid:  # a fork of it
        return
    ignore_signals()
    remove_run(pid)
    # Where begin() has failed this is the folder of everybody.
    if tempfile.tempdir is not None and pathlib.Path(tempfile.tempdir).name.startswith(temporary_prefix(pid)):
        shutil.rmtree(tempfile.tempdir, ignore_errors=True)


def alone(folder: pathlib.Path, what: str) -> None:
    """Ends the program when another one has called this for @folder and still runs."""
    lock = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        sys.exit(f"{what} in {folder.absolute()} already: wait for its end, or use another clone")


def interruptible() -> None:
    """SIGINT, SIGTERM and SIGHUP end the program as an exception that no `except Exception` keeps,
    once: what follows is cleaning up."""

    def interrupt(number: int, _frame: object) -> None:
        ignore_signals()
        raise KeyboardInterrupt(signal.Signals(number).name)

    def say(kind: type, error: BaseException, trace: object) -> None:
        if kind is KeyboardInterrupt:
            print(f"interrupted by {error}", file=sys.stderr)
        else:
            sys.__excepthook__(kind, error, trace)

    handle_signals(interrupt)
    sys.excepthook = say


# ---- Finding and removing ----------------------------------------------------------------------


def namespaces() -> list[str]:
    folder = pathlib.Path("/run/netns")
    return sorted(path.name for path in folder.iterdir()) if folder.is_dir() else []


def temporary_prefix(pid: int) -> str:
    """What the names of a run's temporary folders begin with."""
    return f"bub-{pid}-"


def temporary_folders() -> Iterator[tuple[pathlib.Path, int]]:
    """Those of runs, with the run's process id.  Others may write where they are, too."""
    try:
        where = pathlib.Path(tempfile.gettempdir())
    except FileNotFoundError:  # a file system that is read-only
        return
    for path in where.glob("bub-*"):
        found = re.fullmatch(r"bub-(\d+)-\w+", path.name)
        if found and not path.is_symlink() and path.is_dir() and path.stat().st_uid == os.geteuid():
            yield path, int(found[1])


def marked() -> dict[int, int]:
    """Processes that a run has started, alive or not, and the process id of that run."""
    found = {}
    for folder in pathlib.Path("/proc").iterdir():
        if not folder.name.isdigit():
            continue
        try:
            words = (folder / "environ").read_bytes().split(b"\0")
        except OSError:  # it has ended
            continue
        for word in words:
            name, _, value = word.partition(b"=")
            if name == MARK.encode() and value.isdigit():
                found[int(folder.name)] = int(value)
    found.pop(os.getpid(), None)
    return found


def end(pids: Callable[[], list[int]]) -> int:
    """Ends processes by SIGTERM, and by SIGKILL those that stay; @pids: those that are still there.
    Returns how many there were."""
    count = len(pids())
    for number in (signal.SIGTERM, signal.SIGKILL):
        last = time.monotonic() + 2
        while left := pids():
            for pid in left:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, number)
            if time.monotonic() > last:
                break
            time.sleep(0.05)
    return count


def remove_namespaces(prefix: str) -> int:
    """Removes those whose names begin with this and '-', with all that is in them."""
    mine = [name for name in namespaces() if name.startswith(f"{prefix}-")]
    for name in mine:  # nothing but ours can be in there
        end(lambda n=name: [int(pid) for pid in run(["ip", "netns", "pids", n]).split()])
    if mine:
        run(["ip", "-batch", "-"], "".join(f"netns del {name}\n" for name in mine))
    return len(mine)


def remove_run(pid: int) -> Cleaned:
    """Removes all that a run has made but its temporary files."""
    done = Cleaned()
    done.processes = end(lambda: [one for one, owner in marked().items() if owner == pid])
    done.namespaces = remove_namespaces(f"bub-{pid}")
    folder = RUN_DIR / str(pid)
    if folder.is_dir():
        shutil.rmtree(folder)
        done.folders = 1
    return done


def alive(pid: int) -> bool:
    """Does a run of this process id go on?  The number alone may have gone to another process."""
    with contextlib.suppress(OSError):
        if os.readlink(f"/proc/{pid}/ns/mnt") != os.readlink("/proc/self/ns/mnt"):
            return True  # its folder may be in a /run of its own
    try:
        folder = os.open(RUN_DIR / str(pid), os.O_RDONLY | os.O_DIRECTORY)
    except OSError:
        return False
    try:
        fcntl.flock(folder, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(folder)
    return False


def owners() -> set[int]:
    """Runs that have left something, or that go on."""
    found = set(marked().values()) | {pid for _path, pid in temporary_folders()}
    for name in namespaces():
        number = re.match(r"bub-(\d+)-", name)
        if number:
            found.add(int(number[1]))
    found.update(int(path.name) for path in RUN_DIR.iterdir() if path.name.isdigit())
    return found


def clean(then: Callable[[], None] = lambda: None) -> Cleaned:
    """Removes what dead runs left behind, and calls @then.  Only one run at a time does so."""
    RUN_DIR.mkdir(parents=True, exist_ok=True)
    done = Cleaned()
    with open(RUN_DIR / "lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        # A dead run's processes may have been runs themselves, dead only now.
        while dead := sorted(owner for owner in owners() if not alive(owner)):
            before = str(done)
            for owner in dead:
                done += remove_run(owner)
                for path, pid in temporary_folders():
                    if pid == owner:
                        shutil.rmtree(path, ignore_errors=True)
                        done.folders += 1
            if str(done) == before:
                break
        then()
    return done
