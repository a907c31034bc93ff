from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from provisioner.events import TaskResult
from provisioner.history.db import connect
from provisioner.history.queries import Filter
from provisioner.history.writer import Recorder
from provisioner.web import records, views
from provisioner.web.runview import Note, TaskSection
from tests.history.recording import run_of
from tests.web.examples import EVIL_HOST, HOUR, MOTD, NOW, WEB, apply, drift, finding, opening


@pytest.fixture
def db(file: Path) -> Iterator[sqlite3.Connection]:
    with closing(connect(file)) as connection:
        yield connection


def test_the_overview_counts_hosts_findings_and_runs_of_a_day(db: sqlite3.Connection) -> None:
    view = views.overview(db, NOW)
    assert view.counts == {"drifted": 2, "pending": 1, "unmanaged": 0, "unknown": 1}
    assert [host.host for host in view.bad_hosts] == [EVIL_HOST]
    assert (len(view.days), view.days[-1].day, sum(day.failed for day in view.days)) == (30, "2027-01-15", 4)
    assert "18 runs in 30 days, 4 of them failed." in view.plot
    assert view.total == 18
    assert view.running == []


def test_an_empty_record_has_every_page(tmp_path: Path) -> None:
    with closing(connect(tmp_path / "h.db")) as db:
        assert views.overview(db, NOW).hosts == []
        assert views.runs_page(db, Filter()).runs == []
        assert views.host_rows(db, "", "") == []
        assert views.apps(db) == []
        assert views.drift(db, NOW).findings == []
        assert records.machines(db) == []


def test_runs_are_shown_a_page_at_a_time(db: sqlite3.Connection) -> None:
    first = views.runs_page(db, Filter(), 10)
    rest = views.runs_page(db, Filter(before=first.older), 10)
    assert (len(first.runs), len(rest.runs), rest.older) == (10, 8, None)
    assert not {run.id for run in first.runs} & {run.id for run in rest.runs}


@pytest.mark.parametrize(("wanted", "count"), [(Filter(text="ROLLBACK"), 1), (Filter(text="c0000"), 1),
                                               (Filter(text="%"), 0),
                                               (Filter(host="web-1", command="app"), 1)])  # fmt: skip
def test_runs_are_found_by_words(db: sqlite3.Connection, wanted: Filter, count: int) -> None:
    assert len(views.runs_page(db, wanted).runs) == count


def test_a_host_is_as_its_last_run_left_it(db: sqlite3.Connection) -> None:
    states = {state.host: (state.status, state.run) for state in records.hosts(db)}
    assert states == {EVIL_HOST: ("failed", "eeee00000001"), "db-1": ("ok", "d00000000001"),
                      "web-1": ("changed", "d00000000001"), "web-2": ("ok", "d00000000001")}  # fmt: skip
    assert [state.host for state in records.hosts(db, "WEB")] == ["web-1", "web-2"]
    assert [row.state.host for row in views.host_rows(db, "", "changed")] == ["web-1"]


def test_a_host_has_its_runs_findings_and_apps(db: sqlite3.Connection) -> None:
    page = views.one_host(db, "web-1")
    assert [state.run for state in page.states][:2] == ["d00000000001", "b00000000001"]
    assert [each.kind for each in page.findings] == ["drifted"]
    assert page.deployed[0].action == "rollback"


def test_a_run_is_shown_task_by_task(db: sqlite3.Connection) -> None:
    view = views.one_run(db, "a00000000006")
    play, motd, nginx = view.sections
    assert isinstance(play, Note)
    assert isinstance(motd, TaskSection)
    assert isinstance(nginx, TaskSection)
    assert (play.kind, play.text) == ("play", "Web")
    assert (motd.task.title, motd.status, motd.counts) == ("base : Motd", "changed", (("changed", 1), ("ok", 2)))
    assert (nginx.status, [(line.what, line.opened) for line in nginx.lines]) == ("failed", [("db-1", True)])
    assert nginx.lines[0].why == "No package matching 'nginx-extra' is available"
    assert "+Welcome" in motd.lines[0].diffs[0]


def test_results_of_one_host_are_all_shown(db: sqlite3.Connection) -> None:
    view = views.one_run(db, "a00000000006", host="web-2")
    assert [[line.status for line in section.lines] for section in view.sections
            if isinstance(section, TaskSection)] == [["ok"], ["ok"]]  # fmt: skip


