"""Changes made by hand on a real host, by plain shell commands: each is found, as the drift of its task."""

from __future__ import annotations

from pathlib import Path

from controller import differences, listing

from provisioner.lab import LabHost
from tests.drift.catalogue import DRIFTS, REPOSITORY, SETUP
from tests.drift.hosts import CANARY, apply, by_shell, findings, site_of


def kinds(site: Path, *more: str) -> tuple[int, dict[str, str]]:
    code, found = findings(site, *more)
    return code, {each["task"]["name"]: each["kind"] for each in found}


def test_every_change_by_hand_is_found_as_drift_and_checking_changes_nothing(tmp_path: Path, lab_host: LabHost) -> None:
    by_hand = {drift.name: drift.hand for drift in DRIFTS}
    by_shell(lab_host, REPOSITORY, SETUP)
    site = site_of(tmp_path, [lab_host], "".join(f"    - name: {each.name}\n      {each.task}\n" for each in DRIFTS))
    (tmp_path / "settings.j2").write_text("port={{ port | default(8080) }}\n")
    apply(site)
    assert kinds(site) == (0, {})
    by_shell(lab_host, *by_hand.values())
    before = listing(lab_host)
    code, found = kinds(site)
    assert {name: found.get(name) for name in {*by_hand, *found} if found.get(name) != "drifted"} == {}
    assert (code, len(found)) == (2, len(by_hand))
    code, found = kinds(site, "-e", "port=7070")
    assert (code, found.pop("Settings"), set(found.values())) == (2, "pending", {"drifted"})
    assert differences(before, listing(lab_host)) == {}
    apply(site)
    assert kinds(site) == (0, {})
    assert [path for path in (site / "state").iterdir() if CANARY.encode() in path.read_bytes()] == []
