"""Serving an exported app on a real host, with releases that are laid there as a build would leave them."""

from __future__ import annotations

import http.client
import json
import re
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from typing import Any

import pytest

from provisioner.actions.driving import HostDriving
from provisioner.lab import Lab, LabHost
from provisioner.messages import Target
from provisioner.nextjs.settings import read_settings
from provisioner.nextjs.static import Routes, question, site_text
from provisioner.testing.driving import bench
from provisioner.testing.nextjs import again_and_again, page
from provisioner.values import HostName

SITE = {
    "index.html": "first page", "about.html": "about", "about.txt": "data of about", "404.html": "no such page",
    "blog.html": "all posts", "blog/post.html": "a post", "guide/index.html": "a guide", "feed": "<feed/>",
    "_next/static/chunks/both.js": "both()",
}  # fmt: skip
SHADOWS = {
    "nginx": ("/etc/nginx/conf.d/a.conf", "server { listen 80; server_name localhost; return 200 hello; }"),
    "caddy": ("/etc/caddy/conf.d/a.caddy", "http://localhost {\n\trespond hello\n}"),
}
"""Sites that take the requests to this name away: file and text."""


class Server:
    """A lab host with a web server, and releases on it."""

    def __init__(self, host: LabHost, call: HostDriving, proxy: str) -> None:
        self.host = host
        self.call = call
        self.proxy = proxy
        self.settings = read_settings({"name": "site", "source": "s", "proxy": proxy})

    def release(self, name: str, files: dict[str, str], base: str = "", mode: str = "0644") -> None:
        """As `nextjs_stage` leaves it: /srv/site/releases/<name>/site/…, and its assets in the shared tree too."""
        lines = ["set -e", f"home=/srv/site/releases/{name}/site{base}"]
        for path, text in {**files, f"_next/static/{name}/_buildManifest.js": f"build {name}"}.items():
            lines += [f"mkdir -p \"$(dirname $home/{path})\"", f"printf %s '{text}' > $home/{path}"]
        lines += ["mkdir -p /srv/site/static/_next", "cp -r $home/_next/static /srv/site/static/_next/",
                  f"find $home -type f -exec chmod {mode} {{}} +"]  # fmt: skip
        self.host.run(["sh", "-c", "\n".join(lines)])

    def site(self, routes: Routes | None = None) -> None:
        text = site_text(self.settings, routes or Routes(types={"/feed": "application/atom+xml"}), ipv6=False)
        args = {"name": "site", "server": self.proxy, "text": text, "only": True}
        assert not self.call.call("nextjs_proxy", args).get("failed")

    def serve(self, release: str, base: str = "", **more: Any) -> dict[str, Any]:
        return self.call.call("nextjs_serve", {
            "name": "site", "release": release, "build_id": release, "base_path": base,
            "question": question(self.settings), **more})  # fmt: skip

    def get(self, path: str) -> tuple[int, str, dict[str, str]]:
        return page(self.host.address, path)

    def current(self) -> str:
        return self.host.run(["readlink", "/srv/site/current"]).stdout.strip()


