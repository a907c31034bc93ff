"""`provision app` against real hosts: going back, restarting and setting variables lose no request."""

from __future__ import annotations

import json
import signal
import subprocess
import time
from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from provisioner.nextjs import plan
from provisioner.testing.nextjs import CANARY, Site, load
from provisioner.values import HostName

PRIVATE = "/var/lib/provisioner/apps/example"


@pytest.fixture(scope="module")
def two(app: Site) -> Iterator[Site]:
    """Two releases: `first`, and `second`, which runs."""
    app.edit("app/page.js", "<h1>", "<h1>First ")
    assert not app.only("first").get("failed")
    app.edit("app/page.js", "<h1>First ", "<h1>Second ")
    assert not app.only("second").get("failed")
    yield app
    app.edit("app/page.js", "<h1>Second ", "<h1>")
    assert not app.only().get("failed")
    assert len(app.running()) == 1


def command(site: Site, *words: str, given: str | None = None) -> subprocess.CompletedProcess[str]:
    return site.program(*words, given=given)


def status(site: Site) -> Mapping[str, Any]:
    done = command(site, "status", "--json")
    return dict(json.loads(done.stdout)["hosts"][site.hosts[0].name])


def release_of(site: Site) -> str:
    return str(site.journal()["live"]["release"])


@pytest.mark.timeout(600)
def test_going_back_cold_loses_no_request_and_restores_the_variables(two: Site) -> None:
    second = release_of(two)
    first = status(two)["rollback_to"]
    with load(two.hosts[0].address) as seen:
        began = time.monotonic()
        done = command(two, "rollback", "example")
        took = time.monotonic() - began
        time.sleep(1)
    assert done.returncode == 0, done.stderr
    assert f"release {first} runs in slot" in done.stdout
    assert "`provision apply` does not know of this" in done.stdout
    assert seen.failures == [], "\n".join([f"of {seen.answered}:", *seen.failures])
    assert seen.answered > 50
    assert release_of(two) == first
    assert command(two, "exec", "--", "sh", "-c", "echo $GREETING").stdout == "first\n"
    assert took < 60  # less than 10 s on a machine with nothing else to do
    assert command(two, "rollback", "example", second[:6]).returncode == 0
    assert release_of(two) == second


@pytest.mark.timeout(600)
def test_a_release_that_still_runs_takes_the_requests_again_at_once(two: Site) -> None:
    assert not two.only("second", previous="run").get("failed")
    two.edit("app/page.js", "<h1>Second ", "<h1>Third ")
    try:
        assert not two.only("third", previous="run").get("failed")
        running = two.running()
        with load(two.hosts[0].address) as seen:
            done = command(two, "rollback")
            time.sleep(1)
        assert done.returncode == 0, done.stderr
        assert "which was still running" in done.stdout
        assert seen.failures == [], "\n".join([f"of {seen.answered}:", *seen.failures])
        assert two.running() == running
        assert "warm" in command(two, "releases").stdout
    finally:
        two.edit("app/page.js", "<h1>Third ", "<h1>Second ")
        assert not two.only("second").get("failed")


@pytest.mark.timeout(600)
def test_a_restart_makes_new_processes_and_loses_no_request(two: Site) -> None:
    before, slot = release_of(two), two.slot()
    with load(two.hosts[0].address) as seen:
        done = command(two, "restart", "example")
        time.sleep(1)
    assert done.returncode == 0, done.stderr
    assert seen.failures == [], "\n".join([f"of {seen.answered}:", *seen.failures])
    assert release_of(two) == before
    assert two.slot() != slot
    assert len(two.running()) == 1
    assert not two.only("second")["changed"]


