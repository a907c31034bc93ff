"""H6 and the live area on a real terminal: tmux keeps what somebody would see."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

PLAYBOOK = r"""
- name: Live
  hosts: all
  gather_facts: false
  tasks:
    - name: Build
      shell: "i=0; while [ ! -e go ]; do i=$((i+1)); echo part $i; sleep 0.1; done"
      args: {chdir: "%s"}
    - name: Hostile
      debug: {msg: "a\e[2J\e]0;owned\a\rb"}
"""


@dataclass(frozen=True, slots=True)
class Tmux:
    socket: Path

    def __call__(self, *arguments: str) -> str:
        return subprocess.run(["tmux", "-S", str(self.socket), "-f", "/dev/null", *arguments], check=True,
                              capture_output=True, text=True, timeout=20).stdout

    def screen(self, *, scrolled: bool = False) -> list[str]:
        return self("capture-pane", "-p", *(["-S", "-"] if scrolled else [])).rstrip("\n").splitlines()

    def wait(self, holds: Callable[[list[str]], bool]) -> list[str]:
        limit = time.monotonic() + 60
        while not holds(screen := self.screen()):
            assert time.monotonic() < limit, "\n".join(screen)
            time.sleep(0.1)
        return screen


@pytest.fixture
def tmux(tmp_path: Path) -> Iterator[Tmux]:
    if shutil.which("tmux") is None:
        if os.environ.get("CI") == "true":
            pytest.fail("tmux must be installed here")
        pytest.skip("tmux is not installed")
    run = Tmux(tmp_path / "tmux")
    (tmp_path / "site.yml").write_text(PLAYBOOK % tmp_path)
    command = [sys.executable, "-m", "provisioner", "apply", "site.yml", "-i", "h1,h2", "-c", "local"]
    shell = (f"cd {shlex.quote(str(tmp_path))}; unset CI NO_COLOR; export PROVISION_STATE_DIR={tmp_path}/state; "
             f"{shlex.join(command)}; echo ended with $?; read end")
    run("new-session", "-d", "-x", "100", "-y", "14", "sh", "-c", shell)
    try:
        yield run
    finally:
        run("kill-server")


def test_the_live_area_shows_busy_hosts_and_is_gone_at_the_end(tmux: Tmux, tmp_path: Path) -> None:
    busy = tmux.wait(lambda screen: sum("Build | part" in line for line in screen) == 2)
    assert busy[-3].startswith("TASK [Build] ***")
    assert {line.split()[0] for line in busy[-2:]} == {"h1", "h2"}  # in the order in which they began

    (tmp_path / "go").touch()
    tmux.wait(lambda screen: screen[-1:] == ["ended with 0"])
    text = tmux.screen(scrolled=True)
    assert not any("Build | part" in line for line in text)
    wanted = ["PLAY [Live] ", "TASK [Build] ", "changed: [h1]", "changed: [h2]", "TASK [Hostile] ", "PLAY RECAP "]
    assert all(any(line.startswith(start) for line in text) for start in wanted)
    assert sum('"msg": "a\\u001b[2J\\u001b]0;owned\\u0007\\u000db"' in line or
               r'"msg": "a\u001b[2J\u001b]0;owned\u0007\rb"' in line for line in text) == 2
    assert "owned" not in tmux("display-message", "-p", "#{pane_title}")
