from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from provisioner.app import Request, load
from provisioner.lang.model import Play, Task

INVENTORY = """
[web]
w1
w2
[db]
d1
"""
SITE = """
- name: All
  hosts: all
  tasks: [{ping: }]
- name: Web
  hosts: web
  become: true
  no_log: true
  handlers: [{name: h, ping: }]
  tasks: [{ping: }]
"""


def plays_of(folder: Path, entries: str, *, site: str = SITE, **options: Any) -> list[Play]:
    (folder / "hosts.ini").write_text(INVENTORY)
    (folder / "site.yml").write_text(site)
    (folder / "drift.yml").write_text(entries)
    given = {"watch": True, "record": True, **options}
    request = Request((str(folder / "site.yml"),), (str(folder / "hosts.ini"),), state_dir=folder / "state", **given)
    own = site.count("hosts:")
    return [play for playbook in load(request).playbooks for play in playbook.plays][own:]


def watches(play: Play) -> Mapping[str, Any]:
    task, = play.tasks
    assert isinstance(task, Task)
    found: Mapping[str, Any] = task.args["watches"]
    return found


def test_hosts_are_looked_at_once_as_their_last_play_becomes(tmp_path: Path) -> None:
    plays = plays_of(tmp_path, "watch: [{hosts: all, what: [users]}]", check=True)
    assert [(play.name, play.hosts) for play in plays] == [
        ("Web: watch list", ["w1", "w2"]), ("All: watch list", ["d1"])]  # fmt: skip
    tasks = [play.tasks[0] for play in plays if isinstance(play.tasks[0], Task)]
    assert [(task.become.enabled, task.no_log, task.tags, task.span.line) for task in tasks] == [
        (True, None, frozenset({"always"}), 1), (None, None, frozenset({"always"}), 1)]  # fmt: skip
    assert [play.handlers for play in plays] == [(), ()]


def test_all_entries_about_a_host_are_one_list_and_the_later_wins(tmp_path: Path) -> None:
    plays = plays_of(tmp_path, """watch:
      - {hosts: all, what: [users, disk: {below: 5}]}
      - {hosts: [w1], become: false, what: [disk: {below: 20}]}""", check=True)  # fmt: skip
    by_host = {play.hosts[0]: play for play in plays}
    assert watches(by_host["w1"]) == {"users": {}, "disk": {"below": 20.0}}
    assert watches(by_host["w2"]) == {"users": {}, "disk": {"below": 5.0}}
    task = by_host["w1"].tasks[0]
    assert isinstance(task, Task)
    assert task.become.enabled is False


def test_an_apply_records_only_what_checks_compare_with(tmp_path: Path) -> None:
    play, = plays_of(tmp_path, "watch: [{hosts: db, what: [users, disk, reboot]}]")
    assert watches(play) == {"users": {}}
    assert plays_of(tmp_path, "watch: [{hosts: db, what: [disk]}]") == []


def test_hosts_that_no_play_is_about_are_left_alone(tmp_path: Path) -> None:
    site = "- hosts: web\n  tasks: [{ping: }]\n"
    play, = plays_of(tmp_path, "watch: [{hosts: all, what: [users]}]", site=site)
    assert play.hosts == ["w1", "w2"]


@pytest.mark.parametrize(("hosts", "expected"), [("made_later", ["made_later", "&db"]), ('"{{ which }}"', ["db"])])
def test_hosts_that_are_known_later_are_looked_at_too(tmp_path: Path, hosts: str, expected: list[str]) -> None:
    site = f"- hosts: {hosts}\n  tasks: []\n"
    play, = plays_of(tmp_path, "watch: [{hosts: db, what: [users]}]", site=site)
    assert play.hosts == expected


@pytest.mark.parametrize("switch", ["watch", "record"])
def test_without_the_history_or_for_a_mere_plan_nothing_is_looked_at(tmp_path: Path, switch: str) -> None:
    switched: dict[str, Any] = {switch: False}
    assert plays_of(tmp_path, "watch: [{hosts: all, what: [users]}]", **switched) == []
