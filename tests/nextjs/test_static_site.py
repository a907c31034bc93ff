"""An app that is exported as files, from its sources to a browser's answers: a real build, a real host, a bucket."""

from __future__ import annotations

import http.client
import json
import shutil
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import boto3
import pytest

from provisioner.lab import Lab
from provisioner.testing.nextjs import Site, again_and_again, page
from provisioner.values import Secret

APP = Path(__file__).parent / "apps/static-export"
QUIET = {"Preflight", "Install packages", "Make the app's user", "Make directories", "Install Node.js",
         "Copy the source", "Install dependencies", "Build", "Make the release", "Set up the web server",
         "Serve the release"}  # fmt: skip
NOTE = "/var/lib/provisioner/apps/example.site.json"


@pytest.fixture(scope="module")
def site(lab: Lab, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """Two hosts: the first one builds and serves, the second one only serves."""
    scratch = tmp_path_factory.mktemp("static")
    shutil.copytree(APP, scratch / "app", ignore=shutil.ignore_patterns("node_modules", ".next", "out"))
    with ExitStack() as cleanup:
        hosts = lab.up(count=2)
        cleanup.callback(lab.down, [host.name for host in hosts])
        found = Site(hosts, scratch / "app", scratch)
        results, found.seen["shown"], _ = found.deploy()
        found.seen["results"] = {str(name): result for name, result in results.items()}
        assert not any(result.get("failed") for result in results.values()), results
        yield found


def ask(site: Site, path: str, host: int = 0) -> tuple[int, str, dict[str, str]]:
    return page(site.hosts[host].address, path)


@dataclass
class Seen:
    """answered: how often each path was. failures: what was wrong."""

    answered: int = 0
    failures: list[str] = field(default_factory=list)
    titles: set[str] = field(default_factory=set)


@contextmanager
def readers(site: Site, count: int = 10) -> Iterator[Seen]:
    """People who open the first page, then all assets it names, then another page, without end."""
    seen = Seen()

    def read() -> None:
        try:
            status, first, _ = ask(site, "/")
            wanted = [part.partition('"')[0] for part in first.split('src="')[1:]]
            answers = [(status, "/"), *((ask(site, path)[0], path) for path in wanted if path.startswith("/_next")),
                       (ask(site, "/blog/first")[0], "/blog/first")]  # fmt: skip
        except (OSError, http.client.HTTPException) as error:
            seen.failures.append(str(error))
            return
        seen.answered += len(answers)
        seen.failures += [f"{path}: {status}" for status, path in answers if status != 200]
        seen.titles.add(first.partition("<h1>")[2].partition("</h1>")[0])

    with again_and_again(*[read] * count):
        yield seen


def only(site: Site, **more: Any) -> dict[str, Any]:
    results, _, _ = site.deploy(hosts=1, **more)
    return dict(next(iter(results.values())))


def test_the_mode_follows_the_app_and_no_process_is_started(site: Site) -> None:
    result = site.seen["results"][site.hosts[0].name]
    assert [step["name"] for step in result["steps"]][-2:] == ["Set up the web server", "Serve the release"]
    assert site.shell("systemctl list-units --all --plain --no-legend 'example*'") == ""
    assert site.shell("ls /etc/systemd/system | grep example || true") == ""
    assert site.shell("test -e /opt/node || echo none", host=1) == "none"
    assert site.shell("pgrep -c node || true", host=1) == "0"


@pytest.mark.parametrize("host", [0, 1])
@pytest.mark.parametrize(("path", "status", "words", "kind", "cache"), [
    ("/", 200, "Release one", "text/html; charset=utf-8", "no-cache"),
    ("/blog/first", 200, "Post <!-- -->first", "text/html; charset=utf-8", "no-cache"),
    ("/blog", 200, "All posts", "text/html; charset=utf-8", "no-cache"),
    ("/blog.txt", 200, "All posts", "text/plain; charset=utf-8", "no-cache"),
    ("/feed", 200, "<feed/>", "application/atom+xml", "no-cache"),
    ("/robots.txt", 200, "Allow", "text/plain; charset=utf-8", "no-cache"),
    ("/no-such-page", 404, "No such page", "text/html; charset=utf-8", "no-cache"),
    ("/site/index.html", 404, "No such page", "text/html; charset=utf-8", "no-cache"),
])  # fmt: skip
def test_pages_data_and_errors(
    site: Site, host: int, path: str, status: int, words: str, kind: str, cache: str
) -> None:
    got, body, headers = ask(site, path, host)
    assert (got, headers["content-type"], headers["cache-control"]) == (status, kind, cache)
    assert words in body


def test_assets_may_be_kept_for_ever(site: Site) -> None:
    page = ask(site, "/")[1]
    path = page.partition('src="/_next')[2].partition('"')[0]
    status, _, headers = ask(site, f"/_next{path}")
    assert (status, headers["cache-control"]) == (200, "public, max-age=31536000, immutable")


def test_without_a_change_one_round_trip_shows_that_clients_get_the_release(site: Site) -> None:
    results, shown, trips = site.deploy()
    assert [[step["name"] for step in result["steps"] if step["changed"]] for result in results.values()] == [[], []]
    assert trips == [1, 1]
    assert set(next(iter(shown.values())).steps) == QUIET


def test_readers_notice_no_release_and_none_that_is_taken_back(site: Site) -> None:
    before = site.shell("readlink /srv/example/current")
    with readers(site) as seen:
        site.edit("app/page.js", "Release one", "Release two")
        second = only(site)
        site.edit("app/page.js", "Release two", "Release one")
        first = only(site)
    assert not second.get("failed"), second
    assert not first.get("failed"), first
    assert seen.failures == [], f"of {seen.answered}: {seen.failures[:5]}"
    assert seen.answered > 200
    assert seen.titles == {"Release one", "Release two"}
    assert site.shell("readlink /srv/example/current") == before
    assert "Build" in second["steps"][7]["name"]
    assert not any(step["changed"] for step in first["steps"] if step["name"] == "Build")


def test_a_release_that_clients_do_not_get_is_taken_back(site: Site) -> None:
    """nginx may not read it: as after a change of rights that nobody thought of."""
    site.edit("app/page.js", "Release one", "Release three")
    assert not only(site).get("failed")
    site.edit("app/page.js", "Release three", "Release one")
    assert not only(site).get("failed")
    newest = site.shell("ls -t /srv/example/releases | head -1")
    current = site.shell("readlink /srv/example/current").rpartition("/")[2]
    site.edit("app/page.js", "Release one", "Release three")
    broken = next(name for name in site.shell("ls /srv/example/releases").split()
                  if "Release three" in site.shell(f"cat /srv/example/releases/{name}/site/index.html"))  # fmt: skip
    site.shell(f"chmod 0700 /srv/example/releases/{broken}")
    result = only(site)
    assert result["failed"], newest
    assert f"went back to release {current}" in result["msg"]
    assert ask(site, "/")[0] == 200
    assert json.loads(site.shell(f"cat {NOTE}"))["served"] == current
    site.shell(f"chmod 0755 /srv/example/releases/{broken}")
    site.edit("app/page.js", "Release three", "Release one")
    assert not only(site).get("failed")


def test_day_two_work_does_for_files_what_there_is_to_do(site: Site) -> None:
    site.edit("app/page.js", "Release one", "Release five")
    assert not only(site).get("failed")
    told = json.loads(site.program("status", "--json").stdout)["hosts"][site.hosts[0].name]
    assert (told["kind"], told["unhealthy"], told["processes"]) == ("files", None, [])
    assert site.program("status").returncode == 0
    done = site.program("rollback", "example")
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"clients get release {told['rollback_to']}" in done.stdout
    assert "Release one" in ask(site, "/")[1]
    assert json.loads(site.shell(f"cat {NOTE}"))["served"] == told["rollback_to"]
    assert site.program("rollback", "example", told["release"]).returncode == 0
    assert "Release five" in ask(site, "/")[1]
    assert "runs" in site.program("releases").stdout
    for words in (("restart",), ("logs",), ("exec", "--", "true"), ("env", "set", "A=1")):
        refused = site.program(*words)
        assert (refused.returncode, "example is exported as files" in refused.stderr) == (5, True), refused.stderr
    site.shell("mv /srv/example/current /srv/example/kept")
    sick = site.program("status")
    assert (sick.returncode, "no release is served" in sick.stdout) == (2, True), sick.stdout
    site.shell("mv /srv/example/kept /srv/example/current")
    site.edit("app/page.js", "Release five", "Release one")
    assert not only(site).get("failed")


def test_check_mode_foretells_a_release_and_changes_nothing(site: Site) -> None:
    site.edit("app/page.js", "Release one", "Release four")
    before = site.listing()
    results, shown, _ = site.deploy(hosts=1, check=True)
    assert site.listing() == before
    steps = next(iter(shown.values())).steps
    assert [name for name, status in steps.items() if status == "changed"] == [
        "Copy the source", "Build", "Make the release", "Serve the release"]  # fmt: skip
    assert next(iter(results.values()))["changed"]
    site.edit("app/page.js", "Release four", "Release one")


def test_what_prevents_an_export_is_told_before_anything_is_done(site: Site) -> None:
    (site.source / "middleware.js").write_text("export function middleware() {}")
    (site.source / "app/[id]").mkdir()
    (site.source / "app/[id]/page.js").write_text("export default () => null;")
    result = only(site)
    shutil.rmtree(site.source / "app/[id]")
    (site.source / "middleware.js").unlink()
    assert result["msg"].startswith("Preflight: 2 things are in the way")
    assert "middleware.js: runs with each request" in result["msg"]
    assert "app/[id]/page.js: lists no `generateStaticParams`" in result["msg"]


def test_a_bucket_gets_the_same_files(site: Site, endpoint: str) -> None:
    client = boto3.client("s3", endpoint_url=endpoint, region_name="us-east-1", aws_access_key_id="k",
                          aws_secret_access_key="s")  # fmt: skip
    client.create_bucket(Bucket="shop")
    bucket = {"name": "shop", "region": "us-east-1", "endpoint": endpoint, "access_key": "k",
              "secret_key": Secret("canary-9")}  # fmt: skip
    _, shown, _ = site.deploy(hosts=1, check=True, bucket=bucket)
    foretold = next(iter(shown.values())).step("Publish to the bucket")
    assert foretold["changed"]
    assert "\nindex.html " in foretold["diff"]["after"]
    assert "Contents" not in client.list_objects_v2(Bucket="shop")

    result = only(site, bucket=bucket)
    assert not result.get("failed"), result
    page = client.get_object(Bucket="shop", Key="blog/first")
    assert (page["ContentType"], page["CacheControl"]) == ("text/html; charset=utf-8", "no-cache")
    assert "Post <!-- -->first" in page["Body"].read().decode()
    assert client.head_object(Bucket="shop", Key="feed")["ContentType"] == "application/atom+xml"

    results, shown, trips = site.deploy(hosts=1, bucket=bucket)
    assert not next(iter(results.values()))["changed"]
    assert trips == [1]
    assert "canary-9" not in str([each.events for each in shown.values()])

    by_half = site.program("rollback", "example")
    assert (by_half.returncode, "published to s3://shop/ too" in by_half.stderr) == (5, True), by_half.stderr

    missing = only(site, bucket={**bucket, "name": "nowhere"})
    assert missing["failed"]
    assert "s3://nowhere/: there is no such bucket" in missing["msg"]


def test_an_app_moves_to_a_server_and_back_and_answers_all_the_time(site: Site) -> None:
    config = site.source / "next.config.mjs"
    exported = config.read_text()
    config.write_text(exported.replace("  output: 'export',\n", ""))
    health = {"path": "/", "timeout": 60}
    sick = only(site, health={"path": "/no-such-page", "timeout": 5, "status": 200})
    assert sick["failed"]
    assert ask(site, "/")[0] == 200
    with readers(site) as seen:
        moved = only(site, health=health)
    assert not moved.get("failed"), moved
    assert seen.failures == [], f"of {seen.answered}: {seen.failures[:5]}"
    assert len(site.running()) == 1
    assert json.loads(site.program("status", "--json").stdout)["hosts"][site.hosts[0].name]["kind"] == "server"
    assert not only(site, health=health)["changed"]
    files = site.shell("cd /srv/example/releases; dirname $(ls -d */site | head -1)")
    refused = site.program("rollback", "example", files)
    assert (refused.returncode, "the app has a server now" in refused.stdout + refused.stderr) == (2, True), refused

    config.write_text(exported)
    with readers(site) as seen:
        back = only(site)
    assert not back.get("failed"), back
    assert seen.failures == [], f"of {seen.answered}: {seen.failures[:5]}"
    assert site.running() == []
    left = "/etc/systemd/system/example* /srv/example/live /etc/example/*.env"
    assert site.shell(f"ls -d {left} 2>/dev/null || true") == ""
    assert json.loads(site.program("status", "--json").stdout)["hosts"][site.hosts[0].name]["kind"] == "files"
    assert not only(site)["changed"]
