#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""Return routability and its Binding Updates at a correspondent, the engine alone on one core, against the hashes
that RFC 6275, 5.2 asks of it and nothing else."""

import sys

import frame


def main():
    bench = frame.Bench("correspondent", __doc__)
    bench.argument("program", help="bench_correspondent")
    args = bench.start()
    for row, what in (("Home Test and Care-of Test", "tests"), ("Binding Updates under Kbm", "updates")):
        bench.compare(row, {
            "the hashes alone": lambda what=what: frame.numbers([args.program, what, "limit"]),
            "bub": lambda what=what: frame.numbers([args.program, what]),
        }, reach={"bub": ">= 0.5"})
    return bench.finish()


if __name__ == "__main__":
    sys.exit(frame.ended(main))
