"""What is on the disk when a schedule was written, or half written. systemd itself is met in test_on_a_host.py."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from provisioner.diag import ProvisionError, UsageError
from provisioner.schedule import systemd
from provisioner.schedule.systemd import Scope, add, remove, schedule_of
from tests.schedule.scopes import silent_scope
from tests.schedule.test_units import JOB


@pytest.fixture
def scope(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Scope:
    return silent_scope(tmp_path, monkeypatch)


def whole(scope: Scope) -> str:
    """The command that the timer starts."""
    found = schedule_of(scope, "shop", scope.units)
    (line,) = [line for line in (scope.units / found.unit).read_text().splitlines() if line.startswith("ExecStart=")]
    file, _ = [line for line in (scope.units / found.unit).read_text().splitlines() if line.startswith("Environ")]
    assert Path(file.partition("=")[2]).is_file()
    return line


@pytest.mark.parametrize("killed_at", range(3))
def test_whoever_is_killed_leaves_the_old_schedule_or_the_new_one(
        scope: Scope, monkeypatch: pytest.MonkeyPatch, killed_at: int) -> None:  # fmt: skip
    add(scope, JOB, {"A": "1"})
    old = whole(scope)
    left = [killed_at]
    write = systemd._write

    def killed(path: Path, text: str, mode: int) -> None:
        left[0] -= 1
        if left[0] < 0:
            raise KeyboardInterrupt
        write(path, text, mode)

    monkeypatch.setattr(systemd, "_write", killed)
    new = replace(JOB, words=("drift", "other.yml"))
    with pytest.raises(KeyboardInterrupt):
        add(scope, new, {"A": "2"})
    assert whole(scope) == old
    monkeypatch.setattr(systemd, "_write", write)
    add(scope, new, {"A": "2"})
    assert "other.yml" in whole(scope)
    assert len(list(scope.units.iterdir())) == 2
    assert len(list(scope.kept.iterdir())) == 1


def test_a_schedule_that_systemd_refuses_once_is_healed_by_writing_it_again(
        scope: Scope, tmp_path: Path) -> None:  # fmt: skip
    (tmp_path / "systemctl").write_text("#!/bin/sh\necho no >&2; exit 1\n")
    with pytest.raises(ProvisionError, match="no"):
        add(scope, JOB, {})
    (tmp_path / "systemctl").write_text("#!/bin/sh\n")
    assert add(scope, JOB, {}) == []
    assert len(list(scope.units.iterdir())) == 2


def test_what_changed_is_told_without_values(scope: Scope) -> None:
    assert add(scope, JOB, {"A": "canary-1", "B": "x"}) == []
    changed = add(scope, replace(JOB, limit=60), {"A": "canary-2", "C": "y"})
    assert changed == ["-TimeoutStartSec=1800", "+TimeoutStartSec=60", "~variable A", "-variable B", "+variable C"]


def test_variables_are_their_owners_alone(scope: Scope) -> None:
    add(scope, JOB, {"PROVISION_DRIFT_WEBHOOK": "http://chat/canary"})
    (kept,) = scope.kept.iterdir()
    assert kept.stat().st_mode & 0o777 == 0o600
    assert scope.kept.stat().st_mode & 0o777 == 0o700
    assert not any("canary" in file.read_text() for file in scope.units.iterdir())


def test_nothing_is_left_of_a_removed_one_and_others_stay(scope: Scope) -> None:
    add(scope, JOB, {})
    add(scope, replace(JOB, name="shop-2"), {})
    remove(scope, "shop", scope.units)
    assert {file.name[:17] for file in scope.units.iterdir()} == {"provision-shop-2-", "provision-shop-2."}
    assert len(list(scope.kept.iterdir())) == 1
    with pytest.raises(UsageError, match="no schedule 'shop'"):
        remove(scope, "shop", scope.units)
