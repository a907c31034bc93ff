"""What on a host speaks against a deploy."""

from __future__ import annotations

import json
from typing import Any

import pytest

from provisioner.nextjs.detect import App
from provisioner.nextjs.findings import Finding, verdict
from provisioner.nextjs.preflight_host import GIB, MIB, Share, of_host, question
from provisioner.nextjs.settings import read_settings

NOW = 1_800_000_000.0
WHOLE = Share(arrives=True, builds=True)
ENGINES = {"package.json": json.dumps({"engines": {"node": ">=22.12"}})}


def host(**changes: Any) -> dict[str, Any]:
    """The facts of a fresh host, where nothing is in the way; `host__x` changes what the preflight looked at."""
    found: dict[str, Any] = {
        "node": {"installed": [], "machine": "x86_64", "arch": "x64"}, "packages": {}, "paths": {}, "releases": [],
        "proxy": {"unknown_names": []},
        "memory": {"MemTotal": 4 * GIB, "MemAvailable": 3 * GIB, "SwapFree": 0},
        "swap": {"size": 0, "active": False, "boot": False, "others": 0, "container": False},
        "host": {
            "root": True, "systemd": True, "systemd_version": 252, "apt": True, "time": NOW, "account": None,
            "taken": [], "listeners": [], "apps": [], "sites": [], "nginx_refuses": None, "calendars": {},
            "space": {"/srv/shop": {"free": 20 * GIB, "device": 1}, "/opt/node": {"free": 20 * GIB, "device": 1},
                      "/var/lib/provisioner": {"free": 20 * GIB, "device": 1}},
        },
    }  # fmt: skip
    for path, value in changes.items():
        group, _, name = path.partition("__")
        found[group] = {**found[group], name: value} if name else value
    return found


def listener(port: int, process: str = "python3", address: str = "0.0.0.0", unit: str = "") -> dict[str, Any]:
    return {"port": port, "address": address, "pid": 7, "process": process, "unit": unit}


def account(**changes: Any) -> dict[str, Any]:
    return {"uid": 1000, "shell": "/bin/bash", "home": "/home/shop", "comment": "", **changes}


def space(srv: int, opt: int, *, apart: bool = True) -> dict[str, Any]:
    return {"/srv/shop": {"free": srv, "device": 1}, "/opt/node": {"free": opt, "device": 2 if apart else 1},
            "/var/lib/provisioner": {"free": srv, "device": 1}}


def found(
    facts: dict[str, Any], share: Share = WHOLE, *, files: dict[str, str] | None = None, **args: Any
) -> tuple[Finding, ...]:
    settings = read_settings({"name": "shop", "source": "s", **args})
    return of_host(settings, App("16.4.5"), files or {}, facts, share, now=NOW)


def test_a_fresh_host_is_fine() -> None:
    assert found(host()) == ()


