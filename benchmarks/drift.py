# ruff: noqa: T201
"""What `provision drift` costs beside a `provision apply` that has nothing to change: see `benchmarks/drift`.

Both run the playbook of five roles on the same hosts, in turns, with the same record. Controller and hosts share this
machine's processors. Round trips to a host are counted in one more run of each, through a proxy.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

import pages
from compare import PACKAGES, PAGE, PLAYBOOKS
from measure import Failed, Measured, run, this_machine
from tools import Way, call

from provisioner.lab import Lab
from provisioner.testing.proxy import FaultProxy

PLAYBOOK = Path(__file__).parent / "roles/site.yml"
COMMANDS = ("apply", "drift")
MOST = 1.2  # times the apply


def main() -> int:
    parser = argparse.ArgumentParser(prog="benchmarks/drift", description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)  # fmt: skip
    parser.add_argument("--hosts", type=int, default=40, metavar="N")
    parser.add_argument("--runs", type=int, default=5, metavar="N", help="timed runs of each (5)")
    parser.add_argument("--write", action="store_true", help="put the results into docs/performance.md")
    options = parser.parse_args()
    machine = this_machine()
    with tempfile.TemporaryDirectory(prefix="drift-", dir="/tmp") as scratch:  # short: paths of sockets have a limit
        lab = Lab(Path(scratch) / "lab")
        try:
            found, turns = _measure(lab, Path(scratch), options.hosts, options.runs)
        except Failed as error:
            sys.exit(str(error))
        finally:
            lab.down_all()
    ratio = _median(found["drift"], "wall") / _median(found["apply"], "wall")
    lines = [machine, "", *_table(found, turns, options.hosts, options.runs), ""]
    print("\n".join(lines))
    print(f"a check takes {ratio:.2f} times an apply; at most {MOST} are wanted")
    if options.write:
        pages.replace(PAGE, "<!-- results: drift -->", lines)
    return 0 if ratio <= MOST else 1


def _measure(
    lab: Lab, scratch: Path, count: int, runs: int
) -> tuple[Mapping[str, Sequence[Measured]], Mapping[str, int]]:
    """Of each command the timed runs, and the round trips to one host."""
    user, log, folder = PLAYBOOKS["roles"].user, scratch / "log", scratch / "provision"
    hosts = lab.up(count=count, packages=PACKAGES)
    way = Way(hosts, [(host.address, 22) for host in hosts], user)
    found: dict[str, list[Measured]] = {command: [] for command in COMMANDS}
    turns: dict[str, int] = {}
    run(call("provision", folder, way, PLAYBOOK), log)  # converges
    for command in COMMANDS:
        run(call("provision", folder, way, PLAYBOOK, command), log)
    for number in range(runs):
        for command in COMMANDS:
            print(f"  {command}, run {number + 1} of {runs}", file=sys.stderr, flush=True)
            found[command].append(run(call("provision", folder, way, PLAYBOOK, command), log))
    for command in COMMANDS:
        with FaultProxy((hosts[0].address, 22)) as proxy:
            run(call("provision", folder, Way(hosts[:1], [proxy.address], user), PLAYBOOK, command), log)
            turns[command] = proxy.turns
    return found, turns


def _table(
    found: Mapping[str, Sequence[Measured]], turns: Mapping[str, int], hosts: int, runs: int
) -> Sequence[str]:
    apply = found["apply"]
    return [
        f"**`roles`** on {hosts} hosts, nothing to change and nothing drifted, {runs} runs of each, in turns:", "",
        "| | wall, median s | min to max | × apply | controller CPU s | × apply | round trips a host |",
        "|---|---|---|---|---|---|---|",
        *(f"| {command} | {_median(ran, 'wall'):.2f} | {min(one.wall for one in ran):.2f} to "
          f"{max(one.wall for one in ran):.2f} | {_median(ran, 'wall') / _median(apply, 'wall'):.2f} | "
          f"{_median(ran, 'cpu'):.2f} | {_median(ran, 'cpu') / _median(apply, 'cpu'):.2f} | {turns[command]} |"
          for command, ran in found.items()),
    ]  # fmt: skip


def _median(runs: Sequence[Measured], name: str) -> float:
    return statistics.median(getattr(one, name) for one in runs)


if __name__ == "__main__":
    sys.exit(main())
