"""The example app on two real hosts: predicted, deployed, deployed again, edited by hand, broken, taken back.

The tests build on each other in the order of this file: a build takes half a minute and there is one.
"""

from __future__ import annotations

import shutil
import urllib.error
import urllib.request
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from provisioner.events import HostText
from provisioner.nextjs import plan
from provisioner.testing.driving import Shown
from provisioner.testing.nextjs import CANARY, Site
from provisioner.values import HostName

EXAMPLE = Path(__file__).parents[2] / "playbooks/app"


def changed(shown: Shown) -> set[str]:
    return {name for name, status in shown.steps.items() if status == "changed"}


def fine(result: Mapping[str, Any]) -> bool:
    return not result.get("failed") and not result.get("unreachable")


@pytest.fixture
def released(site: Site) -> None:
    """The site has a release, also where the tests before were left out."""
    if not site.shell("ls /srv/example/live 2>/dev/null || true"):
        site.deploy(hosts=1)


def test_check_mode_says_what_apply_does_and_touches_nothing(site: Site) -> None:
    before = site.listing()
    results, shown, _ = site.deploy(check=True)
    assert all(map(fine, results.values())), results
    assert site.listing() == before
    first = shown[HostName(site.hosts[0].name)]
    assert changed(first) == {
        plan.PACKAGES, plan.USER, plan.TREE, plan.NODE, plan.SOURCE, plan.INSTALL, plan.BUILD, plan.STAGE,
        plan.ACTIVATE, plan.PROXY,
    }  # fmt: skip
    assert CANARY not in repr(first.events)
    site.seen["predicted"] = shown


@pytest.mark.timeout(600)
def test_apply_builds_once_and_every_host_runs_that_build(site: Site) -> None:
    results, shown, _ = site.deploy()
    assert all(map(fine, results.values())), results
    assert len({result["build_id"] for result in results.values()}) == 1
    for number, host in enumerate(site.hosts):
        assert f'"build":"{results[HostName(host.name)]["build_id"]}"' in site.get("/api/health", number)
        assert "It runs" in site.get("/", number)
        assert "Made at" in site.get("/news", number)
        assert "Say &quot;hi&quot; for $5" in site.get("/about", number)
        told = shown[HostName(host.name)]
        predicted = site.seen["predicted"][HostName(host.name)]
        assert changed(told) == changed(predicted)
        for step in (plan.SOURCE, plan.STAGE, plan.ACTIVATE, plan.PROXY, plan.TREE):
            if step in changed(told):
                assert told.step(step).get("diff") == predicted.step(step).get("diff"), step
        assert CANARY not in repr(told.events)
    builder, other = (shown[HostName(host.name)] for host in site.hosts)
    assert any("Compiled successfully" in event.text for event in builder.events if isinstance(event, HostText))
    assert plan.BUILD not in other.steps


def test_the_service_is_hardened_private_and_uses_jemalloc(site: Site) -> None:
    assert "127.0.0.1:3000" in site.shell("ss -ltnH sport = :3000")
    assert (
        float(
            site.shell(
                "systemd-analyze security example@a --no-pager | sed -n 's/.*: \\([0-9.]*\\) .*/\\1/p' | tail -1"
            )
        )
        <= 1.5
    )
    assert site.shell("systemd-analyze verify /etc/systemd/system/example@a.service 2>&1") == ""
    pid = site.shell(f"systemctl show example@{site.slot()} -p MainPID --value")
    assert int(site.shell(f"grep -c jemalloc /proc/{pid}/maps")) > 0
    environ = site.shell(f"tr '\\0' '\\n' < /proc/{pid}/environ")
    assert "NEXT_MANUAL_SIG_HANDLE=true" in environ
    assert f"TOKEN={CANARY}" in environ
    assert 'GREETING=Say "hi" for $5\nand \\more' in environ
    private = "/etc/example/a.env /srv/example /srv/example/releases /srv/example/releases/*"
    assert site.shell(f"stat -c '%a %U' {private}").split("\n") == ["600 root", "751 root", "751 root", "750 root"]


