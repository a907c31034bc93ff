"""`add_host` and `group_by`."""

from __future__ import annotations

import pytest

from tests.actions.conftest import Tasks


def test_a_host_is_in_the_inventory_from_then_on(run_tasks: Tasks) -> None:
    played = run_tasks(
        "- add_host: {name: new, groups: [web, db], color: red}\n- meta: noop\n"
        "- debug: {msg: \"{{ groups['web'] }} {{ hostvars['new'].color }}\"}"
    )
    assert dict(played.results("h1")[-1].result)["msg"] == "['new'] red"
    assert played.statuses("h1")[0] == "changed"


def test_adding_it_again_changes_nothing(run_tasks: Tasks) -> None:
    tasks = ("{name: new, groups: web}", "{name: new, groups: web}", "{name: new, groups: 'web,db'}")
    played = run_tasks("\n- meta: noop\n".join(f"- add_host: {task}" for task in tasks))
    assert [one.status for one in played.results("h1") if one.task.module == "add_host"] == ["changed", "ok", "changed"]


@pytest.mark.parametrize(
    ("name", "host", "port"),
    [("web:2222", "web", 2222), ("[2001:db8::1]:22", "2001:db8::1", 22), ("2001:db8::1", "2001:db8::1", None)],
)
def test_a_port_is_split_off(run_tasks: Tasks, name: str, host: str, port: int | None) -> None:
    (result,) = run_tasks(f"- add_host: {{hostname: '{name}'}}").results("h1")
    added = dict(result.result)["add_host"]
    assert (added["host_name"], added["host_vars"].get("ansible_port")) == (host, port)


@pytest.mark.parametrize("name", ["a b", "a/b", "a\\nb", "a,b", " "])
def test_a_name_must_be_one(run_tasks: Tasks, name: str) -> None:
    assert run_tasks(f'- add_host: {{name: "{name}"}}').statuses("h1") == ["failed"]


def test_a_group_that_gets_another_parent_changes(run_tasks: Tasks) -> None:
    task = "- group_by: {key: web, parents: %s}\n- meta: noop\n"
    played = run_tasks("".join(task % parents for parents in ("all", "all", "[site, rack]", "[site, rack]")))
    assert played.statuses("h1") == ["changed", "ok", "changed", "ok"]


def test_groups_made_of_what_hosts_are_like(run_tasks: Tasks) -> None:
    played = run_tasks(
        "- group_by: {key: 'os {{ system }}', parents: systems}\n"
        "- debug: {msg: '{{ groups.os_x | default(groups[\"os-\" ~ system]) }}'}",
        hosts={"h1": {"system": "a"}, "h2": {"system": "a"}, "h3": {"system": "b"}},
    )
    assert [dict(played.results(host)[1].result)["msg"] for host in ("h1", "h2", "h3")] == [
        ["h1", "h2"],
        ["h1", "h2"],
        ["h3"],
    ]
    assert played.statuses("h1") == ["changed", "ok"]
