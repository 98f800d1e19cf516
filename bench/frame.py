# SPDX-License-Identifier: BSD-2-Clause
"""What all benchmarks have in common: variants measured in turn, their ratios, a table, a file of results.

The machine is shared, and its speed changes from minute to minute.  So no figure stands alone: variants
are measured in turn (A B C, A B C, ...), each is divided by the first one's of the same round, and the
table has the median of these ratios with the smallest and the largest.

    bench = frame.Bench("name", __doc__)
    args = bench.start()
    bench.compare("what is measured", {"raw": measure_raw, "bub": measure_bub}, reach={"bub": ">= 0.9"})
    return bench.finish()          # and sys.exit(frame.ended(main))

A variant is a callable that measures once and returns {unit: number}; each unit is a line of the table.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import os
import pathlib
import platform
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Sequence

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "lab"))

from bublab import progress, remains  # noqa: E402
from bublab.system import LabError  # noqa: E402

RESULTS = HERE / "results"
SKIPPED = 77
ROUNDS = 3
REACHES = {">=": lambda got, wanted: got >= wanted, "<=": lambda got, wanted: got <= wanted}

Variant = Callable[[], dict[str, float]]


class Missing(Exception):
    """A variant cannot run on this machine; says why."""


@dataclasses.dataclass
class Spread:
    """Several measurements of one thing."""

    median: float
    low: float
    high: float

    @classmethod
    def of(cls, values: Sequence[float]) -> Spread:
        return cls(statistics.median(values), min(values), max(values))

    def __str__(self) -> str:
        return f"{number(self.median):>8}  {number(self.low) + ' to ' + number(self.high):<17}"


def number(value: float) -> str:
    """Three digits that count, and thousands with commas."""
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:#.3g}".rstrip(".")


def scaled(value: float, unit: str) -> tuple[float, str]:
    """In thousand millions where that is easier to read."""
    return (value / 1e9, "G" + unit) if unit.startswith("bit/s") else (value, unit)


class Bench:
    """One run of one benchmark."""

    def __init__(self, name: str, about: str) -> None:
        self.name = name
        self.parser = argparse.ArgumentParser(
            prog=name, description=about, formatter_class=argparse.RawDescriptionHelpFormatter
        )
        self.argument = self.parser.add_argument
        self.rows: list[dict] = []
        self.busy = progress.Progress()
        self.before: dict[tuple[str, str, str], dict] = {}
        self.missing: dict[str, str] = {}

    def start(self) -> argparse.Namespace:
        """Reads the arguments; from here on all that is made goes when the program ends."""
        self.argument("--rounds", type=int, default=ROUNDS, metavar="N", help="of each variant")
        self.argument("--only", default="", metavar="TEXT", help="rows that have it in their names")
        self.argument("--compare", type=pathlib.Path, metavar="OLD.json", help="ratios of that run beside")
        self.args = self.parser.parse_args()
        if self.args.compare:
            for row in json.loads(self.args.compare.read_text())["rows"]:
                self.before[row["row"], row["variant"], row["unit"]] = row
        remains.interruptible()
        remains.begin()
        self.began = facts()
        return self.args

    def compare(
        self,
        row: str,
        variants: dict[str, Variant],
        reach: dict[str, str] | None = None,
        difference: bool = False,
        rounds: int | None = None,
    ) -> None:
        """Measures the variants in turn, and prints a line for each and each of its units.

        The first variant is the base: others are divided by it, or it is subtracted from them where
        @difference is asked for.  @reach: what the ratio of a variant's first unit should be, as ">= 0.9".
        """
        if self.args.only not in row:
            return
        got: dict[str, list[dict[str, float]]] = {name: [] for name in variants}
        total = rounds or self.args.rounds
        for turn in range(total):
            for name, measure in variants.items():
                if name in self.missing:
                    continue
                self.busy.show(f"{self.name}: {row}: {name}, round {turn + 1} of {total}")
                try:
                    got[name].append(measure())
                except Missing as why:
                    self.missing[name] = str(why)
                    self.busy.say(f"without {name}: {why}")
        self._report(row, {name: rounds for name, rounds in got.items() if rounds}, reach or {}, difference)

    def _report(self, row: str, got: dict[str, list[dict]], reach: dict[str, str], difference: bool) -> None:
        if not got:
            return
        base = next(iter(got.values()))
        self.busy.say(f"\n{row}\n{'':34} {'':12} {'median':>8}  {'smallest, largest':<17}"
                      f" {'difference' if difference else 'ratio':>10}")
        for name, rounds in got.items():
            for unit in rounds[0]:
                values, measure = zip(*(scaled(one[unit], unit) for one in rounds))
                line = {"row": row, "variant": name, "unit": unit, "values": [one[unit] for one in rounds]}
                text = f"{name:34} {measure[0]:12} {Spread.of(values)}"
                if rounds is not base and unit in base[0]:
                    pairs = [(one[unit], other[unit]) for one, other in zip(rounds, base)]
                    spread = Spread.of([a - b if difference else a / b if b else 0 for a, b in pairs])
                    line |= {"base": next(iter(got)), "difference": difference, **dataclasses.asdict(spread)}
                    text += f"   {spread}"
                    if unit == next(iter(rounds[0])) and name in reach:
                        line["reach"] = reach[name]
                        text += f" {verdict(spread.median, reach[name])}"
                    old = self.before.get((row, name, unit), {})
                    if "median" in old:
                        text += f" before: {number(old['median'])}"
                self.rows.append(line)
                self.busy.say(text.rstrip())

    def finish(self) -> int:
        """Writes the results; returns the exit status."""
        self.busy.clear()
        if not self.rows:
            print(f"{self.name}: skipped: {'; '.join(self.missing.values()) or 'no such row'}")
            return SKIPPED
        RESULTS.mkdir(exist_ok=True)
        path = RESULTS / f"{self.name}-{time.strftime('%Y%m%d-%H%M%S')}.json"
        facts_of_run = {"began": self.began, "ended": facts(), "missing": self.missing}
        path.write_text(json.dumps({"benchmark": self.name, **facts_of_run, "rows": self.rows}, indent=1) + "\n")
        print(f"\nwritten: {os.path.relpath(path)}", flush=True)
        return 0


def verdict(got: float, reach: str) -> str:
    """@reach: a comparison and a number."""
    how, wanted = reach.split()
    return f"reaches {reach}" if REACHES[how](got, float(wanted)) else f"SHORT OF {reach}"


def facts() -> dict[str, object]:
    """What a reader has to know of the machine, and of what ran on it."""
    cpu = [line.split(":", 1)[1].strip() for line in pathlib.Path("/proc/cpuinfo").read_text().splitlines()
           if line.startswith("model name")]
    git = ["git", "-C", str(HERE), "describe", "--always", "--dirty", "--abbrev=12"]
    revision = subprocess.run(git, capture_output=True, text=True, check=False).stdout.strip()
    return {
        "time": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        "cpu": cpu[0] if cpu else platform.machine(),
        "cpus": os.cpu_count(),
        "kernel": platform.release(),
        "load": os.getloadavg(),
        "revision": revision,
    }


def ended(main: Callable[[], int]) -> int:
    """The exit status of a benchmark; what it needs as a whole may be missing."""
    try:
        return main()
    except Missing as why:
        print(f"skipped: {why}")
        return SKIPPED
    except LabError as error:
        print(error, file=sys.stderr)
        return 1


# ---- Measuring -----------------------------------------------------------------------------------


def numbers(argv: Sequence[str]) -> dict[str, float]:
    """Runs a program to its end that prints lines of a unit and, as the last word, a number."""
    done = subprocess.run(argv, stdout=subprocess.PIPE, text=True, check=False)
    if done.returncode == SKIPPED:
        raise Missing(done.stdout.strip())
    if done.returncode != 0:
        raise SystemExit(f"{' '.join(argv)}: exit status {done.returncode}")
    words = [line.rsplit(None, 1) for line in done.stdout.splitlines()]
    return {unit: float(value) for unit, value in words}


def spent(*pids: int) -> float:
    """Seconds of CPU time that processes have had so far, in all their threads that are alive."""
    total = 0
    for pid in pids:
        for task in pathlib.Path(f"/proc/{pid}/task").iterdir():
            total += int((task / "schedstat").read_text().split()[0])
    return total / 1e9
