from __future__ import annotations

from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from provisioner.events import RunStarted, TaskRef, TaskResult
from provisioner.history.db import connect
from provisioner.history.deploys import deployed, deploys
from provisioner.values import HostName
from tests.history.recording import record

H1 = HostName("web-1")
SHOP = TaskRef("1", "Run the shop", "nextjs_app")
BACK = TaskRef("1", "goes back", "goes back")
DONE = {"changed": True, "app": "shop", "release": "r1"}


def result(task: TaskRef = SHOP, status: str = "changed", told: dict[str, Any] = DONE, **more: Any) -> TaskResult:
    return TaskResult(H1, task, status, told, **more)


@pytest.mark.parametrize(("event", "command", "told"), [
    (result(), ("apply", "site.yml"), ("shop", "r1", "release")),
    (result(status="failed", told={"failed": True, "app": "shop"}), ("apply",), ("shop", "", "release")),
    (result(BACK, told={"app": {"name": "shop"}, "release": "r0"}), ("app", "rollback"), ("shop", "r0", "rollback")),
    (result(BACK, told={"app": {"name": "shop"}, "release": "r0"}), ("app", "restart"), ("shop", "r0", "restart")),
    (result(BACK, told={"app": {"name": "shop"}, "release": "r0"}), ("app", "env"), ("shop", "r0", "variables")),
    (result(BACK, told={"app": {"name": "shop"}}), ("app", "status"), None),
    (result(status="ok"), ("apply",), None),
    (result(checked=True), ("plan",), None),
    (result(hidden=True), ("apply",), None),
    (result(TaskRef("1", "x", "debug")), ("apply",), None),
    (result(told={"changed": True}), ("apply",), None),
])  # fmt: skip
def test_what_counts_as_a_release(event: TaskResult, command: tuple[str, ...], told: object) -> None:
    assert deployed(event, command) == told


def test_releases_are_recorded_apart_and_go_with_their_run(tmp_path: Path) -> None:
    file = tmp_path / "h.db"
    begin = RunStarted("aaa", ("site.yml",), False, False, "1.0", ("apply", "site.yml"))
    record(file, [begin, result(), result(told={**DONE, "app": "other"})], at=1000.0)
    with closing(connect(file)) as db:
        assert [(each.app, each.run, each.host, each.release) for each in deploys(db)] == [
            ("other", "aaa", "web-1", "r1"), ("shop", "aaa", "web-1", "r1")]
        assert [each.app for each in deploys(db, app="shop", host="web-1")] == ["shop"]
        db.execute("DELETE FROM runs")
        assert deploys(db) == []
