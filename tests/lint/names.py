#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""A backtrace, a profile and a break point name a function without its file.  So the name of a
file-local function is that of no other function below src/.

  names.py CTAGS ROOT
"""

import collections
import sys

import structure
import tree

# Names that are not unique yet, and where.  The list may only shrink.
TWICE = {
    "local_add": {"src/link/facts.c", "src/linux/ops.c"},
}


def clashes(found):
    """{name: files} of the functions of @found, as structure.functions() yields them, which have a
    namesake, and of which one at least is file-local."""
    files = collections.defaultdict(set)
    local = set()
    for name, function, _, _, public in found:
        files[function].add(name)
        if not public or name.endswith(".h"):
            local.add(function)
    return {function: files[function] for function in local if len(files[function]) > 1}


def compare(found, allowed):
    problems = []
    for function, names in sorted(found.items()):
        if names != allowed.get(function):
            problems.append(f"{function}(): in {', '.join(sorted(names))}")
    for function in sorted(set(allowed) - set(found)):
        problems.append(f"{function}(): listed, but the name is unique")
    return problems


def main():
    ctags, root = sys.argv[1:]
    names = tree.files(root, "src/*.c", "src/*.h")
    found = list(structure.functions(ctags, root, names))
    problems = compare(clashes(found), TWICE)
    tree.finish(problems, f"names of {len(found)} functions")


if __name__ == "__main__":
    main()
