"""Caddy, HTTPS and headers on lab hosts: real web servers, a real authority, certificates that are really renewed."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from provisioner.lab import Lab, LabHost
from provisioner.testing import acme
from provisioner.testing.nextjs import Site, example, load

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1800)]

GOLDEN = Path(__file__).parent / "golden"
SITES = sorted(path.name for path in GOLDEN.iterdir() if path.suffix in (".conf", ".caddy"))
PACKAGES = ("nginx", "caddy", "pebble", "certbot", "openssl", "curl")
NAMES = ["app.test", "www.app.test"]
HERE = dict.fromkeys(NAMES, "127.0.0.1")
EMAIL = "ops@app.test"
SHORT = 60  # seconds that a certificate is valid; web servers renew it after two thirds of that at the latest
RENEWED = 240
OTHER = "{\n\trenew_interval 5s\n}\nhttp://other.test:8080 {\n\trespond hello\n}\n"
TIMER = "[Timer]\nOnCalendar=\nOnCalendar=*:*:0/20\nRandomizedDelaySec=0\nAccuracySec=1s\n"
HEADERS = """poweredByHeader: false,
  async headers() {
    return [{ source: '/api/:path*', headers: [{ key: 'X-Frame-Options', value: 'DENY' }] }];
  },"""
RELOADS = "journalctl -u caddy -o cat | grep -c '^Reloaded' || true"


@pytest.fixture(scope="module")
def served(lab: Lab, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """The example app for two hosts with both web servers, of which each test starts the one it wants."""
    scratch = tmp_path_factory.mktemp("web")
    with ExitStack() as cleanup:
        hosts = lab.up(count=2, packages=PACKAGES)
        cleanup.callback(lab.down, [host.name for host in hosts])
        site = Site(hosts, example(scratch / "app"), scratch)
        site.edit("next.config.mjs", "poweredByHeader: false,", HEADERS)
        for number in range(len(hosts)):
            site.shell(f"printf '%s' '{OTHER}' > /etc/caddy/Caddyfile", number)
        yield site


def start(site: Site, server: str, host: int = 0) -> None:
    """Anew, for Caddy takes `renew_interval` only when it starts; and stop the other one."""
    other = {"nginx": "caddy", "caddy": "nginx"}[server]
    site.shell(f"systemctl disable --quiet --now {other}; systemctl enable --quiet {server}; "
               f"systemctl restart {server}", host)  # fmt: skip


def deploy(site: Site, *, hosts: int = 1, **more: Any) -> dict[str, Any]:
    """The result of the first host."""
    results, _, _ = site.deploy(hosts=hosts, **more)
    assert not any(result.get("failed") for result in results.values()), results
    return dict(next(iter(results.values())))


def serials(host: LabHost) -> list[str]:
    """Of the certificates that a browser is shown."""
    ask = "openssl s_client -connect 127.0.0.1:443 -servername {} </dev/null 2>/dev/null | openssl x509 -noout -serial"
    return [host.run(["sh", "-c", ask.format(name)]).stdout.strip() for name in NAMES]


def wait_for_renewal(host: LabHost, before: list[str]) -> None:
    deadline = time.monotonic() + RENEWED
    while any(old == new for old, new in zip(before, serials(host), strict=True)):
        assert time.monotonic() < deadline, host.run(["journalctl", "-n", "50", "--no-pager"]).stdout
        time.sleep(2)


def over_https(site: Site, roots: str, host: int = 0) -> str:
    """Head and body as a client gets them that trusts these authorities alone."""
    there = ["--resolve", f"{NAMES[1]}:443:127.0.0.1", f"https://{NAMES[1]}/api/health"]
    return site.hosts[host].run(["curl", "-si", "--cacert", "/dev/stdin", *there], stdin=roots).stdout


def trust(site: Site, root: str, host: int = 0) -> None:
    file = "/usr/local/share/ca-certificates/pebble.crt"
    site.hosts[host].run(["sh", "-c", f"cat > {file}; update-ca-certificates"], stdin=root)


def test_caddy_releases_without_a_failed_request(served: Site) -> None:
    start(served, "caddy")
    deploy(served, proxy="caddy")
    assert deploy(served, proxy="caddy")["changed"] is False
    assert served.shell("curl -s -H 'Host: other.test' localhost:8080") == "hello"
    reloads = served.shell(RELOADS)
    with load(served.hosts[0].address) as found:
        for number in range(3):
            deploy(served, proxy="caddy", env={"NUMBER": number})
    assert found.failures == []
    assert found.answered > 100
    assert len(found.builds) == 1
    assert served.shell(RELOADS) == reloads


@pytest.mark.parametrize("server", ["caddy", "nginx"])
def test_headers_are_added_only_where_the_app_sets_none(served: Site, server: str) -> None:
    start(served, server)
    deploy(served, proxy=server)
    of_the_app = served.shell("curl -si localhost/api/health").lower()
    assert of_the_app.count("x-frame-options: ") == of_the_app.count("x-frame-options: deny") == 1
    assert "x-content-type-options: nosniff" in of_the_app
    page = served.shell("curl -si localhost/").lower()
    assert page.count("x-frame-options: sameorigin") == 1
    served.shell("mkdir -p /srv/example/static/_next/static; echo old > /srv/example/static/_next/static/kept.js")
    asset = served.shell("curl -si localhost/_next/static/kept.js").lower()
    assert asset.endswith("old")
    assert "cache-control: public, max-age=31536000, immutable" in asset
    assert "x-content-type-options: nosniff" in asset


def test_a_site_that_caddy_refuses_is_put_back(served: Site) -> None:
    start(served, "caddy")
    deploy(served, proxy="caddy", domain=NAMES[0])
    before = served.shell("cat /etc/caddy/Caddyfile /etc/caddy/conf.d/example.caddy")
    served.shell(f"printf 'http://{NAMES[1]} {{\n}}\n' > /etc/caddy/conf.d/other.caddy")
    results, _, _ = served.deploy(hosts=1, proxy="caddy", domain=NAMES)
    (result,) = results.values()
    served.shell("rm /etc/caddy/conf.d/other.caddy")
    assert "caddy refuses the new configuration, which was taken back" in result["msg"]
    assert "ambiguous site definition" in result["msg"]
    assert served.shell("cat /etc/caddy/Caddyfile /etc/caddy/conf.d/example.caddy") == before
    assert "ok" in served.shell(f"curl -s -H 'Host: {NAMES[0]}' localhost/api/health")


def test_caddy_gets_certificates_and_renews_them(served: Site) -> None:
    start(served, "caddy")
    host = served.hosts[0]
    (served.scratch / "root.pem").write_text(acme.start(host, HERE, seconds=SHORT))
    https = {"acme": {"email": EMAIL, "ca": acme.directory(host), "ca_root": str(served.scratch / "root.pem")}}
    assert deploy(served, proxy="caddy", domain=NAMES, https=https)["url"] == f"https://{NAMES[0]}/"
    assert deploy(served, proxy="caddy", domain=NAMES, https=https)["changed"] is False
    before, roots = serials(host), acme.roots(host)
    answer = over_https(served, roots)
    assert answer.startswith("HTTP/2 200")
    assert '"status":"ok"' in answer
    redirected = served.shell(f"curl -si 'http://{NAMES[0]}/x?y=1'")
    assert "308 Permanent Redirect" in redirected
    assert f"Location: https://{NAMES[0]}/x?y=1" in redirected
    wait_for_renewal(host, before)
    assert '"status":"ok"' in over_https(served, roots)


def test_certbot_gets_certificates_for_nginx_and_its_timer_renews_them(served: Site) -> None:
    start(served, "nginx")
    host = served.hosts[0]
    trust(served, acme.start(host, HERE, seconds=SHORT))
    drop_in = "/etc/systemd/system/certbot.timer.d"
    served.shell(f"mkdir -p {drop_in}; printf '{TIMER}' > {drop_in}/often.conf; systemctl daemon-reload; "
                 "systemctl restart certbot.timer")  # fmt: skip
    https = {"acme": {"email": EMAIL, "ca": acme.directory(host)}}
    deploy(served, domain=NAMES, https=https)
    assert deploy(served, domain=NAMES, https=https)["changed"] is False
    before, roots = serials(host), acme.roots(host)
    answer = over_https(served, roots)
    assert answer.startswith("HTTP/2 200")
    assert '"status":"ok"' in answer
    assert f"Location: https://{NAMES[0]}/x?y=1" in served.shell(f"curl -si 'http://{NAMES[0]}/x?y=1'")
    wait_for_renewal(host, before)
    assert '"status":"ok"' in over_https(served, roots)
    served.shell("systemctl stop certbot.timer")


@pytest.mark.parametrize("server", ["caddy", "nginx"])
def test_hosts_with_the_same_names_answer_for_each_other(served: Site, server: str) -> None:
    """The authority finds one name at each host, whichever of them asks for a certificate."""
    first, second = served.hosts
    root = acme.start(first, {NAMES[0]: second.address, NAMES[1]: first.address})
    (served.scratch / "root.pem").write_text(root)
    for number in range(2):
        served.shell("rm -rf /etc/letsencrypt /var/lib/caddy/.local", number)
        start(served, server, number)
        trust(served, root, number)
    more = {"ca_root": str(served.scratch / "root.pem")} if server == "caddy" else {}
    https = {"acme": {"email": EMAIL, "ca": acme.directory(first), **more}}
    deploy(served, hosts=2, proxy=server, domain=NAMES, https=https)
    assert deploy(served, hosts=2, proxy=server, domain=NAMES, https=https)["changed"] is False
    roots = acme.roots(first)
    for number in range(2):
        assert '"status":"ok"' in over_https(served, roots, number)
    assert serials(first) != serials(second)


@pytest.mark.parametrize("server", ["caddy", "nginx"])
def test_an_own_certificate_is_shown_and_another_one_replaces_it(served: Site, server: str) -> None:
    start(served, server)
    seen = []
    for _ in range(2):
        pair = make_pair(served.scratch)
        https = {"certificate": str(pair / "own.pem"), "key": str(pair / "own.key")}
        headers = {"Strict-Transport-Security": "max-age=60"}
        more: dict[str, Any] = {"proxy": server, "domain": NAMES, "https": https, "headers": headers}
        deploy(served, **more)
        assert deploy(served, **more)["changed"] is False
        answer = over_https(served, (pair / "own.pem").read_text())
        assert answer.startswith("HTTP/2 200")
        assert "strict-transport-security: max-age=60" in answer
        seen.append(serials(served.hosts[0])[0])
    assert len(set(seen)) == 2
    mode = served.shell("stat -c '%a %U %G' /etc/ssl/apps/example/key.pem")
    assert mode == ("640 root caddy" if server == "caddy" else "640 root root")
    old_tls = ["openssl", "s_client", "-connect", "127.0.0.1:443", "-servername", NAMES[0], "-tls1_1"]
    assert served.hosts[0].run(old_tls, check=False, stdin="").returncode != 0
    deploy(served, proxy=server, domain=NAMES)
    assert served.shell("ls /etc/ssl/apps/example") == ""


@pytest.mark.parametrize("name", SITES)
def test_the_real_web_server_takes_every_kind_of_site(served: Site, name: str) -> None:
    host, text = served.hosts[0], (GOLDEN / name).read_text()
    for app in ("shop", "my-shop"):
        own, got = f"/etc/ssl/apps/{app}", f"/etc/letsencrypt/live/{app}"
        host.run(["sh", "-c", f"mkdir -p {own} {got}; [ -e {own}/key.pem ] || openssl req -x509 -newkey rsa:2048 "
                  f"-nodes -keyout {own}/key.pem -out {own}/certificate.pem -days 30 -subj /CN=shop.example.com 2>&1; "
                  f"cp {own}/certificate.pem {own}/root.pem; cp {own}/certificate.pem {got}/fullchain.pem; "
                  f"cp {own}/key.pem {got}/privkey.pem"])  # fmt: skip
    if name.endswith(".conf"):
        host.run(["sh", "-c", "cat > /tmp/site.conf; printf 'events {}\nhttp { include /tmp/site.conf; }\n' > "
                  "/tmp/nginx.conf"], stdin=text)  # fmt: skip
        tested = host.run(["nginx", "-t", "-c", "/tmp/nginx.conf"], check=False)
        assert tested.returncode == 0, tested.stderr
    else:
        host.run(["sh", "-c", "cat > /tmp/Caddyfile"], stdin=text)
        tested = host.run(["caddy", "validate", "--config", "/tmp/Caddyfile", "--adapter", "caddyfile"], check=False)
        assert tested.returncode == 0, tested.stderr
        assert host.run(["caddy", "fmt", "/tmp/Caddyfile"], check=False).stdout == text


def make_pair(folder: Path) -> Path:
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "30",
         "-keyout", folder / "own.key", "-out", folder / "own.pem", "-subj", f"/CN={NAMES[0]}",
         "-addext", f"subjectAltName={','.join(f'DNS:{name}' for name in NAMES)}"],
        check=True, capture_output=True)  # fmt: skip
    return folder
