#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""Rules that every source file keeps: licence line, opening comment, length, form of citations.

  sources.py ROOT
"""

import re
import sys

import tree

LINES_MAX = 1000
LICENCE = "SPDX-License-Identifier: BSD-2-Clause"
# The kernel takes some helpers only from programs that may be had under the GPL.
LICENCE_BPF = re.compile(r"SPDX-License-Identifier: \(?(GPL-2\.0\S* OR BSD-2|BSD-2\S* OR GPL-2\.0)")

# `RFC 6275, 9.5.1` and nothing else, so that one grep finds code and tests.
BAD_CITATION = re.compile(
    r"\bRFC\d|\brfc \d|RFC[ -]\d{4,5}[,:]? (?:\u00a7|[Ss]ec\.?\s?\d|[Ss]ection \d+\.)"
    r"|RFC-\d{4}|RFC \d{4,5}:? \d+\.\d|[Ss]ection [\d.]+ of RFC"
)
# Spelled apart, so that this file does not find itself.
LEFT_OVER = re.compile(r"\b(TO" r"DO|FIX" r"ME|X" r"XX)\b")


def check_licence(name, lines):
    head = [line for line in lines[:3] if not line.startswith("#!")][:1]
    first = head[0] if head else ""
    if name.startswith("src/bpf/") and name.endswith((".c", ".h")):
        return [] if LICENCE_BPF.search(first) else [f"{name}: no dual BSD/GPL SPDX line on top"]
    return [] if LICENCE in first else [f"{name}: no '{LICENCE}' on top"]


def check_comment(name, lines):
    """The comment that says what the file owns, and what not, right behind the licence line."""
    if len(lines) < 2 or not lines[1].startswith("/*"):
        return [f"{name}:2: no opening comment"]
    if not re.search(r"\w", " ".join(lines[1:3])):
        return [f"{name}:2: the opening comment says nothing"]
    return []


def check_lines(name, lines):
    problems = []
    c_file = name.endswith((".c", ".h"))
    for number, line in enumerate(lines, 1):
        at = f"{name}:{number}"
        if LEFT_OVER.search(line):
            problems.append(f"{at}: {LEFT_OVER.search(line).group()}: do it, or open an issue")
        # Strings are left out: other programs have names with RFC numbers in them.
        cited = BAD_CITATION.search(re.sub(r'"(\\.|[^"\\])*"', "", line))
        if cited and (c_file or name.endswith(".py")):
            problems.append(f"{at}: cite as 'RFC 6275, 9.5.1': {cited.group()}")
        if "\t" in line and name.endswith((".yml", ".yaml")):
            problems.append(f"{at}: tab in YAML")
        if line != line.rstrip() and not name.endswith(".md"):
            problems.append(f"{at}: blanks at the end of the line")
    return problems


# What takes a number from a generator.
DRAW = re.compile(r"\b(?:rng_(?:next|below|between|one_in|hits)|any_access|evil_address|world_random)\(")


def closing(text, at):
    """Where the parenthesis ends that opens at @at."""
    depth = 0
    for i in range(at, len(text)):
        depth += (text[i] == "(") - (text[i] == ")")
        if depth == 0:
            return i
    return len(text)


def check_draws(name, text):
    """In which order the arguments of a call, the operands of "|" and the members of an initialiser are
    evaluated, compilers disagree: two numbers that are drawn there make other runs of one seed."""
    problems = []
    text = re.sub(r"/\*.*?\*/", lambda m: re.sub(r"[^\n]", " ", m.group()), text, flags=re.S)
    for chunk in re.finditer(r"(?:[^;{}]|(?<!\))(?<!\w)\{[^;{}]*\})+", text):
        draws = [(m.start(), closing(chunk.group(), m.end() - 1)) for m in DRAW.finditer(chunk.group())]
        for (a, a_end), (b, _) in zip(draws, draws[1:]):
            between = chunk.group()[a_end + 1:b]
            before = chunk.group()[:a_end + 1]
            outer = all(before.count(c) == before.count(d) for c, d in ("()", "{}"))
            headed = re.search(r"\)\s*(?=[\w*])", between)  # "if (...) ..."
            if headed:
                head = before + between[:headed.end()]
                headed = head.count("(") <= head.count(")")
            mixed = re.search(r"(?<!\|)\|(?!\|)|\^", between)
            if b < a_end or headed or (outer and between.startswith(",")):
                continue
            if re.search(r"&&|\|\||\?|:", between) and not mixed:
                continue
            line = text.count("\n", 0, chunk.start() + b) + 1
            problems.append(f"{name}:{line}: two draws in no order that C says; a statement for each")
    return problems


def main():
    root = sys.argv[1]
    problems = []
    code = tree.files(root, "*.c", "*.h", "*.py", "*/meson.build", "meson*", "dev", "tools/*")
    code = [name for name in code if not name.endswith((".cfg", ".txt")) or "meson" in name]
    text = tree.files(root, "*.yml", "*.yaml", "*.conf", "man/*.[1-8]")
    for name in sorted({*code, *text}):
        if name == "tests/lint/sources.py":
            continue
        lines = tree.read(root, name).splitlines()
        if name in code:
            problems += check_licence(name, lines)
        if name.endswith((".c", ".h")):
            problems += check_comment(name, lines)
            if len(lines) > LINES_MAX:
                problems.append(f"{name}: {len(lines)} lines, at most {LINES_MAX}")
        problems += check_lines(name, lines)
        if name.startswith("src/bubsim/"):
            problems += check_draws(name, "\n".join(lines))
    tree.finish(problems, f"{len(code) + len(text)} files")


if __name__ == "__main__":
    main()
