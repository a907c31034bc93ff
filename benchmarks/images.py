# ruff: noqa: T201
"""Memory of `next start` while it optimises images, with and without jemalloc: see `benchmarks/images`.

The example app is deployed to a lab host as `nextjs_app` does it. Each round begins with a new process and no optimised
images, asks for all of them, eight at a time, and lets the process rest for 15 s. The allocators take turns.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, fields
from pathlib import Path
from statistics import median

from measure import this_machine

from provisioner.lab import Lab
from provisioner.testing.nextjs import Site, example
from provisioner.values import HostName

WIDTHS = (384, 640, 828, 1200)
AT_A_TIME = 8
REST = 15  # seconds
MIB = 1 << 20

#: Pictures with noise, as photographs have it: they don't compress to nothing.
PAINT = """
const sharp = require('/srv/example/current/node_modules/sharp');
(async () => {
  for (let n = 0; n < COUNT; n++) {
    const noise = { type: 'gaussian', mean: 60 + n * 2, sigma: 30 };
    await sharp({ create: { width: 2000, height: 1500, channels: 3, noise } }).jpeg().toFile(`FOLDER/${n}.jpg`);
  }
})();
"""
#: Tells the memory of the process that has the port, every fifth of a second: start, then all that follow.
WATCH = """
import json, os, sys, time
ticks, page = os.sysconf("SC_CLK_TCK"), os.sysconf("SC_PAGE_SIZE")
seen = []
while not os.path.exists("/tmp/measured"):
    seen.append(int(open("/proc/PID/statm").read().split()[1]) * page)
    time.sleep(0.2)
times = open("/proc/PID/stat").read().rpartition(")")[2].split()
maps = open("/proc/PID/maps").read()
print(json.dumps({"start": seen[0], "peak": max(seen), "rest": seen[-1],
                  "cpu": (int(times[11]) + int(times[12])) / ticks, "jemalloc": "libjemalloc" in maps}))
"""


@dataclass(frozen=True, slots=True)
class Measured:
    """Memory in bytes (resident), processor time in seconds."""

    start: float
    peak: float
    rest: float
    cpu: float


@dataclass(frozen=True, slots=True)
class Way:
    """conf: jemalloc's options, beside those of the unit."""

    jemalloc: bool
    conf: str = ""


def main() -> None:
    parser = argparse.ArgumentParser(prog="benchmarks/images", description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)  # fmt: skip
    parser.add_argument("--images", type=int, default=59)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--conf", action="append", default=[], metavar="MALLOC_CONF",
                        help="also jemalloc with these options; may be given several times")  # fmt: skip
    parser.add_argument("--lab", type=Path, help="directory of a lab whose host is used and left as it is")
    options = parser.parse_args()
    print(this_machine(), flush=True)
    ways = {"glibc": Way(jemalloc=False), "jemalloc": Way(jemalloc=True),
            **{f"jemalloc, {conf}": Way(jemalloc=True, conf=conf) for conf in options.conf}}  # fmt: skip
    found: dict[str, list[Measured]] = {name: [] for name in ways}
    with tempfile.TemporaryDirectory(prefix="images-", dir="/tmp") as scratch:
        lab = Lab(options.lab or Path(scratch) / "lab")
        try:
            if not options.lab:
                lab.up(count=1)
            site = Site(lab.hosts(), example(Path(scratch) / "app"), Path(scratch))
            for _ in range(options.rounds):
                for name, way in ways.items():
                    found[name].append(_round(site, options.images, way))
                    print(f"  {name}: {found[name][-1]}", file=sys.stderr, flush=True)
        finally:
            if not options.lab:
                lab.down_all()
    print(_table(found, options.images))


def _round(site: Site, images: int, way: Way) -> Measured:
    results, _, _ = site.deploy(hosts=1, jemalloc=way.jemalloc, env={"MALLOC_CONF": way.conf} if way.conf else {})
    result = results[HostName(site.hosts[0].name)]
    if result.get("failed"):
        raise SystemExit(result["msg"])
    folder = f"/srv/example/releases/{result['release']}/public/painted"
    if site.shell(f"ls {folder} 2>/dev/null | wc -l") != str(images):
        site.shell(f"mkdir -p {folder}")
        paint = PAINT.replace("COUNT", str(images)).replace("FOLDER", folder)
        site.hosts[0].run([f"/opt/node/{result['node']}/bin/node", "-e", paint], timeout=900)
    unit = f"example@{site.slot()}"
    site.shell(f"rm -rf /srv/example/shared/cache/*/*; rm -f /tmp/measured; systemctl restart {unit}")
    _until_it_answers(site)
    pid = site.shell(f"systemctl show {unit} -p MainPID --value")
    with ThreadPoolExecutor(1) as aside, ThreadPoolExecutor(AT_A_TIME) as clients:
        watching = aside.submit(site.hosts[0].run, ["python3", "-c", WATCH.replace("PID", pid)], timeout=900)
        time.sleep(1)
        names = [(number, width) for number in range(images) for width in WIDTHS]
        list(clients.map(lambda name: _ask(site.hosts[0].address, *name), names))
        time.sleep(REST)
        site.shell("touch /tmp/measured")
        told = json.loads(watching.result().stdout)
    if told["jemalloc"] != way.jemalloc:
        raise SystemExit(f"jemalloc is {'' if told['jemalloc'] else 'not '}loaded")
    return Measured(told["start"], told["peak"], told["rest"], told["cpu"])


def _until_it_answers(site: Site) -> None:
    deadline = time.monotonic() + 60
    while True:
        try:
            site.get("/api/health")
            return
        except OSError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.2)


def _ask(address: str, number: int, width: int) -> None:
    url = f"http://{address}/_next/image?url=%2Fpainted%2F{number}.jpg&w={width}&q=75"
    request = urllib.request.Request(url, headers={"Accept": "image/webp"})
    with urllib.request.urlopen(request, timeout=120) as answer:  # noqa: S310 - http, see above
        if answer.headers["Content-Type"] != "image/webp":
            raise SystemExit(f"{url} answers with {answer.headers['Content-Type']}")
        answer.read()


def _table(found: dict[str, list[Measured]], images: int) -> str:
    rounds = len(found["glibc"])
    lines = [f"{images} images of 2000 x 1500 in {len(WIDTHS)} sizes, {AT_A_TIME} at a time; median of {rounds} rounds "
             "each, MiB of resident memory, in brackets compared with glibc", "",
             "| | start | peak | 15 s after | CPU s |", "|---|---|---|---|---|"]  # fmt: skip
    usual = _middle(found["glibc"])
    for name, runs in found.items():
        one = _middle(runs)
        cells = [f"{one.start / MIB:.0f}", *(
            f"{now / MIB:.0f}" + ("" if name == "glibc" else f" ({now / before - 1:+.0%})")
            for now, before in ((one.peak, usual.peak), (one.rest, usual.rest))
        )]  # fmt: skip
        lines.append(f"| {name} | {' | '.join(cells)} | {one.cpu:.1f} |")
    return "\n".join(lines)


def _middle(runs: list[Measured]) -> Measured:
    return Measured(*(median(getattr(run, field.name) for run in runs) for field in fields(Measured)))


if __name__ == "__main__":
    main()
