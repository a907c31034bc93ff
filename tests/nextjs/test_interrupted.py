"""Releases that lose their controller, or their power, at a step: the host alone ends them.

`-m slow` has every step; otherwise one of each kind.
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Sequence

import pytest

from provisioner.remote.nextjs import release
from provisioner.testing.nextjs import JOURNAL, Site, load, poller
from provisioner.testing.nextjs_faults import killing


def each(steps: Sequence[str], quick: str | None = None) -> list[object]:
    return [pytest.param(step, marks=() if step == quick else pytest.mark.slow) for step in steps]


SITUATION = f"""
systemctl list-units --all --no-pager 'example*'; systemctl list-jobs --no-pager; ls -l /srv/example /srv/example/live/
ls -l /etc/systemd/system/multi-user.target.wants; cat {JOURNAL}; journalctl -b --no-pager -n 60
"""


def cut_power(app: Site, step: str, **deploy: object) -> None:
    """The host goes down while the runner stands exactly at `step`."""
    deployed = threading.Thread(target=lambda: app.only(**deploy))  # type: ignore[arg-type]
    with killing(app, step, "SIGSTOP") as told:
        deployed.start()
        while not told and deployed.is_alive():
            time.sleep(0.05)
    try:
        assert told == ["done"]
    finally:
        app.hosts[0].kill()
        deployed.join()
        app.hosts[0].start()


def wait_for_an_answer(app: Site) -> None:
    deadline = time.monotonic() + 90
    while True:
        try:
            app.get("/api/health")
            return
        except OSError:
            assert time.monotonic() < deadline, app.shell(SITUATION)
            time.sleep(0.2)


def settled(app: Site) -> None:
    """The recovery at boot has ended, and the app is in order."""
    app.wait_until("systemctl show example-recover -p ActiveState,SubState | grep -q dead")
    assert app.shell("systemctl show example-recover -p Result --value") == "success"
    assert app.journal()["step"] == "steady"
    assert app.running() == [f"example@{app.slot()}.service"]


@pytest.mark.timeout(300)
@pytest.mark.parametrize("step", each(release.FORWARD, quick=release.POINT))
def test_after_a_power_cut_at_a_step_the_host_ends_the_release_by_itself(app: Site, step: str) -> None:
    assert not app.only().get("failed")
    cut_power(app, step, greeting=f"dark {step}")
    wait_for_an_answer(app)
    with poller(app.hosts[0].address) as seen:
        settled(app)
        second = app.only(f"dark {step}")
    assert not second.get("failed"), second
    assert seen.failures == []
    assert f"dark {step}" in app.get("/about")
    assert not app.only(f"dark {step}")["changed"]


@pytest.mark.timeout(300)
@pytest.mark.parametrize("step", each(release.BACK))
def test_after_a_power_cut_on_the_way_back_the_old_release_runs_again(app: Site, step: str) -> None:
    assert not app.only("good").get("failed")
    with poller(app.hosts[0].address):  # who asks, so that it dies
        cut_power(app, step, greeting="bad", fault="die", watch=30)
    wait_for_an_answer(app)
    with poller(app.hosts[0].address) as seen:
        settled(app)
    assert seen.failures == []
    assert "good" in app.get("/about")
    assert not app.only("good")["changed"]


@pytest.mark.timeout(300)
@pytest.mark.parametrize("step", each(release.FORWARD, quick=release.RETIRE))
def test_a_host_that_loses_its_controller_at_a_step_ends_the_release_by_itself(app: Site, step: str) -> None:
    assert not app.only().get("failed")
    with load(app.hosts[0].address, clients=6) as seen:
        program = app.start_apply(f"alone {step}")
        try:
            app.wait_until(f'grep -q \'"step": "{step}"\' {JOURNAL}', 120)
        finally:
            program.kill()
            program.wait()
        app.wait_until(f'grep -q \'"step": "steady"\' {JOURNAL}', 120)
    assert seen.failures == []
    assert f"alone {step}" in app.get("/about")
    second = app.only(f"alone {step}")
    assert not second.get("failed"), second
    assert not app.only(f"alone {step}")["changed"]


def test_the_recovery_at_boot_leaves_what_is_in_order_alone(app: Site) -> None:
    assert not app.only().get("failed")
    before = app.shell(f"cat {JOURNAL}")
    pid = app.shell(f"systemctl show example@{app.slot()} -p MainPID --value")
    app.shell("systemctl start example-recover")
    assert app.shell(f"cat {JOURNAL}") == before
    assert app.shell(f"systemctl show example@{app.slot()} -p MainPID --value") == pid
    assert json.loads(before)["step"] == "steady"
