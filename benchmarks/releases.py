# ruff: noqa: T201
"""Releases an app of every version of Next.js on two lab hosts while 20 clients ask each of them, and counts failures.

Per version: ten releases by `provision apply` and five rollbacks by `provision app rollback`; releases with every kind
of fault, which have to be taken back; and for comparison the same clients while the service behind a web server is
restarted in place.
"""

from __future__ import annotations

import argparse
import datetime
import json
import re
import statistics
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pages
from measure import this_machine

from provisioner.lab import Lab
from provisioner.testing import matrix
from provisioner.testing.releases import Releases, Seen

ROOT = Path(__file__).resolve().parent.parent
APPS = ROOT / "tests/nextjs/apps"
PAGE = ROOT / "docs/releases.md"
HEADS = (
    "| Next.js | measured | requests to each host | failed | median of a release, a rollback (s) | faulty releases: "
    "taken back, requests, failed | restarts in place: requests, failed |",
    "|---|---|---|---|---|---|---|",
)
OPENING, CLOSING = "<!-- results -->", "<!-- end of results -->"
ENOUGH = 4000  # requests of each host
SETTINGS = {"watch": 2, "rollout": ["100%"]}  # saves time; waves and watching have tests of their own


@dataclass(frozen=True, slots=True)
class Row:
    """What came of one version."""

    version: str
    seen: Seen
    forth: Sequence[float]
    back: Sequence[float]
    faults: int
    taken_back: int
    faulty: Seen
    restarted: Seen

    @property
    def is_fine(self) -> bool:
        failed = self.seen.failures or self.faulty.failures
        return not failed and self.taken_back == self.faults and min(self.seen.requests) >= ENOUGH

    def line(self) -> str:
        faulty = f"{self.taken_back} of {self.faults}, {_of(self.faulty)}" if self.faults else ""
        cells = (
            self.version, f"{datetime.datetime.now(datetime.UTC):%Y-%m-%d}", ", ".join(map(str, self.seen.requests)),
            str(len(self.seen.failures)), f"{statistics.median(self.forth):.0f}, {statistics.median(self.back):.0f}",
            faulty, _of(self.restarted),
        )  # fmt: skip
        return f"| {' | '.join(cells)} |"


def _of(seen: Seen) -> str:
    return f"{sum(seen.requests)}, {len(seen.failures)}"


def main() -> int:
    options = _options()
    reasons = Lab.requirements()
    if reasons:
        sys.exit(f"lab hosts cannot run here: {'; '.join(reasons)}")
    print(this_machine(), *HEADS, sep="\n", flush=True)
    fine = True
    with tempfile.TemporaryDirectory(prefix="releases-", dir="/tmp") as scratch:  # short: paths of sockets have a limit
        lab = Lab(options.lab or Path(scratch) / "lab")
        try:
            if not options.lab:
                lab.up(count=2)
            app = Releases(lab.hosts(), lab.inventory_file, Path(scratch), SETTINGS)
            for version in options.versions:
                row = _measure(app, version, options)
                print(row.line(), flush=True)
                fine = fine and row.is_fine
                if options.write:
                    _write(row)
        except matrix.Failed as error:
            sys.exit(str(error))
        finally:
            if not options.lab:
                lab.down_all()
    return 0 if fine else 1


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="benchmarks/releases", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    every = ",".join(map(str, matrix.VERSIONS))
    parser.add_argument("--versions", type=_numbers, default=matrix.VERSIONS, help=f"of Next.js, of {every}")
    parser.add_argument("--releases", type=int, default=10)
    parser.add_argument("--rollbacks", type=int, default=5, help="at least one")
    parser.add_argument("--faults", type=_numbers, default=matrix.VERSIONS, help="versions with faulty releases")
    parser.add_argument("--builds", type=int, default=4, help="that take turns; the others are found on the hosts")
    parser.add_argument("--restarts", type=int, default=3, help="in place, for comparison")
    parser.add_argument("--write", action="store_true", help=f"put the rows into {PAGE.relative_to(ROOT)}")
    parser.add_argument("--lab", type=Path, help="directory of a lab whose two hosts are used and left as they are")
    return parser.parse_args()


def _numbers(text: str) -> Sequence[int]:
    numbers = [int(one) for one in text.split(",")]
    if not set(numbers) <= set(matrix.VERSIONS):
        raise ValueError(text)
    return numbers


def _measure(app: Releases, version: int, options: argparse.Namespace) -> Row:
    matrix.begin(app, APPS, version)
    seen, forth, back = matrix.release(app, options.releases, options.rollbacks, options.builds)
    _tell(f"{version}: releases", seen)
    taken_back, faulty = 0, Seen()
    faults = matrix.FAULTS if version in options.faults else {}
    for fault, expected in faults.items():
        broken, run = matrix.break_release(app, fault)
        taken_back += matrix.is_taken_back(run, fault)
        faulty.add(broken)
        _tell(f"{version}: {fault}, expected {expected.words!r}", broken)
        if not matrix.is_taken_back(run, fault):
            print(run.output, file=sys.stderr)
    restarted = matrix.restart(app, options.restarts)
    exact = json.loads((APPS / f"next{version}/package.json").read_text())["dependencies"]["next"]
    return Row(exact, seen, forth, back, len(faults), taken_back, faulty, restarted)


def _tell(what: str, seen: Seen) -> None:
    """On standard error, as soon as it is known."""
    cost = ", ".join(f"{cost.share:.0%} of a processor and at most {cost.late:.2f} s late" for cost in seen.costs)
    lines = [f"  {what}: {seen.requests} requests, {len(seen.failures)} failed; the clients: {cost}"]
    print(*lines, *(f"    {one}" for one in seen.failures[:20]), sep="\n", file=sys.stderr, flush=True)


def _write(row: Row) -> None:
    """Put the row in the place of the one of the same version, and tell of this machine."""
    page = PAGE.read_text()
    rows = {row.version: row.line()}
    rows = {line.split()[1]: line for line in re.findall(r"^\| \d.*$", page, re.MULTILINE)} | rows
    ordered = [rows[version] for version in sorted(rows, key=lambda one: [int(part) for part in one.split(".")])]
    pages.replace(PAGE, OPENING, [this_machine(), "", *HEADS, *ordered], CLOSING)


if __name__ == "__main__":
    sys.exit(main())
