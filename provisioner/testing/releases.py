"""Releases of an app by `provision apply` while clients ask for it on every host, and what came of their requests."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from provisioner.lab import LabHost
from provisioner.testing.judging import Phase, failures
from provisioner.testing.nextjs import Load, load
from provisioner.testing.traffic import Cost

APP = "example"
WORDS = "words.js"  # the file that every release changes
PAUSE = 0.4  # seconds between the requests of a client; 20 clients then ask about 35 times a second
LARGE = 0.1  # of the GET requests
SINGLE = 8080  # the port of the site whose only server is restarted in place
PLAIN_SITE = """server {
    listen %d;
    location / {
        proxy_pass http://127.0.0.1:%d;
        proxy_http_version 1.1;
        proxy_set_header Connection "";
        proxy_set_header Host $host;
    }
}
"""


@dataclass(frozen=True, slots=True)
class Run:
    """What `provision` said, how it ended, and after how many seconds."""

    code: int
    output: str
    seconds: float


@dataclass
class Seen:
    """What the clients of the hosts saw, filled when they are done."""

    requests: list[int] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)
    costs: list[Cost] = field(default_factory=list)

    def add(self, other: Seen) -> None:
        self.requests += other.requests
        self.failures += other.failures
        self.costs += other.costs

    def note(self, host: LabHost, found: Load, phases: Sequence[Phase]) -> None:
        self.requests.append(len(found.answers))
        self.failures += [f"{host.name}: {wrong}" for wrong in failures(found.answers, phases)]
        self.costs.append(found.cost)


@dataclass
class Releases:
    """An app that `provision apply` puts on lab hosts, again and again.

    scratch: an existing directory; the source, the playbook and the state of the controller are made there.
    settings: of `nextjs_app`, beside name, source, Node.js and health.
    """

    hosts: Sequence[LabHost]
    inventory: Path
    scratch: Path
    settings: Mapping[str, Any] = field(default_factory=dict)
    phases: list[list[Phase]] = field(default_factory=list)
    """Of each host, what has changed since the clients began."""

    @property
    def source(self) -> Path:
        return self.scratch / "app"

    def bring(self, parts: Sequence[Path]) -> None:
        """Make the source out of these directories, one laid over the other."""
        shutil.rmtree(self.source, ignore_errors=True)
        for part in parts:
            shutil.copytree(part, self.source, dirs_exist_ok=True)

    def say(self, words: str) -> None:
        """Change the source, so that the next run makes another build, or finds the one that said the same."""
        (self.source / WORDS).write_text(f"export const words = {json.dumps(words)};\n")

    def apply(self, name: str, **settings: Any) -> Run:
        """Run the playbook with these settings too, and note it by this name as a phase."""
        playbook = self.scratch / "site.yml"
        playbook.write_text(json.dumps([self._play(settings)], indent=2))
        return self._change(name, ["apply", "-i", str(self.inventory), str(playbook)])

    def roll_back(self, to: str | None = None) -> Run:
        """By `provision app rollback`, as a user goes back; noted as a phase too."""
        names = ",".join(host.name for host in self.hosts)
        rollout = ",".join(map(str, self.settings.get("rollout", [1, "100%"])))
        where = ["-i", str(self.inventory), "-l", names, "--rollout", rollout]
        return self._change("rollback", ["app", "rollback", APP, *([to] if to else []), *where])

    @contextmanager
    def under_load(self, port: int = 80) -> Iterator[Seen]:
        """Clients of every host, from before the block until after it."""
        seen, loads = Seen(), []
        self.phases = [[] for _ in self.hosts]
        with ExitStack() as stack:
            for host in self.hosts:
                loads.append(stack.enter_context(load(f"{host.address}:{port}", pause=PAUSE, large=LARGE)))
            time.sleep(1)
            yield seen
            time.sleep(1)
        for host, found, phases in zip(self.hosts, loads, self.phases, strict=True):
            seen.note(host, found, phases)

    @contextmanager
    def one_server(self) -> Iterator[list[str]]:
        """A site on the port `SINGLE` of every host for the live service alone; gives each host's name of its unit."""
        units = []
        for host in self.hosts:
            unit = f"{APP}@{live(host)['slot']}.service"
            port = shell(host, f"systemctl cat {unit} | sed -n 's/.* -p \\([0-9]*\\).*/\\1/p'")
            (host.root / "etc/nginx/conf.d/single.conf").write_text(PLAIN_SITE % (SINGLE, int(port)))
            shell(host, "systemctl reload nginx")
            units.append(unit)
        try:
            yield units
        finally:
            for host in self.hosts:
                shell(host, "rm /etc/nginx/conf.d/single.conf; systemctl reload nginx")

    def _play(self, settings: Mapping[str, Any]) -> Mapping[str, Any]:
        health = {"path": "/api/health"}
        app = {"name": APP, "source": str(self.source), "node": "22", "health": health, **self.settings, **settings}
        names = [host.name for host in self.hosts]
        return {"hosts": names, "gather_facts": False, "tasks": [{"name": "Release", "nextjs_app": app}]}

    def _change(self, name: str, arguments: Sequence[str]) -> Run:
        before, began = self._live(), time.monotonic()
        # with compiled modules, as users have them
        kept = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
        environment = {**kept, "PROVISION_STATE_DIR": str(self.scratch / "state")}
        done = subprocess.run(
            [sys.executable, "-m", "provisioner", *arguments], check=False, stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=environment,
        )  # fmt: skip
        ended = time.monotonic()
        for phases, old, new in zip(self.phases, before, self._live(), strict=bool(self.phases)):
            phases.append(Phase(name, old, new, began, ended))
        return Run(done.returncode, done.stdout, ended - began)

    def _live(self) -> list[str]:
        """The build that every host should answer with, as its files say; empty on a host that has none yet."""
        return [shell(host, f"cat /srv/{APP}/current/.next/BUILD_ID 2>/dev/null || true") for host in self.hosts]


def live(host: LabHost) -> Mapping[str, Any]:
    """What gets the requests: slot, release and more."""
    return dict(json.loads(shell(host, f"cat /var/lib/provisioner/apps/{APP}.json"))["live"])


def shell(host: LabHost, command: str) -> str:
    return host.run(["sh", "-c", command]).stdout.strip()