@pytest.mark.parametrize(("changes", "args", "words"), [
    ({"host__root": False, "host__systemd": False}, {}, "set `become: true`"),
    ({"host__systemd": False}, {}, "systemd does not run"),
    ({"host__systemd_version": 245}, {"credentials": {"db": "x"}},
     "`credentials` needs systemd 247, and this host has 245"),
    ({"node": {"installed": [], "machine": "riscv64", "arch": None}}, {},
     "no Node.js for this host's processor (riscv64)"),
    ({"host__apt": False}, {}, "lacks ca-certificates, nginx, libjemalloc2 and has no apt-get"),
    ({"node__installed": ["20.5.0"]}, {"node": "20"}, "`node` is 20.5.0 there, because that is installed"),
    ({"host__account": account()}, {}, "the user `shop` is there already and can log in (shell /bin/bash"),
    ({"host__account": account(uid=0, shell="/usr/sbin/nologin")}, {}, "`shop` is there already"),
    ({"host__taken": ["/etc/shop"]}, {}, "`name: shop` is taken on this host: /etc/shop is there"),
    ({"host__taken": ["/etc/shop", "/lib/systemd/system/shop.service"]}, {}, "are there and not of this app"),
    ({"host__listeners": [listener(3000, unit="api.service"), listener(3000, address="::")]}, {},
     "`port: 3000` is taken on this host by python3 (process 7, api.service) at 0.0.0.0"),
    ({"host__listeners": [listener(3000, address="127.0.0.1")]}, {}, "python3 (process 7) at 127.0.0.1"),
    ({"host__listeners": [listener(3000, address="10.0.0.1")]}, {"listen": "0.0.0.0"}, "is taken"),
    ({"host__listeners": [listener(3000, unit="shopping.service")]}, {}, "shopping.service"),
    ({"host__listeners": [listener(80, "apache2", unit="apache2.service")]}, {},
     "port 80 of this host is taken by apache2"),
    ({"host__listeners": [listener(80, "nginx", unit="nginx.service")]}, {"proxy": "caddy"},
     "taken by nginx (process 7, nginx.service), so caddy can't have it; stop and disable that, or set `proxy: nginx`"),
    ({"host__listeners": [listener(443, "haproxy")]}, {"domain": "a.com", "https": {"acme": {"email": "o@a.com"}}},
     "port 443 of this host is taken by haproxy"),
    ({"host__apps": [{"name": "blog", "ports": [3000]}]}, {}, "`port: 3000` is that of the app blog"),
    ({"host__sites": [{"file": "/etc/nginx/conf.d/x.conf", "names": ["a.com"], "app": None}]}, {"domain": "a.com"},
     "a.com is served by /etc/nginx/conf.d/x.conf already"),
    ({"host__sites": [{"file": "/etc/nginx/conf.d/blog.conf", "names": ["a.com"], "app": "blog"}]}, {"domain": "a.com"},
     "a.com is served by the app blog (/etc/nginx/conf.d/blog.conf)"),
    ({"host__sites": [{"file": "/etc/nginx/conf.d/blog.conf", "names": [], "app": "blog"}]}, {}, "set `domain`"),
    ({"host__nginx_refuses": "unknown directive"}, {}, "could not be reloaded: unknown directive"),
    ({"host__space": space(GIB, GIB)}, {},
     "has 1.0 GiB free, but should have 1.5 GiB (1.5 GiB at /srv/shop for a first build)"),
    ({"host__space": space(9 * GIB, 100 * MIB)}, {}, "300 MiB at /opt/node for Node.js"),
    ({"host__space": space(1700 * MIB, 1700 * MIB, apart=False)}, {}, "1.7 GiB free, but should have 1.8 GiB"),
    ({"releases": [{"size": GIB}, {"size": 1}], "host__space": space(2 * GIB, GIB)}, {},
     "3 releases like the last one"),
    ({"releases": [{"size": GIB, "added": 10 * MIB}], "host__space": space(GIB, GIB)}, {},
     "1.0 GiB at /srv/shop for a release like the last one, and 2 that differ from it as that did (10 MiB)"),
    ({"host__calendars": {"Mooday": "Failed to parse calendar"}},
     {"cron": [{"name": "x", "schedule": "Mooday", "command": "true"}]}, "the schedule of the job x is not one"),
    ({"swap__container": True}, {"swap": "2G"}, "this host is a container"),
    ({"host__space": space(3 * GIB, 3 * GIB)}, {"swap": "2G"}, "2.0 GiB at /var/lib/provisioner for the swap file"),
    ({"host__time": NOW - 3 * 86400}, {}, "3 days behind this machine's"),
])  # fmt: skip
def test_what_can_not_work_stops_the_deploy(changes: dict[str, Any], args: dict[str, Any], words: str) -> None:
    told = verdict(found(host(**changes), **args), builds=True)
    assert len(told.errors) == 1, told
    assert words in told.errors[0]
    assert not told.warnings


