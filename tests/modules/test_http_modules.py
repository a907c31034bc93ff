"""`uri` and `get_url` against a server of our own: statuses, redirects, checksums, credentials, proxies."""

from __future__ import annotations

import gzip
import hashlib
import json
import threading
import urllib.request
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from provisioner.remote import http
from provisioner.testing.inprocess import run_module

TOOL = b"tool\n" * 1000
SHA = hashlib.sha256(TOOL).hexdigest()


class Handler(BaseHTTPRequestHandler):
    """Answers by path; `server.seen` collects what was asked."""

    def do_GET(self) -> None:
        length = int(self.headers.get("Content-Length") or 0)
        body = self.rfile.read(length)
        seen: list[Any] = self.server.seen  # type: ignore[attr-defined]
        seen.append((self.command, self.path, dict(self.headers), body))
        self._answer(*self._page(body))

    do_POST = do_PUT = do_HEAD = do_GET

    def _page(self, body: bytes) -> tuple[int, dict[str, str], bytes]:
        path = self.path.partition("?")[0]
        if path == "/json":
            return 200, {"Content-Type": "application/json; charset=utf-8"}, json.dumps({"a": ["ü"]}).encode()
        if path == "/echo":
            return 200, {"Content-Type": "text/plain"}, body
        if path == "/tool":
            if self.headers.get("If-Modified-Since"):
                return 304, {}, b""
            return 200, {"Last-Modified": "Wed, 01 Jan 2020 00:00:00 GMT"}, TOOL
        if path == "/always":
            return 200, {}, TOOL
        if path == "/SUMS":
            return 200, {}, f"{'0' * 64}  other\n{SHA} *tool\n".encode()
        if path == "/short":
            return 200, {"Content-Length": "9999"}, TOOL
        if path == "/gzip":
            return 200, {"Content-Encoding": "gzip"}, gzip.compress(TOOL)
        if path == "/named":
            return 200, {"Content-Disposition": 'attachment; filename="../../named.txt"'}, TOOL
        if path == "/cookies":
            return 200, {"Set-Cookie": "s=1; Path=/"}, b""
        if path == "/login":
            known = self.headers.get("Authorization") == "Basic dXNlcjpwYXNz"
            return (200, {}, b"in") if known else (401, {"WWW-Authenticate": 'Basic realm="x"'}, b"")
        if path.startswith("/to/"):
            code, _, where = path.removeprefix("/to/").partition("/")
            return int(code), {"Location": "/" + where}, b""
        if path == "/elsewhere":
            return 302, {"Location": f"http://localhost:{self.server.server_port}/echo"}, b""  # type: ignore[attr-defined]
        if path == "/file":
            return 302, {"Location": "file:///etc/passwd"}, b""
        return 404, {"Content-Type": "text/plain"}, b"no such page"

    def _answer(self, status: int, headers: dict[str, str], body: bytes) -> None:
        self.send_response(status)
        for name, value in {"Content-Length": str(len(body)), **headers}.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        """Quiet."""


class Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.seen: list[tuple[str, str, dict[str, str], bytes]] = []
        self.url = f"http://127.0.0.1:{self.server_port}"


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    for name in ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY", "no_proxy", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
    with Server() as running:
        thread = threading.Thread(target=running.serve_forever, args=(0.01,))
        thread.start()
        yield running
        running.shutdown()
        thread.join()


def uri(
    server: Server, path: str, *, check: bool = False, env: dict[str, str] | None = None, **args: Any
) -> dict[str, Any]:
    return run_module("uri", {"url": server.url + path, **args}, check=check, env=env)


def get_url(server: Server, path: str, dest: Path | str, *, check: bool = False, **args: Any) -> dict[str, Any]:
    return run_module(
        "get_url",
        {"url": server.url + path, "dest": str(dest), "checksum": f"sha256:{SHA}", **args},
        check=check,
        diff=True,
    )


# -- uri -------------------------------------------------------------------------------------------------------------


def test_json_is_read_and_headers_become_fields(server: Server) -> None:
    result = uri(server, "/json", return_content=True)
    assert result["json"] == {"a": ["ü"]}
    assert result["content_type"] == "application/json; charset=utf-8"
    assert (result["status"], result["changed"], result["redirected"]) == (200, False, False)


def test_an_unexpected_status_fails_with_what_the_server_said(server: Server) -> None:
    result = uri(server, "/nope")
    assert result["failed"]
    assert result["status"] == 404
    assert result["content"] == "no such page"
    assert "not [200]" in result["msg"]
    assert not uri(server, "/nope", status_code=[200, 404]).get("failed")


