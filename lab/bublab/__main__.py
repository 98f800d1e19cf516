# SPDX-License-Identifier: BSD-2-Clause
"""bublab's command line: ./dev lab list | run | live | report | clean."""

from __future__ import annotations

import argparse
import dataclasses
import fcntl
import os
import pathlib
import shutil
import signal
import sys
import tempfile

from . import compare, daemons, group, page, remains, report, topology
from .scenarios import SCENARIOS, Scenario
from .session import Session
from .stranger import ATTACKS
from .system import Interrupted, LabError, handle_signals, ignore_signals

# What a run writes, and its report.
OWN = ("pcap", "logs", "conf", "summary.json", "timeline.txt", "table.txt", "report.html", "svg",
       "compare.html")


def link_value(text: str, top: float) -> tuple[str, float]:
    link, _, value = text.partition("=")
    if link not in topology.DELAYS_MS:
        raise argparse.ArgumentTypeError(
            f"'{text}': '{link}' is no link; expected LINK=VALUE with one of "
            + " ".join(topology.DELAYS_MS)
        )
    try:
        number = float(value)
    except ValueError:
        number = -1
    if not 0 <= number <= top:
        raise argparse.ArgumentTypeError(f"'{text}': expected a number from 0 to {top:g}")
    return link, number


def delay_value(text: str) -> tuple[str, float]:
    return link_value(text, 10000)


def loss_value(text: str) -> tuple[str, float]:
    return link_value(text, 100)


def port_value(text: str) -> int:
    if not text.isdigit() or int(text) > 65535:
        raise argparse.ArgumentTypeError(f"'{text}': expected a port from 0 to 65535")
    return int(text)


def parser() -> argparse.ArgumentParser:
    top = argparse.ArgumentParser(prog="./dev lab", description=__doc__)
    commands = top.add_subparsers(dest="command", required=True)
    commands.add_parser("list", help="what can be run")
    commands.add_parser("clean", help="remove what killed labs left behind")
    run = commands.add_parser("run", help="run one scenario")
    run.add_argument("scenario", choices=sorted(SCENARIOS), metavar="NAME")
    run.add_argument("--out", type=pathlib.Path, required=True, metavar="DIR")
    run.add_argument(
        "--delay",
        type=delay_value,
        action="append",
        default=[],
        metavar="LINK=MS",
        help="one-way delay of a link: " + " ".join(topology.DELAYS_MS),
    )
    run.add_argument("--loss", type=loss_value, action="append", default=[], metavar="LINK=PCT")
    run.add_argument("--no-direct-copy", action="store_true", help="no copy of BUs in BUB mode")
    run.add_argument("--no-payload-esp", action="store_true", help="tunnel data without ESP")
    run.add_argument("--dad", action="store_true", help="leave duplicate address detection on")
    run.add_argument(
        "--optimistic-dad",
        action="store_true",
        help="leave it on, and let mobile nodes use an address while it goes on",
    )
    run.add_argument(
        "--home-agent-dad",
        choices=("before", "meanwhile", "never", "optimistic", "watched"),
        default="optimistic",
        help="when a home agent probes its link for a new home address",
    )
    run.add_argument(
        "--attack",
        choices=sorted(ATTACKS),
        default="everything",
        help="what the stranger of the scenario under-attack does",
    )
    run.add_argument("--seed", type=int, default=1, help="of the link emulator's losses")
    run.add_argument("--replace", action="store_true", help="remove an earlier run in DIR first")
    run.add_argument("--live", action="store_true", help="print the timeline as it happens")
    live = commands.add_parser("live", help="two worlds in a browser, with and without BUB")
    live.add_argument(
        "--port", type=port_value, default=8765, metavar="N", help="of the page; 0: any (8765)"
    )
    shown = commands.add_parser(
        "report", help="a page of a run, or of captures and logs of real machines"
    )
    shown.add_argument("folder", type=pathlib.Path, metavar="DIR")
    shown.add_argument(
        "other", type=pathlib.Path, nargs="?", metavar="DIR2", help="one with the same moves, beside it"
    )
    shown.add_argument(
        "--out", type=pathlib.Path, metavar="FILE",
        help="instead of DIR/report.html, or DIR/compare.html for two",
    )
    shown.add_argument(
        "--svg", type=pathlib.Path, metavar="DIR", help="write the ladders as SVG files, too"
    )
    return top


def prepare_out(out: pathlib.Path, replace: bool = False) -> pathlib.Path:
    """An empty folder.  An earlier run in it is removed only if @replace says so, anything else
    never."""
    out = out.absolute()
    if " " in str(out) or '"' in str(out):
        raise LabError(f"{out}: blanks and quotes cannot be written into configuration files")
    try:
        out.mkdir(parents=True, exist_ok=True)
        folder = lock_out(out)
        try:
            return empty_out(out, replace)
        except BaseException:
            os.close(folder)
            raise
    except OSError as error:
        raise LabError(
            f"cannot write to --out {out} ({error.strerror}): give a folder that can be made"
        ) from None


