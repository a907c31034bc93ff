"""Inventories made of text, in a directory of their own."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping
from pathlib import Path
from typing import Protocol

import pytest

from provisioner.diag import Diagnostic, InputError
from provisioner.inventory.load import load_inventory
from provisioner.inventory.model import Inventory


class Files(Protocol):
    """Inventory files in an empty working directory."""

    def write(self, files: Mapping[str, str]) -> None: ...
    def load(self, *sources: str, playbook_dir: str | None = None) -> Inventory: ...
    def ini(self, text: str) -> Inventory: ...
    def yaml(self, text: str) -> Inventory: ...
    def mistakes(self, name: str, text: str) -> tuple[Diagnostic, ...]: ...


class _Files:
    def __init__(self, root: Path) -> None:
        self.root = root

    def write(self, files: Mapping[str, str]) -> None:
        for name, text in files.items():
            path = self.root / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(textwrap.dedent(text), encoding="utf-8")

    def load(self, *sources: str, playbook_dir: str | None = None) -> Inventory:
        return load_inventory(sources, Path(playbook_dir) if playbook_dir else None)

    def ini(self, text: str) -> Inventory:
        self.write({"hosts.ini": text})
        return self.load("hosts.ini")

    def yaml(self, text: str) -> Inventory:
        self.write({"hosts.yml": text})
        return self.load("hosts.yml")

    def mistakes(self, name: str, text: str) -> tuple[Diagnostic, ...]:
        self.write({name: text})
        with pytest.raises(InputError) as raised:
            self.load(name)
        return raised.value.items


@pytest.fixture
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Files:
    monkeypatch.chdir(tmp_path)
    return _Files(tmp_path)
