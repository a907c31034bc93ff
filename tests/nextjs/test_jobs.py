"""Jobs that run by the clock: the texts of their units, and on a real host that they run, follow the live release,
and go when they are no longer declared."""

from __future__ import annotations

import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from provisioner.nextjs import jobs, plan
from provisioner.nextjs.settings import read_settings
from provisioner.testing.driving import Shown
from provisioner.testing.nextjs import CANARY, Site
from provisioner.values import HostName, Secret

GOLDEN = Path(__file__).parent / "golden"
EVERY_SECOND = "*:*:*"

pytestmark = pytest.mark.timeout(1800)  # the first deploy builds, on a machine that may be busy


def units(host: str = "web1", **args: Any) -> dict[str, str]:
    settings = {"name": "shop", "source": "s", "domain": "shop.example.com", **args}
    return jobs.units(read_settings(settings), host)


@pytest.mark.parametrize("suffix", ["service", "timer"])
def test_the_text_is_the_expected_one(suffix: str) -> None:
    made = units(cron=[{"name": "mail", "schedule": "*/15 9-17 * * 1-5", "path": "/api/mail?all=1", "timeout": 60}],
                 secrets={"CRON_SECRET": Secret("x")}, memory_max="900M")  # fmt: skip
    assert made[f"shop-cron-mail.{suffix}"] == (GOLDEN / f"shop-cron-mail.{suffix}").read_text()


def test_a_job_asks_the_web_server_of_its_own_host_also_where_that_speaks_https() -> None:
    made = units(cron=[{"name": "mail", "schedule": "daily", "path": "/api/mail"}],
                 https={"certificate": "c.pem", "key": "k.pem"})  # fmt: skip
    text = made["shop-cron-mail.service"]
    assert "--connect-to ::127.0.0.1: --insecure" in text
    assert "https://shop.example.com/api/mail" in text


def test_a_job_is_on_the_host_it_names_or_on_all() -> None:
    cron = [{"name": name, "schedule": "daily", "command": "true", **where}
            for name, where in (("one", {"host": "web1"}), ("all", {"host": "all"}), ("any", {}))]  # fmt: skip
    assert sorted(units("web1", cron=cron)) == [
        f"shop-cron-{name}.{suffix}" for name in ("all", "any", "one") for suffix in ("service", "timer")]  # fmt: skip
    assert "shop-cron-one.timer" not in units("web2", cron=cron)
    settings = read_settings({"name": "shop", "source": "s", "cron": cron})
    (warning,) = jobs.without_a_host(settings, 2)
    assert "the job any runs on each of the 2 hosts" in str(warning)
    assert not list(jobs.without_a_host(settings, 1))


def only(site: Site, *cron: Mapping[str, Any], **more: Any) -> tuple[Mapping[str, Any], Shown]:
    secrets = {"TOKEN": Secret(CANARY), "CRON_SECRET": Secret("canary-cron")}
    results, shown, _ = site.deploy(hosts=1, cron=list(cron), secrets=secrets, **more)
    name = HostName(site.hosts[0].name)
    return results[name], shown[name]


def eventually(site: Site, command: str, expected: str) -> str:
    """What a command on the host says once `expected` is in it."""
    deadline = time.monotonic() + 60
    while True:
        found = site.shell(command)
        if expected in found or time.monotonic() > deadline:
            assert expected in found
            return found
        time.sleep(0.5)


@pytest.fixture(scope="module")
def app(site: Site) -> Site:
    """The app with a page that tells what it was asked."""
    (site.source / "app/api/tick").mkdir()
    (site.source / "app/api/tick/route.js").write_text("""
export const dynamic = 'force-dynamic';
export async function GET(request) {
  console.log('TICK', request.headers.get('authorization') === 'Bearer ' + process.env.CRON_SECRET,
    request.headers.get('user-agent'), request.nextUrl.search);
  return new Response('done', { status: request.nextUrl.searchParams.has('broken') ? 503 : 200 });
}
""")
    result, _ = only(site)
    assert not result.get("failed"), result
    return site


TICK = {"name": "tick", "schedule": EVERY_SECOND, "path": "/api/tick?a=%20b"}
TELL = {"name": "tell", "schedule": EVERY_SECOND,
        "command": 'echo "TOLD $GREETING ${#TOKEN} $PWD $(node -v) 100%"; id -un'}  # fmt: skip


