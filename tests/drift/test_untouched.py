"""What a check leaves on a host: every file with its attributes and times, before and after, but for access times."""

from __future__ import annotations

import json
from collections.abc import Callable
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

import pytest
from controller import differences, inventory

from provisioner.lab import LabHost, LabUser
from tests.drift.catalogue import DRIFTS, REPOSITORY, SETUP, WATCHED_BEFORE, WATCHES
from tests.drift.hosts import apply, by_shell, findings, site_of

EVERYTHING = r"""
import hashlib, json, os, stat, sys
found = {}
def note(path):
    st = os.lstat(path)
    digest = ""
    if stat.S_ISLNK(st.st_mode): digest = os.readlink(path)
    elif stat.S_ISREG(st.st_mode): digest = hashlib.sha256(open(path, "rb").read()).hexdigest()
    found[path] = [oct(st.st_mode), st.st_uid, st.st_gid, digest, st.st_mtime_ns, st.st_ctime_ns, st.st_ino]
for top, directories, files in os.walk("/"):
    if top == "/": directories[:] = [name for name in directories if name not in ("proc", "sys", "dev")]
    for name in directories + files:
        note(os.path.join(top, name))
json.dump(found, sys.stdout)
"""

OF_A_LOGIN = {
    "/var/log/journal/*": "who logged in, by sshd, sudo and systemd-logind",
    "/run": "the folder of the next two",
    "/run/motd.dynamic": "the message of the day, put together anew by pam_motd",
    "/run/systemd/*": "sessions, by systemd-logind, while they last",
    "/var/lib/systemd/*": "clocks of the host's own timers",
}
"""Pattern -> what it is: all of the login, whoever logs in and whatever for, or of the host itself."""


def everything(host: LabHost) -> dict[str, list[Any]]:
    found: dict[str, list[Any]] = json.loads(host.run(["python3", "-I", "-c", EVERYTHING]).stdout)
    return found


def not_of_a_login(left: dict[str, Any]) -> dict[str, Any]:
    return {path: change for path, change in left.items() if not any(fnmatch(path, each) for each in OF_A_LOGIN)}


@pytest.mark.parametrize(("user", "words"), [
    pytest.param("root", "", marks=pytest.mark.slow), ("eve", "ansible_become=true"),
])
def test_a_check_leaves_nothing_but_the_traces_of_its_login(
        tmp_path: Path, lab_hosts: Callable[..., list[LabHost]], user: str, words: str) -> None:
    (host,) = lab_hosts(1, users=(LabUser("eve", sudo="nopasswd"),))
    by_shell(host, REPOSITORY, SETUP, WATCHED_BEFORE)
    site = site_of(tmp_path, [host], "".join(f"    - name: {each.name}\n      {each.task}\n" for each in DRIFTS))
    inventory(site, [host], f"ansible_user={user} {words}")
    (site / "drift.yml").write_text(WATCHES)
    (site / "settings.j2").write_text("port=8080\n")
    apply(site)
    by_hand = DRIFTS[0]
    for changed in (True, False):
        if changed:
            by_shell(host, by_hand.hand)
        else:
            apply(site)
        findings(site)  # the runner keeps code that it did not need before
        before = everything(host)
        code, found = findings(site)
        assert (code, [each["task"]["name"] for each in found]) == ((2, [by_hand.name]) if changed else (0, []))
        assert not_of_a_login(differences(before, everything(host))) == {}
