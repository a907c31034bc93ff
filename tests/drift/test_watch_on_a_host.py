"""The watch list on a real host: what somebody adds by hand is found, and what a host does by itself is not."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from controller import differences, listing

from provisioner.lab import LabHost
from tests.drift.catalogue import PASSWORD, REPOSITORY, WATCHED, WATCHED_BEFORE
from tests.drift.hosts import apply, by_shell, findings, provision, site_of

WATCHES = """
watch:
  - hosts: all
    what: [packages, ports, users, sudoers, authorized_keys, units, crontabs, failed_units, reboot, security_updates,
           certificates, disk: {below: 0.01 %}, files: {in: [/srv/managed]}]
"""
TASKS = r"""    - name: Managed
      copy: {content: "x\n", dest: /srv/managed/own.conf}
"""

BY_ITSELF = r"""
set -e
. /srv/tools.sh
refresh tests
find /var/lib/apt/lists -type f -exec touch {} +
printf 'x\n' >> /var/log/daily.log
mv /var/log/daily.log /var/log/daily.log.1; gzip -f /var/log/daily.log.1; touch /var/log/daily.log
systemctl restart ssh.service systemd-journald.service
journalctl -q --rotate; journalctl -q --vacuum-files=1
dpkg-reconfigure -f noninteractive openssh-server > /dev/null 2>&1
build known 1.1 /srv/later; dpkg -i /srv/later/known_1.1_all.deb > /dev/null
systemd-tmpfiles --clean; systemctl daemon-reload; systemctl start apt-daily.timer
for i in $(seq 600); do ssh-keyscan -T 2 127.0.0.1 > /dev/null 2>&1 && break; sleep 0.1; done
"""
"""What happens on every server on every day."""


@pytest.fixture
def site(tmp_path: Path, lab_host: LabHost) -> Path:
    by_shell(lab_host, REPOSITORY, WATCHED_BEFORE)
    (tmp_path / "drift.yml").write_text(WATCHES)
    return site_of(tmp_path, [lab_host], TASKS)


def test_what_nobody_declared_is_found_and_what_happens_by_itself_is_not(site: Path, lab_host: LabHost) -> None:
    code, found = findings(site)
    assert (code, {each["kind"] for each in found}) == (1, {"pending", "unknown"})
    apply(site)
    assert findings(site) == (0, [])
    by_shell(lab_host, BY_ITSELF)
    assert findings(site) == (0, [])

    by_shell(lab_host, *(each.hand for each in WATCHED))
    before = listing(lab_host)
    code, found = findings(site)
    told = sorted((each["task"]["name"], each["item"]) for each in found)
    assert (code, told) == (2, sorted((each.watch, each.item) for each in WATCHED))
    assert {(each["kind"], each["play"], each["task"]["path"]) for each in found} == {
        ("unmanaged", "Site: watch list", "drift.yml:3")}  # fmt: skip
    assert differences(before, listing(lab_host)) == {}

    apply(site)
    needs_attention = {"failed_units", "reboot", "certificates", "security_updates"}
    assert {each["task"]["name"] for each in findings(site)[1]} == needs_attention
    assert [path for path in (site / "state").iterdir() if PASSWORD.encode() in path.read_bytes()] == []
    only_plan = provision(site, "plan").stdout.splitlines()
    assert "host_survey" not in {json.loads(line).get("module") for line in only_plan}
