#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""Diffie-Hellman exchanges that one core answers in a second, against the two X25519 operations in each."""

import sys

import frame


def main():
    bench = frame.Bench("dh", __doc__)
    bench.argument("program")
    args = bench.start()
    bench.compare("DH exchanges as responder", {
        "limit: a key pair and a secret": lambda: frame.numbers([args.program, "limit"]),
        "bub": lambda: frame.numbers([args.program, "bub"])}, reach={"bub": ">= 0.8"})
    return bench.finish()


if __name__ == "__main__":
    sys.exit(frame.ended(main))