@pytest.mark.parametrize(
    ("args", "body", "kind"),
    [
        ({"body": {"a": 1}, "body_format": "json"}, b'{"a": 1}', "application/json"),
        ({"body": '{"a": 1}', "body_format": "json"}, b'{"a": 1}', "application/json"),
        (
            {"body": {"a": "b c", "d": [1, 2]}, "body_format": "form-urlencoded"},
            b"a=b+c&d=1&d=2",
            "application/x-www-form-urlencoded",
        ),
        (
            {"body": [["a", "b"], ["a", "c"]], "body_format": "form-urlencoded"},
            b"a=b&a=c",
            "application/x-www-form-urlencoded",
        ),
        ({"body": "text"}, b"text", None),
        ({"body": {"a": 1}, "body_format": "json", "headers": {"content-type": "text/x"}}, b'{"a": 1}', "text/x"),
    ],
)
def test_bodies(server: Server, args: dict[str, Any], body: bytes, kind: str | None) -> None:
    result = uri(server, "/echo", method="POST", return_content=True, **args)
    assert result["content"] == body.decode()
    headers = {name.lower(): value for name, value in server.seen[0][2].items()}
    assert kind is None or headers["content-type"] == kind


def test_a_form_with_a_file(server: Server, tmp_path: Path) -> None:
    (tmp_path / "up.txt").write_text("file text")
    body = {"name": "value", "up": {"filename": str(tmp_path / "up.txt"), "mime_type": "text/plain"}}
    text = uri(server, "/echo", method="POST", body=body, body_format="form-multipart", return_content=True)["content"]
    assert 'name="name"\r\n\r\nvalue' in text
    assert 'filename="up.txt"\r\nContent-Type: text/plain\r\n\r\nfile text' in text


def test_cookies_and_credentials(server: Server) -> None:
    assert uri(server, "/cookies")["cookies"] == {"s": "1"}
    assert uri(server, "/login", url_username="user", url_password="pass")["status"] == 200
    assert uri(server, "/login", user="user", password="pass", force_basic_auth=True)["status"] == 200
    assert uri(server, "/login", url_username="user", url_password="wrong")["failed"]


@pytest.mark.parametrize(
    ("code", "method", "follow", "seen"),
    [
        (302, "GET", "safe", ["GET", "GET"]),
        (302, "POST", "safe", ["POST"]),
        (302, "POST", "all", ["POST", "GET"]),
        (307, "POST", "all", ["POST", "POST"]),
        (308, "PUT", "all", ["PUT", "PUT"]),
        (303, "PUT", "all", ["PUT", "GET"]),
        (302, "GET", "none", ["GET"]),
    ],
)
def test_redirects_are_followed_as_asked(server: Server, code: int, method: str, follow: str, seen: list[str]) -> None:
    result = uri(
        server,
        f"/to/{code}/echo",
        method=method,
        follow_redirects=follow,
        body="b" if method != "GET" else None,
        status_code=[200, code],
    )
    assert not result.get("failed")
    assert [entry[0] for entry in server.seen] == seen


def test_credentials_stay_with_their_host(server: Server) -> None:
    assert uri(server, "/elsewhere", url_username="user", url_password="pass", force_basic_auth=True)["status"] == 200
    assert "Authorization" in server.seen[0][2]
    assert "Authorization" not in server.seen[1][2]


@pytest.mark.parametrize("url", ["file:///etc/passwd", "ftp://h/x", "http://", "", "javascript:alert(1)"])
def test_only_http_and_https_are_asked(url: str) -> None:
    assert "is not an http or https address" in run_module("uri", {"url": url})["msg"]


def test_x8_a_redirect_to_a_file_or_down_to_http_is_refused(server: Server) -> None:
    assert "not allowed" in uri(server, "/file")["msg"]
    redirects = http._Redirects("all", ())
    asked = urllib.request.Request("https://a.example/x")
    with pytest.raises(http.Refused, match="from https to http"):
        redirects.redirect_request(asked, None, 302, "", {}, "http://a.example/y")


def test_a_header_cannot_smuggle_another(server: Server) -> None:
    result = uri(server, "/echo", headers={"X-A": "1\r\nX-B: 2"})
    assert "line break" in result["msg"]
    assert not server.seen


def test_check_mode_sends_only_what_reads(server: Server) -> None:
    assert uri(server, "/json", check=True)["status"] == 200
    assert "no POST request" in uri(server, "/echo", method="POST", check=True)["unknown"]
    assert "404" in uri(server, "/nope", check=True)["unknown"]
    assert [entry[0] for entry in server.seen] == ["GET", "GET"]