def test_images_are_optimised_and_pages_made_anew_under_the_hardening(site: Site) -> None:
    picture = site.shell("cd /srv/example/current/.next/static/media && ls")
    request = urllib.request.Request(
        f"http://{site.hosts[0].address}/_next/image?url=%2F_next%2Fstatic%2Fmedia%2F{picture}&w=640&q=75",
        headers={"Accept": "image/webp"},
    )
    with urllib.request.urlopen(request, timeout=30) as answer:
        assert answer.headers["Content-Type"] == "image/webp"
    assert site.shell("ls /srv/example/shared/cache/*")
    assert "Failed to update prerender cache" not in site.shell("journalctl -u 'example@*' -o cat --no-pager")


def test_a_second_run_changes_nothing_and_asks_each_host_once(site: Site) -> None:
    before, pid = site.listing(), site.shell(f"systemctl show example@{site.slot()} -p MainPID --value")
    results, shown, trips = site.deploy()
    assert not any(result["changed"] for result in results.values())
    assert {status for told in shown.values() for status in told.steps.values()} == {"ok"}
    assert trips == [1, 1]
    after = site.listing()
    assert {path for path in {**before, **after} if before.get(path) != after.get(path)} == set()
    assert site.shell(f"systemctl show example@{site.slot()} -p MainPID --value") == pid


@pytest.mark.usefixtures("released")
@pytest.mark.parametrize(("command", "step"), [
    ("sed -i s/TasksMax=512/TasksMax=5/ /etc/systemd/system/example@SLOT.service", plan.ACTIVATE),
    pytest.param("echo 'GREETING=\"x\"' > /etc/example/SLOT.env", plan.ACTIVATE, marks=pytest.mark.slow),
    ("systemctl stop example@SLOT", plan.ACTIVATE),
    pytest.param("systemctl disable -q example@SLOT", plan.ACTIVATE, marks=pytest.mark.slow),
    ("chmod 0777 /srv/example/shared", plan.TREE),
    ("sed -i s/20m/1m/ /etc/nginx/conf.d/example.conf", plan.PROXY),
    ("systemctl stop nginx", plan.PROXY),
    pytest.param("rm /srv/example/live", plan.ACTIVATE, marks=pytest.mark.slow),
    ("rm -r /srv/example/lanes/*; mkdir /srv/example/lanes/x; touch /srv/example/lanes/x/to-c; "
     "ln -sfn lanes/x /srv/example/live", plan.ACTIVATE),
])  # fmt: skip
def test_one_edit_by_hand_is_mended_by_the_step_that_owns_it(site: Site, command: str, step: str) -> None:
    site.shell(command.replace("SLOT", site.slot()))
    results, shown, _ = site.deploy(hosts=1)
    told = shown[HostName(site.hosts[0].name)]
    assert fine(results[HostName(site.hosts[0].name)])
    assert changed(told) == {step}
    assert "It runs" in site.get("/")


def test_another_variable_starts_a_release_without_a_build(site: Site) -> None:
    _, shown, _ = site.deploy(hosts=1, env={"GREETING": "Ahoy"})
    told = shown[HostName(site.hosts[0].name)]
    assert changed(told) == {plan.ACTIVATE}
    assert "Ahoy" in site.get("/about")


def test_a_stop_finishes_the_running_request(site: Site) -> None:
    slot = site.slot()
    port = {"a": 3000, "b": 3001}[slot]
    ask = f"import urllib.request as u; print(u.urlopen('http://127.0.0.1:{port}/api/slow?ms=2000').read())"
    site.shell(f'python3 -c "{ask}" > /tmp/answer & sleep 0.7; systemctl stop example@{slot}; wait')
    assert "waited" in site.shell("cat /tmp/answer; rm /tmp/answer")
    assert site.shell(f"systemctl show example@{slot} -p Result --value") == "success"


def test_a_new_source_is_built_with_the_cache_and_shipped_without_its_modules(site: Site) -> None:
    site.edit("app/page.js", "It runs", "It runs anew")
    results, shown, _ = site.deploy()
    assert all(map(fine, results.values())), results
    builder = shown[HostName(site.hosts[0].name)]
    assert plan.INSTALL not in changed(builder)
    for number in range(2):
        assert "It runs anew" in site.get("/", number)
        links = site.shell("cd /srv/example/releases && stat -c %h */node_modules/next/package.json", number)
        assert links.split() == ["2", "2"]


