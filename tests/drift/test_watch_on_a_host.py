"""The watch list on a real host: what somebody adds by hand is found, and what a host does by itself is not."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from controller import differences, listing

from provisioner.lab import LabHost
from tests.drift.catalogue import BY_ITSELF, PASSWORD, REPOSITORY, WATCHED, WATCHED_BEFORE, WATCHES
from tests.drift.hosts import apply, by_shell, findings, provision, site_of

TASKS = r"""    - name: Managed
      copy: {content: "x\n", dest: /srv/managed/own.conf}
"""

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
    silent = {(each["task"]["name"], each["item"]) for each in found if not each["hint"]}
    assert {watch for watch, _ in silent} == {"ports", "reboot", "certificates", "security_updates"}
    hints = {each["item"]: each["hint"] for each in found}
    assert " UTC: installed: 1.0" in hints["stray"]
    assert " UTC: removed" in hints["known"]
    assert " UTC: it was started or stopped" in hints["broken.service"]
    assert differences(before, listing(lab_host)) == {}

    apply(site)
    needs_attention = {"failed_units", "reboot", "certificates", "security_updates"}
    assert {each["task"]["name"] for each in findings(site)[1]} == needs_attention
    assert [path for path in (site / "state").iterdir() if PASSWORD.encode() in path.read_bytes()] == []
    only_plan = provision(site, "plan").stdout.splitlines()
    assert "host_survey" not in {json.loads(line).get("module") for line in only_plan}
