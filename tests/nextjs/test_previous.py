"""The release before: kept running to go back to at once, and for the pages it made; and slots of several instances."""

from __future__ import annotations

import json
import time
import urllib.request
from collections.abc import Iterator

import pytest

from provisioner.testing.nextjs import JOURNAL, Site, load, poller


@pytest.fixture(scope="module", autouse=True)
def back_to_one_slot(app: Site) -> Iterator[None]:
    yield
    assert not app.only().get("failed")
    assert len(app.running()) == 1


def asked(app: Site, **headers: str) -> str:
    request = urllib.request.Request(f"http://{app.hosts[0].address}/about", headers=headers)
    with urllib.request.urlopen(request, timeout=20) as answer:
        return str(answer.read().decode())


def is_closed_by_reload(failure: str) -> bool:
    """A connection that was idle until the client used it again, in the moment in which nginx let go of it."""
    request, _, problem = failure.partition(": ")
    return request.endswith("on a kept connection") and problem.startswith(
        ("ConnectionResetError", "BrokenPipeError", "IncompleteReadError: 0 bytes"))  # fmt: skip


@pytest.mark.timeout(300)
def test_a_release_that_is_kept_running_takes_the_requests_again_at_once(app: Site) -> None:
    for words in ("one", "two"):
        assert not app.only(words, previous="run").get("failed")
    live, previous = app.journal()["live"], app.journal()["previous"]
    assert app.running() == sorted(f"example@{found['slot']}.service" for found in (live, previous))
    assert not app.only("two", previous="run")["changed"]
    with load(app.hosts[0].address) as seen:
        began = time.monotonic()
        back = app.only("one", previous="run", watch=0)
        took = time.monotonic() - began
    assert not back.get("failed"), back
    assert app.journal()["live"] == previous
    assert seen.failures == []
    assert took < 5, "warm: nothing is started"
    assert "one" in app.get("/about")


def test_three_slots_take_turns_while_the_release_before_is_kept(app: Site) -> None:
    used = []
    with poller(app.hosts[0].address) as seen:
        for words in ("first", "second", "third"):
            assert not app.only(words, previous="run").get("failed")
            used.append(app.slot())
            assert len(app.running()) == 2
    assert set(used) == {"a", "b", "c"}
    assert seen.failures == []


@pytest.mark.timeout(300)
def test_a_release_that_was_cut_off_at_its_end_is_finished_and_not_made_again(app: Site) -> None:
    for words in ("before", "whole"):
        assert not app.only(words, previous="run").get("failed")
    steady, running = app.journal(), app.shell("systemctl show -P MainPID 'example@*'")
    cut_off = {**steady, "step": "settle", "pointed": True, "new": steady["live"], "live": steady["previous"],
               "previous": None, "keep": "run", "kept": "stop"}  # fmt: skip
    app.shell(f"printf %s '{json.dumps(cut_off)}' > {JOURNAL}")
    found = app.only("whole", previous="run")
    assert not found.get("failed"), found
    assert app.journal() == steady
    assert app.shell("systemctl show -P MainPID 'example@*'") == running
    assert not app.only("whole", previous="run")["changed"]


def test_requests_of_old_pages_go_to_the_release_that_made_them(app: Site) -> None:
    assert not app.only("old", previous="route").get("failed")
    old = app.journal()["live"]["deployment"]
    app.edit("app/page.js", "<h1>", "<h1>Another: ")
    assert not app.only("new", previous="route").get("failed")
    assert "new" in asked(app)
    assert "old" in asked(app, **{"x-deployment-id": old})
    assert "old" in app.get(f"/about?dpl={old}")
    assert "old" in asked(app, Cookie=f"theme=dark; __vdpl={old}")
    new = app.journal()["live"]["deployment"]
    assert "new" in asked(app, Cookie=f"__vdpl={old}", **{"x-deployment-id": new}), "the page's own word comes first"
    for wrong in ("nobody", "../../../etc", "a b", "%2e%2e", "x" * 500):
        assert "new" in asked(app, **{"x-deployment-id": wrong})
        assert "new" in asked(app, Cookie=f"__vdpl={wrong}")
    app.shell(f"systemctl stop example@{app.journal()['previous']['slot']}")
    assert "new" in asked(app, **{"x-deployment-id": old}), "the live one takes what nobody else does"
    app.edit("app/page.js", "<h1>Another: ", "<h1>")


@pytest.mark.timeout(300)
def test_instances_share_the_requests_and_their_number_and_ports_change_while_the_app_answers(app: Site) -> None:
    """Their ports stand in the text of the site, so nginx is reloaded and closes connections that clients keep."""
    with load(app.hosts[0].address) as seen:
        three = app.only("many", instances=3)
        names = app.running()
        again = app.only("many", instances=3)
        moved = app.only("many", instances=2, port=4000)
        settled = app.only("many", instances=2, port=4000)
        one = app.only("many")
    assert not any(result.get("failed") for result in (three, moved, one)), (three, moved, one)
    slot = names[0].partition("@")[2][0]
    assert names == [f"example@{slot}.service", f"example@{slot}2.service", f"example@{slot}3.service"]
    assert not again["changed"]
    assert not settled["changed"]
    assert [one for one in seen.failures if not is_closed_by_reload(one)] == []
    assert json.loads(app.get("/api/health"))


def test_one_bad_instance_of_several_is_enough_to_take_a_release_back(app: Site) -> None:
    assert not app.only("good", instances=2).get("failed")
    good = app.journal()["live"]
    with poller(app.hosts[0].address) as seen:
        result = app.only("good", fault="die", instances=2, watch=4)
    assert "went back to release" in result["msg"]
    assert seen.failures == []
    assert app.journal()["live"] == good
    assert len(app.running()) == 2
