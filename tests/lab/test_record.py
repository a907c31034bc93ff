from __future__ import annotations

from pathlib import Path

import pytest

from provisioner.diag import LabError
from provisioner.lab import DEPLOY, OPS
from provisioner.lab.record import HostRecord, read_record

RECORD = HostRecord("web", 10, "10.64.0.10", "bookworm", ("nginx",), (OPS, DEPLOY), ("/l", "/b"), (), ("ed25519 AAAA",))


def test_a_record_reads_back_as_it_was_written(tmp_path: Path) -> None:
    RECORD.write(tmp_path / "web")
    assert read_record(tmp_path / "web") == RECORD


def test_a_host_without_a_record_was_never_complete(tmp_path: Path) -> None:
    assert read_record(tmp_path) is None


def test_a_record_of_another_version_is_refused_with_the_way_out(tmp_path: Path) -> None:
    RECORD.write(tmp_path)
    file = tmp_path / "host.json"
    file.write_text(file.read_text().replace('"schema": 1', '"schema": 2'))
    with pytest.raises(LabError) as caught:
        read_record(tmp_path)
    assert "provision lab down --all" in caught.value.hint
