"""Changes made by hand on a real host, by plain shell commands: each is found, as the drift of its task."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from controller import differences, inventory, listing

from provisioner.lab import LabHost

PLAYBOOK = """
- name: Site
  hosts: all
  tasks:
    - name: Settings
      template: {src: settings.j2, dest: /etc/app.conf, mode: "0640", owner: root}
    - name: Motd
      copy: {content: "welcome\\n", dest: /etc/motd, mode: "0644"}
    - name: Script
      copy: {content: "#!/bin/sh\\n", dest: /usr/local/bin/app, mode: "0755"}
    - name: Folder
      file: {path: /srv/data, state: directory, mode: "0750", owner: daemon, group: daemon}
    - name: Link
      file: {src: /srv/data, dest: /srv/link, state: link}
    - name: Absent
      file: {path: /etc/old.conf, state: absent}
    - name: Line
      lineinfile: {path: /etc/login.defs, regexp: "^UMASK", line: "UMASK 027"}
    - name: Block
      blockinfile: {path: /etc/hosts, block: "192.0.2.1 db"}
    - name: Group
      group: {name: staff2}
    - name: User
      user: {name: app, shell: /usr/sbin/nologin, groups: [staff2], password: "{{ hash }}"}
    - name: Job
      cron: {name: nightly, cron_file: app, user: root, minute: "5", hour: "3", job: /bin/true}
    - name: Kernel
      sysctl: {name: vm.swappiness, value: "10", sysctl_file: /etc/sysctl.d/50-app.conf, reload: false}
    - name: Unit
      copy:
        dest: /etc/systemd/system/app.service
        content: |
          [Service]
          ExecStart=/bin/sleep infinity
          [Install]
          WantedBy=multi-user.target
    - name: Service
      systemd_service: {name: app, state: started, enabled: true, daemon_reload: true}
    - name: Second
      copy: {content: "[Service]\\nExecStart=/bin/sleep infinity\\n", dest: /etc/systemd/system/two.service}
    - name: Running
      systemd_service: {name: two, state: started}
"""

BY_HAND = {
    "Settings": "sed -i s/8080/9090/ /etc/app.conf",
    "Motd": "chmod 0666 /etc/motd",
    "Script": "rm /usr/local/bin/app",
    "Folder": "chown root /srv/data",
    "Link": "ln -sfn /tmp /srv/link",
    "Absent": "touch /etc/old.conf",
    "Line": "sed -i 's/^UMASK.*/UMASK 022/' /etc/login.defs",
    "Block": "sed -i s/192.0.2.1/192.0.2.9/ /etc/hosts",
    "User": "usermod -s /bin/bash app",
    "Job": "sed -i s,/bin/true,/bin/false, /etc/cron.d/app",
    "Kernel": "sed -i 's/10/60/' /etc/sysctl.d/50-app.conf",
    "Unit": "echo Nice=5 >> /etc/systemd/system/app.service",
    "Service": "systemctl disable -q app",
    "Running": "systemctl stop two",
}
"""Task -> what somebody does to what it manages."""

CANARY = "$6$canary4711$Zm9vYmFy"


@pytest.fixture
def site(tmp_path: Path, shared_lab_host: LabHost) -> Path:
    (tmp_path / "site.yml").write_text(PLAYBOOK)
    (tmp_path / "settings.j2").write_text("port={{ port | default(8080) }}\n")
    inventory(tmp_path, [shared_lab_host])
    return tmp_path


def provision(site: Path, command: str, *more: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PROVISION_STATE_DIR": str(site / "state"), "PROVISION_HISTORY": "on"}
    return subprocess.run([sys.executable, "-m", "provisioner", command, "site.yml", "-i", "inventory.ini", "--json",
                           "-e", f"hash={CANARY}", *more], cwd=site, env=environment, text=True, capture_output=True,
                          check=False)  # fmt: skip


def findings(site: Path, *more: str) -> tuple[int, dict[str, str]]:
    ran = provision(site, "drift", *more)
    told: list[dict[str, Any]] = json.loads(ran.stdout)["findings"]
    return ran.returncode, {each["task"]["name"]: each["kind"] for each in told}


def test_every_change_by_hand_is_found_as_drift_and_checking_changes_nothing(
        site: Path, shared_lab_host: LabHost) -> None:  # fmt: skip
    applied = provision(site, "apply")
    assert applied.returncode == 0, applied.stdout[-2000:]
    assert [findings(site) for _ in range(3)] == [(0, {})] * 3
    for command in BY_HAND.values():
        shared_lab_host.run(["sh", "-c", command])
    before = listing(shared_lab_host)
    assert findings(site) == (2, dict.fromkeys(BY_HAND, "drifted"))
    code, found = findings(site, "-e", "port=7070")
    assert (code, found.pop("Settings"), set(found.values())) == (2, "pending", {"drifted"})
    assert differences(before, listing(shared_lab_host)) == {}
    assert provision(site, "apply").returncode == 0
    assert findings(site) == (0, {})
    assert [path for path in (site / "state").iterdir() if CANARY.encode() in path.read_bytes()] == []