@pytest.fixture(scope="module", params=["nginx", "caddy"])
def server(lab: Lab, request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with ExitStack() as cleanup:
        [host] = lab.up(count=1, packages=(request.param,))
        cleanup.callback(lab.down, [host.name])
        target = Target(HostName(host.name), address=host.address, user="root", key_files=(str(host.key_file),),
                        known_hosts=(str(host.known_hosts),))  # fmt: skip
        run = cleanup.enter_context(bench([target], {}, scratch=tmp_path_factory.mktemp("exported")))
        found = Server(host, run.calls[0], request.param)
        found.release("one", SITE)
        found.site()
        assert not found.serve("one").get("failed")
        yield found


@pytest.fixture(autouse=True)
def _as_it_was(server: Server) -> Iterator[None]:
    yield
    server.site()
    assert not server.serve("one").get("failed")


@contextmanager
def asking(server: Server, paths: dict[str, set[str]]) -> Iterator[list[str]]:
    """Clients that ask for the paths all the time; what they get that is none of the texts is a failure."""
    failures, answered = list[str](), [0]

    def ask(path: str, texts: set[str]) -> None:
        try:
            status, body, _ = server.get(path)
        except (OSError, http.client.HTTPException) as error:
            failures.append(f"{path}: {error}")
            return
        answered[0] += 1
        if status != 200 or body not in texts:
            failures.append(f"{path}: {status} {body}")

    with again_and_again(*(partial(ask, *each) for each in paths.items())):
        yield failures
    assert answered[0] > 50


@pytest.mark.parametrize(("path", "status", "body", "kind", "cache"), [
    ("/", 200, "first page", "text/html; charset=utf-8", "no-cache"),
    ("/about", 200, "about", "text/html; charset=utf-8", "no-cache"),
    ("/about?x=1", 200, "about", "text/html; charset=utf-8", "no-cache"),
    ("/about.txt", 200, "data of about", "text/plain; charset=utf-8", "no-cache"),
    ("/blog", 200, "all posts", "text/html; charset=utf-8", "no-cache"),
    ("/blog/post", 200, "a post", "text/html; charset=utf-8", "no-cache"),
    ("/guide/", 200, "a guide", "text/html; charset=utf-8", "no-cache"),
    ("/feed", 200, "<feed/>", "application/atom+xml", "no-cache"),
    ("/_next/static/chunks/both.js", 200, "both()", "<script>; charset=utf-8", "public, max-age=31536000, immutable"),
    ("/nothing", 404, "no such page", "text/html; charset=utf-8", "no-cache"),
    ("/404.html", 404, "no such page", "text/html; charset=utf-8", "no-cache"),
    ("/_next/static/chunks/gone.js", 404, "no such page", "text/html; charset=utf-8", "no-cache"),
    ("/nothing/", 404, "no such page", "text/html; charset=utf-8", "no-cache"),
    ("/%5Cother.example/", 404, "no such page", "text/html; charset=utf-8", "no-cache"),
    ("/x%0d%0aA:%20b/", 404, "no such page", "text/html; charset=utf-8", "no-cache"),
    ("/RELEASE.json", 404, "no such page", "text/html; charset=utf-8", "no-cache"),
])  # fmt: skip
def test_every_path_is_answered_as_next_js_would(
    server: Server, path: str, status: int, body: str, kind: str, cache: str
) -> None:
    got, text, headers = server.get(path)
    # Both are right (RFC 9239); which one comes is for the web server to say.
    found = re.sub("(text|application)/javascript", "<script>", headers["content-type"])
    assert (got, text, found, headers["cache-control"]) == (status, body, kind, cache)


def test_a_slash_too_many_is_redirected_away(server: Server) -> None:
    status, _, headers = server.get("/about/?x=1")
    assert (status, headers["location"]) == (301, "/about?x=1")
    status, _, headers = server.get("/blog/")
    assert (status, headers["location"]) == (301, "/blog")


def test_with_trailing_slashes_a_missing_one_is_added(server: Server) -> None:
    server.release("slashed", {"index.html": "first page", "about/index.html": "about", "404.html": "none"})
    server.site(Routes(trailing_slash=True))
    assert not server.serve("slashed").get("failed")
    assert server.get("/about/")[:2] == (200, "about")
    status, _, headers = server.get("/about?x=1")
    assert (status, headers["location"]) == (301, "/about/?x=1")
    assert server.get("/nothing")[:2] == (404, "none")


def test_below_a_base_path(server: Server) -> None:
    server.release("based", SITE, base="/docs")
    server.site(Routes(base_path="/docs"))
    assert not server.serve("based", "/docs").get("failed")
    assert server.get("/docs")[:2] == (200, "first page")
    assert server.get("/docs/about")[:2] == (200, "about")
    assert server.get("/docs/nothing")[:2] == (404, "no such page")
    assert server.get("/about")[:2] == (404, "no such page")
    status, body, headers = server.get("/docs/_next/static/chunks/both.js")
    assert (status, body, "immutable" in headers["cache-control"]) == (200, "both()", True)


def test_a_release_is_one_rename_and_no_request_fails(server: Server) -> None:
    paths = {
        "/": {"first page", "second page"}, "/about": {"about", "about two"},
        "/_next/static/chunks/both.js": {"both()"}, "/_next/static/one/_buildManifest.js": {"build one"},
    }  # fmt: skip
    server.release("two", {**SITE, "index.html": "second page", "about.html": "about two"})
    with asking(server, paths) as failures:
        for name in ("two", "one", "two"):
            assert not server.serve(name).get("failed")
            assert server.current() == f"releases/{name}"
    assert failures == []
    assert server.get("/")[1] == "second page"


def test_pages_that_are_open_find_the_files_of_their_release(server: Server) -> None:
    server.release("other", {**SITE, "index.html": "other"})
    assert not server.serve("other").get("failed")
    assert server.get("/_next/static/one/_buildManifest.js")[:2] == (200, "build one")


@pytest.mark.parametrize(("files", "mode", "words"), [
    ({**SITE, "index.html": "secret"}, "0600", "answers 403"),
    ({"about.html": "new"}, "0600", "answers 403"),
])  # fmt: skip
def test_a_release_that_clients_do_not_get_is_taken_back(
    server: Server, files: dict[str, str], mode: str, words: str
) -> None:
    server.release("bad", files, mode=mode)
    result = server.serve("bad")
    assert result["failed"]
    assert words in result["msg"]
    assert "went back to release one" in result["msg"]
    assert result["rolled_back_to"] == "one"
    assert server.current() == "releases/one"
    server.host.run(["rm", "-r", "/srv/site/releases/bad"])


def test_another_server_that_answers_is_noticed(server: Server) -> None:
    server.release("two", {**SITE, "index.html": "second page"})
    (file, shadow), reload = SHADOWS[server.proxy], f"systemctl reload {server.proxy} && sleep 1"
    server.host.run(["sh", "-c", f"echo '{shadow}' > {file} && {reload}"])
    result = server.serve("two")
    server.host.run(["sh", "-c", f"rm {file} && {reload}"])
    assert "is not the file of release two" in result["msg"]
    assert server.current() == "releases/one"


def test_a_release_that_was_cut_off_is_judged_by_the_next_run(server: Server) -> None:
    """Killed after the rename: what was served before is known, and comes back if the new one is bad."""
    server.release("bad", {**SITE, "index.html": "x"}, mode="0600")
    note = json.dumps({"schema": 1, "min_reader": 1, "served": "one", "trying": "bad"})
    server.host.run(["sh", "-c", f"cd /srv/site && ln -sfn releases/bad current && printf %s '{note}' > "
                     "/var/lib/provisioner/apps/site.site.json"])  # fmt: skip
    assert "went back to release one" in server.serve("bad")["msg"]
    assert server.get("/")[:2] == (200, "first page")
    server.host.run(["rm", "-r", "/srv/site/releases/bad"])


def test_check_mode_tells_and_changes_nothing(server: Server) -> None:
    server.release("two", {**SITE, "index.html": "second page"})
    result = server.call.call("nextjs_serve", {"name": "site", "release": "two"}, check=True)
    assert result["changed"]
    assert (result["diff"]["before"], result["diff"]["after"]) == ("releases/one\n", "releases/two\n")
    assert server.current() == "releases/one"
