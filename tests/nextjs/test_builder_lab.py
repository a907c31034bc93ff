"""An app that is built on a host outside of its play, by the program itself: predicted, built, warm, without need of
the builder, and refused. One host gets the app, one builds.

    python -m pytest -m slow tests/nextjs/test_builder_lab.py
"""

from __future__ import annotations

import json
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from controller import Ran, differences, listing, provision

from provisioner.lab import Lab, LabHost
from provisioner.testing.nextjs import example

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1800)]  # the first deploy builds, on a machine that may be busy

PLACE = "/var/cache/provisioner/nextjs/apps/example"
NODES = "/var/cache/provisioner/nextjs/apps/node"


@dataclass
class Pair:
    """web gets the app and is root's; builder is logged in to as one who has to become root."""

    web: LabHost
    builder: LabHost
    folder: Path
    told: dict[str, set[str]] = field(default_factory=dict)

    def run(self, command: str, *, on: str = "builder", become: bool = True, port: int = 22) -> Ran:
        """The playbook. port: where the builder is looked for."""
        own = "" if become else "ansible_become=false"
        rows = [(self.web, "ansible_user=root"), (self.builder, f"ansible_user=ops ansible_port={port} {own}")]
        (self.folder / "hosts.ini").write_text("".join(
            f"{host.name} ansible_host={host.address} ansible_ssh_private_key_file={host.key_file} "
            f"ansible_ssh_known_hosts_file={host.known_hosts} {more}\n" for host, more in rows))  # fmt: skip
        (self.folder / "site.yml").write_text(f"""
- hosts: web
  become: true
  gather_facts: false
  tasks:
    - name: Run it
      nextjs_app:
        name: example
        source: {self.folder / "app"}
        build: {{on: {on}}}
        health: {{path: /api/health}}
        hooks: {{before_build: 'echo "built by $(id -un) in $PWD"'}}
        drain: 1
        watch: 1
""")
        return provision(self.folder, command, "-i", str(self.folder / "hosts.ini"),
                         str(self.folder / "site.yml"), timeout=1500)  # fmt: skip

    def write(self, text: str) -> None:
        page = self.folder / "app/app/built/page.js"
        page.parent.mkdir(exist_ok=True)
        page.write_text(f"export default function Page() {{ return <p>{text}</p>; }}\n")

    def says(self) -> str:
        with urllib.request.urlopen(f"http://{self.web.address}/built", timeout=30) as answer:
            return str(answer.read().decode())

    def about(self) -> dict[str, Any]:
        return dict(json.loads(shell(self.web, "cat /srv/example/current/RELEASE.json")))


def shell(host: LabHost, command: str) -> str:
    return host.run(["sh", "-c", command]).stdout.strip()


def steps(ran: Ran) -> dict[str, str]:
    return {event["step"]: event["status"] for event in ran.events if event["type"] == "step"}


def changed(ran: Ran) -> set[str]:
    return {step for step, status in steps(ran).items() if status == "changed"}


def result(ran: Ran) -> dict[str, Any]:
    (found,) = ran.results()
    return dict(found["result"])


def written(before: dict[str, list[Any]], host: LabHost) -> list[str]:
    """What has changed on a host but for what is written by logging in."""
    logs = ("/var/lib/provisioner", "/home/ops", "/root", "/var/cache/man", "/etc/ld.so.cache", "/var/lib/sudo")
    return [path for path in differences(before, listing(host)) if not path.startswith(logs)]


@pytest.fixture(scope="module")
def pair(lab: Lab, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pair]:
    folder = tmp_path_factory.mktemp("builder")
    example(folder / "app")
    with ExitStack() as cleanup:
        hosts = lab.up(("web", "builder"), packages=("nginx", "libjemalloc2"))
        cleanup.callback(lab.down, [host.name for host in hosts])
        yield Pair(hosts[0], hosts[1], folder)


def test_what_is_planned_changes_nothing_on_the_builder(pair: Pair) -> None:
    pair.write("first")
    before, there = listing(pair.web), listing(pair.builder)
    ran = pair.run("plan")
    assert not ran.results("failed", "unreachable"), (ran.results(), ran.stderr)
    assert written(before, pair.web) == []
    assert written(there, pair.builder) == []
    pair.told["planned"] = changed(ran)


