from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from provisioner.cli.inventory import inventory
from provisioner.diag import UsageError

HOSTS = """
alone
[web]
w1 port=80 url="http://{{ inventory_hostname }}"
w2
[prod:children]
web
[prod:vars]
stage=prod
"""


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PROVISION_STATE_DIR", str(tmp_path / "state"))
    (tmp_path / "hosts.ini").write_text(HOSTS)


def run(*arguments: str) -> str:
    return CliRunner().invoke(inventory, ["-i", "hosts.ini", *arguments], catch_exceptions=False).output


def test_list_is_ansibles_json() -> None:
    assert json.loads(run("--list")) == {
        "_meta": {"hostvars": {"w1": {"port": 80, "url": "http://{{ inventory_hostname }}", "stage": "prod"},
                               "w2": {"stage": "prod"}}, "profile": "inventory_legacy"},
        "all": {"children": ["ungrouped", "prod"]},
        "ungrouped": {"hosts": ["alone"]},
        "prod": {"children": ["web"]},
        "web": {"hosts": ["w1", "w2"]},
    }


def test_graph_is_a_tree() -> None:
    assert run("--graph") == """@all:
  |--@ungrouped:
  |  |--alone
  |--@prod:
  |  |--@web:
  |  |  |--w1
  |  |  |--w2
"""
    assert "  |  |  |  |--{port = 80}\n" in run("--graph", "--vars")


def test_host_has_its_variables() -> None:
    assert json.loads(run("--host", "w2")) == {"stage": "prod"}


def test_the_default_is_the_directory_inventories(tmp_path: Path) -> None:
    (tmp_path / "inventories").mkdir()
    (tmp_path / "inventories" / "a.ini").write_text("one\n")
    (tmp_path / "inventories" / "b.yml").write_text("all: {hosts: {two: {}}}\n")
    result = CliRunner().invoke(inventory, ["--graph"], catch_exceptions=False)
    assert "|--one\n" in result.output
    assert "|--two\n" in result.output


@pytest.mark.parametrize("arguments", [[], ["--list", "--graph"], ["--host", "w3"], ["--host", "web"]])
def test_one_question_about_known_hosts_is_asked(arguments: list[str]) -> None:
    result = CliRunner().invoke(inventory, ["-i", "hosts.ini", *arguments])
    assert isinstance(result.exception, UsageError)
