# SPDX-License-Identifier: BSD-2-Clause
"""One HTML page of a recording, that needs nothing beside it, and its ladders as SVG files.

Geometry and data are computed here; what they look like stands in the folder page/.  Charts are
dygraphs', read from Debian's package when a page is made.
"""

from __future__ import annotations

import dataclasses
import datetime
import functools
import pathlib
import re
from collections.abc import Sequence

from . import decode, ladder, recording
from .ladder import Ladder, Leg, Row, Tracer, relative
from .recording import Move, Node, Recording
from .system import LabError

try:
    import jinja2
except ImportError:  # runs go on without their page
    jinja2 = None

HERE = pathlib.Path(__file__).with_name("page")
DYGRAPHS = pathlib.Path("/usr/share/javascript/dygraphs")
LICENCE = pathlib.Path("/usr/share/doc/libjs-dygraphs/copyright")

CHART_BEFORE_S, CHART_AFTER_S = 0.4, 0.8  # around a handover
CHART_POINTS_MAX = 4000

# Colours of SVG files, which are for paper; the page has its own, light and dark (page.css).
PAPER = {
    "ink": "#1b1f24", "faint": "#8a929b", "rule": "#c9ced4", "ground": "#ffffff",
    "esp": "#1f5fbf", "plain": "#b4530a", "data": "#11795a", "bad": "#b3261e", "good": "#11795a",
}
PAGE = {name: f"var(--{name})" for name in PAPER}
FONTS = {"page": 'system-ui, "Helvetica Neue", Arial, sans-serif', "paper": "Helvetica, Arial, sans-serif"}


# ---- Ladders as drawings -------------------------------------------------------------------------


@dataclasses.dataclass(frozen=True)
class Layout:
    """Measures in px.  In a narrow ladder a message's name stands above its legs."""

    width: float
    first: float  # where the first lane is
    last: float
    narrow: bool

    @property
    def head(self) -> float:
        return 30 if self.narrow else 44

    def height(self, row: Row) -> float:
        if row.kind in ("message", "data"):
            return 44 if self.narrow else 30
        return 26

    def lanes(self, names: list[str]) -> dict[str, float]:
        if len(names) == 1:
            return {names[0]: (self.first + self.last) / 2}
        step = (self.last - self.first) / max(1, len(names) - 1)
        return {name: self.first + at * step for at, name in enumerate(names)}


LONG = 600
WIDE = Layout(900, 372, 802, False)
NARROW = Layout(360, 28, 332, True)


def milliseconds(value: float | None) -> str:
    return "" if value is None else f"{round(value, 1) + 0.0:.1f}"  # never "-0.0"


def leg_drawing(leg: Leg, lanes: dict[str, float], y: float, is_data: bool) -> dict:
    """From lane to lane.  A node that has no lane is somewhere to the side."""
    inner = list(lanes.values())
    end = lanes.get(leg.end)
    start = lanes.get(leg.start)
    if start is None:
        start = inner[0] - 24 if end is None or end > inner[0] else inner[-1] + 24
    if end is None:
        end = inner[-1] + 24 if start < inner[-1] else inner[0] - 24
    side = 1 if end > start else -1
    tip = start + (end - start) * 0.62 if leg.lost else end - side * 3
    return {
        "x1": round(start + side * 3, 1), "x2": round(tip, 1), "y": y, "side": side,
        "kind": leg.kind, "lost": leg.lost, "data": is_data,
    }


