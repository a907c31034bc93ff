from __future__ import annotations

from pathlib import Path

import pytest

from provisioner.diag import ProvisionError, UsageError
from provisioner.events import HostBegan, TaskRef, Warned
from provisioner.ui.reports import ReportFile, writable, write_whole
from provisioner.values import HostName


def test_a_report_is_made_of_all_that_lasts_when_the_run_is_over(tmp_path: Path) -> None:
    sink = ReportFile(tmp_path / "r", lambda told: repr([type(event).__name__ for event, _ in told]))
    sink.handle(Warned("x"), 1.0)
    sink.handle(HostBegan(HostName("h"), TaskRef("1", "t", "m")), 2.0)
    assert not list(tmp_path.iterdir())
    sink.close()
    assert (tmp_path / "r").read_text() == "['Warned']"


def test_a_file_that_cannot_be_replaced_leaves_nothing_behind(tmp_path: Path) -> None:
    (tmp_path / "r").mkdir()
    with pytest.raises(ProvisionError, match="r can't be written: Is a directory"):
        write_whole(tmp_path / "r", "x")
    assert [path.name for path in tmp_path.iterdir()] == ["r"]


def test_where_no_file_can_be_is_told_before_the_run(tmp_path: Path) -> None:
    assert writable(tmp_path / "r") == tmp_path / "r"
    for path in (tmp_path, tmp_path / "no" / "r"):
        with pytest.raises(UsageError, match="can't be written"):
            writable(path)
