"""Decisions from facts."""

from __future__ import annotations

from typing import Any

import pytest

from provisioner.nextjs import plan
from provisioner.nextjs.settings import Settings, read_settings
from provisioner.remote.nextjs.layout import Layout

RELEASE = plan.Release("r1", "f1", {"build_id": "b1"})


def settings(**args: Any) -> Settings:
    return read_settings({"name": "shop", "source": "s", **args})


def facts(**changes: Any) -> dict[str, Any]:
    """Of a host where everything is as it should be."""
    found: dict[str, Any] = {
        "node": {"installed": ["20.9.0", "22.3.0", "22.23.3"], "machine": "x86_64", "arch": "x64"},
        "packages": {"nginx": True, "libjemalloc2": True, "ca-certificates": True},
        "paths": {path: {"kind": "directory", **wanted} for path, wanted in Layout("shop").directories("shop").items()},
        "releases": [{"id": "r1", "fingerprint": "f1", "build_id": "b1", "manifest": "m1"}], "assets": {"r1": 0.0},
        "slot": "r1", "current": "r1", "units": ["text"], "lane": "a", "warm": None,
        "env": {"same": True}, "credentials": True, "journal": {"step": "steady"},
        "live": {"slot": "a", "release": "r1", "upstreams": ["127.0.0.1:3000"]}, "leftovers": [],
        "jobs": {"units": {}, "resting": []},
        "service": {"active": "active", "enabled": "enabled", "pid": 7, "stale": False,
                    "runs_in": ["/srv/shop/releases/r1"]},
        "proxy": {"text": "site", "fits": True, "ready": True, "ipv6": True},
    }  # fmt: skip
    for path, value in changes.items():
        group, _, name = path.partition("__")
        found[group] = {**found[group], name: value} if name else value
    return found


def why(**changes: Any) -> tuple[str, ...]:
    return plan.reasons_to_activate(settings(), facts(**changes), RELEASE, ["text"])


def test_nothing_is_to_do_where_all_is_well() -> None:
    assert why() == ()
    assert plan.missing_packages(settings(), facts()) == ()
    assert not plan.needs_tree(settings(), facts())
    assert not plan.needs_proxy(facts(), "site")
    assert not plan.needs_prune(settings(), facts(), RELEASE, activated=False, now=0.0)


@pytest.mark.parametrize(("changes", "words"), [
    ({"slot": None}, "the first release"),
    ({"slot": "r0"}, "release r0 -> r1"),
    ({"units": ["other"]}, "the unit"),
    ({"units": ["text", "text"]}, "the unit"),
    ({"env": {"same": False}}, "the env file"),
    ({"credentials": False}, "the credentials"),
    ({"service__active": "inactive"}, "the service is inactive"),
    ({"service__enabled": "disabled"}, "not enabled at boot"),
    ({"service__stale": True}, "systemd has not read the unit"),
    ({"service__runs_in": ["/srv/shop/releases/r0"]}, "the process runs another release"),
    ({"journal": {"step": "watch"}}, "interrupted"),
    ({"live__slot": "single", "lane": "single"}, "from one service to two slots"),
    ({"lane": "b"}, "requests go to another slot"),
    ({"lane": None}, "requests go to another slot"),
    ({"warm": {"slot": "b"}}, "the release before still runs"),
    ({"leftovers": ["b"]}, "slot b still runs"),
    ({"current": "r0"}, "`current` points elsewhere"),
])  # fmt: skip
def test_each_deviation_is_a_reason_to_start_anew(changes: dict[str, Any], words: str) -> None:
    reasons = why(**changes)
    assert len(reasons) == 1
    assert words in reasons[0]


def test_without_a_web_server_one_service_is_looked_at() -> None:
    alone, single = settings(proxy="none"), facts(live=None, journal={"state": "active"})
    assert plan.reasons_to_activate(alone, single, RELEASE, ["text"]) == ()
    (reason,) = plan.reasons_to_activate(alone, facts(live=None, journal={"state": "activating"}), RELEASE, ["text"])
    assert "interrupted" in reason


def test_a_slot_that_runs_keeps_its_ports_in_the_site_until_the_next_release() -> None:
    before = facts(live__upstreams=["127.0.0.1:9000"])
    assert plan.taken_slots(before) == {"a": ["127.0.0.1:9000"]}
    assert plan.taken_by(settings(port=4000), before, "b") == {"b": ("127.0.0.1:4001",)}
    kept = plan.taken_by(settings(port=4000, previous="run", instances=2), before, "b")
    assert kept == {"a": ["127.0.0.1:9000"], "b": ("127.0.0.1:4001", "127.0.0.1:4004")}


