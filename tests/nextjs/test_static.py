"""The site of an exported app, and when its files have to be served anew."""

from __future__ import annotations

from typing import Any

import pytest

from provisioner.nextjs.plan import Release
from provisioner.nextjs.settings import read_settings
from provisioner.nextjs.static import Routes, question, reasons_to_serve, routes, site_text

SECURE = {"domain": ["example.com"], "https": {"certificate": "c.pem", "key": "k.pem"}}


def settings(**args: Any) -> Any:
    return read_settings({"name": "shop", "source": "s", "mode": "static", **args})


def test_https_and_headers_are_those_of_every_site() -> None:
    text = site_text(settings(**SECURE, headers={"X-Team": "web"}), Routes(), ipv6=False)
    assert "listen 443 ssl http2;" in text
    assert "return 308 https://$host$request_uri;" in text
    assert text.count('add_header X-Team "web" always;') == text.count("add_header Cache-Control")


def test_a_base_path_is_taken_literally() -> None:
    text = site_text(settings(), Routes(base_path="/a.b"), ipv6=False)
    assert 'location ~ "^/a\\.b/_next/static/' in text
    assert "error_page 404 /a.b/404.html;" in text


@pytest.mark.parametrize(("path", "kind"), [
    ("/x; return 200", "text/plain"), ("/x", "text/plain; } server {"), ('/"', "text/plain"), ("x", "text/plain"),
])  # fmt: skip
def test_what_a_build_tells_can_not_change_the_site(path: str, kind: str) -> None:
    about = {"types": {path: kind, "/feed": "application/atom+xml"}}
    assert routes(Release("r", "f", about)).types == {"/feed": "application/atom+xml"}


def test_the_host_is_asked_as_clients_ask() -> None:
    assert question(settings(proxy="none")) is None
    assert question(settings()) == {"address": "127.0.0.1", "port": 80, "tls": False, "host": "localhost"}
    assert question(settings(**SECURE)) == {"address": "127.0.0.1", "port": 443, "tls": True, "host": "example.com"}


@pytest.mark.parametrize(("served", "words"), [
    ({"release": "new", "trying": None, "problem": None}, ()),
    ({"release": "old", "trying": None, "problem": None}, ("release old -> new",)),
    ({"release": None, "trying": None, "problem": None}, ("release none -> new",)),
    ({"release": "new", "trying": "new", "problem": "no answer"}, ("the last release was interrupted", "no answer")),
    ({"release": "new", "trying": None, "problem": None, "bucket": "s3://b/"}, ("published to no bucket",)),
])  # fmt: skip
def test_files_are_served_anew_when_clients_do_not_get_them(served: dict[str, Any], words: tuple[str, ...]) -> None:
    facts = {"has_server": False, "served": {"bucket": None, **served}}
    assert reasons_to_serve(settings(), facts, Release("new", "f")) == words


def test_a_site_for_caddy_follows_the_link_or_the_release_it_is_pinned_to() -> None:
    text = site_text(settings(proxy="caddy"), Routes("/docs", types={"/feed": "text/xml", "/a*": "text/x"}), ipv6=True)
    assert "root * /srv/shop/current/site\n" in text
    assert "handle /docs/404.html {\n" in text
    assert 'path /feed\n\theader @type-1 Content-Type "text/xml"\n' in text
    assert "/a*" not in text, "Caddy would take it for a pattern"
    pinned = site_text(settings(proxy="caddy"), Routes(), ipv6=True, pinned="r1")
    assert "/srv/shop/current/site" not in pinned
    assert "root * /srv/shop/releases/r1/site\n" in pinned