@pytest.mark.timeout(600)
def test_what_is_set_by_hand_wins_in_later_runs_until_it_is_given_up(two: Site) -> None:
    asked = ("exec", "--", "sh", "-c", "echo $GREETING $API_KEY")
    done = command(two, "env", "set", "GREETING=by hand", "API_KEY", given="hidden-4711\n")
    assert done.returncode == 0, done.stderr
    assert "GREETING: not set by hand -> by hand" in done.stdout
    assert "hidden-4711" not in done.stdout + done.stderr
    assert command(two, *asked).stdout == "by hand hidden-4711\n"
    listed = command(two, "env", "list").stdout
    assert "by hand" in listed
    assert "hidden-4711" not in listed
    results, shown, _ = two.deploy(hosts=1, env={"GREETING": "second"})
    host = HostName(two.hosts[0].name)
    assert not results[host]["changed"]
    assert shown[host].warnings == [plan.set_by_hand("example", {"overrides": ["API_KEY", "GREETING"]})]
    assert command(two, "env", "unset", "GREETING", "API_KEY").returncode == 0
    assert command(two, *asked).stdout == "second\n"
    assert two.shell(f"ls {PRIVATE}") == "releases"


@pytest.mark.timeout(300)
def test_variables_that_the_app_does_not_run_with_are_not_kept(two: Site) -> None:
    before = two.journal()["live"]
    done = command(two, "env", "set", "FAULT=crash")
    assert done.returncode == 2
    assert "went back to release" in done.stderr
    assert two.journal()["live"] == before
    assert command(two, "env", "list").stdout == "no variable is set by hand\n"


def test_what_releases_were_started_with_is_roots_alone(two: Site) -> None:
    listing = two.shell(f"find {PRIVATE} -printf '%M %u %f\\n' | sort")
    assert all(line.startswith(("drwx------ root", "-rw------- root")) for line in listing.splitlines()), listing
    assert ".next" not in listing
    assert CANARY in two.shell(f"cat {PRIVATE}/releases/*.json")


def test_a_command_runs_as_the_apps_user_and_its_exit_code_is_ours(two: Site) -> None:
    done = command(two, "exec", "example", "--", "sh", "-c", "id -un; node --version; echo oops >&2; exit 3")
    assert done.returncode == 3
    user, node = done.stdout.split()
    assert user == "example"
    assert node == "v" + status(two)["node"]
    assert done.stderr == "oops\n"
    assert "SSH_CONNECTION" not in command(two, "exec", "--", "env").stdout


def test_logs_are_read_from_all_slots(two: Site) -> None:
    done = command(two, "logs", "-n", "3")
    assert done.returncode == 0, done.stderr
    assert 1 <= len(done.stdout.splitlines()) <= 4
    assert two.hosts[0].name in done.stdout
    assert command(two, "logs", "--grep", "no such words").stdout == ""


@pytest.mark.timeout(300)
def test_following_logs_ends_cleanly_with_ctrl_c_here_and_on_the_host(two: Site) -> None:
    with subprocess.Popen(two.words("logs", "-f", "-n", "1"), text=True, stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE) as following:  # fmt: skip
        assert following.stdout is not None
        assert two.hosts[0].name in following.stdout.readline()
        assert two.shell("pgrep -c journalctl") != "0"
        following.send_signal(signal.SIGINT)
        assert following.communicate(timeout=120)[1] == ""
    assert following.returncode == 0
    assert two.shell("pgrep -c journalctl || true") == "0"


def test_status_tells_of_an_app_that_does_not_answer(two: Site) -> None:
    assert command(two, "status").returncode == 0
    unit = f"example@{two.slot()}.service"
    two.shell(f"systemctl stop {unit}")
    try:
        done = command(two, "status")
        assert done.returncode == 2
        assert f"{unit} is inactive" in done.stdout
    finally:
        two.shell(f"systemctl start {unit}")
        two.wait_until("python3 -c \"import urllib.request as r; r.urlopen(\\\"http://127.0.0.1/api/health\\\")\"")


@pytest.mark.timeout(600)
def test_a_release_that_changed_only_a_variable_is_taken_back_by_itself(two: Site) -> None:
    assert not two.only("second").get("failed")
    release, back = release_of(two), status(two)["rollback_to"]
    assert not two.only("changed").get("failed")
    assert "changed" in two.get("/about")
    told = status(two)
    assert (told["release"], told["rollback_to"], told["undoes"]) == (release, release, True)
    with load(two.hosts[0].address) as seen:
        done = command(two, "rollback")
    assert done.returncode == 0, done.stdout + done.stderr
    assert seen.failures == [], "\n".join([f"of {seen.answered}:", *seen.failures])
    assert release_of(two) == release
    assert "second" in two.get("/about")
    told = status(two)
    assert (told["rollback_to"], told["undoes"]) == (back, False)
    assert not two.only("second")["changed"]


