# SPDX-License-Identifier: BSD-2-Clause
"""Two recordings with the same moves, handover by handover side by side: a page, or SVG files."""

from __future__ import annotations

import dataclasses
import pathlib

from . import page, recording
from .page import Chapter
from .recording import Recording
from .system import LabError

HEADINGS = {"bub": "Binding Update Backhauling", "ro": "Route optimisation", "tunnel": "Tunnels only"}
DARK = {
    "ink": "#e6e9ed", "faint": "#98a2ad", "rule": "#343c46", "ground": "#171b21",
    "esp": "#74abff", "plain": "#f0a35e", "data": "#4cc79a", "bad": "#ff7b72", "good": "#4cc79a",
}
MARGIN, HEAD, FOOT = 14, 58, 38  # of SVG files, in px


@dataclasses.dataclass
class Side:
    """One recording's part of a pair."""

    title: str  # of the recording
    heading: str
    chapter: Chapter

    @property
    def figures(self) -> dict:
        return self.chapter.figures


@dataclasses.dataclass
class Pair:
    number: int
    label: str
    sides: list[Side]
    kinds: set[str]  # of legs, for the legend


def heading_of(figures: dict) -> str:
    return HEADINGS.get(figures["mode"], figures["mode"])


def titles_of(made: list[Recording]) -> list[str]:
    """Names that tell them apart."""
    if made[0].title != made[1].title:
        return [one.title for one in made]
    return [one.folder.name for one in made]


def label_of(figures: list[dict]) -> str:
    labels = [one["label"] for one in figures]
    return labels[0] if labels[0] == labels[1] else " / ".join(labels)


def common_windows(made: list[Recording]) -> list[tuple[float, float]]:
    """Charts side by side show the same stretch of time."""
    both = zip(*([page.chart_window(one, i) for i in range(len(one.moves))] for one in made))
    return [(min(a[0], b[0]), max(a[1], b[1])) for a, b in both]


def same_axes(charts: list[dict], window: tuple[float, float]) -> None:
    """Adds to both charts of a pair what their axes share."""
    def top(name: str) -> float:
        cells = [cell for chart in charts for row in chart[name] for cell in row[1:]]
        return 1.05 * max((cell for cell in cells if cell is not None), default=1)

    same = {"window": [round(edge * 1e3) for edge in window], "packets": top("packets"),
            "stream": top("stream")}
    for chart in charts:
        chart["same"] = same


def read(folders: list[pathlib.Path]) -> list[Recording]:
    made = [recording.read(folder) for folder in folders]
    for one in made:
        if not one.moves:
            raise LabError(f"{one.folder} has no handover: there is nothing to put beside another")
    return made


def build(made: list[Recording]) -> tuple[list[Pair], dict]:
    windows = common_windows(made)
    shorter = [dataclasses.replace(one, moves=one.moves[: len(windows)]) for one in made]
    data: dict = {"messages": [], "charts": []}
    parts = []
    for one in shorter:
        chapters, own = page.build(one, len(data["messages"]), windows)
        data["messages"] += own["messages"]
        parts.append((chapters, own["charts"]))
    titles, pairs = titles_of(made), []
    for number, (chapters, charts) in enumerate(zip(zip(*(p[0] for p in parts)),
                                                    zip(*(p[1] for p in parts)))):
        same_axes(list(charts), windows[number])
        data["charts"].append(charts)
        figures = [chapter.figures for chapter in chapters]
        sides = [Side(t, heading_of(c.figures), c) for t, c in zip(titles, chapters)]
        pairs.append(Pair(number, label_of(figures), sides, set().union(*(c.kinds for c in chapters))))
    return pairs, data


def remarks_of(made: list[Recording], titles: list[str]) -> list[str]:
    remarks = [f"{t}: {remark}" for t, one in zip(titles, made) for remark in one.remarks]
    counts = [len(one.moves) for one in made]
    if counts[0] != counts[1]:
        remarks.append(
            f"{titles[0]} has {counts[0]} handovers, {titles[1]} {counts[1]}: only the first "
            f"{min(counts)} of each are here."
        )
    return remarks


def html(made: list[Recording], pairs: list[Pair], data: dict) -> str:
    titles = titles_of(made)
    return page.whole_page(
        "compare.html.j2", title=" beside ".join(titles), pairs=pairs, data=data,
        subtitle=[f"{t}: {', '.join(page.subtitle(one))}" for t, one in zip(titles, made)],
        remarks=remarks_of(made, titles),
    )


def svg(pair: Pair) -> str:
    """Both ladders in one file, light or dark as whoever looks at it has chosen."""
    drawings, x = [], MARGIN
    for side in pair.sides:
        drawings.append({"side": side, "ladder": side.chapter.narrow, "x": x, "y": HEAD})
        x += side.chapter.narrow["width"] + 2 * MARGIN
    return page.environment().get_template("compare.svg.j2").render(
        drawings=drawings, width=x - MARGIN, fonts=page.FONTS["paper"], light=page.PAPER, dark=DARK,
        height=HEAD + max(d["ladder"]["height"] for d in drawings) + FOOT, label=pair.label,
    )


def write(
    folders: list[pathlib.Path], out: pathlib.Path, pictures: pathlib.Path | None = None
) -> list[Recording]:
    """Writes the page of two folders, and a file for each pair of ladders where @pictures says so."""
    made = read(folders)
    pairs, data = build(made)
    out.write_text(html(made, pairs, data))
    if pictures is not None:
        pictures.mkdir(parents=True, exist_ok=True)
        for pair in pairs:
            (pictures / page.file_name(pair.number + 1, pair.label)).write_text(svg(pair))
    return made
