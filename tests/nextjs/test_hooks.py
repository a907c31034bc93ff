"""The user's own commands on a real host: where, as whom and with what they run, and what a failing one stops."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from provisioner.events import HostText
from provisioner.testing.driving import Shown
from provisioner.testing.nextjs import CANARY, Site
from provisioner.values import HostName

pytestmark = pytest.mark.timeout(1800)  # the first deploy builds, on a machine that may be busy


def only(site: Site, greeting: str, **more: Any) -> tuple[Mapping[str, Any], Shown]:
    """Deploy to the first host. Another greeting makes another release of the same build."""
    results, shown, _ = site.deploy(hosts=1, env={"GREETING": greeting}, **more)
    name = HostName(site.hosts[0].name)
    return results[name], shown[name]


def output(shown: Shown) -> str:
    return "".join(event.text for event in shown.events if isinstance(event, HostText) and event.stream == "stdout")


@pytest.fixture(scope="module")
def app(site: Site) -> Site:
    result, _ = only(site, "hello")
    assert not result.get("failed"), result
    return site


def test_a_migration_runs_once_as_the_app_with_its_variables_and_its_node(app: Site) -> None:
    greeting = "run me once"
    command = 'echo "[$GREETING] ${#TOKEN} $(id -un) $PWD $(node -v)"; echo x >> /srv/example/shared/cache/migrated'
    results, shown, _ = app.deploy(env={"GREETING": greeting}, hooks={"before_switch": command})
    assert not any(result.get("failed") for result in results.values()), results
    first, second = (shown[HostName(host.name)] for host in app.hosts)
    release = results[HostName(app.hosts[0].name)]["release"]
    node = results[HostName(app.hosts[0].name)]["node"]
    assert f"[{greeting}] {len(CANARY)} example /srv/example/releases/{release} v{node}" in output(first)
    assert first.steps["Run before_switch"] == "changed"
    assert "Run before_switch" not in second.steps
    assert app.shell("cat /srv/example/shared/cache/migrated; rm /srv/example/shared/cache/migrated") == "x"
    result, shown_again = only(app, greeting, hooks={"before_switch": command})
    assert not result["changed"]
    assert "Run before_switch" not in shown_again.steps


def test_check_mode_says_what_would_run_and_runs_nothing(app: Site) -> None:
    _, shown = only(app, "soon", check=True, hooks={"before_switch": "touch /srv/example/shared/cache/oops"})
    diff = shown.step("Run before_switch")["diff"]
    assert diff["after"] == "before_switch: touch /srv/example/shared/cache/oops\n"
    assert app.shell("ls /srv/example/shared/cache") != "oops"
    assert "oops" not in app.shell("ls /srv/example/shared/cache")


def test_a_migration_that_fails_stops_the_release_on_every_host_before_any_traffic_moves(app: Site) -> None:
    before, pages = [app.journal(number) for number in range(2)], [app.get("/about", number) for number in range(2)]
    results, _, _ = app.deploy(
        env={"GREETING": "never seen"}, rollout=["100%"],
        hooks={"before_switch": ["echo relation is missing >&2; exit 4", "touch /srv/example/shared/cache/later"]},
    )  # fmt: skip
    first, second = (results[HostName(host.name)] for host in app.hosts)
    assert first["failed"]
    assert "exit 4` failed with exit code 4\nrelation is missing" in first["msg"]
    assert second["failed"]
    assert [app.journal(number) for number in range(2)] == before
    assert [app.get("/about", number) for number in range(2)] == pages
    assert "later" not in app.shell("ls /srv/example/shared/cache")


def test_a_hook_that_takes_too_long_is_ended_with_all_it_started(app: Site) -> None:
    result, _ = only(app, "late", hooks={"before_switch": "sleep 4711 & sleep 4711", "timeout": 1})
    assert result["failed"]
    assert "took longer than 1 s and was ended" in result["msg"]
    assert app.shell("pgrep -f '^sleep 4711' || true") == ""


def test_after_the_switch_a_failure_is_a_warning_and_the_release_stays(app: Site) -> None:
    result, shown = only(app, "switched", hooks={"after_switch": "echo no such channel; exit 3"})
    assert not result.get("failed")
    (warning,) = shown.step("Run after_switch")["warnings"]
    assert "exit code 3\nno such channel\nThe release runs and stays" in warning
    assert "switched" in app.get("/about")


def test_the_build_is_surrounded_by_its_hooks_and_contains_what_they_make(app: Site) -> None:
    hooks = {"before_build": "echo $PWD > public/before.txt", "after_build": "cat .next/BUILD_ID > public/after.txt"}
    result, shown = only(app, "built", hooks=hooks)
    assert not result.get("failed"), result
    steps = list(shown.steps)
    assert steps.index("Run before_build") < steps.index("Build") < steps.index("Run after_build")
    assert app.get("/before.txt").strip() == "/srv/example/build/tree"
    assert app.get("/after.txt").strip() == result["build_id"]
    assert not only(app, "built", hooks=hooks)[0]["changed"]


def test_no_secret_is_in_the_arguments_of_a_process_while_a_hook_runs(app: Site) -> None:
    look = "cat /proc/[0-9]*/cmdline | tr '\\\\0' ' ' | grep -c canar[y] || true"
    result, shown = only(app, "argv", hooks={"before_switch": f'echo "found=$({look})"'})
    assert not result.get("failed"), result
    assert "found=0" in output(shown)
