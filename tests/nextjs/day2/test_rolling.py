"""Releases started again on several hosts: in waves, and what a failure keeps from happening."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from provisioner.diag import UsageError
from provisioner.nextjs.day2.rolling import restart, roll_back, set_variables
from provisioner.testing.answering import AnsweringHost, answering, calls
from provisioner.values import HostName, Secret

HOSTS = ["web-1", "web-2", "web-3"]


def fleet(
    *, broken: str = "", at: Mapping[str, str] | None = None, **more: Any
) -> list[AnsweringHost]:
    """Hosts that run release `new` (or what `at` says), which has replaced `old`."""

    def host(name: HostName, module: str, args: Mapping[str, Any]) -> Mapping[str, Any]:
        if module == "nextjs_report":
            runs = (at or {}).get(name, "new")
            releases = [{"id": each, "runs": each == runs, "can_start": True} for each in ("new", "old")]
            return {"apps": ["shop"], "app": {
                "name": "shop", "kind": "server", "bucket": None, "undoes": False, "hooks": [], "release": runs,
                "rollback_to": "old", "interrupted": None, "releases": releases,
                "overrides": {"LOG": "info"} if name == "web-1" else {}, **more}}  # fmt: skip
        if name == broken:
            return {"failed": True, "msg": "not healthy\nits last lines"}
        return {"changed": True, "release": args.get("release", "new"), "slot": "b", "was_warm": False}

    return answering(HOSTS, host)


def orders(hosts: list[AnsweringHost]) -> dict[str, Mapping[str, Any]]:
    return {host.host: args for host in hosts for module, args in host.asked if module == "nextjs_again"}


def test_all_hosts_go_back_to_the_release_before() -> None:
    hosts = fleet()
    results = roll_back(calls(hosts), None, to=None, sizes=(1, "100%"))
    assert orders(hosts) == {host: {"name": "shop", "release": "old", "hooks": "after"} for host in HOSTS}
    assert all(result["changed"] for result in results.values())
    assert hosts[0].steps == ["release old runs in slot b"]


def test_a_host_that_runs_it_already_is_left_alone() -> None:
    hosts = fleet(at={"web-2": "old"})
    results = roll_back(calls(hosts), None, to="old", sizes=("100%",))
    assert sorted(orders(hosts)) == ["web-1", "web-3"]
    assert not results[HostName("web-2")]["changed"]
    assert hosts[1].steps == ["release old runs already: nothing to do"]


def test_when_the_first_wave_fails_the_others_keep_what_they_run() -> None:
    hosts = fleet(broken="web-1")
    results = restart(calls(hosts), "shop", sizes=(1, "100%"))
    assert list(orders(hosts)) == ["web-1"]
    assert results[HostName("web-2")]["msg"] == "not gone on with: web-1, which goes first, failed: not healthy"


def test_setting_a_variable_shows_what_changes_and_hides_secrets() -> None:
    hosts = fleet()
    values: dict[str, str | Secret] = {"LOG": "debug", "KEY": Secret("hidden")}
    set_variables(calls(hosts), None, values=values, sizes=("100%",))
    assert hosts[0].steps[:2] == ["LOG: info -> debug", "KEY: not set by hand -> ********"]
    assert orders(hosts)["web-2"] == {
        "name": "shop", "set": {"LOG": "debug"}, "secrets": {"KEY": Secret("hidden")}, "unset": []}  # fmt: skip


def test_hosts_that_have_the_value_already_are_not_restarted() -> None:
    hosts = fleet()
    set_variables(calls(hosts), None, values={"LOG": "info"}, sizes=("100%",))
    assert sorted(orders(hosts)) == ["web-2", "web-3"]


def test_a_variable_that_nobody_has_set_can_not_be_given_up() -> None:
    with pytest.raises(UsageError, match="NOPE: not set by hand") as caught:
        set_variables(calls(fleet()), None, values={}, unset=["NOPE"], sizes=("100%",))
    assert caught.value.hint == "set are LOG"


def test_files_go_back_too_but_need_no_restart_and_take_no_variables() -> None:
    hosts = fleet(kind="files")
    roll_back(calls(hosts), None, to=None, sizes=("100%",))
    assert sorted(orders(hosts)) == HOSTS
    assert hosts[0].steps == ["clients get release old"]
    with pytest.raises(UsageError, match="shop is exported as files"):
        restart(calls(hosts), None, sizes=("100%",))
    with pytest.raises(UsageError, match="shop is exported as files") as caught:
        set_variables(calls(hosts), None, values={"A": "1"}, sizes=("100%",))
    assert "change `env` in the playbook" in str(caught.value.hint)


def test_what_is_in_a_bucket_too_does_not_go_back_by_half() -> None:
    hosts = fleet(kind="files", bucket="s3://shop/")
    with pytest.raises(UsageError, match="published to s3://shop/ too"):
        roll_back(calls(hosts), None, to=None, sizes=("100%",))
    assert orders(hosts) == {}


def test_the_commands_before_a_way_back_run_once_and_stop_it_when_they_fail() -> None:
    hosts = fleet(hooks=["before_rollback"])
    roll_back(calls(hosts), None, to=None, sizes=("100%",))
    assert [args for module, args in hosts[0].asked if args.get("hooks") == "before"] == [
        {"name": "shop", "hooks": "before"}]  # fmt: skip
    assert hosts[0].steps == ["before_rollback", "release old runs in slot b"]
    assert not [args for module, args in hosts[1].asked if args.get("hooks") == "before"]

    broken = fleet(hooks=["before_rollback"], broken="web-1")
    results = roll_back(calls(broken), None, to=None, sizes=("100%",))
    assert results[HostName("web-1")]["failed"]
    assert [results[HostName(name)] for name in HOSTS[1:]] == [{"skipped": True, "changed": False}] * 2

    without = fleet(hooks=["before_rollback"])
    roll_back(calls(without), None, to=None, sizes=("100%",), hooks=False)
    assert orders(without)["web-1"] == {"name": "shop", "release": "old"}


def test_only_the_variables_go_back_where_only_they_had_changed() -> None:
    hosts = fleet(undoes=True, rollback_to="new")
    roll_back(calls(hosts), None, to=None, sizes=("100%",), hooks=False)
    assert orders(hosts)["web-1"] == {"name": "shop", "release": "new", "undo": True}
