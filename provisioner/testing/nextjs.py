"""An app on lab hosts for the tests of its deployment: deploys, looks, and clients that count what is refused."""

from __future__ import annotations

import http.client
import itertools
import json
import shutil
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from provisioner.actions import nextjs_app
from provisioner.lab import LabHost
from provisioner.messages import Target
from provisioner.testing.driving import Shown, bench
from provisioner.testing.traffic import Answer, Cost
from provisioner.values import HostName, Secret

CANARY = "canary-4711"
JOURNAL = "/var/lib/provisioner/apps/example.json"
LISTING = (
    "find /etc /srv /opt /var/lib /usr /home -xdev "
    "\\( -path /var/lib/apt -o -path /var/lib/dpkg -o -path /var/lib/systemd -o -path '*/.next/server' "
    "-o -path /etc/ld.so.cache \\) -prune -o -printf '%p %M %u %g %s %T@ %i %l\\n'"
)


EXAMPLE = Path(__file__).parents[2] / "playbooks/app"
ECHO = """export const dynamic = 'force-dynamic';

export async function POST(request) {
  return new Response(await request.text());
}
"""


def example(folder: Path) -> Path:
    """A copy of the example app, with a page that sends back what is posted to it."""
    shutil.copytree(EXAMPLE, folder, ignore=shutil.ignore_patterns("node_modules", ".next", "build.json"))
    (folder / "app/api/echo").mkdir()
    (folder / "app/api/echo/route.js").write_text(ECHO)
    return folder


@dataclass
class Site:
    """Hosts and the source that is deployed to them, as the app `example`."""

    hosts: list[LabHost]
    source: Path
    scratch: Path
    seen: dict[str, Any] = field(default_factory=dict)

    def arguments(self, token: str | Secret = CANARY, **more: Any) -> dict[str, Any]:
        """Those of `nextjs_app`."""
        return {
            "name": "example", "source": str(self.source), "env": {"GREETING": 'Say "hi" for $5\nand \\more'},
            "secrets": {"TOKEN": token}, "memory_max": "900M", "health": {"path": "/api/health"},
            "drain": 1, "watch": 1, **more,
        }  # fmt: skip

    def deploy(
        self, *, check: bool = False, hosts: int = 2, **more: Any
    ) -> tuple[Mapping[HostName, Mapping[str, Any]], Mapping[HostName, Shown], list[int]]:
        """Results, what was shown, and round trips."""
        args = self.arguments(Secret(CANARY), **more)
        with bench(self._targets(hosts), args, scratch=self.scratch, check=check) as run:
            results = nextjs_app.run_batch(run.calls)
        return results, run.shown, [call.round_trips for call in run.calls]

    def _targets(self, count: int) -> list[Target]:
        return [Target(HostName(host.name), address=host.address, user="root", key_files=(str(host.key_file),),
                       known_hosts=(str(host.known_hosts),))
                for host in self.hosts[:count]]  # fmt: skip

    def only(self, greeting: str = "hello", fault: str = "", **more: Any) -> Mapping[str, Any]:
        """The result of a deploy to the first host. Another greeting makes another release of the same build."""
        env = {"GREETING": greeting, **({"FAULT": fault} if fault else {})}
        results, _, _ = self.deploy(hosts=1, env=env, **more)
        return results[HostName(self.hosts[0].name)]

    def call(self, module: str, **args: Any) -> dict[str, Any]:
        """The result of one module on the first host."""
        with bench(self._targets(1), {}, scratch=self.scratch) as run:
            return run.calls[0].call(module, args)

    def words(self, *words: str) -> list[str]:
        """The command line of `provision app` for the first host; what stands behind `--` stays behind it."""
        host, inventory = self.hosts[0], self.scratch / "app.ini"
        inventory.write_text(
            f"{host.name} ansible_host={host.address} ansible_user=root ansible_ssh_private_key_file={host.key_file} "
            f"ansible_ssh_known_hosts_file={host.known_hosts}\n")  # fmt: skip
        at = words.index("--") if "--" in words else len(words)
        where = ("-i", str(inventory), "--state-dir", str(self.scratch / "state"))
        return [sys.executable, "-m", "provisioner", "app", *words[:at], *where, *words[at:]]

    def program(self, *words: str, given: str | None = None) -> subprocess.CompletedProcess[str]:
        """`provision app` on the first host, carried out. given: its standard input."""
        return subprocess.run(self.words(*words), input=given, text=True, capture_output=True, check=False,
                              timeout=300)  # fmt: skip

    def start_apply(self, greeting: str) -> subprocess.Popen[bytes]:
        """`provision apply` of the same to the first host, as a process of its own, begun."""
        host, folder = self.hosts[0], Path(tempfile.mkdtemp(dir=self.scratch))
        (folder / "hosts.ini").write_text(
            f"{host.name} ansible_host={host.address} ansible_user=root "
            f"ansible_ssh_private_key_file={host.key_file} ansible_ssh_known_hosts_file={host.known_hosts}\n"
        )
        task = {"nextjs_app": self.arguments(env={"GREETING": greeting})}
        (folder / "site.yml").write_text(json.dumps([{"hosts": "all", "gather_facts": False, "tasks": [task]}]))
        return subprocess.Popen(
            [sys.executable, "-m", "provisioner", "apply", "-i", "hosts.ini", "site.yml", "--state-dir", "state"],
            cwd=folder, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)  # fmt: skip

    def running(self) -> list[str]:
        """The app's services that run."""
        command = "systemctl list-units --state=running --plain --no-legend 'example*' | cut -d' ' -f1"
        return sorted(self.shell(command).split())

    def wait_until(self, condition: str, seconds: float = 60) -> None:
        """Until the shell command succeeds on the first host."""
        loop = f"until {condition}; do sleep 0.02; done"
        self.hosts[0].run(["timeout", str(seconds), "sh", "-c", loop], timeout=seconds + 30)

    def get(self, path: str, host: int = 0) -> str:
        with urllib.request.urlopen(f"http://{self.hosts[host].address}{path}", timeout=20) as answer:
            return str(answer.read().decode())

    def listing(self, host: int = 0) -> dict[str, str]:
        lines = self.hosts[host].run(["sh", "-c", LISTING]).stdout.splitlines()
        return {line.split(" ")[0]: line for line in lines}

    def shell(self, command: str, host: int = 0) -> str:
        return self.hosts[host].run(["sh", "-c", command]).stdout.strip()

    def edit(self, name: str, old: str, new: str) -> None:
        path = self.source / name
        text = path.read_text()
        assert old in text
        path.write_text(text.replace(old, new))

    def journal(self, host: int = 0) -> dict[str, Any]:
        text = self.shell(f"cat {JOURNAL} 2>/dev/null || echo '{{}}'", host)
        return dict(json.loads(text))

    def slot(self, host: int = 0) -> str:
        """The slot that is live."""
        return str(self.journal(host)["live"]["slot"])


