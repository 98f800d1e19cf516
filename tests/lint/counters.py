#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""Every counter that bubctl shows has a line in the manual, and the manual has no other.

  counters.py ROOT
"""

import re
import sys

import drops
import tree

PAGES = {"man/bub-counters.7": ".Sh PROTOCOL", "man/bubctl.8": ".Sh COUNTERS OF FLOODS"}


def body(text, start, end):
    return text[text.index(start) :].split(end, 1)[0]


def shown(root):
    """The names that the daemon gives its counters."""
    status = tree.read(root, "src/bubd/status.c")
    names = {counter for _, counter in [*drops.drop_reasons(root), *drops.esp_results(root)]}
    names |= set(re.findall(r'"([a-z-]+)"', body(status, "json_t *engine_counters", "\n}\n")))
    names |= set(re.findall(r'"discarded"\),\s*"([a-z-]+)"', status))
    messages = body(status, "json_t *status_messages", "\n}\n")
    names |= set(re.findall(r'"([a-z0-9]+)"', messages))
    names |= set(re.findall(r'^\tX\(\w+, "([\w-]+)"', tree.read(root, "src/bpf/bub_bpf.h"), re.M))
    reasons = tree.read(root, "src/keys/keys_reason.h")
    names |= {f"keys-{name}" for name in re.findall(r'^\tX\(\w+, "([\w-]+)"', reasons, re.M)}
    names |= set(re.findall(r'"(keys-[\w-]+)"', tree.read(root, "src/bubd/keytally.h")))
    names |= set(re.findall(r'return "(keys-[\w-]+)"', tree.read(root, "src/bubd/keytally.c")))
    for name in tree.files(root, "src/linux/*.c"):
        names |= set(re.findall(r'^\t\[COUNT_\w+\] = "([\w-]+)"', tree.read(root, name), re.M))
    return names


def told(root):
    """The names that the manual has, in the order of its pages."""
    found = []
    for page, start in PAGES.items():
        for line in re.findall(r"^\.It Cm (.*)", body(tree.read(root, page), start, ".Sh SEE ALSO"), re.M):
            found += [name.strip() for name in line.split(" , ")]
    return found


def main():
    root = sys.argv[1]
    names = shown(root)
    manual = told(root)
    problems = [f"{name}: not in the manual" for name in sorted(names - set(manual))]
    problems += [f"{name}: the manual has it, no program" for name in sorted(set(manual) - names)]
    problems += [f"{name}: twice" for name in sorted({n for n in manual if manual.count(n) > 1})]
    tree.finish(problems, f"{len(names)} counters")


if __name__ == "__main__":
    main()