@pytest.mark.parametrize(("changes", "args", "words"), [
    ({"memory": {"MemAvailable": GIB, "SwapFree": GIB // 2}}, {}, "1.0 GiB of memory available and 512 MiB of swap"),
    ({}, {"build_memory_max": "4G"}, "`build_memory_max: 4.0 GiB` is more than the 3.0 GiB"),
    ({"proxy": {"unknown_names": ["a.com"]}}, {"domain": "a.com", "https": {"acme": {"email": "o@a.com"}}},
     "there is no address for a.com"),
    ({"host__time": NOW + 600}, {}, "10 minutes ahead of this machine's"),
])  # fmt: skip
def test_what_may_go_wrong_is_a_warning(changes: dict[str, Any], args: dict[str, Any], words: str) -> None:
    told = verdict(found(host(**changes), **args), builds=True)
    assert not told.errors
    assert len(told.warnings) == 1, told
    assert words in told.warnings[0]


@pytest.mark.parametrize(("changes", "share", "args"), [
    ({"host__account": account(comment="Next.js app shop")}, WHOLE, {}),
    ({"host__account": account(shell="/usr/sbin/nologin")}, WHOLE, {}),
    ({"host__account": account(), "paths": {"/srv/shop": {"group": "shop"}}}, WHOLE, {}),
    ({"host__listeners": [listener(3000, "node", "127.0.0.1", "shop.service"), listener(80, "nginx")]}, WHOLE, {}),
    ({"host__listeners": [listener(3000, "node", "127.0.0.1", "shop@a.service")]}, WHOLE, {}),
    ({"host__listeners": [listener(3000, address="10.0.0.1")]}, WHOLE, {}),
    ({"host__apps": [{"name": "blog", "ports": [3003]}]}, WHOLE, {}),
    ({"host__sites": [{"file": "/etc/nginx/sites-enabled/default", "names": [], "app": None}]}, WHOLE, {}),
    ({"host__sites": [{"file": "/x", "names": [], "app": None}], "host__nginx_refuses": "x"}, WHOLE, {"proxy": "none"}),
    ({"node__installed": ["22.3.0"], "host__space": space(0, 0)}, Share(arrives=False, builds=False), {}),
    ({"memory": {"MemAvailable": 1, "SwapFree": 0}}, Share(arrives=True, builds=False), {}),
    ({"host__space": space(700 * MIB, GIB)}, Share(arrives=True, builds=False), {}),
    ({"memory": {"MemAvailable": GIB, "SwapFree": GIB}}, WHOLE, {}),
    ({"memory": {"MemAvailable": GIB, "SwapFree": 0}}, WHOLE, {"swap": "2G"}),
    ({"swap": {"size": 0, "others": 4 * GIB, "container": True}}, WHOLE, {"swap": "2G"}),
    ({"host__apt": False, "packages": {"ca-certificates": True, "nginx": True, "libjemalloc2": True}}, WHOLE, {}),
    ({"host__time": NOW + 60}, WHOLE, {}),
])  # fmt: skip
def test_what_is_fine_is_not_talked_about(changes: dict[str, Any], share: Share, args: dict[str, Any]) -> None:
    assert found(host(**changes), share, **args) == ()


def test_an_installed_node_that_engines_refuse_stops_the_deploy() -> None:
    told = verdict(found(host(node__installed=["22.3.0"]), files=ENGINES), builds=True)
    assert "wants Node.js `>=22.12`" in told.errors[0]
    assert "22.3.0 there" in told.errors[0]
    assert found(host(node__installed=["22.13.0"]), files=ENGINES) == ()


def test_the_host_is_asked_about_what_the_app_needs() -> None:
    settings = {"name": "shop", "source": "s", "domain": "a.com", "port": 3005}
    assert question(read_settings(settings)) == {
        "ports": [3005, 3006, 3007, 80], "domains": ["a.com"], "server": "nginx", "calendars": [],
            "credentials": False}  # fmt: skip
    assert question(read_settings({**settings, "proxy": "none"}))["ports"] == [3005]
    own = {"certificate": "c", "key": "k"}
    assert question(read_settings({**settings, "proxy": "caddy", "https": own}))["ports"][-2:] == [80, 443]
