#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""Every reason to discard a packet, or to agree on no keys, is given somewhere in src/ and asserted by
some test.

Reasons: BUB_DROP_* (include/bub/error.h), enum esp_result (src/esp/esp.h), and why no keys were agreed
on (src/keys/keys_reason.h).  A test may name the enumerator, or in Python the counter.

  drops.py ROOT
"""

import re
import sys

import tree


def drop_reasons(root):
    """Yields (enumerator, counter name)."""
    text = tree.read(root, "include/bub/error.h")
    for name, counter in re.findall(r'^\tX\((\w+), "([\w-]+)"', text, re.MULTILINE):
        yield "BUB_DROP_" + name, counter


def esp_results(root):
    text = tree.read(root, "src/esp/esp.h")
    body = re.search(r"enum esp_result \{(.*?)\};", text, re.DOTALL).group(1)
    for name, counter in re.findall(r'^\t(ESP_\w+),\s*/\* "([\w-]+)"', body, re.MULTILINE):
        yield name, counter


def keys_reasons(root):
    text = tree.read(root, "src/keys/keys_reason.h")
    for name, counter in re.findall(r'^\tX\((\w+), "([\w-]+)"\)', text, re.MULTILINE):
        yield "KEYS_" + name, "keys-" + counter


def uses(texts, name):
    """True where @name stands for more than a row of a name table."""
    word = re.compile(rf"\b{name}\b")
    table = re.compile(rf"\[\s*{name}\s*\]\s*=|case {name}:")
    return any(
        word.search(line) and not table.search(line)
        for text in texts
        if name in text
        for line in text.splitlines()
    )


def main():
    root = sys.argv[1]
    source = [tree.read(root, f) for f in tree.files(root, "src/*.c", "src/*.h")]
    # The enumeration itself is no use of it.
    source = [re.sub(r"enum esp_result \{.*?\};", "", text, flags=re.DOTALL) for text in source]
    c_tests = [tree.read(root, f) for f in tree.files(root, "tests/*.c", "tests/*.h")]
    scripts = [f for f in tree.files(root, "tests/*.py") if not f.startswith("tests/lint/")]
    py_tests = [tree.read(root, f) for f in scripts]

    reasons = [*drop_reasons(root), *esp_results(root), *keys_reasons(root)]
    problems = []
    for name, counter in reasons:
        if not uses(source, name):
            problems.append(f"{name}: nothing in src/ gives this reason")
        if not uses(c_tests, name) and not any(f'"{counter}"' in text for text in py_tests):
            problems.append(f"{name}: no test asserts it")
    tree.finish(problems, f"{len(reasons)} reasons to discard")


if __name__ == "__main__":
    main()
