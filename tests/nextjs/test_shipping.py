"""One build on its way to two real hosts: as differences, from the controller, with old assets in place."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from provisioner.nextjs import plan
from provisioner.testing.nextjs import Site
from provisioner.values import HostName

STATIC = "/srv/example/static/_next/static"


def deployed(site: Site, **more: Any) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Results and what was told of making the release, by host; the shape of a failure is shown."""
    results, shown, _ = site.deploy(**more)
    names = [HostName(host.name) for host in site.hosts[: len(results)]]
    assert not any(result.get("failed") for result in results.values()), results
    return [dict(results[name]) for name in names], [dict(shown[name].step(plan.STAGE)) for name in names]


def write(site: Site, text: str) -> None:
    (site.source / "app/shipped").mkdir(exist_ok=True)
    (site.source / "app/shipped/page.js").write_text(f"export default function Page() {{ return <p>{text}</p>; }}\n")


def about(site: Site, host: int = 0) -> dict[str, Any]:
    return dict(json.loads(site.shell("cat /srv/example/current/RELEASE.json", host)))


@pytest.mark.timeout(900)
def test_a_change_of_one_line_sends_kilobytes(site: Site) -> None:
    write(site, "first")
    deployed(site)
    write(site, "second")
    results, staged = deployed(site)
    assert "sent" not in staged[0]
    assert staged[1]["sent"] < 1 << 20
    assert staged[1]["added"] < staged[1]["size"] / 10
    assert about(site, 0)["manifest"] == about(site, 1)["manifest"]
    assert {result["build_id"] for result in results} == {about(site)["deployment_id"]}
    assert all("second" in site.get("/shipped", number) for number in range(2))


@pytest.mark.timeout(900)
def test_a_host_whose_earlier_release_was_edited_gets_all_and_is_right(site: Site) -> None:
    site.shell("echo '// by hand' >> /srv/example/current/node_modules/next/package.json", 1)
    write(site, "third")
    _, staged = deployed(site)
    assert staged[1]["sent"] > 10 << 20
    assert not site.shell("grep -l 'by hand' /srv/example/current/node_modules/next/package.json || true", 1)
    assert "third" in site.get("/shipped", 1)


def test_assets_of_earlier_releases_stay_readable_for_the_web_server(site: Site) -> None:
    for number in range(2):
        builds = site.shell(f"ls {STATIC} | grep -c '^[0-9a-f]\\{{12\\}}$'", number)
        assert int(builds) >= 2
        assert site.shell(f"find {STATIC} -type f ! -perm -o=r; find {STATIC} -type d ! -perm -o=x", number) == ""
        live = site.shell("cd /srv/example/current/.next/static && find . -type f | sort", number)
        assert set(live.split()) <= set(site.shell(f"cd {STATIC} && find . -type f", number).split())


def test_the_key_of_server_actions_is_kept_and_seen_by_nobody(site: Site) -> None:
    key = site.shell("cat /srv/example/build/server-actions.key")
    assert site.shell("stat -c '%a %U' /srv/example/build/server-actions.key") == "600 root"
    found = site.shell("grep -l encryptionKey -r /srv/example/releases/*/.next/server/server-reference-manifest.json")
    assert len(found.split()) >= 2
    for path in found.split():
        assert json.loads(site.shell(f"cat {path}"))["encryptionKey"] == key
    _, shown, _ = site.deploy()
    assert key not in repr(shown)


@pytest.mark.timeout(900)
def test_the_controller_builds_and_keeps_what_makes_the_next_build_warm(site: Site) -> None:
    write(site, "from the controller")
    before = {path.relative_to(site.source) for path in site.source.rglob("*")}
    _, staged = deployed(site, build={"on": "controller"})
    assert all(step["sent"] > 1 << 20 for step in staged)  # nothing here that they have, yet
    assert about(site)["built_on"] == "localhost"
    assert all("from the controller" in site.get("/shipped", number) for number in range(2))
    write(site, "from the controller again")
    _, shown, _ = site.deploy(build={"on": "controller"})
    told = shown[HostName(site.hosts[0].name)]
    assert told.steps[plan.INSTALL] == "ok"
    assert told.step(plan.STAGE)["sent"] < 1 << 20
    assert {path.relative_to(site.source) for path in site.source.rglob("*")} == before
    assert list(Path(site.scratch, "cache/nextjs/apps/example/releases").iterdir())
    results, _, trips = site.deploy(build={"on": "controller"})
    assert (trips, [result["changed"] for result in results.values()]) == ([1, 1], [False, False])


@pytest.mark.timeout(600)
def test_another_host_of_the_play_can_build(site: Site) -> None:
    second = site.hosts[1].name
    write(site, "from the second host")
    _, staged = deployed(site, build={"on": second})
    assert about(site)["built_on"] == second
    assert "sent" in staged[0]
    refused, _, _ = site.deploy(build={"on": "elsewhere"})
    assert all("`build: {on: elsewhere}` is none of the hosts" in result["msg"] for result in refused.values())


@pytest.mark.timeout(600)
def test_a_build_from_elsewhere_is_deployed_as_it_is(site: Site) -> None:
    artifact = Path(site.scratch, "cache/nextjs/apps/example/build/tree")
    results, staged = deployed(site, source={"artifact": str(artifact)})
    assert results[0]["build_id"] == (artifact / ".next/BUILD_ID").read_text()
    assert all(step["sent"] < 1 << 20 for step in staged)  # the hosts have its twin, built here
    assert all("from the controller again" in site.get("/shipped", number) for number in range(2))
    again, shown, trips = site.deploy(source={"artifact": str(artifact)})
    assert (trips, [result["changed"] for result in again.values()]) == ([1, 1], [False, False])
    assert plan.BUILD not in shown[HostName(site.hosts[0].name)].steps
