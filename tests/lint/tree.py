# SPDX-License-Identifier: BSD-2-Clause
"""What the checks of this folder share: the files of the project, and how a result is told."""

import fnmatch
import pathlib
import subprocess
import sys


def files(root, *patterns):
    """Paths, relative to @root, of the files that match any of @patterns (fnmatch, '*' crosses
    folders): those under version control and new ones that git does not ignore."""
    root = pathlib.Path(root)
    argv = ["git", "-C", str(root), "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(argv, capture_output=True, check=False, text=True)
    if listed.returncode == 0:
        names = set(filter(None, listed.stdout.split("\0")))
    else:
        # A source tree without git, as in a package build.
        names = {str(path.relative_to(root)) for path in root.rglob("*")}
    return sorted(
        name
        for name in names
        if any(fnmatch.fnmatch(name, pattern) for pattern in patterns) and (root / name).is_file()
    )


def read(root, name):
    return (pathlib.Path(root) / name).read_text(encoding="utf-8")


def finish(problems, checked):
    """Prints what is wrong, one line each, and ends the program."""
    for problem in problems:
        print(problem)
    print(f"{checked}: {len(problems)} wrong" if problems else f"{checked}: all right")
    sys.exit(1 if problems else 0)
