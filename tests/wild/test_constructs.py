"""Ten roles in the manner of public ones use what public ones use, and load."""

from __future__ import annotations

from provisioner.lang.load import load_playbook
from tests.wild.uses import FOLDER, uses, wanted

ROLES = {"app", "common", "deploy", "firewall", "git", "hardening", "nginx", "nodejs", "ntp", "security"}


def test_there_are_ten_roles_and_each_is_used() -> None:
    playbook, warnings = load_playbook(FOLDER / "site.yml")
    assert warnings == ()
    assert {path.name for path in (FOLDER / "roles").iterdir()} == ROLES
    assert {role.name for play in playbook.plays for role in play.used_roles} == ROLES


def test_they_use_every_construct_that_makes_up_95_per_cent_of_all_uses() -> None:
    assert wanted("80", "95") - uses().keys() == set()


def test_what_they_leave_out_is_rare() -> None:
    """An exact list: what is taken up belongs off it."""
    assert {name for _, name in wanted("99", "100") - uses().keys()} == {
        "ansible.posix.mount", "deb822_repository", "ec2", "firewalld", "gc_storage", "getent", "gluster_volume", "hg",
        "join", "mount", "openbsd_pkg", "pacman", "pause", "selinux", "snap", "zypper",
    }