def test_more_instances_never_take_the_ports_of_a_slot_that_runs() -> None:
    one, three = settings(), settings(instances=3)
    for slot, other in (("a", "b"), ("b", "c"), ("c", "a")):
        assert not {*one.upstreams_of(slot)} & {*three.upstreams_of(other)}
    assert three.ports == tuple(range(3000, 3009))


def test_only_packages_that_are_wanted_are_missed() -> None:
    none = facts(packages={})
    assert plan.missing_packages(settings(), none) == ("ca-certificates", "nginx", "libjemalloc2")
    assert plan.missing_packages(settings(proxy="none", jemalloc=False), none) == ("ca-certificates",)


def test_jemalloc_is_not_asked_for_on_an_unknown_architecture() -> None:
    assert "libjemalloc2" not in plan.missing_packages(settings(), facts(packages={}, node__machine="riscv64"))


@pytest.mark.parametrize(
    ("wanted", "found"), [("22", "22.23.3"), ("20", "20.9.0"), ("22.3.0", "22.3.0"), ("2", None), ("24", None)]
)
def test_an_installed_node_is_used_if_it_fits(wanted: str, found: str | None) -> None:
    assert plan.installed_node(wanted, facts()) == found


def test_a_directory_with_another_owner_is_mended() -> None:
    paths = {
        **facts()["paths"],
        "/srv/shop/shared": {"kind": "directory", "mode": "0755", "owner": "eve", "group": "shop"},
    }
    assert plan.needs_tree(settings(), facts(paths=paths))


@pytest.mark.parametrize("changes", [{"proxy__text": None}, {"proxy__fits": False}, {"proxy__ready": False}])
def test_a_site_that_differs_or_lacks_its_certificate_is_written(changes: dict[str, Any]) -> None:
    assert plan.needs_proxy(facts(**changes), "site")


@pytest.mark.parametrize(("args", "names"), [
    ({}, {"nginx"}), ({"proxy": "caddy"}, {"caddy"}), ({"proxy": "none"}, set()),
    ({"domain": "a.com", "https": {"acme": {"email": "o@a.com"}}}, {"nginx", "certbot"}),
    ({"domain": "a.com", "https": {"acme": {"email": "o@a.com"}}, "proxy": "caddy"}, {"caddy"}),
])  # fmt: skip
def test_packages_are_those_of_the_web_server(args: dict[str, Any], names: set[str]) -> None:
    found = set(plan.all_packages(settings(**args)))
    assert found - {"ca-certificates", "libjemalloc2"} == names


def test_releases_are_removed_beyond_what_is_kept() -> None:
    def needs(keep: int) -> bool:
        return plan.needs_prune(settings(keep=keep), facts(), plan.Release("r2", "f2"), activated=True, now=0.0)

    assert needs(1)
    assert not needs(2)


def test_old_assets_go_with_the_next_release_and_never_without_one() -> None:
    short = settings(assets={"keep_releases": 1, "keep_hours": 1})
    old = facts(assets={"r1": 9000.0, "r0": 5000.0})
    assert plan.needs_prune(short, old, RELEASE, activated=True, now=9000.0)
    assert not plan.needs_prune(short, old, RELEASE, activated=False, now=9000.0)
    assert not plan.needs_prune(short, old, RELEASE, activated=True, now=8000.0)


def test_what_two_hosts_both_have_is_not_sent_again() -> None:
    mine = facts(releases=[{"manifest": "m3"}, {"manifest": "m2"}, {"manifest": "m1"}])
    assert plan.common_base(mine, facts(releases=[{"manifest": "m2"}, {"manifest": "m1"}])) == "m2"
    assert plan.common_base(mine, facts(releases=[{"manifest": "m9"}, {}])) is None
    assert plan.common_base(facts(releases=[{}]), facts(releases=[{}])) is None


def test_hosts_share_a_build_if_the_same_goes_into_it() -> None:
    some = [settings(port=3000), settings(port=3001), settings(env={"NEXT_PUBLIC_X": "1"}), settings(env={"X": "1"})]
    assert plan.one_build(some) == [[0, 1, 3], [2]]


def test_health_is_asked_by_name_at_the_address_the_app_listens_on() -> None:
    question = plan.health_question(settings(domain=["*.a.com", "b.com"], listen="0.0.0.0", port=3005))
    assert (question["address"], question["port"], question["host"]) == ("127.0.0.1", 3005, "b.com")
