"""The preflight on a real host: everything in the way is named at once, and nothing is changed."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from provisioner.actions import nextjs_app
from provisioner.events import Step
from provisioner.lab import LabHost
from provisioner.messages import Target
from provisioner.nextjs import plan
from provisioner.testing.driving import Shown, bench
from provisioner.values import HostName

OBSTACLES = """
systemd-run --quiet --unit squatter python3 -m http.server 3000 --bind 127.0.0.1
systemd-run --quiet --unit oldweb python3 -m http.server 80
useradd --create-home --shell /bin/bash shop
mount -t tmpfs -o size=64m none /srv
mkdir -p /etc/shop /etc/nginx/conf.d /etc/nginx/sites-enabled
echo other > /etc/shop/theirs.conf
printf 'server { listen 80; server_name shop.example.com; }' > /etc/nginx/conf.d/old.conf
echo '# Made by provision for the app blog; …' | tee /etc/nginx/conf.d/blog.conf > /etc/systemd/system/blog.service
echo 'server { server_name www.shop.example.com; }' >> /etc/nginx/conf.d/blog.conf
echo 'X-Listen=127.0.0.1:3000' >> /etc/systemd/system/blog.service
ln -s /dev/null /etc/systemd/system/masked.service
printf '#!/bin/sh\necho "nginx: [emerg] unknown directive \\"nonsense\\"" >&2; exit 1\n' > /usr/sbin/nginx
chmod +x /usr/sbin/nginx
systemd-run --quiet --unit nginx sleep 1000
until ss -ltnH | grep -q :3000 && ss -ltnH | grep -q :80; do sleep 0.05; done
"""


@pytest.fixture
def source(tmp_path: Path) -> Path:
    folder = tmp_path / "app"
    folder.mkdir()
    versions = {"next": "16.4.5", "react": "19.2.0", "react-dom": "19.2.0"}
    package = {"scripts": {"build": "next build", "start": "HOSTNAME=x next start"}, "dependencies": versions}
    lock = {"packages": {f"node_modules/{name}": {"version": version} for name, version in versions.items()}}
    (folder / "package.json").write_text(json.dumps(package))
    (folder / "package-lock.json").write_text(json.dumps(lock))
    return folder


def deploy(host: LabHost, source: Path, *, check: bool, **more: Any) -> tuple[Mapping[str, Any], Shown, int]:
    name = HostName(host.name)
    target = Target(name, address=host.address, user="root", key_files=(str(host.key_file),),
                    known_hosts=(str(host.known_hosts),))  # fmt: skip
    args = {"name": "shop", "source": str(source), "domain": ["shop.example.com", "www.shop.example.com"], **more}
    with bench([target], args, scratch=source.parent, check=check) as run:
        result = nextjs_app.run_batch(run.calls)[name]
        return result, run.shown[name], run.calls[0].round_trips


def state(host: LabHost) -> str:
    return host.run(["sh", "-c", "find /etc /srv /opt /usr/sbin -xdev -printf '%p %M %u %g %s %T@\n' | sort"]).stdout


def test_a_fresh_host_passes_and_hears_warnings_of_the_source(shared_lab_host: LabHost, source: Path) -> None:
    result, shown, _ = deploy(shared_lab_host, source, check=True)
    assert not result.get("failed"), result
    assert next(iter(shown.steps.items())) == (plan.PREFLIGHT, "ok")
    assert any("HOSTNAME=x" in warning for warning in shown.warnings)


def test_all_that_is_in_the_way_is_named_at_once_and_nothing_is_changed(
    shared_lab_host: LabHost, source: Path
) -> None:
    shared_lab_host.run(["sh", "-ec", OBSTACLES])
    before = state(shared_lab_host)
    predicted, shown, trips = deploy(shared_lab_host, source, check=True, env={"NEXT_PUBLIC_A": "1"}, node="18")
    done = deploy(shared_lab_host, source, check=False, env={"NEXT_PUBLIC_A": "1"}, node="18")[0]
    assert trips == 1
    assert predicted["msg"] == done["msg"]
    for words in (
        "9 things are in the way",
        "needs Node.js 20.9",
        "`port: 3000` is taken on this host by python3 (process ",
        ", squatter.service) at 127.0.0.1",
        "port 80 of this host is taken by python3",
        "the user `shop` is there already and can log in",
        "`name: shop` is taken on this host: /etc/shop",
        "shop.example.com is served by /etc/nginx/conf.d/old.conf",
        "www.shop.example.com is served by the app blog",
        "nginx refuses the configuration that is on this host",
        "nonsense",
        "64 MiB free, but should have 1.5 GiB",
        "Nothing was changed",
    ):
        assert words in done["msg"]
    assert [(event.name, event.status) for event in shown.events if isinstance(event, Step)] == [
        (plan.PREFLIGHT, "failed")
    ]
    assert state(shared_lab_host) == before


def test_a_port_of_another_app_counts_while_that_app_is_stopped(shared_lab_host: LabHost, source: Path) -> None:
    shared_lab_host.run(["systemctl", "stop", "squatter"])
    message = deploy(shared_lab_host, source, check=True)[0]["msg"]
    assert "`port: 3000` is that of the app blog" in message
