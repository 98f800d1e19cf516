#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""How fast the simulator plays, with its link layer and without: processor time and memory of one worker.

Nodes walk at random, about 78 handovers an hour each.  The issue that asks for these figures has 1,000 pairs
and one simulated hour; --time takes less of it.
"""

import os
import subprocess
import sys

import frame

FAULTS = {"engines alone": "walk", "with the link layer": "walk,link"}


def play(bubsim, pairs, seconds, faults):
    """The processor's seconds, and megabytes."""
    argv = [bubsim, "--seed", "1", "--pairs", str(pairs), "--time", str(seconds), "--faults", faults,
            "--threads", "no", "--no-shrink"]
    child = subprocess.Popen(argv, stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(child.pid, 0)
    child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode != 0:
        raise SystemExit(f"{' '.join(argv)}: exit status {child.returncode}")
    return {"CPU s": usage.ru_utime + usage.ru_stime, "MB": usage.ru_maxrss / 1024}


def main():
    bench = frame.Bench("sim", __doc__)
    bench.argument("bubsim")
    bench.argument("--time", type=int, default=60, metavar="S", help="simulated")
    args = bench.start()
    for pairs in (100, 1000):
        bench.compare(f"{pairs} pairs, {args.time} simulated seconds", {
            name: lambda faults=faults: play(args.bubsim, pairs, args.time, faults)
            for name, faults in FAULTS.items()}, reach={"with the link layer": "<= 1.5"})
    return bench.finish()


if __name__ == "__main__":
    sys.exit(frame.ended(main))
