"""A lab host as a controller: the program and what it needs, installed under /opt/provision."""

from __future__ import annotations

import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

from provisioner.lab import LabHost

ROOT = Path(__file__).parent.parent.parent
PROGRAM = "/opt/provision/bin/provision"
_SCRIPT = """#!/usr/bin/python3
import sys
sys.path[:0] = ["/opt/provision/lib"]
from provisioner.cli.main import main
sys.exit(main())
"""


def install(host: LabHost) -> None:
    """With wheels for the host's Python, from where this machine's pip has them."""
    library = host.root / "opt/provision/lib"
    needed = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["dependencies"]
    subprocess.run([sys.executable, "-m", "pip", "install", "-qq", "--no-compile", "--target", library,
                    "--python-version", "3.11", "--only-binary=:all:", *needed], check=True, timeout=600)  # fmt: skip
    shutil.copytree(ROOT / "provisioner", library / "provisioner", ignore=shutil.ignore_patterns("__pycache__"))
    script = host.root / PROGRAM[1:]
    script.parent.mkdir()
    script.write_text(_SCRIPT)
    script.chmod(0o755)


def log_in_to_itself(host: LabHost) -> None:
    """Its root may, by the key `~/.ssh/checks`, and its own host key is known."""
    host.run(["sh", "-c", "mkdir -p -m 700 ~/.ssh; ssh-keygen -q -t ed25519 -N '' -f ~/.ssh/checks; "
              "cat ~/.ssh/checks.pub >> ~/.ssh/authorized_keys; "
              "sed 's/^/127.0.0.1 /' /etc/ssh/ssh_host_ed25519_key.pub >> ~/.ssh/known_hosts"])  # fmt: skip