@dataclass
class Load:
    """What came of the requests of `load` or `poller`; only `load` has `answers` and `cost`."""

    answered: int = 0
    failures: list[str] = field(default_factory=list)
    builds: set[str] = field(default_factory=set)
    answers: list[Answer] = field(default_factory=list)
    cost: Cost = Cost(0.0, 0.0)

    def note(self, answers: list[Answer], cost: Cost) -> None:
        self.answers, self.cost = answers, cost
        self.answered = sum(answer.problem is None for answer in answers)
        self.failures = [f"{answer.request}: {answer.problem}" for answer in answers if answer.problem]
        self.builds = {answer.build for answer in answers if answer.build}


@contextmanager
def load(address: str, *, clients: int = 20, pause: float = 0.15, large: float = 0.0) -> Iterator[Load]:
    """Clients (`provisioner.testing.traffic`) of a web address until the block ends; `Load` then has what they saw."""
    found = Load()
    command = [sys.executable, "-m", "provisioner.testing.traffic", address]
    options = [f"--clients={clients}", f"--pause={pause}", f"--large={large}"]
    with tempfile.TemporaryFile("w+") as notes:
        process = subprocess.Popen([*command, *options], stdin=subprocess.PIPE, stdout=notes)
        try:
            yield found
        finally:
            process.communicate()
            notes.seek(0)
            *answers, cost = map(json.loads, notes)
            found.note([Answer(**answer) for answer in answers], Cost(**cost))


def page(address: str, path: str) -> tuple[int, str, dict[str, str]]:
    """Status, text and headers, their names in small letters, of what a web server answers at once."""
    connection = http.client.HTTPConnection(address, timeout=30)
    try:
        connection.request("GET", path)
        answer = connection.getresponse()
        body = answer.read().decode()
        return answer.status, body, {name.lower(): value for name, value in answer.getheaders()}
    finally:
        connection.close()


@contextmanager
def again_and_again(*works: Callable[[], None]) -> Iterator[None]:
    """Until the block ends, each of them in a thread of its own."""
    over = threading.Event()

    def repeat(work: Callable[[], None]) -> None:
        while not over.is_set():
            work()

    threads = [threading.Thread(target=repeat, args=(work,)) for work in works]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        over.set()
        for thread in threads:
            thread.join()


@contextmanager
def poller(address: str, per_second: int = 20) -> Iterator[Load]:
    """Asks for the health page that often, each time on a new connection."""
    found, over = Load(), threading.Event()

    def ask() -> None:
        began = time.monotonic()
        for number in itertools.count(1):
            try:
                with urllib.request.urlopen(f"http://{address}/api/health", timeout=20) as answer:
                    found.builds.add(json.load(answer)["build"])
                found.answered += 1
            except OSError as error:
                found.failures.append(f"{time.monotonic() - began:.2f} s: {error}")
            if over.wait(max(0.0, began + number / per_second - time.monotonic())):
                return

    thread = threading.Thread(target=ask)
    thread.start()
    try:
        yield found
    finally:
        over.set()
        thread.join()
