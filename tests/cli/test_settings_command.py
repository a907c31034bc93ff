"""`provision settings`."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from provisioner.cli.main import main


def test_what_is_set_is_shown_with_its_place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
                                             capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("ANSIBLE_CONFIG", raising=False)
    monkeypatch.setenv("PROVISION_FORKS", "20")
    (tmp_path / "ansible.cfg").write_text("[defaults]\nstrategy = free\n")
    assert main(["settings"]) == 0
    said = capsys.readouterr().out.splitlines()
    assert "forks = 20  (PROVISION_FORKS)" in said
    assert f'strategy = "free"  ({tmp_path}/ansible.cfg: `strategy`)' in said
    assert main(["settings", "--json"]) == 0
    known = {one["name"]: one["value"] for one in json.loads(capsys.readouterr().out)}
    assert (known["forks"], known["strategy"]) == (20, "free")
