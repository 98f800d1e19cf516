#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""Holds docs/CONFORMANCE.md to the code: what a row refers to must exist.

A row is `id | requirement | level | code | test | state`.  References stand in backquotes:

  code   `path` or `path:function`
  test   `path` or `path:name`
  state  done     code and test are both there
         partial  some of it is there: code, and what is missing in words
         open     not there yet
         n/a      nothing for this project to do; the code column says why, in words

A reference is right when the path exists below ROOT and the name occurs in that file as a word;
a function must be defined or declared in it.

  conformance.py ROOT [--summary]
"""

import collections
import pathlib
import re
import sys

import tree

TABLE = "docs/CONFORMANCE.md"
COLUMNS = ["id", "requirement", "level", "code", "test", "state"]
LEVELS = {"MUST", "MUST NOT", "SHOULD", "SHOULD NOT", "MAY", "figure", "rule", "decision"}
STATES = {"done", "partial", "open", "n/a"}

Row = collections.namedtuple("Row", ["line", *COLUMNS])


def cells(line):
    """Cells of one row; a bar inside backquotes or behind a backslash does not end a cell."""
    body = line.strip().strip("|")
    parts = re.findall(r"(?:`[^`]*`|\\\||[^|`])+|(?<=\|)(?=\|)", body)
    return [part.strip().replace(r"\|", "|") for part in parts]


def parse(text):
    """Returns the rows of all tables with our columns, and the problems of form."""
    rows, problems, inside = [], [], False
    for number, line in enumerate(text.splitlines(), 1):
        if not line.startswith("|"):
            inside = False
            continue
        row = cells(line)
        if row == COLUMNS:
            inside = True
        elif inside and not re.fullmatch(r"[|\s:-]+", line):
            if len(row) == len(COLUMNS):
                rows.append(Row(number, *row))
            else:
                problems.append(f"{TABLE}:{number}: {len(row)} cells, not {len(COLUMNS)}")
    return rows, problems


def references(cell):
    return re.findall(r"`([^`]+)`", cell)


def check_reference(root, reference, function):
    """What is wrong with one reference, or None."""
    path, _, name = reference.partition(":")
    file = pathlib.Path(root) / path
    if not file.exists():
        return f"no {path}"
    if not name:
        return None
    if not file.is_file():
        return f"{path} is no file, so it has no {name}"
    text = file.read_text(encoding="utf-8", errors="replace")
    # In C a definition or declaration begins in the first column, or ends with '(' after the name
    # on a line of its own; a macro counts too.
    definition = rf"^(?:[\w].*?[\s*]|#\s*define\s+|\s*def ){re.escape(name)}\(|^{re.escape(name)}\("
    if function and name.isidentifier() and file.suffix in (".c", ".h", ".py"):
        if not re.search(definition, text, re.MULTILINE):
            return f"{path} has no function {name}"
    elif not re.search(rf"(?<!\w){re.escape(name)}(?!\w)", text):
        return f"{path} has no {name}"
    return None


def check_row(root, row):
    problems = []
    code, test = references(row.code), references(row.test)
    if row.level not in LEVELS:
        problems.append(f"level '{row.level}'")
    if row.state not in STATES:
        problems.append(f"state '{row.state}'")
    if row.state == "done" and not (code and test):
        problems.append("done, but without a reference to code and to a test")
    if row.state == "partial" and not code:
        problems.append("partial, but without a reference to code")
    if row.state == "n/a" and not re.search(r"\w{3}", row.code):
        problems.append("n/a, but the code column does not say why")
    wrong = [check_reference(root, reference, True) for reference in code]
    wrong += [check_reference(root, reference, False) for reference in test]
    problems += filter(None, wrong)
    return [f"{TABLE}:{row.line}: {row.id}: {problem}" for problem in problems]


def check(root, text):
    rows, problems = parse(text)
    seen = {}
    for row in rows:
        if row.id in seen:
            problems.append(f"{TABLE}:{row.line}: {row.id} is also the id of line {seen[row.id]}")
        seen[row.id] = row.line
        problems += check_row(root, row)
    return rows, problems


def summary(rows):
    """Rows by state: the draft (D), our decisions (P), each chapter of RFC 6275 (R5, R6, ...), the other
    RFCs (K, E, T, F)."""
    counts = collections.defaultdict(collections.Counter)
    for row in rows:
        counts[re.match(r"R\d+|\w", row.id).group()][row.state] += 1
    order = ["done", "partial", "open", "n/a"]
    lines = [f"{'':8}" + "".join(f"{state:>9}" for state in order)]
    for part, count in counts.items():
        lines.append(f"{part:8}" + "".join(f"{count[state]:9}" for state in order))
    return "\n".join(lines)


def main():
    root = sys.argv[1]
    rows, problems = check(root, tree.read(root, TABLE))
    if not rows:
        problems.append(f"{TABLE}: no rows")
    print(summary(rows))
    if "--summary" not in sys.argv:
        tree.finish(problems, f"{len(rows)} rows")


if __name__ == "__main__":
    main()
