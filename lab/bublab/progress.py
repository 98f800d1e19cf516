# SPDX-License-Identifier: BSD-2-Clause
"""What long work is busy with, on one line of a terminal that is written over; nowhere else."""

from __future__ import annotations

import shutil
import sys
import time


class Progress:
    """One line at the bottom of standard error; what is printed meanwhile goes by say()."""

    def __init__(self) -> None:
        self.start = time.monotonic()
        self.on = sys.stderr.isatty()
        self.shown = False

    def show(self, text: str) -> None:
        """Replaces the line: the seconds since the beginning, and @text."""
        if self.on:
            width = shutil.get_terminal_size().columns - 1
            line = f"{time.monotonic() - self.start:5.0f} s  {text}"[:width]
            sys.stderr.write(f"\r\x1b[K{line}")
            sys.stderr.flush()
            self.shown = True

    def clear(self) -> None:
        if self.shown:
            sys.stderr.write("\r\x1b[K")
            sys.stderr.flush()
            self.shown = False

    def say(self, text: str) -> None:
        """A line that stays."""
        self.clear()
        print(text, flush=True)