def test_check_mode_shows_the_units_and_makes_none(app: Site) -> None:
    _, shown = only(app, TICK, check=True)
    diff = shown.step(plan.JOBS)["diff"]
    assert [part["after_header"] for part in diff] == [
        "/etc/systemd/system/example-cron-tick.service", "/etc/systemd/system/example-cron-tick.timer"]  # fmt: skip
    assert "OnCalendar=*:*:*\n" in diff[1]["after"]
    assert "example-cron" not in app.shell("ls /etc/systemd/system")


def test_a_timer_asks_the_live_release_for_the_path_with_the_secret(app: Site) -> None:
    result, shown = only(app, TICK)
    assert not result.get("failed"), result
    assert shown.steps[plan.JOBS] == "changed"
    eventually(app, "journalctl -u 'example@*' -o cat --no-pager", "TICK true provision-cron ?a=+b")
    eventually(app, "journalctl -u example-cron-tick -o cat --no-pager", "the answer has status 200")
    assert "canary-cron" not in app.shell("cat /etc/systemd/system/example-cron-*; journalctl -u example-cron-tick")
    assert not only(app, TICK)[0]["changed"]


def test_the_secret_is_in_no_arguments_while_the_request_is_made(app: Site) -> None:
    slow = {"name": "tick", "schedule": "monthly", "path": "/api/slow?ms=3000"}
    assert not only(app, slow)[0].get("failed")
    app.shell("systemctl start --no-block example-cron-tick.service")
    command = eventually(app, "tr '\\0' ' ' < /proc/$(pgrep -x curl)/cmdline 2>&1 || true", "/api/slow")
    assert "canary" not in command
    eventually(app, "systemctl is-active example-cron-tick.service || true", "inactive")


def test_a_command_runs_as_the_app_in_the_release_that_is_live_when_it_begins(app: Site) -> None:
    for greeting in ("one", "two"):
        result, _ = only(app, TELL, env={"GREETING": greeting})
        assert not result.get("failed"), result
        told = f"TOLD {greeting} {len(CANARY)} /srv/example/releases/{result['release']} v{result['node']} 100%"
        eventually(app, "journalctl -u example-cron-tell -o cat --no-pager -n 30", told)
    assert "\nexample\n" in app.shell("journalctl -u example-cron-tell -o cat --no-pager -n 30")
    score = app.shell("systemd-analyze security example-cron-tell --no-pager | tail -1")
    assert float(score.split(": ")[1].split()[0]) <= 1.5


def test_an_answer_that_is_no_success_and_a_command_that_takes_too_long_are_failures_of_the_unit(app: Site) -> None:
    broken = {"name": "broken", "schedule": EVERY_SECOND, "path": "/api/tick?broken"}
    late = {"name": "late", "schedule": EVERY_SECOND, "command": "sleep 600", "timeout": 1}
    assert not only(app, broken, late)[0].get("failed")
    eventually(app, "journalctl -u example-cron-broken -o cat --no-pager", "the answer has status 503")
    eventually(app, "journalctl -u example-cron-broken --no-pager", "Failed with result 'exit-code'")
    eventually(app, "journalctl -u example-cron-late --no-pager", "Failed with result 'timeout'")


def test_jobs_that_are_no_longer_declared_go_and_those_of_others_stay(app: Site) -> None:
    app.shell("echo '[Timer]' > /etc/systemd/system/example-cron-mine.timer")
    assert not only(app, TICK)[0].get("failed")
    _, shown = only(app)
    assert shown.steps[plan.JOBS] == "changed"
    assert app.shell("ls /etc/systemd/system | grep example-cron") == "example-cron-mine.timer"
    assert app.shell("systemctl list-timers --all --no-legend 'example-cron-t*'") == ""
    assert plan.JOBS not in only(app)[1].steps
    app.shell("rm /etc/systemd/system/example-cron-mine.timer")


@pytest.mark.parametrize("edit", [
    "systemctl stop example-cron-tick.timer", "systemctl disable -q example-cron-tick.timer",
    "sed -i s/1s/1h/ /etc/systemd/system/example-cron-tick.timer",
    "echo >> /etc/systemd/system/example-cron-tick.service",
])  # fmt: skip
def test_an_edit_by_hand_is_mended(app: Site, edit: str) -> None:
    assert not only(app, TICK)[0].get("failed")
    app.shell(edit)
    assert only(app, TICK)[1].steps[plan.JOBS] == "changed"
    assert not only(app, TICK)[0]["changed"]


def test_a_schedule_that_systemd_does_not_take_is_found_before_anything_is_changed(app: Site) -> None:
    result, _ = only(app, {"name": "x", "schedule": "Mooday", "command": "true"}, env={"GREETING": "never"})
    assert result["failed"]
    assert "the schedule of the job x is not one for systemd on this host" in result["msg"]
    assert "Nothing was changed" in result["msg"]
