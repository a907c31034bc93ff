"""`provision` as a program that dies by SIGKILL at one moment of its work.

    python mortal.py apply -y site.yml     one run
    python mortal.py                       runs that are asked for on stdin, each in a process of its own: forked from
                                           one that has imported everything, which takes most of the time of a run

All that a run does outside of itself is a pair of steps, one before it and one after it: each call of a provider, each
line of the journal (and a third step when half of it is written), each file of the enrolment. It dies at the step with
the number in the environment variable MORTAL_DIES_AT; MORTAL_STEPS is a file that gets the name of each step.

What is not real: sleeping, which moves this process's clocks instead; and the connections of the enrolment, since the
machines of these stand-ins do not boot. tests/enrol has those, killed likewise.
"""
# ruff: noqa: PLC0415 - what is imported keeps the clocks that there are then

from __future__ import annotations

import json
import os
import runpy
import signal
import sys
import time
import urllib.parse
from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

DIES_AT, STEPS, FILE = "MORTAL_DIES_AT", "MORTAL_STEPS", "MORTAL_FILE_PROVIDER"


@dataclass(slots=True)
class Life:
    """Of one process. dies_at: the number of its last step, 0: it lives. told: hears of each."""

    dies_at: int
    told: Path | None
    steps: int = 0

    def step(self, what: str) -> None:
        self.steps += 1
        if self.told is not None:
            with self.told.open("a") as file:
                file.write(f"{what}\n")
        if self.steps == self.dies_at:
            os.kill(os.getpid(), signal.SIGKILL)

    @property
    def ends_now(self) -> bool:
        return self.steps + 1 == self.dies_at

    def around(self, owner: Any, name: str, what: Callable[..., str]) -> None:
        """what: the name of a call, from its arguments."""
        real = getattr(owner, name)

        def wrapped(*args: Any, **named: Any) -> Any:
            call = what(*args)
            self.step(f"before {call}")
            result = real(*args, **named)
            self.step(f"after {call}")
            return result

        setattr(owner, name, wrapped)


def make_mortal(life: Life) -> None:
    """From now on this process dies as `life` says."""
    from provisioner import durable
    from provisioner.cloud.journal import Journal

    write = Journal._write

    def written(self: Journal, entry: Any) -> None:
        line = json.dumps(entry)
        life.step(f"before the journal line {line}")
        if life.ends_now:
            with self._path.open("a") as file:
                file.write(line[: len(line) // 2])
        life.step(f"half of the journal line {line}")
        write(self, entry)
        life.step(f"after the journal line {line}")

    Journal._write = written  # type: ignore[method-assign]
    for name in ("write", "write_new"):
        life.around(durable, name, lambda path, *rest: f"the file {path.name}")
    _count_calls(life)


def _count_calls(life: Life) -> None:
    """Each request on the wire, whatever it is repeated for."""
    from botocore.httpsession import URLLib3Session
    from requests.adapters import HTTPAdapter

    from provisioner.testing.cloud import FakeCloud

    def at_amazon(_: Any, request: Any) -> str:
        said = request.body.decode() if isinstance(request.body, bytes) else str(request.body)
        return urllib.parse.parse_qs(said).get("Action", [f"{request.method} {request.url}"])[0]

    life.around(URLLib3Session, "send", at_amazon)
    life.around(HTTPAdapter, "send", lambda _, request, *rest: f"{request.method} {request.path_url}")
    for name in ("account", "found", "sites", "foresee", "create", "update", "delete", "look"):
        life.around(FakeCloud, name, lambda *_, name=name: name)


def let_time_fly() -> None:
    """Whoever sleeps goes on at once, at a later time."""
    slept = [0.0]
    now, monotonic = time.time, time.monotonic

    def sleep(seconds: Any) -> None:
        slept[0] += seconds

    time.time, time.monotonic, time.sleep = lambda: now() + slept[0], lambda: monotonic() + slept[0], sleep


def know_the_file_provider() -> None:
    """`provider: file`, with its state in the file that the environment names."""
    from provisioner.cloud.providers import PROVIDERS

    # Declarations are checked against what the table held when it was imported first.
    PROVIDERS["file"] = "mortal"
    sys.modules["mortal"] = sys.modules[__name__]


def open(place: Any) -> Any:  # as modules of providers have it
    from provisioner.testing.cloud import FakeCloud

    return FakeCloud(place, Path(os.environ[FILE]))


def connect_to_nobody() -> None:
    """A machine is enrolled at once: it is written down as if it had been connected to."""
    from provisioner.enrol.enroller import SiteEnroller
    from provisioner.enrol.hostca import VALID
    from provisioner.enrol.store import Enrolled

    def enrolled(self: Any, found: Any, settings: Any, *rest: Any) -> Any:
        site = self._site()
        line = site.ca.line(found.id)
        site.store.keep(found.id, Enrolled(found.ref.name, line, "ssh-ed25519 AAAA", self.now() + VALID))
        return self._variables(found, settings.user)

    SiteEnroller._enrolled = enrolled  # type: ignore[assignment, method-assign]
    SiteEnroller.wait = lambda *_: None  # type: ignore[method-assign]


def prepare() -> None:
    let_time_fly()
    know_the_file_provider()
    connect_to_nobody()


def life_of(environment: Any) -> Life:
    told = environment.get(STEPS)
    return Life(int(environment.get(DIES_AT) or 0), Path(told) if told else None)


def run(arguments: list[str]) -> None:
    make_mortal(life_of(os.environ))
    sys.argv = ["provision", *arguments]
    runpy.run_module("provisioner", run_name="__main__", alter_sys=True)


def serve() -> None:
    """A line of stdin is a run: `{"arguments", "environment", "folder", "output"}`; its exit code is the answer,
    negative for the signal that ended it."""
    warm()
    for line in sys.stdin:
        order = json.loads(line)
        child = os.fork()
        if child == 0:
            os.chdir(order["folder"])
            os.environ.clear()
            os.environ.update(order["environment"])
            output = os.open(order["output"], os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
            os.dup2(os.open("/dev/null", os.O_RDONLY), 0)
            os.dup2(output, 1)
            os.dup2(output, 2)
            _run_and_leave(order["arguments"])
        code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        sys.stdout.write(f"{code}\n")
        sys.stdout.flush()


def _run_and_leave(arguments: list[str]) -> None:
    """Without Python's own end, which takes a process with all these modules longer than its work."""
    code = 1
    try:
        run(arguments)
    except SystemExit as ended:
        code = int(ended.code or 0)
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


def warm() -> None:
    """Import what runs need, and read what boto3 reads for its clients."""
    import botocore.loaders
    import botocore.session

    for name in ("app", "cli.apply", "cli.cloud", "cli.destroy", "cloud.providers.digitalocean", "cloud.providers.ec2",
                 "history.writer", "staging", "transport.ssh"):
        import_module(f"provisioner.{name}")
    loader = botocore.loaders.Loader()
    for service in ("ec2", "sts", "ssm", "route53"):
        for kind in ("service-2", "paginators-1", "endpoint-rule-set-1"):
            loader.load_service_model(service, kind)
    for name in ("endpoints", "partitions", "_retry", "sdk-default-configuration"):
        loader.load_data(name)
    botocore.session.create_loader = lambda *_: loader


if __name__ == "__main__":
    prepare()
    if sys.argv[1:]:
        run(sys.argv[1:])
    else:
        serve()