def row_drawing(row: Row, layout: Layout, lanes: dict[str, float], y: float, drawn: Ladder) -> dict:
    height = layout.height(row)
    line = y + (height - 12 if layout.narrow and row.legs else height / 2)
    shape = {
        "kind": row.kind, "text": row.text, "detail": row.detail, "tone": row.tone,
        "y": y, "height": height, "line": line, "text_y": y + 16 if layout.narrow else line + 4,
        "x": lanes.get(row.lane), "time": milliseconds(relative(row.time, drawn.zero)),
        "came": milliseconds(relative(row.came, drawn.zero)), "lost": row.lost,
        "legs": [leg_drawing(leg, lanes, line, row.kind == "data") for leg in row.legs],
        "stops": sorted({lanes[n] for leg in row.legs for n in (leg.start, "" if leg.lost else leg.end)
                         if n in lanes}),
    }
    if shape["x"] is not None:
        shape["left"] = shape["x"] > layout.width * 0.62  # its words go to the left of it
    return shape


def ladder_drawing(drawn: Ladder, layout: Layout, roles: dict[str, str]) -> dict:
    lanes = layout.lanes(drawn.lanes)
    y, rows = layout.head + 6, []
    for row in drawn.rows:
        rows.append(row_drawing(row, layout, lanes, y, drawn))
        y += layout.height(row)
    is_long = y > LONG  # the names stand below it again
    return {
        "width": layout.width, "height": y + (30 if is_long else 8), "long": is_long, "narrow": layout.narrow, "head": layout.head,
        "rows": rows,
        "lanes": [{"name": n, "x": x, "role": roles.get(n, "")} for n, x in lanes.items()],
    }


# ---- Topology ------------------------------------------------------------------------------------


def places_before(made: Recording, index: int) -> dict[str, str]:
    place = dict(made.first_places)
    for move in made.moves[:index]:
        place.update(move.places)
    return place


def topology_drawing(made: Recording, index: int, cut: Sequence[str] = ()) -> dict:
    """Home agents above, the places of this handover below, and the nodes where they go.

    @cut  names of nodes whose links are cut at this moment
    """
    before, move = places_before(made, index), made.moves[index]
    after = {**before, **move.places}
    agents = [n.name for n in made.nodes.values() if n.role == "home agent"]
    lower = sorted({p for p in [*before.values(), *after.values()] if p not in agents})
    if made.of_lab:
        lower = [p for p in ("ar1a", "ar1b", "ar2a", "ar2b")]
    delays = made.summary.get("options", {}).get("delay_ms", {})

    def spread(names: list[str], y: float) -> dict[str, tuple[float, float]]:
        return {n: (400 * (at + 0.5) / len(names), y) for at, n in enumerate(names)}

    spots = {**spread(agents, 78), **spread(lower, 196)}
    boxes = [
        {"name": n, "x": x, "y": y, "agent": n in agents, "narrow": len(n) > 13,
         "cut": n in cut,
         "delay": f"{delays[n]:g} ms" if n in delays else ""}
        for n, (x, y) in spots.items()
    ]
    shapes = node_shapes(made, spots, agents, before, after, move)
    for shape in shapes:
        shape["cut"] = shape["name"] in cut
    return {
        "boxes": boxes, "nodes": shapes, "ways": ways(shapes),
        "top": min([56, *(s["y"] - 20 for s in shapes)]),
        "bottom": max([216, *(s["y"] + 26 for s in shapes)]),
    }


def ways(shapes: list[dict]) -> list[dict]:
    """From where a node was to where it is."""
    found = []
    for old, new in zip(shapes, shapes[1:]):
        if old["old"] and old["name"] == new["name"]:
            side = 1 if new["x"] >= old["x"] else -1
            level = abs(new["y"] - old["y"]) < 40
            shift = 29 * side if level else 0
            found.append({
                "x1": old["x"] + shift, "y1": old["y"] if level else old["y"] + 12,
                "x2": new["x"] - shift, "y2": new["y"] if level else new["y"] - 14, "level": level,
                "side": side,
            })
    return found


