"""Every package manager installs and builds on a host, in the version that the app's files or the settings name."""

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
    - nextjs_app: {{name: shop, source: app, package_manager: {manager}}}
"""


@pytest.fixture(scope="module")
def host(lab: Lab) -> Iterator[LabHost]:
    with ExitStack() as cleanup:
        hosts = lab.up(count=1, packages=("nginx", "libjemalloc2"))
        cleanup.callback(lab.down, [host.name for host in hosts])
        yield hosts[0]


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize(("files", "setting", "tool", "version"), [
    (None, "npm@10.8.2", "npm", "10.8.2"),
    ("pnpm", "pnpm@9.15.0", "pnpm", "9.15.0"),
    ("pnpm", "null", "pnpm", "10."),
    ("yarn-classic", "null", "yarn", "1.22."),
    ("yarn-berry", "null", "@yarnpkg/cli-dist", "4."),
    ("bun", "null", "bun", "1."),
])  # fmt: skip
def test_a_package_manager_installs_and_builds(
    files: str | None, setting: str, tool: str, version: str, host: LabHost, tmp_path: Path
) -> None:
    app = tmp_path / "app"
    shutil.copytree(APPS / "app-router", app, ignore=shutil.ignore_patterns("node_modules", ".next"))
    if files:
        (app / "package-lock.json").unlink()
        shutil.copytree(APPS / "managers" / files, app, dirs_exist_ok=True)
    playbook = tmp_path / "site.yml"
    playbook.write_text(PLAYBOOK.format(manager=setting))
    ran = provision(tmp_path, "apply", "-i", str(inventory(tmp_path, [host])), str(playbook), timeout=850)
    assert ran.code == 0, (ran.results("failed", "unreachable"), ran.stderr)
    with urllib.request.urlopen(f"http://{host.address}/", timeout=60) as answer:
        assert "app-router says" in answer.read().decode()
    package = f"/srv/shop/build/tools/node_modules/{tool}/package.json"
    assert f'"version": "{version}' in host.run(["cat", package]).stdout
