"""Work on hosts without a playbook."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from provisioner.actions.base import Driving
from provisioner.app import Request, inventory_place, load, on_hosts
from provisioner.diag import InputError, UsageError
from provisioner.engine.batch import InventoryPlace
from provisioner.engine.targets import ConnectionDefaults
from provisioner.events import Event, TaskResult
from provisioner.settings import Settings
from provisioner.values import HostName, Secret

Results = Mapping[HostName, Mapping[str, Any]]


class Kept:
    """A sink that keeps results."""

    def __init__(self) -> None:
        self.results: dict[HostName, TaskResult] = {}

    def handle(self, event: Event, time: float) -> None:
        if isinstance(event, TaskResult):
            self.results[event.host] = event

    def close(self) -> None:
        """Nothing is open."""


def request(tmp_path: Path) -> Request:
    return Request((), ("one,two",), connection=ConnectionDefaults(connection="local"), state_dir=tmp_path / "state",
                   cache_dir=tmp_path / "cache")  # fmt: skip


def test_work_is_done_on_all_hosts_together_and_its_results_reach_the_sinks_masked(tmp_path: Path) -> None:
    def work(calls: Sequence[Driving]) -> Results:
        return {call.host: {"changed": False, "said": call.call("ping", {"data": Secret("hidden-4711")})["ping"]}
                for call in calls}  # fmt: skip

    kept = Kept()
    assert on_hosts(request(tmp_path), "looks", work, [kept]) == 0
    assert sorted(kept.results) == ["one", "two"]
    assert kept.results[HostName("one")].result["said"] == "********"


def test_failed_and_lost_hosts_make_the_exit_code_of_a_run(tmp_path: Path) -> None:
    def work(calls: Sequence[Driving]) -> Results:
        return {calls[0].host: {"failed": True, "msg": "no"}, calls[1].host: {"unreachable": True, "msg": "gone"}}

    assert on_hosts(request(tmp_path), "looks", work, [Kept()]) == 6


def test_an_error_of_the_work_is_the_errors_of_the_command_and_no_hosts_result(tmp_path: Path) -> None:
    def work(calls: Sequence[Driving]) -> Results:
        raise UsageError("there is no such app")

    kept = Kept()
    with pytest.raises(UsageError, match="there is no such app"):
        on_hosts(request(tmp_path), "looks", work, [kept])
    assert kept.results == {}


@pytest.mark.parametrize(("hosts", "missed"), [("localhost", False), ("web", True)])
def test_an_inventory_that_does_not_exist_is_a_mistake_where_a_play_needs_it(
        tmp_path: Path, hosts: str, missed: bool) -> None:
    (tmp_path / "site.yml").write_text(f"- hosts: {hosts}\n  gather_facts: false\n  tasks: []\n")
    asked = Request((str(tmp_path / "site.yml"),), (str(tmp_path / "none"),), state_dir=tmp_path / "state",
                    cache_dir=tmp_path / "cache")
    if missed:
        with pytest.raises(InputError, match="does not exist"):
            load(asked)
    else:
        assert [warning.summary for warning in load(asked).warnings] == ["Inventory not found"]


@pytest.mark.parametrize(("policy", "told"), [("warn", ["Duplicate key"]), ("ignore", [])])
def test_a_duplicate_key_is_what_the_settings_say(tmp_path: Path, policy: str, told: list[str]) -> None:
    asked = with_a_duplicate_key(tmp_path, policy)
    assert [warning.summary for warning in load(asked).warnings] == told


def test_a_duplicate_key_may_be_a_mistake(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="Found duplicate mapping key 'a'"):
        load(with_a_duplicate_key(tmp_path, "error"))


def with_a_duplicate_key(tmp_path: Path, policy: str) -> Request:
    (tmp_path / "site.yml").write_text("- {hosts: localhost, gather_facts: false, vars: {a: 1, a: 2}, tasks: []}\n")
    return Request((str(tmp_path / "site.yml"),), ("one,",), settings=Settings(duplicate_dict_key=policy),
                   state_dir=tmp_path / "state", cache_dir=tmp_path / "cache")


def test_the_place_of_the_inventory_is_that_of_its_first_source(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "prod").mkdir()
    monkeypatch.chdir(tmp_path)
    prod, hosts = f"{tmp_path}/prod", f"{tmp_path}/hosts.ini"
    assert inventory_place(["prod", "hosts.ini"]) == InventoryPlace((prod, hosts), prod)
    assert inventory_place(["hosts.ini"]) == InventoryPlace((hosts,), str(tmp_path), hosts)
    assert inventory_place(["h1,h2"]) == InventoryPlace(("h1,h2",))
    assert inventory_place([]) == InventoryPlace()
