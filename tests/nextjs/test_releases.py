"""Releases while requests come in, on a real host: none is lost, whatever the release does and whoever gets killed.

`-m slow` has every step at which the runner can be killed; otherwise a few.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Collection, Mapping, Sequence
from typing import Any

import pytest

from provisioner.remote.nextjs import release
from provisioner.testing.nextjs import JOURNAL, Site, load, poller
from provisioner.testing.nextjs_faults import killing


def kills(steps: Sequence[str], quick: Collection[str]) -> list[object]:
    """Each step right after its line in the journal, and a little later, when its effect may be half there."""
    moments = [(step, delay) for step in steps for delay in (0.0, 0.03)]
    return [
        pytest.param(step, delay, marks=() if step in quick and not delay else pytest.mark.slow)
        for step, delay in moments
    ]


FORWARD = kills(release.FORWARD, {release.POINT, release.RETIRE})
BACK = kills(release.BACK, {release.RETURN})
LOST_RACE = {release.SETTLE, release.REOPEN, release.RESTORE}
"""Steps that may be over each time before the killer has seen them."""
ATTEMPTS = 5


def killed_at(app: Site, step: str, delay: float, **deploy: Any) -> Mapping[str, Any]:
    """The result of a deploy whose runner was killed at the step; what was missed on a busy machine is tried again."""
    for _ in range(ATTEMPTS):
        assert not app.only().get("failed")
        with killing(app, step, delay=delay) as told:
            result = app.only(**deploy)
        if told == ["done"]:
            return result
    assert step in LOST_RACE or delay > 0, f"the runner was never killed at {step}"
    return result


@pytest.mark.timeout(300)
def test_no_request_fails_over_three_releases_and_a_rollback(app: Site) -> None:
    with load(app.hosts[0].address) as seen:
        builds = []
        for words in ("It runs", "First", "Second"):
            if words != "It runs":
                app.edit("app/page.js", "<h1>", f"<h1>{words} ")
            builds.append(app.only(f"load {words}", watch=3, drain=3))
        app.edit("app/page.js", "<h1>Second ", "<h1>")
        builds.append(app.only("load First", watch=3, drain=3))
    assert not any(result.get("failed") for result in builds), builds
    assert seen.failures == [], "\n".join([f"of {seen.answered}:", *seen.failures])
    assert seen.answered > 500
    assert len({result["build_id"] for result in builds}) == 3
    assert seen.builds >= {result["build_id"] for result in builds}
    assert builds[3]["release"] == builds[1]["release"]
    app.edit("app/page.js", "<h1>First ", "<h1>")
    assert not app.only().get("failed")


@pytest.mark.parametrize(("fault", "words"), [
    ("crash", "boom"),
    ("500", "answers with status 500"), ("hang", "no answer from"), ("die", "after requests were sent"),
])  # fmt: skip
def test_a_release_that_is_not_well_is_taken_back_without_a_failed_request(app: Site, fault: str, words: str) -> None:
    before = app.journal()["live"]
    with poller(app.hosts[0].address) as seen:
        result = app.only(fault=fault, watch=4, health={"path": "/api/health", "timeout": 4})
        time.sleep(0.5)
    assert result["failed"], result
    assert words in result["msg"]
    assert "went back to release" in result["msg"]
    assert seen.failures == []
    assert app.journal()["live"] == before
    assert app.running() == [f"example@{before['slot']}.service"]
    assert not app.only()["changed"]


def test_a_release_that_has_to_settle_gets_no_request_before_it_has(app: Site) -> None:
    before = app.journal()["live"]
    health = {"path": "/api/health", "settle": 8}
    with load(app.hosts[0].address) as seen:
        result = app.only(fault="soon", health=health)
        time.sleep(0.5)
    assert "after it was healthy, before it had any request (signal" in result["msg"]
    assert "went back to release" in result["msg"]
    assert seen.failures == [], "\n".join([f"of {seen.answered}:", *seen.failures])
    assert app.journal()["live"] == before
    began = time.monotonic()
    assert not app.only("settled", health=health).get("failed")
    assert time.monotonic() - began > 8
    assert not app.only("settled")["changed"]
    assert not app.only().get("failed")


def test_a_release_whose_pages_do_not_warm_up_is_taken_back(app: Site) -> None:
    before = app.journal()["live"]
    with poller(app.hosts[0].address) as seen:
        result = app.only("cold", health={"path": "/api/health", "warm": ["/about", "/nowhere"]})
        fine = app.only("warm", health={"path": "/api/health", "warm": ["/about", "/"]})
    assert "/nowhere answers with status 404" in result["msg"]
    assert f"went back to release {before['release']}" in result["msg"]
    assert not fine.get("failed"), fine
    assert seen.failures == []
    assert not app.only().get("failed")


def test_another_app_on_the_port_of_the_next_slot_is_noticed(app: Site) -> None:
    port = {"a": 3001, "b": 3000}[app.slot()]
    app.shell(f"systemd-run --quiet --unit=squatter python3 -m http.server --bind 127.0.0.1 {port}")
    app.shell(f"until python3 -c 'import socket; socket.create_connection((\"127.0.0.1\", {port}))' 2>&-; do :; done")
    try:
        result = app.only("squatted")
    finally:
        app.shell("systemctl stop squatter")
    assert f"`port: {port}` is taken on this host by python3" in result["msg"]
    assert not app.only()["changed"]


@pytest.mark.parametrize(("step", "delay"), FORWARD)
def test_a_runner_killed_on_the_way_forward_leaves_nothing_that_the_next_run_does_not_mend(
    app: Site, step: str, delay: float
) -> None:
    with poller(app.hosts[0].address) as seen:
        first = killed_at(app, step, delay, greeting=f"killed at {step}")
        assert first.get("failed") or step in LOST_RACE or delay > 0
        second = app.only(f"killed at {step}")
    assert not second.get("failed"), second
    assert seen.failures == []
    assert app.running() == [f"example@{app.slot()}.service"]
    assert app.journal()["step"] == "steady"
    assert f"killed at {step}" in app.get("/about")
    assert not app.only(f"killed at {step}")["changed"]


@pytest.mark.parametrize(("step", "delay"), BACK)
def test_a_runner_killed_on_the_way_back_leaves_nothing_that_the_next_run_does_not_mend(
    app: Site, step: str, delay: float
) -> None:
    with poller(app.hosts[0].address) as seen:
        first = killed_at(app, step, delay, fault="die", watch=4)
        assert first["failed"]
        second = app.only()
    assert not second.get("failed"), second
    assert seen.failures == []
    assert app.running() == [f"example@{app.slot()}.service"]
    assert not app.only()["changed"]


def test_a_second_release_at_the_same_time_is_refused_with_who_is_at_it(app: Site) -> None:
    results: list[Mapping[str, Any]] = []
    thread = threading.Thread(target=lambda: results.append(app.only("one at a time", watch=6)))
    thread.start()
    try:
        app.shell(f'until grep -q \'"step": "watch"\' {JOURNAL}; do sleep 0.05; done')
        refused = app.only("me too")
    finally:
        thread.join()
    assert "another release of example is under way on this host (process" in refused["msg"]
    assert not results[0].get("failed"), results
    assert not app.only("one at a time")["changed"]


def test_after_a_power_cut_the_app_answers_without_a_controller(app: Site) -> None:
    thread = threading.Thread(target=lambda: app.only("dark", watch=30))
    thread.start()
    app.shell(f'until grep -q \'"step": "watch"\' {JOURNAL}; do sleep 0.05; done')
    app.hosts[0].kill()
    thread.join()
    app.hosts[0].start()
    deadline = time.monotonic() + 30
    while True:
        try:
            app.get("/api/health")
            break
        except OSError:
            assert time.monotonic() < deadline
            time.sleep(0.2)
    assert not app.only("dark").get("failed")
    assert app.running() == [f"example@{app.slot()}.service"]
    assert not app.only("dark")["changed"]


OUT_OF_SLOTS = f"""
for slot in a b; do systemctl disable -q --now example@$slot; done
rm -f /etc/systemd/system/example@*.service /srv/example/slots/* /etc/example/* {JOURNAL}
rm -rf /srv/example/live /srv/example/lanes/*
echo 'server {{ listen 80 default_server; location / {{ proxy_pass http://127.0.0.1:3000; }} }}' \
    > /etc/nginx/conf.d/example.conf
systemctl daemon-reload
systemctl reload nginx
"""


def test_one_service_without_a_web_server_is_restarted_in_place_and_taken_back(app: Site) -> None:
    refused = app.only("alone", proxy="none")
    assert "runs in slots behind a web server" in refused["msg"]
    app.shell(OUT_OF_SLOTS)
    assert not app.only("alone", proxy="none").get("failed")
    assert app.running() == ["example.service"]
    assert not app.only("alone", proxy="none")["changed"]
    broken = app.only(fault="crash", proxy="none", health={"path": "/api/health", "timeout": 4})
    assert "boom" in broken["msg"]
    assert "went back to release" in broken["msg"]
    assert "alone" in app.get("/about")


def test_an_app_that_ran_as_one_service_moves_to_slots_without_a_failed_request(app: Site) -> None:
    """nginx has a site of before there were slots, which names the port itself."""
    assert app.running() == ["example.service"]
    with poller(app.hosts[0].address) as seen:
        result = app.only("moved")
        time.sleep(0.5)
    assert not result.get("failed"), result
    assert seen.failures == []
    assert app.running() == ["example@b.service"]
    assert app.shell("ls /etc/systemd/system | grep ^example; ls /etc/example /var/lib/provisioner/nextjs").split() == [
        "example-recover.service", "example@b.service", "/etc/example:", "b.env", "current.env",
        "/var/lib/provisioner/nextjs:"]  # fmt: skip
    assert not app.only("moved")["changed"]
