#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""The shape of the code (docs/ARCHITECTURE.md): sizes of headers, and circles of calls.

  structure.py CTAGS ROOT      checks the rules
  structure.py -v CTAGS ROOT   tells the calls that make each circle, too

The rules: no header has more than HEADER_MAX lines; the calls between the folders of src/ make no
circle; the calls between the files of one folder make none of more than CIRCLE_MAX files; a role of
the core keeps its headers to itself, but for one.

What does not keep to them yet is listed below, with why.  A list may only shrink: where the code
has become better than it says, the list is wrong, too.
"""

import collections
import json
import re
import subprocess
import sys

import tree

HEADER_MAX = 250
CIRCLE_MAX = 3

# Headers that are longer, and how long.
LONG_HEADERS = {}

# Folders whose files stand for themselves in the graph of folders: the engine is on top of the
# roles, and the services that they use are below them.
APART = {"src/core"}

# Roles of the core: what others may know of one is in its NAME/NAME.h; its other headers are for its
# own folder.
ROLES = [f"src/core/{name}" for name in ("mn", "bul", "cn", "ha", "icmp")]

# Circles of folders that are not resolved yet.
FOLDER_CIRCLES = []

# Circles of more than CIRCLE_MAX files of one folder.
FILE_CIRCLES = []

NO_CODE = re.compile(r"/\*.*?\*/|\"(?:\\.|[^\"\\\n])*\"|'(?:\\.|[^'\\\n])*'", re.S)
CALL = re.compile(r"(?<![\w.>])([A-Za-z_]\w*)\s*\(")


def folder_of(name):
    return name.rsplit("/", 1)[0]


def folder_node(name):
    return name if folder_of(name) in APART else folder_of(name)


def program_of(name):
    """src/NAME: two of these may each have a function of the same name."""
    return "/".join(name.split("/")[:2])


def functions(ctags, root, names):
    """Yields (file, function, first line, last line, whether others see it)."""
    argv = [ctags, "--langmap=C:.c.h", "--languages=C", "--kinds-C=f", "--fields=+ne"]
    argv += ["--output-format=json", "-f", "-", *names]
    out = subprocess.run(argv, cwd=root, stdout=subprocess.PIPE, check=True, text=True).stdout
    for line in out.splitlines():
        tag = json.loads(line)
        yield tag["path"], tag["name"], tag["line"], tag.get("end", tag["line"]), not tag.get("file")


def calls_of(ctags, root, names):
    """{file: {file: {function}}}: who calls what of whom.  A function pointer that is handed over
    is no call."""
    found = list(functions(ctags, root, names))
    inside = collections.defaultdict(set)
    offered = collections.defaultdict(set)
    for name, function, _, _, public in found:
        inside[name].add(function)
        if public:
            offered[function].add(name)
    lines = {
        name: NO_CODE.sub(lambda m: re.sub(r"[^\n]", "", m.group()), tree.read(root, name)).split("\n")
        for name in names
    }
    calls = collections.defaultdict(lambda: collections.defaultdict(set))
    for name, _, first, last, _ in found:
        for function in CALL.findall("\n".join(lines[name][first - 1 : last])):
            if function in inside[name]:
                continue
            of = offered.get(function, set())
            near = {one for one in of if program_of(one) == program_of(name)}
            for one in near or (of if len(of) == 1 else ()):
                calls[name][one].add(function)
    return calls


def circles(nodes, after):
    """The strongly connected parts of more than one node (Tarjan), the largest first."""
    order, low, stack, found = {}, {}, [], []

    def visit(node):
        order[node] = low[node] = len(order)
        stack.append(node)
        for other in after(node):
            if other not in order:
                visit(other)
                low[node] = min(low[node], low[other])
            elif other in stack:
                low[node] = min(low[node], order[other])
        if low[node] == order[node]:
            at = stack.index(node)
            found.append(set(stack[at:]))
            del stack[at:]

    for node in sorted(nodes):
        if node not in order:
            visit(node)
    return sorted((part for part in found if len(part) > 1), key=lambda part: (-len(part), min(part)))


def folder_graph(calls):
    graph = collections.defaultdict(lambda: collections.defaultdict(set))
    for name, others in calls.items():
        for other, what in others.items():
            if folder_node(name) != folder_node(other):
                graph[folder_node(name)][folder_node(other)] |= what
    return graph


def compare(kind, found, allowed):
    problems = []
    for part in found:
        if part not in allowed:
            best = min(allowed, key=lambda one: len(part ^ one), default=set())
            near = best if part & best else set()
            told = ", ".join(sorted(part))
            if near and part < near:
                told += ": smaller than it is listed: take out " + ", ".join(sorted(near - part))
            elif near:
                told += ": new in it: " + ", ".join(sorted(part - near))
            problems.append(f"circle of {len(part)} {kind}: {told}")
    for one in allowed:
        if not any(one & part for part in found):
            problems.append(f"no circle of {kind} any more, but listed: " + ", ".join(sorted(one)))
    return problems


def tell(parts, graph):
    for part in parts:
        print(f"circle of {len(part)}:")
        for node in sorted(part):
            for other in sorted(set(graph[node]) & part):
                print(f"  {node} -> {other}: {', '.join(sorted(graph[node][other]))}")


def check_headers(root, names, allowed):
    problems = []
    for name in names:
        lines = len(tree.read(root, name).splitlines())
        most = allowed.get(name, HEADER_MAX)
        if lines > most:
            problems.append(f"{name}: {lines} lines, at most {most}")
        elif name in allowed and lines < most:
            listed = f"{lines}" if lines > HEADER_MAX else "no more"
            problems.append(f"{name}: has become shorter: list it as {listed}")
    gone = sorted(set(allowed) - set(names))
    return problems + [f"{name}: listed, but there is no such header" for name in gone]


def check_roles(root, names):
    problems = []
    for name in names:
        for line in re.findall(r'#include "([^"]+)"', tree.read(root, name)):
            header = f"src/core/{line}"
            role = folder_of(header)
            if role not in ROLES or role == folder_of(name):
                continue
            if header != f"{role}/{role.rsplit('/', 1)[1]}.h":
                problems.append(f"{name}: {line} is for the files of {role}")
    return problems


def main():
    argv = sys.argv[1:]
    verbose = argv[0] == "-v"
    ctags, root = argv[1:] if verbose else argv
    headers = tree.files(root, "*.h")
    names = tree.files(root, "src/*.c", "src/*.h")
    calls = calls_of(ctags, root, names)
    graph = folder_graph(calls)
    folders = circles({folder_node(name) for name in names}, lambda node: graph[node])
    files = []
    for folder in sorted({folder_of(name) for name in names} - APART):
        inside = {name for name in names if folder_of(name) == folder}
        files += circles(inside, lambda name, inside=inside: set(calls[name]) & inside)
    files = [part for part in files if len(part) > CIRCLE_MAX]
    if verbose:
        tell(folders, graph)
        tell(files, calls)
    problems = check_headers(root, headers, LONG_HEADERS)
    problems += check_roles(root, [name for name in names if name.startswith("src/core/")])
    problems += compare("folders", folders, FOLDER_CIRCLES)
    problems += compare("files", files, FILE_CIRCLES)
    largest = max(circles(names, lambda name: calls[name]), key=len, default=())
    tree.finish(
        problems,
        f"{len(headers)} headers, calls of {len(names)} files"
        f" (the largest circle of all: {len(largest)} files)",
    )


if __name__ == "__main__":
    main()