def lock_out(out: pathlib.Path) -> int:
    """Two runs in one folder would write over each other.  Returns a descriptor that holds the
    lock; it is meant to stay open for as long as the process lives."""
    folder = os.open(out, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(folder, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(folder)
        raise LabError(f"another run writes to --out {out}: give a folder of its own") from None
    return folder


def empty_out(out: pathlib.Path, replace: bool) -> pathlib.Path:
    names = [p.name for p in out.iterdir()]
    foreign = [name for name in names if name not in OWN]
    if foreign:
        raise LabError(f"{out} holds other things ({foreign[0]}); give a folder of its own")
    if names and not replace:
        raise LabError(f"{out} holds a run already: give another folder, or --replace to remove it")
    for name in OWN:
        path = out / name
        if path.is_dir():
            shutil.rmtree(path)
        elif path.exists():
            path.unlink()
    (out / "logs").mkdir()
    return out


def run_scenario(session: Session, scenario: Scenario) -> dict:
    """Runs it; the counters are asked for at the end of the traffic."""
    scenario.run(session)
    return daemons.save_status(session.daemons, session.out)


def print_result(rows: list[report.Figures], summary: dict) -> None:
    tcp = summary["tcp"]
    print(f"\n{report.table(rows)}\n")
    moments = summary["since_first_packet_ms"]
    words = [f"{n.replace('_', ' ')} {ms:.0f}" for n, ms in moments.items() if ms is not None]
    print("ms after the first packet: " + ", ".join(words))
    lost = sum(summary["lost_outside_handovers"].values())
    print(f"lost outside of handovers: {lost} of {summary['udp_sent']} UDP packets")
    for change in summary.get("mappings", []):
        silence = change["silence_ms"]
        words = "nothing came any more" if silence is None else f"{silence:.1f} ms without data"
        print(f"new mappings at {change['router']}: {words} at {change['node']}, "
              f"bound {change['bound_ms']:.1f}")
    for one in summary.get("take_overs", []):
        print_take_over(one)
    if "stranger" in summary:
        print_stranger(summary)
    state = "the same" if tcp["ok"] else "NOT THE SAME"
    print(
        f"TCP: {tcp['bytes']} octets, {tcp['mbit_per_s']:.2f} Mbit/s, SHA-256 {state} at both ends"
    )


def print_take_over(one: dict) -> None:
    meanwhile = "mn1 moved" if one["moved"] else f"the other one served after {one['active_ms']} ms"
    print(
        f"{one['killed']} died, {meanwhile}: {one['tunnel_gap_ms']} ms without data in the tunnel, "
        f"{one['direct_lost']} packets lost on the direct path; mn1 sent {one['updates']} Binding Updates to it and agreed on "
        f"{one['keys_agreed']} keys"
    )


def print_stranger(summary: dict) -> None:
    stranger = summary["stranger"]
    print(
        f"the stranger ({stranger['attack']}) sent {stranger['sent_packets']} packets, "
        f"{stranger['sent_octets']} octets, and got {stranger['received_packets']} back, "
        f"{stranger['received_octets']} octets"
    )
    shares = ", ".join(f"{n} {share:.2%}" for n, share in summary["direct_share"].items())
    print(f"data on the direct path, in BUB mode: {shares}")


def summarise(
    session: Session, scenario: Scenario, args: argparse.Namespace, counters: dict
) -> tuple[list[report.Figures], dict]:
    rows, others = report.all_figures(session)
    begin = session.timeline.start
    links = session.topology.options
    delays = {link: links.delay(link) for link in links.links}
    udp = {name: session.traffic.results.get(f"udp-{name}", {}) for name in topology.MOBILES}
    summary = {
        "scenario": scenario.name,
        "commit": report.commit(),
        "options": {
            "delay_ms": delays,
            "loss_pct": session.topology.options.loss_pct,
            "seed": args.seed,
            "direct_copy": session.daemons.options.direct_copy,
            "payload_esp": session.daemons.options.protect_payload,
            "dad": args.dad or args.optimistic_dad,
            "optimistic_dad": args.optimistic_dad,
            "home_agent_dad": args.home_agent_dad,
        },
        "nodes": report.node_summary(session, counters),
        "handovers": [row.as_json() for row in rows],
        "marks": {name: round(when - begin, 6) for name, when in session.marks.items()},
        "since_first_packet_ms": report.milestones(session),
        "tcp": session.traffic.tcp_result(),
        "udp": udp,
        "udp_sent": sum(result.get("sent", 0) for result in udp.values()),
        "lost_outside_handovers": others,
        "started": round(begin, 6),
    }
    if session.mappings:
        summary["mappings"] = report.mapping_figures(session)
    if session.group is not None:
        summary["take_overs"] = group.figures(session)
        summary["esp_repeated"] = group.repeated_numbers(session)
    if session.stranger_sent:
        summary["stranger"] = session.stranger_sent
        summary["direct_share"] = report.direct_share(session)
    return rows, summary


def verdict(rows: list[report.Figures], summary: dict, missing: list[str]) -> list[str]:
    """What is wrong with a run that came to its end.  @missing: but in handovers."""
    problems = list(missing)
    if "take_overs" in summary:
        problems += group.problems(summary["take_overs"], summary["esp_repeated"])
    if not summary["tcp"]["ok"]:
        problems.append("the TCP stream did not arrive unharmed")
    for row in rows:
        if row.handover.missing:
            problems.append(f"{row.handover.label}: {row.handover.missing}")
        elif row.gap is None and row.handover.with_traffic and not row.handover.in_vain:
            problems.append(f"no data arrived after: {row.handover.label}")
    return problems


def scenario_options(
    scenario: Scenario, args: argparse.Namespace
) -> tuple[topology.Options, daemons.BubOptions]:
    bub = dataclasses.replace(
        scenario.bub,
        direct_copy=not args.no_direct_copy,
        protect_payload=not args.no_payload_esp,
        agent_dad=args.home_agent_dad,
        optimistic_dad=args.optimistic_dad,
        ipv4=bool(scenario.networks),
    )
    dad = args.dad or args.optimistic_dad
    links = topology.Options(
        dict(args.delay),
        dict(args.loss),
        args.seed,
        dad,
        scenario.bub.static_peer,
        scenario.stranger,
        scenario.networks,
        scenario.bub.group,
    )
    links.captures = links.links
    return links, bub


def clean_up() -> None:
    removed = remains.begin()
    if removed:
        print(f"bublab: removed what a killed run had left: {removed}", file=sys.stderr)


def command_run(args: argparse.Namespace) -> int:
    topology.require_root()
    daemons.require_binaries()
    clean_up()
    scenario = SCENARIOS[args.scenario]
    out = prepare_out(args.out, args.replace)
    links, bub = scenario_options(scenario, args)
    error, problems, counters = None, [], {}
    session = Session(out, links, bub, args.live, args.attack)
    try:
        with session:
            counters = run_scenario(session, scenario)
            problems = session.daemons.stop()
    except LabError as failure:
        error = str(failure)
    ignore_signals()
    if error is not None:
        report.write_summary(
            out / "summary.json", {"scenario": scenario.name, "ok": False, "error": error}
        )
        print(f"bublab: {scenario.name}: {error}\nbublab: see {out}", file=sys.stderr)
        write_report(out)
        return 1
    rows, summary = summarise(session, scenario, args, counters)
    problems += verdict(rows, summary, session.missing)
    summary["ok"] = not problems
    summary["problems"] = problems
    report.write_summary(out / "summary.json", summary)
    table = report.table(rows)
    (out / "table.txt").write_text(table + "\n")
    print_result(rows, summary)
    write_report(out)
    for problem in problems:
        print(f"bublab: {problem}", file=sys.stderr)
    print(f"{scenario.name}: {'passed' if not problems else 'FAILED'}; everything is in {out}")
    return 0 if not problems else 1


def command_live(args: argparse.Namespace) -> int:
    topology.require_root()
    daemons.require_binaries()
    try:
        from . import server  # nothing else needs aiohttp
    except ImportError:
        raise LabError("python3-aiohttp is missing: ./dev setup installs it") from None
    clean_up()
    sock = server.listen(args.port)
    with tempfile.TemporaryDirectory() as folder:
        server.serve(pathlib.Path(folder), sock, lambda text: print(f"bublab: {text}", flush=True))
    return 0


def write_report(out: pathlib.Path) -> None:
    """The page of a run.  A run does not fail because there is no page of it."""
    try:
        page.write(out, out / "report.html")
        print(f"what happened, to look at: {out / 'report.html'}")
    except (LabError, OSError) as error:
        print(f"bublab: no report.html: {error}", file=sys.stderr)


def command_report(args: argparse.Namespace) -> int:
    out = args.out or args.folder / ("compare.html" if args.other else "report.html")
    try:
        if args.other:
            made = compare.write([args.folder, args.other], out, args.svg)
        else:
            made = [page.write(args.folder, out, args.svg)]
    except OSError as error:
        raise LabError(f"{error.filename}: {error.strerror}") from None
    for remark in [remark for one in made for remark in one.remarks]:
        print(f"bublab: {remark}", file=sys.stderr)
    counts = [f"{len(one.moves)} handovers, {len(one.messages)} mobility messages" for one in made]
    print(f"{out}: {', beside '.join(counts)}")
    if args.svg:
        print(f"{args.svg}: the ladders as SVG files")
    return 0


def command_list() -> int:
    width = max(len(name) for name in SCENARIOS)
    for scenario in SCENARIOS.values():
        print(f"{scenario.name:<{width}}  {scenario.summary}")
    return 0


def interrupt(number: int, _frame: object) -> None:
    ignore_signals()
    raise Interrupted(f"interrupted by {signal.Signals(number).name}")


def main(argv: list[str]) -> int:
    args = parser().parse_args(argv)
    if args.command == "list":
        return command_list()
    handle_signals(interrupt)
    try:
        if args.command == "report":
            return command_report(args)
        if args.command == "live":
            return command_live(args)
        if args.command == "clean":
            topology.require_root()
            print(f"removed: {remains.clean()}")
            return 0
        return command_run(args)
    except LabError as failure:
        print(f"bublab: {failure}", file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
