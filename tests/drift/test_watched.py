from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from provisioner.drift.findings import UNKNOWN, UNMANAGED, Finding
from provisioner.drift.watched import Known, watched
from provisioner.events import Event, PlayStarted, Resource, TaskRef, TaskResult
from provisioner.history.surveys import MODULE, PURPOSE, Surveyed, compared
from tests.drift.examples import H1

KEY = b"k" * 32
WATCH = TaskRef("9", "Watch list", MODULE, "drift.yml:2")
PLACE = Resource("192.0.2.1:", MODULE, f'{{"purpose": "{PURPOSE}"}}', "aa")
DAY = 86400
NOW = 1000.0 * DAY


def found(watch: str, answer: Any, before: Mapping[str, list[str]] | None = None, *, managed: str = "",
          applying: tuple[str, ...] = (), resource: Resource | None = PLACE) -> list[Finding]:  # fmt: skip
    kept = {item: [compared(watch, line, KEY) for line in lines] for item, lines in (before or {}).items()}
    known = Known(lambda *_: None if before is None else Surveyed(kept, 5.0), lambda _, path: path == managed,
                  lambda name, line: compared(name, line, KEY))  # fmt: skip
    events: list[Event] = [PlayStarted("Web: watch list", (H1,)),
              TaskResult(H1, WATCH, "ok", {"survey": {watch: answer}}, resource=resource, checked=True)]  # fmt: skip
    return list(watched(events, known, applying, NOW))


def items(watch: str, now: Mapping[str, list[str]], before: Mapping[str, list[str]], **more: Any) -> list[str]:
    answer = {"settings": {}, "items": now, "shipped": more.pop("shipped", [])}
    return [each.item for each in found(watch, answer, before, **more)]


def reasons(watch: str, now: Mapping[str, list[str]], settings: Mapping[str, Any] | None = None) -> list[str]:
    return [each.reason for each in found(watch, {"settings": settings or {}, "items": now, "shipped": []})]


def test_what_came_since_the_last_apply_is_owned_by_the_watch_and_its_place() -> None:
    finding, = found("users", {"settings": {}, "items": {"eve": ["uid 0"]}, "shipped": []}, {})
    assert (finding.kind, finding.item, finding.reason) == (UNMANAGED, "eve", "not there at the last apply")
    assert (finding.play, finding.task.name, finding.task.path) == ("Web: watch list", "users", "drift.yml:2")
    assert (finding.applied, finding.diff["after"]) == (5.0, "uid 0\n")
    assert finding.key == f"h1 {MODULE}  users eve"


@pytest.mark.parametrize(("watch", "now", "before", "differ"), [
    ("packages", {"a": ["installed"], "b": ["installed automatically"]}, {}, ["a"]),
    ("packages", {}, {"a": ["installed"], "b": ["installed automatically"]}, ["a"]),
    ("packages", {"a": ["installed automatically"]}, {"a": ["installed"]}, []),
    ("ports", {"tcp/80": ["nginx"], "tcp/81": ["nc"]}, {"tcp/80": ["apache2"], "tcp/82": ["x"]}, ["tcp/81"]),
    ("users", {"a": ["shell /bin/sh"]}, {"a": ["shell /bin/bash"], "b": ["uid 0"]}, ["a", "b"]),
    ("sudoers", {"/etc/sudoers": ["a", "b"]}, {"/etc/sudoers": ["b", "a"]}, []),
    ("authorized_keys", {"/root/.ssh/authorized_keys": ["x", "y"]}, {"/root/.ssh/authorized_keys": ["x"]},
     ["/root/.ssh/authorized_keys"]),
    ("units", {"ssh.service": ["masked"]}, {"ssh.service": ["enabled"], "x.d/y.conf": ["1"]},
     ["ssh.service", "x.d/y.conf"]),
    ("crontabs", {"/etc/crontab": ["* * * * * root x"]}, {"/etc/crontab": ["* * * * * root x"]}, []),
    ("crontabs", {"/etc/crontab": ["* * * * * root y"]}, {"/etc/crontab": ["* * * * * root x"]}, ["/etc/crontab"]),
    ("files", {"/etc/a": ["file"]}, {"/etc/b": ["file"]}, ["/etc/a"])])  # fmt: skip
