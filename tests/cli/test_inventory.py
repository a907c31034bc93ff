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


def test_export_leaves_variables_of_groups_with_the_groups() -> None:
    shown = json.loads(run("--list", "--export"))
    assert shown["prod"] == {"children": ["web"], "vars": {"stage": "prod"}}
    assert shown["_meta"]["hostvars"] == {"w1": {"port": 80, "url": "http://{{ inventory_hostname }}"}}


def test_yaml_is_an_inventory_that_reads_the_same(tmp_path: Path) -> None:
    (tmp_path / "again.yml").write_text(run("--list", "--yaml", "--export"))
    again = CliRunner().invoke(inventory, ["-i", "again.yml", "--list"], catch_exceptions=False).output
    assert json.loads(again) == json.loads(run("--list"))


def test_yaml_keeps_what_is_vaulted_encrypted(tmp_path: Path) -> None:
    (tmp_path / "host_vars").mkdir()
    (tmp_path / "host_vars/w2.yml").write_text("token: !vault |\n  $ANSIBLE_VAULT;1.1;AES256\n  6162\n")
    shown = run("--list", "--yaml", "--export")
    written = [line.strip() for line in shown[shown.index("token"):].splitlines()[:3]]
    assert written == ["token: !vault |", "$ANSIBLE_VAULT;1.1;AES256", "6162"]
    assert "{token = ********}" in run("--graph", "--vars")


def test_lists_are_limited_and_graphs_begin_where_they_are_asked_to() -> None:
    limited = json.loads(run("--list", "--limit", "w2"))
    assert limited["web"] == {"hosts": ["w2"]}
    assert set(limited["_meta"]["hostvars"]) == {"w2"}
    assert run("--graph", "web") == "@web:\n  |--w1\n  |--w2\n"
    with pytest.raises(UsageError, match="no group 'wbe'"):
        run("--graph", "wbe")


def test_hosts_in_all_itself_are_shown_once_and_priorities_are_of_the_group(tmp_path: Path) -> None:
    (tmp_path / "hosts.ini").write_text("[all]\nx\n[web]\nw1\n[web:vars]\nansible_group_priority=4\n")
    assert run("--graph", "--vars") == """@all:
  |--@ungrouped:
  |  |--x
  |--@web:
  |  |--w1
  |  |--{ansible_group_priority = 4}
"""
    assert run("--host", "w1").strip() == "{}"
