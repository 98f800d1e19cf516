#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""How long a double jump takes when packets get lost: Binding Update Backhauling against route optimisation alone.

Played by the simulator, in the laboratory's internet (docs/lab.md): home agents 15 ms from the core, access routers
10 ms and 5 ms of radio.  Both nodes change their access routers at the same instant, again and again, while data
goes both ways each millisecond.  Each of the eight links loses so many per cent of the packets in each direction.
"Data" comes by whatever way, and may do so through the home agents before anybody has answered; "direct data" needs
the peers to know each other's care-of addresses.  Either counts until it has come to both.
"""

import itertools
import re
import subprocess
import sys
import tempfile

import frame

PAUSE_S = 6  # a handover that takes longer counts as so long
FIRST_S = 60  # by then both are in the mode that they are to be in; nothing gets lost before
LINE = re.compile(r"handovers, (\w[\w ]*) after: median ([\d.]+) ms, 95 % ([\d.]+)")


def topology(mode, loss, jumps, seed):
    def lost(links):
        return f"loss {100 * (1 - (1 - loss / 100) ** links):.3f}% from {FIRST_S}s" if loss else ""

    policy = "bub never" if mode == "ro" else ""
    lines = [
        f"seed {seed}",
        f"time {FIRST_S + 10 + jumps * PAUSE_S}s",
        *(f"place home{n} 2001:db8:{n}::/64 delay 15ms {lost(1)}" for n in (1, 2)),
        *(f"agent ha{n} at home{n}" for n in (1, 2)),
        *(f"place {n}{s} 2001:db8:{n}{s}::/64 delay 15ms {lost(2)}" for n in (1, 2) for s in "ab"),
        *(f"mobile mn{n} agent ha{n} at {n}a {policy}" for n in (1, 2)),
        "pair mn1 mn2 every 1ms",
    ]
    for number in range(jumps):
        lines += [f"at {FIRST_S + 5 + number * PAUSE_S}s move mn{n} {n}{'ba'[number % 2]}" for n in (1, 2)]
    return "\n".join(lines) + "\n"


def play(bubsim, mode, loss, jumps, seed):
    with tempfile.NamedTemporaryFile("w", suffix=".sim") as file:
        file.write(topology(mode, loss, jumps, seed))
        file.flush()
        done = subprocess.run([bubsim, "--topology", file.name, "--gaps", "--no-oracles"],
                              capture_output=True, text=True, check=False)
    told = {what: (float(median), float(late)) for what, median, late in LINE.findall(done.stdout)}
    if done.returncode != 0 or len(told) != 2:
        raise SystemExit(f"bubsim: {done.stdout[-500:]}{done.stderr[-500:]}")
    return {f"ms {what}, {name}": told[what][i]
            for what in ("direct data", "data") for i, name in enumerate(("median", "95 %"))}


def main():
    bench = frame.Bench("handover-loss", __doc__)
    bench.argument("bubsim")
    bench.argument("--jumps", type=int, default=50)
    args = bench.start()
    for loss in (0, 1, 3, 10):
        seeds = {mode: itertools.count(1) for mode in ("ro", "bub")}
        bench.compare(f"double jump, {loss} % loss on every link", {
            mode: lambda mode=mode: play(args.bubsim, mode, loss, args.jumps, next(seeds[mode]))
            for mode in seeds}, reach={"bub": "<= 0.33"})
    return bench.finish()


if __name__ == "__main__":
    sys.exit(frame.ended(main))