def test_it_is_built_there_as_a_user_of_its_own_and_runs_on_the_other(pair: Pair) -> None:
    ran = pair.run("apply")
    assert ran.code == 0, (ran.results("failed", "unreachable"), ran.stderr)
    assert changed(ran) == pair.told["planned"]
    assert {"Make the app's user on builder", "Install Node.js on builder", "Build"} <= changed(ran)
    assert "first" in pair.says()
    assert pair.about()["built_on"] == "builder"
    assert f"built by example in {PLACE}/build/tree" in "".join(
        event.get("text", "") for event in ran.events if event["type"] == "log")  # fmt: skip
    assert shell(pair.builder, f"stat -c '%U:%G %a' {PLACE}/build/tree {PLACE}/releases {PLACE}") == (
        "example:example 750\nroot:root 700\nroot:example 750")  # fmt: skip
    assert shell(pair.builder, f"find {PLACE}/releases ! -user root | head -3") == ""
    assert shell(pair.builder, f"stat -c '%U %a' {PLACE}/build/server-actions.key") == "root 600"
    assert shell(pair.builder, "ls /srv /etc/systemd/system | grep example || true") == ""
    assert shell(pair.web, "ls -A /srv/example/build/tree") == ""


def test_without_a_change_the_builder_is_not_needed(pair: Pair) -> None:
    ran = pair.run("apply", port=9)
    assert ran.code == 0, (ran.results("failed", "unreachable"), ran.stderr)
    assert not result(ran)["changed"]


def test_a_builder_that_is_away_fails_the_task_before_anything_is_changed(pair: Pair) -> None:
    pair.write("second")
    before = listing(pair.web)
    ran = pair.run("apply", port=9)
    assert ran.results("failed")[0]["host"] == "web"
    assert not ran.results("unreachable")
    assert "builder can't be reached: " in result(ran)["msg"]
    assert written(before, pair.web) == []
    assert "first" in pair.says()


def test_the_next_build_is_warm_and_sent_as_differences(pair: Pair) -> None:
    ran = pair.run("apply")
    assert ran.code == 0, (ran.results("failed", "unreachable"), ran.stderr)
    assert steps(ran)["Install dependencies"] == "ok"
    assert "Install Node.js on builder" not in steps(ran)
    (staged,) = [event["result"] for event in ran.events if event["type"] == "step"
                 and event["step"] == "Make the release"]  # fmt: skip
    assert staged["sent"] < 1 << 20
    assert "second" in pair.says()
    assert shell(pair.builder, f"cat {PLACE}/lock") == ""


def test_a_name_nobody_has_is_told_with_the_nearest(pair: Pair) -> None:
    told = result(pair.run("apply", on="biulder"))
    assert "`build.on` names biulder, which is no host of the inventory" in told["msg"]
    assert told["hint"] == "did you mean `builder`?"


def test_a_builder_with_other_programs_is_refused(pair: Pair) -> None:
    pair.write("third")
    shell(pair.builder, "mv /usr/bin/uname /usr/bin/uname.real; printf '#!/bin/sh\\n[ \"$1\" = -m ] && echo aarch64 ||"
          " exec uname.real \"$@\"\\n' > /usr/bin/uname; chmod 755 /usr/bin/uname")  # fmt: skip
    try:
        ran = pair.run("apply")
    finally:
        shell(pair.builder, "mv /usr/bin/uname.real /usr/bin/uname")
    assert "the processor of builder (aarch64) is not that of web (x86_64)" in result(ran)["msg"]
    assert "second" in pair.says()


def test_one_who_is_not_root_builds_below_the_home(pair: Pair) -> None:
    ran = pair.run("apply", become=False)
    assert ran.code == 0, (ran.results("failed", "unreachable"), ran.stderr)
    assert "third" in pair.says()
    place = "/home/ops/.cache/provisioner/nextjs/apps/example"
    assert shell(pair.builder, f"stat -c '%U %a' {place} {place}/build/tree") == "ops 700\nops 700"
