"""`git` over SSH, with a stand-in for ssh that writes down how it was called."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from provisioner.testing.inprocess import run_module


@pytest.mark.parametrize(("repo", "accepts", "warned"), [
    ("git@git.example.com:shop.git", True, True), ("ssh://git@git.example.com/shop.git", True, True),
    ("git@git.example.com:shop.git", False, False),
])
def test_accept_hostkey_trusts_new_servers_alone(repo: str, accepts: bool, warned: bool, tmp_path: Path) -> None:
    said = tmp_path / "said"
    ssh = tmp_path / "bin" / "ssh"
    ssh.parent.mkdir()
    ssh.write_text(f'#!/bin/sh\necho "$*" >> {said}\nexit 255\n')
    ssh.chmod(0o755)
    arguments: dict[str, Any] = {"repo": repo, "dest": str(tmp_path / "copy"), "accept_hostkey": accepts}
    result = run_module("git", arguments, env={"PATH": f"{ssh.parent}:/usr/bin:/bin"})
    assert result["failed"]
    assert f"StrictHostKeyChecking={'accept-new' if accepts else 'yes'}" in said.read_text()
    assert any("accept_newhostkey" in warning for warning in result.get("warnings", ())) == warned


def test_accept_hostkey_says_nothing_where_there_is_no_ssh(tmp_path: Path) -> None:
    result = run_module("git", {"repo": "file:///nowhere", "dest": str(tmp_path / "copy"), "accept_hostkey": True})
    assert "warnings" not in result
