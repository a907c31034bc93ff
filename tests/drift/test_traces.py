from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from provisioner.drift.findings import DRIFTED, PENDING, UNMANAGED, Finding
from provisioner.drift.traces import Traces, hinted, things, things_found
from provisioner.events import Resource, TaskRef, TaskResult
from provisioner.values import HostName

WEB, DB = HostName("web-1"), HostName("db-1")
MOTD = Resource("192.0.2.1:", "copy", '{"dest": "/etc/motd"}', "v1")
TASK = TaskRef("t", "Motd", "copy")
FOUND = Finding(WEB, "Web", TASK, "", DRIFTED, resource=MOTD, applied=1000.0)
AT_SIX = 1_763_877_600.0  # 2025-11-23 06:00:00 UTC


def told(moment: Any = AT_SIX, **more: Any) -> dict[HostName, Mapping[str, Any]]:
    trace = {"moment": moment, "what": "its content was changed", "by": "", **more}
    logins = [{"user": "root", "origin": "sudo of eve", "moment": AT_SIX - 10},
              {"user": "eve", "origin": "198.51.100.7", "moment": AT_SIX - 60},
              {"user": "bob", "origin": "198.51.100.8", "moment": AT_SIX - 7200},
              {"user": "late", "origin": "198.51.100.9", "moment": AT_SIX + 60}]  # fmt: skip
    return {WEB: {"traces": {"path": {"/etc/motd": trace}}, "logins": logins}}


@pytest.mark.parametrize(("module", "name", "expected"), [
    ("copy", '{"dest": "/etc/motd"}', [("path", "/etc/motd")]),
    ("lineinfile", '{"line": "x", "path": "/etc/motd"}', [("path", "/etc/motd")]),
    ("copy", '{"dest": "~/x"}', []),
    ("copy", '{"dest": "/etc/"}', []),
    ("apt", '{"name": ["htop=3.2*", "jq:amd64"]}', [("package", "htop"), ("package", "jq")]),
    ("apt", '{"name": "htop, jq"}', [("package", "htop"), ("package", "jq")]),
    ("apt", "{}", []),
    ("systemd", '{"name": "nginx"}', [("unit", "nginx")]),
    ("systemd", '{"name": "nginx", "scope": "user"}', []),
    ("user", '{"name": "eve"}', [("path", "/etc/passwd")]),
    ("nextjs_app", '{"name": "shop"}', []),
    ("machines", "machine web-1", []),
])  # fmt: skip
def test_what_leaves_traces_is_asked_about(module: str, name: str, expected: list[Any]) -> None:
    assert list(things(Resource("", module, name, ""))) == expected


@pytest.mark.parametrize(("watch", "item", "expected"), [
    ("packages", "htop", [("package", "htop")]),
    ("files", "/srv/stray", [("path", "/srv/stray")]),
    ("crontabs", "/etc/cron.d/x", [("path", "/etc/cron.d/x")]),
    ("users", "eve", [("path", "/etc/passwd")]),
    ("sudoers", "/etc/sudoers.d/eve", [("path", "/etc/sudoers.d/eve")]),
    ("sudoers", "group sudo", [("path", "/etc/group")]),
    ("units", "idle.service", [("unit", "idle.service")]),
    ("units", "ssh.service.d/eve.conf", [("path", "/etc/systemd/system/ssh.service.d/eve.conf")]),
    ("failed_units", "broken.service", [("unit", "broken.service")]),
    ("ports", "tcp/8123", []), ("reboot", "", []), ("files", "…", []), ("disk", "/", []),
])  # fmt: skip
def test_what_the_watch_list_found_is_asked_about_too(watch: str, item: str, expected: list[Any]) -> None:
    finding = Finding(WEB, "Web", TaskRef("w", watch, "host_survey"), item, UNMANAGED)
    assert list(things_found(finding)) == expected


def test_a_finding_tells_when_it_came_about_and_who_had_logged_in_before() -> None:
    assert hinted(FOUND, told(by="eve")).hint.splitlines() == [
        "2025-11-23 06:00:00 UTC: its content was changed, asked for by eve",
        "in the hour before: root from sudo of eve (2025-11-23 05:59:50 UTC), "
        "eve from 198.51.100.7 (2025-11-23 05:59:00 UTC)",
    ]


@pytest.mark.parametrize("other", [
    replace(FOUND, kind=PENDING), replace(FOUND, resource=None), replace(FOUND, host=DB),
    replace(FOUND, applied=AT_SIX + 1),
], ids=["pending", "no resource", "another host", "changed before the apply"])  # fmt: skip
def test_others_tell_nothing(other: Finding) -> None:
    assert hinted(other, told()) == other


@pytest.mark.parametrize("answer", [
    {}, {"traces": []}, {"traces": {"path": 1}}, {"traces": {"path": {"/etc/motd": "now"}}},
    {"traces": {"path": {"/etc/motd": {"moment": 1e300}}}}, {"traces": {"path": {"/etc/motd": {"moment": "x"}}}},
])  # fmt: skip
def test_a_host_may_answer_anything(answer: Mapping[str, Any]) -> None:
    assert hinted(FOUND, {WEB: answer}).hint == ""
    assert hinted(FOUND, {WEB: {**told()[WEB], "logins": answer}}).hint == (
        "2025-11-23 06:00:00 UTC: its content was changed")


class Hosts:
    """Hosts that answer with what they were asked."""

    def places(self) -> Mapping[HostName, str]:
        return {WEB: "192.0.2.1:"}

    def call_all(self, module: str, args: Mapping[HostName, Mapping[str, Any]], *,
                 check: bool) -> Mapping[HostName, Mapping[str, Any]]:  # fmt: skip
        assert check
        return args


@pytest.mark.parametrize(("host", "status", "asked"), [
    (WEB, "changed", {WEB: {"path": ["/etc/motd"]}}), (WEB, "ok", {}), (DB, "changed", {}),
])  # fmt: skip
def test_only_hosts_that_differ_are_asked_and_once(host: HostName, status: str, asked: Any) -> None:
    traces = Traces()
    for _ in range(2):
        traces.handle(TaskResult(host, TASK, status, {}, 1.0, resource=MOTD, checked=True), 0.0)
    traces.part(Hosts())
    assert traces.told == asked
