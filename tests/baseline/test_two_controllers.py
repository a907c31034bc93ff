"""Two controllers of one site on a real host: what one has applied the other one knows."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from controller import inventory

from provisioner.lab import LabHost
from tests.drift.hosts import apply, findings

PLAY = """\
- name: Site
  hosts: all
  gather_facts: false
  tasks:
    - name: Motd
      copy: {{dest: /etc/motd, content: "{text}\\n"}}
"""
FILES = "/var/lib/provisioner/baselines"


def controller(folder: Path, host: LabHost, text: str = "Welcome") -> Path:
    folder.mkdir(exist_ok=True)
    (folder / "site.yml").write_text(PLAY.format(text=text))
    inventory(folder, [host])
    return folder


def found(site: Path) -> list[tuple[str, str]]:
    return [(each["kind"], each["reason"]) for each in findings(site)[1]]


def test_every_controller_of_a_site_tells_drift_from_what_is_pending(tmp_path: Path, lab_host: LabHost,
                                                                      monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "password").write_text("open sesame\n")
    (tmp_path / "password").chmod(0o600)
    monkeypatch.setenv("ANSIBLE_VAULT_PASSWORD_FILE", str(tmp_path / "password"))
    one, other, foreign = (controller(tmp_path / name, lab_host) for name in ("one", "other", "foreign"))
    command = [sys.executable, "-m", "provisioner", "vault", "site-key", "-i", "inventory.ini"]
    subprocess.run(command, cwd=one, check=True, env={**os.environ, "PROVISION_STATE_DIR": str(one / "state")})
    (other / "provision.site-key").write_bytes((one / "provision.site-key").read_bytes())

    apply(one)
    assert lab_host.run(["stat", "-c", "%a %U", FILES]).stdout == "700 root\n"
    assert "motd" not in lab_host.run(["sh", "-c", f"cat {FILES}/*"]).stdout
    file = lab_host.run(["sh", "-c", f"echo {FILES}/*"]).stdout.strip()
    assert lab_host.run(["stat", "-c", "%a %U", file]).stdout == "600 root\n"

    lab_host.run(["sh", "-c", "echo by hand > /etc/motd"])
    assert found(other) == [("drifted", "")]
    controller(other, lab_host, "Another text")
    assert found(other) == [("pending", "")]
    another = "never applied from here, and the record on the host is signed with another key"
    assert found(foreign) == [("pending", another)]

    apply(other)  # what is newer counts for the first one too
    lab_host.run(["sh", "-c", "echo by hand > /etc/motd"])
    assert found(one) == [("pending", "")]
    assert found(other) == [("drifted", "")]

    kept = lab_host.run(["cat", file]).stdout
    unchanged = lab_host.run(["stat", "-c", "%Y", file]).stdout
    controller(one, lab_host, "Another text")
    assert found(one) == [("drifted", "")]
    assert lab_host.run(["stat", "-c", "%Y", file]).stdout == unchanged

    for spoilt in (kept.replace('","', '","0', 1).replace('[["', '[["0', 1), "nonsense"):
        lab_host.run(["tee", file], stdin=spoilt)
        assert found(one)[0][0] == "pending"
