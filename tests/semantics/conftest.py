"""A directory with playbooks, and `provision` run in it for real on hosts that are this machine."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from textwrap import dedent
from typing import Any

import pytest

from provisioner.cli.main import main

HOSTS = "h1 ansible_connection=local\nh2 ansible_connection=local\n"


@dataclass(frozen=True)
class Ran:
    code: int
    lines: list[dict[str, Any]]
    """What `--json` told."""
    err: str

    def results(self, host: str = "h1", module: str = "") -> list[dict[str, Any]]:
        """Of tasks, without loop items."""
        return [line for line in self.lines if line["type"] == "result" and line["host"] == host and "item" not in line
                and (not module or line["module"] == module)]  # fmt: skip

    def statuses(self, host: str = "h1", module: str = "") -> list[str]:
        return [line["status"] for line in self.results(host, module)]

    def said(self, host: str = "h1") -> list[Any]:
        """`msg` of each `debug` that was done."""
        return [line["result"]["msg"] for line in self.results(host, "debug") if "msg" in line["result"]]

    def items(self, host: str = "h1") -> list[tuple[str, str]]:
        return [(line["item"], line["status"]) for line in self.lines
                if line["type"] == "result" and line["host"] == host and "item" in line]  # fmt: skip

    def recap(self, host: str = "h1") -> dict[str, int]:
        (stats,) = (line["hosts"] for line in self.lines if line["type"] == "stats")
        return {name: count for name, count in stats[host].items() if count}


@dataclass(frozen=True)
class Site:
    folder: Path
    capsys: pytest.CaptureFixture[str]

    def write(self, files: dict[str, str]) -> None:
        for name, text in files.items():
            (self.folder / name).parent.mkdir(parents=True, exist_ok=True)
            (self.folder / name).write_text(dedent(text))

    def command(self, *words: str) -> tuple[int, str, str]:
        """Exit code, standard output and standard error."""
        self.capsys.readouterr()
        code = main(list(words))
        told = self.capsys.readouterr()
        return code, told.out, told.err

    def apply(self, text: str, *words: str, files: dict[str, str] | None = None, hosts: str = HOSTS) -> Ran:
        """Apply the playbook `text`."""
        self.write({"site.yml": text, "hosts.ini": hosts, **(files or {})})
        code, out, err = self.command("apply", "site.yml", "-i", "hosts.ini", "--json", *words)
        return Ran(code, [json.loads(line) for line in out.splitlines() if line.startswith("{")], err)

    def tasks(self, text: str, *words: str, files: dict[str, str] | None = None, hosts: str = HOSTS) -> Ran:
        """Apply these tasks to all hosts, without facts."""
        body = "".join(f"    {line}\n" for line in dedent(text).strip("\n").splitlines())
        return self.apply(f"- hosts: all\n  gather_facts: false\n  tasks:\n{body}", *words, files=files, hosts=hosts)


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Site:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PROVISION_STATE_DIR", str(tmp_path / "state"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return Site(tmp_path, capsys)


@pytest.fixture
def once(tmp_path: Path) -> Callable[[str], int]:
    """How often a task appended a line to a file of this name."""
    return lambda name: len((tmp_path / name).read_text().splitlines()) if (tmp_path / name).exists() else 0