def test_the_proxy_of_the_task_is_used_unless_it_is_excepted(server: Server) -> None:
    env = {"http_proxy": server.url, "no_proxy": "127.0.0.1"}
    result = run_module("uri", {"url": "http://far.example/json"}, env=env)
    assert result["status"] == 404  # our server got the whole address as its path
    assert server.seen[0][1] == "http://far.example/json"
    assert uri(server, "/json", env=env)["status"] == 200


def test_a_password_in_the_address_is_sent_as_a_header(server: Server) -> None:
    url = server.url.replace("://", "://user:pass@") + "/login"
    assert run_module("uri", {"url": url})["status"] == 200
    assert all("pass" not in entry[1] for entry in server.seen)


# -- get_url ---------------------------------------------------------------------------------------------------------


def test_a_download_is_checked_and_put_in_place_once(server: Server, tmp_path: Path) -> None:
    first = get_url(server, "/tool", tmp_path / "tool", mode="0640")
    assert first["changed"]
    assert first["mode"] == "0640"
    assert (tmp_path / "tool").read_bytes() == TOOL
    assert get_url(server, "/tool", tmp_path / "tool", mode="0640")["changed"] is False
    assert len(server.seen) == 1  # what is there has the checksum: the server is not even asked


def test_f12_a_wrong_or_short_download_changes_nothing(server: Server, tmp_path: Path) -> None:
    (tmp_path / "tool").write_text("old")
    for path, checksum, words in (
        ("/always", "sha256:" + "1" * 64, "did not match"),
        ("/short", "", "broke off"),
        ("/nope", "", "404"),
    ):
        result = get_url(server, path, tmp_path / "tool", checksum=checksum)
        assert result["failed"]
        assert words in result["msg"]
        assert "exception" not in result
        assert [(path.name, path.read_text()) for path in tmp_path.iterdir()] == [("tool", "old")]


def test_a_list_of_checksums_names_the_file(server: Server, tmp_path: Path) -> None:
    assert get_url(server, "/tool", tmp_path, checksum=f"sha256:{server.url}/SUMS")["dest"] == str(tmp_path / "tool")
    assert (
        "Unable to find a checksum" in get_url(server, "/always", tmp_path, checksum=f"sha256:{server.url}/SUMS")["msg"]
    )


def test_without_a_checksum_the_server_is_asked_what_is_new(server: Server, tmp_path: Path) -> None:
    first = get_url(server, "/tool", tmp_path / "tool", checksum="")
    assert first["changed"]
    assert "plain http" in first["warnings"][0]
    second = get_url(server, "/tool", tmp_path / "tool", checksum="")
    assert (second["changed"], second["status_code"]) == (False, 304)
    assert get_url(server, "/always", tmp_path / "tool", checksum="", force=True)["changed"] is False


@pytest.mark.parametrize("there", [None, b"other content", b"TOOL\n" * 1000, TOOL])
def test_check_mode_says_what_the_run_then_does(server: Server, tmp_path: Path, there: bytes | None) -> None:
    if there is not None:
        (tmp_path / "f").write_bytes(there)
    checked = get_url(server, "/always", tmp_path / "f", checksum="", force=True, check=True)
    assert ((tmp_path / "f").read_bytes() if there is not None else None) == there
    applied = get_url(server, "/always", tmp_path / "f", checksum="", force=True)
    assert checked["changed"] == applied["changed"] == (there != TOOL)
    assert checked.get("diff") == applied.get("diff")


def test_f9_the_server_gives_a_name_and_never_a_path(server: Server, tmp_path: Path) -> None:
    (tmp_path / "d").mkdir()
    assert get_url(server, "/named", tmp_path / "d")["dest"] == str(tmp_path / "d/named.txt")


def test_packed_content_is_unpacked(server: Server, tmp_path: Path) -> None:
    assert get_url(server, "/gzip", tmp_path / "f")["changed"]
    assert (tmp_path / "f").read_bytes() == TOOL


@pytest.mark.parametrize("checksum", ["abc", "sha256:xyz", "nope:abc", f"sha256:{'/' * 5}"])
def test_a_checksum_that_is_none_is_told(server: Server, tmp_path: Path, checksum: str) -> None:
    result = get_url(server, "/tool", tmp_path / "f", checksum=checksum)
    assert result["failed"]
    assert "exception" not in result
    assert not server.seen


def test_nobody_there(tmp_path: Path) -> None:
    args = {"url": "http://127.0.0.1:9/x", "dest": str(tmp_path / "f"), "timeout": 1, "use_proxy": False}
    assert run_module("get_url", args)["status_code"] == -1
    assert "can't be reached now" in run_module("get_url", args, check=True)["unknown"]
