"""Filters and tests in files of the user's own."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from provisioner.cli.main import main
from provisioner.plugins import find_plugins, homes
from provisioner.template.filters import FILTERS
from provisioner.template.templar import Templar
from provisioner.template.tests import TESTS
from provisioner.values import Secret, Template, Value
from provisioner.vars.scope import Scope

FILTER = """
from jinja2 import pass_context
from ansible.errors import AnsibleFilterError
from ansible.module_utils.common.text.converters import to_text

def port_of(address, default=None):
    host, colon, port = address.rpartition(":")
    if not colon and default is None:
        raise AnsibleFilterError(f"{to_text(address)} has no port")
    return int(port) if colon else default

@pass_context
def known(context, name):
    return context.resolve(name)

class FilterModule:
    def filters(self):
        return {"port_of": port_of, "known": known, "kind": lambda value: type(value).__name__,
                "shout": lambda text: text.upper(), "quote": lambda text: f"<{text}>"}
"""
TEST = "class TestModule(object):\n    def tests(self):\n        return {'even_port': lambda port: port % 2 == 0}\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for kind, text in (("filter", FILTER), ("test", TEST)):
        (tmp_path / f"{kind}_plugins").mkdir()
        (tmp_path / f"{kind}_plugins/own.py").write_text(text)
    return tmp_path


def render(folder: Path, source: str, **variables: Value) -> Value:
    plugins = find_plugins([folder])
    assert plugins.warnings == ()
    templar = Templar(filters={**FILTERS, **plugins.filters}, tests={**TESTS, **plugins.tests})
    return templar.render(Template(source), Scope(templar, [("vars", variables)]))


@pytest.mark.parametrize(("source", "value"), [
    ("{{ 'a:80' | port_of }}", 80), ("{{ 'a' | port_of(default=1) }}", 1), ("{{ 'x' | known }}", 7),
    ("{{ {'a': x} | kind }} {{ [x] | kind }}", "dict list"), ("{{ 80 is even_port }}", True),
    ("{{ [80, 81] | select('even_port') }}", [80]), ("{{ 'a' | quote }}", "<a>"),
])
def test_they_are_as_those_of_the_program(folder: Path, source: str, value: Value) -> None:
    assert render(folder, source, x=7) == value


def test_what_is_made_of_a_secret_is_secret(folder: Path) -> None:
    made = render(folder, "{{ word | shout }}", word=Secret("hunter2"))
    assert isinstance(made, Secret)
    assert made.reveal() == "HUNTER2"


def test_their_errors_are_told_with_their_name(folder: Path) -> None:
    with pytest.raises(Exception, match=r"port_of.*a has no port"):
        render(folder, "{{ 'a' | port_of }}")


@pytest.mark.parametrize(("text", "line", "words"), [
    ("x = 1\nimport no_such_package\n", 2, "no_such_package"), ("def x(:\n", 1, "SyntaxError"),
    ("class Filters: pass\n", 1, "no class `FilterModule`"),
    ("class FilterModule:\n    def filters(self):\n        raise SystemError('x')\n", 3, "SystemError: x"),
])
def test_a_file_that_cannot_be_loaded_is_left_out_with_a_warning(
    folder: Path, text: str, line: int, words: str
) -> None:
    wrong = folder / "filter_plugins/wrong.py"
    wrong.write_text(text)
    plugins = find_plugins([folder])
    (warning,) = plugins.warnings
    assert (str(warning.span), warning.severity) == (f"{wrong}:{line}:1", "warning")
    assert words in warning.detail
    assert {"port_of", "shout"} <= plugins.filters.keys()
    assert not (folder / "filter_plugins/__pycache__").exists()


def test_directories_beside_roles_that_are_none_have_no_plugins_for_others(tmp_path: Path) -> None:
    for name in ("shelf/role/tasks", "shelf/other/filter_plugins", "site/roles/bare/filter_plugins"):
        (tmp_path / name).mkdir(parents=True)
    role, other, bare = (tmp_path / name for name in ("shelf/role", "shelf/other", "site/roles/bare"))
    assert homes([role, other, bare], [str(tmp_path / "shelf")]) == [role, bare]
    (bare / "site.yml").touch()
    assert homes([bare], []) == []


def test_those_of_a_playbook_and_of_a_role_are_known_to_a_run(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(folder)
    monkeypatch.setenv("PROVISION_STATE_DIR", str(folder / "state"))
    (folder / "roles/r/filter_plugins").mkdir(parents=True)
    (folder / "roles/r/filter_plugins/more.py").write_text(
        "class FilterModule:\n    def filters(self):\n        return {'twice': lambda text: text * 2}\n")
    (folder / "site.yml").write_text("""
- hosts: localhost
  gather_facts: false
  tasks:
    - debug: {msg: "{{ ('a:80' | port_of, 'x' | twice) }}"}
      when: 80 is even_port
""")
    assert main(["apply", "site.yml", "--json"]) == 0
    events = map(json.loads, capsys.readouterr().out.splitlines())
    (result,) = [event for event in events if event["type"] == "result"]
    assert result["result"]["msg"] == [80, "xx"]
    assert main(["plan", "site.yml", "--syntax-check"]) == 0
