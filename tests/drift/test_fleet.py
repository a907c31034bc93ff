"""Untouched hosts, checked again and again while they do what servers do by themselves: nothing may be found.

    .venv/bin/python -m pytest -m slow tests/drift/test_fleet.py

`PROVISION_FLEET=2x20` makes it two hosts and twenty checks. Each host has an app that visitors ask all the time for a
page that is made anew every ten seconds (ISR) and for images in sizes that nobody asked for before.
"""

from __future__ import annotations

import http.client
import itertools
import json
import os
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from provisioner.lab import LabHost
from provisioner.testing.nextjs import again_and_again, example
from tests.drift.catalogue import BY_ITSELF, DRIFTS, REPOSITORY, SETUP, WATCHED_BEFORE, WATCHES
from tests.drift.hosts import apply, by_shell, findings, site_of

WIDTHS = (32, 48, 64, 96, 128, 256, 384, 640, 750, 828, 1080, 1200, 1920, 2048, 3840)
CACHED = "find /srv/example/shared/cache -type f | wc -l"
MADE_ANEW = "find /srv/example/releases/*/.next/server -name news.html -printf '%T@\\n' | sort | tail -n 1"


@dataclass
class Visitors:
    """Of every host: pages all the time, and now and then an image as nobody has seen it."""

    addresses: list[str]
    pause: float = 0.2
    images_every: float = 30.0
    seen: dict[int, int] = field(default_factory=dict)
    _images: Iterator[tuple[int, str]] = field(default_factory=lambda: itertools.cycle(
        itertools.product(WIDTHS, ("image/webp", "image/jpeg"))))
    _last_image: float = 0.0

    def visit(self) -> None:
        """Each host once."""
        pages = [("/", "text/html"), ("/news", "text/html"), ("/about", "text/html")]
        if time.monotonic() - self._last_image > self.images_every:
            self._last_image = time.monotonic()
            width, kind = next(self._images)
            pages.append((f"/_next/image?url=%2Fmountains.jpg&w={width}&q=75", kind))
        for address, (path, kind) in itertools.product(self.addresses, pages):
            status = _status(address, path, kind)
            self.seen[status] = self.seen.get(status, 0) + 1
            time.sleep(self.pause)


def _status(address: str, path: str, kind: str) -> int:
    connection = http.client.HTTPConnection(address, timeout=120)
    try:
        connection.request("GET", path, headers={"Accept": kind})
        answer = connection.getresponse()
        answer.read()
    finally:
        connection.close()
    return answer.status


@pytest.mark.slow
@pytest.mark.timeout(4 * 3600)
def test_a_fleet_that_nobody_touches_has_no_finding_in_any_check(
        tmp_path: Path, lab_hosts: Callable[..., list[LabHost]]) -> None:  # fmt: skip
    count, checks = map(int, os.environ.get("PROVISION_FLEET", "10x100").split("x"))
    hosts = lab_hosts(count)
    app = {"name": "example", "source": str(example(tmp_path / "app")), "health": {"path": "/api/health"}, "watch": 1}
    tasks = [f"    - name: {each.name}\n      {each.task}\n" for each in DRIFTS]
    site = site_of(tmp_path, hosts, "".join([*tasks, f"    - name: App\n      nextjs_app: {json.dumps(app)}\n"]))
    (tmp_path / "drift.yml").write_text(WATCHES)
    (tmp_path / "settings.j2").write_text("port=8080\n")
    visitors = Visitors([host.address for host in hosts])
    found: list[tuple[int, int, list[dict[str, Any]]]] = []
    with ThreadPoolExecutor(2) as together:
        list(together.map(lambda host: by_shell(host, REPOSITORY, SETUP, WATCHED_BEFORE), hosts))
        apply(site)
        before = [host.run(["sh", "-c", f"{CACHED}; {MADE_ANEW}"]).stdout for host in hosts]
        with again_and_again(visitors.visit):
            for number in range(checks):
                living = [together.submit(by_shell, host, BY_ITSELF) for host in hosts]
                code, told = findings(site)
                for each in living:
                    each.result()
                if code or told:
                    found.append((number, code, told))
    after = [host.run(["sh", "-c", f"{CACHED}; {MADE_ANEW}"]).stdout for host in hosts]
    assert found == [], json.dumps(found, indent=1)[:4000]
    assert visitors.seen.keys() == {200}
    assert all(was.split()[0] != now.split()[0] and was.split()[1] != now.split()[1]
               for was, now in zip(before, after, strict=True)), (before, after)  # fmt: skip
