"""What `provision app status` and `releases` look like."""

from __future__ import annotations

from typing import Any

import pytest

from provisioner.cli.app_tables import duration, is_bad, releases_lines, status_lines


def release(name: str, **more: Any) -> dict[str, Any]:
    return {
        "id": name, "build_id": "b-" + name, "created": "2026-11-22T18:02:37Z", "built_on": "web-1", "built_by": None,
        "revision": "0123456789abcdef", "next": "16.4.5", "node": "22.23.3", "size": 343881565, "started": 1795374000,
        "replaced": None, "runs": False, "warm": False, "can_start": True, **more,
    }  # fmt: skip


def report(**more: Any) -> dict[str, Any]:
    process = {"unit": "shop@b.service", "active": "active", "enabled": "enabled", "pid": 7, "restarts": 1,
               "memory": 107 << 20, "seconds": 90000}  # fmt: skip
    return {
        "name": "shop", "kind": "server", "release": "bbbb2222bbbb", "build_id": "1l4lRpCIeXhnSzlPM7qLi", "slot": "b",
        "rollback_to": "aaaa1111aaaa", "undoes": False, "interrupted": None, "unhealthy": None, "processes": [process],
        "node": "22.23.3", "next": "16.4.5", "old_assets": {"files": 12, "bytes": 3 << 20}, "overrides": {},
        "certificates": [],
        "releases": [release("bbbb2222bbbb", runs=True), release("aaaa1111aaaa", warm=True)], **more,
    }  # fmt: skip


def test_an_exported_app_has_files_in_place_of_a_slot() -> None:
    lines = status_lines({"web-1": report(kind="files", slot=None, processes=[], node=None)}, None)
    assert lines[1].split()[:5] == ["web-1", "bbbb2222bbbb", "files", "healthy", "0"]


def test_the_status_of_a_host_fits_80_columns() -> None:
    lines = status_lines({"web-1": report(), "web-2": report()}, 80)
    assert lines == [
        "HOST   RELEASE       SLOT  HEALTH   UP       MEMORY   RESTARTS  NODE     NEXT",
        "web-1  bbbb2222bbbb  b     healthy  1 d 1 h  107 MiB  1         22.23.3  16.4.5",
        "web-2  bbbb2222bbbb  b     healthy  1 d 1 h  107 MiB  1         22.23.3  16.4.5",
    ]


def test_wider_terminals_show_more() -> None:
    assert status_lines({"web-1": report()}, 120)[1].endswith("16.4.5  aaaa1111aaaa (warm)")
    again = report(rollback_to="bbbb2222bbbb", undoes=True)
    assert status_lines({"web-1": again}, 120)[1].endswith("16.4.5  bbbb2222bbbb (as it was)")
    assert status_lines({"web-1": report()}, None)[1].endswith("1l4lRpCIeXhnSzlPM7qLi  12 (3 MiB)")


def test_what_is_wrong_is_said_below_the_table() -> None:
    cut = {"release": "cccc", "step": "watch", "under_way": False}
    sick = report(unhealthy="no answer\x1b[2J", interrupted=cut, overrides={"LOG": "debug"})
    assert status_lines({"web-1": sick}, 80)[2:] == [
        "web-1: no answer\\x1b[2J",
        "web-1: a release of cccc was interrupted at `watch`: the next `provision apply`, `rollback` or `restart` "
        "ends it",
        "web-1: set by hand: LOG",
    ]


def test_certificates_that_end_soon_or_are_not_there_are_said() -> None:
    shown = [{"name": "a.com", "days": 60}, {"name": "b.com", "days": 3}, {"name": "c.com"}]
    lines = status_lines({"web-1": report(certificates=shown)}, 120)
    assert "CERTIFICATE" in lines[0]
    assert "3 d" in lines[1]
    assert lines[2:] == [
        "web-1: nothing answers over HTTPS for c.com",
        "web-1: the certificate for b.com ends in 3 days",
    ]


def test_a_release_that_is_under_way_is_nothing_bad() -> None:
    busy = report(interrupted={"release": "cccc", "step": "watch", "under_way": True})
    assert status_lines({"web-1": busy}, 80)[2] == "web-1: a release of cccc is under way, at `watch`"
    assert not is_bad(busy)


def test_several_instances_are_counted_and_added_up() -> None:
    two = report()
    two["processes"] *= 2
    assert status_lines({"web-1": two}, 80)[1].startswith("web-1  bbbb2222bbbb  b x2  healthy  1 d 1 h  214 MiB  2")


def test_releases_of_all_hosts_are_one_list() -> None:
    lines = releases_lines({"web-1": report(), "web-2": report(releases=[release("aaaa1111aaaa", runs=True)])}, 80)
    assert [line.split("  ")[0] for line in lines] == ["RELEASE", "bbbb2222bbbb", "aaaa1111aaaa"]
    assert "runs on web-1" in lines[1]
    assert lines[1].endswith("web-1")
    assert "runs on web-2" in lines[2]


@pytest.mark.parametrize(("seconds", "text"), [(5, "5 s"), (125, "2 min"), (3700, "1 h 1 min"), (93600, "1 d 2 h")])
def test_durations_have_two_units_at_most(seconds: int, text: str) -> None:
    assert duration(seconds) == text
