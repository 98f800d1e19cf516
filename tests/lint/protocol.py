#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""Holds docs/protocol.md to the code, and the code's citations to docs/protocol.md.

- A citation, `protocol.md, 3.4` or `protocol.md, 5 and P14`, names sections and decisions that exist.
- A link within the page leads to a heading.
- Decisions stand in the order of their numbers, each number once.
- A counter in a column "counted as" is a reason to discard.
- A constant in section 10 is defined in src/core, with a value that stands in its row; a keyword is
  one of the configuration.

  protocol.py ROOT
"""

import re
import sys

import tree

PAGE = "docs/protocol.md"
CITING = ("src/*", "include/*", "tests/*", "fuzz/*", "lab/*", "docs/*.md", "man/*", "etc/*", "*.md")
# What may stand between a citation's parts when a comment goes on in the next line.
GAP = r"(?:\s|\*|#|//)*"
PLACE = r"(?:P\d+|\d+(?:\.\d+)*)"
CITATION = re.compile(
    rf"protocol\.md`?(?:,|:)?{GAP}((?:(?:section|decision)s? )?{PLACE}"
    rf"(?:(?:,{GAP}|{GAP}and{GAP}|{GAP}to{GAP})(?:decision )?{PLACE})*)"
)
# Its own test makes citations up.
NOT_CITING = "tests/lint/test_protocol.py"
WORDS = ("one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")
BY_TITLE = re.compile(r'protocol\.md,\s*"')


def headings(text):
    """Numbers and anchors of the sections."""
    numbers, anchors = set(), set()
    for title in re.findall(r"^#+ (.*)$", text, re.MULTILINE):
        number = re.match(r"(\d+(?:\.\d+)*)\.? ", title)
        if number:
            numbers.add(number.group(1))
        anchors.add(re.sub(r"[^\w -]", "", title.lower()).replace(" ", "-"))
    return numbers, anchors


def decisions(text):
    return re.findall(r"^\| (P\d+) \|", text, re.MULTILINE)


def citations(text):
    """Yields (line, places)."""
    for found in CITATION.finditer(text):
        line = text.count("\n", 0, found.start()) + 1
        yield line, re.findall(PLACE, found.group(1))


def check_citations(name, text, places):
    problems = []
    for line, cited in citations(text):
        for place in cited:
            if place not in places:
                problems.append(f"{name}:{line}: {PAGE} has no {place}")
    for found in BY_TITLE.finditer(text):
        line = text.count("\n", 0, found.start()) + 1
        problems.append(f"{name}:{line}: cite a section of {PAGE} by its number")
    return problems


def rows(text):
    """Yields (line, header, cells) of each row of each table."""
    header = None
    for number, line in enumerate(text.splitlines(), 1):
        if not line.startswith("|"):
            header = None
            continue
        cells = [c.strip() for c in re.split(r"(?<!\\)\|", line.strip().strip("|"))]
        if header is None:
            header = cells
        elif not re.fullmatch(r"[|\s:-]+", line):
            yield number, header, cells


def constants(root):
    found = {}
    for name in tree.files(root, "src/core/*.c", "src/core/*.h"):
        for macro, value in re.findall(r"^#define (\w+) (.*?)(?:\s*/\*.*)?$", tree.read(root, name),
                                       re.MULTILINE):
            found[macro] = value.strip()
    return found


def stands_in(macro, value, cell):
    """Whether a literal value is told in the row, in seconds where it is in milliseconds."""
    literal = re.fullmatch(r"(?:UINT\d+_C\()?(\d+)[uUlL]*\)?", value)
    if literal is None:
        return True
    told = re.findall(r"\d+(?:\.\d+)?", re.sub(r"(?<=\d),(?=\d{3})", "", cell))
    told += [n for n, word in enumerate(WORDS, 1) if re.search(rf"\b{word}\b", cell)]
    number = int(literal.group(1))
    wanted = {float(number)}
    if macro.endswith("_MS"):
        wanted.add(number / 1000)
    return bool(wanted & {float(t) for t in told})


def check_tables(root, text):
    problems = []
    macros = constants(root)
    counters = set(re.findall(r'^\tX\(\w+, "([\w-]+)"', tree.read(root, "include/bub/error.h"),
                              re.MULTILINE))
    keywords = set(re.findall(r'^\t\{IN_\w+, KIND_\w+, "([\w-]+)",',
                              tree.read(root, "src/bubd/config_keywords.c"), re.MULTILINE))
    for line, header, cells in rows(text):
        for column, cell in zip(header, cells):
            words = re.findall(r"`([\w-]+)`", cell)
            if column == "counted as":
                problems += [f"{PAGE}:{line}: no counter {w}" for w in words if w not in counters]
            elif column == "keyword":
                problems += [f"{PAGE}:{line}: no keyword {w}" for w in words if w not in keywords]
            elif column == "in the code":
                for word in words:
                    if word not in macros:
                        problems.append(f"{PAGE}:{line}: no constant {word} in src/core")
                    elif not stands_in(word, macros[word], " ".join(cells)):
                        problems.append(f"{PAGE}:{line}: {word} is {macros[word]}")
    return problems


def check_page(text):
    _, anchors = headings(text)
    problems = [f"{PAGE}: no heading for #{link}" for link in re.findall(r"\]\(#([\w-]+)\)", text)
                if link not in anchors]
    listed = [int(name[1:]) for name in decisions(text)]
    for before, number in zip(listed, listed[1:]):
        if number <= before:
            problems.append(f"{PAGE}: decision P{number} stands behind P{before}")
    return problems


def main():
    root = sys.argv[1]
    page = tree.read(root, PAGE)
    places = headings(page)[0] | set(decisions(page))
    problems = check_page(page) + check_tables(root, page)
    checked = 0
    for name in tree.files(root, *CITING):
        if name == NOT_CITING:
            continue
        try:
            text = tree.read(root, name)
        except UnicodeDecodeError:
            continue
        checked += sum(len(cited) for _, cited in citations(text))
        problems += check_citations(name, text, places)
    if checked < 50:
        problems.append(f"only {checked} citations found: is the expression right?")
    tree.finish(problems, f"{checked} citations")


if __name__ == "__main__":
    main()
