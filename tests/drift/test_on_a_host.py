"""Changes made by hand on a real host, by plain shell commands: each is found, as the drift of its task."""

from __future__ import annotations

import calendar
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

from controller import differences, listing

from provisioner.lab import LabHost, LabUser
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


def test_a_finding_tells_when_it_came_about_and_who_had_logged_in(
        tmp_path: Path, lab_hosts: Callable[..., list[LabHost]]) -> None:
    (host,) = lab_hosts(1, users=(LabUser("eve", sudo="nopasswd"),))
    by_shell(host, REPOSITORY, SETUP)
    site = site_of(tmp_path, [host], """
    - {name: Motd, copy: {content: "welcome\\n", dest: /etc/motd}}
    - {name: Gone, copy: {content: "it was here\\n", dest: /srv/gone}}
    - {name: Package, apt: {name: wanted}}
    - {name: Running, systemd_service: {name: app, state: started}}
    - {name: Enabled, systemd_service: {name: two, enabled: true}}
""")
    apply(site)
    began = time.time()
    by_hand = ("systemctl -q disable two; echo hello > /etc/motd; rm /srv/gone; apt-get -qq remove wanted;"
               " systemctl stop app")
    subprocess.run([*host.ssh_command("eve"), f"sudo sh -c '{by_hand}'"], check=True, capture_output=True)
    ended = time.time()
    code, found = findings(site)
    hints = {each["task"]["name"]: each["hint"] for each in found}
    assert (code, {each["kind"] for each in found}) == (2, {"drifted"})
    for name, words in {
        "Motd": "its content or attributes were changed", "Gone": "the last change in /srv",
        "Package": "removed, asked for by eve", "Running": "it was started or stopped",
        "Enabled": "units were enabled or disabled in multi-user.target.wants",
    }.items():  # fmt: skip
        moment, _, rest = hints[name].partition(" UTC: ")
        assert began - 2 < calendar.timegm(time.strptime(moment, "%Y-%m-%d %H:%M:%S")) < ended + 2, hints
        assert rest.startswith(f"{words}\nin the hour before: "), hints
        assert "root from sudo of eve (" in rest, hints
        assert f"eve from {host.address.rpartition('.')[0]}." in rest, hints