def node_shapes(
    made: Recording, spots: dict[str, tuple[float, float]], agents: list[str],
    before: dict[str, str], after: dict[str, str], move: Move,
) -> list[dict]:
    """Each node where it is; a node that moved also where it was."""
    count: dict[str, int] = {}
    shapes = []
    for node in made.mobiles():
        for place, old in ((before.get(node.name), True), (after.get(node.name), False)):
            moved = node.name in move.places and before.get(node.name) != after.get(node.name)
            if place not in spots or (old and not moved):
                continue
            x, y = spots[place]
            shift = count.get(place, 0)
            count[place] = shift + 1
            shapes.append({
                "name": node.name, "old": old, "moved": moved, "x": x + 12 * shift,
                "y": (y - 44 - 22 * shift) if place in agents else (y + 46 + 24 * shift),
            })
    return shapes


# ---- Data for the page's script ------------------------------------------------------------------


def details(row: Row, drawn: Ladder, keys: dict[int, bytes]) -> dict:
    """What a click on a message shows."""
    assert row.message is not None
    packet = row.message.packet
    legs = []
    for leg in row.legs:
        words = leg.as_json(drawn.zero)
        words["how"] = ladder.KINDS[leg.kind]
        words["layers"] = [layer.as_json() for layer in decode.layers(leg.octets, keys)] \
            if leg.octets else []
        legs.append(words)
    is_message = bool(packet.mobility)
    return {
        "name": row.text if is_message else "Data", "remark": row.detail, "legs": legs,
        "addresses": [["From", packet.src], ["To", packet.dst]]
        + ([["Sender's home", packet.home_src]] if packet.home_src != packet.src else [])
        + ([["Receiver's home", packet.home_dst]] if packet.has_rh2 else []),
        "fields": decode.mobility(packet.payload) if is_message else [],
        "octets": packet.payload[:1500].hex() if is_message else "",
    }


def number_messages(
    drawn: Ladder, pictures: list[dict], keys: dict[int, bytes], first: int
) -> list[dict]:
    """The details of a ladder's messages.  In its pictures they get their numbers, from @first."""
    found = []
    for row, *shapes in zip(drawn.rows, *(picture["rows"] for picture in pictures)):
        if row.message is not None:
            for shape in shapes:
                shape["number"] = first + len(found)
            found.append(details(row, drawn, keys))
    return found


