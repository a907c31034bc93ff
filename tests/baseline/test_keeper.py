from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from provisioner.baseline.keeper import Keeper
from provisioner.baseline.signed import Record
from provisioner.events import Resource, RunStarted, TaskRef, TaskResult
from provisioner.history import db
from provisioner.values import HostName

KEY, WEB = b"k" * 32, HostName("web-1")
MOTD = Resource("192.0.2.1:", "copy", '{"dest": "/etc/motd"}', "v1")
APPLY = RunStarted("run", ("site.yml",), False, False, "1")
CHECK = replace(APPLY, check=True)


@dataclass
class Hosts:
    """Hosts that keep lines as the module does."""

    lines: dict[str, Any] = field(default_factory=dict)
    calls: int = 0
    lost: bool = False

    def places(self) -> Mapping[HostName, str]:
        return {WEB: "192.0.2.1:"}

    def call_all(self, module: str, args: Mapping[HostName, Mapping[str, Any]], *,
                 check: bool) -> Mapping[HostName, Mapping[str, Any]]:  # fmt: skip
        return {host: self._call(each, check=check) for host, each in args.items()}

    def _call(self, args: Mapping[str, Any], *, check: bool) -> Mapping[str, Any]:
        self.calls += 1
        if self.lost:
            return {"failed": True, "msg": "gone"}
        if "lines" not in args:
            return {"lines": dict(self.lines), "damaged": False, "others": 0}
        assert not check
        self.lines.update(json.loads(json.dumps(args["lines"])))
        return {"changed": True}


def result(status: str = "changed", *, checked: bool = False, resource: Resource = MOTD) -> TaskResult:
    return TaskResult(WEB, TaskRef("t", "Motd", "copy"), status, {}, 1.0, resource=resource, checked=checked)


def run(folder: Path, hosts: Hosts, *events: Any, key: bytes = KEY) -> tuple[dict[HostName, Record], list[str]]:
    """What was read, and what was warned of."""
    read: dict[HostName, Record] = {}
    warned: list[str] = []
    keeper = Keeper(key, folder / db.FILE, lambda words, _: warned.append(words), read.__setitem__)
    for event in events:
        keeper.handle(event, 1000.0)
    keeper.part(hosts)
    return read, warned


def test_what_one_controller_has_applied_another_one_reads(tmp_path: Path) -> None:
    hosts = Hosts()
    run(tmp_path / "a", hosts, APPLY, result())
    read, _ = run(tmp_path / "b", hosts, CHECK, result(checked=True))
    found = read[WEB].baseline(MOTD)
    assert found is not None
    assert found.wanted == {"v1"}
    assert run(tmp_path / "b", hosts, CHECK, result(checked=True), key=b"o" * 32)[0][WEB].baseline(MOTD) is None


def test_an_apply_without_changes_asks_hosts_nothing_more(tmp_path: Path) -> None:
    hosts = Hosts()
    run(tmp_path, hosts, APPLY, result())
    run(tmp_path, hosts, APPLY, result("ok"))
    assert hosts.calls == 1
    run(tmp_path, hosts, APPLY, result("ok", resource=replace(MOTD, wanted="v2")))
    assert hosts.calls == 2


def test_a_check_asks_hosts_that_differ_and_no_others(tmp_path: Path) -> None:
    hosts = Hosts()
    assert run(tmp_path, hosts, CHECK, result("ok", checked=True)) == ({}, [])
    assert hosts.calls == 0


def test_neither_a_check_nor_a_fix_nor_what_failed_is_kept(tmp_path: Path) -> None:
    hosts = Hosts()
    run(tmp_path, hosts, CHECK, result("ok", checked=True))
    run(tmp_path, hosts, replace(APPLY, fixes=True), result())
    run(tmp_path, hosts, APPLY, result("failed"))
    assert hosts.lines == {}


def test_a_host_that_lost_what_it_was_told_is_told_again(tmp_path: Path) -> None:
    hosts = Hosts()
    run(tmp_path, hosts, APPLY, result())
    hosts.lines.clear()
    run(tmp_path, hosts, CHECK, result(checked=True))
    run(tmp_path, hosts, APPLY, result("ok"))
    assert hosts.lines


def test_a_host_that_is_gone_is_warned_of_and_told_next_time(tmp_path: Path) -> None:
    hosts = Hosts(lost=True)
    assert run(tmp_path, hosts, APPLY, result())[1] == ["what was applied was not kept on web-1: gone"]
    hosts.lost = False
    run(tmp_path, hosts, APPLY, result("ok"))
    assert hosts.lines
