"""What a version of Next.js has to survive on lab hosts under load: releases, rollbacks, faulty releases.

`benchmarks/releases` runs all of it for every version, `tests/nextjs/test_matrix.py` a part.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

from provisioner.testing.releases import SINGLE, Releases, Run, Seen, shell

VERSIONS = (12, 13, 14, 15, 16)


@dataclass(frozen=True, slots=True)
class Fault:
    """What the message says, and for how many seconds the release has to settle before it gets a request."""

    words: str
    settle: float = 0.0


FAULTS: Mapping[str, Fault] = MappingProxyType({
    "crash": Fault("the service ended by itself"),
    "hang": Fault("no answer from"),
    "500": Fault("answers with status 500"),
    "wrong-build": Fault("is not build"),
    "die-10": Fault("after requests were sent"),
    "kill-10": Fault("before it had any request", settle=15),
})  # fmt: skip
"""Of the apps' `faults.js`."""
BETWEEN_RESTARTS = 8.0  # seconds


class Failed(Exception):
    """`provision` did not do what it was called for."""


def parts(apps: Path, version: int) -> Sequence[Path]:
    """The directories that make the app of a version: what all share, its router, and what it alone has."""
    return [apps / "common", apps / ("app" if version >= 14 else "pages"), apps / f"next{version}"]


def begin(app: Releases, apps: Path, version: int) -> None:
    """The first release of a version; where another version runs, it is taken over from."""
    app.bring(parts(apps, version))
    release_one(app, "release 0")


def release_one(app: Releases, words: str, **settings: Any) -> Run:
    """The source with these words, which is another build unless there was one that had them."""
    app.say(words)
    return _must(app.apply(words, **settings))


def roll_back(app: Releases, to: str | None = None) -> Run:
    """To the release before the one that runs, or to another, whatever the source is."""
    return _must(app.roll_back(to))


def release(app: Releases, count: int, rollbacks: int, builds: int) -> tuple[Seen, list[float], list[float]]:
    """So many releases with rollbacks among them, after `begin`; how many seconds each of both took.

    builds: how many different ones take turns, at least three; a release is never of the same build as the one before.
    """
    forth: list[float] = []
    back: list[float] = []
    with app.under_load() as seen:
        for number in range(1, count + 1):
            forth.append(release_one(app, f"release {number % builds}").seconds)
            if number * rollbacks // count > len(back):
                back.append(roll_back(app).seconds)
    return seen, forth, back


def break_release(app: Releases, fault: str) -> tuple[Seen, Run]:
    """A release that is not well, and what the clients saw of it. Its build is the live one's: after a rollback the
    source is that of another, which would answer until it fails."""
    release_one(app, "what the faults have")
    health = {"path": "/api/health", "timeout": 15, "settle": FAULTS[fault].settle}
    settings = {"env": {"FAULT": fault}, "health": health, "watch": 12}
    with app.under_load() as seen:
        run = app.apply(f"the fault {fault}", **settings)
    return seen, run


def is_taken_back(run: Run, fault: str) -> bool:
    """Whether the run failed for that reason, went back, and shows the last lines of the journal."""
    return run.code == 2 and all(
        words in run.output for words in (FAULTS[fault].words, f"the fault {fault}", "went back to release")
    )


def restart(app: Releases, times: int) -> Seen:
    """The live service restarted in place, as the only server of its site: what slots are measured against."""
    with app.one_server() as units, app.under_load(SINGLE) as seen:
        for _ in range(times):
            for host, unit in zip(app.hosts, units, strict=True):
                shell(host, f"systemctl restart {unit}")
            time.sleep(BETWEEN_RESTARTS)
    return seen


def _must(run: Run) -> Run:
    if run.code != 0:
        raise Failed(f"exit code {run.code}\n{run.output}")
    return run