def thinned(points: list[list]) -> list[list]:
    step = -(-len(points) // CHART_POINTS_MAX)
    return points[::step] if step > 1 else points


def chart_window(made: Recording, index: int) -> tuple[float, float]:
    """In seconds from the moment when the address was usable."""
    move = made.moves[index]
    firsts = [move.usable[n] + gap / 1e3 for n, gap in move.row["gap_ms_by_node"].items() if gap]
    end = max([move.completed, *firsts]) + CHART_AFTER_S
    stall = move.row.get("tcp_stall_ms") or 0
    end = max(end, move.cut + min(stall / 1e3, 4) + 0.3)
    return move.cut - CHART_BEFORE_S - move.time, end - move.time


def chart_data(made: Recording, index: int, window: tuple[float, float]) -> dict:
    """ms from the moment when the address was usable; delays in ms, octets in kB.  @window: as of
    chart_window()."""
    zero = made.moves[index].time
    start, end = zero + window[0], zero + window[1]
    if index + 1 < len(made.moves):  # what the next handover brought stands there
        end = min(end, made.moves[index + 1].cut)
    directions, rows = sorted(made.packets), []
    for at, direction in enumerate(directions):
        for sent, came in made.packets[direction]:
            when = sent if came is None else came
            if start <= when <= end:
                cells: list = [None] * (len(directions) + 1)
                cells[-1 if came is None else at] = 0 if came is None else (came - sent) * 1e3
                rows.append([relative(when, zero), *(c if c is None else round(c, 2) for c in cells)])
    rows.sort(key=lambda row: row[0])
    stream = [[relative(w, zero), round(octets / 1e3, 1)] for w, octets in made.progress
              if start <= w <= end]
    base = stream[0][1] if stream else 0
    return {
        "directions": [d.replace("->", " to ") for d in directions],
        "packets": thinned(rows),
        "stream": thinned([[when, round(k - base, 1)] for when, k in stream]),
    }


def bands(move: Move) -> list[dict]:
    """The stretches of time that charts shade: no link, and the gap after it."""
    zero = move.time
    gaps = [move.usable[n] + gap / 1e3 for n, gap in move.row["gap_ms_by_node"].items() if gap]
    found = [{"from": relative(move.cut, zero), "to": 0, "what": "link"}]
    if gaps:
        found.append({"from": 0, "to": relative(max(gaps), zero), "what": "gap"})
    return found


def direct_again(made: Recording, move: Move) -> float | None:
    """ms until data came on the direct path to each node that moved."""
    times = []
    for node, since in move.usable.items():
        first = recording.first_data(made, node, move.addresses[node], since, "plain")
        if first is None:
            return None
        times.append((first[0] - since) * 1e3)
    return max(times)


def figures(made: Recording, move: Move) -> dict:
    """What the tables and tiles say, as summary.json has it."""
    row = move.row
    words = {name: row.get(name) for name in (
        "label", "mode", "gap_ms", "bound_ms", "lost", "tcp_stall_ms", "messages_peer",
        "messages_later", "messages_home", "home_agent_dad", "with_traffic",
    )}
    words["lost_by_direction"] = row.get("lost_by_direction", {})
    words["gap_by_node"] = row.get("gap_ms_by_node", {})
    words["direct_ms"] = direct_again(made, move)
    return words


@dataclasses.dataclass
class Chapter:
    """One handover in the page."""

    number: int
    figures: dict
    wide: dict
    narrow: dict
    topology: dict | None
    kinds: set[str]  # of legs, for the legend
    notes: list[str]


def notes_of(drawn: Ladder) -> list[str]:
    notes = []
    if drawn.foreign:
        words = ", ".join(f"{count} × {name}" for name, count in sorted(drawn.foreign.items()))
        notes.append(f"Not drawn, because none of these nodes sent or asked for it: {words}.")
    if drawn.left_out:
        notes.append(f"{drawn.left_out} later lines are left out.")
    return notes


def roles_of(nodes: dict[str, Node]) -> dict[str, str]:
    return {node.name: node.role for node in nodes.values()}


def build(
    made: Recording, first: int = 0, windows: Sequence[tuple[float, float]] = ()
) -> tuple[list[Chapter], dict]:
    """The chapters, and what the script has to know.

    @first    number of the first message in the page
    @windows  of the charts, by chapter; none: what chart_window() says
    """
    chapters, data = [], {"messages": [], "charts": []}
    roles = roles_of(made.nodes)
    for index in range(len(made.moves)) if made.moves else [None]:
        drawn = ladder.of_move(made, index)
        wide, narrow = (ladder_drawing(drawn, layout, roles) for layout in (WIDE, NARROW))
        data["messages"] += number_messages(
            drawn, [wide, narrow], made.keys, first + len(data["messages"])
        )
        whole = {"label": "All that was captured", "gap_by_node": {}, "lost_by_direction": {}}
        move = made.moves[index] if index is not None else None
        if move is not None:
            window = windows[index] if windows else chart_window(made, index)
            data["charts"].append({**chart_data(made, index, window), "bands": bands(move)})
        chapters.append(Chapter(
            len(chapters), figures(made, move) if move else whole, wide, narrow,
            topology_drawing(made, index) if move else None,
            {leg.kind for row in drawn.rows for leg in row.legs}, notes_of(drawn),
        ))
    return chapters, data


# ---- Files ---------------------------------------------------------------------------------------


@functools.lru_cache(maxsize=1)
def environment() -> jinja2.Environment:
    if jinja2 is None:
        raise LabError("python3-jinja2 is missing: ./dev setup installs it")
    made = jinja2.Environment(
        loader=jinja2.FileSystemLoader(HERE), autoescape=True, undefined=jinja2.StrictUndefined,
        trim_blocks=True, lstrip_blocks=True,
    )
    made.filters["ms"] = lambda value: "–" if value is None else f"{value:.1f}"
    made.filters["whole"] = lambda value: "–" if value is None else f"{value:.0f}"
    return made


def library(name: str) -> str:
    """A file of dygraphs, without the reference to a map that the page does not have."""
    try:
        text = (DYGRAPHS / name).read_text()
    except OSError:
        raise LabError(
            f"{DYGRAPHS / name} is missing: ./dev setup installs it (libjs-dygraphs)"
        ) from None
    return re.sub(r"(//|/\*)# sourceMappingURL=\S+( ?\*/)?", "", text)


def licence() -> str:
    return LICENCE.read_text() if LICENCE.exists() else "MIT; see https://dygraphs.com"


def subtitle(made: Recording) -> list[str]:
    words = []
    times = [m.time for m in made.messages] + [m.cut for m in made.moves]
    if times:
        words.append(datetime.datetime.fromtimestamp(min(times)).strftime("%Y-%m-%d %H:%M"))
    if made.of_lab:
        words.append(f"bub lab, commit {made.summary.get('commit', 'unknown')[:10]}")
    words.append(f"{len(made.moves)} handover{'' if len(made.moves) == 1 else 's'}")
    words.append(f"{len(made.messages)} mobility messages")
    return words


def html(made: Recording) -> str:
    chapters, data = build(made)
    gaps = [c.figures["gap_ms"] for c in chapters if c.figures.get("gap_ms")]
    gaps = [c.figures["gap_ms"] for c in chapters
            if c.figures.get("gap_ms") and not c.figures["home_agent_dad"]] or gaps
    data["charts"] = [[chart] for chart in data["charts"]]
    return whole_page(
        "page.html.j2", title=made.title, subtitle=subtitle(made), remarks=made.remarks,
        moves=made.moves, chapters=chapters, data=data, scale=max(gaps, default=1),
    )


def whole_page(template: str, **values: object) -> str:
    return fragment(
        template, css=style(), script=part("panel.js") + part("page.js"),
        dygraphs=library("dygraph.min.js") + library("extras/shapes.js"),
        dygraphs_css=library("dygraph.min.css"), licence=licence(), **values,
    )


def part(name: str) -> str:
    return (HERE / name).read_text()


def style() -> str:
    return part("page.css") + fragment("ladder.css.j2")


def live() -> str:
    """The page that server.py fills."""
    return fragment("live.html.j2")


def fragment(template: str, **values: object) -> str:
    """A part of a page."""
    return environment().get_template(template).render(colours=PAGE, fonts=FONTS["page"], **values)


def svg(drawing: dict) -> str:
    """A ladder as a file of its own."""
    return environment().get_template("ladder.svg.j2").render(
        ladder=drawing, colours=PAPER, fonts=FONTS["paper"], alone=True, title=""
    )


def file_name(number: int, label: str) -> str:
    words = re.sub(r"[^a-z0-9]+", "-", label.lower().replace(" in the same instant", ""))
    return f"{number:02}-{words.strip('-')[:60]}.svg"


def write_svg(made: Recording, folder: pathlib.Path) -> list[pathlib.Path]:
    folder.mkdir(parents=True, exist_ok=True)
    written = []
    for chapter in build(made)[0]:
        path = folder / file_name(chapter.number + 1, chapter.figures["label"])
        path.write_text(svg(chapter.wide))
        written.append(path)
    return written


def write(folder: pathlib.Path, out: pathlib.Path, pictures: pathlib.Path | None = None) -> Recording:
    """Writes the page of a folder, and its ladders where @pictures says so."""
    made = recording.read(folder)
    out.write_text(html(made))
    if pictures is not None:
        write_svg(made, pictures)
    return made