def test_items_of_a_loop_are_shown_and_the_loop_itself_is_not(file: Path) -> None:
    recorder = Recorder(file)
    for event in run_of("loop"):
        recorder.handle(event, NOW)
    recorder.close()
    with closing(connect(file)) as db:
        (loop,) = (each for each in views.one_run(db, "loop").sections
                   if isinstance(each, TaskSection) and each.task.module == "copy")  # fmt: skip
    assert [line.what for line in loop.lines] == ["h1 (item=a)"]


def test_while_a_run_goes_on_only_what_is_new_is_shown(tmp_path: Path) -> None:
    recorder = Recorder(tmp_path / "h.db")
    first, second = apply("abc")[:4], apply("abc")[4:7]
    with closing(connect(tmp_path / "h.db")) as db:
        for event in first:
            recorder.handle(event, NOW)
        recorder.flush()
        before = views.one_run(db, "abc")
        assert before.run.outcome == "running"
        assert views.one_run(db, "abc", after=before.last).sections == []
        for event in second:
            recorder.handle(event, NOW + 1)
        recorder.flush()
        new = views.one_run(db, "abc", after=before.last).sections
        assert new[0].key == before.sections[1].key  # the same task, with more results
        assert next(each.counts for each in new if isinstance(each, TaskSection)) == (("changed", 1), ("ok", 2))
        assert [run.id for run in records.unfinished(db)] == ["abc"]
    recorder.close()


def test_a_run_of_thousands_of_changes_is_cut(file: Path) -> None:
    recorder = Recorder(file)
    events = opening("long", "apply")
    events += [TaskResult(WEB[0], replace(MOTD, id=str(number)), "changed", {}) for number in range(400)]
    for event in events:
        recorder.handle(event, NOW)
    recorder.close()
    with closing(connect(file)) as db:
        view = views.one_run(db, "long")
    assert view.cut
    assert sum(len(each.lines) for each in view.sections if isinstance(each, TaskSection)) == 300


def test_drift_is_shown_now_and_over_time(db: sqlite3.Connection) -> None:
    view = views.drift(db, NOW)
    assert sorted(each.kind for each in view.findings) == ["drifted", "drifted", "pending", "unknown"]
    assert view.checks[0].time == NOW - HOUR
    assert "at most 4 findings" in view.plot
    assert [each.host for each in views.drift(db, NOW, "pending", "WEB").findings] == ["web-2"]


def test_what_was_mended_is_no_longer_drift_now_but_was_then(file: Path) -> None:
    drift(file, NOW, [])
    drift(file, NOW, [], scope="evil")
    with closing(connect(file)) as db:
        view = views.drift(db, NOW)
    assert [each.host for each in view.findings] == [EVIL_HOST]  # no host of the later check
    assert [each.counts["drifted"] for each in view.checks[:3]] == [0, 0, 1]


def test_the_plot_of_drift_keeps_a_scope_until_it_is_checked_again(file: Path) -> None:
    drift(file, NOW - 20 * 24 * HOUR, [finding(WEB[0], MOTD, "drifted")], scope="other")
    with closing(connect(file)) as db:
        plot = views.drift(db, NOW).plot
    assert "2027-01-15 08:00:00 UTC: 3 drifted, 1 pending, 0 unmanaged, 1 unknown" in plot


def test_an_app_has_its_releases_and_ways_back(db: sqlite3.Connection) -> None:
    shop = next(app for app in views.apps(db) if app.app == "shop")
    assert shop.now == {"08c4f1a9": ["web-1", "web-2"]}
    assert [(each.first.action, each.release, each.hosts) for each in shop.releases][:2] == [
        ("rollback", "08c4f1a9", ("web-1", "web-2")), ("release", "02c4f1a9", ("web-1", "web-2"))]
    assert "5 releases and restarts, 1 rollbacks, 0 failed." in shop.plot


def test_machines_are_as_they_were_last_changed(db: sqlite3.Connection) -> None:
    assert [(each.resource, each.action, each.phase) for each in records.machines(db) if each.site == "shop"] == [
        ("firewall.web", "update", "failed"), ("machine.web-1", "create", "done"), ("machine.web-2", "create", "done")]


def test_a_run_that_is_not_there_is_said_to_be_so(db: sqlite3.Connection) -> None:
    with pytest.raises(Exception, match="there is no run `nope`"):
        views.one_run(db, "nope")
