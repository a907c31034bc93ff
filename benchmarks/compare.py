# ruff: noqa: T201
"""Runs the same playbooks by several programs, in turns, on lab hosts made for it, and shows what each needed.

Every program runs each playbook once before anything is measured; the runs that count go round in turns (A B A B …), so
that a busy moment of this machine hits all alike. Controller and hosts share its processors: read the ratios, not the
seconds. Round trips are counted in one more run of each, through a proxy, which is not timed: a round trip is a turn,
the client speaking after the host has spoken, from the first byte of the SSH handshake on.
"""

from __future__ import annotations

import argparse
import shutil
import statistics
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pages
import yaml
from measure import Failed, Measured, run, this_machine
from tools import NAMES, ROOT, Way, call

from provisioner.lab import Lab, LabHost
from provisioner.testing.proxy import FaultProxy

HERE = Path(__file__).parent
PACKAGES = (*(HERE / "packages.txt").read_text().split(), "python3-apt")  # the last for Ansible's `apt`
PAGE = ROOT / "docs" / "performance.md"


@dataclass(frozen=True, slots=True)
class Work:
    """A playbook, and who logs in to run it."""

    name: str
    user: str
    what: str


PLAYBOOKS = {
    "site": Work("site", "root", "82 tasks in one file, for root"),
    "roles": Work("roles", "ops", "five roles, by sudo, other users, loops, includes, conditions on results"),
}


@dataclass(frozen=True, slots=True)
class Row:
    tool: str
    runs: Sequence[Measured]
    turns: int
    """For one host."""

    @property
    def wall(self) -> float:
        return statistics.median([one.wall for one in self.runs])


def main() -> int:
    options = _options()
    reasons = Lab.requirements()
    if reasons:
        sys.exit(f"lab hosts cannot run here: {'; '.join(reasons)}")
    machine = this_machine()
    print(machine)
    tables = []
    with tempfile.TemporaryDirectory(prefix="bench-", dir="/tmp") as scratch:  # short: paths of sockets have a limit
        lab = Lab(Path(scratch) / "lab")
        try:
            for name in options.playbooks:
                rows = _compare(lab, Path(scratch), PLAYBOOKS[name], options)
                tables.append(_table(PLAYBOOKS[name], rows, options))
                print(tables[-1], flush=True)
        except Failed as error:
            sys.exit(str(error))
        finally:
            lab.down_all()
    if options.write:
        key = f"{_hosts(options)}{f', {options.tasks} tasks' if options.tasks else ''}"
        pages.replace(PAGE, f"<!-- results: {key} -->", [machine, *tables, ""])
    return 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="benchmarks/run", description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--hosts", type=int, default=1, metavar="N", help="hosts in the play (1)")
    parser.add_argument("--runs", type=int, default=3, metavar="N", help="timed runs of each program (3)")
    parser.add_argument("--playbooks", nargs="+", choices=list(PLAYBOOKS), default=list(PLAYBOOKS))
    parser.add_argument("--tools", nargs="+", choices=NAMES, default=["provision", "ansible"],
                        help="beside others than provision and ansible nothing is installed unless named here")
    parser.add_argument("--tasks", type=int, default=0, metavar="N",
                        help="only the first N tasks of `site`; leaves `roles` out")
    parser.add_argument("--first", action="store_true", help="time the first converge of fresh hosts instead")
    parser.add_argument("--write", action="store_true", help="put the results into docs/performance.md")
    options = parser.parse_args()
    if options.tasks:
        options.playbooks = ["site"]
    return options


# -- measuring ----------------------------------------------------------------------------------------------------

def _compare(lab: Lab, scratch: Path, work: Work, options: argparse.Namespace) -> list[Row]:
    playbook = _playbook(work, scratch, options.tasks)
    log = scratch / "log"
    found: dict[str, list[Measured]] = {tool: [] for tool in options.tools}
    turns: dict[str, int] = {}
    with _fresh(lab, options.hosts) as hosts:
        way = Way(hosts, [(host.address, 22) for host in hosts], work.user)
        for tool in options.tools:  # warm: caches on both sides, and every host converged
            _say(f"{work.name}: {tool}, warming up")
            run(call(tool, scratch / tool, way, playbook), log)
        for tool in options.tools:
            turns[tool] = _turns(hosts[0], work.user, tool, scratch / tool, playbook, log)
        for number in range(0 if options.first else options.runs):
            for tool in options.tools:
                _say(f"{work.name}: {tool}, run {number + 1} of {options.runs}")
                found[tool].append(run(call(tool, scratch / tool, way, playbook), log))
    for number in range(options.runs if options.first else 0):
        for tool in options.tools:
            _say(f"{work.name}: {tool}, fresh hosts {number + 1} of {options.runs}")
            with _fresh(lab, options.hosts) as hosts:
                way = Way(hosts, [(host.address, 22) for host in hosts], work.user)
                found[tool].append(run(call(tool, scratch / tool, way, playbook), log))
    return [Row(tool, runs, turns[tool]) for tool, runs in found.items()]


@contextmanager
def _fresh(lab: Lab, count: int) -> Iterator[list[LabHost]]:
    hosts = lab.up(count=count, packages=PACKAGES)
    try:
        yield hosts
    finally:
        lab.down([host.name for host in hosts])


def _turns(host: LabHost, user: str, tool: str, folder: Path, playbook: Path, log: Path) -> int:
    with FaultProxy((host.address, 22)) as proxy:
        run(call(tool, folder, Way([host], [proxy.address], user), playbook), log)
        return proxy.turns


def _playbook(work: Work, scratch: Path, tasks: int) -> Path:
    if not tasks:
        return HERE / work.name / "site.yml"
    folder = scratch / f"{work.name}-{tasks}"
    if not folder.exists():
        shutil.copytree(HERE / work.name, folder)
        plays = yaml.safe_load((folder / "site.yml").read_text())
        plays[0]["tasks"] = plays[0]["tasks"][:tasks]
        (folder / "site.yml").write_text(yaml.safe_dump(plays, sort_keys=False))
    return folder / "site.yml"


# -- showing ------------------------------------------------------------------------------------------------------

def _table(work: Work, rows: Sequence[Row], options: argparse.Namespace) -> str:
    what = f"the first {options.tasks} tasks" if options.tasks else work.what
    kind = "first converge of fresh hosts" if options.first else "nothing to change"
    lines = [
        f"\n**`{work.name}`** ({what}), {_hosts(options)}, {kind}, {options.runs} runs of each, in turns:\n",
        "| | wall, median s | min to max | × provision | controller CPU s | round trips a host | changed |",
        "|---|---|---|---|---|---|---|",
    ]
    ours = next((row.wall for row in rows if row.tool == "provision"), None)
    for row in rows:
        walls, cpu = [one.wall for one in row.runs], statistics.median(one.cpu for one in row.runs)
        changed = {one.changed for one in row.runs}
        told = "/".join(str(number) for number in sorted(changed - {None}, key=str)) or "not told"
        ratio = f"{row.wall / ours:.1f}" if ours else ""
        lines.append(f"| {row.tool} | {row.wall:.2f} | {min(walls):.2f} to {max(walls):.2f} | {ratio} | {cpu:.2f} | "
                     f"{row.turns} | {told} |")
    return "\n".join(lines)


def _hosts(options: argparse.Namespace) -> str:
    return f"{options.hosts} host{'s' if options.hosts > 1 else ''}{', fresh' if options.first else ''}"


def _say(text: str) -> None:
    print(f"  {text}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
