"""What a task asks of a unit, with a stand-in for systemctl that says what the test wants."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from provisioner.testing.inprocess import run_module

STAND_IN = """#!/bin/sh
echo "$*" >> "$LOG"
case "$1" in
    show) cat "$SHOWN";;
    is-enabled) echo "$ENABLED";;
    start) [ -z "$BROKEN" ] || { echo "Job failed." >&2; exit 1; };;
esac
"""


class Systemd:
    def __init__(self, folder: Path) -> None:
        self.log, self._shown = folder / "log", folder / "shown"
        (folder / "systemctl").write_text(STAND_IN)
        (folder / "systemctl").chmod(0o755)
        (folder / "journalctl").write_text("#!/bin/sh\necho it said why\n")
        (folder / "journalctl").chmod(0o755)
        self.environment = {
            "PATH": f"{folder}:/usr/bin:/bin",
            "LOG": str(self.log),
            "SHOWN": str(self._shown),
            "ENABLED": "disabled",
        }
        self.says()

    def says(
        self, active: str = "inactive", enabled: str = "disabled", load: str = "loaded", stale: str = "no"
    ) -> None:
        self._shown.write_text(
            f"LoadState={load}\nActiveState={active}\nUnitFileState={enabled}\nNeedDaemonReload={stale}\n"
        )

    def says_nothing(self) -> None:
        self._shown.write_text("")

    def run(self, *, check: bool = False, predicted: Any = None, **args: Any) -> dict[str, Any]:
        return run_module(
            "systemd", {"name": "app", **args}, check=check, diff=True, env=self.environment, predicted=predicted
        )

    @property
    def calls(self) -> list[str]:
        return self.log.read_text().splitlines() if self.log.exists() else []

    @property
    def changes(self) -> list[str]:
        return [call for call in self.calls if not call.startswith(("show", "is-enabled"))]


@pytest.fixture
def systemd(tmp_path: Path) -> Systemd:
    return Systemd(tmp_path)


@pytest.mark.parametrize(
    ("active", "enabled", "load", "args", "steps"),
    [
        ("inactive", "disabled", "loaded", {"state": "started"}, ["start"]),
        ("failed", "disabled", "loaded", {"state": "started"}, ["start"]),
        ("active", "disabled", "loaded", {"state": "started"}, []),
        ("activating", "disabled", "loaded", {"state": "started"}, []),
        ("reloading", "disabled", "loaded", {"state": "started"}, []),
        ("active", "disabled", "loaded", {"state": "stopped"}, ["stop"]),
        ("deactivating", "disabled", "loaded", {"state": "stopped"}, ["stop"]),
        ("failed", "disabled", "loaded", {"state": "stopped"}, []),
        ("active", "disabled", "loaded", {"state": "restarted"}, ["restart"]),
        ("inactive", "disabled", "loaded", {"state": "restarted"}, ["restart"]),
        ("active", "disabled", "loaded", {"state": "reloaded"}, ["reload"]),
        ("inactive", "disabled", "loaded", {"state": "reloaded"}, ["start"]),
        ("active", "disabled", "loaded", {"enabled": True}, ["enable"]),
        ("active", "enabled-runtime", "loaded", {"enabled": True}, ["enable"]),
        ("active", "enabled", "loaded", {"enabled": True}, []),
        ("active", "static", "loaded", {"enabled": True}, []),
        ("active", "alias", "loaded", {"enabled": True}, []),
        ("active", "indirect", "loaded", {"enabled": True}, ["enable"]),
        ("active", "indirect", "loaded", {"enabled": False}, []),
        ("active", "enabled-runtime", "loaded", {"enabled": False}, []),
        ("active", "enabled", "loaded", {"enabled": False}, ["disable"]),
        ("active", "static", "loaded", {"enabled": False}, []),
        ("active", "masked", "masked", {"enabled": False}, []),
        ("active", "enabled", "loaded", {"masked": True}, ["mask"]),
        ("inactive", "masked", "masked", {"masked": True}, []),
        (
            "inactive",
            "masked",
            "masked",
            {"masked": False, "enabled": True, "state": "started"},
            ["unmask", "enable", "start"],
        ),
        ("inactive", "disabled", "loaded", {"enabled": True, "state": "started"}, ["enable", "start"]),
    ],
)
def test_only_what_is_needed_is_done(
    systemd: Systemd, active: str, enabled: str, load: str, args: dict[str, Any], steps: list[str]
) -> None:
    systemd.says(active, enabled, load)
    checked = systemd.run(check=True, **args)
    assert systemd.changes == []
    result = systemd.run(**args)
    assert systemd.changes == [f"{step} -- app.service" for step in steps]
    assert result["changed"] is checked["changed"] is bool(steps)
    assert result.get("diff") == checked.get("diff")


def test_a_unit_whose_others_are_enabled_is_enabled(systemd: Systemd) -> None:
    systemd.says("active", "indirect")
    systemd.environment["ENABLED"] = "indirect\n  /etc/systemd/system/sockets.target.wants/app.socket"
    assert systemd.run(enabled=True)["changed"] is False
    assert "is-enabled --full -- app.service" in systemd.calls


def test_a_unit_whose_others_are_enabled_can_be_disabled(systemd: Systemd) -> None:
    systemd.says("active", "indirect")
    systemd.environment["ENABLED"] = "indirect\n  /etc/systemd/system/other.service"
    assert systemd.run(enabled=False)["changed"] is True
    assert systemd.changes == ["disable -- app.service"]


@pytest.mark.parametrize("state", ["started", "stopped", "restarted"])
def test_while_systemd_is_offline_no_unit_is_started_or_stopped(systemd: Systemd, state: str) -> None:
    systemd.says_nothing()
    systemd.environment["ENABLED"] = "static"
    result = systemd.run(state=state)
    assert (result["changed"], systemd.changes) == (False, [])
    assert "systemd is offline" in result["warnings"][0]


def test_an_unchanged_task_starts_one_process(systemd: Systemd) -> None:
    systemd.says("active", "enabled")
    assert systemd.run(state="started", enabled=True)["changed"] is False
    assert systemd.calls == ["show --no-pager -- app.service"]


def test_a_unit_whose_file_changed_is_read_again_before_it_starts(systemd: Systemd) -> None:
    systemd.says(stale="yes")
    systemd.run(state="started")
    assert systemd.changes == ["daemon-reload", "start -- app.service"]


def test_options_are_passed_on(systemd: Systemd) -> None:
    systemd.run(state="started", enabled=True, no_block=True, force=True)
    assert systemd.changes == ["enable --force -- app.service", "start --no-block -- app.service"]


def test_reading_all_units_again_is_no_change(systemd: Systemd) -> None:
    systemd.says("active")
    assert systemd.run(daemon_reload=True, daemon_reexec=True, state="started")["changed"] is False
    assert systemd.changes == ["daemon-reload", "daemon-reexec"]


def test_scripts_of_system_v_are_asked_for_whether_they_are_enabled(systemd: Systemd) -> None:
    systemd.says("active", "generated")
    assert systemd.run(enabled=True)["changed"]
    assert "is-enabled -- app.service" in systemd.calls


@pytest.mark.parametrize(("scope", "first"), [("user", "--user show"), ("global", "--global is-enabled")])
def test_scopes(systemd: Systemd, scope: str, first: str) -> None:
    systemd.run(enabled=False, scope=scope)
    assert systemd.calls[0].startswith(first)


def test_a_start_that_fails_shows_the_journal(systemd: Systemd) -> None:
    systemd.environment["BROKEN"] = "1"
    result = systemd.run(state="started")
    assert result["failed"]
    assert "Unable to start service app.service: Job failed." in result["msg"]
    assert "it said why" in result["msg"]


def test_a_unit_that_is_not_there_fails(systemd: Systemd) -> None:
    systemd.says(load="not-found")
    for check in (False, True):
        assert "Could not find the requested service app.service" in systemd.run(check=check, state="started")["msg"]


def test_a_unit_file_that_would_be_there_counts_in_check_mode(systemd: Systemd) -> None:
    systemd.says(load="not-found")
    path = {"path": {"/etc/systemd/system/app.service": {"kind": "file"}}}
    result = systemd.run(check=True, state="started", enabled=True, predicted=path)
    assert result["changed"]
    assert result["predictions"] == [
        ["service", "app.service", {"kind": "present", "UnitFileState": "enabled", "ActiveState": "active"}]
    ]
    template = {"path": {"/lib/systemd/system/app@.service": {"kind": "file"}}}
    assert systemd.run(check=True, name="app@1", state="started", predicted=template)["changed"]


def test_what_an_earlier_task_would_have_started_is_running_in_check_mode(systemd: Systemd) -> None:
    systemd.says(load="not-found")
    known = {"service": {"app.service": {"kind": "present", "UnitFileState": "enabled", "ActiveState": "active"}}}
    assert systemd.run(check=True, state="started", enabled=True, predicted=known)["changed"] is False


def test_a_unit_that_a_package_may_bring_is_unknown_in_check_mode(systemd: Systemd) -> None:
    systemd.says(load="not-found")
    result = systemd.run(check=True, state="started", predicted={"package": {"*": {"kind": "present"}}})
    assert "a package that would be installed may bring it" in result["unknown"]


def test_a_unit_that_is_not_there_can_be_masked(systemd: Systemd) -> None:
    systemd.says(load="not-found", enabled="")
    assert systemd.run(masked=True)["changed"]
    assert systemd.changes == ["mask -- app.service"]


@pytest.mark.parametrize("name", ["-H", "--root=/x", "a b", "a;b", "*", "a\nb", "", "$(id)", "../x", "a/b"])
def test_a_name_that_is_none_starts_no_process(systemd: Systemd, name: str) -> None:
    assert "is not the name of a unit" in systemd.run(name=name, state="started")["msg"]
    assert systemd.calls == []


def test_a_state_needs_a_name(systemd: Systemd) -> None:
    result = run_module("systemd", {"state": "started", "daemon_reload": True}, env=systemd.environment)
    assert "need `name`" in result["msg"]


def test_a_host_without_systemd(systemd: Systemd) -> None:
    systemd.environment["PATH"] = "/nowhere"
    Path(systemd.log.parent / "systemctl").unlink()
    result = run_module("systemd", {"name": "app", "state": "started"}, env={"PATH": str(systemd.log.parent)})
    assert result["failed"]
