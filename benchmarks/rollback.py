# ruff: noqa: T201
"""Time of `provision app rollback` as a user waits for it: see `benchmarks/rollback`.

Two releases of an app of Next.js 16 with default settings take turns on one lab host, each time by a process of its
own.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

import pages
from measure import this_machine

from provisioner.lab import Lab
from provisioner.testing import matrix
from provisioner.testing.releases import Releases, live

ROOT = Path(__file__).resolve().parent.parent
APPS = ROOT / "tests/nextjs/apps"
PAGE = ROOT / "docs/releases.md"
OPENING, CLOSING = "<!-- rollbacks -->", "<!-- end of rollbacks -->"
KINDS = {"run": "warm: `previous: run`", "stop": "cold: `previous: stop`, the default"}
LIMITS = {"run": 2.0, "stop": 10.0}  # seconds


def main() -> int:
    parser = argparse.ArgumentParser(prog="benchmarks/rollback", description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)  # fmt: skip
    parser.add_argument("--times", type=int, default=7)
    parser.add_argument("--write", action="store_true", help=f"put the numbers into {PAGE.relative_to(ROOT)}")
    parser.add_argument("--lab", type=Path, help="directory of a lab whose host is used and left as it is")
    options = parser.parse_args()
    machine = this_machine()
    with tempfile.TemporaryDirectory(prefix="rollback-", dir="/tmp") as scratch:
        lab = Lab(options.lab or Path(scratch) / "lab")
        try:
            if not options.lab:
                lab.up(count=1)
            app = Releases(lab.hosts(), lab.inventory_file, Path(scratch))
            found = {kind: _rollbacks(app, kind, options.times) for kind in KINDS}
        finally:
            if not options.lab:
                lab.down_all()
    block = "\n".join([machine, "", *_table(found)])
    print(block)
    if options.write:
        pages.replace(PAGE, OPENING, [block], CLOSING)
    return 0 if all(max(took) < LIMITS[kind] for kind, took in found.items()) else 1


def _rollbacks(app: Releases, kind: str, times: int) -> Sequence[float]:
    """How many seconds each took: to the release before, from there to the newer one, and so on."""
    matrix.begin(app, APPS, 16)
    names = []
    for words in ("release 1", "release 2"):
        matrix.release_one(app, words, previous=kind)
        names.append(str(live(app.hosts[0])["release"]))
    return [matrix.roll_back(app, names[number % 2]).seconds for number in range(times)]


def _table(found: dict[str, Sequence[float]]) -> Sequence[str]:
    rows = [(KINDS[kind], len(took), min(took), statistics.median(took), max(took)) for kind, took in found.items()]
    return ("| `provision app rollback` | times | fastest (s) | median (s) | slowest (s) |", "|---|---|---|---|---|",
            *(f"| {what} | {times} | {least:.2f} | {middle:.2f} | {most:.2f} |"
              for what, times, least, middle, most in rows))  # fmt: skip


if __name__ == "__main__":
    sys.exit(main())
