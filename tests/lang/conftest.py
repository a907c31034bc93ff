"""Playbooks made of text, in a directory of their own."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping
from pathlib import Path
from typing import Protocol

import pytest

from provisioner.diag import Diagnostic, InputError, UndefinedVariable
from provisioner.lang.load import Loader, Options
from provisioner.lang.model import Play, Playbook
from provisioner.values import Template, Value


def simple_render(template: Template, variables: Mapping[str, Value]) -> Value:
    """Replaces `{{ name }}` by the variable; enough for names of files."""
    text = template.source
    while "{{" in text:
        before, _, rest = text.partition("{{")
        name, _, after = rest.partition("}}")
        if name.strip() not in variables:
            raise UndefinedVariable(f"`{name.strip()}` is not defined", name=name.strip())
        text = f"{before}{variables[name.strip()]}{after}"
    return text


class Site(Protocol):
    """Files in an empty working directory, and what loading them gives."""

    def write(self, files: Mapping[str, str]) -> None: ...
    def load(self, text: str, **options: Value) -> Playbook: ...
    def play(self, text: str, **options: Value) -> Play: ...
    def mistakes(self, text: str, **options: Value) -> tuple[Diagnostic, ...]: ...
    def warnings(self, text: str) -> tuple[Diagnostic, ...]: ...
    def loader(self, **options: Value) -> Loader: ...


class _Site:
    def __init__(self, root: Path) -> None:
        self.root = root

    def write(self, files: Mapping[str, str]) -> None:
        for name, text in files.items():
            path = self.root / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(textwrap.dedent(text), encoding="utf-8")

    def loader(self, **options: Value) -> Loader:
        return Loader(Options(**{"render": simple_render, **options}))

    def load(self, text: str, **options: Value) -> Playbook:
        self.write({"site.yml": text})
        return self.loader(**options).playbook("site.yml")[0]

    def play(self, text: str, **options: Value) -> Play:
        (play,) = self.load(text, **options).plays
        return play

    def warnings(self, text: str) -> tuple[Diagnostic, ...]:
        self.write({"site.yml": text})
        return self.loader().playbook("site.yml")[1]

    def mistakes(self, text: str, **options: Value) -> tuple[Diagnostic, ...]:
        with pytest.raises(InputError) as raised:
            self.load(text, **options)
        return raised.value.items


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Site:
    monkeypatch.chdir(tmp_path)
    return _Site(tmp_path)


