#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""tools/packages.txt names each package once, for commands that ./dev knows, and with a reason; what
the Debian packages need to be built and to run is among what ./dev build and ./dev demo install.

  packages.py ROOT
"""

import re
import sys

import tree

# What only the packages need: the tool that makes them; packages of ours; ${shlibs:Depends} and such.
ONLY_THERE = re.compile(r"debhelper-compat|python3$|bub|\$\{")


def listed(root):
    """{package: groups}, and what is wrong with the list."""
    packages, problems = {}, []
    dev = tree.read(root, "dev")
    known = {group for name in ("tests", "everything")
             for group in re.search(rf'^{name}="(.*?)"', dev, re.M)[1].split()} - {"$tests"}
    for line in tree.read(root, "tools/packages.txt").splitlines():
        if line.startswith("#"):
            continue
        words = line.split(None, 2)
        if len(words) < 3:
            problems.append(f"not 'package group reason': {line}")
            continue
        name, groups = words[0].split(":")[0], words[1]
        if name in packages:
            problems.append(f"{name}: twice")
        packages[name] = set(groups.split(","))
        problems += [f"{name}: ./dev knows no group {g}" for g in packages[name] - known]
    return packages, problems


def wanted(control, field, package=None):
    """The packages that a field of debian/control names, of the source or of @package."""
    for paragraph in re.sub(r"\n[ \t]+", " ", control).split("\n\n"):
        fields = dict(line.split(": ", 1) for line in paragraph.splitlines() if ": " in line)
        if fields.get("Package") == package and field in fields:
            return [re.split(r"[ |]", name)[0] for name in re.split(r", *", fields[field])]
    return []


def main():
    root = sys.argv[1]
    packages, problems = listed(root)
    control = tree.read(root, "packaging/debian/control")
    for names, groups in (
        (wanted(control, "Build-Depends"), {"build"}),
        (wanted(control, "Depends", "bub-lab"), {"build", "lab"}),
    ):
        if not names:
            problems.append("packaging/debian/control: no field to compare with")
        for name in names:
            if not ONLY_THERE.match(name) and not packages.get(name, set()) & groups:
                problems.append(f"{name}: in debian/control, but in no group {' or '.join(groups)}")
    tree.finish(problems, f"{len(packages)} packages")


if __name__ == "__main__":
    main()