@pytest.mark.timeout(600)
def test_hooks_of_a_way_back_run_in_their_releases_and_one_that_fails_before_it_stops_it(two: Site) -> None:
    told = "/srv/example/shared/cache/told"
    hooks = {"before_rollback": f"echo before $GREETING $PWD >> {told}",
             "after_rollback": f"echo after $GREETING $PWD >> {told}; exit 3"}  # fmt: skip
    two.edit("app/page.js", "<h1>Second ", "<h1>Fourth ")
    try:
        assert not two.only("fourth", hooks=hooks).get("failed")
        fourth, back = release_of(two), status(two)["rollback_to"]
        done = command(two, "rollback")
        assert done.returncode == 0, done.stdout + done.stderr
        assert "exit code 3" in done.stdout + done.stderr
        assert two.shell(f"cat {told}; rm {told}") == (
            f"before fourth /srv/example/releases/{fourth}\nafter second /srv/example/releases/{back}")  # fmt: skip
        assert not two.only("fourth", hooks={"before_rollback": "echo not now; exit 5"}).get("failed")
        refused = command(two, "rollback")
        assert refused.returncode == 2
        assert "not now" in refused.stdout + refused.stderr
        assert release_of(two) == fourth
        assert command(two, "rollback", "--no-hooks").returncode == 0
        assert release_of(two) == back
    finally:
        two.edit("app/page.js", "<h1>Fourth ", "<h1>Second ")
        assert not two.only("second").get("failed")


@pytest.mark.timeout(600)
def test_what_jobs_write_is_among_the_logs_with_their_names(two: Site) -> None:
    job = {"name": "tell", "schedule": "*:*:*", "command": "echo told by a job"}
    assert not two.only("second", cron=[job]).get("failed")
    two.wait_until("journalctl -q -u example-cron-tell | grep -q 'told by a job'")
    assert " tell | told by a job" in command(two, "logs", "-n", "500").stdout
    assert not two.only("second").get("failed")


@pytest.mark.timeout(600)
def test_several_instances_are_one_app(two: Site) -> None:
    assert not two.only("second", instances=2).get("failed")
    told = status(two)
    assert [each["active"] for each in told["processes"]] == ["active", "active"]
    assert " x2 " in command(two, "status").stdout
    with load(two.hosts[0].address) as seen:
        assert command(two, "restart").returncode == 0
    assert seen.failures == [], "\n".join([f"of {seen.answered}:", *seen.failures])
    assert len(two.running()) == 2
    assert f" {two.slot()}2 | " in command(two, "logs", "-n", "200").stdout
    assert command(two, "exec", "--", "sh", "-c", "echo $GREETING").stdout == "second\n"
    assert not two.only("second").get("failed")
    assert len(two.running()) == 1


@pytest.mark.timeout(900)
def test_an_app_without_a_web_server_is_worked_on_in_place(two: Site) -> None:
    alone: dict[str, Any] = {"name": "alone", "proxy": "none", "port": 3300}
    for greeting in ("one", "two"):
        assert not two.only(greeting, **alone).get("failed")
    asked = ("exec", "alone", "--", "sh", "-c", "echo $GREETING $BY_HAND")
    try:
        assert command(two, "exec", "--", "true").returncode == 5, "two apps: which one?"
        done = command(two, "rollback", "alone")
        assert done.returncode == 0, done.stdout + done.stderr
        assert command(two, *asked).stdout == "one\n"
        before = two.shell("systemctl show -P MainPID alone.service")
        assert command(two, "restart", "alone").returncode == 0
        assert two.shell("systemctl show -P MainPID alone.service") != before
        assert command(two, "env", "set", "alone", "BY_HAND=yes").returncode == 0
        assert command(two, *asked).stdout == "one yes\n"
        assert "single" in command(two, "status", "alone").stdout
        assert " alone | " in command(two, "logs", "alone").stdout
        assert "runs" in command(two, "releases", "alone").stdout
    finally:
        two.shell("systemctl disable --now alone.service; rm -rf /etc/systemd/system/alone.service /srv/alone "
                  "/etc/alone /var/lib/provisioner/nextjs/alone* /var/lib/provisioner/apps/alone*")  # fmt: skip