def test_a_release_that_does_not_answer_is_taken_back(site: Site) -> None:
    good = site.get("/api/health")
    site.edit("instrumentation.js", "export async", "throw new Error('boom at start');\nexport async")
    results, _, _ = site.deploy(health={"path": "/api/health", "timeout": 5})
    first, second = (results[HostName(host.name)] for host in site.hosts)
    assert first["failed"]
    assert "boom at start" in first["msg"]
    assert "went back to release" in first["msg"]
    assert second["failed"]
    assert "which goes first, failed" in second["msg"]
    assert all("It runs anew" in site.get("/", number) for number in range(2))
    assert site.get("/api/health") == good
    assert site.shell("readlink /srv/example/current").endswith(first["rolled_back_to"])
    assert site.shell("ls /etc/example").split() == [f"{site.slot()}.env", "current.env"]


def test_a_build_that_fails_leaves_everything_running(site: Site) -> None:
    site.edit("app/page.js", "export default", "export default oops")
    results, _, _ = site.deploy()
    message = results[HostName(site.hosts[0].name)]["msg"]
    assert "`npm run build` failed with exit code 1" in message
    assert "app/page.js" in message
    assert "\x1b" not in message
    assert "It runs anew" in site.get("/")


def test_going_back_to_the_old_source_needs_no_build_and_heals(site: Site) -> None:
    for name in ("app/page.js", "instrumentation.js"):
        shutil.copy(EXAMPLE / name, site.source / name)
    results, shown, _ = site.deploy(keep=1)
    assert all(map(fine, results.values())), results
    assert all(changed(told) == {plan.ACTIVATE, plan.PRUNE} for told in shown.values())
    assert "It runs<" in site.get("/", 1)
    assert len(site.shell("ls /srv/example/releases").split()) == 1
    assert not site.deploy(keep=1)[0][HostName(site.hosts[0].name)]["changed"]


def test_nothing_is_left_behind(site: Site) -> None:
    for number in range(2):
        assert site.shell("ls -A /tmp /var/tmp | grep -v -e ^systemd- -e '^\\.' -e : || true", number) == ""
        assert site.shell("ls -A /srv/example/releases /opt/node | grep '^\\.' || true", number) == ""
        assert "failed" not in site.shell("systemctl is-system-running", number)
        assert CANARY not in site.shell("journalctl --no-pager -o cat", number)


def test_unsuitable_sources_and_settings_are_told_before_anything_is_done(site: Site, tmp_path: Path) -> None:
    (tmp_path / "package.json").write_text("{}")
    cases: tuple[tuple[dict[str, Any], str, dict[str, str]], ...] = (
        ({"source": str(tmp_path)}, "no lockfile", {plan.PREFLIGHT: "failed"}),
        ({"source": "nowhere"}, "is not a directory", {}),
        ({"node": "18"}, "needs Node.js 20.9", {plan.PREFLIGHT: "failed"}),
    )
    for args, words, steps in cases:
        results, shown, trips = site.deploy(**args)
        assert all(result["failed"] and words in result["msg"] for result in results.values()), results
        assert trips == [len(steps)] * 2
        assert all(told.steps == steps for told in shown.values())


def test_a_page_that_is_not_there_is_the_apps_own(site: Site) -> None:
    with pytest.raises(urllib.error.HTTPError) as caught:
        site.get("/nothing-here")
    assert caught.value.code == 404
    caught.value.close()


def test_a_build_directory_that_was_emptied_is_filled_again(site: Site) -> None:
    site.shell("rm -rf /srv/example/build/tree/package.json")
    site.edit("app/page.js", "It runs", "It runs again")
    results, shown, _ = site.deploy(hosts=1)
    told = shown[HostName(site.hosts[0].name)]
    assert fine(results[HostName(site.hosts[0].name)]), results
    assert {plan.SOURCE, plan.BUILD, plan.STAGE, plan.ACTIVATE} <= changed(told)
    assert "It runs again" in site.get("/")


def test_nothing_is_begun_elsewhere_when_the_building_host_is_lost(site: Site) -> None:
    first, second = (HostName(host.name) for host in site.hosts)
    site.hosts[0].kill()
    try:
        results, shown, _ = site.deploy()
        assert results[first].get("unreachable"), results
        assert "goes first" in results[second]["msg"]
        assert set(shown[second].steps) <= {plan.PREFLIGHT}
    finally:
        site.hosts[0].start()
