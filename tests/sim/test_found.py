#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""Runs that once showed a bug do not fail any more.

  test_found.py BUBSIM LIST
"""

import subprocess
import sys


def main():
    bubsim, path = sys.argv[1:]
    with open(path, encoding="utf-8") as f:
        runs = [line.split() for line in f if line.strip() and not line.startswith("#")]
    failed = 0
    for run in runs:
        done = subprocess.run(
            [bubsim, *run, "--no-shrink"], capture_output=True, text=True, check=False
        )
        if done.returncode != 0:
            failed += 1
            print(f"bubsim {' '.join(run)}: {done.returncode}\n{done.stdout}{done.stderr}")
    print(f"{len(runs)} runs, {failed} failed")
    return failed > 0


if __name__ == "__main__":
    sys.exit(main())
