"""`mode: standalone` on every version of Next.js, for an app whose next.config says nothing of it."""

from __future__ import annotations

import shutil
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from controller import inventory, provision

from provisioner.lab import Lab, LabHost

APPS = Path(__file__).parent / "apps"
PLAYBOOK = """- hosts: all
  become: true
  tasks:
    - nextjs_app: {name: shop, source: app, mode: standalone, env: {GREETING: Hello}}
"""


@pytest.fixture(scope="module")
def host(lab: Lab) -> Iterator[LabHost]:
    with ExitStack() as cleanup:
        hosts = lab.up(count=1, packages=("nginx", "libjemalloc2"))
        cleanup.callback(lab.down, [host.name for host in hosts])
        yield hosts[0]


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize("version", [12, 13, 14, 15, 16])
def test_a_standalone_release_needs_no_line_in_the_configuration(version: int, host: LabHost, tmp_path: Path) -> None:
    app = tmp_path / "app"
    shutil.copytree(APPS / "pages-only/pages", app / "pages")
    shutil.copytree(APPS / "monorepo/apps/web/public", app / "public")
    for name in ("package.json", "package-lock.json"):
        shutil.copy(APPS / f"next{version}" / name, app)
    playbook = tmp_path / "site.yml"
    playbook.write_text(PLAYBOOK)
    ran = provision(tmp_path, "apply", "-i", str(inventory(tmp_path, [host])), str(playbook), timeout=850)
    assert ran.code == 0, (ran.results("failed", "unreachable"), ran.stderr)
    with urllib.request.urlopen(f"http://{host.address}/", timeout=60) as answer:
        assert "Hello" in answer.read().decode()
    assert "server.js" in host.run(["sh", "-c", "systemctl show 'shop@*' -p ExecStart --value --state=active"]).stdout
    assert int(host.run(["du", "-sm", "/srv/shop/current/"]).stdout.split()[0]) < 130
    assert host.run(["sh", "-c", "ls /srv/shop/current/pages 2>/dev/null || true"]).stdout == ""
    request = urllib.request.Request(
        f"http://{host.address}/_next/image?url=%2Fdot.png&w=64&q=75", headers={"Accept": "image/webp"}
    )
    with urllib.request.urlopen(request, timeout=60) as answer:
        assert answer.headers["Content-Type"] == "image/webp"
    assert "sharp" not in host.run(["sh", "-c", "journalctl -u 'shop@*' -o cat --no-pager | grep -i missing || true"]).stdout
