from __future__ import annotations

import json

import pytest
import yaml
from click.testing import CliRunner

from provisioner.cli.doc import doc, text_of
from provisioner.diag import UsageError
from provisioner.remote.spec import Arg, Spec

SPEC = Spec(
    "demo", "Show a page",
    args={"path": Arg("path", required=True, aliases=("dest",), doc="Where."),
          "state": Arg(choices=("on", "off"), default="on"),
          "items": Arg("list", elements="dict", options={"key": Arg(secret=True, doc="The key.")}),
          "inner": Arg(internal=True)},
    mutually_exclusive=(("path", "items"),), required_if=(("state", "off", ("path",)),), notes="A note.",
    returns={"path": "the path"}, examples="\n- demo:\n    path: /x\n")


def run(*arguments: str) -> str:
    return CliRunner().invoke(doc, list(arguments), catch_exceptions=False).output


def test_a_page_has_everything_the_spec_says() -> None:
    assert text_of(SPEC) == """demo: Show a page

Arguments (* must be given):
  path* (path; also dest)
      Where.
  state (str; one of on, off; default "on")
  items (list of dict)
      key (str; never shown)
          The key.
  path, items: only one of them.
  state: off needs path.

Check mode: compares and changes nothing.

A note.

Returns:
  path: the path

Examples:

  - demo:
      path: /x"""


def test_the_list_has_modules_and_not_the_parts_they_are_made_of() -> None:
    names = [line.split()[0] for line in run("--list").splitlines()]
    assert {"copy", "debug", "nextjs_app"} <= set(names)
    assert names == sorted(names)
    assert [name for name in names if name.startswith("nextjs_")] == ["nextjs_app"]


def test_json_has_the_arguments_by_name() -> None:
    data = json.loads(run("--json", "copy"))
    assert data["copy"]["args"]["dest"]["required"] is True
    assert set(json.loads(run("--json", "--list"))) >= {"copy", "debug"}


def test_long_names_and_other_names_find_the_module() -> None:
    assert run("ansible.builtin.copy") == run("copy")
    assert "Also called: systemd_service" in run("systemd_service")


@pytest.mark.parametrize("name", ["copy", "ping", "debug", "nextjs_app"])
def test_snippets_are_tasks(name: str) -> None:
    task, = yaml.safe_load(run("--snippet", name))
    assert list(task) == ["name", name]


@pytest.mark.parametrize("arguments", [[], ["fiel"], ["include_tasks"], ["community.general.zfs"]])
def test_what_has_no_page_is_a_usage_error(arguments: list[str]) -> None:
    assert isinstance(CliRunner().invoke(doc, arguments).exception, UsageError)