def test_what_differs_from_the_last_apply(watch: str, now: dict[str, list[str]], before: dict[str, list[str]],
                                          differ: list[str]) -> None:  # fmt: skip
    assert items(watch, now, before) == differ


def test_what_an_upgrade_of_its_package_has_changed_is_no_difference() -> None:
    assert items("crontabs", {"/etc/cron.d/x": ["new"]}, {"/etc/cron.d/x": ["old"]}, shipped=["/etc/cron.d/x"]) == []


def test_a_file_that_another_playbook_made_is_managed() -> None:
    assert items("files", {"/etc/a": ["file"], "/etc/b": ["file"]}, {}, managed="/etc/a") == ["/etc/b"]


def test_of_jobs_only_what_is_new_is_shown_for_the_old_is_kept_as_hashes() -> None:
    finding, = found("crontabs", {"items": {"/etc/crontab": ["b"]}, "shipped": []}, {"/etc/crontab": ["a"]})
    assert finding.reason == "lines changed since the last apply: 1 that were not there, 1 gone"
    assert (finding.diff["before"], finding.diff["after"]) == ("", "b\n")


@pytest.mark.parametrize(("watch", "now", "settings", "told"), [
    ("failed_units", {"app.service": ["My app"]}, {}, ["has failed: My app"]),
    ("reboot", {"reboot": ["linux-base", "libc6"]}, {}, ["a reboot is due: linux-base, libc6"]),
    ("security_updates", {f"p{number:02}": ["1"] for number in range(12)}, {},
     [f"security updates wait: {', '.join(f'p{number:02}' for number in range(10))} and 2 more"]),
    ("security_updates", {}, {}, []),
    ("certificates", {"/a": [str(int(NOW) + 20 * DAY)], "/b": [str(int(NOW) + 22 * DAY)], "/c": [str(int(NOW) - 1)]},
     {}, ["expires on 1972-10-17, in 20 days", "has expired on 1972-09-26"]),
    ("certificates", {"/a": [str(int(NOW) + 22 * DAY)]}, {"days": 30}, ["expires on 1972-10-19, in 22 days"]),
    ("disk", {"/": ["11", "100", "99", "100"], "/a": ["9", "100", "99", "100"], "/b": ["50", "100", "1", "100"]}, {},
     ["9.0 % of its room left", "1.0 % of its files left"]),
    ("disk", {"/": ["9", "100", "0", "0"]}, {"below": 5}, [])])  # fmt: skip
def test_what_needs_attention_by_itself(watch: str, now: dict[str, list[str]], settings: dict[str, Any],
                                        told: list[str]) -> None:  # fmt: skip
    assert reasons(watch, now, settings) == told


def test_without_a_baseline_nothing_is_clean() -> None:
    finding, = found("users", {"items": {}, "shipped": []})
    assert (finding.kind, finding.reason.partition(":")[0]) == (UNKNOWN, "nothing to compare with")


@pytest.mark.parametrize("answer", [
    {"unknown": "may not be read"}, "x", None, {"items": [], "shipped": []}, {"items": {"a": 1}, "shipped": []},
    {"items": {}, "shipped": 3}])  # fmt: skip
def test_what_a_host_cannot_tell_or_tells_wrongly_is_unknown(answer: Any) -> None:
    assert [each.kind for each in found("users", answer, {})] == [UNKNOWN]


def test_while_an_apply_is_at_work_only_what_needs_attention_is_told() -> None:
    answer = {"items": {"a": ["x"]}, "shipped": []}
    told = [*found("users", answer, {}, applying=("4711",)), *found("failed_units", answer, applying=("4711",))]
    assert [each.kind for each in told] == [UNKNOWN, UNMANAGED]


def test_long_texts_are_cut_and_many_findings_counted() -> None:
    many = {f"u{number:03}": ["x" * 10_000] for number in range(100)}
    told = found("users", {"items": many, "shipped": []}, {})
    assert len(told) == 41
    assert told[-1].reason == "and 60 more"
    assert max(len(each.diff["after"]) for each in told[:-1]) <= 501


def test_a_survey_that_a_playbook_makes_itself_is_no_watch() -> None:
    own = Resource("192.0.2.1:", MODULE, "{}", "aa")
    assert found("users", {"items": {"a": ["x"]}, "shipped": []}, {}, resource=own) == []
