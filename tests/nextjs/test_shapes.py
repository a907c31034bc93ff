"""Apps of different shape, deployed by the real program from one playbook in which only `source` differs.

All go to one host as the same app, so the shapes also take each other's place there.
"""

from __future__ import annotations

import re
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from controller import Ran, inventory, provision

from provisioner.lab import Lab, LabHost

APPS = Path(__file__).parent / "apps"
PLAYBOOK = """- hosts: all
  become: true
  tasks:
    - name: Run the shop
      nextjs_app:
        name: shop
        source: {source}
        env:
          GREETING: Hello
"""


@pytest.fixture(scope="module")
def host(lab: Lab) -> Iterator[LabHost]:
    with ExitStack() as cleanup:
        hosts = lab.up(count=1, packages=("nginx", "libjemalloc2"))
        cleanup.callback(lab.down, [host.name for host in hosts])
        yield hosts[0]


def apply(folder: Path, host: LabHost, source: Path) -> Ran:
    playbook = folder / "site.yml"
    playbook.write_text(PLAYBOOK.format(source=source))
    return provision(folder, "apply", "-i", str(inventory(folder, [host])), str(playbook), timeout=850)


def text(host: LabHost, path: str = "/") -> str:
    """What a page says, without its tags."""
    with urllib.request.urlopen(f"http://{host.address}{path}", timeout=60) as answer:
        return re.sub(r"<[^>]*>", "", answer.read().decode())


def live(host: LabHost, command: str) -> str:
    """What a command says in the release that is live."""
    return host.run(["sh", "-c", f"cd /srv/shop/current/ && {command}"]).stdout.strip()


def command_line(host: LabHost) -> str:
    return host.run(["sh", "-c", "systemctl show 'shop@*' -p ExecStart --value --state=active"]).stdout


@pytest.mark.timeout(900)
@pytest.mark.parametrize(("app", "server"), [
    ("app-router", "next start"),
    ("monorepo", "server.js"),
    pytest.param("pages-only", "next start", marks=pytest.mark.slow),
    pytest.param("typescript", "next start", marks=pytest.mark.slow),
])  # fmt: skip
def test_every_shape_is_deployed_by_the_same_playbook(app: str, server: str, host: LabHost, tmp_path: Path) -> None:
    ran = apply(tmp_path, host, APPS / app)
    assert ran.code == 0, (ran.results("failed", "unreachable"), ran.stderr)
    assert f"{app} says Hello" in text(host)
    assert server in command_line(host)
    again = apply(tmp_path, host, APPS / app)
    assert again.names("changed") == [], again.results("changed")


@pytest.mark.timeout(900)
def test_a_standalone_release_of_a_workspace_has_only_what_the_server_needs(host: LabHost, tmp_path: Path) -> None:
    ran = apply(tmp_path, host, APPS / "monorepo")
    assert ran.code == 0, (ran.results("failed", "unreachable"), ran.stderr)
    assert int(live(host, "du -sm . | cut -f1")) < 100
    assert live(host, "ls apps/web/server.js .next/BUILD_ID") == ".next/BUILD_ID\napps/web/server.js"
    assert live(host, "ls -d packages pnpm-lock.yaml node_modules/.pnpm/typescript* 2>/dev/null || true") == ""
    request = urllib.request.Request(
        f"http://{host.address}/_next/image?url=%2Fdot.png&w=64&q=75", headers={"Accept": "image/webp"}
    )
    with urllib.request.urlopen(request, timeout=60) as answer:  # by sharp, which the build traced
        assert answer.headers["Content-Type"] == "image/webp"
    script = re.findall(r'/_next/static/[^"]+\.js', urllib.request.urlopen(f"http://{host.address}/").read().decode())[0]
    with urllib.request.urlopen(f"http://{host.address}{script}", timeout=60) as answer:
        assert answer.status == 200
