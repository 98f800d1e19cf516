#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""mandoc finds nothing to warn about in the man pages.

  man.py ROOT
"""

import os
import re
import shutil
import subprocess
import sys

import tree

SKIP = 77  # meson's exit status for a test that cannot run


def main():
    root = sys.argv[1]
    pages = tree.files(root, "man/*.[1-8]")
    if not pages or shutil.which("mandoc") is None:
        print("no man pages" if not pages else "no mandoc")
        sys.exit(SKIP)
    argv = ["mandoc", "-T", "lint", "-W", "warning"]
    argv += [os.path.join(root, page) for page in pages]
    found = subprocess.run(argv, stdout=subprocess.PIPE, check=False, text=True).stdout
    problems = found.splitlines()
    for page in pages:
        # The second one is inside of the first: all the quotes would close at the end of the line.
        problems += [f"{page}:{n}: Qq in Qq; write Qo ... Qc"
                     for n, line in enumerate(tree.read(root, page).splitlines(), 1)
                     if re.search(r"^\.(.* )?Qq .* Qq ", line)]
    tree.finish(problems, f"{len(pages)} man pages")


if __name__ == "__main__":
    main()
